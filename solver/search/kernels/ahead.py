# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return,call-arg"
"""Moves thought of ahead: what pricing one needs is on its way from memory while others are priced.

On large boards most of a move's time is waiting for memory, and what is looked up depends on what was looked up
before, item, group, count. A move waits in a queue while, step by step, that is fetched.
"""

from __future__ import annotations

from zonewright.solver.search.kernels.records import fetch, inner
from zonewright.solver.search.walk import DEPTH, TURN

#: After so many turns in the queue a move's groups are fetched, and then their counts.
GROUPS_AT, COUNTS_AT = 3, 5


@inner
def fetch_item(f, s, o, i) -> None:
    """Fetch what tells where an item that is up next may go."""
    fetch(s.site_i, i)
    fetch(f.home_i, i)
    fetch(f.demand_ir, (i, 0))
    fetch(s.own_ik, (i, 0))
    fetch(o.near_ix, (i, 0))


@inner
def exchange(f, s, w, i, x, luck) -> int:
    """Put a move into the queue; return the place of the one that has waited longest, which is to be made now.

    A move is an item and a partner, or -1 - site for a shift, and the draw that decides on it. Where nothing waits
    the item is -1.
    """
    turn = w.tally_x[TURN]
    w.tally_x[TURN] = turn + 1
    at = turn % DEPTH
    w.waiting_x[2 * at] = i
    w.waiting_x[2 * at + 1] = x
    w.luck_x[at] = luck
    _fetch_item(f, s, i)
    if x >= 0:
        _fetch_item(f, s, x)
    _fetch_later(f, s, w, (turn + DEPTH - GROUPS_AT) % DEPTH, False)
    _fetch_later(f, s, w, (turn + DEPTH - COUNTS_AT) % DEPTH, True)
    return (turn + 1) % DEPTH


@inner
def _fetch_item(f, s, i) -> None:
    fetch(f.group_i, i)
    fetch(s.own_ik, (i, 0))
    fetch(f.away_ik, (i, 0))


@inner
def _fetch_later(f, s, w, at, counts) -> None:
    i, x = w.waiting_x[2 * at], w.waiting_x[2 * at + 1]
    if i < 0:
        return
    old = s.site_i[i]
    new = s.site_i[x] if x >= 0 else -1 - x
    for side in range(2 if x >= 0 else 1):
        g = f.group_i[i if side == 0 else x]
        if counts:
            _fetch_counts(f, s, g, old, new)
        else:
            _fetch_group(f, s, g)
    if not counts:
        fetch(s.use_nr, (old, 0))
        fetch(s.use_nr, (new, 0))
        fetch(f.safe_nr, (old, 0))
        fetch(f.safe_nr, (new, 0))
        fetch(f.dom_sl, (old, 0))
        fetch(f.dom_sl, (new, 0))


@inner
def _fetch_group(f, s, g) -> None:
    fetch(f.busy_g, g)
    fetch(f.term_ptr_g, g)
    fetch(f.track_ptr_g, g)
    fetch(f.row_gl, (g, 0))
    fetch(s.in_use_gl, (g, 0))
    fetch(s.placed_g, g)
    fetch(s.moved_g, g)
    fetch(f.hard_needs_ptr_x, g * f.levels)
    fetch(f.hard_serves_ptr_x, g * f.levels)
    fetch(f.hard_shuns_ptr_x, g * f.levels)


@inner
def _fetch_counts(f, s, g, old, new) -> None:
    t = f.term_ptr_g[g]
    fetch(f.term_kind_t, t)
    fetch(f.term_level_t, t)
    fetch(f.term_a_t, t)
    fetch(f.term_stage_t, t)
    for z in range(f.track_ptr_g[g], f.track_ptr_g[g + 1]):
        level = f.track_x[z]
        row = f.row_gl[g, level]
        if row >= 0:
            fetch(s.count_x, row + f.dom_sl[old, level])
            fetch(s.count_x, row + f.dom_sl[new, level])
