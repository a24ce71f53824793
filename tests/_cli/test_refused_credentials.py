"""A run of many functions whose credentials are refused. It ends, except with --keep-going."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import count

import pytest
from botocore.exceptions import ClientError
from processes import Run

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.exit_status import RefusedCredentials
from lambda_event_invoke_configs._cli.many import CredentialCheck
from lambda_event_invoke_configs._client.outcome import FunctionOutcome
from lambda_event_invoke_configs.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    LambdaClientError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from lambda_event_invoke_configs.types import FunctionEventInvokeConfig


def found(name: str = "f") -> FunctionOutcome:
    return FunctionOutcome(name, [{"FunctionArn": name}])


def failed(error: Exception, *configurations: FunctionEventInvokeConfig) -> FunctionOutcome:
    return FunctionOutcome("f", [*configurations], error)


def says(code: str, kind: type[ClientError] = LambdaClientError) -> ClientError:
    return kind({"Error": {"Code": code, "Message": "no"}}, "ListFunctionEventInvokeConfigs")


REFUSED = failed(says("UnrecognizedClientException"))


class TestTheCheck:
    """`CredentialCheck`, which sees the outcomes of a run."""

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


class TestARun:
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
