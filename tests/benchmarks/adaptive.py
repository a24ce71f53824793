"""Draws docs/adaptive.svg: how the adaptive retry mode settles at a service's limit.

    python tests/benchmarks/adaptive.py [--table]

32 workers list from a service that allows 15 requests a second, on a virtual clock. It takes a few seconds
and the extra `bench`; the same code makes the same file. With `--table` it prints figures for other limits.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from throttled import BotocoreLimiter, Service, Simulation

PICTURE = HERE.parents[1] / "docs" / "adaptive.svg"
LIMIT = 15  # requests a second
SECONDS, SETTLED, DRAWN = 660, 60, 180
WINDOW = 5  # seconds that a point of the picture is the mean of
RATE, REFUSED = "#1f6fb2", "#c4621a"
# Requests a second, at once after a pause, processes, workers of each.
CASES = (
    *((15, 15, 1, 32), (15, 5, 1, 32), (15, 2, 1, 32), (15, 1, 1, 32), (15, 15, 2, 16), (15, 15, 4, 8)),
    *((5, 5, 1, 32), (1, 1, 1, 32), (100, 100, 1, 32), (100, 10, 1, 32)),
)


def moving(values: list[int], window: int = WINDOW) -> list[float]:
    return [statistics.fmean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]


def draw(run: Simulation) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "adaptive"
    mpl.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    allowed, throttled = (moving(values[:DRAWN]) for values in (run.allowed, run.throttled))
    shares = [100 * b / (a + b) if a + b else 0 for a, b in zip(allowed, throttled, strict=True)]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, layout="constrained")
    above.axhline(LIMIT, color="black", linewidth=0.8, linestyle="--")
    above.annotate(
        "the limit", (DRAWN, LIMIT), ha="right", va="bottom", textcoords="offset points", xytext=(0, 2)
    )
    above.plot(range(1, DRAWN + 1), allowed, color=RATE)
    above.set_ylabel("requests allowed a second")
    above.set_ylim(0, 1.4 * LIMIT)
    below.axhline(5, color="black", linewidth=0.8, linestyle="--")
    below.plot(range(1, DRAWN + 1), shares, color=REFUSED)
    below.set_ylabel("requests throttled, %")
    below.set_xlabel(f"seconds since the start; each point is the mean of {WINDOW}")
    below.set_ylim(0, 25)
    for axis in (above, below):
        axis.set_xlim(0, DRAWN)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, metadata={"Date": None})


def print_table() -> None:
    print("limit/s  burst  processes x workers   used  throttled   botocore: used  throttled")
    for rate, burst, processes, workers in CASES:
        runs = [
            Simulation(Service(rate, burst), processes=processes, workers=workers, limiter=limiter).run(
                SECONDS
            )
            for limiter in (None, BotocoreLimiter)
        ]
        ours, theirs = (f"{100 * r.used(SETTLED):5.1f}%  {100 * r.refused(SETTLED):8.1f}%" for r in runs)
        print(f"{rate:7}  {burst:5}  {processes:9} x {workers:<7}  {ours}  {theirs:>24}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print_table()
    else:
        draw(Simulation(Service(LIMIT, LIMIT)).run(SECONDS))
