"""Who must leave home at least: simple arguments, node by node.

Whoever may not stay leaves. Where those at home under a node use more than its limit, so many leave that the rest
fits: at least as many as it takes of the largest, and at no less than the cheapest units of demand cost. Where
they use more than is safe, they leave as well or the load is paid for, whichever is cheaper. Where a group has
more items in a domain than it may, the rest leave. Above sites, what is safe or fits on all sites of a node counts
too, and who leaves goes further. Nodes of one level share no items, so that their numbers add up; of several
levels the best counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zonewright.solver.search.board import AT_MOST, BROKEN, NO_LIMIT, Board, Bools, Ints
from zonewright.solver.search.bounds.coarse import added_up
from zonewright.solver.search.bounds.frame import is_strict, nodes_of
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, rounded_up, stages_from

#: Sums of products below this are exact in 64 bits, whatever the order.
_EXACT = 2.0**61


def leavers(board: Board, stage: int, before: Sequence[int]) -> BoundProof | None:
    """Return the bound of a stage by who must leave home; None where hard rules may be broken."""
    if not is_strict(stage, before):
        return None
    bound_l = [_bound(board, stage, before, level) for level in range(len(board.levels))]
    bound = max(bound_l)
    told = {"how": "leavers", "stage": stage, "before": [int(v) for v in before], "level": bound_l.index(bound)}
    return BoundProof(stage, bound, "leavers", told)


def evaluate_leavers(board: Board, data: Mapping[str, Any]) -> int:
    """Return the bound that the leavers of a level prove."""
    stage, before = stages_from(board, data)
    level = data.get("level")
    if type(level) is not int or not 0 <= level < len(board.levels):
        raise Damaged("not a level of this board")
    if not is_strict(stage, before):
        raise Damaged("where hard rules are broken nobody has to leave")
    return _bound(board, stage, before, level)


def _bound(board: Board, stage: int, before: Sequence[int], level: int) -> int:
    return rounded_up(board, stage, int(board.constant_k[stage]) + _of_level(board, stage, before, level), 1)


def _of_level(board: Board, stage: int, before: Sequence[int], level: int) -> int:
    """Return what leaving, and load instead, cost at least, over the nodes of a level."""
    away_i = _least_away(board, stage, level)
    forced_i = (board.home_i >= 0) & ~board.stay_i & ~board.enter_ps[board.profile_i, np.maximum(board.home_i, 0)]
    total = int(_least_away(board, stage, 0)[forced_i].sum())
    rest = np.flatnonzero((board.home_i >= 0) & ~forced_i)
    dom_x = board.dom_ls[level, board.home_i[rest]]
    rest, dom_x = rest[dom_x >= 0], dom_x[dom_x >= 0]
    order = np.argsort(dom_x, kind="stable")
    rest, dom_x = rest[order], dom_x[order]
    nothing_k = _at_nothing(board, before)
    weight_lr = np.where(board.safe_stage_lr == stage, board.safe_weight_lr, 0)
    limit_dr = _of_sites(board, level, _kept(board, nothing_k, 0))
    loads = [(_of_sites(board, level, board.safe_nr), weight_lr[0])]
    if level > 0:
        own = nodes_of(board, level)
        limit_dr = np.minimum(limit_dr, _kept(board, nothing_k, level)[own])
        loads.append((board.safe_nr[own], weight_lr[level]))
    ends = np.searchsorted(dom_x, np.arange(len(limit_dr) + 1))
    cap_g = _most_per_domain(board, level)
    for d in range(len(limit_dr)):
        here = rest[ends[d] : ends[d + 1]]
        if len(here):
            demand_xr, away_x = board.demand_ir[here], away_i[here]
            total += max(
                _too_large(demand_xr, away_x, limit_dr[d]),
                _too_many(board.group_i[here], away_x, cap_g),
                *(_too_loaded(demand_xr, away_x, safe_dr[d], weight_r) for safe_dr, weight_r in loads),
            )
    return total


def _of_sites(board: Board, level: int, amount_nr: Ints) -> Ints:
    """Return the amounts of all sites of a level's nodes together."""
    dom_s = board.dom_ls[level].astype(np.int64)
    amount_sr = amount_nr[int(board.base_l[0]) + board.dom_ls[0]]
    return added_up(amount_sr[dom_s >= 0], dom_s[dom_s >= 0], int(board.domains_l[level]))


def _at_nothing(board: Board, before: Sequence[int]) -> Bools:
    """Return the stages before to which nothing may be added: they are to stay at nothing, and nothing gains."""
    least_k = np.minimum(0, board.away_ik + np.minimum(0, board.out_ik)).sum(axis=0)
    if board.price_stage >= 0:
        least_k[board.price_stage] += min(board.price_vq.min(initial=0), board.home_price_i.min(initial=0))
    nothing_k: Bools = np.zeros(len(board.stages), bool)
    nothing_k[: len(before)] = np.asarray(before, np.int64) == board.constant_k[: len(before)]
    nothing_k &= least_k == 0
    return nothing_k


def _kept(board: Board, nothing_k: Bools, level: int) -> Ints:
    """Return the nodes' limits; of a level, what is safe where more is charged to a stage at nothing."""
    kept_r = nothing_k[board.safe_stage_lr[level]] & (board.safe_weight_lr[level] > 0)
    kept_nr: Ints = np.where(kept_r, np.minimum(board.limit_nr, board.safe_nr), board.limit_nr)
    return kept_nr


def _least_away(board: Board, stage: int, level: int) -> Ints:
    """Return what leaving home's domain of a level costs an item at least: elsewhere, or nowhere."""
    steps = board.steps
    elsewhere_i = board.away_ik[:, stage].copy()
    nowhere_i = elsewhere_i + board.out_ik[:, stage]
    for m in np.flatnonzero(steps.stage_m == stage):
        charged_i = steps.groups_mg[m, board.group_i] if len(steps.groups_mg) else np.ones(board.items, bool)
        entries = slice(int(steps.ptr_m[m]), int(steps.ptr_m[m + 1]))
        near = steps.cost_e[entries][steps.level_e[entries] != level]
        least = 0 if steps.table_m[m] >= 0 else min([int(steps.beyond_m[m]), *near.tolist()])
        elsewhere_i += np.where(charged_i, least, 0)
        nowhere_i += np.where(charged_i, steps.beyond_m[m], 0)
    least_i: Ints = np.maximum(0, np.minimum(elsewhere_i, nowhere_i))
    return least_i


def _most_per_domain(board: Board, level: int) -> Ints:
    cap_g = np.full(board.groups, NO_LIMIT, np.int64)
    terms = board.terms
    group_t = np.repeat(np.arange(board.groups), np.diff(terms.ptr_g))
    chosen = (terms.kind_t == AT_MOST) & (terms.level_t == level) & (terms.stage_t == BROKEN)
    np.minimum.at(cap_g, group_t[chosen], terms.a_t[chosen])
    return cap_g


def _too_large(demand_xr: Ints, away_x: Ints, limit_r: Ints) -> int:
    """Return what it costs at least that the rest fits, for the resource of which that is most."""
    over_r = demand_xr.sum(axis=0) - limit_r
    cheapest = np.concatenate([[0], np.cumsum(np.sort(away_x))])
    most = 0
    for r in np.flatnonzero(over_r > 0):
        largest = np.cumsum(np.sort(demand_xr[:, r])[::-1])
        count = min(int(np.searchsorted(largest, over_r[r])) + 1, len(away_x))
        most = max(most, int(cheapest[count]), shed(demand_xr[:, r], away_x, int(over_r[r]), None))
    return most


def _too_loaded(demand_xr: Ints, away_x: Ints, safe_r: Ints, weight_r: Ints) -> int:
    """Return what leaving and load cost at least together, for the resource of which that is most."""
    over_r = demand_xr.sum(axis=0) - safe_r
    return max(
        (
            shed(demand_xr[:, r], away_x, int(over_r[r]), int(weight_r[r]))
            for r in np.flatnonzero((over_r > 0) & (weight_r > 0))
        ),
        default=0,
    )


def shed(demand_x: Ints, away_x: Ints, over: int, weight: int | None) -> int:
    """Return what it costs at least to make up for an excess: items leave, or the weight is paid for what is left.

    This is a knapsack to cover. A unit is worth what it costs with the item that fills it up: any worth proves a
    bound, this one the best. All sums of costs are multiples of their greatest common divisor, the bound as well.
    """
    demand_x, away_x = np.minimum(demand_x, over)[demand_x > 0], away_x[demand_x > 0]
    if not len(demand_x):
        return 0
    order = np.argsort(away_x / demand_x, kind="stable")
    last = min(int(np.searchsorted(np.cumsum(demand_x[order]), over)), len(order) - 1)
    worth, per = int(away_x[order[last]]), int(demand_x[order[last]])
    if weight is not None and worth > weight * per:
        worth, per = weight, 1
    exact = float(worth) * float(demand_x.sum()) + float(per) * float(away_x.sum()) < _EXACT
    kind: Any = np.int64 if exact else object
    saved_x = worth * demand_x.astype(kind) - per * away_x.astype(kind)
    bound = -(-(worth * over - int(saved_x[saved_x > 0].sum())) // per)
    step = int(np.gcd.reduce(away_x, initial=weight or 0))
    return -(-bound // step) * step if step else 0


def _too_many(group_x: Ints, away_x: Ints, cap_g: Ints) -> int:
    groups, count = np.unique(group_x, return_counts=True)
    total = 0
    for g, more in zip(groups, count - np.minimum(cap_g[groups], count), strict=True):
        if more > 0:
            total += int(np.sort(away_x[group_x == g])[:more].sum())
    return total
