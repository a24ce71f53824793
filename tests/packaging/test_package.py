"""What is installed, imported and copied."""

from __future__ import annotations

from pathlib import Path

import processes
import pytest

import lambda_event_invoke_configs

ROOT = Path(__file__).parents[2]
PACKAGE = Path(lambda_event_invoke_configs.__file__).parent

HEAVY = (
    "httpx",
    "botocore",
    "ssl",
    "dateutil",
    "jmespath",
    "asyncio",
    "anyio",
    "json",
    "http.client",
    "rich",
)


def python(code: str, path: Path) -> str:
    return processes.python("-c", code, only={"PYTHONPATH": str(path), "PATH": "/usr/bin:/bin"})


def test_importing_it_loads_nothing_heavy() -> None:
    code = f"import lambda_event_invoke_configs, sys; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code, PACKAGE.parent) == "[]\n"


def test_local_lambda_needs_none_of_what_it_verifies() -> None:
    code = (
        "import lambda_event_invoke_configs as eic, sys; eic.LocalLambda({'f': 1}).__enter__(); "
        "print('botocore' in sys.modules, 'httpx' in sys.modules)"
    )
    assert python(code, PACKAGE.parent) == "False False\n"


def test_keys_that_are_given_need_no_botocore_session() -> None:
    code = (
        "import lambda_event_invoke_configs as eic, sys\n"
        "with eic.LocalLambda({'f': 1}) as lam, eic.Client(**lam.client_options) as client:\n"
        "    client.list_function_event_invoke_configs(FunctionName='f')\n"
        "print('botocore.session' in sys.modules, 'botocore.client' in sys.modules, 'boto3' in sys.modules)"
    )
    assert python(code, PACKAGE.parent) == "False False False\n"


@pytest.mark.parametrize(
    "module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_module_names_the_package_or_its_metadata(module: Path) -> None:
    code = module.read_text()
    assert "importlib.metadata" not in code
    assert "import lambda_event_invoke_configs" not in code.partition('"""')[2].partition('"""')[2]
    assert "from lambda_event_invoke_configs" not in code


def test_the_package_is_typed_and_its_modules_are_small() -> None:
    assert (PACKAGE / "py.typed").exists()
    lines = {path.name: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: n for name, n in lines.items() if n > 440} == {}
