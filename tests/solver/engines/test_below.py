"""Room for what lost hosts and racks displace."""

from __future__ import annotations

from typing import Any

import pytest

from zonewright.models import Status, World, check_plan, estate_from_data
from zonewright.solver import place

Raw = dict[str, Any]


def region(level: str, *, hosts: int = 12, **group: Any) -> World:
    """Two zones of three racks; who comes first is so large that two of them fill a host."""
    raw: Raw = {
        "estate": "e",
        "zones": [{"id": z, "price": {"cpu_cores": p}} for z, p in (("z1", 1), ("z2", 2))],
        "racks": [{"id": f"{z}-k{k}", "in": z} for z in ("z1", "z2") for k in range(3)],
        "hosts": [
            {"id": f"{z}-k{k}-h", "in": f"{z}-k{k}", "count": hosts // 3, "capacity": {"cpu_cores": 8}}
            for z in ("z1", "z2")
            for k in range(3)
        ],
        "groups": [
            {"id": "big", "count": 14, "demand": {"cpu_cores": 4}, **group},
            {"id": "small", "count": 40, "demand": {"cpu_cores": 1}},
        ],
        "rules": [{"rule": "survive", "id": "back", "mode": "evacuate", "level": level}],
    }
    return World(estate_from_data(raw))


@pytest.mark.parametrize(("level", "losses"), [("host", 24), ("rack", 6)])
def test_every_loss_has_a_witness_that_passes(level: str, losses: int) -> None:
    world = region(level)
    result = place(world, time_limit_s=30, workers=1)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    report = check_plan(world, result.plan)
    assert report.valid
    used = {entry.site for entry in result.plan.placements}
    hit = [
        scenario
        for scenario in result.plan.scenarios
        if any(
            world.tree.nodes[s].id in used
            for d in scenario.lost
            for s in world.tree.sites_under[world.tree.by_id[d]]
        )
    ]
    assert 0 < len(hit) <= losses
    assert all(scenario.placements for scenario in hit)


def test_losing_the_witness_of_one_host_is_noticed() -> None:
    world = region("host")
    plan = place(world, time_limit_s=30, workers=1).plan
    assert plan is not None
    number = next(n for n, scenario in enumerate(plan.scenarios) if scenario.placements)
    damaged = plan.model_copy(update={"scenarios": [s for n, s in enumerate(plan.scenarios) if n != number]})
    lost = plan.scenarios[number].lost
    assert [v.domain for v in check_plan(world, damaged).violations if v.hard][:1] == lost


def test_who_cannot_be_started_elsewhere_makes_it_impossible() -> None:
    world = region("host", stateful=True, movability={"local_disk": True})
    assert place(world, time_limit_s=30, workers=1).status is Status.INFEASIBLE


def rated(**rule: Any) -> World:
    """Sixty hosts that fail now and then; three of four of a group have to be there."""
    raw: Raw = {
        "estate": "e",
        "zones": [{"id": z, "failures_per_year": 0.1, "hours_to_repair": 1} for z in ("z1", "z2")],
        "hosts": [
            {
                "id": f"{z}-h",
                "in": z,
                "count": 30,
                "capacity": {"cpu_cores": 8},
                "failures_per_year": 4,
                "hours_to_repair": 8.76,
            }
            for z in ("z1", "z2")
        ],
        "groups": [
            {"id": f"g{n}", "count": 8, "demand": {"cpu_cores": 1}, "load": 6, "throughput": 1} for n in range(40)
        ],
        "rules": [{"rule": "availability", "id": "up", **rule}],
    }
    return World(estate_from_data(raw))


def test_groups_are_spread_until_they_are_up_for_long_enough() -> None:
    """With two of eight on a host, two hosts that are down at once are too much; with one on each they are not."""
    world = rated(at_least=0.99995)
    result = place(world, time_limit_s=30, workers=1)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    assert result.engine == "pools and packing"
    assert check_plan(world, result.plan).valid


def test_what_no_spreading_reaches_is_impossible() -> None:
    """Every host is down for four thousandths of the time, and nobody can do without a zone."""
    world = rated(at_least=0.99999)
    assert place(world, time_limit_s=30, workers=1).status is Status.INFEASIBLE
