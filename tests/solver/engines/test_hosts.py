"""Packing counts per block onto hosts, around who stays."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest

from tests.solver.estates import group, world_of, zones
from zonewright.models import World, check_plan
from zonewright.solver import place
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.fine import fine_rules
from zonewright.solver.engines.hosts import Packer
from zonewright.solver.program import lower


def packer_of(world: World, seed: int = 0, stop: threading.Event | None = None) -> Packer:
    program = lower(world, pooled=True)
    fine = fine_rules(world, program.context.relaxed)
    assert fine is not None
    return Packer(program.context, fine, seed, Deadline(30.0, None, stop or threading.Event()))


def seated(world: World, seed: int = 0) -> dict[str, Counter[str]] | None:
    """Pack everything, all of it in the one zone there is. Group to host to count; None where it fails."""
    packer = packer_of(world, seed)
    ctx = packer.ctx
    x_j = np.zeros(len(ctx.rows.low), np.int64)
    for cls in ctx.classes:
        left = cls.count
        for column in ctx.base.cells[cls.index].values():
            x_j[column] = min(left, ctx.rows.high[column])
            left -= int(x_j[column])
    seats, failed = packer.pack(x_j)
    if seats is None:
        assert world.tree.nodes[failed].id == "z1"
        return None
    found: dict[str, Counter[str]] = {}
    for c, by_site in seats.items():
        of_group = found.setdefault(ctx.classes[c].unit.group, Counter())
        of_group.update({world.tree.nodes[s].id: n for s, n in by_site.items()})
    return found


def one_zone(hosts: list[int], groups: list[dict[str, object]], *rules: dict[str, object]) -> World:
    return world_of(
        zones=zones("z1"),
        racks=[{"id": f"k{k}", "in": "z1"} for k in range(2)],
        hosts=[
            {"id": f"h{n}", "in": f"k{n % 2}", "capacity": {"cpu_milli": size}} for n, size in enumerate(hosts)
        ],
        groups=groups,
        rules=list(rules),
    )


def test_counts_are_packed_under_capacity_and_the_limits_of_groups() -> None:
    """Four of 3 and four of 5 fill four hosts of 8 to the brim, at most one of each group per host."""
    apart = {"rule": "anti_affinity", "level": "host", "at_most": 1}
    small, large = group("small", 4, demand={"cpu_milli": 3}), group("large", 4, demand={"cpu_milli": 5})
    found = seated(one_zone([8, 8, 8, 8], [small, large], apart))
    assert found == {name: Counter({f"h{n}": 1 for n in range(4)}) for name in ("small", "large")}


def test_limits_per_rack_are_kept() -> None:
    """Four hosts in two racks, two per rack at most: two in each rack, wherever room is."""
    world = one_zone([8, 1, 8, 1], [group("g", 4)], {"rule": "anti_affinity", "level": "rack", "at_most": 2})
    found = seated(world)
    assert found is not None
    assert found["g"]["h0"] + found["g"]["h2"] == found["g"]["h1"] + found["g"]["h3"] == 2


def test_what_cannot_be_packed_names_its_zone() -> None:
    """Three of 5 on hosts of 8 and 7: the sum would do, two hosts do not."""
    assert seated(one_zone([8, 7], [group("g", 3, demand={"cpu_milli": 5})])) is None


def test_whoever_has_a_place_keeps_it_while_the_rest_is_packed() -> None:
    """Three small ones are on the large host today; a fourth and a large one come: nobody moves."""
    groups = [
        group("small", 4, demand={"cpu_milli": 2}, current={"h0": 3}),
        group("large", 1, demand={"cpu_milli": 4}),
    ]
    found = seated(one_zone([10, 2], groups))
    assert found is not None
    assert found["small"]["h0"] == 3
    assert found["large"]["h0"] == 1


def test_very_many_small_ones_on_one_large_host_stay() -> None:
    """300 on the one large host among a hundred small ones, where the average is three."""
    world = one_zone([300, *[3] * 100], [group("g", 300, current={"h0": 300}), group("x", 30)])
    found = seated(world)
    assert found is not None
    assert found["g"] == Counter({"h0": 300})


def test_very_many_small_ones_fit_on_one_large_host() -> None:
    """300 on a host for 300, and hosts that are too small for anybody beside it."""
    groups = [group("g", 300, demand={"cpu_milli": 2})]
    assert seated(one_zone([600, *[1] * 100], groups)) == {"g": Counter({"h0": 300})}


@pytest.mark.parametrize("seed", [0, 5])
def test_the_same_seed_gives_the_same_seats(seed: int) -> None:
    """Packing has no other source of chance."""
    groups = [group(f"g{k}", 6, demand={"cpu_milli": 2 + k}) for k in range(5)]
    world = one_zone([21] * 6, groups, {"rule": "anti_affinity", "level": "host", "at_most": 2})
    assert seated(world, seed) is not None
    assert seated(world, seed) == seated(world, seed)


def test_a_lost_hosts_instances_are_packed_beside_those_that_stay() -> None:
    """Two hosts of 4 with 2 each: whichever is lost, the other takes its two and moves nobody."""
    world = one_zone(
        [4, 4],
        [group("g", 4)],
        {"rule": "anti_affinity", "level": "host", "at_most": 4},
        {"rule": "survive", "mode": "evacuate", "level": "host"},
    )
    result = place(world, workers=1)
    assert result.status == "OPTIMAL"
    assert result.plan is not None
    assert check_plan(world, result.plan).valid
