"""Kernels say what the oracle says, at every shift, swap and chain, and keep their sums right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.search.kernel_boards import draw_board, draw_open_board, harden, random_sites
from zonewright.solver.search import state as states
from zonewright.solver.search.checked import KernelFault, anneal_checked
from zonewright.solver.search.kernels.anneal import LOOKS, anneal, sample_deltas
from zonewright.solver.search.kernels.single import (
    apply_shift_once,
    apply_swap_once,
    differences,
    roll_back_once,
    shift_delta_once,
    swap_delta_once,
)
from zonewright.solver.search.options import options_of
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.state import FAMILIES, facts_of, make_state, without
from zonewright.solver.search.walk import ACCEPTED, PRICED, PROPOSED, make_walk

BOARDS = range(6)


def forget_tables(monkeypatch):
    """Have all counts that may be found by looking found by looking."""
    monkeypatch.setattr(states, "FEW_DOMAINS", 0)
    monkeypatch.setattr(states, "SCAN_MEMBERS", 10**6)


class Pair:
    """A state and the oracle's opinion of it."""

    def __init__(self, board, seed, facts=None):
        self.board = board
        self.facts = facts if facts is not None else facts_of(board)
        self.state = make_state(self.facts, random_sites(board, seed))
        self.rng = np.random.default_rng(seed + 1000)

    def value(self, site_i):
        return judge_board(self.board, site_i).value_k

    def step(self):
        """Price a random move in both ways, then make it in a third of cases; returns a mismatch or None."""
        f, s, rng = self.facts, self.state, self.rng
        swap, i, strict = rng.random() < 0.5, int(rng.integers(f.items)), rng.random() < 0.5
        other = int(rng.integers(f.items)) if swap else int(rng.integers(f.sites + 1))
        after = s.site_i.copy()
        after[i] = s.site_i[other] if swap else other
        if swap:
            after[other] = s.site_i[i]
        d_k = np.zeros(f.stages, np.int64)
        allowed = (swap_delta_once if swap else shift_delta_once)(f, s, i, other, d_k, strict)
        if not allowed:
            return None
        change = self.value(after) - self.value(s.site_i)
        if (d_k != change).any() or (strict and change[0] > 0):
            return f"{'swap' if swap else 'shift'} {i} {other}: {d_k}, not {change}"
        if rng.random() < 0.4:
            (apply_swap_once if swap else apply_shift_once)(f, s, i, other, d_k)
        return None


@pytest.mark.parametrize("seed", BOARDS)
def test_a_state_is_worth_what_the_oracle_says(seed):
    board = draw_board(seed)
    for start in range(5):
        site_i = random_sites(board, start)
        assert make_state(facts_of(board), site_i).value_k.tolist() == judge_board(board, site_i).value_k.tolist()


@pytest.mark.parametrize("looking", [False, True])
@pytest.mark.parametrize("seed", BOARDS)
def test_moves_change_what_the_oracle_says(seed, looking, monkeypatch):
    if looking:
        forget_tables(monkeypatch)
    pair = Pair(draw_board(seed), seed)
    for _ in range(80):
        assert pair.step() is None
    assert differences(pair.facts, pair.state) == []


@pytest.mark.parametrize("looking", [False, True])
@pytest.mark.parametrize("seed", BOARDS)
def test_a_valid_placement_stays_valid_and_no_valid_move_is_refused(seed, looking, monkeypatch):
    """Where nothing is broken the kernels look at what gets worse alone."""
    if looking:
        forget_tables(monkeypatch)
    board = draw_open_board(seed)
    site_i, made = strict_walk(board, np.full(board.items, board.sites, np.int32), seed, 110)
    assert made[False] > 0
    _, made = strict_walk(harden(board, site_i), site_i, seed, 110)
    assert sum(made.values()) > 0


def strict_walk(board, site_i, seed, steps):
    """Walk where nothing is broken; return the sites, and how many shifts (False) and swaps (True) were made."""
    f = facts_of(board)
    s = make_state(f, site_i)
    assert s.value_k[0] == 0
    made = {False: 0, True: 0}
    rng = np.random.default_rng(seed)
    d_k, free_k = np.zeros(f.stages, np.int64), np.zeros(f.stages, np.int64)
    for _ in range(steps):
        swap, i = rng.random() < 0.4, int(rng.integers(f.items))
        other = int(rng.integers(f.items)) if swap else int(rng.integers(f.sites + (rng.random() < 0.2)))
        price = swap_delta_once if swap else shift_delta_once
        after = s.site_i.copy()
        after[i] = s.site_i[other] if swap else other
        if swap:
            after[other] = s.site_i[i]
        then_k = judge_board(board, after).value_k
        may = price(f, s, i, other, free_k, False)
        assert price(f, s, i, other, d_k, True) == (may and then_k[0] == 0), (i, other, swap)
        if may and then_k[0] == 0:
            assert (s.value_k + d_k == then_k).all()
            (apply_swap_once if swap else apply_shift_once)(f, s, i, other, d_k)
            made[swap] += 1
    return s.site_i, made


@pytest.mark.parametrize("seed", BOARDS)
def test_a_chain_is_taken_back_whole(seed):
    pair = Pair(draw_board(seed), seed)
    f, s = pair.facts, pair.state
    before_i, before_k = s.site_i.copy(), s.value_k.copy()
    items, olds = [], []
    d_k = np.zeros(f.stages, np.int64)
    for _ in range(20):
        i, new = int(pair.rng.integers(f.items)), int(pair.rng.integers(f.sites + 1))
        if shift_delta_once(f, s, i, new, d_k, False):
            items.append(i)
            olds.append(int(s.site_i[i]))
            apply_shift_once(f, s, i, new, d_k)
    assert (s.value_k == pair.value(s.site_i)).all()
    roll_back_once(f, s, np.array(items, np.int32), np.array(olds, np.int32), len(items), before_k)
    assert (s.site_i == before_i).all()
    assert differences(f, s) == []


def test_lists_hold_every_item_once():
    pair = Pair(draw_board(0), 0)
    for _ in range(200):
        pair.step()
    s = pair.state
    for site in range(pair.facts.sites + 1):
        listed, i = [], int(s.first_s[site])
        while i >= 0:
            listed.append(i)
            i = int(s.next_i[i])
        assert sorted(listed) == np.flatnonzero(s.site_i == site).tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_missed(family):
    """Without any one family the kernels do not say what the oracle says."""
    for seed in BOARDS:
        board = draw_board(seed)
        pair = Pair(board, seed, without(facts_of(board), family))
        if (pair.state.value_k != pair.value(pair.state.site_i)).any():
            return
        if any(pair.step() is not None for _ in range(60)):
            return
    pytest.fail(f"nothing missed {family}")


@pytest.mark.parametrize("strict", [False, True])
def test_annealing_keeps_its_sums_and_its_best(strict):
    for seed in BOARDS:
        board = draw_board(seed)
        f = facts_of(board)
        s = make_state(f, random_sites(board, seed))
        before = s.value_k[0]
        w = make_walk(f, s, seed)
        w.heat_k[:] = [0.0 if strict else 3.0, 4.0, 4.0, 4.0]
        done = 0
        for _ in range(4):
            done += anneal(f, s, options_of(board), w, 2000, 10**9, strict)
            assert differences(f, s) == []
            assert judge_board(board, w.best_i).value_k.tolist() == w.best_k.tolist()
        assert 8000 <= w.tally_x[PROPOSED] == done <= 8000 + 4 * LOOKS
        assert done >= w.tally_x[PRICED] >= w.tally_x[ACCEPTED] > 0
        assert w.best_k.tolist() <= s.value_k.tolist()
        if strict:
            assert s.value_k[0] <= before


def test_every_move_can_be_checked():
    board = draw_board(0)
    for family in (None, "load"):
        f = facts_of(board) if family is None else without(facts_of(board), family)
        s = make_state(f, random_sites(board, 0))
        w = make_walk(f, s, 0)
        if family is None:
            assert anneal_checked(board, f, s, options_of(board), w, 500, False) == 500
            continue
        with pytest.raises(KernelFault, match="value_k: worth"):
            anneal_checked(board, f, s, options_of(board), w, 500, False)


def test_the_same_seed_walks_the_same_way():
    board = draw_board(1)
    ends = []
    for pieces in (1, 5):
        f = facts_of(board)
        s = make_state(f, random_sites(board, 1))
        w = make_walk(f, s, 7)
        w.heat_k[:] = 2.0
        for _ in range(pieces):
            anneal(f, s, options_of(board), w, 5000 // pieces, 10**9, False)
        ends.append((s.site_i.tolist(), s.value_k.tolist(), w.best_k.tolist()))
    assert ends[0] == ends[1]


def test_samples_are_changes_of_moves_that_are_not_made():
    board = draw_board(2)
    f = facts_of(board)
    s = make_state(f, random_sites(board, 2))
    delta_xk = np.zeros((50, f.stages), np.int64)
    found = sample_deltas(f, s, make_walk(f, s, 3), 10_000, delta_xk, True)
    assert found == 50
    assert (delta_xk[:, 0] <= 0).all()
    assert (delta_xk != 0).any()
    assert (s.site_i == random_sites(board, 2)).all()


def test_a_record_says_what_is_laid_out_wrongly():
    f = facts_of(draw_board(0))
    with pytest.raises(TypeError, match=r"demand_ir: int32 with 2 axes, not contiguous int64 with 2"):
        states.replace(f, demand_ir=f.demand_ir.astype(np.int32))
