"""Random estates over all providers and all that an estate can say, with something that happens to each.

Small enough that each is planned in a second. Many are contradictory or broken from the start: that is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

Raw = dict[str, Any]
TAKEN = "2026-03-02T09:00:00+00:00"


@dataclass(frozen=True)
class Provider:
    """What an estate is built on."""

    name: str
    role: str
    zones: dict[str, str | None]
    """Zone to region; None where the estate has no regions."""
    catalogues: tuple[str, ...] = ()
    balancer: str = "lb"
    kind: str = "vm"


PROVIDERS = (
    Provider(
        "cvm",
        "tenant",
        {"ap-guangzhou-2": "ap-guangzhou", "ap-guangzhou-3": "ap-guangzhou", "ap-beijing-1": "ap-beijing"},
        ("tencent-cvm",),
        "clb",
    ),
    Provider(
        "cpm",
        "tenant",
        {"ap-beijing-1": "ap-beijing", "ap-beijing-2": "ap-beijing", "ap-shanghai-1": "ap-shanghai"},
        ("tencent-cpm",),
        "bm_lb",
        "bare_metal",
    ),
    Provider(
        "vk-tenant",
        "tenant",
        {"GZ1": "vk-moscow", "MS1": "vk-moscow", "QAZ": "vk-kazakhstan"},
        ("vk-cloud",),
        "vk_lb",
    ),
    Provider("vk-operator", "operator", {"GZ1": "vk-moscow", "MS1": "vk-moscow"}, ("vk-cloud",), "vk_lb"),
    Provider("own", "operator", {"z1": "r1", "z2": "r1", "z3": "r2"}),
    Provider("flat", "operator", {"z1": None, "z2": None, "z3": None}),
)


@dataclass
class Case:
    """An estate, what happens to it, and how everybody got where they are."""

    seed: int
    provider: str
    estate: Raw
    event: Raw
    settle: str
    """`given`: where they are is in the estate. `placed`: a plan carried out. `shuffled`: one with a few moved."""
    curve: bool = False


def case(seed: int) -> Case:
    """Return the case of a number: always the same."""
    rng = Random(f"wild {seed}")
    maker = _Maker(rng, PROVIDERS[seed % len(PROVIDERS)])
    settle = rng.choice(("given", "given", "placed", "shuffled"))
    estate = maker.estate(placed=settle == "given")
    return Case(seed, maker.provider.name, estate, maker.event(), settle, rng.random() < 0.05)


class _Maker:
    def __init__(self, rng: Random, provider: Provider) -> None:
        self.rng, self.provider = rng, provider
        zones = list(provider.zones)
        if rng.random() < 0.3 and len(zones) > 2:
            zones.remove(rng.choice(zones))
        self.zones = zones
        self.region_of = {zone: provider.zones[zone] for zone in zones}
        self.regions = sorted({r for r in self.region_of.values() if r is not None})
        self.raw: Raw = {}
        self.sites: list[str] = []
        self.zone_of: dict[str, str] = {}
        self.racks: list[str] = []
        self.hosted = False

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def some(self, names: list[str], least: int = 1) -> list[str]:
        return self.rng.sample(names, self.rng.randint(min(least, len(names)), len(names)))

    def estate(self, *, placed: bool) -> Raw:
        rng, provider = self.rng, self.provider
        self.raw = {"estate": "wild", "taken_at": TAKEN, "role": provider.role}
        if provider.catalogues:
            self.raw |= {"catalogues": list(provider.catalogues), "consider": list(self.zones)}
        elif self.regions:
            self.raw["regions"] = [{"id": region} for region in self.regions]
        self._topology()
        self._things()
        for number in range(rng.randint(1, 4)):
            self._group(number, placed=placed)
        self._balancers()
        self._services()
        self.raw["rules"] = [rule for _ in range(rng.choice((0, 1, 1, 2, 3))) if (rule := self._rule())]
        self._migrating()
        if self.chance(0.2):
            rest = ["soft", "moves", "cost", "balance"]
            self.raw["goals"] = ["placed", *self.some(rest)]
        return {key: value for key, value in self.raw.items() if value not in ([], {})}

    # Where things are.

    def _topology(self) -> None:
        rng = self.rng
        self.hosted = self.chance(0.75 if self.provider.role == "operator" else 0.12)
        zones: list[Raw] = []
        for zone in self.zones:
            entry: Raw = {"id": zone}
            if self.region_of[zone] is not None and not self.provider.catalogues:
                entry["in"] = self.region_of[zone]
            if self.provider.name == "cpm":
                entry["states"] = {"cpm": "open"}
            elif self.chance(0.1):
                entry["state"] = rng.choice(("sold_out", "draining", "suspect", "failed"))
            if not self.hosted and self.chance(0.8):
                entry["capacity"] = self._capacity((8, 12, 20, 40))
            if self.chance(0.15):
                entry["uplink_mbit_s"] = rng.choice((1000, 10000))
            if self.chance(0.2):
                entry["price"] = {"cpu_cores": rng.randint(1, 9)}
            zones.append(entry)
        self.raw["zones"] = zones
        self.sites, self.zone_of = list(self.zones), {z: z for z in self.zones}
        if self.hosted:
            self._hosts()

    def _capacity(self, cores: tuple[int, ...]) -> Raw:
        found: Raw = {"cpu_cores": self.rng.choice(cores)}
        if self.chance(0.3):
            found["memory_gib"] = self.rng.choice(cores) * 3
        if self.chance(0.1):
            found["cpu_cores"] = {"owned": found["cpu_cores"] // 2, "on_offer": found["cpu_cores"] // 2}
        return found

    def _hosts(self) -> None:
        rng = self.rng
        racked = self.chance(0.4)
        self.sites, self.zone_of = [], {}
        self.raw["hosts"] = []
        for zone in self.zones:
            racks = [f"{zone}-r{k}" for k in range(2)] if racked else []
            self.racks += racks
            for number in range(rng.randint(2, 3)):
                entry: Raw = {"id": f"{zone}-h{number}", "in": racks[number % 2] if racks else zone}
                entry["capacity"] = self._capacity((4, 6, 8, 12))
                if self.chance(0.15):
                    entry["most_instances"] = rng.randint(1, 4)
                if self.chance(0.15):
                    entry["uplink_mbit_s"] = rng.choice((1000, 10000))
                if self.chance(0.05):
                    entry["ready_after_s"] = rng.randint(1, 600)
                self.raw["hosts"].append(entry)
                self.sites.append(entry["id"])
                self.zone_of[entry["id"]] = zone
        if racked:
            self.raw["racks"] = [{"id": rack, "in": rack.rsplit("-r", 1)[0]} for rack in self.racks]

    def at(self, site: str) -> tuple[str, str | None]:
        """Return zone and region of a site."""
        zone = self.zone_of[site]
        return zone, self.region_of[zone]

    # What instances hang on.

    def _things(self) -> None:
        rng = self.rng
        for section in ("disks", "elastic_ips", "snapshots", "groups", "instances", "load_balancers"):
            self.raw[section] = []
        if self.chance(0.6):
            images = []
            for number in range(2):
                here = [r for r in self.regions if self.chance(0.7)] if self.chance(0.6) else []
                images.append({"id": f"img{number}", "regions": here, "copy_allowed": self.chance(0.5)})
            self.raw["images"] = images
        if self.chance(0.55):
            self._networks(rng)

    def _networks(self, rng: Random) -> None:
        vpcs, subnets = [], []
        for position, region in enumerate(self.regions or [None]):
            vpc: Raw = {"id": f"vpc{position}", "cidr": f"10.{position}.0.0/16"}
            if region is not None:
                vpc["region"] = region
            if self.chance(0.5):
                vpc["new_subnet_prefix"] = 26
            vpcs.append(vpc)
            zones = [z for z in self.zones if self.region_of[z] == region]
            for number, zone in enumerate(zones):
                for extra in range(rng.choice((1, 1, 1, 2))):
                    block = f"10.{position}.{10 * number + extra}.0/{rng.choice((26, 27, 27))}"
                    subnet: Raw = {"id": f"sub-{zone}-{extra}", "vpc": vpc["id"], "cidr": block, "zone": zone}
                    if self.chance(0.15):
                        subnet["used"] = 1
                    subnets.append(subnet)
            if self.chance(0.15):
                subnets.append({"id": f"sub-cut{position}", "vpc": vpc["id"], "prefix": 27})
        if self.provider.catalogues == ("vk-cloud",) and self.chance(0.8):
            for subnet in subnets:
                subnet.pop("zone", None)
        self.raw |= {"vpcs": vpcs, "subnets": subnets}

    def _owned(self, owner: str, site: str) -> Raw:
        """Make things that belong to one owner; returns its fields."""
        zone, region = self.at(site)
        rng, found = self.rng, Raw()
        home: Raw = {"region": region} if region is not None and self.chance(0.8) else {}
        if self.chance(0.3):
            found["disks"] = [f"disk-{owner}-{k}" for k in range(rng.randint(1, 2))]
            zonal = self.provider.catalogues in (("vk-cloud",), ()) and self.chance(0.7)
            for name in found["disks"]:
                size = rng.choice((0, 10, 50))
                self.raw["disks"].append(
                    {"id": name, "size_gib": size, **home, **({"zone": zone} if zonal else {})}
                )
        if self.chance(0.25):
            found["elastic_ips"] = [f"eip-{owner}"]
            self.raw["elastic_ips"].append({"id": f"eip-{owner}", **home})
        if self.chance(0.6):
            found["snapshots"] = []
            for of in (owner if self.chance(0.7) else None, *found.get("disks", [])):
                if self.chance(0.15):
                    continue
                copy: Raw = {"id": f"snap-{owner}-{len(self.raw['snapshots'])}"}
                if self.regions:
                    copy["region"] = rng.choice([region, region, *self.regions])
                if of:
                    copy["of"] = of
                if self.chance(0.7):
                    copy["taken_at"] = f"2026-03-02T{rng.randint(1, 8):02d}:00:00+00:00"
                self.raw["snapshots"].append(copy)
                found["snapshots"].append(copy["id"])
        return found

    # Who runs.

    def _group(self, number: int, *, placed: bool) -> None:
        rng, name = self.rng, f"g{number}"
        count = rng.randint(1, 4)
        group: Raw = {"id": name, "count": count, "demand": {"cpu_cores": rng.choice((1, 2, 3, 4))}}
        group["demand"] |= {"memory_gib": rng.choice((1, 4, 8)), "disk_gib": rng.choice((0, 20))}
        group |= {"stateful": self.chance(0.4), "priority": rng.choice((0, 0, 1, 5))}
        if self.provider.kind != "vm":
            group["kind"] = self.provider.kind
        if self.raw.get("images") and self.chance(0.4):
            group["image"] = rng.choice(("img0", "img1"))
        for field, share in (("pinned", 0.05), ("preemptible", 0.15), ("all_or_nothing", 0.07)):
            if self.chance(share):
                group[field] = True
        homes = self._network_of(group)
        group["movability"] = self._movability()
        if self.chance(0.25):
            group["billing"] = {"mode": "prepaid", "paid_until": "2026-09-01T00:00:00+00:00"}
        if self.chance(0.2):
            group["targets"] = {"recovery_minutes": rng.choice((1, 10, 60))}
        if number and self.chance(0.15):
            group["standby_of"] = f"g{rng.randrange(number)}"
        if self.chance(0.2):
            group["quorum"] = rng.choice(("majority", 1))
        if self.chance(0.5):
            self._unnamed(group, homes, placed)
        else:
            self._named(group, homes, placed)
        self.raw["groups"].append({k: v for k, v in group.items() if v not in ({}, [])})

    def _network_of(self, group: Raw) -> list[str]:
        """Give a group networks; returns the sites where it may be at home."""
        home = self.rng.choice(self.sites)
        zone, region = self.at(home)
        homes = [s for s in self.sites if self.at(s)[1] == region]
        if not self.raw.get("vpcs") or not self.chance(0.8):
            return self.sites if self.chance(0.3) else homes
        own = [v["id"] for v in self.raw["vpcs"] if v.get("region") == region]
        group["vpcs"] = own + [v["id"] for v in self.raw["vpcs"] if v["id"] not in own and self.chance(0.7)]
        group["keep_private_ip"] = self.chance(0.4)
        here = [s["id"] for s in self.raw["subnets"] if s["vpc"] in own and s.get("zone") in (None, zone)]
        if here and self.chance(0.6):
            group["subnets"] = [self.rng.choice(here)]
            homes = [s for s in self.sites if self.zone_of[s] == zone]
        return homes

    def _movability(self) -> Raw:
        rng, found = self.rng, Raw()
        for field, share in (("local_disk", 0.12), ("passthrough", 0.1)):
            if self.chance(share):
                found[field] = True
        if self.chance(0.3):
            found["may_stop"] = self.chance(0.5)
        if self.chance(0.3):
            found["migrate_seconds"] = rng.randint(1, 300)
        elif self.chance(0.2):
            found |= {"dirty_mib_s": rng.choice((1, 20)), "hot_mib": 5, "hot_seconds": 2}
        return found

    def _unnamed(self, group: Raw, homes: list[str], placed: bool) -> None:
        if placed:
            current: dict[str, int] = {}
            few = self.some(homes)[:2]
            for _ in range(group["count"] - (self.chance(0.15))):
                site = self.rng.choice(few)
                current[site] = current.get(site, 0) + 1
            group["current"] = current
        group |= self._owned(group["id"], homes[0])

    def _named(self, group: Raw, homes: list[str], placed: bool) -> None:
        for number in range(group["count"]):
            site = self.rng.choice(homes)
            name = f"{group['id']}-{number}"
            entry: Raw = {"id": name, "group": group["id"]}
            if placed and not self.chance(0.07):
                entry["site"] = site
                zone, region = self.at(site)
                home = {v["id"] for v in self.raw.get("vpcs", ()) if v.get("region") == region}
                fit = [s for s in self.raw.get("subnets", ()) if s.get("zone") in (None, zone) and "cidr" in s]
                fit = [s for s in fit if s["vpc"] in group.get("vpcs", ()) and s["vpc"] in home]
                fit = [s for s in fit if s["id"] in group.get("subnets", [s["id"]])]
                if fit and self.chance(0.8):
                    entry["subnet"] = self.rng.choice(fit)["id"]
            if self.chance(0.15):
                entry["demand"] = {"cpu_cores": self.rng.randint(1, 4), "memory_gib": 2}
            if self.chance(0.1):
                entry["pinned"] = True
            if self.chance(0.2):
                entry["last_moved"] = "2026-03-02T08:00:00+00:00"
            self.raw["instances"].append(entry | self._owned(name, site))

    def _balancers(self) -> None:
        for number in range(self.rng.choice((0, 0, 1, 2))):
            region = self.rng.choice(self.regions or [None])
            zones = [z for z in self.zones if self.region_of[z] == region]
            groups = [g["id"] for g in self.raw["groups"]]
            entry: Raw = {"id": f"lb{number}", "kind": self.provider.balancer, "backends": self.some(groups)[:2]}
            if region is not None and self.chance(0.6):
                entry["region"] = region
            if self.chance(0.7):
                entry["zones"] = self.some(zones)[: 1 if self.provider.catalogues == ("vk-cloud",) else 2]
            if self.chance(0.2):
                entry["least_backends"] = 1
            if self.chance(0.1):
                entry["least_per_zone"] = 1
            inside = [s["id"] for s in self.raw.get("subnets", ()) if s.get("zone") in entry.get("zones", ())]
            if inside and self.chance(0.5):
                entry |= {"internal": True, "subnet": self.rng.choice(inside)}
            self.raw["load_balancers"].append(entry)

    def _services(self) -> None:
        names = [g["id"] for g in self.raw["groups"]]
        if len(names) > 1 and self.chance(0.2):
            self.raw["services"] = [{"id": "svc", "chain": self.some(names, 2)[:3]}]

    # What is asked.

    def _level(self) -> str:
        levels = ["zone", "zone"]
        if self.hosted:
            levels += ["host", "host"]
        if self.racks:
            levels.append("rack")
        if self.regions:
            levels.append("region")
        return self.rng.choice(levels)

    def _domain(self) -> str:
        return self.rng.choice([*self.zones, *self.sites, *self.racks, *self.regions])

    def _rule(self) -> Raw | None:
        rng = self.rng
        names = [g["id"] for g in self.raw["groups"]]
        groups = self.some(names)[:2]
        kind = rng.choice(_RULES)
        rule: Raw = {"rule": kind, "groups": groups}
        match kind:
            case "anti_affinity":
                rule |= {"level": self._level(), "at_most": rng.randint(1, 2)}
            case "affinity":
                rule["level"] = self._level()
                if self.chance(0.4):
                    rule["to"] = rng.choice(names)
            case "separation":
                if len(names) < 2:
                    return None
                rule |= {"level": self._level(), "groups": self.some(names, 2)[:3]}
            case "spread":
                rule |= {"level": self._level(), **rng.choice(_SPREADS)}
            case "survive":
                rule |= {"level": "zone", "mode": rng.choice(("static", "evacuate", "evacuate"))}
                if self.hosted and self.chance(0.5):
                    rule["level"] = "host"
            case "quota":
                rule |= {"domain": self._domain(), "most": rng.randint(1, 6)}
            case "budget":
                rule |= {"per_month": rng.randint(5, 200)}
            case "domains":
                rule[rng.choice(("allow", "forbid"))] = sorted({self._domain(), self._domain()})
            case "pin":
                rule |= {"domain": self._domain()}
            case "latency":
                rule = {"rule": kind, "between": [rng.choice(names), rng.choice(names)], "limit_ms": 1}
            case "load":
                rule = {
                    "rule": kind,
                    "level": "host" if self.hosted else "zone",
                    "most_share": rng.choice((0.5, 0.8)),
                }
            case "keep_running":
                rule |= rng.choice(({"most_down": 0}, {"most_down": 1}, {"least": 1}, {"least": 2}))
            case _:
                rule["level"] = "zone"
        if kind not in ("keep_running",) and self.chance(0.3):
            rule["soft"] = {"weight": rng.randint(1, 3), "priority": rng.choice((0, 1, 1000))}
        elif self.chance(0.35):
            rule["continuous"] = True
        return rule

    def _migrating(self) -> None:
        rng = self.rng
        found: Raw = {}
        if self.chance(0.3):
            found["most_at_once"] = rng.randint(1, 3)
        if self.chance(0.25):
            found["most_at_once_per"] = {self._level(): rng.randint(1, 2)}
        if self.chance(0.15):
            found["one_at_a_time"] = self._level()
        if self.chance(0.2):
            found["windows"] = [
                {"start": f"2026-03-{3 + k:02d}T01:00:00+00:00", "end": f"2026-03-{3 + k:02d}T05:00:00+00:00"}
                for k in range(rng.randint(1, 3))
            ]
        if self.chance(0.2):
            found["weigh"] = rng.choice(("memory", "disk", "downtime"))
        if self.chance(0.1):
            found["cooldown_hours"] = rng.choice((0.5, 2))
        if self.chance(0.1):
            found["mib_per_second"] = rng.choice((1, 1000))
        self.raw["migration"] = found

    # What happens.

    def event(self) -> Raw:
        rng, found = self.rng, Raw()
        domains = sorted({*self.zones, *self.sites, *self.racks, *self.regions})
        kinds = ("fail", "fail", "drain", "drain", "suspect", "restore", "mend", "rebalance", "consolidate", "to")
        for kind in sorted({rng.choice(kinds), *(rng.choice(kinds) for _ in range(self.chance(0.3)))}):
            match kind:
                case "mend":
                    found["mend"] = True
                    if self.chance(0.3):
                        found["strictly"] = True
                case "rebalance":
                    found["rebalance"] = rng.choice((0.3, 0.5, 0.8))
                case "consolidate" | "to":
                    found[kind] = True
                case _:
                    found[kind] = rng.sample(domains, rng.choice((1, 1, 1, 2))) if len(domains) > 1 else domains
        for name in found.get("fail", ()):
            for other in ("suspect", "drain", "restore"):
                if name in found.get(other, ()):
                    found[other] = [n for n in found[other] if n != name]
        found = {key: value for key, value in found.items() if value != []}
        if self.chance(0.12):
            found["max_moves"] = rng.randint(0, 3)
        if self.chance(0.06):
            found["min_gain"] = rng.choice((1, 1000))
        if self.chance(0.08):
            found["cooldown_hours"] = rng.choice((0.5, 5))
        return found


_RULES = (
    "anti_affinity",
    "anti_affinity",
    "affinity",
    "separation",
    "spread",
    "spread",
    "survive",
    "survive",
    "quota",
    "budget",
    "domains",
    "pin",
    "latency",
    "load",
    "keep_running",
    "keep_running",
    "synchronous_replicas",
)
_SPREADS: tuple[Raw, ...] = (
    {"least_domains": 2},
    {"most_domains": 1},
    {"least_each": 1},
    {"skew": 1},
    {"largest_share": 0.5},
    {"shape": "even"},
    {"shape": "single"},
    {"least_domains": 2, "largest_share": 0.6},
)
