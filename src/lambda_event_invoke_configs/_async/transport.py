"""The transport of `AsyncClient`: a pool of connections, each used by one task at a time."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, cast

import anyio
import httpx

from .._client.network import ONE_CONNECTION, Body, discard_if_data_left


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
        discard_if_data_left(response)
    finally:
        await response.aclose()
    return body.whole()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """`PooledTransport` for the tasks of one event loop: one task uses a connection at a time."""

    def __init__(self, *, connections: int, seconds: float | None, max_size: int, **options: Any) -> None:
        self._options: dict[str, Any] = {**options, "limits": ONE_CONNECTION}
        self._closed = False
        self._idle = [httpx.AsyncHTTPTransport(**self._options)]  # the one used last comes last
        # Tasks wait here, not in httpcore's pool: waiting is not part of the exchange.
        self._slots = anyio.Semaphore(connections, fast_acquire=True)
        self._seconds = seconds
        self._max_size = max_size

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the whole response. Waits while all connections are in use."""
        async with self._slots:
            connection = self._idle.pop() if self._idle else httpx.AsyncHTTPTransport(**self._options)
            with anyio.move_on_after(self._seconds):
                return await self._exchange(connection, request)
        raise httpx.ReadTimeout("request deadline exceeded")

    async def _exchange(self, connection: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        keep = False
        try:
            response = await connection.handle_async_request(request)
            response.stream = httpx.ByteStream(await read_async(response, self._max_size))
            keep = not self._closed
            return response
        finally:
            if keep:
                self._idle.append(connection)
            else:
                with anyio.CancelScope(shield=True):
                    await connection.aclose()

    async def aclose(self) -> None:
        """Close the idle connections at once, and each of the others when its request ends."""
        self._closed = True
        # One by one: if this is cancelled, those that are left can still be closed later.
        while self._idle:
            await self._idle.pop().aclose()
