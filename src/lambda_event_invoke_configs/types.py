"""The operation's parameters and pages, as TypedDicts with the names of the service's API model.

They can be read at run time too, for example by pydantic and FastAPI. A member that may be missing is in
`__optional_keys__`. Type checkers are told the same with one exception: `NextMarker` is required there, as in
types-boto3-lambda, so that functions annotated with its TypedDicts accept our pages. The last page has none.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypedDict
else:
    try:
        # Below Python 3.12, pydantic refuses typing's, which does not record its bases.
        from typing_extensions import TypedDict
    except ImportError:  # in a vendored copy
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
"""The largest number of configurations on a page."""


class OnSuccess(TypedDict, total=False):
    """The destination for records of successful invocations."""

    Destination: str
    """ARN of a function, a standard SQS queue, a standard SNS topic or an EventBridge event bus."""


class OnFailure(TypedDict, total=False):
    """The destination for records of failed invocations."""

    Destination: str
    """ARN of a function, a standard SQS queue, a standard SNS topic, an EventBridge event bus or a bucket."""


class DestinationConfig(TypedDict, total=False):
    """The destinations for records of asynchronous invocations."""

    OnSuccess: OnSuccess
    """For successful invocations."""
    OnFailure: OnFailure
    """For failed invocations."""


class FunctionEventInvokeConfig(TypedDict, total=False):
    """One configuration for asynchronous invocation. A member that the service leaves out is absent."""

    LastModified: datetime
    """The time of the last change; timezone-aware, in dateutil's `tzlocal()`."""
    FunctionArn: str
    """ARN of the function, version or alias."""
    MaximumRetryAttempts: int
    """The number of retries after the function returns an error, 0 to 2."""
    MaximumEventAgeInSeconds: int
    """The maximum age of an event that Lambda sends to the function, 60 to 21600 seconds."""
    DestinationConfig: DestinationConfig
    """Where records of invocations go."""


# A base class for the required members: Python 3.10 has no NotRequired.
class _ResponseMetadata(TypedDict):
    RequestId: str
    """The id to give to AWS support."""
    HTTPStatusCode: int
    """Such as 200."""
    HTTPHeaders: dict[str, str]
    """Names are in lower case."""
    RetryAttempts: int
    """The number of attempts before the one that gave this response."""


class ResponseMetadata(_ResponseMetadata, total=False):
    """Request metadata.

    `MaxAttemptsReached` and `RetryQuotaReached` are there only when they are True. The type leaves them out:
    with more members than types-boto3-lambda's, it would not be accepted in its place.
    """

    HostId: str
    """Only with an S3 request id; never from Lambda."""


if TYPE_CHECKING:

    class _Marked(TypedDict):
        NextMarker: str

else:

    class _Marked(TypedDict, total=False):
        NextMarker: str
        """The `Marker` of the next page; absent from the last page."""


class ListFunctionEventInvokeConfigsResponse(_Marked):
    """One page."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    """The configurations."""
    ResponseMetadata: ResponseMetadata
    """Request metadata."""


class FullResult(TypedDict, total=False):
    """All pages in one; from `build_full_result()`."""

    FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
    """The configurations of all pages."""
    NextToken: str
    """The `StartingToken` that continues; present only if `MaxItems` cut the result."""


class PaginatorConfig(TypedDict, total=False):
    """`PaginationConfig`: limits and start of a pagination. None is the same as leaving a member out."""

    MaxItems: int | str | None
    """The number of configurations over all pages, 0 or more (default: all); a string of digits will do."""
    PageSize: int | str | None
    """The number to request at a time, 1 to 50 (default: the service's)."""
    StartingToken: str | None
    """Where to start: a `NextToken` or `resume_token`, from here or from boto3 (default: the beginning)."""


class _Boto3PaginatorConfig(TypedDict, total=False):
    # A type checker does not accept this for PaginatorConfig, into which somebody could write a None.
    MaxItems: int
    PageSize: int
    StartingToken: str


class _Function(TypedDict):
    FunctionName: str
    """Name, ARN or partial ARN of the function, with or without version or alias."""


class ListRequest(_Function, total=False):
    """The operation's parameters; `FunctionName` is required."""

    Marker: str
    """The `NextMarker` of the page before (default: the first page)."""
    MaxItems: int
    """The number of configurations on a page, 1 to 50 (default: the service's)."""


class PaginateRequest(ListRequest, total=False):
    """The parameters of `paginate()`."""

    PaginationConfig: PaginatorConfig | _Boto3PaginatorConfig | None
    """Limits and start of the pagination."""
