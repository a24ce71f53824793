"""Without botocore's unused data: each source of credentials, from a bundle made as docs/deploying.md says.

The bundle is copied from what is installed, so this needs no network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from aws import ID, Home
from bundle import cut_down, run_block, size_on_disk, to_keep
from processes import python
from servers import ScriptedServer, page

import lambda_event_invoke_configs

ROOT = Path(__file__).parents[2]
PACKAGE = Path(lambda_event_invoke_configs.__file__).parent
BUDGET = 6_000_000  # bytes on disk
DISTRIBUTIONS = (
    "anyio",
    "botocore",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jmespath",
    "python-dateutil",
    "six",
    "sniffio",
    "typing-extensions",
    "urllib3",
)
# The document's row, and the sources of tests/support/aws.py that it is about.
SOURCES = {
    "arguments, the environment, `credentials`": ["arguments", "environment"],
    "an access key in the shared config files": ["profile"],
    "a process (`credential_process`)": ["process"],
    "a container (ECS, EKS)": ["container"],
    "instance metadata (EC2)": ["instance"],
    "a role (`role_arn` in a profile)": ["role"],
    "web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`)": ["web identity"],
    "SSO": ["sso", "sso without a session", "sso to refresh"],
}
# Run where nothing but the bundle can be seen.
IMPORT = """
import asyncio, json, sys
sys.path.append(sys.argv[1])
import botocore.session, lambda_event_invoke_configs as eic
eic.Client, eic.AsyncClient
"""
LIST = f"""{IMPORT}
options = json.loads(sys.argv[2])
with eic.Client("us-east-1", **options) as client:
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="f")
    print(len(pages.build_full_result()["FunctionEventInvokeConfigs"]))
async def main():
    async with eic.AsyncClient("us-east-1", **options) as client:
        pages = client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="f")
        print(len([config async for config in pages.items()]))
asyncio.run(main())
import botocore
print({{sys.modules[name].__file__.startswith(sys.argv[1]) for name in ("botocore", "httpx", "dateutil")}})
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `pip install` would install."""
    bundle = tmp_path_factory.mktemp("installed") / "bundle"
    shutil.copytree(PACKAGE, bundle / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in DISTRIBUTIONS:
        for file in distribution(name).files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            (bundle / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), bundle / file)
    # What it compiles comes along to each bundle made of it.
    python("-I", "-S", "-c", IMPORT, bundle)
    return bundle


@pytest.fixture(scope="module")
def smallest(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(installed, tmp_path_factory.mktemp("smallest"), "")


def link_or_copy(source: str, target: str) -> None:
    # gzip leaves a file alone that has another name.
    (shutil.copyfile if source.endswith("endpoints.json") else os.link)(source, target)


def made(installed: Path, folder: Path, keep: str) -> Path:
    bundle = folder / "bundle"
    shutil.copytree(installed, bundle, copy_function=link_or_copy)
    cut_down(bundle, keep)
    return bundle


def lists(bundle: Path, home: Home, server: ScriptedServer, source: str) -> None:
    """Each client lists two pages, with the credentials of that source."""
    server.play(*[page("a", next_marker="m"), page("b")] * 2)
    options = json.dumps({"endpoint_url": server.url, **home.keys(source)})
    assert python("-I", "-S", "-c", LIST, bundle, options) == "2\n2\n{True}\n"
    assert all(f"Credential={ID}/" in header for header in server.header("authorization"))


def test_the_bundle_is_small(installed: Path, smallest: Path) -> None:
    assert size_on_disk(smallest) <= BUDGET < size_on_disk(installed) / 4


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """The directory of a bundle with this package alone, compiled as the document says."""
    shutil.copytree(PACKAGE, tmp_path / "bundle" / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    run_block("compileall", tmp_path)
    return tmp_path


def test_compiled_files_are_loaded_without_a_look_at_the_source(compiled: Path) -> None:
    files = [*compiled.rglob("*.pyc")]
    assert len(files) == len([*compiled.rglob("*.py")])
    # PEP 552: these four bytes are 1 for a file that is not checked against its source.
    assert {int.from_bytes(file.read_bytes()[4:8], "little") for file in files} == {1}


def test_archive_and_layer_have_the_package_where_lambda_looks_for_it(compiled: Path) -> None:
    run_block("function.zip", compiled)
    run_block("layer.zip", compiled)
    for archive, folder in (("function.zip", ""), ("layer.zip", "python/")):
        with zipfile.ZipFile(compiled / archive) as content:
            names = content.namelist()
        assert f"{folder}{PACKAGE.name}/__init__.py" in names
        assert any(name.startswith(f"{folder}{PACKAGE.name}/__pycache__/__init__.") for name in names)


def test_one_bundle_is_for_all_architectures(smallest: Path) -> None:
    assert [file for file in smallest.rglob("*") if file.suffix in (".so", ".pyd", ".dylib")] == []


def test_every_row_of_the_document_is_tested() -> None:
    assert set(to_keep()) == set(SOURCES)


@pytest.mark.parametrize("row", [row for row, keep in to_keep().items() if not keep])
def test_sources_that_need_no_data_work_from_the_smallest_bundle(
    smallest: Path, home: Home, scripted: Callable[..., ScriptedServer], row: str
) -> None:
    for source in SOURCES[row]:
        lists(smallest, home, scripted(), source)


@pytest.mark.parametrize("row", [row for row, keep in to_keep().items() if keep])
def test_a_source_that_asks_a_service_works_with_the_data_kept_for_it(
    installed: Path, tmp_path: Path, home: Home, scripted: Callable[..., ScriptedServer], row: str
) -> None:
    bundle = made(installed, tmp_path, to_keep()[row])
    for source in SOURCES[row]:
        lists(bundle, home, scripted(), source)


def test_all_sources_together_fit_the_budget_too(installed: Path, tmp_path: Path) -> None:
    names = dict.fromkeys(" ".join(to_keep().values()).split())
    assert size_on_disk(made(installed, tmp_path, " ".join(names))) <= BUDGET


@pytest.mark.in_ci
def test_the_tests_of_clients_and_paginators_pass_with_the_bundle_before_what_it_was_copied_from(
    smallest: Path,
) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(smallest.parent), "PYTHONPATH": str(smallest)}
    code = "import botocore, lambda_event_invoke_configs as l; print(botocore.__file__); print(l.__file__)"
    found = python("-B", "-c", code, only=environ)
    assert all(line.startswith(str(smallest)) for line in found.splitlines())
    files = ("tests/_sync/test_client.py", "tests/_async/test_client.py", "tests/_async/test_transport.py")
    both = ("tests/_client/test_base.py", "tests/_client/test_paginator.py")
    command = ("-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, *both)
    ran = python(*command, "-k", "not boto3 and not TestManyAtATime", folder=ROOT, only=environ)
    assert int(re.findall(r"(\d+) passed", ran)[0]) > 100
