"""The connections of the asynchronous client, and what a cancellation does to them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpcore
import pytest
from anyio.lowlevel import checkpoint
from drivers import Run, client_of
from listing import arns, paginate
from servers import Raw, Reply, ScriptedServer, Silence, error, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import (
    ConnectionClosedError,
)
from lambda_event_invoke_configs.local import LocalLambda


def at_each_await(scenario: Callable[[int], Awaitable[bool]]) -> Callable[[], Awaitable[None]]:
    """Runs a scenario that is cancelled after 0, 1, 2, ... turns of the event loop, until it finishes."""

    async def main() -> None:
        for turns in range(2000):
            if await scenario(turns):
                return
        raise AssertionError("never finished")

    return main


class TestCancellation:
    def test_by_asyncio_itself_keeps_no_request(self, slept: list[float]) -> None:
        """It goes through httpcore's own shield, and leaves the request in the pool, with its headers."""

        async def scenario() -> tuple[int, int]:
            cancelled = 0
            async with eic.AsyncClient(**lam.client_options) as client:
                for turns in [*range(40)] * 10:  # of the event loop
                    call = asyncio.ensure_future(client.list_function_event_invoke_configs(FunctionName="f"))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    call.cancel()
                    await asyncio.wait([call])
                    cancelled += call.cancelled()
                del call
                gc.collect()
                found = [each for each in gc.get_objects() if isinstance(each, httpcore.Request)]
                # Those of other tests are another matter.
                return cancelled, sum(each.url.port == port for each in found)

        with LocalLambda({"f": 9}) as lam:
            port = int(lam.endpoint_url.rpartition(":")[2])
            cancelled, kept = asyncio.run(scenario())
        assert cancelled >= 20  # a call takes more than a turn or two
        assert kept == 0

    def test_of_nothing_but_the_client_leaves_a_call_its_connection(
        self, run: Run, slow: Any, slept: list[float]
    ) -> None:
        async def scenario() -> None:
            client = client_of(slow.url)

            async def ask() -> None:
                page = await client.list_function_event_invoke_configs(FunctionName="f")
                assert page["ResponseMetadata"]["RetryAttempts"] == 0

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                while not slow.asked.is_set():
                    await checkpoint()
                await client.aclose()
                slow.answer.set()
            assert slow.hung_up_by_client()
            await ask()
            assert slow.hung_up_by_client()

        run(scenario)
        assert slow.connections == 2

    def test_of_closing_comes_too_late_since_closing_waits_for_nothing(self, slow: Any) -> None:
        async def scenario() -> None:
            client = client_of(f"http://127.0.0.1:{slow.port}")
            calls = [client.list_function_event_invoke_configs(FunctionName="f") for _ in range(5)]
            asking = asyncio.gather(*calls)
            while slow.connections < 5:
                await asyncio.sleep(0)
            slow.answer.set()
            await asking
            assert slow.open == slow.connections == 5
            closing = asyncio.create_task(client.aclose())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.wait([closing])
            assert not closing.cancelled()
            assert await asyncio.to_thread(slow.hung_up_by_client)

        asyncio.run(scenario())

    def test_at_any_await_loses_nothing_and_leaks_nothing(self, run: Run) -> None:
        with LocalLambda({"f": 9}) as lam:
            everything = [f"arn:aws:lambda:us-east-1:123456789012:function:f:{n}" for n in range(1, 10)]

            async def scenario(turns: int) -> bool:
                seen: list[str] = []
                # One connection for all: to keep it from the next request is to hang.
                config = eic.Config(max_pool_connections=1)
                async with eic.AsyncClient(**lam.client_options, config=config) as client:
                    pages = paginate(client, "f", PageSize=3)
                    with anyio.CancelScope() as scope:
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(cancel_after, turns, scope)
                            async for page in pages:
                                seen.extend(arns(page))
                            tasks.cancel_scope.cancel()
                            finished = True
                    finished = not scope.cancelled_caught
                    token = pages.resume_token
                    if token or not seen:
                        async for page in paginate(client, "f", PageSize=3, StartingToken=token):
                            seen.extend(arns(page))
                assert seen == everything
                return finished

            async def cancel_after(turns: int, scope: anyio.CancelScope) -> None:
                for _ in range(turns):
                    await checkpoint()
                scope.cancel()

            run(at_each_await(scenario))

    @pytest.mark.parametrize(
        ("script", "kept"),
        [
            pytest.param([Silence()], False, id="waiting for the response"),
            pytest.param([Reply(200, {"a": 1}, stall=30)], False, id="in the head"),
            pytest.param([Reply(200, {"a": "b" * 1000}, stall=100)], False, id="in the body"),
            pytest.param([error(500)], True, id="waiting to try again"),
        ],
    )
    def test_while_it_waits_closes_a_connection_in_use_and_keeps_the_token(
        self,
        run: Run,
        scripted: Callable[..., ScriptedServer],
        script: list[Any],
        kept: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sleeping = False

        async def for_ever(_: float) -> None:
            nonlocal sleeping
            sleeping = True
            await anyio.sleep_forever()

        monkeypatch.setattr(anyio, "sleep", for_ever)
        server = scripted(page("a", next_marker="m"), *script, page("b"))

        async def main() -> None:
            async with client_of(server.url, config=eic.Config(max_pool_connections=1)) as client:
                pages = paginate(client)
                iterator = aiter(pages)
                assert arns(await anext(iterator)) == ["a"]
                token = pages.resume_token
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(anext, iterator)
                    while not (sleeping if kept else len(server.requests) == 2):
                        await checkpoint()
                    with anyio.move_on_after(0.1):  # for the bytes that have been sent to arrive
                        await anyio.sleep_forever()
                    tasks.cancel_scope.cancel()
                if kept:
                    assert server.open == 1
                else:
                    assert server.hung_up_by_client()
                assert pages.resume_token == token is not None
                assert arns(await anext(iterator)) == ["b"]
                assert server.connections == (1 if kept else 2)

        run(main)

    def test_while_it_waits_for_a_connection_leaves_the_pool_in_order(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Silence(), page("a"), page("b"))

        async def main() -> None:
            async with client_of(server.url, config=eic.Config(max_pool_connections=1)) as client:
                async with anyio.create_task_group() as tasks:
                    for _ in range(5):
                        tasks.start_soon(paginate(client).build_full_result)
                    while not server.requests:
                        await checkpoint()
                    tasks.cancel_scope.cancel()
                assert arns(await paginate(client).build_full_result()) == ["a"]

        run(main)

    def test_leaving_the_loop_half_way_leaves_nothing_open(self, run: Run, lam: LocalLambda) -> None:
        async def main() -> None:
            config = eic.Config(max_pool_connections=1)
            async with eic.AsyncClient(**lam.client_options, config=config) as client:
                pages = paginate(client, "my-function")
                async for _ in pages:
                    break
                rest = paginate(client, "my-function", StartingToken=pages.resume_token)
                assert len((await rest.build_full_result())["FunctionEventInvokeConfigs"]) == 70

        run(main)

    def test_a_closed_connection_is_an_error_like_any_other(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(*[Raw(b"")] * 3, page("a"))

        async def main() -> None:
            async with client_of(server.url, config=eic.Config(max_pool_connections=1)) as client:
                with pytest.raises(ConnectionClosedError):
                    await client.list_function_event_invoke_configs(FunctionName="f")
                assert arns(await client.list_function_event_invoke_configs(FunctionName="f")) == ["a"]

        run(main)
