"""How many sites of each kind to open, by amounts and by what each kind can hold: bounds in whole sites.

Whatever weights the shapes are given, what is opened holds at most the weight of each kind's heaviest pattern, and
must hold the weight of all. The amounts of resources are such weights; others are found by asking whether the
patterns could hold everything on what an integer program would open, each taken in parts. Where they cannot, the
multipliers are weights by which too little is opened: a row more, and the program opens something else (Benders
1962).
Axes: k shape, j kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import FREE, Matrix
from zonewright.solver.search.board import NO_LIMIT, Board, Ints
from zonewright.solver.search.bounds.frame import Floats
from zonewright.solver.search.bounds.opening import EVALUATE_S, SOLVE_S, least_price
from zonewright.solver.search.bounds.packing import Packing, packing_of
from zonewright.solver.search.bounds.patterns import Columns, most_worth
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, frame_from, rounded_up, whole_numbers
from zonewright.solver.search.bounds.tables import dense_rows, relaxed

#: Weights are whole numbers up to this.
LARGEST_WEIGHT = 20_000
#: Rows and patterns at most.
MOST_ROWS, MOST_PATTERNS = 400, 30_000
#: A row is taken at once where it misses so much of what the patterns miss.
CLEAR = 0.5


@dataclass(frozen=True)
class Row:
    """Weights of shapes, the most weight that each kind holds, and the weight of everything."""

    weight_k: Ints
    most_j: Ints
    need: int


def row_of(packing: Packing, weight_k: Ints) -> Row:
    """Return the row that weights give: of kinds with several sorts of reach, each by its own."""
    most_j = np.zeros(len(packing.sites_j), np.int64)
    for f in range(len(packing.may_fk)):
        own = np.flatnonzero(packing.family_j == f)
        worth_k = np.where(packing.may_fk[f], weight_k, 0)
        value = most_worth(worth_k, packing.most_k, packing.demand_kr, packing.size_r)
        most_j[own] = value[tuple(packing.room_jr[own].T)]
    return Row(weight_k, most_j, int(weight_k @ must_place(packing)))


def must_place(packing: Packing) -> Ints:
    """Return how many of each shape cannot be nowhere."""
    return np.where(packing.out_km[:, 0] < NO_LIMIT, 0, packing.count_k)


class CutSearch:
    """Rows that get more: `advance` makes a round, `proof` is the best bound so far."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.rows = [row_of(packing, weight_k) for weight_k in packing.demand_kr.T if weight_k.any()]
        self.given = len(self.rows)
        self.done = not self.rows
        self.proof: BoundProof | None = None
        self._columns = Columns()
        self._opened_j: Ints | None = None
        self._take_kn = np.zeros((len(packing.count_k), packing.cells), np.int32)
        self._value_n = np.zeros(packing.cells)

    def advance(self) -> None:
        """Open anew, or seek patterns or a row for what is opened."""
        if self._opened_j is None:
            self._open()
            return
        missing, weight_k = self._missing(self._opened_j)
        if missing <= 1e-6:
            self.done = True
            return
        lacking, new = self._price(weight_k, self._opened_j)
        if (lacking > CLEAR * missing or not new) and self._add_row(weight_k, self._opened_j):
            self._opened_j = None
            return
        self.done = not new or len(self._columns.kind_p) > MOST_PATTERNS

    def _open(self) -> None:
        from zonewright.solver.cpsat import Model

        packing = self.packing
        deadline = Deadline(SOLVE_S)
        cost_j = packing.open_jm[:, -1]
        unit = max(1, int(np.gcd.reduce(cost_j)))
        terms = {j: int(cost) // unit for j, cost in enumerate(cost_j) if cost}
        answer = Model(_matrix(packing, self.rows)).minimize(terms, deadline, seconds=SOLVE_S, workers=1, seed=0)
        if answer.x_j is None or answer.bound is None:
            self.done = True
            return
        frame = packing.frame
        total = answer.bound * unit + least_price(frame) + int(frame.board.constant_k[frame.stage])
        bound = rounded_up(frame.board, frame.stage, total, 1)
        if self.proof is None or bound > self.proof.bound:
            weights = [row.weight_k.tolist() for row in self.rows[self.given :]]
            data = {"how": "holds", "stage": frame.stage, "before": list(frame.before), "bound": bound}
            self.proof = BoundProof(frame.stage, bound, "holds", data | {"weights": weights})
        self._opened_j = answer.x_j
        self.done = answer.status != "optimal" or len(self.rows) > MOST_ROWS

    def _missing(self, opened_j: Ints) -> tuple[float, Floats]:
        """Return what patterns on the opened sites miss at least, taken in parts, and the weights that say so."""
        packing, columns = self.packing, self._columns
        shapes, kinds = len(packing.count_k), len(packing.sites_j)
        used = [p for p, j in enumerate(columns.kind_p) if opened_j[j] > 0]
        left = np.zeros((shapes + kinds, len(used) + shapes), np.int64)
        for x, p in enumerate(used):
            left[:shapes, x] = columns.held_pk[p]
            left[shapes + columns.kind_p[p], x] = 1
        left[:shapes, len(used) :] = np.eye(shapes, dtype=np.int64)
        must_k = must_place(packing)
        low = np.concatenate([must_k, np.full(kinds, -FREE)])
        high = np.concatenate([np.full(shapes, FREE), opened_j])
        most = np.concatenate([opened_j[[columns.kind_p[p] for p in used]], must_k]).astype(np.int64)
        total_r = np.maximum(must_k @ packing.demand_kr, 1)
        size_k = 1000.0 * (packing.demand_kr / total_r).sum(axis=1)
        cost_x = np.concatenate([np.zeros(len(used)), size_k])
        answer = relaxed(dense_rows(left, low, high, most), cost_x, SOLVE_S)
        if answer.status != "optimal":
            return 0.0, np.zeros(shapes)
        return float(cost_x @ answer.x_j), np.maximum(answer.dual_i[:shapes], 0.0)

    def _price(self, weight_k: Floats, opened_j: Ints) -> tuple[float, int]:
        """Find the heaviest pattern of every kind; return what the opened ones lack, and how many are new."""
        from zonewright.solver.sizing.pricing import fill, read

        packing = self.packing
        size_r = packing.size_r
        cell_j = packing.room_jr @ np.array([size_r[1] * size_r[2], size_r[2], 1])
        held, new = 0.0, 0
        for f in range(len(packing.may_fk)):
            worth_k = np.where(packing.may_fk[f], weight_k, 0.0)
            fill(worth_k, packing.most_k, packing.demand_kr, size_r, self._value_n, self._take_kn)
            for j in np.flatnonzero((packing.family_j == f) & (opened_j > 0)):
                held += float(self._value_n[cell_j[j]]) * int(opened_j[j])
                held_k = np.zeros(len(weight_k), np.int64)
                read(int(cell_j[j]), self._take_kn, packing.demand_kr, size_r, held_k)
                new += self._columns.add(int(j), np.minimum(held_k, packing.count_k))
        return float(weight_k @ must_place(packing)) - held, new

    def _add_row(self, weight_k: Floats, opened_j: Ints) -> bool:
        """Add the row of the weights where the opened sites break it; return whether they do."""
        top = float(weight_k.max(initial=0.0))
        if top <= 0:
            return False
        row = row_of(self.packing, np.rint(weight_k / top * LARGEST_WEIGHT).astype(np.int64))
        broken = int(row.most_j @ opened_j) < row.need
        if broken:
            self.rows.append(row)
        return broken


def _matrix(packing: Packing, rows: list[Row]) -> Matrix:
    left = np.stack([row.most_j for row in rows])
    low = np.array([row.need for row in rows], np.int64)
    return dense_rows(left, low, np.full(len(rows), FREE), packing.sites_j)


def evaluate_holds(board: Board, data: Mapping[str, Any], deadline: Deadline | None = None) -> int:
    """Return the bound that a witness claims, once nothing cheaper holds all weights; raises Damaged elsewhere."""
    from zonewright.solver.cpsat import Model

    packing = packing_of(frame_from(board, data))
    weights, bound = data.get("weights"), data.get("bound")
    if packing is None or type(bound) is not int or abs(bound) >= NO_LIMIT:
        raise Damaged("nothing to open, or no bound")
    if not isinstance(weights, list) or len(weights) > MOST_ROWS:
        raise Damaged("no weights, or too many")
    rows = [row_of(packing, weight_k) for weight_k in packing.demand_kr.T if weight_k.any()]
    if not rows:
        raise Damaged("nothing takes room")
    for values in weights:
        weight_k = whole_numbers({"weights": values}, "weights", len(packing.count_k))
        if weight_k.max(initial=0) > LARGEST_WEIGHT:
            raise Damaged("a weight is too large")
        rows.append(row_of(packing, weight_k))
    frame = packing.frame
    model = Model(_matrix(packing, rows))
    most = bound - 1 - least_price(frame) - int(board.constant_k[frame.stage])
    model.require(dict(enumerate(packing.open_jm[:, -1].tolist())), None, most)
    answer = model.minimize(None, deadline or Deadline(EVALUATE_S), seconds=EVALUATE_S, workers=1, seed=1)
    if answer.status != "infeasible":
        raise Damaged(f"something cheaper than {bound} holds all, or the time ran out")
    return bound
