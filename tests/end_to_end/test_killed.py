"""A process that is killed while it lists goes on from the token that it wrote down last.

    KILLS=200 python -m pytest tests/end_to_end/test_killed.py

kills 200 times, a third each with the sync client, on asyncio and on trio; without KILLS it is some dozens.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import drivers
import lister
import pytest
from faulty import FaultyServer, Listing, account, tally
from processes import LONGEST, forked

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
KILLS = int(os.environ.get("KILLS", "30"))
LONGEST_RUN = 0.25  # seconds until it is killed: enough to begin, and for some dozens of pages
SLOWEST_ANSWER = 0.004  # seconds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")


@pytest.mark.parametrize("backend", drivers.BACKENDS)
def test_a_listing_that_is_killed_goes_on_where_it_was(backend: str, tmp_path: Path) -> None:
    kills = KILLS // len(drivers.BACKENDS) + (drivers.BACKENDS.index(backend) < KILLS % 3)
    number = 0
    with FaultyServer() as server:
        while kills > 0:
            chance = random.Random(f"{backend} {number}")
            listing = server.holds(long_listing(f"{backend}-{number}", chance))
            by = ["pages", "items"][number % 2]
            client = {**KEYS, "endpoint_url": server.url}
            paginate = {
                "FunctionName": listing.name,
                "PaginationConfig": {"PageSize": chance.randint(1, 10)},
            }
            kills -= list_to_the_end(tmp_path / listing.name, listing, kills, backend, by, client, paginate)
            number += 1


def long_listing(name: str, chance: random.Random) -> Listing:
    configurations: list[dict[str, object]] = [
        {"FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}:{version}"}
        for version in range(300)
    ]
    return Listing(name, configurations, chance, fault_rate=0, longest_wait=SLOWEST_ANSWER)


def list_to_the_end(journal: Path, listing: Listing, most_kills: int, *job: Any) -> int:
    """List, and be killed, until nothing is left; gives how often it was killed."""
    kills = 0
    records: list[dict[str, Any]] = []
    while not lister.is_finished(records):
        moment = listing.chance.uniform(0, LONGEST_RUN) if kills < most_kills else LONGEST
        exit_code = forked(moment, lister.list_into, journal, *job)
        assert exit_code == 0 or (exit_code == -signal.SIGKILL and moment < LONGEST)
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
