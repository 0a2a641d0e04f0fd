"""A placement as the rules see it: who is where, what is lost, what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


@dataclass(frozen=True)
class Row:
    """`count` instances of one unit at one site (and in one subnet, where it has one)."""

    unit: int
    site: int
    count: int
    subnet: str | None = None


@dataclass(frozen=True)
class Violation:
    """One rule that a placement breaks, in one place, by how much."""

    rule: str
    """The kind of rule (`anti_affinity`)."""
    label: str
    """The rule's own identifier, or its kind and position."""
    group: str | None
    domain: str | None
    amount: int
    """By how much, in the rule's unit: instances, domains, resource units, money x 10,000."""
    message: str
    hard: bool = True
    weight: int = 0
    priority: int = 0
    what: str | None = None
    """Which of several things that a rule limits in one place: a resource, a flavour."""


@dataclass
class View:
    """A placement to be judged. Node indices are those of `world.tree`."""

    world: World
    rows: list[Row]
    balancer_zones: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Zones each balancer serves from."""
    subnet_zones: Mapping[str, int] = field(default_factory=dict)
    """Zones that the plan chose for subnets that had none."""
    subnet_sizes: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    """Subnets that the plan creates: network, zone, addresses for instances."""
    block_faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with the blocks that the plan gives to subnets, by subnet."""
    lost: frozenset[int] = frozenset()
    """Sites that are gone in the scenario that is looked at."""
    base: View | None = None
    """In a scenario: the placement before it."""
    on_offer: bool = True
    """Count capacity that is only on offer."""
    witnesses: Mapping[str, Mapping[tuple[int, ...], list[Row]]] = field(default_factory=dict)
    """Where displaced instances go: by signature of the survive rules and by lost domains."""

    def witness(self, signature: str, scenario: tuple[int, ...]) -> list[Row]:
        """Return where what is displaced in a scenario goes, as far as the plan says."""
        return list(self.witnesses.get(signature, {}).get(scenario, ()))

    @property
    def event(self) -> bool:
        """Whether this is what remains after a loss."""
        return self.base is not None

    @cached_property
    def unit_counts(self) -> list[dict[int, int]]:
        """Unit index to {site: count}."""
        found: list[dict[int, int]] = [{} for _ in self.world.units]
        for row in self.rows:
            if row.count:
                found[row.unit][row.site] = found[row.unit].get(row.site, 0) + row.count
        return found

    @cached_property
    def group_sites(self) -> dict[str, dict[int, int]]:
        """Group to {site: count}, zeros left out."""
        found: dict[str, dict[int, int]] = {g: {} for g in self.world.groups}
        for unit, sites in zip(self.world.units, self.unit_counts, strict=True):
            of_group = found[unit.group]
            for site, count in sites.items():
                of_group[site] = of_group.get(site, 0) + count
        return found

    def total(self, group: str) -> int:
        """How many of a group are placed."""
        return sum(self.group_sites[group].values())

    def counts(self, group: str, level: str) -> dict[int, int]:
        """Domains of a level that hold the group, with counts."""
        found: dict[int, int] = {}
        for site, count in self.group_sites[group].items():
            domain = self.world.tree.at_level(site, level)
            if domain is not None:
                found[domain] = found.get(domain, 0) + count
        return found

    def eligible(self, group: str, level: str) -> list[int]:
        """Domains of a level where an instance of the group may newly be put, lost ones left out."""
        return [
            domain
            for domain in self.world.tree.domains_at(level)
            if any(
                site not in self.lost and self._may_enter(group, site)
                for site in self.world.tree.sites_under[domain]
            )
        ]

    def _may_enter(self, group: str, site: int) -> bool:
        from zonewright.models.rules import reach_rules
        from zonewright.models.rules.balancer import backend_fits

        memo: dict[tuple[str, int], bool] = self.world.__dict__.setdefault("_entry_memo", {})
        found = memo.get((group, site))
        if found is None:
            rules = reach_rules(self.world)
            found = memo[group, site] = backend_fits(self.world, group, site) and any(
                all(rule.blocks(self.world, unit, site, entering=True) is None for _, rule in rules)
                for unit in self.world.units_of[group]
            )
        return found

    def node_name(self, node: int) -> str:
        """The identifier of a node."""
        return self.world.tree.nodes[node].id


def rows_from(counts: Iterable[tuple[int, int, int]]) -> list[Row]:
    """Build rows from (unit, site, count)."""
    return [Row(unit, site, count) for unit, site, count in counts if count]


def priced_cost(view: View, unit: Unit, sites: Mapping[int, int]) -> int:
    """Return what a unit's instances cost per month where they are, in ten-thousandths.

    What is prepaid costs nothing more as long as it stays.
    """
    cost = 0
    for site, count in sites.items():
        paid = min(count, unit.current.get(site, 0)) if unit.prepaid else 0
        cost += view.world.price(unit, site) * (count - paid)
    return cost
