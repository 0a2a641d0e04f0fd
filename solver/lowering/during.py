"""Lowering of rules that speak of migrations."""

from __future__ import annotations

from zonewright.models.rules import Avoid, KeepRunning, MoveLimit
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.company import NotAll
from zonewright.solver.families.moving import Leaving


def keep_running(ctx: Context, rule: KeepRunning, label: str, layer: Layer | None) -> None:
    """Nothing: a placement cannot break it, only the way there can."""


def avoid(ctx: Context, rule: Avoid, label: str, layer: Layer | None) -> None:
    """Not all at once. Domains below the zone that it names are pools of their own, which packing keeps apart."""
    if layer is None or layer.event:
        return
    sets: list[tuple[tuple[int, ...], int]] = []
    for held in rule.together:
        node = ctx.world.tree.by_id[held.domain]
        places = ctx.inside(node)
        if held.outside:
            places = {place.index for place in ctx.places} - places
        meant = [c for c in ctx.classes_of.get(held.group, ()) if held.counts(ctx.classes[c].unit, ctx.world)]
        columns = tuple(j for c in meant for p, j in layer.cells[c].items() if p in places)
        if held.outside:
            columns += tuple(ctx.unplaced[c] for c in meant if c in ctx.unplaced)
        sets.append((columns, held.count))
    first = rule.together[0]
    ctx.add(NotAll(ctx.tag(rule, label, first.group), tuple(sets)))


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
