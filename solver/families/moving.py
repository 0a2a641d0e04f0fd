"""How many instances are elsewhere than today."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column
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
class Leaving:
    """The sum over columns of max(0, current - column) is at most `most`."""

    tag: Tag
    columns: Columns
    current: tuple[int, ...]
    most: int

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A column for how many leave each cell."""
        leavers: list[int] = []
        for column, current in zip(self.columns, self.current, strict=True):
            leaver = rows.column(0, current)
            rows.row([column, leaver], [1, 1], low=current)
            leavers.append(leaver)
        rows.row(leavers, [1] * len(leavers), high=self.most, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Leavers beyond `most`."""
        left = sum(max(0, n - int(x_j[j])) for j, n in zip(self.columns, self.current, strict=True))
        verdict.break_by(left - self.most, None)
