"""Rules on load balancers."""

from __future__ import annotations

from typing import Any

from tests.brute.facts import Facts
from tests.brute.network import zone_of
from tests.brute.scene import Scene

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def zones_of(scene: Scene, balancer: Raw) -> tuple[str, ...]:
    own = [z for z in balancer.get("zones", []) if z in scene.facts.domains]
    return tuple(own) if balancer.get("zones") else scene.serves.get(balancer["id"], ())


def candidates(facts: Facts, balancer: Raw) -> list[str]:
    """Zones that a balancer may serve from."""
    account = balancer.get("account") or next(iter(facts.accounts))
    held = facts.accounts[account].get("entitlements", [])
    products = [_product(facts, g) for g in balancer.get("backends", [])]
    found = []
    for zone in facts.domains_at("zone"):
        states = [facts.state(zone, p) for p in products or [next(iter(facts.products), "instance")]]
        needs = [r for d in facts.up[zone] for r in facts.domains[d].get("requires", [])]
        if balancer.get("region", facts.region(zone)) != facts.region(zone):
            continue
        if not {"failed", "coming_soon"} & set(states) and set(needs) <= set(held):
            found.append(zone)
    return found


def _product(facts: Facts, group: str) -> str:
    return facts.groups[group].get("product") or next(iter(facts.products), "instance")


def load_balancer(scene: Scene, rule: Raw) -> Breaches:
    found: Breaches = []
    for balancer in scene.facts.balancers.values():
        for group in balancer.get("backends", []):
            if scene.total(group):
                found += _backends(scene, balancer, group)
        found += _zones(scene, balancer)
    return [(group, amount) for group, amount in found if amount > 0]


def _backends(scene: Scene, balancer: Raw, group: str) -> Breaches:
    facts = scene.facts
    found: Breaches = []
    default = next(iter(facts.accounts))
    kinds = [k for c in facts.catalogues for k in c.get("balancers", []) if k["kind"] == balancer["kind"]]
    if kinds and _product(facts, group) not in kinds[-1]["binds"]:
        found.append((group, scene.total(group)))
    if (facts.groups[group].get("account") or default) != (balancer.get("account") or default):
        found.append((group, scene.total(group)))
    inside = 0
    for site, count in scene.of_group[group].items():
        if balancer.get("region", facts.region(site)) == facts.region(site):
            inside += count
    found.append((group, scene.total(group) - inside))
    found.append((group, balancer.get("least_backends", 0) - inside))
    for zone in zones_of(scene, balancer):
        if not scene.gone(zone):
            here = scene.counts(group, "zone").get(zone, 0)
            found.append((group, balancer.get("least_per_zone", 0) - here))
    return found


def _zones(scene: Scene, balancer: Raw) -> Breaches:
    if scene.before is not None:
        return []
    zones = zones_of(scene, balancer)
    wanted = len(balancer.get("zones", [])) or balancer.get("zone_count", 1)
    found: Breaches = [(None, abs(wanted - len(set(zones))))]
    allowed = candidates(scene.facts, balancer)
    found += [(None, 1) for zone in zones if zone not in allowed]
    if balancer.get("internal") and balancer.get("subnet") and zones:
        home = zone_of(scene, balancer["subnet"])
        if home is not None and home not in zones:
            found.append((None, 1))
    return found
