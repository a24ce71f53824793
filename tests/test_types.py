"""What users annotate with, as type checkers, pydantic and FastAPI read it.

Type checkers accept this library's objects where code annotated with types-boto3-lambda asks for boto3's.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import fastapi
import processes
import pydantic
import pytest
from listing import list_page, paginate

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import types

SAMPLE = Path(__file__).parent / "support" / "typed_usage.py"
PACKAGE = Path(eic.__file__).parent
SOURCES = PACKAGE.parent
PROMISES = [
    found
    for found in ast.parse(SAMPLE.read_text()).body
    if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef))
]

Complaints = Mapping[int, str]


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
    'client.list_function_event_invoke_configs(FunctionName="f", Marker=None)',
]


ACCEPTED_BY_TY = [wrong for wrong in WRONG if "Qualifier=" in wrong or "api_version=" in wrong]
FILES = {
    "right.py": SAMPLE.read_text(),
    "wrong.py": HEAD + "".join(f"    {line}\n" for line in ["takes_a_client(client)", *WRONG]),
}


def run(*arguments: str, folder: Path) -> str:
    environ = {
        "MYPYPATH": str(SOURCES),
        # pyright asks the interpreter for its paths.
        "PYTHONPATH": str(SOURCES),
        # It comes with a launcher, which else may fetch a Node.js of its own.
        "PYRIGHT_PYTHON_GLOBAL_NODE": "1",
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
    ran = processes.run(sys.executable, "-m", *arguments, *FILES, folder=folder, fails=True, **environ)
    assert ran.code in {0, 1}, ran.out + ran.err
    return ran.out


def errors(pattern: str, output: str) -> dict[str, Complaints]:
    """The errors by file and line, from output with one line for each."""
    found: dict[str, dict[int, str]] = {name: {} for name in FILES}
    for name, line, text in re.findall(pattern, output, re.MULTILINE):
        found[name][int(line)] = text
    return {**found}


def mypy(folder: Path) -> dict[str, Complaints]:
    output = run("mypy", "--strict", "--config-file=", folder=folder)
    return errors(r"^(\w+\.py):(\d+): error: (.*)$", output)


def pyright(folder: Path) -> dict[str, Complaints]:
    output = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, folder=folder))
    assert output["summary"]["filesAnalyzed"] == len(FILES)
    return errors(
        r"^(\w+\.py) (\d+) (.*)$",
        "\n".join(
            f"{Path(found['file']).name} {found['range']['start']['line'] + 1} {found['message']!r}"
            for found in output["generalDiagnostics"]
            if found["severity"] == "error"
        ),
    )


def ty(folder: Path) -> dict[str, Complaints]:
    options = ["--output-format", "concise", "--extra-search-path", str(SOURCES), "--python", sys.prefix]
    return errors(r"^(\w+\.py):(\d+):\d+: error(.*)$", run("ty", "check", *options, folder=folder))


def pyrefly(folder: Path) -> dict[str, Complaints]:
    options = ["--preset", "default", "--output-format", "min-text", "--search-path", str(SOURCES)]
    options += ["--python-interpreter-path", sys.executable]
    return errors(r"^ERROR (\w+\.py):(\d+):\S+ (.*)$", run("pyrefly", "check", *options, folder=folder))


@pytest.fixture(params=[mypy, pyright, ty, pyrefly], ids=lambda checker: checker.__name__, scope="module")
def complaints(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Complaints]:
    """What one type checker has against each of `FILES`, by line; it runs once."""
    folder = tmp_path_factory.mktemp(request.param.__name__)
    for name, code in FILES.items():
        (folder / name).write_text(code)
    found: dict[str, Complaints] = request.param(folder)
    return found


@pytest.mark.in_ci
class TestTypeCheckers:
    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
    def test_accept_code_that_was_typed_for_boto3(
        self, complaints: dict[str, Complaints], promise: ast.FunctionDef
    ) -> None:
        assert promise.end_lineno
        lines = range(promise.lineno, promise.end_lineno + 1)
        assert {line: text for line, text in complaints["right.py"].items() if line in lines} == {}

    def test_report_nothing_outside_of_these_functions(self, complaints: dict[str, Complaints]) -> None:
        inside = {line for p in PROMISES for line in range(p.lineno, (p.end_lineno or 0) + 1)}
        assert {line: text for line, text in complaints["right.py"].items() if line not in inside} == {}

    @pytest.mark.parametrize("wrong", WRONG)
    def test_report_code_that_is_wrong(
        self, complaints: dict[str, Complaints], wrong: str, request: pytest.FixtureRequest
    ) -> None:
        """Otherwise nothing above would show anything."""
        if request.node.callspec.params["complaints"] is ty and wrong in ACCEPTED_BY_TY:
            pytest.xfail("ty accepts keywords that the unpacked TypedDict does not have")
        first = HEAD.count("\n") + 1
        assert first + 1 + WRONG.index(wrong) in complaints["wrong.py"]
        assert first not in complaints["wrong.py"]


@pytest.mark.in_ci
def test_mypy_leaves_out_a_vendored_copy_as_the_page_on_typing_has_it(tmp_path: Path) -> None:
    copy = tmp_path / "othersdk" / "_vendor" / "leic"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "types.py").open("a") as file:
        file.write('wrong: int = "text"\n')
    for folder in (tmp_path / "othersdk", tmp_path / "othersdk" / "_vendor"):
        (folder / "__init__.py").touch()
    (tmp_path / "othersdk" / "use.py").write_text(
        "from othersdk._vendor import leic\n"
        "page = leic.Client().list_function_event_invoke_configs(FunctionName='f')\n"
        "page['FunctionEventInvokeConfigs'][0]['FunctionArn'] / 2\n"
    )
    page = (Path(__file__).parents[1] / "docs" / "typing.md").read_text()
    (config,) = re.findall(r"^```text\n(\[\[tool\.mypy\..*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(config)
    ran = processes.run(sys.executable, "-m", "mypy", "--strict", "othersdk", folder=tmp_path, fails=True)
    assert re.findall(r"^(.*): error", ran.out, re.MULTILINE) == ["othersdk/use.py:3"], ran.out


class TestPydantic:
    @pytest.fixture
    def lam(self) -> Iterator[eic.LocalLambda]:
        with eic.LocalLambda({"f": 60}) as lam:
            yield lam

    def test_validates_pages_the_last_one_included(self, client: eic.Client) -> None:
        adapter = pydantic.TypeAdapter(types.ListFunctionEventInvokeConfigsResponse)
        pages = list(paginate(client))
        assert [adapter.validate_python(page) for page in pages] == pages
        assert ["NextMarker" in page for page in pages] == [True, False]

    def test_validates_a_full_result(self, client: eic.Client) -> None:
        full = paginate(client).build_full_result()
        assert pydantic.TypeAdapter(types.FullResult).validate_python(full) == full

    def test_validates_an_outcome_as_an_object(self, client: eic.Client) -> None:
        class Report(pydantic.BaseModel):
            model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)  # an exception is one
            outcome: eic.FunctionOutcome

        outcome = client.list_for_function("f")
        assert Report(outcome=outcome).outcome == outcome

    @pytest.mark.parametrize("name", types.__all__)
    def test_reads_every_type(self, name: str) -> None:
        assert pydantic.TypeAdapter(getattr(types, name)).json_schema()["type"] == "object"

    def test_knows_what_may_be_missing(self) -> None:
        schema = pydantic.TypeAdapter(types.ListFunctionEventInvokeConfigsResponse).json_schema()
        assert schema["required"] == ["FunctionEventInvokeConfigs", "ResponseMetadata"]
        with pytest.raises(pydantic.ValidationError, match="MaximumRetryAttempts"):
            pydantic.TypeAdapter(types.FunctionEventInvokeConfig).validate_python(
                {"MaximumRetryAttempts": "many"}
            )

    def test_leaves_out_what_has_no_type(self, client: eic.Client) -> None:
        adapter = pydantic.TypeAdapter(types.ListFunctionEventInvokeConfigsResponse)
        page = list_page(client)
        page["ResponseMetadata"]["MaxAttemptsReached"] = True
        assert "MaxAttemptsReached" not in adapter.validate_python(page)["ResponseMetadata"]

    def test_lets_fastapi_describe_a_response(self) -> None:
        app = fastapi.FastAPI()

        @app.get("/configs")
        def configs() -> types.FullResult:
            raise NotImplementedError

        schema = app.openapi()["components"]["schemas"]
        assert {"FullResult", "FunctionEventInvokeConfig", "DestinationConfig"} <= {*schema}


def test_without_typing_extensions_the_types_are_the_standard_librarys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A vendored copy may lack it."""
    monkeypatch.setitem(sys.modules, "typing_extensions", None)
    spec = importlib.util.spec_from_file_location(f"{eic.__name__}.vendored", types.__file__)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert type(module.FullResult).__module__ == "typing"
    assert module.ListRequest.__required_keys__ == {"FunctionName"}


def test_what_may_be_missing_is_known_at_run_time() -> None:
    required = {name: {*getattr(types, name).__required_keys__} for name in types.__all__}
    assert {name: members for name, members in required.items() if members} == {
        "ListFunctionEventInvokeConfigsResponse": {"FunctionEventInvokeConfigs", "ResponseMetadata"},
        "ListRequest": {"FunctionName"},
        "PaginateRequest": {"FunctionName"},
        "ResponseMetadata": {"HTTPHeaders", "HTTPStatusCode", "RequestId", "RetryAttempts"},
    }
    assert types.ResponseMetadata.__optional_keys__ == {"HostId"}
