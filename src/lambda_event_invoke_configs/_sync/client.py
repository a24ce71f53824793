"""`Client` and its paginator, which do what a call asks for: get credentials, send, sleep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from .._client import http
from .._client.base import THROTTLING_TIMEOUT, ClientBase, ClientOptions
from .._client.paginator import ItemsBase, PageIteratorBase, PaginatorBase, searcher
from .._protocol.call import GetCredentials, Request, ReserveConnection, Result, Sleep
from .._protocol.pagination import ItemBuffer, Pagination, add_to, configurations, finish
from .._protocol.signing import SERVICE
from .._settings.config import reject_unknown_arguments
from .._settings.redaction import strip_traceback
from .._typing import LazyModule, Self, Unpack
from ..exceptions import UnknownServiceError
from .functions import Stopped, list_many
from .transport import PooledTransport, Reservation, read

if TYPE_CHECKING:
    from .. import types
    from .._client import outcome
else:
    types = LazyModule("..types", __package__)
    outcome = LazyModule(".._client.outcome", __package__)

T = TypeVar("T")
ListPage = Callable[[Mapping[str, object]], "types.ListFunctionEventInvokeConfigsResponse"]

_ALREADY_EXECUTING = "generator already executing: two threads use one iterator; make one for each thread"


@reject_unknown_arguments
class Client(ClientBase[httpx.BaseTransport]):
    """A client of AWS Lambda for one operation. It may be used from many threads at the same time.

    region_name: such as "us-east-1" (else AWS_DEFAULT_REGION, AWS_REGION, the profile's `region`).
    profile_name: of the shared config files (else AWS_DEFAULT_PROFILE, AWS_PROFILE, "default").
    endpoint_url: in place of the service's (else AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, the profile's).
    use_ssl: False for http:// (default True); a custom endpoint has its own scheme.
    verify: False not to verify TLS certificates, or the path of a CA bundle (else AWS_CA_BUNDLE, the
        profile's `ca_bundle`, REQUESTS_CA_BUNDLE, certifi's).
    aws_access_key_id, aws_secret_access_key, aws_session_token: the credentials (else AWS_ACCESS_KEY_ID and
        so on, then botocore's chain: role, web identity, SSO, shared files, process, container, instance
        metadata).
    credentials: a botocore Credentials object, or a callable that returns one; called once.
    config: a `Config`, or a `botocore.config.Config`.
    transport: an `httpx.BaseTransport`, with its own TLS, proxies and pool size; `close()` leaves it open.

    Raises TypeError for an unknown argument, NoRegionError, InvalidRegionError, ProfileNotFound,
    PartialCredentialsError, InvalidEndpointError, InvalidConfigError and its like for bad values.
    """

    _make_transport = PooledTransport
    _send_method = "handle_request"

    def list_function_event_invoke_configs(
        self, **params: Unpack[types.ListRequest]
    ) -> types.ListFunctionEventInvokeConfigsResponse:
        """One page of a function's configurations for asynchronous invocation.

        FunctionName: name, ARN or partial ARN of the function, with or without version or alias.
        Marker: the `NextMarker` of the page before (default: the first page).
        MaxItems: how many configurations at most, 1 to 50 (default: the service's).

        Raises ParamValidationError before anything is sent; NoCredentialsError; ClientError if the service
        refuses, ConnectionError and HTTPClientError if there is no response, each after retries where they
        may help; ResponseParserError for a response that is not a page.

        Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
        """
        return self._call(params)

    def _call(
        self, params: Mapping[str, object], throttling_timeout: float | None = None
    ) -> types.ListFunctionEventInvokeConfigsResponse:
        try:
            return self._attempt(params, throttling_timeout)
        except BaseException as error:
            failed = strip_traceback(error, keep_from=self._frames_to_keep)
        raise failed

    def _attempt(
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
                    if isinstance(self._transport, PooledTransport):
                        reservation = self._transport.reserve()
                elif isinstance(action, GetCredentials):
                    result = self._credentials.frozen()
                elif isinstance(action, Sleep):
                    time.sleep(action.seconds)
                else:
                    result = self._send(action.request, reservation or self._transport)
                    # In this order: what Ctrl-C leaves unreleased releases itself, but only once.
                    used, reservation = reservation, None
                    if used:
                        used.release()
        finally:
            if reservation:
                reservation.release()

    def _send(self, request: Request, transport: httpx.BaseTransport) -> Result:
        max_size = self._settings.config.max_response_size
        try:
            response = transport.handle_request(http.to_httpx(request, self._settings, self._proxy))
            body = read(response, max_size)
        except http.FAILURES as error:
            return http.transport_error(error, request.url, self._proxy)
        return http.to_response(response.status_code, response.headers.raw, body, max_size)

    def get_paginator(self, operation_name: str) -> Paginator:
        """The paginator of "list_function_event_invoke_configs".

        Raises OperationNotPageableError for any other operation.
        """
        self._check_pageable(operation_name)
        return self._paginator(
            lambda params: self.list_function_event_invoke_configs(**cast("types.ListRequest", params))
        )

    def _paginator(self, list_page: ListPage) -> Paginator:
        return Paginator(list_page, parameter_validation=self._settings.parameter_validation)

    def list_for_function(
        self,
        function_name: str,
        starting_token: str | None = None,
        *,
        throttling_timeout: float | None = THROTTLING_TIMEOUT,
    ) -> outcome.FunctionOutcome:
        """All configurations of one function from `starting_token` on, or the error, which is not raised.

        It uses the rate limiter of the `adaptive` retry mode, so that many of these stay within the service's
        rate limit.

        throttling_timeout: as for `list_for_functions`.
        """
        return self._list_one(function_name, outcome.timeout_seconds(throttling_timeout), starting_token)

    def _list_one(
        self,
        name: str,
        seconds: float,
        starting_token: str | None = None,
        stopped: Stopped = lambda: False,
    ) -> outcome.FunctionOutcome:
        builder = outcome.OutcomeBuilder(name, starting_token)
        paginator = self._paginator(lambda params: self._call(params, seconds))
        try:
            pages = paginator.paginate(**builder.request)
            for page in pages:
                builder.add_page(page, pages.resume_token)
                if stopped():
                    break
        except Exception as error:
            return builder.outcome(error)
        return builder.outcome()

    def list_for_functions(
        self,
        names: Iterable[str],
        *,
        max_concurrency: int = 10,
        throttling_timeout: float | None = THROTTLING_TIMEOUT,
    ) -> Generator[outcome.FunctionOutcome, None, None]:
        """The configurations of many functions: an outcome for each of them, as it completes.

        Streaming: names are consumed on demand, with at most `max_concurrency` in flight.

        names: of the functions; a generator of any length will do.
        max_concurrency: how many functions at the same time (default 10).
        throttling_timeout: for how many seconds a throttled request is sent again, counted for each request
            from the first time that it is throttled (default 300; None for no limit). Other failures are
            retried as in any call.

        Stopping early does not block: the threads that still list end at their next page.
        Raises InvalidConfigError for an argument that cannot be used, and at the end what `names` raised.
        """
        seconds = outcome.timeout_seconds(throttling_timeout)
        return list_many(
            lambda name, stopped: self._list_one(name, seconds, stopped=stopped), names, max_concurrency
        )

    def close(self) -> None:
        """Close the connections."""
        if self._owns_transport:
            self._transport.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()


class Options(ClientOptions, total=False):
    """The keyword arguments of `client()`."""

    transport: httpx.BaseTransport | None


def client(service_name: str, region_name: str | None = None, **options: Unpack[Options]) -> Client:
    """A `Client`, in place of `boto3.client("lambda", ...)`.

    Raises UnknownServiceError for a service other than "lambda"; else as `Client` does.
    """
    try:
        if service_name != SERVICE:
            raise UnknownServiceError(service_name=service_name, known_service_names=[SERVICE])
        return Client(region_name, **options)
    finally:
        options = {}  # a traceback with locals would show the credentials


class PageIterator(PageIteratorBase[ListPage]):
    """Pages, one by one: `for page in pages`; or see `items()`, `search()`, `build_full_result()`."""

    def __iter__(self) -> Iterator[types.ListFunctionEventInvokeConfigsResponse]:
        """The pages, from the beginning."""
        return _Pages(self._list_page, self._begin())

    def items(self) -> Items:
        """The configurations themselves, one by one."""
        return Items(self)

    def result_key_iters(self) -> list[Items]:
        """One iterable for each of `result_keys`, each with its `result_key`."""
        return [self.items()]

    def search(self, expression: str) -> Iterator[Any]:
        """The results of a JMESPath expression on each page; those of a list one by one.

        Raises jmespath.exceptions.JMESPathError for an expression that cannot be read.
        """
        results = self._begin_results(searcher(expression), each_is_a_configuration=False)
        return _Flattened(self._list_page, results)

    def build_full_result(self) -> types.FullResult:
        """All pages in one, with a `NextToken` if `MaxItems` cut it.

        If it fails, nothing was returned, and `resume_token` stays where it began.
        """
        self._begin()
        pagination = Pagination(self._plan)
        result: types.FullResult = {}
        for page in _Pages(self._list_page, pagination):
            add_to(result, page)
        self._progress = pagination
        return finish(result, pagination.position)


class Paginator(PaginatorBase[ListPage, PageIterator]):
    """Makes page iterators: `for page in paginator.paginate(FunctionName="f")`; from `get_paginator()`."""

    _page_iterator = PageIterator


class Items(ItemsBase[PageIterator]):
    """A listing's configurations, one by one; each iteration starts at the beginning."""

    def __iter__(self) -> Iterator[types.FunctionEventInvokeConfig]:
        """The configurations, from the beginning."""
        results = self._pages._begin_results(configurations, each_is_a_configuration=True)
        return _Flattened(self._pages._list_page, results)


class _Pages(Iterator["types.ListFunctionEventInvokeConfigsResponse"]):
    """One pass. Not a generator: a generator that has raised is exhausted, and the loop would end silently.

    As with a generator, a second thread that steps it meanwhile gets an error. Without
    this, two threads would send the same request, and both would be given the same page.
    """

    def __init__(self, list_page: ListPage, pagination: Pagination) -> None:
        self._list_page = list_page
        self._pagination = pagination
        self._lock = threading.Lock()

    def __next__(self) -> types.ListFunctionEventInvokeConfigsResponse:
        if not self._lock.acquire(blocking=False):
            raise ValueError(_ALREADY_EXECUTING)
        try:
            request = self._pagination.next_request()
            if request is None:
                raise StopIteration
            return self._pagination.receive(self._list_page(request))
        finally:
            self._lock.release()


class _Flattened(Iterator[T]):
    """The items of each page of a pass, one by one."""

    def __init__(self, list_page: ListPage, buffer: ItemBuffer[T]) -> None:
        self._pages = _Pages(list_page, buffer.pagination)
        self._buffer = buffer
        self._lock = threading.Lock()

    def __next__(self) -> T:
        if not self._lock.acquire(blocking=False):
            raise ValueError(_ALREADY_EXECUTING)
        try:
            while not self._buffer:
                self._buffer.push_page(self._buffer.pending_page or next(self._pages))
            return self._buffer.pop()
        finally:
            self._lock.release()
