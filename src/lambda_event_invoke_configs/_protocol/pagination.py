"""The rules of pagination, with no I/O.

A listing is asked for page by page: a request without a marker gives the first page, and each page's
`NextMarker` is the `Marker` of the next request, until a page has none. `PaginationConfig` says where
to start (`StartingToken`), how many configurations to ask for at a time (`PageSize`, sent as
`MaxItems`) and how many to hand out in all (`MaxItems`, never sent).

`Pagination` is one pass over the pages. Its whole state is a `Position`: the marker to ask with and
how many configurations after it have been handed out already. It changes only when a page is
received, so after a failure the same request comes next, and the position always stands right after
what was handed out: that is the resume token.

The semantics are those of botocore's `paginate.py`, but for the differences noted where they occur.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar, cast

from ..exceptions import PaginationConfigError, PaginationError, StartingTokenError
from ..types import FullResult, FunctionEventInvokeConfig, ListFunctionEventInvokeConfigsResponse

_CUT = "boto_truncate_amount"


class Position(NamedTuple):
    """A place in the listing. `skip` is None at a page's border, and a number where a page was cut."""

    marker: str | None = None
    skip: int | None = None


BEGINNING = Position()


def encode_token(position: Position) -> str | None:
    """The token for a place; None for the beginning, which needs none."""
    if position == BEGINNING:
        return None
    token: dict[str, object] = {"Marker": position.marker}
    if position.skip is not None:
        token[_CUT] = position.skip
    return base64.b64encode(json.dumps(token).encode()).decode()


def decode_token(token: object) -> Position:
    """The place a token stands for.

    Raises StartingTokenError for what is no token of any form.
    """
    if not isinstance(token, str):
        raise StartingTokenError(token=repr(token))
    try:
        # Decoded first: json.loads() would take UTF-16 for JSON too, which boto3 does not.
        members = json.loads(base64.b64decode(token.encode()).decode())
    except (ValueError, RecursionError):
        members = None
    # A marker of the service may happen to be base64 of a JSON number or list: boto3 trips over
    # some of these with a bare AttributeError. Only an object can be a token.
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
            # Not a number: the underscores are the service's.
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


class PaginationPlan(NamedTuple):
    """What one `paginate()` call asks for: the first request, where it starts and how much it wants."""

    params: Mapping[str, object]
    start: Position
    max_items: int | None


def parse_pagination_config(params: Mapping[str, object], config: object) -> PaginationPlan:
    """Put the operation's parameters and `PaginationConfig` together.

    Raises PaginationConfigError or StartingTokenError for a `PaginationConfig` that cannot be used.
    The operation's own parameters are not checked here.
    """
    if config is None:
        config = {}
    if not isinstance(config, Mapping):
        raise PaginationConfigError(
            report=f"Invalid type for parameter PaginationConfig, value: {config}, "
            f"type: {type(config)}, valid types: {dict}"
        )
    # boto3 ignores what it does not know: a mistyped limit is then no limit at all.
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
        # boto3 forgets a Marker given outright, and its token then points at the wrong page.
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
    # "None" was how old tokens wrote it, and boto3 takes it so wherever it comes from.
    if marker in (None, "None"):
        request.pop("Marker", None)
    else:
        request["Marker"] = marker


class Pagination:
    """One pass over the pages: `next_request()` and `receive()`, in turns.

    `position` is right after what was received, `page_start` right before it.
    """

    def __init__(self, plan: PaginationPlan) -> None:
        self.position: Position = plan.start
        self.page_start: Position = plan.start
        self._request = dict(plan.params)
        self._left = plan.max_items
        self._finished = False
        self._repeated: str | None = None

    def next_request(self) -> dict[str, object] | None:
        """The parameters of the next request, or None when the pass is over.

        Raises PaginationError if the service sent the same marker twice in a row: to go on would be
        to ask for the same page for ever.
        """
        if self._repeated is not None:
            raise PaginationError(
                message=f"The same next token was received twice: { ({'Marker': self._repeated}) }"
            )
        return None if self._finished else dict(self._request)

    def receive(self, page: ListFunctionEventInvokeConfigsResponse) -> ListFunctionEventInvokeConfigsResponse:
        """Take the page that answers `next_request()`; gives it back as it is to be handed out."""
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
        next_marker = page.get("NextMarker") or None
        # A token may have been cut further in than this page reaches, if the page size was larger
        # then. boto3 drops the rest of the skip and hands those configurations out a second time.
        unskipped = max(skip - found, 0) if next_marker else 0
        self.position = Position(next_marker, unskipped or None)
        self._finished = next_marker is None or self._left == 0
        if not self._finished:
            _put_marker(self._request, next_marker)
            self._repeated = next_marker if next_marker == marker else None
        return page


class ItemBuffer(Generic[T]):
    """What each page of a pass yields, one by one: configurations, or a search's results.

    `position` passes over a page only when all it yielded was taken; with `each_is_a_configuration`
    it moves within the page too.
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
        """Take a page's results in; the ones before must have been taken.

        A page of which they cannot be picked, such as by a function of JMESPath's, stays the `pending_page`.
        """
        self.pending_page = page
        self._waiting.extend(self._pick(page))
        self.pending_page = None
        self.position = self.pagination.page_start
        self._move()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def pop(self) -> T:
        """The next result."""
        result = self._waiting.popleft()
        if self._counted:
            self.position = Position(self.position.marker, (self.position.skip or 0) + 1)
        self._move()
        return result

    def _move(self) -> None:
        if not self._waiting:
            self.position = self.pagination.position


def configurations(page: ListFunctionEventInvokeConfigsResponse) -> list[FunctionEventInvokeConfig]:
    """A page's configurations; none where the page has no such member."""
    return page.get(RESULT_KEY, [])


def add_to(result: FullResult, page: ListFunctionEventInvokeConfigsResponse) -> None:
    """Add a page to a full result."""
    if RESULT_KEY in page:
        result.setdefault(RESULT_KEY, []).extend(page[RESULT_KEY])


def finish(result: FullResult, position: Position) -> FullResult:
    """Say in a full result how to go on, if there is more."""
    token = encode_token(position)
    if token is not None:
        result["NextToken"] = token
    return result
