"""What goes wrong in a first run, provoked for real: the message says what to do, and docs/errors.md has it.

Each situation is an environment, and for some a server, so that all clients and the command meet the same.
"""

from __future__ import annotations

import pickle
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import botocore.exceptions
import drivers
import httpx
import pytest
from servers import Reply, ScriptedServer, error
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions as errors
from lambda_event_invoke_configs._cli import main as cli
from lambda_event_invoke_configs._client import http as transport
from lambda_event_invoke_configs.exceptions import HINTS, UNKNOWN_HOST

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
DOCUMENTED = {
    heading: " ".join(text.split())
    for heading, text in re.findall(
        r"^## ([^\n]*)\n\n```text\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
}
SECRET = "not-to-be-seen-SECRET"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": f"T{SECRET}",
}
REGION = {"AWS_DEFAULT_REGION": "us-east-1"}
USUAL = {**KEYS, **REGION}
NOBODY = "http://127.0.0.1:9"
EXPIRED = "The security token included in the request is expired"
DENIED = (
    "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
    "lambda:ListFunctionEventInvokeConfigs on resource: "
    "arn:aws:lambda:us-east-1:123456789012:function:my-function"
)


@dataclass
class Situation:
    raises: type[Exception]  # botocore's, where boto3 raises it
    status: int  # of the command
    environ: dict[str, str]
    answer: Reply | None = None
    wrong: dict[str, str] | None = None  # of the keys for the embedded endpoint, if it is to answer
    function: str = "my-function"


SITUATIONS = {
    "No region": Situation(botocore.exceptions.NoRegionError, 253, KEYS),
    "No credentials": Situation(
        botocore.exceptions.NoCredentialsError, 253, {**REGION, "AWS_ENDPOINT_URL": NOBODY}
    ),
    "Wrong profile": Situation(
        botocore.exceptions.ProfileNotFound, 253, {**USUAL, "AWS_PROFILE": "prodcution"}
    ),
    "Function not found": Situation(
        errors.ResourceNotFoundException, 254, REGION, wrong={}, function="my-functoin"
    ),
    "Expired token": Situation(
        botocore.exceptions.ClientError, 254, USUAL, error(403, "ExpiredTokenException", EXPIRED)
    ),
    "No permission": Situation(
        botocore.exceptions.ClientError, 254, USUAL, error(403, "AccessDeniedException", DENIED)
    ),
    "Unknown access key": Situation(
        botocore.exceptions.ClientError, 254, REGION, wrong={"AWS_ACCESS_KEY_ID": "AKIDUNKNOWN"}
    ),
    "Wrong secret access key": Situation(
        botocore.exceptions.ClientError, 254, REGION, wrong={"AWS_SECRET_ACCESS_KEY": SECRET}
    ),
    "Wrong endpoint: connection refused": Situation(
        botocore.exceptions.EndpointConnectionError, 255, {**USUAL, "AWS_ENDPOINT_URL_LAMBDA": NOBODY}
    ),
    "Wrong endpoint: another server": Situation(
        botocore.exceptions.ClientError, 254, USUAL, Reply(404, b"<html>Not Found</html>")
    ),
    "Unparseable response": Situation(
        errors.ResponseParserError,
        255,
        USUAL,
        Reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"}),
    ),
    "No network": Situation(
        botocore.exceptions.EndpointConnectionError,
        255,
        {**USUAL, "AWS_ENDPOINT_URL_LAMBDA": "https://lambda.invalid"},
    ),
    "Wrong proxy": Situation(botocore.exceptions.ProxyConnectionError, 255, {**USUAL, "HTTPS_PROXY": NOBODY}),
}
# Too slow, or too dependent on others' versions, to be provoked: test_tls_and_proxies.py has the latter.
ENDPOINT = "https://lambda.us-east-1.amazonaws.com/2019-09-25/functions/my-function/event-invoke-config/list"
NOT_PROVOKED = {
    "Connection timed out": httpx.ConnectTimeout("3.80.0.1: no connection within 60 s"),
    "Unknown certificate authority": httpx.ConnectError(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
    ),
}


@pytest.fixture(params=SITUATIONS)
def heading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The heading of a situation, which is then the case."""
    situation = SITUATIONS[request.param]
    with ExitStack() as running:
        environ = dict(situation.environ)
        if situation.wrong is not None:
            lam = running.enter_context(eic.LocalLambda({"my-function": 1}))
            environ["AWS_ENDPOINT_URL_LAMBDA"] = lam.endpoint_url
            environ["AWS_ACCESS_KEY_ID"] = lam.access_key
            environ["AWS_SECRET_ACCESS_KEY"] = lam.secret_key
            environ.update(situation.wrong)
        if situation.answer:
            server = running.enter_context(ScriptedServer(situation.answer))
            environ["AWS_ENDPOINT_URL_LAMBDA"] = server.url
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield request.param


@pytest.mark.parametrize("backend", drivers.BACKENDS)
def test_the_exception_says_what_to_do(heading: str, backend: str) -> None:
    situation = SITUATIONS[heading]

    with pytest.raises(situation.raises) as caught, drivers.make(backend) as client:
        client.list_function_event_invoke_configs(FunctionName=situation.function)

    assert str(caught.value) == DOCUMENTED[heading]
    assert str(caught.value).startswith(boto3s(caught.value).rstrip("."))
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == DOCUMENTED[heading]


def test_the_command_says_what_to_do_in_one_line(heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    situation = SITUATIONS[heading]

    assert cli.main([situation.function]) == situation.status

    assert capsys.readouterr() == ("", f"lambda-event-invoke-configs: {DOCUMENTED[heading]}\n")


@pytest.mark.parametrize("heading", NOT_PROVOKED)
def test_the_others_are_as_documented_too(heading: str) -> None:
    failure = NOT_PROVOKED[heading]
    if "SSL" in str(failure):
        failure.__cause__ = ssl.SSLError()
    assert str(transport.transport_error(failure, ENDPOINT, None)) == DOCUMENTED[heading]


OF_FILES = {
    "A credential provider fails": (
        "AWS_CONFIG_FILE",
        "[default]\ncredential_process = vault-helper --token\n",
    ),
    "Invalid config file": (
        "AWS_SHARED_CREDENTIALS_FILE",
        f"[default]\naws_access_key_id = a\naws_secret_access_key = {SECRET}\n{'#' * 5}\n\n\n\n\n[default]\n",
    ),
}


@pytest.mark.parametrize("heading", OF_FILES)
def test_those_of_the_shared_files_are_as_documented_too(
    heading: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variable, text = OF_FILES[heading]
    (tmp_path / "file").write_text(text)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    assert cli.main(["f"]) == 253
    printed = capsys.readouterr().err.replace(str(tmp_path / "file"), "/home/ann/.aws/credentials")
    assert printed == f"lambda-event-invoke-configs: {DOCUMENTED[heading]}\n"


def test_the_page_has_these_and_no_others() -> None:
    tree = "All classes at a glance"  # tests/test_exceptions.py checks it
    assert DOCUMENTED.keys() - {tree} == SITUATIONS.keys() | NOT_PROVOKED.keys() | OF_FILES.keys()


def test_a_host_without_address_is_told_from_a_host_without_listener() -> None:
    unknown = httpx.ConnectError("x")
    unknown.__cause__ = socket.gaierror(-2, "Name or service not known")
    assert HINTS[UNKNOWN_HOST] in str(transport.transport_error(unknown, ENDPOINT, None))
    assert HINTS["EndpointConnectionError"] in str(
        transport.transport_error(httpx.ConnectError("x"), ENDPOINT, None)
    )
