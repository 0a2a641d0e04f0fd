"""The relaxation by whole patterns of hosts: column generation (Gilmore and Gomory 1961) with scenarios inside.

A pattern is what a host holds before any loss and what arrives on it in each scenario, so that no room is counted
twice and none is counted that two scenarios cannot use. The linear program mixes patterns; what is displaced in a
scenario follows from where the new instances go.

Axes: p pattern, k shape, g bundle, j kind, a area, s scenario, i limit, o offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.sizing.clock import remaining, seconds_for, spent
from zonewright.solver.sizing.prices import Floats, Patterns, Pricer, Prices, bundles_of, displaced
from zonewright.solver.sizing.problem import Flags, Ints
from zonewright.solver.sizing.table import Table

_ROUNDS = 2_000
#: What the dearest host costs in the linear program.
_DEAREST = 1_000.0


@dataclass(frozen=True)
class Box:
    """A range of purchases: at least and at most so many of each offer."""

    low_o: Ints
    high_o: Ints


@dataclass
class Mixture:
    """An optimum of the relaxation over the patterns known."""

    value: float
    missing: float
    """How many instances, displaced ones and excesses of limits counted, it leaves out."""
    share_p: Floats
    bought_o: Floats
    new_ga: Floats
    prices: Prices
    worth_j: Floats
    """What a host of a kind may earn at most by the patterns known."""
    closed: bool = False
    """Whether no pattern could improve it."""


def open_links(table: Table) -> Flags:
    """Return for which scenarios and shapes arrivals are counted by area: those that limits speak of."""
    by_area_sk = np.zeros((table.problem.scenarios, table.shapes), bool)
    for limit in table.problem.limits:
        if limit.layer >= 0:
            by_area_sk[limit.layer, table.shape_c[limit.classes]] = True
    return by_area_sk


class Master:
    """The linear program over the patterns known; it grows, and starts from where it was."""

    def __init__(self, table: Table, pricer: Pricer) -> None:
        pywraplp: Any = import_module("ortools.linear_solver.pywraplp")

        self.table, self.pricer = table, pricer
        # In units of its own: what the linear program compares stays within few orders of magnitude.
        self.unit = max(1.0, float(table.problem.price_o.max(initial=1))) / _DEAREST
        self.dear = 4 * (1 + table.problem.scenarios) * _DEAREST
        self.solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        self.solver.SetSolverSpecificParametersAsString("use_preprocessing: false")
        self.free = self.solver.infinity()
        self.optimal = pywraplp.Solver.OPTIMAL
        self.objective = self.solver.Objective()
        self.objective.SetMinimization()
        self.missing: list[Any] = []
        self.patterns: list[Any] = []
        self.kind_p: list[int] = []
        self.base_p: list[Ints] = []
        self.arrive_p: list[Ints] = []
        self.known: set[tuple[int, bytes]] = set()
        self.by_area_sk = open_links(table)
        self._rows()
        self._flows()
        self._limits()

    def _rows(self) -> None:
        table, problem = self.table, self.table.problem
        row = self.solver.Constraint
        self.bought = []
        self.host_row = []
        for j, o in enumerate(table.offer_j.tolist()):
            if o < 0:
                self.host_row.append(row(-self.free, float(table.hosts_j[j])))
                continue
            self.host_row.append(row(-self.free, 0.0))
            most = float(problem.most_o[o]) if problem.most_o[o] >= 0 else self.free
            bought = self._column(0.0, most, float(problem.price_o[o]) / self.unit)
            self.host_row[-1].SetCoefficient(bought, -1.0)
            self.bought.append(bought)
        self.base_row = [[row(0.0, self.free) for _ in range(table.shapes)] for _ in range(problem.areas)]
        self.arrive_row: list[list[list[Any]]] = []
        for s in range(problem.scenarios):
            single = [row(0.0, self.free) for _ in range(table.shapes)]
            self.arrive_row.append(
                [
                    [row(0.0, self.free) if self.by_area_sk[s, k] else single[k] for k in range(table.shapes)]
                    for _ in range(problem.areas)
                ]
            )

    def _flows(self) -> None:
        """Add where new instances go, and by area where those displaced arrive if a limit wants to know."""
        table, problem = self.table, self.table.problem
        there_sg = displaced(table)
        self.new: dict[tuple[int, int], Any] = {}
        self.arriving: dict[tuple[int, int, int], Any] = {}
        needed_sk = np.zeros((problem.scenarios, table.shapes), np.int64)
        for g, k in enumerate(table.shape_g.tolist()):
            if table.new_g[g]:
                count = self.solver.Constraint(float(table.new_g[g]), self.free)
                self._slack(count)
                for a in np.flatnonzero(table.enter_ka[k]).tolist():
                    column = self._column(0.0, float(table.new_g[g]), 0.0)
                    count.SetCoefficient(column, 1.0)
                    self.base_row[a][k].SetCoefficient(column, -1.0)
                    self.new[g, a] = column
            for s in np.flatnonzero(table.evacuated_sg[:, g]).tolist():
                if self.by_area_sk[s, k]:
                    self._arrivals(s, g, k, int(there_sg[s, g]))
                    continue
                needed_sk[s, k] += there_sg[s, g]
                for a in np.flatnonzero(problem.lost_sa[s]).tolist():
                    if (g, a) in self.new:
                        row = self.arrive_row[s][a][k]
                        row.SetCoefficient(self.new[g, a], row.GetCoefficient(self.new[g, a]) - 1.0)
        for s, k in np.argwhere(~self.by_area_sk).tolist():
            row = self.arrive_row[s][0][k]
            row.SetLb(float(needed_sk[s, k]))
            self._slack(row)

    def _arrivals(self, s: int, g: int, k: int, there: int) -> None:
        table, problem = self.table, self.table.problem
        count = self.solver.Constraint(float(there), self.free)
        self._slack(count)
        for a in np.flatnonzero(problem.lost_sa[s]).tolist():
            if (g, a) in self.new:
                count.SetCoefficient(self.new[g, a], -1.0)
        for a in np.flatnonzero(~problem.lost_sa[s] & table.enter_ka[k]).tolist():
            column = self._column(0.0, self.free, 0.0)
            count.SetCoefficient(column, 1.0)
            self.arrive_row[s][a][k].SetCoefficient(column, -1.0)
            self.arriving[s, g, a] = column

    def _limits(self) -> None:
        table, problem = self.table, self.table.problem
        self.limit_row = []
        for limit in problem.limits:
            bundles = bundles_of(table, limit.classes)
            counts_a = ~problem.lost_sa[limit.layer] if limit.layer >= 0 else np.ones(problem.areas, bool)
            weight_a = limit.weight_a * counts_a
            constant = int(table.there_ga[bundles].sum(axis=0) @ weight_a)
            row = self.solver.Constraint(float(limit.low - constant), float(limit.high - constant))
            self.limit_row.append(row)
            self._slack(row)
            self._slack(row, -1.0)
            for g in bundles.tolist():
                for a in np.flatnonzero(weight_a).tolist():
                    if (g, a) in self.new:
                        row.SetCoefficient(self.new[g, a], float(weight_a[a]))
                    if (limit.layer, g, a) in self.arriving:
                        row.SetCoefficient(self.arriving[limit.layer, g, a], float(weight_a[a]))

    def _column(self, low: float, high: float, cost: float) -> Any:
        column = self.solver.NumVar(low, high, "")
        if cost:
            self.objective.SetCoefficient(column, cost)
        return column

    def _slack(self, row: Any, sign: float = 1.0) -> None:
        column = self._column(0.0, self.free, float(self.dear))
        row.SetCoefficient(column, sign)
        self.missing.append(column)

    def add(self, patterns: Patterns) -> int:
        """Add patterns that are new; return how many were."""
        table = self.table
        before = len(self.patterns)
        for j, base_k, arrive_sk in zip(
            patterns.kind_p.tolist(), patterns.base_pk, patterns.arrive_psk, strict=True
        ):
            key = (j, base_k.tobytes() + arrive_sk.tobytes())
            if key in self.known or not (base_k.any() or arrive_sk.any()):
                continue
            self.known.add(key)
            column = self._column(0.0, self.free, 0.0)
            self.host_row[j].SetCoefficient(column, 1.0)
            a = int(table.area_j[j])
            for k in np.flatnonzero(base_k).tolist():
                self.base_row[a][k].SetCoefficient(column, float(base_k[k]))
            for s, k in np.argwhere(arrive_sk).tolist():
                self.arrive_row[s][a][k].SetCoefficient(column, float(arrive_sk[s, k]))
            self.patterns.append(column)
            self.kind_p.append(j)
            self.base_p.append(base_k.copy())
            self.arrive_p.append(arrive_sk.copy())
        return len(self.patterns) - before

    def confine(self, box: Box) -> None:
        """Allow only purchases within a box."""
        for column, low, high in zip(self.bought, box.low_o.tolist(), box.high_o.tolist(), strict=True):
            column.SetBounds(float(low), float(high))

    def solve(self, seconds: float) -> Mixture | None:
        """Return the optimum over the patterns known; None where time runs out."""
        self.solver.SetTimeLimit(max(50, min(int(1000 * seconds), 1 << 30)))
        if self.solver.Solve() != self.optimal:
            # Once more from nothing: where it started from may be what it stumbled over.
            self.solver.Reset()
            if self.solver.Solve() != self.optimal:
                return None
        table = self.table
        new_ga = np.zeros((table.bundles, table.problem.areas))
        for (g, a), column in self.new.items():
            new_ga[g, a] = column.solution_value()
        return Mixture(
            value=float(self.objective.Value()),
            missing=sum(column.solution_value() for column in self.missing),
            share_p=np.array([column.solution_value() for column in self.patterns]),
            bought_o=np.array([column.solution_value() for column in self.bought]),
            new_ga=new_ga,
            prices=Prices(
                np.array([[max(0.0, row.dual_value()) for row in rows] for rows in self.base_row]).reshape(
                    table.problem.areas, table.shapes
                ),
                np.array(
                    [[[max(0.0, row.dual_value()) for row in rows] for rows in areas] for areas in self.arrive_row]
                ).reshape(table.problem.scenarios, table.problem.areas, table.shapes),
                np.array([row.dual_value() for row in self.limit_row]),
            ),
            worth_j=np.array([-row.dual_value() for row in self.host_row]),
        )

    def mix(self, deadline: Deadline, until_s: float) -> Mixture | None:
        """Return the optimum over all patterns, or the best so far when time runs out; None before any."""
        best: Mixture | None = None
        centre: Prices | None = None
        for _ in range(_ROUNDS):
            left = min(remaining(deadline), until_s - spent(deadline))
            found = self.solve(seconds_for(deadline, left)) if left > 0 else None
            if found is None:
                return best
            best = found
            centre = found.prices if centre is None else centre.towards(found.prices, 0.4)
            if self._improve(found, centre):
                continue
            centre = found.prices
            if not self._improve(found, found.prices):
                best.closed = True
                return best
        return best

    def _improve(self, mixture: Mixture, prices: Prices) -> bool:
        """Add the best patterns at some prices that improve the mixture; return whether there were any."""
        worth_j, patterns = self.pricer.best(prices)
        if prices is not mixture.prices:
            own = mixture.prices
            area_p = self.table.area_j[patterns.kind_p]
            worth_j = (patterns.base_pk * own.base_ak[area_p]).sum(axis=1)
            worth_j = worth_j + (patterns.arrive_psk * own.arrival_sak.transpose(1, 0, 2)[area_p]).sum(axis=(1, 2))
        useful = worth_j > mixture.worth_j + 1e-6 * (1.0 + np.abs(mixture.worth_j))
        return bool(
            useful.any()
            and self.add(Patterns(patterns.kind_p[useful], patterns.base_pk[useful], patterns.arrive_psk[useful]))
        )
