"""Estates about sums: capacity, load, quota, budget."""

from __future__ import annotations

from random import Random

from tests.brute.cases.base import (
    Raw,
    catalogue,
    group,
    groups,
    name_some,
    room,
    rule,
    settle,
    sites,
    soft,
    some_groups,
    total,
    zones,
)


def capacity_sites(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 0, 1, 2)))
    groups(data, rng)
    name_some(data, rng)
    room(data, rng, 0.15, 0.8)
    return data


def capacity_overcommit_reserve(rng: Random) -> Raw:
    data = zones(rng)
    groups(data, rng, 2)
    for site in sites(data):
        cores = max(1, round(total(data) / 1000 * rng.uniform(0.2, 0.7)))
        site["capacity"] = {"cpu_milli": 1000 * cores + rng.choice((0, 250))}
        site["overcommit"] = {"cpu_milli": rng.choice((1.1, 1.5, 2, 0.8))}
        site["reserve"] = {"cpu_milli": rng.choice((0, 500, 1000))}
    return data


def capacity_above(rng: Random) -> Raw:
    """Room of a region, a rack or a whole zone rather than of the site."""
    data = zones(rng, 3, regions=2, hosts=rng.choice((0, 2)))
    groups(data, rng)
    for domain in (*data["regions"], *data["zones"]):
        if rng.random() < 0.7:
            cores = max(1, round(total(data) / 1000 * rng.uniform(0.2, 1.0)))
            domain["capacity"] = {"cpu_milli": {"owned": 500 * cores, "on_offer": 500 * cores}}
    return data


def capacity_flavours(rng: Random) -> Raw:
    data = zones(rng)
    data["flavours"] = [
        {"id": "S2", "resources": {"cpu_cores": 2}, "price": {"r1": 3, "z1": rng.choice((2, 4))}},
        {"id": "S4", "resources": {"cpu_cores": 4, "memory_gib": 8}},
    ]
    group(data, rng, "web", flavour="S2")
    group(data, rng, "db", flavour=rng.choice(("S2", "S4")))
    for site in sites(data):
        site["flavours"] = {
            "S2": rng.choice((0, 1, 2, 3)),
            "S4": {"reserved": 1, "on_offer": rng.choice((0, 2))},
        }
    return data


def capacity_most_instances(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 2)))
    groups(data, rng)
    settle(data, rng)
    for site in sites(data):
        site["most_instances"] = rng.choice((1, 1, 2, 3))
    if rng.random() < 0.3:
        data["regions"][0]["most_instances"] = rng.randint(3, 6)
    return data


def load(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 0, 2)))
    groups(data, rng)
    settle(data, rng, 0.3)
    room(data, rng, 0.5, 1.3)
    level = rng.choice(("zone", "host")) if data.get("hosts") else "zone"
    if level == "zone":
        for zone in data["zones"]:
            zone["capacity"] = {"cpu_milli": max(1000, round(total(data) * rng.uniform(0.5, 1.3)))}
    resources = rng.choice(([], ["cpu_milli"], ["memory_mib"]))
    share = rng.choice((0.3, 0.5, 0.6, 0.85))
    rule(data, "load", level=level, resources=resources, most_share=share, **soft(rng, 0.4))
    return data


def load_safe(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 2)))
    groups(data, rng)
    settle(data, rng, 0.3)
    room(data, rng, 0.6, 1.3)
    level = rng.choice(("zone", "host")) if data.get("hosts") else "zone"
    places = data["hosts"] if level == "host" else data["zones"]
    for place in rng.sample(places, rng.randint(1, len(places))):
        place["safe"] = {"cpu_cores": max(1, round(total(data) / 1000 * rng.uniform(0.2, 0.7)))}
        if rng.random() < 0.3:
            place["safe"]["memory_mib"] = 1024
    resources = rng.choice(([], ["cpu_milli"]))
    rule(data, "load", level=level, resources=resources, **soft(rng, 0.4))
    return data


def free_ratio(rng: Random) -> Raw:
    data = zones(rng, hosts=rng.choice((0, 0, 2)))
    groups(data, rng)
    settle(data, rng, 0.3)
    room(data, rng, 0.5, 1.2)
    level = rng.choice(("zone", "host")) if data.get("hosts") else "zone"
    for place in data["hosts"] if level == "host" else data["zones"]:
        cores = place.get("capacity", {}).get("cpu_cores", total(data) // 1000)
        place["capacity"] = {"cpu_milli": 1000 * cores}
        if rng.random() < 0.9 or place is data["zones"][0]:
            place["capacity"]["memory_mib"] = max(512, round(total(data, "memory_mib") * rng.uniform(0.5, 1.5)))
    if level == "host":
        data["hosts"][0]["capacity"]["memory_mib"] = 2048
    resource, beside, ratio = rng.choice(
        (("memory_mib", "cpu_milli", rng.choice((1, 2))), ("cpu_milli", "memory_mib", 1))
    )
    if rng.random() < 0.5:
        data["goals"] = ["placed", "soft", "cost"]
    rule(data, "free_ratio", level=level, resource=resource, beside=beside, ratio=ratio, **soft(rng, 0.5))
    return data


def quota_instances(rng: Random) -> Raw:
    data = zones(rng, regions=rng.choice((1, 2)))
    groups(data, rng)
    data["groups"][0]["labels"] = {"tier": "front"}
    domain = rng.choice([d["id"] for d in (*data["zones"], *data["regions"])])
    most = rng.choice((0, 1, 2, 3))
    fields: Raw = {"domain": domain} if rng.random() < 0.8 else {}
    chosen: Raw = rng.choice(({"with_labels": {"tier": "front"}}, {"groups": some_groups(data, rng)}))
    rule(data, "quota", most=most if fields else most + 2, **fields, **chosen, **soft(rng))
    return data


def quota_resource(rng: Random) -> Raw:
    data = zones(rng)
    groups(data, rng, 2)
    most = round(total(data) * rng.choice((0.2, 0.4, 0.7)))
    domain: Raw = {"domain": rng.choice(("z1", "z2"))} if rng.random() < 0.7 else {}
    rule(data, "quota", resource="cpu_milli", most=most, groups=some_groups(data, rng), **domain, **soft(rng))
    return data


def quota_flavour_account_product(rng: Random) -> Raw:
    data = zones(rng)
    data["catalogues"] = [catalogue()]
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    data["flavours"] = [{"id": "S2", "resources": {"cpu_cores": 2}}]
    group(data, rng, "web", flavour="S2", account=rng.choice(("main", "other")))
    group(data, rng, "db", product=rng.choice(("vm", "metal")), account=rng.choice(("main", "other")))
    what: Raw = rng.choice(({"flavour": "S2"}, {"account": "other"}, {"product": "metal"}, {"product": "vm"}))
    rule(data, "quota", domain=rng.choice(("r1", "z1", "z2")), most=rng.choice((0, 1, 2)), **what, **soft(rng))
    return data


def budget(rng: Random) -> Raw:
    data = zones(rng)
    data["taken_at"] = "2025-01-10T00:00:00+00:00"
    until = rng.choice(("2025-06-01T00:00:00+03:00", "2025-01-01T00:00:00+00:00"))
    groups(data, rng)
    settle(data, rng, 0.6)
    name_some(data, rng)
    for entry in data["groups"]:
        if rng.random() < 0.4:
            entry["billing"] = {"mode": "prepaid", "paid_until": until}
    room(data, rng)
    if rng.random() < 0.6:
        data["goals"] = ["placed", "moves", "cost"]
    money = total(data) / 1000 * rng.uniform(0.5, 3)
    domain: Raw = {"domain": rng.choice(("z1", "z2"))} if rng.random() < 0.4 else {}
    where = some_groups(data, rng)
    rule(data, "budget", per_month=round(money, 2), groups=where, **domain, **soft(rng, 0.15))
    return data


CAPACITY = (
    capacity_sites,
    capacity_overcommit_reserve,
    capacity_above,
    capacity_flavours,
    capacity_most_instances,
)
LOAD = (load, load_safe)
FREE_RATIO = (free_ratio,)
QUOTA = (quota_instances, quota_resource, quota_flavour_account_product)
BUDGET = (budget,)
