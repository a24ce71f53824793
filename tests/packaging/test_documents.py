"""README and docs: every block of code is run or checked, their links lead somewhere, their tests exist."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import processes
import pytest
from account import KEYS, Account
from botocore.configloader import load_config
from bundle import DOCUMENT as DEPLOYING
from markdown_it import MarkdownIt
from processes import forked_python

import lambda_event_invoke_configs
from lambda_event_invoke_configs._cli.arguments import parse

ROOT = Path(__file__).parents[2]
PROMISES = [ROOT / "tests" / "README.md", ROOT / "docs" / "reliability.md"]
DOCUMENTS = [ROOT / "README.md", PROMISES[0], *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")

# A python block that begins with the path of a file is that file, for the other blocks of its document.
FILE = re.compile(r"# (\S+\.py)\n")
MUTATION = ROOT / "docs" / "mutation.md"
PACKAGE = Path(lambda_event_invoke_configs.__file__).parent
VENDORED = "othersdk/_vendor/leic"


@dataclass
class Block:
    """A block of code, with what it prints where a `text` block follows at once."""

    document: Path
    line: int
    kind: str
    code: str
    output: str = ""
    files: dict[str, str] = field(default_factory=dict)  # of its document

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(document: Path) -> list[Block]:
    found: list[Block] = []
    files: dict[str, str] = {}
    before = None
    for token in MarkdownIt().enable("table").parse(document.read_text()):
        if token.type in {"fence", "code_block"}:
            assert token.map
            if before is not None and before.kind == "python" and token.info == "text":
                before.output = token.content
            else:
                found.append(Block(document, token.map[0] + 1, token.info, token.content, files=files))
            if token.info == "python" and (file := FILE.match(token.content)):
                files[file[1]] = token.content
        before = found[-1] if token.type == "fence" else None
    return found


BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in kinds], ids=str)


def test_every_block_is_of_a_kind_that_is_run_or_checked_below() -> None:
    """`text` is for what nobody can run: signatures, drawings, and what something else prints."""
    kinds = {"python", "sh", "diff", "ini", "toml", "json", "text"}
    assert [str(block) for block in BLOCKS if block.kind not in kinds] == []
    fences = sum(len(re.findall(r"^ *```.", document.read_text(), re.MULTILINE)) for document in DOCUMENTS)
    assert fences == len(BLOCKS) + sum(1 for block in BLOCKS if block.output)


@of_kind("python")
def test_python_runs_as_it_is_and_prints_what_it_says(block: Block, tmp_path: Path) -> None:
    if file := FILE.match(block.code):
        assert any(block.files is other.files and other.output for other in BLOCKS), "nothing uses this file"
        assert not block.output
        compile(block.code, file[1], "exec")
        return
    for name, content in {**block.files, "test_example.py": block.code}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    if any(name.startswith("othersdk/") for name in block.files):
        shutil.copytree(PACKAGE, tmp_path / VENDORED, ignore=shutil.ignore_patterns("__pycache__"))
    pytest_itself = (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--assert=plain"]
        if "def test_" in block.code
        else []
    )
    printed = forked_python(*pytest_itself, "test_example.py", folder=tmp_path)
    assert re.sub(r"(?s).*\n(\d+ passed) in .*", r"\1\n", printed) == block.output


@of_kind("diff")
def test_what_a_diff_makes_of_the_code_runs(block: Block, tmp_path: Path) -> None:
    """The other side is boto3's, or a library's that is not installed here."""
    if block.document == MUTATION:
        the_changed_lines_are_there(block)
        return
    (tmp_path / "config").write_text("[profile audit]\nregion = eu-central-1\n")
    new = "\n".join(line[1:] for line in block.code.splitlines() if not line.startswith("-"))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    program = (
        "import asyncio, inspect, lambda_event_invoke_configs as eic\n"
        f"made = eval(compile({new!r}, 'diff', 'exec', {flags}), {{'eic': eic}})\n"
        "if inspect.iscoroutine(made): asyncio.run(made)\n"
    )
    assert forked_python("-c", program, folder=tmp_path, AWS_CONFIG_FILE=str(tmp_path / "config")) == ""


def the_changed_lines_are_there(block: Block) -> None:
    """What becomes of the changes, tests/mutation/run.py tells."""
    for change in re.split(r"^(?=@@ )", block.code, flags=re.MULTILINE)[1:]:
        where, *lines = change.splitlines()
        source = (PACKAGE / where.split()[1]).read_text()
        assert {line[1:] for line in lines if line.startswith("-")} <= {
            re.sub(r"\bcast\(\"[^\"]*\", ", "cast(", line.strip()) for line in source.splitlines()
        }, change


def runs_as_a_whole(block: Block, folder: Path) -> None:
    """With an AWS CLI that prints two names, which are in names.txt too."""
    commands = {
        "aws": "printf 'first\\tsecond\\n'",
        "lambda-event-invoke-configs": f'exec "{sys.executable}" -m lambda_event_invoke_configs "$@"',
    }
    for name, does in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    (folder / "names.txt").write_text("first\nsecond\n")
    with Account() as account:
        settings = {name.upper(): value for name, value in KEYS.items()}
        environment = {**os.environ, **settings, "AWS_ENDPOINT_URL_LAMBDA": account.url}
        environment |= {
            "AWS_DEFAULT_REGION": "us-east-1",
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        }
        processes.run("bash", "-eu", "-c", block.code, folder=folder, only=environment)
        assert len(account.seen()["asked"]) == 4 + 2 + 2
    for output in ("found.jsonl", "listed.jsonl"):
        assert (folder / output).read_text().count("\n") == 2


def the_extras_are_declared(line: str) -> None:
    extras = "".join(re.findall(r"\.\[(.*?)\]", line)).split(",")
    declared = re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {*filter(None, extras)} <= {*declared}


def without_installing(command: list[str]) -> list[str]:
    """The command that uvx or pipx runs. They are not run themselves: they install from the network."""
    for runner in (["uvx", "--from"], ["pipx", "run", "--spec"]):
        if command[: len(runner)] == runner:
            source, *command = command[len(runner) :]
            assert re.fullmatch(r"\.(\[.*\])?", source), "not the checkout"
            the_extras_are_declared(source)
            assert f"\n[project.scripts]\n{command[0]} = " in (ROOT / "pyproject.toml").read_text()
    return command


def can_be_used(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="0") if "--print-completion" in arguments else nullcontext():
        parse(arguments[: arguments.index(">")] if ">" in arguments else arguments)


@of_kind("sh")
def test_each_line_of_shell_is_one_that_is_checked(block: Block, tmp_path: Path) -> None:
    if block.document == DEPLOYING:
        return  # tests/packaging/test_bundle.py runs all of it
    if "aws lambda" in block.code:
        runs_as_a_whole(block, tmp_path)
        return
    for line in block.code.splitlines():
        command = without_installing(shlex.split(line.replace(".venv/bin/", "")))
        if command[0] == "lambda-event-invoke-configs" and "--local" in command:
            printed = forked_python("-m", "lambda_event_invoke_configs", *command[1:], folder=tmp_path)
            assert printed.count("\n") == 3
        elif command[0] == "lambda-event-invoke-configs":
            can_be_used(command[1:])
        elif command[:2] == ["pip", "install"]:
            # .ci/run installs it so.
            the_extras_are_declared(line)
        elif command[0] == "python" and command[1] != "-m":
            compile((ROOT / command[1]).read_text(), command[1], "exec")
        elif command[:3] == ["python", "-m", "pytest"]:
            assert all((ROOT / path).exists() for path in command[3:] if path.startswith("tests"))
        else:
            assert command == ["python3", "-m", "venv", ".venv"], "nothing checks this line"


@of_kind("ini")
def test_a_config_file_can_be_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(block.code)
    assert load_config(str(tmp_path / "config"))["profiles"]


@of_kind("json")
def test_json_can_be_read(block: Block) -> None:
    assert json.loads(block.code)


@of_kind("toml")
def test_toml_is_a_page_s_whose_own_test_reads_it(block: Block) -> None:
    assert block.document.name == "vendoring.md"  # tests/packaging/test_vendored.py


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


@pytest.mark.parametrize("path", PROMISES, ids=lambda path: path.parent.name)
def test_each_promise_names_tests_that_exist(path: Path) -> None:
    named = re.findall(r"\b(tests/[\w/.]+)((?:::\w+)*)", path.read_text())
    assert named
    for file, names in named:
        assert (ROOT / file).exists(), file
        for name in names.split("::")[1:]:
            assert re.search(rf"^ *(class|(async )?def) {name}\b", (ROOT / file).read_text(), re.MULTILINE), (
                name
            )


def test_every_difference_names_a_case() -> None:
    """tests/conformance checks that each of them exists, and differs."""
    text = (ROOT / "docs" / "differences.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2:5] not in ("sit", "---")]
    assert rows
    for row in rows:
        assert re.search(r"<!-- (`case:[^`]+` )+--> \|$", row), row
