"""Addresses: rows where pools are apart, flows where they overlap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, emitted, few, highs, judged, values_within
from zonewright.solver.families.addresses import Addresses, Pool

Drawn = tuple[Addresses, list[int], list[int]]


@st.composite
def addresses(draw: st.DrawFn) -> Drawn:
    tops = [*draw(highs), 1, 2]
    drawing, opening = range(len(tops) - 2), (len(tops) - 2, len(tops) - 1)
    pools = tuple(
        Pool(draw(st.integers(0, 4)), (draw(st.sampled_from(opening)),), (draw(st.integers(1, 3)),))
        if draw(st.booleans())
        else Pool(draw(st.integers(0, 6)))
        for _ in range(3)
    )
    fits = st.sets(st.sampled_from(range(3))).map(lambda s: tuple(sorted(s)))
    demands = tuple(((j,), draw(fits)) for j in drawing)
    return Addresses(TAG, demands, pools), tops, values_within(draw, tops)


@few
@given(addresses())
def test_the_rows_of_addresses_agree_with_the_largest_flow(drawn: Drawn) -> None:
    """Everybody gets an address from a pool that fits, exactly when a flow meets all demands."""
    assert_agrees(*drawn)


def test_pools_that_do_not_overlap_need_one_row_each_and_no_flow() -> None:
    """Two zones with a subnet each: two rows over the two cells."""
    family = Addresses(TAG, (((0,), (0,)), ((1,), (1,))), (Pool(3), Pool(4)))
    assert emitted(family, [9, 9])[0].shape == (2, 2)


def test_what_fits_one_subnet_only_goes_there_before_what_fits_both() -> None:
    """Subnets of 1 and 1: one that fits both and one that fits the first only are both seated."""
    family = Addresses(TAG, (((0,), (0, 1)), ((1,), (0,))), (Pool(1), Pool(1)))
    assert judged(family, [1, 1]).excess == 0
    assert judged(family, [1, 2]).excess == 1
    assert_agrees(family, [2, 2], [1, 1])
