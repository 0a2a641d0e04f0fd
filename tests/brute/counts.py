"""Rules on how many of a group are where, and in whose company."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from tests.brute.facts import Unit
from tests.brute.numbers import ceiling, exact
from tests.brute.reach import eligible
from tests.brute.scene import Scene

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def anti_affinity(scene: Scene, rule: Raw) -> Breaches:
    most = rule.get("at_most", 1)
    return [
        (group, count - most)
        for group in scene.facts.selected(rule)
        for count in scene.counts(group, rule["level"]).values()
        if count > most
    ]


def affinity(scene: Scene, rule: Raw) -> Breaches:
    groups = scene.facts.selected(rule)
    if rule.get("to"):
        named = rule["to"] if isinstance(rule["to"], list) else [rule["to"]]
        company = [scene.counts(other, rule["level"]) for other in dict.fromkeys(named)]
        return [(g, 1) for g in groups for d in scene.counts(g, rule["level"]) for c in company if d not in c]
    domains = {d for g in groups for d in scene.counts(g, rule["level"])}
    return [(groups[0], len(domains) - 1)] if len(domains) > 1 else []


def separation(scene: Scene, rule: Raw) -> Breaches:
    found: Breaches = []
    for one, other in combinations(list(dict.fromkeys(rule["groups"])), 2):
        here, there = scene.counts(one, rule["level"]), scene.counts(other, rule["level"])
        found += [(one, 1) for domain in here if domain in there]
    return found


def spread(scene: Scene, rule: Raw) -> Breaches:
    found: Breaches = []
    for group in scene.facts.selected(rule):
        if scene.total(group):
            found += [(group, amount) for amount in _spread_of(scene, rule, group) if amount > 0]
    return found


def _spread_of(scene: Scene, rule: Raw, group: str) -> list[int]:
    counts = scene.counts(group, rule.get("level", "zone"))
    shape = rule.get("shape", "any")
    amounts: list[int] = []
    if rule.get("least_domains") is not None and scene.before is None:
        amounts.append(rule["least_domains"] - len(counts))
    limits = [x for x in (rule.get("most_domains"), 1 if shape == "single" else None) if x is not None]
    if limits:
        amounts.append(len(counts) - min(limits))
    if rule.get("largest_share") is not None:
        limit = ceiling(exact(rule["largest_share"]) * scene.total(group))
        amounts += [count - limit for count in counts.values()]
    here = [counts.get(d, 0) for d in eligible(scene, group, rule.get("level", "zone"))]
    if rule.get("least_each") is not None:
        amounts += [rule["least_each"] - count for count in here]
    skews = [x for x in (rule.get("skew"), {"even": 1, "balanced": 0}.get(shape)) if x is not None]
    if skews and here:
        amounts.append(max(here) - min(here) - min(skews))
    return amounts


def pin(scene: Scene, rule: Raw) -> Breaches:
    facts = scene.facts
    groups = set(facts.selected(rule))
    found: Breaches = []
    for unit in facts.units:
        if unit.group not in groups or (rule.get("instances") and unit.name not in rule["instances"]):
            continue
        if rule.get("domain"):
            inside = facts.inside(rule["domain"])
            away = sum(n for s, n in scene.at[unit.index].items() if s not in inside)
            found.append((unit.group, away))
        else:
            found.append((unit.group, moved_away(scene, unit)))
    return [(group, amount) for group, amount in found if amount > 0]


def pinned(scene: Scene, rule: Raw) -> Breaches:
    return [
        (unit.group, amount)
        for unit in scene.facts.units
        if unit.own.get("pinned") and (amount := moved_away(scene, unit)) > 0
    ]


def moved_away(scene: Scene, unit: Unit) -> int:
    """Instances beyond those that had no place yet, at sites where they are not today."""
    if not unit.current:
        return 0
    elsewhere = sum(max(0, n - unit.current.get(s, 0)) for s, n in scene.at[unit.index].items())
    return elsewhere - (unit.count - sum(unit.current.values()))


def all_or_nothing(scene: Scene, rule: Raw) -> Breaches:
    found: Breaches = []
    for name, group in scene.facts.groups.items():
        if group.get("all_or_nothing") and 0 < scene.total(name) < group["count"]:
            found.append((name, group["count"] - scene.total(name)))
    return found
