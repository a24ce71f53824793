"""A server on 127.0.0.1, in a process of its own, for many clients at once.

    anything-N    has N pages of two configurations each
    meets-N       is answered once N requests for it are waiting, all of them then
    hangs         is answered when somebody asks for `releases`

It counts, and looks whether the access key that a request was signed with had expired by the request's date:
the key says itself when it does.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from servers import Answers, ServerProcess, json_reply, serve_process

ACCESS_KEY = "AKID{}"  # when it expires, as a request's date without its letters
_REQUEST = re.compile(
    r"GET [^ ]*/functions/(?P<name>[^/ ]*?)(?:-(?P<number>\d+))?/event-invoke-config/list"
    r"(?:\?[^ ]*?Marker=(?P<marker>\d+))?.*?(?:Credential=AKID(?P<expires>\d+)/|$)",
    re.DOTALL,
)
_DATE = re.compile(r"x-amz-date: (\d+)T(\d+)Z", re.IGNORECASE)

crowds: list[str] = []
"""What the tests of crowds have seen, for the lines at the end of the run."""


def configurations(name: str, page: int) -> list[dict[str, str]]:
    return [{"FunctionArn": f"{name}:{page}:{number}"} for number in range(2)]


class CrowdServer(ServerProcess):
    """What it has counted is known once it has ended."""

    script = __file__

    def counted(self) -> dict[str, int]:
        """`requests`, `most_open` connections, requests with `expired` keys, and others."""
        counted: dict[str, int] = json.loads(self.end())
        return counted


class _Crowd(Answers):
    def __init__(self) -> None:
        self.counted = {"requests": 0, "connections": 0, "most_open": 0, "expired": 0, "keys": 0}
        self.open: set[asyncio.BaseTransport] = set()
        self.waiting: dict[str, list[asyncio.Transport]] = {}
        self.keys: set[str] = set()

    def connected(self, connection: asyncio.Transport) -> None:
        self.open.add(connection)
        self.counted["connections"] += 1
        self.counted["most_open"] = max(self.counted["most_open"], len(self.open))

    def disconnected(self, connection: asyncio.Transport) -> None:
        self.open.discard(connection)

    def answer(self, connection: asyncio.Transport, head: str) -> None:
        asked = _REQUEST.match(head)
        assert asked, head
        self.counted["requests"] += 1
        if expires := asked["expires"]:
            self.keys.add(expires)
            self.counted["keys"] = len(self.keys)
            self.counted["expired"] += expires <= "".join(_DATE.search(head).groups())
        name, number, page = asked["name"], int(asked["number"] or 1), int(asked["marker"] or 0)
        if name in ("meets", "hangs"):
            waiting = self.waiting.setdefault(name, [])
            waiting.append(connection)
            if name == "meets" and len(waiting) == number:
                self._let_go(name)
            return
        if name == "releases":
            self._let_go("hangs")
        function = f"{name}-{number}"
        found: dict[str, Any] = {"FunctionEventInvokeConfigs": configurations(function, page)}
        if page + 1 < number and name != "releases":
            found["NextMarker"] = str(page + 1)
        connection.write(json_reply(200, found))

    def _let_go(self, name: str) -> None:
        for connection in self.waiting.pop(name, []):
            connection.write(json_reply(200, {"FunctionEventInvokeConfigs": []}))


if __name__ == "__main__":
    crowd = _Crowd()
    serve_process(crowd)
    print(json.dumps(crowd.counted))  # noqa: T201
