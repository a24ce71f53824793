"""The transports that clients make themselves: httpx's, within limits.

An exchange takes no longer than both timeouts together, and no more memory than `max_response_size`; the
synchronous one longer if it tries several addresses of a host. Each of them reads all of a response before it
hands it out.
"""

from __future__ import annotations

import ssl
import time
import weakref
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from itertools import islice
from queue import SimpleQueue
from typing import Any, cast

import anyio
import httpx

from .._fork import begin_anew
from ..exceptions import ResponseTooLargeError, without_frames


class Deadline:
    """The end of the exchange that is under way on one connection."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0

    def begin(self) -> None:
        """Start the clock for the next exchange."""
        self._end = time.monotonic() + self._seconds

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What each request needs as its `trace` extension."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        stream = info["return_value"]
        stream.start_tls = self._shaking_hands(stream.start_tls)
        stream.read = self._in_time(stream.read, httpx.ReadTimeout)
        stream.write = self._in_time(stream.write, httpx.WriteTimeout)
        if isinstance(secure := stream.get_extra_info("socket"), ssl.SSLSocket):
            # TLS within this one, a proxy's, receives as often as it takes for one of its own records.
            secure.recv = self._receiving(secure)  # type: ignore[method-assign]

    def _rest_of(self, timeout: float, late: type[Exception]) -> float:
        rest = self._end - time.monotonic()
        if rest <= 0:  # with the shortest of timeouts, what comes fast enough would go on for ever
            raise late("the time of the exchange is over")
        return min(timeout, rest)

    def _in_time(self, transfer: Callable[..., Any], late: type[Exception]) -> Callable[..., Any]:
        def bounded(data: object, timeout: float) -> Any:
            return transfer(data, self._rest_of(timeout, late))

        return bounded

    def _shaking_hands(self, start_tls: Callable[..., Any]) -> Callable[..., Any]:
        def bounded(ssl_context: ssl.SSLContext, server_hostname: str | None, timeout: float) -> Any:
            return start_tls(ssl_context, server_hostname, self._rest_of(timeout, httpx.ConnectTimeout))

        return bounded

    def _receiving(self, secure: ssl.SSLSocket) -> Callable[..., bytes]:
        receive = secure.recv

        def bounded(size: int) -> bytes:
            timeout = cast("float", secure.gettimeout())  # one of those above has set it
            secure.settimeout(self._rest_of(timeout, TimeoutError))
            return receive(size)

        return bounded


# As boto3: a connection is kept until the service closes it.
_ONE = httpx.Limits(max_connections=1, keepalive_expiry=None)


def read(response: httpx.Response, max_size: int) -> bytes:
    """A response's body, of `max_size` bytes at most; closes the response.

    Raises ResponseTooLargeError, and what httpx's transports raise.
    """
    body = _Body(max_size)
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

    The arguments are `options()`: those of `httpx.HTTPTransport`, `connections` for how many there may be,
    and `seconds` and `max_size` for what an exchange may take in all.
    """

    def __init__(self, *, connections: int, **options: Any) -> None:
        self._options = options
        self._connections = connections
        self._closed = False
        self.begin()
        # The first one imports httpcore. If a thread did that, see forks.importing.
        self._free.append(_OneConnection(**options))
        begin_anew(self)

    def begin(self) -> None:
        """Have no connection yet; a forked process does not use those of its parent."""
        self._free: list[_OneConnection] = []  # the one used last comes last
        # The methods of both are atomic: a signal's handler that raises leaves none of them locked.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._connections):
            self._turns.put(None)
        # A client that nobody closes ends without a warning of unclosed sockets, as boto3's do.
        weakref.finalize(self, _close, self._free)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read all of the response; waits while all connections are in use."""
        turns: list[None] = []
        try:
            # No bytecode is between queue and list: a signal's handler that raises there would lose it.
            turns.extend(islice(iter(self._turns.get, self), 1))
            transport = _taken(self._free) or _OneConnection(**self._options)
            response = transport.handle_request(request)
            self._free.append(transport)
            return response
        finally:
            for turn in turns:
                self._turns.put(turn)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close the connections; those in use, and any that a later request makes, at its end."""
        self._closed = True
        _close(self._free)


def _close(idle: list[_OneConnection]) -> None:
    while transport := _taken(idle):
        transport.close()


def _taken(idle: list[_OneConnection]) -> _OneConnection | None:
    try:
        return idle.pop()
    except IndexError:
        return None


class _OneConnection(httpx.HTTPTransport):
    """One connection at a time, and a limit for what a whole exchange takes."""

    def __init__(self, *, seconds: float | None, max_size: int, **options: Any) -> None:
        super().__init__(limits=_ONE, **options)
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

    def __init__(self, *, connections: int, seconds: float | None, max_size: int, **options: Any) -> None:
        self._options: dict[str, Any] = {**options, "limits": _ONE}
        self._closed = False
        self._free = [httpx.AsyncHTTPTransport(**self._options)]  # the one used last comes last
        # Waited for here, not in the pool, since it is no part of the exchange.
        self._turn = anyio.Semaphore(connections, fast_acquire=True)
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
