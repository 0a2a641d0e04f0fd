"""A weighted sum against limits: capacity, quota, counts, addresses, budgets."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column, total
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Sum:
    """low <= sum of value x column <= high; the excess is counted in steps of `unit`, rounded up.

    With `when` it holds only while the sum of those columns is above 0.
    """

    tag: Tag
    columns: Columns
    values: tuple[int, ...]
    low: int | None = None
    high: int | None = None
    soften: Soften | None = None
    unit: int = 1
    when: Columns | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """One row for each limit that could be passed."""
        reach = [(v * rows.low[j], v * rows.high[j]) for j, v in zip(self.columns, self.values, strict=True)]
        least, most = sum(min(pair) for pair in reach), sum(max(pair) for pair in reach)
        if self.high is not None and most > self.high:
            self._side(rows, stages, 1, self.high, most)
        if self.low is not None and least < self.low:
            self._side(rows, stages, -1, -self.low, -least)

    def _side(self, rows: Rows, stages: Stages, sign: int, limit: int, most: int) -> None:
        """Add sign x sum <= limit, where the left side can reach `most`."""
        columns, values = list(self.columns), [sign * v for v in self.values]
        high = limit
        if self.soften is not None:
            columns.append(excess_column(rows, stages, self.soften, -((limit - most) // self.unit)))
            values.append(-self.unit)
        if self.when is not None:
            columns.append(rows.presence(self.when))
            values.append(most - limit)
            high = most
        rows.row(columns, values, high=high, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Excess over the high limit plus shortfall under the low one."""
        if self.when is not None and total(x_j, self.when) == 0:
            return
        value = sum(v * int(x_j[j]) for j, v in zip(self.columns, self.values, strict=True))
        if self.high is not None:
            verdict.break_by(-((self.high - value) // self.unit), self.soften)
        if self.low is not None:
            verdict.break_by(-((value - self.low) // self.unit), self.soften)


@dataclass(frozen=True)
class Balance:
    """The largest of several sums less the smallest is a cost."""

    tag: Tag
    sums: tuple[tuple[Columns, tuple[int, ...]], ...]
    goal: str

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column above all sums and one below them."""
        most = max((sum(v * rows.high[j] for j, v in zip(*s, strict=True)) for s in self.sums), default=0)
        high, low = rows.column(0, most), rows.column(0, most)
        for columns, values in self.sums:
            rows.row([*columns, high], [*values, -1], high=0)
            rows.row([*columns, low], [*values, -1], low=0)
        stages[self.goal].add(high, 1)
        stages[self.goal].add(low, -1)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Largest less smallest."""
        values = [sum(v * int(x_j[j]) for j, v in zip(*s, strict=True)) for s in self.sums]
        verdict.charge(self.goal, max(values) - min(values) if values else 0)


@dataclass(frozen=True)
class Linear:
    """A cost per unit of each column."""

    tag: Tag
    columns: Columns
    values: tuple[int, ...]
    goal: str
    constant: int = 0

    def emit(self, rows: Rows, stages: Stages) -> None:
        """Only the goal's coefficients."""
        for column, value in zip(self.columns, self.values, strict=True):
            stages[self.goal].add(column, value)
        stages[self.goal].constant += self.constant

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The weighted sum."""
        value = sum(v * int(x_j[j]) for j, v in zip(self.columns, self.values, strict=True))
        verdict.charge(self.goal, value + self.constant)
