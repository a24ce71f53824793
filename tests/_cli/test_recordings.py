"""docs/command-output.md: what a terminal shows is what the page says it shows.

To make the page again: `RECORD=1 python -m pytest tests/_cli/test_recordings.py`.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from account import Account
from servers import Reply, ScriptedServer
from terminals import Terminal

from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli import many

PAGE = Path(__file__).parents[2] / "docs" / "command-output.md"
BLOCK = re.compile(r"^```text\n(\$ .*\n)((?:.*\n)*?)```$", re.MULTILINE)
COLUMNS = re.compile(r"^## On (\d+) columns$", re.MULTILINE)
REQUESTS_A_SECOND = 15

NAMES = [f"function-{n}" for n in range(38)]
NAMES[17:17] = ["missing-1", "missing-2"]
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders-production"
CONFIGURATIONS = [
    {
        "FunctionArn": f"{ARN}:live",
        "LastModified": 1793610840.0,
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 21600,
        "DestinationConfig": {
            "OnSuccess": {"Destination": "arn:aws:sqs:eu-central-1:123456789012:orders-done"},
            "OnFailure": {"Destination": "arn:aws:sns:eu-central-1:123456789012:orders-failed"},
        },
    },
    {
        "FunctionArn": f"{ARN}:$LATEST",
        "LastModified": 1793612460.0,
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    },
]

Record = Callable[[str, int], list[str]]


@pytest.fixture
def record(
    account: Account,
    scripted: Callable[..., ScriptedServer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Record:
    """What a terminal with so many columns shows of a command, one after the other."""
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")

    def record(command: str, columns: int) -> list[str]:
        # The progress looks at it once, and then after each function.
        ticks = count()
        monkeypatch.setattr(many, "monotonic", lambda: next(ticks) / REQUESTS_A_SECOND)
        command, to_file, _ = command.partition(" > ")
        argv = shlex.split(command)[1:]
        server = scripted(Reply(200, {"FunctionEventInvokeConfigs": CONFIGURATIONS}))
        # One at a time: always in the same order.
        options = ["--max-concurrency", "1"] if to_file else []
        url = account.url if to_file else server.url
        with Terminal(columns) as terminal, open("found", "w") as file, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", file if to_file else terminal.file)
            patched.setattr(sys, "stderr", terminal.file)
            cli.main([*argv, *options, "--endpoint-url", url])
        return ["".join(f"{line.rstrip()}\n" for line in shown.splitlines()) for shown in terminal.screens]

    return record


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("zone", ["UTC"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_the_page_shows_what_a_terminal_shows(record: Record) -> None:
    page = PAGE.read_text()
    recorded: list[int] = []

    def again(block: re.Match[str]) -> str:
        (*_, columns) = map(int, COLUMNS.findall(page[: block.start()]))
        recorded.append(columns)
        screens = record(block[1].removeprefix("$ ").rstrip(), columns)
        # Of the end, or of the progress line at the same place.
        beginning = block[2].split(",")[0].rstrip() or "nothing"
        (*_, shown) = [screen for screen in screens if screen.startswith(beginning)] or screens
        assert all(len(line) <= columns for line in shown.splitlines())
        return f"```text\n{block[1]}{shown}```"

    made = BLOCK.sub(again, page)
    if "RECORD" in os.environ:
        PAGE.write_text(made)
    assert made == page
    assert {*recorded} == {80, 100}
