"""What goals are made of: the parts add up, and two plans differ by the sum of their changes."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.brute.cases import KINDS, case
from tests.brute.documents import plan_of
from tests.brute.guessing import guess
from tests.solver.estates import group, world_of, zones
from zonewright.models import Plan, World, estate_from_data, judge
from zonewright.models.placing import view_of
from zonewright.solver.reasons.parts import Part, compare, parts_of

#: Random placements of each estate.
GUESSES = 3


def parts(world: World, plan: Plan) -> tuple[list[Part], dict[str, int]]:
    view = view_of(world, plan)
    report = judge(view)
    return parts_of(view, report), dict(report.objective)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_add_up_to_the_goals_whatever_is_where(kind: str) -> None:
    """Of plans that break rules and leave instances out, too; and so do the changes between two of them."""
    for seed in range(3):
        entry = case(kind, seed)
        rng = Random(entry.name)
        world = World(estate_from_data(entry.data))
        plans = [Plan.model_validate(plan_of(guess(entry.data, rng))) for _ in range(GUESSES)]
        found = [parts(world, plan) for plan in plans]
        for own, objective in found:
            for goal, value in objective.items():
                assert sum(part.value for part in own if part.goal == goal) == value
            assert all(part.value for part in own)
            assert len({part.key for part in own}) == len(own)
        for one, other in pairwise(found):
            for goal, value in one[1].items():
                changes = [change.value for change in compare(one[0], other[0]) if change.part.goal == goal]
                assert sum(changes) == other[1][goal] - value


def test_each_part_is_what_its_goal_counts() -> None:
    """Two in the dear zone and one in the cheap one, which costs something to open; a wish missed by one."""
    world = world_of(
        zones=[
            {"id": "dear", "in": "r1", "price": {"cpu_cores": 5}},
            {"id": "cheap", "in": "r1", "price": {"cpu_cores": 2}, "open_cost": 7},
        ],
        groups=[group("web", 3, demand={"cpu_cores": 1}, current={"cheap": 2})],
        rules=[{"rule": "pin", "id": "wish", "domain": "cheap", "groups": ["web"], "soft": {"weight": 4}}],
    )
    plan = Plan.model_validate(
        {
            "plan": "tiny",
            "estate_fingerprint": "",
            "status": "FEASIBLE",
            "placements": [
                {"group": "web", "site": "dear", "count": 2},
                {"group": "web", "site": "cheap", "count": 1},
            ],
        }
    )
    found, _ = parts(world, plan)
    assert [(p.goal, p.what, p.label, p.group, p.domain, p.amount, p.value) for p in found] == [
        ("soft[0]", "rule", "wish", "web", "dear", 2, 8),
        ("moves", "moved", None, "web", "cheap", 1, 1),
        ("cost", "instances", None, "web", "dear", 2, 100_000),
        ("cost", "opened", None, None, "cheap", 1, 70_000),
        ("cost", "instances", None, "web", "cheap", 1, 20_000),
    ]


def test_nothing_differs_from_itself() -> None:
    """A plan against itself has no changes."""
    world = world_of(zones=zones("z1", "z2"), groups=[group("web", 2)])
    plan = Plan(plan="tiny", estate_fingerprint="", status="FEASIBLE", placements=[])
    assert compare(*[parts(world, plan)[0]] * 2) == []
