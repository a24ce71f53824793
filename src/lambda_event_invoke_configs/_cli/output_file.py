"""The lines of many functions, and `--output-file`, a file of lines that continues a run.

A line is JSON in ASCII without spaces, with its members in one order:

    {"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[...]}
    {"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[...],"Error":{...},"NextToken":"..."}

The file also records which functions are finished:

    line of a finished function       appended as it completes, and never changed
    ...
    line of a function that failed    written when the run ends, removed when the next run begins
    ...

So even after a kill, the file has at most one line for each function and region, and exactly one for each
that is finished. Failures are kept in memory until the run ends, because only the end of a file can be
removed without a second file. A second file would need the lock, permissions and links of the first.

A write that a kill or a full disk cuts short leaves the beginning of a line at the end. The next run removes
it and lists that function again. A file with any byte that this command did not write is refused and left
unchanged. One grammar provides the patterns for whole lines and for the beginning of one. Each line is
matched before it is written, so the next run recognizes it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .._client.outcome import FunctionOutcome
from ..exceptions import ResponseParserError
from .exit_status import UsageError, error_code, one_line
from .output import json_line, to_json

if TYPE_CHECKING:
    from typing_extensions import Self

_LONGEST_LINE = 1 << 26  # bytes; some 160,000 configurations
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_MODE = 0o666  # less the umask

Function = tuple[str, str]
"""Its name, as it was given, and its region."""


class Line(NamedTuple):
    """A line, the function it is about, and whether its listing failed."""

    text: bytes
    function: Function
    failed: bool


def to_line(outcome: FunctionOutcome, region: str) -> tuple[FunctionOutcome, Line]:
    """The outcome and its line. An outcome that no line can represent becomes a failure."""
    try:
        line = parse(_text(outcome, region))
    except RecursionError:
        line = None
    if line is None:
        # An ARN may be any JSON value: the library does not check strings, as boto3 does not.
        error = ResponseParserError("Unable to parse the response: a value that should be a string is not")
        outcome = FunctionOutcome(outcome.function_name, [], error)
        line = parse(_text(outcome, region))
        assert line
    return outcome, line


def parse(text: bytes) -> Line | None:
    """The line of this text, which ends in a line break; None if this command did not write it."""
    if not (found := _WHOLE_LINE.fullmatch(text)):
        return None
    name, region, failure = found.groups()
    return Line(text, (json.loads(name), sys.intern(json.loads(region))), failure is not None)


def is_torn(text: bytes) -> bool:
    """Whether this text is the beginning of a line, without its end. It may be empty."""
    return re.fullmatch(_LINE.torn.encode(), text) is not None


def _text(outcome: FunctionOutcome, region: str) -> bytes:
    shown: dict[str, Any] = {
        "FunctionName": outcome.function_name,
        "Region": region,
        "FunctionEventInvokeConfigs": to_json(outcome.configurations),
    }
    if outcome.error is not None:
        shown["Error"] = {"Code": error_code(outcome.error), "Message": one_line(outcome.error)}
    if outcome.resume_token is not None:
        shown["NextToken"] = outcome.resume_token
    return json_line(shown).encode()


class OutputFile:
    """A file of lines, created if there is none, and locked until it is closed.

    Raises UsageError for a file that is not this command's, or in use by another run; OSError for one that
    cannot be read or written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._taken: set[Function] = set()
        self._failed: dict[Function, bytes] = {}
        with suppress(FileNotFoundError):
            # Before opening it, which has an effect on some devices, and on a reader of a FIFO.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise UsageError(f"not a regular file: {path!r}")
        self._fd = os.open(path, _FLAGS, _MODE)
        try:
            with self._named_in_errors():
                self._lock()
                self._end = self._read()
                # Otherwise the file keeps its time of modification.
                if self._end < os.fstat(self._fd).st_size:
                    os.ftruncate(self._fd, self._end)
        except BaseException:
            os.close(self._fd)
            raise

    def claim(self, function: Function) -> bool:
        """Take a function for this run; False if it is finished or taken already."""
        if function in self._taken:
            return False
        self._taken.add(function)
        return True

    def write(self, line: Line) -> None:
        """Append the line of a function that is finished, or keep the line of one that failed for the end."""
        if line.failed:
            self._failed[line.function] = line.text
            return
        self._failed.pop(line.function, None)  # first: Ctrl-C in between must not leave both lines
        self._append(line.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for text in self._failed.values():
                self._append(text)
            self._check_unchanged()
            with self._named_in_errors():
                os.fsync(self._fd)  # some file systems report a full disk only now
        finally:
            os.close(self._fd)

    def _append(self, text: bytes) -> None:
        with self._named_in_errors():
            self._check_unchanged()
            written = 0
            try:
                while written < len(text):
                    written += os.write(self._fd, text[written:])
                self._end += len(text)
            except BaseException:
                os.ftruncate(self._fd, self._end)
                raise

    def _check_unchanged(self) -> None:
        # Lines in a deleted file would be lost, and lines after another program's would be refused later.
        now, ours = os.stat(self._path), os.fstat(self._fd)
        if not os.path.samestat(now, ours) or ours.st_size != self._end:
            raise OSError(f"Another program changed or replaced the file during the run: {self._path!r}")

    def _read(self) -> int:
        """Read which functions are finished and which failed; returns where the finished ones end."""
        end = 0
        with open(self._fd, "rb", closefd=False) as file:
            for number, text in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                line = parse(text)
                if line is None:
                    if text.endswith(b"\n") or len(text) == _LONGEST_LINE or not is_torn(text):
                        raise self._foreign(number, "was not written by --output-file")
                    break
                if line.function in self._taken or line.function in self._failed:
                    raise self._foreign(number, "repeats a function")
                if line.failed:
                    self._failed[line.function] = text
                elif self._failed:
                    raise self._foreign(number, "comes after one with an Error")
                else:
                    self._taken.add(line.function)
                    end += len(text)
        return end

    def _lock(self) -> None:
        try:
            _lock(self._fd)
        except (BlockingIOError, PermissionError):
            raise UsageError(f"another run is writing to {self._path!r}") from None

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno and error.filename is None:
                error.filename = self._path
            raise

    def _foreign(self, number: int, problem: str) -> UsageError:
        return UsageError(f"cannot continue {self._path!r}: line {number} {problem}")


# The system releases the lock when the process ends, also by a kill. Other programs can read the file.
if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        # Here no program can read a locked byte. This one is past the end, if the file is smaller than 2 GiB.
        os.lseek(fd, (1 << 31) - 1, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _Syntax(NamedTuple):
    """A pattern for a whole text, and one for any beginning of it, which may be empty."""

    whole: str
    torn: str


def _literal(text: str) -> _Syntax:
    torn = ""
    for character in reversed(text[:-1]):
        torn = f"(?:{re.escape(character)}{torn})?"
    return _Syntax(re.escape(text), torn)


def _sequence(*parts: _Syntax) -> _Syntax:
    torn = parts[-1].torn
    for part in reversed(parts[:-1]):
        torn = f"(?:{part.whole}{torn}|{part.torn})"
    return _Syntax("".join(part.whole for part in parts), torn)


def _choice(*parts: _Syntax) -> _Syntax:
    return _Syntax(*(f"(?:{'|'.join(patterns)})" for patterns in zip(*parts, strict=True)))


def _captured(part: _Syntax) -> _Syntax:
    return _Syntax(f"({part.whole})", part.torn)


def _optional(part: _Syntax) -> _Syntax:
    return _Syntax(f"(?:{part.whole})?", part.torn)


def _joined(item: _Syntax) -> _Syntax:
    """Any number of them, with commas between."""
    # After each a comma, unless a closing bracket or the end of a torn text follows.
    many = rf"(?:{item.whole}(?:,(?![}}\]])|(?![^}}\]])))*"
    return _Syntax(many, many + item.torn)


def _object(*members: _Syntax) -> _Syntax:
    return _sequence(_literal("{"), _joined(_choice(*members)), _literal("}"))


def _member(name: str, value: _Syntax) -> _Syntax:
    return _sequence(_literal(f'"{name}":'), value)


# A string as json.dumps() writes it. The pattern matches a run of plain characters in one step.
_PLAIN = r"[ !#-\[\]-~]*"
_CHARACTERS = rf'{_PLAIN}(?:\\(?:["\\bfnrt]|u[0-9a-f]{{4}}){_PLAIN})*'
_STRING = _Syntax(f'"{_CHARACTERS}"', rf'(?:"{_CHARACTERS}(?:\\(?:u[0-9a-f]{{0,3}})?)?)?')
_NUMBER = _Syntax("-?[0-9]+", "-?[0-9]*")
_DESTINATION = _object(_member("Destination", _STRING))
_CONFIGURATION = _object(
    _member("LastModified", _STRING),
    _member("FunctionArn", _STRING),
    _member("MaximumRetryAttempts", _NUMBER),
    _member("MaximumEventAgeInSeconds", _NUMBER),
    _member(
        "DestinationConfig",
        _object(_member("OnSuccess", _DESTINATION), _member("OnFailure", _DESTINATION)),
    ),
)
_CONFIGURATIONS = _sequence(_literal("["), _joined(_choice(_CONFIGURATION, _literal("null"))), _literal("]"))
_FAILURE = _sequence(
    _literal(',"Error":{"Code":'),
    _STRING,
    _literal(',"Message":'),
    _STRING,
    _literal("}"),
    _optional(_sequence(_literal(',"NextToken":'), _STRING)),
)
_LINE = _sequence(
    _literal('{"FunctionName":'),
    _captured(_STRING),
    _literal(',"Region":'),
    _captured(_STRING),
    _literal(',"FunctionEventInvokeConfigs":'),
    _CONFIGURATIONS,
    _optional(_captured(_FAILURE)),
    _literal("}\n"),
)
_WHOLE_LINE = re.compile(_LINE.whole.encode())
