# mypy: disable-error-code="no-untyped-def"
"""The cheapest place of every item at given prices, and of a whole group under its limits.

A group's limits make a flow: items to sites, sites to domains of one level, and on to the end. Every domain passes
one item on by itself; what it passes beyond goes through a hub, which passes on at most the group's size less the
domains that are asked for. So the group is in as many domains as are asked exactly where the hub holds.
Axes: i item (of a group), s site, d domain, r resource.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEVER = np.inf


@njit(cache=True, nogil=True)
def item_row(
    row_s, i, demand_ir, price_rs, enter_s, price_q, key_s, home, home_cost, stays, pinned, away, step_ss, room_rs
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
    for r in range(demand_ir.shape[1]):
        d = demand_ir[i, r]
        if d != 0.0:
            for s in range(sites):
                if room_rs[r, s] < d:
                    row_s[s] = NEVER
    if home >= 0:
        row_s[home] = home_cost if stays else NEVER


@njit(cache=True, nogil=True)
def _nearest(distance_v, closed_v):
    best, found = NEVER, -1
    for v in range(len(distance_v)):
        if not closed_v[v] and distance_v[v] < best:
            best, found = distance_v[v], v
    return found


@njit(cache=True, nogil=True)
def _closer(distance_v, parent_v, closed_v, potential_v, u, v, cost):
    """Relax an arc."""
    reduced = cost + potential_v[u] - potential_v[v]
    if reduced < 0.0:
        reduced = 0.0
    length = distance_v[u] + reduced
    if not closed_v[v] and length < distance_v[v]:
        distance_v[v] = length
        parent_v[v] = u


@njit(cache=True, nogil=True)
def place_group(
    cost_is, out_i, dom_s, own_d, site_cap, dom_cap_d, hub_cap, site_i, site_price_s, dom_price_d, own_price_d
):
    """Place a group where it is cheapest within its limits; return the price of the hub, -1 where it cannot be.

    Fills the site of every item (`sites` for nowhere) and the prices of the limits, which prove the cost. A domain
    with own_d False passes nothing on by itself; costs are at least 0 or NEVER.
    """
    items, sites = cost_is.shape
    domains = len(own_d)
    first_in, first_out = items + sites, items + sites + domains
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
    for i in range(items):
        site_i[i] = -1
    for start in range(items):
        for v in range(nodes):
            distance_v[v], parent_v[v], closed_v[v] = NEVER, -1, False
        distance_v[start] = 0.0
        while True:
            u = _nearest(distance_v, closed_v)
            if u < 0 or u == end:
                break
            closed_v[u] = True
            if u < items:
                for s in range(sites):
                    if cost_is[u, s] < NEVER and site_i[u] != s:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, items + s, cost_is[u, s])
                if out_i[u] < NEVER:
                    _closer(distance_v, parent_v, closed_v, potential_v, u, end, out_i[u])
            elif u < first_in:
                s = u - items
                if on_s[s] < site_cap:
                    _closer(distance_v, parent_v, closed_v, potential_v, u, first_in + dom_s[s], 0.0)
                if on_s[s] > 0:
                    for j in range(start):
                        if site_i[j] == s:
                            _closer(distance_v, parent_v, closed_v, potential_v, u, j, -cost_is[j, s])
            elif u < first_out:
                d = u - first_in
                if own_used_d[d] + beyond_d[d] < dom_cap_d[d]:
                    _closer(distance_v, parent_v, closed_v, potential_v, u, first_out + d, 0.0)
                for s in range(sites):
                    if dom_s[s] == d and on_s[s] > 0:
                        _closer(distance_v, parent_v, closed_v, potential_v, u, items + s, 0.0)
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
        v = end
        while v != start:
            u = parent_v[v]
            if u < items:
                site_i[u] = sites if v == end else v - items
            elif u < first_in:
                if v >= first_in:
                    on_s[u - items] += 1
            elif u < first_out:
                if v < first_in:
                    on_s[v - items] -= 1
            elif u < hub:
                if v == end:
                    own_used_d[u - first_out] += 1
                elif v == hub:
                    beyond_d[u - first_out] += 1
            elif v == end:
                hub_used += 1
            else:
                beyond_d[v - first_out] -= 1
            v = u
    for s in range(sites):
        site_price_s[s] = max(0.0, potential_v[first_in + dom_s[s]] - potential_v[items + s])
    for d in range(domains):
        dom_price_d[d] = max(0.0, potential_v[first_out + d] - potential_v[first_in + d])
        own_price_d[d] = max(0.0, potential_v[end] - potential_v[first_out + d])
    return max(0.0, potential_v[end] - potential_v[hub])


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
    room_rs,
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
        cost_is = np.empty((size if limited else 0, sites))
        own_i = np.empty(size, np.int64)
        spare_i = np.empty(size)
        for x in range(size):
            i = members_x[first + x]
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
                room_rs,
            )
            best, at = out_i[i], sites
            for s in range(sites):
                if row_s[s] < best:
                    best, at = row_s[s], s
            if best == NEVER:
                return False
            cost_i[i] = best
            own_i[x], spare_i[x] = at, out_i[i] - best
            if limited:
                for s in range(sites):
                    cost_is[x, s] = row_s[s] - best
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
                flow_i = np.empty(size, np.int64)
                price = place_group(
                    cost_is,
                    spare_i,
                    dom_s,
                    own_d,
                    site_cap_g[g],
                    dom_cap_d,
                    hub_cap,
                    flow_i,
                    np.empty(sites),
                    np.empty(domains),
                    np.empty(domains),
                )
                if price < 0.0:
                    return False
                for x in range(size):
                    cost_i[members_x[first + x]] += cost_is[x, flow_i[x]] if flow_i[x] < sites else spare_i[x]
                    own_i[x] = flow_i[x]
        for x in range(size):
            site_i[members_x[first + x]] = own_i[x]
    return True
