"""The table: a row for each measure, with its budget, and what kind of figure it is."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OTHERS = ("boto3", "aiobotocore", "aws-sdk-lambda")
HEADER = ("measure", "kind", "this library", "compared with", "ratio", "budget", "target", "")


@dataclass(frozen=True)
class Row:
    """One line of the table. `value`, which is to be `budget` or less, is a ratio if there is a `beside`.

    kind: "instructions", "CPU", "wall", "size", "memory" or "count": how far other programs disturb it.
    at_least: the budget is a lower limit.
    fails_above: the run fails if `value` is larger; only for what no other program disturbs.
    """

    measure: str
    kind: str
    here: str
    value: float
    budget: float | None = None
    unit: str = ""
    aim: float | None = None
    beside: str = ""
    fails_above: float | None = None
    at_least: bool = False

    def _meets(self, limit: float) -> bool:
        return self.value >= limit if self.at_least else self.value <= limit

    def cells(self) -> tuple[str, ...]:
        sign = "≥" if self.at_least else "≤"

        def limit(number: float | None) -> str:
            return "" if number is None else f"{sign} {number:.3g}{self.unit}"

        met = "" if self.budget is None else "met" if self._meets(self.budget) else "**not met**"
        if met == "met" and self.aim is not None and not self._meets(self.aim):
            met = "met; target missed"
        ratio = f"{self.value:.3f}" if self.beside else ""
        return (
            self.measure,
            self.kind,
            self.here,
            self.beside,
            ratio,
            limit(self.budget),
            limit(self.aim),
            met,
        )

    def fails(self) -> bool:
        return self.fails_above is not None and self.value > self.fails_above


def compared(
    name: str,
    kind: str,
    here: float,
    whose: str,
    theirs: float,
    unit: str,
    budget: float | None = None,
    aim: float | None = None,
    *,
    at_least: bool = False,
    fails_above: float | None = None,
) -> Row:
    """The row of a figure beside somebody else's, from the same run."""
    digits = 0 if here >= 100 else 1 if here >= 10 else 2
    ours, other = (f"{number:,.{digits}f} {unit}".strip() for number in (here, theirs))
    return Row(
        name,
        kind,
        ours,
        here / theirs,
        budget,
        aim=aim,
        beside=f"{whose}: {other}",
        fails_above=fails_above,
        at_least=at_least,
    )


def as_text(measured: dict[str, Any]) -> str:
    """The table, and what it was measured with, as Markdown."""
    lines = [HEADER, ("---",) * len(HEADER), *(Row(**row).cells() for row in measured["rows"])]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    found = measured["machine"]
    notes = [
        f"- {measured['date']}, medians of {measured['times']} runs",
        f"- {found['cpu']}, {found['cores']} cores, {found['system']}, Python {found['python']}",
        *(
            f"- {name}: {', '.join(map(' '.join, versions.items()))}"
            for name, versions in measured["versions"].items()
        ),
    ]
    return table + "\n\n" + "\n".join(notes)


def gains(measured: dict[str, Any]) -> str:
    """What each takes, as a multiple of what this library takes in the same environment and run."""
    lines = [("", "this library", *OTHERS), ("---",) * (2 + len(OTHERS))]
    for what, found in measured["gains"].items():
        others = (f"{found[name]:.1f} times" if name in found else "" for name in OTHERS)
        lines.append((what, found["here"], *others))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine() -> dict[str, Any]:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
        model = cpuinfo.partition("model name")[2].partition("\n")[0].strip("\t :")
    except OSError:
        model = ""
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }
