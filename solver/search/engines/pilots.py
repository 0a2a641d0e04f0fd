"""Short runs that tell how to anneal a stage, and along which ladder.

From hot, where nothing is left of the start; cool, where most stay where they are, and use is spread by the few
who move; or with limits at a price.
"""

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


#: Ways of annealing: within limits from hot, within limits and cool, with limits at a price.
STRICT, COOL, PRICED = "strict", "cool", "limits at a price"
WAYS = (STRICT, COOL, PRICED)


@dataclass(frozen=True)
class Course:
    """How a worker anneals a stage."""

    ladder: Ladder
    way: str = STRICT
    rate: float = 0.0
    """With limits at a price: how many proposals a second, or unit of work, allows."""


#: What one worker's pilots reached, by way: values of the stages up to the one at hand, the most important first.
Piloted = dict[str, tuple[float, ...]]


class Pilots:
    """What the pilots of all workers reached in one stage."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._all: list[Piloted] = []
        self._told = threading.Condition()

    def run(self, worker: Worker, heats: Heats, stage: int, start_i: Places, length: float) -> Course:
        """Try every way of annealing from `start_i`, where the worker is, each for a part of `length`."""
        before = float(worker.state.value_k[stage])
        each, hot = PILOT * length, float(heats.hot_k[stage])
        small, least = float(heats.small_k[stage]), float(heats.least_k[stage])
        trace = run_strict(worker, Span(worker.deadline, each), heats, stage, straight(hot, small))
        worker.propose("annealing")
        coarse = trace.ladder()
        bent = coarse.down_to(least, FINE)
        # What annealing from hot can do shows on its own ladder only.
        trace = run_strict(worker, Span(worker.deadline, each), heats, stage, bent, prices=bent.coarse)
        worker.propose("annealing")
        mine = {STRICT: _reached(worker, stage)}
        bound = worker.shared.bound_of(stage)
        if bound is not None:
            bent = coarse.down_to(least, trace.fine(small, mine[STRICT][-1] - bound))
        courses = {STRICT: Course(bent)}
        worker.begin_at(start_i)
        finest = straight(small, least)
        trace = run_strict(worker, Span(worker.deadline, each), heats, stage, finest, prices=0.0)
        worker.propose("annealing, cool")
        mine[COOL], courses[COOL] = _reached(worker, stage), Course(trace.ladder(), COOL)
        if worker.facts.has & FAMILIES["capacity"] and heats.possible <= CROWDED:
            wide = straight(hot, COLDEST * hot)
            worker.begin_at(start_i)
            span, proposals = Span(worker.deadline, each), worker.stats["proposals"]
            trace = run_relaxed(worker, span, heats, stage, wide, first=first_price(worker.number))
            rate = (worker.stats["proposals"] - proposals) / max(span.used, 1e-9)
            worker.propose("annealing with limits at a price")
            # What is still in excess counts at its price: a long run has time to get rid of it.
            promise = min([float(worker.walk.best_k[stage]), *trace.value_x[-1:]])
            mine[PRICED], courses[PRICED] = (
                (*worker.walk.best_k[:stage].tolist(), promise),
                Course(wide, PRICED, rate),
            )
        text = ", ".join(f"{way} {values[-1]:.6g}" for way, values in mine.items())
        worker.parameters[f"pilots of worker {worker.number}"] = text
        way = self.choose(self._tell(worker, mine, PATIENCE * length), before, bound, worker.number)
        # Another worker may have tried what this one had no reason to.
        return _noted(worker, courses.get(way, courses[STRICT]))

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

    def choose(self, piloted: list[Piloted], before: float, bound: float | None, number: int) -> str:
        """Return in which way a worker of this number is to anneal.

        The best pilots of each way are compared: who breaks less, or is better in a stage before, is better. Where
        they say little some workers do this, some that. `before` is what the stage was worth at first.
        """
        best = {
            way: min(one[way] for one in piloted if way in one) for way in WAYS if any(way in p for p in piloted)
        }
        first, *others = sorted(best, key=lambda way: best[way])
        reached = best[first][-1]
        clear = DECISIVE * max(before - reached, 0.0)
        if bound is not None:
            clear = min(clear, LACKING * max(reached - bound, 0.0))
        near = [w for w in others if best[w][:-1] == best[first][:-1] and best[w][-1] - reached <= clear]
        good = sorted([first, *near][: self.workers], key=WAYS.index)
        return good[number % len(good)]


def _reached(worker: Worker, stage: int) -> tuple[float, ...]:
    """Return the values of the walk's best up to a stage."""
    values: list[float] = worker.walk.best_k[: stage + 1].tolist()
    return tuple(values)


def _noted(worker: Worker, course: Course) -> Course:
    marks = " ".join(f"{course.ladder.at(share):.4g}" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    worker.parameters[f"annealing of worker {worker.number}"] = course.way
    worker.parameters[f"temperatures of worker {worker.number} by quarters of the time"] = marks
    return course
