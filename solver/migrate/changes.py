"""What others know an instance by, and what of it is different after a movement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zonewright.models.migration import Change
from zonewright.models.recipes import Recipe
from zonewright.solver.migrate.copies import address_reaches

if TYPE_CHECKING:
    from zonewright.models.world import World
    from zonewright.solver.migrate.moves import Movement


def changes_of(world: World, movement: Movement, recipe: Recipe) -> list[Change]:
    """Return what names, firewalls and callers have to learn: what the recipe does not keep.

    What is only known once it exists has no `after`. A first start changes nothing.
    """
    return [] if movement.source is None else list(_changes(world, movement, recipe))


def _changes(world: World, movement: Movement, recipe: Recipe) -> Iterator[Change]:
    unit = movement.unit
    of, count = unit.name or unit.group, movement.count
    if "identifier" not in recipe.keeps:
        yield Change(what="identifier", of=of, before=unit.name, count=count)
    if "private_ip" not in recipe.keeps:
        yield Change(what="private_ip", of=of, before=_private_ip(world, unit.name), count=count)
    for address in unit.elastic_ips:
        reaches = address_reaches(world, unit, address, movement.source, movement.target)
        if "elastic_ip" not in recipe.keeps or not reaches:
            yield Change(what="elastic_ip", of=of, before=address)
    before, after = movement.subnet_before, movement.subnet_after
    if before is not None and before != after:
        yield Change(what="subnet", of=of, before=before, after=after, count=count)


def _private_ip(world: World, name: str | None) -> str | None:
    if name is None:
        return None
    memo: dict[str, str | None] | None = world.__dict__.get("_private_ips")
    if memo is None:
        memo = {instance.id: instance.private_ip for instance in world.estate.instances}
        world.__dict__["_private_ips"] = memo
    return memo.get(name)
