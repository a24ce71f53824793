"""Many functions at the same time by tasks, as functions.py has them by threads and executors."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from .._client.outcome import FunctionOutcome, Listing, validate

if TYPE_CHECKING:
    from .client import AsyncPaginator


async def list_one(
    paginator: AsyncPaginator, function_name: str, starting_token: str | None
) -> FunctionOutcome:
    """As `functions.list_one()`."""
    listing = Listing(function_name, starting_token)
    try:
        pages = paginator.paginate(**listing.request)
        async for page in pages:
            listing.add(page, pages.resume_token)
    except Exception as error:
        return listing.outcome(error)
    return listing.outcome()


def as_completed(
    list_one: Callable[[str], Awaitable[FunctionOutcome]],
    names: Iterable[str] | AsyncIterable[str],
    max_concurrency: int,
) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]:
    """The outcomes, as they come, by tasks that live as long as the `async with`.

    If `names` is an asynchronous generator, it is closed at the end.

    Raises InvalidConfigError at once for arguments that cannot be used.
    """
    validate(names, (Iterable, AsyncIterable), max_concurrency)
    waiting = aiter(names) if isinstance(names, AsyncIterable) else _asynchronous(names)
    return _by_tasks(list_one, waiting, max_concurrency)


class _Outcomes(AsyncIterator[FunctionOutcome]):
    """What waits to be taken. A memory stream of anyio's loses what it hands to a task being cancelled."""

    def __init__(self, room: anyio.Semaphore) -> None:
        self._room = room
        self._waiting: deque[FunctionOutcome] = deque()
        self._ended = False
        self._changed = anyio.Event()

    def put(self, outcome: FunctionOutcome) -> None:
        self._waiting.append(outcome)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def __anext__(self) -> FunctionOutcome:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            if self._changed.is_set():
                self._changed = anyio.Event()
            await self._changed.wait()
        # Nothing is awaited from here on, so nobody can be cancelled with the outcome in hand.
        self._room.release()
        return self._waiting.popleft()


@asynccontextmanager
async def _by_tasks(
    list_one: Callable[[str], Awaitable[FunctionOutcome]], names: AsyncIterator[str], max_concurrency: int
) -> AsyncGenerator[AsyncIterator[FunctionOutcome], None]:
    room = anyio.Semaphore(max_concurrency)
    outcomes = _Outcomes(room)
    failure: BaseException | None = None

    async def list_and_put(name: str) -> None:
        outcomes.put(await list_one(name))

    async def take_names() -> None:
        # One task for all of them: a generator may hold what belongs to the task that runs it.
        nonlocal failure
        failed = None
        try:
            async with anyio.create_task_group() as listings:
                try:
                    while True:
                        await room.acquire()
                        listings.start_soon(list_and_put, await anext(names))
                except StopAsyncIteration:
                    pass
                except Exception as error:
                    failed = error
                finally:
                    if isinstance(names, AsyncGenerator):
                        # Nobody else can: to leave it to the garbage collector is an error on trio.
                        await names.aclose()
        finally:
            outcomes.end()
        failure = failure or failed  # the block's own error, if it was left with one, comes first

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take_names)
        try:
            yield outcomes
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # not raised in here: that would make an ExceptionGroup of it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _asynchronous(names: Iterable[str]) -> AsyncGenerator[str, None]:
    for name in names:
        yield name
