"""Presence: who needs whom, who shuns whom, how many domains are in use."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.families.base import Columns, Soften, Stages, Verdict, excess_column, total
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Requires:
    """Where any of `guests` is, some of `hosts` must be; amount 1. Only while any of `when` is there."""

    tag: Tag
    guests: Columns
    hosts: Columns
    soften: Soften | None = None
    when: Columns | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """Guests are there only if hosts are."""
        if not self.guests:
            return
        company = [rows.presence(self.hosts)] if self.hosts else []
        if self.soften is None and self.when is None:
            for guest in self.guests:
                values = [1, *([-rows.high[guest]] * len(company))]
                rows.row([guest, *company], values, high=0, tag=self.tag)
            return
        columns, values = [rows.presence(self.guests)], [1]
        high = 0
        for column in company:
            columns.append(column)
            values.append(-1)
        if self.when is not None:
            columns.append(rows.presence(self.when))
            values.append(1)
            high = 1
        if self.soften is not None:
            columns.append(excess_column(rows, stages, self.soften, 1))
            values.append(-1)
        rows.row(columns, values, high=high, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """1 where guests are without hosts."""
        if self.when is not None and total(x_j, self.when) == 0:
            return
        if total(x_j, self.guests) and not total(x_j, self.hosts):
            verdict.break_by(1, self.soften)


@dataclass(frozen=True)
class Excludes:
    """Not both of two sets of columns; amount 1."""

    tag: Tag
    one: Columns
    other: Columns
    soften: Soften | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """The presences add up to one at most."""
        if not self.one or not self.other:
            return
        columns = [rows.presence(self.one), rows.presence(self.other)]
        values = [1, 1]
        if self.soften is not None:
            columns.append(excess_column(rows, stages, self.soften, 1))
            values.append(-1)
        rows.row(columns, values, high=1, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """1 where both are."""
        if total(x_j, self.one) and total(x_j, self.other):
            verdict.break_by(1, self.soften)


@dataclass(frozen=True)
class DomainCount:
    """At least and at most so many of the sets are in use, while any of `when` is there."""

    tag: Tag
    sets: tuple[Columns, ...]
    least: int | None = None
    most: int | None = None
    soften: Soften | None = None
    when: Columns | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A sum of presences."""
        present = [rows.presence(s) for s in self.sets if s]
        ones = [1] * len(present)
        if self.most is not None and len(present) > self.most:
            columns, values = list(present), list(ones)
            if self.soften is not None:
                columns.append(excess_column(rows, stages, self.soften, len(present) - self.most))
                values.append(-1)
            rows.row(columns, values, high=self.most, tag=self.tag)
        if self.least is not None:
            columns, values, low = list(present), list(ones), self.least
            if self.soften is not None:
                columns.append(excess_column(rows, stages, self.soften, self.least))
                values.append(1)
            if self.when is not None:
                columns.append(rows.presence(self.when))
                values.append(-self.least)
                low = 0
            rows.row(columns, values, low=low, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """Domains too few or too many."""
        used = sum(1 for s in self.sets if total(x_j, s))
        if self.most is not None:
            verdict.break_by(used - self.most, self.soften)
        if self.least is not None and (self.when is None or total(x_j, self.when)):
            verdict.break_by(self.least - used, self.soften)


@dataclass(frozen=True)
class Quorum:
    """Some leader's domain is in use and has a majority near it, while any of `when` is there.

    The shortfall is the majority less the best leader's neighbours; without any leader, all of it.
    """

    tag: Tag
    leaders: tuple[tuple[Columns, Columns], ...]
    """For each possible leader: its own columns, and the columns within the limit."""
    majority: int
    soften: Soften | None = None
    when: Columns | None = None

    def emit(self, rows: Rows, stages: Stages) -> None:
        """One boolean per leader, exactly one chosen."""
        present = rows.presence(self.when) if self.when is not None else None
        short = excess_column(rows, stages, self.soften, self.majority) if self.soften is not None else None
        chosen: list[int] = []
        for own, near in self.leaders:
            leads = rows.boolean()
            chosen.append(leads)
            rows.row([*own, leads], [*([1] * len(own)), -1], low=0)
            columns, values = [*near, leads], [*([1] * len(near)), -self.majority]
            if short is not None:
                columns.append(short)
                values.append(1)
            rows.row(columns, values, low=0, tag=self.tag)
        columns, values = list(chosen), [self.majority] * len(chosen)
        low = self.majority
        if chosen:
            rows.row(chosen, [1] * len(chosen), high=1)
        if short is not None:
            columns.append(short)
            values.append(1)
        if present is not None:
            columns.append(present)
            values.append(-self.majority)
            low = 0
        rows.row(columns, values, low=low, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """The majority less the most replicas near a leader that is in use."""
        if self.when is not None and total(x_j, self.when) == 0:
            return
        best = max((total(x_j, near) for own, near in self.leaders if total(x_j, own)), default=0)
        verdict.break_by(self.majority - best, self.soften)


@dataclass(frozen=True)
class NotAll:
    """Not every one of these sums reaches its number."""

    tag: Tag
    sets: tuple[tuple[Columns, int], ...]

    def emit(self, rows: Rows, stages: Stages) -> None:
        """A boolean for every sum that may reach its number; at least one of them does not."""
        reached: list[int] = []
        for columns, number in self.sets:
            most = rows.most(columns)
            if most < number:
                return
            reaches = rows.boolean()
            rows.row([*columns, reaches], [*(1 for _ in columns), -(most - number + 1)], high=number - 1)
            reached.append(reaches)
        rows.row(reached, [1] * len(reached), high=len(reached) - 1, tag=self.tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """1 where all do."""
        if all(total(x_j, columns) >= number for columns, number in self.sets):
            verdict.break_by(1, None)
