"""Addresses: instances by zone draw on subnets they may use; whether they fit is a flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zonewright.solver.families.base import Columns, Stages, Verdict, total
from zonewright.solver.rows import Ints, Rows, Tag


@dataclass(frozen=True)
class Pool:
    """Addresses of one subnet: fixed, plus so many for each unit of some columns."""

    fixed: int
    columns: Columns = ()
    each: tuple[int, ...] = ()

    def room(self, x_j: Ints) -> int:
        """Return how many addresses there are."""
        return self.fixed + sum(e * int(x_j[j]) for j, e in zip(self.columns, self.each, strict=True))


@dataclass(frozen=True)
class Addresses:
    """Every demand (a sum of columns) is met from the pools it may use."""

    tag: Tag
    demands: tuple[tuple[Columns, tuple[int, ...]], ...]
    """Columns and the pools they fit."""
    pools: tuple[Pool, ...]
    names: tuple[str, ...] = ()
    """Of the pools: where given, each has rows with a tag of its own."""

    @property
    def apart(self) -> bool:
        """Whether any two demands fit the same pools or have none in common: who takes which is no matter."""
        sets = {fits for _, fits in self.demands}
        return sum(len(fits) for fits in sets) == len({k for fits in sets for k in fits})

    def emit(self, rows: Rows, stages: Stages) -> None:
        """One row per set of pools where sets do not overlap; flows where they do."""
        sets: dict[tuple[int, ...], list[int]] = {}
        for columns, fits in self.demands:
            sets.setdefault(fits, []).extend(columns)
        if self.apart and not self.names:
            for fits, drawing in sets.items():
                self._row(rows, drawing, fits)
            return
        into: dict[int, list[int]] = {}
        for fits, drawing in sets.items():
            flows = []
            for k in fits:
                flow = rows.column(0, rows.most(drawing))
                flows.append(flow)
                into.setdefault(k, []).append(flow)
            # Whoever fits somewhere only chooses where: that nobody has to do without is in the pools' rows.
            tag = None if fits and self.names else self.tag
            rows.row([*drawing, *flows], [*([1] * len(drawing)), *([-1] * len(flows))], low=0, high=0, tag=tag)
        for k, flows in into.items():
            self._row(rows, flows, (k,))

    def _row(self, rows: Rows, columns: list[int], fits: tuple[int, ...]) -> None:
        more = [j for k in fits for j in self.pools[k].columns]
        each = [-e for k in fits for e in self.pools[k].each]
        fixed = sum(self.pools[k].fixed for k in fits)
        tag = self.tag
        if self.names:
            tag = replace(tag, thing=self.names[fits[0]], text=f"{fixed} addresses free in {self.names[fits[0]]}")
        rows.row([*columns, *more], [*([1] * len(columns)), *each], high=fixed, tag=tag)

    def judge(self, x_j: Ints, verdict: Verdict) -> None:
        """What a largest flow cannot meet."""
        from ortools.graph.python import max_flow

        flow = max_flow.SimpleMaxFlow()
        wanted = 0
        sink = 1 + len(self.demands) + len(self.pools)
        for i, (columns, fits) in enumerate(self.demands):
            amount = total(x_j, columns)
            wanted += amount
            flow.add_arc_with_capacity(0, 1 + i, amount)
            for k in fits:
                flow.add_arc_with_capacity(1 + i, 1 + len(self.demands) + k, amount)
        for k, pool in enumerate(self.pools):
            flow.add_arc_with_capacity(1 + len(self.demands) + k, sink, pool.room(x_j))
        if wanted:
            flow.solve(0, sink)
            verdict.break_by(wanted - flow.optimal_flow(), None)
