"""One client in a crowd: many threads or tasks, long listings, keys that expire while they are listed.

    PAGES=100000 python -m pytest tests/end_to_end/test_crowded.py

lists 100,000 pages with each client, and lets temporary keys expire for half a minute. Without PAGES there
are some hundred, and a few seconds.
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

import pytest
from botocore.credentials import RefreshableCredentials
from crowd import ACCESS_KEY, CrowdServer, configurations, crowds
from listing import LIST, paginate

import lambda_event_invoke_configs as eic

Make = Callable[..., Any]

PAGES = int(os.environ.get("PAGES", "640"))
THREADS = 64
CONNECTIONS = 10
ROUNDS = 10  # between which the memory is looked at
PAGES_A_LISTING = math.ceil(PAGES / THREADS / ROUNDS)

TOGETHER = 16
LIFETIME, ADVISORY, MANDATORY = (
    2.0,
    1.7,
    1.0,
)  # seconds: of keys; before their end, from when they are refreshed
EXPIRING = 30.0 if "PAGES" in os.environ else 1.5  # seconds


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
    # From a tenth of the pages on.
    assert blocks[-1] - blocks[0] < 0.02 * blocks[0], blocks
    assert bytes_[-1] - bytes_[0] < 8e6, bytes_
    crowds.append(
        f"{request.node.callspec.id}: {counted['requests']} pages for {THREADS} threads in "
        f"{time.monotonic() - start:.0f} s, {counted['connections']} connections; after the first tenth "
        f"{blocks[-1] - blocks[0]:+} of {blocks[0]} blocks, {(bytes_[-1] - bytes_[0]) / 1e6:+.1f} MB resident"
    )


def test_as_many_requests_as_connections_are_on_their_way_at_the_same_time(
    ours: Make, crowd: CrowdServer
) -> None:
    client = ours(crowd.url, config=eic.Config(max_pool_connections=TOGETHER, read_timeout=20))
    for _ in range(5):
        # None of them is answered before all have arrived.
        in_threads(TOGETHER, lambda _: getattr(client, LIST)(FunctionName=f"meets-{TOGETHER}"))
    assert crowd.counted()["requests"] == 5 * TOGETHER


def test_a_request_that_hangs_holds_up_no_other(ours: Make, crowd: CrowdServer) -> None:
    client = ours(crowd.url, config=eic.Config(max_pool_connections=TOGETHER, read_timeout=20))
    others = TOGETHER - 1
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(getattr(client, LIST), FunctionName="hangs")
        for _ in range(5):
            in_threads(others, lambda _: getattr(client, LIST)(FunctionName=f"meets-{others}"))
        assert not hanging.done()
        getattr(client, LIST)(FunctionName="releases")
        assert hanging.result(timeout=20)["FunctionEventInvokeConfigs"] == []
    assert crowd.counted()["requests"] == 5 * others + 2


class Vault:
    """Gives out keys that expire soon, and notes how long the ones before still had, in seconds."""

    def __init__(self, left: float = LIFETIME, lifetime: float = LIFETIME) -> None:
        self.left: list[float] = []
        self.lifetime = lifetime
        self.expires = time.time() + left
        self._busy = threading.Lock()

    def credentials(self) -> RefreshableCredentials:
        return RefreshableCredentials(
            ACCESS_KEY.format(int(self.expires * 1000)),
            "secret",
            "token",
            datetime.fromtimestamp(self.expires, timezone.utc),
            self.refresh,
            "vault",
            advisory_timeout=ADVISORY,
            mandatory_timeout=MANDATORY,
        )

    def refresh(self) -> dict[str, str]:
        assert self._busy.acquire(blocking=False), "two refreshes at the same time"
        self.left.append(self.expires - time.time())
        threading.Event().wait(0.05)  # not time.sleep: tests take that away
        self.expires = time.time() + self.lifetime
        self._busy.release()
        return {
            "access_key": ACCESS_KEY.format(int(self.expires * 1000)),
            "secret_key": "secret",
            "token": "token",
            "expiry_time": datetime.fromtimestamp(self.expires, timezone.utc).isoformat(),
        }


def test_keys_that_expire_all_the_time_are_refreshed_once_each_and_none_is_used_after_its_end(
    ours: Make, crowd: CrowdServer, request: pytest.FixtureRequest
) -> None:
    vault = Vault()
    keys = {"aws_access_key_id": None, "aws_secret_access_key": None, "credentials": vault.credentials()}
    client = ours(crowd.url, **keys, config=eic.Config(max_pool_connections=TOGETHER))
    end = time.monotonic() + EXPIRING

    def list_until_the_end(number: int) -> None:
        while time.monotonic() < end:
            pages = list(paginate(client, f"{number}-4"))
            assert len(pages) == 4

    in_threads(TOGETHER, list_until_the_end)
    counted = crowd.counted()
    assert counted["expired"] == 0
    # One for each lifetime: never while the keys there are have longer than that, so never twice for any.
    assert len(vault.left) >= max(1, EXPIRING / LIFETIME - 1)
    assert all(left <= ADVISORY for left in vault.left), vault.left
    assert len(vault.left) <= counted["keys"] <= len(vault.left) + 1
    crowds.append(
        f"{request.node.callspec.id}: {counted['requests']} pages for {TOGETHER} threads in {EXPIRING} s, "
        f"keys refreshed {len(vault.left)} times, {counted['expired']} expired ones used"
    )


def test_keys_past_their_end_are_refreshed_once_though_all_threads_ask_at_once(
    ours: Make, crowd: CrowdServer
) -> None:
    vault = Vault(left=-1, lifetime=3600)
    keys = {"aws_access_key_id": None, "aws_secret_access_key": None, "credentials": vault.credentials()}
    client = ours(crowd.url, **keys, config=eic.Config(max_pool_connections=TOGETHER, read_timeout=20))
    in_threads(TOGETHER, lambda _: getattr(client, LIST)(FunctionName=f"meets-{TOGETHER}"))
    assert len(vault.left) == 1
    assert crowd.counted()["expired"] == 0
    assert crowd.counted()["keys"] == 1
