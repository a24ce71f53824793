"""What a failed exchange says: boto3's sentence, then the reason, then what to do about it."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import ssl
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import botocore.exceptions
import httpx
import pytest
from servers import Raw, Reply, Silence
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions as errors
from lambda_event_invoke_configs._client import http, network
from lambda_event_invoke_configs.exceptions import HINTS

Make = Callable[..., Any]
ONCE = {"total_max_attempts": 1}
URL = "https://lambda.us-east-1.amazonaws.com/"


def failure(client: Any) -> Any:
    with pytest.raises((botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)) as caught:
        client.list_function_event_invoke_configs(FunctionName="f")
    error = caught.value
    assert str(error).startswith(boto3s(error).removesuffix("."))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


@pytest.mark.parametrize(
    ("status", "reason", "hint"),
    [
        (407, "407 Proxy Authentication Required", errors.PROXY_AUTHENTICATION),
        (403, "403 Forbidden", errors.PROXY_DENIED),
        (502, "502 Bad Gateway", "ProxyConnectionError"),
        (302, "302 Found", "ProxyConnectionError"),
    ],
)
def test_of_a_proxy_that_opens_no_tunnel_has_its_answer(
    ours: Make, make_proxy: Any, status: int, reason: str, hint: str
) -> None:
    proxy = make_proxy(f"HTTP/1.1 {reason}\r\nContent-Length: 0\r\n\r\n".encode())
    url = f"http://user:hidden@127.0.0.1:{proxy.port}"
    error = failure(ours("https://lambda.example", config=eic.Config(proxies={"https": url}, retries=ONCE)))
    assert type(error) is errors.ProxyConnectionError
    assert str(error).endswith(f'127.0.0.1:{proxy.port}". {reason}. {HINTS[hint]}')
    assert "hidden" not in str(error) + repr(vars(error))


def test_of_a_proxy_of_an_http_endpoint_that_wants_a_password_says_so(ours: Make, scripted: Make) -> None:
    proxy = scripted(Reply(407, b"who are you?"))
    config = eic.Config(proxies={"http": proxy.url}, retries=ONCE)
    error = failure(ours("http://lambda.example", config=config))
    assert type(error) is errors.LambdaClientError
    assert str(error).endswith(f"who are you?. {HINTS['407']}")


@pytest.mark.parametrize(
    ("answer", "quoted"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "SSH-2.0-OpenSSH_9.6"),
        (b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", "\\x15\\x03"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "no colon"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, "Receive buffer too long"),
    ],
)
def test_of_a_head_that_is_not_http_quotes_it(ours: Make, scripted: Make, answer: bytes, quoted: str) -> None:
    error = failure(ours(scripted(Raw(answer)).url, config=eic.Config(retries=ONCE)))
    assert type(error) is errors.ConnectionClosedError
    assert quoted in str(error)
    assert str(error).endswith(HINTS[errors.NOT_HTTP])
    assert len(str(error)) < 1500


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "Server disconnected without sending a response."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "(received 1 bytes, expected 9)"),
    ],
)
def test_of_a_response_that_was_cut_short_says_where(
    ours: Make, scripted: Make, answer: bytes, reason: str
) -> None:
    error = failure(ours(scripted(Raw(answer)).url, config=eic.Config(retries=ONCE)))
    assert type(error) is errors.ConnectionClosedError
    assert str(error).endswith(reason)


def test_of_a_reset_names_it(ours: Make, scripted: Make) -> None:
    error = failure(ours(scripted(Raw(b"", reset=True)).url, config=eic.Config(retries=ONCE)))
    assert type(error) is errors.ConnectionClosedError
    assert "Connection reset by peer" in str(error)


def test_of_a_response_that_does_not_come_names_the_time(ours: Make, scripted: Make) -> None:
    config = eic.Config(read_timeout=0.2, retries=ONCE)
    error = failure(ours(scripted(Silence()).url, config=config))
    assert type(error) is errors.ReadTimeoutError
    assert str(error).endswith(". nothing received within 0.2 s")


def test_of_a_response_that_never_ends_names_the_deadline(
    ours: Make, scripted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted(Reply(200, b"", stall=20))
    # An hour passes once the request has come.
    clock = SimpleNamespace(monotonic=lambda: 3600.0 * len(server.requests))
    monkeypatch.setattr(network, "time", clock)
    error = failure(ours(server.url, config=eic.Config(retries=ONCE)))
    assert type(error) is errors.ReadTimeoutError
    assert str(error).endswith(". request deadline exceeded")


def test_of_a_refused_connection_names_the_address(ours: Make, unused_port: int) -> None:
    error = failure(ours(f"http://127.0.0.1:{unused_port}", config=eic.Config(retries=ONCE)))
    assert type(error) is errors.EndpointConnectionError
    assert str(error).endswith(f". 127.0.0.1: Connection refused. {HINTS['EndpointConnectionError']}")


def test_of_an_unknown_proxy_is_about_the_proxy(ours: Make) -> None:
    config = eic.Config(proxies={"https": "http://proxy.invalid:3128"}, retries=ONCE)
    error = failure(ours("https://lambda.example", config=config))
    assert str(error).endswith(HINTS["ProxyConnectionError"])


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []
    try:
        opened.append(os.open(os.devnull, os.O_RDONLY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 32, limits[1]))
        with contextlib.suppress(OSError):
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for number in opened:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("host", ["127.0.0.1", "lambda.invalid"])
@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_of_a_process_without_a_file_left_says_so(ours: Make, host: str, proxy: str | None) -> None:
    proxies = {"http": proxy.replace("127.0.0.1", host)} if proxy else {}
    client = ours(f"http://{host}:9", config=eic.Config(retries=ONCE, proxies=proxies))
    failure(client)  # what is imported on the first request
    with no_more_files():
        error = failure(client)
    assert type(error) is (errors.ProxyConnectionError if proxy else errors.EndpointConnectionError)
    assert f"Too many open files. {HINTS[errors.TOO_MANY_FILES]}" in str(error)


def test_to_read_a_connection_to_its_end_closes_it(
    ours: Make, talkative_lambda: Any, certificates: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpcore would keep it, with what came behind the response."""
    kept = []  # else it would be closed as it is collected
    add_tls = network.Link.add_tls
    monkeypatch.setattr(network.Link, "add_tls", lambda link, *of: (kept.append(link), add_tls(link, *of))[1])
    client = ours(f"https://localhost:{talkative_lambda.port}", verify=certificates.authority)
    assert client.list_function_event_invoke_configs(FunctionName="answered-twice")
    assert kept
    assert talkative_lambda.hung_up_by_client()


def test_does_not_take_what_the_caller_is_handling_for_its_reason(ours: Make, unused_port: int) -> None:
    client = ours(f"http://127.0.0.1:{unused_port}", config=eic.Config(retries=ONCE))
    try:
        raise ssl.SSLError("of the caller's")
    except ssl.SSLError:
        assert type(failure(client)) is errors.EndpointConnectionError


@pytest.mark.parametrize(
    "words",
    ["Missing Authority Key Identifier", "Basic Constraints of CA cert not marked critical"],
)
def test_of_a_certificate_that_python_s_strict_checks_refuse_has_a_hint(words: str) -> None:
    theirs = httpx.ConnectError(f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {words}")
    theirs.__cause__ = ssl.SSLCertVerificationError(str(theirs))
    assert str(http.transport_error(theirs, URL, None)).endswith(HINTS[errors.STRICT_TLS])


def test_of_another_certificate_has_the_hint_for_certificates() -> None:
    theirs = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    theirs.__cause__ = ssl.SSLCertVerificationError(str(theirs))
    assert str(http.transport_error(theirs, URL, None)).endswith(HINTS["SSLError"])
