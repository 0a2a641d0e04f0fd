# mypy: disable-error-code="no-untyped-def"
"""The cheapest place of every item at given prices, and of a whole group under its limits.

A group's limits make a flow: items to sites, sites to domains of one level, and on to the end. Every domain passes
one item on by itself; what it passes beyond goes through a hub, which passes on at most the group's size less the
domains that are asked for. So the group is in as many domains as are asked exactly where the hub holds.
Axes: i item (of a group), s site, d domain, r resource.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int32, int64

from zonewright.solver.kernels.cache import kernel

NEVER = np.inf
# Types of arrays: whole numbers, short ones, real ones, flags; the digit is the number of axes.
_I1, _I2, _S1, _S2 = int64[::1], int64[:, ::1], int32[::1], int32[:, ::1]
_F1, _F2, _B1, _B2 = float64[::1], float64[:, ::1], boolean[::1], boolean[:, ::1]


@kernel()
def item_row(
    row_s,
    i,
    demand_ir,
    price_rs,
    enter_s,
    price_q,
    key_s,
    home,
    home_cost,
    stays,
    pinned,
    away,
    step_ss,
    fit_krs,
    fit_room_rs,
    room_rs,
):
    """Fill what an item costs on every site."""
    sites = len(row_s)
    for s in range(sites):
        row_s[s] = away
    for r in range(demand_ir.shape[1]):
        d = demand_ir[i, r]
        if d != 0.0:
            for s in range(sites):
                row_s[s] += d * price_rs[r, s]
    if len(price_q) > 1:
        for s in range(sites):
            row_s[s] += price_q[key_s[s]]
    else:
        for s in range(sites):
            row_s[s] += price_q[0]
    if home >= 0 and step_ss.shape[0] > 0:
        for s in range(sites):
            row_s[s] += step_ss[home, s]
    for s in range(sites):
        if pinned or not enter_s[s]:
            row_s[s] = NEVER
    for k in range(fit_krs.shape[0]):
        for r in range(demand_ir.shape[1]):
            d = (k + 2) * demand_ir[i, r]
            if d > 0:
                for s in range(sites):
                    if fit_krs[k, r, s] > 0.0:
                        m = fit_room_rs[r, s]
                        row_s[s] += fit_krs[k, r, s] * ((d + m - 1) // m - 1)
    for r in range(demand_ir.shape[1]):
        d = demand_ir[i, r]
        if d != 0.0:
            for s in range(sites):
                if room_rs[r, s] < d:
                    row_s[s] = NEVER
    if home >= 0:
        row_s[home] = home_cost if stays else NEVER


@kernel()
def _nearest(distance_v, closed_v):
    best, found = NEVER, -1
    for v in range(len(distance_v)):
        if not closed_v[v] and distance_v[v] < best:
            best, found = distance_v[v], v
    return found


@kernel()
def _closer(distance_v, parent_v, closed_v, potential_v, u, v, cost):
    """Relax an arc."""
    reduced = cost + potential_v[u] - potential_v[v]
    if reduced < 0.0:
        reduced = 0.0
    length = distance_v[u] + reduced
    if not closed_v[v] and length < distance_v[v]:
        distance_v[v] = length
        parent_v[v] = u


@kernel((_F2, _F1, _I1, _I1, _B1, int64, _I1, int64, _I2, _F1, _F1, _F1))
def place_group(
    cost_ts,
    out_t,
    count_t,
    dom_s,
    own_d,
    site_cap,
    dom_cap_d,
    hub_cap,
    put_ts,
    site_price_s,
    dom_price_d,
    own_price_d,
):
    """Place a group where it is cheapest within its limits; return the price of the hub, -1 where it cannot be.

    Fills how many of every sort of its items are where (the last column is nowhere), and the prices of the limits,
    which prove the cost: shortest paths, one after another. A domain with own_d False passes nothing on by itself.
    Costs are at least 0, or NEVER.
    """
    sorts, sites = cost_ts.shape
    domains = len(own_d)
    first_in, first_out = sorts + sites, sorts + sites + domains
    hub, end = first_out + domains, first_out + domains + 1
    nodes = end + 1
    potential_v, distance_v = np.zeros(nodes), np.zeros(nodes)
    parent_v, closed_v = np.zeros(nodes, np.int64), np.zeros(nodes, np.bool_)
    on_s, own_used_d, beyond_d = (
        np.zeros(sites, np.int64),
        np.zeros(domains, np.int64),
        np.zeros(domains, np.int64),
    )
    hub_used = 0
    put_ts[:, :] = 0
    for start in range(sorts):
        left = count_t[start]
        while left > 0:
            for v in range(nodes):
                distance_v[v], parent_v[v], closed_v[v] = NEVER, -1, False
            distance_v[start] = 0.0
            while True:
                u = _nearest(distance_v, closed_v)
                if u < 0 or u == end:
                    break
                closed_v[u] = True
                if u < sorts:
                    for s in range(sites):
                        if cost_ts[u, s] < NEVER:
                            _closer(distance_v, parent_v, closed_v, potential_v, u, sorts + s, cost_ts[u, s])
                    if out_t[u] < NEVER:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, end, out_t[u])
                elif u < first_in:
                    s = u - sorts
                    if on_s[s] < site_cap:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, first_in + dom_s[s], 0.0)
                    if on_s[s] > 0:
                        for t in range(start + 1):
                            if put_ts[t, s] > 0:
                                _closer(distance_v, parent_v, closed_v, potential_v, u, t, -cost_ts[t, s])
                elif u < first_out:
                    d = u - first_in
                    if own_used_d[d] + beyond_d[d] < dom_cap_d[d]:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, first_out + d, 0.0)
                    for s in range(sites):
                        if dom_s[s] == d and on_s[s] > 0:
                            _closer(distance_v, parent_v, closed_v, potential_v, u, sorts + s, 0.0)
                elif u < hub:
                    d = u - first_out
                    if own_d[d] and own_used_d[d] == 0:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, end, 0.0)
                    _closer(distance_v, parent_v, closed_v, potential_v, u, hub, 0.0)
                    if own_used_d[d] + beyond_d[d] > 0:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, first_in + d, 0.0)
                else:
                    if hub_used < hub_cap:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, end, 0.0)
                    for d in range(domains):
                        if beyond_d[d] > 0:
                            _closer(distance_v, parent_v, closed_v, potential_v, u, first_out + d, 0.0)
            if distance_v[end] == NEVER:
                return -1.0
            length = distance_v[end]
            for v in range(nodes):
                potential_v[v] += min(distance_v[v], length)
            # How many go this way: as many as every arc of it admits.
            many = left
            v = end
            while v != start:
                u = parent_v[v]
                if u < sorts:
                    pass
                elif u < first_in:
                    s = u - sorts
                    many = min(many, site_cap - on_s[s] if v >= first_in else put_ts[v, s])
                elif u < first_out:
                    d = u - first_in
                    many = min(
                        many, dom_cap_d[d] - own_used_d[d] - beyond_d[d] if v >= first_out else on_s[v - sorts]
                    )
                elif u < hub:
                    d = u - first_out
                    if v == end:
                        many = min(many, 1)
                    elif v < hub:
                        many = min(many, own_used_d[d] + beyond_d[d])
                elif v == end:
                    many = min(many, hub_cap - hub_used)
                else:
                    many = min(many, beyond_d[v - first_out])
                v = u
            v = end
            while v != start:
                u = parent_v[v]
                if u < sorts:
                    put_ts[u, sites if v == end else v - sorts] += many
                elif u < first_in:
                    if v >= first_in:
                        on_s[u - sorts] += many
                    else:
                        put_ts[v, u - sorts] -= many
                elif u < first_out:
                    if v < first_in:
                        on_s[v - sorts] -= many
                elif u < hub:
                    if v == end:
                        own_used_d[u - first_out] += many
                    elif v == hub:
                        beyond_d[u - first_out] += many
                elif v == end:
                    hub_used += many
                else:
                    beyond_d[v - first_out] -= many
                v = u
            left -= many
    for s in range(sites):
        site_price_s[s] = max(0.0, potential_v[first_in + dom_s[s]] - potential_v[sorts + s])
    for d in range(domains):
        dom_price_d[d] = max(0.0, potential_v[first_out + d] - potential_v[first_in + d])
        own_price_d[d] = max(0.0, potential_v[end] - potential_v[first_out + d])
    return max(0.0, potential_v[end] - potential_v[hub])


@kernel()
def within_limits(site_i, sites, dom_s, own_d, site_cap, dom_cap_d, hub_cap, on_s, on_d):
    """Whether a group's sites are within its limits."""
    on_s[:] = 0
    on_d[:] = 0
    for i in range(len(site_i)):
        s = site_i[i]
        if s < sites:
            on_s[s] += 1
            on_d[dom_s[s]] += 1
            if on_s[s] > site_cap or on_d[dom_s[s]] > dom_cap_d[dom_s[s]]:
                return False
    beyond = 0
    for d in range(len(on_d)):
        if on_d[d] > 0:
            beyond += on_d[d] - (1 if own_d[d] else 0)
    return beyond <= hub_cap


@kernel(
    (
        *(_I1, _S1, _I2, _F2, _B2, _S1, _F2, _S1, _S1),
        *(_S1, _F1, _B1, _B1, _F1, _F1, _F2, float64[:, :, ::1], _I2, _I2),
        *(_I1, _B1, _I1, _S2, _S1, _I1, _I1, _I1, _I1, _F1),
    )
)
def assess(
    members_ptr_g,
    members_x,
    demand_ir,
    price_rs,
    enter_ps,
    profile_i,
    price_vq,
    price_class_i,
    key_s,
    home_i,
    home_cost_i,
    stays_i,
    pinned_i,
    away_i,
    out_i,
    step_ss,
    fit_krs,
    fit_room_rs,
    room_rs,
    like_i,
    limited_g,
    site_cap_g,
    dom_ls,
    level_g,
    domains_l,
    dom_cap_g,
    least_g,
    site_i,
    cost_i,
):
    """Put every item to its cheapest site, groups within their limits; return whether all have one.

    Fills site_i (`sites` for nowhere) and cost_i.
    """
    groups, sites = len(members_ptr_g) - 1, price_rs.shape[1]
    row_s = np.empty(sites)
    on_s = np.zeros(sites, np.int64)
    for g in range(groups):
        first, size = members_ptr_g[g], members_ptr_g[g + 1] - members_ptr_g[g]
        limited = limited_g[g] and size > 1
        cost_ts = np.empty((size if limited else 0, sites))
        own_i, sort_i = np.empty(size, np.int64), np.empty(size, np.int64)
        spare_t, count_t, first_t = np.empty(size), np.zeros(size, np.int64), np.empty(size, np.int64)
        sorts = 0
        for x in range(size):
            i = members_x[first + x]
            sort = 0
            while sort < sorts and like_i[members_x[first + first_t[sort]]] != like_i[i]:
                sort += 1
            sort_i[x] = sort
            count_t[sort] += 1
            if sort < sorts:
                cost_i[i], own_i[x] = cost_i[members_x[first + first_t[sort]]], own_i[first_t[sort]]
                continue
            first_t[sort] = x
            sorts += 1
            item_row(
                row_s,
                i,
                demand_ir,
                price_rs,
                enter_ps[profile_i[i]],
                price_vq[price_class_i[i]],
                key_s,
                home_i[i],
                home_cost_i[i],
                stays_i[i],
                pinned_i[i],
                away_i[i],
                step_ss,
                fit_krs,
                fit_room_rs,
                room_rs,
            )
            best, at = out_i[i], sites
            for s in range(sites):
                if row_s[s] < best:
                    best, at = row_s[s], s
            if best == NEVER:
                return False
            cost_i[i], own_i[x], spare_t[sort] = best, at, out_i[i] - best
            if limited:
                for s in range(sites):
                    cost_ts[sort, s] = row_s[s] - best
        if limited:
            level = level_g[g]
            domains = (domains_l[level] if level >= 0 else 0) + 1
            dom_s = np.full(sites, domains - 1, np.int64)
            own_d = np.zeros(domains, np.bool_)
            dom_cap_d = np.full(domains, size, np.int64)
            if level >= 0:
                for s in range(sites):
                    if dom_ls[level, s] >= 0:
                        dom_s[s] = dom_ls[level, s]
                own_d[: domains - 1] = True
                dom_cap_d[: domains - 1] = min(size, dom_cap_g[g])
            hub_cap = size - least_g[g] if least_g[g] > 1 else size
            on_d = np.zeros(domains, np.int64)
            if not within_limits(own_i, sites, dom_s, own_d, site_cap_g[g], dom_cap_d, hub_cap, on_s, on_d):
                put_ts = np.zeros((sorts, sites + 1), np.int64)
                price = place_group(
                    cost_ts[:sorts],
                    spare_t[:sorts],
                    count_t[:sorts],
                    dom_s,
                    own_d,
                    site_cap_g[g],
                    dom_cap_d,
                    hub_cap,
                    put_ts,
                    np.empty(sites),
                    np.empty(domains),
                    np.empty(domains),
                )
                if price < 0.0:
                    return False
                next_t = np.zeros(sorts, np.int64)
                for x in range(size):
                    t = sort_i[x]
                    while put_ts[t, next_t[t]] == 0:
                        next_t[t] += 1
                    s = next_t[t]
                    put_ts[t, s] -= 1
                    own_i[x] = s
                    cost_i[members_x[first + x]] += cost_ts[t, s] if s < sites else spare_t[t]
        for x in range(size):
            site_i[members_x[first + x]] = own_i[x]
    return True
