"""The pools below httpx: what reserves a connection, what they have of httpx's own names, and what if not."""

from __future__ import annotations

import contextlib
import gc
import logging
import select
import socket
import ssl
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpcore
import httpx
import pytest
from servers import AT_MOST, TUNNEL, Server, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._async import sockets as async_sockets
from lambda_event_invoke_configs._async.transport import AsyncPooledTransport
from lambda_event_invoke_configs._client import network
from lambda_event_invoke_configs._sync import sockets
from lambda_event_invoke_configs._sync.transport import PooledTransport

Make = Callable[..., Any]
PATIENCE = 60  # seconds: what is to come comes far sooner
TIMEOUT = {"timeout": httpx.Timeout(PATIENCE).as_dict()}


def options(**others: Any) -> dict[str, Any]:
    return {
        "connections": 1,
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        "seconds": PATIENCE,
        "max_size": 10_000,
        **others,
    }


HELLO = b"GET / HTTP/1.1\r\n\r\n"


def ask(client: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName="f")


class TestAReservation:
    def test_waits_for_a_connection_and_its_requests_wait_for_none(self, scripted: Make) -> None:
        server = scripted(page("a"), page("b"), page("c"))
        transport = PooledTransport(**options())
        request = httpx.Request("GET", server.url, extensions=TIMEOUT)
        with ThreadPoolExecutor(1) as thread:
            reserved = transport.reserve()
            waiting = thread.submit(transport.handle_request, request)
            for _ in range(2):
                assert reserved.handle_request(request).status_code == 200
            assert not waiting.done()
            assert len(server.requests) == 2
            reserved.release()
            assert waiting.result(30).status_code == 200
        assert transport._slots.qsize() == 1
        assert server.connections == 1
        transport.close()

    def test_of_a_call_is_released_once(self, scripted: Make) -> None:
        """A second time, it would release what another thread has taken since."""
        server = scripted(*[page("a")] * 400)
        with eic.Client(
            "us-east-1",
            endpoint_url=server.url,
            config=eic.Config(max_pool_connections=1),
            aws_access_key_id="a",
            aws_secret_access_key="b",
        ) as client:
            slots = client._transport._slots  # type: ignore[attr-defined]
            with ThreadPoolExecutor(8) as threads:
                for _ in threads.map(lambda _: ask(client), range(400)):
                    assert slots.qsize() <= 1
            assert slots.qsize() == 1
        assert server.connections == 1

    def test_that_is_lost_comes_back(self, scripted: Make) -> None:
        server = scripted(page("a"))
        transport = PooledTransport(**options())
        reserved = transport.reserve()
        del reserved
        gc.collect()
        assert transport.handle_request(httpx.Request("GET", server.url, extensions=TIMEOUT))
        transport.close()

    def test_outlives_the_pool_that_it_is_of(self) -> None:
        transport = PooledTransport(**options())
        for _ in range(2):
            reserved = transport.reserve()
            transport.reset()
            reserved.release()
        lost = transport.reserve()
        transport.reset()
        del lost
        assert transport._slots.qsize() == 1

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_of_a_task_waits_for_a_connection_and_its_requests_wait_for_none(
        self, scripted: Make, backend: str
    ) -> None:
        server = scripted(page("a"), page("b"), page("c"))
        request = httpx.Request("GET", server.url, extensions=TIMEOUT)
        order: list[str] = []

        async def main() -> None:
            transport = AsyncPooledTransport(**options())

            async def wait() -> None:
                await transport.handle_async_request(request)
                order.append("waited")

            async with anyio.create_task_group() as tasks:
                reserved = await transport.reserve()
                tasks.start_soon(wait)
                for _ in range(2):
                    await reserved.handle_async_request(request)
                    order.append("reserved")
                for _ in range(2):
                    reserved.release()
            await transport.aclose()

        anyio.run(main, backend=backend)
        assert order == ["reserved", "reserved", "waited"]
        assert server.connections == 1


class NoTLS(Server):
    """A proxy whose tunnels lead to a server without TLS."""

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        connection.sendall(TUNNEL)
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
        return True


@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
def test_a_tunnel_in_which_tls_fails_is_closed_however_long_its_error_is_kept(backend: str) -> None:
    """httpcore keeps it as in use, and the error's traceback keeps it from the garbage collector."""
    request = httpx.Request("GET", "https://lambda.example", extensions=TIMEOUT)

    async def fail(proxy: str) -> None:
        proxied = options(proxy=httpx.Proxy(proxy), verify=ssl.create_default_context())
        if backend == "sync":
            PooledTransport(**proxied).handle_request(request)
        else:
            await AsyncPooledTransport(**proxied).handle_async_request(request)

    with NoTLS() as server:
        with pytest.raises(httpx.ConnectError) as failed:
            anyio.run(fail, server.url, backend="asyncio" if backend == "sync" else backend)
        assert server.hung_up_by_client()
        assert failed.tb is not None


class TestWithoutANameOfAnotherLibrary:
    """As after an update: nothing is kept then, and a warning says so once."""

    @pytest.fixture(autouse=True)
    def _not_warned(self) -> None:
        network._warn_once.cache_clear()

    def assert_nothing_is_kept(self, ours: Make, scripted: Make, caplog: Any) -> None:
        server = scripted(*[page("a")] * 3)
        client = ours(server.url)
        with caplog.at_level(logging.WARNING, "lambda_event_invoke_configs"):
            for _ in range(3):
                assert ask(client)
        assert server.connections == 3
        (said,) = [record.getMessage() for record in caplog.records]
        assert said == "unknown version of httpx or httpcore: connections are not reused"

    @pytest.mark.parametrize("missing", ["_h11_state", "_connection"])
    def test_of_httpcores_keeps_no_connection(
        self, ours: Make, scripted: Make, caplog: Any, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        real = getattr

        def hidden(found: Any, name: str, *default: Any) -> Any:
            return real(found, "no such name" if name == missing else name, *default)

        monkeypatch.setattr(network, "getattr", hidden, raising=False)
        self.assert_nothing_is_kept(ours, scripted, caplog)

    def test_of_httpxs_keeps_no_connection(
        self, ours: Make, scripted: Make, caplog: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = getattr

        def hidden(found: Any, name: str, *default: Any) -> Any:
            return real(found, "no such name" if name == "_pool" else name, *default)

        monkeypatch.setattr(network, "getattr", hidden, raising=False)
        self.assert_nothing_is_kept(ours, scripted, caplog)


class TestAStream:
    """What httpcore's own have too, for what looks at a response's `network_stream`."""

    @pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
    def test_knows_its_socket(self, scripted: Make, backend: str) -> None:
        port = scripted(page("a")).port
        sync = backend == "sync"
        module: Any = sockets if sync else async_sockets

        async def main() -> None:
            link = network.Link(None, None)
            made = module.Backend(link).connect_tcp("127.0.0.1", port, PATIENCE)
            stream = made if sync else await made
            connected = stream.get_extra_info("socket")
            assert isinstance(connected, socket.socket)
            assert stream.get_extra_info("server_addr") == connected.getpeername() == ("127.0.0.1", port)
            assert stream.get_extra_info("client_addr") == connected.getsockname()
            assert stream.get_extra_info("ssl_object") is None
            assert stream.get_extra_info("is_readable") is False
            connected.sendall(HELLO)
            assert select.select([connected], [], [], AT_MOST)[0]
            assert stream.get_extra_info("is_readable") is True
            link.close()
            assert stream.get_extra_info("is_readable") is True

        anyio.run(main, backend="asyncio" if sync else backend)

    def test_has_the_socket_options(self, ours: Make, proxy: Any) -> None:
        """On a connection to a proxy too, which httpcore's own does not do."""
        made: list[Any] = []

        class Watching(socket.socket):
            def setsockopt(self, *option: Any) -> None:
                made.append(option)
                super().setsockopt(*option)

        config = eic.Config(tcp_keepalive=True, proxies={"http": f"http://127.0.0.1:{proxy.port}"})
        client = ours("http://lambda.example", config=config)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(network.socket, "socket", Watching)
            assert ask(client)
        assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in made


def test_a_client_that_is_never_closed_ends_without_a_warning(scripted: Make) -> None:
    server = scripted(page("a"), page("a"), page("a"))
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "endpoint_url": server.url}

    async def one() -> None:
        await eic.AsyncClient("us-east-1", **keys).list_function_event_invoke_configs(FunctionName="f")

    gc.collect()  # what other tests have left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask(eic.Client("us-east-1", **keys))
        for backend in "asyncio", "trio":
            anyio.run(one, backend=backend)
        gc.collect()
    assert [str(each.message) for each in caught] == []


def test_what_a_peer_that_reads_nothing_is_sent_is_bounded_in_time() -> None:
    """A request is far smaller than a socket's buffer; but a stream may be written more than that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        link = network.Link(None, None)
        stream = sockets.Backend(link).connect_tcp("127.0.0.1", port, PATIENCE)
        with pytest.raises(httpcore.WriteTimeout, match=r"nothing sent within 0\.05 s"):
            stream.write(b" " * 100_000_000, 0.05)
        stream.close()
        with pytest.raises(httpcore.WriteError):
            stream.write(b" ", 0.05)
        with pytest.raises(httpcore.ReadError):
            stream.read(1, 0.05)

        async def write() -> None:
            link = network.Link(None, None)
            stream = await async_sockets.Backend(link).connect_tcp("127.0.0.1", port, PATIENCE)
            with pytest.raises(httpcore.WriteTimeout, match=r"nothing sent within 0\.05 s"):
                await stream.write(b" " * 100_000_000, 0.05)
            await stream.aclose()
            with pytest.raises(httpcore.WriteError):
                await stream.write(b" ", 0.05)

        for backend in "asyncio", "trio":
            anyio.run(write, backend=backend)


@pytest.mark.parametrize(
    ("use", "data", "kind"), [("read", 1, httpcore.ReadError), ("write", b"x", httpcore.WriteError)]
)
def test_tls_that_is_garbled_is_an_error_of_reading_or_of_writing(use: str, data: Any, kind: Any) -> None:
    """As after a handshake; here in place of one, for a first read or a first write makes it."""
    context = ssl.create_default_context()

    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as accepted:
        port = listener.getsockname()[1]

        def answer_with_garbage() -> None:
            connection = accepted.enter_context(listener.accept()[0])
            connection.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n")

        link = network.Link(None, None)
        lower: Any = sockets.Backend(link).connect_tcp("127.0.0.1", port, PATIENCE)
        answer_with_garbage()
        secure = sockets.TLSStream(lower, link.add_tls(context, "h"), link)
        secure._tls.attempt(secure._tls.object.do_handshake)
        with pytest.raises(kind, match="SSL"):
            getattr(secure, use)(data, PATIENCE)

        async def use_async() -> None:
            link = network.Link(None, None)
            lower: Any = await async_sockets.Backend(link).connect_tcp("127.0.0.1", port, PATIENCE)
            answer_with_garbage()
            secure = async_sockets.TLSStream(lower, link.add_tls(context, "h"), link)
            secure._tls.attempt(secure._tls.object.do_handshake)
            with pytest.raises(kind, match="SSL"):
                await getattr(secure, use)(data, PATIENCE)

        for backend in "asyncio", "trio":
            anyio.run(use_async, backend=backend)


def test_tls_whose_connection_has_ended_has_data_for_nobody() -> None:
    """Whatever has come behind a response: bytes, an end, or what is no TLS."""
    for received in b"", b"HTTP/1.1 400 This is no TLS\r\n\r\n":
        tls = network.TLS(ssl.create_default_context(), "h")
        assert not tls.has_data()
        tls.attempt(tls.object.do_handshake)
        tls.receive(received)
        assert tls.has_data()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_socket_that_is_not_readable_after_all_is_waited_for_again(
    slow: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system says now and then that there is something to read, and then there is nothing."""
    real = anyio.wait_readable
    waited: list[Any] = []

    async def wait_readable(connected: Any) -> None:
        waited.append(connected)
        if len(waited) > 1:
            slow.answer.set()
            await real(connected)

    monkeypatch.setattr(anyio, "wait_readable", wait_readable)

    async def main() -> bytes:
        link = network.Link(None, None)
        stream = await async_sockets.Backend(link).connect_tcp("127.0.0.1", slow.port, PATIENCE)
        await stream.write(HELLO)
        found = await stream.read(100, PATIENCE)
        await stream.aclose()
        return found

    assert anyio.run(main, backend=backend).startswith(b"HTTP/1.1 200")
    assert len(waited) == 2
