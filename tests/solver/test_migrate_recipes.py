"""From a movement to steps: which recipe fits, which steps it comes to, how long they take, what they change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from zonewright.models.aftermath import Takeover
from zonewright.models.catalogue import shipped_catalogue, shipped_catalogues
from zonewright.models.durations import least_seconds
from zonewright.models.files import estate_from_data
from zonewright.models.operations import Operation
from zonewright.models.procedures import common_recipes
from zonewright.models.recipes import Recipe
from zonewright.models.world import World
from zonewright.solver.migrate.moves import Movement
from zonewright.solver.migrate.ordering import Draft
from zonewright.solver.migrate.recipes import (
    downtime,
    expand,
    expand_takeover,
    takeover_ways,
    ways,
    why_no_way,
)
from zonewright.solver.migrate.resources import resource_recipe

#: Per set of recipes: two zones of a region, one of another region, and the product.
PLACES = {
    "tencent-cvm": ("ap-guangzhou-2", "ap-guangzhou-3", "ap-beijing-1", "cvm"),
    "tencent-cpm": ("ap-beijing-1", "ap-beijing-2", "ap-shanghai-1", "cpm"),
    "vk-cloud": ("GZ1", "MS1", "QAZ", "vk_vm"),
    "common": ("z1", "z2", "z3", "instance"),
}
BALANCERS = {"tencent-cvm": "clb", "tencent-cpm": "bm_lb", "vk-cloud": "vk_lb", "common": "any"}

SHIPPED = [(name, recipe) for name in shipped_catalogues() for recipe in shipped_catalogue(name).recipes]
SHIPPED += [("common", recipe) for recipe in common_recipes()]


@dataclass
class Scene:
    world: World
    movement: Movement

    @property
    def dead(self) -> bool:
        return self.movement.kind == "recovery"

    def names(self) -> list[str]:
        return [recipe.id for recipe in ways(self.world, self.movement, self.dead)]

    def draft(self, name: str) -> Draft:
        recipe = next(r for r in ways(self.world, self.movement, self.dead) if r.id == name)
        return expand(self.world, self.movement, recipe, "move-1")

    def steps(self, name: str) -> list[str]:
        return [f"{s.do.value} {s.thing}" if s.thing else s.do.value for s in self.draft(name).steps]

    def why(self) -> str:
        return why_no_way(self.world, self.movement, self.dead)


def scene(
    provider: str = "tencent-cvm",
    *,
    kind: str = "move",
    across: str = "zone",
    role: str = "tenant",
    group: dict[str, Any] | None = None,
    along: tuple[str, str] | None = None,
    count: int = 1,
    volumes: bool = False,
    **sections: Any,
) -> Scene:
    """One group in the first zone, on hosts, and a movement of it; what is left for a recovery has failed.

    With `volumes` only the host has, although the way goes to another zone.
    """
    here, near, far, product = PLACES[provider]
    hosts = [{"id": f"{zone}-h{n}", "in": zone} for zone in (here, near, far) for n in (1, 2)]
    source, target = f"{here}-h1", {"host": f"{here}-h2", "zone": f"{near}-h1", "region": f"{far}-h1"}[across]
    one = {"id": "app", "count": count, "demand": {"cpu_cores": 2, "memory_gib": 4, "disk_gib": 50}}
    if product == "cpm":
        one["kind"] = "bare_metal"
    if kind != "start":
        one["current"] = {source: count}
    data: dict[str, Any] = {
        "estate": "scene",
        "role": role,
        "taken_at": "2024-06-01T12:00:00Z",
        "hosts": hosts,
        "groups": [one | (group or {})],
        **sections,
    }
    if provider == "common":
        data["regions"] = [{"id": "r1"}, {"id": "r2"}]
        data["zones"] = [{"id": "z1", "in": "r1"}, {"id": "z2", "in": "r1"}, {"id": "z3", "in": "r2"}]
    else:
        data.setdefault("catalogues", [provider])
    if kind == "recovery":
        world = World(estate_from_data(data))
        node = world.tree.nodes[world.tree.by_id[source]]
        level = {"host": -1, "zone": -1 if volumes else -2, "region": -1 if volumes else -3}[across]
        data["incidents"] = {world.tree.nodes[node.ancestors[level]].id: "failed"}
    world = World(estate_from_data(data))
    before, after = along or (None, None)
    at = world.tree.by_id
    return Scene(
        world,
        Movement(world.units[0], count, kind, None if kind == "start" else at[source], at[target], before, after),  # type: ignore[arg-type]
    )


def fitting(provider: str, recipe: Recipe) -> Scene:
    """A scene in which a recipe is one of the ways, with as much hanging on the instance as there can be."""
    here, _, far, _ = PLACES[provider]
    region = (
        World(estate_from_data({"estate": "e", "catalogues": [provider]})).tree if provider != "common" else None
    )
    home = {"region": region.nodes[region.by_id[here]].domain.parent if region else "r1"}
    other = {"region": region.nodes[region.by_id[far]].domain.parent if region else "r2"}
    copies = other if recipe.across == "region" else home
    nearby = recipe.kind == "recovery" and recipe.across == "host"
    made_anew = any(s.do in (Operation.CREATE_INSTANCE, Operation.RESTORE_SYSTEM) for s in recipe.steps)
    group: dict[str, Any] = {
        "stateful": bool(recipe.stateful),
        "disks": [] if provider == "tencent-cpm" else ["data"],
        "elastic_ips": ["address"],
        "snapshots": ["system-copy", "data-copy"],
        "movability": {"local_disk": (nearby and made_anew) or "stop-start" in recipe.id},
    }
    sections: dict[str, Any] = {
        "disks": [{"id": "data", "size_gib": 10, **home}],
        "elastic_ips": [{"id": "address", **home}],
        "snapshots": [
            {"id": "system-copy", "of": "app", "taken_at": "2024-06-01T10:00:00Z", **copies},
            {"id": "data-copy", "of": "data", "taken_at": "2024-06-01T11:00:00Z", **copies},
        ],
        "load_balancers": [{"id": "front", "kind": BALANCERS[provider], "backends": ["app"]}],
    }
    along = None
    if recipe.kind == "move" and "private_ip" in recipe.keeps and "identifier" not in recipe.keeps:
        group |= {"keep_private_ip": True, "vpcs": ["net"], "subnets": ["block"]}
        sections |= {"vpcs": [{"id": "net"}], "subnets": [{"id": "block", "vpc": "net", "cidr": "10.0.0.0/24"}]}
        along = ("block", "block")
    return scene(
        provider,
        kind=recipe.kind if recipe.kind in ("move", "recovery", "start") else "recovery",
        across=recipe.across,
        role=recipe.role or "tenant",
        group=group,
        along=along,
        volumes="carry-volumes" in recipe.id,
        **sections,
    )


def well_formed(world: World, draft: Draft, recipe: Recipe) -> None:
    """Steps in the recipe's order, each as long as it takes, each needing those before it, texts filled in."""
    taken = [step.do for step in draft.steps]
    asked = [step.do for step in recipe.steps]
    position = 0
    for do in dict.fromkeys(taken):
        position = asked.index(do, position)
    assert {s.do for s in recipe.steps if s.only_with is None} <= set(taken)
    ids = [step.id for step in draft.steps]
    assert len(ids) == len(set(ids))
    seen: set[str] = set()
    for number, step in enumerate(draft.steps):
        assert step.action == draft.action.id
        assert step.id.startswith(f"{draft.action.id}.")
        assert set(step.needs) <= seen
        assert bool(step.needs) == (number > 0 and step.needs != draft.steps[0].needs)
        seen.add(step.id)
        assert step.start_s == 0
        for text in (step.console, step.command, step.check, step.undo):
            assert text is None or (not re.search(r"\{[a-z_]+\}", text) and len(text) <= 400), text
        assert step.console
        assert step.check
        assert step.undo
    if draft.movement is not None:
        of_recipe = {(s.do, s.only_with): s for s in recipe.steps}
        rate = world.estate.migration.mib_per_second
        for step in draft.steps:
            candidates = [s for (do, _), s in of_recipe.items() if do is step.do]
            takes = {least_seconds(world, s, draft.movement.unit, 1, None, rate, step.thing) for s in candidates}
            assert step.end_s in takes


@pytest.mark.parametrize(("provider", "recipe"), SHIPPED, ids=lambda v: v.id if isinstance(v, Recipe) else v)
def test_every_recipe_fits_somewhere_and_expands(provider: str, recipe: Recipe) -> None:
    of = fitting(provider, recipe)
    if recipe.kind == "resource":
        found = resource_recipe(of.world, PLACES[provider][3], [step.do for step in recipe.steps])
        assert found == recipe
        return
    if recipe.kind == "takeover":
        assert of.movement.source is not None
        takeover = Takeover("app", "app", 1, of.movement.source, of.movement.target)
        assert recipe in takeover_ways(of.world, takeover)
        draft = expand_takeover(of.world, takeover, recipe, "takeover-1")
        assert [step.thing for step in draft.steps] == ["address", "address"]
    else:
        assert recipe.id in of.names(), of.why()
        draft = of.draft(recipe.id)
    well_formed(of.world, draft, recipe)
    assert draft.action.recipe == recipe.id
    assert draft.action.kind == recipe.kind
    assert draft.action.keeps == recipe.keeps


# Which recipe


def test_between_hosts_instances_move_live_unless_something_ties_them() -> None:
    assert scene("common", across="host", role="operator").names() == ["operator-live", "operator-stop-start"]
    for tie in ({"local_disk": True}, {"passthrough": True}, {"dirty_mib_s": 200.0}):
        tied = scene("common", across="host", role="operator", group={"movability": tie})
        assert tied.names() == ["operator-stop-start"]


def test_without_a_way_the_reason_is_said() -> None:
    of = scene(kind="recovery", group={"stateful": True})
    assert of.names() == []
    assert "cvm-restore: there is no copy of its system that lives" in of.why()
    assert "cvm-start-anew: is for instances without data" in of.why()
    own = [
        {
            "id": "live",
            "name": "Live",
            "kind": "move",
            "across": "host",
            "live": True,
            "source": {},
            "steps": [{"do": "live_migrate", "serves": True}],
        }
    ]
    metal = scene("tencent-cpm", across="host", group={"stateful": True}, migration={"recipes": own})
    assert "live: bare metal does not move while it runs" in metal.why()


def test_a_dead_host_leaves_the_volumes_a_dead_zone_does_not() -> None:
    assert scene("common", kind="recovery", across="host", role="operator").names()[0] == "operator-restart"
    own = {"movability": {"local_disk": True}}
    assert scene("common", kind="recovery", across="host", role="operator", group=own).names() == [
        "operator-rebuild"
    ]
    assert scene("common", kind="recovery", across="zone").names() == ["cloud-start-anew"]
    held = scene("common", kind="recovery", volumes=True, group={"stateful": True})
    assert held.names() == ["cloud-carry-volumes"], "no copy, but the zone lives, and its volumes with it"
    assert held.draft("cloud-carry-volumes").action.data_loss_minutes == 0


def test_what_may_not_be_stopped_only_moves_while_it_runs() -> None:
    tied = {"movability": {"may_stop": False}}
    assert scene("common", across="host", role="operator", group=tied).names() == ["operator-live"]
    both = {"movability": {"may_stop": False, "passthrough": True}}
    of = scene("common", across="host", role="operator", group=both)
    assert of.names() == []
    assert "operator-stop-start: it may not be stopped" in of.why()


def test_a_copy_in_a_third_region_is_copied_over_first() -> None:
    """20 GiB at 100 MiB/s are 205 s, twice, and 120 s for the instance."""
    snapshots = [{"id": "s1", "of": "app", "region": "ap-shanghai", "taken_at": "2024-06-01T11:00:00Z"}]
    group = {"stateful": True, "snapshots": ["s1"], "demand": {"cpu_cores": 2, "disk_gib": 20}}
    of = scene(kind="recovery", across="region", group=group, snapshots=snapshots)
    restored = of.draft("cvm-restore-region").steps[0]
    assert restored.end_s == 530
    assert (restored.console or "").startswith("Copy s1 from ap-shanghai to ap-beijing.")


def test_a_disk_without_data_is_made_empty() -> None:
    disks = [{"id": "d1", "region": "r1", "zone": "z1"}]
    of = scene("common", kind="recovery", group={"disks": ["d1"]}, disks=disks)
    assert "restore_disk d1" in of.steps("cloud-start-anew"), "it has no data that anybody would miss"


def test_a_recipe_of_the_estate_takes_the_place_of_a_shipped_one() -> None:
    mine = {
        "id": "cvm-replace",
        "name": "Our way",
        "kind": "move",
        "across": "zone",
        "steps": [
            {"do": "create_instance", "seconds": 5, "serves": True},
            {"do": "destroy_original", "seconds": 5},
        ],
        "source": {"assumption": "measured by us"},
    }
    of = scene(migration={"recipes": [mine]})
    assert of.names() == ["cvm-replace"]
    assert of.steps("cvm-replace") == ["create_instance", "destroy_original"]


def test_what_no_catalogue_names_gives_way_to_what_one_names() -> None:
    assert all(name.startswith("vk-") for name in scene("vk-cloud").names())
    assert scene("vk-cloud", across="region").names() == ["cloud-replace-region"], "nothing of VK's own"


def test_a_group_behind_no_image_of_the_region_cannot_start_there() -> None:
    images = [{"id": "base", "regions": ["ap-guangzhou"]}]
    of = scene(kind="recovery", across="region", group={"image": "base"}, images=images)
    assert of.names() == []
    assert "its image base is not in ap-beijing" in of.why()
    images[0]["regions"] = ["ap-guangzhou", "ap-shanghai"]
    assert of.names() == []
    may = [{"id": "base", "regions": ["ap-guangzhou", "ap-shanghai"], "copy_allowed": True}]
    assert scene(kind="recovery", across="region", group={"image": "base"}, images=may).names() == [
        "cvm-start-anew-region"
    ], "a region that lives has it, and it may be copied"


# Which steps, and how long


def test_a_stateless_instance_is_replaced_before_it_goes() -> None:
    of = scene(load_balancers=[{"id": "front", "kind": "clb", "backends": ["app"]}])
    draft = of.draft("cvm-replace")
    assert of.steps("cvm-replace") == [
        "create_image",
        "create_instance",
        "bind_backend front",
        "unbind_backend front",
        "update_configuration",
        "destroy_original",
    ]
    # 50 GiB at 100 MiB/s are 512 s, and 60 s for the image itself.
    assert [step.end_s for step in draft.steps] == [572, 60, 10, 10, 0, 30]
    assert draft.action.downtime_s == 0
    assert draft.action.data_loss_minutes == 0
    assert [(c.what, c.before) for c in draft.action.changes] == [("identifier", None), ("private_ip", None)]


def test_an_elastic_ip_is_away_while_it_changes_hands() -> None:
    of = scene(group={"elastic_ips": ["eip-1"]}, elastic_ips=[{"id": "eip-1", "region": "ap-guangzhou"}])
    draft = of.draft("cvm-replace")
    assert of.steps("cvm-replace")[2:4] == ["dissociate_address eip-1", "associate_address eip-1"]
    assert draft.action.downtime_s == 10, "five seconds each"
    assert draft.steps[2].command == "tccli vpc DisassociateAddress --region ap-guangzhou --AddressId eip-1"


def test_data_comes_along_and_nothing_is_written_meanwhile() -> None:
    disks = [{"id": "d1", "region": "ap-guangzhou", "size_gib": 100}, {"id": "d2", "region": "ap-guangzhou"}]
    of = scene(group={"stateful": True, "disks": ["d1", "d2"]}, disks=disks)
    draft = of.draft("cvm-carry")
    assert of.steps("cvm-carry") == [
        "create_image",
        "detach_disk d1",
        "detach_disk d2",
        "create_instance",
        "attach_disk d1",
        "attach_disk d2",
        "update_configuration",
        "destroy_original",
    ]
    # Image 572 s, detaching 10 s each, instance 60 s, attaching 10 s each.
    assert draft.action.downtime_s == 672
    assert draft.steps[2].needs == ["move-1.create_image", "move-1.detach_disk.d1"]
    assert draft.steps[3].needs == ["move-1.detach_disk.d1", "move-1.detach_disk.d2"]


def test_a_zonal_disk_is_copied_not_carried() -> None:
    zonal = {
        "catalogue": "ours",
        "provider": "tencent",
        "products": [{"id": "cvm", "kind": "vm", "source": {"assumption": "as shipped"}}],
        "resource_kinds": [{"kind": "disk", "scope": "zonal", "source": {"assumption": "as we see it"}}],
    }
    disks = [{"id": "d1", "region": "ap-guangzhou", "zone": "ap-guangzhou-2", "size_gib": 100}]
    group = {"stateful": True, "disks": ["d1"]}
    assert "detach_disk d1" in scene(group=group, disks=disks).steps("cvm-carry")
    bound = scene(group=group, disks=disks, catalogues=["tencent-cvm", zonal])
    assert "copy_disk d1" in bound.steps("cvm-carry")
    copied = next(s for s in bound.draft("cvm-carry").steps if s.do is Operation.COPY_DISK)
    assert copied.end_s == 1084, "100 GiB at 100 MiB/s are 1,024 s"
    assert copied.mib_per_second == 100


def test_a_paid_original_is_kept_an_unpaid_one_destroyed() -> None:
    paid = {"billing": {"mode": "prepaid", "paid_until": "2025-01-01T00:00:00Z"}}
    assert scene(group=paid).steps("cvm-replace")[-1] == "keep_original"
    assert scene().steps("cvm-replace")[-1] == "destroy_original"
    over = {"billing": {"mode": "prepaid", "paid_until": "2024-01-01T00:00:00Z"}}
    assert scene(group=over).steps("cvm-replace")[-1] == "destroy_original", "its term is over"


def test_data_is_as_old_as_the_oldest_copy_that_is_used() -> None:
    """Two system copies, the newer one counts; the disk's is the older of what is used: 90 minutes."""
    disks = [{"id": "d1", "region": "r1", "zone": "z1", "size_gib": 10}]
    snapshots = [
        {"id": "old", "of": "app", "region": "r1", "taken_at": "2024-06-01T06:00:00Z"},
        {"id": "new", "of": "app", "region": "r1", "taken_at": "2024-06-01T11:00:00Z"},
        {"id": "disk", "of": "d1", "region": "r1", "taken_at": "2024-06-01T10:30:00Z"},
    ]
    group = {"stateful": True, "disks": ["d1"], "snapshots": ["old", "new", "disk"]}
    of = scene("common", kind="recovery", group=group, disks=disks, snapshots=snapshots)
    draft = of.draft("cloud-restore-zone")
    assert of.steps("cloud-restore-zone") == [
        "restore_system",
        "restore_disk d1",
        "attach_disk d1",
        "update_configuration",
        "fence_original",
    ]
    assert "from new" in (draft.steps[0].console or "")
    assert draft.action.data_loss_minutes == 90
    # 60 + 512 s, 30 + 103 s (10 GiB at 100 MiB/s), 10 s.
    assert draft.action.downtime_s == 715
    for entry in snapshots:
        del entry["taken_at"]
    unknown = scene("common", kind="recovery", group=group, disks=disks, snapshots=snapshots)
    draft = unknown.draft("cloud-restore-zone")
    assert draft.action.data_loss_minutes is None
    assert any("nobody says when its copies were made" in text for text in draft.assumptions)


def test_a_living_regional_disk_needs_no_copy() -> None:
    disks = [{"id": "d1", "region": "ap-guangzhou"}]
    snapshots = [{"id": "s1", "of": "app", "region": "ap-guangzhou"}]
    of = scene(
        kind="recovery",
        group={"stateful": True, "disks": ["d1"], "snapshots": ["s1"]},
        disks=disks,
        snapshots=snapshots,
    )
    assert of.steps("cvm-restore")[:2] == ["restore_system", "attach_disk d1"]


def test_a_dead_original_is_fenced_last_a_dead_host_first() -> None:
    assert scene(kind="recovery").steps("cvm-start-anew")[-1] == "fence_original"
    restart = scene("common", kind="recovery", across="host", role="operator")
    assert restart.steps("operator-restart") == ["fence_original", "start"]
    assert restart.draft("operator-restart").action.downtime_s == 90
    fence = scene(kind="recovery").draft("cvm-start-anew").steps[-1]
    assert "what runs in ap-guangzhou-3-h1 counts" in (fence.console or "")
    assert fence.end_s == 0, "it waits for nothing: the zone may be away for days"


def test_batches_take_turns_where_only_so_many_go_at_once() -> None:
    """Five, two at once, are three rounds."""
    alone = scene(count=5)
    by_two = scene(count=5, migration={"most_at_once": 2})
    one = [step.end_s for step in alone.draft("cvm-replace").steps]
    assert [step.end_s for step in by_two.draft("cvm-replace").steps] == [3 * seconds for seconds in one]


def test_vk_machines_stay_what_they_are_between_zones() -> None:
    of = scene(
        "vk-cloud",
        group={"disks": ["v1"], "elastic_ips": ["f1"]},
        disks=[{"id": "v1", "zone": "GZ1"}],
        elastic_ips=[{"id": "f1"}],
    )
    draft = of.draft("vk-shelve")
    assert of.steps("vk-shelve") == ["shelve", "retype_volume", "retype_volume v1", "unshelve"]
    assert draft.action.changes == []
    assert draft.steps[-1].command == (
        "openstack --os-compute-api-version 2.77 server unshelve --availability-zone MS1 <instance of app>"
    )
    assert draft.steps[0].assumed


def test_bare_metal_is_only_ever_built_anew() -> None:
    for across in ("host", "zone", "region"):
        for stateful in (False, True):
            of = scene("tencent-cpm", across=across, group={"stateful": stateful})
            assert [n.startswith("cpm-rebuild") for n in of.names()] == [True]
            assert Operation.CREATE_IMAGE not in {s.do for s in of.draft(of.names()[0]).steps}


# Subnets


def test_private_addresses_go_with_the_whole_subnet() -> None:
    blocks = [
        {"id": "block", "vpc": "net", "cidr": "10.0.0.0/24"},
        {"id": "small", "vpc": "net", "cidr": "10.0.1.0/28", "zone": "ap-guangzhou-2"},
        {"id": "large", "vpc": "net", "cidr": "10.0.2.0/24", "zone": "ap-guangzhou-2"},
    ]
    group = {"keep_private_ip": True, "vpcs": ["net"], "subnets": ["block"]}
    nets = {"vpcs": [{"id": "net"}]}
    of = _with_subnets(group, blocks, nets)
    assert of.names() == ["cvm-carry-subnet"]
    assert of.steps("cvm-carry-subnet") == ["create_image", "destroy_original", "create_instance"]
    assert [c.what for c in of.draft("cvm-carry-subnet").action.changes] == ["identifier"]
    paid = group | {"billing": {"mode": "prepaid", "paid_until": "2025-01-01T00:00:00Z"}}
    of = _with_subnets(paid, blocks, nets)
    assert of.steps("cvm-carry-subnet") == [
        "create_image",
        "change_subnet large",
        "keep_original",
        "create_instance",
    ]
    of = _with_subnets(paid, blocks[:1], nets)
    assert of.names() == []
    assert "its paid original has no other subnet in its zone to wait in" in of.why()
    of = _with_subnets(group, [blocks[0] | {"used": 3}], nets)
    assert "block holds 3 other things, which have to leave it first" in of.why()


def _with_subnets(group: dict[str, Any], blocks: list[dict[str, Any]], nets: dict[str, Any]) -> Scene:
    of = scene(group={k: v for k, v in group.items() if k not in ("vpcs", "subnets")})
    data = of.world.estate.model_dump(mode="json", by_alias=True, exclude_unset=True)
    data["groups"][0] |= group
    world = World(estate_from_data({**data, **nets, "subnets": blocks}))
    movement = Movement(world.units[0], 1, "move", of.movement.source, of.movement.target, "block", "block")
    return Scene(world, movement)


# Identifiers, times


def test_identifiers_are_stable_and_short_enough() -> None:
    long = "d" * 128
    of = scene(group={"disks": [long]}, disks=[{"id": long, "region": "ap-guangzhou"}])
    first, second = of.draft("cvm-replace"), of.draft("cvm-replace")
    assert [s.id for s in first.steps] == [s.id for s in second.steps]
    assert all(len(step.id) <= 128 for step in first.steps)
    assert first.steps[2].thing == long


def test_downtime_by_the_times_that_steps_have() -> None:
    """The address is dissociated at 1,000 s and back at 1,105 s."""
    of = scene(group={"elastic_ips": ["e"]}, elastic_ips=[{"id": "e", "region": "ap-guangzhou"}])
    starts = {"create_image": 0, "create_instance": 700, "dissociate_address": 1000, "associate_address": 1100}
    steps = [
        step.model_copy(update={"start_s": start, "end_s": start + step.end_s})
        for step in of.draft("cvm-replace").steps
        for start in [starts.get(step.do.value, 1200)]
    ]
    assert downtime(steps, "move") == 105
    assert downtime(steps, "recovery") == 1105, "what is lost is away from the start"
    assert downtime(steps, "start") == 0
