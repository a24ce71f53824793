"""When an attempt is made again, and after how long; botocore's own rules beside ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.retries import standard

from lambda_event_invoke_configs._protocol.response import MODELED_ERRORS
from lambda_event_invoke_configs._protocol.retries import (
    RetryQuota,
    RetryReason,
    backoff,
    clock_offset,
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

    def test_the_offset_is_the_services_date_less_ours(self) -> None:
        for code in self.CODES:
            assert clock_offset(403, code, {"date": self.DATE}, self.NOW) == 600
        assert clock_offset(400, "RequestExpired", {"date": self.DATE}, self.NOW + 1200) == -600

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"], indirect=True)
    @pytest.mark.parametrize("gmt", ["GMT", "-0000", "+0000"])
    def test_the_date_is_gmt_however_that_is_written_and_wherever_the_machine_is(
        self, zone: str, gmt: str
    ) -> None:
        date = self.DATE.replace("GMT", gmt)
        assert clock_offset(403, "RequestExpired", {"date": date}, self.NOW) == 600

    def test_four_minutes_are_tolerated(self) -> None:
        for seconds, offset in [(240, None), (241, 241), (-240, None), (-241, -241)]:
            now = self.NOW + 600 - seconds
            assert clock_offset(403, "RequestExpired", {"date": self.DATE}, now) == offset

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
        offset = clock_offset(403, "RequestExpired", {"date": date}, self.NOW)
        assert (offset is not None) == is_a_clocks

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
    def test_nothing_else_is_taken_for_a_wrong_clock(
        self, status: int, code: str, headers: dict[str, str]
    ) -> None:
        assert clock_offset(status, code, headers, self.NOW) is None
