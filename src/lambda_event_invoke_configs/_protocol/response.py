"""Parses a response to a page or an error, and the timestamps in a page.

The shapes are those of the service's API model. Members that are absent, null or unknown become what boto3
makes of them. Where a response did not come from the service, boto3 returns an empty page or fails with a
bare Python error; here it is a ResponseParserError that says where.

Timestamps are read in all forms that botocore reads: epoch seconds, ISO 8601, RFC 822. Epoch seconds are
returned in the machine's time zone, in dateutil's `tzlocal()`, as with boto3. dateutil takes 10 microseconds
to find the offset of one moment, more than everything else for a configuration; `parse_timestamp` applies
the same rule and asks the C library directly, which takes one.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html; botocore 1.44,
`parsers.py` (REST-JSON) and `utils.parse_timestamp()`; dateutil 2.9, `tz.tzlocal` and `tz._common`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from http.client import responses as reason_phrases
from typing import TYPE_CHECKING, Any, cast

from dateutil.parser import parse as parse_date
from dateutil.tz import tzlocal, tzutc

from ..exceptions import (
    InvalidParameterValueException,
    LambdaClientError,
    ResourceNotFoundException,
    ResponseParserError,
    ServiceException,
    TooManyRequestsException,
)
from .request import OPERATION, is_encodable

if TYPE_CHECKING:
    from ..types import DestinationConfig, FunctionEventInvokeConfig, ListFunctionEventInvokeConfigsResponse


class Response:
    """An HTTP response as it arrived. Header names are in lower case, repeated ones joined by ", "."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def parse_page(response: Response, retries: Mapping[str, int]) -> ListFunctionEventInvokeConfigsResponse:
    """The page in a response with a status below 300.

    retries: what the attempts add to `ResponseMetadata`.

    Raises ResponseParserError if the body is not JSON, or JSON of the wrong shape. boto3 returns an empty
    page for a body that is not JSON.
    """
    if "x-amzn-errortype" in response.headers:
        error_type = response.headers["x-amzn-errortype"]
        raise ResponseParserError(
            f"Unable to parse the response: status {response.status} with the error type {error_type}"
        )
    try:
        page = _page(json.loads(response.body.decode()))
    except _WrongShape as error:
        raise ResponseParserError(f"Unable to parse the response: at {error.where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ResponseParserError(
            f"Unable to parse the response: the body ({len(response.body)} bytes, "
            f"{response.headers.get('content-type', 'no content type')}) is not JSON: {error}"
        ) from None
    page["ResponseMetadata"] = _metadata(response, retries)
    return cast("ListFunctionEventInvokeConfigsResponse", page)


def _metadata(response: Response, retries: Mapping[str, int]) -> dict[str, object]:
    request_id: dict[str, object] = {}
    if "x-amzn-requestid" in response.headers:
        request_id["RequestId"] = response.headers["x-amzn-requestid"]
    elif "x-amz-request-id" in response.headers and response.status < 300:
        request_id["RequestId"] = response.headers["x-amz-request-id"]
        request_id["HostId"] = response.headers.get("x-amz-id-2", "")
    return {
        **request_id,
        "HTTPStatusCode": response.status,
        "HTTPHeaders": dict(response.headers),
        **retries,
    }


class _WrongShape(Exception):
    """A value of the wrong kind. Each object and list on the way up prepends its part to `where`."""

    def __init__(self, where: str, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {_excerpt(value)}")
        self.where = where


def _excerpt(value: object) -> str:
    # Not repr() of the whole value: it may be of any size, or nested too deep to print.
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


# Written out member by member: a page has hundreds of members, and a generic reader takes twice as long for
# each, as does a function call for each value that already has the expected type. Strings are not checked,
# since boto3 does not check them either.


_PAGE_MEMBERS = ("FunctionEventInvokeConfigs", "NextMarker")


def _page(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise _WrongShape("the top", "an object", body)
    if body and not body.keys() & _PAGE_MEMBERS:
        # An API gateway's or another service's answer, such as {"message": "Internal server error"}.
        raise _WrongShape("the top", " or ".join(_PAGE_MEMBERS), ", ".join(body))
    page: dict[str, object] = {}
    if (configs := body.get("FunctionEventInvokeConfigs")) is not None:
        page["FunctionEventInvokeConfigs"] = _configurations(configs)
    if (marker := body.get("NextMarker")) is not None:
        # boto3 would send any other value back as a parameter, and then refuse its own request.
        if marker and not (isinstance(marker, str) and is_encodable(marker)):
            raise _WrongShape("NextMarker", "a string", marker)
        page["NextMarker"] = marker
    return page


def _configurations(values: object) -> list[FunctionEventInvokeConfig | None]:
    if not isinstance(values, list):
        raise _WrongShape("FunctionEventInvokeConfigs", "a list", values)
    zone = machine_zone()
    configs: list[FunctionEventInvokeConfig | None] = []
    try:
        for value in values:
            configs.append(None if value is None else _configuration(value, zone))
    except _WrongShape as error:
        error.where = f"FunctionEventInvokeConfigs[{len(configs)}]{error.where}"
        raise
    return configs


def _configuration(value: object, zone: Zone) -> FunctionEventInvokeConfig:
    if not isinstance(value, dict):
        raise _WrongShape("", "an object", value)
    config: FunctionEventInvokeConfig = {}
    if (modified := value.get("LastModified")) is not None:
        try:
            config["LastModified"] = parse_timestamp(modified, zone)
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            raise _WrongShape(".LastModified", "a timestamp", modified) from None
    if (arn := value.get("FunctionArn")) is not None:
        config["FunctionArn"] = arn
    if (attempts := value.get("MaximumRetryAttempts")) is not None:
        if type(attempts) is not int:
            attempts = _integer(".MaximumRetryAttempts", attempts)
        config["MaximumRetryAttempts"] = attempts
    if (age := value.get("MaximumEventAgeInSeconds")) is not None:
        if type(age) is not int:
            age = _integer(".MaximumEventAgeInSeconds", age)
        config["MaximumEventAgeInSeconds"] = age
    if (destinations := value.get("DestinationConfig")) is not None:
        config["DestinationConfig"] = _destinations(destinations)
    return config


def _destinations(value: object) -> DestinationConfig:
    if not isinstance(value, dict):
        raise _WrongShape(".DestinationConfig", "an object", value)
    config: DestinationConfig = {}
    if (success := value.get("OnSuccess")) is not None:
        config["OnSuccess"] = _destination(".DestinationConfig.OnSuccess", success)
    if (failure := value.get("OnFailure")) is not None:
        config["OnFailure"] = _destination(".DestinationConfig.OnFailure", failure)
    return config


def _destination(where: str, value: object) -> Any:
    if not isinstance(value, dict):
        raise _WrongShape(where, "an object", value)
    arn = value.get("Destination")
    return {} if arn is None else {"Destination": arn}


def _integer(where: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise _WrongShape(where, "an integer", value) from None


# Error classes with their modeled members, by their names in the body.
MODELED_ERRORS: dict[str, tuple[type[LambdaClientError], tuple[str, ...]]] = {
    "InvalidParameterValueException": (InvalidParameterValueException, ("Type", "message")),
    "ResourceNotFoundException": (ResourceNotFoundException, ("Type", "Message")),
    "ServiceException": (ServiceException, ("Type", "Message")),
    "TooManyRequestsException": (TooManyRequestsException, ("Type", "message", "Reason")),
}


def parse_error(response: Response, retries: Mapping[str, int]) -> LambdaClientError:
    """The exception for a response with status 300 or above.

    retries: what the attempts add to `ResponseMetadata`.

    Never fails, whatever the body is: a load balancer or a proxy may have written it.
    """
    found = _error_members(response)
    found["ResponseMetadata"] = _metadata(response, retries)
    error = cast("dict[str, object]", found["Error"])
    error_class, _ = MODELED_ERRORS.get(cast("str", error["Code"]), (LambdaClientError, ()))
    try:
        return error_class(cast("Any", found), OPERATION)
    except RecursionError:
        error["Message"] = "(nested too deep to be shown)"
        return error_class(cast("Any", found), OPERATION)


def _error_members(response: Response) -> dict[str, object]:
    stripped = response.body.strip()
    if response.status >= 500 and (not stripped or stripped.startswith(b"<html>")):
        message: object = reason_phrases.get(response.status, "")
        return {"Error": {"Code": str(response.status), "Message": message}}
    members = _json_object(response.body.decode(errors="replace"))
    code = _error_code(response, members)
    message = members["message"] if "message" in members else members.get("Message", "")
    found: dict[str, object] = {"Error": {"Message": message, "Code": code}}
    if code in MODELED_ERRORS:
        names = MODELED_ERRORS[code][1]
        found.update({name: members[name] for name in names if members.get(name) is not None})
        if code == "TooManyRequestsException" and "retry-after" in response.headers:
            found["retryAfterSeconds"] = response.headers["retry-after"]
    return found


def _json_object(text: str) -> dict[str, object]:
    if not text:
        return {}
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        members = None
    return members if isinstance(members, dict) else {"message": text}


def _error_code(response: Response, members: Mapping[str, object]) -> str:
    for code in (
        response.headers.get("x-amzn-errortype"),
        members.get("code") if "code" in members else members.get("Code"),
        members.get("__type"),
    ):
        if code is not None:
            return str(code).partition(":")[0].rpartition("#")[2]
    return str(response.status)


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_TEXT = 128  # characters; dateutil takes four times as long for twice as many


class Zone:
    """The machine's time zone: the tzinfo of the results, and its offsets, standard and daylight saving."""

    def __init__(self, standard: timezone, summer: timezone, saved: float) -> None:
        self.shown = tzlocal()
        self.standard = standard
        self.summer = summer
        self.saved = saved  # seconds that daylight saving adds


def machine_zone() -> Zone:
    """The machine's zone, as `time.tzset()` last set it."""
    return _zone(time.timezone, time.altzone, time.daylight, time.tzname)


@lru_cache(maxsize=8)
def _zone(west: int, west_in_summer: int, has_summer: int, _names: tuple[str, str]) -> Zone:
    # The names are only part of the cache key: `tzlocal()` takes them from the time module itself.
    summer = west_in_summer if has_summer else west
    standard, saving = (timezone(timedelta(seconds=-seconds)) for seconds in (west, summer))
    return Zone(standard, saving, west - summer)


def parse_timestamp(value: Any, zone: Zone) -> datetime:
    """The moment that a value of a JSON body stands for; epoch seconds in the given zone.

    Raises TypeError, ValueError, ArithmeticError or AttributeError. The last two come from dateutil, for some
    strings that only look like a date.
    """
    try:
        if isinstance(value, str):
            if len(value) > _MAX_TEXT:
                raise ValueError(f"{len(value)} characters are not a date")
            try:
                return parse_timestamp(float(value), zone)
            except ValueError:
                # Not a number, or not within the calendar's years: "20231114221320" is a date.
                # In London, dateutil would read "GMT" as the machine's zone.
                return parse_date(value, tzinfos={"GMT": tzutc()})
        # The rest is datetime.fromtimestamp(value, tzlocal()), faster.
        moment = datetime.fromtimestamp(value, zone.standard)
        comes_again = False
        if zone.saved:
            if time.localtime(value).tm_isdst:
                moment = datetime.fromtimestamp(value, zone.summer)
            else:
                # An hour after the clocks were put back, the same local time comes a second time.
                comes_again = bool(time.localtime(value - zone.saved).tm_isdst)
        local = datetime.combine(moment, moment.time(), zone.shown)  # a third of what replace() takes
        return local.replace(fold=1) if comes_again else local
    except (OSError, OverflowError):
        # Outside the range of the C library's localtime() on some platforms, or of dateutil.
        return _EPOCH.astimezone(zone.shown) + timedelta(seconds=float(value))
