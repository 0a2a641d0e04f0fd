"""What `explain` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from zonewright.models.migration import Loss
from zonewright.models.plan import GoalValue, Plan, Status
from zonewright.models.view import Violation
from zonewright.solver.clashes.result import Clashes
from zonewright.solver.reasons.forced import Difference, Forced
from zonewright.solver.reasons.parts import Change, Part, changes_frame, parts_frame
from zonewright.solver.reasons.subject import Obstacle, Subject

if TYPE_CHECKING:
    import pandas as pd

#: What becomes of somebody (or of one more of a group) at a site.
#: `here`: all who were asked for are there in the plan. `closed`: a rule closes the site to him. `breaks`: alone
#: he cannot go there, others would have to move. `same`, `worse`, `better`: he can go there alone, and the plan
#: is as good then, worse or better. `not_checked`: time was up.
Verdict = Literal["here", "closed", "breaks", "same", "worse", "better", "not_checked"]


@dataclass(frozen=True)
class Option:
    """One site that somebody might be at."""

    site: str
    zone: str
    verdict: Verdict
    here: int = 0
    """How many of those asked for are there in the plan."""
    today: int = 0
    """How many run there today."""
    obstacles: list[Obstacle] = field(default_factory=list)
    """Rules that close it."""
    source: str | None = None
    """Whence he comes in the plan, where he is moved alone."""
    broken: list[Violation] = field(default_factory=list)
    """Hard rules that he breaks there, moved alone."""
    pushes: list[tuple[str, int]] = field(default_factory=list)
    """Whose leaving would make the room that he lacks: (group, count), each by itself."""
    difference: Difference | None = None
    """The first goal that changes, moved alone."""
    forced: Forced | None = None
    """The best plan with him there (one more of a group), everything else free to change; None where it was not
    looked for."""


@dataclass(frozen=True)
class Why:
    """Why somebody is where he is."""

    subject: Subject
    here: dict[str, int]
    """Sites in the plan, with how many of those asked for."""
    today: dict[str, int]
    """Sites today."""
    options: list[Option]
    """Every site: where they are, where they were, then the others."""
    checked: int
    """Options that were looked at."""

    @property
    def moved(self) -> list[Option]:
        """Sites that some of those asked for leave, with what is there instead."""
        return [o for o in self.options if o.today > o.here]


@dataclass(frozen=True)
class WhyNot:
    """Why somebody is not in a certain domain."""

    subject: Subject
    domain: str
    there: int
    """How many of those asked for are there in the plan."""
    options: list[Option]
    """The sites of the domain; none where it is there already."""
    forced: Forced | None
    """The best plan with him there; None where that is not in question: he is there, or every site is closed."""

    @property
    def verdict(self) -> Literal["there", "closed", "impossible", "worse", "same", "better", "unknown"]:
        """The answer in a word. `better`: the plan is not the best there is."""
        if self.there:
            return "there"
        if all(option.verdict == "closed" for option in self.options):
            return "closed"
        if self.forced is None or self.forced.status == "unknown":
            return "unknown"
        if self.forced.status == "impossible":
            return "impossible"
        first = self.forced.first
        if first is None:
            return "same"
        return "worse" if first.change > 0 else "better"


@dataclass(frozen=True)
class Limit:
    """A hard limit of the estate and how much of it the plan uses."""

    rule: str
    label: str
    group: str | None
    domain: str | None
    what: str | None
    """Which of several things is limited: a resource, a flavour, `domains`, `skew`."""
    used: int | None = None
    limit: int | None = None
    """None where the rule has no number: it holds, and can only be taken away."""
    at_least: bool = False
    """The limit is one from below."""

    @property
    def slack(self) -> int:
        """How far the plan is from the limit; 0 where there is no number."""
        if self.used is None or self.limit is None:
            return 0
        return self.used - self.limit if self.at_least else self.limit - self.used


@dataclass(frozen=True)
class Binding:
    """A limit that is reached, and what a little more of it would give."""

    limit: Limit
    more: int | None = None
    """How much more was given; None where the rule has no number: it was taken away."""
    text: str = ""
    """What was given, in words."""
    edits: tuple[str, ...] = ()
    """The same as edits of the estate."""
    forced: Forced | None = None
    """The best plan then; None where there was no time to look."""
    how: str = ""
    """What the answer rests on."""

    @property
    def gain(self) -> Difference | None:
        """The first goal that gets better; None where nothing does."""
        if self.forced is None or self.forced.first is None or self.forced.first.change >= 0:
            return None
        return self.forced.first

    @property
    def proven(self) -> bool:
        """Whether the gain (or that there is none) is exact, not just what was found."""
        if self.forced is None:
            return False
        gain = self.gain
        return gain.proven if gain is not None else self.forced.proven


@dataclass(frozen=True)
class Explanation:
    """The outcome of `explain`."""

    status: Status
    """Of the plan; INFEASIBLE where it is proven that there is none, UNKNOWN where none was found in time."""
    reason: str | None = None
    """`no_placement`, `no_order` or `no_time`, where there is nothing else to explain."""
    plan: Plan | None = None
    objective: list[GoalValue] = field(default_factory=list)
    broken: list[Violation] = field(default_factory=list)
    """Hard rules that a given plan breaks."""
    parts: list[Part] = field(default_factory=list)
    """What the goals are made of."""
    changes: list[Change] = field(default_factory=list)
    """Where the plan differs from the one it is held against."""
    why: list[Why] = field(default_factory=list)
    why_not: list[WhyNot] = field(default_factory=list)
    binding: list[Binding] = field(default_factory=list)
    """Limits that are reached, those whose loosening gives most first."""
    limits: int = 0
    """How many hard limits there are."""
    clashes: Clashes | None = None
    """Where there is no plan: every clash that was found, and the cheapest changes; None where time ran out."""
    blocked: list[str] = field(default_factory=list)
    """Where no order exists: what waits for what."""
    losses: list[Loss] = field(default_factory=list)
    """After an event: who is not back, and why."""
    assumptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    engine: str = ""

    def parts_frame(self) -> pd.DataFrame:
        """Return what the goals are made of as a frame: goal, what, label, group, domain, other, amount, value."""
        return parts_frame(self.parts)

    def changes_frame(self) -> pd.DataFrame:
        """Return where two plans differ: goal, what, label, group, domain, other, before, after, change."""
        return changes_frame(self.changes)

    def binding_frame(self) -> pd.DataFrame:
        """Return what binds: rule, label, group, domain, what, used, limit, slack, more, goal, gain, proven."""
        import pandas as pd

        columns = ["rule", "label", "group", "domain", "what", "used", "limit", "slack", "more"]
        rows = []
        for entry in self.binding:
            one, gain = entry.limit, entry.gain
            rows.append(
                (one.rule, one.label, one.group, one.domain, one.what, one.used, one.limit, one.slack, entry.more)
                + ((gain.goal, -gain.change) if gain else (None, 0))
                + (entry.proven,)
            )
        return pd.DataFrame(rows, columns=[*columns, "goal", "gain", "proven"])

    def options_frame(self) -> pd.DataFrame:
        """Return the sites of every question: question, site, zone, verdict, goal, change, rules."""
        import pandas as pd

        asked = [(w.subject.name, w.options) for w in self.why]
        asked += [(f"{w.subject.name}@{w.domain}", w.options) for w in self.why_not]
        rows = [
            (
                name,
                o.site,
                o.zone,
                o.verdict,
                o.difference.goal if o.difference else None,
                o.difference.change if o.difference else None,
                ", ".join(dict.fromkeys([*(b.label for b in o.obstacles), *(v.label for v in o.broken)])),
            )
            for name, options in asked
            for o in options
        ]
        return pd.DataFrame(rows, columns=["question", "site", "zone", "verdict", "goal", "change", "rules"])


__all__ = ["Binding", "Explanation", "Limit", "Option", "Verdict", "Why", "WhyNot"]
