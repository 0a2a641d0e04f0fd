"""Plant a plan: put groups on hosts under every rule, so that a generated region is known to be feasible.

Arrays end in their axes: `g` group, `h` host, `z` zone, `r` resource, `m` an instance of the highest host,
`o` a possible partner of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Seats:
    """Who is on which host: one entry for every instance."""

    group: IntArray
    host: IntArray


@dataclass(frozen=True)
class Racks:
    """Which rack each host is in, and how many of each group a rack may hold."""

    rack_h: IntArray
    most_g: IntArray


def plant(
    rng: np.random.Generator,
    count_g: IntArray,
    demand_gr: IntArray,
    capacity_hr: FloatArray,
    racks: Racks | None = None,
) -> Seats | None:
    """Place one zone's groups, at most one of each per host; return who is where, None where not everything fits.

    A height is load over capacity. Large demands go first, each to the hosts where the sum of capacity x
    height^12 grows least, which levels; then instances of the highest host are moved or swapped until no
    height is above 1, as far as that goes. With `racks` no rack holds more of a group than it may.
    """
    if count_g.max(initial=0) > len(capacity_hr):
        return None
    share_hr = capacity_hr / capacity_hr.sum(axis=0)
    part_gr = demand_gr / capacity_hr.sum(axis=0)
    order = np.lexsort((rng.random(len(count_g)), -part_gr.max(axis=1)))
    height_hr = np.zeros_like(share_hr)
    power_hr = np.zeros_like(share_hr)
    item_host: list[IntArray] = []
    for group in order:
        count = int(count_g[group])
        step_hr = part_gr[group] / share_hr
        growth_h = np.einsum("hr,hr->h", share_hr, _power(height_hr + step_hr) - power_hr)
        chosen = _lowest(growth_h, count, racks, int(group))
        if chosen is None:
            return None
        height_hr[chosen] += step_hr[chosen]
        power_hr[chosen] = _power(height_hr[chosen])
        item_host.append(chosen)
    seats = Seats(np.repeat(order, count_g[order]), np.concatenate(item_host))
    level(rng, seats, part_gr, share_hr, height_hr, racks)
    return seats if height_hr.max() <= 1.0 else None


def _power(height_hr: FloatArray) -> FloatArray:
    """Return heights to the power of 12."""
    cube_hr = height_hr * height_hr * height_hr
    square_hr = cube_hr * cube_hr
    return square_hr * square_hr


def _lowest(growth_h: FloatArray, count: int, racks: Racks | None, group: int) -> IntArray | None:
    """Return the hosts that grow least, as many as are asked for; None where racks do not allow so many."""
    if not count:
        return np.empty(0, dtype=np.int64)
    if racks is None:
        return np.argpartition(growth_h, count - 1)[:count]
    looked_at = min(len(growth_h), 4 * count + 16)
    while True:
        near = np.argpartition(growth_h, looked_at - 1)[:looked_at]
        near = near[np.argsort(growth_h[near], kind="stable")]
        chosen: IntArray = near[_turn(racks.rack_h[near]) < racks.most_g[group]][:count]
        if len(chosen) == count:
            return chosen
        if looked_at == len(growth_h):
            return None
        looked_at = min(len(growth_h), 4 * looked_at)


def _turn(rack: IntArray) -> IntArray:
    """Return how many of the same rack come before each entry."""
    order = np.argsort(rack, kind="stable")
    by_rack = rack[order]
    first = np.searchsorted(by_rack, by_rack)
    turn = np.empty(len(rack), dtype=np.int64)
    turn[order] = np.arange(len(rack)) - first
    return turn


def level(
    rng: np.random.Generator,
    seats: Seats,
    demand_gr: FloatArray,
    share_hr: FloatArray,
    height_hr: FloatArray,
    racks: Racks | None = None,
) -> None:
    """Swap instances of the highest host with others, best pair first, until it is no higher than 1.

    Changes `seats.host` and `height_hr`. Stops where no swap helps the highest host.
    """
    item_host, item_group = seats.host, seats.group
    held: list[set[int]] = [set() for _ in range(len(height_hr))]
    for host, group in zip(item_host.tolist(), item_group.tolist(), strict=True):
        held[host].add(group)
    in_racks = _InRacks(racks, seats) if racks is not None else None
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
            other = int(item_group[partner_o[o]]) if partner_o[o] >= 0 else None
            swapped = {one} if other is None else {one, other}
            if one in held[there] or len(swapped & held[top]) > 1:
                continue
            if in_racks is not None and not in_racks.swap(one, other, top, there):
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


class _InRacks:
    """How many of each group are in each rack."""

    def __init__(self, racks: Racks, seats: Seats) -> None:
        self.rack = racks.rack_h.tolist()
        self.most = racks.most_g.tolist()
        self.count = Counter(zip(seats.group.tolist(), racks.rack_h[seats.host].tolist(), strict=True))

    def swap(self, one: int, other: int | None, here: int, there: int) -> bool:
        """Swap two groups' instances between hosts if the racks allow it, and return whether they do."""
        old, new = self.rack[here], self.rack[there]
        if old == new:
            return True
        if self.count[one, new] >= self.most[one]:
            return False
        if other is not None and self.count[other, old] >= self.most[other]:
            return False
        for group, left, entered in ((one, old, new), (other, new, old)):
            if group is not None:
                self.count[group, left] -= 1
                self.count[group, entered] += 1
        return True
