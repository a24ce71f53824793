"""What httpx is told, and what its failures mean, for both clients.

Requests go straight to an httpx transport: its client layer would add redirects, cookies and headers
of its own, none of which a signed request may have.
"""

from __future__ import annotations

import socket
import ssl
import sys
import warnings
from collections.abc import Iterable
from functools import lru_cache
from types import FrameType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx

from .._protocol.call import Request
from .._protocol.response import Response
from .._settings.config import invalid_setting
from .._settings.resolve import Settings
from ..exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

E = TypeVar("E", bound=BaseException)


def transport_options(settings: Settings) -> dict[str, Any]:
    """What a transport of connections.py is made with for these settings.

    Raises InvalidConfigError for a CA bundle or client certificate that cannot be loaded.
    """
    config = settings.config
    tls = _tls(settings)
    return {
        "verify": tls,
        "connections": config.max_pool_connections,
        # The same trust for a proxy's own certificate; httpx refuses one where it is not needed.
        "proxy": httpx.Proxy(settings.proxy, ssl_context=tls if settings.proxy.startswith("https:") else None)
        if settings.proxy
        else None,
        "socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] if settings.tcp_keepalive else None,
        "seconds": None
        if config.connect_timeout is None or config.read_timeout is None
        else config.connect_timeout + config.read_timeout,
        "max_size": config.max_response_size,
    }


def _tls(settings: Settings) -> ssl.SSLContext:
    verify, cert = settings.verify, settings.config.client_cert
    if verify is False:
        warnings.warn(
            "verify=False: whoever answers at the endpoint's address is taken for it",
            stacklevel=_callers_level(),
        )
    if "https" not in (settings.endpoint.scheme, (settings.proxy or "").partition(":")[0]):
        # Loading the CA certificates takes 20 to 40 ms, and nothing here would look at them.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(verify, bool):
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
    else:
        try:
            context = ssl.create_default_context(cafile=verify)
        except (OSError, ValueError) as error:
            raise invalid_setting(
                "verify (or AWS_CA_BUNDLE, ca_bundle)", verify, f"a PEM file: {error}"
            ) from None
    if cert:
        try:
            context.load_cert_chain(*([cert] if isinstance(cert, str) else cert))
        except (OSError, TypeError, ValueError) as error:
            allowed = f"a PEM file, or (certificate, key): {error}"
            raise invalid_setting("client_cert", cert, allowed) from None
    return context


def _callers_level() -> int:
    # How far up the first frame is that is not this package's own.
    package = __package__.rpartition(".")[0]
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and str(frame.f_globals.get("__package__")).startswith(package):
        frame = frame.f_back
        level += 1
    return level


_MAX_URL = 65_536  # characters; httpx parses none that is longer
_NO_BODY = httpx.ByteStream(b"")


class _ExactURL(httpx.URL):
    """A URL whose path and query go on the wire as they are.

    httpx resolves ".." in a path. Its "target" request extension would undo that, but httpcore gives
    the same extension to a proxy's CONNECT, which then asks for the path instead of the host.

    A transport looks at the four properties below, and need not have the URL parsed for that, which takes
    a twentieth of a page's time. It is parsed for whoever looks further, such as a mock.
    """

    def __init__(self, url: str, target: str, origin: httpx.URL) -> None:
        self._unparsed = url
        self._target = target.encode("ascii")
        self._origin = origin

    raw_scheme = property(lambda self: self._origin.raw_scheme)
    raw_host = property(lambda self: self._origin.raw_host)
    port = property(lambda self: self._origin.port)
    raw_path = property(lambda self: self._target)

    def __getattr__(self, name: str) -> Any:
        url = vars(self).pop("_unparsed", None)
        if url is None:
            raise AttributeError(name)
        vars(self).update(vars(httpx.URL(url)))
        return getattr(self, name)


@lru_cache(maxsize=8)
def _parsed(origin: str) -> httpx.URL:
    return httpx.URL(origin)


def to_httpx(request: Request, settings: Settings) -> httpx.Request:
    """A request as httpx transports take it."""
    config = settings.config
    timeout = httpx.Timeout(
        connect=config.connect_timeout,
        read=config.read_timeout,
        write=config.read_timeout,
        # Waiting for one of the client's own connections is no failure of the network's: whoever has
        # it is bound by the timeouts above.
        pool=None,
    )
    if len(request.url) > _MAX_URL:
        report = f"The parameters cannot be sent: a URL of {len(request.url)} characters, allowed: {_MAX_URL}"
        raise ParamValidationError(report=report)
    origin = _parsed(settings.endpoint.origin)
    made = httpx.Request(
        "GET",
        origin,
        headers=request.headers,
        stream=_NO_BODY,  # so that httpx looks for no headers to add, which takes longer than the rest
        extensions={"timeout": timeout.as_dict()},
    )
    made.url = _ExactURL(request.url, request.target, origin)
    return made


def to_response(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Response:
    """A response as the decisions take it."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return Response(status, joined, body)


# What a transport raises when there is no response. On asyncio, httpx lets through what TLS raises after
# the handshake.
FAILURES = (httpx.TransportError, ssl.SSLError)


def transport_error(error: httpx.TransportError | ssl.SSLError, url: str, proxy: str | None) -> Exception:
    """botocore's exception for a failure of httpx's, with boto3's text.

    The one of httpx's is not kept: its request holds the headers.
    """
    if isinstance(error, httpx.ConnectTimeout):
        return ConnectTimeoutError(endpoint_url=url, error=str(error))
    if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
        return ReadTimeoutError(endpoint_url=url, error=str(error))
    if isinstance(error, (httpx.NetworkError, ssl.SSLError)) and (tls := _cause(error, ssl.SSLError)):
        return SSLError(endpoint_url=url, error=cast("Any", str(error) or str(tls)))
    if isinstance(error, httpx.ProxyError) or (proxy and isinstance(error, httpx.ConnectError)):
        return ProxyConnectionError(proxy_url=_masked(proxy or ""), error=str(error))
    if isinstance(error, httpx.ConnectError):
        unknown_host = _cause(error, socket.gaierror) is not None
        return EndpointConnectionError(endpoint_url=url, error=str(error), unknown_host=unknown_host)
    if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)):
        return ConnectionClosedError(endpoint_url=url, error=str(error))
    return HTTPClientError(error=f"{type(error).__name__}: {error}")


def _cause(error: BaseException | None, kind: type[E]) -> E | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _masked(url: str) -> str:
    user_info, at, _ = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user_info}{at}", "***:***@", 1) if at else url
