"""Estates about distance and loss: latency, synchronous replicas, survival, all or nothing."""

from __future__ import annotations

from itertools import combinations
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


def _far(rng: Random, *, regions: int | None = None, number: int | None = None, hosts: int = 0) -> Raw:
    """Zones with round trips between them, some not stated."""
    regions = regions or rng.choice((1, 1, 2))
    data = zones(rng, rng.choice((2, 3, 4)) if not hosts else 2, regions=regions, hosts=hosts)
    groups(data, rng, number)
    settle(data, rng, 0.3)
    room(data, rng, 0.4, 1.1)
    data["latencies"] = [
        {"between": [a["id"], b["id"]], "rtt_ms": rng.choice((0.5, 1, 2.5, 8))}
        for a, b in combinations(data["zones"], 2)
        if rng.random() < 0.7
    ]
    if rng.random() < 0.6:
        data["latencies"].append({"between": ["r1", "r1"], "rtt_ms": rng.choice((1, 2))})
    if regions == 2 and rng.random() < 0.6:
        data["latencies"].append({"between": ["r1", "r2"], "rtt_ms": rng.choice((3, 30))})
    if rng.random() < 0.2:
        zone = rng.choice(data["zones"])["id"]
        data["latencies"].append({"between": [zone, zone], "rtt_ms": rng.choice((0.1, 5))})
    return data


def latency_between(rng: Random) -> Raw:
    data = _far(rng, number=2)
    if rng.random() < 0.4:
        far = rng.choice(data["zones"])["id"]
        data["rules"].append({"rule": "domains", "groups": ["db"], "forbid": [far]})
    rule(data, "latency", between=["web", "db"], limit_ms=rng.choice((0.7, 1, 2, 5)), **soft(rng))
    return data


def latency_within(rng: Random) -> Raw:
    data = _far(rng, hosts=rng.choice((0, 0, 2)))
    level = "host" if data.get("hosts") else "zone"
    rule(data, "latency", between=["web", "web"], level=level, limit_ms=rng.choice((0.7, 1, 2)), **soft(rng))
    return data


def latency_quorum(rng: Random) -> Raw:
    data = _far(rng, number=1)
    data["groups"][0]["count"] = rng.choice((2, 3, 4, 5))
    data["groups"][0].pop("current", None)
    room(data, rng, 0.25, 0.8)
    fields: Raw = {"leader": rng.choice([z["id"] for z in data["zones"]])} if rng.random() < 0.4 else {}
    failing = rng.random() < 0.4
    rule(
        data,
        "latency",
        quorum="web",
        limit_ms=rng.choice((0.7, 1, 2)),
        under_failure=failing,
        **fields,
        **soft(rng),
    )
    return data


def latency_clients(rng: Random) -> Raw:
    data = _far(rng, regions=2)
    data["clients"] = [{"id": "north"}, {"id": "south", "region": rng.choice(("r1", "r2"))}]
    for zone in data["zones"]:
        if rng.random() < 0.8:
            data["latencies"].append({"between": ["north", zone["id"]], "rtt_ms": rng.choice((2, 5, 20))})
    data["groups"][0]["clients"] = {"north": 0.7, "south": 0.3}
    if rng.random() < 0.6:
        data["goals"] = [
            "placed",
            "soft",
            *rng.choice((["cost"], ["client_latency", "cost"], ["cost", "client_latency"])),
        ]
    locations = rng.choice(([], ["north"], ["south"], ["north", "south"]))
    limit = rng.choice((2, 5, 10))
    failing = rng.random() < 0.3
    rule(
        data,
        "latency",
        clients="web",
        limit_ms=limit,
        locations=locations,
        under_failure=failing,
        **soft(rng),
    )
    return data


def synchronous_replicas(rng: Random) -> Raw:
    data = zones(rng, rng.choice((2, 3, 4)), regions=rng.choice((1, 2)))
    groups(data, rng)
    settle(data, rng, 0.3)
    room(data, rng, 0.25, 0.8)
    data["links"] = [
        {"between": [a["id"], b["id"]], "synchronous": rng.random() < 0.6}
        for a, b in combinations(data["zones"], 2)
        if rng.random() < 0.4
    ]
    if rng.random() < 0.35:
        data["links"].append({"between": ["r1", "r1"], "synchronous": True})
    if rng.random() < 0.4 and len(data["regions"]) == 2:
        data["links"].append({"between": ["r1", "r2"], "synchronous": rng.random() < 0.5, "private": True})
    if rng.random() < 0.4:
        names = [g["id"] for g in data["groups"]]
        data["rules"].append({"rule": "spread", "least_domains": 2, "groups": [rng.choice(names)]})
    rule(data, "synchronous_replicas", groups=some_groups(data, rng), **soft(rng))
    return data


def _standing(rng: Random, *, number: int | None = None, level: str = "zone") -> Raw:
    deep = level != "zone"
    data = zones(rng, 2 if deep else rng.choice((3, 4)), hosts=2 if deep else 0, racks=level == "rack")
    groups(data, rng, number)
    settle(data, rng, 0.25)
    room(data, rng, 0.3, 1.1)
    return data


def survive_static_plain(rng: Random) -> Raw:
    level = rng.choice(("zone", "zone", "host", "rack"))
    data = _standing(rng, level=level)
    asked: Raw = rng.choice(({}, {"keep": 1}, {"keep": 2}, {"keep_share": 0.5}, {"keep_share": 0.6}, {"keep": 0}))
    lose = rng.choice((1, 1, 2))
    rule(data, "survive", level=level, lose=lose, groups=some_groups(data, rng), **asked, **soft(rng))
    return data


def survive_static_needs(rng: Random) -> Raw:
    """What has to remain follows from load, quorum and balancers."""
    data = _standing(rng)
    for entry in data["groups"]:
        need = rng.choice(("load", "quorum", "balancer"))
        if need == "load":
            entry |= {"load": rng.choice((100, 150, 250)), "throughput": 100}
        elif need == "quorum":
            entry["quorum"] = rng.choice(("majority", "majority", 1, 2))
        else:
            lb = {"id": f"lb-{entry['id']}", "kind": "any", "zones": ["z1"], "backends": [entry["id"]]}
            data.setdefault("load_balancers", []).append({**lb, "least_backends": rng.choice((1, 2))})
    domains = rng.choice(([], [], ["z1"], ["z1", "z2"]))
    rule(data, "survive", domains=domains, groups=some_groups(data, rng), **soft(rng))
    return data


def _evacuating(rng: Random, *, level: str = "zone", **fields: Any) -> Raw:
    deep = level != "zone"
    data = zones(rng, 2 if deep else 3, hosts=2 if deep else 0, racks=level == "rack")
    groups(data, rng)
    for entry in data["groups"]:
        entry["count"] = min(entry["count"], 2 if deep else 3)
    settle(data, rng, 0.25)
    low, high = rng.choice(((0.3, 0.7), (0.4, 0.9), (0.5, 1.3)))
    room(data, rng, low, high)
    rule(data, "survive", mode="evacuate", level=level, groups=some_groups(data, rng), **fields)
    return data


def survive_evacuate_zone(rng: Random) -> Raw:
    return _evacuating(rng, lose=rng.choice((1, 1, 1, 2)))


def survive_evacuate_below(rng: Random) -> Raw:
    return _evacuating(rng, level=rng.choice(("host", "rack")))


def survive_evacuate_stock(rng: Random) -> Raw:
    """Part of the room is only on offer; whole zones have room of their own too."""
    data = _evacuating(rng, on_offer=rng.random() < 0.3)
    for site in sites(data):
        cores = site["capacity"]["cpu_cores"]
        sure = rng.randint(0, cores)
        stock = {
            "owned": 1000 * sure,
            "reserved": 1000 * rng.choice((0, 1)),
            "on_offer": 1000 * (cores - sure),
        }
        site["capacity"] = {"cpu_milli": stock}
    return data


def survive_evacuate_data(rng: Random) -> Raw:
    """Stateful, pinned and local: what has to have a copy elsewhere."""
    data = _evacuating(rng, level=rng.choice(("zone", "zone", "host")), domains=[])
    data["snapshots"] = [
        {"id": "s1", "region": "r1", "zone": rng.choice(("z1", "z2"))},
        {"id": "s2", "region": "r1"},
    ]
    for entry in data["groups"]:
        if rng.random() < 0.6:
            entry |= {"stateful": True, "snapshots": rng.choice(([], ["s1"], ["s1"], ["s2"], ["s1", "s2"]))}
        if rng.random() < 0.3:
            entry["movability"] = {"local_disk": True}
        if entry.get("current") and rng.random() < 0.3:
            entry["pinned"] = True
    return data


def survive_evacuate_rules(rng: Random) -> Raw:
    """Other rules hold after the evacuation too."""
    data = _evacuating(rng)
    names = [g["id"] for g in data["groups"]]
    others: list[Raw] = [
        {"rule": "anti_affinity", "level": "zone", "at_most": 2},
        {"rule": "spread", "skew": 1},
        {"rule": "spread", "largest_share": 0.67},
        {"rule": "spread", "most_domains": 2},
        {"rule": "spread", "least_each": 1},
        {"rule": "domains", "groups": names[:1], "forbid": ["z3"]},
        {"rule": "quota", "domain": "z1", "most": 2},
        {"rule": "load", "level": "zone", "most_share": 0.9},
        {"rule": "affinity", "level": "zone", "groups": names},
        {"rule": "budget", "per_month": 30},
        {"rule": "pin", "domain": "z2", "groups": names[-1:]},
    ]
    if len(names) > 1:
        others.append({"rule": "separation", "level": "zone", "groups": names})
        others.append({"rule": "affinity", "level": "zone", "groups": ["web"], "to": "db"})
    data["rules"] += rng.sample(others, rng.choice((1, 1, 2)))
    if rng.random() < 0.25:
        data["zones"][0]["state"] = "sold_out"
    return data


def survive_evacuate_network(rng: Random) -> Raw:
    """Addresses and balancers after the evacuation."""
    data = zones(rng, 3)
    group(data, rng, "web", rng.choice((1, 2, 2)), vpcs=["v1"])
    room(data, rng, 0.6, 1.3)
    data["vpcs"] = [{"id": "v1", "region": "r1", "cidr": "10.0.0.0/26"}]
    data["subnets"] = [
        {"id": f"s{i}", "vpc": "v1", "cidr": f"10.0.0.{8 * i}/29", "used": rng.randint(5, 8), **home}
        for i, home in enumerate(rng.choice(([{}], [{"zone": "z1"}, {"zone": "z2"}, {}], [{"zone": "z1"}, {}])))
    ]
    if rng.random() < 0.5:
        data["load_balancers"] = [
            {
                "id": "lb",
                "kind": "any",
                "region": "r1",
                "backends": ["web"],
                "zone_count": rng.choice((1, 2)),
                "least_per_zone": rng.choice((0, 1)),
                "least_backends": rng.choice((0, 1, 2)),
            }
        ]
    rule(data, "survive", mode="evacuate", domains=rng.choice(([], [], ["z1", "z2"])))
    return data


def survive_evacuate_together(rng: Random) -> Raw:
    """Two rules that agree share one evacuation; a third differs and has its own."""
    data = _evacuating(rng)
    if len(data["groups"]) == 1:
        group(data, rng, "db", 2)
    data["rules"][0]["groups"] = ["web"]
    data["rules"].append({"rule": "survive", "mode": "evacuate", "groups": ["db"]})
    if rng.random() < 0.3:
        data["rules"].append({"rule": "survive", "mode": "evacuate", "groups": ["db"], "domains": ["z1"]})
    return data


def availability_above(rng: Random) -> Raw:
    """Rates of regions and zones: few states, all of them written down."""
    data = zones(rng, rng.choice((2, 3, 3, 4)), regions=rng.choice((1, 1, 2)))
    return _rated(data, rng)


def availability_below(rng: Random) -> Raw:
    """Rates of racks and hosts too."""
    racks = rng.random() < 0.4
    data = zones(rng, 2, hosts=rng.choice((2, 3)), racks=racks)
    return _rated(data, rng)


def _rated(data: Raw, rng: Random) -> Raw:
    groups(data, rng)
    settle(data, rng, 0.25)
    room(data, rng, 0.4, 1.1)
    for section, chance in (("regions", 0.3), ("zones", 0.9), ("racks", 0.5), ("hosts", 0.7)):
        for domain in data.get(section, []):
            if rng.random() < chance:
                domain["failures_per_year"] = rng.choice((0.5, 1, 2, 2, 4))
                domain["hours_to_repair"] = rng.choice((8.76, 8.76, 4, 876, 2628))
    for entry in data["groups"]:
        need = rng.choice(("none", "load", "quorum", "quorum"))
        if need == "load":
            entry |= {"load": 100 * rng.randint(1, entry["count"]), "throughput": 100}
        elif need == "quorum":
            entry["quorum"] = rng.choice(("majority", "majority", 1, 2))
        if rng.random() < 0.5:
            entry["targets"] = {"availability": rng.choice((0.5, 0.9, 0.99, 0.998, 0.9995))}
    asked: Raw = (
        {} if rng.random() < 0.3 else {"at_least": rng.choice((0.7, 0.99, 0.995, 0.999, 0.9999, 0.998001))}
    )
    rule(data, "availability", groups=some_groups(data, rng), **asked, **soft(rng))
    return data


def all_or_nothing_partial(rng: Random) -> Raw:
    data = zones(rng, rng.choice((2, 3)))
    groups(data, rng)
    for entry in data["groups"]:
        entry["all_or_nothing"] = rng.random() < 0.8
        entry["count"] = min(3, entry["count"])
        if rng.random() < 0.3:
            entry["priority"] = 4
    name_some(data, rng, 0.2)
    room(data, rng, 0.05, 0.5)
    return data


LATENCY = (latency_between, latency_within, latency_quorum, latency_clients)
SYNCHRONOUS_REPLICAS = (synchronous_replicas,)
SURVIVE_STATIC = (survive_static_plain, survive_static_needs)
SURVIVE_EVACUATE = (
    survive_evacuate_zone,
    survive_evacuate_below,
    survive_evacuate_stock,
    survive_evacuate_data,
    survive_evacuate_rules,
    survive_evacuate_network,
    survive_evacuate_together,
)
AVAILABILITY = (availability_above, availability_below)
ALL_OR_NOTHING = (all_or_nothing_partial,)
