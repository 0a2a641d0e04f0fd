# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,assignment"
"""Put items that are nowhere to the best sites found, one by one, nothing else moved.

Axes: i item, s site, k stage, r resource, p profile, x position in a list.
"""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.board import NO_LIMIT
from zonewright.solver.search.kernels.chains import compare, copy_stages, offer, price, shift
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import below
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import Walk


@inner
def fullness(f, s, i, site) -> int:
    """Share of a site's fullest resource that is in use with an item there, in thousandths; 0 without limits."""
    most = 0
    for r in range(f.resources):
        limit = f.limit_nr[site, r]
        if 0 < limit < NO_LIMIT and f.demand_ir[i, r] > 0:
            most = max(most, np.int64((s.use_nr[site, r] + f.demand_ir[i, r]) * 1000.0 / limit))
    return most


@inner
def first_fit(f, s, o, w, i) -> int:
    """Return the first site from a random one on that takes an item and breaks nothing, -1 where there is none."""
    first = o.site_ptr_p[2 * f.profile_i[i]]
    count = o.site_ptr_p[2 * f.profile_i[i] + 1] - first
    if count == 0:
        return -1
    offset = below(w, count)
    for t in range(count):
        to = o.site_x[first + (offset + t) % count]
        if price(f, s, i, to, w.d_k, True):
            return to
    return -1


@inner
def best_site(f, s, o, w, i, tries, packed, scan, best_k) -> int:
    """Return the best of home and `tries` random sites that takes an item and breaks nothing, -1 where none does.

    Where none of those does and with `scan`, the first of all that does. Between equal ones the
    fullest is taken, or the emptiest unless `packed`. All sites are tried where `tries` reaches their number.
    """
    found, found_full = -1, 0
    first = o.site_ptr_p[2 * f.profile_i[i]]
    count = o.site_ptr_p[2 * f.profile_i[i] + 1] - first
    every = tries >= count
    for t in range(-1, count if every else tries):
        if t < 0:
            to = np.int64(f.home_i[i])
        else:
            to = np.int64(o.site_x[first + (t if every else below(w, count))])
        if to < 0 or not price(f, s, i, to, w.d_k, True):
            continue
        order = -1 if found < 0 else compare(f, w.d_k, best_k)
        if order > 0:
            continue
        full = fullness(f, s, i, to)
        if order < 0 or (full > found_full) == packed:
            found, found_full = to, full
            copy_stages(f, w.d_k, best_k)
    if found >= 0 or every or not scan:
        return found
    return first_fit(f, s, o, w, i)


@entry(
    Facts,
    State,
    Options,
    Walk,
    types.int32[::1],
    types.int64,
    types.int64,
    types.int64,
    types.boolean,
    types.boolean,
)
def insert_each(f, s, o, w, order_x, start, stop, tries, packed, scan) -> int:
    """Put the items order_x[start:stop] that are nowhere to their best sites; return how many found one."""
    best_k = np.zeros(f.stages, np.int64)
    placed = 0
    for x in range(start, stop):
        i = np.int64(order_x[x])
        if s.site_i[i] != f.sites:
            continue
        to = best_site(f, s, o, w, i, tries, packed, scan, best_k)
        if to >= 0:
            shift(f, s, w, i, to)
            placed += 1
    offer(f, s, w)
    return placed
