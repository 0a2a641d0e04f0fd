"""What moves hold and cost, each broken by hand; and levels that cut across the tree."""

from __future__ import annotations

import pytest

from tests.broken import at, estate, findings, group, zone
from zonewright.models import World, estate_from_data
from zonewright.models.problems import InputError

SOFT = {"soft": {}}


def test_double_occupancy_of_a_zone() -> None:
    """One of three goes, and two come into a zone of four cores: five at once."""
    rule = {"rule": "double_occupancy", "level": "zone"}
    data = estate(rule, groups=[group("web", 3, current={"a1": 3}), group("db", 2)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 4}
    assert findings(data, [at("web", "a1", 2), at("web", "a2"), at("db", "a1", 2)]) == [
        ("double_occupancy", None, "a1", 1000)
    ]
    assert findings(data, [at("web", "a1", 2), at("web", "a2"), at("db", "a1"), at("db", "a2")]) == []


def test_double_occupancy_counts_beyond_the_capacity_alone() -> None:
    """Five cores used of four, and one held: capacity says one, the rule one more."""
    rule = {"rule": "double_occupancy", "level": "zone"}
    data = estate(rule, groups=[group("web", 1, current={"a1": 1}), group("db", 5)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 4}
    found = findings(data, [at("web", "a2"), at("db", "a1", 5)])
    assert sorted(found) == [("capacity", None, "a1", 1000), ("double_occupancy", None, "a1", 1000)]


def test_a_domain_that_is_too_full_can_be_emptied() -> None:
    """Four of three cores are used today: one may go, as long as nobody comes."""
    rule = {"rule": "double_occupancy", "level": "zone"}
    data = estate(rule, groups=[group("web", 4, current={"a1": 4}), group("db", 1)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 3}
    assert findings(data, [at("web", "a1", 3), at("web", "a2"), at("db", "a2")]) == []
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 2), at("db", "a1")]) == [
        ("double_occupancy", None, "a1", 1000)
    ]


def test_own_costs_of_moves() -> None:
    """A member of its own cost, one of the group's, and one that has no place any more."""
    rule = {"rule": "move_cost", "own": True, **SOFT}
    data = estate(
        rule,
        groups=[group("web", 3, current={"a1": 2}, move_cost=4)],
        instances=[{"id": "web[0]", "group": "web", "site": "a1", "move_cost": 7}],
    )
    assert findings(data, [at("web", "a2", 1, None, "web[0]"), at("web", "a1")]) == [
        ("move_cost", None, None, 7 + 4)
    ]


@pytest.mark.parametrize(("target", "cost"), [("a1-h1", 0), ("a1-h2", 1), ("a2-h1", 5), (None, 5)])
def test_costs_of_moves_by_steps(target: str | None, cost: int) -> None:
    """Nothing for who stays, one within the zone, five beyond and for who goes nowhere."""
    rule = {"rule": "move_cost", "steps": [{"within": "zone", "cost": 1}], "beyond": 5, **SOFT}
    data = estate(rule, hosts=2, groups=[group("web", 1, current={"a1-h1": 1})])
    found = findings(data, [at("web", target)] if target else [])
    assert found == ([("move_cost", None, None, cost)] if cost else [])


def test_the_nearest_pair_counts_and_each_only_one_way() -> None:
    """From zone to zone three; from one host there only two; back what is beyond."""
    pairs = [{"from": "a1", "to": "a2", "cost": 3}, {"from": "a1-h1", "to": "a2", "cost": 2}]
    rule = {"rule": "move_cost", "pairs": pairs, "beyond": 9, **SOFT}
    ways = {("a1-h1", "a2-h1"): 2, ("a1-h2", "a2-h1"): 3, ("a2-h1", "a1-h1"): 9}
    for (home, target), cost in ways.items():
        data = estate(rule, hosts=2, groups=[group("web", 1, current={home: 1})])
        assert findings(data, [at("web", target)]) == [("move_cost", None, None, cost)]


def test_who_went_where_is_taken_as_cheaply_as_can_be() -> None:
    """From one host of each zone to the other: each inside its zone."""
    rule = {"rule": "move_cost", "steps": [{"within": "zone", "cost": 1}], "beyond": 5, **SOFT}
    data = estate(rule, hosts=2, groups=[group("web", 2, current={"a1-h1": 1, "a2-h1": 1})])
    assert findings(data, [at("web", "a2-h2"), at("web", "a1-h2")]) == [("move_cost", None, None, 2)]


def test_the_group_with_the_most_moves_counts_alone() -> None:
    """Three and two: three, less the one that is allowed."""
    data = estate(
        {"rule": "group_moves", "most": 1},
        groups=[group("web", 3, current={"a1": 3}), group("db", 3, current={"a1": 3})],
    )
    placements = [at("web", "a2", 2), at("web", "a1"), at("db", "a2", 2)]
    assert findings(data, placements) == [("group_moves", "db", None, 2)]


def test_a_rule_on_a_level_across_the_tree() -> None:
    """Two hosts of different zones are on one power feed, which has its own capacity."""
    rule = {"rule": "anti_affinity", "level": "feed"}
    data = estate(rule, hosts=1, groups=[group("web", 2)])
    data["levels"] = ["region", "zone", "feed", "host"]
    data["domains"] = [{"id": "f1", "level": "feed", "capacity": {"cpu_cores": 1}}, {"id": "f2", "level": "feed"}]
    for host, feed in zip(data["hosts"], ("f1", "f1"), strict=True):
        host["also_in"] = [feed]
    world = World(estate_from_data(data))
    assert [world.tree.nodes[s].id for s in world.tree.sites] == ["a1-h1", "a2-h1"]
    found = findings(data, [at("web", "a1-h1"), at("web", "a2-h1")])
    assert sorted(found, key=str) == [("anti_affinity", "web", "f1", 1), ("capacity", None, "f1", 1000)]


def test_company_of_several() -> None:
    """In the one zone both are missing, in the other one of them."""
    rule = {"rule": "affinity", "level": "zone", "groups": ["web"], "to": ["db", "cache"]}
    data = estate(rule, groups=[group("web", 2), group("db", 1), group("cache", 0)])
    found = findings(data, [at("web", "a1"), at("web", "a2"), at("db", "a1")])
    assert sorted(found) == [
        ("affinity", "web", "a1", 1),
        ("affinity", "web", "a2", 1),
        ("affinity", "web", "a2", 1),
    ]


FEEDS = {"levels": ["region", "zone", "feed", "host"], "domains": [{"id": "f1", "level": "feed"}]}
WRONG = {
    "unknown feed": ({**FEEDS, "zones": [{"id": "z", "in": "a", "also_in": ["f9"]}]}, "f9, which is unknown"),
    "feed below": ({**FEEDS, "zones": [{"id": "z", "in": "a", "also_in": ["f1"]}]}, "cannot be in f1"),
    "two regions": ({"hosts": [{"id": "h", "in": "a1", "also_in": ["b"]}], "regions": [{"id": "a"}, {"id": "b"}],
                     "zones": [{"id": "a1", "in": "a"}]}, "in two regions, b and a"),
    "nothing is safe": ({"rules": [{"rule": "load", "level": "zone"}]}, "no zone says what is safe"),
    "no capacity of both": (
        {"rules": [{"rule": "free_ratio", "level": "zone", "resource": "pods", "ratio": 1, "beside": "disk_gib"}]},
        "no zone has a capacity of both",
    ),
    "one resource twice": (
        {"rules": [{"rule": "free_ratio", "level": "zone", "resource": "pods", "ratio": 1, "beside": "pods"}]},
        "two different resources",
    ),
    "a soft rule on room": ({"rules": [{"rule": "double_occupancy", "level": "zone", **SOFT}]}, "no soft form"),
    "a hard cost": ({"rules": [{"rule": "move_cost", "own": True}]}, "give soft with a weight"),
    "no cost": ({"rules": [{"rule": "move_cost", **SOFT}]}, "asks for nothing"),
    "two measures": ({"rules": [{"rule": "move_cost", "own": True, "beyond": 1, **SOFT}]}, "write two rules"),
    "unknown level of a step": (
        {"rules": [{"rule": "move_cost", "steps": [{"within": "zoen", "cost": 1}], **SOFT}]}, "Maybe zone?",
    ),
    "unknown end of a pair": (
        {"rules": [{"rule": "move_cost", "pairs": [{"from": "a1", "to": "a9", "cost": 1}], **SOFT}]},
        "unknown domain a9",
    ),
    "unknown company": (
        {"rules": [{"rule": "affinity", "level": "zone", "groups": ["web"], "to": ["wbe"]}]}, "Maybe web?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name: str) -> None:
    """With one line that says what is wrong."""
    fields, words = WRONG[name]
    data = {**estate(groups=[group("web", 1)]), **fields}
    with pytest.raises(InputError, match=words) as raised:
        World(estate_from_data(data))
    assert raised.value.path
