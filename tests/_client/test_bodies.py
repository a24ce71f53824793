"""Bodies that come encoded although identity was asked for, and requests that a user's transport reads."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from servers import Raw, Reply, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions as errors
from lambda_event_invoke_configs._client import http

Make = Callable[..., Any]
WHOLE = page("arn:ü")
BODY = json.dumps(WHOLE.body).encode()


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


def ask(client: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName="f")


ENCODED = [
    ("gzip", gzip.compress),
    ("GZip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("identity, gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
]


class TestAnEncodedBody:
    @pytest.mark.parametrize(("name", "encode"), ENCODED, ids=range(len(ENCODED)))
    def test_is_decoded(self, ours: Make, scripted: Make, name: str, encode: Any) -> None:
        found = ask(ours(scripted(Reply(200, encode(BODY), {"Content-Encoding": name})).url))
        assert found["FunctionEventInvokeConfigs"] == [{"FunctionArn": "arn:ü"}]
        assert found["ResponseMetadata"]["HTTPHeaders"]["content-encoding"] == name

    @pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
    def test_of_an_error_is_decoded(self, ours: Make, scripted: Make, encode: Any) -> None:
        name = "gzip" if encode is gzip.compress else "deflate"
        reply = Reply(400, encode(b'{"message": "no"}'), {"Content-Encoding": name, "x-amzn-ErrorType": "X"})
        with pytest.raises(errors.ClientError, match=r"\(X\) .*: no$"):
            ask(ours(scripted(reply).url))

    def test_that_was_decoded_on_the_way_is_taken_as_it_is(self, ours: Make, scripted: Make) -> None:
        server = scripted(*[Reply(200, BODY, {"Content-Encoding": name}) for name in ("gzip", "deflate")])
        client = ours(server.url)
        for _ in range(2):
            assert ask(client)["FunctionEventInvokeConfigs"]

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("br", b"\x8b\x02\x80"),
            ("gzip", gzip.compress(BODY)[:-9]),
            ("gzip, x-gzip", gzip.compress(BODY)),  # that is twice
        ],
        ids=["br", "cut", "twice"],
    )
    def test_that_cannot_be_decoded_names_the_encoding(
        self, ours: Make, scripted: Make, name: str, body: bytes
    ) -> None:
        with pytest.raises(
            errors.ResponseParserError, match=rf"Content-Encoding: {name}\) cannot be decoded"
        ):
            ask(ours(scripted(Reply(200, body, {"Content-Encoding": name})).url))

    @pytest.mark.parametrize(("status", "said"), [(502, ": Bad Gateway"), (300, "")])
    def test_of_an_error_that_cannot_be_decoded_leaves_the_status(
        self, ours: Make, scripted: Make, status: int, said: str
    ) -> None:
        client = ours(
            scripted(Reply(status, b"\x8b\x02\x80", {"Content-Encoding": "br"})).url,
            config=eic.Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(errors.ClientError, match=rf"\({status}\).*{said}"):
            ask(client)

    def test_of_an_error_that_was_decoded_on_the_way_is_taken_as_it_is(
        self, ours: Make, scripted: Make
    ) -> None:
        server = scripted(Reply(403, b" <p>blocked</p>", {"Content-Encoding": "gzip"}))
        with pytest.raises(errors.ClientError, match="<p>blocked</p>"):
            ask(ours(server.url))

    @pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
    def test_is_decoded_up_to_the_limit(self, ours: Make, scripted: Make, encode: Any) -> None:
        name = "gzip" if encode is gzip.compress else "deflate"
        server = scripted(
            *[
                Reply(200, encode(BODY + b" " * size), {"Content-Encoding": name})
                for size in (5000 - len(BODY), 5001 - len(BODY))
            ]
        )
        client = ours(server.url, config=eic.Config(max_response_size=5000))
        assert ask(client)
        with pytest.raises(errors.ResponseTooLargeError, match="max_response_size, 5000 bytes"):
            ask(client)

    @pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
    def test_is_never_decoded_beyond_the_limit(self, encode: Any) -> None:
        name = b"gzip" if encode is gzip.compress else b"deflate"
        bomb = encode(bytes(50_000_000))
        tracemalloc.start()
        with pytest.raises(errors.ResponseTooLargeError):
            http.to_response(200, [(b"Content-Encoding", name)], bomb, 5000)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 500_000


def test_a_body_of_several_chunks_is_put_together(ours: Make, scripted: Make) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:], b""))
    server = scripted(Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
    assert ask(ours(server.url))["FunctionEventInvokeConfigs"] == [{"FunctionArn": "arn:ü"}]


class Looking(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A user's transport that reads the request before it is sent."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.content == request.read() == b""
        return httpx.Response(200, content=BODY)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.content == await request.aread() == b""
        return httpx.Response(200, content=BODY)


def test_a_request_has_an_empty_content(ours: Make) -> None:
    assert ask(ours("http://h", transport=Looking()))


class Mistaken(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A user's transport that fails."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise LookupError("a mistake")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise LookupError("a mistake")


def test_a_mistake_of_a_users_transport_is_where_the_traceback_ends(ours: Make) -> None:
    with pytest.raises(LookupError, match="a mistake") as caught:
        ask(ours("http://h", transport=Mistaken()))
    assert caught.traceback[-1].name in ("handle_request", "handle_async_request")
