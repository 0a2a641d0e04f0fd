"""Reach: which sites a unit may use. Units that the reach rules cannot tell apart share a profile.

Axes: f profile, s site (position in `sites`, not a node index).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zonewright.models.rules import GroupRule, all_rules
from zonewright.models.world import Unit, World

Mask = NDArray[np.bool_]


@dataclass
class Profile:
    """One kind of unit as far as reach goes."""

    index: int
    unit: Unit
    """A unit of this profile."""
    enter: Mask
    """Sites where an instance may newly be put, by site."""
    stay: Mask
    """Sites where one that is there already may stay."""
    blocks: list[tuple[str, str, Mask, Mask]] = field(default_factory=list)
    """(rule, label, sites it forbids to enter, sites it forbids to stay)."""
    tolerated: list[tuple[str, Mask]] = field(default_factory=list)
    """(label, sites where who is there today may stay only as far as the estate tolerates it)."""


class Reach:
    """Profiles of all units, filled in by the reach rules' lowerings."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sites = world.tree.sites
        self.position = {site: s for s, site in enumerate(self.sites)}
        self.zone_s = np.array([world.zone_of(s) for s in self.sites])
        self.region_s = np.array([world.region_of(s) for s in self.sites])
        self.tolerated = {entry.rule for entry in world.estate.tolerated}
        selecting = _selecting_rules(world)
        self.profiles: list[Profile] = []
        self.of_unit: list[int] = []
        known: dict[object, int] = {}
        for unit in world.units:
            group = world.groups[unit.group]
            key = (
                unit.product, unit.account, unit.flavour.family if unit.flavour else None,
                unit.movability.cpu_model, tuple(group.needs_services), unit.image, unit.disks, unit.snapshots,
                unit.elastic_ips, unit.security_groups, unit.key_pairs, unit.route_table, unit.vpcs, unit.subnets,
                selecting.get(unit.group, ()),
            )  # fmt: skip
            index = known.get(key)
            if index is None:
                index = known[key] = len(self.profiles)
                free = np.ones(len(self.sites), bool)
                self.profiles.append(Profile(index, unit, free, free.copy()))
            self.of_unit.append(index)

    def block(self, profile: Profile, rule: str, label: str, enter: Mask, stay: Mask | None = None) -> None:
        """Forbid sites to a profile: to enter, and (by default the same) to stay."""
        if label in self.tolerated:
            # Who is where it should not be today may stay; how many of them is a sum over cells.
            profile.tolerated.append((label, enter if stay is None else stay))
            stay = np.zeros(len(self.sites), bool)
        stay = enter if stay is None else stay
        if not enter.any() and not stay.any():
            return
        profile.enter &= ~enter
        profile.stay &= ~stay
        profile.blocks.append((rule, label, enter, stay))

    def under(self, names: list[str]) -> Mask:
        """Return the sites inside any of the named domains."""
        inside = np.zeros(len(self.sites), bool)
        for name in names:
            for site in self.world.tree.sites_under[self.world.tree.by_id[name]]:
                inside[self.position[site]] = True
        return inside

    def by_region(self, wanted: dict[int, bool]) -> Mask:
        """Return a mask over sites from one value per region node."""
        return np.array([wanted[int(r)] for r in self.region_s], bool)


def _selecting_rules(world: World) -> dict[str, tuple[str, ...]]:
    """Return, per group, the labels of the hard reach rules and balancers that name it."""
    found: dict[str, list[str]] = {}
    for label, rule in all_rules(world):
        if rule.implicit or not isinstance(rule, GroupRule) or rule.rule not in ("domains", "residency", "pin"):
            continue
        for group in rule.selected(world):
            found.setdefault(group, []).append(label)
    for balancer in world.balancers.values():
        for group in balancer.backends:
            found.setdefault(group, []).append(f"balancer {balancer.id}")
    return {group: tuple(labels) for group, labels in found.items()}


__all__ = ["Mask", "Profile", "Reach"]
