"""Prices of a stage's limits, made better step by step, and the witness they leave.

The first prices are the same everywhere: what they prove is what the sums prove, load above all that is safe,
ratios above all that is free. Then every price follows its own limit's excess, each at its own pace (the steps of
Kingma and Ba 2015): amounts of different resources, and loads beside limits, differ by orders of magnitude, and
one length of step for all of them gets nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.search.board import NO_LIMIT, Ints
from zonewright.solver.search.bounds.frame import (
    FIT_PARTS,
    Floats,
    Frame,
    Priced,
    Prices,
    nodes_of,
    parts_of,
    priced,
    ratio_most,
    within,
)
from zonewright.solver.search.bounds.proof import least_anywhere

# Steps: the share of a price's own scale, after how many steps it is halved, and how long excesses are remembered.
PACE = 0.05
HALVED_AFTER = 100
# How large the price of a part may well be, as a share of that of the room.
FIT_SCALE = 0.5
# After so many steps without a better bound, begin again at the best prices with shorter steps.
PATIENCE = 100
SHORTER = 0.3
MEMORY = 0.9
LONG_MEMORY = 0.99


@dataclass(frozen=True)
class Slopes:
    """What a price's limit is exceeded by, in the places that its prices would choose."""

    lambda_k: Floats
    load_nr: Floats
    limit_nr: Floats
    ratio_bd: tuple[Floats, ...]
    move: float
    fit_ksr: Floats


class Ascent:
    """Prices that get better: `advance` makes one step, `best` is what the best ones prove, up to rounding."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.prices = self.best_prices = _even(frame, set())
        self.best = -np.inf
        self._count = self._idle = 0
        self.pace = PACE
        self._shape = [np.shape(part) for part in _parts(self.prices)]
        self._scale_x = _flat(_scales(frame))
        self._mean_x, self._square_x = np.zeros(len(self._scale_x)), np.zeros(len(self._scale_x))
        self.impossible = False
        self._start()

    def _start(self) -> None:
        """Begin with even prices: of all loads that the sums exceed, or of none where that is better."""
        for which in ({"load", "ratio"}, {"load"}, {"ratio"}, set[str]()):
            prices = _even(self.frame, which)
            costs = priced(self.frame, prices)
            value = float(least_anywhere(self.frame, costs).sum()) + costs.constant
            if value > self.best:
                self.best, self.prices, self.best_prices = value, prices, prices

    def advance(self) -> float:
        """Make one step and return what the best prices prove."""
        value, costs, site_i = self._assess(self.prices)
        self._idle += 1
        if value > self.best:
            self.best, self.best_prices, self._idle = value, self.prices, 0
        elif self._idle >= PATIENCE:
            self._again()
            return self.best
        self._count += 1
        n, now_x = self._count, _flat(self.prices)
        slope_x = _flat(_slopes(self.frame, self.prices, costs, site_i))
        slope_x[(now_x <= 0) & (slope_x < 0)] = 0.0
        self._mean_x = MEMORY * self._mean_x + (1 - MEMORY) * slope_x
        self._square_x = LONG_MEMORY * self._square_x + (1 - LONG_MEMORY) * slope_x**2
        size_x = np.sqrt(self._square_x / (1 - LONG_MEMORY**n))
        step_x = np.divide(self._mean_x / (1 - MEMORY**n), size_x, out=np.zeros_like(size_x), where=size_x > 0)
        pace = self.pace / (1 + n / HALVED_AFTER)
        self.prices = within(self.frame, self._unflat(np.maximum(now_x + pace * self._scale_x * step_x, 0)))
        return self.best

    def _again(self) -> None:
        """Go back to the best prices, with shorter steps and nothing remembered."""
        self.prices, self._idle, self._count = self.best_prices, 0, 0
        self.pace *= SHORTER
        self._mean_x[:], self._square_x[:] = 0.0, 0.0

    def _assess(self, prices: Prices) -> tuple[float, Priced, Ints]:
        costs = priced(self.frame, prices)
        value, site_i = cheapest(self.frame, costs)
        self.impossible |= value == np.inf
        return value, costs, site_i

    def _unflat(self, x: Floats) -> Prices:
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shape])
        parts = [part.reshape(shape) for part, shape in zip(np.split(x, ends[:-1]), self._shape, strict=True)]
        lambda_k = np.append(parts[0], 1.0)
        return Prices(lambda_k, parts[1], parts[2], tuple(parts[5:]), float(parts[3]), parts[4])


def _parts(prices: Prices | Slopes) -> list[Any]:
    """Return the prices that steps are made on: all but that of the stage itself, which is the unit."""
    return [prices.lambda_k[:-1], prices.load_nr, prices.limit_nr, prices.move, prices.fit_ksr, *prices.ratio_bd]


def _flat(prices: Prices | Slopes) -> Floats:
    return np.concatenate([np.ravel(part) for part in _parts(prices)])


def _even(frame: Frame, which: set[str]) -> Prices:
    """Return prices that are the same everywhere: the whole weight where the sums exceed what is safe or free."""
    board = frame.board
    lambda_k = np.zeros(frame.stage + 1)
    lambda_k[-1] = 1.0
    load_nr = np.zeros(frame.limit_nr.shape)
    total_r = board.demand_ir[~frame.out_allowed_i].sum(axis=0)
    for level in range(len(board.levels)) if "load" in which else ():
        nodes = nodes_of(board, level)
        weighed_r = (frame.weight_nr[nodes] > 0).any(axis=0) & (board.safe_stage_lr[level] == frame.stage)
        safe_r = np.minimum(frame.safe_nr[nodes], total_r.sum() + 1).sum(axis=0)
        over_r = weighed_r & (total_r > safe_r)
        load_nr[nodes] = np.where(over_r, frame.weight_nr[nodes], 0)
    no_fit_ksr = np.zeros((FIT_PARTS, *frame.fit_room_sr.shape))
    ratio_bd = []
    for b, (level, stage) in enumerate(zip(board.ratios.level_b, board.ratios.stage_b, strict=True)):
        nodes = nodes_of(board, int(level))
        free_r = np.minimum(frame.limit_nr[nodes], NO_LIMIT // (1 + len(frame.limit_nr))).sum(axis=0) - total_r
        short = board.ratios.ratio_b[b] * free_r[board.ratios.resource_b[b]] > free_r[board.ratios.beside_b[b]]
        wanted = short and stage == frame.stage and "ratio" in which
        ratio_bd.append(np.where(wanted, ratio_most(frame, b), 0).astype(float))
    return Prices(lambda_k, load_nr, np.zeros(frame.limit_nr.shape), tuple(ratio_bd), 0.0, no_fit_ksr)


def _scales(frame: Frame) -> Prices:
    """Return how large each price may well be: what it is a price of, per unit of a usual demand."""
    board, k = frame.board, frame.stage
    here_nr = np.where(frame.weight_stage_nr == k, frame.weight_nr, 0).astype(float)
    direct_m = np.array([_direct(frame, m) for m in range(k + 1)])
    demand_r = np.maximum(board.demand_ir.mean(axis=0), 1e-9)
    opened_nr = board.open_nk[:, k, None] / np.maximum(np.minimum(frame.limit_nr, NO_LIMIT), 1)
    limit_nr = np.maximum(np.maximum(here_nr, direct_m[k] / demand_r), opened_nr)
    usual = max(direct_m[k], float((here_nr.max(axis=0, initial=0.0) * demand_r).max(initial=0.0)), 1e-9)
    lambda_k = np.append(usual / np.maximum(direct_m[:k], 1.0), 1.0)
    most_nr = np.where(frame.weight_nr > 0, usual / demand_r, 0.0)
    load_nr = np.where(here_nr > 0, here_nr, most_nr)
    ratio_bd = tuple(ratio_most(frame, b).astype(float) for b in range(len(board.ratios.ratio_b)))
    site_nr = limit_nr[int(board.base_l[0]) + board.dom_ls[0]]
    fit_sr = site_nr * frame.fit_room_sr * FIT_SCALE
    fit_ksr = np.stack([fit_sr / (k + 1) for k in range(FIT_PARTS)])
    return Prices(lambda_k, load_nr, limit_nr * (frame.limit_nr < NO_LIMIT), ratio_bd, usual, fit_ksr)


def _direct(frame: Frame, m: int) -> float:
    """Return what the direct costs of an item in a stage usually differ by."""
    board = frame.board
    found = float(board.away_ik[:, m].mean()) + float(board.out_ik[frame.out_allowed_i, m].sum()) / board.items
    if board.price_stage == m:
        found += float(np.ptp(board.price_vq, axis=1).mean())
    return found + sum(float(table_ss.mean()) for stage, table_ss in frame.step_tables if stage == m)


def cheapest(frame: Frame, costs: Priced) -> tuple[float, Ints]:
    """Return what the cheapest places cost, all included, and these: infinity where some item has none."""
    from zonewright.solver.search.bounds import kernels

    board = frame.board
    members_ptr, members_x = board.members_ptr_g, board.members_x
    out_i = np.where(frame.out_allowed_i, costs.out_i, np.inf).astype(float)
    home_i, pinned_i, away_i, home_cost_i = board.home_i, frame.pinned_i, costs.away_i.astype(float), costs.home_i
    limited_g = (frame.cap_g < board.items) | (frame.spread_level_g >= 0)
    if frame.merged:
        members_ptr, members_x = np.array([0, len(frame.kind_j)]), frame.kind_j
        limited_g = np.zeros(1, bool)
        home_i, pinned_i, away_i = np.full_like(home_i, -1), np.zeros_like(pinned_i), np.zeros_like(away_i)
        out_i = np.full_like(out_i, np.inf)
    site_i, cost_i = np.full(board.items, board.sites, np.int64), np.full(board.items, np.inf)
    possible = kernels.assess(
        members_ptr,
        members_x,
        board.demand_ir,
        np.ascontiguousarray(costs.site_sr.T, float),
        frame.enter_ps,
        board.profile_i,
        costs.price_vq.astype(float),
        board.price_class_i,
        board.price_key_s,
        home_i,
        home_cost_i.astype(float),
        costs.stays_i,
        pinned_i,
        away_i,
        out_i,
        costs.step_ss.astype(float),
        np.ascontiguousarray(costs.fit_ksr.transpose(0, 2, 1), float),
        np.ascontiguousarray(frame.fit_room_sr.T),
        frame.room_rs,
        frame.like_i,
        limited_g,
        frame.cap_g,
        board.dom_ls,
        frame.spread_level_g,
        board.domains_l,
        frame.spread_cap_g,
        frame.spread_least_g,
        site_i,
        cost_i,
    )
    if frame.merged:
        possible, site_i, cost_i = _of_kinds(frame, costs, site_i, cost_i)
    return (float(cost_i.sum()) + costs.constant if possible else np.inf), site_i


def _of_kinds(frame: Frame, costs: Priced, site_i: Ints, cost_i: Floats) -> tuple[bool, Ints, Floats]:
    """Give every item the cheapest of its kind's best site, its own home and nowhere."""
    board = frame.board
    like_i = frame.kind_j[frame.kind_i]
    come_i = np.where(frame.pinned_i, np.inf, cost_i[like_i] + costs.away_i)
    stay_i = np.where(costs.stays_i, costs.home_i, np.inf)
    out_i = np.where(frame.out_allowed_i, costs.out_i, np.inf)
    best_i = np.minimum(np.minimum(come_i, stay_i), out_i)
    found_i = np.where(best_i == come_i, site_i[like_i], np.where(best_i == stay_i, board.home_i, board.sites))
    return bool((best_i < np.inf).all()), found_i, best_i


def _slopes(frame: Frame, prices: Prices, costs: Priced, site_i: Ints) -> Slopes:
    """Return by how much each limit is exceeded where everything is in its cheapest place."""
    board = frame.board
    use_nr = _use(frame, site_i, np.arange(board.items))
    gone = np.flatnonzero((board.home_i >= 0) & (site_i != board.home_i))
    held_nr = np.where(frame.holds_nr, _use(frame, board.home_i.astype(np.int64), gone), 0)
    open_nr = costs.opened_n[:, None]
    limit_nr = np.where(frame.limit_nr < NO_LIMIT, use_nr + held_nr - frame.limit_nr * open_nr, 0.0)
    load_nr = np.where(frame.weight_nr > 0, use_nr - frame.safe_nr * open_nr, 0.0)
    ratio_bd = []
    for b in range(len(board.ratios.ratio_b)):
        nodes = nodes_of(board, int(board.ratios.level_b[b]))
        free_dr = frame.limit_nr[nodes].astype(float) - use_nr[nodes]
        r, beside = board.ratios.resource_b[b], board.ratios.beside_b[b]
        ratio_bd.append(board.ratios.ratio_b[b] * free_dr[:, r] - free_dr[:, beside])
    lambda_k = np.array([_direct_value(frame, m, costs, site_i) - v for m, v in enumerate(frame.before)] + [0.0])
    move = float(len(gone) - board.most_moves) if board.most_moves < NO_LIMIT else 0.0
    return Slopes(lambda_k, load_nr, limit_nr, tuple(ratio_bd), move, _fit_slopes(frame, site_i))


def _fit_slopes(frame: Frame, site_i: Ints) -> Floats:
    """Return by how much the parts are more than a site has."""
    board = frame.board
    found_ksr = np.zeros((FIT_PARTS, *frame.fit_room_sr.shape))
    if not frame.fit_room_sr.any():
        return found_ksr
    open_sr = ~frame.holds_nr[int(board.base_l[0]) + board.dom_ls[0]]
    placed = np.flatnonzero(site_i < board.sites)
    at_x = site_i[placed]
    counts_xr = open_sr[at_x] | (at_x != board.home_i[placed])[:, None]
    for k in range(FIT_PARTS):
        parts_xr = parts_of(board.demand_ir[placed], frame.fit_room_sr[at_x], k + 1)
        np.add.at(found_ksr[k], at_x, np.where(counts_xr, parts_xr, 0))
        found_ksr[k] -= k + 1
    return np.where(frame.fit_room_sr > 0, found_ksr, 0.0)


def _use(frame: Frame, site_i: Ints, items: Ints) -> Floats:
    """Return the use of every node by some items in their places."""
    board = frame.board
    items = items[site_i[items] < board.sites]
    use_sr = np.stack(
        [
            np.bincount(site_i[items], weights=board.demand_ir[items, r], minlength=board.sites)
            for r in range(len(board.resources))
        ],
        axis=1,
    )
    use_nr = np.zeros(frame.limit_nr.shape)
    for level, dom_s in enumerate(board.dom_ls):
        inside_s = np.flatnonzero(dom_s >= 0)
        if (frame.limit_nr[nodes_of(board, level)] < NO_LIMIT).any() or frame.weight_nr[
            nodes_of(board, level)
        ].any():
            np.add.at(use_nr, int(board.base_l[level]) + dom_s[inside_s], use_sr[inside_s])
    return use_nr


def _direct_value(frame: Frame, m: int, costs: Priced, site_i: Ints) -> float:
    """Return what the places of single items cost in a stage, and the nodes that are worth opening."""
    board = frame.board
    out_i = site_i == board.sites
    moved_i = (board.home_i >= 0) & (site_i != board.home_i)
    total = (
        float(board.constant_k[m]) + float(board.out_ik[out_i, m].sum()) + float(board.away_ik[moved_i, m].sum())
    )
    total += float(board.open_nk[costs.opened_n, m].sum())
    if board.price_stage == m:
        home_i = ~moved_i & (board.home_i >= 0)
        key_i = board.price_key_s[np.where(out_i, 0, site_i)]
        price_i = np.where(home_i, board.home_price_i, board.price_vq[board.price_class_i, key_i])
        total += float(price_i[~out_i].sum())
    for stage, table_ss in frame.step_tables:
        if stage == m:
            both_i = moved_i & ~out_i
            total += float(table_ss[board.home_i[both_i], site_i[both_i]].sum())
    return total
