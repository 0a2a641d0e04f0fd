"""Estates with several rules of any kind at once, hard and soft: what one says where others speak too."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute.cases.base import Raw, groups, name_some, room, settle, soft, some_groups, zones


def any_rule(data: Raw, rng: Random) -> Raw:
    """Draw a rule of any kind that fits the estate."""
    names = [g["id"] for g in data["groups"]]
    places = [z["id"] for z in data["zones"]]
    level = (
        rng.choice(("zone", "zone", "region", "host"))
        if data.get("hosts")
        else rng.choice(("zone", "zone", "region"))
    )
    one = rng.choice(names)
    chosen: Raw = {"groups": some_groups(data, rng)}
    drawn: list[Any] = [
        {"rule": "anti_affinity", "level": level, "at_most": rng.choice((1, 2, 3)), **chosen},
        {"rule": "affinity", "level": level, **chosen},
        {"rule": "spread", "level": level, "least_domains": 2, **chosen},
        {"rule": "spread", "level": level, "skew": rng.choice((1, 2)), **chosen},
        {"rule": "spread", "level": level, "largest_share": rng.choice((0.5, 0.7)), **chosen},
        {"rule": "spread", "level": level, "shape": "single", **chosen},
        {"rule": "spread", "level": level, "least_each": 1, **chosen},
        {"rule": "domains", "forbid": [rng.choice(places)], **chosen},
        {"rule": "domains", "allow": rng.sample(places, 2), **chosen},
        {"rule": "quota", "domain": rng.choice(places), "most": rng.choice((1, 2, 3)), **chosen},
        {"rule": "budget", "per_month": rng.choice((5, 10, 20)), **chosen},
        {"rule": "load", "level": "zone", "most_share": rng.choice((0.5, 0.8))},
        {"rule": "pin", "domain": rng.choice((places[0], "r1")), "groups": [one]},
        {"rule": "pin", "groups": [one]},
        {"rule": "latency", "between": [one, rng.choice(names)], "limit_ms": rng.choice((1, 3))},
        {"rule": "latency", "quorum": one, "limit_ms": rng.choice((1, 3)), "under_failure": rng.random() < 0.3},
        {"rule": "synchronous_replicas", "groups": [one]},
        {"rule": "survive", "level": "zone", **chosen},
        {"rule": "survive", "level": "zone", "mode": "evacuate", **chosen},
    ]
    if len(names) > 1:
        two = rng.sample(names, 2)
        drawn.append({"rule": "separation", "level": level, "groups": two})
        drawn.append({"rule": "affinity", "level": level, "groups": two[:1], "to": two[1]})
    return dict(rng.choice(drawn))


def _several(rng: Random, hosts: int) -> Raw:
    data = zones(rng, 2 if hosts else 3, regions=rng.choice((1, 1, 2)), hosts=hosts)
    groups(data, rng, 2)
    for entry in data["groups"]:
        entry["count"] = min(entry["count"], 2 if hosts else 3)
        if rng.random() < 0.15:
            entry["all_or_nothing"] = True
    settle(data, rng, 0.3)
    name_some(data, rng, 0.2)
    room(data, rng, 0.4, 1.2)
    data["latencies"] = [{"between": ["r1", "r1"], "rtt_ms": rng.choice((0.5, 2))}]
    data["links"] = [{"between": ["z1", "z2"], "synchronous": rng.random() < 0.7}]
    if rng.random() < 0.3:
        zone = rng.choice(data["zones"])
        zone["state"] = rng.choice(("sold_out", "draining", "failed"))
    if rng.random() < 0.3:
        lb: Raw = {"id": "lb", "kind": "any", "backends": ["web"], "least_backends": rng.choice((0, 1, 2))}
        lb |= {"region": "r1", "least_per_zone": rng.choice((0, 1))}
        data["load_balancers"] = [lb]
    for number in range(rng.choice((2, 3, 3, 4))):
        entry = any_rule(data, rng)
        if entry.get("mode") != "evacuate":
            entry |= soft(rng, 0.3 if number else 0)
        if not number:
            entry["id"] = "target"
        data["rules"].append(entry)
    return data


def several_on_zones(rng: Random) -> Raw:
    return _several(rng, 0)


def several_on_hosts(rng: Random) -> Raw:
    return _several(rng, 2)


SEVERAL = (several_on_zones, several_on_hosts)
