# mypy: disable-error-code="no-untyped-def"
"""What a host does best at given prices: who stays and who enters, by depth-first search.

Axes: h host, k kind, r resource, a area, i item (2k: one of kind k stays, 2k + 1: one enters).
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64

from zonewright.solver.kernels.cache import kernel

# Types of arrays: whole numbers, real ones; the digit is the number of axes.
_I1, _I2, _F2 = int64[::1], int64[:, ::1], float64[:, ::1]


@kernel()
def _sort(key, count, order):
    """Sort by insertion: few items, and far less to compile than numba's own sort."""
    for i in range(count):
        j = i
        while j > 0 and key[order[j - 1]] > key[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i


@kernel((_I1, _I2, _I2, boolean[:, ::1], _I1, _I2, _F2, _F2, _I1, int64, _I2, _I2, float64[::1]))
def price_hosts(
    host_i,
    capacity_hr,
    stay_hk,
    enter_hk,
    most_k,
    demand_kr,
    stay_worth_ak,
    enter_worth_ak,
    area_h,
    nodes,
    stays_ik,
    enters_ik,
    worth_i,
):
    """Find the pattern of most worth for every listed host; returns how many searches were cut at `nodes`."""
    kinds, resources = demand_kr.shape
    worth = np.empty(2 * kinds)
    most = np.empty(2 * kinds, np.int64)
    kind = np.empty(2 * kinds, np.int64)
    take = np.zeros(2 * kinds, np.int64)
    best = np.zeros(2 * kinds, np.int64)
    left = np.empty((2 * kinds + 1, resources), np.int64)
    got = np.empty(2 * kinds + 1)
    density = np.empty(2 * kinds)
    ratio = np.empty(2 * kinds)
    order = np.empty(2 * kinds, np.int64)
    by_resource = np.empty((resources, 2 * kinds), np.int64)
    cut = 0
    for n in range(host_i.shape[0]):
        h = host_i[n]
        a = area_h[h]
        items = 0
        for k in range(kinds):
            fit = most_k[k]
            for r in range(resources):
                if demand_kr[k, r] > 0:
                    fit = min(fit, capacity_hr[h, r] // demand_kr[k, r])
            for side in range(2):
                w = stay_worth_ak[a, k] if side == 0 else enter_worth_ak[a, k]
                m = min(fit, stay_hk[h, k]) if side == 0 else (fit if enter_hk[h, k] else 0)
                if w > 1e-12 and m > 0:
                    worth[items] = w
                    most[items] = m
                    kind[items] = 2 * k + side
                    size = 0.0
                    for r in range(resources):
                        if capacity_hr[h, r] > 0:
                            size = max(size, demand_kr[k, r] / capacity_hr[h, r])
                    density[items] = w / max(size, 1e-12)
                    items += 1
        for i in range(items):
            ratio[i] = -density[i]
        _sort(ratio, items, order)
        for r in range(resources):
            for i in range(items):
                d = demand_kr[kind[order[i]] // 2, r]
                ratio[i] = -worth[order[i]] / d if d > 0 else -1e300
            _sort(ratio, items, by_resource[r])
        top = -1.0
        for r in range(resources):
            left[0, r] = capacity_hr[h, r]
        got[0] = 0.0
        depth = 0
        budget = nodes
        while True:
            if got[depth] > top + 1e-12:
                top = got[depth]
                for i in range(items):
                    best[i] = take[i] if i < depth else 0
            good = depth < items and budget > 0
            if good:
                budget -= 1
                # The relaxation to each resource alone, of what is still to be decided.
                for r in range(resources):
                    room = left[depth, r]
                    bound = got[depth]
                    for j in range(items):
                        i = by_resource[r, j]
                        if i < depth:
                            continue
                        d = demand_kr[kind[order[i]] // 2, r]
                        if d * most[order[i]] <= room:
                            room -= d * most[order[i]]
                            bound += worth[order[i]] * most[order[i]]
                        else:
                            bound += worth[order[i]] * room / d
                            break
                    if bound <= top + 1e-9:
                        good = False
                        break
            if good:
                item = order[depth]
                k = kind[item] // 2
                m = most[item]
                for r in range(resources):
                    if demand_kr[k, r] > 0:
                        m = min(m, left[depth, r] // demand_kr[k, r])
                take[depth] = m
                for r in range(resources):
                    left[depth + 1, r] = left[depth, r] - m * demand_kr[k, r]
                got[depth + 1] = got[depth] + m * worth[item]
                depth += 1
                continue
            while depth > 0 and take[depth - 1] == 0:
                depth -= 1
            if depth == 0:
                break
            item = order[depth - 1]
            k = kind[item] // 2
            take[depth - 1] -= 1
            for r in range(resources):
                left[depth, r] += demand_kr[k, r]
            got[depth] = got[depth - 1] + take[depth - 1] * worth[item]
        if budget <= 0:
            cut += 1
        for k in range(kinds):
            stays_ik[n, k] = 0
            enters_ik[n, k] = 0
        for i in range(items):
            item = kind[order[i]]
            if item % 2 == 0:
                stays_ik[n, item // 2] = best[i]
            else:
                enters_ik[n, item // 2] = best[i]
        worth_i[n] = max(top, 0.0)
    return cut
