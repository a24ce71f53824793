"""The headers that sign a request; botocore's own `add_auth()` beside ours."""

from __future__ import annotations

import logging
from datetime import datetime, timezone

import botocore
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambda_event_invoke_configs._protocol.signing import is_signed, sign
from lambda_event_invoke_configs._settings.credentials import FrozenCredentials
from lambda_event_invoke_configs.exceptions import UnsupportedSignatureVersionError

HOST = "lambda.us-east-1.amazonaws.com"
TARGET = "/2019-09-25/functions/f/event-invoke-config/list"
TARGETS = [
    TARGET,
    f"{TARGET}?Marker=%2B%2F&MaxItems=5",
    f"{TARGET}?MaxItems=5&Marker=b%20~&Marker=a",
    "/base/./2019-09-25/functions/../event-invoke-config/list",
    "//base//2019-09-25/functions/a%3Ab%2Fc~/event-invoke-config/list/?",
]
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
SECRET = "the-secret-key"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("token", [None, "session/token+==", " two  words "])
def test_the_headers_are_those_of_botocore_in_its_order(
    token: str | None, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.fromtimestamp(NOW, timezone.utc).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    request = AWSRequest(method="GET", url=f"https://{HOST}{target}")
    SigV4Auth(Credentials("AKID", SECRET, token), "lambda", "us-east-1").add_auth(request)
    assert sign(target, HOST, FrozenCredentials("AKID", SECRET, token), "us-east-1", NOW) == list(
        request.headers.items()
    )


@pytest.mark.parametrize("zone", ["Asia/Kolkata"], indirect=True)
def test_the_time_is_utc_in_whole_seconds_wherever_the_machine_is(zone: str) -> None:
    headers = dict(sign(TARGET, HOST, FrozenCredentials("AKID", SECRET, None), "us-east-1", NOW + 0.9))
    assert headers["X-Amz-Date"] == "20231114T221320Z"


def test_a_host_with_a_port_is_signed_as_it_is_sent() -> None:
    keys = FrozenCredentials("AKID", SECRET, None)
    assert sign(TARGET, "h:8080", keys, "us-east-1", NOW) != sign(TARGET, "h", keys, "us-east-1", NOW)


def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """botocore's `add_auth()` logs the session token."""
    caplog.set_level(logging.DEBUG)
    sign(TARGET, HOST, FrozenCredentials("AKID", SECRET, "token"), "us-east-1", NOW)
    assert caplog.text == ""


@pytest.mark.parametrize("version", [None, "v4"])
def test_requests_are_signed_unless_told_not_to(version: str | None) -> None:
    assert is_signed(version) is True
    assert is_signed(botocore.UNSIGNED) is False


def test_another_signature_version_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedSignatureVersionError, match=r"v2$"):
        is_signed("v2")
