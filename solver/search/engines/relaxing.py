"""Annealing runs in which what is beyond limits has a price, by site and resource.

Where room is scarce valid placements lie apart: the way from one to the next leads over excess.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zonewright.solver.search.board import BROKEN, Ints, Places
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.cooling import Ladder, Trace, set_heat
from zonewright.solver.search.engines.first import mend, place_missing
from zonewright.solver.search.engines.heat import Heats
from zonewright.solver.search.engines.shared import better
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import Reals
from zonewright.solver.search.rooms import rooms_of
from zonewright.solver.search.state import without
from zonewright.solver.search.walk import CHANGED

#: An item of mean demand in excess costs so many usual changes at first, in runs where that is cheap and where it
#: is dear, and never more than the third.
CHEAP, DEAR, MOST = 0.24, 2.4, 160.0
#: So much of all demand may be in excess at first, and none when a ladder is this far down.
GOAL, NONE_BY = 0.005, 0.6
#: Prices change by these factors, so many times in a run.
DEARER, CHEAPER, STEPS = 1.15, 0.92, 600
#: A node's own factor on these, while it is in excess and there should be less, and while it is not; and the most.
STUBBORN, CALMER, MOST_TIMES = 1.1, 0.97, 100.0
#: Mending what is in excess at the end of a run takes at most this share of its length.
MENDING = 0.1
#: A run with limits at a price ends at this share of the hottest temperature.
COLDEST = 0.01
#: The share of a run at which it is compared with others, and from which on its values are averaged for that.
HALF_WAY, AROUND = 0.5, 0.45
#: What everything but load and excess is taken to save at most by one move, in usual changes.
SLACK = 0.05


class Prices:
    """What a unit beyond a limit costs, by node and resource.

    A resource is dearer while more of it is in excess than there should be by now. A node where it stays so gets
    dearer still by and by, and cheaper again afterwards: so what holds out there must give way in the end.
    """

    def __init__(self, worker: Worker, usual: float, price_nr: Reals, first: float, goal: float) -> None:
        board, self.goal = worker.board, goal
        mean_r = board.demand_ir.mean(axis=0) if board.items else np.ones(len(board.resources))
        usual_r = usual / np.where(mean_r > 0, mean_r, 1.0)
        self.first_r, self.most_r = first * usual_r, MOST * usual_r
        self.price_r: Reals = self.first_r.copy()
        self.total_r = board.demand_ir.sum(axis=0).astype(np.float64)
        self._share = 0.0
        room_nr = worker.state.room_nr
        self.limited_n = np.zeros(len(room_nr), bool)
        for level in worker.facts.cap_x.tolist():
            begin = int(worker.facts.base_l[level])
            self.limited_n[begin : begin + int(worker.facts.domains_l[level])] = True
        self.times_nr = np.ones(room_nr.shape)
        self.price_nr = price_nr
        price_nr[:] = self.price_r

    def adapt(self, share: float, down: float, warm: float, room_nr: Ints) -> None:
        """Raise and lower the prices towards an excess that falls to nothing as the temperature does.

        `share` is that of the time, `down` that of the ladder, from 0 at the hottest to 1 at the coldest, `warm`
        the temperature in usual changes: prices may fall with its root, so that excess stays within reach.
        """
        excess_nr = np.where(self.limited_n[:, None], np.maximum(0, -room_nr), 0)
        goal_r = self.goal * self.total_r * max(0.0, 1.0 - down / NONE_BY) ** 2
        steps = (share - self._share) * STEPS
        self._share = share
        over_r = excess_nr.sum(axis=0) > goal_r
        change_r = np.where(over_r, DEARER, CHEAPER) ** steps
        self.price_r = np.clip(self.price_r * change_r, self.first_r * np.sqrt(warm), self.most_r)
        change_nr = np.where(excess_nr > 0, np.where(over_r, STUBBORN, 1.0), CALMER) ** steps
        self.times_nr = np.clip(self.times_nr * change_nr, 1.0, MOST_TIMES)
        np.multiply(self.times_nr, self.price_r, out=self.price_nr)


def run_relaxed(
    worker: Worker,
    span: Span,
    heats: Heats,
    stage: int,
    ladder: Ladder,
    *,
    first: float = CHEAP,
    goal: float = GOAL,
    race: Callable[[float], bool] | None = None,
) -> Trace:
    """Anneal with limits at a price; ends at the best valid placement that the walk saw or that mending makes.

    `first` is the price of an item of mean demand in excess at first, in usual changes, `goal` how much of all
    demand may be then. `race` is asked half-way, with the mean value around there, whether to go on.
    """
    trace = Trace([], [])
    best_i, best_k = worker.walk.best_i.copy(), worker.walk.best_k.copy()
    worker.facts_used = without(worker.facts, "capacity")
    worker.begin_at(worker.state.site_i, worker.facts_used)
    _know_best(worker, best_i, best_k)
    usual = float(heats.hot_k[stage])
    rooms = rooms_of(worker.facts, worker.state, stage)
    prices = Prices(worker, usual, rooms.price_nr, first, goal)
    around: list[float] = []
    given_up = False
    while not (span.over or given_up or worker.shared.closed):
        share = span.share
        heat = ladder.at(share)
        set_heat(worker, heats, stage, heat)
        prices.adapt(share, ladder.down(heat), heat / usual, worker.state.room_nr)
        over = worker.anneal_relaxed(stage, SLACK * usual, rooms)
        trace.heat_x.append(heat)
        trace.value_x.append(float(worker.state.value_k[stage]) + over)
        if race is not None and share >= AROUND:
            around.append(trace.value_x[-1])
            if share >= HALF_WAY:
                given_up = not race(sum(around) / len(around))
                race = None
    worker.facts_used = None
    if given_up:
        worker.begin_at(worker.walk.best_i)
    else:
        _end_valid(worker, Span(worker.deadline, MENDING * span.length))
    return trace


def first_price(number: int) -> float:
    """Return the first price of a run with a number: which is better is not known before, so they take turns."""
    return DEAR if number % 2 else CHEAP


def _know_best(worker: Worker, best_i: Places, best_k: Ints) -> None:
    """Let the walk remember a placement from before as its best."""
    worker.walk.best_i[:], worker.walk.best_k[:] = best_i, best_k
    changed = np.flatnonzero(worker.state.site_i != best_i)
    worker.walk.changed_i[changed] = True
    worker.walk.changed_x[: len(changed)] = changed
    worker.walk.tally_x[CHANGED] = len(changed)


def _end_valid(worker: Worker, span: Span) -> None:
    """Mend where a run with limits at a price has ended, and go on from there if that is better than its best."""
    best_i, best_k = worker.walk.best_i.copy(), worker.walk.best_k.copy()
    worker.begin_at(worker.state.site_i)
    if int(worker.state.value_k[BROKEN]) > 0:
        mend(worker, span)
        place_missing(worker, span)
    worker.back_to_best()
    if better(best_k, worker.walk.best_k):
        worker.begin_at(best_i)
