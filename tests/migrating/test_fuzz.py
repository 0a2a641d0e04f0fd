"""Wild estates and events: each plan keeps all that plans promise. `benchmarks.migration_fuzz` runs more."""

import pytest

from tests.migrating.fuzz import outcome

#: Cases that went wrong once, each in its own way.
ONCE_WRONG = (40, 44, 58, 82, 88, 91, 138, 192, 1061, 2000, 2125)


@pytest.mark.parametrize("seed", [*ONCE_WRONG, *range(100, 124)])
def test_a_plan_keeps_what_plans_promise(seed: int) -> None:
    assert outcome(seed).wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5000, 5300))
def test_more_plans_keep_what_plans_promise(seed: int) -> None:
    assert outcome(seed).wrong == []
