"""The errors: botocore's classes, the service's words, and what to do next."""

from __future__ import annotations

import pickle
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.exceptions
import botocore.parsers
import pytest
from servers import ScriptedServer, error
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions
from lambda_event_invoke_configs.exceptions import HINTS

EXPIRED = "The security token included in the request is expired"


TREE = re.compile(r"^ {4}([+ ])([* ]) ( *)(\w+)(?: {2,}\S.*)?$", re.MULTILINE)


class TestTheTree:
    """The one at the top of exceptions.py, which docs/errors.md has too."""

    LINES = TREE.findall(exceptions.__doc__ or "")

    def test_has_each_class_once(self) -> None:
        aliases = {name for name in exceptions.__all__ if name.startswith("Botocore")}
        assert sorted(line[-1] for line in self.LINES) == sorted({*exceptions.__all__} - aliases)

    def test_has_each_class_below_the_one_it_derives_from(self) -> None:
        above: list[type] = []
        for _, _, indent, name in self.LINES:
            found = getattr(exceptions, name)
            del above[len(indent) // 2 :]
            others = {getattr(exceptions, other) for *_, other in self.LINES} - {found}
            assert {*above} == {other for other in others if issubclass(found, other)}, name
            above.append(found)

    def test_marks_what_is_new_and_what_has_a_hint(self) -> None:
        for new, hint, _, name in self.LINES:
            known = hasattr(botocore.exceptions, name) or hasattr(botocore.parsers, name)
            assert (new == "+") is not known, name
            assert (hint == "*") is issubclass(getattr(exceptions, name), exceptions._WithHint), name

    def test_is_in_the_docs(self) -> None:
        page = (Path(__file__).parents[1] / "docs" / "errors.md").read_text()
        _, _, tree = (exceptions.__doc__ or "").rpartition("\n\n")
        assert f"```text\n{textwrap.dedent(tree)}```" in page


class TestErrors:
    def refusal(self, client: Any) -> exceptions.ClientError:
        with pytest.raises(exceptions.ClientError) as caught:
            client.list_function_event_invoke_configs(FunctionName="nope")
        return caught.value

    def test_are_caught_by_an_except_written_for_boto3(self, client: Any) -> None:
        error = self.refusal(client)
        assert isinstance(error, botocore.exceptions.ClientError)
        assert type(error).__name__ == "ResourceNotFoundException"
        assert error.operation_name == "ListFunctionEventInvokeConfigs"

    def test_keep_their_class_through_pickle(self, client: Any) -> None:
        error = self.refusal(client)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is exceptions.ResourceNotFoundException
        assert (again.response, str(again)) == (error.response, str(error))


def test_what_the_service_said_stays_as_it_was(scripted: Callable[..., ScriptedServer], ours: Any) -> None:
    client = ours(scripted(error(403, "ExpiredTokenException", EXPIRED)).url)

    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.list_function_event_invoke_configs(FunctionName="f")

    assert caught.value.response["Error"] == {"Code": "ExpiredTokenException", "Message": EXPIRED}
    assert caught.value.args == (
        "An error occurred (ExpiredTokenException) when calling the ListFunctionEventInvokeConfigs "
        f"operation: {EXPIRED}",
    )


@pytest.mark.parametrize("name", ["EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"])
def test_what_botocore_itself_raises_while_it_looks_for_credentials_is_the_same_error(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    raised = getattr(botocore.exceptions, name)(endpoint_url="http://sts", error="x")

    def load(self: object) -> None:
        raise raised

    monkeypatch.setattr("botocore.credentials.ContainerProvider.load", load)
    with pytest.raises(getattr(exceptions, name)) as caught, eic.Client("us-east-1") as client:
        client.list_function_event_invoke_configs(FunctionName="f")
    assert boto3s(caught.value) == str(raised)
    assert str(caught.value).endswith(HINTS["container-role"])  # not Lambda's: it is not about its endpoint


def test_what_needs_no_hint_has_none(scripted: Callable[..., ScriptedServer], ours: Any) -> None:
    client = ours(scripted(error(400, "InvalidParameterValueException", "too long.")).url)

    with pytest.raises(exceptions.InvalidParameterValueException) as caught:
        client.list_function_event_invoke_configs(FunctionName="f")

    assert str(caught.value).endswith("operation: too long.")


@pytest.mark.parametrize(
    "response", [{}, {"Error": {}}, {"Error": {"Code": ["x"]}}, {"Error": {"Code": "9" * 5000}}]
)
@pytest.mark.parametrize("kind", [exceptions.ClientError, exceptions.LambdaClientError])
def test_an_error_that_somebody_else_made_can_be_printed(kind: Any, response: Any) -> None:
    assert str(kind(response, "op")).startswith("An error occurred (")


def refused(code: str, message: str) -> exceptions.LambdaClientError:
    return exceptions.LambdaClientError({"Error": {"Code": code, "Message": message}}, "Op")


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (refused("AccessDenied", "Not allowed."), f"operation: Not allowed. {HINTS['AccessDenied']}"),
        (refused("403", "Forbidden"), f"operation: Forbidden. {HINTS[exceptions.NOT_LAMBDA]}"),
        (refused("403", ""), f"operation: {HINTS[exceptions.NOT_LAMBDA]}"),
        (exceptions.ResponseParserError("no page"), f"no page. {HINTS['ResponseParserError']}"),
    ],
)
def test_a_hint_follows_what_was_said_as_a_sentence(raised: Exception, shown: str) -> None:
    assert str(raised).endswith(shown)


def test_an_error_without_a_word_is_shown_without_one() -> None:
    assert str(exceptions.ResponseTooLargeError("")) == ""


def test_each_hint_is_of_an_error_that_there_is() -> None:
    situations = {name for name in HINTS if hasattr(exceptions, name) or " " in name}
    codes = {name for name in HINTS if name not in situations}
    providers = {getattr(kind, "METHOD", None) for kind in vars(botocore.credentials).values()}
    assert {code for code in codes if not code.endswith("Exception")} - providers == {
        "407",
        "AccessDenied",  # STS's names of the same
        "ExpiredToken",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    }
