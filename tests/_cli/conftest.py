"""The command in this process, and whom it asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from account import Account
from processes import Many, Ran, Run
from servers import Reply, ScriptedServer

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import main as cli

SECRET = eic.LocalLambda.secret_key


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", eic.LocalLambda.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process."""

    def run(*argv: str) -> Ran:
        return Ran(cli.main(argv), *capsys.readouterr())

    return run


@pytest.fixture
def listing(run: Run, lam: eic.LocalLambda) -> Run:
    """Runs the command for a function of the embedded endpoint with 120 configurations."""
    return lambda *argv: run("my-function", "--endpoint-url", lam.endpoint_url, *argv)


@pytest.fixture
def listing_from(run: Run, scripted: Callable[..., ScriptedServer]) -> Callable[..., Run]:
    """Runs the command for a server that plays a script."""

    def start(*script: Reply) -> Run:
        server = scripted(*script)
        return lambda *argv: run("f", "--endpoint-url", server.url, *argv)

    return start


@pytest.fixture
def many(run: Run, account: Account) -> Many:
    """Runs the command for functions of the account: exit code, lines, standard error."""

    def many(*argv: str) -> tuple[int, list[dict[str, Any]], str]:
        ran = run("--endpoint-url", account.url, *argv)
        return ran.code, [json.loads(line) for line in ran.lines], ran.err

    return many
