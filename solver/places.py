"""Places: what the solver puts classes on. A place is one site, or a pool of hosts that nothing tells apart.

Pools are a relaxation: what fits a pool need not fit its hosts. Bounds that are found with them are bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.models.rules import Avoid, Pin, all_rules
from zonewright.models.world import World
from zonewright.solver.profiles import Reach


@dataclass(frozen=True)
class Place:
    """One site, or several equal ones taken together."""

    index: int
    sites: tuple[int, ...]
    """Node indices."""

    @property
    def site(self) -> int:
        """A site of the place, for everything that its sites share."""
        return self.sites[0]


def single_places(world: World) -> list[Place]:
    """Return one place per site."""
    return [Place(i, (site,)) for i, site in enumerate(world.tree.sites)]


def pooled_places(world: World, reach: Reach, least: int = 1) -> list[Place]:
    """Return pools of sites in one zone with equal capacity, price, cost and reach, in the same named domains.

    What would be a pool of fewer than `least` stays single sites.
    """
    named = named_domains(world)
    enter = np.array([p.enter for p in reach.profiles], bool).reshape(-1, len(reach.sites)).T
    stay = np.array([p.stay for p in reach.profiles], bool).reshape(-1, len(reach.sites)).T
    pools: dict[object, list[int]] = {}
    for s, site in enumerate(reach.sites):
        node = world.tree.nodes[site]
        domain = node.domain
        key = (
            world.zone_of(site),
            tuple((r, node.usable(r), node.usable(r, firm=True)) for r in sorted(domain.capacity)),
            tuple((f, node.usable_flavour(f), node.usable_flavour(f, firm=True)) for f in sorted(domain.flavours)),
            domain.most_instances,
            domain.open_cost,
            world.price_key(site),
            enter[s].tobytes(),
            stay[s].tobytes(),
            named.get(site),
        )
        pools.setdefault(key, []).append(site)
    whole = [[tuple(p)] if len(p) >= least else [(site,) for site in p] for p in pools.values()]
    return [Place(i, sites) for i, sites in enumerate(sites for pool in whole for sites in pool)]


def named_domains(world: World) -> dict[int, tuple[int, ...]]:
    """Return, by site, the domains below zones that a rule names: sites in them are told from all others."""
    tree = world.tree
    names: set[str] = set()
    for _, rule in all_rules(world):
        if isinstance(rule, Pin) and rule.domain is not None:
            names.add(rule.domain)
        elif isinstance(rule, Avoid):
            names.update(held.domain for held in rule.together)
    found: dict[int, tuple[int, ...]] = {}
    for node in sorted(tree.by_id[name] for name in names):
        if world.zone_of(node) != node and tree.at_level(node, "zone") is not None:
            for site in tree.sites_under[node]:
                found[site] = (*found.get(site, ()), node)
    return found
