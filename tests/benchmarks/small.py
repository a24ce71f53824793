"""What programs and tests do again and again, each a hundred times: prints a line of JSON.

client: CPU seconds of a further https client. resident: bytes of one. test: seconds of a test with
LocalLambda, a client and a page, from start to end.
"""

from __future__ import annotations

import json
import time

from clients import OPERATION, REGION, memory

import lambda_event_invoke_configs as eic

TIMES = 100


def further_client() -> tuple[float, float]:
    clients = [eic.Client(REGION)]
    before, start = memory()[0], time.process_time()
    clients += [eic.Client(REGION) for _ in range(TIMES)]
    return (time.process_time() - start) / TIMES, (memory()[0] - before) / TIMES


def test() -> float:
    start = time.perf_counter()
    for _ in range(TIMES):
        with eic.LocalLambda({"f": 50}) as lam, eic.Client(**lam.client_options) as client:
            (page,) = client.get_paginator(OPERATION).paginate(FunctionName="f")
            assert len(page["FunctionEventInvokeConfigs"]) == 50
    return (time.perf_counter() - start) / TIMES


if __name__ == "__main__":
    seconds, size = further_client()
    print(json.dumps({"client": seconds, "resident": size, "test": test()}))
