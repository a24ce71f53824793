"""Changes the decision modules, one small change at a time, and counts what their unit tests notice.

    python tests/mutation/run.py                   all modules
    python tests/mutation/run.py retries signing   these

mutmut, which the extra `mutation` installs, makes the changes (mutants) and runs the tests, in a temporary
copy of the project. A mutant is killed if a test of the module's own file of tests fails, or does not
end; what other tests would notice does not count.

Prints for each module how many mutants there are, and how many were killed and survived. The exit status is 1
if the share of the killed is below 95 % in any of the modules, or if those that survived are not those that
docs/mutation.md lists, each with its reason; the differences are printed in the form that stands there.

Mutants of the type that is the first argument of cast() are not counted: nothing but a type checker reads it,
as with annotations, of which mutmut makes none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "lambda_event_invoke_configs"
KNOWN = ROOT / "docs" / "mutation.md"
MODULES = {
    "call": "_protocol/call.py",
    "pagination": "_protocol/pagination.py",
    "request": "_protocol/request.py",
    "response": "_protocol/response.py",
    "retries": "_protocol/retries.py",
    "signing": "_protocol/signing.py",
    "config": "_settings/config.py",
    "endpoint": "_settings/endpoint.py",
    "resolve": "_settings/resolve.py",
    "local": "local.py",
    "_verification": "_verification.py",
}
LEAST = 0.95
# Two by two: each is a process of its own, and the machine may have other work.
PROCESSES = 2
KILLED = {"killed", "timeout", "segfault"}

RESULT = re.compile(r"^ +(\S+): (.+)$", re.MULTILINE)
# lambda_event_invoke_configs._protocol.pagination.x_decode__mutmut_7, ....xǁPositionǁmethod__mutmut_1
FUNCTION = re.compile(rf"{PACKAGE}\.(?:\w+\.)?(\w+)\.(?:x_|xǁ)(.+)__mutmut_\d+")
CAST = re.compile(r'\bcast\((?:None|"[^"]*"), ')
DIFF_BLOCK = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}")
    modules = parser.parse_args().modules or list(MODULES)
    if unknown := [module for module in modules if module not in MODULES]:
        parser.error(f"no decision modules: {', '.join(unknown)}")
    known = listed(KNOWN.read_text() if KNOWN.exists() else "")
    unlisted: list[str] = []
    gone: list[str] = []
    totals: Counter[str] = Counter()
    good = True
    print(f"| {'module':12} | mutants | killed | survived |   share |")
    print(f"| {'-' * 12} | ------: | -----: | -------: | ------: |")
    for module in modules:
        mutants, survivors = mutate(module)
        killed = mutants - len(survivors)
        good = good and killed >= LEAST * mutants
        print(row(module, mutants, killed), flush=True)
        totals.update(mutants=mutants, killed=killed)
        unlisted += sorted(set(survivors) - known)
        gone += sorted({entry for entry in known if entry.startswith(f"@@ {module}.")} - set(survivors))
    print(row("all", totals["mutants"], totals["killed"]))
    if unlisted:
        print(f"\nsurvived, and {KNOWN.name} does not say why:\n" + "\n".join(unlisted))
    if gone:
        print(f"\n{KNOWN.name} lists these, and they did not survive:\n" + "\n".join(gone))
    return 0 if good and not unlisted and not gone else 1


def row(name: str, mutants: int, killed: int) -> str:
    return f"| {name:12} | {mutants:7} | {killed:6} | {mutants - killed:8} | {killed / mutants:7.1%} |"


def listed(text: str) -> set[str]:
    """The entries of the diff blocks: from one line that begins with @@ to the next."""
    entries: set[str] = set()
    for block in DIFF_BLOCK.findall(text):
        entries.update(entry.rstrip() for entry in re.split(r"^(?=@@ )", block, flags=re.MULTILINE))
    return entries - {""}


def mutate(module: str) -> tuple[int, list[str]]:
    """The number of a module's mutants, and an entry for each one that survived."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        test_file = Path(MODULES[module]).with_name(f"test_{module}.py")
        leave = shutil.ignore_patterns("__pycache__")
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=leave)
        options = {
            "source_paths": ["src"],
            "only_mutate": [f"src/{PACKAGE}/{MODULES[module]}"],
            "pytest_add_cli_args_test_selection": [f"tests/{test_file}"],
            "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
        project = (ROOT / "pyproject.toml").read_text()
        (copy / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]))
        mutmut(copy, "run", "--max-children", str(PROCESSES))
        results = RESULT.findall(mutmut(copy, "results", "--all", "true"))
        if not results:
            raise SystemExit(f"mutmut made no mutants of {module}")
        entries = [entry(copy, name) for name, status in results if status not in KILLED]
        survivors = [entry for entry in entries if entry]
        return len(results) - entries.count(None), survivors


def entry(copy: Path, mutant: str) -> str | None:
    """A mutant by what it changes, since mutmut's numbers change with every edit; None for a type only."""
    match = FUNCTION.fullmatch(mutant)
    assert match, mutant
    diff = mutmut(copy, "show", mutant).splitlines()
    changed = [line for line in diff if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    before, after = ([CAST.sub("cast(", line[1:]) for line in changed if line[0] == sign] for sign in "-+")
    if before == after:
        return None
    where = f"@@ {match[1]}.{match[2].replace('ǁ', '.')} @@"
    return "\n".join([where, *(f"{line[0]}{line[1:].strip()}" for line in changed)])


def mutmut(copy: Path, *arguments: str) -> str:
    # Bytecode is what a mutant leaves behind for the next.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
