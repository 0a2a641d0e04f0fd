"""What a search begins from: a placement that is known, relieved of whoever is where there is no room any more."""

from __future__ import annotations

import numpy as np

from zonewright.solver.search.board import Board, Ints, Places


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
