"""The figures in docs/performance.md are those that tests/benchmarks/run.py has measured."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "tests" / "benchmarks"
TEXT = (ROOT / "docs" / "performance.md").read_text()
MEASURED = json.loads((BENCHMARKS / "measured.json").read_text())


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmarks_table", BENCHMARKS / "table.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_as_measured(table: ModuleType) -> None:
    assert f"\n{table.as_text(MEASURED)}\n" in TEXT
    assert f"\n{table.gains(MEASURED)}\n" in TEXT


def test_each_budget_that_is_missed_is_told_why() -> None:
    table_rows = re.findall(r"^\| ([^|]+?) \| .*\*\*not met\*\* \|$", TEXT, re.MULTILINE)
    told = TEXT.partition("## Missed budgets and targets")[2].partition("\n## ")[0]
    assert table_rows
    for row in table_rows:
        assert f"**{row}" in " ".join(told.split()), row


def test_each_figure_says_what_it_is() -> None:
    kinds = {row["kind"] for row in MEASURED["rows"]}
    assert kinds == {"instructions", "CPU", "wall", "memory", "size", "count"}
