"""What pilots are worth, and what follows from it."""

from __future__ import annotations

import pytest

from zonewright.solver.search.engines.pilots import COOL, DECISIVE, LACKING, PRICED, STRICT, Pilots

BEFORE = 2_000.0


def chosen(
    strict: float, at_a_price: float, *, cool: float = BEFORE, workers: int = 2, bound: float | None = None
) -> list[str]:
    """Return what each worker does when the pilots of the last reached this, and those of the others nothing."""
    pilots = Pilots(workers)
    nothing = dict.fromkeys((STRICT, COOL, PRICED), (0.0, BEFORE))
    found = [nothing] * (workers - 1) + [{STRICT: (0.0, strict), COOL: (0.0, cool), PRICED: (0.0, at_a_price)}]
    return [pilots.choose(found, BEFORE, bound, number) for number in range(workers)]


def test_all_workers_do_what_the_best_pilot_did_where_it_is_clearly_better() -> None:
    clear = DECISIVE * (BEFORE - 1_000.0) + 1
    assert chosen(1_000.0, 1_000.0 + clear) == [STRICT, STRICT]
    assert chosen(1_000.0 + clear, 1_000.0) == [PRICED, PRICED]
    assert chosen(1_000.0 + clear, 1_000.0 + clear, cool=1_000.0) == [COOL, COOL]


def test_where_pilots_say_little_some_workers_do_this_and_some_that() -> None:
    assert chosen(1_000.0, 1_010.0) == [STRICT, PRICED]
    assert chosen(1_010.0, 1_000.0) == [STRICT, PRICED]
    assert chosen(1_010.0, 1_020.0, cool=1_000.0) == [STRICT, COOL]
    assert chosen(1_020.0, 1_010.0, cool=1_000.0) == [COOL, PRICED]
    assert chosen(1_020.0, 1_010.0, cool=1_000.0, workers=3) == [STRICT, COOL, PRICED]
    assert chosen(1_000.0, 1_010.0, workers=1) == [STRICT]
    assert chosen(1_010.0, 1_000.0, workers=1) == [PRICED]
    assert chosen(1_010.0, 1_005.0, cool=1_000.0, workers=1) == [COOL]


def test_near_the_bound_little_says_much() -> None:
    less = 10.0 / LACKING
    assert chosen(1_000.0, 1_010.0, bound=1_000.0 - less + 1) == [STRICT, STRICT]
    assert chosen(1_010.0, 1_000.0, bound=1_000.0 - less + 1) == [PRICED, PRICED]
    assert chosen(1_010.0, 1_000.0, bound=1_000.0 - less - 1) == [STRICT, PRICED]


def test_a_way_that_nobody_tried_is_not_chosen() -> None:
    found = [{STRICT: (0.0, 1_000.0), COOL: (0.0, 1_001.0)}]
    assert [Pilots(2).choose(found, BEFORE, None, number) for number in range(2)] == [STRICT, COOL]


@pytest.mark.parametrize(
    ("strict", "at_a_price", "expected"), [((1, 5), (0, 900), PRICED), ((0, 900), (1, 5), STRICT)]
)
def test_who_breaks_less_is_better_whatever_it_costs(
    strict: tuple[int, int], at_a_price: tuple[int, int], expected: str
) -> None:
    one = {STRICT: strict, PRICED: at_a_price}
    assert Pilots(1).choose([one], BEFORE, 0.0, 0) == expected
    # Another worker's pilot that broke nothing says that this is no reason.
    assert Pilots(1).choose([one, {STRICT: (0, 4), PRICED: (0, 4_000)}], BEFORE, 0.0, 0) == STRICT
