"""What of an instance is reachable where it goes: its data disks, the copies that it is restored from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from zonewright.models.catalogue import Scope
from zonewright.models.events import Incident
from zonewright.models.resources import Snapshot

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


def dead_sites(world: World) -> frozenset[int]:
    """Return the sites of domains that have failed, by the incidents of the estate."""
    memo: frozenset[int] | None = world.__dict__.get("_dead_sites")
    if memo is None:
        failed = [node for node, what in world.tree.incidents.items() if what is Incident.FAILED]
        memo = frozenset(site for node in failed for site in world.tree.sites_under[node])
        world.__dict__["_dead_sites"] = memo
    return memo


def lives(world: World, node: int) -> bool:
    """Return whether a domain has a site that has not failed."""
    dead = dead_sites(world)
    return any(site not in dead for site in world.tree.sites_under[node])


def disk_reaches(world: World, unit: Unit, name: str, source: int | None, target: int) -> bool:
    """Return whether a data disk lives and can be attached at the target as it is.

    A disk that does not say where it is counts as being where its instance was; one that names its region alone
    as reaching all of that.
    """
    disk = world.attachables["disk"][name]
    scope = world.scope(unit.product, "disk")
    if scope in (Scope.GLOBAL, Scope.NONE):
        return True
    home = _node(world, disk.region)
    if home is None and source is not None:
        home = source
    if home is not None and not world.same_region(home, target):
        return False
    if scope is Scope.REGIONAL:
        return home is None or any(site not in dead_sites(world) for site in world.region_sites(home))
    zone = _node(world, disk.zone)
    if zone is None and disk.region is None and source is not None:
        zone = world.zone_of(source)
    return zone is None or (zone == world.zone_of(target) and lives(world, zone))


def address_reaches(world: World, unit: Unit, name: str, source: int | None, target: int) -> bool:
    """Return whether a public address can be used at the target; else it stays behind."""
    if world.scope(unit.product, "elastic_ip") in (Scope.GLOBAL, Scope.NONE):
        return True
    home = _node(world, world.attachables["elastic_ip"][name].region)
    if home is None:
        home = source
    return home is None or world.same_region(home, target)


def copy_of(world: World, unit: Unit, disk: str | None, target: int) -> Snapshot | None:
    """Return the newest copy of a data disk (None: of the system) that lives, one at hand before one elsewhere.

    A copy that does not say what it is of counts as one of the system.
    """
    wanted = {unit.name, unit.group, None} if disk is None else {disk}
    found = [copy for copy in _copies(world, unit) if copy.of in wanted and _lives(world, copy)]
    dated = [copy for copy in found if copy.taken_at is not None]
    newest = max((copy.taken_at for copy in dated if copy.taken_at is not None), default=None)
    best = [copy for copy in found if copy.taken_at == newest] if dated else found
    return min(best, key=lambda copy: (not at_hand(world, unit, copy, target), copy.id), default=None)


def at_hand(world: World, unit: Unit, copy: Snapshot, target: int) -> bool:
    """Return whether a copy can be read where the target is; another has to be copied to its region first."""
    region = _node(world, copy.region)
    if region is None or world.scope(unit.product, "snapshot") in (Scope.GLOBAL, Scope.NONE):
        return True
    return world.same_region(region, target)


def minutes_lost(world: World, copies: Iterable[Snapshot]) -> float | None:
    """Return the age of the oldest of some copies in minutes, None where the estate does not tell it."""
    taken = world.estate.taken_at
    oldest = 0.0
    for copy in copies:
        if taken is None or copy.taken_at is None:
            return None
        oldest = max(oldest, (taken - copy.taken_at).total_seconds() / 60)
    return oldest


def _copies(world: World, unit: Unit) -> list[Snapshot]:
    return [cast(Snapshot, world.attachables["snapshot"][name]) for name in unit.snapshots]


def _lives(world: World, copy: Snapshot) -> bool:
    homes = [node for node in (_node(world, copy.zone), _node(world, copy.region)) if node is not None]
    return all(lives(world, home) for home in homes)


def _node(world: World, name: str | None) -> int | None:
    return world.tree.by_id.get(name) if name is not None else None
