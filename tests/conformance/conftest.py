"""How many examples chance makes up, and one line at the end that says what was compared.

HYPOTHESIS_PROFILE=long makes up 3,000 a test, others each time; without it there are 100, always the same.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import boto3
import pytest
from hypothesis import HealthCheck, settings
from tally import tally

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not tally:
        return
    terminalreporter.write_line(
        f"conformance: boto3 {boto3.__version__}; {tally['cases']} cases: {tally['equal']} equal, "
        f"{tally['intended']} intended differences, {tally['unintended']} unintended; "
        f"{tally['examples']} examples by chance"
    )
