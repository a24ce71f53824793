"""The output formats, each for itself."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

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

    def test_of_what_is_no_configuration_does_not_fail(self, capsys: pytest.CaptureFixture[str]) -> None:
        # awscli does.
        out = written(capsys, "text", configs({"a": 1}, None, ["b"]))

        assert out == "FUNCTIONEVENTINVOKECONFIGS\t1\nNone\nFUNCTIONEVENTINVOKECONFIGS\tb\n"


class TestTable:
    @staticmethod
    def rows(out: str) -> list[list[str]]:
        lines = [line for line in out.splitlines() if line[0] in "┃│"]
        return [[cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]] for line in lines]

    def test_names_nested_members_by_their_path(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.rows(written(capsys, "table", output_members(PAGE, marker=False))) == [
            [
                "LastModified",
                "FunctionArn",
                "MaximumRetryAttempts",
                "DestinationConfig.OnFailure.Destination",
            ],
            ["2024-02-29T12:00:00.125000+01:00", "arn", "0", "queue"],
        ]

    def test_has_a_column_for_what_only_some_rows_have(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.rows(written(capsys, "table", configs({"a": 1}), configs({"b": None}))) == [
            ["a", "b"],
            ["1", ""],
            ["", "None"],
        ]

    def test_numbers_the_columns_of_lists(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = written(capsys, "table", {"rows": [["a", "b"], ["c"]]}, expression="rows")

        assert self.rows(out) == [["1", "2"], ["a", "b"], ["c", ""]]

    def test_of_one_value_is_one_cell(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.rows(written(capsys, "table", configs(), expression="missing")) == [[""], ["None"]]

    def test_of_nothing_is_not_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert written(capsys, "table", configs()) == ""

    def test_takes_brackets_for_brackets(self, capsys: pytest.CaptureFixture[str]) -> None:
        out = written(capsys, "table", configs({"[red]": "[bold]:smile:[/bold]"}))

        assert self.rows(out) == [["[red]"], ["[bold]:smile:[/bold]"]]

    def test_is_as_wide_as_it_must_be_in_a_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.rows(written(capsys, "table", configs({"a": "x" * 300})))[1] == ["x" * 300]

    def test_is_folded_in_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            encoding = "utf-8"

            def isatty(self) -> bool:
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("TERM", "xterm")
        made = output("table", None)

        made.add(configs({"a": "x" * 300}))
        made.end(None)

        lines = re.sub(r"\x1b\[\d*m", "", terminal.getvalue()).splitlines()
        assert max(map(len, lines)) == 40
        assert sum(line.count("x") for line in lines) == 300
