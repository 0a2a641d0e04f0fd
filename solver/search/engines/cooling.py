"""Annealing runs: along a ladder of temperatures, strictly within all limits or with limits at a price.

A pilot goes from hot to cold in a short time and tells where the value falls; a run spends its time where it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.search.board import Ints
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.heat import Heats, away_price, excess_weights
from zonewright.solver.search.engines.shared import better
from zonewright.solver.search.engines.worker import Worker
from zonewright.solver.search.options import Reals
from zonewright.solver.search.state import FAMILIES, make_state, without
from zonewright.solver.search.walk import CHANGED

_AWAY = FAMILIES["away"]

#: Steps in which the price of being away falls to nothing.
AWAY_STEPS = 24
#: Share of a run after which being away costs what it costs.
AWAY_UNTIL = 0.8
#: Share of a run after which the price of excess rises, and how many times it rises.
RISING, RISE = 0.6, 20.0
#: An item of mean demand in excess costs so many times a usual change.
EXCESS_PRICE = 4.0
#: Of a ladder's time this share is spread evenly over the logarithm of the temperature.
EVEN = 0.35
#: What everything but load and excess is taken to save at most by one move, in usual changes.
SLACK = 0.05


@dataclass(frozen=True)
class Ladder:
    """Temperatures of a stage by the share of time, the hottest first."""

    share_x: Reals
    heat_x: Reals

    def at(self, share: float) -> float:
        """Return the temperature at a share of the time."""
        return float(np.exp(np.interp(share, self.share_x, np.log(self.heat_x))))


def straight(hot: float, cold: float) -> Ladder:
    """Return the ladder on which the logarithm falls evenly."""
    return Ladder(np.array([0.0, 1.0]), np.array([hot, max(min(cold, hot), 1e-9)]))


def bent(heat_x: Reals, value_x: Reals) -> Ladder:
    """Return a ladder that spends its time where a pilot's values fell with the temperature.

    The density over the logarithm of the temperature is the root of the heat capacity, dE/dT: then the distance to
    equilibrium stays even (Salamon, Sibani and Frost: constant thermodynamic speed).
    """
    if len(heat_x) < 8:
        return straight(float(heat_x[0]), float(heat_x[-1])) if len(heat_x) else straight(1.0, 0.1)
    log_x = np.log(heat_x)
    grid_x = np.linspace(log_x[0], log_x[-1], 41)
    values = np.interp(-grid_x, -log_x, np.minimum.accumulate(value_x))
    fall_x = np.maximum(0.0, -np.diff(values)) / np.exp((grid_x[1:] + grid_x[:-1]) / 2)
    density_x = np.sqrt(fall_x)
    smooth_x = np.convolve(np.pad(density_x, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    total = float(smooth_x.sum())
    part_x = EVEN / 40 + ((1.0 - EVEN) * smooth_x / total if total > 0 else (1.0 - EVEN) / 40)
    return Ladder(np.concatenate([[0.0], np.cumsum(part_x)]) / part_x.sum(), np.exp(grid_x))


def set_heat(worker: Worker, heats: Heats, stage: int, heat: float) -> None:
    """Heat one stage; the stages before it keep what they have, those after it stay lukewarm."""
    for k in range(len(heats.hot_k)):
        worker.walk.heat_k[k] = 0.0 if k < stage else heat if k == stage else heats.cold_k[k]
    worker.walk.cool_k[:] = 1.0


@dataclass
class Trace:
    """What a run saw: temperature and value after every slice."""

    heat_x: list[float]
    value_x: list[float]

    def ladder(self) -> Ladder:
        """Return the ladder that follows from it."""
        return bent(np.array(self.heat_x), np.array(self.value_x))


def run_strict(
    worker: Worker, span: Span, heats: Heats, stage: int, ladder: Ladder, *, priced: bool = True
) -> Trace:
    """Anneal within all limits from where the worker is; ends at the best of the walk, which is offered."""
    trace = Trace([], [])
    price_i = away_price(worker.board) if priced else None
    rung = -1
    while not span.over and not worker.shared.closed:
        share = span.share
        if price_i is not None:
            wanted = int(share / AWAY_UNTIL * AWAY_STEPS)
            if wanted != rung:
                rung = wanted
                _reprice(worker, stage, price_i, max(0.0, 1.0 - share / AWAY_UNTIL) ** 2)
        set_heat(worker, heats, stage, ladder.at(share))
        worker.anneal()
        trace.heat_x.append(ladder.at(share))
        trace.value_x.append(float(worker.state.value_k[stage] - _added(worker, stage)))
    if worker.facts_used is not None:
        worker.facts_used = None
        worker.begin_at(worker.walk.best_i)
    worker.back_to_best()
    return trace


def _reprice(worker: Worker, stage: int, price_i: Ints, factor: float) -> None:
    """Let being away cost `factor` of a price more, in a stage; the walk goes on from where it is."""
    facts = worker.facts
    if factor > 0.0:
        away_ik = facts.away_ik.copy()
        away_ik[:, stage] += (price_i * factor).astype(np.int64)
        worker.facts_used = replace(facts, away_ik=away_ik, has=facts.has | _AWAY)
    else:
        worker.facts_used = None
    site_i = worker.state.site_i
    _keep(worker)
    worker.begin_at(site_i, worker.facts_used)


def _added(worker: Worker, stage: int) -> int:
    """Return what fictitious prices of being away add to a stage now."""
    if worker.facts_used is None:
        return 0
    away_i = (worker.state.site_i != worker.facts.home_i) & (worker.facts.home_i >= 0)
    return int((worker.facts_used.away_ik[away_i, stage] - worker.facts.away_ik[away_i, stage]).sum())


def _keep(worker: Worker) -> None:
    """Offer where the worker is, valued by its own facts, where it is better than what is known."""
    value_k = make_state(worker.facts, worker.state.site_i).value_k
    if worker.shared.value_k is None or better(value_k, worker.shared.value_k):
        worker.shared.propose(worker.state.site_i, value_k, "annealing")


def run_relaxed(worker: Worker, span: Span, heats: Heats, stage: int, ladder: Ladder) -> Trace:
    """Anneal with limits at a price that rises towards the end; ends at the best valid placement of the walk."""
    trace = Trace([], [])
    best_i = worker.walk.best_i.copy()
    worker.facts_used = without(worker.facts, "capacity")
    worker.begin_at(worker.state.site_i, worker.facts_used)
    worker.walk.best_i[:], worker.walk.best_k[:] = best_i, worker.shared.best()[1]
    changed = np.flatnonzero(worker.state.site_i != best_i)
    worker.walk.changed_i[changed] = True
    worker.walk.changed_x[: len(changed)] = changed
    worker.walk.tally_x[CHANGED] = len(changed)
    weight_r = excess_weights(worker.board)
    mean = float((worker.board.demand_ir * weight_r).mean()) if worker.board.items else 1.0
    usual = float(heats.hot_k[stage])
    price = EXCESS_PRICE * usual / max(mean, 1e-9)
    worker.parameters["price of excess per weighted unit"] = round(price, 3)
    while not span.over and not worker.shared.closed:
        share = span.share
        set_heat(worker, heats, stage, ladder.at(share))
        risen = price * RISE ** (max(0.0, share - RISING) / (1.0 - RISING))
        over = worker.anneal_relaxed(stage, risen, SLACK * usual, weight_r)
        trace.heat_x.append(ladder.at(share))
        trace.value_x.append(float(worker.state.value_k[stage]) + price * over)
    worker.facts_used = None
    worker.begin_at(worker.walk.best_i)
    return trace
