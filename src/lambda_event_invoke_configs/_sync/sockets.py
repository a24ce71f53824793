"""httpcore's network backend for `Client`: sockets with a timeout. `_async/sockets.py` is its twin."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

from .._client.network import (
    NEEDS_DATA,
    NOT_COMPLETED,
    NOTHING_RECEIVED,
    NOTHING_SENT,
    RECORD,
    TLS,
    Link,
    extra_info,
    peek,
    raise_connect_error,
    raise_lookup_error,
)


class Backend(httpcore.NetworkBackend):
    """Opens the socket of one connection, which `link` then knows."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def connect_tcp(  # noqa: RET503 - the last call never returns
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the host's addresses in turn, each within `timeout`; the look-up has no limit here."""
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise_lookup_error(error)
        failures: list[tuple[str, OSError]] = []
        for address in addresses:
            try:
                made = self._link.open(address)
                made.settimeout(timeout)
                made.connect(address[4])
            except OSError as error:
                failures.append((str(address[4][0]), error))
                continue
            self._link.deadline.begin()
            return SocketStream(made, self._link)
        self._link.close()
        raise_connect_error(failures, timeout)


class _Stream(httpcore.NetworkStream):
    _link: Link

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        link = self._link
        whole = link.deadline
        link.deadline = whole.at_most(timeout)
        try:
            secure = TLSStream(self, link.add_tls(ssl_context, server_hostname), link)
            secure.shake_hands(timeout)
            return secure
        except httpcore.TimeoutException as error:
            raise httpcore.ConnectTimeout(f"TLS handshake: {whole.late(timeout, NOT_COMPLETED)}") from error
        except (httpcore.NetworkError, ssl.SSLError) as error:
            raise httpcore.ConnectError(str(error)) from error
        finally:
            link.deadline = whole

    def close(self) -> None:
        self._link.close()


class SocketStream(_Stream):
    """A socket."""

    def __init__(self, connected: socket.socket, link: Link) -> None:
        self._socket = connected
        self._link = link

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(self._link.deadline.rest(timeout, httpcore.ReadTimeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(self._link.deadline.late(timeout, NOTHING_RECEIVED)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            while buffer:
                self._socket.settimeout(self._link.deadline.rest(timeout, httpcore.WriteTimeout))
                buffer = buffer[self._socket.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(self._link.deadline.late(timeout, NOTHING_SENT)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            if self._socket.fileno() < 0:
                return True
            self._socket.settimeout(0)
            return peek(self._socket)
        return extra_info(self._socket, info)


class TLSStream(_Stream):
    """TLS over a socket, or over another TLS."""

    def __init__(self, lower: _Stream, tls: TLS, link: Link) -> None:
        self._lower = lower
        self._tls = tls
        self._link = link

    def shake_hands(self, timeout: float | None) -> None:
        self._perform(timeout, self._tls.attempt, self._tls.object.do_handshake)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data: bytes = self._perform(timeout, self._tls.read, max_bytes)
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            while buffer:
                sent = self._perform(timeout, self._tls.attempt, self._tls.object.write, buffer)
                buffer = buffer[sent:]
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    def _perform(self, timeout: float | None, operation: Callable[..., Any], *arguments: object) -> Any:
        while True:
            try:
                result = operation(*arguments)
            finally:
                if data := self._tls.to_send():  # of a failure too: an alert
                    self._lower.write(data, timeout)
            if result is not NEEDS_DATA:
                return result
            self._tls.receive(self._lower.read(RECORD, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._tls.object if info == "ssl_object" else self._lower.get_extra_info(info)
