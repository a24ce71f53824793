"""Paginators and page iterators, except for waiting: what the sync and the async ones share.

    paginate(...)  ->  page iterator  ->  pages, configurations, search results, one full result

Each iteration is a separate pass (`pagination.Pagination`). The two clients only drive it: they send the
request that it gives, and pass it the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from .._protocol import request as operation
from .._protocol.pagination import (
    RESULT_KEY,
    ItemBuffer,
    Pagination,
    PaginationPlan,
    encode_token,
    parse_pagination_config,
)
from .._typing import LazyModule, Unpack

if TYPE_CHECKING:
    from jmespath import parser as jmespath_parser

    from .. import types
else:
    jmespath_parser = LazyModule("jmespath.parser")
    types = LazyModule("..types", __package__)

T = TypeVar("T")
ListT = TypeVar("ListT")
PagesT = TypeVar("PagesT")
Pick = Callable[["types.ListFunctionEventInvokeConfigsResponse"], Iterable[T]]


class PaginatorBase(Generic[ListT, PagesT]):
    """Makes page iterators for the operation; from a client's `get_paginator()`."""

    _page_iterator: ClassVar[type[Any]]

    def __init__(self, list_page: ListT, *, parameter_validation: bool) -> None:
        self._list_page = list_page
        self._parameter_validation = parameter_validation

    def paginate(self, **params: Unpack[types.PaginateRequest]) -> PagesT:
        """List a function's configurations; nothing is sent until the result is iterated.

        FunctionName: name, ARN or partial ARN of the function, with or without version or alias.
        PaginationConfig: `MaxItems`, the number of configurations over all pages (default: all);
            `PageSize`, the number to ask the service for at a time (1 to 50, default: the service's);
            `StartingToken`, a `NextToken` or `resume_token` to go on from (default: the beginning).
        Marker, MaxItems: the operation's own parameters, for the first request and for every one.

        Raises ParamValidationError, PaginationConfigError or StartingTokenError.
        """
        request: dict[str, object] = {**params}
        planned = parse_pagination_config(request, request.pop("PaginationConfig", None))
        if self._parameter_validation:
            operation.validate(planned.params)
        made: PagesT = self._page_iterator(self._list_page, planned)
        return made


class PageIteratorBase(Generic[ListT]):
    """The pages of one listing. Each iteration starts at the beginning, with new requests.

    An error does not end an iteration: the next step requests the same page again.
    """

    def __init__(self, list_page: ListT, planned: PaginationPlan) -> None:
        self._list_page = list_page
        self._plan = planned
        self._progress: Pagination | ItemBuffer[Any] = Pagination(planned)

    @property
    def resume_token(self) -> str | None:
        """A `StartingToken` that continues after the item returned last.

        The item is a page; for `items()` and `result_key_iters()` a configuration; for `search()` a page of
        which all results were returned; for `build_full_result()` the full result. The token tracks the most
        recent iteration. Before an item is returned, it is where the listing starts. None means the
        beginning, or that there is nothing more.
        """
        return encode_token(self._progress.position)

    @property
    def result_keys(self) -> list[jmespath_parser.ParsedResult]:
        """The members that `build_full_result()` joins: `FunctionEventInvokeConfigs`, compiled."""
        return [_compiled(RESULT_KEY)]

    @property
    def non_aggregate_part(self) -> dict[str, object]:
        """The members of the first page that do not grow with the pages: this operation has none."""
        return {}

    def _begin(self) -> Pagination:
        pagination = Pagination(self._plan)
        self._progress = pagination
        return pagination

    def _begin_results(self, pick: Pick[T], *, each_is_a_configuration: bool) -> ItemBuffer[T]:
        results = ItemBuffer(Pagination(self._plan), pick, each_is_a_configuration=each_is_a_configuration)
        self._progress = results
        return results


class ItemsBase(Generic[PagesT]):
    """A listing's configurations, one by one; each iteration starts at the beginning."""

    def __init__(self, pages: PagesT) -> None:
        self.result_key: jmespath_parser.ParsedResult = _compiled(RESULT_KEY)
        """`FunctionEventInvokeConfigs`, compiled: the member whose items these are."""
        self._pages = pages


def searcher(expression: str) -> Pick[Any]:
    """A function that applies a JMESPath expression to a page: the items of a list, or one result."""
    compiled = _compiled(expression)

    def pick(page: types.ListFunctionEventInvokeConfigsResponse) -> Iterable[Any]:
        found = compiled.search(page)
        return found if isinstance(found, list) else [found]

    return pick


def _compiled(expression: str) -> jmespath_parser.ParsedResult:
    import jmespath  # a first page does not need it

    return jmespath.compile(expression)
