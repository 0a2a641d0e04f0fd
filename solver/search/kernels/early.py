# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What a move changes on its two sites alone, load and ratios: on most boards the largest part, and cheap to tell.

With the most that everything else of a move can gain, that is often enough to refuse it. `Facts.early_stage` says
where that holds.
"""

from __future__ import annotations

import math

from zonewright.solver.search.kernels.amounts import rated
from zonewright.solver.search.kernels.linked import inner, summing
from zonewright.solver.search.state import FAMILIES

LOAD, RATIOS = FAMILIES["load"], FAMILIES["ratios"]


@summing
def load_of_sites(f, s, i, j, old, new) -> int:
    """What load costs more when item i goes from `old` to `new` and j, -1 for nobody, the other way."""
    other, counts = max(j, 0), -1 if j >= 0 else 0
    total = 0
    for r in range(f.resources):
        goes = f.demand_ir[i, r] - (f.demand_ir[other, r] & counts)
        here, there = s.use_nr[old, r] - f.safe_nr[old, r], s.use_nr[new, r] - f.safe_nr[new, r]
        change = max(0, here - goes) - max(0, here) + max(0, there + goes) - max(0, there)
        total += f.weight_lr[0, r] * change
    return total


@inner
def ratios_of_sites(f, s, i, j, old, new) -> int:
    """What the ratios of sites cost more, in the stage of load; j is -1 for a shift."""
    total = 0
    for y in range(f.ratio_b.shape[0]):
        if f.ratio_level_b[y] != 0 or f.ratio_stage_b[y] != f.early_stage:
            continue
        r, q, ratio = f.ratio_of_b[y], f.ratio_beside_b[y], f.ratio_b[y]
        change = ratio * f.demand_ir[i, r] - f.demand_ir[i, q]
        if j >= 0:
            change -= ratio * f.demand_ir[j, r] - f.demand_ir[j, q]
        for side in range(2):
            site = old if side == 0 else new
            if rated(f, site, r, q):
                free = ratio * (f.limit_nr[site, r] - s.use_nr[site, r])
                over = free - (f.limit_nr[site, q] - s.use_nr[site, q])
                total += f.ratio_weight_b[y] * (max(0, over + (change if side == 0 else -change)) - max(0, over))
    return total


@inner
def at_least(f, s, i, j, old, new) -> int:
    """No more than what the stage `early_stage` changes by under a shift (j < 0) or a swap, between two sites."""
    k = f.early_stage
    total = 0
    if f.has & LOAD != 0:
        total = load_of_sites(f, s, i, j, old, new)
    if f.has & RATIOS != 0:
        total += ratios_of_sites(f, s, i, j, old, new)
    return total - f.early_gain - s.own_ik[i, k] - (s.own_ik[j, k] if j >= 0 else 0)


@inner
def refused(f, s, w, i, j, new, luck) -> bool:
    """Whether a move would be refused with this draw whatever it changes elsewhere; j is -1 for a shift."""
    old = s.site_i[i]
    if old == new or old == f.sites or new == f.sites:
        return False
    least = at_least(f, s, i, j, old, new)
    if least <= 0:
        return False
    heat = w.heat_k[f.early_stage]
    return least >= 40.0 * heat or luck >= math.exp(-least / heat)


@inner
def settled_before(f, s, w) -> bool:
    """Whether no stage before can change for the better, nor may for the worse: all are 0, and cold."""
    settled = True
    for k in range(f.early_stage):
        settled = settled and s.value_k[k] == 0 and w.heat_k[k] == 0.0
    return settled
