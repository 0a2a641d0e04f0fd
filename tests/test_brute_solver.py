"""`place` against the brute force, which tries every placement of tiny estates."""

from __future__ import annotations

import pytest

from benchmarks.mutation import DELETIONS, EXEMPT, first_red
from benchmarks.rule_table import checked, placed
from tests.brute.cases import KINDS, case
from tests.brute.duel import judged
from zonewright.solver.lowering import LOWERINGS

ESTATES = 9


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_plan_is_found_and_proven(kind: str) -> None:
    """Feasibility and every goal's value are those of the enumeration, and the plan passes both judges."""
    differences = []
    for seed in range(ESTATES):
        entry = case(kind, seed)
        difference = judged(entry, placed, checked)
        if difference:
            differences.append(f"{entry.name}: {difference}")
    assert not differences


@pytest.mark.parametrize("what", DELETIONS)
@pytest.mark.parametrize("kind", [kind for kind in LOWERINGS if kind not in EXEMPT])
def test_deleting_a_rule_is_noticed(kind: str, what: str) -> None:
    """Without a rule's lowering, or without its checker, the comparison fails."""
    assert first_red(kind, DELETIONS[what], 30) is not None
