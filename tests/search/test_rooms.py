"""Annealing with limits at a price: what it adds up is what is there, and at no heat it only falls."""

from __future__ import annotations

import numpy as np
import pytest

from tests.search.kernel_boards import draw_board, random_sites
from tests.search.test_engines import random_board
from zonewright.solver.search.kernels.relax import anneal_relaxed, excess
from zonewright.solver.search.kernels.single import differences
from zonewright.solver.search.options import options_of
from zonewright.solver.search.rooms import rooms_of
from zonewright.solver.search.state import facts_of, make_state, without
from zonewright.solver.search.walk import ACCEPTED, PRICED, make_walk


class Stand:
    """A board whose limits have prices, and a walk on it."""

    def __init__(self, seed: int, stage: int) -> None:
        board = draw_board(seed)
        self.stage = stage
        self.facts = without(facts_of(board), "capacity")
        self.state = make_state(self.facts, random_sites(board, seed))
        self.options = options_of(board)
        self.walk = make_walk(self.facts, self.state, seed + 1)
        self.rooms = rooms_of(self.facts, self.state, stage)
        self.rooms.price_nr[:] = np.random.default_rng(seed).uniform(0.5, 9.0, self.rooms.price_nr.shape)

    def run(self, steps: int, heat: float, slack: float) -> float:
        self.walk.heat_k[:] = heat
        return float(
            anneal_relaxed(self.facts, self.state, self.options, self.walk, self.rooms, steps, self.stage, slack)
        )

    def beyond(self) -> float:
        """What is beyond limits, priced, from the state alone."""
        total = 0.0
        for level in self.facts.cap_x.tolist():
            first = int(self.facts.base_l[level])
            part = slice(first, first + int(self.facts.domains_l[level]))
            total += float((self.rooms.price_nr[part] * np.maximum(0, -self.state.room_nr[part])).sum())
        return total


STANDS = [(seed, stage) for seed in range(8) for stage in (1, 2)]


@pytest.mark.parametrize(("seed", "stage"), STANDS)
def test_changes_add_up_to_what_is_there(seed: int, stage: int) -> None:
    stand = Stand(seed, stage)
    for _ in range(20):
        over = stand.run(50, 1e6, 1e9)
        assert over == pytest.approx(stand.beyond(), rel=1e-9, abs=1e-6)
        assert over == pytest.approx(float(excess(stand.facts, stand.state, stand.rooms)), rel=1e-9, abs=1e-6)
    assert stand.walk.tally_x[ACCEPTED] > 0
    assert not differences(stand.facts, stand.state)
    sites = stand.facts.sites
    assert np.array_equal(stand.rooms.room_sr, stand.state.room_nr[:sites].astype(np.float64))
    beyond_sr = stand.state.use_nr[:sites] - stand.facts.safe_nr[:sites]
    assert np.array_equal(stand.rooms.beyond_sr, beyond_sr.astype(np.float64))


@pytest.mark.parametrize(("seed", "stage"), STANDS)
def test_without_heat_value_and_excess_only_fall(seed: int, stage: int) -> None:
    stand = Stand(seed, stage)
    before, earlier_k = stand.beyond() + float(stand.state.value_k[stage]), stand.state.value_k[:stage].copy()
    for _ in range(100):
        now = stand.run(5, 0.0, 1e9) + float(stand.state.value_k[stage])
        assert now <= before + 1e-6
        assert (stand.state.value_k[:stage] <= earlier_k).all()
        before, earlier_k = now, stand.state.value_k[:stage].copy()


@pytest.mark.parametrize("seed", range(4))
def test_what_load_and_excess_let_pass_is_accepted_where_nothing_else_counts(seed: int) -> None:
    board = random_board(seed)
    facts = without(facts_of(board), "capacity")
    state = make_state(facts, np.random.default_rng(seed).integers(0, board.sites, board.items).astype(np.int32))
    walk, rooms = make_walk(facts, state, seed + 1), rooms_of(facts, state, 1)
    rooms.price_nr[:] = 7.0
    walk.heat_k[:] = 30.0
    anneal_relaxed(facts, state, options_of(board), walk, rooms, 20_000, 1, 0.0)
    assert 100 < walk.tally_x[ACCEPTED] == walk.tally_x[PRICED] < 15_000
