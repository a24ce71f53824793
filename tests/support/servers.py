"""TLS servers and proxies on 127.0.0.1, with certificates nobody else trusts."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trustme
from scripted import page


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


def _hang_up(connection: socket.socket) -> None:
    """End both directions, which wakes a thread that reads; closing would not."""
    with contextlib.suppress(OSError):  # it is closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class Server:
    """Accepts connections, each in a thread of its own, until it is closed.

    `requests` are the raw request heads in the order they came, `connections` how many were accepted.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = context
        self._open: list[socket.socket] = []  # shut down when the server is closed
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            _hang_up(connection)
        for thread in self._threads:
            thread.join()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _start(self, run: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=run, args=arguments)
        self._threads.append(thread)
        thread.start()
        return thread

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._shake_hands(self._context, connection)
            self._open.append(connection)
            with connection:
                self.serve(connection)
        except OSError:  # the client has gone, or one of the two did not like the other's certificate
            return

    def _shake_hands(self, context: ssl.SSLContext, connection: socket.socket) -> ssl.SSLSocket:
        secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secure.do_handshake()
        except OSError:
            # To close it with the client's request unread would reset it, and the client might never
            # read which alert it was sent.
            with socket.socket(fileno=secure.detach()) as plain:
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass
            raise
        return secure

    def _read_head(self, connection: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(65536)
            if not data:
                return b""
            head += data
        self.requests.append(head)
        return head


class Lambda(Server):
    """Answers every request with the same page."""

    def serve(self, connection: socket.socket) -> None:
        while self._read_head(connection):
            connection.sendall(page("arn").wire())


class Talkative(Server):
    """Answers with the function's name, and some of them with more behind it, in a TLS record of its own."""

    def serve(self, connection: socket.socket) -> None:
        while head := self._read_head(connection):
            name = head.split(b"/functions/")[1].split(b"/")[0].decode()
            # Both at once, so that both are there when the client has read the first.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(page(name).wire())
            if name == "answered-twice":
                connection.sendall(page("somebody else's").wire())
            elif name == "garbled":
                socket.socket.sendall(connection, b"no record of TLS")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


class Slow(Server):
    """Answers when it is told to; knows how many of its connections are open."""

    open = 0

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        self.open += 1
        while self._read_head(connection):
            self.asked.set()
            self.answer.wait(30)
            connection.sendall(page("arn").wire())
        self.open -= 1

    def hung_up_by_client(self) -> bool:
        give_up = time.monotonic() + 30
        while self.open and time.monotonic() < give_up:
            self.asked.wait(0.01)
        return not self.open


class Silent(Server):
    """Answers no request."""

    def serve(self, connection: socket.socket) -> None:
        while self._read_head(connection):
            pass


class Proxy(Server):
    """Answers a request for an http:// URL with a page itself, and connects to where CONNECT says.

    `answer` is what it answers a CONNECT with instead; `tunnelled` is what clients sent through tunnels.
    While `slow()` is true, a byte of the server's takes `pause` seconds.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        answer: bytes | None = None,
        slow: Callable[[], bool] = lambda: False,
        pause: float = 0,
    ) -> None:
        self.tunnelled = b""
        self._answer = answer
        self._slow, self._pause = slow, pause
        super().__init__(context)

    def serve(self, connection: socket.socket) -> None:
        while head := self._read_head(connection):
            method, target, _ = head.split(b" ", 2)
            if method != b"CONNECT":
                connection.sendall(page("arn").wire())
            elif self._answer is None:
                self._connect(connection, target.decode())
                return
            else:
                connection.sendall(self._answer)
                return

    def _connect(self, client: socket.socket, target: str) -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self._open.append(server)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            answers = self._start(self._copy, server, client)
            try:
                while data := client.recv(65536):
                    self.tunnelled += data
                    server.sendall(data)
            finally:
                _hang_up(server)
                answers.join()

    def _copy(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                if self._slow():
                    for byte in data:
                        threading.Event().wait(self._pause)
                        client.sendall(bytes([byte]))
                else:
                    client.sendall(data)
        except OSError:
            pass
        _hang_up(client)
