"""A board in the making: what lowerings of rules and goals add to, unit by unit, before units become items.

Axes: u unit (of the world), s site, l level, r resource, k stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from zonewright.models.rules import Rule
from zonewright.models.world import World
from zonewright.solver.lowering.goals import stage_names
from zonewright.solver.profiles import Reach
from zonewright.solver.search.board import BROKEN, NO_LIMIT, Bools, Ints, Places

#: The level of which every site is in the one domain.
ESTATE = "estate"
#: What an entry of the estate's list of what is tolerated is about: (label, group, domain, what).
Key = tuple[str, str | None, str | None, str | None]
#: More domains than this at a level are not paired with each other.
MOST_PAIRED = 200


class Refused(Exception):
    """A rule or goal that a board cannot say, in the user's words."""


@dataclass
class Level:
    """A partition of sites, or of some of them."""

    name: str
    domain_s: Places
    """-1 where a site is in none."""
    domains: int
    nodes: dict[int, int] = field(default_factory=dict)
    """Node of the tree to domain; empty for a level that the tree does not have."""


@dataclass
class Resource:
    """Something that items use of what nodes have."""

    name: str
    demand_u: Ints


@dataclass
class Safe:
    """What is safe in the domains of a level, and what more than that costs."""

    amount_d: Ints
    weight: int
    stage: int


@dataclass(frozen=True)
class Term:
    """See `board.Terms`."""

    group: int
    kind: int
    level: int
    amount: int
    weight: int
    stage: int
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """See `board.Company`."""

    group: int
    other: int
    level: int
    needs: bool
    weight: int
    stage: int


@dataclass(frozen=True)
class Far:
    """See `board.Distances`."""

    group: int
    other: int
    level: int
    table: int
    weight: int
    stage: int


@dataclass(frozen=True)
class Ratio:
    """See `board.Ratios`."""

    level: int
    resource: int
    beside: int
    ratio: int
    weight: int
    stage: int


@dataclass(frozen=True)
class StepRule:
    """See `board.Steps`."""

    entries: tuple[tuple[int, int], ...]
    """(level, cost), costs weighted."""
    beyond: int
    stage: int
    table: int
    groups: tuple[int, ...] | None
    """None for all."""


@dataclass(frozen=True)
class Peak:
    """See `board.Peaks`."""

    groups: tuple[int, ...]
    most: int
    weight: int
    stage: int


class Draft:
    """What has been lowered so far."""

    def __init__(self, world: World, reach: Reach, *, partial: bool) -> None:
        self.world, self.reach, self.partial = world, reach, partial
        self.sites = world.tree.sites
        self.stages = ["broken", *(stage_names(world) or ["placed[0]"])]
        self.group_of = {name: g for g, name in enumerate(world.groups)}
        self.count_g = [group.count for group in world.groups.values()]
        self.group_u: Places = np.array([self.group_of[u.group] for u in world.units], np.int32)
        self.count_u: Ints = np.array([u.count for u in world.units], np.int64)
        self.levels: list[Level] = []
        self._level_of: dict[str, int] = {}
        self._add_site_level()
        self.estate = self.add_level(ESTATE, np.zeros(len(self.sites), np.int32), 1)
        self.resources: list[Resource] = []
        self._resource_of: dict[str, int] = {}
        self._copies: dict[int, list[int]] = {}
        self._counted: list[int] = []
        self.limits: dict[tuple[int, int], Ints] = {}
        self.tolerated: dict[Key, int] = {}
        """By how much rules may stay broken."""
        for entry in world.estate.tolerated:
            key = (entry.rule, entry.group, entry.domain, entry.what)
            self.tolerated[key] = self.tolerated.get(key, 0) + entry.amount
        self.raised: dict[Key, tuple[int, int]] = {}
        """Those that raised a limit, with its level and resource."""
        self.stay_labels: set[str] = set()
        """Rules on reach by which who is there today stays."""
        self.holds: set[tuple[int, int]] = set()
        self.safe: dict[tuple[int, int], Safe] = {}
        self.out_uk: Ints = np.zeros((len(world.units), len(self.stages)), np.int64)
        """What an instance costs that is nowhere."""
        self.away_uk: Ints = np.zeros_like(self.out_uk)
        """What an instance costs that is not where it is today."""
        self.gone_uk: Ints = np.zeros_like(self.out_uk)
        """What an instance costs on top that has a place today and is nowhere; may be below 0."""
        self.pinned_u: Bools = np.array([u.pinned for u in world.units], bool)
        self.stays_u: Bools = self.pinned_u.copy()
        """Units that have to, or should, stay where they are today."""
        self.inside_u: dict[int, list[int]] = {}
        """Unit to the numbers of masks that it is held to."""
        self.masks: list[Bools] = []
        self.running: int | None = None
        """The stage that running items cost which are nowhere."""
        self.opening: list[tuple[int, int, int, int]] = []
        """(level, domain, stage, cost)."""
        self.price_stage: int | None = None
        self.most_moves = NO_LIMIT
        self.terms: list[Term] = []
        self.pairs: list[Pair] = []
        self.far: list[Far] = []
        self.far_tables: list[Bools] = []
        self.ratios: list[Ratio] = []
        self.steps: list[StepRule] = []
        self.tables: list[Ints] = []
        self.key_s: list[Ints] = []
        """Keys of sites, one array per table."""
        self.peaks: list[Peak] = []
        self.spans: list[tuple[int, int, int]] = []
        """(level, resource, stage)."""
        self.constant_k: list[int] = [0] * len(self.stages)

    def _add_site_level(self) -> None:
        levels = {self.world.tree.nodes[s].level for s in self.sites}
        name = levels.pop() if len(levels) == 1 else "site"
        found = Level(name, np.arange(len(self.sites), dtype=np.int32), len(self.sites))
        self.levels.append(found)
        if name in self.world.tree.levels and len(self.world.tree.domains_at(name)) == len(self.sites):
            found.nodes = {node: s for s, node in enumerate(self.sites)}
            self._level_of[name] = 0

    def level(self, name: str) -> int:
        """Return the number of a level of the tree."""
        if name not in self._level_of:
            tree = self.world.tree
            domains = {node: d for d, node in enumerate(tree.domains_at(name))}
            above = (tree.at_level(site, name) for site in self.sites)
            domain_s = np.array([-1 if node is None else domains[node] for node in above], np.int32)
            self._level_of[name] = self.add_level(name, domain_s, len(domains))
            self.levels[-1].nodes = domains
        return self._level_of[name]

    def add_level(self, name: str, domain_s: Places, domains: int) -> int:
        """Add a partition of sites and return its number."""
        self.levels.append(Level(name, domain_s, domains))
        return len(self.levels) - 1

    def some_sites(self, name: str, inside_s: Bools) -> int:
        """Return the level of one domain, which some sites are in."""
        same = (
            position
            for position, level in enumerate(self.levels)
            if level.domains == 1 and np.array_equal(level.domain_s >= 0, inside_s)
        )
        found = next(same, None)
        return self.add_level(name, inside_s.astype(np.int32) - 1, 1) if found is None else found

    def at(self, node: int) -> tuple[int, int]:
        """Return the level and the domain of a node of the tree that has sites."""
        level = self.level(self.world.tree.nodes[node].level)
        return level, self.levels[level].nodes[node]

    def under(self, node: int) -> Bools:
        """Return which sites are in a node's branch."""
        inside = np.zeros(len(self.sites), bool)
        inside[[self.reach.position[s] for s in self.world.tree.sites_under[node]]] = True
        return inside

    def resource(self, name: str) -> int:
        """Return the number of a resource that units demand by name."""
        if name not in self._resource_of:
            demand = (u.demand.get(name, 0) for u in self.world.units)
            self._resource_of[name] = self.add_resource(name, np.fromiter(demand, np.int64, len(self.count_u)))
        return self._resource_of[name]

    def flavour(self, name: str) -> int:
        """Return the number of the resource that counts instances of a flavour."""
        key = f"flavour {name}"
        if key not in self._resource_of:
            sold = (u.flavour is not None and u.flavour.id == name for u in self.world.units)
            demand_u = np.fromiter(sold, bool, len(self.count_u)).astype(np.int64)
            self._resource_of[key] = self.add_resource(key, demand_u)
        return self._resource_of[key]

    def instances(self) -> int:
        """Return the number of the resource that counts instances."""
        if "instances" not in self._resource_of:
            self._resource_of["instances"] = self.add_resource("instances", np.ones(len(self.count_u), np.int64))
        return self._resource_of["instances"]

    def add_resource(self, name: str, demand_u: Ints) -> int:
        """Add a resource and return its number."""
        self.resources.append(Resource(name, demand_u))
        return len(self.resources) - 1

    def counted(self, name: str, demand_u: Ints, level: int, domain: int) -> int:
        """Return a resource of a rule's own, shared with rules that count the same in other domains."""
        for resource in self._counted:
            limit_d = self.limits.get((level, resource))
            free = limit_d is None or limit_d[domain] == NO_LIMIT
            if free and np.array_equal(self.resources[resource].demand_u, demand_u):
                return resource
        self._counted.append(self.add_resource(name, demand_u))
        return self._counted[-1]

    def copy_of(self, resource: int) -> int:
        """Add a resource that is used as another one is, for limits of its own."""
        original = self.resources[resource]
        copies = self._copies.setdefault(resource, [])
        copies.append(self.add_resource(f"{original.name} ({len(copies) + 2})", original.demand_u))
        return copies[-1]

    def twins(self, resource: int) -> list[int]:
        """Return the copies of a resource."""
        return self._copies.get(resource, [])

    def limit(self, level: int, domain: int, resource: int, amount: int) -> None:
        """Limit a resource in a domain of a level."""
        limit_d = self.limits.get((level, resource))
        if limit_d is None:
            limit_d = self.limits[level, resource] = np.full(self.levels[level].domains, NO_LIMIT)
        limit_d[domain] = min(int(limit_d[domain]), amount)

    def tolerate(self, level: int, resource: int, label: str, domain: str | None, what: str | None) -> int:
        """Return how much more than a limit on a resource is tolerated in a domain of a level."""
        key = (label, None, domain, what)
        if key in self.tolerated:
            self.raised[key] = (level, resource)
        return self.tolerated.get(key, 0)

    def wish(self, level: int, amount_d: Ints, resource: int, weight: int, stage: int) -> None:
        """Charge what is used of a resource beyond amounts in the domains of a level."""
        free = (r for r in (resource, *self.twins(resource)) if (level, r) not in self.safe)
        found = next(free, None)
        self.safe[level, self.copy_of(resource) if found is None else found] = Safe(amount_d, weight, stage)

    def apart(self, level: int, amount_d: Ints, resource: int) -> int:
        """Limit a resource in the domains of a level besides what capacity says; return the copy it is about."""
        free = (r for r in self.twins(resource) if (level, r) not in self.limits and (level, r) not in self.safe)
        found = next(free, None)
        copy = self.copy_of(resource) if found is None else found
        self.limits[level, copy] = amount_d
        return copy

    def charge(self, rule: Rule) -> tuple[int, int]:
        """Return the weight and the stage of what breaks a rule."""
        if rule.soft is None:
            return 1, BROKEN
        return rule.soft.weight, self.stages.index(f"soft[{rule.soft.priority}]")

    def groups(self, names: list[str]) -> list[tuple[str, int]]:
        """Return the groups that have instances with their numbers."""
        return [(name, g) for name in names if self.count_g[g := self.group_of[name]]]

    def whole(self, group: str) -> bool:
        """Return whether a group is placed as a whole or not at all wherever nothing is broken."""
        entry = self.world.groups[group]
        return not self.partial or entry.all_or_nothing or entry.count <= 1

    def hold_to(self, inside_s: Bools, units: list[int]) -> None:
        """Let units be at these sites only."""
        self.masks.append(inside_s)
        for unit in units:
            self.inside_u.setdefault(unit, []).append(len(self.masks) - 1)

    def cost_outside(self, name: str, outside_s: Bools, concerned_u: Bools, weight: int, stage: int) -> None:
        """Charge units for every instance at some sites."""
        if not outside_s.any() or not concerned_u.any():
            return
        level = self.some_sites(f"sites of {name}", outside_s)
        resource = self.add_resource(name, concerned_u.astype(np.int64))
        self.wish(level, np.zeros(1, np.int64), resource, weight, stage)

    def of_groups(self, names: list[str]) -> Bools:
        """Return which units are of some groups."""
        chosen = np.zeros(len(self.count_g), bool)
        chosen[[self.group_of[name] for name in names]] = True
        return chosen[self.group_u]

    @cached_property
    def runs_u(self) -> Bools:
        """Which units have instances with a place today."""
        return np.array([bool(u.current) for u in self.world.units], bool)
