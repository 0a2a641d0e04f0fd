"""Plant a plan: put groups on hosts under every rule, so that a generated region is known to be feasible.

The plan itself is thrown away.
Arrays end in their axes: `g` group, `h` host, `z` zone, `r` resource, `m` an instance of the highest host,
`o` a possible partner of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zonewright.instances.demands import IntArray

FloatArray = NDArray[np.float64]

#: Instances and hosts looked at as partners of a swap; more when none of them helps.
_SAMPLE = 250
_MOST_SWAPS = 100_000


def split_over_zones(
    rng: np.random.Generator, count_g: IntArray, barred_g: IntArray, weight_z: FloatArray
) -> IntArray:
    """Return `count_gz` with a skew of at most 1 over the zones that each group may use.

    `barred_g` is the one zone that a group may not use, -1 for none. What is left over after dividing
    evenly goes to zones drawn by weight.
    """
    groups, zones = len(count_g), len(weight_z)
    allowed_gz = np.ones((groups, zones), dtype=bool)
    barred = np.flatnonzero(barred_g >= 0)
    allowed_gz[barred, barred_g[barred]] = False
    open_g = allowed_gz.sum(axis=1)
    count_gz = np.where(allowed_gz, (count_g // open_g)[:, None], 0)
    # Zones by weight without replacement: the smallest of exponential clocks (Efraimidis and Spirakis 2006).
    clock_gz = rng.exponential(size=(groups, zones)) / weight_z
    clock_gz[~allowed_gz] = np.inf
    rank_gz = clock_gz.argsort(axis=1).argsort(axis=1)
    extra_gz: IntArray = rank_gz < (count_g % open_g)[:, None]
    return count_gz + extra_gz


def plant(rng: np.random.Generator, count_g: IntArray, demand_gr: IntArray, capacity_hr: FloatArray) -> bool:
    """Place one zone's groups, at most one of each per host; return whether everything fits.

    A height is load over capacity. Large demands go first, each to the hosts where the sum of capacity x
    height^12 grows least, which levels; then instances of the highest host are moved or swapped until no
    height is above 1, as far as that goes.
    """
    if count_g.max(initial=0) > len(capacity_hr):
        return False
    share_hr = capacity_hr / capacity_hr.sum(axis=0)
    part_gr = demand_gr / capacity_hr.sum(axis=0)
    order = np.lexsort((rng.random(len(count_g)), -part_gr.max(axis=1)))
    height_hr = np.zeros_like(share_hr)
    item_host: list[IntArray] = []
    for group in order:
        count = int(count_g[group])
        step_hr = part_gr[group] / share_hr
        growth_h = (share_hr * ((height_hr + step_hr) ** 12 - height_hr**12)).sum(axis=1)
        chosen = np.argpartition(growth_h, count - 1)[:count] if count else np.empty(0, dtype=np.int64)
        height_hr[chosen] += step_hr[chosen]
        item_host.append(chosen)
    item_group = np.repeat(order, count_g[order])
    level(rng, np.concatenate(item_host), item_group, part_gr, share_hr, height_hr)
    return bool(height_hr.max() <= 1.0)


def level(
    rng: np.random.Generator,
    item_host: IntArray,
    item_group: IntArray,
    demand_gr: FloatArray,
    share_hr: FloatArray,
    height_hr: FloatArray,
) -> None:
    """Swap instances of the highest host with others, best pair first, until it is no higher than 1.

    Changes `item_host` and `height_hr`. Stops where no swap helps the highest host.
    """
    held: list[set[int]] = [set() for _ in range(len(height_hr))]
    for host, group in zip(item_host.tolist(), item_group.tolist(), strict=True):
        held[host].add(group)
    width = _SAMPLE
    for _ in range(_MOST_SWAPS):
        top = int(height_hr.max(axis=1).argmax())
        now = height_hr[top].max()
        if now <= 1.0:
            return
        mine = np.flatnonzero(item_host == top)
        items = rng.choice(len(item_host), min(width, len(item_host)), replace=False)
        hosts = rng.choice(len(held), min(width, len(held)), replace=False)
        # A partner is an instance elsewhere, or nobody (-1): then one instance just moves to that host.
        partner_o = np.concatenate([items, np.full(len(hosts), -1)])
        there_o = np.concatenate([item_host[items], hosts])
        take_or = np.where(partner_o[:, None] >= 0, demand_gr[item_group[partner_o]], 0.0)
        change_mor = take_or[None, :, :] - demand_gr[item_group[mine]][:, None, :]
        here_mo = (height_hr[top] + change_mor / share_hr[top]).max(axis=2)
        away_mo = (height_hr[there_o] - change_mor / share_hr[there_o]).max(axis=2)
        worst_mo = np.where(there_o == top, np.inf, np.maximum(here_mo, away_mo))
        lower = np.argwhere(worst_mo < now - 1e-9)
        for m, o in lower[np.argsort(worst_mo[lower[:, 0], lower[:, 1]])]:
            there, one = int(there_o[o]), int(item_group[mine[m]])
            swapped = {one} if partner_o[o] < 0 else {one, int(item_group[partner_o[o]])}
            if one in held[there] or len(swapped & held[top]) > 1:
                continue
            height_hr[top] += change_mor[m, o] / share_hr[top]
            height_hr[there] -= change_mor[m, o] / share_hr[there]
            item_host[mine[m]] = there
            if partner_o[o] >= 0:
                item_host[partner_o[o]] = top
            held[top] ^= swapped
            held[there] ^= swapped
            width = _SAMPLE
            break
        else:
            if width >= len(item_host):
                return
            width *= 8
