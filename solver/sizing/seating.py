"""From counts of shapes to classes: flows give the places on hosts to groups, in every layer.

Axes: i host (as in `Counts`), h host (existing ones, then those bought), k shape, g bundle, a area, s scenario,
c class, t item (a group within the bundles at hand, or a class that is in no group).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zonewright.solver.sizing.counts import Counts
from zonewright.solver.sizing.master import open_links
from zonewright.solver.sizing.prices import displaced
from zonewright.solver.sizing.problem import Ints
from zonewright.solver.sizing.table import Table

Holding = dict[tuple[int, int], int]
"""How many of a class are on a host, by (class, host)."""


@dataclass
class Seats:
    """Who is where, and who found no place."""

    offer_i: Ints
    """The offer of every bought host, ascending."""
    place: Holding = field(default_factory=dict)
    arrivals_s: list[Holding] = field(default_factory=list)
    unplaced_c: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    stranded_sc: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    @property
    def short(self) -> int:
        """How many have no place, in all layers."""
        return int(self.unplaced_c.sum() + self.stranded_sc.sum())


class Seating:
    """Turns counts into seats. Hosts of one kind are alike but for the groups that run there."""

    def __init__(self, table: Table, counts: Counts, random: np.random.Generator) -> None:
        from ortools.graph.python import max_flow

        self._flow = max_flow.SimpleMaxFlow
        self.table, self.counts, self.random = table, counts, random
        problem = table.problem
        self.hosts = len(problem.area_h)
        offer_i = table.offer_j[counts.kind_i]
        self.seats = Seats(offer_i=offer_i[offer_i >= 0])
        self.host_i = self._hosts()
        self.area_i = table.area_j[counts.kind_i]
        self.holds: dict[tuple[int, int], int] = {}
        """How many of a limited group a host holds before any loss, by (group, host)."""
        for c, h, n in zip(
            problem.at_class_n.tolist(), problem.at_host_n.tolist(), problem.at_count_n.tolist(), strict=True
        ):
            self.seats.place[c, h] = self.seats.place.get((c, h), 0) + n
            self._hold(self.holds, c, h, n)
        running_c = np.bincount(problem.at_class_n, problem.at_count_n, len(problem.count_c)).astype(np.int64)
        self.left_c = problem.count_c - running_c

    def _hosts(self) -> Ints:
        """Return the host that each of the counts' hosts is, those bought numbered in order."""
        host_i = self.counts.host_i.copy()
        bought_i = np.flatnonzero(host_i < 0)
        host_i[bought_i] = self.hosts + np.arange(len(bought_i))
        return host_i

    def _hold(self, holds: dict[tuple[int, int], int], c: int, h: int, n: int) -> None:
        group = int(self.table.problem.group_c[c])
        if group >= 0 and self.table.problem.per_host_g[group] >= 0:
            holds[group, h] = holds.get((group, h), 0) + n

    def run(self) -> Seats:
        """Give places to everybody, as far as they suffice."""
        table, problem, counts = self.table, self.table.problem, self.counts
        slots_ik = counts.base_ik.copy()
        for g in self.random.permutation(table.bundles).tolist():
            if table.new_g[g]:
                k = int(table.shape_g[g])
                self._fill([g], slots_ik[:, k], counts.new_ga[g], self.left_c, self.holds, self.seats.place)
        self.seats.unplaced_c = self.left_c
        by_area_sk = open_links(table)
        stranded: list[Ints] = []
        for s in range(problem.scenarios):
            lost_c, holds = self._displaced(s)
            arrivals: Holding = {}
            slots_ik = counts.arrive_sik[s].copy()
            for k in range(table.shapes):
                members = np.flatnonzero((table.shape_g == k) & table.evacuated_sg[s]).tolist()
                if not by_area_sk[s, k]:
                    self._fill(members, slots_ik[:, k], None, lost_c, holds, arrivals)
                    continue
                for g in members:
                    self._fill([g], slots_ik[:, k], counts.arriving_sga[s, g], lost_c, holds, arrivals)
            self.seats.arrivals_s.append(arrivals)
            stranded.append(lost_c)
        self.seats.stranded_sc = np.array(stranded, np.int64).reshape(problem.scenarios, len(problem.count_c))
        return self.seats

    def _displaced(self, s: int) -> tuple[Ints, dict[tuple[int, int], int]]:
        """Return how many of each class a scenario displaces, and what hosts that remain hold of groups."""
        problem = self.table.problem
        area_h = np.concatenate([problem.area_h, problem.area_o[self.seats.offer_i]])
        lost_c = np.zeros(len(problem.count_c), np.int64)
        for (c, h), n in self.seats.place.items():
            if problem.lost_sa[s, area_h[h]] and problem.evacuated_sc[s, c]:
                lost_c[c] += n
        return lost_c, dict(self.holds)

    def _fill(
        self,
        bundles: list[int],
        slots_i: Ints,
        most_a: Ints | None,
        left_c: Ints,
        holds: dict[tuple[int, int], int],
        put: Holding,
    ) -> None:
        """Give free slots to the classes of some bundles of one shape: by areas, hosts, groups."""
        problem = self.table.problem
        classes = np.flatnonzero(np.isin(self.table.bundle_c, bundles) & (left_c > 0))
        hosts = np.flatnonzero(slots_i > 0)
        if not len(classes) or not len(hosts):
            return
        group_c = problem.group_c[classes]
        limited_c = (group_c >= 0) & (problem.per_host_g[group_c] >= 0)
        item_c = np.where(limited_c, group_c, -1 - classes)
        items, of_item = np.unique(item_c, return_inverse=True)
        wanted_t = np.bincount(of_item.ravel(), left_c[classes]).astype(np.int64)
        most_it = self._most(hosts, items, slots_i, holds)
        used_it = self._route(hosts, slots_i[hosts], most_a, wanted_t, most_it)
        members: list[list[int]] = [[] for _ in items]
        for c, t in zip(classes.tolist(), of_item.ravel().tolist(), strict=True):
            members[t].append(c)
        for n, t in np.argwhere(used_it > 0).tolist():
            i, amount = int(hosts[n]), int(used_it[n, t])
            h = int(self.host_i[i])
            slots_i[i] -= amount
            while amount:
                c = members[t][-1]
                some = min(amount, int(left_c[c]))
                left_c[c] -= some
                amount -= some
                put[c, h] = put.get((c, h), 0) + some
                self._hold(holds, c, h, some)
                if not left_c[c]:
                    members[t].pop()

    def _most(self, hosts: Ints, items: Ints, slots_i: Ints, holds: dict[tuple[int, int], int]) -> Ints:
        """Return how many of each item each host may take."""
        problem = self.table.problem
        most_it = np.repeat(slots_i[hosts][:, None], len(items), axis=1)
        limit_t = np.where(
            items >= 0, problem.per_host_g[np.maximum(items, 0)] if len(problem.per_host_g) else -1, -1
        )
        limited = limit_t >= 0
        most_it[:, limited] = np.minimum(most_it[:, limited], limit_t[limited])
        index_h = {int(self.host_i[i]): n for n, i in enumerate(hosts.tolist())}
        index_t = {int(group): t for t, group in enumerate(items.tolist()) if limited[t]}
        for (group, h), n in holds.items():
            if group in index_t and h in index_h:
                t = index_t[group]
                at = index_h[h], t
                most_it[at] = max(0, min(int(most_it[at]), int(limit_t[t]) - n))
        return most_it

    def _route(self, hosts: Ints, slots_n: Ints, most_a: Ints | None, wanted_t: Ints, most_it: Ints) -> Ints:
        """Return the largest flow from areas over hosts to items."""
        areas = self.table.problem.areas
        source, first_host = 0, 1 + areas
        first_item = first_host + len(hosts)
        sink = first_item + len(wanted_t)
        row, column = np.nonzero(most_it > 0)
        mixed = self.random.permutation(len(row))
        row, column = row[mixed], column[mixed]
        area_capacity = np.full(areas, int(slots_n.sum())) if most_a is None else most_a
        tail = np.concatenate(
            [
                np.full(areas, source),
                1 + self.area_i[hosts],
                first_host + row,
                first_item + np.arange(len(wanted_t)),
            ]
        )
        head = np.concatenate(
            [
                1 + np.arange(areas),
                first_host + np.arange(len(hosts)),
                first_item + column,
                np.full(len(wanted_t), sink),
            ]
        )
        capacity = np.concatenate([area_capacity, slots_n, most_it[row, column], wanted_t])
        flow = self._flow()
        arcs = flow.add_arcs_with_capacity(tail, head, capacity)
        flow.solve(source, sink)
        used = np.asarray(flow.flows(arcs), np.int64)[areas + len(hosts) : areas + len(hosts) + len(row)]
        used_it = np.zeros_like(most_it)
        used_it[row, column] = used
        return used_it


__all__ = ["Holding", "Seating", "Seats", "displaced"]
