"""Small questions first: a few groups with their rules and limits, everybody else left out.

Others are taken as placed nowhere, which only makes room: so a clash that is found among a few is one among all,
as long as those are with the few whom they need.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from zonewright.models.rules import Affinity, GroupRule, LatencyLimit, all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.elements import OF_ALL
from zonewright.solver.clashes.problem import Answer, Problem, with_company, without
from zonewright.solver.clashes.tighten import solve_tightened
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline

#: Groups of one rule, or bound to one domain, that are looked at together.
MOST_TOGETHER, MOST_BOUND = 12, 40
SECONDS = 2.0
#: For naming the part of a set that is to blame: where that takes longer, dropping one by one is faster.
CORE_S = 0.3


class Local:
    """Questions about a few groups of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.moving = {
            i for e, rows in problem.rows_of.items() if problem.elements[e].rule in OF_ALL for i in rows
        }
        """Rows that ask of everybody who runs: they say nothing of a few."""
        self.helping: dict[int, list[int]] = {}
        """Per row, its columns that are nobody's."""
        nobodys_j = np.ones(len(problem.matrix.low_j), bool)
        nobodys_j[list(problem.group_of)] = False
        row_k = np.repeat(np.arange(len(problem.of_row)), np.diff(problem.matrix.start_i))
        for k in np.flatnonzero(nobodys_j[problem.matrix.column_k]).tolist():
            self.helping.setdefault(int(row_k[k]), []).append(int(problem.matrix.column_k[k]))
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
            groups = with_company(self.clusters[k], self.problem.company)
            rows: set[int] = set()
            waiting = [j for g in groups for j in self.problem.columns_of_group[g]]
            seen = set(waiting)
            while waiting:
                fresh = {i for j in waiting for i in self.problem.rows_with[j]} - rows - self.moving
                rows |= fresh
                waiting = list({j for i in fresh for j in self.helping.get(i, ())} - seen)
                seen.update(waiting)
            elements = frozenset(e for i in rows for e in self.problem.of_row[i])
            self.made[k] = (sorted(rows), elements)
        return self.made[k]

    def _solve(self, k: int, held: frozenset[int], deadline: Deadline, seed: int) -> Answer:
        problem = self.problem
        groups = with_company(self.clusters[k], self.problem.company)
        rows = [i for i in self._rows(k)[0] if held.issuperset(problem.of_row[i])]
        inner, _ = without(problem.matrix, rows, problem.outside(groups))
        plain = solve_tightened(inner, deadline, seconds=SECONDS, workers=1, seed=seed)
        if plain.status != "infeasible":
            return Answer("feasible" if plain.x_j is not None else "open")
        # Most often nobody has to be placed again after a loss to see it.
        base = [i for i in rows if not problem.layer_of[i]]
        if len(base) < len(rows):
            inner_base, _ = without(problem.matrix, base, problem.outside(groups))
            plain = solve_tightened(inner_base, deadline, seconds=SECONDS, workers=1, seed=seed)
            if plain.status == "infeasible":
                rows, inner = base, inner_base
        switches = {n: problem.of_row[i] for n, i in enumerate(rows) if problem.of_row[i]}
        held = held.intersection(e for needed in switches.values() for e in needed)
        model = Model(inner, switches)
        assumed = sorted(model.switches)
        answer = model.minimize(None, deadline, seconds=CORE_S, workers=1, seed=seed, assume=assumed)
        return Answer("infeasible", core=frozenset(answer.core) if answer.status == "infeasible" else held)


def clusters(problem: Problem) -> list[frozenset[str]]:
    """Return the groups one by one, those that one rule speaks of, those bound to one domain."""
    world = problem.world
    found: dict[frozenset[str], None] = {frozenset((g,)): None for g in world.groups if world.groups[g].count}
    for _, rule in all_rules(world):
        names: list[str] = []
        if isinstance(rule, LatencyLimit):
            names = rule.concerned()
        elif isinstance(rule, GroupRule):
            names = [*rule.selected(world), *(rule.company if isinstance(rule, Affinity) else ())]
        else:
            names = list(getattr(rule, "groups", ()))
        if 1 < len(names) <= MOST_TOGETHER:
            found[frozenset(names)] = None
    found.update(dict.fromkeys(_chained(world)))
    found.update(dict.fromkeys(_bound(problem)))
    return list(found)


def _chained(world: World) -> list[frozenset[str]]:
    """Return the groups that rules about several together bind to one another, one rule after the other."""
    chains: list[set[str]] = []
    for _, rule in all_rules(world):
        if isinstance(rule, LatencyLimit):
            names = set(rule.concerned())
        elif isinstance(rule, Affinity):
            names = {*rule.selected(world), *rule.company}
        elif isinstance(rule, GroupRule):
            continue
        else:
            names = set(getattr(rule, "groups", ()))
        if 1 < len(names) <= MOST_TOGETHER:
            touched = [chain for chain in chains if not chain.isdisjoint(names)]
            chains = [chain for chain in chains if chain.isdisjoint(names)]
            chains.append(names.union(*touched))
    return [frozenset(chain) for chain in chains if len(chain) <= MOST_TOGETHER]


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


__all__ = ["MOST_TOGETHER", "Local"]
