"""What proves bounds of relocations: prices are valid whatever they are, knapsacks and covers are exact."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.solver import relocation_oracle as oracle
from tests.solver.relocation_cases import small
from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation import Relocation, relocate, values_of, verify
from zonewright.solver.relocation.certificate import attempt
from zonewright.solver.relocation.keeping import cover
from zonewright.solver.relocation.master import bound_costs, master_of
from zonewright.solver.relocation.patterns import best_prices, mix
from zonewright.solver.relocation.table import lower
from zonewright.solver.relocation.witness import kinds_of, most_worth, price_bound


def _any_prices(problem: Relocation, number: int, draw: np.random.Generator) -> dict[str, Any]:
    hosts, resources = problem.capacity_hr.shape
    alone = np.flatnonzero(draw.random(len(problem.count_c)) < 0.3).tolist()
    kinds = int(kinds_of(problem, alone).max()) + 1
    scale = int(draw.integers(1, 5))
    limits = [
        [index, int(draw.integers(0, len(limit.most_d))), int(draw.integers(0, 4))]
        for index, limit in enumerate(problem.limits)
        if draw.random() < 0.5
    ]
    domains = [
        [index, int(draw.integers(0, 2)), int(draw.integers(0, resources)), int(draw.integers(0, 3))]
        for index in range(len(problem.domain_capacity))
    ]
    return {
        "kind": "prices",
        "scale": scale,
        "before": draw.integers(0, 12, number).tolist(),
        "alone": alone,
        "area": draw.integers(0, 2, hosts).tolist(),
        "stay": draw.integers(0, 3 * scale, (kinds, 2)).tolist(),
        "enter": draw.integers(0, 3 * scale, (kinds, 2)).tolist(),
        "stay_at": [[int(draw.integers(0, kinds)), int(draw.integers(0, hosts)), int(draw.integers(0, 9))]],
        "enter_at": [[int(draw.integers(0, kinds)), int(draw.integers(0, hosts)), int(draw.integers(0, 9))]],
        "limits": limits,
        "domains": domains,
    }


@pytest.mark.parametrize("seed", range(60))
def test_no_prices_prove_more_than_the_best(seed: int) -> None:
    problem, draw = small(seed + 1_000), np.random.default_rng(seed)
    best = relocate(problem, Deadline(20.0), 1, 0).values
    for number, value in enumerate(best):
        for _ in range(20):
            data = _any_prices(problem, number, draw)
            assert price_bound(problem, best[:number], number, data) <= value


@pytest.mark.parametrize("seed", range(40))
def test_mixtures_of_patterns_bound_from_below(seed: int) -> None:
    problem = small(seed + 2_000)
    best = relocate(problem, Deadline(20.0), 1, 0).values
    master = master_of(lower(problem))
    assert master is not None
    for stage, value in enumerate(best):
        costs = bound_costs(master.table, stage, 30)
        mixture = mix(master, costs, Deadline(20.0), 20.0)
        assert mixture is not None
        assert mixture.exact
        assert best_prices(master, costs, mixture, best[:stage], stage)[0] <= value


@pytest.mark.parametrize("seed", range(50))
def test_a_knapsack_is_exact_by_table_and_by_search(seed: int) -> None:
    draw = np.random.default_rng(seed)
    resources = int(draw.integers(1, 3))
    # Odd sizes in large units need a search, small ones are filled in.
    factor = 1 if seed % 2 else 10_007
    capacity = tuple(int(c) * factor + int(draw.integers(0, 3)) for c in draw.integers(4, 12, resources))
    items = [
        (int(draw.integers(1, 20)), tuple(int(s) * factor + 1 for s in draw.integers(0, 6, resources)), int(m))
        for m in draw.integers(1, 4, 4)
    ]
    best = 0
    for taken in itertools.product(*(range(most + 1) for _, _, most in items)):
        used = [sum(n * size[r] for n, (_, size, _) in zip(taken, items, strict=True)) for r in range(resources)]
        if all(u <= c for u, c in zip(used, capacity, strict=True)):
            best = max(best, sum(n * worth for n, (worth, _, _) in zip(taken, items, strict=True)))
    assert most_worth(capacity, items) == best


@pytest.mark.parametrize("seed", range(50))
def test_a_cover_is_the_lightest(seed: int) -> None:
    draw = np.random.default_rng(seed)
    demand = draw.integers(0, 7, (5, 2))
    weight, most, excess = draw.integers(1, 6, 5), draw.integers(1, 3, 5), draw.integers(1, 9, 2)
    feasible = [
        int(np.dot(taken, weight))
        for taken in itertools.product(*(range(m + 1) for m in most))
        if (np.array(taken) @ demand >= excess).all()
    ]
    taken = cover(demand, weight, most, excess)
    if not feasible:
        assert taken is None
        return
    assert taken is not None
    assert (taken @ demand >= excess).all()
    assert (taken <= most).all()
    assert int(taken @ weight) == min(feasible)


@pytest.mark.parametrize("seed", range(60))
def test_a_certificate_breaks_nothing(seed: int) -> None:
    problem = small(seed + 3_000)
    table = lower(problem)
    found = attempt(table, Deadline(20.0))
    placement = table.instances(*found.placement)
    there = {(c, h): n for c, h, n in zip(*(array.tolist() for array in placement), strict=True)}
    assert not oracle.broken(problem, there)  # type: ignore[arg-type]
    assert values_of(problem, *placement) == oracle.values(problem, oracle.Placement(there))


def test_a_damaged_witness_proves_nothing() -> None:
    problem = small(5)
    answer = relocate(problem, Deadline(20.0), 1, 0)
    for damaged in ({}, {"values": [], "stages": []}, {"values": [0, 0, 0], "stages": [{"kind": "prices"}] * 9}):
        assert not any(verify(problem, damaged))
    stages = [{"kind": "prices", "scale": 1, "stay": "x"}] * len(answer.values)
    assert not any(verify(problem, {"values": list(answer.values), "stages": stages}))
