"""Which sites to open: a bound from amounts alone, and plans that open as few as the amounts allow.

Sites alike in limits and opening cost are of one *kind*. An integer program opens so many of each kind that every
resource has room for all that must be placed, at the least cost: nothing can cost less. With a little more room
than that, the items are packed onto what was opened; how little more is enough is found by trying. The bound
leaves no multipliers behind: its evaluation asks the program again whether anything cheaper has room.
Axes: j kind, s site, i item, r resource, c class of items that are equal, g group.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import FREE, Matrix
from zonewright.solver.search.board import NO_LIMIT, Board, Ints
from zonewright.solver.search.bounds.frame import Frame, classes_of, frame_of
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, frame_from, rounded_up
from zonewright.solver.search.bounds.tables import dense_rows

#: Kinds at most: with more, the program is no small one.
MOST_KINDS = 2_000
#: Seconds of one solve of the program, and of one evaluation.
SOLVE_S, EVALUATE_S = 10.0, 60.0
#: Shares of more room than needed that are tried, from one with which packing is easy.
SHARES = (0.1, 0.05, 0.025, 0.012, 0.006, 0.003, 0.0015, 0.0)
#: Steps of packing at one temperature per item, and the temperatures, in mean demands.
STEPS_PER_ITEM = 3_000
HEATS = (0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05)
#: Deterministic seconds of one step of packing.
STEP_WORK = 4e-7
#: Cells of classes x sites at most.
MOST_ALLOWED = 50_000_000


@dataclass(frozen=True)
class Kinds:
    """Sites by kind, and what must have room on them."""

    frame: Frame
    kind_s: Ints
    sites_j: Ints
    room_jr: Ints
    cost_j: Ints
    total_r: Ints
    least_sites: int
    """As many as the group that is limited most on a site needs; 1 where anything must be placed."""
    least_price: int
    """What the items' own prices come to at least, and constants."""


def kinds_of(frame: Frame) -> Kinds | None:
    """Return the kinds of sites of a stage, None where opening them costs nothing or they are too many."""
    board, k = frame.board, frame.stage
    site_node = int(board.base_l[0]) + board.dom_ls[0]
    if not frame.strict or not board.open_nk[site_node, k].any():
        return None
    must_i = ~frame.out_allowed_i
    total_r = board.demand_ir[must_i].sum(axis=0)
    room_sr = np.clip(frame.limit_nr[site_node], 0, total_r)
    room_sr[~board.enter_ps.any(axis=0)] = 0
    staying_s = board.home_i[frame.stays_i]
    room_sr[staying_s] = np.clip(frame.limit_nr[site_node[staying_s]], 0, total_r)
    key_sx = np.column_stack([room_sr, board.open_nk[site_node, k]])
    first_j, kind_s = classes_of(key_sx)
    if len(first_j) > MOST_KINDS:
        return None
    return Kinds(
        frame,
        kind_s,
        np.bincount(kind_s),
        room_sr[first_j],
        board.open_nk[site_node[first_j], k],
        total_r,
        _least_sites(frame),
        least_price(frame) + int(board.constant_k[k]),
    )


def _least_sites(frame: Frame) -> int:
    must_g = np.bincount(frame.board.group_i[~frame.out_allowed_i], minlength=frame.board.groups)
    return int((-(-must_g // np.maximum(frame.cap_g, 1))).max(initial=0))


def least_price(frame: Frame) -> int:
    """Return what the places of items cost at least in a stage; what may be nowhere, what that saves at most."""
    board, must_i = frame.board, ~frame.out_allowed_i
    if board.price_stage != frame.stage:
        return 0
    price_i = board.price_vq[:, board.price_key_s].min(axis=1)[board.price_class_i]
    price_i = np.where(board.home_i >= 0, np.minimum(price_i, board.home_price_i), price_i)
    return int(np.where(must_i, price_i, np.minimum(price_i, 0)).sum())


def least_opened(
    kinds: Kinds, share: float, deadline: Deadline, seconds: float, seed: int
) -> tuple[Ints | None, int]:
    """Return how many of each kind to open for so much more room than needed, and a bound of its cost.

    The sites are None where the time did not suffice to find any, or there is not that much room at all.
    """
    from zonewright.solver.cpsat import Model

    more_r = np.ceil(kinds.total_r * share).astype(np.int64)
    wanted_r = np.minimum(kinds.total_r + more_r, np.minimum(kinds.sites_j @ kinds.room_jr, FREE))
    wanted_r = np.maximum(wanted_r, kinds.total_r)
    unit = max(1, math.gcd(*kinds.cost_j.tolist()))
    model = Model(_volumes(kinds, wanted_r))
    terms = {j: int(cost) // unit for j, cost in enumerate(kinds.cost_j) if cost}
    seconds, work = _limits(deadline, seconds)
    answer = model.minimize(terms, deadline, seconds=seconds, work=work, workers=1, seed=seed)
    return answer.x_j, (answer.bound or 0) * unit


def _limits(deadline: Deadline, most: float) -> tuple[float, float | None]:
    """Return seconds and work of a search: so much of what is limited."""
    if deadline.work_left is None:
        return min(most, deadline.left), None
    return deadline.left, min(most, deadline.work_left)


def _volumes(kinds: Kinds, wanted_r: Ints) -> Matrix:
    """Return the rows: one for each resource that is not free everywhere, and one for the count of sites."""
    scarce = np.flatnonzero((kinds.room_jr < kinds.total_r).any(axis=0) & (kinds.total_r > 0))
    unit_r = np.maximum(np.gcd(np.gcd.reduce(kinds.room_jr, axis=0), wanted_r), 1)[scarce]
    left = np.vstack([kinds.room_jr[:, scarce].T // unit_r[:, None], np.ones(len(kinds.sites_j), np.int64)])
    low = np.append(wanted_r[scarce] // unit_r, kinds.least_sites)
    return dense_rows(left, low, np.full(len(low), FREE), kinds.sites_j)


def prove_opening(frame: Frame, deadline: Deadline) -> BoundProof | None:
    """Bound a stage by what it costs to open enough room; None where opening costs nothing."""
    kinds = kinds_of(frame)
    if kinds is None:
        return None
    _, cost = least_opened(kinds, 0.0, deadline, SOLVE_S, 0)
    bound = rounded_up(frame.board, frame.stage, cost + kinds.least_price, 1)
    data = {"how": "volumes", "stage": frame.stage, "before": list(frame.before), "bound": bound}
    return BoundProof(frame.stage, bound, "volumes", data)


def evaluate_opening(board: Board, data: Mapping[str, Any], deadline: Deadline | None = None) -> int:
    """Return the bound that a witness claims, once nothing cheaper has enough room; raises Damaged elsewhere."""
    from zonewright.solver.cpsat import Model

    kinds, bound = kinds_of(frame_from(board, data)), data.get("bound")
    if kinds is None or type(bound) is not int or abs(bound) >= NO_LIMIT:
        raise Damaged("no opening costs, or no bound")
    model = Model(_volumes(kinds, kinds.total_r))
    model.require(dict(enumerate(kinds.cost_j.tolist())), None, bound - 1 - kinds.least_price)
    answer = model.minimize(None, deadline or Deadline(EVALUATE_S), seconds=EVALUATE_S, workers=1, seed=1)
    if answer.status != "infeasible":
        raise Damaged(f"something cheaper than {bound} has room, or the time ran out")
    return bound


def plan_by_opening(
    board: Board,
    stage: int,
    deadline: Deadline,
    *,
    seed: int = 0,
    news: Callable[[Ints], None] | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> Ints | None:
    """Open sites by their amounts and pack all items onto them; return the cheapest such placement, None for none.

    Only limits of sites, reach, and at most so many of a group per site are looked at: whoever calls judges the
    placement. `news` is called with every cheaper one; `enough` ends it.
    """
    kinds = kinds_of(frame_of(board, stage, [0] * stage))
    if kinds is None:
        return None
    best, best_cost = None, NO_LIMIT
    turn = 0

    def over() -> bool:
        return deadline.over or enough()

    def tried(opened_j: Ints, effort: int) -> bool:
        nonlocal best, best_cost, turn
        turn += 1
        found = _packed(kinds, opened_j, over, deadline, seed + turn, effort)
        if found is None:
            return False
        cost = int(kinds.cost_j[kinds.kind_s[np.unique(found)]].sum())
        if cost < best_cost:
            best, best_cost = found, cost
            if news is not None:
                news(found)
        return True

    least = 0
    for share in SHARES:
        if over():
            return best
        opened_j, cost = least_opened(kinds, share, deadline, SOLVE_S, seed)
        least = cost if share == 0.0 else 0
        if opened_j is not None and int(kinds.cost_j @ opened_j) < best_cost:
            tried(opened_j, 1)
    _between(kinds, least, lambda: best_cost, tried, over, deadline, seed)
    return best


def _between(
    kinds: Kinds,
    least: int,
    best_cost: Callable[[], int],
    tried: Callable[[Ints, int], bool],
    over: Callable[[], bool],
    deadline: Deadline,
    seed: int,
) -> None:
    """Halve what is between the least cost and the best so far, each time with as much room as that buys.

    Where nothing fits halfway, more of the way is given; packing is tried longer each time round.
    """
    effort, low = 1, least
    while not over() and least < best_cost() < NO_LIMIT:
        middle = (low + best_cost() - 1) // 2
        opened_j = _roomiest(kinds, middle, deadline, seed)
        if opened_j is not None and tried(opened_j, effort):
            continue
        low = middle + 1
        if low >= best_cost():
            effort, low = effort * 2, least


def _roomiest(kinds: Kinds, most_cost: int, deadline: Deadline, seed: int) -> Ints | None:
    """Return what leaves most room, in shares of what is needed, for a cost at most; None where nothing does."""
    from zonewright.solver.cpsat import Model

    plain = _volumes(kinds, kinds.total_r)
    rows, count = plain.shape
    table = np.zeros((rows, count), np.int64)
    table[np.repeat(np.arange(rows), np.diff(plain.start_i)), plain.column_k] = plain.value_k
    # One more column: thousandths of every total that are left.
    part_i = np.maximum(1, plain.low_i // 1000)
    left = np.column_stack([table, -part_i])
    unit = max(1, math.gcd(*kinds.cost_j.tolist()))
    left = np.vstack([left, np.append(kinds.cost_j // unit, 0)])
    low = np.append(plain.low_i, -FREE)
    high = np.append(plain.high_i, most_cost // unit)
    model = Model(dense_rows(left, low, high, np.append(kinds.sites_j, 1_000)))
    seconds, work = _limits(deadline, SOLVE_S)
    answer = model.minimize({count: -1}, deadline, seconds=seconds, work=work, workers=1, seed=seed)
    return None if answer.x_j is None else answer.x_j[:count]


def _packed(
    kinds: Kinds, opened_j: Ints, over: Callable[[], bool], deadline: Deadline, seed: int, effort: int
) -> Ints | None:
    """Pack every item onto the first sites of each kind; None where `effort` times the usual steps are too few."""
    from zonewright.solver.kernels import packing as kernel

    frame = kinds.frame
    board = frame.board
    rank_s = np.zeros(board.sites, np.int64)
    order = np.argsort(kinds.kind_s, kind="stable")
    rank_s[order] = np.arange(board.sites) - np.searchsorted(kinds.kind_s[order], kinds.kind_s[order])
    free_s = kinds.cost_j[kinds.kind_s] == 0
    sites = np.flatnonzero(free_s | (rank_s < opened_j[kinds.kind_s]))
    key_ix = np.column_stack(
        [board.demand_ir, board.profile_i, board.group_i if _capped(frame) else 0 * board.group_i]
    )
    first_c, class_i = classes_of(key_ix)
    if len(first_c) * len(sites) > MOST_ALLOWED:
        return None
    limit_sr = np.minimum(
        frame.limit_nr[int(board.base_l[0]) + board.dom_ls[0, sites]], board.demand_ir.sum(axis=0)
    )
    limit_sr = np.ascontiguousarray(limit_sr)
    demand_cr = np.ascontiguousarray(board.demand_ir[first_c])
    allowed_cs = board.enter_ps[board.profile_i[first_c]][:, sites]
    for r in range(limit_sr.shape[1]):
        allowed_cs &= demand_cr[:, r, None] <= limit_sr[:, r]
    weight_r = 1.0 / np.maximum(board.demand_ir.mean(axis=0), 1e-9)
    slots = min(board.items, 8 * (1 + board.items // len(sites)) + 32)
    site_i, slot_sk = np.full(board.items, -1, np.int64), np.zeros((len(sites), slots), np.int64)
    fill_s, position_i, use_sr = (
        np.zeros(len(sites), np.int64),
        np.zeros(board.items, np.int64),
        np.zeros_like(limit_sr),
    )
    cap_c = np.where(frame.cap_g < NO_LIMIT, frame.cap_g, 0)[board.group_i[first_c]]
    group_c = board.group_i[first_c].astype(np.int64)
    no_racks = (
        np.zeros(len(first_c), np.int64),
        np.full(len(sites), -1, np.int64),
        np.zeros((board.groups, 1), np.int64),
    )
    common = (class_i, group_c, np.ascontiguousarray(allowed_cs), cap_c, *no_racks)
    sizes_i = (board.demand_ir * weight_r).max(axis=1)
    put = (site_i, slot_sk, fill_s, position_i, use_sr, limit_sr, demand_cr, weight_r)
    if kernel.fill_greedily(np.argsort(-sizes_i, kind="stable"), *put, *common, 1.0):
        return None
    state = np.array([seed * 7919 + 12_345], np.uint64)
    movable_i, everywhere = np.ones(board.items, bool), np.arange(len(sites))
    for heat in HEATS:
        steps = STEPS_PER_ITEM * board.items * effort
        while steps > 0 and not over():
            slice_ = min(steps, 500_000)
            taken = kernel.repack(state, slice_, heat, movable_i, *put, *common, everywhere)
            deadline.spend(taken * STEP_WORK)
            steps -= slice_
            if kernel.overload(use_sr, limit_sr, weight_r) == 0.0:
                return sites[site_i]
    return None


def _capped(frame: Frame) -> bool:
    return bool((frame.cap_g < NO_LIMIT).any())
