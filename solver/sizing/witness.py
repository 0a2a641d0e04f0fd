"""Evaluate again, from a sizing problem and plain data alone, what a bound on its cost rests on.

- `cuts`: prices of places. For each, what everybody pays at least is compared with what hosts can earn at most, by
  tables over all amounts of room in whole integers: an inequality on purchases. That no purchase below the bound
  satisfies them all is proven by a tree of multipliers, or searched for again where there is none.
- `search`: no purchase below the bound suffices, by a search of everything at once, which is repeated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.branching import Tree, proven
from zonewright.solver.linear import Multipliers
from zonewright.solver.rows import Matrix, Rows
from zonewright.solver.sizing.problem import BASE, MOST, Ints, SizingProblem

#: What `verify` returns where no purchase suffices.
IMPOSSIBLE = MOST
#: Seconds that a search may take to be repeated.
_SEARCH_S = 120.0
_MOST_SUM = 1 << 50
_DAMAGED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)

Row = tuple[tuple[int, ...], int]
"""Weight per lot of each offer, and the least that their sum is."""


def verify(problem: SizingProblem, witness: dict[str, Any]) -> int:
    """Return the bound that a witness proves: `IMPOSSIBLE`, a cost, or 0 where it proves nothing or is damaged."""
    try:
        bound = int(witness["bound"])
        if witness["kind"] == "search":
            from zonewright.solver.sizing.exact import research

            return bound if research(problem, bound, Deadline(_SEARCH_S)) else 0
        units = [(int(r), int(size)) for r, size in witness["units"]]
        rows = [_row(problem, units, data) for data in witness["cuts"]]
        return bound if _none_below(problem, rows, bound, witness.get("tree")) else 0
    except _DAMAGED:
        return 0


def _none_below(problem: SizingProblem, rows: list[Row], bound: int, tree: list[Any] | None) -> bool:
    """Return whether no purchase that satisfies all rows costs less than the bound."""
    if bound <= 0:
        return True
    if not len(problem.area_o):
        return any(least > 0 for _, least in rows)
    matrix = matrix_of(problem, rows, bound)
    if tree is not None:
        splits = tuple((int(j), int(at)) for j, at in tree[0])
        leaves = tuple(Multipliers(int(d), tuple(map(int, i)), tuple(map(int, w))) for d, i, w in tree[1])
        return proven(matrix, {}, 0, 1, Tree(splits, leaves))
    from zonewright.solver.cpsat import Model

    answer = Model(matrix).minimize(None, Deadline(_SEARCH_S), seconds=_SEARCH_S, workers=1, seed=1)
    return answer.status == "infeasible"


def matrix_of(problem: SizingProblem, rows: list[Row], bound: int) -> Matrix:
    """Return purchases in lots that satisfy all rows and cost less than the bound."""
    most_o = lots(problem)
    draft = Rows()
    columns = [draft.column(0, n) for n in most_o]
    for weights, least in rows:
        draft.row(columns, *_moderate(weights, least, most_o))
    cost = [int(price) * int(lot) for price, lot in zip(problem.price_o, problem.lot_o, strict=True)]
    if bound < IMPOSSIBLE:
        draft.row(columns, cost, high=bound - 1)
    return draft.matrix()


def lots(problem: SizingProblem) -> list[int]:
    """Return how many lots of each offer could be of use: a host for everybody, before any loss and after each."""
    hosts = int(problem.count_c.sum()) * (1 + problem.scenarios)
    pairs = zip(problem.most_o.tolist(), problem.lot_o.tolist(), strict=True)
    return [-(-hosts // lot) if most < 0 else most // lot for most, lot in pairs]


def _moderate(weights: tuple[int, ...], least: int, most_o: list[int]) -> tuple[list[int], int]:
    """Return a row, weakened by rounding where its sum would be too large; more weight than asked for is cut."""
    capped = [min(w, max(least, 0)) for w in weights]
    shift = max(1, -(-sum(w * n for w, n in zip(capped, most_o, strict=True)) // _MOST_SUM))
    return [-(-w // shift) for w in capped], max(-(-least // shift), -_MOST_SUM)


def _row(problem: SizingProblem, units: list[tuple[int, int]], data: dict[str, Any]) -> Row:
    """Return what prices say of purchases: weight x lots is at least so much."""
    classes, areas, scenarios = len(problem.count_c), problem.areas, problem.scenarios
    shape_c, demand_kr, mask_k = _shapes(problem)
    shapes = len(mask_k)
    base_ak = _whole(data["base"], (areas, shapes))
    arrival_sak = _whole(data["arrival"], (scenarios, areas, shapes))
    price_i = [int(p) for p in data["limits"]]
    if len(price_i) != len(problem.limits) or base_ak.min(initial=0) < 0 or arrival_sak.min(initial=0) < 0:
        raise ValueError("prices of places are not below 0, one for each limit")
    most_k = _most(problem, shape_c, shapes)
    earns = _Earnings(problem, units, demand_kr, mask_k, most_k, base_ak, arrival_sak)
    there_ca = np.zeros((classes, areas), np.int64)
    np.add.at(there_ca, (problem.at_class_n, problem.area_h[problem.at_host_n]), problem.at_count_n)
    pays = _paid(problem, shape_c, earns.reach_ka, there_ca, base_ak, arrival_sak, price_i)
    if pays is None:
        return tuple(0 for _ in problem.area_o), 1
    return tuple(
        w * int(lot) for w, lot in zip(earns.offers(), problem.lot_o, strict=True)
    ), pays - earns.existing()


def _whole(data: Any, shape: tuple[int, ...]) -> Ints:
    found = np.asarray(data, np.int64).reshape(shape)
    if np.abs(found).max(initial=0) > 1 << 30:
        raise ValueError("a price is too large")
    return found


def _shapes(problem: SizingProblem) -> tuple[Ints, Ints, Ints]:
    """Return the shape of every class (by demand and reach, sorted), and demand and reach of each."""
    key = np.column_stack([problem.demand_cr, problem.mask_c])
    rows, number = np.unique(key, axis=0, return_inverse=True)
    return number.ravel(), rows[:, :-1], rows[:, -1]


def _most(problem: SizingProblem, shape_c: Ints, shapes: int) -> Ints:
    """Return how many of each shape one host may hold at most by limits of groups."""
    most_k = np.zeros(shapes, np.int64)
    for k in range(shapes):
        by_group: dict[int, int] = {}
        for c in np.flatnonzero(shape_c == k).tolist():
            group = int(problem.group_c[c])
            limited = group >= 0 and problem.per_host_g[group] >= 0
            by_group[group if limited else -1 - c] = by_group.get(group if limited else -1 - c, 0) + int(
                problem.count_c[c]
            )
        most_k[k] = sum(n if g < 0 else min(n, int(problem.per_host_g[g])) for g, n in by_group.items())
    return most_k


def _paid(
    problem: SizingProblem,
    shape_c: Ints,
    reach_ka: Ints,
    there_ca: Ints,
    base_ak: Ints,
    arrival_sak: Ints,
    price_i: list[int],
) -> int | None:
    """Return what all classes and limits pay at least; None where somebody cannot be anywhere."""
    total = 0
    limits_of: dict[int, list[int]] = {}
    for i, (price, limit) in enumerate(zip(price_i, problem.limits, strict=True)):
        if not price:
            continue
        members = np.unique(limit.classes)
        spared_a = np.ones(problem.areas, bool) if limit.layer == BASE else ~problem.lost_sa[limit.layer]
        constant = int((there_ca[members].sum(axis=0) * limit.weight_a)[spared_a].sum())
        side = limit.low if price > 0 else limit.high
        if abs(side) >= MOST:
            raise ValueError("a side without a limit has no price")
        total += price * (side - constant)
        for c in members.tolist():
            limits_of.setdefault(c, []).append(i)
    for c, k in enumerate(shape_c.tolist()):
        new = int(problem.count_c[c] - there_ca[c].sum())
        base_a = [int(x) for x in base_ak[:, k]]
        for i in limits_of.get(c, ()):
            limit = problem.limits[i]
            for a in range(problem.areas):
                if limit.layer == BASE or not problem.lost_sa[limit.layer, a]:
                    base_a[a] -= price_i[i] * int(limit.weight_a[a])
        closed_a = [not reach_ka[k, a] for a in range(problem.areas)]
        for s in range(problem.scenarios):
            if not problem.evacuated_sc[s, c]:
                continue
            extra = [i for i in limits_of.get(c, ()) if problem.limits[i].layer == s]
            costs = [
                int(arrival_sak[s, a, k]) - sum(price_i[i] * int(problem.limits[i].weight_a[a]) for i in extra)
                for a in range(problem.areas)
                if not problem.lost_sa[s, a] and reach_ka[k, a]
            ]
            lost = np.flatnonzero(problem.lost_sa[s]).tolist()
            displaced = int(there_ca[c, lost].sum())
            if not costs and displaced:
                return None
            total += displaced * min(costs, default=0)
            for a in lost:
                base_a[a] += min(costs, default=0)
                closed_a[a] = closed_a[a] or not costs
        if new:
            open_a = [cost for cost, closed in zip(base_a, closed_a, strict=True) if not closed]
            if not open_a:
                return None
            total += new * min(open_a)
    return total


class _Earnings:
    """What hosts earn at most at given prices: tables over all amounts of room, in integers."""

    def __init__(
        self,
        problem: SizingProblem,
        units: list[tuple[int, int]],
        demand_kr: Ints,
        mask_k: Ints,
        most_k: Ints,
        base_ak: Ints,
        arrival_sak: Ints,
    ) -> None:
        if not units or len({r for r, _ in units}) != len(units) or min(size for _, size in units) < 1:
            raise ValueError("resources once each, in units of at least 1")
        self.problem, self.most_k = problem, most_k
        self.base_ak, self.arrival_sak = base_ak, arrival_sak
        used_hr = np.zeros_like(problem.capacity_hr)
        np.add.at(used_hr, problem.at_host_n, problem.demand_cr[problem.at_class_n] * problem.at_count_n[:, None])
        left_hr = problem.capacity_hr - used_hr
        takes_hk = problem.enter_mh[mask_k].T & np.all(left_hr >= 0, axis=1)[:, None]
        takes_hk &= np.all(demand_kr[None] <= left_hr[:, None], axis=2)
        takes_ok = problem.enter_mo[mask_k].T & np.all(demand_kr[None] <= problem.capacity_or[:, None], axis=2)
        self.reach_ka = np.zeros((len(mask_k), problem.areas), bool)
        for a in range(problem.areas):
            self.reach_ka[:, a] = takes_hk[problem.area_h == a].any(axis=0)
            self.reach_ka[:, a] |= takes_ok[problem.area_o == a].any(axis=0)
        resources, sizes = [r for r, _ in units], np.array([size for _, size in units], np.int64)
        self.demand_kr = demand_kr[:, resources] // sizes
        # More room than everybody could ask for is of no use.
        asked_r = np.array(
            [
                sum(int(d) * int(n) for d, n in zip(self.demand_kr[:, x], most_k, strict=True))
                for x in range(len(units))
            ]
        )
        self.left_hr = np.minimum(np.maximum(left_hr, 0)[:, resources] // sizes, asked_r)
        self.left_or = np.minimum(problem.capacity_or[:, resources] // sizes, asked_r)
        self.takes_hk, self.takes_ok = takes_hk, takes_ok
        self._tables: dict[tuple[bytes, bytes], Ints] = {}
        self._largest: dict[tuple[int, bytes], Ints] = {}
        for area, takes, left in (
            *zip(problem.area_h.tolist(), takes_hk, self.left_hr, strict=True),
            *zip(problem.area_o.tolist(), takes_ok, self.left_or, strict=True),
        ):
            key = area, takes.tobytes()
            self._largest[key] = np.maximum(self._largest.get(key, left), left)

    def existing(self) -> int:
        """Return what all existing hosts earn at most."""
        key = np.column_stack([self.problem.area_h, self.takes_hk, self.left_hr])
        _, first, count = np.unique(key, axis=0, return_index=True, return_counts=True)
        return sum(
            int(n) * self._host(int(self.problem.area_h[h]), self.takes_hk[h], self.left_hr[h])
            for h, n in zip(first.tolist(), count.tolist(), strict=True)
        )

    def offers(self) -> list[int]:
        """Return what one host of each offer earns at most."""
        rows = zip(self.problem.area_o.tolist(), self.takes_ok, self.left_or, strict=True)
        return [self._host(area, takes, left) for area, takes, left in rows]

    def _host(self, area: int, takes_k: Ints, left_r: Ints) -> int:
        if not takes_k.any():
            return 0
        spared = np.flatnonzero(~self.problem.lost_sa[:, area]).tolist()
        size = tuple(int(x) + 1 for x in self._largest[area, takes_k.tobytes()])
        inside = tuple(slice(0, int(x) + 1) for x in left_r)
        total = self._table(self.base_ak[area] * takes_k, size)[inside].copy()
        mirror = tuple(slice(None, None, -1) for _ in left_r)
        for s in spared:
            total += self._table(self.arrival_sak[s, area] * takes_k, size)[inside][mirror]
        return int(total.max())

    def _table(self, worth_k: Ints, size: tuple[int, ...]) -> Ints:
        """Return the most worth within every amount of room."""
        key = worth_k.tobytes(), bytes(str(size), "ascii")
        if key in self._tables:
            return self._tables[key]
        if math.prod(size) > 1 << 22:
            raise ValueError("a table is too large")
        table = np.zeros(size, np.int64)
        for k in np.flatnonzero((worth_k > 0) & (self.most_k > 0)).tolist():
            demand = [int(d) for d in self.demand_kr[k]]
            fit = min([(n - 1) // d for n, d in zip(size, demand, strict=True) if d], default=None)
            most = int(self.most_k[k]) if fit is None else min(fit, int(self.most_k[k]))
            worth = int(worth_k[k])
            if fit is None:
                table += worth * most
                continue
            before = table.copy()
            for n in range(1, most + 1):
                to = tuple(slice(n * d, None) for d in demand)
                of = tuple(slice(0, size[x] - n * d) for x, d in enumerate(demand))
                np.maximum(table[to], before[of] + n * worth, out=table[to])
        self._tables[key] = table
        return table
