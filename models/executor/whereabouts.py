"""Where everybody is at every moment, and in which subnet."""

from __future__ import annotations

from collections.abc import Mapping

from zonewright.models.catalogue import Scope
from zonewright.models.rules.network import vpc_at
from zonewright.models.world import Unit, World

#: (site, subnet) of instances; None where nobody says in which subnet they sit.
Seat = tuple[int, str | None]


class Whereabouts:
    """Who can be moved from where. An action's instances are gone from their seat when its first step starts."""

    def __init__(self, world: World, dead: frozenset[int]) -> None:
        self.world = world
        self.seats: dict[int, dict[Seat, int]] = {}
        """Unit to seat and count, of what is alive and not on its way."""
        self.lost: dict[int, dict[int, int]] = {}
        """Unit to dead site and count, of what has not been brought back."""
        self.nowhere: dict[int, int] = {}
        """Unit to how many never ran."""
        for unit in world.units:
            seats, lost = self.seats.setdefault(unit.index, {}), self.lost.setdefault(unit.index, {})
            for site, count in unit.current.items():
                if site in dead:
                    lost[site] = count
                else:
                    seats[site, seat_today(world, unit, site)] = count
            self.nowhere[unit.index] = unit.count - sum(unit.current.values())

    def leave(self, unit: Unit, site: int, count: int, subnet: str | None = None) -> list[tuple[str | None, int]]:
        """Take instances from their seats at a site; return (subnet, count), fewer in all where fewer are there.

        With `subnet` those that sit there go last: they are there already.
        """
        seats = self.seats[unit.index]
        taken: list[tuple[str | None, int]] = []
        here = sorted((s for s in seats if s[0] == site), key=lambda s: (s[1] == subnet, s[1] is None, s[1] or ""))
        for seat in here:
            share = min(count, seats[seat])
            if share:
                taken.append((seat[1], share))
                count -= share
                seats[seat] -= share
                if not seats[seat]:
                    del seats[seat]
        return taken

    def arrive(self, unit: Unit, site: int, subnet: str | None, count: int) -> None:
        """Put instances on a seat."""
        seats = self.seats[unit.index]
        seats[site, subnet] = seats.get((site, subnet), 0) + count

    def bring_back(self, unit: Unit, site: int, count: int) -> int:
        """Count instances of a dead site as dealt with; return how many there were, at most `count`."""
        lost = self.lost[unit.index]
        share = min(count, lost.get(site, 0))
        if share:
            lost[site] -= share
        return share

    def begin(self, unit: Unit, count: int) -> int:
        """Count instances that never ran as started; return how many there were, at most `count`."""
        share = min(count, self.nowhere[unit.index])
        self.nowhere[unit.index] -= share
        return share

    def placed(self) -> Mapping[int, dict[int, int]]:
        """Return unit to site and count."""
        found: dict[int, dict[int, int]] = {}
        for index, seats in self.seats.items():
            sites = found.setdefault(index, {})
            for (site, _), count in seats.items():
                sites[site] = sites.get(site, 0) + count
        return found


def seat_today(world: World, unit: Unit, site: int) -> str | None:
    """Return the subnet that an instance sits in today: its own, or the only one that it can sit in."""
    if unit.current_subnet is not None:
        return unit.current_subnet
    vpc = vpc_at(world, unit, site) if unit.vpcs else None
    if vpc is None and not unit.subnets:
        return None
    key = (vpc, unit.subnets, unit.product, world.zone_of(site))
    memo: dict[object, str | None] = world.__dict__.setdefault("_seats_today", {})
    if key not in memo:
        memo[key] = _only_subnet(world, unit, vpc, site)
    return memo[key]


def _only_subnet(world: World, unit: Unit, vpc: str | None, site: int) -> str | None:
    zone = world.tree.nodes[world.zone_of(site)].id
    zonal = world.scope(unit.product, "subnet") is Scope.ZONAL
    fitting = [
        subnet.id
        for subnet in world.subnets.values()
        if subnet.cidr is not None
        and (vpc is None or subnet.vpc == vpc)
        and (not unit.subnets or subnet.id in unit.subnets)
        and (subnet.zone == zone or (subnet.zone is None and not zonal))
    ]
    return fitting[0] if len(fitting) == 1 else None
