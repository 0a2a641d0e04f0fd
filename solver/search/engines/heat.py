"""Temperatures and prices, measured from what a board's own moves change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.search.board import Board, Ints
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import Reals

#: Moves sampled, and proposals made for them at most.
SAMPLES = 4_096
PROPOSALS = 400_000
#: Of a stage's changes: annealing starts at the temperature of this quantile and ends below that of the other.
HOT_QUANTILE, COLD_QUANTILE = 0.6, 0.02
#: The end is so many times below the small changes: one in e^8 of them is still taken.
FROZEN = 8.0


@dataclass(frozen=True)
class Heats:
    """Temperatures by stage; 0 where no sampled move changed a stage alone."""

    hot_k: Reals
    cold_k: Reals
    possible: float
    """Share of random moves that break nothing."""

    @property
    def stages(self) -> list[int]:
        """Stages that moves change."""
        return [k for k in range(1, len(self.hot_k)) if self.hot_k[k] > 0.0]


def measure(worker: Worker) -> Heats:
    """Sample moves from where the worker is."""
    from zonewright.solver.search.kernels.anneal import sample_deltas

    delta_xk = np.zeros((SAMPLES, worker.facts.stages), np.int64)
    tried, rows = 0, 0
    parts: list[Ints] = []
    while rows < SAMPLES and tried < PROPOSALS and not worker.deadline.over:
        step = 20_000
        found = int(sample_deltas(worker.facts, worker.state, worker.walk, step, delta_xk, True))
        parts.append(delta_xk[:found].copy())
        rows += found
        tried += step if found < SAMPLES else max(found, 1)
    return heats_of(np.concatenate(parts) if parts else delta_xk[:0], rows / max(1, tried))


def heats_of(delta_xk: Ints, possible: float) -> Heats:
    """Derive temperatures from sampled changes: by stage, those that leave the stages before it as they are."""
    stages = delta_xk.shape[1]
    hot_k, cold_k = np.zeros(stages), np.zeros(stages)
    same_x = np.ones(len(delta_xk), bool)
    for k in range(stages):
        changes = np.abs(delta_xk[same_x & (delta_xk[:, k] != 0), k])
        same_x &= delta_xk[:, k] == 0
        if k and len(changes):
            hot_k[k] = float(np.quantile(changes, HOT_QUANTILE))
            cold_k[k] = max(float(np.quantile(changes, COLD_QUANTILE)), 1.0) / FROZEN
    return Heats(hot_k, np.minimum(cold_k, hot_k / 4), possible)


def away_price(board: Board) -> Ints | None:
    """Return what it may cost at first that an item is away from home where it holds resources there, by item.

    As much as the load of all of its demand: then small items do not fill the room that others need.
    None where nothing is held.
    """
    held_r = board.holds_lr.any(axis=0)
    weight_r = board.safe_weight_lr.sum(axis=0)
    if not held_r.any() or not weight_r.any():
        return None
    unit = float(weight_r.sum()) / float(held_r.sum())
    price: Ints = np.where(board.home_i >= 0, board.demand_ir[:, held_r].sum(axis=1) * unit, 0).astype(np.int64)
    return price


def excess_weights(board: Board) -> Reals:
    """Weigh the resources' excess so that an item of mean demand weighs the same in each; 1 on average or so."""
    mean_r = board.demand_ir.mean(axis=0) if board.items else np.ones(len(board.resources))
    used_r = mean_r > 0
    if not used_r.any():
        return np.ones(len(board.resources))
    middle = float(mean_r[used_r].mean())
    return np.ascontiguousarray(np.where(used_r, middle / np.maximum(mean_r, 1e-9), 1.0))
