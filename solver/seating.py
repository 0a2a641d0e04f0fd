"""Which subnet each instance sits in: a flow per network, done once the sites are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from zonewright.models.world import Unit, World

#: (unit index, site node) to {subnet: count}.
Seating = dict[tuple[int, int], dict[str, int]]


@dataclass(frozen=True)
class Seat:
    """Room for instances in one subnet."""

    subnet: str
    vpc: str
    zone: int | None
    """None: reaches every zone of its region."""
    room: int


def seat_subnets(
    world: World,
    seats: list[Seat],
    sites: dict[int, dict[int, int]],
    network_at: Callable[[World, Unit, int], str | None],
) -> Seating:
    """Seat every instance whose network has subnets; as many as possible keep the seat they have today.

    New subnets are filled one after the other, so that as few as possible are created; subnets whose zone the
    plan chooses only where others do not do, as they have to be made first.

    Raises ArithmeticError when there is no room, which the rows rule out.
    """
    left = {seat.subnet: seat.room for seat in seats}
    demands = _demands(world, seats, sites, network_at)
    seating: Seating = {}
    rest: list[Demand] = []
    for demand in demands:
        own = demand.current
        if own in demand.fits and left[own] >= demand.count:
            left[own] -= demand.count
            of_site = seating.setdefault((demand.unit, demand.site), {})
            of_site[own] = of_site.get(own, 0) + demand.count
        else:
            rest.append(demand)
    fresh = [seat.subnet for seat in seats if seat.subnet not in world.subnets]
    if not fresh and (_flow(_settled(world, seats, rest), left, seating, []) or _flow(rest, left, seating, [])):
        return seating
    # Somebody keeps a seat that another, who fits nowhere else, needs.
    left = {seat.subnet: seat.room for seat in seats}
    seating = {}
    if not _flow(demands, left, seating, fresh, keep=True):
        raise ArithmeticError("no room for all addresses, though the rows counted enough")
    return seating


@dataclass(frozen=True)
class Demand:
    """Instances of one unit at one site that need addresses."""

    unit: int
    site: int
    count: int
    fits: tuple[str, ...]
    """Subnets they may sit in."""
    current: str
    """The subnet they sit in today; empty where that is not known."""


def _settled(world: World, seats: list[Seat], demands: list[Demand]) -> list[Demand]:
    """Return demands that fit only subnets that are in their zone already, where there are any."""
    chosen = {seat.subnet for seat in seats if seat.zone is not None and world.subnets[seat.subnet].zone is None}
    if not chosen:
        return demands
    return [
        replace(demand, fits=tuple(name for name in demand.fits if name not in chosen) or demand.fits)
        for demand in demands
    ]


def _demands(
    world: World,
    seats: list[Seat],
    sites: Mapping[int, Mapping[int, int]],
    network_at: Callable[[World, Unit, int], str | None],
) -> list[Demand]:
    networks = {seat.vpc for seat in seats} | {s.vpc for s in world.subnets.values()}
    zone_of = {seat.subnet: seat.zone for seat in seats}
    found: list[Demand] = []
    for unit_index, by_site in sites.items():
        unit = world.units[unit_index]
        if not unit.vpcs:
            continue
        for site, count in by_site.items():
            vpc = network_at(world, unit, world.region_of(site))
            if vpc is None or (vpc not in networks and world.vpcs[vpc].new_subnet_prefix is None):
                continue
            zone = world.zone_of(site)
            fits = tuple(
                s.subnet
                for s in seats
                if s.vpc == vpc and s.zone in (None, zone) and (not unit.subnets or s.subnet in unit.subnets)
            )
            own = unit.current_subnet or _only_seat(world, fits, zone_of)
            stays = min(count, unit.current.get(site, 0)) if own in fits else 0
            if stays:
                found.append(Demand(unit_index, site, stays, fits, own))
            if count > stays:
                found.append(Demand(unit_index, site, count - stays, fits, unit.current_subnet or ""))
    return found


def _only_seat(world: World, fits: tuple[str, ...], zone_of: Mapping[str, int | None]) -> str:
    """Return the subnet that those who are there sit in today, where it can only be one; else empty."""
    there = [
        name for name in fits if name in world.subnets and (zone_of[name] is None or world.subnets[name].zone)
    ]
    return there[0] if len(there) == 1 else ""


def _flow(
    demands: list[Demand], left: dict[str, int], seating: Seating, fresh: list[str], *, keep: bool = False
) -> bool:
    """Seat all demands and return whether there was room.

    With `keep` as few as possible change seats, and `fresh` subnets are used in order.
    """
    if not demands:
        return True
    from ortools.graph.python import max_flow, min_cost_flow

    flow = min_cost_flow.SimpleMinCostFlow() if keep else max_flow.SimpleMaxFlow()
    names = list(left)
    position = {name: 1 + len(demands) + k for k, name in enumerate(names)}
    sink = 1 + len(demands) + len(names)

    def arc(tail: int, head: int, capacity: int, cost: int = 0) -> int:
        if keep:
            return int(flow.add_arc_with_capacity_and_unit_cost(tail, head, capacity, cost))
        return int(flow.add_arc_with_capacity(tail, head, capacity))

    rank = {name: 1 + k for k, name in enumerate(fresh)}
    change = 1 + len(fresh)
    arcs: list[tuple[int, Demand, str]] = []
    for i, demand in enumerate(demands):
        arc(0, 1 + i, demand.count)
        for name in demand.fits:
            number = arc(1 + i, position[name], demand.count, change * int(name != demand.current))
            arcs.append((number, demand, name))
    for name, room in left.items():
        arc(position[name], sink, room, rank.get(name, 0))
    wanted = sum(demand.count for demand in demands)
    if keep:
        flow.set_node_supply(0, wanted)
        flow.set_node_supply(sink, -wanted)
        if flow.solve() != flow.OPTIMAL:
            return False
    else:
        flow.solve(0, sink)
        if flow.optimal_flow() < wanted:
            return False
    for number, demand, name in arcs:
        taken = flow.flow(number)
        if taken:
            of_site = seating.setdefault((demand.unit, demand.site), {})
            of_site[name] = of_site.get(name, 0) + taken
            left[name] -= taken
    return True
