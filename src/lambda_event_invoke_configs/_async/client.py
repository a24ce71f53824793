"""`AsyncClient` and its paginator, for asyncio and trio: which await what a call asks for.

Each class and method has a twin in `_sync/client.py`. Only two things are different: a client belongs to one
event loop, and credentials that need I/O are found in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import httpx
from anyio import from_thread
from anyio.lowlevel import current_token

from .._client import http
from .._client.base import THROTTLING_TIMEOUT, ClientBase
from .._client.outcome import FunctionOutcome, OutcomeBuilder, timeout_seconds
from .._client.paginator import ItemsBase, PageIteratorBase, PaginatorBase, searcher
from .._protocol.call import GetCredentials, Request, ReserveConnection, Result, Sleep
from .._protocol.pagination import ItemBuffer, Pagination, add_to, configurations, finish
from .._settings.config import reject_unknown_arguments
from .._settings.credentials import FrozenCredentials
from .._settings.redaction import redacted, strip_traceback
from .._typing import LazyModule, Self, Unpack
from .functions import list_many
from .transport import AsyncPooledTransport, Reservation, read_async

if TYPE_CHECKING:
    from .. import types
else:
    types = LazyModule("..types", __package__)

T = TypeVar("T")
ListPage = Callable[[Mapping[str, object]], Awaitable["types.ListFunctionEventInvokeConfigsResponse"]]

_ALREADY_RUNNING = "anext(): already running: two tasks use one iterator; make one for each task"


@reject_unknown_arguments
class AsyncClient(ClientBase[httpx.AsyncBaseTransport]):
    """A `Client` for asyncio and trio: the same arguments, the same pages, the same errors.

    It belongs to the event loop it is first used in, where any number of tasks may use it at the same
    time; to use it in another is a RuntimeError. `transport` is an `httpx.AsyncBaseTransport`.
    """

    _make_transport = AsyncPooledTransport
    _send_method = "handle_async_request"
    _event_loop: object = None
    _refresh: _Refresh | None = None

    async def list_function_event_invoke_configs(
        self, **params: Unpack[types.ListRequest]
    ) -> types.ListFunctionEventInvokeConfigsResponse:
        """One page of a function's configurations; as `Client.list_function_event_invoke_configs`."""
        return await self._call(params)

    async def _call(
        self, params: Mapping[str, object], throttling_timeout: float | None = None
    ) -> types.ListFunctionEventInvokeConfigsResponse:
        try:
            self._enter_event_loop()
            return await self._attempt(params, throttling_timeout)
        except BaseException as error:
            failed = strip_traceback(error, keep_from=self._frames_to_keep)
        raise failed

    def _enter_event_loop(self) -> None:
        token = current_token()
        if self._event_loop is None:
            self._event_loop = token
        elif self._event_loop != token:
            # Its connections and locks belong to the other loop, and would wait for that for ever.
            raise RuntimeError("AsyncClient is used in a second event loop: make one for each event loop")

    async def _attempt(
        self, params: Mapping[str, object], throttling_timeout: float | None = None
    ) -> types.ListFunctionEventInvokeConfigsResponse:
        attempts = self._call_flow.attempts(params, throttling_timeout=throttling_timeout)
        result: Result = None
        reservation: Reservation | None = None
        try:
            while True:
                try:
                    action = attempts.send(result)
                except StopIteration as done:
                    return cast("types.ListFunctionEventInvokeConfigsResponse", done.value)
                result = None
                if isinstance(action, ReserveConnection):
                    if isinstance(self._transport, AsyncPooledTransport):
                        reservation = await self._transport.reserve()
                elif isinstance(action, GetCredentials):
                    result = await self._get_credentials()
                elif isinstance(action, Sleep):
                    await anyio.sleep(action.seconds)
                else:
                    result = await self._send(action.request, reservation or self._transport)
                    used, reservation = reservation, None
                    if used:
                        used.release()
        finally:
            if reservation:
                reservation.release()

    async def _get_credentials(self) -> FrozenCredentials:
        if not self._credentials.needs_io():
            return self._credentials.frozen()
        if self._refresh is None or self._refresh.is_done():
            self._refresh = _Refresh(self._credentials.frozen)
        elif cached := self._credentials.cached():
            return cached  # the first task refreshes early; the others need not wait, as botocore's threads
        return await self._refresh.wait()

    async def _send(self, request: Request, transport: httpx.AsyncBaseTransport) -> Result:
        max_size = self._settings.config.max_response_size
        try:
            response = await transport.handle_async_request(
                http.to_httpx(request, self._settings, self._proxy)
            )
            body = await read_async(response, max_size)
        except http.FAILURES as error:
            return http.transport_error(error, request.url, self._proxy)
        return http.to_response(response.status_code, response.headers.raw, body, max_size)

    def get_paginator(self, operation_name: str) -> AsyncPaginator:
        """The paginator of "list_function_event_invoke_configs".

        Raises OperationNotPageableError for any other operation.
        """
        self._check_pageable(operation_name)
        return self._paginator(
            lambda params: self.list_function_event_invoke_configs(**cast("types.ListRequest", params))
        )

    def _paginator(self, list_page: ListPage) -> AsyncPaginator:
        return AsyncPaginator(list_page, parameter_validation=self._settings.parameter_validation)

    async def list_for_function(
        self,
        function_name: str,
        starting_token: str | None = None,
        *,
        throttling_timeout: float | None = THROTTLING_TIMEOUT,
    ) -> FunctionOutcome:
        """All configurations of one function, or the error; as `Client.list_for_function`."""
        seconds = timeout_seconds(throttling_timeout)
        builder = OutcomeBuilder(function_name, starting_token)
        paginator = self._paginator(lambda params: self._call(params, seconds))
        try:
            pages = paginator.paginate(**builder.request)
            async for page in pages:
                builder.add_page(page, pages.resume_token)
        except Exception as error:
            return builder.outcome(error)
        return builder.outcome()

    def list_for_functions(
        self,
        names: Iterable[str] | AsyncIterable[str],
        *,
        max_concurrency: int = 10,
        throttling_timeout: float | None = THROTTLING_TIMEOUT,
    ) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]:
        """The configurations of many functions, as `Client.list_for_functions`, by tasks:

            async with client.list_for_functions(names) as outcomes:
                async for outcome in outcomes:

        At the end of the `async with` the tasks that still list are cancelled, and what `names` raised
        is raised.
        """
        timeout_seconds(throttling_timeout)  # raises now, not in each outcome's task
        list_one = partial(self.list_for_function, throttling_timeout=throttling_timeout)
        return list_many(list_one, names, max_concurrency)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._owns_transport:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()


class AsyncPageIterator(PageIteratorBase[ListPage]):
    """Pages, one by one: `async for page in pages`; or see `items()`, `search()`, `build_full_result()`."""

    def __aiter__(self) -> AsyncIterator[types.ListFunctionEventInvokeConfigsResponse]:
        """The pages, from the beginning."""
        return _AsyncPages(self._list_page, self._begin())

    def items(self) -> AsyncItems:
        """The configurations themselves, one by one."""
        return AsyncItems(self)

    def result_key_iters(self) -> list[AsyncItems]:
        """One iterable for each of `result_keys`, each with its `result_key`."""
        return [self.items()]

    def search(self, expression: str) -> AsyncIterator[Any]:
        """The results of a JMESPath expression on each page; those of a list one by one.

        Raises jmespath.exceptions.JMESPathError for an expression that cannot be read.
        """
        results = self._begin_results(searcher(expression), each_is_a_configuration=False)
        return _AsyncFlattened(self._list_page, results)

    async def build_full_result(self) -> types.FullResult:
        """All pages in one, with a `NextToken` if `MaxItems` cut it.

        If it fails, nothing was returned, and `resume_token` stays where it began.
        """
        self._begin()
        pagination = Pagination(self._plan)
        result: types.FullResult = {}
        async for page in _AsyncPages(self._list_page, pagination):
            add_to(result, page)
        self._progress = pagination
        return finish(result, pagination.position)


class AsyncPaginator(PaginatorBase[ListPage, AsyncPageIterator]):
    """Makes page iterators: `async for page in paginator.paginate(FunctionName="f")`."""

    _page_iterator = AsyncPageIterator


class AsyncItems(ItemsBase[AsyncPageIterator]):
    """A listing's configurations, one by one; each iteration starts at the beginning."""

    def __aiter__(self) -> AsyncIterator[types.FunctionEventInvokeConfig]:
        """The configurations, from the beginning."""
        results = self._pages._begin_results(configurations, each_is_a_configuration=True)
        return _AsyncFlattened(self._pages._list_page, results)


class _AsyncPages(AsyncIterator["types.ListFunctionEventInvokeConfigsResponse"]):
    """One pass. As `_sync.client._Pages`: not a generator, and with an error for a second task."""

    def __init__(self, list_page: ListPage, pagination: Pagination) -> None:
        self._list_page = list_page
        self._pagination = pagination
        self._running = False

    async def __anext__(self) -> types.ListFunctionEventInvokeConfigsResponse:
        if self._running:
            raise RuntimeError(_ALREADY_RUNNING)
        self._running = True
        try:
            request = self._pagination.next_request()
            if request is None:
                raise StopAsyncIteration
            return self._pagination.receive(await self._list_page(request))
        finally:
            self._running = False


class _AsyncFlattened(AsyncIterator[T]):
    """The items of each page of a pass, one by one."""

    def __init__(self, list_page: ListPage, buffer: ItemBuffer[T]) -> None:
        self._pages = _AsyncPages(list_page, buffer.pagination)
        self._buffer = buffer

    async def __anext__(self) -> T:
        while not self._buffer:
            page = self._buffer.pending_page
            # For a second task, which comes while this one waits, it is an error.
            self._buffer.push_page(await anext(self._pages) if page is None else page)
        return self._buffer.pop()


class _Refresh:
    """One refresh of the credentials, for all tasks that wait for it. To be made in their event loop.

    Finding credentials may take seconds (SSO, STS, a program that asks for an MFA code) and cannot be
    cancelled: botocore blocks. Three things follow:

    1. It runs in a thread, never on the event loop's own. The thread waits where another client of the same
       identity fetches already.
    2. All tasks wait for the same one, so that a program that asks for a code asks once. A task that is
       cancelled only stops waiting: the refresh goes on for the others.
    3. The thread outlives the tasks. It is a daemon, so that it does not keep a process alive in which nobody
       waits any more; and the event loop may be gone when it ends.

    An anyio worker thread does not do: it is not a daemon, and its result is for one task.
    """

    def __init__(self, refresh: Callable[[], FrozenCredentials]) -> None:
        self._refresh = refresh
        self._result: Future[FrozenCredentials] = Future()
        self._done = anyio.Event()
        self._event_loop = current_token()
        Thread(target=copy_context().run, args=(self._run,), name=__name__, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.set_result(self._refresh())
        except BaseException as error:
            self._result.set_exception(error)
        with suppress(RuntimeError):  # the event loop has ended, and nobody waits
            from_thread.run_sync(self._done.set, token=self._event_loop)

    def is_done(self) -> bool:
        return self._result.done()

    async def wait(self) -> FrozenCredentials:
        """The credentials. Raises what finding them raised."""
        await self._done.wait()
        error = self._result.exception()
        if error is None:
            return self._result.result()
        raise redacted(error)
