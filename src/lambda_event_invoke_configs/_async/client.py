"""The asynchronous shell: `AsyncClient` and its paginator, on asyncio and on trio.

All it does itself is what a call asks for (see call.py): fetch keys, send, sleep. sync.py is its twin.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import httpx
from anyio.lowlevel import current_token

from .._client import http
from .._client.base import ClientBase, made
from .._client.network import TaskTransport, read_async
from .._client.outcome import FunctionOutcome
from .._client.paginator import ItemsBase, PageIteratorBase, PaginatorBase, searcher
from .._protocol.call import FetchKeys, Outcome, Request, Sleep
from .._protocol.pagination import Pagination, Results, add_to, configurations, finish
from .._settings.config import says_what_there_is
from .._settings.credentials import Keys
from ..types import FullResult, FunctionEventInvokeConfig, ListFunctionEventInvokeConfigsResponse
from .functions import as_completed, list_one

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ..types import ListRequest
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Thread

from anyio import from_thread


class Fetch:
    """A fetch under way; to be made in the event loop of the tasks.

    Its thread is a daemon: it does not keep a process alive in which nobody waits any more.
    """

    def __init__(self, fetch: Callable[[], Keys]) -> None:
        self._fetch = fetch
        self._keys: Future[Keys] = Future()
        self._over = anyio.Event()
        self._event_loop = current_token()
        Thread(target=copy_context().run, args=(self._run,), name=__name__, daemon=True).start()

    def _run(self) -> None:
        try:
            self._keys.set_result(self._fetch())
        except BaseException as error:
            self._keys.set_exception(error)
        with suppress(RuntimeError):  # the event loop has ended, and nobody waits
            from_thread.run_sync(self._over.set, token=self._event_loop)

    def is_over(self) -> bool:
        return self._keys.done()

    async def keys(self) -> Keys:
        """Wait for them. Raises what the fetch failed with."""
        await self._over.wait()
        return self._keys.result()


T = TypeVar("T")
ListPage = Callable[[Mapping[str, object]], Awaitable[ListFunctionEventInvokeConfigsResponse]]


@says_what_there_is
class AsyncClient(ClientBase[httpx.AsyncBaseTransport]):
    """A `Client` for asyncio and trio: the same arguments, the same pages, the same errors.

    It belongs to the event loop it is first used in, where any number of tasks may use it at the same
    time; to use it in another is a RuntimeError. `transport` is an `httpx.AsyncBaseTransport`.
    """

    _make_transport = TaskTransport
    _send_method = "handle_async_request"
    _unpickle = staticmethod(made)  # not shared: the next one may be for another event loop
    _event_loop: object = None
    _fetch: Fetch | None = None

    async def list_function_event_invoke_configs(
        self, **params: Unpack[ListRequest]
    ) -> ListFunctionEventInvokeConfigsResponse:
        """One page of a function's configurations; as `Client.list_function_event_invoke_configs`."""
        return await self._call(params, paced=False)

    async def _call(
        self, params: Mapping[str, object], paced: bool
    ) -> ListFunctionEventInvokeConfigsResponse:
        self._enter_event_loop()
        steps = self._caller.steps(params, paced=paced)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return cast("ListFunctionEventInvokeConfigsResponse", done.value)
            if isinstance(step, FetchKeys):
                outcome = await self._fetch_keys()
            elif isinstance(step, Sleep):
                await anyio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step.request)

    def _enter_event_loop(self) -> None:
        token = current_token()
        if self._event_loop is None:
            self._event_loop = token
        elif self._event_loop != token:
            # Its connections and locks belong to the other one, and would wait for it for ever.
            raise RuntimeError("AsyncClient is used in a second event loop: make one for each event loop")

    async def _fetch_keys(self) -> Keys:
        if not self._credentials.may_block():
            return self._credentials.keys()
        if self._fetch is None or self._fetch.is_over():
            self._fetch = Fetch(self._credentials.keys)
        elif keys := self._credentials.still_good():
            return keys  # as botocore's threads: the first one refreshes them, and the others need not wait
        return await self._fetch.keys()

    async def _send(self, request: Request) -> Outcome:
        try:
            response = await self._transport.handle_async_request(http.to_httpx(request, self._settings))
            body = await read_async(response, self._settings.config.max_response_size)
        except http.FAILURES as error:
            return http.failure(error, request.url, self._proxy)
        return http.to_reply(response.status_code, response.headers.raw, body)

    def get_paginator(self, operation_name: str) -> AsyncPaginator:
        """The paginator of "list_function_event_invoke_configs".

        Raises OperationNotPageableError for any other operation.
        """
        self._check_pageable(operation_name)
        return self._paginator(
            lambda params: self.list_function_event_invoke_configs(**cast("ListRequest", params))
        )

    def _paginator(self, list_page: ListPage) -> AsyncPaginator:
        return AsyncPaginator(list_page, parameter_validation=self._settings.parameter_validation)

    async def list_for_function(
        self, function_name: str, starting_token: str | None = None
    ) -> FunctionOutcome:
        """All configurations of one function, or the error; as `Client.list_for_function`."""
        paginator = self._paginator(lambda params: self._call(params, paced=True))
        return await list_one(paginator, function_name, starting_token)

    def list_for_functions(
        self, names: Iterable[str] | AsyncIterable[str], *, max_concurrency: int = 10
    ) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]:
        """The configurations of many functions, as `Client.list_for_functions`, by tasks:

            async with client.list_for_functions(names) as outcomes:
                async for outcome in outcomes:

        At the end of the `async with` the tasks that are left are cancelled, and what `names` raised
        is raised.
        """
        return as_completed(self.list_for_function, names, max_concurrency)

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

    def __aiter__(self) -> AsyncIterator[ListFunctionEventInvokeConfigsResponse]:
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

    async def build_full_result(self) -> FullResult:
        """All pages in one, with a `NextToken` if `MaxItems` cut it.

        If it fails, nothing was handed out, and `resume_token` stays where it began.
        """
        self._begin()
        pagination = Pagination(self._plan)
        result: FullResult = {}
        async for page in _AsyncPages(self._list_page, pagination):
            add_to(result, page)
        self._progress = pagination
        return finish(result, pagination.position)


class AsyncPaginator(PaginatorBase[ListPage, AsyncPageIterator]):
    """Makes page iterators: `async for page in paginator.paginate(FunctionName="f")`."""

    _page_iterator = AsyncPageIterator


class AsyncItems(ItemsBase[AsyncPageIterator]):
    """A listing's configurations, one by one; each iteration starts at the beginning."""

    def __aiter__(self) -> AsyncIterator[FunctionEventInvokeConfig]:
        """The configurations, from the beginning."""
        results = self._pages._begin_results(configurations, each_is_a_configuration=True)
        return _AsyncFlattened(self._pages._list_page, results)


class _AsyncPages(AsyncIterator[ListFunctionEventInvokeConfigsResponse]):
    """One pass. Not a generator: that would be finished for good after an error."""

    def __init__(self, list_page: ListPage, pagination: Pagination) -> None:
        self._list_page = list_page
        self._pagination = pagination

    async def __anext__(self) -> ListFunctionEventInvokeConfigsResponse:
        request = self._pagination.next_request()
        if request is None:
            raise StopAsyncIteration
        return self._pagination.receive(await self._list_page(request))


class _AsyncFlattened(AsyncIterator[T]):
    """What each page of a pass yields, one by one."""

    def __init__(self, list_page: ListPage, results: Results[T]) -> None:
        self._pages = _AsyncPages(list_page, results.pagination)
        self._results = results

    async def __anext__(self) -> T:
        while not self._results:
            page = self._results.unread
            self._results.feed(await anext(self._pages) if page is None else page)
        return self._results.take()
