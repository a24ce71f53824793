"""No secret is shown: everything at DEBUG, failures of every kind, and a search of all that can be seen.

What is searched, for each run: what every logger of the process is told, the page or the error, the
error's causes and contexts, its traceback with the locals of every frame, its pickle, and what the command
writes with `--debug`. What is searched for: the secret keys, the session token and other tokens, the
signatures of the requests that were sent, and the proxy's password; each as it is, percent-encoded, and in
base64.

What a service says back is its own: boto3 shows a service's message, even one that repeats the request,
and so does this library. Here, what is said back stands between two marks, and is left out of the search.
So are a user's own frames, and a user's own transport: they are given the secrets by the user.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import json
import logging
import os
import pickle
import random
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from types import FrameType, SimpleNamespace
from typing import Any
from urllib.parse import quote

import anyio
import botocore.config
import botocore.session
import botocore.utils
import faulty
import httpcore
import httpx
import processes
import pytest
from aws import ASKED_BY_HTTP, AWS, EXPIRATION, ID, LONG_AGO, SECRET, SOURCES, TOKEN, Home
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from drivers import BACKENDS
from leaks import PASSWORD, Log, Texts, chain, leaks, shown_by
from listing import LIST, paginate
from servers import Raw, Reply, ScriptedServer, Silence, page, until

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.main import main
from lambda_event_invoke_configs._protocol.call import (
    GetCredentials,
    Request,
    ReserveConnection,
    Send,
    Sleep,
)
from lambda_event_invoke_configs._settings import credentials, redaction
from lambda_event_invoke_configs._settings.credentials import FrozenCredentials

LATER_BY_AN_HOUR = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
LOCKING = {module.__file__ for module in (httpcore._synchronization, logging, threading, weakref)}
INTERRUPTS = int(os.environ.get("INTERRUPTS", "60"))


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    loggers = [logging.getLogger()]
    loggers += [
        known
        for known in logging.root.manager.loggerDict.values()
        if isinstance(known, logging.Logger) and (known.level or not known.propagate)
    ]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers[1:]:
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    loggers[0].setLevel(logging.DEBUG)
    handler = Log()
    loggers[0].addHandler(handler)
    yield handler
    loggers[0].removeHandler(handler)
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate


@contextlib.contextmanager
def interrupting(when: Callable[[], bool]) -> Iterator[None]:
    """Ctrl-C, as soon as something is so."""

    def interrupt() -> None:
        until(when)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


def outcome_of(call: Callable[[], object]) -> object:
    # A frame without a secret of its own: the traceback begins here.
    try:
        return call()
    except (Exception, KeyboardInterrupt) as error:
        return error


def seen(outcome: object, log: Log) -> Texts:
    """All that can be seen of a call."""
    yield from shown_by(outcome)
    yield from log.take()


class SaysBack(Reply):
    """An answer that repeats the request: in its headers, and in its body where `{}` stands."""

    def __init__(self, status: int, form: str = '{{"message": "{}"}}', **headers: str) -> None:
        super().__init__(status)
        self.form = form
        self.said = headers
        self.server: ScriptedServer | None = None

    def wire(self) -> bytes:
        assert self.server is not None
        head = self.server.requests[-1].decode("latin-1")
        said = f"[says back:{' '.join(head.splitlines()[1:])}:says back]".replace('"', "'")
        self.body = self.form.format(said).encode()
        self.headers = {**self.said, "X-Says-Back": said}
        return super().wire()


def play(server: ScriptedServer, *script: Any) -> None:
    for exchange in script:
        if isinstance(exchange, SaysBack):
            exchange.server = server
    server.play(*script)


HANDED_OVER = ["arguments", "environment", "profile", "object", "callable", "process"]


def statuses() -> Iterator[tuple[str, list[Any]]]:
    for status in HTTPStatus:
        if status >= 300:
            yield f"status {status.value}", [SaysBack(status) for _ in range(3)]
    for status in 400, 403, 500:
        for form in (
            "{}",
            "<html>{}</html>",
            '"{}"',
            '[["{}"]]',
            '{{"Message": {{"said": "{}"}}}}',
            '{{"code": "{}"}}',
        ):
            yield f"status {status} with {form}", [SaysBack(status, form) for _ in range(3)]
    for status, code in {
        404: "ResourceNotFoundException",
        400: "InvalidParameterValueException",
        429: "TooManyRequestsException",
        500: "ServiceException",
        403: "InvalidSignatureException",
    }.items():
        headers = {"x-amzn-ErrorType": code, "Retry-After": "3"}
        form = '{{"message": "{0}", "Message": "{0}", "Type": "{0}", "Reason": "{0}"}}'
        yield code, [SaysBack(status, form, **headers) for _ in range(3)]


def answers() -> Iterator[tuple[str, list[Any]]]:
    """What a service may answer, by name; each is a call's whole script."""
    yield "a page", [page("a")]
    yield "a page after a failure", [SaysBack(503), page("a")]
    yield "nothing", [Raw(b"")] * 3
    yield "a reset", [Reply(200, {}, cut=0, reset=True)] * 3
    yield "a reset in the body", [Reply(200, {"NextMarker": "m"}, cut=60, reset=True)] * 3
    yield "a body cut short", [Reply(200, {"NextMarker": "m"}, cut=70)] * 3
    yield "a chunk cut short", [Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{")] * 3
    yield "no HTTP", [Raw(b"garbage\r\n\r\n")] * 3
    for name, body in {
        "no JSON": "<html>{}</html>",
        "half JSON": '{{"NextMarker": "{}',
        "a list": '["{}"]',
        "no list": '{{"FunctionEventInvokeConfigs": {{"said": "{}"}}}}',
        "a list of lists": '{{"FunctionEventInvokeConfigs": [["{}"]]}}',
        "a marker that is none": '{{"NextMarker": ["{}"]}}',
        "deep JSON": '{{"NextMarker": "{}", "x": ' + "[" * 100_000,
        "a page that says back": '{{"FunctionEventInvokeConfigs": [{{"FunctionArn": "{}"}}]}}',
    }.items():
        yield name, [SaysBack(200, body.replace("{}", "{0}"))]
    yield from statuses()
    refused = {"x-amzn-ErrorType": "RequestExpired", "Date": LATER_BY_AN_HOUR}
    yield "a wrong clock", [SaysBack(403, **refused), page("a")]


def one_of_each_kind() -> list[tuple[str, list[Any]]]:
    """Answers, where what comes of them is known and what else there is does not depend on them."""
    names = {"a page", "nothing", "no JSON", "a list", "a marker that is none", "status 403", "a wrong clock"}
    chosen = [answer for answer in answers() if answer[0] in names]
    assert len(chosen) == len(names)
    return chosen


class TestWhateverTheServiceAnswers:
    @pytest.fixture
    def check(
        self, ours: Any, scripted: Callable[..., ScriptedServer], home: Home, log: Log
    ) -> Callable[..., None]:
        def check(source: str, answers: Iterable[tuple[str, list[Any]]]) -> None:
            server = scripted()
            client = ours(server.url, **home.keys(source))
            found = []
            for name, script in answers:
                play(server, *script)
                outcome = outcome_of(lambda: client.list_function_event_invoke_configs(FunctionName="f"))
                assert server.requests, name
                sent = server.requests + home.aws.requests
                found += [f"{name}: {leak}" for leak in leaks(seen(outcome, log), sent)]
            assert found == []

        return check

    def test_no_secret_is_shown(self, check: Callable[..., None]) -> None:
        check("arguments", answers())

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("source", SOURCES)
    def test_no_secret_is_shown_wherever_it_is_from(self, check: Callable[..., None], source: str) -> None:
        check(source, one_of_each_kind())

    def test_no_secret_is_shown_by_a_paginator(
        self, ours: Any, scripted: Callable[..., ScriptedServer], home: Home, log: Log
    ) -> None:
        server = scripted()
        client = ours(server.url, **home.keys("arguments"))
        found = []
        for name, script in one_of_each_kind():
            play(server, page("a", next_marker="m"), *script)
            pages = paginate(client)
            outcome = outcome_of(pages.build_full_result)
            found += [f"{name}: {leak}" for leak in leaks(seen(outcome, log), server.requests)]
        assert found == []

    def test_what_it_says_back_is_shown_as_boto3_shows_it(
        self, ours: Any, theirs: Any, scripted: Callable[..., ScriptedServer], home: Home, log: Log
    ) -> None:
        shown = []
        for make in theirs, ours:
            server = scripted()
            play(server, SaysBack(403))
            client = make(server.url, **home.keys("arguments"))
            outcome = outcome_of(
                lambda client=client: client.list_function_event_invoke_configs(FunctionName="f")
            )
            shown.append(TOKEN in str(outcome))
        assert shown == [True, True]


class Broken(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Fails as httpx does: the error holds the request."""

    def __init__(self, kind: type[httpx.TransportError]) -> None:
        self.kind = kind

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            raise OSError(f"{request.headers.raw}")
        except OSError as error:
            raise self.kind("broken", request=request) from error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def kinds_of(kind: type[httpx.TransportError]) -> list[type[httpx.TransportError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in kinds_of(below))]


class TestWhateverTheNetworkDoes:
    @pytest.fixture
    def check(self, ours: Any, home: Home, log: Log) -> Callable[..., object]:
        def check(url: str, *, requests: list[bytes], source: str = "arguments", **options: Any) -> object:
            client = ours(url, **home.keys(source), **options)
            outcome = outcome_of(lambda: client.list_function_event_invoke_configs(FunctionName="f"))
            assert leaks(seen(outcome, log), requests) == []
            return outcome

        return check

    def test_nobody_at_the_address_shows_no_secret(self, check: Any, unused_port: int) -> None:
        for scheme in "http", "https":
            outcome = check(f"{scheme}://127.0.0.1:{unused_port}", requests=[])
            assert isinstance(outcome, eic.exceptions.EndpointConnectionError)

    def test_a_name_nobody_has_shows_no_secret(self, check: Any) -> None:
        outcome = check("http://nobody.invalid", requests=[])
        assert isinstance(outcome, eic.exceptions.EndpointConnectionError)

    def test_no_answer_in_time_shows_no_secret(
        self, check: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        for script in (
            [Silence()] * 3,
            [Reply(200, {}, stall=40)] * 3,
            [page("a").__class__(200, {}, stall=10)] * 3,
        ):
            server = scripted(*script)
            outcome = check(server.url, requests=server.requests, config=eic.Config(read_timeout=0.02))
            assert isinstance(outcome, eic.exceptions.ReadTimeoutError)

    @pytest.mark.parametrize("kind", kinds_of(httpx.TransportError), ids=lambda kind: kind.__name__)
    def test_an_error_of_httpx_that_holds_the_request_shows_no_secret(self, check: Any, kind: Any) -> None:
        outcome = check("http://h.example", requests=[], transport=Broken(kind))
        assert isinstance(outcome, eic.exceptions.BotoCoreError)
        assert len(chain(outcome)) == 1

    def test_tls_that_fails_shows_no_secret(
        self, check: Any, secure_lambda: Any, choosy_lambda: Any, certificates: Any, silent: Any
    ) -> None:
        urls = [f"https://localhost:{server.port}" for server in (secure_lambda, choosy_lambda)]
        for url, verify in [(urls[0], None), (urls[1], certificates.authority)]:
            assert isinstance(check(url, requests=[], verify=verify), eic.exceptions.SSLError)

    def test_a_server_that_speaks_no_tls_shows_no_secret(
        self, check: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(*[Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")] * 3)
        url = server.url.replace("http:", "https:")
        # Half of a handshake is no request head: it answers only when the client has gone.
        outcome = check(url, requests=[], config=eic.Config(connect_timeout=0.05))
        assert isinstance(outcome, eic.exceptions.BotoCoreError)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("told", ["config", "environment"])
    def test_nobody_at_the_proxys_address_shows_no_secret(
        self, check: Any, unused_port: int, scheme: str, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{unused_port}"
        monkeypatch.setenv(f"{scheme}_proxy", proxy if told == "environment" else "")
        config = eic.Config(proxies={scheme: proxy} if told == "config" else None)
        outcome = check(f"{scheme}://lambda.example", requests=[], config=config)
        assert isinstance(outcome, eic.exceptions.ProxyConnectionError)

    @pytest.mark.parametrize("answer", [407, 502, 503, 301])
    def test_a_proxy_that_refuses_shows_no_secret(
        self, check: Any, scripted: Callable[..., ScriptedServer], answer: int
    ) -> None:
        for scheme in "http", "https":
            server = scripted()
            play(server, *[SaysBack(answer, "<p>{}</p>") for _ in range(3)])
            proxy = server.url.replace("//", f"//user:{PASSWORD}@")
            outcome = check(
                f"{scheme}://lambda.example",
                requests=server.requests,
                config=eic.Config(proxies={scheme: proxy}),
            )
            assert isinstance(outcome, (eic.exceptions.ClientError, eic.exceptions.ProxyConnectionError))

    def test_a_proxy_that_hangs_up_or_says_nothing_shows_no_secret(
        self, check: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        for scheme in "http", "https":
            for exchange in Raw(b""), Raw(b"garbage\r\n\r\n"), Silence(), Reply(200, {}, cut=20):
                server = scripted(*[exchange] * 3)
                proxy = server.url.replace("//", f"//user:{PASSWORD}@")
                config = eic.Config(proxies={scheme: proxy}, read_timeout=0.02, connect_timeout=0.1)
                outcome = check(f"{scheme}://lambda.example", requests=server.requests, config=config)
                assert isinstance(outcome, eic.exceptions.BotoCoreError)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_call_through_a_proxy_that_is_given_up_shows_no_secret(
        self, backend: str, home: Home, scripted: Callable[..., ScriptedServer], log: Log
    ) -> None:
        """By asyncio's own timeout, which anyio does not put in other words, and by Ctrl-C."""
        server = scripted(Silence())
        proxies = {"https": server.url.replace("//", f"//user:{PASSWORD}@")}
        options: dict[str, Any] = {"config": eic.Config(proxies=proxies), **home.keys("arguments")}

        async def ask() -> None:
            async with eic.AsyncClient("us-east-1", **options) as client:
                await client.list_function_event_invoke_configs(FunctionName="f")

        async def give_up() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                while not server.requests:
                    await anyio.lowlevel.checkpoint()
                raise ZeroDivisionError

        def interrupted() -> None:
            with eic.Client("us-east-1", **options) as client:
                client.list_function_event_invoke_configs(FunctionName="f")

        if backend == "sync":
            with interrupting(lambda: bool(server.requests)):
                outcome = outcome_of(interrupted)
            assert isinstance(outcome, KeyboardInterrupt)
        elif backend == "trio":
            outcome = outcome_of(lambda: anyio.run(give_up, backend=backend))
        else:
            outcome = outcome_of(lambda: asyncio.run(asyncio.wait_for(ask(), 0.3)))
            assert isinstance(outcome, (TimeoutError, asyncio.TimeoutError))
        assert isinstance(outcome, BaseException)
        assert leaks(seen(outcome, log), server.requests) == []

    @pytest.mark.parametrize("backend", BACKENDS[1:])
    def test_a_call_that_is_given_up_shows_no_secret(
        self, backend: str, home: Home, scripted: Callable[..., ScriptedServer], log: Log
    ) -> None:
        server = scripted(Silence(), Silence())

        async def give_up() -> None:
            async with eic.AsyncClient(
                "us-east-1", endpoint_url=server.url, **home.keys("environment")
            ) as client:
                with anyio.fail_after(0.05):
                    await client.list_function_event_invoke_configs(FunctionName="f")

        outcome = outcome_of(lambda: anyio.run(give_up, backend=backend))
        assert isinstance(outcome, TimeoutError)
        assert leaks(seen(outcome, log), server.requests) == []


SPOILT = {
    "a token with a line break": {"token": f"{TOKEN}\r\nX-Evil: y"},
    "a token with a letter that is not ASCII": {"token": f"{TOKEN}\xe9"},
    "a token with a byte that is no letter": {"token": f"{TOKEN}\udcff"},
    "a secret key with a byte that is no letter": {"secret": f"{SECRET}\udcff"},
}


@pytest.mark.in_one_shell
class TestWhateverIsWrongWithTheKeys:
    @pytest.fixture
    def check(self, ours: Any, home: Home, log: Log, scripted: Callable[..., ScriptedServer]) -> Any:
        server = scripted(*[page("a")] * 3)

        def check(**options: Any) -> object:
            none = {"aws_access_key_id": None, "aws_secret_access_key": None}
            outcome = outcome_of(
                lambda: ours(server.url, **{**none, **options}).list_function_event_invoke_configs(
                    FunctionName="f"
                )
            )
            sent = server.requests + home.aws.requests
            assert isinstance(outcome, Exception), outcome
            assert leaks(seen(outcome, log), sent) == []
            return outcome

        return check

    @pytest.mark.parametrize(
        ("source", "spoilt"),
        [
            pytest.param(source, spoilt, id=f"{source}-{name}")
            for name, spoilt in SPOILT.items()
            for source in HANDED_OVER
            # A profile's value ends where its line does.
            if source != "profile" or "\n" not in spoilt.get("token", "")
        ],
    )
    def test_what_no_request_may_hold_is_not_shown(
        self, check: Any, home: Home, source: str, spoilt: dict[str, str]
    ) -> None:
        outcome = check(**home.keys(source, **spoilt))
        # A file with such a byte cannot be read at all.
        expected = eic.exceptions.CredentialRetrievalError, eic.exceptions.ConfigParseError
        assert isinstance(outcome, expected[: 1 + (source == "profile")])

    @pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    def test_half_a_pair_in_the_environment_is_not_shown(self, check: Any, home: Home, missing: str) -> None:
        home.keys("environment")
        home.setenv(missing, "")
        expected = eic.exceptions.PartialCredentialsError, eic.exceptions.NoCredentialsError
        assert isinstance(check(), expected)

    @pytest.mark.parametrize("missing", ["aws_access_key_id", "aws_secret_access_key"])
    def test_half_a_pair_in_the_arguments_is_not_shown(self, check: Any, home: Home, missing: str) -> None:
        outcome = check(**{**home.keys("arguments"), missing: None})
        assert isinstance(outcome, eic.exceptions.PartialCredentialsError)

    def test_half_a_pair_in_a_profile_is_not_shown(self, check: Any, home: Home) -> None:
        for file in "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE":
            home.write(f"[default]\naws_access_key_id = AK\naws_session_token = {TOKEN}\n", file)
            assert isinstance(check(), eic.exceptions.PartialCredentialsError)

    @pytest.mark.parametrize(
        "does",
        [
            f"print('SecretAccessKey {SECRET}')",
            f"""print('{{"Version": 1, "AccessKeyId": "AK", "SecretAccessKey": "{SECRET}"')""",
            f"""print('{{"Version": 2, "AccessKeyId": "AK", "SecretAccessKey": "{SECRET}"}}')""",
            f"""print('{{"Version": 1, "SecretAccessKey": "{SECRET}"}}')""",
            f"""print('{{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": "{SECRET}"}}')""",
            f"""print('{{"Version": 1, "AccessKeyId": "AK", "SecretAccessKey": ["{SECRET}"]}}')""",
            f"""print('["{SECRET}"]')""",
            f"import sys; sys.stdout.buffer.write(b'{SECRET}' + bytes([255]))",
            f"print('{SECRET}'); raise SystemExit('locked')",
        ],
        ids=["text", "half", "version", "no id", "id", "secret", "list", "bytes", "failed"],
    )
    def test_what_a_process_says_that_is_no_answer_is_not_shown(
        self, check: Any, home: Home, does: str
    ) -> None:
        home.process_that(does)
        assert isinstance(check(), eic.exceptions.BotoCoreError)

    @pytest.mark.parametrize("source", ["container", "instance", "role", "web identity"])
    def test_a_service_that_is_not_there_shows_no_secret(
        self, check: Any, home: Home, source: str, unused_port: int
    ) -> None:
        home.aws.url = f"http://127.0.0.1:{unused_port}"
        assert isinstance(check(**home.keys(source)), eic.exceptions.BotoCoreError)

    def test_a_role_without_its_source_shows_no_secret_of_others(self, check: Any, home: Home) -> None:
        text = f"[profile other]\naws_access_key_id = AK\naws_secret_access_key = {SECRET}\n[profile role]\n"
        for rest in "source_profile = nobody", "source_profile = role", "credential_source = Nowhere":
            home.write(f"{text}role_arn = arn:aws:iam::123456789012:role/lister\n{rest}\n")
            outcome = check(profile_name="role")
            assert isinstance(outcome, eic.exceptions.BotoCoreError)

    @pytest.mark.parametrize("found", [{"secret": SECRET}, SECRET, (ID, SECRET, TOKEN), None])
    def test_what_a_callable_returns_that_is_no_credentials_is_not_shown(
        self, check: Any, found: object
    ) -> None:
        outcome = check(credentials=[found].pop if found is None else lambda: found)
        assert isinstance(outcome, eic.exceptions.InvalidConfigError)

    def test_keys_that_cannot_be_refreshed_are_not_shown(self, check: Any) -> None:
        def refresh() -> dict[str, str]:
            raise eic.exceptions.CredentialRetrievalError(provider="vault", error_msg="locked")

        expired = datetime(2020, 1, 1, tzinfo=timezone.utc)
        found = RefreshableCredentials(ID, SECRET, TOKEN, expired, refresh, "vault")
        assert isinstance(check(credentials=found), eic.exceptions.CredentialRetrievalError)

    def test_frozen_keys_of_another_kind_are_not_shown(self, check: Any) -> None:
        found = SimpleNamespace(get_frozen_credentials=lambda: (ID, SECRET, TOKEN))
        assert isinstance(check(credentials=found), eic.exceptions.InvalidConfigError)


BROKEN_ANSWERS: dict[str, Callable[[int, str], tuple[int, str]]] = {
    "cut": lambda status, body: (status, body[:-20]),
    "refused": lambda _, body: (403, body),
    "unauthorized": lambda _, body: (401, body),
    "failed": lambda _, body: (500, body),
    "empty": lambda status, _: (status, ""),
    "HTML": lambda status, body: (status, f"<html>{body}</html>"),
    "a list": lambda status, body: (status, f"[{json.dumps(body)}]"),
    "a list for a text": lambda status, body: (status, body.replace(f'"{SECRET}"', f'["{SECRET}"]')),
    "line break": lambda status, body: (status, body.replace(TOKEN, f"{TOKEN}\n")),
    "no token": lambda status, body: (status, body.replace("essionToken", "Tok").replace("Token", "Tok")),
    "an error": lambda status, body: (
        status,
        body.replace("Token", "Tok").replace("{", '{"Code": "x", "Message": "y", '),
    ),
    "no id": lambda status, body: (status, body.replace("ccessKeyId", "Id")),
    "a secret for a date": lambda status, body: (
        status,
        body.replace(EXPIRATION, SECRET)
        .replace("4070908800000", f'"{SECRET}"')
        .replace("3600", f'"{SECRET}"'),
    ),
    "over": lambda status, body: (status, body.replace(EXPIRATION, LONG_AGO)),
}


# botocore's own clients leave the connections of failures to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
class TestWhateverASourceOfCredentialsDoes:
    """Each source of botocore's, with each fault of a network and of an answer."""

    SOON = 0.05  # seconds

    @pytest.fixture(autouse=True)
    def _impatient(self, aws: AWS, monkeypatch: pytest.MonkeyPatch) -> None:
        """As soon as botocore's own clients can be; `aws` has been patient with one of them."""
        for name in "connect_timeout", "read_timeout":
            monkeypatch.setitem(botocore.config.Config.OPTION_DEFAULTS, name, self.SOON)
        monkeypatch.setattr(botocore.utils.ContainerMetadataFetcher, "TIMEOUT_SECONDS", self.SOON)
        variables = botocore.session.Session.SESSION_VARIABLES
        monkeypatch.setitem(variables, "metadata_service_timeout", (None, None, self.SOON, float))

    CALLS = (
        lambda client: client.list_function_event_invoke_configs(FunctionName="f"),
        lambda client: list(client.list_for_functions(["f", "g"]))[0].error,  # noqa: RUF015 - all of them
    )

    @pytest.fixture
    def leaked(
        self, ours: Any, home: Home, log: Log, scripted: Callable[..., ScriptedServer]
    ) -> Callable[..., list[str]]:
        """What leaked of a source's answers."""
        server = scripted(*[page("a")] * 200)

        def leaked(source: str, call: Any = self.CALLS[0]) -> list[str]:
            credentials._shared._sources.clear()  # none that was found before
            client = ours(server.url, **home.keys(source))
            outcome = outcome_of(lambda: call(client))
            assert outcome is None or isinstance(outcome, (dict, eic.exceptions.BotoCoreError, ClientError))
            return leaks(seen(outcome, log), server.requests + home.aws.requests)

        return leaked

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("source", ASKED_BY_HTTP)
    def test_no_secret_is_shown_of_an_answer_that_is_none(self, leaked: Any, home: Home, source: str) -> None:
        found = {}
        for name, home.aws.broken in BROKEN_ANSWERS.items():
            found[name] = leaked(source)
        assert not any(found.values()), found

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("answer", ["cut", "refused", "line break", "over"])
    def test_no_secret_is_shown_of_an_answer_that_is_none_in_any_shell(
        self, leaked: Any, home: Home, answer: str, call: Any
    ) -> None:
        home.aws.broken = BROKEN_ANSWERS[answer]
        assert leaked("role", call) == []

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("source", ["container", "instance", "role", "sso"])  # each has its way to ask
    def test_no_secret_is_shown_by_a_network_that_breaks(self, leaked: Any, home: Home, source: str) -> None:
        chance = random.Random(source)
        found = {}
        for name, (fault, _) in faulty.FAULTS.items():
            home.aws.fault = lambda body, fault=fault: fault(faulty.Asked(body, chance, self.SOON))
            found[name] = leaked(source)
        assert not any(found.values()), found

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
    @pytest.mark.parametrize("source", ["sso", "sso to refresh", "container", "role"])
    def test_no_secret_is_in_the_frames_of_a_log_record_of_a_session_that_has_ended(
        self, ours: Any, home: Home, log: Log, level: int, source: str, scripted: Any
    ) -> None:
        logging.getLogger().setLevel(level)
        home.aws.broken = lambda *_: (400, f'{{"__type": "InvalidGrantException", "message": "{SECRET}"}}')
        client = ours(scripted().url, **home.keys(source))
        outcome = outcome_of(lambda: client.list_function_event_invoke_configs(FunctionName="f"))
        assert isinstance(outcome, Exception)
        assert leaks(log.take(), home.aws.requests) == []


class TestWhereverItIsInterrupted:
    """Ctrl-C at the beginning or the end of any function that is called, evenly spread over all of them."""

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
    @pytest.mark.parametrize("source", ["arguments", "profile"])
    def test_no_secret_is_shown(
        self, source: str, home: Home, scripted: Callable[..., ScriptedServer], log: Log
    ) -> None:
        server = scripted()
        options = {"endpoint_url": server.url, **home.keys(source)}

        def ask() -> None:
            with eic.Client("us-east-1", **options) as client:
                client.list_function_event_invoke_configs(FunctionName="f")

        def interrupted_at(moment: int) -> int:
            """Ask; returns how many moments there were."""
            server.play(page("a"), page("a"))
            outcome, passed = interrupted(ask, moment)
            # Python itself passes over it where an object is collected.
            assert outcome is None or (moment and isinstance(outcome, KeyboardInterrupt))
            found.update(leaks(seen(outcome, log), server.requests))
            return passed

        found: set[str] = set()
        interrupted_at(0)  # what is loaded and found once is not to be counted
        total = interrupted_at(0)
        for n in range(INTERRUPTS):
            interrupted_at(1 + n * (total - 1) // INTERRUPTS)
        gc.collect()  # what was left open is this test's, and so is a thread that is quiet for good
        redaction._fetching.now = False
        assert not found


def interrupted(call: Callable[[], object], moment: int) -> tuple[object, int]:
    """What comes of a call with Ctrl-C at the so manieth beginning or end of a function; how many came."""
    passed = 0

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal passed
        if frame.f_code.co_filename in LOCKING:
            return  # their locks would stay locked, and what comes later wait for them
        if event == "call" and frame.f_code.co_name == "checked":
            return  # the constructor's arguments are the caller's until its first line
        if event == "c_call":
            return  # no signal is handled there: it would leave any lock locked at the end of `with`
        passed += 1
        if passed == moment:
            raise KeyboardInterrupt

    def profiled() -> object:
        sys.setprofile(profile)
        try:
            return call()
        finally:
            sys.setprofile(None)

    # In a thread of its own: one that is interrupted while it fetches keys may be quiet for good.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(outcome_of, profiled).result(), passed


BAD_SETTINGS: dict[str, dict[str, Any]] = {
    "no region": {"region_name": None},
    "a region that is none": {"region_name": "evil.example/"},
    "a profile that does not exist": {"profile_name": "nobody"},
    "an endpoint that is none": {"endpoint_url": "nowhere"},
    "a certificate that is missing": {"endpoint_url": None, "verify": "/missing.pem"},
    "verify that is nothing": {"verify": ""},
    "a transport that is none": {"transport": object()},
    "a config that is none": {"config": object()},
    "an argument that does not exist": {"aws_secret": "x"},
}


class TestWhateverIsWrongWithTheSettings:
    @pytest.mark.parametrize("source", ["arguments", "environment", "profile"])
    @pytest.mark.parametrize("bad", BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
    @pytest.mark.parametrize(
        "make", [eic.Client, eic.AsyncClient, lambda **options: eic.client("lambda", **options)]
    )
    def test_no_secret_is_shown(
        self, make: Any, bad: dict[str, Any], source: str, home: Home, log: Log
    ) -> None:
        options = {"region_name": "us-east-1", "endpoint_url": "http://h.example", **home.keys(source), **bad}

        outcome = outcome_of(lambda: make(**options))
        assert isinstance(outcome, (eic.exceptions.BotoCoreError, TypeError)), outcome
        assert leaks(seen(outcome, log), []) == []

    def test_no_secret_is_shown_with_a_service_that_does_not_exist(self, home: Home, log: Log) -> None:
        options = home.keys("arguments")
        outcome = outcome_of(lambda: eic.client("lamda", "us-east-1", **options))
        assert isinstance(outcome, eic.exceptions.UnknownServiceError), outcome
        assert leaks(seen(outcome, log), []) == []

    @pytest.mark.parametrize(
        "text",
        [
            f"aws_secret_access_key = {SECRET}\n",
            f"[default]\naws_secret_access_key {SECRET}\n",
            f"[default]\naws_secret_access_key = {SECRET}\n[default]\n",
            f"[default]\naws_secret_access_key = {SECRET}\naws_secret_access_key = {SECRET}\n",
            f"[default]\naws_secret_access_key =\n  {SECRET}\n",
            f"[default]\naws_secret_access_key = {SECRET}\udcff\n",
            f"[default\naws_secret_access_key = {SECRET}\n",
        ],
        ids=["no section", "no sign", "section twice", "key twice", "nested", "no text", "open section"],
    )
    @pytest.mark.parametrize("file", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"])
    def test_a_file_that_cannot_be_read_is_not_shown(
        self, text: str, file: str, home: Home, log: Log
    ) -> None:
        home.write(text, file)
        outcome = outcome_of(lambda: eic.Client("us-east-1"))
        assert isinstance(outcome, eic.exceptions.ConfigParseError), outcome
        assert leaks(seen(outcome, log), []) == []

    def test_a_client_that_cannot_be_pickled_shows_none(self, home: Home, log: Log) -> None:
        client = eic.Client("us-east-1", **home.keys("arguments"))
        outcome = outcome_of(lambda: pickle.dumps(client))
        assert isinstance(outcome, TypeError), outcome
        assert leaks(seen(outcome, log), []) == []

    @pytest.mark.parametrize(
        "proxy",
        [
            f"http://user:{PASSWORD}@h:0",
            f"ftp://user:{PASSWORD}@h",
            f"http://user:{PASSWORD}@h h",
            f"user:{PASSWORD}@h:x",
            f"http://user:{PASSWORD}@",
        ],
    )
    @pytest.mark.parametrize("told", ["config", "environment"])
    def test_a_proxy_that_is_none_is_not_shown(self, proxy: str, told: str, home: Home, log: Log) -> None:
        home.setenv("HTTPS_PROXY", proxy if told == "environment" else "")
        config = eic.Config(proxies={"https": proxy} if told == "config" else None)
        outcome = outcome_of(lambda: eic.Client("us-east-1", config=config))
        assert isinstance(outcome, eic.exceptions.InvalidConfigError)
        assert leaks(seen(outcome, log), []) == []


class TestReprs:
    def test_of_all_that_holds_keys_show_none(
        self, ours: Any, scripted: Callable[..., ScriptedServer], home: Home
    ) -> None:
        server = scripted(page("a", next_marker="m"), page("b"))
        proxies = {"https": f"http://user:{PASSWORD}@proxy.example"}
        config = eic.Config(proxies=proxies)
        home.keys("environment")
        client = ours(server.url, **home.keys("arguments"), config=config)
        paginator = client.get_paginator(LIST)
        pages = paginator.paginate(FunctionName="f")
        iterator = iter(pages)
        request = Request(server.url, "/", [("Authorization", TOKEN), ("X-Amz-Security-Token", TOKEN)])
        secure = eic.Client("us-east-1", config=config, **home.keys("arguments"))
        shown: list[object] = [
            client,
            client.meta,
            config,
            paginator,
            pages,
            iterator,
            next(iterator),
            pages.resume_token,
            pages.items(),
            pages.search("a"),
            FrozenCredentials(ID, SECRET, TOKEN),
            request,
            ReserveConnection(),
            GetCredentials(),
            Send(request),
            Sleep(1.0),
            secure,
            secure.meta,
        ]
        for made in (secure, getattr(client, "client", client)):
            # A text shows itself, and the proxy's URL is one.
            shown += [held for held in vars(made).values() if not isinstance(held, str)]
        texts = ((f"the repr of {type(one).__name__}", f"{one!r} {one}") for one in shown)
        assert leaks(texts, server.requests) == []


DEBUG = ["f", "--debug", "--region", "us-east-1"]


class TestTheCommand:
    @pytest.fixture
    def run(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Texts]]:
        def run(*arguments: str, apart: bool = False) -> tuple[int, Texts]:
            """In this process, or apart in one of its own."""
            if apart:
                ran = processes.run(*processes.COMMAND, *DEBUG, *arguments, fails=True)
            else:
                ran = processes.Ran(main([*DEBUG, *arguments]), *capsys.readouterr())
            assert "Traceback" in ran.err or not ran.code
            return ran.code, iter([("stdout", ran.out), ("stderr", ran.err)])

        return run

    @pytest.mark.parametrize("source", ["environment", "process", "role"])
    def test_shows_no_secret_whatever_the_service_answers(
        self, run: Any, home: Home, scripted: Callable[..., ScriptedServer], source: str
    ) -> None:
        if "profile_name" in home.keys(source):
            home.setenv("AWS_PROFILE", "role")
        refused = SaysBack(403, **{"x-amzn-ErrorType": "RequestExpired", "Date": LATER_BY_AN_HOUR})
        scripts = [([SaysBack(403)], 254)]
        if source == "environment":
            scripts += [
                ([page("a", next_marker="m"), page("b")], 0),
                ([SaysBack(500), Reply(200, {}, cut=50), page("a")], 0),
                ([refused, SaysBack(404)], 254),
                ([SaysBack(200, "<html>{}</html>")], 255),
            ]
        for script, expected in scripts:
            server = scripted()
            play(server, *script)
            code, texts = run("--endpoint-url", server.url, apart=source == "role")
            assert code == expected
            assert leaks(texts, server.requests + home.aws.requests) == []

    def test_shows_no_secret_where_nobody_answers(self, run: Any, home: Home, unused_port: int) -> None:
        home.keys("environment")
        home.setenv("AWS_MAX_ATTEMPTS", "1")
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{unused_port}"
        code, texts = run("--endpoint-url", f"http://127.0.0.1:{unused_port}")
        assert (code, leaks(texts, [])) == (255, [])
        home.setenv("HTTPS_PROXY", proxy)
        code, texts = run()
        assert (code, leaks(texts, [])) == (255, [])

    def test_shows_no_secret_of_what_cannot_be_read(self, run: Any, home: Home) -> None:
        home.setenv("AWS_ACCESS_KEY_ID", ID)
        home.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        home.setenv("AWS_SESSION_TOKEN", f"{TOKEN}\nx")
        code, texts = run()
        assert (code, leaks(texts, [])) == (253, [])

    def test_shows_no_secret_of_a_file_without_a_section(self, run: Any, home: Home) -> None:
        home.write(f"aws_secret_access_key = {SECRET}\n", "AWS_SHARED_CREDENTIALS_FILE")
        code, texts = run()
        assert (code, leaks(texts, [])) == (253, [])


class TestTheSearch:
    """What it would find, if it were there."""

    def test_finds_what_a_logger_is_told(self, log: Log) -> None:
        logging.getLogger("httpcore.http11").debug("headers %s", [(b"X-Amz-Security-Token", TOKEN.encode())])
        logging.getLogger("botocore.auth").debug("%s", quote(TOKEN, safe=""))
        assert len(leaks(log.take(), [])) == 2

    def test_finds_what_a_logger_is_told_of_an_error(self, log: Log) -> None:
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("anyio").exception("failed")
        assert "secret key in the log of anyio" in leaks(log.take(), [])[0]

    def test_finds_signatures(self, log: Log) -> None:
        signature = "0123456789abcdef" * 4
        logging.getLogger("lambda_event_invoke_configs._protocol.call").debug(signature)
        assert leaks(log.take(), [f"Authorization: AWS4-HMAC-SHA256 Signature={signature}".encode()])

    def test_finds_locals_causes_contexts_attributes_and_pickles(self) -> None:
        def fail() -> None:
            error = KeyError("k")
            error.holds = PASSWORD  # type: ignore[attr-defined]
            try:
                raise ValueError(TOKEN)
            except ValueError:
                elsewhere: dict[str, Any] = {}
                source = "def fail(hidden, error, cause): raise error from cause"
                exec(compile(source, "elsewhere.py", "exec"), elsewhere)  # noqa: S102
                elsewhere["fail"](PASSWORD, error, OSError(SECRET))

        found = leaks(shown_by(outcome_of(fail)), [])
        for leak in (
            "proxy's password in the local hidden of fail() in elsewhere.py",
            "secret key in the traceback",
            "proxy's password in the attributes of KeyError",
            "proxy's password in the pickle of KeyError",
            "session token in str() of ValueError",
            "session token in the pickle of ValueError",
            "secret key in repr() of OSError",
        ):
            assert any(one.startswith(leak) for one in found), leak

    def test_finds_a_password_in_a_header(self) -> None:
        header = f"Basic {base64.b64encode(f'user:{PASSWORD}'.encode()).decode()}"
        assert leaks(iter([("a header", header)]), [])

    def test_leaves_out_what_was_said_back(self) -> None:
        assert leaks(iter([("a message", f"no [says back: {TOKEN} :says back] no")]), []) == []
