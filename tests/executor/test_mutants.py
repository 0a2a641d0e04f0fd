"""The executor against a replay from scratch, on random valid plans and on mutants of them."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import pytest

from tests.executor.plans import Case, keys_of, mutant, planned_case, random_case, written_cases
from tests.executor.replay import replay
from zonewright.models import InputError, World
from zonewright.models.executor import execute

PARTS, PLANS, MUTANTS = 10, 6, 100


def agree(case: Case, name: str) -> set[str]:
    """Expect both to find the same; return the kinds of what they found."""
    estate, migration = case
    found = keys_of(execute(World(estate), migration), migration)
    again = replay(estate, migration)
    assert found == again, f"{name}: only the executor: {found - again}; only the replay: {again - found}"
    return {str(key[0]) for key in found}


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants_are_judged_alike(part: int) -> None:
    """1,000 in all: a step's time, site, dependency, size; a capacity; a replica killed; and more."""
    rng = random.Random(part)
    cases = [random_case(rng) for _ in range(PLANS)] + written_cases()
    for number, case in enumerate(cases):
        assert agree(case, f"plan {number}") == set()
    kinds: Counter[str] = Counter()
    done = 0
    while done < MUTANTS:
        number = rng.randrange(len(cases))
        made = mutant(rng, cases[number])
        if made is None:
            continue
        try:
            found = agree(made[1], f"part {part}, plan {number}, mutant {done} ({made[0]})")
        except InputError:
            continue
        kinds.update(found or {"valid"})
        done += 1
    # Most mutants are wrong, some are not, and no one kind of fault is all that is found.
    assert kinds["valid"] < 0.7 * MUTANTS
    assert len(kinds) >= 8


@pytest.mark.parametrize("part", range(4))
def test_mutants_of_the_planners_own_plans_are_judged_alike(part: int) -> None:
    """Five estates each, planned by what is to be judged."""
    rng = random.Random(100 + part)
    planned = 0
    while planned < 5:
        case = planned_case(rng)
        if case is None:
            continue
        planned += 1
        assert agree(case, f"plan {planned}") == set()
        for number in range(10):
            made = mutant(rng, case)
            if made is not None:
                with contextlib.suppress(InputError):
                    agree(made[1], f"part {part}, plan {planned}, mutant {number} ({made[0]})")
