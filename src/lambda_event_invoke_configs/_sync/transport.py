"""The transport of `Client`: a pool of connections, each used by one thread at a time."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any, cast

import httpcore
import httpx

from .._client.network import ONE_CONNECTION, Body, Link, may_be_kept, use_backend
from .._fork import reset_after_fork
from .functions import wait_for
from .sockets import Backend

_MAX_SLOTS = 10_000  # a process has fewer sockets


def read(response: httpx.Response, max_size: int) -> bytes:
    """A response's body, of `max_size` bytes at most; closes the response.

    Raises ResponseTooLargeError, and what httpx's transports raise.
    """
    body = Body(max_size)
    try:
        for part in cast("Iterable[bytes]", response.stream):
            if not body.add(part):
                break
    finally:
        response.close()
    return body.whole()


class PooledTransport(httpx.BaseTransport):
    """A pool of `httpx.HTTPTransport`s with one connection each, which one thread uses at a time.

    Why not one `httpx.HTTPTransport` for all threads: its pool loses connections under load. The pool may
    assign a connection to a request while a thread is about to send on it; when that thread's response
    arrives, the pool sees an idle connection with data to read, concludes that the server has closed it, and
    closes it under the second request (encode/httpcore#1110). With one connection to each transport, no two
    threads ever look at the same connection.

    Connections that are idle tend to die together: a frozen sandbox, a laptop that slept, a NAT gateway after
    350 seconds. So when a request fails on a connection that was used before, all idle ones are closed, and
    the next attempt makes a new connection, as with urllib3.

    connections: how many there may be.
    options: those of `_Connection`, as `http.transport_options()` returns them.
    """

    def __init__(self, *, connections: int, **options: Any) -> None:
        self._options = options
        self._connections = min(connections, _MAX_SLOTS)
        self._closed = False
        self.reset()
        self._idle.append(_Connection(**options))  # so that bad options fail when the client is made
        reset_after_fork(self)

    def reset(self) -> None:
        """Start without connections: a forked process must not use those of its parent."""
        self._idle: list[_Connection] = []  # the one used last comes last
        self._slots: SimpleQueue[Reservation] = SimpleQueue()
        for _ in range(self._connections):
            self._slots.put(Reservation(self, self._slots))
        # A client that is never closed ends without a warning about unclosed sockets, as boto3's does.
        weakref.finalize(self, _close_all, self._idle)

    def reserve(self) -> Reservation:
        """Wait until a connection may be used, and return the right to use one.

        A caller whose request must be fresh, since its signature is refused after five minutes, makes the
        request after this wait. It must call `release()`, once.
        """
        return wait_for(self._slots)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response. Waits while all connections are in use."""
        reservation = self.reserve()
        try:
            return reservation.handle_request(request)
        finally:
            reservation.release()

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        connection = _pop(self._idle) or _Connection(**self._options)
        reused = connection.link.reused
        try:
            response = connection.handle_request(request)
        except httpx.TransportError:
            if reused:
                _close_all(self._idle)
            raise
        if connection.usable:
            self._idle.append(connection)
        if self._closed:
            self.close()
        return response

    def close(self) -> None:
        """Close the idle connections at once, and each of the others when its request ends."""
        self._closed = True
        _close_all(self._idle)


class Reservation(httpx.BaseTransport):
    """The right to use one connection: a transport that does not wait for one.

    Whatever becomes of the thread that holds it, it comes back. The lock of a semaphore is entered in Python
    code, and Ctrl-C in that code leaves it taken for ever. A queue's get() is one step of the interpreter; if
    Ctrl-C follows it, the reservation that it returned is dropped, and `__del__` puts a new one in its place.
    """

    def __init__(self, pool: PooledTransport, slots: SimpleQueue[Reservation]) -> None:
        self._pool = weakref.ref(pool)
        self._slots = weakref.ref(slots)  # not the pool's current ones, which a fork replaces

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response."""
        pool = self._pool()
        assert pool is not None
        return pool._exchange(request)

    def release(self) -> None:
        """Let another thread have it. Once only: this object is then the other thread's."""
        if (slots := self._slots()) is not None:
            slots.put(self)

    def __del__(self) -> None:
        pool, slots = self._pool(), self._slots()
        if pool is not None and slots is not None:
            slots.put(Reservation(pool, slots))


def _close_all(idle: list[_Connection]) -> None:
    while connection := _pop(idle):
        connection.close()


def _pop(idle: list[_Connection]) -> _Connection | None:
    try:
        return idle.pop()
    except IndexError:
        return None


class _Connection(httpx.HTTPTransport):
    """One connection, with a deadline for each exchange.

    seconds: how long one exchange may take in all, from when it has its connection; None for no limit.
    max_size: bytes of a response's body.
    """

    def __init__(
        self,
        *,
        verify: Any,
        proxy: httpx.Proxy | None = None,
        socket_options: Any = None,
        seconds: float | None,
        max_size: int,
    ) -> None:
        super().__init__(verify=verify, trust_env=False, limits=ONE_CONNECTION, proxy=proxy)
        self.link = Link(seconds, socket_options)
        self.usable = True
        self._max_size = max_size
        pools = (httpcore.ConnectionPool, httpcore.HTTPProxy)
        self._pool_in_use = use_backend(self, Backend(self.link), pools, verify, proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.link.deadline.begin()
        self.usable = False
        try:
            response = super().handle_request(request)
            response.stream = httpx.ByteStream(read(response, self._max_size))
            self.usable = self._pool_in_use is not None and may_be_kept(self.link, self._pool_in_use)
            self.link.reused = True
        finally:
            if not self.usable:
                # After an error too: httpcore keeps a tunnel in which TLS has failed as in use, and an
                # interrupted request as waiting.
                self.close()
        return response

    def close(self) -> None:
        """Close the connection."""
        self.link.close()
        if self._pool_in_use is None:
            super().close()
