"""Bounds from packing patterns: what a site of each kind holds, chosen by a linear program.

The program wants every shape placed, and has a column for every pattern. Its multipliers price the shapes, and
tables find the pattern of each kind that earns most at these prices; what they all earn at most is a bound,
whichever prices they are (Gilmore and Gomory 1961; Lasdon 1970). Prices between the program's own and the best
ones so far settle sooner (Wentges 1997). Rounded to whole numbers they are the witness.
Axes: k shape, j kind, f family, p pattern, m stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zonewright.solver.rows import FREE, Matrix
from zonewright.solver.search.board import NO_LIMIT, Board, Ints
from zonewright.solver.search.bounds.frame import Floats, Frame
from zonewright.solver.search.bounds.packing import Packing, packing_of
from zonewright.solver.search.bounds.proof import Damaged, frame_from, rounded_up, whole_numbers
from zonewright.solver.search.bounds.tables import dense_rows, relaxed
from zonewright.solver.search.bounds.whole import FINEST, LARGEST

#: Share of the best prices in those that patterns are sought at.
CENTRE = 0.5
#: More than any price of a shape.
LARGEST_PRICE = 1 << 60


@dataclass(frozen=True)
class Rates:
    """Prices of shapes, and of the stages before; the stage's own is 1."""

    price_k: Floats
    lambda_m: Floats
    """Of all stages up to the one that is bounded."""


@dataclass
class Columns:
    """Patterns found so far."""

    kind_p: list[int] = field(default_factory=list)
    held_pk: list[Ints] = field(default_factory=list)
    known: set[tuple[int, bytes]] = field(default_factory=set)

    def add(self, kind: int, held_k: Ints) -> bool:
        """Add a pattern unless it is known."""
        key = (kind, held_k.tobytes())
        if key in self.known:
            return False
        self.known.add(key)
        self.kind_p.append(kind)
        self.held_pk.append(held_k)
        return True


class PatternSearch:
    """Patterns and prices that get better: `advance` makes one round, `best` is what the best prices prove."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.columns = Columns()
        self.best = -np.inf
        self.done = False
        self.best_rates = self._first_rates()
        self._take_kn = np.zeros((len(packing.count_k), packing.cells), np.int32)
        self._value_n = np.zeros(packing.cells)
        self._centre = CENTRE
        """How often the program takes each pattern, of those that it knew then."""
        self._sell(self.best_rates)

    def advance(self, time_left_s: float) -> float:
        """Solve the program and seek patterns at prices near its own; return what the best prices prove."""
        rates = self._solve(time_left_s)
        if rates is None:
            self.done = True
            return self.best
        centre = self._centre
        while True:
            mixed = Rates(
                centre * self.best_rates.price_k + (1 - centre) * rates.price_k,
                centre * self.best_rates.lambda_m + (1 - centre) * rates.lambda_m,
            )
            found = self._sell(mixed)
            if found or centre == 0.0:
                break
            centre = centre / 2 if centre > 0.1 else 0.0
        self._centre = min(CENTRE, max(centre, 0.1)) if found else 0.0
        self.done = not found
        return self.best

    def _first_rates(self) -> Rates:
        """Price shapes by their volume: what a unit of each resource costs where as little as can be is opened."""
        packing = self.packing
        axes = packing.room_jr.shape[1]
        total_r = packing.count_k @ packing.demand_kr
        matrix = dense_rows(packing.room_jr.T.astype(np.int64), total_r, np.full(axes, FREE), packing.sites_j)
        answer = relaxed(matrix, packing.open_jm[:, -1].astype(float), 10.0)
        price_r = np.maximum(answer.dual_i, 0.0) if answer.status == "optimal" else np.zeros(axes)
        return Rates(packing.demand_kr @ price_r, np.append(np.zeros(packing.frame.stage), 1.0))

    def _sell(self, rates: Rates) -> int:
        """Find the best pattern of every kind at the prices; return how many are new."""
        from zonewright.solver.sizing.pricing import fill, read

        packing = self.packing
        cost_j = packing.open_jm @ rates.lambda_m
        earned_j = np.zeros(len(cost_j))
        step_r = np.array([packing.size_r[1] * packing.size_r[2], packing.size_r[2], 1])
        cell_j = packing.room_jr @ step_r
        new = 0
        for f in range(len(packing.may_fk)):
            worth_k = np.where(packing.may_fk[f], rates.price_k - self._price(rates, f), 0.0)
            fill(worth_k, packing.most_k, packing.demand_kr, packing.size_r, self._value_n, self._take_kn)
            for j in np.flatnonzero(packing.family_j == f):
                earned_j[j] = self._value_n[cell_j[j]]
                held_k = np.zeros(len(packing.count_k), np.int64)
                read(int(cell_j[j]), self._take_kn, packing.demand_kr, packing.size_r, held_k)
                if held_k.any():
                    new += self.columns.add(int(j), np.minimum(held_k, packing.count_k))
        out_k = _out(packing, rates.lambda_m)
        value = float(np.minimum(rates.price_k, out_k) @ packing.count_k)
        value += float(np.minimum(0.0, cost_j - earned_j) @ packing.sites_j) + _constant(
            packing.frame, rates.lambda_m
        )
        if value > self.best:
            self.best, self.best_rates = value, rates
        return new

    def _price(self, rates: Rates, f: int) -> Floats:
        stage = self.packing.frame.board.price_stage
        weight = rates.lambda_m[stage] if 0 <= stage <= self.packing.frame.stage else 0.0
        return np.asarray(self.packing.price_fk[f] * weight, float)

    def _solve(self, time_left_s: float) -> Rates | None:
        """Solve the program over the patterns found so far."""
        packing = self.packing
        matrix, cost_x = program(packing, self.columns)
        answer = relaxed(matrix, cost_x, time_left_s)
        if answer.status != "optimal":
            return None
        shapes, before = len(packing.count_k), packing.frame.stage
        lambda_m = np.append(np.maximum(-answer.dual_i[-before:], 0.0), 1.0)
        return Rates(np.maximum(answer.dual_i[:shapes], 0.0), lambda_m)


def _out(packing: Packing, lambda_m: Any) -> Any:
    """Return what an item of each shape costs that is nowhere; more than any price where it may not be."""
    may_k = packing.out_km[:, 0] < NO_LIMIT
    return np.where(may_k, np.where(may_k[:, None], packing.out_km, 0) @ lambda_m, LARGEST_PRICE)


def _constant(frame: Frame, lambda_m: Any) -> Any:
    """Return the constants of the stages less the values that those before have, at their prices."""
    known = (*frame.before, 0)
    return sum(lambda_m[m].item() * (int(frame.board.constant_k[m]) - value) for m, value in enumerate(known))


def program(packing: Packing, columns: Columns) -> tuple[Matrix, Floats]:
    """Return the program over patterns: rows of shapes, kinds and stages before; columns of patterns and the rest.

    After the patterns come, per shape, what is nowhere, and what is missing at more than any real cost.
    """
    stage = packing.frame.stage
    shapes, kinds, patterns = len(packing.count_k), len(packing.sites_j), len(columns.kind_p)
    kind_p = np.array(columns.kind_p, np.int64)
    held_pk = np.stack(columns.held_pk) if patterns else np.zeros((0, shapes), np.int64)
    cost_pm = packing.open_jm[kind_p].astype(np.int64)
    priced_at = packing.frame.board.price_stage
    if 0 <= priced_at <= stage:
        cost_pm[:, priced_at] += (held_pk * packing.price_fk[packing.family_j[kind_p]]).sum(axis=1)
    out_km = np.where(packing.out_km < NO_LIMIT, packing.out_km, 0)
    may_k = packing.out_km[:, 0] < NO_LIMIT
    missing = 10.0 * max(
        1.0, float(packing.open_jm[:, stage].max(initial=0)), float(cost_pm[:, stage].max(initial=0))
    )
    eye = np.eye(shapes, dtype=np.int64)
    of_kind = np.zeros((kinds, patterns), np.int64)
    of_kind[kind_p, np.arange(patterns)] = 1
    left = np.block(
        [
            [held_pk.T, eye, eye],
            [of_kind, np.zeros((kinds, 2 * shapes), np.int64)],
            [cost_pm[:, :stage].T, out_km[:, :stage].T, np.zeros((stage, shapes), np.int64)],
        ]
    )
    known_m = np.array(packing.frame.before, np.int64) - packing.frame.board.constant_k[:stage]
    low = np.concatenate([packing.count_k, np.full(kinds + stage, -FREE)])
    high = np.concatenate([np.full(shapes, FREE), packing.sites_j, known_m])
    most_x = np.concatenate([packing.sites_j[kind_p], np.where(may_k, packing.count_k, 0), packing.count_k])
    cost_x = np.concatenate([cost_pm[:, stage], out_km[:, stage], np.full(shapes, missing)]).astype(float)
    return dense_rows(left, low, high, most_x), cost_x


def patterns_data(packing: Packing, rates: Rates) -> dict[str, Any]:
    """Return prices as whole numbers: a witness."""
    largest = max(1.0, float((packing.open_jm.astype(float) @ rates.lambda_m).max(initial=0.0)))
    total = float(rates.price_k @ packing.count_k) + largest * float(packing.sites_j.sum())
    total += float(rates.lambda_m @ (np.array([*packing.frame.before, 0], float) + 1.0))
    scale = FINEST
    while scale > 1 and total * scale > LARGEST / 16:
        scale //= 2

    def of(values: Floats) -> list[int]:
        return [int(v) for v in np.rint(values * scale)]

    return {
        "how": "patterns",
        "stage": packing.frame.stage,
        "before": list(packing.frame.before),
        "lambda": of(rates.lambda_m),
        "price": of(rates.price_k),
    }


def evaluate_patterns(board: Board, data: Mapping[str, Any]) -> int:
    """Return the bound that prices of shapes prove: by tables in whole numbers, one per family."""
    packing = packing_of(frame_from(board, data))
    if packing is None:
        raise Damaged("there is nothing to pack in this stage")
    return prove_patterns(packing, data)


def prove_patterns(packing: Packing, data: Mapping[str, Any]) -> int:
    """Return what `evaluate_patterns` does, for a packing that is known already."""
    frame, board = packing.frame, packing.frame.board
    price_k = whole_numbers(data, "price", len(packing.count_k))
    lambda_m = whole_numbers(data, "lambda", frame.stage + 1)
    if lambda_m[-1] < 1:
        raise Damaged("the stage has no price")
    _within_range(packing, price_k, lambda_m)
    cost_j, earned_j = packing.open_jm @ lambda_m, np.zeros(len(packing.sites_j), np.int64)
    priced_at = board.price_stage
    weight = int(lambda_m[priced_at]) if 0 <= priced_at <= frame.stage else 0
    for f in range(len(packing.may_fk)):
        worth_k = np.where(packing.may_fk[f], price_k - weight * packing.price_fk[f], 0)
        value = most_worth(worth_k, packing.most_k, packing.demand_kr, packing.size_r)
        own = np.flatnonzero(packing.family_j == f)
        earned_j[own] = value[tuple(packing.room_jr[own].T)]
    out_k = _out(packing, lambda_m)
    total = int((np.minimum(price_k, out_k) * packing.count_k).sum())
    total += int((np.minimum(0, cost_j - earned_j) * packing.sites_j).sum()) + _constant(frame, lambda_m)
    return rounded_up(board, frame.stage, total, int(lambda_m[-1]))


def _within_range(packing: Packing, price_k: Ints, lambda_m: Ints) -> None:
    top = float(lambda_m.max())
    cost = float((packing.open_jm.astype(float) @ lambda_m).max(initial=0.0)) + top * float(
        packing.price_fk.max(initial=0)
    )
    out_km = np.abs(np.where(packing.out_km < NO_LIMIT, packing.out_km, 0).astype(float))
    cost += float(out_km.sum(axis=1) @ packing.count_k) * top
    earned = float(price_k.astype(float) @ packing.count_k)
    if cost * packing.sites_j.sum() + 2 * earned * (1 + packing.sites_j.sum()) > LARGEST:
        raise Damaged("the prices are too large to be evaluated exactly")


def most_worth(worth_k: Ints, most_k: Ints, demand_kr: Ints, size_r: Ints) -> Ints:
    """Return the most worth that fits within every amount of room, in whole numbers."""
    value = np.zeros(size_r, np.int64)
    for k in np.flatnonzero((worth_k > 0) & (most_k > 0)):
        if not demand_kr[k].any():
            value += worth_k[k] * most_k[k]
            continue
        left, copies = int(most_k[k]), 1
        fits = int(((size_r - 1)[demand_kr[k] > 0] // demand_kr[k][demand_kr[k] > 0]).min())
        left = min(left, fits)
        while left > 0:
            # Copies in powers of two reach every number of them.
            bundle = min(copies, left)
            shift = demand_kr[k] * bundle
            rest = tuple(slice(0, int(n - d)) for n, d in zip(size_r, shift, strict=True))
            after = tuple(slice(int(d), None) for d in shift)
            value[after] = np.maximum(value[after], value[rest] + worth_k[k] * bundle)
            left -= bundle
            copies *= 2
    return value
