"""Plans that play without a fault: one for every kind of procedure."""

from __future__ import annotations

from typing import Any

from tests.executor.script import Script, estate, faults, hosts
from zonewright.models.executor import execute


def test_live_migration_between_hosts() -> None:
    script = Script(hosts(), drain=["h1"])
    script.act("a", "move", "live", group="web", source="h1", target="h3")
    script.act("b", "move", "live", group="db", source="h1", target="h3")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.moves == 2
    assert execution.figures.downtime_s == {"a": 0, "b": 0}
    assert execution.placement["web", None] == {"h2": 1, "h3": 1}


def test_stop_and_start_frees_room_before_it_takes_any() -> None:
    """Two hosts swap what is on them, which only works through a stop."""
    full = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 4000}} for i in (1, 2)]
    groups = [
        {"id": g, "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 100}, "current": {h: 1}}
        for g, h in (("a", "h1"), ("b", "h2"))
    ]
    script = Script(hosts(zones=[{"id": "z1"}], hosts=full, groups=groups))
    script.act("x", "move", "stop-start", group="a", source="h1", target="h2")
    script.act("y", "move", "stop-start", group="b", source="h2", target="h1")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.downtime_s == {"x": 50, "y": 50}


def test_bypass_over_a_third_host() -> None:
    full = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 4000}} for i in (1, 2, 3)]
    groups = [
        {"id": g, "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 100}, "current": {h: 1}}
        for g, h in (("a", "h1"), ("b", "h2"))
    ]
    script = Script(hosts(zones=[{"id": "z1"}], hosts=full, groups=groups))
    now = script.act("x1", "bypass", "live", group="a", source="h1", target="h3")
    now = script.act("y", "move", "live", at=now, group="b", source="h2", target="h1")
    script.act("x2", "move", "live", at=now, group="a", source="h3", target="h2")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert (execution.figures.moves, execution.figures.bypasses) == (2, 1)


def test_dead_host_restarts_elsewhere() -> None:
    script = Script(hosts(), fail=["h1"])
    script.act("a", "recovery", "restart", group="web", source="h1", target="h3")
    script.act("b", "recovery", "restart", at=7, group="db", source="h1", target="h3")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.recoveries == 2
    assert execution.figures.downtime_s == {"a": 35, "b": 42}
    assert execution.figures.back_s == {0: 42}


def cloud(**data: Any) -> Any:
    """Two zones and another region; `web` with an address, `db` with a disk and copies, behind a balancer."""
    base: dict[str, Any] = {
        "regions": [{"id": "r1"}, {"id": "r2"}],
        "zones": [
            {"id": "za", "in": "r1", "capacity": {"cpu_milli": 100_000}},
            {"id": "zb", "in": "r1", "capacity": {"cpu_milli": 100_000}},
            {"id": "zc", "in": "r2", "capacity": {"cpu_milli": 100_000}},
        ],
        "elastic_ips": [{"id": "eip-1", "region": "r1"}],
        "disks": [{"id": "disk-1", "region": "r1", "zone": "za", "size_gib": 10}],
        "images": [{"id": "img-1", "regions": ["r1"], "copy_allowed": True}],
        "snapshots": [
            {"id": "snap-1", "region": "r1", "of": "db-1", "taken_at": "2026-02-28T23:00:00Z"},
            {"id": "snap-2", "region": "r1", "of": "disk-1", "taken_at": "2026-02-28T22:00:00Z"},
        ],
        "load_balancers": [
            {"id": "lb-1", "kind": "clb", "region": "r1", "zones": ["za", "zb"], "backends": ["web"]}
        ],
        "groups": [
            {
                "id": "web",
                "count": 1,
                "demand": {"cpu_milli": 2000, "disk_gib": 10},
                "image": "img-1",
                "elastic_ips": ["eip-1"],
            },
            {"id": "db", "count": 1, "demand": {"cpu_milli": 4000, "disk_gib": 20}, "stateful": True},
            {
                "id": "job",
                "count": 10,
                "demand": {"cpu_milli": 1000},
                "image": "img-1",
                "current": {"za": 6, "zb": 4},
            },
        ],
        "instances": [
            {"id": "web-1", "group": "web", "site": "za"},
            {"id": "db-1", "group": "db", "site": "za", "disks": ["disk-1"], "snapshots": ["snap-1", "snap-2"]},
        ],
    }
    return estate(**(base | data))


WEB = {"dissociate_address": ["eip-1"], "associate_address": ["eip-1"], "bind_backend": ["lb-1"]}


def test_replacing_instances_in_another_zone() -> None:
    script = Script(cloud(), drain=["za"])
    script.act(
        "web",
        "move",
        "replace",
        group="web",
        instances=["web-1"],
        source="za",
        target="zb",
        things={**WEB, "unbind_backend": ["lb-1"]},
    )
    # Disks are zonal where nobody says otherwise: this one is copied.
    things = {"copy_disk": ["disk-1"], "attach_disk": ["disk-1"]}
    script.act("db", "move", "replace", group="db", instances=["db-1"], source="za", target="zb", things=things)
    script.act("job", "move", "replace", group="job", count=6, source="za", target="zb")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.moves == 8
    assert execution.figures.downtime_s["job"] == 0
    assert execution.figures.downtime_s["web"] == 15


def test_recovering_a_dead_zone() -> None:
    script = Script(cloud(), fail=["za"])
    things = {k: v for k, v in WEB.items() if k != "dissociate_address"}
    script.act(
        "web", "recovery", "anew", group="web", instances=["web-1"], source="za", target="zb", things=things
    )
    things = {"restore_disk": ["disk-1"], "attach_disk": ["disk-1"]}
    script.act(
        "db", "recovery", "restore", group="db", instances=["db-1"], source="za", target="zb", things=things
    )
    script.act("job", "recovery", "anew", group="job", count=6, source="za", target="zb")
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.recoveries == 8
    # The oldest copy that is used is the disk's, two hours old.
    assert execution.figures.data_loss_minutes == {"db": 120.0}


def test_dead_region_needs_the_image_copied_by_somebody_who_has_it() -> None:
    images = [{"id": "img-1", "regions": ["r1", "r2"], "copy_allowed": True}]
    groups = [{"id": "job", "count": 2, "demand": {"cpu_milli": 1}, "image": "img-1", "current": {"za": 2}}]
    regions = [{"id": "r1"}, {"id": "r2"}, {"id": "r3"}]
    zones = [{"id": z, "in": r} for z, r in (("za", "r1"), ("zc", "r2"), ("zd", "r3"))]
    data = {"regions": regions, "zones": zones, "groups": groups, "images": images, "instances": []}
    script = Script(cloud(**data, load_balancers=[]), fail=["r1"])
    script.act(
        "job",
        "recovery",
        "anew-region",
        group="job",
        count=2,
        source="za",
        target="zd",
        things={"copy_image": ["img-1"]},
    )
    assert faults(script) == []
    script = Script(cloud(**data, load_balancers=[]), fail=["r1"])
    end = script.act("img", "resource", "copy-image", where="zd", things={"copy_image": ["img-1"]})
    script.act(
        "job",
        "recovery",
        "anew-region",
        at=end,
        group="job",
        count=2,
        source="za",
        target="zd",
        after=["img.copy_image.img-1"],
    )
    assert faults(script) == []


def test_moving_to_another_region_by_an_image_of_the_original() -> None:
    groups = [{"id": "job", "count": 2, "demand": {"cpu_milli": 1}, "current": {"za": 2}}]
    script = Script(cloud(groups=groups, instances=[], load_balancers=[]), drain=["r1"])
    script.act("job", "move", "carry-region", group="job", count=2, source="za", target="zc")
    assert faults(script) == []


def test_shelving_keeps_the_identity() -> None:
    script = Script(cloud(), drain=["za"])
    for name, group, who in (("a", "web", ["web-1"]), ("b", "db", ["db-1"])):
        things = {"retype_volume": ["disk-1"]} if group == "db" else {}
        script.act(name, "move", "shelving", group=group, instances=who, source="za", target="zb", things=things)
    script.act("c", "move", "shelving", group="job", count=6, source="za", target="zb")
    assert faults(script) == []


def test_standby_takes_over() -> None:
    groups = [
        {"id": "web", "count": 1, "demand": {"cpu_milli": 1}, "elastic_ips": ["eip-1"], "current": {"za": 1}},
        {"id": "spare", "count": 1, "demand": {"cpu_milli": 1}, "standby_of": "web", "current": {"zb": 1}},
    ]
    script = Script(cloud(groups=groups, instances=[], load_balancers=[]), fail=["za"])
    things = {"dissociate_address": ["eip-1"], "associate_address": ["eip-1"]}
    script.act(
        "t", "takeover", "takeover", group="web", source="za", target="zb", takes_over="spare", things=things
    )
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
    assert execution.figures.takeovers == 1
    assert execution.figures.downtime_s == {"t": 10}


def networked(**data: Any) -> Any:
    """Two zones with a zonal subnet each, and one that can go along with its instances."""
    base: dict[str, Any] = {
        "vpcs": [{"id": "vpc", "cidr": "10.0.0.0/16"}],
        "subnets": [
            {"id": "sub-a", "vpc": "vpc", "zone": "za", "cidr": "10.0.1.0/29"},
            {"id": "sub-b", "vpc": "vpc", "zone": "zb", "cidr": "10.0.2.0/28"},
        ],
        "groups": [
            {
                "id": "app",
                "count": 3,
                "demand": {"cpu_milli": 1},
                "vpcs": ["vpc"],
                "subnets": ["sub-a"],
                "keep_private_ip": True,
                "current": {"za": 3},
            }
        ],
        "instances": [],
        "load_balancers": [],
    }
    return cloud(**(base | data))


def carried(script: Script, **more: Any) -> None:
    """All of a subnet is destroyed; the subnet goes to the other zone; then all are created there."""
    script.act("app", "move", "carry", group="app", count=3, source="za", target="zb", subnet="sub-a")
    ends = {s.id: s.end_s for s in script.steps}
    start = ends["app.destroy_original"]
    now = script.act(
        "net",
        "resource",
        "carry-cidr",
        at=start,
        where="zb",
        cidr="10.0.1.0/29",
        things={"delete_subnet": ["sub-a"], "create_subnet": ["sub-a"]},
        after=["app.destroy_original"],
    )
    script.edit(
        "app.create_instance",
        start_s=now,
        end_s=now + 60,
        needs=["app.destroy_original", "net.create_subnet.sub-a"],
    )


def carried_target() -> dict[str, Any]:
    from zonewright.models.plan import SubnetZone

    return {"subnets": [SubnetZone(subnet="sub-a", zone="zb", cidr="10.0.1.0/29")]}


def test_a_subnet_goes_along_with_its_instances() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    assert faults(script, script.migration(target=carried_target())) == []


def test_what_is_stopped_for_others_is_listed_as_a_loss() -> None:
    from zonewright.models.migration import Loss, Step

    groups = [
        {"id": "low", "count": 1, "demand": {"cpu_milli": 8000}, "preemptible": True, "current": {"h2": 1}},
        {"id": "high", "count": 1, "demand": {"cpu_milli": 8000}, "priority": 9, "current": {"h1": 1}},
    ]
    two = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 8000}} for i in (1, 2)]
    script = Script(hosts(zones=[{"id": "z1"}], hosts=two, groups=groups), fail=["h1"])
    script.act("s", "resource", None, group="low", source="h2")
    script.steps.append(Step(id="s.stop", action="s", do="stop", start_s=0, end_s=10))
    script.act("r", "recovery", "restart", at=10, group="high", source="h1", target="h2", after=["s.stop"])
    script.losses.append(Loss(group="low", count=1, reason="stopped_for_others", message="stopped"))
    execution = execute(script.world, script.migration())
    assert execution.valid, execution
