"""Costs that are no plain sum: opening, moving, the nearest replica, traffic, what is prepaid."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.solver.stand import (
    TAG,
    assert_agrees,
    emitted,
    few,
    highs,
    judged,
    minimum,
    parts,
    softenings,
    subset,
    values_within,
)
from zonewright.solver.families.base import Family
from zonewright.solver.families.costs import Moving, Nearest, Opening, Prepaid, Traffic, transport

Drawn = tuple[Family, list[int], list[int]]


@st.composite
def openings(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = subset(draw, range(len(tops)))
    values = values_within(draw, tops)
    sizes = []
    for _ in range(draw(st.integers(0, 2))):
        demand = tuple(draw(st.integers(0, 5)) for _ in columns)
        used = sum(d * values[j] for d, j in zip(demand, columns, strict=True))
        # Capacity is another rule's business: the site holds what is on it.
        sizes.append((demand, used + draw(st.integers(0, 10))))
    return Opening(TAG, columns, draw(st.integers(0, 9)), "cost", tuple(sizes)), tops, values


@few
@given(openings())
def test_the_rows_of_opening_agree_with_the_oracle(drawn: Drawn) -> None:
    """A site in use costs once, however much is on it."""
    assert_agrees(*drawn)


def test_a_pool_opens_as_many_hosts_as_its_load_needs() -> None:
    """Five instances of 4 on hosts of 8: three hosts at 10 each, though a sum over the pool needs 2.5."""
    matrix, stages = emitted(Opening(TAG, (0,), 10, "cost", (((4,), 8),), sites=4), [5])
    matrix.low_j[0] = 5
    answer = minimum(matrix, stages[1].terms)
    assert answer.x_j is not None
    assert stages[1].value(answer.x_j) == 30


@few
@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4), st.booleans(), st.data())
def test_the_rows_of_moving_agree_with_the_oracle(
    top: int, current: int, credit: int, counted: bool, data: st.DataObject
) -> None:
    """Whoever is no longer in the cell has moved; whoever stays saves what is prepaid."""
    value = data.draw(st.integers(0, top))
    goal = "moves" if counted else None
    assert_agrees(Moving(TAG, 0, current, goal, credit, "cost" if credit else None), [top], [value])


@st.composite
def nearests(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    sets = tuple((s, draw(st.integers(0, 9))) for s in parts(draw, range(len(tops))))
    values = values_within(draw, tops)
    always = draw(st.booleans()) and any(values)
    return Nearest(TAG, sets, draw(st.integers(1, 3)), "cost", always), tops, values


@few
@given(nearests())
def test_the_rows_of_the_nearest_agree_with_the_oracle(drawn: Drawn) -> None:
    """The least distance of a set in use, and nothing while nothing is in use."""
    assert_agrees(*drawn)


@st.composite
def traffics(draw: st.DrawFn) -> Drawn:
    tops = draw(st.lists(st.integers(0, 3), min_size=4, max_size=5))
    values = values_within(draw, tops)
    sources = parts(draw, range(2), 2)
    targets = parts(draw, range(2, len(tops)), 2)
    price = tuple(tuple(draw(st.integers(0, 5)) for _ in targets) for _ in sources)
    sent, taken = sum(values[:2]), sum(values[2:])
    always = draw(st.booleans())
    if always:
        assume(sent and taken)
        each = taken, sent
    else:
        each = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Traffic(TAG, sources, targets, price, each[0], each[1], "cost", always), tops, values


@few
@given(traffics())
def test_the_rows_of_traffic_agree_with_the_oracle(drawn: Drawn) -> None:
    """All that can be sent is sent, at the least price; both sides whole, or one of them in part."""
    assert_agrees(*drawn)


def test_transport_sends_all_that_can_be_sent_at_the_least_price() -> None:
    """Supplies 3 and 2, demands 4 and 4: all five are sent, two at 1, one at 5 and two at 2."""
    assert transport([3, 2], [4, 4], ((1, 5), (2, 7))) == 2 * 1 + 1 * 5 + 2 * 2
    assert transport([0, 0], [4, 4], ((1, 5), (2, 7))) == 0


@st.composite
def prepaids(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = subset(draw, range(len(tops)), 1)
    prices = tuple(draw(st.integers(0, 5)) for _ in columns)
    saved = tuple(
        (j, draw(st.integers(1, 4)), price)
        for j, price in zip(columns, prices, strict=True)
        if draw(st.booleans())
    )
    limit = draw(st.integers(0, 25))
    return Prepaid(TAG, columns, prices, saved, limit, draw(softenings)), tops, values_within(draw, tops)


@few
@given(prepaids())
def test_the_rows_of_what_is_prepaid_agree_with_the_oracle(drawn: Drawn) -> None:
    """A sum under a limit in which up to so many of a column are free."""
    assert_agrees(*drawn)


def test_only_those_that_stay_are_free() -> None:
    """Four at 5 with three prepaid are 5, at a limit of 4 one too many."""
    assert judged(Prepaid(TAG, (0,), (5,), ((0, 3, 5),), 4), [4]).excess == 1
