"""How CPU time and memory grow with pages, functions and concurrent listings."""

from __future__ import annotations

from typing import Any

from environment import WARM, Environment, listing
from table import Row

Points = dict[str, dict[str, list[dict[str, Any]]]]
LAST, QUICK_LAST = 10_000, 2_000  # pages
CONCURRENT_PAGES = 4  # of each of the listings at the same time
# The blocks that may be added from page WARM on. Free lists make it go up and down by a few; one object kept
# a page would be 1,900 even in the quick form.
BLOCKS = 100


def measure(
    sync: Environment, asynchronous: Environment, url: str, *, with_plots: bool
) -> tuple[list[Row], Points]:
    """The rows, and with_plots the points of growth.svg, beside boto3 and aiobotocore."""
    clients = {"ours": sync, "ours_async": asynchronous}
    last = QUICK_LAST
    if with_plots:
        clients |= {"boto3": sync, "aiobotocore": asynchronous}
        last = LAST
    marks = [1, WARM, *range(1_000, last + 1, 1_000)]
    pages = {name: each.run(*listing(name, url, 1, last, *marks)).marks for name, each in clients.items()}
    rows = [_row(kind, pages[name]) for kind, name in (("sync", "ours"), ("asyncio", "ours_async"))]
    if not with_plots:
        return rows, {}
    functions = {
        name: sync.run(*listing(name, url, last, 1, *marks)).marks for name in ("ours", "ours_many", "boto3")
    }
    concurrent = {
        name: [_concurrent(asynchronous, name, url, n) for n in (1, 100, 250, 500, 750, 1_000)]
        for name in ("ours_async", "aiobotocore")
    }
    return rows, {"pages": pages, "functions": functions, "concurrent": concurrent}


def _row(kind: str, marks: list[dict[str, Any]]) -> Row:
    _, warm, *_, last = marks
    blocks = last["blocks"] - warm["blocks"]
    resident = (last["resident"] - warm["resident"]) / 1e6
    name = f"memory growth, page {WARM} to {last['pages']:,}, {kind}"
    shown = f"{blocks:+} blocks, {resident:+.2f} MB"
    return Row(name, "memory", shown, blocks, BLOCKS, " blocks", fails_above=BLOCKS)


def _concurrent(environment: Environment, client: str, url: str, listings: int) -> dict[str, Any]:
    ran = environment.run(*listing(client, url, listings, CONCURRENT_PAGES, 1, listings * CONCURRENT_PAGES))
    first, last = ran.marks
    return {"listings": listings, "cpu": last["cpu"] - first["cpu"], "resident": ran.peak}
