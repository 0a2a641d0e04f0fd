"""The linear relaxation, and bounds from its multipliers that are evaluated exactly in integers.

A floating-point objective is never a bound. The multipliers are rounded to integers over a common
denominator, and the Lagrangian with every row priced is evaluated exactly: any multipliers give a
valid bound (Geoffrion 1974), good ones a good bound.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.rows import FREE, Matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Relaxation:
    """What the linear relaxation gave."""

    status: str
    """`optimal`, `infeasible`, or `open` when the time ran out."""
    x_j: Floats
    dual_i: Floats


def relax(
    matrix: Matrix,
    cost_j: Floats,
    time_limit_s: float,
    *,
    integral: bool = False,
    gap: float = 0.0,
    stop: threading.Event | None = None,
    solver: str = "glop",
) -> Relaxation:
    """Minimize cost_j x_j over the relaxation (or, with `integral`, over the integers by branch and cut)."""
    from ortools.linear_solver.python import model_builder_helper as helper
    from scipy.sparse import csr_matrix

    rows, columns = matrix.shape
    left = csr_matrix(
        (matrix.value_k.astype(float), matrix.column_k.astype(np.int32), matrix.start_i.astype(np.int32)),
        shape=(rows, columns),
    )
    model: Any = helper.ModelBuilderHelper()
    low = np.where(matrix.low_i <= -FREE, -np.inf, matrix.low_i.astype(float))
    high = np.where(matrix.high_i >= FREE, np.inf, matrix.high_i.astype(float))
    model.fill_model_from_sparse_data(
        matrix.low_j.astype(float), matrix.high_j.astype(float), cost_j.astype(float), low, high, left
    )
    engine = helper.ModelSolverHelper("highs" if integral else solver)
    engine.enable_output(False)
    engine.set_time_limit_in_seconds(max(0.05, time_limit_s))
    if integral:
        for j in range(columns):
            model.set_var_integrality(j, True)
        if gap:
            engine.set_solver_specific_parameters(f"mip_rel_gap={gap}")
    _solve(engine, model, stop)
    status = engine.status()
    zeros_j, zeros_i = np.zeros(columns), np.zeros(rows)
    if status == helper.SolveStatus.OPTIMAL or (engine.has_solution() and status == helper.SolveStatus.FEASIBLE):
        x_j = np.array(engine.variable_values(), float)
        dual_i = zeros_i if integral else np.array(engine.dual_values(), float)
        return Relaxation("optimal" if status == helper.SolveStatus.OPTIMAL else "open", x_j, dual_i)
    if status == helper.SolveStatus.INFEASIBLE:
        return Relaxation("infeasible", zeros_j, zeros_i)
    return Relaxation("open", zeros_j, zeros_i)


def _solve(engine: Any, model: Any, stop: threading.Event | None) -> None:
    """Solve, and interrupt the solver when asked to stop."""
    if stop is None:
        engine.solve(model)
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            if stop.is_set():
                engine.interrupt_solve()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        engine.solve(model)
    finally:
        ended.set()
        watcher.join()


def elastic(matrix: Matrix) -> tuple[Matrix, Floats]:
    """Return the rows with a costly excess on either side, and the costs: feasible for any limits.

    Its multipliers prove infeasibility where its optimum is above zero.
    """
    rows, columns = matrix.shape
    ints = np.int64
    counts = np.diff(matrix.start_i)
    start = np.concatenate([[0], np.cumsum(counts + 2)]).astype(ints)
    column = np.empty(len(matrix.column_k) + 2 * rows, ints)
    value = np.empty_like(column)
    own = np.ones(len(column), bool)
    own[start[1:] - 1] = own[start[1:] - 2] = False
    column[own], value[own] = matrix.column_k, matrix.value_k
    column[start[1:] - 2], value[start[1:] - 2] = columns + np.arange(rows), 1
    column[start[1:] - 1], value[start[1:] - 1] = columns + rows + np.arange(rows), -1
    extra = np.zeros(2 * rows, ints)
    low_j = np.concatenate([matrix.low_j, extra])
    high_j = np.concatenate([matrix.high_j, extra + (1 << 52)])
    cost_j = np.concatenate([np.zeros(columns), np.ones(2 * rows)])
    return Matrix(start, column, value, matrix.low_i, matrix.high_i, low_j, high_j), cost_j


@dataclass(frozen=True)
class Multipliers:
    """Integer multipliers of rows over one denominator: a bound's witness."""

    denominator: int
    row: tuple[int, ...]
    weight: tuple[int, ...]


def rounded(dual_i: Floats, scale: int) -> Multipliers:
    """Round multipliers to integers over `scale`."""
    weight = np.rint(np.clip(dual_i * scale, -(2.0**55), 2.0**55)).astype(np.int64)
    rows = np.flatnonzero(weight)
    return Multipliers(scale, tuple(int(i) for i in rows), tuple(int(weight[i]) for i in rows))


def exact_bound(matrix: Matrix, cost: dict[int, int], constant: int, multipliers: Multipliers) -> int | None:
    """Return the largest integer that the multipliers prove the objective cannot be below.

    The sum over rows of weight x (limit of the side the weight presses on), plus over columns the least of
    (denominator x cost - weighted column) x column. A weight on a side that has no limit counts as zero.
    None when a column has no finite range where it would need one.
    """
    scale = multipliers.denominator
    reduced: dict[int, int] = {j: scale * c for j, c in cost.items()}
    total = scale * constant
    for i, weight in zip(multipliers.row, multipliers.weight, strict=True):
        limit = int(matrix.low_i[i]) if weight > 0 else int(matrix.high_i[i])
        if abs(limit) >= FREE:
            continue
        total += weight * limit
        for k in range(int(matrix.start_i[i]), int(matrix.start_i[i + 1])):
            j = int(matrix.column_k[k])
            reduced[j] = reduced.get(j, 0) - weight * int(matrix.value_k[k])
    for j, value in reduced.items():
        limit = int(matrix.low_j[j]) if value > 0 else int(matrix.high_j[j])
        if value and abs(limit) >= FREE:
            return None
        total += value * limit
    bound = -(-total // scale)
    return _up_to_a_value(bound, cost, constant)


def _up_to_a_value(bound: int, cost: dict[int, int], constant: int) -> int:
    """Raise a bound to the next value that the objective can have: constant + a multiple of the divisor."""
    divisor = math.gcd(*cost.values()) if cost else 0
    if divisor <= 1:
        return bound
    return constant + -(-(bound - constant) // divisor) * divisor


def proves_infeasible(matrix: Matrix, multipliers: Multipliers) -> bool:
    """Return whether the multipliers prove, exactly, that the rows have no solution."""
    found = exact_bound(matrix, {}, 0, multipliers)
    return found is not None and found > 0


def best_bound(
    matrix: Matrix, cost: dict[int, int], constant: int, dual_i: Floats
) -> tuple[int, Multipliers] | None:
    """Return the best exact bound over a few denominators, with its multipliers."""
    best: tuple[int, Multipliers] | None = None
    largest = float(np.abs(dual_i).max(initial=0.0))
    for scale in (1, 1 << 10, 1 << 20, 1 << 30):
        if largest * scale > 2.0**54:
            break
        multipliers = rounded(dual_i, scale)
        bound = exact_bound(matrix, cost, constant, multipliers)
        if bound is not None and (best is None or bound > best[0]):
            best = (bound, multipliers)
    return best
