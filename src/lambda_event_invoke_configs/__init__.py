"""A Lambda function's asynchronous-invocation settings, page by page, without boto3.

    import lambda_event_invoke_configs as eic

    client = eic.client("lambda", region_name="us-east-1")
    paginator = client.get_paginator("list_function_event_invoke_configs")
    for page in paginator.paginate(FunctionName="my-function"):
        for config in page["FunctionEventInvokeConfigs"]:
            print(config["FunctionArn"])

Importing this package loads no other package. Public names are imported lazily, on first use (PEP 562): the
first client imports httpx and botocore; `exceptions` and `Config` import botocore.

Public names are in this module and in `exceptions`, `types` and `local`. Names that begin with an underscore
are private. A package imports only from the packages below it:

    _cli                the command
    _sync     _async    the two clients: all waiting and all I/O
    _client   local     code that both clients share; LocalLambda, an endpoint for tests
    _protocol           one call, one pass over the pages: decisions, no I/O
    _settings           the client's settings: arguments, environment, profile, credentials
    exceptions  types   exceptions; TypedDicts for annotations

A vendored copy may omit _cli, _sync, _async and local (docs/vendoring.md). docs/architecture.md follows one
page through the packages.
"""

from __future__ import annotations

from importlib import import_module
from importlib.machinery import PathFinder

from ._version import __version__

# Type checkers recognize the name; importing it from typing takes ten times as long as this module. jedi does
# not recognize it: it reads the imports below because `bool` hides that the value is False.
TYPE_CHECKING: bool = False

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
    "exceptions": "exceptions",
    "types": "types",
}
_OPTIONAL = ("_async", "_sync", "local")  # a vendored copy may omit them (docs/vendoring.md)

if not TYPE_CHECKING:
    _LEFT_OUT = {part for part in _OPTIONAL if not PathFinder.find_spec(f"{__name__}.{part}", __path__)}
    __all__ = [name for name in __all__ if _MODULE_OF.get(name, "").partition(".")[0] not in _LEFT_OUT]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_MODULE_OF[name]}", __name__)
    value: object = module if _MODULE_OF[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
