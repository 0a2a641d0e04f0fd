# mypy: disable-error-code="no-untyped-def"
"""A placement that keeps its counts up to date: who fits where, put one there, take one away.

Axes as in `table.py`; k slot of the open-addressed table of tally counts, e entry of a host's list of classes.
Counts per tally and domain are sparse: a dense array would be classes x hosts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float64, int64

from zonewright.solver.kernels.cache import kernel, record
from zonewright.solver.relocation.problem import Flags, Ints
from zonewright.solver.relocation.table import Table

#: Multiplier of the hash (Knuth's golden ratio for 64 bits, made to fit a signed integer).
_GOLDEN = 0x1E3779B97F4A7C15


#: Tries of taking another displaced instance's place: for each, and in all.
_TRIES, _STEPS = 2_000, 4_000_000


class State(NamedTuple):
    """All arrays of a placement; the kernels change free, count and list arrays in place.

    Few wide arrays instead of many narrow ones: every one costs compile time in every kernel.
    """

    free_hr: Ints
    enter_mh: Flags
    mask_c: Ints
    demand_cr: Ints
    domain_qh: Ints
    tally_tx: Ints
    """Per tally: partition, kind, partner, where its limits start in `most_x`, and their step."""
    most_x: Ints
    tally_start_c: Ints
    tally_x: Ints
    capacity_bx: Ints
    """Per domain capacity: partition, where its rooms start in `free_xr`."""
    free_xr: Ints
    total_t: Ints
    count_kx: Ints
    """The table of counts: key (tally x size[0] + domain, -1: free slot), count."""
    size: Ints
    """[domains at most + 1, entries of the lists in use]"""
    head_h: Ints
    entry_kx: Ints
    """The table of entries: key (class x hosts + host, -1: free slot), entry."""
    list_ex: Ints
    """Per entry: the next of its host, class, count."""

    def counts(self) -> tuple[Ints, Ints, Ints]:
        """Return who is counted where: tally, domain, count (above 0)."""
        used = self.count_kx[(self.count_kx[:, 0] >= 0) & (self.count_kx[:, 1] > 0)]
        return used[:, 0] // self.size[0], used[:, 0] % self.size[0], used[:, 1]


def state_of(table: Table, puts: int) -> State:
    """Return the placement of nobody, with room for `puts` additions of a class to a host."""
    width = int(np.diff(table.tally_start_c).max(initial=0))
    slots = 1 << max(4, int(2.5 * puts * max(width, 1) + 4).bit_length())
    lists = 1 << max(4, int(2 * puts + 4).bit_length())
    ints = np.int64
    count_kx, entry_kx = np.zeros((slots, 2), ints), np.zeros((lists, 2), ints)
    count_kx[:, 0] = entry_kx[:, 0] = -1
    tallies = (table.partition_t, table.kind_t, table.partner_t, table.most_start_t, table.most_step_t)
    return State(
        table.capacity_hr.copy(),
        table.enter_mh,
        table.mask_c,
        table.demand_cr,
        table.domain_qh,
        np.ascontiguousarray(np.column_stack(tallies)),
        table.most_x,
        table.tally_start_c,
        table.tally_x,
        np.ascontiguousarray(np.column_stack([table.partition_b, table.room_start_b])),
        table.room_xr.copy(),
        np.zeros(len(table.kind_t), ints),
        count_kx,
        np.array([int(table.domains_q.max(initial=0)) + 1, 0], ints),
        np.full(table.hosts, -1, ints),
        entry_kx,
        np.zeros((puts + 1, 3), ints),
    )


_I1, _I2 = int64[::1], int64[:, ::1]
_STATE = record(
    State,
    _I1,
    free_hr=_I2,
    enter_mh=boolean[:, ::1],
    demand_cr=_I2,
    domain_qh=_I2,
    tally_tx=_I2,
    capacity_bx=_I2,
    free_xr=_I2,
    count_kx=_I2,
    entry_kx=_I2,
    list_ex=_I2,
)


@kernel()
def _slot(table_kx, key):
    """Return where a key is in an open-addressed table, or the free slot where it belongs."""
    mask = table_kx.shape[0] - 1
    k = ((key * _GOLDEN) >> 20) & mask
    while table_kx[k, 0] != key and table_kx[k, 0] != -1:
        k = (k + 1) & mask
    return k


@kernel()
def tally_count(s, t, d):
    """Return how many of a tally are in a domain."""
    k = _slot(s.count_kx, t * s.size[0] + d)
    return s.count_kx[k, 1] if s.count_kx[k, 0] != -1 else 0


@kernel()
def allowed(s, c, h):
    """Whether every tally lets one more of class c onto host h."""
    for x in range(s.tally_start_c[c], s.tally_start_c[c + 1]):
        t = s.tally_x[x]
        d = s.domain_qh[s.tally_tx[t, 0], h]
        kind = s.tally_tx[t, 1]
        if kind == 2:
            if d < 0 or tally_count(s, t, d) != s.total_t[t]:
                return False
        elif d >= 0:
            if kind == 0:
                if tally_count(s, t, d) >= s.most_x[s.tally_tx[t, 3] + d * s.tally_tx[t, 4]]:
                    return False
            elif tally_count(s, s.tally_tx[t, 2], d) > 0:
                return False
    return True


@kernel()
def room(s, c, h):
    """Whether host h and the domains it is in have room for one more of class c."""
    for r in range(s.demand_cr.shape[1]):
        if s.demand_cr[c, r] > 0 and s.demand_cr[c, r] > s.free_hr[h, r]:
            return False
    for b in range(s.capacity_bx.shape[0]):
        d = s.domain_qh[s.capacity_bx[b, 0], h]
        if d >= 0:
            for r in range(s.demand_cr.shape[1]):
                if s.demand_cr[c, r] > 0 and s.demand_cr[c, r] > s.free_xr[s.capacity_bx[b, 1] + d, r]:
                    return False
    return True


@kernel()
def fits(s, c, h):
    """Whether one more of class c may enter host h and has room there."""
    return s.enter_mh[s.mask_c[c], h] and room(s, c, h) and allowed(s, c, h)


@kernel()
def put(s, c, h, n):
    """Add n (negative: take away) of class c to host h, whatever that breaks."""
    for r in range(s.demand_cr.shape[1]):
        s.free_hr[h, r] -= n * s.demand_cr[c, r]
    for b in range(s.capacity_bx.shape[0]):
        d = s.domain_qh[s.capacity_bx[b, 0], h]
        if d >= 0:
            for r in range(s.demand_cr.shape[1]):
                s.free_xr[s.capacity_bx[b, 1] + d, r] -= n * s.demand_cr[c, r]
    for x in range(s.tally_start_c[c], s.tally_start_c[c + 1]):
        t = s.tally_x[x]
        s.total_t[t] += n
        d = s.domain_qh[s.tally_tx[t, 0], h]
        if d >= 0:
            key = t * s.size[0] + d
            k = _slot(s.count_kx, key)
            s.count_kx[k, 0] = key
            s.count_kx[k, 1] += n
    key = c * s.head_h.shape[0] + h
    k = _slot(s.entry_kx, key)
    if s.entry_kx[k, 0] == -1:
        e = s.size[1]
        s.size[1] += 1
        s.entry_kx[k, 0] = key
        s.entry_kx[k, 1] = e
        s.list_ex[e, 0] = s.head_h[h]
        s.list_ex[e, 1] = c
        s.head_h[h] = e
    s.list_ex[s.entry_kx[k, 1], 2] += n


@kernel((_STATE, _I1, _I1, _I1))
def put_all(s, class_n, host_n, count_n):
    """Add every entry."""
    for n in range(class_n.shape[0]):
        put(s, class_n[n], host_n[n], count_n[n])


@kernel((_STATE, _I1, _I1, _I1))
def put_fitting(s, class_n, host_n, count_n):
    """Add as many of every entry as fit."""
    more = np.int64(1)
    for n in range(class_n.shape[0]):
        for _ in range(count_n[n]):
            if not fits(s, class_n[n], host_n[n]):
                break
            put(s, class_n[n], host_n[n], more)


@kernel((_STATE, _I1, _I1, _I1))
def _listed(s, class_n, host_n, count_n):
    n = 0
    for h in range(s.head_h.shape[0]):
        e = s.head_h[h]
        while e >= 0:
            if s.list_ex[e, 2] > 0:
                class_n[n] = s.list_ex[e, 1]
                host_n[n] = h
                count_n[n] = s.list_ex[e, 2]
                n += 1
            e = s.list_ex[e, 0]
    return n


def entries(state: State) -> tuple[Ints, Ints, Ints]:
    """Return who is where: class, host, count."""
    most = int(state.size[1])
    class_n, host_n, count_n = (np.zeros(most, np.int64) for _ in range(3))
    n = _listed(state, class_n, host_n, count_n)
    return class_n[:n], host_n[:n], count_n[:n]


@kernel()
def best_host(s, c, tight_r, avoid):
    """Return the host other than `avoid` that one more of class c leaves least room on, -1 for none."""
    best, best_room = -1, 0.0
    mask = s.mask_c[c]
    for h in range(s.free_hr.shape[0]):
        if h == avoid or not s.enter_mh[mask, h] or not room(s, c, h):
            continue
        left = 0.0
        for r in range(tight_r.shape[0]):
            left += tight_r[r] * (s.free_hr[h, r] - s.demand_cr[c, r])
        if (best < 0 or left < best_room) and allowed(s, c, h):
            best, best_room = h, left
    return best


@kernel((_STATE, _I1, float64[::1], _I1, int64, int64))
def place_each(s, order_c, tight_r, new_n, tries, steps):
    """Put one instance of each class, in order, where it fits best; returns how many were left out.

    `new_n` gets the host of each, -1 where it fits nowhere. One that fits nowhere may take the place of another
    of these if that one fits elsewhere: `tries` each, `steps` in all.
    """
    hosts = s.free_hr.shape[0]
    # Numbers of one type: a literal would compile `put` once more.
    more, less, nowhere = np.int64(1), np.int64(-1), np.int64(-1)
    units = order_c.shape[0]
    head = np.full(hosts, -1, np.int64)
    after = np.full(units, -1, np.int64)
    left_out = 0
    hopeless = nowhere
    for i in range(units):
        c = order_c[i]
        if c == hopeless:
            # One like it found no place just now.
            new_n[i] = -1
            left_out += 1
            continue
        h = best_host(s, c, tight_r, nowhere)
        if h < 0 and steps > 0:
            until = max(np.int64(0), steps - tries)
            mask = s.mask_c[c]
            for g in range(hosts):
                if not s.enter_mh[mask, g]:
                    continue
                before = -1
                j = head[g]
                # A try may add an entry for each of the two: the others that are still to come need theirs.
                while j >= 0 and steps > until and s.size[1] + 2 + units - i < s.list_ex.shape[0]:
                    o = order_c[j]
                    steps -= 1
                    short = False
                    for r in range(s.demand_cr.shape[1]):
                        if s.demand_cr[c, r] > s.free_hr[g, r] + s.demand_cr[o, r]:
                            short = True
                    if o != c and not short:
                        put(s, o, g, less)
                        if fits(s, c, g):
                            put(s, c, g, more)
                            elsewhere = best_host(s, o, tight_r, g)
                            if elsewhere >= 0:
                                put(s, o, elsewhere, more)
                                if before >= 0:
                                    after[before] = after[j]
                                else:
                                    head[g] = after[j]
                                new_n[j] = elsewhere
                                after[j] = head[elsewhere]
                                head[elsewhere] = j
                                new_n[i] = g
                                after[i] = head[g]
                                head[g] = i
                                h = g
                                break
                            put(s, c, g, less)
                        put(s, o, g, more)
                    before = j
                    j = after[j]
                if h >= 0 or steps <= until:
                    break
            if h < 0:
                hopeless = c
                new_n[i] = -1
                left_out += 1
            continue
        new_n[i] = h
        if h < 0:
            left_out += 1
            continue
        put(s, c, h, more)
        after[i] = head[h]
        head[h] = i
    return left_out


def place_units(state: Any, order_c: Ints, tight_r: Any) -> tuple[Ints, int]:
    """Put one instance of each class in order; return the host of each (-1: none) and how many were left out."""
    new_n = np.full(len(order_c), -1, np.int64)
    return new_n, int(place_each(state, order_c, tight_r, new_n, _TRIES, _STEPS))
