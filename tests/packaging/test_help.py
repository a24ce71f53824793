"""What somebody sees who asks for help: help(), completion, the text an editor shows at a name."""

from __future__ import annotations

import inspect
import json
import os
import pydoc
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from language_server import HERE, LanguageServer
from processes import python

import lambda_event_invoke_configs as eic

PACKAGE = Path(eic.__file__).parent
MODULES = {"exceptions": eic.exceptions, "types": eic.types}
NAMES = [name for name in eic.__all__ if name not in {*MODULES, "__version__"}]
OWN = {
    **{f"eic.{name}": getattr(eic, name) for name in NAMES},
    **{
        f"eic.{module}.{name}": getattr(MODULES[module], name)
        for module in MODULES
        for name in MODULES[module].__all__
        if getattr(MODULES[module], name).__module__.startswith("lambda_event_invoke_configs")
    },
}
CLASSES = {name: found for name, found in OWN.items() if inspect.isclass(found)}


def functions() -> Iterator[tuple[str, Any, str]]:
    """Each public function and method: its name, itself, and the text that is to describe its parameters."""
    for name, found in OWN.items():
        if not inspect.isclass(found):
            yield name, found, inspect.getdoc(found) or ""
        elif not name.startswith(("eic.exceptions", "eic.types")):
            for method, function in inspect.getmembers(found, inspect.isroutine):
                if not method.startswith("_"):
                    yield f"{name}.{method}", function, inspect.getdoc(function) or ""


FUNCTIONS = {name: (function, text) for name, function, text in functions()}
# A class for the caller to make; the others come from one of these.
MADE_BY_HAND = ["AsyncClient", "Client", "Config", "FunctionOutcome", "LocalLambda"]
ENVIRON = {
    # pyright asks the python on the PATH for its paths.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(PACKAGE.parent),
    "PYRIGHT_PYTHON_GLOBAL_NODE": "1",
    "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
}


class TestHelp:
    @pytest.mark.parametrize("name", CLASSES)
    def test_each_class_says_what_it_is(self, name: str) -> None:
        assert CLASSES[name].__doc__
        assert not CLASSES[name].__doc__.startswith(f"{CLASSES[name].__name__}("), "dataclass wrote it"

    @pytest.mark.parametrize("name", CLASSES)
    def test_each_public_member_of_a_class_has_a_docstring(self, name: str) -> None:
        for member, found in inspect.getmembers(CLASSES[name]):
            if not member.startswith("_") and (inspect.isroutine(found) or isinstance(found, property)):
                assert inspect.getdoc(found), member

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_each_function_has_types_and_says_what_its_parameters_are(self, name: str) -> None:
        function, text = FUNCTIONS[name]
        signature = inspect.signature(function)
        assert signature.return_annotation is not signature.empty
        for parameter in signature.parameters.values():
            if parameter.name in {"self", "cls", "params", "options"}:
                continue
            assert parameter.annotation is not parameter.empty, parameter
            words = parameter.name.split("_")[0].rstrip("s")
            # `as Client...`: where to read on.
            assert words in text or "Client" in text, f"{parameter.name} is not in: {text}"

    @pytest.mark.parametrize("name", MADE_BY_HAND)
    def test_each_argument_of_a_class_is_in_its_docstring_with_a_type_in_its_signature(
        self, name: str
    ) -> None:
        text = inspect.getdoc(getattr(eic, name)) or ""
        if name == "AsyncClient":
            assert "`Client`" in text  # "the same arguments"
            text = inspect.getdoc(eic.Client) or ""
        for parameter in inspect.signature(getattr(eic, name)).parameters.values():
            assert re.search(
                rf"^(.*, )?{parameter.name}(, \w+)*:|\. {parameter.name}:", text, re.MULTILINE
            ), parameter
            assert parameter.annotation is not parameter.empty

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("Client", ["region_name: such as", "list_function_event_invoke_configs(self", "Raises "]),
            ("Paginator", ["for page in paginator.paginate(", "StartingToken", "PageSize"]),
            (
                "PageIterator",
                ["build_full_result(self) -> 'types.FullResult'", "resume_token", "for page in pages"],
            ),
            ("Config", ["connect_timeout, read_timeout: seconds (default 60", "max_response_size: maximum"]),
            ("exceptions", ["ClientError", "+*     ResourceNotFoundException       404"]),
        ],
    )
    def test_help_has_what_one_looks_for(self, name: str, says: list[str]) -> None:
        text = pydoc.plain(pydoc.render_doc(getattr(eic, name)))
        for part in says:
            assert part in text


def test_completion_at_the_prompt_offers_the_public_names_alone() -> None:
    assert dir(eic) == sorted(eic.__all__)
    assert all(hasattr(eic, name) for name in dir(eic))


@pytest.mark.in_ci
@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("eic.", NAMES),
        ("eic.exceptions.", eic.exceptions.__all__),
        ("eic.client('lambda').", ["list_function_event_invoke_configs", "get_paginator", "meta"]),
        ("eic.AsyncClient().", ["list_function_event_invoke_configs", "get_paginator", "aclose"]),
        ("eic.Client().get_paginator('x').paginate().", ["build_full_result", "items", "resume_token"]),
    ],
)
def test_jedi_offers_what_there_is(code: str, offered: list[str]) -> None:
    """As in IPython, Jupyter and several editors: it reads the code, and runs none."""
    import jedi

    project = jedi.Project(PACKAGE.parent, sys_path=[str(PACKAGE.parent), *sys.path])
    script = jedi.Script(f"import {PACKAGE.name} as eic\n{code}", project=project)
    assert {*offered} - {completion.name for completion in script.complete()} == set()


SHOWN_BY_HELP = {"__iter__", "__aiter__", "__enter__", "__aenter__", "__exit__", "__aexit__"}


def undocumented(path: str, found: Any) -> Iterator[str]:
    """What griffe finds neither a docstring of its own for, nor its name in the docstring of its class."""
    if not found.has_docstring:
        yield path
    if found.is_class:
        text = "".join(c.docstring.value for c in [found, *found.mro()] if c.has_docstring)
        for name, member in found.all_members.items():
            public = name in SHOWN_BY_HELP or not name.startswith("_")
            named = member.is_attribute and re.search(rf"\b{name}\b", text)
            of_botocore = name == "fmt" or name in eic.exceptions.__all__
            if public and not (member.has_docstring or named or of_botocore):
                yield f"{path}.{name}"


@pytest.fixture(scope="module")
def package() -> Any:
    """The package as griffe reads it."""
    import griffe

    return griffe.load("lambda_event_invoke_configs", search_paths=[str(PACKAGE.parent)])


@pytest.mark.in_ci
@pytest.mark.parametrize("name", OWN)
def test_griffe_finds_no_undocumented_public_object(package: Any, name: str) -> None:
    found = package[name.removeprefix("eic.")]
    assert list(undocumented(name, found.final_target if found.is_alias else found)) == []


@pytest.mark.in_ci
def test_pyright_knows_the_type_of_everything_that_is_public(tmp_path: Path) -> None:
    command = ("-m", "pyright", "--outputjson", "--ignoreexternal", "--verifytypes", PACKAGE.name)
    found = json.loads(python(*command, folder=tmp_path, **ENVIRON))["typeCompleteness"]
    unclear = [s["name"] for s in found["symbols"] if s["isExported"] and not s["isTypeKnown"]]
    assert (unclear, found["completenessScore"]) == ([], 1)
    assert found["exportedSymbolCounts"]["withKnownType"] > 150


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """One for all, since it takes a while to start."""
    with LanguageServer(tmp_path_factory.mktemp("edited"), ENVIRON) as server:
        yield server


@pytest.mark.in_ci
class TestAnEditor:
    """pyright's language server stands for them: the one most of them run, or a kin of it."""

    HEAD = (
        "import lambda_event_invoke_configs as eic\n"
        'client = eic.client("lambda")\n'
        'paginator = client.get_paginator("list_function_event_invoke_configs")\n'
        'pages = paginator.paginate(FunctionName="f")\n'
        "full = pages.build_full_result()\n"
        "page = next(iter(pages))\n"
    )

    @pytest.mark.parametrize(
        ("code", "offered"),
        [
            (f"eic.{HERE}", NAMES),
            (f"client.{HERE}", ["list_function_event_invoke_configs", "get_paginator", "meta", "close"]),
            (f"client.meta.{HERE}", ["region_name", "endpoint_url", "partition", "config"]),
            (f"client.exceptions.{HERE}", ["ResourceNotFoundException", "TooManyRequestsException"]),
            (f"paginator.{HERE}", ["paginate"]),
            (f"pages.{HERE}", ["build_full_result", "search", "items", "resume_token", "result_keys"]),
            (f"page['{HERE}']", ["FunctionEventInvokeConfigs", "NextMarker", "ResponseMetadata"]),
            (f"full['{HERE}']", ["FunctionEventInvokeConfigs", "NextToken"]),
            (
                f"page['FunctionEventInvokeConfigs'][0]['{HERE}']",
                ["LastModified", "FunctionArn", "MaximumRetryAttempts", "DestinationConfig"],
            ),
            (f"eic.Config(connect{HERE})", ["connect_timeout"]),
            (f"eic.Client(end{HERE})", ["endpoint_url"]),
            (f"eic.exceptions.{HERE}", eic.exceptions.__all__),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_offers_what_there_is(self, server: LanguageServer, code: str, offered: list[str]) -> None:
        assert set(offered) - server.completions(f"{self.HEAD}{code}\n") == set()

    @pytest.mark.parametrize(
        ("code", "shown"),
        [
            (f"eic.Cl{HERE}ient()", "A client of AWS Lambda for one operation."),
            (f"eic.Co{HERE}nfig()", "connect_timeout, read_timeout: seconds (default 60 each"),
            (f"eic.cl{HERE}ient('lambda')", "in place of `boto3.client("),
            (f"paginator.pagi{HERE}nate()", "nothing is sent until the result is iterated"),
            (f"pages.resume_t{HERE}oken", "A `StartingToken` that continues after the item returned last."),
            (f"client.list_function_event_in{HERE}voke_configs()", "Raises ParamValidationError"),
            (f"eic.exceptions.No{HERE}RegionError", "No region was found in the arguments"),
            (f"client.meta.region{HERE}_name", "Such as"),
        ],
        ids=lambda value: value if HERE in value else "",
    )
    def test_shows_what_it_is(self, server: LanguageServer, code: str, shown: str) -> None:
        assert shown in server.hover(f"{self.HEAD}{code}\n")
