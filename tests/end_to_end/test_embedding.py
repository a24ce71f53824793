"""Inside other programs: OpenTelemetry's spans, vcrpy's cassettes, a Lambda handler, an ASGI application.

docs/embedding.md shows each of them; here is what its examples leave out.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fastapi
import httpx
import pytest
import vcr
from botocore.credentials import Credentials
from listing import LIST, paginate
from opentelemetry.instrumentation.httpx import (
    AsyncOpenTelemetryTransport,
    HTTPXClientInstrumentor,
    SyncOpenTelemetryTransport,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from servers import ScriptedServer, error, page
from vcr.errors import CannotOverwriteExistingCassetteException

import lambda_event_invoke_configs as eic

Scripted = Callable[..., ScriptedServer]
Ours = Callable[..., Any]


# OpenTelemetry


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    yield provider
    provider.shutdown()


@pytest.fixture
def instrumented(provider: TracerProvider) -> Iterator[None]:
    """httpx as a whole is instrumented."""
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield
    instrumentor.uninstrument()


@pytest.fixture(params=["httpx as a whole", "the client's transport"])
def traced(request: pytest.FixtureRequest, ours: Ours, provider: TracerProvider) -> Iterator[Ours]:
    """Makes clients that are instrumented in one of the two ways."""
    if request.param == "httpx as a whole":
        request.getfixturevalue("instrumented")
        yield ours
        return
    opened: list[Callable[[], object]] = []

    def make(endpoint_url: str, **options: Any) -> Any:
        if request.node.callspec.params["ours"] == "sync":
            transport = SyncOpenTelemetryTransport(httpx.HTTPTransport(), tracer_provider=provider)
            opened.append(transport.close)
            return ours(endpoint_url, transport=transport, **options)
        waiting = AsyncOpenTelemetryTransport(httpx.AsyncHTTPTransport(), tracer_provider=provider)
        client = ours(endpoint_url, transport=waiting, **options)
        opened.append(lambda: client.portal.call(waiting.aclose))
        return client

    yield make
    for close in opened:
        close()


def status(span: ReadableSpan) -> object:
    attributes = span.attributes or {}
    return attributes.get("http.response.status_code", attributes.get("http.status_code"))


def test_each_attempt_is_a_span(traced: Ours, scripted: Scripted, spans: InMemorySpanExporter) -> None:
    server = scripted(error(503), page("arn", cut=0), page("arn"))
    answer = traced(server.url).list_function_event_invoke_configs(FunctionName="f")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    found = spans.get_finished_spans()
    assert [span.name for span in found] == ["GET", "GET", "GET"]
    assert [status(span) for span in found] == [503, None, 200]
    assert [span.status.is_ok for span in found] == [False, False, True]


def test_each_attempt_carries_the_context_of_its_span(
    traced: Ours, scripted: Scripted, spans: InMemorySpanExporter
) -> None:
    server = scripted(error(503), page("arn"))
    traced(server.url).list_function_event_invoke_configs(FunctionName="f")
    contexts = [span.context for span in spans.get_finished_spans()]
    assert [header.split("-")[2] for header in server.header("traceparent")] == [
        format(context.span_id, "016x") for context in contexts if context
    ]


def test_a_body_that_is_cut_is_a_span_without_an_error_and_one_for_the_next_attempt(
    traced: Ours, scripted: Scripted, spans: InMemorySpanExporter
) -> None:
    answer = page("arn")
    server = scripted(page("arn", cut=len(answer.wire()) - 5), answer)
    traced(server.url).list_function_event_invoke_configs(FunctionName="f")
    assert [status(span) for span in spans.get_finished_spans()] == [200, 200]


def test_the_header_that_is_added_leaves_the_signature_valid(
    traced: Ours, lam: eic.LocalLambda, spans: InMemorySpanExporter
) -> None:
    client = traced(**lam.client_options)
    assert len(list(paginate(client, "my-function").items())) == 120
    assert [status(span) for span in spans.get_finished_spans()] == [200, 200, 200]


def test_no_span_has_a_header_or_a_key(traced: Ours, scripted: Scripted, spans: InMemorySpanExporter) -> None:
    server = scripted(page("arn"))
    client = traced(server.url, aws_session_token="a-secret-token")
    client.list_function_event_invoke_configs(FunctionName="f")
    (span,) = spans.get_finished_spans()
    text = span.to_json()
    for secret in ("a-secret-token", "AKIDEXAMPLE", "Signature"):
        assert secret not in text


@pytest.mark.usefixtures("instrumented")
def test_spans_belong_to_the_thread_that_listed(
    lam: eic.LocalLambda, provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    tracer = provider.get_tracer("program")
    with eic.Client(**lam.client_options) as client:

        def listing(name: str) -> None:
            with tracer.start_as_current_span(name):
                list(paginate(client, "my-function"))

        threads = [threading.Thread(target=listing, args=(f"listing {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = spans.get_finished_spans()
    listings = [span.context.span_id for span in found if span.name.startswith("listing") and span.context]
    parents = [span.parent.span_id for span in found if span.name == "GET" and span.parent]
    assert len(listings) == 4
    assert sorted(parents) == sorted(3 * listings)


# Cassettes


@pytest.fixture
def recorder(tmp_path: Path) -> vcr.VCR:
    return vcr.VCR(
        cassette_library_dir=str(tmp_path),
        filter_headers=["Authorization", "X-Amz-Security-Token"],
    )


def test_a_cassette_is_replayed_when_the_endpoint_is_gone(ours: Ours, recorder: vcr.VCR) -> None:
    def listed() -> Any:
        pages = ours(**options).get_paginator(LIST).paginate(FunctionName="my-function")
        return pages.build_full_result()

    with eic.LocalLambda({"my-function": 120}) as lam:
        options: Any = lam.client_options
        with recorder.use_cassette("listing.yaml"):
            recorded = listed()
    with recorder.use_cassette("listing.yaml", record_mode="none") as cassette:
        assert listed() == recorded
    assert cassette.play_count == 3
    assert cassette.all_played


def test_attempts_are_replayed_in_their_order(ours: Ours, scripted: Scripted, recorder: vcr.VCR) -> None:
    server = scripted(error(429, "TooManyRequestsException"), error(503), page("arn"))
    for mode in ("once", "none"):
        with recorder.use_cassette("retried.yaml", record_mode=mode):
            answer = ours(server.url).list_function_event_invoke_configs(FunctionName="f")
        assert answer["ResponseMetadata"]["RetryAttempts"] == 2
        assert answer["FunctionEventInvokeConfigs"] == [{"FunctionArn": "arn"}]
    assert len(server.requests) == 3


def test_the_headers_that_sign_are_sent_and_not_recorded(
    ours: Ours, scripted: Scripted, recorder: vcr.VCR, tmp_path: Path
) -> None:
    server = scripted(page("arn"))
    with recorder.use_cassette("filtered.yaml"):
        client = ours(server.url, aws_session_token="a-secret-token")
        client.list_function_event_invoke_configs(FunctionName="f")
    assert server.header("x-amz-security-token") == ["a-secret-token"]
    assert server.header("authorization") != [""]
    cassette = (tmp_path / "filtered.yaml").read_text()
    for secret in ("a-secret-token", "AKIDEXAMPLE", "Signature"):
        assert secret not in cassette


def test_what_is_not_in_the_cassette_is_vcrpys_error_and_harms_no_later_call(
    ours: Ours, scripted: Scripted, recorder: vcr.VCR
) -> None:
    server = scripted(page("arn"), page("arn"))
    client = ours(server.url, config=eic.Config(max_pool_connections=1))
    with recorder.use_cassette("one.yaml"):
        client.list_function_event_invoke_configs(FunctionName="f")
    with recorder.use_cassette("one.yaml", record_mode="none"):
        with pytest.raises(CannotOverwriteExistingCassetteException):
            client.list_function_event_invoke_configs(FunctionName="another")
        client.list_function_event_invoke_configs(FunctionName="f")
    client.list_function_event_invoke_configs(FunctionName="f")
    assert len(server.requests) == 2


# A Lambda handler


def test_a_client_made_once_sends_the_trace_id_of_each_invocation(
    ours: Ours, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "audit")
    server = scripted(error(503), page("arn"), page("arn"))
    client = ours(server.url)  # before there is an invocation
    for trace_id in ("Root=1-first;Parent=a;Sampled=1", "Root=1-second"):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace_id)
        client.list_function_event_invoke_configs(FunctionName="f")
    first = "Root=1-first;Parent=a;Sampled=1"
    assert server.header("x-amzn-trace-id") == [first, first, "Root=1-second"]


def test_the_environments_keys_need_no_other_source(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }.items():
        monkeypatch.setenv(name, value)
    server = scripted(page("arn"))
    with eic.Client(endpoint_url=server.url) as client:
        client.list_function_event_invoke_configs(FunctionName="f")
    (authorization,) = server.header("authorization")
    assert "Credential=ASIAEXAMPLE/" in authorization
    assert "/eu-central-1/lambda/aws4_request" in authorization
    assert server.header("x-amz-security-token") == ["token"]


# An ASGI application


def test_requests_to_an_application_share_the_client_of_its_lifespan(lam: eic.LocalLambda) -> None:
    asked = []

    def credentials() -> Credentials:
        asked.append(1)
        return Credentials(lam.access_key, lam.secret_key)

    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> Any:
        options: Any = {"endpoint_url": lam.endpoint_url, "credentials": credentials}
        async with eic.AsyncClient("us-east-1", **options) as client:
            app.state.client = client
            yield

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/count/{name}")
    async def count(name: str, request: fastapi.Request) -> int:
        pages = paginate(request.app.state.client, name)
        return len([config async for config in pages.items()])

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
            return await asyncio.gather(*[http.get("/count/my-function") for _ in range(8)])

    responses = asyncio.run(ask())
    assert [response.json() for response in responses] == [120] * 8
    assert asked == [1]
