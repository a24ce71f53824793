"""The outcome of one function among many, and how it is gathered page by page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timezone, tzinfo
from typing import TYPE_CHECKING, Any

from dateutil.tz import tzlocal

from .._protocol.pagination import configurations
from .._settings.config import invalid_setting
from .._typing import LazyModule

if TYPE_CHECKING:
    from .. import types
else:
    types = LazyModule("..types", __package__)


@dataclass(frozen=True, slots=True)
class FunctionOutcome:
    """The outcome of one function.

    function_name: as it was given.
    configurations: all of them; with an error, those that came before it.
    error: why the listing failed, or None.
    resume_token: with an error, the `StartingToken` for what comes after `configurations`; None stands
        for the beginning.
    """

    function_name: str
    configurations: list[types.FunctionEventInvokeConfig]
    error: Exception | None = None
    resume_token: str | None = None

    def __reduce__(self) -> tuple[Callable[..., FunctionOutcome], tuple[object, ...]]:
        # tzlocal() keeps the offsets of the machine it was made on, and asks another one for its summer time.
        sent = [_in_zone(each, timezone.utc) for each in self.configurations]
        return _received, (self.function_name, sent, self.error, self.resume_token)


def _received(name: str, sent: list[Any], error: Exception | None, token: str | None) -> FunctionOutcome:
    return FunctionOutcome(name, [_in_zone(each, tzlocal()) for each in sent], error, token)


def _in_zone(found: Any, zone: tzinfo) -> Any:
    if not found or "LastModified" not in found:
        return found
    try:
        return {**found, "LastModified": found["LastModified"].astimezone(zone)}
    except OverflowError:  # there it would be the year 0, or 10000
        return found


class OutcomeBuilder:
    """One function's listing as it goes on, into an outcome."""

    def __init__(self, function_name: str, starting_token: str | None) -> None:
        self.request: types.PaginateRequest = {"FunctionName": function_name}
        if starting_token is not None:
            self.request["PaginationConfig"] = {"StartingToken": starting_token}
        self._found: list[types.FunctionEventInvokeConfig] = []
        self._resume_token = starting_token

    def add_page(self, page: types.ListFunctionEventInvokeConfigsResponse, resume_token: str | None) -> None:
        self._found += configurations(page)
        self._resume_token = resume_token

    def outcome(self, error: Exception | None = None) -> FunctionOutcome:
        return FunctionOutcome(self.request["FunctionName"], self._found, error, self._resume_token)


# How many functions at first. Each outcome adds one more, as in TCP's slow start (RFC 5681). The rate limiter
# learns the limit from the first throttled response, so requests that were sent before may be throttled too.
FIRST_CONCURRENCY = 15


def validate(names: object, kinds: type | tuple[type, ...], max_concurrency: object) -> None:
    """Raises InvalidConfigError for a single name in place of several, and for a number that is none."""
    if isinstance(names, (str, bytes)) or not isinstance(names, kinds):
        raise invalid_setting("names", names, "an iterable of names, not a single one")
    if type(max_concurrency) is not int or max_concurrency < 1:
        raise invalid_setting("max_concurrency", max_concurrency, "an int, 1 or more")


def timeout_seconds(throttling_timeout: float | None) -> float:
    """Infinity for None. Raises InvalidConfigError for what is not a number of seconds."""
    seconds: object = math.inf if throttling_timeout is None else throttling_timeout
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise invalid_setting(
            "throttling_timeout", throttling_timeout, "a number of seconds, 0 or more, or None"
        )
    return seconds
