# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""Take items off a few sites and search depth-first how they fit together again.

Axes: i item, s site, k stage, r resource, x position among the chosen sites, d depth: position among the removed
items. The bound of a node: what is placed so far, the least that every other item adds apart from load, and the
load of what no longer finds room below the safe amounts of the chosen sites together. Where other families
than load are not additive the bound is a guess: it prunes, it proves nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types

from zonewright.solver.search.board import BROKEN
from zonewright.solver.search.kernels.chains import compare, copy_stages, offer, price, restore, shift
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.kernels.walking import below, chance
from zonewright.solver.search.options import Options
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import Walk

#: At most so many sites and removed items.
MOST_SITES = 16
MOST_ITEMS = 64


@inner
def site_cost(f, s, site) -> int:
    """Return what the load of a site costs."""
    cost = 0
    for r in range(f.resources):
        cost += f.weight_lr[0, r] * max(0, s.use_nr[site, r] - f.safe_nr[site, r])
    return cost


@inner
def choose_sites(f, s, w, wanted, chosen_x) -> int:
    """Choose different sites: the first a costly one, the others at random; return how many."""
    count = min(wanted, f.sites)
    chosen_x[0] = below(w, f.sites)
    for _ in range(below(w, 4)):
        other = below(w, f.sites)
        if site_cost(f, s, other) > site_cost(f, s, chosen_x[0]):
            chosen_x[0] = other
    x = 1
    while x < count:
        site = below(w, f.sites)
        new = True
        for y in range(x):
            new = new and chosen_x[y] != site
        if new:
            chosen_x[x] = site
            x += 1
    return count


@inner
def take_off(f, s, w, chosen_x, count, each, removed_d, from_d) -> int:
    """Take up to `each` items off every chosen site where that breaks nothing; return how many."""
    taken = 0
    for x in range(count):
        site = chosen_x[x]
        here = 0
        i = s.first_s[site]
        while i >= 0:
            here += 1
            i = s.next_i[i]
        wanted = min(each, MOST_ITEMS - taken)
        i = s.first_s[site]
        while i >= 0 and wanted > 0:
            following = s.next_i[i]
            # So that every choice of `wanted` among those that are left is as likely.
            may = below(w, here) < wanted and price(f, s, i, f.sites, w.d_k, False)
            if may and w.d_k[BROKEN] <= f.out_ik[i, BROKEN]:
                removed_d[taken] = i
                from_d[taken] = site
                shift(f, s, w, i, f.sites)
                taken += 1
                wanted -= 1
            here -= 1
            i = following
    return taken


@inner
def without_load(f, s, i, site, d_k) -> None:
    """Take from a change what the load of the site and opening it are of it."""
    for r in range(f.resources):
        weight = f.weight_lr[0, r]
        if weight:
            over = s.use_nr[site, r] - f.safe_nr[site, r]
            d_k[f.load_stage_lr[0, r]] -= weight * (max(0, over + f.demand_ir[i, r]) - max(0, over))
    if s.first_s[site] < 0:
        for k in range(f.stages):
            d_k[k] -= f.open_nk[site, k]


@inner
def rest_bound(f, s, chosen_x, count, left_dr, rest_dk, d, bound_k) -> None:
    """Write what a full placement costs at least, with the items from depth `d` on still to place."""
    for k in range(f.stages):
        bound_k[k] = s.value_k[k] + rest_dk[d, k]
    for r in range(f.resources):
        weight = f.weight_lr[0, r]
        if weight and left_dr[d, r] > 0:
            slack = 0
            for x in range(count):
                slack += max(0, f.safe_nr[chosen_x[x], r] - s.use_nr[chosen_x[x], r])
            if left_dr[d, r] > slack:
                bound_k[f.load_stage_lr[0, r]] += weight * (left_dr[d, r] - slack)


@inner
def least_rest(f, s, w, i, chosen_x, count, least_dk, d) -> int:
    """Write the least that an item adds per stage on a chosen site, apart from load; return the sites it fits."""
    fits = 0
    for x in range(count):
        if not price(f, s, i, chosen_x[x], w.d_k, True):
            continue
        without_load(f, s, i, chosen_x[x], w.d_k)
        for k in range(f.stages):
            if fits == 0 or w.d_k[k] < least_dk[d, k]:
                least_dk[d, k] = w.d_k[k]
        fits += 1
    return fits


@inner
def order_items(f, s, o, w, chosen_x, count, removed_d, from_d, taken, rest_dk, left_dr) -> bool:
    """Sort the removed items, few sites and large ones first, and add up what is left at every depth.

    False where one fits nowhere.
    """
    least_dk = np.zeros((taken, f.stages), np.int64)
    score_d = np.zeros(taken, np.float64)
    for d in range(taken):
        fits = least_rest(f, s, w, removed_d[d], chosen_x, count, least_dk, d)
        if fits == 0:
            return False
        score_d[d] = -(o.size_i[removed_d[d]] + 1e-6) * (0.6 + 0.8 * chance(w)) / fits
    order = np.argsort(score_d)
    item_d, old_d = removed_d[:taken].copy(), from_d[:taken].copy()
    for d in range(taken):
        removed_d[d] = item_d[order[d]]
        from_d[d] = old_d[order[d]]
    for d in range(taken - 1, -1, -1):
        for k in range(f.stages):
            rest_dk[d, k] = rest_dk[d + 1, k] + least_dk[order[d], k]
        for r in range(f.resources):
            left_dr[d, r] = left_dr[d + 1, r] + f.demand_ir[removed_d[d], r]
    return True


@inner
def list_options(f, s, w, i, chosen_x, count, option_dx, d, cost_xk) -> int:
    """Write the chosen sites that an item fits on, the cheapest first; return how many."""
    found = 0
    for x in range(count):
        if not price(f, s, i, chosen_x[x], w.d_k, True):
            continue
        at = found
        while at > 0 and compare(f, w.d_k, cost_xk[at - 1]) < 0:
            copy_stages(f, cost_xk[at - 1], cost_xk[at])
            option_dx[d, at] = option_dx[d, at - 1]
            at -= 1
        copy_stages(f, w.d_k, cost_xk[at])
        option_dx[d, at] = chosen_x[x]
        found += 1
    return found


@inner
def search_sites(f, s, o, w, chosen_x, count, removed_d, from_d, taken, most_nodes, top_k, best_d) -> int:
    """Place removed items again on the chosen sites with values below `top_k`, as well as `most_nodes` nodes find.

    Return the nodes used, negative where nothing was found. Everyone is nowhere at the end; the sites found are in
    `best_d`, their values in `top_k`.
    """
    rest_dk = np.zeros((taken + 1, f.stages), np.int64)
    left_dr = np.zeros((taken + 1, f.resources), np.int64)
    if not order_items(f, s, o, w, chosen_x, count, removed_d, from_d, taken, rest_dk, left_dr):
        return -1
    option_dx = np.zeros((taken, count), np.int64)
    cost_xk = np.zeros((count, f.stages), np.int64)
    bound_k = np.zeros(f.stages, np.int64)
    options_d, at_d = np.zeros(taken, np.int64), np.zeros(taken, np.int64)
    nodes, depth, found = 1, 0, False
    fresh = True
    while depth >= 0:
        i = removed_d[depth]
        if fresh:
            at_d[depth] = 0
            options_d[depth] = list_options(f, s, w, i, chosen_x, count, option_dx, depth, cost_xk)
            fresh = False
        elif s.site_i[i] != f.sites:
            shift(f, s, w, i, f.sites)
        if at_d[depth] >= options_d[depth] or nodes >= most_nodes:
            depth -= 1
            continue
        shift(f, s, w, i, option_dx[depth, at_d[depth]])
        at_d[depth] += 1
        nodes += 1
        rest_bound(f, s, chosen_x, count, left_dr, rest_dk, depth + 1, bound_k)
        if compare(f, bound_k, top_k) >= 0:
            continue
        if depth + 1 < taken:
            depth += 1
            fresh = True
            continue
        found = True
        copy_stages(f, s.value_k, top_k)
        for d in range(taken):
            best_d[d] = s.site_i[removed_d[d]]
    return nodes if found else -nodes


@entry(Facts, State, Options, Walk, types.int64, types.int64, types.int64, types.int64, types.int64[::1])
def neighbourhoods(f, s, o, w, tries, wanted, each, most_nodes, counts_x) -> None:
    """Search neighbourhoods of `wanted` sites with up to `each` items of each taken off.

    What is worse is taken as the heat allows. counts_x: neighbourhoods, those that gave something, nodes.
    """
    chosen_x = np.zeros(MOST_SITES, np.int64)
    removed_d, from_d = np.zeros(MOST_ITEMS, np.int64), np.zeros(MOST_ITEMS, np.int64)
    best_d = np.zeros(MOST_ITEMS, np.int64)
    before_k, top_k = np.zeros(f.stages, np.int64), np.zeros(f.stages, np.int64)
    for _ in range(tries):
        copy_stages(f, s.value_k, before_k)
        copy_stages(f, s.value_k, top_k)
        for k in range(f.stages):
            if w.heat_k[k] > 0.0:
                top_k[k] += np.int64(-w.heat_k[k] * math.log(1.0 - chance(w)))
        count = choose_sites(f, s, w, wanted, chosen_x)
        taken = take_off(f, s, w, chosen_x, count, each, removed_d, from_d)
        counts_x[0] += 1
        nodes = -1
        if taken >= 2:
            nodes = search_sites(f, s, o, w, chosen_x, count, removed_d, from_d, taken, most_nodes, top_k, best_d)
        counts_x[2] += abs(nodes)
        for d in range(taken):
            restore(f, s, w, removed_d[d], best_d[d] if nodes > 0 else from_d[d])
        copy_stages(f, top_k if nodes > 0 else before_k, s.value_k)
        if nodes > 0:
            counts_x[1] += 1
            offer(f, s, w)
