"""Independent parts of a program: nothing lost, nothing shared, and the best of the whole is theirs together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import few, minimum
from zonewright.solver import components
from zonewright.solver.components import split
from zonewright.solver.rows import Rows, Stage


@st.composite
def programs(draw: st.DrawFn) -> tuple[Rows, list[Stage]]:
    rows = Rows()
    columns = [rows.column(0, draw(st.integers(0, 4))) for _ in range(draw(st.integers(2, 9)))]
    for _ in range(draw(st.integers(0, 6))):
        of = draw(st.lists(st.sampled_from(columns), unique=True, max_size=3))
        rows.row(of, [draw(st.integers(1, 3)) for _ in of], low=draw(st.integers(0, 3)) if of else 0)
    stages = [Stage("first", constant=5), Stage("second", constant=-3)]
    for stage in stages:
        for column in columns:
            stage.add(column, draw(st.integers(-3, 3)))
    return rows, stages


@pytest.fixture(autouse=True)
def smallest_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every component be a part of its own."""
    monkeypatch.setattr(components, "LEAST_COLUMNS", 1)


@few
@given(programs())
def test_parts_hold_every_column_row_and_term_once(drawn: tuple[Rows, list[Stage]]) -> None:
    """Columns are dealt out, rows add up, and a solution costs in its parts what it costs as a whole."""
    rows, stages = drawn
    matrix = rows.matrix()
    parts = split(matrix, stages)
    assert sorted(j for part in parts for j in part.columns) == list(range(matrix.shape[1]))
    assert sum(part.matrix.shape[0] for part in parts) == matrix.shape[0]
    assert sum(len(part.matrix.column_k) for part in parts) == len(matrix.column_k)
    x_j = np.arange(matrix.shape[1]) % 3
    for k, stage in enumerate(stages):
        assert sum(p.stages[k].value(x_j[p.columns]) for p in parts) == stage.value(x_j)


@few
@given(programs())
def test_the_best_of_the_parts_is_the_best_of_the_whole(drawn: tuple[Rows, list[Stage]]) -> None:
    """Solved apart, the optima add up; the whole is infeasible when a part is."""
    rows, stages = drawn
    whole = minimum(rows.matrix(), stages[0].terms)
    answers = [(p, minimum(p.matrix, p.stages[0].terms)) for p in split(rows.matrix(), stages)]
    assert (whole.x_j is None) == any(a.x_j is None for _, a in answers)
    if whole.x_j is not None:
        together = sum(p.stages[0].value(a.x_j) for p, a in answers if a.x_j is not None)
        assert together == stages[0].value(whole.x_j)


def test_small_components_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six columns without rows between them: six parts at 1, two at 3, one at 4."""
    rows = Rows()
    for _ in range(6):
        rows.column(0, 1)
    stage = Stage("cost")
    found = []
    for least in (1, 3, 4):
        monkeypatch.setattr(components, "LEAST_COLUMNS", least)
        found.append(len(split(rows.matrix(), [stage])))
    assert found == [6, 2, 1]
