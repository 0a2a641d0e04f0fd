"""Small dense programs: rows from tables, solved with costs near 1."""

from __future__ import annotations

import numpy as np

from zonewright.solver.linear import Relaxation, relax
from zonewright.solver.rows import Matrix
from zonewright.solver.search.board import Ints
from zonewright.solver.search.bounds.frame import Floats


def dense_rows(left: Ints, low_i: Ints, high_i: Ints, most_j: Ints) -> Matrix:
    """Return rows given as a table; columns go from 0."""
    row, column = np.nonzero(left)
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(left)))]).astype(np.int64)
    ints = np.int64
    zeros = np.zeros(len(most_j), ints)
    return Matrix(
        start,
        column.astype(ints),
        left[row, column],
        low_i.astype(ints),
        high_i.astype(ints),
        zeros,
        most_j.astype(ints),
    )


def relaxed(matrix: Matrix, cost_x: Floats, time_left_s: float) -> Relaxation:
    """Solve with costs near 1, and return multipliers in the costs' own units."""
    unit = max(float(np.abs(cost_x).max(initial=0.0)), 1e-9)
    answer = relax(matrix, cost_x / unit, time_left_s)
    return Relaxation(answer.status, answer.x_j, answer.dual_i * unit)
