"""README and docs: their examples run, their links lead somewhere, their tests exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lambda_event_invoke_configs

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# A python block, and the text block right after it, which is what it prints.
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")

# A python block that begins with the path of a file is that file, for the other blocks of its document.
FILE = re.compile(r"# (\S+\.py)\n")
PACKAGE = Path(lambda_event_invoke_configs.__file__).parent
VENDORED = "othersdk/_vendor/leic"


def examples(path: Path) -> list[object]:
    text = path.read_text()
    files: dict[str, str] = {}
    found: list[object] = []
    for match in EXAMPLE.finditer(text):
        code, output = match.groups()
        if file := FILE.match(code):
            files[file[1]] = code
        else:
            line = text[: match.start()].count("\n") + 1
            found.append(pytest.param(code, output, files, id=f"{path.name}:{line}"))
    return found


@pytest.mark.parametrize(
    ("code", "output", "files"), [example for path in DOCUMENTS for example in examples(path)]
)
def test_an_example_runs_as_it_is_and_prints_what_it_says(
    code: str, output: str | None, files: dict[str, str], tmp_path: Path
) -> None:
    for name, content in {**files, "test_example.py": code}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    if any(name.startswith("othersdk/") for name in files):
        shutil.copytree(PACKAGE, tmp_path / VENDORED, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-W", "error", "test_example.py"]
    if "def test_" in code:
        command[3:3] = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if output is not None:
        printed = re.sub(r"(?s).*\n(\d+ passed) in .*", r"\1\n", done.stdout)
        assert printed == output


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_what_is_there(path: Path) -> None:
    for link in LINK.findall(path.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, link


def test_every_difference_names_a_case() -> None:
    """tests/conformance checks that each of them exists, and differs."""
    text = (ROOT / "docs" / "differences.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2:5] not in ("sit", "---")]
    assert rows
    for row in rows:
        assert re.search(r"`case:[^`]+` \|$", row), row
