"""Edits of an estate in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.capacity.estates import built, halls, pools
from zonewright.models import InputError, World, apply_edits, parse_edit
from zonewright.models.edits import scaled, with_zone


def _group(estate: Any, name: str) -> Any:
    return next(group for group in estate.groups if group.id == name)


def test_fields_entries_and_sections_are_set_added_and_taken_away() -> None:
    """Each way of writing an edit, one after another."""
    estate = apply_edits(
        built(pools()),
        [
            "groups.web.count=12",
            "zones.b.capacity.cpu_cores=400",
            "zones.a.capacity.cpu_cores.reserved=3",
            "zones.c.state=open",
            "groups.web.demand.cpu_milli=1500",
            "rules.few.most=99",
            "rules+={rule: spread, level: zone, least_domains: 2}",
            "rules.spread[1].groups=[web]",
            "offers.open=null",
            "goals=[placed, cost]",
            "groups.db.demand={cpu_cores: 1}",
            "migration.weigh=memory",
        ],
    )
    a, b, c = estate.zones
    assert (b.capacity["cpu_milli"].owned, a.capacity["cpu_milli"].reserved) == (400_000, 3_000)
    assert a.capacity["cpu_milli"].owned == 8_000
    assert c.state == "open"
    assert (_group(estate, "web").count, _group(estate, "web").demand) == (12, {"cpu_milli": 1500})
    assert _group(estate, "db").demand == {"cpu_milli": 1000}
    assert [rule.rule for rule in estate.rules] == ["quota", "spread"]
    assert estate.rules[1].groups == ["web"]
    assert [offer.id for offer in estate.offers] == ["cores", "one-big", "quota"]
    assert estate.goals == ["placed", "cost"]
    assert estate.migration.weigh == "memory"
    World(estate)


def test_an_edit_is_written_as_it_is_read() -> None:
    """`text` reads back as the same edit."""
    for text in ("groups.web.count=12", 'rules+={"rule": "spread", "skew": 1}', "rules.few=null"):
        assert parse_edit(parse_edit(text).text) == parse_edit(text)


def test_names_with_dots_and_hosts_that_are_counted_together_are_found() -> None:
    """The longest name counts; one of several hosts gets an entry of its own."""
    data = halls()
    data["groups"].append({"id": "web.eu", "count": 1, "demand": {"cpu_cores": 1}})
    estate = apply_edits(built(data), ["groups.web.eu.count=3", "hosts.h-1.state=failed"])
    assert (_group(estate, "web.eu").count, _group(estate, "web").count) == (3, 6)
    states = {host.id: host.state for host in estate.hosts}
    assert (states["h-0"], states["h-1"]) == (None, "failed")
    World(estate)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups.webb.count=12", "Maybe web"),
        ("group.web.count=12", "Maybe groups"),
        ("groups.web.cuont=12", "Maybe count"),
        ("groups.web.count=many", "whole number"),
        ("zones.z.state=open", "unknown domain z"),
        ("rules.few.most=-1", "at least 0"),
        ("goals=[cost]", "begin with placed"),
        ("nonsense", "is no edit"),
        ("groups.web.count.x=1", "no fields inside"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_with_the_nearest_name(text: str, said: str) -> None:
    """In one line."""
    with pytest.raises(InputError, match=said) as refused:
        apply_edits(built(pools()), [text])
    assert "\n" not in str(refused.value)


def test_scaling_rounds_up_and_takes_load_and_current_along() -> None:
    """What a group carries grows with it; what runs beyond the new size is gone."""
    data = halls()
    data["groups"][0] |= {"load": 10, "throughput": 4}
    data["instances"] = [{"id": "db[0]", "group": "db", "site": "g-0"}, {"id": "db[1]", "group": "db"}]
    bigger = scaled(built(data), {"all": 1.25, "db": 2})
    assert (_group(bigger, "web").count, _group(bigger, "web").load, _group(bigger, "db").count) == (8, 14, 4)
    smaller = scaled(built(data), {"all": 0.1})
    assert (_group(smaller, "web").count, _group(smaller, "web").current) == (1, {"h-0": 1})
    assert [instance.id for instance in smaller.instances] == ["db[0]"]
    World(smaller)
    with pytest.raises(InputError, match="Maybe web"):
        scaled(built(data), {"wep": 2})


def test_another_zone_is_like_the_one_it_is_like() -> None:
    """Its hosts, distances and offers, under names of its own."""
    data = halls(latencies=[{"between": ["a", "b"], "rtt_ms": 2}])
    world = World(with_zone(built(data), "c", "b"))
    tree = world.tree
    assert [tree.nodes[s].id for s in tree.sites_under[tree.by_id["c"]]] == ["c-g-0", "c-g-1"]
    assert world.latency(tree.by_id["a"], tree.by_id["c"]) == 2_000
    assert world.latency(tree.by_id["b"], tree.by_id["c"]) == 2_000
    assert world.estate.offers[0].zones == ["a", "b", "c"]
    with pytest.raises(InputError, match="is there already"):
        with_zone(built(data), "a")
