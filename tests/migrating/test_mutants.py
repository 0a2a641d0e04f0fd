"""Damaged plans of the planner: the executor and the replay of this package agree on every one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.migrating.cases import case
from tests.migrating.facts import Facts
from tests.migrating.replay import replay
from zonewright.models.events import Event
from zonewright.models.executor import execute
from zonewright.models.files import estate_from_data
from zonewright.models.migration import Migration
from zonewright.models.world import World
from zonewright.solver import plan_migration

Raw = dict[str, Any]
#: Mutants of every plan.
MUTANTS = 12


def _earlier_or_later(rng: Random, estate: Raw, plan: Raw) -> None:
    """An action begins at another second, with its steps as far from each other as before."""
    name = rng.choice(plan["steps"])["action"]
    mine = [step for step in plan["steps"] if step["action"] == name]
    by = rng.choice((-4, -3, -2, -1, 1, 2, 3, 4))
    by = max(by, -min(step["start_s"] for step in mine))
    for step in mine:
        step["start_s"] += by
        step["end_s"] += by


def _one_step(rng: Random, estate: Raw, plan: Raw) -> None:
    """A step alone begins at another second."""
    step = rng.choice(plan["steps"])
    by = max(rng.choice((-3, -2, -1, 1, 2, 3)), -step["start_s"])
    step["start_s"] += by
    step["end_s"] += by


def _shorter(rng: Random, estate: Raw, plan: Raw) -> None:
    """A step is over a second before it can be."""
    step = rng.choice(plan["steps"])
    step["end_s"] = max(step["start_s"], step["end_s"] - 1)


def _elsewhere(rng: Random, estate: Raw, plan: Raw) -> None:
    """Somebody goes to another host than the target says."""
    action = rng.choice(plan["actions"])
    sites = [site["id"] for site in estate["hosts"] or estate["zones"]]
    if action["target"] is not None:
        action["target"] = rng.choice(sites)


def _left_out(rng: Random, estate: Raw, plan: Raw) -> None:
    """An action is not carried out."""
    action = rng.choice(plan["actions"])
    plan["actions"].remove(action)
    gone = {step["id"] for step in plan["steps"] if step["action"] == action["id"]}
    plan["steps"] = [step for step in plan["steps"] if step["id"] not in gone]
    for step in plan["steps"]:
        step["needs"] = [need for need in step["needs"] if need not in gone]


def _less_room(rng: Random, estate: Raw, plan: Raw) -> None:
    """A host or zone has less of something."""
    site = rng.choice(estate["hosts"] or estate["zones"])
    what = rng.choice(list(site["capacity"])) if site["capacity"] else None
    if what is not None:
        site["capacity"][what] = max(0, site["capacity"][what] - rng.randint(1, 3))


def _one_at_once(rng: Random, estate: Raw, plan: Raw) -> None:
    """No more than one may be under way."""
    estate["migration"]["most_at_once"] = 1


MUTATIONS: tuple[Callable[[Random, Raw, Raw], None], ...] = (
    _earlier_or_later,
    _earlier_or_later,
    _one_step,
    _shorter,
    _elsewhere,
    _left_out,
    _less_room,
    _one_at_once,
)


@pytest.mark.parametrize("number", range(0, 200, 2))
def test_executor_and_replay_agree_on_mutants(number: int) -> None:
    of = case(number)
    event = Event.model_validate(of.event)
    result = plan_migration(estate_from_data(of.estate), event=event, workers=1, time_limit_s=20)
    if result.migration is None or not result.migration.steps:
        return
    rng = Random(number)
    for _ in range(MUTANTS):
        raw = {"estate": _copy(of.estate), "plan": result.migration.model_dump(mode="json")}
        mutate = rng.choice(MUTATIONS)
        mutate(rng, raw["estate"], raw["plan"])
        changed = estate_from_data(raw["estate"])
        raw["plan"]["estate_fingerprint"] = changed.fingerprint
        migration = Migration.model_validate(raw["plan"])
        breaches = execute(World(changed), migration).violations
        said = replay(Facts(raw["estate"], of.event), migration)
        assert bool(breaches) == bool(said), (of.name, mutate.__name__, breaches[:3], said[:3])


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list) else value
