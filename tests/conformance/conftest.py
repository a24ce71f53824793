"""How many examples chance makes up, and one line at the end that says what was compared.

HYPOTHESIS_PROFILE=long makes up 3,000 a test, others each time; without it there are 100, always the same.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any
from unittest import mock

import boto3
import botocore.loaders
import botocore.session
import drivers
import pytest
from botocore.retries import quota
from hypothesis import HealthCheck, settings
from tally import tally

OPERATION = "ListFunctionEventInvokeConfigs"

# It needs an older botocore, and so an environment of its own: .ci/run makes one.
collect_ignore = [] if find_spec("aiobotocore") else ["test_beside_aiobotocore.py"]

# The fixtures of one test serve all its examples: what has to be fresh, each example makes itself.
# How long an example takes to make up says nothing about what is tested.
_COMMON = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("ci", _COMMON, max_examples=100, derandomize=True)
settings.register_profile("long", _COMMON, max_examples=3000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def new_boto3_session() -> Callable[..., boto3.session.Session]:
    """Makes sessions that look everything up anew, but for botocore's own data files and handlers."""
    first = botocore.session.Session()
    loader = botocore.loaders.create_loader()  # one of its own, since the model is changed
    # A client gets a method for each operation, which takes its time: one will do.
    model = loader.load_service_model("lambda", "service-2")
    model["operations"] = {OPERATION: model["operations"][OPERATION]}

    def make(profile_name: str | None) -> boto3.session.Session:
        hooks = copy.copy(first._original_handler)
        core = botocore.session.Session(event_hooks=hooks, include_builtin_handlers=False)
        core.register_component("data_loader", loader)
        return boto3.session.Session(botocore_session=core, profile_name=profile_name)

    return make


@pytest.fixture(scope="module")
def boto3_client(new_boto3_session: Callable[..., boto3.session.Session]) -> Iterator[Callable[..., Any]]:
    """boto3's client of a URL, without connections and with that much retry quota.

    It is always the same one, because making one takes long.
    """
    clients: dict[str, Any] = {}
    retry_quota = quota.RetryQuota()

    def client_of(url: str, available: int = 500) -> Any:
        if url not in clients:
            session = new_boto3_session(None)
            with mock.patch.object(quota, "RetryQuota", return_value=retry_quota):
                clients[url] = session.client("lambda", endpoint_url=url, **drivers.KEYS)
        clients[url]._endpoint.http_session.close()
        retry_quota._available_capacity = available
        return clients[url]

    yield client_of
    for client in clients.values():
        client.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not tally:
        return
    terminalreporter.write_line(
        f"conformance: boto3 {boto3.__version__}; {tally['cases']} cases: {tally['equal']} equal, "
        f"{tally['intended']} intended differences, {tally['unintended']} unintended; "
        f"{tally['examples']} examples by chance"
    )
