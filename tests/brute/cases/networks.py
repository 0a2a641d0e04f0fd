"""Estates about private networks, subnets and load balancers."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute.cases.base import SOURCE, Raw, catalogue, group, groups, room, settle, zones


def network_regions(rng: Random) -> Raw:
    """A network per region, some of another account."""
    data = zones(rng, rng.choice((2, 3, 4)), regions=2)
    groups(data, rng)
    settle(data, rng, 0.4)
    room(data, rng, 0.4, 1.1)
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    data["vpcs"] = [
        {"id": f"v{i}", "region": region, **rng.choice(({}, {}, {"account": rng.choice(("main", "other"))}))}
        for i, region in enumerate(("r1", "r1", "r2"))
    ]
    for entry in data["groups"]:
        entry["vpcs"] = rng.sample(("v0", "v1", "v2"), rng.randint(0, 2))
        if rng.random() < 0.3:
            entry["account"] = "other"
    return data


def _chain(rng: Random, number: int = 2) -> Raw:
    data = zones(rng, rng.choice((2, 3)), regions=2)
    groups(data, rng, number)
    for entry in data["groups"]:
        entry["count"] = min(entry["count"], 3)
    settle(data, rng, 0.3)
    room(data, rng, 0.4, 1.1)
    names = [g["id"] for g in data["groups"]]
    data["services"] = [{"id": "shop", "chain": names, "public": rng.random() < 0.12}]
    if rng.random() < 0.4:
        says = {w: rng.random() < 0.3 for w in ("across_regions", "across_accounts")}
        says |= {w: rng.random() < 0.8 for w in ("peering", "within_region")}
        data["catalogues"] = [catalogue(networking={**says, "source": SOURCE})]
    return data


def network_chain(rng: Random) -> Raw:
    """Callers and called in networks that are peered or not."""
    data = _chain(rng, rng.choice((2, 2, 3)))
    data["vpcs"] = [{"id": "a1", "region": "r1"}, {"id": "a2", "region": "r2"}, {"id": "b1", "region": "r1"}]
    pairs = (["a1", "a2"], ["a1", "b1"], ["a2", "b1"])
    data["peerings"] = [{"between": list(p)} for p in pairs if rng.random() < 0.3]
    for entry in data["groups"]:
        if rng.random() < 0.85:
            entry["vpcs"] = rng.choice((["a1", "a2"], ["b1", "a2"], ["a1"]))
    return data


def network_links(rng: Random) -> Raw:
    """Regions linked for private use or not, and accounts that never reach each other."""
    data = _chain(rng)
    if rng.random() < 0.4:
        data["links"] = [{"between": ["r1", "r2"], "private": rng.choice((True, True, False))}]
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    if rng.random() < 0.15:
        data["groups"][1]["account"] = "other"
    return data


def _sited(rng: Random, scope: str, *, number: int | None = None) -> Raw:
    """Groups in one network of one region; the catalogue says how far a subnet reaches."""
    data = zones(rng, rng.choice((2, 3)))
    groups(data, rng, number)
    settle(data, rng, 0.3)
    room(data, rng, 0.4, 1.2)
    kept = rng.choice((0, 3, 5))
    kinds = [{"kind": "subnet", "scope": scope, "source": SOURCE}]
    data["catalogues"] = [
        catalogue(resource_kinds=kinds, addressing={"reserved_per_subnet": kept, "source": SOURCE})
    ]
    data["vpcs"] = [{"id": "v1", "region": "r1", "cidr": "10.0.0.0/26"}]
    for entry in data["groups"]:
        entry["vpcs"] = ["v1"]
    return data


def _kept(data: Raw) -> int:
    return int(data["catalogues"][0]["addressing"]["reserved_per_subnet"])


def _subnets(data: Raw, rng: Random, homes: list[Any], *, most: int = 4) -> None:
    """A /29 per home with a few free addresses."""
    data["subnets"] = []
    for i, home in enumerate(homes):
        free = rng.randint(0, most)
        taken = max(0, 8 - _kept(data) - free)
        reserved = rng.randint(0, taken)
        entry: Raw = {"id": f"s{i}", "vpc": "v1", "cidr": f"10.0.0.{8 * i}/29"}
        entry |= {"reserved": reserved, "used": taken - reserved}
        if home:
            entry["zone"] = home
        data["subnets"].append(entry)


def subnet_zonal(rng: Random) -> Raw:
    data = _sited(rng, "zonal")
    homes = [z["id"] for z in data["zones"] if rng.random() < 0.85] + ["z1"] * rng.randint(0, 1)
    _subnets(data, rng, homes or ["z1"])
    return data


def subnet_regional(rng: Random) -> Raw:
    data = _sited(rng, rng.choice(("regional", "none")))
    _subnets(data, rng, rng.choice(([None], [None, None], [None, "z1"], ["z1", "z2"])))
    return data


def subnet_restricted(rng: Random) -> Raw:
    """Groups that may use some subnets only, one of them perhaps of another network."""
    data = _sited(rng, rng.choice(("zonal", "regional")), number=2)
    _subnets(data, rng, ["z1", "z2", rng.choice(("z1", "z2"))])
    if rng.random() < 0.3:
        data["vpcs"].append({"id": "v2", "region": "r1"})
        data["subnets"][2]["vpc"] = "v2"
        data["groups"][1]["vpcs"] = ["v2"]
    for entry in data["groups"]:
        if rng.random() < 0.7:
            entry["subnets"] = rng.sample(("s0", "s1", "s2"), rng.randint(1, 2))
    return data


def subnet_unzoned(rng: Random) -> Raw:
    """Zonal subnets whose zone the plan chooses, some still to be cut."""
    data = _sited(rng, "zonal")
    _subnets(data, rng, rng.choice(([None], [None, "z1"], [None, None])), most=3)
    for entry in data["subnets"]:
        if not entry.get("zone") and rng.random() < 0.5:
            del entry["cidr"]
            entry["prefix"] = 29
    return data


def subnet_new(rng: Random) -> Raw:
    """The plan may cut subnets from what is free of the network."""
    data = _sited(rng, rng.choice(("zonal", "zonal", "regional")))
    for entry in data["groups"]:
        entry["count"] = rng.choice((1, 2, 3))
        entry.pop("current", None)
    _subnets(data, rng, rng.choice((["z1"], ["z1", "z2"], [])), most=2)
    network = data["vpcs"][0]
    network["cidr"] = rng.choice(("10.0.0.0/28", "10.0.0.0/28", "10.0.0.0/27"))
    network["new_subnet_prefix"] = 29
    network["growth"] = rng.choice((0, 0.5, 1, 3))
    if rng.random() < 0.3:
        data["subnets"].append({"id": "cut", "vpc": "v1", "prefix": 29})
    return data


def subnet_named(rng: Random) -> Raw:
    """Named instances and balancers' addresses in small subnets."""
    data = _sited(rng, "zonal", number=1)
    _subnets(data, rng, ["z1", "z2"])
    name = data["groups"][0]["id"]
    data["groups"][0].pop("current", None)
    data["instances"] = [{"id": "i-1", "group": name, "site": "z1", "subnet": "s0"}]
    if rng.random() < 0.6:
        data["load_balancers"] = [
            {"id": "lb", "kind": "any", "region": "r1", "zones": ["z1"], "internal": True, "subnet": "s0"}
        ]
    return data


def _balanced(rng: Random, *, number: int | None = None, regions: int = 1) -> Raw:
    data = zones(rng, rng.choice((2, 3)) if regions == 1 else 3, regions=regions)
    groups(data, rng, number)
    settle(data, rng, 0.3)
    room(data, rng, 0.4, 1.2)
    return data


def balancer_kinds(rng: Random) -> Raw:
    data = _balanced(rng, regions=2)
    balancers = [
        {"kind": "clb", "scope": "regional", "binds": ["vm"], "source": SOURCE},
        {
            "kind": "bmlb",
            "scope": "regional",
            "binds": ["metal", *rng.choice(([], ["vm"]))],
            "source": SOURCE,
        },
    ]
    data["catalogues"] = [catalogue(balancers=balancers)]
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    for entry in data["groups"]:
        if rng.random() < 0.3:
            entry["product"] = "metal"
        if rng.random() < 0.15:
            entry["account"] = "other"
    names = [g["id"] for g in data["groups"]]
    region = rng.choice(("r1", "r2"))
    lb: Raw = {"id": "lb", "kind": rng.choice(("clb", "clb", "bmlb")), "region": region, "backends": names}
    if rng.random() < 0.15:
        lb["account"] = "other"
    data["load_balancers"] = [lb]
    return data


def balancer_chosen_zones(rng: Random) -> Raw:
    data = _balanced(rng)
    for zone in data["zones"]:
        if rng.random() < 0.3:
            zone["state"] = rng.choice(("failed", "coming_soon", "sold_out"))
        if rng.random() < 0.15:
            zone["requires"] = ["finance"]
    names = [g["id"] for g in data["groups"]]
    data["load_balancers"] = [
        {
            "id": "lb",
            "kind": "any",
            "region": "r1",
            "zone_count": rng.choice((1, 2, 2)),
            "backends": rng.sample(names, rng.randint(0, len(names))),
            "least_per_zone": rng.choice((0, 1, 1, 2)),
        }
    ]
    return data


def balancer_own_zones(rng: Random) -> Raw:
    data = _balanced(rng, regions=rng.choice((1, 2)))
    data["load_balancers"] = [
        {
            "id": "lb",
            "kind": "any",
            "zones": rng.choice((["z1"], ["z1", "z2"], ["z2"])),
            "backends": [data["groups"][0]["id"]],
            "least_per_zone": rng.choice((1, 1, 2)),
            "least_backends": rng.choice((0, 2, 3)),
        }
    ]
    if rng.random() < 0.15:
        data["zones"][1]["state"] = "coming_soon"
    return data


def balancer_least_backends(rng: Random) -> Raw:
    data = zones(rng, 3, regions=2)
    group(data, rng, "web", rng.choice((2, 3, 4)))
    room(data, rng, 0.3, 1)
    data["load_balancers"] = [
        {"id": "lb", "kind": "any", "backends": ["web"], "least_backends": rng.choice((1, 2, 3, 5))}
    ]
    if rng.random() < 0.5:
        data["load_balancers"][0]["region"] = rng.choice(("r1", "r2"))
    return data


def balancer_internal(rng: Random) -> Raw:
    """An internal balancer's address sits in a subnet, which may hold it in another zone."""
    data = _sited(rng, "zonal")
    _subnets(data, rng, rng.choice((["z1", "z2"], ["z1", None])), most=4)
    data["load_balancers"] = [
        {
            "id": "lb",
            "kind": "any",
            "region": "r1",
            "internal": True,
            "subnet": rng.choice(("s0", "s1")),
            "zone_count": 1,
            "backends": [g["id"] for g in data["groups"]][:1],
            "least_per_zone": rng.choice((1, 1, 2)),
        }
    ]
    if rng.random() < 0.3:
        data["load_balancers"][0]["zones"] = [rng.choice(("z1", "z2"))]
    return data


NETWORK = (network_regions, network_chain, network_links)
SUBNET = (subnet_zonal, subnet_regional, subnet_restricted, subnet_unzoned, subnet_new, subnet_named)
LOAD_BALANCER = (
    balancer_kinds,
    balancer_chosen_zones,
    balancer_own_zones,
    balancer_least_backends,
    balancer_internal,
)
