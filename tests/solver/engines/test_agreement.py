"""Engines against each other: exact on every host, and pools with packing."""

from __future__ import annotations

from hypothesis import given, settings

from tests.solver.host_estates import COARSE, FINE, host_worlds
from zonewright.models import World, check_plan
from zonewright.solver import place, verify_bound
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import solve_exact
from zonewright.solver.engines.pooled import applies, solve_pooled
from zonewright.solver.place import Decision, make_plan
from zonewright.solver.program import lower


def exactly(world: World) -> list[int] | None:
    """Solve on single hosts; None where that is infeasible."""
    found = solve_exact(lower(world), Deadline(60.0), workers=1, seed=0, news=lambda *_: None, trees=False)
    assert found.status in ("optimal", "infeasible")
    return found.values if found.x_j is not None else None


@settings(max_examples=25, deadline=None)
@given(host_worlds(FINE))
def test_pools_and_packing_give_plans_that_pass_and_never_beat_the_optimum(world: World) -> None:
    """What was packed passes every checker, is no better than the true optimum, and equal to it when closed."""
    pooled = lower(world, pooled=True)
    fine = applies(pooled)
    if fine is None:
        return
    best = exactly(world)
    found = solve_pooled(pooled, fine, Deadline(60.0), workers=1, seed=0, news=lambda *_: None)
    if found.status == "infeasible":
        assert best is None
    if found.packed is None:
        return
    assert best is not None
    packed = found.packed
    made = make_plan(
        world,
        Decision(packed.context, packed.x_j, packed.sites, packed.moved, found.proofs, "pools and packing"),
        seed=0,
    )
    assert check_plan(world, made).valid
    assert [goal.value for goal in made.objective] == packed.values
    assert packed.values >= best
    assert packed.values == best or not found.closed


@settings(max_examples=25, deadline=None)
@given(host_worlds((*FINE, *COARSE)))
def test_place_is_as_good_as_the_exact_engine(world: World) -> None:
    """Whatever engines worked on it: the same values, a plan that passes, bounds that are confirmed."""
    best = exactly(world)
    result = place(world, workers=1, time_limit_s=60)
    if best is None:
        assert result.status == "INFEASIBLE"
        return
    assert result.plan is not None
    assert [goal.value for goal in result.objective] == best
    assert result.status == "OPTIMAL"
    assert check_plan(world, result.plan).valid
    assert all(found.confirmed for found in verify_bound(world, result.plan))
