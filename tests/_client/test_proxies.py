"""Proxies, hosts and CA bundles as boto3 takes them, over real connections."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.config
import botocore.exceptions
import pytest
import trustme
from servers import Proxy, Server, page, parse

import lambda_event_invoke_configs as eic

Make = Callable[..., Any]
ONCE = {"total_max_attempts": 1}


def ask(client: Any) -> list[str]:
    found = client.list_function_event_invoke_configs(FunctionName="f")
    return [config["FunctionArn"] for config in found["FunctionEventInvokeConfigs"]]


def both(ours: Make, theirs: Make, url: str, **proxies: str) -> list[Any]:
    return [
        ours(url, config=eic.Config(proxies=proxies, retries=ONCE)),
        theirs(url, config=botocore.config.Config(proxies=proxies, retries=ONCE)),
    ]


class NearbyProxy(Proxy):
    """Connects to this machine, whatever address it is asked for."""

    def _connect(self, client: socket.socket, target: str) -> None:
        super()._connect(client, f"127.0.0.1:{target.rpartition(':')[2]}")


class TestAnIPv6EndpointThroughAProxy:
    def test_is_asked_for_in_brackets_as_with_boto3(self, ours: Make, theirs: Make, make_proxy: Any) -> None:
        proxy = make_proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        for client in both(ours, theirs, "https://[::1]", https=f"http://127.0.0.1:{proxy.port}"):
            with pytest.raises(botocore.exceptions.ProxyConnectionError):
                ask(client)
        ours_head, theirs_head = map(parse, proxy.requests)
        assert ours_head[:2] == theirs_head[:2] == ("CONNECT", "[::1]:443")
        assert ours_head[2]["host"] == "[::1]:443"

    def test_is_asked_for_in_brackets_without_a_tunnel_too(
        self, ours: Make, theirs: Make, proxy: Any
    ) -> None:
        for client in both(ours, theirs, "http://[::1]:8080", http=f"http://127.0.0.1:{proxy.port}"):
            assert ask(client) == ["arn"]
        ours_head, theirs_head = map(parse, proxy.requests)
        assert ours_head[1] == theirs_head[1]
        assert ours_head[1].startswith("http://[::1]:8080/2019")

    def test_has_a_certificate_for_its_address(self, ours: Make, start: Any, tmp_path: Path) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("::1").configure_cert(context)
        server, proxy = start(Server, context), start(NearbyProxy)
        config = eic.Config(proxies={"https": f"http://127.0.0.1:{proxy.port}"}, retries=ONCE)
        client = ours(f"https://[::1]:{server.port}", verify=str(tmp_path / "ca.pem"), config=config)
        assert [ask(client), ask(client)] == [["arn"], ["arn"]]
        assert (server.connections, len(proxy.requests)) == (1, 1)


@pytest.mark.parametrize("password", ["p@ss", "p ss", "p@:@ss", "p%40ss", "p%ss", "pä"])
def test_the_password_of_a_proxy_is_read_as_boto3_reads_it(
    ours: Make, theirs: Make, proxy: Any, password: str
) -> None:
    url = f"http://user:{password}@127.0.0.1:{proxy.port}"
    for client in both(ours, theirs, "http://lambda.example", http=url)[: 1 if password == "pä" else 2]:
        ask(client)
    sent = [parse(request)[2]["proxy-authorization"] for request in proxy.requests]
    expected = password.replace("%40", "@").encode()
    assert set(sent) == {f"Basic {base64.b64encode(b'user:' + expected).decode()}"}


def test_a_port_in_no_proxy_counts_as_with_boto3(
    ours: Make, theirs: Make, scripted: Make, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted(page("a"), page("a"))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port}")
    monkeypatch.setenv("NO_PROXY", server.url.removeprefix("http://"))
    for make in ours, theirs:
        assert ask(make(server.url)) == ["a"]


def test_the_ca_bundle_may_be_a_path(ours: Make, theirs: Make, secure_lambda: Any, certificates: Any) -> None:
    for make in ours, theirs:
        client = make(f"https://localhost:{secure_lambda.port}", verify=Path(certificates.authority))
        assert ask(client) == ["arn"]


def test_the_client_certificate_may_be_a_path(ours: Make, choosy_lambda: Any, certificates: Any) -> None:
    cert: Any = Path(certificates.certificate_and_key)
    url = f"https://localhost:{choosy_lambda.port}"
    assert ask(ours(url, verify=certificates.authority, config=eic.Config(client_cert=cert))) == ["arn"]


@pytest.mark.parametrize("through", [None, "http", "https"])
def test_a_host_may_end_in_a_dot_as_with_boto3(
    ours: Make,
    theirs: Make,
    secure_lambda: Any,
    proxy: Any,
    secure_proxy: Any,
    certificates: Any,
    through: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        # Not every resolver knows "localhost.".
        return look_up("localhost" if host in ("localhost.", b"localhost.") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    port = {"http": proxy.port, "https": secure_proxy.port}
    proxies = {"https": f"{through}://localhost.:{port[through]}"} if through else {}
    url = f"https://localhost.:{secure_lambda.port}"
    client = ours(url, verify=certificates.authority, config=eic.Config(proxies=proxies))
    assert ask(client) == ["arn"]
    if not through:
        assert ask(theirs(url, verify=certificates.authority)) == ["arn"]
