"""The command's arguments: help, versions, and what does not go together."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path

import processes
import pytest
from processes import Many, Run

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import exit_status
from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli.arguments import make_parser, parse

DOCS = Path(__file__).parents[2] / "docs"


class TestUsage:
    def test_version(self, run: Run) -> None:
        assert run("--version") == (0, f"lambda-event-invoke-configs {eic.__version__}\n", "")

    def test_help_tells_every_option(self, run: Run) -> None:
        ran = run("--help")

        assert ran.code == 0
        for action in make_parser()._actions:
            assert action.help
            assert all(option in ran.out for option in action.option_strings)

    def test_help_is_what_the_page_shows(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        page = (DOCS / "command.md").read_text()

        shown = page.partition("$ lambda-event-invoke-configs --help\n")[2].partition("```")[0]

        assert run("--help") == (0, shown, "")
        assert max(map(len, shown.splitlines())) <= 80

    def test_help_has_examples_that_can_be_used(self, run: Run) -> None:
        text = run("--help").out.partition("examples:")[2].partition("exit codes:")[0]
        examples = re.findall(r"^    .*", text.replace("|\n", "|"), re.MULTILINE)

        assert len(examples) == 4
        for example in examples:
            command = example.partition("|")[2] or example
            name, *argv = shlex.split(command.partition(">")[0])
            assert name == "lambda-event-invoke-configs"
            assert parse(argv)

    def test_help_tells_every_exit_code(self, run: Run) -> None:
        text = run("--help").out.partition("exit codes:")[2]
        codes = {
            value for name, value in vars(exit_status).items() if name.isupper() and isinstance(value, int)
        }

        assert {int(code) for code in re.findall(r"^  (\d+) ", text, re.MULTILINE)} == {0, *codes}

    def test_help_names_a_document_that_is_there(self, run: Run) -> None:
        document = re.search(r"docs/(\S+\.md)", run("--help").out)

        assert document
        assert (DOCS / document[1]).is_file()

    def test_help_loads_nothing_heavy(self) -> None:
        check = (
            "import sys; from lambda_event_invoke_configs._cli.main import main; main(['--help']); "
            "heavy = {'httpx', 'botocore', 'jmespath', 'rich', 'shtab', 'ssl', 'http.server'}; "
            "sys.exit(bool(heavy & {*sys.modules}))"
        )

        assert processes.run(sys.executable, "-c", check).err == ""

    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            ([], "FUNCTION_NAME or --functions-from is required, except with --local"),
            ([""], "FUNCTION_NAME must not be empty"),
            (["--function-name", ""], "FUNCTION_NAME must not be empty"),
            (["f", "--max-items", "many"], "argument --max-items: invalid value: 'many', must be a whole"),
            (
                ["f", "--max-items", "-1"],
                "argument --max-items: invalid value: '-1', must be a whole number, 0 or more",
            ),
            (
                ["f", "--page-size", "0"],
                "argument --page-size: invalid value: '0', must be a whole number, 1 or more",
            ),
            (["f", "--cli-read-timeout", "-1"], "argument --cli-read-timeout: invalid value: '-1'"),
            (
                ["f", "--starting-token", "a___1___2"],
                "argument --starting-token: invalid value: 'a___1___2', must",
            ),
            (
                ["f", "--marker", "m", "--starting-token", "t"],
                "--marker cannot be combined with --starting-token",
            ),
            (["f", "--ca-bundle", "/no/such/file"], "argument --ca-bundle: no such file: '/no/such/file'"),
            (["f", "--output", "yaml"], "argument --output: invalid choice: 'yaml'"),
            (["f", "--color", "sometimes"], "argument --color: invalid choice: 'sometimes'"),
            (["f", "--cli-binary-format", "hex"], "argument --cli-binary-format: invalid choice: 'hex'"),
            (["--print-completion", "tcsh"], "argument --print-completion: invalid choice: 'tcsh'"),
            (["f", "--query", "a["], "argument --query: Invalid jmespath expression: Incomplete"),
            (["f", "--max", "1"], "unrecognized arguments: --max"),
            (["--local", "--profile", "p"], "--local cannot be combined with --profile or --endpoint-url"),
            (
                ["--local", "--endpoint-url", "u"],
                "--local cannot be combined with --profile or --endpoint-url",
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_is_argparses(self, run: Run, argv: list[str], complaint: str) -> None:
        ran = run(*argv)

        assert (ran.code, ran.out) == (252, "")
        assert ran.err.startswith("usage: lambda-event-invoke-configs ")
        assert f"lambda-event-invoke-configs: error: {complaint}" in ran.err

    @pytest.mark.parametrize("name", ["base64", "raw-in-base64-out"])
    def test_takes_the_binary_formats_of_the_aws_cli(self, name: str) -> None:
        assert parse(["f", "--cli-binary-format", name]).cli_binary_format == name

    def test_color_is_auto_unless_chosen(self) -> None:
        assert parse(["f"]).color == "auto"

    def test_arguments_are_the_processs_by_default(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["whatever", "--version"])

        with pytest.raises(SystemExit, match="0"):
            sys.exit(cli.main())

        assert capsys.readouterr().out == f"lambda-event-invoke-configs {eic.__version__}\n"

    def test_the_package_can_be_run_as_a_module(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["whatever", "--version"])

        with pytest.raises(SystemExit, match="0"):
            runpy.run_module("lambda_event_invoke_configs", run_name="__main__")
        runpy.run_module("lambda_event_invoke_configs.__main__", run_name="imported")

        assert capsys.readouterr().out == f"lambda-event-invoke-configs {eic.__version__}\n"


class TestUsageForMany:
    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            (
                ["a", "--functions-from", "f"],
                "--functions-from cannot be combined with FUNCTION_NAME or --local",
            ),
            (
                ["--local", "--functions-from", "f"],
                "--functions-from cannot be combined with FUNCTION_NAME or --local",
            ),
            (["a", "b", "--max-items", "1"], "--max-items is for one function in one region"),
            (["a", "b", "--max-items", "0"], "--max-items is for one function in one region"),
            (["a", "b", "--marker", ""], "--marker is for one function in one region"),
            (["a", "b", "--page-size", "1"], "--page-size is for one function in one region"),
            (["a", "b", "--starting-token", "t"], "--starting-token is for one function in one region"),
            (["a", "--no-paginate", "--output-file", "c"], "--no-paginate is for one function in one region"),
            (["a", "b", "--query", "x"], "--query is for one function in one region"),
            (
                ["a", "b", "--output", "json"],
                "--output json is for one function: the output of many is jsonl",
            ),
            (["a", "b", "--marker", "m"], "--marker is for one function in one region"),
            (
                ["a", "--max-concurrency", "0"],
                "argument --max-concurrency: invalid value: '0', must be a whole",
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_names_what_does_not_go_together(self, many: Many, argv: list[str], complaint: str) -> None:
        code, lines, err = many(*argv)

        assert (code, lines) == (252, [])
        assert complaint in err

    def test_error_names_two_names_of_one_region(self, many: Many) -> None:
        code, lines, err = many("a", "--region", "us-east-1", "--region", "fips-us-east-1")

        assert (code, lines) == (252, [])
        assert "--region us-east-1, fips-us-east-1: two of these are the same" in err

    def test_the_same_region_twice_is_one(self, many: Many) -> None:
        assert len(many("a", "b", "--region", "us-east-1", "--region", "us-east-1")[1]) == 2
