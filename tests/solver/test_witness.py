"""Bounds are evaluated again from the estate and the witness: true ones pass, damaged ones do not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.solver.estates import group, world_of
from zonewright.instances.generator import generate_region
from zonewright.models import Plan, World
from zonewright.models.plan import Placement
from zonewright.solver import BoundFinding, place, verify_bound


def linear_world() -> World:
    """Ten at 1 in a zone for six and ten at 3 beside it: 6 x 5 + 4 x 7, as the relaxation says."""
    return world_of(
        zones=[
            {"id": "z1", "in": "r1", "capacity": {"cpu_milli": 6000}, "price": {"cpu_cores": 5}},
            {"id": "z2", "in": "r1", "capacity": {"cpu_milli": 9000}, "price": {"cpu_cores": 7}},
        ],
        groups=[group("g", 10, demand={"cpu_milli": 1000})],
        goals=["placed", "moves", "cost"],
    )


def knapsack_world() -> World:
    """Sizes 5, 4 and 3 and a cheap zone for 6: the relaxation fills it, whole ones leave one core free."""
    sizes = {"a": 5, "b": 4, "c": 3}
    cheap = {"id": "z1", "in": "r1", "capacity": {"cpu_milli": 6000}, "price": {"cpu_cores": 1}}
    return world_of(
        zones=[cheap, {"id": "z2", "in": "r1", "price": {"cpu_cores": 2}}],
        groups=[group(n, 1, demand={"cpu_milli": 1000 * size}) for n, size in sizes.items()],
        goals=["placed", "cost"],
    )


def hosts_world() -> World:
    return World(generate_region(instances=60, groups=12, hosts=12, racks=3, shapes=8, seed=1, fill=0.6))


def partial_world() -> World:
    """Five that matter and five that do not, room for seven."""
    return world_of(
        zones=[{"id": "z1", "in": "r1", "capacity": {"cpu_milli": 7}, "price": {"cpu_cores": 1000}}],
        groups=[group("first", 5, priority=9), group("later", 5)],
        goals=["placed", "cost"],
    )


def solved(world: World, **options: Any) -> Plan:
    result = place(world, workers=1, **options)
    assert result.status == "OPTIMAL"
    assert result.plan is not None
    return result.plan


def by_goal(world: World, plan: Plan) -> dict[str, BoundFinding]:
    return {found.goal: found for found in verify_bound(world, plan)}


CASES: dict[str, tuple[Callable[[], World], dict[str, Any]]] = {
    "linear": (linear_world, {}),
    "searched": (knapsack_world, {}),
    "hosts": (hosts_world, {}),
    "partial": (partial_world, {"partial": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_true_bounds_are_confirmed(name: str) -> None:
    """Whatever kind of proof the solver left behind, every goal of an optimal plan is confirmed."""
    make, options = CASES[name]
    world = make()
    plan = solved(world, **options)
    found = by_goal(world, plan)
    assert set(found) == {goal.goal for goal in plan.objective}
    assert all(f.confirmed for f in found.values()), [f for f in found.values() if not f.confirmed]


def raised(plan: Plan, goal: str, by: int = 1) -> Plan:
    """Return a plan that claims a higher bound, in the goal and in its witness."""
    return plan.model_copy(
        update={
            "objective": [
                g.model_copy(update={"bound": g.bound + by}) if g.goal == goal and g.bound is not None else g
                for g in plan.objective
            ],
            "bounds": [w.model_copy(update={"bound": w.bound + by}) if w.goal == goal else w for w in plan.bounds],
        }
    )


@pytest.mark.parametrize("name", CASES)
def test_a_bound_that_is_too_high_by_one_is_rejected(name: str) -> None:
    """Raising any goal's bound above its optimum by one is noticed, in that goal alone."""
    make, options = CASES[name]
    world = make()
    plan = solved(world, **options)
    for goal in plan.objective:
        found = by_goal(world, raised(plan, goal.goal))
        assert not found[goal.goal].confirmed, goal
        assert all(f.confirmed for f in found.values() if f.goal != goal.goal)


def with_data(plan: Plan, goal: str, change: Callable[[dict[str, Any]], None]) -> Plan:
    """Return the plan with the data of a goal's witness changed."""
    bounds = []
    for witness in plan.bounds:
        data = copy.deepcopy(witness.data)
        if witness.goal == goal:
            change(data)
        bounds.append(witness.model_copy(update={"data": data}))
    return plan.model_copy(update={"bounds": bounds})


def _halve(data: dict[str, Any]) -> None:
    data["weight"] = [w // 2 for w in data["weight"]]


def _drop_a_row(data: dict[str, Any]) -> None:
    data["row"], data["weight"] = data["row"][1:], data["weight"][1:]


def _point_nowhere(data: dict[str, Any]) -> None:
    data["row"] = [10**6 for _ in data["row"]]


def _count_back(data: dict[str, Any]) -> None:
    data["row"] = [-1 for _ in data["row"]]


def _no_denominator(data: dict[str, Any]) -> None:
    data["denominator"] = 0


def _huge_weights(data: dict[str, Any]) -> None:
    data["weight"] = [10**40 for _ in data["weight"]]


def _words(data: dict[str, Any]) -> None:
    data["weight"] = ["many"]


def _nothing(data: dict[str, Any]) -> None:
    del data["row"]


DAMAGE = (_halve, _drop_a_row, _point_nowhere, _count_back, _no_denominator, _huge_weights, _words, _nothing)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_multipliers_are_rejected(damage: Callable[[dict[str, Any]], None]) -> None:
    """Weights halved, a row missing, rows that do not exist, no number at all: never confirmed, never an error."""
    world = linear_world()
    plan = solved(world)
    (cost,) = [w for w in plan.bounds if w.goal == "cost"]
    assert cost.kind == "linear"
    assert not by_goal(world, with_data(plan, "cost", damage))["cost"].confirmed


def _swap_leaves(data: dict[str, Any]) -> None:
    data["leaves"].reverse()


def _cut_off(data: dict[str, Any]) -> None:
    data["splits"], data["leaves"] = [[-1, 0]], data["leaves"][:1]


def _leave_a_half_out(data: dict[str, Any]) -> None:
    data["splits"], data["leaves"] = data["splits"][:-1], data["leaves"][:-1]


def _one_leaf_more(data: dict[str, Any]) -> None:
    data["leaves"].append(data["leaves"][-1])


def _split_far_away(data: dict[str, Any]) -> None:
    data["splits"][0] = [0, 10**30]


def _split_no_column(data: dict[str, Any]) -> None:
    data["splits"][0] = [10**6, 0]


def _split_between_words(data: dict[str, Any]) -> None:
    data["splits"][0] = ["x", None]


TREE_DAMAGE = (
    _swap_leaves, _cut_off, _leave_a_half_out, _one_leaf_more, _split_far_away, _split_no_column,
    _split_between_words,
)  # fmt: skip


@pytest.mark.parametrize("damage", TREE_DAMAGE)
def test_a_damaged_tree_is_rejected(damage: Callable[[dict[str, Any]], None]) -> None:
    """Leaves exchanged or missing, splits that lead nowhere: never confirmed, never an error."""
    world = knapsack_world()
    plan = solved(world)
    assert [(w.kind, w.bound) for w in plan.bounds if w.goal == "cost"] == [("tree", 190_000)]
    assert not by_goal(world, with_data(plan, "cost", damage))["cost"].confirmed


def test_the_values_of_the_goals_before_are_part_of_the_claim() -> None:
    """Cost is proven for plans without moves; for plans with up to three moves it is another claim, and false."""
    world = world_of(
        zones=[
            {"id": "z1", "in": "r1", "price": {"cpu_cores": 5}},
            {"id": "z2", "in": "r1", "price": {"cpu_cores": 7}},
        ],
        groups=[group("g", 3, demand={"cpu_milli": 1000}, current={"z2": 3})],
        goals=["placed", "moves", "cost"],
    )
    plan = solved(world)
    assert [(g.goal, g.value) for g in plan.objective][-2:] == [("moves", 0), ("cost", 210_000)]
    moved = [g.model_copy(update={"value": 3}) if g.goal == "moves" else g for g in plan.objective]
    found = by_goal(world, plan.model_copy(update={"objective": moved}))
    assert not found["cost"].confirmed


def test_a_bound_without_its_witness_is_rejected() -> None:
    """The witness left out, or of another number: no confirmation by mere assertion."""
    world = linear_world()
    plan = solved(world)
    found = by_goal(world, plan.model_copy(update={"bounds": []}))
    assert not any(f.confirmed for f in found.values())
    higher = [g.model_copy(update={"bound": g.value + 1}) for g in plan.objective]
    assert not any(f.confirmed for f in by_goal(world, plan.model_copy(update={"objective": higher})).values())


def test_a_kind_of_proof_that_nobody_knows_is_searched_again() -> None:
    """Calling a false bound trivial does not help it: what has terms is looked at."""
    world = linear_world()
    plan = raised(solved(world), "cost")
    named = [w.model_copy(update={"kind": "trivial", "data": {}}) for w in plan.bounds]
    assert not by_goal(world, plan.model_copy(update={"bounds": named}))["cost"].confirmed


def test_what_is_proven_of_whole_placements_says_nothing_of_partial_ones() -> None:
    """A plan that leaves some out may cost less than any whole one."""
    world = linear_world()
    plan = solved(world)
    fewer = plan.model_copy(
        update={
            "placements": [Placement(group="g", site="z1", count=6)],
            "unplaced": [{"group": "g", "count": 4}],
        }
    )
    assert not any(f.confirmed for f in by_goal(world, fewer).values() if f.kind != "trivial")


def two_markets(count: int = 60) -> World:
    """Two regions that share nothing, each with enough groups to be a part of its own."""
    regions = ("east", "west")
    entries = [
        {"id": f"{r}-{k}", "in": r, "capacity": {"cpu_milli": 3 * count * 1000}, "price": {"cpu_cores": 5 + k}}
        for r in regions
        for k in range(4)
    ]
    groups = [
        group(f"{r}-{n}", 3, demand={"cpu_milli": 1000 + n}, current={f"{r}-3": 1})
        for r in regions
        for n in range(count)
    ]
    rules = [{"rule": "domains", "groups": [f"{r}-{n}" for n in range(count)], "allow": [r]} for r in regions]
    return world_of(
        regions=[{"id": r} for r in regions], zones=entries, groups=groups, rules=rules,
        goals=["placed", "cost", "moves"],
    )  # fmt: skip


def test_independent_parts_are_confirmed_and_must_add_up() -> None:
    """A bound in parts holds; raised, or with a part's own bound raised, it does not."""
    world = two_markets()
    plan = solved(world)
    kinds = {w.goal: w.kind for w in plan.bounds}
    assert kinds["cost"] == "parts"
    assert all(f.confirmed for f in by_goal(world, plan).values())

    def one_part_higher(data: dict[str, Any]) -> None:
        data["parts"][0]["bound"] += 1

    def half_of_them(data: dict[str, Any]) -> None:
        data["parts"] = data["parts"][:1]

    assert not by_goal(world, with_data(raised(plan, "cost"), "cost", one_part_higher))["cost"].confirmed
    assert not by_goal(world, with_data(plan, "cost", half_of_them))["cost"].confirmed


def test_parts_cannot_be_given_values_that_no_plan_of_theirs_has() -> None:
    """Moves are bounded for parts that cost what they cost; with a cost that one of them cannot reach, any
    bound would be true of it.
    """
    world = two_markets()
    plan = solved(world)

    def shift(data: dict[str, Any]) -> None:
        goal = [g.goal for g in plan.objective].index("cost")
        data["parts"][0]["before"][goal] -= 10**9
        data["parts"][1]["before"][goal] += 10**9
        for part in data["parts"]:
            part["kind"] = "search"
        data["parts"][0]["bound"] = 121
        data["parts"][1]["bound"] = 0

    assert by_goal(world, plan)["moves"].bound == 120
    assert not by_goal(world, with_data(raised(plan, "moves"), "moves", shift))["moves"].confirmed
