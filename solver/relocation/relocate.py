"""Fewest moves, cheapest proof first: certificate, then shapes and flows, then search."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.certificate import attempt, price_witness
from zonewright.solver.relocation.problem import Ints, Relocated, Relocation, values_of
from zonewright.solver.relocation.program import columns_needed, solve_program
from zonewright.solver.relocation.table import Table, lower

News = Callable[[str, int | None, int | None, str], None]
"""engine, moves, bound on moves, message"""

#: Columns up to which the program by class and host is solved outright.
_SMALL = 20_000

Placement = tuple[Ints, Ints, Ints]


def _mute(engine: str, best: int | None, bound: int | None, message: str) -> None:
    """Say nothing."""


class _Run:
    """The best answer so far and what is proven, stage by stage."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.stages = 2 + len(table.problem.priorities)
        self.placement: Placement | None = None
        self.values: tuple[int, ...] = ()
        self.engine = "certificate"
        # A bound with the values of the stages before that it was proven for, and its witness.
        self.bounds: list[tuple[int, tuple[int, ...], dict[str, Any]]] = [
            (0, (), {"kind": "trivial"})
        ] * self.stages

    def offer(self, placement: Placement, engine: str) -> None:
        """Take a placement of merged classes if it is better."""
        whole = self.table.instances(*placement)
        values = values_of(self.table.problem, *whole)
        if self.placement is None or values < self.values:
            self.placement, self.values, self.engine = placement, values, engine

    def prove(self, stage: int, bound: int, given: tuple[int, ...], data: dict[str, Any]) -> None:
        """Take a bound on a stage for answers no worse than `given` in the stages before."""
        if bound > self.bounds[stage][0] or (not self.holds(stage) and bound > 0):
            self.bounds[stage] = (bound, given, data)

    def holds(self, stage: int) -> bool:
        """Whether the bound of a stage is about answers like the best one."""
        given = self.bounds[stage][1]
        return all(value <= limit for value, limit in zip(self.values, given, strict=False))

    def bound(self, stage: int) -> int:
        """Return the bound that holds for a stage."""
        return self.bounds[stage][0] if self.holds(stage) else 0

    @property
    def closed(self) -> bool:
        """Whether every bound is reached."""
        return self.placement is not None and all(self.bound(k) >= v for k, v in enumerate(self.values))


def relocate(
    problem: Relocation, deadline: Deadline, workers: int = 1, seed: int = 0, news: News | None = None
) -> Relocated:
    """Return where everybody is, with the fewest stopped, unplaced (by priority) and moved, and what is proven.

    The same seed with one worker gives the same answer where no clock cuts the search short. Raises InputError for
    arrays that do not fit together.
    """
    began = time.monotonic()
    problem.check()
    say = news or _mute
    table = lower(problem)
    run = _Run(table)
    _certify(table, run, deadline, say)
    if not run.closed and columns_needed(table) <= _SMALL:
        placement, proofs = solve_program(
            table, deadline, workers=workers, seed=seed, start=run.placement, share=1.0
        )
        if placement is not None:
            run.offer(placement, "shapes")
            for stage, proof in enumerate(proofs):
                if proof is not None:
                    run.prove(stage, proof["bound"], run.values[:stage], proof)
    return _answer(table, run, time.monotonic() - began)


def _certify(table: Table, run: _Run, deadline: Deadline, say: News) -> None:
    """Place the displaced without touching anybody, and count who must leave in any case."""
    found = attempt(table, deadline)
    run.offer(found.placement, "certificate")
    proof = found.keeping.proof
    if proof is None:
        run.prove(run.stages - 1, found.mandatory, (), price_witness(table, found.keeping))
    else:
        run.prove(run.stages - 1, proof.get("bound", 0), (), proof)
    left_out = int(found.left_out_c.sum())
    text = f"{left_out} of the displaced found no place" if left_out else "everybody has a place"
    say("certificate", run.values[-1], run.bounds[-1][0], text)


def _answer(table: Table, run: _Run, seconds: float) -> Relocated:
    placement = run.placement or (np.zeros(0, np.int64),) * 3
    class_n, host_n, count_n = table.instances(*placement)
    bounds = tuple(min(run.bound(k), value) for k, value in enumerate(run.values))
    witness = {
        "values": list(run.values),
        "stages": [data if run.holds(k) else {"kind": "trivial"} for k, (_, _, data) in enumerate(run.bounds)],
    }
    status = "OPTIMAL" if run.closed else "FEASIBLE"
    return Relocated(status, class_n, host_n, count_n, run.values, bounds, witness, run.engine, seconds)
