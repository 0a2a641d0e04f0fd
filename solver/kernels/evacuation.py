# mypy: disable-error-code="no-untyped-def"
"""Seat what each of many losses displaces in what is free elsewhere, one loss after another.

Axes: n entry (so many of a class on a host), c class, s host, r resource, g group, a rack, k loss, m arrival. The
room is given back before the next loss: losses do not add up.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int32, int64

from zonewright.solver.kernels.cache import kernel

# Types of arrays: whole numbers, real ones, flags; the digit is the number of axes.
_I1, _I2, _F1, _B1 = int64[::1], int64[:, ::1], float64[::1], boolean[::1]


@kernel()
def _best_host(
    c, zone, hosts_z, start_z, gone_s, free_sr, demand_cr, weight_r, class_group_c, allowed_cs, site_limit_c,
    rack_limit_c, rack_s, count_gs, count_ga,
):  # fmt: skip
    """Return the host of a zone on which one more of a class fits most tightly, -1 where it fits nowhere."""
    g = class_group_c[c]
    best, best_left = -1, 1e300
    for position in range(start_z[zone], start_z[zone + 1]):
        s = hosts_z[position]
        if gone_s[s] or not allowed_cs[c, s]:
            continue
        if site_limit_c[c] > 0 and count_gs[g, s] >= site_limit_c[c]:
            continue
        if rack_limit_c[c] > 0 and rack_s[s] >= 0 and count_ga[g, rack_s[s]] >= rack_limit_c[c]:
            continue
        left = 0.0
        fits = True
        for r in range(demand_cr.shape[1]):
            rest = free_sr[s, r] - demand_cr[c, r]
            if rest < 0 and demand_cr[c, r] > 0:
                fits = False
                break
            left += rest * weight_r[r]
        if fits and left < best_left:
            best, best_left = s, left
    return best


@kernel()
def _fewest_first(
    c, zone, hosts_z, start_z, gone_s, free_sr, demand_cr, weight_r, class_group_c, allowed_cs, site_limit_c,
    rack_limit_c, rack_s, count_gs, count_ga,
):  # fmt: skip
    """Return a host of another zone, of one with as few of the group as there are, -1 where none has room."""
    best, fewest = -1, 1 << 60
    for other in range(start_z.shape[0] - 1):
        if other == zone:
            continue
        s = _best_host(
            c, other, hosts_z, start_z, gone_s, free_sr, demand_cr, weight_r, class_group_c, allowed_cs,
            site_limit_c, rack_limit_c, rack_s, count_gs, count_ga,
        )  # fmt: skip
        if s < 0:
            continue
        here = 0
        for position in range(start_z[other], start_z[other + 1]):
            if not gone_s[hosts_z[position]]:
                here += count_gs[class_group_c[c], hosts_z[position]]
        if here < fewest:
            best, fewest = s, here
    return best


@kernel(
    (
        boolean,
        _I1,
        _I1,
        _I1,
        _I1,
        _I1,
        _B1,
        _F1,
        _I1,
        _I1,
        _I1,
        _I2,
        _I2,
        _F1,
        _I1,
        boolean[:, ::1],
        _I1,
        _I1,
        _I1,
        int32[:, ::1],
        _I2,
        int64,
    )
)
def seat_displaced(
    anywhere, start_s, class_n, count_n, lost_k, start_k, wanted_c, size_c, zone_s, hosts_z, start_z, free_sr,
    demand_cr, weight_r, class_group_c, allowed_cs, site_limit_c, rack_limit_c, rack_s, count_gs, count_ga,
    arrivals,
):  # fmt: skip
    """Seat what every loss displaces, large ones first; tell where each arrives, and where one does not fit.

    In its own zone, or, with `anywhere`, in another where that is full.

    `lost_k` holds the hosts of loss k from `start_k[k]` on; entries are sorted by host, those of host s from
    `start_s[s]` on. Rows of the (arrivals, 4) answer are (loss, class, from host, to host), the last -1 where
    there is no room. Returns how many there are; more than `arrivals` are counted and not written.
    """
    found = np.empty((arrivals, 4), np.int64)
    total = 0
    gone_s = np.zeros(zone_s.shape[0], np.bool_)
    for k in range(start_k.shape[0] - 1):
        first = total
        items = 0
        for position in range(start_k[k], start_k[k + 1]):
            s = lost_k[position]
            gone_s[s] = True
            for n in range(start_s[s], start_s[s + 1]):
                g = class_group_c[class_n[n]]
                if rack_s[s] >= 0:
                    count_ga[g, rack_s[s]] -= count_n[n]
                if wanted_c[class_n[n]]:
                    items += count_n[n]
        class_i = np.empty(items, np.int64)
        from_i = np.empty(items, np.int64)
        size_i = np.empty(items, np.float64)
        i = 0
        for position in range(start_k[k], start_k[k + 1]):
            s = lost_k[position]
            for n in range(start_s[s], start_s[s + 1]):
                if wanted_c[class_n[n]]:
                    for _ in range(count_n[n]):
                        class_i[i], from_i[i], size_i[i] = class_n[n], s, -size_c[class_n[n]]
                        i += 1
        for i in np.argsort(size_i):
            c = class_i[i]
            s = _best_host(
                c, zone_s[from_i[i]], hosts_z, start_z, gone_s, free_sr, demand_cr, weight_r, class_group_c,
                allowed_cs, site_limit_c, rack_limit_c, rack_s, count_gs, count_ga,
            )  # fmt: skip
            if s < 0 and anywhere:
                s = _fewest_first(
                    c, zone_s[from_i[i]], hosts_z, start_z, gone_s, free_sr, demand_cr, weight_r, class_group_c,
                    allowed_cs, site_limit_c, rack_limit_c, rack_s, count_gs, count_ga,
                )  # fmt: skip
            if total < arrivals:
                found[total, 0], found[total, 1], found[total, 2], found[total, 3] = k, c, from_i[i], s
            total += 1
            if s < 0:
                continue
            for r in range(demand_cr.shape[1]):
                free_sr[s, r] -= demand_cr[c, r]
            count_gs[class_group_c[c], s] += 1
            if rack_s[s] >= 0:
                count_ga[class_group_c[c], rack_s[s]] += 1
        for m in range(first, min(total, arrivals)):
            c, s = found[m, 1], found[m, 3]
            if s >= 0:
                for r in range(demand_cr.shape[1]):
                    free_sr[s, r] += demand_cr[c, r]
                count_gs[class_group_c[c], s] -= 1
                if rack_s[s] >= 0:
                    count_ga[class_group_c[c], rack_s[s]] -= 1
        for position in range(start_k[k], start_k[k + 1]):
            s = lost_k[position]
            gone_s[s] = False
            for n in range(start_s[s], start_s[s + 1]):
                if rack_s[s] >= 0:
                    count_ga[class_group_c[class_n[n]], rack_s[s]] += count_n[n]
    return total, found[: min(total, arrivals)]
