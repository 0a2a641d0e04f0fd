"""Who must leave home at least, compared with every way to leave."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.search.tiny_boards import best_of, tiny
from zonewright.solver.search.board import NO_LIMIT, Board
from zonewright.solver.search.bounds import Damaged, evaluate
from zonewright.solver.search.bounds.leavers import leavers, shed


def least_to_shed(demand: list[int], away: list[int], over: int, weight: int | None) -> int:
    """The least cost of an excess, by trying every set of items that leave."""
    found = []
    for gone in itertools.product((0, 1), repeat=len(demand)):
        left = max(0, over - sum(d for d, g in zip(demand, gone, strict=True) if g))
        if weight is not None or not left:
            found.append(sum(a for a, g in zip(away, gone, strict=True) if g) + left * (weight or 0))
    return min(found)


@pytest.mark.parametrize("large", [1, 10**12])
def test_an_excess_costs_no_less(large: int) -> None:
    """Never more than the least, the least itself where all items cost the same, and close elsewhere."""
    rng, reached = Random(1), 0
    for case in range(400):
        items = rng.randint(1, 7)
        demand = [rng.randint(0, 9) * large for _ in range(items)]
        alike = rng.random() < 0.3
        away = [10 * large] * items if alike else [rng.choice((0, 1, 3, 7, 20)) * large for _ in range(items)]
        weight = rng.choice((None, 1, 2, 20))
        over = rng.randint(1, max(1, sum(demand) // large)) * large
        if sum(demand) < over:
            continue
        least = least_to_shed(demand, away, over, weight)
        bound = shed(np.array(demand), np.array(away), over, weight)
        assert bound <= least, case
        if alike and weight is None:
            assert bound == least, case
        reached += bound == least
    assert reached > 200


def loaded(seed: int, load_stage: int) -> Board:
    """A tiny board where only load, leaving and being nowhere cost something, the load in a stage of its own."""
    board, rng = tiny(seed), Random(seed)
    weight_lr = np.zeros_like(board.safe_weight_lr)
    weight_lr[0] = [rng.choice((1, 3, 20)), rng.choice((0, 1, 3))]
    return replace(
        board,
        limit_nr=np.full_like(board.limit_nr, NO_LIMIT),
        safe_nr=np.where(board.safe_nr < NO_LIMIT, board.safe_nr // (1 + load_stage // 2), NO_LIMIT),
        safe_weight_lr=weight_lr,
        safe_stage_lr=np.full_like(board.safe_stage_lr, load_stage),
        home_i=np.maximum(board.home_i - 1, 0),
        stay_i=np.ones_like(board.stay_i),
        away_ik=board.away_ik * 2,
        pinned_i=np.zeros_like(board.pinned_i),
    )


@pytest.mark.parametrize("load_stage", [0, 1, 2])
def test_who_is_beyond_what_is_safe_leaves_or_pays(load_stage: int) -> None:
    """Load in the stage itself has a price; in one before it, that is to stay at nothing, it is a limit."""
    said, above = 0, 0
    for seed in range(30):
        board = loaded(seed, load_stage)
        best = best_of(board)
        proof = leavers(board, 2, best[:2])
        assert (proof is None) == (best[0] > 0)
        if proof is None:
            continue
        of_levels = [evaluate(board, proof.data | {"level": level}) for level in range(len(board.levels))]
        assert proof.bound == max(of_levels) <= best[2], seed
        above += of_levels[1] > of_levels[0]
        unloaded = leavers(replace(board, safe_weight_lr=board.safe_weight_lr * 0), 2, best[:2])
        assert unloaded is not None
        said += proof.bound > unloaded.bound
    assert said >= 4
    assert above >= 1


def test_who_has_no_room_leaves() -> None:
    """Limits of sites count for the nodes above them, too; no level says more than the best placement costs."""
    above = 0
    for seed in range(30):
        board = tiny(seed)
        crowded = replace(board, home_i=np.maximum(board.home_i - 1, 0), stay_i=np.ones_like(board.stay_i))
        best = best_of(crowded)
        proof = leavers(crowded, 2, best[:2])
        if proof is not None:
            of_levels = [evaluate(crowded, proof.data | {"level": level}) for level in range(len(board.levels))]
            assert proof.bound == max(of_levels) <= best[2], seed
            above += of_levels[1] > of_levels[0]
    assert above >= 1


def test_a_witness_of_leavers_fits_its_board() -> None:
    """What is said before it counts: nothing is proven where hard rules are broken."""
    board = loaded(1, 2)
    proof = leavers(board, 2, [0, 0])
    assert proof is not None
    for change in (
        {"before": [1, 0]},
        {"before": [0]},
        {"level": 9},
        {"level": True},
        {"stage": 0},
        {"stage": "x"},
    ):
        with pytest.raises(Damaged):
            evaluate(board, proof.data | change)
