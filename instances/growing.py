"""Generate a fleet that is to grow: zones of hosts two thirds full, more instances wanted, hosts for sale.

Arrays end in their axes: `g` group, `h` host, `t` host type, `s` shape, `r` resource.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zonewright.instances.demands import IntArray, group_sizes
from zonewright.models.problems import InputError

#: Cores, GiB of memory and price per month of hosts for sale.
HOST_TYPES = ((32, 128, 330), (64, 256, 610), (96, 384, 890), (128, 1024, 1430))
#: Cores and GiB of memory of instances.
_SHAPES = (
    (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (16, 32), (4, 32), (16, 64), (8, 64), (32, 64), (2, 16),
)  # fmt: skip


def growing_data(
    *,
    instances: int = 3_000,
    groups: int = 300,
    zones: int = 3,
    shapes: int = 10,
    running: float = 0.65,
    fill: float = 0.66,
    seed: int = 0,
) -> dict[str, Any]:
    """Generate a fleet that is to hold more, and to survive the loss of any zone, the same for the same arguments.

    Of every group some instances run already, at most one on a host; hosts of four types are for sale in every
    zone, at prices that differ a little by zone.

    Parameters
    ----------
    instances, groups, zones
        How many there are to be.
    shapes
        How many distinct demands, at most 12.
    running
        Share of the instances that run already.
    fill
        Their demand over the capacity of all hosts, of the scarcer resource.
    seed
        Of the random numbers.

    Raises
    ------
    InputError
        When the sizes cannot go together.

    Examples
    --------
    >>> data = growing_data(instances=200, groups=30, seed=1)
    >>> sum(group["count"] for group in data["groups"]), len(data["offers"])
    (200, 4)
    """
    if zones < 1:
        raise InputError(f"is {zones}, at least 1 is needed", path=("zones",))
    if not 1 <= shapes <= len(_SHAPES):
        raise InputError(f"is {shapes}: there are 1 to {len(_SHAPES)}", path=("shapes",))
    if not 0 <= running <= 1 or not 0 < fill < 1:
        raise InputError(f"{running:g} running and {fill:g} full: both are shares", path=("fill",))
    rng = np.random.default_rng(seed)
    count_g = group_sizes(rng, instances=instances, groups=groups, largest=max(8, 6 * instances // groups))
    demand_sr = np.array(_SHAPES[:shapes], np.int64)
    weight_s = rng.dirichlet(np.full(shapes, 2.0)) / demand_sr[:, 0]
    demand_gr = demand_sr[rng.choice(shapes, groups, p=weight_s / weight_s.sum())]
    running_g = rng.binomial(count_g, running)
    type_h = _hosts(rng, running_g @ demand_gr, zones, fill)
    current = _seats(rng, demand_gr, running_g, type_h)
    price_tz = np.array([p for _, _, p in HOST_TYPES])[:, None] * rng.uniform(0.94, 1.06, (len(HOST_TYPES), zones))
    data: dict[str, Any] = {
        "estate": f"growing-{instances}x{groups}-{zones}z-s{seed}",
        "description": f"Generated: {int(running_g.sum())} of {instances} instances run on {len(type_h)} hosts",
        "role": "operator",
        "regions": [{"id": "r1"}],
        "zones": [{"id": f"z{z + 1}", "in": "r1"} for z in range(zones)],
        "hosts": [
            {"id": f"h{h:04d}", "in": f"z{h % zones + 1}", "capacity": _capacity(int(t))}
            for h, t in enumerate(type_h)
        ],
        "groups": [
            {
                "id": f"app-{g:04d}",
                "count": int(count_g[g]),
                "demand": {"cpu_cores": int(demand_gr[g, 0]), "memory_gib": int(demand_gr[g, 1])},
                "current": current[g],
            }
            for g in range(groups)
        ],
        "rules": [{"rule": "anti_affinity", "id": "one-per-host", "level": "host", "at_most": 1}],
        "offers": [
            {
                "id": f"t{cores}",
                "host": {"capacity": _capacity(t)},
                "zones": [f"z{z + 1}" for z in range(zones)],
                "prices": {f"z{z + 1}": round(float(price_tz[t, z]), 2) for z in range(zones)},
            }
            for t, (cores, _, _) in enumerate(HOST_TYPES)
        ],
    }
    if zones > 1:
        survive = {"rule": "survive", "id": "any-zone", "level": "zone", "mode": "evacuate"}
        data["rules"].append(survive)
    return data


def _capacity(host_type: int) -> dict[str, int]:
    cores, memory, _ = HOST_TYPES[host_type]
    return {"cpu_cores": cores, "memory_gib": memory}


def _hosts(rng: np.random.Generator, used_r: IntArray, zones: int, fill: float) -> IntArray:
    """Return the types of hosts, alike in all zones, that what runs fills as asked."""
    types: list[int] = []
    size_tr = np.array([(cores, memory) for cores, memory, _ in HOST_TYPES])
    while not types or np.any(size_tr[types].sum(axis=0) * fill < used_r):
        types += [int(rng.integers(len(HOST_TYPES)))] * zones
    return np.array(types, np.int64)


def _seats(
    rng: np.random.Generator, demand_gr: IntArray, running_g: IntArray, type_h: IntArray
) -> list[dict[str, int]]:
    """Return who runs where: one of a group per host, the largest first, at random where there is more room."""
    room_hr = np.array([(cores, memory) for cores, memory, _ in HOST_TYPES], np.int64)[type_h]
    full_hr = room_hr.copy()
    current: list[dict[str, int]] = [{} for _ in running_g]
    for g in np.argsort(-demand_gr.max(axis=1), kind="stable").tolist():
        for _ in range(int(running_g[g])):
            taken = [int(name[1:]) for name in current[g]]
            fits = np.all(room_hr >= demand_gr[g], axis=1)
            fits[taken] = False
            if not fits.any():
                raise InputError("the hosts cannot hold what is to run. Maybe a lower fill", path=("fill",))
            chance_h = np.where(fits, (room_hr / full_hr).min(axis=1) ** 3 + 1e-6, 0.0)
            h = int(rng.choice(len(type_h), p=chance_h / chance_h.sum()))
            room_hr[h] -= demand_gr[g]
            current[g][f"h{h:04d}"] = 1
    return current
