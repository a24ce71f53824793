"""The conformance cases: what is done with a client, and what the server answers.

Each case has an id, which docs/differences.md names where the two libraries differ on purpose. `use`
gets a `Bench` and returns what can be seen; what it raises is seen too, and so are the requests. A case that
is decided before a request reaches a shell, or after its answer has left one, is looked at in one shell.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import pickle
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from botocore.config import Config
from listing import LIST
from servers import Raw, Reply, ScriptedServer, Silence, error, page

from lambda_event_invoke_configs._client import network

NOBODY = "http://127.0.0.1:9"


@dataclass
class Bench:
    """One library at work on one case."""

    make: Callable[..., Any]
    server: ScriptedServer
    folder: Path
    setenv: Callable[[str, str], None]

    def client(self, **options: Any) -> Any:
        return self.make(self.server.url, **options)

    def pages(
        self, *, client: Any = None, name: str = "f", params: dict[str, Any] | None = None, **config: Any
    ) -> Any:
        paginator = (client or self.client()).get_paginator(LIST)
        return paginator.paginate(FunctionName=name, **(params or {}), PaginationConfig=config)


@dataclass
class Case:
    id: str
    use: Callable[[Bench], Any]
    script: tuple[Reply | Raw | Silence, ...] = ()
    environ: dict[str, str] | None = None
    in_each_shell: bool = True


def call(**params: Any) -> Callable[[Bench], Any]:
    return lambda bench: bench.client().list_function_event_invoke_configs(**params)


def listing(*, params: dict[str, Any] | None = None, **config: Any) -> Callable[[Bench], Any]:
    def use(bench: Bench) -> Any:
        pages = bench.pages(params=params, **config)
        return [*pages], pages.resume_token

    return use


def any_config(config: Any) -> Callable[[Bench], Any]:
    def use(bench: Bench) -> Any:
        paginator = bench.client().get_paginator(LIST)
        return [*paginator.paginate(FunctionName="f", PaginationConfig=config)]

    return use


def full(*, params: dict[str, Any] | None = None, **config: Any) -> Callable[[Bench], Any]:
    return lambda bench: bench.pages(params=params, **config).build_full_result()


def until_it_fails(bench: Bench) -> Any:
    found = []
    try:
        for each in bench.pages():
            found.append(each)
    except Exception as failed:
        return found, type(failed).__name__
    return found


def token_of(members: object) -> str:
    return base64.b64encode(json.dumps(members).encode()).decode()


PAGES = (page("a", "b", "c", "d", next_marker="m"), page("e", "f", "g", "h", next_marker="n"), page("i", "j"))
ONE = (page("a"),)


def names() -> Iterator[Case]:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:my-function"
    for name in [
        "my-function",
        "my_function-2",
        f"{arn}",
        f"{arn}:1",
        f"{arn}:$LATEST",
        "123456789012:function:my-function",
        "123456789012:function:my-function:prod",
        "function:my-function",
        "my-fn:$LATEST",
        "my-fn:$LATEST.PUBLISHED",
        "a b/c?d#e",
        "..",
        ".",
        "...",
        "a/../b",
        "/",
        "//",
        "%2F",
        "%",
        "é",
        "日本語",
        "\U0001f600",
        "-._~",
        "!*'();:@&=+$,/?#[]",
        '"<>\\^`{|}',
        " ",
        "\t",
        "a\r\nHost: b",
        "\0",
        "x" * 300,
        "None",
        "{FunctionName}",
        "{FunctionName+}",
        "a,b",
    ]:
        yield Case(f"name.{ascii(name[:60])[1:-1]}", call(FunctionName=name), ONE)
    for marker in [
        "m",
        "",
        " ",
        "+/=&%",
        "a b",
        "é",
        "==",
        "None",
        "a___1",
        "\r\nX: y",
        "\0",
        "#",
        "?",
        "A" * 4000,
    ]:
        yield Case(f"marker.{ascii(marker[:20])[1:-1]}", call(FunctionName="f", Marker=marker), ONE)
        yield Case(
            f"marker.paged.{ascii(marker[:20])[1:-1]}", listing(), (page("a", next_marker=marker), page("b"))
        )
    for size in [1, 50, 51, 10**20, True]:
        yield Case(f"max-items.{size}", call(FunctionName="f", MaxItems=size), ONE)
    yield Case("query.order-1", call(FunctionName="f", Marker="m", MaxItems=5), ONE)
    yield Case("query.order-2", call(MaxItems=5, Marker="m", FunctionName="f"), ONE)


def limits() -> Iterator[Case]:
    for size in [None, 1, 4, 50, "3"]:
        for limit in [None, 0, 1, 3, 4, 5, 8, 9, 10, 11, "6"]:
            config = {"PageSize": size, "MaxItems": limit}
            yield Case(f"limits.size-{size}.max-{limit}", listing(**config), PAGES)
    for limit in [0, 1, 4, 5, 9]:
        yield Case(f"limits.full.max-{limit}", full(MaxItems=limit), PAGES)
        token = token_of({"Marker": "s", "boto_truncate_amount": 2})
        yield Case(f"limits.from-token.max-{limit}", listing(MaxItems=limit, StartingToken=token), PAGES)
        empties = (page(next_marker="m"), page("a", next_marker="n"), page(next_marker="o"), page("b", "c"))
        yield Case(f"limits.empty-pages.max-{limit}", listing(MaxItems=limit), empties)
    yield Case("limits.own-max-items", listing(params={"MaxItems": 7}), PAGES)
    yield Case("limits.own-max-items-and-size", listing(params={"MaxItems": 7}, PageSize=3), PAGES)
    yield Case("limits.own-marker", listing(params={"Marker": "x"}), PAGES)
    yield Case("limits.own-marker-and-token", listing(params={"Marker": "x"}, StartingToken="y"), PAGES)
    yield Case("limits.own-marker-and-none", listing(params={"Marker": "x"}, StartingToken="None"), PAGES)
    yield Case("limits.marker-outright-cut", listing(params={"Marker": "x"}, MaxItems=1), PAGES)
    yield Case("limits.float", listing(PageSize=3.9, MaxItems=5.9), PAGES)
    yield Case("limits.nothing", listing(PageSize=None, MaxItems=None, StartingToken=None), PAGES)
    yield Case(
        "limits.same-marker-twice", listing(), (page("a", next_marker="m"), page("b", next_marker="m"))
    )
    cycle = [page(name, next_marker="mn"[n % 2]) for n, name in enumerate("abcdef")]
    yield Case("limits.marker-cycle", listing(), (*cycle, page("g")))
    repeated = (page("a", next_marker="m"), page("b", next_marker="m"))
    yield Case("limits.same-marker-page", until_it_fails, repeated)
    yield Case(
        "limits.marker-comes-back-later",
        listing(),
        (page("a", next_marker="m"), page("b", next_marker="n"), page("c", next_marker="m"), page("d")),
    )
    yield Case(
        "limits.starting-marker-comes-back",
        listing(StartingToken="m"),
        (page("a", next_marker="m"), page("b")),
    )
    for value in [-1, -3]:
        yield Case(f"config.max-items-negative.{value}", listing(MaxItems=value), PAGES)
    for key, value in [("MaxItems", "many"), ("PageSize", "many"), ("MaxItems", []), ("PageSize", {})]:
        yield Case(f"config.not-a-number.{key}.{type(value).__name__}", listing(**{key: value}), PAGES)
    for key in ["Maxitems", "maxItems", "NextToken", "Limit"]:
        yield Case(f"config.unknown-key.{key}", listing(**{key: 1}), PAGES)
    for value in [None, [], "MaxItems"]:
        yield Case(f"config.no-dict.{type(value).__name__}", any_config(value), ONE)
    for value in [0, -1]:
        yield Case(f"config.page-size.{value}", listing(PageSize=value), PAGES)


def tokens() -> Iterator[Case]:
    for name, token in {
        "marker": token_of({"Marker": "s"}),
        "marker-and-cut": token_of({"Marker": "s", "boto_truncate_amount": 2}),
        "cut-at-0": token_of({"Marker": "s", "boto_truncate_amount": 0}),
        "cut-at-the-end": token_of({"Marker": "s", "boto_truncate_amount": 4}),
        "first-page-cut": token_of({"Marker": None, "boto_truncate_amount": 3}),
        "nothing": token_of({"Marker": None}),
        "none-as-text": token_of({"Marker": "None", "boto_truncate_amount": 1}),
        "spaced-json": base64.b64encode(b'{ "Marker" : "s" }').decode(),
        "unicode": token_of({"Marker": "é"}),
        "old": "s___2",
        "old-first-page": "None___2",
        "old-none": "None",
        "old-no-number": "s___x",
        "bare": "s",
        "bare-empty": "",
        "bare-unicode": "é",
        "bare-base64": "c29tZXRoaW5n",
        "bare-json-list": token_of([1]),
        "three-parts": "a___b___c",
    }.items():
        yield Case(f"token.{name}", listing(StartingToken=token), PAGES)
        if name != "three-parts":
            yield Case(f"token.{name}.cut", listing(StartingToken=token, MaxItems=1), PAGES)
    for name, bad in {
        "json-number": token_of(5),
        "json-string": token_of("x"),
        "json-null": token_of(None),
        "number": 5,
        "bytes": b"s",
        "foreign-member": token_of({"foo": "s"}),
        "marker-number": token_of({"Marker": 5}),
        "cut-text": token_of({"Marker": "s", "boto_truncate_amount": "2"}),
        "cut-negative": token_of({"Marker": "s", "boto_truncate_amount": -2}),
        "old-negative": "s___-2",
        "no-members": token_of({}),
    }.items():
        yield Case(f"token.bad.{name}", listing(StartingToken=bad), PAGES)
    larger = token_of({"Marker": None, "boto_truncate_amount": 6})
    yield Case("token.cut-past-the-page", listing(StartingToken=larger, PageSize=4), PAGES)
    absent = (Reply(200, {"NextMarker": "m"}), page("a"))
    yield Case("token.page-without-list", listing(StartingToken="s"), absent)
    yield Case("page-without-list", listing(), absent)
    yield Case("page-without-list.full", full(), absent)


class Text(str, Enum):
    """Text whose str() is another one."""

    ONE = "one"
    TWO = "two"


def parameters() -> Iterator[Case]:
    for name, params in {
        "none": {},
        "empty-name": {"FunctionName": ""},
        "number-name": {"FunctionName": 5},
        "none-name": {"FunctionName": None},
        "bytes-name": {"FunctionName": b"f"},
        "list-name": {"FunctionName": ["f"]},
        "number-marker": {"FunctionName": "f", "Marker": 5},
        "none-marker": {"FunctionName": "f", "Marker": None},
        "text-max": {"FunctionName": "f", "MaxItems": "5"},
        "float-max": {"FunctionName": "f", "MaxItems": 5.0},
        "none-max": {"FunctionName": "f", "MaxItems": None},
        "zero-max": {"FunctionName": "f", "MaxItems": 0},
        "false-max": {"FunctionName": "f", "MaxItems": False},
        "negative-max": {"FunctionName": "f", "MaxItems": -1},
        "unknown": {"FunctionName": "f", "Foo": 1},
        "two-unknown": {"Foo": 1, "Bar": 2},
        "many": {"FunctionName": 5, "Marker": 5, "MaxItems": "x", "Foo": 1},
        "lower-case": {"functionname": "f"},
        "members": {"FunctionName": Text.ONE, "Marker": Text.TWO},
    }.items():
        yield Case(f"parameters.{name}", call(**params), ONE)
    for name in ("FunctionName", "Marker"):
        yield Case(f"parameters.surrogate-{name}", call(**{"FunctionName": "f", name: "x\ud800"}), ONE)

    def unchecked(**params: Any) -> Callable[[Bench], Any]:
        config = Config(parameter_validation=False)
        return lambda bench: bench.client(config=config).list_function_event_invoke_configs(**params)

    yield Case("unchecked.max", unchecked(FunctionName="f", MaxItems=0), ONE)
    yield Case("unchecked.float", unchecked(FunctionName="f", MaxItems=1.5), ONE)
    yield Case("unchecked.number-name", unchecked(FunctionName=5), ONE)
    yield Case("unchecked.empty-name", unchecked(FunctionName=""), ONE)
    yield Case("unchecked.no-name", unchecked(), ONE)
    yield Case("unchecked.unknown", unchecked(FunctionName="f", Foo=1), ONE)


ERROR_BODIES: dict[str, Any] = {
    "empty": b"",
    "object": {},
    "message": {"message": "m"},
    "Message": {"Message": "M", "Type": "User"},
    "both": {"message": "m", "Message": "M"},
    "null-message": {"message": None},
    "code": {"code": "a:b", "message": "m"},
    "Code": {"Code": "ns#ServiceException"},
    "null-code": {"code": None, "__type": "x"},
    "type": {"__type": "x.y#ResourceNotFoundException:z", "Message": "m"},
    "throttling": {"message": "m", "Reason": "CallerRateLimitExceeded", "Type": "User"},
    "text": b"plain text",
    "html": b"<html>busy</html>",
    "HTML": b"<HTML>busy</HTML>",
    "blank": b" \r\n",
}
ERROR_CODES = [
    None,
    "ServiceException",
    "ResourceNotFoundException",
    "ns#TooManyRequestsException:http://x",
    "Throttling",
]


def errors() -> Iterator[Case]:
    some = ["empty", "html", "message", "code"]
    others = dict.fromkeys([301, 403, 404, 429, 500, 501, 502, 504, 599], some)
    for status, named in {400: [*ERROR_BODIES], 503: [*ERROR_BODIES], **others}.items():
        for name in named:
            answers = (Reply(status, ERROR_BODIES[name], {"x-amzn-RequestId": "r"}),) * 3
            yield Case(f"error.{status}.{name}", call(FunctionName="f"), answers)
    for code in ERROR_CODES:
        for status in [400, 404, 429, 500]:
            headers = {"Retry-After": "3", **({"x-amzn-ErrorType": code} if code else {})}
            answers = (Reply(status, {"message": "m", "Type": "User", "Reason": "r"}, headers),) * 3
            yield Case(f"error.{status}.code-{code}", call(FunctionName="f"), answers)
    for name, raw in {
        "null": b"null",
        "list": b"[]",
        "text": b'"x"',
        "number": b"5",
        "latin": b"\xff",
    }.items():
        yield Case(f"error.no-object.{name}", call(FunctionName="f"), (Reply(400, raw),))
    for code in [5, True, ["A"], {}]:
        yield Case(
            f"error.code-no-string.{type(code).__name__}",
            call(FunctionName="f"),
            (Reply(400, {"code": code}),),
        )
    yield Case("error.type-null", call(FunctionName="f"), (Reply(400, {"__type": None}),))
    yield Case("error.status-300", call(FunctionName="f"), (Reply(300, {"message": "m"}),))
    yield Case("error.other-operations", call(FunctionName="f"), (error(400, "KMSDisabledException"),))

    def pickled(bench: Bench) -> Any:
        try:
            return call(FunctionName="f")(bench)
        except Exception as raised:
            again = pickle.loads(pickle.dumps(raised))
            return type(again).__name__, str(again), again.response["Error"]

    yield Case("error.pickled", pickled, (error(404, "ResourceNotFoundException"),))


def configuration(**members: object) -> dict[str, object]:
    return {"FunctionEventInvokeConfigs": [members]}


def bodies() -> Iterator[Case]:
    good: dict[str, object] = {
        "nothing": {},
        "nulls": {"FunctionEventInvokeConfigs": None, "NextMarker": None},
        "no-configurations": {"FunctionEventInvokeConfigs": []},
        "null-and-empty": {"FunctionEventInvokeConfigs": [None, {}]},
        "unknown": {"FunctionEventInvokeConfigs": [{"New": 1}], "New": {"a": 1}},
        "empty-marker": {"NextMarker": ""},
        "false-marker": {"NextMarker": 0},
        "all": configuration(
            FunctionArn="a",
            MaximumRetryAttempts=2,
            MaximumEventAgeInSeconds=60,
            LastModified=1.5,
            DestinationConfig={"OnSuccess": {"Destination": "x"}, "OnFailure": {"Destination": "y"}},
        ),
        "null-members": configuration(FunctionArn=None, MaximumRetryAttempts=None, DestinationConfig=None),
        "arn-number": configuration(FunctionArn=5),
        "arn-object": configuration(FunctionArn={"a": 1}),
        "retries-text": configuration(MaximumRetryAttempts="2"),
        "retries-float": configuration(MaximumRetryAttempts=1.9),
        "retries-true": configuration(MaximumRetryAttempts=True),
        "destination-empty": configuration(DestinationConfig={}),
        "destination-nulls": configuration(DestinationConfig={"OnSuccess": None, "OnFailure": {}}),
        "destination-number": configuration(DestinationConfig={"OnFailure": {"Destination": 5}}),
    }
    for name, body in good.items():
        yield Case(f"body.{name}", call(FunctionName="f"), (Reply(200, body),))
    bad: dict[str, object] = {
        "html": b"<html>busy</html>",
        "empty": b"",
        "half": b'{"FunctionEventInvokeConfigs": [',
        "latin": b'"\xff"',
        "list": [],
        "null": b"null",
        "text": "x",
        "number": 5,
        "configurations-number": {"FunctionEventInvokeConfigs": 5},
        "configurations-object": {"FunctionEventInvokeConfigs": {"a": 1}},
        "configurations-empty-object": {"FunctionEventInvokeConfigs": {}},
        "configurations-empty-text": {"FunctionEventInvokeConfigs": ""},
        "configuration-number": {"FunctionEventInvokeConfigs": [5]},
        "configuration-list": {"FunctionEventInvokeConfigs": [[]]},
        "retries-list": configuration(MaximumRetryAttempts=[]),
        "retries-word": configuration(MaximumRetryAttempts="two"),
        "modified-list": configuration(LastModified=[]),
        "modified-word": configuration(LastModified="yesterday"),
        "modified-long": configuration(LastModified="2023-11-14T22:13:20Z".ljust(200)),
        "modified-huge": configuration(LastModified=1e20),
        "modified-year-50000": configuration(LastModified=1.5e12),
        "modified-nan": b'{"FunctionEventInvokeConfigs": [{"LastModified": NaN}]}',
        "destination-list": configuration(DestinationConfig=[]),
        "destination-text": configuration(DestinationConfig={"OnFailure": "x"}),
    }
    for name, body in bad.items():
        yield Case(f"body.bad.{name}", call(FunctionName="f"), (Reply(200, body),))
    foreign = {
        "message": {"message": "Internal server error"},
        "type": {"__type": "com.amazon.coral.service#UnknownOperationException"},
        "proxy-integration": {"statusCode": 200, "body": '{"FunctionEventInvokeConfigs": []}'},
        "health-check": {"status": "ok"},
        "other-operation": {"Functions": [], "NextToken": "t"},
    }
    for name, members in foreign.items():
        yield Case(f"body.foreign.{name}", call(FunctionName="f"), (Reply(200, members),))
    error_type = {"x-amzn-ErrorType": "ServiceException"}
    yield Case("body.foreign.error-type", call(FunctionName="f"), (Reply(200, page("a").body, error_type),))
    yield Case("body.null-list", call(FunctionName="f"), (Reply(200, {"FunctionEventInvokeConfigs": None}),))
    yield Case("body.null-marker", call(FunctionName="f"), (Reply(200, {"NextMarker": None, "x": 1}),))
    yield Case("body.empty-object", call(FunctionName="f"), (Reply(200, {}),))
    yield Case("body.bad.marker-number", listing(), (Reply(200, {"NextMarker": 5}), page("a")))
    yield Case("body.bad.marker-list", listing(), (Reply(200, {"NextMarker": ["m"]}), page("a")))


def exchanges() -> Iterator[Case]:
    whole = Reply(200, configuration(FunctionArn="a"))
    for cut in (60, 80, len(whole.wire()) - 1):
        # The first attempt's body is cut; boto3 does not ask again.
        yield Case(f"body.cut.{cut}", call(FunctionName="f"), (Reply(200, whole.body, cut=cut), page("a")))
    headers = {"X-Amz-Request-Id": "r", "X-Amz-Id-2": "h", "X-Mixed-CASE": "V", "x-empty": ""}
    yield Case("headers.request-id", call(FunctionName="f"), (Reply(200, {}, headers),))
    twice = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n{}"
    yield Case("headers.repeated", call(FunctionName="f"), (Raw(twice),))
    yield Case(
        "headers.latin",
        call(FunctionName="f"),
        (Raw(twice.replace(b"1", b"\xe9", 1).replace(b"/\xe9", b"/1")),),
    )
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    yield Case("body.chunked", call(FunctionName="f"), (Raw(chunked),))
    yield Case("body.unframed", call(FunctionName="f"), (Raw(b"HTTP/1.1 200 OK\r\n\r\n{}"),))
    yield Case("body.http-1.0", call(FunctionName="f"), (Raw(b"HTTP/1.0 200 OK\r\n\r\n{}"),))
    yield Case("body.continue", call(FunctionName="f"), (Raw(b"HTTP/1.1 100 Continue\r\n\r\n" + twice),))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    yield Case("body.early-hints", call(FunctionName="f"), (Raw(hints + page("a").wire()),))
    many = {f"X-{n}": "x" for n in range(120)}
    for name, line in {"nul": b"X-A: a\0b", "length": b"Content-Length: -2"}.items():
        invalid = b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n{}"
        yield Case(f"headers.invalid.{name}", call(FunctionName="f"), (Raw(invalid),) * 3)
    yield Case("headers.many", call(FunctionName="f"), (page("a", headers=many),) * 3)
    yield Case("status.201", call(FunctionName="f"), (page("a", status=201),))
    yield Case("status.299", call(FunctionName="f"), (page("a", status=299),))


TIMESTAMPS: list[object] = [
    0,
    1,
    -1,
    -0.5,
    1700000000,
    1700000000.125,
    1700000000.123456789,
    1572760800,  # within an hour that comes twice in New York
    1615708800,  # just after its clocks went forward
    -2208988800,
    253402300799,
    "1700000000",
    "1700000000.125",
    "-1",
    "2023-11-14T22:13:20Z",
    "2023-11-14T22:13:20.125Z",
    "2023-11-14T22:13:20+05:30",
    "2023-11-14T22:13:20",
    "2023-11-14",
    "20231114T221320Z",
    "20231114221320",
    "99999999999999",
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 22:13:20 +0100",
    "Tue, 14 Nov 2023 22:13:20 EST",
    True,
]
# The last one's offset has changed since 2019.
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Europe/London", "Europe/Volgograd"]


def timestamps() -> Iterator[Case]:
    for zone in ZONES:
        for value in TIMESTAMPS:
            # What is written, not only what is equal: equal moments are equal in every zone.
            def use(bench: Bench, zone: str = zone) -> Any:
                bench.setenv("TZ", zone)
                time.tzset()
                page = bench.client().list_function_event_invoke_configs(FunctionName="f")
                return repr(page["FunctionEventInvokeConfigs"])

            body = configuration(LastModified=value)
            yield Case(f"timestamp.{zone}.{json.dumps(value)}", use, (Reply(200, body),))


FAULTS: dict[str, Reply | Raw] = {
    "closed": Raw(b""),
    "garbage": Raw(b"garbage\r\n\r\n"),
    "500": error(500),
    "429": error(429),
    "503": error(503, "ServiceException"),
    "throttled": error(400, "ThrottlingException"),
    "reset": Reply(200, {}, cut=0, reset=True),
}


def pairs_of_faults() -> Iterator[Case]:
    for first, one in FAULTS.items():
        for second, two in FAULTS.items():
            yield Case(f"retry.{first}.{second}", call(FunctionName="f"), (one, two, page("a")))


def failures() -> Iterator[Case]:
    for first, one in FAULTS.items():
        yield Case(f"retry.exhausted.{first}", call(FunctionName="f"), (one,) * 3)
        yield Case(f"retry.paged.{first}", listing(), (page("a", next_marker="m"), one, page("b")))
    for attempts in ["1", "2", "5"]:
        environ = {"AWS_MAX_ATTEMPTS": attempts}
        yield Case(f"retry.attempts-{attempts}", call(FunctionName="f"), (error(503),) * 6, environ)
        yield Case(
            f"retry.attempts-{attempts}.last",
            call(FunctionName="f"),
            (error(503),) * (int(attempts) - 1) + ONE,
            environ,
        )
    for name, retries in {
        "max": {"max_attempts": 1},
        "total": {"total_max_attempts": 4},
        "adaptive": {"mode": "adaptive"},
    }.items():

        def use(bench: Bench, retries: Any = retries) -> Any:
            client = bench.client(config=Config(retries=dict(retries)))
            return client.list_function_event_invoke_configs(FunctionName="f")

        yield Case(f"retry.config-{name}", use, (error(500),) * 6)
    for mode in ["standard", "adaptive", "legacy", "Standard"]:
        yield Case(f"retry.mode-{mode}", call(FunctionName="f"), (error(500),) * 6, {"AWS_RETRY_MODE": mode})

    def quota(bench: Bench) -> Any:
        client = bench.client(config=Config(retries={"total_max_attempts": 60}))
        seen = []
        for _ in range(3):
            try:
                client.list_function_event_invoke_configs(FunctionName="f")
            except Exception as raised:
                seen.append((str(raised), raised.response["ResponseMetadata"]))  # type: ignore[attr-defined]
        return seen

    yield Case("retry.quota", quota, (error(500),) * 200)
    yield Case(
        "retry.nobody",
        lambda bench: bench.make("http://127.0.0.1:9").list_function_event_invoke_configs(FunctionName="f"),
    )


def answers_without_end() -> Iterator[Case]:
    body = b'{"FunctionEventInvokeConfigs": []}'
    yield Case("answer.too-large", call(FunctionName="f"), (Reply(200, body + b" " * 2**20),))

    passed = 0.0

    class Late(Reply):
        """Hours pass before it, on our deadlines' clock; for those who look at that, it never ends."""

        def wire(self) -> bytes:
            nonlocal passed
            passed += 3600
            return super().wire()

    late = Late(200, body)

    def look() -> float:
        late.stall = 1
        return passed

    def slowly(bench: Bench) -> Any:
        late.stall = None
        with mock.patch.object(network, "time", mock.Mock(monotonic=look)):
            return bench.client().list_function_event_invoke_configs(FunctionName="f")

    yield Case("answer.too-slow", slowly, (late,) * 3)


def iterating() -> Iterator[Case]:
    down = (error(500),) * 3

    def after_error(bench: Bench) -> Any:
        iterator = iter(bench.pages())
        seen: list[Any] = []
        for _ in range(5):
            try:
                seen.append(next(iterator)["FunctionEventInvokeConfigs"])
            except StopIteration:
                seen.append("finished")
            except Exception as raised:
                seen.append(type(raised).__name__)
        return seen

    yield Case("iterate.after-error", after_error, (page("a", next_marker="m"), *down, page("b")))

    def while_coming(bench: Bench) -> Any:
        pages = bench.pages()
        return [pages.resume_token for _ in pages]

    yield Case("iterate.resume-token", while_coming, PAGES)
    yield Case("iterate.resume-token-before", lambda bench: bench.pages(StartingToken="m___2").resume_token)

    def twice(bench: Bench) -> Any:
        pages = bench.pages()
        return [[p["FunctionEventInvokeConfigs"] for p in pages] for _ in range(2)]

    yield Case("iterate.twice", twice, (page("a", next_marker="m"), page("b")) * 2)

    def full_fails(bench: Bench) -> Any:
        pages = bench.pages(StartingToken="s")
        try:
            pages.build_full_result()
        except Exception:
            return pages.resume_token

    yield Case("iterate.full-fails", full_fails, (page("a", next_marker="m"), *down))

    def refused_by(step: Callable[[Bench], Any]) -> Callable[[Bench], str]:
        def use(bench: Bench) -> str:
            try:
                made = step(bench)
            except Exception:
                return "at once"
            try:
                next(iter(made))
            except Exception:
                return "on the first page"
            return "never"

        return use

    yield Case("iterate.bad-parameter", refused_by(lambda bench: bench.pages(name="")), PAGES)
    yield Case("iterate.bad-expression", refused_by(lambda bench: bench.pages().search("a[")), PAGES)
    for expression in [
        "FunctionEventInvokeConfigs[].FunctionArn",
        "FunctionEventInvokeConfigs[0]",
        "length(FunctionEventInvokeConfigs)",
        "Nothing",
        "FunctionEventInvokeConfigs[?FunctionArn=='e'] | [0]",
        "ResponseMetadata.HTTPStatusCode",
        "length(Nothing)",
    ]:
        yield Case(f"search.{expression}", lambda bench, e=expression: [*bench.pages().search(e)], PAGES)  # type: ignore[misc]
    yield Case(
        "iterate.result-key-iters", lambda bench: [[*i] for i in bench.pages().result_key_iters()], PAGES
    )
    yield Case("iterate.result-keys", lambda bench: [key.expression for key in bench.pages().result_keys])
    yield Case("iterate.non-aggregate", lambda bench: bench.pages().non_aggregate_part)


def surface() -> Iterator[Case]:
    yield Case("surface.can-paginate", lambda bench: bench.client().can_paginate(LIST))
    yield Case("surface.can-paginate-unknown", lambda bench: bench.client().can_paginate("foo"))
    yield Case("surface.get-paginator-unknown", lambda bench: bench.client().get_paginator("foo"))
    yield Case(
        "surface.meta",
        lambda bench: [getattr(bench.client().meta, n) for n in ("region_name", "endpoint_url", "partition")],
    )

    def modeled(bench: Bench) -> Any:
        known = bench.client().exceptions
        names = (
            "InvalidParameterValueException",
            "ResourceNotFoundException",
            "ServiceException",
            "TooManyRequestsException",
        )
        return [known.from_code(name) is getattr(known, name) for name in names], known.from_code(
            "X"
        ).__name__

    yield Case("surface.exceptions", modeled)
    yield Case(
        "request.user-agent",
        lambda bench: (call(FunctionName="f")(bench), bench.server.header("user-agent")[0].partition("/")[0]),
        ONE,
    )
    trace = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1-5;Parent=é \r\n,'"}
    traced = lambda bench: (call(FunctionName="f")(bench), bench.server.header("x-amzn-trace-id"))  # noqa: E731
    yield Case("request.trace-id", traced, ONE, trace)
    yield Case("request.no-trace-id", traced, ONE, {"_X_AMZN_TRACE_ID": "Root=1"})
    yield Case(
        "request.ttl",
        lambda bench: (call(FunctionName="f")(bench), bench.server.header("amz-sdk-request")),
        (Reply(500, b"", {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}), *ONE),
    )
    yield Case(
        "request.session-token",
        lambda bench: bench.client(aws_session_token="t+/=").list_function_event_invoke_configs(
            FunctionName="f"
        ),
        ONE,
    )
    for name, base in {
        "slash": "/",
        "base": "/base",
        "base-slash": "/base/",
        "double": "//a//b",
        "ends": "/a//",
    }.items():
        yield Case(
            f"endpoint.{name}",
            lambda bench, b=base: bench.make(bench.server.url + b).list_function_event_invoke_configs(
                FunctionName="f"
            ),
            ONE,
        )  # type: ignore[misc]
    for name, url in {
        "no-scheme": "127.0.0.1:9",
        "no-host": "http://",
        "empty-host": "http://:80",
        "space": "http://a b",
        "underscore": "http://a_b",
    }.items():
        yield Case(f"endpoint.bad.{name}", lambda bench, u=url: bench.make(u) and None)  # type: ignore[misc]
    for name, url in {
        "user-info": "http://user:pw@127.0.0.1:9",
        "query": "http://127.0.0.1:9/?a=b",
        "scheme": "ftp://h",
        "port": "http://127.0.0.1:0",
        "path": "http://127.0.0.1:9/a b",
        "address": "http://127.1:9",
    }.items():
        yield Case(f"endpoint.refused.{name}", lambda bench, u=url: bench.make(u) and None)  # type: ignore[misc]


def settings() -> Iterator[Case]:
    def profile_without_a_name(bench: Bench) -> Any:
        return bench.client(profile_name="").list_function_event_invoke_configs(FunctionName="f")

    def connect_timeout(mode: str | None) -> Callable[[Bench], Any]:
        return lambda bench: bench.client(config=Config(defaults_mode=mode)).meta.config.connect_timeout

    def region(bench: Bench) -> Any:
        return bench.client(region_name=None).meta.region_name

    yield Case("settings.no-region", region)
    yield Case("settings.region", region, (), {"AWS_DEFAULT_REGION": "eu-west-1"})
    yield Case("settings.aws-region", region, (), {"AWS_REGION": "eu-west-1"})
    yield Case("settings.empty-variable", region, (), {"AWS_DEFAULT_REGION": ""})
    for bad in ["us_east_1", "us-east-1.evil.example", "-a", "a-", "us-east-1/", "us east", "123"]:
        yield Case(f"settings.bad-region.{bad}", lambda bench, r=bad: bench.client(region_name=r) and None)  # type: ignore[misc]
    for name, options in {
        "flag": {"tcp_keepalive": "true"},
        "pool": {"max_pool_connections": 0},
        "text": {"user_agent_extra": "é"},
        "signature": {"signature_version": "s3v4"},
    }.items():
        yield Case(
            f"settings.config-value.{name}",
            lambda bench, o=options: bench.client(config=Config(**o)) and None,
        )  # type: ignore[misc]
    yield Case("settings.no-profile", lambda bench: bench.client() and None, (), {"AWS_PROFILE": "nope"})
    yield Case(
        "settings.attempts-text", lambda bench: bench.client() and None, (), {"AWS_MAX_ATTEMPTS": "many"}
    )
    yield Case(
        "settings.attempts-white-space",
        lambda bench: bench.client().list_function_event_invoke_configs(FunctionName="f"),
        (error(500, "ServiceException"),) * 2,
        {"AWS_MAX_ATTEMPTS": " 2\r"},
    )
    yield Case("settings.profile-empty", profile_without_a_name, ONE)
    for mode in None, "standard", "mobile":
        yield Case(f"settings.defaults-mode-{str(mode).lower()}", connect_timeout(mode))
    yield Case("settings.attempts-0", lambda bench: bench.client() and None, (), {"AWS_MAX_ATTEMPTS": "0"})

    def other_option(bench: Bench) -> Any:
        try:
            return bench.client(api_version="2015-03-31") and "taken"
        except TypeError as raised:
            return str(raised).partition("()")[2]

    yield Case("settings.api-version", other_option)

    def fips_and_dual_stack(bench: Bench) -> Any:
        config = Config(use_fips_endpoint=True, use_dualstack_endpoint=True)
        return bench.make(None, region_name="eu-isoe-west-1", config=config).meta.endpoint_url

    yield Case("settings.fips-and-dual-stack", fips_and_dual_stack)

    def services_text(bench: Bench) -> Any:
        (bench.folder / "config").write_text("[default]\nservices = s\n[services s]\nlambda = text\n")
        bench.setenv("AWS_CONFIG_FILE", str(bench.folder / "config"))
        return bench.make(None) and None

    yield Case("settings.services-text", services_text)
    yield Case("settings.verify-empty", lambda bench: bench.client(verify="") and None)


def credentials() -> Iterator[Case]:
    def keys(**changed: Any) -> Callable[[Bench], Any]:
        given = {"aws_access_key_id": None, "aws_secret_access_key": None, **changed}
        return lambda bench: bench.client(**given).list_function_event_invoke_configs(FunctionName="f")

    environment = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "SECRET"}
    yield Case("credentials.none", keys(), ONE)
    yield Case("credentials.environment", keys(), ONE, environment)
    yield Case("credentials.environment-token", keys(), ONE, {**environment, "AWS_SESSION_TOKEN": "T"})
    yield Case("credentials.environment-half", keys(), ONE, {"AWS_ACCESS_KEY_ID": "AKENV"})
    yield Case("credentials.no-secret", keys(aws_access_key_id="A"), ONE, environment)
    yield Case("credentials.no-id", keys(aws_secret_access_key="S"), ONE, environment)
    yield Case("credentials.token-alone", keys(aws_session_token="T"), ONE, environment)
    yield Case(
        "credentials.line-break",
        keys(aws_access_key_id="A", aws_secret_access_key="S", aws_session_token="T\nx"),
        ONE,
    )

    def later(bench: Bench) -> Any:
        file = bench.folder / "credentials"
        bench.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        client = bench.client(aws_access_key_id=None, aws_secret_access_key=None)
        file.write_text("[default]\naws_access_key_id = AKFILE\naws_secret_access_key = SECRET\n")
        return client.list_function_event_invoke_configs(FunctionName="f")

    yield Case("credentials.when", later, ONE)

    def profiles(bench: Bench) -> Any:
        file = bench.folder / "credentials"
        named = [f"[{name}]\naws_access_key_id = AK{name}\naws_secret_access_key = S\n" for name in "AB"]
        file.write_text("".join(named))
        bench.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        clients = []
        for name in "A", "B":
            bench.setenv("AWS_PROFILE", name)
            clients.append(bench.client(aws_access_key_id=None, aws_secret_access_key=None))
        return [client.list_function_event_invoke_configs(FunctionName="f") for client in clients]

    def from_file(variable: str, text: str) -> Callable[[Bench], Any]:
        def use(bench: Bench) -> Any:
            file = bench.folder / "file"
            file.write_text(f"[default]\n{text}\n")
            bench.setenv(variable, str(file))
            return keys()(bench)

        return use

    noise = from_file("AWS_CONFIG_FILE", "credential_process = echo noise")
    without_a_value = from_file(
        "AWS_SHARED_CREDENTIALS_FILE", "aws_access_key_id = AKFILE\naws_secret_access_key ="
    )
    yield Case("credentials.empty.argument", keys(aws_access_key_id="A", aws_secret_access_key=""), ONE)
    yield Case("credentials.empty.profile", without_a_value, ONE)
    yield Case("credentials.profiles", profiles, (page("a"), page("b")))
    yield Case("credentials.process-noise", noise, ONE)


def hints() -> Iterator[Case]:
    """What str() goes on with; all other cases look at the part before it."""

    def case(name: str, use: Callable[[Bench], Any], *script: Reply, **environ: str) -> Case:
        def text(bench: Bench) -> Any:
            try:
                return use(bench)
            except Exception as raised:
                return str(raised)

        return Case(f"hint.{name}", text, script, environ)

    for code in ["ResourceNotFoundException", "ExpiredTokenException", "AccessDeniedException"]:
        yield case(code, call(FunctionName="f"), error(403, code))
    yield case("no-code", call(FunctionName="f"), Reply(404, b"<html>"))
    yield case(
        "no-connection",
        lambda bench: bench.make(NOBODY).list_function_event_invoke_configs(FunctionName="f"),
    )
    yield case("no-region", lambda bench: bench.client(region_name=None) and None)
    yield case("no-profile", lambda bench: bench.client() and None, AWS_PROFILE="nope")
    keyless = {"aws_access_key_id": None, "aws_secret_access_key": None}
    yield case(
        "no-credentials",
        lambda bench: bench.client(**keyless).list_function_event_invoke_configs(FunctionName="f"),
    )


def tls_and_proxies() -> Iterator[Case]:
    def ask(bench: Bench, url: str, verify: str | None = None, **settings: Any) -> Any:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=0.5, **settings)
        client = bench.make(url, config=config, verify=verify)
        return client.list_function_event_invoke_configs(FunctionName="f")

    def secure(bench: Bench) -> str:
        """The URL of a peer that does not answer a handshake."""
        return bench.server.url.replace("http:", "https:")

    def through(bench: Bench, proxy: str) -> Any:
        return ask(bench, "http://lambda.example", proxies={"http": proxy})

    missing = "/nowhere/file.pem"
    yield Case("tls.bundle-missing", lambda bench: ask(bench, secure(bench), verify=missing))
    yield Case("tls.certificate-missing", lambda bench: ask(bench, secure(bench), client_cert=missing))
    yield Case("tls.silent", lambda bench: ask(bench, secure(bench)))
    yield Case("proxy.silent", lambda bench: through(bench, secure(bench)))
    yield Case("proxy.bad.scheme", lambda bench: through(bench, "socks5://127.0.0.1:9"))
    yield Case("proxy.bad.port", lambda bench: through(bench, "http://127.0.0.1:port"))

    def only_a_user(bench: Bench) -> Any:
        through(bench, bench.server.url.replace("http://", "http://user@"))
        return bench.server.header("proxy-authorization")

    yield Case("proxy.no-password", only_a_user, ONE)


def concurrency() -> Iterator[Case]:
    class Slow(Reply):
        """Looks ten times for further connections: that takes long enough, also where the machine stops."""

        def wire(self) -> bytes:
            for _ in range(10):
                threading.Event().wait(0 if self.server.connections > 2 else 0.01)
            return super().wire()

    slow: Any = Slow(200, page("a").body)

    def connections(bench: Bench) -> Any:
        slow.server = bench.server
        client = bench.client(config=Config(max_pool_connections=2))
        start = threading.Barrier(6)

        def one(_: int) -> None:
            start.wait()
            client.list_function_event_invoke_configs(FunctionName="f")

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(one, range(6)))
        return "within the limit" if bench.server.connections <= 2 else "more"

    yield Case("pool.size", connections, (slow,) * 6)


def patched() -> Iterator[Case]:
    """What instrumentation sees that replaces a method of an HTTP client's class."""

    def count(bench: Bench) -> Any:
        seen = []

        def watched(method: Callable[..., Any]) -> Callable[..., Any]:
            def watch(self: Any, *arguments: Any, **options: Any) -> Any:
                seen.append(method)
                return method(self, *arguments, **options)

            return watch

        places = [
            (http.client.HTTPConnection, "putrequest"),
            (httpx.Client, "send"),
            (httpx.AsyncClient, "send"),
        ]
        originals = [getattr(kind, name) for kind, name in places]
        client = bench.client()
        try:
            for (kind, name), original in zip(places, originals, strict=True):
                setattr(kind, name, watched(original))
            client.list_function_event_invoke_configs(FunctionName="f")
        finally:
            for (kind, name), original in zip(places, originals, strict=True):
                setattr(kind, name, original)
        return len(seen)

    yield Case("patched.client", count, ONE)


def encoded() -> Iterator[Case]:
    body = json.dumps({"FunctionEventInvokeConfigs": [{"FunctionArn": "a"}]}).encode()
    for name, data in [("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)), ("br", b"\x8b\x00")]:
        yield Case(
            f"body.encoded.{name}", call(FunctionName="f"), (Reply(200, data, {"Content-Encoding": name}),)
        )


def clocks() -> Iterator[Case]:
    date = "Mon, 23 Nov 2026 15:00:00 GMT"  # three hours after the moment that both sign at
    refusal = Reply(
        403, {"message": "Signature expired"}, {"x-amzn-ErrorType": "InvalidSignatureException", "Date": date}
    )
    yield Case("clock.wrong", call(FunctionName="f"), (refusal, page("a")))
    near = Reply(
        403,
        {"message": "no"},
        {"x-amzn-ErrorType": "InvalidSignatureException", "Date": "Mon, 23 Nov 2026 12:01:00 GMT"},
    )
    yield Case("clock.right", call(FunctionName="f"), (near, page("a")))


IN_ONE_SHELL = (names, limits, tokens, parameters, errors, bodies, timestamps, pairs_of_faults, clocks)
IN_EACH_SHELL = (
    exchanges,
    failures,
    answers_without_end,
    iterating,
    surface,
    settings,
    credentials,
    hints,
    tls_and_proxies,
    concurrency,
    patched,
    encoded,
)
CASES = [replace(case, in_each_shell=False) for group in IN_ONE_SHELL for case in group()]
CASES += [case for group in IN_EACH_SHELL for case in group()]
