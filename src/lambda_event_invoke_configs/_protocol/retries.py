"""When a failed attempt is retried, after how long, and at what cost. No I/O, no sleeping, no clock.

botocore's standard mode, for one operation. An attempt fails by a response or by none; `retry_reason()` says
which failures are worth another attempt:

  THROTTLED   the error codes by which AWS services say "too fast", and any 429, unless its code is that of
              another error of the operation
  TRANSIENT   no response at all, 500, 502, 503, 504, and the timeout codes

Another attempt is made while there are attempts left (3 by default, the first included) and the client's
quota pays for it: 500 at first, 14 for a retry, 5 for a throttled one. A call that succeeds gives back what
its last retry cost, or 1 if it needed none. So while a service is down, its clients soon stop retrying.

The backoff is `random() * min(base * 2 ** (attempt - 1), 20)` seconds, with base 1 for throttled and 0.05 for
transient failures. The response's `x-amz-retry-after` (milliseconds) raises it, by 5 seconds at most.

Listings of many functions differ in one point, because they expect to be throttled: a throttled attempt does
not count, and only the rate limiter delays the next one. This ends after a timeout, which starts with the
call's first throttled attempt (`CallFlow.attempts()`).

One failure can be cured at once: the service refuses the date of the signature, because the local clock is
wrong, or because time has passed since (a process that was suspended). `refused_date()` recognises it by the
`Date` header. boto3 does not do this; AWS's other SDKs do.

The rate limiter is that of the `adaptive` mode. Until the service throttles for the first time, requests are
only counted. From then on each takes a token from a bucket whose rate follows the CUBIC curve known from TCP
(RFC 9438): down to 0.7 of the rate that was too fast, then up again, slowly near the old rate and faster past
it, never above twice the measured rate.

Calls that wait for a token form a queue. The first is told when the next token comes, each of the others when
those ahead of it will have gone. botocore tells all of them when the next token comes, so thousands of
threads would wake up for each token. A call that was throttled keeps its place: it is the next to go.

Source: botocore 1.44, `retries/standard.py`, `quota.py`, `adaptive.py`, `throttling.py`, `bucket.py`.
"""

from __future__ import annotations

import itertools
import math
import threading
from bisect import bisect_left
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from enum import Enum

_THROTTLING_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
_TRANSIENT_CODES = frozenset({"RequestTimeout", "RequestTimeoutException"})
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_THROTTLING_STATUS = 429

_DATE_CODES = frozenset(
    {
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "AuthFailure",
    }
)
DATE_TOLERANCE = 240.0  # seconds; the service's own is 300

_FIRST_YEAR, _LAST_YEAR = 1970, 9998

_MAX_BACKOFF = 20.0  # seconds
_MAX_ADDITIONAL_RETRY_AFTER = 5.0  # seconds
_QUOTA = 500
_QUOTA_FOR_NO_RETRY = 1


class RetryReason(Enum):
    """A failure worth another attempt: what it costs of the quota, and its base delay in seconds."""

    THROTTLED = (5, 1.0)
    TRANSIENT = (14, 0.05)

    def __init__(self, cost: int, base_delay: float) -> None:
        self.cost = cost
        self.base_delay = base_delay


def retry_reason(status: int, code: str, modeled_codes: frozenset[str]) -> RetryReason | None:
    """Why a response is worth another attempt; None if it is not."""
    if code in _THROTTLING_CODES:
        return RetryReason.THROTTLED
    if status == _THROTTLING_STATUS and code not in modeled_codes:
        return RetryReason.THROTTLED
    if status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES:
        return RetryReason.TRANSIENT
    return None


def backoff(reason: RetryReason, attempt: int, random: float, headers: Mapping[str, str]) -> float:
    """Seconds to wait after the given attempt (counted from 1); `random` is from 0 to 1."""
    seconds: float = random * min(reason.base_delay * 2 ** (attempt - 1), _MAX_BACKOFF)
    try:
        retry_after = int(headers.get("x-amz-retry-after", "")) / 1000
    except (ValueError, OverflowError):
        return seconds
    return max(seconds, min(retry_after, seconds + _MAX_ADDITIONAL_RETRY_AFTER))


def refused_date(status: int, code: str, headers: Mapping[str, str], signed_at: float) -> float | None:
    """The service's time, if it refused a request for its date, which was `signed_at`. Epoch seconds.

    None if another attempt cannot help: another error, or a date that is close to the service's.
    """
    if not 400 <= status < 500 or code not in _DATE_CODES:
        return None
    try:
        date = parsedate_to_datetime(headers["date"])
        if not _FIRST_YEAR <= date.year <= _LAST_YEAR:
            return None  # not a service's clock; and such a date might not be signable
        # An HTTP date is GMT, even where it does not say so in a form that Python knows (RFC 9110, 5.6.7).
        served_at = date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return served_at if abs(served_at - signed_at) > DATE_TOLERANCE else None


class RetryQuota:
    """The budget for the retries of all calls of one client, in all its threads."""

    def __init__(self) -> None:
        self.available: int = _QUOTA
        self._lock = threading.Lock()

    def acquire(self, reason: RetryReason) -> bool:
        """Pay for a retry. Returns False if there is not enough left."""
        with self._lock:
            if reason.cost > self.available:
                return False
            self.available -= reason.cost
            return True

    def release(self, last_retry: RetryReason | None) -> None:
        """After a success, give back what the call's last retry cost."""
        amount = last_retry.cost if last_retry else _QUOTA_FOR_NO_RETRY
        with self._lock:
            self.available = min(_QUOTA, self.available + amount)


_BETA = 0.7
_SCALE = 0.4
_FIRST_RATE = 1.0  # requests a second
_MIN_RATE = 0.5  # requests a second
_MAX_RATE_TO_MEASURED = 2.0
_SMOOTHING = 0.8
_BUCKETS_A_SECOND = 2
_ONE_TOKEN = 1 - 1e-9  # a caller that wakes up on time may find a rounding error less than one
_QUOTA_RATE = 15.0  # requests a second of Lambda's API, for each account and region


class RateLimiter:
    """The limiter of one client. All times are seconds of one clock, which the caller reads.

    A call takes a `place()` in the queue, asks `wait(place, now)` until that is 0, and then leaves the queue.
    """

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._throttled_before = False
        self._rate = _FIRST_RATE
        self._capacity = 1.0
        self._tokens = 0.0
        self._filled_at = now
        self._measured = 0.0
        self._counted = 0
        self._bucket_at = self._bucket(now)
        self._max_rate = 0.0
        self._last_throttle = now
        self._places = itertools.count()
        self._queue: list[int] = []  # the places of those that wait, sorted

    def place(self) -> int:
        """A place at the end of the queue."""
        return next(self._places)

    def wait(self, place: int, now: float) -> float:
        """Seconds until a request may be sent. 0 means now, and takes a token; otherwise ask again then."""
        with self._lock:
            if not self._throttled_before:
                return 0.0
            self._fill(now)
            if self._tokens >= _ONE_TOKEN:
                self._tokens -= 1
                return 0.0
            ahead = bisect_left(self._queue, place)
            if self._queue[ahead : ahead + 1] != [place]:
                self._queue.insert(ahead, place)
            missing = 1 + ahead - self._tokens
            # The rate starts far below the quota. At that rate, those behind would sleep through its rise.
            return missing / (max(self._rate, _QUOTA_RATE) if ahead else self._rate)

    def leave(self, place: int) -> None:
        """Out of the queue, with or without a token."""
        with self._lock:
            ahead = bisect_left(self._queue, place)
            if self._queue[ahead : ahead + 1] == [place]:
                del self._queue[ahead]

    def record(self, now: float, *, throttled: bool) -> None:
        """Count an attempt that has ended, with or without a response; `throttled` if it was too fast."""
        with self._lock:
            self._measure(now)
            if throttled:
                rate = min(self._measured, self._rate) if self._throttled_before else self._measured
                self._max_rate = rate
                self._last_throttle = now
                self._throttled_before = True
                rate *= _BETA
            else:
                rate = _SCALE * (now - self._last_throttle - self._zero_point()) ** 3 + self._max_rate
            self._fill(now)
            self._rate = max(min(rate, _MAX_RATE_TO_MEASURED * self._measured), _MIN_RATE)
            self._capacity = max(self._rate, 1.0)
            self._tokens = min(self._tokens, self._capacity)

    def _zero_point(self) -> float:
        return float((self._max_rate * (1 - _BETA) / _SCALE) ** (1 / 3))

    def _fill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now

    def _measure(self, now: float) -> None:
        bucket = self._bucket(now)
        self._counted += 1
        if bucket > self._bucket_at:
            current = self._counted / (bucket - self._bucket_at)
            self._measured = current * _SMOOTHING + self._measured * (1 - _SMOOTHING)
            self._counted = 0
            self._bucket_at = bucket

    @staticmethod
    def _bucket(now: float) -> float:
        return math.floor(now * _BUCKETS_A_SECOND) / _BUCKETS_A_SECOND
