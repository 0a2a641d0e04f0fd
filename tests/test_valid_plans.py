"""A thousand valid random plans pass the check."""

from __future__ import annotations

from random import Random

from tests import brute
from tests.brute.cases import KINDS, Case, case
from tests.brute.search import some_valid
from zonewright.models import Plan, World, check_plan, estate_from_data
from zonewright.solver import place

PLANS = 1000
OF_AN_ESTATE = 8
SOLVED_EVERY = 4


def _solved(entry: Case, world: World, seed: int) -> list[Plan]:
    result = place(world, workers=1, time_limit_s=20, partial=entry.partial, seed=seed)
    valid = result.plan is not None and (entry.partial or not result.plan.unplaced)
    return [result.plan] if valid and result.plan is not None else []


def test_a_thousand_valid_random_plans_pass() -> None:
    """Plans of the solver and random ones that the brute force finds valid, of estates for every rule."""
    passed = 0
    seed = 500
    while passed < PLANS:
        for kind in KINDS:
            entry = case(kind, seed)
            world = World(estate_from_data(entry.data))
            scenes = some_valid(entry.data, Random(seed), OF_AN_ESTATE, partial=entry.partial)
            plans = [Plan.model_validate(brute.plan_of(scene, values)) for scene, values in scenes]
            if seed % SOLVED_EVERY == 0:
                plans += _solved(entry, world, seed)
            for plan in plans:
                report = check_plan(world, plan)
                assert report.valid, (entry.name, report.claims, [v.message for v in report.violations])
            passed += len(plans)
        seed += 1
