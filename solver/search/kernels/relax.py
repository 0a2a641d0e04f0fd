# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""Annealing with limits that may be passed at a price: where room is scarce, valid placements lie apart.

Axes: i item, s site, k stage, r resource, l level. The Facts come without the family `capacity`: everything
else stays hard and deltas say nothing of limits; what is above them is priced here.
"""

from __future__ import annotations

import math

from numba import types

from zonewright.solver.search.kernels.amounts import home_node, needed
from zonewright.solver.search.kernels.anneal import below, chance, keep_best, note_change
from zonewright.solver.search.kernels.chains import random_site
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import ACCEPTED, PRICED, PROPOSED, Walk


@inner
def excess_change(f, s, weight_r, i, j, level, node) -> float:
    """Change of a node's weighted excess when item i enters and item j leaves (-1: nobody)."""
    home_i, home_j = home_node(f, i, level), home_node(f, j, level)
    total = 0.0
    for r in range(f.resources):
        need = needed(f, i, j, r, level, node, home_i, home_j)
        room = s.room_nr[node, r]
        total += weight_r[r] * (max(0, need - room) - max(0, -room))
    return total


@inner
def excess_of_move(f, s, weight_r, i, j, old, new) -> float:
    """Change of the weighted excess of all levels when i goes from `old` to `new` and j (or nobody, -1) back."""
    total = 0.0
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        if b >= 0:
            total += excess_change(f, s, weight_r, i, j, level, b)
        if a >= 0:
            total += excess_change(f, s, weight_r, j, i, level, a)
    return total


@inner
def load_of_move(f, s, i, j, old, new, stage) -> int:
    """Change of the load of the two sites, in a stage."""
    total = 0
    for r in range(f.resources):
        weight = f.weight_lr[0, r]
        if weight == 0 or f.load_stage_lr[0, r] != stage:
            continue
        goes = f.demand_ir[i, r] - (f.demand_ir[j, r] if j >= 0 else 0)
        a = s.use_nr[old, r] - f.safe_nr[old, r]
        b = s.use_nr[new, r] - f.safe_nr[new, r]
        total += weight * (max(0, a - goes) - max(0, a) + max(0, b + goes) - max(0, b))
    return total


@entry(Facts, State, types.float64[::1])
def excess(f, s, weight_r) -> float:
    """Weighted excess over all limits."""
    total = 0.0
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            for r in range(f.resources):
                total += weight_r[r] * max(0, -s.room_nr[node, r])
    return total


@entry(Facts, State, Options, Walk, types.int64, types.int64, types.float64, types.float64, types.float64[::1])
def anneal_relaxed(f, s, o, w, steps, stage, price, slack, weight_r) -> float:
    """Anneal on one stage's value + price x weighted excess, the stages before it kept, those after it ignored.

    A proposal is dropped early where load and excess alone are worse than what the draw allows by more than
    `slack`, the most that everything else is taken to save. Where nothing is in excess the best is kept. Returns
    the weighted excess at the end.
    """
    over = excess(f, s, weight_r)
    # Sums of floats drift; less than the least possible excess is none.
    none = weight_r[0]
    for r in range(f.resources):
        none = min(none, weight_r[r])
    none *= 0.5
    priced, accepted = 0, 0
    for _ in range(steps):
        i = o.item_x[below(w, o.item_x.shape[0])]
        old = s.site_i[i]
        limit = -w.heat_k[stage] * math.log(1.0 - chance(w))
        swap = below(w, 256) < w.swap_x[0]
        j, new = -1, -1
        if swap:
            j = o.item_x[below(w, o.item_x.shape[0])]
            new = s.site_i[j]
        else:
            new = random_site(f, o, w, i)
        if new < 0 or new == old or old == f.sites or new == f.sites:
            continue
        more = excess_of_move(f, s, weight_r, i, j, old, new)
        if price * more + load_of_move(f, s, i, j, old, new, stage) > limit + slack:
            continue
        if swap:
            if not swap_delta(f, s, i, j, w.d_k, True):
                continue
        elif not shift_delta(f, s, i, new, w.d_k, True):
            continue
        priced += 1
        worse = w.d_k[stage] + price * more > limit
        for k in range(stage):
            worse = worse or w.d_k[k] > 0
        if worse:
            continue
        accepted += 1
        over += more
        note_change(w, i)
        if swap:
            note_change(w, j)
            apply_swap(f, s, i, j, w.d_k)
        else:
            apply_shift(f, s, i, new, w.d_k)
        if over < none:
            over = 0.0
            keep_best(f, s, w)
    w.tally_x[PROPOSED] += steps
    w.tally_x[PRICED] += priced
    w.tally_x[ACCEPTED] += accepted
    return excess(f, s, weight_r)
