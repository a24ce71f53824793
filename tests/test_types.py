"""Type checkers take this library's objects where code annotated with types-boto3-lambda asks for boto3's."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import processes
import pytest

import lambda_event_invoke_configs

pytestmark = pytest.mark.in_ci

SAMPLE = Path(__file__).parent / "support" / "typed_usage.py"
SOURCES = Path(lambda_event_invoke_configs.__file__).parents[1]
PROMISES = [
    found
    for found in ast.parse(SAMPLE.read_text()).body
    if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef))
]

Complaints = dict[int, str]
Check = Callable[[str], Complaints]


def run(*arguments: str, folder: Path) -> str:
    environ = {
        "MYPYPATH": str(SOURCES),
        # pyright asks the interpreter for its paths.
        "PYTHONPATH": str(SOURCES),
        # It comes with a launcher, which else may fetch a Node.js of its own.
        "PYRIGHT_PYTHON_GLOBAL_NODE": "1",
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
    ran = processes.run(sys.executable, "-m", *arguments, folder=folder, fails=True, **environ)
    assert ran.code in {0, 1}, ran.out + ran.err
    return ran.out


def mypy(folder: Path) -> Complaints:
    """What `mypy --strict` has against `checked.py`, by line."""
    output = run("mypy", "--strict", "--config-file=", "checked.py", folder=folder)
    assert re.search(r"^(Found \d+ errors? in 1 file|Success)", output, re.MULTILINE), output
    return {int(line): text for line, text in re.findall(r"^[^:]+:(\d+): error: (.*)$", output, re.MULTILINE)}


def pyright(folder: Path) -> Complaints:
    """What pyright has against `checked.py`, by line."""
    output = json.loads(
        run("pyright", "--outputjson", "--pythonpath", sys.executable, "checked.py", folder=folder)
    )
    assert output["summary"]["filesAnalyzed"] == 1
    return {
        found["range"]["start"]["line"] + 1: found["message"]
        for found in output["generalDiagnostics"]
        if found["severity"] == "error"
    }


@pytest.fixture(params=[mypy, pyright], ids=["mypy", "pyright"], scope="module")
def check(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Check:
    """One type checker; it reads the same code once."""
    folder = tmp_path_factory.mktemp(request.param.__name__)

    @cache
    def complaints(code: str) -> Complaints:
        (folder / "checked.py").write_text(code)
        found: Complaints = request.param(folder)
        return found

    return complaints


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_code_that_was_typed_for_boto3_is_satisfied(check: Check, promise: ast.FunctionDef) -> None:
    complaints = check(SAMPLE.read_text())
    assert promise.end_lineno
    lines = range(promise.lineno, promise.end_lineno + 1)
    assert {line: text for line, text in complaints.items() if line in lines} == {}


def test_nothing_outside_of_these_promises_is_complained_about(check: Check) -> None:
    inside = {line for p in PROMISES for line in range(p.lineno, (p.end_lineno or 0) + 1)}
    assert {line: text for line, text in check(SAMPLE.read_text()).items() if line not in inside} == {}


HEAD = """\
from collections.abc import Iterable
from typing import Any, Protocol

from types_boto3_lambda.type_defs import DestinationConfigTypeDef, FunctionEventInvokeConfigTypeDef

import lambda_event_invoke_configs as eic


class Pages(Protocol):
    def paginate(self, *args: Any, **kwargs: Any) -> Iterable[object]: ...


class Pageable(Protocol):
    def get_paginator(self, operation_name: str, /) -> Pages: ...


def takes_a_client(client: Pageable) -> None: ...
def takes_destinations(destinations: list[DestinationConfigTypeDef]) -> None: ...


def use(client: eic.Client, config: eic.types.FunctionEventInvokeConfig) -> None:
"""
WRONG = [
    'config["FunctionARN"]',
    'config.get("MaximumRetryAttempts", 0).upper()',
    "takes_destinations([config])",
    'client.list_function_event_invoke_configs(FunctionName="f", Qualifier="1")',
    'client.list_function_event_invoke_configs(FunctionName="f", MaxItems="5")',
    "client.list_function_event_invoke_configs()",
    'client.get_paginator("list_function_event_invoke_configs").paginate(Function="f")',
    'client.get_paginator("x").paginate(FunctionName=5)',
    'client.get_paginator("x").paginate(FunctionName="f", PaginationConfig={"Pages": 2})',
    "client.list_functions()",
    'eic.Client("us-east-1", region="eu-west-1")',
    "eic.Client(5)",
    'eic.client("lambda", api_version="2015-03-31")',
    "takes_a_client(eic.AsyncClient())",
    "takes_a_client(object())",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_code_that_is_wrong_is_not(check: Check, wrong: str) -> None:
    """Else nothing above would show anything."""
    complaints = check(HEAD + "".join(f"    {line}\n" for line in ["takes_a_client(client)", *WRONG]))
    first = HEAD.count("\n") + 1
    assert first + 1 + WRONG.index(wrong) in complaints
    assert first not in complaints
