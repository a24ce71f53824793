"""What one exchange may take, in time and in memory, and which connection the next one uses."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from servers import Proxy, Raw, Reply, ScriptedServer, Trickle, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._client import network
from lambda_event_invoke_configs._sync.transport import PooledTransport
from lambda_event_invoke_configs.exceptions import (
    ConnectTimeoutError,
    ReadTimeoutError,
    ResponseTooLargeError,
)

Scripted = Callable[..., ScriptedServer]


class Clock:
    """In place of the clock that deadlines go by: it stands still, but for what a test adds to it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def move(self) -> bool:
        """By a little of what either timeout allows, 60 seconds."""
        self.now += 6
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(network, "time", made)
    return made


@pytest.fixture
def trickle(start: Callable[..., Trickle], clock: Clock) -> Callable[..., Trickle]:
    """Makes servers whose answers never end; each piece comes well within the read timeout."""
    return lambda head, endless, pause=0.001: start(Trickle, head, endless, pause, clock.move)


class TestTime:
    @pytest.mark.parametrize(
        ("head", "endless"),
        [
            pytest.param(b"", b"H", id="status line"),
            pytest.param(b"HTTP/1.1 200 OK\r\nx: ", b"y", id="headers"),
            pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="informational responses"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ", id="body"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", id="chunks"
            ),
        ],
    )
    def test_is_bounded_however_slowly_the_response_comes(
        self, trickle: Any, ours: Any, slept: list[float], head: bytes, endless: bytes
    ) -> None:
        """boto3 goes on for as long as the server does: its read timeout is one for each read."""
        server = trickle(head, endless)
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 2}))
        with pytest.raises(ReadTimeoutError, match="request deadline exceeded"):
            client.list_function_event_invoke_configs(FunctionName="f")
        assert len(slept) == 1

    def test_is_bounded_however_fast_the_response_comes(self, trickle: Any, ours: Any) -> None:
        server = trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, 0)
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 1}))
        with pytest.raises(ReadTimeoutError, match="request deadline exceeded"):
            client.list_function_event_invoke_configs(FunctionName="f")

    @pytest.mark.parametrize("stage", ["handshake", "answer"])
    @pytest.mark.parametrize("proxy", ["http", "https"])
    def test_is_bounded_however_slowly_tls_comes_through_a_proxy(
        self, start: Any, secure_lambda: Any, certificates: Any, ours: Any, clock: Any, proxy: str, stage: str
    ) -> None:
        slow = lambda: (stage == "handshake" or secure_lambda.requests) and clock.move()  # noqa: E731
        slow_proxy = start(Proxy, certificates.server if proxy == "https" else None, None, slow)
        proxies = {"https": f"{proxy}://localhost:{slow_proxy.port}"}
        config = eic.Config(retries={"total_max_attempts": 1}, proxies=proxies)
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority, config=config)
        expected, said = {
            "handshake": (ConnectTimeoutError, "TLS handshake: not completed within 60 s"),
            "answer": (ReadTimeoutError, "request deadline exceeded"),
        }[stage]
        with pytest.raises(expected, match=said):
            client.list_function_event_invoke_configs(FunctionName="f")

    def test_of_a_handshake_is_bounded_by_both_timeouts_together_too(self, silent: Any) -> None:
        transport = PooledTransport(
            connections=1, seconds=0.01, max_size=0, verify=ssl.create_default_context()
        )
        timeout = httpx.Timeout(60).as_dict()
        request = httpx.Request("GET", f"https://localhost:{silent.port}", extensions={"timeout": timeout})
        start = time.monotonic()
        with pytest.raises(httpx.ConnectTimeout):
            transport.handle_request(request)
        assert time.monotonic() - start < 50

    def test_of_a_connection_that_is_used_again_begins_anew_and_it_is_kept_however_long(
        self, scripted: Scripted, ours: Any, clock: Clock
    ) -> None:
        server = scripted(*[page("a")] * 3)
        client = ours(server.url)
        for _ in range(3):
            assert client.list_function_event_invoke_configs(FunctionName="f")
            clock.now += 3600
        assert (len(server.requests), server.connections) == (3, 1)

    @pytest.mark.parametrize("read_timeout", [60, None])
    def test_has_a_bound_only_with_both_timeouts(
        self, scripted: Scripted, ours: Any, clock: Clock, read_timeout: float | None
    ) -> None:
        class Late(Reply):
            def wire(self) -> bytes:
                clock.now += 3600
                return super().wire()

        config = eic.Config(read_timeout=read_timeout, retries={"total_max_attempts": 1})
        # Its rest would be asked for too late.
        client = ours(scripted(Late(200, {}, stall=20 if read_timeout else None)).url, config=config)
        with pytest.raises(ReadTimeoutError) if read_timeout else contextlib.nullcontext():
            client.list_function_event_invoke_configs(FunctionName="f")


class TestSize:
    LIMIT = 2000
    CONFIG = eic.Config(max_response_size=LIMIT)

    def of(self, size: int, **reply: Any) -> Reply:
        body = json.dumps({"FunctionEventInvokeConfigs": []}).encode()
        return Reply(200, body + b" " * (size - len(body)), **reply)

    @pytest.mark.parametrize("framed", [True, False])
    def test_up_to_the_limit_is_read(self, scripted: Scripted, ours: Any, framed: bool) -> None:
        client = ours(scripted(self.of(self.LIMIT, framed=framed)).url, config=self.CONFIG)
        found = client.list_function_event_invoke_configs(FunctionName="f")
        assert found["FunctionEventInvokeConfigs"] == []

    @pytest.mark.parametrize("framed", [True, False])
    def test_past_the_limit_is_an_error_that_is_not_retried(
        self, scripted: Scripted, ours: Any, framed: bool
    ) -> None:
        """boto3 reads whatever comes."""
        server = scripted(self.of(self.LIMIT + 1, framed=framed), page("a"))
        client = ours(server.url, config=self.CONFIG)
        with pytest.raises(ResponseTooLargeError, match="larger than max_response_size, 2000 bytes"):
            client.list_function_event_invoke_configs(FunctionName="f")
        assert len(server.requests) == 1
        assert client.list_function_event_invoke_configs(FunctionName="f")

    def test_of_an_endless_body_is_read_no_further_than_the_limit(self, start: Any, ours: Any) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server = start(Trickle, head, b"3e8\r\n" + b" " * 1000 + b"\r\n", 0.001)
        with pytest.raises(ResponseTooLargeError):
            ours(server.url, config=self.CONFIG).list_function_event_invoke_configs(FunctionName="f")

    def test_of_chunks_that_are_there_at_once_is_limited_too(self, scripted: Scripted, ours: Any) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server = scripted(Raw(head + (b"3e8\r\n" + b" " * 1000 + b"\r\n") * 5 + b"0\r\n\r\n"), page("a"))
        client = ours(server.url, config=self.CONFIG)
        with pytest.raises(ResponseTooLargeError):
            client.list_function_event_invoke_configs(FunctionName="f")
        assert client.list_function_event_invoke_configs(FunctionName="f")

    def test_of_an_error_is_limited_too(self, scripted: Scripted, ours: Any) -> None:
        server = scripted(Reply(500, b"x" * (self.LIMIT + 1)))
        with pytest.raises(ResponseTooLargeError):
            ours(server.url, config=self.CONFIG).list_function_event_invoke_configs(FunctionName="f")

    def test_is_limited_for_a_transport_that_was_handed_over(self, ours: Any) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b" " * 3000))
        client = ours("http://h", config=self.CONFIG, transport=transport)
        with pytest.raises(ResponseTooLargeError):
            client.list_function_event_invoke_configs(FunctionName="f")

    def test_of_a_page_is_far_below_the_default(self) -> None:
        destination = "arn:aws:events:us-gov-west-1:123456789012:event-bus/" + "b" * 256
        config = {
            "LastModified": 1_700_000_000.123456,
            "FunctionArn": "arn:aws:lambda:us-gov-west-1:123456789012:function:" + "f" * 64 + ":" + "a" * 128,
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 21600,
            "DestinationConfig": {
                "OnSuccess": {"Destination": destination},
                "OnFailure": {"Destination": destination},
            },
        }
        longest = json.dumps({"FunctionEventInvokeConfigs": [config] * 50, "NextMarker": "m" * 4096})
        assert len(longest) * 15 < eic.Config().max_response_size


@pytest.mark.parametrize(
    ("seconds", "timeout", "said"),
    [
        (None, 2, "nothing received within 2 s"),
        (60, 2, "nothing received within 2 s"),
        (0, 2, "request deadline exceeded"),
        (60, None, "request deadline exceeded"),
    ],
)
def test_what_took_too_long_is_named(seconds: float | None, timeout: float | None, said: str) -> None:
    deadline = network.Deadline(seconds)
    deadline.begin()
    assert deadline.late(timeout, "nothing received") == said
