"""Lowering of anti-affinity, affinity and separation."""

from __future__ import annotations

from zonewright.models.rules import Affinity, AntiAffinity, Separation
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.company import DomainCount, Excludes, Requires
from zonewright.solver.families.sums import Sum
from zonewright.solver.lowering.pools import relaxed_limit


def anti_affinity(ctx: Context, rule: AntiAffinity, label: str, layer: Layer | None) -> None:
    """At most k per domain; of a pool, at most k times its domains."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        if rule.soft is None:
            for group in rule.selected(ctx.world):
                relaxed_limit(ctx, rule, label, layer, group, rule.level, rule.at_most)
        return
    for group in rule.selected(ctx.world):
        for node, columns in ctx.by_domain(layer, [group], rule.level).items():
            tag = ctx.tag(rule, label, group, node, f"at most {rule.at_most} per {rule.level}")
            ones = (1,) * len(columns)
            ctx.add(Sum(tag, columns, ones, high=rule.at_most, soften=ctx.soften(rule.soft)))


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
        text = f"{', '.join(groups)} in one {rule.level}"
        tag = ctx.tag(rule, label, groups[0] if groups else None, None, text)
        ctx.add(DomainCount(tag, sets, most=1, soften=soften))
        return
    where = {group: ctx.by_domain(layer, [group], rule.level) for group in ctx.whole(layer, groups)}
    for other in rule.company:
        company = ctx.by_domain(layer, [other], rule.level)
        for group, domains in where.items():
            for node, columns in domains.items():
                tag = ctx.tag(rule, label, group, node, f"only where {other} is", rule.lacking(other))
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
                tag = ctx.tag(rule, label, one, node, f"{one} and {other} apart")
                ctx.add(Excludes(tag, columns, where[other].get(node, ()), soften=ctx.soften(rule.soft)))
