"""What the fuzzer of `tests/fuzz` has found, once more, without it."""

from __future__ import annotations

import bisect
import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent
TARGETS: dict[str, Callable[[bytes], None]] = runpy.run_path(str(FUZZ / "targets.py"))["TARGETS"]
CORPUS = [(target, path) for target in TARGETS for path in sorted((FUZZ / "corpus" / target).iterdir())]
MOST_FILES = 120
LARGEST_FILE = 4096  # bytes


# dateutil's, of time zones it does not know: boto3's users see it too.
@pytest.mark.filterwarnings("ignore::dateutil.parser.UnknownTimezoneWarning")
@pytest.mark.parametrize(("target", "path"), [pytest.param(*case, id=case[1].name) for case in CORPUS])
def test_what_the_fuzzer_found_breaks_no_promise(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


def test_the_corpus_is_small_and_of_every_target() -> None:
    assert {target for target, _ in CORPUS} == set(TARGETS)
    assert len(CORPUS) <= MOST_FILES
    assert all(path.stat().st_size <= LARGEST_FILE for _, path in CORPUS)


def _nested(member: str, depth: int) -> bytes:
    return b'{"%s": %s}' % (member.encode(), b"[" * depth + b"]" * depth)


@pytest.fixture(scope="module")
def deepest() -> int:
    """How many lists in each other `json` reads: from 1,000 to 10,000, by Python's version."""

    def is_too_deep(depth: int) -> bool:
        try:
            json.loads(_nested("message", depth))
        except RecursionError:
            return True
        return False

    return bisect.bisect_left(range(200_000), True, key=is_too_deep) - 1


@pytest.mark.parametrize("member", ["message", "Message", "code", "__type", "Type"])
def test_an_error_as_deep_as_can_be_read_can_be_printed(member: str, deepest: int) -> None:
    for depth in range(deepest - 10, deepest + 3):
        TARGETS["response"](b"400\n\n" + _nested(member, depth))
