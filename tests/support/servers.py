"""Servers on 127.0.0.1: in a thread each connection, or in a process of their own.

`Server` accepts, reads the heads of requests and ends; each of the others only says how it answers. Where
many clients are served while this process has other things to do, a `ServerProcess` does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AT_MOST = 60  # seconds until something that does not happen is an error
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


def until(so: Callable[[], object]) -> None:
    """Waits until something is so that no event tells of; not with time.sleep: tests take that away."""
    end = time.monotonic() + AT_MOST
    while not so():
        assert time.monotonic() < end, "it does not happen"
        threading.Event().wait(0.01)


# What is answered


@dataclass
class Reply:
    """One answer. `cut` closes the connection after so many bytes of it, `reset` resets it there.

    `stall` sends so many bytes, and no more until the client gives up.
    """

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    stall: int | None = None
    framed: bool = True  # False: no Content-Length, the body ends where the connection does

    def wire(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} Whatever"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(body)}"] if self.framed else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass
class Raw:
    """One answer as bytes; the connection is closed after it, or reset."""

    data: bytes
    reset: bool = False

    stall = None
    framed = False

    def wire(self) -> bytes:
        return self.data

    @property
    def cut(self) -> int:
        return len(self.data)


class Silence:
    """No answer until the client gives up."""


def page(*arns: str, next_marker: str | None = None, status: int = 200, **reply: object) -> Reply:
    """A page of configurations with these ARNs."""
    body: dict[str, object] = {"FunctionEventInvokeConfigs": [{"FunctionArn": arn} for arn in arns]}
    if next_marker is not None:
        body["NextMarker"] = next_marker
    return Reply(status, body, **reply)  # type: ignore[arg-type]


def error(status: int, code: str = "", message: str = "no", **headers: str) -> Reply:
    """An error as the service writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": code, **named} if code else named)


def parse(request: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and headers (lower-case names) of a raw request."""
    line, *lines = request.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    return method, target, {name.lower(): value for name, _, value in (h.partition(": ") for h in lines)}


# Who answers


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: a certificate authority's, and a client's certificate and its key, issued by it.

    And the TLS contexts of two servers named localhost; the choosy one wants a certificate of the client's.
    """

    authority: str
    certificate: str
    key: str
    certificate_and_key: str
    server: ssl.SSLContext
    choosy_server: ssl.SSLContext

    @classmethod
    def issue(cls, folder: Path) -> Certificates:
        import trustme

        authority = trustme.CA(organization_name="a CA of these tests")
        client = authority.issue_cert("client.example")
        files = {
            "ca.pem": authority.cert_pem,
            "cert.pem": client.cert_chain_pems[0],
            "key.pem": client.private_key_pem,
            "both.pem": client.private_key_and_cert_chain_pem,
        }
        for name, pem in files.items():
            pem.write_to_path(str(folder / name))
        certificate = authority.issue_cert("localhost")
        contexts = [ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) for _ in range(2)]
        for context in contexts:
            certificate.configure_cert(context)
        authority.configure_trust(contexts[1])
        contexts[1].verify_mode = ssl.CERT_REQUIRED
        return cls(*(str(folder / name) for name in files), *contexts)


class Server:
    """Answers every request with the same page, each connection in a thread of its own, until it is closed.

    `requests` are the raw request heads in the order they came, `connections` how many were accepted.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = context
        self._over = threading.Event()
        self._changed = threading.Condition()  # held for all that follows, and for the lists above
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listen()

    @property
    def open(self) -> int:
        """How many connections are."""
        return len(self._open)

    def hung_up_by_client(self) -> bool:
        """Waits until no connection is open any more."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, AT_MOST)

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        """Answers a request; whether the connection is to be kept."""
        connection.sendall(page("arn").wire())
        return True

    def accepts(self, connection: socket.socket) -> bool:
        """Whether it listens to a new connection at all; it is reset otherwise."""
        return True

    def close(self) -> None:
        self._over.set()
        self._stop_listening()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept, self._listener)

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):  # it has stopped already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for connection in self._open:
                hang_up(connection)

    def _start(self, run: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads = [*(running for running in self._threads if running.is_alive()), thread]
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open.add(connection)
                if self.accepts(connection) and not self._over.is_set():
                    self._start(self._serve, connection)
                else:
                    self._end(connection, reset=True)

    def _serve(self, connection: socket.socket) -> None:
        # Each part of an answer leaves at once, and not when the one before it was acknowledged.
        with contextlib.suppress(OSError):  # the client has gone already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._context:
                connection = self._shake_hands(self._context, connection)
            while head := self._read_head(connection):
                with self._changed:
                    self.requests.append(head)
                if not self.respond(connection, head):
                    break
        except OSError:  # the client has gone, or one of the two did not like the other's certificate
            pass
        finally:
            self._end(connection)

    def _shake_hands(self, context: ssl.SSLContext, connection: socket.socket) -> ssl.SSLSocket:
        with self._changed:  # wrapping leaves the other without its descriptor
            self._open.discard(connection)
            secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self._open.add(secure)
        try:
            secure.do_handshake()
        except OSError:
            # To close it with the client's request unread would reset it, and the client might never
            # read which alert it was sent.
            self._end(secure, read_on=True)
            raise
        return secure

    def _read_head(self, connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(65536)
            if not data:
                return b""
            head += data
        return head

    def _end(self, connection: socket.socket, *, reset: bool = False, read_on: bool = False) -> None:
        with contextlib.suppress(OSError):  # the client has ended it
            if read_on:
                socket.socket.shutdown(connection, socket.SHUT_WR)
                while socket.socket.recv(connection, 65536):
                    pass
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()


def hang_up(connection: socket.socket) -> None:
    """Ends both directions, which wakes a thread that reads; closing would not."""
    with contextlib.suppress(OSError):  # it is closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class ScriptedServer(Server):
    """Plays its script, one answer a request; a request past its end finds the connection closed."""

    def __init__(self, *script: Reply | Raw | Silence) -> None:
        self.script = list(script)
        super().__init__()

    def play(self, *script: Reply | Raw | Silence) -> None:
        """Begin anew, with another script."""
        with self._changed:
            self.script = list(script)
            self.requests.clear()
            self.connections = 0

    def targets(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.requests]

    def header(self, name: str) -> list[str]:
        return [parse(request)[2].get(name, "") for request in self.requests]

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        with self._changed:
            exchange = self.script.pop(0) if self.script else Raw(b"")
        if isinstance(exchange, Silence):
            return True
        if exchange.stall is not None:
            connection.sendall(exchange.wire()[: exchange.stall])
            return True
        connection.sendall(exchange.wire()[: exchange.cut])
        if exchange.reset:
            self._end(connection, reset=True)
        return exchange.cut is None and exchange.framed and not exchange.reset


class Talkative(Server):
    """Answers with the function's name, and some of them with more behind it, in a TLS record of its own."""

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        name = head.split(b"/functions/")[1].split(b"/")[0].decode()
        # Both at once, so that both are there when the client has read the first.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(page(name).wire())
        if name == "answered-twice":
            connection.sendall(page("somebody else's").wire())
        elif name == "garbled":
            socket.socket.sendall(connection, b"no record of TLS")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        return True


class Slow(Server):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        super().__init__()

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        self.asked.set()
        self.answer.wait(AT_MOST)
        return super().respond(connection, head)


class Silent(Server):
    """Answers no request."""

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        return True


class Trickle(Server):
    """Answers without end, at least for long, piece by piece: a pause of seconds and a call, then one."""

    def __init__(self, head: bytes, endless: bytes, pause: float, call: Callable[[], object] = bool) -> None:
        self._head, self._endless, self._pause, self._call = head, endless, pause, call
        super().__init__()

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        connection.sendall(self._head)
        end = time.monotonic() + AT_MOST
        while not self._over.wait(self._pause) and time.monotonic() < end:
            self._call()
            connection.sendall(self._endless)
        return False


class Proxy(Server):
    """Answers a request for an http:// URL with a page itself, and connects to where CONNECT says.

    `answer` is what it answers a CONNECT with instead; `tunnelled` is what clients sent through tunnels.
    While `slow()` is true, which each byte of the server's asks, they come one by one.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        answer: bytes | None = None,
        slow: Callable[[], bool] = lambda: False,
    ) -> None:
        self.tunnelled = b""
        self._answer = answer
        self._slow = slow
        super().__init__(context)

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        method, target, _ = head.split(b" ", 2)
        if method != b"CONNECT":
            return super().respond(connection, head)
        if self._answer is None:
            self._connect(connection, target.decode())
        else:
            connection.sendall(self._answer)
        return False

    def _connect(self, client: socket.socket, target: str) -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            with self._changed:
                self._open.add(server)
            client.sendall(TUNNEL)
            answers = self._start(self._copy, server, client)
            try:
                while data := client.recv(65536):
                    self.tunnelled += data
                    server.sendall(data)
            finally:
                hang_up(server)
                answers.join()
                self._end(server)

    def _copy(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                while data and self._slow():
                    client.sendall(data[:1])
                    data = data[1:]
                    self._over.wait(0.001)
                client.sendall(data)
        hang_up(client)


@dataclass(frozen=True)
class Asked:
    """A request as a `Service` was sent it; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Service(Server):
    """In place of another of AWS's services: answers what `answer` makes of a request, 404 for None."""

    def __init__(self, answer: Callable[[Asked], str | tuple[int, str] | None]) -> None:
        self.asked: list[Asked] = []
        self._answer = answer
        super().__init__()

    def _read_head(self, connection: socket.socket) -> bytes:
        # Byte by byte: a body follows, which belongs to `respond()`.
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return b""
            head += byte
        return head

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        method, path, headers = parse(head)
        body = b""
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        asked = Asked(method, path, headers, body.decode())
        self.asked.append(asked)
        answer = self._answer(asked) or (404, "")
        status, text = (200, answer) if isinstance(answer, str) else answer
        connection.sendall(Reply(status, text.encode()).wire())
        return True


# In a process of its own


class ServerProcess:
    """The server that a script runs by `serve_process()`; use it in a `with` block."""

    script: str
    arguments: tuple[str, ...] = ()

    def __enter__(self) -> Any:
        command = [sys.executable, self.script, *self.arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> str:
        """Has it end; what it has printed until then."""
        if self._process.poll() is None:
            self._printed = self._process.communicate(timeout=2 * AT_MOST)[0]
        return self._printed


class Answers:
    """How a server in a process of its own answers: a head without its end, on the connection it came on."""

    def answer(self, connection: asyncio.Transport, head: str) -> None:
        raise NotImplementedError

    def connected(self, connection: asyncio.Transport) -> None:
        pass

    def disconnected(self, connection: asyncio.Transport) -> None:
        pass


def serve_process(answers: Answers) -> None:
    """Prints its port, and serves until standard input ends."""

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self._transport = transport
            self._received = b""
            answers.connected(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            answers.disconnected(self._transport)

        def data_received(self, data: bytes) -> None:
            self._received += data
            while (end := self._received.find(b"\r\n\r\n")) >= 0:
                head, self._received = self._received[:end].decode(), self._received[end + 4 :]
                answers.answer(self._transport, head)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(Connection, "127.0.0.1", 0, backlog=256)
        print(listener.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        ended = asyncio.Event()
        threading.Thread(
            target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True
        ).start()
        await ended.wait()

    asyncio.run(serve())


def json_reply(status: int, body: Mapping[str, Any], error_type: str = "") -> bytes:
    return Reply(status, body, {"x-amzn-errortype": error_type} if error_type else {}).wire()
