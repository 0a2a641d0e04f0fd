"""Classes: instances are taken together exactly when no rule and no cost tells them apart."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.solver.estates import group, world_of, zones
from zonewright.models import World
from zonewright.solver.classes import Class, make_classes
from zonewright.solver.profiles import Reach
from zonewright.solver.program import lower


def classes_of(world: World) -> list[Class]:
    return lower(world).context.classes


def two(*rules: dict[str, Any], on_one: dict[str, Any] | None = None, **parts: Any) -> World:
    """Return groups `a` (3) and `b` (5), alike but for what `on_one` says of `a`."""
    return world_of(
        zones=zones("z1", "z2"),
        groups=[group("a", 3, **(on_one or {})), group("b", 5)],
        rules=list(rules),
        **parts,
    )


def test_groups_that_nothing_tells_apart_are_one_class() -> None:
    """Three of one group and five of another, alike: eight of a class without a group's name."""
    (only,) = classes_of(two())
    assert (only.group, only.count, [u.group for u in only.units]) == (None, 8, ["a", "b"])


VPC = {"vpcs": [{"id": "v", "region": "r1"}]}

TELLING: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    # name: (rules, what differs in group a, further parts of the estate)
    "demand": ([], {"demand": {"cpu_milli": 2}}, {}),
    "priority": ([], {"priority": 7}, {}),
    "pinned": ([], {"pinned": True}, {}),
    "stateful": ([], {"stateful": True}, {}),
    "local disk": ([], {"movability": {"local_disk": True}}, {}),
    "prepaid": ([], {"billing": {"mode": "prepaid", "paid_until": "2030-01-01T00:00:00Z"}}, {}),
    "current": ([], {"current": {"z1": 1}}, {}),
    "all or nothing": ([], {"all_or_nothing": True}, {}),
    "network": ([], {"vpcs": ["v"]}, VPC),
    "image": ([], {"image": "i"}, {"images": [{"id": "i", "regions": ["r1"]}]}),
    "account": ([], {"account": "x"}, {"accounts": [{"id": "y"}, {"id": "x"}]}),
    "clients": (
        [],
        {"clients": {"town": 1.0}},
        {"clients": [{"id": "town"}], "goals": ["placed", "soft", "client_latency"]},
    ),
    "service": ([], {}, {"services": [{"id": "s", "chain": ["a"]}]}),
    "balancer": (
        [],
        {},
        {"load_balancers": [{"id": "lb", "kind": "clb", "region": "r1", "backends": ["a"]}]},
    ),
    "traffic": ([], {}, {"traffic": [{"from": "a", "to": "a", "gib_per_month": 1}]}),
    "anti-affinity": ([{"rule": "anti_affinity", "level": "zone", "at_most": 9, "groups": ["a"]}], {}, {}),
    "anti-affinity of both": ([{"rule": "anti_affinity", "level": "zone", "at_most": 9}], {}, {}),
    "spread of both": ([{"rule": "spread", "level": "zone", "skew": 9}], {}, {}),
    "affinity": ([{"rule": "affinity", "level": "zone", "groups": ["a"]}], {}, {}),
    "affinity to": ([{"rule": "affinity", "level": "zone", "groups": ["a"], "to": "b"}], {}, {}),
    "separation": ([{"rule": "separation", "level": "zone", "groups": ["a", "b"]}], {}, {}),
    "latency": ([{"rule": "latency", "between": ["a", "b"], "limit_ms": 1}], {}, {}),
    "quorum": ([{"rule": "latency", "quorum": "a", "limit_ms": 1}], {}, {}),
    "synchronous": ([{"rule": "synchronous_replicas", "level": "zone", "groups": ["a"]}], {}, {}),
    "static survival of both": ([{"rule": "survive", "level": "zone"}], {}, {}),
    "evacuation of one": ([{"rule": "survive", "mode": "evacuate", "level": "zone", "groups": ["a"]}], {}, {}),
    "domains": ([{"rule": "domains", "groups": ["a"], "forbid": ["z1"]}], {}, {}),
    "soft domains": ([{"rule": "domains", "groups": ["a"], "forbid": ["z1"], "soft": {"weight": 1}}], {}, {}),
    "residency": (
        [{"rule": "residency", "groups": ["a"], "countries": ["CN"]}],
        {},
        {"regions": [{"id": "r1", "country": "CN"}]},
    ),
    "quota of one": ([{"rule": "quota", "groups": ["a"], "most": 9}], {}, {}),
    "budget of one": ([{"rule": "budget", "groups": ["a"], "per_month": 9}], {}, {}),
    "moves of each": ([{"rule": "group_moves", "soft": {}}], {}, {}),
    "company of several": ([{"rule": "affinity", "level": "zone", "groups": ["a"], "to": ["b"]}], {}, {}),
    "cost of moves of one": ([{"rule": "move_cost", "groups": ["a"], "own": True, "soft": {}}], {}, {}),
}


@pytest.mark.parametrize("name", TELLING)
def test_what_tells_groups_apart_keeps_them_apart(name: str) -> None:
    """One difference in the group, in a rule or in a goal, and their instances are counted by themselves."""
    rules, on_one, parts = TELLING[name]
    assert len(classes_of(two(*rules, on_one=on_one, **parts))) == 2


SUMS = {
    "quota of all": {"rule": "quota", "domain": "z1", "most": 6},
    "budget of both": {"rule": "budget", "groups": ["a", "b"], "per_month": 9},
    "evacuation of all": {"rule": "survive", "mode": "evacuate", "level": "zone"},
    "domains of both": {"rule": "domains", "groups": ["a", "b"], "forbid": ["z1"]},
    "load": {"rule": "load", "level": "zone", "most_share": 0.5},
    "cost of moves": {"rule": "move_cost", "own": True, "soft": {}},
}


@pytest.mark.parametrize("name", SUMS)
def test_rules_that_add_up_over_both_groups_do_not_split_them(name: str) -> None:
    """A limit on the sum over both groups, or one place for all displaced, needs no counts by group."""
    (only,) = classes_of(two(SUMS[name]))
    assert only.count == 8


def test_flavours_tell_apart_where_they_are_priced_or_in_stock() -> None:
    """Two flavours of equal size: one class while neither has a price or a stock, two once one has."""
    sizes = {"resources": {"cpu_milli": 1}, "family": "f"}
    flavours = [{"id": "f1", **sizes}, {"id": "f2", **sizes}]
    groups = [{"id": "a", "count": 3, "flavour": "f1"}, {"id": "b", "count": 5, "flavour": "f2"}]
    assert len(classes_of(world_of(zones=zones("z1"), flavours=flavours, groups=groups))) == 1
    stocked = zones("z1", flavours={"f1": 5, "f2": 5})
    assert len(classes_of(world_of(zones=stocked, flavours=flavours, groups=groups))) == 2
    priced = [{**flavours[0], "price": {"z1": 3}}, flavours[1]]
    assert len(classes_of(world_of(zones=zones("z1"), flavours=priced, groups=groups))) == 2


def test_named_and_unnamed_members_are_one_class_until_something_differs() -> None:
    """Of five in a group two have names and one of those is larger: a class of four and a class of one."""
    world = world_of(
        zones=zones("z1", "z2"),
        groups=[group("g", 5, current={"z1": 2})],
        instances=[
            {"id": "g-1", "group": "g", "site": "z2"},
            {"id": "g-2", "group": "g", "demand": {"cpu_milli": 9}},
        ],
    )
    found = {c.unit.demand["cpu_milli"]: c for c in classes_of(world)}
    z1, z2 = world.tree.by_id["z1"], world.tree.by_id["z2"]
    assert (found[1].count, found[1].current) == (4, Counter({z1: 2, z2: 1}))
    assert (found[9].count, found[9].current) == (1, Counter())


def test_an_instance_that_a_pin_rule_names_is_a_class_of_its_own() -> None:
    """The pin holds for that instance only: the other two of the group stay one class."""
    pin = {"rule": "pin", "groups": ["g"], "instances": ["g-1"], "domain": "z1"}
    world = world_of(
        zones=zones("z1", "z2"),
        groups=[group("g", 3)],
        instances=[{"id": "g-1", "group": "g"}],
        rules=[pin],
    )
    assert sorted(c.count for c in classes_of(world)) == [1, 2]


def test_every_unit_is_in_exactly_one_class_and_counts_add_up() -> None:
    """On the estate of this file with the most differences nothing is lost and nothing counted twice."""
    world = two({"rule": "quota", "groups": ["a"], "most": 9}, on_one={"current": {"z1": 2, "z2": 1}})
    found = make_classes(world, Reach(world))
    assert sorted(u.index for c in found for u in c.units) == [u.index for u in world.units]
    assert all(c.count == sum(u.count for u in c.units) for c in found)
    assert [c.index for c in found] == list(range(len(found)))


MOVES = {"none": ([], 1), "own cost": ([{"own": True}], 2), "distance": ([{"beyond": 1}], 3)}


@pytest.mark.parametrize("name", MOVES)
def test_who_runs_today_is_told_apart_by_what_its_moves_cost(name: str) -> None:
    """Two at one site, of which one is dearer to move, and one at another: apart only where a rule asks for it."""
    rules, number = MOVES[name]
    instances = [
        {"id": "g-1", "group": "g", "site": "z1"},
        {"id": "g-2", "group": "g", "site": "z1", "move_cost": 5},
        {"id": "g-3", "group": "g", "site": "z2"},
    ]
    written = [{"rule": "move_cost", "soft": {}, **rule} for rule in rules]
    if name == "distance":
        written.append({"rule": "move_cost", "soft": {}, "own": True})
    world = world_of(zones=zones("z1", "z2"), groups=[group("g", 3)], instances=instances, rules=written)
    assert len(classes_of(world)) == number
