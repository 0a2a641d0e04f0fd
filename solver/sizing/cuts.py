"""What prices say of purchases: an inequality that whatever suffices satisfies, in exact integers.

At any prices of places, what all instances have to pay at least is no more than what all hosts can earn at most
(Geoffrion 1974). What existing hosts earn is known; what those bought earn is linear in how many there are of each
offer. So every price vector cuts off purchases; the cheapest purchase that satisfies many such cuts is a bound.

Axes: k shape, g bundle, j kind, a area, s scenario, i limit, o offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.sizing.prices import Pricer, Prices, arrival_costs, base_costs, displaced
from zonewright.solver.sizing.problem import Ints
from zonewright.solver.sizing.table import Table

#: The largest price after rounding to integers.
_FINE = 1 << 20


@dataclass(frozen=True)
class Cut:
    """`weight_o` x bought_o >= `least` for every purchase that suffices, with the prices that prove it."""

    weight_o: Ints
    least: int
    data: dict[str, Any]


def rounded(prices: Prices) -> Prices:
    """Return prices in integers, the largest about `_FINE`."""
    parts = (prices.base_ak, prices.arrival_sak, prices.limit_i)
    largest = max(float(np.abs(part).max(initial=0.0)) for part in parts)
    scale = _FINE / largest if largest > 0 else 1.0
    return Prices(*(np.rint(part * scale) for part in parts))


def cut_of(table: Table, pricer: Pricer, prices: Prices) -> Cut:
    """Return what prices, rounded to integers, say of purchases."""
    whole = rounded(prices)
    worth_j, _ = pricer.best(whole)
    existing = table.offer_j < 0
    weight_o = np.rint(worth_j[~existing]).astype(np.int64)
    least = paid(table, whole) - int(table.hosts_j[existing] @ np.rint(worth_j[existing]).astype(np.int64))
    data = {
        "base": whole.base_ak.astype(np.int64).tolist(),
        "arrival": whole.arrival_sak.astype(np.int64).tolist(),
        "limits": whole.limit_i.astype(np.int64).tolist(),
    }
    return Cut(weight_o, least, data)


def paid(table: Table, prices: Prices) -> int:
    """Return what all instances and limits pay at least at integer prices."""
    problem = table.problem
    cost_sga = arrival_costs(table, prices)
    least_sg = cost_sga.min(axis=2) if problem.scenarios else np.zeros((0, table.bundles))
    there_sg = displaced(table)
    if np.isinf(least_sg[there_sg > 0]).any():
        return _FINE
    cost_g = base_costs(table, prices, least_sg).min(axis=1)
    if np.isinf(cost_g[table.new_g > 0]).any():
        return _FINE
    total = sum(int(n) * int(c) for n, c in zip(table.new_g, cost_g, strict=True) if n)
    total += sum(int(n) * int(c) for n, c in zip(there_sg.ravel(), least_sg.ravel(), strict=True) if n)
    for price, limit in zip(prices.limit_i.tolist(), problem.limits, strict=True):
        if not price:
            continue
        bundles = table.bundle_c[limit.classes]
        spared_a = ~problem.lost_sa[limit.layer] if limit.layer >= 0 else 1
        constant = int(table.there_ga[bundles].sum(axis=0) @ (limit.weight_a * spared_a))
        total += int(price) * ((limit.low if price > 0 else limit.high) - constant)
    return total
