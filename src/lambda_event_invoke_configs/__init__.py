"""A Lambda function's asynchronous-invocation settings, page by page, without boto3.

    import lambda_event_invoke_configs as eic

    client = eic.client("lambda", region_name="us-east-1")
    paginator = client.get_paginator("list_function_event_invoke_configs")
    for page in paginator.paginate(FunctionName="my-function"):
        for config in page["FunctionEventInvokeConfigs"]:
            print(config["FunctionArn"])

Importing this package loads nothing else: each name below is resolved on first use (PEP 562), and
httpx and botocore are loaded for a client, the latter also for the names that need its exceptions.
"""

from __future__ import annotations

from importlib import import_module

from ._version import __version__

TYPE_CHECKING = False  # type checkers know it by its name; the typing module takes ten times this one's time

if TYPE_CHECKING:
    from . import exceptions, types
    from ._async.client import AsyncClient, AsyncItems, AsyncPageIterator, AsyncPaginator
    from ._client.outcome import FunctionOutcome
    from ._settings.config import Config
    from ._sync.client import Client, Items, PageIterator, Paginator, client
    from .local import LocalLambda

__all__ = [
    "AsyncClient",
    "AsyncItems",
    "AsyncPageIterator",
    "AsyncPaginator",
    "Client",
    "Config",
    "FunctionOutcome",
    "Items",
    "LocalLambda",
    "PageIterator",
    "Paginator",
    "__version__",
    "client",
    "exceptions",
    "types",
]

_MODULE_OF = {
    "AsyncClient": "_async.client",
    "AsyncItems": "_async.client",
    "AsyncPageIterator": "_async.client",
    "AsyncPaginator": "_async.client",
    "Client": "_sync.client",
    "Config": "_settings.config",
    "FunctionOutcome": "_client.outcome",
    "Items": "_sync.client",
    "LocalLambda": "local",
    "PageIterator": "_sync.client",
    "Paginator": "_sync.client",
    "client": "_sync.client",
}


def __getattr__(name: str) -> object:
    if name in {"exceptions", "types"}:
        return import_module(f".{name}", __name__)
    if name in _MODULE_OF:
        value: object = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
