"""Many functions at the same time: names in, one outcome for each as it completes.

Both ends are lazy: names are taken as there is room for them, and no more than `max_concurrency` of them
are under way or waiting to be handed out. The failure of one is its outcome, and stops none of the others.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import anyio

from .config import invalid
from .pagination import configurations

if TYPE_CHECKING:
    from .types import FunctionEventInvokeConfig, ListFunctionEventInvokeConfigsResponse, PaginateRequest

JobT = TypeVar("JobT")
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True, slots=True)
class FunctionOutcome:
    """What became of one function.

    function_name: as it was given.
    configurations: all of them; with an error, those that came before it.
    error: what the listing failed with, or None.
    resume_token: with an error, the `StartingToken` for what comes after `configurations`; None stands
        for the beginning.
    """

    function_name: str
    configurations: list[FunctionEventInvokeConfig]
    error: Exception | None = None
    resume_token: str | None = None


class Listing:
    """One function's listing as it goes on, into an outcome."""

    def __init__(self, function_name: str, starting_token: str | None) -> None:
        self.request: PaginateRequest = {"FunctionName": function_name}
        if starting_token is not None:
            self.request["PaginationConfig"] = {"StartingToken": starting_token}
        self._found: list[FunctionEventInvokeConfig] = []
        self._resume_token = starting_token

    def add(self, page: ListFunctionEventInvokeConfigsResponse, resume_token: str | None) -> None:
        self._found += configurations(page)
        self._resume_token = resume_token

    def outcome(self, error: Exception | None = None) -> FunctionOutcome:
        token = self._resume_token if error else None
        return FunctionOutcome(self.request["FunctionName"], self._found, error, token)


def as_completed(
    list_one: Callable[[str], FunctionOutcome],
    names: Iterable[str],
    max_concurrency: int,
    executor: Executor | None,
) -> Iterator[FunctionOutcome]:
    """The outcomes, as they come; by threads if there is no executor.

    If `names` fails, the outcomes of those it gave come first, and then its error.
    """
    _validate_names(names)
    waiting = iter(names)
    if executor is None:
        return _by_threads(list_one, waiting, max_concurrency)
    return run(list_one, waiting, max_concurrency, executor, _not_run)


def _not_run(name: str, error: Exception) -> FunctionOutcome:
    return FunctionOutcome(name, [], error)


def _by_threads(
    list_one: Callable[[str], FunctionOutcome], names: Iterator[str], max_concurrency: int
) -> Iterator[FunctionOutcome]:
    threads = ThreadPoolExecutor(max_concurrency, __name__)
    wait = True
    try:
        yield from run(list_one, names, max_concurrency, threads, _not_run)
    except KeyboardInterrupt:
        wait = False  # for the answers to what is under way
        raise
    finally:
        threads.shutdown(wait)


def run(
    do: Callable[[JobT], OutcomeT],
    jobs: Iterator[JobT],
    max_concurrency: int,
    executor: Executor,
    not_run: Callable[[JobT, Exception], OutcomeT],
) -> Iterator[OutcomeT]:
    """What `do` makes of each job, as it completes; `not_run` says what becomes of one the executor loses."""
    pending: dict[Future[OutcomeT], JobT] = {}
    completed: SimpleQueue[Future[OutcomeT]] = SimpleQueue()
    failure: Exception | None = None
    more = True
    try:
        while more or pending:
            if more and len(pending) < max_concurrency:
                try:
                    job = next(jobs)
                except StopIteration:
                    more = False
                    continue
                except Exception as error:
                    more, failure = False, error
                    continue
                try:
                    future = executor.submit(do, job)
                except Exception as error:  # it was shut down, or its workers are dead
                    yield not_run(job, error)
                    continue
                pending[future] = job
                future.add_done_callback(completed.put)
                # The next job may take its time to come: what is there already does not wait for it.
                if completed.empty():
                    continue
            future = completed.get()
            job = pending.pop(future)
            try:
                outcome = future.result()
            except Exception as error:  # the executor's own, such as a worker that died
                outcome = not_run(job, error)
            yield outcome
    finally:
        for future in pending:
            future.cancel()
    if failure:
        raise failure


def as_completed_async(
    list_one: Callable[[str], Awaitable[FunctionOutcome]],
    names: Iterable[str] | AsyncIterable[str],
    max_concurrency: int,
) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]:
    """The same by tasks, which live as long as the `async with`.

    If `names` is an asynchronous generator, it is closed at the end.
    """
    _validate_names(names)
    waiting = aiter(names) if isinstance(names, AsyncIterable) else _Awaited(iter(names))
    return _by_tasks(list_one, waiting, max_concurrency)


@asynccontextmanager
async def _by_tasks(
    list_one: Callable[[str], Awaitable[FunctionOutcome]], names: AsyncIterator[str], max_concurrency: int
) -> AsyncGenerator[AsyncIterator[FunctionOutcome], None]:
    send, outcomes = anyio.create_memory_object_stream[FunctionOutcome]()
    room = anyio.Semaphore(max_concurrency)
    failure: BaseException | None = None

    async def list_and_send(name: str) -> None:
        await send.send(await list_one(name))
        room.release()

    async def take_names() -> None:
        # One task for all of them: a generator may hold what belongs to the task that runs it.
        nonlocal failure
        failed = None
        async with send, anyio.create_task_group() as listings:
            try:
                while True:
                    await room.acquire()
                    listings.start_soon(list_and_send, await anext(names))
            except StopAsyncIteration:
                pass
            except Exception as error:
                failed = error
            finally:
                if isinstance(names, AsyncGenerator):
                    # Nobody else can: to leave it to the garbage collector is an error on trio.
                    await names.aclose()
        failure = failed  # and every outcome was handed out

    async with outcomes, anyio.create_task_group() as tasks:
        tasks.start_soon(take_names)
        try:
            yield outcomes
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # not raised in here: that would make an ExceptionGroup of it
            failure = error
        tasks.cancel_scope.cancel()
    if failure:
        raise failure


class _Awaited(AsyncIterator[str]):
    """An iterator, asynchronous."""

    def __init__(self, names: Iterator[str]) -> None:
        self._names = names

    async def __anext__(self) -> str:
        try:
            return next(self._names)
        except StopIteration:
            raise StopAsyncIteration from None


def _validate_names(names: object) -> None:
    if isinstance(names, (str, bytes)):
        raise invalid("names", names, "an iterable of names, not a single one")


def validate_concurrency(max_concurrency: object) -> None:
    """Raises InvalidConfigError for what is no number of functions."""
    if type(max_concurrency) is not int or max_concurrency < 1:
        raise invalid("max_concurrency", max_concurrency, "an int, 1 or more")
