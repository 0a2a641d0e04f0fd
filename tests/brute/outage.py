"""Being up for a share of time: every combination of domains that are down, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from tests.brute.facts import Facts
from tests.brute.numbers import ceiling, exact
from tests.brute.scene import Scene
from tests.brute.survival import needed

Raw = dict[str, Any]


def availability(scene: Scene, rule: Raw) -> list[tuple[str | None, int]]:
    """Group by group, billionths of the time that are missing."""
    facts = scene.facts
    found: list[tuple[str | None, int]] = []
    for group in facts.selected(rule):
        asked = rule.get("at_least")
        if asked is None:
            asked = facts.groups[group].get("targets", {}).get("availability")
        if asked is None or not scene.total(group):
            continue
        enough = needed(facts, {}, group, 0)
        here = scene.of_group[group]
        share = sum(
            (
                part
                for alive, part in states(facts).items()
                if sum(n for s, n in here.items() if s in alive) >= enough
            ),
            Fraction(0),
        )
        short = ceiling((exact(asked) - share) * 10**9 - Fraction(1, 5))
        if short > 0:
            found.append((group, short))
    return found


def states(facts: Facts) -> dict[frozenset[str], Fraction]:
    """Which sites can be up together, and for which share of time."""
    known: dict[frozenset[str], Fraction] | None = facts.__dict__.get("states_of_sites")
    if known is None:
        known = facts.__dict__["states_of_sites"] = _states(facts)
    return known


def _states(facts: Facts) -> dict[frozenset[str], Fraction]:
    parts: dict[str, Fraction] = {}
    for domain, entry in facts.domains.items():
        rate, hours = entry.get("failures_per_year"), entry.get("hours_to_repair")
        if rate and hours:
            parts[domain] = min(Fraction(1), exact(rate) * exact(hours) / 8760)
    found: dict[frozenset[str], Fraction] = {}
    for fallen in product((False, True), repeat=len(parts)):
        down = {domain for domain, is_down in zip(parts, fallen, strict=True) if is_down}
        share = Fraction(1)
        for domain, part in parts.items():
            share *= part if domain in down else 1 - part
        alive = frozenset(s for s in facts.sites if not down.intersection(facts.up[s]))
        found[alive] = found.get(alive, Fraction(0)) + share
    return found
