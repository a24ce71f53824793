"""An embedded Lambda endpoint on 127.0.0.1, for tests and for first steps without an AWS account.

    with LocalLambda({"my-function": 120}) as lam:
        client = Client(**lam.client_options)

It speaks HTTP/1.1 with keep-alive and serves this one operation, in pages of 50 at most, as the service
does. It verifies the signature of every request as it arrived. It does so without botocore: the code
that signs and the code that verifies cannot have the same mistake. boto3 and the AWS CLI can list from
it too.
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
from math import isfinite
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, TypedDict, Union
from urllib.parse import parse_qsl, unquote
from uuid import uuid4
from weakref import WeakSet

from ._typing import Self
from ._verification import ServiceError, verify
from .types import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from .exceptions import InvalidConfigError

Configurations = Union[int, Sequence[Mapping[str, Any]]]

_ACCOUNT = "123456789012"
_ACTION = "lambda:ListFunctionEventInvokeConfigs"
_PATH = re.compile(r"/2019-09-25/functions/([^/]+)/event-invoke-config/list")
# NamespacedFunctionName of the service's API model, with groups for region, account and name. Unlike there, a
# region must be followed by an account or "function:": "my-func-1:live" is a name with a qualifier.
_FUNCTION_NAME = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):(?=\d{12}:|function:))?"
    r"(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_.]{1,64})(?::(?:\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]{1,128}))?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_FIRST_MODIFIED = 1_700_000_000.125  # epoch seconds


class LocalClientOptions(TypedDict):
    """The arguments for a client that lists from a `LocalLambda`."""

    region_name: str
    endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str


class LocalLambda:
    """An embedded endpoint. It serves from a thread for as long as its `with` block lasts.

    functions: configurations by function: a list of dicts as the pages have them (`LastModified` may be a
        datetime or epoch seconds), or a number of made-up ones. They are copied. Functions are given and
        requested by name, ARN or partial ARN, with or without a qualifier, which is ignored.
    region_name: the region that requests must be signed for (default "us-east-1").
    account_id: the account that the functions belong to (default "123456789012").

    It returns the service's errors: 404 ResourceNotFoundException for an unknown function and for an ARN of
    another region, 403 AccessDeniedException for one of another account, 400 ValidationException for a name
    that no function can have, 400 InvalidParameterValueException for a bad MaxItems or Marker, 403 for a
    missing or bad signature, and for a clock more than five minutes off.

    Raises InvalidConfigError for a function of another region or account, and for configurations that JSON
    cannot represent; the text names the member.
    """

    access_key = "AKIDLOCAL"
    """The access key id to sign requests with."""
    secret_key = "local-secret-key"  # noqa: S105 - nothing but this endpoint knows it
    """Its secret access key."""

    def __init__(
        self,
        functions: Mapping[str, Configurations],
        *,
        region_name: str = "us-east-1",
        account_id: str = _ACCOUNT,
    ) -> None:
        self.region_name = region_name
        self.account_id = account_id
        self._functions: dict[str, int | list[Any]] = {}
        if not isinstance(functions, Mapping):
            raise _invalid(f"value for functions: {functions!r}, must be a dict of their configurations")
        for given, configurations in functions.items():
            self._add(given, configurations)
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        """Start to serve, from a new thread."""
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
        """Such as "http://127.0.0.1:40123". A RuntimeError before the `with` block."""
        if self._server is None:
            raise RuntimeError("LocalLambda has no endpoint_url before its `with` block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def client_options(self) -> LocalClientOptions:
        """The keyword arguments for a client, of this library or of boto3, that lists from here."""
        return {
            "region_name": self.region_name,
            "endpoint_url": self.endpoint_url,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
        }

    def _add(self, given: str, configurations: Configurations) -> None:
        try:
            name = self._function_name(given)
        except ServiceError as error:
            raise _invalid(f"function {given!r}: {error}") from None
        setting = f"functions[{given!r}]"
        served = _json_value(setting, configurations)
        if not isinstance(served, list) and (type(served) is not int or served < 0):
            raise _invalid(
                f"value for {setting}: {configurations!r}, must be a list, or a number that is not negative"
            )
        if self._functions.setdefault(name, served) != served:
            raise _invalid(
                f"value for {setting}: {configurations!r}, must be as for the other name of {name!r}"
            )

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

    def _page(self, requested: str, marker: str | None, max_items: str | None) -> dict[str, Any]:
        function = self._function_name(requested)
        configurations = self._functions.get(function)
        if configurations is None:
            message = f"Function not found: {self._arn(function)}"
            raise ServiceError(404, "ResourceNotFoundException", message, "Message")
        start = _read_marker(marker, function)
        stop = start + _read_max_items(max_items)
        if isinstance(configurations, int):
            length = configurations
            page = [self._made_up(function, n) for n in range(start, min(stop, length))]
        else:
            length = len(configurations)
            page = configurations[start:stop]
        return {
            "FunctionEventInvokeConfigs": page,
            "NextMarker": _write_marker(stop, function) if stop < length else None,
        }

    def _function_name(self, requested: str) -> str:
        """The name in a name, ARN or partial ARN, of this region and account.

        The errors for another region and account are the service's: aws/aws-cli#3954, and the responses that
        localstack/localstack records of it.
        """
        match = _FUNCTION_NAME.fullmatch(requested)
        if not match:
            message = (
                f"1 validation error detected: Value '{requested}' at 'functionName' failed to satisfy "
                "constraint: Member must be a function name, ARN or partial ARN"
            )
            raise ServiceError(400, "ValidationException", message)
        region, account, name = match.groups()
        if account not in (None, self.account_id):
            message = (
                f"User: arn:aws:iam::{self.account_id}:user/local is not authorized to perform: {_ACTION} on "
                f"resource: {requested} because no resource-based policy allows the {_ACTION} action"
            )
            raise ServiceError(403, "AccessDeniedException", message, "Message")
        if region not in (None, self.region_name):
            message = f"Functions from '{region}' are not reachable in this region ('{self.region_name}')"
            raise ServiceError(404, "ResourceNotFoundException", message, "Message")
        return name

    def _made_up(self, function: str, n: int) -> dict[str, Any]:
        queue = f"arn:aws:sqs:{self.region_name}:{self.account_id}:failed-{n % 5}"
        return {
            "LastModified": _FIRST_MODIFIED + n,
            "FunctionArn": f"{self._arn(function)}:{n + 1}",
            "MaximumRetryAttempts": n % 3,
            "MaximumEventAgeInSeconds": 60 + n % 21541,
            "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": queue}},
        }

    def _arn(self, function: str) -> str:
        return f"arn:aws:lambda:{self.region_name}:{self.account_id}:function:{function}"


def _json_value(path: str, value: object) -> Any:
    """A copy that JSON can represent: datetimes as epoch seconds.

    Raises InvalidConfigError, with the path, for a value of another type.
    """
    if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, datetime):
        with suppress(OverflowError, ValueError):  # of a naive one in the year 1
            return value.timestamp()
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _json_value(f"{path}.{key}", member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_json_value(f"{path}[{n}]", member) for n, member in enumerate(value)]
    allowed = "a dict, list, string, finite number, datetime, bool or None"
    raise _invalid(f"value for {path}: {value!r}, must be {allowed}")


def _invalid(message: str) -> InvalidConfigError:
    from .exceptions import InvalidConfigError  # not earlier: it imports botocore

    return InvalidConfigError(error_msg=f"Invalid {message}")


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
    if _NUMBER.fullmatch(max_items) and 1 <= int(max_items) <= MAX_PAGE_SIZE:
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
        """Start to serve, in a thread."""
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

    def _respond(self) -> None:
        # The standard library splits at any white space, and takes a request without a version for HTTP/0.9.
        words = self.requestline.split(" ")
        length = self.headers.get("Content-Length", "0")
        if len(words) != 3 or words != self.requestline.split() or not _NUMBER.fullmatch(length):
            self.send_error(400)
            return
        target = words[1]  # not self.path: the standard library normalizes that
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = self.rfile.read(int(length))
        try:
            status, body, error = 200, self.lam._answer(self.command, target, headers, sent), None
        except ServiceError as refusal:
            status, body, error = refusal.status, refusal.body, refusal.code
        content = json.dumps(body).encode()
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
