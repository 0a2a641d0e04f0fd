"""Static survival over many losses at once: what remains of each group, against what it needs.

Axes: g group, d domain, k loss, v service. Losses are looked at some thousands at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.rows import Ints
from zonewright.solver.survival.standing import Loss, Standing

#: Numbers (losses x groups) that are held at a time.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Remains:
    """What some losses leave."""

    losses: Sequence[Loss]
    lost_kg: Ints
    """How many each loss takes of each group."""
    fails_kg: NDArray[np.bool_]
    """Whether fewer remain than are needed, of a group that is placed."""
    down_kv: NDArray[np.bool_]
    """Whether a group of the service's chain has not what it needs."""


class Counting:
    """The placement as counts of groups by domain."""

    def __init__(self, standing: Standing) -> None:
        world = standing.world
        self.standing = standing
        self.groups = list(world.groups)
        self.number = {group: g for g, group in enumerate(self.groups)}
        self.placed_g = np.array([standing.placed[g] for g in self.groups], np.int64)
        self.needed_g = np.array([standing.needed[g] for g in self.groups], np.int64)
        self.services = [service.id for service in world.estate.services]
        self.chain_vg = np.zeros((len(self.services), len(self.groups)), np.float32)
        for v, service in enumerate(world.estate.services):
            self.chain_vg[v, [self.number[g] for g in service.chain]] = 1
        # With nobody of it placed a group serves nobody, whatever is lost.
        self.down_g = (self.placed_g < self.needed_g) | (self.placed_g == 0)
        self._of_domain: dict[int, Ints] = {}

    def of_domain(self, node: int) -> Ints:
        """Return how many of each group are in a domain."""
        found = self._of_domain.get(node)
        if found is None:
            found = np.zeros(len(self.groups), np.int64)
            units = self.standing.world.units
            for site in self.standing.world.tree.sites_under[node]:
                for index, count in self.standing.at_s.get(site, {}).items():
                    found[self.number[units[index].group]] += count
            self._of_domain[node] = found
        return found

    def remains(self, losses: Sequence[Loss]) -> Remains:
        """Return what each of some losses leaves."""
        lost_kg = np.zeros((len(losses), len(self.groups)), np.int64)
        for k, loss in enumerate(losses):
            for node in loss.nodes:
                lost_kg[k] += self.of_domain(node)
        fails_kg = (self.placed_g - lost_kg < self.needed_g) & (self.placed_g > 0)
        down_kv = (fails_kg | self.down_g).astype(np.float32) @ self.chain_vg.T > 0
        return Remains(losses, lost_kg, fails_kg, down_kv)

    def all_remains(self, losses: Iterator[Loss]) -> Iterator[Remains]:
        """Yield what losses leave, so many at a time as fit into memory."""
        most = max(1, _AT_ONCE // max(1, len(self.groups)))
        batch: list[Loss] = []
        for loss in losses:
            batch.append(loss)
            if len(batch) == most:
                yield self.remains(batch)
                batch = []
        if batch:
            yield self.remains(batch)
