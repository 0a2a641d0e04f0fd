# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""The state of a placement, made from that in which everything is nowhere."""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.kernels.amounts import rank_span, rated
from zonewright.solver.search.kernels.moves import change_of_shift, place
from zonewright.solver.search.kernels.own import own_cost
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.state import FAMILIES, Facts, State

HOLDS, CAPACITY, LOAD, RATIOS = (FAMILIES[name] for name in ("holds", "capacity", "load", "ratios"))
MOST_MOVES, PEAKS = FAMILIES["most_moves"], FAMILIES["peaks"]


@inner
def _all_nowhere(f, s) -> None:
    """Items, what they hold at home, and how many have moved."""
    for i in range(f.items):
        for k in range(f.stages):
            s.own_ik[i, k] = own_cost(f, i, f.sites, k)
            s.value_k[k] += s.own_ik[i, k]
        s.next_i[i] = s.first_s[f.sites]
        if s.next_i[i] >= 0:
            s.prev_i[s.next_i[i]] = i
        s.first_s[f.sites] = i
        home = f.home_i[i]
        if home < 0:
            continue
        s.moved_g[f.group_i[i]] += 1
        s.moved_x[0] += 1
        for level in range(f.levels):
            node = f.node_sl[home, level]
            if node < 0 or not f.hold_l[level] or f.has & HOLDS == 0:
                continue
            for r in range(f.resources):
                if f.holds_lr[level, r]:
                    s.held_nr[node, r] += f.demand_ir[i, r]
                    s.room_nr[node, r] -= f.demand_ir[i, r]
    if f.has & MOST_MOVES != 0:
        s.value_k[0] += max(0, s.moved_x[0] - f.most_moves)


@inner
def _empty_nodes(f, s) -> None:
    """Limits, loads, ratios and spans where nothing is used."""
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            for r in range(f.resources):
                s.value_k[0] += max(0, -s.room_nr[node, r]) if f.has & CAPACITY != 0 else 0
    for x in range(f.load_x.shape[0]):
        level = f.load_x[x]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            for r in range(f.resources):
                over = max(0, -f.safe_nr[node, r]) if f.has & LOAD != 0 else 0
                s.value_k[f.load_stage_lr[level, r]] += f.weight_lr[level, r] * over
    for b in range(f.ratio_b.shape[0]):
        level, r, q = f.ratio_level_b[b], f.ratio_of_b[b], f.ratio_beside_b[b]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            over = f.ratio_b[b] * f.limit_nr[node, r] - f.limit_nr[node, q]
            if f.has & RATIOS != 0 and rated(f, node, r, q):
                s.value_k[f.ratio_stage_b[b]] += f.ratio_weight_b[b] * max(0, over)
    for y in range(f.span_weight_x.shape[0]):
        rank_span(f, s, y)


@inner
def _first_peaks(f, s) -> None:
    for p in range(f.peak_most_p.shape[0]):
        for g in range(f.groups):
            if f.peak_groups_pg[p, g]:
                s.hist_pc[p, s.moved_g[g]] += 1
                s.peak_p[p] = max(s.peak_p[p], s.moved_g[g])
        if f.has & PEAKS != 0:
            over = max(0, s.peak_p[p] - f.peak_most_p[p])
            s.value_k[f.peak_stage_p[p]] += f.peak_weight_p[p] * over


@entry(Facts, State, types.int32[::1])
def fill_state(f, s, site_i) -> None:
    """Put all items where they are to be; `s` is as `empty_state` makes it."""
    _all_nowhere(f, s)
    _empty_nodes(f, s)
    _first_peaks(f, s)
    d_k = s.d_k
    for i in range(f.items):
        site = np.int64(site_i[i])
        if site != f.sites:
            change_of_shift(f, s, i, site, d_k, False, False, False)
            for k in range(f.stages):
                s.value_k[k] += d_k[k]
            place(f, s, i, site)
