"""Solving rows after what limits say of single columns is made use of: most rows of a part go by that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zonewright.solver.cpsat import Answer, Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import FREE, Ints, Matrix

#: How often limits are passed on from row to row.
ROUNDS = 4
#: Rows that may reach so much are left alone: their sums might not fit into 64 bits.
LARGE = 1 << 59


def solve_tightened(
    matrix: Matrix, deadline: Deadline, *, seconds: float, workers: int, seed: int, work: float | None = None
) -> Answer:
    """Find any solution of some rows, or that there is none."""
    tight = tightened(matrix)
    if tight is None:
        return Answer("infeasible", None, None)
    inner, columns = tight
    x_j = inner.low_j.copy()
    if not len(inner.low_i):
        return Answer("optimal", x_j, None)
    small = _of_columns(inner, columns)
    answer = Model(small).minimize(None, deadline, seconds=seconds, workers=workers, seed=seed, work=work)
    if answer.x_j is None:
        return answer
    x_j[columns] = answer.x_j
    return replace(answer, x_j=x_j)


def tightened(matrix: Matrix) -> tuple[Matrix, Ints] | None:
    """Return the rows that still matter, with tighter limits of columns, and the columns that these rows use.

    Columns in no row may have any value within their limits. None where no solution exists.
    """
    rows, columns = matrix.shape
    most = max(_largest(matrix.low_j), _largest(matrix.high_j)) * _largest(matrix.value_k)
    if not rows or most * columns >= LARGE:
        return matrix, np.unique(matrix.column_k)
    row_k = np.repeat(np.arange(rows), np.diff(matrix.start_i))
    column_k, value_k = matrix.column_k, matrix.value_k
    low_j, high_j = matrix.low_j.copy(), matrix.high_j.copy()
    kept_i = np.ones(rows, bool)
    for _ in range(ROUNDS):
        least_k = np.where(value_k > 0, value_k * low_j[column_k], value_k * high_j[column_k])
        most_k = np.where(value_k > 0, value_k * high_j[column_k], value_k * low_j[column_k])
        least_i, most_i = _sums(least_k, row_k, rows), _sums(most_k, row_k, rows)
        if (least_i > matrix.high_i).any() or (most_i < matrix.low_i).any():
            return None
        kept_i = (most_i > matrix.high_i) | (least_i < matrix.low_i)
        before = int((high_j - low_j).sum())
        _narrow(matrix.high_i, least_i, least_k, row_k, column_k, value_k, low_j, high_j)
        _narrow(-matrix.low_i, -most_i, -most_k, row_k, column_k, -value_k, low_j, high_j)
        if (low_j > high_j).any():
            return None
        if int((high_j - low_j).sum()) == before:
            break
    entries = kept_i[row_k]
    inner = Matrix(
        np.concatenate([[0], np.cumsum(np.diff(matrix.start_i)[kept_i])]).astype(np.int64),
        column_k[entries],
        value_k[entries],
        matrix.low_i[kept_i],
        matrix.high_i[kept_i],
        low_j,
        high_j,
    )
    return inner, np.unique(inner.column_k)


def _narrow(
    limit_i: Ints,
    least_i: Ints,
    least_k: Ints,
    row_k: Ints,
    column_k: Ints,
    value_k: Ints,
    low_j: Ints,
    high_j: Ints,
) -> None:
    """Narrow the columns of rows that are at most a limit, by what the others in the row take at least."""
    room_k = limit_i[row_k] - (least_i[row_k] - least_k)
    bound = limit_i[row_k] < FREE
    up, down = bound & (value_k > 0), bound & (value_k < 0)
    np.minimum.at(high_j, column_k[up], room_k[up] // value_k[up])
    np.maximum.at(low_j, column_k[down], -(room_k[down] // -value_k[down]))


def _of_columns(matrix: Matrix, columns: Ints) -> Matrix:
    """Return the rows with these columns alone, which are all that they use."""
    return replace(
        matrix,
        column_k=np.searchsorted(columns, matrix.column_k),
        low_j=matrix.low_j[columns],
        high_j=matrix.high_j[columns],
    )


def _sums(value_k: Ints, row_k: Ints, rows: int) -> Ints:
    found = np.zeros(rows, np.int64)
    np.add.at(found, row_k, value_k)
    return found


def _largest(values: Ints) -> int:
    return int(np.abs(values).max(initial=0))


__all__ = ["solve_tightened", "tightened"]
