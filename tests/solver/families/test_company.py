"""Presence: who needs whom, who shuns whom, how many domains are in use, who leads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, few, highs, judged, parts, softenings, subset, values_within
from zonewright.solver.families.company import DomainCount, Excludes, NotAll, Quorum, Requires

Drawn = tuple[Requires | Excludes | DomainCount | Quorum, list[int], list[int]]


@st.composite
def requires(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = range(len(tops))
    when = subset(draw, columns) if draw(st.booleans()) else None
    family = Requires(TAG, subset(draw, columns), subset(draw, columns), draw(softenings), when)
    return family, tops, values_within(draw, tops)


@few
@given(requires())
def test_the_rows_of_company_agree_with_the_oracle(drawn: Drawn) -> None:
    """Guests are there only where hosts are, hard or soft, always or only while something is there."""
    assert_agrees(*drawn)


@st.composite
def excludes(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = range(len(tops))
    family = Excludes(TAG, subset(draw, columns), subset(draw, columns), draw(softenings))
    return family, tops, values_within(draw, tops)


@few
@given(excludes())
def test_the_rows_of_exclusion_agree_with_the_oracle(drawn: Drawn) -> None:
    """Not both of two sets, which may overlap."""
    assert_agrees(*drawn)


@st.composite
def domain_counts(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = range(len(tops))
    limits = st.none() | st.integers(0, 4)
    when = subset(draw, columns) if draw(st.booleans()) else None
    family = DomainCount(TAG, parts(draw, columns), draw(limits), draw(limits), draw(softenings), when)
    return family, tops, values_within(draw, tops)


@few
@given(domain_counts())
def test_the_rows_of_domain_counts_agree_with_the_oracle(drawn: Drawn) -> None:
    """At least and at most so many sets in use, sets without any column included."""
    assert_agrees(*drawn)


@st.composite
def quorums(draw: st.DrawFn) -> Drawn:
    tops = draw(highs)
    columns = range(len(tops))
    sets = parts(draw, columns)
    chosen = draw(st.lists(st.sampled_from(range(3)), unique=True, max_size=3))
    leaders = []
    for k in chosen:
        near = {k} | draw(st.sets(st.sampled_from(range(3))))
        leaders.append((sets[k], tuple(j for n in sorted(near) for j in sets[n])))
    when = subset(draw, columns) if draw(st.booleans()) else None
    family = Quorum(TAG, tuple(leaders), draw(st.integers(1, 4)), draw(softenings), when)
    return family, tops, values_within(draw, tops)


@few
@given(quorums())
def test_the_rows_of_a_quorum_agree_with_the_oracle(drawn: Drawn) -> None:
    """Some leader in use has a majority near it; the shortfall is that of the best leader."""
    assert_agrees(*drawn)


def test_the_best_leader_counts_and_one_that_is_not_in_use_does_not() -> None:
    """Zones with 0, 2 and 1 replicas: the empty zone would reach all 3, the second reaches 2 of 3."""
    family = Quorum(TAG, (((0,), (0, 1, 2)), ((1,), (1,)), ((2,), (2,))), majority=3)
    assert judged(family, [0, 2, 1]).excess == 1
    assert judged(family, [1, 2, 0]).excess == 0


@few
@given(st.data())
def test_the_rows_of_what_must_not_all_be_agree_with_the_oracle(data: st.DataObject) -> None:
    """Sums that can never reach their number, and one alone, included."""
    tops = data.draw(highs)
    columns = range(len(tops))
    sets = tuple(
        (subset(data.draw, columns), data.draw(st.integers(1, 6))) for _ in range(data.draw(st.integers(1, 3)))
    )
    assert_agrees(NotAll(TAG, sets), tops, values_within(data.draw, tops))
