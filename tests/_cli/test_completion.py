"""Completion scripts for shells, and what bash completes with one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import processes
import pytest
from processes import Run

SHELLS = {"bash": "complete -o", "zsh": "#compdef ", "fish": "complete -c"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_the_options_and_their_choices(run: Run, shell: str) -> None:
    ran = run("--print-completion", shell)

    assert (ran.code, ran.err) == (0, "")
    for word in (SHELLS[shell], "lambda-event-invoke-configs", "starting-token", "raw-in-base64-out"):
        assert word in ran.out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["--max-"], ["--max-concurrency", "--max-items"]),
        (["my-function", "--no-pag"], ["--no-paginate"]),
        (["my-function", "--output", ""], ["json", "jsonl", "table", "text"]),
        (["my-function", "--output", "json", "--query", "x", "--star"], ["--starting-token"]),
        (["--functions-from", "na"], ["names.txt"]),
    ],
    ids=" ".join,
)
def test_bash_completes(run: Run, tmp_path: Path, typed: list[str], offered: list[str]) -> None:
    bash = shutil.which("bash")
    assert bash, "every machine that the tests run on has it"
    (tmp_path / "names.txt").touch()
    (tmp_path / "script").write_text(run("--print-completion", "bash").out)
    complete = """\
source ./script
COMP_WORDS=(lambda-event-invoke-configs "$@") COMP_CWORD=$#
function=$(complete -p lambda-event-invoke-configs | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" lambda-event-invoke-configs "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

    ran = processes.run(bash, "--norc", "-c", complete, "bash", *typed, folder=tmp_path)

    assert (sorted(ran.lines), ran.err) == (offered, "")


def test_a_script_needs_shtab(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)

    ran = run("--print-completion", "bash")

    assert (ran.code, ran.out) == (252, "")
    assert ran.err.endswith(
        "--print-completion needs shtab: pip install 'lambda-event-invoke-configs[cli]'\n"
    )
