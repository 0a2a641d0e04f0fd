# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""A shift, a swap and a chain: what they change, and doing and undoing them.

`shift_delta` and `swap_delta` write the change of every stage's value to d_k and say whether the move may be made;
after False d_k says nothing. With `strict` a move that makes anything hard worse may not be made; without, what it
makes worse is in d_k[0]. Where an item may not be (reach, pinned) it is never moved to.
A chain is a sequence of `apply_...`; to take it back keep (item, old site) of each step and value_k from before.
"""

from __future__ import annotations

from zonewright.solver.search.kernels.amounts import (
    capacity,
    lacking,
    lacking_swap,
    load,
    move_use,
    rank_spans,
    ratios,
    spans,
)
from zonewright.solver.search.kernels.counts import (
    company,
    company_keeps,
    distances,
    move_counts,
    soft_company,
    terms,
)
from zonewright.solver.search.kernels.own import (
    leaves_home,
    may_be,
    misplaced,
    move_peaks,
    moves,
    opening,
    own_cost,
    peaks,
)
from zonewright.solver.search.kernels.records import inner
from zonewright.solver.search.state import FAMILIES

CAPACITY, LOAD, RATIOS, SPANS = (FAMILIES[name] for name in ("capacity", "load", "ratios", "spans"))
PAIRS = FAMILIES["needs"] | FAMILIES["meets"]
DISTANCES, OPEN, PEAKS = (FAMILIES[name] for name in ("distances", "open", "peaks"))
MOST_MOVES = FAMILIES["most_moves"]


@inner
def _group_change(f, s, g, h, skip, old, new, d_k, strict, calm) -> bool:
    """What changes for group g, of which one goes from `old` to `new`; h, if any, goes the other way."""
    if not f.busy_g[g]:
        return True
    if not terms(f, s, g, old, new, d_k, strict, calm):
        return False
    if f.has & PAIRS != 0:
        if calm:
            if not company_keeps(f, s, g, h, old, new):
                return False
            soft_company(f, s, g, h, skip, old, new, d_k)
        elif not company(f, s, g, h, skip, old, new, d_k, strict):
            return False
    return f.has & DISTANCES == 0 or distances(f, s, g, h, skip, old, new, d_k, strict)


@inner
def _amounts(f, s, d_xr, x, old, new, d_k, strict) -> bool:
    if f.has & LOAD != 0 and not load(f, s, d_xr, x, old, new, d_k, strict):
        return False
    if f.has & RATIOS != 0 and not ratios(f, s, d_xr, x, old, new, d_k, strict):
        return False
    return f.has & SPANS == 0 or spans(f, s, d_xr, x, old, new, d_k, strict)


@inner
def _moved(f, s, g, by_g, h, by_h, d_k, strict) -> bool:
    if f.has & MOST_MOVES != 0 and not moves(f, s, by_g + by_h, d_k, strict):
        return False
    if f.has & PEAKS == 0:
        return True
    if g == h:
        return peaks(f, s, g, by_g + by_h, -1, 0, d_k, strict)
    return peaks(f, s, g, by_g, h, by_h, d_k, strict)


@inner
def change_of_shift(f, s, i, new, d_k, strict, calm, tested) -> bool:
    """`shift_delta` without asking whether the item may be there; what is misplaced is counted."""
    old = s.site_i[i]
    g = f.group_i[i]
    for k in range(f.stages):
        d_k[k] = 0
    if not calm:
        d_k[0] = misplaced(f, i, new) - misplaced(f, i, old)
    if f.has & CAPACITY != 0 and not capacity(f, s, i, -1, old, new, d_k, strict, calm, tested):
        return False
    if not _group_change(f, s, g, -1, -1, old, new, d_k, strict, calm):
        return False
    for k in range(f.stages):
        change = own_cost(f, i, new, k) - s.own_ik[i, k]
        if strict and k == 0 and change > 0:
            return False
        d_k[k] += change
    if not _moved(f, s, g, leaves_home(f, i, old, new), -1, 0, d_k, strict):
        return False
    if f.has & OPEN != 0 and not opening(f, s, old, new, d_k, strict):
        return False
    for r in range(f.resources):
        s.diff_xr[0, r] = f.demand_ir[i, r]
    return _amounts(f, s, s.diff_xr, 0, old, new, d_k, strict)


@inner
def shift_delta(f, s, i, new, d_k, strict) -> bool:
    """What it changes that item i goes to another site (or nowhere: f.sites). False where it may not."""
    if s.site_i[i] == new or not may_be(f, i, new):
        return False
    calm = strict and s.value_k[0] == 0
    tested = calm and f.has & CAPACITY != 0 and new != f.sites and new != f.home_i[i]
    if tested and lacking(f, s, i, new) > 0:
        return False
    return change_of_shift(f, s, i, new, d_k, strict, calm, tested)


@inner
def swap_delta(f, s, i, j, d_k, strict) -> bool:
    """What it changes that two items exchange their sites, both leaving before either arrives."""
    old, new = s.site_i[i], s.site_i[j]
    if old == new or not may_be(f, i, new) or not may_be(f, j, old):
        return False
    calm = strict and s.value_k[0] == 0
    tested = False
    somewhere = old != f.sites and new != f.sites
    if calm and somewhere and f.has & CAPACITY != 0 and f.home_i[i] != new and f.home_i[j] != old:
        if lacking_swap(f, s, i, j, old, new) > 0:
            return False
        tested = True
    for k in range(f.stages):
        d_k[k] = 0
    if not calm:
        d_k[0] = -misplaced(f, i, old) - misplaced(f, j, new)
    if f.has & CAPACITY != 0 and not capacity(f, s, i, j, old, new, d_k, strict, calm, tested):
        return False
    g, h = f.group_i[i], f.group_i[j]
    if g != h:
        for side in range(2):
            this, that = (g, h) if side == 0 else (h, g)
            here, there = (old, new) if side == 0 else (new, old)
            # Entries of both groups are counted once, on the first side.
            if not _group_change(f, s, this, that, -1 if side == 0 else g, here, there, d_k, strict, calm):
                return False
    for k in range(f.stages):
        change = own_cost(f, i, new, k) + own_cost(f, j, old, k) - s.own_ik[i, k] - s.own_ik[j, k]
        if strict and k == 0 and change > 0:
            return False
        d_k[k] += change
    if not _moved(f, s, g, leaves_home(f, i, old, new), h, leaves_home(f, j, new, old), d_k, strict):
        return False
    for r in range(f.resources):
        s.diff_xr[0, r] = f.demand_ir[i, r] - f.demand_ir[j, r]
    return _amounts(f, s, s.diff_xr, 0, old, new, d_k, strict)


@inner
def _unlink(f, s, i, site) -> None:
    before, after = s.prev_i[i], s.next_i[i]
    if before >= 0:
        s.next_i[before] = after
    else:
        s.first_s[site] = after
    if after >= 0:
        s.prev_i[after] = before


@inner
def _link(f, s, i, site) -> None:
    head = s.first_s[site]
    s.next_i[i] = head
    s.prev_i[i] = -1
    if head >= 0:
        s.prev_i[head] = i
    s.first_s[site] = i


@inner
def place(f, s, i, new) -> None:
    """Put an item to another site and keep everything but value_k up to date."""
    old = s.site_i[i]
    g = f.group_i[i]
    move_counts(f, s, i, g, old, new)
    move_use(f, s, i, old, new)
    move_peaks(f, s, g, leaves_home(f, i, old, new))
    for k in range(f.stages):
        s.own_ik[i, k] = own_cost(f, i, new, k)
    _unlink(f, s, i, old)
    _link(f, s, i, new)
    s.site_i[i] = new
    if f.has & SPANS != 0:
        rank_spans(f, s, old, new)


@inner
def apply_shift(f, s, i, new, d_k) -> None:
    """Make a shift of which d_k is known."""
    for k in range(f.stages):
        s.value_k[k] += d_k[k]
    place(f, s, i, new)


@inner
def apply_swap(f, s, i, j, d_k) -> None:
    """Make a swap of which d_k is known."""
    old, new = s.site_i[i], s.site_i[j]
    for k in range(f.stages):
        s.value_k[k] += d_k[k]
    for side in range(2):
        place(f, s, i if side == 0 else j, new if side == 0 else old)
