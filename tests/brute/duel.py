"""A solver against the brute force, estate by estate: who says what is feasible, and how good it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.brute.cases import Case
from tests.brute.documents import scene_of
from tests.brute.judging import broken, labels, values
from tests.brute.search import Answer, binds, solve

Cell = Literal["feasible", "infeasible", "binding", "hopeless"]
Raw = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """What a solver says of an estate."""

    feasible: bool
    """False: it says that it has proven that nothing can be placed."""
    optimal: bool
    values: list[tuple[str, int]]
    plan: Raw | None
    faults: list[str]
    """What the checker of `models` has against the plan."""


#: (estate, partial) to what the solver says.
Solver = Callable[[Raw, bool], Claim]


def cell_of(case: Case, answer: Answer) -> Cell:
    """Where a case belongs in the table.

    `binding`: feasible, and dropping the rule changes what is best. `infeasible`: because of the rule;
    `hopeless` where it is impossible without the rule too (`all_or_nothing` alone never makes it so).
    """
    matters = binds(case.data, case.label, answer, partial=case.partial)
    if answer.feasible:
        return "binding" if matters else "feasible"
    return "infeasible" if matters or case.kind == "all_or_nothing" else "hopeless"


def compare(case: Case, answer: Answer, claim: Claim) -> str | None:
    """Return how the solver differs from the brute force, None where it does not."""
    if claim.feasible != answer.feasible:
        return f"says {'feasible' if claim.feasible else 'infeasible'}, brute force disagrees"
    if not answer.feasible:
        return None
    if not claim.optimal:
        return "found a plan but no proof"
    if claim.values != answer.values:
        return f"says {claim.values}, brute force {answer.values}"
    if claim.faults:
        return f"the checker says {claim.faults}"
    if claim.plan is not None:
        scene = scene_of(case.data, claim.plan)
        hard = {label for _, label, is_hard in labels(scene.facts) if is_hard}
        wrong = sorted(hard & broken(scene).keys())
        if wrong or values(scene) != answer.values:
            return f"the brute force finds {wrong} broken, worth {values(scene)}"
    return None


def judged(case: Case, solver: Solver) -> tuple[Cell, str | None]:
    """Return a case's cell and how the solver differs from the brute force on it."""
    answer = solve(case.data, partial=case.partial)
    return cell_of(case, answer), compare(case, answer, solver(case.data, case.partial))
