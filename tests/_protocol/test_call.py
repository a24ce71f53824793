"""One API call, step by step, without a socket, a clock or a pause."""

from __future__ import annotations

import itertools
import logging
import math
import random
import time
from collections.abc import Callable, Generator
from typing import Any

import botocore
import pytest

from lambda_event_invoke_configs._protocol.call import (
    CallFlow,
    GetCredentials,
    Request,
    ReserveConnection,
    Send,
    Sleep,
)
from lambda_event_invoke_configs._protocol.response import Response
from lambda_event_invoke_configs._settings.config import Config
from lambda_event_invoke_configs._settings.credentials import FrozenCredentials
from lambda_event_invoke_configs._settings.resolve import Settings, resolve
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseParserError,
    TooManyRequestsException,
    UnsupportedSignatureVersionError,
)

SECRET, TOKEN = "the-secret-key", "the-session-token"
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
TEN_MINUTES_LATER = "Tue, 14 Nov 2023 22:23:20 GMT"


class Call:
    """Plays the shell's part in one call: fetches keys, notes what is sent and slept, answers."""

    def __init__(
        self,
        caller: CallFlow,
        *outcomes: Response | Exception,
        throttling_timeout: float | None = None,
        **params: object,
    ) -> None:
        self.steps: Generator[Any, Any, Any] = caller.attempts(
            params or {"FunctionName": "f"}, throttling_timeout=throttling_timeout
        )
        self.outcomes = list(outcomes)
        self.sent: list[Request] = []
        self.slept: list[float] = []
        self.fetched = 0
        self.reserved = False
        self.before_send: Callable[[], None] | None = None

    def run(self) -> Any:
        outcome: object = None
        while True:
            try:
                step = self.steps.send(outcome)
            except StopIteration as done:
                return done.value
            outcome = None
            if isinstance(step, ReserveConnection):
                assert not self.reserved
                self.reserved = True
            elif isinstance(step, GetCredentials):
                assert self.reserved
                self.fetched += 1
                outcome = FrozenCredentials("AKID", SECRET, TOKEN)
            elif isinstance(step, Sleep):
                self.slept.append(step.seconds)
            else:
                assert isinstance(step, Send)
                assert self.reserved
                self.reserved = False
                self.sent.append(step.request)
                if self.before_send:
                    self.before_send, suspend = None, self.before_send
                    suspend()
                outcome = self.outcomes.pop(0)

    def headers(self, name: str) -> list[str | None]:
        return [dict(request.headers).get(name) for request in self.sent]


def resolved(*, environ: dict[str, str] | None = None, **options: Any) -> Settings:
    return resolve(
        region_name="us-east-1",
        endpoint_url=options.pop("endpoint_url", None),
        config=Config(**options),
        environ=environ or {},
    )


def caller(
    *,
    clock: Callable[[], float] = lambda: NOW,
    monotonic: Callable[[], float] = time.monotonic,
    **options: Any,
) -> CallFlow:
    return CallFlow(resolved(**options), clock=clock, monotonic=monotonic, random=lambda: 1.0)


OK = Response(200, {"x-amzn-requestid": "r"}, b'{"FunctionEventInvokeConfigs": []}')


def no(status: int, code: str, **headers: str) -> Response:
    return Response(status, {"x-amzn-errortype": code, **headers}, b"{}")


class TestOneAttempt:
    def test_fetches_keys_sends_and_returns_the_page(self) -> None:
        call = Call(caller(), OK)
        assert call.run() == {
            "FunctionEventInvokeConfigs": [],
            "ResponseMetadata": {
                "RequestId": "r",
                "HTTPStatusCode": 200,
                "HTTPHeaders": {"x-amzn-requestid": "r"},
                "RetryAttempts": 0,
            },
        }
        assert (call.fetched, len(call.sent), call.slept) == (1, 1, [])

    def test_sends_to_the_endpoint_below_its_base_path(self) -> None:
        call = Call(caller(endpoint_url="http://HOST:80/base/"), OK, FunctionName="a/b", MaxItems=2)
        call.run()
        target = "/base/2019-09-25/functions/a%2Fb/event-invoke-config/list?MaxItems=2"
        assert (call.sent[0].url, call.sent[0].target) == (f"http://host{target}", target)
        assert call.headers("Host") == ["host"]

    def test_sends_these_headers_in_this_order(self) -> None:
        call = Call(caller(user_agent_extra="mine/1"), OK)
        call.run()
        (invocation_id,) = call.headers("amz-sdk-invocation-id")
        assert call.sent[0].headers[:5] == [
            ("Host", "lambda.us-east-1.amazonaws.com"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", resolved(user_agent_extra="mine/1").user_agent),
            ("amz-sdk-invocation-id", invocation_id),
            ("amz-sdk-request", "attempt=1; max=3"),
        ]
        names = [name for name, _ in call.sent[0].headers[5:]]
        assert names == ["X-Amz-Date", "X-Amz-Security-Token", "Authorization"]

    def test_refuses_bad_parameters_before_the_first_step(self) -> None:
        call = Call(caller(), FunctionName="f", foo=1)
        with pytest.raises(ParamValidationError):
            call.run()
        assert call.fetched == 0

    def test_sends_them_as_they_are_without_validation(self) -> None:
        call = Call(caller(parameter_validation=False), OK, FunctionName=5, MaxItems=0)
        call.run()
        assert call.sent[0].target == "/2019-09-25/functions/5/event-invoke-config/list?MaxItems=0"

    def test_needs_no_keys_where_nothing_is_signed(self) -> None:
        call = Call(caller(signature_version=botocore.UNSIGNED), OK)
        call.run()
        assert (call.fetched, call.headers("Authorization")) == (0, [None])

    def test_refuses_another_signature_version(self) -> None:
        with pytest.raises(UnsupportedSignatureVersionError, match="v2"):
            caller(signature_version="v2")

    def test_passes_lambdas_trace_id_on_percent_encoded(self) -> None:
        environ = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1-5;Parent=é\r\nX: y"}
        call = Call(caller(environ=environ), OK)
        call.run()
        assert call.headers("X-Amzn-Trace-Id") == ["Root=1-5;Parent=%C3%A9%0D%0AX:%20y"]

    def test_passes_a_trace_id_on_that_is_no_text(self) -> None:
        """Python reads bytes of the environment that are no UTF-8 as lone surrogates."""
        environ = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=\udcff"}
        call = Call(caller(environ=environ), OK)
        call.run()
        assert call.headers("X-Amzn-Trace-Id") == ["Root=%3F"]

    @pytest.mark.parametrize(
        "environ", [{"AWS_LAMBDA_FUNCTION_NAME": "f"}, {"_X_AMZN_TRACE_ID": "Root=1"}, {}]
    )
    def test_has_no_trace_id_outside_of_lambda(self, environ: dict[str, str]) -> None:
        call = Call(caller(environ=environ), OK)
        call.run()
        assert call.headers("X-Amzn-Trace-Id") == [None]

    def test_a_body_that_is_no_page_is_not_asked_for_again(self) -> None:
        call = Call(caller(), Response(200, {}, b"<html>"))
        with pytest.raises(ResponseParserError):
            call.run()
        assert len(call.sent) == 1

    def test_a_redirection_is_an_error(self) -> None:
        with pytest.raises(ClientError, match=r"\(300\)"):
            Call(caller(), Response(300, {}, b"{}")).run()

    def test_an_error_that_no_retry_would_mend_is_raised_at_once(self) -> None:
        call = Call(caller(), no(404, "ResourceNotFoundException"))
        with pytest.raises(ClientError) as caught:
            call.run()
        metadata = caught.value.response["ResponseMetadata"]
        assert (metadata["RetryAttempts"], "MaxAttemptsReached" in metadata) == (0, False)
        assert call.slept == []


class TestRetries:
    def test_go_on_until_an_attempt_succeeds(self) -> None:
        call = Call(caller(), ConnectionClosedError(endpoint_url="u"), no(429, "Slow"), OK)
        metadata = call.run()["ResponseMetadata"]
        assert (metadata["RetryAttempts"], metadata["MaxAttemptsReached"]) == (2, True)
        assert call.slept == [0.05, 2.0]

    def test_are_made_for_a_code_that_says_too_fast_whatever_the_status(self) -> None:
        call = Call(caller(), no(400, "ThrottlingException"), OK)
        call.run()
        assert call.slept == [1.0]

    def test_keep_the_invocation_id_and_count_the_attempts(self) -> None:
        call = Call(caller(), no(500, "E"), no(503, "E"), OK)
        call.run()
        assert len(set(call.headers("amz-sdk-invocation-id"))) == 1
        assert call.headers("amz-sdk-request") == [f"attempt={n}; max=3" for n in (1, 2, 3)]
        other = Call(caller(), OK)
        other.run()
        assert other.headers("amz-sdk-invocation-id") != call.headers("amz-sdk-invocation-id")[:1]

    def test_fetch_keys_anew_since_they_may_have_expired(self) -> None:
        call = Call(caller(), no(500, "E"), OK)
        call.run()
        assert call.fetched == 2

    def test_end_with_the_services_error_which_says_so(self) -> None:
        call = Call(caller(), *[no(429, "TooManyRequestsException")] * 3)
        with pytest.raises(TooManyRequestsException, match=r"\(reached max retries: 2\)") as caught:
            call.run()
        metadata = caught.value.response["ResponseMetadata"]
        assert (metadata["RetryAttempts"], metadata["MaxAttemptsReached"]) == (2, True)

    def test_end_with_the_last_connection_error(self) -> None:
        last = EndpointConnectionError(endpoint_url="u")
        call = Call(caller(retries={"total_max_attempts": 2}), ConnectionClosedError(endpoint_url="u"), last)
        with pytest.raises(EndpointConnectionError) as caught:
            call.run()
        assert caught.value is last
        assert caught.value.__context__ is None

    def test_follow_the_services_own_delay(self) -> None:
        call = Call(caller(), no(429, "E", **{"x-amz-retry-after": "3000"}), OK)
        call.run()
        assert call.slept == [3.0]

    def test_are_not_made_with_one_attempt(self) -> None:
        call = Call(caller(retries={"max_attempts": 0}), no(500, "E"))
        with pytest.raises(ClientError, match=r"\(reached max retries: 0\)"):
            call.run()

    def test_stop_for_all_calls_of_a_client_when_the_quota_is_used_up(self) -> None:
        shared = caller(retries={"total_max_attempts": 50})
        first = Call(shared, *[no(500, "E")] * 50)
        with pytest.raises(ClientError) as caught:
            first.run()
        assert len(first.sent) == 36
        metadata = caught.value.response["ResponseMetadata"]
        assert metadata["RetryQuotaReached"]
        assert "MaxAttemptsReached" not in metadata
        second = Call(shared, no(500, "E"))
        with pytest.raises(ClientError):
            second.run()
        assert len(second.sent) == 1

    def test_stop_so_after_failures_without_a_response_too(self) -> None:
        shared = caller(retries={"total_max_attempts": 50})
        call = Call(shared, *[ConnectionClosedError(endpoint_url="u")] * 50)
        with pytest.raises(ConnectionClosedError):
            call.run()
        assert len(call.sent) == 36

    def test_are_paid_back_by_success(self) -> None:
        shared = caller(retries={"total_max_attempts": 50})
        for _ in range(100):
            assert Call(shared, no(500, "E"), OK).run()

    def test_say_what_they_do_in_the_debug_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "lambda_event_invoke_configs._protocol.call")
        # One when the client is made, then for each attempt: sent, received, and the limiter's.
        seconds = iter([0.0, 1.0, 1.25, 1.5, 2.0, 62.0, 62.5, 63.0, 63.125, 63.5])
        failures = [no(429, "Slower", **{"x-amzn-requestid": "q"}), ReadTimeoutError(endpoint_url="u")]
        call = Call(caller(monotonic=lambda: next(seconds)), *failures, OK)
        call.run()
        url = call.sent[0].url
        assert caplog.messages == [
            f"GET {url}, attempt 1 of 3",
            "attempt 1 took 0.250 s: status 429, code 'Slower', request id 'q'",
            "attempt 1 failed (THROTTLED), next in 1.000 s",
            f"GET {url}, attempt 2 of 3",
            "attempt 2 took 60.000 s: ReadTimeoutError",
            "attempt 2 failed (TRANSIENT), next in 0.100 s",
            f"GET {url}, attempt 3 of 3",
            "attempt 3 took 0.125 s: status 200, request id 'r'",
        ]
        assert SECRET not in caplog.text
        assert TOKEN not in caplog.text
        assert "Signature" not in caplog.text

    def test_have_fields_for_metrics_in_their_log_records(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        Call(caller(), no(500, "E"), no(429, "TooManyRequestsException"), OK).run()
        records = [record for record in caplog.records if hasattr(record, "retry_reason")]
        fields = ("function_name", "retry_attempt", "retry_reason", "retry_delay")
        assert [[vars(record)[field] for field in fields] for record in records] == [
            ["f", 1, "TRANSIENT", pytest.approx(0.05)],
            ["f", 2, "THROTTLED", pytest.approx(2.0)],
        ]

    def test_differ_in_their_delays_when_python_s_random_numbers_do_not(self) -> None:
        """As in execution environments that Lambda restores from the same SnapStart snapshot."""

        def delays() -> list[float]:
            random.seed(1)
            call = Call(CallFlow(resolved()), no(500, "E"), no(500, "E"), OK)
            call.run()
            return call.slept

        assert delays() != delays()


class TestAWrongClock:
    def test_is_corrected_from_the_services_date_and_the_request_sent_again(self) -> None:
        shared = caller()
        refusal = no(403, "InvalidSignatureException", date=TEN_MINUTES_LATER)
        call = Call(shared, refusal, OK)
        assert call.run()["ResponseMetadata"]["RetryAttempts"] == 1
        assert call.headers("X-Amz-Date") == ["20231114T221320Z", "20231114T222320Z"]
        later = Call(shared, OK)
        later.run()
        assert later.headers("X-Amz-Date") == ["20231114T222320Z"]

    def test_is_corrected_anew_when_it_goes_wrong_again(self) -> None:
        shared = caller()
        for date in (TEN_MINUTES_LATER, "Tue, 14 Nov 2023 22:33:20 GMT"):
            Call(shared, no(403, "RequestExpired", date=date), OK).run()
        later = Call(shared, OK)
        later.run()
        assert later.headers("X-Amz-Date") == ["20231114T223320Z"]

    def test_is_corrected_after_a_lost_connection_too(self) -> None:
        refusal = no(403, "RequestExpired", date=TEN_MINUTES_LATER)
        call = Call(caller(), ConnectionClosedError(endpoint_url="u"), refusal, OK)
        assert call.run()["ResponseMetadata"]["RetryAttempts"] == 2

    def test_is_told_of_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        Call(caller(), no(403, "RequestExpired", date=TEN_MINUTES_LATER), OK).run()
        assert caplog.messages == [
            "local clock is off by 600 s; correcting it from the service's Date header"
        ]

    def test_is_corrected_once_a_call(self) -> None:
        dates = [TEN_MINUTES_LATER, "Tue, 14 Nov 2023 22:33:20 GMT"]
        call = Call(caller(), *[no(403, "RequestExpired", date=date) for date in dates])
        with pytest.raises(ClientError, match="RequestExpired"):
            call.run()
        assert len(call.sent) == 2

    def test_is_kept_for_later_even_where_no_attempt_is_left(self) -> None:
        shared = caller(retries={"total_max_attempts": 1})
        with pytest.raises(ClientError):
            Call(shared, no(403, "RequestExpired", date=TEN_MINUTES_LATER)).run()
        later = Call(shared, OK)
        later.run()
        assert later.headers("X-Amz-Date") == ["20231114T222320Z"]

    def test_is_no_error_for_any_of_the_calls_in_flight_when_the_first_answer_tells(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        shared = caller()
        refusal = no(403, "InvalidSignatureException", date=TEN_MINUTES_LATER)
        first, second = Call(shared, refusal, OK), Call(shared, OK)
        next(second.steps)
        next(second.steps)
        second.steps.send(FrozenCredentials("AKID", SECRET, TOKEN))  # signed and sent
        second.reserved = False
        first.run()
        assert isinstance(second.steps.send(refusal), Sleep)
        second.run()
        assert second.headers("X-Amz-Date") == ["20231114T222320Z"]
        assert len([message for message in caplog.messages if "clock is off" in message]) == 1

    def test_is_not_what_a_signature_that_waited_too_long_is_taken_for(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A machine that was suspended, or an event loop that stalled, between signing and sending."""
        caplog.set_level(logging.DEBUG)
        now = NOW
        shared = caller(clock=lambda: now)
        call = Call(shared, no(403, "InvalidSignatureException", date=TEN_MINUTES_LATER), OK)

        def suspended() -> None:
            nonlocal now
            now += 600

        call.before_send = suspended
        assert call.run()["ResponseMetadata"]["RetryAttempts"] == 1
        assert call.headers("X-Amz-Date") == ["20231114T221320Z", "20231114T222320Z"]
        assert "the signature was 600 s old; signing again" in caplog.messages
        assert not [record for record in caplog.records if record.levelno > logging.DEBUG]
        later = Call(shared, OK)
        later.run()
        assert later.headers("X-Amz-Date") == ["20231114T222320Z"]  # the clock was right

    def test_that_was_set_right_meanwhile_is_noticed(self) -> None:
        now = NOW
        shared = caller(clock=lambda: now)
        Call(shared, no(403, "RequestExpired", date=TEN_MINUTES_LATER), OK).run()
        now += 600  # the clock is set; the offset that is kept is now wrong
        call = Call(shared, no(403, "RequestExpired", date=TEN_MINUTES_LATER), OK)
        call.run()
        assert call.headers("X-Amz-Date") == ["20231114T223320Z", "20231114T222320Z"]

    def test_is_not_what_a_wrong_key_is_taken_for(self) -> None:
        call = Call(caller(), no(403, "SignatureDoesNotMatch", date="Tue, 14 Nov 2023 22:13:30 GMT"))
        with pytest.raises(ClientError):
            call.run()
        assert len(call.sent) == 1


class TestOneOfManyFunctions:
    """With a `throttling_timeout`. The limiter's clock moves by a second with each look at it."""

    THROTTLED = no(429, "TooManyRequestsException")

    def caller(self, **options: Any) -> CallFlow:
        return caller(monotonic=itertools.count().__next__, **options)

    def test_goes_again_however_often_it_is_throttled(self) -> None:
        shared = self.caller()
        call = Call(shared, *[self.THROTTLED] * 200, OK, throttling_timeout=math.inf)
        metadata = call.run()["ResponseMetadata"]
        assert metadata["RetryAttempts"] == 200
        assert "MaxAttemptsReached" not in metadata
        assert call.headers("amz-sdk-request")[:3] == [f"attempt={n}; max={n + 2}" for n in (1, 2, 3)]

    def test_leaves_the_retry_quota_to_other_failures(self) -> None:
        shared = self.caller()
        Call(shared, *[self.THROTTLED] * 200, OK, throttling_timeout=math.inf).run()
        for _ in range(500 // 14):
            with pytest.raises(ClientError):
                Call(shared, no(500, "E"), no(404, "E"), throttling_timeout=math.inf).run()
        with pytest.raises(ClientError) as caught:
            Call(shared, no(500, "E"), throttling_timeout=math.inf).run()
        assert caught.value.response["ResponseMetadata"]["RetryQuotaReached"]

    def test_is_delayed_by_the_limiter_and_what_the_service_asks_for_only(self) -> None:
        slept = [0.0]
        shared = caller(monotonic=lambda: sum(slept) + 1e-9 * len(slept))
        asks = no(429, "TooManyRequestsException", **{"x-amz-retry-after": "3000"})
        call = Call(shared, self.THROTTLED, asks, OK, throttling_timeout=math.inf)
        call.slept = slept
        call.run()
        assert slept[1:] == pytest.approx([0.0, 2.0, 3.0])  # the limiter's lowest rate is 0.5 a second

    def test_has_its_usual_attempts_for_other_failures(self) -> None:
        outcomes = [no(500, "E"), self.THROTTLED, self.THROTTLED, no(500, "E"), self.THROTTLED]
        assert Call(self.caller(), *outcomes, OK, throttling_timeout=math.inf).run()
        call = Call(self.caller(), *outcomes, no(500, "E"), throttling_timeout=math.inf)
        with pytest.raises(ClientError, match=r"\(reached max retries: 5\)"):
            call.run()

    @pytest.mark.parametrize(("timeout", "attempts"), [(0.0, 3), (1.0, 4)])
    def test_has_its_usual_attempts_once_the_time_is_over(self, timeout: float, attempts: int) -> None:
        call = Call(self.caller(), *[self.THROTTLED] * 9, throttling_timeout=timeout)
        with pytest.raises(TooManyRequestsException, match=rf"\(reached max retries: {attempts - 1}\)"):
            call.run()
        assert len(call.sent) == attempts

    def test_that_is_given_up_while_it_waits_holds_up_no_other(self) -> None:
        shared = caller(monotonic=lambda: 0.0, retries={"total_max_attempts": 1})
        with pytest.raises(TooManyRequestsException):
            Call(shared, self.THROTTLED, throttling_timeout=0.0).run()
        first, second = (Call(shared, throttling_timeout=0.0) for _ in range(2))
        assert isinstance(next(first.steps), Sleep)
        before = next(second.steps)
        first.steps.close()
        assert next(second.steps).seconds != before.seconds
        assert next(second.steps).seconds == 2.0  # the first in the queue, at the lowest rate


def test_adaptive_mode_waits_before_sending_once_it_was_throttled() -> None:
    retries = {"mode": "adaptive", "total_max_attempts": 1}
    shared = caller(retries=retries, monotonic=lambda: 0.0)
    Call(shared, OK).run()
    for outcome in (no(500, "E"), no(429, "TooManyRequestsException")):
        assert isinstance(next(Call(shared).steps), ReserveConnection)
        with pytest.raises(ClientError):
            Call(shared, outcome).run()
    step = next(Call(shared).steps)
    assert isinstance(step, Sleep)
    assert step.seconds > 0


def test_a_reset_gives_a_full_quota_and_forgets_the_rate() -> None:
    # The limiter's clock moves with what is slept, and a little more: a rounding error would never end.
    slept = [0.0]
    shared = caller(retries={"mode": "adaptive"}, monotonic=lambda: sum(slept) + 1e-9 * len(slept))
    for failure in [no(500, "E")] * 40 + [no(429, "TooManyRequestsException")] * 10:
        call = Call(shared, *[failure] * 3)
        call.slept = slept
        with pytest.raises(ClientError):
            call.run()
    assert isinstance(next(Call(shared).steps), Sleep)
    shared.reset()
    call = Call(shared, no(500, "E"), OK)
    assert call.run()["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(call.slept) == 1


def test_no_step_shows_a_secret() -> None:
    call = Call(caller(), OK)
    next(call.steps)
    keys_step = next(call.steps)
    send = call.steps.send(FrozenCredentials("AKID", SECRET, TOKEN))
    shown = f"{keys_step!r} {send!r} {FrozenCredentials('AKID', SECRET, TOKEN)!r} {resolved()!r}"
    assert SECRET not in shown
    assert TOKEN not in shown
    assert "Signature" not in shown
