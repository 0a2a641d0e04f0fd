"""Small questions first: a few groups with their rules and limits, everybody else left out.

Others are taken as placed nowhere, which only makes room: so a clash that is found among a few is one among all,
as long as those are with the few whom they need.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from zonewright.models.rules import Affinity, GroupRule, LatencyLimit, all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.problem import Answer, Problem
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import Matrix

#: Groups of one rule, or bound to one domain, that are looked at together.
MOST_TOGETHER, MOST_BOUND = 12, 40
SECONDS = 2.0


class Local:
    """Questions about a few groups of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        context = problem.program.context
        self.group_of: dict[int, str] = {}
        for cls in context.classes:
            for layer in context.layers:
                for column in layer.cells[cls.index].values():
                    self.group_of[column] = cls.unit.group
            self.group_of[context.unplaced[cls.index]] = cls.unit.group
        self.columns_of: dict[str, list[int]] = defaultdict(list)
        for column, group in self.group_of.items():
            self.columns_of[group].append(column)
        self.rows_with: dict[int, list[int]] = defaultdict(list)
        for i, columns in enumerate(problem.columns_of):
            for j in columns:
                self.rows_with[j].append(i)
        self.shared = [j for j in range(len(problem.matrix.low_j)) if j not in self.group_of]
        self.company = company(problem.world)
        self.clusters = clusters(problem)
        self.fine: list[list[frozenset[int]]] = [[] for _ in self.clusters]
        """Per cluster, sets of elements that it showed no clash of: none of less either."""
        self.made: dict[int, tuple[list[int], frozenset[int]]] = {}

    def clash(self, chosen: frozenset[int], deadline: Deadline, *, seed: int) -> frozenset[int] | None:
        """Return an infeasible part of some elements that a cluster shows; None where none does."""
        for k in range(len(self.clusters)):
            if deadline.over:
                return None
            _, elements = self._rows(k)
            held = elements & chosen
            if not any(self.problem.elements[e].kind == "demand" for e in held):
                continue
            if any(held <= more for more in self.fine[k]):
                continue
            found = self._solve(k, held, deadline, seed)
            if found.status == "infeasible":
                return found.core
            self.fine[k].append(held)
        return None

    def _rows(self, k: int) -> tuple[list[int], frozenset[int]]:
        """Return the rows that a cluster's groups have a part in, and the elements of these."""
        if k not in self.made:
            groups = with_company(self.clusters[k], self.company)
            rows: set[int] = set()
            waiting = [j for g in groups for j in self.columns_of[g]]
            seen = set(waiting)
            while waiting:
                fresh = {i for j in waiting for i in self.rows_with[j]} - rows
                rows |= fresh
                near = {j for i in fresh for j in self.problem.columns_of[i]} - seen
                waiting = [j for j in near if j not in self.group_of]
                seen.update(waiting)
            elements = frozenset(e for i in rows for e in self.problem.of_row[i])
            self.made[k] = (sorted(rows), elements)
        return self.made[k]

    def _solve(self, k: int, held: frozenset[int], deadline: Deadline, seed: int) -> Answer:
        problem = self.problem
        groups = with_company(self.clusters[k], self.company)
        rows = [i for i in self._rows(k)[0] if held.issuperset(problem.of_row[i])]
        out = np.ones(len(problem.matrix.low_j), bool)
        out[self.shared] = False
        out[[j for g in groups for j in self.columns_of[g]]] = False
        inner = _without(problem.matrix, rows, out)
        plain = Model(inner).minimize(None, deadline, seconds=SECONDS, workers=1, seed=seed)
        if plain.status != "infeasible":
            return Answer("feasible" if plain.x_j is not None else "open")
        switches = {n: problem.of_row[i] for n, i in enumerate(rows) if problem.of_row[i]}
        model = Model(inner, switches)
        assumed = sorted(model.switches)
        answer = model.minimize(None, deadline, seconds=SECONDS, workers=1, seed=seed, assume=assumed)
        return Answer("infeasible", core=frozenset(answer.core) if answer.status == "infeasible" else held)


def _without(matrix: Matrix, rows: list[int], out_j: NDArray[np.bool_]) -> Matrix:
    """Return some rows with some columns taken as 0 and left out."""
    start, index = matrix.start_i, np.array(rows, np.int64)
    lengths = start[index + 1] - start[index]
    entries = np.repeat(start[index] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(
        lengths.sum()
    )
    kept = ~out_j[matrix.column_k[entries]]
    row = np.repeat(np.arange(len(rows)), lengths)[kept]
    old, column = np.unique(matrix.column_k[entries][kept], return_inverse=True)
    counts = np.bincount(row, minlength=len(rows))
    return Matrix(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column.astype(np.int64),
        matrix.value_k[entries][kept],
        matrix.low_i[index],
        matrix.high_i[index],
        matrix.low_j[old],
        matrix.high_j[old],
    )


def company(world: World) -> list[tuple[str, str]]:
    """Return who needs whom: the group that a group follows, and those that it calls."""
    found: list[tuple[str, str]] = []
    for _, rule in all_rules(world):
        if isinstance(rule, Affinity) and rule.to is not None:
            found += [(group, rule.to) for group in rule.selected(world)]
    for service in world.estate.services:
        found += list(zip(service.chain, service.chain[1:], strict=False))
    return found


def with_company(groups: Collection[str], follow: list[tuple[str, str]]) -> frozenset[str]:
    """Add whom groups need, and whom those need."""
    found = set(groups)
    while more := {to for group, to in follow if group in found} - found:
        found |= more
    return frozenset(found)


def clusters(problem: Problem) -> list[frozenset[str]]:
    """Return the groups one by one, those that one rule speaks of, those bound to one domain."""
    world = problem.world
    found: dict[frozenset[str], None] = {frozenset((g,)): None for g in world.groups if world.groups[g].count}
    for _, rule in all_rules(world):
        names: list[str] = []
        if isinstance(rule, LatencyLimit):
            names = rule.concerned()
        elif isinstance(rule, GroupRule):
            names = [*rule.selected(world), *([rule.to] if isinstance(rule, Affinity) and rule.to else [])]
        else:
            names = list(getattr(rule, "groups", ()))
        if 1 < len(names) <= MOST_TOGETHER:
            found[frozenset(names)] = None
    found.update(dict.fromkeys(_bound(problem)))
    return list(found)


def _bound(problem: Problem) -> list[frozenset[str]]:
    """Return the groups that reach lets into one and the same domain only."""
    world = problem.world
    reach = problem.program.context.reach
    by_domain: dict[int, set[str]] = defaultdict(set)
    for unit in world.units:
        profile = reach.profiles[reach.of_unit[unit.index]]
        sites = [site for s, site in enumerate(reach.sites) if profile.enter[s] or unit.current.get(site)]
        common = set(world.tree.nodes[sites[0]].ancestors) if sites else set()
        for site in sites[1:]:
            common.intersection_update(world.tree.nodes[site].ancestors)
            if not common:
                break
        lowest = max(common, default=None)
        if lowest is not None and world.tree.nodes[lowest].parent is not None:
            by_domain[lowest].add(unit.group)
    return [frozenset(groups) for groups in by_domain.values() if 1 < len(groups) <= MOST_BOUND]


__all__ = ["MOST_TOGETHER", "Local", "company", "with_company"]
