"""A server on 127.0.0.1 that plays a list of exchanges, one a request, and keeps the raw requests."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from types import TracebackType

DRIP = 0.02  # seconds before each of a dripping reply's bytes


@dataclass
class Reply:
    """One answer. `cut` closes the connection after so many bytes of it, `reset` resets it there.

    `stall` sends so many bytes, and no more until the client gives up. `drip` sends the last bytes one by
    one, so many of them, with a pause before each.
    """

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    stall: int | None = None
    drip: int = 0
    wait: float = 0  # seconds before the answer
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
    drip = 0
    wait = 0
    framed = False

    def wire(self) -> bytes:
        return self.data

    @property
    def cut(self) -> int:
        return len(self.data)


class Silence:
    """No answer until the client gives up."""


class ScriptedServer:
    """Plays its script; a request past its end finds the connection closed.

    `requests` are the raw request heads in the order they came, `connections` how many were accepted.
    """

    def __init__(self, *script: Reply | Raw | Silence) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def play(self, *script: Reply | Raw | Silence) -> None:
        """Begin anew, with another script."""
        with self._lock:
            self.script = list(script)
            self.requests.clear()
            self.connections = 0

    def targets(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.requests]

    def header(self, name: str) -> list[str]:
        return [parse(request)[2].get(name, "") for request in self.requests]

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while (request := _read_head(connection)) is not None:
                with self._lock:
                    self.requests.append(request)
                    exchange = self.script.pop(0) if self.script else Raw(b"")
                if isinstance(exchange, Silence):
                    continue
                if exchange.wait:
                    threading.Event().wait(exchange.wait)  # not time.sleep: tests take that away
                if exchange.stall is not None:
                    connection.sendall(exchange.wire()[: exchange.stall])
                    continue
                wire = exchange.wire()[: exchange.cut]
                connection.sendall(wire[: len(wire) - exchange.drip])
                for n in range(len(wire) - exchange.drip, len(wire)):
                    threading.Event().wait(DRIP)
                    connection.sendall(wire[n : n + 1])
                if exchange.reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if exchange.reset or exchange.cut is not None or not exchange.framed:
                    break
        except OSError:
            pass
        finally:
            connection.close()


def _read_head(connection: socket.socket) -> bytes | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = connection.recv(65536)
        if not data:
            return None
        head += data
    return head


def parse(request: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and headers (lower-case names) of a raw request."""
    line, *lines = request.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    return method, target, {name.lower(): value for name, _, value in (h.partition(": ") for h in lines)}


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
