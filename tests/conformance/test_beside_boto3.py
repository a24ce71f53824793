"""The same calls through boto3 and through this library give equal pages, equal tokens, equal errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from listing import LIST, paginate
from servers import Raw, ScriptedServer
from texts import boto3s

from lambda_event_invoke_configs.local import LocalLambda

Scripted = Callable[..., ScriptedServer]

RESULT_KEY = "FunctionEventInvokeConfigs"
CONFIGS = [
    {},
    {"PageSize": 35},
    {"PageSize": "10", "MaxItems": "25"},
    *({"MaxItems": n, "PageSize": 50} for n in (0, 49, 50, 51, 120, 121)),
    *({"MaxItems": n, "PageSize": 35} for n in (34, 35, 119)),
]


def run(client: Any, name: str = "my-function", **config: Any) -> dict[str, Any]:
    """Everything that can be seen of one listing."""
    paginator = client.get_paginator(LIST)

    def listing() -> Any:
        return paginator.paginate(FunctionName=name, PaginationConfig=config)

    pages = listing()
    seen = [without_ids(page) for page in pages]
    (iterator,) = listing().result_key_iters()
    return {
        "pages": seen,
        "token": pages.resume_token,
        "full": listing().build_full_result(),
        "search": list(listing().search("FunctionEventInvokeConfigs[].[FunctionArn, LastModified]")),
        "lengths": list(listing().search("length(FunctionEventInvokeConfigs)")),
        "items": list(iterator),
    }


def without_ids(page: dict[str, Any]) -> dict[str, Any]:
    headers = page["ResponseMetadata"]["HTTPHeaders"]
    assert page["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]
    assert headers.keys() == {"server", "date", "content-type", "content-length", "x-amzn-requestid"}
    del page["ResponseMetadata"]["RequestId"], headers["x-amzn-requestid"], headers["date"]
    return page


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_pages_results_and_tokens_are_equal(
    lam: LocalLambda, shells: Any, theirs: Any, config: dict[str, Any]
) -> None:
    expected = run(theirs(**lam.client_options), **config)
    for client in shells(**lam.client_options):
        assert run(client, **config) == expected


def test_a_function_without_configurations_is_listed_alike(
    lam: LocalLambda, shells: Any, theirs: Any
) -> None:
    for config in CONFIGS[:3]:
        expected = run(theirs(**lam.client_options), "none", **config)
        for client in shells(**lam.client_options):
            assert run(client, "none", **config) == expected


@pytest.mark.parametrize("first_limit", [0, 1, 49, 50, 51, 119])
def test_a_token_of_either_resumes_in_the_other(
    lam: LocalLambda, shells: Any, theirs: Any, first_limit: int
) -> None:
    boto3s_client = theirs(**lam.client_options)
    pairs = [(client, boto3s_client) for client in shells(**lam.client_options)]
    for first, second in [*pairs, *(pair[::-1] for pair in pairs)]:
        head = full(first, MaxItems=first_limit)
        middle = full(second, MaxItems=30, StartingToken=head["NextToken"])
        tail = full(first, StartingToken=middle["NextToken"]) if "NextToken" in middle else {}
        configs = [config for part in (head, middle, tail) for config in part.get(RESULT_KEY, [])]
        assert [int(config["FunctionArn"].rsplit(":", 1)[1]) for config in configs] == list(range(1, 121))


@pytest.mark.parametrize("token", ["None", "None___5", "bTUwL215LWZ1bmN0aW9u", "NTAvbXktZnVuY3Rpb24="])
def test_old_tokens_and_bare_markers_mean_the_same(
    lam: LocalLambda, shells: Any, theirs: Any, token: str
) -> None:
    for config in ({}, {"MaxItems": 60}):
        expected = outcome(theirs(**lam.client_options), token, config)
        for client in shells(**lam.client_options):
            assert outcome(client, token, config) == expected


def full(client: Any, **config: Any) -> Any:
    return paginate(client, "my-function", **config).build_full_result()


def outcome(client: Any, token: str, config: dict[str, int]) -> Any:
    try:
        return full(client, StartingToken=token, **config)
    except Exception as raised:
        return type(raised).__name__, boto3s(raised)


PARAMS: list[dict[str, Any]] = [
    {"FunctionName": "nope"},
    {"FunctionName": "nope:$LATEST"},
    {"FunctionName": "my-function", "MaxItems": 51},
    {"FunctionName": "my-function", "Marker": "x"},
    {"FunctionName": "my-function", "Marker": ""},
    {},
    {"FunctionName": ""},
    {"FunctionName": 5, "MaxItems": "x", "Foo": 1},
]


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_errors_of_the_operation_are_equal(
    lam: LocalLambda, shells: Any, theirs: Any, params: dict[str, Any]
) -> None:
    expected = failure(theirs(**lam.client_options), params)
    for client in shells(**lam.client_options):
        assert failure(client, params) == expected


def failure(client: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Everything that can be seen of an error."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
        client.list_function_event_invoke_configs(**params)
    raised = caught.value
    response = getattr(raised, "response", None)
    if response:
        headers = response["ResponseMetadata"]["HTTPHeaders"]
        for name in ("date", "x-amzn-requestid"):
            headers.pop(name, None)
        response["ResponseMetadata"].pop("RequestId", None)
    return {
        "class": type(raised).__name__,
        "text": boto3s(raised),
        "response": response,
        "operation": getattr(raised, "operation_name", None),
        "modeled": [
            name
            for name in (
                "ClientError",
                "ServiceException",
                "ResourceNotFoundException",
                "InvalidParameterValueException",
                "TooManyRequestsException",
            )
            if isinstance(raised, getattr(client.exceptions, name))
        ],
    }


def test_connection_errors_are_equal(scripted: Scripted, ours: Any, theirs: Any) -> None:
    nobody = "http://127.0.0.1:9"
    assert failure(ours(nobody), {"FunctionName": "f"}) == failure(theirs(nobody), {"FunctionName": "f"})

    seen = []
    for make in (ours, theirs):
        server = scripted(*[Raw(b"")] * 3)
        seen.append(failure(make(server.url), {"FunctionName": "f"}))
        seen[-1]["text"] = seen[-1]["text"].replace(server.url, "")
    assert seen[0] == seen[1]
