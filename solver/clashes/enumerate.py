"""All minimal clashes and all smallest sets that mend them, cheapest first, each from the other (MARCO).

A set that mends everything meets every clash. The cheapest set that meets all known clashes is dropped: where the
rest has a solution it is a fix, and none that is left is cheaper; where it has none there is another clash in it.
Once no set is left that meets all clashes and is not known, both lists are complete (Liffiton and others 2016; the
order by cost is that of implicit hitting sets, Davies and Bacchus 2011).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from zonewright.solver.clashes.search import Core, Search

#: More clashes, or more fixes, than anybody reads.
MOST_CLASHES, MOST_FIXES = 200, 2_000
#: Questions without an answer after which no more are asked.
MOST_UNKNOWN = 20


@dataclass
class Listing:
    """What is known."""

    clashes: list[Core] = field(default_factory=list)
    fixes: list[tuple[int, frozenset[int]]] = field(default_factory=list)
    """(cost, elements), cheapest first."""
    complete: bool = False
    proven: bool = False
    """The first fix is the cheapest there is."""


class Enumeration:
    """Goes on from known clashes."""

    def __init__(self, search: Search, weight_of: Callable[[int], int], known: list[Core]) -> None:
        self.search = search
        self.weight_of = weight_of
        self.listing = Listing()
        self.solid = True
        """Every question so far had an answer."""
        self.unknown: list[frozenset[int]] = []
        """Sets of which it is not known whether they mend everything."""
        for core in known:
            self._add(core)

    def _add(self, core: Core) -> None:
        self.listing.clashes.append(core)
        self.solid &= core.minimal

    def run(self, enough: Callable[[Listing], bool]) -> Listing:
        """Go on until all is listed, time is up, or `enough` says so."""
        listing = self.listing
        while not listing.complete and not enough(listing) and not self.search.deadline.over:
            if len(listing.clashes) > MOST_CLASHES or len(listing.fixes) > MOST_FIXES:
                break
            picked = self._cheapest()
            if picked is None:
                listing.complete = self.solid
                break
            cost, dropped = picked
            answer = self.search.whole(dropped)
            if answer.status == "feasible":
                listing.proven |= not listing.fixes and not self.unknown
                listing.fixes.append((cost, dropped))
            elif answer.status == "infeasible":
                self._add(self.search.shrink(answer.core))
                self.search.news(f"{len(listing.clashes)} clashes, {len(listing.fixes)} ways out")
            else:
                self.solid = False
                self.unknown.append(dropped)
                if len(self.unknown) >= MOST_UNKNOWN:
                    break
        return listing

    def _cheapest(self) -> tuple[int, frozenset[int]] | None:
        """Return the cheapest set that meets every known clash and contains no known fix."""
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        concerned = sorted({e for core in self.listing.clashes for e in core.elements})
        dropped = {e: model.new_bool_var("") for e in concerned}
        for core in self.listing.clashes:
            model.add_bool_or([dropped[e] for e in core.elements])
        for fix in [*(fix for _, fix in self.listing.fixes), *self.unknown]:
            model.add_bool_or([~dropped[e] for e in fix])
        model.minimize(sum(self.weight_of(e) * variable for e, variable in dropped.items()))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.search.seed
        solver.parameters.catch_sigint_signal = False
        solver.parameters.max_time_in_seconds = max(0.05, self.search.deadline.left)
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return None
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            self.solid = False
            return None
        chosen = frozenset(e for e, variable in dropped.items() if solver.value(variable))
        return int(solver.objective_value), chosen
