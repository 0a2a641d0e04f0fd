"""A solver and a checker against the brute force, estate by estate.

Who says what is feasible and how good it gets; what random placements break, and what they are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tests.brute.cases import Case
from tests.brute.documents import plan_of, scene_of
from tests.brute.guessing import guess
from tests.brute.judging import broken, intolerable, values
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
#: (estate, plans) to, for each plan, the amount of every broken rule by label, and the objective.
Checker = Callable[[Raw, list[Raw]], list[tuple[dict[str, int], list[tuple[str, int]]]]]

#: Random placements that checker and brute force judge, per estate.
GUESSES = 4


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
        wrong = intolerable(scene)
        if wrong or values(scene) != answer.values:
            return f"the brute force finds {wrong} broken, worth {values(scene)}"
    return None


def disagreement(case: Case, checker: Checker, guesses: int = GUESSES) -> str | None:
    """Return how the checker judges a random placement otherwise than the brute force."""
    rng = Random(case.name)
    plans = [plan_of(guess(case.data, rng)) for _ in range(guesses)]
    for plan, (broken_by_label, worth) in zip(plans, checker(case.data, plans), strict=True):
        scene = scene_of(case.data, plan)
        if broken_by_label != broken(scene):
            return f"the checker finds {broken_by_label} broken, brute force {broken(scene)}"
        if worth != values(scene):
            return f"the checker finds {worth}, brute force {values(scene)}"
    return None


def difference(case: Case, answer: Answer, solver: Solver, checker: Checker) -> str | None:
    """Return how checker or solver differ from the brute force on a case, None where they do not."""
    found = disagreement(case, checker)
    if found is None:
        try:
            found = compare(case, answer, solver(case.data, case.partial))
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
    return found


def judged(case: Case, solver: Solver, checker: Checker) -> str | None:
    """Solve a case by brute force, and return how checker or solver differ from that."""
    return difference(case, solve(case.data, partial=case.partial), solver, checker)
