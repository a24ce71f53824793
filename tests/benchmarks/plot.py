"""Puts what run.py measured into the docs: the tables of performance.md, gain.svg and growth.svg.

    python tests/benchmarks/plot.py

It reads measured.json, beside this file, and needs the extra `bench`. The same numbers make the same files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "growth"
mpl.rcParams["svg.fonttype"] = "none"

import matplotlib.pyplot as plt
import table

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
GAINS = re.compile(r"(?<=<!-- gains -->\n\n).*?(?=\n\n<!-- end of gains -->)", re.DOTALL)
TABLE = re.compile(r"(?<=<!-- measured -->\n\n).*?(?=\n\n<!-- end -->)", re.DOTALL)
OURS, THEIRS = "#1f6fb2", "#c4621a"
STYLES = {
    "ours": ("this library, sync", OURS, "o-"),
    "ours_many": ("list_for_functions(), 10 threads", OURS, "^:"),
    "boto3": ("boto3", THEIRS, "o-"),
    "ours_async": ("this library, asyncio", OURS, "s--"),
    "aiobotocore": ("aiobotocore", THEIRS, "s--"),
}
# What grows: its series, what a point counts, and what is on the axis.
COLUMNS = (
    ("pages", "pages", "pages of one function"),
    ("functions", "pages", "functions of one page"),
    ("concurrent", "listings", "listings of four pages at the same time"),
)


def draw(growth: dict[str, Any], picture: Path) -> None:
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), sharex="col", layout="constrained")
    for column, (series, counted, label) in enumerate(COLUMNS):
        for client, points in growth[series].items():
            name, color, style = STYLES[client]
            counts = [point[counted] for point in points]
            for row, values in enumerate(
                ([point["cpu"] for point in points], [point["resident"] / 1e6 for point in points])
            ):
                axes[row][column].plot(
                    counts, values, style, color=color, label=name, markersize=4, fillstyle="none"
                )
        axes[1][column].set_xlabel(label)
    for axis in axes.flat:
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    for row, label in enumerate(("CPU time, seconds", "resident memory, MB")):
        axes[row][0].set_ylabel(label)
    highest = max(axis.get_ylim()[1] for axis in axes[1])
    for axis in axes[1]:
        axis.set_ylim(top=highest)
    handles: dict[str, Any] = {}
    for axis in axes[0]:
        handles.update(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(picture, metadata={"Date": None})


COLORS = {"this library": OURS, "boto3": THEIRS, "aiobotocore": "#8a6d3b", "aws-sdk-lambda": "#7a7a7a"}


def draw_gains(found: dict[str, dict[str, Any]], picture: Path) -> None:
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    height = 0.2
    for n, (name, color) in enumerate(COLORS.items()):
        bars = [
            (row + n * height, 1.0 if name == "this library" else each[name])
            for row, each in enumerate(found.values())
            if name == "this library" or name in each
        ]
        drawn = axis.barh(*zip(*bars, strict=True), height=height * 0.9, color=color, label=name)
        axis.bar_label(drawn, fmt="%.1f", padding=3, fontsize=8)
    axis.set_yticks([row + 1.5 * height for row in range(len(found))], list(found))
    axis.invert_yaxis()
    axis.set_xlabel("multiple of this library's figure (lower is better)")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="lower right")
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    measured = json.loads((HERE / "measured.json").read_text())
    draw(measured["growth"], DOCS / "growth.svg")
    draw_gains(measured["gains"], DOCS / "gain.svg")
    document = DOCS / "performance.md"
    text = TABLE.sub(lambda _: table.as_text(measured), document.read_text())
    document.write_text(GAINS.sub(lambda _: table.gains(measured), text))
