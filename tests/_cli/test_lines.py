"""The lines of many functions: what they hold, and what is recognized as one, whole or torn."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.output_file import is_torn, parse, to_line
from lambda_event_invoke_configs.exceptions import ClientError, ResponseParserError

DESTINATION = st.fixed_dictionaries({}, optional={"Destination": st.text()})
CONFIGURATION = st.fixed_dictionaries(
    {},
    optional={
        "LastModified": st.datetimes(timezones=st.just(timezone.utc)),
        "FunctionArn": st.text(),
        "MaximumRetryAttempts": st.integers(),
        "MaximumEventAgeInSeconds": st.integers(),
        "DestinationConfig": st.fixed_dictionaries(
            {}, optional={"OnSuccess": DESTINATION, "OnFailure": DESTINATION}
        ),
    },
)
ERROR = st.one_of(
    st.builds(ValueError, st.text()),
    st.builds(
        lambda code, message: ClientError({"Error": {"Code": code, "Message": message}}, "Op"),
        st.text(),
        st.text(),
    ),
)
ANY_NAME = st.text(st.characters())  # lone surrogates too: file names and arguments may have them
ANY_TIME = settings(deadline=None, database=None, derandomize=True)
OUTCOME: st.SearchStrategy[Any] = st.one_of(
    st.builds(eic.FunctionOutcome, ANY_NAME, st.lists(st.none() | CONFIGURATION, max_size=3)),
    st.builds(
        eic.FunctionOutcome,
        ANY_NAME,
        st.lists(CONFIGURATION, max_size=2),
        ERROR,
        st.none() | st.text(),
    ),
)
WHOLE = (
    b'{"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[null,{"LastModified":"1970",'
    b'"FunctionArn":"\\u00e9","MaximumRetryAttempts":-1,"DestinationConfig":{"OnSuccess":{},'
    b'"OnFailure":{"Destination":"d"}}}],"Error":{"Code":"c","Message":"m"},"NextToken":"t"}\n'
)


# Not methods: mutmut runs the tests again and again, and Hypothesis refuses a method of another object.
@ANY_TIME
@given(OUTCOME, ANY_NAME)
def test_a_line_is_recognized_with_what_it_says(outcome: Any, region: str) -> None:
    same, line = to_line(outcome, region)

    assert same is outcome
    assert parse(line.text) == line
    assert line.function == (outcome.function_name, region)
    assert line.failed == (outcome.error is not None)
    assert line.text.isascii()


@ANY_TIME
@given(OUTCOME, st.data())
def test_a_line_is_torn_at_each_byte_and_whole_at_its_end_only(outcome: Any, data: Any) -> None:
    text = to_line(outcome, "r")[1].text
    end = data.draw(st.integers(0, len(text) - 1))

    assert is_torn(text[:end])
    assert parse(text[:end]) is None
    assert not is_torn(text)


class TestLine:
    def test_is_torn_at_each_byte_of_everything_that_a_line_may_hold(self) -> None:
        assert parse(WHOLE)
        for end in range(len(WHOLE)):
            assert is_torn(WHOLE[:end]), WHOLE[:end]

    def test_has_the_members_in_one_order(self) -> None:
        modified = datetime(2026, 1, 2, tzinfo=timezone.utc)
        error = ClientError({"Error": {"Code": "c", "Message": "m"}}, "Op")
        outcome = eic.FunctionOutcome("f", [{"LastModified": modified}], error, "t")

        assert to_line(outcome, "r")[1].text == (
            b'{"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":'
            b'[{"LastModified":"2026-01-02T00:00:00+00:00"}],"Error":{"Code":"c","Message":'
            b'"An error occurred (c) when calling the Op operation: m"},"NextToken":"t"}\n'
        )

    @pytest.mark.parametrize("arn", [5, {"a": "b"}, ["a"] * 3], ids=str)
    def test_of_a_response_with_other_types_is_a_failure(self, arn: Any) -> None:
        outcome, line = to_line(eic.FunctionOutcome("f", [{"FunctionArn": arn}]), "r")

        assert isinstance(outcome.error, ResponseParserError)
        assert line.failed
        shown = json.loads(line.text)
        assert shown["FunctionEventInvokeConfigs"] == []
        assert shown["Error"]["Code"] == "ResponseParserError"
        assert "a value that should be a string is not" in shown["Error"]["Message"]

    def test_of_a_response_that_is_nested_too_deep_is_a_failure(self) -> None:
        arn: Any = []
        for _ in range(100_000):
            arn = [arn]

        assert to_line(eic.FunctionOutcome("f", [{"FunctionArn": arn}]), "r")[1].failed


class TestForeign:
    """What looks like a line of this command's, and is not."""

    @pytest.mark.parametrize("byte", [b"\0", b"\n", b"\r", b"\x1b", b"\x7f", b"\xff"], ids=str)
    def test_byte_is_found_anywhere(self, byte: bytes) -> None:
        assert parse(WHOLE)
        for place in range(len(WHOLE) + 1):
            changed = WHOLE[:place] + byte + WHOLE[place:]
            assert parse(changed) is None
            assert not is_torn(changed)

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\n",
            b"null\n",
            WHOLE + WHOLE,
            WHOLE.replace(b":", b": "),
            WHOLE[:-1] + b"\r\n",
            b"\xef\xbb\xbf" + WHOLE,
            WHOLE.replace(b'"r"', b"5"),
            WHOLE.replace(b",{", b",,{"),
            WHOLE.replace(b",{", b"{"),
            WHOLE.replace(b"}]", b"},]"),
            WHOLE.replace(b'"OnSuccess":{},', b'"OnSuccess":{}'),
            WHOLE.replace(b'"d"', b'"d",'),
            WHOLE.replace(b"\\u00e9", b"\xc3\xa9"),
            WHOLE.replace(b"\\u00e9", b"\\u00E9"),
            WHOLE.replace(b"\\u00e9", b"\\x"),
            WHOLE.replace(b'"Code"', b'"code"'),
            WHOLE.replace(b'"t"}', b'"t","Note":1}'),
            WHOLE.replace(b'"Error":{"Code":"c","Message":"m"},', b""),
            b'{"FunctionName":"f","FunctionArn":"a"}\n',
            b'{"Region":"r","FunctionName":"f","FunctionEventInvokeConfigs":[]}\n',
        ],
        ids=str,
    )
    def test_line_is_not_one(self, line: bytes) -> None:
        assert parse(line) is None
        if line:
            assert not is_torn(line)

    @pytest.mark.parametrize(
        "part",
        [
            b"{}",
            b"hello",
            b'{"Functional"',
            b'{"FunctionName":"f","FunctionArn',
            b'{"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[],"Note":"mine',
            b'{"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[{"Other',
            b'{"FunctionName":"f\\u00g',
            b'{"FunctionName":"f\\x',
            WHOLE[:-1] + b"}",
            WHOLE[:-20] + b"\0\0",
        ],
        ids=str,
    )
    def test_part_is_not_the_beginning_of_one(self, part: bytes) -> None:
        assert not is_torn(part)
