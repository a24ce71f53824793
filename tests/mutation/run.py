"""Changes the package's code, one small change at a time, and counts the changes that the tests notice.

    python tests/mutation/run.py                                    all modules
    python tests/mutation/run.py _protocol _sync/transport.py       a wing and a module

mutmut, which the extra `mutation` installs, makes the changes (mutants) and runs the tests, in a temporary
copy of the project. A mutant is killed if a test fails, or does not end. The tests of a module are those of
`TESTS`, or else its own file of tests; what other tests would notice does not count. mutmut runs those of
them that call the changed function, the fastest first.

Prints for each module and wing how many mutants there are, and how many were killed and survived. The exit
status is 1 if the share of the killed is below 95 % in any of them, or if those that survived are not those
that docs/mutation.md lists, each with its reason; the differences are printed in the form that stands there.

Two kinds of mutants are not counted: those of the type that is the first argument of cast(), which only a
type checker reads, and those of the command's texts for people, such as its help.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "lambda_event_invoke_configs"
SOURCE = ROOT / "src" / PACKAGE
KNOWN = ROOT / "docs" / "mutation.md"

# The tests of what waits for connections. Left out: what runs in another process, where nothing is mutated;
# what takes seconds; what counts the frames of a call, to which mutmut adds; and trio, where it does the same
# as asyncio.
SHELLS = (
    "tests/_client",
    "tests/_sync",
    "tests/_async",
    "tests/end_to_end/test_tls_and_proxies.py",
    "tests/end_to_end/test_hostile.py::TestAnswers::test_a_second_one_that_nobody_asked_for_is_not_taken_for_the_next",
    "tests/_settings/test_identity.py::TestAFailure",
    "-k",
    "not boto3] and not cluster and not memory and not clock and not thousand and not longer_than_both"
    " and not another_thread and not ends_a_process and not reads_nothing and not the_zone_there"
    " and not callers_line and not (trio and _client)",
)
SETTINGS = ("tests/_settings", "-k", "not boto3] and not trio")
# What mutmut wraps has another signature.
PACKAGE_TESTS = ("tests/test_init.py", "-k", "not public_surface and not type_hints")
NOT_STEP_BY_STEP = ("-k", "not any_moment and not any_step")
DEFAULTS_MODE = "tests/_settings/test_defaults_mode.py"
# The arguments of pytest that select the tests of a module, or of a wing, that has more than its own file.
TESTS = {
    "_async": SHELLS,
    "_cli": ("tests/_cli", *NOT_STEP_BY_STEP),
    "_cli/arguments.py": (
        *(
            f"tests/_cli/test_{name}.py"
            for name in ("arguments", "completion", "exit_status", "main", "many", "settings")
        ),
        "-k",
        "not TakesNoMore and not waited_for",
    ),
    "_cli/output_file.py": ("tests/_cli/test_lines.py", "tests/_cli/test_output_file.py", *NOT_STEP_BY_STEP),
    "_client": SHELLS,
    "_client/base.py": ("tests/_settings", "tests/_cli/test_main.py::TestLocal", *SHELLS),
    "_fork.py": ("tests/test_fork.py",),
    "_settings/config.py": ("tests/_settings/test_config.py", DEFAULTS_MODE),
    "_settings/credentials.py": SETTINGS,
    "_settings/identity.py": SETTINGS,
    "_settings/redaction.py": SETTINGS,
    "_settings/resolve.py": ("tests/_settings/test_resolve.py", DEFAULTS_MODE),
    "_sync": SHELLS,
    "_typing.py": PACKAGE_TESTS,
    "_verification.py": ("tests/test_local.py", "tests/_protocol/test_signing.py"),
    "__init__.py": PACKAGE_TESTS,
    "exceptions.py": (
        "tests/test_exceptions.py",
        "tests/_settings/test_credential_errors.py",
        "tests/_client/test_failures.py",
    ),
}
# Functions whose survivors are tried once more, each put in place before anything is imported, with these
# tests: functions that are called on import, that other processes call, or whose frames are counted, and
# those whose signature is compared, which mutmut keeps.
ON_THEIR_OWN = {
    r"(__init__|_typing|_fork)\.py .*": ("tests/test_init.py", "tests/test_fork.py"),
    r"_async/client\.py _Refresh\..*": ("tests/_async", "-k", "ends_a_process"),
    r"_(async|sync)/sockets\.py SocketStream\.write": (
        "tests/_client/test_backends.py",
        "-k",
        "reads_nothing",
    ),
    r"_cli/many\.py list_many": ("tests/_cli/test_many.py",),
    r"_cli/output_file\.py _(literal|sequence|choice|captured|optional|joined|object|member)": (
        "tests/_cli/test_lines.py",
    ),
    r"_client/http\.py _callers_level": ("tests/_client/test_http.py", "-k", "callers_line"),
    r"_client/outcome\.py .*": ("tests/_client/test_outcome.py", "-k", "the_zone_there"),
    r"_settings/credentials\.py _SharedSources\.__init__": (
        "tests/_settings/test_identity.py",
        "tests/test_fork.py",
    ),
    r"_settings/endpoint\.py Partition\.__init__": ("tests/_settings/test_endpoint.py",),
    r"_sync/client\.py Client\.list_for_functions": ("tests/test_init.py", "-k", "public_surface"),
    r"_sync/functions\.py (run_bounded|wait_for)": (
        "tests/_client/test_outcome.py",
        "tests/_sync/test_interrupts.py",
        "-k",
        "ends_a_process or another_thread",
    ),
}
SECONDS_ON_THEIR_OWN = 100
LEAST = 0.95
# Two by two: each is a process of its own, and the machine may have other work.
PROCESSES = 2
KILLED = {"killed", "timeout", "segfault"}

RESULT = re.compile(r"^ +(\S+): (.+)$", re.MULTILINE)
# lambda_event_invoke_configs._protocol.pagination.x_decode__mutmut_7, ....xǁPositionǁmethod__mutmut_1
FUNCTION = re.compile(rf"{PACKAGE}\.(?:(.+)\.)?(?:x_|xǁ)(.+)__mutmut_\d+")
CAST = re.compile(r'\bcast\((?:None|"[^"]*"), ')
# A text of several words, or an option's help.
TEXT = re.compile(r'\bhelp=(?:None|f?"[^"]*")|"[^"]* [^"]*"')
DIFF_BLOCK = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a file or a folder of the package")
    asked = parser.parse_args().modules
    modules = [
        path
        for file in sorted(SOURCE.rglob("*.py"))
        if re.search(r"\bdef ", file.read_text())
        and ((path := file.relative_to(SOURCE).as_posix()) in asked or wing(path) in asked or not asked)
    ]
    if unknown := {*asked} - {*modules, *map(wing, modules)}:
        parser.error(f"no modules: {', '.join(sorted(unknown))}")
    known = listed(KNOWN.read_text() if KNOWN.exists() else "")
    unlisted: list[str] = []
    gone: list[str] = []
    counts: dict[str, Counter[str]] = {}
    print(f"| {'module':25} | mutants | killed | survived |   share |")
    print(f"| :{'-' * 24} | ------: | -----: | -------: | ------: |")
    for tests, together in groups(modules).items():
        for module, results in mutate(together, tests).items():
            survivors = {survivor for survivor in results if survivor}
            counts[module] = Counter(mutants=len(results), killed=results.count(""))
            print(row(module, counts[module]), flush=True)
            unlisted += sorted(survivors - known)
            gone += sorted({entry for entry in known if entry.startswith(f"@@ {module} ")} - survivors)
    wings: dict[str, Counter[str]] = defaultdict(Counter)
    for module, count in counts.items():
        for name in (wing(module), "all"):
            wings[name].update(count)
    print("\n".join(row(name, count) for name, count in wings.items()))
    if unlisted:
        print(f"\nsurvived, and {KNOWN.name} does not say why:\n" + "\n".join(unlisted))
    if gone:
        print(f"\n{KNOWN.name} lists these, and they did not survive:\n" + "\n".join(gone))
    few = any(count["killed"] < LEAST * count["mutants"] for count in counts.values())
    return 1 if few or unlisted or gone else 0


def wing(module: str) -> str:
    return module.partition("/")[0]


def groups(modules: list[str]) -> dict[tuple[str, ...], list[str]]:
    """The modules by their tests: those that have the same are mutated together."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for module in modules:
        own = Path("tests", module).with_name(f"test_{Path(module).name}")
        found[TESTS.get(module) or TESTS.get(wing(module)) or (str(own),)].append(module)
    return found


def row(name: str, count: Counter[str]) -> str:
    mutants, killed = count["mutants"], count["killed"]
    return f"| {name:25} | {mutants:7} | {killed:6} | {mutants - killed:8} | {killed / mutants:7.1%} |"


def listed(text: str) -> set[str]:
    """The entries of the diff blocks: from one line that begins with @@ to the next."""
    entries: set[str] = set()
    for block in DIFF_BLOCK.findall(text):
        entries.update(entry.rstrip() for entry in re.split(r"^(?=@@ )", block, flags=re.MULTILINE))
    return entries - {""}


def mutate(modules: list[str], tests: tuple[str, ...]) -> dict[str, list[str]]:
    """For each of the modules its mutants: an entry for each one that survived, else an empty text."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        leave = shutil.ignore_patterns("__pycache__")
        for name in ("src", "tests", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=leave)
        shutil.copy(ROOT / "README.md", copy)
        # mutmut wraps each function, and this decorator reads the arguments of a constructor from its code.
        decorator = copy / "src" / PACKAGE / "_settings" / "config.py"
        unwrapped = decorator.read_text().replace(
            "= init.__code__", '= getattr(init, "__wrapped__", init).__code__'
        )
        decorator.write_text(unwrapped)
        # faulthandler has one clock, and the plugin needs it.
        arguments = ["-p", "no:cacheprovider", "-p", "watchdog", "-o", "faulthandler_timeout=0"]
        options = {
            "source_paths": ["src"],
            "also_copy": ["docs", "README.md"],
            "only_mutate": [f"src/{PACKAGE}/{module}" for module in modules],
            "pytest_add_cli_args_test_selection": tests,
            "pytest_add_cli_args": arguments,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
        project = (ROOT / "pyproject.toml").read_text()
        (copy / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]))
        mutmut(copy, "run", "--max-children", str(PROCESSES))
        entries: dict[str, list[str]] = defaultdict(list)
        for name, status in RESULT.findall(mutmut(copy, "results", "--all", "true")):
            match = FUNCTION.fullmatch(name)
            assert match, name
            module = f"{(match[1] or '__init__').replace('.', '/')}.py"
            function = match[2].replace("ǁ", ".")
            killed = status in KILLED or fails_on_its_own(copy, name, module, function)
            result = "" if killed else entry(copy, name, module, function)
            if result is not None:
                entries[module].append(result)
        return entries


def fails_on_its_own(copy: Path, mutant: str, module: str, function: str) -> bool:
    """Whether the tests of `ON_THEIR_OWN` notice a mutant, if there are any."""
    tests = next(
        (tests for name, tests in ON_THEIR_OWN.items() if re.fullmatch(name, f"{module} {function}")), None
    )
    if tests is None:
        return False
    source = copy / "src" / PACKAGE / module
    original = source.read_text()
    mutmut(copy, "apply", mutant)
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *tests]
    environ = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    running = subprocess.Popen(
        command, cwd=copy, env=environ, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = running.wait(SECONDS_ON_THEIR_OWN)
    except subprocess.TimeoutExpired:
        code = 1
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    source.write_text(original)
    assert code in (0, 1, 2, 4), f"{mutant}: {code}"  # 2 and 4: what is imported or collected fails
    return code != 0


def entry(copy: Path, mutant: str, module: str, function: str) -> str | None:
    """A mutant by what it changes, as mutmut's numbers change with every edit; None if it does not count."""
    diff = mutmut(copy, "show", mutant).splitlines()
    changed = [line for line in diff if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    before, after = ([CAST.sub("cast(", line[1:]) for line in changed if line[0] == sign] for sign in "-+")
    if before == after:
        return None
    if module.startswith("_cli/") and TEXT.sub("", "\n".join(before)) == TEXT.sub("", "\n".join(after)):
        return None
    return "\n".join([f"@@ {module} {function} @@", *(f"{line[0]}{line[1:].strip()}" for line in changed)])


def mutmut(copy: Path, *arguments: str) -> str:
    # Bytecode is what a mutant leaves behind for the next. The path is for the plugin.
    environ = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)} failed, {done.returncode}:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
