"""What a stage of a board is bounded by: its families that prices can be put on, and the prices.

A relaxation puts a price on every limit. The price of a unit of a resource in a node is made of what its load
costs (never more than the load's weight) and what its limit is worth. What is left is a sum over groups, each of
which is placed where it is cheapest. Any prices give a valid bound (Geoffrion 1974).

Earlier stages are rows as well: what is sought is as good in them as is said, so that their excess has a price.
Axes as in the board: i items, s sites, l levels, n nodes, r resources, g groups, k stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zonewright.solver.search.board import (
    AT_MOST,
    BROKEN,
    LEAST_DOMAINS,
    NO_LIMIT,
    SKEW,
    Board,
    Bools,
    Ints,
    Places,
)

Floats = npt.NDArray[np.float64]
#: Prices are floats while they are sought and whole numbers in a witness.
Amounts = npt.NDArray[Any]

#: With more sites than this, what a move costs by its two ends is taken for nothing: no table of sites x sites.
MOST_STEP_SITES = 2_000
#: With more items x sites than this, items that are equal apart from their home are priced together.
MOST_CELLS = 200_000_000
#: With more items x sites than this, what fits beside each other is left out.
MOST_FIT_CELLS = 5_000_000
#: Items that demand more than a half, a third or two thirds, a quarter ... of a site's room are counted.
FIT_PARTS = 3
#: The limits of single groups are left out where placing them takes more: size x sites x (size + sites), summed.
MOST_FLOW = 100_000_000


@dataclass(frozen=True)
class Frame:
    """One stage of a board, and the values that the stages before it have."""

    board: Board
    stage: int
    before: tuple[int, ...]
    """Values of the stages before, at most which a placement may have."""
    level_n: Places
    limit_nr: Ints
    safe_nr: Ints
    """At most the limit, where that is kept."""
    weight_nr: Ints
    """Of load, 0 where a limit that is kept is not above what is safe."""
    weight_stage_nr: Places
    holds_nr: Bools
    """Where what leaves holds its resources: in nodes of single sites that cost nothing to open."""
    today_nr: Ints
    """What the items use in their homes, where that is held; 0 elsewhere."""
    out_allowed_i: Bools
    enter_ps: Bools
    pinned_i: Bools
    """Where items may come, and which may not leave; everything may be, where hard rules may be broken."""
    stays_i: Bools
    room_rs: Ints
    """No item that comes to a site demands more; NO_LIMIT where hard rules may be broken."""
    fit_room_sr: Ints
    """What those who come share on a site; everybody, where nothing is held. 0 where that is not counted."""
    cap_g: Ints
    """At most so many of a group on a site; NO_LIMIT where there is no such limit."""
    spread_level_g: Places
    """The other level at which a group has limits; -1 for none."""
    spread_cap_g: Ints
    spread_least_g: Ints
    """Domains of that level that a whole group is in at least; 1 where nothing is asked."""
    kind_j: Places
    """An item of every kind, which differ by their home only. Empty where items are priced one by one."""
    kind_i: Places
    like_i: Ints
    """Items of equal numbers cost the same everywhere, at any prices."""
    step_tables: tuple[tuple[int, Ints], ...]
    """Per rule of moves' ends its stage and costs, sites x sites; none where there are too many sites."""

    @property
    def strict(self) -> bool:
        """Whether what is sought breaks no hard rule."""
        return is_strict(self.stage, self.before)

    @property
    def merged(self) -> bool:
        """Whether equal items are priced together."""
        return len(self.kind_j) > 0


def is_strict(stage: int, before: Sequence[int]) -> bool:
    """Return whether what is sought in a stage, given the values of those before, breaks no hard rule."""
    return stage > BROKEN and before[BROKEN] == 0


def frame_of(board: Board, stage: int, before: Sequence[int]) -> Frame:
    """Return what a stage is bounded by, given the values of the stages before it.

    Raises ValueError where there are not as many values as stages before.
    """
    if not 0 <= stage < len(board.stages) or len(before) != stage:
        raise ValueError("the stage and the values before it do not fit the board")
    level_n = np.repeat(np.arange(len(board.levels), dtype=np.int32), board.domains_l)
    limit_nr = np.minimum(board.limit_nr, NO_LIMIT)
    strict = is_strict(stage, before)
    safe_nr = np.minimum(board.safe_nr, limit_nr if strict else NO_LIMIT)
    weight_nr = np.where(safe_nr < (limit_nr if strict else NO_LIMIT), board.safe_weight_lr[level_n], 0)
    holds_nr = _holds(board, level_n)
    today_nr = _today(board, holds_nr)
    allowed_i = _may_be_out(board, before)
    cells = board.items * board.sites
    of_groups = _limits_of_groups(board, strict and cells <= MOST_CELLS, allowed_i)
    kind_j, kind_i = _kinds(board) if cells > MOST_CELLS else (np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Frame(
        board,
        stage,
        tuple(int(v) for v in before),
        level_n,
        limit_nr,
        safe_nr,
        weight_nr,
        board.safe_stage_lr[level_n],
        holds_nr,
        today_nr,
        allowed_i,
        board.enter_ps if strict else np.ones_like(board.enter_ps),
        board.pinned_i & (board.home_i >= 0) & strict,
        _may_stay(board, strict),
        _room(board, limit_nr, today_nr, strict),
        _fit_room(board, limit_nr, today_nr, strict and cells <= MOST_FIT_CELLS),
        *of_groups,
        kind_j,
        kind_i,
        _alike(board, allowed_i),
        _step_tables(board) if not len(kind_j) else (),
    )


def _may_be_out(board: Board, before: Sequence[int]) -> Bools:
    """Return which items can be nowhere without a stage before being worse than it is said to be."""
    allowed_i: Bools = np.ones(board.items, bool)
    homed_i = board.home_i >= 0
    for m, value in enumerate(before):
        if board.price_stage == m and min(board.price_vq.min(initial=0), board.home_price_i.min(initial=0)) < 0:
            continue
        cost_i = board.out_ik[:, m] + np.where(homed_i, board.away_ik[:, m], 0)
        room = value - int(board.constant_k[m]) - int(np.minimum(cost_i, 0).sum())
        allowed_i &= cost_i <= room
    return allowed_i


def _holds(board: Board, level_n: Places) -> Bools:
    """A held amount counts where the site itself holds it; leaving it out elsewhere only weakens the bound."""
    closed_n: Bools = np.asarray((board.open_nk > 0).any(axis=1))
    return np.asarray(board.holds_lr[level_n] & ((level_n == 0) & ~closed_n)[:, None], bool)


def _today(board: Board, holds_nr: Bools) -> Ints:
    today_nr = np.zeros((board.nodes, len(board.resources)), np.int64)
    at_home = np.flatnonzero(board.home_i >= 0)
    np.add.at(today_nr, int(board.base_l[0]) + board.dom_ls[0, board.home_i[at_home]], board.demand_ir[at_home])
    return np.where(holds_nr, today_nr, 0)


def _may_stay(board: Board, strict: bool) -> Bools:
    homed_i = board.home_i >= 0
    return homed_i & (board.stay_i | board.enter_ps[board.profile_i, np.maximum(board.home_i, 0)] | (not strict))


def _room(board: Board, limit_nr: Ints, today_nr: Ints, strict: bool) -> Ints:
    """Return what is left for those who come: the least over the nodes that a site is in."""
    room_rs = np.full((len(board.resources), board.sites), NO_LIMIT, np.int64)
    for level, dom_s in enumerate(board.dom_ls if strict else ()):
        inside_s = np.flatnonzero(dom_s >= 0)
        node_s = int(board.base_l[level]) + dom_s[inside_s]
        left_sr = np.where(limit_nr[node_s] < NO_LIMIT, limit_nr[node_s] - today_nr[node_s], NO_LIMIT)
        room_rs[:, inside_s] = np.minimum(room_rs[:, inside_s], left_sr.T)
    return room_rs


def _limits_of_groups(board: Board, wanted: bool, allowed_i: Bools) -> tuple[Ints, Places, Ints, Ints]:
    """Return a group's limit per site, and its limits at one level more: the one that asks for most domains."""
    groups = board.groups
    cap_g, spread_cap_g = np.full(groups, NO_LIMIT, np.int64), np.full(groups, NO_LIMIT, np.int64)
    level_g, least_g = np.full(groups, -1, np.int32), np.ones(groups, np.int64)
    terms = board.terms
    if not wanted or not len(terms.kind_t):
        return cap_g, level_g, spread_cap_g, least_g
    group_t = np.repeat(np.arange(groups), np.diff(terms.ptr_g))
    whole_g = np.ones(groups, bool)
    np.logical_and.at(whole_g, board.group_i, ~allowed_i)
    hard_t = terms.stage_t == BROKEN
    for t in np.flatnonzero(hard_t & (terms.kind_t == AT_MOST) & (terms.level_t == 0)):
        cap_g[group_t[t]] = min(cap_g[group_t[t]], int(terms.a_t[t]))
    for t in np.flatnonzero(hard_t & (terms.kind_t == LEAST_DOMAINS) & (terms.a_t > 1)):
        g = group_t[t]
        if whole_g[g] and terms.a_t[t] > least_g[g]:
            level_g[g], least_g[g] = terms.level_t[t], terms.a_t[t]
    for t in np.flatnonzero(hard_t & (terms.kind_t == AT_MOST) & (terms.level_t > 0)):
        g = group_t[t]
        if level_g[g] in (-1, terms.level_t[t]):
            level_g[g], spread_cap_g[g] = terms.level_t[t], min(spread_cap_g[g], int(terms.a_t[t]))
    domains = _Domains(board)
    for t in np.flatnonzero(hard_t & (terms.kind_t == SKEW) & (terms.level_t > 0)):
        g, level = group_t[t], int(terms.level_t[t])
        listed = terms.counts_x[terms.counts_ptr_t[t] : terms.counts_ptr_t[t + 1]]
        if level_g[g] in (-1, level) and len(listed) and domains.only_in(g, level, listed):
            size = int(board.members_ptr_g[g + 1] - board.members_ptr_g[g])
            # The fullest domain holds most where all others hold as few as they may beside it.
            most = (size + int(terms.a_t[t]) * (len(listed) - 1)) // len(listed)
            level_g[g], spread_cap_g[g] = level, min(spread_cap_g[g], most)
    size_g = np.diff(board.members_ptr_g)
    flows_g = (size_g > 1) & ((cap_g < size_g) | (level_g >= 0))
    if (flows_g * size_g * board.sites * (size_g + board.sites)).sum() > MOST_FLOW:
        return np.full_like(cap_g, NO_LIMIT), np.full_like(level_g, -1), spread_cap_g, np.ones_like(least_g)
    return cap_g, level_g, spread_cap_g, least_g


def _fit_room(board: Board, limit_nr: Ints, today_nr: Ints, wanted: bool) -> Ints:
    node_s = int(board.base_l[0]) + board.dom_ls[0]
    room_sr = limit_nr[node_s] - today_nr[node_s]
    usable_sr = (limit_nr[node_s] < NO_LIMIT) & (room_sr > 0) & (room_sr < board.demand_ir.sum(axis=0))
    return np.where(usable_sr & wanted, room_sr, 0)


def parts_of(demand: Any, room: Any, k: int) -> Any:
    """Return how many parts, of which k fit into the room, a demand takes.

    A demand above a half counts 1 of 1; above two thirds 2, above a third 1 of 2; and so on: the parts of demands
    that fit together are always fewer than their sum, which is at most k + 1 (Fekete and Schepers 2001). What
    does not fit at all counts k + 1.
    """
    parts = ((k + 1) * demand + room - 1) // np.maximum(room, 1) - 1
    return np.where(demand > 0, np.minimum(parts, k + 1), 0)


class _Domains:
    """The domains of a level that items of each profile may come to."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._enter_lpd: dict[int, Bools] = {}

    def only_in(self, g: int, level: int, listed: Places) -> bool:
        """Whether a group's items can be in the listed domains only."""
        board = self._board
        if level not in self._enter_lpd:
            domains = int(board.domains_l[level])
            table_pd = np.zeros((len(board.enter_ps), domains + 1), bool)
            for d in range(-1, domains):
                table_pd[:, d] = board.enter_ps[:, board.dom_ls[level] == d].any(axis=1)
            self._enter_lpd[level] = table_pd
        items = board.members_x[board.members_ptr_g[g] : board.members_ptr_g[g + 1]]
        outside_d = np.asarray(self._enter_lpd[level][np.unique(board.profile_i[items])].any(axis=0))
        home_x = board.home_i[items]
        outside_d[board.dom_ls[level, home_x[home_x >= 0]]] = True
        outside_d[listed] = False
        return not outside_d.any()


def classes_of(key_xy: Ints) -> tuple[Ints, Ints]:
    """Return the first row of every class of equal rows, and every row's class; classes in the rows' order.

    Column by column: sorting whole rows takes ten times as long.
    """
    class_x = np.zeros(len(key_xy), np.int64)
    for value_x in key_xy.T:
        if len(value_x) and (value_x != value_x[0]).any():
            values, rank_x = np.unique(value_x, return_inverse=True)
            class_x = np.unique(class_x * len(values) + rank_x, return_inverse=True)[1]
    return np.unique(class_x, return_index=True)[1], class_x.astype(np.int64)


def _alike(board: Board, allowed_i: Bools) -> Ints:
    one = (board.profile_i, board.price_class_i, board.home_i, board.stay_i, board.pinned_i, board.home_price_i)
    key_ix = np.column_stack([*one, allowed_i, board.demand_ir, board.out_ik, board.away_ik])
    return classes_of(key_ix)[1]


def _kinds(board: Board) -> tuple[Places, Places]:
    key_ic = np.column_stack([board.demand_ir, board.profile_i, board.price_class_i])
    first_j, kind_i = classes_of(key_ic)
    return first_j.astype(np.int32), kind_i.astype(np.int32)


@dataclass(frozen=True)
class Prices:
    """Prices of everything that is not left to the groups; all at least 0."""

    lambda_k: Amounts
    """Of the stages up to the one that is bounded, whose own is the unit of all prices."""
    load_nr: Amounts
    """Of a unit of load in a node: at most its weight."""
    limit_nr: Amounts
    """Of a unit of a node's limit."""
    ratio_bd: tuple[Amounts, ...]
    """Per ratio and domain of its level."""
    move: Any
    """Of a moved item, where moves are limited."""
    fit_ksr: Amounts
    """Of a part of a site's room, for 1, 2, ... parts."""


def load_most(frame: Frame, prices: Prices) -> Amounts:
    """Return how much the price of load in a node may be at most: its weight, in its stage's price."""
    most_nr: Amounts = frame.weight_nr * _all_stages(frame, prices)[frame.weight_stage_nr]
    return most_nr


def within(frame: Frame, prices: Prices) -> Prices:
    """Return the prices, each brought to the range in which it proves something."""
    lambda_k = _all_stages(frame, prices)
    load_nr = np.clip(prices.load_nr, 0, load_most(frame, prices))
    limit_nr = np.where(frame.limit_nr < NO_LIMIT, np.maximum(prices.limit_nr, 0), 0)
    move = max(prices.move, 0) if frame.board.most_moves < NO_LIMIT else 0 * prices.move
    if not frame.strict:
        limit_nr, move = np.minimum(limit_nr, lambda_k[BROKEN]), min(move, lambda_k[BROKEN])
    ratio_bd = tuple(
        np.clip(price_d, 0, ratio_most(frame, b) * lambda_k[frame.board.ratios.stage_b[b]])
        for b, price_d in enumerate(prices.ratio_bd)
    )
    fit_ksr = np.where(frame.fit_room_sr > 0, np.maximum(prices.fit_ksr, 0), 0)
    return Prices(prices.lambda_k, load_nr, limit_nr, ratio_bd, move, fit_ksr)


def _all_stages(frame: Frame, prices: Prices) -> Amounts:
    lambda_k = np.zeros(len(frame.board.stages), prices.lambda_k.dtype)
    lambda_k[: frame.stage + 1] = prices.lambda_k
    return lambda_k


@dataclass(frozen=True)
class Priced:
    """What everything costs at the prices: of items, and of what does not depend on them."""

    site_sr: Amounts
    """Of a unit of a resource for an item that comes to a site."""
    home_i: Amounts
    """What an item costs that stays at home; only where it may."""
    stays_i: Bools
    away_i: Amounts
    """Added where an item with a home is elsewhere."""
    out_i: Amounts
    """What an item costs that is nowhere, all included; only where it may be."""
    price_vq: Amounts
    fit_ksr: Amounts
    step_ss: Amounts
    """What a move costs by its two ends; empty where that is taken for nothing."""
    constant: int
    """What the prices give back, and the values of the stages before: a Python integer where prices are whole."""
    opened_n: Bools
    """Nodes that are worth opening at these prices."""


def priced(frame: Frame, prices: Prices) -> Priced:
    """Return what everything costs at the prices."""
    board, lambda_k = frame.board, _all_stages(frame, prices)
    prices = within(frame, prices)
    use_nr, held_nr, constant = _use_prices(frame, prices)
    stay_sr = _on_sites(board, use_nr)
    has_home_i = board.home_i >= 0
    price_by = lambda_k[board.price_stage] if board.price_stage >= 0 else lambda_k.dtype.type(0)
    home_i = (board.demand_ir * stay_sr[np.maximum(board.home_i, 0)]).sum(axis=1) + board.home_price_i * price_by
    home_i = home_i + _fit_at_home(frame, prices)
    away_i = np.where(has_home_i, board.away_ik @ lambda_k + prices.move, 0)
    all_m = (
        board.steps.groups_mg.all(axis=1)
        if len(board.steps.groups_mg)
        else np.ones(len(board.steps.beyond_m), bool)
    )
    beyond = (board.steps.beyond_m * lambda_k[board.steps.stage_m] * all_m).sum()
    opened_n, given = _given(frame, prices, lambda_k)
    constant += given - sum((k + 1) * _sum(fit_sr) for k, fit_sr in enumerate(prices.fit_ksr))
    if board.most_moves < NO_LIMIT:
        constant -= _sum(prices.move) * board.most_moves
    for m, known in enumerate((*frame.before, 0)):
        constant += _sum(prices.lambda_k[m]) * (int(board.constant_k[m]) - known)
    return Priced(
        stay_sr + _on_sites(board, held_nr),
        home_i,
        frame.stays_i,
        away_i,
        board.out_ik @ lambda_k + away_i + np.where(has_home_i, beyond, 0),
        board.price_vq * price_by,
        prices.fit_ksr,
        _step_table(frame, lambda_k),
        constant,
        opened_n,
    )


def _fit_at_home(frame: Frame, prices: Prices) -> Amounts:
    """Return what the parts cost that items take at home, where nothing is held."""
    board = frame.board
    home_s = np.maximum(board.home_i, 0)
    open_sr = ~frame.holds_nr[int(board.base_l[0]) + board.dom_ls[0]]
    cost_i = np.zeros(board.items, prices.fit_ksr.dtype)
    for k, fit_sr in enumerate(prices.fit_ksr):
        if fit_sr.any():
            parts_ir = parts_of(board.demand_ir, frame.fit_room_sr[home_s], k + 1)
            cost_i += (parts_ir * np.where(open_sr, fit_sr, 0)[home_s]).sum(axis=1)
    return cost_i


def _sum(values: Any) -> Any:
    """Return a sum as a Python number."""
    return np.asarray(values).sum().item()


def _use_prices(frame: Frame, prices: Prices) -> tuple[Amounts, Amounts, Any]:
    """Return prices of use for everybody and for those who come, and what ratios give back."""
    board = frame.board
    held_nr = np.where(frame.holds_nr, prices.limit_nr, 0)
    use_nr = prices.load_nr + prices.limit_nr - held_nr
    constant: Any = 0
    for b, price_d in enumerate(prices.ratio_bd):
        nodes = nodes_of(board, int(board.ratios.level_b[b]))
        r, beside, ratio = int(board.ratios.resource_b[b]), int(board.ratios.beside_b[b]), board.ratios.ratio_b[b]
        use_nr[nodes, r] -= price_d * ratio
        use_nr[nodes, beside] += price_d
        free_d = np.where(price_d > 0, ratio * frame.limit_nr[nodes, r] - frame.limit_nr[nodes, beside], 0)
        constant += _sum(price_d * free_d)
    return use_nr, held_nr, constant


def ratio_most(frame: Frame, b: int) -> Ints:
    """Return per domain how much a ratio's price may be at most, in units of its stage's own price."""
    board = frame.board
    nodes = nodes_of(board, int(board.ratios.level_b[b]))
    limited_d = (frame.limit_nr[nodes][:, [board.ratios.resource_b[b], board.ratios.beside_b[b]]] < NO_LIMIT).all(
        1
    )
    most_d: Ints = np.where(limited_d, board.ratios.weight_b[b], 0)
    return most_d


def nodes_of(board: Board, level: int) -> slice:
    """Return the nodes of a level."""
    first = int(board.base_l[level])
    return slice(first, first + int(board.domains_l[level]))


def _on_sites(board: Board, price_nr: Amounts) -> Amounts:
    """Add up the prices of the nodes that a site is in."""
    price_sr = np.zeros((board.sites, price_nr.shape[1]), price_nr.dtype)
    for level, dom_s in enumerate(board.dom_ls):
        nodes = nodes_of(board, level)
        if price_nr[nodes].any():
            price_sr += np.where((dom_s >= 0)[:, None], price_nr[nodes][np.maximum(dom_s, 0)], 0)
    return price_sr


def _given(frame: Frame, prices: Prices, lambda_k: Amounts) -> tuple[Bools, Any]:
    """Return which nodes are worth opening, and what limits give back there: none where a node is not opened."""
    room_nr = np.where(prices.limit_nr > 0, frame.limit_nr - frame.today_nr, 0)
    safe_nr = np.where(prices.load_nr > 0, frame.safe_nr, 0)
    given_n = (prices.load_nr * safe_nr + prices.limit_nr * room_nr).sum(axis=1)
    cost_n = frame.board.open_nk @ lambda_k
    opened_n = (cost_n == 0) | (given_n > cost_n)
    return opened_n, _sum(np.where(opened_n, cost_n - given_n, 0))


def _step_tables(board: Board) -> tuple[tuple[int, Ints], ...]:
    """Return per rule its stage and what a move costs from site to site.

    Left out are rules that charge some groups only, and all where there are too many sites.
    """
    steps, found = board.steps, []
    if board.sites > MOST_STEP_SITES:
        return ()
    for m in range(len(steps.beyond_m)):
        if len(steps.groups_mg) and not steps.groups_mg[m].all():
            continue
        if steps.table_m[m] >= 0:
            table = steps.table_xqq[steps.table_m[m]][np.ix_(steps.key_s, steps.key_s)]
        else:
            table = np.full((board.sites, board.sites), steps.beyond_m[m], np.int64)
            for e in range(int(steps.ptr_m[m + 1]) - 1, int(steps.ptr_m[m]) - 1, -1):
                dom_s = board.dom_ls[steps.level_e[e]]
                table[(dom_s[:, None] == dom_s) & (dom_s >= 0)] = steps.cost_e[e]
        found.append((int(steps.stage_m[m]), table))
    return tuple(found)


def _step_table(frame: Frame, lambda_k: Amounts) -> Amounts:
    tables = [table_ss * lambda_k[stage] for stage, table_ss in frame.step_tables if lambda_k[stage] > 0]
    return sum(tables[1:], tables[0]) if tables else np.zeros((0, 0), lambda_k.dtype)
