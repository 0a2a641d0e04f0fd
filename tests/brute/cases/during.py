"""Estates in the middle of something: limits on moves, placements to avoid, incidents, rules broken already."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute.cases.base import Raw, groups, name_some, room, rule, settle, sites, some_groups, zones
from tests.brute.judging import fill_tolerated


def _running(rng: Random, low: float = 0.5, *, hosts: int | None = None) -> Raw:
    """Most instances are somewhere; there is a reason or two to go."""
    data = zones(rng, hosts=rng.choice((0, 0, 2)) if hosts is None else hosts)
    groups(data, rng)
    settle(data, rng, 0.9)
    name_some(data, rng, 0.2)
    room(data, rng, low, 1.2)
    if rng.random() < 0.3:
        rng.choice(data["zones"])["state"] = rng.choice(("sold_out", "failed", "draining"))
    if rng.random() < 0.5:
        data["goals"] = rng.choice((["placed", "cost"], ["placed", "soft", "cost", "moves"]))
    if rng.random() < 0.3:
        data["migration"] = {"weigh": rng.choice(("memory", "disk", "downtime")), "mib_per_second": 64}
        data["role"] = rng.choice(("operator", "tenant"))
        rng.choice(data["groups"])["movability"] = {"passthrough": True}
    return data


def move_limit(rng: Random) -> Raw:
    data = _running(rng, 0.3)
    if rng.random() < 0.4:
        data["incidents"] = {rng.choice(data["zones"])["id"]: rng.choice(("failed", "drained"))}
    rule(data, "move_limit", most=rng.choice((0, 1, 1, 2, 3)))
    return data


def _weighed(rng: Random) -> Raw:
    """Always soft."""
    return {"soft": {"weight": rng.choice((1, 2, 5)), "priority": rng.choice((0, 0, 3))}}


def _wished(data: Raw, rng: Random) -> None:
    data["goals"] = rng.choice(
        (["placed", "cost", "soft"], ["placed", "soft", "cost"], ["placed", "soft", "moves"])
    )


def _wanting(rng: Random, hosts: int | None = None) -> Raw:
    """Who runs has a reason to move."""
    data = _running(rng, 0.4, hosts=hosts)
    if rng.random() < 0.5:
        place = rng.choice(sites(data))
        place["state"] = rng.choice(("failed", "sold_out"))
    return data


def double_occupancy(rng: Random) -> Raw:
    data = _wanting(rng)
    level = "zone"
    if data.get("hosts") and rng.random() < 0.7:
        level = "host"
    elif data.get("hosts"):
        for zone in data["zones"]:
            zone["capacity"] = {"cpu_cores": rng.randint(2, 8)}
    resources = rng.choice(([], ["cpu_milli"], ["memory_mib"]))
    rule(data, "double_occupancy", level=level, resources=resources)
    return data


def double_occupancy_exchange(rng: Random) -> Raw:
    """One group has to make room, another would like to have it."""
    data = zones(rng, rng.choice((2, 3)), hosts=rng.choice((0, 0, 2)))
    groups(data, rng, 2)
    places = sites(data)
    one, other = data["groups"]
    one["current"] = {places[0]["id"]: one["count"]}
    if rng.random() < 0.5:
        other["current"] = {places[1]["id"]: rng.randint(1, other["count"])}
    name_some(data, rng, 0.3)
    room(data, rng, 0.5, 1.1)
    data["rules"].append({"rule": "domains", "groups": [one["id"]], "forbid": [places[0]["id"]]})
    places[0]["price"] = {"cpu_cores": 0.5}
    data["goals"] = ["placed", "cost"]
    level = "host" if data.get("hosts") and rng.random() < 0.6 else "zone"
    if level == "zone" and data.get("hosts"):
        data["zones"][0]["capacity"] = {"cpu_cores": rng.randint(2, 6)}
    rule(data, "double_occupancy", level=level)
    return data


def move_cost_own(rng: Random) -> Raw:
    data = _wanting(rng)
    for entry in (*data["groups"], *data.get("instances", [])):
        if rng.random() < 0.7:
            entry["move_cost"] = rng.choice((0, 1, 4, 9))
    _wished(data, rng)
    rule(data, "move_cost", own=True, groups=some_groups(data, rng), **_weighed(rng))
    return data


def _across(data: Raw, rng: Random, *, capacity: bool = False) -> None:
    """Put hosts, or zones, on power feeds that cut across the zones."""
    places = sites(data)
    rank = "host" if data.get("hosts") else "zone"
    data["levels"] = ["region", "feed", "zone", "rack", "host"]
    if rank == "host" and rng.random() < 0.5:
        data["levels"] = ["region", "zone", "feed", "rack", "host"]
    data["domains"] = [{"id": f"f{n}", "level": "feed"} for n in (1, 2)]
    if capacity and rng.random() < 0.5:
        for feed in data["domains"]:
            feed["capacity"] = {"cpu_cores": rng.randint(2, 8)}
    for n, place in enumerate(places):
        place["also_in"] = [f"f{n % 2 + 1}" if n < 2 else f"f{rng.randint(1, 2)}"]


def move_cost_steps(rng: Random) -> Raw:
    data = _wanting(rng, hosts=2)
    levels = ["zone", "host", "region"]
    if rng.random() < 0.5:
        _across(data, rng)
        levels = ["feed", "zone", "feed"]
    steps = [
        {"within": level, "cost": rng.choice((0, 1, 2))} for level in dict.fromkeys(levels[: rng.choice((1, 2))])
    ]
    beyond: Raw = {"beyond": rng.choice((1, 3))} if rng.random() < 0.9 else {}
    _wished(data, rng)
    rule(data, "move_cost", steps=steps, groups=some_groups(data, rng), **beyond, **_weighed(rng))
    return data


def move_cost_pairs(rng: Random) -> Raw:
    data = _wanting(rng)
    places = [place["id"] for place in (*sites(data), *data["zones"], *data["regions"])]
    ends = {(rng.choice(places), rng.choice(places)) for _ in range(rng.choice((1, 4, 8)))}
    pairs = [{"from": a, "to": b, "cost": rng.choice((0, 1, 5))} for a, b in sorted(ends)]
    if rng.random() < 0.2:
        pairs = []
    _wished(data, rng)
    rule(data, "move_cost", pairs=pairs, beyond=rng.choice((1, 2, 3)), **_weighed(rng))
    return data


def group_moves(rng: Random) -> Raw:
    data = _wanting(rng)
    if rng.random() < 0.4:
        data["incidents"] = {rng.choice(data["zones"])["id"]: rng.choice(("failed", "drained"))}
    chosen: Raw = {"groups": some_groups(data, rng)}
    if rng.random() < 0.5:
        _wished(data, rng)
        rule(data, "group_moves", most=rng.choice((0, 0, 1)), **chosen, **_weighed(rng))
    else:
        rule(data, "group_moves", most=rng.choice((0, 1, 1, 2)), **chosen)
    return data


def across(rng: Random) -> Raw:
    """Rules on a level that cuts across the tree."""
    data = _running(rng, 0.5, hosts=rng.choice((0, 2)))
    _across(data, rng, capacity=True)
    if rng.random() < 0.5:
        # Hosts that are taken together, as far as nothing tells them apart.
        for place in sites(data):
            place["capacity"] = {"cpu_cores": rng.choice((1, 2, 3)) if place is sites(data)[0] else 2}
    drawn: list[Raw] = [
        {"rule": "anti_affinity", "level": "feed", "at_most": rng.choice((1, 2))},
        {"rule": "spread", "level": "feed", "least_domains": 2},
        {"rule": "spread", "level": "feed", "skew": rng.choice((0, 1))},
        {"rule": "affinity", "level": "feed", "groups": [g["id"] for g in data["groups"]]},
        {"rule": "survive", "level": "feed", "mode": "static", "keep": 1},
        {"rule": "survive", "level": "feed", "mode": "evacuate"},
        {"rule": "load", "level": "feed", "most_share": 0.5},
        {"rule": "domains", "forbid": [rng.choice(("f1", "f2"))]},
        {"rule": "quota", "domain": "f1", "most": rng.randint(0, 3)},
    ]
    chosen = rng.choice(drawn)
    kind = chosen.pop("rule")
    if rng.random() < 0.3:
        data["incidents"] = {rng.choice(("f1", "f2")): rng.choice(("failed", "drained", "suspect"))}
    rule(data, kind, **chosen)
    return data


def avoid(rng: Random) -> Raw:
    data = _running(rng, 0.3)
    places = [s["id"] for s in sites(data)] + [z["id"] for z in data["zones"]] + ["r1"]
    together = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        entry = rng.choice(data["groups"])
        held: Raw = {"group": entry["id"], "domain": rng.choice(places)}
        if rng.random() < 0.7:
            held["count"] = rng.randint(1, max(1, entry["count"] - 1))
        if rng.random() < 0.3:
            held["outside"] = True
            held["count"] = rng.randint(1, entry["count"])
        together.append(held)
    rule(data, "avoid", together=together)
    return data


def incidents_here(rng: Random) -> Raw:
    """Something has happened to a zone or a host, whatever its state is."""
    data = _running(rng, 0.4)
    for place in rng.sample([*data["zones"], *data.get("hosts", [])], rng.choice((1, 1, 2))):
        data.setdefault("incidents", {})[place["id"]] = rng.choice(("failed", "suspect", "drained", "closed"))
    if rng.random() < 0.25:
        rng.choice(data["groups"])["pinned"] = True
    return data


def incidents_in_a_region(rng: Random) -> Raw:
    data = zones(rng, 3, regions=2)
    groups(data, rng)
    settle(data, rng, 0.9)
    room(data, rng, 0.4, 1.3)
    data["incidents"] = {"r2": rng.choice(("failed", "suspect", "drained", "closed"))}
    return data


def _loosened(data: Raw, rng: Random) -> None:
    """What is tolerated is now and then less than what is broken, said of a whole group, or not said at all."""
    entries = data["tolerated"]
    if entries and rng.random() < 0.25:
        entries.remove(rng.choice(entries))
    if entries and rng.random() < 0.25:
        chosen = rng.choice(entries)
        chosen["amount"] = max(0, chosen["amount"] - rng.choice((1, 500)))
    if rng.random() < 0.3:
        for entry in entries:
            entry["domain"] = None


def _broken_rule(data: Raw, rng: Random) -> Raw:
    names = [g["id"] for g in data["groups"]]
    places = [z["id"] for z in data["zones"]]
    level = rng.choice(("zone", "zone", "host")) if data.get("hosts") else "zone"
    chosen: Raw = {"groups": some_groups(data, rng)}
    drawn: list[Any] = [
        {"rule": "anti_affinity", "level": level, "at_most": rng.choice((1, 1, 2)), **chosen},
        {"rule": "domains", "forbid": [rng.choice(places)], **chosen},
        {"rule": "quota", "domain": rng.choice((*places, "r1")), "most": rng.choice((0, 1, 2)), **chosen},
        {"rule": "quota", "most": rng.choice((1, 2)), **chosen},
        {"rule": "load", "level": level, "most_share": rng.choice((0.2, 0.4, 0.6))},
        {"rule": "spread", "level": level, "skew": rng.choice((0, 1)), **chosen},
        {"rule": "spread", "level": level, "largest_share": rng.choice((0.3, 0.5)), **chosen},
        {"rule": "spread", "level": level, "least_domains": rng.choice((2, 3)), **chosen},
        {"rule": "spread", "level": level, "most_domains": 1, **chosen},
        {"rule": "spread", "level": level, "least_each": 1, **chosen},
        {"rule": "affinity", "level": level, **chosen},
        {"rule": "budget", "per_month": rng.choice((1, 4, 8)), **chosen},
    ]
    data["latencies"] = [{"between": ["r1", "r1"], "rtt_ms": 2}, {"between": ["z1", "z2"], "rtt_ms": 1}]
    data["links"] = [{"between": ["z1", "z2"], "synchronous": rng.random() < 0.5}]
    drawn += [
        {"rule": "latency", "between": [names[0], rng.choice(names)], "limit_ms": 1},
        {"rule": "latency", "quorum": names[0], "limit_ms": 1, "under_failure": rng.random() < 0.4},
        {"rule": "synchronous_replicas", **chosen},
        {"rule": "survive", "level": "zone", "keep": rng.choice((1, 2)), **chosen},
    ]
    if len(names) > 1:
        drawn.append({"rule": "separation", "level": level, "groups": rng.sample(names, 2)})
    return dict(rng.choice(drawn))


def tolerated_rule(rng: Random) -> Raw:
    """A rule that the placement of today breaks."""
    data = _running(rng, 0.6)
    data["rules"].append({"id": "target", **_broken_rule(data, rng)})
    if rng.random() < 0.3:
        data["incidents"] = {rng.choice(data["zones"])["id"]: rng.choice(("suspect", "drained"))}
    fill_tolerated(data)
    data["tolerated"] = [e for e in data["tolerated"] if e["rule"] != "zone_state"]
    _loosened(data, rng)
    return data


def tolerated_capacity(rng: Random) -> Raw:
    """More is in a place than fits."""
    data = _running(rng, 0.2)
    if rng.random() < 0.4:
        for site in sites(data):
            site["most_instances"] = rng.choice((1, 2))
    fill_tolerated(data)
    _loosened(data, rng)
    return data


MOVE_LIMIT = (move_limit,)
DOUBLE_OCCUPANCY = (double_occupancy_exchange, double_occupancy)
MOVE_COST = (move_cost_own, move_cost_steps, move_cost_pairs)
GROUP_MOVES = (group_moves,)
ACROSS = (across,)
AVOID = (avoid,)
INCIDENTS = (incidents_here, incidents_in_a_region)
TOLERATED = (tolerated_rule,)
TOLERATED_CAPACITY = (tolerated_capacity,)
