"""Estates about where a unit may be at all."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute.cases.base import (
    SOURCE,
    Raw,
    catalogue,
    group,
    groups,
    name_some,
    room,
    rule,
    settle,
    soft,
    some_groups,
    zones,
)

STATES = ("open", "sold_out", "coming_soon", "failed", "draining", "suspect")


def _ground(rng: Random, *, regions: int = 1, number: int | None = None, **fields: Any) -> Raw:
    data = zones(rng, rng.choice((2, 3, 4)) if regions == 1 else 4, regions=regions)
    groups(data, rng, number, **fields)
    settle(data, rng, 0.5)
    name_some(data, rng, 0.25)
    room(data, rng, 0.3, 1.0)
    return data


def domains_named(rng: Random) -> Raw:
    data = _ground(rng, regions=rng.choice((1, 2)))
    places = [d["id"] for d in (*data["zones"], *data["regions"][1:])]
    side: Raw = rng.choice((
        {"allow": rng.sample(places, rng.randint(1, 2))},
        {"forbid": rng.sample(places, rng.randint(1, 2))},
        {"allow": places[:2], "forbid": [places[0]]},
    ))  # fmt: skip
    rule(data, "domains", groups=some_groups(data, rng), **side, **soft(rng))
    return data


def domains_labels(rng: Random) -> Raw:
    data = _ground(rng)
    data["regions"][0]["labels"] = {"power": "one"}
    for zone in data["zones"]:
        if rng.random() < 0.7:
            zone["labels"] = {"tier": rng.choice(("gold", "iron"))}
        if rng.random() < 0.4:
            zone.setdefault("labels", {})["power"] = "two"
    side: Raw = rng.choice((
        {"allow_labels": {"tier": "gold"}},
        {"allow_labels": {"tier": ["gold", "iron"], "power": "one"}},
        {"forbid_labels": {"tier": ["gold"]}},
        {"forbid_labels": {"power": "one"}},
    ))  # fmt: skip
    rule(data, "domains", groups=some_groups(data, rng), **side, **soft(rng))
    return data


def residency(rng: Random) -> Raw:
    data = _ground(rng, regions=2)
    for region, country in zip(data["regions"], ("CN", rng.choice(("RU", "CN", None))), strict=True):
        if country:
            region["country"] = country
    if rng.random() < 0.3:
        data["disks"] = [{"id": "d1", "region": rng.choice(("r1", "r2"))}]
        data["snapshots"] = [{"id": "s1", "region": rng.choice(("r1", "r2"))}]
        field = rng.choice(("disks", "snapshots"))
        data["groups"][0][field] = [data[field][0]["id"]]
    countries = rng.choice((["CN"], ["RU"], ["CN", "RU"]))
    rule(data, "residency", countries=countries, groups=some_groups(data, rng), **soft(rng))
    return data


def zone_state_one(rng: Random) -> Raw:
    data = _ground(rng)
    for zone in data["zones"]:
        zone["state"] = rng.choice(STATES)
    if rng.random() < 0.15:
        data["regions"][0]["state"] = rng.choice(STATES)
    return data


def zone_state_products(rng: Random) -> Raw:
    data = _ground(rng, number=2)
    data["catalogues"] = [catalogue()]
    data["groups"][1]["product"] = "metal"
    for zone in data["zones"]:
        products = rng.sample(("vm", "metal"), rng.randint(0, 2))
        zone["states"] = {p: rng.choice(("open", "open", *STATES)) for p in products}
    return data


def entitlement(rng: Random) -> Raw:
    data = _ground(rng, regions=rng.choice((1, 2)))
    data["accounts"] = [
        {"id": "main", "entitlements": rng.choice(([], ["finance"]))},
        {"id": "bank", "entitlements": ["finance", "early"]},
    ]
    for entry in data["groups"]:
        if rng.random() < 0.4:
            entry["account"] = "bank"
    for domain in (*data["zones"], *data["regions"]):
        if rng.random() < 0.35:
            domain["requires"] = rng.choice((["finance"], ["early"], ["finance", "early"], ["secret"]))
    return data


def compatibility_families(rng: Random) -> Raw:
    data = zones(rng)
    data["flavours"] = [
        {"id": "S2", "family": "S", "resources": {"cpu_cores": 2}},
        {"id": "M2", "family": "M", "resources": {"cpu_cores": 2}},
        {"id": "X", "resources": {"cpu_cores": 1}},
    ]
    for name in ("web", "db"):
        group(data, rng, name, flavour=rng.choice(("S2", "M2", "X")))
    for zone in data["zones"]:
        zone["families"] = rng.choice(([], ["S"], ["M"], ["S", "M"]))
        zone["most_instances"] = rng.randint(2, 6)
    if rng.random() < 0.3:
        group(data, rng, "job", 1)
    return data


def compatibility_cpu_model(rng: Random) -> Raw:
    data = zones(rng, 2, hosts=2)
    groups(data, rng)
    room(data, rng, 0.3, 0.9)
    data["groups"][0]["movability"] = {"cpu_model": "skylake"}
    for host in data["hosts"]:
        if rng.random() < 0.7:
            host["labels"] = {"cpu_model": rng.choice(("skylake", "milan"))}
    if rng.random() < 0.3:
        data["zones"][0]["labels"] = {"cpu_model": "milan"}
    return data


def service_availability(rng: Random) -> Raw:
    data = _ground(rng, regions=2)
    kinds = [
        {"kind": "disk", "scope": "none", "service": "block_storage", "source": SOURCE},
        {"kind": "image", "scope": "global", "service": "images", "source": SOURCE},
        {"kind": "elastic_ip", "scope": "none", "service": "addresses", "source": SOURCE},
        {"kind": "snapshot", "scope": "none", "service": "backup", "source": SOURCE},
    ]
    data["catalogues"] = [catalogue(resource_kinds=kinds)]
    data["disks"], data["images"] = [{"id": "d1"}], [{"id": "i1"}]
    data["elastic_ips"], data["snapshots"] = [{"id": "e1"}], [{"id": "s1"}]
    attached: list[Raw] = [
        {"needs_services": ["redis"]},
        {"disks": ["d1"]},
        {"image": "i1"},
        {"elastic_ips": ["e1"]},
        {"snapshots": ["s1"]},
    ]
    for entry in data["groups"]:
        entry.update(rng.choice(attached))
    services = ("redis", "block_storage", "images", "addresses", "backup")
    for region in data["regions"]:
        region["services"] = {s: rng.choice(("provided", "missing", "not_stated")) for s in services}
    if rng.random() < 0.3:
        data["zones"][0]["services"] = {"redis": rng.choice(("provided", "missing"))}
    return data


def _scoped(rng: Random, kind: str, section: str, field: str, scopes: tuple[str, ...]) -> Raw:
    """A thing in a region, zone or account, and a group that hangs on it."""
    data = _ground(rng, regions=2)
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    scope = rng.choice(scopes)
    if rng.random() < 0.7:
        kinds = [{"kind": kind, "scope": scope, "source": SOURCE}]
        data["catalogues"] = [catalogue(resource_kinds=kinds)]
    thing: Raw = {"id": "t1", "region": rng.choice(("r1", "r2"))}
    if rng.random() < 0.5:
        thing["zone"] = rng.choice([z["id"] for z in data["zones"] if z["in"] == thing["region"]])
    if rng.random() < 0.25:
        thing["account"] = rng.choice(("main", "other"))
    data[section] = [thing]
    target = data["groups"][0]
    if data.get("instances") and rng.random() < 0.3:
        target = data["instances"][0]
    target[field] = "t1" if field == "route_table" else ["t1"]
    return data


def scope_disk(rng: Random) -> Raw:
    return _scoped(rng, "disk", "disks", "disks", ("zonal", "zonal", "regional", "none"))


def scope_elastic_ip(rng: Random) -> Raw:
    return _scoped(rng, "elastic_ip", "elastic_ips", "elastic_ips", ("regional", "regional", "global", "zonal"))


def scope_security_group(rng: Random) -> Raw:
    return _scoped(rng, "security_group", "security_groups", "security_groups", ("regional", "regional", "global"))


def scope_key_pair(rng: Random) -> Raw:
    return _scoped(rng, "key_pair", "key_pairs", "key_pairs", ("regional", "regional", "global"))


def scope_route_table(rng: Random) -> Raw:
    return _scoped(rng, "route_table", "route_tables", "route_table", ("regional", "regional", "global"))


def scope_image(rng: Random) -> Raw:
    data = _ground(rng, regions=2)
    data["accounts"] = [{"id": "main"}, {"id": "other"}]
    if rng.random() < 0.4:
        kinds = [{"kind": "image", "scope": rng.choice(("regional", "global")), "source": SOURCE}]
        data["catalogues"] = [catalogue(resource_kinds=kinds)]
    image: Raw = {"id": "i1", "regions": rng.choice(([], ["r1"], ["r2"], ["r1", "r2"]))}
    image["copy_allowed"] = rng.random() < 0.2
    if rng.random() < 0.25:
        image["account"] = rng.choice(("main", "other"))
    data["images"] = [image]
    for entry in data["groups"]:
        if rng.random() < 0.7:
            entry["image"] = "i1"
    return data


DOMAINS = (domains_named, domains_labels)
RESIDENCY = (residency,)
ZONE_STATE = (zone_state_one, zone_state_products)
ENTITLEMENT = (entitlement,)
COMPATIBILITY = (compatibility_families, compatibility_cpu_model)
SERVICE_AVAILABILITY = (service_availability,)
SCOPE = (
    scope_disk,
    scope_elastic_ip,
    scope_security_group,
    scope_key_pair,
    scope_route_table,
    scope_image,
)
