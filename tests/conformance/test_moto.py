"""moto's server as the peer: an implementation of the service by others, in a process of its own.

moto 5.2 lists at most one configuration of a function, whatever was put for its versions and aliases,
knows no Marker, and ignores MaxItems: pages and tokens of several are compared in test_beside_boto3.py.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import boto3
import botocore.session
import pytest
from listing import LIST
from servers import ServerProcess
from texts import boto3s

KEYS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}
ARN = "arn:aws:lambda:us-east-1:123456789012:function"

CONFIGS: dict[str, dict[str, Any]] = {
    "all-members": {
        "MaximumRetryAttempts": 1,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {
            "OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:123456789012:done"},
            "OnFailure": {"Destination": "arn:aws:sns:us-east-1:123456789012:failed"},
        },
    },
    "no-retries": {"MaximumRetryAttempts": 0},
    "one-destination": {
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:dead"}}
    },
    "published": {"MaximumEventAgeInSeconds": 60},
}
NAMES = [*CONFIGS, "none"]

SERVER = """
import logging, sys
logging.disable()
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


class Moto(ServerProcess):
    script = "-c"
    arguments = (SERVER,)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of moto's server, which has the functions above, with their configurations."""
    # No settings of this machine. No docker either: nothing is ever invoked.
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MOTO_")) and not name.upper().endswith("_PROXY")
    }
    with ExitStack() as running:
        with mock.patch.dict(os.environ, environ, clear=True):
            server = running.enter_context(Moto())
            make_functions(server.url)
        yield server.url


def make_functions(url: str) -> None:
    # Not of the shared session: it would keep the credentials it finds on this machine.
    session = boto3.session.Session(botocore_session=botocore.session.Session(), **KEYS)
    iam, lambda_ = (session.client(service, endpoint_url=url) for service in ("iam", "lambda"))
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "def handle(event, context):\n    return event\n")
    for name in NAMES:
        lambda_.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="handler.handle",
            Code={"ZipFile": code.getvalue()},
        )
    version = lambda_.publish_version(FunctionName="published")["Version"]
    lambda_.create_alias(FunctionName="published", Name="live", FunctionVersion=version)
    for name, config in CONFIGS.items():
        lambda_.put_function_event_invoke_config(FunctionName=name, **config)
    for qualifier in (version, "live"):
        lambda_.put_function_event_invoke_config(
            FunctionName=f"published:{qualifier}", MaximumRetryAttempts=2
        )
    iam.close()
    lambda_.close()


def without_the_moment(response: dict[str, Any]) -> dict[str, Any]:
    """Without what is another with each request."""
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert response["ResponseMetadata"].pop("RequestId", None) == headers.pop("x-amzn-requestid", None)
    headers.pop("date")
    return response


def listing(client: Any, name: str, **config: Any) -> dict[str, Any]:
    paginator = client.get_paginator(LIST)
    pages = paginator.paginate(FunctionName=name, PaginationConfig=config)
    return {
        "pages": [without_the_moment(page) for page in pages],
        "token": pages.resume_token,
        "full": paginator.paginate(FunctionName=name, PaginationConfig=config).build_full_result(),
        "search": list(
            paginator.paginate(FunctionName=name).search(
                "FunctionEventInvokeConfigs[].[FunctionArn, DestinationConfig.OnFailure.Destination]"
            )
        ),
    }


@pytest.mark.in_one_shell
@pytest.mark.parametrize(
    "name", [*NAMES, "published:1", "published:live", f"{ARN}:all-members", f"{ARN}:published:live"]
)
def test_a_listing_is_the_same_as_boto3s(moto: str, ours: Any, theirs: Any, name: str) -> None:
    mine, other = listing(ours(moto), name), listing(theirs(moto), name)
    assert mine == other
    assert repr(mine["full"]) == repr(other["full"])


@pytest.mark.in_one_shell
@pytest.mark.parametrize(
    "config", [{"MaxItems": 0}, {"MaxItems": 1}, {"MaxItems": 1, "PageSize": 1}], ids=str
)
def test_a_limited_listing_and_what_is_left_of_it_are_the_same(
    moto: str, ours: Any, theirs: Any, config: dict[str, int]
) -> None:
    mine, other = ours(moto), theirs(moto)
    first = listing(mine, "all-members", **config)
    assert first == listing(other, "all-members", **config)
    if first["token"] is not None:
        rest = {"StartingToken": first["token"]}
        assert listing(mine, "all-members", **rest) == listing(other, "all-members", **rest)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_what_was_put_is_what_is_listed(moto: str, ours: Any, name: str) -> None:
    (config,) = listing(ours(moto), name)["full"]["FunctionEventInvokeConfigs"]
    assert config.pop("FunctionArn").startswith(f"{ARN}:{name}")
    assert config.pop("LastModified").tzinfo is not None
    put = CONFIGS[name]
    # moto fills in what was not put.
    assert {member: value for member, value in config.items() if member in put} == put


@pytest.mark.in_one_shell
def test_a_function_without_configurations_has_an_empty_page(moto: str, ours: Any) -> None:
    assert listing(ours(moto), "none")["full"] == {"FunctionEventInvokeConfigs": []}


@pytest.mark.in_one_shell
@pytest.mark.parametrize("name", ["nope", "nope:live", "all-members:nope", f"{ARN}:nope", "ünknown/../a b"])
def test_an_unknown_function_is_the_same_error(moto: str, ours: Any, theirs: Any, name: str) -> None:
    assert failure(ours(moto), name) == failure(theirs(moto), name)


def test_an_unknown_function_is_a_resource_that_was_not_found(moto: str, ours: Any) -> None:
    client = ours(moto)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=f"Function not found: {ARN}:nope"):
        client.list_function_event_invoke_configs(FunctionName="nope")


def failure(client: Any, name: str) -> tuple[str, str, Any]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
        client.list_function_event_invoke_configs(FunctionName=name)
    raised: Any = caught.value
    return type(raised).__name__, boto3s(raised), without_the_moment(raised.response)
