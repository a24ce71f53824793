"""Where measurements run: virtual environments, one process for each measurement, the page server."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import server

HERE = Path(__file__).parent
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "an-example"}
VALGRIND = shutil.which("valgrind")
WARM = 100  # pages, from which on a cost a page is taken


@dataclass(frozen=True)
class Ran:
    cpu: float  # seconds, from the interpreter's start to its end
    output: str

    @property
    def marks(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def peak(self) -> int:
        """Bytes resident, at most."""
        return int(self.marks[-1]["peak"])

    @property
    def page(self) -> float:
        """CPU seconds a page."""
        first, *_, last = self.marks
        return float((last["cpu"] - first["cpu"]) / (last["pages"] - first["pages"]))

    @property
    def seconds(self) -> float:
        """Seconds a page, waiting included."""
        first, *_, last = self.marks
        return float((last["seconds"] - first["seconds"]) / (last["pages"] - first["pages"]))


@dataclass(frozen=True)
class Environment:
    """A Python, a directory that comes before its own packages, and more environment variables."""

    python: Path
    path: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()

    def trusting(self, authority: Path) -> Environment:
        return replace(self, variables=(*self.variables, ("AWS_CA_BUNDLE", str(authority))))

    @property
    def _environ(self) -> dict[str, str]:
        path = {"PYTHONPATH": str(self.path)} if self.path else {}
        return {
            **CREDENTIALS,
            "HOME": "/nonexistent",
            "PATH": "/usr/bin:/bin",
            **path,
            **dict(self.variables),
        }

    def run(self, *arguments: str) -> Ran:
        process = subprocess.Popen(
            [self.python, *arguments], stdout=subprocess.PIPE, text=True, env=self._environ
        )
        with process:
            assert process.stdout
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{arguments} ended with {process.returncode}")
        return Ran(usage.ru_utime + usage.ru_stime, output)

    def instructions(self, *arguments: str) -> int:
        """How many instructions it takes, which no other program on the machine changes."""
        with tempfile.NamedTemporaryFile() as out:
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", self.python]
            environ = {**self._environ, "PYTHONHASHSEED": "0"}
            done = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, env=environ, check=False
            )
        collected = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not collected:
            raise SystemExit(f"{arguments} in valgrind ended with {done.returncode}:\n{done.stderr}")
        return int(collected[1])

    def version(self, distribution: str) -> str | None:
        code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
        done = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=False)
        return done.stdout.strip() or None

    def pip(self, *arguments: str) -> None:
        command = [self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


Command = tuple[Environment, list[str]]


def in_turns(times: int, commands: dict[str, Command]) -> dict[str, list[Ran]]:
    """Every command once, then again; once more at first, which does not count."""
    ran: dict[str, list[Ran]] = {name: [] for name in commands}
    for turn in range(times + 1):
        for name, (environment, arguments) in commands.items():
            done = environment.run(*arguments)
            if turn:
                ran[name].append(done)
    return ran


def counted(commands: dict[str, Command]) -> dict[str, int]:
    """Their instructions, two at the same time; each has run before, so that its code is compiled."""
    for environment, arguments in commands.values():
        environment.run(*arguments)
    with ThreadPoolExecutor(2) as both:
        found = both.map(lambda command: command[0].instructions(*command[1]), commands.values())
        return dict(zip(commands, found, strict=True))


def cpu(runs: list[Ran]) -> float:
    return median(ran.cpu for ran in runs)


def listing(client: str, url: str, listings: int, pages: int, *marks: int) -> list[str]:
    return [str(HERE / "clients.py"), client, url, *map(str, (listings, pages, *marks))]


@contextmanager
def page_server(certificate: Path | None = None, delay: float = 0) -> Iterator[str]:
    """The URL of a page server in a process of its own, over TLS if it has a certificate.

    delay: seconds between a request and its response.
    """
    process = subprocess.Popen(
        [sys.executable, HERE / "server.py", str(delay), *([certificate] if certificate else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={},
    )
    with process:
        assert process.stdin
        assert process.stdout
        host = "https://localhost" if certificate else "http://127.0.0.1"
        yield f"{host}:{process.stdout.readline().strip()}"
        process.stdin.close()


def pages_served(port: int, pages: int = 20_000, at_a_time: int = 50) -> float:
    """Pages a second that the server gives one who does not look at them: it serves at least as many."""
    request = (
        b"GET /2019-09-25/functions/measured-100/event-invoke-config/list?Marker=7 HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\nAuthorization: %s\r\n\r\n" % (b"-" * 600)
    )
    expected = len(server.answer(100, 7)) * at_a_time
    taken = memoryview(bytearray(expected))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        start = time.perf_counter()
        for _ in range(pages // at_a_time):
            connection.sendall(request * at_a_time)
            received = 0
            while received < expected:
                received += connection.recv_into(taken[received:])
        return pages / (time.perf_counter() - start)
