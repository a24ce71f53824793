"""What reaches the terminal: nothing of others' that it acts on, and colours where they are wanted."""

from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path

import pytest
from terminals import ENCODABLE, HOSTILE, HOSTILE_TEXTS, MARKUP, Terminal, is_clean

from lambda_event_invoke_configs._cli.terminal import (
    in_color,
    log_to_stderr,
    may_reach_a_terminal,
    print_error,
    printable,
    width,
)

LOGGER = logging.getLogger("lambda_event_invoke_configs._protocol.call")
ON_A_TERMINAL = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


class TestPrintableText:
    @pytest.mark.parametrize("hostile", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
    def test_has_nothing_that_a_terminal_acts_on(self, hostile: str) -> None:
        assert printable(f"a{hostile}b").isprintable()

    @pytest.mark.parametrize(
        ("character", "shown"),
        [
            ("\x1b", r"\x1b"),
            ("\x9b", r"\x9b"),
            ("\n", r"\n"),
            ("\t", r"\t"),
            ("\u202e", r"\u202e"),
            ("\ud800", r"\ud800"),
            ("\U000e0041", r"\U000e0041"),
        ],
    )
    def test_shows_a_character_as_python_writes_it(self, character: str, shown: str) -> None:
        assert printable(f"<{character}>") == f"<{shown}>"

    @pytest.mark.parametrize("text", ["", "a b", "Größe", "関数", "😀", r"C:\new", MARKUP, "e\u0301"])
    def test_is_the_same_if_all_of_it_can_be_shown(self, text: str) -> None:
        assert printable(text) == text


class TestErrors:
    def test_are_one_line_of_what_can_be_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        print_error(HOSTILE)

        assert capsys.readouterr().err == f"{printable(HOSTILE)}\n"


class TestColor:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    @pytest.mark.parametrize("stream", [io.StringIO(), Screen()], ids=["file", "terminal"])
    def test_is_as_it_is_chosen(self, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")

        assert in_color("on", stream)
        assert not in_color("off", stream)

    @pytest.mark.parametrize(
        ("stream", "environ", "expected"),
        [
            (Screen(), {}, True),
            (Screen(), {"NO_COLOR": ""}, True),
            (Screen(), {"NO_COLOR": "1"}, False),
            (Screen(), {"TERM": "dumb"}, False),
            (Screen(), {"TERM": ""}, False),
            (io.StringIO(), {}, False),
            (io.StringIO(), {"FORCE_COLOR": "1"}, False),
        ],
    )
    def test_is_by_default_for_a_terminal_alone(
        self,
        monkeypatch: pytest.MonkeyPatch,
        stream: io.StringIO,
        environ: dict[str, str],
        expected: bool,
    ) -> None:
        for name, value in {"NO_COLOR": "", "TERM": "xterm", **environ}.items():
            monkeypatch.setenv(name, value)

        assert in_color("auto", stream) is expected


class TestWidth:
    def test_is_none_for_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")

        assert width(io.StringIO()) is None

    @ON_A_TERMINAL
    @pytest.mark.parametrize(
        ("columns", "variable", "expected"),
        [(100, None, 100), (100, "40", 40), (100, "0", 100), (100, "wide", 100), (0, None, 80)],
    )
    def test_is_the_terminals_but_for_columns(
        self, monkeypatch: pytest.MonkeyPatch, columns: int, variable: str | None, expected: int
    ) -> None:
        if variable is not None:
            monkeypatch.setenv("COLUMNS", variable)

        with Terminal(columns) as terminal:
            assert width(terminal.file) == expected

    def test_is_80_for_what_only_says_that_it_is_a_terminal(self) -> None:
        assert width(TestColor.Screen()) == 80


class TestWhatMayReachATerminal:
    def test_is_not_a_file(self, tmp_path: Path) -> None:
        with open(tmp_path / "out", "w") as file:
            assert not may_reach_a_terminal(file)

    def test_is_not_the_null_device(self) -> None:
        with open(os.devnull, "w") as null:
            assert not may_reach_a_terminal(null)

    def test_is_a_pipe(self) -> None:
        reading_end, writing_end = os.pipe()
        with open(reading_end), open(writing_end, "w") as pipe:
            assert may_reach_a_terminal(pipe)

    @ON_A_TERMINAL
    def test_is_a_terminal(self) -> None:
        with Terminal(80) as terminal:
            assert may_reach_a_terminal(terminal.file)

    def test_is_anything_that_is_not_a_file_of_the_system(self) -> None:
        assert may_reach_a_terminal(io.StringIO())


class TestLog:
    def test_has_warnings_without_debug(self, capsys: pytest.CaptureFixture[str]) -> None:
        with log_to_stderr(debug=False):
            LOGGER.debug("unheard")
            LOGGER.warning("the clock %s", ENCODABLE)

        assert capsys.readouterr().err == (
            f"lambda-event-invoke-configs: warning: the clock {printable(ENCODABLE)}\n"
        )

    def test_has_one_line_a_record_with_debug(self, capsys: pytest.CaptureFixture[str]) -> None:
        with log_to_stderr(debug=True):
            LOGGER.debug("attempt %s", ENCODABLE)

        err = capsys.readouterr().err
        assert err.endswith(f" {LOGGER.name} DEBUG attempt {printable(ENCODABLE)}\n")
        assert is_clean(err)

    def test_indents_a_traceback_so_that_no_line_of_it_passes_for_a_record(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with log_to_stderr(debug=True):
            LOGGER.debug("failed", exc_info=ValueError(ENCODABLE))

        _, *traceback, end = capsys.readouterr().err.split("\n")
        assert end == ""
        assert all(line.startswith("  ") and line.isprintable() for line in traceback)
        assert traceback[0].startswith(r"  ValueError: <\x1b[31m")

    def test_that_nobody_takes_is_no_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Closed(io.StringIO):
            def write(self, _: str) -> int:
                raise BrokenPipeError

        monkeypatch.setattr(sys, "stderr", Closed())
        with log_to_stderr(debug=False):
            LOGGER.warning("unheard")
