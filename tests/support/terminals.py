"""A terminal of the tests' own, and what may be written to one."""

from __future__ import annotations

import os
import re
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

COLOR = re.compile(r"\x1b\[[\d;]*m")
ERASE_LINE = "\r\x1b[K"

HOSTILE_TEXTS = {
    "a colour": "\x1b[31m",
    "a title": "\x1b]0;title\x07",
    "a device control string": "\x1bPq\x1b\\",
    "C1": "\x9b31m\x85",
    "delete": "\x7f",
    "backspaces": "\b\b\b",
    "a null": "\x00",
    "a carriage return": "\r",
    "a line break": "\nforged",
    "a tab": "\tforged",
    "bidirectional override": "\u202egnp.exe",
    "bidirectional isolate": "\u2067gnp\u2069",
    "zero width": "\u200b\u200d\ufeff",
    "line and paragraph separators": "\u2028forged\u2029forged",
    "a lone surrogate": "\ud800",
    "tags": "\U000e0041",
    "a private character": "\ue000",
    "a space that is none": "\u00a0",
}
# Of which nothing is to be taken for markup either.
MARKUP = "[red]x[/red] [/] :smile:"
HOSTILE = "<" + "".join(HOSTILE_TEXTS.values()) + MARKUP + ">"
# For what is logged too: a worker of pytest-xdist cannot send a surrogate with its report.
ENCODABLE = HOSTILE.replace("\ud800", "")


def is_clean(written: str) -> bool:
    """Whether it holds nothing but lines of what is shown as itself, none of them begun by a hostile text."""
    return all(line.isprintable() and not line.startswith("forged") for line in written.split("\n"))


class Terminal:
    """A pseudo-terminal, for the length of a `with` block; `file` writes to it."""

    def __init__(self, columns: int) -> None:
        import fcntl
        import pty
        import termios

        self._reading_end, writing_end = pty.openpty()
        fcntl.ioctl(writing_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.file = open(writing_end, "w", encoding="utf-8", buffering=1)  # noqa: SIM115 - for the block
        self._read = b""
        # It takes only so much unread.
        self._reader = threading.Thread(target=self._read_all)

    def _read_all(self) -> None:
        # At its end, Linux has an error there.
        try:
            while read := os.read(self._reading_end, 65536):
                self._read += read
        except OSError:
            pass

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._reader.join()
        os.close(self._reading_end)

    @property
    def written(self) -> str:
        """All that was written, after the end of the `with` block."""
        return self._read.decode().replace("\r\n", "\n")

    @property
    def screens(self) -> list[str]:
        """What it has shown, without colours: before each time that a line was erased, and at the end."""
        screens: list[str] = []
        kept = ""
        for part in COLOR.sub("", self.written).split(ERASE_LINE):
            screens.append(kept + part)
            kept = screens[-1][: screens[-1].rfind("\n") + 1]
        return screens
