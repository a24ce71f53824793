"""One client in a crowd: many threads or tasks, long listings, keys that expire while they are listed.

    PAGES=100000 python -m pytest tests/end_to_end/test_crowded.py

lists 100,000 pages with each client, and 6,400 with temporary keys that expire. Without PAGES there are
some hundred.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import drivers
import pytest
from botocore.credentials import RefreshableCredentials
from crowd import ACCESS_KEY, CrowdServer, configurations, crowds
from listing import LIST

import lambda_event_invoke_configs as eic

Make = Callable[..., Any]

PAGES = int(os.environ.get("PAGES", "320"))
THREADS = 64
CONNECTIONS = 10
ROUNDS = min(10, PAGES // THREADS)  # between which the memory is looked at
PAGES_A_LISTING = math.ceil(PAGES / THREADS / ROUNDS)

TOGETHER = 16
LIFETIME = 1200  # seconds, of keys
# Seconds from one crowd to the next, and what the keys have left then: botocore refreshes them from 900 on,
# and meanwhile nobody may use those that have less than 600.
STEPS = {1300: -100, 250: 950, 251: 699, 1000: 200}
CYCLES = max(2, PAGES // 1000)


@pytest.fixture
def crowd() -> Iterator[CrowdServer]:
    """A server for many clients."""
    with CrowdServer() as server:
        yield server


def in_threads(count: int, call: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(count) as threads:
        for _ in threads.map(call, range(count)):
            pass


def resident() -> int:
    """In bytes; where the system does not tell, nothing."""
    if not sys.platform.startswith("linux"):
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_64_threads_list_each_page_once_on_few_connections_in_the_same_memory(
    ours: Make, crowd: CrowdServer, request: pytest.FixtureRequest
) -> None:
    client = ours(crowd.url, config=eic.Config(max_pool_connections=CONNECTIONS))
    start = time.monotonic()
    paginator = client.get_paginator(LIST)
    blocks, bytes_ = [], []

    def list_one(number: int) -> None:
        name = f"{number}-{PAGES_A_LISTING}"
        pages = 0
        for page in paginator.paginate(FunctionName=name):
            assert page["FunctionEventInvokeConfigs"] == configurations(name, pages)
            pages += 1
        assert pages == PAGES_A_LISTING

    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(ROUNDS):
            for _ in threads.map(list_one, range(number * THREADS, (number + 1) * THREADS)):
                pass
            gc.collect()
            blocks.append(sys.getallocatedblocks())
            bytes_.append(resident())
    client.close()
    counted = crowd.counted()
    assert counted["requests"] == THREADS * ROUNDS * PAGES_A_LISTING
    assert counted["connections"] <= CONNECTIONS
    assert counted["most_open"] <= CONNECTIONS
    # From the first round on.
    assert blocks[-1] - blocks[0] < 0.01 * blocks[0], blocks
    assert bytes_[-1] - bytes_[0] < 8e6, bytes_
    crowds.append(
        f"{request.node.callspec.id}: {counted['requests']} pages for {THREADS} threads in "
        f"{time.monotonic() - start:.0f} s, {counted['connections']} connections; after the first round "
        f"{blocks[-1] - blocks[0]:+} of {blocks[0]} blocks, {(bytes_[-1] - bytes_[0]) / 1e6:+.1f} MB resident"
    )


def test_a_request_that_hangs_holds_up_no_other(ours: Make, crowd: CrowdServer) -> None:
    client = ours(crowd.url, config=eic.Config(max_pool_connections=TOGETHER))
    others = TOGETHER - 1
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(getattr(client, LIST), FunctionName="hangs")
        for _ in range(5):
            in_threads(others, lambda _: getattr(client, LIST)(FunctionName=f"meets-{others}"))
        assert not hanging.done()
        getattr(client, LIST)(FunctionName="releases")
        assert hanging.result(timeout=60)["FunctionEventInvokeConfigs"] == []
    assert crowd.counted()["requests"] == 5 * others + 2


class Vault:
    """Gives out keys by a clock that stands still, and notes how many seconds the ones before still had."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self.expires = self.now + LIFETIME
        self.left: list[int] = []
        self._busy = threading.Lock()

    def keys(self) -> dict[str, str]:
        expires = datetime.fromtimestamp(self.expires, timezone.utc)
        access_key = ACCESS_KEY.format(expires.strftime("%Y%m%d%H%M%S"))
        return {
            "access_key": access_key,
            "secret_key": "secret",
            "token": "token",
            "expiry_time": expires.isoformat(),
        }

    def refresh(self) -> dict[str, str]:
        assert self._busy.acquire(blocking=False), "two refreshes at the same time"
        self.left.append(self.expires - self.now)
        threading.Event().wait(0.02)  # not time.sleep: tests take that away
        self.expires = self.now + LIFETIME
        self._busy.release()
        return self.keys()


def test_keys_that_expire_are_refreshed_once_each_though_all_threads_ask_at_once(
    ours: Make, crowd: CrowdServer, request: pytest.FixtureRequest
) -> None:
    vault = Vault()
    credentials = RefreshableCredentials.create_from_metadata(vault.keys(), vault.refresh, "vault")
    credentials._time_fetcher = lambda: datetime.fromtimestamp(vault.now, timezone.utc)
    keys = {"aws_access_key_id": None, "aws_secret_access_key": None, "credentials": credentials}
    client = ours(crowd.url, **keys, config=eic.Config(max_pool_connections=TOGETHER))
    for step in list(STEPS) * CYCLES:
        vault.now += step
        drivers.set_clock(client, vault.now)
        in_threads(TOGETHER, lambda _: getattr(client, LIST)(FunctionName=f"meets-{TOGETHER}"))
    counted = crowd.counted()
    assert counted["expired"] == 0
    assert vault.left == [left for left in STEPS.values() if left < 900] * CYCLES
    assert counted["keys"] == len(vault.left)
    crowds.append(
        f"{request.node.callspec.id}: {counted['requests']} pages for {TOGETHER} threads, "
        f"keys refreshed {len(vault.left)} times, {counted['expired']} expired ones used"
    )
