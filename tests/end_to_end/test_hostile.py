"""Whatever names, settings and answers hold: no other request than the one that was meant, and a typed error.

Names, markers, regions, URLs, profiles and headers that try to be something else; redirects; answers that are
broken on purpose. Each outcome must be a page or one of botocore's errors, never a bare error of Python's; no
request may reach a host that the settings do not name, and no header may be added to one.

Elsewhere: what each URL of an endpoint is refused for, in tests/_settings/test_endpoint.py; TLS and proxies
that work, in test_tls_and_proxies.py; bodies and errors made by chance, in conformance/test_by_chance.py.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as BotocoreClientError
from drivers import BACKENDS
from listing import LIST, list_page, paginate
from servers import Raw, Reply, ScriptedServer, page, parse

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions as errors

CLIENT: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "A", "aws_secret_access_key": "s"}
TYPED = (BotoCoreError, BotocoreClientError, errors.ResponseParserError)
ONE_ATTEMPT = eic.Config(retries={"total_max_attempts": 1})
HEADERS = {
    "host",
    "accept-encoding",
    "user-agent",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "x-amz-date",
    "authorization",
}
HOSTILE = {
    "a line break": "a\r\nX-Evil: y",
    "two line breaks": "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n",
    "a bare line feed": "a\nX-Evil: y",
    "a bare carriage return": "a\rX-Evil: y",
    "a null byte": "a\0b",
    "two dots": "a/../../b",
    "nothing but two dots": "..",
    "encoded dots": "%2e%2e/%2e%2e",
    "an encoded slash": "a%2fb",
    "an encoded line break": "a%0d%0aX-Evil:%20y",
    "a question mark": "a?Qualifier=b",
    "a hash": "a#b",
    "an ampersand": "a&MaxItems=1",
    "spaces": " a  b ",
    "another host": "//evil.example/",
    "a URL": "https://user@evil.example:1/",
    "a backslash": "\\\\evil\\..",
    "a line separator": "a\u2028b\x85c",
    "no letter of the first plane": "\U0001f600\U0010ffff",
    "text from right to left": "\u202eexample",
    "a byte order mark": "\ufeffa",
    "16 kB": "a/" * 4000,
}

NUMBERS: dict[str, Any] = {  # pytest cannot print the second one
    "5,000 digits": "9" * 5000,
    "an integer of 5,000 digits": 10**5000,
    "5,000 digits below 0": "-" + "9" * 5000,
    "an exponent": "1e999",
    "another alphabet's digit": "\u0663",
    "infinity": float("inf"),
}


@pytest.fixture
def asked_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were looked up, none of which is found but 127.0.0.1."""
    asked: list[str] = []
    resolve = socket.getaddrinfo
    # Of other tests of this process: a cluster's goes on for a while.
    others = {*threading.enumerate()} - {threading.current_thread()}

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if threading.current_thread() not in others:
            asked.append(name)
        if name not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "not in these tests")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def outcome_of(call: Callable[[], object]) -> object:
    """A result or a typed error; anything else is raised."""
    try:
        return call()
    except TYPED as caught:
        str(caught), repr(caught)
        return caught


def path_of(segment: str) -> str:
    return f"/2019-09-25/functions/{segment}/event-invoke-config/list"


@pytest.mark.in_one_shell
class TestNamesAndMarkers:
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_stay_where_they_belong(
        self, ours: Any, scripted: Callable[..., ScriptedServer], text: str, asked_hosts: list[str]
    ) -> None:
        server = scripted(page())
        list_page(ours(server.url), name=text, Marker=text)
        (request,) = server.requests
        method, target, headers = parse(request)
        encoded = quote(text, safe="-._~")
        assert method == "GET"
        assert target == f"{path_of(encoded)}?Marker={encoded}"
        assert headers.keys() == HEADERS
        assert headers["host"] == server.url.removeprefix("http://")
        assert request.count(b"\r\n\r\n") == 1
        assert set(asked_hosts) <= {"127.0.0.1"}

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_of_the_service_and_of_tokens_stay_where_they_belong(
        self, ours: Any, scripted: Callable[..., ScriptedServer], text: str
    ) -> None:
        encoded = quote(text, safe="-._~")
        server = scripted(page("a", next_marker=text), page("b"), page("c"))
        client = ours(server.url)
        paginator = client.get_paginator(LIST)
        pages = paginator.paginate(FunctionName="f", PaginationConfig={"MaxItems": 1})
        token = pages.build_full_result()["NextToken"]
        list(paginator.paginate(FunctionName="f", PaginationConfig={"StartingToken": token}))
        assert server.targets()[1] == f"{path_of('f')}?Marker={encoded}"
        list(paginator.paginate(FunctionName="f", PaginationConfig={"StartingToken": text}))
        assert server.targets()[2] == f"{path_of('f')}?Marker={encoded}"
        for request in server.requests:
            assert parse(request)[2].keys() == HEADERS

    def test_that_are_longer_than_a_url_may_be_are_refused(
        self, ours: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(page("a", next_marker="m" * 1_000_000))
        client = ours(server.url)
        for params in {"FunctionName": "f" * 1_000_000}, {"Marker": "m" * 1_000_000}:
            with pytest.raises(errors.ParamValidationError):
                list_page(client, **params)
        assert server.requests == []
        pages = paginate(client)
        with pytest.raises(errors.ParamValidationError):
            pages.build_full_result()
        assert len(server.requests) == 1

    @pytest.mark.parametrize("text", ["\ud800", "a\udcffb", "\ude00\ud83d"])
    @pytest.mark.parametrize("checked", [True, False])
    def test_that_are_no_text_are_refused(
        self, ours: Any, scripted: Callable[..., ScriptedServer], text: str, checked: bool
    ) -> None:
        server = scripted()
        client = ours(server.url, config=eic.Config(parameter_validation=checked))
        for params in {"FunctionName": text}, {"Marker": text}:
            with pytest.raises(errors.ParamValidationError):
                list_page(client, **params)
        paginator = client.get_paginator(LIST)
        for config in {"StartingToken": text}, {"StartingToken": f"{text}___1"}:
            with pytest.raises(TYPED):
                list(paginator.paginate(FunctionName="f", PaginationConfig=config))
        assert server.requests == []

    @pytest.mark.parametrize("name", NUMBERS)
    def test_numbers_of_any_size_are_sent_or_refused(
        self, ours: Any, scripted: Callable[..., ScriptedServer], name: str
    ) -> None:
        number = NUMBERS[name]
        paginator = ours(scripted(page()).url).get_paginator(LIST)
        for key in "MaxItems", "PageSize":
            outcome_of(
                lambda key=key: list(paginator.paginate(FunctionName="f", PaginationConfig={key: number}))
            )
        outcome_of(lambda: list(paginator.paginate(FunctionName="f", MaxItems=number)))
        token = f"m___{number}" if isinstance(number, str) else "m"
        outcome_of(
            lambda: list(paginator.paginate(FunctionName="f", PaginationConfig={"StartingToken": token}))
        )


BAD_REGIONS = [
    "evil.com#",
    "us-east-1.evil.com",
    "x@evil",
    "us-east-1\r\nX-Evil: y",
    "us-east-1\n",
    "us-east-1/",
    "../x",
    "us-east-1?",
    "us-east-1:80",
    "us east",
    "us-east-1\\",
    "us\u2024east-1",
    "us-\uff45ast-1",
    "us-east-\u0661",
    "%75s-east-1",
    "[::1]",
    "a" * 64,
    "a" * 1_000_000,
    "\ud800",
    "fips-",
    "-fips-",
    "us-east-1-fips.evil.com",
]
OUTSIDE = [
    "http://user:pw@127.0.0.1",
    "http://127.0.0.1\r\nX-Evil: y",
    "http://127.0.0.1/\r\nX-Evil: y",
    "http://127.0.0.1:80:80",
    "http://127.0.0.1:\u0661",
    "http://127.0.0.1:+80",
    "http://127.0.0.1: 80",
    "http://127.0.0.1:1_0",
    "http://127.0.0.1:99999999999999999999",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]",
    "http://[fe80::1%eth0]",
    "http://[::1%25\r\nX-Evil: y]",
    "http://[v1.evil]",
    "http://[::ffff:999.1.1.1]",
    "http://b\u00fccher.example",
    "http://\u0430mazonaws.com",
    "http://xn--a.example",
    "http://xn--.example",
    "http://xn--" + "a" * 59,
    "http://lambda.us-east-1.amazonaws.com\u2024evil.example",
    "http://lambda.us-east-1.amazonaws.com\\@evil.example",
    "http://lambda.us-east-1.amazonaws.com%2f@evil.example",
    "http://lambda.us-east-1.amazonaws.com%00.evil.example",
    "http:\\\\evil.example",
    "http:/evil.example",
    "http:///evil.example",
    "http://evil.example;",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://1",
    "http://a.b.1",
    "http://127.0.0.1.",
    "http://.",
    "http://h/%zz",
    "http://h/../..",
    "http://h/%",
    "http://h/;a=b",
    'http://h/<>"{}|^`',
    "HTTP://H",
    "javascript://h",
    "http://" + "a." * 120 + "a/",
    "http://h/" + "a" * 1_000_000,
    "\ud800",
    "http://h/\ud800",
]


def in_each_way(name: str, values: list[str]) -> pytest.MarkDecorator:
    """A setting's values, told in each way that can hold them: no variable holds a null byte."""
    ways = ("argument", "environment", "profile")
    cases = [(way, value) for value in values for way in ways if way != "environment" or holds(value)]
    ids = [f"{way}-{value[:40]!a}" for way, value in cases]
    return pytest.mark.parametrize(("told", name), cases, ids=ids, indirect=["told"])


def holds(value: str) -> bool:
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


@pytest.fixture
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Tells a client a setting, one way or the other."""

    def told(argument: str, variable: str, key: str, value: str) -> dict[str, Any]:
        if request.param == "argument":
            return {argument: value}
        if request.param == "environment":
            monkeypatch.setenv(variable, value)
        else:
            file = tmp_path / "config"
            file.write_bytes(f"[default]\n{key} = {value}\n".encode(errors="surrogatepass"))
            monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
        return {argument: None}

    return told


@pytest.mark.in_one_shell
class TestSettings:
    @in_each_way("region", BAD_REGIONS)
    def test_a_region_that_is_no_host_label_is_refused(
        self, ours: Any, told: Any, region: str, asked_hosts: list[str]
    ) -> None:
        options = told("region_name", "AWS_REGION", "region", region)
        outcome = outcome_of(lambda: list_page(ours(None, **options, config=ONE_ATTEMPT)))
        assert isinstance(outcome, BotoCoreError)
        # A profile's value ends at the line, and what surrounds it is cut off; so there may be a region left.
        assert set(asked_hosts) <= {"lambda.us-east-1.amazonaws.com"}

    @in_each_way("url", OUTSIDE)
    def test_an_endpoint_is_the_host_that_it_looks_like_or_refused(
        self, ours: Any, told: Any, url: str, asked_hosts: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "create_connection", nobody_there(socket.create_connection))
        options = told("endpoint_url", "AWS_ENDPOINT_URL_LAMBDA", "endpoint_url", url)
        outcome = outcome_of(
            lambda: list_page(ours(options.pop("endpoint_url"), config=ONE_ATTEMPT, **options))
        )
        assert isinstance(outcome, BotoCoreError)
        literal = re.match(r"(?i)https?://(\[[0-9a-f:.%]+\w*\]|[a-z0-9.-]+)(:[0-9]+)?(/|\s|$)", url)
        named = literal[1].strip("[]").lower() if literal else ""
        assert {host.rstrip(".") for host in asked_hosts} <= {named.rstrip(".")}

    @pytest.mark.parametrize("url", ["http://[::1]evil.example", "http://[::1]evil:80", "http://evil[::1]"])
    def test_an_address_with_a_name_around_it_is_refused(self, url: str) -> None:
        with pytest.raises(errors.InvalidEndpointError):
            eic.Client("us-east-1", endpoint_url=url)

    @pytest.mark.parametrize("text", ["a\r\nX-Evil: y", "a\nb", "\0", "\x7f", "\u00e9", "\ud800", "a\tb"])
    def test_a_user_agent_with_more_than_text_is_refused(self, text: str) -> None:
        for name in "user_agent_extra", "user_agent_appid":
            with pytest.raises(errors.InvalidConfigError):
                eic.Config(**{name: text})

    @pytest.mark.parametrize("text", ["a\r\nX-Evil: y", "a b/c", "\u00e9", "\udcff", '(a)"', "x" * 100_000])
    @pytest.mark.parametrize("by_profile", [True, False])
    def test_an_app_id_is_made_a_token(
        self,
        ours: Any,
        scripted: Callable[..., ScriptedServer],
        text: str,
        by_profile: bool,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        if by_profile:
            (tmp_path / "config").write_text(f"[default]\nsdk_ua_app_id = {text}\n", errors="replace")
            monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        else:
            monkeypatch.setenv("AWS_SDK_UA_APP_ID", text)
        server = scripted(page())
        outcome = outcome_of(lambda: list_page(ours(server.url)))
        if isinstance(outcome, Exception):
            assert isinstance(outcome, errors.ConfigParseError)
            return
        headers = parse(server.requests[0])[2]
        assert headers.keys() == HEADERS
        assert re.fullmatch(r"[!-~]+", headers["user-agent"].rpartition(" app/")[2])

    @pytest.mark.parametrize(
        "trace_id",
        [*(value for value in HOSTILE.values() if "\0" not in value), "Root=1\udcff", "\x7f"],
        ids=[*(name for name in HOSTILE if name != "a null byte"), "a byte that is no letter", "delete"],
    )
    def test_a_trace_id_is_one_header(
        self,
        ours: Any,
        scripted: Callable[..., ScriptedServer],
        trace_id: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace_id[:100_000])
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f\r\nX-Evil: y")
        server = scripted(page())
        assert not isinstance(outcome_of(lambda: list_page(ours(server.url))), Exception)
        headers = parse(server.requests[0])[2]
        assert headers.keys() == HEADERS | {"x-amzn-trace-id"}
        assert re.fullmatch(r"[!-~]+", headers["x-amzn-trace-id"])

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("AWS_MAX_ATTEMPTS", "9" * 5000),
            ("AWS_MAX_ATTEMPTS", "\u0663"),
            ("AWS_MAX_ATTEMPTS", "\u00b2"),
            ("AWS_MAX_ATTEMPTS", "-1"),
            ("AWS_RETRY_MODE", "standard\n"),
            ("AWS_PROFILE", "../../etc/passwd"),
            ("AWS_PROFILE", "\udcff"),
            ("AWS_CA_BUNDLE", "/dev/null"),
            ("AWS_CA_BUNDLE", "/"),
            ("AWS_CA_BUNDLE", "\udcff"),
            ("AWS_CONFIG_FILE", "/"),
            ("AWS_CONFIG_FILE", "\udcff"),
            ("AWS_CONFIG_FILE", "~nobody-of-that-name/x"),
            ("AWS_CONFIG_FILE", "x" * 10_000),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("HTTPS_PROXY", "http://\udcff"),
            ("HTTPS_PROXY", "http://evil\\@h"),
            ("HTTPS_PROXY", "http://[::1"),
            ("HTTPS_PROXY", "http://h:99999"),
            ("HTTPS_PROXY", "http://user:\udcff@127.0.0.1:9"),
            ("HTTPS_PROXY", "http://us\u00e9r:p\u00e9ss@127.0.0.1:9"),
            ("HTTPS_PROXY", "http://user:%0d%0aX-Evil@127.0.0.1:9"),
            ("HTTPS_PROXY", "http://%ff:%zz@127.0.0.1:9"),
            ("NO_PROXY", "\udcff,[,*.,.."),
        ],
        ids=lambda text: ascii(text[:30]),
    )
    def test_a_variable_of_any_kind_is_read_or_refused(
        self, ours: Any, variable: str, value: str, monkeypatch: pytest.MonkeyPatch, asked_hosts: list[str]
    ) -> None:
        monkeypatch.setenv(variable, value)
        outcome = outcome_of(lambda: list_page(ours(None)))
        assert isinstance(outcome, BotoCoreError)
        assert set(asked_hosts) <= {"127.0.0.1", "h", "lambda.us-east-1.amazonaws.com"}


def nobody_there(connect: Any) -> Any:
    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
        # Looked up, so that it is seen; but not reached, should anybody listen there.
        socket.getaddrinfo(*address)
        raise ConnectionRefusedError

    return create_connection


REGION = b"[default]\nregion = us-east-1\n"
KEYS = b"aws_access_key_id = AK\naws_secret_access_key = s\n"
PROFILES: dict[str, bytes] = {
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbf[default]\nregion = us-east-1\n" + KEYS,
    "UTF-16": "[default]\nregion = us-east-1\n".encode("utf-16"),
    "bytes": bytes(range(256)),
    "null bytes": b"[default]\nregion = us-east-1\0\n" + KEYS,
    "random bytes": b"\x89PNG\r\n\x1a\n\xff\xfe\xfd",
    "a line of 1 MB": b"[default]\nregion = " + b"a" * 1_000_000 + b"\n",
    "a key of 1 MB": b"[default]\n" + b"a" * 1_000_000 + b" = 1\n",
    "a section of 10 kB": b"[profile " + b"a" * 10_000 + b"]\n",
    "2,000 sections": b"".join(b"[profile p%d]\nregion = x\n" % n for n in range(2_000)),
    "no section": b"region = us-east-1\n",
    "an open section": b"[default\nregion = us-east-1\n",
    "an open quote": b'[profile "default]\nregion = us-east-1\n',
    "an empty section": b"[]\na = b\n[profile]\nc = d\n[profile ]\ne = f\n[services]\ng = h\n[services ]\n",
    "a section of three words": b"[profile a b c]\nregion = x\n[a b c]\n",
    "a section twice": b"[default]\na = 1\n[default]\na = 2\n",
    "default and profile default": b"[default]\nregion = a\n[profile default]\nregion = us-east-1\n" + KEYS,
    "a key twice": b"[default]\nregion = a\nregion = b\n",
    "a key without a value": b"[default]\nregion\n" + KEYS,
    "a value without a key": b"[default]\n= us-east-1\n" + KEYS,
    "an empty value": b"[default]\nregion =\n" + KEYS,
    "interpolation": b"[default]\nregion = %(region)s\n" + KEYS,
    "a nested region": b"[default]\nregion =\n  a = b\n" + KEYS,
    "a nested line without a sign": b"[default]\nregion =\n  a\n" + KEYS,
    "nested twice": b"[default]\ns3 =\n  a =\n    b = c\n  d = e\n" + KEYS,
    "a nested access key": REGION + b"aws_access_key_id =\n  a = b\naws_secret_access_key = s\n",
    "a nested secret key": REGION + b"aws_access_key_id = AK\naws_secret_access_key =\n  a = b\n",
    "a nested token": REGION + KEYS + b"aws_session_token =\n  a = b\n",
    "a nested role": REGION + b"role_arn =\n  a = b\nsource_profile = default\n" + KEYS,
    "a nested process": REGION + b"credential_process =\n  a = b\n",
    "an empty process": REGION + b"credential_process = ' '\n",
    "a process with an open quote": REGION + b"credential_process = 'a\n",
    "a process that does not exist": REGION + b"credential_process = /missing/x\n",
    "a nested services": b"[default]\nservices =\n  a = b\nregion = us-east-1\n" + KEYS,
    "services that do not exist": b"[default]\nservices = x\nregion = us-east-1\n" + KEYS,
    "services twice nested": (
        b"[default]\nservices = x\nregion = us-east-1\n[services x]\nlambda =\n  endpoint_url =\n    a = b\n"
    ),
    "services without a section": b"[default]\nservices = x\nregion = us-east-1\n[services x]\nlambda = http://h\n",
    "a role of its own": REGION + b"role_arn = a\nsource_profile = default\n",
    "a role of another": REGION + b"role_arn = a\nsource_profile = x\n[profile x]\n",
    "sso of nobody": REGION + b"sso_session = x\nsso_account_id = 1\nsso_role_name = r\n",
    "sso of a section": REGION + b"sso_session = x\n[sso-session x]\nsso_region =\n  a = b\n",
    "a region of a hostile file": REGION + b"  .evil.example\n" + KEYS,
    "an endpoint over two lines": REGION + b"endpoint_url = http://127.0.0.1:9\n  X-Evil: y\n",
    "flags that are none": (REGION + b"use_fips_endpoint = 5\nmax_attempts = 3.5\nretry_mode = x\n" + KEYS),
    "a number of attempts without end": REGION + b"max_attempts = " + b"9" * 5000 + b"\n" + KEYS,
}


@pytest.mark.in_one_shell
class TestFiles:
    @pytest.mark.parametrize("content", PROFILES.values(), ids=PROFILES.keys())
    @pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
    def test_of_any_content_are_read_or_refused(
        self,
        ours: Any,
        content: bytes,
        variable: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        asked_hosts: list[str],
    ) -> None:
        (tmp_path / "file").write_bytes(content)
        monkeypatch.setenv(variable, str(tmp_path / "file"))
        none = dict.fromkeys(["aws_access_key_id", "aws_secret_access_key", "region_name"])
        outcome = outcome_of(lambda: list_page(ours(None, config=ONE_ATTEMPT, **none)))
        assert isinstance(outcome, BotoCoreError)
        assert set(asked_hosts) <= {"lambda.us-east-1.amazonaws.com", "127.0.0.1"}

    @pytest.mark.parametrize(
        "content", [b"", b"\xff\xfe", b"\0" * 1000, b"a" * 1_000_000, b'{"AccessKeyId": 5}']
    )
    def test_of_a_web_identity_of_any_content_are_sent_or_refused(
        self, ours: Any, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_port: int
    ) -> None:
        (tmp_path / "token").write_bytes(content)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "a\r\nX-Evil: y")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{unused_port}")
        none = dict.fromkeys(["aws_access_key_id", "aws_secret_access_key"])
        assert isinstance(outcome_of(lambda: list_page(ours("http://127.0.0.1:9", **none))), BotoCoreError)

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "no JSON",
            "[]",
            "5",
            "{}",
            '{"Version": 1}',
            '{"Version": "1"}',
            '{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": 5}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": ["s"]}',
            '{"Version": 1, "AccessKeyId": {}, "SecretAccessKey": "s"}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": ["t"]}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "tomorrow"}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": 5}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "Expiration": "2001-01-01"}',
            '{"Version": 1, "AccessKeyId": "A\\\\r\\\\nX-Evil: y", "SecretAccessKey": "s"}',
            '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "\\\\ud800"}',
            "[" * 100_000,
        ],
        ids=lambda said: said[:70],
    )
    def test_a_process_that_says_anything_is_understood_or_refused(
        self, ours: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "keys.py").write_text(f"print('{said}')")
        (tmp_path / "config").write_text(
            f'[default]\ncredential_process = "{sys.executable}" -I -S "{tmp_path / "keys.py"}"\n'
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        none = dict.fromkeys(["aws_access_key_id", "aws_secret_access_key"])
        outcome = outcome_of(lambda: list_page(ours("http://127.0.0.1:9", **none)))
        assert isinstance(outcome, (errors.CredentialRetrievalError, errors.NoCredentialsError))


@pytest.mark.in_one_shell
class TestRedirects:
    @pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
    @pytest.mark.parametrize(
        "location", ["{}/", "{}" + path_of("f"), "//{host}/", "/elsewhere", "\\\\{host}\\"]
    )
    def test_are_errors_and_nobody_else_is_asked(
        self, ours: Any, scripted: Callable[..., ScriptedServer], status: int, location: str
    ) -> None:
        elsewhere = scripted(page("evil"))
        location = location.format(elsewhere.url, host=elsewhere.url.removeprefix("http://"))
        headers = {
            "Location": location,
            "Refresh": f"0; url={elsewhere.url}",
            "Alt-Svc": f'h2="{elsewhere.url}"',
            "Set-Cookie": "a=b",
        }
        server = scripted(Reply(status, b"", headers), page("a"))
        client = ours(server.url)
        with pytest.raises(errors.ClientError) as caught:
            list_page(client)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        list_page(client)
        assert (elsewhere.connections, len(server.requests)) == (0, 2)
        assert parse(server.requests[1])[2].keys() == HEADERS


def head(*lines: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"", b""])


GOOD = b'{"NextMarker": "m"}'
LENGTH = b"Content-Length: %d" % len(GOOD)
ANSWERS: dict[str, bytes] = {
    "two lengths that agree": head(LENGTH, LENGTH) + GOOD,
    "two lengths that do not agree": head(LENGTH, b"Content-Length: 5") + GOOD,
    "a list of lengths": head(b"Content-Length: 19, 19") + GOOD,
    "a length below 0": head(b"Content-Length: -1") + GOOD,
    "a length with a sign": head(b"Content-Length: +19") + GOOD,
    "a length that is none": head(b"Content-Length: many") + GOOD,
    "a length in other digits": head("Content-Length: \u0661".encode()) + GOOD,
    "a length without end": head(b"Content-Length: " + b"9" * 5000) + GOOD,
    "a length of 2**63": head(b"Content-Length: 9223372036854775808") + GOOD,
    "length and chunks": head(LENGTH, b"Transfer-Encoding: chunked") + b"13\r\n" + GOOD + b"\r\n0\r\n\r\n",
    "chunks of chunks": head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "chunks of no known kind": head(b"Transfer-Encoding: gzip") + GOOD,
    "a chunk below 0": head(b"Transfer-Encoding: chunked") + b"-5\r\n" + GOOD,
    "a chunk of no length": head(b"Transfer-Encoding: chunked") + b"\r\n" + GOOD,
    "a chunk of a length that is none": head(b"Transfer-Encoding: chunked") + b"zz\r\n" + GOOD,
    "a chunk without end": head(b"Transfer-Encoding: chunked") + b"f" * 100 + b"\r\n" + GOOD,
    "a chunk that is longer than it says": head(b"Transfer-Encoding: chunked")
    + b"3\r\n"
    + GOOD
    + b"\r\n0\r\n\r\n",
    "a chunk with extensions": head(b"Transfer-Encoding: chunked") + b"13;a=b\r\n" + GOOD + b"\r\n0\r\n\r\n",
    "trailers": head(b"Transfer-Encoding: chunked") + b"13\r\n" + GOOD + b"\r\n0\r\nX-Evil: y\r\n\r\n",
    "chunks with bare line feeds": head(b"Transfer-Encoding: chunked") + b"13\n" + GOOD + b"\n0\n\n",
    "a header of 1 MB": head(b"X: " + b"a" * 1_000_000, LENGTH) + GOOD,
    "a header name of 1 MB": head(b"X" * 1_000_000 + b": a", LENGTH) + GOOD,
    "5,000 headers": head(*[b"X-%d: y" % n for n in range(5000)], LENGTH) + GOOD,
    "5,000 times a header": head(*[b"X: y"] * 5000, LENGTH) + GOOD,
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000,
    "a header without a colon": head(b"garbage", LENGTH) + GOOD,
    "a header without a name": head(b": a", LENGTH) + GOOD,
    "a header with a space in its name": head(b"X Y: a", LENGTH) + GOOD,
    "a header with a space before the colon": head(b"X : a", LENGTH) + GOOD,
    "a null byte in a header": head(b"X: a\0b", LENGTH) + GOOD,
    "a folded header": head(b"X: a", b" b", LENGTH) + GOOD,
    "a folded first header": head(b" X: a", LENGTH) + GOOD,
    "a bare carriage return": head(b"X: a\rX-Evil: y", LENGTH) + GOOD,
    "bare line feeds": head(b"X: a", LENGTH).replace(b"\r\n", b"\n") + GOOD,
    "Latin letters": head(b"X: \xe9\xff", b"x-amzn-RequestId: \xff", LENGTH) + GOOD,
    "Latin letters in a name": head(b"X\xe9: a", LENGTH) + GOOD,
    "UTF-8": head("X: \U0001f600".encode(), LENGTH) + GOOD,
    "escape sequences": head(b"X: \x1b[2J", LENGTH) + GOOD,
    "no status": b"HTTP/1.1\r\n\r\n",
    "no reason": head(LENGTH, status=b"200") + GOOD,
    "a reason in Latin letters": head(LENGTH, status=b"200 \xe9\xff\0") + GOOD,
    "a status of 1 MB": head(LENGTH, status=b"200 " + b"a" * 1_000_000) + GOOD,
    "status 0": head(LENGTH, status=b"000 No") + GOOD,
    "status 99": head(LENGTH, status=b"099 No") + GOOD,
    "status 600": head(LENGTH, status=b"600 No") + GOOD,
    "status 999": head(LENGTH, status=b"999 No") + GOOD,
    "status 1000": head(LENGTH, status=b"1000 No") + GOOD,
    "status -1": head(LENGTH, status=b"-1 No") + GOOD,
    "status two hundred": head(LENGTH, status=b"two hundred") + GOOD,
    "no content": head(status=b"204 No Content"),
    "no content, but with some": head(LENGTH, status=b"204 No Content") + GOOD,
    "reset content": head(LENGTH, status=b"205 Reset Content") + GOOD,
    "not modified": head(LENGTH, status=b"304 Not Modified") + GOOD,
    "another protocol": head(b"Upgrade: x", b"Connection: upgrade", status=b"101 Switching Protocols") + GOOD,
    "HTTP/0.9": GOOD,
    "HTTP/2": b"HTTP/2 200\r\n\r\n" + GOOD,
    "HTTP/2's frames": b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n" + LENGTH + b"\r\n\r\n" + GOOD,
    "HTTP/9.9": b"HTTP/9.9 200 OK\r\n" + LENGTH + b"\r\n\r\n" + GOOD,
    "a TLS alert": b"\x15\x03\x03\0\x02\x02\x28",
    "2,000 times 100": head(status=b"100 Continue") * 2_000 + head(LENGTH) + GOOD,
    "2,000 times 103": head(b"Link: </evil>", status=b"103 Early Hints") * 2_000 + head(LENGTH) + GOOD,
    "100 without end": head(status=b"100 Continue") * 2_000,
    "a second answer at once": head(LENGTH) + GOOD + head(b"X-Evil: y", LENGTH) + GOOD,
    "compressed": head(b"Content-Encoding: gzip", b"Content-Length: %d" % len(gzip.compress(GOOD)))
    + gzip.compress(GOOD),
    "said to be compressed": head(b"Content-Encoding: gzip", LENGTH) + GOOD,
    "compressed by no known means": head(b"Content-Encoding: evil", LENGTH) + GOOD,
}
HOSTILE_HEADERS: list[dict[str, str]] = (
    [{"x-amz-retry-after": value} for value in ["-5000", "9" * 5000, "1e9", "nan", "\xb2", " 5 ", "0x5", ""]]
    + [
        {"x-amzn-ErrorType": "RequestExpired", "Date": date}
        for date in [
            "",
            " ",
            "never",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "Mon, 23 Nov 2026 24:61:61 GMT",
            "Mon, 23 Nov 2026 12:00:00 +999999999",
            "Mon, 23 Nov 99999999999999 12:00:00 GMT",
            "Mon, 31 Feb 2026 12:00:00 GMT",
            "\xff",
            "1" * 5000,
            "Mon, 23 Nov 2026 12:00:00 GMT, Mon, 23 Nov 2026 12:00:00 GMT",
        ]
    ]
    + [
        {"x-amzn-ErrorType": code}
        for code in [
            ":",
            "#",
            "#:",
            "a#b#c:d:e",
            "x" * 60_000,
            "\xff",
            "Throttling:",
            "from_code",
            "__class__",
        ]
    ]
)


class TestAnswers:
    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
    def test_of_any_kind_are_a_page_or_a_typed_error(
        self, ours: Any, scripted: Callable[..., ScriptedServer], answer: bytes
    ) -> None:
        server = scripted(Raw(answer), page("after"), page("after"))
        client = ours(server.url, config=ONE_ATTEMPT)
        first = outcome_of(lambda: list_page(client))
        if not isinstance(first, Exception):
            assert first["NextMarker"] == "m"
            assert first["ResponseMetadata"]["HTTPHeaders"].get("x-evil") is None
        second: Any = outcome_of(lambda: list_page(client))
        if isinstance(second, errors.ConnectionClosedError):
            # The server hung up as it was sent the request: one attempt is not enough.
            second = outcome_of(lambda: list_page(client))
        assert second["FunctionEventInvokeConfigs"] == [{"FunctionArn": "after"}]

    def test_a_second_one_that_nobody_asked_for_is_not_taken_for_the_next(
        self, ours: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        evil = page("evil").wire()
        smuggled = page("a", next_marker="m").wire() + evil

        class Twice(Reply):
            def wire(self) -> bytes:
                return smuggled

        server = scripted(Twice(), page("b"), page("b"), page("b"))
        pages = paginate(ours(server.url))
        found = [config["FunctionArn"] for config in pages.items()]
        assert found == ["a", "b"]

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("status", [403, 429, 503])
    @pytest.mark.parametrize("headers", HOSTILE_HEADERS)
    def test_with_hostile_headers_are_a_typed_error(
        self, ours: Any, scripted: Callable[..., ScriptedServer], status: int, headers: dict[str, str]
    ) -> None:
        server = scripted(*[Reply(status, {"message": "no"}, headers)] * 3)
        outcome = outcome_of(lambda: list_page(ours(server.url)))
        assert isinstance(outcome, errors.ClientError)

    def test_that_are_compressed_though_that_was_ruled_out_are_read(
        self, ours: Any, theirs: Any, scripted: Callable[..., ScriptedServer]
    ) -> None:
        """boto3 does not look at Content-Encoding, and fails with a bare UnicodeDecodeError."""
        compressed = Reply(
            200, gzip.compress(b'{"FunctionEventInvokeConfigs": [{}]}'), {"Content-Encoding": "gzip"}
        )
        with pytest.raises(UnicodeDecodeError):
            list_page(theirs(scripted(compressed).url))
        assert list_page(ours(scripted(compressed).url))["FunctionEventInvokeConfigs"]


def listed(value: bytes) -> bytes:
    return b'{"FunctionEventInvokeConfigs": [{"MaximumRetryAttempts": %s, "LastModified": %s}]}' % (
        value,
        value,
    )


def deep(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" * bool(closing) + closing * depth


BODIES: dict[str, bytes] = {
    "100,000 levels of lists": deep(100_000),
    "100,000 levels of objects": deep(100_000, b'{"a":', b"}"),
    "100,000 levels left open": deep(100_000, b"[", b""),
    "100,000 levels in a member": b'{"FunctionEventInvokeConfigs": ' + deep(100_000) + b"}",
    "100,000 levels in an unknown member": b'{"message": "m", "x": ' + deep(100_000, b'[{"a":', b"}]") + b"}",
    "5,000 digits": listed(b"9" * 5000),
    "5,000 digits in an unknown member": b'{"x": ' + b"9" * 5000 + b"}",
    "a float of 1 MB": listed(b"1." + b"1" * 1_000_000),
    "5,000 digits as text": listed(b'"%s"' % (b"9" * 5000)),
    "a text of digits without end": listed(b'"%s"' % (b"1" * 1_000_000)),
    "a huge exponent": listed(b"1e999999999"),
    "a tiny exponent": listed(b"1e-999999999"),
    "NaN": listed(b"NaN"),
    "Infinity": listed(b"-Infinity"),
    "NaN as text": listed(b'"NaN"'),
    "Infinity as text": listed(b'"inf"'),
    "members twice": b'{"NextMarker": 5, "NextMarker": "m", "message": {}, "message": "m"}',
    "a lone surrogate": b'{"NextMarker": "\\ud800", "message": "\\udfff", "code": "\\ud800"}',
    "a lone surrogate in a list": b'{"FunctionEventInvokeConfigs": [{"FunctionArn": "\\ud800"}]}',
    "a null character": b'{"NextMarker": "\\u0000", "message": "\\u0000", "code": "\\u0000"}',
    "no UTF-8": b'{"NextMarker": "\xff"}',
    "overlong UTF-8": b'{"NextMarker": "\xc0\xaf"}',
    "UTF-8 of a surrogate": b'{"NextMarker": "\xed\xa0\x80"}',
    "UTF-16": '{"NextMarker": "m"}'.encode("utf-16"),
    "UTF-32": '{"NextMarker": "m"}'.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "null bytes": b"\0" * 1000,
    "two values": GOOD + GOOD,
    "a comment": b"/**/" + GOOD,
    "single quotes": b"{'NextMarker': 'm'}",
    "a control character": b'{"NextMarker": "a\nb"}',
    "an object of itself": b'{"__proto__": {}, "__class__": "x", "__type": ["a"]}',
    "an error that is deep": b'{"message": %s}' % deep(300),
    "a code that is deep": b'{"code": %s, "message": "m"}' % deep(300),
    "format fields": b'{"message": "{0.__class__} {operation_name} %s %n", "code": "{error_code}"}',
    "a message of 1 MB": b'{"message": "%s"}' % (b"a" * 1_000_000),
    "a timestamp of words": listed(b'"1 1 1 1 1 1 1 1 1 1 am pm"'),
    "a timestamp of 100,000 digits": listed(b'"20231114%s"' % (b"0" * 100_000)),
    "a timestamp of dots": listed(b'"%s"' % (b"1." * 10_000)),
    "a timestamp of a zone": listed(b'"2023-11-14T00:00:00+99:99"'),
    "a timestamp of another zone": listed(b'"2023-11-14T00:00:00 XYZ+999999999"'),
    "a timestamp of the year 0": listed(b'"0000-00-00"'),
    "a timestamp of the year 99999": listed(b'"99999-01-01"'),
}


DEPTHS = range(600, 1100, 4)  # the interpreter's limit is 1,000, less what has been called already


@pytest.mark.in_one_shell
class TestBodies:
    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
    @pytest.mark.parametrize("status", [200, 400, 503])
    def test_of_any_kind_are_a_page_or_a_typed_error(
        self, ours: Any, scripted: Callable[..., ScriptedServer], body: bytes, status: int
    ) -> None:
        # Some of them are larger than the default allows.
        config = eic.Config(max_response_size=16 * 2**20, retries={"total_max_attempts": 1})
        client = ours(scripted(Reply(status, body)).url, config=config)
        with ignoring_dateutils_warnings():
            outcome = outcome_of(lambda: list_page(client))
        if status == 200:
            assert not isinstance(outcome, (BotoCoreError, BotocoreClientError))
        else:
            assert isinstance(outcome, errors.ClientError)
            assert isinstance(outcome.response["Error"]["Code"], str)

    @pytest.mark.parametrize(
        ("status", "form"),
        [(200, b"%s"), (200, b'{"NextMarker": %s}'), (400, b"%s")]
        + [(400, b'{"%s": %%s}' % name) for name in (b"message", b"code", b"Code", b"__type", b"x")],
    )
    def test_as_deep_as_can_just_be_read_are_a_page_or_a_typed_error(
        self, ours: Any, status: int, form: bytes
    ) -> None:
        """What can be read may still be too deep to be written."""
        bodies = iter([form % deep(depth) for depth in DEPTHS])
        client = ours("http://h.example", transport=Answering(status, bodies), config=ONE_ATTEMPT)
        for _ in DEPTHS:
            outcome_of(lambda: list_page(client))

    @pytest.mark.parametrize("number", [b"9", b"0.1"], ids=["an integer", "a float"])
    @pytest.mark.parametrize("status", [200, 400])
    def test_a_number_of_10_mb_is_a_typed_error(self, ours: Any, status: int, number: bytes) -> None:
        body = b'{"message": "m", "NextMarker": ' + number + b"9" * 10_000_000 + b"}"
        client = ours("http://h.example", transport=Answering(status, iter([body])), config=ONE_ATTEMPT)
        with pytest.raises(errors.ResponseTooLargeError):
            list_page(client)

    @pytest.mark.parametrize("number", [b"9", b"0.1"], ids=["an integer", "a float"])
    def test_so_it_is_where_the_limit_lets_it_in(self, ours: Any, number: bytes) -> None:
        body = b'{"NextMarker": ' + number + b"9" * 10_000_000 + b"}"
        config = eic.Config(max_response_size=20_000_000, retries={"total_max_attempts": 1})
        client = ours("http://h.example", transport=Answering(200, iter([body])), config=config)
        with pytest.raises(errors.ResponseParserError) as caught:
            list_page(client)
        assert len(str(caught.value)) < 1000


class Answering(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers with these bodies, one after the other."""

    def __init__(self, status: int, bodies: Iterator[bytes]) -> None:
        self.status = status
        self.bodies = bodies

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, content=next(self.bodies))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@contextlib.contextmanager
def ignoring_dateutils_warnings() -> Iterator[None]:
    """dateutil warns of time zones that it does not know; so it does with boto3."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


PAGES_OF_PROXIES = [
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Type: text/html\r\nContent-Length: 13\r\n"
    b'Proxy-Authenticate: Basic realm="evil"\r\n\r\n<html></html>',
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 13\r\n\r\n<html></html>",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 No\r\n\r\n<html>" + b"a" * 100_000,
    b"HTTP/1.1 200",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    b"HTTP/1.1 999 No\r\n\r\n",
    b"garbage\r\n\r\n",
    b"\x15\x03\x03\0\x02\x02\x28",
]


class TestProxies:
    @pytest.mark.parametrize("answer", PAGES_OF_PROXIES, ids=lambda answer: ascii(answer[:25]))
    def test_that_refuse_a_tunnel_are_sent_nothing_of_the_request(
        self, ours: Any, make_proxy: Callable[[bytes], Any], answer: bytes, asked_hosts: list[str]
    ) -> None:
        proxy = make_proxy(answer)
        config = eic.Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"})
        client = ours("https://lambda.example", config=config, aws_session_token="hidden")
        outcome = outcome_of(lambda: list_page(client, name="hidden"))
        assert isinstance(outcome, BotoCoreError)
        assert proxy.requests
        for request in proxy.requests:
            method, target, headers = parse(request)
            assert (method, target) == ("CONNECT", "lambda.example:443")
            assert headers.keys() <= {"host", "accept"}
            assert b"hidden" not in request
        assert set(asked_hosts) <= {"127.0.0.1"}

    def test_that_answer_in_place_of_the_service_are_no_page(
        self, ours: Any, make_proxy: Callable[[bytes], Any]
    ) -> None:
        """The tunnel is open, but nobody in it has the service's certificate."""
        proxy = make_proxy(b"HTTP/1.1 200 OK\r\n\r\n" + page("evil").wire())
        config = eic.Config(
            proxies={"https": f"http://127.0.0.1:{proxy.port}"}, retries={"total_max_attempts": 1}
        )
        outcome = outcome_of(lambda: list_page(ours("https://lambda.example", config=config)))
        assert isinstance(outcome, BotoCoreError)
        assert {request.split(b" ")[0] for request in proxy.requests} == {b"CONNECT"}

    @pytest.mark.parametrize("backend", BACKENDS)
    @pytest.mark.parametrize("through", ["a tunnel", "no proxy"])
    def test_whose_certificate_nobody_knows_hold_no_connection_for_ever(
        self, backend: str, through: str, proxy: Any, secure_lambda: Any
    ) -> None:
        """Each attempt needs the only connection there may be."""
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"} if through == "a tunnel" else {}
        options: Any = {
            **CLIENT,
            "endpoint_url": f"https://localhost:{secure_lambda.port}",
            "config": eic.Config(proxies=proxies, max_pool_connections=1),
        }
        outcomes: list[object] = []
        if backend == "sync":
            client = eic.Client(**options)
            # Not to be waited for, if it waits for ever.
            calling = threading.Thread(
                target=lambda: outcomes.append(outcome_of(lambda: list_page(client))), daemon=True
            )
            calling.start()
            calling.join(60)
        else:

            async def call() -> None:
                client = eic.AsyncClient(**options)
                try:
                    with anyio.move_on_after(60):
                        await client.list_function_event_invoke_configs(FunctionName="f")
                except TYPED as caught:
                    outcomes.append(caught)
                await client.aclose()

            anyio.run(call, backend=backend)
        assert [type(outcome) for outcome in outcomes] == [errors.SSLError]
        assert secure_lambda.connections == 3

    @pytest.mark.parametrize("status", [302, 307, 407, 502])
    def test_of_an_http_endpoint_that_answer_for_it_are_an_error_and_nobody_else_is_asked(
        self, ours: Any, scripted: Callable[..., ScriptedServer], status: int, asked_hosts: list[str]
    ) -> None:
        elsewhere = scripted(page("evil"))
        html = Reply(status, b"<html>no</html>", {"Location": elsewhere.url, "Proxy-Authenticate": "Basic"})
        proxy = scripted(html, html, html)
        config = eic.Config(proxies={"http": proxy.url.replace("//", "//user:password@")})
        with pytest.raises(errors.ClientError) as caught:
            list_page(ours("http://lambda.example", config=config))
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert elsewhere.connections == 0
        assert set(asked_hosts) <= {"127.0.0.1"}


class TestTLS:
    def test_is_verified_by_default(self, ours: Any, secure_lambda: Any) -> None:
        with pytest.raises(errors.SSLError):
            list_page(ours(f"https://localhost:{secure_lambda.port}", config=ONE_ATTEMPT))
        assert secure_lambda.requests == []

    def test_is_not_verified_only_with_a_warning(self, ours: Any, secure_lambda: Any) -> None:
        with pytest.warns(UserWarning, match="verify=False"):
            client = ours(f"https://localhost:{secure_lambda.port}", verify=False)
        assert json.dumps(list_page(client)["FunctionEventInvokeConfigs"]) == '[{"FunctionArn": "arn"}]'
