"""Search on a board: a first placement, annealing, then engines chosen by what they gain, by one or more workers.

Workers are threads; kernels run without the interpreter's lock. They share the best placement, judged by the
oracle. One worker with a work limit always does the same.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board, Ints, Places
from zonewright.solver.search.engines.clock import Span, left
from zonewright.solver.search.engines.cooling import Ladder, run_strict, straight
from zonewright.solver.search.engines.filling import opens, run_filling
from zonewright.solver.search.engines.first import first
from zonewright.solver.search.engines.heat import Heats, measure
from zonewright.solver.search.engines.improve import Gains, Improver
from zonewright.solver.search.engines.openings import run_opening
from zonewright.solver.search.engines.race import Race, run_races
from zonewright.solver.search.engines.relaxing import COLDEST, first_price, run_relaxed
from zonewright.solver.search.engines.shared import News, Shared, Sink
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import near_items, options_of
from zonewright.solver.search.state import FAMILIES, facts_of

#: Share of what is left for each pilot, and for the main annealing run.
PILOT, MAIN = 0.035, 0.8
#: Share of the main run for what is finer than how use is spread, moving alone, until a pilot says more.
FINE = 0.15
#: A pilot is clearly better where it gains so much more, or where the other lacks so much more of the bound; else
#: some workers anneal in this way, some in that.
DECISIVE, LACKING = 0.05, 0.5
#: Share of what is left for which a worker waits for the others' pilots, and seconds between two looks.
PATIENCE, LOOK_S = 0.02, 0.05
#: Share of what is left for the main runs where limits have a price.
RACES = 0.75
#: With several stages, each that is not the last gets this share of what is left.
EARLIER = 0.4
#: Share of choosing sites by amounts, where nobody else fills them meanwhile.
ALONE = 0.5
#: Rounds of choosing sites by amounts, each from less heat.
ROUNDS = 6
#: Limits are also annealed at a price where no more than this share of random moves keeps them.
CROWDED = 0.6


@dataclass(frozen=True)
class Found:
    """What a search found."""

    site_i: Places
    value_k: Ints
    stats: dict[str, int | float] = field(default_factory=dict)
    """`proposals`, `priced`, `accepted`, `seconds` and what each engine did and gained."""
    parameters: dict[str, int | float | str] = field(default_factory=dict)
    """Every number that was derived from the board."""


def search(
    board: Board,
    start: Places | None,
    deadline: Deadline,
    *,
    workers: int = 1,
    seed: int = 0,
    news: News | None = None,
    bound: Callable[[], Sequence[int | None]] | None = None,
    found: Sink | None = None,
    offer: Callable[[], Places | None] | None = None,
    stages: Sequence[int] | None = None,
) -> Found:
    """Search until the deadline or until every stage has reached its bound.

    `start` is where to begin (`board.sites` is nowhere), None for where everybody is today. `found` is called with
    every better placement, judged by the oracle; `offer` is asked now and then for one of another engine. With
    `stages` only these are worked on, the others never made worse.
    """
    shared = Shared(board, news or (lambda _message, _values: None), found, bound)
    facts, options = facts_of(board), options_of(board)
    team = [Worker(board, facts, options, shared, deadline, seed, number) for number in range(max(1, workers))]
    plan = _Plan(team, start, offer, None if stages is None else list(stages))
    begun = deadline.seconds
    if len(team) == 1:
        plan.work(team[0])
    else:
        plan.work_together()
    site_i, value_k = shared.best()
    stats: Counter[str] = Counter()
    parameters: dict[str, int | float | str] = {}
    for worker in reversed(team):
        stats.update(worker.stats)
        parameters.update(worker.parameters)
    numbers: dict[str, int | float] = {"proposals": 0, "priced": 0, "accepted": 0, **stats}
    numbers["seconds"] = round(deadline.seconds - begun, 3)
    numbers["mismatches"] = shared.mismatches
    return Found(site_i, value_k, numbers, parameters)


@dataclass(frozen=True)
class _Piloted:
    """What one worker's pilots reached in a stage: within limits, and with limits at a price."""

    strict: tuple[float, ...]
    priced: tuple[float, ...]
    """Values of the stages up to this one: who breaks less, or is better in a stage before, is the better one."""


class _Plan:
    """Who does what when."""

    def __init__(
        self,
        team: list[Worker],
        start: Places | None,
        offer: Callable[[], Places | None] | None,
        stages: list[int] | None,
    ) -> None:
        self.team, self.start, self.stages = team, start, stages
        self._offer = offer
        self._errors: list[BaseException] = []
        self._ready = threading.Event()
        self._races: dict[int, Race] = {}
        self._gains: dict[tuple[int, bool], Gains] = {}
        self._piloted: dict[int, list[_Piloted]] = {}
        self._news = threading.Condition()

    def work_together(self) -> None:
        """Run all workers, each in a thread; raises what one of them raised."""
        threads = [threading.Thread(target=self._guarded, args=(worker,), daemon=True) for worker in self.team]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _guarded(self, worker: Worker) -> None:
        try:
            self.work(worker)
        except BaseException as error:
            self._errors.append(error)
            worker.deadline.stop.set()
        finally:
            self._ready.set()

    def work(self, worker: Worker) -> None:
        """Do one worker's part."""
        if worker.number == 0:
            first(worker, self.start)
            near_ix = near_items(worker.board, worker.state.room_nr)
            for one in self.team:
                one.options = replace(one.options, near_ix=near_ix)
            self._ready.set()
        else:
            self._ready.wait()
            if self._errors:
                return
            worker.begin_at(worker.shared.best()[0])
        heats = measure(worker)
        wanted = [k for k in heats.stages if self.stages is None or k in self.stages]
        _note_heats(worker, heats)
        for position, stage in enumerate(wanted):
            if _at_zero(worker, stage):
                continue
            last = position == len(wanted) - 1
            share = 1.0 if last else EARLIER
            self._stage(worker, heats, stage, share * left(worker.deadline))
        if not wanted:
            self._take_offer(worker)

    def _stage(self, worker: Worker, heats: Heats, stage: int, length: float) -> None:
        """Work on one stage for so long."""
        whole = Span(worker.deadline, length)
        worker.adopt()
        if opens(worker.board, stage):
            self._filling(worker, whole, stage)
            return
        start_i = worker.state.site_i.copy()
        relaxed, ladder, rate = self._pilots(worker, heats, stage, start_i, length)
        main = Span(worker.deadline, (RACES if relaxed else MAIN) * (length - whole.used))
        if relaxed:
            run_races(worker, main, heats, stage, ladder, start_i, self._race(stage), rate)
        else:
            run_strict(worker, main, heats, stage, ladder, prices=ladder.coarse)
            worker.propose("annealing")
        gains = self._gains.setdefault((stage, relaxed), {})
        improver = Improver(worker, heats, stage, ladder, main.used, gains, relaxed=relaxed)
        self._take_offer(worker)
        improver.improve(Span(worker.deadline, length - whole.used), lambda: self._take_offer(worker))

    def _race(self, stage: int) -> Race:
        """Return the race of a stage, the same for all workers."""
        return self._races.setdefault(stage, Race())

    def _filling(self, worker: Worker, whole: Span, stage: int) -> None:
        """Work on a stage in which opening sites costs something: again and again, each time from less heat."""
        if worker.number == len(self.team) - 1:
            alone = len(self.team) == 1
            run_opening(worker, Span(worker.deadline, ALONE * whole.length) if alone else whole, stage)
            worker.adopt()
        for number in range(ROUNDS):
            rest = whole.length - whole.used
            begin = 0.0 if number == 0 else float(worker.chances.uniform(0.2, 0.6))
            run_filling(
                worker,
                Span(worker.deadline, rest * (MAIN if number == 0 else 1 / (ROUNDS - number))),
                stage,
                begin,
            )
            if whole.over or worker.shared.closed:
                return
            self._take_offer(worker)
            worker.adopt()

    def _pilots(
        self, worker: Worker, heats: Heats, stage: int, start_i: Places, length: float
    ) -> tuple[bool, Ladder, float]:
        """Try both ways of annealing for a short time, from `start_i`, where the worker is.

        Returns whether limits are to have a price, the ladder, and how many proposals a second (or unit of work)
        allows.
        """
        before, hot = float(worker.state.value_k[stage]), float(heats.hot_k[stage])
        small, cold = float(heats.small_k[stage]), float(heats.cold_k[stage])
        cooling = straight(hot, small)
        strict = run_strict(worker, Span(worker.deadline, PILOT * length), heats, stage, cooling)
        worker.propose("annealing")
        coarse = strict.ladder()
        bent = coarse.down_to(cold, FINE)
        if not worker.facts.has & FAMILIES["capacity"] or heats.possible > CROWDED:
            return False, _noted(worker, bent, "strict"), 0.0
        # What annealing within limits can do shows on its own ladder only.
        again = run_strict(worker, Span(worker.deadline, PILOT * length), heats, stage, bent, prices=bent.coarse)
        worker.propose("annealing")
        strict_k = worker.walk.best_k.copy()
        bound = worker.shared.bound_of(stage)
        if bound is not None:
            bent = coarse.down_to(cold, again.fine(small, float(strict_k[stage]) - bound))
        wide = straight(hot, COLDEST * hot)
        worker.begin_at(start_i)
        span, proposals = Span(worker.deadline, PILOT * length), worker.stats["proposals"]
        relaxed = run_relaxed(worker, span, heats, stage, wide, first=first_price(worker.number))
        rate = (worker.stats["proposals"] - proposals) / max(span.used, 1e-9)
        worker.propose("annealing with limits at a price")
        reached = float(strict_k[stage])
        # What is still in excess counts at its price: a long run has time to get rid of it.
        promise = min([float(worker.walk.best_k[stage]), *relaxed.value_x[-1:]])
        worker.parameters[f"pilots of worker {worker.number}"] = f"{reached:.6g} strict, {promise:.6g} at a price"
        mine = _Piloted((*strict_k[:stage], reached), (*worker.walk.best_k[:stage], promise))
        if self._prefers_prices(
            worker, stage, self._pilots_of_all(worker, stage, mine, PATIENCE * length), before
        ):
            return True, _noted(worker, wide, "limits at a price"), rate
        return False, _noted(worker, bent, "strict"), rate

    def _pilots_of_all(self, worker: Worker, stage: int, mine: _Piloted, patience: float) -> list[_Piloted]:
        """Tell what a worker's pilots reached; return what those of all did, once all have told or for so long."""
        with self._news:
            found = self._piloted.setdefault(stage, [])
            found.append(mine)
            self._news.notify_all()
            if len(self.team) > 1:
                span = Span(worker.deadline, patience)
                while len(found) < len(self.team) and not span.over and not self._errors:
                    self._news.wait(LOOK_S)
            return list(found)

    def _prefers_prices(self, worker: Worker, stage: int, piloted: list[_Piloted], before: float) -> bool:
        """Whether limits are to have a price, from what the pilots reached; where that says little both are."""
        best_strict, best_priced = min(one.strict for one in piloted), min(one.priced for one in piloted)
        if best_strict[:-1] != best_priced[:-1]:
            return best_priced < best_strict
        strict, priced = best_strict[-1], best_priced[-1]
        reached = min(strict, priced)
        clear = DECISIVE * max(before - reached, 0.0)
        bound = worker.shared.bound_of(stage)
        if bound is not None:
            clear = min(clear, LACKING * max(reached - bound, 0.0))
        if len(self.team) == 1 or abs(strict - priced) > clear:
            return priced < strict
        return worker.number % 2 == 1

    def _take_offer(self, worker: Worker) -> None:
        if self._offer is None or worker.number:
            return
        site_i = self._offer()
        if site_i is not None and worker.shared.propose(np.asarray(site_i, np.int32), None, "taken over"):
            worker.adopt()


def _at_zero(worker: Worker, stage: int) -> bool:
    """Whether a stage costs nothing now and can never cost less."""
    board = worker.board
    costs = (board.out_ik[:, stage], board.away_ik[:, stage], board.open_nk[:, stage], board.constant_k[[stage]])
    least = min(int(cost.min(initial=0)) for cost in costs)
    if board.price_stage == stage:
        least = min(least, int(board.price_vq.min(initial=0)), int(board.home_price_i.min(initial=0)))
    return least >= 0 and int(worker.shared.best()[1][stage]) == 0


def _note_heats(worker: Worker, heats: Heats) -> None:
    if worker.number:
        return
    worker.parameters["share of moves that break nothing"] = round(heats.possible, 4)
    for k in heats.stages:
        name = worker.board.stages[k]
        worker.parameters[f"hottest and coldest for {name}"] = f"{heats.hot_k[k]:.6g} {heats.cold_k[k]:.6g}"


def _noted(worker: Worker, ladder: Ladder, kind: str) -> Ladder:
    marks = " ".join(f"{ladder.at(share):.4g}" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    worker.parameters[f"annealing of worker {worker.number}"] = kind
    worker.parameters[f"temperatures of worker {worker.number} by quarters of the time"] = marks
    return ladder
