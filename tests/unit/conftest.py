"""Servers on 127.0.0.1 that stand for AWS's other services, certificates nobody else trusts, time zones."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme


@dataclass(frozen=True)
class Asked:
    """A request as a `Service` was sent it; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Service:
    """A server in a thread, that answers 200 with what `answer` makes of a request, 404 for None."""

    answer: Callable[[Asked], str | None]
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length).decode())
                service.asked.append(asked)
                body = service.answer(asked)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write((body or "").encode())

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], str | None]], Service]]:
    """Starts a `Service` with the given answers."""
    services: list[Service] = []

    def start(answer: Callable[[Asked], str | None]) -> Service:
        services.append(Service(answer))
        return services[-1]

    yield start
    for service in services:
        service.close()


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: a certificate authority's, and a certificate and its key, issued by it."""

    authority: str
    certificate: str
    key: str
    certificate_and_key: str


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA(organization_name="a CA of these tests")
    issued = authority.issue_cert("localhost")
    paths = [str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem", "both.pem")]
    authority.cert_pem.write_to_path(paths[0])
    issued.cert_chain_pems[0].write_to_path(paths[1])
    issued.private_key_pem.write_to_path(paths[2])
    issued.private_key_and_cert_chain_pem.write_to_path(paths[3])
    return Certificates(*paths)


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Makes a zone the machine's."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()
