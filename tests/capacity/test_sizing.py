"""The cheapest purchases, their proofs, and why nothing on offer suffices."""

from __future__ import annotations

from random import Random

import pytest

from tests.analyses import buying, shopping
from tests.analyses.duel_capacity import differences
from tests.capacity.estates import built, halls, pools
from zonewright.models import Status, World, check_plan
from zonewright.models.rules import Survive
from zonewright.solver import size_capacity, verify_sizing
from zonewright.solver.capacity.candidates import candidates
from zonewright.solver.capacity.exact import solve_program
from zonewright.solver.capacity.fleet import solve_fleet
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.merged import judged_plan, solve_merged
from zonewright.solver.deadline import Deadline

ZONE = Survive(rule="survive", level="zone", mode="evacuate")


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_the_cheapest_purchases_are_those_that_trying_everything_finds(seed: int) -> None:
    """Cost, bound and plan, on tiny estates of every kind of offer."""
    data = shopping.drawn(Random(seed))
    assert list(differences(data, buying.cheapest(data))) == []


def test_each_kind_of_offer_is_bought_where_it_is_needed() -> None:
    """Quota and stock of a flavour first; then cores, or a zone where that is cheaper."""
    found = size_capacity(built(pools()), workers=1, time_limit_s=20)
    assert {(p.offer, p.zone): p.count for p in found.purchases} == {("quota", None): 1}
    grown = size_capacity(built(pools()), growth=2, workers=1, time_limit_s=20)
    assert grown.status is Status.OPTIMAL
    bought = {(p.offer, p.zone): p.count for p in grown.purchases}
    # 24 cores for 12 web servers and 12 for 4 databases, 18 there: 14 for zone c against 45 for 9 times 2 cores.
    assert bought == {("quota", None): 3, ("open", "c"): 1}
    assert grown.cost == 170_000
    assert grown.estate is not None
    assert grown.plan is not None
    assert check_plan(World(grown.estate), grown.plan).valid
    assert all(confirmed for confirmed, _ in verify_sizing(built(pools()), grown, growth=2))


def test_what_is_on_offer_does_not_count_in_a_loss_and_what_is_bought_does() -> None:
    """Bought stock is reserved or owned; stock on offer takes nobody who is displaced."""
    data = pools(offers=[{"id": "cores", "capacity": {"cpu_cores": 1}, "zones": ["a", "b"], "price": 5}], rules=[])
    data["groups"][1] = {"id": "db", "count": 2, "demand": {"cpu_cores": 2}}
    found = size_capacity(built(data), survive=[ZONE], workers=1, time_limit_s=20)
    # All 16 cores are in a, where nothing arrives in a loss, so that what is on offer there serves; b has to be
    # able to take them all.
    assert {(p.offer, p.zone): p.count for p in found.purchases} == {("cores", "a"): 6, ("cores", "b"): 8}
    assert found.estate is not None
    assert found.plan is not None
    assert {tuple(s.lost) for s in found.plan.scenarios} <= {("a",), ("b",)}
    assert check_plan(World(found.estate), found.plan).valid


def test_lots_limits_and_overcommit_are_counted_exactly() -> None:
    """floor((4 + 3 n - 1) x 1.5) cores are to be at least 13: n = 2, sold by two; not by four of at most three."""
    zone = {"id": "z", "capacity": {"cpu_cores": 4}, "overcommit": {"cpu_milli": 1.5}, "reserve": {"cpu_cores": 1}}
    offer = {"id": "o", "capacity": {"cpu_cores": 3}, "zones": ["z"], "price": 1.25, "lot": 2}
    data = {"estate": "e", "zones": [zone], "groups": [{"id": "g", "count": 13, "demand": {"cpu_cores": 1}}]}
    found = size_capacity(built({**data, "offers": [offer]}), workers=1, time_limit_s=20)
    assert ([p.count for p in found.purchases], found.cost) == ([2], 25_000)
    none = size_capacity(built({**data, "offers": [{**offer, "lot": 4, "most": 3}]}), workers=1, time_limit_s=20)
    assert none.status is Status.INFEASIBLE
    assert none.clashes is not None
    assert none.clashes.clashes


def test_a_reserve_above_the_stock_is_made_up_for_first() -> None:
    """Nothing is usable until more than the reserve is there."""
    zone = {"id": "z", "capacity": {"cpu_cores": 1}, "reserve": {"cpu_cores": 4}}
    offer = {"id": "o", "capacity": {"cpu_cores": 2}, "zones": ["z"], "price": 1}
    data = {"estate": "e", "zones": [zone], "offers": [offer]}
    data["groups"] = [{"id": "g", "count": 3, "demand": {"cpu_cores": 1}}]
    assert size_capacity(built(data), workers=1, time_limit_s=20).cost == 30_000
    data["groups"] = [{"id": "g", "count": 0, "demand": {"cpu_cores": 1}}]
    assert size_capacity(built(data), workers=1, time_limit_s=20).cost == 0


def test_who_runs_stays_unless_he_may_move() -> None:
    """A database of 3 cores beside a web server that would have to make room."""
    data = halls(rules=[])
    data["hosts"] = [{"id": "h", "in": "a", "count": 2, "capacity": {"cpu_cores": 4}}]
    data["groups"] = [
        {"id": "web", "count": 2, "demand": {"cpu_cores": 2}, "current": {"h-0": 1, "h-1": 1}},
        {"id": "db", "count": 1, "demand": {"cpu_cores": 3}},
    ]
    assert size_capacity(built(data), workers=1, time_limit_s=20).cost == 50_000
    assert size_capacity(built(data), may_move=True, workers=1, time_limit_s=20).cost == 0


def test_merging_groups_changes_nothing_where_every_rule_is_kept() -> None:
    """The same cost with groups merged and apart; where merging breaks a rule only its bound is kept."""
    zones = [{"id": z, "capacity": {"cpu_cores": 10}} for z in "abc"]
    groups = [
        {"id": f"g{n}", "count": 4, "demand": {"cpu_cores": 1 + n % 3}, "current": {"a": 1, "b": 1}}
        for n in range(6)
    ]
    rules = [{"rule": "spread", "id": "w", "least_domains": 2}, {"rule": "survive", "id": "s", "mode": "evacuate"}]
    offers = [{"id": "o", "capacity": {"cpu_cores": 3}, "zones": ["a", "b", "c"], "price": 2, "prices": {"c": 3}}]
    world = World(built({"estate": "e", "zones": zones, "groups": groups, "rules": rules, "offers": offers}))
    entries = candidates(world)
    whole = solve_program(world, entries, Job(Deadline(30), 1, 0))
    decision, bought, proof = solve_merged(world, entries, Job(Deadline(30), 1, 0))
    assert decision is not None
    assert proof is not None
    cost = sum(bought.entries[k].price * n for k, n in bought.bought(decision.x_j).items())
    assert (cost, proof.bound) == (whole.cost, whole.bound)
    assert not judged_plan(world, decision, bought, Job(Deadline(30), 1, 0)).unplaced


@pytest.mark.parametrize("growth", [1.5, 3.0])
def test_both_engines_agree_on_a_fleet(growth: float) -> None:
    """Patterns and packing on one side, the program that knows every rule on the other."""
    data = halls()
    data["groups"][0]["count"] = int(6 * growth)
    data["rules"].append({"rule": "survive", "id": "s", "level": "zone", "mode": "evacuate"})
    data["rules"].append({"rule": "spread", "id": "w", "groups": ["web"], "least_domains": 2})
    world = World(built(data))
    exact = size_capacity(world, workers=1, time_limit_s=30)
    fleet = solve_fleet(world, candidates(world), Job(Deadline(20), 1, 0))
    assert fleet is not None
    assert fleet.bound <= (exact.cost or 0) <= fleet.cost
    assert exact.status is Status.OPTIMAL
    assert fleet.plan is not None


def test_the_same_question_has_the_same_answer() -> None:
    """Twice, with one worker."""
    first, second = (size_capacity(built(halls()), growth=1.5, survive=[ZONE], workers=1) for _ in range(2))
    assert first.purchases == second.purchases
    assert first.plan == second.plan
