"""What a solve returns, and what it says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zonewright.models.plan import GoalValue, Plan, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Progress:
    """One piece of news from a running solve."""

    seconds: float
    """Since the solve began."""
    engine: str
    """Who found it: `presolve`, `certificate`, `linear`, `exact`, `packing`, `search`."""
    goal: str | None = None
    """The goal that is being worked on."""
    value: int | None = None
    """Best value of that goal so far."""
    bound: int | None = None
    """Best proven bound of that goal so far."""
    message: str = ""


@dataclass(frozen=True)
class Clash:
    """One of the rules or facts that cannot all hold together."""

    rule: str
    """The kind of rule."""
    label: str
    """The rule's own identifier, or its kind and position."""
    group: str | None = None
    domain: str | None = None
    text: str = ""
    """In words."""
    what: str | None = None
    """Which of several things that are limited there: a resource, a flavour, `instances`, a subnet, a balancer."""


@dataclass(frozen=True)
class Result:
    """The outcome of `place`."""

    status: Status
    plan: Plan | None
    """The best valid plan; for INFEASIBLE the largest partial plan found, or None."""
    objective: list[GoalValue] = field(default_factory=list)
    """Goal by goal with value and bound, most important first."""
    reason: str | None = None
    """`no_placement` when it is proven that not everything can be placed."""
    clash: list[Clash] = field(default_factory=list)
    """Rules that together make it impossible."""
    clash_minimal: bool = False
    """Whether dropping any one of `clash` would resolve it."""
    assumptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    engine: str = ""
    parameters: dict[str, object] = field(default_factory=dict)
    """What the search derived from the estate: temperatures, lengths, sizes. Empty where nothing was searched."""
    stats: dict[str, float] = field(default_factory=dict)
    """What the search did: `proposals`, `priced` (those whose every change was reckoned), `accepted`, and
    `search_seconds`."""

    history: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    """Whenever the search had a better valid placement: seconds since the solve began, and the goals' values."""

    @property
    def gap(self) -> float | None:
        """Relative gap of the first goal that is not closed, 0.0 when all are, None without a bound."""
        return self.plan.gap if self.plan is not None else None

    @property
    def bound(self) -> list[int | None]:
        """The bounds, goal by goal."""
        return [goal.bound for goal in self.objective]

    def placements(self) -> pd.DataFrame:
        """Return the plan's placements as a frame: group, site, subnet, count."""
        import pandas as pd

        rows = self.plan.placements if self.plan else []
        data = [(p.group, p.site, p.subnet, p.count) for p in rows]
        return pd.DataFrame(data, columns=["group", "site", "subnet", "count"])


#: Called with news from a running solve; must return quickly.
Listener = Callable[[Progress], None]
