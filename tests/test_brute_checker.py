"""The checkers of `models` against the brute force, which shares no code with them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests import brute
from tests.brute.cases import KINDS, Case, case
from tests.brute.guessing import guess
from tests.brute.judging import intolerable
from zonewright.models import Plan, World, check_plan, estate_from_data

ESTATES = 12
GUESSES = 8


def _checked(world: World, plan: dict[str, Any]) -> tuple[dict[str, int], list[tuple[str, int]]]:
    report = check_plan(world, Plan.model_validate(plan))
    totals: dict[str, int] = {}
    for violation in report.violations:
        totals[violation.label] = totals.get(violation.label, 0) + violation.amount
    return totals, report.objective


def _world(entry: Case) -> World:
    return World(estate_from_data(entry.data))


@pytest.mark.parametrize("kind", KINDS)
def test_random_placements_are_judged_alike(kind: str) -> None:
    """Broken rules by label with their amounts, and every goal's value, are the same on both sides."""
    for seed in range(ESTATES):
        entry = case(kind, seed)
        world = _world(entry)
        rng = Random(seed)
        for number in range(GUESSES):
            plan = brute.plan_of(guess(entry.data, rng))
            assert _checked(world, plan) == brute.judge(entry.data, plan), f"{entry.name}, guess {number}"


@pytest.mark.parametrize("kind", KINDS)
def test_best_placements_pass(kind: str) -> None:
    """The best placement of the brute force breaks no hard rule and is worth what it says."""
    for seed in range(ESTATES):
        entry = case(kind, seed)
        answer = brute.solve(entry.data, partial=entry.partial)
        if answer.scene is None or answer.values is None:
            continue
        plan = brute.plan_of(answer.scene, answer.values)
        report = check_plan(_world(entry), Plan.model_validate(plan))
        assert report.valid, f"{entry.name}: {[v.message for v in report.violations if v.hard]} {report.claims}"
        assert report.objective == answer.values, entry.name


@pytest.mark.parametrize("kind", ["tolerated", "tolerated_capacity", "incidents"])
def test_what_is_tolerated_is_the_same_on_both_sides(kind: str) -> None:
    """Which rules are broken by more than an estate tolerates, on random placements and on that of today."""
    for seed in range(3 * ESTATES):
        entry = case(kind, seed)
        world = _world(entry)
        rng = Random(seed)
        for number in range(GUESSES):
            plan = brute.plan_of(guess(entry.data, rng))
            report = check_plan(world, Plan.model_validate(plan))
            hard = sorted({v.label for v in report.violations if v.hard})
            assert hard == intolerable(brute.scene_of(entry.data, plan)), f"{entry.name}, guess {number}"
