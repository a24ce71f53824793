"""One API call as a generator: attempts, until there is a page or an error.

`Caller.steps()` yields what it needs done (`FetchKeys`, `Send`, `Sleep`) and is sent the outcome; it
returns the page or raises. It does no I/O itself, so the same generator serves both clients, and every
rule is tested without a socket. `Client._call()` shows all that a shell does.

    FetchKeys()      -> Keys
    Send(request)    -> Reply, or the exception for which there is none (botocore's HTTPClientError
                        and ConnectionError)
    Sleep(seconds)   -> None
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Union, cast
from urllib.parse import quote

from .._fork import begin_anew
from .._settings.credentials import Keys
from .._settings.resolve import Settings
from ..exceptions import without_frames
from ..types import ListFunctionEventInvokeConfigsResponse, ResponseMetadata
from . import request as operation
from . import response
from . import retries as retry
from .response import Reply
from .retries import Failure, RateLimiter, RetryQuota
from .signing import is_signed, sign

logger: logging.Logger = logging.getLogger(__name__)

_MODELED_CODES = frozenset(response.MODELED_ERRORS)


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt: GET `url`, whose path and query are `target` on the wire, to the byte."""

    url: str
    target: str
    headers: list[tuple[str, str]] = field(repr=False)  # Authorization among them


class FetchKeys(NamedTuple):
    pass


class Send(NamedTuple):
    request: Request


class Sleep(NamedTuple):
    seconds: float


Step = Union[FetchKeys, Send, Sleep]
Outcome = Union[Keys, Reply, Exception, None]


class Caller:
    """What the calls of one client share: its settings, retry quota, rate limiter and clock offset.

    clock: gives epoch seconds, to sign with; whoever sets it forward or back may do so at any time.
    monotonic: gives seconds that nobody sets, to keep the pace with.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._signed = is_signed(settings.config.signature_version)
        self._clock = clock
        self._random = random
        self._monotonic = monotonic
        self._clock_offset = 0.0
        self.begin()
        begin_anew(self)

    def begin(self) -> None:
        """Start with a full retry quota and no measured rate."""
        self._quota = RetryQuota()
        self._limiter = RateLimiter(self._monotonic())

    def steps(
        self, params: Mapping[str, object], *, paced: bool = False
    ) -> Generator[Step, Outcome, ListFunctionEventInvokeConfigsResponse]:
        """The steps of one call; `paced` by the rate limiter even if the settings have another retry mode.

        Raises ParamValidationError before the first step, and what the last attempt failed with.
        """
        if self._settings.parameter_validation:
            operation.validate(params)
        endpoint = self._settings.endpoint
        target = endpoint.base_path + operation.target(params)
        url = endpoint.origin + target
        invocation_id = str(uuid.uuid4())
        clock_corrected = False
        last_retry: Failure | None = None
        limiter = self._limiter if paced or self._settings.adaptive else None
        max_attempts = self._settings.max_attempts
        attempt = 0
        while True:
            attempt += 1
            while limiter and (seconds := limiter.wait(self._monotonic())):
                yield Sleep(seconds)
            keys = cast("Keys", (yield FetchKeys())) if self._signed else None
            logger.debug("GET %s, attempt %d of %d", url, attempt, max_attempts)
            clock_offset = self._clock_offset  # another call may correct it while this one waits
            request = self._request(url, target, keys, invocation_id, attempt)
            outcome = cast("Reply | Exception", (yield Send(request)))

            error, failure = self._judge(outcome)
            if limiter:
                limiter.record(self._monotonic(), throttled=failure is Failure.THROTTLED)
            metadata = {"RetryAttempts": attempt - 1}
            if attempt >= max_attempts:
                # boto3 says so of a success too.
                metadata["MaxAttemptsReached"] = True
            if error is None:
                self._quota.release(last_retry)
                return _page(cast("Reply", outcome), metadata)
            if not clock_corrected and self._correct_clock(outcome, error, clock_offset):
                clock_corrected = True
                failure = Failure.TRANSIENT
            if failure and attempt < max_attempts:
                if self._quota.acquire(failure):
                    last_retry = failure
                    reply_headers = outcome.headers if isinstance(outcome, Reply) else {}
                    seconds = retry.delay(failure, attempt, self._random(), reply_headers)
                    logger.debug("attempt %d failed (%s), next in %.3f s", attempt, failure.name, seconds)
                    yield Sleep(seconds)
                    continue
                metadata["RetryQuotaReached"] = True
            raise _final(error, metadata)

    def _request(self, url: str, target: str, keys: Keys | None, invocation_id: str, attempt: int) -> Request:
        # The headers are in no variable: a traceback with locals would show them, as the signer's would.
        try:
            return Request(url, target, self._headers(target, keys, invocation_id, attempt))
        except BaseException as error:  # such as Ctrl-C
            raise without_frames(error)  # noqa: B904 - it is the same one

    def _headers(
        self, target: str, keys: Keys | None, invocation_id: str, attempt: int
    ) -> list[tuple[str, str]]:
        settings = self._settings
        headers = [
            ("Host", settings.endpoint.host),
            ("Accept-Encoding", "identity"),
            ("User-Agent", settings.user_agent),
            ("amz-sdk-invocation-id", invocation_id),
            ("amz-sdk-request", f"attempt={attempt}; max={settings.max_attempts}"),
        ]
        # Lambda's own runtime sets these; the trace id is another for each invocation.
        trace_id = settings.environ.get("_X_AMZN_TRACE_ID")
        if trace_id and "AWS_LAMBDA_FUNCTION_NAME" in settings.environ:
            headers.append(("X-Amzn-Trace-Id", quote(trace_id, safe="-=;:+&[]{}\"',", errors="replace")))
        now = self._clock() + self._clock_offset
        return headers + sign(target, settings.endpoint.host, keys, settings.region, now) if keys else headers

    def _judge(
        self, outcome: Reply | Exception
    ) -> tuple[Exception | dict[str, object] | None, Failure | None]:
        """The error in an outcome, if it is one, and whether another attempt may mend it."""
        if isinstance(outcome, Exception):
            return outcome, Failure.TRANSIENT
        if outcome.status < 300:
            return None, None
        error = response.error_response(outcome)
        return error, retry.classify(outcome.status, _code(error), _MODELED_CODES)

    def _correct_clock(
        self, outcome: Reply | Exception, error: Exception | dict[str, object], signed_with: float
    ) -> bool:
        """Keep the clock's offset if that is what an attempt failed for, signed with the given one."""
        if not isinstance(outcome, Reply) or isinstance(error, Exception):
            return False
        now = self._clock() + signed_with
        offset = retry.clock_offset(outcome.status, _code(error), outcome.headers, now)
        if offset is None:
            return False
        self._clock_offset = signed_with + offset
        logger.warning("the clock is wrong by %.0f s: corrected from the service's", offset)
        return True


def _code(error: dict[str, object]) -> str:
    return cast("dict[str, str]", error["Error"])["Code"]


def _page(reply: Reply, metadata: dict[str, int]) -> ListFunctionEventInvokeConfigsResponse:
    page = response.page(reply)
    page["ResponseMetadata"] = cast("ResponseMetadata", {**response.metadata(reply), **metadata})
    return page


def _final(error: Exception | dict[str, object], metadata: dict[str, int]) -> Exception:
    if isinstance(error, Exception):
        return error
    cast("dict[str, object]", error["ResponseMetadata"]).update(metadata)
    return response.client_error(error)
