"""What kernels work on: the board flattened (`Facts`, never changed) and a placement with its sums (`State`).

Both are records of arrays (`kernels/records.py`), handed to a kernel as one pointer. Axes as in board.py, x for
lists that have an axis of their own. Row `sites` of an array by site stands for nowhere: it has no nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from zonewright.solver.search.board import (
    BROKEN,
    LEAST_DOMAINS,
    MOST_DOMAINS,
    NO_LIMIT,
    SKEW,
    Board,
    Bools,
    Ints,
    Places,
)
from zonewright.solver.search.kernels.records import Record

#: Families that can be switched off, each with its bit of `Facts.has`; it is set where the board has the family.
FAMILIES: dict[str, int] = {
    name: 1 << n
    for n, name in enumerate(
        (
            "at_most",
            "least_domains",
            "most_domains",
            "least_each",
            "skew",
            "reach",
            "pinned",
            "capacity",
            "holds",
            "load",
            "needs",
            "meets",
            "distances",
            "ratios",
            "out",
            "away",
            "price",
            "steps",
            "open",
            "most_moves",
            "peaks",
            "spans",
        )
    )
}

#: Groups up to this size are counted by looking at where their members are, on levels with many domains.
SCAN_MEMBERS = 24
#: Levels with at most so many domains have a table of counts for every group.
FEW_DOMAINS = 64
#: Bytes that tables of counts may take; what is beyond is counted by looking.
TABLE_BYTES = 300_000_000
#: Largest and smallest domains that are kept at hand for spans.
KEPT = 3


@dataclass(frozen=True)
class Facts(Record):
    """The board for kernels. Everything is C-contiguous; `has` has the bits of `FAMILIES` that the board needs."""

    frozen_content: ClassVar[bool] = True

    items: int
    sites: int
    levels: int
    resources: int
    groups: int
    stages: int
    nodes: int
    has: int
    price_stage: int
    most_moves: int
    early_stage: int
    """The stage of load, where what a move changes in it is told by load and ratios on its two sites, by what its
    items cost themselves, which is never below 0, and by no more than `early_gain` besides; else 0."""
    early_gain: int

    node_sl: Places
    """Node of a site at a level, -1 where it has none; row `sites` is nowhere."""
    dom_sl: Places
    """The same as position in the level."""
    base_l: Ints
    demand_ir: Ints
    group_i: Places
    profile_i: Places
    enter_ps: Bools
    home_i: Places
    stay_i: Bools
    pinned_i: Bools
    members_ptr_g: Ints
    members_x: Places
    busy_g: Bools
    """Whether where a group's members are matters to a term, to company or to a distance."""

    limit_nr: Ints
    holds_lr: Bools
    hold_l: Bools
    """Whether anything is held at a level."""
    frees_r: Ints
    """All bits set where who leaves a site frees what it used there, none where its home holds it."""
    cap_x: Places
    """Levels with a limit, those of most domains first."""
    live_x: Places
    """Levels whose use matters to anything, level 0 first."""
    safe_nr: Ints
    load_x: Places
    weight_lr: Ints
    load_stage_lr: Places
    load_stage_l: Places
    """The stage of a level's loads where it is one, else -1."""

    out_ik: Ints
    away_ik: Ints
    price_class_i: Places
    price_key_s: Places
    price_vq: Ints
    home_price_i: Ints
    open_x: Places
    """Levels at which opening a node costs."""
    open_nk: Ints

    track_ptr_g: Ints
    track_x: Places
    """Levels at which a group's counts matter, by group."""
    row_gl: Ints
    """Where the counts of a group at a level begin in `State.count_x`, -1 where they are counted by looking."""
    counts: int
    """Length of `State.count_x`."""

    term_ptr_g: Ints
    term_kind_t: Places
    term_level_t: Places
    term_a_t: Ints
    term_weight_t: Ints
    term_stage_t: Places
    term_counts_ptr_t: Ints
    term_counts_x: Places

    pair_group_e: Places
    pair_other_e: Places
    pair_level_e: Places
    pair_needs_e: Bools
    pair_weight_e: Ints
    pair_stage_e: Places
    pair_by_group_ptr_g: Ints
    pair_by_group_x: Places
    pair_by_other_ptr_g: Ints
    pair_by_other_x: Places

    hard_needs_ptr_x: Ints
    """Of hard needs the groups that are needed, by group x levels + level, in `hard_needs_x`."""
    hard_needs_x: Places
    hard_serves_ptr_x: Ints
    """Of hard needs the groups that need this one."""
    hard_serves_x: Places
    hard_shuns_ptr_x: Ints
    """The groups that this one must not meet, from both sides; itself where it must not be at all."""
    hard_shuns_x: Places
    soft_by_group_ptr_g: Ints
    """Entries that are not hard."""
    soft_by_group_x: Places
    soft_by_other_ptr_g: Ints
    soft_by_other_x: Places

    far_group_f: Places
    far_other_f: Places
    far_level_f: Places
    far_table_f: Places
    far_weight_f: Ints
    far_stage_f: Places
    far_xdd: Bools
    far_by_group_ptr_g: Ints
    far_by_group_x: Places
    domains_l: Ints

    ratio_level_b: Places
    ratio_of_b: Places
    ratio_beside_b: Places
    ratio_b: Ints
    ratio_weight_b: Ints
    ratio_stage_b: Places

    step_ptr_m: Ints
    step_level_e: Places
    step_cost_e: Ints
    step_beyond_m: Ints
    step_stage_m: Places
    step_table_m: Places
    step_key_s: Places
    step_table_xqq: Ints
    step_groups_mg: Bools

    peak_groups_pg: Bools
    peak_most_p: Ints
    peak_weight_p: Ints
    peak_stage_p: Places

    span_resource_x: Places
    span_level_x: Places
    span_weight_x: Ints
    span_stage_x: Places
    span_ptr_x: Ints
    span_node_y: Places
    """Nodes with sites, by span."""

    constant_k: Ints


@dataclass(frozen=True)
class State(Record):
    """A placement and what follows from it. Kernels keep all of it up to date at every applied move."""

    site_i: Places
    """Site of every item; `sites` is nowhere."""
    use_nr: Ints
    """Use of every node of a level in `Facts.live_x`; 0 at others."""
    held_nr: Ints
    """What items hold in nodes that they have left."""
    room_nr: Ints
    """limit - use - held."""
    size_n: Places
    """Items in a node."""
    count_x: Places
    """Counts by group and domain, see `Facts.row_gl`."""
    in_use_gl: Places
    """Domains of a level that a group is in, at tracked levels."""
    placed_g: Places
    moved_g: Places
    """Items of a group with a home that are not there."""
    moved_x: Ints
    """The same of all groups, one number."""
    peak_p: Ints
    """The largest number of moved items of a group, by peak."""
    hist_pc: Places
    """How many groups have so many moved items."""
    top_xy: Places
    """The nodes of most use, by span, the largest first; -1 where there are fewer."""
    low_xy: Places
    own_ik: Ints
    """What an item costs where it is: out, away, price and steps."""
    first_s: Places
    """First item of a site (nowhere included), -1 where it is empty."""
    next_i: Places
    prev_i: Places
    value_k: Ints
    """Value of every stage; the first is what is broken."""
    diff_xr: Ints
    """Scratch: what a swap takes from one site to the other."""
    d_k: Ints
    """Scratch: what a move changes."""


def _fit(array: npt.NDArray[np.generic], kind: type) -> npt.NDArray[np.generic]:
    """The same values, contiguous, writable and of this type (numba takes read-only arrays for another type)."""
    return np.require(array, dtype=kind, requirements=["C", "W"])


def _by_site(board: Board) -> tuple[Places, Places]:
    levels = len(board.levels)
    dom_sl = np.full((board.sites + 1, levels), -1, np.int32)
    dom_sl[:-1] = board.dom_ls.T
    node_sl = np.where(dom_sl >= 0, dom_sl + board.base_l[None, :], -1).astype(np.int32)
    return dom_sl, node_sl


def _levels_where(board: Board, flag_n: Bools) -> Places:
    """Levels of which a node is flagged, those of most domains first."""
    found = [
        level
        for level in range(len(board.levels))
        if flag_n[board.base_l[level] : board.base_l[level] + board.domains_l[level]].any()
    ]
    return np.array(sorted(found, key=lambda level: (-int(board.domains_l[level]), level)), np.int32)


def _tracked(board: Board) -> npt.NDArray[np.bool_]:
    """Groups x levels: where counts matter."""
    track_gl = np.zeros((board.groups, len(board.levels)), np.bool_)
    of_term_t = np.repeat(np.arange(board.groups), np.diff(board.terms.ptr_g))
    track_gl[of_term_t, board.terms.level_t] = True
    pair, far = board.company, board.distances
    track_gl[pair.group_e, pair.level_e] = True
    track_gl[pair.other_e, pair.level_e] = True
    track_gl[far.group_f, far.level_f] = True
    track_gl[far.other_f, far.level_f] = True
    return track_gl


def _needs_table(board: Board) -> npt.NDArray[np.bool_]:
    """Groups x levels that are always in a table: those of which all domains are looked at."""
    table_gl = np.zeros((board.groups, len(board.levels)), np.bool_)
    of_term_t = np.repeat(np.arange(board.groups), np.diff(board.terms.ptr_g))
    skew_t = board.terms.kind_t == SKEW
    table_gl[of_term_t[skew_t], board.terms.level_t[skew_t]] = True
    table_gl[board.distances.group_f, board.distances.level_f] = True
    table_gl[board.distances.other_f, board.distances.level_f] = True
    return table_gl


def _rows(board: Board, track_gl: npt.NDArray[np.bool_]) -> tuple[Ints, int]:
    """Where each tracked group's counts begin, and how many there are."""
    size_g = np.diff(board.members_ptr_g)
    must_gl = _needs_table(board)
    small_l = board.domains_l <= FEW_DOMAINS
    table_gl = track_gl & (must_gl | small_l[None, :] | (size_g[:, None] > SCAN_MEMBERS))
    length_gl = np.where(table_gl, board.domains_l[None, :], 0).ravel()
    # The shortest rows first; those that are looked at whole go before all others.
    order = np.lexsort((length_gl, ~must_gl.ravel()))
    order = order[length_gl[order] > 0]
    end = np.cumsum(length_gl[order])
    keep = (end * 4 <= TABLE_BYTES) | must_gl.ravel()[order]
    row = np.full(track_gl.size, -1, np.int64)
    row[order[keep]] = (end - length_gl[order])[keep]
    total = int(end[keep].max()) if keep.any() else 0
    return row.reshape(track_gl.shape), total


def _spans(board: Board) -> tuple[Ints, Places]:
    pointer, nodes = [0], []
    for level in board.spans.level_x:
        dom_s = board.dom_ls[level]
        found = np.unique(dom_s[dom_s >= 0]) + board.base_l[level]
        nodes.append(found)
        pointer.append(pointer[-1] + len(found))
    flat = np.concatenate(nodes) if nodes else np.zeros(0)
    return np.array(pointer, np.int64), flat.astype(np.int32)


def _has(board: Board) -> int:
    """Bits of the families that can matter on this board."""
    kinds = set(board.terms.kind_t.tolist())
    homes = board.home_i >= 0
    present = {
        "at_most": 0 in kinds,
        "least_domains": LEAST_DOMAINS in kinds,
        "most_domains": MOST_DOMAINS in kinds,
        "least_each": 3 in kinds,
        "skew": SKEW in kinds,
        "reach": not (board.enter_ps.all() and board.stay_i[homes].all()),
        "pinned": bool(board.pinned_i.any()),
        "capacity": bool((board.limit_nr < NO_LIMIT).any()),
        "holds": bool(board.holds_lr.any() and homes.any()),
        "load": bool(board.safe_weight_lr.any()),
        "needs": bool(board.company.needs_e.any()),
        "meets": bool((~board.company.needs_e).any()),
        "distances": len(board.distances.group_f) > 0,
        "ratios": len(board.ratios.level_b) > 0,
        "out": bool(board.out_ik.any()),
        "away": bool(board.away_ik[homes].any()),
        "price": board.price_stage >= 0,
        "steps": len(board.steps.stage_m) > 0 and bool(homes.any()),
        "open": bool(board.open_nk.any()),
        "most_moves": board.most_moves < NO_LIMIT,
        "peaks": len(board.peaks.most_p) > 0 and bool(homes.any()),
        "spans": len(board.spans.level_x) > 0,
    }
    return sum(bit for name, bit in FAMILIES.items() if present[name])


def _load_stage(board: Board) -> Places:
    stage_l = np.full(len(board.levels), -1, np.int32)
    for level in range(len(board.levels)):
        found = np.unique(board.safe_stage_lr[level][board.safe_weight_lr[level] > 0])
        stage_l[level] = found[0] if len(found) == 1 else -1
    return stage_l


def _live_levels(board: Board, cap_x: Places, load_x: Places) -> Places:
    """Levels whose use matters, level 0 first."""
    used = {0, *cap_x.tolist(), *load_x.tolist(), *board.ratios.level_b.tolist(), *board.spans.level_x.tolist()}
    return np.array(sorted(used), np.int32)


def _early(board: Board) -> dict[str, int]:
    """Return the stage of load and what else may gain there, 0 where that has no limit."""
    k = int(_load_stage(board)[0])
    elsewhere = (
        board.safe_weight_lr[1:].any(),
        (board.terms.stage_t == k).any(),
        (board.company.stage_e == k).any(),
        (board.distances.stage_f == k).any(),
        (board.spans.stage_x == k).any(),
        (board.ratios.stage_b[board.ratios.level_b > 0] == k).any(),
        board.open_nk[:, k].any(),
    )
    below_zero = (
        (board.away_ik[:, k] < 0).any(),
        (board.steps.cost_e < 0).any() or (board.steps.beyond_m < 0).any() or (board.steps.table_xqq < 0).any(),
        board.price_stage == k and ((board.price_vq < 0).any() or (board.home_price_i < 0).any()),
    )
    if k <= BROKEN or any(elsewhere) or any(below_zero):
        return {"early_stage": 0, "early_gain": 0}
    # A swap changes the moved items of a group by two at most.
    gain = 2 * int(board.peaks.weight_p[board.peaks.stage_p == k].sum())
    return {"early_stage": k, "early_gain": gain}


def facts_of(board: Board) -> Facts:
    """The board for kernels. Arrays are shared with the board where they are laid out right already."""
    i64, i32, flag = np.int64, np.int32, np.bool_
    dom_sl, node_sl = _by_site(board)
    cap_x = _levels_where(board, np.any(board.limit_nr < NO_LIMIT, axis=1))
    load_x = np.flatnonzero(board.safe_weight_lr.any(axis=1)).astype(np.int32)
    open_x = _levels_where(board, np.any(board.open_nk, axis=1))
    track_gl = _tracked(board)
    row_gl, counts = _rows(board, track_gl)
    span_ptr_x, span_node_y = _spans(board)
    track_ptr_g = np.concatenate([[0], np.cumsum(track_gl.sum(axis=1))])
    values = {
        "items": board.items,
        "sites": board.sites,
        "levels": len(board.levels),
        "resources": len(board.resources),
        "groups": board.groups,
        "stages": len(board.stages),
        "nodes": board.nodes,
        "has": _has(board),
        "price_stage": board.price_stage,
        "most_moves": board.most_moves,
        "counts": counts,
        **_early(board),
    }
    arrays = {
        "node_sl": (node_sl, i32),
        "dom_sl": (dom_sl, i32),
        "base_l": (board.base_l, i64),
        "demand_ir": (board.demand_ir, i64),
        "group_i": (board.group_i, i32),
        "profile_i": (board.profile_i, i32),
        "enter_ps": (board.enter_ps, flag),
        "home_i": (board.home_i, i32),
        "stay_i": (board.stay_i, flag),
        "pinned_i": (board.pinned_i, flag),
        "members_ptr_g": (board.members_ptr_g, i64),
        "members_x": (board.members_x, i32),
        "busy_g": (track_gl.any(axis=1), flag),
        "limit_nr": (board.limit_nr, i64),
        "holds_lr": (board.holds_lr, flag),
        "hold_l": (board.holds_lr.any(axis=1), flag),
        "frees_r": (np.where(board.holds_lr[0], 0, -1), i64),
        "cap_x": (cap_x, i32),
        "live_x": (_live_levels(board, cap_x, load_x), i32),
        "safe_nr": (board.safe_nr, i64),
        "load_x": (load_x, i32),
        "weight_lr": (board.safe_weight_lr, i64),
        "load_stage_lr": (board.safe_stage_lr, i32),
        "load_stage_l": (_load_stage(board), i32),
        "out_ik": (board.out_ik, i64),
        "away_ik": (board.away_ik, i64),
        "price_class_i": (board.price_class_i, i32),
        "price_key_s": (board.price_key_s, i32),
        "price_vq": (board.price_vq, i64),
        "home_price_i": (board.home_price_i, i64),
        "open_x": (open_x, i32),
        "open_nk": (board.open_nk, i64),
        "track_ptr_g": (track_ptr_g, i64),
        "track_x": (np.nonzero(track_gl)[1], i32),
        "row_gl": (row_gl, i64),
        "domains_l": (board.domains_l, i64),
        "peak_groups_pg": (board.peaks.groups_pg, flag),
        "peak_most_p": (board.peaks.most_p, i64),
        "peak_weight_p": (board.peaks.weight_p, i64),
        "peak_stage_p": (board.peaks.stage_p, i32),
        "span_resource_x": (board.spans.resource_x, i32),
        "span_level_x": (board.spans.level_x, i32),
        "span_weight_x": (board.spans.weight_x, i64),
        "span_stage_x": (board.spans.stage_x, i32),
        "span_ptr_x": (span_ptr_x, i64),
        "span_node_y": (span_node_y, i32),
        "constant_k": (board.constant_k, i64),
        **_of_groups(board),
        **_hard_company(board),
        **_soft_company(board),
        **_of_moves(board),
    }
    return Facts(**values, **{name: _fit(array, kind) for name, (array, kind) in arrays.items()})  # type: ignore[arg-type]


def _of_groups(board: Board) -> dict[str, tuple[npt.NDArray[np.generic], type]]:
    """Arrays of terms, company and distances."""
    i64, i32, flag = np.int64, np.int32, np.bool_
    terms, pair, far = board.terms, board.company, board.distances
    return {
        "term_ptr_g": (terms.ptr_g, i64),
        "term_kind_t": (terms.kind_t, i32),
        "term_level_t": (terms.level_t, i32),
        "term_a_t": (terms.a_t, i64),
        "term_weight_t": (terms.weight_t, i64),
        "term_stage_t": (terms.stage_t, i32),
        "term_counts_ptr_t": (terms.counts_ptr_t, i64),
        "term_counts_x": (_sorted_lists(terms.counts_ptr_t, terms.counts_x), i32),
        "pair_group_e": (pair.group_e, i32),
        "pair_other_e": (pair.other_e, i32),
        "pair_level_e": (pair.level_e, i32),
        "pair_needs_e": (pair.needs_e, flag),
        "pair_weight_e": (pair.weight_e, i64),
        "pair_stage_e": (pair.stage_e, i32),
        "pair_by_group_ptr_g": (pair.by_group_ptr_g, i64),
        "pair_by_group_x": (pair.by_group_x, i32),
        "pair_by_other_ptr_g": (pair.by_other_ptr_g, i64),
        "pair_by_other_x": (pair.by_other_x, i32),
        "far_group_f": (far.group_f, i32),
        "far_other_f": (far.other_f, i32),
        "far_level_f": (far.level_f, i32),
        "far_table_f": (far.table_f, i32),
        "far_weight_f": (far.weight_f, i64),
        "far_stage_f": (far.stage_f, i32),
        "far_xdd": (far.far_xdd, flag),
        "far_by_group_ptr_g": (far.by_group_ptr_g, i64),
        "far_by_group_x": (far.by_group_x, i32),
    }


def _lists(key: npt.NDArray[np.integer], value: npt.NDArray[np.integer], keys: int) -> tuple[Ints, Places]:
    """Values by key: pointers, and values in their order."""
    pointer = np.zeros(keys + 1, np.int64)
    np.cumsum(np.bincount(key, minlength=keys), out=pointer[1:])
    return pointer, value[np.argsort(key, kind="stable")].astype(np.int32)


def _hard_company(board: Board) -> dict[str, tuple[npt.NDArray[np.generic], type]]:
    """Hard entries by group and level, each from both sides."""
    pair, levels = board.company, len(board.levels)
    keys = board.groups * levels
    hard_e = pair.stage_e == BROKEN
    group_key_e = pair.group_e.astype(np.int64) * levels + pair.level_e
    other_key_e = pair.other_e.astype(np.int64) * levels + pair.level_e
    # Who is where it is needs nobody else to be there as itself.
    needs = np.flatnonzero(hard_e & pair.needs_e & (pair.group_e != pair.other_e))
    shuns = np.flatnonzero(hard_e & ~pair.needs_e)
    sides = (
        np.append(group_key_e[shuns], other_key_e[shuns]),
        np.append(pair.other_e[shuns], pair.group_e[shuns]),
    )
    found = {
        "hard_needs": _lists(group_key_e[needs], pair.other_e[needs], keys),
        "hard_serves": _lists(other_key_e[needs], pair.group_e[needs], keys),
        "hard_shuns": _lists(*sides, keys),
    }
    pointers = {f"{name}_ptr_x": (pointer, np.int64) for name, (pointer, _) in found.items()}
    return {**pointers, **{f"{name}_x": (list_x, np.int32) for name, (_, list_x) in found.items()}}


def _soft_company(board: Board) -> dict[str, tuple[npt.NDArray[np.generic], type]]:
    pair = board.company
    soft = np.flatnonzero(pair.stage_e != BROKEN)
    group_ptr, group_x = _lists(pair.group_e[soft], soft, board.groups)
    other_ptr, other_x = _lists(pair.other_e[soft], soft, board.groups)
    return {
        "soft_by_group_ptr_g": (group_ptr, np.int64),
        "soft_by_group_x": (group_x, np.int32),
        "soft_by_other_ptr_g": (other_ptr, np.int64),
        "soft_by_other_x": (other_x, np.int32),
    }


def _sorted_lists(pointer: Ints, list_x: Places) -> Places:
    """The lists one after another, each sorted."""
    owner = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
    found: Places = list_x[np.lexsort((list_x, owner))]
    return found


def _of_moves(board: Board) -> dict[str, tuple[npt.NDArray[np.generic], type]]:
    """Arrays of ratios and steps."""
    i64, i32 = np.int64, np.int32
    ratios, steps = board.ratios, board.steps
    return {
        "ratio_level_b": (ratios.level_b, i32),
        "ratio_of_b": (ratios.resource_b, i32),
        "ratio_beside_b": (ratios.beside_b, i32),
        "ratio_b": (ratios.ratio_b, i64),
        "ratio_weight_b": (ratios.weight_b, i64),
        "ratio_stage_b": (ratios.stage_b, i32),
        "step_ptr_m": (steps.ptr_m, i64),
        "step_level_e": (steps.level_e, i32),
        "step_cost_e": (steps.cost_e, i64),
        "step_beyond_m": (steps.beyond_m, i64),
        "step_stage_m": (steps.stage_m, i32),
        "step_table_m": (steps.table_m, i32),
        "step_key_s": (steps.key_s, i32),
        "step_table_xqq": (steps.table_xqq, i64),
        "step_groups_mg": (steps.groups_mg, np.bool_),
    }


def empty_state(f: Facts) -> State:
    """The state in which every item is nowhere, without its values of items, held amounts and lists.

    `make_state` fills these; alone it serves as an example for types.
    """
    i64, i32 = np.int64, np.int32
    peaks, spans = len(f.peak_most_p), len(f.span_weight_x)
    most = int(np.diff(f.members_ptr_g).max(initial=0)) + 2
    return State(
        site_i=np.full(f.items, f.sites, i32),
        use_nr=np.zeros((f.nodes, f.resources), i64),
        held_nr=np.zeros((f.nodes, f.resources), i64),
        room_nr=f.limit_nr.copy(),
        size_n=np.zeros(f.nodes, i32),
        count_x=np.zeros(f.counts, i32),
        in_use_gl=np.zeros((f.groups, f.levels), i32),
        placed_g=np.zeros(f.groups, i32),
        moved_g=np.zeros(f.groups, i32),
        moved_x=np.zeros(1, i64),
        peak_p=np.zeros(peaks, i64),
        hist_pc=np.zeros((peaks, most), i32),
        top_xy=np.full((spans, KEPT), -1, i32),
        low_xy=np.full((spans, KEPT), -1, i32),
        own_ik=np.zeros((f.items, f.stages), i64),
        first_s=np.full(f.sites + 1, -1, i32),
        next_i=np.full(f.items, -1, i32),
        prev_i=np.full(f.items, -1, i32),
        value_k=f.constant_k.copy(),
        diff_xr=np.zeros((2, f.resources), i64),
        d_k=np.zeros(f.stages, i64),
    )


def without(f: Facts, family: str) -> Facts:
    """The same without what a family says, as if the board did not have it."""
    return replace(f, has=f.has & ~FAMILIES[family])


def make_state(f: Facts, site_i: npt.NDArray[np.integer]) -> State:
    """The state of a placement. Takes about a microsecond per item; `site_i` is copied.

    It is made by putting items one after the other, so that no second way of counting has to be kept in step;
    tests hold it against counting from scratch.
    """
    from zonewright.solver.search.kernels.build import fill_state

    s = empty_state(f)
    fill_state(f, s, np.require(site_i, dtype=np.int32, requirements=["C", "W"]))
    return s
