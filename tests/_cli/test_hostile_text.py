"""What others bring, through every output: nothing of it is left for a terminal to act on."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Ran, Run
from servers import Reply, ScriptedServer
from terminals import COLOR, ENCODABLE, ERASE_LINE, HOSTILE, HOSTILE_TEXTS, MARKUP, Terminal, is_clean

from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli.output import FORMATS
from lambda_event_invoke_configs._cli.terminal import printable

SHOWN = printable(HOSTILE)
# Of the message of an error, white space is one space.
SHOWN_IN_A_MESSAGE = printable(re.sub(r"\s+", " ", HOSTILE, flags=re.ASCII))
# A code ends before a colon.
CODE = HOSTILE.partition(":")[0]
ESCAPED_BEGINNING = r"<\x1b[31m\x1b]0;title\x07"
# Without what no argument, variable or file name can hold.
ARGUMENT = HOSTILE.replace("\x00", "")
ENCODABLE_ARGUMENT = ENCODABLE.replace("\x00", "")
SAYS_ITS_CODE = Reply(400, {"message": HOSTILE, "__type": HOSTILE})
A_PAGE = {
    "FunctionEventInvokeConfigs": [
        {
            "FunctionArn": HOSTILE,
            "DestinationConfig": {"OnFailure": {"Destination": HOSTILE}, "OnSuccess": {"Destination": "q"}},
        }
    ]
}


def assert_clean(ran: Ran, output: str = "json") -> None:
    # Between the fields of text.
    out = ran.out.replace("\t", " ") if output == "text" else ran.out
    assert is_clean(out), ran.out
    assert is_clean(ran.err), ran.err


class TestOutput:
    @pytest.mark.parametrize("hostile", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
    @pytest.mark.parametrize("output", FORMATS)
    def test_of_a_configuration(self, listing_from: Callable[..., Run], output: str, hostile: str) -> None:
        page = json.loads(json.dumps(A_PAGE).replace(json.dumps(HOSTILE), json.dumps(f"<{hostile}>{MARKUP}")))

        ran = listing_from(Reply(200, page))("--output", output)

        assert_clean(ran, output)
        if output.startswith("json"):
            found = json.loads(ran.out)
            config = found["FunctionEventInvokeConfigs"][0] if output == "json" else found
            assert config["FunctionArn"] == f"<{hostile}>{MARKUP}"
        else:
            assert ran.out.count(printable(f"<{hostile}>{MARKUP}")) == 2

    @pytest.mark.parametrize("output", ["text", "table"])
    def test_of_names_that_a_query_makes(self, listing_from: Callable[..., Run], output: str) -> None:
        name = json.dumps(HOSTILE)
        query = f"FunctionEventInvokeConfigs[].{{{name}: {{{name}: FunctionArn}}}}"

        ran = listing_from(Reply(200, A_PAGE))("--output", output, "--query", query)

        assert_clean(ran, output)
        assert ran.out.upper().count(SHOWN.upper()) >= 2

    @pytest.mark.parametrize("output", FORMATS)
    def test_of_a_marker(self, listing_from: Callable[..., Run], output: str) -> None:
        page = {**A_PAGE, "NextMarker": ENCODABLE}

        assert_clean(listing_from(Reply(200, page))("--output", output, "--no-paginate"), output)
        assert_clean(listing_from(Reply(200, page), SAYS_ITS_CODE)("--output", output), output)

    @pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
    @pytest.mark.parametrize("columns", [40, 2000])
    def test_of_a_table_on_a_terminal_has_only_our_colors(
        self,
        scripted: Callable[..., ScriptedServer],
        monkeypatch: pytest.MonkeyPatch,
        columns: int,
    ) -> None:
        monkeypatch.setenv("TERM", "xterm")
        server = scripted(Reply(200, A_PAGE))
        with Terminal(columns) as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal.file)
            cli.main(["f", "--endpoint-url", server.url, "--output", "table"])

        assert {*COLOR.findall(terminal.written)} == {"\x1b[1m", "\x1b[36m", "\x1b[0m"}
        assert is_clean(COLOR.sub("", terminal.written))


class TestErrors:
    def test_of_the_service(self, listing_from: Callable[..., Run]) -> None:
        ran = listing_from(SAYS_ITS_CODE)()

        assert_clean(ran)
        assert ran.err.count(ESCAPED_BEGINNING) == 2
        assert SHOWN_IN_A_MESSAGE in ran.err

    def test_with_what_was_listed_before(self, listing_from: Callable[..., Run]) -> None:
        ran = listing_from(Reply(200, {**A_PAGE, "NextMarker": ENCODABLE}), SAYS_ITS_CODE)("--output", "text")

        assert_clean(ran, "text")
        assert "To continue: --starting-token " in ran.err

    @pytest.mark.parametrize(
        "body", [HOSTILE.encode("utf-8", "replace"), HOSTILE.encode("utf-16", "replace")]
    )
    @pytest.mark.parametrize("status", [200, 403, 502])
    def test_of_a_service_that_is_not_lambda(
        self, listing_from: Callable[..., Run], status: int, body: bytes
    ) -> None:
        assert_clean(listing_from(*[Reply(status, body, {"x-amzn-requestid": "\x9b31m"})] * 3)("--debug"))

    @pytest.mark.parametrize(
        "argv",
        [
            ["--" + ARGUMENT.replace(" ", "")],
            ["--output", ARGUMENT],
            ["--color", ARGUMENT],
            ["--max-items", ARGUMENT],
            ["--query", ARGUMENT],
            ["--query", f"{json.dumps(ARGUMENT)}("],
            ["--starting-token", ARGUMENT],
            ["--functions-from", ARGUMENT],
        ],
        ids=" ".join,
    )
    def test_of_usage(self, run: Run, argv: list[str]) -> None:
        ran = run("f", *argv)

        assert_clean(ran)
        assert (ran.code, ran.out) == (252, "")

    @pytest.mark.parametrize(
        "argv",
        [
            ["--region", ENCODABLE_ARGUMENT],
            ["--region", ENCODABLE_ARGUMENT, "--region", "us-east-1"],
            ["--profile", ENCODABLE_ARGUMENT],
            ["--endpoint-url", ENCODABLE_ARGUMENT],
            ["--endpoint-url", f"https://{ENCODABLE_ARGUMENT}"],
            ["--endpoint-url", "https://127.0.0.1:1", "--ca-bundle", ENCODABLE_ARGUMENT],
        ],
        ids=" ".join,
    )
    def test_of_settings(self, run: Run, argv: list[str]) -> None:
        ran = run("f", *argv, "--debug")

        assert_clean(ran)
        assert ran.code in (252, 253, 255)

    @pytest.mark.skipif(os.name == "nt", reason="a file cannot have such a name")
    @pytest.mark.parametrize("option", ["--functions-from", "--output-file"])
    def test_of_files(self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str) -> None:
        name = ENCODABLE_ARGUMENT.replace("/", "")
        names = [] if option == "--functions-from" else ["f"]

        ran = run(*names, option, str(tmp_path / "none" / name))

        assert_clean(ran)
        assert r"\x1b[31m" in ran.err

    def test_of_the_config_file(self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        text = ENCODABLE_ARGUMENT.replace("\n", "").encode()
        for content in (text, b"[default]\nregion = " + text, b"[default]\ncredential_process = '" + text):
            (tmp_path / "config").write_bytes(content)
            monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
            for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.delenv(name, raising=False)

            ran = run("f", "--debug")

            assert_clean(ran)
            assert ran.code == 253


class TestManyFunctions:
    @pytest.fixture
    def names(self, tmp_path: Path) -> list[str]:
        """The option for names, of which one is hostile."""
        name = "".join(ENCODABLE_ARGUMENT.split())
        (tmp_path / "names").write_text(f"a\n{name}\n", encoding="utf-8")
        return ["--functions-from", str(tmp_path / "names")]

    def test_of_lines_and_the_summary(
        self, scripted: Callable[..., ScriptedServer], run: Run, names: list[str]
    ) -> None:
        server = scripted(Reply(200, A_PAGE), SAYS_ITS_CODE)

        ran = run(*names, "--max-concurrency", "1", "--endpoint-url", server.url)

        assert_clean(ran)
        lines = [json.loads(line) for line in ran.lines]
        assert lines[0]["FunctionEventInvokeConfigs"][0]["FunctionArn"] == HOSTILE
        assert lines[1]["Error"]["Code"] == CODE
        assert ran.err == f"2 functions, 1 configuration, 1 failed: 1 {printable(CODE)}\n"

    def test_of_the_debug_log(
        self, scripted: Callable[..., ScriptedServer], run: Run, names: list[str]
    ) -> None:
        headers = {"x-amzn-requestid": "\x9b31m\x85forged"}
        server = scripted(Reply(200, A_PAGE, headers), Reply(400, {"__type": ENCODABLE}, headers))

        ran = run(*names, "--max-concurrency", "1", "--endpoint-url", server.url, "--debug")

        assert_clean(ran)
        assert f"status 400, code {ENCODABLE.partition(':')[0]!a}, request id " in ran.err

    @pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
    def test_of_the_progress_line(
        self,
        scripted: Callable[..., ScriptedServer],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        names: list[str],
    ) -> None:
        monkeypatch.setenv("TERM", "xterm")
        server = scripted(Reply(200, A_PAGE), SAYS_ITS_CODE)
        with Terminal(80) as terminal, open(tmp_path / "out", "w") as out, monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", terminal.file)
            patched.setattr(sys, "stdout", out)
            cli.main([*names, "--max-concurrency", "1", "--endpoint-url", server.url])

        assert ERASE_LINE in terminal.written
        assert "\x1b" not in terminal.written.replace(ERASE_LINE, "")
        assert all(is_clean(screen) for screen in terminal.screens)
