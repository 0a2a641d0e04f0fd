"""Lowering of rules that speak of migrations."""

from __future__ import annotations

from zonewright.models.rules import Avoid, KeepRunning, MoveLimit
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.company import NotAll
from zonewright.solver.families.moving import MostLeaving
from zonewright.solver.lowering.moves import homes


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
    places = tuple(place for cls in ctx.classes for place in homes(ctx, layer, cls))
    ctx.add(MostLeaving(ctx.tag(rule, label), (places,), rule.most))
