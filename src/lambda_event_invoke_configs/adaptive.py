"""The client-side rate limiter of the `adaptive` retry mode, with no I/O.

Until the service throttles for the first time, requests are only counted. From then on each takes a
token from a bucket, and the bucket's rate follows the CUBIC curve known from TCP (RFC 9438): down to
0.7 of the rate that was too fast, then up again, slowly near the old rate and faster past it, never
above twice the rate actually measured.

Source: botocore 1.44, `retries/adaptive.py`, `throttling.py`, `bucket.py`; the constants are its own.
"""

from __future__ import annotations

import math
import threading

_BETA = 0.7
_SCALE = 0.4
_FIRST_RATE = 1.0  # requests a second
_MIN_RATE = 0.5  # requests a second
_MAX_RATE_TO_MEASURED = 2.0
_SMOOTHING = 0.8
_BUCKETS_A_SECOND = 2


class RateLimiter:
    """One client's limiter. All times are seconds on one clock that the caller reads."""

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

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent: 0 means now, and takes a token; otherwise ask again."""
        with self._lock:
            if not self._throttled_before:
                return 0.0
            self._fill(now)
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self._rate

    def record(self, now: float, *, throttled: bool) -> None:
        """Take in that a response came, or none; `throttled` says whether it was for going too fast."""
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
