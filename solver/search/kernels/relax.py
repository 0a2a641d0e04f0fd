# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""Annealing with limits that may be passed at a price: where room is scarce, valid placements lie apart.

Axes: i item, s site, k stage, r resource, l level, y row of demands. The Facts come without the family `capacity`:
everything else stays hard and deltas say nothing of limits; what is above them is priced here.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types

from zonewright.solver.search.kernels.amounts import home_node, needed
from zonewright.solver.search.kernels.chains import random_site
from zonewright.solver.search.kernels.linked import inner, summing
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry
from zonewright.solver.search.kernels.walking import below, chance, keep_best, note_change
from zonewright.solver.search.options import Options
from zonewright.solver.search.rooms import Rooms
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import ACCEPTED, PRICED, PROPOSED, Walk


@inner
def row_of(f, i, site) -> int:
    """The row of `need_yr` that says what an item takes in a site; -1 is nobody."""
    if i < 0:
        return 2 * f.items
    return 2 * i + (1 if f.home_i[i] == site else 0)


@summing
def excess_of_sites(t, resources, enters, leaves, back, gone, old, new) -> float:
    """Change of the weighted excess of two sites when rows enter and leave `new`, and others `old`."""
    total = 0.0
    for r in range(resources):
        need, room = t.need_yr[enters, r] - t.need_yr[leaves, r], t.room_sr[new, r]
        total += t.price_nr[new, r] * (max(0.0, need - room) - max(0.0, -room))
        need, room = t.need_yr[back, r] - t.need_yr[gone, r], t.room_sr[old, r]
        total += t.price_nr[old, r] * (max(0.0, need - room) - max(0.0, -room))
    return total


@summing
def load_of_sites(t, resources, goes, comes, old, new) -> float:
    """Change of the load of two sites when a row goes from `old` to `new` and another comes back."""
    total = 0.0
    for r in range(resources):
        more = t.need_yr[goes, r] - t.need_yr[comes, r]
        a, b = t.beyond_sr[old, r], t.beyond_sr[new, r]
        total += t.load_r[r] * (max(0.0, a - more) - max(0.0, a) + max(0.0, b + more) - max(0.0, b))
    return total


@inner
def excess_beside(f, s, t, i, j, level, node) -> float:
    """Change of the weighted excess of a node above the sites when item i enters and item j leaves."""
    home_i, home_j = home_node(f, i, level), home_node(f, j, level)
    total = 0.0
    for r in range(f.resources):
        need = needed(f, i, j, r, level, node, home_i, home_j)
        room = s.room_nr[node, r]
        total += t.price_nr[node, r] * (max(0, need - room) - max(0, -room))
    return total


@inner
def excess_of_move(f, s, t, i, j, old, new) -> float:
    """Change of the weighted excess of all levels when i goes from `old` to `new` and j (or nobody, -1) back."""
    total = excess_of_sites(
        t, f.resources, row_of(f, i, new), row_of(f, j, new), row_of(f, j, old), row_of(f, i, old), old, new
    )
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        if level == 0:
            continue
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        if b >= 0:
            total += excess_beside(f, s, t, i, j, level, b)
        if a >= 0:
            total += excess_beside(f, s, t, j, i, level, a)
    return total


@inner
def renew_rooms(f, s, t, site) -> None:
    """Bring the room and the load of a site up to date."""
    for r in range(f.resources):
        t.room_sr[site, r] = np.float64(s.room_nr[site, r])
        t.beyond_sr[site, r] = np.float64(s.use_nr[site, r] - f.safe_nr[site, r])


@inner
def least_price(f, t) -> float:
    """The least price of a unit beyond a limit."""
    least = np.inf
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            for r in range(f.resources):
                least = min(least, t.price_nr[node, r])
    return least


@entry(Facts, State, Rooms)
def excess(f, s, t) -> float:
    """Weighted excess over all limits."""
    total = 0.0
    for x in range(f.cap_x.shape[0]):
        level = f.cap_x[x]
        for node in range(f.base_l[level], f.base_l[level] + f.domains_l[level]):
            for r in range(f.resources):
                total += t.price_nr[node, r] * max(0, -s.room_nr[node, r])
    return total


@entry(Facts, State, Options, Walk, Rooms, types.int64, types.int64, types.float64)
def anneal_relaxed(f, s, o, w, t, steps, stage, slack) -> float:
    """Anneal on one stage's value + priced excess, the stages before it kept, those after it ignored.

    A proposal is dropped early where load and excess alone are worse than what the draw allows by more than
    `slack`, the most that everything else is taken to save. Where nothing is in excess the best is kept. Returns
    the priced excess at the end, as changes have added up.
    """
    over = excess(f, s, t)
    # Sums of floats drift; less than the least possible excess is none.
    none = 0.5 * least_price(f, t)
    priced, accepted = 0, 0
    for _ in range(steps):
        i = o.item_x[below(w, o.item_x.shape[0])]
        old = s.site_i[i]
        swap = below(w, 256) < w.swap_x[0]
        j, new = -1, -1
        if swap:
            j = o.item_x[below(w, o.item_x.shape[0])]
            new = s.site_i[j]
        else:
            new = random_site(f, o, w, i)
        if new < 0 or new == old or old == f.sites or new == f.sites:
            continue
        more = excess_of_move(f, s, t, i, j, old, new)
        full_j = 2 * j if swap else 2 * f.items
        cost = more + load_of_sites(t, f.resources, 2 * i, full_j, old, new) - slack
        # No draw of 53 bits allows more than 40 times the temperature.
        if cost > 40.0 * w.heat_k[stage]:
            continue
        limit = -w.heat_k[stage] * math.log(1.0 - chance(w))
        if cost > limit:
            continue
        if swap:
            if not swap_delta(f, s, i, j, w.d_k, True):
                continue
        elif not shift_delta(f, s, i, new, w.d_k, True):
            continue
        priced += 1
        worse = w.d_k[stage] + more > limit
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
        renew_rooms(f, s, t, old)
        renew_rooms(f, s, t, new)
        if over < none:
            over = 0.0
            keep_best(f, s, w)
    w.tally_x[PROPOSED] += steps
    w.tally_x[PRICED] += priced
    w.tally_x[ACCEPTED] += accepted
    return over
