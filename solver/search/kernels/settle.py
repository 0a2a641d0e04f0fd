# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,assignment,return-value"
"""Settle items on sites that hold too much: annealing on what is beyond limits, everything else kept.

The Facts come without the family `capacity`: deltas say nothing of limits, which are priced here. Most moves are
of items on overfull sites, kept in a list, as nearly all others change nothing that is sought.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types

from zonewright.solver.search.kernels.chains import random_site
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.relax import excess, excess_of_move, least_price, renew_rooms
from zonewright.solver.search.kernels.walking import below, chance, note_change
from zonewright.solver.search.options import Options
from zonewright.solver.search.rooms import Rooms
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import Walk


@inner
def overfull(f, s, site) -> bool:
    """Whether more than there is room for is used on a site, or held there."""
    least = 0
    for r in range(f.resources):
        least = min(least, s.room_nr[site, r])
    return least < 0


@inner
def random_item(s, w, site) -> int:
    """A random item of a site, -1 where there is none."""
    count = s.size_n[site]
    if count == 0:
        return -1
    i = np.int64(s.first_s[site])
    for _ in range(below(w, count)):
        i = np.int64(s.next_i[i])
    return i


@entry(Facts, State, Options, Walk, Rooms, types.int64, types.float64, types.float64[::1])
def settle(f, s, o, w, t, steps, heat, price_k) -> float:
    """Anneal for so many steps, or until nothing is beyond a limit; return what is, weighted.

    `t.price_nr` is what a unit beyond a limit costs, `price_k` what a unit of a stage does; `heat` in the same.
    """
    hot_x = np.empty(f.sites, np.int32)
    place_s = np.full(f.sites, -1, np.int32)
    hots = 0
    for site in range(f.sites):
        if overfull(f, s, site):
            place_s[site] = hots
            hot_x[hots] = site
            hots += 1
    none = least_price(f, t)
    over = excess(f, s, t)
    for _ in range(steps):
        # Sums of floats drift; less than half the least possible excess is none.
        if over < 0.5 * none:
            break
        if hots > 0 and below(w, 16) < 11:
            i = random_item(s, w, np.int64(hot_x[below(w, hots)]))
        else:
            i = np.int64(o.item_x[below(w, o.item_x.shape[0])])
        if i < 0 or s.site_i[i] == f.sites:
            continue
        old = np.int64(s.site_i[i])
        j, new = -1, -1
        if below(w, 16) < 6:
            new = np.int64(random_site(f, o, w, i))
        else:
            j = np.int64(o.item_x[below(w, o.item_x.shape[0])])
            new = np.int64(s.site_i[j])
        if new < 0 or new == old or new == f.sites:
            continue
        limit = -heat * math.log(1.0 - chance(w))
        more = excess_of_move(f, s, t, i, j, old, new)
        if more > limit:
            continue
        if j >= 0:
            if not swap_delta(f, s, i, j, w.d_k, True):
                continue
        elif not shift_delta(f, s, i, new, w.d_k, True):
            continue
        worse = more
        for k in range(1, f.stages):
            worse += price_k[k] * w.d_k[k]
        if worse > limit:
            continue
        over += more
        note_change(w, i)
        if j >= 0:
            note_change(w, j)
            apply_swap(f, s, i, j, w.d_k)
        else:
            apply_shift(f, s, i, new, w.d_k)
        for turn in range(2):
            site = old if turn == 0 else new
            renew_rooms(f, s, t, site)
            full = overfull(f, s, site)
            if full and place_s[site] < 0:
                place_s[site] = hots
                hot_x[hots] = site
                hots += 1
            elif not full and place_s[site] >= 0:
                hots -= 1
                moved = hot_x[hots]
                hot_x[place_s[site]] = moved
                place_s[moved] = place_s[site]
                place_s[site] = -1
    return excess(f, s, t)
