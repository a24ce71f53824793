"""The command: its options, its output, its exit codes, and what it leaves behind when it fails."""

from __future__ import annotations

import io
import json
import logging
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from drivers import INTERRUPTIBLE_COMMAND
from scripted import Reply, ScriptedServer, Silence, error, page

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli.output import FORMATS
from lambda_event_invoke_configs._settings.credentials import StaticCredentials
from lambda_event_invoke_configs._sync.client import Client

SRC = Path(eic.__file__).parents[1]
MODULE = [sys.executable, "-m", "lambda_event_invoke_configs"]
SECRET = eic.LocalLambda.secret_key
FULL = "/dev/full"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def arns(self) -> list[str]:
        return [config["FunctionArn"] for config in self.document["FunctionEventInvokeConfigs"]]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", eic.LocalLambda.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the command in this process."""

    def run(*argv: str) -> Ran:
        return Ran(cli.main(argv), *capsys.readouterr())

    return run


@pytest.fixture
def listing(run: Callable[..., Ran], lam: eic.LocalLambda) -> Callable[..., Ran]:
    """Runs the command for a function of the embedded endpoint with 120 configurations."""
    return lambda *argv: run("my-function", "--endpoint-url", lam.endpoint_url, *argv)


@pytest.fixture
def listing_from(
    run: Callable[..., Ran], scripted: Callable[..., ScriptedServer]
) -> Callable[..., Callable[..., Ran]]:
    """Runs the command for a server that plays a script."""

    def start(*script: Reply) -> Callable[..., Ran]:
        server = scripted(*script)
        return lambda *argv: run("f", "--endpoint-url", server.url, *argv)

    return start


class Closed(io.StringIO):
    """In place of a file: a pipe that nobody reads any more."""

    def flush(self) -> None:
        raise BrokenPipeError


def subprocess_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SRC)}


class TestWhatItLists:
    def test_all_pages_are_one_document(self, listing: Callable[..., Ran]) -> None:
        ran = listing()

        assert (ran.code, ran.err) == (0, "")
        assert list(ran.document) == ["FunctionEventInvokeConfigs"]
        assert len(ran.arns()) == 120

    def test_the_function_may_be_named_by_an_option(
        self, run: Callable[..., Ran], lam: eic.LocalLambda
    ) -> None:
        assert run("--function-name", "none", "--endpoint-url", lam.endpoint_url).document == {
            "FunctionEventInvokeConfigs": []
        }

    def test_a_limit_leaves_a_token_from_which_to_go_on(self, listing: Callable[..., Ran]) -> None:
        first = listing("--max-items", "70")
        rest = listing("--starting-token", first.document["NextToken"])

        assert first.arns() + rest.arns() == listing().arns()
        assert "NextToken" not in rest.document

    def test_the_page_size_is_what_the_service_is_asked_for(
        self, run: Callable[..., Ran], scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(page("a", next_marker="m"), page("b"))

        assert run("f", "--endpoint-url", server.url, "--page-size", "1").arns() == ["a", "b"]
        assert [target.partition("?")[2] for target in server.targets()] == [
            "MaxItems=1",
            "MaxItems=1&Marker=m",
        ]

    def test_a_page_without_its_member_is_an_empty_document(
        self, listing_from: Callable[..., Callable[..., Ran]]
    ) -> None:
        assert listing_from(Reply(200, {}))().document == {}


class TestOnePageOnly:
    def test_is_the_first_with_its_marker(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--no-paginate")

        assert list(ran.document) == ["FunctionEventInvokeConfigs", "NextMarker"]
        assert len(ran.arns()) == 50

    def test_goes_on_from_its_marker(self, listing: Callable[..., Ran]) -> None:
        first = listing("--no-paginate")
        second = listing("--no-paginate", "--starting-token", first.document["NextMarker"])

        assert first.arns() + second.arns() == listing("--max-items", "100").arns()

    @pytest.mark.parametrize(
        "sizes",
        [("--max-items", "3"), ("--page-size", "3"), ("--max-items", "3", "--page-size", "9")],
        ids=" ".join,
    )
    def test_is_asked_for_in_the_size_wanted_so_that_its_marker_fits(
        self, listing: Callable[..., Ran], sizes: tuple[str, ...]
    ) -> None:
        first = listing("--no-paginate", *sizes)
        second = listing("--no-paginate", *sizes, "--starting-token", first.document["NextMarker"])

        assert first.arns() + second.arns() == listing("--max-items", "6").arns()

    def test_takes_no_more_than_the_service_gives(self, listing: Callable[..., Ran]) -> None:
        assert len(listing("--no-paginate", "--max-items", "100").arns()) == 50

    def test_that_a_token_leaves_out_says_what_of_the_next_one_it_leaves_out(
        self, listing: Callable[..., Ran]
    ) -> None:
        """The NextMarker alone would begin with what came before the token."""
        token = listing("--max-items", "3").document["NextToken"]
        first = listing("--no-paginate", "--max-items", "2", "--starting-token", token)
        said, _, rest = first.err.rstrip().partition(" ")

        assert (first.arns(), said) == ([], "NextToken:")
        assert listing("--starting-token", rest).arns() == listing().arns()[3:]

    def test_has_its_marker_for_a_query_too(self, listing: Callable[..., Ran]) -> None:
        text = listing("--no-paginate", "--query", "NextMarker", "--output", "text")

        assert text.out == listing("--no-paginate").document["NextMarker"] + "\n"


class TestStreams:
    def test_lines_of_json_are_one_configuration_each(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--output", "jsonl")

        assert [json.loads(line) for line in ran.lines] == listing().document["FunctionEventInvokeConfigs"]
        assert ran.err == ""

    def test_the_token_of_a_limit_goes_to_standard_error(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--output", "jsonl", "--max-items", "7")

        assert len(ran.lines) == 7
        assert ran.err == f"NextToken: {listing('--max-items', '7').document['NextToken']}\n"

    def test_text_ends_with_the_token(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--output", "text", "--max-items", "7")

        assert ran.lines[-1] == f"NEXTTOKEN\t{listing('--max-items', '7').document['NextToken']}"
        assert ran.err == ""

    @pytest.mark.parametrize("output", ["jsonl", "text"])
    def test_a_page_is_written_before_the_next_is_asked_for(
        self, scripted: Callable[..., ScriptedServer], output: str
    ) -> None:
        server = scripted(page("first", next_marker="m"), Silence())
        command = [*MODULE, "f", "--endpoint-url", server.url, "--output", output]

        with subprocess.Popen(command, env=subprocess_environment(), stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert b"first" in process.stdout.readline()
            process.kill()


class TestTable:
    def test_has_a_row_a_configuration(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--output", "table", "--max-items", "3")

        for n, arn in enumerate(listing("--max-items", "3").arns()):
            assert f"│ {arn} │" in ran.lines[3 + n]
        assert ran.err.startswith("NextToken: ")

    def test_without_rich_is_refused_before_anything_is_sent(
        self,
        run: Callable[..., Ran],
        scripted: Callable[..., ScriptedServer],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] or ["rich"]:
            monkeypatch.setitem(sys.modules, name, None)
        server = scripted()

        ran = run("f", "--endpoint-url", server.url, "--output", "table")

        assert (ran.code, ran.out, server.connections) == (252, "", 0)
        assert ran.err.endswith("pip install rich\n")


class TestQuery:
    EXPRESSION = "FunctionEventInvokeConfigs[?MaximumRetryAttempts==`0`].MaximumEventAgeInSeconds"

    def test_is_about_the_whole_result_in_json(self, listing: Callable[..., Ran]) -> None:
        assert listing("--query", "length(FunctionEventInvokeConfigs)").out == "120\n"

    def test_is_about_each_page_in_a_stream(self, listing: Callable[..., Ran]) -> None:
        for output in ("jsonl", "text"):
            assert listing("--query", "length(FunctionEventInvokeConfigs)", "--output", output).lines == [
                "50",
                "50",
                "20",
            ]

    def test_a_list_is_written_one_a_line_in_jsonl(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--query", self.EXPRESSION, "--output", "jsonl")

        assert ran.lines == [str(age) for age in range(60, 180, 3)]

    def test_a_list_is_written_on_a_line_a_page_in_text(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--query", self.EXPRESSION, "--output", "text")

        assert ran.out.split() == [str(age) for age in range(60, 180, 3)]
        assert len(ran.lines) == 3

    def test_a_table_has_the_columns_asked_for(self, listing: Callable[..., Ran]) -> None:
        query = "FunctionEventInvokeConfigs[].{age: MaximumEventAgeInSeconds}"

        lines = listing("--query", query, "--output", "table", "--max-items", "1").lines

        assert [line.strip("┃│ ") for line in (lines[1], lines[3])] == ["age", "60"]

    def test_can_compare_and_sort_timestamps(self, listing: Callable[..., Ran]) -> None:
        query = "max_by(FunctionEventInvokeConfigs, &LastModified).LastModified"

        assert listing("--query", query).document == max(
            config["LastModified"] for config in listing().document["FunctionEventInvokeConfigs"]
        )

    @pytest.mark.parametrize("output", FORMATS)
    def test_has_standard_output_to_itself(self, listing: Callable[..., Ran], output: str) -> None:
        ran = listing("--query", "FunctionEventInvokeConfigs", "--max-items", "1", "--output", output)

        assert ran.err == f"NextToken: {listing('--max-items', '1').document['NextToken']}\n"
        assert ran.err.split()[1] not in ran.out

    @pytest.mark.parametrize(
        ("expression", "complaint"),
        [
            ("a[", 'Incomplete expression: "a[" ^'),
            ("", "cannot be empty"),
            ("@[1:].{a: lenth(@)}", "Unknown function: lenth()"),
            pytest.param("[" * 3000, "recursion", id="deep"),
        ],
    )
    def test_that_cannot_be_used_is_a_usage_error_before_anything_is_sent(
        self,
        run: Callable[..., Ran],
        scripted: Callable[..., ScriptedServer],
        expression: str,
        complaint: str,
    ) -> None:
        server = scripted()

        ran = run("f", "--endpoint-url", server.url, "--query", expression)

        assert (ran.code, ran.out, server.connections) == (252, "", 0)
        assert "argument --query: " in ran.err
        assert complaint in ran.err

    def test_that_turns_out_not_to_fit_is_a_usage_error_too(self, listing: Callable[..., Ran]) -> None:
        for output in ("json", "jsonl"):
            ran = listing("--query", "length(`1`)", "--output", output)

            assert (ran.code, ran.out) == (252, "")
            assert ran.err.startswith("lambda-event-invoke-configs: In function length(), invalid type")


class TestUsage:
    def test_version(self, run: Callable[..., Ran]) -> None:
        assert run("--version") == (0, f"lambda-event-invoke-configs {eic.__version__}\n", "")

    def test_help_tells_every_option(self, run: Callable[..., Ran]) -> None:
        ran = run("--help")

        assert ran.code == 0
        for option in ("--max-items", "--starting-token", "--cli-read-timeout", "--local", "FUNCTION_NAME"):
            assert option in ran.out

    def test_help_loads_nothing_heavy(self) -> None:
        check = (
            "import sys; from lambda_event_invoke_configs._cli.main import main; main(['--help']); "
            "sys.exit(bool({'httpx', 'botocore', 'jmespath', 'rich', 'ssl', 'http.server'} & {*sys.modules}))"
        )

        done = subprocess.run(
            [sys.executable, "-c", check], env=subprocess_environment(), capture_output=True, check=False
        )

        assert (done.returncode, done.stderr) == (0, b"")

    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            ([], "FUNCTION_NAME or --functions-from is required, except with --local"),
            (["f", "--function-name", "f"], "FUNCTION_NAME is given twice"),
            (["f", "--max-items", "many"], "argument --max-items: invalid int value: 'many'"),
            (["f", "--output", "yaml"], "argument --output: invalid choice: 'yaml'"),
            (["f", "--max", "1"], "unrecognized arguments: --max"),
            (["--local", "--profile", "p"], "--local takes neither --profile nor --endpoint-url"),
            (["--local", "--endpoint-url", "u"], "--local takes neither --profile nor --endpoint-url"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_is_argparses(self, run: Callable[..., Ran], argv: list[str], complaint: str) -> None:
        ran = run(*argv)

        assert (ran.code, ran.out) == (252, "")
        assert ran.err.startswith("usage: lambda-event-invoke-configs ")
        assert f"lambda-event-invoke-configs: error: {complaint}" in ran.err

    @pytest.mark.parametrize(
        ("argv", "complaint"),
        [
            ([""], "Parameter validation failed: Invalid length for parameter FunctionName"),
            (["f", "--page-size", "0"], "Invalid value for parameter MaxItems, value: 0"),
            (["f", "--max-items", "-1"], "Invalid value for parameter PaginationConfig.MaxItems"),
            (["f", "--starting-token", "a___1___2"], "Bad starting token: a___1___2"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_error_may_be_the_librarys(
        self, listing: Callable[..., Ran], run: Callable[..., Ran], argv: list[str], complaint: str
    ) -> None:
        ran = run(*argv)

        assert (ran.code, ran.out) == (252, "")
        assert ran.err.startswith("lambda-event-invoke-configs: ")
        assert complaint in ran.err
        assert ran.err.count("\n") == 1

    def test_arguments_are_the_processs_by_default(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["whatever", "--version"])

        with pytest.raises(SystemExit, match="0"):
            sys.exit(cli.main())

        assert capsys.readouterr().out == f"lambda-event-invoke-configs {eic.__version__}\n"

    def test_the_package_can_be_run_as_a_module(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["whatever", "--version"])

        with pytest.raises(SystemExit, match="0"):
            runpy.run_module("lambda_event_invoke_configs", run_name="__main__")
        runpy.run_module("lambda_event_invoke_configs.__main__", run_name="imported")

        assert capsys.readouterr().out == f"lambda-event-invoke-configs {eic.__version__}\n"


class TestSettings:
    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[Client]:
        """The clients that listed."""
        clients: list[Client] = []
        get_paginator = Client.get_paginator

        def keep(client: Client, name: str) -> Any:
            clients.append(client)
            return get_paginator(client, name)

        monkeypatch.setattr(Client, "get_paginator", keep)
        return clients

    def test_timeouts_are_a_minute_by_default(self, listing: Callable[..., Ran], made: list[Client]) -> None:
        listing()

        assert (made[0].meta.config.connect_timeout, made[0].meta.config.read_timeout) == (60, 60)

    def test_timeouts_are_seconds_and_0_is_none(
        self, listing: Callable[..., Ran], made: list[Client]
    ) -> None:
        listing("--cli-connect-timeout", "0", "--cli-read-timeout", "5")

        assert (made[0].meta.config.connect_timeout, made[0].meta.config.read_timeout) == (None, 5)

    def test_the_profile_gives_region_and_keys(
        self,
        run: Callable[..., Ran],
        lam: eic.LocalLambda,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        file = tmp_path / "config"
        file.write_text(
            f"[profile p]\nregion = us-east-1\nendpoint_url = {lam.endpoint_url}\n"
            f"aws_access_key_id = {lam.access_key}\naws_secret_access_key = {lam.secret_key}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(file))

        assert len(run("my-function", "--profile", "p").arns()) == 120

    def test_the_region_is_what_is_signed_for(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--region", "eu-west-1")

        assert ran.code == 254
        assert "(InvalidSignatureException)" in ran.err

    def test_certificates_are_verified_with_the_bundle(self, run: Callable[..., Ran]) -> None:
        ran = run("f", "--endpoint-url", "https://127.0.0.1:1", "--ca-bundle", "/no/such/file")

        assert ran.code == 253
        assert "'/no/such/file', must be a PEM file" in ran.err

    def test_certificates_may_be_trusted_blindly(self, listing: Callable[..., Ran]) -> None:
        with pytest.warns(UserWarning, match="verify=False"):
            assert listing("--no-verify-ssl", "--ca-bundle", "/no/such/file").code == 0


class TestLocal:
    def test_needs_no_function_name(self, run: Callable[..., Ran]) -> None:
        ran = run("--local")

        assert (ran.code, ran.err) == (0, "")
        assert ran.arns()[-1] == "arn:aws:lambda:us-east-1:123456789012:function:my-function:120"

    def test_has_the_function_and_the_region_named(self, run: Callable[..., Ran]) -> None:
        ran = run("mine", "--local", "--region", "eu-west-1", "--max-items", "1")

        assert ran.arns() == ["arn:aws:lambda:eu-west-1:123456789012:function:mine:1"]

    def test_has_nothing_to_do_with_the_users_settings(
        self, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken"
        broken.write_text("no section\n")
        settings = {
            "AWS_CONFIG_FILE": str(broken),
            "AWS_PROFILE": "missing",
            "AWS_DEFAULT_REGION": "not a region",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ACCESS_KEY_ID": "half a pair",
            "AWS_RETRY_MODE": "bogus",
            "HTTP_PROXY": "http://127.0.0.1:1",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        before = dict(os.environ)

        assert run("--local").code == 0
        assert dict(os.environ) == before

    def test_works_vendored_under_another_name(self, tmp_path: Path) -> None:
        vendored = tmp_path / "othersdk" / "_vendor" / "eic"
        shutil.copytree(Path(cli.__file__).parents[1], vendored)
        command = [sys.executable, "-m", "othersdk._vendor.eic", "--local", "--max-items", "1", "--debug"]

        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, check=False
        )

        assert done.returncode == 0
        assert len(json.loads(done.stdout)["FunctionEventInvokeConfigs"]) == 1
        assert b" othersdk._vendor.eic._protocol.call DEBUG GET http://127.0.0.1:" in done.stderr


class TestExitCodes:
    @pytest.mark.parametrize(
        ("environment", "argv", "complaint"),
        [
            ({"AWS_DEFAULT_REGION": ""}, [], "You must specify a region."),
            ({}, ["--region", "no region"], "Provided region_name 'no region'"),
            ({}, ["--profile", "missing"], "The config profile (missing) could not be found"),
            ({}, ["--endpoint-url", "ftp://h"], "Invalid endpoint: ftp://h."),
            ({}, ["--cli-read-timeout", "-1"], "Invalid value for read_timeout: -1"),
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
        run: Callable[..., Ran],
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
        self, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "config"
        file.write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(file))

        assert run("f", "--profile", "p").code == 253

    def test_254_is_the_services_no(self, run: Callable[..., Ran], lam: eic.LocalLambda) -> None:
        ran = run("other", "--endpoint-url", lam.endpoint_url)

        assert (ran.code, ran.out) == (254, "")
        assert ran.err.startswith(
            "lambda-event-invoke-configs: An error occurred (ResourceNotFoundException) when calling"
        )
        assert ran.err.count("\n") == 1

    def test_254_is_another_services_no_too(
        self, listing: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(source: StaticCredentials) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

        monkeypatch.setattr(StaticCredentials, "frozen", refuse)

        assert listing()[:2] == (254, "")

    def test_255_is_no_connection(self, run: Callable[..., Ran], slept: list[float]) -> None:
        ran = run("f", "--endpoint-url", "http://127.0.0.1:1")

        assert (ran.code, ran.out) == (255, "")
        assert "Could not connect to the endpoint URL" in ran.err
        assert len(slept) == 2

    def test_255_is_an_answer_that_is_no_page(self, listing_from: Callable[..., Callable[..., Ran]]) -> None:
        ran = listing_from(Reply(200, b"<html>"))()

        assert (ran.code, ran.out) == (255, "")
        assert "Unable to parse the response" in ran.err

    def test_255_is_anything_nobody_thought_of(
        self, listing: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(source: StaticCredentials) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(StaticCredentials, "frozen", fail)

        assert listing() == (255, "", "lambda-event-invoke-configs: ZeroDivisionError\n")


class TestFailureHalfWay:
    """Page 2 fails, as often as it is tried; it would be there the next time."""

    @pytest.fixture
    def half(self, listing_from: Callable[..., Callable[..., Ran]]) -> Callable[..., Ran]:
        failure = error(500, "ServiceException", "out\nof order")
        return listing_from(page("a", "b", next_marker="m"), failure, failure, failure, page("c"))

    @staticmethod
    def token(ran: Ran) -> str:
        message, continuation = ran.err.splitlines()
        assert message.startswith("lambda-event-invoke-configs: An error occurred (ServiceException)")
        assert message.endswith("out of order")
        start, _, token = continuation.rpartition(" ")
        assert start == "To continue: --starting-token"
        return token

    def test_leaves_a_document_of_what_arrived(self, half: Callable[..., Ran]) -> None:
        ran = half()

        assert ran.code == 254
        assert ran.arns() == ["a", "b"]
        assert ran.document["NextToken"] == self.token(ran)

    def test_leaves_the_lines_that_were_written(self, half: Callable[..., Ran]) -> None:
        ran = half("--output", "jsonl")

        assert (ran.code, ran.lines) == (254, ['{"FunctionArn":"a"}', '{"FunctionArn":"b"}'])

    def test_leaves_the_text_that_was_written(self, half: Callable[..., Ran]) -> None:
        ran = half("--output", "text")

        assert (ran.code, ran.lines) == (
            254,
            [
                "FUNCTIONEVENTINVOKECONFIGS\ta",
                "FUNCTIONEVENTINVOKECONFIGS\tb",
                f"NEXTTOKEN\t{self.token(ran)}",
            ],
        )

    def test_leaves_a_table_of_what_arrived(self, half: Callable[..., Ran]) -> None:
        ran = half("--output", "table")

        assert ran.code == 254
        assert "│ b " in ran.lines[4]

    def test_goes_on_with_the_token(self, half: Callable[..., Ran]) -> None:
        token = self.token(half())

        assert half("--starting-token", token).arns() == ["c"]

    def test_on_the_first_page_leaves_nothing(self, listing_from: Callable[..., Callable[..., Ran]]) -> None:
        ran = listing_from(*[error(500)] * 3)()

        assert (ran.code, ran.out) == (254, "")
        assert "--starting-token" not in ran.err

    def test_on_the_first_page_goes_on_where_it_began(
        self, listing_from: Callable[..., Callable[..., Ran]]
    ) -> None:
        started = listing_from(*[error(500)] * 3, page("c"))

        failed = started("--starting-token", "m")

        assert started("--starting-token", failed.err.split()[-1]).arns() == ["c"]

    def test_is_told_even_if_the_query_fits_nothing_either(self, half: Callable[..., Ran]) -> None:
        ran = half("--query", "length(`1`)")

        assert (ran.code, ran.out) == (252, "")
        assert [line.split(": ")[0] for line in ran.err.splitlines()] == [
            "lambda-event-invoke-configs",
            "To continue",
            "lambda-event-invoke-configs",
        ]


class TestInterrupt:
    def test_leaves_what_arrived_and_the_token(
        self, listing: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        list_page = Client.list_function_event_invoke_configs

        def interrupted(client: Client, **params: Any) -> Any:
            if "Marker" in params:
                raise KeyboardInterrupt
            return list_page(client, **params)

        with monkeypatch.context() as patched:
            patched.setattr(Client, "list_function_event_invoke_configs", interrupted)
            ran = listing()
        rest = listing("--starting-token", ran.document["NextToken"])

        assert ran.code == 130
        assert ran.arns() + rest.arns() == listing().arns()
        assert ran.err.splitlines() == [
            "lambda-event-invoke-configs: interrupted",
            f"To continue: --starting-token {ran.document['NextToken']}",
        ]

    def test_before_anything_was_sent_leaves_nothing(
        self, listing: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(Client, "get_paginator", interrupted)

        assert listing() == (130, "", "lambda-event-invoke-configs: interrupted\n")

    @pytest.mark.skipif(os.name == "nt", reason="there is no Ctrl-C for one process alone")
    def test_ends_a_process_that_waits_for_a_page(self, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(page("first", next_marker="m"), Silence())
        command = [*INTERRUPTIBLE_COMMAND, "f", "--endpoint-url", server.url, "--output", "jsonl"]

        with subprocess.Popen(
            command, env=subprocess_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            while len(server.requests) < 2:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)

        assert (process.returncode, out) == (130, b'{"FunctionArn":"first"}\n')
        assert [line.split(b" ")[0] for line in err.splitlines()] == [b"lambda-event-invoke-configs:", b"To"]


class TestOutputThatTakesNoMore:
    @pytest.fixture
    def closed_pipe(self) -> Iterator[io.TextIOWrapper]:
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w", encoding="utf-8") as stdout:
            yield stdout

    @pytest.mark.parametrize("output", FORMATS)
    def test_a_closed_pipe_is_quiet(
        self,
        lam: eic.LocalLambda,
        closed_pipe: io.TextIOWrapper,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        output: str,
    ) -> None:
        monkeypatch.setattr(sys, "stdout", closed_pipe)
        argv = ["my-function", "--endpoint-url", lam.endpoint_url, "--output", output]

        assert cli.main(argv) == 255
        assert capsys.readouterr().err == ""
        closed_pipe.flush()  # as the interpreter does at the end

    def test_a_pipe_that_is_closed_after_a_failure_is_quiet(
        self,
        scripted: Callable[..., ScriptedServer],
        closed_pipe: io.TextIOWrapper,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sys, "stdout", closed_pipe)
        server = scripted(page("a", next_marker="m"), error(400))

        assert cli.main(["f", "--endpoint-url", server.url]) == 255

    def test_something_in_place_of_a_file_may_be_closed_too(
        self, lam: eic.LocalLambda, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdout", Closed())

        assert cli.main(["my-function", "--endpoint-url", lam.endpoint_url]) == 255

    @pytest.mark.parametrize("output", ["json", "jsonl"])
    def test_a_closed_pipe_ends_a_process_quietly(self, output: str) -> None:
        command = [*MODULE, "--local", "--output", output, "--page-size", "1"]

        with subprocess.Popen(
            command, env=subprocess_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            err = process.stderr.read()

        assert (process.returncode, err) == (255, b"")

    @pytest.mark.skipif(not os.path.exists(FULL), reason=f"there is no {FULL}")
    @pytest.mark.parametrize("output", ["json", "jsonl"])
    def test_a_full_disk_is_a_failure(self, output: str) -> None:
        with open(FULL, "wb") as full:
            done = subprocess.run(
                [*MODULE, "--local", "--max-items", "2", "--output", output],
                env=subprocess_environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )

        assert done.returncode == 255
        assert done.stderr == b"lambda-event-invoke-configs: [Errno 28] No space left on device\n"

    @pytest.mark.skipif(os.name == "nt", reason="there is no such shell")
    @pytest.mark.parametrize("unbuffered", ["", "1"])
    @pytest.mark.parametrize("output", FORMATS)
    def test_a_disk_that_takes_a_part_is_a_failure(
        self, tmp_path: Path, output: str, unbuffered: str
    ) -> None:
        limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]  # 512 bytes, or 1024
        with open(tmp_path / "out", "wb") as out:
            done = subprocess.run(
                [*limited, *MODULE, "--local", "--output", output],
                env={**subprocess_environment(), "PYTHONUNBUFFERED": unbuffered},
                stdout=out,
                stderr=subprocess.PIPE,
                check=False,
            )

        assert (tmp_path / "out").stat().st_size in (512, 1024)
        assert (done.returncode, done.stderr) == (
            255,
            b"lambda-event-invoke-configs: [Errno 27] File too large\n",
        )

    @pytest.mark.skipif(not os.path.exists(FULL), reason=f"there is no {FULL}")
    def test_errors_that_nobody_takes_keep_the_exit_code(self) -> None:
        with open(FULL, "wb") as full:
            done = subprocess.run(
                [*MODULE, "f", "--region", "/"],
                env=subprocess_environment(),
                stderr=full,
                check=False,
            )

        assert done.returncode == 253


class TestDebug:
    def test_logs_what_this_package_does_and_nothing_else(self, listing: Callable[..., Ran]) -> None:
        ran = listing("--debug")

        logged = ran.err.splitlines()
        assert len(ran.arns()) == 120
        assert sum("DEBUG GET http://127.0.0.1:" in line for line in logged) == 3
        assert all(" lambda_event_invoke_configs." in line for line in logged)
        assert SECRET not in ran.err
        assert "Signature" not in ran.err

    def test_shows_where_a_failure_came_from(self, run: Callable[..., Ran], lam: eic.LocalLambda) -> None:
        ran = run("other", "--endpoint-url", lam.endpoint_url, "--debug")

        assert "Traceback" in ran.err
        assert ran.err.splitlines()[-1].startswith("lambda-event-invoke-configs: An error occurred")

    def test_is_over_when_the_command_is(self, listing: Callable[..., Ran]) -> None:
        package = logging.getLogger("lambda_event_invoke_configs")
        before = (package.level, list(package.handlers))

        first, second = listing("--debug"), listing("--debug")

        assert (package.level, package.handlers) == before
        assert len(first.err.splitlines()) == len(second.err.splitlines())
        assert listing().err == ""


class TestAnUnbufferedOutput:
    """For coverage: the same where it is measured."""

    def test_is_buffered(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with open(tmp_path / "out", "wb", buffering=0) as raw:
            monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, write_through=True))
            assert cli.main(["f", "--local"]) == 0
            assert (tmp_path / "out").read_bytes().endswith(b"]\n}\n")


class TestErrorsThatNobodyTakes:
    """For coverage: the same where it is measured."""

    def test_keep_the_exit_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Closed())
        assert cli.main(["f", "--region", "/"]) == 253


class TestAClosedDescriptor:
    def test_of_the_output_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdout", None)
        assert cli.main(["f", "--local"]) == 255
        assert "standard output is closed" in capsys.readouterr().err

    def test_of_the_errors_keeps_the_exit_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", None)
        assert cli.main(["f", "--region", "/"]) == 253
        sys.stderr.close()

    def test_of_the_names_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        assert cli.main(["--functions-from", "-", "--region", "us-east-1"]) == 255
        assert "standard input is closed" in capsys.readouterr().err

    @pytest.mark.skipif(os.name == "nt", reason="there is no such shell")
    def test_of_a_process_is_one_too(self) -> None:
        command = f"{sys.executable} -m lambda_event_invoke_configs --local >&-"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (255, False)
