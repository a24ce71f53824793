"""The synchronous client's surface."""

from __future__ import annotations

import os
from typing import Any

import pytest

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions

KEYS: Any = {"region_name": "us-east-1", "aws_access_key_id": "AKID", "aws_secret_access_key": "SECRET"}


class TestSurface:
    def test_names_what_there_is(self) -> None:
        with eic.Client(**KEYS) as client:
            for name, complaint in [
                ("invoke", "'list_function_event_invoke_configs'"),
                ("list_functions", "'Client' object has no attribute 'list_functions'"),
            ]:
                with pytest.raises(AttributeError, match=complaint):
                    getattr(client, name)
            with pytest.raises(AttributeError, match="are: ClientError, InvalidParameterValueException, "):
                client.exceptions.Foo  # noqa: B018
        with pytest.raises(exceptions.UnknownServiceError, match=r"'s3'.*Valid service names are: .*lambda"):
            eic.client("s3")
        with pytest.raises(
            TypeError, match="unexpected keyword argument 'region', must be one of: region_name,"
        ):
            eic.Client(region="us-east-1")  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"'retry', must be one of: .*retries"):
            eic.Config(retry=1)  # type: ignore[call-arg]

    def test_is_made_as_boto3s(self) -> None:
        with eic.client("lambda", "eu-west-1", endpoint_url="http://h") as client:
            assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-1", "http://h")

    def test_exceptions_are_those_of_the_operation(self) -> None:
        with eic.Client(**KEYS) as client:
            assert client.exceptions.ResourceNotFoundException is exceptions.ResourceNotFoundException
            assert client.exceptions.from_code("ServiceException") is exceptions.ServiceException
            assert (
                client.exceptions.from_code("Other")
                is client.exceptions.ClientError
                is exceptions.ClientError
            )

    def test_shows_no_secret(self) -> None:
        with eic.Client(**KEYS, aws_session_token="TOKEN") as client:
            assert repr(client) == "<Client of https://lambda.us-east-1.amazonaws.com in us-east-1>"
            assert repr(object.__new__(eic.Client)) == "<Client>"  # as where its constructor failed
            assert "SECRET" not in repr(vars(client))
            assert "TOKEN" not in repr(vars(client))


def test_settings_are_those_of_the_environment_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mocks `os.environ` puts another object there."""
    for region in "eu-west-1", "us-west-2":
        monkeypatch.setattr(os, "environ", {"AWS_DEFAULT_REGION": region})
        with eic.Client() as client:
            assert client.meta.region_name == region
