"""A result for people: status, objective, where everything goes, what it hinges on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from zonewright.report.amounts import share_text
from zonewright.report.console import lines, print_table
from zonewright.report.goals_table import goals_line, print_goals
from zonewright.report.placements import print_placements

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.solver.result import Result

#: How a status looks.
STYLES = {
    "OPTIMAL": "bold green",
    "FEASIBLE": "bold yellow",
    "INFEASIBLE": "bold red",
    "UNKNOWN": "bold red",
}


def print_result(console: Console, world: World, result: Result, saved: str | None) -> None:
    """Print the outcome of `place`."""
    _headline(console, world, result)
    _clash(console, result)
    whole = result.status.value in ("OPTIMAL", "FEASIBLE")
    title = "Objective" if whole else "Objective of the largest partial plan found"
    print_goals(console, world, result.objective, title)
    plan = result.plan
    if plan is not None:
        print_placements(console, world, plan)
        _networks(console, plan)
        unplaced = [(entry.group, entry.count, ", ".join(entry.instances)) for entry in plan.unplaced]
        print_table(console, "Unplaced", ["group", "count>", "instances"], unplaced, 40)
        if plan.scenarios:
            moved = sum(p.count for s in plan.scenarios for p in s.placements)
            console.print(f"Evacuations: {len(plan.scenarios):,} scenarios, {moved:,} instances placed again\n")
        lines(console, "Not proven: left to the provider", plan.not_proven)
    lines(console, "Assumptions this hinges on", result.assumptions)
    if saved is not None:
        console.print(Text(f"plan saved in {saved}"), soft_wrap=True)


def _headline(console: Console, world: World, result: Result) -> None:
    first = Text.assemble(
        (world.estate.estate, "bold"), ": ", (result.status.value, STYLES.get(result.status.value, "bold"))
    )
    if result.plan is not None and result.status.value in ("OPTIMAL", "FEASIBLE"):
        first.append(f", gap {share_text(result.gap)}")
    first.append(f", {result.seconds:.2f} s")
    if result.engine:
        first.append(f", by {result.engine}")
    if result.interrupted:
        first.append(", interrupted")
    if result.reason:
        first.append(f", reason: {result.reason}")
    console.print(first, soft_wrap=True)
    console.print(Text(goals_line(world)), soft_wrap=True)
    console.print()


def _clash(console: Console, result: Result) -> None:
    title = "These cannot all hold"
    if result.clash_minimal:
        title += " (without any one of them there is a plan)"
    rows = [(c.rule, c.label, c.group, c.domain, c.text) for c in result.clash]
    print_table(console, title, ["rule", "label", "group", "domain", "in words"], rows)


def _networks(console: Console, plan: Plan) -> None:
    balancers = [(entry.balancer, ", ".join(entry.zones)) for entry in plan.balancers]
    print_table(console, "Load balancers", ["balancer", "zones"], balancers)
    subnets: list[tuple[object, ...]] = [(s.subnet, None, s.zone, s.cidr) for s in plan.subnets]
    subnets += [(s.id, s.vpc, s.zone, s.cidr) for s in plan.new_subnets]
    print_table(console, "Subnets to create", ["subnet", "network", "zone", "block"], subnets)
    copies = [(entry.image, entry.region) for entry in plan.image_copies]
    print_table(console, "Images to copy first", ["image", "to region"], copies)
