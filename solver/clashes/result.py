"""What is found out about an estate that has no placement: the clashes, and the changes that would mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zonewright.models.plan import Status
from zonewright.solver.clashes.elements import Element
from zonewright.solver.result import Clash

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ClashSet:
    """Elements that leave no placement together, everything else dropped."""

    elements: tuple[Element, ...]
    """In the order of `members`."""
    members: tuple[Clash, ...]
    """The same in words."""
    minimal: bool
    """Without any one of them there is a placement, everything else dropped; False: not known."""
    kind: str
    """`reach`, `counting`, `packing`, `latency`, `network`, `failure`, `company` or `money`."""
    sentence: str
    """All of it in one sentence, in the estate's names and with numbers."""
    independent: bool = False
    """One of a largest set found of clashes that share no group's demand, no rule and no limit."""
    shares: tuple[int, ...] = ()
    """Positions of other clashes that have an element in common with this one."""


@dataclass(frozen=True)
class Change:
    """One change of the estate."""

    text: str
    """In words, with the amount where there is one."""
    edits: tuple[str, ...]
    """As edits of the estate (`groups.web.count=12`); none where no edit says it."""
    element: Element
    """What it changes."""
    amount: int | None = None
    """By how much, in the smallest unit of the estate's numbers; None where it is dropped altogether."""

    @property
    def edit(self) -> str | None:
        """The edit where it is a single one."""
        return self.edits[0] if len(self.edits) == 1 else None


@dataclass(frozen=True)
class Fix:
    """Changes that together leave a placement."""

    changes: tuple[Change, ...]
    cost: int
    """The sum of the changed elements' weights."""
    verified: bool
    """The changed estate was placed again, and the plan passed every checker."""


@dataclass(frozen=True)
class Clashes:
    """Why an estate has no placement, and what would give it one."""

    status: Status
    """INFEASIBLE: there are clashes. FEASIBLE: there is a placement. UNKNOWN: time ran out before an answer."""
    clashes: list[ClashSet] = field(default_factory=list)
    """The independent ones first."""
    complete: bool = False
    """No minimal clash is missing from the list."""
    covered: bool = False
    """With the rules, limits and demands of the independent clashes dropped there is a placement."""
    fixes: list[Fix] = field(default_factory=list)
    """Cheapest first."""
    fixes_proven: bool = False
    """No fix costs less than the first one."""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def independent(self) -> list[ClashSet]:
        """The clashes that have nothing in common."""
        return [clash for clash in self.clashes if clash.independent]

    def clash_frame(self) -> pd.DataFrame:
        """Return a row per member of a clash: clash, kind, minimal, rule, label, group, domain, text."""
        import pandas as pd

        names = ["clash", "kind", "minimal", "rule", "label", "group", "domain", "text"]
        rows = [
            (number, clash.kind, clash.minimal, m.rule, m.label, m.group, m.domain, m.text)
            for number, clash in enumerate(self.clashes)
            for m in clash.members
        ]
        return pd.DataFrame(rows, columns=names)

    def fix_frame(self) -> pd.DataFrame:
        """Return a row per change of a fix: fix, cost, verified, edit, text."""
        import pandas as pd

        rows = [
            (number, fix.cost, fix.verified, " ".join(change.edits), change.text)
            for number, fix in enumerate(self.fixes)
            for change in fix.changes
        ]
        return pd.DataFrame(rows, columns=["fix", "cost", "verified", "edit", "text"])


__all__ = ["Change", "ClashSet", "Clashes", "Fix"]
