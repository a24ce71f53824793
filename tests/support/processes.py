"""Processes of the tests' own: commands, scripts, and what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "lambda_event_invoke_configs"
COMMAND = [sys.executable, "-m", PACKAGE]
# Where tests run in the background Ctrl-C is ignored, and their children would inherit that.
INTERRUPTIBLE_COMMAND = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    f"import sys; from {PACKAGE}._cli.main import main; sys.exit(main())",
]
LONGEST = 300  # seconds until a process that does not end is an error


class Ran(NamedTuple):
    """How a process, or the command in this one, has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def arns(self) -> list[str]:
        return [config["FunctionArn"] for config in self.document["FunctionEventInvokeConfigs"]]


Run = Callable[..., Ran]
Many = Callable[..., tuple[int, list[dict[str, Any]], str]]
"""The lines of many functions in place of the output."""


def run(
    *command: str | Path,
    folder: Path | None = None,
    fails: bool = False,
    only: Mapping[str, str] | None = None,
    stdout: Any = subprocess.PIPE,
    stderr: Any = subprocess.PIPE,
    **environ: str,
) -> Ran:
    """Runs it to its end, in this process's environment and `environ`, or in `only` that.

    It has to succeed, unless it `fails`: then it may.
    """
    environment = {**(os.environ if only is None else only), **environ}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert fails or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Ran(done.returncode, done.stdout or "", done.stderr or "")


def python(*arguments: str | Path, **options: Any) -> str:
    """What Python prints: `python("-c", code)`; the options are those of `run()`."""
    return run(sys.executable, *arguments, **options).out
