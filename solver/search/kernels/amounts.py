# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What resources say: limits with what is held, load above the safe amount, ratios and spans of use.

All take what moves from site `old` to site `new` as row `x` of `d_xr`: an item's demand, or for a swap (j >= 0)
the demand of i less that of j. They add to d_k and return False where something hard gets worse and `strict`.
`calm` promises that nothing hard is exceeded now, so that only what gets worse has to be looked at.
"""

from __future__ import annotations

import numpy as np

from zonewright.solver.search.board import NO_LIMIT
from zonewright.solver.search.kernels.linked import inner, summing
from zonewright.solver.search.state import FAMILIES

HOLDS = FAMILIES["holds"]


@summing
def lacking(f, s, i, site) -> int:
    """Resources of which a site has too little room for an item whose home it is not."""
    found = 0
    for r in range(f.resources):
        found += f.demand_ir[i, r] > s.room_nr[site, r]
    return found


@summing
def lacking_swap(f, s, i, j, old, new) -> int:
    """The same for a swap of two items, neither of which comes home; both sites counted.

    Who leaves its home frees only what is not held there.
    """
    holds = f.has & HOLDS != 0
    all_of_i = 0 if holds and f.home_i[i] == old else -1
    all_of_j = 0 if holds and f.home_i[j] == new else -1
    found = 0
    for r in range(f.resources):
        of_i, of_j = f.demand_ir[i, r], f.demand_ir[j, r]
        frees_i, frees_j = of_i & (f.frees_r[r] | all_of_i), of_j & (f.frees_r[r] | all_of_j)
        found += (of_i - frees_j > s.room_nr[new, r]) | (of_j - frees_i > s.room_nr[old, r])
    return found


@inner
def home_node(f, i, level) -> int:
    """The node of a level in which an item holds room once it has left; -2 for none."""
    if i < 0 or not f.hold_l[level] or f.has & HOLDS == 0:
        return -2
    home = f.home_i[i]
    if home < 0:
        return -2
    return f.node_sl[home, level]


@inner
def needed(f, i, j, r, level, node, home_i, home_j) -> int:
    """How much more room of a resource is taken in a node that item i enters and item j leaves; -1 is nobody.

    Who comes home takes no more than it holds there, who leaves home goes on holding it.
    """
    held = f.holds_lr[level, r]
    need = 0
    if i >= 0 and not (held and home_i == node):
        need += f.demand_ir[i, r]
    if j >= 0 and not (held and home_j == node):
        need -= f.demand_ir[j, r]
    return need


@inner
def capacity_node(f, s, i, j, level, node, strict, d_k) -> bool:
    """Change of the excess of one node that item i enters and item j leaves; either may be -1."""
    home_i, home_j = home_node(f, i, level), home_node(f, j, level)
    for r in range(f.resources):
        need = needed(f, i, j, r, level, node, home_i, home_j)
        room = s.room_nr[node, r]
        more = max(0, need - room) - max(0, -room)
        if strict and more > 0:
            return False
        d_k[0] += more
    return True


@inner
def capacity(f, s, i, j, old, new, d_k, strict, calm, tested) -> bool:
    """Limits of every level under a shift of i (j < 0) or a swap of i and j; `tested`: level 0 holds."""
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        if tested and level == 0:
            continue
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        if b >= 0 and not capacity_node(f, s, i, j, level, b, strict, d_k):
            return False
        # What only leaves a node that is not over its limit changes nothing there.
        if a >= 0 and not (calm and j < 0) and not capacity_node(f, s, j, i, level, a, strict, d_k):
            return False
    return True


@inner
def load(f, s, d_xr, x, old, new, d_k, strict) -> bool:
    """Use above the safe amount, weighted."""
    for y in range(f.load_x.shape[0]):
        level = f.load_x[y]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        stage = f.load_stage_l[level]
        if stage > 0:
            total = 0
            if a >= 0:
                for r in range(f.resources):
                    over = s.use_nr[a, r] - f.safe_nr[a, r]
                    total += f.weight_lr[level, r] * (max(0, over - d_xr[x, r]) - max(0, over))
            if b >= 0:
                for r in range(f.resources):
                    over = s.use_nr[b, r] - f.safe_nr[b, r]
                    total += f.weight_lr[level, r] * (max(0, over + d_xr[x, r]) - max(0, over))
            d_k[stage] += total
        elif not _load_by_stage(f, s, d_xr, x, level, a, b, d_k, strict):
            return False
    return True


@inner
def _load_by_stage(f, s, d_xr, x, level, a, b, d_k, strict) -> bool:
    for r in range(f.resources):
        total = 0
        if a >= 0:
            over = s.use_nr[a, r] - f.safe_nr[a, r]
            total += max(0, over - d_xr[x, r]) - max(0, over)
        if b >= 0:
            over = s.use_nr[b, r] - f.safe_nr[b, r]
            total += max(0, over + d_xr[x, r]) - max(0, over)
        stage = f.load_stage_lr[level, r]
        total *= f.weight_lr[level, r]
        if strict and stage == 0 and total > 0:
            return False
        d_k[stage] += total
    return True


@inner
def rated(f, node, r, q) -> bool:
    """Whether a node has a limit on both resources; only then something is free."""
    return f.limit_nr[node, r] < NO_LIMIT and f.limit_nr[node, q] < NO_LIMIT


@inner
def ratios(f, s, d_xr, x, old, new, d_k, strict) -> bool:
    """ratio x free of one resource beyond the free amount of another."""
    for y in range(f.ratio_b.shape[0]):
        level = f.ratio_level_b[y]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        r, q, ratio = f.ratio_of_b[y], f.ratio_beside_b[y], f.ratio_b[y]
        change = ratio * d_xr[x, r] - d_xr[x, q]
        total = 0
        if a >= 0 and rated(f, a, r, q):
            over = ratio * (f.limit_nr[a, r] - s.use_nr[a, r]) - (f.limit_nr[a, q] - s.use_nr[a, q])
            total += max(0, over + change) - max(0, over)
        if b >= 0 and rated(f, b, r, q):
            over = ratio * (f.limit_nr[b, r] - s.use_nr[b, r]) - (f.limit_nr[b, q] - s.use_nr[b, q])
            total += max(0, over - change) - max(0, over)
        stage = f.ratio_stage_b[y]
        if strict and stage == 0 and total > 0:
            return False
        d_k[stage] += f.ratio_weight_b[y] * total
    return True


@inner
def spans(f, s, d_xr, x, old, new, d_k, strict) -> bool:
    """Most less least use over the nodes of a level."""
    for y in range(f.span_weight_x.shape[0]):
        level, r = f.span_level_x[y], f.span_resource_x[y]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b or s.top_xy[y, 0] < 0 or d_xr[x, r] == 0:
            continue
        most = np.int64(-(2**62))
        least = np.int64(2**62)
        for k in range(s.top_xy.shape[1]):
            high, low = s.top_xy[y, k], s.low_xy[y, k]
            if high >= 0 and high != a and high != b:
                most = max(most, s.use_nr[high, r])
            if low >= 0 and low != a and low != b:
                least = min(least, s.use_nr[low, r])
        if a >= 0:
            most = max(most, s.use_nr[a, r] - d_xr[x, r])
            least = min(least, s.use_nr[a, r] - d_xr[x, r])
        if b >= 0:
            most = max(most, s.use_nr[b, r] + d_xr[x, r])
            least = min(least, s.use_nr[b, r] + d_xr[x, r])
        now = s.use_nr[s.top_xy[y, 0], r] - s.use_nr[s.low_xy[y, 0], r]
        change = (most - least) - now
        stage = f.span_stage_x[y]
        if strict and stage == 0 and change > 0:
            return False
        d_k[stage] += f.span_weight_x[y] * change
    return True


@inner
def rank_span(f, s, y) -> None:
    """Find the nodes of most and least use anew."""
    r = f.span_resource_x[y]
    kept = s.top_xy.shape[1]
    for k in range(kept):
        s.top_xy[y, k] = -1
        s.low_xy[y, k] = -1
    for z in range(f.span_ptr_x[y], f.span_ptr_x[y + 1]):
        node = f.span_node_y[z]
        high, low = node, node
        for k in range(kept):
            other = s.top_xy[y, k]
            if high >= 0 and (other < 0 or s.use_nr[high, r] > s.use_nr[other, r]):
                s.top_xy[y, k], high = high, other
            other = s.low_xy[y, k]
            if low >= 0 and (other < 0 or s.use_nr[low, r] < s.use_nr[other, r]):
                s.low_xy[y, k], low = low, other


@inner
def rank_spans(f, s, old, new) -> None:
    """Keep the spans' nodes of most and least use right after the use of two sites has changed."""
    for y in range(f.span_weight_x.shape[0]):
        level, r = f.span_level_x[y], f.span_resource_x[y]
        last = s.top_xy.shape[1] - 1
        stale = False
        for side in range(2):
            node = f.node_sl[old if side == 0 else new, level]
            if node < 0:
                continue
            if s.top_xy[y, last] < 0:
                stale = True
                break
            stale |= s.use_nr[node, r] >= s.use_nr[s.top_xy[y, last], r]
            stale |= s.use_nr[node, r] <= s.use_nr[s.low_xy[y, last], r]
            for k in range(last + 1):
                stale |= s.top_xy[y, k] == node or s.low_xy[y, k] == node
        if stale:
            rank_span(f, s, y)


@inner
def move_use(f, s, i, old, new) -> None:
    """Take an item's demand from one site to the other, with what it holds at home and the nodes' items."""
    home = f.home_i[i]
    for x in range(f.live_x.shape[0]):
        level = f.live_x[x]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        if a >= 0:
            for r in range(f.resources):
                s.use_nr[a, r] -= f.demand_ir[i, r]
                s.room_nr[a, r] += f.demand_ir[i, r]
        if b >= 0:
            for r in range(f.resources):
                s.use_nr[b, r] += f.demand_ir[i, r]
                s.room_nr[b, r] -= f.demand_ir[i, r]
        if home >= 0 and f.hold_l[level] and f.has & HOLDS != 0:
            node = f.node_sl[home, level]
            if node >= 0 and node in (a, b):
                sign = 1 if node == a else -1
                for r in range(f.resources):
                    if f.holds_lr[level, r]:
                        s.held_nr[node, r] += sign * f.demand_ir[i, r]
                        s.room_nr[node, r] -= sign * f.demand_ir[i, r]
    for level in range(f.levels):
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a != b:
            if a >= 0:
                s.size_n[a] -= 1
            if b >= 0:
                s.size_n[b] += 1
