"""A placement as the rules see it: who is where, what is lost, what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonewright.models.rules.base import ReachRule
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


@dataclass(frozen=True)
class Usage:
    """What is used in each domain: of resources, of flavours, and how many instances there are."""

    resources: dict[int, dict[str, int]]
    flavours: dict[int, dict[str, int]]
    instances: dict[int, int]


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

    @cached_property
    def usage(self) -> Usage:
        """What is used in every domain."""
        return _used(self.world, enumerate(self.unit_counts))

    @cached_property
    def kept(self) -> Usage:
        """In a scenario: what the survivors use in every domain, without what was placed again."""
        if self.base is None:
            return self.usage
        left = [{s: n for s, n in sites.items() if s not in self.lost} for sites in self.base.unit_counts]
        return _used(self.world, enumerate(left))

    @cached_property
    def units_at(self) -> dict[int, list[int]]:
        """Site to the units that have instances there."""
        found: dict[int, list[int]] = {}
        for unit, sites in enumerate(self.unit_counts):
            for site in sites:
                found.setdefault(site, []).append(unit)
        return found

    def after(self, lost: frozenset[int], arrivals: list[Row], *, on_offer: bool) -> View:
        """Return what is there once sites are gone and these have arrived elsewhere.

        Only what differs is reckoned anew: estates lose hundreds of hosts, one after another.
        """
        rest = [row for row in self.rows if row.site not in lost]
        found = View(
            self.world,
            [*rest, *arrivals],
            balancer_zones=self.balancer_zones,
            subnet_zones=self.subnet_zones,
            subnet_sizes=self.subnet_sizes,
            lost=lost,
            base=self,
            on_offer=on_offer,
        )
        units = self.world.units
        touched = {unit for site in lost for unit in self.units_at.get(site, ())}
        gone = [(u, {s: -n for s, n in self.unit_counts[u].items() if s in lost}) for u in sorted(touched)]
        come: dict[int, dict[int, int]] = {}
        for row in arrivals:
            here = come.setdefault(row.unit, {})
            here[row.site] = here.get(row.site, 0) + row.count
        counts, sites = list(self.unit_counts), dict(self.group_sites)
        for unit, change in (*gone, *come.items()):
            counts[unit] = _added(counts[unit], change)
            sites[units[unit].group] = _added(sites[units[unit].group], change)
        kept = _changed(self.usage, _used(self.world, gone))
        usage = _changed(kept, _used(self.world, come.items()))
        found.__dict__ |= {"unit_counts": counts, "group_sites": sites, "kept": kept, "usage": usage}
        return found

    def untouched(self, group: str) -> bool:
        """Return whether nobody of a group was lost or arrived in this scenario, as far as that is known."""
        return self.base is not None and self.group_sites[group] is self.base.group_sites[group]

    def wounded(self, level: str) -> tuple[int, ...]:
        """Return the domains of a level that have lost sites."""
        memo: dict[str, tuple[int, ...]] = self.__dict__.setdefault("_wounded", {})
        if level not in memo:
            found = (self.world.tree.at_level(site, level) for site in sorted(self.lost))
            memo[level] = tuple(dict.fromkeys(domain for domain in found if domain is not None))
        return memo[level]

    def total(self, group: str) -> int:
        """How many of a group are placed."""
        return sum(self.group_sites[group].values())

    def counts(self, group: str, level: str) -> Mapping[int, int]:
        """Domains of a level that hold the group, with counts; what was counted once is kept."""
        if self.base is not None and self.untouched(group):
            return self.base.counts(group, level)
        found = self._counted.get((group, level))
        if found is None:
            found = self._counted[group, level] = self.count(group, level)
        return found

    @cached_property
    def _counted(self) -> dict[tuple[str, str], dict[int, int]]:
        return {}

    def count(self, group: str, level: str) -> dict[int, int]:
        """Count a group by domains of a level."""
        found: dict[int, int] = {}
        for site, count in self.group_sites[group].items():
            domain = self.world.tree.at_level(site, level)
            if domain is not None:
                found[domain] = found.get(domain, 0) + count
        return found

    def eligible(self, group: str, level: str) -> list[int]:
        """Domains of a level where an instance of the group may newly be put, lost ones left out."""
        return [domain for domain in self.world.tree.domains_at(level) if self.is_open(group, domain)]

    def is_open(self, group: str, domain: int) -> bool:
        """Return whether the group may enter a site of a domain that is not lost. What was looked at is kept."""
        memo: dict[tuple[int, int], tuple[list[int], Iterator[int]]] = self.world.__dict__.setdefault(
            "_open_memo", {}
        )
        key = self._entry_kind(group), domain
        if key not in memo:
            memo[key] = [], iter(self.world.tree.sites_under[domain])
        known, others = memo[key]
        if any(site not in self.lost for site in known):
            return True
        for site in others:
            if self._may_enter(group, site):
                known.append(site)
                if site not in self.lost:
                    return True
        return False

    def _entry_kind(self, group: str) -> int:
        """Return a number that groups share where every site is open to both or to neither."""
        from zonewright.models.rules import reach_rules

        found: dict[str, int] | None = self.world.__dict__.get("_entry_kinds")
        if found is None:
            world, numbers = self.world, dict[object, int]()
            naming: dict[str, list[str]] = {name: [] for name in world.groups}
            for label, rule in reach_rules(world):
                for name in rule.selected(world) if not rule.implicit else ():
                    naming[name].append(label)
            for balancer in world.balancers.values():
                for name in balancer.backends:
                    naming[name].append(f"balancer {balancer.id}")
            alike = {name: {world.alike[u.index] for u in units} for name, units in world.units_of.items()}
            keys = {
                name: (
                    frozenset(alike[name]),
                    tuple(labels),
                    world.groups[name].product,
                    world.groups[name].account,
                )
                for name, labels in naming.items()
            }
            found = {name: numbers.setdefault(key, len(numbers)) for name, key in keys.items()}
            self.world.__dict__["_entry_kinds"] = found
        return found[group]

    def _may_enter(self, group: str, site: int) -> bool:
        from zonewright.models.rules import reach_rules
        from zonewright.models.rules.balancer import backend_fits

        rules: list[ReachRule] | None = self.world.__dict__.get("_closing_rules")
        if rules is None:
            rules = [rule for label, rule in reach_rules(self.world) if rule.may_block(self.world, label)]
            self.world.__dict__["_closing_rules"] = rules
        return backend_fits(self.world, group, site) and any(
            all(rule.blocks(self.world, unit, site, entering=True) is None for rule in rules)
            for unit in self.world.units_of[group]
        )

    def node_name(self, node: int) -> str:
        """The identifier of a node."""
        return self.world.tree.nodes[node].id


def leaving(before: Mapping[int, int], after: Mapping[int, int]) -> int:
    """Return how many of a unit are no longer where they were, from counts by site; gone altogether counts too."""
    return sum(count - after.get(site, 0) for site, count in before.items() if count > after.get(site, 0))


def _added(counts: Mapping[int, int], change: Mapping[int, int]) -> dict[int, int]:
    """Return counts by site with a change, zeros left out."""
    found = dict(counts)
    for site, count in change.items():
        found[site] = found.get(site, 0) + count
    return {site: count for site, count in found.items() if count}


def _used(world: World, counts: Iterable[tuple[int, Mapping[int, int]]]) -> Usage:
    """Return what units use at sites, in every domain above them: first by site, then carried up once."""
    used = Usage({}, {}, {})
    for index, sites in counts:
        unit = world.units[index]
        demand, flavour = tuple(unit.demand.items()), unit.flavour
        for site, count in sites.items():
            here = used.resources.get(site)
            if here is None:
                here = used.resources[site] = {}
            for resource, amount in demand:
                here[resource] = here.get(resource, 0) + amount * count
            if flavour:
                sold = used.flavours.setdefault(site, {})
                sold[flavour.id] = sold.get(flavour.id, 0) + count
            used.instances[site] = used.instances.get(site, 0) + count
    for site in list(used.instances):
        _carry_up(used, site, world.tree.nodes[site].ancestors)
    return used


def _carry_up(used: Usage, site: int, ancestors: tuple[int, ...]) -> None:
    for domain in ancestors:
        if domain == site:
            continue
        above = used.resources.setdefault(domain, {})
        for resource, amount in used.resources[site].items():
            above[resource] = above.get(resource, 0) + amount
        for flavour, count in used.flavours.get(site, {}).items():
            sold = used.flavours.setdefault(domain, {})
            sold[flavour] = sold.get(flavour, 0) + count
        used.instances[domain] = used.instances.get(domain, 0) + used.instances[site]


def _changed(used: Usage, change: Usage) -> Usage:
    """Return the sum of both; what does not change is shared, not copied."""
    resources, flavours, instances = dict(used.resources), dict(used.flavours), dict(used.instances)
    for domain, amounts in change.resources.items():
        resources[domain] = _summed(resources.get(domain, {}), amounts)
    for domain, amounts in change.flavours.items():
        flavours[domain] = _summed(flavours.get(domain, {}), amounts)
    for domain, count in change.instances.items():
        instances[domain] = instances.get(domain, 0) + count
    return Usage(resources, flavours, instances)


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    found = dict(one)
    for name, amount in other.items():
        found[name] = found.get(name, 0) + amount
    return found


def priced_cost(view: View, unit: Unit, sites: Mapping[int, int]) -> int:
    """Return what a unit's instances cost per month where they are, in ten-thousandths.

    What is prepaid costs nothing more as long as it stays.
    """
    cost = 0
    for site, count in sites.items():
        paid = min(count, unit.current.get(site, 0)) if unit.prepaid else 0
        cost += view.world.price(unit, site) * (count - paid)
    return cost
