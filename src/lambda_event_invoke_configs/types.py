"""What the pages hold, as TypedDicts with the names of the service's API model.

What must be there and what may be missing is as in types-boto3-lambda, so that code annotated with its
TypedDicts takes our pages. That is a little too sure in places: the last page has no `NextMarker`.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

__all__ = [
    "DestinationConfig",
    "FullResult",
    "FunctionEventInvokeConfig",
    "ListFunctionEventInvokeConfigsResponse",
    "ListRequest",
    "OnFailure",
    "OnSuccess",
    "PaginateRequest",
    "PaginatorConfig",
    "ResponseMetadata",
]


MAX_PAGE_SIZE = 50
"""How many configurations the service puts on a page at most."""


class OnSuccess(TypedDict, total=False):
    """Where a record of a successful invocation goes."""

    Destination: str
    """ARN of a function, a standard SQS queue, a standard SNS topic or an EventBridge event bus."""


class OnFailure(TypedDict, total=False):
    """Where a record of a failed invocation goes."""

    Destination: str
    """ARN of a function, a standard SQS queue, a standard SNS topic, an EventBridge event bus or a bucket."""


class DestinationConfig(TypedDict, total=False):
    """Where events go after they were sent to the function for processing."""

    OnSuccess: OnSuccess
    """For invocations that succeeded."""
    OnFailure: OnFailure
    """For invocations that failed."""


class FunctionEventInvokeConfig(TypedDict, total=False):
    """One configuration for asynchronous invocation. A member the service left out is absent."""

    LastModified: datetime
    """When it was last changed; timezone-aware, in dateutil's `tzlocal()`."""
    FunctionArn: str
    """ARN of the function, version or alias."""
    MaximumRetryAttempts: int
    """How often Lambda invokes again after an error of the function, 0 to 2."""
    MaximumEventAgeInSeconds: int
    """How old an event may get before Lambda gives it up, 60 to 21600 seconds."""
    DestinationConfig: DestinationConfig
    """Where records of invocations go."""


# Two have a base for what must be there: Python 3.10 has no NotRequired, and if only type checkers find it,
# what reads the types at run time, such as pydantic, does not.
class _ResponseMetadata(TypedDict):
    RequestId: str
    """What AWS support asks for."""
    HTTPStatusCode: int
    """Such as 200."""
    HTTPHeaders: dict[str, str]
    """Names are in lower case."""
    RetryAttempts: int
    """How many attempts there were before the one that gave this response."""


class ResponseMetadata(_ResponseMetadata, total=False):
    """What is known of the exchange itself.

    `MaxAttemptsReached` and `RetryQuotaReached`, which no type knows of, are there only when they are true.
    """

    HostId: str
    """Only where the request id is S3's."""


class ListFunctionEventInvokeConfigsResponse(TypedDict):
    """One page."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    """The configurations."""
    NextMarker: str
    """The `Marker` of the next page; absent from the last one."""
    ResponseMetadata: ResponseMetadata
    """What is known of the exchange itself."""


class FullResult(TypedDict, total=False):
    """All pages in one, as `build_full_result()` gives it."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    """The configurations of all pages."""
    NextToken: str
    """The `StartingToken` to go on with; there when `MaxItems` cut it."""


class PaginatorConfig(TypedDict, total=False):
    """`PaginationConfig`: limits and start of a pagination."""

    MaxItems: int
    """How many configurations at most, over all pages; 0 or more (default: all)."""
    PageSize: int
    """How many to ask the service for at a time, 1 to 50 (default: the service's)."""
    StartingToken: str
    """Where to start: a `NextToken` or `resume_token`, from here or from boto3 (default: the beginning)."""


class _Function(TypedDict):
    FunctionName: str
    """Name, ARN or partial ARN of the function, with or without version or alias."""


class ListRequest(_Function, total=False):
    """The operation's parameters; `FunctionName` is required."""

    Marker: str
    """The `NextMarker` of the page before (default: the first page)."""
    MaxItems: int
    """How many configurations at most on a page, 1 to 50 (default: the service's)."""


class PaginateRequest(ListRequest, total=False):
    """The parameters of `paginate()`."""

    PaginationConfig: PaginatorConfig
    """Limits and start of the pagination."""
