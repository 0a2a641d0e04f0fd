"""Evacuations added only where they are needed give what all of them at once give."""

from __future__ import annotations

import pytest

from zonewright.models import Status, World, check_plan, estate_from_data
from zonewright.solver import place, verify_bound
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines import lazy
from zonewright.solver.engines.exact import solve_exact
from zonewright.solver.program import lower


def silent(engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
    """Take news and say nothing."""


def world_of(capacity: int, *, groups: int = 6) -> World:
    """Three zones of equal capacity and rising price, groups of three that survive the loss of any."""
    zones = [{"id": f"z{n}", "capacity": {"cpu_cores": capacity}, "price": {"cpu_cores": 5 + n}} for n in range(3)]
    members = [{"id": f"g{n}", "count": 3, "demand": {"cpu_cores": 1 + n % 2}} for n in range(groups)]
    rules = [
        {"rule": "survive", "mode": "evacuate"},
        {"rule": "anti_affinity", "level": "zone", "at_most": 2},
    ]
    return World(estate_from_data({"estate": "lazy", "zones": zones, "groups": members, "rules": rules}))


@pytest.mark.parametrize("capacity", [27, 20, 16, 14])
def test_the_same_best_plan_as_with_all_evacuations_at_once(capacity: int) -> None:
    """27 cores in all: with 27 a zone takes everything, with 14 two zones just hold it."""
    world = world_of(capacity)
    whole = solve_exact(lower(world), Deadline(30), workers=1, seed=0, news=silent)
    found = lazy.solve_lazily(
        world, Deadline(30), partial=False, workers=1, seed=0, news=silent, warm=lambda program: None
    )
    assert found.shown is not None
    assert found.shown.outcome.status == whole.status == "optimal"
    assert found.shown.outcome.values == whole.values
    assert len(found.shown.moved) == 3


def test_nothing_can_be_shown_where_two_zones_hold_too_little() -> None:
    """27 cores do not fit into two zones of 13."""
    found = lazy.solve_lazily(
        world_of(13), Deadline(30), partial=False, workers=1, seed=0, news=silent, warm=lambda program: None
    )
    assert found.infeasible
    assert found.shown is None


def test_plans_made_that_way_are_judged_and_their_bounds_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every estate taken for a large one, place goes that way; the checker and the witness agree."""
    monkeypatch.setattr(lazy, "LAZY_COLUMNS", 0)
    world = world_of(16)
    result = place(world, workers=1, time_limit_s=30)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
    assert all(finding.confirmed for finding in verify_bound(world, result.plan))
