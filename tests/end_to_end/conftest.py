"""Some lines at the end of the run that say which faults and kills were survived."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from crowd import crowds
from faulty import faults, tally


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    said = terminalreporter.write_line
    for line in crowds:
        said(f"crowd: {line}")
    outcome = f"{tally['lost']} lost, {tally['twice']} twice"
    if tally["paginations"]:
        errors = {name.removeprefix("error "): n for name, n in tally.items() if name.startswith("error ")}
        said(
            f"faults: {tally['paginations']} paginations of {tally['configurations']} configurations, "
            f"{tally['requests']} requests, {faults.total()} faults; {tally['typed errors']} typed errors in "
            f"{tally['paginations with errors']} paginations: {tally['went on with next()']} times next() "
            f"went on, {tally['resumed from the token']} times the resume token; {outcome}"
        )
        said(f"faults by kind: {_by_count(faults)}")
        said(f"errors by type: {_by_count(errors)}")
    if tally["kills"]:
        said(
            f"kills: {tally['kills']} in {tally['killed listings']} listings of "
            f"{tally['killed configurations']} configurations, "
            f"{tally['kills before the first line of a run']} before a run had written a line, "
            f"{tally['kills in the middle of a line']} in the middle of one; {outcome}"
        )


def _by_count(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counted.items(), key=lambda item: -item[1]))
