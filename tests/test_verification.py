"""The embedded endpoint's check of a signature, against requests that botocore's signer signed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambda_event_invoke_configs.local import ServiceError, verify

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
TARGET = "/2019-09-25/functions/f/event-invoke-config/list?Marker=%2B%2F&MaxItems=5"
SECRET = "the-secret-key"
MISMATCH = "The request signature we calculated does not match the signature you provided."
SCOPE = "Credential should be scoped to us-east-1/lambda and the day of X-Amz-Date."


def signed(
    target: str = TARGET,
    *,
    date: str = "20231114T221320Z",
    service: str = "lambda",
    region: str = "us-east-1",
    secret_key: str = SECRET,
    leave_out: str = "",
    body: bytes = b"",
    **headers: str,
) -> dict[str, str]:
    """The headers of a GET as botocore signs it, `leave_out` not covered; names are in lower case."""

    class Signer(SigV4Auth):
        def headers_to_sign(self, request: AWSRequest) -> Any:
            covered = super().headers_to_sign(request)
            del covered[leave_out]  # nothing happens for a name that is not there
            return covered

    request = AWSRequest("GET", f"http://h{target}", {"Host": "h", "X-Amz-Date": date, **headers}, body)
    request.context["timestamp"] = date
    signer = Signer(Credentials("AKID", secret_key), service, region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return {name.lower(): value for name, value in request.headers.items()}


def check(
    headers: dict[str, str],
    target: str = TARGET,
    *,
    method: str = "GET",
    body: bytes = b"",
    now: datetime = NOW,
) -> None:
    verify(method, target, headers, body, access_key="AKID", secret_key=SECRET, region="us-east-1", now=now)


def refusal(*args: Any, **options: Any) -> tuple[int, str, dict[str, str]]:
    with pytest.raises(ServiceError) as caught:
        check(*args, **options)
    assert str(caught.value) == caught.value.body["message"]
    return caught.value.status, caught.value.code, caught.value.body


def no(code: str, message: str) -> tuple[int, str, dict[str, str]]:
    return 403, code, {"Type": "User", "message": message}


class TestWhatIsSigned:
    def test_is_the_body_too(self) -> None:
        check(signed(body=b"{}"), body=b"{}")
        assert refusal(signed(body=b"{}"), body=b"[]") == no("InvalidSignatureException", MISMATCH)

    @pytest.mark.parametrize(
        "target",
        [
            TARGET,
            "/",
            "/a/b",
            "/a/b/",
            "/a/../b",
            "/a/b/../c",
            "/../a",
            "/a/./b",
            "/a//b",
            "/a/..",
            "/a%2Fb~c%C3%A9",
            "/a?b=2&a=1",
            "/a?b=?",
        ],
    )
    def test_is_accepted_wherever_it_goes(self, target: str) -> None:
        check(signed(target), target)

    def test_may_have_more_headers_signed_with_any_space_in_them(self) -> None:
        check(signed(**{"X-Amz-Security-Token": "t", "X-Other": "  a   b "}))

    def test_may_have_its_query_in_any_order(self) -> None:
        check(signed("/a?b=2&a=1"), "/a?a=1&b=2")

    def test_may_be_five_minutes_old_or_early(self) -> None:
        for minutes in (-5, 5):
            check(signed(), now=NOW + timedelta(minutes=minutes))


class TestWhatIsRefused:
    def test_has_no_signature(self) -> None:
        assert refusal({}) == no("MissingAuthenticationTokenException", "Missing Authentication Token")

    @pytest.mark.parametrize("end", [" ", "0", ", More=x"])
    def test_has_one_of_another_form(self, end: str) -> None:
        headers = signed()
        headers["authorization"] += end
        malformed = no("IncompleteSignatureException", "Authorization header is malformed")
        assert refusal(headers) == malformed
        assert refusal({"authorization": "Basic dXNlcjpwYXNz"}) == malformed

    def test_is_of_another_access_key(self) -> None:
        headers = signed()
        headers["authorization"] = headers["authorization"].replace("AKID", "OTHER")
        assert refusal(headers) == no(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )

    @pytest.mark.parametrize("scope", [{"service": "s3"}, {"region": "eu-west-1"}])
    def test_is_for_another_service_or_region(self, scope: dict[str, str]) -> None:
        assert refusal(signed(**scope)) == no("InvalidSignatureException", SCOPE)

    def test_is_scoped_to_another_day_than_its_date(self) -> None:
        headers = signed()
        assert refusal({**headers, "x-amz-date": "20231115T000000Z"}) == no(
            "InvalidSignatureException", SCOPE
        )
        del headers["x-amz-date"]
        assert refusal(headers) == no("InvalidSignatureException", SCOPE)

    def test_is_signed_with_another_secret_key(self) -> None:
        assert refusal(signed(secret_key="other")) == no("InvalidSignatureException", MISMATCH)

    def test_was_changed_on_the_way(self) -> None:
        mismatch = no("InvalidSignatureException", MISMATCH)
        headers = signed()
        assert refusal(headers, method="HEAD") == mismatch
        for target in (TARGET + "0", TARGET.replace("/f/", "/g/"), TARGET.partition("?")[0]):
            assert refusal(headers, target) == mismatch
        assert refusal({**headers, "host": "other"}) == mismatch
        assert refusal({**headers, "x-amz-date": "20231114T221321Z"}) == mismatch
        assert refusal({name: value for name, value in headers.items() if name != "host"}) == mismatch

    @pytest.mark.parametrize("header", ["Host", "X-Amz-Date"])
    def test_leaves_host_or_date_open(self, header: str) -> None:
        assert refusal(signed(leave_out=header)) == no("InvalidSignatureException", MISMATCH)

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_is_older_or_earlier_than_five_minutes(self, seconds: int) -> None:
        now = NOW + timedelta(seconds=seconds)
        assert refusal(signed(), now=now) == no(
            "InvalidSignatureException",
            f"Signature expired or not yet valid: 20231114T221320Z, the time is {now:%Y%m%dT%H%M%SZ}.",
        )

    def test_has_a_date_that_is_none(self) -> None:
        assert refusal(signed(date="20231114T999999Z")) == no(
            "IncompleteSignatureException", "X-Amz-Date is malformed"
        )


def test_a_refusal_may_call_its_message_as_the_operation_does() -> None:
    assert ServiceError(404, "ResourceNotFoundException", "m", "Message").body == {
        "Type": "User",
        "Message": "m",
    }
