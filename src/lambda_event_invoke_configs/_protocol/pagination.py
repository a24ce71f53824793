"""The rules of pagination, and the tokens that resume it. No I/O.

A listing is requested page by page: a request without a marker returns the first page, and each page's
`NextMarker` is the `Marker` of the next request, until a page has none. `PaginationConfig` says where to
start (`StartingToken`), how many configurations to request at a time (`PageSize`, sent as `MaxItems`) and how
many to return in all (`MaxItems`, never sent).

`Pagination` is one pass over the pages. Its state is a `Position`: the marker to request with, and how many
configurations after it were returned already. It changes only when a page is received. So after a failure the
same request comes next, and the position is always right after what was returned: it is the resume token.

A token is base64 of JSON, byte for byte boto3's:

    {"Marker": "m"}                                the page that begins at marker m
    {"Marker": "m", "boto_truncate_amount": 7}     the same page, without its first 7 configurations
    {"Marker": null, "boto_truncate_amount": 7}    the first page, without its first 7

Two older forms are read too, as boto3 reads them: `m___7`, and `m` alone, the service's own marker. `None` as
a marker means the beginning.

The semantics are those of botocore's `paginate.py`; differences are noted where they occur.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

from ..exceptions import PaginationConfigError, PaginationError, StartingTokenError

if TYPE_CHECKING:
    from ..types import FullResult, FunctionEventInvokeConfig, ListFunctionEventInvokeConfigsResponse

_CUT = "boto_truncate_amount"


class Position(NamedTuple):
    """A place in the listing. `skip` is None where a page begins, and a number where a page was cut."""

    marker: str | None = None
    skip: int | None = None


BEGINNING = Position()


def encode_token(position: Position) -> str | None:
    """The token for a position; None for the beginning, which needs none."""
    if position == BEGINNING:
        return None
    token: dict[str, object] = {"Marker": position.marker}
    if position.skip is not None:
        token[_CUT] = position.skip
    return base64.b64encode(json.dumps(token).encode()).decode()


def decode_token(token: object) -> Position:
    """The position that a token stands for.

    Raises StartingTokenError for a value that is not a token of any form.
    """
    if not isinstance(token, str):
        raise StartingTokenError(token=repr(token))
    try:
        # json.loads() accepts UTF-16 bytes too, which boto3 does not: decode first.
        members = json.loads(base64.b64decode(token.encode()).decode())
    except (ValueError, RecursionError):
        members = None
    # A marker of the service may happen to be base64 of a JSON number or list, and boto3 fails for some of
    # these with a bare AttributeError. Only an object can be a token.
    if not isinstance(members, dict):
        return _old_form(token)
    if not {"Marker"} <= members.keys() <= {"Marker", _CUT}:
        raise StartingTokenError(token=token)
    marker, skip = members["Marker"], members.get(_CUT)
    if not isinstance(marker, (str, type(None))):
        raise StartingTokenError(token=token)
    if _CUT in members and (type(skip) is not int or skip < 0):
        raise StartingTokenError(token=token)
    return Position(marker, skip)


def _old_form(token: str) -> Position:
    parts = token.split("___")
    if len(parts) > 2:
        raise StartingTokenError(token=token)
    if len(parts) == 2:
        try:
            skip = int(parts[1])
        except ValueError:
            # Not a number: the underscores belong to the service's marker.
            return Position(token)
        if skip < 0:
            raise StartingTokenError(token=token)
        return Position(_decode_marker(parts[0]), skip)
    return Position(_decode_marker(token))


def _decode_marker(marker: str) -> str | None:
    return None if marker == "None" else marker


T = TypeVar("T")

RESULT_KEY: Final = "FunctionEventInvokeConfigs"
_CONFIG_KEYS = ("MaxItems", "PageSize", "StartingToken")


class PaginationPlan:
    """The plan of one `paginate()` call: the first request, the start, and the number of configurations."""

    def __init__(self, params: Mapping[str, object], start: Position, max_items: int | None) -> None:
        self.params = params
        self.start = start
        self.max_items = max_items


def parse_pagination_config(params: Mapping[str, object], config: object) -> PaginationPlan:
    """The plan for the operation's parameters and `PaginationConfig`.

    Raises PaginationConfigError or StartingTokenError for a `PaginationConfig` that cannot be used. The
    operation's own parameters are not checked here.
    """
    if config is None:
        config = {}
    if not isinstance(config, Mapping):
        raise PaginationConfigError(
            report=f"Invalid type for parameter PaginationConfig, value: {config}, "
            f"type: {type(config)}, valid types: {dict}"
        )
    # boto3 ignores unknown keys: a mistyped limit is then no limit at all.
    if unknown := [
        f'Unknown parameter in PaginationConfig: "{key}", must be one of: {", ".join(_CONFIG_KEYS)}'
        for key in config
        if key not in _CONFIG_KEYS
    ]:
        raise PaginationConfigError(report="\n".join(unknown))
    max_items = _integer(config, "MaxItems")
    if max_items is not None and max_items < 0:
        raise PaginationConfigError(
            report=f"Invalid value for parameter PaginationConfig.MaxItems, value: {max_items}, "
            "valid min value: 0"
        )
    request = dict(params)
    token = config.get("StartingToken")
    if token is None:
        # boto3 ignores an explicit Marker here, and its token then points at the wrong page.
        marker = params.get("Marker")
        start = Position(marker) if isinstance(marker, str) else BEGINNING
    else:
        start = decode_token(token)
        _put_marker(request, start.marker)
    page_size = _integer(config, "PageSize")
    if page_size is not None:
        request["MaxItems"] = page_size
    return PaginationPlan(request, start, max_items)


def _integer(config: Mapping[str, object], key: str) -> int | None:
    value = config.get(key)
    if value is None:
        return None
    try:
        return int(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        raise PaginationConfigError(
            report=f"Invalid type for parameter PaginationConfig.{key}, value: {value}, "
            f"type: {type(value)}, valid types: {int}, or what int() reads"
        ) from None


def _put_marker(request: dict[str, object], marker: str | None) -> None:
    marker = _effective(marker)
    if marker is None:
        request.pop("Marker", None)
    else:
        request["Marker"] = marker


def _effective(marker: str | None) -> str | None:
    # Old tokens wrote the beginning as "None", and boto3 reads it so wherever it comes from.
    return None if marker == "None" else marker


class Pagination:
    """One pass over the pages: `next_request()` and `receive()`, called in turns.

    `position` is right after the page received last, `page_start` right before it.
    """

    def __init__(self, plan: PaginationPlan) -> None:
        self.position: Position = plan.start
        self.page_start: Position = plan.start
        self._request = dict(plan.params)
        self._left = plan.max_items
        self._finished = False
        self._cycle = _CycleDetector()

    def next_request(self) -> dict[str, object] | None:
        """The parameters of the next request, or None when the pass is over."""
        return None if self._finished else dict(self._request)

    def receive(self, page: ListFunctionEventInvokeConfigsResponse) -> ListFunctionEventInvokeConfigsResponse:
        """Take the page that answers `next_request()`. Returns it as it is to be returned to the user.

        Raises PaginationError, and changes nothing, if the page's `NextMarker` leads back: to this page or,
        in a longer cycle, to an earlier one.
        """
        next_marker = page.get("NextMarker") or None
        if next_marker is not None:
            self._cycle.check(cast("str | None", self._request.get("Marker")), next_marker)
        marker, skip = self.position.marker, self.position.skip or 0
        self.page_start = Position(marker, skip)
        configs = page.get(RESULT_KEY)
        found = len(configs or ())
        if configs and skip:
            page[RESULT_KEY] = configs = configs[skip:]
        remaining = max(found - skip, 0)
        if self._left is not None and configs and remaining > self._left:
            page[RESULT_KEY] = configs[: self._left]
            self.position = Position(marker, skip + self._left)
            self._finished = True
            return page
        if self._left is not None:
            self._left -= remaining
        # A token may have been cut further in than this page reaches, if the page size was larger then. boto3
        # drops the rest of the skip and returns those configurations a second time.
        unskipped = max(skip - found, 0) if next_marker else 0
        self.position = Position(next_marker, unskipped or None)
        self._finished = next_marker is None or self._left == 0
        if not self._finished:
            _put_marker(self._request, next_marker)
        return page


class _CycleDetector:
    """Detects, in constant memory, repeated markers: a pass that would never end.

    boto3 raises for the same marker twice in a row, after it has returned that page a second time, and never
    ends in a longer cycle. Remembering all markers would take memory without bound. Brent's algorithm
    remembers one: it compares each marker with that of page 1, 2, 4, 8 and so on, and so notices a cycle
    at the latest when it has gone through it three times.

    Source: R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980), section 2.
    """

    def __init__(self) -> None:
        self._remembered: str | None = None
        self._pages = 0
        self._next_power = 1

    def check(self, marker: str | None, next_marker: str) -> None:
        """Raises PaginationError if `next_marker` of the page at `marker` leads to an earlier page."""
        following = _effective(next_marker)
        if following == marker:
            message = f"The same next token was received twice: { ({'Marker': next_marker}) }"
            raise PaginationError(message=message)
        if self._pages and following == self._remembered:
            message = f"The next tokens repeat in a cycle: { ({'Marker': next_marker}) }"
            raise PaginationError(message=message)
        self._pages += 1
        if self._pages == self._next_power:
            self._remembered = following
            self._next_power *= 2


class ItemBuffer(Generic[T]):
    """The items of each page of a pass, one by one: configurations, or the results of a search.

    `position` moves past a page only when all its items were popped. With `each_is_a_configuration` it moves
    within the page too.
    """

    def __init__(
        self,
        pagination: Pagination,
        pick: Callable[[ListFunctionEventInvokeConfigsResponse], Iterable[T]],
        *,
        each_is_a_configuration: bool,
    ) -> None:
        self.position: Position = pagination.position
        self.pagination = pagination
        self._pick = pick
        self._counted = each_is_a_configuration
        self._waiting: deque[T] = deque()
        self.pending_page: ListFunctionEventInvokeConfigsResponse | None = None

    def push_page(self, page: ListFunctionEventInvokeConfigsResponse) -> None:
        """Buffer a page's items; those of the page before must have been popped.

        If picking raises, as a JMESPath function may, the page stays the `pending_page`.
        """
        self.pending_page = page
        self._waiting.extend(self._pick(page))
        self.pending_page = None
        self.position = self.pagination.page_start
        self._move()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def pop(self) -> T:
        """The next item."""
        result = self._waiting.popleft()
        if self._counted:
            self.position = Position(self.position.marker, (self.position.skip or 0) + 1)
        self._move()
        return result

    def _move(self) -> None:
        if not self._waiting:
            self.position = self.pagination.position


def configurations(page: ListFunctionEventInvokeConfigsResponse) -> list[FunctionEventInvokeConfig]:
    """A page's configurations; none if the page has no such member."""
    return page.get(RESULT_KEY, [])


def add_to(result: FullResult, page: ListFunctionEventInvokeConfigsResponse) -> None:
    """Add a page to a full result."""
    if RESULT_KEY in page:
        result.setdefault(RESULT_KEY, []).extend(page[RESULT_KEY])


def finish(result: FullResult, position: Position) -> FullResult:
    """Add to a full result the token that continues, if there is more."""
    token = encode_token(position)
    if token is not None:
        result["NextToken"] = token
    return result
