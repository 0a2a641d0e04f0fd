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
#: Share of choices that are made at random, every engine for the same time.
CURIOUS = 0.15
#: Slices of an engine of slices per choice, and about how long that takes.
SLICES, SLICES_S = 4, 0.2
#: A noisy weight is so many times the true one.
NOISE = 4
#: Share of what is left that noise takes each time, and reheating with limits at a price.
NOISE_SPAN, REHEAT_SPAN = 0.04, 0.2
#: Within limits reheating begins between these shares of the ladder, the coldest tried first,
REHEATS = ((0.85, 0.95), (0.75, 0.85), (0.55, 0.75), (0.35, 0.55))
#: and goes down so many times faster than the main run.
FASTER = 4.0
#: An engine that usually takes longer is not begun where there is only this share of the time.
TOO_SHORT = 0.5
#: Share of improving after which others are heard.
PAUSE = 0.08
#: With limits at a price reheating begins between these shares of the hottest temperature and ends at the third;
#: so much less may be in excess, and this share of the time is for what is finer.
LUKEWARM, WARM, COOL, LESS, FINE = 0.04, 0.3, 0.01, 0.1, 0.2


@dataclass
class Gained:
    """What an engine gained per second of late, and how long it usually takes."""

    rate: float = 0.0
    seconds: float = SLICES_S


#: That by the name of the engine, for all workers that work in the same way.
Gains = dict[str, Gained]


@dataclass(frozen=True)
class Engine:
    """One way to improve; `length` says how long it will take if it goes on by itself, None for slices."""

    name: str
    run: Callable[[], None]
    length: Callable[[], float] | None = None


class Improver:
    """The engines of one worker for one stage; `main` is how long the run took that followed the ladder."""

    def __init__(
        self,
        worker: Worker,
        heats: Heats,
        stage: int,
        ladder: Ladder,
        main: float,
        gains: Gains,
        *,
        relaxed: bool = False,
    ) -> None:
        self.worker, self.heats, self.stage = worker, heats, stage
        self.ladder, self.main, self.gains = ladder, main, gains
        item_x = worker.options.item_x
        self.engines = [
            Engine("chains", lambda: worker.rearrange(8, 4, 1, item_x)),
            Engine("tempted chains", lambda: worker.rearrange(12, 6, 6, item_x)),
        ]
        per_site = max(1, len(item_x) // max(1, worker.board.sites))
        for wanted, each, nodes in ((2, 32, 2_000), (3, min(10, per_site + 1), 1_000), (6, 5, 500), (10, 3, 300)):
            if wanted <= worker.board.sites:
                self.engines.append(self._near(wanted, each, nodes))
        if relaxed:
            again = Engine("reheating", self._reheat_at_a_price, lambda: REHEAT_SPAN * left(worker.deadline))
            self.engines.append(again)
        else:
            self.engines += [self._reheating(low, high) for low, high in REHEATS]
        self.engines.append(Engine("noise", self.noise, lambda: 2 * NOISE_SPAN * left(worker.deadline)))

    def _near(self, wanted: int, each: int, nodes: int) -> Engine:
        return Engine(f"near {wanted} sites", lambda: self.worker.neighbourhoods(wanted, each, nodes))

    def _reheating(self, low: float, high: float) -> Engine:
        length = (1.0 - (low + high) / 2) * self.main / FASTER
        return Engine(
            f"reheating to {low:g} of the ladder", lambda: self._reheat(low, high, length), lambda: length
        )

    def improve(self, span: Span, between: Callable[[], None]) -> None:
        """Run engines until the span is over; ends at the best of the walk. `between` is called now and then."""
        worker = self.worker
        heard = PAUSE
        cold = False
        while not span.over and not worker.shared.closed:
            if span.share >= heard:
                heard = span.share + PAUSE
                between()
                worker.adopt()
                cold = False
            engine = self.choose(span.length - span.used)
            if engine.length is not None:
                worker.adopt()
            elif not cold:
                set_heat(worker, self.heats, self.stage, float(self.heats.cold_k[self.stage]))
            cold = engine.length is None
            self._run(engine, span)
        worker.back_to_best()

    def _run(self, engine: Engine, span: Span) -> None:
        """Run an engine once and note what it gained."""
        worker = self.worker
        before = float(worker.walk.best_k[self.stage])
        began, work = time.perf_counter(), worker.deadline.work_done
        for _ in range(SLICES if engine.length is None else 1):
            engine.run()
            if span.over:
                break
        # Noise begins from a best of its own, which may be worse.
        gain = max(0.0, before - float(worker.walk.best_k[self.stage]))
        spent = worker.deadline.work_done - work
        if worker.deadline.work_limit is None:
            spent = time.perf_counter() - began
        gained = self.gains[engine.name]
        rate = gain / max(spent, 1e-6)
        gained.rate = rate if not gained.rate else MEMORY * rate + (1 - MEMORY) * gained.rate
        gained.seconds = max(spent, 1e-6)
        worker.stats[f"gain of {engine.name}"] += int(gain)
        # Also what gains in a stage before, and costs in this one.
        worker.propose(engine.name)
        if engine.length is not None:
            worker.adopt()

    def choose(self, rest: float) -> Engine:
        """Choose an engine for which there is time: one that was not tried yet, the best of late, or any."""
        timely = [one for one in self.engines if one.length is None or TOO_SHORT * one.length() <= rest]
        for engine in timely:
            if engine.name not in self.gains:
                # From now on another worker tries something else first.
                self.gains[engine.name] = Gained()
                return engine
        gains = [self.gains[one.name] for one in timely]
        if self.worker.chances.random() < CURIOUS:
            often = np.array([1.0 / gained.seconds for gained in gains])
            return timely[int(self.worker.chances.choice(len(timely), p=often / often.sum()))]
        return max(zip(timely, gains, strict=True), key=lambda pair: pair[1].rate)[0]

    def _reheat(self, low: float, high: float, length: float) -> None:
        """Anneal again from a temperature between two shares of the ladder."""
        begin = float(self.worker.chances.uniform(low, high))
        part = np.linspace(begin, 1.0, 32)
        again = Ladder((part - begin) / (1.0 - begin), np.array([self.ladder.at(share) for share in part]))
        span = Span(self.worker.deadline, length)
        run_strict(self.worker, span, self.heats, self.stage, again, prices=0.0)

    def _reheat_at_a_price(self) -> None:
        """Anneal with limits at a price, then below that within them."""
        worker = self.worker
        length = REHEAT_SPAN * left(worker.deadline)
        hot, cold = float(self.heats.hot_k[self.stage]), float(self.heats.cold_k[self.stage])
        begin = float(np.exp(worker.chances.uniform(np.log(LUKEWARM), np.log(WARM))))
        ladder = straight(begin * hot, COOL * hot)
        span = Span(worker.deadline, (1.0 - FINE) * length)
        first = first_price(int(worker.chances.integers(2)))
        run_relaxed(worker, span, self.heats, self.stage, ladder, first=first, goal=LESS * GOAL)
        fine = straight(COOL * hot, cold)
        run_strict(worker, Span(worker.deadline, FINE * length), self.heats, self.stage, fine, prices=0.0)

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
        run_strict(worker, Span(worker.deadline, length), self.heats, self.stage, straight(warm, cold), prices=0.0)

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
