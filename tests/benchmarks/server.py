"""The page server that all clients are measured against: prepared answers, nothing else.

    python tests/benchmarks/server.py [SECONDS [CERTIFICATE]]

It prints its port, and ends when its standard input does. It answers after so many seconds, and over TLS with
a certificate, a PEM file that has the key too. A function named `anything-N` has N pages of 50
configurations; a request's signature is not looked at, since checking it would take longer than all the rest.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import threading

PAGE_SIZE = 50
_REQUEST = re.compile(rb"GET [^ ]*/functions/[^/ ]*-(\d+)/event-invoke-config/list(?:\?[^ ]*?Marker=(\d+))?")


def _configurations() -> list[dict[str, object]]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:measured"
    return [
        {
            "LastModified": 1_700_000_000.125 + n * 86_399,
            "FunctionArn": f"{arn}:{n + 1}",
            "MaximumRetryAttempts": n % 3,
            "MaximumEventAgeInSeconds": 60 + n,
            "DestinationConfig": {
                "OnSuccess": {},
                "OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:123456789012:failed-{n}"},
            },
        }
        for n in range(PAGE_SIZE)
    ]


_BODY = json.dumps({"FunctionEventInvokeConfigs": _configurations()}).encode()[:-1]


def answer(pages: int, page: int) -> bytes:
    body = _BODY + (b', "NextMarker": "%d"}' % (page + 1) if page + 1 < pages else b', "NextMarker": null}')
    return (
        b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nConnection: keep-alive\r\n"
        b"x-amzn-RequestId: 5cb1d1a2-0d9c-4f5b-8a4e-0f2ac36d8d4f\r\n\r\n%s" % (len(body), body)
    )


class Pages(asyncio.Protocol):
    delay = 0.0  # seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            asked = _REQUEST.match(self._received)
            self._received = self._received[end + 4 :]
            if not asked:
                self._transport.close()
                return
            response = answer(int(asked[1]), int(asked[2] or 0))
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self._transport.write, response)
            else:
                self._transport.write(response)


async def main(delay: str = "0", certificate: str | None = None) -> None:
    loop = asyncio.get_running_loop()
    Pages.delay = float(delay)
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    server = await loop.create_server(Pages, "127.0.0.1", 0, backlog=2048, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    stopped = asyncio.Event()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stopped.set)), daemon=True
    ).start()
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
