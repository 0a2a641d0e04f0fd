"""Runs with limits at a price: which go on half-way, and that they end within the limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.search.test_engines import board_of
from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import BROKEN
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.cooling import AwayPrices, reprice, run_strict, straight
from zonewright.solver.search.engines.first import first
from zonewright.solver.search.engines.heat import measure
from zonewright.solver.search.engines.race import ENOUGH, Race, run_races
from zonewright.solver.search.engines.relaxing import COLDEST
from zonewright.solver.search.engines.shared import Shared
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.kernels.single import differences
from zonewright.solver.search.options import options_of
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.state import facts_of


def test_half_way_the_best_goes_on_and_of_many_the_best_quarter() -> None:
    race = Race()
    assert [race.goes_on(value) for value in (10.0, 20.0, 5.0, 7.0)] == [True, False, True, False]
    assert race.goes_on(6.0)
    assert not race.goes_on(6.5)
    assert race.goes_on(1.0)


def crowded(seed: int):
    """Sites that hold four large items each, and little more; an even share of everything is safe."""
    rng = np.random.default_rng(seed)
    site_i = np.repeat(np.arange(8), 4)
    demand_ir = rng.integers(8, 40, (len(site_i), 3))
    limit_sr = np.array([demand_ir[site_i == site].sum(axis=0) for site in range(8)]) + 15
    board = board_of(demand_ir, limit_sr, site_i, np.zeros(8))
    board.holds_lr[0, 2] = True
    board.safe_nr[:8] = demand_ir.sum(axis=0) // 8
    return board, site_i.astype(np.int32)


def worker_on(seed: int) -> tuple[Worker, np.ndarray]:
    """A worker on a crowded board, to whom all items are like all others, and where they are today."""
    board, today_i = crowded(seed)
    item_x = np.arange(board.items, dtype=np.int32)
    near_ix = np.stack([np.delete(item_x, i) for i in item_x])
    shared = Shared(board, lambda _message, _values: None)
    options = replace(options_of(board), near_ix=near_ix)
    return Worker(board, facts_of(board), options, shared, Deadline(60.0, work_limit=10_000), 1), today_i


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_runs_on_a_crowded_board_end_within_its_limits(seed: int) -> None:
    worker, today_i = worker_on(seed)
    board, shared, deadline = worker.board, worker.shared, worker.deadline
    first(worker, None)
    before = int(worker.state.value_k[1])
    heats = measure(worker)
    hot = float(heats.hot_k[1])
    span, rate = Span(deadline, 0.6), len(today_i) * board.sites * ENOUGH / 0.1
    run_races(worker, span, heats, 1, straight(hot, COLDEST * hot), today_i, Race(), rate)
    assert worker.stats["runs with limits at a price"] >= 6
    site_i, value_k = shared.best()
    assert judge_board(board, site_i).value_k.tolist() == value_k.tolist()
    assert value_k[BROKEN] == 0
    assert value_k[1] < before
    assert worker.facts_used is None


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_prices_of_room_that_is_held_leave_no_trace_in_what_is_found(seed: int) -> None:
    worker, today_i = worker_on(seed)
    board, shared, deadline = worker.board, worker.shared, worker.deadline
    first(worker, today_i)
    before = int(worker.state.value_k[1])
    assert AwayPrices(board).useful
    heats = measure(worker)
    run_strict(worker, Span(deadline, 0.6), heats, 1, straight(float(heats.hot_k[1]), float(heats.cold_k[1])))
    worker.propose("annealing")
    site_i, value_k = shared.best()
    assert judge_board(board, site_i).value_k.tolist() == value_k.tolist()
    assert value_k[BROKEN] == 0
    assert value_k[1] <= before
    assert worker.facts_used is None


def test_prices_of_being_away_change_without_counting_anew() -> None:
    worker, today_i = worker_on(0)
    first(worker, today_i)
    true_k = worker.state.value_k.copy()
    worker.walk.heat_k[1] = 1e6
    chances = np.random.default_rng(1)
    for _ in range(5):
        reprice(worker, 1, chances.integers(0, 100, len(today_i)))
        assert differences(worker.facts_now, worker.state) == []
        assert worker.walk.best_k.tolist() == worker.state.value_k.tolist()
        worker.anneal()
    assert (worker.state.site_i != today_i).any()
    reprice(worker, 1, None)
    assert worker.facts_used is None
    assert differences(worker.facts, worker.state) == []
    worker.begin_at(today_i)
    assert worker.state.value_k.tolist() == true_k.tolist()
