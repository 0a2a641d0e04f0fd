"""The estates that ship, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from zonewright.report.console import print_table

if TYPE_CHECKING:
    from zonewright.instances import ShippedEstate


def print_estates(console: Console, estates: Sequence[ShippedEstate]) -> None:
    """Print one row per estate: name, what it is, how large, whether everything can be placed."""
    rows = [
        (entry.name, entry.title, entry.instances, entry.hosts or None, "yes" if entry.feasible else "no")
        for entry in estates
    ]
    columns = ["name", "what it is", "instances>", "hosts>", "feasible"]
    print_table(console, "Estates that ship", columns, rows)
    console.print(Text("zonewright place NAME solves one; its file opens with its story and what is hard in it."))
