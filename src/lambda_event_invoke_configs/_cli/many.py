"""The command for many functions: a line of JSON for each of them and each region, as it completes."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from .._client.outcome import FunctionOutcome
from .._sync.functions import run_bounded
from .exit_status import PARTIAL_FAILURE
from .lines import Function, Line, to_line
from .output_file import OutputFile

if TYPE_CHECKING:
    from .._sync.client import Client

STANDARD_INPUT = "-"


def list_many(clients: Mapping[str, Client], names: Iterator[str], number: int | None, options: Any) -> int:
    """List all functions in all regions; returns the exit code.

    clients: by region. number: how many functions there are, if it is known. options: the command's.
    """
    path = options.output_file
    total = None if number is None else number * len(clients)
    with ExitStack() as stack:
        file = None if path is None else stack.enter_context(OutputFile(path))
        advance = stack.enter_context(_progress(total, beside_stdout=file is None))

        def jobs() -> Iterator[Function]:
            for job in ((name, region) for name in names for region in clients):
                if file is None or file.claim(job):
                    yield job
                else:
                    advance()

        def list_one(job: Function, _: object) -> tuple[FunctionOutcome, Line]:
            name, region = job
            return to_line(clients[region].list_for_function(name), region)

        failed = False
        # The rate limit is for each region, and so is the number of functions at the same time.
        at_once = options.max_concurrency * len(clients)
        outcomes = run_bounded(list_one, jobs(), at_once, read_in_thread=True)
        for _, line in stack.enter_context(closing(outcomes)):
            failed = failed or line.failed
            if file is None:
                sys.stdout.write(line.text.decode())
                sys.stdout.flush()
            else:
                file.write(line)
            advance()
    return PARTIAL_FAILURE if failed else 0


@contextmanager
def names_from(path: str) -> Iterator[Iterator[str]]:
    """The names in a file, one a line, read as they are needed; "-" is standard input."""
    source: str | int = path
    if path == STANDARD_INPUT:
        if cast("object", sys.stdin) is None:
            raise OSError(errno.EBADF, "standard input is closed")
        source = sys.stdin.fileno()
    # Closed without the buffer's lock, which a thread that waits for the next line would not give away.
    with open(source, "rb", buffering=0, closefd=path != STANDARD_INPUT) as file:
        lines = io.TextIOWrapper(io.BufferedReader(file), encoding="utf-8-sig")
        yield (name for line in lines if (name := line.strip()))


@contextmanager
def _progress(total: int | None, *, beside_stdout: bool) -> Iterator[Callable[[], None]]:
    """A bar on standard error, if that is a terminal, the lines go elsewhere and rich is there.

    beside_stdout: whether the lines go to standard output.
    """
    if not sys.stderr.isatty() or (beside_stdout and sys.stdout.isatty()):
        yield lambda: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
    except ImportError:
        yield lambda: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
