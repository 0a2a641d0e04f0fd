"""Evaluate again, from a relocation and plain data alone, what its bounds rest on.

One stage after the other; a bound is about answers as good in the stages before as the witness's `values`.

- `trivial`: the stage cannot be below 0.
- `prices`: a Lagrangian bound. Hosts sell places, classes buy them. Every host has a price for letting one of
  a kind stay and one for letting one in; limits, capacities of domains and the stages before have prices too.
  What the classes pay at least, less what hosts and limits earn at most, is a bound whatever the prices are
  (Geoffrion 1974); here all of it is exact integers over one `scale`. A host's earnings are a knapsack, solved
  exactly.
- `counts`: no counts of kinds per host are cheaper, by a search that is repeated (nobody stopped or unplaced).
- `keeping`: who of some entries must leave, whoever goes where: a proof over a program of these entries alone.
- `linear`, `tree`, `parts`, `search`, with their `data`: proofs over a program by class and host, evaluated as
  those of plans are (see `zonewright.solver.witness`); what only a search proved is searched for again.

A *kind* is the classes of equal demand and weight, numbered in the order of their first class; classes listed
in `alone` are kinds of their own and come last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zonewright.solver.relocation.problem import Ints, Relocation

#: Cells of the table up to which a host's knapsack is filled in; beyond, it is searched.
_CELLS = 40_000
#: Nodes of that search; what is left open after them counts by its relaxation.
_NODES = 5_000
_DAMAGED = (KeyError, IndexError, TypeError, ValueError, AttributeError)

Item = tuple[int, tuple[int, ...], int]
"""Worth, size per resource, most."""


def verify(problem: Relocation, witness: dict[str, Any]) -> tuple[int, ...]:
    """Return the bounds that a witness proves, stage by stage; 0 where it proves nothing (or is damaged)."""
    stages = 2 + len(problem.priorities)
    found: list[int] = []
    for number in range(stages):
        try:
            values = [int(v) for v in witness["values"][:number]]
            found.append(_stage(problem, witness["stages"], values, number))
        except _DAMAGED:
            found.append(0)
    return tuple(found)


def _stage(problem: Relocation, stages: list[dict[str, Any]], values: list[int], number: int) -> int:
    data = stages[number]
    if len(values) < number:
        return 0
    if data["kind"] == "prices":
        return max(0, price_bound(problem, values, number, data))
    if data["kind"] == "counts":
        from zonewright.solver.relocation.counts import research

        return research(problem, values, number, int(data["bound"]))
    if "data" in data or data["kind"] == "keeping":
        from zonewright.solver.relocation.program import program_bound

        return max(0, program_bound(problem, stages, values, number))
    return 0


def kinds_of(problem: Relocation, alone: Sequence[int]) -> Ints:
    """Return the kind of every class."""
    known: dict[tuple[int, ...], int] = {}
    kind_c = np.empty(len(problem.count_c), np.int64)
    apart = set(alone)
    weights = problem.weight_c.tolist()
    for c, demand in enumerate(problem.demand_cr.tolist()):
        if c not in apart:
            kind_c[c] = known.setdefault((*demand, weights[c]), len(known))
    for c in alone:
        kind_c[c] = known.setdefault((-1, c), len(known))
    return kind_c


def price_bound(problem: Relocation, values: Sequence[int], number: int, data: dict[str, Any]) -> int:
    """Return the bound on stage `number` that prices prove, in exact integers."""
    scale = int(data["scale"])
    if scale < 1:
        raise ValueError("a scale is at least 1")
    moves = 1 + len(problem.priorities)
    price_s = [int(p) for p in data.get("before", [0] * number)] + [scale] + [0] * (moves - number)
    if len(price_s) != moves + 1 or min(price_s) < 0:
        raise ValueError("one price, not below 0, for each stage before")
    hosts = len(problem.capacity_hr)
    alone = [int(c) for c in data.get("alone", [])]
    kind_c = kinds_of(problem, alone)
    kinds = int(kind_c.max(initial=-1)) + 1
    stay_kh, enter_kh = _host_prices(problem, data, kind_c, kinds, price_s[moves])
    if stay_kh.min(initial=0) < 0 or enter_kh.min(initial=0) < 0:
        raise ValueError("prices are not below 0")

    total = -sum(p * v for p, v in zip(price_s, values, strict=False))
    extra_ch: dict[int, Ints] = {}
    for index, domain, price in data.get("limits", []):
        limit = problem.limits[int(index)]
        if price < 0 or not 0 <= domain < len(limit.most_d):
            raise ValueError("a limit's price is not below 0")
        total -= int(price) * int(limit.most_d[domain])
        inside = np.where(limit.domain_h == domain, int(price), 0)
        for c in limit.classes.tolist():
            extra_ch[c] = extra_ch[c] + inside if c in extra_ch else inside
    domain_hr = np.zeros((hosts, problem.demand_cr.shape[1]), np.int64)
    for index, domain, resource, price in data.get("domains", []):
        capacity = problem.domain_capacity[int(index)]
        if price < 0 or domain < 0:
            raise ValueError("a capacity's price is not below 0")
        total -= int(price) * int(capacity.most_dr[domain, resource])
        domain_hr[capacity.domain_h == domain, resource] += int(price)
    total += _classes(problem, price_s, kind_c, stay_kh, enter_kh, extra_ch, domain_hr)
    total -= _hosts(problem, kind_c, stay_kh, enter_kh)
    bound = -(-total // scale)
    if number == moves and len(problem.weight_c):
        divisor = int(np.gcd.reduce(problem.weight_c))
        bound = -(-bound // divisor) * divisor
    return bound


def _host_prices(
    problem: Relocation, data: dict[str, Any], kind_c: Ints, kinds: int, move_price: int
) -> tuple[Ints, Ints]:
    """Return the prices of staying and of entering per kind and host."""
    hosts = len(problem.capacity_hr)
    area_h = np.asarray(data.get("area", [0] * hosts), np.int64)
    if len(area_h) != hosts:
        raise ValueError("one area per host")
    weight_k = np.zeros(kinds, np.int64)
    weight_k[kind_c] = problem.weight_c
    if "stay" in data:
        stay_kh = np.asarray(data["stay"], np.int64).reshape(kinds, -1)[:, area_h]
    else:
        stay_kh = np.repeat((weight_k * move_price)[:, None], hosts, axis=1)
    if "enter" in data:
        enter_kh = np.asarray(data["enter"], np.int64).reshape(kinds, -1)[:, area_h]
    else:
        enter_kh = np.zeros((kinds, hosts), np.int64)
    stay_kh, enter_kh = stay_kh.copy(), enter_kh.copy()
    for name, table_kh in (("stay_at", stay_kh), ("enter_at", enter_kh)):
        for kind, host, price in data.get(name, []):
            table_kh[kind, host] = price
    return stay_kh, enter_kh


def _classes(
    problem: Relocation,
    price_s: Sequence[int],
    kind_c: Ints,
    stay_kh: Ints,
    enter_kh: Ints,
    extra_ch: dict[int, Ints],
    domain_hr: Ints,
) -> int:
    """Return what all classes pay at least: for places, for moving, for not being placed."""
    stop_price, move_price = price_s[0], price_s[-1]
    unplaced_price = dict(zip(problem.priorities, price_s[1:-1], strict=True))
    classes = len(problem.count_c)
    running_c = np.bincount(problem.at_class_n, problem.at_count_n, classes).astype(np.int64)
    mask_n = problem.mask_c[problem.at_class_n]
    stays = problem.stay_mh[mask_n, problem.at_host_n] & (problem.at_count_n > 0)
    at_c: list[list[tuple[int, int]]] = [[] for _ in range(classes)]
    for c, h, k in zip(
        problem.at_class_n[stays].tolist(),
        problem.at_host_n[stays].tolist(),
        problem.at_count_n[stays].tolist(),
        strict=True,
    ):
        at_c[c].append((h, k))
    domains_priced = bool(domain_hr.any())
    cheapest: dict[tuple[int, ...], int | None] = {}
    total = 0
    for c in range(classes):
        count, running = int(problem.count_c[c]), int(running_c[c])
        if count == 0:
            continue
        kind, mask, weight = int(kind_c[c]), int(problem.mask_c[c]), int(problem.weight_c[c])
        demand_r = problem.demand_cr[c]
        extra_h = extra_ch.get(c)
        if extra_h is None:
            key = (kind, mask)
            if key not in cheapest:
                open_h = problem.enter_mh[mask]
                price_h = enter_kh[kind] + (domain_hr @ demand_r if domains_priced else 0)
                cheapest[key] = int(price_h[open_h].min()) if open_h.any() else None
            best = cheapest[key]
        else:
            open_h = problem.enter_mh[mask]
            price_h = enter_kh[kind] + extra_h + (domain_hr @ demand_r if domains_priced else 0)
            best = int(price_h[open_h].min()) if open_h.any() else None
        unplaced = unplaced_price[int(problem.priority_c[c])]
        options = [(unplaced, count - running), (unplaced + stop_price, running)]
        if best is not None:
            options.append((best, count))
        for h, k in at_c[c]:
            price = int(stay_kh[kind, h]) - weight * move_price
            if extra_h is not None:
                price += int(extra_h[h])
            if domains_priced:
                price += int(domain_hr[h] @ demand_r)
            options.append((price, k))
        total += move_price * weight * running
        left = count
        for price, most in sorted(options):
            take = min(left, most)
            total += price * take
            left -= take
            if left == 0:
                break
    return total


def _hosts(problem: Relocation, kind_c: Ints, stay_kh: Ints, enter_kh: Ints) -> int:
    """Return what all hosts earn at most."""
    kinds, hosts = stay_kh.shape
    stays = problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n] & (problem.at_count_n > 0)
    there: list[dict[int, int]] = [{} for _ in range(hosts)]
    for c, h, k in zip(
        problem.at_class_n[stays].tolist(),
        problem.at_host_n[stays].tolist(),
        problem.at_count_n[stays].tolist(),
        strict=True,
    ):
        kind = int(kind_c[c])
        there[h][kind] = there[h].get(kind, 0) + k
    first_k = np.zeros(kinds, np.int64)
    first_k[kind_c[::-1]] = np.arange(len(kind_c))[::-1]
    size_k = [tuple(row) for row in problem.demand_cr[first_k].tolist()]
    selling = np.flatnonzero(np.any(enter_kh, axis=1)).tolist() if kinds else []
    comers_k = {
        k: np.bincount(problem.mask_c[kind_c == k], problem.count_c[kind_c == k], len(problem.enter_mh)).astype(
            np.int64
        )
        @ problem.enter_mh
        for k in selling
    }
    total = 0
    known: dict[tuple[object, ...], int] = {}
    for h in range(hosts):
        capacity = tuple(problem.capacity_hr[h].tolist())
        items: list[Item] = []
        for k, most in sorted(there[h].items()):
            worth = int(stay_kh[k, h])
            if worth:
                items.append((worth, size_k[k], most))
        for k in selling:
            worth, most = int(enter_kh[k, h]), int(comers_k[k][h])
            if worth and most:
                items.append((worth, size_k[k], most))
        if items:
            key = (capacity, *items)
            if key not in known:
                known[key] = most_worth(capacity, items)
            total += known[key]
    return total


def most_worth(capacity: tuple[int, ...], items: Sequence[Item]) -> int:
    """Return the most that items within a capacity are worth, or a little more where that is too hard."""
    free = 0
    hard: list[Item] = []
    for worth, size, most in items:
        most = min([most] + [room // s for room, s in zip(capacity, size, strict=True) if s])
        if not any(size):
            free += worth * most
        elif most > 0:
            hard.append((worth, size, most))
    used = [sum(size[r] * most for _, size, most in hard) for r in range(len(capacity))]
    tight = [r for r in range(len(capacity)) if used[r] > capacity[r]]
    if not tight:
        return free + sum(worth * most for worth, _, most in hard)
    # Resources that cannot run short do not matter; the others in units of their common divisor.
    unit = [math.gcd(*(size[r] for _, size, _ in hard)) for r in tight]
    room = tuple(capacity[r] // g for r, g in zip(tight, unit, strict=True))
    small = [(w, tuple(size[r] // g for r, g in zip(tight, unit, strict=True)), m) for w, size, m in hard]
    if math.prod(c + 1 for c in room) <= _CELLS:
        return free + _filled_in(room, small)
    return free + _searched(room, small)


def _filled_in(room: tuple[int, ...], items: Sequence[Item]) -> int:
    """Solve by a table of the most worth at every use of the resources."""
    best = np.zeros(tuple(c + 1 for c in room), np.int64)
    for worth, size, most in items:
        part = 1
        while most > 0:
            take = min(part, most)
            most -= take
            part *= 2
            step = tuple(take * s for s in size)
            if any(s > c for s, c in zip(step, room, strict=True)):
                continue
            after = tuple(slice(s, None) for s in step)
            before = tuple(slice(None, c + 1 - s) for s, c in zip(step, room, strict=True))
            best[after] = np.maximum(best[after], best[before] + worth * take)
    return int(best[tuple(-1 for _ in room)])


def _searched(room: tuple[int, ...], items: Sequence[Item]) -> int:
    """Solve by depth-first search, bounded by the relaxation to each single resource."""
    order = sorted(
        items, key=lambda item: -item[0] / sum(s / max(c, 1) for s, c in zip(item[1], room, strict=True))
    )
    ranks = list(enumerate(order))
    by_resource = [
        [i for _, i in sorted((-worth / size[r] if size[r] else -math.inf, i) for i, (worth, size, _) in ranks)]
        for r in range(len(room))
    ]

    def relaxed(start: int, cap: int, left: tuple[int, ...]) -> int:
        """Bound what items from `start` on add, at most `cap` of the first."""
        found: list[int] = []
        for r, ranked in enumerate(by_resource):
            rest, worth = left[r], 0
            for i in ranked:
                if i < start:
                    continue
                value, size, most = order[i]
                if i == start:
                    most = cap
                if size[r] * most <= rest:
                    rest -= size[r] * most
                    worth += value * most
                else:
                    worth += value * rest // size[r]
                    break
            found.append(worth)
        return min(found)

    best, highest_open, nodes = 0, 0, 0
    stack: list[tuple[int, int, tuple[int, ...], int]] = [(0, order[0][2], room, 0)]
    while stack:
        start, cap, left, worth = stack.pop()
        bound = worth + relaxed(start, cap, left)
        if bound <= max(best, highest_open):
            continue
        nodes += 1
        if nodes > _NODES:
            highest_open = max(highest_open, bound)
            continue
        value, size, _ = order[start]
        take = min([cap] + [c // s for c, s in zip(left, size, strict=True) if s])
        best = max(best, worth + take * value)
        if take:
            stack.append((start, take - 1, left, worth))
        if start + 1 < len(order):
            after = tuple(c - take * s for c, s in zip(left, size, strict=True))
            stack.append((start + 1, order[start + 1][2], after, worth + take * value))
    return max(best, highest_open)
