"""Converts the parameters of the operation to the request target.

    GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list?Marker=...&MaxItems=...

Source: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from ..exceptions import ParamValidationError

OPERATION = "ListFunctionEventInvokeConfigs"
METHOD_NAME = "list_function_event_invoke_configs"

_PARAMETERS = {"FunctionName": str, "Marker": str, "MaxItems": int}
_QUERY_PARAMETERS = ("Marker", "MaxItems")


def validate(params: Mapping[str, object]) -> None:
    """Validate the parameters as far as possible without the service.

    Raises ParamValidationError with all errors in one report, in boto3's order and words. As with boto3, the
    service validates upper limits and patterns.
    """
    report = []
    if "FunctionName" not in params:
        report.append('Missing required parameter in input: "FunctionName"')
    report += [
        f'Unknown parameter in input: "{name}", must be one of: {", ".join(_PARAMETERS)}'
        for name in params
        if name not in _PARAMETERS
    ]
    for name, value in params.items():
        if name not in _PARAMETERS:
            continue
        if not isinstance(value, _PARAMETERS[name]):
            report.append(
                f"Invalid type for parameter {name}, value: {value}, type: {type(value)}, "
                f"valid types: {_PARAMETERS[name]}"
            )
        elif name == "FunctionName" and not value:
            report.append("Invalid length for parameter FunctionName, value: 0, valid min length: 1")
        elif name == "MaxItems" and cast("int", value) < 1:
            report.append(f"Invalid value for parameter MaxItems, value: {value}, valid min value: 1")
        elif isinstance(value, str) and not is_encodable(value):
            report.append(
                f"Invalid value for parameter {name}, value: {value!a}, "
                "valid values: text that UTF-8 can encode"
            )
    if report:
        raise ParamValidationError(report="\n".join(report))


def is_encodable(text: str) -> bool:
    # A lone surrogate is valid in a Python str and in JSON, but UTF-8 cannot encode it.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def request_target(params: Mapping[str, object]) -> str:
    """The request target below the endpoint: path and query, percent-encoded (RFC 3986, section 2).

    The query parameters are in the order of `params`, as with boto3.

    Raises ParamValidationError for parameters that cannot be sent even if validation is off: an unknown
    parameter, or a missing FunctionName, because the path would belong to another operation.
    """
    if not params.get("FunctionName") or not params.keys() <= _PARAMETERS.keys():
        validate(params)
    try:
        path = f"/2019-09-25/functions/{_encode(params['FunctionName'])}/event-invoke-config/list"
        query = "&".join(
            f"{name}={_encode(value)}" for name, value in params.items() if name in _QUERY_PARAMETERS
        )
    except ValueError as error:
        # A string that UTF-8 cannot encode, or an int with more digits than Python converts to a string.
        report = f"The parameters cannot be sent: {type(error).__name__}"
        raise ParamValidationError(report=report) from None
    return f"{path}?{query}" if query else path


def _encode(value: object) -> str:
    # str() of a (str, Enum) member returns its name, but boto3 sends its value.
    return quote(value if isinstance(value, str) else str(value), safe="-._~")
