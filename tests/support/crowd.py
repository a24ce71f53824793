"""A server on 127.0.0.1, in a process of its own, for many clients at once.

    anything-N    has N pages of two configurations each
    meets-N       is answered once N requests for it are waiting, all of them then
    hangs         is answered when somebody asks for `releases`

It counts, and looks when the access key that a request was signed with expires: the key says so itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any

ACCESS_KEY = "AKID{}"  # when it expires, in milliseconds of the epoch
_REQUEST = re.compile(
    r"GET [^ ]*/functions/(?P<name>[^/ ]*?)(?:-(?P<number>\d+))?/event-invoke-config/list"
    r"(?:\?[^ ]*?Marker=(?P<marker>\d+))?.*?(?:Credential=AKID(?P<expires>\d+)/|$)",
    re.DOTALL,
)

crowds: list[str] = []
"""What the tests of crowds have seen, for the lines at the end of the run."""


def configurations(name: str, page: int) -> list[dict[str, str]]:
    return [{"FunctionArn": f"{name}:{page}:{number}"} for number in range(2)]


class CrowdServer:
    """`requests`, `most_open` connections and requests with `expired` keys are known once it has ended."""

    counted: dict[str, int]

    def __enter__(self) -> CrowdServer:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def end(self) -> dict[str, int]:
        """What it has counted."""
        if self._process.poll() is None:
            self.counted = json.loads(self._process.communicate(timeout=60)[0])
        return self.counted

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


class _Server:
    def __init__(self) -> None:
        self.counted = {"requests": 0, "connections": 0, "most_open": 0, "expired": 0, "keys": 0}
        self.open: set[asyncio.BaseTransport] = set()
        self.waiting: dict[str, list[asyncio.Transport]] = {}
        self.keys: set[str] = set()

    def answer(self, transport: asyncio.Transport, asked: re.Match[str]) -> None:
        self.counted["requests"] += 1
        if expires := asked["expires"]:
            self.keys.add(expires)
            self.counted["keys"] = len(self.keys)
            self.counted["expired"] += int(expires) < time.time() * 1000
        name, number, page = asked["name"], int(asked["number"] or 1), int(asked["marker"] or 0)
        if name in ("meets", "hangs"):
            waiting = self.waiting.setdefault(name, [])
            waiting.append(transport)
            if name == "meets" and len(waiting) == number:
                self._let_go(name)
            return
        if name == "releases":
            self._let_go("hangs")
        function = f"{name}-{number}"
        found: dict[str, Any] = {"FunctionEventInvokeConfigs": configurations(function, page)}
        if page + 1 < number and name != "releases":
            found["NextMarker"] = str(page + 1)
        self._send(transport, found)

    def _let_go(self, name: str) -> None:
        for transport in self.waiting.pop(name, []):
            self._send(transport, {"FunctionEventInvokeConfigs": []})

    @staticmethod
    def _send(transport: asyncio.Transport, page: dict[str, Any]) -> None:
        body = json.dumps(page).encode()
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


class _Connection(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        server = self._server
        server.open.add(transport)
        server.counted["connections"] += 1
        server.counted["most_open"] = max(server.counted["most_open"], len(server.open))

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end].decode(), self._received[end + 4 :]
            asked = _REQUEST.match(head)
            assert asked, head
            self._server.answer(self._transport, asked)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = _Server()
    listener = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0, backlog=256)
    print(listener.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    ended = asyncio.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True
    ).start()
    await ended.wait()
    print(json.dumps(server.counted))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_serve())
