"""The exit codes of the command, which are the AWS CLI's, and the line that says what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from processes import Run
from servers import Reply

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.exit_status import error_code, one_line
from lambda_event_invoke_configs._settings.credentials import StaticCredentials


class TestExitCodes:
    @pytest.mark.parametrize(
        ("environment", "argv", "complaint"),
        [
            ({"AWS_DEFAULT_REGION": ""}, [], "You must specify a region."),
            ({}, ["--region", "no region"], "Provided region_name 'no region'"),
            ({}, ["--profile", "missing"], "The config profile (missing) could not be found"),
            ({}, ["--endpoint-url", "ftp://h"], "Invalid endpoint: ftp://h."),
            ({"AWS_CA_BUNDLE": "/no/such/file"}, [], "'/no/such/file', must be a PEM file"),
            ({"AWS_DEFAULT_OUTPUT": "yaml"}, [], "Invalid value for AWS_DEFAULT_OUTPUT: 'yaml'"),
            ({"AWS_RETRY_MODE": "bogus"}, [], "bogus"),
            ({"AWS_MAX_ATTEMPTS": "0"}, [], 'Value provided to "max_attempts": 0'),
            ({"AWS_SECRET_ACCESS_KEY": ""}, [], "Partial credentials found"),
            ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, [], "Unable to locate credentials"),
            ({"AWS_ACCESS_KEY_ID": "a\nb"}, [], "Error when retrieving credentials"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, (dict, list)) else "",
    )
    def test_253_is_a_configuration_that_cannot_be_used(
        self,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
        environment: dict[str, str],
        argv: list[str],
        complaint: str,
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

        ran = run("f", *argv)

        assert (ran.code, ran.out) == (253, "")
        assert ran.err.startswith("lambda-event-invoke-configs: ")
        assert complaint in ran.err
        assert ran.err.count("\n") == 1

    @pytest.mark.parametrize(
        "text",
        [
            "no section\n",
            "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = missing\n",
        ],
        ids=["unreadable", "a role that no keys may assume"],
    )
    def test_253_is_a_config_file_that_cannot_be_used(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "config"
        file.write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(file))

        assert run("f", "--profile", "p").code == 253

    def test_254_is_the_services_no(self, run: Run, lam: eic.LocalLambda) -> None:
        ran = run("other", "--endpoint-url", lam.endpoint_url)

        assert (ran.code, ran.out) == (254, "")
        assert ran.err.startswith(
            "lambda-event-invoke-configs: An error occurred (ResourceNotFoundException) when calling"
        )
        assert ran.err.count("\n") == 1

    def test_254_is_another_services_no_too(self, listing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(source: StaticCredentials) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

        monkeypatch.setattr(StaticCredentials, "frozen", refuse)

        assert listing()[:2] == (254, "")

    def test_255_is_no_connection(self, run: Run, slept: list[float]) -> None:
        ran = run("f", "--endpoint-url", "http://127.0.0.1:1")

        assert (ran.code, ran.out) == (255, "")
        assert "Could not connect to the endpoint URL" in ran.err
        assert len(slept) == 2

    def test_255_is_an_answer_that_is_no_page(self, listing_from: Callable[..., Run]) -> None:
        ran = listing_from(Reply(200, b"<html>"))()

        assert (ran.code, ran.out) == (255, "")
        assert "Unable to parse the response" in ran.err

    def test_255_is_anything_nobody_thought_of(self, listing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(source: StaticCredentials) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(StaticCredentials, "frozen", fail)

        assert listing() == (255, "", "lambda-event-invoke-configs: ZeroDivisionError\n")


class TestAMessage:
    def test_has_its_white_space_folded_and_no_other_character_changed(self) -> None:
        assert one_line(ValueError(" a\n  b\t\x0b\u2028c ")) == "a b \u2028c"

    def test_is_the_name_of_an_error_that_has_none(self) -> None:
        assert one_line(ZeroDivisionError()) == "ZeroDivisionError"


def test_the_code_of_a_service_that_gave_none_is_unknown() -> None:
    assert error_code(ClientError({}, "AssumeRole")) == "Unknown"
