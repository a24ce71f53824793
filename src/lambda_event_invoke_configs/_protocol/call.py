"""One API call as a generator of actions: attempts, until there is a page or an error.

`CallFlow.attempts()` yields what it needs done and is sent the result. It returns the page or raises. It does
no I/O, so one generator serves both clients, and every rule is tested without a socket.

    ReserveConnection()  ->  None, when a connection may be used; until the next Send has its result
    GetCredentials()     ->  FrozenCredentials
    Send(request)        ->  Response, or the exception of an exchange that had none (botocore's
                             HTTPClientError and ConnectionError)
    Sleep(seconds)       ->  None

A request is signed when it has its connection: with more calls than connections, a call may wait long for
one, and the service refuses a signature that is older than five minutes.
"""

from __future__ import annotations

import logging
import math
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Union, cast
from urllib.parse import quote

from .._fork import reset_after_fork
from .._settings.credentials import FrozenCredentials
from .._settings.resolve import Settings
from ..exceptions import ClientError
from .request import request_target, validate
from .response import MODELED_ERRORS, Response, parse_error, parse_page
from .retries import DATE_TOLERANCE, RateLimiter, RetryQuota, RetryReason, backoff, refused_date, retry_reason
from .signing import is_signed, sign

if TYPE_CHECKING:
    from ..types import ListFunctionEventInvokeConfigsResponse

logger: logging.Logger = logging.getLogger(__name__)

# Not random.random: its state is the same in each environment that Lambda restores from one snapshot.
_random = random.SystemRandom()
_MODELED_CODES = frozenset(MODELED_ERRORS)


class Request:
    """One attempt: GET `url`, whose path and query are `target` on the wire, byte for byte."""

    __slots__ = ("headers", "target", "url")

    def __init__(self, url: str, target: str, headers: list[tuple[str, str]]) -> None:
        self.url = url
        self.target = target
        self.headers = headers

    def __repr__(self) -> str:
        return f"Request({self.url!r})"  # the headers include Authorization


class ReserveConnection:
    pass


class GetCredentials:
    pass


class Send:
    def __init__(self, request: Request) -> None:
        self.request = request


class Sleep:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Action = Union[ReserveConnection, GetCredentials, Send, Sleep]
Result = Union[FrozenCredentials, Response, Exception, None]


class CallFlow:
    """The state that the calls of one client share: settings, retry quota, rate limiter and clock offset.

    clock: returns epoch seconds, to sign with. It may be set forward or back at any time.
    monotonic: returns seconds of a clock that is never set, for the rate limiter.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._settings = settings
        self._signed = is_signed(settings.config.signature_version)
        self._clock = clock
        self._random = random
        self._monotonic = monotonic
        self._clock_offset = 0.0
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Start with a full retry quota and no measured rate."""
        self._quota = RetryQuota()
        self._limiter = RateLimiter(self._monotonic())

    def attempts(
        self, params: Mapping[str, object], *, throttling_timeout: float | None = None
    ) -> Generator[Action, Result, ListFunctionEventInvokeConfigsResponse]:
        """The actions of one call.

        throttling_timeout: for listings of many functions, in seconds; infinity for no limit. The call uses
            the rate limiter in every retry mode. An attempt that is throttled within this time of the first
            throttled one does not count: it uses up neither the attempts nor the retry quota, and only the
            limiter delays the next. None for any other call, where each attempt counts.

        Raises ParamValidationError before the first action, and the error of the last attempt.
        """
        if self._settings.parameter_validation:
            validate(params)
        target = self._settings.endpoint.base_path + request_target(params)
        url = self._settings.endpoint.origin + target
        invocation_id = str(uuid.uuid4())
        signed_again = False
        last_retry: RetryReason | None = None
        throttled_until = math.inf
        limiter = self._limiter if self._settings.adaptive or throttling_timeout is not None else None
        place = self._limiter.place()
        max_attempts = self._settings.max_attempts
        attempt = 0
        while True:
            attempt += 1
            yield from self._wait_in_queue(limiter, place)
            count = attempt, max_attempts
            result, signed_at = yield from self._send(url, target, invocation_id, count)

            metadata = {"RetryAttempts": attempt - 1}
            if attempt >= max_attempts:
                metadata["MaxAttemptsReached"] = True  # as boto3, of a success too
            error, reason = _error_in(result, metadata)
            now = self._monotonic()
            throttled = reason is RetryReason.THROTTLED
            if limiter:
                limiter.record(now, throttled=throttled)
            if error is None:
                self._quota.release(last_retry)
                return parse_page(cast("Response", result), metadata)
            if not signed_again and self._date_was_refused(result, error, signed_at):
                signed_again = True
                reason = RetryReason.TRANSIENT
            if reason is None:
                raise error
            chance = self._random()
            if throttled:
                throttled_until = min(throttled_until, now + (throttling_timeout or 0))
            if throttled and now < throttled_until:
                max_attempts += 1
                chance = 0.0  # no delay but what the service asks for
            elif attempt >= max_attempts:
                raise error
            else:
                self._pay(reason, error)
                last_retry = reason
            headers = result.headers if isinstance(result, Response) else {}
            seconds = backoff(reason, attempt, chance, headers)
            fields = {  # of the record, for handlers that count retries
                "function_name": params["FunctionName"],
                "retry_attempt": attempt,
                "retry_reason": reason.name,
                "retry_delay": seconds,
            }
            logger.debug(
                "attempt %d failed (%s), next in %.3f s", attempt, reason.name, seconds, extra=fields
            )
            yield Sleep(seconds)

    def _send(
        self, url: str, target: str, invocation_id: str, count: tuple[int, int]
    ) -> Generator[Action, Result, tuple[Response | Exception, float]]:
        """The actions of one attempt. Returns its result, and the time of its signature."""
        yield ReserveConnection()
        credentials = cast("FrozenCredentials", (yield GetCredentials())) if self._signed else None
        logger.debug("GET %s, attempt %d of %d", url, *count)
        signed_at = self._clock() + self._clock_offset
        request = self._request(url, target, credentials, signed_at, invocation_id, count)
        sent_at = self._monotonic()
        result = cast("Response | Exception", (yield Send(request)))
        if logger.isEnabledFor(logging.DEBUG):
            seconds = self._monotonic() - sent_at
            logger.debug("attempt %d took %.3f s: %s", count[0], seconds, _summary(result))
        return result, signed_at

    def _wait_in_queue(self, limiter: RateLimiter | None, place: int) -> Generator[Action, Result, None]:
        if limiter is None:
            return
        try:
            while seconds := limiter.wait(place, self._monotonic()):
                yield Sleep(seconds)
        finally:
            limiter.leave(place)  # also where the caller is interrupted or cancelled

    def _pay(self, reason: RetryReason, error: Exception) -> None:
        """Raises `error` if the quota does not suffice for another attempt."""
        if self._quota.acquire(reason):
            return
        if isinstance(error, ClientError):
            cast("dict[str, object]", error.response["ResponseMetadata"])["RetryQuotaReached"] = True
        raise error

    def _request(
        self,
        url: str,
        target: str,
        credentials: FrozenCredentials | None,
        signed_at: float,
        invocation_id: str,
        count: tuple[int, int],
    ) -> Request:
        settings = self._settings
        headers = [
            ("Host", settings.endpoint.host),
            ("Accept-Encoding", "identity"),
            ("User-Agent", settings.user_agent),
            ("amz-sdk-invocation-id", invocation_id),
            ("amz-sdk-request", "attempt={}; max={}".format(*count)),
        ]
        # Lambda's runtime sets both. The trace id changes with each invocation.
        trace_id = settings.environ.get("_X_AMZN_TRACE_ID")
        if trace_id and "AWS_LAMBDA_FUNCTION_NAME" in settings.environ:
            headers.append(("X-Amzn-Trace-Id", quote(trace_id, safe="-=;:+&[]{}\"',", errors="replace")))
        if credentials:
            headers += sign(target, settings.endpoint.host, credentials, settings.region, signed_at)
        return Request(url, target, headers)

    def _date_was_refused(self, result: Response | Exception, error: Exception, signed_at: float) -> bool:
        """Whether the service refused the date of the signature, so that a new signature helps.

        Either the local clock is wrong: its offset is then kept for the client. Or it is right and the
        signature was old when it arrived, because the machine or the process was suspended in between.
        """
        if not isinstance(result, Response) or not isinstance(error, ClientError):
            return False
        served_at = refused_date(result.status, _code(error), result.headers, signed_at)
        if served_at is None:
            return False
        offset = served_at - self._clock()
        if abs(offset - self._clock_offset) > DATE_TOLERANCE:
            self._clock_offset = offset
            logger.warning(
                "local clock is off by %.0f s; correcting it from the service's Date header", offset
            )
        else:
            logger.debug("the signature was %.0f s old; signing again", served_at - signed_at)
        return True


def _error_in(
    result: Response | Exception, metadata: Mapping[str, int]
) -> tuple[Exception | None, RetryReason | None]:
    """The error of an attempt, if it failed, and why another attempt may succeed, if it may."""
    if isinstance(result, Exception):
        return result, RetryReason.TRANSIENT
    if result.status < 300:
        return None, None
    error = parse_error(result, metadata)
    return error, retry_reason(result.status, _code(error), _MODELED_CODES)


def _summary(result: Response | Exception) -> str:
    if isinstance(result, Exception):
        return type(result).__name__
    error, _ = _error_in(result, {})
    # As ASCII literals: the service may have sent control characters.
    code = f", code {_code(error)!a}" if isinstance(error, ClientError) else ""
    return f"status {result.status}{code}, request id {result.headers.get('x-amzn-requestid')!a}"


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
