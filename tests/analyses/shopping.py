"""Tiny random estates that have outgrown what they run on, with something on offer."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.analyses import standing
from tests.analyses.buying import baskets, bought
from tests.analyses.growing import effort, fits, grown
from tests.analyses.standing import drawn as stood

Raw = dict[str, Any]

#: Ways to buy that an estate may have, and what trying them may cost.
MOST_BASKETS, MOST_EFFORT = 81, 60_000

#: More than so many more of a group are not looked for.
MOST_MORE = 4

#: What else such an estate may have: nothing that would make every purchase useless.
FEATURES = {
    standing.anti_affinity: 4,
    standing.domains: 2,
    standing.separation: 1,
    standing.quota: 3,
    standing.stock: 2,
    standing.zone_capacity: 1,
    standing.zone_state: 2,
    standing.priority: 1,
}


def drawn(rng: Random) -> Raw:
    """An estate that needs more room, or a loss that it is to survive does."""
    while True:
        data = _outgrown(rng)
        most = bought(data, dict(max(baskets(data), key=lambda entry: sum(entry[1].values()))[1]))
        if effort(most) * _combinations(data) <= MOST_EFFORT:
            return data


def _outgrown(rng: Random) -> Raw:
    data = stood(rng, FEATURES)
    for group in data["groups"]:
        if rng.random() < 0.5:
            group["count"] += rng.choice((1, 1, 2))
    if rng.random() < 0.7:
        _survive(data, rng)
    for number, rule in enumerate(data["rules"]):
        rule.setdefault("id", f"rule-{number}")
    data["offers"] = []
    wanted = rng.choice((1, 2, 2, 3, 3))
    for _ in range(20):
        if len(data["offers"]) < wanted and _combinations(data) <= MOST_BASKETS // 3:
            _offer(data, rng)
    return data


def _combinations(data: Raw) -> int:
    return sum(1 for _ in baskets(data))


def roomy(rng: Random) -> Raw:
    """An estate in which everybody runs, with a loss that it survives today."""
    while True:
        data = stood(rng, FEATURES)
        _survive(data, rng)
        largest = max(effort(grown(data, {group["id"]: MOST_MORE})) for group in data["groups"])
        if largest <= MOST_EFFORT // 20 and fits(data) is not None:
            return data


def _survive(data: Raw, rng: Random) -> None:
    mode = "evacuate" if rng.random() < 0.75 else "static"
    level = "host" if data.get("hosts") and rng.random() < 0.4 else "zone"
    groups = sorted(rng.sample([g["id"] for g in data["groups"]], rng.randint(1, len(data["groups"]))))
    data["rules"].append({"rule": "survive", "mode": mode, "level": level, "groups": groups})


def _offer(data: Raw, rng: Random) -> None:
    """One more thing to buy, at most two units of it per zone."""
    zones = [zone["id"] for zone in data["zones"]]
    chosen = sorted(rng.sample(zones, rng.choice((1, 1, 2, min(3, len(zones))))))
    entry: Raw = {"id": f"offer-{len(data['offers'])}", "price": rng.choice((3, 5, 7.5, 10)), "zones": chosen}
    entry["most"] = rng.choice((1, 2))
    if rng.random() < 0.3:
        entry["prices"] = {rng.choice(chosen): rng.choice((2, 4, 12))}
    kinds = (
        ["capacity", "quota", "opens"] if not data.get("hosts") else ["host", "host", "quota", "opens", "capacity"]
    )
    kind = rng.choice(kinds)
    if kind == "host":
        entry["host"] = {"capacity": {"cpu_cores": rng.choice((2, 4, 6))}}
    elif kind == "capacity":
        stated = [zone["id"] for zone in data["zones"] if zone.get("capacity")]
        chosen = sorted(set(chosen) & set(stated))
        if not chosen:
            return
        entry |= {"zones": chosen, "capacity": {"cpu_cores": rng.choice((1, 2, 3))}}
        entry["stock"] = rng.choice(("owned", "reserved"))
        entry["prices"] = {zone: price for zone, price in entry.get("prices", {}).items() if zone in chosen}
        if entry["most"] == 2 and rng.random() < 0.3:
            entry["lot"] = 2
    elif kind == "quota":
        quotas = [rule["id"] for rule in data["rules"] if rule["rule"] == "quota"]
        if not quotas:
            return
        entry |= {"quota": rng.choice(quotas), "step": rng.choice((1, 2))}
        entry.pop("zones")
        entry.pop("prices", None)
    else:
        closed = [zone["id"] for zone in data["zones"] if zone.get("state") == "sold_out"]
        if not closed:
            return
        entry |= {"opens": True, "zones": closed}
        entry.pop("most")
        entry["prices"] = {zone: price for zone, price in entry.get("prices", {}).items() if zone in closed}
    data["offers"].append(entry)
