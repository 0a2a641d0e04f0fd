"""Rules that are broken already: rows that allow for it, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import TAG, assert_agrees, few, highs, judged, parts, subset, values_within
from zonewright.models import Status, World, check_plan, estate_from_data
from zonewright.solver import place
from zonewright.solver.families.base import Family
from zonewright.solver.families.company import DomainCount, Excludes, Requires
from zonewright.solver.families.spread import Skew
from zonewright.solver.families.sums import Sum
from zonewright.solver.rows import Tag
from zonewright.solver.tolerance import Tolerance, Tolerant


def _tolerance(*entries: dict[str, object]) -> Tolerance:
    return Tolerance(estate_from_data({"estate": "e", "zones": [{"id": "z"}], "tolerated": list(entries)}))


def _sum(high: int, label: str = "r", group: str | None = "g", domain: str | None = "z", **fields: str) -> Sum:
    tag = Tag("anti_affinity", label, group, domain, **fields)
    return Sum(tag, (0, 1), (1, 1), high=high)


@st.composite
def hard_families(draw: st.DrawFn, tops: list[int]) -> Family:
    columns = range(len(tops))
    return draw(
        st.sampled_from(
            [
                Sum(TAG, tuple(columns), (1,) * len(tops), high=draw(st.integers(0, 6))),
                Sum(TAG, subset(draw, columns), (1,) * 9, low=draw(st.integers(0, 6))),
                DomainCount(
                    TAG, parts(draw, columns), draw(st.none() | st.integers(0, 3)), draw(st.integers(0, 2))
                ),
                Excludes(TAG, subset(draw, columns), subset(draw, columns)),
                Requires(TAG, subset(draw, columns), subset(draw, columns)),
                Skew(TAG, parts(draw, columns), draw(st.integers(0, 2))),
            ]
        )
    )


@few
@given(st.data())
def test_widened_families_agree_with_the_oracle(data: st.DataObject) -> None:
    """One family or several under one entry: their excess together is what it allows for, at most."""
    tops = data.draw(highs)
    values = values_within(data.draw, tops)
    chosen = [data.draw(hard_families(tops)) for _ in range(data.draw(st.integers(1, 3)))]
    chosen = [replace(f, values=(1,) * len(f.columns)) if isinstance(f, Sum) else f for f in chosen]
    most = data.draw(st.integers(0, 4))
    tolerance = _tolerance({"rule": "label", "amount": most})
    for family in chosen:
        assert tolerance.take(replace(family, tag=Tag("spread", "label")))  # type: ignore[type-var]
    (widened,) = tolerance.families()
    assert_agrees(widened, tops, values)
    excess = sum(judged(family, values).excess for family in chosen)
    assert judged(widened, values).excess == max(0, excess - most)


def test_an_entry_of_the_domain_goes_before_one_for_all() -> None:
    tolerance = _tolerance(
        {"rule": "r", "group": "g", "amount": 3}, {"rule": "r", "group": "g", "domain": "z", "amount": 1}
    )
    assert all(tolerance.take(_sum(2, domain=domain)) for domain in ("z", "y", "x"))
    own, shared = tolerance.families()
    assert isinstance(own, Sum)
    assert own.high == 3
    assert isinstance(shared, Tolerant)
    assert (shared.most, len(shared.parts)) == (3, 2)


@pytest.mark.parametrize(
    ("family", "taken"),
    [
        (_sum(2), True),
        (_sum(2, label="other"), False),
        (_sum(2, group="h"), False),
        (_sum(2, group=None), False),
        (_sum(2, domain="y"), False),
        (_sum(2, what="cpu_milli"), False),
    ],
)
def test_a_family_is_widened_only_where_it_is_broken(family: Sum, taken: bool) -> None:
    tolerance = _tolerance({"rule": "r", "group": "g", "domain": "z", "amount": 1})
    assert tolerance.take(family) is taken


def test_hosts_that_are_overfull_stay_so_and_take_no_more() -> None:
    """Forty hosts, one of them overfull: nobody has to move, and nobody joins them."""
    estate = {
        "estate": "e",
        "zones": [{"id": "z"}],
        "hosts": [{"id": "h", "in": "z", "count": 40, "capacity": {"cpu_cores": 4}}],
        "groups": [
            {"id": "web", "count": 9, "demand": {"cpu_cores": 1}, "current": {"h-7": 6}},
            {"id": "db", "count": 60, "demand": {"cpu_cores": 2}, "current": {"h-8": 2}},
        ],
        "tolerated": [{"rule": "capacity", "domain": "h-7", "what": "cpu_milli", "amount": 2000}],
    }
    world = World(estate_from_data(estate))
    result = place(world, workers=1, time_limit_s=20)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
    assert {goal.goal: goal.value for goal in result.objective}["moves"] == 0


def test_a_caller_out_of_reach_in_one_region_does_not_go_to_another_out_of_reach() -> None:
    """The front in one region reaches nobody already; a second region may not become as bad."""
    estate = {
        "estate": "e",
        "regions": [{"id": "r1"}, {"id": "r2"}, {"id": "r3"}],
        "zones": [{"id": "z1", "in": "r1"}, {"id": "z2", "in": "r2"}, {"id": "z3", "in": "r3"}],
        "groups": [
            {"id": "front", "count": 2, "demand": {"cpu_cores": 1}, "current": {"z1": 2}},
            {"id": "back", "count": 1, "demand": {"cpu_cores": 1}, "current": {"z3": 1}},
        ],
        "services": [{"id": "s", "chain": ["front", "back"]}],
        "rules": [{"rule": "anti_affinity", "groups": ["front"], "level": "zone", "at_most": 1}],
        "tolerated": [{"rule": "network", "group": "front", "domain": "r1", "amount": 1}],
    }
    world = World(estate_from_data(estate))
    result = place(world, workers=1, time_limit_s=20)
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
    assert {p.site for p in result.plan.placements if p.group == "front"} == {"z1", "z3"}
