"""The transport of `Client`: a pool of connections, each used by one thread at a time."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Any, cast

import httpcore
import httpx

from .._client.network import ONE_CONNECTION, Body, Link, may_be_kept, use_backend
from .._fork import reset_after_fork
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
    the next attempt connects anew, as with urllib3.

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
        self._slots: SimpleQueue[_Slot] = SimpleQueue()
        for _ in range(self._connections):
            self._slots.put(_Slot(self._slots))
        # A client that is never closed ends without a warning about unclosed sockets, as boto3's does.
        weakref.finalize(self, _close_all, self._idle)

    def reserve(self) -> Reservation:
        """A connection to come: `with transport.reserve() as reserved: reserved.handle_request(request)`.

        Waits while all connections are in use; its `handle_request` then waits for none. So that what has to
        be fresh, such as a signature, can be made between the two.
        """
        return Reservation(self)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response. Waits while all connections are in use."""
        with self.reserve() as reserved:
            return reserved.handle_request(request)

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


class _Slot:
    """The right to use one connection. Whatever becomes of the thread that has it, it comes back.

    The lock of a semaphore is entered in Python code, and Ctrl-C in that code leaves it taken. A queue's
    get() is one step of the interpreter; if Ctrl-C follows it, the slot it returned is dropped, and that
    puts a new one in its place.
    """

    __slots__ = ("_slots",)

    def __init__(self, slots: SimpleQueue[_Slot]) -> None:
        self._slots = weakref.ref(slots)

    def release(self) -> None:
        if (slots := self._slots()) is not None:
            slots.put(self)

    def __del__(self) -> None:
        if (slots := self._slots()) is not None:
            slots.put(_Slot(slots))


class Reservation(httpx.BaseTransport):
    """A transport that waits for a connection when it is entered, and for none after that."""

    _slot: _Slot

    def __init__(self, pool: PooledTransport) -> None:
        self._pool = pool

    def __enter__(self) -> Reservation:
        self._slot = self._pool._slots.get()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._slot.release()
        del self._slot  # a reservation that is kept, in a traceback, keeps no slot

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response."""
        return self._pool._exchange(request)


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
