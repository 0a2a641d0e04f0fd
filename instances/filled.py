"""Generate zones that are filled already, so far that losing one of them makes survivors move.

Arrays end in their axes: `g` group, `z` zone, `r` resource.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zonewright.instances.demands import IntArray, demand_shapes, group_sizes, shapes_of_groups
from zonewright.instances.region import barring_rules
from zonewright.models.problems import InputError


def filled_data(
    *,
    instances: int = 1_000_000,
    groups: int = 20_000,
    zones: int = 3,
    shapes: int = 120,
    fill: float = 0.66,
    seed: int = 0,
    barred_share: float = 0.3,
    largest_group: int = 5_000,
) -> dict[str, Any]:
    """Generate equal zones with everybody in place, the same for the same arguments.

    Every group is spread evenly over the zones that take it. The barred ones are kept out of the first zone,
    so that the others hold more; when another zone is lost they all have to go where no other may follow,
    and who may move makes room for them.

    Parameters
    ----------
    instances, groups, zones, shapes
        How many there are to be; `shapes` are distinct demands.
    fill
        Demand over the capacity of all zones.
    seed
        Of the random numbers.
    barred_share
        Share of the groups that the first zone does not take.
    largest_group
        No group is larger.

    Raises
    ------
    InputError
        When the sizes cannot go together.

    Examples
    --------
    >>> data = filled_data(instances=1000, groups=40, shapes=20, seed=1)
    >>> sum(sum(group["current"].values()) for group in data["groups"])
    1000
    """
    if zones < 2:
        raise InputError(f"is {zones}: losing one leaves something only with at least 2", path=("zones",))
    if not 0 < fill <= 1:
        raise InputError(f"is {fill}, more than 0 and at most 1 is needed", path=("fill",))
    if not 0 <= barred_share <= 1:
        raise InputError(f"is {barred_share}, between 0 and 1 is needed", path=("barred_share",))
    rng = np.random.default_rng(seed)
    count_g = group_sizes(rng, instances=instances, groups=groups, largest=largest_group)
    demand_sr = demand_shapes(rng, min(shapes, groups))
    demand_gr = demand_sr[shapes_of_groups(rng, demand_sr, count_g)]
    barred_g = np.full(groups, -1, dtype=np.int64)
    barred_g[rng.permutation(groups)[: round(barred_share * groups)]] = 0
    count_gz = _spread(rng, count_g, barred_g, zones)
    capacity_r = np.ceil(count_g @ demand_gr / zones / fill).astype(np.int64)
    if (count_gz.T @ demand_gr > capacity_r).any():
        raise InputError(f"with {fill} of all zones filled one of them would hold too much", path=("fill",))
    return {
        "estate": f"filled-{instances}x{groups}-{round(fill * 100)}pct-s{seed}",
        "description": f"Generated: {instances} instances in place, {groups} groups, {zones} zones",
        "regions": [{"id": "r1"}],
        "zones": [
            {
                "id": f"z{z + 1}",
                "in": "r1",
                "capacity": {"cpu_milli": int(capacity_r[0]), "memory_mib": int(capacity_r[1])},
            }
            for z in range(zones)
        ],
        "groups": [
            {
                "id": f"app-{g:05d}",
                "count": int(count_g[g]),
                "demand": {"cpu_milli": int(demand_gr[g, 0]), "memory_mib": int(demand_gr[g, 1])},
                "current": {f"z{z + 1}": int(count_gz[g, z]) for z in range(zones) if count_gz[g, z]},
            }
            for g in range(groups)
        ],
        "rules": barring_rules(barred_g, zones),
    }


def _spread(rng: np.random.Generator, count_g: IntArray, barred_g: IntArray, zones: int) -> IntArray:
    """Return `count_gz`: every group as even as it can be over the zones that take it."""
    open_gz = np.arange(zones)[None, :] != barred_g[:, None]
    width_g = open_gz.sum(axis=1)
    count_gz = np.where(open_gz, (count_g // width_g)[:, None], 0)
    turn_gz = np.where(open_gz, rng.random(open_gz.shape), 2.0).argsort(axis=1).argsort(axis=1)
    extra_gz: IntArray = turn_gz < (count_g % width_g)[:, None]
    return count_gz + extra_gz
