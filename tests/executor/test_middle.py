"""The estate in the middle of a migration, and migrations in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.executor.script import Script, hosts
from tests.executor.test_faults import moved, recovered, replaced
from tests.executor.test_valid import carried, carried_target, cloud, networked
from zonewright.models import InputError, World
from zonewright.models.aftermath import aftermath
from zonewright.models.events import Event
from zonewright.models.executor import estate_after, execute
from zonewright.models.migration_files import (
    load_migration,
    migration_from_text,
    migration_text,
    save_migration,
)


def currents(of: object) -> dict[str, dict[str, int]]:
    found = {g.id: dict(g.current) for g in of.groups}  # type: ignore[attr-defined]
    for instance in of.instances:  # type: ignore[attr-defined]
        if instance.site is not None:
            found[instance.group][instance.site] = found[instance.group].get(instance.site, 0) + 1
    return found


def test_nothing_done_is_the_estate_itself() -> None:
    script = replaced()
    assert estate_after(script.world, script.migration(), []) == script.estate


def test_what_is_done_has_moved_and_the_rest_has_not() -> None:
    script = moved()
    after = estate_after(script.world, script.migration(), ["a.live_migrate"])
    assert currents(after) == {"web": {"h2": 1, "h3": 1}, "db": {"h1": 1}}
    assert World(after)


def test_what_is_under_way_is_where_it_was() -> None:
    script = replaced()
    done = ["web.create_image", "job.create_image", "job.create_instance"]
    after = estate_after(script.world, script.migration(), done)
    assert currents(after)["web"] == {"za": 1}
    assert currents(after)["job"] == {"zb": 10}


def test_failed_counts_as_not_done() -> None:
    script = moved()
    after = estate_after(script.world, script.migration(), ["a.live_migrate"], failed=["b.live_migrate"])
    assert currents(after)["db"] == {"h1": 1}
    with pytest.raises(InputError, match="both done and failed"):
        estate_after(script.world, script.migration(), ["a.live_migrate"], failed=["a.live_migrate"])
    with pytest.raises(InputError, match=r"no step a\.live_migrates\. Maybe a\.live_migrate"):
        estate_after(script.world, script.migration(), ["a.live_migrates"])


def test_a_named_instance_remembers_when_it_moved() -> None:
    script = replaced()
    done = [step.id for step in script.steps if step.action == "web"]
    instance = next(i for i in estate_after(script.world, script.migration(), done).instances if i.id == "web-1")
    assert instance.site == "zb"
    assert instance.last_moved is not None


def test_the_rest_can_be_planned_for_the_same_event() -> None:
    """What was recovered runs; what was not is still to be brought back after the same event."""
    script = recovered()
    migration = script.migration()
    done = [step.id for step in script.steps if step.action == "job"]
    middle = estate_after(script.world, migration, done)
    rest = aftermath(World(middle), migration.event)
    assert rest.displaced == {("web", "web-1"): {script.world.tree.by_id["za"]: 1}} | {
        ("db", "db-1"): {script.world.tree.by_id["za"]: 1}
    }
    assert currents(middle)["job"] == {"zb": 10}


def test_all_done_is_the_target() -> None:
    for script in (moved(), replaced(), recovered()):
        migration = script.migration()
        placed = execute(script.world, migration).placement
        after = World(estate_after(script.world, migration, [step.id for step in migration.steps]))
        found = {
            (unit.group, unit.name): {after.tree.nodes[s].id: n for s, n in unit.current.items()}
            for unit in after.units
            if unit.current
        }
        assert found == placed


def test_what_is_destroyed_and_not_yet_created_is_nowhere() -> None:
    script = Script(networked(), drain=["za"])
    carried(script)
    migration = script.migration(target=carried_target())
    done = ["app.create_image", "app.destroy_original", "net.delete_subnet.sub-a"]
    middle = estate_after(script.world, migration, done)
    assert currents(middle)["app"] == {}
    assert [(s.id, s.zone) for s in middle.subnets] == [("sub-a", None), ("sub-b", "zb")]
    middle = estate_after(script.world, migration, [*done, "net.create_subnet.sub-a"])
    assert [(s.id, s.zone) for s in middle.subnets] == [("sub-a", "zb"), ("sub-b", "zb")]
    assert World(middle)


def test_copied_images_and_taken_over_addresses() -> None:
    groups = [
        {"id": "web", "count": 1, "demand": {"cpu_milli": 1}, "elastic_ips": ["eip-1"], "current": {"za": 1}},
        {"id": "spare", "count": 1, "demand": {"cpu_milli": 1}, "standby_of": "web", "current": {"zb": 1}},
    ]
    script = Script(cloud(groups=groups, instances=[], load_balancers=[]), fail=["za"])
    things = {"dissociate_address": ["eip-1"], "associate_address": ["eip-1"]}
    script.act(
        "t", "takeover", "takeover", group="web", source="za", target="zb", takes_over="spare", things=things
    )
    script.act("c", "resource", "copy-image", where="zc", things={"copy_image": ["img-1"]})
    migration = script.migration()
    middle = estate_after(script.world, migration, [step.id for step in script.steps])
    assert middle.images[0].regions == ["r1", "r2"]
    assert middle.elastic_ips[0].bound_to == "spare"
    assert (middle.groups[0].count, middle.groups[0].current) == (1, {"za": 1})
    # Nothing is left to be taken over, and nobody is to be brought back.
    rest = aftermath(World(middle), migration.event)
    assert (rest.takeovers, rest.displaced, rest.losses, rest.served) == ([], {}, [], {"web": 1})
    assert rest.estate.groups[0].count == 0
    back = aftermath(World(middle), Event(restore=["za"]))
    assert [(t.group, t.standby, t.returns) for t in back.takeovers] == [("web", "spare", True)]


def test_a_balancer_that_is_made_anew() -> None:
    balancer = {"id": "lb", "kind": "x", "zones": ["z1"], "backends": ["web"]}
    script = Script(hosts(load_balancers=[balancer]), mend=True)
    script.act(
        "b",
        "resource",
        "renew-balancer",
        where="z2",
        things={op: ["lb"] for op in ("delete_balancer", "create_balancer")},
    )
    migration = script.migration()
    assert estate_after(script.world, migration, ["b.delete_balancer.lb"]).load_balancers[0].zones == []
    done = ["b.delete_balancer.lb", "b.create_balancer.lb"]
    assert estate_after(script.world, migration, done).load_balancers[0].zones == ["z2"]


# Files.


def test_a_migration_survives_its_file(tmp_path: Path) -> None:
    script = recovered()
    migration = script.migration()
    path = tmp_path / "m.json"
    save_migration(migration, path)
    assert load_migration(path) == migration
    assert migration_from_text(migration_text(migration)) == migration
    assert execute(World(script.estate), load_migration(path)).valid


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{"migration": "x", "steps": [{"id": "a"}]}', "utf-8")
    with pytest.raises(InputError) as caught:
        load_migration(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be written"):
        save_migration(moved().migration(), tmp_path / "nowhere" / "m.json")
