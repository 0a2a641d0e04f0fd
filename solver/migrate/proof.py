"""Evaluate the bounds of a migration again: they are those of its target, in the estate after the event."""

from __future__ import annotations

from collections.abc import Iterator

from zonewright.models.aftermath import aftermath
from zonewright.models.migration import Migration
from zonewright.models.world import World
from zonewright.solver.witness import BoundFinding, verify_bound


def verify_migration_bound(world: World, migration: Migration) -> Iterator[BoundFinding]:
    """Yield what each bound of the target is worth, evaluated anew.

    Where placements were ruled out because no order leads there, the bound is about the others: it is
    evaluated with them ruled out, and whether they are is the ordering's word. Raises InputError when the
    event or a witness does not fit the estate.
    """
    if migration.target is None:
        return
    estate = world.estate
    if migration.ruled_out:
        estate = estate.model_copy(update={"rules": [*estate.rules, *migration.ruled_out]})
    after = aftermath(World(estate), migration.event, lenient=migration.lenient, given_up=migration.given_up)
    yield from verify_bound(after.world, migration.target)
