"""Places: what the solver puts classes on. A place is one site, or a pool of hosts that nothing tells apart.

Pools are a relaxation: what fits a pool need not fit its hosts. Bounds that are found with them are bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def pooled_places(world: World, reach: Reach) -> list[Place]:
    """Return pools of sites in one zone with equal capacity, price, cost and reach."""
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
            world._price_key(site),
            enter[s].tobytes(),
            stay[s].tobytes(),
        )
        pools.setdefault(key, []).append(site)
    return [Place(i, tuple(sites)) for i, sites in enumerate(pools.values())]
