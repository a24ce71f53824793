"""The progress line, where nothing else reaches its terminal, and the summary, always."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from account import Account
from processes import Many
from terminals import Terminal

from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli import many as many_functions
from lambda_event_invoke_configs._cli.many import Progress, count_names, progress, shows_line
from lambda_event_invoke_configs._client.outcome import FunctionOutcome
from lambda_event_invoke_configs.exceptions import ClientError, ReadTimeoutError

NOT_FOUND = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "m"}}, "o")
TIMEOUT = ReadTimeoutError(endpoint_url="u")


def outcome(configurations: int = 1, error: Exception | None = None) -> FunctionOutcome:
    return FunctionOutcome("f", [{}] * configurations, error)


def summary(*outcomes: FunctionOutcome, regions: int = 1, skipped: int = 0) -> str:
    run = Progress(None, regions, shows_line=False)
    for each in outcomes:
        run.add(each)
    for _ in range(skipped):
        run.skip()
    return run.summary()


class TestTheSummary:
    def test_counts_functions_and_configurations(self) -> None:
        assert summary(outcome(2), outcome(0), outcome(3)) == "3 functions, 5 configurations, none failed"

    def test_knows_one_from_many(self) -> None:
        assert summary(outcome(1)) == "1 function, 1 configuration, none failed"

    def test_of_nothing_says_so(self) -> None:
        assert summary() == "0 functions, 0 configurations, none failed"

    def test_counts_failures_by_code_the_most_common_first(self) -> None:
        """The configurations that came before an error count."""
        failed = [outcome(0, TIMEOUT), outcome(1, NOT_FOUND), outcome(0, NOT_FOUND)]

        assert summary(outcome(1), *failed) == (
            "4 functions, 2 configurations, 3 failed: 2 ResourceNotFoundException, 1 ReadTimeoutError"
        )

    @pytest.mark.parametrize(
        ("codes", "end"), [(5, "1 4"), (6, "1 4, and 1 other code"), (7, "and 2 other codes")]
    )
    def test_names_five_codes_at_most(self, codes: int, end: str) -> None:
        errors = [ClientError({"Error": {"Code": str(n), "Message": ""}}, "o") for n in range(codes)]

        assert summary(*[outcome(0, error) for error in errors]).endswith(end)

    def test_tells_what_an_earlier_run_has_completed(self) -> None:
        assert summary(outcome(), skipped=2) == (
            "1 function, 1 configuration, 2 completed earlier, none failed"
        )

    def test_counts_a_function_in_each_region(self) -> None:
        assert summary(outcome(), outcome(), regions=2) == (
            "2 function-region pairs, 2 configurations, none failed"
        )


class TestTheCommandsSummary:
    def test_comes_once_at_the_end(self, many: Many) -> None:
        assert many("a", "missing-1", "--region", "us-east-1", "--region", "eu-west-1")[2] == (
            "4 function-region pairs, 2 configurations, 2 failed: 2 ResourceNotFoundException\n"
        )

    def test_comes_without_rich_too(self, many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] or ["rich"]:
            monkeypatch.setitem(sys.modules, name, None)

        assert many("a", "b")[2] == "2 functions, 2 configurations, none failed\n"

    def test_does_not_come_of_one_function(self, many: Many) -> None:
        assert many("a", "--output", "jsonl")[2] == ""

    def test_comes_before_the_error_that_ended_the_run(self, many: Many, tmp_path: Path) -> None:
        (tmp_path / "names").write_bytes(b"a\n\xff\n")

        code, _, err = many("--functions-from", str(tmp_path / "names"))

        assert code == 252
        assert err.splitlines()[0] == "0 functions, 0 configurations, none failed"
        assert err.splitlines()[1].startswith(
            "lambda-event-invoke-configs: error: argument --functions-from: the names are not in UTF-8: "
        )

    def test_does_not_come_if_the_reader_of_the_lines_has_left(
        self, account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Closed(io.StringIO):
            def write(self, _: str) -> int:
                raise BrokenPipeError

        monkeypatch.setattr(sys, "stdout", Closed())

        assert cli.main(["a", "b", "--endpoint-url", account.url]) == 255
        assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
class TestTheLine:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A clock that goes on by a tenth of a second each time somebody looks at it."""
        ticks = count(20)
        monkeypatch.setattr(many_functions, "monotonic", lambda: next(ticks) / 10)
        monkeypatch.setenv("TERM", "xterm")

    @pytest.fixture
    def shown(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """What a terminal shows of a run, one after the other."""

        def shown(run: Progress, *outcomes: FunctionOutcome, columns: int = 80) -> list[str]:
            with Terminal(columns) as terminal, monkeypatch.context() as patched:
                patched.setattr(sys, "stderr", terminal.file)
                for each in outcomes:
                    run.add(each)
                run.erase()
            return [screen for screen in terminal.screens if screen]

        return shown

    def test_has_a_label_done_failed_rate_and_time_left(self, shown: Callable[..., list[str]]) -> None:
        run = Progress(1000, 1, shows_line=True)

        assert shown(run, outcome(), outcome(0, NOT_FOUND)) == [
            "Listing functions: 1 of 1000 done, 0 failed, 10.0/s, 0:01:40 left",
            "Listing functions: 2 of 1000 done, 1 failed, 10.0/s, 0:01:40 left",
        ]

    def test_has_neither_total_nor_time_left_of_names_that_nobody_has_counted(
        self, shown: Callable[..., list[str]]
    ) -> None:
        run = Progress(None, 1, shows_line=True)

        assert shown(run, outcome()) == ["Listing functions: 1 done, 0 failed, 10.0/s"]

    def test_has_what_was_completed_earlier_but_not_in_the_rate(
        self, shown: Callable[..., list[str]]
    ) -> None:
        run = Progress(1000, 1, shows_line=True)
        for _ in range(899):
            run.skip()

        assert shown(run, outcome()) == [
            "Listing functions: 900 of 1000 done, 0 failed, 10.0/s, 0:00:10 left"
        ]

    def test_has_no_rate_before_any_time_has_passed(
        self, shown: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(many_functions, "monotonic", lambda: 0.0)

        assert shown(Progress(9, 1, shows_line=True), outcome()) == [
            "Listing functions: 1 of 9 done, 0 failed, 0.0/s"
        ]

    def test_is_drawn_ten_times_a_second_at_most(
        self, shown: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = iter([0.0, 1.0, 1.05, 1.09, 1.1])
        monkeypatch.setattr(many_functions, "monotonic", lambda: next(seconds))

        lines = shown(Progress(None, 1, shows_line=True), *[outcome()] * 4)

        assert [line.split()[2] for line in lines] == ["1", "4"]

    def test_is_cut_where_the_terminal_is_narrower(self, shown: Callable[..., list[str]]) -> None:
        run = Progress(1000, 1, shows_line=True)

        assert shown(run, outcome(), columns=30) == ["Listing functions: 1 of 1000 "]

    def test_is_not_drawn_where_nobody_takes_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Closed(io.StringIO):
            def write(self, _: str) -> int:
                raise OSError

        monkeypatch.setattr(sys, "stderr", Closed())

        Progress(None, 1, shows_line=True).add(outcome())

    @pytest.mark.parametrize("error", [None, KeyboardInterrupt, OSError])
    def test_is_gone_when_the_summary_comes_however_the_run_ends(
        self, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | None
    ) -> None:
        with Terminal(80) as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", terminal.file)
            try:
                with progress(2, regions=1, shows_line=True) as run:
                    run.add(outcome())
                    if error:
                        raise error
            except (KeyboardInterrupt, OSError) as raised:
                assert type(raised) is error
        assert terminal.screens[1:] == [
            "Listing functions: 1 of 2 done, 0 failed, 10.0/s, 0:00:00 left",
            "1 function, 1 configuration, none failed\n",
        ]


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
class TestWhereTheLineIs:
    @pytest.fixture
    def lines(
        self, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Callable[..., list[str]]:
        """The progress lines that a run has drawn on the terminal of its standard error."""
        monkeypatch.setenv("TERM", "xterm")

        def lines(
            *argv: str, stdout: Any = None, stdin: Callable[[Terminal], Any] | None = None
        ) -> list[str]:
            with (
                Terminal(80) as terminal,
                open(tmp_path / "found", "w") as file,
                monkeypatch.context() as patched,
            ):
                patched.setattr(sys, "stderr", terminal.file)
                patched.setattr(sys, "stdout", terminal.file if stdout == "terminal" else stdout or file)
                if stdin:
                    patched.setattr(sys, "stdin", stdin(terminal))
                assert cli.main(["--endpoint-url", account.url, "--max-concurrency", "1", *argv]) == 0
            assert terminal.written.endswith("functions, 2 configurations, none failed\n")
            return [screen for screen in terminal.screens if screen.startswith("Listing functions: ")]

        return lines

    def test_is_the_terminal_if_the_output_is_a_file(self, lines: Callable[..., list[str]]) -> None:
        assert lines("a", "b")[0].startswith("Listing functions: 1 of 2 done, 0 failed, ")

    def test_is_the_terminal_if_there_is_no_output(self, lines: Callable[..., list[str]]) -> None:
        with open(os.devnull, "w") as null:
            assert lines("a", "b", stdout=null)

    def test_is_not_where_the_output_goes(self, lines: Callable[..., list[str]]) -> None:
        assert lines("a", "b", stdout="terminal") == []

    def test_is_any_terminal_if_standard_output_stays_empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm")
        args = Namespace(debug=False, functions_from=None, output_file="found.jsonl")
        with Terminal(80) as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", terminal.file)
            patched.setattr(sys, "stdout", terminal.file)

            assert shows_line(args)
            args.output_file = None
            assert not shows_line(args)

    def test_is_the_terminal_if_the_output_goes_to_an_output_file(
        self, lines: Callable[..., list[str]], tmp_path: Path
    ) -> None:
        assert lines("a", "b", "--output-file", str(tmp_path / "found.jsonl"), stdout="terminal")

    def test_is_not_where_a_pipe_may_lead(self, lines: Callable[..., list[str]]) -> None:
        reading_end, writing_end = os.pipe()
        with open(reading_end), open(writing_end, "w") as pipe:
            assert lines("a", "b", stdout=pipe) == []

    def test_is_not_where_the_debug_log_goes(self, lines: Callable[..., list[str]]) -> None:
        assert lines("a", "b", "--debug") == []

    def test_is_not_a_terminal_that_cannot_erase(
        self, lines: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "dumb")

        assert lines("a", "b") == []

    def test_is_not_where_names_are_typed(
        self, lines: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As if they had been.
        monkeypatch.setattr(many_functions, "names_from", lambda _: nullcontext(iter(["a", "b"])))

        assert lines("--functions-from", "-", stdin=lambda terminal: terminal.file) == []

    def test_is_there_while_names_come_through_a_pipe(self, lines: Callable[..., list[str]]) -> None:
        reading_end, writing_end = os.pipe()
        os.write(writing_end, b"a\nb\n")
        os.close(writing_end)
        with open(reading_end) as pipe:
            (*_, last) = lines("--functions-from", "-", stdin=lambda _: pipe)
        assert " of " not in last

    def test_has_the_total_of_a_file_of_names(self, lines: Callable[..., list[str]], tmp_path: Path) -> None:
        (tmp_path / "names").write_text("a\n\nb\n")

        assert lines("--functions-from", str(tmp_path / "names"))[0].startswith("Listing functions: 1 of 2 ")


class TestTheNumberOfNames:
    def test_is_that_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "names").write_text("a\n\n  b\nc")

        assert count_names(str(tmp_path / "names")) == 3

    @pytest.mark.skipif(os.name == "nt", reason="there are no such files")
    def test_is_not_known_of_what_can_be_read_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(tmp_path / "fifo")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "-").write_text("not standard input")

        assert [count_names(str(path)) for path in (tmp_path / "fifo", "-", os.devnull)] == [None] * 3

    def test_is_not_known_of_what_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "names").write_bytes(b"a\n\xff")

        assert [count_names(str(path)) for path in (tmp_path / "names", tmp_path / "no", tmp_path)] == [
            None
        ] * 3
