"""How many may be elsewhere than today."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, few, highs, judged, softenings, subset, values_within
from zonewright.solver.families.moving import Away, Leaving

Drawn = tuple[Away, list[int], list[int]]


@st.composite
def aways(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = subset(draw, range(len(tops)))
    current = tuple(draw(st.integers(0, 5)) for _ in columns)
    family = Away(TAG, columns, current, draw(st.integers(0, 6)), draw(softenings))
    return family, tops, values_within(draw, tops)


@few
@given(aways())
def test_the_rows_of_being_away_agree_with_the_oracle(drawn: Drawn) -> None:
    """Newcomers, cell by cell, are at most so many."""
    assert_agrees(*drawn)


def test_whoever_leaves_one_cell_does_not_make_up_for_a_newcomer_in_another() -> None:
    """From (3, 1) to (1, 3) two are newcomers, one more than allowed."""
    assert judged(Away(TAG, (0, 1), (3, 1), most=1), [1, 3]).excess == 1


@few
@given(st.data())
def test_the_rows_of_leaving_agree_with_the_oracle(data: st.DataObject) -> None:
    """Leavers of all cells together are at most so many."""
    tops = data.draw(highs)
    columns = subset(data.draw, range(len(tops)))
    current = tuple(data.draw(st.integers(0, 5)) for _ in columns)
    family = Leaving(TAG, columns, current, data.draw(st.integers(0, 6)))
    assert_agrees(family, tops, values_within(data.draw, tops))
