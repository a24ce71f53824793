"""An embedded Lambda endpoint on 127.0.0.1, for tests and for trying things out without an account.

    with LocalLambda({"my-function": 120}) as lam:
        client = Client(**lam.client_options)

It speaks HTTP/1.1 with keep-alive, serves this one operation in pages of 50 at most as the service
does, and verifies every signature itself, from the request as it arrived: without botocore, so that a
mistake in signing cannot hide behind itself. boto3 and the AWS CLI can list from it too.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, TypedDict, Union
from urllib.parse import parse_qsl, unquote
from uuid import uuid4
from weakref import WeakSet

from .types import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from typing_extensions import Self
import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote

_CLOCK_TOLERANCE = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class ServiceError(Exception):
    """An error response of the service."""

    def __init__(self, status: int, code: str, message: str, message_key: str = "message") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body: dict[str, str] = {"Type": "User", message_key: message}


def verify(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    access_key: str,
    secret_key: str,
    region: str,
    now: datetime,
) -> None:
    """Check that a request is signed with these keys, for Lambda in this region, now.

    `target` is as it was on the wire, header names are in lower case, `now` is timezone-aware.

    Raises ServiceError, with the service's status and code.
    """
    if "authorization" not in headers:
        raise ServiceError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    authorization = _AUTHORIZATION.fullmatch(headers["authorization"])
    if not authorization:
        raise ServiceError(403, "IncompleteSignatureException", "Authorization header is malformed")
    used_key, day, scope_region, service, signed, signature = authorization.groups()
    if used_key != access_key:
        message = "The security token included in the request is invalid."
        raise ServiceError(403, "UnrecognizedClientException", message)
    date = headers.get("x-amz-date", "")
    if (scope_region, service) != (region, "lambda") or not date.startswith(day):
        message = f"Credential should be scoped to {region}/lambda and the day of X-Amz-Date."
        raise ServiceError(403, "InvalidSignatureException", message)
    names = signed.split(";")
    canonical = _canonical_request(method, target, [(name, headers.get(name, "")) for name in names], body)
    expected = _signature(canonical, secret_key, date, [day, region, service, "aws4_request"])
    if not {"host", "x-amz-date"} <= {*names} or not hmac.compare_digest(expected, signature):
        message = "The request signature we calculated does not match the signature you provided."
        raise ServiceError(403, "InvalidSignatureException", message)
    _check_clock(date, now)


def _canonical_request(method: str, target: str, signed: list[tuple[str, str]], body: bytes) -> str:
    path, _, query = target.partition("?")
    return "\n".join(
        [
            method,
            _canonical_path(path),
            "&".join(sorted(query.split("&"))),
            *(f"{name}:{' '.join(value.split())}" for name, value in signed),
            "",
            ";".join(name for name, _ in signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def _canonical_path(path: str) -> str:
    # Every service but S3 resolves "." and ".." and then encodes what came encoded once more.
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    slash = "/" if path.endswith("/") and segments else ""
    return quote("/" + "/".join(segments) + slash)


def _signature(canonical_request: str, secret_key: str, date: str, scope: list[str]) -> str:
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])
    key = f"AWS4{secret_key}".encode()
    for part in (*scope, to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _check_clock(date: str, now: datetime) -> None:
    try:
        sent = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ServiceError(403, "IncompleteSignatureException", "X-Amz-Date is malformed") from None
    if abs(now - sent) > _CLOCK_TOLERANCE:
        message = f"Signature expired or not yet valid: {date}, the time is {now:%Y%m%dT%H%M%SZ}."
        raise ServiceError(403, "InvalidSignatureException", message)


Configurations = Union[int, Sequence[Mapping[str, Any]]]

_ACCOUNT = "123456789012"
_PATH = re.compile(r"/2019-09-25/functions/([^/]+)/event-invoke-config/list")
_FUNCTION_ARN = re.compile(r"(?:arn:[^:]*:lambda:[^:]*:)?(?:\d{12}:)?function:([^:]+)(?::.+)?|([^:]+):.+")
_FIRST_MODIFIED = 1_700_000_000.125  # epoch seconds


class LocalClientOptions(TypedDict):
    """What a client needs to be told to list from a `LocalLambda`."""

    region_name: str
    endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str


class LocalLambda:
    """An embedded endpoint, serving from a thread while its `with` block lasts.

    functions: configurations by function name: a list of dicts as the pages have them (`LastModified`
        may be a datetime or epoch seconds), or a number of made-up ones. Clients may ask by name, ARN
        or partial ARN, with or without a qualifier.
    region_name: the region that requests must be signed for (default "us-east-1").

    It refuses as the service does: 404 ResourceNotFoundException for an unknown function, 400
    InvalidParameterValueException for a bad MaxItems or Marker, 403 for a missing or bad signature,
    and for a clock more than five minutes off.
    """

    access_key = "AKIDLOCAL"
    """The access key id that requests must be signed with."""
    secret_key = "local-secret-key"  # noqa: S105 - nothing but this endpoint knows it
    """Its secret key."""

    def __init__(self, functions: Mapping[str, Configurations], *, region_name: str = "us-east-1") -> None:
        self.region_name = region_name
        self._functions = dict(functions)
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        """Serve, from a thread of its own."""
        self._process = os.getpid()
        handler = type("Handler", (_Handler,), {"lam": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no longer; a process forked from the one that serves leaves that alone."""
        assert self._server is not None
        if os.getpid() != self._process:
            self._server.socket.close()
            return
        self._server.stop()

    @property
    def endpoint_url(self) -> str:
        """Such as "http://127.0.0.1:40123"; not known before the `with` block."""
        if self._server is None:
            raise RuntimeError("LocalLambda has no endpoint_url before its `with` block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def client_options(self) -> LocalClientOptions:
        """The keyword arguments that make a client, ours or boto3's, list from here."""
        return {
            "region_name": self.region_name,
            "endpoint_url": self.endpoint_url,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
        }

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        path, _, query = target.partition("?")
        verify(
            method,
            target,
            headers,
            body,
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=self.region_name,
            now=datetime.now(timezone.utc),
        )
        match = _PATH.fullmatch(path)
        if method != "GET" or not match:
            raise ServiceError(404, "UnknownOperationException", f"{method} {path} is not served here")
        name = unquote(match[1])
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        return self._page(name, parameters.get("Marker"), parameters.get("MaxItems"))

    def _page(self, name: str, marker: str | None, max_items: str | None) -> dict[str, Any]:
        function = self._function(name)
        start = _read_marker(marker, function)
        stop = start + _read_max_items(max_items)
        configurations = self._functions[function]
        if isinstance(configurations, int):
            length = configurations
            page = [_made_up(self._arn(function), n) for n in range(start, min(stop, length))]
        else:
            length = len(configurations)
            page = [dict(configuration) for configuration in configurations[start:stop]]
        return {
            "FunctionEventInvokeConfigs": page,
            "NextMarker": _write_marker(stop, function) if stop < length else None,
        }

    def _function(self, name: str) -> str:
        arn = _FUNCTION_ARN.fullmatch(name)
        for candidate in (name, *(arn.groups() if arn else ())):
            if candidate in self._functions:
                return candidate
        message = f"Function not found: {name if arn else self._arn(name)}"
        raise ServiceError(404, "ResourceNotFoundException", message, "Message")

    def _arn(self, function: str) -> str:
        return f"arn:aws:lambda:{self.region_name}:{_ACCOUNT}:function:{function}"


def _made_up(arn: str, n: int) -> dict[str, Any]:
    return {
        "LastModified": _FIRST_MODIFIED + n,
        "FunctionArn": f"{arn}:{n + 1}",
        "MaximumRetryAttempts": n % 3,
        "MaximumEventAgeInSeconds": 60 + n % 21541,
        "DestinationConfig": {
            "OnSuccess": {},
            "OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{_ACCOUNT}:failed-{n % 5}"},
        },
    }


def _write_marker(start: int, function: str) -> str:
    return base64.b64encode(f"{start}/{function}".encode()).decode()


def _read_marker(marker: str | None, function: str) -> int:
    if marker is None:
        return 0
    try:
        start, _, of = base64.b64decode(marker, validate=True).decode().partition("/")
        if of == function and int(start) > 0:
            return int(start)
    except ValueError:
        pass
    raise ServiceError(400, "InvalidParameterValueException", "The marker is not valid for this function.")


def _read_max_items(max_items: str | None) -> int:
    if max_items is None:
        return MAX_PAGE_SIZE
    if max_items.isdecimal() and 1 <= int(max_items) <= MAX_PAGE_SIZE:
        return int(max_items)
    message = f"Value '{max_items}' at 'maxItems' failed to satisfy constraint: from 1 to {MAX_PAGE_SIZE}"
    raise ServiceError(400, "InvalidParameterValueException", message)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection open for as long as it likes
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._stopping = False
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """As HTTPServer, without the look-up of this machine's name, which can take seconds."""
        TCPServer.server_bind(self)

    def start(self) -> None:
        """Serve, from a thread of its own."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        # Not serve_forever(): its shutdown() is noticed only when the poll interval is over.
        while not self._stopping:
            self.handle_request()

    def stop(self) -> None:
        """End the thread, by a connection that wakes it, and close all connections."""
        self._stopping = True
        with suppress(OSError):  # no file descriptor is left: the thread ends with the process
            socket.create_connection(self.server_address).close()  # type: ignore[arg-type]  # host and port
            self._thread.join()
        self.server_close()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether to serve a connection: not the one that wakes the thread."""
        return not self._stopping

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and remember it."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def server_close(self) -> None:
        """Close the connections too."""
        super().server_close()
        for connection in [*self._connections]:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is none of the endpoint's errors."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lam: LocalLambda
    raw_requestline: bytes

    def _respond(self) -> None:
        # Not self.path: the standard library has tidied that up.
        target = self.raw_requestline.decode("latin-1").split(" ")[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = self.rfile.read(int(headers.get("content-length", 0)))
        try:
            status, body, error = 200, self.lam._answer(self.command, target, headers, sent), None
        except ServiceError as refusal:
            status, body, error = refusal.status, refusal.body, refusal.code
        content = json.dumps(body, default=datetime.timestamp).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", str(uuid4()))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _respond  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a test's output is its own."""
