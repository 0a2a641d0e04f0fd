"""Lowering of spread: least and most domains, least in each, skew, share."""

from __future__ import annotations

from zonewright.models.quantities import as_fraction
from zonewright.models.rules import Spread
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.base import Columns
from zonewright.solver.families.company import DomainCount
from zonewright.solver.families.spread import Skew
from zonewright.solver.families.sums import Sum


def spread(ctx: Context, rule: Spread, label: str, layer: Layer | None) -> None:
    """Each group by itself; a group that is not placed at all asks for nothing."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    for group in ctx.whole(layer, rule.selected(ctx.world)):
        if ctx.world.groups[group].count:
            _of_group(ctx, rule, label, layer, group)


def _of_group(ctx: Context, rule: Spread, label: str, layer: Layer, group: str) -> None:
    used = ctx.by_domain(layer, [group], rule.level)
    sets = tuple(used.values())
    when, soften = ctx.when(group), ctx.soften(rule.soft)
    if rule.least_domains is not None and not layer.event:
        text = f"in at least {rule.least_domains} {rule.level}s"
        tag = ctx.tag(rule, label, group, None, text, "domains")
        ctx.add(DomainCount(tag, sets, least=rule.least_domains, soften=soften, when=when))
    most = [m for m in (rule.most_domains, 1 if rule.shape == "single" else None) if m is not None]
    if most:
        tag = ctx.tag(rule, label, group, None, f"in at most {min(most)} {rule.level}s", "domains")
        ctx.add(DomainCount(tag, sets, most=min(most), soften=soften))
    if rule.largest_share is not None:
        _share(ctx, rule, label, layer, group, used)
    skew = [k for k in (rule.skew, {"even": 1, "balanced": 0}.get(rule.shape)) if k is not None]
    if rule.least_each is None and not skew:
        return
    eligible = ctx.eligible(group, rule.level, layer)
    if rule.least_each is not None:
        for node in eligible:
            columns = used.get(node, ())
            at = ctx.tag(rule, label, group, node, f"at least {rule.least_each} in each {rule.level}")
            ones = (1,) * len(columns)
            ctx.add(Sum(at, columns, ones, low=rule.least_each, soften=soften, when=when))
    if skew:
        known = None
        if not ctx.partial and layer.constant and set(used) <= set(eligible):
            known = ctx.world.groups[group].count
        tag = ctx.tag(rule, label, group, None, f"a skew of at most {min(skew)} over {rule.level}s", "skew")
        counted = tuple(used.get(node, ()) for node in eligible)
        ctx.add(Skew(tag, counted, min(skew), soften=soften, count=known))


def _share(ctx: Context, rule: Spread, label: str, layer: Layer, group: str, used: dict[int, Columns]) -> None:
    """count <= ceil(share x placed), with the placed count a sum when instances may stay unplaced."""
    share = as_fraction(rule.largest_share or 0)
    soften = ctx.soften(rule.soft)
    everything = ctx.columns(layer, group)
    for node, columns in used.items():
        text = f"at most {float(share):g} of the group in one {rule.level}"
        tag = ctx.tag(rule, label, group, node, text)
        if not ctx.partial and layer.constant:
            limit = -(-share * ctx.world.groups[group].count // 1)
            ctx.add(Sum(tag, columns, (1,) * len(columns), high=int(limit), soften=soften))
            continue
        own = set(columns)
        parts, whole = share.numerator, share.denominator
        values = tuple((whole if j in own else 0) - parts for j in everything)
        ctx.add(Sum(tag, everything, values, high=whole - 1, soften=soften, unit=whole))
