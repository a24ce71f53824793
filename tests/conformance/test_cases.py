"""Every named case through boto3 and through this library, on sync, asyncio and trio.

What is seen must be equal, unless docs/differences.md names the case: then it must not be.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import drivers
import pytest
from cases import CASES, Bench, Case
from servers import ScriptedServer, parse
from tally import tally
from texts import boto3s

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)
KEYS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "SECRET",
}
DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"
PATTERNS = re.findall(r"`case:([^`]+)`", DIFFERENCES.read_text())
INTENDED = {case.id for case in CASES if any(fnmatchcase(case.id, pattern) for pattern in PATTERNS)}
# What boto3 does there, as the rows say it: of each case that is a difference.
BOTO3S_SIDE = json.loads((Path(__file__).parent / "boto3s_side.json").read_text())
LONGEST = 100  # characters of an outcome


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    with mock.patch.dict(os.environ):
        yield
    time.tzset()


@pytest.fixture
def makers(
    new_boto3_session: Callable[..., boto3.session.Session], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """Makers of clients: boto3's and ours, all of which sign at the same second."""
    made: list[Any] = []
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))

    def theirs(url: str, **options: Any) -> Any:
        options = {**KEYS, "endpoint_url": url, **options}
        # A session of its own: it remembers settings and credentials.
        session = new_boto3_session(options.pop("profile_name", None))
        made.append(session.client("lambda", **options))
        return made[-1]

    def ours(backend: str) -> Callable[..., Any]:
        def make(url: str, **options: Any) -> Any:
            made.append(drivers.make(backend, **{**KEYS, "endpoint_url": url, **options}))
            drivers.set_clock(made[-1], NOW.timestamp())
            return made[-1]

        return make

    yield {"boto3": theirs, **{backend: ours(backend) for backend in drivers.BACKENDS}}
    for client in made:
        client.close()


def observe(
    case: Case, make: Any, server: ScriptedServer, folder: Path, environ: dict[str, str]
) -> dict[str, Any]:
    """Everything that can be seen of a case."""
    os.environ.clear()
    os.environ.update({**environ, **(case.environ or {})})
    server.play(*case.script)
    try:
        outcome: Any = case.use(Bench(make, server, folder))
    except Exception as raised:
        outcome = {
            "class": type(raised).__name__,
            "text": boto3s(raised),
            "response": getattr(raised, "response", None),
            "operation": getattr(raised, "operation_name", None),
        }
    return {"outcome": outcome, "requests": [as_seen(request) for request in server.requests]}


def as_seen(request: bytes) -> Any:
    method, target, headers = parse(request)
    headers.pop("user-agent")
    headers.pop("amz-sdk-invocation-id")
    # What boto3 adds to a retry is looked at by a case of its own.
    headers["amz-sdk-request"] = re.sub(r"^ttl=\w+; ", "", headers["amz-sdk-request"])
    return method, target, headers


def in_short(seen: dict[str, Any], url: str) -> str:
    """What came of a case, and after how many requests."""
    outcome = seen["outcome"]
    raised = isinstance(outcome, dict) and outcome.keys() == {"class", "text", "response", "operation"}
    text = outcome["class"] if raised else repr(without_metadata(outcome)).replace(url, "URL")
    return f"{text if len(text) <= LONGEST else text[:LONGEST] + '...'} ({len(seen['requests'])} requests)"


def without_metadata(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_metadata(member) for name, member in value.items() if name != "ResponseMetadata"
        }
    return [without_metadata(member) for member in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(case: Case, makers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = dict(os.environ)
    seen = {}
    with ScriptedServer() as server:
        for library, make in makers.items():
            folder = tmp_path / library
            folder.mkdir()
            seen[library] = observe(case, make, server, folder, environ)
    os.environ.clear()
    os.environ.update(environ)
    theirs = seen.pop("boto3")
    tally["cases"] += 1
    equal = all(ours == theirs for ours in seen.values())
    tally["equal" if equal else "intended" if case.id in INTENDED else "unintended"] += 1
    assert seen["asyncio"] == seen["sync"]
    assert seen["trio"] == seen["sync"]
    if case.id in INTENDED:
        assert not equal, "docs/differences.md names a difference that does not occur"
        assert in_short(theirs, server.url) == BOTO3S_SIDE[case.id], "boto3 does something else by now"
    else:
        assert seen["sync"] == theirs


def test_every_difference_is_a_case() -> None:
    for pattern in PATTERNS:
        assert any(fnmatchcase(case.id, pattern) for case in CASES), pattern
    assert len({case.id for case in CASES}) == len(CASES) >= 300
    assert BOTO3S_SIDE.keys() == INTENDED
