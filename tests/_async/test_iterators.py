"""One iterator that two tasks step at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import httpx
import pytest
from listing import paginate

import lambda_event_invoke_configs as eic

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "SECRET"}
ONE_BY_ONE: list[Callable[[Any], AsyncIterator[Any]]] = [
    aiter,
    lambda pages: aiter(pages.items()),
    lambda pages: pages.search("FunctionEventInvokeConfigs[].FunctionArn"),
    lambda pages: aiter(pages.result_key_iters()[0]),
]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("iterate", ONE_BY_ONE, ids=["pages", "items", "search", "result_key"])
def test_the_second_gets_an_error_and_nothing_is_lost_or_comes_twice(
    backend: str, iterate: Callable[[Any], AsyncIterator[Any]]
) -> None:
    async def main() -> None:
        requests: list[str] = []
        asked, go_on = anyio.Event(), anyio.Event()

        async def answer(request: httpx.Request) -> httpx.Response:
            marker = request.url.params.get("Marker")
            requests.append(marker)
            if marker == "m":
                asked.set()
                await go_on.wait()
            arn, following = {None: ("a", "m"), "m": ("b", "n"), "n": ("c", None)}[marker]
            body = {"FunctionEventInvokeConfigs": [{"FunctionArn": arn}], "NextMarker": following}
            return httpx.Response(200, json=body)

        transport = httpx.MockTransport(answer)
        async with eic.AsyncClient("us-east-1", transport=transport, **KEYS) as client:
            iterator = iterate(paginate(client))
            found = [await anext(iterator)]

            async def step() -> None:
                found.append(await anext(iterator))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(step)
                await asked.wait()
                with pytest.raises(RuntimeError, match="already running: two tasks use one iterator"):
                    await anext(iterator)
                go_on.set()
            found += [rest async for rest in iterator]
        assert [arn for one in found for arn in arns(one)] == ["a", "b", "c"]
        assert requests == [None, "m", "n"]

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("iterate", ONE_BY_ONE, ids=["pages", "items", "search", "result_key"])
def test_a_cancelled_step_sets_the_iterator_free(
    backend: str, iterate: Callable[[Any], AsyncIterator[Any]]
) -> None:
    async def main() -> None:
        hangs = True

        async def answer(_: httpx.Request) -> httpx.Response:
            nonlocal hangs
            if hangs:
                hangs = False
                cancelled.cancel()
                await anyio.sleep_forever()
            return httpx.Response(200, json={"FunctionEventInvokeConfigs": [{"FunctionArn": "a"}]})

        transport = httpx.MockTransport(answer)
        async with eic.AsyncClient("us-east-1", transport=transport, **KEYS) as client:
            iterator = iterate(paginate(client))
            with anyio.CancelScope() as cancelled:
                await anext(iterator)
            assert arns(await anext(iterator)) == ["a"]

    anyio.run(main, backend=backend)


def arns(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    return [each["FunctionArn"] for each in found.get("FunctionEventInvokeConfigs", [found])]
