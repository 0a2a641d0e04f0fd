"""Clashes: what is named really cannot all hold, and nothing that is named could be left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.solver.estates import group, world_of, zones
from zonewright.models import World
from zonewright.solver import Result, place


def labels(result: Result) -> set[str]:
    return {clash.label for clash in result.clash}


def test_the_rules_that_clash_are_named_and_others_are_not() -> None:
    """Three zones wanted, one forbidden of three; a quota that has nothing to do with it is not named."""
    world = world_of(
        zones=zones("z1", "z2", "z3"),
        groups=[group("g", 6), group("other", 2)],
        rules=[
            {"rule": "spread", "id": "three", "level": "zone", "groups": ["g"], "least_domains": 3},
            {"rule": "domains", "id": "not-z3", "groups": ["g"], "forbid": ["z3"]},
            {"rule": "quota", "id": "enough", "groups": ["other"], "most": 9},
        ],
    )
    result = place(world, workers=1)
    assert (result.status, result.reason) == ("INFEASIBLE", "no_placement")
    assert labels(result) >= {"three", "not-z3"}
    assert "enough" not in labels(result)
    assert result.clash_minimal


#: Rules whose meaning does not depend on each other (a skew's zones would depend on what is forbidden).
RULES = {
    "share": {"rule": "spread", "level": "zone", "groups": ["g"], "largest_share": 0.3},
    "wide": {"rule": "spread", "level": "zone", "groups": ["g"], "least_domains": 3},
    "narrow": {"rule": "spread", "level": "zone", "groups": ["g"], "most_domains": 1},
    "out": {"rule": "domains", "groups": ["g"], "forbid": ["z1"]},
    "away": {"rule": "domains", "groups": ["h"], "forbid": ["z2", "z3"]},
    "apart": {"rule": "separation", "level": "zone", "groups": ["g", "h"]},
    "little": {"rule": "quota", "domain": "z1", "most": 1},
    "alone": {"rule": "anti_affinity", "level": "zone", "groups": ["h"], "at_most": 1},
    "stay": {"rule": "survive", "level": "zone", "groups": ["h"], "keep": 2},
}


def drawn_world(names: list[str]) -> World:
    return world_of(
        zones=zones("z1", "z2", "z3"),
        groups=[group("g", 4), group("h", 2)],
        rules=[{"id": name, **RULES[name]} for name in names],
    )


def test_a_rule_that_is_impossible_by_itself_is_named_by_itself() -> None:
    """Two of two must remain in any loss; that another rule would clash with it too is beside the point."""
    world = drawn_world(["away", "stay"])
    result = place(world, workers=1)
    assert {label for label in labels(result) if label in RULES} == {"stay"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(sorted(RULES)), unique=True, min_size=2, max_size=6))
def test_what_is_named_is_enough_and_each_of_it_is_needed(names: list[str]) -> None:
    """With only the named rules it is still impossible; without any one of them it is possible."""
    result = place(drawn_world(names), workers=1)
    if result.status != "INFEASIBLE":
        assert result.status == "OPTIMAL"
        return
    core = sorted(labels(result) & set(names))
    assert core
    assert place(drawn_world(core), workers=1).status == "INFEASIBLE"
    if result.clash_minimal:
        for name in core:
            rest = [other for other in core if other != name]
            assert place(drawn_world(rest), workers=1).status == "OPTIMAL"
