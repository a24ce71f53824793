"""httpcore's network backend for `AsyncClient`: sockets that do not block. `_sync/sockets.py` is its twin."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio
import httpcore

from .._client.network import (
    NEEDS_DATA,
    NOT_COMPLETED,
    NOTHING_RECEIVED,
    NOTHING_SENT,
    RECORD,
    TLS,
    Link,
    addresses_without_lookup,
    extra_info,
    peek,
    raise_connect_error,
    raise_lookup_error,
)


class Backend(httpcore.AsyncNetworkBackend):
    """Opens the socket of one connection, which `link` then knows."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def connect_tcp(  # noqa: RET503 - the last call never returns
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """As the sync one; the look-up runs in a thread."""
        addresses: Any = addresses_without_lookup(host, port)
        if addresses is None:
            try:
                addresses = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except OSError as error:
                raise_lookup_error(error)
        failures: list[tuple[str, OSError]] = []
        for address in addresses:
            try:
                made = self._link.open(address)
                made.setblocking(False)
                with anyio.fail_after(timeout):
                    await _connect(made, address[4])
            except OSError as error:
                failures.append((str(address[4][0]), error))
                continue
            self._link.deadline.begin()
            return SocketStream(made, self._link)
        self._link.close()
        raise_connect_error(failures, timeout)


async def _connect(made: socket.socket, address: Any) -> None:
    try:
        made.connect(address)
    except BlockingIOError:
        await anyio.wait_writable(made)
        if code := made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code)) from None


class _Stream(httpcore.AsyncNetworkStream):
    _link: Link

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        link = self._link
        whole = link.deadline
        link.deadline = whole.at_most(timeout)
        try:
            secure = TLSStream(self, link.add_tls(ssl_context, server_hostname), link)
            await secure.shake_hands(timeout)
            return secure
        except httpcore.TimeoutException as error:
            raise httpcore.ConnectTimeout(f"TLS handshake: {whole.late(timeout, NOT_COMPLETED)}") from error
        except (httpcore.NetworkError, ssl.SSLError) as error:
            raise httpcore.ConnectError(str(error)) from error
        finally:
            link.deadline = whole

    async def aclose(self) -> None:
        self._link.close()


class SocketStream(_Stream):
    """A socket."""

    def __init__(self, connected: socket.socket, link: Link) -> None:
        self._socket = connected
        self._link = link

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            while True:
                # First, for a response is never there yet; and other tasks get their turn if one is.
                await self._wait(anyio.wait_readable, timeout, httpcore.ReadTimeout, NOTHING_RECEIVED)
                try:
                    return self._socket.recv(max_bytes)
                except BlockingIOError:
                    continue
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            while buffer:
                try:
                    buffer = buffer[self._socket.send(buffer) :]
                except BlockingIOError:
                    await self._wait(anyio.wait_writable, timeout, httpcore.WriteTimeout, NOTHING_SENT)
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def _wait(
        self,
        until: Callable[[socket.socket], Awaitable[None]],
        timeout: float | None,
        late: type[Exception],
        what: str,
    ) -> None:
        with anyio.move_on_after(self._link.deadline.rest(timeout, late)) as scope:
            await until(self._socket)
        if scope.cancelled_caught:
            raise late(self._link.deadline.late(timeout, what))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return peek(self._socket)
        return extra_info(self._socket, info)


class TLSStream(_Stream):
    """TLS over a socket, or over another TLS."""

    def __init__(self, lower: _Stream, tls: TLS, link: Link) -> None:
        self._lower = lower
        self._tls = tls
        self._link = link

    async def shake_hands(self, timeout: float | None) -> None:
        await self._perform(timeout, self._tls.attempt, self._tls.object.do_handshake)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data: bytes = await self._perform(timeout, self._tls.read, max_bytes)
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            while buffer:
                sent = await self._perform(timeout, self._tls.attempt, self._tls.object.write, buffer)
                buffer = buffer[sent:]
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    async def _perform(self, timeout: float | None, operation: Callable[..., Any], *arguments: object) -> Any:
        while True:
            try:
                result = operation(*arguments)
            finally:
                if data := self._tls.to_send():  # of a failure too: an alert
                    await self._lower.write(data, timeout)
            if result is not NEEDS_DATA:
                return result
            self._tls.receive(await self._lower.read(RECORD, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._tls.object if info == "ssl_object" else self._lower.get_extra_info(info)
