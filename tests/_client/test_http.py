"""What httpx is told for which settings, and what its failures are called."""

from __future__ import annotations

import copy
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions as errors
from lambda_event_invoke_configs._async.transport import AsyncPooledTransport
from lambda_event_invoke_configs._client import http as transport
from lambda_event_invoke_configs._protocol.call import Request
from lambda_event_invoke_configs._settings import resolve as settings
from lambda_event_invoke_configs._settings.config import Config
from lambda_event_invoke_configs._settings.resolve import Settings
from lambda_event_invoke_configs._sync.transport import PooledTransport

URL = "https://lambda.us-east-1.amazonaws.com/2019-09-25/functions/f/event-invoke-config/list"


def resolved(*, environ: dict[str, str] | None = None, **arguments: Any) -> Settings:
    return settings.resolve(**{"region_name": "us-east-1", **arguments}, environ=environ or {})


def options(*, environ: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
    return transport.transport_options(resolved(environ=environ, **arguments))


def names_of_authorities(context: ssl.SSLContext) -> list[str]:
    return [str(authority["subject"]) for authority in context.get_ca_certs()]


class TestTheTransport:
    def test_has_as_many_connections_as_the_pool_may_have(self) -> None:
        assert options()["connections"] == 10
        assert options(config=Config(max_pool_connections=3))["connections"] == 3

    def test_has_tcp_keep_alive_where_it_is_asked_for(self) -> None:
        assert options()["socket_options"] is None
        assert options(config=Config(tcp_keepalive=True))["socket_options"] == [
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        ]

    def test_goes_through_the_proxy_of_the_settings(self) -> None:
        assert options()["proxy"] is None
        proxies = {"https": "http://user:p@ss:word@proxy.example:3128"}
        proxy = options(config=Config(proxies=proxies))["proxy"]
        assert proxy.url == "http://proxy.example:3128"
        assert proxy.raw_auth == (b"user", b"p@ss:word")
        assert proxy.ssl_context is None

    def test_trusts_an_https_proxy_as_it_trusts_the_endpoint(self) -> None:
        made = options(config=Config(proxies={"https": "https://proxy.example"}))
        assert made["proxy"].ssl_context is made["verify"]

    def test_can_be_made_of_the_options_sync_and_async(self) -> None:
        made = options(config=Config(tcp_keepalive=True, proxies={"https": "http://proxy.example:3128"}))
        PooledTransport(**made).close()
        AsyncPooledTransport(**made)

    def test_give_an_exchange_the_time_of_both_timeouts_together(self) -> None:
        assert options(config=Config(connect_timeout=1, read_timeout=2.5))["seconds"] == 3.5
        for timeout in ("connect_timeout", "read_timeout"):
            assert options(config=Config(**{timeout: None}))["seconds"] is None


class TestTLS:
    def test_is_verified_against_certifis_authorities(self) -> None:
        context = options()["verify"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert len(context.get_ca_certs()) > 50

    def test_is_verified_against_the_ca_bundle_alone(self, certificates: Any) -> None:
        for context in (
            options(verify=certificates.authority)["verify"],
            options(environ={"AWS_CA_BUNDLE": certificates.authority})["verify"],
        ):
            assert context.verify_mode is ssl.CERT_REQUIRED
            assert context.check_hostname
            (name,) = names_of_authorities(context)
            assert "a CA of these tests" in name

    @pytest.mark.parametrize("content", [None, "", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_needs_a_ca_bundle_that_can_be_loaded(self, tmp_path: Path, content: str | None) -> None:
        bundle = tmp_path / "ca.pem"
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(errors.InvalidConfigError) as caught:
            options(verify=str(bundle))
        assert str(caught.value).startswith(
            "Invalid value for verify (or --ca-bundle, AWS_CA_BUNDLE, ca_bundle): "
            f"{str(bundle)!r}, must be a PEM file: "
        )

    def test_needs_a_ca_bundle_whose_path_is_one(self) -> None:
        with pytest.raises(errors.InvalidConfigError, match="verify"):
            options(verify="ca\0.pem")

    def test_is_unverified_where_that_is_asked_for_and_a_warning_says_so(self) -> None:
        with pytest.warns(UserWarning, match="^verify=False: TLS certificates are not verified$"):
            context = options(verify=False)["verify"]
        assert context.verify_mode is ssl.CERT_NONE
        assert not context.check_hostname

    @pytest.mark.parametrize(
        "make",
        [
            lambda: eic.Client(region_name="us-east-1", verify=False),
            lambda: eic.client("lambda", region_name="us-east-1", verify=False),
        ],
        ids=["Client", "client"],
    )
    def test_is_unverified_with_a_warning_that_points_at_the_callers_line(self, make: Any) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make().close()
        assert [warning.filename for warning in caught] == [__file__]

    @pytest.mark.parametrize("separate", [True, False])
    def test_has_the_client_certificate(self, certificates: Any, separate: bool) -> None:
        cert = (certificates.certificate, certificates.key) if separate else certificates.certificate_and_key
        assert options(config=Config(client_cert=cert))["verify"].verify_mode is ssl.CERT_REQUIRED

    @pytest.mark.parametrize(
        "cert", ["/gone.pem", "cert\0.pem", ("/gone.pem", "/gone.key"), 5, ["a", "b", "c", "d"]]
    )
    def test_needs_a_client_certificate_that_can_be_loaded(self, cert: Any) -> None:
        with pytest.raises(errors.InvalidConfigError) as caught:
            options(config=Config(client_cert=cert))
        assert str(caught.value).startswith(
            f"Invalid value for client_cert: {cert!r}, must be a PEM file, or (certificate, key): "
        )

    def test_needs_a_client_certificate_with_its_key(self, certificates: Any) -> None:
        with pytest.raises(errors.InvalidConfigError, match="client_cert"):
            options(config=Config(client_cert=certificates.certificate))

    def test_loads_nothing_for_an_http_endpoint(self) -> None:
        made = options(endpoint_url="http://h", verify="/gone.pem", config=Config(client_cert="/gone.pem"))
        assert made["verify"].get_ca_certs() == []

    def test_loads_the_ca_bundle_for_an_https_proxy_of_an_http_endpoint(self, certificates: Any) -> None:
        config = Config(proxies={"http": "https://proxy.example"})
        made = options(endpoint_url="http://h", verify=certificates.authority, config=config)
        assert len(made["verify"].get_ca_certs()) == 1


class TestARequest:
    TARGET = "/2019-09-25/functions/../event-invoke-config/list?Marker=%2F"

    def to_httpx(self, **options: Any) -> httpx.Request:
        request = Request(
            f"https://h.example:8443{self.TARGET}", self.TARGET, [("Host", "h.example:8443"), ("A", "b")]
        )
        settings = resolved(endpoint_url="https://h.example:8443", config=Config(**options))
        return transport.to_httpx(request, settings, None)

    def test_keeps_its_target_and_its_headers_and_has_no_others(self) -> None:
        made = self.to_httpx()
        assert made.method == "GET"
        assert made.url.raw_path == self.TARGET.encode()
        assert (made.url.scheme, made.url.host, made.url.port) == ("https", "h.example", 8443)
        assert made.headers.raw == [(b"Host", b"h.example:8443"), (b"A", b"b")]

    def test_has_a_url_that_says_what_httpx_s_own_says_of_all_but_the_dots(self) -> None:
        plain = httpx.URL(f"https://h.example:8443{self.TARGET}")
        for look in (str, lambda url: (url.path, url.params, url.netloc), lambda url: url.join("x")):
            assert look(self.to_httpx().url) == look(plain)
        assert self.to_httpx().url == plain
        assert copy.deepcopy(self.to_httpx().url).raw_path == self.TARGET.encode()
        url: Any = self.to_httpx().url
        with pytest.raises(AttributeError, match="nothing"):
            assert url.nothing

    def test_is_as_long_as_httpx_takes_it(self) -> None:
        longest = "https://h/".ljust(65_536, "f")
        assert transport.to_httpx(Request(longest, "/", []), resolved(), None)
        with pytest.raises(errors.ParamValidationError) as caught:
            transport.to_httpx(Request(f"{longest}f", "/", []), resolved(), None)
        assert str(caught.value).endswith("a URL of 65537 characters, allowed: 65536")

    def test_has_the_configs_timeouts_and_none_for_waiting_for_a_connection_of_the_pool(self) -> None:
        assert self.to_httpx(connect_timeout=1, read_timeout=2.5).extensions == {
            "timeout": {"connect": 1, "read": 2.5, "write": 2.5, "pool": None}
        }
        assert self.to_httpx(connect_timeout=None, read_timeout=None).extensions == {
            "timeout": {"connect": None, "read": None, "write": None, "pool": None}
        }

    def test_does_not_show_its_headers(self) -> None:
        assert "hidden" not in repr(Request("http://h/", "/", [("Authorization", "hidden")]))


class TestAReply:
    def test_has_its_headers_in_lower_case_and_repeated_ones_joined(self) -> None:
        raw = [(b"X-Amzn-RequestId", b"1"), (b"Via", b"a"), (b"DATE", b"now"), (b"via", b"b"), (b"VIA", b"c")]
        reply = transport.to_response(200, raw, b"body", 10)
        assert reply.headers == {"x-amzn-requestid": "1", "via": "a, b, c", "date": "now"}
        assert (reply.status, reply.body) == (200, b"body")

    def test_may_have_headers_that_are_not_ascii(self) -> None:
        assert transport.to_response(200, [(b"X", b"\xe9")], b"", 10).headers == {"x": "é"}


def raised_from(error: Exception, *causes: Exception) -> Any:
    """`error` as it is after `raise error from cause`, and so on."""
    effect = error
    for cause in causes:
        effect.__cause__ = cause
        effect = cause
    return error


class TestAFailure:
    @pytest.mark.parametrize(
        ("theirs", "kind", "text"),
        [
            (
                httpx.ConnectTimeout("x"),
                errors.ConnectTimeoutError,
                f'Connect timeout on endpoint URL: "{URL}"',
            ),
            (httpx.ReadTimeout("x"), errors.ReadTimeoutError, f'Read timeout on endpoint URL: "{URL}"'),
            (httpx.WriteTimeout("x"), errors.ReadTimeoutError, f'Read timeout on endpoint URL: "{URL}"'),
            (
                httpx.ConnectError("x"),
                errors.EndpointConnectionError,
                f'Could not connect to the endpoint URL: "{URL}"',
            ),
            *(
                (
                    closed,
                    errors.ConnectionClosedError,
                    f'Connection was closed before we received a valid response from endpoint URL: "{URL}".',
                )
                for closed in (
                    httpx.ReadError("x"),
                    httpx.WriteError("x"),
                    httpx.CloseError("x"),
                    httpx.RemoteProtocolError("x"),
                )
            ),
            *(
                (
                    other,
                    errors.HTTPClientError,
                    f"An HTTP Client raised an unhandled exception: {type(other).__name__}: x",
                )
                for other in (
                    httpx.PoolTimeout("x"),
                    httpx.LocalProtocolError("x"),
                    httpx.UnsupportedProtocol("x"),
                    httpx.TransportError("x"),
                )
            ),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_has_botocores_class_and_boto3s_text(
        self, theirs: httpx.TransportError, kind: type[Exception], text: str
    ) -> None:
        ours = transport.transport_error(theirs, URL, None)
        assert type(ours) is kind
        assert boto3s(ours) == text

    @pytest.mark.parametrize("proxy", [None, "http://proxy.example:3128"])
    @pytest.mark.parametrize("causes", [(), (OSError(),)], ids=["at once", "below another"])
    def test_to_agree_on_tls_is_an_ssl_error(self, proxy: str | None, causes: tuple[Exception, ...]) -> None:
        theirs = raised_from(httpx.ConnectError("bad"), *causes, ssl.SSLCertVerificationError("bad"))
        ours = transport.transport_error(theirs, URL, proxy)
        assert type(ours) is errors.SSLError
        assert boto3s(ours) == f"SSL validation failed for {URL} bad"

    @pytest.mark.parametrize("theirs", [httpx.ReadError("alert"), httpx.WriteError("alert")])
    def test_of_tls_after_the_handshake_is_an_ssl_error_too(self, theirs: httpx.TransportError) -> None:
        ours = transport.transport_error(raised_from(theirs, ssl.SSLError("alert")), URL, None)
        assert type(ours) is errors.SSLError

    def test_below_another_without_a_cause_is_seen_too(self) -> None:
        theirs = httpx.ConnectError("bad")
        theirs.__context__ = ssl.SSLError("bad")
        assert type(transport.transport_error(theirs, URL, None)) is errors.SSLError

    @pytest.mark.parametrize("theirs", [httpx.ConnectError("x"), httpx.ProxyError("407 x")])
    def test_to_connect_through_a_proxy_names_it_without_its_password(
        self, theirs: httpx.TransportError
    ) -> None:
        config = Config(proxies={"https": "http://user:hidden@proxy.example:3128"})
        client = eic.Client("us-east-1", config=config)
        assert "hidden" not in repr({**vars(client), "_transport": None})
        ours = transport.transport_error(theirs, URL, client._proxy)
        assert type(ours) is errors.ProxyConnectionError
        assert boto3s(ours) == 'Failed to connect to proxy URL: "http://***:***@proxy.example:3128"'
        assert vars(ours)["kwargs"]["error"] == str(theirs)
        assert "hidden" not in repr(vars(ours))

    def test_to_connect_through_a_proxy_without_user_info_names_it_as_it_is(self) -> None:
        ours = transport.transport_error(httpx.ConnectError("x"), URL, "http://proxy.example:3128")
        assert boto3s(ours) == 'Failed to connect to proxy URL: "http://proxy.example:3128"'

    def test_of_a_proxy_that_a_given_transport_has_is_one_too(self) -> None:
        ours = transport.transport_error(httpx.ProxyError("x"), URL, None)
        assert type(ours) is errors.ProxyConnectionError
        assert boto3s(ours) == 'Failed to connect to proxy URL: "***"'

    def test_has_the_systems_words_where_httpx_has_none(self) -> None:
        theirs = raised_from(httpx.ReadError(""), ConnectionResetError(104, "Connection reset by peer"))
        ours = transport.transport_error(theirs, URL, None)
        assert str(ours) == f"{boto3s(ours)} [Errno 104] Connection reset by peer"
        assert vars(ours)["kwargs"]["error"] == ""
        without = transport.transport_error(httpx.ReadError(""), URL, None)
        assert str(without) == boto3s(without)

    def test_keeps_nothing_of_the_request_whose_headers_it_holds(self) -> None:
        theirs = httpx.ReadError("x", request=httpx.Request("GET", URL, headers={"Authorization": "hidden"}))
        ours = transport.transport_error(theirs, URL, None)
        assert "hidden" not in repr(vars(ours))
        assert ours.__cause__ is None
        assert ours.__context__ is None
