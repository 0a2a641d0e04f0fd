"""Temperatures and prices, measured from what a board's own moves change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.search.board import Ints
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import Reals
from zonewright.solver.search.state import without

#: Moves sampled, and proposals made for them at most.
SAMPLES = 4_096
PROPOSALS = 400_000
#: Proposals per call; no more than SAMPLES, so that no sample is cut short.
BATCH = 4_096
#: Of a stage's changes: annealing starts at the temperature of this quantile and ends below that of the other.
HOT_QUANTILE, COLD_QUANTILE = 0.5, 0.02
#: The end is so many times below the small changes: one in e^8 of them is still taken.
FROZEN = 8.0
#: Small are also changes of this quantile among those that depend on nobody else, such as what moving costs: once
#: use is spread as well as can be, they are all that is left to save. The second tells what is finest of them.
FINE_QUANTILE, FINEST_QUANTILE = 0.1, 0.005
SHARED = ("load", "ratios", "spans", "peaks")


@dataclass(frozen=True)
class Heats:
    """Temperatures by stage; 0 where no sampled move changed a stage alone."""

    hot_k: Reals
    small_k: Reals
    """Below the small changes of all that counts: down to here use is spread."""
    cold_k: Reals
    least_k: Reals
    """Below the smallest of what depends on nobody else."""
    possible: float
    """Share of random moves that break nothing."""

    @property
    def stages(self) -> list[int]:
        """Stages that moves change."""
        return [k for k in range(1, len(self.hot_k)) if self.hot_k[k] > 0.0]


def measure(worker: Worker) -> Heats:
    """Sample moves from where the worker is, those that break something, too: they tell what items weigh."""
    strict_xk, possible = _sample(worker, strict=True)
    loose_xk, _ = _sample(worker, strict=False)
    fine_xk, _ = _sample(worker, strict=True, alone=True)
    return heats_of(strict_xk, loose_xk, fine_xk, possible)


def _sample(worker: Worker, *, strict: bool, alone: bool = False) -> tuple[Ints, float]:
    """Return the changes of sampled moves, and what share of the proposals they are.

    With `alone` only what depends on nobody else counts.
    """
    from zonewright.solver.search.kernels.anneal import sample_deltas

    facts = worker.facts
    for family in SHARED if alone else ():
        facts = without(facts, family)
    delta_xk = np.zeros((SAMPLES, worker.facts.stages), np.int64)
    parts: list[Ints] = []
    rows, tried = 0, 0
    while rows < SAMPLES and tried < PROPOSALS:
        found = int(sample_deltas(facts, worker.state, worker.walk, BATCH, delta_xk, strict))
        parts.append(delta_xk[:found].copy())
        rows += found
        tried += BATCH
    return np.concatenate(parts), rows / tried


def heats_of(strict_xk: Ints, loose_xk: Ints, fine_xk: Ints, possible: float) -> Heats:
    """Derive temperatures: by stage, from the changes that leave the stages before it as they are.

    A stage is hot at what any move usually changes, and cold below the small changes that break nothing, and below
    the usual ones of `fine_xk`, where nothing counts that depends on others.
    """
    stages = strict_xk.shape[1]
    hot_k, small_k, cold_k, least_k = (np.zeros(stages) for _ in range(4))
    for k in range(1, stages):
        small, usual = _changes(strict_xk, k), _changes(loose_xk, k)
        if len(usual) or len(small):
            hot_k[k] = float(np.quantile(usual if len(usual) else small, HOT_QUANTILE))
            least = float(np.quantile(small if len(small) else usual, COLD_QUANTILE))
            small_k[k] = max(least, 1.0) / FROZEN
            fine = _changes(fine_xk, k)
            usual_fine, finest = (
                np.quantile(fine, (FINE_QUANTILE, FINEST_QUANTILE)) if len(fine) else (least, least)
            )
            cold_k[k] = max(min(least, float(usual_fine)), 1.0) / FROZEN
            least_k[k] = max(min(least, float(finest)), 1.0) / FROZEN
    small_k, cold_k, least_k = (np.minimum(heat_k, hot_k / 4) for heat_k in (small_k, cold_k, least_k))
    return Heats(hot_k, small_k, cold_k, least_k, possible)


def _changes(delta_xk: Ints, stage: int) -> Ints:
    """Sizes of a stage's changes where no soft stage before it changes."""
    alone_x = (delta_xk[:, 1:stage] == 0).all(axis=1) & (delta_xk[:, stage] != 0)
    changes: Ints = np.abs(delta_xk[alone_x, stage])
    return changes
