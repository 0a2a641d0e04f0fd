"""Large evacuations: the linear relaxation decides nearly everybody, a search the few that it leaves in parts.

The relaxation of a stage splits few classes over sites. All others stay where it puts them, some are let go to
make room for whole numbers, and CP-SAT decides these. Where that reaches the relaxation's bound the stage is
proven; where it does not, more are let go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import Outcome, StageProof, fixed, proves_no_solution, satisfies
from zonewright.solver.linear import Floats, best_bound, relax
from zonewright.solver.rows import Ints, Matrix, Stage

if TYPE_CHECKING:
    from zonewright.solver.survival.scene import Scene

#: Classes that are let go at first beyond those that the relaxation splits, and how many times more each round.
_FIRST, _MORE = 60, 4
#: Where so many are out at least, one more or less is left open rather than searched for.
_MANY = 200
#: Seconds for one search on some of the classes.
_SEARCH_S = 1.5


def solve_large(scene: Scene, deadline: Deadline, *, workers: int, seed: int) -> Outcome:
    """Solve a scene stage by stage; proven where the relaxation's bound is reached in every stage."""
    return _Run(scene, deadline, workers, seed).solve()


@dataclass
class _Run:
    scene: Scene
    deadline: Deadline
    workers: int
    seed: int
    best: Ints | None = None

    def solve(self) -> Outcome:
        """Close one stage after the other, or say that there is no solution."""
        stages = self.scene.stages
        values: list[int] = []
        proofs: list[StageProof | None] = []
        proven = True
        for k, stage in enumerate(stages):
            matrix = fixed(self.scene.matrix, stages[:k], values)
            if self.best is not None and (not stage.terms or self.deadline.over):
                values.append(stage.value(self.best))
                proofs.append(None)
                proven &= not stage.terms
                continue
            found = self._stage(matrix, stage)
            if found == "infeasible":
                return Outcome("infeasible", infeasible_by="linear")
            if self.best is None:
                return Outcome("open")
            value = stage.value(self.best)
            values.append(value)
            proofs.append(StageProof(stage.goal, found, "linear") if isinstance(found, int) else None)
            proven &= isinstance(found, int) and value <= found
        return Outcome("optimal" if proven else "feasible", self.best, values, proofs)

    def _stage(self, matrix: Matrix, stage: Stage) -> int | str | None:
        """Improve the best solution in one stage; return its bound, or `infeasible`, or None."""
        cost_j = np.zeros(matrix.shape[1])
        for j, c in stage.terms.items():
            cost_j[j] = c
        relaxed = relax(matrix, cost_j, max(0.1, 0.6 * self.deadline.left), stop=self.deadline.stop)
        if relaxed.status == "infeasible":
            return "infeasible" if proves_no_solution(matrix, self.deadline) is not None else None
        if relaxed.status != "optimal":
            return None
        bound = best_bound(matrix, stage.terms, stage.constant, relaxed.dual_i)
        floor = bound[0] if bound is not None else None
        self._round(matrix, stage, relaxed.x_j, floor)
        return floor

    def _round(self, matrix: Matrix, stage: Stage, x_j: Floats, floor: int | None) -> None:
        class_j = self.scene.class_j
        whole_j = np.rint(x_j).astype(np.int64)
        split_j = np.abs(x_j - whole_j) > 1e-6
        if not split_j.any() and satisfies(matrix, whole_j):
            self._take(whole_j, stage)
            return
        core = set(np.unique(class_j[split_j]).tolist()) - {-1}
        rest = [c for c in np.unique(class_j[class_j >= 0]).tolist() if c not in core]
        order = np.random.default_rng(self.seed).permutation(rest).tolist() if rest else []
        more = _FIRST
        while not self.deadline.over:
            core.update(order[:more])
            order = order[more:]
            self._search(matrix, stage, whole_j, core, floor)
            if not order or (self.best is not None and stage.value(self.best) <= self._enough(floor, more)):
                return
            if self.best is not None and more > _FIRST * _MORE:
                return
            more *= _MORE

    def _enough(self, floor: int | None, more: int) -> int:
        """Return the value that is good enough: the bound, and once some more were let go one beside it."""
        if floor is None:
            return -1
        return floor if more == _FIRST and floor < _MANY else floor + 1

    def _search(self, matrix: Matrix, stage: Stage, whole_j: Ints, core: set[int], floor: int | None) -> None:
        from zonewright.solver.survival.scene import open_part

        held_j = (self.scene.class_j >= 0) & ~np.isin(self.scene.class_j, list(core))
        low_j = np.where(held_j, whole_j, matrix.low_j)
        high_j = np.where(held_j, whole_j, matrix.high_j)
        part = Matrix(matrix.start_i, matrix.column_k, matrix.value_k, matrix.low_i, matrix.high_i, low_j, high_j)
        small, kept_j, values_j, (goal,) = open_part(part, [stage])
        enough = None if floor is None else floor + int(floor >= _MANY) - goal.constant
        hint = self.best[kept_j] if self.best is not None and satisfies(part, self.best) else None
        answer = Model(small).minimize(
            goal.terms,
            self.deadline,
            seconds=min(_SEARCH_S, 0.5 * self.deadline.left),
            workers=self.workers,
            seed=self.seed,
            hint=hint,
            suggest=dict(enumerate(whole_j[kept_j].tolist())),
            floor=enough,
        )
        if answer.x_j is not None:
            x_j = values_j.copy()
            x_j[kept_j] = answer.x_j
            self._take(x_j, stage)

    def _take(self, x_j: Ints, stage: Stage) -> None:
        if self.best is None or stage.value(x_j) < stage.value(self.best):
            self.best = x_j
