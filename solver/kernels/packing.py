# mypy: disable-error-code="no-untyped-def"
"""Pack items onto sites: annealing on the overload, with everything else kept at every step.

Axes: i item, c class, s site, r resource, k slot on a site, g group, a rack. An item is one instance. Rules
that are kept at every step: the sites an item may use, at most so many of a group per site and per rack.
What is driven to zero is the overload: use beyond capacity, each resource in units of its mean demand.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64, uint64

from zonewright.solver.kernels.cache import kernel

# The generator is xorshift64* (Vigna 2016), written out in the loops: a call into numpy's costs five times more.

# Types of arrays: whole numbers, real ones, flags; the digit is the number of axes.
_I1, _I2, _F1, _B1, _B2 = int64[::1], int64[:, ::1], float64[::1], boolean[::1], boolean[:, ::1]
#: What says who may be where: from `item_class_i` to `rack_count_ga`.
_RULES = (_I1, _I1, _B2, _I1, _I1, _I1, _I2)


@kernel()
def _over(use: int, more: int, capacity: int) -> int:
    excess = use + more - capacity
    return excess if excess > 0 else 0


@kernel()
def _clash(slot_sk, fill_s, item_class_i, class_group_c, s, group, limit, leaving):
    """Whether a site already holds `limit` of a group, `leaving` (an item) not counted."""
    found = 0
    for k in range(fill_s[s]):
        other = slot_sk[s, k]
        if other != leaving and class_group_c[item_class_i[other]] == group:
            found += 1
            if found >= limit:
                return True
    return False


@kernel((int64, int64, _I1, _I2, _I1, _I1, _I2, _I2, _I1, _I1, _I1, _I2))
def _move(
    i,
    s,
    site_i,
    slot_sk,
    fill_s,
    position_i,
    use_sr,
    demand_cr,
    item_class_i,
    class_group_c,
    rack_s,
    rack_count_ga,
):
    """Take an item from its site and put it on another."""
    c = item_class_i[i]
    old = site_i[i]
    if old >= 0:
        last = slot_sk[old, fill_s[old] - 1]
        slot_sk[old, position_i[i]] = last
        position_i[last] = position_i[i]
        fill_s[old] -= 1
        for r in range(demand_cr.shape[1]):
            use_sr[old, r] -= demand_cr[c, r]
        if rack_s[old] >= 0:
            rack_count_ga[class_group_c[c], rack_s[old]] -= 1
    site_i[i] = s
    slot_sk[s, fill_s[s]] = i
    position_i[i] = fill_s[s]
    fill_s[s] += 1
    for r in range(demand_cr.shape[1]):
        use_sr[s, r] += demand_cr[c, r]
    if rack_s[s] >= 0:
        rack_count_ga[class_group_c[c], rack_s[s]] += 1


@kernel((_I1, _I1, _I2, _I1, _I1, _I2, _I2, _I2, _F1, *_RULES, float64))
def fill_greedily(
    order_i,
    site_i,
    slot_sk,
    fill_s,
    position_i,
    use_sr,
    capacity_sr,
    demand_cr,
    weight_r,
    item_class_i,
    class_group_c,
    allowed_cs,
    site_limit_c,
    rack_limit_c,
    rack_s,
    rack_count_ga,
    room_price,
):
    """Put items, in order, where they fit best; where they fit nowhere, where they overload least.

    Best is the site on which, after the item, the least weighted room is left unevenly; `room_price` above 0
    prefers full sites, below 0 it spreads. Returns the number of items for which no site was allowed at all.
    """
    sites, resources = capacity_sr.shape
    nowhere = 0
    for n in range(order_i.shape[0]):
        i = order_i[n]
        c = item_class_i[i]
        best, best_score = -1, 1e300
        for s in range(sites):
            if not allowed_cs[c, s] or fill_s[s] >= slot_sk.shape[1]:
                continue
            if site_limit_c[c] > 0 and _clash(
                slot_sk, fill_s, item_class_i, class_group_c, s, class_group_c[c], site_limit_c[c], -1
            ):
                continue
            if (
                rack_limit_c[c] > 0
                and rack_s[s] >= 0
                and rack_count_ga[class_group_c[c], rack_s[s]] >= rack_limit_c[c]
            ):
                continue
            over, room, least, most = 0.0, 0.0, 1e300, -1e300
            for r in range(resources):
                left = (capacity_sr[s, r] - use_sr[s, r] - demand_cr[c, r]) * weight_r[r]
                if left < 0.0:
                    over -= left
                room += left
                least, most = min(least, left), max(most, left)
            score = over * 1e6 + (most - least) * 4.0 + room * room_price
            if score < best_score:
                best, best_score = s, score
        if best < 0:
            nowhere += 1
            continue
        _move(
            i,
            best,
            site_i,
            slot_sk,
            fill_s,
            position_i,
            use_sr,
            demand_cr,
            item_class_i,
            class_group_c,
            rack_s,
            rack_count_ga,
        )
    return nowhere


@kernel((_I2, _I2, _F1))
def overload(use_sr, capacity_sr, weight_r):
    """The sum over sites and resources of weighted use beyond capacity, from scratch."""
    total = 0.0
    for s in range(use_sr.shape[0]):
        for r in range(use_sr.shape[1]):
            total += _over(use_sr[s, r], 0, capacity_sr[s, r]) * weight_r[r]
    return total


@kernel((uint64[::1], int64, float64, _B1, _I1, _I2, _I1, _I1, _I2, _I2, _I2, _F1, *_RULES, _I1))
def repack(
    state,
    steps,
    temperature,
    movable_i,
    site_i,
    slot_sk,
    fill_s,
    position_i,
    use_sr,
    capacity_sr,
    demand_cr,
    weight_r,
    item_class_i,
    class_group_c,
    allowed_cs,
    site_limit_c,
    rack_limit_c,
    rack_s,
    rack_count_ga,
    sites_with_room,
):
    """Shift and swap items until nothing is overloaded or the steps are used up.

    `state` is the generator's state, in an array of one. Returns the steps taken; the overload is 0 exactly
    when fewer than `steps` were needed.
    """
    items, (sites, resources) = site_i.shape[0], capacity_sr.shape
    hot = np.empty(sites, np.int64)
    place = np.full(sites, -1, np.int64)
    hots = 0
    for s in range(sites):
        for r in range(resources):
            if use_sr[s, r] > capacity_sr[s, r]:
                place[s] = hots
                hot[hots] = s
                hots += 1
                break
    x = state[0]
    taken = 0
    while taken < steps and hots > 0:
        taken += 1
        x ^= x >> np.uint64(12)
        x ^= x << np.uint64(25)
        x ^= x >> np.uint64(27)
        draw = x * np.uint64(2685821657736338717)
        kind = (draw >> np.uint64(60)) & np.uint64(15)
        if kind < np.uint64(11):
            a = hot[np.int64((draw >> np.uint64(16)) & np.uint64(0xFFFFFF)) % hots]
            if fill_s[a] == 0:
                continue
            i = slot_sk[a, np.int64((draw >> np.uint64(40)) & np.uint64(0xFFFF)) % fill_s[a]]
        else:
            i = np.int64((draw >> np.uint64(16)) & np.uint64(0xFFFFFFFF)) % items
            a = site_i[i]
        if a < 0 or not movable_i[i]:
            continue
        x ^= x >> np.uint64(12)
        x ^= x << np.uint64(25)
        x ^= x >> np.uint64(27)
        draw = x * np.uint64(2685821657736338717)
        ci = item_class_i[i]
        j = -1
        if (draw >> np.uint64(60)) < np.uint64(5):
            b = sites_with_room[
                np.int64((draw >> np.uint64(20)) & np.uint64(0xFFFFFFFF)) % sites_with_room.shape[0]
            ]
            if fill_s[b] >= slot_sk.shape[1]:
                continue
        else:
            j = np.int64((draw >> np.uint64(20)) & np.uint64(0xFFFFFFFF)) % items
            b = site_i[j]
            if b < 0 or not movable_i[j]:
                continue
        if b == a or not allowed_cs[ci, b]:
            continue
        delta = 0.0
        if j < 0:
            for r in range(resources):
                d = demand_cr[ci, r]
                delta += weight_r[r] * (
                    _over(use_sr[b, r], d, capacity_sr[b, r])
                    - _over(use_sr[b, r], 0, capacity_sr[b, r])
                    + _over(use_sr[a, r], -d, capacity_sr[a, r])
                    - _over(use_sr[a, r], 0, capacity_sr[a, r])
                )
        else:
            cj = item_class_i[j]
            if ci == cj or not allowed_cs[cj, a]:
                continue
            for r in range(resources):
                d = demand_cr[ci, r] - demand_cr[cj, r]
                delta += weight_r[r] * (
                    _over(use_sr[b, r], d, capacity_sr[b, r])
                    - _over(use_sr[b, r], 0, capacity_sr[b, r])
                    + _over(use_sr[a, r], -d, capacity_sr[a, r])
                    - _over(use_sr[a, r], 0, capacity_sr[a, r])
                )
        if delta > 0.0:
            u = np.float64((draw >> np.uint64(11)) & np.uint64(0xFFFFFFFF)) / 4294967296.0
            if u >= np.exp(-delta / temperature):
                continue
        gi = class_group_c[ci]
        if site_limit_c[ci] > 0 and _clash(
            slot_sk, fill_s, item_class_i, class_group_c, b, gi, site_limit_c[ci], j
        ):
            continue
        if (
            rack_limit_c[ci] > 0
            and rack_s[b] >= 0
            and rack_s[b] != rack_s[a]
            and rack_count_ga[gi, rack_s[b]] >= rack_limit_c[ci]
        ):
            continue
        if j >= 0:
            gj = class_group_c[item_class_i[j]]
            cj = item_class_i[j]
            if site_limit_c[cj] > 0 and _clash(
                slot_sk, fill_s, item_class_i, class_group_c, a, gj, site_limit_c[cj], i
            ):
                continue
            if (
                rack_limit_c[cj] > 0
                and rack_s[a] >= 0
                and rack_s[a] != rack_s[b]
                and rack_count_ga[gj, rack_s[a]] >= rack_limit_c[cj]
            ):
                continue
            # One slot is free for the moment of the exchange: the first item leaves before the other comes.
            k, m = position_i[i], position_i[j]
            slot_sk[a, k], slot_sk[b, m] = j, i
            position_i[i], position_i[j] = m, k
            site_i[i], site_i[j] = b, a
            for r in range(resources):
                d = demand_cr[ci, r] - demand_cr[cj, r]
                use_sr[a, r] -= d
                use_sr[b, r] += d
            if rack_s[a] >= 0:
                rack_count_ga[gi, rack_s[a]] -= 1
                rack_count_ga[gj, rack_s[a]] += 1
            if rack_s[b] >= 0:
                rack_count_ga[gi, rack_s[b]] += 1
                rack_count_ga[gj, rack_s[b]] -= 1
        else:
            _move(
                i,
                b,
                site_i,
                slot_sk,
                fill_s,
                position_i,
                use_sr,
                demand_cr,
                item_class_i,
                class_group_c,
                rack_s,
                rack_count_ga,
            )
        for turn in range(2):
            s = a if turn == 0 else b
            over = False
            for r in range(resources):
                if use_sr[s, r] > capacity_sr[s, r]:
                    over = True
                    break
            if over and place[s] < 0:
                place[s] = hots
                hot[hots] = s
                hots += 1
            elif not over and place[s] >= 0:
                hots -= 1
                moved = hot[hots]
                hot[place[s]] = moved
                place[moved] = place[s]
                place[s] = -1
    state[0] = x
    return taken
