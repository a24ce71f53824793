"""Below httpx: the deadline of an exchange, TLS, what was left in a connection, and how it is closed.

httpx's transports stay the engine of both clients, so that what replaces or wraps their methods and those of
httpcore goes on working: respx, vcrpy, OpenTelemetry. Under them lie sockets of our own (`_sync/sockets.py`,
`_async/sockets.py`), where httpcore's documentation puts them: a pool's `network_backend`. Four things need
them:

1. The deadline of a whole exchange. httpcore's timeouts are for one read or write each, so a server that
   sends a byte now and then would never meet them.
2. What a TLS layer has received and not given out yet when a response has ended.
3. Closing. httpcore's own way takes the lock of its pool, which Ctrl-C may have left taken.
4. The cost of a read in an event loop: to wait for a socket takes a third of what anyio's streams take.

This is the only module that uses names which another library keeps to itself. There are three:

  * `_pool` of an httpx transport. Its constructor takes no network backend, so the pool is replaced by one of
    the same class.
  * `_optional_thread_lock` of that pool. It is entered in Python code: Ctrl-C between its being taken and the
    block would leave it taken, and the pool's own cleaning up would wait for it for ever. A pool here is used
    by one thread at a time and has no need of it.
  * `_connection` and `_h11_state` of the pool's connection, for what h11 has received behind a response.

Where the first or the last is missing, connections are not kept: whatever came behind a response, the next
request has a connection of its own. A warning says so once.

Source: https://www.encode.io/httpcore/network-backends/ and https://h11.readthedocs.io/en/latest/api.html
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NoReturn, Union

import httpcore
import httpx

from ..exceptions import ResponseTooLargeError

logger: logging.Logger = logging.getLogger(__name__)

# As boto3: a connection is kept until the service closes it.
ONE_CONNECTION = httpx.Limits(max_connections=1, keepalive_expiry=None)
RECORD = 65_536  # bytes to receive at a time; a record of TLS has 16 KiB

SocketOptions = Union[Sequence[tuple[int, int, int]], None]


NEEDS_DATA = object()
NOTHING_RECEIVED = "nothing received"
NOTHING_SENT = "nothing sent"

_EXCEEDED = "request deadline exceeded"


class Deadline:
    """The end of the exchange that is in progress on one connection.

    Why: httpx's timeouts, as those of urllib3 and of sockets, are for one read or write each. A server or a
    proxy that sends a byte now and then never exceeds them, and a call never ends. httpx has no timeout for a
    whole exchange (encode/httpx#1450). In an event loop a cancel scope does it; a thread cannot be cancelled.
    So the deadline is kept where both clients read and write, and each operation gets the time that is left:

    1. It begins when the connection is there, or when a request begins on a connection that was kept. Looking
       up a host's name and connecting are not part of it: each address has `connect_timeout` to itself, or a
       dead address would take the time of the live one after it.
    2. A TLS handshake has `connect_timeout`, and not more than what is left.
    3. With nothing left, the next read or write raises at once. With the shortest timeout instead, a server
       that sends fast enough would go on for ever: each read would succeed.
    4. Waiting for one of the client's own connections does not count. The calls that have them are bounded.

    seconds: how long an exchange may take, from when it has its connection; None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def begin(self) -> None:
        """Start the clock for the next exchange."""
        if self._seconds is not None:
            self._end = time.monotonic() + self._seconds

    def late(self, timeout: float | None, what: str) -> str:
        """What to say when `timeout` is over, or the rest of the exchange's time."""
        if timeout is None or (self._end is not None and self._end <= time.monotonic()):
            return _EXCEEDED
        return f"{what} within {timeout:g} s"

    def rest(self, timeout: float | None, late: type[Exception]) -> float | None:
        """Seconds for the next read or write. Raises `late` if there are none left."""
        if self._end is None:
            return timeout
        rest = self._end - time.monotonic()
        if rest <= 0:  # with the shortest of timeouts, what comes fast enough would go on for ever
            raise late(_EXCEEDED)
        return rest if timeout is None or rest < timeout else timeout

    def at_most(self, timeout: float | None) -> Deadline:
        """The deadline of a part of the exchange, such as a handshake."""
        part = Deadline(timeout)
        part.begin()
        if part._end is None or (self._end is not None and self._end < part._end):
            part._end = self._end
        return part


class Link:
    """One connection's socket, its deadline, and its layers of TLS.

    The transport keeps it, beside httpcore's objects, to close the socket without them.
    """

    _socket: socket.socket | None = None  # on the class too: Ctrl-C may interrupt __init__

    def __init__(self, seconds: float | None, socket_options: SocketOptions) -> None:
        self.deadline = Deadline(seconds)
        self.reused = False
        self._socket_options = socket_options or ()
        self._layers: list[TLS] = []

    def open(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for one of the addresses that `socket.getaddrinfo()` returns. Raises OSError."""
        self.close()
        family, kind, protocol, _, _ = address
        self._socket = made = socket.socket(family, kind, protocol)
        for option in self._socket_options:
            made.setsockopt(*option)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def connected(self) -> None:
        """Take in that the socket is connected: the exchange begins."""
        self.reused = False
        self.deadline.begin()

    def add_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> TLS:
        self._layers.append(TLS(context, server_hostname))
        return self._layers[-1]

    def has_data(self) -> bool:
        """Whether a layer of TLS has received what belongs to no response, or the end of the connection."""
        return any(layer.has_data() for layer in self._layers)

    def close(self) -> None:
        """Close the socket. Never waits, and may be called at any time."""
        self.reused = False
        self._layers = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        # Ctrl-C may lose a connection between two lines that would have closed it.
        self.close()


class TLS:
    """One layer of TLS, without I/O: what to send and what was received passes through its two buffers.

    The same for a thread, for an event loop, and within another layer, that of an https:// proxy.
    """

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        # Neither the brackets of an IPv6 address in a URL nor the dot that ends a full name belong to a
        # certificate's names.
        name = server_hostname and server_hostname.strip("[]").removesuffix(".")
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._received, self._to_send, server_hostname=name)

    def attempt(self, operation: Callable[..., Any], *arguments: object) -> Any:
        """What `operation` of `object` returns, or NEEDS_DATA. Raises ssl.SSLError."""
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            return NEEDS_DATA

    def read(self, max_bytes: int) -> Any:
        """Decrypted bytes, `b""` at the end, or NEEDS_DATA. Raises ssl.SSLError."""
        try:
            if not self._received.pending and not self.object.pending() and not self._received.eof:
                return NEEDS_DATA  # an exception would say so too, and take longer
            return self.attempt(self.object.read, max_bytes)
        except ssl.SSLEOFError:
            return b""  # as ssl's own sockets: many servers do not say goodbye

    def receive(self, data: bytes) -> None:
        """Take in what came from the layer below; nothing is its end."""
        if data:
            self._received.write(data)
        else:
            self._received.write_eof()

    def to_send(self) -> bytes:
        """What is to be written to the layer below."""
        return self._to_send.read() if self._to_send.pending else b""

    def has_data(self) -> bool:
        """Whether it has decrypted bytes that nobody has read, or has come to its end."""
        try:
            return self.read(1) is not NEEDS_DATA
        except ssl.SSLError:
            return True


def addresses_without_lookup(host: str, port: int) -> list[tuple[Any, ...]] | None:
    """The address that `host` is itself; None for a name."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        return None


# httpcore's pool sets the cause of what passes through it to None. Its context stays, so both functions raise
# with the system's error as the one that is being handled.


def raise_lookup_error(error: OSError) -> NoReturn:
    """Raise httpcore's exception for a host without addresses."""
    try:
        socket.socket().close()
    except OSError as limit:  # a resolver that can open no file does not say so
        raise httpcore.ConnectError(limit.strerror) from limit
    try:
        raise error
    except OSError:
        raise httpcore.ConnectError(error.strerror or str(error)) from error


def raise_connect_error(failures: list[tuple[str, OSError]], timeout: float | None) -> NoReturn:
    """Raise httpcore's exception for a host of which every address has failed; the text has each failure."""
    _, last = failures[-1]
    kind = httpcore.ConnectTimeout if isinstance(last, TimeoutError) else httpcore.ConnectError
    try:
        raise last
    except OSError:
        said = "; ".join(f"{address}: {_reason(error, timeout)}" for address, error in failures)
        raise kind(said) from last


def _reason(error: OSError, timeout: float | None) -> str:
    if isinstance(error, TimeoutError) and not error.errno:
        return f"no connection within {timeout:g} s"
    return error.strerror or str(error)


def peek(sock: socket.socket) -> bool:
    """Whether a socket that does not block has anything to read, its end included."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True
    return True


def extra_info(connected: socket.socket, info: str) -> Any:
    """What httpcore's own streams know of a socket."""
    if info == "socket":
        return connected
    if info == "client_addr":
        return connected.getsockname()
    if info == "server_addr":
        return connected.getpeername()
    return None


def use_backend(
    transport: Any, backend: Any, pools: tuple[type[Any], type[Any]], verify: Any, proxy: httpx.Proxy | None
) -> Any:
    """Give an httpx transport a pool of one connection with this network backend; None if it has no pool.

    pools: httpcore's class without a proxy, and with one.
    """
    if not isinstance(getattr(transport, "_pool", None), pools):
        _warn_once()
        return None
    options: dict[str, Any] = {
        "ssl_context": verify,
        "max_connections": ONE_CONNECTION.max_connections,
        "keepalive_expiry": ONE_CONNECTION.keepalive_expiry,
        "network_backend": backend,
    }
    if proxy is None:
        pool = pools[0](**options)
    else:
        url = httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/"
        )
        pool = pools[1](
            proxy_url=url,
            proxy_auth=proxy.raw_auth,
            proxy_headers=proxy.headers.raw,
            proxy_ssl_context=proxy.ssl_context,
            **options,
        )
    pool._optional_thread_lock = threading.RLock()
    transport._pool = pool
    return pool


def may_be_kept(link: Link, pool: Any) -> bool:
    """Whether nothing is left in a connection whose response was read to its end.

    Why: HTTP/1.1 has no request ids. What a server, or a proxy that repeats itself, sends after a response
    would be read as the response to the connection's next request: as the next page, or as that of another
    function. Nothing would fail; configurations would be lost or attributed to the wrong function.

    Extra bytes may be in four places: with h11, which has received them together with the response; decrypted
    in a TLS layer; received but not yet decrypted there; or in the socket. The first three are checked here,
    when the response has ended. httpcore checks the last: before it uses an idle connection again, it asks
    the stream whether it `is_readable`, and closes the connection if it is.
    """
    connection: Any = next(iter(pool.connections), None)
    if connection is None:
        return False  # the service has closed it, or something else answered in httpcore's place
    while (h11 := getattr(connection, "_h11_state", None)) is None:
        connection = getattr(connection, "_connection", None)
        if connection is None:
            _warn_once()
            return False
    return not h11.trailing_data[0] and not link.has_data()


@lru_cache(maxsize=1)
def _warn_once() -> None:
    logger.warning("this version of httpx or httpcore is not known: connections are not kept")


class Body:
    """A response's body as it comes in."""

    def __init__(self, max_size: int) -> None:
        self._max_size = self._left = max_size
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> bool:
        """Whether there was room for it."""
        self._left -= len(part)
        if self._left >= 0:
            self._parts.append(part)
        return self._left >= 0

    def whole(self) -> bytes:
        if self._left < 0:
            raise too_large(self._max_size)
        return b"".join(self._parts)


def too_large(max_size: int) -> ResponseTooLargeError:
    return ResponseTooLargeError(
        f"Unable to parse the response: it is larger than max_response_size, {max_size} bytes"
    )
