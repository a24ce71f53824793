"""Runs tests while their processes are stopped and continued at random, in random order, on a busy machine.

    python tests/robustness/run.py                          all tests, once
    python tests/robustness/run.py --passes 50 tests/_client

What passes here does not depend on how long something takes. Linux only. A pass that fails prints its seed,
which plays the same order again; the stops come where they come.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_STOP = 1.5  # seconds
LONGEST_RUN = 2.0  # seconds between two stops
LONGEST_PASS = 1800  # seconds; a pass that takes longer hangs, and says where
BUSY_LOOPS = 2


def group(leader: int) -> list[int]:
    """The processes that a session leader has started, and itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            if int(stat.read_text().rpartition(")")[2].split()[2]) == leader:
                found.append(int(stat.parent.name))
    return found


def end(leader: int) -> None:
    for process in group(leader):
        send(process, signal.SIGKILL)


def stop_and_continue(leader: int, over: threading.Event) -> int:
    """One of the processes, or all of them, again and again; how often."""
    chance, stops = random.SystemRandom(), 0
    while not over.wait(chance.random() * LONGEST_RUN):
        processes = group(leader)
        stopped = processes if chance.random() < 0.5 else [chance.choice(processes or [leader])]
        for process in stopped:
            send(process, signal.SIGSTOP)
        over.wait(chance.random() * LONGEST_STOP)
        for process in stopped:
            send(process, signal.SIGCONT)
        stops += 1
    return stops


def send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


@contextlib.contextmanager
def busy_loops() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run_once(seed: str, arguments: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "SHUFFLE": seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    over = threading.Event()
    counted: list[int] = []
    stopping = threading.Thread(target=lambda: counted.append(stop_and_continue(process.pid, over)))
    stopping.start()
    try:
        output, _ = process.communicate(timeout=LONGEST_PASS)
    except subprocess.TimeoutExpired:
        end(process.pid)
        output, _ = process.communicate()
    finally:
        over.set()
        stopping.join()
        end(process.pid)  # if this was interrupted
    passed = process.returncode == 0
    lines = output.splitlines()
    print(f"SHUFFLE={seed}: {counted[0]} stops, {lines[-1] if lines else 'nothing'}", flush=True)
    if not passed:
        print(output, flush=True)
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--seed", help="of the order, for all passes")
    options, arguments = parser.parse_known_args()
    with busy_loops():
        seeds = [options.seed or str(random.SystemRandom().randrange(10**6)) for _ in range(options.passes)]
        failed = sum(not run_once(seed, arguments) for seed in seeds)
    print(f"{options.passes - failed} of {options.passes} passes passed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
