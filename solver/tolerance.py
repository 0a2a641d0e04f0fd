"""Rules that are broken already: they may stay broken by as much in the same place, and no more.

A hard family of such a rule counts its excess instead of forbidding it; the excess of all that one entry
stands for is limited by the entry.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from zonewright.models.estate import Estate
from zonewright.solver.families.base import Family, Soften, Stages, Verdict
from zonewright.solver.families.sums import Sum
from zonewright.solver.rows import Ints, Rows, Tag

#: What an entry is about: (label, group, domain, what).
Key = tuple[str, str | None, str | None, str | None]

#: Rules whose families bear the group, the domain and the thing that a violation names.
PRECISE = frozenset(
    {
        "affinity",
        "anti_affinity",
        "availability",
        "budget",
        "capacity",
        "compatibility",
        "domains",
        "entitlement",
        "free_ratio",
        "latency",
        "load",
        "load_balancer",
        "network",
        "pin",
        "quota",
        "residency",
        "scope",
        "separation",
        "service_availability",
        "spread",
        "survive",
        "synchronous_replicas",
        "zone_state",
    }
)

_EXCESS = "tolerated"


@dataclass(frozen=True)
class Tolerant:
    """Families whose excess, added up, is at most `most`."""

    tag: Tag
    parts: tuple[Family, ...]
    """Each charges its excess to one goal, which exists only here."""
    most: int

    def emit(self, rows: Rows, stages: Stages) -> None:
        """The parts' rows, and one over their excess columns."""
        inside = Stages([_EXCESS])
        for part in self.parts:
            part.emit(rows, inside)
        stage = inside[_EXCESS]
        columns, values = list(stage.terms), list(stage.terms.values())
        rows.row(columns, values, high=self.most - stage.constant, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """What the parts' excess is above `most`."""
        inside = Verdict()
        for part in self.parts:
            part.judge(x_j, inside)
        verdict.break_by(inside.cost.get(_EXCESS, 0) - self.most, None)


class Tolerance:
    """What an estate tolerates, and the families that it concerns."""

    def __init__(self, estate: Estate) -> None:
        self.given: dict[Key, int] = {}
        for entry in estate.tolerated:
            key = (entry.rule, entry.group, entry.domain, entry.what)
            self.given[key] = self.given.get(key, 0) + entry.amount
        self.labels = {label for label, _, _, _ in self.given}
        self._concerned = {(label, group) for label, group, _, _ in self.given}
        self._parts: dict[Key, list[Family]] = {}
        self.relaxed = False
        """A family was left out that could not be widened exactly: the judge has the last word."""

    def within(self, label: str, domains: set[str], what: str | None) -> int:
        """Return how much of an estate-wide rule is tolerated in some domains together."""
        return sum(
            amount
            for (rule, group, domain, thing), amount in self.given.items()
            if (rule, group, thing) == (label, None, what) and (domain is None or domain in domains)
        )

    def take(self, family: Family) -> bool:
        """Return whether a family is dealt with here: kept for `families`, or left out as a relaxation."""
        tag = family.tag
        if (tag.label, tag.group) not in self._concerned:
            return False
        key = self._key(tag)
        widens = any(f.name == "soften" for f in fields(family))  # type: ignore[arg-type]
        if tag.rule not in PRECISE or (key is not None and not widens):
            self.relaxed = True
            return True
        if key is None:
            return False
        self._parts.setdefault(key, []).append(family)
        return True

    def families(self) -> list[Family]:
        """Return what was kept, widened by what is tolerated."""
        found = [_widened(parts, self.given[key]) for key, parts in self._parts.items()]
        self._parts = {}
        return found

    def _key(self, tag: Tag) -> Key | None:
        """Return the entry that a family falls under: of its own domain, else the one for all domains."""
        for domain in (tag.domain, None):
            key = (tag.label, tag.group, domain, tag.what)
            if key in self.given:
                return key
        return None


def _widened(parts: list[Family], amount: int) -> Family:
    if len(parts) == 1 and isinstance(parts[0], Sum):
        only = parts[0]
        if only.low is None or only.high is None:
            high = None if only.high is None else only.high + amount * only.unit
            low = None if only.low is None else only.low - amount * only.unit
            return replace(only, low=low, high=high)
    counted: list[Any] = [replace(part, soften=Soften(_EXCESS, 1)) for part in parts]  # type: ignore[type-var]
    return Tolerant(parts[0].tag, tuple(counted), amount)
