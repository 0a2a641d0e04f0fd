"""Pools of equal hosts: never stricter than the hosts themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.solver.estates import group, world_of, zones
from tests.solver.host_estates import COARSE, FINE, host_worlds
from zonewright.models import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import Outcome, solve_exact
from zonewright.solver.places import pooled_places, single_places
from zonewright.solver.profiles import Reach
from zonewright.solver.program import lower


def solved(world: World, *, pooled: bool, partial: bool = False) -> Outcome:
    """Solve a program to the end."""
    program = lower(world, pooled=pooled, partial=partial)
    return solve_exact(program, Deadline(60.0), workers=1, seed=0, news=lambda *_: None, trees=False)


def assert_relaxes(world: World, *, partial: bool = False) -> None:
    """Assert that the pooled optimum is not above the true one, goal by goal."""
    hosts, pools = solved(world, pooled=False, partial=partial), solved(world, pooled=True, partial=partial)
    assert hosts.status in ("optimal", "infeasible")
    if hosts.status == "infeasible":
        return
    assert pools.status == "optimal", "pools are infeasible where hosts are not"
    assert pools.values <= hosts.values


@settings(max_examples=40, deadline=None)
@given(host_worlds(FINE))
def test_pools_relax_every_rule_that_packing_knows(world: World) -> None:
    """Limits per host and rack, static survival, evacuation of zones, opening costs: pools allow more."""
    assert_relaxes(world)


@settings(max_examples=40, deadline=None)
@given(host_worlds((*FINE, *COARSE)))
def test_pools_relax_rules_that_only_hosts_can_keep(world: World) -> None:
    """Quota and budget of a rack or host, load, company and pins below the zone: pools allow more."""
    assert_relaxes(world)


@settings(max_examples=25, deadline=None)
@given(host_worlds((*FINE, *COARSE)))
def test_pools_relax_what_may_stay_unplaced(world: World) -> None:
    """With instances that may be left out, pools never leave out more."""
    assert_relaxes(world, partial=True)


def test_a_rack_that_costs_is_not_charged_for_a_pool_that_spans_racks() -> None:
    """Two racks at 30 each and one instance: one rack is opened, though the pool lies in both."""
    world = world_of(
        zones=zones("z1"),
        racks=[{"id": f"k{k}", "in": "z1", "open_cost": 30} for k in (1, 2)],
        hosts=[{"id": f"h{k}", "in": f"k{k}", "capacity": {"cpu_milli": 5}} for k in (1, 2)],
        groups=[group("g", 1)],
        goals=["placed", "cost"],
    )
    assert_relaxes(world)


def test_hosts_are_pooled_when_nothing_tells_them_apart() -> None:
    """Six hosts: two of one size in each zone, one larger, one with a label of its own."""
    sizes = {"h1": 4, "h2": 4, "h3": 8, "h4": 4, "h5": 4, "h6": 4}
    world = world_of(
        zones=zones("z1", "z2"),
        hosts=[
            {"id": h, "in": "z2" if h in ("h5", "h6") else "z1", "capacity": {"cpu_milli": size}}
            | ({"labels": {"disk": "ssd"}} if h == "h4" else {})
            for h, size in sizes.items()
        ],
        groups=[group("g", 1), group("s", 1)],
        rules=[{"rule": "domains", "groups": ["s"], "allow_labels": {"disk": "ssd"}}],
    )
    names = [[world.tree.nodes[s].id for s in p.sites] for p in lower(world, pooled=True).context.places]
    assert sorted(names) == [["h1", "h2"], ["h3"], ["h4"], ["h5", "h6"]]


@pytest.mark.parametrize("pooled", [False, True])
def test_every_site_is_in_exactly_one_place(pooled: bool) -> None:
    """Places are a partition of the sites, numbered in order."""
    world = world_of(
        zones=zones("z1", "z2"),
        hosts=[{"id": f"h{k}", "in": f"z{1 + k % 2}", "count": 2, "capacity": {"cpu_milli": 4}} for k in range(3)],
        groups=[group("g", 1)],
    )
    places = pooled_places(world, Reach(world)) if pooled else single_places(world)
    assert sorted(s for p in places for s in p.sites) == sorted(world.tree.sites)
    assert [p.index for p in places] == list(range(len(places)))
