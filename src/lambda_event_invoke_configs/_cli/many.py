"""The command for many functions: a line of JSON for each function and region, as it completes.

The progress line is drawn only if nothing else reaches its terminal: standard error is a terminal, and the
output goes to a file. It is not drawn if the output goes to a pipe, since `| jq` and `| head` write to the
same terminal. It is not drawn with the debug log either, nor while names are typed. It starts with the first
outcome, after any prompt for an MFA code.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, cast

from .. import exceptions as errors
from .._client.outcome import FunctionOutcome
from .._sync.functions import run_bounded
from .exit_status import (
    CONFIGURATION,
    PARTIAL_FAILURE,
    RefusedCredentials,
    UsageError,
    error_code,
    exit_code,
)
from .output_file import Function, Line, OutputFile, to_line
from .terminal import is_terminal, may_reach_a_terminal, print_error, width

if TYPE_CHECKING:
    import argparse

    from .._sync.client import Client

_STANDARD_INPUT = "-"
_CHUNK = 64 * 1024  # bytes read at a time; a pipe returns what there is

# Not AccessDeniedException: a policy may allow the next function.
_REFUSED_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Only a caller with a verified signature gets these; a proxy may send others.
_ACCEPTED_CREDENTIALS = frozenset(
    {"AccessDeniedException", "InvalidParameterValueException", "ResourceNotFoundException"}
)

_LABEL = "Listing functions: "
_SECONDS_BETWEEN_REDRAWS = 0.1
_ERASE_LINE = "\r\x1b[K"
_SHOWN_CODES = 5  # the service may send any number of them


def list_many(clients: Mapping[str, Client], args: argparse.Namespace) -> int:
    """List all functions in all regions; returns the exit code.

    clients: by region.
    """
    line_shown = shows_line(args)
    with ExitStack() as stack:
        names: Iterator[str] = iter(args.names)
        number: int | None = len(args.names)
        if args.functions_from is not None:
            with _usage_errors("--functions-from"):
                names = stack.enter_context(names_from(args.functions_from))
            number = count_names(args.functions_from) if line_shown else None
        file = None
        if args.output_file is not None:
            with _usage_errors("--output-file"):
                file = stack.enter_context(OutputFile(args.output_file))
        total = None if number is None else number * len(clients)
        run = stack.enter_context(progress(total, regions=len(clients), shows_line=line_shown))
        check = None if args.keep_going else CredentialCheck(clients)

        def jobs() -> Iterator[Function]:
            for name in names:
                for region in clients:
                    if file is None or file.claim((name, region)):
                        yield name, region
                    else:
                        run.skip()

        def list_one(job: Function, _: object) -> tuple[FunctionOutcome, Line]:
            name, region = job
            return to_line(clients[region].list_for_function(name), region)

        failed = False
        # The rate limit is for each region, and so is the number of functions at the same time.
        at_once = args.max_concurrency * len(clients)
        outcomes = run_bounded(list_one, jobs(), at_once, read_in_thread=True)
        for outcome, line in stack.enter_context(closing(outcomes)):
            failed = failed or line.failed
            if file is None:
                sys.stdout.write(line.text.decode())
            else:
                file.write(line)
            # Counted before the flush: an interrupt may follow as soon as the line can be read.
            run.add(outcome)
            sys.stdout.flush()
            if check:
                check.add(line.function[1], outcome)
    return PARTIAL_FAILURE if failed else 0


@contextmanager
def _usage_errors(option: str) -> Iterator[None]:
    """Raises UsageError, which names the option, for a file that cannot be opened."""
    try:
        yield
    except (OSError, UsageError) as error:
        raise UsageError(f"argument {option}: {error}") from error


@contextmanager
def names_from(path: str) -> Iterator[Iterator[str]]:
    """The names in a file, separated by white space, read as they are needed; "-" is standard input."""
    source: str | int = path
    if path == _STANDARD_INPUT:
        if cast("object", sys.stdin) is None:
            raise OSError(errno.EBADF, "standard input is closed")
        source = sys.stdin.fileno()
    # Without a buffer: a thread that waits for the next name would keep its lock, and closing would wait too.
    with open(source, "rb", buffering=0, closefd=path != _STANDARD_INPUT) as file:
        yield _names(codecs.iterdecode(iter(lambda: file.read(_CHUNK), b""), "utf-8-sig"))


def _names(chunks: Iterable[str]) -> Iterator[str]:
    rest = ""
    try:
        for chunk in chunks:
            names = (rest + chunk).split()
            # The next chunk may continue the last name.
            rest = names.pop() if names and not chunk[-1].isspace() else ""
            yield from names
    except UnicodeError as error:
        raise UsageError(f"argument --functions-from: the names are not in UTF-8: {error}") from error
    if rest:
        yield rest


def count_names(path: str) -> int | None:
    """How many names a file has; None if it can be read only once, or not at all."""
    if path == _STANDARD_INPUT or not os.path.isfile(path):
        return None
    try:
        with names_from(path) as names:
            return sum(1 for _ in names)
    except (OSError, UsageError):  # the listing reports it
        return None


class CredentialCheck:
    """Ends a run of many functions if its credentials are refused from the first function on.

    It does nothing after a region has accepted them. One region of several may refuse the credentials, if the
    account has not opted in to it.
    """

    def __init__(self, regions: Iterable[str]) -> None:
        self._not_refused = set(regions)
        self._accepted = False

    def add(self, region: str, outcome: FunctionOutcome) -> None:
        """Raises RefusedCredentials if all regions have refused them."""
        error = outcome.error
        if error is None or outcome.configurations or error_code(error) in _ACCEPTED_CREDENTIALS:
            self._accepted = True
        if error is None or self._accepted or not _refuses_credentials(error):
            return
        self._not_refused.discard(region)
        if not self._not_refused:
            raise RefusedCredentials(error)


def _refuses_credentials(error: Exception) -> bool:
    """Whether the service refused the credentials, or none could be loaded."""
    if not isinstance(error, errors.ClientError):
        return exit_code(error) == CONFIGURATION
    # Any other ClientError comes from the service that issues the credentials.
    is_lambdas = isinstance(error, errors.LambdaClientError)
    return not is_lambdas or error_code(error) in _REFUSED_CREDENTIALS


def shows_line(args: argparse.Namespace) -> bool:
    """Whether only the progress line is written to the terminal of standard error."""
    if args.debug or not is_terminal(sys.stderr):
        return False
    if args.functions_from == _STANDARD_INPUT and sys.stdin.isatty():
        return False
    return args.output_file is not None or not may_reach_a_terminal(sys.stdout)


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
