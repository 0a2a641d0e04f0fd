"""Annealing within all limits, along a ladder of temperatures.

A pilot goes from hot to cold in a short time and tells where the value falls; a run spends its time where it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.search.board import NO_LIMIT, Board, Bools, Ints
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.heat import Heats
from zonewright.solver.search.engines.shared import better
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import Reals
from zonewright.solver.search.state import FAMILIES

_AWAY = FAMILIES["away"]

#: Times that the prices of being away are adapted, and the share of their time after which there are none.
AWAY_STEPS, AWAY_UNTIL = 150, 0.95
#: After so many of them where the walk is is offered: that takes longer.
AWAY_KEPT = 8
#: So much of what is free of a resource is to be free of what is held at first, and at the end.
AWAY_ROOM, AWAY_ROOM_LAST = 0.45, 0.04
#: First, least and largest price of a held unit, in units of load.
AWAY_FIRST, AWAY_LEAST, AWAY_MOST = 2.0, 1e-4, 10.0
#: Each time it changes by this factor.
AWAY_CHANGE = 1.15
#: The least and the most of a run that is spent on what is finer than how use is spread.
FINE_LEAST, FINE_MOST = 0.08, 0.5
#: Of a ladder's time this share is spread evenly over the logarithm of the temperature.
EVEN = 0.35


@dataclass(frozen=True)
class Ladder:
    """Temperatures of a stage by the share of time, the hottest first."""

    share_x: Reals
    heat_x: Reals
    coarse: float = 1.0
    """Share of the time for how use is spread; the rest is for what is finer, such as what moving costs."""

    def at(self, share: float) -> float:
        """Return the temperature at a share of the time."""
        return float(np.exp(np.interp(share, self.share_x, np.log(self.heat_x))))

    def down(self, heat: float) -> float:
        """Return how far down a temperature is, on the logarithm: 0 at the hottest, 1 at the coldest."""
        hot, cold = float(self.heat_x[0]), float(self.heat_x[-1])
        return float(np.log(hot / heat) / np.log(hot / cold)) if cold < hot else 1.0

    def down_to(self, cold: float, share: float) -> Ladder:
        """Return the ladder that goes on to a colder temperature, evenly, in this share of the whole time."""
        coarse = 1.0 - share
        if cold >= float(self.heat_x[-1]):
            return replace(self, coarse=coarse)
        return Ladder(np.append(self.share_x * coarse, 1.0), np.append(self.heat_x, cold), coarse)


def straight(hot: float, cold: float) -> Ladder:
    """Return the ladder on which the logarithm falls evenly."""
    return Ladder(np.array([0.0, 1.0]), np.array([hot, max(min(cold, hot), 1e-9)]))


def bent(heat_x: Reals, value_x: Reals) -> Ladder:
    """Return a ladder that spends its time where a pilot's values fell with the temperature.

    The density over the logarithm of the temperature is the root of what the value fell there. Per temperature,
    which keeps the thermodynamic speed even (Salamon, Sibani and Frost), it would be too long too cold: a pilot is
    far from equilibrium, and what it still gains there are small items that find their place at any speed.
    """
    if len(heat_x) < 8:
        return straight(float(heat_x[0]), float(heat_x[-1])) if len(heat_x) else straight(1.0, 0.1)
    log_x = np.log(heat_x)
    grid_x = np.linspace(log_x[0], log_x[-1], 41)
    values = np.interp(-grid_x, -log_x, np.minimum.accumulate(value_x))
    density_x = np.sqrt(np.maximum(0.0, -np.diff(values)))
    smooth_x = np.convolve(np.pad(density_x, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    even_x = np.full(40, 1 / 40)
    total = float(smooth_x.sum())
    part_x = EVEN * even_x + (1.0 - EVEN) * (smooth_x / total if total > 0 else even_x)
    return Ladder(np.concatenate([[0.0], np.cumsum(part_x)]) / part_x.sum(), np.exp(grid_x))


def set_heat(worker: Worker, heats: Heats, stage: int, heat: float) -> None:
    """Heat one stage; the stages before it keep what they have, those after it stay lukewarm."""
    for k in range(len(heats.hot_k)):
        worker.walk.heat_k[k] = 0.0 if k < stage else heat if k == stage else heats.cold_k[k]


@dataclass
class Trace:
    """What a run saw: temperature and value after every slice."""

    heat_x: list[float]
    value_x: list[float]

    def ladder(self) -> Ladder:
        """Return the ladder that follows from it."""
        return bent(np.array(self.heat_x), np.array(self.value_x))

    def fine(self, heat: float, left: float) -> float:
        """Return what share of its time a run should spend below a temperature, with so much left to be gained.

        The root of what the value fell there, as a share of what is left, and of how far down the ladder that is:
        as the density of a bent ladder, with what is hot left aside.
        """
        above = [value for value, at in zip(self.value_x, self.heat_x, strict=True) if at > heat]
        if not above or len(above) == len(self.value_x):
            return FINE_LEAST
        fall = max(0.0, min(above) - min(self.value_x)) / max(left, 1e-9)
        part = 1.0 - straight(self.heat_x[0], self.heat_x[-1]).down(heat)
        return float(np.clip(np.sqrt(fall * part), FINE_LEAST, FINE_MOST))


class AwayPrices:
    """What room held at home costs, by resource: dearer while less is free than there should be by now.

    Items that have left home still hold room there. Small ones that gain nothing by it fill it up, and then nobody
    else can leave: at a price they stay, or go home.
    """

    def __init__(self, board: Board) -> None:
        limited_nr = board.limit_nr < NO_LIMIT
        level_n = np.repeat(np.arange(len(board.levels)), board.domains_l)
        self.counts_nr = board.holds_lr[level_n] & limited_nr
        self.limit_nr = np.where(self.counts_nr, np.maximum(board.limit_nr, 1), 1).astype(np.float64)
        self.held_r = self.counts_nr.any(axis=0)
        total_r = np.where(self.counts_nr, self.limit_nr, 0.0).sum(axis=0)
        used_r = board.demand_ir.sum(axis=0).astype(np.float64)
        self.free_r = np.where(self.held_r, np.clip(1.0 - used_r / np.maximum(total_r, 1.0), 0.0, 1.0), 0.0)
        weight_r = board.safe_weight_lr.sum(axis=0)
        self.unit = float(weight_r.sum()) / max(1, int(self.held_r.sum()))
        self.demand_ir = np.where(board.home_i[:, None] >= 0, board.demand_ir, 0)
        self.price_r: Reals = np.where(self.held_r, AWAY_FIRST * self.unit, 0.0)

    @property
    def useful(self) -> bool:
        """Whether anything is held, and load is what placements are compared by."""
        return bool(self.held_r.any()) and self.unit > 0.0

    def adapt(self, share: float, steps: int, room_nr: Ints) -> None:
        """Raise the prices of what is scarcer than it should be at a share of the run, and lower the others.

        `steps` is how many times that is due since it was done last.
        """
        part_nr = np.where(self.counts_nr, room_nr / self.limit_nr, 0.0)
        room_r = part_nr.sum(axis=0) / np.maximum(self.counts_nr.sum(axis=0), 1)
        goal_r = self.free_r * (AWAY_ROOM * max(0.0, 1.0 - share) + AWAY_ROOM_LAST)
        price_r = self.price_r * np.where(room_r < goal_r, AWAY_CHANGE, 1.0 / AWAY_CHANGE) ** steps
        self.price_r = np.clip(price_r, AWAY_LEAST * self.unit, AWAY_MOST * self.unit) * self.held_r

    def of_items(self) -> Ints:
        """Return what being away costs, by item."""
        price_i: Ints = (self.demand_ir @ self.price_r).astype(np.int64)
        return price_i


def run_strict(
    worker: Worker, span: Span, heats: Heats, stage: int, ladder: Ladder, *, prices: float = 1.0
) -> Trace:
    """Anneal within all limits from where the worker is; ends at the best of the walk, which is offered.

    In the first part of the span, of this share, being away may have a price: it spreads use, and must be gone
    before what moving really costs is looked at.
    """
    trace = Trace([], [])
    away = AwayPrices(worker.board)
    rung, kept = 0, 0
    while not span.over and not worker.shared.closed:
        share = span.share
        if prices > 0.0 and away.useful:
            part = min(1.0, share / prices)
            due = 1 + int(part * AWAY_STEPS)
            if due != rung:
                away.adapt(part, due - rung, worker.state.room_nr)
                if part >= AWAY_UNTIL or due - kept >= AWAY_KEPT:
                    kept = due
                    _keep(worker, stage)
                reprice(worker, stage, away.of_items() if part < AWAY_UNTIL else None)
                rung = due
        set_heat(worker, heats, stage, ladder.at(share))
        worker.anneal()
        trace.heat_x.append(ladder.at(share))
        trace.value_x.append(float(worker.state.value_k[stage] - _added(worker, stage)))
    if worker.facts_used is not None:
        worker.facts_used = None
        worker.begin_at(worker.walk.best_i)
    worker.back_to_best()
    return trace


def reprice(worker: Worker, stage: int, price_i: Ints | None) -> None:
    """Let being away cost so much more in a stage, None for nothing; the walk goes on from where it is."""
    facts, state = worker.facts, worker.state
    if price_i is None:
        if worker.facts_used is not None:
            worker.facts_used = None
            worker.begin_at(state.site_i)
        return
    if worker.facts_used is None:
        worker.facts_used = replace(facts, away_ik=facts.away_ik.copy(), has=facts.has | _AWAY)
        worker.begin_at(state.site_i, worker.facts_used)
        state = worker.state
    # Only what those who are away cost has changed, so nothing has to be counted anew.
    new_i = facts.away_ik[:, stage] + price_i
    change_i = np.where(_away(worker), new_i - worker.facts_used.away_ik[:, stage], 0)
    worker.facts_used.away_ik[:, stage] = new_i
    state.own_ik[:, stage] += change_i
    state.value_k[stage] += change_i.sum()
    worker.forget_best()


def _away(worker: Worker) -> Bools:
    """Return which items are not at their home."""
    away_i: Bools = (worker.state.site_i != worker.facts.home_i) & (worker.facts.home_i >= 0)
    return away_i


def _added(worker: Worker, stage: int) -> int:
    """Return what fictitious prices of being away add to a stage now."""
    if worker.facts_used is None:
        return 0
    away_i = _away(worker)
    return int((worker.facts_used.away_ik[away_i, stage] - worker.facts.away_ik[away_i, stage]).sum())


def _keep(worker: Worker, stage: int) -> None:
    """Offer where the worker is, at its true value, where it is better than what is known."""
    value_k = worker.state.value_k.copy()
    value_k[stage] -= _added(worker, stage)
    if worker.shared.value_k is None or better(value_k, worker.shared.value_k):
        worker.shared.propose(worker.state.site_i, value_k, "annealing")
