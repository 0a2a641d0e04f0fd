"""What may stay as broken as it is: breaches place by place, and what is left of them.

Only for the kinds in `PLACED`; of any other rule nothing is tolerated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.brute import counts, distance, moving, reach, sums, survival
from tests.brute.numbers import amounts, exact
from tests.brute.scene import Scene

Raw = dict[str, Any]
#: (group, domain, what) to how much is broken there.
ByPlace = dict[tuple[str | None, str | None, str | None], int]


def capacity(scene: Scene, rule: Raw) -> ByPlace:
    facts = scene.facts
    found: ByPlace = {}
    for domain, entry in facts.domains.items():
        for name in entry.get("capacity", {}):
            for resource in amounts({name: 0}):
                limit = sums.usable(facts, domain, resource, False)
                if limit is not None:
                    found[None, domain, resource] = sums.used(scene, domain, resource) - limit
        if "most_instances" in entry:
            here = sum(n for sites in scene.at for s, n in sites.items() if domain in facts.up[s])
            found[None, domain, None] = here - entry["most_instances"]
    return found


def load(scene: Scene, rule: Raw) -> ByPlace:
    facts = scene.facts
    found: ByPlace = {}
    for domain in facts.domains_at(rule["level"]):
        for name in facts.domains[domain].get("capacity", {}):
            for resource in amounts({name: 0}):
                if "most_share" in rule and (not rule.get("resources") or resource in rule["resources"]):
                    usable = sums.usable(facts, domain, resource, False) or 0
                    limit = int(usable * exact(rule["most_share"]))
                    found[None, domain, resource] = sums.used(scene, domain, resource) - limit
    return found


def anti_affinity(scene: Scene, rule: Raw) -> ByPlace:
    return {
        (group, domain, None): count - rule.get("at_most", 1)
        for group in scene.facts.selected(rule)
        for domain, count in scene.counts(group, rule["level"]).items()
    }


def separation(scene: Scene, rule: Raw) -> ByPlace:
    found: ByPlace = {}
    names = list(dict.fromkeys(rule["groups"]))
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            for domain in scene.counts(one, rule["level"]).keys() & scene.counts(other, rule["level"]).keys():
                found[one, domain, None] = found.get((one, domain, None), 0) + 1
    return found


def domains(scene: Scene, rule: Raw) -> ByPlace:
    """By site; nobody may stay where the rule forbids."""
    facts = scene.facts
    groups = facts.selected(rule)
    found: ByPlace = {}
    for unit in facts.units:
        for site, count in scene.at[unit.index].items():
            if unit.group in groups and reach.domains(facts, rule, unit, site, False):
                found[unit.group, site, None] = found.get((unit.group, site, None), 0) + count
    return found


def zone_state(scene: Scene, rule: Raw) -> ByPlace:
    """By zone, for who is where nobody may stay or newly is where nobody may enter."""
    facts = scene.facts
    found: ByPlace = {}
    for unit in facts.units:
        for site, count in scene.at[unit.index].items():
            if reach.zone_state(facts, rule, unit, site, True):
                kept = 0 if reach.zone_state(facts, rule, unit, site, False) else unit.current.get(site, 0)
                key = (unit.group, facts.zone(site), None)
                found[key] = found.get(key, 0) + max(0, count - kept)
    return found


def spread(scene: Scene, rule: Raw) -> ByPlace:
    """Numbers of domains and skews belong to no domain in particular."""
    level = rule.get("level", "zone")
    found: ByPlace = {}
    for group in scene.facts.selected(rule):
        here = scene.counts(group, level)
        if not here:
            continue
        number = [len(here) - rule["most_domains"]] if "most_domains" in rule else []
        number += [rule["least_domains"] - len(here)] if "least_domains" in rule else []
        if number:
            found[group, None, "domains"] = sum(max(0, n) for n in number)
        if "largest_share" in rule:
            limit = -(-exact(rule["largest_share"]) * scene.total(group) // 1)
            for domain, count in here.items():
                found[group, domain, None] = count - int(limit)
        eligible = {d: here.get(d, 0) for d in reach.eligible(scene, group, level)}
        if "least_each" in rule:
            for domain, count in eligible.items():
                found[group, domain, None] = rule["least_each"] - count
        if "skew" in rule and eligible:
            found[group, None, "skew"] = max(eligible.values()) - min(eligible.values()) - rule["skew"]
    return found


def by_group(check: Callable[[Scene, Raw], list[tuple[str | None, int]]]) -> Callable[[Scene, Raw], ByPlace]:
    """For rules whose breaches belong to a group, not to a place."""

    def placed(scene: Scene, rule: Raw) -> ByPlace:
        found: ByPlace = {}
        for group, amount in check(scene, rule):
            found[group, None, None] = found.get((group, None, None), 0) + amount
        return found

    return placed


def by_domain(check: Callable[[Scene, Raw], list[tuple[str | None, int]]]) -> Callable[[Scene, Raw], ByPlace]:
    """For rules with one limit in the domain that they name."""
    return lambda scene, rule: {(None, rule.get("domain"), None): sum(a for _, a in check(scene, rule))}


PLACED: dict[str, Callable[[Scene, Raw], ByPlace]] = {
    "affinity": by_group(counts.affinity),
    "anti_affinity": anti_affinity,
    "avoid": by_group(moving.avoid),
    "budget": by_domain(sums.budget),
    "capacity": capacity,
    "domains": domains,
    "latency": by_group(distance.latency),
    "load": load,
    "quota": by_domain(sums.quota),
    "separation": separation,
    "spread": spread,
    "survive": by_group(survival.survive),
    "synchronous_replicas": by_group(distance.synchronous_replicas),
    "zone_state": zone_state,
}


def fill(scene: Scene, rules: list[tuple[str, str, Raw]]) -> list[Raw]:
    """Entries for all that a scene breaks of (kind, label, rule)."""
    return [
        {"rule": label, "group": group, "domain": domain, "what": what, "amount": amount}
        for kind, label, rule in rules
        for (group, domain, what), amount in PLACED[kind](scene, rule).items()
        if amount > 0
    ]


def intolerable(scene: Scene, kind: str, label: str, rule: Raw) -> bool:
    """Whether a rule that is broken is broken by more, or elsewhere, than is tolerated.

    An entry without a domain is for all domains that have no entry of their own, together.
    """
    entries = [e for e in scene.facts.data.get("tolerated", []) if e["rule"] == label]
    if not entries or kind not in PLACED:
        return True
    given: ByPlace = {}
    for entry in entries:
        key = (entry.get("group"), entry.get("domain"), entry.get("what"))
        given[key] = given.get(key, 0) + entry["amount"]
    used: ByPlace = {}
    for (group, domain, what), amount in PLACED[kind](scene, rule).items():
        key = (group, domain if (group, domain, what) in given else None, what)
        used[key] = used.get(key, 0) + max(0, amount)
    return any(amount > given.get(key, 0) for key, amount in used.items())
