"""Writing to a terminal: escaping of untrusted text, color, width, log records.

A response, a function's name, a file or an argument may contain characters that a terminal interprets. Escape
sequences change its title or move its cursor, bidirectional marks reverse the following text, and line breaks
fake a second message. `printable()` decides which characters are escaped. The formats `text` and
`table`, errors, log records and the summary pass through it. JSON escapes these characters itself.
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
_DUMB_TERMINALS = (None, "", "dumb", "unknown")


def printable(text: str) -> str:
    r"""The text, with an escape such as `\x1b` for each character that Unicode calls Other or Separator.

    These are control characters, format characters (bidirectional marks, zero width), line and paragraph
    separators, surrogates, private and unassigned characters, and every space except U+0020.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def print_error(line: str) -> None:
    """Write a line to standard error. Errors of writing are ignored: there is nowhere to report them."""
    with suppress(OSError):
        sys.stderr.write(f"{printable(line)}\n")


def in_color(choice: str, stream: TextIO) -> bool:
    """Whether to write colors to the stream.

    choice: one of COLORS; `auto` means on a terminal, without NO_COLOR.

    Source: https://no-color.org
    """
    if choice != "auto":
        return choice == "on"
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_terminal(stream: TextIO) -> bool:
    """Whether it is a terminal that understands escape sequences."""
    return stream.isatty() and os.environ.get("TERM") not in _DUMB_TERMINALS


def width(stream: TextIO) -> int | None:
    """The columns of a terminal, from COLUMNS or the terminal itself; None if it is not a terminal."""
    if not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    return _DEFAULT_WIDTH


def may_reach_a_terminal(stream: TextIO) -> bool:
    """Whether the stream's content may appear on a terminal: the stream is a terminal or a pipe.

    The reader of a pipe is unknown, and `| jq` and `| head` write to the terminal.
    """
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:
        return True
    is_other_device = stat.S_ISCHR(mode) and not stream.isatty()  # such as /dev/null
    return not (stat.S_ISREG(mode) or is_other_device)


@contextmanager
def log_to_stderr(*, debug: bool) -> Iterator[None]:
    """Write the warnings of this package's loggers to standard error; with `debug`, all records."""
    # This package's loggers and no others: botocore logs secrets at DEBUG.
    package = logging.getLogger(__package__.rpartition(".")[0])
    handler = logging.StreamHandler()
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


class _PrintableFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        # Indented, so that a line break in the error's text cannot fake a record.
        lines = super().formatException(exc_info).split("\n")
        return "\n".join(f"  {printable(line)}" for line in lines)
