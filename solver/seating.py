"""Which subnet each instance sits in: a flow per network, done once the sites are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """Seat every instance whose network has subnets; who sits somewhere today keeps the seat if it can.

    Raises ArithmeticError when there is no room, which the rows rule out.
    """
    networks = {seat.vpc for seat in seats} | {s.vpc for s in world.subnets.values()}
    left = {seat.subnet: seat.room for seat in seats}
    demands: list[tuple[int, int, int, list[str]]] = []
    seating: Seating = {}
    for unit_index, by_site in sites.items():
        unit = world.units[unit_index]
        if not unit.vpcs:
            continue
        for site, count in by_site.items():
            vpc = network_at(world, unit, world.region_of(site))
            if vpc is None or (vpc not in networks and world.vpcs[vpc].new_subnet_prefix is None):
                continue
            zone = world.zone_of(site)
            fits = [
                s.subnet
                for s in seats
                if s.vpc == vpc and s.zone in (None, zone) and (not unit.subnets or s.subnet in unit.subnets)
            ]
            rest = count
            if unit.current_subnet in fits and left[unit.current_subnet] >= rest:
                left[unit.current_subnet] -= rest
                seating[unit_index, site] = {unit.current_subnet: rest}
                continue
            demands.append((unit_index, site, rest, fits))
    _flow(demands, left, seating)
    return seating


def _flow(demands: list[tuple[int, int, int, list[str]]], left: dict[str, int], seating: Seating) -> None:
    if not demands:
        return
    from ortools.graph.python import max_flow

    names = list(left)
    position = {name: k for k, name in enumerate(names)}
    flow = max_flow.SimpleMaxFlow()
    sink = 1 + len(demands) + len(names)
    arcs: list[tuple[int, int, str]] = []
    wanted = 0
    for i, (_, _, count, fits) in enumerate(demands):
        flow.add_arc_with_capacity(0, 1 + i, count)
        wanted += count
        for name in fits:
            arcs.append((flow.add_arc_with_capacity(1 + i, 1 + len(demands) + position[name], count), i, name))
    for name, room in left.items():
        flow.add_arc_with_capacity(1 + len(demands) + position[name], sink, room)
    flow.solve(0, sink)
    if flow.optimal_flow() < wanted:
        raise ArithmeticError("no room for all addresses, though the rows counted enough")
    for arc, i, name in arcs:
        taken = flow.flow(arc)
        if taken:
            unit_index, site, _, _ = demands[i]
            seating.setdefault((unit_index, site), {})[name] = taken
            left[name] -= taken
