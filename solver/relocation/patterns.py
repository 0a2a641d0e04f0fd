"""The relaxation of counts per host, made tight by whole patterns: column generation (Gilmore and Gomory 1961).

A pattern says how many of each kind stay on a host and how many enter. The linear program chooses a mix of
patterns per host so that groups find places in areas; new patterns come from the prices, host by host
(`pricing.py`). Its multipliers are prices that anyone can evaluate again (`witness.price_bound`), its mix is close
to a plan: a basic solution splits few hosts.

Axes: p pattern, h host, k kind, a area, g group.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.master import Costs, Master, active_hosts
from zonewright.solver.relocation.pricing import price_hosts
from zonewright.solver.relocation.problem import Ints
from zonewright.solver.relocation.witness import price_bound

Floats = NDArray[np.float64]

#: Nodes of one host's pricing: to find something, and to be sure that there is nothing.
_FEW_NODES, _NODES = 200, 20_000
_ROUNDS = 400


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
    unplaced: float
    """How many it leaves without a place."""


def mix(master: Master, costs: Costs, deadline: Deadline, until_s: float) -> Mixture | None:
    """Return the optimal mixture of patterns; None when the time runs out before any."""
    table = master.table
    active = active_hosts(master)
    kinds, areas = master.kinds, master.areas
    most_k = np.bincount(master.kind_c, table.count_c, kinds).astype(np.int64)
    host_p, stay_p, enter_p = [active], [master.stay_hk[active]], [np.zeros((len(active), kinds), np.int64)]
    known = {(int(h), master.stay_hk[h].tobytes() + bytes(8 * kinds)) for h in active}
    keep_h = np.zeros(len(active), bool)
    for i, h in enumerate(active.tolist()):
        keep_h[i] = bool(np.all(master.stay_hk[h] @ master.demand_kr <= table.capacity_hr[h]))
    host_p[0], stay_p[0], enter_p[0] = active[keep_h], stay_p[0][keep_h], enter_p[0][keep_h]

    def price(price_ak: Floats, true_ak: Floats, reduced_h: Floats | None, nodes: int) -> tuple[int, bool]:
        """Add each host's best pattern at these prices if the true ones want it; return how many, and if exact."""
        stays, enters = np.zeros((len(active), kinds), np.int64), np.zeros((len(active), kinds), np.int64)
        worth = np.zeros(len(active))
        cut = price_hosts(
            active,
            table.capacity_hr,
            master.stay_hk,
            master.enter_hk,
            most_k,
            master.demand_kr,
            price_ak + costs.move * master.weight_k,
            price_ak,
            master.area_h,
            nodes,
            stays,
            enters,
            worth,
        )
        if true_ak is not price_ak:
            true_hk = true_ak[master.area_h[active]]
            worth = (stays * (true_hk + costs.move * master.weight_k)).sum(axis=1) + (enters * true_hk).sum(axis=1)
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
        return len(new), cut == 0

    wanted = np.bincount(master.kind_g, master.count_g, kinds) - master.stay_hk.sum(axis=0)
    for k in np.flatnonzero(wanted > 0)[:32].tolist():
        first_ak = np.zeros((areas, kinds))
        first_ak[:, k] = 4.0 * max(costs.move, 1) * max(1.0, float(master.weight_k.max()))
        price(first_ak, first_ak, None, _FEW_NODES)
    best: Mixture | None = None
    centre_ak = np.zeros((areas, kinds))
    program = _Program(master, costs, active)
    built = 0
    for _ in range(_ROUNDS):
        left = min(deadline.left, until_s - deadline.seconds)
        if left <= 0:
            return best
        for part in range(built, len(host_p)):
            for h, stay_k, enter_k in zip(host_p[part].tolist(), stay_p[part], enter_p[part], strict=True):
                program.add(h, stay_k, enter_k)
        built = len(host_p)
        if not program.solve(left):
            return best
        price_ak = np.array([[max(0.0, row.dual_value()) for row in rows] for rows in program.link])
        best = Mixture(
            np.concatenate(host_p),
            np.concatenate(stay_p),
            np.concatenate(enter_p),
            np.array([column.solution_value() for column in program.patterns]),
            float(program.objective.Value()) + program.constant,
            price_ak,
            False,
            sum(column.solution_value() for pair in program.unplaced for column in pair),
        )
        reduced_h = np.array([program.host_row[h].dual_value() for h in active.tolist()])
        # Prices jump between rounds; halfway to where they were is better most of the time (Wentges 1997).
        centre_ak = 0.5 * (centre_ak + price_ak)
        if (
            price(centre_ak, price_ak, reduced_h, _FEW_NODES)[0]
            or price(price_ak, price_ak, reduced_h, _FEW_NODES)[0]
        ):
            continue
        found, exact = price(price_ak, price_ak, reduced_h, _NODES)
        if not found:
            best.exact = exact
            return best
    return best


class _Program:
    """The linear program over the patterns known so far; it grows, and starts from where it was.

    Columns: a group's instances per area; a group's unplaced, of those to be recovered and of those that run;
    patterns. Rows: per host at most one pattern; per area and kind, groups use what patterns offer; per group its
    count.
    """

    def __init__(self, master: Master, costs: Costs, active: Ints) -> None:
        pywraplp: Any = import_module("ortools.linear_solver.pywraplp")

        self.master, self.costs = master, costs
        self.solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        # Preprocessing would start from nothing every time.
        self.solver.SetSolverSpecificParametersAsString("use_preprocessing: false")
        self.objective = self.solver.Objective()
        self.objective.SetMinimization()
        self.optimal = pywraplp.Solver.OPTIMAL
        free = self.solver.infinity()
        self.host_row = {h: self.solver.Constraint(-free, 1.0) for h in active.tolist()}
        self.link = [[self.solver.Constraint(0.0, free) for _ in range(master.kinds)] for _ in range(master.areas)]
        self.unplaced: list[tuple[Any, Any]] = []
        for g, count in enumerate(master.count_g.tolist()):
            row = self.solver.Constraint(float(count), free)
            for a, most in enumerate(master.cap_ga[g].tolist()):
                if most:
                    placed = self._column(float(most), 0.0)
                    row.SetCoefficient(placed, 1.0)
                    self.link[a][int(master.kind_g[g])].SetCoefficient(placed, -1.0)
            price, running = costs.unplaced[int(master.priority_g[g])], int(master.running_g[g])
            pair = self._column(float(count - running), price), self._column(float(running), price + costs.stop)
            for column in pair:
                row.SetCoefficient(column, 1.0)
            self.unplaced.append(pair)
        self.patterns: list[Any] = []
        self.constant = costs.move * float((master.table.running_c * master.table.weight_c).sum())

    def _column(self, most: float, cost: float) -> Any:
        column = self.solver.NumVar(0.0, most, "")
        if cost:
            self.objective.SetCoefficient(column, float(cost))
        return column

    def add(self, h: int, stay_k: Ints, enter_k: Ints) -> None:
        """Add a pattern. A host without one is one that everybody left: patterns are paid for who stays."""
        column = self._column(self.solver.infinity(), -self.costs.move * float(stay_k @ self.master.weight_k))
        self.host_row[h].SetCoefficient(column, 1.0)
        offer_k, link = stay_k + enter_k, self.link[int(self.master.area_h[h])]
        for k in np.flatnonzero(offer_k).tolist():
            link[k].SetCoefficient(column, float(offer_k[k]))
        self.patterns.append(column)

    def solve(self, seconds: float) -> bool:
        """Solve; whether that was done to the end."""
        self.solver.SetTimeLimit(max(50, int(1000 * seconds)))
        return bool(self.solver.Solve() == self.optimal)


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
            t = of_class.get((c, a))
            if t is None or price_a[a] >= margin:
                continue
            if cap_a[a] or not int(table.problem.limits[t].most_d[a]):
                # An area that is closed to the class needs no price: nobody goes there for nothing.
                found[t, a] = margin - int(price_a[a])
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
