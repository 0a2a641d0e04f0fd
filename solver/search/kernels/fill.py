# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""Annealing where sites cost something as soon as they are open: what is nearly empty already costs less.

The cost of opening alone is flat: a move gains nothing until a site's last item leaves. Here a site costs its
opening times its fill to a power below 1: concave, so that full and empty sites together cost less than half-full
ones, and with a falling power ever closer to the true cost.
"""

from __future__ import annotations

import math

from numba import types

from zonewright.solver.search.board import NO_LIMIT
from zonewright.solver.search.kernels.chains import random_site
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import below, chance, keep_best, note_change
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import ACCEPTED, PRICED, PROPOSED, Walk


@inner
def smooth_cost(f, s, site, i, j, stage, power) -> float:
    """Cost of a site when item i has come and item j has left (-1: nobody)."""
    cost = f.open_nk[site, stage]
    if cost == 0:
        return 0.0
    fill, limits = 0.0, 0
    for r in range(f.resources):
        limit = f.limit_nr[site, r]
        if 0 < limit < NO_LIMIT:
            use = s.use_nr[site, r]
            if i >= 0:
                use += f.demand_ir[i, r]
            if j >= 0:
                use -= f.demand_ir[j, r]
            fill += use / limit
            limits += 1
    if fill <= 0.0:
        return 0.0
    return cost * math.pow(fill / limits, power)


@inner
def opened(f, s, old, new, stage) -> int:
    """What a shift adds to the true cost of opening the two sites."""
    change = 0
    if s.size_n[new] == 0:
        change += f.open_nk[new, stage]
    if s.size_n[old] == 1:
        change -= f.open_nk[old, stage]
    return change


@entry(Facts, State, Options, Walk, types.int64, types.int64, types.float64)
def anneal_filling(f, s, o, w, steps, stage, power) -> None:
    """Anneal on a stage with sites' opening costs smoothed by `power`, the stages before it kept."""
    priced, accepted = 0, 0
    for _ in range(steps):
        i = o.item_x[below(w, o.item_x.shape[0])]
        old = s.site_i[i]
        swap = below(w, 256) < w.swap_x[0]
        j, new, true = -1, -1, 0
        if swap:
            j = o.item_x[below(w, o.item_x.shape[0])]
            new = s.site_i[j]
        else:
            new = random_site(f, o, w, i)
        if new < 0 or new == old or old == f.sites or new == f.sites:
            continue
        if swap:
            if not swap_delta(f, s, i, j, w.d_k, True):
                continue
        else:
            if not shift_delta(f, s, i, new, w.d_k, True):
                continue
            true = opened(f, s, old, new, stage)
        priced += 1
        worse = False
        for k in range(stage):
            worse = worse or w.d_k[k] > 0
        if worse:
            continue
        change = smooth_cost(f, s, new, i, j, stage, power) - smooth_cost(f, s, new, -1, -1, stage, power)
        change += smooth_cost(f, s, old, j, i, stage, power) - smooth_cost(f, s, old, -1, -1, stage, power)
        if w.d_k[stage] - true + change > -w.heat_k[stage] * math.log(1.0 - chance(w)):
            continue
        accepted += 1
        note_change(w, i)
        if swap:
            note_change(w, j)
            apply_swap(f, s, i, j, w.d_k)
        else:
            apply_shift(f, s, i, new, w.d_k)
        keep_best(f, s, w)
    w.tally_x[PROPOSED] += steps
    w.tally_x[PRICED] += priced
    w.tally_x[ACCEPTED] += accepted
