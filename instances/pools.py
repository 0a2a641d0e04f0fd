"""Generate zones without hosts that hold very many instances and must survive the loss of any one zone.

Arrays end in their axes: `g` group, `z` zone, `i` the zone that is lost, `r` resource.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zonewright.instances.demands import IntArray, demand_shapes, group_sizes, shapes_of_groups
from zonewright.instances.planting import FloatArray
from zonewright.instances.region import barring_rules
from zonewright.models.problems import InputError

#: What the first zone has beyond its need in memory, and the second in cpu: it makes all zones differ.
_EXTRA = 0.04


def zones_data(
    *,
    instances: int = 1_000_000,
    groups: int = 20_000,
    zones: int = 3,
    shapes: int = 120,
    fill: float = 0.97,
    seed: int = 0,
    barred_share: float = 0.1,
    largest_group: int = 5_000,
) -> dict[str, Any]:
    """Generate zones without hosts, the same for the same arguments.

    Every group must survive the loss of any zone by evacuation. Capacities are owned, unequal, and set
    from a plan with its evacuations, which is then dropped: when one of the two largest zones is lost, the
    rest is filled to about `fill`. The first of them is cheap in cpu and dear in memory and the second
    the other way round, so the cheapest placement sorts groups by their mix and then does not survive: with
    three zones both scenarios bind.

    Parameters
    ----------
    instances, groups, zones, shapes
        How many there are to be; `shapes` are distinct demands.
    fill
        Demand over what remains when a large zone is lost.
    seed
        Of the random numbers.
    barred_share
        Share of the groups that one zone does not take.
    largest_group
        No group is larger.

    Raises
    ------
    InputError
        When the sizes cannot go together.

    Examples
    --------
    >>> data = zones_data(instances=1000, groups=40, shapes=20, seed=1)
    >>> sum(group["count"] for group in data["groups"]), data["rules"][-1]["rule"]
    (1000, 'survive')
    """
    if zones < 3:
        raise InputError(f"is {zones}: losing one leaves room only with at least 3", path=("zones",))
    if not 0 < fill < 1:
        raise InputError(f"is {fill}, between 0 and 1 is needed", path=("fill",))
    if not 0 <= barred_share <= 1:
        raise InputError(f"is {barred_share}, between 0 and 1 is needed", path=("barred_share",))
    rng = np.random.default_rng(seed)
    count_g = group_sizes(rng, instances=instances, groups=groups, largest=largest_group)
    demand_sr = demand_shapes(rng, min(shapes, groups))
    demand_gr = demand_sr[shapes_of_groups(rng, demand_sr, count_g)]
    barred_g = np.full(groups, -1, dtype=np.int64)
    chosen = rng.permutation(groups)[: round(barred_share * groups)]
    barred_g[chosen] = rng.integers(0, zones, len(chosen))
    capacity_zr = _capacities(count_g[:, None] * demand_gr, barred_g, zones, fill)
    return {
        "estate": f"zones-{instances}x{groups}-{round(fill * 100)}pct-s{seed}",
        "description": f"Generated: {instances} instances, {groups} groups, {zones} zones, one may be lost",
        "regions": [{"id": "r1"}],
        "zones": [
            {
                "id": f"z{z + 1}",
                "in": "r1",
                "capacity": {"cpu_milli": int(capacity_zr[z, 0]), "memory_mib": int(capacity_zr[z, 1])},
                "price": _price(rng, z),
            }
            for z in range(zones)
        ],
        "groups": [
            {
                "id": f"app-{g:05d}",
                "count": int(count_g[g]),
                "demand": {"cpu_milli": int(demand_gr[g, 0]), "memory_mib": int(demand_gr[g, 1])},
            }
            for g in range(groups)
        ],
        "rules": [
            *barring_rules(barred_g, zones),
            {"rule": "survive", "id": "any-zone", "mode": "evacuate", "level": "zone"},
        ],
    }


def _capacities(wanted_gr: IntArray, barred_g: IntArray, zones: int, fill: float) -> IntArray:
    """Return `capacity_zr` that hold a plan in proportion to zone weights in every scenario.

    A group whose zones weigh w is placed by w / sum(w); when zone i is lost what remains of it is in
    proportion to the other weights, so that survivors stay where they are.
    """
    weight_z = np.concatenate([[1.0, 1.0], np.linspace(0.82, 0.7, zones - 2)])
    weight_gz = np.tile(weight_z, (len(barred_g), 1))
    barred = np.flatnonzero(barred_g >= 0)
    weight_gz[barred, barred_g[barred]] = 0.0
    need_zr = np.zeros((zones, wanted_gr.shape[1]))
    for lost in range(zones):
        left_gz: FloatArray = weight_gz.copy()
        left_gz[:, lost] = 0.0
        left_gz /= left_gz.sum(axis=1, keepdims=True)
        need_zr = np.maximum(need_zr, left_gz.T @ wanted_gr)
    need_zr[0, 1] *= 1 + _EXTRA
    need_zr[1, 0] *= 1 + _EXTRA
    return np.ceil(need_zr / fill).astype(np.int64)


def _price(rng: np.random.Generator, zone: int) -> dict[str, float]:
    cores, gib = ((6.6, 2.05), (7.6, 1.70))[zone] if zone < 2 else (7.8 + 0.2 * zone, 2.0 + 0.05 * zone)
    jitter = 1 + 0.01 * rng.uniform(-1, 1, 2)
    return {"cpu_cores": round(float(cores * jitter[0]), 2), "memory_gib": round(float(gib * jitter[1]), 3)}
