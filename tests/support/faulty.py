"""A server on 127.0.0.1 that breaks in every way in which networks, proxies and services do.

It holds listings, each under the name of its function, and knows all of their configurations. For each
request chance decides how it is answered: in one of the ways that are `RIGHT`, or in one of the `FAULTS`.
No fault makes a page that can be read and is another than the one asked for: no client could tell.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qs, unquote, urlsplit

from servers import Server

# Below the ports that systems give to clients: while the server is gone, nobody else gets its own.
PORTS = range(10_000, 32_000)
SERVICE_PAGE_SIZE = 50
MOST_PARTS = 6

tally: collections.Counter[str] = collections.Counter()
"""What the tests of faults and kills have seen so far, for the lines at the end of the run."""

faults: collections.Counter[str] = collections.Counter()
"""How often each of the faults was played."""


def account(found: list[dict[str, object]], listing: Listing, *, finished: bool = False) -> bool:
    """Whether these are the first of a listing's configurations, or all, in order and each once.

    What is not there, or there twice, is counted.
    """
    right = listing.configurations if finished else listing.configurations[: len(found)]
    if found == right:
        return True
    arns = collections.Counter(str(configuration["FunctionArn"]) for configuration in found)
    tally["lost"] += sum(str(configuration["FunctionArn"]) not in arns for configuration in right)
    tally["twice"] += sum(count - 1 for count in arns.values())
    return False


class End(Enum):
    """What becomes of the connection after an answer."""

    KEPT = "kept"
    CLOSED = "closed"
    RESET = "reset"
    HELD = "held"  # nothing more is sent until the client gives up
    GONE = "gone"  # and with it the whole server, for a while
    SLAMMED = "slammed"  # reset, as are the next few before they have asked anything


@dataclass
class Answer:
    """Bytes to send and seconds to wait, in turns."""

    parts: list[bytes | float]
    end: End = End.KEPT


@dataclass
class Asked:
    """One request of a listing, with the chance that decides how it is answered."""

    body: bytes  # of the right answer
    chance: random.Random
    read_timeout: float  # the client's, in seconds

    def whole(self) -> bytes:
        return respond(self.body)


def respond(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    return _head(*lines, f"Content-Length: {len(body) if length is None else length}") + body


def _head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunks(body: bytes, chance: random.Random) -> list[bytes]:
    """A body in chunks of any size, the last one empty."""
    borders = sorted({0, len(body), *(chance.randint(0, len(body)) for _ in range(chance.randint(0, 4)))})
    parts = [body[start:end] for start, end in itertools.pairwise(borders)]
    return [b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""]]


CHUNKED = _head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
UNFRAMED = _head("HTTP/1.1 200 OK", "Content-Type: application/json")
HTML = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head><body>...</body></html>\n"


# Right answers


def _in_pieces(asked: Asked) -> Answer:
    wire = asked.whole()
    parts: list[bytes | float] = []
    for _ in range(asked.chance.randint(1, MOST_PARTS)):
        cut = asked.chance.randint(0, len(wire))
        parts += [wire[:cut], 0.0005]
        wire = wire[cut:]
    return Answer([*parts, wire])


def _after_interim_answers(asked: Asked) -> Answer:
    interim = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
    return Answer([*asked.chance.choices(interim, k=asked.chance.randint(1, 20)), asked.whole()])


def _as_http_1_0(asked: Asked) -> Answer:
    return Answer([asked.whole().replace(b"HTTP/1.1", b"HTTP/1.0", 1)], End.CLOSED)


RIGHT: list[tuple[Callable[[Asked], Answer], int]] = [
    (lambda asked: Answer([asked.whole()]), 10),
    (lambda asked: Answer([asked.whole()], End.CLOSED), 2),
    (lambda asked: Answer([respond(asked.body, "Connection: close")], End.CLOSED), 1),
    (lambda asked: Answer([respond(asked.body + b"\r\n")]), 1),
    (lambda asked: Answer([CHUNKED, *chunks(asked.body, asked.chance)]), 2),
    (lambda asked: Answer([UNFRAMED, asked.body], End.CLOSED), 1),
    (_as_http_1_0, 1),
    (_in_pieces, 2),
    (_after_interim_answers, 1),
]


# Faults


def _cut_in_the_head(end: End) -> Callable[[Asked], Answer]:
    def fault(asked: Asked) -> Answer:
        wire = asked.whole()
        return Answer([wire[: asked.chance.randint(1, wire.index(b"\r\n\r\n") + 3)]], end)

    return fault


def _cut_in_the_body(end: End) -> Callable[[Asked], Answer]:
    def fault(asked: Asked) -> Answer:
        return Answer([asked.whole()[: -asked.chance.randint(1, len(asked.body))]], end)

    return fault


def _unframed_and_cut(asked: Asked) -> Answer:
    return Answer([UNFRAMED, asked.body[: asked.chance.randrange(len(asked.body))]], End.CLOSED)


def _chunks_cut(asked: Asked) -> Answer:
    wire = b"".join(chunks(asked.body, asked.chance))
    end = asked.chance.choice([End.CLOSED, End.RESET])
    return Answer([CHUNKED, wire[: asked.chance.randrange(len(wire))]], end)


def _chunks_ended_early(asked: Asked) -> Answer:
    parts = chunks(asked.body, asked.chance)
    parts.insert(asked.chance.randrange(len(parts) - 1), b"0\r\n\r\n")
    return Answer([CHUNKED, *parts])


def _chunk_size_wrong(asked: Asked) -> Answer:
    parts = chunks(asked.body, asked.chance)
    number = asked.chance.randrange(len(parts) - 1)
    size, rest = parts[number].split(b"\r\n", 1)
    wrong = [b"%x" % max(1, int(size, 16) + by) for by in (-3, -2, -1, 1, 2, 3)]
    parts[number] = asked.chance.choice([*wrong, b"-1", b"", b"zz", b"f" * 30]) + b"\r\n" + rest
    if parts[number].startswith(size + b"\r\n"):  # a chunk of one byte cannot be shorter
        parts[number] = b"1" + parts[number]
    return Answer([CHUNKED, *parts], End.CLOSED)


def _length_too_long(asked: Asked) -> Answer:
    return Answer([respond(asked.body, length=len(asked.body) + asked.chance.randint(1, 500))], End.CLOSED)


def _length_too_short(asked: Asked) -> Answer:
    length = asked.chance.randrange(len(asked.body))
    wire = respond(asked.body, length=length)
    if asked.chance.random() < 0.5:
        return Answer([wire])
    apart = length - len(asked.body)
    return Answer([wire[:apart], 0.001, wire[apart:]])


def _length_no_number(asked: Asked) -> Answer:
    wrong = asked.chance.choice(["-1", "many", "", "0x20", "5, 6", "1e3"])
    return Answer([_head("HTTP/1.1 200 OK", f"Content-Length: {wrong}"), asked.body], End.CLOSED)


def _garbage(asked: Asked) -> Answer:
    return Answer([asked.chance.randbytes(asked.chance.randint(1, 2000))], End.CLOSED)


def _garbled_head(asked: Asked) -> Answer:
    head, body = asked.whole().split(b"\r\n\r\n")
    garbled = asked.chance.choice(
        [
            head.replace(b"HTTP/1.1 200", b"HTTP/1.1 2OO"),
            head.replace(b"HTTP/1.1", b"HTTP/9.9"),
            head.replace(b"HTTP/1.1", b"ICY"),
            head.replace(b"HTTP/1.1 200 OK\r\n", b""),
            head.replace(b": ", b" "),
            head.replace(b"OK", b"O\x00K"),
            head.replace(b"application", b"appli\x00cation"),
            head + b"\r\n" + b"x" * 200_000 + b": y",
            head + b"\r\nContent-Length: 5",
            head + b"\r\nTransfer-Encoding: gzip",
        ]
    )
    return Answer([garbled + b"\r\n\r\n", body], End.CLOSED)


def _interim_answers_only(asked: Asked) -> Answer:
    interim = b"HTTP/1.1 %d Interim\r\n\r\n" % asked.chance.choice([100, 101, 102, 103, 199])
    return Answer([interim * asked.chance.randint(1, 10)], asked.chance.choice([End.CLOSED, End.RESET]))


def _no_page_with_200(asked: Asked) -> Answer:
    body = asked.chance.choice([HTML, HTML[:20], b"", b"null", b"[]", b'"no"', b"\xff\xfe", b"NaN NaN"])
    html = "Content-Type: text/html"
    return Answer([respond(body, html)], asked.chance.choice([End.KEPT, End.CLOSED]))


def _status_without_a_body_with_one(asked: Asked) -> Answer:
    status = asked.chance.choice(["204 No Content", "304 Not Modified"])
    return Answer([respond(asked.body, status=status)], asked.chance.choice([End.KEPT, End.CLOSED]))


def _refused_by_a_proxy(asked: Asked) -> Answer:
    status = asked.chance.choice(["302 Found", "307 Moved", "403 Forbidden", "407 Log In First"])
    return Answer([respond(HTML, "Location: /elsewhere", status=status)])


def _an_answer_nobody_asked_for(asked: Asked) -> Answer:
    unasked = respond(b"", "Connection: close", status="408 Request Timeout")
    return Answer([asked.whole() + unasked], asked.chance.choice([End.KEPT, End.CLOSED]))


def _trickled(asked: Asked) -> Answer:
    wire = asked.whole()
    cut = asked.chance.randint(2, len(wire) - 1)
    pause = asked.read_timeout
    return Answer([wire[: cut - 1], pause / 10, wire[cut - 1 : cut], pause * 2, wire[cut:]], End.CLOSED)


def _stalled(asked: Asked) -> Answer:
    wire = asked.whole()
    return Answer([wire[: asked.chance.choice([0, asked.chance.randrange(len(wire))])]], End.HELD)


STATUSES = {
    500: ("ServiceException", "Internal Server Error"),
    502: ("", "Bad Gateway"),
    503: ("", "Service Unavailable"),
    504: ("", "Gateway Timeout"),
    429: ("TooManyRequestsException", "Too Many Requests"),
}
STORM = "429 and 5xx in a storm"
FAULTS: dict[str, tuple[Callable[[Asked], Answer], int]] = {
    "closed before the head": (lambda _: Answer([], End.CLOSED), 6),
    "reset before the head": (lambda _: Answer([], End.RESET), 6),
    "closed in the head": (_cut_in_the_head(End.CLOSED), 6),
    "reset in the head": (_cut_in_the_head(End.RESET), 6),
    "closed in the body": (_cut_in_the_body(End.CLOSED), 10),
    "reset in the body": (_cut_in_the_body(End.RESET), 10),
    "reset after the answer": (lambda asked: Answer([asked.whole()], End.RESET), 6),
    "answered twice": (lambda asked: Answer([asked.whole() * 2]), 4),
    "unframed and cut": (_unframed_and_cut, 6),
    "chunks cut": (_chunks_cut, 6),
    "chunks ended early": (_chunks_ended_early, 4),
    "chunk size wrong": (_chunk_size_wrong, 4),
    "Content-Length too long": (_length_too_long, 6),
    "Content-Length too short": (_length_too_short, 8),
    "Content-Length no number": (_length_no_number, 2),
    "garbage": (_garbage, 4),
    "head garbled": (_garbled_head, 4),
    "1xx and no answer": (_interim_answers_only, 4),
    "200 with a proxy's HTML or other than a page": (_no_page_with_200, 8),
    "204 or 304 with a body": (_status_without_a_body_with_one, 4),
    "redirected or refused by a proxy": (_refused_by_a_proxy, 4),
    "408 that nobody asked for": (_an_answer_nobody_asked_for, 4),
    "trickled past the read timeout": (_trickled, 2),
    "stalled": (_stalled, 2),
    "server gone for a while": (lambda _: Answer([], End.GONE), 4),
    "next connections reset": (lambda _: Answer([], End.SLAMMED), 4),
    STORM: (lambda _: Answer([]), 6),  # played by the listing: it lasts for some requests
}


@dataclass
class Listing:
    """A function's configurations, and what goes wrong when they are listed."""

    name: str
    configurations: list[dict[str, object]] = field(repr=False)
    chance: random.Random
    fault_rate: float  # 0 to 1: of the requests
    read_timeout: float = 60.0  # the client's, in seconds
    longest_wait: float = 0.0  # seconds before an answer
    requests: int = 0
    _storm: int = 0  # requests until it has passed

    def answer(self, marker: str | None, max_items: int) -> Answer:
        self.requests += 1
        asked = Asked(self._page(marker, max_items), self.chance, self.read_timeout)
        if self._storm:
            self._storm -= 1
            return self._storm_answer()
        if self.chance.random() >= self.fault_rate:
            right = self.chance.choices(RIGHT, [weight for _, weight in RIGHT])[0][0]
            answer = right(asked)
            answer.parts.insert(0, self.chance.random() * self.longest_wait)
            return answer
        (name,) = self.chance.choices(list(FAULTS), [weight for _, weight in FAULTS.values()])
        if name == STORM:
            self._storm = self.chance.randint(0, 7)
            return self._storm_answer()
        faults[name] += 1
        return FAULTS[name][0](asked)

    def _page(self, marker: str | None, max_items: int) -> bytes:
        start = int(marker.partition("/")[0]) if marker else 0
        # The service may give less than it was asked for, and nothing at all though there is more.
        found = max_items if self.chance.random() < 0.7 else self.chance.randint(0, max_items)
        page: dict[str, object] = {
            "FunctionEventInvokeConfigs": self.configurations[start : start + found],
            "NextMarker": None,
        }
        if start + found < len(self.configurations):
            # Another one each time, since the service may, and of characters that a URL must not have.
            page["NextMarker"] = f"{start + found}/+&= é{self.chance.random()}"
        return json.dumps(page, ensure_ascii=False).encode()

    def _storm_answer(self) -> Answer:
        status = self.chance.choice(list(STATUSES))
        faults[str(status)] += 1
        code, reason = STATUSES[status]
        headers = [f"x-amzn-ErrorType: {code}"] if code else []
        headers += self.chance.choice([[], ["x-amz-retry-after: 1500"], ["Retry-After: 1"]])
        body = self.chance.choice([b"", b'{"message": "no", "Type": "Service"}', HTML, b"<html></html>"])
        return Answer(
            [respond(body, *headers, status=f"{status} {reason}")], self.chance.choice([End.KEPT, End.CLOSED])
        )


class FaultyServer(Server):
    """Answers requests for its `listings`, each as chance has it."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self._slams = 0
        self._failures_until_back = 0
        super().__init__()

    def holds(self, listing: Listing) -> Listing:
        with self._changed:
            self.listings[listing.name] = listing
        return listing

    def client_failed(self) -> None:
        """To be told of each error that the client raised: after some, a server that is gone comes back."""
        with self._changed:
            if not self._failures_until_back:
                return
            self._failures_until_back -= 1
            if not self._failures_until_back:
                self._listen(self.port)

    def accepts(self, connection: socket.socket) -> bool:
        slam, self._slams = self._slams > 0, max(0, self._slams - 1)
        return not slam

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        with self._changed:
            answer = self._answer(head.split(b" ", 2)[1].decode())
        for part in answer.parts:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif part:
                self._over.wait(part)  # not time.sleep: tests take that away
        if answer.end is End.HELD:
            connection.recv(1)
        if answer.end in (End.RESET, End.SLAMMED):
            self._end(connection, reset=True)
        return answer.end is End.KEPT

    def _listen(self, port: int = 0) -> None:
        # Chance of its own: the ports that are free are no part of what a seed stands for.
        ports = [port] if port else random.SystemRandom().sample(PORTS, 100)
        for free in ports:
            with contextlib.suppress(OSError):
                return super()._listen(free)
        raise OSError(f"cannot listen on {ports}")

    def _answer(self, target: str) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        listing = self.listings[unquote(url.path.split("/")[3])]
        answer = listing.answer(query.get("Marker"), int(query.get("MaxItems", SERVICE_PAGE_SIZE)))
        if answer.end is End.GONE:
            self._failures_until_back = listing.chance.randint(1, 3)
            self._stop_listening()
        elif answer.end is End.SLAMMED:
            self._slams = listing.chance.randint(1, 4)
        return answer
