"""Many functions at the same time: names in, one outcome for each as it completes.

Both ends are lazy: names are taken as there is room for them, and no more than `max_concurrency` of them
are under way or waiting to be handed out. The failure of one is its outcome, and stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from datetime import timezone, tzinfo
from queue import SimpleQueue
from threading import Thread, local
from typing import TYPE_CHECKING, Any, TypeVar

from dateutil.tz import tzlocal

from .config import invalid
from .pagination import configurations
from .types import FunctionEventInvokeConfig

if TYPE_CHECKING:
    from .sync import Paginator
    from .types import ListFunctionEventInvokeConfigsResponse, PaginateRequest

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

_of_this_thread = local()  # `executor`: the Threads it is one of


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

    def __reduce__(self) -> tuple[Callable[..., FunctionOutcome], tuple[object, ...]]:
        # tzlocal() keeps the offsets of the machine it was made on, and asks another one for its summer time.
        sent = [_in_zone(each, timezone.utc) for each in self.configurations]
        return _received, (self.function_name, sent, self.error, self.resume_token)


def _received(name: str, sent: list[Any], error: Exception | None, token: str | None) -> FunctionOutcome:
    return FunctionOutcome(name, [_in_zone(each, tzlocal()) for each in sent], error, token)


def _in_zone(found: Any, zone: tzinfo) -> Any:
    if not found or "LastModified" not in found:
        return found
    try:
        return {**found, "LastModified": found["LastModified"].astimezone(zone)}
    except OverflowError:  # there it would be the year 0, or 10000
        return found


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
        if (threads := getattr(_of_this_thread, "executor", None)) and threads.were_shut_down:
            raise CancelledError

    def outcome(self, error: Exception | None = None) -> FunctionOutcome:
        token = self._resume_token if error else None
        return FunctionOutcome(self.request["FunctionName"], self._found, error, token)


def list_one(paginator: Paginator, function_name: str, starting_token: str | None) -> FunctionOutcome:
    """All configurations of one function; or what came before the error, and the error."""
    listing = Listing(function_name, starting_token)
    try:
        pages = paginator.paginate(**listing.request)
        for page in pages:
            listing.add(page, pages.resume_token)
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


def validate(names: object, kinds: type | tuple[type, ...], max_concurrency: object) -> None:
    """Raises InvalidConfigError for a single name in place of several, and for a number that is none."""
    if isinstance(names, (str, bytes)) or not isinstance(names, kinds):
        raise invalid("names", names, "an iterable of names, not a single one")
    if type(max_concurrency) is not int or max_concurrency < 1:
        raise invalid("max_concurrency", max_concurrency, "an int, 1 or more")
