"""Who must leave home at least: simple arguments, node by node.

Whoever may not stay leaves. Where those at home under a node use more than its limit, so many leave that the rest
fits: at least as many as it takes of the largest. Where a group has more items in a domain than it may, the rest
leave. Nodes of one level share no items, so that their numbers add up; of several levels the best counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zonewright.solver.search.board import AT_MOST, BROKEN, NO_LIMIT, Board, Ints
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, rounded_up


def leavers(board: Board, stage: int, before: Sequence[int]) -> BoundProof | None:
    """Return the bound of a stage by who must leave home; None where hard rules may be broken."""
    if stage == BROKEN or before[BROKEN] > 0:
        return None
    best = max(range(len(board.levels)), key=lambda level: _of_level(board, stage, level))
    bound = _bound(board, stage, best)
    return BoundProof(
        stage, bound, "leavers", {"how": "leavers", "stage": stage, "before": list(before), "level": best}
    )


def evaluate_leavers(board: Board, data: Mapping[str, Any]) -> int:
    """Return the bound that the leavers of a level prove."""
    try:
        stage, level, before = data["stage"], data["level"], data["before"]
        if type(stage) is not int or type(level) is not int:
            raise Damaged("stage and level are no whole numbers")
        if not (0 < stage < len(board.stages) and 0 <= level < len(board.levels) and before[BROKEN] == 0):
            raise Damaged("not a witness of this board")
    except (KeyError, TypeError, IndexError) as error:
        raise Damaged("the witness is damaged") from error
    return _bound(board, stage, level)


def _bound(board: Board, stage: int, level: int) -> int:
    return rounded_up(board, stage, int(board.constant_k[stage]) + _of_level(board, stage, level), 1)


def _of_level(board: Board, stage: int, level: int) -> int:
    """Return what leaving costs at least, over the nodes of a level."""
    away_i = _least_away(board, stage)
    forced_i = (board.home_i >= 0) & ~board.stay_i & ~board.enter_ps[board.profile_i, np.maximum(board.home_i, 0)]
    total = int(away_i[forced_i].sum())
    rest = np.flatnonzero((board.home_i >= 0) & ~forced_i)
    dom_x = board.dom_ls[level, board.home_i[rest]]
    rest, dom_x = rest[dom_x >= 0], dom_x[dom_x >= 0]
    order = np.argsort(dom_x, kind="stable")
    rest, dom_x = rest[order], dom_x[order]
    limit_dr = board.limit_nr[int(board.base_l[level]) : int(board.base_l[level] + board.domains_l[level])]
    ends = np.searchsorted(dom_x, np.arange(len(limit_dr) + 1))
    cap_g = _most_per_domain(board, level)
    for d in range(len(limit_dr)):
        here = rest[ends[d] : ends[d + 1]]
        if len(here):
            total += max(_too_large(board, here, away_i, limit_dr[d]), _too_many(board, here, away_i, cap_g))
    return total


def _least_away(board: Board, stage: int) -> Ints:
    """Return what leaving home costs an item at least: elsewhere, or nowhere."""
    away_i = board.away_ik[:, stage]
    return np.maximum(0, away_i + np.minimum(board.out_ik[:, stage], 0))


def _most_per_domain(board: Board, level: int) -> Ints:
    cap_g = np.full(board.groups, NO_LIMIT, np.int64)
    terms = board.terms
    group_t = np.repeat(np.arange(board.groups), np.diff(terms.ptr_g))
    chosen = (terms.kind_t == AT_MOST) & (terms.level_t == level) & (terms.stage_t == BROKEN)
    np.minimum.at(cap_g, group_t[chosen], terms.a_t[chosen])
    return cap_g


def _too_large(board: Board, here: Ints, away_i: Ints, limit_r: Ints) -> int:
    """Return what as many of the cheapest cost as must leave at least, for the resource that asks for most."""
    demand_xr = board.demand_ir[here]
    excess_r = demand_xr.sum(axis=0) - limit_r
    cheapest = np.concatenate([[0], np.cumsum(np.sort(away_i[here]))])
    most = 0
    for r in np.flatnonzero(excess_r > 0):
        largest = np.cumsum(np.sort(demand_xr[:, r])[::-1])
        most = max(most, int(np.searchsorted(largest, excess_r[r])) + 1)
    return int(cheapest[min(most, len(here))])


def _too_many(board: Board, here: Ints, away_i: Ints, cap_g: Ints) -> int:
    group_x = board.group_i[here]
    groups, count = np.unique(group_x, return_counts=True)
    total = 0
    for g, more in zip(groups, count - np.minimum(cap_g[groups], count), strict=True):
        if more > 0:
            total += int(np.sort(away_i[here[group_x == g]])[:more].sum())
    return total
