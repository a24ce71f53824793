"""Lists many functions at the same time, by threads. Each has one outcome, returned as it completes.

Names are consumed on demand. At most `max_concurrency` of them are in flight or wait to be returned, fewer
until some have completed. The failure of one function is its outcome and does not stop the others.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._typing import LazyModule

if TYPE_CHECKING:
    from .._client import outcome
else:
    outcome = LazyModule(".._client.outcome", __package__)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Stopped = Callable[[], bool]

_SECONDS_BETWEEN_SIGNAL_CHECKS = 1


def list_many(
    list_one: Callable[[str, Stopped], outcome.FunctionOutcome], names: Iterable[str], max_concurrency: int
) -> Generator[outcome.FunctionOutcome, None, None]:
    """The outcomes of `list_one(name, stopped)` for all names, as they complete.

    Raises InvalidConfigError at once for arguments that cannot be used, and at the end what `names` raised.
    """
    outcome.validate(names, Iterable, max_concurrency)
    return run_bounded(list_one, iter(names), max_concurrency)


def run_bounded(
    work: Callable[[ItemT, Stopped], ResultT],
    items: Iterator[ItemT],
    max_concurrency: int,
    *,
    read_in_thread: bool = False,
) -> Generator[ResultT, None, None]:
    """The results of `work(item, stopped)` for all items, as they complete.

    max_concurrency: how many at the same time. It starts with FIRST_CONCURRENCY, and grows with each result.
    read_in_thread: read `items` in a thread too, so that an iterator that blocks, such as standard input,
        does not delay results that are ready. By default the caller's thread reads it.

    The threads are daemons: unlike those of a ThreadPoolExecutor they do not delay the end of the process.
    Closed early, the generator does not wait for them; `stopped()` is then true for the work in flight.
    If `items` raises, the results of the items before come first, and then the error.
    """
    jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
    done: SimpleQueue[_Job[Any]] = SimpleQueue()
    running: set[_Job[ResultT]] = set()
    reading: _Job[ItemT] | None = None
    stopped = threading.Event()
    failure: Exception | None = None
    more = True
    threads = 0
    concurrency = min(outcome.FIRST_CONCURRENCY, max_concurrency)

    def run_jobs() -> None:
        while job := jobs.get():
            with suppress(BaseException):  # an interrupt that came too late, or before there was a result
                job.run()
            job.done = True
            done.put(job)

    def start(function: Callable[..., Any], *arguments: object) -> _Job[Any]:
        nonlocal threads
        job = _Job(function, *arguments)
        jobs.put(job)
        if threads <= len(running) + (reading is not None):
            threads += 1
            threading.Thread(target=run_jobs, name=__name__, daemon=True).start()
        return job

    try:
        while more or running:
            if more and reading is None and len(running) < concurrency:
                reading = start(next, items) if read_in_thread else _Job(next, items).run()
            if reading is not None and reading.done:
                item, reading = reading, None
                try:
                    running.add(start(work, item.result(), stopped.is_set))
                except StopIteration:
                    more = False
                except Exception as error:
                    more, failure = False, error
                if done.empty():
                    continue  # otherwise the ready result comes first: the next item may take long
            job = wait_for(done)
            if job in running:
                running.remove(job)
                concurrency = min(concurrency + 1, max_concurrency)
                yield job.result()
    finally:
        stopped.set()
        for _ in range(threads):
            jobs.put(None)
    if failure is not None:
        raise failure


def wait_for(queue: SimpleQueue[ItemT]) -> ItemT:
    """The next item of a queue, however long it takes; Ctrl-C ends the wait within a second.

    Not `queue.get()`: a signal that arrives after the interpreter has looked for signals and before the
    thread sleeps, or that the system delivers to another thread, does not wake it, and on Windows none does.
    """
    while True:
        with suppress(Empty):
            return queue.get(timeout=_SECONDS_BETWEEN_SIGNAL_CHECKS)


class _Job(Generic[ResultT]):
    """One call, and its result or error.

    Not a Future: its lock is acquired in Python code, where an interrupt can leave it locked.
    """

    done = False

    def __init__(self, function: Callable[..., ResultT], *arguments: object) -> None:
        self._call = functools.partial(function, *arguments)
        self._returned: list[ResultT] = []
        self._raised: BaseException = KeyboardInterrupt()

    def run(self) -> _Job[ResultT]:
        """Make the call. Keeps its error, and does not raise it."""
        try:
            self._returned.append(self._call())
        except BaseException as error:
            self._raised = error
        self.done = True
        return self

    def result(self) -> ResultT:
        """The value that the call returned. Raises the error that it raised."""
        if self._returned:
            return self._returned[0]
        raise self._raised
