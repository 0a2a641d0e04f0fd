"""Every kind of fault, each named once: a plan that plays, with one thing wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executor.script import Script, faults, hosts
from tests.executor.test_valid import WEB, carried, carried_target, cloud, networked
from zonewright.models import InputError, World
from zonewright.models.executor import Breach, Fault, execute
from zonewright.models.migration import Loss, Migration, Step
from zonewright.models.operations import Operation


def moved(of: Any = None, **event: Any) -> Script:
    """`web` leaves h1 for h3 while it runs, then `db`."""
    script = Script(of or hosts(), **(event or {"drain": ["h1"]}))
    now = script.act("a", "move", "live", group="web", source="h1", target="h3")
    script.act("b", "move", "live", at=now, group="db", source="h1", target="h3")
    return script


def replaced(of: Any = None, **event: Any) -> Script:
    """All of za goes to zb by new instances."""
    script = Script(of or cloud(), **(event or {"drain": ["za"]}))
    things = {**WEB, "unbind_backend": ["lb-1"]}
    one = {"source": "za", "target": "zb"}
    script.act("web", "move", "replace", group="web", instances=["web-1"], things=things, **one)
    things = {"copy_disk": ["disk-1"], "attach_disk": ["disk-1"]}
    script.act("db", "move", "replace", group="db", instances=["db-1"], things=things, **one)
    script.act("job", "move", "replace", group="job", count=6, **one)
    return script


def recovered(of: Any = None) -> Script:
    """All of za, which has failed, comes back in zb."""
    script = Script(of or cloud(), fail=["za"])
    things = {k: v for k, v in WEB.items() if k != "dissociate_address"}
    one = {"source": "za", "target": "zb"}
    script.act("web", "recovery", "anew", group="web", instances=["web-1"], things=things, **one)
    things = {"restore_disk": ["disk-1"], "attach_disk": ["disk-1"]}
    script.act("db", "recovery", "restore", group="db", instances=["db-1"], things=things, **one)
    script.act("job", "recovery", "anew", group="job", count=6, **one)
    return script


def only(script: Script, fault: Fault, migration: Migration | None = None) -> Breach:
    """Return the one fault that there is, and expect its kind."""
    execution = execute(script.world, migration or script.migration())
    assert execution.claims == []
    assert [breach.fault for breach in execution.violations] == [fault], execution.violations
    return execution.violations[0]


def test_the_plans_to_spoil_are_valid() -> None:
    for script in (moved(), replaced(), recovered()):
        assert faults(script) == []


# Times.


def test_a_step_that_ends_before_it_starts() -> None:
    script = moved()
    script.edit("b.live_migrate", start_s=100, end_s=99)
    assert only(script, Fault.TIME).amount == 1


def test_a_plan_that_is_too_long() -> None:
    script = moved(hosts(migration={"longest_plan_hours": 0.01}))
    assert only(script, Fault.TIME).amount == 50 - 36


def test_a_step_before_one_that_it_needs() -> None:
    script = moved()
    script.edit("b.live_migrate", needs=["a.live_migrate"], start_s=19, end_s=49)
    breach = only(script, Fault.DEPENDENCY)
    assert (breach.step, breach.amount, breach.second) == ("b.live_migrate", 1, 19)


def test_a_need_that_is_no_step() -> None:
    script = moved()
    script.edit("b.live_migrate", needs=["c"])
    assert "no step" in only(script, Fault.DEPENDENCY).message


def test_a_step_that_does_not_need_the_one_before_it() -> None:
    script = replaced()
    script.edit("job.create_instance", needs=[])
    assert only(script, Fault.DEPENDENCY).step == "job.create_instance"


def test_a_step_that_is_too_short() -> None:
    script = moved()
    script.edit("b.live_migrate", end_s=49)
    breach = only(script, Fault.DURATION)
    assert (breach.step, breach.amount) == ("b.live_migrate", 1)


def test_a_rate_that_nobody_has() -> None:
    script = moved()
    script.edit("b.live_migrate", mib_per_second=101)
    assert "the most there is" in only(script, Fault.DURATION).message


def test_a_copy_without_a_rate() -> None:
    script = moved()
    script.edit("b.live_migrate", mib_per_second=None)
    assert "at which rate" in only(script, Fault.DURATION).message


def test_memory_that_is_written_faster_than_it_is_copied() -> None:
    groups = [
        {
            "id": "web",
            "count": 1,
            "demand": {"cpu_milli": 1, "memory_mib": 100},
            "movability": {"dirty_mib_s": 50},
            "current": {"h1": 1},
        }
    ]
    script = Script(hosts(groups=groups), drain=["h1"])
    script.act("a", "move", "live", group="web", source="h1", target="h3")
    assert faults(script) == []
    script.edit("a.live_migrate", mib_per_second=50, end_s=10_000)
    assert "never end" in only(script, Fault.DURATION).message


def test_a_migration_whose_length_is_known_takes_that_long() -> None:
    group = {"id": "web", "count": 1, "demand": {"cpu_milli": 1}, "movability": {"migrate_seconds": 7}}
    script = Script(hosts(groups=[group | {"current": {"h1": 1}}]), drain=["h1"])
    assert script.act("a", "move", "live", group="web", source="h1", target="h3") == 7
    assert faults(script) == []


def test_batches_take_turns() -> None:
    """Six at two at once take three times as long as one."""
    groups = [{"id": "job", "count": 6, "demand": {"cpu_milli": 1, "memory_mib": 100}, "current": {"h1": 6}}]
    script = Script(hosts(groups=groups, migration={"most_at_once_per": {"host": 2}}), drain=["h1"])
    assert script.act("a", "move", "live", group="job", count=6, source="h1", target="h3") == 33
    assert faults(script) == []
    script.edit("a.live_migrate", end_s=32)
    assert only(script, Fault.DURATION).amount == 1


# Recipes.


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"recipe": "restart"}, "is for a recovery"),
        ({"recipe": "replace"}, "another zone"),
        ({"recipe": None}, "names no recipe"),
    ],
)
def test_a_recipe_that_does_not_fit(fields: dict[str, Any], words: str) -> None:
    script = moved()
    script.actions = [a.model_copy(update=fields) if a.id == "a" else a for a in script.actions]
    found = execute(script.world, script.migration()).violations
    assert any(words in breach.message and breach.fault is Fault.RECIPE for breach in found)


def test_live_migration_of_what_cannot() -> None:
    groups = [
        {
            "id": "web",
            "count": 1,
            "demand": {"cpu_milli": 1, "memory_mib": 1},
            "movability": {"passthrough": True},
            "current": {"h1": 1},
        }
    ]
    script = Script(hosts(groups=groups), drain=["h1"])
    script.act("a", "move", "live", group="web", source="h1", target="h3")
    assert "cannot move" in only(script, Fault.RECIPE).message


def test_a_recipe_for_those_with_data() -> None:
    groups = [{"id": "job", "count": 1, "demand": {"cpu_milli": 1}, "stateful": True, "current": {"za": 1}}]
    snapshots = [{"id": "snap-1", "region": "r1"}]
    groups[0]["snapshots"] = ["snap-1"]
    of = cloud(groups=groups, instances=[], snapshots=snapshots, load_balancers=[])
    script = Script(of, fail=["za"])
    script.act("job", "recovery", "anew", group="job", source="za", target="zb")
    assert "without data" in only(script, Fault.RECIPE).message


def test_a_step_left_out() -> None:
    script = recovered()
    script.drop("job.fence_original")
    assert "lacks the step fence_original" in only(script, Fault.RECIPE).message


def test_a_step_too_many() -> None:
    script = moved()
    script.steps.append(Step(id="a.x", action="a", do="update_configuration", start_s=20, end_s=21))
    assert "is no step of live" in only(script, Fault.RECIPE).message


def test_steps_out_of_order() -> None:
    script = replaced()
    script.edit("job.create_instance", start_s=39, end_s=99, needs=["job.create_image"])
    found = {b.fault for b in execute(script.world, script.migration()).violations}
    assert found == {Fault.RECIPE, Fault.DEPENDENCY, Fault.IMAGE}


def test_a_step_that_hides_an_outage() -> None:
    script = replaced()
    script.edit("web.dissociate_address.eip-1", interrupts=False)
    assert "says otherwise" in only(script, Fault.RECIPE).message


# Originals.


def test_a_move_out_of_what_has_failed() -> None:
    script = moved(fail=["h1"])
    assert {b.fault for b in execute(script.world, script.migration()).violations} == {
        Fault.SOURCE,
        Fault.DEAD_SOURCE,
    }


def test_recovering_what_lives() -> None:
    script = Script(hosts(), mend=True)
    script.act("a", "recovery", "restart", group="web", source="h1", target="h3")
    found = [b.fault for b in execute(script.world, script.migration()).violations]
    # Nobody stops the original either, so there are two at the end.
    assert Fault.SOURCE in found
    assert Fault.ORIGINAL in found


def test_more_leave_than_are_there() -> None:
    script = moved()
    script.act("c", "move", "live", at=50, group="db", source="h1", target="h2")
    target = {"placements": moved().placements()}
    found = execute(script.world, script.migration(target=target)).violations
    assert [b.fault for b in found if b.second is not None] == [Fault.SOURCE]


def test_an_original_that_is_paid_for_is_not_destroyed() -> None:
    groups = [{"id": "job", "count": 1, "demand": {"cpu_milli": 1}, "current": {"za": 1}}]
    paid = {"mode": "prepaid", "paid_until": "2026-03-02T00:00:00Z"}
    groups[0]["billing"] = paid
    script = Script(cloud(groups=groups, instances=[], load_balancers=[]), drain=["za"])
    script.act("job", "move", "replace", group="job", source="za", target="zb")
    assert faults(script) == []
    last = script.steps[-1]
    script.steps[-1] = last.model_copy(
        update={"id": "job.d", "do": Operation.DESTROY_ORIGINAL, "end_s": last.end_s + 10}
    )
    found = execute(script.world, script.migration()).violations
    assert [b.fault for b in found] == [Fault.RECIPE, Fault.ORIGINAL, Fault.RECIPE]
    assert "paid until" in found[1].message


def test_a_kept_original_keeps_its_room() -> None:
    """Where the paid original stays there is no room for another."""
    zones = [
        {"id": "za", "in": "r1", "capacity": {"cpu_milli": 1000}},
        {"id": "zb", "in": "r1", "capacity": {"cpu_milli": 2000}},
    ]
    paid = {"mode": "prepaid", "paid_until": "2027-03-02T00:00:00Z"}
    groups = [
        {"id": "job", "count": 1, "demand": {"cpu_milli": 1000}, "billing": paid, "current": {"za": 1}},
        {"id": "other", "count": 1, "demand": {"cpu_milli": 1000}, "current": {"zb": 1}},
    ]
    of = cloud(zones=zones, groups=groups, instances=[], load_balancers=[], regions=[{"id": "r1"}])
    script = Script(of, mend=True)
    now = script.act("job", "move", "replace", group="job", source="za", target="zb")
    script.act("other", "move", "replace", at=now, group="other", source="zb", target="za")
    breach = only(script, Fault.CAPACITY)
    assert (breach.domain, breach.amount) == ("za", 1000)


# Room.


def test_both_ends_of_a_move_take_room() -> None:
    """The target is full until the other one has left it."""
    full = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 4000}} for i in (1, 2, 3)]
    groups = [
        {"id": g, "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 100}, "current": {h: 1}}
        for g, h in (("a", "h1"), ("b", "h2"))
    ]
    of = hosts(zones=[{"id": "z1"}], hosts=full, groups=groups)
    script = Script(of, drain=["h1"])
    now = script.act("b", "move", "live", group="b", source="h2", target="h3")
    script.act("a", "move", "live", at=now, group="a", source="h1", target="h2")
    assert faults(script) == []
    script.edit("a.live_migrate", start_s=now - 1, end_s=now + 10)
    breach = only(script, Fault.CAPACITY)
    assert (breach.domain, breach.what, breach.second, breach.amount) == ("h2", "cpu_milli", 10, 4000)


def test_a_domain_with_both_ends_counts_an_instance_once_if_it_stays_the_same() -> None:
    zones = [{"id": "z1", "capacity": {"cpu_milli": 12_000}, "most_instances": 3}, {"id": "z2"}]
    assert faults(moved(hosts(zones=zones))) == []
    regions = [{"id": "r1", "capacity": {"cpu_milli": 12_000}}, {"id": "r2"}]
    of = cloud(regions=regions, groups=[], instances=[], load_balancers=[])
    groups = [{"id": "job", "count": 10, "demand": {"cpu_milli": 1000}, "current": {"za": 10}}]
    of = cloud(regions=regions, groups=groups, instances=[], load_balancers=[])
    script = Script(of, drain=["za"])
    script.act("job", "move", "replace", group="job", count=10, source="za", target="zb")
    breach = only(script, Fault.CAPACITY)
    assert (breach.domain, breach.amount) == ("r1", 8000)


def test_stock_of_a_flavour() -> None:
    hosts_ = [{"id": f"h{i}", "in": "z1", "flavours": {"small": 1}} for i in (1, 2, 3)]
    groups = [{"id": g, "count": 1, "flavour": "small", "current": {h: 1}} for g, h in (("a", "h1"), ("b", "h2"))]
    flavours = [{"id": "small", "resources": {"cpu_milli": 1}}]
    script = Script(hosts(zones=[{"id": "z1"}], hosts=hosts_, groups=groups, flavours=flavours), drain=["h1"])
    script.act("b", "move", "live", group="b", source="h2", target="h3")
    script.act("a", "move", "live", group="a", source="h1", target="h2")
    breach = only(script, Fault.CAPACITY)
    assert (breach.domain, breach.what, breach.second) == ("h2", "small", 0)


def test_a_quota_holds_on_the_way() -> None:
    rule = {"rule": "quota", "domain": "r1", "most": 15}
    script = replaced(cloud(rules=[rule]))
    breach = only(script, Fault.QUOTA)
    # 12 are there; the batch of 6 comes before any of it leaves.
    assert (breach.domain, breach.amount, breach.rule) == ("r1", 3, "quota[0]")


def test_an_excess_that_does_not_grow_is_no_fault() -> None:
    small = [{"id": "h1", "in": "z1", "capacity": {"cpu_milli": 4000}}]
    small += [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 8000}} for i in (2, 3)]
    assert faults(moved(hosts(zones=[{"id": "z1"}], hosts=small))) == []


# Rules at every moment.


def test_a_rule_that_holds_for_both_ends() -> None:
    rule = {"rule": "anti_affinity", "groups": ["web"], "level": "host", "continuous": True}
    groups = [
        {"id": "web", "count": 2, "demand": {"cpu_milli": 1, "memory_mib": 1000}, "current": {"h1": 1, "h2": 1}}
    ]
    script = Script(hosts(groups=groups, rules=[rule]), drain=["h1"])
    now = script.act("b", "move", "live", group="web", source="h2", target="h3")
    script.act("a", "move", "live", at=now, group="web", source="h1", target="h2")
    assert faults(script) == []
    script.edit("a.live_migrate", start_s=5, end_s=40)
    breach = only(script, Fault.RULE)
    assert (breach.group, breach.domain, breach.second, breach.rule) == ("web", "h2", 5, "anti_affinity[0]")
    script = Script(hosts(groups=groups, rules=[rule | {"continuous": False}]), drain=["h1"])
    script.act("b", "move", "live", group="web", source="h2", target="h3")
    script.act("a", "move", "live", group="web", source="h1", target="h2")
    assert faults(script) == []


def test_groups_that_never_meet() -> None:
    rule = {"rule": "separation", "groups": ["web", "db"], "level": "host", "continuous": True}
    groups = [
        {"id": "web", "count": 1, "demand": {"cpu_milli": 1, "memory_mib": 1000}, "current": {"h1": 1}},
        {"id": "db", "count": 1, "demand": {"cpu_milli": 1, "memory_mib": 1000}, "current": {"h2": 1}},
    ]
    script = Script(hosts(groups=groups, rules=[rule]), drain=["h1"])
    now = script.act("b", "move", "live", group="db", source="h2", target="h3")
    script.act("a", "move", "live", at=now, group="web", source="h1", target="h2")
    assert faults(script) == []
    script.edit("a.live_migrate", start_s=now - 1, end_s=now + 20)
    assert only(script, Fault.RULE).domain == "h2"


def test_a_load_that_holds_on_the_way() -> None:
    rule = {"rule": "load", "level": "host", "most_share": 0.6, "continuous": True}
    full = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 8000}} for i in (1, 2, 3)]
    groups = [
        {"id": g, "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 100}, "current": {h: 1}}
        for g, h in (("a", "h1"), ("b", "h2"))
    ]
    script = Script(hosts(zones=[{"id": "z1"}], hosts=full, groups=groups, rules=[rule]), drain=["h1"])
    script.act("b", "move", "live", group="b", source="h2", target="h3")
    script.act("a", "move", "live", group="a", source="h1", target="h2")
    breach = only(script, Fault.RULE)
    assert (breach.domain, breach.rule) == ("h2", "load[0]")


@pytest.mark.parametrize("rule", [{"least": 2}, {"most_down": 0}])
def test_too_few_serve(rule: dict[str, Any]) -> None:
    of = hosts(rules=[{"rule": "keep_running", "groups": ["web"], **rule}])
    script = Script(of, mend=True)
    script.act("a", "move", "live", group="web", source="h1", target="h3")
    assert faults(script) == []
    script = Script(of, mend=True)
    script.act("a", "move", "stop-start", group="web", source="h1", target="h3")
    breach = only(script, Fault.KEEP_RUNNING)
    assert (breach.group, breach.second, breach.amount) == ("web", 0, 1)


def test_one_after_the_other_keeps_enough_running() -> None:
    of = hosts(rules=[{"rule": "keep_running", "groups": ["web"], "most_down": 1}])
    script = Script(of, mend=True)
    now = script.act("a", "move", "stop-start", group="web", source="h1", target="h3")
    script.act("b", "move", "stop-start", at=now, group="web", source="h2", target="h1")
    assert faults(script) == []
    script.edit("b.stop", start_s=now - 1)
    assert only(script, Fault.KEEP_RUNNING).second == now - 1


def test_too_few_backends() -> None:
    balancer = {"id": "lb", "kind": "x", "zones": ["z1"], "backends": ["web"], "least_backends": 2}
    script = Script(hosts(load_balancers=[balancer]), mend=True)
    script.act("a", "move", "stop-start", group="web", source="h1", target="h3")
    assert only(script, Fault.BACKENDS).rule == "lb"


def test_a_third_host_that_may_not_be_used() -> None:
    of = hosts(rules=[{"rule": "domains", "groups": ["web"], "forbid": ["h3"], "continuous": True}])
    script = Script(of, mend=True)
    now = script.act("a", "bypass", "live", group="web", source="h1", target="h3")
    script.act("b", "move", "live", at=now, group="web", source="h3", target="h2")
    breach = only(script, Fault.REACH)
    assert (breach.domain, breach.rule) == ("h3", "domains[0]")


def test_a_target_that_has_failed() -> None:
    script = Script(hosts(), fail=["h3"])
    script.act("a", "move", "live", group="web", source="h1", target="h3")
    found = [b.fault for b in execute(script.world, script.migration()).violations]
    assert Fault.REACH in found


# Windows, concurrency, links.


def test_an_outage_outside_of_the_windows() -> None:
    window = {"start": "2026-03-01T01:00:00Z", "end": "2026-03-01T02:00:00Z"}
    of = hosts(migration={"windows": [window]})
    script = Script(of, mend=True)
    script.act("a", "move", "stop-start", at=3600, group="web", source="h1", target="h3")
    assert faults(script) == []
    script.act("b", "move", "stop-start", at=7200 - 49, group="db", source="h1", target="h2")
    assert only(script, Fault.WINDOW).action == "b"
    script = Script(of, fail=["h1"])
    script.act("a", "recovery", "restart", group="web", source="h1", target="h3")
    script.act("b", "recovery", "restart", group="db", source="h1", target="h3")
    assert faults(script) == []


def test_windows_need_a_beginning() -> None:
    window = {"start": "2026-03-01T01:00:00Z", "end": "2026-03-01T02:00:00Z"}
    script = moved(hosts(taken_at=None, migration={"windows": [window]}))
    assert only(script, Fault.WINDOW).step is None


@pytest.mark.parametrize("limit", [{"most_at_once": 1}, {"most_at_once_per": {"zone": 1}}])
def test_too_many_at_once(limit: dict[str, Any]) -> None:
    assert faults(moved(hosts(migration=limit))) == []
    script = moved(hosts(migration=limit))
    script.edit("b.live_migrate", start_s=19, end_s=49)
    breach = only(script, Fault.CONCURRENCY)
    assert (breach.second, breach.amount) == (19, 1)
    assert breach.domain == (None if "most_at_once" in limit else "z1")


def test_a_link_that_is_too_thin() -> None:
    # 100 MiB/s are 838.8608 Mbit/s.
    wide = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 8000}, "uplink_mbit_s": 839} for i in (1, 2, 3)]
    of = hosts(zones=[{"id": "z1"}], hosts=wide)
    assert faults(moved(of)) == []
    script = moved(of)
    script.edit("b.live_migrate", start_s=19, end_s=49)
    execution = execute(script.world, script.migration())
    assert [(b.fault, b.domain) for b in execution.violations] == [(Fault.UPLINK, "h1"), (Fault.UPLINK, "h3")]
    thin = [host | {"uplink_mbit_s": 838} for host in wide]
    script = moved(hosts(zones=[{"id": "z1"}], hosts=thin))
    found = execute(script.world, script.migration()).violations
    assert {b.fault for b in found} == {Fault.UPLINK}


def test_one_zone_at_a_time() -> None:
    wide = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 80_000}} for i in (1, 2, 3)]
    of = hosts(zones=[{"id": "z1"}], hosts=wide, migration={"one_at_a_time": "host"})
    script = Script(of, mend=True)
    now = script.act("a", "move", "live", group="web", source="h1", target="h3")
    script.act("b", "move", "live", at=now, group="web", source="h2", target="h1")
    assert faults(script) == []
    script.edit("b.live_migrate", start_s=now - 1)
    breach = only(script, Fault.ONE_AT_A_TIME)
    assert (breach.domain, breach.second, breach.amount) == ("h2", now - 1, 1)


# What instances hang on.


def test_an_image_that_is_not_there() -> None:
    images = [{"id": "img-1", "regions": ["r2"], "copy_allowed": True}]
    script = recovered(cloud(images=images))
    found = [b for b in execute(script.world, script.migration()).violations if b.fault is not Fault.TARGET]
    assert {(b.fault, b.action) for b in found} == {(Fault.IMAGE, "web"), (Fault.IMAGE, "job")}


def test_a_copy_of_an_image_from_where_all_is_lost() -> None:
    groups = [{"id": "job", "count": 1, "demand": {"cpu_milli": 1}, "image": "img-1", "current": {"za": 1}}]
    of = cloud(groups=groups, instances=[], load_balancers=[])
    script = Script(of, fail=["r1"])
    script.losses = []
    script.act("c", "resource", "copy-image", where="zc", things={"copy_image": ["img-1"]})
    assert only(script, Fault.IMAGE).step == "c.copy_image.img-1"


def test_an_image_of_the_original_that_is_not_copied_along() -> None:
    groups = [{"id": "job", "count": 2, "demand": {"cpu_milli": 1}, "current": {"za": 2}}]
    script = Script(cloud(groups=groups, instances=[], load_balancers=[]), drain=["r1"])
    script.act("job", "move", "carry-region", group="job", count=2, source="za", target="zc")
    script.drop("job.copy_image")
    assert only(script, Fault.IMAGE).step == "job.create_instance"


def test_a_system_without_a_copy() -> None:
    snapshots = [
        {"id": "snap-1", "region": "r1", "of": "other", "taken_at": "2026-02-28T23:00:00Z"},
        {"id": "snap-2", "region": "r1", "of": "disk-1", "taken_at": "2026-02-28T22:00:00Z"},
    ]
    script = recovered(cloud(snapshots=snapshots))
    target = {"placements": [p for p in script.placements() if p.group != "db"]}
    found = execute(script.world, script.migration(target=target)).violations
    assert [b.step for b in found if b.fault is Fault.COPY] == ["db.restore_system"]


def test_an_address_that_another_holds() -> None:
    script = replaced()
    script.drop("web.dissociate_address.eip-1")
    found = execute(script.world, script.migration()).violations
    assert [b.fault for b in found] == [Fault.RECIPE, Fault.ELASTIC_IP]


def test_an_address_of_another_region() -> None:
    script = recovered(cloud(elastic_ips=[{"id": "eip-1", "region": "r2"}]))
    found = execute(script.world, script.migration()).violations
    assert [b.step for b in found if b.fault is Fault.ELASTIC_IP] == ["web.associate_address.eip-1"]


def test_a_disk_that_another_holds() -> None:
    script = replaced()
    script.drop("db.copy_disk.disk-1")
    found = execute(script.world, script.migration()).violations
    assert [b.fault for b in found] == [Fault.RECIPE, Fault.DISK]


def test_a_balancer_that_is_gone() -> None:
    script = replaced()
    script.act("lb", "resource", None)
    script.steps.append(Step(id="lb.d", action="lb", do="delete_balancer", thing="lb-1", start_s=0, end_s=5))
    found = execute(script.world, script.migration()).violations
    # Nobody can be bound to it, and it is not there at the end.
    assert [b.fault for b in found] == [Fault.BALANCER, Fault.BALANCER]


def test_a_balancer_that_the_provider_does_not_switch() -> None:
    balancers = [{"id": "lb-1", "kind": "clb", "region": "r1", "zones": ["za"], "backends": ["web"]}]
    script = recovered(cloud(load_balancers=balancers))
    assert Fault.BALANCER in [b.fault for b in execute(script.world, script.migration()).violations]


# Subnets.


def test_a_subnet_that_is_overfull() -> None:
    subnets = [
        {"id": "sub-a", "vpc": "vpc", "zone": "za", "cidr": "10.0.1.0/29"},
        {"id": "sub-b", "vpc": "vpc", "zone": "zb", "cidr": "10.0.2.0/29", "used": 6},
    ]
    groups = [{"id": "app", "count": 3, "demand": {"cpu_milli": 1}, "vpcs": ["vpc"], "current": {"za": 3}}]
    script = Script(networked(subnets=subnets, groups=groups), drain=["za"])
    script.act("app", "move", "replace", group="app", count=3, source="za", target="zb", subnet="sub-b")
    found = execute(script.world, script.migration()).violations
    late = [b for b in found if b.fault is Fault.SUBNET]
    assert [(b.what, b.amount) for b in late] == [("sub-b", 1)]


def test_a_subnet_that_is_not_empty() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    script.edit("net.delete_subnet.sub-a", start_s=49, needs=[])
    breach = only(script, Fault.SUBNET, script.migration(target=carried_target()))
    assert (breach.step, breach.amount) == ("net.delete_subnet.sub-a", 3)


def test_a_subnet_in_which_something_else_sits() -> None:
    subnets = [{"id": "sub-a", "vpc": "vpc", "zone": "za", "cidr": "10.0.1.0/29", "used": 1}]
    script = Script(networked(subnets=subnets), drain=["za"])
    carried(script)
    found = execute(script.world, script.migration(target=carried_target())).violations
    assert any("1 other things" in breach.message for breach in found if breach.fault is Fault.SUBNET)


def test_instances_before_their_subnet() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    script.edit("app.create_instance", start_s=55, needs=["app.destroy_original"])
    breach = only(script, Fault.SUBNET, script.migration(target=carried_target()))
    assert (breach.second, breach.what) == (55, "sub-a")


def test_a_subnet_in_another_zone() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    script.edit("net.create_subnet.sub-a", at="zc")
    found = execute(script.world, script.migration(target=carried_target())).violations
    assert {b.fault for b in found} == {Fault.SUBNET}


def test_the_same_block_twice() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    script.edit("net.create_subnet.sub-a", cidr="10.0.2.0/29")
    found = execute(script.world, script.migration(target=carried_target())).violations
    assert [b.fault for b in found] == [Fault.SUBNET, Fault.SUBNET]
    assert "overlaps" in found[0].message + found[1].message


def test_a_dead_subnet_cannot_be_deleted() -> None:
    groups = [{"id": "app", "count": 3, "demand": {"cpu_milli": 1}, "vpcs": ["vpc"], "current": {"za": 3}}]
    script = Script(networked(groups=groups), fail=["za"])
    script.act("app", "recovery", "anew", group="app", count=3, source="za", target="zb", subnet="sub-b")
    assert faults(script) == []
    script.act("net", "resource", None)
    script.steps.append(Step(id="net.d", action="net", do="delete_subnet", thing="sub-a", start_s=0, end_s=5))
    assert "has failed" in only(script, Fault.SUBNET).message


# The end.


def test_somebody_who_does_not_come() -> None:
    script = moved()
    target = {"placements": script.placements()}
    script.actions, script.steps = script.actions[:1], script.steps[:1]
    found = execute(script.world, script.migration(target=target)).violations
    assert [(b.fault, b.group, b.domain) for b in found] == [
        (Fault.TARGET, "db", "h1"),
        (Fault.TARGET, "db", "h3"),
    ]


def test_a_target_that_breaks_a_rule() -> None:
    of = hosts(rules=[{"rule": "anti_affinity", "groups": ["web"], "level": "zone"}])
    script = Script(of, to=True)
    breach = only(script, Fault.TARGET)
    assert breach.rule == "anti_affinity[0]"


def test_instances_that_are_forgotten() -> None:
    script = recovered()
    script.actions, script.steps = script.actions[:2], [s for s in script.steps if s.action != "job"]
    breach = only(script, Fault.MISSING)
    assert (breach.group, breach.amount) == ("job", 6)
    script.losses.append(Loss(group="job", count=6, reason="no_room", message="no room"))
    assert faults(script) == []


# Claims, and what is refused.


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"moves": 3}, "moves: the plan says 3, it is 2"),
        ({"bypasses": 1}, "bypasses: the plan says 1, it is 0"),
        ({"recoveries": 1}, "recoveries: the plan says 1, it is 0"),
        ({"takeovers": 1}, "takeovers: the plan says 1, it is 0"),
        ({"losses": [Loss(group="web", count=1, reason="no_room", message="x")]}, "web: the plan lists 1 as lost"),
        (
            {"losses": [Loss(group="web", count=1, reason="pinned", message="x")]},
            "web: lost as pinned, and nothing pins it",
        ),
    ],
)
def test_claims_that_are_not_true(fields: dict[str, Any], words: str) -> None:
    script = moved()
    migration = script.migration().model_copy(update=fields)
    execution = execute(script.world, migration)
    assert not execution.violations
    assert any(words in claim for claim in execution.claims)


def test_downtime_and_data_loss_that_are_not_true() -> None:
    script = recovered()
    migration = script.migration()
    actions = [a.model_copy(update={"downtime_s": 1, "data_loss_minutes": 5.0}) for a in migration.actions]
    claims = execute(script.world, migration.model_copy(update={"actions": actions})).claims
    assert sum("downtime" in claim for claim in claims) == 3
    assert sum("minutes" in claim for claim in claims) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"estate_fingerprint": "0"}, "another state of the estate"),
        ({"actions": [{"group": "webb"}]}, "unknown group webb. Maybe web?"),
        ({"actions": [{"target": "h33"}]}, "unknown domain h33. Maybe h3?"),
        ({"actions": [{"target": "z1"}]}, "z1 is no site"),
        ({"actions": [{"recipe": "live1"}]}, "unknown recipe live1. Maybe live?"),
        ({"actions": [{"instances": ["web-9"]}]}, "unknown instance web-9"),
        ({"actions": [{}, {"id": "a"}]}, "a is given twice"),
        ({"steps": [{"action": "c"}]}, "unknown action c"),
        ({"steps": [{"at": "h9"}]}, "unknown domain h9"),
        ({"steps": [{}, {"id": "a.live_migrate"}]}, "a.live_migrate is given twice"),
    ],
)
def test_names_that_are_not_known(fields: dict[str, Any], words: str) -> None:
    script = moved()
    migration = script.migration()
    update: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            update[name] = value
            continue
        entries = list(getattr(migration, name))
        for position, change in enumerate(value):
            entries[position] = entries[position].model_copy(update=change)
        update[name] = entries
    with pytest.raises(InputError, match="(?i)" + words.replace("?", r"\?").replace(".", r"\.")) as caught:
        execute(World(script.estate), migration.model_copy(update=update))
    assert "\n" not in str(caught.value)


def test_what_is_to_be_mended_does_not_get_worse_on_the_way() -> None:
    rule = {"rule": "anti_affinity", "groups": ["web"], "level": "host", "continuous": True}
    group = {"id": "web", "count": 4, "demand": {"cpu_milli": 1, "memory_mib": 1000}}
    of = hosts(groups=[group | {"current": {"h1": 2, "h2": 1, "h3": 1}}], rules=[rule])
    script = Script(of, mend=True)
    now = script.act("a", "move", "live", group="web", source="h1", target="h2")
    script.act("b", "move", "stop-start", at=now, group="web", source="h2", target="h1")
    breach = only(script, Fault.RULE)
    assert (breach.second, breach.amount) == (0, 1)
