"""What the adaptive retry mode makes of a service's limit: the rate it settles at, and what that costs.

The service allows 15 requests a second, which is Lambda's own limit for an account and region; the clock is
a virtual one. `docs/adaptive.svg`, which `tests/benchmarks/adaptive.py` draws, is of the same simulation.
"""

from __future__ import annotations

import pytest
from throttled import BotocoreLimiter, Service, Simulation

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
