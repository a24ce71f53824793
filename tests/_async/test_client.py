"""What only the async client can get wrong: the event loop, cancellation, many tasks at a time."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio import sleep as real_sleep
from anyio.lowlevel import checkpoint
from botocore.credentials import Credentials, RefreshableCredentials
from scripted import Raw, Reply, ScriptedServer, Silence, error, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._client.network import Link
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    ConnectionClosedError,
    ResourceNotFoundException,
)
from lambda_event_invoke_configs.local import LocalLambda

LIST = "list_function_event_invoke_configs"
Run = Callable[[Callable[[], Awaitable[Any]]], Any]


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function in an event loop of its own."""
    return lambda main: anyio.run(main, backend=request.param)


def client_of(url: str, **options: Any) -> eic.AsyncClient:
    keys = {"region_name": "us-east-1", "aws_access_key_id": "A", "aws_secret_access_key": "S"}
    return eic.AsyncClient(**{**keys, "endpoint_url": url, **options})


def listing(client: eic.AsyncClient, name: str = "f", **config: Any) -> eic.AsyncPageIterator:
    paginator = client.get_paginator(LIST)
    return paginator.paginate(FunctionName=name, PaginationConfig=config)  # type: ignore[typeddict-item]


def arns(page: Any) -> list[str]:
    return [config["FunctionArn"] for config in page["FunctionEventInvokeConfigs"]]


def in_use(client: eic.AsyncClient) -> int:
    """How many of the client's connections are neither idle nor closed."""
    return sum(not (connection.is_idle() or connection.is_closed()) for connection in connections(client))


def connections(client: eic.AsyncClient) -> list[Any]:
    transport: Any = client._transport
    return [connection for made in transport._idle for connection in made._pool.connections]


class TestTheEventLoop:
    PROCESS = """
import json, sys, time
with open(sys.argv[1], "a") as runs:
    runs.write("run\\n")
time.sleep(0.5)
print(json.dumps({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S"}))
"""

    def test_never_waits_for_credentials_which_are_fetched_once_for_all_tasks(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "process.py").write_text(self.PROCESS)
        runs = tmp_path / "runs"
        (tmp_path / "config").write_text(
            f"[default]\ncredential_process = {sys.executable} {tmp_path}/process.py {runs}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        gaps: list[float] = []

        async def heartbeat() -> None:
            before = time.monotonic()
            while True:
                await real_sleep(0.005)
                gaps.append(time.monotonic() - before)
                before = time.monotonic()

        async def main() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
            async with (
                eic.AsyncClient("us-east-1", transport=transport) as client,
                anyio.create_task_group() as outer,
            ):
                outer.start_soon(heartbeat)
                async with anyio.create_task_group() as tasks:
                    for _ in range(20):
                        tasks.start_soon(listing(client).build_full_result)
                outer.cancel_scope.cancel()

        run(main)
        assert runs.read_text() == "run\n"
        # The process takes half a second; the rest is what a shared machine does to a heartbeat.
        assert max(gaps) < 0.4

    def test_never_refreshes_credentials_which_a_thread_does_once_for_all_tasks(self, run: Run) -> None:
        threads = []

        def metadata(lifetime: timedelta) -> dict[str, str]:
            expiry = datetime.now(timezone.utc) + lifetime
            return {"access_key": "A", "secret_key": "S", "token": "T", "expiry_time": expiry.isoformat()}

        def refresh() -> dict[str, str]:
            threads.append(threading.current_thread())
            return metadata(timedelta(hours=1))

        expired = RefreshableCredentials.create_from_metadata(
            metadata(timedelta(seconds=-1)), refresh_using=refresh, method="test"
        )

        async def main() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
            async with (
                eic.AsyncClient("us-east-1", credentials=expired, transport=transport) as client,
                anyio.create_task_group() as tasks,
            ):
                for _ in range(20):
                    tasks.start_soon(listing(client).build_full_result)

        run(main)
        assert len(threads) == 1
        assert threads[0] is not threading.main_thread()

    def test_keys_that_are_still_good_are_used_while_they_are_refreshed(self, run: Run) -> None:
        refreshing, go_on = threading.Event(), threading.Event()
        numbers = itertools.count()
        signed_with: list[str] = []

        def metadata() -> dict[str, str]:
            expiry = datetime.now(timezone.utc) + timedelta(minutes=60)
            key = f"A{next(numbers)}"
            return {"access_key": key, "secret_key": "S", "token": "T", "expiry_time": expiry.isoformat()}

        def refresh() -> dict[str, str]:
            refreshing.set()
            assert go_on.wait(30)
            return metadata()

        keys = RefreshableCredentials.create_from_metadata(metadata(), refresh_using=refresh, method="test")

        async def waits(client: eic.AsyncClient, *, minutes_left: int) -> bool:
            """Whether a listing waits while another one has the keys refreshed."""
            keys._expiry_time = datetime.now(timezone.utc) + timedelta(minutes=minutes_left)
            refreshing.clear()
            go_on.clear()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listing(client).build_full_result)
                while not refreshing.is_set():
                    await anyio.lowlevel.checkpoint()
                with anyio.move_on_after(0.05) as scope:
                    await listing(client).build_full_result()
                go_on.set()
            return scope.cancelled_caught

        def answer(request: httpx.Request) -> httpx.Response:
            signed_with.append(request.headers["authorization"].split("=")[1].split("/")[0])
            return httpx.Response(200, json={})

        async def main() -> None:
            transport = httpx.MockTransport(answer)
            async with eic.AsyncClient("us-east-1", credentials=keys, transport=transport) as client:
                await listing(client).build_full_result()
                keys._expiry_time = datetime.now(timezone.utc)
                go_on.set()
                keys.get_frozen_credentials()  # by another user of the same object
                # botocore refreshes them when 15 minutes are left, and lets others wait when 10 are.
                assert not await waits(client, minutes_left=12)
                assert await waits(client, minutes_left=8)
                assert signed_with == ["A0", "A1", "A2", "A3"]

        run(main)

    def test_is_one_for_each_client(self, run: Run) -> None:
        client = client_of(
            "http://127.0.0.1:9", transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))
        )

        async def main() -> None:
            await listing(client).build_full_result()
            await listing(client).build_full_result()

        run(main)
        with pytest.raises(RuntimeError, match="second event loop: make one for each event loop"):
            run(main)


def at_each_await(scenario: Callable[[int], Awaitable[bool]]) -> Callable[[], Awaitable[None]]:
    """Runs a scenario that is cancelled after 0, 1, 2, ... turns of the event loop, until it finishes."""

    async def main() -> None:
        for turns in range(2000):
            if await scenario(turns):
                return
        raise AssertionError("never finished")

    return main


class TestCancellation:
    def test_while_keys_are_fetched_lets_one_thread_fetch_them_for_all(
        self, run: Run, scripted: Any, slept: list[float]
    ) -> None:
        asked = 0
        go_on = threading.Event()

        def vault() -> Credentials:
            nonlocal asked
            asked += 1
            go_on.wait(30)
            raise ZeroDivisionError

        async def scenario() -> None:
            async with client_of(
                scripted().url, aws_access_key_id=None, aws_secret_access_key=None, credentials=vault
            ) as client:
                for _ in range(20):
                    with anyio.move_on_after(0.01):
                        await client.list_function_event_invoke_configs(FunctionName="f")
                assert asked == 1
                assert len([t for t in threading.enumerate() if t.name.endswith("._async.client")]) == 1
                go_on.set()
                with pytest.raises(ZeroDivisionError):
                    await client.list_function_event_invoke_configs(FunctionName="f")
                with pytest.raises(ZeroDivisionError):  # and the next call asks anew
                    await client.list_function_event_invoke_configs(FunctionName="f")

        run(scenario)
        assert 1 <= asked <= 3

    def test_by_asyncio_itself_keeps_no_request(self, slept: list[float]) -> None:
        """It goes through httpcore's own shield, and leaves the request in the pool, with its headers."""
        chance = random.Random(1)

        async def scenario() -> tuple[int, int]:
            cancelled = 0
            async with eic.AsyncClient(**lam.client_options) as client:
                for _ in range(400):
                    call = asyncio.ensure_future(client.list_function_event_invoke_configs(FunctionName="f"))
                    asyncio.get_running_loop().call_later(chance.random() * 0.005, call.cancel)
                    await asyncio.wait([call])
                    cancelled += call.cancelled()
                del call
                gc.collect()
                idle = len(client._transport._idle)  # type: ignore[attr-defined]
                return cancelled, sum(isinstance(each, Link) for each in gc.get_objects()) - idle

        with LocalLambda({"f": 9}) as lam:
            cancelled, kept = asyncio.run(scenario())
        assert cancelled > 20
        assert kept == 0

    def test_of_nothing_but_the_client_leaves_a_call_its_connection(
        self, run: Run, scripted: Any, slept: list[float]
    ) -> None:
        server = scripted(page("1", wait=0.2), page("2"))

        async def scenario() -> list[str]:
            client = client_of(server.url)
            found: list[str] = []

            async def ask() -> None:
                page = await client.list_function_event_invoke_configs(FunctionName="f")
                assert page["ResponseMetadata"]["RetryAttempts"] == 0
                found.extend(arns(page))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                while not server.requests:
                    await checkpoint()
                await client.aclose()
            assert connections(client) == []
            await ask()
            assert connections(client) == []
            return found

        assert run(scenario) == ["1", "2"]
        assert server.connections == 2

    def test_of_closing_comes_too_late_since_closing_waits_for_nothing(self, slow: Any) -> None:
        async def scenario() -> None:
            client = client_of(f"http://127.0.0.1:{slow.port}")
            calls = [client.list_function_event_invoke_configs(FunctionName="f") for _ in range(5)]
            asyncio.get_running_loop().call_later(0.2, slow.answer.set)
            await asyncio.gather(*calls)
            assert len(connections(client)) == slow.connections == 5
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
                async with eic.AsyncClient(**lam.client_options) as client:
                    pages = listing(client, PageSize=3)
                    with anyio.CancelScope() as scope:
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(cancel_after, turns, scope)
                            async for page in pages:
                                seen.extend(arns(page))
                            tasks.cancel_scope.cancel()
                            finished = True
                    finished = not scope.cancelled_caught
                    assert in_use(client) == 0
                    token = pages.resume_token
                    if token or not seen:
                        async for page in listing(client, PageSize=3, StartingToken=token):
                            seen.extend(arns(page))
                assert seen == everything
                return finished

            async def cancel_after(turns: int, scope: anyio.CancelScope) -> None:
                for _ in range(turns):
                    await checkpoint()
                scope.cancel()

            run(at_each_await(scenario))

    @pytest.mark.parametrize(
        "script",
        [
            pytest.param([Silence()], id="waiting for the response"),
            pytest.param([Reply(200, {"a": 1}, stall=30)], id="in the head"),
            pytest.param([Reply(200, {"a": "b" * 1000}, stall=100)], id="in the body"),
            pytest.param([error(500)], id="waiting to try again"),
        ],
    )
    def test_while_it_waits_closes_the_connection_and_keeps_the_token(
        self,
        run: Run,
        scripted: Callable[..., ScriptedServer],
        script: list[Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def for_ever(_: float) -> None:
            await anyio.sleep_forever()

        monkeypatch.setattr(anyio, "sleep", for_ever)
        server = scripted(page("a", next_marker="m"), *script, page("b"))

        async def main() -> None:
            async with client_of(server.url) as client:
                pages = listing(client)
                iterator = aiter(pages)
                assert arns(await anext(iterator)) == ["a"]
                token = pages.resume_token
                with anyio.move_on_after(0.1) as scope:
                    await anext(iterator)
                assert scope.cancelled_caught
                assert in_use(client) == 0
                assert pages.resume_token == token is not None
                assert arns(await anext(iterator)) == ["b"]

        run(main)

    def test_while_it_waits_for_a_connection_leaves_the_pool_in_order(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Silence(), page("a"), page("b"))

        async def main() -> None:
            async with client_of(server.url, config=eic.Config(max_pool_connections=1)) as client:
                with anyio.move_on_after(0.1):
                    async with anyio.create_task_group() as tasks:
                        for _ in range(5):
                            tasks.start_soon(listing(client).build_full_result)
                assert in_use(client) == 0
                assert arns(await listing(client).build_full_result()) == ["a"]

        run(main)

    def test_while_it_waits_for_credentials_does_not_wait_for_them(self, run: Run) -> None:
        release, returned = threading.Event(), threading.Event()

        def slow() -> Any:
            release.wait(5)
            from botocore.credentials import Credentials

            returned.set()
            return Credentials("A", "S")

        async def main() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
            async with eic.AsyncClient("us-east-1", credentials=slow, transport=transport) as client:
                before = time.monotonic()
                with anyio.move_on_after(0.05):
                    await listing(client).build_full_result()
                assert time.monotonic() - before < 2
                release.set()
                assert await listing(client).build_full_result() == {}

        run(main)
        assert returned.wait(5)

    def test_leaving_the_loop_half_way_leaves_nothing_open(self, run: Run, lam: LocalLambda) -> None:
        async def main() -> None:
            async with eic.AsyncClient(**lam.client_options) as client:
                pages = listing(client, "my-function")
                async for _ in pages:
                    break
                assert in_use(client) == 0
                rest = listing(client, "my-function", StartingToken=pages.resume_token)
                assert len((await rest.build_full_result())["FunctionEventInvokeConfigs"]) == 70

        run(main)


class TestManyAtATime:
    @pytest.fixture
    def many(self) -> Iterator[LocalLambda]:
        with LocalLambda({f"f{n}": 3 for n in range(1000)}) as lam:
            yield lam

    def test_a_thousand_listings_give_each_configuration_once_and_in_order(
        self, run: Run, many: LocalLambda
    ) -> None:
        found: dict[str, list[str]] = {}
        most = 0

        async def main() -> None:
            async with eic.AsyncClient(**many.client_options) as client:

                async def one(name: str) -> None:
                    nonlocal most
                    found[name] = []
                    async for config in listing(client, name, PageSize=2).items():
                        found[name].append(config["FunctionArn"].partition("function:")[2])
                        most = max(most, len(connections(client)))

                async with anyio.create_task_group() as tasks:
                    for n in range(1000):
                        tasks.start_soon(one, f"f{n}")

        run(main)
        assert found == {f"f{n}": [f"f{n}:{i}" for i in (1, 2, 3)] for n in range(1000)}
        assert most <= 10

    def test_one_that_fails_does_not_disturb_the_others(self, run: Run, many: LocalLambda) -> None:
        outcomes: dict[str, int | str] = {}

        async def main() -> None:
            async with eic.AsyncClient(**many.client_options) as client:

                async def one(name: str) -> None:
                    try:
                        result = await listing(client, name).build_full_result()
                        outcomes[name] = len(result["FunctionEventInvokeConfigs"])
                    except ResourceNotFoundException:
                        outcomes[name] = "not found"

                async with anyio.create_task_group() as tasks:
                    for n in range(30):
                        tasks.start_soon(one, f"f{n}" if n % 3 else f"unknown{n}")

        run(main)
        assert outcomes == {
            f"f{n}" if n % 3 else f"unknown{n}": 3 if n % 3 else "not found" for n in range(30)
        }

    def test_share_the_retry_quota(self, run: Run, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(*[error(500)] * 200)

        async def main() -> None:
            async with client_of(server.url) as client:

                async def one() -> None:
                    with pytest.raises(ClientError):
                        await listing(client).build_full_result()

                async with anyio.create_task_group() as tasks:
                    for _ in range(40):
                        tasks.start_soon(one)

        run(main)
        assert len(server.requests) == 40 + 500 // 14

    def test_a_closed_connection_is_an_error_like_any_other(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(*[Raw(b"")] * 3)

        async def main() -> None:
            async with client_of(server.url) as client:
                with pytest.raises(ConnectionClosedError):
                    await client.list_function_event_invoke_configs(FunctionName="f")
                assert in_use(client) == 0

        run(main)
