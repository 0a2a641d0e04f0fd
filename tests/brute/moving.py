"""Rules that speak of migrations, as far as a placement can break them."""

from __future__ import annotations

from typing import Any

from tests.brute.facts import Facts, Unit
from tests.brute.goals import transport
from tests.brute.numbers import amounts
from tests.brute.scene import Scene
from tests.brute.sums import usable, used

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def keep_running(scene: Scene, rule: Raw) -> Breaches:
    """Never broken by a placement."""
    return []


def move_limit(scene: Scene, rule: Raw) -> Breaches:
    """Instances that have a place today, and are not there any more."""
    if scene.before is not None:
        return []
    gone = 0
    for unit in scene.facts.units:
        for site, count in unit.current.items():
            gone += max(0, count - scene.at[unit.index].get(site, 0))
    return [(None, gone - rule["most"])] if gone > rule["most"] else []


def _gone(scene: Scene, unit: Unit) -> dict[str, int]:
    """How many have left each site where they are today."""
    here = scene.at[unit.index]
    return {site: n - here.get(site, 0) for site, n in unit.current.items() if n > here.get(site, 0)}


def double_occupancy(scene: Scene, rule: Raw) -> Breaches:
    """Use and what leavers hold, domain by domain, against what is usable or used today."""
    if scene.before is not None:
        return []
    facts, level = scene.facts, rule.get("level", "host")
    today = Scene(facts, {(u.index, s, None): n for u in facts.units for s, n in u.current.items()})
    found: Breaches = []
    for domain in facts.domains_at(level):
        inside = set(facts.inside(domain))
        for name in facts.domains[domain].get("capacity", {}):
            for resource in amounts({name: 0}):
                if rule.get("resources") and resource not in rule["resources"]:
                    continue
                limit = max(usable(facts, domain, resource, False) or 0, used(today, domain, resource))
                held = 0
                for unit in facts.units:
                    was = sum(n for s, n in unit.current.items() if s in inside)
                    now = sum(n for s, n in scene.at[unit.index].items() if s in inside)
                    held += max(0, was - now) * unit.demand.get(resource, 0)
                use = used(scene, domain, resource)
                found.append((None, max(0, use + held - limit) - max(0, use - limit)))
    return [(group, amount) for group, amount in found if amount > 0]


def move_cost(scene: Scene, rule: Raw) -> Breaches:
    """All moves together, each at its own cost or at that of its way."""
    if scene.before is not None:
        return []
    groups = scene.facts.selected(rule)
    total = 0
    for unit in scene.facts.units:
        if unit.group not in groups:
            continue
        gone = _gone(scene, unit)
        if rule.get("own"):
            total += sum(gone.values()) * unit.own.get("move_cost", 1)
            continue
        here = scene.at[unit.index]
        come = {s: n - unit.current.get(s, 0) for s, n in here.items() if n > unit.current.get(s, 0)}
        prices = {(a, b): way(scene.facts, rule, a, b) for a in gone for b in come}
        lost = max(0, sum(gone.values()) - sum(come.values()))
        entries = [*rule.get("steps", []), *rule.get("pairs", [])]
        total += lost * max([rule.get("beyond", 0), *(entry["cost"] for entry in entries)])
        total += transport(gone, come, prices)
    return [(None, total)] if total else []


def way(facts: Facts, rule: Raw, a: str, b: str) -> int:
    """What it costs to go from a to b."""
    for step in rule.get("steps", []):
        if facts.at(a, step["within"]) is not None and facts.at(a, step["within"]) == facts.at(b, step["within"]):
            return int(step["cost"])
    pairs = {(pair["from"], pair["to"]): pair["cost"] for pair in rule.get("pairs", [])}
    for left in facts.up[a]:
        for right in facts.up[b]:
            if (left, right) in pairs:
                return int(pairs[left, right])
    return int(rule.get("beyond", 0))


def group_moves(scene: Scene, rule: Raw) -> Breaches:
    """The group with the most moves."""
    if scene.before is not None:
        return []
    most, worst = rule.get("most", 0), None
    for group in scene.facts.selected(rule):
        moved = sum(sum(_gone(scene, u).values()) for u in scene.facts.units if u.group == group)
        if moved > most:
            most, worst = moved, group
    return [(worst, most - rule.get("most", 0))] if worst else []


def avoid(scene: Scene, rule: Raw) -> Breaches:
    """1 where every one of them is true."""
    if scene.before is not None:
        return []
    for held in rule["together"]:
        there = sum(scene.of_group[held["group"]].get(site, 0) for site in scene.facts.inside(held["domain"]))
        if held.get("outside"):
            there = scene.facts.groups[held["group"]]["count"] - there
        if there < held.get("count", 1):
            return []
    return [(rule["together"][0]["group"], 1)]
