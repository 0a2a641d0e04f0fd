"""Anti-affinity, affinity, separation, spread and pins, each broken by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.broken import at, estate, findings, group, zone


def test_anti_affinity_in_a_zone() -> None:
    """Three in a zone where two may be."""
    data = estate({"rule": "anti_affinity", "level": "zone", "at_most": 2}, groups=[group("web", 4)])
    assert findings(data, [at("web", "a1", 3), at("web", "a2")]) == [("anti_affinity", "web", "a1", 1)]
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 2)]) == []


def test_anti_affinity_on_a_host_of_one_group() -> None:
    """One per host for the group that is named; another group may share."""
    rule = {"rule": "anti_affinity", "level": "host", "groups": ["db"]}
    data = estate(rule, hosts=2, groups=[group("web", 2), group("db", 2)])
    placements = [at("web", "a1-h1", 2), at("db", "a1-h2", 2)]
    assert findings(data, placements) == [("anti_affinity", "db", "a1-h2", 1)]


def test_anti_affinity_left_to_the_provider() -> None:
    """Where sites do not have the level, a delegated rule says nothing of a plan."""
    rule = {"rule": "anti_affinity", "level": "host", "delegate": True}
    assert findings(estate(rule, groups=[group("web", 3)]), [at("web", "a1", 3)]) == []


def test_affinity_together() -> None:
    """Two groups that belong together are in two zones: one too many."""
    rule = {"rule": "affinity", "level": "zone", "groups": ["web", "db"]}
    data = estate(rule, groups=[group("web", 2), group("db", 1)])
    assert findings(data, [at("web", "a1", 2), at("db", "a2")]) == [("affinity", "web", "a2", 1)]
    assert findings(data, [at("web", "a1", 2), at("db", "a1")]) == []


def test_affinity_to_another_group() -> None:
    """A cache without its database in the zone."""
    rule = {"rule": "affinity", "level": "zone", "groups": ["cache"], "to": "db"}
    data = estate(rule, groups=[group("cache", 2), group("db", 1)])
    placements = [at("cache", "a1"), at("cache", "a2"), at("db", "a1")]
    assert findings(data, placements) == [("affinity", "cache", "a2", 1)]
    assert findings(data, [at("cache", "a1", 2), at("db", "a1")]) == []


def test_separation() -> None:
    """Two groups that must not meet do, in one zone."""
    rule = {"rule": "separation", "level": "zone", "groups": ["red", "blue"]}
    data = estate(rule, groups=[group("red", 2), group("blue", 1)])
    placements = [at("red", "a1"), at("red", "a2"), at("blue", "a2")]
    assert findings(data, placements) == [("separation", "red", "a2", 1)]


@pytest.mark.parametrize(
    ("asked", "one", "other", "domain", "amount"),
    [
        ({"least_domains": 2}, 4, 0, "a1", 1),
        ({"most_domains": 1}, 3, 1, "a1", 1),
        ({"least_each": 2}, 3, 1, "a2", 1),
        ({"skew": 1}, 3, 1, "a1", 1),
        ({"largest_share": 0.5}, 3, 1, "a1", 1),
        ({"shape": "even"}, 4, 0, "a1", 3),
        ({"shape": "balanced", "soft": {}}, 3, 1, "a1", 2),
        ({"shape": "single"}, 3, 1, "a1", 1),
    ],
)
def test_spread(asked: dict[str, Any], one: int, other: int, domain: str, amount: int) -> None:
    """Four instances over two zones, against each thing that a spread can ask."""
    data = estate({"rule": "spread", **asked}, groups=[group("web", 4)])
    placements = [at("web", site, n) for site, n in (("a1", one), ("a2", other)) if n]
    assert findings(data, placements) == [("spread", "web", domain, amount)]


@pytest.mark.parametrize(
    ("asked", "one", "other"),
    [
        ({"least_domains": 2}, 3, 1),
        ({"most_domains": 1}, 4, 0),
        ({"least_each": 1}, 3, 1),
        ({"skew": 2}, 3, 1),
        ({"largest_share": 0.7}, 3, 1),
        ({"shape": "even"}, 2, 2),
        ({"shape": "single"}, 0, 4),
    ],
)
def test_spread_kept(asked: dict[str, Any], one: int, other: int) -> None:
    """The same rules are silent on plans that keep them; shares are rounded up."""
    data = estate({"rule": "spread", **asked}, groups=[group("web", 4)])
    placements = [at("web", site, n) for site, n in (("a1", one), ("a2", other)) if n]
    assert findings(data, placements) == []


def test_spread_leaves_out_zones_that_cannot_be_entered() -> None:
    """A failed zone does not count for the skew: 2 and 2 over the two that remain, none in the third."""
    data = estate({"rule": "spread", "skew": 0}, regions=2, groups=[group("web", 4)])
    zone(data, "b1")["state"] = "failed"
    zone(data, "b2")["state"] = "coming_soon"
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 2)]) == []
    assert findings(data, [at("web", "a1", 3), at("web", "a2", 1)]) == [("spread", "web", "a1", 2)]


def test_pin_to_today() -> None:
    """One of two instances left the zone where it is today."""
    data = estate({"rule": "pin"}, groups=[group("web", 2, current={"a1": 2})])
    assert findings(data, [at("web", "a1"), at("web", "a2")]) == [("pin", "web", "a1", 1)]
    assert findings(data, [at("web", "a1", 2)]) == []


def test_pin_of_named_instances() -> None:
    """Only the instance that is named has to stay."""
    instances = [{"id": f"i-{n}", "group": "web", "site": "a1"} for n in (1, 2)]
    data = estate({"rule": "pin", "instances": ["i-1"]}, instances=instances, groups=[group("web", 2)])
    moved = [at("web", "a2", 1, None, "i-1"), at("web", "a1", 1, None, "i-2")]
    assert findings(data, moved) == [("pin", "web", "a1", 1)]
    assert findings(data, [at("web", "a1", 1, None, "i-1"), at("web", "a2", 1, None, "i-2")]) == []


def test_pin_to_a_domain() -> None:
    """Two instances are outside the region that they are to stay in."""
    data = estate({"rule": "pin", "domain": "a"}, regions=2, groups=[group("web", 3)])
    assert findings(data, [at("web", "a1"), at("web", "b1", 2)]) == [("pin", "web", "b1", 2)]


def test_pinned_group() -> None:
    """Two of three have a place today; the third may go anywhere, a second one may not."""
    data = estate(groups=[group("web", 3, pinned=True, current={"a1": 2})])
    assert findings(data, [at("web", "a1", 2), at("web", "a2")]) == []
    assert findings(data, [at("web", "a1"), at("web", "a2", 2)]) == [("pinned", "web", "a1", 1)]


def test_pinned_instance() -> None:
    """A single pinned instance moved; its neighbour may."""
    instances = [
        {"id": "i-1", "group": "web", "site": "a1", "pinned": True},
        {"id": "i-2", "group": "web", "site": "a1"},
    ]
    data = estate(instances=instances, groups=[group("web", 2)])
    assert findings(data, [at("web", "a2", 2, None, "i-1", "i-2")]) == [("pinned", "web", "a1", 1)]


def test_all_or_nothing() -> None:
    """Two of three placed: one is missing. None at all is in order."""
    data = estate(groups=[group("web", 3, all_or_nothing=True)])
    assert findings(data, [at("web", "a1", 2)]) == [("all_or_nothing", "web", None, 1)]
    assert findings(data, []) == []
