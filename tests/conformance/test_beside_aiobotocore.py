"""aiobotocore and this library against the same server give equal pages and errors.

aiobotocore needs a botocore of its own choice, older than the one beside it here: CI runs this file in
an environment with the extra `test-aiobotocore`. Without aiobotocore there is nothing to compare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from listing import paginate
from servers import Raw, Reply, ScriptedServer, error, page
from texts import boto3s

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.local import LocalLambda

aiobotocore_session = import_module("aiobotocore.session")

KEYS: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "SECRET",
}


def both(use: Callable[[Any], Any], *options: dict[str, Any]) -> list[Any]:
    """What `use(client)` gives with our client, and with aiobotocore's."""

    async def main() -> list[Any]:
        found = []
        mine, others = options if len(options) == 2 else options * 2
        async with eic.AsyncClient(**{**KEYS, **mine}) as client:
            found.append(await use(client))
        async with aiobotocore_session.get_session().create_client("lambda", **{**KEYS, **others}) as client:
            found.append(await use(client))
        return found

    return asyncio.run(main())


def plain(page: dict[str, Any]) -> dict[str, Any]:
    metadata = page["ResponseMetadata"]
    metadata.pop("RequestId", None)
    # Since 1.44, botocore says so of a success too; its header's case is as the server wrote it.
    metadata.pop("MaxAttemptsReached", None)
    for name in ("date", "x-amzn-requestid"):
        metadata["HTTPHeaders"].pop(name, None)
    return page


@pytest.mark.parametrize(
    "config",
    [{}, {"PageSize": 7}, *({"MaxItems": n, "PageSize": 50} for n in (0, 1, 50, 51, 120, 121))],
    ids=str,
)
def test_pages_results_and_tokens_are_equal(lam: LocalLambda, config: dict[str, int]) -> None:
    async def use(client: Any) -> Any:
        pages = paginate(client, "my-function", **config)
        seen = [plain(page) async for page in pages]
        token = pages.resume_token
        listing = paginate(client, "my-function", **config)
        full = await listing.build_full_result()
        listing = paginate(client, "my-function", **config)
        found = [arn async for arn in listing.search("FunctionEventInvokeConfigs[].FunctionArn")]
        return seen, token, full, found

    mine, others = both(use, dict(lam.client_options))
    assert mine == others


@pytest.mark.parametrize(
    "params",
    [
        {"FunctionName": "nope"},
        {"FunctionName": "my-function", "MaxItems": 51},
        {"FunctionName": "my-function", "Marker": "x"},
        {},
        {"FunctionName": 5, "Foo": 1},
    ],
    ids=str,
)
def test_errors_are_equal(lam: LocalLambda, params: dict[str, Any]) -> None:
    async def use(client: Any) -> Any:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
            await client.list_function_event_invoke_configs(**params)
        response = getattr(caught.value, "response", None)
        return type(caught.value).__name__, boto3s(caught.value), response and plain(response)

    mine, others = both(use, dict(lam.client_options))
    assert mine == others


@pytest.mark.parametrize(
    "fault", [Raw(b""), error(500), error(503, "ServiceException")], ids=["closed", "500", "503"]
)
def test_a_failure_in_between_is_retried_by_both(scripted: Callable[..., ScriptedServer], fault: Any) -> None:
    servers = [scripted(fault, page("a")) for _ in range(2)]

    async def use(client: Any) -> Any:
        return plain(await client.list_function_event_invoke_configs(FunctionName="f"))

    mine, others = both(use, *({"endpoint_url": server.url} for server in servers))
    if isinstance(fault, Raw):
        # aiohttp asks again by itself, and aiobotocore does not know of it.
        assert (
            mine["ResponseMetadata"].pop("RetryAttempts"),
            others["ResponseMetadata"].pop("RetryAttempts"),
        ) == (1, 0)
    assert mine == others
    assert [len(server.requests) for server in servers] == [2, 2]


def test_a_cut_body_is_retried_by_both(scripted: Callable[..., ScriptedServer]) -> None:
    """Unlike boto3, aiobotocore notices: aiohttp compares what came with the Content-Length."""
    cut = Reply(200, {"FunctionEventInvokeConfigs": [{"FunctionArn": "a"}]}, cut=90)
    servers = [scripted(cut, page("a")) for _ in range(2)]

    async def use(client: Any) -> Any:
        return plain(await client.list_function_event_invoke_configs(FunctionName="f"))

    mine, others = both(use, *({"endpoint_url": server.url} for server in servers))
    assert mine == others
    assert [len(server.requests) for server in servers] == [2, 2]
