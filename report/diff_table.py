"""What differs between two placements, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from zonewright.report.amounts import value_text
from zonewright.report.clock import span_text
from zonewright.report.console import lines, print_table
from zonewright.report.differences import Difference, Side

MOST_ROWS = 60


def print_difference(console: Console, here: Side, there: Side, found: Difference, currency: str) -> None:
    """Print what differs, most important first."""
    verdict = ("different", "bold yellow") if found.differs else ("the same", "bold green")
    first = Text.assemble((here.name, "bold"), " and ", (there.name, "bold"), ": ", verdict)
    if found.shifts:
        first.append(f", {found.moved:,} instances at another site")
        appear = sum(shift.count for shift in found.shifts if shift.source is None)
        vanish = sum(shift.count for shift in found.shifts if shift.target is None)
        first.append(f", {appear:,} only in the second" if appear else "")
        first.append(f", {vanish:,} only in the first" if vanish else "")
    console.print(first, soft_wrap=True)
    console.print()
    rows = [
        (s.group, s.source or "nowhere", s.target or "nowhere", s.count, ", ".join(s.instances))
        for s in found.shifts
    ]
    columns = ["group", "from", "to", "count>", "instance"]
    print_table(console, "What moves", columns, rows, MOST_ROWS)
    counted = [(*row, f"{row[3] - row[2]:+,}") for row in found.counts]
    columns = ["group", "site", "first>", "second>", "change>"]
    print_table(console, "Instances by group and site, where they differ", columns, counted, MOST_ROWS)
    goals = [
        (
            goal,
            None if a is None else value_text(goal, a, currency),
            None if b is None else value_text(goal, b, currency),
            None if a is None or b is None or a == b else _signed(goal, b - a, currency),
        )
        for goal, a, b in found.goals
    ]
    print_table(console, "Objective", ["goal", "first>", "second>", "change>"], goals)
    figures = [
        (name.replace("_", " ").removesuffix(" s"), _figure(name, a), _figure(name, b))
        for name, a, b in found.figures
    ]
    print_table(console, "Migration", ["", "first>", "second>"], figures)
    if found.rules is None:
        console.print(Text("Rules are not compared: --estate ESTATE says which.\n"), soft_wrap=True)
    else:
        columns = ["rule", "group", "domain", "first>", "second>"]
        print_table(
            console, "Rules broken or missed, by how much, where it differs", columns, found.rules, MOST_ROWS
        )
    columns = ["what", "of", "first", "second"]
    print_table(console, "Networks, where they differ", columns, found.settings, MOST_ROWS)
    if found.retimed:
        console.print(Text(f"{found.retimed:,} steps run at another time\n"), soft_wrap=True)
    lines(console, "Steps of the first only", found.only_here)
    lines(console, "Steps of the second only", found.only_there)


def _signed(goal: str, change: int, currency: str) -> str:
    return ("+" if change > 0 else "") + value_text(goal, change, currency)


def _figure(name: str, value: int | str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return span_text(value) if name in ("makespan_s", "order.makespan") else f"{value:,}"


def difference_document(here: Side, there: Side, found: Difference, currency: str | None) -> dict[str, Any]:
    """Return what differs as a JSON document. Money is in ten-thousandths, as in plans."""
    return {
        "first": {"name": here.name, "kind": here.kind},
        "second": {"name": there.name, "kind": there.kind},
        "differs": found.differs,
        "currency": currency,
        "moved": found.moved,
        "moves": [{**asdict(shift), "instances": list(shift.instances)} for shift in found.shifts],
        "counts": [dict(zip(("group", "site", "first", "second"), row, strict=True)) for row in found.counts],
        "objective": [dict(zip(("goal", "first", "second"), row, strict=True)) for row in found.goals],
        "rules": None
        if found.rules is None
        else [dict(zip(("rule", "group", "domain", "first", "second"), row, strict=True)) for row in found.rules],
        "networks": [dict(zip(("what", "of", "first", "second"), row, strict=True)) for row in found.settings],
        "migration": [dict(zip(("figure", "first", "second"), row, strict=True)) for row in found.figures],
        "retimed": found.retimed,
        "only_first": found.only_here,
        "only_second": found.only_there,
    }
