"""The command for many functions: its lines and its names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from account import Account
from crowd import CrowdServer
from processes import COMMAND, INTERRUPTIBLE_COMMAND, Many, Run, started
from servers import Raw, ScriptedServer, page

from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli import many as many_functions


def named(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((line["FunctionName"], line["Region"]) for line in lines)


class TestLines:
    def test_are_one_for_each_function(self, many: Many) -> None:
        code, lines, err = many("a", "b", "c")

        assert (code, err) == (0, "3 functions, 3 configurations, none failed\n")
        assert named(lines) == [(name, "us-east-1") for name in "abc"]
        line = next(line for line in lines if line["FunctionName"] == "a")
        (found,) = line["FunctionEventInvokeConfigs"]
        assert found["FunctionArn"] == "a"
        assert datetime.fromisoformat(found["LastModified"]).timestamp() == 1

    def test_are_one_for_each_region(self, many: Many, account: Account) -> None:
        code, lines, _ = many("regional", "b", "--region", "eu-west-1", "--region", "us-west-2")

        assert code == 0
        assert named(lines) == [(n, r) for n in ("b", "regional") for r in ("eu-west-1", "us-west-2")]
        asked = [region for region, name, _ in account.seen()["asked"] if name == "regional"]
        assert sorted(asked) == ["eu-west-1", "us-west-2"]

    def test_are_there_for_names_that_look_like_options(self, many: Many) -> None:
        assert [name for name, _ in named(many("a", "--", "-b", "--local")[1])] == ["--local", "-b", "a"]
        assert [name for name, _ in named(many("--", "-b", "--local")[1])] == ["--local", "-b"]

    @pytest.mark.parametrize("options", [["--max-concurrency", "1"], ["--output", "jsonl", "b"]], ids=str)
    def test_come_of_one_function_too_if_an_option_is_theirs(self, many: Many, options: list[str]) -> None:
        assert many("a", *options)[1][0]["FunctionName"] in "ab"

    def test_of_as_many_functions_in_each_region_are_under_way_at_the_same_time(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each region has a rate limit of its own. The server answers neither before both have asked."""
        regions = ["--region", "us-east-1", "--region", "us-west-2", "--max-concurrency", "1"]
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with CrowdServer() as server:
            ran = run("meets-2", *regions, "--endpoint-url", server.url)

        assert (ran.code, len(ran.lines)) == (0, 2)

    def test_of_a_failure_have_its_code_what_came_and_a_token(self, many: Many) -> None:
        name = f"breaks-1-{os.urandom(4).hex()}-pages-3"
        code, lines, err = many(name, "missing-1", "c")

        failed = {line["FunctionName"]: line for line in lines}
        assert code == 1
        assert err == (
            "3 functions, 2 configurations, "
            "2 failed: 1 InvalidParameterValueException, 1 ResourceNotFoundException\n"
        )
        assert [f["FunctionArn"] for f in failed[name]["FunctionEventInvokeConfigs"]] == [f"{name}:0"]
        assert failed[name]["Error"]["Code"] == "InvalidParameterValueException"
        assert failed["missing-1"]["Error"]["Code"] == "ResourceNotFoundException"
        assert "Function not found: missing-1" in failed["missing-1"]["Error"]["Message"]
        assert "NextToken" not in failed["missing-1"]
        assert "Error" not in failed["c"]
        again = many(name, "--starting-token", failed[name]["NextToken"], "--output", "jsonl")
        assert [found["FunctionArn"] for found in again[1]] == [f"{name}:1", f"{name}:2"]

    def test_of_what_is_no_answer_of_the_services_have_the_errors_name(self, many: Many) -> None:
        _, lines, _ = many("", "b")

        assert {line.get("Error", {}).get("Code") for line in lines} == {"ParamValidationError", None}

    def test_of_a_connection_that_fails_have_the_errors_name(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(*[Raw(b"")] * 3, page("b"))

        ran = run("a", "b", "--max-concurrency", "1", "--endpoint-url", server.url)

        assert [json.loads(line).get("Error", {}).get("Code") for line in ran.lines] == [
            "ConnectionClosedError",
            None,
        ]

    def test_are_made_up_with_local(self, many: Many, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--local", "a", "b"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [len(line["FunctionEventInvokeConfigs"]) for line in lines] == [120, 120]


class TestNames:
    def test_are_the_lines_of_a_file_but_for_blank_ones(self, many: Many, tmp_path: Path) -> None:
        (tmp_path / "names").write_text("\ufeffa\n\n  b  \r\n\nc", encoding="utf-8")

        assert [name for name, _ in named(many("--functions-from", str(tmp_path / "names"))[1])] == [
            "a",
            "b",
            "c",
        ]

    def test_are_separated_by_any_white_space(self, many: Many, tmp_path: Path) -> None:
        """`aws lambda list-functions --output text` prints them with tabs."""
        (tmp_path / "names").write_text("a\tb c\r\n\n d\te", encoding="utf-8")

        assert [name for name, _ in named(many("--functions-from", str(tmp_path / "names"))[1])] == list(
            "abcde"
        )

    @pytest.mark.parametrize("size", range(1, 9))
    def test_are_whole_wherever_a_read_ends(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int
    ) -> None:
        monkeypatch.setattr(many_functions, "_CHUNK", size)
        (tmp_path / "names").write_text("\ufefffirst\tseçond  \n\nthird", encoding="utf-8")

        with many_functions.names_from(str(tmp_path / "names")) as names:
            assert list(names) == ["first", "seçond", "third"]

    def test_may_come_from_standard_input(
        self, many: Many, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "names").write_text("\ufeffa\nb\n", encoding="utf-8")
        with open(tmp_path / "names") as file:
            monkeypatch.setattr(sys, "stdin", file)

            assert [name for name, _ in named(many("--functions-from", "-")[1])] == ["a", "b"]

    @pytest.mark.parametrize("concurrency", ["1", "2", "30"])
    def test_are_read_as_they_are_needed_and_lines_written_as_they_come(
        self, account: Account, concurrency: str
    ) -> None:
        command = [*COMMAND, "--functions-from", "-", "--max-concurrency", concurrency]
        command += ["--endpoint-url", account.url]
        with started(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            for names in ["a\nb\n", "c\t"]:
                process.stdin.write(names)
                process.stdin.flush()
                lines = [json.loads(process.stdout.readline()) for _ in names.split()]
                assert sorted(line["FunctionName"] for line in lines) == names.split()
            process.communicate("")
        assert process.returncode == 0

    @pytest.mark.skipif(os.name == "nt", reason="there are no such files")
    @pytest.mark.parametrize("kind", ["pipe", "named pipe"])
    def test_that_are_waited_for_do_not_hold_up_an_interrupt(
        self, account: Account, tmp_path: Path, kind: str
    ) -> None:
        path = "-"
        if kind == "named pipe":
            path = str(tmp_path / "names")
            os.mkfifo(path)
        command = [*INTERRUPTIBLE_COMMAND, "--functions-from", path, "--endpoint-url", account.url]
        pipes = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
        with started(*command, **pipes, text=True) as process:
            assert process.stdin
            assert process.stdout
            # For writing alone, it would wait for a reader. A process that fails is none.
            opener = lambda path, _: os.open(path, os.O_RDWR)  # noqa: E731
            with open(path, "w", opener=opener) if kind == "named pipe" else process.stdin as names:
                names.write("a\n")
                names.flush()
                assert json.loads(process.stdout.readline())["FunctionName"] == "a"
                process.send_signal(signal.SIGINT)
                assert process.wait() == 130
            assert process.stderr
            assert process.stderr.read().splitlines() == [
                "1 function, 1 configuration, none failed",
                "lambda-event-invoke-configs: interrupted",
            ]

    @pytest.mark.parametrize("source", ["file", "standard input"])
    def test_that_are_no_utf_8_are_a_failure(
        self, many: Many, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
    ) -> None:
        (tmp_path / "names").write_bytes(b"a\n\xff\n")
        with open(tmp_path / "names") as file:
            monkeypatch.setattr(sys, "stdin", file)
            code, _, err = many("--functions-from", "-" if source == "standard input" else file.name)

        assert code == 252
        assert "argument --functions-from: the names are not in UTF-8: " in err
        assert "can't decode byte 0xff" in err

    def test_of_a_file_that_is_not_there_are_a_failure(self, many: Many, tmp_path: Path) -> None:
        code, lines, err = many("--functions-from", str(tmp_path / "none"))

        assert (code, lines) == (252, [])
        assert "argument --functions-from: [Errno 2] No such file or directory: " in err
        assert "none" in err
