"""What wild estates brought to light, each as small as it gets."""

from __future__ import annotations

from typing import Any

from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.executor import execute
from zonewright.models.files import estate_from_data
from zonewright.models.plan import Plan, Status
from zonewright.models.world import World
from zonewright.solver import place, plan_migration
from zonewright.solver.migrate.plan import MigrationResult

Raw = dict[str, Any]


def estate(**more: Any) -> Estate:
    zones = [{"id": "z1"}, {"id": "z2"}, {"id": "z3"}]
    raw = {"estate": "e", "taken_at": "2026-03-02T09:00:00+00:00", "role": "operator", "zones": zones}
    return estate_from_data(raw | more)


def planned(of: Estate, target: Plan | None = None, **event: Any) -> MigrationResult:
    return plan_migration(of, event=Event(**event), target=target, workers=1, time_limit_s=10)


def group(name: str, count: int, cores: int = 1, **more: Any) -> Raw:
    return {"id": name, "count": count, "demand": {"cpu_cores": cores, "memory_gib": 4}, **more}


def test_the_disk_of_what_never_ran_is_free() -> None:
    of = estate(
        disks=[{"id": "d", "zone": "z1", "size_gib": 10}],
        elastic_ips=[{"id": "ip"}],
        groups=[group("g", 1)],
        instances=[{"id": "g-0", "group": "g", "disks": ["d"], "elastic_ips": ["ip"]}],
    )
    result = planned(of, drain=["z2"])
    assert result.status is Status.OPTIMAL
    assert result.migration is not None
    assert [action.kind for action in result.migration.actions] == ["start"]


def test_who_stops_for_others_does_so_inside_a_window() -> None:
    hosts = [{"id": "h", "in": "z1", "capacity": {"cpu_cores": 1}}]
    windows = [{"start": "2026-03-03T01:00:00+00:00", "end": "2026-03-03T05:00:00+00:00"}]
    of = estate(
        zones=[{"id": "z1"}], hosts=hosts, groups=[group("g", 2, current={"h": 2})], migration={"windows": windows}
    )
    result = planned(of, mend=True)
    assert result.migration is not None
    (stop,) = result.migration.steps
    assert stop.start_s == 16 * 3600
    assert execute(World(of), result.migration).valid


def test_nobody_stops_for_an_evacuation_that_cannot_be_promised() -> None:
    rules = [
        {"rule": "survive", "groups": ["g"], "mode": "evacuate"},
        {"rule": "pin", "groups": ["g"], "domain": "z1"},
    ]
    of = estate(groups=[group("g", 1, current={"z1": 1})], rules=rules)
    for event in ({"mend": True}, {"rebalance": 0.9}):
        result = planned(of, **event)
        assert result.migration is not None
        assert (result.migration.steps, result.migration.losses) == ([], [])
        assert [entry.rule for entry in result.migration.degraded] == ["survive[0]"]
    assert planned(of, mend=True, strictly=True).reason == "no_placement"


def test_nobody_stops_for_members_of_an_all_or_nothing_group_that_never_ran() -> None:
    zones = [{"id": "z1", "capacity": {"cpu_cores": 2}}, {"id": "z2", "capacity": {"cpu_cores": 0}}]
    of = estate(zones=zones, groups=[group("g", 3, all_or_nothing=True, current={"z1": 2})])
    result = planned(of, drain=["z2"])
    assert result.migration is not None
    assert result.migration.steps == []


def test_moves_weighed_by_memory_and_many_priorities_overflow_nothing() -> None:
    hosts = [{"id": f"h{k}", "in": "z1", "capacity": {"cpu_cores": 4, "memory_gib": 9000}} for k in range(4)]
    groups = [
        group(f"g{k}", 2, 3, priority=k, current={f"h{k}": 1}) | {"demand": {"cpu_cores": 3, "memory_gib": 4000}}
        for k in range(4)
    ]
    of = estate(zones=[{"id": "z1"}], hosts=hosts, groups=groups, migration={"weigh": "memory"})
    result = planned(of, drain=["h0"])
    assert result.migration is not None
    assert result.status in (Status.OPTIMAL, Status.FEASIBLE, Status.INFEASIBLE)


def test_a_given_plan_is_followed_without_those_who_are_lost() -> None:
    of = estate(
        groups=[group("g", 2, stateful=True), group("h", 2, stateful=True, current={"z1": 1, "z2": 1})],
        instances=[{"id": "g-0", "group": "g", "site": "z1"}, {"id": "g-1", "group": "g", "site": "z2"}],
    )
    plan = place(of, workers=1, time_limit_s=10).plan
    result = planned(of, plan, to=True, fail=["z1"])
    assert result.status is Status.FEASIBLE
    assert result.migration is not None
    assert {(loss.group, loss.count) for loss in result.migration.losses} == {("g", 1), ("h", 1)}


def test_a_given_plan_that_no_recipe_leads_to_has_no_order() -> None:
    where = {"catalogues": ["vk-cloud"], "consider": ["GZ1", "MS1"], "role": "tenant", "zones": []}
    fixed = group("g", 1, stateful=True, movability={"may_stop": False})
    rule = {"rule": "domains", "groups": ["g"], "allow": ["MS1"]}
    plan = place(estate(groups=[fixed], rules=[rule], **where), workers=1, time_limit_s=10).plan
    result = planned(estate(groups=[fixed | {"current": {"GZ1": 1}}], **where), plan, to=True)
    assert result.reason == "no_order"
    assert "may not be stopped" in result.blocked[0]


def test_a_limit_on_load_holds_at_every_moment() -> None:
    """Either of the two goes first: at no moment are both on the way to the host that holds one of them."""
    hosts = [{"id": f"h{k}", "in": "z1", "capacity": {"cpu_cores": 8}} for k in range(3)]
    rules = [{"rule": "load", "level": "host", "most_share": 0.5, "continuous": True}]
    groups = [group("a", 1, 4, current={"h0": 1}), group("b", 1, 4, current={"h1": 1})]
    groups[0]["movability"] = groups[1]["movability"] = {"migrate_seconds": 10}
    of = estate(zones=[{"id": "z1"}], hosts=hosts, groups=groups, rules=rules)
    swap = [("b", "h0"), ("a", "h1")]
    goal = [{"rule": "domains", "groups": [g], "allow": [h]} for g, h in swap]
    there = estate(zones=[{"id": "z1"}], hosts=hosts, groups=groups, rules=[*rules, *goal])
    plan = place(there, workers=1, time_limit_s=10).plan
    result = planned(of, plan, to=True)
    assert result.status is Status.FEASIBLE
    assert result.migration is not None
    assert result.migration.bypasses == 1
    assert execute(World(of), result.migration).valid
