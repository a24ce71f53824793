"""Keeps secrets out of botocore's logs and errors while it loads credentials, and out of tracebacks.

botocore's credential providers write secrets to logs, errors and tracebacks in five places, each observed
with botocore 1.44:

1. Log records below WARNING quote complete requests and responses: `botocore.endpoint`, `.parsers`, `.hooks`,
   `.auth`, `.utils` and related loggers.
2. Log records of any level have `exc_info`. `botocore.tokens` and `botocore.credentials` log a failed refresh
   as a warning with a traceback, whose frames contain the bearer token, the refresh token, the client secret
   and the signed headers. Handlers that show local variables (rich, Sentry) show all of them.
3. Errors contain the request: `HTTPClientError.request` is the prepared request with headers and body, and
   `kwargs["error"]` is urllib3's error with its connection. Both are in `vars()` and in a pickle.
4. Errors quote the response: the body of a container's "Received non 200 response 403 ...", an invalid chunk
   size, an invalid expiration; `ClientError.response` contains all members of the body.
5. Errors of other libraries may quote anything: `ValueError`, `KeyError`, XML and JSON errors.

Therefore, while a thread loads credentials (`redact_botocore_logs`), a filter on these loggers drops records
below WARNING from loggers that quote bodies, and removes the exceptions from all other records. Each error is
replaced (`redacted`) by a new error of the same class with only the fields that its message shows. An error
that is not botocore's becomes a CredentialRetrievalError. Its message contains only parts that cannot be
secret: the text and file name of an OSError, the position and the constant text of a JSON error, and a few
constant texts of botocore (`reason`).
"""

from __future__ import annotations

import json
import logging
import re
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, TypeVar, cast

from ..exceptions import (
    BotocoreConfigParseError,
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    ParamValidationError,
    with_hint,
)

E = TypeVar("E", bound=BaseException)

_QUOTE_BODIES = (
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.endpoint",
    "botocore.handlers",
    "botocore.hooks",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.regions",
    "botocore.retries.standard",
    "botocore.retryhandler",
    "botocore.utils",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.response",
    "urllib3.util.retry",
)
_NAME_STEPS = (
    "botocore.credentials",
    "botocore.tokens",
)  # "Looking for credentials via: sso" is useful

_fetching = threading.local()


class _Redacting(logging.Filter):
    """Removes secrets from the log records of threads that load credentials."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(_fetching, "now", False):
            return True
        if record.levelno < logging.WARNING and record.name in _QUOTE_BODIES:
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(map(_name_of_error, record.args))
        if record.exc_info and record.exc_info[0]:
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args = ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _name_of_error(argument: object) -> object:
    return type(argument).__name__ if isinstance(argument, BaseException) else argument


_redacting = _Redacting()


@contextmanager
def redact_botocore_logs() -> Iterator[None]:
    """While this thread loads credentials, keep secrets out of botocore's logs."""
    for name in (*_QUOTE_BODIES, *_NAME_STEPS):
        logging.getLogger(name).addFilter(_redacting)  # has no effect after the first time
    before = getattr(_fetching, "now", False)
    _fetching.now = True
    try:
        yield
    finally:
        _fetching.now = before


# Constant texts of botocore and shlex, with a host name at most.
_CONSTANT_TEXT = (
    r"Unsupported host '[^']*'\..*|Auth token value is not a legal header value"
    r"|No closing quotation|No escaped character"
)
_CONTAINER_BODY = r"(?s)(from container metadata): .*"
_MEMBER = r"[A-Za-z_]{1,30}"
_EXPIRATIONS = {
    "Credentials were refreshed, but the refreshed credentials are still expired.": (
        "the provider returned expired credentials"
    ),
    "can't subtract offset-naive and offset-aware datetimes": "the expiration has no time zone",
}
_IN_CONFIG_FILES = {
    "MissingSectionHeaderError": "no section header",
    "DuplicateSectionError": "section occurs twice",
    "DuplicateOptionError": "key occurs twice in its section",
    "ParsingError": "neither a section header nor key = value",
}


def redacted(error: BaseException, source: str | None = None) -> BaseException:
    """A new error of the same class with the same text, without parts that may contain secrets.

    Each call returns a new object, because several threads or tasks may raise the error of one load, and each
    adds its frames.

    source: the METHOD of the botocore provider that failed. An error that is not botocore's then becomes a
        CredentialRetrievalError. Without `source`, such an error is returned unchanged.
    """
    if isinstance(error, ClientError):
        # Code and message come from the service. The rest of the response may be anything, such as
        # credentials behind a proxy that changes the status.
        said = {name: error.response.get(name, {}) for name in ("Error", "ResponseMetadata")}
        return type(error)(cast("Any", said), error.operation_name)
    known = isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)
    if known or source is None or not isinstance(error, Exception):
        return _with_text_only(cast("Any", error), source) if known else error
    return CredentialRetrievalError(provider=source, error_msg=reason(error))


def _with_text_only(error: Any, source: str | None) -> BaseException:
    names = {"provider", *(name for _, name, _, _ in string.Formatter().parse(error.fmt))}
    if isinstance(error, BotocoreConfigParseError):
        names.add("error")  # this library's class shows it
    kept = {name: _text(error, value) for name, value in error.kwargs.items() if name in names}
    if source is not None:
        kept.setdefault("provider", source)  # for the hint
    return with_hint(type(error)(**kept))


def _text(error: Exception, value: object) -> object:
    if isinstance(value, str):
        return re.sub(_CONTAINER_BODY, r"\1", value)
    if not isinstance(value, Exception):
        return value
    if isinstance(error, HTTPClientError):
        return type(value).__name__  # it may quote the response
    return config_file_reason(value) if isinstance(error, BotocoreConfigParseError) else str(value)


def reason(error: Exception) -> str:
    """The reason of a failure, without quoting a file or a response."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}, byte {error.start}"
    if isinstance(error, ParamValidationError):
        # Remove the values, which follow the names.
        lines = str(error).splitlines()
        return " ".join(line.partition(", value:")[0] for line in lines)
    if isinstance(error, EOFError):
        return "no MFA code was entered, because there is no terminal"
    if isinstance(error, KeyError) and error.args and re.fullmatch(_MEMBER, str(error.args[0])):
        return f"{error.args[0]} is missing"
    text = str(error)
    if text in _EXPIRATIONS:
        return _EXPIRATIONS[text]
    if re.fullmatch(_CONSTANT_TEXT, text):
        return text.removesuffix(".")
    return f"the provider returned invalid data ({type(error).__name__})"


def config_file_reason(error: Exception) -> str:
    """The kind of error in a shared config file and its line number. The line itself may contain a secret."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if type(error) is ValueError:  # from botocore's parser of indented lines
        return "an indented line is not key = value"
    name = type(error).__name__
    if type(error).__module__ != "configparser":  # not imported here: a client without files does not need it
        return reason(error)
    line = getattr(error, "lineno", None) or getattr(error, "errors", [(None,)])[0][0]
    return _IN_CONFIG_FILES.get(name, name) + (f", line {line}" if line else "")


def strip_traceback(error: E, *, keep_from: CodeType | None = None) -> E:
    """Remove traceback, cause and context from `error`. Returns it, so that the caller can raise it again.

    Why: error trackers, pytest, rich and some log handlers show the local variables of every frame, and the
    whole chain of exceptions. The frames of a call contain secrets: the session token and the signature in
    the headers (frames of this library, httpx, httpcore and h11), the secret access key (botocore's signer),
    complete responses with credentials (botocore's provider chain). A repr cannot hide them, because most of
    these variables are plain strings and lists of other libraries. Any exception can pass through these
    frames, including Ctrl-C and an asyncio cancellation.

    Therefore each entry point from the user's code has one guard that strips every exception: the constructor
    (`reject_unknown_arguments`) and a call (`Client._call`, `AsyncClient._call`). The class and the text of
    the error describe the problem. `tests/end_to_end/test_secrets.py` searches the rest for secrets.

    keep_from: keep the frames below the first one with this code, and the chain of exceptions. These are the
        frames of a user's transport, to which the user has given access to the headers.
    """
    traceback = error.__traceback__
    while traceback and traceback.tb_frame.f_code is not keep_from:
        traceback = traceback.tb_next
    if traceback and traceback.tb_next:
        return error.with_traceback(traceback.tb_next)
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
