"""From counts to a plan: counts in are counts out, and as many as possible stay where they are."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.estates import group, world_of, zones
from tests.solver.stand import few
from zonewright.models import World, check_plan
from zonewright.solver import place
from zonewright.solver.decode import layer_sites, placements, share_out, unit_sites, unplaced
from zonewright.solver.program import Program, lower

SITES = ("z1", "z2", "z3")


@st.composite
def groups_with_names(draw: st.DrawFn) -> World:
    """Draw a group of at most six, some named, some with a place today."""
    named = [draw(st.sampled_from([None, *SITES])) for _ in range(draw(st.integers(0, 2)))]
    current = {z: draw(st.integers(0, 2)) for z in SITES[: draw(st.integers(0, 2))]}
    rest = sum(current.values()) + draw(st.integers(0, 1))
    return world_of(
        zones=zones(*SITES),
        groups=[group("g", len(named) + rest, current=current), group("h", 2)],
        instances=[
            {"id": f"g-{k}", "group": "g", **({"site": site} if site else {})} for k, site in enumerate(named)
        ],
    )


def most_that_can_stay(units: list[Any], counts: dict[int, int]) -> int:
    """Try every way of giving the counts to the units."""
    sites = [site for site, n in counts.items() for _ in range(n)]
    seats = [unit for unit in units for _ in range(unit.count)]
    best = 0
    for chosen in set(itertools.permutations([*sites, *[-1] * (len(seats) - len(sites))])):
        placed = Counter((unit.index, site) for unit, site in zip(seats, chosen, strict=True))
        stays = sum(min(n, placed[unit.index, s]) for unit in units for s, n in unit.current.items())
        best = max(best, stays)
    return best


@few
@given(groups_with_names(), st.data())
def test_sharing_out_keeps_as_many_as_possible_where_they_are(world: World, data: st.DataObject) -> None:
    """Whatever counts a class gets at its sites, no way of naming its members moves fewer."""
    for cls in lower(world).context.classes:
        counts: dict[int, int] = {}
        for _ in range(cls.count):
            site = data.draw(st.sampled_from([world.tree.by_id[s] for s in SITES] + [-1]))
            if site >= 0:
                counts[site] = counts.get(site, 0) + 1
        given_out = share_out(cls, counts)
        back: Counter[int] = Counter()
        for unit in cls.units:
            assert sum(given_out[unit.index].values()) <= unit.count
            back.update(given_out[unit.index])
        assert back == Counter(counts)
        stays = sum(min(n, given_out[u.index].get(s, 0)) for u in cls.units for s, n in u.current.items())
        assert stays == most_that_can_stay(cls.units, counts)


def drawn_solution(program: Program, data: st.DataObject) -> Any:
    """Draw any counts for the cells, placed whole or not."""
    x_j = np.zeros(program.matrix.shape[1], np.int64)
    for cls, cells in zip(program.context.classes, program.context.base.cells, strict=True):
        rest = cls.count
        for column in cells.values():
            x_j[column] = data.draw(st.integers(0, min(rest, int(program.matrix.high_j[column]))))
            rest -= int(x_j[column])
    return x_j


@few
@given(groups_with_names(), st.data())
def test_counts_in_are_counts_out(world: World, data: st.DataObject) -> None:
    """Decoded to units, and further to a plan's lines and its list of what is unplaced, nothing changes."""
    program = lower(world, partial=True)
    x_j = drawn_solution(program, data)
    sites = unit_sites(program.context, x_j)
    for cls, cells in zip(program.context.classes, program.context.base.cells, strict=True):
        for at, column in cells.items():
            site = program.context.places[at].site
            assert sum(sites[u.index].get(site, 0) for u in cls.units) == x_j[column]
    lines, missing = placements(world, sites, None), unplaced(world, sites)
    for name, entry in world.groups.items():
        placed = sum(p.count for p in lines if p.group == name)
        assert placed + sum(u.count for u in missing if u.group == name) == entry.count
    assert all(len(p.instances) <= p.count for p in lines)
    told = [n for line in (*lines, *missing) for n in line.instances]
    assert sorted(told) == sorted(u.name for u in world.units if u.name)


def test_lines_are_in_the_order_of_the_estate() -> None:
    """Groups in the order of the file, sites in the order of the tree, names with their line."""
    world = world_of(
        zones=zones(*SITES),
        groups=[group("late", 3, current={"z3": 1, "z1": 2}), group("early", 1)],
        instances=[{"id": "early-1", "group": "early", "site": "z2"}],
    )
    result = place(world, workers=1)
    assert result.plan is not None
    said = [(p.group, p.site, p.count, p.instances) for p in result.plan.placements]
    assert said == [("late", "z1", 2, []), ("late", "z3", 1, []), ("early", "z2", 1, ["early-1"])]


def test_a_witness_moves_exactly_what_is_displaced() -> None:
    """Six over three zones of four: whichever is lost, its two and no others are placed again."""
    world = world_of(
        zones=zones(*SITES, capacity={"cpu_milli": 4}),
        groups=[group("g", 6), group("h", 2)],
        rules=[
            {"rule": "spread", "level": "zone", "skew": 0, "groups": ["g"]},
            {"rule": "survive", "mode": "evacuate", "level": "zone"},
        ],
    )
    result = place(world, workers=1)
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
    here = Counter({(p.group, p.site): p.count for p in result.plan.placements})
    for scenario in result.plan.scenarios:
        (lost,) = scenario.lost
        for name in ("g", "h"):
            assert sum(p.count for p in scenario.placements if p.group == name) == here[name, lost]
        assert lost not in {p.site for p in scenario.placements}


@few
@given(groups_with_names(), st.data())
def test_what_arrives_in_a_scenario_is_given_to_who_was_lost(world: World, data: st.DataObject) -> None:
    """Arrivals by class go to the units that lost instances, as many as each lost and never more."""
    data_of = world.estate.model_copy(update={"rules": world_of(zones=zones("x"), rules=[SURVIVE]).estate.rules})
    program = lower(World(data_of), partial=True)
    ctx = program.context
    x_j = drawn_solution(program, data)
    base = unit_sites(ctx, x_j)
    wanted: dict[tuple[object, int], int] = {}
    for layer in ctx.layers[1:]:
        for cls in ctx.classes:
            here, after = ctx.base.cells[cls.index], layer.cells[cls.index]
            lost = sum(int(x_j[j]) for p, j in here.items() if ctx.places[p].site in layer.lost)
            own = [p for p, j in after.items() if j != here[p]]
            for p in own:
                x_j[after[p]] = x_j[here[p]]
            if own:
                x_j[after[own[0]]] += lost
                wanted[layer.scenario, cls.index] = lost
    for (_, scenario), moved in layer_sites(ctx, x_j, base).items():
        gone = {s for d in scenario for s in ctx.world.tree.sites_under[d]}
        for cls in ctx.classes:
            arrived = {u.index: sum(moved.get(u.index, {}).values()) for u in cls.units}
            displaced = {u.index: sum(n for s, n in base[u.index].items() if s in gone) for u in cls.units}
            assert sum(arrived.values()) == wanted.get((scenario, cls.index), 0)
            assert all(arrived[i] <= displaced[i] for i in arrived)


SURVIVE = {"rule": "survive", "mode": "evacuate", "level": "zone"}
