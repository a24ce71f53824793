"""The client-side rate limiter; botocore's own beside ours, on the same clock."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import CapacityNotAvailableError
from botocore.retries import adaptive as their_adaptive
from botocore.retries import bucket, throttling

from lambda_event_invoke_configs._protocol.retries import RateLimiter


class Clock:
    now = 1_700_000_000.0

    def current_time(self) -> float:
        return self.now


class TheirLimiter:
    """botocore's limiter, asked the way ours is."""

    def __init__(self, clock: Clock) -> None:
        self.bucket: Any = bucket.TokenBucket(max_rate=1, clock=clock)
        self.limiter: Any = their_adaptive.ClientRateLimiter(
            rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.now),
            rate_clocker=their_adaptive.RateClocker(clock),
            token_bucket=self.bucket,
            throttling_detector=self,
            clock=clock,
        )

    def is_throttling_error(self, *, throttled: bool) -> bool:
        return throttled

    def may_send(self) -> bool:
        if not self.limiter._enabled:
            return True
        try:
            return bool(self.bucket.acquire(block=False))
        except CapacityNotAvailableError:
            return False


@pytest.mark.parametrize("seed", range(20))
def test_rate_and_permission_are_botocores_at_every_moment(seed: int) -> None:
    chance = random.Random(seed)
    clock = Clock()
    ours, theirs = RateLimiter(clock.now), TheirLimiter(clock)
    for _ in range(400):
        clock.now += chance.choice([0.001, 0.02, 0.1, 0.6])
        assert (ours.wait(clock.now) == 0) == theirs.may_send()
        throttled = chance.random() < 0.1
        ours.record(clock.now, throttled=throttled)
        theirs.limiter.on_receiving_response(throttled=throttled)
        if ours._throttled_before:
            assert ours._rate == pytest.approx(theirs.bucket.max_rate)
            assert ours._tokens == pytest.approx(theirs.bucket.available_capacity, abs=1e-6)


def test_nothing_waits_before_the_first_throttling() -> None:
    limiter = RateLimiter(0.0)
    for n in range(1000):
        assert limiter.wait(n / 1000) == 0
        limiter.record(n / 1000, throttled=False)


def test_after_waiting_as_told_a_request_may_be_sent() -> None:
    limiter = RateLimiter(0.0)
    now = 10.0
    limiter.record(now, throttled=True)
    while limiter.wait(now) == 0:
        pass
    seconds = limiter.wait(now)
    assert 0 < seconds <= 2
    assert limiter.wait(now + seconds / 2) == pytest.approx(seconds / 2)
    assert limiter.wait(now + seconds + 1e-9) == 0
