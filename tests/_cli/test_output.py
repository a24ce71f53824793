"""The output formats, each for itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest
from processes import COMMAND, Run, started
from servers import ScriptedServer, Silence
from servers import page as scripted_page

from lambda_event_invoke_configs._cli.output import FORMATS, output, output_members, query
from lambda_event_invoke_configs.types import ListFunctionEventInvokeConfigsResponse

MODIFIED = datetime(2024, 2, 29, 12, 0, 0, 125000, timezone(timedelta(hours=1)))
CONFIG = {
    "LastModified": MODIFIED,
    "FunctionArn": "arn",
    "MaximumRetryAttempts": 0,
    "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": "queue"}},
}
PAGE = cast(
    "ListFunctionEventInvokeConfigsResponse",
    {"FunctionEventInvokeConfigs": [CONFIG], "NextMarker": "m", "ResponseMetadata": {"RequestId": "r"}},
)


def written(
    capsys: pytest.CaptureFixture[str],
    name: str,
    *pages: dict[str, Any],
    expression: str | None = None,
    token: str | None = None,
) -> str:
    """What a format makes of pages."""
    made = output(name, query(expression) if expression else None)
    for page in pages:
        made.add(page)
    made.end(token)
    return capsys.readouterr().out


def configs(*members: object) -> dict[str, Any]:
    return {"FunctionEventInvokeConfigs": list(members)}


class TestWhatIsShownOfAPage:
    def test_timestamps_are_text(self) -> None:
        [config] = output_members(PAGE, marker=False)["FunctionEventInvokeConfigs"]

        assert config == {**CONFIG, "LastModified": "2024-02-29T12:00:00.125000+01:00"}

    def test_the_marker_is_where_it_is_wanted(self) -> None:
        assert list(output_members(PAGE, marker=False)) == ["FunctionEventInvokeConfigs"]
        assert list(output_members(PAGE, marker=True)) == ["FunctionEventInvokeConfigs", "NextMarker"]

    def test_the_page_stays_as_it_is(self) -> None:
        output_members(PAGE, marker=True)

        assert CONFIG["LastModified"] is MODIFIED


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_written_where_no_page_came(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert written(capsys, name) == ""


class TestJson:
    def test_is_indented_as_the_aws_cli_does(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = written(capsys, "json", configs("a"), configs("b"), token="t")

        assert out == (
            '{\n    "FunctionEventInvokeConfigs": [\n        "a",\n        "b"\n    ],\n'
            '    "NextToken": "t"\n}\n'
        )

    def test_leaves_the_pages_as_they_are(self, capsys: pytest.CaptureFixture[str]) -> None:
        first = configs("a")

        written(capsys, "json", first, configs("b"))

        assert first == configs("a")

    def test_the_token_is_there_for_a_query(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "json", configs(), expression="NextToken", token="t") == '"t"\n'

    @pytest.mark.parametrize("name", ["json", "jsonl"])
    def test_fits_into_any_encoding(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        out = written(capsys, name, configs("é\ud800"), expression="FunctionEventInvokeConfigs[0]")

        assert out.isascii()
        assert json.loads(out) == "é\ud800"


class TestJsonLines:
    def test_are_compact(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "jsonl", configs({"a": 1, "b": [1, 2]}, None)) == '{"a":1,"b":[1,2]}\nnull\n'

    def test_are_none_for_a_page_without_configurations(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "jsonl", {}, configs()) == ""

    def test_of_a_query_that_finds_no_list_are_one_a_page(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "jsonl", configs(), configs(), expression="missing") == "null\nnull\n"

    def test_have_no_room_for_the_token(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "jsonl", configs("a"), token="t") == '"a"\n'


class TestText:
    """Expectations are what awscli 1.45 writes."""

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a", "a\n"),
            (None, "None\n"),
            (True, "True\n"),
            ([], ""),
            ({}, ""),
            (["a", 1, None], "a\t1\tNone\n"),
            ({"b": 2, "a": None}, "None\t2\n"),
            ({"name": ["a", "b"]}, "NAME\ta\nNAME\tb\n"),
            ({"name": {"b": 2, "a": 1}, "x": 0}, "0\nNAME\t1\t2\n"),
            ({"outer": {"inner": {"a": 1}}}, "INNER\t1\n"),
            ([{"a": 1}, {"b": 2}], "1\t\n\t2\n"),
            ({"l": [{"a": 1, "z": {"y": 3}}, {"b": 2}]}, "L\t1\t\nZ\t3\nL\t\t2\n"),
            ([["a", "b"], "x", ["c"]], "x\na\tb\nc\n"),
            ({"l": [["a", "b"], []]}, "L\ta\nL\tb\n"),
        ],
    )
    def test_is_as_the_aws_cli_writes_it(
        self, capsys: pytest.CaptureFixture[str], value: object, text: str
    ) -> None:
        assert written(capsys, "text", {"value": value}, expression="value") == text

    def test_is_written_page_by_page_and_then_the_token(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = written(
            capsys, "text", output_members(PAGE, marker=False), configs({"FunctionArn": "b"}), token="t"
        )

        assert out == (
            "FUNCTIONEVENTINVOKECONFIGS\tarn\t2024-02-29T12:00:00.125000+01:00\t0\n"
            "ONFAILURE\tqueue\n"
            "FUNCTIONEVENTINVOKECONFIGS\tb\n"
            "NEXTTOKEN\tt\n"
        )

    def test_has_no_field_or_line_that_a_value_brought(self, capsys: pytest.CaptureFixture[str]) -> None:
        # awscli writes both.
        assert written(capsys, "text", configs({"a": "1\t2", "b": "3\n4"})) == (
            "FUNCTIONEVENTINVOKECONFIGS\t1\\t2\t3\\n4\n"
        )

    def test_of_what_is_no_configuration_does_not_fail(self, capsys: pytest.CaptureFixture[str]) -> None:
        # awscli does.
        out = written(capsys, "text", configs({"a": 1}, None, ["b"]))

        assert out == "FUNCTIONEVENTINVOKECONFIGS\t1\nNone\nFUNCTIONEVENTINVOKECONFIGS\tb\n"


class TestStreams:
    def test_lines_of_json_are_one_configuration_each(self, listing: Run) -> None:
        ran = listing("--output", "jsonl")

        assert [json.loads(line) for line in ran.lines] == listing().document["FunctionEventInvokeConfigs"]
        assert ran.err == ""

    def test_the_token_of_a_limit_goes_to_standard_error(self, listing: Run) -> None:
        ran = listing("--output", "jsonl", "--max-items", "7")

        assert len(ran.lines) == 7
        assert ran.err == f"NextToken: {listing('--max-items', '7').document['NextToken']}\n"

    def test_text_ends_with_the_token(self, listing: Run) -> None:
        ran = listing("--output", "text", "--max-items", "7")

        assert ran.lines[-1] == f"NEXTTOKEN\t{listing('--max-items', '7').document['NextToken']}"
        assert ran.err == ""

    @pytest.mark.parametrize("output", ["jsonl", "text"])
    def test_a_page_is_written_before_the_next_is_asked_for(
        self, scripted: Callable[..., ScriptedServer], output: str
    ) -> None:
        server = scripted(scripted_page("first", next_marker="m"), Silence())
        command = [*COMMAND, "f", "--endpoint-url", server.url, "--output", output]

        with started(*command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert b"first" in process.stdout.readline()


class TestQuery:
    EXPRESSION = "FunctionEventInvokeConfigs[?MaximumRetryAttempts==`0`].MaximumEventAgeInSeconds"

    def test_is_about_the_whole_result_in_json(self, listing: Run) -> None:
        assert listing("--query", "length(FunctionEventInvokeConfigs)").out == "120\n"

    def test_is_about_each_page_in_a_stream(self, listing: Run) -> None:
        for kind in ("jsonl", "text"):
            assert listing("--query", "length(FunctionEventInvokeConfigs)", "--output", kind).lines == [
                "50",
                "50",
                "20",
            ]

    def test_a_list_is_written_one_a_line_in_jsonl(self, listing: Run) -> None:
        ran = listing("--query", self.EXPRESSION, "--output", "jsonl")

        assert ran.lines == [str(age) for age in range(60, 180, 3)]

    def test_a_list_is_written_on_a_line_a_page_in_text(self, listing: Run) -> None:
        ran = listing("--query", self.EXPRESSION, "--output", "text")

        assert ran.out.split() == [str(age) for age in range(60, 180, 3)]
        assert len(ran.lines) == 3

    def test_a_table_has_the_columns_asked_for(self, listing: Run) -> None:
        query = "FunctionEventInvokeConfigs[].{age: MaximumEventAgeInSeconds}"

        lines = listing("--query", query, "--output", "table", "--max-items", "1").lines

        assert [line.strip("┃│ ") for line in (lines[1], lines[3])] == ["age", "60"]

    def test_can_compare_and_sort_timestamps(self, listing: Run) -> None:
        query = "max_by(FunctionEventInvokeConfigs, &LastModified).LastModified"

        assert listing("--query", query).document == max(
            config["LastModified"] for config in listing().document["FunctionEventInvokeConfigs"]
        )

    @pytest.mark.parametrize("output", FORMATS)
    def test_has_standard_output_to_itself(self, listing: Run, output: str) -> None:
        ran = listing("--query", "FunctionEventInvokeConfigs", "--max-items", "1", "--output", output)

        assert ran.err == f"NextToken: {listing('--max-items', '1').document['NextToken']}\n"
        assert ran.err.split()[1] not in ran.out

    @pytest.mark.parametrize(
        ("expression", "complaint"),
        [
            ("a[", 'Incomplete expression: "a[" ^'),
            ("", "cannot be empty"),
            ("@[1:].{a: lenth(@)}", "Unknown function: lenth()"),
            pytest.param("[" * 3000, "recursion", id="deep"),
        ],
    )
    def test_that_cannot_be_used_is_a_usage_error_before_anything_is_sent(
        self,
        run: Run,
        scripted: Callable[..., ScriptedServer],
        expression: str,
        complaint: str,
    ) -> None:
        server = scripted()

        ran = run("f", "--endpoint-url", server.url, "--query", expression)

        assert (ran.code, ran.out, server.connections) == (252, "", 0)
        assert "argument --query: " in ran.err
        assert complaint in ran.err

    def test_that_turns_out_not_to_fit_is_a_usage_error_too(self, listing: Run) -> None:
        for kind in ("json", "jsonl"):
            ran = listing("--query", "length(`1`)", "--output", kind)

            assert (ran.code, ran.out) == (252, "")
            assert ran.err.startswith("lambda-event-invoke-configs: In function length(), invalid type")
