"""Many functions at the same time: names in, one outcome for each as it completes.

Both ends are lazy: names are taken as there is room for them, and no more than `max_concurrency` of them
are under way or waiting to be handed out. The failure of one is its outcome, and stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from queue import SimpleQueue
from threading import Thread, local
from typing import TYPE_CHECKING, Any, TypeVar

from .._client.outcome import FunctionOutcome, Listing, validate
from .._settings.config import invalid

if TYPE_CHECKING:
    from .client import Paginator

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

_of_this_thread = local()  # `executor`: the Threads it is one of


def list_one(paginator: Paginator, function_name: str, starting_token: str | None) -> FunctionOutcome:
    """All configurations of one function; or what came before the error, and the error."""
    listing = Listing(function_name, starting_token)
    try:
        pages = paginator.paginate(**listing.request)
        for page in pages:
            listing.add(page, pages.resume_token)
            if (threads := getattr(_of_this_thread, "executor", None)) and threads.were_shut_down:
                raise CancelledError
    except Exception as error:
        return listing.outcome(error)
    return listing.outcome()


def as_completed(
    list_one: Callable[[str], FunctionOutcome],
    names: Iterable[str],
    max_concurrency: int,
    executor: Executor | None,
) -> Generator[FunctionOutcome, None, None]:
    """The outcomes, as they come; by threads if there is no executor.

    If `names` fails, the outcomes of those it gave come first, and then its error.

    Raises InvalidConfigError at once for arguments that cannot be used.
    """
    validate(names, Iterable, max_concurrency)
    if not isinstance(executor, (Executor, type(None))):
        raise invalid("executor", type(executor).__name__, "a concurrent.futures.Executor, or None")
    listings = completed(list_one, iter(names), max_concurrency, executor or Threads())
    return (outcome_of(name, future) for name, future in listings)


def outcome_of(name: str, future: Future[FunctionOutcome]) -> FunctionOutcome:
    """What a listing came to, also if the executor lost it twice."""
    try:
        return future.result()
    except Exception as error:
        return FunctionOutcome(name, [], error)


def completed(
    do: Callable[[JobT], ResultT],
    jobs: Iterator[JobT],
    max_concurrency: int,
    executor: Executor,
    *,
    taker: Executor | None = None,
) -> Generator[tuple[JobT, Future[ResultT]], None, None]:
    """Each job and what `do` made of it, as they complete.

    taker: takes the jobs, one at a time (default: whoever iterates, who waits for the next one then).

    What fails is done once more. A listing hands out its errors, so it was the executor that failed, and a
    cluster can lose the result of a worker that dies; a pool whose workers are all dead refuses at once.

    Closed early, it cancels what has not begun, and does not wait for what has: it may be closed by a Ctrl-C
    in whatever iterates over it, and a generator is not told why it is closed.
    """
    pending: dict[Future[ResultT], tuple[JobT, bool]] = {}
    taking: Future[JobT] | None = None
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    failure: Exception | None = None
    more = True

    def begin(job: JobT, *, again: bool = False) -> None:
        future = _submit(executor, do, job)
        pending[future] = job, again
        future.add_done_callback(done.put)

    try:
        while more or pending:
            if more and taking is None and len(pending) < max_concurrency:
                taking = taker.submit(next, jobs) if taker else _at_once(next, jobs)
                taking.add_done_callback(done.put)
            if taking is not None and taking.done():
                try:
                    begin(taking.result())
                except Exception as error:
                    more = False
                    failure = None if isinstance(error, StopIteration) else error
                taking = None
                # The next job may take its time to come: what is there already does not wait for it.
                if done.empty():
                    continue
            future = done.get()
            if future not in pending:
                continue  # it has taken a job
            job, again = pending.pop(future)
            if not again and (future.cancelled() or isinstance(future.exception(), Exception)):
                begin(job, again=True)
            else:
                yield job, future
    finally:
        for future in pending:
            future.cancel()
        if isinstance(executor, Threads):
            executor.shutdown(wait=False)
    if failure is not None:
        raise failure


def _submit(executor: Executor, do: Callable[[JobT], ResultT], job: JobT) -> Future[ResultT]:
    try:
        return executor.submit(do, job)
    except Exception as error:  # it was shut down, or its workers are dead
        future: Future[ResultT] = Future()
        future.set_exception(error)
        return future


def _at_once(do: Callable[..., ResultT], *args: Any) -> Future[ResultT]:
    future: Future[ResultT] = Future()
    _run(future, do, *args)
    return future


def _run(future: Future[ResultT], do: Callable[..., ResultT], *args: Any, **kwargs: Any) -> None:
    try:
        future.set_result(do(*args, **kwargs))
    except BaseException as error:
        future.set_exception(error)


class Threads(Executor):
    """A daemon thread a job: unlike those of a ThreadPoolExecutor, none holds up the interpreter's end.

    Shut down, it waits for none either: the listings that run in its threads break off at their next page.
    """

    were_shut_down: bool = False

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.were_shut_down = True

    def submit(self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any) -> Future[ResultT]:
        future: Future[ResultT] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            _of_this_thread.executor = self
            _run(future, fn, *args, **kwargs)

        Thread(target=run, name=__name__, daemon=True).start()
        return future
