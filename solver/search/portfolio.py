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
from zonewright.solver.search.engines.cooling import run_strict
from zonewright.solver.search.engines.filling import opens, run_filling
from zonewright.solver.search.engines.first import first
from zonewright.solver.search.engines.heat import Heats, measure
from zonewright.solver.search.engines.improve import Gains, Improver
from zonewright.solver.search.engines.openings import run_opening
from zonewright.solver.search.engines.pilots import COOL, PRICED, Pilots
from zonewright.solver.search.engines.race import Race, run_races
from zonewright.solver.search.engines.shared import News, Shared, Sink
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import near_items, options_of
from zonewright.solver.search.state import facts_of

#: Share of what is left for the main annealing run.
MAIN = 0.8
#: Share of what is left for the main runs where limits have a price.
RACES = 0.75
#: With several stages, each that is not the last gets this share of what is left.
EARLIER = 0.4
#: Share of choosing sites by amounts, where nobody else fills them meanwhile.
ALONE = 0.5
#: Rounds of choosing sites by amounts, each from less heat.
ROUNDS = 6


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
        self._gains: dict[tuple[int, str], Gains] = {}
        self._pilots: dict[int, Pilots] = {}

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
            if worker.deadline.over:
                self._ready.set()
                return
            near_ix = near_items(worker.board, worker.state.room_nr)
            for one in self.team:
                one.options = replace(one.options, near_ix=near_ix)
            self._ready.set()
        else:
            self._ready.wait()
            if self._errors or worker.deadline.over:
                return
            worker.begin_at(worker.shared.best()[0])
        heats = measure(worker)
        wanted = [k for k in heats.stages if self.stages is None or k in self.stages]
        if not len(worker.options.item_x):  # Whoever is pinned goes home at most, and was sent there.
            wanted = []
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
        pilots = self._pilots.setdefault(stage, Pilots(len(self.team)))
        course = pilots.run(worker, heats, stage, start_i, length)
        ladder = course.ladder
        main = Span(worker.deadline, (RACES if course.way == PRICED else MAIN) * (length - whole.used))
        if course.way == PRICED:
            race = self._races.setdefault(stage, Race())
            run_races(worker, main, heats, stage, ladder, start_i, race, course.rate)
        elif course.way == COOL:
            worker.begin_at(start_i)
            run_strict(worker, main, heats, stage, ladder, prices=0.0)
            worker.propose("annealing, cool")
            heats = replace(heats, cold_k=heats.least_k)
        else:
            run_strict(worker, main, heats, stage, ladder, prices=ladder.coarse)
            worker.propose("annealing")
        gains = self._gains.setdefault((stage, course.way), {})
        improver = Improver(worker, heats, stage, ladder, main.used, gains, relaxed=course.way == PRICED)
        self._take_offer(worker)
        improver.improve(Span(worker.deadline, length - whole.used), lambda: self._take_offer(worker))

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
