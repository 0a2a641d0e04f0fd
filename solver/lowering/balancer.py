"""Lowering of load balancers: where backends may be, which zones serve, how many backends there must be."""

from __future__ import annotations

import numpy as np

from zonewright.models.resources import LoadBalancer
from zonewright.models.rules import LoadBalancing
from zonewright.models.topology import State
from zonewright.models.world import World
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.sums import Sum


def load_balancer(ctx: Context, rule: LoadBalancing, label: str, layer: Layer | None) -> None:
    """Reach first, then zones and numbers."""
    if layer is None:
        _reach(ctx, rule, label)
        return
    for balancer in ctx.world.balancers.values():
        if _stays_behind(ctx.world, balancer):
            continue
        if not layer.event:
            _own_zones(ctx, rule, label, balancer)
        _numbers(ctx, rule, label, layer, balancer)


def _stays_behind(world: World, balancer: LoadBalancer) -> bool:
    """Return whether the balancer is in a region that has to be left, by its own word or by its zones."""
    if balancer.region is not None:
        return world.tree.is_left(balancer.region)
    zones = [world.tree.by_id[z] for z in balancer.zones if z in world.tree.by_id]
    regions = [world.tree.at_level(zone, "region") for zone in zones[:1]]
    return any(r is not None and world.tree.is_left(world.tree.nodes[r].id) for r in regions)


def _reach(ctx: Context, rule: LoadBalancing, label: str) -> None:
    """Backends of the wrong kind or account can be nowhere; the others in the balancer's region."""
    world, reach = ctx.world, ctx.reach
    for balancer in world.balancers.values():
        if _stays_behind(world, balancer):
            continue
        kind = world.balancer_kind(balancer.kind)
        owner = balancer.account or world.default_account
        behind = set(balancer.backends)
        for f in sorted({reach.of_unit[u.index] for u in world.units if u.group in behind}):
            profile = reach.profiles[f]
            wrong = kind is not None and profile.unit.product not in kind.binds
            if wrong or profile.unit.account != owner:
                reach.block(profile, rule.rule, label, np.ones(len(reach.sites), bool))
            if balancer.region is not None:
                away = np.array([world.tree.nodes[int(r)].id != balancer.region for r in reach.region_s], bool)
                reach.block(profile, rule.rule, label, away)


def candidates(ctx: Context, balancer: LoadBalancer) -> list[int]:
    """Return the zones that a balancer can serve from."""
    world, tree = ctx.world, ctx.world.tree
    products = {world.groups[g].product or world.default_product for g in balancer.backends} or {
        world.default_product
    }
    held = set(world.accounts[balancer.account or world.default_account].entitlements)
    found = []
    for zone in tree.domains_at("zone"):
        if balancer.region is not None and tree.nodes[world.region_of(zone)].id != balancer.region:
            continue
        if tree.must_leave(zone):
            continue
        if any(tree.state(zone, p) in (State.COMING_SOON, State.FAILED) for p in products):
            continue
        if all(set(tree.nodes[a].domain.requires) <= held for a in tree.nodes[zone].ancestors):
            found.append(zone)
    return found


def _own_zones(ctx: Context, rule: LoadBalancing, label: str, balancer: LoadBalancer) -> None:
    tag = ctx.tag(rule, label, None, None, f"zones for {balancer.id}", "zones", balancer.id)
    possible = candidates(ctx, balancer)
    names = [ctx.world.tree.nodes[z].id for z in possible]
    if balancer.zones:
        if len(set(balancer.zones)) != len(balancer.zones):
            ctx.add(Sum(tag, (), (), low=1))
        for name in balancer.zones:
            if name not in names:
                node = ctx.world.tree.by_id.get(name)
                text = f"{balancer.id} cannot serve from there"
                ctx.add(Sum(ctx.tag(rule, label, None, node, text, thing=balancer.id), (), (), low=1))
    else:
        columns = []
        for zone in possible:
            column = ctx.rows.boolean()
            ctx.balancer_columns[balancer.id, zone] = column
            columns.append(column)
        ones = (1,) * len(columns)
        ctx.add(Sum(tag, tuple(columns), ones, low=balancer.zone_count, high=balancer.zone_count))
    if balancer.internal and balancer.subnet is not None:
        _home(ctx, rule, label, balancer)


def _home(ctx: Context, rule: LoadBalancing, label: str, balancer: LoadBalancer) -> None:
    """The zone of the subnet that holds the balancer's address is one of its zones."""
    subnet = ctx.world.subnets[balancer.subnet or ""]
    text = f"{balancer.id} serves from the zone of {subnet.id}"
    tree = ctx.world.tree
    if subnet.zone is not None:
        if subnet.zone not in tree.by_id:
            return
        homes: list[tuple[int, int | None]] = [(tree.by_id[subnet.zone], None)]
    else:
        homes = [(z, ctx.subnet_columns.get((subnet.id, z))) for z in tree.domains_at("zone")]
    for zone, there in homes:
        if subnet.zone is None and there is None:
            continue
        serves = ctx.balancer_columns.get((balancer.id, zone))
        fixed = tree.nodes[zone].id in balancer.zones
        if fixed:
            continue
        columns = [j for j in (there, serves) if j is not None]
        values = [1 if j == there else -1 for j in columns]
        high = 0 if there is not None else -1
        tag = ctx.tag(rule, label, None, zone, text, thing=balancer.id)
        ctx.add(Sum(tag, tuple(columns), tuple(values), high=high))


def _numbers(ctx: Context, rule: LoadBalancing, label: str, layer: Layer, balancer: LoadBalancer) -> None:
    """Least backends in each serving zone, and in all."""
    tree = ctx.world.tree
    for group in ctx.whole(layer, balancer.backends):
        if not ctx.world.groups[group].count:
            continue
        when = ctx.when(group)
        by_zone = ctx.by_domain(layer, [group], "zone")
        if balancer.least_backends:
            columns = ctx.columns(layer, group)
            text = f"at least {balancer.least_backends} backends of {balancer.id}"
            region = tree.by_id.get(balancer.region) if balancer.region is not None else None
            tag = ctx.tag(rule, label, group, region, text, thing=balancer.id)
            ctx.add(Sum(tag, columns, (1,) * len(columns), low=balancer.least_backends, when=when))
        if not balancer.least_per_zone:
            continue
        for zone in tree.domains_at("zone"):
            if all(site in layer.lost for site in tree.sites_under[zone]):
                continue
            serves = ctx.balancer_columns.get((balancer.id, zone))
            columns = by_zone.get(zone, ())
            text = f"at least {balancer.least_per_zone} backends of {balancer.id} per zone"
            tag = ctx.tag(rule, label, group, zone, text, thing=balancer.id)
            if tree.nodes[zone].id in balancer.zones:
                ctx.add(Sum(tag, columns, (1,) * len(columns), low=balancer.least_per_zone, when=when))
            elif serves is not None:
                values = (*([1] * len(columns)), -balancer.least_per_zone)
                ctx.add(Sum(tag, (*columns, serves), values, low=0, when=when))
