"""What a check found, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from zonewright.models.plan import GoalValue
from zonewright.report.amounts import money_text, value_text
from zonewright.report.console import lines, print_table
from zonewright.report.goals_table import print_goals

if TYPE_CHECKING:
    from zonewright.models import Plan, Report, Violation, World

MOST_ROWS = 100


def print_check(console: Console, world: World, plan: Plan, report: Report, bounds: Sequence[Any] | None) -> None:
    """Print what a check found; `bounds` are the findings on the plan's bounds, None where not asked."""
    broken = [v for v in report.violations if v.hard]
    missed = [v for v in report.violations if not v.hard]
    verdict = ("valid", "bold green") if report.valid else ("not valid", "bold red")
    first = Text.assemble((world.estate.estate, "bold"), ": the plan is ", verdict)
    first.append(f", {len(broken):,} rules broken, {len(missed):,} wishes missed")
    if report.claims:
        first.append(f", {len(report.claims):,} untrue claims")
    left_out = sum(value for goal, value in report.objective if goal.startswith("placed"))
    if left_out:
        first.append(f", {left_out:,} instances left out")
    console.print(first, soft_wrap=True)
    console.print()
    _violations(console, "Broken", broken, world.estate.currency)
    _violations(console, "Missed (soft)", missed, world.estate.currency)
    lines(console, "The plan says what is not so", report.claims)
    claimed = {goal.goal: goal.bound for goal in plan.objective}
    found = [GoalValue(goal=goal, value=value, bound=claimed.get(goal)) for goal, value in report.objective]
    print_goals(console, world, found, "Objective, with the bounds that the plan claims")
    if bounds is not None:
        print_bounds(console, bounds, world.estate.currency)


def print_bounds(console: Console, bounds: Sequence[Any], currency: str) -> None:
    """Print what became of each bound when it was evaluated again."""
    rows = [
        (
            b.goal,
            value_text(b.goal, b.bound, currency),
            b.kind,
            "confirmed" if b.confirmed else "NOT confirmed",
            b.text,
        )
        for b in bounds
    ]
    print_table(console, "Bounds evaluated again", ["goal", "bound>", "kind", "result", "how"], rows)
    if not bounds:
        console.print(Text("There are no bounds to evaluate."))


def _violations(console: Console, title: str, violations: Sequence[Violation], currency: str) -> None:
    rows = [
        (
            v.rule,
            v.label,
            v.group,
            v.domain,
            money_text(v.amount, currency) if v.rule == "budget" else f"{v.amount:,}",
            v.message,
        )
        for v in violations[: MOST_ROWS + 1]
    ]
    columns = ["rule", "label", "group", "domain", "amount>", "message"]
    print_table(console, title, columns, rows, MOST_ROWS)
    if len(violations) > MOST_ROWS:
        console.print(Text(f"In all {len(violations):,}; --json lists every one.\n"))
