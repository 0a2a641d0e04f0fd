"""Availability against the sum over every combination of domains that are down."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from zonewright.models import World, estate_from_data
from zonewright.models.availability import (
    availability_assumptions,
    counts_availability,
    down_share,
    group_availability,
    service_availability,
)
from zonewright.models.outages import Exposure, conditioned_share, exact_share, sampled_share
from zonewright.models.topology import Domain
from zonewright.models.view import Row, View

Raw = dict[str, Any]


def every_state(exposure: Exposure) -> float:
    """Return the share by adding up every combination of domains that are down by themselves."""
    total = 0.0
    nodes = range(len(exposure.parent_n))
    for state in itertools.product((False, True), repeat=len(exposure.parent_n)):
        chance = 1.0
        for node, down in zip(nodes, state, strict=True):
            chance *= exposure.down_n[node] if down else 1 - exposure.down_n[node]
        if chance and _all_up(exposure, state):
            total += chance
    return total


def _all_up(exposure: Exposure, state: Sequence[bool]) -> bool:
    for sites, slack in zip(exposure.count_gs, exposure.slack_g, strict=True):
        lost = 0
        for site, count in sites.items():
            node = site
            while node >= 0 and not state[node]:
                node = exposure.parent_n[node]
            lost += count if node >= 0 else 0
        if lost > slack:
            return False
    return True


def drawn(seed: int, groups: int) -> Exposure:
    """Draw a small tree of regions, zones, racks and hosts, with groups on its leaves."""
    rng = random.Random(seed)
    parent_n: list[int] = []
    size = rng.randint(2, 8)
    for node in range(size):
        parent_n.append(-1 if node < rng.randint(1, 3) else rng.randrange(node))
    leaves = [node for node in range(size) if node not in parent_n]
    down_n = [rng.choice([0.0, 0.0, 0.1, 0.25, 0.6, 1.0, rng.random()]) for _ in range(size)]
    counts: list[Mapping[int, int]] = []
    slack: list[int] = []
    for _ in range(groups):
        sites = {leaf: rng.randint(0, 4) for leaf in leaves if rng.random() < 0.7}
        counts.append(sites)
        slack.append(rng.randint(-1 if rng.random() < 0.1 else 0, sum(sites.values()) + 1))
    return Exposure(parent_n, down_n, counts, slack)


@pytest.mark.parametrize("seed", range(90))
def test_groups_are_up_as_often_as_the_sum_over_all_states_says(seed: int) -> None:
    exposure = drawn(seed, 1 + seed % 3)
    expected = every_state(exposure)
    assert exact_share(exposure) == pytest.approx(expected, abs=1e-12)
    assert conditioned_share(exposure) == pytest.approx(expected, abs=1e-12)


def test_what_is_sampled_is_inside_its_interval_about_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(60):
        exposure = drawn(seed + 500, 2)
        value, low, high = sampled_share(exposure, 2_000, seed)
        expected = every_state(exposure)
        assert low <= value <= high
        inside += low - 1e-12 <= expected <= high + 1e-12
    assert inside >= 53


def test_long_sums_are_the_same_as_binomial_ones() -> None:
    """A thousand hosts of 20 each, and polynomials beyond what is summed directly."""
    hosts, each, down = 1_000, 20, 0.03
    exposure = Exposure([-1] * hosts, [down] * hosts, [dict.fromkeys(range(hosts), each)], [40 * each])
    log = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, hosts + 1)))])
    k = np.arange(41)
    terms = log[hosts] - log[k] - log[hosts - k] + k * np.log(down) + (hosts - k) * np.log1p(-down)
    assert exact_share(exposure) == pytest.approx(float(np.exp(terms).sum()), abs=1e-10)


def test_groups_that_share_every_host_are_sampled_with_an_interval() -> None:
    rng = random.Random(3)
    raw = estate(hosts=60)
    raw["groups"] = [
        {"id": f"g{k}", "count": 300, "demand": {"cpu_cores": 1}, "load": 250, "throughput": 1} for k in range(4)
    ]
    raw["services"] = [{"id": "all", "chain": [f"g{k}" for k in range(4)]}]
    world = World(estate_from_data(raw))
    rows = [
        Row(u.index, site, n) for u in world.units for site in world.tree.sites if (n := rng.choice((4, 5, 6, 5)))
    ]
    figure = service_availability(View(world, rows), "all", samples=20_000)
    assert not figure.exact
    assert figure.how == "sampling"
    assert 0 < figure.low < figure.value < figure.high < 1
    worst = min(group_availability(View(world, rows), f"g{k}").value for k in range(4))
    assert figure.low <= worst


def estate(hosts: int = 2) -> Raw:
    return {
        "estate": "e",
        "regions": [{"id": "r", "failures_per_year": 0.1, "hours_to_repair": 8.76}],
        "zones": [
            {"id": z, "in": "r", "failures_per_year": 2, "hours_to_repair": 8.76} for z in ("z1", "z2", "z3")
        ],
        "hosts": [
            {
                "id": f"h-{z}",
                "in": z,
                "count": hosts,
                "capacity": {"cpu_cores": 1000},
                "failures_per_year": 10,
                "hours_to_repair": 8.76,
            }
            for z in ("z1", "z2", "z3")
        ],
        "groups": [{"id": "web", "count": 3, "demand": {"cpu_cores": 1}, "quorum": "majority"}],
        "services": [{"id": "shop", "chain": ["web"]}],
    }


def test_a_group_over_three_zones() -> None:
    world = World(estate_from_data(estate()))
    rows = [Row(0, world.tree.by_id[f"h-{z}-0"], 1) for z in ("z1", "z2", "z3")]
    view = View(world, rows)
    up = 0.998 * 0.99
    expected = 0.9999 * (up**3 + 3 * up**2 * (1 - up))
    figure = group_availability(view, "web")
    assert figure.value == pytest.approx(expected, abs=1e-13)
    assert figure.exact
    assert figure.how == "convolution"
    assert service_availability(view, "shop").value == pytest.approx(expected, abs=1e-13)
    assert figure.minutes_down == pytest.approx((1 - expected) * 525_600)


def test_who_is_not_placed_is_not_up() -> None:
    world = World(estate_from_data(estate()))
    assert group_availability(View(world, []), "web").value == 0.0


def test_down_shares() -> None:
    assert down_share(Domain(id="d", failures_per_year=4, hours_to_repair=2.19)) == pytest.approx(0.001)
    assert down_share(Domain(id="d", failures_per_year=1000, hours_to_repair=10_000)) == 1.0
    assert down_share(Domain(id="d", failures_per_year=4)) == 0.0
    assert down_share(Domain(id="d")) == 0.0


def test_what_states_no_rate_is_an_assumption() -> None:
    raw = estate()
    raw["regions"] = [{"id": "r"}]
    raw["zones"][1] = {"id": "z2", "in": "r", "failures_per_year": 2}
    world = World(estate_from_data(raw))
    assert availability_assumptions(world, world.tree.sites) == [
        "failure rate of any region is not stated: taken as never failing",
        "failure rate of z2 is not stated: taken as never failing",
    ]


def test_counts_by_site() -> None:
    world = World(estate_from_data(estate()))
    z1 = world.tree.by_id["h-z1-0"]
    one = counts_availability(world, {z1: 5}, 5).value
    assert one == pytest.approx(0.9999 * 0.998 * 0.99)
    assert counts_availability(world, {z1: 5}, 6).value == 0.0
    assert counts_availability(world, {}, 0).value == 1.0
