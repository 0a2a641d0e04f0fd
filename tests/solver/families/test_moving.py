"""How many may be elsewhere than today."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, few, highs, judged, softenings, subset, values_within
from zonewright.solver.families.base import Soften
from zonewright.solver.families.moving import (
    Away,
    DoubleUse,
    Journeys,
    Leavers,
    MostLeaving,
    Place,
)

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


def _places(data: st.DataObject, tops: list[int], most: int = 3) -> tuple[Place, ...]:
    found = []
    for _ in range(data.draw(st.integers(0, most))):
        columns = subset(data.draw, range(len(tops)))
        found.append(Place(columns, data.draw(st.integers(0, 4)), data.draw(st.integers(1, 3))))
    return tuple(found)


@few
@given(st.data())
def test_the_rows_of_use_at_both_ends_agree_with_the_oracle(data: st.DataObject) -> None:
    """What leavers hold counts beyond what the sum alone is above the limit."""
    tops = data.draw(highs)
    columns = subset(data.draw, range(len(tops)))
    values = tuple(data.draw(st.integers(1, 4)) for _ in columns)
    x_j = values_within(data.draw, tops)
    limit = data.draw(st.integers(0, 20))
    use = sum(v * x_j[j] for j, v in zip(columns, values, strict=True))
    above = data.draw(st.booleans()) or use > limit
    assert_agrees(DoubleUse(TAG, columns, values, _places(data, tops), limit, above), tops, x_j)


@few
@given(st.data())
def test_the_rows_of_the_most_moves_agree_with_the_oracle(data: st.DataObject) -> None:
    """The group with the most leavers counts alone."""
    tops = data.draw(highs)
    groups = tuple(_places(data, tops) for _ in range(data.draw(st.integers(0, 3))))
    groups = tuple(tuple(replace(place, each=1) for place in places) for places in groups)
    family = MostLeaving(TAG, groups, data.draw(st.integers(0, 4)), data.draw(softenings))
    assert_agrees(family, tops, values_within(data.draw, tops))


@few
@given(st.data())
def test_the_rows_of_what_leavers_cost_agree_with_the_oracle(data: st.DataObject) -> None:
    """Each that leaves costs what its place says."""
    tops = data.draw(highs)
    assert_agrees(Leavers(TAG, _places(data, tops), "soft"), tops, values_within(data.draw, tops))


@few
@given(st.data())
def test_the_rows_of_journeys_agree_with_the_oracle(data: st.DataObject) -> None:
    """From several homes to several places, homes among them."""
    tops = data.draw(highs)
    sites = range(len(tops))
    current = {s: data.draw(st.integers(1, 3)) for s in sites if data.draw(st.booleans())} or {0: 1}
    homes = tuple(Place((s,), n) for s, n in current.items())
    price = tuple(tuple(0 if a == b else data.draw(st.integers(0, 4)) for b in sites) for a in current)
    arrivals = tuple((s, current.get(s, 0)) for s in sites)
    family = Journeys(TAG, homes, arrivals, price, 5, Soften("soft", data.draw(st.integers(1, 3))))
    assert_agrees(family, tops, values_within(data.draw, tops))
