"""Subnets, balancers and images on the way: made again in the right order, by plans that were played through."""

from __future__ import annotations

from typing import Any

import pytest

from zonewright.models.aftermath import aftermath
from zonewright.models.events import Event
from zonewright.models.files import estate_from_text
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.world import World
from zonewright.solver.migrate.moves import movements
from zonewright.solver.migrate.plan import plan_migration
from zonewright.solver.migrate.resources import link
from zonewright.solver.migrate.works import make_works

SHOP = """
estate: shop
catalogues: [tencent-cvm]
consider: [ap-guangzhou-2, ap-guangzhou-3]
taken_at: 2024-09-02T08:00:00+08:00
zones:
  - {id: ap-guangzhou-2, capacity: {cpu_cores: 100, memory_gib: 400}}
  - {id: ap-guangzhou-3, capacity: {cpu_cores: 100, memory_gib: 400}}
vpcs: [{id: vpc-00000001, region: ap-guangzhou, cidr: 10.0.0.0/16, new_subnet_prefix: 24}]
subnets:
  - {id: subnet-data0002, vpc: vpc-00000001, cidr: 10.0.2.0/24, zone: ap-guangzhou-2}
  - {id: subnet-webs0002, vpc: vpc-00000001, cidr: 10.0.4.0/24, zone: ap-guangzhou-2}
  - {id: subnet-any00003, vpc: vpc-00000001, cidr: 10.0.3.0/24, zone: ap-guangzhou-3}
elastic_ips: [{id: eip-00000001, region: ap-guangzhou}]
disks: [{id: disk-00000001, region: ap-guangzhou, size_gib: 100}]
snapshots: [{id: snap-0000001a, region: ap-guangzhou, of: ins-00000001, taken_at: "2024-09-02T07:00:00+08:00"}]
images: [{id: img-00000001, regions: [ap-guangzhou]}]
load_balancers:
  - {id: clb-00000001, kind: clb, region: ap-guangzhou, zones: [ap-guangzhou-3], backends: [web]}
  - {id: clb-00000002, kind: clb, region: ap-guangzhou, zones: [ap-guangzhou-2], backends: [db], internal: true,
     subnet: subnet-data0002}
groups:
  - {id: web, count: 4, demand: {cpu_cores: 2, memory_gib: 4, disk_gib: 50}, vpcs: [vpc-00000001],
     image: img-00000001, current: {ap-guangzhou-2: 4}, subnets: [subnet-webs0002]}
  - {id: db, count: 2, demand: {cpu_cores: 4, memory_gib: 16, disk_gib: 50}, vpcs: [vpc-00000001], stateful: true,
     subnets: [subnet-data0002], keep_private_ip: true}
instances:
  - {id: ins-00000001, group: db, site: ap-guangzhou-2, subnet: subnet-data0002, private_ip: 10.0.2.7,
     disks: [disk-00000001], elastic_ips: [eip-00000001], snapshots: [snap-0000001a]}
  - {id: ins-00000002, group: db, site: ap-guangzhou-2, subnet: subnet-data0002, private_ip: 10.0.2.8,
     billing: {mode: prepaid, paid_until: "2025-01-01T00:00:00+08:00"}}
"""

MOSCOW = """
estate: moscow
catalogues: [vk-cloud]
consider: [vk-moscow]
taken_at: 2024-09-02T08:00:00+03:00
vpcs: [{id: net, region: vk-moscow, cidr: 10.0.0.0/16}]
subnets: [{id: sub, vpc: net, cidr: 10.0.2.0/24}]
elastic_ips: [{id: fip, region: vk-moscow}]
disks: [{id: vol, region: vk-moscow, zone: GZ1, size_gib: 100}]
snapshots: [{id: sys-copy, region: vk-moscow, of: db}, {id: vol-copy, region: vk-moscow, of: vol}]
load_balancers: [{id: front, kind: vk_lb, region: vk-moscow, zones: [GZ1], backends: [web]}]
groups:
  - {id: web, count: 4, demand: {cpu_cores: 2, memory_gib: 4, disk_gib: 50}, vpcs: [net],
     current: {GZ1: 3, MS1: 1}}
  - {id: db, count: 1, demand: {cpu_cores: 4, memory_gib: 16, disk_gib: 50}, vpcs: [net], stateful: true,
     disks: [vol], snapshots: [sys-copy, vol-copy], current: {GZ1: 1}}
  - {id: pg, count: 1, demand: {cpu_cores: 4, memory_gib: 16}, vpcs: [net], stateful: true, elastic_ips: [fip],
     current: {GZ1: 1}}
  - {id: pg-standby, count: 1, demand: {cpu_cores: 4, memory_gib: 16}, vpcs: [net], stateful: true,
     standby_of: pg, current: {MS1: 1}}
"""

REGIONS = """
estate: two-regions
catalogues: [tencent-cvm]
consider: [ap-guangzhou-2, ap-beijing-1, ap-shanghai-1]
taken_at: 2024-09-02T08:00:00+08:00
images:
  - {id: img-both0001, regions: [ap-guangzhou, ap-beijing]}
  - {id: img-away0001, regions: [ap-guangzhou, ap-shanghai], copy_allowed: true}
  - {id: img-lost0001, regions: [ap-guangzhou], copy_allowed: true}
snapshots: [{id: snap-00000001, region: ap-beijing, of: db, taken_at: "2024-09-02T07:00:00+08:00"}]
elastic_ips: [{id: eip-00000001, region: ap-guangzhou}]
groups:
  - {id: web, count: 2, demand: {cpu_cores: 2, disk_gib: 10}, image: img-both0001, current: {ap-guangzhou-2: 2},
     elastic_ips: [eip-00000001]}
  - {id: app, count: 2, demand: {cpu_cores: 2, disk_gib: 10}, image: img-away0001, current: {ap-guangzhou-2: 2}}
  - {id: job, count: 2, demand: {cpu_cores: 2, disk_gib: 20}, image: img-away0001, current: {ap-guangzhou-2: 2}}
  - {id: old, count: 2, demand: {cpu_cores: 2, disk_gib: 10}, image: img-lost0001, current: {ap-guangzhou-2: 2}}
  - {id: db, count: 1, demand: {cpu_cores: 2, disk_gib: 10}, stateful: true, snapshots: [snap-00000001],
     current: {ap-guangzhou-2: 1}}
  - {id: raw, count: 1, demand: {cpu_cores: 2}, stateful: true, current: {ap-guangzhou-2: 1}}
rules:
  - {rule: domains, id: to-beijing, groups: [web, app, job, old, db, raw], forbid: [ap-shanghai]}
"""


def planned(text: str, **event: Any) -> Migration:
    """The migration of an event. `plan_migration` has had it played by the executor."""
    result = plan_migration(estate_from_text(text), event=Event(**event), time_limit_s=30, workers=1)
    assert result.migration is not None, result.blocked
    assert result.reason is None
    return result.migration


def of(migration: Migration, recipe: str) -> list[Action]:
    return [action for action in migration.actions if action.recipe == recipe]


def step(migration: Migration, action: Action, do: str) -> Step:
    return next(s for s in migration.steps if s.action == action.id and s.do.value == do)


def changed(action: Action) -> set[str]:
    return {change.what for change in action.changes}


def test_a_subnet_goes_to_another_zone_with_everybody_in_it() -> None:
    """Everybody and the internal balancer out, deleted, made again with its block, everybody back in."""
    migration = planned(SHOP, drain=["ap-guangzhou-2"])
    one, other = of(migration, "cvm-carry-subnet")
    (subnet,) = of(migration, "cvm-carry-cidr")
    (balancer,) = of(migration, "cvm-carry-balancer")
    delete, create = step(migration, subnet, "delete_subnet"), step(migration, subnet, "create_subnet")
    assert (create.thing, create.cidr, create.at) == ("subnet-data0002", "10.0.2.0/24", "ap-guangzhou-3")
    destroyed = step(migration, one, "destroy_original")
    waits = step(migration, other, "change_subnet")
    gone = step(migration, balancer, "delete_balancer")
    assert set(delete.needs) == {destroyed.id, waits.id, gone.id}
    assert waits.thing == "subnet-webs0002", "the paid original waits in another subnet of its zone"
    assert step(migration, other, "keep_original").needs == [waits.id]
    for action in (one, other):
        assert create.id in step(migration, action, "create_instance").needs
        assert changed(action) == {"identifier"}, "the private address stays"
        assert step(migration, balancer, "create_balancer").id in step(migration, action, "bind_backend").needs
    assert create.id in step(migration, balancer, "create_balancer").needs
    assert changed(balancer) == {"balancer"}, "its address stays"
    assert [(c.what, c.before, c.after) for c in subnet.changes] == [
        ("subnet", "ap-guangzhou-2", "ap-guangzhou-3")
    ]


def test_those_who_need_not_keep_their_address_are_replaced_without_an_outage() -> None:
    migration = planned(SHOP, drain=["ap-guangzhou-2"])
    (web,) = of(migration, "cvm-replace")
    assert (web.count, web.downtime_s) == (4, 0)
    assert changed(web) == {"identifier", "private_ip", "subnet"}


def test_with_the_zone_dead_no_subnet_is_deleted() -> None:
    """New addresses, copies as old as the oldest, and what has no copy is lost."""
    migration = planned(SHOP, fail=["ap-guangzhou-2"])
    does = {s.do.value for s in migration.steps}
    assert not does & {"delete_subnet", "create_image", "destroy_original", "keep_original"}
    (db,) = of(migration, "cvm-restore")
    assert (db.instances, db.data_loss_minutes, db.subnet) == (["ins-00000001"], 60, "subnet-any00003")
    assert changed(db) == {"identifier", "private_ip", "subnet"}
    (loss,) = migration.losses
    assert (loss.group, loss.reason, loss.instances) == ("db", "no_copy", ["ins-00000002"])
    (web,) = of(migration, "cvm-start-anew")
    assert web.count == 4
    assert step(migration, web, "fence_original").start_s == web.downtime_s
    (balancer,) = of(migration, "cvm-new-balancer")
    assert changed(balancer) == {"balancer", "vip"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ((("10.0.2.0/24, zone", "10.0.2.0/24, used: 5, zone"),), "it holds 5 other things"),
        (
            (
                ("  - {id: subnet-webs0002, vpc: vpc-00000001, cidr: 10.0.4.0/24, zone: ap-guangzhou-2}\n", ""),
                ("subnets: [subnet-webs0002]", "subnets: [subnet-data0002]"),
            ),
            "originals that are paid for have no other subnet",
        ),
    ],
)
def test_a_subnet_that_cannot_be_emptied_stays_and_its_addresses_change(
    changes: tuple[tuple[str, str], ...], reason: str
) -> None:
    text = SHOP
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    migration = planned(text, drain=["ap-guangzhou-2"])
    assert not of(migration, "cvm-carry-subnet")
    assert any("subnet-data0002 cannot go along" in w and reason in w for w in migration.warnings)
    assert all("private_ip" in changed(action) for action in migration.actions if action.group == "db")


def test_a_balancer_of_several_zones_is_switched_by_its_provider() -> None:
    both = SHOP.replace("zones: [ap-guangzhou-3]", "zones: [ap-guangzhou-2, ap-guangzhou-3]")
    migration = planned(both, fail=["ap-guangzhou-2"])
    (switch,) = of(migration, "cvm-switch-balancer")
    waited = step(migration, switch, "switch_balancer")
    assert (waited.thing, waited.at) == ("clb-00000001", "ap-guangzhou-3")
    assert switch.changes == []


def test_a_zonal_balancer_of_a_dead_zone_is_made_anew_and_bound() -> None:
    migration = planned(MOSCOW, fail=["GZ1"])
    (balancer,) = of(migration, "vk-new-balancer")
    made = step(migration, balancer, "create_balancer")
    assert (made.thing, made.at) == ("front", "MS1")
    (web,) = of(migration, "vk-start-anew")
    assert made.id in step(migration, web, "bind_backend").needs
    (db,) = of(migration, "vk-restore")
    assert db.data_loss_minutes is None, "nobody says when the copies were made"
    assert step(migration, db, "restore_disk").thing == "vol"
    assert any("nobody says when its copies were made" in text for text in migration.assumptions)


def test_a_standby_takes_over_by_its_address_alone_and_hands_it_back() -> None:
    migration = planned(MOSCOW, fail=["GZ1"])
    (takeover,) = of(migration, "vk-takeover")
    assert (takeover.group, takeover.takes_over, takeover.downtime_s) == ("pg", "pg-standby", 10)
    assert [s.do.value for s in migration.steps if s.action == takeover.id] == [
        "dissociate_address",
        "associate_address",
    ]
    lent = MOSCOW.replace("{id: fip, region: vk-moscow}", "{id: fip, region: vk-moscow, bound_to: pg-standby}")
    back = planned(lent, restore=["GZ1"])
    (handed,) = back.actions
    assert (handed.kind, handed.takes_over, handed.target) == ("takeover", "pg", "GZ1")
    assert handed.why == "GZ1 is back: pg serves again in place of pg-standby"


def test_machines_and_volumes_leave_a_drained_zone_under_their_names() -> None:
    migration = planned(MOSCOW, drain=["GZ1"])
    moved = of(migration, "vk-shelve")
    assert sum(action.count for action in moved) == 5
    assert all(action.changes == [] for action in moved)
    (balancer,) = of(migration, "cloud-carry-balancer")
    web = next(action for action in moved if action.group == "web")
    assert step(migration, balancer, "delete_balancer").needs == [step(migration, web, "unshelve").id]


def test_an_image_is_copied_once_for_all_who_start_from_it() -> None:
    """Two groups start from it in Beijing: 20 GiB of the larger one at 100 MiB/s take 205 s, the rest 120 s."""
    migration = planned(REGIONS, fail=["ap-guangzhou"])
    (image,) = of(migration, "cvm-copy-image")
    copied = step(migration, image, "copy_image")
    assert (copied.thing, copied.at, copied.end_s - copied.start_s) == ("img-away0001", "ap-beijing", 325)
    assert "ap-shanghai" in (copied.command or ""), "from a region that lives"
    started = {action.group: action for action in of(migration, "cvm-start-anew-region")}
    assert set(started) == {"web", "app", "job"}
    for group in ("app", "job"):
        assert copied.id in step(migration, started[group], "create_instance").needs
    assert step(migration, started["web"], "create_instance").needs == []
    assert ("elastic_ip", "eip-00000001") in {(c.what, c.before) for c in started["web"].changes}
    assert {(loss.group, loss.reason) for loss in migration.losses} == {("old", "region_lost"), ("raw", "no_copy")}
    (db,) = of(migration, "cvm-restore-region")
    assert db.data_loss_minutes == 60


def test_linking_twice_is_linking_once() -> None:
    """Works that were split or given more ways are linked anew, with nothing left of before."""
    world = World(estate_from_text(SHOP))
    migration = planned(SHOP, drain=["ap-guangzhou-2"])
    after = aftermath(world, Event(drain=["ap-guangzhou-2"]))
    assert migration.target is not None
    works, missing = make_works(after, migration.target, movements(after, migration.target))
    assert not missing
    assert link(after, works) == works
    alone = link(after, [work for work in works if work.ways[0][0].action.kind != "resource"])
    assert alone != works


@pytest.mark.parametrize("event", [{"drain": ["ap-guangzhou-2"]}, {"fail": ["ap-guangzhou-2"]}])
def test_every_step_can_be_followed_by_a_person(event: dict[str, Any]) -> None:
    for taken in planned(SHOP, **event).steps:
        assert taken.console
        assert taken.check
        assert taken.undo
