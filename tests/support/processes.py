"""Processes of the tests' own: commands, scripts, and what they print."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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


@contextmanager
def started(*command: str, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process, killed where the block ends before it does, or where it takes too long: its output ends."""
    with subprocess.Popen(command, **options) as process:
        watchdog = threading.Timer(LONGEST, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def python(*arguments: str | Path, **options: Any) -> str:
    """What Python prints: `python("-c", code)`; the options are those of `run()`."""
    return run(sys.executable, *arguments, **options).out


# Forked from a process that has imported what takes long: for what is started often, and does not look at how
# it came to be there.

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        *("anyio._backends._asyncio", "botocore.session", "httpx", "pytest", "respx", "trio"),
        *(f"{PACKAGE}.{module}" for module in ("_async.client", "_cli.many", "_sync.client", "local")),
    ]
)


def forked(seconds: float, run: Callable[..., int | None], *arguments: Any, **environ: str) -> int | None:
    """The exit code of a process, for what `run` returns or raises. After so many seconds it is killed."""
    process = _FORKING.Process(target=_run, args=({**os.environ, **environ}, run, arguments))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def _run(environ: Mapping[str, str], run: Callable[..., int | None], arguments: list[Any]) -> None:
    gc.freeze()  # so that no collection looks at what was imported
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    sys.exit(run(*arguments))


def forked_python(*arguments: str | Path, folder: Path, **environ: str) -> str:
    """What Python prints, with warnings as errors: of a script, `-c` and code, or `-m` and a module."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = [multiprocessing.reduction.DupFd(file.fileno()) for file in (out, err)]
        texts = [str(argument) for argument in arguments]
        code = forked(LONGEST, _python, texts, folder, streams, **environ)
        printed, complaints = ((file.seek(0), file.read().decode())[1] for file in (out, err))
        assert code == 0, f"{printed}\n{complaints}"
        return printed


def _python(arguments: list[str], folder: Path, streams: list[Any]) -> None:
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream.detach(), number)
    os.chdir(folder)
    sys.path[0] = str(folder)
    warnings.simplefilter("error")
    kind, *rest = arguments
    sys.argv = rest if kind == "-m" else arguments
    if kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(rest[0], {"__name__": "__main__"})  # noqa: S102
    else:
        # In full: processes of its own look for it where this one began.
        runpy.run_path(str(folder / kind), run_name="__main__")
