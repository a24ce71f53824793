"""Every named case through boto3 and through this library, in each shell if shells can differ there.

What is seen must be equal, unless docs/differences.md names the case: then it must not be.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import drivers
import pytest
from cases import CASES, Bench, Case
from servers import ScriptedServer, parse
from tally import tally
from texts import boto3s

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)
DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"
PATTERNS = re.findall(r"`case:([^`]+)`", DIFFERENCES.read_text())
INTENDED = {case.id for case in CASES if any(fnmatchcase(case.id, pattern) for pattern in PATTERNS)}
# What boto3 does there, as the rows say it: of each case that is a difference.
BOTO3S_SIDE = json.loads((Path(__file__).parent / "boto3s_side.json").read_text())
LONGEST = 100  # characters of an outcome


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def makers(
    case: Case,
    server: ScriptedServer,
    boto3_client: Callable[..., Any],
    new_boto3_session: Callable[..., boto3.session.Session],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    """Makers of clients: boto3's and ours, all of which sign at the same second."""
    made: list[Any] = []
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))

    def theirs(url: str, **options: Any) -> Any:
        if url == server.url and not options and not case.environ:
            return boto3_client(url)
        options = {**drivers.KEYS, "endpoint_url": url, **options}
        # A session of its own: it remembers settings and credentials.
        session = new_boto3_session(options.pop("profile_name", None))
        made.append(session.client("lambda", **options))
        return made[-1]

    def ours(backend: str) -> Callable[..., Any]:
        def make(url: str, **options: Any) -> Any:
            made.append(drivers.make(backend, **{**drivers.KEYS, "endpoint_url": url, **options}))
            drivers.set_clock(made[-1], NOW.timestamp())
            return made[-1]

        return make

    backends = drivers.BACKENDS[: None if case.in_each_shell else 1]
    yield {"boto3": theirs, **{backend: ours(backend) for backend in backends}}
    for client in made:
        client.close()


def observe(case: Case, make: Any, server: ScriptedServer, folder: Path) -> dict[str, Any]:
    """Everything that can be seen of a case."""
    folder.mkdir()
    server.play(*case.script)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (case.environ or {}).items():
            patch.setenv(name, value)
        try:
            outcome: Any = case.use(Bench(make, server, folder, patch.setenv))
        except Exception as raised:
            outcome = {
                "class": type(raised).__name__,
                "text": boto3s(raised),
                "response": getattr(raised, "response", None),
                "operation": getattr(raised, "operation_name", None),
            }
    time.tzset()  # a case may have set TZ
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
def test_case(case: Case, makers: dict[str, Any], server: ScriptedServer, tmp_path: Path) -> None:
    seen = {library: observe(case, make, server, tmp_path / library) for library, make in makers.items()}
    theirs = seen.pop("boto3")
    tally["cases"] += 1
    equal = seen["sync"] == theirs
    tally["equal" if equal else "intended" if case.id in INTENDED else "unintended"] += 1
    for backend, ours in seen.items():
        assert ours == seen["sync"], backend
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
