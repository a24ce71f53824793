"""What a source of credentials that fails is told of: which one, what is wrong with it, and what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import botocore.exceptions
import pytest
from aws import AWS, LONG_AGO, SECRET, TOKEN, Home
from botocore.credentials import RefreshableCredentials
from servers import ScriptedServer, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli.main import main
from lambda_event_invoke_configs._settings.redaction import (
    config_file_reason,
    reason,
    redacted,
    strip_traceback,
)
from lambda_event_invoke_configs.exceptions import (
    ConfigParseError,
    CredentialRetrievalError,
    SSOTokenLoadError,
)

REFUSED = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"


def process(does: str) -> Callable[[Home, AWS], Any]:
    return lambda home, _: home.process_that(does)


def missing_program(home: Home, _: AWS) -> None:
    home.write("[default]\ncredential_process = /nowhere/helper --password Hidden-Base\n")


def missing_token_file(home: Home, _: AWS) -> None:
    home.keys("web identity")
    home.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")


def missing_container_token_file(home: Home, _: AWS) -> None:
    home.keys("container")
    home.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token")


def host_not_allowed(home: Home, _: AWS) -> None:
    home.keys("container")
    home.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://198.51.100.1/keys")


def refused_by_a_container(home: Home, aws: AWS) -> None:
    aws.broken = lambda _, body: (403, body)
    home.keys("container")


def no_terminal(home: Home, _: AWS) -> Any:
    def ask() -> str:
        raise EOFError

    home.prompt = ask
    return home.keys("role with mfa")


def bad_duration(home: Home, _: AWS) -> Any:
    home.keys("role")
    return home.role(rest="source_profile = base\nduration_seconds = 5")


def nobody_logged_in(home: Home, _: AWS) -> Any:
    options = home.keys("sso")
    for file in home.sso_cache.iterdir():
        file.unlink()
    return options


def broken_sso_cache(home: Home, _: AWS) -> Any:
    options = home.keys("sso")
    for file in home.sso_cache.iterdir():
        file.write_text(f'{{"accessToken": "{TOKEN}"')
    return options


CASES: dict[str, tuple[Callable[[Home, AWS], Any], str]] = {
    "a program that is missing": (
        missing_program,
        "Error when retrieving credentials from custom-process: No such file or directory: /nowhere/helper. "
        "Run the profile's credential_process",
    ),
    "a program that prints noise": (
        process(f"print('Password: {SECRET}')"),
        "from custom-process: not JSON: Expecting value, line 1, column 1. Run the profile's",
    ),
    "a program that prints bytes": (
        process("import sys; sys.stdout.buffer.write(bytes([255]))"),
        "from custom-process: not UTF-8: invalid start byte, byte 0. Run",
    ),
    "a program that fails": (
        process("raise SystemExit('the vault is locked')"),
        "from custom-process: the vault is locked. Run the profile's",
    ),
    "a program whose credentials have expired": (
        process(
            f"""print('{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "{SECRET}", """
            f""""SessionToken": "{TOKEN}", "Expiration": "{LONG_AGO}"}}')"""
        ),
        "from custom-process: the provider returned expired credentials. Run the profile's",
    ),
    "a program whose credentials expire at a local time": (
        process(
            f"""print('{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "{SECRET}", """
            f""""SessionToken": "{TOKEN}", "Expiration": "2030-01-31T12:00:00"}}')"""
        ),
        "from custom-process: the expiration has no time zone. Run the profile's",
    ),
    "a command that does not end its quotes": (
        lambda home, _: home.write("[default]\ncredential_process = helper 'x\n"),
        "from custom-process: No closing quotation. Run",
    ),
    "a token file that is missing": (
        missing_token_file,
        "from assume-role-with-web-identity: No such file or directory: /nowhere/token. "
        "Check web_identity_token_file and role_arn",
    ),
    "a container's token file that is missing": (
        missing_container_token_file,
        "from container-role: No such file or directory: /nowhere/token. Check AWS_CONTAINER_CREDENTIALS",
    ),
    "a host that is not allowed": (
        host_not_allowed,
        "from container-role: Unsupported host '198.51.100.1'.  Can only retrieve metadata from a loopback",
    ),
    "a container's refusal": (
        refused_by_a_container,
        "from container-role: Error retrieving metadata: Received non 200 response 403 from container "
        "metadata. Check",
    ),
    "no terminal for MFA": (
        no_terminal,
        "from assume-role: no MFA code was entered, because there is no terminal. Check the role",
    ),
    "a parameter that STS does not take": (
        bad_duration,
        "from assume-role: Parameter validation failed: Invalid value for parameter DurationSeconds. Check",
    ),
    "a session nobody logged in to": (
        nobody_logged_in,
        "Error loading SSO Token: Token for work does not exist. Log in again with the same profile: aws sso",
    ),
    "an SSO cache that is broken": (
        broken_sso_cache,
        r"Log in again with the same profile: aws sso login|not JSON",
    ),
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(*[page("a")] * 9) as made:
        yield made


def ask(client: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName="f")


@pytest.mark.parametrize(("break_it", "message"), CASES.values(), ids=CASES.keys())
def test_which_source_failed_and_why_is_told(
    break_it: Callable[[Home, AWS], Any],
    message: str,
    ours: Any,
    home: Home,
    aws: AWS,
    server: ScriptedServer,
) -> None:
    none = {"aws_access_key_id": None, "aws_secret_access_key": None}
    for service in ("STS", "SSO"):
        home.setenv(f"AWS_ENDPOINT_URL_{service}", aws.url)
    client = ours(server.url, **{**none, **(break_it(home, aws) or {})})
    for _ in range(2):
        with pytest.raises(eic.exceptions.BotoCoreError) as caught:
            ask(client)
        assert re.search(message if "|" in message else re.escape(message), str(caught.value)), caught.value
        assert "Hidden" not in f"{caught.value} {vars(caught.value)!r}"
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", CASES)
def test_the_command_exits_with_253(
    name: str, home: Home, aws: AWS, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for service in ("STS", "SSO"):
        home.setenv(f"AWS_ENDPOINT_URL_{service}", aws.url)
    options = CASES[name][0](home, aws) or {}
    profile = ["--profile", options["profile_name"]] if "profile_name" in options else []
    assert main(["f", "--region", "us-east-1", "--endpoint-url", server.url, *profile]) == 253
    assert len(capsys.readouterr().err.splitlines()) == 1


class TestExitStatuses:
    def run(self, server: ScriptedServer, profile: str | None = None) -> int:
        named = ["--profile", profile] if profile else []
        return main(["f", "--region", "us-east-1", "--endpoint-url", server.url, *named])

    def test_of_an_sso_session_that_has_ended(self, home: Home, aws: AWS, server: ScriptedServer) -> None:
        home.keys("sso")
        aws.broken = lambda *_: (401, '{"__type": "UnauthorizedException", "message": "no"}')
        assert self.run(server, "sso") == 253

    def test_of_a_token_that_cannot_be_refreshed(self, home: Home, aws: AWS, server: ScriptedServer) -> None:
        home.keys("sso to refresh")
        aws.broken = lambda *_: (400, '{"__type": "InvalidGrantException"}')
        assert self.run(server, "sso") == 253

    def test_of_a_login_without_awscrt(
        self, home: Home, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.keys("login")
        monkeypatch.setattr("botocore.credentials.EC", None)
        assert self.run(server, "login") == 253

    def test_of_instance_metadata(
        self, home: Home, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.keys("instance")
        home.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "no URL")
        assert self.run(server) == 253
        assert "Invalid endpoint EC2 Instance Metadata endpoint: no URL" in capsys.readouterr().err

    def test_of_a_refusal_by_sts(self, home: Home, aws: AWS, server: ScriptedServer) -> None:
        home.keys("role")
        aws.broken = lambda *_: (403, REFUSED)
        assert self.run(server, "role") == 254

    def test_of_an_sts_that_is_not_there(
        self, home: Home, server: ScriptedServer, unused_port: int, slept: list[float]
    ) -> None:
        home.keys("role")
        home.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{unused_port}")
        assert self.run(server, "role") == 255
        assert slept  # botocore's retries


class TestARefusalBySTS:
    def test_is_a_client_error_as_with_boto3(
        self, ours: Any, home: Home, aws: AWS, server: ScriptedServer
    ) -> None:
        aws.broken = lambda *_: (403, REFUSED)
        options = home.keys("role")
        session = boto3.session.Session(profile_name=options["profile_name"], region_name="us-east-1")
        seen = []
        for client in session.client("lambda", endpoint_url=server.url), ours(server.url, **options):
            with pytest.raises(client.exceptions.ClientError) as caught:
                ask(client)
            seen.append(
                (str(caught.value), caught.value.response["Error"]["Code"], type(caught.value).__name__)
            )
        assert seen[0] == seen[1]
        assert client.exceptions.ClientError is eic.exceptions.ClientError is botocore.exceptions.ClientError

    def test_of_lambdas_is_one_too_with_its_hint(self, ours: Any, scripted: Any) -> None:
        from servers import error

        client = ours(scripted(error(403, "AccessDeniedException")).url)
        with pytest.raises(client.exceptions.ClientError, match="IAM policy") as caught:
            ask(client)
        assert type(caught.value) is eic.exceptions.LambdaClientError
        assert issubclass(eic.exceptions.ServiceException, eic.exceptions.LambdaClientError)


class TestCredentialsOfTheUsers:
    def test_that_fail_as_botocore_does_keep_class_and_text_without_the_request(
        self, ours: Any, server: ScriptedServer
    ) -> None:
        error = botocore.exceptions.ConnectionClosedError(
            endpoint_url="http://sts.example", request={"hidden": 1}, error=OSError("hidden")
        )
        found = self.failing(error)
        with pytest.raises(botocore.exceptions.ConnectionClosedError) as caught:
            ask(ours(server.url, credentials=found))
        assert str(caught.value) == str(error)
        assert vars(caught.value) == {
            "request": None,
            "response": None,
            "kwargs": {"endpoint_url": "http://sts.example"},
        }

    def test_that_fail_otherwise_fail_as_they_do(self, ours: Any, server: ScriptedServer) -> None:
        error = LookupError("no such vault")
        with pytest.raises(LookupError) as caught:
            ask(ours(server.url, credentials=self.failing(error)))
        assert caught.value is error

    def failing(self, error: Exception) -> RefreshableCredentials:
        def refresh() -> dict[str, str]:
            raise error

        now = datetime.now(timezone.utc) + timedelta(minutes=1)
        return RefreshableCredentials("A", "s", "t", now, refresh, "vault")


class TestReasons:
    """What is told of an error that is not botocore's own."""

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (OSError(13, "Permission denied"), "Permission denied"),
            (OSError("hidden"), "the provider returned invalid data (OSError)"),
            (KeyError("AccessKeyId"), "AccessKeyId is missing"),
            (KeyError("hidden 1"), "the provider returned invalid data (KeyError)"),
            (KeyError(), "the provider returned invalid data (KeyError)"),
            (ValueError("hidden"), "the provider returned invalid data (ValueError)"),
            (ValueError("Auth token value is not a legal header value"), None),
            (ValueError("Unsupported host 'a'. Can only b."), "Unsupported host 'a'. Can only b"),
        ],
    )
    def test_are_texts_that_hold_no_secret(self, error: Exception, told: str | None) -> None:
        assert reason(error) == (str(error) if told is None else told)

    def test_of_a_config_file(self) -> None:
        import configparser

        assert config_file_reason(OSError("hidden")) == "OSError"
        assert config_file_reason(configparser.InterpolationError("o", "s", "hidden")) == "InterpolationError"

    def test_of_a_config_file_that_breaks_between_construction_and_the_first_request(
        self, ours: Any, home: Home, server: ScriptedServer
    ) -> None:
        client = ours(server.url, **home.keys("process"))
        home.write(f"[default]\nsecret {SECRET}\n")
        with pytest.raises(
            ConfigParseError, match=r"neither a section header nor key = value, line 2"
        ) as caught:
            ask(client)
        assert SECRET not in f"{caught.value} {vars(caught.value)!r}"

    def test_of_ctrl_c_are_not_told(self) -> None:
        interrupt = KeyboardInterrupt()
        assert redacted(interrupt, "sso") is interrupt

    def test_come_with_a_class_of_the_same_name(self) -> None:
        found = redacted(botocore.exceptions.SSOTokenLoadError(error_msg="gone"), "sso")
        assert type(found) is SSOTokenLoadError
        found = redacted(ValueError(), "sso")
        assert type(found) is CredentialRetrievalError


class TestFieldsOfAnError:
    def test_are_those_that_its_text_shows(self) -> None:
        error = botocore.exceptions.SSLError(
            endpoint_url="https://sts", error=OSError("self-signed"), pool={}
        )
        found = redacted(error, "assume-role")
        assert vars(found)["kwargs"] == {
            "endpoint_url": "https://sts",
            "error": "self-signed",
            "provider": "assume-role",
        }
        assert type(found) is eic.exceptions.SSLError
        assert str(found).startswith("SSL validation failed for https://sts self-signed. Check the role's")

    def test_of_a_refusal_are_its_code_and_what_is_known_of_the_response(self) -> None:
        said = {"Error": {"Code": "E", "Message": "m"}, "ResponseMetadata": {"RequestId": "q"}}
        found = redacted(
            botocore.exceptions.ClientError({**said, "Credentials": "hidden"}, "AssumeRole"), "sso"
        )
        assert vars(found)["response"] == said
        assert str(found) == "An error occurred (E) when calling the AssumeRole operation: m"
        without = redacted(botocore.exceptions.ClientError({"Error": said["Error"]}, "AssumeRole"))
        assert vars(without)["response"] == {**said, "ResponseMetadata": {}}

    def test_are_not_the_text_of_an_error_that_may_quote_a_response(self) -> None:
        found = redacted(botocore.exceptions.HTTPClientError(error=ValueError("hidden")), "sso")
        assert str(found) == "An HTTP Client raised an unhandled exception: ValueError"

    def test_may_be_other_than_texts(self) -> None:
        error = botocore.exceptions.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a", "b"])
        assert str(redacted(error, "assume-role")) == str(error)


class TestALogRecord:
    def test_with_members_for_arguments_is_let_through(self, caplog: pytest.LogCaptureFixture) -> None:
        import logging

        from lambda_event_invoke_configs._settings.redaction import redact_botocore_logs

        logger = logging.getLogger("botocore.credentials")
        with redact_botocore_logs():
            logger.warning("%(a)s", {"a": 1})
            logger.warning("failed: %s", ValueError("hidden"))
            try:
                raise ValueError("hidden")
            except ValueError:
                logger.warning("failed", exc_info=True, stack_info=True)
        assert [record.getMessage() for record in caplog.records] == [
            "1",
            "failed: ValueError",
            "failed (ValueError)",
        ]
        assert "hidden" not in caplog.text


class TestTheTraceback:
    """Of an error that a call raises: `inner()` stands for a user's transport, `outer()` for the call."""

    @staticmethod
    def raised() -> ValueError:
        def inner() -> None:
            raise ValueError from KeyError("hidden")

        def outer() -> None:
            inner()

        try:
            outer()
        except ValueError as error:
            raised = error
        raised.inner, raised.outer = inner.__code__, outer.__code__  # type: ignore[attr-defined]
        return raised

    def test_is_left_out_with_the_errors_before(self) -> None:
        error = self.raised()
        assert strip_traceback(error) is error
        assert error.__traceback__ is None
        assert error.__cause__ is None

    def test_is_kept_below_the_frame_that_calls_the_users_transport(self) -> None:
        error: Any = self.raised()
        strip_traceback(error, keep_from=error.outer)
        assert [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)] == [error.inner]
        assert isinstance(error.__cause__, KeyError)

    def test_is_left_out_if_that_frame_is_not_there_or_has_none_below(self) -> None:
        for code in (strip_traceback.__code__, self.raised().inner):
            error = self.raised()
            strip_traceback(error, keep_from=code)
            assert error.__traceback__ is None
            assert error.__cause__ is None
