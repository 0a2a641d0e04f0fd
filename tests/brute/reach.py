"""Which units may be at which sites, each rule by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.brute.facts import Facts, Unit
from tests.brute.scene import Scene, vpc_at

Raw = dict[str, Any]
Forbids = Callable[[Facts, Raw, Unit, str, bool], bool]


def zone_state(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    state = facts.state(site, unit.product)
    stays = ("open", "sold_out", "draining", "suspect")
    return state != "open" if entering else state not in stays or facts.to_be_left(site)


def entitlement(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    held = facts.accounts[unit.account].get("entitlements", [])
    return any(need not in held for d in facts.up[site] for need in facts.domains[d].get("requires", []))


def compatibility(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    family = unit.flavour.get("family") if unit.flavour else None
    for domain in facts.up[site]:
        families = facts.domains[domain].get("families")
        if families and family not in families:
            return True
    model = unit.own.get("movability", {}).get("cpu_model")
    there = facts.labels(site).get("cpu_model")
    return model is not None and there is not None and there != model


def service_availability(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    needed = list(unit.own.get("needs_services", []))
    for kind, field in (
        ("disk", "disks"),
        ("snapshot", "snapshots"),
        ("elastic_ip", "elastic_ips"),
        ("image", "image"),
    ):
        if unit.own.get(field):
            needed.append(facts.kind(unit.product, kind).get("service"))
    return any(service and facts.provides(site, service) == "missing" for service in needed)


def scope(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    region, zone = facts.region(site), facts.zone(site)
    if unit.own.get("image"):
        image = facts.named("images")[unit.own["image"]]
        if image.get("account", unit.account) != unit.account:
            return True
        bound = facts.scope(unit.product, "image") != "global" and not image.get("copy_allowed", False)
        if bound and image.get("regions") and region not in image["regions"]:
            return True
    for kind, section in (
        ("disk", "disks"),
        ("elastic_ip", "elastic_ips"),
        ("security_group", "security_groups"),
        ("key_pair", "key_pairs"),
        ("route_table", "route_tables"),
    ):
        names = unit.own.get(section, [])
        if kind == "route_table":
            names = [unit.own["route_table"]] if unit.own.get("route_table") else []
        reach = facts.scope(unit.product, kind)
        for name in names:
            thing = facts.named(section)[name]
            if thing.get("account", unit.account) != unit.account:
                return True
            if reach in ("regional", "zonal") and thing.get("region", region) != region:
                return True
            if reach == "zonal" and thing.get("zone", zone) != zone:
                return True
    return False


def network(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    return bool(unit.own.get("vpcs")) and vpc_at(facts, unit, site) is None


def domains(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    around = set(facts.up[site])
    labels = facts.labels(site)

    def one_of(values: Any) -> list[str]:
        return [values] if isinstance(values, str) else list(values)

    if rule.get("allow") and not around & set(rule["allow"]):
        return True
    if around & set(rule.get("forbid", [])):
        return True
    if any(labels.get(k) not in one_of(v) for k, v in rule.get("allow_labels", {}).items()):
        return True
    return any(k in labels and labels[k] in one_of(v) for k, v in rule.get("forbid_labels", {}).items())


def residency(facts: Facts, rule: Raw, unit: Unit, site: str, entering: bool) -> bool:
    return facts.domains[facts.region(site)].get("country") not in rule["countries"]


IMPLICIT: dict[str, Forbids] = {
    "zone_state": zone_state,
    "entitlement": entitlement,
    "compatibility": compatibility,
    "service_availability": service_availability,
    "scope": scope,
    "network": network,
}
WRITTEN: dict[str, Forbids] = {"domains": domains, "residency": residency}


def misplaced(scene: Scene, kind: str, rule: Raw) -> list[tuple[str | None, int]]:
    """(group, instances) that are where the rule forbids them."""
    facts = scene.facts
    forbids = IMPLICIT.get(kind) or WRITTEN[kind]
    groups = set(facts.selected(rule))
    found: list[tuple[str | None, int]] = []
    for unit in facts.units:
        if unit.group not in groups:
            continue
        for site, count in scene.at[unit.index].items():
            if not forbids(facts, rule, unit, site, True):
                continue
            stay = 0 if forbids(facts, rule, unit, site, False) else scene.there_already(unit, site)
            if count > stay:
                found.append((unit.group, count - stay))
    return found


def may_enter(facts: Facts, unit: Unit, site: str, without: frozenset[str]) -> bool:
    """Whether an instance may newly be put at a site, by the hard rules of reach."""
    for kind, forbids in IMPLICIT.items():
        if kind not in without and forbids(facts, {}, unit, site, True):
            return False
    for label, rule in facts.rules:
        if rule["rule"] in WRITTEN and not rule.get("soft") and label not in without:
            concerned = unit.group in facts.selected(rule)
            if concerned and WRITTEN[rule["rule"]](facts, rule, unit, site, True):
                return False
    return True


def may_stay(facts: Facts, unit: Unit, site: str, without: frozenset[str]) -> bool:
    """Whether an instance that is at a site already may stay there."""
    for kind, forbids in IMPLICIT.items():
        if kind not in without and forbids(facts, {}, unit, site, True) and forbids(facts, {}, unit, site, False):
            return False
    for label, rule in facts.rules:
        if rule["rule"] in WRITTEN and not rule.get("soft") and label not in without:
            concerned = unit.group in facts.selected(rule)
            if concerned and WRITTEN[rule["rule"]](facts, rule, unit, site, False):
                return False
    return True


def _serves(facts: Facts, unit: Unit, site: str) -> bool:
    """Whether the unit can be behind all balancers of its group at a site."""
    default = next(iter(facts.accounts))
    for balancer in facts.balancers.values():
        if unit.group in balancer.get("backends", []):
            kinds = [k for c in facts.catalogues for k in c.get("balancers", []) if k["kind"] == balancer["kind"]]
            if kinds and unit.product not in kinds[-1]["binds"]:
                return False
            if unit.account != balancer.get("account", default):
                return False
            if balancer.get("region", facts.region(site)) != facts.region(site):
                return False
    return True


def eligible(scene: Scene, group: str, level: str) -> list[str]:
    """Domains of a level where one of the group may newly be put, lost ones left out."""
    facts = scene.facts
    members = [u for u in facts.units if u.group == group]
    return [
        domain
        for domain in facts.domains_at(level)
        if any(
            site not in scene.lost
            and may_enter(facts, unit, site, scene.without)
            and ("load_balancer" in scene.without or _serves(facts, unit, site))
            for site in facts.inside(domain)
            for unit in members
        )
    ]
