"""Rules on sums, and what instances cost: capacity, load, quota, budget."""

from __future__ import annotations

from typing import Any

from tests.brute.facts import Facts, Unit
from tests.brute.numbers import amounts, exact, money
from tests.brute.scene import Scene

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def usable(facts: Facts, domain: str, resource: str, firm: bool) -> int | None:
    """Floor of (stock - reserve) x overcommit, never below nothing."""
    entry = facts.domains[domain]
    stock = stock_of(entry.get("capacity", {}), resource, firm)
    if stock is None:
        return None
    stock -= amounts(entry.get("reserve")).get(resource, 0)
    return max(0, int(stock * exact(entry.get("overcommit", {}).get(resource, 1))))


def stock_of(stocks: Raw, name: str, firm: bool) -> int | None:
    plain = amounts({k: v for k, v in stocks.items() if not isinstance(v, dict)})
    if name in plain:
        return plain[name]
    if name not in stocks:
        return None
    entry = stocks[name]
    return int(entry.get("owned", 0) + entry.get("reserved", 0) + (0 if firm else entry.get("on_offer", 0)))


def uses(unit: Unit, resource: str) -> int:
    return unit.demand.get(resource, 0)


def used(scene: Scene, domain: str, thing: str, lost: frozenset[str] = frozenset()) -> int:
    """How much of a resource, or how many of a flavour, is in a domain."""
    total = 0
    for unit in scene.facts.units:
        if unit.flavour and unit.flavour["id"] == thing:
            each = 1
        else:
            each = unit.demand.get(thing, 0)
        if each:
            total += each * sum(
                n for s, n in scene.at[unit.index].items() if domain in scene.facts.up[s] and s not in lost
            )
    return total


def capacity(scene: Scene, rule: Raw) -> Breaches:
    facts = scene.facts
    firm = scene.before is not None and not scene.on_offer
    found: Breaches = []

    def hold(domain: str, thing: str, limit: int | None) -> None:
        if limit is None:
            return
        if firm and scene.before is not None:
            limit = max(limit, used(scene.before, domain, thing, scene.lost))
        found.append((None, used(scene, domain, thing) - limit))

    for domain, entry in facts.domains.items():
        for name in entry.get("capacity", {}):
            for resource in amounts({name: 0}):
                hold(domain, resource, usable(facts, domain, resource, firm))
        for flavour in entry.get("flavours", {}):
            hold(domain, flavour, stock_of(entry["flavours"], flavour, firm))
        if "most_instances" in entry:
            here = sum(n for sites in scene.at for s, n in sites.items() if domain in facts.up[s])
            found.append((None, here - entry["most_instances"]))
    return [(group, amount) for group, amount in found if amount > 0]


def load(scene: Scene, rule: Raw) -> Breaches:
    facts = scene.facts
    found: Breaches = []
    for domain in facts.domains_at(rule["level"]):
        for name in facts.domains[domain].get("capacity", {}):
            for resource in amounts({name: 0}):
                if rule.get("resources") and resource not in rule["resources"]:
                    continue
                if "most_share" not in rule:
                    continue
                limit = int((usable(facts, domain, resource, False) or 0) * exact(rule["most_share"]))
                excess = used(scene, domain, resource) - limit
                if excess > 0:
                    found.append((None, excess))
        for resource, safe in (
            amounts(facts.domains[domain].get("safe")).items() if "most_share" not in rule else ()
        ):
            if not rule.get("resources") or resource in rule["resources"]:
                excess = used(scene, domain, resource) - safe
                found += [(None, excess)] if excess > 0 else []
    return found


def free_ratio(scene: Scene, rule: Raw) -> Breaches:
    """Free of the one, times the ratio, less free of the other, domain by domain."""
    if scene.before is not None:
        return []
    found: Breaches = []
    for domain in scene.facts.domains_at(rule.get("level", "host")):
        sizes = [usable(scene.facts, domain, name, False) for name in (rule["resource"], rule["beside"])]
        if sizes[0] is None or sizes[1] is None:
            continue
        free = sizes[0] - used(scene, domain, rule["resource"])
        beside = sizes[1] - used(scene, domain, rule["beside"])
        if rule["ratio"] * free > beside:
            found.append((None, rule["ratio"] * free - beside))
    return found


def _counted(scene: Scene, rule: Raw) -> list[tuple[Unit, dict[str, int]]]:
    """The rule's units with what they have inside the rule's domain."""
    facts = scene.facts
    groups = set(facts.selected(rule))
    inside = set(facts.inside(rule["domain"]) if rule.get("domain") else facts.sites)
    found = []
    for unit in facts.units:
        if unit.group in groups:
            found.append((unit, {s: n for s, n in scene.at[unit.index].items() if s in inside}))
    return found


def quota(scene: Scene, rule: Raw) -> Breaches:
    total = 0
    for unit, sites in _counted(scene, rule):
        if rule.get("account", unit.account) != unit.account:
            continue
        if rule.get("product", unit.product) != unit.product:
            continue
        flavour = unit.flavour["id"] if unit.flavour else None
        if rule.get("flavour", flavour) != flavour:
            continue
        each = unit.demand.get(rule["resource"], 0) if rule.get("resource") else 1
        total += each * sum(sites.values())
    return [(None, total - rule["most"])] if total > rule["most"] else []


def priced(facts: Facts, unit: Unit, sites: dict[str, int]) -> int:
    """What a unit costs where it is; what is prepaid and stays costs nothing more."""
    prepaid = facts.prepaid(unit)
    cost = 0
    for site, count in sites.items():
        staying = min(count, unit.current.get(site, 0)) if prepaid else 0
        cost += (count - staying) * facts.price(unit, site)
    return cost


def budget(scene: Scene, rule: Raw) -> Breaches:
    total = sum(priced(scene.facts, unit, sites) for unit, sites in _counted(scene, rule))
    excess = total - money(rule["per_month"])
    return [(None, excess)] if excess > 0 else []
