"""A search for secrets in all that can be seen of results, errors and log records.

Of an error: its text, its repr, its attributes and what can be reached from them, its pickle and its copies,
its causes and contexts, and the local variables of its traceback's frames, as `traceback` with
`capture_locals` and rich with `show_locals` show them. Of a log record: its text, arguments and attributes,
and an error in it.
"""

from __future__ import annotations

import base64
import copy
import io
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from urllib.parse import quote

import aws
import httpcore
from rich.console import Console
from rich.traceback import Traceback

PASSWORD = "Hidden-Proxy-Password"
NEEDLES = {
    "secret key": aws.SECRET,
    "session token": aws.TOKEN,
    "secret key of the role's source": aws.BASE_SECRET,
    "web identity token": aws.WEB_TOKEN,
    "container's token": aws.CONTAINER_TOKEN,
    "SSO access token": aws.SSO_TOKEN,
    "refresh token": aws.REFRESH_TOKEN,
    "OIDC client secret": aws.CLIENT_SECRET,
    "private key": aws.PRIVATE_KEY,
    "proxy's password": PASSWORD,
}
TESTS = Path(__file__).parents[1]  # a user's code, as far as tracebacks go
_SAID_BACK = re.compile(r"\[says back:.*?:says back\]", re.DOTALL)
_SIGNATURE = re.compile(rb"Signature=([0-9a-f]{64})")
_WIDTH = 100_000  # of a console on which nothing is broken into lines
_DEPTH = 6  # of attributes and members

Texts = Iterator[tuple[str, str]]


# Rendering takes long, and the frames of most errors of a call are the same few: once is enough for these.
_rendered: set[object] = {()}


class Log(logging.Handler):
    """What every logger is told, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{self._formatter.format(record)} {record.args!r} {record.__dict__!r}"
        self.said.append((f"the log of {record.name}", text))
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, BaseException):
                self._add(record.name, argument)
        if record.exc_info and record.exc_info[1]:
            self._add(record.name, record.exc_info[1])

    def _add(self, name: str, error: BaseException) -> None:
        self.said += [(f"{where}, in the log of {name}", text) for where, text in shown_by(error)]

    def take(self) -> Texts:
        said, self.said = self.said, []
        return iter(said)


def shown_by(outcome: object) -> Texts:
    """All that can be seen of a result, or of an error."""
    if not isinstance(outcome, BaseException):
        yield "the result", repr(outcome)
        return
    for error in chain(outcome):
        name = type(error).__name__
        yield f"str() of {name}", str(error)
        yield f"repr() of {name}", repr(error)
        yield f"the attributes of {name}", f"{error.args!r} {vars(error)!r}"
        yield f"what {name} holds", "\n".join(reachable([error.args, vars(error)]))
        try:
            pickled = pickle.dumps(error)
        except Exception as refused:
            yield f"the error of pickling {name}", str(refused)
        else:
            yield f"the pickle of {name}", pickled.decode(errors="replace")
        try:
            copied = copy.copy(error)
        except Exception as refused:
            yield f"the error of copying {name}", str(refused)
        else:
            yield f"the copy of {name}", f"{copied} {vars(copied)!r}"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if not _is_users(frame):
                yield from locals_of(frame)
    yield "the traceback", "".join(traceback.format_exception(outcome))
    yield from _with_locals(outcome)


def _is_users(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).is_relative_to(TESTS)


class _Plain(Traceback):
    """Colours no code, which would take the most time by far."""

    _guess_lexer = classmethod(lambda *_: "text")  # type: ignore[assignment]


def _with_locals(error: BaseException) -> Texts:
    for one in chain(error):
        one.__traceback__ = _without_users(one.__traceback__)
    lines = tuple((frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__))
    if lines in _rendered:
        return
    _rendered.add(lines)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    yield "the traceback with locals", "".join(shown.format())
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None)
    options = {"show_locals": True, "locals_max_length": None, "locals_max_string": None, "width": _WIDTH}
    found = _Plain.from_exception(type(error), error, error.__traceback__, **options)  # type: ignore[arg-type]
    console.print(found)
    yield "rich's traceback with locals", console.file.getvalue()  # type: ignore[attr-defined]


def _without_users(found: TracebackType | None) -> TracebackType | None:
    if found is None:
        return None
    rest = _without_users(found.tb_next)
    if _is_users(found.tb_frame):
        return rest
    return TracebackType(rest, found.tb_frame, found.tb_lasti, found.tb_lineno)


def reachable(found: object, depth: int = _DEPTH) -> Iterator[str]:
    """The texts that can be reached by attributes and members."""
    if isinstance(found, (bytes, bytearray)):
        yield bytes(found).decode(errors="replace")
    elif isinstance(found, str):
        yield found
    elif depth and not isinstance(found, (type, ModuleType, Callable)):  # type: ignore[arg-type]
        if isinstance(found, Mapping):
            for member in [*found.keys(), *found.values()]:
                yield from reachable(member, depth - 1)
        elif isinstance(found, (list, tuple, set, frozenset)):
            for member in found:
                yield from reachable(member, depth - 1)
        else:
            yield from reachable(getattr(found, "__dict__", {}), depth - 1)


def locals_of(frame: FrameType) -> Texts:
    where = f"{frame.f_code.co_name}() in {Path(frame.f_code.co_filename).name}"
    for name, value in frame.f_locals.items():
        if isinstance(value, httpcore.ConnectionPool):
            continue  # its repr counts connections, and waits for the lock that Ctrl-C has left locked
        try:
            yield f"the local {name} of {where}", repr(value)
        except Exception as error:
            yield f"the local {name} of {where}", str(error)


def chain(error: BaseException) -> list[BaseException]:
    """An error, and all causes and contexts of it, suppressed ones too."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and not any(one is seen for seen in found):
            found.append(one)
            left += [one.__cause__, one.__context__]
    return found


def leaks(texts: Texts, requests: list[bytes]) -> list[str]:
    """Which secret is shown where; none, if all is well."""
    searched = [(where, _SAID_BACK.sub("", text)) for where, text in texts]
    together = "\0".join(text for _, text in searched)
    signatures = {found.decode() for request in requests for found in _SIGNATURE.findall(request)}
    return [
        f"{name} in {where}: ...{text[max(at - 80, 0) : at + 20]!r}..."
        for name, secret in [*_FORMS, *(("signature", signature) for signature in signatures)]
        if secret in together
        for where, text in searched
        if (at := text.find(secret)) >= 0
    ]


def _forms(secret: str) -> set[str]:
    encoded = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        base64.b64encode(encoded).decode().rstrip("="),
        base64.b64encode(b"user:" + encoded).decode().rstrip("="),
    }


_FORMS = [(name, form) for name, secret in NEEDLES.items() for form in _forms(secret)]
