"""Columns and rows: presences, repeated columns, limits of what is exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import at, few, minimum
from zonewright.solver.rows import FREE, MOST_ACTIVITY, Rows, Stage, Tag


@few
@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
def test_a_presence_is_one_exactly_when_something_is_there(tops: list[int], data: st.DataObject) -> None:
    """For any values of the columns, the least and the largest presence are both what is there."""
    rows = Rows()
    columns = [rows.column(0, top) for top in tops]
    present = rows.presence(columns)
    values = [data.draw(st.integers(0, top)) for top in tops]
    matrix = at(rows.matrix(), values)
    for sign in (1, -1):
        answer = minimum(matrix, {present: sign})
        assert answer.x_j is not None
        assert answer.x_j[present] == (1 if any(values) else 0)


def test_a_presence_is_made_once_and_a_lone_boolean_is_its_own() -> None:
    """The same columns in another order share one boolean; a single boolean needs none."""
    rows = Rows()
    a, b = rows.column(0, 5), rows.column(0, 5)
    lone = rows.boolean()
    assert rows.presence([a, b]) == rows.presence([b, a])
    assert rows.presence([lone]) == lone
    assert rows.presence([a]) != a


def test_the_presence_of_nothing_is_zero() -> None:
    """A set without columns is never in use."""
    rows = Rows()
    present = rows.presence([])
    answer = minimum(rows.matrix(), {present: -1})
    assert answer.x_j is not None
    assert answer.x_j[present] == 0


def test_columns_that_repeat_in_a_row_are_added_up() -> None:
    """2 x + 3 x + y is 5 x + y: at x = 2, y = 1 it is 11."""
    rows = Rows()
    x, y = rows.column(0, 9), rows.column(0, 9)
    rows.row([x, y, x], [2, 1, 3], high=20)
    matrix = rows.matrix()
    assert matrix.value_k.tolist() == [5, 1]
    assert matrix.activity(np.array([2, 1])).tolist() == [11]


@few
@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=4))
def test_activities_are_those_of_the_dense_matrix(dense: list[list[int]]) -> None:
    """The compressed form gives the same left sides, rows without any entry included."""
    rows = Rows()
    for _ in range(3):
        rows.column(-5, 5)
    for line in dense:
        used = [j for j in range(3) if line[j]]
        rows.row(used, [line[j] for j in used], high=100)
    x_j = np.array([1, -2, 3])
    assert rows.matrix().activity(x_j).tolist() == (np.array(dense) @ x_j).tolist()


def test_a_row_that_could_leave_the_exact_range_is_refused() -> None:
    """Just below 2^53 passes; at 2^53, where a double skips integers, nothing is lowered."""
    for most, refused in ((MOST_ACTIVITY - 1, False), (MOST_ACTIVITY, True)):
        rows = Rows()
        x = rows.column(0, 1)
        rows.row([x], [most], high=5)
        if refused:
            with pytest.raises(ArithmeticError, match="exact"):
                rows.matrix()
        else:
            assert rows.matrix().shape == (1, 1)


def test_many_terms_that_add_up_beyond_the_exact_range_are_refused() -> None:
    """Eight terms of 2^50 reach 2^53 together, though each is small."""
    rows = Rows()
    columns = [rows.column(0, 1 << 40) for _ in range(8)]
    rows.row(columns, [1 << 10] * 8, high=5)
    with pytest.raises(ArithmeticError):
        rows.matrix()


def test_numbers_beyond_64_bits_are_refused_rather_than_wrapped() -> None:
    """A coefficient of 2^70 does not fit: an error, never another number."""
    rows = Rows()
    rows.row([rows.column(0, 1)], [1 << 70], high=5)
    with pytest.raises(ArithmeticError):
        rows.matrix()


def test_an_empty_column_is_refused_and_absent_limits_are_free() -> None:
    """A column from 2 to 1 has no value; a row without limits is open on both sides."""
    rows = Rows()
    with pytest.raises(ArithmeticError):
        rows.column(2, 1)
    rows.row([rows.column(0, 1)], [1])
    assert (rows.matrix().low_i[0], rows.matrix().high_i[0]) == (-FREE, FREE)


def test_a_stage_adds_up_coefficients_and_its_constant() -> None:
    """3 x + 2 x + 7 at x = 4 is 27; a coefficient of zero leaves no term."""
    stage = Stage("cost", constant=7)
    stage.add(0, 3)
    stage.add(0, 2)
    stage.add(1, 0)
    assert stage.value([4, 100]) == 27
    assert list(stage.terms) == [0]


def test_equal_tags_share_one_index() -> None:
    """A tag that was seen before is not listed twice."""
    rows = Rows()
    pairs = itertools.product(("a", "b"), repeat=2)
    assert [rows.tag(Tag(rule, label)) for rule, label in pairs] == [0, 1, 2, 3]
    assert rows.tag(Tag("a", "b")) == 1
