"""What pools of equal hosts can still say of rules on the levels below them."""

from __future__ import annotations

from zonewright.models.rules import Rule
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.sums import Sum


def relaxed_limit(
    ctx: Context, rule: Rule, label: str, layer: Layer, group: str, level: str, at_most: int
) -> None:
    """At most so many of a group per domain: of a pool or a zone, that many times its domains."""
    if label in ctx.tolerance.labels:
        return
    pools: dict[int, list[int]] = {}
    zones: dict[int, list[int]] = {}
    rooms: dict[int, list[frozenset[int | None]]] = {}
    for place, column in ctx.cells(layer, group):
        zone = ctx.world.zone_of(ctx.places[place].site)
        pools.setdefault(place, []).append(column)
        zones.setdefault(zone, []).append(column)
        rooms.setdefault(zone, []).append(ctx.domains_within(place, level, layer))
    for place, columns in pools.items():
        room = len(ctx.domains_within(place, level, layer)) * at_most
        zone = ctx.world.zone_of(ctx.places[place].site)
        tag = ctx.tag(rule, label, group, zone, f"at most {at_most} per {level}")
        ctx.add(Sum(tag, tuple(columns), (1,) * len(columns), high=room))
    for zone, columns in zones.items():
        room = ctx.number_of(rooms[zone]) * at_most
        tag = ctx.tag(rule, label, group, zone, f"at most {at_most} per {level}")
        ctx.add(Sum(tag, tuple(columns), (1,) * len(columns), high=room))
