"""A limit for how long a whole exchange takes on a synchronous connection of httpx's.

httpx's timeouts are for each handshake, each read and each write: a server that sends a byte now and then is
never cut off. So the functions of a new connection are replaced by some that know when the exchange has to
be over: httpcore's `trace` extension tells when there is one.

Source: https://www.encode.io/httpcore/extensions/ and https://www.encode.io/httpcore/network-backends/
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import httpx


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
