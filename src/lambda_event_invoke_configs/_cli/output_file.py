"""`--output-file`: a file of lines, which also records which functions are finished.

    line of a finished function       appended as it completes, and never changed
    ...
    line of a function that failed    written when the run ends, removed when the next run begins
    ...

So at any moment, after any kill, the file has at most one line for each function and region, and exactly one
for each that is finished. Failures are kept in memory until the run ends, because only the end of a file can
be removed without a second file, which would need the lock, permissions and links of the first.

A write that a kill or a full disk cuts short leaves the beginning of a line at the end: the next run removes
it and lists that function again. A file with any byte that this command did not write is refused as it is.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .._settings.config import invalid_setting
from .lines import Function, Line, is_torn, parse

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..exceptions import InvalidConfigError

_LONGEST_LINE = 1 << 26  # bytes; some 160,000 configurations
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_MODE = 0o666  # less the umask


class OutputFile:
    """A file of lines, created if there is none, and locked until it is closed.

    Raises InvalidConfigError for a file that is not this command's, or in use by another run; OSError for one
    that cannot be read or written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._taken: set[Function] = set()
        self._failed: dict[Function, bytes] = {}
        with suppress(FileNotFoundError):
            # Before opening it, which has an effect on some devices, and on a reader of a FIFO.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise self._invalid("a regular file")
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
        """Take in which functions are finished and which failed; returns where the finished ones end."""
        end = 0
        with open(self._fd, "rb", closefd=False) as file:
            for number, text in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                line = parse(text)
                if line is None:
                    if text.endswith(b"\n") or len(text) == _LONGEST_LINE or not is_torn(text):
                        raise self._foreign(f"line {number} is something else")
                    break
                if line.function in self._taken or line.function in self._failed:
                    raise self._foreign(f"line {number} repeats a function")
                if line.failed:
                    self._failed[line.function] = text
                elif self._failed:
                    raise self._foreign(f"line {number} comes after one with an Error")
                else:
                    self._taken.add(line.function)
                    end += len(text)
        return end

    def _lock(self) -> None:
        try:
            _lock(self._fd)
        except (BlockingIOError, PermissionError):
            raise self._invalid("a file that no other run is writing to") from None

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno and error.filename is None:
                error.filename = self._path
            raise

    def _foreign(self, reason: str) -> InvalidConfigError:
        return self._invalid(f"a new file, or one that only --output-file has written to: {reason}")

    def _invalid(self, allowed: str) -> InvalidConfigError:
        return invalid_setting("--output-file", self._path, allowed)


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
