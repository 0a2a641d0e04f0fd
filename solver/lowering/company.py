"""Lowering of anti-affinity, affinity and separation."""

from __future__ import annotations

from zonewright.models.rules import Affinity, AntiAffinity, Separation
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.company import DomainCount, Excludes, Requires
from zonewright.solver.families.sums import Sum


def anti_affinity(ctx: Context, rule: AntiAffinity, label: str, layer: Layer | None) -> None:
    """At most k per domain; of a pool, at most k times its domains."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        if rule.soft is None:
            _relaxed(ctx, rule, label, layer)
        return
    for group in rule.selected(ctx.world):
        for node, columns in ctx.by_domain(layer, [group], rule.level).items():
            tag = ctx.tag(rule, label, group, node)
            ones = (1,) * len(columns)
            ctx.add(Sum(tag, columns, ones, high=rule.at_most, soften=ctx.soften(rule.soft)))


def _relaxed(ctx: Context, rule: AntiAffinity, label: str, layer: Layer) -> None:
    tree = ctx.world.tree
    rooms = [
        len({tree.at_level(s, rule.level) for s in place.sites if s not in layer.lost}) * rule.at_most
        for place in ctx.places
    ]
    by_zone: dict[int, set[int]] = {}
    for place in ctx.places:
        for site in place.sites:
            domain = tree.at_level(site, rule.level)
            if domain is not None and site not in layer.lost:
                by_zone.setdefault(ctx.world.zone_of(site), set()).add(domain)
    for group in rule.selected(ctx.world):
        pools: dict[int, list[int]] = {}
        zones: dict[int, list[int]] = {}
        for place, column in ctx.cells(layer, group):
            pools.setdefault(place, []).append(column)
            zones.setdefault(ctx.world.zone_of(ctx.places[place].site), []).append(column)
        for place, columns in pools.items():
            tag = ctx.tag(rule, label, group, ctx.world.zone_of(ctx.places[place].site))
            ctx.add(Sum(tag, tuple(columns), (1,) * len(columns), high=rooms[place]))
        for zone, columns in zones.items():
            room = len(by_zone.get(zone, ())) * rule.at_most
            ctx.add(Sum(ctx.tag(rule, label, group, zone), tuple(columns), (1,) * len(columns), high=room))


def affinity(ctx: Context, rule: Affinity, label: str, layer: Layer | None) -> None:
    """One domain for all, or company in each."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    groups = rule.selected(ctx.world)
    soften = ctx.soften(rule.soft)
    if rule.to is None:
        sets = tuple(ctx.by_domain(layer, groups, rule.level).values())
        tag = ctx.tag(rule, label, groups[0] if groups else None)
        ctx.add(DomainCount(tag, sets, most=1, soften=soften))
        return
    company = ctx.by_domain(layer, [rule.to], rule.level)
    for group in groups:
        for node, columns in ctx.by_domain(layer, [group], rule.level).items():
            tag = ctx.tag(rule, label, group, node)
            ctx.add(Requires(tag, columns, company.get(node, ()), soften=soften))


def separation(ctx: Context, rule: Separation, label: str, layer: Layer | None) -> None:
    """No pair in one domain."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    groups = list(dict.fromkeys(rule.groups))
    where = {group: ctx.by_domain(layer, [group], rule.level) for group in groups}
    for position, one in enumerate(groups):
        for other in groups[position + 1 :]:
            for node, columns in where[one].items():
                tag = ctx.tag(rule, label, one, node)
                ctx.add(Excludes(tag, columns, where[other].get(node, ()), soften=ctx.soften(rule.soft)))
