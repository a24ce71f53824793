"""What the pages hold, as TypedDicts with the names of the service's API model.

What must be there and what may be missing is as in types-boto3-lambda, so that code annotated with its
TypedDicts takes our pages. That is a little too sure in places: the last page has no `NextMarker`.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired, Required


class OnSuccess(TypedDict, total=False):
    """Where a record of a successful invocation goes."""

    Destination: str


class OnFailure(TypedDict, total=False):
    """Where a record of a failed invocation goes."""

    Destination: str


class DestinationConfig(TypedDict, total=False):
    """Where events go after they were sent to the function for processing."""

    OnSuccess: OnSuccess
    OnFailure: OnFailure


class FunctionEventInvokeConfig(TypedDict, total=False):
    """One configuration for asynchronous invocation. A member the service left out is absent.

    `LastModified` is timezone-aware, in dateutil's `tzlocal()`; `MaximumRetryAttempts` is 0 to 2;
    `MaximumEventAgeInSeconds` is 60 to 21600 seconds.
    """

    LastModified: datetime
    FunctionArn: str
    MaximumRetryAttempts: int
    MaximumEventAgeInSeconds: int
    DestinationConfig: DestinationConfig


class ResponseMetadata(TypedDict):
    """What is known of the exchange itself. Header names are in lower case.

    `RetryAttempts` counts the attempts before the one that gave this response. `MaxAttemptsReached` and
    `RetryQuotaReached`, which no type knows of, are there only when they are true.
    """

    RequestId: str
    HTTPStatusCode: int
    HTTPHeaders: dict[str, str]
    RetryAttempts: int
    HostId: NotRequired[str]


class ListFunctionEventInvokeConfigsResponse(TypedDict):
    """One page. `NextMarker` is absent from the last one."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    NextMarker: str
    ResponseMetadata: ResponseMetadata


class FullResult(TypedDict, total=False):
    """All pages in one, as `build_full_result()` gives it. `NextToken` is there when `MaxItems` cut it."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    NextToken: str


class PaginatorConfig(TypedDict, total=False):
    """`PaginationConfig`: limits and start of a pagination.

    `MaxItems` is the number of configurations over all pages (0 or more; default: all of them),
    `PageSize` the number the service is asked for at a time (1 to 50; default: the service's),
    `StartingToken` where to start: a `NextToken` or `resume_token`, from here or from boto3.
    """

    MaxItems: int
    PageSize: int
    StartingToken: str


class ListRequest(TypedDict, total=False):
    """The operation's parameters; `FunctionName` is required.

    `FunctionName` is a name, an ARN or a partial ARN, `Marker` the `NextMarker` of the page before,
    `MaxItems` the page's size (1 to 50).
    """

    FunctionName: Required[str]
    Marker: str
    MaxItems: int


class PaginateRequest(ListRequest, total=False):
    """The parameters of `paginate()`."""

    PaginationConfig: PaginatorConfig
