"""Where no recipe leads: another target is taken before anybody is given up, and nothing is called proven then."""

from __future__ import annotations

from zonewright.models import World, estate_from_text
from zonewright.models.events import Event
from zonewright.models.plan import Status
from zonewright.solver import plan_migration, verify_migration_bound

ESTATE = """
estate: ways
role: operator
catalogues: [vk-cloud]
consider: [GZ1, MS1]
hosts:
  - {id: g, in: GZ1, count: 2, capacity: {cpu_cores: 8, memory_gib: 64}, price: {cpu_cores: 20}}
  - {id: m, in: MS1, count: 2, capacity: {cpu_cores: 8, memory_gib: 64}, price: {cpu_cores: 1}}
groups:
  - {id: a, count: 1, demand: {cpu_cores: 4, memory_gib: 8}, current: {g-0: 1}, movability: MOVABILITY}
  - {id: c, count: 1, demand: {cpu_cores: OTHER, memory_gib: 8}, current: {g-1: 1}}
"""


def _world(movability: str, other: int) -> World:
    return World(estate_from_text(ESTATE.replace("MOVABILITY", movability).replace("OTHER", str(other))))


def test_who_may_not_stop_moves_to_a_dearer_host_of_its_zone() -> None:
    """Between zones it would be shelved; the cheap zone is no way for it, and it is not given up."""
    world = _world("{may_stop: false}", 2)
    result = plan_migration(world, event=Event(drain=["g-0"]), time_limit_s=20)
    assert result.migration is not None
    assert not result.migration.losses
    assert [(a.source, a.target) for a in result.migration.actions] == [("g-0", "g-1")]
    assert result.status is Status.FEASIBLE
    assert next(goal.bound for goal in result.objective if goal.goal == "moves") is None
    assert all(finding.confirmed for finding in verify_migration_bound(world, result.migration))


def test_others_make_room_before_somebody_is_given_up() -> None:
    """The other host of the zone is full: who may change zone leaves it."""
    world = _world("{may_stop: false}", 6)
    result = plan_migration(world, event=Event(drain=["g-0"]), time_limit_s=20)
    assert result.migration is not None
    assert not result.migration.losses
    assert {(a.group, a.target) for a in result.migration.actions if a.group == "a"} == {("a", "g-1")}


def test_who_can_get_nowhere_is_given_up() -> None:
    """Tied to its host and not to be stopped: it is left behind, the rest is planned."""
    result = plan_migration(
        _world("{passthrough: true, may_stop: false}", 2), event=Event(drain=["g-0"]), time_limit_s=20
    )
    assert result.migration is not None
    assert [(loss.group, loss.reason) for loss in result.migration.losses] == [("a", "left_behind")]
