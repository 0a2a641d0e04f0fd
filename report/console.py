"""Where tables go: markup is never read from data, and piped tables are as wide as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zonewright.models.problems import printable

_WIDE = 2_000
_MOST_LETTERS = 120


def stdout_console() -> Console:
    """Return a console on stdout. Where stdout is no terminal lines are not wrapped or cut."""
    width = None if sys.stdout.isatty() else _WIDE
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False, width=width)


def stderr_console() -> Console:
    """Return a console on stderr."""
    return Console(file=sys.stderr, markup=False, emoji=False, highlight=False)


def print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], most: int = 100
) -> None:
    """Print a table under its title, nothing where it has no rows, and how many more rows there are.

    Columns whose name ends in `>` are flushed right (and lose it).
    """
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(Text(name.removesuffix(">")), justify="right" if name.endswith(">") else "left")
    for row in rows[:most]:
        table.add_row(*(cell(value) for value in row))
    console.print(Text(title, style="bold"))
    console.print(table)
    if len(rows) > most:
        console.print(Text(f" … and {len(rows) - most:,} more"))
    console.print()


def cell(value: object) -> Text:
    """Return a value as a cell: nothing for None, control characters made visible."""
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("")
    return Text(printable(f"{value:,}" if isinstance(value, int) else str(value), _MOST_LETTERS))


def lines(console: Console, title: str, entries: Sequence[str], most: int = 20) -> None:
    """Print a list under a title, nothing where it is empty, and how many more there are."""
    if not entries:
        return
    console.print(Text(title, style="bold"))
    for entry in entries[:most]:
        console.print(Text(f"  - {printable(entry, 500)}"), soft_wrap=True)
    if len(entries) > most:
        console.print(Text(f"  … and {len(entries) - most:,} more"))
    console.print()
