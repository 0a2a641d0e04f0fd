"""Random tiny migrations with something planted: a cycle, a host to be left among full ones, a lost zone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

Raw = dict[str, Any]
#: Placements that a case may have at most, before any rule.
MOST_PLACEMENTS = 3000
#: What is planted, in turn: the same number has the same family always.
FAMILIES = ("cycle", "tight", "cycle", "zones", "cycle", "any", "cycle", "apart", "cycle", "tight")


@dataclass(frozen=True)
class Case:
    """An estate, what happened to it, and what was planted."""

    name: str
    family: str
    estate: Raw
    event: Raw


def case(seed: int) -> Case:
    """Return the case of a number: always the same."""
    family = FAMILIES[seed % len(FAMILIES)]
    rng = Random(f"{family} {seed}")
    makers = {"cycle": _cycle, "tight": _tight, "zones": _zones, "apart": _apart, "any": _any}
    while True:
        estate, event = makers[family](rng)
        if _placements(estate) <= MOST_PLACEMENTS and estate["groups"]:
            return Case(f"{family}-{seed}", family, estate, event)


def _placements(estate: Raw) -> int:
    sites = len(estate.get("hosts") or estate["zones"])
    return math.prod(math.comb(g["count"] + sites, sites) for g in estate["groups"])


def _recipe(name: str, kind: str, across: str, *steps: Raw, **more: Any) -> Raw:
    found = {"id": name, "name": name, "kind": kind, "across": across, "preference": 1, "steps": list(steps)}
    found |= {"keeps": ["identifier", "private_ip", "elastic_ip", "data"]}
    return found | {"source": {"assumption": "for a test"}, "products": ["instance"]} | more


def _frame(rng: Random, hosts: int, zones: int = 1) -> Raw:
    """Return an estate without groups; without hosts its zones are the sites."""
    start = {"do": "start", "seconds": rng.randint(1, 3), "serves": True}
    create = {"do": "create_instance", "seconds": rng.randint(1, 3), "serves": True}
    fence = {"do": "fence_original", "seconds": rng.randint(1, 2)}
    stop = {"do": "stop", "seconds": rng.randint(1, 3), "interrupts": True}
    live = {"do": "live_migrate", "serves": True}
    recipes = [
        _recipe("operator-stop-start", "move", "host", stop, start, preference=500),
        _recipe("operator-restart", "recovery", "host", fence, start),
        _recipe("operator-rebuild", "recovery", "host", fence, create, stateful=False, preference=100),
        _recipe("stop-for-others", "resource", "host", {"do": "stop", "seconds": rng.randint(1, 2)}),
        _recipe("own-live", "move", "zone", live, live=True),
        _recipe("own-anew", "recovery", "zone", fence, create, stateful=False),
    ]
    return {
        "estate": "tiny",
        "role": "operator",
        "goals": ["placed", "moves"],
        "zones": [{"id": f"z{k}"} for k in range(zones)],
        "hosts": [{"id": f"h{k}", "in": f"z{k % zones}"} for k in range(hosts)],
        "groups": [],
        "rules": [],
        "migration": {"recipes": recipes} | _pace(rng),
    }


def _pace(rng: Random) -> Raw:
    found: Raw = {}
    if rng.random() < 0.25:
        found["most_at_once"] = rng.randint(1, 2)
    if rng.random() < 0.25:
        found["most_at_once_per"] = {"host": rng.randint(1, 2)}
    return found


def _group(estate: Raw, rng: Random, where: dict[str, int], size: int, **more: Any) -> Raw:
    movability = {"migrate_seconds": rng.randint(1, 5), "may_stop": rng.random() < 0.3}
    demand = {"cpu_milli": size}
    if "memory_mib" in (estate["hosts"] or estate["zones"])[0].get("capacity", {}):
        demand["memory_mib"] = rng.randint(1, 3)
    name = f"g{len(estate['groups'])}"
    found = {"id": name, "count": sum(where.values()), "demand": demand, "current": where}
    estate["groups"].append(found | {"movability": movability} | more)
    return estate["groups"][-1]  # type: ignore[no-any-return]


def _rule(estate: Raw, kind: str, groups: list[str], **more: Any) -> None:
    estate["rules"].append({"rule": kind, "id": f"rule{len(estate['rules'])}", "groups": groups, **more})


def _room(estate: Raw, rng: Random, slack: tuple[int, ...]) -> None:
    """Give every site what it holds and something more, of what the groups ask for."""
    for site in estate["hosts"] or estate["zones"]:
        capacity: dict[str, int] = {}
        for group in estate["groups"]:
            for what, amount in group["demand"].items():
                used = amount * group["current"].get(site["id"], 0)
                capacity[what] = capacity.get(what, 0) + used
        site["capacity"] = {w: max(0, n + rng.choice(slack)) for w, n in capacity.items()}


def _memory(estate: Raw, rng: Random, chance: float) -> None:
    if rng.random() < chance:
        for group in estate["groups"]:
            group["demand"]["memory_mib"] = rng.randint(1, 3)


def _cycle(rng: Random) -> tuple[Raw, Raw]:
    """Two or three change places in a ring; beside it is much, little or no room, and somebody in the way."""
    hosts = rng.randint(2, 4)
    estate = _frame(rng, hosts)
    ring = rng.randint(2, min(3, hosts))
    size = rng.randint(2, 4)
    stuck = rng.random() < 0.6
    for k in range(ring):
        mine = size if stuck or rng.random() < 0.7 else rng.randint(1, 4)
        group = _group(estate, rng, {f"h{k}": 1}, mine)
        group["movability"]["may_stop"] = rng.random() < 0.1
        goal = f"h{(k + 1) % ring}"
        barred = [f"h{j}" for j in range(hosts) if f"h{j}" != goal]
        _rule(estate, "domains", [group["id"]], forbid=barred, continuous=rng.random() < 0.1)
    for _ in range(rng.randint(1, 3)):
        where = f"h{rng.randrange(hosts)}"
        group = _group(estate, rng, {where: 1}, rng.randint(1, 2))
        group["pinned"] = stuck and rng.random() < 0.8
    _memory(estate, rng, 0.3)
    _room(estate, rng, (0, 0, 0, 0 if stuck else 1))
    for host in estate["hosts"][ring:]:
        more = size - 1 if stuck and rng.random() < 0.5 else size
        host["capacity"]["cpu_milli"] = host["capacity"].get("cpu_milli", 0) + more
        if "memory_mib" in host["capacity"]:
            host["capacity"]["memory_mib"] += rng.randint(0, 3)
    _on_the_way(estate, rng)
    return estate, {"mend": True, "strictly": rng.random() < 0.5}


def _tight(rng: Random) -> tuple[Raw, Raw]:
    """A host is to be left; what is on it fits only where somebody smaller makes room."""
    hosts = rng.randint(3, 5)
    estate = _frame(rng, hosts)
    big = rng.randint(2, 4)
    _group(estate, rng, {"h0": 1}, big, priority=rng.choice((0, 0, 5)))
    if rng.random() < 0.4:
        _group(estate, rng, {"h0": 1}, rng.randint(1, 2))
    small = rng.randint(1, big)
    _group(estate, rng, {"h1": 1}, small)
    _group(estate, rng, {f"h{rng.randrange(1, hosts)}": rng.randint(1, 2)}, rng.randint(1, 3))
    if hosts < 5 and rng.random() < 0.5:
        _group(estate, rng, {f"h{rng.randrange(1, hosts)}": 1}, rng.randint(1, 3))
    _memory(estate, rng, 0.3)
    _room(estate, rng, (0, 0, 1))
    for host in estate["hosts"][1:]:
        more = big - small if host["id"] == "h1" else rng.choice((0, small, small))
        host["capacity"]["cpu_milli"] = host["capacity"].get("cpu_milli", 0) + more
    _reach(estate, rng, 0.4)
    _standing(estate, rng, 0.3)
    _on_the_way(estate, rng)
    return estate, {rng.choice(("fail", "drain", "suspect")): ["h0"]}


def _zones(rng: Random) -> tuple[Raw, Raw]:
    """Zones are the sites; one is lost or left, and some may not use what remains."""
    zones = 3
    estate = _frame(rng, 0, zones)
    for _ in range(rng.randint(2, 4)):
        where: dict[str, int] = {}
        for _ in range(rng.randint(1, 2)):
            zone = f"z{rng.randrange(zones)}"
            where[zone] = where.get(zone, 0) + 1
        _group(estate, rng, where, rng.randint(1, 3), priority=rng.choice((0, 0, 0, 3)))
    _room(estate, rng, (0, 1, 2, 3))
    estate["migration"].pop("most_at_once_per", None)
    if rng.random() < 0.7:
        _rule(estate, "domains", [rng.choice(estate["groups"])["id"]], forbid=[f"z{rng.randint(1, 2)}"])
    if rng.random() < 0.3:
        share = rng.choice((0.5, 0.6, 0.75))
        _rule(estate, "spread", [rng.choice(estate["groups"])["id"]], level="zone", largest_share=share)
    for group in estate["groups"]:
        if rng.random() < 0.15:
            group["stateful"] = True
    _standing(estate, rng, 0.2, level="zone")
    return estate, {rng.choice(("fail", "fail", "drain")): ["z0"]}


def _apart(rng: Random) -> tuple[Raw, Raw]:
    """Replicas that never share a host, at no moment, while a host is left or rules are mended."""
    hosts = rng.randint(3, 4)
    estate = _frame(rng, hosts)
    spots = [f"h{k}" for k in range(hosts)]
    for _ in range(2):
        where = dict.fromkeys(rng.sample(spots, rng.randint(1, min(3, hosts - 1))), 1)
        _group(estate, rng, where, rng.randint(1, 2))
    if rng.random() < 0.5:
        _group(estate, rng, {rng.choice(spots): 1}, rng.randint(1, 2))
    _memory(estate, rng, 0.2)
    _room(estate, rng, (0, 1, 2))
    always = rng.random() < 0.7
    _rule(estate, "anti_affinity", ["g0"], level="host", at_most=1, continuous=always)
    if rng.random() < 0.5:
        _rule(estate, "anti_affinity", ["g1"], level="host", at_most=1, continuous=always)
    if rng.random() < 0.4:
        _rule(estate, "separation", ["g0", "g1"], level="host", continuous=rng.random() < 0.6)
    if rng.random() < 0.6:
        _rule(estate, "keep_running", ["g0"], most_down=rng.randint(0, 1))
        for group in estate["groups"]:
            group["movability"]["may_stop"] = True
            group["movability"]["local_disk"] = rng.random() < 0.4
    if rng.random() < 0.5:
        return estate, {"mend": True}
    return estate, {rng.choice(("drain", "suspect", "fail")): ["h0"]}


def _any(rng: Random) -> tuple[Raw, Raw]:
    """Anything, capacities that are exceeded today included."""
    hosts = rng.randint(2, 4)
    estate = _frame(rng, hosts)
    for _ in range(rng.randint(3, 5)):
        where: dict[str, int] = {}
        for _ in range(rng.choice((1, 1, 2))):
            host = f"h{rng.randrange(hosts)}"
            where[host] = where.get(host, 0) + 1
        _group(estate, rng, where, rng.randint(1, 3), priority=rng.choice((0, 0, 2)))
    _memory(estate, rng, 0.3)
    _room(estate, rng, (-1, 0, 0, 1, 2))
    if rng.random() < 0.2:
        estate["hosts"][-1]["most_instances"] = rng.randint(1, 3)
    if rng.random() < 0.2:
        estate["zones"][0]["most_instances"] = sum(g["count"] for g in estate["groups"]) - rng.randint(0, 1)
    _reach(estate, rng, 0.6)
    _standing(estate, rng, 0.5)
    _on_the_way(estate, rng)
    if rng.random() < 0.4:
        share = rng.choice((0.34, 0.5, 0.67))
        _rule(estate, "spread", [rng.choice(estate["groups"])["id"]], level="host", largest_share=share)
    for group in estate["groups"]:
        group["pinned"] = rng.random() < 0.12
        group["stateful"] = rng.random() < 0.2
        if rng.random() < 0.1:
            group["movability"] |= {"local_disk": True, "may_stop": True}
    if rng.random() < 0.35:
        return estate, {"mend": True}
    return estate, {rng.choice(("fail", "drain", "suspect")): ["h0"]}


def _reach(estate: Raw, rng: Random, chance: float) -> None:
    """Bar groups from hosts."""
    names = [host["id"] for host in estate["hosts"]]
    for group in estate["groups"]:
        if rng.random() < chance * 0.6:
            barred = rng.sample(names, rng.randint(1, len(names) - 1))
            _rule(estate, "domains", [group["id"]], forbid=barred, continuous=rng.random() < 0.2)


def _standing(estate: Raw, rng: Random, chance: float, level: str = "host") -> None:
    """Groups that do not crowd, or do not meet."""
    names = [group["id"] for group in estate["groups"]]
    if rng.random() < chance:
        most = rng.choice((1, 1, 2))
        _rule(
            estate, "anti_affinity", [rng.choice(names)], level=level, at_most=most, continuous=rng.random() < 0.4
        )
    if len(names) > 1 and rng.random() < chance:
        _rule(estate, "separation", rng.sample(names, 2), level=level, continuous=rng.random() < 0.3)


def _on_the_way(estate: Raw, rng: Random) -> None:
    """Groups of which enough have to serve at every moment."""
    if rng.random() < 0.2:
        group = rng.choice(estate["groups"])
        _rule(estate, "keep_running", [group["id"]], most_down=rng.randint(0, 1))
