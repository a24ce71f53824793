"""Copied into another SDK, by hand and by PyPA's `vendoring`, beside the installed one in one process."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import pickle
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.exceptions
import botocore.parsers
import httpx
import pytest
from processes import forked_python, python

import lambda_event_invoke_configs as installed

ROOT = Path(__file__).parents[2]
PACKAGE = Path(installed.__file__).parent
GUIDE = (ROOT / "docs" / "vendoring.md").read_text()

BY_HAND = "othersdk._vendor.leic"
BY_TOOL = "othersdk._vendor.lambda_event_invoke_configs"
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
LIST = "list_function_event_invoke_configs"


def copy_package(target: Path, *left_out: str) -> None:
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", *left_out))


def project_in(folder: Path) -> Path:
    """The folder of a project with a package `othersdk`, which has nothing vendored yet."""
    vendor = folder / "othersdk" / "_vendor"
    vendor.mkdir(parents=True)
    for package in (vendor.parent, vendor):
        (package / "__init__.py").touch()
    return folder


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has a copy."""
    project = project_in(tmp_path_factory.mktemp("othersdk-project"))
    copy_package(project / "othersdk" / "_vendor" / "leic")
    return project


def run_vendoring(project: Path, folder: Path) -> None:
    """`vendoring sync` as docs/vendoring.md has it, from a wheel of this tree and without a network."""
    (config,) = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (requirement,) = re.findall(r"^```text\n(lambda-event-invoke-configs==.*\n)```", GUIDE, re.MULTILINE)
    (project / "pyproject.toml").write_text(config)
    (project / "othersdk" / "_vendor" / "vendor.txt").write_text(requirement)
    wheels, temporary = folder / "wheels", folder / "temporary"
    temporary.mkdir()
    python("-m", "hatchling", "build", "-t", "wheel", "-d", wheels, folder=ROOT)
    scripts = Path(sys.executable).parent  # its pip is the one that the tool finds
    python(
        *("-m", "vendoring", "sync", "--verbose"),
        folder=project,
        PATH=f"{scripts}{os.pathsep}{os.environ['PATH']}",
        TMPDIR=str(temporary),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=wheels.as_uri(),  # a list, separated by blanks
        PIP_CONFIG_FILE=os.devnull,
    )


@pytest.fixture
def imports(sdk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes `othersdk` importable, and forgets it afterwards."""
    monkeypatch.syspath_prepend(str(sdk))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "othersdk"]:
        del sys.modules[name]


@pytest.fixture
def leic(imports: None) -> ModuleType:
    """The copy, imported into the process of the installed one."""
    return importlib.import_module(BY_HAND)


def answers(*responses: httpx.Response) -> httpx.MockTransport:
    waiting = list(responses)
    return httpx.MockTransport(lambda request: waiting.pop(0))


def refused_with(package: Any, code: str, status: int) -> Exception:
    """What a client of that package raises for an error of the service."""
    transport = answers(httpx.Response(status, headers={"x-amzn-errortype": code}, json={"message": "no"}))
    once = package.Config(retries={"total_max_attempts": 1})
    client = package.Client(**KEYS, config=once, transport=transport)
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.list_function_event_invoke_configs(FunctionName="f")
    return raised.value


# The copies


def test_the_tool_changes_no_code_takes_the_license_along_and_what_it_copied_runs(tmp_path: Path) -> None:
    """So what is shown below of a copy by hand is true of the tool's."""
    project = project_in(tmp_path / "project")
    run_vendoring(project, tmp_path)
    vendored = project / "othersdk" / "_vendor" / "lambda_event_invoke_configs"
    copied = {path.name for path in vendored.iterdir()}
    assert copied == {path.name for path in PACKAGE.iterdir()} - {"__pycache__"} | {"LICENSE"}
    for path in PACKAGE.rglob("*.py"):
        # Only the example in the package's docstring names the package.
        assert uncommented(vendored / path.relative_to(PACKAGE)) == uncommented(path), path
    assert (vendored / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    printed = forked_python("-m", BY_TOOL, "--local", "--output", "jsonl", folder=project)
    assert len(printed.splitlines()) == 120


def uncommented(path: Path) -> str:
    return path.read_text().partition('"""')[2].partition('"""')[2]


def test_the_guide_names_this_version_and_these_dependencies() -> None:
    assert f"lambda-event-invoke-configs=={installed.__version__}\n" in GUIDE
    project = (ROOT / "pyproject.toml").read_text()
    (listed,) = re.findall(r"^dependencies = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    dependencies = re.findall(r'"(.*)"', listed)
    assert "```text\n{}\n```".format("\n".join(dependencies)) in GUIDE


@pytest.mark.parametrize(
    ("left_out", "module"),
    [
        (["_cli", "local.py"], "_sync.client"),
        (["_async"], "_sync.client"),
        (["_cli", "_sync"], "_async.client"),
    ],
)
def test_what_the_guide_says_may_be_left_out_may_be(left_out: list[str], module: str, tmp_path: Path) -> None:
    for name in left_out:
        assert f"`{name}`" in GUIDE
    copy_package(tmp_path / "othersdk" / "_vendor" / "leic", *left_out)
    left = [file.relative_to(PACKAGE) for file in sorted(PACKAGE.rglob("*.py")) if file.stem[:2] != "__"]
    imports = "; ".join(
        f"import othersdk._vendor.leic.{'.'.join(file.with_suffix('').parts)}"
        for file in left
        if file.parts[0] not in left_out
    )
    forked_python("-c", imports, folder=tmp_path)
    client = "AsyncClient" if "async" in module else "Client"
    code = (
        "from othersdk._vendor import leic\n"
        f"client = leic.{client}('us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "print(type(client).__module__)"
    )
    assert forked_python("-c", code, folder=tmp_path) == f"{BY_HAND}.{module}\n"


LEFT_OUT = {
    "_async": {"AsyncClient", "AsyncItems", "AsyncPageIterator", "AsyncPaginator"},
    "_sync": {"Client", "Items", "PageIterator", "Paginator", "client"},
    "local.py": {"LocalLambda"},
    "_cli": set(),
}
LOOKING_AROUND = """
import inspect, othersdk._vendor.leic as leic
from othersdk._vendor.leic import *
for name in ALL:
    try:
        exec(f"from othersdk._vendor.leic import {name}")
        importable = True
    except ImportError:
        importable = False
    print(name, hasattr(leic, name), name in dir(leic), name in dict(inspect.getmembers(leic)),
        name in globals(), importable, sep=",")
"""


@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_what_is_left_out_is_not_there_and_looking_around_finds_the_rest(
    left_out: str, tmp_path: Path
) -> None:
    copy_package(tmp_path / "othersdk" / "_vendor" / "leic", left_out)
    names = [name for name in installed.__all__ if not name.startswith("__")]
    printed = forked_python("-c", LOOKING_AROUND.replace("ALL", repr(names)), folder=tmp_path)
    seen = {line.split(",")[0]: {*line.split(",")[1:]} for line in printed.splitlines()}
    assert seen == {name: {str(name not in LEFT_OUT[left_out])} for name in names}


def test_the_command_without_local_lambda_lists_single_pages_too(tmp_path: Path) -> None:
    copy_package(tmp_path / "othersdk" / "_vendor" / "leic", "local.py")
    command = ["-m", "othersdk._vendor.leic", "f", "--no-paginate", "--max-items", "3"]
    with installed.LocalLambda({"f": 120}) as lam:
        keys = {"AWS_ACCESS_KEY_ID": lam.access_key, "AWS_SECRET_ACCESS_KEY": lam.secret_key}
        command += ["--endpoint-url", lam.endpoint_url, "--region", lam.region_name]
        assert forked_python(*command, folder=tmp_path, **keys).count('"FunctionArn"') == 3


# What they do


def test_it_lists_as_the_installed_one_does(leic: Any) -> None:
    listed = []
    with installed.LocalLambda({"f": 120}) as lam:
        for package in (installed, leic):
            with package.client("lambda", **lam.client_options) as client:
                pages = client.get_paginator(LIST).paginate(
                    FunctionName="f", PaginationConfig={"MaxItems": 70}
                )
                listed.append((pages.build_full_result(), len(list(pages)), pages.resume_token))
    assert listed[0] == listed[1]
    assert listed[1][1] == 2


def test_a_token_continues_in_another_copy(leic: Any) -> None:
    with leic.LocalLambda({"f": 120}) as lam:
        with leic.Client(**lam.client_options) as client:
            first = client.get_paginator(LIST).paginate(FunctionName="f", PaginationConfig={"MaxItems": 70})
            token = first.build_full_result()["NextToken"]
        with installed.Client(**lam.client_options) as other:
            rest = other.get_paginator(LIST).paginate(
                FunctionName="f", PaginationConfig={"StartingToken": token}
            )
            assert len(list(rest.items())) == 50


def test_its_async_client_lists(leic: Any) -> None:
    async def listed(lam: Any) -> int:
        async with leic.AsyncClient(**lam.client_options) as client:
            pages = client.get_paginator(LIST).paginate(FunctionName="f")
            return len([config async for config in pages.items()])

    with leic.LocalLambda({"f": 120}) as lam:
        assert asyncio.run(listed(lam)) == 120


def test_its_endpoint_verifies_the_installed_ones_signatures(leic: Any) -> None:
    with leic.LocalLambda({"f": 1}) as lam:
        with installed.Client(**lam.client_options) as client:
            assert client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]
        wrong: Any = {**lam.client_options, "aws_secret_access_key": "wrong"}
        with installed.Client(**wrong) as client, pytest.raises(installed.exceptions.ClientError):
            client.list_function_event_invoke_configs(FunctionName="f")


def test_its_command_runs(sdk: Path) -> None:
    printed = forked_python("-m", BY_HAND, "--local", "--output", "jsonl", folder=sdk)
    assert len(printed.splitlines()) == 120


def test_the_user_agent_names_the_sdk_and_its_application(leic: Any) -> None:
    agents = []

    def answer(request: httpx.Request) -> httpx.Response:
        agents.append(request.headers["User-Agent"])
        return httpx.Response(200, json={})

    branded = leic.Config(user_agent_extra="othersdk/1.2.3", user_agent_appid="their-application")
    with leic.Client(**KEYS, config=branded, transport=httpx.MockTransport(answer)) as client:
        client.list_function_event_invoke_configs(FunctionName="f")
    with installed.Client(**KEYS, transport=httpx.MockTransport(answer)) as other:
        other.list_function_event_invoke_configs(FunctionName="f")
    assert agents[0] == f"{agents[1]} app/their-application othersdk/1.2.3"


# Beside each other


def test_all_modules_are_under_its_own_name(leic: Any) -> None:
    names = [name for name in leic.__all__ if not name.startswith("__")]
    for name in names:
        public = getattr(leic, name)
        assert public is not getattr(installed, name)
        module = public.__name__ if isinstance(public, ModuleType) else public.__module__
        assert module.startswith(f"{leic.__name__}.")
    for path in PACKAGE.glob("[!_]*.py"):
        module = importlib.import_module(f"{leic.__name__}.{path.stem}")
        assert module is not importlib.import_module(f"{installed.__name__}.{path.stem}")
        foreign = [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", "").partition(".")[0] == installed.__name__
        ]
        assert foreign == []


def test_its_names_are_resolved_on_first_use(sdk: Path) -> None:
    code = (
        f"import importlib, sys; leic = importlib.import_module({BY_HAND!r})\n"
        "heavy = [name for name in ('httpx', 'botocore', 'ssl', 'asyncio') if name in sys.modules]\n"
        "mine = lambda: sorted(n for n in sys.modules if n.startswith(leic.__name__ + '.'))\n"
        "print(heavy, len(mine())); leic.Config; print(len(mine())); leic.Client\n"
        "print(leic.__name__ + '._sync' in mine(), leic.__name__ + '._async' in mine())\n"
        "print([n for n in sys.modules if n.startswith('lambda_event_invoke_configs')])\n"
    )
    assert python("-c", code, folder=sdk).splitlines() == ["[] 1", "5", "True False", "[]"]


def test_its_errors_are_its_own_and_botocores(leic: Any) -> None:
    theirs = refused_with(leic, "ResourceNotFoundException", 404)
    ours = refused_with(installed, "ResourceNotFoundException", 404)
    assert type(theirs) is leic.exceptions.ResourceNotFoundException
    assert type(theirs).__module__ == f"{leic.__name__}.exceptions"
    assert type(ours) is installed.exceptions.ResourceNotFoundException
    assert not isinstance(theirs, installed.exceptions.LambdaClientError)
    assert not isinstance(ours, leic.exceptions.LambdaClientError)
    assert str(theirs) == str(ours)


def test_every_error_class_derives_from_botocores(leic: Any) -> None:
    bases = (
        botocore.exceptions.ClientError,
        botocore.exceptions.BotoCoreError,
        botocore.parsers.ResponseParserError,
    )
    for name in leic.exceptions.__all__:
        theirs, ours = getattr(leic.exceptions, name), getattr(installed.exceptions, name)
        assert issubclass(theirs, bases), name
        if ours.__module__.startswith("botocore"):
            assert theirs is ours
        else:
            assert not issubclass(theirs, ours)
            assert not issubclass(ours, theirs)


def test_a_pickled_error_comes_back_as_its_own(leic: Any) -> None:
    error = refused_with(leic, "TooManyRequestsException", 429)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is leic.exceptions.TooManyRequestsException
    assert back.response == error.response


def test_its_loggers_are_under_its_name(leic: Any, caplog: pytest.LogCaptureFixture) -> None:
    def record() -> set[str]:
        caplog.clear()
        with leic.Client(**KEYS, transport=answers(httpx.Response(503), httpx.Response(200, json={}))) as c:
            c.list_function_event_invoke_configs(FunctionName="f")
        with installed.Client(**KEYS, transport=answers(httpx.Response(200, json={}))) as other:
            other.list_function_event_invoke_configs(FunctionName="f")
        return {record.name for record in caplog.records}

    caplog.set_level(logging.DEBUG)
    names = ("_protocol.call", "_settings.credentials")
    ours = {f"lambda_event_invoke_configs.{name}" for name in names}
    assert record() == ours | {f"{leic.__name__}.{name}" for name in names}
    caplog.set_level(logging.WARNING, "othersdk")
    caplog.handler.setLevel(logging.DEBUG)  # the line before has raised it too
    assert record() == ours


def test_a_warning_points_at_the_sdk_that_made_the_client(leic: Any) -> None:
    with pytest.warns(UserWarning, match="verify=False") as caught:
        leic.Client(**KEYS, verify=False).close()
    assert caught[0].filename == __file__


def test_each_quiets_botocore_in_threads_of_its_own_fetching_only(
    leic: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from botocore.credentials import Credentials

    log = logging.getLogger("botocore.auth")
    caplog.set_level(logging.DEBUG, "botocore")

    def credentials() -> Credentials:
        log.debug("a secret")
        return Credentials("a", "b")

    for package in (installed, leic):
        options: Any = {"credentials": credentials, "transport": answers(httpx.Response(200, json={}))}
        with package.Client("us-east-1", **options) as client:
            client.list_function_event_invoke_configs(FunctionName="f")
    log.debug("no secret")
    assert [r.message for r in caplog.records if r.name == "botocore.auth"] == ["no secret"]


def test_settings_are_not_shared(leic: Any) -> None:
    class Failing(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(503)

    def quota_reached(client: Any) -> Any:
        with pytest.raises(botocore.exceptions.ClientError) as raised:
            client.list_function_event_invoke_configs(FunctionName="f")
        return raised.value.response["ResponseMetadata"].get("RetryQuotaReached")

    with (
        leic.Client(**KEYS, transport=Failing()) as theirs,
        installed.Client(**KEYS, transport=Failing()) as ours,
    ):
        assert [quota_reached(theirs) for _ in range(30)][-1]  # it is gone for this client
        assert not quota_reached(ours)


def test_one_takes_a_botocore_config_but_not_anothers(leic: Any) -> None:
    from botocore.config import Config

    with leic.Client(**KEYS, config=Config(read_timeout=7)) as client:
        assert client.meta.config == leic.Config(read_timeout=7)
    with leic.Client(**KEYS, config=installed.Config(read_timeout=7)) as client:
        assert type(client.meta.config) is leic.Config
        assert client.meta.config.read_timeout == 7
