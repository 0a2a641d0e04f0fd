"""The search beside other engines: one best plan, bounds that hold for it, starts that move few."""

from __future__ import annotations

import numpy as np
import pytest

from tests.solver.estates import world_of, zones
from zonewright.instances.generator import generate_changed, generate_region
from zonewright.models import World, check_plan
from zonewright.solver import place
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import StageProof
from zonewright.solver.engines.searching import Search, board_of
from zonewright.solver.engines.starting import leaving, relieved, settled
from zonewright.solver.search.decode import start_from
from zonewright.solver.search.oracle import judge_board


def mute(*_: object) -> None:
    """Hear nothing."""


def region(**more: object) -> World:
    sizes = {"instances": 400, "groups": 60, "hosts": 60, "racks": 6, "shapes": 30, "seed": 2, "fill": 0.9}
    return World(generate_region(**(sizes | more)))  # type: ignore[arg-type]


def search_of(world: World, seconds: float = 20.0) -> Search:
    board = board_of(world, partial=False, news=mute)
    assert board is not None
    return Search(world, board, Deadline(seconds), 1, mute, False)


def test_everybody_is_settled_in_a_region_that_is_nearly_full() -> None:
    world = region(fill=0.95)
    search = search_of(world)
    nowhere_i = np.full(search.board.items, search.board.sites, np.int32)
    site_i = settled(search.board, nowhere_i, search.deadline, 1)
    assert (site_i < search.board.sites).all()
    assert judge_board(search.board, site_i).valid


def test_time_kept_for_writing_is_lent_until_there_is_something_to_write() -> None:
    search = search_of(region(fill=0.5), seconds=10.0)
    search.deadline.reserve_s, search.deadline.late_s = 8.0, 3.0
    assert 4.0 < search.deadline.left <= 5.0
    nowhere_i = np.full(search.board.items, search.board.sites, np.int32)
    site_i = settled(search.board, nowhere_i, Deadline(20.0), 1)
    values = judge_board(search.board, site_i)
    assert values.valid
    search._take(site_i, values.value_k, "test")
    assert search.deadline.left <= 2.0


def test_of_an_overfull_site_the_one_leaves_that_is_enough() -> None:
    world = world_of(
        zones=zones("a", capacity={"cpu_milli": 10}),
        groups=[
            {"id": name, "count": 1, "demand": {"cpu_milli": size}, "current": {"a": 1}}
            for name, size in (("small", 1), ("fits", 4), ("large", 8))
        ],
    )
    search = search_of(world)
    board = search.board
    today_i = start_from(board, {unit.index: unit.current for unit in world.units})
    gone = np.flatnonzero(relieved(board, today_i) == board.sites)
    assert [world.units[int(board.unit_i[i])].group for i in gone] == ["fits"]
    everybody = np.arange(board.items)
    assert len(leaving(board, everybody, np.array([13]))) == 3


def test_a_changed_region_is_placed_with_few_moves() -> None:
    before = region(in_place=True)
    after = World(generate_changed(before.estate, share=0.02, seed=1))
    result = place(after, time_limit_s=4, workers=2)
    assert result.plan is not None
    assert check_plan(after, result.plan).valid
    moves = next(goal.value for goal in result.objective if goal.goal == "moves")
    assert moves <= 3 * 8


def test_only_better_and_valid_placements_are_taken() -> None:
    world = region(in_place=True)
    search = search_of(world)
    today = {unit.index: dict(unit.current) for unit in world.units}
    search.offer({}, "nobody")
    assert search.best is None
    search.offer(today, "today")
    assert search.best is not None
    known = search.best
    search.offer(today, "again")
    assert search.best is known


def test_a_bound_given_other_values_of_goals_before_closes_nothing() -> None:
    world = region(in_place=True)
    search = search_of(world)
    search.offer({unit.index: dict(unit.current) for unit in world.units}, "today")
    assert search.best is not None
    k = search.goals.index("cost")
    value = search.best.values[k]
    other = tuple(v - 1 for v in search.best.values[:k])
    search.prove([*[None] * k, StageProof("cost", value, "prices", given=other)])
    assert not search.closed
    search.prove([*[None] * k, StageProof("cost", value, "prices", given=search.best.values[:k])])
    assert search.closed


def test_what_a_thread_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    import zonewright.solver.search.portfolio as portfolio

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(portfolio, "search", broken)
    search = search_of(region())
    search.begin(1)
    with pytest.raises(ZeroDivisionError):
        search.wait()
