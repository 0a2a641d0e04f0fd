"""Explanations, losses, purchases and head-room of tiny estates equal what trying everything says."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from tests.analyses.cases import QUESTIONS, outcomes, puzzle
from tests.analyses.elements import least

#: How many estates of each question; the benchmark asks 300.
NUMBERS = {"reasons": 7, "survive": 6, "capacity": 4, "head-room": 4}


@pytest.mark.parametrize("what", QUESTIONS)
def test_the_solver_says_what_trying_everything_says(what: str) -> None:
    """No answer differs."""
    for number in range(NUMBERS[what]):
        for outcome in outcomes(what, number):
            assert outcome.wrong == [], outcome.name


def test_clashes_are_the_least_sets_that_every_fix_meets() -> None:
    """The brute force's own way to the minimal clashes gives what looking at every set of elements gives."""
    tried = 0
    for number in range(60):
        _, found = puzzle(number)
        elements = sorted(frozenset().union(*found.fixes), key=str)
        if len(elements) > 11:
            continue
        tried += 1
        sets = chain.from_iterable(combinations(elements, size) for size in range(len(elements) + 1))
        meeting = [frozenset(chosen) for chosen in sets if all(fix & frozenset(chosen) for fix in found.fixes)]
        assert set(found.clashes) == set(least(meeting))
        if tried == 4:
            break
    assert tried == 4
