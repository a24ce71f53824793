"""The command's arguments: help, versions, and what does not go together."""

from __future__ import annotations

import runpy
import sys

import processes
import pytest
from processes import Many, Run

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import main as cli


class TestUsage:
    def test_version(self, run: Run) -> None:
        assert run("--version") == (0, f"lambda-event-invoke-configs {eic.__version__}\n", "")

    def test_help_tells_every_option(self, run: Run) -> None:
        ran = run("--help")

        assert ran.code == 0
        for option in ("--max-items", "--starting-token", "--cli-read-timeout", "--local", "FUNCTION_NAME"):
            assert option in ran.out

    def test_help_loads_nothing_heavy(self) -> None:
        check = (
            "import sys; from lambda_event_invoke_configs._cli.main import main; main(['--help']); "
            "sys.exit(bool({'httpx', 'botocore', 'jmespath', 'rich', 'ssl', 'http.server'} & {*sys.modules}))"
        )

        assert processes.run(sys.executable, "-c", check).err == ""

    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            ([], "FUNCTION_NAME or --functions-from is required, except with --local"),
            (["f", "--function-name", "f"], "FUNCTION_NAME is given twice"),
            (["f", "--max-items", "many"], "argument --max-items: invalid int value: 'many'"),
            (["f", "--output", "yaml"], "argument --output: invalid choice: 'yaml'"),
            (["f", "--max", "1"], "unrecognized arguments: --max"),
            (["--local", "--profile", "p"], "--local takes neither --profile nor --endpoint-url"),
            (["--local", "--endpoint-url", "u"], "--local takes neither --profile nor --endpoint-url"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_is_argparses(self, run: Run, argv: list[str], complaint: str) -> None:
        ran = run(*argv)

        assert (ran.code, ran.out) == (252, "")
        assert ran.err.startswith("usage: lambda-event-invoke-configs ")
        assert f"lambda-event-invoke-configs: error: {complaint}" in ran.err

    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            ([""], "Parameter validation failed: Invalid length for parameter FunctionName"),
            (["f", "--page-size", "0"], "Invalid value for parameter MaxItems, value: 0"),
            (["f", "--max-items", "-1"], "Invalid value for parameter PaginationConfig.MaxItems"),
            (["f", "--starting-token", "a___1___2"], "Bad starting token: a___1___2"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_may_be_the_librarys(self, listing: Run, run: Run, argv: list[str], complaint: str) -> None:
        ran = run(*argv)

        assert (ran.code, ran.out) == (252, "")
        assert ran.err.startswith("lambda-event-invoke-configs: ")
        assert complaint in ran.err
        assert ran.err.count("\n") == 1

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
            (["a", "--functions-from", "f"], "--functions-from takes neither FUNCTION_NAME nor --local"),
            (
                ["--local", "--functions-from", "f"],
                "--functions-from takes neither FUNCTION_NAME nor --local",
            ),
            (["a", "b", "--function-name", "c"], "FUNCTION_NAME is given twice"),
            (["a", "b", "--max-items", "1"], "--max-items is for one function in one region"),
            (["a", "b", "--page-size", "1"], "--page-size is for one function in one region"),
            (["a", "b", "--starting-token", "t"], "--starting-token is for one function in one region"),
            (["a", "--no-paginate", "--output-file", "c"], "--no-paginate is for one function in one region"),
            (["a", "b", "--query", "x"], "--query is for one function in one region"),
            (
                ["a", "b", "--output", "json"],
                "--output json is for one function: the output of many is jsonl",
            ),
            (["a", "--max-concurrency", "0"], "--max-concurrency: invalid value: 0, must be 1 or more"),
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
