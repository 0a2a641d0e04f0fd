"""What a search begins from: a placement that is known, relieved of who has no room there, and settled anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels import cache
from zonewright.solver.search.board import BROKEN, Board, Ints, Places
from zonewright.solver.search.engines.clock import Span, left

if TYPE_CHECKING:
    from zonewright.solver.search.options import Options
    from zonewright.solver.search.state import Facts

#: Sites that are looked at for everybody together, and for one at least and at most.
LOOKS, FEWEST_LOOKS, MOST_LOOKS = 20_000_000, 60, 2_000
#: Sites that are looked at between two looks at the clock, and what one counts against a work limit.
BATCH, LOOK_WORK = 400_000, 5e-8
#: Steps of settling between two looks at the clock, and what one counts.
STEPS, STEP_WORK = 200_000, 5e-8
#: What a step up may cost, in mean demands beyond limits: from coarse to fine, again and again.
HOT, COLD, COOLING = 0.2, 0.004, 0.97
#: The hottest where only a few are missing, and what it costs then that one who runs is moved: less and less.
WARM, MOVE, EASIER = 0.05, 0.5, 0.9
#: Share of the items up to which few are missing.
FEW = 0.1
#: Share of the time left that settling may take.
SHARE = 0.7
#: Slices of descent that mend what else is broken.
MENDING = 5


def settled(board: Board, site_i: Places, deadline: Deadline, seed: int) -> Places:
    """Return a placement of everybody that breaks nothing, where that is found soon; else something near it.

    Who is nowhere goes where most room is left. Who finds none goes where least is missing, and sites are brought
    within their limits by moves and exchanges: by few of those who run today, where few are missing.
    """
    if not (site_i == board.sites).any() or not cache.ready(cache.PUTTING, deadline):
        return site_i
    return _Settling(board, deadline, seed).settle(site_i)


@dataclass
class _Settling:
    board: Board
    deadline: Deadline
    seed: int

    def __post_init__(self) -> None:
        from zonewright.solver.search.options import options_of
        from zonewright.solver.search.state import facts_of

        self.facts: Facts = facts_of(self.board)
        self.options: Options = options_of(self.board)
        mean_r = self.board.demand_ir.mean(axis=0)
        self.weight_r: npt.NDArray[np.float64] = np.ascontiguousarray(1.0 / np.maximum(mean_r, 1e-9))

    def settle(self, site_i: Places) -> Places:
        from zonewright.solver.search.state import without

        found_i = self._inserted(self.facts, site_i)
        missing = int((found_i == self.board.sites).sum())
        if (
            not missing
            or not len(self.options.item_x)
            or self.deadline.over
            or not cache.ready(cache.MENDING, self.deadline)
        ):
            return found_i
        loose = without(self.facts, "capacity")
        few = (site_i < self.board.sites).mean() >= 1 - FEW
        forced_i = self._inserted(loose, found_i)
        within_i = self._cooled(loose, forced_i, few=bool(few))
        return found_i if within_i is None else self._mended(within_i)

    def _inserted(self, facts: Facts, site_i: Places) -> Places:
        """Put who is nowhere where most room is left, largest first, as far as that breaks nothing."""
        from zonewright.solver.search.kernels.even import insert_evenly
        from zonewright.solver.search.state import make_state
        from zonewright.solver.search.walk import make_walk

        state = make_state(facts, site_i)
        walk = make_walk(facts, state, self.seed + 1)
        missing = np.flatnonzero(site_i == self.board.sites)
        order_x = missing[np.argsort(-self.options.size_i[missing], kind="stable")].astype(np.int32)
        looks = int(min(max(FEWEST_LOOKS, LOOKS // max(1, len(order_x))), MOST_LOOKS, self.board.sites))
        batch = max(1, BATCH // looks)
        for begin in range(0, len(order_x), batch):
            if self.deadline.over:
                break
            end = min(begin + batch, len(order_x))
            insert_evenly(facts, state, self.options, walk, order_x, begin, end, looks, self.weight_r)
            self.deadline.spend((end - begin) * looks * LOOK_WORK)
        return state.site_i.copy()

    def _cooled(self, loose: Facts, site_i: Places, *, few: bool) -> Places | None:
        """Bring sites within their limits; None where that does not work in time."""
        from zonewright.solver.search.kernels.settle import settle
        from zonewright.solver.search.rooms import rooms_of
        from zonewright.solver.search.state import make_state
        from zonewright.solver.search.walk import make_walk

        state = make_state(loose, site_i)
        walk = make_walk(loose, state, self.seed + 2)
        rooms = rooms_of(loose, state, BROKEN)
        rooms.price_nr[:] = self.weight_r
        price_k = np.array([MOVE if few and stage == "moves" else 0.0 for stage in self.board.stages])
        hottest = WARM if few else HOT
        heat, span = hottest, Span(self.deadline, SHARE * left(self.deadline))
        while not span.over:
            over = settle(loose, state, self.options, walk, rooms, STEPS, heat, price_k)
            self.deadline.spend(STEPS * STEP_WORK)
            if over <= 0.0:
                return state.site_i.copy()
            heat = heat * COOLING if heat > COLD else hottest
            price_k *= EASIER
        return None

    def _mended(self, site_i: Places) -> Places:
        """Lessen what else is broken by single moves and exchanges."""
        from zonewright.solver.search.kernels.anneal import anneal
        from zonewright.solver.search.state import make_state
        from zonewright.solver.search.walk import make_walk

        state = make_state(self.facts, site_i)
        walk = make_walk(self.facts, state, self.seed + 3)
        for _ in range(MENDING):
            if not state.value_k[BROKEN] or self.deadline.over:
                break
            anneal(self.facts, state, self.options, walk, STEPS, STEPS, False)
            self.deadline.spend(STEPS * STEP_WORK)
        return state.site_i.copy()


def relieved(board: Board, site_i: Places) -> Places:
    """Return a placement in which who may not be at a site, or is too much there, is nowhere.

    Of each overfull site as few leave as a simple choice finds: one that alone is enough, of these who costs least
    to move and is smallest; else whoever lessens the excess most, again and again. Pinned items stay.
    """
    found = np.asarray(site_i, np.int32).copy()
    placed = np.flatnonzero(found < board.sites)
    at_home = found[placed] == board.home_i[placed]
    may = np.where(at_home, board.stay_i[placed], board.enter_ps[board.profile_i[placed], found[placed]])
    found[placed[~may & ~board.pinned_i[placed]]] = board.sites
    use_sr = np.zeros((board.sites, len(board.resources)), np.int64)
    placed = np.flatnonzero(found < board.sites)
    np.add.at(use_sr, found[placed], board.demand_ir[placed])
    excess_sr = np.maximum(use_sr - board.limit_nr[: board.sites], 0)
    overfull = np.flatnonzero(excess_sr.any(axis=1))
    if not len(overfull):
        return found
    placed = placed[np.isin(found[placed], overfull) & ~board.pinned_i[placed]]
    order = placed[np.argsort(found[placed], kind="stable")]
    first = np.searchsorted(found[order], overfull)
    last = np.searchsorted(found[order], overfull, side="right")
    for site, begin, end in zip(overfull.tolist(), first.tolist(), last.tolist(), strict=True):
        found[leaving(board, order[begin:end], excess_sr[site])] = board.sites
    return found


def leaving(board: Board, item_x: Ints, excess_r: Ints) -> Ints:
    """Return who of a site's items leaves so that nothing is in excess; all where that is not enough."""
    gone: list[int] = []
    left = list(range(len(item_x)))
    demand_xr = board.demand_ir[item_x]
    excess_r = excess_r.copy()
    while left and excess_r.any():
        enough = [x for x in left if (demand_xr[x] >= excess_r).all()]
        if enough:
            leaver = min(enough, key=lambda x: (*board.away_ik[item_x[x]].tolist(), *demand_xr[x].tolist()))
        else:
            share_x = (np.minimum(demand_xr[left], excess_r) / np.maximum(excess_r, 1)).sum(axis=1)
            leaver = left[int(share_x.argmax())]
        left.remove(leaver)
        gone.append(leaver)
        excess_r = np.maximum(excess_r - demand_xr[leaver], 0)
    return item_x[gone]
