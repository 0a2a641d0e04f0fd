"""Skew: the most in any domain less the least in any."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column, total
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Skew:
    """Largest less smallest sum over the sets is at most `limit`."""

    tag: Tag
    sets: tuple[Columns, ...]
    limit: int
    soften: Soften | None = None
    count: int | None = None
    """What the sets add up to in every solution, where that is known."""

    def emit(self, rows: Rows, stages: Stages) -> None:
        """Bounds on every sum where the total is known, else a column above and one below them all."""
        if len(self.sets) < 2:
            return
        least, most = 0, max(rows.most(s) for s in self.sets)
        if self.count is not None and self.soften is None:
            # n <= D least + (D - 1) limit, and likewise for the most.
            room = (len(self.sets) - 1) * self.limit
            least = max(0, -((room - self.count) // len(self.sets)))
            most = min(most, (self.count + room) // len(self.sets))
            for columns in self.sets:
                rows.row(columns, [1] * len(columns), low=least, high=most, tag=self.tag)
            if self.limit <= 1:
                return
        if least > most:
            return
        up, down = least, most
        if self.count is not None:
            # The most is at least the mean, the least at most the mean.
            up = max(least, -(-self.count // len(self.sets)))
            down = min(most, self.count // len(self.sets))
        if up > most or down < least:
            return  # The rows above already say that this cannot be.
        high, low = rows.column(up, most), rows.column(least, down)
        for columns in self.sets:
            rows.row([*columns, high], [*([1] * len(columns)), -1], high=0, tag=self.tag)
            rows.row([*columns, low], [*([1] * len(columns)), -1], low=0, tag=self.tag)
        ends, values = [high, low], [1, -1]
        if self.soften is not None:
            ends.append(excess_column(rows, stages, self.soften, most))
            values.append(-1)
        rows.row(ends, values, high=self.limit, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Largest less smallest less the limit."""
        if self.sets:
            sums = [total(x_j, s) for s in self.sets]
            verdict.break_by(max(sums) - min(sums) - self.limit, self.soften)
