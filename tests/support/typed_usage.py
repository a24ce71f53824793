"""Code that was annotated for boto3, with types-boto3-lambda, and is now handed this library's objects.

It is never run: `tests/test_types.py` has type checkers read it. One function is one promise.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

import botocore.config
import botocore.exceptions
from types_boto3_lambda import LambdaClient
from types_boto3_lambda.type_defs import (
    DestinationConfigTypeDef,
    FunctionEventInvokeConfigTypeDef,
    ListFunctionEventInvokeConfigsRequestPaginateTypeDef,
    ListFunctionEventInvokeConfigsRequestTypeDef,
    ListFunctionEventInvokeConfigsResponseTypeDef,
    PaginatorConfigTypeDef,
    ResponseMetadataTypeDef,
)
from typing_extensions import Unpack

import lambda_event_invoke_configs as eic

Operation = Literal["list_function_event_invoke_configs"]


# What the code asks for: as little as it needs.


class Paginator(Protocol):
    def paginate(self, *, FunctionName: str) -> Iterable[Mapping[str, Any]]: ...  # noqa: N803 - AWS's name


class AnyPaginator(Protocol):
    @property
    def paginate(self) -> Callable[..., Iterable[Any]]: ...


class TypedPaginator(Protocol):
    def paginate(
        self,
        *,
        FunctionName: str,  # noqa: N803 - AWS's name
        PaginationConfig: PaginatorConfigTypeDef = ...,  # noqa: N803
    ) -> Iterable[Mapping[str, Any]]: ...


class Pageable(Protocol):
    def get_paginator(self, operation_name: Operation, /) -> Paginator: ...


class Lists(Protocol):
    def list_function_event_invoke_configs(
        self, **kwargs: Unpack[ListFunctionEventInvokeConfigsRequestTypeDef]
    ) -> Mapping[str, Any]: ...


class AsyncPaginator(Protocol):
    @property
    def paginate(self) -> Callable[..., AsyncIterable[Any]]: ...


class AsyncPageable(Protocol):
    def get_paginator(self, operation_name: Operation, /) -> AsyncPaginator: ...


class AsyncLists(Protocol):
    async def list_function_event_invoke_configs(
        self, **kwargs: Unpack[ListFunctionEventInvokeConfigsRequestTypeDef]
    ) -> Mapping[str, Any]: ...


def reads_a_configuration(config: FunctionEventInvokeConfigTypeDef) -> str:
    return config.get("FunctionArn", "")


def reads_configurations(configs: list[FunctionEventInvokeConfigTypeDef]) -> int:
    return len(configs)


def reads_destinations(destinations: DestinationConfigTypeDef) -> str:
    return destinations.get("OnFailure", {}).get("Destination", "")


def reads_metadata(metadata: ResponseMetadataTypeDef) -> int:
    return metadata["HTTPStatusCode"]


def reads_a_page(page: ListFunctionEventInvokeConfigsResponseTypeDef) -> int:
    return reads_configurations(page["FunctionEventInvokeConfigs"])


def lists(client: Lists) -> object:
    return client.list_function_event_invoke_configs(FunctionName="f", MaxItems=5).get("NextMarker")


def pages_of(client: Pageable) -> Iterable[Mapping[str, Any]]:
    return client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="f")


def takes_a_paginator(paginator: Paginator) -> None: ...


def takes_any_paginator(paginator: AnyPaginator) -> None: ...


def takes_a_typed_paginator(paginator: TypedPaginator) -> None: ...


def takes_an_async_client(client: AsyncPageable) -> None: ...


def takes_an_async_paginator(paginator: AsyncPaginator) -> None: ...


def takes_an_async_lister(client: AsyncLists) -> None: ...


# What it is handed.


def boto3s_client_is_what_these_protocols_ask_for(client: LambdaClient) -> None:
    lists(client)
    pages_of(client)
    takes_any_paginator(client.get_paginator("list_function_event_invoke_configs"))
    takes_a_typed_paginator(client.get_paginator("list_function_event_invoke_configs"))


def our_client_is_a_client(client: eic.Client) -> None:
    lists(client)
    pages_of(client)


def our_client_made_as_boto3s_is_a_client() -> None:
    config = botocore.config.Config(retries={"mode": "adaptive"})
    lists(eic.client("lambda", region_name="us-east-1", config=config))


def our_paginator_is_a_paginator(client: eic.Client) -> None:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    takes_a_paginator(paginator)
    takes_any_paginator(paginator)


def our_paginator_takes_what_boto3s_takes(client: eic.Client) -> None:
    takes_a_typed_paginator(client.get_paginator("list_function_event_invoke_configs"))


def our_async_client_is_an_async_client(client: eic.AsyncClient) -> None:
    takes_an_async_client(client)
    takes_an_async_lister(client)


def our_async_paginator_is_an_async_paginator(client: eic.AsyncClient) -> None:
    takes_an_async_paginator(client.get_paginator("list_function_event_invoke_configs"))


def our_configurations_are_boto3s(pages: eic.PageIterator) -> None:
    for config in pages.items():
        reads_a_configuration(config)
        reads_destinations(config.get("DestinationConfig", {}))
    reads_configurations(list(pages.items()))
    reads_configurations(pages.build_full_result().get("FunctionEventInvokeConfigs", []))
    for page in pages:
        reads_configurations(page.get("FunctionEventInvokeConfigs", []))


async def our_async_configurations_are_boto3s(pages: eic.AsyncPageIterator) -> None:
    async for config in pages.items():
        reads_a_configuration(config)
    reads_configurations([config async for config in pages.items()])
    reads_configurations((await pages.build_full_result()).get("FunctionEventInvokeConfigs", []))
    async for page in pages:
        reads_configurations(page.get("FunctionEventInvokeConfigs", []))


def the_loop_of_the_readme_needs_no_more_than_with_boto3(client: eic.Client) -> None:
    for page in client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="f"):
        reads_configurations(page["FunctionEventInvokeConfigs"])


def our_pages_are_boto3s(client: eic.Client, pages: eic.PageIterator) -> None:
    reads_a_page(client.list_function_event_invoke_configs(FunctionName="f"))
    for page in pages:
        reads_a_page(page)


async def our_async_pages_are_boto3s(client: eic.AsyncClient, pages: eic.AsyncPageIterator) -> None:
    reads_a_page(await client.list_function_event_invoke_configs(FunctionName="f"))
    async for page in pages:
        reads_a_page(page)


def our_response_metadata_is_boto3s(pages: eic.PageIterator) -> None:
    for page in pages:
        reads_metadata(page["ResponseMetadata"])


def boto3s_pagination_config_is_taken(client: eic.Client, config: PaginatorConfigTypeDef) -> None:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    paginator.paginate(FunctionName="f", PaginationConfig=config)


def boto3s_pagination_parameters_are_taken(
    client: eic.Client, params: ListFunctionEventInvokeConfigsRequestPaginateTypeDef
) -> None:
    client.get_paginator("list_function_event_invoke_configs").paginate(**params)


def a_resume_token_is_a_starting_token(client: eic.Client, pages: eic.PageIterator) -> None:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    paginator.paginate(FunctionName="f", PaginationConfig={"StartingToken": pages.resume_token})
    config: eic.types.PaginatorConfig = {"MaxItems": 5}
    config["StartingToken"] = pages.resume_token
    paginator.paginate(FunctionName="f", PaginationConfig=config)
    client.list_for_function("f", pages.resume_token)


async def a_resume_token_is_a_starting_token_of_the_async_client(
    client: eic.AsyncClient, pages: eic.AsyncPageIterator
) -> None:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    paginator.paginate(FunctionName="f", PaginationConfig={"StartingToken": pages.resume_token})
    await client.list_for_function("f", starting_token=pages.resume_token)


def the_pagination_config_may_have_none_and_strings_of_digits(client: eic.Client) -> None:
    paginator = client.get_paginator("list_function_event_invoke_configs")
    paginator.paginate(FunctionName="f", PaginationConfig=None)
    paginator.paginate(FunctionName="f", PaginationConfig={"MaxItems": None, "PageSize": "20"})


def boto3s_parameters_are_taken(
    client: eic.Client, params: ListFunctionEventInvokeConfigsRequestTypeDef
) -> None:
    client.list_function_event_invoke_configs(**params)


async def boto3s_parameters_are_taken_by_the_async_client(
    client: eic.AsyncClient, params: ListFunctionEventInvokeConfigsRequestTypeDef
) -> None:
    await client.list_function_event_invoke_configs(**params)


def our_errors_are_botocores(client: eic.Client) -> str:
    try:
        client.list_function_event_invoke_configs(FunctionName="f")
    except client.exceptions.ResourceNotFoundException as error:
        reads_an_error(error)
    return ""


def reads_an_error(error: botocore.exceptions.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
