"""Conversion to and from httpx, for both clients: requests, responses, TLS settings and failures.

Requests go directly to an httpx transport. An httpx client would add redirects, cookies and headers, which a
signed request must not have.
"""

from __future__ import annotations

import errno
import socket
import ssl
import sys
import warnings
import zlib
from collections.abc import Iterable
from functools import lru_cache
from types import FrameType
from typing import Any, cast

import httpx

from .._protocol.call import Request
from .._protocol.response import Response
from .._settings.resolve import Settings
from ..exceptions import (
    NOT_HTTP,
    PROXY_AUTHENTICATION,
    PROXY_DENIED,
    STRICT_TLS,
    TOO_MANY_FILES,
    UNKNOWN_HOST,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseParserError,
    SSLError,
)
from .network import too_large
from .tls import tls_context


def transport_options(settings: Settings) -> dict[str, Any]:
    """The arguments for PooledTransport and AsyncPooledTransport.

    Raises InvalidConfigError for a CA bundle or client certificate that cannot be loaded.
    """
    config = settings.config
    tls = _tls(settings)
    return {
        "verify": tls,
        "connections": config.max_pool_connections,
        "proxy": _proxy(settings.proxy, tls) if settings.proxy else None,
        "socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] if settings.tcp_keepalive else None,
        "seconds": None
        if config.connect_timeout is None or config.read_timeout is None
        else config.connect_timeout + config.read_timeout,
        "max_size": config.max_response_size,
    }


def _proxy(url: str, tls: ssl.SSLContext) -> httpx.Proxy:
    # Verify the proxy's certificate in the same way; httpx rejects the argument if it is not needed.
    return httpx.Proxy(url, ssl_context=tls if url.startswith("https:") else None)


def _tls(settings: Settings) -> ssl.SSLContext:
    verify = settings.verify
    if verify is False:
        warnings.warn(
            "verify=False: TLS certificates are not verified",
            stacklevel=_callers_level(),
        )
    # Loading the CA certificates takes a while, and over http:// nothing would look at them.
    used = "https" in (settings.endpoint.scheme, (settings.proxy or "").partition(":")[0])
    return tls_context(settings.config, verify if used else None)


def _callers_level() -> int:
    # The distance to the first frame outside this package.
    package = __package__.rpartition(".")[0]
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and str(frame.f_globals.get("__package__")).startswith(package):
        frame = frame.f_back
        level += 1
    return level


_MAX_URL = 65_536  # characters; httpx rejects longer URLs
_NO_BODY = httpx.ByteStream(b"")


class _ExactURL(httpx.URL):
    """A URL whose path and query are sent unchanged.

    httpx resolves ".." in a path. Its "target" request extension would prevent that, but httpcore applies
    the extension also to a proxy's CONNECT request, which then contains the path instead of the host.

    A transport reads only the four properties below. They do not need the parsed URL, and parsing takes a
    twentieth of a page's time. Other properties, which a mock may read, parse it on first use.
    """

    def __init__(self, url: str, target: str, origin: httpx.URL, raw_host: bytes) -> None:
        self._unparsed = url
        self._target = target.encode("ascii")
        self._origin = origin
        self._raw_host = raw_host

    raw_scheme = property(lambda self: self._origin.raw_scheme)
    raw_host = property(lambda self: self._raw_host)
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


def to_httpx(request: Request, settings: Settings, proxy: str | None) -> httpx.Request:
    """Convert a request for an httpx transport. `proxy` is the URL of the client's proxy."""
    config = settings.config
    timeout = httpx.Timeout(
        connect=config.connect_timeout,
        read=config.read_timeout,
        write=config.read_timeout,
        # Waiting for a free connection is not a network failure: the calls that hold the connections have the
        # timeouts above.
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
        stream=_NO_BODY,  # otherwise httpx computes headers to add, which takes longer than the rest
        extensions={"timeout": timeout.as_dict()},
    )
    # httpcore copies the host into a proxy request unchanged, where an IPv6 address needs brackets.
    raw_host = b"[%b]" % origin.raw_host if proxy and b":" in origin.raw_host else origin.raw_host
    made.url = _ExactURL(request.url, request.target, origin, raw_host)
    made.read()  # for transports that read the content
    return made


def to_response(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, max_size: int) -> Response:
    """Convert a response for `_protocol`.

    Raises ResponseParserError for a page in an unknown encoding, and ResponseTooLargeError.
    """
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    if "content-encoding" in joined and body:
        body = _decoded(status, joined["content-encoding"], body, max_size)
    return Response(status, joined, body)


_ENCODINGS = {
    "gzip": (16 + zlib.MAX_WBITS,),  # zlib's `wbits`
    "x-gzip": (16 + zlib.MAX_WBITS,),
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),  # RFC 9110 requires a zlib header; some servers omit it
}


def _decoded(status: int, encoding: str, body: bytes, max_size: int) -> bytes:
    """Decode a body that an intermediary has encoded, although the request asked for identity."""
    if body.lstrip().startswith((b"{", b"<")):
        return body  # already decoded: a transport may decode the body and keep the header
    names = {name.strip().lower() for name in encoding.split(",")} - {"identity"}
    for wbits in _ENCODINGS.get(names.pop(), ()) if len(names) == 1 else ():
        decoder = zlib.decompressobj(wbits)
        try:
            decoded = decoder.decompress(body, max_size + 1)
        except zlib.error:
            continue
        if len(decoded) > max_size:
            raise too_large(max_size)
        if decoder.eof:
            return decoded
    if status >= 300:
        return b""  # the status of the error is still useful
    raise ResponseParserError(
        f"Unable to parse the response: the body ({len(body)} bytes, Content-Encoding: {encoding}) cannot be "
        "decoded"
    )


# The exceptions that a transport raises if there is no response. On asyncio, httpx does not convert TLS
# errors after the handshake.
FAILURES = (httpx.TransportError, ssl.SSLError)


def transport_error(error: httpx.TransportError | ssl.SSLError, url: str, proxy: str | None) -> Exception:
    """Convert an exception of httpx's to botocore's, with boto3's message, the reason and a hint.

    httpx's exception is dropped, because its request contains the signed headers.
    """
    system = _system_error(error)
    reason = (str(error) or str(system or ""))[:_MAX_REASON]
    hint = _hint(error, system, reason)
    known: dict[str, Any] = {"endpoint_url": url, "error": str(error), "reason": reason, "hint": hint}
    if isinstance(error, httpx.ConnectTimeout):
        return ConnectTimeoutError(**known)
    if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
        return ReadTimeoutError(**known)
    if isinstance(error, (httpx.NetworkError, ssl.SSLError)) and isinstance(system, ssl.SSLError):
        return SSLError(endpoint_url=url, error=cast("Any", reason), hint=hint)
    if isinstance(error, httpx.ProxyError) or (proxy and isinstance(error, httpx.ConnectError)):
        hint = None if hint == UNKNOWN_HOST else hint  # that hint is about the endpoint's host
        return ProxyConnectionError(proxy_url=proxy or "***", error=reason, reason=reason, hint=hint)
    if isinstance(error, httpx.ConnectError):
        return EndpointConnectionError(**known)
    if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)):
        return ConnectionClosedError(**known)
    return HTTPClientError(error=f"{type(error).__name__}: {error}")


_MAX_REASON = 500  # characters; h11 quotes invalid data
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_CUT_SHORT = ("peer closed connection", "Server disconnected")  # all other protocol errors: invalid data
_STRICT = ("Key Identifier", "Basic Constraints", "key usage")


def _hint(error: Exception, system: OSError | None, reason: str) -> str | None:
    """The key of the hint, if the hint depends on more than the class of the error."""
    if system is not None and system.errno in _TOO_MANY_FILES:
        return TOO_MANY_FILES
    if isinstance(system, ssl.SSLError):
        return STRICT_TLS if any(words in reason for words in _STRICT) else None
    if isinstance(system, socket.gaierror):
        return UNKNOWN_HOST
    if isinstance(error, httpx.ProxyError):
        return {"407": PROXY_AUTHENTICATION, "403": PROXY_DENIED}.get(reason[:3])
    if isinstance(error, httpx.RemoteProtocolError) and not reason.startswith(_CUT_SHORT):
        return NOT_HTTP
    return None


def _system_error(error: BaseException | None) -> OSError | None:
    """The error of the operating system or of TLS that caused httpx's exception."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    # From here, follow only `__cause__`, which anyio sets: `__context__` may be an error of the caller's.
    while error is not None and isinstance(error.__cause__, OSError):
        error = error.__cause__
    return error
