"""The progress line of a run of many functions, and its summary.

The line is drawn only if nothing else is written to its terminal: standard error is a terminal, and the
output goes to a file. A pipe does not count, since `| jq` and `| head` write to the same terminal. With the
debug log, or while names are typed, there is no line either. It starts with the first outcome, after any
prompt for an MFA code.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from .exit_status import error_code
from .terminal import is_terminal, may_reach_a_terminal, print_error, width

if TYPE_CHECKING:
    from .._client.outcome import FunctionOutcome

_LABEL = "Listing functions: "
_SECONDS_BETWEEN_REDRAWS = 0.1
_ERASE_LINE = "\r\x1b[K"
_SHOWN_CODES = 5  # the service may send any number of them


def shows_line(options: Any, *, beside_stdout: bool) -> bool:
    """Whether only the progress line is written to the terminal of standard error.

    beside_stdout: whether the output goes to standard output.
    """
    if options.debug or not is_terminal(sys.stderr):
        return False
    if options.functions_from == "-" and sys.stdin.isatty():
        return False
    return not (beside_stdout and may_reach_a_terminal(sys.stdout))


@contextmanager
def progress(total: int | None, *, regions: int, shows_line: bool) -> Iterator[Progress]:
    """Count the outcomes of a run; at its end, also after an error, write the summary to standard error.

    total: how many outcomes there will be, if it is known.
    """
    run = Progress(total, regions, shows_line=shows_line)
    reader_closed = False
    try:
        yield run
    except BrokenPipeError:
        reader_closed = True
        raise
    finally:
        run.erase()
        if not reader_closed:
            print_error(run.summary())


class Progress:
    """Counts the outcomes of a run, and draws the progress line."""

    def __init__(self, total: int | None, regions: int, *, shows_line: bool) -> None:
        self._total = total
        self._several_regions = regions > 1
        self._shows_line = shows_line
        self._listed = 0
        self._skipped = 0
        self._configurations = 0
        self._failures: Counter[str] = Counter()
        self._started_at = monotonic()
        self._drawn_at: float | None = None

    def add(self, outcome: FunctionOutcome) -> None:
        """Count an outcome."""
        self._listed += 1
        self._configurations += len(outcome.configurations)
        if outcome.error is not None:
            self._failures[error_code(outcome.error)] += 1
        if self._shows_line:
            self._draw()

    def skip(self) -> None:
        """Count a function that an earlier run has completed. May be called from another thread."""
        self._skipped += 1

    def summary(self) -> str:
        """How many functions, how many configurations, and the failures by code."""
        # The output has a line for each function and region.
        listed = "function-region pair" if self._several_regions else "function"
        parts = [_count(self._listed, listed), _count(self._configurations, "configuration")]
        if self._skipped:
            parts.append(f"{self._skipped} completed earlier")
        if not self._failures:
            return ", ".join([*parts, "none failed"])
        by_number = sorted(self._failures.items(), key=lambda failure: (-failure[1], failure[0]))
        codes = [f"{number} {code}" for code, number in by_number[:_SHOWN_CODES]]
        if others := len(self._failures) - len(codes):
            codes.append(f"and {_count(others, 'other code')}")
        return ", ".join([*parts, f"{self._failures.total()} failed: {', '.join(codes)}"])

    def erase(self) -> None:
        """Remove the line, if there is one."""
        if self._drawn_at is not None:
            _write(_ERASE_LINE)

    def _draw(self) -> None:
        now = monotonic()
        if self._drawn_at is not None and now - self._drawn_at < _SECONDS_BETWEEN_REDRAWS:
            return
        self._drawn_at = now
        columns = width(sys.stderr) or 0
        # In the last column, some terminals begin the next line.
        _write(_ERASE_LINE + (_LABEL + self._figures(now - self._started_at))[: columns - 1])

    def _figures(self, seconds: float) -> str:
        done = self._listed + self._skipped
        of_total = "" if self._total is None else f" of {self._total}"
        rate = self._listed / seconds if seconds else 0
        figures = [f"{done}{of_total} done", f"{self._failures.total()} failed", f"{rate:.1f}/s"]
        if self._total is not None and rate:
            left = timedelta(seconds=round((self._total - done) / rate))
            figures.append(f"{left} left")
        return ", ".join(figures)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _write(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
