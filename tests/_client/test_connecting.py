"""Looking a host up, and connecting to one of its addresses: what is bounded, and what a failure says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import botocore.config
import pytest
import sniffio
from servers import Silence, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

Make = Callable[..., Any]
CONNECT, READ = 0.2, 0.3  # seconds
# Where the machine stands still for a while, an attempt that would succeed takes too long: the next one will.
PATIENT = {"total_max_attempts": 10, "mode": "standard"}
PAGES = [page("a")] * 30  # more than all attempts of a test
LOCAL = "127.0.0.1"
DEAD = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
HOST = "lambda.example"

needs_linux = pytest.mark.skipif(
    not hasattr(socket, "TCP_CORK"), reason="127.0.0.2 is an address of this machine on Linux only"
)


def ask(client: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName="f")


def config(**options: Any) -> eic.Config:
    return eic.Config(connect_timeout=CONNECT, read_timeout=READ, **options)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the host addresses, after some seconds."""
    real = socket.getaddrinfo

    def give(addresses: list[str], seconds: float = 0) -> None:
        def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
            if host not in (HOST, HOST.encode()):
                return real(host, port, *arguments, **options)
            flags = options.get("flags") or dict(enumerate(arguments)).get(3, 0)
            if flags & socket.AI_NUMERICHOST:
                raise socket.gaierror(socket.EAI_NONAME, "a name")
            with pytest.raises(sniffio.AsyncLibraryNotFoundError):  # it would block the event loop
                sniffio.current_async_library()
            threading.Event().wait(seconds)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return give


@pytest.fixture
def dead(request: pytest.FixtureRequest) -> Iterator[Callable[[int], None]]:
    """Makes addresses dead at a port: their backlogs are full, so a connection is never answered."""
    with contextlib.ExitStack() as stack:

        def make(port: int) -> None:
            for address in DEAD:
                listener = stack.enter_context(socket.socket())
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
                listener.listen(0)
                for _ in range(2):
                    waiting = stack.enter_context(socket.socket())
                    waiting.setblocking(False)
                    waiting.connect_ex((address, port))

        yield make


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


class TestTheLookUp:
    def test_may_take_longer_than_both_timeouts_together(
        self, ours: Make, theirs: Make, scripted: Make, looked_up: Any
    ) -> None:
        server = scripted(*PAGES)
        looked_up([LOCAL], 1.5 * (CONNECT + READ))
        url = f"http://{HOST}:{port_of(server.url)}"
        theirs_config = botocore.config.Config(connect_timeout=CONNECT, read_timeout=READ, retries=PATIENT)
        for client in ours(url, config=config(retries=PATIENT)), theirs(url, config=theirs_config):
            assert ask(client)  # each attempt looks it up

    def test_that_fails_says_why(self, ours: Make) -> None:
        with pytest.raises(EndpointConnectionError) as caught:
            ask(ours("http://lambda.invalid", config=config(retries={"total_max_attempts": 1})))
        assert "The host name could not be resolved" in str(caught.value)
        assert "name" in str(caught.value).partition('". ')[2].partition(". The host")[0].lower()


@needs_linux
class TestDeadAddresses:
    def test_before_one_that_answers_take_the_connect_timeout_each(
        self, ours: Make, scripted: Make, looked_up: Any, dead: Any
    ) -> None:
        server = scripted(*PAGES)
        port = port_of(server.url)
        dead(port)
        looked_up([*DEAD, LOCAL])
        client = ours(f"http://{HOST}:{port}", config=config(retries=PATIENT))
        assert ask(client)  # each attempt begins with the dead ones
        connections = server.connections
        assert ask(client)["ResponseMetadata"]["RetryAttempts"] == server.connections - connections

    def test_before_one_that_answers_with_boto3(
        self, theirs: Make, scripted: Make, looked_up: Any, dead: Any
    ) -> None:
        server = scripted(*PAGES)
        port = port_of(server.url)
        dead(port)
        looked_up([*DEAD, LOCAL])
        theirs_config = botocore.config.Config(connect_timeout=CONNECT, read_timeout=READ, retries=PATIENT)
        assert ask(theirs(f"http://{HOST}:{port}", config=theirs_config))

    def test_alone_are_a_connect_timeout_that_names_them(
        self, ours: Make, looked_up: Any, dead: Any, unused_port: int
    ) -> None:
        dead(unused_port)
        looked_up(DEAD)
        client = ours(f"http://{HOST}:{unused_port}", config=config(retries={"total_max_attempts": 1}))
        with pytest.raises(ConnectTimeoutError) as caught:
            ask(client)
        for address in DEAD:
            assert f"{address}: no connection within {CONNECT:g} s" in str(caught.value)

    def test_and_one_that_refuses_are_both_in_the_text(
        self, ours: Make, looked_up: Any, dead: Any, unused_port: int
    ) -> None:
        dead(unused_port)
        looked_up([DEAD[0], LOCAL])
        # Longer than the machine stands still: the second address is to have its time.
        patient = eic.Config(connect_timeout=2.5, retries={"total_max_attempts": 1})
        with pytest.raises(EndpointConnectionError) as caught:
            ask(ours(f"http://{HOST}:{unused_port}", config=patient))
        said = f"{DEAD[0]}: no connection within 2.5 s; {LOCAL}: Connection refused"
        assert said in str(caught.value)


def test_a_server_that_accepts_and_says_nothing_is_a_read_timeout(ours: Make, scripted: Make) -> None:
    options = eic.Config(read_timeout=READ, retries={"total_max_attempts": 1})
    client = ours(scripted(Silence()).url, config=options)
    with pytest.raises(ReadTimeoutError):
        ask(client)


def test_a_tls_handshake_that_is_not_answered_is_a_connect_timeout(ours: Make, silent: Any) -> None:
    # Longer than a machine stands still, or the connection itself may be too late.
    options = eic.Config(connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 1})
    client = ours(f"https://127.0.0.1:{silent.port}", config=options)
    with pytest.raises(ConnectTimeoutError, match=r"TLS handshake: not completed within 2 s\."):
        ask(client)
