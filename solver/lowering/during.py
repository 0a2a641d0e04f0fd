"""Lowering of rules that speak of migrations."""

from __future__ import annotations

from zonewright.models.rules import KeepRunning, MoveLimit
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.moving import Leaving


def keep_running(ctx: Context, rule: KeepRunning, label: str, layer: Layer | None) -> None:
    """Nothing: a placement cannot break it, only the way there can."""


def move_limit(ctx: Context, rule: MoveLimit, label: str, layer: Layer | None) -> None:
    """At most so many leave where they are. Between the hosts of a pool moves are not seen: a relaxation."""
    if layer is None or layer.event:
        return
    if ctx.pooled:
        ctx.relaxed.add(label)
    columns: list[int] = []
    current: list[int] = []
    gone = 0
    for cls in ctx.classes:
        here: dict[int, int] = {}
        for site, count in cls.current.items():
            place = ctx.place_of.get(site, -1)
            here[place] = here.get(place, 0) + count
        for place, count in here.items():
            column = layer.cells[cls.index].get(place)
            if column is None:
                gone += count
            else:
                columns.append(column)
                current.append(count)
    ctx.add(Leaving(ctx.tag(rule, label), tuple(columns), tuple(current), rule.most - gone))
