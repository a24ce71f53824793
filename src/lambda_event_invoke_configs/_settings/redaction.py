"""What botocore must not log while it finds credentials, and what its errors must not hold.

botocore's credential providers are made for a session of its own, in which nobody but boto3 reads along.
Their logs, errors and tracebacks hold secrets in five places, each seen on botocore 1.44:

1. Log records below WARNING quote whole requests and responses: `botocore.endpoint`, `.parsers`, `.hooks`,
   `.auth`, `.utils`, and others around them.
2. Log records at any level carry `exc_info`: the token refresh in `botocore.tokens` and the one in
   `botocore.credentials` warn with the traceback, whose frames hold the bearer token, the refresh token, the
   client secret and the signed headers. A handler that shows locals (rich, Sentry) shows all of them.
3. Errors hold the request: `HTTPClientError.request` is the prepared request with its headers and body, and
   `kwargs["error"]` is urllib3's error with its connection. Both are in `vars()` and in a pickle.
4. Errors quote the response: a container's "Received non 200 response 403 ...: <body>", a chunk size that is
   none, an expiration that is no date; `ClientError.response` has all members of the body.
5. Errors of other libraries quote anything: `ValueError`, `KeyError`, XML and JSON errors.

So while a thread fetches credentials (`redact_botocore_logs`), one filter on these loggers drops what is
below WARNING where bodies are quoted, and takes the exceptions out of all other records. And each error is
made again (`redacted`), of the same class, from the fields that its text shows; an error that is none of
botocore's becomes a CredentialRetrievalError whose text says what is known not to be secret: an OSError's
text and file name, the position and the constant text of a JSON error, a few constant texts of botocore's own
(`reason`).
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
)  # "Looking for credentials via: sso" is worth having

_fetching = threading.local()


class _Redacting(logging.Filter):
    """Of records of threads that are fetching credentials, lets through what has no secret in it."""

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
    """While this thread fetches credentials, botocore logs nothing that holds them."""
    for name in (*_QUOTE_BODIES, *_NAME_STEPS):
        logging.getLogger(name).addFilter(_redacting)  # does nothing from the second time on
    before = getattr(_fetching, "now", False)
    _fetching.now = True
    try:
        yield
    finally:
        _fetching.now = before


# Texts that botocore, shlex and datetime raise as they are, or with a host name.
_CONSTANT_TEXT = (
    r"Unsupported host '[^']*'\..*|Auth token value is not a legal header value"
    r"|No closing quotation|No escaped character"
)
_CONTAINER_BODY = r"(?s)(from container metadata): .*"
_MEMBER = r"[A-Za-z_]{1,30}"
_EXPIRED = "Credentials were refreshed, but the refreshed credentials are still expired."
_IN_CONFIG_FILES = {
    "MissingSectionHeaderError": "no section header",
    "DuplicateSectionError": "section occurs twice",
    "DuplicateOptionError": "key occurs twice in its section",
    "ParsingError": "neither a section header nor key = value",
}


def redacted(error: BaseException, source: str | None = None) -> BaseException:
    """A new error of the same class and text, without what may hold secrets.

    New each time: several threads or tasks may raise the error of one fetch, and each adds its frames.

    source: of a source of botocore's: the provider's METHOD. An error that is none of botocore's becomes a
        CredentialRetrievalError then; without `source`, it is returned as it is.
    """
    if isinstance(error, ClientError):
        # What the service says in code and message is its own. The rest of the response may be anything: the
        # credentials, behind a proxy that changes the status.
        said = {name: error.response.get(name, {}) for name in ("Error", "ResponseMetadata")}
        return type(error)(cast("Any", said), error.operation_name)
    known = isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)
    if known or source is None or not isinstance(error, Exception):
        return _with_text_only(cast("Any", error), source) if known else error
    return CredentialRetrievalError(provider=source, error_msg=reason(error))


def _with_text_only(error: Any, source: str | None) -> BaseException:
    names = {"provider", *(name for _, name, _, _ in string.Formatter().parse(error.fmt))}
    if isinstance(error, BotocoreConfigParseError):
        names.add("error")  # the class of this library shows it
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
    """What is wrong, as far as it can be told without quoting a file or a response."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}, byte {error.start}"
    if isinstance(error, ParamValidationError):
        # The values come after the names.
        lines = str(error).splitlines()
        return " ".join(line.partition(", value:")[0] for line in lines)
    if isinstance(error, EOFError):
        return "no MFA code was entered: there is no terminal to ask on"
    if isinstance(error, KeyError) and error.args and re.fullmatch(_MEMBER, str(error.args[0])):
        return f"no {error.args[0]} in it"
    text = str(error)
    if text == _EXPIRED:
        return "the credentials that it gave have expired"
    if re.fullmatch(_CONSTANT_TEXT, text):
        return text.removesuffix(".")
    return f"what it gave cannot be read ({type(error).__name__})"


def config_file_reason(error: Exception) -> str:
    """The kind of mistake in a shared config file and its line number, not the line, which may hold a key."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if type(error) is ValueError:  # botocore's own reader of indented lines
        return "an indented line is not key = value"
    name = type(error).__name__
    if type(error).__module__ != "configparser":  # which need not be loaded for a client without files
        return reason(error)
    line = getattr(error, "lineno", None) or getattr(error, "errors", [(None,)])[0][0]
    return _IN_CONFIG_FILES.get(name, name) + (f", line {line}" if line else "")


def strip_traceback(error: E, *, keep_from: CodeType | None = None) -> E:
    """`error` without its traceback, its cause and its context. Returned, to be raised again.

    Why: error trackers, pytest, rich and some log handlers show the local variables of every frame, and the
    whole chain of causes. The frames of a call hold what must not be shown: the session token and the
    signature among the headers in ours, httpx's, httpcore's and h11's, the secret key in botocore's signer,
    whole responses with credentials in botocore's chain. Not every local can be hidden by a repr, since most
    are plain strings and lists of other libraries. And an exception of any kind can pass through these
    frames, Ctrl-C and an asyncio cancellation included.

    So each way in from the user's code has one guard, which strips every exception that leaves: the
    constructor (`reject_unknown_arguments`) and a call (`Client._call`, `AsyncClient._call`). The error's
    class and text say what was wrong; `tests/end_to_end/test_secrets.py` searches what is left for secrets.

    keep_from: keep the frames below the first one with this code, and the chain: those of a transport of the
        user's, which has been given the headers by the user.
    """
    traceback = error.__traceback__ if keep_from else None
    while traceback and traceback.tb_frame.f_code is not keep_from:
        traceback = traceback.tb_next
    if traceback and traceback.tb_next:
        return error.with_traceback(traceback.tb_next)
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
