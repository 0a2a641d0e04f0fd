"""Deciding a few hosts at a time: every step keeps every rule, and is never worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.solver import relocation_oracle as oracle
from tests.solver.relocation_cases import small
from zonewright.models.problems import InputError
from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation import relocate, values_of
from zonewright.solver.relocation.certificate import attempt
from zonewright.solver.relocation.program import program_of
from zonewright.solver.relocation.search import Placement, part_of, search
from zonewright.solver.relocation.table import lower


@pytest.mark.parametrize("seed", range(60))
def test_any_solution_of_a_part_fits_the_whole(seed: int) -> None:
    problem, draw = small(seed + 4_000), np.random.default_rng(seed)
    table = lower(problem)
    placement = attempt(table, Deadline(20.0)).placement
    hosts = np.flatnonzero(draw.random(table.hosts) < 0.6)
    if not len(hosts):
        return
    part = part_of(table, placement, hosts)
    program = program_of(part.table)
    x_j = program.solution(part.table, part.inside)
    # Where everybody is now is a solution of the part; what it places elsewhere is what it was given.
    again = program.placement(part.table, x_j)
    assert sorted(zip(*(a.tolist() for a in again), strict=True)) == sorted(
        zip(*(a.tolist() for a in part.inside), strict=True)
    )


@pytest.mark.parametrize("seed", range(30))
def test_search_keeps_every_rule_and_never_gets_worse(seed: int) -> None:
    problem = small(seed + 5_000)
    table = lower(problem)
    start = attempt(table, Deadline(20.0)).placement
    values = [values_of(problem, *table.instances(*start))]

    def better(placement: Placement) -> bool:
        whole = table.instances(*placement)
        there = oracle.Placement({(c, h): n for c, h, n in zip(*(array.tolist() for array in whole), strict=True)})
        assert not oracle.broken(problem, there)
        values.append(oracle.values(problem, there))
        return len(values) > 10

    search(table, start, better, Deadline(0.5), workers=1, seed=seed)
    assert values == sorted(values, reverse=True)


def test_the_same_seed_gives_the_same_answer() -> None:
    for seed in range(6_000, 6_010):
        first, second = (relocate(small(seed), Deadline(20.0), 1, 7) for _ in range(2))
        assert first.values == second.values
        assert first.witness == second.witness
        assert np.array_equal(first.host_n, second.host_n)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    problem = small(1)
    for change in (
        {"count_c": problem.count_c[:-1]},
        {"weight_c": np.zeros(len(problem.count_c), np.int64)},
        {"mask_c": problem.mask_c + 7},
        {"capacity_hr": -problem.capacity_hr},
        {"demand_cr": problem.demand_cr * (1 << 51)},
        {"count_c": problem.count_c * 0},
    ):
        with pytest.raises(InputError):
            replace(problem, **change).check()
