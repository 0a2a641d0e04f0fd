"""A family: one kind of restriction or cost over columns, with its oracle and its rows side by side.

`emit` writes rows for CP-SAT and the relaxation; `judge` says from scratch, with nothing but the primary
columns' values, how much is broken and what it costs. A test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from zonewright.solver.rows import Ints, Rows, Stage, Tag

Columns = tuple[int, ...]


@dataclass(frozen=True)
class Soften:
    """What one unit of excess costs, and in which goal."""

    goal: str
    weight: int


@dataclass
class Verdict:
    """What the oracle found: hard excess, and cost by goal."""

    excess: int = 0
    cost: dict[str, int] = field(default_factory=dict)

    def charge(self, goal: str, amount: int) -> None:
        """Add to the cost of a goal."""
        self.cost[goal] = self.cost.get(goal, 0) + amount

    def break_by(self, amount: int, soften: Soften | None) -> None:
        """Count an excess, hard or soft."""
        if amount <= 0:
            return
        if soften is None:
            self.excess += amount
        else:
            self.charge(soften.goal, soften.weight * amount)


class Stages:
    """The goals by name, in order."""

    def __init__(self, goals: Sequence[str]) -> None:
        self.by_goal = {goal: Stage(goal) for goal in goals}

    def __getitem__(self, goal: str) -> Stage:
        return self.by_goal[goal]

    def in_order(self) -> list[Stage]:
        """Return the stages, most important first."""
        return list(self.by_goal.values())


class Family(Protocol):
    """What every family can do."""

    @property
    def tag(self) -> Tag:
        """What it is there for."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """Add columns and rows that hold exactly when the family does, and its cost to the stages."""

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Add to `verdict` what the values of the primary columns break and cost."""


def excess_column(rows: Rows, stages: Stages, soften: Soften, most: int) -> int:
    """Add a column for an excess that costs."""
    column = rows.column(0, max(0, most))
    stages[soften.goal].add(column, soften.weight)
    return column


def total(x_j: Ints, columns: Sequence[int]) -> int:
    """Return the sum of columns."""
    return sum(int(x_j[j]) for j in columns)
