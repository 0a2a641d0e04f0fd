"""Every rule: what people can write, and what the world imposes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from zonewright.models.rules.availability import Availability
from zonewright.models.rules.balancer import LoadBalancing
from zonewright.models.rules.base import GroupRule, ReachRule, Rule, Soft
from zonewright.models.rules.company import Affinity, AntiAffinity, Separation
from zonewright.models.rules.distance import LatencyLimit, SynchronousReplicas
from zonewright.models.rules.during import Avoid, KeepRunning, MoveLimit
from zonewright.models.rules.limits import Budget, Capacity, FreeRatio, Load, Quota
from zonewright.models.rules.moves import DoubleOccupancy, GroupMoves, MoveCost
from zonewright.models.rules.network import NetworkReach, SubnetFit
from zonewright.models.rules.reach import (
    Compatibility,
    Domains,
    Entitlement,
    Pin,
    Pinned,
    Residency,
    ScopeOfAttachments,
    ServiceAvailability,
    ZoneState,
)
from zonewright.models.rules.spread import Spread
from zonewright.models.rules.survive import AllOrNothing, Survive

if TYPE_CHECKING:
    from zonewright.models.world import World

#: A rule that an estate can hold, told apart by its field `rule`.
AnyRule = Annotated[
    Affinity
    | AntiAffinity
    | Availability
    | Avoid
    | Budget
    | Domains
    | DoubleOccupancy
    | FreeRatio
    | GroupMoves
    | KeepRunning
    | LatencyLimit
    | Load
    | MoveCost
    | MoveLimit
    | Pin
    | Quota
    | Residency
    | Separation
    | Spread
    | Survive
    | SynchronousReplicas,
    Field(discriminator="rule"),
]

#: Rules that hold in every estate.
IMPLICIT_RULES: tuple[Rule, ...] = (
    ZoneState(rule="zone_state"),
    Entitlement(rule="entitlement"),
    Compatibility(rule="compatibility"),
    ServiceAvailability(rule="service_availability"),
    ScopeOfAttachments(rule="scope"),
    NetworkReach(rule="network"),
    Pinned(rule="pinned"),
    Capacity(rule="capacity"),
    SubnetFit(rule="subnet"),
    LoadBalancing(rule="load_balancer"),
    AllOrNothing(rule="all_or_nothing"),
)


def all_rules(world: World) -> list[tuple[str, Rule]]:
    """Return the rules that hold in an estate with their labels, the world's own first."""
    memo: list[tuple[str, Rule]] | None = world.__dict__.get("_all_rules")
    if memo is None:
        memo = [(rule.rule, rule) for rule in IMPLICIT_RULES]
        for position, rule in enumerate(world.estate.rules):
            memo.append((rule.id or f"{rule.rule}[{position}]", rule))
        world.__dict__["_all_rules"] = memo
    return memo


def reach_rules(world: World) -> list[tuple[str, ReachRule]]:
    """Return the hard rules that decide which sites a unit may use."""
    memo: list[tuple[str, ReachRule]] | None = world.__dict__.get("_reach_rules")
    if memo is None:
        memo = [(n, rule) for n, rule in all_rules(world) if isinstance(rule, ReachRule) and rule.soft is None]
        world.__dict__["_reach_rules"] = memo
    return memo


__all__ = [
    "IMPLICIT_RULES",
    "Affinity",
    "AllOrNothing",
    "AntiAffinity",
    "AnyRule",
    "Availability",
    "Avoid",
    "Budget",
    "Capacity",
    "Compatibility",
    "Domains",
    "DoubleOccupancy",
    "Entitlement",
    "FreeRatio",
    "GroupMoves",
    "GroupRule",
    "KeepRunning",
    "LatencyLimit",
    "Load",
    "LoadBalancing",
    "MoveCost",
    "MoveLimit",
    "NetworkReach",
    "Pin",
    "Pinned",
    "Quota",
    "ReachRule",
    "Residency",
    "Rule",
    "ScopeOfAttachments",
    "Separation",
    "ServiceAvailability",
    "Soft",
    "Spread",
    "SubnetFit",
    "Survive",
    "SynchronousReplicas",
    "ZoneState",
    "all_rules",
    "reach_rules",
]
