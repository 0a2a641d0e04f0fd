"""One worker: a placement that it changes, and the calls of kernels on it, in slices of some 50 ms."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board, Ints, Places
from zonewright.solver.search.checked import SLICE as CHECKED_SLICE
from zonewright.solver.search.checked import anneal_checked, check_state, checking
from zonewright.solver.search.engines.clock import NODE_WORK, PROPOSAL_WORK, TRY_WORK
from zonewright.solver.search.engines.shared import Shared, better
from zonewright.solver.search.options import Options
from zonewright.solver.search.rooms import Rooms
from zonewright.solver.search.state import Facts, State, make_state
from zonewright.solver.search.walk import ACCEPTED, CHANGED, PRICED, PROPOSED, REFUSED, Walk, make_walk

#: A kernel should come back after so many seconds, one whose prices are adapted every time sooner.
SLICE_S, PRICED_SLICE_S = 0.05, 0.02


@dataclass
class Worker:
    """A thread's own placement and what is needed to change it."""

    board: Board
    facts: Facts
    options: Options
    shared: Shared
    deadline: Deadline
    seed: int
    number: int = 0
    state: State = field(init=False)
    walk: Walk = field(init=False)
    stats: Counter[str] = field(default_factory=Counter)
    parameters: dict[str, int | float | str] = field(default_factory=dict)
    chances: np.random.Generator = field(init=False)
    _proposals: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chances = np.random.default_rng((self.seed, self.number))

    def begin_at(self, site_i: Places, facts: Facts | None = None) -> None:
        """Make a placement the one that is worked on; with `facts` judged by those."""
        at = facts or self.facts
        self.state = make_state(at, site_i)
        walk = make_walk(at, self.state, 1)
        walk.random_x[0] = self.chances.integers(1, 2**63)
        self.walk = walk

    def value(self) -> Ints:
        """Return the values of the placement that is worked on."""
        return self.state.value_k.copy()

    def back_to_best(self) -> None:
        """Go back to the best placement of the walk."""
        if self.walk.tally_x[CHANGED]:
            self.begin_at(self.walk.best_i)

    def forget_best(self) -> None:
        """Let the walk's best be where it is now."""
        self.walk.best_i[:] = self.state.site_i
        self.walk.best_k[:] = self.state.value_k
        self.walk.changed_i[:] = False
        self.walk.tally_x[CHANGED] = 0

    def propose(self, who: str) -> bool:
        """Offer the best of the walk to all."""
        return self.shared.propose(self.walk.best_i, self.walk.best_k, who)

    def adopt(self) -> None:
        """Go on from the best of all where that is better than this worker's."""
        site_i, value_k = self.shared.best()
        if better(value_k, self.walk.best_k):
            self.begin_at(site_i)
        else:
            self.back_to_best()

    # What follows runs kernels.

    def _slice(self, name: str, first: int) -> int:
        return self._proposals.setdefault(name, first)

    def _learn(self, name: str, done: int, seconds: float, slice_s: float = SLICE_S) -> None:
        """Choose the next slice's length; never where work is limited, so that a run can be repeated.

        Raises KernelFault where searches check themselves and the state is not right.
        """
        if self.deadline.work_limit is None and seconds > 0.0:
            wanted = done * slice_s / seconds
            self._proposals[name] = int(min(max(wanted, done / 4), done * 4, 10_000_000)) + 1
        if checking():
            check_state(self._judged, self.facts_now, self.state)

    def anneal(self, strict: bool = True) -> None:
        """Run one slice of annealing at the walk's heat."""
        from zonewright.solver.search.kernels.anneal import anneal

        name = "anneal" if strict else "mend"
        proposals = self._slice(name, 50_000)
        began = time.perf_counter()
        if checking():
            few = min(proposals, CHECKED_SLICE)
            done = anneal_checked(self._judged, self.facts_now, self.state, self.options, self.walk, few, strict)
        else:
            done = anneal(self.facts_now, self.state, self.options, self.walk, proposals, proposals, strict)
        self._learn(name, done, time.perf_counter() - began)
        self.count_walk()
        self.deadline.spend(done * PROPOSAL_WORK)

    def anneal_relaxed(self, stage: int, slack: float, rooms: Rooms) -> float:
        """Run one slice of annealing with limits at a price; return the priced excess."""
        from zonewright.solver.search.kernels.relax import anneal_relaxed

        steps = self._slice("relaxed", 50_000)
        began = time.perf_counter()
        over = anneal_relaxed(self.facts_now, self.state, self.options, self.walk, rooms, steps, stage, slack)
        self._learn("relaxed", steps, time.perf_counter() - began, PRICED_SLICE_S)
        self.count_walk()
        self.deadline.spend(steps * PROPOSAL_WORK)
        return float(over)

    def rearrange(self, samples: int, longest: int, compared: int, item_x: Places) -> None:
        """Run one slice of chains."""
        from zonewright.solver.search.kernels.eject import rearrange

        counts_x = np.zeros(4, np.int64)
        tries = self._slice("chains", 50)
        began = time.perf_counter()
        rearrange(
            self.facts_now,
            self.state,
            self.options,
            self.walk,
            tries,
            samples,
            longest,
            compared,
            item_x,
            counts_x,
        )
        self._learn("chains", tries, time.perf_counter() - began)
        self.stats.update({"chains": int(counts_x[0]), "chains_kept": int(counts_x[2])})
        self.deadline.spend(tries * TRY_WORK)

    def neighbourhoods(self, wanted: int, each: int, nodes: int) -> None:
        """Run one slice of depth-first searches over a few sites."""
        from zonewright.solver.search.kernels.neighbourhood import neighbourhoods

        counts_x = np.zeros(3, np.int64)
        name = f"near {wanted} {each} {nodes}"
        tries = self._slice(name, 4)
        began = time.perf_counter()
        neighbourhoods(self.facts_now, self.state, self.options, self.walk, tries, wanted, each, nodes, counts_x)
        self._learn(name, tries, time.perf_counter() - began)
        self.stats.update({"neighbourhoods": int(counts_x[0]), "nodes": int(counts_x[2])})
        self.deadline.spend(int(counts_x[2]) * NODE_WORK)

    facts_used: Facts | None = None
    """Facts other than the board's, while an engine works on those."""

    @property
    def _judged(self) -> Board | None:
        """The board, where values are the board's."""
        return self.board if self.facts_used is None else None

    @property
    def facts_now(self) -> Facts:
        """The facts that kernels get."""
        return self.facts_used or self.facts

    def count_walk(self) -> None:
        """Add what the walk counted to the statistics."""
        tally = self.walk.tally_x
        for name, at in (
            ("proposals", PROPOSED),
            ("priced", PRICED),
            ("refused for load", REFUSED),
            ("accepted", ACCEPTED),
        ):
            self.stats[name] += int(tally[at])
            tally[at] = 0
