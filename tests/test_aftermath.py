"""What an event leaves: who is displaced, who is lost and why, what the estate is afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from zonewright.models import InputError, Status, World, check_plan, estate_from_data
from zonewright.models.aftermath import Aftermath, aftermath
from zonewright.models.events import Event, Incident
from zonewright.models.rules import MoveLimit, Spread, Survive
from zonewright.models.topology import State
from zonewright.solver import place

Raw = dict[str, Any]


def ground(**sections: Any) -> Raw:
    """Two regions, three zones in the first, two hosts in each zone."""
    zones = [{"id": z, "in": "far" if z == "zx" else "near"} for z in ("z1", "z2", "z3", "zx")]
    hosts = [
        {"id": f"{z['id']}-{n}", "in": z["id"], "capacity": {"cpu_cores": 8}} for z in zones for n in ("a", "b")
    ]
    return {"estate": "e", "regions": [{"id": "near"}, {"id": "far"}], "zones": zones, "hosts": hosts, **sections}


def group(name: str, count: int, **fields: Any) -> Raw:
    return {"id": name, "count": count, "demand": {"cpu_cores": 1}, **fields}


def after(data: Raw, *, lenient: bool = False, **event: Any) -> Aftermath:
    return aftermath(World(estate_from_data(data)), Event(**event), lenient=lenient)


def names(found: Aftermath, sites: frozenset[int]) -> set[str]:
    return {found.before.tree.nodes[s].id for s in sites}


def losses(found: Aftermath) -> dict[str, tuple[int, str]]:
    return {loss.group: (loss.count, loss.reason) for loss in found.losses}


def placed(found: Aftermath) -> dict[str, dict[str, int]]:
    """Place what is left to place, and return who is where; the plan is proven and passes."""
    result = place(found.world, workers=1, time_limit_s=20)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    assert check_plan(found.world, result.plan).valid
    where: dict[str, dict[str, int]] = {}
    for entry in result.plan.placements:
        of_group = where.setdefault(entry.group, {})
        of_group[entry.site] = of_group.get(entry.site, 0) + entry.count
    return where


@pytest.mark.parametrize(
    ("event", "dead", "left"),
    [
        ({"fail": ["z1"]}, {"z1-a", "z1-b"}, set()),
        ({"fail": ["z1-b"]}, {"z1-b"}, set()),
        ({"fail": ["far"]}, {"zx-a", "zx-b"}, set()),
        ({"drain": ["z2"]}, set(), {"z2-a", "z2-b"}),
        ({"suspect": ["z2-a"]}, set(), {"z2-a"}),
        ({"fail": ["z1-a"], "drain": ["z1"]}, {"z1-a"}, {"z1-b"}),
    ],
)
def test_sites_are_dead_or_to_be_left(event: Raw, dead: set[str], left: set[str]) -> None:
    found = after(ground(groups=[group("web", 2, current={"z1-a": 2})]), **event)
    assert (names(found, found.dead), names(found, found.left)) == (dead, left)
    assert found.estate.incidents == Event(**event).incidents
    assert found.before.estate.incidents == {}


def test_a_site_whose_own_state_is_failed_is_dead() -> None:
    data = ground(groups=[group("web", 3, current={"z1-a": 2, "z2-a": 1})])
    data["zones"][0]["state"] = "failed"
    found = after(data, drain=["z2"])
    assert names(found, found.dead) == {"z1-a", "z1-b"}
    assert found.displaced == {("web", None): {found.before.tree.by_id["z1-a"]: 2}}


def test_a_zone_whose_own_state_is_failed_is_dead_with_nobody_in_it_until_it_is_restored() -> None:
    data = ground(groups=[group("web", 1, current={"z2-a": 1})])
    data["zones"][0]["state"] = "failed"
    assert names(after(data, drain=["z2"]), after(data, drain=["z2"]).dead) == {"z1-a", "z1-b"}
    assert after(data, restore=["z1"]).dead == frozenset()


def test_an_unknown_domain_is_refused() -> None:
    for event in ({"fail": ["z9"]}, {"drain": ["z11"]}, {"restore": ["nearr"]}):
        with pytest.raises(InputError, match="unknown domain"):
            after(ground(), **event)


def test_what_ran_in_a_failed_zone_is_placed_again_and_others_stay() -> None:
    found = after(ground(groups=[group("web", 4, current={"z1-a": 2, "z2-a": 2})]), fail=["z1"])
    assert found.displaced == {("web", None): {found.before.tree.by_id["z1-a"]: 2}}
    assert found.estate.groups[0].current == {"z2-a": 2}
    assert found.estate.groups[0].count == 4
    where = placed(found)["web"]
    assert where["z2-a"] >= 2
    assert not {"z1-a", "z1-b"} & where.keys()


def test_what_is_to_be_left_is_left_and_still_counts_as_moves() -> None:
    found = after(ground(groups=[group("web", 4, current={"z1-a": 2, "z2-a": 2})]), drain=["z1"])
    assert not found.displaced
    assert found.estate.groups[0].current == {"z1-a": 2, "z2-a": 2}
    assert not {"z1-a", "z1-b"} & placed(found)["web"].keys()
    result = place(found.world, workers=1)
    assert {goal.goal: goal.value for goal in result.objective}["moves"] == 2


SOURCE = {"assumption": "made up"}
COPY = {"id": "copy", "region": "near", "of": "db"}


@pytest.mark.parametrize(
    ("fields", "sections", "event", "reason"),
    [
        ({}, {}, "z1", None),
        ({"pinned": True}, {}, "z1", "pinned"),
        ({"pinned": True}, {}, "z1-a", "pinned"),
        ({"stateful": True}, {}, "z1", "no_copy"),
        ({"stateful": True}, {}, "z1-a", None),
        ({"stateful": True, "movability": {"local_disk": True}}, {}, "z1-a", "no_copy"),
        ({"movability": {"local_disk": True}}, {}, "z1-a", None),
        ({"stateful": True, "kind": "bare_metal"}, {}, "z1-a", "no_copy"),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [COPY]}, "z1", None),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [{"id": "copy"}]}, "z1", None),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [{**COPY, "zone": "z1"}]}, "z1", "no_copy"),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [{**COPY, "of": "other"}]}, "z1", "no_copy"),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [COPY]}, "near", "no_copy"),
        ({"stateful": True, "snapshots": ["copy"]}, {"snapshots": [{**COPY, "region": "far"}]}, "near", None),
        ({"image": "gold"}, {"images": [{"id": "gold", "regions": ["near"]}]}, "z1", None),
        ({"image": "gold"}, {"images": [{"id": "gold", "regions": ["near"]}]}, "near", "region_lost"),
        ({"image": "gold"}, {"images": [{"id": "gold", "regions": ["near", "far"]}]}, "near", None),
        ({"image": "gold"}, {"images": [{"id": "gold"}]}, "near", None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_who_is_lost_and_why(fields: Raw, sections: Raw, event: str, reason: str | None) -> None:
    """A zone takes its disks along, a host only what is on it; a region leaves what others hold."""
    data = ground(groups=[group("db", 3, current={"z1-a": 2, "z2-a": 1}, **fields)], **sections)
    found = after(data, fail=[event])
    gone = 3 if event == "near" else 2
    if reason is None:
        assert not found.losses
        assert sum(sum(sites.values()) for sites in found.displaced.values()) == gone
        assert found.estate.groups[0].count == 3
    else:
        assert losses(found) == {"db": (gone, reason)}
        assert found.losses[0].message.startswith(f"{event}: ")
        assert not found.displaced
        assert found.estate.groups[0].count == 3 - gone


@pytest.mark.parametrize(
    ("disk", "copies", "lost"),
    [
        ({"zone": "z1"}, ["system"], True),
        ({"zone": "z1"}, ["system", "data"], False),
        ({"zone": "z2"}, ["system"], False),
        ({"region": "near"}, ["system"], False),
        ({}, ["system"], True),
        ({}, ["system", "data"], False),
        ({"zone": "z1"}, ["data"], True),
    ],
)
def test_every_data_disk_of_a_dead_zone_needs_its_own_copy(disk: Raw, copies: list[str], lost: bool) -> None:
    """The copy of the system does not bring a disk back."""
    data = ground(
        groups=[group("db", 1, stateful=True)],
        instances=[{"id": "db-1", "group": "db", "site": "z1-a", "disks": ["d"], "snapshots": copies}],
        disks=[{"id": "d", **disk}],
        snapshots=[{"id": name, "region": "near", "of": of} for name, of in (("system", "db-1"), ("data", "d"))],
    )
    found = after(data, fail=["z1"])
    assert bool(found.losses) is lost
    if lost:
        assert found.losses[0].instances == ["db-1"]
        assert found.losses[0].reason == "no_copy"
        assert found.estate.instances == []
        assert found.estate.groups[0].count == 0
        assert placed(found) == {}
    else:
        assert found.estate.instances[0].site is None
        assert found.displaced == {("db", "db-1"): {found.before.tree.by_id["z1-a"]: 1}}


def test_losses_are_told_by_group_and_priority() -> None:
    data = ground(
        groups=[group("db", 3, stateful=True, priority=4)],
        instances=[
            {"id": "db-1", "group": "db", "site": "z1-a"},
            {"id": "db-2", "group": "db", "site": "z1-b"},
            {"id": "db-3", "group": "db", "site": "z1-b", "priority": 9},
        ],
    )
    found = after(data, fail=["z1"])
    told = [(loss.count, loss.instances, loss.priority) for loss in found.losses]
    assert told == [(2, ["db-1", "db-2"], 4), (1, ["db-3"], 9)]


def _with_standby(**address: Any) -> Raw:
    return ground(
        elastic_ips=[{"id": "eip", "region": "near", **address}],
        groups=[
            group("front", 2, elastic_ips=["eip"], stateful=True, current={"z1-a": 2}),
            group("spare", 1, standby_of="front", current={"z2-a": 1}),
            group("abroad", 1, standby_of="front", current={"zx-a": 1}),
        ],
    )


def test_a_standby_takes_over_and_the_rest_is_lost() -> None:
    """As many as there are, in the same region, by the address alone: nothing is started for them."""
    found = after(_with_standby(), fail=["z1"])
    assert [(t.group, t.standby, t.count, t.returns) for t in found.takeovers] == [("front", "spare", 1, False)]
    tree = found.before.tree
    assert (found.takeovers[0].source, found.takeovers[0].target) == (tree.by_id["z1-a"], tree.by_id["z2-a"])
    assert losses(found) == {"front": (1, "no_copy")}
    assert found.estate.groups[0].count == 0


def test_a_standby_in_the_same_zone_takes_nothing_over() -> None:
    data = _with_standby()
    data["groups"][1]["current"] = {"z1-b": 1}
    found = after(data, fail=["z1"])
    assert not found.takeovers
    assert losses(found)["front"] == (2, "no_copy")


def test_a_standby_that_serves_already_takes_nothing_over() -> None:
    assert not after(_with_standby(bound_to="spare"), fail=["z1"]).takeovers


def test_a_standby_needs_an_address_to_take_over() -> None:
    data = _with_standby()
    del data["groups"][0]["elastic_ips"]
    assert not after(data, fail=["z1"]).takeovers


def test_a_restored_group_gets_its_address_back() -> None:
    data = _with_standby(bound_to="spare")
    data["incidents"] = {"z1": "failed"}
    found = after(data, restore=["z1"])
    assert [(t.group, t.standby, t.count, t.returns) for t in found.takeovers] == [("front", "spare", 2, True)]
    assert found.estate.incidents == {}
    assert not found.dead
    assert not found.losses
    assert not after(data, restore=["z1"], fail=["z1-a"]).takeovers


def test_restoring_opens_what_had_failed() -> None:
    data = ground(groups=[group("web", 2, current={"z2-a": 2})])
    data["zones"][0] |= {"state": "failed"}
    data["zones"][1] |= {"states": {"instance": "failed", "other": "sold_out"}}
    found = after(data, restore=["z1", "z2"])
    opened = {z.id: (z.state, z.states) for z in found.estate.zones}
    assert opened["z1"][0] is State.OPEN
    assert opened["z2"][1] == {"instance": State.OPEN, "other": State.SOLD_OUT}
    assert not found.dead
    assert found.estate.groups[0].current == {"z2-a": 2}


def test_the_goals_put_what_the_event_is_for_first() -> None:
    data = ground(groups=[group("web", 1)], goals=["placed", "cost", "moves"])
    assert after(data, fail=["z1"]).estate.goals == ["placed", "moves", "soft", "cost"]
    assert after(data, consolidate=True).estate.goals[:3] == ["placed", "hosts", "moves"]
    assert after(data, rebalance=0.8).estate.goals[:3] == ["placed", "urgent", "moves"]
    assert after(data, mend=True).estate.goals[:3] == ["placed", "urgent", "moves"]


def test_moves_are_limited_where_the_event_says_so() -> None:
    found = after(ground(groups=[group("web", 4, current={"z1-a": 4})]), drain=["z1"], max_moves=3)
    assert [rule.most for rule in found.estate.rules if isinstance(rule, MoveLimit)] == [3]
    assert found.estate.incidents == {"z1": Incident.CLOSED}
    assert placed(found)["web"]["z1-a"] == 1


def test_what_moved_lately_stays_unless_its_place_is_lost() -> None:
    data = ground(
        taken_at="2026-01-10T12:00:00Z",
        groups=[group("web", 3)],
        instances=[
            {"id": "early", "group": "web", "site": "z1-a", "last_moved": "2026-01-09T12:00:00Z"},
            {"id": "late", "group": "web", "site": "z1-a", "last_moved": "2026-01-10T10:00:00Z"},
            {"id": "gone", "group": "web", "site": "z2-a", "last_moved": "2026-01-10T10:00:00Z"},
        ],
    )

    def pinned(**event: Any) -> dict[str, bool]:
        return {i.id: bool(i.pinned) for i in after(data, **event).estate.instances}

    assert pinned(drain=["z2"], cooldown_hours=6) == {"early": False, "late": True, "gone": False}
    assert pinned(fail=["z2"], cooldown_hours=48) == {"early": True, "late": True, "gone": False}
    assert not any(pinned(drain=["z2"]).values())
    data["migration"] = {"cooldown_hours": 6}
    assert pinned(drain=["z2"])["late"]


def test_promises_that_a_loss_breaks_are_degraded() -> None:
    """An evacuation is not promised, a number of domains is a wish, the rest of the rule stays hard."""
    data = ground(
        groups=[group("web", 2, current={"z1-a": 1, "z2-a": 1})],
        rules=[
            {"rule": "survive", "id": "way-out", "level": "zone", "mode": "evacuate"},
            {"rule": "survive", "id": "enough", "level": "zone"},
            {"rule": "spread", "level": "zone", "least_domains": 3, "skew": 1},
        ],
    )
    found = after(data, fail=["z1"])
    assert [entry.rule for entry in found.degraded] == ["way-out"]
    rules = {rule.id: rule for rule in found.estate.rules}
    assert "way-out" not in rules
    enough, wish, rest = rules["enough"], rules["spread[2].least_domains"], rules["spread[2]"]
    assert isinstance(enough, Survive)
    assert enough.soft is not None
    assert isinstance(wish, Spread)
    assert wish.soft is not None
    assert wish.least_domains == 3
    assert isinstance(rest, Spread)
    assert rest.soft is None
    assert (rest.least_domains, rest.skew) == (None, 1)
    whole = {rule.id: rule for rule in after(data, mend=True).estate.rules}
    assert whole["way-out"].soft is None


def test_lenient_makes_wishes_of_what_a_loss_alone_breaks() -> None:
    data = ground(
        groups=[group("web", 4, current={"z1-a": 2, "z2-a": 2})],
        rules=[
            {"rule": "spread", "id": "even", "level": "zone", "skew": 1},
            {"rule": "anti_affinity", "id": "apart", "level": "host", "at_most": 2},
        ],
        load_balancers=[
            {"id": "lb", "kind": "any", "zones": ["z1", "z2"], "backends": ["web"], "least_backends": 3}
        ],
    )
    strict, lenient = after(data, fail=["z1"]), after(data, fail=["z1"], lenient=True)
    assert [r.soft is None for r in strict.estate.rules] == [True, True]
    assert [r.soft is None for r in lenient.estate.rules] == [False, True]
    assert strict.estate.load_balancers[0].least_backends == 3
    assert lenient.estate.load_balancers[0].least_backends == 0
    assert "load_balancer" in [entry.rule for entry in lenient.degraded]


def _tolerated(found: Aftermath) -> list[tuple[str, str | None, str | None, str | None, int]]:
    return [(t.rule, t.group, t.domain, t.what, t.amount) for t in found.estate.tolerated]


def test_what_is_broken_already_is_tolerated_where_it_is() -> None:
    """Of those that have nothing to do with the event: not of the displaced, not of what is wished."""
    data = ground(
        groups=[
            group("web", 3, current={"z2-a": 3}),
            group("db", 2, current={"z1-a": 1, "z3-a": 1}),
            group("big", 9, current={"z3-b": 9}),
        ],
        rules=[
            {"rule": "anti_affinity", "level": "host", "groups": ["web"], "at_most": 1},
            {"rule": "spread", "id": "even", "level": "zone", "skew": 0, "groups": ["web"]},
            {
                "rule": "spread",
                "id": "near-even",
                "level": "zone",
                "skew": 1,
                "groups": ["db"],
                "largest_share": 0.5,
            },
            {"rule": "domains", "id": "barred", "groups": ["big"], "forbid": ["z3"]},
            {"rule": "affinity", "id": "together", "level": "zone", "groups": ["web", "big"]},
            {"rule": "spread", "id": "wish", "level": "zone", "most_domains": 1, "groups": ["db"], "soft": {}},
        ],
    )
    found = after(data, fail=["z1"])
    assert sorted(_tolerated(found), key=str) == sorted(
        [
            ("capacity", None, "z3-b", "cpu_milli", 1000),
            ("anti_affinity[0]", "web", "z2-a", None, 2),
            ("barred", "big", "z3-b", None, 9),
            ("even", "web", None, "skew", 3),
            ("together", "web", None, None, 1),
        ],
        key=str,
    )
    where = placed(found)
    assert where["web"] == {"z2-a": 3}
    assert where["big"] == {"z3-b": 9}
    assert not after(data, fail=["z1"], mend=True).estate.tolerated
    assert not after(data, fail=["z1"], to=True).estate.tolerated


def test_a_limit_on_all_that_is_broken_already_is_tolerated() -> None:
    """A quota without a domain, a budget: neither group nor domain names them."""
    data = ground(
        groups=[group("web", 4, current={"z1-a": 2, "z2-a": 2})],
        rules=[
            {"rule": "quota", "id": "few", "most": 3},
            {"rule": "quota", "id": "none", "domain": "far", "most": 0},
        ],
    )
    found = after(data, drain=["z1"])
    assert _tolerated(found) == [("few", None, None, None, 1)]
    assert sum(placed(found)["web"].values()) == 4


def test_mending_makes_urgent_wishes_of_what_is_broken() -> None:
    data = ground(
        groups=[group("web", 2, current={"z2-a": 2})],
        rules=[{"rule": "anti_affinity", "id": "apart", "level": "host", "groups": ["web"], "at_most": 1}],
    )
    found = after(data, mend=True)
    assert [rule.soft.priority for rule in found.estate.rules if rule.soft] == [1000]
    assert not found.estate.tolerated
    assert max(placed(found)["web"].values()) == 1


def test_a_pin_of_what_is_lost_is_dropped_and_another_kept() -> None:
    data = ground(
        groups=[group("db", 3, stateful=True)],
        instances=[
            {"id": "db-1", "group": "db", "site": "z1-a"},
            {"id": "db-2", "group": "db", "site": "z2-a"},
            {"id": "db-3", "group": "db", "site": "z1-b"},
        ],
        rules=[
            {"rule": "pin", "id": "both", "groups": ["db"], "instances": ["db-1", "db-2"]},
            {"rule": "pin", "id": "one", "groups": ["db"], "instances": ["db-3"]},
        ],
    )
    found = after(data, fail=["z1"])
    assert [(rule.id, getattr(rule, "instances", None)) for rule in found.estate.rules] == [("both", ["db-2"])]
    assert placed(found) == {"db": {"z2-a": 1}}


def _with_networks(**fields: Any) -> Raw:
    catalogue = {
        "catalogue": "c",
        "provider": "p",
        "products": [{"id": "vm", "kind": "vm", "source": SOURCE}],
        "resource_kinds": [{"kind": "subnet", "scope": "zonal", "source": SOURCE}],
        "recipes": [
            {
                "id": "carry",
                "name": "Carry",
                "kind": "move",
                "products": ["vm"],
                "keeps": ["private_ip"],
                "steps": [{"do": "create_instance", "serves": True}],
                "source": SOURCE,
            }
        ],
    }
    return ground(
        catalogues=[catalogue],
        vpcs=[{"id": "net", "region": "near", "cidr": "10.0.0.0/16"}],
        subnets=[
            {"id": "s1", "vpc": "net", "cidr": "10.0.1.0/24", "zone": "z1"},
            {"id": "s2", "vpc": "net", "cidr": "10.0.2.0/24", "zone": "z2"},
        ],
        load_balancers=[
            {"id": "two", "kind": "any", "region": "near", "zones": ["z1", "z2"], "backends": ["web"]},
            {"id": "one", "kind": "any", "zones": ["z1"], "internal": True, "subnet": "s1", "backends": ["web"]},
        ],
        groups=[group("web", 2, vpcs=["net"], subnets=["s1"], **fields)],
        instances=[{"id": "web-1", "group": "web", "site": "z1-a", "subnet": "s1"}],
    )


@pytest.mark.parametrize("event", [{"fail": ["z1"]}, {"drain": ["z1"]}])
def test_balancers_leave_a_zone_that_is_gone(event: Raw) -> None:
    found = after(_with_networks(), **event)
    two, one = found.estate.load_balancers
    assert (two.zones, two.zone_count, two.region) == (["z2"], 1, "near")
    assert (one.zones, one.zone_count, one.region, one.subnet) == ([], 1, "near", None)


def test_a_balancer_stays_where_only_a_host_is_gone() -> None:
    found = after(_with_networks(), fail=["z1-a"])
    assert [b.zones for b in found.estate.load_balancers] == [["z1", "z2"], ["z1"]]


def test_a_subnet_goes_along_where_private_addresses_are_kept() -> None:
    """It is made again in a zone that the plan chooses; without that wish any subnet of the network will do."""
    kept, free = after(_with_networks(keep_private_ip=True), drain=["z1"]), after(_with_networks(), drain=["z1"])
    assert [s.zone for s in kept.estate.subnets] == [None, "z2"]
    assert kept.estate.groups[0].subnets == ["s1"]
    assert kept.estate.load_balancers[1].subnet == "s1"
    assert [s.zone for s in free.estate.subnets] == ["z1", "z2"]
    assert free.estate.groups[0].subnets == []


def test_a_subnet_of_a_dead_zone_stays_behind() -> None:
    """It cannot be deleted there, so none with its block can be made elsewhere."""
    found = after(_with_networks(keep_private_ip=True), fail=["z1"])
    assert [s.zone for s in found.estate.subnets] == ["z1", "z2"]
    assert found.estate.groups[0].subnets == []
    assert found.estate.instances[0].subnet is None


@pytest.mark.parametrize("obstacle", ["used", "no recipe"])
def test_a_subnet_that_cannot_be_emptied_stays_with_a_warning(obstacle: str) -> None:
    data = _with_networks(keep_private_ip=True)
    if obstacle == "used":
        data["subnets"][0]["used"] = 3
    else:
        data["catalogues"][0]["recipes"][0]["keeps"] = []
    found = after(data, drain=["z1"])
    assert found.estate.subnets[0].zone == "z1"
    assert any(w.startswith("s1 cannot go along") for w in found.warnings)


def test_a_zone_that_is_sold_out_is_a_one_way_door() -> None:
    data = ground(groups=[group("web", 1, current={"z1-a": 1})])
    data["zones"][0]["state"] = "sold_out"
    assert after(data, drain=["z1"]).warnings == ["z1 is sold out for instance: what leaves it cannot return"]
    assert not after(data, fail=["z1"]).warnings
    assert not after(data, drain=["z2"]).warnings


def test_an_estate_without_images_says_what_is_assumed() -> None:
    data = ground(groups=[group("web", 1, current={"z1-a": 1})])
    assert len(after(data, fail=["z1"]).assumptions) == 1
    assert not after(data, drain=["z1"]).assumptions


def test_the_estate_before_is_left_as_it_is() -> None:
    data = _with_networks(keep_private_ip=True)
    estate = estate_from_data(data)
    before = estate.fingerprint
    found = aftermath(World(estate), Event(fail=["z2"], drain=["z1"], max_moves=1))
    assert estate.fingerprint == before
    assert found.estate.fingerprint != before


@pytest.mark.parametrize("event", [{"fail": ["z1"]}, {"drain": ["z1"]}])
def test_a_balancer_without_a_zone_gets_as_many_as_it_had(event: Raw) -> None:
    """That it has none until there is a plan is nothing to tolerate."""
    found = after(_with_networks(), **event)
    assert not found.estate.tolerated
    result = place(found.world, workers=1, time_limit_s=20)
    assert result.plan is not None
    assert [(entry.balancer, len(entry.zones)) for entry in result.plan.balancers] == [("one", 1)]
    assert check_plan(found.world, result.plan).valid


def test_backends_that_are_too_few_already_may_not_become_fewer() -> None:
    data = _with_networks()
    data["subnets"].append({"id": "s3", "vpc": "net", "cidr": "10.0.3.0/24", "zone": "z3"})
    data["groups"][0] |= {"count": 3, "subnets": [], "current": {"z2-a": 1, "z3-a": 1}}
    data["instances"] = []
    data["load_balancers"] = [
        {
            "id": "lb",
            "kind": "any",
            "region": "near",
            "zones": ["z1", "z2"],
            "backends": ["web"],
            "least_per_zone": 2,
        }
    ]
    found = after(data, drain=["zx"])
    assert ("load_balancer", "web", "z2", None, 1) in _tolerated(found)
    assert ("load_balancer", "web", "z1", None, 2) in _tolerated(found)
    where = placed(found)["web"]
    assert where["z2-a"] == where["z3-a"] == 1
