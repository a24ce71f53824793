"""What only real connections show: certificates, proxies, and nobody there."""

from __future__ import annotations

import base64
import socket
import warnings
from typing import Any

import botocore.exceptions
import pytest
from listing import list_arns
from servers import page, parse, until
from texts import boto3s

from lambda_event_invoke_configs import exceptions as errors
from lambda_event_invoke_configs._client import tls
from lambda_event_invoke_configs._settings.config import Config

ONE_ATTEMPT = {"total_max_attempts": 1}
NAMES = [
    ("f", "f"),
    (".", "."),
    ("..", ".."),
    ("../../f", "..%2F..%2Ff"),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af",
    ),
    ("//evil.example/", "%2F%2Fevil.example%2F"),
]


def path_of(segment: str) -> str:
    return f"/2019-09-25/functions/{segment}/event-invoke-config/list"


@pytest.fixture(autouse=True)
def _no_ca_bundle_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)


class TestTLS:
    def test_is_verified_against_the_ca_bundle_of_the_argument(
        self, ours: Any, secure_lambda: Any, certificates: Any
    ) -> None:
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority)
        assert list_arns(client, "..") == ["arn"]
        assert parse(secure_lambda.requests[0])[1] == path_of("..")

    def test_is_verified_against_the_ca_bundle_of_the_environment(
        self, ours: Any, secure_lambda: Any, certificates: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_CA_BUNDLE", certificates.authority)
        assert list_arns(ours(f"https://localhost:{secure_lambda.port}")) == ["arn"]

    def test_is_not_verified_against_the_variables_of_openssl_as_with_boto3(
        self, ours: Any, theirs: Any, secure_lambda: Any, certificates: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", certificates.authority)
        tls._contexts.reset()
        for make in theirs, ours:
            with pytest.raises(botocore.exceptions.SSLError, match="certificate verify failed"):
                list_arns(make(f"https://localhost:{secure_lambda.port}"))

    def test_with_an_authority_nobody_knows_is_an_error_after_retries(
        self, ours: Any, secure_lambda: Any, slept: list[float]
    ) -> None:
        url = f"https://localhost:{secure_lambda.port}"
        with pytest.raises(errors.SSLError) as caught:
            list_arns(ours(url))
        assert str(caught.value).startswith(f"SSL validation failed for {url}{path_of('f')} ")
        assert "certificate verify failed" in str(caught.value)
        assert (secure_lambda.connections, len(slept)) == (3, 2)
        assert secure_lambda.requests == []

    def test_with_another_hosts_certificate_is_an_error(
        self, ours: Any, secure_lambda: Any, certificates: Any
    ) -> None:
        client = ours(f"https://127.0.0.1:{secure_lambda.port}", verify=certificates.authority)
        with pytest.raises(errors.SSLError, match=r"certificate is not valid for '127\.0\.0\.1'"):
            list_arns(client)
        assert secure_lambda.requests == []

    @pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="the answers cannot be held together")
    @pytest.mark.parametrize("name", ["answered-twice", "garbled"])
    @pytest.mark.parametrize("through", [None, "http", "https"])
    def test_keeps_no_answer_for_the_next_request(
        self,
        ours: Any,
        talkative_lambda: Any,
        proxy: Any,
        secure_proxy: Any,
        certificates: Any,
        through: str | None,
        name: str,
    ) -> None:
        port = {"http": proxy.port, "https": secure_proxy.port}
        config = Config(proxies={"https": f"{through}://localhost:{port[through]}"} if through else {})
        url = f"https://localhost:{talkative_lambda.port}"
        client = ours(url, verify=certificates.authority, config=config)
        for asked in (name, "second", "third"):
            assert list_arns(client, asked) == [asked]
        assert talkative_lambda.connections == 2

    def test_may_be_left_unverified(self, ours: Any, secure_lambda: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = ours(f"https://localhost:{secure_lambda.port}", verify=False)
        assert list_arns(client) == ["arn"]

    def test_shows_the_client_certificate(self, ours: Any, choosy_lambda: Any, certificates: Any) -> None:
        config = Config(client_cert=certificates.certificate_and_key)
        client = ours(f"https://localhost:{choosy_lambda.port}", verify=certificates.authority, config=config)
        assert list_arns(client) == ["arn"]

    def test_without_the_client_certificate_that_is_asked_for_is_an_error_as_with_boto3(
        self, ours: Any, theirs: Any, choosy_lambda: Any, certificates: Any
    ) -> None:
        for make in theirs, ours:
            client = make(f"https://localhost:{choosy_lambda.port}", verify=certificates.authority)
            with pytest.raises(botocore.exceptions.SSLError):
                list_arns(client)
        assert choosy_lambda.requests == []


@pytest.fixture(params=["config", "environment"])
def through(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a client is told to go through a proxy: in its config, or in the environment."""

    def told(scheme: str, proxy_url: str) -> dict[str, Any]:
        if request.param == "config":
            return {"config": Config(proxies={scheme: proxy_url})}
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy_url)
        return {}

    return told


class TestAProxyOfAnHTTPEndpoint:
    @pytest.mark.parametrize(("name", "segment"), NAMES)
    def test_is_asked_for_the_absolute_url_to_the_byte(
        self, ours: Any, proxy: Any, through: Any, name: str, segment: str
    ) -> None:
        client = ours("http://lambda.example:8080/base/", **through("http", f"http://127.0.0.1:{proxy.port}"))
        assert list_arns(client, name) == ["arn"]
        method, target, headers = parse(proxy.requests[0])
        assert (method, target) == ("GET", f"http://lambda.example:8080/base{path_of(segment)}")
        assert headers["host"] == "lambda.example:8080"
        assert "proxy-authorization" not in headers

    def test_is_asked_for_a_url_without_the_schemes_own_port_in_host(self, ours: Any, proxy: Any) -> None:
        config = Config(proxies={"http": f"http://127.0.0.1:{proxy.port}"})
        list_arns(ours("http://lambda.example", config=config))
        _, target, headers = parse(proxy.requests[0])
        assert target in (f"http://lambda.example{path_of('f')}", f"http://lambda.example:80{path_of('f')}")
        assert headers["host"] == "lambda.example"

    def test_is_told_the_user_and_the_password_of_its_url(self, ours: Any, proxy: Any, through: Any) -> None:
        url = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
        list_arns(ours("http://lambda.example", **through("http", url)))
        expected = base64.b64encode(b"user:p@ss").decode()
        assert parse(proxy.requests[0])[2]["proxy-authorization"] == f"Basic {expected}"

    def test_is_spoken_to_in_tls_verified_against_the_ca_bundle(
        self, ours: Any, secure_proxy: Any, certificates: Any
    ) -> None:
        """boto3 does not verify this proxy at all."""
        config = Config(proxies={"http": f"https://localhost:{secure_proxy.port}"}, retries=ONE_ATTEMPT)
        assert list_arns(ours("http://lambda.example", verify=certificates.authority, config=config)) == [
            "arn"
        ]
        with pytest.raises(errors.SSLError, match="certificate verify failed"):
            list_arns(ours("http://lambda.example", config=config))
        assert len(secure_proxy.requests) == 1

    @pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "other.example,127.0.0.1"])
    def test_is_passed_by_for_a_host_in_no_proxy(
        self, ours: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch, no_proxy: str, unused_port: int
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        server = scripted(page("arn"))
        assert list_arns(ours(server.url)) == ["arn"]
        assert server.targets() == [path_of("f")]


class TestAProxyOfAnHTTPSEndpoint:
    @pytest.mark.parametrize(("name", "segment"), NAMES)
    def test_opens_a_tunnel_with_the_exact_target_inside(
        self,
        ours: Any,
        proxy: Any,
        secure_lambda: Any,
        certificates: Any,
        through: Any,
        name: str,
        segment: str,
    ) -> None:
        told = through("https", f"http://127.0.0.1:{proxy.port}")
        client = ours(f"https://localhost:{secure_lambda.port}/base", verify=certificates.authority, **told)
        assert list_arns(client, name) == ["arn"]
        method, target, headers = parse(proxy.requests[0])
        assert (method, target) == ("CONNECT", f"localhost:{secure_lambda.port}")
        assert headers["host"] == f"localhost:{secure_lambda.port}"
        assert "proxy-authorization" not in headers
        assert parse(secure_lambda.requests[0])[:2] == ("GET", f"/base{path_of(segment)}")

    def test_never_sees_the_request(
        self, ours: Any, proxy: Any, secure_lambda: Any, certificates: Any
    ) -> None:
        config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"})
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority, config=config)
        list_arns(client)
        assert "authorization" in parse(secure_lambda.requests[0])[2]
        for secret in (b"AWS4-HMAC-SHA256", b"authorization", b"x-amz-date", b"2019-09-25"):
            assert secret not in b"".join(proxy.requests).lower() + proxy.tunnelled.lower()

    def test_is_told_the_user_and_the_password_of_its_url_and_the_service_is_not(
        self, ours: Any, proxy: Any, secure_lambda: Any, certificates: Any, through: Any
    ) -> None:
        told = through("https", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        list_arns(ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority, **told))
        expected = base64.b64encode(b"user:p@ss").decode()
        assert parse(proxy.requests[0])[2]["proxy-authorization"] == f"Basic {expected}"
        assert "proxy-authorization" not in parse(secure_lambda.requests[0])[2]

    def test_opens_one_tunnel_for_many_requests(
        self, ours: Any, proxy: Any, secure_lambda: Any, certificates: Any
    ) -> None:
        config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"})
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority, config=config)
        assert [list_arns(client) for _ in range(3)] == [["arn"]] * 3
        assert (len(proxy.requests), len(secure_lambda.requests), secure_lambda.connections) == (1, 3, 1)

    def test_does_not_vouch_for_the_service(self, ours: Any, proxy: Any, secure_lambda: Any) -> None:
        config = Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"}, retries=ONE_ATTEMPT)
        with pytest.raises(errors.SSLError, match="certificate verify failed"):
            list_arns(ours(f"https://localhost:{secure_lambda.port}", config=config))
        assert secure_lambda.requests == []

    def test_is_spoken_to_in_tls_verified_against_the_ca_bundle(
        self, ours: Any, secure_proxy: Any, secure_lambda: Any, certificates: Any
    ) -> None:
        config = Config(proxies={"https": f"https://localhost:{secure_proxy.port}"})
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority, config=config)
        assert list_arns(client) == ["arn"]

    @pytest.mark.parametrize("no_proxy", ["localhost", "*", "other.example,localhost"])
    def test_is_passed_by_for_a_host_in_no_proxy(
        self,
        ours: Any,
        secure_lambda: Any,
        certificates: Any,
        monkeypatch: pytest.MonkeyPatch,
        unused_port: int,
        no_proxy: str,
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused_port}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        client = ours(f"https://localhost:{secure_lambda.port}", verify=certificates.authority)
        assert list_arns(client) == ["arn"]

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        ],
    )
    def test_that_refuses_the_tunnel_is_an_error_after_retries(
        self, ours: Any, make_proxy: Any, slept: list[float], answer: bytes
    ) -> None:
        proxy = make_proxy(answer)
        config = Config(proxies={"https": f"http://user:hidden@127.0.0.1:{proxy.port}"})
        with pytest.raises(errors.ProxyConnectionError) as caught:
            list_arns(ours("https://lambda.example", config=config))
        assert boto3s(caught.value) == (
            f'Failed to connect to proxy URL: "http://***:***@127.0.0.1:{proxy.port}"'
        )
        assert (len(proxy.requests), len(slept)) == (3, 2)

    def test_that_hangs_up_is_an_error_as_with_boto3(
        self, ours: Any, theirs: Any, make_proxy: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proxy = make_proxy(b"")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        for make in theirs, ours:
            with pytest.raises(botocore.exceptions.ConnectionClosedError):
                list_arns(make("https://lambda.example"))


class TestNobody:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_at_the_proxys_address_is_an_error_after_retries(
        self, ours: Any, slept: list[float], unused_port: int, scheme: str
    ) -> None:
        config = Config(proxies={scheme: f"http://user:hidden@127.0.0.1:{unused_port}"})
        with pytest.raises(errors.ProxyConnectionError) as caught:
            list_arns(ours(f"{scheme}://lambda.example", config=config))
        assert boto3s(caught.value) == (
            f'Failed to connect to proxy URL: "http://***:***@127.0.0.1:{unused_port}"'
        )
        assert len(slept) == 2

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_at_the_endpoints_address_is_an_error_after_retries(
        self, ours: Any, slept: list[float], unused_port: int, scheme: str
    ) -> None:
        url = f"{scheme}://127.0.0.1:{unused_port}"
        with pytest.raises(errors.EndpointConnectionError) as caught:
            list_arns(ours(url))
        assert boto3s(caught.value) == f'Could not connect to the endpoint URL: "{url}{path_of("f")}"'
        assert len(slept) == 2

    def test_who_answers_in_time_is_an_error_after_retries(
        self, ours: Any, silent: Any, slept: list[float]
    ) -> None:
        url = f"http://127.0.0.1:{silent.port}"
        with pytest.raises(errors.ReadTimeoutError) as caught:
            list_arns(ours(url, config=Config(read_timeout=0.3)))
        assert boto3s(caught.value) == f'Read timeout on endpoint URL: "{url}{path_of("f")}"'
        until(lambda: silent.connections == 3)
        assert len(slept) == 2
