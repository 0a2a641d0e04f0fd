"""Lowering of latency limits and synchronous replication."""

from __future__ import annotations

from collections.abc import Mapping

from zonewright.models.quantities import to_latency
from zonewright.models.rules import LatencyLimit, SynchronousReplicas
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.base import Columns
from zonewright.solver.families.company import Excludes, Quorum
from zonewright.solver.families.sums import Sum


def latency(ctx: Context, rule: LatencyLimit, label: str, layer: Layer | None) -> None:
    """Pairs in use, a quorum around its leader, or a replica near every client location."""
    if layer is None or (layer.event and (rule.soft is not None or not rule.under_failure)):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    if rule.between is not None:
        _pairs(ctx, rule, label, layer, rule.between[0], rule.between[1])
        return
    group = rule.quorum or rule.clients or ""
    if not ctx.world.groups[group].count or not ctx.whole(layer, [group]):
        return
    used = ctx.by_domain(layer, [group], rule.level)
    one = _quorum if rule.quorum is not None else _clients
    one(ctx, rule, label, group, used, ctx.when(group), layer.lost)
    if rule.under_failure and not layer.event:
        for gone, columns in used.items():
            rest = {node: c for node, c in used.items() if node != gone}
            one(ctx, rule, label, group, rest, columns, frozenset(ctx.world.tree.sites_under[gone]))


def _within(ctx: Context, rule: LatencyLimit, a: int, b: int) -> bool:
    found = ctx.world.latency(a, b)
    return found is not None and found <= to_latency(rule.limit_ms)


def _pairs(ctx: Context, rule: LatencyLimit, label: str, layer: Layer, one: str, other: str) -> None:
    left = ctx.by_domain(layer, [one], rule.level)
    right = ctx.by_domain(layer, [other], rule.level)
    for a, columns in left.items():
        for b, others in right.items():
            if (one == other and b < a) or _within(ctx, rule, a, b):
                continue
            tag = ctx.tag(
                rule, label, one, a, f"{other} in {ctx.world.tree.nodes[b].id} is beyond {rule.limit_ms:g} ms"
            )
            ctx.add(Excludes(tag, columns, others, soften=ctx.soften(rule.soft)))


def _quorum(
    ctx: Context,
    rule: LatencyLimit,
    label: str,
    group: str,
    used: Mapping[int, Columns],
    when: Columns | None,
    lost: frozenset[int],
) -> None:
    majority = ctx.world.groups[group].count // 2 + 1
    leaders = []
    tree = ctx.world.tree
    named = tree.by_id[rule.leader] if rule.leader is not None else None
    if named is not None and lost.issuperset(tree.sites_under[named]):
        named = None
    for leader, own in used.items():
        if named is not None and leader != named:
            continue
        near = tuple(j for node, columns in used.items() if _within(ctx, rule, leader, node) for j in columns)
        leaders.append((own, near))
    text = f"a majority of {majority} within {rule.limit_ms:g} ms of the leader"
    tag = ctx.tag(rule, label, group, None, text)
    ctx.add(Quorum(tag, tuple(leaders), majority, soften=ctx.soften(rule.soft), when=when))


def _clients(
    ctx: Context,
    rule: LatencyLimit,
    label: str,
    group: str,
    used: Mapping[int, Columns],
    when: Columns | None,
    lost: frozenset[int],
) -> None:
    limit = to_latency(rule.limit_ms)
    for location in rule.locations or list(ctx.world.groups[group].clients):
        near: list[int] = []
        for node, columns in used.items():
            time = ctx.world.client_latency(location, node)
            if time is not None and time <= limit:
                near.extend(columns)
        tag = ctx.tag(rule, label, group, None, f"a replica within {rule.limit_ms:g} ms of {location}")
        # One missing location counts 1, however many replicas would be welcome there.
        ctx.add(Sum(tag, tuple(near), (1,) * len(near), low=1, soften=ctx.soften(rule.soft), when=when))


def synchronous_replicas(ctx: Context, rule: SynchronousReplicas, label: str, layer: Layer | None) -> None:
    """No two domains in use whose network is not known to be fit."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    for group in rule.selected(ctx.world):
        used = ctx.by_domain(layer, [group], rule.level)
        nodes = list(used)
        for position, a in enumerate(nodes):
            for b in nodes[position + 1 :]:
                if ctx.world.link(a, b, "synchronous") is not True:
                    tag = ctx.tag(
                        rule, label, group, a, f"no synchronous replication to {ctx.world.tree.nodes[b].id}"
                    )
                    ctx.add(Excludes(tag, used[a], used[b], soften=ctx.soften(rule.soft)))
