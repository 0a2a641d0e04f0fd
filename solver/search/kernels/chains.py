# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What kernels of several engines share: random sites, comparisons by stages, shifts made whatever they break."""

from __future__ import annotations

import math

from zonewright.solver.search.board import BROKEN
from zonewright.solver.search.kernels.moves import place, shift_delta
from zonewright.solver.search.kernels.records import inner
from zonewright.solver.search.kernels.walking import below, chance, keep_best, note_change


@inner
def price(f, s, i, to, d_k, strict) -> bool:
    """See `shift_delta`."""
    return shift_delta(f, s, i, to, d_k, strict)


@inner
def shift(f, s, w, i, to) -> None:
    """Put an item to a site, whatever that breaks. Nothing happens where the item may not be."""
    if price(f, s, i, to, w.d_k, False):
        for k in range(f.stages):
            s.value_k[k] += w.d_k[k]
        note_change(w, i)
        place(f, s, i, to)


@inner
def restore(f, s, w, i, to) -> None:
    """Put an item back where it was; the caller restores the values."""
    note_change(w, i)
    place(f, s, i, to)


@inner
def random_site(f, o, w, i):
    """Return a site that an item may enter, or at times its home; -1 where there is none."""
    p = f.profile_i[i]
    first = o.site_ptr_p[2 * p]
    count = o.site_ptr_p[2 * p + 1] - first
    if count == 0 or (f.home_i[i] >= 0 and below(w, 16) == 0):
        return f.home_i[i]
    return o.site_x[first + below(w, count)]


@inner
def copy_stages(f, from_k, to_k) -> None:
    """Copy values of all stages."""
    for k in range(f.stages):
        to_k[k] = from_k[k]


@inner
def compare(f, a_k, b_k) -> int:
    """Say -1 where the first values are better, 1 where they are worse, 0 where they are equal."""
    for k in range(f.stages):
        if a_k[k] != b_k[k]:
            return -1 if a_k[k] < b_k[k] else 1
    return 0


@inner
def takes(f, s, w, before_k) -> bool:
    """Whether the state, made from one of values `before_k`, is kept at the walk's temperatures."""
    for k in range(f.stages):
        d = s.value_k[k] - before_k[k]
        if d < 0:
            return True
        if d > 0:
            heat = w.heat_k[k]
            return d < 40.0 * heat and chance(w) < math.exp(-d / heat)
    return True


@inner
def goal_without(f, s, i):
    """What is broken now, less what an item costs for being nowhere."""
    return s.value_k[BROKEN] - (f.out_ik[i, BROKEN] if s.site_i[i] == f.sites else 0)


@inner
def offer(f, s, w) -> None:
    """Keep the state where it is the best seen."""
    keep_best(f, s, w)
