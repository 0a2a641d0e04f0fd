"""Short runs that tell how to anneal a stage: within limits or with limits at a price, and along which ladder."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from zonewright.solver.search.board import Places
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.cooling import Ladder, run_strict, straight
from zonewright.solver.search.engines.heat import Heats
from zonewright.solver.search.engines.relaxing import COLDEST, first_price, run_relaxed
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.state import FAMILIES

#: Share of what is left for each pilot.
PILOT = 0.035
#: Share of a run for what is finer than how use is spread, moving alone, until a pilot says more.
FINE = 0.25
#: A pilot is clearly better where it gains so much more, or where the other lacks so much more of the bound; else
#: some workers anneal in this way, some in that.
DECISIVE, LACKING = 0.05, 0.5
#: Limits are also annealed at a price where no more than this share of random moves keeps them.
CROWDED = 0.6
#: Share of what is left for which a worker waits for the others' pilots, the most seconds of that, and seconds
#: between two looks at the clock.
PATIENCE, MOST_PATIENCE_S, LOOK_S = 0.02, 5.0, 0.05


@dataclass(frozen=True)
class Course:
    """How a worker anneals a stage."""

    ladder: Ladder
    priced: bool = False
    """With limits at a price."""
    rate: float = 0.0
    """Then: how many proposals a second, or unit of work, allows."""


@dataclass(frozen=True)
class Piloted:
    """What one worker's pilots reached: values of the stages up to the one at hand, the most important first."""

    strict: tuple[float, ...]
    priced: tuple[float, ...]


class Pilots:
    """What the pilots of all workers reached in one stage."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._all: list[Piloted] = []
        self._told = threading.Condition()

    def run(self, worker: Worker, heats: Heats, stage: int, start_i: Places, length: float) -> Course:
        """Try both ways of annealing from `start_i`, where the worker is, each for a part of `length`."""
        before = float(worker.state.value_k[stage])
        each, hot = PILOT * length, float(heats.hot_k[stage])
        small, cold = float(heats.small_k[stage]), float(heats.cold_k[stage])
        trace = run_strict(worker, Span(worker.deadline, each), heats, stage, straight(hot, small))
        worker.propose("annealing")
        coarse = trace.ladder()
        bent = coarse.down_to(cold, FINE)
        if not worker.facts.has & FAMILIES["capacity"] or heats.possible > CROWDED:
            return _noted(worker, Course(bent))
        # What annealing within limits can do shows on its own ladder only.
        trace = run_strict(worker, Span(worker.deadline, each), heats, stage, bent, prices=bent.coarse)
        worker.propose("annealing")
        strict = tuple(worker.walk.best_k[: stage + 1].tolist())
        bound = worker.shared.bound_of(stage)
        if bound is not None:
            bent = coarse.down_to(cold, trace.fine(small, strict[-1] - bound))
        wide = straight(hot, COLDEST * hot)
        worker.begin_at(start_i)
        span, proposals = Span(worker.deadline, each), worker.stats["proposals"]
        trace = run_relaxed(worker, span, heats, stage, wide, first=first_price(worker.number))
        rate = (worker.stats["proposals"] - proposals) / max(span.used, 1e-9)
        worker.propose("annealing with limits at a price")
        # What is still in excess counts at its price: a long run has time to get rid of it.
        promise = min([float(worker.walk.best_k[stage]), *trace.value_x[-1:]])
        mine = Piloted(strict, (*worker.walk.best_k[:stage].tolist(), promise))
        text = f"{strict[-1]:.6g} strict, {promise:.6g} at a price"
        worker.parameters[f"pilots of worker {worker.number}"] = text
        if self.prefer_prices(self._tell(worker, mine, PATIENCE * length), before, bound, worker.number):
            return _noted(worker, Course(wide, priced=True, rate=rate))
        return _noted(worker, Course(bent))

    def _tell(self, worker: Worker, mine: Piloted, patience: float) -> list[Piloted]:
        """Add what a worker's pilots reached; return what those of all did, once all have told or for so long."""
        span, until = Span(worker.deadline, patience), time.monotonic() + MOST_PATIENCE_S
        with self._told:
            self._all.append(mine)
            self._told.notify_all()
            while len(self._all) < self.workers and not (span.over or worker.shared.closed):
                if time.monotonic() > until:  # Where work is limited, nobody may be left to do any.
                    break
                self._told.wait(LOOK_S)
            return list(self._all)

    def prefer_prices(self, piloted: list[Piloted], before: float, bound: float | None, number: int) -> bool:
        """Whether limits are to have a price for a worker of this number.

        The best pilots of either kind are compared: who breaks less, or is better in a stage before, is better.
        Where they say little some workers do this, some that. `before` is what the stage was worth at first.
        """
        strict, priced = min(one.strict for one in piloted), min(one.priced for one in piloted)
        if strict[:-1] != priced[:-1]:
            return priced < strict
        reached = min(strict[-1], priced[-1])
        clear = DECISIVE * max(before - reached, 0.0)
        if bound is not None:
            clear = min(clear, LACKING * max(reached - bound, 0.0))
        if self.workers == 1 or abs(strict[-1] - priced[-1]) > clear:
            return priced < strict
        return number % 2 == 1


def _noted(worker: Worker, course: Course) -> Course:
    marks = " ".join(f"{course.ladder.at(share):.4g}" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    worker.parameters[f"annealing of worker {worker.number}"] = "limits at a price" if course.priced else "strict"
    worker.parameters[f"temperatures of worker {worker.number} by quarters of the time"] = marks
    return course
