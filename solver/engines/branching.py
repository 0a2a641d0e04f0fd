"""A proof by branching that can be evaluated again: every leaf carries its own exact multipliers.

CP-SAT proves optima but leaves nothing behind. Where the linear relaxation alone does not reach the
optimum, columns are split in two (Land and Doig 1960) until the multipliers of every leaf, evaluated
exactly, reach the bound or show that the leaf is empty. The tree is the witness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.linear import Floats, Multipliers, elastic, exact_bound, relax, rounded
from zonewright.solver.rows import FREE, Matrix

#: Rounding of multipliers, coarse first: small integers make small witnesses.
SCALES = (1, 1 << 6, 1 << 12, 1 << 20, 1 << 30)


@dataclass(frozen=True)
class Tree:
    """A division of the space, and what closes each part."""

    splits: tuple[tuple[int, int], ...]
    """Depth-first, lower half first: (column, at) splits into column <= at and above; (-1, 0) is a leaf."""
    leaves: tuple[Multipliers, ...]
    """Multipliers of the leaves in that order: they reach the bound, or show that the leaf is empty."""


def prove_by_branching(
    matrix: Matrix, cost: dict[int, int], constant: int, target: int, deadline: Deadline, *, nodes: int
) -> Tree | None:
    """Return a tree that proves that nothing is below `target`; None when `nodes` are not enough."""
    cost_j = np.zeros(matrix.shape[1])
    for j, c in cost.items():
        cost_j[j] = c
    splits: list[tuple[int, int]] = []
    leaves: list[Multipliers] = []
    stack = [matrix]
    while stack:
        if deadline.over or len(splits) >= nodes:
            return None
        part = stack.pop()
        closing, x_j = _close(part, cost, cost_j, constant, target, deadline)
        if closing is not None:
            splits.append((-1, 0))
            leaves.append(closing)
            continue
        split = _split(part, x_j)
        if split is None:
            return None
        splits.append(split)
        lower, upper = halves(part, *split)
        stack += [upper, lower]
    return Tree(tuple(splits), tuple(leaves))


def _close(
    part: Matrix, cost: dict[int, int], cost_j: Floats, constant: int, target: int, deadline: Deadline
) -> tuple[Multipliers | None, Floats]:
    relaxed = relax(part, cost_j, max(0.05, deadline.left))
    if relaxed.status == "infeasible":
        loose, excess_j = elastic(part)
        dual_i = relax(loose, excess_j, max(0.05, deadline.left)).dual_i
        for scale in SCALES:
            multipliers = rounded(dual_i, scale)
            if closes(part, cost, constant, target, multipliers):
                return multipliers, relaxed.x_j
        return None, relaxed.x_j
    if relaxed.status == "optimal":
        for scale in SCALES:
            multipliers = rounded(relaxed.dual_i, scale)
            if closes(part, cost, constant, target, multipliers):
                return multipliers, relaxed.x_j
    return None, relaxed.x_j


def closes(part: Matrix, cost: dict[int, int], constant: int, target: int, multipliers: Multipliers) -> bool:
    """Return whether multipliers prove, exactly, that a part holds nothing below `target`, or nothing at all."""
    bound = exact_bound(part, cost, constant, multipliers)
    if bound is not None and bound >= target:
        return True
    none = exact_bound(part, {}, 0, multipliers)
    return none is not None and none > 0


def _split(part: Matrix, x_j: Floats) -> tuple[int, int] | None:
    """Return the column whose value is farthest from whole, among those that can still be split."""
    room = part.high_j > part.low_j
    away = np.where(room, np.abs(x_j - np.rint(x_j)), -1.0)
    j = int(np.argmax(away))
    if away[j] < 1e-7:
        wide = np.flatnonzero(room)
        if not len(wide):
            return None
        j = int(wide[0])
    at = int(np.floor(x_j[j]))
    return j, min(max(at, int(part.low_j[j])), int(part.high_j[j]) - 1)


def halves(part: Matrix, column: int, at: int) -> tuple[Matrix, Matrix]:
    """Return the parts with column <= at and with column > at."""
    high_j, low_j = part.high_j.copy(), part.low_j.copy()
    high_j[column] = min(int(high_j[column]), at)
    low_j[column] = max(int(low_j[column]), at + 1)
    return replace(part, high_j=high_j), replace(part, low_j=low_j)


def proven(matrix: Matrix, cost: dict[int, int], constant: int, target: int, tree: Tree) -> bool:
    """Evaluate a tree again, exactly: whether it covers everything and every leaf is closed."""
    stack = [matrix]
    leaves = iter(tree.leaves)
    for column, at in tree.splits:
        if not stack:
            return False
        part = stack.pop()
        if column < 0:
            multipliers = next(leaves, None)
            if multipliers is None or not closes(part, cost, constant, target, multipliers):
                return False
            continue
        if column >= matrix.shape[1] or abs(at) >= FREE:
            return False
        lower, upper = halves(part, column, at)
        stack += [upper, lower]
    return not stack and next(leaves, None) is None
