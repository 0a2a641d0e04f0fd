"""Tiny random estates that mostly have no placement, for several reasons at once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.brute.cases.base import SOURCE, catalogue
from tests.brute.numbers import amounts

Raw = dict[str, Any]
#: Placements that an estate may have, partial ones included.
MOST_PLACEMENTS = 3000
#: The same, where each is to be evacuated.
MOST_EVACUATED = 400


def ground(rng: Random) -> Raw:
    """Two or three zones in a region, or two zones with two hosts each; two to four groups."""
    number = rng.choice((2, 3, 3, 3))
    data: Raw = {
        "estate": "puzzle",
        "regions": [{"id": "r1", "country": "AA"}],
        "zones": [
            {"id": f"z{i + 1}", "in": "r1", "price": {"cpu_cores": rng.choice((1, 2, 3))}} for i in range(number)
        ],
        "groups": [],
        "rules": [],
        "goals": ["placed"],
    }
    if rng.random() < 0.3:
        data["zones"] = data["zones"][:2]
        data["hosts"] = [{"id": f"{z['id']}-h{h}", "in": z["id"]} for z in data["zones"] for h in (1, 2)]
    few = bool(data.get("hosts"))
    for name in ("web", "db", "job", "log")[: rng.choice((2, 2, 3) if few else (2, 3, 3, 4))]:
        count = rng.choice((1, 2, 2) if few else (1, 2, 2, 3))
        data["groups"].append({"id": name, "count": count, "demand": {"cpu_cores": rng.choice((1, 1, 2, 3))}})
    for site in data.get("hosts", data["zones"]):
        if rng.random() < 0.6:
            site["capacity"] = {"cpu_cores": rng.choice((1, 2, 3, 4, 6))}
        if rng.random() < 0.08:
            site["most_instances"] = rng.choice((1, 2))
    return data


def names(data: Raw) -> list[str]:
    """Of the groups."""
    return [group["id"] for group in data["groups"]]


def zone_names(data: Raw) -> list[str]:
    """Of the zones."""
    return [zone["id"] for zone in data["zones"]]


def _some(data: Raw, rng: Random) -> list[str]:
    return sorted(rng.sample(names(data), rng.randint(1, min(2, len(data["groups"])))))


def _add(data: Raw, kind: str, **fields: Any) -> None:
    data["rules"].append({"rule": kind, "id": f"{kind}-{len(data['rules'])}", **fields})


def anti_affinity(data: Raw, rng: Random) -> None:
    level = "host" if data.get("hosts") and rng.random() < 0.7 else "zone"
    _add(data, "anti_affinity", level=level, groups=_some(data, rng), at_most=rng.choice((1, 1, 2)))


def spread(data: Raw, rng: Random) -> None:
    asked: Raw = rng.choice(
        (
            {"least_domains": 2},
            {"least_domains": 3},
            {"most_domains": 1},
            {"largest_share": 0.5},
            {"shape": "single"},
        )
    )
    _add(data, "spread", groups=_some(data, rng), **asked)


def domains(data: Raw, rng: Random) -> None:
    some = rng.sample(zone_names(data), rng.randint(1, len(data["zones"]) - 1))
    _add(data, "domains", groups=_some(data, rng), **{rng.choice(("allow", "forbid")): sorted(some)})


def affinity(data: Raw, rng: Random) -> None:
    one, other = rng.sample(names(data), 2)
    if rng.random() < 0.4:
        _add(data, "affinity", level="zone", groups=[one], to=other)
    else:
        _add(data, "affinity", level="zone", groups=sorted((one, other)))


def separation(data: Raw, rng: Random) -> None:
    _add(data, "separation", level="zone", groups=sorted(rng.sample(names(data), 2)))


def latency(data: Raw, rng: Random) -> None:
    if not data.get("latencies"):
        zones = zone_names(data)
        data["latencies"] = [
            {"between": [a, b], "rtt_ms": rng.choice((0.5, 2, 9))} for i, a in enumerate(zones) for b in zones[:i]
        ]
    one, other = rng.sample(names(data), 2)
    if rng.random() < 0.4:
        _add(data, "latency", quorum=one, limit_ms=1)
    else:
        _add(data, "latency", between=[one, rng.choice((one, other))], limit_ms=rng.choice((1, 3)))


def synchronous_replicas(data: Raw, rng: Random) -> None:
    if not data.get("links"):
        zones = zone_names(data)
        data["links"] = [
            {"between": [a, b], "synchronous": rng.random() < 0.5} for i, a in enumerate(zones) for b in zones[:i]
        ]
    _add(data, "synchronous_replicas", groups=_some(data, rng))


def quota(data: Raw, rng: Random) -> None:
    where: Raw = {"domain": rng.choice(zone_names(data))} if rng.random() < 0.5 else {}
    what: Raw = {"resource": "cpu_milli", "most": rng.choice((1000, 3000))} if rng.random() < 0.3 else {"most": 1}
    _add(data, "quota", groups=_some(data, rng), **where, **what)


def budget(data: Raw, rng: Random) -> None:
    _add(data, "budget", groups=_some(data, rng), per_month=rng.choice((1, 2, 4)))


def load(data: Raw, rng: Random) -> None:
    _add(data, "load", level="host" if data.get("hosts") else "zone", most_share=rng.choice((0.3, 0.5)))


def survive_static(data: Raw, rng: Random) -> None:
    _add(data, "survive", groups=_some(data, rng), **rng.choice(({"keep": 1}, {"keep": 2}, {"keep_share": 0.5})))


def survive_evacuate(data: Raw, rng: Random) -> None:
    if any(rule.get("mode") == "evacuate" for rule in data["rules"]):
        return
    _add(data, "survive", mode="evacuate", groups=_some(data, rng))
    if rng.random() < 0.2:
        rng.choice(data["groups"])["stateful"] = True


def availability(data: Raw, rng: Random) -> None:
    """Zones that fail now and then."""
    for zone in data["zones"]:
        if rng.random() < 0.7:
            zone |= {"failures_per_year": rng.choice((1, 4)), "hours_to_repair": rng.choice((10, 200))}
    _add(data, "availability", groups=_some(data, rng), at_least=rng.choice((0.95, 0.99, 0.9995)))


def residency(data: Raw, rng: Random) -> None:
    _add(data, "residency", groups=_some(data, rng), countries=["BB"])


def pin(data: Raw, rng: Random) -> None:
    if rng.random() < 0.4:
        _add(data, "pin", groups=[rng.choice(names(data))], domain=rng.choice(zone_names(data)))
        return
    group = _settled(data, rng)
    if rng.random() < 0.5:
        group["pinned"] = True
    else:
        _add(data, "pin", groups=[group["id"]])


def _settled(data: Raw, rng: Random) -> Raw:
    """Some group, all of it in place today."""
    group: Raw = rng.choice(data["groups"])
    site = rng.choice(data.get("hosts", data["zones"]))["id"]
    group["current"] = {site: group["count"]}
    return group


def move_limit(data: Raw, rng: Random) -> None:
    if any(rule["rule"] == "move_limit" for rule in data["rules"]):
        return
    group = _settled(data, rng)
    _add(data, "move_limit", most=0)
    home = next(iter(group["current"])).split("-")[0]
    if rng.random() < 0.6:
        _add(data, "domains", groups=[group["id"]], forbid=[home])


def group_moves(data: Raw, rng: Random) -> None:
    if any(rule["rule"] == "group_moves" for rule in data["rules"]):
        return
    group = _settled(data, rng)
    _add(data, "group_moves", most=rng.choice((0, 0, 1)))
    home = next(iter(group["current"])).split("-")[0]
    if rng.random() < 0.6:
        _add(data, "domains", groups=[group["id"]], forbid=[home])


def double_occupancy(data: Raw, rng: Random) -> None:
    """Somebody has to leave a site that is full today."""
    group = _settled(data, rng)
    _add(data, "double_occupancy", level="host" if data.get("hosts") else "zone")
    home = next(iter(group["current"])).split("-")[0]
    if rng.random() < 0.6:
        _add(data, "domains", groups=[group["id"]], forbid=[home])


def free_ratio(data: Raw, rng: Random) -> None:
    if any(rule["rule"] == "free_ratio" for rule in data["rules"]):
        return
    places = data["hosts"] if data.get("hosts") else data["zones"]
    for place in places:
        cores = amounts(place.get("capacity")).get("cpu_milli", 4000)
        place["capacity"] = {"cpu_milli": cores, "memory_mib": rng.choice((2, 3, 4)) * 1024}
    level = "host" if data.get("hosts") else "zone"
    _add(data, "free_ratio", level=level, resource="cpu_milli", beside="memory_mib", ratio=1)


def avoid(data: Raw, rng: Random) -> None:
    pairs = [(rng.choice(names(data)), rng.choice(zone_names(data))) for _ in range(rng.choice((1, 2)))]
    _add(data, "avoid", together=[{"group": g, "domain": z} for g, z in dict(pairs).items()])


def zone_state(data: Raw, rng: Random) -> None:
    rng.choice(data["zones"])["state"] = rng.choice(("sold_out", "failed", "draining", "coming_soon"))


def entitlement(data: Raw, rng: Random) -> None:
    data["accounts"] = [{"id": "a1"}]
    rng.choice(data["zones"])["requires"] = ["early"]


def compatibility(data: Raw, rng: Random) -> None:
    for zone in data["zones"]:
        zone.setdefault("labels", {})["cpu_model"] = rng.choice(("old", "new"))
    rng.choice(data["groups"])["movability"] = {"cpu_model": "new"}


def service_availability(data: Raw, rng: Random) -> None:
    data["regions"][0]["services"] = {"queue": "missing"}
    rng.choice(data["groups"])["needs_services"] = ["queue"]


def subnet(data: Raw, rng: Random) -> None:
    """One zonal subnet in every zone, with few addresses."""
    if data.get("vpcs"):
        return
    kinds = [{"kind": "subnet", "scope": "zonal", "source": SOURCE}]
    data["catalogues"] = [catalogue(resource_kinds=kinds)]
    data["vpcs"] = [{"id": "net", "region": "r1"}]
    data["subnets"] = [
        {
            "id": f"s-{zone}",
            "vpc": "net",
            "cidr": f"10.0.{i}.0/29",
            "zone": zone,
            "reserved": rng.choice((5, 6, 7)),
        }
        for i, zone in enumerate(zone_names(data))
    ]
    for name in _some(data, rng):
        next(group for group in data["groups"] if group["id"] == name)["vpcs"] = ["net"]


def load_balancer(data: Raw, rng: Random) -> None:
    zones = sorted(rng.sample(zone_names(data), rng.choice((1, 2))))
    least: Raw = rng.choice(({"least_per_zone": 1}, {"least_per_zone": 2}, {"least_backends": 3}))
    entry = {"id": "lb", "kind": "any", "zones": zones, "backends": [rng.choice(names(data))], **least}
    data["load_balancers"] = [entry]


#: Ways to make it harder, with how often each is drawn.
TROUBLES: dict[Callable[[Raw, Random], None], int] = {
    anti_affinity: 4,
    spread: 5,
    domains: 6,
    affinity: 3,
    separation: 2,
    latency: 3,
    synchronous_replicas: 2,
    quota: 3,
    budget: 2,
    load: 1,
    survive_static: 3,
    survive_evacuate: 2,
    availability: 2,
    residency: 1,
    pin: 2,
    move_limit: 1,
    group_moves: 1,
    double_occupancy: 1,
    free_ratio: 1,
    avoid: 2,
    zone_state: 3,
    entitlement: 2,
    compatibility: 2,
    service_availability: 1,
    subnet: 2,
    load_balancer: 2,
}


def drawn(rng: Random) -> Raw:
    """An estate with three to seven troubles."""
    data = ground(rng)
    for trouble in rng.choices(list(TROUBLES), list(TROUBLES.values()), k=rng.randint(3, 7)):
        trouble(data, rng)
    return data
