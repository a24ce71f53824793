"""The streams of both clients, over a peer in memory: timeouts, deadlines, TLS and what errors say."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable
from typing import Any

import anyio
import httpcore
import pytest
from servers import Certificates

from lambda_event_invoke_configs._async import sockets as async_sockets
from lambda_event_invoke_configs._client.network import (
    TLS,
    Deadline,
    Link,
    raise_connect_error,
    raise_lookup_error,
)
from lambda_event_invoke_configs._sync import sockets as sync_sockets

DATA = b"x" * 100_000  # several records


class Peer:
    """A TLS server below the stream. It notes the timeout of each read and write, and the time left."""

    def __init__(self, link: Link, context: ssl.SSLContext) -> None:
        self._link = link
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.timeouts: list[float | None] = []
        self.left: list[float | None] = []
        self.received = b""

    def answer(self, data: bytes) -> None:
        self._tls.write(data)

    def took(self) -> set[float | None]:
        """The timeouts since it was asked last."""
        noted, self.timeouts = self.timeouts, []
        return set(noted)

    def _write(self, data: bytes, timeout: float | None) -> None:
        self._note(timeout)
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
            while True:
                self.received += self._tls.read(65536)
        except ssl.SSLError:  # needs data, or has received an alert
            pass

    def _read(self, timeout: float | None) -> bytes:
        self._note(timeout)
        return self._outgoing.read()

    def _note(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        self.left.append(self._link.deadline.rest(None, Exception))

    def get_extra_info(self, info: str) -> str:
        return f"{info} of the peer"


class SyncPeer(Peer, sync_sockets._Stream):
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._write(buffer, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._read(timeout)


class AsyncPeer(Peer, async_sockets._Stream):
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._write(buffer, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._read(timeout)


async def value(made: Any) -> Any:
    return await made if isinstance(made, Awaitable) else made


@pytest.mark.parametrize("kind", [SyncPeer, AsyncPeer])
class TestTLS:
    @pytest.fixture
    def peer(self, kind: type[Any], certificates: Certificates) -> Any:
        link = Link(60, None)
        link.deadline.begin()
        return kind(link, certificates.server)

    @pytest.fixture
    def context(self, certificates: Certificates) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certificates.authority)

    def test_takes_the_timeout_of_each_step(self, peer: Any, context: ssl.SSLContext) -> None:
        async def main() -> None:
            secure = await value(peer.start_tls(context, "localhost", 5.0))
            assert peer.took() == {5.0}
            assert max(peer.left) <= 5
            await value(secure.write(DATA, 7.0))
            assert peer.took() == {7.0}
            assert peer.received == DATA
            peer.answer(b"answered")
            assert await value(secure.read(6, 9.0)) == b"answer"
            assert peer.took() == {9.0}
            assert 5 < peer.left[-1] <= 60

        anyio.run(main)

    def test_tells_of_itself_and_of_what_is_below(self, peer: Any, context: ssl.SSLContext) -> None:
        async def main() -> None:
            secure = await value(peer.start_tls(context, "localhost", 5.0))
            assert secure.get_extra_info("ssl_object").version().startswith("TLS")
            assert secure.get_extra_info("server_addr") == "server_addr of the peer"

        anyio.run(main)

    def test_that_ends_without_a_farewell_is_at_its_end(self, peer: Any, context: ssl.SSLContext) -> None:
        async def main() -> None:
            secure = await value(peer.start_tls(context, "localhost", 5.0))
            assert await value(secure.read(10, 5.0)) == b""

        anyio.run(main)

    def test_of_another_host_is_an_error_that_says_so(self, peer: Any, context: ssl.SSLContext) -> None:
        async def main() -> None:
            with pytest.raises(httpcore.ConnectError, match="Hostname mismatch"):
                await value(peer.start_tls(context, "elsewhere.test", 5.0))

        anyio.run(main)


@pytest.mark.parametrize(("host", "name"), [("[::1]", "::1"), ("host.test.", "host.test"), (None, None)])
def test_the_name_in_a_certificate_has_no_brackets_and_no_dot_at_the_end(
    host: str | None, name: str | None
) -> None:
    context = ssl.create_default_context()
    context.check_hostname = host is not None
    assert TLS(context, host).object.server_hostname == name


class TestTheDeadlineOfAStep:
    @pytest.mark.parametrize(
        ("whole", "step", "left"), [(None, 5, 5), (60, 5, 5), (5, 60, 5), (5, None, 5), (None, None, None)]
    )
    def test_is_the_earlier_one(self, whole: float | None, step: float | None, left: float | None) -> None:
        deadline = Deadline(whole)
        deadline.begin()
        rest = deadline.at_most(step).rest(None, Exception)
        assert rest == left if left is None else 0 < rest <= left  # type: ignore[operator]


class TestAnErrorThatHasATextOnly:
    def test_of_a_look_up_keeps_it(self) -> None:
        with pytest.raises(httpcore.ConnectError, match=r"^odd$"):
            raise_lookup_error(OSError("odd"))

    def test_of_a_connection_keeps_it(self) -> None:
        with pytest.raises(httpcore.ConnectError, match=r"^192\.0\.2\.1: odd$"):
            raise_connect_error([("192.0.2.1", OSError("odd"))], 5)


@pytest.mark.parametrize("kind", [sync_sockets.SocketStream, async_sockets.SocketStream])
def test_a_write_that_fails_says_why(kind: type[Any]) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.close()
    stream = kind(ours, Link(60, None))

    async def main() -> None:
        with ours, pytest.raises(httpcore.WriteError, match="Broken pipe"):
            await value(stream.write(b"x", 5.0))

    anyio.run(main)


@pytest.mark.parametrize("kind", [sync_sockets.SocketStream, async_sockets.SocketStream])
def test_without_time_left_reads_and_writes_are_timeouts(kind: type[Any]) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    link = Link(0, None)
    link.deadline.begin()
    stream = kind(ours, link)

    async def main() -> None:
        with ours, theirs:
            with pytest.raises(httpcore.ReadTimeout, match="request deadline exceeded"):
                await value(stream.read(1, 5.0))
            ours.setblocking(False)
            while True:  # until there is no room: the async one looks at the time only where it waits
                try:
                    ours.send(DATA)
                except BlockingIOError:
                    break
            with pytest.raises(httpcore.WriteTimeout, match="request deadline exceeded"):
                await value(stream.write(b"x", 5.0))

    anyio.run(main)
