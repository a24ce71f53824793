"""The terminal: text that others bring is escaped before it gets there, and only this package colours it.

A service, a function's name, a file or an argument may hold characters that a terminal acts on: escape
sequences that retitle its window or move its cursor, bidirectional marks that reverse what follows, line
breaks that forge a second message. `printable()` is the only place that decides which, and it is applied
where text is written: in the formats `text` and `table`, to errors, to log records, to the summary. JSON has
escapes of its own.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

PROG = "lambda-event-invoke-configs"
COLORS = ("on", "off", "auto")

_DEFAULT_WIDTH = 80  # columns
_DUMB_TERMINALS = ("", "dumb", "unknown")


def printable(text: str) -> str:
    r"""The text with `\x1b` and the like in place of each character that is not shown as itself.

    Those are the ones of Unicode's categories Other and Separator, except the space: control characters,
    bidirectional and other format characters, line and paragraph separators, surrogates, private and
    unassigned characters, spaces that look like one or like nothing.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def print_error(line: str) -> None:
    """Write a line to standard error; if that takes none, nobody can be told."""
    _write_error(printable(line))


def _write_error(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")


def in_color(choice: str, stream: TextIO) -> bool:
    """Whether to write colours there. `choice` is one of COLORS; `auto` is: on a terminal, without NO_COLOR.

    Source: https://no-color.org
    """
    if choice != "auto":
        return choice == "on"
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_terminal(stream: TextIO) -> bool:
    """Whether it is a terminal that can do more than take one line after the other."""
    return stream.isatty() and os.environ.get("TERM", "") not in _DUMB_TERMINALS


def width(stream: TextIO) -> int | None:
    """How many columns a terminal has, from COLUMNS or itself; None for what is not a terminal."""
    if not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    return _DEFAULT_WIDTH


def may_reach_a_terminal(stream: TextIO) -> bool:
    """Whether what is written there may appear on a terminal: it is one, or it is a pipe.

    Nobody can see what reads the other end of a pipe, and `| jq` and `| head` write to the terminal.
    """
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:
        return True
    is_other_device = stat.S_ISCHR(mode) and not stream.isatty()  # such as /dev/null
    return not (stat.S_ISREG(mode) or is_other_device)


@contextmanager
def log_to_stderr(*, debug: bool) -> Iterator[None]:
    """Write this package's warnings to standard error; with `debug`, all of its records."""
    # This package's loggers and no others: botocore logs secrets at DEBUG.
    package = logging.getLogger(__package__.rpartition(".")[0])
    handler = _StderrHandler()
    form = "%(asctime)s %(name)s %(levelname)s %(message)s" if debug else f"{PROG}: warning: %(message)s"
    handler.setFormatter(_PrintableFormatter(form))
    handler.setLevel(logging.DEBUG if debug else logging.WARNING)
    level = package.level
    package.addHandler(handler)
    if debug:
        package.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        package.setLevel(level)
        package.removeHandler(handler)


class _StderrHandler(logging.Handler):
    # Not a StreamHandler: that keeps the stream it was made with, and the progress line replaces sys.stderr.
    def emit(self, record: logging.LogRecord) -> None:
        _write_error(self.format(record))


class _PrintableFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        # Indented: a line that an error's text has brought cannot pass for a record.
        lines = super().formatException(exc_info).split("\n")
        return "\n".join(f"  {printable(line)}" for line in lines)
