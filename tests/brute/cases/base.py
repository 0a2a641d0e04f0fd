"""Tiny estates to hang a rule on: few sites, few groups, prices that pull, room that may or may not do."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

Raw = dict[str, Any]
SOURCE: Raw = {"assumption": "made up for a test"}


@dataclass(frozen=True)
class Case:
    """One estate and the rule it is about."""

    kind: str
    variant: str
    seed: int
    data: Raw
    label: str
    """Of the rule that it is about."""
    partial: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.variant}/{self.seed}"


def zones(rng: Random, number: int | None = None, *, regions: int = 1, hosts: int = 0, racks: bool = False) -> Raw:
    """A tree with prices: regions r1.., zones z1.., and hosts z1-h1.. where asked."""
    number = number or rng.choice((2, 3, 3))
    data: Raw = {
        "estate": "tiny",
        "regions": [{"id": f"r{i + 1}"} for i in range(regions)],
        "zones": [
            {
                "id": f"z{i + 1}",
                "in": f"r{i % regions + 1}",
                "price": {"cpu_cores": rng.choice((1, 1.5, 2, 3, 5.25))},
            }
            for i in range(number)
        ],
        "groups": [],
        "rules": [],
    }
    if rng.random() < 0.15:
        rng.choice(data["zones"])["open_cost"] = rng.choice((1, 4))
    for zone in data["zones"] if hosts else ():
        if racks:
            data.setdefault("racks", []).extend({"id": f"{zone['id']}-k{k}", "in": zone["id"]} for k in (1, 2))
        for h in range(hosts):
            parent = f"{zone['id']}-k{h % 2 + 1}" if racks else zone["id"]
            data.setdefault("hosts", []).append({"id": f"{zone['id']}-h{h + 1}", "in": parent})
    if racks and hosts == 1:
        data["racks"] = [k for k in data["racks"] if k["id"].endswith("k1")]
    return data


def sites(data: Raw) -> list[Raw]:
    """The leaves."""
    return list(data["hosts"] if data.get("hosts") else data["zones"])


def group(
    data: Raw, rng: Random, name: str, count: int | None = None, cores: int | None = None, **fields: Any
) -> Raw:
    """Add a group."""
    entry: Raw = {
        "id": name,
        "count": count or rng.choice((1, 2, 2, 3, 3, 4)),
        "demand": {
            "cpu_milli": 1000 * (cores or rng.choice((1, 1, 2))),
            "memory_mib": rng.choice((512, 1024)),
        },
        **fields,
    }
    if "flavour" in fields:
        del entry["demand"]
    data["groups"].append(entry)
    return entry


def groups(data: Raw, rng: Random, number: int | None = None, **fields: Any) -> list[Raw]:
    """Add some groups: web, db, job."""
    names = ("web", "db", "job")[: number or rng.choice((1, 2, 2))]
    return [group(data, rng, name, **fields) for name in names]


def total(data: Raw, resource: str = "cpu_milli") -> int:
    """What all groups demand together."""
    return sum(g["count"] * g.get("demand", {}).get(resource, 1000) for g in data["groups"])


def room(data: Raw, rng: Random, low: float = 0.4, high: float = 1.1) -> None:
    """Give every site room for a share of everything, drawn between low and high."""
    for site in sites(data):
        cores = max(1, round(total(data) / 1000 * rng.uniform(low, high)))
        site["capacity"] = {"cpu_cores": cores}
        if rng.random() < 0.2:
            site["capacity"]["memory_mib"] = max(512, round(total(data, "memory_mib") * rng.uniform(low, high)))


def settle(data: Raw, rng: Random, chance: float = 0.5) -> None:
    """Put some of the groups' instances somewhere today."""
    places = [s["id"] for s in sites(data)]
    for entry in data["groups"]:
        if rng.random() < chance:
            current: dict[str, int] = {}
            for _ in range(rng.randint(1, entry["count"])):
                site = rng.choice(places)
                current[site] = current.get(site, 0) + 1
            entry["current"] = current


def name_some(data: Raw, rng: Random, chance: float = 0.3) -> None:
    """Make an instance of a group a named one, sometimes with a size or a priority of its own."""
    for entry in data["groups"]:
        free = entry["count"] - sum(entry.get("current", {}).values())
        if free > 0 and rng.random() < chance:
            instance: Raw = {"id": f"{entry['id']}[0]", "group": entry["id"]}
            if rng.random() < 0.5:
                instance["site"] = rng.choice(sites(data))["id"]
            if rng.random() < 0.3:
                instance["priority"] = 5
            if rng.random() < 0.3 and "demand" in entry:
                instance["demand"] = {"cpu_milli": 1500}
            data.setdefault("instances", []).append(instance)


GOALS = (
    None,
    None,
    ["placed", "soft", "cost"],
    ["placed", "cost", "moves"],
    ["placed", "moves", "soft", "balance", "cost"],
    ["placed", "soft", "hosts", "cost"],
    ["placed", "balance", "cost"],
)


def goals(data: Raw, rng: Random) -> None:
    """Choose goals; None leaves the estate silent."""
    chosen = rng.choice(GOALS)
    if chosen:
        data["goals"] = list(chosen)


def soft(rng: Random, chance: float = 0.25) -> Raw:
    """Make a rule soft, now and then."""
    if rng.random() >= chance:
        return {}
    return {"soft": {"weight": rng.choice((1, 2, 7)), "priority": rng.choice((0, 0, 3))}}


def rule(data: Raw, kind: str, **fields: Any) -> Raw:
    """Add the rule that the case is about."""
    entry = {"rule": kind, "id": "target", **fields}
    data["rules"].insert(0, entry)
    return entry


def some_groups(data: Raw, rng: Random) -> Any:
    """All groups, some of them by name, or `*`."""
    names = [g["id"] for g in data["groups"]]
    return rng.choice(("*", names, rng.sample(names, rng.randint(1, len(names)))))


def sprinkle(data: Raw, rng: Random, chance: float = 0.35) -> None:
    """Add another rule, soft or hard, priorities or traffic, that has nothing to do with the case."""
    names = [g["id"] for g in data["groups"]]
    if rng.random() < 0.1:
        rng.choice(data["groups"])["priority"] = 9
    if rng.random() < 0.12 and len(names) > 1:
        one, other = rng.sample(names, 2)
        data["traffic"] = [{"from": one, "to": other, "gib_per_month": rng.choice((10, 25))}]
        where = (
            [data["zones"][0]["in"]] * 2
            if rng.random() < 0.5
            else [data["zones"][0]["id"], data["zones"][1]["id"]]
        )
        data["traffic_prices"] = [{"between": where, "per_gib": rng.choice((0.01, 0.2))}]
    if rng.random() >= chance:
        return
    zone = rng.choice(data["zones"])["id"]
    extras: list[Raw] = [
        {"rule": "domains", "groups": [rng.choice(names)], "forbid": [zone], "soft": {"weight": 3}},
        {"rule": "spread", "skew": 1, "soft": {"weight": 2, "priority": 1}},
        {"rule": "anti_affinity", "level": "zone", "at_most": 2, "soft": {"weight": 1}},
        {"rule": "quota", "domain": zone, "most": rng.choice((2, 3)), "soft": {"weight": 4, "priority": 2}},
        {"rule": "anti_affinity", "level": "zone", "at_most": 3},
        {"rule": "spread", "largest_share": 0.7, "groups": [rng.choice(names)]},
    ]
    data["rules"].append(rng.choice(extras))


def catalogue(**fields: Any) -> Raw:
    """An inline catalogue with two products."""
    return {
        "catalogue": "made-up",
        "provider": "made-up",
        "products": [
            {"id": "vm", "kind": "vm", "source": SOURCE},
            {"id": "metal", "kind": "bare_metal", "source": SOURCE},
        ],
        **fields,
    }
