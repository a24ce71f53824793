"""The format `table`: as wide as it must be in a file, and readable on a terminal of any width."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from processes import Run
from servers import ScriptedServer
from terminals import COLOR, Terminal

from lambda_event_invoke_configs._cli.output import output, query, table

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders-production:live"
CONFIG = {
    "LastModified": "2026-11-02T09:14:00+00:00",
    "FunctionArn": ARN,
    "MaximumRetryAttempts": 0,
    "MaximumEventAgeInSeconds": 21600,
    "DestinationConfig": {
        "OnSuccess": {"Destination": "arn:aws:sqs:eu-central-1:123456789012:orders-done"},
        "OnFailure": {"Destination": "arn:aws:sns:eu-central-1:123456789012:orders-failed"},
    },
}
ON_A_TERMINAL = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


def rows(drawn: str) -> list[list[str]]:
    lines = [line for line in drawn.splitlines() if line[0] in "┃│"]
    return [[cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]] for line in lines]


class TestInAFile:
    """What is not a terminal."""

    def test_has_the_arn_first_and_short_headings(self) -> None:
        assert rows(table([CONFIG])) == [
            ["Function ARN", "Retries", "Max age (s)", "Modified", "On success", "On failure"],
            [
                ARN,
                "0",
                "21600",
                "2026-11-02T09:14:00+00:00",
                "arn:aws:sqs:eu-central-1:123456789012:orders-done",
                "arn:aws:sns:eu-central-1:123456789012:orders-failed",
            ],
        ]

    def test_names_nested_members_by_their_path(self) -> None:
        assert rows(table([{"a": {"b": {"c": 1}}}])) == [["a.b.c"], ["1"]]

    def test_has_a_column_for_what_only_some_rows_have(self) -> None:
        assert rows(table([{"a": 1}, {"b": None}])) == [["a", "b"], ["1", ""], ["", "None"]]

    def test_numbers_the_columns_of_lists(self) -> None:
        assert rows(table([["a", "b"], ["c"]])) == [["1", "2"], ["a", "b"], ["c", ""]]

    def test_of_one_value_is_one_cell_without_heading(self) -> None:
        assert rows(table(None)) == [["None"]]

    @pytest.mark.parametrize("found", [[], {}, [{}]])
    def test_of_nothing_is_nothing(self, found: object) -> None:
        assert table(found) == ""

    def test_takes_brackets_for_brackets(self) -> None:
        drawn = table([{"[red]": "[bold]:smile:[/bold]"}])

        assert rows(drawn) == [["[red]"], ["[bold]:smile:[/bold]"]]

    def test_folds_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")

        assert rows(table([{"a": "x" * 20_000, "b": "y z " * 100}]))[1] == [
            "x" * 20_000,
            ("y z " * 100).strip(),
        ]

    def test_is_colored_only_if_it_must_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        plain = table([CONFIG])

        assert "\x1b" not in plain + table([CONFIG], color="off")
        monkeypatch.setenv("NO_COLOR", "1")
        colored = table([CONFIG], color="on")
        assert COLOR.sub("", colored) == plain
        assert "\x1b[36mOn failure" in colored
        assert re.findall(r"\x1b\[1m([^\x1b]+)\x1b", colored) == [" ", ARN, " "]


@ON_A_TERMINAL
class TestOnATerminal:
    @pytest.fixture
    def drawn(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """The lines of the table on a terminal that has so many columns."""
        monkeypatch.setenv("TERM", "xterm")

        def drawn(columns: int, found: object, **options: Any) -> list[str]:
            with Terminal(columns) as terminal, monkeypatch.context() as patched:
                patched.setattr(sys, "stdout", terminal.file)
                terminal.file.write(table(found, **options))
            colored = terminal.written
            assert ("\x1b" in colored) is (options.get("color") != "off")
            return COLOR.sub("", colored).splitlines()

        return drawn

    def test_is_a_table_if_that_fits(self, drawn: Callable[..., list[str]]) -> None:
        wide = table([CONFIG]).splitlines()

        assert drawn(len(wide[0]), [CONFIG]) == wide
        assert drawn(len(wide[0]) - 1, [CONFIG]) != wide

    def test_is_otherwise_a_record_each_with_the_destinations_below_each_other(
        self, drawn: Callable[..., list[str]]
    ) -> None:
        bare = {"FunctionArn": f"{ARN}-2", "MaximumRetryAttempts": 1}

        assert drawn(80, [CONFIG, bare]) == [
            ARN,
            "  Retries      0",
            "  Max age (s)  21600",
            "  Modified     2026-11-02T09:14:00+00:00",
            "  On success   arn:aws:sqs:eu-central-1:123456789012:orders-done",
            "  On failure   arn:aws:sns:eu-central-1:123456789012:orders-failed",
            "",
            f"{ARN}-2",
            "  Retries      1",
        ]

    def test_folds_what_does_not_fit_beside_its_label_and_never_the_arn(
        self, drawn: Callable[..., list[str]]
    ) -> None:
        """The terminal wraps the ARN itself, so that it can be copied in one piece."""
        lines = drawn(50, [CONFIG])

        assert lines[0] == ARN
        assert lines[4:6] == [
            "  On success   arn:aws:sqs:eu-central-1:1234567890",
            "               12:orders-done",
        ]
        assert max(map(len, lines[1:])) <= 50

    def test_has_records_of_what_a_query_made_too(self, drawn: Callable[..., list[str]]) -> None:
        assert drawn(30, [{"age": 1, "to": "x" * 40}, {"age": 2}, {}]) == [
            "age  1",
            "to   " + "x" * 25,
            "     " + "x" * 15,
            "",
            "age  2",
            "",
        ]

    def test_has_records_of_what_is_no_configuration_among_those_that_are(
        self, drawn: Callable[..., list[str]]
    ) -> None:
        assert drawn(30, [{"FunctionArn": "x" * 40}, None]) == ["x" * 40, "", "    None"]

    def test_has_records_of_arns_alone_which_may_end_in_any_letter(
        self, drawn: Callable[..., list[str]]
    ) -> None:
        found = [{"FunctionArn": "X" * 40}, {"FunctionArn": "x"}]
        assert drawn(30, found, color="off") == drawn(30, found) == ["X" * 40, "", "x"]

    def test_leaves_room_for_the_values_beside_long_names(self, drawn: Callable[..., list[str]]) -> None:
        lines = drawn(30, {"n" * 40: "v"})

        assert [line.rstrip() for line in lines] == ["n" * 10 + "  v"] + ["n" * 10] * 3

    def test_has_no_colors_if_it_shall_not(self, drawn: Callable[..., list[str]]) -> None:
        assert drawn(80, [CONFIG], color="off")[0] == ARN


class TestTheFormat:
    def test_gathers_pages_and_writes_at_the_end(self, capsys: pytest.CaptureFixture[str]) -> None:
        made = output("table", query("FunctionEventInvokeConfigs[].{a: n}"))
        made.add({"FunctionEventInvokeConfigs": [{"n": 1}]})
        made.add({"FunctionEventInvokeConfigs": [{"n": 2}]})
        assert capsys.readouterr().out == ""
        made.end(None)

        assert rows(capsys.readouterr().out) == [["a"], ["1"], ["2"]]

    def test_has_a_row_a_configuration(self, listing: Run) -> None:
        ran = listing("--output", "table", "--max-items", "3")

        for n, arn in enumerate(listing("--max-items", "3").arns()):
            assert ran.lines[3 + n].startswith(f"│ {arn} │")
        assert ran.err.startswith("NextToken: ")

    @pytest.mark.parametrize(("color", "colored"), [("on", True), ("off", False), ("auto", False)])
    def test_has_the_color_that_is_asked_for(self, listing: Run, color: str, colored: bool) -> None:
        ran = listing("--output", "table", "--max-items", "1", "--color", color)

        assert ("\x1b" in ran.out) is colored

    def test_without_rich_is_refused_before_anything_is_sent(
        self,
        run: Run,
        scripted: Callable[..., ScriptedServer],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] or ["rich"]:
            monkeypatch.setitem(sys.modules, name, None)
        server = scripted()

        ran = run("f", "--endpoint-url", server.url, "--output", "table")

        assert (ran.code, ran.out, server.connections) == (252, "", 0)
        assert ran.err.endswith("needs rich: pip install 'lambda-event-invoke-configs[cli]'\n")
