"""What only the async client can get wrong: the event loop, cancellation, many tasks at a time."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import httpx
import processes
import pytest
from anyio.lowlevel import checkpoint
from botocore.credentials import Credentials, RefreshableCredentials
from drivers import Run, client_of
from listing import paginate
from servers import ScriptedServer, error

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import (
    ClientError,
    ResourceNotFoundException,
)
from lambda_event_invoke_configs.local import LocalLambda

HUNDREDS = 200


class TestTheEventLoop:
    PROCESS = """
import json, pathlib, sys, time
with open(sys.argv[1], "a") as runs:
    runs.write("run\\n")
for _ in range(3000):
    if pathlib.Path(sys.argv[2]).exists():
        print(json.dumps({"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S"}))
        break
    time.sleep(0.01)
"""

    def test_never_waits_for_credentials_which_are_fetched_once_for_all_tasks(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The process that gives them waits for what the event loop does meanwhile."""
        (tmp_path / "process.py").write_text(self.PROCESS)
        runs, go_on = tmp_path / "runs", tmp_path / "go-on"
        (tmp_path / "config").write_text(
            f'[default]\ncredential_process = "{sys.executable}" "{tmp_path}/process.py" "{runs}" "{go_on}"\n'
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

        async def main() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
            async with (
                eic.AsyncClient("us-east-1", transport=transport) as client,
                anyio.create_task_group() as tasks,
            ):
                for _ in range(20):
                    tasks.start_soon(paginate(client).build_full_result)
                while not runs.exists():
                    await checkpoint()
                go_on.touch()

        run(main)
        assert runs.read_text() == "run\n"

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
                    tasks.start_soon(paginate(client).build_full_result)

        run(main)
        assert len(threads) == 1
        assert threads[0].name == "lambda_event_invoke_configs._async.client"

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

        async def waits(client: eic.AsyncClient, *, minutes_left: int, patience: float) -> bool:
            """Whether a listing waits for so many seconds while another one has the keys refreshed."""
            keys._expiry_time = datetime.now(timezone.utc) + timedelta(minutes=minutes_left)
            refreshing.clear()
            go_on.clear()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(paginate(client).build_full_result)
                while not refreshing.is_set():
                    await checkpoint()
                before = len(signed_with)
                async with anyio.create_task_group() as another:
                    another.start_soon(paginate(client).build_full_result)
                    with anyio.move_on_after(patience) as scope:
                        while len(signed_with) == before:
                            await checkpoint()
                    go_on.set()
            return scope.cancelled_caught

        def answer(request: httpx.Request) -> httpx.Response:
            signed_with.append(request.headers["authorization"].split("=")[1].split("/")[0])
            return httpx.Response(200, json={})

        async def main() -> None:
            transport = httpx.MockTransport(answer)
            async with eic.AsyncClient("us-east-1", credentials=keys, transport=transport) as client:
                await paginate(client).build_full_result()
                keys._expiry_time = datetime.now(timezone.utc)
                go_on.set()
                keys.get_frozen_credentials()  # by another user of the same object
                # botocore refreshes them when 15 minutes are left, and lets others wait when 10 are.
                assert not await waits(client, minutes_left=12, patience=30)
                assert await waits(client, minutes_left=8, patience=0.05)
                assert signed_with == ["A0", "A1", "A2", "A3", "A3"]

        run(main)

    def test_is_one_for_each_client(self, run: Run) -> None:
        client = client_of(
            "http://127.0.0.1:9", transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))
        )

        async def main() -> None:
            await paginate(client).build_full_result()
            await paginate(client).build_full_result()

        run(main)
        with pytest.raises(
            RuntimeError, match=r"^AsyncClient is used in a second event loop: make one for each event loop$"
        ):
            run(main)


class TestCancellation:
    @pytest.mark.parametrize("until", ["for ever", "until its end"])
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_while_keys_are_fetched_ends_a_process(self, backend: str, until: str) -> None:
        script = """
import sys, threading
import anyio
import lambda_event_invoke_configs as eic
asked, over = threading.Event(), threading.Event()

def vault():
    asked.set()
    over.wait()

async def main():
    async with eic.AsyncClient("us-east-1", credentials=vault) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.list_for_function, "f")
        while not asked.is_set():
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()

anyio.run(main, backend=sys.argv[1])
if sys.argv[2] == "until its end":
    over.set()
    for thread in threading.enumerate():
        if "_async" in thread.name:
            thread.join()
print("ended")
"""
        ran = processes.run(sys.executable, "-c", script, backend, until)
        assert (ran.out, ran.err) == ("ended\n", "")

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
                calls = 0
                while calls < 20 or not asked:  # the time may be over before a call has begun
                    calls += 1
                    with anyio.move_on_after(0.01):
                        await client.list_function_event_invoke_configs(FunctionName="f")
                assert asked == 1
                go_on.set()
                with pytest.raises(ZeroDivisionError):
                    await client.list_function_event_invoke_configs(FunctionName="f")
                with pytest.raises(ZeroDivisionError):  # and the next call asks anew
                    await client.list_function_event_invoke_configs(FunctionName="f")

        run(scenario)
        assert 1 <= asked <= 3

    def test_while_it_waits_for_credentials_does_not_wait_for_them(self, run: Run) -> None:
        release, returned = threading.Event(), threading.Event()

        def slow() -> Any:
            release.wait(60)
            from botocore.credentials import Credentials

            returned.set()
            return Credentials("A", "S")

        async def main() -> None:
            transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
            async with eic.AsyncClient("us-east-1", credentials=slow, transport=transport) as client:
                with anyio.move_on_after(0.05):
                    await paginate(client).build_full_result()
                assert not returned.is_set()
                release.set()
                assert await paginate(client).build_full_result() == {}

        run(main)
        assert returned.wait(60)


class TestManyAtATime:
    @pytest.fixture
    def many(self) -> Iterator[LocalLambda]:
        with LocalLambda({f"f{n}": 3 for n in range(HUNDREDS)}) as lam:
            yield lam

    def test_hundreds_of_listings_give_each_configuration_once_and_in_order(
        self, run: Run, many: LocalLambda
    ) -> None:
        found: dict[str, list[str]] = {}

        async def main() -> None:
            async with eic.AsyncClient(**many.client_options) as client:

                async def one(name: str) -> None:
                    found[name] = []
                    async for config in paginate(client, name, PageSize=2).items():
                        found[name].append(config["FunctionArn"].partition("function:")[2])

                async with anyio.create_task_group() as tasks:
                    for n in range(HUNDREDS):
                        tasks.start_soon(one, f"f{n}")

        run(main)
        assert found == {f"f{n}": [f"f{n}:{i}" for i in (1, 2, 3)] for n in range(HUNDREDS)}

    def test_one_that_fails_does_not_disturb_the_others(self, run: Run, many: LocalLambda) -> None:
        outcomes: dict[str, int | str] = {}

        async def main() -> None:
            async with eic.AsyncClient(**many.client_options) as client:

                async def one(name: str) -> None:
                    try:
                        result = await paginate(client, name).build_full_result()
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
                        await paginate(client).build_full_result()

                async with anyio.create_task_group() as tasks:
                    for _ in range(40):
                        tasks.start_soon(one)

        run(main)
        assert len(server.requests) == 40 + 500 // 14
