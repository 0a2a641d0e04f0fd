"""Lowering of networks: who reaches whom, and room for addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import numpy as np

from zonewright.models.catalogue import Scope
from zonewright.models.quantities import as_fraction
from zonewright.models.resources import Subnet, Vpc
from zonewright.models.rules import NetworkReach, SubnetFit
from zonewright.models.topology import State
from zonewright.models.world import Unit, World
from zonewright.solver.blocks import free_space, room_for
from zonewright.solver.context import Context, Layer, SeatKey
from zonewright.solver.families.addresses import Addresses, Pool
from zonewright.solver.families.company import Requires
from zonewright.solver.families.sums import Sum
from zonewright.solver.lowering.survive import evacuation_layers
from zonewright.solver.rows import Tag


def network(ctx: Context, rule: NetworkReach, label: str, layer: Layer | None) -> None:
    """Regions without a network are closed; callers need somebody to call within reach."""
    if layer is None:
        for profile in ctx.reach.profiles:
            if profile.unit.vpcs:
                nets = [network_at(ctx.world, profile.unit, int(r)) for r in ctx.reach.region_s]
                ctx.reach.block(profile, rule.rule, label, np.array([n is None for n in nets], bool))
        return
    for service in ctx.world.estate.services:
        if service.public:
            continue
        for caller, called in zip(service.chain, service.chain[1:], strict=False):
            targets = ctx.by_region(layer, called)
            anybody = ctx.when(called)
            if not ctx.world.groups[called].count or not ctx.whole(layer, [caller]):
                continue
            for here, guests in ctx.by_region(layer, caller).items():
                hosts = [
                    j
                    for there, c in targets.items()
                    if _reaches(ctx.world, caller, here, called, there)
                    for j in c
                ]
                tag = ctx.tag(rule, label, caller, here, f"reaches {called} over private addresses")
                ctx.add(Requires(tag, guests, tuple(hosts), when=anybody))


def network_at(world: World, unit: Unit, region: int) -> str | None:
    """Return the first of the unit's networks that is in a region and its account."""
    name = world.tree.nodes[region].id
    for vpc_name in unit.vpcs:
        vpc = world.vpcs[vpc_name]
        if (vpc.region is None or vpc.region == name) and (vpc.account is None or vpc.account == unit.account):
            return vpc_name
    return None


def _reaches(world: World, caller: str, here: int, called: str, there: int) -> bool:
    one, other = world.groups[caller], world.groups[called]
    provider = world.networking(one.product or world.default_product)
    accounts = {group.account or world.default_account for group in (one, other)}
    if len(accounts) > 1 and not provider.across_accounts:
        return False

    def networks(names: list[str], region: int) -> set[str]:
        return {n for n in names if world.vpcs[n].region in (None, world.tree.nodes[region].id)}

    mine, theirs = networks(one.vpcs, here), networks(other.vpcs, there)
    if mine & theirs:
        return True
    if provider.peering and any((a, b) in world.peered for a in mine for b in theirs):
        return True
    if here == there:
        return provider.within_region and not (mine and theirs)
    return provider.across_regions or bool(world.link(here, there, "private"))


def subnet(ctx: Context, rule: SubnetFit, label: str, layer: Layer | None) -> None:
    """Addresses per network: fixed subnets, subnets whose zone is chosen, and new ones."""
    if layer is None:
        return
    for vpc in ctx.world.vpcs.values():
        mine = [s for s in ctx.world.subnets.values() if s.vpc == vpc.id]
        if mine or vpc.new_subnet_prefix is not None:
            _of_network(ctx, rule, label, layer, vpc, mine)


def _of_network(ctx: Context, rule: SubnetFit, label: str, layer: Layer, vpc: Vpc, mine: list[Subnet]) -> None:
    world = ctx.world
    classes = [c for c in ctx.classes if vpc.id in c.unit.vpcs]
    zonal = any(world.scope(c.unit.product, "subnet") is Scope.ZONAL for c in classes)
    zones = _zones_of(ctx, vpc)
    if not layer.event:
        _choices(ctx, rule, label, vpc, mine, zones, zonal)
    pools: list[Pool] = []
    allowed: list[tuple[str, int | None]] = []
    for entry in mine:
        room = _room(world, entry)
        if entry.zone is not None:
            pools.append(Pool(room))
            allowed.append((entry.id, world.tree.by_id.get(entry.zone, -1)))
        elif zonal or (entry.id, -1) in ctx.subnet_columns:
            for zone in (*zones, -1):
                column = ctx.subnet_columns.get((entry.id, zone))
                if column is not None:
                    pools.append(Pool(0, (column,), (room,)))
                    allowed.append((entry.id, zone if zone >= 0 else None))
        else:
            pools.append(Pool(room))
            allowed.append((entry.id, None))
    for (name, zone), column in ctx.new_subnet_columns.items():
        if name == vpc.id:
            pools.append(Pool(0, (column,), (_new_room(world, vpc),)))
            allowed.append(("", zone if zone >= 0 else None))
    demands: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for cls in classes:
        by_zone: dict[int, list[int]] = {}
        for place, column in layer.cells[cls.index].items():
            site = ctx.places[place].site
            if network_at(world, cls.unit, world.region_of(site)) == vpc.id:
                by_zone.setdefault(world.zone_of(site), []).append(column)
        for zone, columns in sorted(by_zone.items()):
            fits = tuple(
                k
                for k, (name, at) in enumerate(allowed)
                if at in (None, zone) and (not cls.unit.subnets or name in cls.unit.subnets)
            )
            demands.append((tuple(columns), fits))
    fixed = sum(pool.fixed for pool in pools)
    tag = ctx.tag(rule, label, None, None, f"{fixed} addresses free in the subnets of {vpc.id}", thing=vpc.id)
    names = tuple(name or vpc.id for name, _ in allowed) if ctx.explain else ()
    family = Addresses(tag, tuple(demands), tuple(pools), names)
    ctx.add(family)
    decided = any(key[0] == vpc.id for key in ctx.seat_columns)
    if decided if layer.event else not family.apart and evacuation_layers(world):
        _seats(ctx, tag, layer, vpc, dict(zip(allowed, pools, strict=True)))


def _seats(ctx: Context, tag: Tag, layer: Layer, vpc: Vpc, pools: dict[tuple[str, int | None], Pool]) -> None:
    """Decide who sits where: survivors keep their seats, which matters where some fit more subnets than others."""
    world = ctx.world
    sitting: dict[SeatKey, list[tuple[int, int]]] = {}
    for cls in ctx.classes:
        for place, column in layer.cells[cls.index].items():
            site = ctx.places[place].site
            if vpc.id not in cls.unit.vpcs or network_at(world, cls.unit, world.region_of(site)) != vpc.id:
                continue
            here = sitting.setdefault((vpc.id, cls.unit.subnets, place), [])
            before = ctx.base.cells[cls.index][place]
            if not layer.event:
                here.append((column, 1))
            elif column != before:
                here += [(column, 1), (before, -1)]
    drawing: dict[tuple[str, int | None], list[int]] = {pool: [] for pool in pools}
    for key, terms in sitting.items():
        if layer.event:
            for name, column in ctx.seat_columns[key].items():
                drawing[name].append(column)
        if not terms:
            continue
        zone = world.zone_of(ctx.places[key[2]].site)
        fits = [p for p in pools if p[1] in (None, zone) and (not key[1] or p[0] in key[1])]
        seats = {p: ctx.rows.column(0, sum(ctx.rows.high[j] for j, sign in terms if sign > 0)) for p in fits}
        if not layer.event:
            ctx.seat_columns[key] = seats
        for name, column in seats.items():
            drawing[name].append(column)
        columns = (*(j for j, _ in terms), *seats.values())
        values = (*(sign for _, sign in terms), *(-1 for _ in seats))
        ctx.add(Sum(replace(tag, thing="seats"), columns, values, low=0, high=0))
    for name, pool in pools.items():
        columns = (*drawing[name], *pool.columns)
        values = (*(1 for _ in drawing[name]), *(-e for e in pool.each))
        ctx.add(Sum(replace(tag, thing=name[0] or vpc.id), columns, values, high=pool.fixed))


def _zones_of(ctx: Context, vpc: Vpc) -> list[int]:
    tree = ctx.world.tree
    inside = [z for z in tree.domains_at("zone") if vpc.region in (None, tree.nodes[ctx.world.region_of(z)].id)]
    products = {c.unit.product for c in ctx.classes if vpc.id in c.unit.vpcs}
    shut = (State.COMING_SOON, State.FAILED)
    return [z for z in inside if not products or any(tree.state(z, p) not in shut for p in products)]


def _choices(
    ctx: Context, rule: SubnetFit, label: str, vpc: Vpc, mine: list[Subnet], zones: list[int], zonal: bool
) -> None:
    """Add the columns that say where open and new subnets go, within the network's free space."""
    addressed = {b.subnet for b in ctx.world.balancers.values() if b.internal}
    columns_of: dict[int, list[int]] = {}
    for entry in mine:
        if entry.zone is not None or not (zonal or (entry.prefix is not None and vpc.cidr is not None)):
            continue
        columns = []
        for zone in zones if zonal else [-1]:
            column = ctx.rows.boolean()
            ctx.subnet_columns[entry.id, zone] = column
            columns.append(column)
        tag = ctx.tag(rule, label, None, None, f"a zone for {entry.id}", thing=entry.id)
        # A balancer's address is in it whether or not anybody else is.
        least = 1 if entry.prefix is not None and vpc.cidr is not None and entry.id in addressed else None
        ctx.add(Sum(tag, tuple(columns), (1,) * len(columns), low=least, high=1))
        if entry.prefix is not None:
            columns_of.setdefault(entry.prefix, []).extend(columns)
    if vpc.cidr is None:
        return
    free = free_space(vpc.cidr, [ipaddress.IPv4Network(s.cidr) for s in mine if s.cidr is not None])
    if vpc.new_subnet_prefix is not None:
        sitting = sum(c.count for c in ctx.classes if vpc.id in c.unit.vpcs)
        enough = -(-sitting // max(1, _new_room(ctx.world, vpc)))
        most = min(room_for(free, vpc.new_subnet_prefix), enough)
        for zone in zones if zonal else [-1]:
            column = ctx.rows.column(0, most)
            ctx.new_subnet_columns[vpc.id, zone] = column
            columns_of.setdefault(vpc.new_subnet_prefix, []).append(column)
    for prefix in sorted(columns_of):
        # Aligned blocks fit if and only if, at every size, they take no more than the free blocks that large.
        terms = [(j, 1 << (prefix - p)) for p, columns in columns_of.items() if p <= prefix for j in columns]
        text = f"{room_for(free, prefix)} free blocks /{prefix} in {vpc.id}"
        tag = ctx.tag(rule, label, None, None, text, thing=vpc.id)
        columns, values = [j for j, _ in terms], [v for _, v in terms]
        ctx.add(Sum(tag, tuple(columns), tuple(values), high=room_for(free, prefix)))


def _room(world: World, entry: Subnet) -> int:
    prefix = ipaddress.IPv4Network(entry.cidr).prefixlen if entry.cidr is not None else (entry.prefix or 32)
    kept = _kept(world)
    virtual = len([b for b in world.balancers.values() if b.internal and b.subnet == entry.id])
    return max(0, (1 << (32 - prefix)) - kept - entry.reserved - entry.used - virtual)


def _kept(world: World) -> int:
    found = [c.addressing.reserved_per_subnet for c in world.catalogues if c.addressing is not None]
    return found[-1] if found else 0


def _new_room(world: World, vpc: Vpc) -> int:
    size = (1 << (32 - (vpc.new_subnet_prefix or 32))) - _kept(world)
    return max(0, int(size / (1 + as_fraction(vpc.growth))))
