"""More calls at once than connections: each is signed when it has its connection, not before it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from servers import Reply, ScriptedServer, parse

import lambda_event_invoke_configs as eic

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "SECRET"}
NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
ONE = eic.Config(max_pool_connections=1)


class Held(Reply):
    """A page that is not sent before `go_on`."""

    def __init__(self) -> None:
        super().__init__(200, {})
        self.asked, self.go_on = threading.Event(), threading.Event()

    def wire(self) -> bytes:
        self.asked.set()
        assert self.go_on.wait(30)
        return super().wire()


class Clock:
    """Shows 22:13:20, and ten minutes later once it was set."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def dates(server: ScriptedServer) -> list[str]:
    return [parse(request)[2]["x-amz-date"] for request in server.requests]


def test_of_threads(scripted: Callable[..., ScriptedServer]) -> None:
    held, clock = Held(), Clock()
    server = scripted(held, Reply(200, {}))
    with (
        eic.Client("us-east-1", endpoint_url=server.url, config=ONE, **KEYS) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        client._call_flow._clock = clock
        calls = [threads.submit(client.list_function_event_invoke_configs, FunctionName="f")]
        assert held.asked.wait(30)
        waiting = threading.Event()
        # The second call waits for the connection that the first one has.
        credentials = client._credentials.frozen
        client._credentials.frozen = lambda: (waiting.set(), credentials())[1]  # type: ignore[method-assign]
        calls.append(threads.submit(client.list_function_event_invoke_configs, FunctionName="f"))
        assert not waiting.wait(0.2)  # not signed, however long it waits
        clock.now += 600
        held.go_on.set()
        for call in calls:
            call.result(30)
    assert dates(server) == ["20231114T221320Z", "20231114T222320Z"]
    assert server.connections == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_of_tasks(backend: str, scripted: Callable[..., ScriptedServer]) -> None:
    held, clock = Held(), Clock()
    server = scripted(held, Reply(200, {}))

    async def main() -> None:
        async with eic.AsyncClient("us-east-1", endpoint_url=server.url, config=ONE, **KEYS) as client:
            client._call_flow._clock = clock

            async def ask() -> Any:
                return await client.list_function_event_invoke_configs(FunctionName="f")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                assert await anyio.to_thread.run_sync(held.asked.wait, 30)
                tasks.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                clock.now += 600
                held.go_on.set()

    anyio.run(main, backend=backend)
    assert dates(server) == ["20231114T221320Z", "20231114T222320Z"]
    assert server.connections == 1
