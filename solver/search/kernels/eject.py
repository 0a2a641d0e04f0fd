# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,assignment"
"""Force an item onto a site and re-place who must leave: chains that single moves cannot make.

Axes: i item, s site, k stage, x position in a list. A chain is applied step by step and taken back as a whole
where it is not kept, so that it needs no delta of its own.
"""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.board import BROKEN
from zonewright.solver.search.kernels.chains import (
    compare,
    copy_stages,
    goal_without,
    offer,
    price,
    random_site,
    restore,
    shift,
    takes,
)
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import below, chance
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import Walk

#: At most so many steps in a chain.
LONGEST = 8


@inner
def leaver(f, s, w, site, goal, moved_x, moved) -> int:
    """Return who should leave a site to mend what is broken, -1 where nobody helps.

    Of those that mend all beyond `goal` one at random, else by chance one of those that mend most.
    """
    excess = s.value_k[BROKEN] - goal
    found, found_score = -1, -1.0
    i = s.first_s[site]
    while i >= 0:
        fresh = not f.pinned_i[i]
        for x in range(moved):
            fresh = fresh and moved_x[x] != i
        if fresh and price(f, s, i, f.sites, w.d_k, False):
            relief = f.out_ik[i, BROKEN] - w.d_k[BROKEN]
            if relief > 0:
                mends = min(1.0, relief / excess)
                score = mends * mends * (0.25 + chance(w)) + (1.0 if relief >= excess else 0.0)
                if score > found_score:
                    found, found_score = i, score
        i = s.next_i[i]
    return found


@inner
def new_site(f, s, o, w, i, origin, samples, best_k) -> int:
    """Return the best of a few sites for an item that leaves: where the chain began, home, random ones; or -1."""
    found = -1
    for t in range(samples + 2):
        if t == 0:
            to = np.int64(origin)
        elif t == 1:
            to = np.int64(f.home_i[i])
        else:
            to = np.int64(random_site(f, o, w, i))
        if to < 0 or to == f.sites or not price(f, s, i, to, w.d_k, True):
            continue
        if found < 0 or compare(f, w.d_k, best_k) < 0:
            found = to
            copy_stages(f, w.d_k, best_k)
    return found


@inner
def force_in(f, s, o, w, i, to, samples, longest, moved_x, from_x, best_k) -> int:
    """Put an item to a site and re-place who must leave until no more is broken than before.

    Return the steps made, minus them where that failed. The caller takes back what it does not want.
    """
    goal = goal_without(f, s, i)
    origin = s.site_i[i]
    moved_x[0] = i
    from_x[0] = origin
    shift(f, s, w, i, to)
    moved = 1
    while s.value_k[BROKEN] > goal:
        if moved == longest:
            return -moved
        j = leaver(f, s, w, to, goal, moved_x, moved)
        if j < 0:
            return -moved
        site = new_site(f, s, o, w, j, origin, samples, best_k)
        if site < 0:
            return -moved
        moved_x[moved] = j
        from_x[moved] = to
        shift(f, s, w, j, site)
        moved += 1
    return moved


@inner
def tempting_site(f, s, o, w, i, compared, trial_k) -> int:
    """Return the best of `compared` random sites for an item by all but what is broken there, -1 where none is."""
    found = -1
    for _ in range(compared):
        site = np.int64(random_site(f, o, w, i))
        if site < 0 or not price(f, s, i, site, w.d_k, False):
            continue
        w.d_k[BROKEN] = 0
        if found < 0 or compare(f, w.d_k, trial_k) < 0:
            found = site
            copy_stages(f, w.d_k, trial_k)
    return found


@entry(
    Facts,
    State,
    Options,
    Walk,
    types.int64,
    types.int64,
    types.int64,
    types.int64,
    types.int32[::1],
    types.int64[::1],
)
def rearrange(f, s, o, w, tries, samples, longest, compared, item_x, counts_x) -> None:
    """Try chains: a random item of `item_x` forced onto the best of `compared` sites; keep what the heat takes.

    counts_x: tries, chains that mended what they broke, chains kept, those of three and more steps among them.
    """
    before_k = np.zeros(f.stages, np.int64)
    trial_k = np.zeros(f.stages, np.int64)
    moved_x = np.zeros(LONGEST, np.int64)
    from_x = np.zeros(LONGEST, np.int64)
    for _ in range(tries):
        counts_x[0] += 1
        i = np.int64(item_x[below(w, item_x.shape[0])])
        to = tempting_site(f, s, o, w, i, compared, trial_k)
        if to < 0:
            continue
        copy_stages(f, s.value_k, before_k)
        moved = force_in(f, s, o, w, i, to, samples, longest, moved_x, from_x, trial_k)
        if moved > 0:
            counts_x[1] += 1
            if takes(f, s, w, before_k):
                counts_x[2] += 1
                counts_x[3] += moved > 2
                offer(f, s, w)
                continue
        for x in range(abs(moved) - 1, -1, -1):
            restore(f, s, w, moved_x[x], from_x[x])
        copy_stages(f, before_k, s.value_k)
