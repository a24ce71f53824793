"""Measures what the library takes, beside boto3 and aiobotocore, and prints a table with the budgets.

    python tests/benchmarks/run.py [--quick] [--output measured.json]

It makes environments of its own from a built wheel: one with the newest boto3, one with aiobotocore,
which needs an older botocore. A measurement is a process of its own (see clients.py). Those that are
compared run in turns, so that what else the machine does hits all of them, and the medians are
compared. CPU time is user plus system. `--quick` runs less often and leaves out the long runs for the
plots: what CI runs. The exit status is 1 only for what is not noise: modules loaded by the import,
memory growth, and sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "support")]

import bundle
import server

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
)
# A page's cost is taken between these two: connection, caches and the interpreter are warm by then.
WARM, PAGES = 100, 300
CONCURRENT_PAGES = 4  # of each of the listings at the same time
# The blocks that may be added from page WARM on. Free lists make it go up and down by a few; one object kept
# a page would be 1,900 even in the quick form.
BLOCKS = 100
# The budget is 50 KB. What the library does takes more than that as it stands: CI only holds it here.
WHEEL_CEILING = 125
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "an-example"}


@dataclass(frozen=True)
class Row:
    """One line of the table. `value`, which is to be `budget` or less, is a ratio if there is a `beside`."""

    measure: str
    here: str
    value: float
    budget: float | None = None
    unit: str = ""
    aim: float | None = None
    beside: str = ""
    fails_above: float | None = None

    def cells(self) -> tuple[str, ...]:
        def limit(number: float | None) -> str:
            return "" if number is None else f"≤ {number:.3g}{self.unit}"

        met = "" if self.budget is None else "met" if self.value <= self.budget else "**not met**"
        if met == "met" and self.aim is not None and self.value > self.aim:
            met = "met, the aim not"
        ratio = f"{self.value:.3f}" if self.beside else ""
        return self.measure, self.here, self.beside, ratio, limit(self.budget), limit(self.aim), met

    def fails(self) -> bool:
        return self.fails_above is not None and self.value > self.fails_above


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a directory that is put before it."""

    python: Path
    path: Path | None = None

    def run(self, *arguments: str) -> Ran:
        environ = {**KEYS, "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
        if self.path:
            environ["PYTHONPATH"] = str(self.path)
        process = subprocess.Popen([self.python, *arguments], stdout=subprocess.PIPE, text=True, env=environ)
        with process:
            assert process.stdout
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{arguments} ended with {process.returncode}")
        return Ran(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)

    def version(self, distribution: str) -> str | None:
        code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
        done = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=False)
        return done.stdout.strip() or None


@dataclass(frozen=True)
class Ran:
    cpu: float  # seconds, from the interpreter's start to its end
    peak: int  # bytes resident, at most
    output: str

    @property
    def marks(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def page(self) -> float:
        """CPU seconds a page."""
        first, *_, last = self.marks
        return float((last["cpu"] - first["cpu"]) / (last["pages"] - first["pages"]))

    @property
    def seconds(self) -> float:
        """Seconds a page, waiting included."""
        first, *_, last = self.marks
        return float((last["seconds"] - first["seconds"]) / (last["pages"] - first["pages"]))


Command = tuple[Environment, list[str]]


def in_turns(times: int, commands: dict[str, Command]) -> dict[str, list[Ran]]:
    """Every command once, then again; once more at first, which does not count."""
    ran: dict[str, list[Ran]] = {name: [] for name in commands}
    for turn in range(times + 1):
        for name, (environment, arguments) in commands.items():
            done = environment.run(*arguments)
            if turn:
                ran[name].append(done)
    return ran


def listing(client: str, url: str, listings: int, pages: int, *marks: int) -> list[str]:
    return [str(HERE / "clients.py"), client, url, *map(str, (listings, pages, *marks))]


class Suite:
    """The measurements, each of which adds its rows, and its points for the plot."""

    def __init__(self, folder: Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.times = 3 if quick else 9
        self.rows: list[Row] = []
        self.growth: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def install(self) -> None:
        self.boto3 = self._environment("a")
        pip(self.boto3, "wheel", "--no-deps", "--wheel-dir", str(self.folder), str(ROOT))
        (self.wheel,) = self.folder.glob("lambda_event_invoke_configs-*.whl")
        pip(self.boto3, "install", str(self.wheel), "boto3")
        self.aiobotocore = self._environment("b")
        pip(self.aiobotocore, "install", str(self.wheel), "aiobotocore")

    def _environment(self, name: str) -> Environment:
        subprocess.run([sys.executable, "-m", "venv", str(self.folder / name)], check=True)
        return Environment(self.folder / name / "bin" / "python")

    def versions(self) -> dict[str, dict[str, str]]:
        """By environment: the distributions that matter."""
        return {
            name: {each: found for each in VERSIONS if (found := environment.version(each))}
            for name, environment in (("boto3", self.boto3), ("aiobotocore", self.aiobotocore))
        }

    def measure(self, url: str) -> None:
        steps = (
            self.measure_import,
            self.measure_first_page,
            self.measure_pages,
            self.measure_async_pages,
            self.measure_growth,
            self.measure_bundle,
            self.measure_wheel,
            self.measure_server,
        )
        for step in steps:
            say(step.__name__.replace("_", " "))
            step(url)

    def measure_import(self, _: str) -> None:
        commands = {"bare": (self.boto3, ["-c", "pass"]), "import": (self.boto3, ["-c", IMPORT])}
        ran = in_turns(self.times * 5, commands)
        ms = (cpu(ran["import"]) - cpu(ran["bare"])) * 1e3
        self.rows.append(Row("import, CPU over a bare interpreter", f"{ms:.1f} ms", ms, 10, " ms", aim=5))
        show = f"{IMPORT}, sys; print(*{{*{HEAVY}}} & {{*sys.modules}})"
        loaded = self.boto3.run("-c", show).output.split()
        name = f"import, loaded of {', '.join(HEAVY)}"
        self.rows.append(Row(name, ", ".join(loaded) or "none", len(loaded), 0, fails_above=0))

    def measure_first_page(self, url: str) -> None:
        commands = {name: (self.boto3, listing(name, url, 1, 1)) for name in ("ours", "boto3", "floor")}
        # More often than the rest: the budget leaves the library 10 ms, and a run is that much off at times.
        ran = in_turns(self.times * 3, commands)
        here, boto3, floor = (cpu(ran[name]) * 1e3 for name in commands)
        name = "first page in a fresh process, CPU"
        self._compare(name, here, "boto3", boto3, "ms", 0.75)
        self._compare(name, here, "the floor", floor, "ms", 1.10, 1.03)

    def measure_pages(self, url: str) -> None:
        clients = ("ours", "boto3", "floor", "http_client")
        ran = in_turns(
            self.times, {name: (self.boto3, listing(name, url, 1, PAGES, WARM, PAGES)) for name in clients}
        )
        self.fastest = min(median(each.seconds for each in runs) for runs in ran.values())
        here, boto3, floor, least = (median(each.page for each in ran[name]) * 1e3 for name in clients)
        name = "a page of 50, sync, CPU"
        self._compare(name, here, "boto3", boto3, "ms", 1 / 4, 1 / 5)
        self._compare(name, here, "the floor", floor, "ms")
        self._compare(name, here, "http.client and json", least, "ms")
        memory = [median(each.marks[-1]["resident"] for each in ran[name]) / 1e6 for name in clients[:2]]
        self._compare(f"resident memory after {PAGES} pages", memory[0], "boto3", memory[1], "MB", 0.75, 0.70)

    def measure_async_pages(self, url: str) -> None:
        ours, theirs, floor = (
            listing(client, url, 1, PAGES, WARM, PAGES)
            for client in ("ours_async", "aiobotocore", "floor_async")
        )
        ran = in_turns(
            self.times,
            {
                "ours": (self.aiobotocore, ours),
                "aiobotocore": (self.aiobotocore, theirs),
                "floor": (self.aiobotocore, floor),
            },
        )
        here, aiobotocore, least = (median(each.page for each in runs) * 1e3 for runs in ran.values())
        name = "a page of 50, asyncio, CPU"
        self._compare(name, here, "aiobotocore", aiobotocore, "ms", 1 / 2.2, 1 / 3)
        self._compare(name, here, "the floor", least, "ms")

    def _compare(
        self,
        name: str,
        here: float,
        whose: str,
        theirs: float,
        unit: str,
        budget: float | None = None,
        aim: float | None = None,
    ) -> None:
        digits = 1 if here >= 10 else 2
        self.rows.append(
            Row(
                name,
                f"{here:.{digits}f} {unit}",
                here / theirs,
                budget,
                aim=aim,
                beside=f"{whose}: {theirs:.{digits}f} {unit}",
            )
        )

    def measure_growth(self, url: str) -> None:
        clients = {"ours": self.boto3, "ours_async": self.aiobotocore}
        last = 2_000
        if not self.quick:
            clients |= {"boto3": self.boto3, "aiobotocore": self.aiobotocore}
            last = 10_000
        marks = [1, WARM, *range(1_000, last + 1, 1_000)]
        pages = {name: env.run(*listing(name, url, 1, last, *marks)).marks for name, env in clients.items()}
        for name in ("ours", "ours_async"):
            _, warm, *_, after = pages[name]
            blocks = after["blocks"] - warm["blocks"]
            resident = (after["resident"] - warm["resident"]) / 1e6
            kind = "sync" if name == "ours" else "asyncio"
            self.rows.append(
                Row(
                    f"memory growth, page {WARM} to {last:,}, {kind}",
                    f"{blocks:+} blocks, {resident:+.2f} MB",
                    blocks,
                    BLOCKS,
                    " blocks",
                    fails_above=BLOCKS,
                )
            )
        if self.quick:
            return
        self.growth["pages"] = pages
        self.growth["functions"] = {
            name: self.boto3.run(*listing(name, url, last, 1, *marks)).marks
            for name in ("ours", "ours_many", "boto3")
        }
        self.growth["concurrent"] = {
            name: [self._concurrent(clients[name], name, url, n) for n in (1, 100, 250, 500, 750, 1_000)]
            for name in ("ours_async", "aiobotocore")
        }

    def _concurrent(self, environment: Environment, client: str, url: str, listings: int) -> dict[str, Any]:
        pages = CONCURRENT_PAGES
        ran = environment.run(*listing(client, url, listings, pages, 1, listings * pages))
        first, last = ran.marks
        return {"listings": listings, "cpu": last["cpu"] - first["cpu"], "resident": ran.peak}

    def measure_bundle(self, _: str) -> None:
        boto3 = self._installed("boto3-alone", "boto3")
        whole = self._installed("whole", str(self.wheel))
        every = " ".join(dict.fromkeys(" ".join(bundle.to_keep().values()).split()))
        sizes = {
            "bundle, all of botocore's data deleted": "",
            "bundle, for role, web identity and SSO": every,
        }
        for n, (name, keep) in enumerate(sizes.items()):
            small = self.folder / f"small-{n}" / "bundle"
            shutil.copytree(whole, small)
            bundle.cut_down(small, keep)
            size, beside = (bundle.size_on_disk(each) / 1e6 for each in (small, boto3))
            self.rows.append(
                Row(name, f"{size:.2f} MB (boto3: {beside:.1f} MB)", size, 6, " MB", 5, fails_above=6)
            )
        size = bundle.size_on_disk(whole) / 1e6
        self.rows.append(Row("bundle, nothing deleted", f"{size:.1f} MB", size))

    def _installed(self, name: str, *what: str) -> Path:
        directory = self.folder / name
        pip(self.boto3, "install", "--no-compile", "--target", str(directory), *what)
        return directory

    def measure_wheel(self, _: str) -> None:
        size = self.wheel.stat().st_size / 1e3
        self.rows.append(Row("wheel", f"{size:.1f} KB", size, 50, " KB", fails_above=WHEEL_CEILING))

    def measure_server(self, url: str) -> None:
        rate = pages_served(int(url.rpartition(":")[2]))
        asked = 1 / self.fastest
        self.rows.append(
            Row(
                "pages a second, asked by the fastest of these",
                f"{asked:,.0f}",
                asked / rate,
                1 / 5,
                beside=f"the page server's: {rate:,.0f}",
            )
        )


def say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s  {what}", file=sys.stderr, flush=True)


def cpu(runs: list[Ran]) -> float:
    return median(ran.cpu for ran in runs)


def pip(environment: Environment, *arguments: str) -> None:
    command = [environment.python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


@contextmanager
def page_server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, HERE / "server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
    )
    with process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def pages_served(port: int, pages: int = 20_000, at_a_time: int = 50) -> float:
    """Pages a second that the server gives one who does not look at them: it serves at least as many."""
    request = (
        b"GET /2019-09-25/functions/measured-100/event-invoke-config/list?Marker=7 HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\nAuthorization: %s\r\n\r\n" % (b"-" * 600)
    )
    expected = len(server.answer(100, 7)) * at_a_time
    taken = memoryview(bytearray(expected))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        start = time.perf_counter()
        for _ in range(pages // at_a_time):
            connection.sendall(request * at_a_time)
            received = 0
            while received < expected:
                received += connection.recv_into(taken[received:])
        return pages / (time.perf_counter() - start)


def as_text(measured: dict[str, Any]) -> str:
    """The table, and what it was measured with, as Markdown."""
    rows = [Row(**row) for row in measured["rows"]]
    lines = [
        ("measure", "here", "beside", "ratio", "budget", "aim", ""),
        ("---",) * 7,
        *(row.cells() for row in rows),
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    machine = measured["machine"]
    found = [
        f"- {measured['date']}, medians of {measured['times']} runs",
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}",
        *(
            f"- beside {name}: {', '.join(map(' '.join, versions.items()))}"
            for name, versions in measured["versions"].items()
        ),
    ]
    return table + "\n\n" + "\n".join(found)


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


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, none for the plots")
    parser.add_argument("--output", type=Path, help="write what was measured to this file, as JSON")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        suite = Suite(Path(folder), options.quick)
        say("install")
        suite.install()
        versions = suite.versions()
        with page_server() as url:
            suite.measure(url)

    measured = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions,
        "times": suite.times,
        "rows": [asdict(row) for row in suite.rows],
        "growth": suite.growth,
    }
    print(as_text(measured))
    if options.output:
        options.output.write_text(json.dumps(measured, indent=1) + "\n")
    failed = [row for row in suite.rows if row.fails()]
    for row in failed:
        print(f"FAILED: {row.measure}: {row.here}; may be {row.fails_above}{row.unit}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
