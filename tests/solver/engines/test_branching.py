"""Trees as witnesses: found where they exist, and what they prove is true."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import few, minimum
from tests.solver.test_linear import lines, system
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.branching import Tree, halves, prove_by_branching, proven
from zonewright.solver.linear import Multipliers, exact_bound

#: One each of 5, 4 and 3 in a room for 6: the relaxation fills it, whole ones take 5.
ROOM = system([1, 1, 1], [([5, 4, 3], None, 6)])
COST = {0: -5, 1: -4, 2: -3}


def test_a_tree_proves_what_the_relaxation_alone_does_not() -> None:
    """The relaxation says -6; a few splits prove -5, and nothing proves -4."""
    assert exact_bound(ROOM, COST, 0, Multipliers(1, (0,), (-1,))) == -6
    tree = prove_by_branching(ROOM, COST, 0, -5, Deadline(5.0), nodes=50)
    assert tree is not None
    assert len(tree.leaves) > 1
    assert proven(ROOM, COST, 0, -5, tree)
    assert not proven(ROOM, COST, 0, -4, tree)
    assert prove_by_branching(ROOM, COST, 0, -4, Deadline(5.0), nodes=200) is None


def test_a_split_divides_without_gap_or_overlap() -> None:
    """x in 0..6 at 2: 0..2 and 3..6."""
    lower, upper = halves(system([6], []), 0, 2)
    assert (lower.low_j[0], lower.high_j[0], upper.low_j[0], upper.high_j[0]) == (0, 2, 3, 6)


def test_every_leaf_must_be_closed_and_none_left_over() -> None:
    """Multipliers of nothing close nothing; a tree that ends early proves nothing."""
    nothing = Multipliers(1, (), ())
    assert not proven(ROOM, COST, 0, -5, Tree(((-1, 0),), (nothing,)))
    assert not proven(ROOM, COST, 0, -5, Tree((), ()))
    assert not proven(ROOM, COST, 0, -5, Tree(((0, 1),), ()))


@few
@given(lines, st.lists(st.integers(-5, 9), min_size=3, max_size=3))
def test_an_optimum_is_proven_by_a_tree_and_nothing_above_it_is(
    drawn: list[tuple[list[int], int | None, int | None]], costs: list[int]
) -> None:
    """On random rows the tree for the optimum is found and evaluates; for one more there is none."""
    matrix = system([4, 5, 6], drawn)
    cost = {j: c for j, c in enumerate(costs) if c}
    best = minimum(matrix, cost)
    if best.x_j is None or not cost:
        return
    value = 7 + sum(c * int(best.x_j[j]) for j, c in cost.items())
    tree = prove_by_branching(matrix, cost, 7, value, Deadline(10.0), nodes=2000)
    assert tree is not None
    assert proven(matrix, cost, 7, value, tree)
    assert not proven(matrix, cost, 7, value + 1, tree)
