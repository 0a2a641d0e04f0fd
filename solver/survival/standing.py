"""Who stands where before a loss, which losses there are, and whom each displaces.

A *loss* is a set of domains that are gone together; its sites are those under them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from zonewright.models.aftermath import why_lost
from zonewright.models.problems import InputError, maybe
from zonewright.models.rules import Survive
from zonewright.models.rules.network import addresses, subnet_zone
from zonewright.models.rules.survive import recoverable
from zonewright.models.view import Row, View
from zonewright.models.world import Unit, World
from zonewright.solver.decode import Sites
from zonewright.solver.lowering.network import network_at
from zonewright.solver.seating import Seat, Seating, seat_subnets

#: Losses up to which all of them are kept in a list.
MOST_LISTED = 1_000_000


@dataclass(frozen=True)
class Loss:
    """Domains that are gone together."""

    nodes: tuple[int, ...]
    """Node indices, those of higher levels first."""
    gone: frozenset[int]
    """Their sites."""


class Standing:
    """A placement before a loss."""

    def __init__(self, world: World, view: View) -> None:
        self.world = world
        self.view = view
        self.at_s: dict[int, dict[int, int]] = {}
        """Site to {unit index: count}."""
        for index, sites in enumerate(view.unit_counts):
            for site, count in sites.items():
                self.at_s.setdefault(site, {})[index] = count
        self._why: dict[tuple[int, int, tuple[int, ...]], str | None] = {}

    @cached_property
    def placed(self) -> dict[str, int]:
        """Group to how many are placed."""
        return {group: sum(sites.values()) for group, sites in self.view.group_sites.items()}

    @cached_property
    def needed(self) -> dict[str, int]:
        """Group to how many have to remain, as `survive` asks for it."""
        rule = Survive(rule="survive", mode="static")
        return {group: rule.needed(self.world, group, placed) for group, placed in self.placed.items()}

    @cached_property
    def subnets_of(self) -> dict[tuple[int, int], dict[str, int]]:
        """(unit, site) to {subnet: count}, of those whose seat is known."""
        found: dict[tuple[int, int], dict[str, int]] = {}
        for row in self.view.rows:
            if row.subnet is not None and row.count:
                seats = found.setdefault((row.unit, row.site), {})
                seats[row.subnet] = seats.get(row.subnet, 0) + row.count
        return found

    def displaced(self, loss: Loss) -> dict[int, dict[int, int]]:
        """Return unit index to {lost site: count}."""
        found: dict[int, dict[int, int]] = {}
        for site in loss.gone:
            for index, count in self.at_s.get(site, {}).items():
                found.setdefault(index, {})[site] = count
        return found

    def displaced_count(self, loss: Loss) -> int:
        """Return how many instances a loss displaces."""
        return sum(sum(self.at_s.get(site, {}).values()) for site in loss.gone)

    def why_not(self, unit: Unit, site: int, loss: Loss) -> str | None:
        """Return why an instance of a lost site cannot be started elsewhere; None where it can."""
        if not (unit.pinned or unit.stateful or unit.image is not None):
            return None
        ancestors = self.world.tree.nodes[site].ancestors
        over = next(node for node in loss.nodes if node in ancestors)
        key = (unit.index, site, loss.nodes)
        if key not in self._why:
            self._why[key] = self._reason(unit, site, loss, self.world.tree.nodes[over].level)
        return self._why[key]

    def _reason(self, unit: Unit, site: int, loss: Loss, level: str) -> str | None:
        known = why_lost(self.world, unit, site, loss.gone)
        if known is not None:
            return known[1]
        if recoverable(self.world, unit, level, loss.nodes):
            return None
        return "is pinned there" if unit.pinned else "has data and no copy that outlives this"


def loss_of(world: World, nodes: tuple[int, ...]) -> Loss:
    """Return the loss of some domains."""
    return Loss(nodes, frozenset(s for node in nodes for s in world.tree.sites_under[node]))


@dataclass(frozen=True)
class Losses:
    """All losses of so many domains of a level, or of one domain of each of several levels."""

    world: World
    levels: tuple[str, ...]
    lose: int

    @cached_property
    def domains(self) -> list[list[int]]:
        """The domains of each level."""
        return [sorted(self.world.tree.domains_at(level)) for level in self.levels]

    @property
    def existing(self) -> int:
        """How many there are."""
        if len(self.levels) == 1:
            return math.comb(len(self.domains[0]), self.lose)
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Loss]:
        nodes = self.world.tree.nodes
        if len(self.levels) == 1:
            for combination in itertools.combinations(self.domains[0], self.lose):
                yield loss_of(self.world, combination)
            return
        for combination in itertools.product(*self.domains):
            inside = any(a != b and a in nodes[b].ancestors for a in combination for b in combination)
            if not inside:
                yield loss_of(self.world, tuple(sorted(combination)))


def losses_of(world: World, level: str, lose: int) -> Losses:
    """Return the losses that are asked for: `zone`, `host`, `zone+host`.

    Raises InputError for a level that the estate does not have, or has no domains of.
    """
    levels = tuple(part.strip() for part in level.split("+"))
    known = [name for name in world.tree.levels if world.tree.domains_at(name)]
    for name in levels:
        if name not in world.tree.levels:
            raise InputError(f"unknown level {name}.{maybe(name, known)}", source="--level")
        if name not in known:
            what = f"the estate has no {name}s that hold anything; its levels are {', '.join(known)}"
            raise InputError(what, source="--level")
    if len(set(levels)) < len(levels):
        raise InputError("names a level twice: use --lose for several domains of one level", source="--level")
    if len(levels) > 1 and lose != 1:
        raise InputError("goes with one level: of several one domain each is lost", source="--lose")
    if not 1 <= lose <= 3:
        raise InputError(f"is {lose}: between 1 and 3 domains are lost at once", source="--lose")
    found = Losses(world, levels, lose)
    if len(levels) == 1 and len(found.domains[0]) < lose:
        raise InputError(f"is {lose}, and there are only {len(found.domains[0])} {level}s", source="--lose")
    if len(levels) > 1 and math.prod(len(d) for d in found.domains) > MOST_LISTED:
        raise InputError(f"would be more than {MOST_LISTED:,} scenarios: take one level", source="--level")
    return found


def current_view(world: World) -> View:
    """Return the placement of today. Who does not say in which subnet he sits gets a seat, where there is room."""
    sites = {u.index: dict(u.current) for u in world.units if u.current}
    zones = {b.id: tuple(world.tree.by_id[z] for z in b.zones) for b in world.balancers.values() if b.zones}
    seats = _seats_of_today(world, sites) if world.vpcs else {}
    rows: list[Row] = []
    for index, here in sites.items():
        for site, count in here.items():
            taken = seats.get((index, site), {})
            rows += [Row(index, site, n, subnet) for subnet, n in taken.items()]
            if not taken:
                rows.append(Row(index, site, count, world.units[index].current_subnet))
    return View(world, rows, balancer_zones=zones)


def _seats_of_today(world: World, sites: Sites) -> Seating:
    nobody = View(world, [])
    seats = [
        Seat(s.id, s.vpc, subnet_zone(nobody, s.id), addresses(nobody, s.id) or 0) for s in world.subnets.values()
    ]
    try:
        return seat_subnets(world, seats, sites, network_at)
    except ArithmeticError:
        return {}
