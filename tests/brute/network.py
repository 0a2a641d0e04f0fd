"""Rules on private networks and addresses: who reaches whom, and which subnet has room."""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from typing import Any

from tests.brute.facts import Facts, Unit
from tests.brute.numbers import exact
from tests.brute.reach import misplaced
from tests.brute.scene import Scene, vpc_at

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def network(scene: Scene, rule: Raw) -> Breaches:
    facts = scene.facts
    found = misplaced(scene, "network", rule)
    for service in facts.data.get("services", []):
        if service.get("public"):
            continue
        chain = service["chain"]
        for caller, called in pairwise(chain):
            theirs = {facts.region(s) for s in scene.of_group[called]}
            for here in {facts.region(s) for s in scene.of_group[caller]}:
                if theirs and not any(_reaches(facts, caller, here, called, there) for there in theirs):
                    found.append((caller, 1))
    return found


def _reaches(facts: Facts, caller: str, here: str, called: str, there: str) -> bool:
    one, other = facts.groups[caller], facts.groups[called]
    default = next(iter(facts.accounts))
    says = facts.networking(one.get("product") or next(iter(facts.products), "instance"))
    same_account = one.get("account", default) == other.get("account", default)
    if not same_account and not says.get("across_accounts", False):
        return False
    mine = [v for v in one.get("vpcs", []) if facts.vpcs[v].get("region", here) == here]
    theirs = [v for v in other.get("vpcs", []) if facts.vpcs[v].get("region", there) == there]
    if set(mine) & set(theirs):
        return True
    if says.get("peering", False) and any(frozenset((a, b)) in facts.peered for a in mine for b in theirs):
        return True
    if here != there:
        return bool(says.get("across_regions", False)) or facts.link(here, there, "private")
    return bool(says.get("within_region", True)) and not (mine and theirs)


def kept_by_provider(facts: Facts) -> int:
    found = [c["addressing"].get("reserved_per_subnet", 0) for c in facts.catalogues if c.get("addressing")]
    return int(found[-1]) if found else 0


def room(scene: Scene, name: str) -> int:
    """How many instances a subnet takes."""
    facts = scene.facts
    if name in scene.new_subnets:
        return scene.new_subnets[name][2]
    subnet = facts.subnets[name]
    prefix = int(subnet["cidr"].split("/")[1]) if subnet.get("cidr") else subnet["prefix"]
    taken = kept_by_provider(facts) + subnet.get("reserved", 0) + subnet.get("used", 0)
    taken += sum(1 for b in facts.balancers.values() if b.get("internal") and b.get("subnet") == name)
    return max(0, 2 ** (32 - int(prefix)) - taken)


def new_room(facts: Facts, vpc: str, prefix: int) -> int:
    """How many instances a new subnet takes, with room for growth."""
    size = 2 ** (32 - prefix) - kept_by_provider(facts)
    return max(0, int(size / (1 + exact(facts.vpcs[vpc].get("growth", 0)))))


def zone_of(scene: Scene, name: str) -> str | None:
    """The zone of a subnet: its own, or the one that the plan chose."""
    if name in scene.new_subnets:
        return scene.new_subnets[name][1]
    return scene.facts.subnets[name].get("zone") or scene.subnet_zones.get(name)


def vpc_of(scene: Scene, name: str) -> str:
    return scene.new_subnets[name][0] if name in scene.new_subnets else str(scene.facts.subnets[name]["vpc"])


def needs_subnet(scene: Scene, unit: Unit, site: str) -> str | None:
    """The network whose subnets the unit has to sit in at a site, if any."""
    vpc = vpc_at(scene.facts, unit, site)
    if vpc is None:
        return None
    names = [*scene.facts.subnets, *scene.new_subnets]
    planned = scene.facts.vpcs[vpc].get("new_subnet_prefix") is not None
    return vpc if planned or any(vpc_of(scene, n) == vpc for n in names) else None


def fits_subnet(scene: Scene, unit: Unit, site: str, vpc: str, name: str | None) -> bool:
    if name is None or name not in (*scene.facts.subnets, *scene.new_subnets):
        return False
    if vpc_of(scene, name) != vpc or (unit.own.get("subnets") and name not in unit.own["subnets"]):
        return False
    zone = zone_of(scene, name)
    if zone is None:
        return scene.facts.scope(unit.product, "subnet") != "zonal"
    return zone == scene.facts.zone(site)


def subnet(scene: Scene, rule: Raw) -> Breaches:
    found: Breaches = []
    used: dict[str, int] = {}
    for (index, site, name), count in scene.rows.items():
        unit = scene.facts.units[index]
        vpc = needs_subnet(scene, unit, site)
        if vpc is None:
            continue
        if not fits_subnet(scene, unit, site, vpc, name):
            found.append((unit.group, count))
        elif name is not None:
            used[name] = used.get(name, 0) + count
    found += [(None, n - room(scene, s)) for s, n in used.items() if n > room(scene, s)]
    return found + [(None, 1) for _ in range(_bad_blocks(scene) if scene.blocks is not None else 0)]


def occupied(scene: Scene) -> set[str | None]:
    """Subnets that somebody sits in, after an evacuation too, or that hold a balancer's address."""
    parts = [scene.rows, *scene.witnesses.values()]
    used = {name for part in parts for (_, _, name), n in part.items() if n}
    return used | {b.get("subnet") for b in scene.facts.balancers.values() if b.get("internal")}


def _bad_blocks(scene: Scene) -> int:
    """How many subnets have a block that cannot be, or none though they are used."""
    facts, given = scene.facts, scene.blocks or {}
    bad = 0
    for vpc, entry in facts.vpcs.items():
        subnets = {n: s for n, s in facts.subnets.items() if s["vpc"] == vpc}
        taken = [ipaddress.ip_network(s["cidr"]) for s in subnets.values() if s.get("cidr")]
        lengths = {n: s["prefix"] for n, s in subnets.items() if s.get("prefix")}
        new = [n for n in scene.new_subnets if vpc_of(scene, n) == vpc]
        lengths |= dict.fromkeys(new, entry.get("new_subnet_prefix"))
        for name in [n for n in given if n in lengths]:
            block = ipaddress.ip_network(given[name])
            inside = not entry.get("cidr") or block.subnet_of(ipaddress.ip_network(entry["cidr"]))
            if block.prefixlen == lengths[name] and inside and not any(block.overlaps(t) for t in taken):
                taken.append(block)
            else:
                bad += 1
        if entry.get("cidr"):
            bad += len([n for n in lengths if n in subnets and n in occupied(scene) and n not in given])
    return bad


def cut(whole: str, taken: list[str], prefixes: list[int]) -> list[str] | None:
    """Blocks of these prefix lengths from what is free of a network, None where they do not fit.

    Every way is tried: aligned blocks one after the other at every place.
    """
    used = [ipaddress.ip_network(t) for t in taken]
    order = sorted(range(len(prefixes)), key=lambda i: prefixes[i])
    found: dict[int, str] = {}

    def place(position: int) -> bool:
        if position == len(order):
            return True
        wanted = prefixes[order[position]]
        network = ipaddress.ip_network(whole)
        if wanted < network.prefixlen:
            return False
        for block in network.subnets(new_prefix=wanted):
            if any(block.overlaps(u) for u in used):
                continue
            used.append(block)
            found[order[position]] = str(block)
            if place(position + 1):
                return True
            used.pop()
        return False

    return [found[i] for i in range(len(prefixes))] if place(0) else None
