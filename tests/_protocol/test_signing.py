"""What goes on the wire is what was signed, to the byte; botocore's `add_auth()` and boto3 beside ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import botocore
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from drivers import set_clock
from listing import ODD_NAMES
from servers import ScriptedServer, page, parse

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._protocol.signing import is_signed, sign
from lambda_event_invoke_configs._settings.credentials import FrozenCredentials
from lambda_event_invoke_configs._verification import verify
from lambda_event_invoke_configs.exceptions import UnsupportedSignatureVersionError
from lambda_event_invoke_configs.local import LocalLambda

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


@pytest.fixture
def _botocore_signs_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore signs at the moment `NOW`; ours is told it."""
    moment = datetime.fromtimestamp(NOW, timezone.utc).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)


@pytest.mark.usefixtures("_botocore_signs_now")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("token", [None, "session/token+==", " two  words "])
def test_the_headers_are_those_of_botocore_in_its_order(token: str | None, target: str) -> None:
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


MARKERS = [None, "m", "+/=&%", "a b", "é", "", "==", "\r\nX: y", "A" * 3000]


@pytest.mark.in_one_shell
@pytest.mark.usefixtures("_botocore_signs_now")
@pytest.mark.parametrize("token", [None, "session/token+=="])
@pytest.mark.parametrize("base", ["", "/base/", "/a/b"])
def test_target_and_signature_are_boto3s(
    scripted: Callable[..., ScriptedServer],
    ours: Any,
    theirs: Any,
    base: str,
    token: str | None,
) -> None:
    requests = [
        {"FunctionName": name, **({} if marker is None else {"Marker": marker}), **size}
        for name in ODD_NAMES
        for marker, size in zip(MARKERS, [{}, {"MaxItems": 5}] * 5, strict=False)
    ]
    server = scripted(*[page()] * (2 * len(requests)))
    client = ours(f"{server.url}{base}", aws_session_token=token)
    set_clock(client, NOW)
    other = theirs(f"{server.url}{base}", aws_session_token=token)
    for params in requests:
        other.list_function_event_invoke_configs(**params)
        client.list_function_event_invoke_configs(**params)
    for their_request, our_request in zip(server.requests[::2], server.requests[1::2], strict=True):
        (their_method, their_target, their_headers) = parse(their_request)
        (our_method, our_target, our_headers) = parse(our_request)
        assert (our_method, our_target) == (their_method, their_target)
        assert our_headers.keys() == their_headers.keys()
        for name in ("host", "x-amz-date", "authorization", "accept-encoding", "amz-sdk-request"):
            assert our_headers[name] == their_headers[name]
        assert our_headers.get("x-amz-security-token") == token == their_headers.get("x-amz-security-token")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_our_own_verifier_accepts_the_raw_request(scripted: Callable[..., ScriptedServer], name: str) -> None:
    """It works from the bytes that arrived, and shares no code with the signer."""
    lam = LocalLambda({})
    server = scripted(*[page()] * len(MARKERS))
    keys: Any = {
        "region_name": lam.region_name,
        "aws_access_key_id": lam.access_key,
        "aws_secret_access_key": lam.secret_key,
        "aws_session_token": "token",
        "endpoint_url": server.url,
    }
    with eic.Client(**keys) as client:
        for marker in MARKERS:
            params: Any = (
                {"FunctionName": name} if marker is None else {"FunctionName": name, "Marker": marker}
            )
            client.list_function_event_invoke_configs(**params)
    assert len(server.requests) == len(MARKERS)
    for request in server.requests:
        method, target, headers = parse(request)
        verify(
            method,
            target,
            headers,
            b"",
            access_key=lam.access_key,
            secret_key=lam.secret_key,
            region=lam.region_name,
            now=datetime.now(timezone.utc),
        )
        assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in headers["authorization"]


def test_names_and_markers_inject_no_header(scripted: Callable[..., ScriptedServer], ours: Any) -> None:
    server = scripted(page())
    ours(server.url).list_function_event_invoke_configs(FunctionName="f\r\nX: y", Marker="m\r\nX: y")
    assert "x" not in parse(server.requests[0])[2]
