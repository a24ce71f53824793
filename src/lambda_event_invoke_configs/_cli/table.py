"""The output format `table`, drawn by rich.

There is one row for each member of the result, with a column for each nested value, if the terminal is wide
enough. Otherwise there is one record for each: the function's ARN on a separate line, never folded, and one
line for each other value, as in the expanded display of psql. A file or a pipe is as wide as the table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .terminal import in_color, printable, width

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

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
    console = Console(
        file=sys.stdout,
        width=_NO_LIMIT,
        force_terminal=colored,
        color_system="standard" if colored else None,
        highlight=False,
    )
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
    return capture.get()


def _wide_table(names: list[str], rows: list[_Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(header_style=_HEADING_STYLE)
    for name in names:
        drawn.add_column(Text(_heading(name)), overflow="fold", style=_ARN_STYLE if name == _ARN else "")
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
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style=_HEADING_STYLE, width=label_width, overflow="fold")
        grid.add_column(overflow="fold")
        for name in labels:
            if name in row:
                grid.add_row(Text(_heading(name)), Text(row[name]))
        yield Padding(grid, (0, 0, 0, 2 if has_arn else 0), expand=False)


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
