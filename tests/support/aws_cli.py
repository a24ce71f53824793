"""Runs the AWS CLI for many argument lists, in one process: JSON in, JSON out.

In a process of its own, because importing awscli replaces botocore by a copy of it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from awscli.clidriver import create_clidriver

OPERATION = ("lambda", "list-function-event-invoke-configs")


def options() -> list[str]:
    """The options of the operation, and those of every command."""
    command = create_clidriver().create_help_command()
    found = [*command.arg_table]
    for name in OPERATION:
        command = command.command_table[name].create_help_command()
    return [f"--{name}" for name in [*found, *command.arg_table]]


def ran(settings: str, argument_lists: list[list[str]]) -> list[tuple[int, str, str]]:
    """Exit code, standard output and standard error of each, with these settings in the default profile."""
    with open(os.environ["AWS_CONFIG_FILE"], "w") as file:
        file.write(f"[default]\n{settings}\n")
    driver = create_clidriver()  # takes half a second
    found = []
    for argv in argument_lists:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = driver.main([*OPERATION, *argv])
        found.append((code, out.getvalue(), err.getvalue()))
    return found


def main() -> None:
    argument_lists: dict[str, Any] = json.load(sys.stdin)
    printed = {settings: ran(settings, lists) for settings, lists in argument_lists.items()}
    json.dump({"options": options(), "printed": printed}, sys.stdout)


if __name__ == "__main__":
    main()
