"""Three ways to drive the library by one test body: the sync client, and the async one on two backends.

An async client is driven from outside of its event loop, one blocking call at a time; whatever the sync
client has under a name, `Driven` has too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

import lambda_event_invoke_configs as eic

Run = Callable[[Callable[[], Awaitable[Any]]], Any]
BACKENDS = ["sync", "asyncio", "trio"]
KEYS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}


def client_of(url: str, **options: Any) -> eic.AsyncClient:
    return eic.AsyncClient(**{**KEYS, "endpoint_url": url, **options})


def make(backend: str, **options: Any) -> Any:
    """A client of that kind, to be closed by `close()`."""
    if backend == "sync":
        return eic.Client(**options)
    return Driven(backend, **options)


def set_clock(client: Any, now: float) -> None:
    """Has a client sign as if it were `now`, in seconds of the epoch.

    A client of its own has no argument for that: its clock is the machine's.
    """
    client._call_flow._clock = lambda: now


def set_read_timeout(client: Any, seconds: float) -> None:
    """Has a client's next calls be more or less patient; their deadline stays as it was."""
    settings = getattr(client, "client", client)._settings
    settings.config = replace(settings.config, read_timeout=seconds)


def set_retry_quota(client: Any, available: int) -> None:
    """Has a client begin with so much of its retry quota left, as boto3's may."""
    client._call_flow._quota.available = available


def set_monotonic_clock(client: Any, clock: Callable[[], float]) -> None:
    """Has a client's rate limiter, which has not limited yet, go by another clock than the machine's."""
    client._call_flow._monotonic = clock
    client._call_flow.reset()


class Driven:
    """An AsyncClient with the sync client's surface."""

    def __init__(self, backend: str, **options: Any) -> None:
        self.client = eic.AsyncClient(**options)
        self._closed = False
        self._running = start_blocking_portal(backend)
        self.portal: BlockingPortal = self._running.__enter__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def list_function_event_invoke_configs(self, **params: Any) -> Any:
        return self.portal.call(lambda: self.client.list_function_event_invoke_configs(**params))

    def get_paginator(self, operation_name: str) -> DrivenPaginator:
        return DrivenPaginator(self.portal, self.client.get_paginator(operation_name))

    def list_for_function(self, *arguments: Any, **options: Any) -> Any:
        return self.portal.call(partial(self.client.list_for_function, *arguments, **options))

    def list_for_functions(self, names: Any, **options: Any) -> Iterator[Any]:
        return self._drive(self.client.list_for_functions(names, **options))

    def _drive(self, listings: Any) -> Iterator[Any]:
        with self.portal.wrap_async_context_manager(listings) as outcomes:
            yield from DrivenIterator(self.portal, outcomes)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.portal.call(self.client.aclose)
            self._running.__exit__(None, None, None)

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DrivenPaginator:
    def __init__(self, portal: BlockingPortal, paginator: eic.AsyncPaginator) -> None:
        self.portal = portal
        self.paginator = paginator

    def paginate(self, **params: Any) -> DrivenPages:
        return DrivenPages(self.portal, self.paginator.paginate(**params))


class DrivenPages:
    def __init__(self, portal: BlockingPortal, pages: eic.AsyncPageIterator) -> None:
        self.portal = portal
        self.pages = pages

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pages, name)

    def __iter__(self) -> Iterator[Any]:
        return DrivenIterator(self.portal, aiter(self.pages))

    def items(self) -> DrivenItems:
        return DrivenItems(self.portal, self.pages.items())

    def result_key_iters(self) -> list[DrivenItems]:
        return [DrivenItems(self.portal, items) for items in self.pages.result_key_iters()]

    def search(self, expression: str) -> Iterator[Any]:
        return DrivenIterator(self.portal, self.pages.search(expression))

    def build_full_result(self) -> Any:
        return self.portal.call(self.pages.build_full_result)


class DrivenItems:
    def __init__(self, portal: BlockingPortal, items: eic.AsyncItems) -> None:
        self.portal = portal
        self.items = items
        self.result_key = items.result_key

    def __iter__(self) -> Iterator[Any]:
        return DrivenIterator(self.portal, aiter(self.items))


class DrivenIterator(Iterator[Any]):
    def __init__(self, portal: BlockingPortal, iterator: AsyncIterator[Any]) -> None:
        self.portal = portal
        self.iterator = iterator

    def __next__(self) -> Any:
        end = object()

        async def step() -> Any:
            return await anext(self.iterator, end)

        found = self.portal.call(step)
        if found is end:
            raise StopIteration
        return found
