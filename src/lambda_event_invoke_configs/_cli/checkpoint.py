"""The command's checkpoint: which functions are finished, so that a run that was killed is gone on with.

A line of JSON for each outcome, in the order of the output's lines. Where the output is a regular file, a
record is written before its line, with the bytes of the file that the line will take: whoever reads the last
one can tell from the file's size whether the line is there, and removes a torn one. So each line is there
exactly once. Any other output (a pipe, a terminal) cannot be looked at: there a record comes after its
line, and a kill in between makes the line come twice rather than never.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from .._settings.config import invalid_setting
from ..exceptions import InvalidConfigError

if TYPE_CHECKING:
    from typing_extensions import Self

Function = tuple[str, str]
"""Its name and its region."""

_BEGINNING = b'{"FunctionName":'  # of every record


class Checkpoint:
    """A checkpoint file, made if there is none.

    path: of the file. output: where the lines go.

    Raises InvalidConfigError for a file that is no checkpoint, and for an output that has lost lines which
    the checkpoint has; OSError for a file that cannot be read or written.
    """

    def __init__(self, path: str, output: TextIO) -> None:
        self._path = path
        self._output = output
        self._file_id = _file_id(output)
        self._taken: set[Function] = set()
        self._file = open(path, "ab+")  # noqa: SIM115 - closed by __exit__
        try:
            self._file.truncate(self._read())
        except BaseException:
            self._file.close()
            raise

    def claim(self, function: Function) -> bool:
        """Take a function for this run; False if it is finished or taken already."""
        if function in self._taken:
            return False
        self._taken.add(function)
        return True

    def write(self, function: Function, line: str, *, failed: bool) -> None:
        """Write an outcome's line to the output, and what it stands for to the checkpoint."""
        record: dict[str, Any] = {"FunctionName": function[0], "Region": function[1], "Failed": failed}
        if self._file_id:
            start = self._size()
            newlines = len(os.linesep) - 1  # what text mode adds
            self._append({**record, "Output": [*self._file_id, start, start + len(line) + newlines]})
        self._output.write(line)
        self._output.flush()
        if not self._file_id:
            self._append(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _append(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def _read(self) -> int:
        """Take in which functions are finished; returns the bytes that the good records take."""
        self._file.seek(0)
        size = end = written = 0
        last: dict[str, Any] | None = None
        for line in self._file:
            if not line.endswith(b"\n"):
                if not _BEGINNING.startswith(line[: len(_BEGINNING)]):
                    raise self._no_checkpoint()
                break  # torn by a kill
            if last:
                self._take(last)
                written = self._end_in_output(last) or written
            last, size, end = self._record(line), end, end + len(line)
        if written and self._size() < written:
            raise self._lost_lines()
        if last and self._was_written(last):
            self._take(last)
            return end
        return size

    def _record(self, line: bytes) -> dict[str, Any]:
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and {"FunctionName", "Region", "Failed"} <= record.keys():
                return record
        raise self._no_checkpoint()

    def _no_checkpoint(self) -> InvalidConfigError:
        return invalid_setting("--checkpoint", self._path, "a file that this command wrote, or none yet")

    def _take(self, record: dict[str, Any]) -> None:
        # What failed is asked for again: its newer line counts.
        if not record["Failed"]:
            self._taken.add((record["FunctionName"], record["Region"]))

    def _end_in_output(self, record: dict[str, Any]) -> int:
        """Where the record's line ends, if it went to this output; else 0."""
        *file_id, _, end = record.get("Output", [0, 0])
        return end if file_id == self._file_id else 0

    def _was_written(self, last: dict[str, Any]) -> bool:
        """Whether the last record's line is in the output; removes a part of it."""
        if "Output" not in last:
            return True
        *file_id, start, end = last["Output"]
        if file_id != self._file_id:
            return False  # the output of then cannot be looked at: rather twice than never
        size = self._size()
        if size < start:
            raise self._lost_lines()
        if size < end:
            os.ftruncate(self._output.fileno(), start)
        return bool(size >= end)

    def _size(self) -> int:
        return os.fstat(self._output.fileno()).st_size

    def _lost_lines(self) -> InvalidConfigError:
        allowed = "removed, or the output continued with >>: it has lost lines"
        return invalid_setting("--checkpoint", self._path, allowed)


def _file_id(output: TextIO) -> list[int] | None:
    """Which regular file it is; None if it is none."""
    try:
        status = os.fstat(output.fileno())
    except OSError:
        return None
    return [status.st_dev, status.st_ino] if stat.S_ISREG(status.st_mode) else None
