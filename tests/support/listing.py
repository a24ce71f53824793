"""How a test lists, and what it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import lambda_event_invoke_configs as eic

LIST = "list_function_event_invoke_configs"

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


def paginate(client: Any, name: str = "f", **config: Any) -> Any:
    """A client's pages of a function; `config` is the `PaginationConfig`."""
    told = {"PaginationConfig": config} if config else {}
    return client.get_paginator(LIST).paginate(FunctionName=name, **told)


def list_page(client: Any, name: str = "f", **params: Any) -> Any:
    return client.list_function_event_invoke_configs(**{"FunctionName": name, **params})


def list_arns(client: Any, name: str = "f") -> list[str]:
    """Of the first page."""
    return arns(list_page(client, name))


def arns(found: Any) -> list[str]:
    """Of a page, or of a list of configurations."""
    configurations = found["FunctionEventInvokeConfigs"] if isinstance(found, Mapping) else found
    return [configuration["FunctionArn"] for configuration in configurations]


def names(number: int, prefix: str = "f") -> Iterator[str]:
    return (f"{prefix}-{n}" for n in range(number))


class Taken:
    """Names, of which it is known how many were taken."""

    def __init__(self, names: Iterator[str]) -> None:
        self._names = names
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for name in self._names:
            self.number += 1
            yield name


def by_name(outcomes: Iterator[eic.FunctionOutcome]) -> dict[str, eic.FunctionOutcome]:
    found = list(outcomes)
    assert len({outcome.function_name for outcome in found}) == len(found)
    return {outcome.function_name: outcome for outcome in found}
