"""The output formats, which write pages to standard output.

The formats `json` and `table` write one document at the end, also after a failure, so the pages before it are
kept. The formats `jsonl` and `text` write each page as it arrives. Timestamps are ISO 8601 text before
`--query` sees them, as in the AWS CLI: JMESPath has no other way to sort or compare them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Union

from .table import table
from .terminal import printable

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

    from ..types import ListFunctionEventInvokeConfigsResponse

FORMATS = ("json", "jsonl", "text", "table")
_Pick = Callable[[dict[str, Any]], Any]
_Render = Callable[[Any], str]

_SHOWING_THE_TOKEN = ("json", "text")


def output(name: str, query: ParsedResult | None, color: str = "auto") -> Output:
    """The output format of that name, with what `query` finds in place of what arrived.

    color: one of `terminal.COLORS`, for a table.

    Raises ImportError for a table without rich.
    """
    if name == "table":
        import rich  # noqa: F401 - missing now, rather than when all pages were fetched
    # What a query asks for is all that standard output shall hold, so the token is not added to it.
    shows_token = query is None and name in _SHOWING_THE_TOKEN
    pick: _Pick = query.search if query else (_everything if shows_token else _configurations)
    if name == "json":
        return Document(pick, _json, shows_token=shows_token)
    if name == "table":
        return Document(pick, partial(table, color=color), shows_token=shows_token)
    return Stream(pick, _text if name == "text" else _json_lines, shows_token=shows_token)


def query(expression: str) -> ParsedResult:
    """A JMESPath expression, compiled.

    Raises jmespath.exceptions.JMESPathError for one that cannot be used.
    """
    import jmespath
    from jmespath.exceptions import UnknownFunctionError
    from jmespath.functions import Functions

    compiled = jmespath.compile(expression)
    # jmespath itself looks for a function only once it has something to call it with.
    for name in _functions_in(compiled.parsed):
        if name not in Functions.FUNCTION_TABLE:
            raise UnknownFunctionError(f"Unknown function: {name}()")
    return compiled


def _functions_in(node: Any) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions_in(child)


def _everything(shown: dict[str, Any]) -> Any:
    return shown


def _configurations(shown: dict[str, Any]) -> Any:
    return shown.get("FunctionEventInvokeConfigs", [])


def output_members(
    page: ListFunctionEventInvokeConfigsResponse, *, marker: bool, epoch: bool = False
) -> dict[str, Any]:
    """The members of a page that are printed: never ResponseMetadata, NextMarker only with `marker`."""
    names = {"FunctionEventInvokeConfigs", "NextMarker"} if marker else {"FunctionEventInvokeConfigs"}
    return {name: to_json(value, epoch=epoch) for name, value in page.items() if name in names}


def to_json(value: object, *, epoch: bool = False) -> object:
    """The same for JSON: dicts for mappings, ISO 8601 text or, with `epoch`, seconds for timestamps."""
    if isinstance(value, Mapping):
        return {name: to_json(member, epoch=epoch) for name, member in value.items()}
    if isinstance(value, list):
        return [to_json(member, epoch=epoch) for member in value]
    if not isinstance(value, datetime):
        return value
    if not epoch:
        return value.isoformat()
    seconds = value.timestamp()
    return int(seconds) if seconds.is_integer() else seconds


class Document:
    """Writes one document when all is there."""

    def __init__(self, pick: _Pick, render: _Render, *, shows_token: bool) -> None:
        self.shows_token = shows_token
        self._pick = pick
        self._render = render
        self._pages: dict[str, Any] | None = None

    def add(self, page: Mapping[str, Any]) -> None:
        if self._pages is None:
            self._pages = {}
        for name, value in page.items():
            if isinstance(value, list):
                self._pages.setdefault(name, []).extend(value)
            else:
                self._pages[name] = value

    def end(self, token: str | None) -> None:
        if self._pages is None:
            return
        document = {**self._pages, "NextToken": token} if token else self._pages
        sys.stdout.write(self._render(self._pick(document)))


class Stream:
    """Writes each page at once."""

    def __init__(self, pick: _Pick, render: _Render, *, shows_token: bool) -> None:
        self.shows_token = shows_token
        self._pick = pick
        self._render = render

    def add(self, page: dict[str, Any]) -> None:
        sys.stdout.write(self._render(self._pick(page)))
        sys.stdout.flush()

    def end(self, token: str | None) -> None:
        if token and self.shows_token:
            sys.stdout.write(self._render({"NextToken": {"NextToken": token}}))


Output = Union[Document, Stream]


def _json(found: object) -> str:
    return _ascii(json.dumps(found, indent=4)) + "\n"


def _json_lines(found: object) -> str:
    return "".join(map(json_line, found if isinstance(found, list) else [found]))


def json_line(value: object) -> str:
    """A line of JSON."""
    return _ascii(json.dumps(value, separators=(",", ":"))) + "\n"


def _ascii(document: str) -> str:
    # ASCII, unlike in the AWS CLI, to fit a pipe of any encoding. json.dumps leaves one control character
    # unescaped.
    return document.replace("\x7f", r"\u007f")


def _text(found: object) -> str:
    return "".join(f"{line}\n" for line in _text_lines(found))


def _text_lines(value: object, name: str = "", columns: list[str] | None = None) -> Iterator[str]:
    """The lines of the AWS CLI's text format.

    name: the key of the value. columns: each key with a scalar in any member of the list that contains the
    value, so that all lines of the list have the same columns.

    A tab or a line break within a value is escaped, unlike in the AWS CLI: it would start another field or
    line.

    Source: awscli 1.45, `text.py`.
    """
    if isinstance(value, dict):
        yield from _text_of_dict(value, name, columns)
    elif not isinstance(value, list):
        yield _field(value)
    elif any(isinstance(member, dict) for member in value):
        dicts = [member for member in value if isinstance(member, dict)]
        columns = sorted({key for member in dicts for key in member if _is_scalar(member[key])})
        for member in value:
            yield from _text_lines(member, name, columns)
    else:
        scalars = [_field(member) for member in value if _is_scalar(member)]
        if name:
            yield from (f"{_field(name.upper())}\t{scalar}" for scalar in scalars)
        elif scalars:
            yield "\t".join(scalars)
        for member in value:
            if not _is_scalar(member):
                yield from _text_lines(member, name)


def _text_of_dict(value: dict[str, Any], name: str, columns: list[str] | None) -> Iterator[str]:
    if columns is None:
        columns = sorted(key for key in value if _is_scalar(value[key]))
    if columns:
        yield "\t".join([_field(name.upper())] * bool(name) + [_field(value.get(key, "")) for key in columns])
    for key in sorted(value.keys() - {*columns}):
        yield from _text_lines(value[key], key)


def _field(value: object) -> str:
    return printable(str(value))


def _is_scalar(value: object) -> bool:
    return not isinstance(value, (dict, list))
