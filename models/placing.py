"""From a plan's words to a view and back: named instances to units, members to counts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from zonewright.models.plan import Placement, Plan
from zonewright.models.problems import InputError, maybe
from zonewright.models.view import Row, View
from zonewright.models.world import World


def view_of(world: World, plan: Plan) -> View:
    """Return the placement of a plan, ready to be judged.

    Raises InputError when the plan names a group, site, instance or zone that the estate does not have,
    places an instance twice, or more of a group than there are.
    """
    zones = {
        entry.balancer: tuple(_node(world, z, ("balancers", i, "zones", k)) for k, z in enumerate(entry.zones))
        for i, entry in enumerate(plan.balancers)
    }
    _known_once([e.balancer for e in plan.balancers], world.balancers, "load balancer", "balancers")
    _known_once([e.subnet for e in plan.subnets], world.subnets, "subnet", "subnets")
    subnet_zones = {
        entry.subnet: _node(world, entry.zone, ("subnets", i, "zone"))
        for i, entry in enumerate(plan.subnets)
        if entry.zone is not None
    }
    subnet_sizes, block_faults = _new_subnets(world, plan)
    view = View(
        world,
        _rows(world, plan.placements, ("placements",)),
        balancer_zones=zones,
        subnet_zones=subnet_zones,
        subnet_sizes=subnet_sizes,
        block_faults=block_faults,
        witnesses=_witnesses(world, plan),
    )
    _no_more_than_there_are(world, view)
    return view


def _known_once(names: Iterable[str], known: Iterable[str], what: str, section: str) -> None:
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name not in known:
            raise InputError(f"unknown {what} {name}.{maybe(name, known)}", path=(section, position))
        if name in seen:
            raise InputError(f"{name} is given twice", path=(section, position))
        seen.add(name)


def _node(world: World, name: str, path: tuple[str | int, ...]) -> int:
    index = world.tree.by_id.get(name)
    if index is None:
        raise InputError(f"unknown domain {name}.{maybe(name, world.tree.by_id)}", path=path)
    return index


def _rows(world: World, placements: Iterable[Placement], prefix: tuple[str | int, ...]) -> list[Row]:
    by_name: dict[tuple[str, str], int] = {}
    rest: dict[str, int] = {}
    for unit in world.units:
        if unit.name is None:
            rest[unit.group] = unit.index
        else:
            by_name[unit.group, unit.name] = unit.index
    sites = set(world.tree.sites)
    rows: list[Row] = []
    for position, entry in enumerate(placements):
        path = (*prefix, position)
        if entry.group not in world.groups:
            raise InputError(f"unknown group {entry.group}.{maybe(entry.group, world.groups)}", path=path)
        site = _node(world, entry.site, (*path, "site"))
        if site not in sites:
            raise InputError(f"{entry.site} is no site: instances sit in leaves", path=(*path, "site"))
        if len(entry.instances) > entry.count:
            raise InputError(f"names {len(entry.instances)} instances, its count is {entry.count}", path=path)
        for name in entry.instances:
            unit_index = by_name.get((entry.group, name))
            if unit_index is None:
                raise InputError(f"unknown instance {name} of {entry.group}", path=(*path, "instances"))
            rows.append(Row(unit_index, site, 1, entry.subnet))
        unnamed = entry.count - len(entry.instances)
        if unnamed:
            if entry.group not in rest:
                what = f"{unnamed} unnamed instances, all of {entry.group} have names: list them"
                raise InputError(what, path=path)
            rows.append(Row(rest[entry.group], site, unnamed, entry.subnet))
    return rows


def _no_more_than_there_are(world: World, view: View) -> None:
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        placed = sum(sites.values())
        if placed > unit.count:
            what = unit.name or f"{unit.group} (unnamed)"
            raise InputError(f"{what} is placed {placed} times, there are {unit.count}", path=("placements",))


def _new_subnets(world: World, plan: Plan) -> tuple[dict[str, tuple[str, int, int]], dict[str, str]]:
    """Return new subnets with room, and what is wrong with the blocks of new ones and of those to be cut."""
    taken: dict[str, list[tuple[ipaddress.IPv4Network, str]]] = {}
    for subnet in world.subnets.values():
        if subnet.cidr is not None:
            taken.setdefault(subnet.vpc, []).append((ipaddress.IPv4Network(subnet.cidr), subnet.id))
    faults: dict[str, str] = {}
    blocks: dict[str, str] = {}
    for entry in plan.subnets:
        subnet = world.subnets[entry.subnet]
        if subnet.zone is not None and entry.zone not in (None, subnet.zone):
            faults[subnet.id] = f"{subnet.id} is in {subnet.zone} and cannot go to {entry.zone}"
        elif subnet.cidr is not None and entry.cidr not in (None, subnet.cidr):
            faults[subnet.id] = f"{subnet.id} has {subnet.cidr} and cannot take {entry.cidr}"
        elif entry.cidr is not None and subnet.cidr is None:
            blocks[subnet.id] = entry.cidr
            fault = _take(world, taken, subnet.vpc, entry.cidr, subnet.id, subnet.prefix)
            if fault:
                faults[subnet.id] = fault
    placements = [*plan.placements, *(p for s in plan.scenarios for p in s.placements)]
    used = {p.subnet for p in placements} | {b.subnet for b in world.balancers.values() if b.internal}
    for subnet in world.subnets.values():
        open_block = subnet.cidr is None and subnet.id not in blocks
        if subnet.id in used and open_block and world.vpcs[subnet.vpc].cidr:
            faults[subnet.id] = f"{subnet.id} has no block yet"
    found: dict[str, tuple[str, int, int]] = {}
    for position, new in enumerate(plan.new_subnets):
        path = ("new_subnets", position)
        vpc = world.vpcs.get(new.vpc)
        if vpc is None:
            raise InputError(f"unknown network {new.vpc}.{maybe(new.vpc, world.vpcs)}", path=path)
        if new.id in world.subnets or new.id in found:
            raise InputError(f"{new.id} is given twice", path=path)
        zone = _node(world, new.zone, (*path, "zone")) if new.zone is not None else -1
        if vpc.new_subnet_prefix is None:
            fault = f"{new.vpc} does not let the planner create subnets"
        else:
            fault = _take(world, taken, new.vpc, new.cidr, new.id, vpc.new_subnet_prefix)
        if fault:
            faults[new.id] = fault
        prefix = ipaddress.IPv4Network(new.cidr).prefixlen
        found[new.id] = (new.vpc, zone, new_subnet_room(world, new.vpc, prefix))
    return found, faults


def _take(
    world: World,
    taken: dict[str, list[tuple[ipaddress.IPv4Network, str]]],
    vpc: str,
    cidr: str,
    name: str,
    prefix: int | None,
) -> str | None:
    """Take a block of a network; return why that cannot be, None where it can."""
    block = ipaddress.IPv4Network(cidr)
    whole = world.vpcs[vpc].cidr
    if block.prefixlen != prefix:
        return f"{name}: {cidr} is no block of prefix length {prefix}"
    if whole is not None and not block.subnet_of(ipaddress.IPv4Network(whole)):
        return f"{name}: {cidr} is not inside {vpc} ({whole})"
    for other, other_name in taken.setdefault(vpc, []):
        if block.overlaps(other):
            return f"{name}: {cidr} overlaps {other} of {other_name}"
    taken[vpc].append((block, name))
    return None


def new_subnet_room(world: World, vpc: str, prefix: int) -> int:
    """Return how many instances a new subnet takes, with the network's room for growth left free."""
    from zonewright.models.quantities import as_fraction

    addressing = next((c.addressing for c in reversed(world.catalogues) if c.addressing), None)
    kept = addressing.reserved_per_subnet if addressing else 0
    size = (1 << (32 - prefix)) - kept
    return max(0, int(size / (1 + as_fraction(world.vpcs[vpc].growth))))


def _witnesses(world: World, plan: Plan) -> dict[str, dict[tuple[int, ...], list[Row]]]:
    found: dict[str, dict[tuple[int, ...], list[Row]]] = {}
    for position, entry in enumerate(plan.scenarios):
        lost = tuple(sorted(_node(world, d, ("scenarios", position, "lost")) for d in entry.lost))
        rows = _rows(world, entry.placements, ("scenarios", position, "placements"))
        of_rules = found.setdefault(entry.signature, {})
        if lost in of_rules:
            raise InputError(f"{entry.signature} loses these domains twice", path=("scenarios", position, "lost"))
        of_rules[lost] = rows
    return found
