"""The command for many functions: a line of JSON for each of them and each region, as it completes."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from .._client.outcome import FunctionOutcome
from .._sync.functions import run_bounded
from .exit_status import PARTIAL_FAILURE, CredentialCheck
from .lines import Function, Line, to_line
from .output_file import OutputFile
from .progress import progress, shows_line

if TYPE_CHECKING:
    from .._sync.client import Client

STANDARD_INPUT = "-"
_CHUNK = 64 * 1024  # bytes read at a time; a pipe returns what there is


def list_many(clients: Mapping[str, Client], names: Iterator[str], number: int | None, options: Any) -> int:
    """List all functions in all regions; returns the exit code.

    clients: by region. number: how many functions there are, if it is known. options: the command's.
    """
    path = options.output_file
    line_shown = shows_line(options, beside_stdout=path is None)
    if number is None and line_shown:
        number = count_names(options.functions_from)
    total = None if number is None else number * len(clients)
    check = None if options.keep_going else CredentialCheck(clients)
    with ExitStack() as stack:
        file = None if path is None else stack.enter_context(OutputFile(path))
        run = stack.enter_context(progress(total, regions=len(clients), shows_line=line_shown))

        def jobs() -> Iterator[Function]:
            for job in ((name, region) for name in names for region in clients):
                if file is None or file.claim(job):
                    yield job
                else:
                    run.skip()

        def list_one(job: Function, _: object) -> tuple[FunctionOutcome, Line]:
            name, region = job
            return to_line(clients[region].list_for_function(name), region)

        failed = False
        # The rate limit is for each region, and so is the number of functions at the same time.
        at_once = options.max_concurrency * len(clients)
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
def names_from(path: str) -> Iterator[Iterator[str]]:
    """The names in a file, separated by white space, read as they are needed; "-" is standard input."""
    source: str | int = path
    if path == STANDARD_INPUT:
        if cast("object", sys.stdin) is None:
            raise OSError(errno.EBADF, "standard input is closed")
        source = sys.stdin.fileno()
    # Without a buffer: a thread that waits for the next name would keep its lock, and closing would wait too.
    with open(source, "rb", buffering=0, closefd=path != STANDARD_INPUT) as file:
        yield _names(codecs.iterdecode(iter(lambda: file.read(_CHUNK), b""), "utf-8-sig"))


def _names(chunks: Iterable[str]) -> Iterator[str]:
    rest = ""
    for chunk in chunks:
        names = (rest + chunk).split()
        # The next chunk may go on with the last one.
        rest = names.pop() if names and not chunk[-1].isspace() else ""
        yield from names
    if rest:
        yield rest


def count_names(path: str) -> int | None:
    """How many names a file has; None for what can be read only once, or not at all."""
    if path == STANDARD_INPUT or not os.path.isfile(path):
        return None
    try:
        with names_from(path) as names:
            return sum(1 for _ in names)
    except (OSError, UnicodeError):  # the listing reports it
        return None
