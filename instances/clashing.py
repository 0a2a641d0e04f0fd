"""Feasible estates into which clashes are planted, so that it is known which sets of things leave no placement.

Everything else is placed first, with room to spare, under rules that this placement respects. Each clash then gets
groups and rules of its own. For each of its members it says where its groups go once that member is dropped; those
places, together with everybody else's, are a placement of the rest. A set of members that holds no planted clash
therefore leaves a placement: whatever it lacks of each clash can be dropped. So no other clash is minimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from zonewright.models.problems import InputError

Raw = dict[str, Any]
#: (label, group, domain, thing): the demand of a group is ("placed", group, None, None), a rule has its label.
Member = tuple[str, str | None, str | None, str | None]
#: Group to site to count.
Where = Mapping[str, Mapping[str, int]]

#: Zones: three in one region, one in another, and one that asks for an entitlement.
OPEN = ("z1", "z2", "z3", "z4")
LOCKED = "z5"
#: Hosts of a rack, and those of each zone that are set aside.
_PER_RACK, _SPARE = 8, 4
PROVIDER: Raw = {"assumption": "made up for planted clashes"}


@dataclass(frozen=True)
class Planted:
    """One clash and the places that resolve it."""

    kind: str
    members: frozenset[Member]
    releases: Mapping[Member, Where]
    """Where the clash's own groups go once a member is dropped."""
    evacuations: Mapping[Member, Mapping[str, Where]] = field(default_factory=dict)
    """With a member dropped, by lost zone: where what is displaced goes."""


@dataclass(frozen=True)
class ClashingEstate:
    """An estate, where everybody but the planted groups can be, and what was planted."""

    data: Raw
    base: Where
    planted: tuple[Planted, ...]


def placed(group: str) -> Member:
    """Return the demand of a group as a member of a clash."""
    return "placed", group, None, None


def fact(kind: str, group: str, domain: str) -> Member:
    """Return what keeps a group out of a domain as a member of a clash."""
    return kind, group, domain, None


def limit(domain: str, thing: str) -> Member:
    """Return a domain's limit as a member of a clash."""
    return "capacity", None, domain, thing


class Ground:
    """An estate under construction: zones or hosts, groups that fill them in part, room set aside for clashes."""

    def __init__(self, rng: Random, *, instances: int, hosts: int = 0) -> None:
        self.rng = rng
        self.names = Names(rng)
        self.spots: dict[str, list[str]] = {}
        """Per zone, sites with room that only planted groups use."""
        self.spare: dict[str, str] = {}
        """Per zone, the rack of these hosts."""
        self.data = _world(hosts > 0)
        self.base: dict[str, dict[str, int]] = {}
        self.groups: dict[str, Raw] = {}
        if hosts:
            self._hosts(instances, hosts)
        else:
            self._zones(instances)
        self._company()

    @property
    def deep(self) -> bool:
        """Whether sites are hosts."""
        return bool(self.data.get("hosts"))

    # -- what clashes are made with ------------------------------------------------------------------

    def group(self, count: int, **fields: Any) -> str:
        """Add a group that only a clash speaks of; return its name."""
        name = self.names.group()
        demand = {"cpu_cores": 1, "memory_gib": 1, **fields.pop("more", {})}
        entry: Raw = {"id": name, "count": count, **({} if "flavour" in fields else {"demand": demand}), **fields}
        self.data["groups"].insert(self.rng.randrange(len(self.data["groups"]) + 1), entry)
        self.groups[name] = entry
        return name

    def rule(self, kind: str, **fields: Any) -> str:
        """Add a rule; return its label."""
        label = self.names.rule()
        entry = {"rule": kind, "id": label, **fields}
        self.data["rules"].insert(self.rng.randrange(len(self.data["rules"]) + 1), entry)
        return label

    def only(self, group: str, *domains: str) -> Member:
        """Allow a group only these domains; return the rule as a member."""
        return self.rule("domains", groups=[group], allow=sorted(domains)), group, None, None

    def at(self, where: Mapping[str, Mapping[str, int]]) -> Where:
        """Return a placement by zones as one by sites: on hosts one after the other of those set aside."""
        found: dict[str, dict[str, int]] = {}
        for group, zones in where.items():
            sites = found.setdefault(group, {})
            for zone, count in zones.items():
                spots = self.spots.get(zone, [zone])
                for number in range(count):
                    site = spots[number % len(spots)]
                    sites[site] = sites.get(site, 0) + 1
        return found

    def entry(self, section: str, **fields: Any) -> None:
        """Add an entry to a section of the estate."""
        self.data.setdefault(section, []).append(fields)

    # -- what is there anyway --------------------------------------------------------------------------

    def _zones(self, instances: int) -> None:
        need = dict.fromkeys(OPEN, 0)
        for name, count, cores in self._sizes(instances):
            zones = self._homes()
            self.base[name] = {zone: n for zone, n in _dealt(count, zones).items() if n}
            for zone, number in self.base[name].items():
                need[zone] += number * cores
        for zone in self.data["zones"]:
            cores = round(need.get(zone["id"], 0) * self.rng.uniform(1.2, 1.5)) + 60
            zone["capacity"] |= {"cpu_cores": cores, "memory_gib": 5 * cores}

    def _hosts(self, instances: int, hosts: int) -> None:
        """Racks of hosts in every zone, the last of them set aside."""
        share = {"z1": 0.3, "z2": 0.25, "z3": 0.25, "z4": 0.2}
        free: dict[str, list[list[Any]]] = {}
        self.data["racks"], self.data["hosts"] = [], []
        for zone in (*OPEN, LOCKED):
            number = max(0, round(hosts * share.get(zone, 0.0)) - _SPARE)
            self.spare[zone] = f"{zone}-k{-(-number // _PER_RACK)}"
            for position in range(number + _SPARE):
                spare = position >= number
                rack = self.spare[zone] if spare else f"{zone}-k{position // _PER_RACK}"
                if position == number or (position % _PER_RACK == 0 and not spare):
                    self.data["racks"].append({"id": rack, "in": zone})
                cores = self.rng.choice((48, 64, 96))
                host: Raw = {"id": f"{zone}-h{position:02d}", "in": rack}
                host["capacity"] = {"cpu_cores": cores, "memory_gib": 4 * cores}
                self.data["hosts"].append(host)
                if spare:
                    host["capacity"]["disk_gib"] = 1000 if zone == "z3" else 100
                    self.spots.setdefault(zone, []).append(host["id"])
                else:
                    free.setdefault(zone, []).append([cores, host["id"]])
        for name, count, cores in self._sizes(instances):
            self._seat(name, count, cores, free)

    def _seat(self, name: str, count: int, cores: int, free: dict[str, list[list[Any]]]) -> None:
        """Put a group on the emptiest hosts, at most one on each."""
        self.base[name] = {}
        for zone, number in _dealt(count, self._homes()).items():
            hosts = sorted(free[zone], reverse=True)[:number]
            if len(hosts) < number or (hosts and hosts[-1][0] < cores):
                raise InputError("do not fit: fewer instances, or more hosts", path=("instances",))
            for host in hosts:
                host[0] -= cores
                self.base[name][host[1]] = 1

    def _homes(self) -> list[str]:
        return (
            sorted(self.rng.sample(OPEN[:3], self.rng.choice((1, 2, 2, 3)))) if self.rng.random() < 0.8 else ["z4"]
        )

    def _sizes(self, instances: int) -> list[tuple[str, int, int]]:
        """(name, count, cores) of groups that sum to so many instances."""
        found: list[tuple[str, int, int]] = []
        left, most = instances, min(14, len(self.data["hosts"]) // 8) if self.deep else 40
        while left:
            count = min(left, most, self.rng.choice((2, 3, 4, 6, 8, most)))
            cores = self.rng.choice((1, 1, 2, 2, 4))
            name = self.names.group()
            self.data["groups"].append(
                {"id": name, "count": count, "demand": {"cpu_cores": cores, "memory_gib": 2 * cores}}
            )
            found.append((name, count, cores))
            left -= count
        return found

    def _company(self) -> None:
        """Add rules that the placement of everybody respects."""
        zone_of = {host["id"]: host["id"].split("-")[0] for host in self.data.get("hosts", [])}
        zones = {name: {zone_of.get(s, s) for s in where} for name, where in self.base.items()}
        if self.deep:
            self.rule("anti_affinity", groups=list(self.base), level="host")
        for name, homes in zones.items():
            drawn = self.rng.random()
            if drawn < 0.15 and len(homes) > 1:
                self.rule("spread", groups=[name], least_domains=len(homes))
            elif drawn < 0.3:
                self.only(name, *homes)
            elif drawn < 0.35 and len(homes) > 1:
                self.rule("survive", groups=[name], keep=1)
            elif drawn < 0.4:
                zone = self.rng.choice(sorted(homes))
                count = sum(n for s, n in self.base[name].items() if zone_of.get(s, s) == zone)
                self.rule("quota", groups=[name], domain=zone, most=count + self.rng.choice((0, 1, 5)))
            elif drawn < 0.45:
                other = self.rng.choice(list(self.base))
                if zones[other] <= set(OPEN[:3]) and homes <= set(OPEN[:3]):
                    self.rule("latency", between=[name, other], limit_ms=5)
            elif drawn < 0.5:
                other = self.rng.choice(list(self.base))
                if not homes & zones[other]:
                    self.rule("separation", groups=[name, other], level="zone")


class Names:
    """Names that say nothing, none twice."""

    def __init__(self, rng: Random) -> None:
        self._groups = iter(rng.sample(range(1000, 10_000), 6_000))
        self._rules = iter(rng.sample(range(1000, 10_000), 6_000))

    def group(self) -> str:
        """Return a new name for a group."""
        return f"app-{next(self._groups)}"

    def rule(self) -> str:
        """Return a new label for a rule."""
        return f"rule-{next(self._rules)}"


def _dealt(count: int, zones: list[str]) -> dict[str, int]:
    """Deal a number evenly."""
    return {zone: count // len(zones) + (i < count % len(zones)) for i, zone in enumerate(zones)}


def _world(deep: bool) -> Raw:
    """Return regions, zones, distances and a catalogue; nobody is placed yet."""
    regions = [
        {"id": "r1", "country": "AA", "services": {"queue": "missing"}},
        {"id": "r2", "country": "BB", "services": {"queue": "provided"}},
    ]
    metal = {"z1": "sold_out", "z2": "sold_out", "z3": "sold_out", "z4": "open", "z5": "coming_soon"}
    zones: list[Raw] = []
    for zone, state in metal.items():
        entry: Raw = {"id": zone, "in": "r2" if zone == "z4" else "r1", "price": {"cpu_cores": 2}}
        entry["states"] = {"vm": "open", "metal": state}
        entry["capacity"] = {"gpu_cards": 16 if zone == "z3" else 4, "licences": 8}
        zones.append(entry)
    zones[0]["labels"] = {"cpu_model": "old"}
    zones[1]["flavours"] = {"slim": 2}
    zones[4]["requires"] = ["early"]
    kinds = [("subnet", "zonal"), ("image", "regional"), ("disk", "zonal")]
    return {
        "estate": "planted",
        "role": "operator" if deep else "tenant",
        "resource_names": ["licences"],
        "goals": ["placed"],
        "catalogues": [
            {
                "catalogue": "made-up",
                "provider": "made-up",
                "products": [
                    {"id": "vm", "kind": "vm", "source": PROVIDER},
                    {"id": "metal", "kind": "bare_metal", "source": PROVIDER},
                ],
                "resource_kinds": [{"kind": k, "scope": s, "source": PROVIDER} for k, s in kinds],
            }
        ],
        "accounts": [{"id": "main"}],
        "regions": regions,
        "zones": zones,
        "clients": [{"id": "north"}, {"id": "south"}],
        "latencies": [
            {"between": ["z1", "z2"], "rtt_ms": 1},
            {"between": ["z2", "z3"], "rtt_ms": 1.2},
            {"between": ["z1", "z3"], "rtt_ms": 3},
            {"between": ["r1", "r2"], "rtt_ms": 25},
            {"between": ["south", "z4"], "rtt_ms": 4},
            {"between": ["south", "r1"], "rtt_ms": 30},
            {"between": ["north", "r1"], "rtt_ms": 3},
        ],
        "links": [{"between": ["z1", "z2"], "synchronous": True}],
        "flavours": [{"id": "slim", "resources": {"cpu_cores": 1, "memory_gib": 1}}],
        "vpcs": [{"id": "near", "region": "r1"}, {"id": "far", "region": "r2"}],
        "subnets": [
            {
                "id": f"net-{zone}",
                "vpc": "near",
                "zone": zone,
                "cidr": f"10.0.{i}.0/28",
                "reserved": 14 if not i else 0,
            }
            for i, zone in enumerate(("z1", "z2", "z3", "z5"))
        ],
        "images": [{"id": "base-far", "regions": ["r2"]}],
        "groups": [],
        "rules": [],
    }
