"""Parts of a program that share no row: regions without common limits, say. They are solved apart.

The lexicographic best of a sum over independent parts is the lexicographic best of each part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.rows import Ints, Matrix, Stage

#: Parts smaller than this are put together: each solve has its price.
LEAST_COLUMNS = 200


@dataclass(frozen=True)
class Part:
    """Columns and rows of the whole that belong together, with the stages as far as they concern them."""

    columns: Ints
    matrix: Matrix
    stages: list[Stage]


def split(matrix: Matrix, stages: list[Stage]) -> list[Part]:
    """Return the independent parts, largest first, the same for the same program.

    A stage's constant stays with the first part.
    """
    label_j = _labels(matrix)
    counts = np.bincount(label_j)
    order = np.argsort(-counts, kind="stable")
    bucket_of = np.empty(len(counts), np.int64)
    bucket, filled = 0, 0
    for label in order:
        if filled >= LEAST_COLUMNS:
            bucket, filled = bucket + 1, 0
        bucket_of[label] = bucket
        filled += int(counts[label])
    if bucket and filled < LEAST_COLUMNS:
        bucket_of[bucket_of == bucket] = bucket - 1
        bucket -= 1
    part_j = bucket_of[label_j]
    if not bucket:
        return [Part(np.arange(len(label_j)), matrix, stages)]
    return [_part(matrix, stages, part_j, b) for b in range(bucket + 1)]


def _labels(matrix: Matrix) -> Ints:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, columns = matrix.shape
    row_k = np.repeat(np.arange(rows), np.diff(matrix.start_i))
    ones = np.ones(len(row_k), np.int8)
    graph = coo_matrix((ones, (row_k, rows + matrix.column_k)), shape=(rows + columns, rows + columns))
    _, label = connected_components(graph, directed=False)
    _, compact = np.unique(label[rows:], return_inverse=True)
    return np.asarray(compact, np.int64)


def _part(matrix: Matrix, stages: list[Stage], part_j: Ints, bucket: int) -> Part:
    columns = np.flatnonzero(part_j == bucket)
    new_j = np.full(len(part_j), -1, np.int64)
    new_j[columns] = np.arange(len(columns))
    lengths = np.diff(matrix.start_i)
    first_j = np.full(len(lengths), -1, np.int64)
    first_j[lengths > 0] = matrix.column_k[matrix.start_i[:-1][lengths > 0]]
    # A row without columns holds or fails by itself: it goes with the first part.
    own_i = np.where(lengths > 0, part_j[first_j] == bucket, bucket == 0)
    kept_k = np.repeat(own_i, lengths)
    start = np.concatenate([[0], np.cumsum(lengths[own_i])]).astype(np.int64)
    inner = Matrix(
        start,
        new_j[matrix.column_k[kept_k]],
        matrix.value_k[kept_k],
        matrix.low_i[own_i],
        matrix.high_i[own_i],
        matrix.low_j[columns],
        matrix.high_j[columns],
    )
    own_stages = []
    for stage in stages:
        terms = {int(new_j[j]): c for j, c in stage.terms.items() if part_j[j] == bucket}
        own_stages.append(Stage(stage.goal, terms, stage.constant if bucket == 0 else 0))
    return Part(columns, inner, own_stages)
