"""What goes on when annealing has frozen: chains, searches over a few sites, reheating, noise on weights.

Engines are chosen by what they gained per second of late; each is tried again now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.search.engines.clock import Span, left
from zonewright.solver.search.engines.cooling import Ladder, run_strict, set_heat, straight
from zonewright.solver.search.engines.heat import Heats
from zonewright.solver.search.engines.relaxing import GOAL, first_price, run_relaxed
from zonewright.solver.search.engines.worker import Worker

#: Weight of an engine's latest gain against those before.
MEMORY = 0.3
#: Share of choices that are made at random.
CURIOUS = 0.15
#: Slices of an engine per choice.
SLICES = 4
#: A noisy weight is so many times the true one.
NOISE = 4
#: Share of what is left that noise and reheating take each time.
NOISE_SPAN, REHEAT_SPAN = 0.04, 0.2
#: With limits at a price reheating begins between these shares of the hottest temperature and ends at the third;
#: so much less may be in excess, and this share of the time is for what is finer.
LUKEWARM, WARM, COOL, LESS, FINE = 0.04, 0.3, 0.01, 0.1, 0.2


@dataclass
class Engine:
    """One way to improve, with what it gained per second of late."""

    name: str
    run: Callable[[], None]
    rate: float = float("inf")


class Improver:
    """The engines of one worker for one stage."""

    def __init__(self, worker: Worker, heats: Heats, stage: int, *, relaxed: bool = False) -> None:
        self.worker, self.heats, self.stage, self.relaxed = worker, heats, stage, relaxed
        item_x = worker.options.item_x
        self.engines = [
            Engine("chains", lambda: worker.rearrange(8, 4, 1, item_x)),
            Engine("tempted chains", lambda: worker.rearrange(12, 6, 6, item_x)),
        ]
        per_site = max(1, len(item_x) // max(1, worker.board.sites))
        for wanted, each, nodes in ((2, 32, 2_000), (3, min(10, per_site + 1), 1_000), (6, 5, 500), (10, 3, 300)):
            if wanted <= worker.board.sites:
                self.engines.append(self._near(wanted, each, nodes))

    def _near(self, wanted: int, each: int, nodes: int) -> Engine:
        return Engine(f"near {wanted} sites", lambda: self.worker.neighbourhoods(wanted, each, nodes))

    def improve(self, span: Span) -> None:
        """Run engines at a low temperature until the span is over; ends at the best of the walk."""
        worker = self.worker
        set_heat(worker, self.heats, self.stage, float(self.heats.cold_k[self.stage]))
        while not span.over and not worker.shared.closed:
            engine = self._choose()
            before = float(worker.walk.best_k[self.stage])
            began = time.perf_counter()
            work = worker.deadline.work_done
            for _ in range(SLICES):
                engine.run()
                if span.over:
                    break
            gain = before - float(worker.walk.best_k[self.stage])
            spent = worker.deadline.work_done - work
            if worker.deadline.work_limit is None:
                spent = time.perf_counter() - began
            rate = gain / max(spent, 1e-6)
            engine.rate = rate if engine.rate == float("inf") else MEMORY * rate + (1 - MEMORY) * engine.rate
            worker.stats[f"gain of {engine.name}"] += int(gain)
            if gain > 0:
                worker.propose(engine.name)
        worker.back_to_best()

    def _choose(self) -> Engine:
        fresh = [engine for engine in self.engines if engine.rate == float("inf")]
        if fresh:
            return fresh[0]
        if self.worker.chances.random() < CURIOUS:
            return self.engines[int(self.worker.chances.integers(len(self.engines)))]
        return max(self.engines, key=lambda engine: engine.rate)

    def reheat(self, ladder: Ladder) -> None:
        """Anneal again from a middle temperature; the best of all remains known."""
        worker = self.worker
        length = REHEAT_SPAN * left(worker.deadline)
        if self.relaxed:
            self._reheat_at_a_price(length)
        else:
            begin = float(worker.chances.uniform(0.35, 0.75))
            part = np.linspace(begin, 1.0, 32)
            again = Ladder((part - begin) / (1.0 - begin), np.array([ladder.at(share) for share in part]))
            run_strict(worker, Span(worker.deadline, length), self.heats, self.stage, again, priced=False)
        worker.propose("reheating")

    def _reheat_at_a_price(self, length: float) -> None:
        """Anneal with limits at a price, then below that within them."""
        worker = self.worker
        hot, cold = float(self.heats.hot_k[self.stage]), float(self.heats.cold_k[self.stage])
        begin = float(np.exp(worker.chances.uniform(np.log(LUKEWARM), np.log(WARM))))
        ladder = straight(begin * hot, COOL * hot)
        span = Span(worker.deadline, (1.0 - FINE) * length)
        first = first_price(int(worker.chances.integers(2)))
        run_relaxed(worker, span, self.heats, self.stage, ladder, first=first, goal=LESS * GOAL)
        fine = straight(COOL * hot, cold)
        run_strict(worker, Span(worker.deadline, FINE * length), self.heats, self.stage, fine, priced=False)

    def noise(self) -> None:
        """Let the load of the resource farthest above its bound weigh more for a while, then none."""
        worker = self.worker
        resource = self._farthest()
        if resource < 0:
            return
        weight_lr = worker.facts.weight_lr.copy()
        weight_lr[:, resource] *= NOISE
        noisy = replace(worker.facts, weight_lr=weight_lr)
        length = NOISE_SPAN * left(worker.deadline)
        cold, hot = float(self.heats.cold_k[self.stage]), float(self.heats.hot_k[self.stage])
        warm = (cold * cold * hot) ** (1 / 3)
        worker.facts_used = noisy
        worker.begin_at(worker.state.site_i, noisy)
        span = Span(worker.deadline, length)
        while not span.over:
            set_heat(worker, self.heats, self.stage, straight(warm, cold).at(span.share))
            worker.anneal()
        worker.facts_used = None
        worker.begin_at(worker.walk.best_i)
        run_strict(
            worker, Span(worker.deadline, length), self.heats, self.stage, straight(warm, cold), priced=False
        )
        worker.propose("noise")

    def _farthest(self) -> int:
        """Return the resource whose load costs most beyond what its total use makes unavoidable; -1: none does."""
        board, state = self.worker.board, self.worker.state
        sites = board.sites
        weight_r = board.safe_weight_lr[0]
        safe_sr = board.safe_nr[:sites].astype(np.float64)
        over_r = np.maximum(0.0, state.use_nr[:sites] - safe_sr).sum(axis=0)
        least_r = np.maximum(0.0, state.use_nr[:sites].sum(axis=0) - safe_sr.sum(axis=0))
        waste_r = weight_r * (over_r - least_r)
        order = np.argsort(-waste_r)[:3]
        order = order[waste_r[order] > 0]
        return int(order[self.worker.chances.integers(len(order))]) if len(order) else -1
