"""What goes on the wire is what was signed, to the byte, and the signature is boto3's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from scripted import ScriptedServer, page, parse

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.local import LocalLambda, verify

NAMES = [
    "my-function",
    "arn:aws:lambda:us-west-2:123456789012:function:my-function",
    "my-fn:$LATEST",
    "a b/c?d#e",
    "..",
    ".",
    "../../secret",
    "é",
    "日本",
    "-._~%41+&=;,'\"()*!@",
    "//",
    "\r\nX: y",
]
MARKERS = [None, "m", "+/=&%", "a b", "é", "", "==", "\r\nX: y", "A" * 3000]
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)


@pytest.fixture
def same_second(monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """Both libraries sign at the same moment; it is handed to ours, which has no clock of its own."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    return NOW.timestamp()


@pytest.mark.parametrize("token", [None, "session/token+=="])
@pytest.mark.parametrize("base", ["", "/base/", "/a/b"])
def test_target_and_signature_are_boto3s(
    scripted: Callable[..., ScriptedServer],
    ours: Any,
    theirs: Any,
    same_second: float,
    base: str,
    token: str | None,
) -> None:
    requests = [
        {"FunctionName": name, **({} if marker is None else {"Marker": marker}), **size}
        for name in NAMES
        for marker, size in zip(MARKERS, [{}, {"MaxItems": 5}] * 5, strict=False)
    ]
    server = scripted(*[page()] * (2 * len(requests)))
    client = ours(f"{server.url}{base}", aws_session_token=token)
    client._call_flow._clock = lambda: same_second
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


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
def test_the_embedded_endpoint_serves_a_function_of_any_name(name: str) -> None:
    with LocalLambda({name: 3}) as lam, eic.Client(**lam.client_options) as client:
        page = client.list_function_event_invoke_configs(FunctionName=name)
        assert len(page["FunctionEventInvokeConfigs"]) == 3


def test_names_and_markers_inject_no_header(scripted: Callable[..., ScriptedServer], ours: Any) -> None:
    server = scripted(page())
    ours(server.url).list_function_event_invoke_configs(FunctionName="f\r\nX: y", Marker="m\r\nX: y")
    assert "x" not in parse(server.requests[0])[2]
