"""The way back from each loss, by the migration planner: moves, recoveries, times."""

from __future__ import annotations

from zonewright.models.plan import Plan
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.survival.result import ScenarioOutcome


def ways_back(
    world: World,
    plan: Plan | None,
    outcomes: list[ScenarioOutcome],
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
    news: object,
) -> tuple[list[ScenarioOutcome], list[str]]:
    return outcomes, []
