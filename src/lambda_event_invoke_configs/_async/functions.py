"""Lists many functions at the same time, by tasks. `_sync/functions.py` does the same by threads."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio

from .._client.outcome import FIRST_CONCURRENCY, FunctionOutcome, validate


def list_many(
    list_one: Callable[[str], Awaitable[FunctionOutcome]],
    names: Iterable[str] | AsyncIterable[str],
    max_concurrency: int,
) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]:
    """The outcomes of `list_one(name)`, as they complete, by tasks that live as long as the `async with`.

    If `names` is an asynchronous generator, it is closed at the end.

    Raises InvalidConfigError at once for arguments that cannot be used.
    """
    validate(names, (Iterable, AsyncIterable), max_concurrency)
    waiting = aiter(names) if isinstance(names, AsyncIterable) else _asynchronous(names)
    return _run_in_tasks(list_one, waiting, max_concurrency)


class _Outcomes(AsyncIterator[FunctionOutcome]):
    """The outcomes that are ready.

    Not a memory stream of anyio, which loses an item if its receiver is cancelled.
    """

    def __init__(self, max_concurrency: int) -> None:
        concurrency = min(FIRST_CONCURRENCY, max_concurrency)
        # Fast: no extra pass of the event loop for each function.
        self.room = anyio.Semaphore(concurrency, fast_acquire=True)
        self._more_room = max_concurrency - concurrency
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
        # No await from here on: a cancellation cannot lose the outcome.
        self.room.release()
        if self._more_room:
            self._more_room -= 1
            self.room.release()
        return self._waiting.popleft()


@asynccontextmanager
async def _run_in_tasks(
    list_one: Callable[[str], Awaitable[FunctionOutcome]], names: AsyncIterator[str], max_concurrency: int
) -> AsyncGenerator[AsyncIterator[FunctionOutcome], None]:
    outcomes = _Outcomes(max_concurrency)
    failure: BaseException | None = None

    async def list_and_put(name: str) -> None:
        outcomes.put(await list_one(name))

    async def read_names() -> None:
        # One task reads all names: a generator may hold a cancel scope, which belongs to one task.
        nonlocal failure
        failed = None
        try:
            async with anyio.create_task_group() as listings:
                try:
                    while True:
                        await outcomes.room.acquire()
                        listings.start_soon(list_and_put, await anext(names))
                except StopAsyncIteration:
                    pass
                except Exception as error:
                    failed = error
                finally:
                    if isinstance(names, AsyncGenerator):
                        # On trio, leaving it to the garbage collector is an error.
                        await names.aclose()
        finally:
            outcomes.end()
        failure = failure or failed  # an error of the block comes first

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_names)
        try:
            yield outcomes
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # raised below: the task group would make an ExceptionGroup of it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _asynchronous(names: Iterable[str]) -> AsyncGenerator[str, None]:
    for name in names:
        yield name
