"""From rules to a board: one function per kind of rule, kept in one table.

Every function takes (draft, rule, label), and raises Refused, in the user's words, where a board cannot say the
rule exactly. Rules on reach alone are lowered by `zonewright.solver.lowering`, whose profiles the draft has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zonewright.solver.search.lowerings.counts import (
    affinity,
    all_or_nothing,
    anti_affinity,
    availability,
    separation,
    spread,
    survive,
)
from zonewright.solver.search.lowerings.distance import latency, synchronous_replicas
from zonewright.solver.search.lowerings.draft import Draft, Refused
from zonewright.solver.search.lowerings.moving import (
    avoid,
    double_occupancy,
    group_moves,
    keep_running,
    move_cost,
    move_limit,
)
from zonewright.solver.search.lowerings.network import load_balancer, network, subnet
from zonewright.solver.search.lowerings.reach import by_reach, domains, pin, residency
from zonewright.solver.search.lowerings.sums import budget, capacity, free_ratio, load, quota

BoardLowering = Callable[[Draft, Any, str], None]

#: Kind of rule to its lowering.
BOARD_LOWERINGS: dict[str, BoardLowering] = {
    "affinity": affinity,
    "all_or_nothing": all_or_nothing,
    "anti_affinity": anti_affinity,
    "availability": availability,
    "avoid": avoid,
    "budget": budget,
    "capacity": capacity,
    "compatibility": by_reach,
    "domains": domains,
    "double_occupancy": double_occupancy,
    "entitlement": by_reach,
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
    "pinned": by_reach,
    "quota": quota,
    "residency": residency,
    "scope": by_reach,
    "separation": separation,
    "service_availability": by_reach,
    "spread": spread,
    "subnet": subnet,
    "survive": survive,
    "synchronous_replicas": synchronous_replicas,
    "zone_state": by_reach,
}

__all__ = ["BOARD_LOWERINGS", "BoardLowering", "Draft", "Refused"]
