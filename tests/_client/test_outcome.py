"""Many functions at the same time, whichever client lists them: an outcome for each, as it completes.

    NAMES=1000000 python -m pytest tests/_client/test_outcome.py -k memory
    FUNCTIONS=10000 LIMIT=150 python -m pytest tests/_client/test_outcome.py -k throttling

are the long forms: so many names in flat memory, and so many functions of a service that allows so many
requests a second (default 15), which takes its time. With -s they print what they measured.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import drivers
import httpx
import memory
import pytest
import trio
import trio.testing
from account import Account
from aws import AWS, Asked
from dateutil.tz import tzlocal
from listing import Taken, arns, by_name, names
from memory import STATUS, peak
from processes import forked_python, python, started
from throttled import START, Service

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs._client.outcome import FIRST_CONCURRENCY

NAMES = int(os.environ.get("NAMES", "4000"))
FUNCTIONS = int(os.environ.get("FUNCTIONS", "600"))
LIMIT = int(os.environ.get("LIMIT", "15"))  # requests a second; 15 is the service's
WORKERS = 300
DOCUMENT = Path(__file__).parents[2] / "docs" / "many-functions.md"
really_sleep, really_sleep_async = time.sleep, anyio.sleep  # before the tests take them away
Ours = Callable[..., Any]


@pytest.fixture
def client(account: Account, ours: Ours) -> Any:
    """Our client of the account: sync, asyncio and trio in turn."""
    return ours(account.url)


WRONG_CLOCK = {"x-amzn-errortype": "RequestExpired", "date": "Tue, 01 Jan 2030 00:00:00 GMT"}


class TestOutcomes:
    def test_there_is_one_for_each_name(self, client: Any) -> None:
        found = by_name(client.list_for_functions(names(100)))

        assert {*found} == {*names(100)}
        assert all(arns(outcome.configurations) == [name] for name, outcome in found.items())
        assert all(outcome.error is outcome.resume_token is None for outcome in found.values())

    def test_there_is_none_for_no_names(self, client: Any) -> None:
        assert list(client.list_for_functions([])) == []

    def test_has_all_pages(self, client: Any) -> None:
        (outcome,) = client.list_for_functions(["f-pages-7"])

        assert arns(outcome.configurations) == [f"f-pages-7:{n}" for n in range(7)]

    def test_comes_as_it_completes(self, client: Any) -> None:
        listings = client.list_for_functions(["hangs-1", *names(3)], max_concurrency=2)

        assert [next(listings).function_name for _ in range(3)] == [*names(3)]
        listings.close()

    def test_a_name_that_comes_twice_has_two(self, client: Any) -> None:
        assert [arns(outcome.configurations) for outcome in client.list_for_functions(["f", "f"])] == [
            ["f"],
            ["f"],
        ]

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
        assert len([seconds for seconds in slept if seconds < 1]) == 500 // 14

    def test_waits_no_longer_when_the_clock_is_set_back(self, ours: Ours, slept: list[float]) -> None:
        answers = [httpx.Response(200, json={})] * 30
        answers[20] = httpx.Response(429, headers={"x-amzn-errortype": "TooManyRequestsException"}, json={})
        client = ours(None, transport=httpx.MockTransport(lambda _: answers.pop(0)))
        began = time.monotonic()
        drivers.set_monotonic_clock(client, lambda: began + sum(slept))
        for _ in range(25):
            client.list_for_function("f")
        drivers.set_clock(client, time.time() - 600)

        client.list_for_function("f")

        assert max(slept) < 10


class TestAnOutcomeOfAnotherProcess:
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
    def test_is_of_the_same_moment_whatever_the_zone_there(self, zone: str, tmp_path: Path) -> None:
        """A pickled `tzlocal()` takes the offsets along, and asks where it arrives for the summer time."""
        script = (
            "import pickle\n"
            "import lambda_event_invoke_configs as eic\n"
            "from datetime import datetime\n"
            "from lambda_event_invoke_configs._protocol import response as timestamps\n"
            "found = [1753000000 + n * 86400 * 30 for n in range(12)]\n"
            "zone = timestamps.machine_zone()\n"
            "found = [{'LastModified': timestamps.parse_timestamp(n, zone)} for n in found]\n"
            "print(pickle.dumps(eic.FunctionOutcome('f', [*found, None, {}])).hex())"
        )
        outcome = pickle.loads(bytes.fromhex(forked_python("-c", script, folder=tmp_path, TZ=zone)))

        *found, null, empty = outcome.configurations
        moments = [each["LastModified"].timestamp() for each in found]
        assert moments == [1753000000 + n * 86400 * 30 for n in range(12)]
        assert {type(each["LastModified"].tzinfo) for each in found} == {tzlocal}
        assert (outcome.function_name, null, empty) == ("f", None, {})

    def test_takes_no_zone_along_and_keeps_the_rest(self) -> None:
        moment = datetime(2025, 7, 1, tzinfo=timezone.utc)
        given: list[Any] = [{"LastModified": moment.astimezone(tzlocal())}, None, {}]
        sent = pickle.dumps(eic.FunctionOutcome("f", given, LookupError("x"), "token"))
        again = pickle.loads(sent)
        assert b"tzlocal" not in sent
        assert again.configurations == given
        assert type(again.configurations[0]["LastModified"].tzinfo) is tzlocal
        assert (again.function_name, repr(again.error), again.resume_token) == (
            "f",
            "LookupError('x')",
            "token",
        )

    def test_keeps_what_is_at_the_end_of_the_calendar(self) -> None:
        last = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))
        outcome = eic.FunctionOutcome("f", [{"LastModified": last}])
        assert pickle.loads(pickle.dumps(outcome)) == outcome


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
        assert arns(outcome.configurations) == [f"{name}:{n}" for n in range(3)]
        rest = client.list_for_function(name, outcome.resume_token)
        assert rest.error is None
        assert arns(outcome.configurations) + arns(rest.configurations) == [f"{name}:{n}" for n in range(5)]

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


class TestPickling:
    @pytest.mark.parametrize("make", [eic.Client, eic.AsyncClient])
    def test_a_client_is_refused_with_what_to_do(self, make: Any, account: Account) -> None:
        client = make(**account.options)
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="lient cannot be pickled: make a client in each process"):
                attempt(client)

    def test_outcomes_survive_it(self, client: Any) -> None:
        for outcome in client.list_for_functions(["f", "missing-1", ""]):
            again = pickle.loads(pickle.dumps(outcome))
            assert (again.configurations, repr(again.error)) == (outcome.configurations, repr(outcome.error))


class Roles(AWS):
    """STS gives each account's role an access key with the account's number."""

    def _sts(self, asked: Asked) -> str:
        (role,) = parse_qs(asked.body)["RoleArn"]
        return super()._sts(asked).replace(self.access_key, f"AKID{role.split(':')[4]}")


class TestBeyondOneMachine:
    """The code of docs/many-functions.md, word for word, with an STS and a Lambda of the tests' own."""

    @pytest.fixture
    def elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
        """The service of all accounts and regions, and workers that have credentials to assume roles with."""
        sts = Roles()
        with Account() as account:
            for name, value in {"STS": sts.url, "LAMBDA": account.url}.items():
                monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", value)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDWORKER")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            yield account
        sts.close()

    def test_accounts_and_regions_are_tasks_of_a_cluster(self, elsewhere: Account, tmp_path: Path) -> None:
        """On a real `distributed` cluster of two processes."""
        program, prints = re.findall(
            r"```python\n(# audit\.py\n.*?)```.*?```text\n(.*?)```", DOCUMENT.read_text(), re.DOTALL
        )[0]
        (tmp_path / "audit.py").write_text(program)
        first, second = "111111111111", "222222222222"
        given = {
            first: {"eu-west-1": [*names(20, "a")], "us-east-1": [*names(20, "b")]},
            second: {"us-east-1": [*names(20, "c"), "missing-1"]},
        }
        (tmp_path / "functions.json").write_text(json.dumps(given))

        forking = {"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver"}  # it takes less time
        assert python("audit.py", folder=tmp_path, **forking) == prints

        listed = {(a, region, name) for a in given for region in given[a] for name in given[a][region]}
        signed = {(f"AKID{a}", region, name) for a, region, name in listed}
        assert {tuple(each) for each in elsewhere.seen()["signed"]} == signed
        found = set()
        for file in (tmp_path / "found").iterdir():
            account, region, suffix = file.name.split(".")
            assert suffix == "jsonl"
            for line in map(json.loads, file.read_text().splitlines()):
                name = line["FunctionName"]
                found.add((account, region, name))
                assert [name] * (name != "missing-1") == arns(line["FunctionEventInvokeConfigs"])
                assert ("ResourceNotFoundException" in (line["Error"] or "")) == (name == "missing-1")
        assert found == listed

    def test_a_profile_of_each_account_assumes_its_role(
        self, elsewhere: Account, ours: Ours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (config,) = re.findall(r"```ini\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        (tmp_path / "config").write_text(config)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        none = dict.fromkeys(["aws_access_key_id", "aws_secret_access_key"])
        accounts = ["111111111111", "222222222222"]

        for account in accounts:
            assert ours(None, profile_name=account, **none).list_for_function(f"of-{account}").error is None

        assert elsewhere.seen()["signed"] == [[f"AKID{n}", "us-east-1", f"of-{n}"] for n in accounts]


class TestLaziness:
    @pytest.mark.parametrize("max_concurrency", [None, 1, 4, FIRST_CONCURRENCY + 3])
    def test_names_are_never_taken_further_than_there_is_room(
        self, client: Any, max_concurrency: int | None
    ) -> None:
        taken = Taken(names(100))
        handed_out = 0
        given = {} if max_concurrency is None else {"max_concurrency": max_concurrency}

        for _ in client.list_for_functions(taken, **given):
            handed_out += 1
            assert taken.number - handed_out <= (max_concurrency or 10)

        assert handed_out == taken.number == 100

    def test_whoever_does_not_ask_for_outcomes_has_no_more_names_taken(self, client: Any) -> None:
        taken = Taken(names(1000))
        listings = client.list_for_functions(taken, max_concurrency=5)
        next(listings)

        threading.Event().wait(0.1)

        assert taken.number <= 6
        listings.close()

    @pytest.mark.skipif(not STATUS.exists(), reason=f"there is no {STATUS}")
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_the_memory_does_not_grow_with_the_names(self, backend: str) -> None:
        early, late = json.loads(python(memory.__file__, backend, str(NAMES)))
        # With the default number that is some 290 bytes a name; an outcome has more than 400.
        assert late - early <= 1024, f"{early} KiB after a tenth of the names, {late} KiB after all"


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
            *(
                (
                    {"throttling_timeout": value},
                    f"throttling_timeout: {value!r}, must be a number of seconds, 0 or",
                )
                for value in (-1, float("nan"), True, "300")
            ),
        ],
        ids=str,
    )
    def test_that_cannot_be_used_are_refused_at_once(
        self, backend: str, arguments: dict[str, Any], complaint: str
    ) -> None:
        client = (eic.Client if backend == "sync" else eic.AsyncClient)("us-east-1")

        with pytest.raises(exceptions.InvalidConfigError, match=complaint):
            client.list_for_functions(**{"names": [], **arguments})


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


class TestCtrlC:
    @pytest.mark.skipif(os.name == "nt", reason="there is no Ctrl-C for one process alone")
    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_ends_a_process_that_waits_for_answers(self, account: Account, backend: str) -> None:
        """Also if it comes while the process is busy with an outcome, and not with waiting for the next."""
        script = f"""
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import anyio, lambda_event_invoke_configs as eic
names = ["f", "hangs-1", "hangs-2"]
def list_all(busy_for):
    with eic.Client(**{account.options!r}) as client:
        for outcome in client.list_for_functions(names):
            print(outcome.function_name, flush=True)
            time.sleep(busy_for)
async def list_all_async(busy_for):
    async with eic.AsyncClient(**{account.options!r}) as client:
        async with client.list_for_functions(names) as outcomes:
            async for outcome in outcomes:
                print(outcome.function_name, flush=True)
                await anyio.sleep(busy_for)
def main(busy_for):
    if {backend!r} == "sync":
        list_all(busy_for)
    else:
        anyio.run(list_all_async, busy_for, backend={backend!r})
try:
    main(60)
except BaseException as error:
    print(type(error).__name__, flush=True)
main(0)
"""
        # There, anyio.run() makes a cancellation of it, whatever it runs.
        cancelled = backend == "asyncio" and sys.version_info < (3, 11)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with started(sys.executable, "-c", script, **pipes) as process:
            assert process.stdout
            assert process.stdout.readline() == "f\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == ("CancelledError\n" if cancelled else "KeyboardInterrupt\n")
            assert process.stdout.readline() == "f\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()

        assert process.returncode == (1 if cancelled else -signal.SIGINT)
        assert cancelled or "KeyboardInterrupt" in err


class TestThrottling:
    """Throttled requests are sent again, however many workers there are and however often it takes."""

    def test_loses_no_function_and_lists_none_twice(
        self, account: Account, ours: Ours, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock()
        monkeypatch.setattr(time, "sleep", clock.sleep)
        monkeypatch.setattr(anyio, "sleep", clock.sleep_async)
        client = ours(account.url, config=eic.Config(max_pool_connections=50))
        drivers.set_monotonic_clock(client, clock)
        given = list(names(100, f"busy-5-{os.urandom(4).hex()}"))

        found = [*client.list_for_functions(given, max_concurrency=5000, throttling_timeout=None)]

        assert [outcome.error for outcome in found if outcome.error] == []
        assert sorted(outcome.function_name for outcome in found) == sorted(given)
        asked = account.asked()
        assert [asked[name] for name in given] == [1] * 100

    @pytest.mark.parametrize("method", ["list_for_function", "list_for_functions"])
    def test_ends_as_in_any_call_once_the_time_is_over(self, ours: Ours, method: str) -> None:
        refused = httpx.Response(429, headers={"x-amzn-errortype": "TooManyRequestsException"}, json={})
        asked: list[httpx.Request] = []
        client = ours(None, transport=httpx.MockTransport(lambda request: asked.append(request) or refused))
        drivers.set_monotonic_clock(client, itertools.count().__next__)

        listed = getattr(client, method)(
            "f" if method == "list_for_function" else ["f"], throttling_timeout=0
        )

        (outcome,) = [listed] if isinstance(listed, eic.FunctionOutcome) else listed
        assert isinstance(outcome.error, exceptions.TooManyRequestsException)
        assert len(asked) == 3

    def test_timeout_of_one_function_is_checked_too(self, ours: Ours) -> None:
        with pytest.raises(exceptions.InvalidConfigError, match="throttling_timeout: -1, must be"):
            ours(None).list_for_function("f", throttling_timeout=-1)

    def test_is_rare_although_there_are_many_workers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a virtual clock: 300 tasks, and a service that allows 15 requests a second."""
        service = Service(15, 15)
        answers: Counter[int] = Counter()

        async def answer(_: httpx.Request) -> httpx.Response:
            await trio.sleep(0.025)
            status = 200 if service.allows(START + trio.current_time()) else 429
            await trio.sleep(0.025)
            answers[status] += 1
            return httpx.Response(status, json={})

        async def main() -> tuple[list[eic.FunctionOutcome], float]:
            client = eic.AsyncClient(**drivers.KEYS, transport=httpx.MockTransport(answer))
            drivers.set_monotonic_clock(client, trio.current_time)
            async with (
                client,
                client.list_for_functions(names(FUNCTIONS), max_concurrency=WORKERS) as outcomes,
            ):
                return [outcome async for outcome in outcomes], trio.current_time()

        monkeypatch.setattr(anyio, "sleep", trio.sleep)
        clock = trio.testing.MockClock(autojump_threshold=0)
        found, seconds = anyio.run(main, backend="trio", backend_options={"clock": clock})
        print(f"{FUNCTIONS} functions in {seconds:.0f} s: {answers[429]} requests throttled")  # noqa: T201

        assert [outcome.error for outcome in found if outcome.error] == []
        assert Counter(outcome.function_name for outcome in found) == Counter(names(FUNCTIONS))
        assert answers[200] == FUNCTIONS
        assert answers[429] < 0.05 * FUNCTIONS + 60  # of 300 that start at once, 285 are throttled
        assert seconds < 1.1 * FUNCTIONS / 15 + 15


class TestThrottlingInRealTime:
    __test__ = "FUNCTIONS" in os.environ  # it takes as long as the service takes

    @pytest.mark.parametrize("backend", drivers.BACKENDS)
    def test_is_as_rare_and_memory_does_not_grow(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(time, "sleep", really_sleep)
        monkeypatch.setattr(anyio, "sleep", really_sleep_async)
        counts = [0] * FUNCTIONS
        errors = []
        peaks = []
        started = time.monotonic()
        config = eic.Config(max_pool_connections=WORKERS)
        with Account(LIMIT) as account, drivers.make(backend, **account.options, config=config) as client:
            for n, outcome in enumerate(client.list_for_functions(numbered(), max_concurrency=WORKERS)):
                errors += [outcome.error] * bool(outcome.error)
                counts[int(outcome.function_name[2:])] += 1
                if n in (FUNCTIONS // 2, FUNCTIONS - 1):
                    peaks.append(peak())
            seconds = time.monotonic() - started
            seen = account.seen()
        early, late = peaks
        print(f"{FUNCTIONS} functions in {seconds:.0f} s: {seen['throttled']} requests throttled, ", end="")  # noqa: T201
        print(f"memory {late - early:+} KiB in the second half, CPU {time.process_time():.0f} s")  # noqa: T201

        assert errors == []
        assert counts == [1] * FUNCTIONS
        assert len(seen["asked"]) == FUNCTIONS
        assert seen["throttled"] < 0.05 * FUNCTIONS + 50
        assert late - early <= 1024


def numbered() -> Iterator[str]:
    return (f"f-{n}" for n in range(FUNCTIONS))


class Clock:
    """A clock that stands still but for those who sleep, and moves on at once for them."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await anyio.lowlevel.checkpoint()
