"""What a lowering works on: places, classes, layers of cells, and the families it adds.

A layer is one placement: the plan itself, and for every scenario of an evacuation rule what is there
after what is displaced has been put elsewhere. Rules are lowered layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from zonewright.models.rules import Rule, Soft
from zonewright.models.world import World
from zonewright.solver.classes import Class
from zonewright.solver.families.base import Columns, Family, Soften, Stages
from zonewright.solver.outages import Outage
from zonewright.solver.places import Place
from zonewright.solver.profiles import Reach
from zonewright.solver.rows import Rows, Tag
from zonewright.solver.tolerance import Tolerance

#: Who sits alike: (network, the subnets they are held to, place).
SeatKey = tuple[str, tuple[str, ...], int]


@dataclass
class Layer:
    """Cells of one placement: `cells[c]` maps place to column for class c."""

    signature: str = ""
    """Of the evacuation rules it is for; empty for the plan itself."""
    scenario: tuple[int, ...] = ()
    lost: frozenset[int] = frozenset()
    """Sites that are gone."""
    on_offer: bool = True
    cells: list[dict[int, int]] = field(default_factory=list)
    evacuated: frozenset[str] = frozenset()
    """Groups whose displaced instances must all be placed again; others may be short."""
    constant: bool = True
    """Every class is placed whole in every solution."""

    @property
    def event(self) -> bool:
        """Whether this is what remains after a loss."""
        return bool(self.signature)


#: A limit that is decided along with the plan: the sum of value x column over (column, value).
Terms = tuple[tuple[int, int], ...]


class Additions(Protocol):
    """What may be bought, as columns of the program beside the plan's; places must be single sites."""

    def begin(self, ctx: Context) -> None:
        """Add the columns; the plan's cells are there, the rules are not lowered yet."""

    def limit(self, node: int, name: str, *, firm: bool = False) -> Terms | None:
        """Return a domain's limit on a resource or a flavour, None where nothing that is bought changes it."""

    def quota(self, label: str) -> Terms | None:
        """Return a quota's limit, None where nothing that is bought changes it."""

    def finish(self, ctx: Context) -> None:
        """Add what concerns all layers, and the cost."""


@dataclass
class Context:
    """Everything a lowering may read, and where it adds to."""

    world: World
    reach: Reach
    places: list[Place]
    classes: list[Class]
    stages: Stages
    partial: bool
    """Instances may stay unplaced."""
    pooled: bool
    """Places are pools: rules below them become relaxations."""
    explain: bool = False
    """Reach is written as rows with tags instead of leaving cells out."""
    additions: Additions | None = None
    """What may be bought, where that is decided too."""
    room_after: float = 0.0
    """Share of every zone's pools that is left free after a loss."""
    margins: dict[int, float] = field(default_factory=dict)
    """Zone to the share of its pools that is left free, so that what is decided can be packed."""
    outages: tuple[Outage, ...] = ()
    """States of domains that rows on availability have learned of."""
    rows: Rows = field(default_factory=Rows)
    layers: list[Layer] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    unplaced: dict[int, int] = field(default_factory=dict)
    """Class to the column of its unplaced instances."""
    balancer_columns: dict[tuple[str, int], int] = field(default_factory=dict)
    subnet_columns: dict[tuple[str, int], int] = field(default_factory=dict)
    """(subnet, zone) to the boolean that puts it there."""
    new_subnet_columns: dict[tuple[str, int], int] = field(default_factory=dict)
    """(network, zone or -1) to the number of new subnets."""
    seat_columns: dict[SeatKey, dict[tuple[str, int | None], int]] = field(default_factory=dict)
    """Per (subnet or "" for new ones, zone) the column of how many sit there, where survivors' seats matter."""
    relaxed: set[str] = field(default_factory=set)
    """Labels of rules that pools could not express in full."""

    def __post_init__(self) -> None:
        self.place_of: dict[int, int] = {site: p.index for p in self.places for site in p.sites}
        self.classes_of: dict[str, list[int]] = {}
        for cls in self.classes:
            if cls.group is not None:
                self.classes_of.setdefault(cls.group, []).append(cls.index)
        self._domain_of: dict[str, list[int | None]] = {}
        self._within: dict[tuple[int, str, frozenset[int]], frozenset[int | None]] = {}
        self._united: dict[frozenset[int], int] = {}
        self._cuts: dict[str, bool] = {}
        self._open: dict[tuple[int, str, frozenset[int]], set[int]] = {}
        self.tolerance = Tolerance(self.world.estate)

    @property
    def base(self) -> Layer:
        """The plan itself."""
        return self.layers[0]

    def add(self, family: Family) -> None:
        """Add a family; a hard one of a rule that is broken already, as far as the estate does not tolerate it."""
        soft = getattr(family, "soften", None) is not None
        if soft or not self.tolerance.given or len(self.layers) > 1 or not self.tolerance.take(family):
            self.families.append(family)

    def soften(self, soft: Soft | None) -> Soften | None:
        """Return where a soft rule's excess is charged."""
        return None if soft is None else Soften(f"soft[{soft.priority}]", soft.weight)

    def tag(
        self,
        rule: Rule,
        label: str,
        group: str | None = None,
        node: int | None = None,
        text: str = "",
        what: str | None = None,
        thing: str | None = None,
    ) -> Tag:
        """Return a tag in the user's names."""
        domain = self.world.tree.nodes[node].id if node is not None else None
        return Tag(rule.rule, label, group, domain, text, what, thing)

    def domain_of(self, level: str) -> list[int | None]:
        """Return the domain of a level for every place; None where its sites are in several, or in none."""
        found = self._domain_of.get(level)
        if found is None:
            tree = self.world.tree
            found = []
            for place in self.places:
                domains = {tree.at_level(site, level) for site in place.sites}
                found.append(domains.pop() if len(domains) == 1 else None)
            self._domain_of[level] = found
        return found

    def domains_within(self, place: int, level: str, layer: Layer) -> frozenset[int | None]:
        """Return the domains of a level that a place's sites are in which are not lost; None where in none."""
        tree, sites = self.world.tree, self.places[place].sites
        lost = layer.lost if layer.lost and not layer.lost.isdisjoint(sites) else frozenset()
        found = self._within.get((place, level, lost))
        if found is None:
            found = frozenset(tree.at_level(s, level) for s in sites if s not in lost)
            self._within[place, level, lost] = found
        return found

    def number_of(self, parts: Iterable[frozenset[int | None]]) -> int:
        """Return how many domains there are in sets that `domains_within` gave, each counted once."""
        # Groups share the sets themselves: which they are says enough to look the answer up.
        key = frozenset(map(id, parts := list(parts)))
        if key not in self._united:
            self._united[key] = len(frozenset().union(*parts))
        return self._united[key]

    def finer(self, level: str) -> bool:
        """Return whether a level is below the zone while places are pools: its rules can only be relaxed.

        Packing moves instances between the hosts of a zone, so nothing below the zone is decided before.
        """
        order = self.world.tree.levels
        if not self.pooled or "zone" not in order:
            return False
        if level in self.world.tree.overlays:
            return self._cuts_zones(level)
        return order.index(level) > order.index("zone")

    def _cuts_zones(self, level: str) -> bool:
        """Return whether the sites of a zone are in several domains of a level."""
        found = self._cuts.get(level)
        if found is None:
            tree = self.world.tree
            pairs = {(self.world.zone_of(site), tree.at_level(site, level)) for site in tree.sites}
            found = self._cuts[level] = len(pairs) > len({zone for zone, _ in pairs})
        return found

    def cells(self, layer: Layer, group: str) -> Iterator[tuple[int, int]]:
        """Yield (place, column) of a group."""
        for c in self.classes_of.get(group, ()):
            yield from layer.cells[c].items()

    def columns(self, layer: Layer, group: str) -> Columns:
        """Return all columns of a group."""
        return tuple(column for _, column in self.cells(layer, group))

    def by_domain(self, layer: Layer, groups: Iterable[str], level: str) -> dict[int, Columns]:
        """Return the groups' columns by domain of a level, in order of the domains."""
        domain = self.domain_of(level)
        found: dict[int, list[int]] = {}
        for group in groups:
            for place, column in self.cells(layer, group):
                at = domain[place]
                if at is not None:
                    found.setdefault(at, []).append(column)
        return {node: tuple(found[node]) for node in sorted(found)}

    def by_zone(self, layer: Layer, group: str) -> dict[int, Columns]:
        """Return a group's columns by zone (or, above zones, by site)."""
        found: dict[int, list[int]] = {}
        for place, column in self.cells(layer, group):
            found.setdefault(self.world.zone_of(self.places[place].site), []).append(column)
        return {node: tuple(found[node]) for node in sorted(found)}

    def by_region(self, layer: Layer, group: str) -> dict[int, Columns]:
        """Return a group's columns by region."""
        found: dict[int, list[int]] = {}
        for place, column in self.cells(layer, group):
            found.setdefault(self.world.region_of(self.places[place].site), []).append(column)
        return {node: tuple(found[node]) for node in sorted(found)}

    @cached_property
    def complete(self) -> bool:
        """Whether all groups of the estate are to be placed, not some of them as if there were no others."""
        return sum(cls.count for cls in self.classes) == sum(unit.count for unit in self.world.units)

    def whole(self, layer: Layer, groups: Iterable[str]) -> list[str]:
        """Return the groups that a loss has not left short: in a scenario only those that are evacuated."""
        return [g for g in groups if not layer.event or g in layer.evacuated]

    def when(self, group: str) -> Columns | None:
        """Return the columns that say whether the group is placed at all; None when it always is."""
        if not self.partial:
            return None
        return self.columns(self.base, group)

    def bought(self, node: int, name: str, *, firm: bool = False) -> Terms | None:
        """Return a domain's limit where purchases change it."""
        return self.additions.limit(node, name, firm=firm) if self.additions is not None else None

    def eligible(self, group: str, level: str, layer: Layer) -> list[int]:
        """Return the domains of a level where an instance of the group may newly be put."""
        found: set[int] = set()
        for profile in {self.reach.of_unit[unit.index] for unit in self.world.units_of[group]}:
            key = profile, level, layer.lost
            if key not in self._open:
                self._open[key] = self._open_domains(profile, level, layer)
            found |= self._open[key]
        return sorted(found)

    def _open_domains(self, profile: int, level: str, layer: Layer) -> set[int]:
        domain, enter = self.domain_of(level), self.reach.profiles[profile].enter
        found: set[int] = set()
        for place in self.places:
            at = domain[place.index]
            if at is not None and at not in found:
                sites = (s for s in place.sites if s not in layer.lost)
                if any(enter[self.reach.position[s]] for s in sites):
                    found.add(at)
        return found

    def inside(self, node: int) -> set[int]:
        """Return the places in a domain's branch, pools that are partly in it included."""
        return {self.place_of[site] for site in self.world.tree.sites_under[node]}

    def within(self, node: int) -> set[int]:
        """Return the places that are as a whole in a domain's branch."""
        sites = set(self.world.tree.sites_under[node])
        return {p for p in self.inside(node) if sites.issuperset(self.places[p].sites)}
