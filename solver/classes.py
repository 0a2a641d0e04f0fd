"""Classes: instances that no rule and no cost tells apart. Their number, not the instances', sets the size.

The current site is never part of a class: where its members are today is a count per site. Merging groups
with current sites costs nothing: whoever leaves a site makes room for any other of the class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from zonewright.models.goals import move_weight, traffic_pairs
from zonewright.models.rules import Affinity, DoubleOccupancy, GroupRule, MoveCost, Pin, Rule, Survive, all_rules
from zonewright.models.world import Unit, World
from zonewright.solver.profiles import Reach

#: Rules whose effect on a group is a sum over its instances, wherever they are counted.
_SUMMING = {"quota", "budget", "domains", "residency", "load", "free_ratio", "double_occupancy", "move_cost"}


@dataclass
class Class:
    """Interchangeable instances."""

    index: int
    group: str | None
    """None where groups are so alike that they were merged."""
    units: list[Unit] = field(default_factory=list)
    count: int = 0
    current: Counter[int] = field(default_factory=Counter)
    """Site node to count, today."""
    held: bool = False
    """Those that have a place today may not leave it."""

    @property
    def unit(self) -> Unit:
        """A member, for everything that members share."""
        return self.units[0]


def make_classes(
    world: World, reach: Reach, *, merge: bool = True, groups: Collection[str] | None = None
) -> list[Class]:
    """Return the classes of an estate (or of some groups), groups that nothing tells apart merged if `merge`."""
    apart = groups_apart(world) if merge else set(world.groups)
    selected = _selections(world)
    pins = _Pins(world)
    costs = any(isinstance(rule, MoveCost) and rule.own for _, rule in all_rules(world))
    homes = _homes_matter(world)
    flavour_matters = any(node.domain.flavours for node in world.tree.nodes) or any(
        rule.rule == "quota" and getattr(rule, "flavour", None) for _, rule in all_rules(world)
    )
    classes: list[Class] = []
    known: dict[object, Class] = {}
    for unit in world.units:
        if groups is not None and unit.group not in groups:
            continue
        profile = reach.profiles[reach.of_unit[unit.index]]
        held = unit.pinned or pins.hold(unit)
        own = unit.group if unit.group in apart or (held and unit.current) else None
        priced = bool(unit.flavour and unit.flavour.price)
        key = (
            own,
            profile.index,
            tuple(sorted(unit.demand.items())),
            unit.flavour.id if unit.flavour and (flavour_matters or priced) else None,
            unit.priority,
            unit.pinned,
            unit.prepaid,
            unit.preemptible,
            unit.stateful,
            unit.movability.local_disk,
            selected.get(unit.group, ()),
            pins.naming(unit),
            held and bool(unit.current),
            move_weight(world, unit) if unit.current else None,
            unit.move_cost if costs and unit.current else None,
            _home(unit) if homes and unit.current else None,
        )
        found = known.get(key)
        if found is None:
            found = known[key] = Class(len(classes), own, held=held)
            classes.append(found)
        found.units.append(unit)
        found.count += unit.count
        found.current.update(unit.current)
    return classes


class _Pins:
    """The pin rules by what they name: rules and units may both be many."""

    def __init__(self, world: World) -> None:
        self._naming: dict[str, list[str]] = {}
        self._whole: set[str] = set()
        """Groups that stay where they are today."""
        self._single: set[tuple[str, str]] = set()
        """(group, instance) likewise."""
        rules = [(label, rule) for label, rule in all_rules(world) if isinstance(rule, Pin)]
        group_of = {i.id: i.group for i in world.estate.instances} if rules else {}
        for label, rule in rules:
            for name in dict.fromkeys(rule.instances):
                self._naming.setdefault(name, []).append(label)
            if rule.domain is None and rule.instances:
                meant = ((group_of[name], name) for name in rule.instances if name in group_of)
                self._single.update(pair for pair in meant if rule.concerns(world, pair[0]))
            elif rule.domain is None:
                self._whole.update(rule.selected(world))

    def naming(self, unit: Unit) -> tuple[str, ...]:
        """Return the pin rules that name this very instance."""
        return tuple(self._naming.get(unit.name, ())) if unit.name is not None else ()

    def hold(self, unit: Unit) -> bool:
        """Return whether a pin rule keeps the unit where it is today."""
        return unit.group in self._whole or (unit.name is not None and (unit.group, unit.name) in self._single)


def _homes_matter(world: World) -> bool:
    """Return whether a rule tells moves apart by where they begin and end, not by who leaves which site alone."""
    lowest = {world.tree.nodes[site].level for site in world.tree.sites}
    for _, rule in all_rules(world):
        if isinstance(rule, MoveCost) and not rule.own:
            return True
        if isinstance(rule, DoubleOccupancy) and lowest != {rule.level}:
            return True
    return False


def _home(unit: Unit) -> tuple[str, int]:
    """Return the one site where all of a unit are today; units with several homes are told apart."""
    site = next(iter(unit.current))
    return ("at", site) if unit.current == {site: unit.count} else ("unit", unit.index)


def groups_apart(world: World) -> set[str]:
    """Return the groups whose own number somewhere matters to a rule or a goal."""
    apart: set[str] = {entry.group for entry in world.estate.tolerated if entry.group is not None}
    for _, rule in all_rules(world):
        apart.update(_named_apart(world, rule))
    for service in world.estate.services:
        apart.update(service.chain)
    for balancer in world.balancers.values():
        apart.update(balancer.backends)
    for source, target, _ in traffic_pairs(world):
        apart.update((source, target))
    for name, group in world.groups.items():
        if group.all_or_nothing or (group.clients and "client_latency" in world.estate.goals):
            apart.add(name)
    return apart


def _named_apart(world: World, rule: Rule) -> list[str]:
    if rule.implicit or rule.rule in _SUMMING:
        return []
    if isinstance(rule, Survive) and rule.mode == "evacuate":
        return []
    if isinstance(rule, GroupRule):
        return [*rule.selected(world), *(rule.company if isinstance(rule, Affinity) else ())]
    concerned = getattr(rule, "concerned", None)
    if concerned is not None:
        return list(concerned())
    return list(getattr(rule, "groups", ()))


def _selections(world: World) -> dict[str, tuple[str, ...]]:
    """Return, per group, the labels of the summing and evacuation rules that select it."""
    found: dict[str, list[str]] = {}
    for label, rule in all_rules(world):
        if rule.implicit or not isinstance(rule, GroupRule):
            continue
        if rule.rule in _SUMMING or isinstance(rule, Survive):
            for group in rule.selected(world):
                found.setdefault(group, []).append(label)
    return {group: tuple(labels) for group, labels in found.items()}


__all__ = ["Class", "groups_apart", "make_classes"]
