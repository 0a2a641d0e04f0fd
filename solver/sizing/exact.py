"""Everything at once by CP-SAT, where that is small: every class on every host, existing or bought.

Axes: c class, h host (existing ones, then candidates of each offer), o offer, l layer (0 before any loss, 1 + s in
scenario s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import Rows
from zonewright.solver.sizing.clock import seconds_for, work_for
from zonewright.solver.sizing.problem import MOST, Ints, SizingProblem
from zonewright.solver.sizing.seated import Seated
from zonewright.solver.sizing.witness import IMPOSSIBLE, lots

#: Cells (classes x hosts x layers) up to which it is tried.
MOST_CELLS = 30_000


@dataclass
class _Whole:
    """The program: what it decides, and the empty placement on all candidates."""

    state: Seated
    rows: Rows
    cells: dict[tuple[int, int, int], int]
    lots_o: list[int]
    cost: dict[int, int]


def candidates(problem: SizingProblem, most_cost: int) -> list[int]:
    """Return how many hosts of each offer are worth looking at for less than `most_cost`."""
    found = []
    for most, lot, price in zip(lots(problem), problem.lot_o.tolist(), problem.price_o.tolist(), strict=True):
        affordable = most if not price else min(most, max(0, most_cost - 1) // (price * lot))
        found.append(affordable * lot)
    return found


def small(problem: SizingProblem, most_cost: int) -> bool:
    """Return whether all purchases below a cost can be searched at once."""
    hosts = len(problem.area_h) + sum(candidates(problem, most_cost))
    return hosts * len(problem.count_c) * (1 + problem.scenarios) <= MOST_CELLS


def search(
    problem: SizingProblem,
    bound: int,
    most_cost: int,
    deadline: Deadline,
    *,
    seconds: float,
    workers: int,
    seed: int,
) -> tuple[str, Seated | None]:
    """Look for a placement that costs at least `bound` and less than `most_cost`.

    Returns `optimal`, `feasible`, `infeasible` or `open`, and the placement.
    """
    whole = _whole(problem, bound, most_cost)
    answer = Model(whole.rows.matrix()).minimize(
        whole.cost or None,
        deadline,
        seconds=seconds_for(deadline, seconds),
        workers=workers,
        seed=seed,
        work=work_for(deadline, seconds),
    )
    if answer.x_j is None:
        return answer.status, None
    bought_o = [int(answer.x_j[j]) * int(lot) for j, lot in zip(whole.lots_o, problem.lot_o, strict=True)]
    return answer.status, _read(problem, whole, answer.x_j, bought_o, most_cost)


def research(problem: SizingProblem, bound: int, deadline: Deadline) -> bool:
    """Return whether a search finds, again, that nothing below the bound suffices."""
    whole = _whole(problem, 0, bound)
    answer = Model(whole.rows.matrix()).minimize(None, deadline, seconds=deadline.left, workers=1, seed=7)
    return answer.status == "infeasible"


def _read(problem: SizingProblem, whole: _Whole, x_j: Ints, bought_o: list[int], most_cost: int) -> Seated:
    offer_i = np.repeat(np.arange(len(bought_o)), bought_o).astype(np.int64)
    state = Seated(problem, offer_i)
    existing = len(problem.area_h)
    candidate_o = candidates(problem, most_cost)
    first_o = existing + np.concatenate([[0], np.cumsum(candidate_o)])
    mine_o = existing + np.concatenate([[0], np.cumsum(bought_o)])
    for (layer, h, c), j in whole.cells.items():
        n = int(x_j[j])
        if n:
            to = h
            if h >= existing:
                o = int(whole.state.offer_i[h - existing])
                to = int(mine_o[o] + h - first_o[o])
            state.put(layer, c, to, n)
    return state


def _whole(problem: SizingProblem, bound: int, most_cost: int) -> _Whole:
    candidate_o = candidates(problem, most_cost)
    offer_i = np.repeat(np.arange(len(candidate_o)), candidate_o).astype(np.int64)
    state = Seated(problem, offer_i)
    rows = Rows()
    lot_columns = [rows.column(0, n // int(lot)) for n, lot in zip(candidate_o, problem.lot_o, strict=True)]
    cost = {j: int(p * lot) for j, p, lot in zip(lot_columns, problem.price_o, problem.lot_o, strict=True) if p}
    high = None if most_cost >= IMPOSSIBLE else most_cost - 1
    rows.row(list(cost), list(cost.values()), low=bound, high=high)
    cells = _cells(state, rows)
    existing, number = len(problem.area_h), [0] * len(candidate_o)
    for h in range(len(state.area_h)):
        used = -1
        if h >= existing:
            # The n-th candidate is there once n hosts are bought.
            o = int(offer_i[h - existing])
            used, lot = rows.boolean(), int(problem.lot_o[o])
            rows.row([lot_columns[o], used], [lot, -(number[o] + 1)], low=0)
            number[o] += 1
        _room(state, rows, cells, h, used)
    _everybody(state, rows, cells)
    _limits(state, rows, cells)
    return _Whole(state, rows, cells, lot_columns, cost)


def _cells(state: Seated, rows: Rows) -> dict[tuple[int, int, int], int]:
    problem = state.problem
    cells: dict[tuple[int, int, int], int] = {}
    for h in range(len(state.area_h)):
        for layer in state.layers_at(h):
            for c in np.flatnonzero(state.usable(h)).tolist():
                demand_r = problem.demand_cr[c]
                asks = demand_r > 0
                most = int((state.room_lhr[0, h][asks] // demand_r[asks]).min(initial=int(problem.count_c[c])))
                if most > 0:
                    cells[layer, h, c] = rows.column(0, most)
    return cells


def _room(state: Seated, rows: Rows, cells: dict[tuple[int, int, int], int], h: int, used: int) -> None:
    problem = state.problem
    layers = state.layers_at(h)
    for layer in layers[1:] or [0]:
        own = [
            (cells[x, h, c], c)
            for x in sorted({0, layer})
            for c in range(len(problem.count_c))
            if (x, h, c) in cells
        ]
        columns = [j for j, _ in own]
        for r, room in enumerate(state.room_lhr[layer, h].tolist()):
            values = [int(problem.demand_cr[c, r]) for _, c in own]
            if used >= 0:
                rows.row([*columns, used], [*values, -room], high=0)
            else:
                rows.row(columns, values, high=max(0, room))
        if used >= 0:
            for j in columns:
                rows.row([j, used], [1, -rows.high[j]], high=0)
        by_group: dict[int, list[int]] = {}
        for j, c in own:
            if state.group_c[c] >= 0:
                by_group.setdefault(state.group_c[c], []).append(j)
        for group, members in by_group.items():
            left = state.most_g[group] - state.groups_lh[0][h][group]
            rows.row(members, [1] * len(members), high=max(0, left))


def _everybody(state: Seated, rows: Rows, cells: dict[tuple[int, int, int], int]) -> None:
    problem = state.problem
    hosts = range(len(state.area_h))
    for layer in range(len(state.missing_lc)):
        for c in range(len(problem.count_c)):
            columns = [cells[layer, h, c] for h in hosts if (layer, h, c) in cells]
            values = [1] * len(columns)
            if layer and problem.evacuated_sc[layer - 1, c]:
                gone = [cells[0, h, c] for h in hosts if state.lost_lh[layer, h] and (0, h, c) in cells]
                columns, values = columns + gone, values + [-1] * len(gone)
            wanted = int(state.missing_lc[layer, c])
            rows.row(columns, values, low=wanted, high=wanted)


def _limits(state: Seated, rows: Rows, cells: dict[tuple[int, int, int], int]) -> None:
    own: list[dict[int, int]] = [{} for _ in state.problem.limits]
    for (layer, h, c), j in cells.items():
        for i, weight in state.counted(layer, c, h):
            own[i][j] = weight
    for limit, value, terms in zip(state.problem.limits, state.value_i, own, strict=True):
        rows.row(
            list(terms),
            list(terms.values()),
            low=None if limit.low <= -MOST else limit.low - value,
            high=None if limit.high >= MOST else limit.high - value,
        )
