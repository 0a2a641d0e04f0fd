"""How many instances are elsewhere than today, what that costs, and what they hold until they have left."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column, total
from zonewright.solver.families.costs import transport
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Away:
    """The sum over columns of max(0, column - current) is at most `most`."""

    tag: Tag
    columns: Columns
    current: tuple[int, ...]
    most: int
    soften: Soften | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column for each cell's newcomers."""
        if not self.columns:
            return
        columns: list[int] = []
        for column, current in zip(self.columns, self.current, strict=True):
            if current == 0:
                columns.append(column)
            elif rows.high[column] > current:
                newcomers = rows.column(0, rows.high[column] - current)
                rows.row([column, newcomers], [1, -1], high=current)
                columns.append(newcomers)
        values = [1] * len(columns)
        if self.soften is not None:
            columns.append(excess_column(rows, stages, self.soften, max(0, rows.most(columns) - self.most)))
            values.append(-1)
        rows.row(columns, values, high=self.most, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Newcomers beyond `most`."""
        away = sum(max(0, int(x_j[j]) - n) for j, n in zip(self.columns, self.current, strict=True))
        verdict.break_by(away - self.most, self.soften)


@dataclass(frozen=True)
class Place:
    """Where instances of one class are today: how many, and the columns of those that are still there."""

    columns: Columns
    current: int
    each: int = 1
    """What one that leaves counts."""

    def left(self, x_j: Ints) -> int:
        """Return what those that have left count."""
        return self.each * max(0, self.current - total(x_j, self.columns))

    def term(self, rows: Rows) -> tuple[int, int]:
        """Return the column of those that leave with what each counts."""
        return rows.leavers(self.columns, self.current), self.each


@dataclass(frozen=True)
class Leavers:
    """Each that leaves a place costs what the place says."""

    tag: Tag
    places: tuple[Place, ...]
    goal: str

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column for the leavers of every place."""
        for place in self.places:
            if place.each:
                stages[self.goal].add(*place.term(rows))

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """What all that have left cost."""
        verdict.charge(self.goal, sum(place.left(x_j) for place in self.places))


@dataclass(frozen=True)
class DoubleUse:
    """A weighted sum and what leavers go on holding is at most `limit`, beyond what the sum alone is above it."""

    tag: Tag
    columns: Columns
    values: tuple[int, ...]
    places: tuple[Place, ...]
    limit: int
    above: bool = False
    """No other row keeps the sum alone at or below the limit."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """One row, with a column for the leavers of every place; it holds once somebody leaves."""
        most = sum(max(v * rows.low[j], v * rows.high[j]) for j, v in zip(self.columns, self.values, strict=True))
        if most + sum(place.each * place.current for place in self.places) <= self.limit:
            return
        terms = [place.term(rows) for place in self.places]
        columns, values = [*self.columns, *(j for j, _ in terms)], [*self.values, *(v for _, v in terms)]
        high = self.limit
        if self.above and most > self.limit:
            high = most + sum(place.each * place.current for place in self.places)
            columns.append(rows.presence([j for j, _ in terms]))
            values.append(high - self.limit)
        rows.row(columns, values, high=high, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """What leavers add to the excess."""
        use = sum(v * int(x_j[j]) for j, v in zip(self.columns, self.values, strict=True))
        held = sum(place.left(x_j) for place in self.places)
        verdict.break_by(max(0, use + held - self.limit) - max(0, use - self.limit), None)


@dataclass(frozen=True)
class MostLeaving:
    """The largest number that leaves any of several groups' places is at most `most`."""

    tag: Tag
    groups: tuple[tuple[Place, ...], ...]
    most: int
    soften: Soften | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A row for every group that may pass the limit; they share one excess."""
        sizes = [sum(place.current for place in places) for places in self.groups]
        if max(sizes, default=0) <= self.most:
            return
        over: list[int] = []
        if self.soften is not None:
            over.append(excess_column(rows, stages, self.soften, max(sizes) - self.most))
        for places, size in zip(self.groups, sizes, strict=True):
            if size > self.most:
                columns = [place.term(rows)[0] for place in places]
                ones = [1] * len(columns)
                rows.row([*columns, *over], [*ones, *([-1] * len(over))], high=self.most, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The largest number beyond `most`."""
        moved = [sum(place.left(x_j) for place in places) for places in self.groups]
        verdict.break_by(max(moved, default=0) - self.most, self.soften)


@dataclass(frozen=True)
class Journeys:
    """What it costs that leavers of several homes become the arrivals at several places, as cheaply as can be."""

    tag: Tag
    homes: tuple[Place, ...]
    arrivals: tuple[tuple[int, int], ...]
    """(column, how many of it are there today)."""
    price: tuple[tuple[int, ...], ...]
    """Per home and arrival; a home's own column has no arrivals while anybody has left it."""
    gone: int
    """What one costs that arrives nowhere: no price is above it."""
    soften: Soften

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A flow from the homes to the arrivals; what is left over has gone."""
        stage, weight = stages[self.soften.goal], self.soften.weight
        into = [self._arrivals(rows, column, before) for column, before in self.arrivals]
        flow_ht: list[dict[int, int]] = []
        for home, price in zip(self.homes, self.price, strict=True):
            leavers, _ = home.term(rows)
            flow_t = {t: rows.column(0, home.current) for t, column in enumerate(into) if column is not None}
            for t, column in flow_t.items():
                stage.add(column, weight * price[t])
            gone = rows.column(0, home.current)
            stage.add(gone, weight * self.gone)
            columns = [*flow_t.values(), gone, leavers]
            rows.row(columns, [*([1] * (len(columns) - 1)), -1], low=0, high=0)
            flow_ht.append(flow_t)
        for t, arrivals in enumerate(into):
            if arrivals is not None:
                columns = [flow_t[t] for flow_t in flow_ht]
                rows.row([*columns, arrivals], [*([1] * len(columns)), -1], high=0)

    def _arrivals(self, rows: Rows, column: int, before: int) -> int | None:
        """Return a column of at most those that are there beyond `before`; None where there are never any."""
        most = rows.high[column] - before
        if not before or most <= 0:
            return column if most > 0 else None
        arrive, more = rows.column(0, most), rows.boolean()
        rows.row([arrive, more], [1, -most], high=0)
        rows.row([arrive, column, more], [1, -1, before], high=0)
        return arrive

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The transport problem from scratch."""
        leave = [home.left(x_j) for home in self.homes]
        arrive = [max(0, int(x_j[column]) - before) for column, before in self.arrivals]
        lost = max(0, sum(leave) - sum(arrive))
        cost = transport(leave, arrive, self.price) if sum(leave) and sum(arrive) else 0
        verdict.charge(self.soften.goal, self.soften.weight * (cost + lost * self.gone))
