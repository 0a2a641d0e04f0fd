"""An estate as rows that can be switched on and off, element by element.

Instances may stay unplaced; the demand of a group is a row like any other. A set of elements is *infeasible* when
its rows, with those that only define columns, have no solution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zonewright.models.rules import Survive, all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.elements import Element, Naming, Registry, demand_of
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

    def part(self, rows: Iterable[int]) -> tuple[Matrix, list[int], Ints]:
        """Return some rows as a matrix of the columns they use, with the rows' and the columns' numbers."""
        kept = list(rows)
        matrix = self.matrix
        lists = [self.columns_of[i] for i in kept]
        columns = np.array(sorted({j for js in lists for j in js}), np.int64)
        position = {int(j): k for k, j in enumerate(columns)}
        start = np.concatenate([[0], np.cumsum([len(js) for js in lists])]).astype(np.int64)
        column = np.array([position[j] for js in lists for j in js], np.int64)
        pieces = [matrix.value_k[matrix.start_i[i] : matrix.start_i[i + 1]] for i in kept]
        value = np.concatenate(pieces) if pieces else np.zeros(0, np.int64)
        index = np.array(kept, np.int64)
        inner = Matrix(
            start, column, value, matrix.low_i[index], matrix.high_i[index],
            matrix.low_j[columns], matrix.high_j[columns],
        )  # fmt: skip
        return inner, kept, columns

    def solve(
        self, chosen: Collection[int], deadline: Deadline, *, seconds: float, workers: int, seed: int
    ) -> Answer:
        """Decide a set of elements with only its own rows."""
        inner, _, columns = self.part(self.closure(chosen))
        seconds, work = _allowance(deadline, seconds)
        answer = Model(inner).minimize(None, deadline, seconds=seconds, workers=workers, seed=seed, work=work)
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
        inner, kept, self.columns = problem.part(problem.closure(chosen))
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
