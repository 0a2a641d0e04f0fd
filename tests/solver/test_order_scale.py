"""Orders of hundreds and thousands of moves: valid, bounded well, and deadlocks taken apart."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest

from tests.solver.order_cases import Hosts, confirm
from zonewright.solver.deadline import Deadline
from zonewright.solver.order import arrange
from zonewright.solver.order.bounds import _Machine, _scalings, bounds_of, paths_of, possible
from zonewright.solver.order.problem import USUAL, OrderProblem

FEW = ("penalty", "makespan")


def with_limits(moves: int, hosts: int) -> OrderProblem:
    """Moves that share little: two at once per host, so many per zone and in all."""
    rng = random.Random(1)
    build = Hosts([0] * hosts)
    host = [build.resource(2) for _ in range(hosts)]
    zone = [build.resource(40) for _ in range(3)]
    everywhere = build.resource(100)
    before, after = [0] * hosts, [0] * hosts
    for _ in range(moves):
        a, b = rng.sample(range(hosts), 2)
        size = rng.choice([2, 4, 8])
        before[a] += size
        after[b] += size
        passing = [(host[a], 1), (host[b], 1), (zone[a % 3], 1), (zone[b % 3], 1), (everywhere, 1)]
        build.move(size, a, b, rng.choice([20, 40, 80]), passing=passing)
    for h in range(hosts):
        build.capacity[h] = max(before[h], after[h]) * 13 // 10
    return build.problem()


def repacked(seed: int, hosts: int, swaps: int, *, free: int = 1) -> OrderProblem:
    """Hosts that are nearly full before and after, with ways by other hosts and by stopping."""
    rng = random.Random(seed)
    room = 16
    filled = [0] * hosts
    placed: list[list[int]] = []
    while fits := [(size, h) for size in (1, 2, 4) for h in range(hosts) if filled[h] + size <= room - free]:
        size, h = rng.choice(fits)
        filled[h] += size
        placed.append([size, h, h])
    for _ in range(swaps):
        one = rng.choice(placed)
        other = rng.choice([p for p in placed if p[0] == one[0]])
        one[2], other[2] = other[2], one[2]
    build = Hosts([room] * hosts)
    at_once = [build.resource(2) for _ in range(hosts)]
    for size, a, b in placed:
        if a == b:
            build.stay(a, size)
        else:
            others = [c for c in rng.sample(range(hosts), min(hosts, 4)) if c not in (a, b)]
            passing = [(at_once[a], 1), (at_once[b], 1)]
            build.move(size, a, b, 10 * size, by_way_of=others, may_stop=True, passing=passing)
    return build.problem()


def test_thousands_of_moves_come_near_their_bound() -> None:
    problem = with_limits(3000, 300)
    found = arrange(problem, Deadline(20))
    confirm(problem, found, USUAL)
    assert found.values[0] == 0
    assert found.values[1] <= 1.05 * found.bounds[1]
    assert found.values[2] <= 1.05 * found.bounds[2]
    shortest = arrange(problem, Deadline(20), objective=FEW)
    confirm(problem, shortest, FEW)
    assert shortest.values[1] <= 1.02 * shortest.bounds[1]


def test_moves_over_links_end_with_the_busiest_link() -> None:
    rng = random.Random(5)
    build = Hosts([10_000] * 40)
    links = [build.resource(1000) for _ in range(40)]
    racks = [build.resource(4000) for _ in range(4)]
    for _ in range(300):
        a, b = rng.sample(range(40), 2)
        passing = [(links[a], 1000), (links[b], 1000)]
        if a % 4 != b % 4:
            passing += [(racks[a % 4], 1000), (racks[b % 4], 1000)]
        build.move(1, a, b, rng.randint(16, 40), passing=passing)
    found = arrange(build.problem(), Deadline(20), objective=FEW)
    confirm(build.problem(), found, FEW)
    assert found.values[1] <= 1.02 * found.bounds[1]


@pytest.mark.parametrize("seed", range(4))
def test_deadlocks_are_resolved_with_proven_penalties(seed: int) -> None:
    problem = repacked(seed, 10, 8)
    found = arrange(problem, Deadline(30), objective=FEW)
    confirm(problem, found, FEW)
    assert found.status in ("OPTIMAL", "FEASIBLE")
    assert found.values[0] == found.bounds[0]


def test_a_tight_repacking_is_ordered_though_not_proven() -> None:
    problem = repacked(7, 100, 100)
    found = arrange(problem, Deadline(15), objective=FEW)
    confirm(problem, found, FEW)
    assert found.status in ("OPTIMAL", "FEASIBLE")


def test_a_circle_among_many_movements_is_named_alone() -> None:
    build = Hosts([100] * 10 + [2] * 5)
    for n in range(60):
        build.move(1, n % 10, (n * 3 + 1) % 10 if (n * 3 + 1) % 10 != n % 10 else (n + 1) % 10, 5)
    for n in range(5):
        build.move(2, 10 + n, 10 + (n + 1) % 5, 5)
    found = arrange(build.problem(), Deadline(30))
    confirm(build.problem(), found, USUAL)
    assert found.status == "INFEASIBLE"
    assert found.blocked is not None
    assert found.blocked.jobs == (60, 61, 62, 63, 64)
    assert found.blocked.resources == (10, 11, 12, 13, 14)
    assert found.blocked.minimal


@pytest.mark.parametrize("seed", range(60))
def test_rescaled_amounts_fit_wherever_the_amounts_do(seed: int) -> None:
    rng = random.Random(seed)
    room = rng.randint(1, 12)
    amounts = [rng.randint(1, room) for _ in range(rng.randint(1, 7))]
    for scaled, capacity in _scalings(amounts, room):
        for chosen in itertools.product([0, 1], repeat=len(amounts)):
            together = [a for a, taken in zip(amounts, chosen, strict=True) if taken]
            if sum(together) <= room:
                assert sum(scaled[a] for a in together) <= capacity


def test_smiths_rule_is_exact_on_one_machine() -> None:
    machine = _Machine([0, 1, 2], [3, 3, 3], [4, 1, 2], 3, 5)
    assert machine.smith([1, 1, 1]) == Fraction(6 + 8 + 12)
    assert machine.smith([9, 0, 1]) == Fraction(9 * 9 + 11)


def test_bounds_do_not_contradict_each_other() -> None:
    problem = with_limits(60, 12)
    paths = paths_of(problem)
    allowed = possible(problem, paths)
    one = bounds_of(problem, ("makespan", "service", "penalty"), allowed, paths)
    two = bounds_of(problem, ("penalty", "service", "makespan"), allowed, paths)
    assert one == two[::-1]
