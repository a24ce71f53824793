"""The layer below httpx: request deadline, TLS, unread data on a connection, and closing.

Both clients use httpx's transports, so that tools that patch the methods of httpx or httpcore keep working:
respx, vcrpy, OpenTelemetry. The sockets below them are this library's (`_sync/sockets.py`,
`_async/sockets.py`), plugged in through httpcore's documented interface, the pool's `network_backend`. They
are needed for four reasons:

1. A total deadline for one request and response. httpcore's timeouts apply to single reads and writes, so a
   server that sends one byte from time to time never exceeds them.
2. Access to the data that a TLS layer has received but not returned when a response has ended.
3. Closing without a lock. httpcore takes the lock of its pool, and Ctrl-C may have left that lock locked.
4. The cost of a read in an event loop: waiting for a socket takes a third of the time of anyio's streams.

This is the only module that uses private names of other libraries. There are three:

  * `_pool` of an httpx transport. The transport's constructor does not accept a network backend, so this
    module replaces the pool with one of the same class.
  * `_optional_thread_lock` of that pool. Its `__enter__` is Python code. If Ctrl-C interrupts it after it has
    acquired the lock, the lock stays locked, and the pool's cleanup waits for it forever. Here, only one
    thread at a time uses a pool, so the pool does not need this lock.
  * `_connection` and `_h11_state` of the pool's connection, to find data that h11 has received after a
    response.

If the first or the last is missing, the client does not reuse connections: each request gets a new one, so
that data after a response is never read. The client logs a warning once.

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
NOT_COMPLETED = "not completed"

_EXCEEDED = "request deadline exceeded"


class Deadline:
    """The deadline of the current request and response on one connection.

    Why: the timeouts of httpx, like those of urllib3 and of sockets, apply to single reads and writes. If a
    server or a proxy sends one byte from time to time, no timeout expires and the call never ends. httpx has
    no total timeout (encode/httpx#1450). An event loop could use a cancel scope, but a thread cannot be
    cancelled. Therefore the sockets of both clients enforce the deadline: each read or write may take the
    remaining time.

    1. The clock starts when the connection is open, or when a request starts on a reused connection. It does
       not cover the DNS lookup and connecting: each address gets the full `connect_timeout`. Otherwise an
       unreachable address would use up the time of the next one.
    2. A TLS handshake may take `connect_timeout`, but not more than the remaining time.
    3. When no time remains, the next read or write raises immediately. A very short timeout would not be
       enough: every read from a fast server would succeed, and the call would never end.
    4. Waiting for a free connection of the client does not count. The calls that hold the connections have
       deadlines too.

    seconds: the total time, counted from when the connection is open; None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def begin(self) -> None:
        """Start the clock for the next request."""
        if self._seconds is not None:
            self._end = time.monotonic() + self._seconds

    def late(self, timeout: float | None, what: str) -> str:
        """The message for an expired `timeout`, or for the expired deadline."""
        if timeout is None or (self._end is not None and self._end <= time.monotonic()):
            return _EXCEEDED
        return f"{what} within {timeout:g} s"

    def rest(self, timeout: float | None, late: type[Exception]) -> float | None:
        """The timeout in seconds for the next read or write. Raises `late` if no time remains."""
        if self._end is None:
            return timeout
        rest = self._end - time.monotonic()
        if rest <= 0:  # rule 3
            raise late(_EXCEEDED)
        return rest if timeout is None or rest < timeout else timeout

    def at_most(self, timeout: float | None) -> Deadline:
        """The deadline of one step, such as a TLS handshake."""
        part = Deadline(timeout)
        part.begin()
        if part._end is None or (self._end is not None and self._end < part._end):
            part._end = self._end
        return part


class Link:
    """The socket of one connection, with its deadline and its TLS layers.

    The transport holds a reference to it, so that it can close the socket without httpcore.
    """

    _socket: socket.socket | None = None  # a class attribute, because Ctrl-C may interrupt __init__

    def __init__(self, seconds: float | None, socket_options: SocketOptions) -> None:
        self.deadline = Deadline(seconds)
        self.reused = False
        self._socket_options = socket_options or ()
        self._layers: list[TLS] = []

    def open(self, address: tuple[Any, ...]) -> socket.socket:
        """Open a socket for an address from `socket.getaddrinfo()`. Raises OSError."""
        self.close()
        family, kind, protocol, _, _ = address
        self._socket = made = socket.socket(family, kind, protocol)
        for option in self._socket_options:
            made.setsockopt(*option)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def add_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> TLS:
        self._layers.append(TLS(context, server_hostname))
        return self._layers[-1]

    def has_data(self) -> bool:
        """Whether a TLS layer has unread data, or has received the end of the connection."""
        return any(layer.has_data() for layer in self._layers)

    def close(self) -> None:
        """Close the socket. Never blocks; safe to call at any time."""
        self.reused = False
        self._layers = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        # Ctrl-C may interrupt the code that would have closed the connection.
        self.close()


class TLS:
    """One TLS layer, without I/O: sent and received data passes through two buffers.

    It works the same in a thread, in an event loop, and inside the TLS layer of an https:// proxy.
    """

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        # Names in certificates have neither the brackets of an IPv6 address nor a trailing dot.
        name = server_hostname and server_hostname.strip("[]").removesuffix(".")
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._received, self._to_send, server_hostname=name)

    def attempt(self, operation: Callable[..., Any], *arguments: object) -> Any:
        """Call a method of `object`. Returns its result, or NEEDS_DATA. Raises ssl.SSLError."""
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            return NEEDS_DATA

    def read(self, max_bytes: int) -> Any:
        """Decrypted bytes, `b""` at the end, or NEEDS_DATA. Raises ssl.SSLError."""
        try:
            if not self._received.pending and not self.object.pending() and not self._received.eof:
                return NEEDS_DATA  # cheaper than the exception
            return self.attempt(self.object.read, max_bytes)
        except ssl.SSLEOFError:
            return b""  # as ssl.SSLSocket does: many servers close without close_notify

    def receive(self, data: bytes) -> None:
        """Pass in data from the layer below; empty data means the end of the connection."""
        if data:
            self._received.write(data)
        else:
            self._received.write_eof()

    def to_send(self) -> bytes:
        """Return the data to write to the layer below."""
        return self._to_send.read() if self._to_send.pending else b""

    def has_data(self) -> bool:
        """Whether it has unread decrypted data, or has received the end of the connection."""
        try:
            return self.read(1) is not NEEDS_DATA
        except ssl.SSLError:
            return True


def addresses_without_lookup(host: str, port: int) -> list[tuple[Any, ...]] | None:
    """The addresses for a `host` that is an IP address; None for a host name."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        return None


# httpcore's pool sets the `__cause__` of exceptions to None, but keeps their `__context__`. Both functions
# therefore raise while they handle the system's error.


def raise_lookup_error(error: OSError) -> NoReturn:
    """Raise httpcore's exception for a failed DNS lookup."""
    try:
        socket.socket().close()
    except OSError as limit:  # the resolver does not report that the process has too many open files
        raise httpcore.ConnectError(limit.strerror) from limit
    try:
        raise error
    except OSError:
        raise httpcore.ConnectError(error.strerror or str(error)) from error


def raise_connect_error(failures: list[tuple[str, OSError]], timeout: float | None) -> NoReturn:
    """Raise httpcore's exception after every address has failed. The message lists each failure."""
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
    """Whether a non-blocking socket has data to read, or has received the end of the connection."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True
    return True


def extra_info(connected: socket.socket, info: str) -> Any:
    """The information about a socket that httpcore's streams provide."""
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
    """Replace the pool of an httpx transport with a pool of one connection that uses `backend`.

    pools: httpcore's pool classes, without and with a proxy.

    Returns the new pool, or None if the transport has no pool of these classes.
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
        url = httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port)
        pool = pools[1](
            proxy_url=url,
            proxy_auth=proxy.raw_auth,
            proxy_ssl_context=proxy.ssl_context,
            **options,
        )
    pool._optional_thread_lock = threading.RLock()
    transport._pool = pool
    return pool


def may_be_kept(link: Link, pool: Any) -> bool:
    """Whether a connection has no unread data after its response was read completely.

    Why: HTTP/1.1 has no request ids. If a server sends extra bytes after a response, or a proxy repeats a
    response, the client would read them as the response to its next request: as the next page, or as a page
    of another function. No error would occur, but configurations would be lost or attributed to the wrong
    function.

    Extra bytes can be in four places: in h11, which received them together with the response; decrypted in a
    TLS layer; received by a TLS layer but not decrypted; or in the socket. This function checks the first
    three when the response has ended. httpcore checks the last one: before it reuses an idle connection, it
    asks the stream whether it `is_readable`, and if so closes the connection.
    """
    connection: Any = next(iter(pool.connections), None)
    if connection is None:
        return False  # the service has closed it, or a mock returned the response
    while (h11 := getattr(connection, "_h11_state", None)) is None:
        connection = getattr(connection, "_connection", None)
        if connection is None:
            _warn_once()
            return False
    return not h11.trailing_data[0] and not link.has_data()


@lru_cache(maxsize=1)
def _warn_once() -> None:
    logger.warning("unknown version of httpx or httpcore: connections are not reused")


class Body:
    """Collects the body of a response."""

    def __init__(self, max_size: int) -> None:
        self._max_size = self._left = max_size
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> bool:
        """Append `part`. Returns False if the body is larger than the limit."""
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
