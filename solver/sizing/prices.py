"""Prices of places, and what every kind of host makes of them.

Places for shapes are sold by area before any loss, and by area in each scenario; limits have prices too.

Axes: k shape, g bundle, j kind, a area, s scenario, i limit, t table, n cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.sizing.pricing import fill, read, split
from zonewright.solver.sizing.problem import Flags, Ints
from zonewright.solver.sizing.table import Table
from zonewright.solver.sizing.units import Units

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """What a place costs: at least 0. Limits may have either sign."""

    base_ak: Floats
    arrival_sak: Floats
    limit_i: Floats

    def towards(self, other: Prices, share: float) -> Prices:
        """Return prices between these and others."""
        return Prices(
            self.base_ak + share * (other.base_ak - self.base_ak),
            self.arrival_sak + share * (other.arrival_sak - self.arrival_sak),
            self.limit_i + share * (other.limit_i - self.limit_i),
        )


@dataclass(frozen=True)
class Patterns:
    """Whole hosts: what each holds before any loss beside who runs there, and what arrives in each scenario."""

    kind_p: Ints
    base_pk: Ints
    arrive_psk: Ints


class Pricer:
    """Finds every kind's best pattern at given prices."""

    def __init__(
        self, table: Table, units: Units, *, base_most_k: Ints | None = None, most_k: Ints | None = None
    ) -> None:
        self.table, self.units = table, units
        self.most_k = table.most_k if most_k is None else most_k
        self.base_most_k = self.most_k if base_most_k is None else base_most_k
        keys = np.column_stack([table.area_j, table.takes_jk])
        _, first, family_j = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        self.families = [np.flatnonzero(family_j == f) for f in range(len(first))]

    def best(self, prices: Prices) -> tuple[Floats, Patterns]:
        """Return the worth of every kind's best pattern in units, and the pattern."""
        table, units = self.table, self.units
        problem = table.problem
        worth_j = np.zeros(table.kinds)
        base_jk = np.zeros((table.kinds, table.shapes), np.int64)
        arrive_jsk = np.zeros((table.kinds, problem.scenarios, table.shapes), np.int64)
        for members in self.families:
            a, takes_k = int(table.area_j[members[0]]), table.takes_jk[members[0]]
            spared = np.flatnonzero(~problem.lost_sa[:, a])
            worth_tk = np.vstack([prices.base_ak[a][None], prices.arrival_sak[spared, a]])
            worth_tk = np.where(takes_k[None], worth_tk, 0.0)
            room_ir = units.room_jr[members]
            size_r = room_ir.max(axis=0) + 1
            cells = int(np.prod(size_r))
            same = [0, *(1 + t for t in _same_rows(worth_tk[1:]))]
            value_tn = np.zeros((len(worth_tk), cells))
            take_tkn = np.zeros((len(worth_tk), table.shapes, cells), np.int32)
            for t, other in enumerate(same):
                if other == t:
                    most_k = self.most_k if t else self.base_most_k
                    fill(worth_tk[t], most_k, units.demand_kr, size_r, value_tn[t], take_tkn[t])
                else:
                    value_tn[t], take_tkn[t] = value_tn[other], take_tkn[other]
            best_i, cell_i = np.zeros(len(members)), np.zeros(len(members), np.int64)
            split(room_ir, value_tn, size_r, best_i, cell_i)
            worth_j[members] = best_i
            step_r = np.array([size_r[1] * size_r[2], size_r[2], 1])
            for j, cell, full in zip(members.tolist(), cell_i.tolist(), (room_ir @ step_r).tolist(), strict=True):
                read(cell, take_tkn[0], units.demand_kr, size_r, base_jk[j])
                for t, s in enumerate(spared.tolist(), 1):
                    read(full - cell, take_tkn[t], units.demand_kr, size_r, arrive_jsk[j, s])
        return worth_j, Patterns(np.arange(table.kinds), base_jk, arrive_jsk)


def _same_rows(worth_tk: Floats) -> list[int]:
    """Return for every row the first one equal to it."""
    known: dict[bytes, int] = {}
    return [known.setdefault(row.tobytes(), t) for t, row in enumerate(worth_tk)]


def arrival_costs(table: Table, prices: Prices) -> Floats:
    """Return what one displaced of a bundle costs in each scenario and area (scenarios x bundles x areas).

    Infinite where nobody of it may arrive.
    """
    problem = table.problem
    cost_sga = prices.arrival_sak[:, :, table.shape_g].transpose(0, 2, 1).copy()
    for i, limit in enumerate(problem.limits):
        if limit.layer >= 0 and prices.limit_i[i]:
            cost_sga[limit.layer, bundles_of(table, limit.classes)] -= prices.limit_i[i] * limit.weight_a
    closed_sga = problem.lost_sa[:, None, :] | ~table.enter_ka[table.shape_g][None]
    return np.where(closed_sga, np.inf, cost_sga)


def base_costs(table: Table, prices: Prices, least_sg: Floats) -> Floats:
    """Return what one new instance of a bundle costs by area, its arrivals elsewhere included."""
    problem = table.problem
    cost_ga = prices.base_ak[:, table.shape_g].T.copy()
    for s in range(problem.scenarios):
        lost_a = problem.lost_sa[s]
        cost_ga[:, lost_a] += np.where(table.evacuated_sg[s], least_sg[s], 0.0)[:, None]
    for i, limit in enumerate(problem.limits):
        weight_a = limit.weight_a * (~problem.lost_sa[limit.layer] if limit.layer >= 0 else 1)
        if prices.limit_i[i]:
            cost_ga[bundles_of(table, limit.classes)] -= prices.limit_i[i] * weight_a
    return np.where(table.enter_ka[table.shape_g], cost_ga, np.inf)


def bundles_of(table: Table, classes: Ints) -> Ints:
    """Return the bundles of classes that limits speak of: each is one by itself."""
    return table.bundle_c[classes]


def displaced(table: Table) -> Ints:
    """Return how many of those who run have to be placed again (scenarios x bundles)."""
    lost_sg = table.problem.lost_sa.astype(np.int64) @ table.there_ga.T
    return np.where(table.evacuated_sg, lost_sg, 0)


__all__ = ["Flags", "Patterns", "Pricer", "Prices", "arrival_costs", "base_costs", "bundles_of", "displaced"]
