"""The AWS CLI's settings for output: AWS_DEFAULT_OUTPUT, the profile's output and cli_timestamp_format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from account import Account
from processes import Many, Run

from lambda_event_invoke_configs.local import LocalLambda

ISO_8601 = "2023-11-14T22:13:20.125000+00:00"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-function:1"

pytestmark = [pytest.mark.usefixtures("zone"), pytest.mark.parametrize("zone", ["UTC"], indirect=True)]


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes a line the default profile."""

    def write(line: str) -> None:
        (tmp_path / "config").write_text(
            f"[default]\n{line}\n[profile other]\noutput = jsonl\n"
            f"aws_access_key_id = {LocalLambda.access_key}\n"
            f"aws_secret_access_key = {LocalLambda.secret_key}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    return write


class TestTheOutputFormat:
    def test_is_the_environments(self, listing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "jsonl")

        assert len(listing().lines) == 120

    def test_is_the_profiles(self, listing: Run, profile: Callable[[str], None]) -> None:
        profile("output = text")

        assert listing().out.startswith("FUNCTIONEVENTINVOKECONFIGS\t")

    def test_is_that_of_the_profile_named(self, listing: Run, profile: Callable[[str], None]) -> None:
        profile("output = text")

        assert len(listing("--profile", "other").lines) == 120

    def test_is_the_options_before_the_environments_before_the_profiles(
        self, listing: Run, profile: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profile("output = yaml")
        monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "jsonl")

        assert len(listing().lines) == 120
        monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "yaml")
        assert len(listing("--output", "json").arns()) == 120

    def test_of_the_profile_that_there_is_not_here_is_refused(
        self, listing: Run, profile: Callable[[str], None]
    ) -> None:
        profile("output = yaml-stream")

        assert listing() == (
            253,
            "",
            "lambda-event-invoke-configs: Invalid value for output in the profile: 'yaml-stream', "
            "must be one of json, jsonl, text, table; or use --output\n",
        )

    def test_of_many_functions_is_jsonl_whatever_is_set(
        self, many: Many, profile: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profile("output = table")
        monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "yaml")

        assert len(many("a", "b")[1]) == 2

    def test_of_the_embedded_endpoint_is_the_commands_own(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "yaml")

        assert len(run("--local").arns()) == 120
        assert len(run("--local", "--output", "jsonl").lines) == 120


class TestTimestamps:
    @pytest.mark.parametrize(
        ("line", "shown"),
        [
            ("", ISO_8601),
            ("cli_timestamp_format = iso8601", ISO_8601),
            ("cli_timestamp_format = wire", 1700000000.125),
            ("cli_timestamp_format = none", 1700000000.125),
        ],
    )
    def test_are_in_the_form_that_the_profile_says(
        self, listing: Run, profile: Callable[[str], None], line: str, shown: Any
    ) -> None:
        profile(line)

        assert json.loads(listing("--output", "jsonl").lines[0])["LastModified"] == shown
        assert listing("--query", "FunctionEventInvokeConfigs[0].LastModified").document == shown

    def test_are_text_in_the_lines_of_many_functions(
        self, many: Many, profile: Callable[[str], None]
    ) -> None:
        profile("cli_timestamp_format = wire")

        for line in many("a", "b")[1]:
            assert line["FunctionEventInvokeConfigs"][0]["LastModified"] == "1970-01-01T00:00:01+00:00"

    def test_without_a_fraction_are_whole_numbers(
        self, run: Run, account: Account, profile: Callable[[str], None]
    ) -> None:
        profile("cli_timestamp_format = wire")

        assert '"LastModified":1,' in run("a", "--endpoint-url", account.url, "--output", "jsonl").out

    def test_of_an_unknown_form_are_refused(self, listing: Run, profile: Callable[[str], None]) -> None:
        profile("cli_timestamp_format = bogus")

        ran = listing()

        assert (ran.code, ran.out) == (253, "")
        assert "cli_timestamp_format in the profile: 'bogus', must be iso8601, wire or none" in ran.err
