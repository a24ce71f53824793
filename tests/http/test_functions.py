"""Many functions at the same time: laziness, failures, pace, memory, and workers in other processes.

    NAMES=1000000 python -m pytest tests/http/test_functions.py -k memory
    PACED=3000 python -m pytest tests/http/test_functions.py -k pace

are the long forms: so many names in flat memory, and so many requests to a service that allows 15 a second.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import botocore
import drivers
import httpx
import pytest
from account import KEYS, Account, set_environment
from botocore.credentials import Credentials
from dateutil.tz import tzlocal

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs._settings import resolve as settings
from lambda_event_invoke_configs._sync import functions

NAMES = int(os.environ.get("NAMES", "5000"))
PACED = int(os.environ.get("PACED", "60"))
LIMIT = 15  # requests a second: the service's
ASYNC = [backend for backend in drivers.BACKENDS if backend != "sync"]
MEMORY = Path(__file__).parents[1] / "support" / "memory.py"
really_sleep = time.sleep  # before the tests take it away
really_sleep_async = anyio.sleep

WRONG_CLOCK = {"x-amzn-errortype": "RequestExpired", "date": "Tue, 01 Jan 2030 00:00:00 GMT"}

Ours = Callable[..., Any]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture
def client(account: Account, ours: Ours) -> Any:
    """Our client of the account: sync, asyncio and trio in turn."""
    return ours(account.url)


@pytest.fixture
def sync_client(account: Account) -> Iterator[eic.Client]:
    with eic.Client(**account.options) as client:
        yield client


class Taken:
    """Names, of which it is known how many were taken."""

    def __init__(self, names: Iterator[str]) -> None:
        self._names = names
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for name in self._names:
            self.number += 1
            yield name


def names(number: int, prefix: str = "f") -> Iterator[str]:
    return (f"{prefix}-{n}" for n in range(number))


def arns(outcome: eic.FunctionOutcome) -> list[str]:
    return [found["FunctionArn"] for found in outcome.configurations]


def by_name(outcomes: Iterator[eic.FunctionOutcome]) -> dict[str, eic.FunctionOutcome]:
    found = list(outcomes)
    assert len({outcome.function_name for outcome in found}) == len(found)
    return {outcome.function_name: outcome for outcome in found}


class TestOutcomes:
    def test_there_is_one_for_each_name(self, client: Any) -> None:
        found = by_name(client.list_for_functions(names(100)))

        assert {*found} == {*names(100)}
        assert all(arns(outcome) == [name] for name, outcome in found.items())
        assert all(outcome.error is outcome.resume_token is None for outcome in found.values())

    def test_there_is_none_for_no_names(self, client: Any) -> None:
        assert list(client.list_for_functions([])) == []

    def test_has_all_pages(self, client: Any) -> None:
        (outcome,) = client.list_for_functions(["f-pages-7"])

        assert arns(outcome) == [f"f-pages-7:{n}" for n in range(7)]

    def test_comes_as_it_completes(self, client: Any) -> None:
        listings = client.list_for_functions(["slow-pages-100", *names(3)], max_concurrency=2)

        assert [outcome.function_name for outcome in listings][-1] == "slow-pages-100"

    def test_a_name_that_comes_twice_has_two(self, client: Any) -> None:
        assert [arns(outcome) for outcome in client.list_for_functions(["f", "f"])] == [["f"], ["f"]]

    def test_of_one_function_is_the_same(self, client: Any) -> None:
        assert client.list_for_function("f") == next(iter(client.list_for_functions(["f"])))

    def test_shares_the_clients_clock_offset_and_quota(self, ours: Ours) -> None:
        answers = [httpx.Response(400, headers=WRONG_CLOCK, json={}), *[httpx.Response(200, json={})] * 2]
        client = ours(None, transport=httpx.MockTransport(lambda _: answers.pop(0)))

        client.list_function_event_invoke_configs(FunctionName="f")

        assert client.list_for_function("f").error is None  # not refused for the clock once more

    def test_pays_for_its_retries_as_the_clients_other_calls_do(self, ours: Ours, slept: list[float]) -> None:
        client = ours(None, transport=httpx.MockTransport(lambda _: httpx.Response(500)))

        outcomes = [client.list_for_function("f") for _ in range(20)]
        for _ in range(20):
            with pytest.raises(exceptions.ClientError):
                client.list_function_event_invoke_configs(FunctionName="f")

        assert all(outcome.error for outcome in outcomes)
        assert client._caller._quota.available < 14
        assert len([seconds for seconds in slept if seconds < 1]) == 500 // 14

    def test_waits_no_longer_when_the_clock_is_set_back(
        self, ours: Ours, slept: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = [httpx.Response(200, json={})] * 30
        answers[20] = httpx.Response(429, headers={"x-amzn-errortype": "TooManyRequestsException"}, json={})
        client = ours(None, transport=httpx.MockTransport(lambda _: answers.pop(0)))
        for _ in range(25):
            client.list_for_function("f")
        now = time.time()
        monkeypatch.setattr(client._caller, "_clock", lambda: now - 600)

        client.list_for_function("f")

        assert max(slept) < 10


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


class TestAnOutcomeOfAnotherProcess:
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
    def test_is_of_the_same_moment_whatever_the_zone_there(self, zone: str) -> None:
        """A pickled `tzlocal()` takes the offsets along, and asks where it arrives for the summer time."""
        script = (
            "import pickle, sys\n"
            "import lambda_event_invoke_configs as eic\n"
            "from datetime import datetime\n"
            "from lambda_event_invoke_configs._protocol import response as timestamps\n"
            "found = [1753000000 + n * 86400 * 30 for n in range(12)]\n"
            "zone = timestamps.machine_zone()\n"
            "found = [{'LastModified': timestamps.parse_timestamp(n, zone)} for n in found]\n"
            "sys.stdout.buffer.write(pickle.dumps(eic.FunctionOutcome('f', [*found, None, {}])))"
        )
        environment = {**os.environ, "TZ": zone}
        sent = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, check=True
        )

        outcome = pickle.loads(sent.stdout)

        *found, null, empty = outcome.configurations
        moments = [each["LastModified"].timestamp() for each in found]
        assert moments == [1753000000 + n * 86400 * 30 for n in range(12)]
        assert {type(each["LastModified"].tzinfo) for each in found} == {tzlocal}
        assert (outcome.function_name, null, empty) == ("f", None, {})

    def test_keeps_what_is_at_the_end_of_the_calendar(self) -> None:
        last = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))
        outcome = eic.FunctionOutcome("f", [{"LastModified": last}])
        assert pickle.loads(pickle.dumps(outcome)) == outcome


class TestLaziness:
    @pytest.mark.parametrize("max_concurrency", [1, 4, 10])
    def test_names_are_never_taken_further_than_there_is_room(
        self, client: Any, max_concurrency: int
    ) -> None:
        taken = Taken(names(100))
        handed_out = 0

        for _ in client.list_for_functions(taken, max_concurrency=max_concurrency):
            handed_out += 1
            assert taken.number - handed_out <= max_concurrency

        assert handed_out == taken.number == 100

    def test_whoever_does_not_ask_for_outcomes_has_no_more_names_taken(self, client: Any) -> None:
        taken = Taken(names(1000))
        listings = client.list_for_functions(taken, max_concurrency=5)
        next(listings)

        threading.Event().wait(0.1)

        assert taken.number <= 6
        listings.close()

    def test_nothing_happens_before_the_first_outcome_is_asked_for(self, sync_client: eic.Client) -> None:
        taken = Taken(names(3))

        sync_client.list_for_functions(taken)

        assert taken.number == 0

    def test_what_is_there_does_not_wait_for_a_full_house(self, sync_client: eic.Client) -> None:
        def slowly() -> Iterator[str]:
            for name in names(4):
                yield name
                threading.Event().wait(0.1)

        listings = sync_client.list_for_functions(slowly(), max_concurrency=10)

        started = time.monotonic()
        next(listings)
        assert time.monotonic() - started < 0.3
        assert len(list(listings)) == 3

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

    @pytest.mark.skipif(os.name == "nt", reason="there is no resource module")
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_the_memory_does_not_grow_with_the_names(self, backend: str) -> None:
        done = subprocess.run(
            [sys.executable, str(MEMORY), backend, str(NAMES)], capture_output=True, text=True, check=True
        )

        early, late = json.loads(done.stdout)
        # With the default number that is some 230 bytes a name; an outcome has more than 1,000.
        assert late - early <= 1024, f"{early} KiB after a tenth of the names, {late} KiB after all"


class TestFailures:
    def test_of_one_is_its_outcome_and_stops_no_other(self, client: Any) -> None:
        found = by_name(client.list_for_functions([*names(20), "missing-1", *names(20, "g")]))

        assert len(found) == 41
        assert [name for name, outcome in found.items() if outcome.error] == ["missing-1"]
        assert isinstance(found["missing-1"].error, exceptions.ResourceNotFoundException)
        assert found["missing-1"].resume_token is None
        assert found["missing-1"].configurations == []

    def test_half_way_leaves_what_came_and_a_token_that_continues_exactly(self, client: Any) -> None:
        name = f"breaks-3-{os.urandom(4).hex()}-pages-5"
        (outcome,) = client.list_for_functions([name])

        assert isinstance(outcome.error, exceptions.InvalidParameterValueException)
        assert arns(outcome) == [f"{name}:{n}" for n in range(3)]
        rest = client.list_for_function(name, outcome.resume_token)
        assert rest.error is None
        assert arns(outcome) + arns(rest) == [f"{name}:{n}" for n in range(5)]

    def test_before_anything_came_leaves_the_token_it_began_with(self, client: Any) -> None:
        name = f"breaks-1-{os.urandom(4).hex()}-pages-3"
        first = client.list_for_function(name)
        again = client.list_for_function("missing-1", first.resume_token)

        assert first.resume_token is not None
        assert again.resume_token == first.resume_token

    def test_a_name_or_token_that_cannot_be_one_is_an_outcome_too(self, client: Any) -> None:
        found = list(client.list_for_functions(["", None, "f"]))

        errors = {outcome.function_name: type(outcome.error) for outcome in found}
        invalid = exceptions.ParamValidationError
        assert errors == {"": invalid, None: invalid, "f": type(None)}
        assert isinstance(client.list_for_function("f", "a___1___2").error, exceptions.StartingTokenError)

    def test_of_the_names_comes_after_the_outcomes_of_those_given(self, client: Any) -> None:
        def failing() -> Iterator[str]:
            yield from names(15)
            raise LookupError("no more names")

        found = []
        with pytest.raises(LookupError, match="no more names"):  # noqa: PT012 - the loop raises
            for outcome in client.list_for_functions(failing(), max_concurrency=4):
                found.append(outcome.function_name)

        assert sorted(found) == sorted(names(15))

    def test_of_the_names_at_once_is_all_there_is(self, client: Any) -> None:
        def failing() -> Iterator[str]:
            raise LookupError("no names")
            yield ""

        with pytest.raises(LookupError, match="no names"):
            list(client.list_for_functions(failing()))

    def test_of_the_loops_body_goes_through_as_it_is(self, client: Any) -> None:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the loop raises
            for _ in client.list_for_functions(names(100)):
                raise ZeroDivisionError


class TestArguments:
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ({"names": "f"}, "names: 'f', must be an iterable of names, not a single one"),
            ({"names": b"f"}, "names: b'f', must be an iterable of names"),
            ({"names": 7}, "names: 7, must be an iterable of names"),
            ({"max_concurrency": 0}, "max_concurrency: 0, must be an int, 1 or more"),
            ({"max_concurrency": True}, "max_concurrency: True, must be an int, 1 or more"),
            ({"max_concurrency": "2"}, "max_concurrency: '2', must be an int, 1 or more"),
        ],
        ids=str,
    )
    def test_that_cannot_be_used_are_refused_at_once(
        self, backend: str, arguments: dict[str, Any], complaint: str
    ) -> None:
        client = (eic.Client if backend == "sync" else eic.AsyncClient)("us-east-1")

        with pytest.raises(exceptions.InvalidConfigError, match=complaint):
            client.list_for_functions(**{"names": [], **arguments})

    def test_an_executor_is_one_of_concurrent_futures(self, sync_client: eic.Client) -> None:
        with pytest.raises(exceptions.InvalidConfigError, match=r"executor: 'int', must be a concurrent.fut"):
            sync_client.list_for_functions([], executor=4)  # type: ignore[arg-type]

    def test_asynchronous_names_are_for_the_asynchronous_client(self, sync_client: eic.Client) -> None:
        async def given() -> AsyncIterator[str]:
            yield "f"

        with pytest.raises(exceptions.InvalidConfigError, match="must be an iterable of names"):
            sync_client.list_for_functions(given())  # type: ignore[arg-type]


class TestLeavingEarly:
    def test_asks_for_no_more_functions(self, account: Account, client: Any) -> None:
        prefix = f"left-{os.urandom(4).hex()}"
        taken = Taken(names(1000, prefix))
        listings = client.list_for_functions(taken, max_concurrency=3)

        next(listings)
        listings.close()

        asked = {name for name in account.asked() if name.startswith(prefix)}
        assert len(asked) <= taken.number <= 4
        assert list(listings) == []

    def test_lets_its_threads_break_off_at_their_next_page(self, account: Account) -> None:
        with eic.Client(**account.options) as client:
            for _ in client.list_for_functions(["f", "slow-pages-1000", "f-pages-100000"]):
                break
            while left := [
                t for t in threading.enumerate() if t.name == "lambda_event_invoke_configs._sync.functions"
            ]:
                left[0].join(30)

            assert client.list_for_function("f-pages-3").error is None  # as if nothing had been

        pages = Counter(name for _, name, _ in account.seen()["asked"])
        assert pages["slow-pages-1000"] + pages["f-pages-100000"] < 1000

    def test_cancels_what_the_executor_has_not_begun(self) -> None:
        class Never(Executor):
            futures: list[Future[Any]] = []  # noqa: RUF012

            def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
                self.futures.append(Future())
                if len(self.futures) == 1:
                    self.futures[0].set_result(eic.FunctionOutcome("f-0", []))
                return self.futures[-1]

        listings = eic.Client("us-east-1").list_for_functions(names(9), max_concurrency=3, executor=Never())
        assert next(listings).function_name == "f-0"
        listings.close()

        assert all(future.cancelled() for future in Never.futures[1:])

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

        async def answer(_: httpx.Request) -> httpx.Response:
            await really_sleep_async(chance.random() * 0.002)
            return httpx.Response(200, json={})

        async def main() -> tuple[Counter[str], int]:
            found: Counter[str] = Counter()
            gave_up = 0
            task = asyncio.current_task()
            assert task
            client = eic.AsyncClient("us-east-1", **KEYS, transport=httpx.MockTransport(answer))
            async with client, client.list_for_functions(names(1000)) as outcomes:
                while True:
                    timeout = asyncio.get_running_loop().call_later(chance.random() * 0.001, task.cancel)
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


class TestCtrlC:
    def test_in_the_names_goes_through_at_once(self) -> None:
        go_on = threading.Event()

        def answer(_: httpx.Request) -> httpx.Response:
            go_on.wait(30)
            return httpx.Response(200, json={})

        def interrupted() -> Iterator[str]:
            yield "f"
            raise KeyboardInterrupt

        client = eic.Client("us-east-1", **KEYS, transport=httpx.MockTransport(answer))
        with pytest.raises(KeyboardInterrupt):
            list(client.list_for_functions(interrupted()))
        go_on.set()  # so that no thread is left, to sleep in somebody else's test

    @pytest.mark.skipif(os.name == "nt", reason="there is no Ctrl-C for one process alone")
    @pytest.mark.parametrize("busy_for", [0, 60])
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_ends_a_process_that_waits_for_answers(
        self, account: Account, backend: str, busy_for: float
    ) -> None:
        """Also if it comes while the process is busy with an outcome, and not with waiting for the next."""
        script = f"""
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import anyio, lambda_event_invoke_configs as eic
names = ["f", "hangs-1", "hangs-2"]
def main():
    with eic.Client(**{account.options!r}) as client:
        for outcome in client.list_for_functions(names):
            print(outcome.function_name, flush=True)
            time.sleep({busy_for})
async def main_async():
    async with eic.AsyncClient(**{account.options!r}) as client:
        async with client.list_for_functions(names) as outcomes:
            async for outcome in outcomes:
                print(outcome.function_name, flush=True)
                await anyio.sleep({busy_for})
main() if {backend!r} == "sync" else anyio.run(main_async, backend={backend!r})
"""
        with subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == "f\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)

        if backend == "asyncio" and sys.version_info < (3, 11):
            # There, anyio.run() makes a cancellation of it, whatever it runs.
            assert process.returncode == 1
        else:
            assert process.returncode == -signal.SIGINT
            assert "KeyboardInterrupt" in err


class Losing(ThreadPoolExecutor):
    """Loses what it is asked for so many times: Dask's may, if a worker dies as it hands over a result."""

    def __init__(self, times: int, lost: Callable[[Future[Any]], object]) -> None:
        super().__init__(3)
        self.asked: Counter[str] = Counter()
        self._times = times
        self._lost = lost

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        (name,) = args
        self.asked[name] += 1
        if self.asked[name] > self._times:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        self._lost(future)
        return future


class TestExecutors:
    def test_any_of_concurrent_futures_will_do(self, sync_client: eic.Client) -> None:
        with ThreadPoolExecutor(3) as threads:
            found = by_name(sync_client.list_for_functions([*names(20), "missing-1"], executor=threads))

        assert {*found} == {*names(20), "missing-1"}

    def test_what_a_thread_fails_with_beside_the_listing_is_an_error_too(
        self, sync_client: eic.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(eic.Client, "list_for_function", failing)

        (outcome,) = sync_client.list_for_functions(["f"])

        assert isinstance(outcome.error, ZeroDivisionError)

    def test_one_that_was_shut_down_is_an_error_for_each_function(self, sync_client: eic.Client) -> None:
        with ThreadPoolExecutor(1) as threads:
            pass

        found = list(sync_client.list_for_functions(names(30), executor=threads))

        assert [outcome.function_name for outcome in found] == list(names(30))
        assert all(isinstance(outcome.error, RuntimeError) for outcome in found)

    @pytest.mark.parametrize(
        "lost",
        [lambda future: future.set_exception(TypeError("lost")), Future.cancel],
        ids=["error", "cancelled"],
    )
    def test_what_one_loses_is_asked_of_it_once_more(
        self, sync_client: eic.Client, lost: Callable[[Future[Any]], object]
    ) -> None:
        with Losing(1, lost) as losing:
            found = by_name(sync_client.list_for_functions(names(20), executor=losing))

        assert {name: arns(outcome) for name, outcome in found.items()} == {n: [n] for n in names(20)}
        assert losing.asked == Counter([*names(20)] * 2)

    def test_what_one_loses_again_is_an_error(self, sync_client: eic.Client) -> None:
        with Losing(2, lambda future: future.set_exception(TypeError("lost"))) as losing:
            found = by_name(sync_client.list_for_functions(names(20), executor=losing))

        assert {*found} == {*names(20)}
        assert all(isinstance(outcome.error, TypeError) for outcome in found.values())
        assert losing.asked == Counter([*names(20)] * 2)

    def test_what_one_is_interrupted_in_is_raised_at_once(self, sync_client: eic.Client) -> None:
        with (
            Losing(1, lambda future: future.set_exception(KeyboardInterrupt())) as losing,
            pytest.raises(KeyboardInterrupt),
        ):
            list(sync_client.list_for_functions(["f"], executor=losing))

        assert losing.asked == Counter(["f"])

    def test_a_listing_that_fails_is_not_asked_for_again(self, sync_client: eic.Client) -> None:
        with Losing(0, Future.cancel) as losing:
            list(sync_client.list_for_functions(["missing-1"], executor=losing))

        assert losing.asked == Counter(["missing-1"])

    def test_one_whose_worker_dies_loses_no_name(self, sync_client: eic.Client) -> None:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as processes:
            listings = sync_client.list_for_functions(
                ["f", "hangs-1", *names(5)], max_concurrency=2, executor=processes
            )
            first = next(listings)
            (worker,) = multiprocessing.active_children()
            os.kill(worker.pid or 0, signal.SIGKILL)
            rest = by_name(listings)

        assert arns(first) == ["f"]
        assert {*rest} == {"hangs-1", *names(5)}
        assert isinstance(rest["hangs-1"].error, BrokenProcessPool)


# Workers in other processes


WORKERS_KEYS = {"AWS_ACCESS_KEY_ID": "AKIDWORKER", "AWS_SECRET_ACCESS_KEY": "workers-secret"}


@pytest.fixture
def without_keys(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[eic.Client]:
    """A client that was given no keys; those of this process's environment are not the workers'."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDPARENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "parents-secret")
    with eic.Client("us-east-1", endpoint_url=account.url) as client:
        yield client


class TestPickling:
    def test_keys_of_the_environment_stay_where_they_are(
        self, without_keys: eic.Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        without_keys.list_for_function("f")  # they were resolved

        pickled = pickle.dumps(without_keys.list_for_function)

        assert b"AKIDPARENT" not in pickled
        assert b"parents-secret" not in pickled
        assert caplog.records == []

    @pytest.mark.parametrize(
        "given", [KEYS, {"credentials": Credentials("AKID", "secret")}], ids=["keys", "credentials"]
    )
    def test_keys_given_as_arguments_are_pickled_and_that_is_said_once(
        self, given: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        client = eic.Client("us-east-1", **given)

        pickle.dumps(client)
        pickle.dumps(client)

        (record,) = caplog.records
        assert (record.levelno, record.name) == (logging.WARNING, "lambda_event_invoke_configs._client.base")
        assert record.getMessage() == (
            "the client's credentials are pickled with it: they were given as arguments"
        )

    def test_one_that_signs_nothing_can_be(self, account: Account) -> None:
        """botocore's UNSIGNED itself cannot."""
        config = eic.Config(signature_version=botocore.UNSIGNED)
        client = eic.Client("us-east-1", endpoint_url=account.url, config=config)

        assert pickle.loads(pickle.dumps(client)).meta.config.signature_version is botocore.UNSIGNED

    def test_one_that_is_unpickled_again_is_the_same(self, account: Account) -> None:
        client = eic.Client(**account.options)

        first, second = (pickle.loads(pickle.dumps(client.list_for_function)) for _ in range(2))

        assert first.__self__ is second.__self__
        assert first.__self__.meta.endpoint_url == account.url
        assert arns(first("f")) == ["f"]

    @pytest.mark.parametrize("backend", ASYNC)
    def test_an_asynchronous_one_serves_each_event_loop_that_it_is_unpickled_for(
        self, account: Account, backend: str
    ) -> None:
        pickled = pickle.dumps(eic.AsyncClient(**account.options))

        async def main() -> list[str]:
            async with pickle.loads(pickled) as client:
                return arns(await client.list_for_function("f"))

        assert [anyio.run(main, backend=backend) for _ in range(2)] == [["f"], ["f"]]

    def test_one_that_is_made_from_other_arguments_is_refused(self, account: Account) -> None:
        class Ours(eic.Client):
            def __init__(self) -> None:
                super().__init__(**account.options)

        with (
            Ours() as client,
            pytest.raises(TypeError, match=r"Ours has an __init__\(\) of its own: .* __reduce__"),
        ):
            pickle.dumps(client)

    def test_one_whose_init_is_wrapped_is_not(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By a tool that traces calls or checks types."""
        init = eic.Client.__init__

        @functools.wraps(init)
        def traced(*arguments: Any, **options: Any) -> None:
            init(*arguments, **options)

        monkeypatch.setattr(eic.Client, "__init__", traced)

        assert arns(pickle.loads(pickle.dumps(eic.Client(**account.options))).list_for_function("f")) == ["f"]

    def test_threads_that_unpickle_the_same_at_the_same_time_get_the_same(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So does a Dask worker."""
        pickled = pickle.dumps(eic.Client(**account.options))
        resolve = settings.resolve

        def slowly(**options: Any) -> Any:
            threading.Event().wait(0.05)
            return resolve(**options)

        monkeypatch.setattr(settings, "resolve", slowly)
        with ThreadPoolExecutor(4) as threads:
            clients = [*threads.map(pickle.loads, [pickled] * 4)]
        assert all(client is clients[0] for client in clients)

    @pytest.mark.parametrize("scheme", ["https", "http"])
    def test_one_that_uses_a_fips_endpoint_is_not_said_to_ignore_that(
        self, scheme: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        config = eic.Config(use_fips_endpoint=True)
        client = eic.Client("us-gov-west-1", config=config, use_ssl=scheme == "https")

        again = pickle.loads(pickle.dumps(client))

        assert again.meta.endpoint_url == f"{scheme}://lambda-fips.us-gov-west-1.amazonaws.com"
        assert caplog.records == []

    @pytest.mark.parametrize("name", ["credentials", "transport"])
    def test_what_cannot_be_pickled_is_named(self, name: str) -> None:
        given = {"credentials": lambda: Credentials("AKID", "secret"), "transport": httpx.HTTPTransport()}
        client = eic.Client("us-east-1", **{name: given[name]})

        with pytest.raises(exceptions.InvalidConfigError, match=f"for {name}: .* that can be pickled"):
            pickle.dumps(client)

    def test_outcomes_survive_it(self, client: Any) -> None:
        for outcome in client.list_for_functions(["f", "missing-1", ""]):
            again = pickle.loads(pickle.dumps(outcome))
            assert (again.configurations, repr(again.error)) == (outcome.configurations, repr(outcome.error))


class TestProcesses:
    def test_find_credentials_themselves(self, without_keys: eic.Client) -> None:
        context = multiprocessing.get_context("spawn")
        with Account() as account:
            client = eic.Client("us-east-1", endpoint_url=account.url)
            with ProcessPoolExecutor(
                2, mp_context=context, initializer=set_environment, initargs=(WORKERS_KEYS,)
            ) as processes:
                found = by_name(client.list_for_functions([*names(20), "missing-1"], executor=processes))

            assert account.seen()["keys"] == ["AKIDWORKER"]
        assert [name for name, outcome in found.items() if outcome.error] == ["missing-1"]
        assert all(arns(found[name]) == [name] for name in names(20))

    def test_of_a_dask_cluster_share_the_work_and_lose_nothing_if_one_dies(self) -> None:
        distributed = pytest.importorskip("distributed")
        with (
            Account() as account,
            distributed.LocalCluster(
                n_workers=3,
                threads_per_worker=2,
                processes=True,
                dashboard_address=None,
                host="127.0.0.1",
                env=WORKERS_KEYS,
            ) as cluster,
            distributed.Client(cluster) as dask,
        ):
            client = eic.Client("us-east-1", endpoint_url=account.url)
            listings = client.list_for_functions(
                names(300), max_concurrency=12, executor=dask.get_executor(pure=False)
            )
            found = [next(listings) for _ in range(30)]
            os.kill(next(iter(dask.run(os.getpid).values())), signal.SIGKILL)
            found += listings

            assert sorted(outcome.function_name for outcome in found) == sorted(names(300))
            assert [outcome.error for outcome in found if outcome.error] == []
            assert account.seen()["keys"] == ["AKIDWORKER"]


class TestPace:
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_keeps_within_what_the_service_allows(
        self, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", really_sleep)
        monkeypatch.setattr(anyio, "sleep", really_sleep_async)
        with Account(LIMIT) as account, drivers.make(backend, **account.options) as client:
            found = by_name(client.list_for_functions(names(PACED)))
            seen = account.seen()

        assert [outcome.error for outcome in found.values() if outcome.error] == []
        assert len(seen["asked"]) == PACED
        assert seen["throttled"] <= max(10, PACED * 0.1), seen["throttled"]
        # That it is not faster, the server sees to; and no machine is so slow.
        rate = (PACED - LIMIT) / (seen["allowed_at"][-1] - seen["allowed_at"][0])
        assert rate >= LIMIT / 5


def test_a_job_that_takes_its_time_to_come_is_begun_as_it_comes() -> None:
    """A thread takes them: it waits for the first, which is under way when the next is asked for."""
    go_on = threading.Event()

    def jobs() -> Iterator[str]:
        threading.Event().wait(0.05)
        yield "a"
        go_on.set()

    def do(job: str) -> str:
        assert go_on.wait(30)
        return job

    found = functions.completed(do, jobs(), 2, functions.Threads(), taker=functions.Threads())
    assert [(job, future.result()) for job, future in found] == [("a", "a")]
