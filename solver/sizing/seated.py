"""Who is on which host before any loss and in each scenario, kept up to date: room, groups, who has no place.

Layers: 0 before any loss, 1 + s in scenario s. In a scenario a host holds what it held before and what arrives.

Axes: c class, h host (existing ones, then those bought), r resource, s scenario, l layer.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from zonewright.solver.sizing.problem import Flags, Ints, Placed, SizingProblem
from zonewright.solver.sizing.seating import Holding, Seats
from zonewright.solver.sizing.table import used_by_running


class Seated:
    """A placement of new instances and of those displaced, in part or whole. Who runs is never touched."""

    def __init__(self, problem: SizingProblem, offer_i: Ints) -> None:
        self.problem, self.offer_i = problem, offer_i
        self.capacity_hr = np.vstack([problem.capacity_hr, problem.capacity_or[offer_i]])
        self.area_h = np.concatenate([problem.area_h, problem.area_o[offer_i]])
        self.enter_mh = np.hstack([problem.enter_mh, problem.enter_mo[:, offer_i]])
        hosts = len(self.area_h)
        base_hr = np.zeros_like(self.capacity_hr)
        base_hr[: len(problem.area_h)] = used_by_running(problem)
        over_h = np.any(base_hr > self.capacity_hr, axis=1)
        self.enter_mh &= ~over_h
        layers = 1 + problem.scenarios
        self.room_lhr = np.repeat((self.capacity_hr - base_hr)[None], layers, axis=0)
        self.held_lh: list[list[Counter[int]]] = [[Counter() for _ in range(hosts)] for _ in range(layers)]
        """New instances (layer 0) and arrivals by host and class."""
        self.groups_lh: list[list[Counter[int]]] = [[Counter() for _ in range(hosts)] for _ in range(layers)]
        """Instances of limited groups: in layer 0 all, in the others arrivals only."""
        limited_c = problem.group_c >= 0
        limited_c[limited_c] = problem.per_host_g[problem.group_c[limited_c]] >= 0
        self.group_c = np.where(limited_c, problem.group_c, -1).tolist()
        self.most_g = problem.per_host_g.tolist()
        for c, h, n in zip(
            problem.at_class_n.tolist(), problem.at_host_n.tolist(), problem.at_count_n.tolist(), strict=True
        ):
            if self.group_c[c] >= 0:
                self.groups_lh[0][h][self.group_c[c]] += n
        running_c = np.bincount(problem.at_class_n, problem.at_count_n, len(problem.count_c)).astype(np.int64)
        self.missing_lc = np.zeros((layers, len(problem.count_c)), np.int64)
        """How many have no place yet."""
        self.missing_lc[0] = problem.count_c - running_c
        for s in range(problem.scenarios):
            lost_n = problem.lost_sa[s, problem.area_h[problem.at_host_n]]
            np.add.at(self.missing_lc[1 + s], problem.at_class_n[lost_n], problem.at_count_n[lost_n])
            self.missing_lc[1 + s][~problem.evacuated_sc[s]] = 0
        self.lost_lh = np.vstack([np.zeros(hosts, bool)[None], problem.lost_sa[:, self.area_h]])
        self._count_limits()

    def _count_limits(self) -> None:
        """Note which limits every class is in, and what they count now."""
        problem = self.problem
        self.limits_c: dict[int, list[int]] = {}
        self.value_i: list[int] = []
        for i, limit in enumerate(problem.limits):
            member_c = np.zeros(len(problem.count_c), bool)
            member_c[limit.classes] = True
            for c in np.flatnonzero(member_c).tolist():
                self.limits_c.setdefault(c, []).append(i)
            inside_n = member_c[problem.at_class_n] & ~self.lost_lh[1 + limit.layer, problem.at_host_n]
            weight_n = limit.weight_a[problem.area_h[problem.at_host_n]]
            self.value_i.append(int((problem.at_count_n * weight_n)[inside_n].sum()))

    def counted(self, layer: int, c: int, h: int) -> list[tuple[int, int]]:
        """Return the limits that count an instance of a class on a host in a layer, and its weight in each."""
        found = []
        for i in self.limits_c.get(c, ()):
            limit = self.problem.limits[i]
            if layer in (0, 1 + limit.layer) and not self.lost_lh[1 + limit.layer, h]:
                found.append((i, int(limit.weight_a[self.area_h[h]])))
        return found

    @property
    def broken(self) -> int:
        """By how much limits by area are broken, in all."""
        pairs = zip(self.problem.limits, self.value_i, strict=True)
        return sum(max(0, limit.low - value, value - limit.high) for limit, value in pairs)

    @property
    def done(self) -> bool:
        """Whether everybody has a place and every limit holds."""
        return not self.short and not self.broken

    @property
    def short(self) -> int:
        """How many have no place, in all layers."""
        return int(self.missing_lc.sum())

    def layers_at(self, h: int) -> list[int]:
        """Return the layers in which what a host holds before any loss takes room: those that spare it."""
        return [int(x) for x in np.flatnonzero(~self.lost_lh[:, h])]

    def fits(self, layer: int, c: int, h: int, *, without: int = -1) -> bool:
        """Return whether one more of a class may be put on a host that one of class `without` leaves."""
        problem = self.problem
        if not self.enter_mh[problem.mask_c[c], h] or self.lost_lh[layer, h]:
            return False
        demand_r = problem.demand_cr[c]
        if without >= 0:
            demand_r = demand_r - problem.demand_cr[without]
        layers = [layer] if layer else self.layers_at(h)
        if np.any(self.room_lhr[layers, h] < np.maximum(demand_r, 0)):
            return False
        for i, weight in self.counted(layer, c, h):
            limit, value = self.problem.limits[i], self.value_i[i]
            if (weight > 0 and value + weight > limit.high) or (weight < 0 and value + weight < limit.low):
                return False
        group = self.group_c[c]
        if group < 0:
            return True
        gone = int(without >= 0 and self.group_c[without] == group)
        held = self.groups_lh[0][h][group]
        most = max((self.groups_lh[x][h][group] for x in layers if x), default=0)
        return bool(held + most - gone < self.most_g[group])

    def put(self, layer: int, c: int, h: int, n: int = 1) -> None:
        """Put so many of a class on a host (or take away, with n below 0)."""
        problem = self.problem
        self.held_lh[layer][h][c] += n
        if not self.held_lh[layer][h][c]:
            del self.held_lh[layer][h][c]
        if self.group_c[c] >= 0:
            self.groups_lh[layer][h][self.group_c[c]] += n
        self.missing_lc[layer, c] -= n
        for i, weight in self.counted(layer, c, h):
            self.value_i[i] += n * weight
        self.room_lhr[[layer] if layer else slice(None), h] -= n * problem.demand_cr[c]
        if layer:
            return
        for s in np.flatnonzero(problem.lost_sa[:, self.area_h[h]]).tolist():
            if problem.evacuated_sc[s, c]:
                self.missing_lc[1 + s, c] += n

    def trim(self) -> None:
        """Take away arrivals beyond what is displaced."""
        for layer, c in np.argwhere(self.missing_lc < 0).tolist():
            for h in range(len(self.area_h)):
                surplus = -int(self.missing_lc[layer, c])
                if surplus <= 0:
                    break
                there = self.held_lh[layer][h][c]
                if there:
                    self.put(layer, c, h, -min(there, surplus))

    def copy(self) -> Seated:
        """Return a copy that can be changed by itself."""
        other = object.__new__(Seated)
        other.__dict__.update(self.__dict__)
        other.room_lhr, other.missing_lc = self.room_lhr.copy(), self.missing_lc.copy()
        other.value_i = list(self.value_i)
        other.held_lh = [[counter.copy() for counter in layer] for layer in self.held_lh]
        other.groups_lh = [[counter.copy() for counter in layer] for layer in self.groups_lh]
        return other

    def placed(self, layer: int) -> Placed:
        """Return a layer as entries, who runs included in the first."""
        holding: Counter[tuple[int, int]] = Counter()
        if not layer:
            problem = self.problem
            for c, h, n in zip(
                problem.at_class_n.tolist(), problem.at_host_n.tolist(), problem.at_count_n.tolist(), strict=True
            ):
                holding[c, h] += n
        for h, counter in enumerate(self.held_lh[layer]):
            for c, n in counter.items():
                holding[c, h] += n
        rows = np.array([(c, h, n) for (c, h), n in sorted(holding.items()) if n], np.int64).reshape(-1, 3)
        return Placed(rows[:, 0], rows[:, 1], rows[:, 2])

    def usable(self, h: int) -> Flags:
        """Return which classes may be put on a host at all."""
        return np.asarray(self.enter_mh[self.problem.mask_c, h], bool)


def seated(problem: SizingProblem, seats: Seats) -> Seated:
    """Return the state that seats describe."""
    state = Seated(problem, seats.offer_i)
    running: Counter[tuple[int, int]] = Counter()
    for c, h, n in zip(
        problem.at_class_n.tolist(), problem.at_host_n.tolist(), problem.at_count_n.tolist(), strict=True
    ):
        running[c, h] += n
    _put_all(state, 0, {key: n - running[key] for key, n in seats.place.items()})
    for s, arrivals in enumerate(seats.arrivals_s):
        _put_all(state, 1 + s, arrivals)
    return state


def _put_all(state: Seated, layer: int, holding: Holding) -> None:
    for (c, h), n in holding.items():
        if n:
            state.put(layer, c, h, n)
