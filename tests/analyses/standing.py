"""Tiny random estates in which everybody runs somewhere and nothing is broken."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.brute import judging, witness
from tests.brute.facts import Facts
from tests.brute.scene import Rows, Scene

Raw = dict[str, Any]


def ground(rng: Random) -> Raw:
    """Three or four zones, or two or three with hosts, with some room to spare."""
    data: Raw = {"estate": "standing", "regions": [{"id": "r1"}], "goals": ["placed"], "groups": [], "rules": []}
    deep = rng.random() < 0.5
    number = rng.choice((2, 3)) if deep else rng.choice((3, 3, 4))
    data["zones"] = [{"id": f"z{i + 1}", "in": "r1"} for i in range(number)]
    if deep:
        data["hosts"] = [{"id": f"{z['id']}-h{h + 1}", "in": z["id"]} for z in data["zones"] for h in range(2)]
        if number == 2 and rng.random() < 0.5:
            data["hosts"].append({"id": "z1-h3", "in": "z1"})
    left = rng.choice((4, 5, 6))
    for name in ("web", "db", "job"):
        count = min(left, rng.choice((1, 2, 2, 3)))
        if count:
            data["groups"].append({"id": name, "count": count, "demand": {"cpu_cores": rng.choice((1, 1, 2, 3))}})
            left -= count
    total = sum(g["count"] * g["demand"]["cpu_cores"] for g in data["groups"])
    sites = data.get("hosts", data["zones"])
    for site in sites:
        site["capacity"] = {"cpu_cores": max(1, round(total * rng.uniform(0.9, 2.4) / len(sites)))}
    return data


def _names(data: Raw) -> list[str]:
    return [group["id"] for group in data["groups"]]


def _some(data: Raw, rng: Random) -> list[str]:
    return sorted(rng.sample(_names(data), rng.randint(1, len(data["groups"]))))


def _zones(data: Raw) -> list[str]:
    return [zone["id"] for zone in data["zones"]]


def anti_affinity(data: Raw, rng: Random) -> None:
    level = "host" if data.get("hosts") else "zone"
    most = rng.choice((1, 1, 2))
    data["rules"].append({"rule": "anti_affinity", "level": level, "groups": _some(data, rng), "at_most": most})


def spread(data: Raw, rng: Random) -> None:
    asked: Raw = rng.choice(({"least_domains": 2}, {"largest_share": 0.5}, {"skew": 1}, {"most_domains": 2}))
    data["rules"].append({"rule": "spread", "groups": [rng.choice(_names(data))], **asked})


def domains(data: Raw, rng: Random) -> None:
    data["rules"].append(
        {"rule": "domains", "groups": [rng.choice(_names(data))], "forbid": [rng.choice(_zones(data))]}
    )


def separation(data: Raw, rng: Random) -> None:
    level = "host" if data.get("hosts") else "zone"
    if len(data["groups"]) > 1:
        data["rules"].append({"rule": "separation", "level": level, "groups": sorted(rng.sample(_names(data), 2))})


def affinity(data: Raw, rng: Random) -> None:
    if len(data["groups"]) > 1:
        one, other = rng.sample(_names(data), 2)
        data["rules"].append({"rule": "affinity", "level": "zone", "groups": [one], "to": other})


def quota(data: Raw, rng: Random) -> None:
    domain = rng.choice(_zones(data))
    data["rules"].append(
        {"rule": "quota", "groups": _some(data, rng), "domain": domain, "most": rng.choice((2, 3))}
    )


def stock(data: Raw, rng: Random) -> None:
    """Part of the room is for sale only."""
    for site in data.get("hosts", data["zones"]):
        cores = site["capacity"].get("cpu_cores")
        if cores and rng.random() < 0.5:
            sure = rng.randint(0, cores)
            site["capacity"] = {"cpu_milli": {"owned": 1000 * sure, "on_offer": 1000 * (cores - sure)}}


def zone_capacity(data: Raw, rng: Random) -> None:
    total = sum(g["count"] * g["demand"]["cpu_cores"] for g in data["groups"])
    zone = rng.choice(data["zones"])
    if "cpu_milli" not in zone.get("capacity", {}):
        zone["capacity"] = {"cpu_cores": max(1, round(total * rng.uniform(0.4, 0.9)))}


def needs(data: Raw, rng: Random) -> None:
    """What a group needs to do its work."""
    group = rng.choice(data["groups"])
    asked = rng.choice(("load", "quorum", "balancer"))
    if asked == "load":
        group |= {"load": rng.choice((100, 150, 250)), "throughput": 100}
    elif asked == "quorum":
        group["quorum"] = rng.choice(("majority", 1, 2))
    elif "load_balancers" not in data:
        entry = {"id": "lb", "kind": "any", "zones": [rng.choice(_zones(data))], "backends": [group["id"]]}
        data["load_balancers"] = [{**entry, "least_backends": rng.choice((1, 2))}]


def state(data: Raw, rng: Random) -> None:
    """Data that a new instance would not have, with copies or without."""
    group = rng.choice(data["groups"])
    group["stateful"] = True
    if rng.random() < 0.5 and "snapshots" not in data:
        home = {"zone": rng.choice(_zones(data))} if rng.random() < 0.5 else {}
        data["snapshots"] = [{"id": "copy", "region": "r1", "of": group["id"], **home}]
        group["snapshots"] = ["copy"]


def pinned(data: Raw, rng: Random) -> None:
    rng.choice(data["groups"])["pinned"] = True


def priority(data: Raw, rng: Random) -> None:
    rng.choice(data["groups"])["priority"] = rng.choice((5, 9))


def zone_state(data: Raw, rng: Random) -> None:
    rng.choice(data["zones"])["state"] = rng.choice(("sold_out", "draining"))


#: What else an estate may have, with how often each is drawn.
FEATURES: dict[Callable[[Raw, Random], None], int] = {
    anti_affinity: 5,
    spread: 2,
    domains: 3,
    separation: 2,
    affinity: 1,
    quota: 2,
    stock: 2,
    zone_capacity: 2,
    needs: 3,
    state: 2,
    pinned: 1,
    priority: 3,
    zone_state: 1,
}


def drawn(rng: Random, features: dict[Callable[[Raw, Random], None], int] | None = None) -> Raw:
    """An estate where everybody runs."""
    while True:
        data = ground(rng)
        chosen = features or FEATURES
        for feature in rng.choices(list(chosen), list(chosen.values()), k=rng.randint(1, 4)):
            feature(data, rng)
        if settled(data, rng):
            return data


def settled(data: Raw, rng: Random, tries: int = 60) -> bool:
    """Put everybody somewhere at random so that nothing is broken; return whether that was found."""
    facts = Facts(data)
    for _ in range(tries):
        rows: Rows = {}
        for unit in facts.units:
            for _ in range(unit.count):
                cell = (unit.index, rng.choice(facts.sites), None)
                rows[cell] = rows.get(cell, 0) + 1
        if _stands(Scene(_with(data, rows), rows)):
            for unit, group in zip(facts.units, data["groups"], strict=True):
                group["current"] = {site: n for (index, site, _), n in rows.items() if index == unit.index}
            return True
    return False


def _with(data: Raw, rows: Rows) -> Facts:
    """The facts with this placement as today's, so that closed zones keep who is there."""
    groups = [
        {**group, "current": {site: n for (i, site, _), n in rows.items() if i == index}}
        for index, group in enumerate(data["groups"])
    ]
    return Facts({**data, "groups": groups})


def _stands(scene: Scene) -> bool:
    if any(
        not rule.get("soft") and rule.get("mode") != "evacuate" and any(n > 0 for _, n in check(scene, rule))
        for _, _, rule, check in judging.active(scene)
    ):
        return False
    return witness.complete(scene) is not None
