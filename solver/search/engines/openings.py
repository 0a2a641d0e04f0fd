"""Choosing which sites to open by their amounts, then packing onto them."""

from __future__ import annotations

import numpy as np

from zonewright.solver.kernels import cache
from zonewright.solver.search.board import BROKEN, Ints
from zonewright.solver.search.bounds.opening import plan_by_opening
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.oracle import judge_board

#: So many placements that break a rule show that amounts say too little here.
MOST_BROKEN = 2


def run_opening(worker: Worker, span: Span, stage: int) -> None:
    """Offer placements on sites chosen by amounts, until the span is over or nothing cheaper can be chosen."""
    if not cache.ready(cache.PACKING, worker.deadline):
        return
    broken = 0

    def offer(site_i: Ints) -> None:
        nonlocal broken
        here_i = site_i.astype(np.int32)
        value_k = judge_board(worker.board, here_i).value_k
        broken += int(value_k[BROKEN] > 0)
        worker.shared.propose(here_i, value_k, "choosing sites")

    def enough() -> bool:
        return span.over or worker.shared.closed or broken >= MOST_BROKEN

    seed = int(worker.chances.integers(1 << 30))
    plan_by_opening(worker.board, stage, worker.deadline, seed=seed, news=offer, enough=enough)
