"""Where an estate has no regions all of it is one: services reach each other, and each zone keeps its country."""

from __future__ import annotations

from zonewright.models import Status, World, check_plan, estate_from_text
from zonewright.solver import place

HALLS = """
estate: halls
zones: [{id: a, country: DE, capacity: {cpu_cores: 8}}, {id: b, country: FR, capacity: {cpu_cores: 8}}]
groups:
  - {id: web, count: 2, demand: {cpu_cores: 4}}
  - {id: db, count: 2, demand: {cpu_cores: 4}}
"""


def placed(more: str) -> dict[str, str]:
    """Return group to zone, of a plan that keeps every rule."""
    world = World(estate_from_text(HALLS + more))
    result = place(world, workers=1)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
    return {entry.group: entry.site for entry in result.plan.placements}


def test_services_reach_each_other_from_zone_to_zone() -> None:
    rules = "rules: [{rule: domains, groups: [web], forbid: [b]}, {rule: domains, groups: [db], forbid: [a]}]"
    assert placed(f"services: [{{id: shop, chain: [web, db]}}]\n{rules}\n") == {"web": "a", "db": "b"}


def test_each_zone_is_in_its_own_country() -> None:
    assert placed("rules: [{rule: residency, groups: [db], countries: [FR]}]\n") == {"web": "a", "db": "b"}
    assert placed("rules: [{rule: residency, groups: [db], countries: [DE]}]\n") == {"web": "b", "db": "a"}
