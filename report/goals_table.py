"""The objective, goal by goal, with what is proven of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from zonewright.report.amounts import gap_text, value_text
from zonewright.report.console import print_table

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.models.plan import GoalValue


def print_goals(console: Console, world: World, objective: Sequence[GoalValue], title: str = "Objective") -> None:
    """Print one row per goal, most important first."""
    currency = world.estate.currency
    rows = [
        (
            goal.goal,
            value_text(goal.goal, goal.value, currency),
            None if goal.bound is None else value_text(goal.goal, goal.bound, currency),
            gap_text(goal.value, goal.bound),
        )
        for goal in objective
    ]
    print_table(console, title, ["goal", "value>", "bound>", "gap>"], rows)


def goals_line(world: World) -> str:
    """Return the order of goals, and whether the estate chose it."""
    chosen = "goals" in world.estate.model_fields_set
    order = ", ".join(world.estate.goals)
    return f"goals: {order}" + ("" if chosen else " (the default order: the estate names none)")
