"""What is told of a move early is never more than what it changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numba import types

from tests.search.kernel_boards import draw_early_board, random_sites
from zonewright.solver.search.kernels.anneal import anneal
from zonewright.solver.search.kernels.early import at_least
from zonewright.solver.search.kernels.records import entry
from zonewright.solver.search.kernels.single import (
    apply_shift_once,
    apply_swap_once,
    shift_delta_once,
    swap_delta_once,
)
from zonewright.solver.search.options import options_of
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.state import Facts, State, facts_of, make_state, without
from zonewright.solver.search.walk import ACCEPTED, PRICED, REFUSED, make_walk

SEEDS = range(8)


@entry(Facts, State, types.int64, types.int64, types.int64)
def at_least_once(f, s, i, j, new):
    return at_least(f, s, i, j, np.int64(s.site_i[i]), new)


def moves(facts, state, seed, count):
    """Yield random moves between two sites that may be: item, partner or -1, new site, and what they change."""
    rng = np.random.default_rng(seed)
    d_k = np.zeros(facts.stages, np.int64)
    for _ in range(count):
        i, swap = int(rng.integers(facts.items)), rng.random() < 0.5
        j = int(rng.integers(facts.items)) if swap else -1
        new = int(state.site_i[j]) if swap else int(rng.integers(facts.sites))
        if facts.sites in (state.site_i[i], new) or state.site_i[i] == new:
            continue
        allowed = (
            swap_delta_once(facts, state, i, j, d_k, False)
            if swap
            else shift_delta_once(facts, state, i, new, d_k, False)
        )
        if allowed:
            yield i, j, new, d_k.copy()
            if rng.random() < 0.3:
                if swap:
                    apply_swap_once(facts, state, i, j, d_k)
                else:
                    apply_shift_once(facts, state, i, new, d_k)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_move_changes_less(seed):
    board = draw_early_board(seed)
    facts = facts_of(board)
    assert facts.early_stage == 1
    state = make_state(facts, random_sites(board, seed))
    seen, tight = 0, 0
    for i, j, new, d_k in moves(facts, state, seed, 3_000):
        least = at_least_once(facts, state, i, j, new)
        assert least <= d_k[1]
        seen += 1
        tight += least == d_k[1] - facts.early_gain
    assert seen > 500
    assert tight > 0, "it says as much as it can"


def test_load_alone_says_what_load_costs():
    board = draw_early_board(1)
    facts = facts_of(board)
    for family in ("ratios", "away", "steps", "peaks", "out"):
        facts = without(facts, family)
    facts = replace(facts, early_gain=0)
    state = make_state(facts, random_sites(board, 1))
    for i, j, new, d_k in moves(facts, state, 1, 500):
        assert at_least_once(facts, state, i, j, new) == d_k[1]


def test_it_is_told_only_where_nothing_else_may_gain():
    board = draw_early_board(0)
    weight_lr, open_nk, away_ik = board.safe_weight_lr.copy(), board.open_nk.copy(), board.away_ik.copy()
    weight_lr[1], open_nk[0, 1], away_ik[0, 1] = 1, 3, -1
    ones = np.ones_like(board.terms.stage_t)
    for other in (
        replace(board, safe_weight_lr=weight_lr),
        replace(board, open_nk=open_nk),
        replace(board, away_ik=away_ik),
        replace(board, terms=replace(board.terms, stage_t=ones)),
        replace(board, safe_stage_lr=np.zeros_like(board.safe_stage_lr)),
        replace(board, safe_weight_lr=np.zeros_like(weight_lr)),
        replace(board, price_stage=1, price_vq=board.price_vq - 30),
    ):
        assert facts_of(other).early_stage == 0
    assert facts_of(replace(board, price_stage=1)).early_stage == 1


def walked(board, facts, seed, heat):
    """Return the mean value of stage 1 over a long walk at one temperature, and its counters."""
    state = make_state(facts, np.full(board.items, board.sites, np.int32))
    walk = make_walk(facts, state, seed)
    options = options_of(board)
    anneal(facts, state, options, walk, 20_000, 10**9, True)
    assert state.value_k[0] == 0
    walk.tally_x[:] = 0
    walk.heat_k[:] = [0.0, heat, heat, heat]
    values = []
    for _ in range(600):
        anneal(facts, state, options, walk, 500, 10**9, True)
        values.append(int(state.value_k[1]))
    assert judge_board(board, state.site_i).value_k.tolist() == state.value_k.tolist()
    return float(np.mean(values[100:])), walk.tally_x


def test_a_walk_that_refuses_early_goes_where_one_goes_that_does_not():
    board = draw_early_board(2)
    board = replace(board, limit_nr=np.maximum(board.limit_nr, 60))
    facts = facts_of(board)
    late = replace(facts, early_stage=0)
    both = [[walked(board, each, seed, 6.0) for seed in range(3)] for each in (facts, late)]
    early_x, late_x = (np.array([mean for mean, _ in runs]) for runs in both)
    tally_x = both[0][0][1]
    assert tally_x[REFUSED] > tally_x[PRICED] / 4
    assert tally_x[ACCEPTED] > 0
    assert both[1][0][1][REFUSED] == 0
    spread = max(float(np.ptp(early_x)), float(np.ptp(late_x)), 1.0)
    assert abs(early_x.mean() - late_x.mean()) <= spread
