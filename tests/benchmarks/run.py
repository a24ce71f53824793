"""Compares time, memory and size with other clients, and prints a table with the budgets.

    python tests/benchmarks/run.py [--quick] [--growth] [--output measured.json]

It creates separate environments from a built wheel: one with the newest boto3, one with aiobotocore, which
needs an older botocore, and one with aws-sdk-lambda. Each measurement runs in a separate process (see
clients.py). The processes that are compared run alternately, so that other load on the machine affects all of
them. The medians are compared. The table has the kind of each figure:

    instructions   counted by valgrind; no other program changes them
    CPU            user and system time; other programs change it by some per cent, less in a ratio
    wall           elapsed time; a busy machine makes it longer
    memory, size, count

`--quick`, for CI, takes a minute: fewer runs, and no CPU or wall time. The exit status is 1 only for figures
without noise: instructions, modules loaded by the import, memory growth, sizes. `--growth` adds the long runs
for growth.svg; without it, the file keeps its earlier data on growth.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "support")]

import bundle
import growth
import sizes
import trustme
from environment import (
    VALGRIND,
    WARM,
    Command,
    Environment,
    counted,
    cpu,
    in_turns,
    listing,
    page_server,
    pages_served,
)
from table import Row, as_text, compared, machine

STARTED = time.monotonic()
IMPORT = "import lambda_event_invoke_configs"
HEAVY = ("httpx", "botocore", "ssl", "json", "asyncio", "dateutil")
VERSIONS = (
    "lambda-event-invoke-configs",
    "httpx",
    "httpcore",
    "anyio",
    "botocore",
    "boto3",
    "aiobotocore",
    "aiohttp",
    "aws-sdk-lambda",
)
# A page's cost is taken from page WARM to this one: connection, caches and the interpreter are warm by then.
PAGES = 300
# The budget is 50 KB. What the library does takes more than that as it stands: CI only holds it here.
WHEEL_CEILING = 155
# Instructions of a first page, compared with the baseline: the budget is 1.03, CI only holds it here.
FIRST_PAGE_CEILING = 1.06
FUNCTIONS, DELAY = 2_000, 0.02  # of one page each; seconds to a response
FULL_PAGES = 200  # 10,000 configurations
# The lines that docs/performance.md begins with.
FIRST_PAGE = "first page in a new process, CPU"
PAGE = "each further page of 50 configurations, CPU"
FUNCTIONS_CPU = "2,000 functions, 32 at a time, CPU per function"
MEMORY = "resident memory after 300 pages"


class Suite:
    """The measurements, each of which adds its rows, and its points for the plot."""

    def __init__(self, folder: Path, quick: bool, growth: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.with_growth = growth
        self.times = 3 if quick else 5
        self.rows: list[Row] = []
        self.growth: growth.Points = {}
        self.gains: dict[str, dict[str, str | float]] = {
            name: {} for name in (FIRST_PAGE, PAGE, FUNCTIONS_CPU, MEMORY)
        }

    def install(self) -> None:
        self.boto3 = self._environment("a")
        self.boto3.pip("wheel", "--no-deps", "--wheel-dir", str(self.folder), str(ROOT))
        (self.wheel,) = self.folder.glob("lambda_event_invoke_configs-*.whl")
        self.boto3.pip("install", str(self.wheel), "boto3")
        self.environments = {"with boto3": self.boto3}
        if not self.quick:
            self.aiobotocore = self._environment("b")
            self.aiobotocore.pip("install", str(self.wheel), "aiobotocore")
            self.environments["with aiobotocore"] = self.aiobotocore

    def _environment(self, name: str) -> Environment:
        subprocess.run([sys.executable, "-m", "venv", str(self.folder / name)], check=True)
        return Environment(self.folder / name / "bin" / "python")

    def versions(self) -> dict[str, dict[str, str]]:
        """By environment: the distributions that matter."""
        return {
            name: {each: found for each in VERSIONS if (found := environment.version(each))}
            for name, environment in self.environments.items()
        }

    def measure(self) -> None:
        authority = trustme.CA()
        trusted, certificate = self.folder / "ca.pem", self.folder / "server.pem"
        authority.cert_pem.write_to_path(str(trusted))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        self.boto3 = self.boto3.trusting(trusted)
        if not self.quick:
            self.aiobotocore = self.aiobotocore.trusting(trusted)
        always = [
            self.measure_import,
            self.measure_first_page_instructions,
            self.measure_growth,
            self.measure_bundle,
            self.measure_wheel,
        ]
        long = [
            self.measure_first_page,
            self.measure_deployments,
            self.measure_pages,
            self.measure_async_pages,
            self.measure_trio_pages,
            self.measure_beside_aws_sdk,
            self.measure_small_things,
            self.measure_many_functions,
            self.measure_full_result,
            self.measure_server,
        ]
        with ExitStack() as servers:
            self.url = servers.enter_context(page_server())
            self.secure_url = servers.enter_context(page_server(certificate))
            self.slow_url = servers.enter_context(page_server(delay=DELAY))
            self.urls = {"http": self.url, "TLS": self.secure_url}
            for step in [*always, *([] if self.quick else long)]:
                say(step.__name__.replace("_", " "))
                step()

    def measure_import(self) -> None:
        commands: dict[str, Command] = {
            "bare": (self.boto3, ["-c", "pass"]),
            "import": (self.boto3, ["-c", IMPORT]),
        }
        ran = in_turns(self.times * 5, commands)
        ms = (cpu(ran["import"]) - cpu(ran["bare"])) * 1e3
        name = "import, without the interpreter's start"
        self.rows.append(Row(name, "CPU", f"{ms:.1f} ms", ms, 10, " ms", aim=5))
        show = f"{IMPORT}, sys; print(*{{*{HEAVY}}} & {{*sys.modules}})"
        loaded = self.boto3.run("-c", show).output.split()
        name = f"heavy modules that the import loads ({', '.join(HEAVY)})"
        self.rows.append(Row(name, "count", ", ".join(loaded) or "none", len(loaded), 0, fails_above=0))

    def measure_first_page_instructions(self) -> None:
        if VALGRIND is None:
            return
        clients = ("ours", "baseline") if self.quick else ("ours", "baseline", "boto3")
        for scheme, url in self.urls.items():
            found = counted({name: (self.boto3, listing(name, url, 1, 1)) for name in clients})
            ours, baseline, *boto3 = (count / 1e6 for count in found.values())
            name = f"first page in a new process, {scheme}"
            self._compare(
                name,
                "instructions",
                ours,
                "baseline",
                baseline,
                "M",
                1.03,
                1.01,
                fails_above=FIRST_PAGE_CEILING,
            )
            for theirs in boto3:
                self._compare(name, "instructions", ours, "boto3", theirs, "M", 0.75)

    def measure_first_page(self) -> None:
        for scheme, url in self.urls.items():
            ran = in_turns(
                self.times,
                {name: (self.boto3, listing(name, url, 1, 1)) for name in ("ours", "boto3", "baseline")},
            )
            here, boto3, baseline = (cpu(each) * 1e3 for each in ran.values())
            name = f"first page in a new process, {scheme}"
            self._compare(name, "CPU", here, "boto3", boto3, "ms", 0.75, gain=FIRST_PAGE)
            self._compare(name, "CPU", here, "baseline", baseline, "ms")

    def measure_deployments(self) -> None:
        """What docs/deploying.md says: compiled code, and packages that are installed beside it."""
        page = listing("ours", self.url, 1, 1)
        made = sizes.small_bundle(self.folder)
        commands: dict[str, Command] = {"without": (made, ["-B", *page])}
        without = cpu(in_turns(2, commands)["without"]) * 1e3
        # With the Python that runs it: it comes first on the path.
        path = f"{made.python.parent}:{os.environ['PATH']}"
        bundle.run_block("compileall", made.path.parent, PATH=path)
        compiled = cpu(in_turns(2, {"compiled": (made, page)})["compiled"]) * 1e3
        self._compare("first page from the bundle, compiled", "CPU", compiled, "not compiled", without, "ms")
        for package in ("trio", "brotli"):
            beside = self.folder / package
            self.boto3.pip("install", "--target", str(beside), package)
            both = {
                "alone": (self.boto3, page),
                "beside": (Environment(self.boto3.python, beside), page),
            }
            alone, other = (cpu(each) * 1e3 for each in in_turns(self.times, both).values())
            name = f"first page, http, with {package} installed"
            self._compare(name, "CPU", other, "not installed", alone, "ms")

    def measure_pages(self) -> None:
        for scheme, url in self.urls.items():
            clients = ["ours", "boto3", "baseline", *(["http_client"] if scheme == "http" else [])]
            ran = in_turns(
                self.times,
                {name: (self.boto3, listing(name, url, 1, PAGES, WARM, PAGES)) for name in clients},
            )
            if scheme == "http":
                self.fastest = min(median(each.seconds for each in runs) for runs in ran.values())
            here, boto3, baseline, *least = (
                median(each.page for each in runs) * 1e3 for runs in ran.values()
            )
            name = f"a page of 50, sync, {scheme}"
            self._compare(name, "CPU", here, "boto3", boto3, "ms", 0.28, 0.25, gain=PAGE)
            self._compare(name, "CPU", here, "baseline", baseline, "ms", 1.03)
            for each in least:
                self._compare(name, "CPU", here, "http.client and json", each, "ms")
            ours, theirs, least_memory = (
                median(each.marks[-1]["resident"] for each in ran[name]) / 1e6 for name in clients[:3]
            )
            limit = 0.68 if scheme == "http" else 0.70
            name = f"resident memory after {PAGES} pages, {scheme}"
            self._compare(name, "memory", ours, "boto3", theirs, "MB", limit, 0.65, gain=MEMORY)
            self._compare(name, "memory", ours, "baseline", least_memory, "MB")

    def measure_async_pages(self) -> None:
        for scheme, url in self.urls.items():
            clients = ("ours_async", "aiobotocore", "baseline_async")
            ran = in_turns(
                self.times,
                {name: (self.aiobotocore, listing(name, url, 1, PAGES, WARM, PAGES)) for name in clients},
            )
            here, aiobotocore, baseline = (median(each.page for each in runs) * 1e3 for runs in ran.values())
            if scheme == "http":
                self._compare_first_async_page(url)
            name = f"a page of 50, asyncio, {scheme}"
            limits = {"budget": 0.42, "aim": 0.35, "gain": PAGE}
            self._compare(name, "CPU", here, "aiobotocore", aiobotocore, "ms", **limits)
            self._compare(name, "CPU", here, "baseline", baseline, "ms")
            ours, theirs = (
                median(each.marks[-1]["resident"] for each in ran[name]) / 1e6 for name in clients[:2]
            )
            name = f"resident memory after {PAGES} pages, asyncio, {scheme}"
            self._compare(name, "memory", ours, "aiobotocore", theirs, "MB", gain=MEMORY)

    def measure_trio_pages(self) -> None:
        """Beside aiobotocore on asyncio: trio has no other client of Lambda."""
        beside = self.folder / "with-trio"
        self.aiobotocore.pip("install", "--target", str(beside), "trio")
        with_trio = replace(self.aiobotocore, path=beside)
        for scheme, url in self.urls.items():
            environments = {"ours_on_trio": with_trio, "aiobotocore": self.aiobotocore}
            ran = in_turns(
                self.times,
                {
                    name: (environment, listing(name, url, 1, PAGES, WARM, PAGES))
                    for name, environment in environments.items()
                },
            )
            here, theirs = (median(each.page for each in runs) * 1e3 for runs in ran.values())
            name = f"a page of 50, trio, {scheme}"
            self._compare(name, "CPU", here, "aiobotocore", theirs, "ms", budget=0.42, aim=0.35)

    def _compare_first_async_page(self, url: str) -> None:
        both = {name: (self.aiobotocore, listing(name, url, 1, 1)) for name in ("ours_async", "aiobotocore")}
        here, theirs = (cpu(runs) * 1e3 for runs in in_turns(self.times, both).values())
        name = "first page in a new process, http, asyncio"
        self._compare(name, "CPU", here, "aiobotocore", theirs, "ms", gain=FIRST_PAGE)

    def measure_beside_aws_sdk(self) -> None:
        """The package aws-sdk-lambda, asynchronous and without paginators; it needs Python 3.12."""
        python = newest_python()
        if python is None:
            say("aws-sdk-lambda is NOT MEASURED: there is no Python 3.12 or newer")
            return
        subprocess.run([python, "-m", "venv", str(self.folder / "c")], check=True)
        environment = Environment(self.folder / "c" / "bin" / "python")
        environment.pip("install", str(self.wheel), "aws-sdk-lambda")
        self.environments["with aws-sdk-lambda"] = environment
        clients = ("ours_async", "aws_sdk")
        once = {name: (environment, listing(name, self.url, 1, 1)) for name in clients}
        first = [cpu(runs) * 1e3 for runs in in_turns(self.times, once).values()]
        long = {name: (environment, listing(name, self.url, 1, PAGES, WARM, PAGES)) for name in clients}
        ran = in_turns(self.times, long)
        page = [median(each.page for each in runs) * 1e3 for runs in ran.values()]
        resident = [median(each.marks[-1]["resident"] for each in runs) / 1e6 for runs in ran.values()]
        whose = "aws-sdk-lambda"
        name = "first page in a new process, http, asyncio"
        self._compare(name, "CPU", first[0], whose, first[1], "ms", gain=FIRST_PAGE)
        name = "a page of 50, asyncio, http"
        self._compare(name, "CPU", page[0], whose, page[1], "ms", gain=PAGE)
        name = f"resident memory after {PAGES} pages, asyncio, http"
        self._compare(name, "memory", resident[0], whose, resident[1], "MB", gain=MEMORY)
        self.rows.append(sizes.beside("aws-sdk-lambda", self.folder, environment, self.wheel))

    def measure_small_things(self) -> None:
        """What tests and programs do again and again: see small.py."""
        runs = [self.boto3.run(str(HERE / "small.py")).marks[0] for _ in range(self.times)]
        found = {name: median(run[name] for run in runs) for name in runs[0]}
        client, size, test = found["client"] * 1e3, found["resident"] / 1e6, found["test"] * 1e3
        self.rows += [
            Row("each further https client in a process", "CPU", f"{client:.2f} ms", client, 1.5, " ms"),
            Row("each further https client in a process", "memory", f"{size:.3f} MB", size, 0.1, " MB"),
            Row(
                "a test with LocalLambda, a client and a page",
                "wall",
                f"{test:.1f} ms",
                test,
                5,
                " ms",
                aim=3,
            ),
        ]

    def measure_many_functions(self) -> None:
        both = {
            "threads": (self.boto3, "ours_pool", "boto3_pool", "boto3 with a pool"),
            "tasks": (self.aiobotocore, "ours_tasks", "aiobotocore_gather", "aiobotocore with gather"),
        }
        for kind, (environment, ours, theirs, whose) in both.items():
            ran = in_turns(
                2,
                {
                    name: (environment, listing(name, self.slow_url, FUNCTIONS, 1, WARM, FUNCTIONS))
                    for name in (ours, theirs)
                },
            )
            rates = [1 / median(each.seconds for each in runs) for runs in ran.values()]
            taken = [median(each.page for each in runs) * 1e3 for runs in ran.values()]
            resident = [median(each.marks[-1]["resident"] for each in runs) / 1e6 for runs in ran.values()]
            name = f"{FUNCTIONS:,} functions, 32 {kind}"
            self._compare(
                f"{name}, functions per second", "wall", rates[0], whose, rates[1], "", 2.3, at_least=True
            )
            limits = {"budget": 0.35, "gain": FUNCTIONS_CPU}
            self._compare(f"{name}, per function", "CPU", taken[0], whose, taken[1], "ms", **limits)
            self._compare(f"{name}, resident memory", "memory", resident[0], whose, resident[1], "MB")

    def measure_full_result(self) -> None:
        ran = in_turns(
            self.times,
            {
                name: (self.boto3, listing(name, self.url, 1, FULL_PAGES, 1, FULL_PAGES))
                for name in ("ours_full", "boto3_full")
            },
        )
        here, theirs = (
            median(each.marks[1]["cpu"] - each.marks[0]["cpu"] for each in runs) * 1e3
            for runs in ran.values()
        )
        name = f"build_full_result() of {FULL_PAGES * 50:,} configurations"
        self._compare(name, "CPU", here, "boto3", theirs, "ms", 0.3)
        peaks = [median(each.peak for each in runs) / 1e6 for runs in ran.values()]
        self._compare(f"{name}, peak resident memory", "memory", peaks[0], "boto3", peaks[1], "MB", 0.65)

    def _compare(self, *arguments: Any, gain: str | None = None, **options: Any) -> None:
        row = compared(*arguments, **options)
        self.rows.append(row)
        if gain:
            _, _, here, whose, theirs, *_ = arguments
            told = self.gains[gain]
            told.setdefault("here", row.here)
            told.setdefault(whose.partition(" ")[0], theirs / here)

    def measure_growth(self) -> None:
        # The quick form has no environment of aiobotocore's, and needs none for this.
        asynchronous = self.boto3 if self.quick else self.aiobotocore
        found, points = growth.measure(self.boto3, asynchronous, self.url, with_plots=self.with_growth)
        self.rows += found
        self.growth = points

    def measure_bundle(self) -> None:
        found = sizes.rows(self.folder, self.boto3, self.wheel, self.url)
        self.rows += found
        for row in found:
            if row.beside:
                self.gains[row.measure] = {"here": row.here, "boto3": 1 / row.value}

    def measure_wheel(self) -> None:
        size = self.wheel.stat().st_size / 1e3
        self.rows.append(Row("wheel", "size", f"{size:.1f} KB", size, 50, " KB", fails_above=WHEEL_CEILING))

    def measure_server(self) -> None:
        rate = pages_served(int(self.url.rpartition(":")[2]))
        name = "pages per second, fastest client above"
        self._compare(name, "wall", 1 / self.fastest, "page server", rate, "", 1 / 5)


def newest_python() -> str | None:
    """The first of 3.13 and 3.12 that runs: on the PATH, which pyenv's own entries are not, or pyenv's."""
    for version in ("3.13", "3.12"):
        installed = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")
        for candidate in (shutil.which(f"python{version}"), *installed):
            if (
                candidate
                and not subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode
            ):
                return str(candidate)
    return None


def say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s  {what}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only what is not noise, as CI does")
    parser.add_argument("--growth", action="store_true", help="the long runs for growth.svg too")
    parser.add_argument("--output", type=Path, help="write what was measured to this file, as JSON")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        suite = Suite(Path(folder), options.quick, options.growth)
        say("install")
        suite.install()
        suite.measure()
        versions = suite.versions()

    measured = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions,
        "times": suite.times,
        "rows": [asdict(row) for row in suite.rows],
        "gains": suite.gains,
        "growth": suite.growth,
    }
    print(as_text(measured))
    if options.output:
        if not suite.growth and options.output.exists():
            measured["growth"] = json.loads(options.output.read_text())["growth"]
        options.output.write_text(json.dumps(measured, indent=1) + "\n")
    failed = [row for row in suite.rows if row.fails()]
    for row in failed:
        print(f"FAILED: {row.measure}: {row.here}; may be {row.fails_above}{row.unit}")
    if VALGRIND is None:
        print("NOT MEASURED: valgrind is missing: no instructions counted, nothing holds the first page")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
