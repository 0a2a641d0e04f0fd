"""The relaxation of counts per host, made tight by whole patterns: column generation (Gilmore and Gomory 1961).

A pattern says how many of each kind stay on a host and how many enter. The linear program chooses a mix of
patterns per host so that groups find places in areas; new patterns come from the prices, host by host
(`pricing.py`). Its multipliers are prices that anyone can evaluate again (`witness.price_bound`), its mix is close
to a plan: a basic solution splits few hosts.

Axes: p pattern, h host, k kind, a area, g group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.deadline import Deadline
from zonewright.solver.linear import relax
from zonewright.solver.relocation.master import Master
from zonewright.solver.relocation.pricing import price_hosts
from zonewright.solver.relocation.problem import Ints
from zonewright.solver.relocation.witness import price_bound
from zonewright.solver.rows import FREE, Matrix

Floats = NDArray[np.float64]

#: Nodes of one host's pricing.
_NODES = 20_000
_ROUNDS = 200


@dataclass(frozen=True)
class Costs:
    """What the relaxation pays: per stopped, per unplaced of each priority, per unit of weight moved."""

    stop: int
    unplaced: dict[int, int]
    move: int


@dataclass
class Mixture:
    """The relaxation's optimum: patterns with their shares, and the prices."""

    host_p: Ints
    stay_pk: Ints
    enter_pk: Ints
    share_p: Floats
    value: float
    price_ak: Floats
    exact: bool
    """Whether no pattern could still improve it."""
    unplaced_g: Floats


def mix(master: Master, costs: Costs, deadline: Deadline, until_s: float) -> Mixture | None:
    """Return the optimal mixture of patterns; None when the time runs out before any."""
    table = master.table
    active = np.flatnonzero(np.any(master.stay_hk > 0, axis=1) | np.any(master.enter_hk, axis=1))
    kinds, areas = master.kinds, master.areas
    most_k = np.bincount(master.kind_c, table.count_c, kinds).astype(np.int64)
    host_p, stay_p, enter_p = [active], [master.stay_hk[active]], [np.zeros((len(active), kinds), np.int64)]
    known = {(int(h), master.stay_hk[h].tobytes() + bytes(8 * kinds)) for h in active}
    keep_h = np.zeros(len(active), bool)
    for i, h in enumerate(active.tolist()):
        keep_h[i] = bool(np.all(master.stay_hk[h] @ master.demand_kr <= table.capacity_hr[h]))
    host_p[0], stay_p[0], enter_p[0] = active[keep_h], stay_p[0][keep_h], enter_p[0][keep_h]

    def price(price_ak: Floats, reduced_h: Floats | None) -> int:
        stays, enters = np.zeros((len(active), kinds), np.int64), np.zeros((len(active), kinds), np.int64)
        worth = np.zeros(len(active))
        price_hosts(
            active,
            table.capacity_hr,
            master.stay_hk,
            master.enter_hk,
            most_k,
            master.demand_kr,
            price_ak + costs.move * master.weight_k,
            price_ak,
            master.area_h,
            _NODES,
            stays,
            enters,
            worth,
        )
        new: list[int] = []
        for i, h in enumerate(active.tolist()):
            if reduced_h is not None and worth[i] + reduced_h[i] < 1e-6 * (1.0 + abs(reduced_h[i])):
                continue
            key = (h, stays[i].tobytes() + enters[i].tobytes())
            if key not in known:
                known.add(key)
                new.append(i)
        if new:
            host_p.append(active[new])
            stay_p.append(stays[new])
            enter_p.append(enters[new])
        return len(new)

    wanted = np.bincount(master.kind_g, master.count_g, kinds) - master.stay_hk.sum(axis=0)
    for k in np.flatnonzero(wanted > 0)[:32].tolist():
        first_ak = np.zeros((areas, kinds))
        first_ak[:, k] = 4.0 * max(costs.move, 1) * max(1.0, float(master.weight_k.max()))
        price(first_ak, None)
    best: Mixture | None = None
    for _ in range(_ROUNDS):
        left = min(deadline.left, until_s - deadline.seconds)
        if left <= 0:
            return best
        program = _linear(
            master, costs, active, np.concatenate(host_p), np.concatenate(stay_p), np.concatenate(enter_p)
        )
        relaxed = relax(program.matrix, program.cost_j, left, stop=deadline.stop)
        if relaxed.status != "optimal":
            return best
        price_ak = np.maximum(relaxed.dual_i[program.link_row].reshape(areas, kinds), 0.0)
        best = Mixture(
            np.concatenate(host_p),
            np.concatenate(stay_p),
            np.concatenate(enter_p),
            relaxed.x_j[: program.patterns],
            float(program.cost_j @ relaxed.x_j) + program.constant,
            price_ak,
            False,
            relaxed.x_j[program.unplaced].sum(axis=1),
        )
        if price(price_ak, relaxed.dual_i[program.host_row]) == 0:
            best.exact = True
            return best
    return best


@dataclass(frozen=True)
class _Linear:
    matrix: Matrix
    cost_j: Floats
    constant: float
    patterns: int
    host_row: slice
    link_row: slice
    unplaced: Ints
    """Columns of a group's unplaced: those to be recovered, those running."""


def _linear(master: Master, costs: Costs, active: Ints, host_p: Ints, stay_pk: Ints, enter_pk: Ints) -> _Linear:
    """Return the linear program over the patterns known so far.

    Columns: patterns; a group's instances per area; a group's unplaced, of those to be recovered and of those
    that run. Rows: per host at most one pattern; per area and kind, groups use what patterns offer; per group its
    count.
    """
    kinds, areas, groups = master.kinds, master.areas, len(master.kind_g)
    patterns, hosts = len(host_p), len(active)
    row_of_h = np.full(master.table.hosts, -1, np.int64)
    row_of_h[active] = np.arange(hosts)
    offer_pk = stay_pk + enter_pk
    p, k = np.nonzero(offer_pk)
    link = hosts + master.area_h[host_p[p]] * kinds + k
    g, a = np.repeat(np.arange(groups), areas), np.tile(np.arange(areas), groups)
    first_x, first_u = patterns, patterns + groups * areas
    demand_row = hosts + areas * kinds + np.arange(groups)
    unplaced = first_u + np.arange(2 * groups).reshape(groups, 2)
    row = np.concatenate(
        [row_of_h[host_p], link, hosts + a * kinds + master.kind_g[g], demand_row[g], np.repeat(demand_row, 2)]
    )
    column = np.concatenate(
        [
            np.arange(patterns),
            p,
            first_x + np.arange(groups * areas),
            first_x + np.arange(groups * areas),
            unplaced.ravel(),
        ]
    )
    value = np.concatenate(
        [
            np.ones(patterns, np.int64),
            offer_pk[p, k],
            -np.ones(groups * areas, np.int64),
            np.ones(groups * areas + 2 * groups, np.int64),
        ]
    )
    rows = hosts + areas * kinds + groups
    order = np.lexsort((column, row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(np.int64)
    low = np.concatenate([np.full(hosts, -FREE), np.zeros(areas * kinds, np.int64), master.count_g])
    high = np.concatenate([np.ones(hosts, np.int64), np.full(areas * kinds + groups, FREE)])
    recover_g = master.count_g - master.running_g
    high_j = np.concatenate(
        [
            np.ones(patterns, np.int64),
            master.cap_ga.ravel(),
            np.column_stack([recover_g, master.running_g]).ravel(),
        ]
    )
    leave = (master.stay_hk[host_p] - stay_pk) @ master.weight_k
    unplaced_g = np.array([costs.unplaced[q] for q in master.priority_g.tolist()], float)
    cost_j = np.concatenate(
        [
            costs.move * leave.astype(float),
            np.zeros(groups * areas),
            np.column_stack([unplaced_g, unplaced_g + costs.stop]).ravel(),
        ]
    )
    # A host without a pattern is one that everybody left: its cost is in the constant, patterns are paid less.
    all_leave = (master.stay_hk[host_p] @ master.weight_k).astype(float)
    cost_j[:patterns] -= costs.move * all_leave
    matrix = Matrix(start, column[order], value[order], low, high, np.zeros(len(high_j), np.int64), high_j)
    constant = costs.move * float((master.table.running_c * master.table.weight_c).sum())
    return _Linear(
        matrix, cost_j, constant, patterns, slice(0, hosts), slice(hosts, hosts + areas * kinds), unplaced
    )


def prices(master: Master, costs: Costs, mixture: Mixture, scale: int) -> dict[str, Any]:
    """Return a mixture's prices as a witness, rounded to integers over `scale`.

    Limits of classes per area have the price that makes a class indifferent between the areas it uses.
    """
    table = master.table
    price_ak = np.rint(mixture.price_ak * scale).astype(np.int64)
    stay_ak = price_ak + scale * costs.move * master.weight_k
    unplaced = [scale * costs.unplaced[p] for p in table.problem.priorities]
    limits: list[list[int]] = []
    if master.partition >= 0:
        limits = _limit_prices(master, costs, price_ak, scale)
    data: dict[str, Any] = {
        "kind": "prices",
        "scale": scale,
        "before": [scale * costs.stop, *unplaced],
        "stay": stay_ak.T.tolist(),
        "enter": price_ak.T.tolist(),
        "limits": limits,
    }
    if master.areas > 1:
        data["area"] = master.area_h.tolist()
    return data


def _limit_prices(master: Master, costs: Costs, price_ak: Ints, scale: int) -> list[list[int]]:
    table = master.table
    of_class = _tightest(master)
    found: dict[tuple[int, int], int] = {}
    for c in range(table.classes):
        price_a = price_ak[:, master.kind_c[c]]
        if price_a.min() == price_a.max():
            continue
        cap_a = master.cap_ca[c]
        options = sorted(
            [(int(price_a[a]), int(cap_a[a])) for a in range(master.areas) if cap_a[a] > 0]
            + [(scale * costs.unplaced[int(table.priority_c[c])], int(table.count_c[c]))]
        )
        left = int(table.count_c[c])
        margin = 0
        for price, most in options:
            margin = price
            left -= most
            if left <= 0:
                break
        for a in range(master.areas):
            if price_a[a] < margin and (c, a) in of_class:
                found[of_class[c, a], a] = margin - int(price_a[a])
    return [[t, a, price] for (t, a), price in sorted(found.items())]


def _tightest(master: Master) -> dict[tuple[int, int], int]:
    """Return the number of the limit that binds each class in each area."""
    table = master.table
    owner_x = np.repeat(np.arange(table.classes), np.diff(table.tally_start_c))
    found: dict[tuple[int, int], int] = {}
    least: dict[tuple[int, int], int] = {}
    for c, t in zip(owner_x.tolist(), table.tally_x.tolist(), strict=True):
        if table.limit_t[t] < 0 or table.partition_t[t] != master.partition:
            continue
        for d in range(int(table.domains_q[master.partition])):
            most = table.most(t, d)
            if most < least.get((c, d), int(table.count_c[c])):
                least[c, d] = most
                found[c, d] = int(table.limit_t[t])
    return found


def best_prices(
    master: Master, costs: Costs, mixture: Mixture, values: tuple[int, ...], stage: int
) -> tuple[int, dict[str, Any]]:
    """Return the best bound on a stage that a mixture's prices prove exactly, and its witness.

    `costs` has a cost of 1 for the stage itself; what it has for the stages before are their prices, `values` what
    they reach.
    """
    best: tuple[int, dict[str, Any]] | None = None
    for scale in (1, 1 << 10, 1 << 20):
        data = prices(master, costs, mixture, scale)
        data["before"] = data["before"][:stage]
        bound = price_bound(master.table.problem, values, stage, data)
        if best is None or bound > best[0]:
            best = (bound, data)
        if bound >= mixture.value - 1e-6:
            break
    assert best is not None
    return best
