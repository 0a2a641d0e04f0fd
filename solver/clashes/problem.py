"""An estate as rows that can be switched on and off, element by element.

Instances may stay unplaced; the demand of a group is a row like any other. A set of elements is *infeasible* when
its rows, with those that only define columns, have no solution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zonewright.models.rules import Affinity, Survive, all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.elements import OF_ALL, Element, Naming, Registry, demand_of
from zonewright.solver.clashes.tighten import solve_tightened
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.lowering.survive import signature
from zonewright.solver.program import Program, lower
from zonewright.solver.rows import FREE, Ints, Matrix, Tag


def hard_world(world: World) -> World:
    """Return the estate with its hard rules only, under the labels they have, and with no goal but placing."""
    rules = [
        rule.model_copy(update={"id": label})
        for label, rule in all_rules(world)
        if not rule.implicit and rule.soft is None and rule.rule != "keep_running"
    ]
    estate = world.estate.model_copy(update={"rules": rules, "goals": ["placed"], "traffic": []})
    return World(estate)


@dataclass(frozen=True)
class Answer:
    """Whether a set of elements has a solution."""

    status: str
    """`feasible`, `infeasible` or `open`."""
    x_j: Ints | None = None
    core: frozenset[int] = frozenset()
    """Of an infeasible set: a part that is infeasible by itself."""


class Problem:
    """Rows by element. Elements are numbered; `elements[e]` names them."""

    def __init__(
        self,
        world: World,
        *,
        pooled: bool = False,
        groups: Collection[str] | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.world = world
        self.pooled = pooled
        program = lower(world, partial=True, pooled=pooled, explain=True, groups=groups)
        self.program: Program = program
        naming = self.naming = Naming(world, program.context.reach)
        self.registry = registry if registry is not None else Registry()
        self.elements = self.registry.elements
        self.number = self.registry.number
        self.of_row: list[tuple[int, ...]] = []
        tags = program.context.rows.tags
        row_tag = program.context.rows.row_tag
        survivals = self.survivals = _survivals(world)
        for i, t in enumerate(row_tag):
            if t < 0:
                self.of_row.append(())
                continue
            tag = tags[t]
            found = naming.of(tag)
            needed = [] if found is None else [self.registry.of(found)]
            needed += self._in_layer(program, i, tag, naming.excused(tag), survivals)
            self.of_row.append(tuple(needed))
        self._with_demands(program)
        self._layers(program)
        self.rows_of: dict[int, list[int]] = {}
        for i, needed_by in enumerate(self.of_row):
            for e in needed_by:
                self.rows_of.setdefault(e, []).append(i)
        self._index()
        self._by_group(program)

    def _in_layer(
        self,
        program: Program,
        row: int,
        tag: Tag,
        excused: bool,
        survivals: dict[str, dict[str, list[Element]]],
    ) -> list[int]:
        """Return what else must hold for a row of a scenario to matter: that its group is to be placed again.

        Where several rules ask for that the row matters in any case.
        """
        layer = program.context.layers[program.layer_i[row]]
        if not layer.event or not excused:
            return []
        asking = survivals.get(layer.signature, {}).get(tag.group or "", [])
        return [self.registry.of(asking[0])] if len(asking) == 1 else []

    def _with_demands(self, program: Program) -> None:
        """Add one row per class: nothing of it stays unplaced. Its element is the demand of the group."""
        matrix = program.matrix
        columns = list(program.context.unplaced.items())
        rows = len(columns)
        entries = int(matrix.start_i[-1])
        ints = np.int64
        self.matrix = Matrix(
            np.concatenate([matrix.start_i, entries + 1 + np.arange(rows, dtype=ints)]),
            np.concatenate([matrix.column_k, np.array([j for _, j in columns], ints)]),
            np.concatenate([matrix.value_k, np.ones(rows, ints)]),
            np.concatenate([matrix.low_i, np.full(rows, -FREE, ints)]),
            np.concatenate([matrix.high_i, np.zeros(rows, ints)]),
            matrix.low_j,
            matrix.high_j,
        )
        for c, _ in columns:
            group = program.context.classes[c].unit.group
            self.of_row.append((self.registry.of(demand_of(group)),))

    def _layers(self, program: Program) -> None:
        """Rows of scenarios matter only where somebody is to be placed again: note who asks for each."""
        ctx = program.context
        own = {j for cells in ctx.base.cells for j in cells.values()}
        self.later = {j for layer in ctx.layers[1:] for cells in layer.cells for j in cells.values()} - own
        asking: dict[str, set[int]] = {}
        for name, by_group in _survivals(self.world).items():
            elements = {element for asked in by_group.values() for element in asked}
            asking[name] = {self.number[element] for element in elements if element in self.number}
        self.asking = [asking.get(layer.signature) for layer in ctx.layers]
        self.layer_of = [*program.layer_i, *[0] * (len(self.of_row) - len(program.layer_i))]

    def _index(self) -> None:
        """Rows by column, for closures."""
        start, column = self.matrix.start_i.tolist(), self.matrix.column_k.tolist()
        self.columns_of = [column[a:b] for a, b in pairwise(start)]
        self.defining: dict[int, list[int]] = defaultdict(list)
        for i, needed in enumerate(self.of_row):
            if not needed:
                for j in self.columns_of[i]:
                    self.defining[j].append(i)

    def _by_group(self, program: Program) -> None:
        """Note whose columns are whose: cells, in the plan and in scenarios, and what stays unplaced."""
        context = program.context
        self.group_of: dict[int, str] = {}
        for cls in context.classes:
            for layer in context.layers:
                self.group_of.update((j, cls.unit.group) for j in layer.cells[cls.index].values())
            self.group_of[context.unplaced[cls.index]] = cls.unit.group
        self.columns_of_group: dict[str, list[int]] = defaultdict(list)
        for column, group in self.group_of.items():
            self.columns_of_group[group].append(column)
        self.company = company(self.world)
        self.rows_with: dict[int, list[int]] = defaultdict(list)
        for i, columns in enumerate(self.columns_of):
            for j in columns:
                self.rows_with[j].append(i)

    def outside(self, groups: Collection[str]) -> NDArray[np.bool_]:
        """Return which columns are those of other groups."""
        out_j = np.zeros(len(self.matrix.low_j), bool)
        out_j[list(self.group_of)] = True
        out_j[[j for g in groups for j in self.columns_of_group[g]]] = False
        return out_j

    def needed(self, chosen: Collection[int]) -> tuple[Matrix, list[int], Ints]:
        """Return the rows of elements with those groups alone that have to be placed, and whom they need.

        Others may as well be placed nowhere. With the numbers of rows and of columns.
        """
        demands = {self.elements[e].group or "" for e in chosen if self.elements[e].kind == "demand"}
        rules = {self.elements[e].rule for e in chosen}
        if "free_ratio" in rules:
            demands.update(self.world.groups)
        elif not OF_ALL.isdisjoint(rules):
            demands |= {unit.group for unit in self.world.units if unit.current}  # To be nowhere is to have moved.
        out_j = self.outside(with_company(demands, self.company))
        rows = [i for i in self.closure(chosen) if self.of_row[i] or not all(out_j[j] for j in self.columns_of[i])]
        inner, columns = without(self.matrix, rows, out_j)
        return inner, rows, columns

    def around(self, base_j: Ints, groups: Collection[str], chosen: Collection[int]) -> Matrix | None:
        """Return the rows of elements with a few groups free and everybody else as in a solution.

        None where that solution breaks one of these rows whatever the few do.
        """
        mine = {j for g in with_company(groups, self.company) for j in self.columns_of_group[g]}
        touched = {i for j in mine for i in self.rows_with[j]}
        free = mine | {j for i in touched for j in self.columns_of[i] if j not in self.group_of}
        held = set(chosen)
        near = {i for j in free for i in self.rows_with[j]}
        activity = self.matrix.activity(base_j)
        broken = np.flatnonzero((activity < self.matrix.low_i) | (activity > self.matrix.high_i))
        if any(held.issuperset(self.of_row[i]) for i in broken.tolist() if i not in near):
            return None
        rows = sorted(i for i in near if held.issuperset(self.of_row[i]))
        out_j = np.ones(len(base_j), bool)
        out_j[list(free)] = False
        inner, _ = without(self.matrix, rows, out_j)
        fixed = self.matrix.activity(np.where(out_j, base_j, 0))[rows]
        return replace(
            inner,
            low_i=np.where(inner.low_i <= -FREE, inner.low_i, inner.low_i - fixed),
            high_i=np.where(inner.high_i >= FREE, inner.high_i, inner.high_i - fixed),
        )

    @property
    def all(self) -> frozenset[int]:
        """Every element that has a row."""
        return frozenset(self.rows_of)

    def _asked(self, row: int, held: set[int]) -> bool:
        asking = self.asking[self.layer_of[row]]
        return asking is None or not asking.isdisjoint(held)

    def closure(self, chosen: Collection[int]) -> list[int]:
        """Return the rows of elements, and those that define what these rows use.

        A defining row whose helping columns nobody uses can always be satisfied: it is left out. So is one of a
        scenario of which nobody uses anything: who is left stays, and nobody comes back.
        """
        held = set(chosen)
        rows = [
            i
            for i in {i for e in held for i in self.rows_of.get(e, ())}
            if all(e in held for e in self.of_row[i]) and self._asked(i, held)
        ]
        taken = set(rows)
        seen = {j for i in rows for j in self.columns_of[i]}
        waiting = list(seen)
        primary, later = self.program.primary, self.later
        postponed: set[int] = set()
        while waiting:
            fresh: set[int] = set()
            for i in {i for j in waiting for i in self.defining.get(j, ())} | postponed:
                if i in taken:
                    continue
                helping = [j for j in self.columns_of[i] if j >= primary]
                after = [] if helping else [j for j in self.columns_of[i] if j in later]
                if any(j not in seen for j in helping) or (after and not any(j in seen for j in after)):
                    postponed.add(i)
                    continue
                postponed.discard(i)
                taken.add(i)
                fresh.update(j for j in self.columns_of[i] if j not in seen)
            seen |= fresh
            waiting = list(fresh)
        return sorted(taken)

    def solve(
        self, chosen: Collection[int], deadline: Deadline, *, seconds: float, workers: int, seed: int
    ) -> Answer:
        """Decide a set of elements with only its own rows."""
        inner, _, columns = self.needed(chosen)
        seconds, work = _allowance(deadline, seconds)
        answer = solve_tightened(inner, deadline, seconds=seconds, workers=workers, seed=seed, work=work)
        if answer.status == "infeasible":
            return Answer("infeasible", core=frozenset(chosen))
        if answer.x_j is None:
            return Answer("open")
        x_j = self.matrix.low_j.copy()
        x_j[columns] = answer.x_j
        return Answer("feasible", x_j)


class Switched:
    """The rows of some elements in one model with a switch for each, to find what of them is infeasible."""

    def __init__(self, problem: Problem, chosen: Collection[int]) -> None:
        self.problem = problem
        inner, kept, self.columns = problem.needed(chosen)
        switches = {k: problem.of_row[i] for k, i in enumerate(kept) if problem.of_row[i]}
        self.model = Model(inner, switches)

    def decide(
        self, chosen: Collection[int], deadline: Deadline, *, seconds: float, workers: int, seed: int
    ) -> Answer:
        """Decide a set of elements, without saying what of it is to blame."""
        held = set(chosen)
        seconds, work = _allowance(deadline, seconds)
        fixed = {switch: int(switch in held) for switch in self.model.switches}
        answer = self.model.minimize(
            None, deadline, seconds=seconds, workers=workers, seed=seed, work=work, switched=fixed
        )
        return self._answer(answer.status, answer.x_j, frozenset(held))

    def solve(self, chosen: Collection[int], deadline: Deadline, *, seconds: float, seed: int) -> Answer:
        """Decide a set of elements; where it is infeasible, return a part that is."""
        assumed = sorted(e for e in chosen if e in self.model.switches)
        seconds, work = _allowance(deadline, seconds)
        answer = self.model.minimize(
            None, deadline, seconds=seconds, workers=1, seed=seed, assume=assumed, work=work
        )
        return self._answer(answer.status, answer.x_j, frozenset(answer.core))

    def _answer(self, status: str, found_j: Ints | None, core: frozenset[int]) -> Answer:
        if status == "infeasible":
            return Answer("infeasible", core=core)
        if found_j is None:
            return Answer("open")
        x_j = self.problem.matrix.low_j.copy()
        x_j[self.columns] = found_j
        return Answer("feasible", x_j)


def without(matrix: Matrix, rows: list[int], out_j: NDArray[np.bool_]) -> tuple[Matrix, Ints]:
    """Return some rows with some columns taken as 0 and left out, and the numbers of the columns that are left."""
    start, index = matrix.start_i, np.array(rows, np.int64)
    lengths = start[index + 1] - start[index]
    entries = np.repeat(start[index] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(
        lengths.sum()
    )
    kept = ~out_j[matrix.column_k[entries]]
    row = np.repeat(np.arange(len(rows)), lengths)[kept]
    old, column = np.unique(matrix.column_k[entries][kept], return_inverse=True)
    counts = np.bincount(row, minlength=len(rows))
    inner = Matrix(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column.astype(np.int64),
        matrix.value_k[entries][kept],
        matrix.low_i[index],
        matrix.high_i[index],
        matrix.low_j[old],
        matrix.high_j[old],
    )
    return inner, old.astype(np.int64)


def company(world: World) -> list[tuple[str, str]]:
    """Return who needs whom: the group that a group follows, and those that it calls."""
    found: list[tuple[str, str]] = []
    for _, rule in all_rules(world):
        if isinstance(rule, Affinity):
            found += [(group, other) for other in rule.company for group in rule.selected(world)]
    for service in world.estate.services:
        found += list(zip(service.chain, service.chain[1:], strict=False))
    return found


def with_company(groups: Collection[str], follow: list[tuple[str, str]]) -> frozenset[str]:
    """Add whom groups need, and whom those need."""
    found = set(groups)
    while more := {to for group, to in follow if group in found} - found:
        found |= more
    return frozenset(found)


def _allowance(deadline: Deadline, seconds: float) -> tuple[float, float | None]:
    """Return the seconds and the work that one question may take: under a work limit the clock does not choose."""
    left = deadline.work_left
    return (seconds, None) if left is None else (deadline.left, 0.3 * left)


def _survivals(world: World) -> dict[str, dict[str, list[Element]]]:
    """Return, per signature of evacuations and group, the elements that ask for it."""
    found: dict[str, dict[str, list[Element]]] = {}
    for label, rule in all_rules(world):
        if isinstance(rule, Survive) and rule.mode == "evacuate":
            for group in rule.selected(world):
                asking = found.setdefault(signature(rule), {}).setdefault(group, [])
                asking.append(Element("rule", "survive", label, group))
    return found


__all__ = ["Answer", "Problem", "Switched", "hard_world"]
