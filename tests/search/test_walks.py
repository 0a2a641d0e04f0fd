"""Kernels, oracle, checkers and the rows of the program on random moves; see `benchmarks.search_cases`."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.search_cases import MOST_TRIED, SILENT, family_red, rule_red
from tests.search.walking import Walk, walk
from zonewright.solver.search.lowerings import BOARD_LOWERINGS
from zonewright.solver.search.oracle import FAMILIES

STEPS = 12
PROGRAMS = 90


@cache
def walks() -> list[Walk]:
    """Walks over programs by kernels and oracle alone."""
    return [walk(seed, steps=STEPS, others=False) for seed in range(PROGRAMS)]


@pytest.mark.parametrize("first", range(1000, 1024, 8))
def test_all_judges_agree(first: int) -> None:
    """Every move's change and every placement's value."""
    found = [walk(seed, steps=STEPS) for seed in range(first, first + 8)]
    assert not [text for one in found for text in one.mismatches]
    assert sum(one.judged for one in found) > 10


def test_kernels_agree_with_the_oracle() -> None:
    """On every move, and every family is there."""
    assert not [text for one in walks() for text in one.mismatches]
    assert all(sum(bool(one.binding[name]) for one in walks()) >= 3 for name in FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_deleting_a_family_is_noticed(name: str) -> None:
    """Without its term the kernels differ from the oracle within a few programs."""
    seeds = [one.seed for one in walks() if one.binding[name]]
    assert family_red(name, seeds, STEPS) is not None


@pytest.mark.parametrize("kind", sorted(BOARD_LOWERINGS.keys() - SILENT))
def test_deleting_a_lowering_is_noticed(kind: str) -> None:
    """Without a rule's lowering the board differs from the checkers."""
    red = rule_red(kind, 0, STEPS)
    assert red is not None
    assert red[0] <= MOST_TRIED
