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
#: Small are also changes of this quantile among those that say nothing of amounts, such as what moving costs: once
#: use is spread as well as can be, they are all that is left to save.
FINE_QUANTILE = 0.1
AMOUNTS = ("load", "ratios", "spans")


@dataclass(frozen=True)
class Heats:
    """Temperatures by stage; 0 where no sampled move changed a stage alone."""

    hot_k: Reals
    small_k: Reals
    """Below the small changes of all that counts: down to here use is spread."""
    cold_k: Reals
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
    fine_xk, _ = _sample(worker, strict=True, amounts=False)
    return heats_of(strict_xk, loose_xk, fine_xk, possible)


def _sample(worker: Worker, *, strict: bool, amounts: bool = True) -> tuple[Ints, float]:
    """Return the changes of sampled moves, and what share of the proposals they are; by will without amounts."""
    from zonewright.solver.search.kernels.anneal import sample_deltas

    facts = worker.facts
    for family in () if amounts else AMOUNTS:
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
    the usual ones of `fine_xk`, where amounts count for nothing.
    """
    stages = strict_xk.shape[1]
    hot_k, small_k, cold_k = np.zeros(stages), np.zeros(stages), np.zeros(stages)
    for k in range(1, stages):
        small, usual = _changes(strict_xk, k), _changes(loose_xk, k)
        if len(usual) or len(small):
            hot_k[k] = float(np.quantile(usual if len(usual) else small, HOT_QUANTILE))
            least = float(np.quantile(small if len(small) else usual, COLD_QUANTILE))
            small_k[k] = max(least, 1.0) / FROZEN
            fine = _changes(fine_xk, k)
            if len(fine):
                least = min(least, float(np.quantile(fine, FINE_QUANTILE)))
            cold_k[k] = max(least, 1.0) / FROZEN
    return Heats(hot_k, np.minimum(small_k, hot_k / 4), np.minimum(cold_k, hot_k / 4), possible)


def _changes(delta_xk: Ints, stage: int) -> Ints:
    """Sizes of a stage's changes where no soft stage before it changes."""
    alone_x = (delta_xk[:, 1:stage] == 0).all(axis=1) & (delta_xk[:, stage] != 0)
    changes: Ints = np.abs(delta_xk[alone_x, stage])
    return changes
