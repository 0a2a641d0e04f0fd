"""Weighted sums: hard, soft, in steps, conditional; balance and linear costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import (
    SOFT,
    TAG,
    assert_agrees,
    emitted,
    few,
    highs,
    judged,
    parts,
    softenings,
    subset,
    values_within,
)
from zonewright.solver.families.sums import Balance, Linear, Sum


@st.composite
def sums(draw: st.DrawFn) -> tuple[Sum, list[int], list[int]]:
    tops = draw(highs)
    columns = subset(draw, range(len(tops)), 1)
    weights = tuple(draw(st.integers(-3, 5)) for _ in columns)
    limits = st.none() | st.integers(-6, 20)
    when = subset(draw, range(len(tops))) if draw(st.booleans()) else None
    family = Sum(
        TAG, columns, weights, draw(limits), draw(limits), draw(softenings), draw(st.integers(1, 4)), when
    )
    return family, tops, values_within(draw, tops)


@few
@given(sums())
def test_a_sums_rows_and_oracle_agree(drawn: tuple[Sum, list[int], list[int]]) -> None:
    """A sum between limits, hard or soft, in steps of a unit, and only while something is there."""
    assert_agrees(*drawn)


@pytest.mark.parametrize(("value", "cost"), [(10, 0), (11, 3), (13, 3), (14, 6), (16, 6)])
def test_an_excess_is_counted_in_steps_rounded_up(value: int, cost: int) -> None:
    """With a limit of 10 and steps of 3, weight 3: 11 to 13 are one step, 14 to 16 are two."""
    family = Sum(TAG, (0,), (1,), high=10, soften=SOFT, unit=3)
    assert judged(family, [value]).cost.get("soft", 0) == cost
    assert_agrees(family, [20], [value])


def test_a_limit_that_nothing_can_pass_writes_no_row() -> None:
    """2 x 3 + 4 cannot pass 10: no row is needed; it can pass 9."""
    assert emitted(Sum(TAG, (0, 1), (2, 1), high=10), [3, 4])[0].shape[0] == 0
    assert emitted(Sum(TAG, (0, 1), (2, 1), high=9), [3, 4])[0].shape[0] == 1


@st.composite
def balances(draw: st.DrawFn) -> tuple[Balance, list[int], list[int]]:
    tops = draw(highs)
    sets = [(s, tuple(draw(st.integers(0, 5)) for _ in s)) for s in parts(draw, range(len(tops)))]
    return Balance(TAG, tuple(sets), "cost"), tops, values_within(draw, tops)


@few
@given(balances())
def test_a_balances_rows_and_oracle_agree(drawn: tuple[Balance, list[int], list[int]]) -> None:
    """The largest of several sums less the smallest is the cost."""
    assert_agrees(*drawn)


@few
@given(highs, st.data())
def test_a_linear_costs_rows_and_oracle_agree(tops: list[int], data: st.DataObject) -> None:
    """A cost per unit and a constant, also below zero."""
    weights = tuple(data.draw(st.integers(-5, 5)) for _ in tops)
    values = [data.draw(st.integers(0, top)) for top in tops]
    assert_agrees(Linear(TAG, tuple(range(len(tops))), weights, "cost", constant=-7), tops, values)
