"""When an attempt is made again, after how long, and at which rate; botocore's own rules beside ours.

The service of the simulations allows 15 requests a second, which is Lambda's own limit for an account and
region; the clock is a virtual one. `docs/adaptive.svg`, which `tests/benchmarks/adaptive.py` draws, is of the
same simulation.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.retries import standard
from throttled import BotocoreLimiter, Service, Simulation

from lambda_event_invoke_configs._protocol.response import MODELED_ERRORS
from lambda_event_invoke_configs._protocol.retries import (
    RateLimiter,
    RetryQuota,
    RetryReason,
    backoff,
    refused_date,
    retry_reason,
)

MODELED = frozenset(MODELED_ERRORS)
CODES = sorted(
    {
        *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        *MODELED,
        "429",
        "AccessDeniedException",
    }
)


@pytest.mark.parametrize("status", [300, 400, 403, 404, 408, 429, 500, 501, 502, 503, 504, 505])
def test_failures_are_classified_as_botocore_does(status: int, boto3_session: Any) -> None:
    operation = boto3_session.get_service_model("lambda").operation_model("ListFunctionEventInvokeConfigs")
    detector = standard.ThrottlingErrorDetector(standard.RetryEventAdapter())
    conditions = standard.StandardRetryConditions()
    for code in CODES:
        context = standard.RetryContext(
            attempt_number=1,
            operation_model=operation,
            parsed_response={"Error": {"Code": code}},
            http_response=SimpleNamespace(status_code=status, headers={}),
        )
        theirs = None
        if conditions.is_retryable(context):
            throttled = detector.is_throttling_error_from_context(context)
            theirs = RetryReason.THROTTLED if throttled else RetryReason.TRANSIENT
        assert retry_reason(status, code, MODELED) is theirs, code


def test_the_delay_doubles_up_to_twenty_seconds_and_is_drawn_by_chance() -> None:
    assert [backoff(RetryReason.THROTTLED, n, 1.0, {}) for n in (1, 2, 3, 5, 6, 50)] == [1, 2, 4, 16, 20, 20]
    assert [backoff(RetryReason.TRANSIENT, n, 1.0, {}) for n in (1, 2, 9, 10)] == [0.05, 0.1, 12.8, 20]
    assert backoff(RetryReason.THROTTLED, 3, 0.25, {}) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1500", 1.5), ("100", 1.0), ("60000", 6.0), ("-5", 1.0), ("soon", 1.0), ("", 1.0), ("9" * 400, 1.0)],
)
def test_the_services_own_delay_raises_it_by_five_seconds_at_most(header: str, seconds: float) -> None:
    assert backoff(RetryReason.THROTTLED, 1, 1.0, {"x-amz-retry-after": header}) == seconds


class TestQuota:
    def test_a_transient_retry_costs_14_a_throttled_one_5(self) -> None:
        quota = RetryQuota()
        assert quota.acquire(RetryReason.TRANSIENT)
        assert quota.available == 486
        assert quota.acquire(RetryReason.THROTTLED)
        assert quota.available == 481

    def test_there_is_no_retry_when_it_is_used_up(self) -> None:
        quota = RetryQuota()
        assert sum(quota.acquire(RetryReason.TRANSIENT) for _ in range(100)) == 35
        assert quota.available == 10
        assert quota.acquire(RetryReason.THROTTLED)

    def test_the_last_of_it_is_spent_too(self) -> None:
        quota = RetryQuota()
        assert sum(quota.acquire(RetryReason.THROTTLED) for _ in range(101)) == 100
        assert quota.available == 0

    def test_a_success_gives_back_the_last_retrys_cost_or_one(self) -> None:
        quota = RetryQuota()
        for _ in range(3):
            quota.acquire(RetryReason.TRANSIENT)
        quota.release(RetryReason.TRANSIENT)
        assert quota.available == 472
        quota.release(None)
        assert quota.available == 473
        for _ in range(5):
            quota.release(RetryReason.TRANSIENT)
        assert quota.available == 500


class TestWrongClock:
    NOW = 1_700_000_000.0
    DATE = "Tue, 14 Nov 2023 22:23:20 GMT"  # NOW plus ten minutes
    CODES = (
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "AuthFailure",
    )

    def test_is_told_by_the_services_own_date(self) -> None:
        for code in self.CODES:
            assert refused_date(403, code, {"date": self.DATE}, self.NOW) == self.NOW + 600
        assert refused_date(400, "RequestExpired", {"date": self.DATE}, self.NOW + 1200) == self.NOW + 600

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"], indirect=True)
    @pytest.mark.parametrize("gmt", ["GMT", "-0000", "+0000"])
    def test_the_date_is_gmt_however_that_is_written_and_wherever_the_machine_is(
        self, zone: str, gmt: str
    ) -> None:
        date = self.DATE.replace("GMT", gmt)
        assert refused_date(403, "RequestExpired", {"date": date}, self.NOW) == self.NOW + 600

    def test_four_minutes_are_tolerated(self) -> None:
        served_at = self.NOW + 600
        for seconds, found in [(240, None), (241, served_at), (-240, None), (-241, served_at)]:
            signed_at = served_at - seconds
            assert refused_date(403, "RequestExpired", {"date": self.DATE}, signed_at) == found

    @pytest.mark.parametrize(
        ("date", "is_a_clocks"),
        [
            ("Wed, 31 Dec 1969 23:59:59 GMT", False),
            ("Thu, 01 Jan 1970 00:00:00 GMT", True),
            ("Thu, 31 Dec 9998 23:59:59 GMT", True),
            ("Fri, 01 Jan 9999 00:00:00 GMT", False),
        ],
    )
    def test_a_clock_shows_years_from_1970_to_9998(self, date: str, *, is_a_clocks: bool) -> None:
        found = refused_date(403, "RequestExpired", {"date": date}, self.NOW)
        assert (found is not None) == is_a_clocks

    @pytest.mark.parametrize(
        ("status", "code", "headers"),
        [
            (403, "AccessDeniedException", {"date": DATE}),
            (500, "RequestExpired", {"date": DATE}),
            (302, "RequestExpired", {"date": DATE}),
            (403, "RequestExpired", {}),
            (403, "RequestExpired", {"date": "soon"}),
            (403, "RequestExpired", {"date": "Tue, 14 Nov 2023 22:17:00 GMT"}),
            (403, "RequestExpired", {"date": "Tue, 14 Nov 99999 22:17:00 GMT"}),
        ],
    )
    def test_nothing_else_is_taken_for_a_refused_date(
        self, status: int, code: str, headers: dict[str, str]
    ) -> None:
        assert refused_date(status, code, headers, self.NOW) is None


@pytest.mark.parametrize("seed", range(20))
def test_how_long_to_wait_is_what_botocores_limiter_says_at_every_moment(seed: int) -> None:
    chance = random.Random(seed)
    now = 1_700_000_000.0
    ours, theirs = RateLimiter(now), BotocoreLimiter(now)
    for _ in range(400):
        now += chance.choice([0.001, 0.02, 0.1, 0.6])
        place = ours.place()
        assert ours.wait(place, now) == pytest.approx(theirs.wait(place, now), abs=1e-6)
        ours.leave(place)
        throttled = chance.random() < 0.1
        ours.record(now, throttled=throttled)
        theirs.record(now, throttled=throttled)


def test_nothing_waits_before_the_first_throttling() -> None:
    limiter = RateLimiter(0.0)
    for n in range(1000):
        assert limiter.wait(limiter.place(), n / 1000) == 0
        limiter.record(n / 1000, throttled=False)


def test_after_waiting_as_told_a_request_may_be_sent() -> None:
    limiter = RateLimiter(0.0)
    now = 10.0
    limiter.record(now, throttled=True)
    while limiter.wait(0, now) == 0:
        pass
    seconds = limiter.wait(0, now)
    assert 0 < seconds <= 2
    assert limiter.wait(0, now + seconds / 2) == pytest.approx(seconds / 2)
    assert limiter.wait(0, now + seconds) == 0


class TestQueue:
    """What those that wait for a token are told, at a rate of 20 requests a second."""

    @pytest.fixture
    def limiter(self) -> RateLimiter:
        limiter = RateLimiter(0.0)
        limiter.record(1.0, throttled=True)
        limiter._rate, limiter._tokens = 20.0, 0.0  # what would take many requests to come to
        return limiter

    def test_each_is_told_when_those_ahead_of_it_will_have_gone(self, limiter: RateLimiter) -> None:
        places = [limiter.place() for _ in range(5000)]
        waits = [limiter.wait(place, 1.0) for place in places]
        assert waits == pytest.approx([(1 + n) / 20 for n in range(5000)])
        assert [limiter.wait(place, 1.0) for place in places] == waits

    def test_a_call_that_comes_back_is_ahead_of_those_that_came_later(self, limiter: RateLimiter) -> None:
        throttled, *later = [limiter.place() for _ in range(3)]
        for place in later:
            limiter.wait(place, 1.0)
        assert limiter.wait(throttled, 1.0) == pytest.approx(1 / 20)
        assert [limiter.wait(place, 1.0) for place in later] == pytest.approx([2 / 20, 3 / 20])

    def test_whoever_leaves_holds_up_nobody(self, limiter: RateLimiter) -> None:
        first, second, third = [limiter.place() for _ in range(3)]
        for place in (first, second, third):
            limiter.wait(place, 1.0)
        limiter.leave(second)
        limiter.leave(second)
        assert limiter.wait(third, 1.0) == pytest.approx(2 / 20)

    def test_while_the_rate_is_low_those_behind_look_again_as_soon_as_the_quota_allows(self) -> None:
        limiter = RateLimiter(0.0)
        limiter.record(1.0, throttled=True)
        assert limiter.wait(0, 1.0) == 0
        waits = [limiter.wait(place, 1.0) for place in range(1, 5)]
        assert waits[0] > 1
        assert waits[1:] == pytest.approx([2 / 15, 3 / 15, 4 / 15])


SETTLED = 60  # seconds after the start
SECONDS = 240


@pytest.fixture(scope="module", params=[(15, 1), (15, 2), (5, 3)], ids=lambda p: f"burst {p[0]}, seed {p[1]}")
def settled(request: pytest.FixtureRequest) -> Simulation:
    burst, seed = request.param
    return Simulation(Service(15, burst), seed=seed).run(SECONDS)


def test_32_workers_settle_at_no_less_than_nine_tenths_of_the_allowed_rate(settled: Simulation) -> None:
    assert 0.9 <= settled.used(SETTLED) <= 1.01  # what was saved up in the first minute may be spent later


def test_fewer_than_one_in_twenty_requests_is_throttled(settled: Simulation) -> None:
    assert settled.refused(SETTLED) < 0.05


def test_no_call_fails_once_the_rate_has_settled(settled: Simulation) -> None:
    assert settled.errors == 0


def test_every_minute_is_as_good_as_the_others(settled: Simulation) -> None:
    for start in range(SETTLED, SECONDS, 60):
        assert settled.used(start, start + 60) >= 0.9
        assert settled.refused(start, start + 60) < 0.05


def test_botocores_limiter_does_the_same() -> None:
    ours = Simulation(Service(15, 15)).run(SECONDS)
    theirs = Simulation(Service(15, 15), limiter=BotocoreLimiter).run(SECONDS)
    assert theirs.used(SETTLED) == pytest.approx(ours.used(SETTLED), abs=0.02)
    assert theirs.refused(SETTLED) == pytest.approx(ours.refused(SETTLED), abs=0.01)


def test_when_the_limit_changes_the_rate_follows_within_half_a_minute() -> None:
    run = Simulation(Service(15, 15), limits={120: 5, 240: 15}).run(360)
    for start, end, limit in ((90, 120, 15), (150, 240, 5), (270, 360, 15)):
        assert sum(run.allowed[start:end]) / (end - start) == pytest.approx(limit, rel=0.1)
    assert run.errors == 0


def test_processes_that_share_the_limit_use_all_of_it_and_hardly_a_call_fails() -> None:
    run = Simulation(Service(15, 15), processes=4, workers=8).run(SECONDS)
    assert run.used(SETTLED) >= 0.9
    assert run.refused(SETTLED) < 0.2
    assert run.errors < 0.01 * sum(run.allowed)


@pytest.mark.parametrize(("rate", "least", "most"), [(5, 0.95, 0.12), (100, 0.5, 0.02)])
def test_other_limits_are_kept_too(rate: float, least: float, most: float) -> None:
    run = Simulation(Service(rate, rate)).run(120)
    assert run.used(SETTLED) >= least
    assert run.refused(SETTLED) < most


def test_of_a_limit_that_allows_no_two_requests_at_once_it_uses_what_an_even_pace_would() -> None:
    run = Simulation(Service(15, 1)).run(SECONDS)
    # The latency varies, so evenly spaced requests do not arrive so: 0.725 is the most they get through
    # with one in twenty throttled.
    assert run.used(SETTLED) >= 0.9 * 0.725
    assert run.refused(SETTLED) < 0.05


@pytest.fixture(scope="module", params=[32, 300, 3000])
def many(request: pytest.FixtureRequest) -> Simulation:
    workers: int = request.param
    return Simulation(Service(15, 15), workers=workers, throttling_timeout=300.0).run(SECONDS)


class TestManyFunctions:
    """Calls of `list_for_functions()`, all of whose workers send their first request at the same moment."""

    def test_none_fails(self, many: Simulation) -> None:
        assert many.errors == 0

    def test_the_rate_settles_as_that_of_the_adaptive_mode(self, many: Simulation) -> None:
        assert many.used(SETTLED) >= 0.95
        assert many.refused(SETTLED) < 0.05

    def test_the_calls_have_their_turns_in_order(self, many: Simulation) -> None:
        """None takes much longer than a round of all workers at 15 a second, the first seconds included."""
        assert max(many.took) < 1.15 * many.workers / 15 + 5

    def test_waiting_costs_little(self, many: Simulation) -> None:
        """However many wait, a call is woken up a few times, not once for each that goes before it."""
        assert many.slept < 10 * (len(many.took) + many.workers)


def test_ordinary_calls_of_300_workers_use_up_their_attempts_as_with_boto3() -> None:
    assert Simulation(Service(15, 15), workers=300).run(10).errors > 100
