"""Below httpx: how long an exchange may take, how much of a body is read, and what was left in a connection.

Source: https://www.encode.io/httpcore/extensions/ and https://www.encode.io/httpcore/network-backends/
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import httpx

from ..exceptions import ResponseTooLargeError

# As boto3: a connection is kept until the service closes it.
ONE_CONNECTION = httpx.Limits(max_connections=1, keepalive_expiry=None)


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


class Body:
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


def discard_if_data_left(response: httpx.Response) -> None:
    """Let httpcore close the connection of a response that was read to its end, if more came behind it.

    Otherwise what came, such as the same answer again, would be taken for the answer to the connection's
    next request: for the next page, or for that of another function.
    """
    # There is no public way to it. If these names change, tests/http/test_faults.py fails; and what takes
    # httpx's place in somebody's tests has none of them.
    found: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        found = getattr(found, name, None)
    if found is not None and (
        found.trailing_data[0] or _has_buffered_data(response.extensions["network_stream"])
    ):
        found.send_failed()


def _has_buffered_data(stream: Any) -> bool:
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
