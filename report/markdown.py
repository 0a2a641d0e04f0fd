"""Pieces of Markdown: names, texts, commands and lists, made so that nothing in the data becomes markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: As many names stand in one line; the rest is in the plan.
MOST_NAMES = 30

#: Marks anywhere; underscores only where a word ends or begins, since others mean nothing.
_MARKS = re.compile(r"([\\`*\[<>|~]|(?<!\w)_|_(?!\w))")
#: What makes a heading or a list of the start of a line.
_START = re.compile(r"^(\s*)([#+=\-]|\d{1,9}[.)](?=\s|$))")
_PLURALS = {"recovery": "recoveries", "loss": "losses"}


def plain(text: object) -> str:
    """Return text that is shown as it is."""
    return _START.sub(_escaped_start, _MARKS.sub(r"\\\1", str(text)))


def _escaped_start(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2][:-1]}\\{match[2][-1]}"


def code(name: str) -> str:
    """Return a name as code. Names hold no backticks, so nothing in one ends it."""
    return f"`{name}`"


def command(text: str, indent: str = "  ") -> list[str]:
    """Return a command as a block of its own, to be copied as it is."""
    ticks = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return ["", f"{indent}{fence}sh", f"{indent}{text}", f"{indent}{fence}", ""]


def names(entries: Sequence[str]) -> str:
    """Return names in a row, and how many more there are."""
    shown = ", ".join(code(entry) for entry in entries[:MOST_NAMES])
    return shown + (f" and {len(entries) - MOST_NAMES:,} more" if len(entries) > MOST_NAMES else "")


def many(count: int, word: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {word if count == 1 else _PLURALS.get(word, f'{word}s')}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a table; cells are Markdown already."""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]
