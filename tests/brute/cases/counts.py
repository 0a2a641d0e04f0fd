"""Estates about who is where and with whom: anti-affinity, affinity, separation, spread, pins."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute.cases.base import (
    Raw,
    group,
    groups,
    name_some,
    room,
    rule,
    settle,
    sites,
    soft,
    some_groups,
    zones,
)


def _ground(rng: Random, *, level: str = "zone", number: int | None = None, low: float = 0.4) -> Raw:
    """Zones or hosts with groups, some of them at home somewhere."""
    deep = level in ("host", "rack")
    regions = 2 if level == "region" else 1
    count = 2 if deep else rng.choice((2, 3, 4)) if number is None else None
    data = zones(rng, count, regions=regions, hosts=2 if deep else 0, racks=level == "rack")
    groups(data, rng, number)
    settle(data, rng, 0.4)
    name_some(data, rng, 0.2)
    room(data, rng, low, 1.2)
    if rng.random() < 0.2:
        rng.choice(data["zones"])["state"] = rng.choice(("sold_out", "failed"))
    return data


def anti_affinity_zone(rng: Random) -> Raw:
    data = _ground(rng)
    data["groups"][0]["labels"] = {"ha": "yes"}
    chosen: Raw = rng.choice(({"groups": some_groups(data, rng)}, {"with_labels": {"ha": "yes"}}))
    rule(data, "anti_affinity", level="zone", at_most=rng.choice((1, 1, 2)), **chosen, **soft(rng))
    return data


def anti_affinity_below(rng: Random) -> Raw:
    level = rng.choice(("host", "rack", "host"))
    data = _ground(rng, level=level)
    rule(data, "anti_affinity", level=level, groups=some_groups(data, rng), **soft(rng))
    return data


def affinity_together(rng: Random) -> Raw:
    level = rng.choice(("zone", "zone", "region", "host"))
    data = _ground(rng, level=level, number=2)
    rule(data, "affinity", level=level, groups=some_groups(data, rng), **soft(rng))
    return data


def affinity_to(rng: Random) -> Raw:
    level = rng.choice(("zone", "zone", "host"))
    data = _ground(rng, level=level, number=2, low=0.3)
    if rng.random() < 0.6:
        far = rng.choice(data["zones"])["id"]
        data["rules"].append({"rule": "domains", "groups": ["db"], "forbid": [far]})
    rule(data, "affinity", level=level, groups=["web"], to="db", **soft(rng))
    return data


def affinity_to_several(rng: Random) -> Raw:
    level = rng.choice(("zone", "zone", "host"))
    data = _ground(rng, level=level, number=3, low=0.4)
    for entry in data["groups"]:
        entry["count"] = rng.choice((1, 2))
        entry.pop("current", None)
    data.pop("instances", None)
    if rng.random() < 0.5:
        data["rules"].append({"rule": "anti_affinity", "groups": ["db"], "level": level})
    rule(data, "affinity", level=level, groups=["web"], to=["db", "job"], **soft(rng))
    return data


def separation(rng: Random) -> Raw:
    level = rng.choice(("zone", "zone", "host", "region"))
    number = rng.choice((2, 2, 3))
    data = _ground(rng, level=level, number=number, low=0.5)
    names = [g["id"] for g in data["groups"]]
    for entry in data["groups"][2:]:
        entry["count"] = 1
        entry.pop("current", None)
        data["instances"] = [i for i in data.get("instances", []) if i["group"] != entry["id"]]
    rule(data, "separation", level=level, groups=names, **soft(rng))
    return data


def _spread(rng: Random, **fields: Any) -> Raw:
    level = rng.choice(("zone", "zone", "zone", "region", "host"))
    data = _ground(rng, level=level)
    rule(data, "spread", level=level, groups=some_groups(data, rng), **fields)
    return data


def spread_least_domains(rng: Random) -> Raw:
    return _spread(rng, least_domains=rng.choice((2, 2, 3)), **soft(rng))


def spread_most_domains(rng: Random) -> Raw:
    return _spread(rng, most_domains=rng.choice((1, 1, 2)), **soft(rng))


def spread_least_each(rng: Random) -> Raw:
    return _spread(rng, least_each=1, **soft(rng))


def spread_skew(rng: Random) -> Raw:
    return _spread(rng, skew=rng.choice((0, 1, 1, 2)), **soft(rng))


def spread_largest_share(rng: Random) -> Raw:
    return _spread(rng, largest_share=rng.choice((0.34, 0.5, 0.6, 0.75)), **soft(rng))


def spread_even(rng: Random) -> Raw:
    return _spread(rng, shape="even", **soft(rng))


def spread_balanced(rng: Random) -> Raw:
    return _spread(rng, shape="balanced", **soft(rng, 1))


def spread_single(rng: Random) -> Raw:
    return _spread(rng, shape="single", **soft(rng))


def spread_several(rng: Random) -> Raw:
    return _spread(rng, least_domains=2, skew=1, largest_share=0.6, **soft(rng))


def pin_today(rng: Random) -> Raw:
    data = _ground(rng, low=0.3)
    settle(data, rng, 0.9)
    data.pop("instances", None)
    if rng.random() < 0.6:
        data["goals"] = ["placed", "cost"]
    rule(data, "pin", groups=some_groups(data, rng), **soft(rng))
    return data


def pin_instances(rng: Random) -> Raw:
    data = zones(rng)
    group(data, rng, "web", 3)
    group(data, rng, "db", 1)
    room(data, rng, 0.3, 1)
    data["instances"] = [
        {"id": f"web[{n}]", "group": "web", "site": rng.choice(data["zones"])["id"]} for n in range(2)
    ]
    data["goals"] = ["placed", "cost"]
    if rng.random() < 0.25:
        rng.choice(data["zones"])["state"] = "failed"
    rule(data, "pin", groups=["web"], instances=rng.choice((["web[0]"], ["web[0]", "web[1]"])), **soft(rng))
    return data


def pin_domain(rng: Random) -> Raw:
    data = _ground(rng, low=0.2)
    domain = rng.choice([z["id"] for z in data["zones"]])
    rule(data, "pin", domain=domain, groups=some_groups(data, rng), **soft(rng))
    return data


def pinned_groups(rng: Random) -> Raw:
    data = _ground(rng, low=0.3)
    settle(data, rng, 0.9)
    data.pop("instances", None)
    if rng.random() < 0.7:
        data["goals"] = ["placed", "cost"]
    for entry in data["groups"]:
        entry["pinned"] = rng.random() < 0.8
    return data


def pinned_instances(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 2)))
    group(data, rng, "web", rng.choice((2, 3)), pinned=rng.random() < 0.3)
    room(data, rng, 0.3, 0.9)
    places = [s["id"] for s in sites(data)]
    data["instances"] = [
        {"id": f"web[{n}]", "group": "web", "site": rng.choice(places), "pinned": rng.random() < 0.7}
        for n in range(2)
    ]
    if rng.random() < 0.3:
        rng.choice(data["zones"])["state"] = rng.choice(("failed", "sold_out"))
    data["goals"] = ["placed", "cost"]
    return data


ANTI_AFFINITY = (anti_affinity_zone, anti_affinity_below)
AFFINITY = (affinity_together, affinity_to, affinity_to_several)
SEPARATION = (separation,)
SPREAD = (
    spread_least_domains,
    spread_most_domains,
    spread_least_each,
    spread_skew,
    spread_largest_share,
    spread_even,
    spread_balanced,
    spread_single,
    spread_several,
)
PIN = (pin_today, pin_instances, pin_domain)
PINNED = (pinned_groups, pinned_instances)
