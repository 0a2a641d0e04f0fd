"""What the rules say below the zone, as limits that packing can keep: or that they say more than that."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.models.rules import AntiAffinity, Availability, Avoid, Pin, ReachRule, Rule, Survive, all_rules
from zonewright.models.tree import Node
from zonewright.models.world import World
from zonewright.solver.lowering.availability import limits_by_availability
from zonewright.solver.lowering.survive import limits_by_survival

#: Up to so many (unit, host) pairs rules that single out hosts are left to the exact engine.
FEW_PAIRS = 1_000


@dataclass(frozen=True)
class FineRules:
    """What the rules say below the zone, as limits: at most so many of a group per host and per rack."""

    host: dict[str, int]
    rack: dict[str, int]
    rack_level: str | None


def fine_rules(world: World, relaxed: set[str]) -> FineRules | None:
    """Return what the rules below the zone amount to as limits; None where one of them says something else."""
    if _decided_below_zones(world) or _stays_where_it_should_not(world):
        return None
    by_level: dict[str, dict[str, int]] = {}
    for label, rule in all_rules(world):
        if label not in relaxed:
            continue
        limits = _limits(world, rule)
        if limits is None or not world.tree.overlays.isdisjoint(limits):
            return None
        for level, of_rule in limits.items():
            of_level = by_level.setdefault(level, {})
            for group, limit in of_rule.items():
                of_level[group] = min(limit, of_level.get(group, limit))
    lowest = {world.tree.nodes[s].level for s in world.tree.sites}
    host = by_level.pop(lowest.pop(), {}) if len(lowest) == 1 else {}
    if len(by_level) > 1:
        return None
    rack_level, rack = next(iter(by_level.items()), (None, {}))
    return FineRules(host, rack, rack_level)


def _limits(world: World, rule: Rule) -> dict[str, dict[str, int]] | None:
    """Return a rule as limits per level and group, None where it is more than that.

    Of availability they are a part: what is packed is looked at again.
    """
    if rule.soft is not None:
        return None
    if isinstance(rule, AntiAffinity):
        return {rule.level: dict.fromkeys(rule.selected(world), rule.at_most)}
    if isinstance(rule, Availability):
        # Who may have nobody on any host has no place among the pools either: that is never packed.
        return limits_by_availability(world, rule)
    if isinstance(rule, Survive) and rule.mode == "static":
        limits = limits_by_survival(world, rule)
        whole = all(not world.groups[g].count or g in limits for g in rule.selected(world))
        return {rule.level: limits} if whole and all(limit > 0 for limit in limits.values()) else None
    return None


def _stays_where_it_should_not(world: World) -> bool:
    """Return whether single instances are tolerated where a rule forbids them: packing would put others there."""
    reach = {label for label, rule in all_rules(world) if isinstance(rule, ReachRule)}
    return any(entry.rule in reach for entry in world.estate.tolerated)


def _decided_below_zones(world: World) -> bool:
    """Return whether a rule or a stock speaks of single hosts or racks, which packing does not know."""
    tree = world.tree

    def below(name: str) -> bool:
        return name in tree.by_id and tree.nodes[world.zone_of(tree.by_id[name])].id != name

    few = len(tree.sites) * len(world.units) <= FEW_PAIRS
    for _, rule in all_rules(world):
        if isinstance(rule, Pin) and rule.domain is not None and not few:
            continue  # What a pin names is a block of its own.
        if few and isinstance(rule, Avoid) and any(below(held.domain) for held in rule.together):
            return True
        if rule.rule == "pin" or (rule.rule == "domains" and rule.soft is not None):
            return True
        domain = getattr(rule, "domain", None)
        if domain is not None and below(domain) and tree.at_level(tree.by_id[domain], "zone") is not None:
            return True
    if any(tree.nodes[s].domain.flavours for s in tree.sites):
        return True
    between = _between(world)
    return any(n.domain.capacity or n.domain.flavours or n.domain.most_instances is not None for n in between)


def _between(world: World) -> list[Node]:
    """Return the nodes between zones and sites."""
    levels = world.tree.levels
    zone = levels.index("zone") if "zone" in levels else 0
    sites = set(world.tree.sites)
    low = {*levels[zone + 1 :], *world.tree.overlays}
    return [n for n in world.tree.nodes if n.level in low and n.index not in sites]
