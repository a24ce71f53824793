"""The command for many functions: its lines, its rules, its progress bar, and what a kill leaves behind.

    KILLS=200 python -m pytest tests/_cli/test_many.py -k kill

kills 200 times; without KILLS it is some.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from account import KEYS, Account
from drivers import INTERRUPTIBLE_COMMAND

from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli.checkpoint import Checkpoint
from lambda_event_invoke_configs.exceptions import InvalidConfigError

MODULE = [sys.executable, "-m", "lambda_event_invoke_configs"]
KILLS = int(os.environ.get("KILLS", "12"))
LONGEST_RUN = 1.2  # seconds until it is killed; half of them it takes to start
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as account:
        yield account


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def run(account: Account, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: exit code, lines, standard error."""

    def run(*argv: str) -> tuple[int, list[dict[str, Any]], str]:
        code = cli.main(["--endpoint-url", account.url, *argv])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


def named(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((line["FunctionName"], line["Region"]) for line in lines)


class TestLines:
    def test_are_one_for_each_function(self, run: Run) -> None:
        code, lines, err = run("a", "b", "c")

        assert (code, err) == (0, "")
        assert named(lines) == [(name, "us-east-1") for name in "abc"]
        line = next(line for line in lines if line["FunctionName"] == "a")
        (found,) = line["FunctionEventInvokeConfigs"]
        assert found["FunctionArn"] == "a"
        assert datetime.fromisoformat(found["LastModified"]).timestamp() == 1

    def test_are_one_for_each_region(self, run: Run, account: Account) -> None:
        code, lines, _ = run("regional", "b", "--region", "eu-west-1", "--region", "us-west-2")

        assert code == 0
        assert named(lines) == [(n, r) for n in ("b", "regional") for r in ("eu-west-1", "us-west-2")]
        asked = [region for region, name, _ in account.seen()["asked"] if name == "regional"]
        assert sorted(asked) == ["eu-west-1", "us-west-2"]

    def test_are_there_for_names_that_look_like_options(self, run: Run) -> None:
        assert [name for name, _ in named(run("a", "--", "-b", "--local")[1])] == ["--local", "-b", "a"]

    @pytest.mark.parametrize("options", [["--max-concurrency", "1"], ["--output", "jsonl", "b"]], ids=str)
    def test_come_of_one_function_too_if_an_option_is_theirs(self, run: Run, options: list[str]) -> None:
        assert run("a", *options)[1][0]["FunctionName"] in "ab"

    def test_of_a_failure_have_its_code_what_came_and_a_token(self, run: Run) -> None:
        name = f"breaks-1-{os.urandom(4).hex()}-pages-3"
        code, lines, err = run(name, "missing-1", "c")

        failed = {line["FunctionName"]: line for line in lines}
        assert (code, err) == (1, "")
        assert [f["FunctionArn"] for f in failed[name]["FunctionEventInvokeConfigs"]] == [f"{name}:0"]
        assert failed[name]["Error"]["Code"] == "InvalidParameterValueException"
        assert failed["missing-1"]["Error"]["Code"] == "ResourceNotFoundException"
        assert "Function not found: missing-1" in failed["missing-1"]["Error"]["Message"]
        assert "NextToken" not in failed["missing-1"]
        assert "Error" not in failed["c"]
        again = run(name, "--starting-token", failed[name]["NextToken"], "--output", "jsonl")
        assert [found["FunctionArn"] for found in again[1]] == [f"{name}:1", f"{name}:2"]

    def test_of_what_is_no_answer_of_the_services_have_the_errors_name(self, run: Run) -> None:
        _, lines, _ = run("", "b")

        assert {line.get("Error", {}).get("Code") for line in lines} == {"ParamValidationError", None}

    def test_are_made_up_with_local(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["--local", "a", "b"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [len(line["FunctionEventInvokeConfigs"]) for line in lines] == [120, 120]


class TestNames:
    def test_are_the_lines_of_a_file_but_for_blank_ones(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "names").write_text("\ufeffa\n\n  b  \r\n\nc", encoding="utf-8")

        assert [name for name, _ in named(run("--functions-from", str(tmp_path / "names"))[1])] == [
            "a",
            "b",
            "c",
        ]

    def test_may_come_from_standard_input(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "names").write_text("\ufeffa\nb\n", encoding="utf-8")
        with open(tmp_path / "names") as file:
            monkeypatch.setattr(sys, "stdin", file)

            assert [name for name, _ in named(run("--functions-from", "-")[1])] == ["a", "b"]

    @pytest.mark.parametrize("concurrency", ["1", "2", "30"])
    def test_are_read_as_they_are_needed_and_lines_written_as_they_come(
        self, account: Account, concurrency: str
    ) -> None:
        command = [*MODULE, "--functions-from", "-", "--max-concurrency", concurrency]
        command += ["--endpoint-url", account.url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            for names in ["a\nb\n", "c\n"]:
                process.stdin.write(names)
                process.stdin.flush()
                lines = [json.loads(process.stdout.readline()) for _ in names.splitlines()]
                assert sorted(line["FunctionName"] for line in lines) == names.splitlines()
            process.communicate("", timeout=30)
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
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            with open(path, "w") if kind == "named pipe" else process.stdin as names:
                names.write("a\n")
                names.flush()
                assert json.loads(process.stdout.readline())["FunctionName"] == "a"
                process.send_signal(signal.SIGINT)
                assert process.wait(timeout=30) == 130
            assert process.stderr
            assert process.stderr.read() == "lambda-event-invoke-configs: interrupted\n"

    @pytest.mark.parametrize("source", ["file", "standard input"])
    def test_that_are_no_utf_8_are_a_failure(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
    ) -> None:
        (tmp_path / "names").write_bytes(b"a\n\xff\n")
        with open(tmp_path / "names") as file:
            monkeypatch.setattr(sys, "stdin", file)
            code, _, err = run("--functions-from", "-" if source == "standard input" else file.name)

        assert code == 255
        assert "can't decode byte 0xff" in err

    def test_of_a_file_that_is_not_there_are_a_failure(self, run: Run, tmp_path: Path) -> None:
        code, lines, err = run("--functions-from", str(tmp_path / "none"))

        assert (code, lines) == (255, [])
        assert "No such file or directory" in err
        assert "none" in err


class TestUsage:
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
            (["a", "--no-paginate", "--checkpoint", "c"], "--no-paginate is for one function in one region"),
            (["a", "b", "--query", "x"], "--query is for one function in one region"),
            (
                ["a", "b", "--output", "json"],
                "--output json is for one function: the output of many is jsonl",
            ),
            (["a", "--max-concurrency", "0"], "--max-concurrency: invalid value: 0, must be 1 or more"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_names_what_does_not_go_together(self, run: Run, argv: list[str], complaint: str) -> None:
        code, lines, err = run(*argv)

        assert (code, lines) == (252, [])
        assert complaint in err

    def test_error_names_two_names_of_one_region(self, run: Run) -> None:
        code, lines, err = run("a", "--region", "us-east-1", "--region", "fips-us-east-1")

        assert (code, lines) == (252, [])
        assert "--region us-east-1, fips-us-east-1: two of these are the same" in err

    def test_the_same_region_twice_is_one(self, run: Run) -> None:
        assert len(run("a", "b", "--region", "us-east-1", "--region", "us-east-1")[1]) == 2


class TestCheckpoint:
    def test_leaves_out_what_is_finished_and_asks_again_for_what_failed(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        names = ["twice-a", "twice-b", "missing-twice"]
        checkpoint = ["--checkpoint", str(tmp_path / "done")]
        first = run(*names, *checkpoint)
        second = run(*names, *checkpoint)

        assert (first[0], len(first[1])) == (1, 3)
        assert named(second[1]) == [("missing-twice", "us-east-1")]
        asked = account.asked()
        assert [asked[name] for name in names] == [1, 1, 2]

    def test_takes_a_name_that_comes_twice_once(self, run: Run, tmp_path: Path) -> None:
        assert len(run("a", "a", "--checkpoint", str(tmp_path / "done"))[1]) == 1

    @pytest.mark.parametrize("content", ["nothing\n", "nothing", "[]\n", '{"FunctionName": "f"}\n', '{"Fun.'])
    def test_is_not_taken_from_any_file(self, run: Run, tmp_path: Path, content: str) -> None:
        (tmp_path / "names").write_text(content)

        code, lines, err = run("a", "--checkpoint", str(tmp_path / "names"))

        assert (code, lines) == (253, [])
        assert "must be a file that this command wrote" in err
        assert (tmp_path / "names").read_text() == content

    def written(self, folder: Path) -> list[Any]:
        """A checkpoint and an output of two functions."""
        with open(folder / "out", "a") as out, Checkpoint(str(folder / "done"), out) as checkpoint:
            checkpoint.write(("a", "r"), "line a\n", failed=False)
            checkpoint.write(("b", "r"), "line b\n", failed=False)
        return [("a", "r"), ("b", "r")]

    def left(self, folder: Path, out: str = "out") -> list[bool]:
        with open(folder / out, "a") as output, Checkpoint(str(folder / "done"), output) as checkpoint:
            return [checkpoint.claim(("a", "r")), checkpoint.claim(("b", "r"))]

    def test_removes_the_part_of_a_line(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        os.truncate(tmp_path / "out", 10)

        assert self.left(tmp_path) == [False, True]
        assert (tmp_path / "out").read_text() == "line a\n"
        assert len((tmp_path / "done").read_text().splitlines()) == 1

    def test_leaves_alone_what_others_added(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with open(tmp_path / "out", "a") as out:
            out.write("other's")

        assert self.left(tmp_path) == [False, False]
        assert (tmp_path / "out").read_text() == "line a\nline b\nother's"

    def test_of_another_output_repeats_the_last(self, tmp_path: Path) -> None:
        self.written(tmp_path)

        assert self.left(tmp_path, "other") == [False, True]

    def test_drops_a_record_that_was_not_written_to_its_end(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with open(tmp_path / "done", "a") as done:
            done.write('{"Functi')

        assert self.left(tmp_path) == [False, False]
        assert (tmp_path / "done").read_text().endswith("}\n")

    def test_complains_if_the_output_was_begun_anew(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    def test_complains_if_the_output_has_lost_what_was_there_before(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a heading\n")
        with open(tmp_path / "out", "a") as out, Checkpoint(str(tmp_path / "done"), out) as checkpoint:
            checkpoint.write(("a", "r"), "line a\n", failed=False)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    def test_complains_of_lines_that_are_lost_though_the_last_went_elsewhere(self, tmp_path: Path) -> None:
        self.written(tmp_path)
        with Checkpoint(str(tmp_path / "done"), io.StringIO()) as checkpoint:
            checkpoint.write(("c", "r"), "line c\n", failed=False)
        os.truncate(tmp_path / "out", 0)

        with pytest.raises(InvalidConfigError, match="it has lost lines"):
            self.left(tmp_path)

    @pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
    @pytest.mark.parametrize("output", ["file", "pipe"])
    def test_continues_after_a_kill_at_any_moment(self, tmp_path: Path, output: str) -> None:
        chance = random.Random(output)
        names = [f"kill-{output}-{n}-pages-{chance.randint(1, 3)}" for n in range(600)]
        (tmp_path / "names").write_text("\n".join(names))
        out = tmp_path / "out"
        kills = 0
        with Account() as account:
            command = [*MODULE, "--endpoint-url", account.url, "--max-concurrency", "2"]
            command += ["--functions-from", str(tmp_path / "names"), "--checkpoint", str(tmp_path / "done")]
            code = None
            while code != 0:
                moment = chance.uniform(0.4, LONGEST_RUN) if kills < KILLS // 2 else None
                code = _killed_after(moment, command, out, output)
                assert code in (0, -signal.SIGKILL)
                kills += code != 0
            asked = account.asked()
        whole = [line for line in out.read_bytes().split(b"\n") if line]
        found = Counter(json.loads(line)["FunctionName"] for line in whole if line.endswith(b"}"))
        assert {*found} == {*names}
        # Two were under way at each kill; what was in the output was asked for no more.
        assert sum(asked.values()) - len(names) <= 3 * kills
        if output == "file":
            assert set(found.values()) == {1}
        else:
            assert sum(found.values()) - len(names) <= kills


def _killed_after(seconds: float | None, command: list[str], out: Path, output: str) -> int:
    with open(out, "ab") as file:
        if output == "file":
            process = subprocess.Popen(command, stdout=file)
            copying = None
        else:
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert process.stdout
            pipe = process.stdout
            copying = threading.Thread(
                target=lambda: [file.write(line) for line in pipe if line[-1:] == b"\n"]
            )
            copying.start()
        if seconds is not None:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        code = process.wait(60)
        if copying:
            copying.join()
            pipe.close()
        return code


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
class TestProgressBar:
    def shown(self, account: Account, *argv: str, stdout: int = subprocess.DEVNULL, code: str = "") -> str:
        start = (
            f"{code}\nimport sys; from lambda_event_invoke_configs._cli.main import main; sys.exit(main())"
        )
        command = [sys.executable, "-c", start, "--endpoint-url", account.url, *argv]
        import pty

        terminal, its_end = pty.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        done = subprocess.run(command, stdout=stdout, stderr=its_end, check=False, env=environment)
        os.write(its_end, b"end")
        os.close(its_end)
        shown = os.read(terminal, 65536)
        os.close(terminal)
        assert done.returncode == 0
        return shown.decode()

    def test_counts_on_a_terminal(self, account: Account) -> None:
        assert "3/3" in self.shown(account, "a", "b", "c")

    def test_counts_without_a_total_if_there_is_none(self, account: Account, tmp_path: Path) -> None:
        (tmp_path / "names").write_text("a\nb\n")

        assert "2/?" in self.shown(account, "--functions-from", str(tmp_path / "names"))

    def test_is_not_there_without_rich(self, account: Account) -> None:
        assert self.shown(account, "a", "b", code="import sys; sys.modules['rich'] = None") == "end"

    def test_is_not_there_for_one_function(self, account: Account) -> None:
        assert self.shown(account, "a") == "end"


class TestProgressInThisProcess:
    """For coverage: the same where it is measured."""

    def test_a_bar(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
        monkeypatch.setenv("TERM", "xterm")

        assert "2/2" in run("a", "b")[2]

    def test_a_bar_that_counts_what_was_finished_before(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        checkpoint = ["--checkpoint", str(tmp_path / "done")]
        run("a", "b", *checkpoint)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
        monkeypatch.setenv("TERM", "xterm")

        assert "4/4" in run("a", "b", "b", "c", *checkpoint)[2]

    def test_no_bar_without_rich(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setitem(sys.modules, "rich.console", None)

        assert run("a", "b")[2] == ""
