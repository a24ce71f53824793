"""Where the CPU time of a sync page goes: the library's own steps, timed while it lists.

    python tests/benchmarks/parts.py [PAGES]

Run it in an environment that the package is installed in. Each step's time is without that of the steps
it calls; "the rest" is the client, the paginator, the retries, and the timing itself.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

from environment import page_server

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._client import http as transport
from lambda_event_invoke_configs._protocol import call, response
from lambda_event_invoke_configs._protocol import request as operation
from lambda_event_invoke_configs._sync.transport import PooledTransport

CREDENTIALS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "an-example"}
TURNS = 9
spent: Counter[str] = Counter()
inner = [0.0]  # by depth: seconds of the steps called so far


def timed(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **named: Any) -> Any:
        inner.append(0.0)
        start = time.thread_time()
        try:
            return step(*arguments, **named)
        finally:
            taken = time.thread_time() - start
            spent[name] += taken - inner.pop()
            inner[-1] += taken

    return wrapper


class TimedJSON:
    dumps = staticmethod(response.json.dumps)
    loads = staticmethod(timed("json", response.json.loads))


def main(pages: int = 1_000) -> None:
    operation.validate = timed("checking the parameters", operation.validate)
    call.sign = timed("signing", call.sign)
    transport.to_httpx = timed("httpx's Request and URL", transport.to_httpx)
    transport.to_response = timed("the response's headers", transport.to_response)
    response.json = TimedJSON
    call.parse_page = timed("members and timestamps", call.parse_page)
    PooledTransport._exchange = timed(
        "httpx's transport, httpcore, h11, the socket", PooledTransport._exchange
    )
    turns: list[Counter[str]] = []
    with page_server() as url, eic.Client("us-east-1", endpoint_url=url, **CREDENTIALS) as client:
        listing = iter(
            client.get_paginator("list_function_event_invoke_configs").paginate(
                FunctionName="measured-100000"
            )
        )
        for _ in range(TURNS):
            spent.clear()
            start = time.thread_time()
            for _ in range(pages):
                next(listing)
            spent["the rest"] = time.thread_time() - start - sum(spent.values())
            turns.append(spent.copy())
    whole = median(sum(turn.values()) for turn in turns)
    for name in sorted(turns[0], key=lambda name: -turns[0][name]):
        print(f"{median(turn[name] for turn in turns) / whole:4.0%}  {name}")
    print(f"100%  a page: {whole / pages * 1e3:.2f} ms")
    moments = [1_700_000_000.125 + n * 86_399 for n in range(50)]
    zone = response.machine_zone()
    start = time.thread_time()
    for _ in range(pages):
        for moment in moments:
            response.parse_timestamp(moment, zone)
    taken = time.thread_time() - start
    print(f"{taken / whole:4.0%}  50 timestamps, included in members and timestamps")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
