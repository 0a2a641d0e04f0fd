"""No sum that an estate implies is beyond what can be counted exactly: checked before anything is summed.

Integers are read as doubles in places (linear programs, flows), and those are exact up to 2^53. Every check
bounds the largest sum there can be, so that nothing further on has to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonewright.models.availability import PARTS
from zonewright.models.problems import InputError
from zonewright.models.quantities import LATENCY, MONEY, SHARE, SPELLINGS
from zonewright.models.rules.availability import Availability
from zonewright.models.rules.limits import Budget, FreeRatio, Load, Quota
from zonewright.models.rules.moves import MoveCost

if TYPE_CHECKING:
    from zonewright.models.resources import Group, Instance
    from zonewright.models.world import World

MOST_TOTAL = 2**53

Path = tuple[str | int, ...]


def check_magnitudes(world: World) -> None:
    """Raise InputError at the first entry with which a sum may exceed 2^53."""
    demands = _demands(world)
    _capacities(world)
    costs = _costs(world)
    _soft(world, demands, costs)
    _client_latency(world)


def _refuse(what: str, total: float, path: Path) -> InputError:
    return InputError(f"{what} may add up to {total:.3g}, beyond the {MOST_TOTAL:.3g} that is exact", path=path)


def _demands(world: World) -> dict[str, int]:
    """Return the demand for each resource over all instances."""
    totals: dict[str, int] = {}
    for position, group in enumerate(world.estate.groups):
        flavour = world.flavours.get(group.flavour or "")
        for resource, amount in (flavour.resources if flavour else group.demand).items():
            totals[resource] = totals.get(resource, 0) + amount * group.count
            if totals[resource] > MOST_TOTAL:
                what = f"with {group.count} instances of {group.id} the demand for {resource}"
                raise _refuse(what, totals[resource], ("groups", position, "count"))
    for position, instance in enumerate(world.estate.instances):
        flavour = world.flavours.get(instance.flavour or "")
        for resource, amount in (instance.demand or (flavour.resources if flavour else {})).items():
            totals[resource] = totals.get(resource, 0) + amount
            if totals[resource] > MOST_TOTAL:
                what = f"with {instance.id} the demand for {resource}"
                raise _refuse(what, totals[resource], ("instances", position))
    return totals


def _capacities(world: World) -> None:
    totals: dict[str, int] = {}
    for site in world.tree.sites:
        node = world.tree.nodes[site]
        for resource in node.domain.capacity:
            totals[resource] = totals.get(resource, 0) + (node.usable(resource) or 0)
            if totals[resource] > MOST_TOTAL:
                what = f"with {node.id} the capacity for {resource}"
                hint = " (leave a resource out where it has no limit)"
                raise _refuse(what + hint, totals[resource], (f"{node.level}s",))


def _costs(world: World) -> float:
    """Return an upper bound on the cost per month, in ten-thousandths."""
    dearest = _dearest(world)
    total = 0.0
    for position, group in enumerate(world.estate.groups):
        total += group.count * _price(world, group, dearest) * MONEY
        if total > MOST_TOTAL:
            what = f"with {group.count} instances of {group.id} the cost in ten-thousandths"
            raise _refuse(what, total, ("groups", position, "count"))
    for position, instance in enumerate(world.estate.instances):
        total += _price(world, instance, dearest) * MONEY
        if total > MOST_TOTAL:
            raise _refuse(f"with {instance.id} the cost in ten-thousandths", total, ("instances", position))
    for node in world.tree.nodes:
        total += node.domain.open_cost * MONEY
        if total > MOST_TOTAL:
            raise _refuse(f"with {node.id} the cost in ten-thousandths", total, (f"{node.level}s",))
    prices = [p for c in world.catalogues for p in c.traffic_prices] + world.estate.traffic_prices
    per_gib = max((price.per_gib for price in prices), default=0.0)
    for position, traffic in enumerate(world.estate.traffic):
        pairs = world.groups[traffic.source].count * world.groups[traffic.target].count
        if pairs > MOST_TOTAL:
            raise _refuse("the pairs of instances", pairs, ("traffic", position))
        # The price per pair is rounded: half a ten-thousandth each way at most.
        total += traffic.gib_per_month * per_gib * MONEY + pairs
        if total > MOST_TOTAL:
            raise _refuse("with this traffic the cost in ten-thousandths", total, ("traffic", position))
    return total


def _dearest(world: World) -> dict[str, float]:
    """Return the highest price of one unit of each resource."""
    found: dict[str, float] = {}
    for node in world.tree.nodes:
        for name, price in node.domain.price.items():
            resource, factor = SPELLINGS.get(name, (name, 1))
            found[resource] = max(found.get(resource, 0.0), price / factor)
    return found


def _price(world: World, entry: Group | Instance, dearest: dict[str, float]) -> float:
    """Return the most that one instance of a group, or a named instance, can cost."""
    flavour = world.flavours.get(entry.flavour or "")
    demand = entry.demand or (flavour.resources if flavour else {})
    by_resource = sum(dearest.get(resource, 0.0) * amount for resource, amount in demand.items())
    prices: list[float] = list(flavour.price.values()) if flavour else []
    return max(by_resource, *prices, 0.0)


def _soft(world: World, demands: dict[str, int], costs: float) -> None:
    instances = sum(group.count for group in world.estate.groups)
    total = 0.0
    for position, rule in enumerate(world.estate.rules):
        if rule.soft is None:
            continue
        if isinstance(rule, Budget):
            worst = costs
        elif isinstance(rule, Load):
            worst = sum(demands.values())
        elif isinstance(rule, FreeRatio):
            worst = demands.get(rule.beside, 0) + rule.ratio * _free(world, rule)
        elif isinstance(rule, MoveCost):
            worst = _moving(world) if rule.own else instances * rule.farthest
        elif isinstance(rule, Quota):
            worst = demands.get(rule.resource or "", instances)
        elif isinstance(rule, Availability):
            worst = PARTS * len(rule.targets(world))
        else:
            worst = instances
        total += rule.soft.weight * worst
        if total > MOST_TOTAL:
            raise _refuse("weight x amount of the soft rules", total, ("rules", position, "soft"))


def _free(world: World, rule: FreeRatio) -> int:
    nodes = (world.tree.nodes[node] for node in world.tree.domains_at(rule.level))
    return sum(node.usable(rule.resource) or 0 for node in nodes)


def _moving(world: World) -> int:
    """Return an upper bound on the instances' own cost of moving them all."""
    groups = sum(group.count * group.move_cost for group in world.estate.groups)
    return groups + sum(instance.move_cost or 0 for instance in world.estate.instances)


def _client_latency(world: World) -> None:
    if "client_latency" not in world.estate.goals:
        return
    entries = [e for c in world.catalogues for e in c.latencies] + world.estate.latencies
    worst = max((entry.rtt_ms for entry in entries), default=0.0) * LATENCY * SHARE
    groups: list[Group] = [group for group in world.estate.groups if group.clients]
    if worst * len(groups) > MOST_TOTAL:
        position = max(
            range(len(world.estate.latencies)), key=lambda p: world.estate.latencies[p].rtt_ms, default=0
        )
        raise _refuse("latency x share of clients", worst * len(groups), ("latencies", position, "rtt_ms"))
