"""Room and demand in whole units of up to three resources, for tables over all amounts of room.

Axes: k shape, j kind, r resource.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.sizing.problem import Ints
from zonewright.solver.sizing.table import Table

#: Cells of a table up to which it is filled exactly; beyond, units are made coarser.
MOST_CELLS = 1 << 20


@dataclass(frozen=True)
class Units:
    """Demand and room in units. Where they are not `exact` demand is rounded down: what fits may not fit truly."""

    resource_r: Ints
    """The problem's number of each resource that is kept; then padding."""
    unit_r: Ints
    demand_kr: Ints
    room_jr: Ints
    exact: bool


def units_of(table: Table) -> Units:
    """Return demand and room in the largest units that lose nothing, coarser ones for large tables."""
    demand_kr, room_jr = table.demand_kr, table.room_jr
    unit_r = np.maximum(np.gcd.reduce(demand_kr, axis=0), 1)
    demand_kr, room_jr = demand_kr // unit_r, room_jr // unit_r
    # Beyond what could ever be asked of a host more room is of no use.
    asked_r = (demand_kr * np.minimum(table.most_k, 1 << 40)[:, None]).sum(axis=0)
    room_jr = np.minimum(room_jr, asked_r)
    keep = np.argsort(-_scarcity(demand_kr, room_jr))[:3]
    exact = demand_kr.shape[1] <= 3
    demand_kr, room_jr, unit_r = demand_kr[:, keep], room_jr[:, keep], unit_r[keep]
    while (cells := float(np.prod(room_jr.max(axis=0, initial=0) + 1.0))) > MOST_CELLS:
        r = int(np.argmax(room_jr.max(axis=0)))
        times = max(2, int(min(cells / MOST_CELLS, float(room_jr[:, r].max()) / 64)))
        unit_r[r] *= times
        demand_kr[:, r] //= times
        room_jr[:, r] //= times
        exact = False
    missing = 3 - demand_kr.shape[1]
    return Units(
        resource_r=table.resource_r[keep],
        unit_r=unit_r,
        demand_kr=np.ascontiguousarray(np.pad(demand_kr, ((0, 0), (0, missing)))),
        room_jr=np.pad(room_jr, ((0, 0), (0, missing))),
        exact=exact,
    )


def _scarcity(demand_kr: Ints, room_jr: Ints) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how much of each resource is asked in proportion to what there is."""
    if not len(room_jr):
        return np.zeros(demand_kr.shape[1])
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = demand_kr.mean(axis=0) / np.maximum(
        room_jr.mean(axis=0), 1e-9
    )
    return found
