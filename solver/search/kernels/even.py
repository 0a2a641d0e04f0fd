# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,assignment"
"""Put items that are nowhere where much room is left and is left evenly over the resources, whatever it costs.

All sites fill alike then, nothing of a resource is wasted for want of another, and limits on groups find room in
every domain to the last. What it costs is left to the engines that come after.
"""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.board import BROKEN, NO_LIMIT
from zonewright.solver.search.kernels.chains import offer, price, shift
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import below
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import Walk

#: What uneven room weighs against room, both in mean demands.
UNEVEN, ROOM = 4.0, 3.0


@inner
def unfit(f, s, i, site, weight_r) -> float:
    """How little a site suits an item: how unevenly it leaves room there, less how much."""
    least, most, room = 1e300, -1e300, 0.0
    for r in range(f.resources):
        limit = f.limit_nr[site, r]
        if limit < NO_LIMIT:
            left = (limit - s.use_nr[site, r] - f.demand_ir[i, r]) * weight_r[r]
            room += left
            least = min(least, left)
            most = max(most, left)
    return UNEVEN * max(0.0, most - least) - ROOM * room


@inner
def roomiest(f, s, o, w, i, tries, weight_r, calm) -> int:
    """Return of `tries` random sites the one that suits an item best and breaks nothing, -1 where none does.

    Unless `calm`, where nothing is broken but that items are nowhere, one that mends something goes first.
    """
    found, best, mended = -1, 0.0, 0
    first = o.site_ptr_p[2 * f.profile_i[i]]
    count = o.site_ptr_p[2 * f.profile_i[i] + 1] - first
    every = tries >= count
    for t in range(count if every else tries):
        to = np.int64(o.site_x[first + (t if every else below(w, count))])
        score = unfit(f, s, i, to, weight_r)
        # Cheap things first: most sites are no better than what is found already.
        if found >= 0 and calm and score >= best:
            continue
        if not price(f, s, i, to, w.d_k, True):
            continue
        if found < 0 or w.d_k[BROKEN] < mended or (w.d_k[BROKEN] == mended and score < best):
            found, best, mended = to, score, w.d_k[BROKEN]
    return found


@inner
def only_missing(f, s, order_x) -> bool:
    """Whether nothing is broken but that items of a list are nowhere."""
    missing = 0
    for x in range(order_x.shape[0]):
        if s.site_i[order_x[x]] == f.sites:
            missing += f.out_ik[order_x[x], BROKEN]
    return s.value_k[BROKEN] == missing


@entry(Facts, State, Options, Walk, types.int32[::1], types.int64, types.int64, types.int64, types.float64[::1])
def insert_evenly(f, s, o, w, order_x, start, stop, tries, weight_r) -> int:
    """Put the items order_x[start:stop] that are nowhere, each at the best of `tries` sites; return how many.

    `weight_r` brings resources to one measure: one over their mean demand.
    """
    placed = 0
    calm = only_missing(f, s, order_x)
    for x in range(start, stop):
        i = np.int64(order_x[x])
        if s.site_i[i] == f.sites:
            to = roomiest(f, s, o, w, i, tries, weight_r, calm)
            if to >= 0:
                shift(f, s, w, i, to)
                placed += 1
    offer(f, s, w)
    return placed
