"""Fewest moves, cheapest proof first: certificate, then shapes and flows, then search."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.certificate import attempt, price_witness
from zonewright.solver.relocation.counts import decide, improve, offer_of
from zonewright.solver.relocation.master import Costs, Master, active_hosts, bound_costs, costs_for, master_of
from zonewright.solver.relocation.patterns import Mixture, best_prices, mix
from zonewright.solver.relocation.problem import Ints, Relocated, Relocation, values_of
from zonewright.solver.relocation.program import columns_needed, solve_program
from zonewright.solver.relocation.search import search
from zonewright.solver.relocation.slots import seated, seats
from zonewright.solver.relocation.table import Table, lower

News = Callable[[str, int | None, int | None, str], None]
"""engine, moves, bound on moves, message"""

#: Columns up to which the program by class and host is solved outright.
_SMALL = 20_000
#: Parts of the time that is left: for shapes, for that program.
_SHAPES_SHARE, _PROGRAM_SHARE = 0.6, 0.6
#: Up to so many columns all hosts are decided at once first, for this part of the time and at most these seconds;
#: as long is spent on a bound that can be evaluated again once all is proven.
_FIRST_COLUMNS, _FIRST_SHARE, _EXTRA_S = 1_500, 0.1, 1.0
#: Prices of leaving an instance out, in moves of the largest weight: the first that leaves out nobody is taken.
_PRICES = (30, 1_000)
#: Offers of counts that are tried before classes are looked at one by one.
_OFFERS = 4

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
        self.asked: set[tuple[int, tuple[int, ...]]] = set()
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

    def proved_for(self, stage: int) -> bool:
        """Whether prices were asked for this stage already, with the best answer's values before."""
        known = (stage, self.values[:stage]) in self.asked
        self.asked.add((stage, self.values[:stage]))
        return known

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
    master = None if run.closed else master_of(table)
    if master is not None:
        _by_shapes(master, run, deadline, workers, seed, say)
    if not run.closed and not deadline.over and columns_needed(table) <= _SMALL:
        placement, proofs = solve_program(
            table, deadline, workers=workers, seed=seed, start=run.placement, share=_PROGRAM_SHARE
        )
        if placement is not None:
            run.offer(placement, "shapes")
            for stage, proof in enumerate(proofs):
                if proof is not None:
                    run.prove(stage, proof["bound"], run.values[:stage], proof)
            say("shapes", run.values[-1], run.bound(run.stages - 1), "decided by class and host")
    if not run.closed and run.placement is not None:

        def better(placement: Placement) -> bool:
            run.offer(placement, "search")
            say("search", run.values[-1], run.bound(run.stages - 1), "")
            return run.closed

        search(table, run.placement, better, deadline, workers=workers, seed=seed)
    return _answer(table, run, time.monotonic() - began)


def warm_up() -> None:
    """Compile every kernel, or load it from the cache, by moving one instance off a closed host."""
    one, none = np.ones(1, np.int64), np.zeros(1, np.int64)
    open_mh = np.array([[False, True]])
    tiny = Relocation(
        np.ones((2, 1), np.int64), one[:, None], one, none, one, none, none, one, open_mh, open_mh, none
    )
    table = lower(tiny)
    found = attempt(table, Deadline(60.0))
    master = master_of(table)
    if master is not None:
        seated(table, seats(master, offer_of(master, *found.placement)), Deadline(60.0))
        mix(master, bound_costs(table, 2, _PRICES[0]), Deadline(60.0), 60.0)


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


def _by_shapes(master: Master, run: _Run, deadline: Deadline, workers: int, seed: int, say: News) -> None:
    """Bound by mixtures of patterns, round them to counts per host, give the places to classes by flows."""
    table, last = master.table, run.stages - 1
    until_s = deadline.seconds + _SHAPES_SHARE * deadline.left
    costs = costs_for(table, last)
    active = active_hosts(master)
    if run.placement is not None and 2 * len(active) * master.kinds <= _FIRST_COLUMNS:
        found, proven = decide(
            master,
            costs,
            offer_of(master, *run.placement),
            active,
            deadline,
            seconds=min(_EXTRA_S, _FIRST_SHARE * deadline.left),
            workers=workers,
            seed=seed,
            floor=run.bound(last),
        )
        if found is not None:
            run.offer(seated(table, seats(master, found), deadline), "shapes")
            if proven:
                run.prove(last, found.cost, (0,) * last, {"kind": "counts", "bound": found.cost})
            say("shapes", run.values[-1], run.bound(last), f"counts of shapes reach {found.cost}")
        if run.closed:
            # What a search proved is worth less than what anyone can evaluate: look for prices a little longer.
            until_s = deadline.seconds + min(_EXTRA_S, _FIRST_SHARE * deadline.left)
    mixture = None
    for dear in _PRICES:
        # The smaller the price of leaving someone out, the sooner the mixture is found; it has to be high enough.
        costs = bound_costs(table, last, dear)
        mixture = mix(master, costs, deadline, until_s)
        if mixture is None or mixture.unplaced < 0.5:
            break
    if mixture is None:
        return
    if run.closed:
        bound, data = best_prices(master, costs, mixture, run.values[:last], last)
        if bound >= run.values[last]:
            run.bounds[last] = (bound, run.values[:last], data)
        return
    floor = math.ceil(mixture.value - 1e-6) if mixture.exact and mixture.unplaced < 1e-6 else 0
    for attempt_number in range(_OFFERS):
        found = improve(
            master,
            costs_for(table, last),
            mixture,
            deadline,
            until_s=until_s,
            workers=workers,
            seed=seed + attempt_number,
            floor=floor,
        )
        if found is None:
            break
        run.offer(seated(table, seats(master, found), deadline), "shapes")
        _prove_by_prices(master, costs, mixture, run, deadline, until_s)
        say("shapes", run.values[-1], run.bound(run.stages - 1), f"counts of shapes reach {found.cost}")
        if run.closed or deadline.seconds > until_s:
            break


def _prove_by_prices(
    master: Master, costs: Costs, mixture: Mixture, run: _Run, deadline: Deadline, until_s: float
) -> None:
    """Bound every open stage, given the values of those before, by exact prices."""
    for stage in range(run.stages):
        if run.bound(stage) >= run.values[stage] or run.proved_for(stage):
            continue
        own, own_costs = mixture, costs
        if stage < run.stages - 1:
            own_costs = bound_costs(master.table, stage, _PRICES[0])
            found = mix(master, own_costs, deadline, until_s)
            if found is None:
                return
            own = found
        bound, data = best_prices(master, own_costs, own, run.values[:stage], stage)
        run.prove(stage, bound, run.values[:stage], data)


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
