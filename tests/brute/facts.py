"""An estate as plain data, read by the brute force in its own way: tree, units, look-ups.

Nothing here comes from `zonewright`. Catalogues have to be inline.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.brute.numbers import FACTORS, amounts, exact, half_up, micros

Raw = dict[str, Any]
SECTIONS = (("regions", "region"), ("zones", "zone"), ("racks", "rack"), ("hosts", "host"), ("domains", None))
WORSE = ("open", "draining", "suspect", "sold_out", "coming_soon", "failed")


@dataclass(eq=False)
class Unit:
    """Instances that are alike: one named instance, or a group's unnamed rest."""

    index: int
    group: str
    name: str | None
    count: int
    demand: dict[str, int]
    flavour: Raw | None
    product: str
    account: str
    current: dict[str, int]
    own: Raw = field(default_factory=dict)
    """Everything else: the instance's field, or the group's."""


class Facts:
    """What the estate says."""

    def __init__(self, data: Raw) -> None:
        self.data = data
        self.catalogues: list[Raw] = [c for c in data.get("catalogues", []) if isinstance(c, dict)]
        self.levels: list[str] = data.get("levels", ["region", "zone", "rack", "host"])
        self.domains: dict[str, Raw] = {}
        self.level: dict[str, str] = {}
        for source in (*self.catalogues, data):
            self._read_domains(source)
        self._consider()
        self.up: dict[str, list[str]] = {d: self._chain(d) for d in self.domains}
        parents = {self.parent(d) for d in self.domains}
        across = {self.level[o] for e in self.domains.values() for o in e.get("also_in", [])}
        """Levels that cut across the tree: nothing of these is a site."""
        lowest = self.levels.index("zone") if "zone" in self.levels else 0
        leaves = [d for d in self.domains if d not in parents and self.level[d] not in across]
        self.sites = [d for d in leaves if self.levels.index(self.level[d]) >= lowest]
        self.groups: dict[str, Raw] = {g["id"]: g for g in data.get("groups", [])}
        self.flavours: dict[str, Raw] = {f["id"]: f for f in self.all("flavours")}
        self.vpcs = self.named("vpcs")
        self.subnets = self.named("subnets")
        self.balancers = self.named("load_balancers")
        self.clients: dict[str, Raw] = {c["id"]: c for c in self.all("clients")}
        self.accounts = self.named("accounts") or {"default": {"id": "default"}}
        self.products: dict[str, Raw] = {p["id"]: c for c in self.catalogues for p in c.get("products", [])}
        self.latencies = {k: micros(e["rtt_ms"]) for k, e in self._pairs("latencies").items()}
        self.links = self._pairs("links")
        self.traffic_prices = {
            k: half_up(exact(e["per_gib"]) * 10_000) for k, e in self._pairs("traffic_prices").items()
        }
        self.peered = {frozenset(p["between"]) for p in data.get("peerings", [])}
        self.units = self._units()
        self.rules: list[tuple[str, Raw]] = [
            (r.get("id") or f"{r['rule']}[{i}]", r) for i, r in enumerate(data.get("rules", []))
        ]

    # -- reading ------------------------------------------------------------------------------------

    def all(self, section: str) -> list[Raw]:
        return [e for s in (*self.catalogues, self.data) for e in s.get(section, [])]

    def named(self, section: str) -> dict[str, Raw]:
        return {e["id"]: e for e in self.data.get(section, [])}

    def _read_domains(self, source: Raw) -> None:
        for section, level in SECTIONS:
            for entry in source.get(section, []):
                names = (
                    [f"{entry['id']}-{n}" for n in range(entry["count"])] if "count" in entry else [entry["id"]]
                )
                for name in names:
                    known = dict(self.domains.get(name, {}))
                    fresh = {k: v for k, v in entry.items() if k not in ("id", "count")}
                    for mapping in ("states", "services", "labels"):
                        if mapping in fresh:
                            fresh[mapping] = {**known.get(mapping, {}), **fresh[mapping]}
                    if "state" in fresh:
                        known.pop("states", None)
                    if "states" in fresh:
                        known.pop("state", None)
                    self.domains[name] = {**known, **fresh}
                    self.level[name] = level or entry["level"]

    def _consider(self) -> None:
        wanted = set(self.data.get("consider", []))
        if wanted:
            chains = {d: self._chain(d) for d in self.domains}
            keep = {x for chain in chains.values() if wanted & set(chain) for x in chain}
            self.domains = {d: e for d, e in self.domains.items() if d in keep}

    def parent(self, domain: str) -> str | None:
        entry = self.domains[domain]
        return entry.get("in", entry.get("parent"))

    def _chain(self, domain: str) -> list[str]:
        """From the domain to its root, then what it is also in."""
        parent = self.parent(domain)
        found = [domain, *(self._chain(parent) if parent else [])]
        for other in self.domains[domain].get("also_in", []):
            found += [d for d in self._chain(other) if d not in found]
        return found

    def _root(self, domain: str) -> str:
        parent = self.parent(domain)
        return self._root(parent) if parent else domain

    def _pairs(self, section: str) -> dict[frozenset[str], Raw]:
        return {frozenset(e["between"]): e for e in self.all(section)}

    def _units(self) -> list[Unit]:
        units: list[Unit] = []
        for group in self.groups.values():
            members = [i for i in self.data.get("instances", []) if i["group"] == group["id"]]
            rest = group["count"] - len(members)
            for member in (*members, *([None] if rest else [])):
                units.append(self._unit(len(units), group, member, 1 if member else rest))
        return units

    def _unit(self, index: int, group: Raw, member: Raw | None, count: int) -> Unit:
        own = dict(group)
        for key, value in (member or {}).items():
            if value not in (None, []) and key not in ("id", "group"):
                own[key] = value
        flavour = self.flavours[own["flavour"]] if own.get("flavour") else None
        if member and member.get("demand"):
            flavour = None
        demand = amounts(flavour["resources"] if flavour else own["demand"])
        if member:
            current = {member["site"]: 1} if member.get("site") in self.domains else {}
        else:
            current = {s: n for s, n in group.get("current", {}).items() if n and s in self.domains}
        product = group.get("product") or next(iter(self.products), "instance")
        account = group.get("account") or next(iter(self.accounts))
        name = member["id"] if member else None
        return Unit(index, group["id"], name, count, demand, flavour, product, account, current, own)

    # -- asking -------------------------------------------------------------------------------------

    def at(self, domain: str, level: str) -> str | None:
        return next((d for d in self.up[domain] if self.level[d] == level), None)

    def zone(self, site: str) -> str:
        return self.at(site, "zone") or site

    def region(self, site: str) -> str:
        return self.at(site, "region") or self._root(site)

    def inside(self, domain: str) -> list[str]:
        return [s for s in self.sites if domain in self.up[s]]

    def domains_at(self, level: str) -> list[str]:
        return [d for d in self.domains if self.level[d] == level and self.inside(d)]

    def state(self, site: str, product: str) -> str:
        found = ["open"]
        after = {"failed": "failed", "suspect": "suspect", "drained": "draining", "closed": "draining"}
        for domain in self.up[site]:
            if domain in self.data.get("incidents", {}):
                found.append(after[self.data["incidents"][domain]])
            entry = self.domains[domain]
            if entry.get("states"):
                found.append(entry["states"].get(product, "coming_soon"))
            else:
                found.append(entry.get("state") or "open")
        return max(found, key=WORSE.index)

    def to_be_left(self, site: str) -> bool:
        """Whether something has happened to a domain around the site, so that nobody may stay."""
        return any(self.data.get("incidents", {}).get(d, "closed") != "closed" for d in self.up[site])

    def provides(self, site: str, service: str) -> str:
        for domain in self.up[site]:
            if service in self.domains[domain].get("services", {}):
                return str(self.domains[domain]["services"][service])
        return "not_stated"

    def labels(self, site: str) -> Raw:
        found: Raw = {}
        for domain in reversed(self.up[site]):
            found.update(self.domains[domain].get("labels", {}))
        return found

    def latency(self, a: str, b: str) -> int | None:
        """Of the lowest pair of domains around a and b, up to the first that holds both."""
        if a == b:
            return self.latencies.get(frozenset([a]), 0)
        common = next((d for d in self.up[a] if d in self.up[b]), None)
        for left in self.up[a]:
            for right in self.up[b]:
                if frozenset((left, right)) in self.latencies:
                    return self.latencies[frozenset((left, right))]
                if right == common:
                    break
            if left == common:
                break
        return None

    def client_latency(self, client: str, domain: str) -> int | None:
        names = [client]
        region = self.clients.get(client, {}).get("region")
        if region in self.domains:
            names += self.up[region]
        for name in names:
            for around in self.up[domain]:
                found = self.latencies.get(frozenset((name, around)))
                if found is not None:
                    return found
        return None

    def link(self, a: str, b: str, what: str) -> bool:
        for left in self.up[a]:
            for right in self.up[b]:
                entry = self.links.get(frozenset((left, right)), {})
                if entry.get(what) is not None:
                    return bool(entry[what])
        return False

    def traffic_price(self, a: str, b: str) -> int:
        if a != b:
            for left in self.up[a]:
                for right in self.up[b]:
                    if frozenset((left, right)) in self.traffic_prices:
                        return self.traffic_prices[frozenset((left, right))]
        return 0

    def price(self, unit: Unit, site: str) -> int:
        if unit.flavour:
            for domain in self.up[site]:
                if domain in unit.flavour.get("price", {}):
                    return half_up(exact(unit.flavour["price"][domain]) * 10_000)
        per_unit: Raw = {}
        for domain in reversed(self.up[site]):
            per_unit.update(self.domains[domain].get("price", {}))
        total = exact(0)
        for name, price in per_unit.items():
            resource, factor = FACTORS.get(name, (name, 1))
            total += exact(price) * unit.demand.get(resource, 0) / factor
        return half_up(total * 10_000)

    def prepaid(self, unit: Unit) -> bool:
        until = unit.own.get("billing", {}).get("paid_until")
        taken = self.data.get("taken_at")
        if until is None:
            return False
        return taken is None or datetime.fromisoformat(until) > datetime.fromisoformat(taken)

    def kind(self, product: str, kind: str) -> Raw:
        """The last entry for a kind of resource of a catalogue that lists the product."""
        found: Raw = {}
        for catalogue in self.catalogues:
            if product in [p["id"] for p in catalogue.get("products", [])]:
                for entry in catalogue.get("resource_kinds", []):
                    found = entry if entry["kind"] == kind else found
        return found

    def networking(self, product: str) -> Raw:
        """Who reaches whom over private addresses; where no catalogue says it, peered networks too."""
        return self.products.get(product, {}).get("networking") or {"peering": True}

    def scope(self, product: str, kind: str) -> str:
        assumed = {"key_pair": "global", "disk": "zonal", "subnet": "none"}
        return str(self.kind(product, kind).get("scope", assumed.get(kind, "regional")))

    def selected(self, rule: Raw) -> list[str]:
        """The groups that a rule is about."""
        names = rule.get("groups", "*")
        names = list(self.groups) if names == "*" else list(dict.fromkeys(names))
        wanted = rule.get("with_labels", {})
        return [g for g in names if wanted.items() <= self.groups[g].get("labels", {}).items()]
