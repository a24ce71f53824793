"""The transport of `AsyncClient`: a pool of connections, each used by one task at a time."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, cast

import anyio
import httpcore
import httpx

from .._client.network import ONE_CONNECTION, Body, Link, may_be_kept, use_backend
from .sockets import Backend


async def read_async(response: httpx.Response, max_size: int) -> bytes:
    """As `read()`."""
    body = Body(max_size)
    try:
        parts = aiter(cast("AsyncIterable[bytes]", response.stream))
        async for part in parts:
            if not body.add(part):
                with anyio.CancelScope() as rest:  # a break alone would not end the stream's generators
                    rest.cancel()
                    async for _ in parts:
                        pass
                break
    finally:
        await response.aclose()
    return body.whole()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """`PooledTransport` for the tasks of one event loop: one task uses a connection at a time."""

    def __init__(self, *, connections: int, **options: Any) -> None:
        self._options = options
        self._closed = False
        self._idle = [_Connection(**options)]  # the one used last comes last
        # Tasks wait here, not in httpcore's pool: waiting is not part of the exchange.
        self._slots = anyio.Semaphore(connections, fast_acquire=True)

    async def reserve(self) -> Reservation:
        """Wait until a connection may be used, and return the right to use one; as `PooledTransport`'s."""
        await self._slots.acquire()
        return Reservation(self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response. Waits while all connections are in use."""
        reservation = await self.reserve()
        try:
            return await reservation.handle_async_request(request)
        finally:
            reservation.release()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        connection = self._idle.pop() if self._idle else _Connection(**self._options)
        reused = connection.link.reused
        try:
            response = await connection.handle_async_request(request)
        except httpx.TransportError:
            if reused:
                await self._close_idle()
            raise
        if connection.usable:
            self._idle.append(connection)
        if self._closed:
            await self.aclose()
        return response

    async def aclose(self) -> None:
        """Close the idle connections at once, and each of the others when its request ends."""
        self._closed = True
        await self._close_idle()

    async def _close_idle(self) -> None:
        # One by one: if this is cancelled, those that are left can still be closed later.
        while self._idle:
            await self._idle.pop().aclose()


class Reservation(httpx.AsyncBaseTransport):
    """The right to use one connection: a transport that does not wait for one."""

    def __init__(self, pool: AsyncPooledTransport) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response."""
        return await self._pool._exchange(request)

    def release(self) -> None:
        """Let another task have it. Once only."""
        self._pool._slots.release()


class _Connection(httpx.AsyncHTTPTransport):
    """One connection, with a deadline for each exchange; as the sync one."""

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
        pools = (httpcore.AsyncConnectionPool, httpcore.AsyncHTTPProxy)
        self._pool_in_use = use_backend(self, Backend(self.link), pools, verify, proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.link.deadline.begin()
        self.usable = False
        try:
            response = await super().handle_async_request(request)
            response.stream = httpx.ByteStream(await read_async(response, self._max_size))
            self.usable = self._pool_in_use is not None and may_be_kept(self.link, self._pool_in_use)
            self.link.reused = True
        finally:
            if not self.usable:
                await self.aclose()
        return response

    async def aclose(self) -> None:
        """Close the connection."""
        self.link.close()
        if self._pool_in_use is None:
            with anyio.CancelScope(shield=True):
                await super().aclose()
