"""From a solution's counts to a plan in the user's names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from zonewright.models.plan import (
    BalancerZones,
    ImageCopy,
    NewSubnet,
    Placement,
    Scenario,
    SubnetZone,
    Unplaced,
)
from zonewright.models.resources import Subnet
from zonewright.models.world import Unit, World
from zonewright.solver.blocks import cut, free_space
from zonewright.solver.classes import Class
from zonewright.solver.context import Context, SeatKey
from zonewright.solver.lowering.network import network_at
from zonewright.solver.rows import Ints
from zonewright.solver.seating import Seat, Seating, seat_subnets

#: Where instances of each unit are: unit index to {site node: count}.
Sites = dict[int, dict[int, int]]
#: Where what is displaced goes, by signature of the survive rules and lost domains.
Moved = dict[tuple[str, tuple[int, ...]], Sites]


def unit_sites(ctx: Context, x_j: Ints) -> Sites:
    """Return where every unit's instances are; as many as possible stay where they are today.

    Places must be single sites.
    """
    found: Sites = {}
    for cls in ctx.classes:
        counts = {ctx.places[p].site: int(x_j[j]) for p, j in ctx.base.cells[cls.index].items() if x_j[j]}
        found.update(share_out(cls, counts))
    return found


def share_out(cls: Class, counts: dict[int, int]) -> Sites:
    """Give a class's counts to its units: first who is there already, then the rest.

    Of the rest, instances that run today go before new ones, unless they are held where they are today: then
    only new ones may be elsewhere.
    """
    left = dict(counts)
    placed: Sites = {unit.index: {} for unit in cls.units}
    missing = {unit.index: unit.count for unit in cls.units}
    for unit in cls.units:
        for site, count in unit.current.items():
            stays = min(count, left.get(site, 0), missing[unit.index])
            if stays:
                placed[unit.index][site] = stays
                left[site] -= stays
                missing[unit.index] -= stays
    queue = [[site, count] for site, count in left.items() if count]
    new = {unit.index: unit.count - sum(unit.current.values()) for unit in cls.units}
    for newcomers in (True, False) if cls.held else (False, True):
        for unit in cls.units:
            still_new = min(missing[unit.index], new[unit.index])
            wanted = still_new if newcomers else missing[unit.index] - still_new
            while wanted and queue:
                site, count = queue[-1]
                takes = min(count, wanted)
                placed[unit.index][site] = placed[unit.index].get(site, 0) + takes
                wanted -= takes
                missing[unit.index] -= takes
                new[unit.index] -= takes if newcomers else 0
                queue[-1][1] -= takes
                if not queue[-1][1]:
                    queue.pop()
    return placed


def layer_sites(ctx: Context, x_j: Ints, base: Sites) -> Moved:
    """Return, per scenario, where what is displaced goes."""
    found: Moved = {}
    for layer in ctx.layers[1:]:
        moved: Sites = {}
        for cls in ctx.classes:
            here = ctx.base.cells[cls.index]
            arrivals = {
                ctx.places[p].site: int(x_j[j]) - int(x_j[here[p]])
                for p, j in layer.cells[cls.index].items()
                if j != here[p] and x_j[j] > x_j[here[p]]
            }
            moved.update(share_arrivals(cls, arrivals, base, layer.lost))
        found[layer.signature, layer.scenario] = moved
    return found


def share_arrivals(cls: Class, arrivals: dict[int, int], base: Sites, lost: frozenset[int]) -> Sites:
    """Give what arrives at sites to those of a class's units that were displaced, in order."""
    queue = [[site, count] for site, count in arrivals.items()]
    moved: Sites = {}
    for unit in cls.units:
        displaced = sum(n for s, n in base[unit.index].items() if s in lost)
        while displaced and queue:
            site, count = queue[-1]
            takes = min(displaced, count)
            goes = moved.setdefault(unit.index, {})
            goes[site] = goes.get(site, 0) + takes
            displaced -= takes
            queue[-1][1] -= takes
            if not queue[-1][1]:
                queue.pop()
    return moved


def placements(world: World, sites: Sites, seating: Seating | None) -> list[Placement]:
    """Return a plan's lines: one per group, site and subnet, in the order of the estate."""
    counts: dict[tuple[str, int, str | None], int] = {}
    names: dict[tuple[str, int, str | None], list[str]] = {}
    for unit in world.units:
        for site, subnet, count in _seated(unit, sites.get(unit.index, {}), seating):
            key = (unit.group, site, subnet)
            counts[key] = counts.get(key, 0) + count
            if unit.name is not None:
                names.setdefault(key, []).append(unit.name)
    order = {group: i for i, group in enumerate(world.groups)}
    nodes = world.tree.nodes
    return [
        Placement(
            group=group,
            site=nodes[site].id,
            count=count,
            subnet=subnet,
            instances=names.get((group, site, subnet), []),
        )
        for (group, site, subnet), count in sorted(
            counts.items(), key=lambda item: (order[item[0][0]], item[0][1], item[0][2] or "")
        )
    ]


def _seated(unit: Unit, sites: dict[int, int], seating: Seating | None) -> Iterable[tuple[int, str | None, int]]:
    for site, count in sites.items():
        seats = seating.get((unit.index, site)) if seating is not None else None
        if seats is None:
            yield site, None, count
        else:
            for subnet, taken in seats.items():
                yield site, subnet, taken


def unplaced(world: World, sites: Sites) -> list[Unplaced]:
    """Return what has no place, by group."""
    counts: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    for unit in world.units:
        missing = unit.count - sum(sites.get(unit.index, {}).values())
        if missing:
            counts[unit.group] = counts.get(unit.group, 0) + missing
            if unit.name is not None:
                names.setdefault(unit.group, []).append(unit.name)
    return [Unplaced(group=g, count=n, instances=names.get(g, [])) for g, n in counts.items()]


def balancers(ctx: Context, x_j: Ints) -> list[BalancerZones]:
    """Return the zones that were chosen for balancers that left them open."""
    found: dict[str, list[str]] = {}
    for (balancer, zone), column in ctx.balancer_columns.items():
        if x_j[column]:
            found.setdefault(balancer, []).append(ctx.world.tree.nodes[zone].id)
    return [BalancerZones(balancer=b, zones=zones) for b, zones in found.items()]


def image_copies(world: World, sites: Sites) -> list[ImageCopy]:
    """Return the images that regions in use lack."""
    found: dict[tuple[str, str], None] = {}
    for unit in world.units:
        if unit.image is None or not world.images[unit.image].regions:
            continue
        for site in sites.get(unit.index, {}):
            region = world.tree.nodes[world.region_of(site)].id
            if region not in world.images[unit.image].regions:
                found[unit.image, region] = None
    return [ImageCopy(image=image, region=region) for image, region in found]


def decided_seats(ctx: Context, x_j: Ints, seats: list[Seat], sites: Sites) -> Seating:
    """Return the seats that the rows decided where survivors' seats matter (`Context.seat_columns`)."""
    world = ctx.world
    left = {seat.subnet: seat.room for seat in seats}
    open_at: dict[SeatKey, list[list[int]]] = {}
    found: Seating = {}
    rest: Sites = {}
    for unit_index, by_site in sites.items():
        unit = world.units[unit_index]
        for site, count in by_site.items():
            vpc = network_at(world, unit, world.region_of(site)) if unit.vpcs else None
            key = (vpc or "", unit.subnets, ctx.place_of[site])
            if key not in ctx.seat_columns:
                rest.setdefault(unit_index, {})[site] = count
                continue
            pools = list(ctx.seat_columns[key])
            queue = open_at.setdefault(key, [[k, int(x_j[ctx.seat_columns[key][p]])] for k, p in enumerate(pools)])
            taken = found[unit_index, site] = {}
            while count:
                k, free = queue[-1]
                names = [s.subnet for s in seats if left[s.subnet] and _in_pool(world, s, key[0], pools[k])]
                takes = min(count, free, left[names[0]] if names else 0)
                if not takes:
                    queue.pop()
                    continue
                taken[names[0]] = taken.get(names[0], 0) + takes
                left[names[0]] -= takes
                queue[-1][1] -= takes
                count -= takes
    free_seats = [Seat(s.subnet, s.vpc, s.zone, left[s.subnet]) for s in seats]
    return found | seat_subnets(world, free_seats, rest, network_at)


def _in_pool(world: World, seat: Seat, vpc: str, pool: tuple[str, int | None]) -> bool:
    name, zone = pool
    return seat.vpc == vpc and (
        seat.subnet == name if name else seat.subnet not in world.subnets and seat.zone in (None, zone)
    )


class Networks:
    """Subnets as the plan has them: chosen zones, blocks, and the seats in them."""

    def __init__(self, ctx: Context, x_j: Ints, sites: Sites, moved: Moved) -> None:
        self.world = ctx.world
        self.chosen: list[SubnetZone] = []
        self.new: list[NewSubnet] = []
        zone_of = {sub: zone for (sub, zone), j in ctx.subnet_columns.items() if x_j[j]}
        wanted = {key: int(x_j[j]) for key, j in ctx.new_subnet_columns.items() if x_j[j]}
        seats: list[Seat] = []
        for vpc in self.world.vpcs.values():
            mine = [s for s in self.world.subnets.values() if s.vpc == vpc.id]
            own = {s.id for s in mine}
            zonal = any(subnet in own and zone >= 0 for subnet, zone in ctx.subnet_columns)
            seats += self._existing(mine, zone_of, zonal)
            seats += self._cut(vpc.id, mine, zone_of, wanted)
        self.seats = seats
        self.base = seat_subnets(self.world, seats, sites, network_at)
        try:
            self.moved = [self._after(scenario, after) for (_, scenario), after in moved.items()]
        except ArithmeticError:
            if not ctx.seat_columns:
                raise
            # Who survives keeps the seat: these are the ones that leave the right seats free.
            self.base = decided_seats(ctx, x_j, seats, sites)
            self.moved = [self._after(scenario, after) for (_, scenario), after in moved.items()]
        self._drop_empty()

    def _existing(self, mine: list[Subnet], zone_of: dict[str, int], zonal: bool) -> list[Seat]:
        from zonewright.solver.lowering.network import _room

        found: list[Seat] = []
        for entry in mine:
            zone = self.world.tree.by_id.get(entry.zone, -1) if entry.zone is not None else None
            if entry.zone is None and (zonal or entry.prefix is not None):
                if entry.id not in zone_of and (zonal or self.world.vpcs[entry.vpc].cidr is not None):
                    continue
                zone = zone_of.get(entry.id, -1)
                zone = zone if zone >= 0 else None
            found.append(Seat(entry.id, entry.vpc, zone, _room(self.world, entry)))
        return found

    def _cut(
        self, vpc: str, mine: list[Subnet], zone_of: dict[str, int], wanted: dict[tuple[str, int], int]
    ) -> list[Seat]:
        """Cut blocks for open subnets and new ones, largest first."""
        from zonewright.solver.lowering.network import _new_room

        entry = self.world.vpcs[vpc]
        for subnet in mine:
            if subnet.id in zone_of and (subnet.cidr is not None or entry.cidr is None):
                self.chosen.append(SubnetZone(subnet=subnet.id, zone=self._name(zone_of[subnet.id])))
        if entry.cidr is None:
            return []
        free = free_space(entry.cidr, [ipaddress.IPv4Network(s.cidr) for s in mine if s.cidr is not None])
        requests: list[tuple[int, str, int]] = [
            (s.prefix, s.id, zone_of[s.id]) for s in mine if s.prefix is not None and s.id in zone_of
        ]
        number = 0
        for (name, zone), count in wanted.items():
            for _ in range(count if name == vpc else 0):
                number += 1
                requests.append((entry.new_subnet_prefix or 32, self._fresh(f"{vpc}-new-{number}"), zone))
        found: list[Seat] = []
        for prefix, name, zone in sorted(requests, key=lambda request: request[0]):
            block = cut(free, prefix)
            if block is None:
                raise ArithmeticError(f"{vpc} has no free block /{prefix} left, though one was counted")
            if name in self.world.subnets:
                self.chosen.append(SubnetZone(subnet=name, zone=self._name(zone), cidr=str(block)))
                continue
            self.new.append(NewSubnet(id=name, vpc=vpc, zone=self._name(zone), cidr=str(block)))
            found.append(Seat(name, vpc, zone if zone >= 0 else None, _new_room(self.world, entry)))
        return found

    def _name(self, zone: int) -> str | None:
        return self.world.tree.nodes[zone].id if zone >= 0 else None

    def _fresh(self, name: str) -> str:
        while name in self.world.subnets:
            name += "-"
        return name

    def _after(self, scenario: tuple[int, ...], moved: Sites) -> Seating:
        """Seat what is displaced beside who stays; what is lost leaves its addresses."""
        lost = {site for domain in scenario for site in self.world.tree.sites_under[domain]}
        left = {seat.subnet: seat.room for seat in self.seats}
        for (_, site), seats in self.base.items():
            for subnet, count in seats.items() if site not in lost else ():
                left[subnet] -= count
        rest = [Seat(s.subnet, s.vpc, s.zone, left[s.subnet]) for s in self.seats]
        return seat_subnets(self.world, rest, moved, network_at)

    def _drop_empty(self) -> None:
        """Create no subnet that nobody sits in."""
        used = {name for seating in (self.base, *self.moved) for seats in seating.values() for name in seats}
        self.new = [subnet for subnet in self.new if subnet.id in used]


def scenario_entries(
    world: World,
    moved: Moved,
    seatings: Iterable[Seating | None],
) -> list[Scenario]:
    """Return the witnesses of the evacuation rules."""
    nodes = world.tree.nodes
    return [
        Scenario(
            signature=signature,
            lost=[nodes[d].id for d in scenario],
            placements=placements(world, sites, seating),
        )
        for ((signature, scenario), sites), seating in zip(moved.items(), seatings, strict=True)
        if sites
    ]
