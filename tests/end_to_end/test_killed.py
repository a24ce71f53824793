"""A process that is killed while it lists goes on from the token that it wrote down last.

    KILLS=200 python -m pytest tests/end_to_end/test_killed.py

kills 200 times, a third each with the sync client, on asyncio and on trio; without KILLS it is some dozens.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drivers
import lister
import pytest
from faulty import FaultyServer, Listing, account, tally

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
KILLS = int(os.environ.get("KILLS", "42"))
LONGEST_RUN = 0.2  # seconds until it is killed: enough to begin, and for some dozens of pages
SLOWEST_ANSWER = 0.004  # seconds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")


class Zygote:
    """Starts listers, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, lister.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, job: dict[str, Any], kill_after: float | None) -> int:
        """The exit code of a lister that is killed after so many seconds, or not at all."""
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


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.mark.parametrize("backend", drivers.BACKENDS)
def test_a_listing_that_is_killed_goes_on_where_it_was(backend: str, zygote: Zygote, tmp_path: Path) -> None:
    kills = KILLS // len(drivers.BACKENDS) + (drivers.BACKENDS.index(backend) < KILLS % 3)
    number = 0
    with FaultyServer() as server:
        while kills > 0:
            chance = random.Random(f"{backend} {number}")
            listing = server.holds(long_listing(f"{backend}-{number}", chance))
            job = {
                "journal": str(tmp_path / listing.name),
                "backend": backend,
                "by": ["pages", "items"][number % 2],
                "client": {**KEYS, "endpoint_url": server.url},
                "paginate": {
                    "FunctionName": listing.name,
                    "PaginationConfig": {"PageSize": chance.randint(1, 10)},
                },
            }
            kills -= list_to_the_end(zygote, job, listing, kills)
            number += 1


def long_listing(name: str, chance: random.Random) -> Listing:
    configurations: list[dict[str, object]] = [
        {"FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}:{version}"}
        for version in range(300)
    ]
    return Listing(name, configurations, chance, fault_rate=0, longest_wait=SLOWEST_ANSWER)


def list_to_the_end(zygote: Zygote, job: dict[str, Any], listing: Listing, most_kills: int) -> int:
    """List, and be killed, until nothing is left; gives how often it was killed."""
    journal = Path(job["journal"])
    kills = 0
    records: list[dict[str, Any]] = []
    while not lister.is_finished(records):
        moment = listing.chance.uniform(0, LONGEST_RUN) if kills < most_kills else None
        exit_code = zygote.run(job, moment)
        assert exit_code in (0, -signal.SIGKILL)
        written = len(records)
        records, torn = lister.read(journal)
        found = [found for record in records for found in record["configurations"]]
        assert account(found, listing), f"lost or repeated after {len(found)}"
        if exit_code:
            kills += 1
            tally["kills before the first line of a run"] += len(records) == written
            tally["kills in the middle of a line"] += torn > 0
    assert account(found, listing, finished=True)
    tally["kills"] += kills
    tally["killed listings"] += 1
    tally["killed configurations"] += len(found)
    return kills
