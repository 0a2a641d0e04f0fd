"""Proofs of bounds as plain data, and their evaluation in whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np

from zonewright.solver.search.board import NO_LIMIT, Board, Ints
from zonewright.solver.search.bounds.frame import (
    FIT_PARTS,
    Amounts,
    Frame,
    Priced,
    Prices,
    frame_of,
    nodes_of,
    parts_of,
    priced,
    within,
)
from zonewright.solver.search.bounds.whole import LARGEST, LARGEST_COST, magnitudes

#: Cells of items x sites that are evaluated at once.
CELLS = 2_000_000
#: Stands for a place that cannot be: more than any cost.
NEVER = 1 << 61


class Damaged(ValueError):
    """A witness that is no witness: something is missing, out of its range, or of another board."""


@dataclass(frozen=True)
class BoundProof:
    """No placement that is as good in the stages before is below `bound` in a stage."""

    stage: int
    bound: int
    kind: str
    """`sums` (prices that are the same everywhere), `prices`, `leavers`, `volumes` and `holds` (what whole sites
    cost), or `patterns`."""
    data: dict[str, Any]
    """Whole numbers, lists and texts: what `evaluate` needs."""


def step_of(board: Board, stage: int) -> int:
    """Return a number that divides every difference of two values of a stage; 0 where the value is constant."""
    found = [np.where(board.safe_stage_lr == stage, board.safe_weight_lr, 0)]
    found += [board.out_ik[:, stage], board.away_ik[:, stage], board.open_nk[:, stage]]
    if board.price_stage == stage:
        found += [board.price_vq, board.home_price_i]
    weighed = (board.terms.weight_t, board.terms.stage_t), (board.company.weight_e, board.company.stage_e)
    more = (board.distances.weight_f, board.distances.stage_f), (board.ratios.weight_b, board.ratios.stage_b)
    last = (board.peaks.weight_p, board.peaks.stage_p), (board.spans.weight_x, board.spans.stage_x)
    found += [weight[of == stage] for weight, of in (*weighed, *more, *last)]
    for m in np.flatnonzero(board.steps.stage_m == stage):
        found += [
            board.steps.beyond_m[m : m + 1],
            board.steps.cost_e[board.steps.ptr_m[m] : board.steps.ptr_m[m + 1]],
        ]
        if board.steps.table_m[m] >= 0:
            found.append(board.steps.table_xqq[board.steps.table_m[m]])
    if stage == 0:
        return 1
    return math.gcd(*(int(np.gcd.reduce(np.asarray(part).reshape(-1), initial=0)) for part in found))


def rounded_up(board: Board, stage: int, total: int, scale: int) -> int:
    """Return the least value of a stage that is at least total / scale."""
    constant, step = int(board.constant_k[stage]), step_of(board, stage)
    bound = -(-total // scale)
    return constant + -(-(bound - constant) // step) * step if step > 1 else bound


def prices_data(frame: Frame, prices: Prices, how: str = "prices") -> dict[str, Any]:
    """Return whole prices as plain data: per level and resource one price, or one for every domain."""

    def by_level(price_nr: Ints) -> list[list[Any]]:
        found: list[list[Any]] = []
        for level in range(len(frame.board.levels)):
            price_dr = price_nr[nodes_of(frame.board, level)]
            found += [[level, r, _short(price_dr[:, r])] for r in range(price_dr.shape[1]) if price_dr[:, r].any()]
        return found

    return {
        "how": how,
        "stage": frame.stage,
        "before": list(frame.before),
        "lambda": prices.lambda_k.tolist(),
        "load": by_level(prices.load_nr),
        "limit": by_level(prices.limit_nr),
        "ratio": [_short(price_d) for price_d in prices.ratio_bd],
        "move": int(prices.move),
        "fit": [[*map(int, at), int(prices.fit_ksr[tuple(at)])] for at in np.argwhere(prices.fit_ksr)],
    }


def _short(price_d: Ints) -> list[int]:
    values: list[int] = price_d.tolist()
    return values[:1] if values.count(values[0]) == len(values) else values


def prices_from(frame: Frame, data: Mapping[str, Any]) -> Prices:
    """Read prices back; raises Damaged where they are not prices of this board."""
    try:
        nodes, resources = frame.limit_nr.shape
        parts = {}
        for name in ("load", "limit"):
            parts[name] = np.zeros((nodes, resources), np.int64)
            for level, r, values in data[name]:
                if not (0 <= level < len(frame.board.levels) and 0 <= r < resources):
                    raise Damaged("a price of a level or resource that is not there")
                parts[name][nodes_of(frame.board, level), r] = _long(values, int(frame.board.domains_l[level]))
        ratios = frame.board.ratios
        if len(data["ratio"]) != len(ratios.ratio_b):
            raise Damaged("not as many prices of ratios as ratios")
        ratio_bd = tuple(
            _long(values, int(frame.board.domains_l[level]))
            for values, level in zip(data["ratio"], ratios.level_b, strict=True)
        )
        lambda_k = _long(data["lambda"], frame.stage + 1)
        if len(data["lambda"]) != frame.stage + 1 or lambda_k[-1] < 1:
            raise Damaged("the stages have no prices")
        move = int(_long([data["move"]], 1)[0])
        fit_ksr = np.zeros((FIT_PARTS, *frame.fit_room_sr.shape), np.int64)
        for k, s, r, price in data["fit"]:
            if not (0 <= k < FIT_PARTS and 0 <= s < fit_ksr.shape[1] and 0 <= r < resources):
                raise Damaged("a price of a site or resource that is not there")
            fit_ksr[k, s, r] = _price(price)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise Damaged(str(error)) from error
    return Prices(lambda_k, parts["load"], parts["limit"], ratio_bd, np.int64(move), fit_ksr)


def whole_numbers(data: Mapping[str, Any], name: str, length: int) -> Ints:
    """Read a list of prices of a witness; raises Damaged where it is none."""
    values = data.get(name)
    if not isinstance(values, list) or len(values) != length:
        raise Damaged(f"not as many prices as there should be: {name}")
    return np.array([_price(value) for value in values], np.int64)


def _long(values: Any, length: int) -> Ints:
    found = np.array([_price(v) for v in values], np.int64)
    if len(found) not in (1, length):
        raise Damaged("not as many prices as domains")
    return np.full(length, found[0], np.int64) if len(found) == 1 else found


def _price(value: Any) -> int:
    if type(value) is not int or not 0 <= value < NO_LIMIT:
        raise Damaged("a price is no whole number from 0")
    return value


def evaluate_prices(board: Board, data: Mapping[str, Any]) -> int:
    """Return the bound that prices prove; with `how` sums, that of every item at the least price of any site."""
    return prove_prices(frame_from(board, data), data)


def prove_prices(frame: Frame, data: Mapping[str, Any]) -> int:
    """Return what `evaluate_prices` does, for a frame that is known already."""
    board, prices = frame.board, prices_from(frame, data)
    # Prices are held against a weight times the price of its stage.
    weight = max(int(frame.weight_nr.max(initial=0)), int(board.ratios.weight_b.max(initial=0)))
    if weight * int(prices.lambda_k.max()) > LARGEST:
        raise Damaged("the prices are too large to be evaluated exactly")
    prices = within(frame, prices)
    cost, total = magnitudes(frame, prices)
    if cost > LARGEST_COST or total > LARGEST:
        raise Damaged("the prices are too large to be evaluated exactly")
    costs = priced(frame, prices)
    if data["how"] == "sums":
        cost_i = least_anywhere(frame, costs)
        if (cost_i >= NEVER).any():
            raise Damaged("an item has no place at all")
        items = int(cost_i.sum())
    else:
        items = _kinds_total(frame, costs) if frame.merged else _groups_total(frame, costs)
    return rounded_up(board, frame.stage, int(costs.constant) + items, int(prices.lambda_k[-1]))


def least_anywhere(frame: Frame, costs: Priced) -> Amounts:
    """Return what each item costs at least: at home, nowhere, or at the least prices that any site has."""
    board = frame.board
    price_v = costs.price_vq[:, board.price_key_s].min(axis=1, initial=NEVER)
    come_i = board.demand_ir @ costs.site_sr.min(axis=0) + price_v[board.price_class_i] + costs.away_i
    come_i = np.where(frame.pinned_i, NEVER, come_i)
    stay_i = np.where(costs.stays_i, costs.home_i, NEVER)
    out_i = np.where(frame.out_allowed_i, costs.out_i, NEVER)
    least_i: Amounts = np.minimum(np.minimum(come_i, stay_i), out_i)
    return least_i


def stages_from(board: Board, data: Mapping[str, Any]) -> tuple[int, list[int]]:
    """Return a witness's stage and the values before it; raises Damaged where they are not of this board."""
    stage, before = data.get("stage"), data.get("before")
    if not _is_whole(stage) or not isinstance(before, Sequence) or not all(_is_whole(value) for value in before):
        raise Damaged("the witness names no stages")
    if not 0 <= stage < len(board.stages) or len(before) != stage:
        raise Damaged("not a witness of this board's stages")
    return int(stage), [int(value) for value in before]


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def frame_from(board: Board, data: Mapping[str, Any]) -> Frame:
    """Return what a witness is about; raises Damaged where that is not of this board."""
    return frame_of(board, *stages_from(board, data))


def _rows(frame: Frame, costs: Priced, items: Ints) -> Ints:
    """Return what items cost that come to each of the sites: items x sites, NEVER where they cannot."""
    board = frame.board
    cost_is = board.demand_ir[items] @ costs.site_sr.T + costs.away_i[items, None]
    cost_is += costs.price_vq[board.price_class_i[items]][:, board.price_key_s]
    for k, r in np.argwhere(costs.fit_ksr.any(axis=1)):
        parts_is = parts_of(board.demand_ir[items, r][:, None], frame.fit_room_sr[:, r], k + 1)
        cost_is += np.where(costs.fit_ksr[k, :, r] > 0, parts_is * costs.fit_ksr[k, :, r], 0)
    may_is = frame.enter_ps[board.profile_i[items]] & ~frame.pinned_i[items, None]
    for r, room_s in enumerate(frame.room_rs):
        if (room_s < NO_LIMIT).any():
            needs_i = board.demand_ir[items, r]
            may_is &= (needs_i[:, None] <= room_s) | (needs_i == 0)[:, None]
    return np.where(may_is, cost_is, NEVER)


def _groups_total(frame: Frame, costs: Priced) -> int:
    board, total = frame.board, 0
    limited_g = (frame.cap_g < board.items) | (frame.spread_level_g >= 0)
    out_i = np.where(frame.out_allowed_i, costs.out_i, NEVER)
    per_chunk = max(1, CELLS // max(board.sites, 1))
    g = 0
    while g < board.groups:
        last = int(np.searchsorted(board.members_ptr_g, board.members_ptr_g[g] + per_chunk, "right")) - 1
        last = min(max(last, g + 1), board.groups)
        items = board.members_x[board.members_ptr_g[g] : board.members_ptr_g[last]].astype(np.int64)
        cost_is = _rows(frame, costs, items)
        homed = np.flatnonzero(board.home_i[items] >= 0)
        home_s = board.home_i[items[homed]]
        if costs.step_ss.size:
            cost_is[homed] = np.where(cost_is[homed] < NEVER, cost_is[homed] + costs.step_ss[home_s], NEVER)
        cost_is[homed, home_s] = np.where(costs.stays_i[items[homed]], costs.home_i[items[homed]], NEVER)
        best_i = np.minimum(cost_is.min(axis=1, initial=NEVER), out_i[items])
        if (best_i >= NEVER).any():
            raise Damaged("an item has no place at all")
        total += int(best_i.sum())
        first = int(board.members_ptr_g[g])
        for h in range(g, last):
            own = slice(int(board.members_ptr_g[h]) - first, int(board.members_ptr_g[h + 1]) - first)
            if limited_g[h] and own.stop - own.start > 1:
                total += _beyond(frame, h, items[own], cost_is[own], out_i[items[own]], best_i[own])
        g = last
    return total


def _beyond(frame: Frame, g: int, items: Ints, cost_is: Ints, out_i: Ints, best_i: Ints) -> int:
    """Return what a group's limits cost beyond the cheapest place of each: by prices of sites and domains.

    Any prices do; a kernel proposes them, and nothing of what it says is taken over but them.
    """
    from zonewright.solver.search.bounds import kernels

    board, size = frame.board, len(cost_is)
    # Items alike are dealt with once.
    _, first_t, count_t = np.unique(frame.like_i[items], return_index=True, return_counts=True)
    cost_is, out_i, best_i = cost_is[first_t], out_i[first_t], best_i[first_t]
    level = int(frame.spread_level_g[g])
    domains = (int(board.domains_l[level]) if level >= 0 else 0) + 1
    dom_s = np.full(board.sites, domains - 1)
    if level >= 0:
        dom_s = np.where(board.dom_ls[level] >= 0, board.dom_ls[level], domains - 1).astype(np.int64)
    own_d = np.arange(domains) < domains - 1
    cap_d = np.where(own_d, min(size, int(frame.spread_cap_g[g])), size)
    hub_cap = size - int(frame.spread_least_g[g]) if frame.spread_least_g[g] > 1 else size
    site_cap = min(size, int(frame.cap_g[g]))
    if hub_cap < 0:
        raise Damaged("a group has fewer items than domains asked for")
    more_is, spare_i = cost_is - best_i[:, None], out_i - best_i
    proposed = [np.empty(board.sites), np.empty(domains), np.empty(domains)]
    hub = kernels.place_group(
        np.where(cost_is < NEVER, more_is, np.inf),
        np.where(out_i < NEVER, spare_i, np.inf),
        count_t.astype(np.int64),
        dom_s,
        own_d,
        site_cap,
        cap_d,
        hub_cap,
        np.empty((len(count_t), board.sites + 1), np.int64),
        *proposed,
    )
    if hub < 0:
        raise Damaged("a group has no place within its limits")
    hub_price = int(hub)
    site_s, dom_d, own_price_d = (np.maximum(np.rint(price), 0).astype(np.int64) for price in proposed)
    through_d = np.where(own_d, np.minimum(own_price_d, hub_price), hub_price)
    way_s = site_s + (dom_d + through_d)[dom_s]
    least_i = np.minimum(
        np.where(cost_is < NEVER, more_is + way_s, NEVER).min(axis=1), np.where(out_i < NEVER, spare_i, NEVER)
    )
    paid = (
        site_cap * int(site_s.sum())
        + int((cap_d * dom_d).sum())
        + int(own_price_d[own_d].sum())
        + hub_cap * hub_price
    )
    return max(0, int(least_i @ count_t) - paid)


def _kinds_total(frame: Frame, costs: Priced) -> int:
    """Price one item of each kind, without a home, and what a home changes for every item."""
    board = frame.board
    come_j = np.full(len(frame.kind_j), NEVER, np.int64)
    plain = replace(costs, away_i=np.zeros_like(costs.away_i))
    unpinned = replace(frame, pinned_i=np.zeros_like(frame.pinned_i))
    per_chunk = max(1, CELLS // max(board.sites, 1))
    for first in range(0, len(come_j), per_chunk):
        rows = slice(first, first + per_chunk)
        come_j[rows] = _rows(unpinned, plain, frame.kind_j[rows].astype(np.int64)).min(axis=1, initial=NEVER)
    come_i = np.where(frame.pinned_i | (come_j[frame.kind_i] >= NEVER), NEVER, come_j[frame.kind_i] + costs.away_i)
    stay_i = np.where(costs.stays_i, costs.home_i, NEVER)
    best_i = np.minimum(np.minimum(come_i, stay_i), np.where(frame.out_allowed_i, costs.out_i, NEVER))
    if (best_i >= NEVER).any():
        raise Damaged("an item has no place at all")
    return int(best_i.sum())
