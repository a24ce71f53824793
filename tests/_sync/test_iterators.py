"""One iterator that two threads step at the same time, here and with boto3."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from listing import LIST
from servers import Reply, ScriptedServer, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import ClientError

ONE_BY_ONE: list[Callable[[Any], Iterator[Any]]] = [
    iter,
    lambda pages: iter(pages.items()),
    lambda pages: pages.search("FunctionEventInvokeConfigs[].FunctionArn"),
    lambda pages: iter(pages.result_key_iters()[0]),
]
pytestmark = pytest.mark.parametrize("iterate", ONE_BY_ONE, ids=["pages", "items", "search", "result_key"])


class Held(Reply):
    """A page that is not sent before `go_on`."""

    def __init__(self) -> None:
        super().__init__(200)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def wire(self) -> bytes:
        self.asked.set()
        assert self.go_on.wait(30)
        return page("b", next_marker="n").wire()


def arns(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    return [each["FunctionArn"] for each in found.get("FunctionEventInvokeConfigs", [found])]


@pytest.mark.parametrize("library", ["ours", "theirs"])
def test_the_second_gets_an_error_and_nothing_is_lost_or_comes_twice(
    library: str,
    iterate: Callable[[Any], Iterator[Any]],
    sync_or_theirs: Callable[[str, str], Any],
    scripted: Callable[..., ScriptedServer],
) -> None:
    if library == "theirs" and iterate is ONE_BY_ONE[1]:
        iterate = ONE_BY_ONE[3]  # boto3 has no items()
    held = Held()
    server = scripted(page("a", next_marker="m"), held, page("c"))
    client = sync_or_theirs(library, server.url)
    pages = client.get_paginator(LIST).paginate(FunctionName="f", PaginationConfig={"MaxItems": 3})
    iterator = iterate(pages)
    found = arns(next(iterator))
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(next, iterator)
        assert held.asked.wait(30)
        with pytest.raises(ValueError, match="generator already executing"):
            next(iterator)
        held.go_on.set()
        found += arns(first.result())
    for rest in iterator:
        found += arns(rest)
    assert found == ["a", "b", "c"]
    assert len(server.requests) == 3


def test_an_error_sets_the_iterator_free(
    iterate: Callable[[Any], Iterator[Any]],
    sync_or_theirs: Callable[[str, str], Any],
    scripted: Callable[..., ScriptedServer],
) -> None:
    server = scripted(page(status=404), page("a"))
    pages = sync_or_theirs("ours", server.url).get_paginator(LIST).paginate(FunctionName="f")
    iterator = iterate(pages)
    with pytest.raises(ClientError):
        next(iterator)
    assert arns(next(iterator)) == ["a"]


@pytest.fixture
def sync_or_theirs(theirs: Callable[..., Any]) -> Iterator[Callable[[str, str], Any]]:
    with ExitStack() as stack:

        def make(library: str, url: str) -> Any:
            if library == "theirs":
                return theirs(url)
            keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "SECRET"}
            return stack.enter_context(eic.Client("us-east-1", endpoint_url=url, **keys))

        yield make
