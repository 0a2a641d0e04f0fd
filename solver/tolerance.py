"""Rules that are broken already: their rows are widened by as much, so that they do not get worse."""

from __future__ import annotations

from dataclasses import replace

from zonewright.models.estate import Estate
from zonewright.models.recipes import Tolerated
from zonewright.solver.families.base import Family
from zonewright.solver.families.sums import Sum

#: (label, group) to what is tolerated there.
ByRule = dict[tuple[str, str | None], list[Tolerated]]


def tolerated_by_rule(estate: Estate) -> ByRule:
    """Return the entries by rule and group."""
    found: ByRule = {}
    for entry in estate.tolerated:
        found.setdefault((entry.rule, entry.group), []).append(entry)
    return found


def tolerate(family: Family, tolerated: ByRule) -> Family | None:
    """Return a family as far as it must hold; None for one that cannot be widened exactly.

    Leaving it out is a relaxation: the judge has the last word.
    """
    entries = tolerated.get((family.tag.label, family.tag.group))
    if not entries:
        return family
    tag = family.tag
    if not isinstance(family, Sum) or tag.domain is None:
        return None if any(entry.domain is None or tag.domain is None for entry in entries) else family
    amount = sum(e.amount for e in entries if e.domain == tag.domain and e.what == tag.what)
    if not amount:
        return family
    return replace(
        family,
        high=None if family.high is None else family.high + amount * family.unit,
        low=None if family.low is None else family.low - amount * family.unit,
    )
