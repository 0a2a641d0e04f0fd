"""Which steps of a recipe an instance takes, and for which of its things."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from zonewright.models.catalogue import Scope
from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.recipes import Recipe, RecipeStep
from zonewright.models.rules.balancer import home_region
from zonewright.solver.migrate.copies import address_reaches, disk_reaches, lives

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


def things_of(
    world: World, recipe: Recipe, step: RecipeStep, unit: Unit, source: int | None, target: int
) -> tuple[str | None, ...]:
    """Return what a step is taken for: names of things, (None,) for the instance itself, () where it is left out.

    As things stand at second 0.
    """
    if step.only_with is None:
        return (None,)
    names = _named(world, step, unit, source, target)
    if names is None:
        return (None,) if _holds(world, recipe, step, unit, target) else ()
    if EFFECTS[step.do].per == "instance":
        return (None,) if names else ()
    return names


def balancers_of(world: World, group: str, region: int | None) -> tuple[str, ...]:
    """Return the balancers of a region that have a group behind them."""
    name = world.tree.nodes[region].id if region is not None else None
    return tuple(
        b.id for b in world.balancers.values() if group in b.backends and home_region(world, b) in (None, name)
    )


def image_is_missing(world: World, unit: Unit, target: int) -> bool:
    """Return whether the region of the target lacks the image that instances of the unit start from."""
    if unit.image is None or world.scope(unit.product, "image") is Scope.GLOBAL:
        return False
    regions = world.images[unit.image].regions
    region = world.tree.at_level(target, "region")
    return bool(regions) and region is not None and world.tree.nodes[region].id not in regions


def image_can_be_had(world: World, unit: Unit, target: int) -> bool:
    """Return whether the image is at the target, or may be copied there from a region that lives."""
    if not image_is_missing(world, unit, target):
        return True
    assert unit.image is not None
    image = world.images[unit.image]
    homes = [world.tree.by_id[name] for name in image.regions if name in world.tree.by_id]
    return image.copy_allowed and any(lives(world, home) for home in homes)


def starts_fresh(operations: Collection[Operation]) -> bool:
    """Return whether instances start from their group's image, not from one made of the original."""
    return Operation.CREATE_INSTANCE in operations and Operation.CREATE_IMAGE not in operations


def other_subnet(world: World, source: int, left: str | None) -> str | None:
    """Return a subnet of the source's zone that a paid original can wait in: the largest other of its network."""
    if left is None:
        return None
    zone = world.tree.nodes[world.zone_of(source)].id
    home = world.subnets[left]
    found = [
        s
        for s in world.subnets.values()
        if s.vpc == home.vpc and s.zone == zone and s.id != left and s.cidr is not None
    ]
    return min(found, key=lambda s: (int((s.cidr or "/32").rpartition("/")[2]), s.id)).id if found else None


def _named(world: World, step: RecipeStep, unit: Unit, source: int | None, target: int) -> tuple[str, ...] | None:
    """Return the things that a condition is about; None where it is about none."""
    match step.only_with:
        case "elastic_ip":
            return tuple(a for a in unit.elastic_ips if address_reaches(world, unit, a, source, target))
        case "disks":
            return unit.disks
        case "reachable_disks":
            return tuple(d for d in unit.disks if disk_reaches(world, unit, d, source, target))
        case "unreachable_disks":
            return tuple(d for d in unit.disks if not disk_reaches(world, unit, d, source, target))
        case "backends":
            here = source if step.do is Operation.UNBIND_BACKEND else target
            return balancers_of(world, unit.group, world.region_of(here)) if here is not None else ()
        case "image_missing":
            return (unit.image,) if unit.image and image_is_missing(world, unit, target) else ()
        case _:
            return None


def _holds(world: World, recipe: Recipe, step: RecipeStep, unit: Unit, target: int) -> bool:
    match step.only_with:
        case "no_elastic_ip":
            return not unit.elastic_ips
        case "local_disk":
            return unit.movability.local_disk
        case "prepaid":
            return unit.prepaid
        case "pay_as_you_go":
            return not unit.prepaid
        case _:
            return "private_ip" not in recipe.keeps
