"""Many functions at the same time, by threads: what only the synchronous client can get wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from account import KEYS, Account
from listing import Taken, names

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs._sync import functions


@pytest.fixture
def sync_client(account: Account) -> Iterator[eic.Client]:
    with eic.Client(**account.options) as client:
        yield client


class TestLaziness:
    def test_nothing_happens_before_the_first_outcome_is_asked_for(self, sync_client: eic.Client) -> None:
        taken = Taken(names(3))

        sync_client.list_for_functions(taken)

        assert taken.number == 0

    def test_what_is_there_does_not_wait_for_a_full_house(self, sync_client: eic.Client) -> None:
        came = threading.Event()

        def until_one_came() -> Iterator[str]:
            """Names without end otherwise."""
            for name in names(3000):
                yield name
                if came.wait(0.001):
                    return
            raise AssertionError("nothing came")

        listings = sync_client.list_for_functions(until_one_came(), max_concurrency=4000)

        next(listings)
        came.set()
        assert all(outcome.error is None for outcome in listings)


class TestArguments:
    def test_asynchronous_names_are_for_the_asynchronous_client(self, sync_client: eic.Client) -> None:
        async def given() -> AsyncIterator[str]:
            yield "f"

        with pytest.raises(exceptions.InvalidConfigError, match="must be an iterable of names"):
            sync_client.list_for_functions(given())  # type: ignore[arg-type]


class TestLeavingEarly:
    def test_lets_its_threads_break_off_at_their_next_page(self, account: Account) -> None:
        before = {*threading.enumerate()}
        with eic.Client(**account.options) as client:
            for _ in client.list_for_functions(["f", "slow-pages-1000", "f-pages-100000"]):
                break
            for thread in {*threading.enumerate()} - before:
                assert thread.name == functions.__name__
                thread.join(30)
                assert not thread.is_alive()

            assert client.list_for_function("f-pages-3").error is None  # as if nothing had been

        pages = Counter(name for _, name, _ in account.seen()["asked"])
        assert pages["slow-pages-1000"] + pages["f-pages-100000"] < 1000


class TestCtrlC:
    def test_in_the_names_goes_through_at_once(self) -> None:
        go_on = threading.Event()
        waited_for: list[bool] = []

        def answer(_: httpx.Request) -> httpx.Response:
            waited_for.append(not go_on.wait(30))
            return httpx.Response(200, json={})

        def interrupted() -> Iterator[str]:
            yield "f"
            raise KeyboardInterrupt

        client = eic.Client("us-east-1", **KEYS, transport=httpx.MockTransport(answer))
        with pytest.raises(KeyboardInterrupt):
            list(client.list_for_functions(interrupted()))
        assert waited_for == []
        go_on.set()  # so that no thread is left, to sleep in somebody else's test


def test_a_job_that_takes_its_time_to_come_is_begun_as_it_comes() -> None:
    """A thread takes them: it waits for the first, which is under way when the next is asked for."""
    go_on = threading.Event()

    def items() -> Iterator[str]:
        threading.Event().wait(0.05)
        yield "a"
        go_on.set()

    def work(item: str, _: object) -> str:
        assert go_on.wait(30)
        return item

    assert list(functions.run_bounded(work, items(), 2, read_in_thread=True)) == ["a"]


@pytest.mark.parametrize(("most", "under_way"), [(3, [3, 3, 3, 3]), (17, [15, 16, 17, 17])])
def test_each_result_makes_room_for_another_and_one_more_up_to_the_limit(
    most: int, under_way: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Taken(names(100))
    may_end = threading.Semaphore(0)
    found = []

    def work(item: str, _: object) -> str:
        assert may_end.acquire(timeout=30)
        return item

    def wait_for(queue: Any) -> Any:
        found.append(taken.number - len(found))  # one has ended after each wait
        may_end.release()
        return wait(queue)

    wait = functions.wait_for
    monkeypatch.setattr(functions, "wait_for", wait_for)
    results = functions.run_bounded(work, iter(taken), most)
    for _ in under_way:
        next(results)
    assert found == under_way
    results.close()
    may_end.release(100)


def test_an_iterator_that_fails_is_not_asked_again() -> None:
    class Broken(Iterator[str]):
        def __next__(self) -> str:
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        list(functions.run_bounded(lambda item, _: item, Broken(), 2))
