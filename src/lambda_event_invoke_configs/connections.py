"""The transports that clients make themselves: httpx's, within limits.

An exchange, from the connection to the last byte, takes no longer than both timeouts together and no more
memory than `max_response_size`. Each of them reads all of a response before it hands it out.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, Iterable
from queue import SimpleQueue
from typing import Any, cast

import anyio
import httpx

from .deadline import Deadline
from .exceptions import ResponseTooLargeError, without_frames
from .forks import begin_anew


def read(response: httpx.Response, max_size: int) -> bytes:
    """A response's body, of `max_size` bytes at most; closes the response.

    Raises ResponseTooLargeError, and what httpx's transports raise.
    """
    body = _Body(max_size)
    if isinstance(response.stream, httpx.ByteStream):
        return body.of(response.stream)
    try:
        for part in cast("Iterable[bytes]", response.stream):
            if not body.add(part):
                break
        _use_no_more_if_more_came(response)
    finally:
        response.close()
    return body.whole()


async def read_async(response: httpx.Response, max_size: int) -> bytes:
    """As `read()`."""
    body = _Body(max_size)
    if isinstance(response.stream, httpx.ByteStream):
        return body.of(response.stream)
    try:
        parts = aiter(cast("AsyncIterable[bytes]", response.stream))
        async for part in parts:
            if not body.add(part):
                with anyio.CancelScope() as rest:  # a break alone would not end the stream's generators
                    rest.cancel()
                    async for _ in parts:
                        pass
                break
        _use_no_more_if_more_came(response)
    finally:
        await response.aclose()
    return body.whole()


class _Body:
    def __init__(self, max_size: int) -> None:
        self._max_size = self._left = max_size
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> bool:
        """Whether there was room for it."""
        self._left -= len(part)
        if self._left >= 0:
            self._parts.append(part)
        return self._left >= 0

    def of(self, in_memory: httpx.ByteStream) -> bytes:
        """The whole of a body that was read before: by those below, or made up by a mock."""
        self.add(b"".join(in_memory))
        return self.whole()

    def whole(self) -> bytes:
        if self._left < 0:
            raise ResponseTooLargeError(
                f"Unable to parse the response: it is larger than max_response_size, {self._max_size} bytes"
            )
        return b"".join(self._parts)


def _use_no_more_if_more_came(response: httpx.Response) -> None:
    """Let httpcore close the connection of a response that was read to its end, if more came behind it.

    Otherwise what came, such as the same answer again, would be taken for the answer to the connection's
    next request: for the next page, or for that of another function.
    """
    # There is no public way to it. If these names change, tests/http/test_faults.py fails; and what takes
    # httpx's place in somebody's tests has none of them.
    found: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        found = getattr(found, name, None)
    if found is not None and (found.trailing_data[0] or _holds_more(response.extensions["network_stream"])):
        found.send_failed()


def _holds_more(stream: Any) -> bool:
    """Whether a layer below h11 keeps what it has received: TLS may, and asyncio's queue of anyio's."""
    while stream is not None:
        if getattr(getattr(stream, "_protocol", None), "read_queue", None):
            return True
        tls = getattr(stream, "_ssl_object", None) or getattr(stream, "ssl_obj", None)
        try:
            if tls is not None and tls.read(1):
                return True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            return True
        stream = getattr(stream, "_stream", None) or getattr(stream, "transport_stream", None)
    return False


class ThreadedTransport(httpx.BaseTransport):
    """As many `httpx.HTTPTransport`s as connections are allowed, each for one thread at a time.

    A single one shared by threads closes connections in use now and then: httpcore's pool takes one that
    a thread is just about to send on for idle, finds it readable once the answer is there, and concludes
    that the server has hung up.

    The arguments are `options()`: those of `httpx.HTTPTransport`, and `seconds` and `max_size` for what an
    exchange may take in all.
    """

    def __init__(self, *, limits: httpx.Limits, **options: Any) -> None:
        self._options = options
        self._connections = limits.max_connections or 0
        self._closed = False
        self._kept: list[object] = []  # what a forked process has of its parent: neither used nor closed
        self.begin()
        begin_anew(self)

    def begin(self) -> None:
        """Have no connection yet."""
        self._kept.append(vars(self).get("_free"))
        self._free: list[_OneConnection] = []  # the one used last comes last
        # The methods of both are atomic: a signal's handler that raises leaves none of them locked.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._connections):
            self._turns.put(None)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read all of the response; waits while all connections are in use."""
        self._turns.get()
        try:
            transport = self._idle() or _OneConnection(**self._options)
            response = transport.handle_request(request)
            self._free.append(transport)
            return response
        finally:
            self._turns.put(None)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the connections; those in use, and any that a later request makes, at its end."""
        self._closed = True
        while transport := self._idle():
            transport.close()

    def _idle(self) -> _OneConnection | None:
        try:
            return self._free.pop()
        except IndexError:
            return None


class _OneConnection(httpx.HTTPTransport):
    """One connection at a time, and a limit for what a whole exchange takes."""

    def __init__(self, *, seconds: float | None, max_size: int, **options: Any) -> None:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
        super().__init__(limits=limits, **options)
        self._deadline = None if seconds is None else Deadline(seconds)
        self._max_size = max_size

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._deadline:
            self._deadline.begin()
            request.extensions["trace"] = self._deadline.trace
        try:
            response = super().handle_request(request)
            response.stream = httpx.ByteStream(read(response, self._max_size))
            return response
        except BaseException as error:
            # httpcore keeps a tunnel in which TLS has failed as in use, and a cancelled request as waiting.
            self.close()
            raise _shown(error)  # noqa: B904 - it is the same one


def _shown(error: BaseException) -> BaseException:
    # The frames hold headers, a proxy's password among them. A failure of the network is not raised further,
    # but asked what it came of.
    return error if isinstance(error, (httpx.TransportError, ssl.SSLError)) else without_frames(error)


class TaskTransport(httpx.AsyncBaseTransport):
    """The same for the tasks of one event loop: each connection is one task's at a time."""

    def __init__(self, *, limits: httpx.Limits, seconds: float | None, max_size: int, **options: Any) -> None:
        one = httpx.Limits(max_connections=1, keepalive_expiry=None)
        self._options: dict[str, Any] = {**options, "limits": one}
        self._closed = False
        self._free: list[httpx.AsyncHTTPTransport] = []  # the one used last comes last
        # Waited for here, not in the pool, since it is no part of the exchange.
        self._turn = anyio.Semaphore(limits.max_connections or 0, fast_acquire=True)
        self._seconds = seconds
        self._max_size = max_size

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read all of the response; waits while all connections are in use."""
        async with self._turn:
            transport = self._free.pop() if self._free else httpx.AsyncHTTPTransport(**self._options)
            with anyio.move_on_after(self._seconds):
                return await self._exchange(transport, request)
        raise httpx.ReadTimeout("The read operation timed out")

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        kept = False
        try:
            response = await transport.handle_async_request(request)
            response.stream = httpx.ByteStream(await read_async(response, self._max_size))
            kept = not self._closed
            return response
        except BaseException as error:
            raise _shown(error)  # noqa: B904 - see _OneConnection
        finally:
            if kept:
                self._free.append(transport)
            else:
                with anyio.CancelScope(shield=True):
                    await transport.aclose()

    async def aclose(self) -> None:
        """Close the connections; those in use, and any that a later request makes, at its end."""
        self._closed = True
        # One by one: if this is cancelled, those that are left are there to be closed later.
        while self._free:
            await self._free.pop().aclose()
