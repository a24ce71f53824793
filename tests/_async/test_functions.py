"""Many functions at the same time, by tasks: what only the asynchronous client can get wrong."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import anyio
import drivers
import httpx
import pytest
from account import KEYS, Account
from listing import names

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs._async.functions import list_many
from lambda_event_invoke_configs._client.outcome import FIRST_CONCURRENCY, FunctionOutcome

ASYNC = [backend for backend in drivers.BACKENDS if backend != "sync"]


class Named(AsyncIterator[str]):
    """Names that come asynchronously, and from no generator."""

    def __init__(self) -> None:
        self._names = names(20)

    async def __anext__(self) -> str:
        await anyio.lowlevel.checkpoint()
        for name in self._names:
            return name
        raise StopAsyncIteration


@pytest.mark.parametrize("backend", ASYNC)
def test_names_may_come_from_any_asynchronous_iterator(account: Account, backend: str) -> None:
    async def main() -> list[str]:
        client = eic.AsyncClient(**account.options)
        async with client, client.list_for_functions(Named()) as outcomes:
            return [outcome.function_name async for outcome in outcomes]

    assert sorted(anyio.run(main, backend=backend)) == sorted(names(20))


class TestLaziness:
    @pytest.mark.parametrize("backend", ASYNC)
    def test_names_may_be_asynchronous(self, account: Account, backend: str) -> None:
        ended: list[bool] = []

        async def given() -> AsyncIterator[str]:
            try:
                with anyio.fail_after(30):  # it belongs to the task that runs it
                    for name in names(30):
                        await anyio.lowlevel.checkpoint()
                        yield name
            finally:
                ended.append(True)

        async def main() -> list[str]:
            client = eic.AsyncClient(**account.options)
            async with client, client.list_for_functions(given(), max_concurrency=3) as outcomes:
                return [outcome.function_name async for outcome in outcomes]

        assert sorted(anyio.run(main, backend=backend)) == sorted(names(30))
        assert ended == [True]


@pytest.mark.parametrize("backend", ASYNC)
def test_the_listings_at_the_same_time_grow_to_the_maximum_and_no_further(backend: str) -> None:
    running = most = 0

    async def list_one(name: str) -> FunctionOutcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(100):  # turns of the event loop: enough for as many to begin
            await anyio.lowlevel.checkpoint()
        running -= 1
        return FunctionOutcome(name, [])

    async def main() -> int:
        async with list_many(list_one, names(100), FIRST_CONCURRENCY + 3) as outcomes:
            return len([outcome async for outcome in outcomes])

    assert anyio.run(main, backend=backend) == 100
    assert most == FIRST_CONCURRENCY + 3


class TestLeavingEarly:
    @pytest.mark.parametrize("backend", ASYNC)
    def test_with_an_error_on_the_last_outcome_raises_it_each_time(
        self, account: Account, backend: str
    ) -> None:
        async def main() -> int:
            raised = 0
            async with eic.AsyncClient(**account.options) as client:
                for turn in range(60):
                    try:
                        async with client.list_for_functions(["f", "missing-1"]) as outcomes:
                            async for outcome in outcomes:
                                if outcome.error:
                                    for _ in range(turn % 3):
                                        await anyio.lowlevel.checkpoint()
                                    raise outcome.error
                    except exceptions.ResourceNotFoundException:
                        raised += 1
            return raised

        assert anyio.run(main, backend=backend) == 60

    def test_of_the_wait_for_an_outcome_loses_none(self) -> None:
        """By asyncio's own cancellation, such as `asyncio.timeout()`: anyio's spares what is handed over."""
        chance = random.Random(1)

        async def turns(most: int) -> None:  # of the event loop
            for _ in range(chance.randrange(most)):
                await asyncio.sleep(0)

        async def answer(_: httpx.Request) -> httpx.Response:
            await turns(40)
            return httpx.Response(200, json={})

        async def cancel(task: asyncio.Task[Any]) -> None:
            await turns(4)
            task.cancel()

        async def main() -> tuple[Counter[str], int]:
            found: Counter[str] = Counter()
            gave_up = 0
            task = asyncio.current_task()
            assert task
            client = eic.AsyncClient("us-east-1", **KEYS, transport=httpx.MockTransport(answer))
            async with client, client.list_for_functions(names(1000)) as outcomes:
                while True:
                    timeout = asyncio.ensure_future(cancel(task))
                    try:
                        found[(await anext(outcomes)).function_name] += 1
                    except asyncio.CancelledError:
                        gave_up += 1
                        if sys.version_info >= (3, 11):
                            task.uncancel()
                    except StopAsyncIteration:
                        return found, gave_up
                    finally:
                        timeout.cancel()

        found, gave_up = asyncio.run(main())
        assert found == Counter(names(1000))
        assert gave_up > 10

    @pytest.mark.parametrize("backend", ASYNC)
    def test_tasks_end_with_the_block(self, account: Account, backend: str) -> None:
        async def main() -> str:
            async with eic.AsyncClient(**account.options) as client:
                with anyio.fail_after(30):
                    async with client.list_for_functions(["hangs-1", "f"]) as outcomes:
                        return (await anext(outcomes)).function_name

        assert anyio.run(main, backend=backend) == "f"

    @pytest.mark.parametrize("backend", ASYNC)
    def test_cancellation_ends_what_hangs(self, account: Account, backend: str) -> None:
        async def main() -> list[str]:
            found = []
            async with eic.AsyncClient(**account.options) as client:
                with anyio.move_on_after(0.3) as scope:
                    async with client.list_for_functions(["hangs-1", *names(5)]) as outcomes:
                        found += [outcome.function_name async for outcome in outcomes]
                assert scope.cancelled_caught
                # It may be used again.
                found.append((await client.list_for_function("after")).function_name)
            return found

        assert anyio.run(main, backend=backend) == ["after"]

    def test_by_asyncios_own_cancellation_too(self, account: Account) -> None:
        async def main() -> str:
            async with eic.AsyncClient(**account.options) as client:

                async def listing() -> None:
                    async with client.list_for_functions(["hangs-1"]) as outcomes:
                        await anext(outcomes)

                task = asyncio.create_task(listing())
                await asyncio.sleep(0.2)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    return "cancelled"
            return "not cancelled"

        assert asyncio.run(main()) == "cancelled"
