"""The cheapest purchase that satisfies all cuts: few integers, few rows.

Axes: o offer, x cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import FREE, Rows
from zonewright.solver.sizing.clock import seconds_for, work_for
from zonewright.solver.sizing.cuts import Cut
from zonewright.solver.sizing.problem import Ints, SizingProblem
from zonewright.solver.sizing.witness import lots

#: Sums in a row stay far below what a double holds exactly.
_MOST_SUM = 1 << 50


@dataclass(frozen=True)
class Purchase:
    """What to buy, what that costs, and what no purchase that satisfies the cuts is cheaper than."""

    bought_o: Ints
    cost: int
    bound: int


def cheapest(
    problem: SizingProblem,
    cuts: list[Cut],
    deadline: Deadline,
    *,
    seed: int,
    slack: float = 0.0,
    most_cost: int | None = None,
    least_cost: int = 0,
    seconds: float = 10.0,
) -> Purchase | None:
    """Return the cheapest purchase whose cuts hold with a share of slack; None where there is none.

    Raises TimeoutError where neither is known in time.
    """
    rows = Rows()
    lots_o = np.array(lots(problem), np.int64)
    columns = [rows.column(0, int(most)) for most in lots_o.tolist()]
    for cut in cuts:
        weights, least = scaled(cut, problem, lots_o, slack)
        rows.row(columns, weights, low=least)
    cost_o = problem.price_o * problem.lot_o
    rows.row(columns, cost_o.tolist(), low=least_cost, high=most_cost)
    matrix = rows.matrix()
    terms = {j: int(c) for j, c in zip(columns, cost_o, strict=True) if c}
    if not columns:
        satisfied = all(cut.least <= 0 for cut in cuts) and least_cost <= 0
        return Purchase(np.zeros(0, np.int64), 0, 0) if satisfied else None
    answer = Model(matrix).minimize(
        terms or None,
        deadline,
        seconds=seconds_for(deadline, seconds),
        workers=1,
        seed=seed,
        work=work_for(deadline, seconds),
    )
    if answer.x_j is None:
        if answer.status == "infeasible":
            return None
        raise TimeoutError
    bought_o = answer.x_j * problem.lot_o
    cost = int(bought_o @ problem.price_o)
    bound = answer.bound if answer.bound is not None and answer.status != "optimal" else cost
    return Purchase(bought_o, cost, min(bound, cost))


def scaled(cut: Cut, problem: SizingProblem, lots_o: Ints, slack: float) -> tuple[list[int], int]:
    """Return a cut over lots in integers of moderate size, weaker by rounding only: still valid."""
    weight_o = [int(w) * int(lot) for w, lot in zip(cut.weight_o, problem.lot_o, strict=True)]
    least = cut.least + int(slack * abs(cut.least))
    # More weight than what is asked for is of no use.
    weight_o = [min(w, max(least, 0)) for w in weight_o]
    total = sum(w * int(n) for w, n in zip(weight_o, lots_o, strict=True))
    shift = max(1, -(-total // _MOST_SUM))
    if shift > 1:
        weight_o, least = [-(-w // shift) for w in weight_o], -(-least // shift)
    return weight_o, max(least, -FREE)
