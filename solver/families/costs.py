"""Costs that are no plain sum: opening, moving, the nearest replica, traffic."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column, total
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Opening:
    """A cost once any of the columns is above 0; for a pool of equal sites, once per site in use."""

    tag: Tag
    columns: Columns
    cost: int
    goal: str
    sizes: tuple[tuple[tuple[int, ...], int], ...] = ()
    """Per resource: demand by column, and the capacity of one site."""
    sites: int = 1

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A presence, or a number of open sites; each resource needs that many."""
        if not self.columns or not self.cost:
            return
        if self.sites == 1:
            opened = rows.presence(self.columns)
        else:
            opened = rows.column(0, self.sites)
            for column in self.columns:
                rows.row([column, opened], [1, -rows.high[column]], high=0)
        for demand, capacity in self.sizes:
            rows.row([*self.columns, opened], [*demand, -capacity], high=0)
        stages[self.goal].add(opened, self.cost)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The cost, once."""
        verdict.charge(self.goal, self.cost if total(x_j, self.columns) else 0)


@dataclass(frozen=True)
class Moving:
    """How many of `current` are no longer in the column; each costs, and what stays may be free."""

    tag: Tag
    column: int
    current: int
    goal: str | None
    credit: int = 0
    """What staying saves per instance (prepaid), in `credit_goal`."""
    credit_goal: str | None = None
    weight: int = 1
    """What each that leaves costs in `goal`."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column for those that leave."""
        if not self.current or (self.goal is None and not self.credit):
            return
        out = rows.leavers([self.column], self.current)
        if self.goal is not None:
            stages[self.goal].add(out, self.weight)
        if self.credit and self.credit_goal is not None:
            stages[self.credit_goal].add(out, self.credit)
            stages[self.credit_goal].constant -= self.credit * self.current

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Those that leave, and the saving of those that stay."""
        stay = min(self.current, int(x_j[self.column]))
        if self.goal is not None:
            verdict.charge(self.goal, self.weight * (self.current - stay))
        if self.credit_goal is not None:
            verdict.charge(self.credit_goal, -self.credit * stay)


@dataclass(frozen=True)
class Nearest:
    """weight x the distance of the nearest set in use; nothing while nothing is in use."""

    tag: Tag
    sets: tuple[tuple[Columns, int], ...]
    weight: int
    goal: str
    always: bool
    """Something is in use in every solution."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """One set in use is chosen."""
        usable = [(columns, distance) for columns, distance in self.sets if columns]
        chosen: list[int] = []
        for columns, distance in usable:
            choice = rows.boolean()
            chosen.append(choice)
            rows.row([*columns, choice], [*([1] * len(columns)), -1], low=0)
            stages[self.goal].add(choice, self.weight * distance)
        if not chosen:
            return
        if self.always:
            rows.row(chosen, [1] * len(chosen), low=1, high=1)
            return
        present = rows.presence(tuple(j for columns, _ in usable for j in columns))
        rows.row([*chosen, present], [*([1] * len(chosen)), -1], low=0, high=0)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The least distance in use."""
        distances = [distance for columns, distance in self.sets if total(x_j, columns)]
        verdict.charge(self.goal, self.weight * min(distances) if distances else 0)


@dataclass(frozen=True)
class Traffic:
    """The least cost of sending all that both sides can: supply and demand in units of flow."""

    tag: Tag
    sources: tuple[Columns, ...]
    targets: tuple[Columns, ...]
    price: tuple[tuple[int, ...], ...]
    """Per source and target, of one unit."""
    per_source: int
    """Units that one sender sends."""
    per_target: int
    """Units that one receiver takes."""
    goal: str
    always: bool
    """Both sides are placed whole in every solution."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A flow from domain to domain."""
        supply = [self.per_source * rows.most(s) for s in self.sources]
        demand = [self.per_target * rows.most(t) for t in self.targets]
        flow = [[rows.column(0, min(a, b)) for b in demand] for a in supply]
        for i, columns in enumerate(self.sources):
            values = [*([1] * len(flow[i])), *([-self.per_source] * len(columns))]
            rows.row([*flow[i], *columns], values, low=0 if self.always else None, high=0)
            for k, price in enumerate(self.price[i]):
                stages[self.goal].add(flow[i][k], price)
        for k, columns in enumerate(self.targets):
            into = [flow[i][k] for i in range(len(flow))]
            values = [*([1] * len(into)), *([-self.per_target] * len(columns))]
            rows.row([*into, *columns], values, low=0 if self.always else None, high=0)
        if not self.always:
            self._all_that_can(rows, flow, sum(supply), sum(demand))

    def _all_that_can(self, rows: Rows, flow: list[list[int]], supply: int, demand: int) -> None:
        """All of the supply is sent, or all of the demand met."""
        everything = [j for row in flow for j in row]
        short = rows.boolean()
        for sets, each, most, values in (
            (self.sources, self.per_source, supply, 1),
            (self.targets, self.per_target, demand, -1),
        ):
            columns = [j for s in sets for j in s]
            # With `values` 1 the row is slack while short = 1, with -1 while short = 0.
            low = 0 if values == 1 else -most
            coefficients = [*([1] * len(everything)), *([-each] * len(columns)), values * most]
            rows.row([*everything, *columns, short], coefficients, low=low)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The transport problem from scratch, by successive shortest paths."""
        supply = [self.per_source * total(x_j, s) for s in self.sources]
        demand = [self.per_target * total(x_j, t) for t in self.targets]
        verdict.charge(self.goal, transport(supply, demand, self.price))


def transport(supply: list[int], demand: list[int], price: tuple[tuple[int, ...], ...]) -> int:
    """Return the least cost of shipping min(total supply, total demand)."""
    from ortools.graph.python import min_cost_flow

    flow = min_cost_flow.SimpleMinCostFlow()
    sink = 1 + len(supply) + len(demand)
    for i, amount in enumerate(supply):
        flow.add_arc_with_capacity_and_unit_cost(0, 1 + i, amount, 0)
        for k in range(len(demand)):
            flow.add_arc_with_capacity_and_unit_cost(1 + i, 1 + len(supply) + k, amount, price[i][k])
    for k, amount in enumerate(demand):
        flow.add_arc_with_capacity_and_unit_cost(1 + len(supply) + k, sink, amount, 0)
    sent = min(sum(supply), sum(demand))
    flow.set_node_supply(0, sent)
    flow.set_node_supply(sink, -sent)
    if flow.solve() != flow.OPTIMAL:
        raise ArithmeticError("a transport problem was not solved")
    return int(flow.optimal_cost())


@dataclass(frozen=True)
class Prepaid:
    """A weighted sum at most `limit`, where up to so many of some columns are free."""

    tag: Tag
    columns: Columns
    values: tuple[int, ...]
    saved: tuple[tuple[int, int, int], ...]
    """(column, how many of it are free, price)."""
    limit: int
    soften: Soften | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column for those that stay, which lowers the sum."""
        columns, values = list(self.columns), list(self.values)
        for column, most, price in self.saved:
            stays = rows.column(0, most)
            rows.row([stays, column], [1, -1], high=0)
            columns.append(stays)
            values.append(-price)
        if self.soften is not None:
            most_sum = sum(v * rows.high[j] for j, v in zip(self.columns, self.values, strict=True))
            columns.append(excess_column(rows, stages, self.soften, most_sum - self.limit))
            values.append(-1)
        rows.row(columns, values, high=self.limit, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The sum less what is free."""
        value = sum(v * int(x_j[j]) for j, v in zip(self.columns, self.values, strict=True))
        value -= sum(price * min(most, int(x_j[j])) for j, most, price in self.saved)
        verdict.break_by(value - self.limit, self.soften)
