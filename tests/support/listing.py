"""How a test lists, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPERATION = "list_function_event_invoke_configs"

# What a client has to encode on the way: each is a function's name somewhere in a test.
ODD_NAMES = [
    "my-function",
    "arn:aws:lambda:us-west-2:123456789012:function:my-function",
    "my-fn:$LATEST",
    "a b/c?d#e",
    "..",
    ".",
    "../../secret",
    "é",
    "日本",
    "-._~%41+&=;,'\"()*!@",
    "//",
    "\r\nX: y",
]


def pages(client: Any, name: str = "my-function", **config: Any) -> Any:
    """A client's pages of a function; `config` is the `PaginationConfig`."""
    return client.get_paginator(OPERATION).paginate(FunctionName=name, PaginationConfig=config)


def one_page(client: Any, name: str = "my-function", **params: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName=name, **params)


def arns(page: Mapping[str, Any]) -> list[str]:
    return [config["FunctionArn"] for config in page["FunctionEventInvokeConfigs"]]
