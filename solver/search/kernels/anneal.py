# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,assignment,return-value"
"""Annealing with shifts and swaps over all stages at once, and samples of what moves change."""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.kernels.ahead import exchange, fetch_item
from zonewright.solver.search.kernels.amounts import lacking, lacking_swap
from zonewright.solver.search.kernels.early import refused, settled_before
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import accepts, below, chance, draw, keep_best, note_change
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import FAMILIES, Facts, State
from zonewright.solver.search.walk import ACCEPTED, NEXT, PRICED, PROPOSED, REFUSED, Walk

#: Where limits hold, this many sites, or partners of a swap, are looked at for one with room.
LOOKS = 64
#: With whom an item is swapped: with one of like demand, one of its own group, or any.
LIKE, MATES, ANY = 0, 1, 2
#: Of 256 swaps so many are with an item of like demand, where such are known: they change little, so that they are
#: taken when it is cold, and fit where nothing else does. So many are within a group: every site keeps as many of
#: every group as it has, so that no rule that counts them stands in the way, and large items get on at all.
LIKES, MATED = 192, 48
#: Who leaves home and goes on holding room there makes none for a partner: of 256 such swaps so many are tried.
LEAVING = 16
#: Of 256 moves of items that are away so many are homeward: once use is spread, what moving costs is all that is
#: left to save, and among many sites home is rarely met.
HOMEWARD = 64
#: At home an item is swapped with one of so many that came last: most of those have no home there.
LATEST = 16

CAPACITY, HOLDS = FAMILIES["capacity"], FAMILIES["holds"]


@inner
def some_site(f, s, w, i, looks) -> int:
    """A random site: the first of so many with room for an item, its home wherever that is met, else the last.

    The sites with room are the same before and after a shift, so that a shift and its way back are equally likely:
    items with few places are tried as often as others, and that is all that looking changes.
    """
    site = 0
    for _ in range(looks):
        w.tally_x[PROPOSED] += 1
        site = below(w, f.sites)
        if looks == 1 or site == f.home_i[i] or lacking(f, s, i, site) == 0:
            break
    return site


@inner
def some_partner(f, s, o, w, i, looks, kind) -> int:
    """A random item for a swap: the first of so many with room for both or a way home, else the last.

    By `kind` only items of like demand are looked at, where they are known, or those of the same group, where such
    swaps change anything; else all.
    """
    old = s.site_i[i]
    g = f.group_i[i]
    near = o.near_ix.shape[1] if kind == LIKE else 0
    first = f.members_ptr_g[g]
    mates = f.members_ptr_g[g + 1] - first if kind == MATES and o.mixed_g[g] else 0
    j = 0
    for _ in range(min(looks, near + mates) if near + mates > 0 else looks):
        w.tally_x[PROPOSED] += 1
        if near > 0:
            j = np.int64(o.near_ix[i, below(w, near)])
        elif mates > 0:
            j = np.int64(f.members_x[first + below(w, mates)])
        else:
            j = below(w, f.items)
        new = s.site_i[j]
        if looks == 1 or old == f.sites:
            break
        if old == new or new == f.sites:
            continue
        if new == f.home_i[i] or old == f.home_i[j] or lacking_swap(f, s, i, j, old, new) == 0:
            break
    return j


@inner
def some_newcomer(f, s, w, i, site, looks) -> int:
    """One of the latest items at a site, the first of some with room for a swap or a way home; -1 for none."""
    old = s.site_i[i]
    j = np.int64(s.first_s[site])
    for _ in range(below(w, LATEST)):
        if j >= 0 and s.next_i[j] >= 0:
            j = np.int64(s.next_i[j])
    for _ in range(min(looks, LATEST)):
        w.tally_x[PROPOSED] += 1
        if j < 0 or looks == 1 or old == f.home_i[j] or lacking_swap(f, s, i, j, old, site) == 0:
            break
        j = np.int64(s.next_i[j])
    return j


@inner
def some_move(f, s, o, w, i, looks, swap, kind, back) -> int:
    """A random move of an item, with `back` homeward: a partner, -1 - site for a shift, itself for none."""
    home = np.int64(f.home_i[i])
    if back and 0 <= home != s.site_i[i]:
        if swap and s.site_i[i] != f.sites:
            j = some_newcomer(f, s, w, i, home, looks)
            return j if j >= 0 else i
        w.tally_x[PROPOSED] += 1
        return -1 - home
    return some_partner(f, s, o, w, i, looks, kind) if swap else -1 - some_site(f, s, w, i, looks)


@entry(Facts, State, Options, Walk, types.int64, types.int64, types.boolean)
def anneal(f, s, o, w, proposals, most_accepted, strict) -> int:
    """Propose so many moves and finish the last, or fewer if so many are accepted; returns how many there were.

    Looking whether there is room counts as a proposal. A million take some 30 to 500 ms. With `strict` nothing
    that breaks a limit more is accepted.
    """
    d_k = w.d_k
    begun = w.tally_x[PROPOSED]
    accepted = 0
    priced = 0
    tested = strict and f.has & CAPACITY != 0
    held = f.has & HOLDS != 0 and f.hold_l[0]
    # In a walk that keeps all limits, load alone tells of most moves that they are not worth a closer look.
    early = tested and f.early_stage > 0 and settled_before(f, s, w)
    i = w.tally_x[NEXT]
    while w.tally_x[PROPOSED] - begun < proposals and accepted < most_accepted:
        looks = LOOKS if tested and s.value_k[0] == 0 else 1
        word = draw(w)
        this, i = i, np.int64(((word >> np.uint64(33)) * np.uint64(f.items)) >> np.uint64(31))
        fetch_item(f, s, o, i)
        swap = np.int64(word & np.uint64(255)) < w.swap_x[0]
        sort = np.int64((word >> np.uint64(8)) & np.uint64(255))
        kind = LIKE if sort < LIKES else MATES if sort < LIKES + MATED else ANY
        rare = np.int64((word >> np.uint64(16)) & np.uint64(255)) < LEAVING
        if swap and not rare and looks > 1 and held and s.site_i[this] == f.home_i[this]:
            w.tally_x[PROPOSED] += 1
            continue
        back = np.int64((word >> np.uint64(24)) & np.uint64(255)) < HOMEWARD
        x = some_move(f, s, o, w, this, looks, swap, kind, back)
        if x == this:
            continue
        luck = chance(w)
        if early and refused(f, s, w, this, max(x, -1), np.int64(s.site_i[x]) if x >= 0 else -1 - x, luck):
            w.tally_x[REFUSED] += 1
            continue
        at = exchange(f, s, w, this, x, luck)
        this, x = w.waiting_x[2 * at], w.waiting_x[2 * at + 1]
        if this < 0:
            continue
        if x >= 0:
            if swap_delta(f, s, this, x, d_k, strict):
                priced += 1
                if accepts(f, w, d_k, w.luck_x[at]):
                    accepted += 1
                    note_change(w, this)
                    note_change(w, x)
                    apply_swap(f, s, this, x, d_k)
                    keep_best(f, s, w)
        elif shift_delta(f, s, this, -1 - x, d_k, strict):
            priced += 1
            if accepts(f, w, d_k, w.luck_x[at]):
                accepted += 1
                note_change(w, this)
                apply_shift(f, s, this, -1 - x, d_k)
                keep_best(f, s, w)
    w.tally_x[NEXT] = i
    w.tally_x[PRICED] += priced
    w.tally_x[ACCEPTED] += accepted
    return w.tally_x[PROPOSED] - begun


@entry(Facts, State, Walk, types.int64, types.int64[:, ::1], types.boolean)
def sample_deltas(f, s, w, proposals, delta_xk, strict) -> int:
    """Price random moves without making any; fills delta_xk and returns how many rows were filled."""
    found = 0
    d_k = w.d_k
    for _ in range(proposals):
        if found >= delta_xk.shape[0]:
            break
        i = below(w, f.items)
        if below(w, 256) < w.swap_x[0]:
            allowed = swap_delta(f, s, i, below(w, f.items), d_k, strict)
        else:
            allowed = shift_delta(f, s, i, below(w, f.sites), d_k, strict)
        if allowed:
            for k in range(f.stages):
                delta_xk[found, k] = d_k[k]
            found += 1
    return found
