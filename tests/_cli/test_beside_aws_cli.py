"""The command beside the AWS CLI: docs/command.md names every option of it, and the output is the same.

The registry has version 1, which is run here. The options that version 2 has besides are listed below.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import processes
import pytest
from processes import Run

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import exit_status
from lambda_event_invoke_configs._cli.arguments import make_parser
from lambda_event_invoke_configs._cli.output import FORMATS

AWS_CLI = Path(processes.__file__).with_name("aws_cli.py")
DOCUMENT = (Path(__file__).parents[2] / "docs" / "command.md").read_text()
# Source: https://docs.aws.amazon.com/cli/latest/reference/lambda/list-function-event-invoke-configs.html
OF_VERSION_2 = {
    "--cli-auto-prompt",
    "--cli-binary-format",
    "--cli-error-format",
    "--cli-input-yaml",
    "--no-cli-auto-prompt",
    "--no-cli-pager",
}
OURS = {option for action in make_parser()._actions for option in action.option_strings} - {"-h"}


class Row(NamedTuple):
    options: list[str]
    here: str
    difference: str


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading whose first cell names options."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [re.split(r" *\| *", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return [
        Row(re.findall(r"`(--[a-z0-9-]+)", first), *rest, *[""] * (2 - len(rest))) for first, *rest in cells
    ]


COMPARED = rows("Comparison with the AWS CLI")
HERE = {option: row.here for row in COMPARED for option in row.options}


SETTINGS = ["cli_timestamp_format = iso8601", "cli_timestamp_format = wire\noutput = text"]
MARKER = "the NextMarker of the first page"
ARGUMENT_LISTS = [
    [],
    ["--max-items", "3", "--output", "json"],
    ["--page-size", "7", "--max-items", "60", "--output", "text"],
    ["--no-paginate"],
    ["--no-paginate", "--max-items", "3", "--output", "json"],
    ["--marker", MARKER],
    ["--starting-token", MARKER],
    ["--query", "FunctionEventInvokeConfigs[].[FunctionArn, LastModified]", "--output", "text"],
    ["--query", "FunctionEventInvokeConfigs[?MaximumRetryAttempts==`0`].LastModified"],
]


class AWSCLI(NamedTuple):
    """The options that the AWS CLI has, and what it printed for each of the argument lists."""

    options: list[str]
    printed: dict[str, list[Any]]  # exit code, standard output and error, by settings
    argument_lists: list[list[str]]  # made whole


@pytest.fixture(scope="module")
def aws_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AWSCLI]:
    folder = tmp_path_factory.mktemp("aws-cli")
    with eic.LocalLambda({"my-function": 120}) as lam, eic.Client(**lam.client_options) as client:
        marker = client.list_function_event_invoke_configs(FunctionName="my-function")["NextMarker"]
        where = ["--function-name", "my-function", "--endpoint-url", lam.endpoint_url]
        lists = [
            [*where, *(marker if argument == MARKER else argument for argument in argv)]
            for argv in ARGUMENT_LISTS
        ]
        done = subprocess.run(
            [sys.executable, AWS_CLI],
            input=json.dumps(dict.fromkeys(SETTINGS, lists)),
            env={
                "AWS_ACCESS_KEY_ID": lam.access_key,
                "AWS_SECRET_ACCESS_KEY": lam.secret_key,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_CONFIG_FILE": str(folder / "config"),
                "HOME": str(folder),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=processes.LONGEST,
        )
        yield AWSCLI(**json.loads(done.stdout), argument_lists=lists)


class TestTheTable:
    def test_names_every_option_of_the_aws_cli_and_no_other(self, aws_cli: AWSCLI) -> None:
        assert {*HERE} == {*aws_cli.options} | OF_VERSION_2

    def test_names_an_option_once(self) -> None:
        assert sum(len(row.options) for row in COMPARED) == len(HERE)

    def test_says_which_of_them_there_are_here(self) -> None:
        assert {*HERE.values()} == {"same", "more", "differs", "no effect", "not available"}
        assert {option for option, here in HERE.items() if here != "not available"} == {*HERE} & OURS

    @pytest.mark.parametrize("row", [row for row in COMPARED if row.here != "same"], ids=str)
    def test_says_why_where_it_is_not_the_same(self, row: Row) -> None:
        assert len(row.difference) > len("no reason")

    def test_says_which_formats_there_are_here(self) -> None:
        (row,) = (row for row in COMPARED if row.options == ["--output"])

        assert {*re.findall(r"`([a-z-]+)`", row.difference)} == {*FORMATS, "yaml", "yaml-stream", "off"}


class TestTheOptions:
    def test_are_all_in_the_reference(self) -> None:
        documented = [option for row in rows("Options") for option in row.options]

        assert sorted(documented) == sorted(OURS)

    @pytest.mark.parametrize("option", [option for option, here in HERE.items() if here == "not available"])
    def test_that_are_not_there_are_refused(self, run: Run, option: str) -> None:
        ran = run("f", option)

        assert (ran.code, ran.out) == (252, "")
        assert f"unrecognized arguments: {option}" in ran.err

    def test_without_effect_have_none(self, listing: Run) -> None:
        flags = ["--no-cli-pager", "--no-cli-auto-prompt"]
        assert [option for option, here in HERE.items() if here == "no effect"] == [
            *flags,
            "--cli-binary-format",
        ]

        assert listing(*flags, "--cli-binary-format", "raw-in-base64-out") == listing()


def test_the_reference_has_the_exit_codes() -> None:
    codes = {value for name, value in vars(exit_status).items() if name.isupper() and isinstance(value, int)}

    assert {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)} == {0, *codes}


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.replace("\n", ", "))
@pytest.mark.parametrize("number", range(len(ARGUMENT_LISTS)), ids=lambda n: " ".join(ARGUMENT_LISTS[n]))
def test_the_output_is_the_same(
    aws_cli: AWSCLI, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, settings: str
) -> None:
    (tmp_path / "config").write_text(f"[default]\n{settings}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    ours = run(*aws_cli.argument_lists[number])

    assert list(ours) == aws_cli.printed[settings][number]
    assert ours.code == 0
    assert ours.out
