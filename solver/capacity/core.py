"""Large programs with few coupling rows: what the relaxation leaves open is decided on a core of few classes.

A basic solution of the relaxation splits hardly more classes than there are limits that all share. Everybody else
stays where the relaxation puts him.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zonewright.solver.capacity.job import Job
from zonewright.solver.cpsat import Model
from zonewright.solver.engines.exact import Outcome, StageProof, satisfies
from zonewright.solver.linear import Floats, best_bound, relax
from zonewright.solver.program import Program
from zonewright.solver.rows import Ints, Matrix

#: Up to so many columns everything is decided at once.
LEAST_COLUMNS = 8_000
#: Classes beside those that the relaxation splits, from one attempt to the next.
BESIDE = (100, 400, 1_600)
#: Shares of the time: for the relaxation, and for one core.
LINEAR_SHARE, CORE_SHARE = 0.5, 0.3


def solve_core(program: Program, job: Job) -> Outcome | None:
    """Return a solution of the first stage and the bound of the relaxation, None where that does not succeed."""
    matrix, stage = program.matrix, program.stages[0]
    cost_j = np.zeros(matrix.shape[1])
    for j, c in stage.terms.items():
        cost_j[j] = c
    relaxed = relax(matrix, cost_j, LINEAR_SHARE * job.deadline.left, stop=job.deadline.stop)
    if relaxed.status != "optimal":
        return None
    found = best_bound(matrix, stage.terms, stage.constant, relaxed.dual_i)
    if found is None:
        return None
    proof = StageProof(stage.goal, found[0], "linear", found[1])
    job.news("linear", stage.goal, None, proof.bound, "")
    random = np.random.default_rng(job.seed)
    best: Ints | None = None
    for beside in BESIDE:
        part = _core(program, relaxed.x_j, beside, random)
        x_j = _decided(program, part, proof.bound, job)
        if x_j is not None and (best is None or stage.value(x_j) < stage.value(best)):
            best = x_j
            job.news("core", stage.goal, stage.value(x_j), proof.bound, "")
        if job.deadline.over or (best is not None and stage.value(best) <= proof.bound):
            break
    if best is None:
        return None
    value = stage.value(best)
    return Outcome("optimal" if value <= proof.bound else "feasible", best, [value], [proof])


def _core(program: Program, x_j: Floats, beside: int, random: np.random.Generator) -> Matrix:
    """Return the matrix with all classes held where the relaxation has them but those it splits, and some more."""
    ctx = program.context
    rounded = np.rint(x_j)
    split_j = np.abs(x_j - rounded) > 1e-6
    columns = [sorted({j for layer in ctx.layers for j in layer.cells[c.index].values()}) for c in ctx.classes]
    split = {c for c, own in enumerate(columns) if split_j[own].any()}
    rest = [c for c in range(len(columns)) if c not in split]
    free = split | set(random.permutation(rest)[:beside].tolist())
    low_j, high_j = program.matrix.low_j.copy(), program.matrix.high_j.copy()
    for c, own in enumerate(columns):
        if c not in free:
            low_j[own] = high_j[own] = np.clip(rounded[own].astype(np.int64), low_j[own], high_j[own])
    return replace(program.matrix, low_j=low_j, high_j=high_j)


def _decided(program: Program, matrix: Matrix, bound: int, job: Job) -> Ints | None:
    stage = program.stages[0]
    answer = Model(matrix).minimize(
        stage.terms,
        job.deadline,
        seconds=CORE_SHARE * job.deadline.left,
        workers=job.workers,
        seed=job.seed,
        floor=bound - stage.constant,
    )
    return answer.x_j if answer.x_j is not None and satisfies(program.matrix, answer.x_j) else None


__all__ = ["LEAST_COLUMNS", "solve_core"]
