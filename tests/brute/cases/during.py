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
AVOID = (avoid,)
INCIDENTS = (incidents_here, incidents_in_a_region)
TOLERATED = (tolerated_rule,)
TOLERATED_CAPACITY = (tolerated_capacity,)
