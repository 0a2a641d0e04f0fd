"""Exact bounds from multipliers, and what the relaxation may say."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import few, minimum
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import proves_no_solution
from zonewright.solver.linear import (
    Multipliers,
    best_bound,
    elastic,
    exact_bound,
    proves_infeasible,
    relax,
    rounded,
)
from zonewright.solver.rows import Matrix, Rows


def system(tops: list[int], lines: list[tuple[list[int], int | None, int | None]]) -> Matrix:
    """Build rows from (coefficients, low, high)."""
    rows = Rows()
    columns = [rows.column(0, top) for top in tops]
    for values, low, high in lines:
        used = [j for j in columns if values[j]]
        rows.row(used, [values[j] for j in used], low=low, high=high)
    return rows.matrix()


#: x + 2 y >= 4, 3 x + y >= 6 with x, y in 0..10: the corner is x = 8/5, y = 6/5.
CORNER = system([10, 10], [([1, 2], 4, None), ([3, 1], 6, None)])
COST = {0: 2, 1: 3}


def test_the_bound_of_two_rows_by_hand() -> None:
    """2 x + 3 y is 34/5 at the corner; 7/5 and 1/5 of the rows prove it, rounded up to 7."""
    assert exact_bound(CORNER, COST, 0, Multipliers(5, (0, 1), (7, 1))) == 7
    assert exact_bound(CORNER, COST, 100, Multipliers(5, (0, 1), (7, 1))) == 107


def test_poor_multipliers_give_a_poor_bound_and_still_a_valid_one() -> None:
    """One of the first row alone: 4 + min x + min y = 4; three of it press y to its upper end: 12 - 10 - 30."""
    assert exact_bound(CORNER, COST, 0, Multipliers(1, (0,), (1,))) == 4
    assert exact_bound(CORNER, COST, 0, Multipliers(1, (0,), (3,))) == 12 - 10 - 30
    assert exact_bound(CORNER, COST, 0, Multipliers(1, (), ())) == 0


def test_a_weight_on_a_side_without_limit_counts_as_zero() -> None:
    """Neither row has an upper limit: a negative weight proves nothing and spoils nothing."""
    assert exact_bound(CORNER, COST, 0, Multipliers(1, (0, 1), (1, -5))) == 4


def test_a_bound_is_raised_to_the_next_value_that_the_costs_can_make() -> None:
    """With costs 20 and 30 and a constant of 3 the values are 3 + multiples of 10: 68 becomes 73."""
    bound = exact_bound(CORNER, {0: 20, 1: 30}, 3, Multipliers(5, (0, 1), (70, 10)))
    assert bound == 73


def test_the_relaxation_finds_the_corner_and_its_multipliers() -> None:
    """The optimum is 6.8 at (1.6, 1.2); the bound from its rounded multipliers is 7."""
    relaxed = relax(CORNER, np.array([2.0, 3.0]), 5.0)
    assert relaxed.status == "optimal"
    assert np.allclose(relaxed.x_j, [1.6, 1.2])
    assert np.allclose(relaxed.dual_i, [1.4, 0.2])
    found = best_bound(CORNER, COST, 0, relaxed.dual_i)
    assert found is not None
    assert found[0] == 7
    assert exact_bound(CORNER, COST, 0, found[1]) == 7


def test_infeasibility_is_proven_exactly_by_hand() -> None:
    """x + y >= 5 and x + y <= 3: the difference of the rows says 0 >= 2."""
    matrix = system([10, 10], [([1, 1], 5, None), ([1, 1], None, 3)])
    assert proves_infeasible(matrix, Multipliers(1, (0, 1), (1, -1)))
    assert not proves_infeasible(matrix, Multipliers(1, (0,), (1,)))
    assert relax(matrix, np.zeros(2), 5.0).status == "infeasible"
    assert proves_no_solution(matrix, Deadline(5.0)) is not None


def test_columns_can_be_what_makes_rows_impossible() -> None:
    """3 x + y >= 50 with x, y up to 10 reaches 40: one row proves it."""
    assert proves_infeasible(system([10, 10], [([3, 1], 50, None)]), Multipliers(1, (0,), (1,)))


def test_what_is_feasible_is_never_proven_infeasible() -> None:
    """No multipliers are found for rows that have a solution."""
    assert proves_no_solution(CORNER, Deadline(5.0)) is None


def test_the_elastic_form_pays_one_for_each_unit_that_a_row_is_missed_by() -> None:
    """x + y >= 5 and x + y <= 3 miss each other by 2."""
    loose, cost_j = elastic(system([10, 10], [([1, 1], 5, None), ([1, 1], None, 3)]))
    relaxed = relax(loose, cost_j, 5.0)
    assert relaxed.status == "optimal"
    assert math.isclose(float(cost_j @ relaxed.x_j), 2.0)


lines = st.lists(
    st.tuples(
        st.lists(st.integers(-4, 6), min_size=3, max_size=3),
        st.none() | st.integers(-5, 15),
        st.none() | st.integers(-5, 25),
    ),
    min_size=1,
    max_size=5,
)


@few
@given(lines, st.lists(st.integers(-5, 9), min_size=3, max_size=3), st.integers(-9, 9))
def test_bounds_of_random_rows_are_never_above_the_optimum(
    drawn: list[tuple[list[int], int | None, int | None]], costs: list[int], constant: int
) -> None:
    """Whatever the relaxation said, the exact bound is at most the integer optimum; infeasible only if so."""
    matrix = system([4, 5, 6], drawn)
    cost = {j: c for j, c in enumerate(costs) if c}
    best = minimum(matrix, cost)
    relaxed = relax(matrix, np.array(costs, float), 5.0)
    if best.x_j is None:
        return
    assert relaxed.status == "optimal"
    value = constant + sum(c * int(best.x_j[j]) for j, c in cost.items())
    found = best_bound(matrix, cost, constant, relaxed.dual_i)
    assert found is not None
    assert found[0] <= value
    assert proves_no_solution(matrix, Deadline(5.0)) is None


@few
@given(lines, st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.sampled_from([1, 7, 1 << 20]))
def test_any_multipliers_at_all_give_a_valid_bound(
    drawn: list[tuple[list[int], int | None, int | None]], duals: list[float], scale: int
) -> None:
    """Multipliers drawn at random, rounded at any scale: never above the optimum, never a false proof."""
    matrix = system([4, 5, 6], drawn)
    cost = {0: 2, 1: -3, 2: 4}
    best = minimum(matrix, cost)
    if best.x_j is None:
        return
    multipliers = rounded(np.array(duals[: matrix.shape[0]]), scale)
    bound = exact_bound(matrix, cost, 0, multipliers)
    assert bound is not None
    assert bound <= sum(c * int(best.x_j[j]) for j, c in cost.items())
    assert not proves_infeasible(matrix, multipliers)


@few
@given(lines, st.lists(st.integers(-5, 9), min_size=3, max_size=3))
def test_branch_and_cut_agrees_with_the_constraint_solver(
    drawn: list[tuple[list[int], int | None, int | None]], costs: list[int]
) -> None:
    """Over the integers both find the same optimum."""
    matrix = system([4, 5, 6], drawn)
    best = minimum(matrix, {j: c for j, c in enumerate(costs) if c})
    relaxed = relax(matrix, np.array(costs, float), 5.0, integral=True)
    assert (relaxed.status == "optimal") == (best.x_j is not None)
    if best.x_j is not None:
        assert math.isclose(float(np.array(costs) @ relaxed.x_j), float(np.array(costs) @ best.x_j), abs_tol=1e-6)
