"""What a placement still needs: zones of balancers, subnets with zones and blocks, ways out of a loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, combinations_with_replacement, product
from typing import Any

from tests.brute import balancing, network, survival
from tests.brute.reach import may_enter
from tests.brute.scene import Joint, Rows, Scene, Witnesses

Raw = dict[str, Any]


def complete(scene: Scene) -> Scene | None:
    """Return the placement with all that it still needs, None where nothing works."""
    for choice in _choices(scene):
        if "load_balancer" not in scene.without and balancing.load_balancer(choice, {}):
            continue
        for seated in seatings(choice):
            found = _evacuations(seated)
            if found is not None and _blocks_fit(done := replace(seated, witnesses=found)):
                return done
    return None


def _choices(scene: Scene) -> Iterator[Scene]:
    """Zones of balancers, zones of subnets without one, new subnets."""
    facts = scene.facts
    open_balancers = [b for b in facts.balancers.values() if not b.get("zones")]
    serving = [list(combinations(balancing.candidates(facts, b), b.get("zone_count", 1))) for b in open_balancers]
    if "load_balancer" in scene.without:
        serving = [[()] for _ in open_balancers]
    open_subnets = [s for s in facts.subnets.values() if not s.get("zone")]
    homes = [[None, *_zones_of(scene, s["vpc"])] for s in open_subnets]
    if not _zonal(scene):
        homes = [[None] for _ in open_subnets]
    plans = [_new(scene, name) for name, v in facts.vpcs.items() if v.get("new_subnet_prefix") is not None]
    for zones, places, new in product(product(*serving), product(*homes), product(*plans)):
        yield replace(
            scene,
            serves={b["id"]: z for b, z in zip(open_balancers, zones, strict=True)},
            subnet_zones={s["id"]: z for s, z in zip(open_subnets, places, strict=True) if z is not None},
            new_subnets={k: v for part in new for k, v in part.items()},
        )


def _zonal(scene: Scene) -> bool:
    facts = scene.facts
    return any(facts.scope(u.product, "subnet") == "zonal" for u in facts.units)


def _zones_of(scene: Scene, vpc: str) -> list[str]:
    facts = scene.facts
    region = facts.vpcs[vpc].get("region")
    return [z for z in facts.domains_at("zone") if region in (None, facts.region(z))]


def _new(scene: Scene, vpc: str) -> list[dict[str, tuple[str, str | None, int]]]:
    """Sets of new subnets: as many as there can be use for, each in every zone."""
    facts = scene.facts
    entry = facts.vpcs[vpc]
    room = network.new_room(facts, vpc, entry["new_subnet_prefix"])
    most = min(_free_blocks(scene, vpc), sum(u.count for u in facts.units if vpc in u.own.get("vpcs", [])))
    zones = _zones_of(scene, vpc) if _zonal(scene) else [None]
    found = []
    for number in range(most, -1, -1):
        for homes in combinations_with_replacement(zones, number):
            names = [f"new-{vpc}-{i}" for i in range(number)]
            found.append({n: (vpc, z, room) for n, z in zip(names, homes, strict=True)})
    return found


def _free_blocks(scene: Scene, vpc: str) -> int:
    """How many new subnets fit when none of those to be cut is used."""
    entry = scene.facts.vpcs[vpc]
    number = 0
    while number < 6 and blocks(scene, vpc, [entry["new_subnet_prefix"]] * (number + 1)) is not None:
        number += 1
    return number


def blocks(scene: Scene, vpc: str, prefixes: list[int]) -> list[str] | None:
    """Free blocks of a network, None where they do not fit."""
    facts = scene.facts
    taken = [s["cidr"] for s in facts.subnets.values() if s["vpc"] == vpc and s.get("cidr")]
    whole = facts.vpcs[vpc].get("cidr")
    return [] if not prefixes else network.cut(whole, taken, prefixes) if whole else None


def wanted_blocks(scene: Scene, vpc: str) -> tuple[list[str], list[int]]:
    """Subnets of a network that need a block, and how large: new ones, and those to be cut that are used."""
    facts = scene.facts
    used = network.occupied(scene)
    names = [n for n, s in facts.subnets.items() if s["vpc"] == vpc and s.get("prefix") and n in used]
    prefixes = [facts.subnets[n]["prefix"] for n in names]
    for name, (of, _, _) in scene.new_subnets.items():
        if of == vpc:
            names.append(name)
            prefixes.append(facts.vpcs[vpc]["new_subnet_prefix"])
    return names, prefixes


def _blocks_fit(scene: Scene) -> bool:
    for vpc, entry in scene.facts.vpcs.items():
        _, prefixes = wanted_blocks(scene, vpc)
        if entry.get("cidr") and blocks(scene, vpc, prefixes) is None:
            return False
    return True


def seatings(scene: Scene) -> Iterator[Scene]:
    """The placement with every instance in a subnet that fits; more than one only where it may matter."""
    if "subnet" in scene.without:
        yield scene
        return
    if scene.facts.balancers or any(map(_needs(scene), scene.rows)):
        more = bool(survival.evacuations(scene.facts)) or any(
            s.get("prefix") for s in scene.facts.subnets.values()
        )
        for rows in _seated(scene, list(scene.rows.items()), {}):
            seated = replace(scene, rows=rows)
            if _blocks_fit(seated):
                yield seated
                if not more:
                    return
        return
    yield scene


def _needs(scene: Scene) -> Any:
    units = scene.facts.units
    return lambda key: network.needs_subnet(scene, units[key[0]], key[1]) is not None


def _seated(
    scene: Scene, cells: list[tuple[tuple[int, str, str | None], int]], used: dict[str, int]
) -> Iterator[Rows]:
    """Ways to deal the instances of (unit, site) over subnets with room."""
    if not cells:
        yield {}
        return
    ((index, site, _), count), rest = cells[0], cells[1:]
    unit = scene.facts.units[index]
    vpc = network.needs_subnet(scene, unit, site)
    if vpc is None:
        for rows in _seated(scene, rest, used):
            yield {(index, site, None): count, **rows}
        return
    names = [*scene.facts.subnets, *scene.new_subnets]
    fitting = [n for n in names if network.fits_subnet(scene, unit, site, vpc, n)]
    most = [(n, max(0, network.room(scene, n) - used.get(n, 0))) for n in fitting]
    for split in _deal(count, most):
        then = dict(used)
        for name, number in split:
            then[name] = then.get(name, 0) + number
        for rows in _seated(scene, rest, then):
            yield {**{(index, site, name): number for name, number in split}, **rows}


def _deal(total: int, most: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    if not most:
        if total == 0:
            yield []
        return
    (name, limit), rest = most[0], most[1:]
    for number in range(min(total, limit), -1, -1):
        for other in _deal(total - number, rest):
            yield [(name, number), *other] if number else other


def _evacuations(scene: Scene) -> Witnesses | None:
    """Where everything displaced goes in every scenario, None where one has no way."""
    found: Witnesses = {}
    for label, rule in scene.facts.rules:
        if rule["rule"] != "survive" or rule.get("mode") != "evacuate" or label in scene.without:
            continue
        key = survival.joint(rule)
        for lost in survival.scenarios(scene.facts, rule):
            if (key, lost) not in found:
                rows = _evacuated(scene, key, lost)
                if rows is None:
                    return None
                found[key, lost] = rows
    return found


def _evacuated(scene: Scene, key: Joint, lost: frozenset[str]) -> Rows | None:
    facts = scene.facts
    gone = survival.sites_lost(facts, lost)
    moved = survival.displaced(scene, survival.evacuated(scene, key), gone)
    if not moved:
        return {}
    if not all(survival.recoverable(facts, facts.units[i], key[0], lost) for i in moved):
        return None
    ways = []
    for index, count in moved.items():
        sites = [s for s in facts.sites if s not in gone]
        open_to = [(s, count) for s in sites if may_enter(facts, facts.units[index], s, scene.without)]
        ways.append([[((index, s, None), n) for s, n in way] for way in _deal(count, open_to)])
    for choice in product(*ways):
        landed: Rows = dict(cell for way in choice for cell in way)
        if survival.broken_after(scene, key, gone, landed, but=("subnet",)):
            continue
        if "subnet" in scene.without:
            return landed
        used: dict[str, int] = {}
        for (_, site, name), count in scene.rows.items():
            if name is not None and site not in gone:
                used[name] = used.get(name, 0) + count
        for rows in _seated(scene, list(landed.items()), used):
            if _blocks_fit(replace(scene, witnesses={(key, lost): rows})):
                return rows
    return None
