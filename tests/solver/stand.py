"""A test stand for families: the oracle on one side, CP-SAT on the emitted rows on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from zonewright.solver.cpsat import Answer, Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.families.base import Family, Soften, Stages, Verdict
from zonewright.solver.linear import best_bound, relax
from zonewright.solver.rows import Matrix, Rows, Stage, Tag

TAG = Tag("rule", "label")
GOALS = ("soft", "cost", "moves")
SOFT = Soften("soft", 3)

#: For properties that solve something in every example.
few = settings(max_examples=50, deadline=None)

#: Upper ends of the columns that an example decides.
highs = st.lists(st.integers(0, 4), min_size=3, max_size=5)
softenings = st.sampled_from([None, SOFT])


def values_within(draw: st.DrawFn, tops: Sequence[int]) -> list[int]:
    """Draw one value per column."""
    return [draw(st.integers(0, top)) for top in tops]


def subset(draw: st.DrawFn, columns: Sequence[int], least: int = 0) -> tuple[int, ...]:
    """Draw some of the columns, in order."""
    return tuple(sorted(draw(st.sets(st.sampled_from(list(columns)), min_size=least))))


def parts(draw: st.DrawFn, columns: Sequence[int], most: int = 3) -> tuple[tuple[int, ...], ...]:
    """Draw a partition of the columns into at most `most` sets, some maybe empty."""
    owner = [draw(st.integers(0, most - 1)) for _ in columns]
    return tuple(tuple(j for j, o in zip(columns, owner, strict=True) if o == k) for k in range(most))


def emitted(family: Family, tops: Sequence[int]) -> tuple[Matrix, list[Stage]]:
    """Emit a family over columns from 0 to `tops`."""
    rows, stages = Rows(), Stages(GOALS)
    for top in tops:
        rows.column(0, top)
    family.emit(rows, stages)
    return rows.matrix(), stages.in_order()


def minimum(matrix: Matrix, terms: dict[int, int]) -> Answer:
    """Minimize over the integers with CP-SAT."""
    return Model(matrix).minimize(terms or None, Deadline(30.0), seconds=30.0, workers=1, seed=1)


def at(matrix: Matrix, values: Sequence[int]) -> Matrix:
    """Fix the first columns to values."""
    low_j, high_j = matrix.low_j.copy(), matrix.high_j.copy()
    low_j[: len(values)] = high_j[: len(values)] = values
    return replace(matrix, low_j=low_j, high_j=high_j)


def judged(family: Family, values: Sequence[int]) -> Verdict:
    """Ask the oracle."""
    verdict = Verdict()
    family.judge(np.array(values, np.int64), verdict)
    return verdict


def assert_agrees(family: Family, tops: Sequence[int], values: Sequence[int]) -> None:
    """Assert that rows and oracle say the same of these values, and that no linear bound is too high."""
    matrix, stages = emitted(family, tops)
    here = at(matrix, values)
    verdict = judged(family, values)
    charged = [stage for stage in stages if stage.terms]
    for stage in stages:
        if not stage.terms:
            assert stage.constant == verdict.cost.get(stage.goal, 0)
    for stage in charged or stages[:1]:
        answer = minimum(here, stage.terms)
        if verdict.excess:
            assert answer.status == "infeasible", f"{family} at {values}: excess {verdict.excess}, rows allow it"
            return
        assert answer.x_j is not None, f"{family} at {values}: no excess, rows forbid it"
        said = verdict.cost.get(stage.goal, 0)
        assert stage.value(answer.x_j) == said, f"{family} at {values}: {stage.goal} is {said}"
        assert linear_bound(here, stage) <= said
    for stage in charged:
        best = minimum(matrix, stage.terms)
        assert best.x_j is None or linear_bound(matrix, stage) <= stage.value(best.x_j)


def linear_bound(matrix: Matrix, stage: Stage) -> int:
    """Return the bound that the linear relaxation proves."""
    cost_j = np.zeros(matrix.shape[1])
    cost_j[list(stage.terms)] = list(stage.terms.values())
    found = best_bound(matrix, stage.terms, stage.constant, relax(matrix, cost_j, 10.0).dual_i)
    assert found is not None
    return found[0]
