"""Processes that are started often, and killed: forked from one that has imported the library already.

To import it again would take longer than what they do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any


class Zygote:
    """Starts processes, one at a time, by a script that ends in `serve()`."""

    def __init__(self, script: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._hear() == "ready"

    def run(self, job: dict[str, Any], kill_after: float | None) -> int:
        """The exit code of a process that is killed after so many seconds, or not at all."""
        self._say(json.dumps(job))
        assert self._hear() == "started"
        if kill_after is None:
            self._say("wait")
        else:
            threading.Event().wait(kill_after)  # not time.sleep: tests take that away
            self._say("kill")
        return int(self._hear())

    def close(self) -> None:
        self._process.communicate()

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().rstrip("\n")


def serve(run: Callable[[dict[str, Any]], int]) -> None:
    """Reads jobs from standard input, a line of JSON each, and forks a process for each, which `run` is for.

    Says "ready", and for each job "started"; on a line that says "kill" it kills the process, on any other it
    waits for it; then it writes the exit code, negative for a signal.
    """
    print("ready", flush=True)  # noqa: T201
    for job in sys.stdin:
        child = os.fork()
        if not child:
            exit_code = 1
            try:
                exit_code = run(json.loads(job))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(exit_code)  # not into the loop of the process that was forked
        print("started", flush=True)  # noqa: T201
        if sys.stdin.readline() == "kill\n":
            os.kill(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201
