"""Emptying sites that cost something to open: annealing on a smoothed cost."""

from __future__ import annotations

import time

import numpy as np

from zonewright.solver.search.board import Board
from zonewright.solver.search.engines.clock import PROPOSAL_WORK, Span
from zonewright.solver.search.engines.worker import SLICE_S, Worker

#: The temperature falls from and to these shares of a usual opening cost.
HOT, COLD = 0.1, 0.001
#: The power of the fill falls from the first to the second.
FIRST_POWER, LAST_POWER = 0.8, 0.2


def opens(board: Board, stage: int) -> bool:
    """Whether opening sites costs something in a stage."""
    return bool(board.open_nk[: board.sites, stage].any())


def run_filling(worker: Worker, span: Span, stage: int, begin: float = 0.0) -> None:
    """Anneal from where the worker is, from a share `begin` of the cooling on; ends at the best of the walk."""
    from zonewright.solver.search.kernels.fill import anneal_filling

    costs = worker.board.open_nk[: worker.board.sites, stage]
    usual = float(np.median(costs[costs > 0]))
    worker.parameters[f"hottest and coldest for opening, {worker.board.stages[stage]}"] = (
        f"{HOT * usual:.6g} {COLD * usual:.6g}"
    )
    steps = 20_000
    worker.walk.heat_k[:] = 0.0
    while not span.over and not worker.shared.closed:
        share = begin + (1.0 - begin) * span.share
        worker.walk.heat_k[stage] = usual * HOT * (COLD / HOT) ** share
        power = FIRST_POWER + (LAST_POWER - FIRST_POWER) * share
        began = time.perf_counter()
        anneal_filling(worker.facts, worker.state, worker.options, worker.walk, steps, stage, power)
        seconds = time.perf_counter() - began
        worker.count_walk()
        worker.deadline.spend(steps * PROPOSAL_WORK)
        worker.propose("filling sites")
        if worker.deadline.work_limit is None:
            steps = int(min(max(steps * SLICE_S / max(seconds, 1e-6), steps / 4), steps * 4, 5_000_000)) + 1
    worker.back_to_best()
