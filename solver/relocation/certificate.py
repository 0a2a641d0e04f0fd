"""The cheapest proof: count who must leave, place the displaced without touching anyone else.

Where everybody finds a place, the moves are those that no answer avoids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.keeping import Keeping, keep
from zonewright.solver.relocation.problem import Ints
from zonewright.solver.relocation.state import State, entries, place_units, put_all, state_of
from zonewright.solver.relocation.table import Table


@dataclass(frozen=True)
class Attempt:
    """What staying put and placing the displaced greedily gave."""

    placement: tuple[Ints, Ints, Ints]
    left_out_c: Ints
    """Instances of each class that found no place."""
    keeping: Keeping
    mandatory: int
    """Weight of the running instances that do not stay: a bound if `keeping.exact`."""
    state: State

    @property
    def complete(self) -> bool:
        """Whether everybody has a place."""
        return not self.left_out_c.any()


def attempt(table: Table, deadline: Deadline) -> Attempt:
    """Keep everybody who may stay, but for the fewest who must leave, and place the others greedily."""
    stay = int(table.count_n.sum())
    displaced = int(table.count_c.sum()) - stay
    state = state_of(table, len(table.count_n) + 4 * displaced + 4 * int(table.classes) + 64)
    put_all(state, table.class_n, table.host_n, table.count_n)
    keeping = keep(table, state, deadline)
    left_n = np.flatnonzero(keeping.leave_n)
    if len(left_n):
        extra = len(table.count_n) + 4 * (displaced + int(keeping.leave_n.sum())) + 64
        state = state_of(table, extra)
        stay_n = table.count_n - keeping.leave_n
        some = stay_n > 0
        put_all(state, table.class_n[some], table.host_n[some], stay_n[some])
    at_all = int((table.weight_c * table.running_c).sum())
    kept = int((table.weight_c[table.class_n] * (table.count_n - keeping.leave_n)).sum())
    stay_c = np.bincount(table.class_n, table.count_n - keeping.leave_n, table.classes).astype(np.int64)
    order_c = hardest_first(table, table.count_c - stay_c, state)
    host_u, _ = place_units(state, order_c, tightness(table, state, order_c))
    left_out_c = np.bincount(order_c[host_u < 0], minlength=table.classes)
    return Attempt(entries(state), left_out_c, keeping, at_all - kept, state)


def tightness(table: Table, state: State, order_c: Ints) -> Any:
    """Return how scarce a unit of each resource is: what is wanted over what is free, per unit that is free."""
    wanted_r = table.demand_cr[order_c].sum(axis=0).astype(float)
    free_r = (
        np.maximum(np.where(np.any(table.enter_mh, axis=0).reshape(-1, 1), state.free_hr, 0), 0)
        .sum(axis=0)
        .astype(float)
    )
    share_r = wanted_r / np.maximum(free_r, 1.0)
    return share_r**2 / np.maximum(free_r, 1.0) * table.hosts


def hardest_first(table: Table, missing_c: Ints, state: State) -> Ints:
    """Return every missing instance's class: higher priority first, then larger, then with fewer hosts open."""
    some = np.flatnonzero(missing_c > 0)
    tight_r = tightness(table, state, np.repeat(some, missing_c[some]))
    size_c = (table.demand_cr[some] * tight_r).sum(axis=1)
    open_m = table.enter_mh.sum(axis=1)
    narrow_c = np.diff(table.tally_start_c)[some]
    order = np.lexsort((some, -narrow_c, open_m[table.mask_c[some]], -size_c, -table.priority_c[some]))
    return np.repeat(some[order], missing_c[some][order])


def price_witness(table: Table, keeping: Keeping) -> dict[str, Any]:
    """Return the prices that prove who must leave: hosts sell only staying, exceeded limits have their price."""
    data: dict[str, Any] = {"kind": "prices", "scale": 1}
    if not keeping.prices:
        return data
    members = table.members()
    original = [np.flatnonzero(table.class_o == c).tolist() for c in range(table.classes)]
    domain_price: dict[int, dict[int, int]] = {}
    limits: list[list[int]] = []
    for t, d, price in keeping.prices:
        limits.append([int(table.limit_t[t]), d, price])
        inside = table.domain_qh[table.partition_t[t]][table.host_n] == d
        for n in np.flatnonzero(inside & np.isin(table.class_n, members[t])).tolist():
            domain_price.setdefault(int(table.class_n[n]), {})[int(table.host_n[n])] = price
    alone = sorted(o for c in domain_price for o in original[c])
    problem = table.problem
    from zonewright.solver.relocation.witness import kinds_of

    kind_o = kinds_of(problem, alone)
    stay_at = [
        [int(kind_o[o]), h, max(0, int(table.weight_c[c]) - price)]
        for c, prices in domain_price.items()
        for o in original[c]
        for h, price in prices.items()
    ]
    return {**data, "alone": alone, "limits": limits, "stay_at": sorted(stay_at)}
