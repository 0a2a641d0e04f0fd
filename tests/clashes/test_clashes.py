"""Why nothing fits: every reason, none of it superfluous, and changes that are enough and no more than that."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.analyses.clashes import reasons, size
from tests.analyses.duel_clashes import differences
from tests.analyses.puzzles import drawn
from tests.solver.estates import group, world_of, zones
from zonewright.cli.source import read_world
from zonewright.models import World
from zonewright.models.edits import apply_edits
from zonewright.models.plan import Status
from zonewright.solver import place
from zonewright.solver.clashes import Clashes, ClashSet, find_clashes
from zonewright.solver.deadline import Deadline

#: Placements that a drawn estate may have here: the whole comparison is a benchmark's.
FEW = 150


def told(world: World, seconds: float = 30.0) -> Clashes:
    return find_clashes(world, Deadline(seconds), workers=1)


def names(clash: ClashSet) -> set[tuple[str, str | None, str | None]]:
    return {(m.label, m.group, m.domain) for m in clash.members}


def edited(world: World, clashes: Clashes, number: int) -> World:
    texts = [text for change in clashes.fixes[number].changes for text in change.edits]
    return World(apply_edits(world.estate, texts))


@pytest.mark.parametrize("seed", range(12))
def test_all_clashes_and_the_cheapest_fix_are_those_of_trying_everything(seed: int) -> None:
    """Tiny estates with several rules of any kind at once."""
    rng = Random(f"clashes {seed}")
    data = next(data for _ in range(1000) if size(data := drawn(rng)) <= FEW)
    assert list(differences(data, reasons(data))) == []


def test_independent_clashes_are_told_apart_and_each_needs_its_own_change() -> None:
    """One group wants more zones than it may use, another more room than there is."""
    world = world_of(
        zones=[{"id": "z1", "capacity": {"cpu_cores": 8}}, {"id": "z2", "capacity": {"cpu_cores": 8}}],
        groups=[group("g", 2), {"id": "big", "count": 5, "demand": {"cpu_cores": 4}}],
        rules=[
            {"rule": "spread", "id": "two", "level": "zone", "groups": ["g"], "least_domains": 2},
            {"rule": "domains", "id": "out", "groups": ["g"], "forbid": ["z2"]},
        ],
    )
    found = told(world)
    assert (found.status, found.complete, found.covered) == (Status.INFEASIBLE, True, True)
    assert [names(clash) for clash in found.independent] == [
        {("out", "g", None), ("placed", "g", None), ("two", "g", None)},
        {("capacity", None, "z1"), ("capacity", None, "z2"), ("placed", "big", None)},
    ]
    assert all(clash.minimal for clash in found.clashes)
    assert {fix.cost for fix in found.fixes} == {2}
    assert found.fixes_proven


def test_a_change_is_as_small_as_it_goes() -> None:
    """Five of four cores, room for four of them: one fewer, or four cores more where there is one zone."""
    world = world_of(
        zones=[{"id": "z1", "capacity": {"cpu_cores": 16}}],
        groups=[{"id": "big", "count": 5, "demand": {"cpu_cores": 4}}],
    )
    edits = {change.edit for fix in told(world).fixes for change in fix.changes}
    assert edits == {"groups.big.count=4", "zones.z1.capacity.cpu_cores=20"}


LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"rule": "quota", "most": 3}, "rules.target.most=6"),
    ({"rule": "anti_affinity", "level": "zone", "at_most": 1}, "rules.target.at_most=2"),
    ({"rule": "spread", "least_domains": 5}, "rules.target.least_domains=3"),
    ({"rule": "spread", "largest_share": 0.1}, "rules.target.largest_share=0.3333"),
    ({"rule": "survive", "keep": 5}, "rules.target.keep=4"),
    ({"rule": "budget", "per_month": 5}, "rules.target.per_month=6.0"),
]


@pytest.mark.parametrize(
    ("rule", "wanted"), LIMITS, ids=[rule["rule"] + str(n) for n, (rule, _) in enumerate(LIMITS)]
)
def test_numbers_of_rules_give_way_by_the_least_that_does(rule: dict[str, Any], wanted: str) -> None:
    """Six in three zones; each edit is enough, and is the least there is of its kind."""
    world = world_of(
        zones=[{**zone, "price": {"cpu_cores": 1}} for zone in zones("z1", "z2", "z3")],
        groups=[group("g", 6, demand={"cpu_cores": 1})],
        rules=[{"id": "target", **rule}],
    )
    found = told(world)
    by_edit = {change.edit: n for n, fix in enumerate(found.fixes) for change in fix.changes}
    assert wanted in by_edit
    assert place(edited(world, found, by_edit[wanted]), workers=1).status == Status.OPTIMAL


def test_a_limit_on_latency_is_raised_to_the_next_round_trip_that_helps() -> None:
    """Both zones have to be used; they are 7 ms apart, and something else is 5."""
    world = world_of(
        zones=zones("z1", "z2", "z3"),
        groups=[group("g", 2)],
        latencies=[{"between": ["z1", "z2"], "rtt_ms": 7}, {"between": ["z1", "z3"], "rtt_ms": 5}],
        rules=[
            {"rule": "spread", "id": "two", "level": "zone", "groups": ["g"], "least_domains": 2},
            {"rule": "domains", "id": "here", "groups": ["g"], "allow": ["z1", "z2"]},
            {"rule": "latency", "id": "near", "between": ["g", "g"], "limit_ms": 2},
        ],
    )
    edits = {change.edit for fix in told(world).fixes for change in fix.changes}
    assert "rules.near.limit_ms=7.0" in edits


def test_a_rule_that_goes_for_two_groups_is_one_edit() -> None:
    world = world_of(
        zones=zones("z1", "z2"),
        groups=[group("a", 1), group("b", 1), group("c", 1)],
        rules=[
            {"rule": "domains", "id": "in", "groups": ["a", "b", "c"], "allow": ["z1"]},
            {"rule": "domains", "id": "out", "groups": ["a", "b"], "forbid": ["z1"]},
        ],
    )
    found = told(world)
    assert all(fix.verified for fix in found.fixes)
    texts = {tuple(dict.fromkeys(t for c in fix.changes for t in c.edits)) for fix in found.fixes}
    assert any(len(edits) == 1 for edits in texts)


def test_weights_decide_what_is_cheapest() -> None:
    world = world_of(
        zones=[{"id": "z1", "capacity": {"cpu_cores": 2}}], groups=[group("g", 3, demand={"cpu_cores": 1})]
    )
    dear = find_clashes(world, Deadline(30), workers=1, fix_weights={"g": 5})
    assert dear.fixes[0].changes[0].element.rule == "capacity"
    assert (dear.fixes[0].cost, dear.fixes[1].cost) == (1, 5)


def test_on_many_hosts_a_few_groups_are_to_blame_and_hosts_are_told_together() -> None:
    """Forty hosts, two thirds full; a group of which each takes more than half a host, and one too many."""
    rest = [{"id": f"r{n}", "count": 10, "demand": {"cpu_cores": 2}} for n in range(40)]
    world = world_of(
        zones=zones("z1", "z2"),
        hosts=[
            {"id": "h", "in": "z1", "count": 20, "capacity": {"cpu_cores": 32}},
            {"id": "k", "in": "z2", "count": 21, "capacity": {"cpu_cores": 32}},
        ],
        groups=[*rest, {"id": "big", "count": 42, "demand": {"cpu_cores": 17}}],
    )
    found = told(world, 60.0)
    assert found.status is Status.INFEASIBLE
    first = found.clashes[0]
    assert names(first) == {("placed", "big", None), ("capacity", None, "h-0"), ("capacity", None, "k-0")}
    assert (first.minimal, first.kind) == (True, "packing")
    assert "room for 41" in first.sentence
    assert "each of the 21 hosts like k-0" in first.sentence


KINDS = {
    "addresses-used-up": "network",
    "big-databases": "packing",
    "desks-too-far": "latency",
    "ledger-three-zones": "counting",
    "quorum-two-zones": "counting",
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_shipped_estates_without_a_placement_say_why(name: str) -> None:
    found = told(read_world(name))
    assert found.clashes[0].kind == KINDS[name]
    assert found.complete
    assert found.fixes_proven
    assert found.fixes[0].verified


def test_no_time_is_not_no_placement() -> None:
    world = world_of(
        zones=[{"id": "z1", "capacity": {"cpu_cores": 2}}], groups=[group("g", 3, demand={"cpu_cores": 1})]
    )
    assert told(world, 0.0).status is Status.UNKNOWN


def test_where_there_is_a_placement_nothing_clashes() -> None:
    found = told(world_of(zones=zones("z1"), groups=[group("g", 3)]))
    assert (found.status, found.clashes, found.fixes) == (Status.FEASIBLE, [], [])


def test_frames_have_a_row_for_every_member_and_change() -> None:
    world = world_of(
        zones=[{"id": "z1", "capacity": {"cpu_cores": 2}}], groups=[group("g", 3, demand={"cpu_cores": 1})]
    )
    found = told(world)
    assert list(found.clash_frame()["label"]) == ["placed", "capacity"]
    assert set(found.fix_frame()["fix"]) == {0, 1}
