"""The exact engine: stage by stage, the linear relaxation for the bound and CP-SAT for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from zonewright.solver.components import Part, split
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.branching import Tree, prove_by_branching
from zonewright.solver.linear import Multipliers, best_bound, elastic, proves_infeasible, relax, rounded
from zonewright.solver.outages import Outage
from zonewright.solver.program import Scene
from zonewright.solver.rows import FREE, Ints, Matrix, Stage

#: A tree as a witness is given up beyond so many nodes, so many nodes x entries, or so many seconds.
TREE_NODES, TREE_WORK, TREE_S = 400, 2_000_000, 5.0

#: Beyond so many columns any solution is looked for before a good one.
HARD_COLUMNS = 2_000
#: Relative gap up to which a linear bound is kept in place of a searched one that closes nothing.
SLIGHT = 1e-3

News = Callable[[str, str, int | None, int | None, str], None]


class Staged(Protocol):
    """Rows, and the goals over them in order: a Program, or a part of one."""

    @property
    def matrix(self) -> Matrix:
        """The rows."""

    @property
    def stages(self) -> list[Stage]:
        """The goals, most important first."""


@dataclass
class StageProof:
    """What is proven of one stage: no solution that is as good in the stages before is below `bound`."""

    goal: str
    bound: int
    kind: str
    """`trivial`, `linear`, `tree` (branching with exact leaves), `search` (no witness but a repetition),
    `parts` (one proof for each independent part), or a kind of the bounds on a board."""
    multipliers: Multipliers | None = None
    tree: Tree | None = None
    parts: tuple[StageProof, ...] = ()
    before: tuple[int, ...] = ()
    """Of a part: its values of the stages before."""
    given: tuple[int, ...] = ()
    """Values of the stages before that were taken as limits: the bound says nothing of plans beyond them."""
    scenarios: tuple[Scene, ...] | None = None
    """Proven with these evacuations only, which is a relaxation; None: with all."""
    outages: tuple[Outage, ...] = ()
    """Proven with these states of domains counted where availability is relaxed."""
    pooled: bool = False
    """Proven of pools of equal hosts, which is a relaxation of the hosts themselves."""
    data: dict[str, object] = field(default_factory=dict)
    """Of a board's bound: what it is evaluated from again."""

    def holds(self, values: Sequence[int]) -> bool:
        """Return whether the bound is about plans with these values of all stages, or of those before."""
        return all(value <= limit for value, limit in zip(values, self.given, strict=False))


@dataclass
class Outcome:
    """What an engine reached."""

    status: str
    """`optimal`, `feasible`, `infeasible` or `open`."""
    x_j: Ints | None = None
    values: list[int] = field(default_factory=list)
    proofs: list[StageProof | None] = field(default_factory=list)
    infeasible_by: str = ""
    """`linear` or `search`."""


def fixed(matrix: Matrix, stages: list[Stage], values: list[int]) -> Matrix:
    """Return the matrix with one more row per stage: no worse than its value."""
    start, column, value = [int(matrix.start_i[-1])], [], []
    for stage in stages:
        column += list(stage.terms)
        value += list(stage.terms.values())
        start.append(int(matrix.start_i[-1]) + len(column))
    ints = np.int64
    high = [v - s.constant for s, v in zip(stages, values, strict=True)]
    return Matrix(
        np.concatenate([matrix.start_i, np.array(start[1:], ints)]),
        np.concatenate([matrix.column_k, np.array(column, ints)]),
        np.concatenate([matrix.value_k, np.array(value, ints)]),
        np.concatenate([matrix.low_i, np.full(len(stages), -FREE, ints)]),
        np.concatenate([matrix.high_i, np.array(high, ints)]),
        matrix.low_j,
        matrix.high_j,
    )


def satisfies(matrix: Matrix, x_j: Ints) -> bool:
    """Return whether a solution respects every row and column, exactly."""
    if np.any(x_j < matrix.low_j) or np.any(x_j > matrix.high_j):
        return False
    activity = matrix.activity(x_j)
    return bool(np.all(activity >= matrix.low_i) and np.all(activity <= matrix.high_i))


def solve_exact(
    program: Staged,
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
    news: News,
    hint: Ints | None = None,
    share: float = 1.0,
    gap: float = 0.0,
    trees: bool = True,
    suggest: dict[int, int] | None = None,
) -> Outcome:
    """Solve a program stage by stage until all are closed, the deadline comes or `share` of it is used up.

    With `gap` a stage is left once its value is within that part of the linear bound. `trees` asks for
    witnesses of what only a search proved. `suggest` names values that a first solution may well be near.
    """
    parts = split(program.matrix, program.stages)
    if len(parts) == 1:
        run = _Run(parts[0], deadline, workers, seed, news, share, gap, trees)
        run.suggest = suggest or {}
        found = run.solve(hint)
    else:
        found = _solve_parts(parts, program, deadline, workers, seed, news, hint, share, gap, trees, suggest or {})
    given = [tuple(found.values[:k]) for k in range(len(found.proofs))]
    pairs = zip(found.proofs, given, strict=True)
    found.proofs = [replace(proof, given=values) if proof is not None else None for proof, values in pairs]
    return found


def _solve_parts(
    parts: list[Part],
    program: Staged,
    deadline: Deadline,
    workers: int,
    seed: int,
    news: News,
    hint: Ints | None,
    share: float,
    gap: float,
    trees: bool,
    suggest: dict[int, int],
) -> Outcome:
    """Solve independent parts one after the other, each with its share of what is left, and join them."""
    news("exact", "", None, None, f"{len(parts)} independent parts")
    outcomes: list[Outcome] = []
    columns = sum(len(part.columns) for part in parts)
    x_j = np.zeros(program.matrix.shape[1], np.int64)
    for part in parts:
        own = share * len(part.columns) / max(1, columns)
        columns -= len(part.columns)
        start = hint[part.columns] if hint is not None else None
        run = _Run(part, deadline, workers, seed, _mute, max(own, 0.02), gap, trees)
        run.suggest = {i: suggest[int(j)] for i, j in enumerate(part.columns) if int(j) in suggest}
        outcome = run.solve(start)
        if outcome.x_j is None:
            return outcome
        x_j[part.columns] = outcome.x_j
        outcomes.append(outcome)
    values = [sum(o.values[k] for o in outcomes) for k in range(len(program.stages))]
    proofs = [_joined(stage.goal, k, outcomes) for k, stage in enumerate(program.stages)]
    for stage, value, proof in zip(program.stages, values, proofs, strict=True):
        news("exact", stage.goal, value, proof.bound if proof is not None else None, "all parts")
    closed = all(o.status == "optimal" for o in outcomes)
    return Outcome("optimal" if closed else "feasible", x_j, values, proofs)


def _mute(engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
    """Say nothing: the values of one part mean little to anybody."""


def _joined(goal: str, k: int, outcomes: list[Outcome]) -> StageProof | None:
    """Return one proof for the sum of parts, None where a part has none."""
    proofs = [o.proofs[k] for o in outcomes]
    whole = [
        replace(proof, before=tuple(o.values[:k]))
        for proof, o in zip(proofs, outcomes, strict=True)
        if proof is not None
    ]
    if len(whole) < len(proofs):
        return None
    bound = sum(proof.bound for proof in whole)
    if all(proof.kind == "trivial" for proof in whole):
        return StageProof(goal, bound, "trivial")
    return StageProof(goal, bound, "parts", parts=tuple(whole))


class _Run:
    def __init__(
        self,
        part: Part,
        deadline: Deadline,
        workers: int,
        seed: int,
        news: News,
        share: float,
        gap: float,
        trees: bool,
    ) -> None:
        self.matrix = part.matrix
        self.stages = part.stages
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.news = news
        self.model: Model | None = None
        self.best: Ints | None = None
        self.values: list[int] = []
        self.proofs: list[StageProof | None] = []
        left = deadline.work_left
        self.work_until = None if left is None else deadline.work_done + left * share
        self.trees = trees
        self.until = deadline.seconds + deadline.left * share
        self.gap = gap
        self.infeasible_by = ""
        self.suggest: dict[int, int] = {}

    def solve(self, hint: Ints | None) -> Outcome:
        if hint is not None and satisfies(self.matrix, hint):
            self.best = hint
        proven = True
        stages = self.stages
        last = max((k for k, stage in enumerate(stages) if stage.terms), default=len(stages) - 1)
        for k, stage in enumerate(stages):
            if not stage.terms and (k != last or self.best is not None):
                # The same in every solution; whether there is one is seen in a stage that asks something.
                self._close(stage, stage.constant, StageProof(stage.goal, stage.constant, "trivial"))
                continue
            status = self._stage(k, stage)
            if status == "infeasible":
                return Outcome("infeasible", infeasible_by=self.infeasible_by)
            if self.best is None:
                return Outcome("open")
            proven &= status == "closed"
            if status != "closed":
                break
        if self.best is None:
            return Outcome("open")
        for stage in self.stages[len(self.values) :]:
            self.values.append(stage.value(self.best))
            self.proofs.append(None)
        return Outcome("optimal" if proven else "feasible", self.best, self.values, self.proofs)

    def _stage(self, k: int, stage: Stage) -> str:
        matrix = fixed(self.matrix, self.stages[:k], self.values)
        proof = self._linear(matrix, stage)
        if proof is None and self.infeasible_by:
            return "infeasible"
        value = stage.value(self.best) if self.best is not None else None
        if proof is not None:
            self.news("linear", stage.goal, value, proof.bound, "")
        if self.best is not None and proof is not None and value is not None and value <= proof.bound:
            self._close(stage, value, proof)
            return "closed"
        return self._search(stage, proof)

    def _linear(self, matrix: Matrix, stage: Stage) -> StageProof | None:
        self.infeasible_by = ""
        cost_j = np.zeros(matrix.shape[1])
        for j, c in stage.terms.items():
            cost_j[j] = c
        relaxed = relax(matrix, cost_j, max(0.1, self.deadline.left * 0.5), stop=self.deadline.stop)
        if relaxed.status == "infeasible":
            if proves_no_solution(matrix, self.deadline) is not None:
                self.infeasible_by = "linear"
            return None
        rounded_x = np.rint(relaxed.x_j).astype(np.int64)
        if np.abs(relaxed.x_j - rounded_x).max(initial=0.0) < 1e-6 and satisfies(matrix, rounded_x):
            self._take(rounded_x, stage)
        found = best_bound(matrix, stage.terms, stage.constant, relaxed.dual_i)
        if found is None:
            return None
        return StageProof(stage.goal, found[0], "linear", found[1])

    def _take(self, x_j: Ints, stage: Stage) -> None:
        if self.best is None or stage.value(x_j) < stage.value(self.best):
            self.best = x_j

    def _search(self, stage: Stage, proof: StageProof | None) -> str:
        if self.model is None:
            self.model = Model(self.matrix, deadline=self.deadline)
            if self.deadline.over:
                return "open"
            for earlier, value in zip(self.stages, self.values, strict=False):
                self._require(earlier, value)

        def better(x_j: Ints) -> None:
            self._take(x_j, stage)
            self.news("exact", stage.goal, stage.value(x_j), proof.bound if proof else None, "")

        if self.best is None and stage.terms and len(self.matrix.low_j) > HARD_COLUMNS:
            self._anything(stage)
            if self.infeasible_by:
                return "infeasible"
        # Under a work limit the clock does not choose how long a stage is searched.
        work = None if self.work_until is None else max(0.0, self.work_until - self.deadline.work_done)
        answer = self.model.minimize(
            stage.terms,
            self.deadline,
            seconds=self.deadline.left if work is not None else max(0.05, self.until - self.deadline.seconds),
            workers=self.workers,
            seed=self.seed,
            hint=self.best,
            suggest=self.suggest,
            floor=self._floor(stage, proof),
            on_solution=better,
            work=work,
        )
        if answer.status == "infeasible":
            self.infeasible_by = "search"
            return "infeasible"
        if answer.x_j is not None:
            self._take(answer.x_j, stage)
        if self.best is None:
            return "open"
        value = stage.value(self.best)
        bound = proof.bound if proof is not None else None
        if answer.bound is not None and (bound is None or answer.bound + stage.constant > bound):
            searched = min(value, answer.bound + stage.constant)
            # Of an open stage a bound that can be evaluated again is worth more than one slightly higher.
            if bound is None or searched == value or value - bound > SLIGHT * abs(value):
                bound = searched
                proof = StageProof(stage.goal, bound, "search")
        if bound is not None and value <= bound and proof is not None:
            if proof.kind == "search" and self.trees:
                proof = self._with_tree(stage, proof)
            self._close(stage, value, proof)
            return "closed"
        self.values.append(value)
        self.proofs.append(proof)
        return "open"

    def _anything(self, stage: Stage) -> None:
        """Look for any solution first: with no goal to mind, one is often found, or ruled out, much sooner."""
        if self.model is None:
            return
        work = None if self.work_until is None else 0.5 * max(0.0, self.work_until - self.deadline.work_done)
        answer = self.model.minimize(
            None,
            self.deadline,
            seconds=self.deadline.left if work is not None else 0.8 * (self.until - self.deadline.seconds),
            workers=self.workers,
            seed=self.seed,
            suggest=self.suggest,
            work=work,
        )
        if answer.status == "infeasible":
            self.infeasible_by = "search"
        elif answer.x_j is not None:
            self._take(answer.x_j, stage)
            self.news("exact", stage.goal, stage.value(answer.x_j), None, "a first solution")

    def _with_tree(self, stage: Stage, proof: StageProof) -> StageProof:
        """Return the proof with a tree as its witness, where a small one is found soon."""
        matrix = fixed(self.matrix, self.stages[: len(self.values)], self.values)
        nodes = min(TREE_NODES, TREE_WORK // max(1, len(matrix.column_k)))
        seconds = self.deadline.left
        if self.work_until is None:  # Under a work limit only the nodes count.
            seconds = min(TREE_S, 0.1 * seconds)
        patience = Deadline(seconds, None, self.deadline.stop)
        tree = prove_by_branching(matrix, stage.terms, stage.constant, proof.bound, patience, nodes=nodes)
        return proof if tree is None else replace(proof, kind="tree", tree=tree)

    def _floor(self, stage: Stage, proof: StageProof | None) -> int | None:
        """Return the value (without the stage's constant) that is good enough."""
        if proof is None:
            return None
        return proof.bound + int(self.gap * abs(proof.bound)) - stage.constant

    def _require(self, stage: Stage, value: int) -> None:
        if self.model is not None and stage.terms:
            self.model.require(stage.terms, None, value - stage.constant)

    def _close(self, stage: Stage, value: int, proof: StageProof) -> None:
        self.values.append(value)
        self.proofs.append(proof)
        self._require(stage, value)
        self.news("exact", stage.goal, value, proof.bound, "closed")


def proves_no_solution(matrix: Matrix, deadline: Deadline) -> Multipliers | None:
    """Return multipliers that prove exactly that the relaxation has no solution; None where none were found."""
    loose, cost_j = elastic(matrix)
    relaxed = relax(loose, cost_j, max(0.1, deadline.left * 0.5), stop=deadline.stop)
    for scale in (1 << 10, 1 << 20, 1 << 30):
        multipliers = rounded(relaxed.dual_i, scale)
        if proves_infeasible(matrix, multipliers):
            return multipliers
    return None


def better_proof(a: StageProof | None, b: StageProof | None) -> StageProof | None:
    """Return the proof of the higher bound."""
    if a is None or (b is not None and b.bound > a.bound):
        return b
    return a
