"""Many functions at the same time, by threads: names in, one outcome for each as it completes.

Streaming on both ends: names are consumed on demand, and at most `max_concurrency` of them are in flight or
wait to be returned. The failure of one function is its outcome and stops none of the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from .._client.outcome import FunctionOutcome, validate

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Stopped = Callable[[], bool]


def list_many(
    list_one: Callable[[str, Stopped], FunctionOutcome], names: Iterable[str], max_concurrency: int
) -> Generator[FunctionOutcome, None, None]:
    """The outcomes of `list_one(name, stopped)` for all names, as they complete.

    Raises InvalidConfigError at once for arguments that cannot be used, and at the end what `names` raised.
    """
    validate(names, Iterable, max_concurrency)
    return run_bounded(list_one, iter(names), max_concurrency)


def run_bounded(
    work: Callable[[ItemT, Stopped], ResultT],
    items: Iterator[ItemT],
    max_concurrency: int,
    *,
    read_in_thread: bool = False,
) -> Generator[ResultT, None, None]:
    """The results of `work(item, stopped)` for all items, as they complete.

    read_in_thread: read `items` in a thread too, for an iterator that may wait long, such as standard input,
        while results are ready. By default the caller's thread reads it.

    The threads are daemons: unlike those of a ThreadPoolExecutor they do not delay the end of the process.
    Closed early, the generator does not wait for them; `stopped()` is then true for the work in flight.
    If `items` raises, the results of the items before come first, and then the error.
    """
    jobs: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[object, ...]] | None] = SimpleQueue()
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    running: set[Future[ResultT]] = set()
    reading: Future[ItemT] | None = None
    stopped = threading.Event()
    failure: Exception | None = None
    more = True
    threads = 0

    def run_jobs() -> None:
        while job := jobs.get():
            future, function, arguments = job
            _settle(future, function, *arguments)
            done.put(future)

    def start(function: Callable[..., Any], *arguments: object) -> Future[Any]:
        nonlocal threads
        future: Future[Any] = Future()
        jobs.put((future, function, arguments))
        if threads <= len(running) + (reading is not None):
            threads += 1
            threading.Thread(target=run_jobs, name=__name__, daemon=True).start()
        return future

    try:
        while more or running:
            if more and reading is None and len(running) < max_concurrency:
                reading = start(next, items) if read_in_thread else _settle(Future(), next, items)
            if reading is not None and reading.done():
                item, reading = reading, None
                try:
                    running.add(start(work, item.result(), stopped.is_set))
                except StopIteration:
                    more = False
                except Exception as error:
                    more, failure = False, error
                if done.empty():
                    continue  # the next item may take long to come: results that are ready do not wait for it
            future = done.get()
            if future in running:
                running.remove(future)
                yield future.result()
    finally:
        stopped.set()
        for _ in range(threads):
            jobs.put(None)
    if failure is not None:
        raise failure


def _settle(future: Future[ResultT], function: Callable[..., ResultT], *arguments: object) -> Future[ResultT]:
    try:
        result = function(*arguments)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
    return future
