"""Engines on small boards: what they find, what they never do, and that a run can be repeated."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import (
    NO_LIMIT,
    Board,
    Company,
    Distances,
    Peaks,
    Ratios,
    Spans,
    Steps,
    Terms,
)
from zonewright.solver.search.checked import KernelFault
from zonewright.solver.search.engines.cooling import FINE_LEAST, FINE_MOST, Trace, bent, straight
from zonewright.solver.search.engines.filling import opens
from zonewright.solver.search.engines.first import start_of
from zonewright.solver.search.engines.heat import heats_of
from zonewright.solver.search.engines.shared import Shared
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import near_items, options_of
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.portfolio import search
from zonewright.solver.search.state import facts_of


def zeros(count: int) -> np.ndarray:
    return np.zeros(count, np.int64)


def small(count: int) -> np.ndarray:
    return np.zeros(count, np.int32)


def board_of(demand_ir: np.ndarray, limit_sr: np.ndarray, home_i: np.ndarray, opening_s: np.ndarray) -> Board:
    """Items with a load above half of each limit, a price for moving and for opening; every item its own group."""
    items, resources = demand_ir.shape
    sites = len(limit_sr)
    nodes = sites + 1
    limit_nr = np.full((nodes, resources), NO_LIMIT, np.int64)
    limit_nr[:sites] = limit_sr
    safe_nr = limit_nr.copy()
    safe_nr[:sites] //= 2
    weight_lr = np.zeros((2, resources), np.int64)
    weight_lr[0] = 10
    stage_lr = np.full((2, resources), 1, np.int32)
    out_ik = np.zeros((items, 2), np.int64)
    out_ik[:, 0] = 1
    away_ik = np.zeros((items, 2), np.int64)
    away_ik[:, 1] = 1
    open_nk = np.zeros((nodes, 2), np.int64)
    open_nk[:sites, 1] = opening_s
    pointer = zeros(items + 1)
    none = np.zeros(0, bool)
    return Board(
        stages=("broken", "cost"),
        levels=("host", "estate"),
        resources=tuple(f"r{r}" for r in range(resources)),
        items=items,
        sites=sites,
        dom_ls=np.array([np.arange(sites), np.zeros(sites)], np.int32),
        domains_l=np.array([sites, 1], np.int64),
        base_l=np.array([0, sites], np.int64),
        demand_ir=demand_ir,
        group_i=np.arange(items, dtype=np.int32),
        alike_i=np.arange(items, dtype=np.int32),
        profile_i=small(items),
        enter_ps=np.ones((1, sites), bool),
        home_i=home_i.astype(np.int32),
        stay_i=np.ones(items, bool),
        pinned_i=np.zeros(items, bool),
        members_ptr_g=np.arange(items + 1, dtype=np.int64),
        members_x=np.arange(items, dtype=np.int32),
        limit_nr=limit_nr,
        holds_lr=np.zeros((2, resources), bool),
        safe_nr=safe_nr,
        safe_weight_lr=weight_lr,
        safe_stage_lr=stage_lr,
        out_ik=out_ik,
        away_ik=away_ik,
        price_class_i=small(items),
        price_key_s=small(sites),
        price_vq=np.zeros((1, 1), np.int64),
        home_price_i=zeros(items),
        price_stage=-1,
        open_nk=open_nk,
        most_moves=NO_LIMIT,
        terms=Terms(pointer, small(0), small(0), zeros(0), zeros(0), small(0), zeros(1), small(0)),
        company=Company(
            small(0), small(0), small(0), none, zeros(0), small(0), pointer, small(0), pointer, small(0)
        ),
        distances=Distances(
            small(0),
            small(0),
            small(0),
            small(0),
            zeros(0),
            small(0),
            np.zeros((0, 1, 1), bool),
            pointer,
            small(0),
        ),
        ratios=Ratios(small(0), small(0), small(0), zeros(0), zeros(0), small(0)),
        steps=Steps(
            zeros(1), small(0), zeros(0), zeros(0), small(0), small(0), small(sites), np.zeros((0, 1, 1), np.int64)
        ),
        peaks=Peaks(np.zeros((0, items), bool), zeros(0), zeros(0), small(0)),
        spans=Spans(small(0), small(0), zeros(0), small(0)),
        constant_k=zeros(2),
    )


def random_board(seed: int, *, opening: bool = False) -> Board:
    rng = np.random.default_rng(seed)
    demand_ir = rng.integers(1, 20, (24, 2))
    limit_sr = np.full((6, 2), 60)
    costs_s = rng.integers(50, 100, 6) if opening else np.zeros(6)
    board = board_of(demand_ir, limit_sr, np.full(24, -1), costs_s)
    return replace(board, safe_weight_lr=np.zeros_like(board.safe_weight_lr)) if opening else board


def run(board: Board, seed: int = 1, work: int = 600, **options):
    return search(board, None, Deadline(60.0, work_limit=work), seed=seed, **options)


def test_whoever_may_not_stay_begins_nowhere() -> None:
    board = random_board(0)
    home_i = board.home_i.copy()
    home_i[:2] = 3
    stay_i = board.stay_i.copy()
    stay_i[1] = False
    closed = replace(board, home_i=home_i, stay_i=stay_i, enter_ps=np.zeros_like(board.enter_ps))
    assert start_of(closed, None)[:3].tolist() == [3, board.sites, board.sites]


def test_profiles_that_reach_alike_share_their_sites() -> None:
    board = random_board(0)
    enter_ps = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0]], bool)
    options = options_of(replace(board, enter_ps=enter_ps))
    assert options.site_ptr_p.tolist() == [0, 2, 2, 3, 0, 2]
    assert options.site_x.tolist() == [0, 1, 5]


def test_temperatures_come_from_changes_that_leave_earlier_stages_alone() -> None:
    strict = np.array([[0, 0, 8], [0, 5, 999]] * 50)
    loose = np.array([[7, 0, 800], [3, 500, 9]] * 50)
    fine = np.array([[0, 0, 800], [0, 2, 9]] * 50)
    heats = heats_of(strict, loose, fine, 0.5)
    assert heats.hot_k.tolist() == [0, 500, 800]
    assert heats.small_k.tolist() == [0, 5 / 8, 1]
    assert heats.cold_k.tolist() == heats.least_k.tolist() == [0, 2 / 8, 1]
    assert heats.stages == [1, 2]


def test_a_ladder_goes_from_hot_to_cold_and_lingers_where_the_value_falls() -> None:
    heat_x = np.exp(np.linspace(np.log(1000.0), 0.0, 100))
    value_x = np.where(heat_x > 30, 1e6, np.where(heat_x < 10, 1e5, 5e5))
    ladder = bent(heat_x, value_x)
    assert ladder.at(0.0) == pytest.approx(1000.0)
    assert ladder.at(1.0) == pytest.approx(1.0)
    even = straight(1000.0, 1.0)
    shares = np.linspace(0, 1, 101)
    near = [5 < ladder.at(x) < 60 for x in shares]
    assert sum(near) > 1.3 * sum(5 < even.at(x) < 60 for x in shares)


@pytest.mark.parametrize("seed", range(3))
def test_a_search_ends_with_a_valid_placement_at_the_oracles_value(seed: int) -> None:
    board = random_board(seed)
    told: list[tuple[int, ...]] = []
    result = run(board, seed, found=lambda _sites, values: told.append(tuple(values.tolist())))
    judged = judge_board(board, result.site_i)
    assert judged.valid
    assert judged.value_k.tolist() == result.value_k.tolist() == list(told[-1])
    assert told == sorted(told, reverse=True)
    assert result.stats["mismatches"] == 0
    assert result.stats["proposals"] > 0


def test_the_load_that_nothing_avoids_is_nearly_reached() -> None:
    board = random_board(5)
    least = 10 * np.maximum(0, board.demand_ir.sum(axis=0) - board.safe_nr[: board.sites].sum(axis=0)).sum()
    value = int(run(board, work=2_000).value_k[1])
    assert least <= value <= 1.05 * least + 40


def test_one_worker_with_a_work_limit_repeats_itself() -> None:
    board = random_board(7)
    first, second = run(board), run(board)
    assert first.site_i.tolist() == second.site_i.tolist()
    assert first.parameters == second.parameters


def test_a_start_beyond_limits_is_mended() -> None:
    board = random_board(2)
    crowded = np.zeros(board.items, np.int32)
    assert not judge_board(board, crowded).valid
    result = search(board, crowded, Deadline(60.0, work_limit=600), seed=1)
    assert judge_board(board, result.site_i).valid


def test_sites_that_cost_to_open_are_emptied() -> None:
    board = random_board(3, opening=True)
    assert opens(board, 1)
    needed = int(np.ceil(board.demand_ir.sum(axis=0).max() / 60))
    cheapest = int(np.sort(board.open_nk[: board.sites, 1])[:needed].sum())
    result = run(board, work=2_000)
    assert cheapest <= int(result.value_k[1])
    assert len(np.unique(result.site_i)) <= needed + 1


def test_a_search_stops_when_asked_and_at_its_bound() -> None:
    board = random_board(4)
    stop = threading.Event()
    stop.set()
    result = search(board, None, Deadline(60.0, stop=stop), seed=1)
    assert len(result.site_i) == board.items
    done = search(board, None, Deadline(60.0), seed=1, bound=lambda: (0, 0 + 10**9))
    assert done.stats["seconds"] < 30


def test_two_workers_share_what_they_find() -> None:
    board = random_board(6)
    told: list[tuple[int, ...]] = []

    def tell(_site_i: np.ndarray, value_k: np.ndarray) -> None:
        told.append(tuple(value_k.tolist()))

    result = search(board, None, Deadline(3.0), workers=2, seed=1, found=tell)
    assert judge_board(board, result.site_i).value_k.tolist() == result.value_k.tolist() == list(told[-1])
    assert told == sorted(set(told), reverse=True)
    assert {"annealing of worker 0", "annealing of worker 1"} <= set(result.parameters)


def test_a_worker_goes_on_from_what_another_has_found() -> None:
    board = random_board(6)
    shared = Shared(board, lambda _message, _values: None)
    facts, options = facts_of(board), options_of(board)
    one, other = (Worker(board, facts, options, shared, Deadline(60.0), 1, number) for number in range(2))
    good_i = run(board).site_i
    one.begin_at(good_i)
    other.begin_at(np.arange(board.items, dtype=np.int32) % board.sites)
    assert one.propose("one")
    assert not one.propose("one")
    other.adopt()
    assert other.state.site_i.tolist() == good_i.tolist()


def test_a_search_checks_itself_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All engines keep their sums right; a kernel that loses track is found."""
    monkeypatch.setenv("ZONEWRIGHT_SEARCH_DEBUG", "1")
    board = random_board(7)
    assert judge_board(board, run(board, work=5).site_i).valid
    lost = replace(board, away_ik=board.away_ik + 1)
    monkeypatch.setattr("zonewright.solver.search.portfolio.facts_of", lambda _board: facts_of(lost))
    with pytest.raises(KernelFault, match="value_k"):
        run(replace(board, home_i=np.zeros_like(board.home_i)), work=5)


def test_nobody_is_moved_where_all_are_pinned() -> None:
    """A hint may have them elsewhere: they go home, and there is nothing else to search."""
    board = random_board(8)
    home_i = np.arange(board.items, dtype=np.int32) % board.sites
    pinned = replace(board, home_i=home_i, pinned_i=np.ones(board.items, bool))
    result = search(pinned, (home_i + 1) % board.sites, Deadline(60.0, work_limit=600), seed=1)
    assert result.stats["seconds"] < 30
    assert len(result.site_i) == board.items


def test_like_items_are_those_of_nearest_demand_for_the_room_there_is() -> None:
    rng = np.random.default_rng(3)
    items, sites = 300, 5
    demand_ir = rng.integers(1, 1000, (items, 2))
    limit_sr, home_i = np.full((sites, 2), 10**6), np.full(items, -1)
    board = board_of(demand_ir, limit_sr, home_i, zeros(sites))
    room_nr = board.limit_nr.copy()
    # Of the first resource next to nothing is left: only that one tells items apart.
    room_nr[:sites, 0] = 1000
    near_ix = near_items(board, room_nr)
    assert near_ix.shape[0] == items
    apart_ix = np.abs(demand_ir[near_ix, 0] - demand_ir[:, None, 0])
    assert np.median(apart_ix) < 60 < np.median(np.abs(demand_ir[near_ix, 1] - demand_ir[:, None, 1]))
    assert (near_ix >= 0).all()
    assert (near_ix < items).all()
    alike = board_of(np.full((items, 2), 7), limit_sr, home_i, zeros(sites))
    assert near_items(alike, alike.limit_nr).shape == (items, 0)


def test_a_ladder_that_goes_on_passes_its_own_temperatures_first() -> None:
    ladder = straight(1000.0, 10.0)
    longer = ladder.down_to(1.0, 0.25)
    assert [longer.at(share) for share in (0.0, 0.75, 0.875, 1.0)] == pytest.approx([1000, 10, 10**0.5, 1])
    assert longer.at(0.375) == pytest.approx(100.0)
    assert longer.coarse == 0.75
    for cold in (10.0, 20.0):
        same = ladder.down_to(cold, 0.25)
        assert same.coarse == 0.75
        assert same.heat_x is ladder.heat_x


def test_a_run_is_as_long_where_it_is_coldest_as_a_pilot_gained_there() -> None:
    heat_x = [1000.0, 100.0, 10.0, 1.0]
    steep, flat = Trace(heat_x, [900.0, 500.0, 300.0, 100.0]), Trace(heat_x, [900.0, 500.0, 499.0, 498.0])
    assert flat.fine(50.0, 400.0) == FINE_LEAST
    assert FINE_LEAST < steep.fine(50.0, 4_000.0) < steep.fine(50.0, 2_500.0) <= FINE_MOST
    assert steep.fine(0.5, 400.0) == FINE_LEAST, "never so cold"
    assert steep.fine(50.0, 0.0) == FINE_MOST, "nothing is left, as far as is known"
