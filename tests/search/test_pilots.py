"""What pilots are worth, and what follows from it."""

from __future__ import annotations

import pytest

from zonewright.solver.search.engines.pilots import DECISIVE, LACKING, Piloted, Pilots

BEFORE = 2_000.0


def priced(strict: float, at_a_price: float, *, workers: int = 2, bound: float | None = None) -> list[bool]:
    """Return what each worker does when the pilots of the last reached this, and those of the others nothing."""
    pilots = Pilots(workers)
    nothing = Piloted((0, BEFORE), (0, BEFORE))
    found = [nothing] * (workers - 1) + [Piloted((0, strict), (0, at_a_price))]
    return [pilots.prefer_prices(found, BEFORE, bound, number) for number in range(workers)]


def test_all_workers_do_what_the_best_pilot_did_where_it_is_clearly_better() -> None:
    clear = DECISIVE * (BEFORE - 1_000.0) + 1
    assert priced(1_000.0, 1_000.0 + clear) == [False, False]
    assert priced(1_000.0 + clear, 1_000.0) == [True, True]


def test_where_pilots_say_little_some_workers_do_this_and_some_that() -> None:
    assert priced(1_000.0, 1_010.0) == [False, True]
    assert priced(1_010.0, 1_000.0) == [False, True]
    assert priced(1_000.0, 1_010.0, workers=1) == [False]
    assert priced(1_010.0, 1_000.0, workers=1) == [True]


def test_near_the_bound_little_says_much() -> None:
    less = 10.0 / LACKING
    assert priced(1_000.0, 1_010.0, bound=1_000.0 - less + 1) == [False, False]
    assert priced(1_010.0, 1_000.0, bound=1_000.0 - less + 1) == [True, True]
    assert priced(1_010.0, 1_000.0, bound=1_000.0 - less - 1) == [False, True]


@pytest.mark.parametrize(
    ("strict", "at_a_price", "expected"), [((1, 5), (0, 900), True), ((0, 900), (1, 5), False)]
)
def test_who_breaks_less_is_better_whatever_it_costs(
    strict: tuple[int, int], at_a_price: tuple[int, int], expected: bool
) -> None:
    pilots = Pilots(1)
    assert pilots.prefer_prices([Piloted(strict, at_a_price)], BEFORE, 0.0, 0) is expected
    # Another worker's pilot that broke nothing says that this is no reason.
    both = [Piloted(strict, at_a_price), Piloted((0, 4), (0, 4_000))]
    assert not pilots.prefer_prices(both, BEFORE, 0.0, 0)
