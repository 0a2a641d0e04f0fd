"""Skew: hard with and without a known total, and soft."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, emitted, few, highs, parts, softenings, values_within
from zonewright.solver.families.spread import Skew

Drawn = tuple[Skew, list[int], list[int]]


@st.composite
def skews(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    values = values_within(draw, tops)
    sets = parts(draw, range(len(tops)))
    known = sum(values) if draw(st.booleans()) else None
    return Skew(TAG, sets, draw(st.integers(0, 4)), draw(softenings), known), tops, values


@few
@given(skews())
def test_the_rows_of_skew_agree_with_the_oracle(drawn: Drawn) -> None:
    """Most less least within a limit, whether the total is known or not, hard or soft."""
    assert_agrees(*drawn)


def test_a_known_total_makes_a_skew_of_one_plain_bounds() -> None:
    """Seven over three zones within 1 are 2 or 3 in each: three rows, no further column."""
    matrix, _ = emitted(Skew(TAG, ((0,), (1,), (2,)), 1, count=7), [7, 7, 7])
    assert matrix.shape == (3, 3)
    assert matrix.low_i.tolist() == [2, 2, 2]
    assert matrix.high_i.tolist() == [3, 3, 3]


def test_a_total_that_cannot_be_divided_evenly_is_infeasible() -> None:
    """Seven over three zones without any skew: no values do."""
    assert_agrees(Skew(TAG, ((0,), (1,), (2,)), 0, count=7), [7, 7, 7], [3, 2, 2])
