"""The command for many functions: a line of JSON for each of them and each region, as it completes."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from .._client.outcome import FunctionOutcome
from .._sync.functions import run_bounded
from .checkpoint import Checkpoint, Function
from .exit_status import PARTIAL_FAILURE, CredentialCheck, error_code, one_line
from .output import json_line, to_json
from .progress import progress, shows_line

if TYPE_CHECKING:
    from .._sync.client import Client

STANDARD_INPUT = "-"


def list_many(clients: Mapping[str, Client], names: Iterator[str], number: int | None, options: Any) -> int:
    """List all functions in all regions; returns the exit code.

    clients: by region. number: how many functions there are, if it is known. options: the command's.
    """
    path = options.checkpoint
    line_shown = shows_line(options, beside_stdout=True)
    if number is None and line_shown:
        number = count_names(options.functions_from)
    total = None if number is None else number * len(clients)
    check = None if options.keep_going else CredentialCheck(clients)
    with ExitStack() as stack:
        checkpoint = None if path is None else stack.enter_context(Checkpoint(path, sys.stdout))
        run = stack.enter_context(progress(total, regions=len(clients), shows_line=line_shown))

        def jobs() -> Iterator[Function]:
            for job in ((name, region) for name in names for region in clients):
                if checkpoint is None or checkpoint.claim(job):
                    yield job
                else:
                    run.skip()

        def list_one(job: Function, _: object) -> tuple[Function, FunctionOutcome]:
            name, region = job
            return job, clients[region].list_for_function(name)

        failed = False
        # The rate limit is for each region, and so is the number of functions at the same time.
        at_once = options.max_concurrency * len(clients)
        outcomes = run_bounded(list_one, jobs(), at_once, read_in_thread=True)
        for job, outcome in stack.enter_context(closing(outcomes)):
            failed = failed or outcome.error is not None
            # Before the line can be read: an interrupt may follow at once.
            run.add(outcome)
            line = _line(outcome, job[1])
            if checkpoint:
                checkpoint.write(job, line, failed=outcome.error is not None)
            else:
                sys.stdout.write(line)
                sys.stdout.flush()
            if check:
                check.add(job[1], outcome)
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


def count_names(path: str) -> int | None:
    """How many names a file has; None for what can be read only once, or not at all."""
    if path == STANDARD_INPUT or not os.path.isfile(path):
        return None
    try:
        with names_from(path) as names:
            return sum(1 for _ in names)
    except (OSError, UnicodeError):  # for the listing to tell
        return None


def _line(outcome: FunctionOutcome, region: str) -> str:
    shown: dict[str, Any] = {
        "FunctionName": outcome.function_name,
        "Region": region,
        "FunctionEventInvokeConfigs": to_json(outcome.configurations),
    }
    if outcome.error is not None:
        shown["Error"] = {"Code": error_code(outcome.error), "Message": one_line(outcome.error)}
    if outcome.resume_token is not None:
        shown["NextToken"] = outcome.resume_token
    return json_line(shown)
