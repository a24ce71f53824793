"""The output of one function: its formats, and the AWS CLI's settings for them.

The formats `json` and `table` write one document at the end, also after a failure, so the pages before it are
kept. The formats `jsonl` and `text` write each page as it arrives. Timestamps are ISO 8601 text before
`--query` sees them, as in the AWS CLI: JMESPath has no other way to sort or compare them.

The format `table` has one row for each member of the result, with a column for each nested value, if the
terminal is wide enough. Otherwise it has one record for each member, as in the expanded display of psql: the
function's ARN on a separate line, never folded, then a line for each other value. In a file or a pipe, the
table is as wide as its content. rich draws it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from .terminal import in_color, printable, width

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult
    from rich.console import RenderableType
    from rich.table import Table

    from ..types import ListFunctionEventInvokeConfigsResponse

FORMATS = ("json", "jsonl", "text", "table")
_SHOWING_THE_TOKEN = ("json", "text")
_EPOCH = ("wire", "none")  # two names for one format
_TIMESTAMP_FORMATS = ("iso8601", *_EPOCH)

_Pick = Callable[[dict[str, Any]], Any]
_Render = Callable[[Any], str]


class OutputSettings(NamedTuple):
    """`epoch`: timestamps as the service sends them, in seconds, in place of ISO 8601 text.

    Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
    """

    format: str
    epoch: bool = False


def output_settings(
    explicit_format: str | None, profile_name: str | None, environ: Mapping[str, str]
) -> OutputSettings:
    """The settings, with the format from `explicit_format`, `AWS_DEFAULT_OUTPUT` or the profile.

    Raises InvalidConfigError for a value that cannot be used, ProfileNotFound or ConfigParseError.
    """
    from .._settings.config import invalid_setting
    from .._settings.resolve import Lookup

    lookup = Lookup(environ, profile_name)
    timestamps = lookup.profile("cli_timestamp_format") or _TIMESTAMP_FORMATS[0]
    if timestamps not in _TIMESTAMP_FORMATS:
        raise invalid_setting("cli_timestamp_format in the profile", timestamps, "iso8601, wire or none")
    if explicit_format is None:
        source, found = "AWS_DEFAULT_OUTPUT", lookup.env("AWS_DEFAULT_OUTPUT")
        if found is None:
            source, found = "output in the profile", lookup.profile("output")
        explicit_format = found or FORMATS[0]
        if explicit_format not in FORMATS:
            allowed = f"one of {', '.join(FORMATS)}; or use --output"
            raise invalid_setting(source, explicit_format, allowed)
    return OutputSettings(explicit_format, timestamps in _EPOCH)


def output(name: str, query: ParsedResult | None, color: str = "auto") -> Output:
    """The output format of that name.

    query: the output is the result of this expression.
    color: one of `terminal.COLORS`, for a table.

    Raises ImportError for a table without rich.
    """
    if name == "table":
        import rich  # noqa: F401 - fails now, not after all pages were fetched
    # The output of a query is its result only, without a token.
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
    # jmespath itself looks for a function only when it evaluates the call.
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
    """The value in JSON's types. Timestamps become ISO 8601 text or, with `epoch`, seconds."""
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
    """Writes one document at the end."""

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
            sys.stdout.write(self._render({"NextToken": [token]}))


Output = Union[Document, Stream]


def _json(found: object) -> str:
    return _ascii(json.dumps(found, indent=4)) + "\n"


def _json_lines(found: object) -> str:
    return "".join(map(json_line, found if isinstance(found, list) else [found]))


def json_line(value: object) -> str:
    """A line of JSON."""
    return _ascii(json.dumps(value, separators=(",", ":"))) + "\n"


def _ascii(document: str) -> str:
    # ASCII, unlike in the AWS CLI, to fit a pipe of any encoding. json.dumps() leaves one control character,
    # DEL, unescaped.
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


_ARN = "FunctionArn"
# In this order; all other columns follow.
_HEADINGS = {
    _ARN: "Function ARN",
    "MaximumRetryAttempts": "Retries",
    "MaximumEventAgeInSeconds": "Max age (s)",
    "LastModified": "Modified",
    "DestinationConfig.OnSuccess.Destination": "On success",
    "DestinationConfig.OnFailure.Destination": "On failure",
}
_ORDER = {name: place for place, name in enumerate(_HEADINGS)}
_NO_LIMIT = 1_000_000_000  # columns
_ARN_STYLE = "bold"
_HEADING_STYLE = "cyan"

_Row = dict[str, str]


def table(found: object, *, color: str = "auto") -> str:
    """The result as a table. `color` is one of `terminal.COLORS`."""
    from rich.console import Console
    from rich.text import Text

    rows = [_cells(member) for member in (found if isinstance(found, list) else [found])]
    named = dict.fromkeys(name for row in rows for name in row)
    names = [
        *(name for name in _HEADINGS if name in named),
        *(name for name in named if name not in _HEADINGS),
    ]
    if not names:
        return ""
    colored = in_color(color, sys.stdout)
    console = Console(width=_NO_LIMIT, color_system="standard" if colored else None, no_color=False)
    wide = _wide_table(names, rows)
    needed = console.measure(wide).maximum
    console.width = width(sys.stdout) or needed
    # Captured, because rich ends the process when it writes to a closed pipe.
    with console.capture() as capture:
        if needed <= console.width:
            console.print(wide)
        else:
            for part in _records(names, rows, console.width):
                console.print(part, soft_wrap=isinstance(part, Text))
    # rich fills the lines of a record with spaces.
    return "\n".join(line.rstrip(" ") for line in capture.get().split("\n"))


def _wide_table(names: list[str], rows: list[_Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(header_style=_HEADING_STYLE, show_header=any(names))
    for name in names:
        drawn.add_column(Text(_heading(name)), style=_ARN_STYLE if name == _ARN else "")
    for row in rows:
        drawn.add_row(*(Text(row.get(name, "")) for name in names))
    return drawn


def _records(names: list[str], rows: list[_Row], columns: int) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    has_arn = names[0] == _ARN
    labels = [name for name in names if name != _ARN]
    # The same width in every record. A name from a query may be long.
    label_width = min(max((len(_heading(name)) for name in labels), default=0), columns // 3)
    for number, row in enumerate(rows):
        if number:
            yield Text()
        if _ARN in row:
            yield Text(row[_ARN], _ARN_STYLE)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=_HEADING_STYLE, width=label_width, overflow="fold")
        grid.add_column(overflow="fold")
        for name in labels:
            if name in row:
                grid.add_row(Text(_heading(name)), Text(row[name]))
        yield Padding(grid, (0, 0, 0, 2 if has_arn else 0))


def _heading(name: str) -> str:
    return _HEADINGS.get(name, name)


def _cells(value: Any, name: str = "") -> _Row:
    """A row's cells by column name: dotted for nested members, numbered for lists."""
    if not isinstance(value, (dict, list)):
        return {name: printable(str(value))}
    cells: _Row = {}
    for key, member in value.items() if isinstance(value, dict) else enumerate(value, 1):
        part = printable(str(key))
        cells.update(_cells(member, f"{name}.{part}" if name else part))
    return cells
