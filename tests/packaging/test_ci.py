"""The exit status of `.ci/run`, which is what decides, with stand-ins for the tools that it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import run

ROOT = Path(__file__).parents[2]
TOOLS = ("ruff", "mypy", "lint-imports", "twine", "check-wheel-contents", "pip")
# `-m venv PLACE` makes a folder with all the stand-ins, `-m build --quiet --outdir PLACE` one with an sdist.
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >>"$LOG"
case "$(basename "$0") $*" in $BROKEN) exit 3;; esac
case "$2" in
venv) mkdir -p "$3/bin" && cp "$STAND_INS"/* "$3/bin" ;;
build) mkdir -p "$5" && tar cf - -T /dev/null | gzip -n >"$5/empty.tar.gz" ;;
esac
"""

pytestmark = pytest.mark.skipif(not (ROOT / ".ci").exists(), reason="no checkout: an sdist has no .ci")


def ci(folder: Path, broken: str = "", without: str = "") -> tuple[int, str, list[str]]:
    """Run it; return its status, what it printed, and the files it left in the folder for temporary ones."""
    checkout, tools, temporary = folder / "checkout", folder / "tools", folder / "tmp"
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    for name in "README.md", "pyproject.toml":
        shutil.copy(ROOT / name, checkout)
    tools.mkdir()
    temporary.mkdir()
    for name in {*TOOLS, "python", "python3.10", "python3.13", "node", "chromium"} - {without}:
        (tools / name).write_text(STAND_IN)
        (tools / name).chmod(0o755)
    environ = {
        "PATH": f"{tools}{os.pathsep}/usr/bin:/bin",
        "STAND_INS": str(tools),
        "LOG": str(folder / "log"),
        "BROKEN": broken or "nothing",
        "TMPDIR": str(temporary),
    }
    command = (checkout / ".ci" / "run", tools / "python")
    ran = run(*command, only=environ, stderr=subprocess.STDOUT, fails=True)
    return ran.code, ran.out, os.listdir(temporary)


def test_succeeds_when_every_step_does_and_leaves_nothing(tmp_path: Path) -> None:
    status, output, left = ci(tmp_path)
    assert (status, left) == (0, []), output
    assert output.endswith("== all passed\n")
    ran = (tmp_path / "log").read_text()
    assert all(f"\n{tool} " in ran for tool in (*TOOLS, "python -m pytest"))


@pytest.mark.parametrize(
    "broken",
    [
        "pip install*",
        "python -m pytest -n*",
        "python tests/robustness*",
        "python -m pytest *aiobotocore*",
        "python3.10 -m venv*",
        "python -m pytest -q -n auto tests/_client *interrupts.py",
        "python3.13 -m venv*",
        "python -m pytest -q -n auto tests/_client *test_cases.py",
        "ruff check*",
        "ruff format*",
        "mypy*",
        "lint-imports*",
        "python -m build*",
        "twine*",
        "check-wheel-contents*",
        "pip check*",
        "python tests/benchmarks*",
    ],
)
def test_fails_when_a_step_does_and_leaves_nothing(broken: str, tmp_path: Path) -> None:
    status, output, left = ci(tmp_path, broken=broken)
    assert (status == 0, left) == (False, []), output
    assert "all passed" not in output


@pytest.mark.parametrize("tool", ["ruff", "mypy", "lint-imports", "twine", "check-wheel-contents"])
def test_fails_when_a_tool_is_missing(tool: str, tmp_path: Path) -> None:
    status, output, left = ci(tmp_path, without=tool)
    assert (status == 0, left) == (False, []), output
    assert f"{tool}: command not found" in output


# Those that the system has are never missing.
MISSING = [
    version for version in ("3.10", "3.13") if not shutil.which(f"python{version}", path="/usr/bin:/bin")
]


@pytest.mark.parametrize("version", MISSING)
def test_fails_when_a_python_is_missing(version: str, tmp_path: Path) -> None:
    status, output, left = ci(tmp_path, without=f"python{version}")
    assert (status == 0, left) == (False, []), output
    assert f"Python {version} is missing" in output
