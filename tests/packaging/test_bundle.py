"""Without botocore's unused data: the suite's main cases, run from a bundle made as docs/deploying.md says.

The bundle is copied from what is installed, so this needs no network. Each test is a run of pytest in a
process of its own, where the bundle comes before the environment that it was copied from.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from bundle import cut_down, run_block, size_on_disk, to_keep
from processes import python

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
# Run where the environment that it was copied from cannot be seen.
WHERE_FROM = """
import sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path] + [sys.argv[1]]
import lambda_event_invoke_configs as eic
with eic.LocalLambda({"f": 120}) as lam, eic.Client(**lam.client_options) as client:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    found = paginator.paginate(FunctionName="f").build_full_result()
    print(len(found["FunctionEventInvokeConfigs"]))
import botocore.session
print({sys.modules[name].__file__.startswith(sys.argv[1]) for name in ("botocore", "httpx", "dateutil")})
"""

# The document's row, and the tests of that source in tests/_settings/test_credentials.py.
SOURCES = {
    "arguments, the environment, `credentials`": "TestExplicitKeys or TestTheEnvironmentsKeys or TestGiven",
    "keys in the shared config files": "shared_files",
    "a process (`credential_process`)": "process",
    "a container (ECS, EKS)": "containers_keys",
    "instance metadata (EC2)": "instances_keys",
    "a role (`role_arn` in a profile)": "TestBotocoresChain and role",
    "web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`)": "TestBotocoresChain and web_identity",
    "SSO": "single_sign_on",
}


MAKE_CLIENT = """
import sys, botocore.session
print(botocore.session.Session().create_client(sys.argv[1], "eu-west-3").meta.service_model.service_name)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `pip install` would install, without `__pycache__`."""
    bundle = tmp_path_factory.mktemp("installed") / "bundle"
    shutil.copytree(PACKAGE, bundle / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in DISTRIBUTIONS:
        for file in distribution(name).files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            (bundle / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), bundle / file)
    return bundle


@pytest.fixture(scope="module")
def smallest(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(installed, tmp_path_factory.mktemp("smallest"), "")


def made(installed: Path, folder: Path, keep: str) -> Path:
    bundle = folder / "bundle"
    shutil.copytree(installed, bundle)
    cut_down(bundle, keep)
    return bundle


def passed(bundle: Path, *arguments: str) -> int:
    """How many tests passed that were run from the bundle; none may fail."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(bundle.parent), "PYTHONPATH": str(bundle)}
    command = ("-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    counted = re.search(r"(\d+) passed", python(*command, folder=ROOT, only=environ))
    assert counted
    return int(counted[1])


def test_the_bundle_needs_nothing_else(smallest: Path) -> None:
    assert python("-I", "-B", "-c", WHERE_FROM, smallest) == "120\n{True}\n"


def test_the_bundle_comes_before_what_is_installed(smallest: Path) -> None:
    code = "import botocore, lambda_event_invoke_configs as l; print(botocore.__file__); print(l.__file__)"
    found = python("-B", "-c", code, only={"PYTHONPATH": str(smallest)})
    assert all(line.startswith(str(smallest)) for line in found.splitlines())


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


def test_clients_and_paginators_work_from_the_bundle(smallest: Path) -> None:
    files = ("tests/_sync/test_client.py", "tests/_async/test_client.py", "tests/_async/test_transport.py")
    both = ("tests/_client/test_base.py", "tests/_client/test_paginator.py")
    assert passed(smallest, *files, *both, "-k", "not boto3 and not TestManyAtATime") > 100


def test_every_row_of_the_document_is_tested() -> None:
    assert set(to_keep()) == set(SOURCES)


def test_sources_that_need_no_data_work_from_the_smallest_bundle(smallest: Path) -> None:
    sources = [source for source, keep in to_keep().items() if not keep]
    tests = " or ".join(f"({SOURCES[source]})" for source in sources)
    assert passed(smallest, "tests/_settings/test_credentials.py", "-k", tests) >= len(sources)


@pytest.mark.parametrize("source", [source for source, keep in to_keep().items() if keep])
def test_a_source_that_asks_a_service_works_with_the_data_kept_for_it(
    installed: Path, tmp_path: Path, source: str
) -> None:
    bundle = made(installed, tmp_path, to_keep()[source])
    assert passed(bundle, "tests/_settings/test_credentials.py", "-k", SOURCES[source]) >= 1
    assert size_on_disk(bundle) <= BUDGET


def test_all_sources_together_fit_the_budget_too(installed: Path, tmp_path: Path) -> None:
    """And botocore makes each client there that a source asks with; SSO's second has no other test."""
    names = list(dict.fromkeys(" ".join(to_keep().values()).split()))
    bundle = made(installed, tmp_path, " ".join(names))
    assert size_on_disk(bundle) <= BUDGET
    for service in (name for name in names if not name.endswith(".json")):
        environ = {"PYTHONPATH": str(bundle), "AWS_RETRY_MODE": "legacy"}
        assert python("-B", "-c", MAKE_CLIENT, service, only=environ) == f"{service}\n"
