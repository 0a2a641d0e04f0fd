"""Something happens to an estate: what has to be in the plan, the runbook and what the executor makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import run
from tests.events.stage import HERE, Show, play
from zonewright.instances import shipped_estate_path
from zonewright.models import Status, World, load_world, save_plan
from zonewright.models.events import Event
from zonewright.models.executor import estate_after, execute
from zonewright.models.migration_files import load_migration
from zonewright.models.operations import Operation
from zonewright.solver import plan_migration

Stage = Callable[..., Show]


def estate_path(name: str) -> Path:
    """Return an estate of this folder, or a bundled one."""
    own = HERE / f"{name}.yaml"
    return own if own.exists() else shipped_estate_path(name)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Play an event on an estate of this folder or a bundled one, in which texts may be replaced first."""

    def played(name: str, *options: str, replace: dict[str, str] | None = None) -> Show:
        text = estate_path(name).read_text()
        for before, after in (replace or {}).items():
            assert before in text
            text = text.replace(before, after)
        estate = tmp_path / f"{name}.yaml"
        estate.write_text(text)
        return play(tmp_path, estate, *options)

    return played


def saved_after(show: Show, *options: str) -> Path:
    """Return the estate's file as it stands after steps of a plan; all of them unless told otherwise."""
    now = show.plan.with_name("now.json")
    rest = show.plan.with_name("rest.json")
    asked = options or ("--done", "all")
    outcome = run(
        "migrate", show.estate, "--resume", show.plan, *asked, "--save-estate", now, "-o", rest, "--workers", 1
    )
    assert outcome.code in (0, 5), outcome.err
    assert execute(load_world(now), load_migration(rest)).valid
    assert run("check", now, rest).code == outcome.code
    return now


# Tencent: zones, networks, addresses.


def test_zone_failed(stage: Stage) -> None:
    """From the image, from copies with the age of the oldest, by a standby; what has no copy is lost."""
    show = stage("payments-guangzhou", "--fail", "ap-guangzhou-2")
    two, three = "ap-guangzhou-2", "ap-guangzhou-3"
    assert show.code == 5
    assert show.moved() == {
        ("web", 8, two, three),
        ("payments", 1, two, three),
        ("ins-orders01", 1, two, three),
        ("ins-orders02", 1, two, three),
    }
    assert show.lost() == {("batch", 1, "no_copy")}
    assert show.migration.moves == 0
    orders = {a.instances[0]: a for a in show.actions(recipe="cvm-restore")}
    # 09:00 less 07:15, the newest copy of its system; its data disk is regional and lives on.
    assert orders["ins-orders01"].data_loss_minutes == 105
    assert orders["ins-orders02"].data_loss_minutes == 30
    assert show.step(orders["ins-orders01"], "attach_disk").thing == "disk-orders01"
    assert show.changed(orders["ins-orders01"]) == {"identifier", "private_ip", "subnet"}
    assert {a.recipe for a in show.actions(group="web")} == {"cvm-start-anew"}
    assert show.one(recipe="cvm-switch-balancer").changes == []
    does = {step.do for step in show.migration.steps}
    assert not does & {Operation.DELETE_SUBNET, Operation.CREATE_IMAGE, Operation.DESTROY_ORIGINAL}
    assert Operation.CREATE_SUBNET in does, "the subnet that is left has too few addresses"
    for action in show.actions("recovery"):
        assert show.does(action)[-1] == "fence_original"
    assert [entry.rule for entry in show.migration.degraded] == ["web-in-two-zones"]
    later = show.runbook.split("## When `ap-guangzhou-2` comes back")[1]
    assert "stop ins-orders01 there" in later
    assert "stop ins-orders02 there" in later
    assert "{" not in later.split("## What this rests on")[0].replace("{batch", "")


def test_standby_takes_over_and_hands_back(stage: Stage, tmp_path: Path) -> None:
    """By its elastic IP alone; from the estate that was saved afterwards it goes back the same way."""
    show = stage("payments-guangzhou", "--fail", "ap-guangzhou-2")
    taken = show.one(kind="takeover")
    assert (taken.group, taken.takes_over, taken.downtime_s, taken.data_loss_minutes) == (
        "payments",
        "payments-standby",
        10,
        0,
    )
    assert show.does(taken) == ["dissociate_address", "associate_address"]
    now = saved_after(show)
    world = load_world(now)
    assert world.estate.incidents == {"ap-guangzhou-2": "failed"}
    address = next(entry for entry in world.estate.elastic_ips if entry.id == "eip-payments")
    assert address.bound_to == "payments-standby"
    assert world.groups["payments"].current == {"ap-guangzhou-2": 1}
    rest = load_migration(tmp_path / "rest.json")
    assert not [action for action in rest.actions if action.group is not None], (
        "nobody is to be brought back twice"
    )
    assert {loss.group for loss in rest.losses} == {"batch"}
    back = play(tmp_path, now, "--restore", "ap-guangzhou-2")
    handed = back.one(kind="takeover")
    assert (handed.group, handed.takes_over, handed.target) == ("payments", "payments", "ap-guangzhou-2")
    assert not back.migration.losses, "the batch host runs again where it was"
    assert ("web", 1, "ap-guangzhou-3", "ap-guangzhou-2") in back.moved(), "two zones again, with one move"
    home = saved_after(back)
    assert all(entry.bound_to is None for entry in load_world(home).estate.elastic_ips)


def test_the_rest_from_the_middle(stage: Stage, tmp_path: Path) -> None:
    """What is done stays done, what failed is planned anew, and the next plan fits the estate that was saved."""
    show = stage("payments-guangzhou", "--fail", "ap-guangzhou-2")
    web = max(show.actions("recovery", group="web"), key=lambda action: action.count)
    (wrong,) = [a for a in show.actions(recipe="cvm-restore") if a.instances == ["ins-orders01"]]
    done = f"{web.id},{show.one(kind='takeover').id}"
    saved_after(show, "--done", done, "--failed", f"{wrong.id}.attach_disk.disk-orders01")
    rest = load_migration(tmp_path / "rest.json")
    again = {(a.group, a.count) for a in rest.actions if a.group is not None}
    assert sum(count for group, count in again if group == "web") == 8 - web.count
    assert sum(a.count for a in rest.actions if a.group == "orders") == 2
    assert rest.takeovers == 0


def test_zone_drained(stage: Stage) -> None:
    """Stateless ones from an image without an outage, others at rest; disks, addresses and backends in order."""
    show = stage("payments-guangzhou", "--drain", "ap-guangzhou-2")
    assert show.code == 0
    assert show.migration.moves == 12
    assert not show.migration.recoveries
    web = show.actions(group="web")
    assert {(a.recipe, a.downtime_s) for a in web} == {("cvm-replace", 0)}
    assert show.does(web[0]) == [
        "create_image",
        "create_instance",
        "bind_backend",
        "unbind_backend",
        "update_configuration",
        "destroy_original",
    ]
    (orders,) = [a for a in show.actions(group="orders") if a.instances == ["ins-orders01"]]
    assert show.does(orders) == [
        "create_image",
        "detach_disk",
        "create_instance",
        "attach_disk",
        "dissociate_address",
        "associate_address",
        "update_configuration",
        "destroy_original",
    ]
    assert orders.data_loss_minutes == 0
    assert "zonewright migrate now.json --restore ap-guangzhou-2" in show.runbook


def test_sold_out_for_return(stage: Stage) -> None:
    show = stage("payments-guangzhou", "--drain", "ap-guangzhou-1")
    assert show.moved() == {("builders", 4, "ap-guangzhou-1", "ap-guangzhou-2")}
    warning = "ap-guangzhou-1 is sold out for cvm: what leaves it cannot return"
    assert warning in show.migration.warnings
    assert warning in show.err
    assert show.runbook.index(warning) < show.runbook.index("## Wave 1"), "read before anything is done"


def test_same_block_in_another_zone(stage: Stage) -> None:
    """All out, the paid one to another subnet of its zone, the balancer deleted; made again; all in."""
    show = stage("cashdesks-guangzhou", "--drain", "ap-guangzhou-2")
    subnet, balancer = show.one(recipe="cvm-carry-cidr"), show.one(recipe="cvm-carry-balancer")
    delete, create = show.step(subnet, "delete_subnet"), show.step(subnet, "create_subnet")
    assert (create.thing, create.cidr, create.at) == ("subnet-ledger01", "10.30.2.0/24", "ap-guangzhou-3")
    ledger = show.actions(recipe="cvm-carry-subnet")
    assert {a.instances[0] for a in ledger} == {"ins-ledger01", "ins-ledger02", "ins-ledger03"}
    for action in ledger:
        assert show.changed(action) == {"identifier"}
        assert "private_ip" in action.keeps
        gone = "change_subnet" if action.instances == ["ins-ledger03"] else "destroy_original"
        assert show.step(action, gone).end_s <= delete.start_s
        assert show.step(action, "create_instance").start_s >= create.end_s
    (paid,) = [a for a in ledger if a.instances == ["ins-ledger03"]]
    assert show.step(paid, "change_subnet").thing == "subnet-attic001"
    assert "destroy_original" not in show.does(paid)
    assert show.step(balancer, "delete_balancer").end_s <= delete.start_s
    assert show.step(balancer, "create_balancer").start_s >= create.end_s
    assert show.changed(balancer) == {"balancer"}, "with its old address"
    assert "2026-09-30" in show.runbook
    assert "1 paid original kept until the term ends" in show.runbook


def test_both_are_paid_for(stage: Stage) -> None:
    """What was paid is sunk: the new one costs its price, whether or not the original is kept."""

    def cost(show: Show) -> int:
        return next(goal.value for goal in show.migration.objective if goal.goal == "cost")

    paid = stage("cashdesks-guangzhou", "--drain", "ap-guangzhou-2")
    billing = ',\n     billing: {mode: prepaid, paid_until: "2026-09-30T00:00:00+08:00"}}\n  - {id: ins-archive1'
    free = stage("cashdesks-guangzhou", "--drain", "ap-guangzhou-2", replace={billing: "}\n  - {id: ins-archive1"})
    assert cost(paid) == cost(free)
    assert "keep_original" not in {step.do.value for step in free.migration.steps}


def test_nobody_waits_for_a_subnet_who_need_not(stage: Stage) -> None:
    """Whoever may change its address goes into a subnet that is there, not into the one that is made again."""
    archive = stage("cashdesks-guangzhou", "--drain", "ap-guangzhou-2").one(group="archive")
    assert archive.subnet == "subnet-other003"


def test_disks_are_attached_or_copied(stage: Stage) -> None:
    """By the scope of their kind: a regional one is detached and attached, a zonal one copied over."""
    regional = stage("cashdesks-guangzhou", "--drain", "ap-guangzhou-2")
    assert [d for d in regional.does(regional.one(group="archive")) if "disk" in d] == [
        "detach_disk",
        "attach_disk",
    ]
    zonal = stage(
        "cashdesks-guangzhou",
        "--drain",
        "ap-guangzhou-2",
        replace={
            "catalogues: [tencent-cvm]": ZONAL_DISKS,
            "{id: disk-archive1, region: ap-guangzhou,": "{id: disk-archive1, zone: ap-guangzhou-2,",
        },
    )
    archive = zonal.one(group="archive")
    assert [d for d in zonal.does(archive) if "disk" in d] == ["copy_disk", "attach_disk"]
    copied = zonal.step(archive, "copy_disk")
    # A thousand GiB at 200 MiB/s, beside what the recipe takes anyway.
    assert copied.end_s - copied.start_s >= 1000 * 1024 // 200


ZONAL_DISKS = """catalogues:
  - tencent-cvm
  - catalogue: disks-today
    provider: tencent
    name: Disks as they are sold today
    products: [{id: cvm, kind: vm, name: CVM, source: {assumption: the same product}}]
    resource_kinds: [{kind: disk, scope: zonal, source: {assumption: a disk stays in its zone}}]
"""


def test_dead_region(stage: Stage) -> None:
    """Only what lies elsewhere helps: images there or copied once, copies with their age; the rest is lost."""
    show = stage("two-regions", "--fail", "ap-guangzhou")
    assert show.lost() == {("tools", 3, "region_lost"), ("mail", 1, "no_copy")}
    assert {(who, target) for who, _, _, target in show.moved()} == {
        (who, "ap-shanghai-1") for who in ("web", "api", "search", "ins-shopdb01")
    }
    image = show.one(recipe="cvm-copy-image")
    copied = show.step(image, "copy_image")
    assert (copied.thing, copied.at) == ("img-search01", "ap-shanghai")
    assert "ap-beijing" in (copied.command or ""), "from the region that lives"
    assert show.step(show.one(group="search"), "create_instance").start_s >= copied.end_s
    database = show.one(group="shopdb")
    assert database.data_loss_minutes == 8 * 60, "the copy of its data disk is older than that of its system"
    assert show.step(database, "restore_disk").thing == "disk-shopdb01"
    web = show.actions(group="web")
    assert {("elastic_ip", "eip-web00001")} <= {(c.what, c.before) for a in web for c in a.changes}
    assert any("clb-south001 stays behind in ap-guangzhou" in text for text in show.migration.warnings)


def test_what_was_restored_is_where_it_was_restored(stage: Stage, tmp_path: Path) -> None:
    """The disk that was made from a copy is in the other region afterwards, and the way back plays."""
    now = saved_after(stage("two-regions", "--fail", "ap-guangzhou"))
    disk = next(entry for entry in load_world(now).estate.disks if entry.id == "disk-shopdb01")
    assert disk.region == "ap-shanghai"
    back = play(tmp_path, now, "--restore", "ap-guangzhou")
    assert not back.migration.losses


def test_who_stays_keeps_its_address(stage: Stage) -> None:
    """Who is in the only subnet of its zone sits there, said or not: no newcomer is given that address."""
    show = stage("payments-guangzhou", "--drain", "ap-guangzhou-1", "--drain", "ap-guangzhou-2")
    assert show.migration.moves == 16
    assert show.migration.target is not None
    (standby,) = [p for p in show.migration.target.placements if p.group == "payments-standby"]
    assert standby.subnet == "subnet-pays0003"


def test_lost_with_its_subnet_and_back(stage: Stage, tmp_path: Path) -> None:
    """A balancer made anew outside a lost subnet is there still when the subnet is back."""
    lost = stage("cashdesks-guangzhou", "--fail", "ap-guangzhou-2")
    assert lost.lost() == {("ledger", 3, "no_copy"), ("archive", 1, "no_copy")}
    now = saved_after(lost)
    assert load_world(now).balancers["clb-ledger01"].subnet is None
    back = play(tmp_path, now, "--restore", "ap-guangzhou-2")
    assert not back.migration.steps, "what was lost runs again where it was"


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("payments-guangzhou", {"fail": ["ap-guangzhou-2"]}),
        ("cashdesks-guangzhou", {"drain": ["ap-guangzhou-2"]}),
        ("moscow-tenant", {"drain": ["GZ1"]}),
        ("servers-moscow", {"suspect": ["r1-h-0"]}),
        ("three-halls", {"fail": ["north"], "suspect": ["east"]}),
    ],
)
def test_the_rest_from_any_moment(name: str, event: dict[str, list[str]]) -> None:
    """Wherever a migration is broken off, the rest plays, and nobody is lost who was not before."""
    world = load_world(estate_path(name))
    happened = Event.model_validate(event)
    whole = plan_migration(world, event=happened, workers=1).migration
    assert whole is not None
    lost = {loss.group: loss.count for loss in whole.losses}
    for second in sorted({step.end_s for step in whole.steps}):
        done = [step.id for step in whole.steps if step.end_s <= second]
        now = World(estate_after(world, whole, done))
        rest = plan_migration(now, event=happened, workers=1).migration
        assert rest is not None
        assert rest.order_status is not Status.INFEASIBLE
        assert execute(now, rest).valid
        assert {loss.group: loss.count for loss in rest.losses} == lost, f"broken off at {second} s"
    assert not [action for action in rest.actions if action.group is not None], "all is done"


# VK: hosts of an operator, zones of a tenant.


def test_host_suspect(stage: Stage) -> None:
    """Whoever can moves while it runs; a disk of the host's own is copied while its instance is stopped."""
    show = stage("servers-moscow", "--suspect", "r1-h-0")
    assert show.migration.moves == 6
    assert {a.source for a in show.migration.actions} == {"r1-h-0"}
    recipes = {(a.group, a.recipe, a.downtime_s > 0) for a in show.migration.actions}
    assert recipes == {
        ("front", "vk-live", False),
        ("bus", "vk-live", False),
        ("pg", "vk-live", False),
        ("cache", "operator-stop-start", True),
        ("scratch", "operator-stop-start", True),
    }
    pg = show.one(group="pg")
    assert (pg.target or "").startswith("r1"), "two of them are in two racks"
    assert "plan anew with `--fail r1-h-0`" in show.runbook


def test_dead_host_in_a_live_zone(stage: Stage) -> None:
    """Volumes live on: started elsewhere, nothing lost. A disk of the host's own is gone, with its data."""
    show = stage("servers-moscow", "--fail", "r1-h-0")
    assert show.lost() == {("cache", 1, "no_copy")}
    assert {(a.group, a.count, a.recipe, a.data_loss_minutes) for a in show.actions("recovery")} == {
        ("front", 2, "operator-restart", 0),
        ("bus", 1, "operator-restart", 0),
        ("pg", 1, "operator-restart", 0),
        ("scratch", 1, "operator-rebuild", 0),
    }
    for action in show.actions("recovery"):
        assert show.does(action)[0] == "fence_original", "first the dead one has to be off for certain"
    first = [a.group for a in sorted(show.actions("recovery"), key=lambda a: a.downtime_s)][:2]
    assert set(first) == {"bus", "pg"}, "by priority"


def test_consolidation(stage: Stage) -> None:
    """As many hosts as can be are empty, with the fewest moves; with fewer moves fewer hosts."""
    show = stage("servers-moscow", "--consolidate")
    goals = [goal.goal for goal in show.migration.objective]
    assert goals.index("placed[0]") < goals.index("hosts") < goals.index("moves")
    used = next(goal for goal in show.migration.objective if goal.goal == "hosts")
    assert used.value == used.bound == len(held(show))
    few = stage("servers-moscow", "--consolidate", "--max-moves", "2")
    assert few.migration.moves == 2
    assert len(held(show)) < len(held(few)) == 8 - 2


def held(show: Show) -> set[str]:
    """Return the hosts that hold somebody at the end."""
    return {site for sites in show.execution.placement.values() for site, count in sites.items() if count}


def test_to_a_given_plan(stage: Stage, tmp_path: Path) -> None:
    first = stage("servers-moscow", "--consolidate")
    assert first.migration.target is not None
    wanted = tmp_path / "wanted.json"
    save_plan(first.migration.target, wanted)
    show = play(tmp_path, first.estate, "--to", str(wanted), target=first.migration.target)
    assert show.migration.moves == first.migration.moves
    assert show.execution.placement == first.execution.placement


def test_rebalance(stage: Stage) -> None:
    """No host above the share afterwards, with the fewest moves."""
    show = stage("servers-moscow", "--rebalance", "0.6")
    assert show.migration.moves == 2
    memory: dict[str, int] = {}
    for (group, _), sites in show.execution.placement.items():
        demand = show.world.units_of[group][0].demand["memory_mib"]
        for site, count in sites.items():
            memory[site] = memory.get(site, 0) + count * demand
    assert max(memory.values()) <= 0.6 * 320 * 1024


def test_mend(stage: Stage) -> None:
    """Two replicas in one rack, both told to be apart: one goes, nobody else."""
    show = stage(
        "servers-moscow",
        "--mend",
        replace={"{id: pg-2, group: pg, site: r2-h-3}": "{id: pg-2, group: pg, site: r1-h-1}"},
    )
    (moved,) = show.migration.actions
    assert (moved.group, moved.recipe) == ("pg", "vk-live")
    assert (moved.target or "").startswith("r2")


def test_as_many_moves_as_allowed(stage: Stage) -> None:
    show = stage("servers-moscow", "--drain", "r1", "--max-moves", "3")
    assert show.migration.moves == 3
    assert not show.migration.losses
    staying = sum(
        count for sites in show.execution.placement.values() for site, count in sites.items() if site[:2] == "r1"
    )
    assert staying == 10 - 3
    assert {entry.rule for entry in show.migration.degraded} == {"empty"}
    assert "more moves are not allowed" in show.runbook


@pytest.mark.parametrize("event", ["--restore", "--drain"])
def test_nothing_worth_moving(stage: Stage, event: str) -> None:
    """A host that is back and whom nobody misses; one that holds nobody: an empty plan, and it says so."""
    host = "r1-h-0" if event == "--restore" else "r2-h-4"
    more = {"{id: r2-h, in: r2, count: 4,": "{id: r2-h, in: r2, count: 5,"}
    show = stage("servers-moscow", event, host, replace=more)
    assert not show.migration.steps
    assert "There is nothing to do." in show.out
    assert "There is nothing to do." in show.runbook


def test_between_zones_under_the_same_name(stage: Stage) -> None:
    """Shelved, every volume retyped, unshelved: identifier and addresses stay, with an outage."""
    show = stage("moscow-tenant", "--drain", "GZ1")
    database = show.one(group="db")
    assert show.does(database) == ["shelve", "retype_volume", "retype_volume", "unshelve"]
    assert database.changes == []
    assert {"identifier", "private_ip", "elastic_ip", "data"} <= set(database.keeps)
    assert database.downtime_s > 0
    assert any("Terraform" in text for text in show.migration.assumptions), "read from source, not from documents"
    now = load_world(saved_after(show))
    assert [disk.zone for disk in now.estate.disks] == ["MS1"], "the volume has gone with it"


def test_zone_dead_with_its_balancer(stage: Stage) -> None:
    """A zonal balancer is made anew before backends are bound to it; data as old as the oldest copy."""
    show = stage("moscow-tenant", "--fail", "GZ1")
    balancer = show.one(recipe="vk-new-balancer")
    made = show.step(balancer, "create_balancer")
    assert (made.thing, made.at) == ("front-lb", "MS1")
    assert show.changed(balancer) == {"balancer", "vip"}
    assert show.step(show.one(group="front"), "bind_backend").start_s >= made.end_s
    database = show.one(group="db")
    assert (database.recipe, database.data_loss_minutes) == ("vk-restore", 360)
    assert not show.migration.losses


# Bare metal, and nobody's cloud.


def test_bare_metal_is_rebuilt(stage: Stage) -> None:
    """A new server, the data over, the old one given back or kept as long as it is paid for."""
    show = stage("metal", "--drain", "ap-beijing-1")
    lakes = {a.instances[0]: a for a in show.actions(group="lake")}
    assert {a.recipe for a in lakes.values()} == {"cpm-rebuild-data"}
    assert show.does(lakes["lake-1"])[-1] == "destroy_original"
    assert show.does(lakes["lake-2"])[-1] == "keep_original"
    assert "2026-12-31" in show.runbook
    dead = stage("metal", "--fail", "ap-beijing-1")
    assert dead.lost() == {("lake", 1, "no_copy")}
    assert dead.one(group="lake").data_loss_minutes == 12 * 60
    assert dead.one(group="render").recipe == "cpm-rebuild-anew"


@pytest.mark.parametrize("event", ["--suspect", "--drain", "--fail"])
def test_without_regions_all_is_one_region(stage: Stage, event: str) -> None:
    """Images, addresses and standbys reach from hall to hall."""
    show = stage("three-halls", event, "north")
    assert {a.recipe for a in show.actions(group="front")} == {
        "cloud-start-anew" if event == "--fail" else "cloud-replace"
    }
    if event == "--fail":
        assert show.one(kind="takeover").takes_over == "gate-standby"
        assert show.lost() == {("registry", 1, "no_copy")}


def test_one_zone_at_a_time_in_windows_with_enough_running(stage: Stage) -> None:
    """Outages lie in the window, moves out of two halls never overlap, and rules of the way hold all the way."""
    show = stage("three-halls", "--drain", "north", "--drain", "east")
    spans: dict[str, list[tuple[int, int]]] = {"north": [], "east": []}
    for action in show.migration.actions:
        steps = [s for s in show.migration.steps if s.action == action.id]
        spans[action.source or ""].append((min(s.start_s for s in steps), max(s.end_s for s in steps)))
        if action.downtime_s:
            away = [s for s in steps if s.interrupts]
            # From 22:00 to 04:00; the estate was taken at 18:00.
            assert min(s.start_s for s in away) >= 4 * 3600
            assert max(s.end_s for s in steps if s.serves) <= 10 * 3600
    for a, b in spans["north"]:
        for c, d in spans["east"]:
            assert b <= c or d <= a
    assert not show.execution.not_watched
    assert show.migration.moves == 8


def test_windows_that_hold_back_what_is_suspect_are_said(stage: Stage) -> None:
    """Front ends leave at once, without an outage; the registry waits for the night, and somebody has to know."""
    show = stage("three-halls", "--suspect", "east")
    (warning,) = show.migration.warnings
    assert warning.startswith("east: not left at once, as windows hold back registry;")
    assert show.step(show.one(group="front"), "create_image").start_s == 0
    assert show.step(show.one(group="registry"), "create_image").start_s == 4 * 3600
    without = stage("three-halls", "--suspect", "east", replace={"2026-03-02T22:00": "2026-03-02T17:00"})
    assert without.migration.warnings == []


def test_what_is_handed_back_waits_for_its_window(stage: Stage, tmp_path: Path) -> None:
    """The standby serves until then: taking the address off it is an outage of a running service."""
    now = saved_after(stage("three-halls", "--fail", "north"))
    back = play(tmp_path, now, "--restore", "north")
    handed = back.one(kind="takeover")
    assert back.step(handed, "dissociate_address").start_s == 4 * 3600
    assert back.migration.moves == 0
