"""The cheapest additions: a bound by prices, a purchase that reaches it or nearly, and everybody's place.

Patterns of whole hosts, scenarios inside, are mixed by a linear program. Its prices cut off purchases; the
cheapest purchase that satisfies the cuts is tried, and where the mixture has no room in it, its prices are one
more cut (Benders 1962). What is relaxed still is that hosts are not split and that groups have limits per host, so
that this purchase often suffices. If it does, nothing is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.branching import Tree, prove_by_branching
from zonewright.solver.result import Progress
from zonewright.solver.sizing import exact
from zonewright.solver.sizing.clock import remaining, spent, whole
from zonewright.solver.sizing.counts import Counts, decide, improve, rounded
from zonewright.solver.sizing.cuts import Cut, cut_of
from zonewright.solver.sizing.exchange import reseat, seat_missing
from zonewright.solver.sizing.master import Box, Master, Mixture
from zonewright.solver.sizing.prices import Patterns, Pricer
from zonewright.solver.sizing.problem import Ints, Sized, SizingProblem
from zonewright.solver.sizing.purchases import Purchase, cheapest
from zonewright.solver.sizing.seated import Seated, seated
from zonewright.solver.sizing.seating import Seating
from zonewright.solver.sizing.table import Table, table_of
from zonewright.solver.sizing.units import Units, units_of
from zonewright.solver.sizing.witness import IMPOSSIBLE, matrix_of

#: How much more than the relaxation asks for a purchase gives, where the cheapest could not be packed.
_SLACKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_CUTS = 400
_MISSING = 1e-6
#: Decisions of a few hosts that help nobody before a purchase is given up.
_FRUITLESS = 16
#: Shares of slack below which no purchase is looked for, and attempts in all.
_LEAST_SLACK, _ATTEMPTS = 5e-4, 200
#: Longer than planned for it may take to buy what makes an answer of an attempt.
_GRACE_S = 5.0
#: What a proof that can be evaluated again may cost; else it is searched for again.
_TREE_S, _TREE_NODES = 3.0, 3_000


@dataclass
class _Search:
    """What is known so far."""

    problem: SizingProblem
    deadline: Deadline
    workers: int
    seed: int
    news: Callable[[Progress], None] | None
    cuts: list[Cut] = field(default_factory=list)
    bound: int = 0
    best: Seated | None = None
    cost: int = 0
    impossible: bool = False
    searched: bool = False
    """Whether the bound rests on a search of everything at once."""

    def tell(self, engine: str, message: str = "") -> None:
        if self.news is not None:
            value = self.cost if self.best is not None else None
            self.news(Progress(self.deadline.seconds, engine, "additions", value, self.bound, message))

    def take(self, state: Seated, engine: str) -> None:
        """Keep a whole placement if it costs less than the best."""
        cost = int(self.problem.price_o[state.offer_i].sum())
        if self.best is None or cost < self.cost:
            self.best, self.cost = state, cost
            self.tell(engine)

    @property
    def closed(self) -> bool:
        return self.best is not None and self.cost <= self.bound


def size(
    problem: SizingProblem,
    deadline: Deadline,
    *,
    workers: int = 1,
    seed: int = 0,
    news: Callable[[Progress], None] | None = None,
) -> Sized:
    """Return the cheapest additions that could be found in time, with a bound.

    Raises InputError where the problem's arrays do not fit together.
    """
    problem.check()
    search = _Search(problem, deadline, workers, seed, news)
    table = table_of(problem)
    engine = _Engine(search, table)
    purchase = engine.relax()
    if purchase is not None and not search.impossible:
        engine.realise(purchase)
    return _answer(search, _witness(search, engine.units))


class _Engine:
    """The relaxation with its patterns, and what is made of it."""

    def __init__(self, search: _Search, table: Table) -> None:
        self.search, self.table = search, table
        self.units = units_of(table)
        self.pricer = Pricer(table, self.units)
        self.master = Master(table, self.pricer)
        self.spread = [Master(table, pricer) for pricer in _spread_pricers(table, self.pricer)]
        self.random = np.random.default_rng(search.seed)
        self.drafts: dict[bytes, Counts] = {}
        """What attempts have come to, by purchase."""
        self.attempts = 0

    def relax(self) -> Purchase | None:
        """Raise the bound until the relaxation has room in the cheapest purchase; return that purchase."""
        search, problem = self.search, self.search.problem
        mixture = self.master.mix(search.deadline, 0.5 * whole(search.deadline))
        if mixture is None:
            return None
        search.cuts.append(cut_of(self.table, self.pricer, mixture.prices))
        purchase: Purchase | None = None
        while len(search.cuts) < _CUTS:
            try:
                found = cheapest(problem, search.cuts, search.deadline, seed=search.seed)
            except TimeoutError:
                return purchase
            if found is None:
                search.impossible = True
                return None
            purchase = found
            if found.bound > search.bound:
                search.bound = found.bound
                search.tell("linear")
            mixture = self.mixed(self.master, found.bought_o, 0.6)
            if mixture is None or mixture.missing < _MISSING:
                return purchase
            cut = cut_of(self.table, self.pricer, mixture.prices)
            if int(cut.weight_o @ found.bought_o) >= cut.least:
                return purchase
            search.cuts.append(cut)
        return purchase

    def mixed(self, master: Master, bought_o: Ints, share: float) -> Mixture | None:
        """Return the mixture for a purchase, within a share of all time."""
        deadline = self.search.deadline
        master.confine(Box(bought_o, bought_o))
        return master.mix(deadline, share * whole(deadline))

    def realise(self, purchase: Purchase) -> None:
        """Pack purchases, the cheapest first, then dearer ones until one can be packed, then those between."""
        search = self.search
        self.at_once(0.2)
        if search.closed or search.impossible:
            return
        self.rough(purchase.bought_o)
        self.attempt(purchase.bought_o, 0.35)
        self.at_once(0.3)
        for slack in _SLACKS:
            if search.deadline.over or self.near(2.0 * slack):
                break
            self.with_slack(slack, 0.15)
        self.at_once(0.5)
        slack = search.cost / max(search.bound, 1) - 1.0
        while search.best is not None and not search.closed and not search.deadline.over:
            slack *= 0.5
            if slack < _LEAST_SLACK or not self.with_slack(slack, 0.3):
                # What was nearly packed is worth going on with.
                before = search.cost
                if not self.attempt(purchase.bought_o, 0.6) and search.cost == before:
                    return
                slack = search.cost / max(search.bound, 1) - 1.0

    def near(self, share: float) -> bool:
        """Return whether the best costs at most a share more than the bound."""
        return self.search.best is not None and self.search.cost <= (1.0 + share) * self.search.bound

    def rough(self, bought_o: Ints) -> None:
        """Keep a first answer that needs no time: the largest first wherever there is room, and more bought."""
        search = self.search
        until = spent(search.deadline) + 0.2 * remaining(search.deadline)

        def over() -> bool:
            return search.deadline.over or spent(search.deadline) > until

        offer_i = np.repeat(np.arange(len(bought_o)), bought_o).astype(np.int64)
        state = Seated(search.problem, offer_i)
        seat_missing(state, self.random, over, exchanges=0)
        found = with_more(state, over, self.random)
        if found is not None:
            search.take(found, "greedy")

    def at_once(self, share: float) -> None:
        """Search everything at once for something cheaper, where that is small: what is proven then is exact."""
        search, problem = self.search, self.search.problem
        most_cost = search.cost if search.best is not None else IMPOSSIBLE
        if search.closed or search.impossible or search.deadline.over or not exact.small(problem, most_cost):
            return
        status, found = exact.search(
            problem,
            search.bound,
            most_cost,
            search.deadline,
            seconds=share * remaining(search.deadline),
            workers=search.workers,
            seed=search.seed,
        )
        if found is not None:
            search.take(found, "exact")
        if status == "infeasible" and search.best is None:
            search.impossible = search.searched = True
        elif status in ("infeasible", "optimal"):
            search.bound, search.searched = search.cost, True
            search.tell("exact")

    def with_slack(self, slack: float, share: float) -> bool:
        """Try the cheapest purchase with some slack; return whether it was new and cheaper than the best."""
        search = self.search
        limit = search.cost - 1 if search.best is not None else None
        try:
            found = cheapest(
                search.problem, search.cuts, search.deadline, seed=search.seed, slack=slack, most_cost=limit
            )
        except TimeoutError:
            return False
        if found is None or found.bought_o.tobytes() in self.drafts:
            return False
        self.attempt(found.bought_o, share)
        return True

    def attempt(self, bought_o: Ints, share: float) -> bool:
        """Pack a purchase within a share of the time that is left; keep what comes of it, if need be with more.

        Goes on from where an earlier attempt at it ended. Returns whether there is any reason to try it again.
        """
        search = self.search
        deadline = search.deadline
        until = spent(deadline) + share * remaining(deadline)
        self.attempts += 1
        draft = self.drafts.get(bought_o.tobytes())
        if draft is None:
            mixture = self.mixture_for(bought_o)
            if mixture is None:
                return False
            draft = rounded(*mixture, bought_o)
            self.drafts[bought_o.tobytes()] = draft
            self.decide(draft, until)
        half = spent(deadline) + 0.6 * (until - spent(deadline))
        improve(self.table, draft, deadline, half, workers=search.workers, seed=search.seed + self.attempts)
        state = self.seat(draft, until)
        if state.done:
            search.take(state, "packing")
            return False
        patched = with_more(state, lambda: deadline.over or spent(deadline) > until + _GRACE_S, self.random)
        if patched is not None:
            search.take(patched, "packing")
        return not deadline.over and len(draft.kind_i) > 0 and self.attempts < _ATTEMPTS

    def mixture_for(self, bought_o: Ints) -> tuple[Master, Mixture] | None:
        """Return a mixture of patterns that leave groups the most choice, of those that have room; else of any."""
        masters = [*self.spread, self.master]
        found: tuple[Master, Mixture] | None = None
        for n, master in enumerate(masters):
            for other in (*masters[:n], self.master):
                if other is not master:
                    master.add(_fitting(other, master.pricer, self.table))
            mixture = self.mixed(master, bought_o, 0.9)
            if mixture is not None:
                found = master, mixture
                if mixture.missing < _MISSING:
                    break
        return found

    def decide(self, counts: Counts, until: float) -> None:
        """Settle the hosts that the mixture splits."""
        search = self.search
        open_i = np.flatnonzero(counts.open_i)
        for part in np.array_split(open_i, max(1, -(-len(open_i) // 60))):
            left = max(0.2, 0.5 * (until - spent(search.deadline)))
            decide(
                self.table, counts, part, search.deadline, seconds=left, workers=search.workers, seed=search.seed
            )

    def seat(self, counts: Counts, until: float) -> Seated:
        """Seat everybody, as far as that succeeds until then."""
        search = self.search
        runs = [
            Seating(self.table, counts, np.random.default_rng((search.seed, self.attempts, n))).run()
            for n in range(3)
        ]

        def over() -> bool:
            return search.deadline.over or spent(search.deadline) > until

        state = seated(search.problem, min(runs, key=lambda seats: seats.short))
        seat_missing(state, self.random, over)
        turn = fruitless = 0
        while not state.done and fruitless < _FRUITLESS and spent(search.deadline) < until:
            left = max(0.2, min(3.0, until - spent(search.deadline)))
            better = reseat(
                state,
                search.deadline,
                seconds=left,
                workers=search.workers,
                seed=search.seed + 100 * self.attempts + turn,
                random=self.random,
            )
            seat_missing(state, self.random, over)
            turn += 1
            fruitless = 0 if better else fruitless + 1
        return state


def _spread_pricers(table: Table, pricer: Pricer) -> list[Pricer]:
    """Return pricers of patterns with few of a shape on a host, so that its groups find hosts enough."""
    found = []
    for most_k in (table.even_k, 2 * table.even_k, table.most_k):
        part_k = np.minimum(most_k, table.most_k)
        base_most_k, arrive_most_k = -(-part_k // 2), np.maximum(np.minimum(part_k, 1), part_k * 6 // 10)
        found.append(Pricer(table, pricer.units, base_most_k=base_most_k, most_k=arrive_most_k))
    return found


def _fitting(master: Master, pricer: Pricer, table: Table) -> Patterns:
    """Return the patterns of a master that another pricer could find."""
    chosen = [
        p
        for p, (base_k, arrive_sk) in enumerate(zip(master.base_p, master.arrive_p, strict=True))
        if np.all(base_k <= pricer.base_most_k)
        and np.all(arrive_sk <= pricer.most_k)
        and np.all(base_k + arrive_sk.max(axis=0, initial=0) <= table.most_k)
    ]
    problem = table.problem
    shape = len(chosen), problem.scenarios, table.shapes
    return Patterns(
        np.array([master.kind_p[p] for p in chosen], np.int64),
        np.array([master.base_p[p] for p in chosen], np.int64).reshape(shape[0], shape[2]),
        np.array([master.arrive_p[p] for p in chosen], np.int64).reshape(shape),
    )


def with_more(state: Seated, over: Callable[[], bool], random: np.random.Generator) -> Seated | None:
    """Return a placement with more hosts bought for those without a place; None where that fails or takes long."""
    problem = state.problem
    bought_o = np.bincount(state.offer_i, minlength=len(problem.area_o)).astype(np.int64)
    while state.short and not over():
        layer, c = (int(x) for x in np.argwhere(state.missing_lc > 0)[0])
        o = _best_offer(state, bought_o, layer, c)
        if o < 0:
            return None
        before = int(state.missing_lc[0].sum()), state.short
        bought_o[o] += problem.lot_o[o]
        state = grown(state, o, int(problem.lot_o[o]))
        seat_missing(state, random, over, exchanges=0)
        # Who is placed for the first time may be one more to place again.
        if (int(state.missing_lc[0].sum()), state.short) >= before:
            return None
    return state if state.done else None


def _best_offer(state: Seated, bought_o: Ints, layer: int, c: int) -> int:
    """Return the offer that costs least for what it holds of those without a place in a layer; -1 for none."""
    problem = state.problem
    fits_o = np.all(problem.demand_cr[c] <= problem.capacity_or, axis=1) & problem.enter_mo[problem.mask_c[c]]
    fits_o &= (problem.most_o < 0) | (bought_o + problem.lot_o <= problem.most_o)
    if layer:
        fits_o &= ~problem.lost_sa[layer - 1, problem.area_o]
    missing_r = np.maximum(state.missing_lc[layer], 0) @ problem.demand_cr
    asked = missing_r > 0
    use_o = np.ones(len(fits_o))
    if asked.any():
        holds_or = problem.capacity_or[:, asked] * problem.lot_o[:, None]
        use_o = np.minimum(holds_or / missing_r[asked], 1.0).min(axis=1)
    cost_o = np.where(fits_o, problem.price_o * problem.lot_o / np.maximum(use_o, 1e-9), np.inf)
    return int(np.argmin(cost_o)) if fits_o.any() else -1


def grown(state: Seated, offer: int, hosts: int) -> Seated:
    """Return a placement with more hosts of an offer, still empty."""
    problem = state.problem
    offer_i = np.concatenate([state.offer_i, np.full(hosts, offer)])
    order = np.argsort(offer_i, kind="stable")
    new_of_old = np.empty(len(order), np.int64)
    new_of_old[order] = np.arange(len(order))
    existing = len(problem.area_h)
    other = Seated(problem, offer_i[order])
    for layer, hosts_held in enumerate(state.held_lh):
        for h, held in enumerate(hosts_held):
            to = h if h < existing else existing + int(new_of_old[h - existing])
            for c, n in held.items():
                other.put(layer, c, to, n)
    return other


def _witness(search: _Search, units: Units) -> dict[str, Any]:
    """Return what the bound rests on, as plain data."""
    bound = IMPOSSIBLE if search.impossible else search.bound
    if search.searched:
        return {"kind": "search", "bound": bound}
    found: dict[str, Any] = {
        "kind": "cuts",
        "bound": bound,
        "units": np.column_stack([units.resource_r, units.unit_r]).tolist(),
        "cuts": [cut.data for cut in search.cuts],
    }
    tree = tree_for(search.problem, search.cuts, bound)
    if tree is not None:
        leaves = [[leaf.denominator, list(leaf.row), list(leaf.weight)] for leaf in tree.leaves]
        found["tree"] = [[list(split) for split in tree.splits], leaves]
    return found


def tree_for(problem: SizingProblem, cuts: list[Cut], bound: int) -> Tree | None:
    """Return a proof that no purchase below the bound satisfies the cuts; None where that would be large."""
    if bound <= 0 or not len(problem.area_o):
        return None
    lot_o = problem.lot_o.tolist()
    rows = [(tuple(int(w) * lot for w, lot in zip(cut.weight_o, lot_o, strict=True)), cut.least) for cut in cuts]
    matrix = matrix_of(problem, rows, bound)
    return prove_by_branching(matrix, {}, 0, 1, Deadline(_TREE_S), nodes=_TREE_NODES)


def _answer(search: _Search, witness: dict[str, Any]) -> Sized:
    problem = search.problem
    best = search.best or Seated(problem, np.zeros(0, np.int64))
    if search.best is not None:
        status = "OPTIMAL" if search.closed else "FEASIBLE"
    else:
        status = "INFEASIBLE" if search.impossible else "UNKNOWN"
    return Sized(
        status=status,
        bought_o=np.bincount(best.offer_i, minlength=len(problem.area_o)).astype(np.int64),
        cost=search.cost,
        bound=search.bound if search.best is None else min(search.bound, search.cost),
        new_offer_n=best.offer_i,
        place=best.placed(0),
        arrivals_s=tuple(best.placed(1 + s) for s in range(problem.scenarios)),
        witness=witness,
        engine="exact" if search.searched else "patterns",
        seconds=search.deadline.seconds,
    )
