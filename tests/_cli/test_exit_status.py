"""The exit codes of the command, which are the AWS CLI's, and the line that says what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from processes import Run
from servers import Reply

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.exit_status import RefusedCredentials, error_code, one_line
from lambda_event_invoke_configs._cli.many import CredentialCheck
from lambda_event_invoke_configs._client.outcome import FunctionOutcome
from lambda_event_invoke_configs._settings.credentials import StaticCredentials
from lambda_event_invoke_configs.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    LambdaClientError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from lambda_event_invoke_configs.types import FunctionEventInvokeConfig


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


def found(name: str = "f") -> FunctionOutcome:
    return FunctionOutcome(name, [{"FunctionArn": name}])


def failed(error: Exception, *configurations: FunctionEventInvokeConfig) -> FunctionOutcome:
    return FunctionOutcome("f", [*configurations], error)


def says(code: str, kind: type[ClientError] = LambdaClientError) -> ClientError:
    return kind({"Error": {"Code": code, "Message": "no"}}, "ListFunctionEventInvokeConfigs")


REFUSED = failed(says("UnrecognizedClientException"))


class TestCredentialsThatAreRefused:
    """Of a run of many functions."""

    @pytest.mark.parametrize(
        "error",
        [
            says("UnrecognizedClientException"),
            says("InvalidSignatureException"),
            says("SignatureDoesNotMatch"),
            says("ExpiredTokenException"),
            says("ExpiredToken"),
            says("InvalidClientTokenId"),
            says("MissingAuthenticationTokenException"),
            says("IncompleteSignatureException"),
            says("AccessDenied", ClientError),  # STS's, to the role
            NoCredentialsError(),
            CredentialRetrievalError(provider="custom-process", error_msg="no"),
        ],
        ids=repr,
    )
    def test_end_it_at_the_first_function(self, error: Exception) -> None:
        with pytest.raises(RefusedCredentials) as caught:
            CredentialCheck(["us-east-1"]).add("us-east-1", failed(error))

        assert caught.value.error is error

    @pytest.mark.parametrize(
        "error",
        [
            says("ResourceNotFoundException"),
            says("AccessDeniedException"),  # a policy may allow the next function
            says("TooManyRequestsException"),
            says("502"),
            ReadTimeoutError(endpoint_url="u"),
            EndpointConnectionError(endpoint_url="u"),
            ParamValidationError(report="r"),
        ],
        ids=repr,
    )
    def test_are_not_what_another_failure_is_taken_for(self, error: Exception) -> None:
        CredentialCheck(["us-east-1"]).add("us-east-1", failed(error))

    @pytest.mark.parametrize(
        "first",
        [
            found(),
            failed(says("ResourceNotFoundException")),
            failed(says("UnrecognizedClientException"), {"FunctionArn": "of the first page"}),
        ],
        ids=["a listing", "an answer of Lambda's", "a listing that fails half-way"],
    )
    def test_do_not_end_it_once_they_were_accepted(self, first: FunctionOutcome) -> None:
        check = CredentialCheck(["us-east-1"])
        check.add("us-east-1", first)

        check.add("us-east-1", REFUSED)

    def test_end_it_after_failures_that_tell_nothing(self) -> None:
        check = CredentialCheck(["us-east-1"])
        check.add("us-east-1", failed(says("TooManyRequestsException")))

        with pytest.raises(RefusedCredentials):
            check.add("us-east-1", REFUSED)

    def test_do_not_end_it_in_one_region_of_two(self) -> None:
        """To which the account has not opted in; functions of it are in flight when the other answers."""
        check = CredentialCheck(["us-east-1", "ap-east-1"])
        check.add("ap-east-1", REFUSED)
        check.add("ap-east-1", REFUSED)

        check.add("us-east-1", found())
        check.add("us-east-1", REFUSED)

    def test_end_it_when_all_regions_refuse_them(self) -> None:
        check = CredentialCheck(["us-east-1", "ap-east-1"])
        check.add("ap-east-1", REFUSED)

        with pytest.raises(RefusedCredentials):
            check.add("us-east-1", REFUSED)


class TestARunWhoseCredentialsAreRefused:
    @pytest.fixture
    def refusing(self, run: Run, lam: eic.LocalLambda, monkeypatch: pytest.MonkeyPatch) -> Run:
        """Runs the command for an endpoint that verifies signatures, with another secret key."""
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        return lambda *argv: run("--endpoint-url", lam.endpoint_url, "--max-concurrency", "1", *argv)

    def test_ends_with_the_error_and_what_came(self, refusing: Run) -> None:
        ran = refusing("a", "b", "c")

        assert ran.code == 254
        assert [json.loads(line)["Error"]["Code"] for line in ran.lines] == ["InvalidSignatureException"]
        summary, error, hint = ran.err.splitlines()
        assert summary == "1 function, 0 configurations, 1 failed: 1 InvalidSignatureException"
        assert error.startswith("lambda-event-invoke-configs: An error occurred (InvalidSignatureException)")
        assert hint.endswith("all other functions would fail too. To list them anyway: --keep-going")

    def test_is_like_that_without_credentials_too(
        self, refusing: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

        ran = refusing("a", "b", "c")

        assert ran.code == 253
        assert len(ran.lines) == 1
        assert "Unable to locate credentials" in ran.err.splitlines()[1]

    def test_reads_no_more_names_than_are_in_flight(
        self, refusing: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[int] = []

        def names(_: str) -> AbstractContextManager[Iterator[str]]:
            return nullcontext(f"f{n}" for n in count() if read.append(n) is None)

        monkeypatch.setattr("lambda_event_invoke_configs._cli.many.names_from", names)

        assert refusing("--functions-from", "-").code == 254
        assert len(read) <= 3

    def test_goes_on_if_it_shall(self, refusing: Run) -> None:
        ran = refusing("a", "b", "c", "--keep-going")

        assert (ran.code, len(ran.lines)) == (1, 3)
        assert ran.err == "3 functions, 0 configurations, 3 failed: 3 InvalidSignatureException\n"


class TestAMessage:
    def test_has_its_white_space_folded_and_no_other_character_changed(self) -> None:
        assert one_line(ValueError(" a\n  b\t\x0b\u2028c ")) == "a b \u2028c"

    def test_is_the_name_of_an_error_that_has_none(self) -> None:
        assert one_line(ZeroDivisionError()) == "ZeroDivisionError"


def test_the_code_of_a_service_that_gave_none_is_unknown() -> None:
    assert error_code(ClientError({}, "AssumeRole")) == "Unknown"
