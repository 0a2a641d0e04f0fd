"""An estate with its plan carried out: the same plan has nothing left to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.brute.cases import case
from zonewright.models import InputError, Plan, Status, World, check_plan, estate_from_data
from zonewright.models.settling import settled
from zonewright.solver import place

Raw = dict[str, Any]

ESTATE: Raw = {
    "estate": "e",
    "zones": [
        {"id": "z1", "capacity": {"cpu_cores": 4}, "price": {"cpu_cores": 1}},
        {"id": "z2", "capacity": {"cpu_cores": 4}, "price": {"cpu_cores": 3}},
    ],
    "vpcs": [{"id": "net", "cidr": "10.0.0.0/16", "new_subnet_prefix": 28}],
    "subnets": [
        {"id": "cut", "vpc": "net", "prefix": 28},
        {"id": "old", "vpc": "net", "cidr": "10.0.9.0/24", "zone": "z2"},
    ],
    "load_balancers": [{"id": "lb", "kind": "any", "zone_count": 2, "backends": ["web"], "least_per_zone": 1}],
    "groups": [{"id": "web", "count": 3, "demand": {"cpu_cores": 1}, "vpcs": ["net"], "current": {"z2": 2}}],
    "instances": [{"id": "web-1", "group": "web", "site": "z2", "subnet": "old"}],
    "goals": ["placed", "cost"],
}
PLAN: Raw = {
    "plan": "e",
    "estate_fingerprint": "",
    "status": "FEASIBLE",
    "placements": [
        {"group": "web", "site": "z1", "count": 1, "instances": ["web-1"], "subnet": "cut"},
        {"group": "web", "site": "z1", "count": 1, "subnet": "fresh"},
        {"group": "web", "site": "z2", "count": 1, "subnet": "old"},
    ],
    "balancers": [{"balancer": "lb", "zones": ["z1", "z2"]}],
    "subnets": [{"subnet": "cut", "zone": "z1", "cidr": "10.0.0.0/28"}],
    "new_subnets": [{"id": "fresh", "vpc": "net", "cidr": "10.0.0.16/28", "zone": "z1"}],
}


def test_everybody_is_where_the_plan_puts_them() -> None:
    """Groups and instances, balancers, subnets that were to be cut, and new ones; nothing else changes."""
    estate = estate_from_data(ESTATE)
    then = settled(World(estate), Plan.model_validate(PLAN))
    assert then.groups[0].current == {"z1": 1, "z2": 1}
    assert (then.instances[0].site, then.instances[0].subnet) == ("z1", "cut")
    assert then.load_balancers[0].zones == ["z1", "z2"]
    subnets = {s.id: (s.vpc, s.zone, s.cidr, s.prefix) for s in then.subnets}
    assert subnets == {
        "cut": ("net", "z1", "10.0.0.0/28", None),
        "old": ("net", "z2", "10.0.9.0/24", None),
        "fresh": ("net", "z1", "10.0.0.16/28", None),
    }
    same = {"groups", "instances", "load_balancers", "subnets"}
    assert then.model_dump(exclude=same) == estate.model_dump(exclude=same)
    assert estate.fingerprint == estate_from_data(ESTATE).fingerprint
    World(then)


def test_what_a_plan_leaves_out_is_nowhere() -> None:
    plan = {**PLAN, "placements": PLAN["placements"][2:], "unplaced": [{"group": "web", "count": 2}]}
    then = settled(World(estate_from_data(ESTATE)), Plan.model_validate(plan))
    assert then.groups[0].current == {"z2": 1}
    assert (then.instances[0].site, then.instances[0].subnet) == (None, None)


def test_a_plan_for_another_estate_is_refused() -> None:
    plan = {**PLAN, "placements": [{"group": "wbe", "site": "z1", "count": 1}]}
    with pytest.raises(InputError, match="Maybe web"):
        settled(World(estate_from_data(ESTATE)), Plan.model_validate(plan))


@pytest.mark.parametrize("kind", ["capacity", "spread", "pinned", "several", "subnet", "load_balancer"])
def test_a_plan_is_no_move_once_it_is_carried_out(kind: str) -> None:
    """In the estate as it is then the plan breaks nothing, moves nobody, and stays the best there is."""
    done = 0
    for seed in range(12):
        world = World(estate_from_data(case(kind, seed).data))
        result = place(world, workers=1, time_limit_s=20)
        if result.plan is None or result.status is not Status.OPTIMAL:
            continue
        then = World(settled(world, result.plan))
        kept = [entry for entry in result.plan.subnets if world.subnets[entry.subnet].zone is not None]
        same = result.plan.model_copy(
            update={"estate_fingerprint": "", "objective": [], "bounds": [], "subnets": kept, "new_subnets": []}
        )
        report = check_plan(then, same)
        assert not [v.message for v in report.violations if v.hard], f"{kind}/{seed}"
        values = dict(report.objective)
        assert values.get("moves", 0) == 0
        if "cost" in values and not any(g.billing.paid_until for g in world.estate.groups):
            assert values["cost"] == {g.goal: g.value for g in result.objective}["cost"]
        done += 1
    assert done >= 3
