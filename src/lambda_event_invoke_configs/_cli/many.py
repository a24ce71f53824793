"""The command for many functions: a line of JSON for each of them and each region, as it completes."""

from __future__ import annotations

import codecs
import errno
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from .._client.outcome import FunctionOutcome
from .._sync.functions import run_bounded
from .checkpoint import Checkpoint, Function
from .exit_status import PARTIAL_FAILURE, one_line
from .output import to_json

if TYPE_CHECKING:
    from .._sync.client import Client

STANDARD_INPUT = "-"
_CHUNK = 64 * 1024  # bytes read at a time; a pipe returns what there is


def list_many(clients: Mapping[str, Client], names: Iterator[str], number: int | None, options: Any) -> int:
    """List all functions in all regions; returns the exit code.

    clients: by region. number: how many functions there are, if it is known. options: the command's.
    """
    path = options.checkpoint
    total = None if number is None else number * len(clients)
    with ExitStack() as stack:
        checkpoint = None if path is None else stack.enter_context(Checkpoint(path, sys.stdout))
        advance = stack.enter_context(_progress(total))

        def jobs() -> Iterator[Function]:
            for job in ((name, region) for name in names for region in clients):
                if checkpoint is None or checkpoint.claim(job):
                    yield job
                else:
                    advance()

        def list_one(job: Function, _: object) -> tuple[Function, FunctionOutcome]:
            name, region = job
            return job, clients[region].list_for_function(name)

        failed = False
        # The rate limit is for each region, and so is the number of functions at the same time.
        at_once = options.max_concurrency * len(clients)
        outcomes = run_bounded(list_one, jobs(), at_once, read_in_thread=True)
        for job, outcome in stack.enter_context(closing(outcomes)):
            failed = failed or outcome.error is not None
            line = _line(outcome, job[1])
            if checkpoint:
                checkpoint.write(job, line, failed=outcome.error is not None)
            else:
                sys.stdout.write(line)
                sys.stdout.flush()
            advance()
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


def _line(outcome: FunctionOutcome, region: str) -> str:
    shown: dict[str, Any] = {
        "FunctionName": outcome.function_name,
        "Region": region,
        "FunctionEventInvokeConfigs": to_json(outcome.configurations),
    }
    if outcome.error is not None:
        response = getattr(outcome.error, "response", {})
        code = response.get("Error", {}).get("Code", type(outcome.error).__name__)
        shown["Error"] = {"Code": code, "Message": one_line(outcome.error)}
    if outcome.resume_token is not None:
        shown["NextToken"] = outcome.resume_token
    return json.dumps(shown, separators=(",", ":")) + "\n"


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[], None]]:
    """A bar on standard error, if that is a terminal, the lines go elsewhere and rich is there."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
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
