"""An account's functions on 127.0.0.1, served by a process of its own, for listings of many at a time.

    anything            one page of one configuration, whose ARN is the function's name
    anything-pages-N    N of these
    missing-anything    404
    breaks-N-anything   pages as above, and 400 in place of page N, once for each function
    hangs-anything      no answer
    busy-N-anything     429 N times, and then one page

`limit` is how many requests a second are let through, as many of them at once as in a second; those above it
are answered 429. A request for a path of /asked is told what was asked for so far: a line of
region, function and marker for each request that was let through, and the seconds at which it came.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
import time
from collections import Counter
from typing import Any

from servers import Answers, ServerProcess, json_reply, serve_process

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+EXAMPLEKEY"}
_REQUEST = re.compile(
    r"GET [^ ]*/functions/(?P<name>[^/ ]*)/event-invoke-config/list(?:\?[^ ]*?Marker=(?P<marker>\d+))?"
    r".*?Credential=(?P<key>[^/]*)/\d+/(?P<region>[^/]+)/",
    re.DOTALL,
)


class Account(ServerProcess):
    """Use it in a `with` block."""

    script = __file__

    def __init__(self, limit: float | None = None) -> None:
        self.arguments = (json.dumps(limit),)

    @property
    def options(self) -> dict[str, Any]:
        """What makes a client of it."""
        return {"region_name": "us-east-1", "endpoint_url": self.url, **KEYS}

    def seen(self) -> dict[str, Any]:
        """`asked`, [region, name, marker] for each request let through; `throttled`, the other ones' number;
        `allowed_at`, seconds of the former; `signed`, [access key, region, name] of all, each once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/asked")
        seen: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return seen

    def asked(self) -> Counter[str]:
        """How often each function was asked for, leaving out its further pages."""
        return Counter(name for _, name, marker in self.seen()["asked"] if not marker)

    def asked_pairs(self) -> Counter[tuple[str, str]]:
        """The same for each function and region."""
        return Counter((name, region) for region, name, marker in self.seen()["asked"] if not marker)


class _Answers(Answers):
    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.tokens = limit or 0
        self.filled_at = time.monotonic()
        self.asked: list[tuple[str, str, int]] = []
        self.allowed_at: list[float] = []
        self.throttled = 0
        self.signed: set[tuple[str, str, str]] = set()
        self.broken: set[str] = set()
        self.refused: Counter[str] = Counter()

    def answer(self, connection: asyncio.Transport, head: str) -> None:
        if answer := self._answer(head):
            connection.write(answer)

    def _answer(self, head: str) -> bytes | None:
        if head.startswith("GET /asked "):
            names = ("asked", "allowed_at", "throttled")
            return json_reply(
                200, {**{name: getattr(self, name) for name in names}, "signed": sorted(self.signed)}
            )
        request = _REQUEST.match(head)
        assert request, head
        name, marker = request["name"], int(request["marker"] or 0)
        self.signed.add((request["key"], request["region"], name))
        if not self._allows() or self._is_busy(name):
            self.throttled += 1
            return json_reply(429, {"message": "Rate exceeded"}, "TooManyRequestsException")
        self.asked.append((request["region"], name, marker))
        self.allowed_at.append(time.monotonic())
        return self._page(name, marker)

    def _is_busy(self, name: str) -> bool:
        kind, *rest = name.split("-")
        if kind != "busy" or self.refused[name] == int(rest[0]):
            return False
        self.refused[name] += 1
        return True

    def _page(self, name: str, marker: int) -> bytes | None:
        kind, *rest = name.split("-")
        if kind == "hangs":
            return None
        if kind == "missing":
            return json_reply(404, {"Message": f"Function not found: {name}"}, "ResourceNotFoundException")
        if kind == "breaks" and marker == int(rest[0]) and name not in self.broken:
            self.broken.add(name)
            return json_reply(400, {"message": "not now"}, "InvalidParameterValueException")
        pages = int(rest[-1]) if rest[-2:-1] == ["pages"] else 1
        arn = name if pages == 1 else f"{name}:{marker}"
        page: dict[str, Any] = {"FunctionEventInvokeConfigs": [{"FunctionArn": arn, "LastModified": 1.0}]}
        if marker + 1 < pages:
            page["NextMarker"] = str(marker + 1)
        return json_reply(200, page)

    def _allows(self) -> bool:
        if self.limit is None:
            return True
        now = time.monotonic()
        self.tokens = min(self.limit, self.tokens + (now - self.filled_at) * self.limit)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


if __name__ == "__main__":
    serve_process(_Answers(json.loads(sys.argv[1])))
