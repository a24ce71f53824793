"""A response in, a page or an error out, and its timestamps; botocore's own parsers beside ours."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.parsers import ResponseParserError as TheirResponseParserError
from botocore.parsers import create_parser
from botocore.utils import parse_timestamp
from dateutil.tz import tzlocal
from texts import boto3s

from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs._protocol import response as timestamps
from lambda_event_invoke_configs._protocol.response import (
    Response,
    parse_error,
    parse_page,
)


@pytest.fixture(scope="module")
def their_parse(boto3_session: Any) -> Any:
    """botocore's parse of a body with status 200, without the metadata."""
    model = boto3_session.get_service_model("lambda")
    shape = model.operation_model("ListFunctionEventInvokeConfigs").output_shape

    def parse(body: bytes) -> Any:
        parsed = create_parser("rest-json").parse({"body": body, "headers": {}, "status_code": 200}, shape)
        del parsed["ResponseMetadata"]
        return parsed

    return parse


def reply(body: object, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def page(answer: Response) -> dict[str, Any]:
    found: dict[str, Any] = {**parse_page(answer, {})}
    del found["ResponseMetadata"]
    return found


def error_response(answer: Response) -> dict[str, Any]:
    return {**parse_error(answer, {}).response}


def metadata(answer: Response) -> dict[str, Any]:
    found: Any = parse_page(answer, {}) if answer.status < 300 else error_response(answer)
    return found["ResponseMetadata"]


def one(**members: object) -> dict[str, object]:
    return {"FunctionEventInvokeConfigs": [members]}


GOOD = [
    {},
    {"FunctionEventInvokeConfigs": None, "NextMarker": None},
    {"FunctionEventInvokeConfigs": []},
    {"FunctionEventInvokeConfigs": [None, {}], "NextMarker": "m", "Unknown": 1},
    {"NextMarker": ""},
    {"NextMarker": 0},
    one(FunctionArn="a", MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60, New="x"),
    one(FunctionArn=None, MaximumRetryAttempts=None, DestinationConfig=None, LastModified=None),
    one(FunctionArn=5, MaximumRetryAttempts="2", MaximumEventAgeInSeconds=60.9),
    one(MaximumRetryAttempts=True),
    one(DestinationConfig={}),
    one(DestinationConfig={"OnSuccess": {}, "OnFailure": None}),
    one(DestinationConfig={"OnSuccess": {"Destination": "a"}, "OnFailure": {"Destination": "b", "x": 1}}),
    one(LastModified=1700000000.125),
    one(LastModified=0),
    one(LastModified=-1.5),
    one(LastModified=253402214400),
    one(LastModified=True),
    one(LastModified="1700000000.125"),
    one(LastModified="2023-11-14T22:13:20.125Z"),
    one(LastModified="2023-11-14T22:13:20+05:30"),
    one(LastModified="2023-11-14T22:13:20"),
    one(LastModified="Tue, 14 Nov 2023 22:13:20 GMT"),
    one(LastModified="19700101"),
]


@pytest.mark.parametrize("body", GOOD, ids=json.dumps)
def test_a_page_is_what_botocore_makes_of_it(body: object, their_parse: Any) -> None:
    ours, theirs = page(reply(body)), their_parse(json.dumps(body).encode())
    assert ours == theirs
    # Equal moments are equal in every zone: compare what is written, too.
    assert repr(ours) == repr(theirs)


BAD = [
    (b"<html>busy</html>", "not JSON"),
    (b"", "not JSON"),
    (b'{"FunctionEventInvokeConfigs": [', "not JSON"),
    (b"\xff\xfe", "not JSON"),
    ("{}".encode("utf-16"), "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"NextMarker": ' + b"9" * 5000 + b"}", "not JSON"),
    ([], "at the top: expected an object, got a list"),
    (None, "at the top: expected an object, got null"),
    ("x" * 100, f'at the top: expected an object, got "{"x" * 59}...'),
    ("x" * 59, f'at the top: expected an object, got "{"x" * 59}...'),
    (
        {"FunctionEventInvokeConfigs": {"a": 1}},
        "at FunctionEventInvokeConfigs: expected a list, got an object",
    ),
    ({"FunctionEventInvokeConfigs": "ab"}, 'at FunctionEventInvokeConfigs: expected a list, got "ab"'),
    ({"FunctionEventInvokeConfigs": [{}, 5]}, "at FunctionEventInvokeConfigs[1]: expected an object, got 5"),
    (
        {"message": "Internal server error", "requestId": "1"},
        'at the top: expected FunctionEventInvokeConfigs or NextMarker, got "message, requestId"',
    ),
    (one(LastModified=[]), "at FunctionEventInvokeConfigs[0].LastModified: expected a timestamp, got a list"),
    (one(LastModified={}), "expected a timestamp"),
    (one(LastModified="yesterday"), "expected a timestamp"),
    (one(LastModified="nan"), "expected a timestamp"),
    (one(LastModified=float("inf")), "expected a timestamp"),
    (one(LastModified=1e20), "expected a timestamp"),
    (one(LastModified=10**400), "expected a timestamp"),
    (one(LastModified=1e12), "expected a timestamp"),
    (one(MaximumRetryAttempts=[]), "MaximumRetryAttempts: expected an integer, got a list"),
    (one(MaximumRetryAttempts="two"), 'expected an integer, got "two"'),
    (
        one(MaximumEventAgeInSeconds=float("inf")),
        "at FunctionEventInvokeConfigs[0].MaximumEventAgeInSeconds: expected an integer, got Infinity",
    ),
    (one(DestinationConfig=[]), "DestinationConfig: expected an object, got a list"),
    (one(DestinationConfig={"OnSuccess": 5}), "DestinationConfig.OnSuccess: expected an object, got 5"),
    (one(DestinationConfig={"OnFailure": "arn"}), "DestinationConfig.OnFailure: expected an object"),
]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"x-amzn-errortype": "Busy"}, "status 200 with the error type Busy"),
        ({"content-type": "text/x"}, r"the body \(6 bytes, text/x\) is not JSON: Expecting value: "),
        ({}, r"the body \(6 bytes, no content type\) is not JSON: Expecting value: "),
    ],
)
def test_what_is_no_page_is_described(headers: dict[str, str], said: str) -> None:
    answer = reply(b"<html>", **headers)
    with pytest.raises(exceptions.ResponseParserError, match=f"^Unable to parse the response: {said}"):
        page(answer)


@pytest.mark.parametrize(("body", "complaint"), BAD, ids=str)
def test_what_is_no_page_is_an_error_that_says_where(body: object, complaint: str, their_parse: Any) -> None:
    """boto3 makes an empty page of the former ones, and fails with a bare Python error on the rest."""
    answer = reply(body, content_type="text/x")
    with pytest.raises(exceptions.ResponseParserError) as caught:
        page(answer)
    assert complaint in caught.value.args[0]
    assert isinstance(caught.value, TheirResponseParserError)
    try:
        assert their_parse(answer.body) == {}
    except (AttributeError, TypeError, ValueError, OverflowError, RuntimeError) as bare:
        assert not isinstance(bare, TheirResponseParserError)


def test_a_value_of_sixty_characters_is_shown_whole() -> None:
    with pytest.raises(exceptions.ResponseParserError) as caught:
        page(reply("x" * 58))
    assert caught.value.args[0].endswith(f'got "{"x" * 58}"')


@pytest.mark.parametrize("marker", [5, ["m"], {"m": 1}, True])
def test_a_next_marker_that_is_no_string_is_an_error(marker: object) -> None:
    """boto3 sends it back, and then complains that it is no string."""
    with pytest.raises(exceptions.ResponseParserError) as caught:
        page(reply({"NextMarker": marker}))
    got = {list: "a list", dict: "an object"}.get(type(marker)) or json.dumps(marker)
    said = f"Unable to parse the response: at NextMarker: expected a string, got {got}"
    assert caught.value.args[0] == said
    with pytest.raises(exceptions.ResponseParserError, match="at NextMarker"):
        page(reply(b'{"NextMarker": "\\ud800"}'))


class TestMetadata:
    def test_has_the_request_id_the_status_and_the_headers(self) -> None:
        assert metadata(reply({}, x_amzn_requestid="r", x="y")) == {
            "RequestId": "r",
            "HTTPStatusCode": 200,
            "HTTPHeaders": {"x-amzn-requestid": "r", "x": "y"},
        }

    def test_takes_the_other_request_id_from_a_success_as_boto3_does(self) -> None:
        found = metadata(reply({}, x_amz_request_id="r", x_amz_id_2="h"))
        assert (found["RequestId"], found["HostId"]) == ("r", "h")
        assert metadata(reply({}, x_amz_request_id="r"))["HostId"] == ""
        for status in (300, 404):
            assert "RequestId" not in metadata(reply({}, status, x_amz_request_id="r"))


def error_of(answer: Response) -> dict[str, Any]:
    return error_response(answer)["Error"]


class TestErrors:
    @pytest.mark.parametrize(
        ("body", "headers", "code", "message"),
        [
            ({"message": "m"}, {"x_amzn_errortype": "A:http://x"}, "A", "m"),
            ({"Message": "m"}, {"x_amzn_errortype": "ns#A"}, "A", "m"),
            ({"code": "ns#A:u", "message": "m"}, {}, "A", "m"),
            ({"Code": "A", "__type": "B"}, {}, "A", ""),
            ({"code": None, "Code": "A", "__type": "ns#B"}, {}, "B", ""),
            ({"__type": "ns#B:u"}, {}, "B", ""),
            ({"__type": "a#b#B:u:v"}, {}, "B", ""),
            ({"message": None, "Message": "m"}, {}, "404", None),
            ({"code": 5}, {}, "5", ""),
            ({}, {}, "404", ""),
            (b"", {}, "404", ""),
            (b"plain text", {}, "404", "plain text"),
            (b"\xff", {}, "404", "\ufffd"),
            ([1], {}, "404", "[1]"),
            (b"null", {}, "404", "null"),
            (b"[" * 100_000, {}, "404", "[" * 100_000),
        ],
    )
    def test_code_and_message_wherever_they_are(
        self, body: object, headers: dict[str, str], code: str, message: str | None
    ) -> None:
        assert error_of(reply(body, 404, **headers)) == {"Code": code, "Message": message}

    @pytest.mark.parametrize("body", [b"", b" \r\n", b" <html>busy</html>"])
    def test_a_generic_5xx_is_named_by_its_status(self, body: bytes) -> None:
        answer = reply(body, 502, x_amzn_errortype="ServiceException")
        assert error_of(answer) == {"Code": "502", "Message": "Bad Gateway"}
        assert error_of(reply(body, 599)) == {"Code": "599", "Message": ""}
        assert error_of(reply(body, 500))["Message"] == "Internal Server Error"
        assert error_response(answer)["ResponseMetadata"] == metadata(answer)

    def test_a_5xx_that_the_service_wrote_keeps_its_code_and_message(self) -> None:
        answer = reply({"Message": "m"}, 503, x_amzn_errortype="ServiceException")
        assert error_of(answer) == {"Code": "ServiceException", "Message": "m"}

    @pytest.mark.parametrize(
        ("code", "body", "modeled"),
        [
            ("ResourceNotFoundException", {"Type": "User", "Message": "m"}, {"Type": "User", "Message": "m"}),
            ("ResourceNotFoundException", {"message": "m"}, {}),
            ("InvalidParameterValueException", {"message": "m", "x": 1}, {"message": "m"}),
            ("ServiceException", {"Message": None}, {}),
            (
                "TooManyRequestsException",
                {"message": "m", "Reason": "CallerRateLimitExceeded", "Type": "User"},
                {
                    "message": "m",
                    "Reason": "CallerRateLimitExceeded",
                    "Type": "User",
                    "retryAfterSeconds": "3",
                },
            ),
            ("SomethingElse", {"Type": "User"}, {}),
        ],
    )
    def test_modeled_members_are_in_the_response(self, code: str, body: object, modeled: object) -> None:
        found = error_response(reply(body, 400, x_amzn_errortype=code, retry_after="3"))
        del found["Error"], found["ResponseMetadata"]
        assert found == modeled

    def test_a_throttling_without_retry_after_has_no_seconds(self) -> None:
        assert "retryAfterSeconds" not in error_response(reply({"code": "TooManyRequestsException"}, 429))

    @pytest.mark.parametrize(
        "name",
        [
            "ServiceException",
            "ResourceNotFoundException",
            "InvalidParameterValueException",
            "TooManyRequestsException",
        ],
    )
    def test_a_known_code_has_its_class(self, name: str) -> None:
        error = parse_error(reply({"code": name, "message": "m"}, 400), {})
        assert type(error) is getattr(exceptions, name)
        assert boto3s(error) == (
            f"An error occurred ({name}) when calling the ListFunctionEventInvokeConfigs operation: m"
        )

    def test_a_message_too_deep_to_be_printed_is_replaced_in_an_error_that_is_otherwise_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class TooDeep:
            def __str__(self) -> str:
                raise RecursionError

        members = {"code": "ServiceException", "Type": "Service", "message": TooDeep()}
        monkeypatch.setattr(json, "loads", lambda _: members)
        error = parse_error(reply({}, 400), {"RetryAttempts": 2})
        assert type(error) is exceptions.ServiceException
        assert str(error) == (
            "An error occurred (ServiceException) when calling the ListFunctionEventInvokeConfigs "
            "operation: (nested too deep to be shown)"
        )
        assert error.response["Type"] == "Service"  # type: ignore[typeddict-item]
        assert error.response["ResponseMetadata"]["RetryAttempts"] == 2

    def test_another_code_is_a_plain_client_error(self) -> None:
        assert type(parse_error(reply({"code": "A"}, 400), {})) is exceptions.LambdaClientError


ZONES = [
    "UTC",
    "America/New_York",
    "America/St_Johns",  # its clocks used to change at one minute past midnight
    "Europe/London",
    "Europe/Dublin",  # its winter time is the one that is "saved"
    "Europe/Volgograd",
    "Asia/Kolkata",
    "Asia/Almaty",
    "Australia/Lord_Howe",  # its summer time adds half an hour
    "America/Nuuk",
    "Africa/Casablanca",
    "Pacific/Apia",
    "EST5EDT,M3.2.0,M11.1.0",
]


def moments() -> Iterator[float]:
    chance = random.Random(1)
    day = 86_400
    for n in range(0, 60 * 365, 11):  # 1970 to 2030, each day of the year
        yield n * day + chance.randrange(day) + chance.choice([0, 0.5, 0.123456789])
    # Every hour and minute around where the clocks change in one zone or another.
    for change in (
        1572760800,
        1604210400,
        1615708800,
        1616893200,
        1635642000,
        1667696400,
        1709222400,
        1711846800,
    ):
        for minute in {
            *range(-180, 180, 15),
            *(hour + near for hour in (-60, -30, 0, 30, 60) for near in (-1, 1)),
        }:
            yield change + 60 * minute
    yield from (0, -1, -0.5, -1.5, 1e9, 4e9, 1e10, -1e9, -5e9, 253402214399)


@pytest.mark.parametrize("zone", ZONES, indirect=True)
def test_epoch_seconds_are_what_dateutil_makes_of_them(zone: str) -> None:
    for seconds in moments():
        ours, theirs = (
            timestamps.parse_timestamp(seconds, timestamps.machine_zone()),
            datetime.fromtimestamp(seconds, tzlocal()),
        )
        # Not ours == theirs: to Python, two moments in an hour that comes twice are never equal unless
        # they share one tzinfo object, and dateutil makes one for each.
        assert as_written(ours) == as_written(theirs)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"], indirect=True)
@pytest.mark.parametrize(
    "text",
    [
        "1700000000.125",
        "0",
        "2023-11-14T22:13:20.125Z",
        "2023-07-14T22:13:20+05:30",
        "2023-07-14T22:13:20",
        "20231114221320",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Fri, 14 Jul 2023 22:13:20 GMT",
    ],
)
def test_text_is_what_botocore_makes_of_it_wherever_the_machine_is(zone: str, text: str) -> None:
    assert as_written(timestamps.parse_timestamp(text, timestamps.machine_zone())) == as_written(
        parse_timestamp(text)
    )


def test_text_that_is_too_long_for_a_date_is_none() -> None:
    """dateutil would take hours for what fits into a response."""
    zone = timestamps.machine_zone()
    padded = "2023-11-14T22:13:20Z".ljust(128)
    assert timestamps.parse_timestamp(padded, zone) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    for text in (padded + " ", "1." * 8_000_000, "1" * 8_000_000):
        with pytest.raises(ValueError, match=f"^{len(text)} characters are not a date$"):
            timestamps.parse_timestamp(text, zone)


@pytest.mark.parametrize("zone", ["Asia/Kolkata"], indirect=True)
def test_text_of_the_year_0_is_counted_from_the_epoch_where_it_is_the_year_1_already(zone: str) -> None:
    text = "-62135596801"
    assert as_written(timestamps.parse_timestamp(text, timestamps.machine_zone())) == as_written(
        parse_timestamp(text)
    )


def as_written(moment: datetime) -> tuple[object, ...]:
    return repr(moment), moment.fold, moment.utcoffset(), moment.dst(), moment.tzname(), type(moment.tzinfo)


def test_a_moment_beyond_the_c_librarys_is_counted_from_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLocaltime(datetime):
        @classmethod
        def fromtimestamp(cls, *_: object) -> Any:
            raise OSError

    monkeypatch.setattr(timestamps, "datetime", NoLocaltime)
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert timestamps.parse_timestamp(-1e10, timestamps.machine_zone()) == epoch + timedelta(seconds=-1e10)
    assert timestamps.parse_timestamp(5, timestamps.machine_zone()).tzinfo == tzlocal()
