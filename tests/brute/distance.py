"""Rules on round trips and on what the network between domains is fit for."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from tests.brute.numbers import micros
from tests.brute.reach import misplaced
from tests.brute.scene import Scene

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def latency(scene: Scene, rule: Raw) -> Breaches:
    if scene.before is not None and not rule.get("under_failure"):
        return []
    level = rule.get("level", "zone")
    if rule.get("between"):
        one, other = rule["between"]
        if one == other:
            pairs = {frozenset((a, b)) for a in scene.counts(one, level) for b in scene.counts(one, level)}
            return [(one, 1) for p in pairs if not _within(scene, rule, min(p), max(p))]
        return [
            (one, 1)
            for a in scene.counts(one, level)
            for b in scene.counts(other, level)
            if not _within(scene, rule, a, b)
        ]
    group = rule.get("quorum") or rule.get("clients")
    counts = scene.counts(group, level)
    if not counts:
        return []
    missing = _missing(scene, rule, counts, None)
    if rule.get("under_failure") and scene.before is None:
        for gone in counts:
            rest = {d: n for d, n in counts.items() if d != gone}
            missing += _missing(scene, rule, rest, gone)
    return [(group, missing)] if missing else []


def _within(scene: Scene, rule: Raw, a: str, b: str) -> bool:
    found = scene.facts.latency(a, b)
    return found is not None and found <= micros(rule["limit_ms"])


def _missing(scene: Scene, rule: Raw, counts: dict[str, int], gone: str | None) -> int:
    """Replicas missing from a majority near the leader, or client locations without a near replica."""
    facts = scene.facts
    if rule.get("quorum"):
        leader = rule.get("leader")
        if leader is not None and (leader == gone or scene.gone(leader)):
            leader = None
        leaders = [d for d in counts if leader in (None, d)]
        near = [sum(n for d, n in counts.items() if _within(scene, rule, x, d)) for x in leaders]
        majority = facts.groups[rule["quorum"]]["count"] // 2 + 1
        return max(0, majority - max(near, default=0))
    places = rule.get("locations") or list(facts.groups[rule["clients"]].get("clients", {}))
    limit = micros(rule["limit_ms"])
    missing = 0
    for place in places:
        times = [t for d in counts if (t := facts.client_latency(place, d)) is not None]
        missing += not times or min(times) > limit
    return missing


def synchronous_replicas(scene: Scene, rule: Raw) -> Breaches:
    return [
        (group, 1)
        for group in scene.facts.selected(rule)
        for a, b in combinations(scene.counts(group, rule.get("level", "zone")), 2)
        if not scene.facts.link(a, b, "synchronous")
    ]


def residency(scene: Scene, rule: Raw) -> Breaches:
    """Instances, and every disk and snapshot of the groups, in the countries."""
    facts = scene.facts
    found = misplaced(scene, "residency", rule)
    for group in facts.selected(rule):
        members = [u for u in facts.units if u.group == group]
        for section in ("disks", "snapshots"):
            for name in dict.fromkeys(n for u in members for n in u.own.get(section, [])):
                region = facts.named(section)[name].get("region")
                if region in facts.domains and facts.domains[region].get("country") not in rule["countries"]:
                    found.append((group, 1))
    return found
