"""Parameters in, request target out."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from botocore.validate import ParamValidator

from lambda_event_invoke_configs._protocol.request import request_target, validate
from lambda_event_invoke_configs.exceptions import ParamValidationError


@pytest.fixture(scope="module")
def input_shape(boto3_session: Any) -> Any:
    model = boto3_session.get_service_model("lambda")
    return model.operation_model("ListFunctionEventInvokeConfigs").input_shape


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("my-function", "my-function"),
        ("my-fn:$LATEST", "my-fn%3A%24LATEST"),
        ("arn:aws:lambda:us-west-2:123456789012:function:f", None),
        ("a b/c?d#e", "a%20b%2Fc%3Fd%23e"),
        ("..", ".."),
        (".", "."),
        ("é", "%C3%A9"),
        ("-._~", "-._~"),
        ("%41+&=", "%2541%2B%26%3D"),
    ],
)
def test_a_name_is_one_path_segment(name: str, segment: str | None) -> None:
    segment = segment or name.replace(":", "%3A")
    assert (
        request_target({"FunctionName": name}) == f"/2019-09-25/functions/{segment}/event-invoke-config/list"
    )


def test_the_query_is_in_the_order_of_the_parameters_as_boto3s_is() -> None:
    assert request_target({"FunctionName": "f", "Marker": "+/=&% é", "MaxItems": 5}).partition("?")[2] == (
        "Marker=%2B%2F%3D%26%25%20%C3%A9&MaxItems=5"
    )
    assert request_target({"MaxItems": True, "FunctionName": "f", "Marker": ""}).endswith(
        "?MaxItems=True&Marker="
    )


def test_a_member_of_an_enum_is_its_value_as_with_boto3() -> None:
    class Function(str, Enum):
        ORDERS = "orders"

    assert (
        request_target({"FunctionName": Function.ORDERS})
        == "/2019-09-25/functions/orders/event-invoke-config/list"
    )


@pytest.mark.parametrize("params", [{}, {"FunctionName": ""}, {"FunctionName": "", "MaxItems": "x"}])
def test_there_is_no_target_without_a_name_even_where_nothing_is_validated(params: dict[str, Any]) -> None:
    """boto3 with parameter_validation=False sends the request to another path, or fails with KeyError."""
    with pytest.raises(ParamValidationError, match="FunctionName"):
        request_target(params)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"FunctionName": ""},
        {"FunctionName": 1, "MaxItems": 1.5, "Marker": None, "foo": 1, "bar": 2},
        {"foo": 1, "FunctionName": "f", "MaxItems": 0},
        {"FunctionName": "f", "MaxItems": -5, "Marker": b"m"},
        {"FunctionName": "f", "MaxItems": False},
        {"FunctionName": None, "MaxItems": "5"},
        {"Marker": "m"},
    ],
)
def test_all_complaints_come_at_once_in_botocores_words(params: dict[str, Any], input_shape: Any) -> None:
    with pytest.raises(ParamValidationError) as caught:
        validate(params)
    report = ParamValidator().validate(params, input_shape).generate_report()
    assert str(caught.value) == f"Parameter validation failed:\n{report}"


@pytest.mark.parametrize("name", ["FunctionName", "Marker"])
def test_text_that_is_none_is_refused_by_name(name: str) -> None:
    """boto3 fails with a bare UnicodeEncodeError."""
    with pytest.raises(ParamValidationError) as caught:
        validate({"FunctionName": "f", name: "x\ud800"})
    assert str(caught.value) == (
        f"Parameter validation failed:\nInvalid value for parameter {name}, value: 'x\\ud800', "
        "valid values: text that UTF-8 can encode"
    )


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"FunctionName": "x\ud800"}, "UnicodeEncodeError"),
        ({"FunctionName": "f", "MaxItems": 10**5000}, "ValueError"),
    ],
)
def test_what_cannot_be_written_has_no_target_and_is_not_shown(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParamValidationError) as caught:
        request_target(params)
    assert str(caught.value) == (f"Parameter validation failed:\nThe parameters cannot be sent: {reason}")


def test_the_rest_is_the_services_to_refuse_where_nothing_is_validated() -> None:
    assert request_target({"FunctionName": 5, "Marker": None, "MaxItems": 0}) == (
        "/2019-09-25/functions/5/event-invoke-config/list?Marker=None&MaxItems=0"
    )


def test_what_boto3_accepts_is_accepted() -> None:
    validate({"FunctionName": "x" * 1000, "MaxItems": 1000, "Marker": ""})
    validate({"FunctionName": "f", "MaxItems": True})


def test_there_is_no_target_for_a_parameter_that_does_not_exist() -> None:
    """boto3 with parameter_validation=False fails with KeyError."""
    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "Foo"'):
        request_target({"FunctionName": "f", "Foo": 1})
