"""Whole counts of kinds per host: a mixture of patterns rounded, then a few hosts at a time decided by CP-SAT.

Axes: h host, k kind, a area, g group. An *offer* is how many of each kind stay on and enter each host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.master import Costs, Master, active_hosts, costs_for, master_of
from zonewright.solver.relocation.patterns import Mixture
from zonewright.solver.relocation.problem import Ints, Relocation
from zonewright.solver.relocation.table import lower
from zonewright.solver.rows import Rows
from zonewright.solver.witness import OTHER_SEED

#: Seconds for repeating a search when a bound is evaluated again.
RESEARCH_S = 60.0

#: Columns up to which hosts are decided together.
MOST_COLUMNS = 6_000


@dataclass
class Offer:
    """Counts per host, what they cost, and whether groups find all places they need."""

    stay_hk: Ints
    enter_hk: Ints
    cost: int


def rounded(master: Master, mixture: Mixture) -> tuple[Offer, Ints]:
    """Return every host's pattern of the largest share (its cost not known yet), and hosts that had several."""
    hosts = master.table.hosts
    best_h = np.zeros(hosts)
    pattern_h = np.full(hosts, -1, np.int64)
    for p in np.flatnonzero(mixture.share_p > 1e-7).tolist():
        h = int(mixture.host_p[p])
        if mixture.share_p[p] > best_h[h]:
            best_h[h], pattern_h[h] = mixture.share_p[p], p
    stay_hk, enter_hk = np.zeros_like(master.stay_hk), np.zeros_like(master.stay_hk)
    some = pattern_h >= 0
    stay_hk[some], enter_hk[some] = mixture.stay_pk[pattern_h[some]], mixture.enter_pk[pattern_h[some]]
    # A host that nobody pays for keeps whom it can keep for nothing.
    for h in np.flatnonzero(~some).tolist():
        if np.all(master.stay_hk[h] @ master.demand_kr <= master.table.capacity_hr[h]):
            stay_hk[h] = master.stay_hk[h]
            best_h[h] = 1.0
    return Offer(stay_hk, enter_hk, -1), np.flatnonzero(best_h < 1.0 - 1e-6)


def decide(
    master: Master,
    costs: Costs,
    offer: Offer,
    free: Ints,
    deadline: Deadline,
    *,
    seconds: float,
    workers: int,
    seed: int,
    floor: int | None = None,
    below: int | None = None,
) -> tuple[Offer | None, bool]:
    """Return the best offer that differs on the `free` hosts only, and whether it is proven to be that.

    The offer given need not be whole: what groups miss is unplaced, at its cost. With `below` any offer of less
    cost is looked for; none, proven, means that there is none.
    """
    table, rows = master.table, Rows()
    kinds, areas = master.kinds, master.areas
    fixed_hk = offer.stay_hk + offer.enter_hk
    fixed_hk = fixed_hk.copy()
    fixed_hk[free] = 0
    fixed_ak = np.zeros((areas, kinds), np.int64)
    np.add.at(fixed_ak, master.area_h, fixed_hk)
    offered: list[list[list[int]]] = [[[] for _ in range(kinds)] for _ in range(areas)]
    cost: dict[int, int] = {}
    hint: list[int] = []
    stay_columns: list[tuple[int, int, int]] = []
    enter_columns: list[tuple[int, int, int]] = []
    wanted_k = np.bincount(master.kind_c, table.count_c, kinds).astype(np.int64)
    for h in free.tolist():
        area = int(master.area_h[h])
        here: list[tuple[int, int]] = []
        for k in range(kinds):
            stay, enter = int(master.stay_hk[h, k]), int(wanted_k[k]) if master.enter_hk[h, k] else 0
            for r, size in enumerate(master.demand_kr[k].tolist()):
                if size:
                    enter = min(enter, int(table.capacity_hr[h, r]) // size)
                    stay = min(stay, int(table.capacity_hr[h, r]) // size)
            if stay:
                j = rows.column(0, stay)
                stay_columns.append((h, k, j))
                hint.append(min(stay, int(offer.stay_hk[h, k])))
                cost[j] = -costs.move * int(master.weight_k[k])
                here.append((k, j))
            if enter:
                j = rows.column(0, enter)
                enter_columns.append((h, k, j))
                hint.append(min(enter, int(offer.enter_hk[h, k])))
                here.append((k, j))
        for k, j in here:
            offered[area][k].append(j)
        for r in range(table.capacity_hr.shape[1]):
            used = [(j, int(master.demand_kr[k, r])) for k, j in here if master.demand_kr[k, r]]
            if sum(d * rows.high[j] for j, d in used) > table.capacity_hr[h, r]:
                rows.row([j for j, _ in used], [d for _, d in used], high=int(table.capacity_hr[h, r]))
    offer_ak = fixed_ak.copy()
    np.add.at(offer_ak, master.area_h[free], (offer.stay_hk + offer.enter_hk)[free])
    _groups(master, costs, rows, cost, offered, fixed_ak, offer_ak, hint)
    constant = costs.move * int((table.running_c * table.weight_c).sum())
    others = np.ones(table.hosts, bool)
    others[free] = False
    constant -= costs.move * int((offer.stay_hk[others] @ master.weight_k).sum())
    if below is not None:
        rows.row(list(cost), list(cost.values()), high=below - 1 - constant)
    answer = Model(rows.matrix()).minimize(
        cost if below is None else None,
        deadline,
        seconds=seconds,
        workers=workers,
        seed=seed,
        hint=hint if below is None else None,
        floor=None if floor is None else floor - constant,
        work=deadline.work_left,
    )
    if answer.x_j is None:
        return None, answer.status == "infeasible"
    stay_hk, enter_hk = offer.stay_hk.copy(), offer.enter_hk.copy()
    stay_hk[free] = 0
    enter_hk[free] = 0
    for h, k, j in stay_columns:
        stay_hk[h, k] = answer.x_j[j]
    for h, k, j in enter_columns:
        enter_hk[h, k] = answer.x_j[j]
    value = constant + sum(c * int(answer.x_j[j]) for j, c in cost.items())
    return Offer(stay_hk, enter_hk, value), answer.status == "optimal"


def _groups(
    master: Master,
    costs: Costs,
    rows: Rows,
    cost: dict[int, int],
    offered: list[list[list[int]]],
    fixed_ak: Ints,
    offer_ak: Ints,
    hint: list[int],
) -> None:
    """Add groups and what is offered to them, and complete the hint."""
    using: dict[tuple[int, int], list[int]] = {}
    left_ak = offer_ak.copy()
    for g in range(len(master.kind_g)):
        k, count = int(master.kind_g[g]), int(master.count_g[g])
        columns: list[int] = []
        missing = count
        for a in range(master.areas):
            most = min(int(master.cap_ga[g, a]), count)
            if most and (offered[a][k] or fixed_ak[a, k]):
                j = rows.column(0, most)
                using.setdefault((a, k), []).append(j)
                columns.append(j)
                take = min(most, int(left_ak[a, k]), missing)
                left_ak[a, k] -= take
                missing -= take
                hint.append(take)
        unplaced = costs.unplaced[int(master.priority_g[g])]
        for most, price in (
            (count - int(master.running_g[g]), unplaced),
            (int(master.running_g[g]), unplaced + costs.stop),
        ):
            if most:
                j = rows.column(0, most)
                cost[j] = price
                columns.append(j)
                hint.append(min(most, missing))
                missing -= min(most, missing)
        if count:
            rows.row(columns, [1] * len(columns), low=count)
    for (a, k), users in using.items():
        offers = offered[a][k]
        rows.row([*users, *offers], [1] * len(users) + [-1] * len(offers), high=int(fixed_ak[a, k]))


def offer_of(master: Master, class_n: Ints, host_n: Ints, count_n: Ints) -> Offer:
    """Return what a placement of merged classes offers; its cost is not known."""
    there_hk = np.zeros_like(master.stay_hk)
    np.add.at(there_hk, (host_n, master.kind_c[class_n]), count_n)
    stay_hk = np.minimum(there_hk, master.stay_hk)
    return Offer(stay_hk, there_hk - stay_hk, -1)


def research(problem: Relocation, values: Sequence[int], number: int, bound: int) -> int:
    """Search again, with another seed, for counts of fewer moves than `bound`; return it if there are none.

    Returns 0 otherwise. Holds for the last stage only, with nobody stopped or unplaced.
    """
    table = lower(problem)
    master = master_of(table)
    if master is None or number != 1 + len(problem.priorities) or any(values):
        return 0
    nothing = np.zeros_like(master.stay_hk)
    found, proven = decide(
        master,
        costs_for(table, number),
        Offer(nothing, nothing, -1),
        active_hosts(master),
        Deadline(RESEARCH_S),
        seconds=RESEARCH_S,
        workers=1,
        seed=OTHER_SEED,
        below=bound,
    )
    return bound if found is None and proven else 0


def improve(
    master: Master,
    costs: Costs,
    mixture: Mixture,
    deadline: Deadline,
    *,
    until_s: float,
    workers: int,
    seed: int,
    floor: int,
) -> Offer | None:
    """Return the best offer found: the mixture rounded, then few hosts decided at a time, more when that stalls.

    Stops at `floor`, a proven bound.
    """
    offer, split = rounded(master, mixture)
    draw = np.random.default_rng(seed)
    active = active_hosts(master)
    width = max(1, 3 * master.kinds)
    size, largest = 24, max(24, MOST_COLUMNS // width)
    best: Offer | None = None
    while True:
        base = best if best is not None else offer
        free = _neighbourhood(master, base, split, active, min(size, largest), draw)
        left = min(deadline.left, until_s - deadline.seconds)
        if left <= 0 or (best is not None and best.cost <= floor):
            return best
        found, proven = decide(
            master,
            costs,
            base,
            free,
            deadline,
            seconds=min(left, 1.0 + 0.2 * left),
            workers=workers,
            seed=seed,
            floor=floor,
        )
        if found is not None and (best is None or found.cost < best.cost):
            best = found
            split = split[:0]
            continue
        if len(free) == len(active) and (proven or size > 8 * len(active)):
            return best
        size = min(2 * size, 16 * len(active) + 24)


def _neighbourhood(
    master: Master, offer: Offer, split: Ints, active: Ints, size: int, draw: np.random.Generator
) -> Ints:
    """Return the hosts to decide anew: those that had several patterns, those with most room, some by chance."""
    if size >= len(active):
        return active
    used_hr = (offer.stay_hk + offer.enter_hk) @ master.demand_kr
    capacity_hr = np.maximum(master.table.capacity_hr, 1)
    room_h = 1.0 - np.max(used_hr / capacity_hr, axis=1)
    score_h = room_h[active] + draw.random(len(active)) * (0.3 if len(split) else 1.0)
    chosen = list(dict.fromkeys([*split.tolist(), *active[np.argsort(-score_h, kind="stable")].tolist()]))
    return np.sort(np.array(chosen[: max(size, len(split))], np.int64))
