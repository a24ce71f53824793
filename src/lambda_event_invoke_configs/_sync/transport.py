"""The transport of `Client`: a pool of connections, each used by one thread at a time."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any, cast

import httpx

from .._client.network import ONE_CONNECTION, Body, Deadline, discard_if_data_left
from .._fork import reset_after_fork


def read(response: httpx.Response, max_size: int) -> bytes:
    """A response's body, of `max_size` bytes at most; closes the response.

    Raises ResponseTooLargeError, and what httpx's transports raise.
    """
    body = Body(max_size)
    try:
        for part in cast("Iterable[bytes]", response.stream):
            if not body.add(part):
                break
        discard_if_data_left(response)
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

    connections: how many there may be.
    options: those of `_Connection`, as `http.transport_options()` returns them.
    """

    def __init__(self, *, connections: int, **options: Any) -> None:
        self._options = options
        self._connections = connections
        self._closed = False
        self.reset()
        self._idle.append(_Connection(**options))  # so that bad options fail when the client is made
        reset_after_fork(self)

    def reset(self) -> None:
        """Start without connections: a forked process must not use those of its parent."""
        self._idle: list[_Connection] = []  # the one used last comes last
        self._slots = threading.Semaphore(self._connections)
        # A client that is never closed ends without a warning about unclosed sockets, as boto3's does.
        weakref.finalize(self, _close_all, self._idle)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response. Waits while all connections are in use."""
        try:
            with self._slots:
                connection = _pop(self._idle) or _Connection(**self._options)
                response = connection.handle_request(request)
                self._idle.append(connection)
                return response
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the idle connections at once, and each of the others when its request ends."""
        self._closed = True
        _close_all(self._idle)


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

    seconds: how long one exchange may take in all; None for no limit.
    max_size: bytes of a response's body.
    """

    def __init__(self, *, seconds: float | None, max_size: int, **options: Any) -> None:
        super().__init__(limits=ONE_CONNECTION, **options)
        self._deadline = None if seconds is None else Deadline(seconds)
        self._max_size = max_size

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._deadline:
            self._deadline.begin()
            request.extensions["trace"] = self._deadline.trace
        try:
            response = super().handle_request(request)
            response.stream = httpx.ByteStream(read(response, self._max_size))
        except BaseException:
            # httpcore keeps a tunnel in which TLS has failed as in use, an interrupted request as waiting.
            self.close()
            raise
        return response
