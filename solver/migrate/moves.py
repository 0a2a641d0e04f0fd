"""What lies between two placements: moves, recoveries and first starts, as few and as near as they can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from zonewright.models.aftermath import Aftermath
from zonewright.models.placing import view_of
from zonewright.models.plan import Plan
from zonewright.models.world import Unit

#: The domains that a pair is best within, nearest first; None stands for anywhere.
_NEARNESS = ("rack", "zone", "region", None)


@dataclass(frozen=True)
class Movement:
    """Equal instances that go from one site to another. Nodes are those of the tree, the same before and after."""

    unit: Unit
    """As it is after the event."""
    count: int
    kind: Literal["move", "recovery", "start", "stop"]
    """`stop`: they run and have no place any more; source and target are one."""
    source: int | None
    """Where they run or ran; None for those that never did."""
    target: int
    subnet_before: str | None = None
    subnet_after: str | None = None

    @property
    def instances(self) -> list[str]:
        """The instance's own name, where it has one."""
        return [self.unit.name] if self.unit.name is not None else []


def movements(after: Aftermath, plan: Plan) -> list[Movement]:
    """Return what has to move so that the plan holds: never more than differ, and near before far."""
    found: list[Movement] = []
    arrivals = _seats(after, plan)
    for unit in after.world.units:
        found += _of_unit(after, unit, arrivals.get(unit.index, []))
    return found


def _seats(after: Aftermath, plan: Plan) -> dict[int, list[tuple[int, str | None, int]]]:
    """Return, per unit, (site, subnet, count) of the plan."""
    found: dict[int, list[tuple[int, str | None, int]]] = {}
    for row in view_of(after.world, plan).rows:
        found.setdefault(row.unit, []).append((row.site, row.subnet, row.count))
    return found


def _of_unit(after: Aftermath, unit: Unit, seats: list[tuple[int, str | None, int]]) -> Iterator[Movement]:
    staying = dict(unit.current)
    arriving: list[list[int]] = []
    subnets: list[str | None] = []
    for site, subnet, count in sorted(
        seats, key=lambda seat: (seat[1] != unit.current_subnet, seat[0], seat[1] or "")
    ):
        stay = min(count, staying.get(site, 0))
        staying[site] = staying.get(site, 0) - stay
        if count > stay:
            arriving.append([site, count - stay])
            subnets.append(subnet)
    if not arriving and not any(staying.values()):
        return
    leaving = [[site, count] for site, count in sorted(staying.items()) if count > 0]
    dead = after.displaced.get((unit.group, unit.name), {})
    gone = [[site, count] for site, count in sorted(dead.items())]
    for level in _NEARNESS:
        for kind, sources in (("move", leaving), ("recovery", gone)):
            for source in sources:
                for number, target in enumerate(arriving):
                    count = min(source[1], target[1])
                    if count and _together(after, level, source[0], target[0]):
                        source[1] -= count
                        target[1] -= count
                        before = _subnet_before(after, unit, source[0])
                        yield Movement(unit, count, kind, source[0], target[0], before, subnets[number])  # type: ignore[arg-type]
    for number, (site, count) in enumerate(arriving):
        if count:
            yield Movement(unit, count, "start", None, site, None, subnets[number])
    for site, count in leaving:
        if count and site not in after.left:
            yield Movement(unit, count, "stop", site, site, _subnet_before(after, unit, site))


def _together(after: Aftermath, level: str | None, a: int, b: int) -> bool:
    if level is None:
        return True
    domain = after.world.tree.at_level(a, level)
    return domain is not None and domain == after.world.tree.at_level(b, level)


def _subnet_before(after: Aftermath, unit: Unit, site: int) -> str | None:
    """Return the subnet an instance at a site sits in today, as far as the estate says."""
    if unit.name is not None:
        memo: dict[str, str | None] | None = after.before.__dict__.get("_subnets_today")
        if memo is None:
            memo = {instance.id: instance.subnet for instance in after.before.estate.instances}
            after.before.__dict__["_subnets_today"] = memo
        if memo.get(unit.name) is not None:
            return memo[unit.name]
    subnets = after.before.groups[unit.group].subnets
    zone = after.before.tree.nodes[after.before.zone_of(site)].id
    only = after.before.subnets[subnets[0]] if len(subnets) == 1 else None
    return only.id if only is not None and only.zone in (None, zone) else None
