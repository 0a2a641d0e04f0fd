"""The linear relaxation, and bounds from its multipliers that are evaluated exactly in integers.

A floating-point objective is never a bound. The multipliers are rounded to integers over a common
denominator, and the Lagrangian with every row priced is evaluated exactly: any multipliers give a
valid bound (Geoffrion 1974), good ones a good bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.rows import FREE, Ints, Matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Relaxation:
    """What the linear relaxation gave."""

    status: str
    """`optimal`, `infeasible`, or `open` when the time ran out."""
    x_j: Floats
    dual_i: Floats
    ray_i: Floats | None = None
    """A direction in the multipliers that proves that no solution exists."""


def relax(matrix: Matrix, cost_j: Ints, time_limit_s: float, *, integral: bool = False, gap: float = 0.0) -> Relaxation:
    """Minimize cost_j x_j over the relaxation (or, with `integral`, over the integers by branch and cut)."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", max(0.05, time_limit_s))
    highs.setOptionValue("random_seed", 1)
    if integral:
        highs.setOptionValue("mip_rel_gap", gap)
    rows, columns = matrix.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    infinity = highspy.kHighsInf
    model.col_cost_ = cost_j.astype(float)
    model.col_lower_ = matrix.low_j.astype(float)
    model.col_upper_ = matrix.high_j.astype(float)
    model.row_lower_ = np.where(matrix.low_i <= -FREE, -infinity, matrix.low_i.astype(float))
    model.row_upper_ = np.where(matrix.high_i >= FREE, infinity, matrix.high_i.astype(float))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.start_i.astype(np.int32)
    model.a_matrix_.index_ = matrix.column_k.astype(np.int32)
    model.a_matrix_.value_ = matrix.value_k.astype(float)
    if integral:
        model.integrality_ = [highspy.HighsVarType.kInteger] * columns
    highs.passModel(model)
    highs.run()
    status = highs.getModelStatus()
    solution = highs.getSolution()
    x_j = np.array(solution.col_value, float)
    dual_i = np.array(solution.row_dual, float)
    if status == highspy.HighsModelStatus.kOptimal:
        return Relaxation("optimal", x_j, dual_i if len(dual_i) == rows else np.zeros(rows))
    if status == highspy.HighsModelStatus.kInfeasible:
        ray = None
        if not integral:
            found = highs.getDualRay()
            values = found[-1] if isinstance(found, tuple) else None
            if values is not None and len(values) == rows:
                ray = np.array(values, float)
        return Relaxation("infeasible", np.zeros(columns), np.zeros(rows), ray)
    usable = len(x_j) == columns and bool(np.isfinite(x_j).all())
    return Relaxation("open", x_j if usable else np.zeros(columns), dual_i if len(dual_i) == rows else np.zeros(rows))


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


def best_bound(matrix: Matrix, cost: dict[int, int], constant: int, dual_i: Floats) -> tuple[int, Multipliers] | None:
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
