"""Lists so many functions, from a transport without a network, and says what memory it took.

    python tests/support/memory.py BACKEND NUMBER

writes the highest resident memory so far, in KiB, after a tenth of the names and after all, as JSON.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drivers
import httpx

STATUS = Path("/proc/self/status")
PAGE = b'{"FunctionEventInvokeConfigs": [{"FunctionArn": "arn", "MaximumRetryAttempts": 1}]}'


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=PAGE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=PAGE)


def peak() -> int:
    # ru_maxrss would begin with that of the process that has started this one.
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    return int(kibibytes)


def names(number: int) -> Iterator[str]:
    return (f"function-{n:09}-with-a-name-of-some-length" for n in range(number))


def main(backend: str, number: int) -> None:
    options: dict[str, Any] = {"aws_access_key_id": "AKID", "aws_secret_access_key": "s"}
    measured: list[int] = []
    if backend == "sync":
        with drivers.make("sync", region_name="us-east-1", transport=Transport(), **options) as client:
            for count, outcome in enumerate(client.list_for_functions(names(number)), 1):
                assert outcome.error is None
                if count in (number // 10, number):
                    measured.append(peak())
    else:
        import anyio

        import lambda_event_invoke_configs as eic

        async def list_all() -> None:
            count = 0
            client = eic.AsyncClient("us-east-1", transport=Transport(), **options)
            async with client, client.list_for_functions(names(number)) as outcomes:
                async for outcome in outcomes:
                    assert outcome.error is None
                    count += 1
                    if count in (number // 10, number):
                        measured.append(peak())

        anyio.run(list_all, backend=backend)
    print(json.dumps(measured))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
