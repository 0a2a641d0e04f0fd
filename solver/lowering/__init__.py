"""From rules to families: one function per kind of rule, kept in one table.

Every function takes (context, rule, label, layer). It is called with layer None first, when reach is
decided, and then once for the plan and once for every scenario of an evacuation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zonewright.solver.lowering.availability import availability
from zonewright.solver.lowering.balancer import load_balancer
from zonewright.solver.lowering.company import affinity, anti_affinity, separation
from zonewright.solver.lowering.distance import latency, synchronous_replicas
from zonewright.solver.lowering.during import avoid, keep_running, move_limit
from zonewright.solver.lowering.moves import double_occupancy, group_moves, move_cost
from zonewright.solver.lowering.network import network, subnet
from zonewright.solver.lowering.reach import (
    compatibility,
    domains,
    entitlement,
    pin,
    pinned,
    residency,
    scope,
    service_availability,
    zone_state,
)
from zonewright.solver.lowering.spread import spread
from zonewright.solver.lowering.sums import budget, capacity, free_ratio, load, quota
from zonewright.solver.lowering.survive import all_or_nothing, survive

Lowering = Callable[..., Any]

#: Kind of rule to its lowering.
LOWERINGS: dict[str, Lowering] = {
    "affinity": affinity,
    "all_or_nothing": all_or_nothing,
    "anti_affinity": anti_affinity,
    "availability": availability,
    "avoid": avoid,
    "budget": budget,
    "capacity": capacity,
    "compatibility": compatibility,
    "domains": domains,
    "double_occupancy": double_occupancy,
    "entitlement": entitlement,
    "free_ratio": free_ratio,
    "group_moves": group_moves,
    "keep_running": keep_running,
    "latency": latency,
    "load": load,
    "load_balancer": load_balancer,
    "move_cost": move_cost,
    "move_limit": move_limit,
    "network": network,
    "pin": pin,
    "pinned": pinned,
    "quota": quota,
    "residency": residency,
    "scope": scope,
    "separation": separation,
    "service_availability": service_availability,
    "spread": spread,
    "subnet": subnet,
    "survive": survive,
    "synchronous_replicas": synchronous_replicas,
    "zone_state": zone_state,
}

__all__ = ["LOWERINGS", "Lowering"]
