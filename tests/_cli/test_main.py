"""The command: what it lists, with which settings, and what it leaves behind when it fails."""

from __future__ import annotations

import errno
import io
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from processes import COMMAND, INTERRUPTIBLE_COMMAND, Many, Ran, Run, started
from servers import Reply, ScriptedServer, Silence, error, page, until

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._cli.output import FORMATS
from lambda_event_invoke_configs._sync.client import Client

SECRET = eic.LocalLambda.secret_key
FULL = "/dev/full"


class Closed(io.StringIO):
    """In place of a file: a pipe that nobody reads any more."""

    def flush(self) -> None:
        raise BrokenPipeError


class Full(io.StringIO):
    """In place of a file: a disk that takes nothing more."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class TestWhatItLists:
    def test_all_pages_are_one_document(self, listing: Run) -> None:
        ran = listing()

        assert (ran.code, ran.err) == (0, "")
        assert list(ran.document) == ["FunctionEventInvokeConfigs"]
        assert len(ran.arns()) == 120

    def test_functions_may_be_named_by_options_and_without(self, many: Many) -> None:
        code, lines, _ = many("a", "--function-name", "b", "--function-name", "c", "d")

        assert code == 0
        assert sorted(line["FunctionName"] for line in lines) == ["a", "b", "c", "d"]

    def test_the_function_may_be_named_by_an_option(self, run: Run, lam: eic.LocalLambda) -> None:
        assert run("--function-name", "none", "--endpoint-url", lam.endpoint_url).document == {
            "FunctionEventInvokeConfigs": []
        }

    def test_a_limit_leaves_a_token_from_which_to_go_on(self, listing: Run) -> None:
        first = listing("--max-items", "70")
        rest = listing("--starting-token", first.document["NextToken"])

        assert first.arns() + rest.arns() == listing().arns()
        assert "NextToken" not in rest.document

    def test_the_page_size_is_what_the_service_is_asked_for(
        self, run: Run, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(page("a", next_marker="m"), page("b"))

        assert run("f", "--endpoint-url", server.url, "--page-size", "1").arns() == ["a", "b"]
        assert [target.partition("?")[2] for target in server.targets()] == [
            "MaxItems=1",
            "MaxItems=1&Marker=m",
        ]

    def test_a_page_without_its_member_is_an_empty_document(self, listing_from: Callable[..., Run]) -> None:
        assert listing_from(Reply(200, {}))().document == {}


class TestOnePageOnly:
    def test_is_the_first_with_its_marker(self, listing: Run) -> None:
        ran = listing("--no-paginate")

        assert list(ran.document) == ["FunctionEventInvokeConfigs", "NextMarker"]
        assert len(ran.arns()) == 50

    def test_goes_on_from_its_marker(self, listing: Run) -> None:
        first = listing("--no-paginate")
        second = listing("--no-paginate", "--starting-token", first.document["NextMarker"])

        assert first.arns() + second.arns() == listing("--max-items", "100").arns()

    @pytest.mark.parametrize(
        "sizes",
        [("--max-items", "3"), ("--page-size", "3"), ("--max-items", "3", "--page-size", "9")],
        ids=" ".join,
    )
    def test_is_asked_for_in_the_size_wanted_so_that_its_marker_fits(
        self, listing: Run, sizes: tuple[str, ...]
    ) -> None:
        first = listing("--no-paginate", *sizes)
        second = listing("--no-paginate", *sizes, "--starting-token", first.document["NextMarker"])

        assert first.arns() + second.arns() == listing("--max-items", "6").arns()

    def test_takes_no_more_than_the_service_gives(self, listing: Run) -> None:
        assert len(listing("--no-paginate", "--max-items", "100").arns()) == 50

    def test_that_a_token_leaves_out_says_what_of_the_next_one_it_leaves_out(self, listing: Run) -> None:
        """The NextMarker alone would begin with what came before the token."""
        token = listing("--max-items", "3").document["NextToken"]
        first = listing("--no-paginate", "--max-items", "2", "--starting-token", token)
        said, _, rest = first.err.rstrip().partition(" ")

        assert (first.arns(), said) == ([], "NextToken:")
        assert listing("--starting-token", rest).arns() == listing().arns()[3:]

    def test_begins_at_a_marker(self, listing: Run) -> None:
        """--no-paginate goes without saying, as with the AWS CLI."""
        first = listing("--no-paginate")
        second = listing("--marker", first.document["NextMarker"])

        assert list(second.document) == ["FunctionEventInvokeConfigs", "NextMarker"]
        assert first.arns() + second.arns() == listing("--max-items", "100").arns()

    def test_takes_a_marker_for_what_it_is(self, run: Run, scripted: Callable[..., ScriptedServer]) -> None:
        """A --starting-token of this form stands for marker a, without its first configuration."""
        server = scripted(page("b"))

        assert run("f", "--endpoint-url", server.url, "--marker", "a___1").arns() == ["b"]
        assert server.targets()[0].endswith("?Marker=a___1")

    def test_has_its_marker_for_a_query_too(self, listing: Run) -> None:
        text = listing("--no-paginate", "--query", "NextMarker", "--output", "text")

        assert text.out == listing("--no-paginate").document["NextMarker"] + "\n"


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

    def test_timeouts_are_a_minute_by_default(self, listing: Run, made: list[Client]) -> None:
        listing()

        assert (made[0].meta.config.connect_timeout, made[0].meta.config.read_timeout) == (60, 60)

    def test_timeouts_are_seconds_and_0_is_none(self, listing: Run, made: list[Client]) -> None:
        listing("--cli-connect-timeout", "0", "--cli-read-timeout", "5")

        assert (made[0].meta.config.connect_timeout, made[0].meta.config.read_timeout) == (None, 5)

    def test_the_profile_gives_region_and_keys(
        self,
        run: Run,
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

    def test_the_region_is_what_is_signed_for(self, listing: Run) -> None:
        ran = listing("--region", "eu-west-1")

        assert ran.code == 254
        assert "(InvalidSignatureException)" in ran.err

    def test_certificates_are_verified_with_the_bundle(self, run: Run) -> None:
        ran = run("f", "--endpoint-url", "https://127.0.0.1:1", "--ca-bundle", __file__)

        assert ran.code == 253
        assert f"{__file__!r}, must be a PEM file" in ran.err

    def test_requests_need_no_credentials_if_they_are_not_signed(
        self, run: Run, scripted: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        server = scripted(page("a"))

        assert run("f", "--endpoint-url", server.url, "--no-sign-request").arns() == ["a"]
        assert b"authorization" not in server.requests[0].lower()

    def test_certificates_may_be_trusted_blindly(self, listing: Run) -> None:
        with pytest.warns(UserWarning, match="verify=False"):
            assert listing("--no-verify-ssl", "--ca-bundle", "/no/such/file").code == 0


class TestLocal:
    def test_needs_no_function_name(self, run: Run) -> None:
        ran = run("--local")

        assert (ran.code, ran.err) == (0, "")
        assert ran.arns()[-1] == "arn:aws:lambda:us-east-1:123456789012:function:my-function:120"

    def test_has_the_function_and_the_region_named(self, run: Run) -> None:
        ran = run("mine", "--local", "--region", "eu-west-1", "--max-items", "1")

        assert ran.arns() == ["arn:aws:lambda:eu-west-1:123456789012:function:mine:1"]

    def test_has_nothing_to_do_with_the_users_settings(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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

        ran = processes.run(*command, PYTHONPATH=str(tmp_path))

        assert len(ran.arns()) == 1
        assert " othersdk._vendor.eic._protocol.call DEBUG GET http://127.0.0.1:" in ran.err


class TestFailureHalfWay:
    """Page 2 fails, as often as it is tried; it would be there the next time."""

    @pytest.fixture
    def half(self, listing_from: Callable[..., Run]) -> Run:
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

    def test_leaves_a_document_of_what_arrived(self, half: Run) -> None:
        ran = half()

        assert ran.code == 254
        assert ran.arns() == ["a", "b"]
        assert ran.document["NextToken"] == self.token(ran)

    def test_leaves_the_lines_that_were_written(self, half: Run) -> None:
        ran = half("--output", "jsonl")

        assert (ran.code, ran.lines) == (254, ['{"FunctionArn":"a"}', '{"FunctionArn":"b"}'])

    def test_leaves_the_text_that_was_written(self, half: Run) -> None:
        ran = half("--output", "text")

        assert (ran.code, ran.lines) == (
            254,
            [
                "FUNCTIONEVENTINVOKECONFIGS\ta",
                "FUNCTIONEVENTINVOKECONFIGS\tb",
                f"NEXTTOKEN\t{self.token(ran)}",
            ],
        )

    def test_leaves_a_table_of_what_arrived(self, half: Run) -> None:
        ran = half("--output", "table")

        assert ran.code == 254
        assert "│ b " in ran.lines[4]

    def test_goes_on_with_the_token(self, half: Run) -> None:
        token = self.token(half())

        assert half("--starting-token", token).arns() == ["c"]

    def test_on_the_first_page_leaves_nothing(self, listing_from: Callable[..., Run]) -> None:
        ran = listing_from(*[error(500)] * 3)()

        assert (ran.code, ran.out) == (254, "")
        assert "--starting-token" not in ran.err

    def test_on_the_first_page_goes_on_where_it_began(self, listing_from: Callable[..., Run]) -> None:
        started = listing_from(*[error(500)] * 3, page("c"))

        failed = started("--starting-token", "m")

        assert started("--starting-token", failed.err.split()[-1]).arns() == ["c"]

    def test_at_the_first_page_offers_the_token_that_it_began_with(
        self, half: Run, listing_from: Callable[..., Run]
    ) -> None:
        token = self.token(half())
        failure = error(500, "ServiceException", "out\nof order")

        assert self.token(listing_from(failure, failure, failure)("--starting-token", token)) == token

    @pytest.mark.parametrize("option", ["--starting-token", "--marker"])
    @pytest.mark.parametrize("output", FORMATS)
    def test_does_not_offer_the_token_that_was_refused(self, listing: Run, option: str, output: str) -> None:
        ran = listing(option, "none-of-its", "--output", output)

        assert (ran.code, ran.out) == (254, "")
        assert ran.err.count("\n") == 1
        assert "(InvalidParameterValueException)" in ran.err

    def test_offers_the_token_of_the_page_that_was_refused(self, listing_from: Callable[..., Run]) -> None:
        ran = listing_from(page("a", next_marker="m"), error(400, "InvalidParameterValueException"))()

        assert ran.arns() == ["a"]
        assert f"To continue: --starting-token {ran.document['NextToken']}\n" in ran.err

    def test_is_told_even_if_the_query_fits_nothing_either(self, half: Run) -> None:
        ran = half("--query", "length(`1`)")

        assert (ran.code, ran.out) == (252, "")
        assert [line.split(": ")[0] for line in ran.err.splitlines()] == [
            "lambda-event-invoke-configs",
            "To continue",
            "lambda-event-invoke-configs",
        ]


class TestInterrupt:
    def test_leaves_what_arrived_and_the_token(self, listing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
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
        self, listing: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(Client, "get_paginator", interrupted)

        assert listing() == (130, "", "lambda-event-invoke-configs: interrupted\n")

    @pytest.mark.skipif(os.name == "nt", reason="there is no Ctrl-C for one process alone")
    def test_ends_a_process_that_waits_for_a_page(self, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(page("first", next_marker="m"), Silence())
        command = [*INTERRUPTIBLE_COMMAND, "f", "--endpoint-url", server.url, "--output", "jsonl"]

        with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b'{"FunctionArn":"first"}\n'
            until(lambda: len(server.requests) == 2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()

        assert (process.returncode, out) == (130, b"")
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

    def test_a_closed_pipe_ends_a_process_quietly(self) -> None:
        command = [*COMMAND, "--local", "--output", "jsonl", "--page-size", "1"]

        with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            err = process.stderr.read()
            process.wait()

        assert (process.returncode, err) == (255, b"")

    @pytest.mark.skipif(not os.path.exists(FULL), reason=f"there is no {FULL}")
    def test_a_full_disk_is_a_failure(self) -> None:
        with open(FULL, "wb") as full:
            ran = processes.run(*COMMAND, "--local", "--max-items", "2", stdout=full, fails=True)

        assert ran == (255, "", "lambda-event-invoke-configs: [Errno 28] No space left on device\n")

    @pytest.mark.skipif(os.name == "nt", reason="there is no such shell")
    @pytest.mark.parametrize(("output", "unbuffered"), [*zip(FORMATS, itertools.cycle(["", "1"]))])
    def test_a_disk_that_takes_a_part_is_a_failure(
        self, tmp_path: Path, output: str, unbuffered: str
    ) -> None:
        limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh"]  # 512 bytes, or 1024
        with open(tmp_path / "out", "wb") as out:
            command = [*limited, *COMMAND, "--local", "--output", output]
            ran = processes.run(*command, stdout=out, fails=True, PYTHONUNBUFFERED=unbuffered)

        assert (tmp_path / "out").stat().st_size in (512, 1024)
        assert ran == (255, "", "lambda-event-invoke-configs: [Errno 27] File too large\n")

    @pytest.mark.skipif(not os.path.exists(FULL), reason=f"there is no {FULL}")
    def test_errors_that_nobody_takes_keep_the_exit_code(self) -> None:
        with open(FULL, "wb") as full:
            assert processes.run(*COMMAND, "f", "--region", "/", stderr=full, fails=True).code == 253


class TestDebug:
    def test_logs_what_this_package_does_and_nothing_else(self, listing: Run) -> None:
        ran = listing("--debug")

        logged = ran.err.splitlines()
        assert len(ran.arns()) == 120
        assert sum("DEBUG GET http://127.0.0.1:" in line for line in logged) == 3
        assert sum(": status 200, request id '" in line for line in logged) == 3
        assert sum(line.endswith("DEBUG credentials from env") for line in logged) == 1
        assert all(" lambda_event_invoke_configs." in line for line in logged)
        assert SECRET not in ran.err
        assert "Signature" not in ran.err

    def test_shows_where_a_failure_came_from(self, run: Run, lam: eic.LocalLambda) -> None:
        ran = run("other", "--endpoint-url", lam.endpoint_url, "--debug")

        assert " DEBUG failed\n  Traceback (most recent call last):\n    File " in ran.err
        assert ran.err.splitlines()[-1].startswith("lambda-event-invoke-configs: An error occurred")

    def test_is_over_when_the_command_is(self, listing: Run) -> None:
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

    def test_keeps_its_encoding(self, tmp_path: Path) -> None:
        with open(tmp_path / "out", "wb", buffering=0) as raw:
            unbuffered = io.TextIOWrapper(raw, "latin-1", "backslashreplace", write_through=True)
            with cli._buffered(unbuffered) as made:
                assert (made.encoding, made.errors) == ("latin-1", "backslashreplace")


class TestErrorsThatNobodyTakes:
    """For coverage: the same where it is measured."""

    @pytest.mark.parametrize("stream", [Closed, Full])
    def test_keep_the_exit_code(self, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]) -> None:
        monkeypatch.setattr(sys, "stderr", stream())
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
        assert cli.main(["--functions-from", "-", "--region", "us-east-1"]) == 252
        assert "argument --functions-from: [Errno 9] standard input is closed" in capsys.readouterr().err

    @pytest.mark.skipif(os.name == "nt", reason="there is no such shell")
    def test_of_a_process_is_one_too(self) -> None:
        ran = processes.run("sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "--local", fails=True)
        assert (ran.code, "Traceback" in ran.err) == (255, False)
