"""What a plan costs, goal by goal, from scratch. Smaller is better; every value is an integer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zonewright.models.estate import URGENT
from zonewright.models.quantities import to_money, to_share
from zonewright.models.rules import all_rules
from zonewright.models.topology import State
from zonewright.models.transport import cheapest
from zonewright.models.view import View, Violation, leaving, priced_cost

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


def objective(view: View, violations: list[Violation]) -> list[tuple[str, int]]:
    """Return (goal, value) in the estate's order; `placed` and `soft` become one entry per priority.

    Where instances run today, `stopped` comes before `placed`: none is stopped for others unless preemptible.
    """
    world = view.world
    found: list[tuple[str, int]] = []
    for goal in world.estate.goals:
        if goal == "placed":
            if any(running(world, unit) for unit in world.units):
                found.append(("stopped", stopped(view)))
            found += _placed(view)
        elif goal in ("urgent", "soft"):
            found += _soft(world, violations, soft_priorities(world, goal))
        elif goal == "moves":
            found.append(("moves", moves(view)))
        elif goal == "cost":
            found.append(("cost", cost(view)))
        elif goal == "client_latency":
            found.append(("client_latency", client_latency(view)))
        elif goal == "balance":
            found.append(("balance", balance(view)))
        else:
            found.append(("hosts", len({row.site for row in view.rows if row.count})))
    return found


def _placed(view: View) -> Iterator[tuple[str, int]]:
    missing: dict[int, int] = {}
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        missing[unit.priority] = missing.get(unit.priority, 0) + unit.count - sum(sites.values())
    for priority in sorted(missing, reverse=True):
        yield f"placed[{priority}]", missing[priority]


def soft_priorities(world: World, goal: str) -> list[int]:
    """Return the priorities of soft rules that a goal is about, highest first: `urgent` ones, or the rest."""
    found = {rule.soft.priority for _, rule in all_rules(world) if rule.soft}
    if goal == "urgent":
        found = {priority for priority in found if priority >= URGENT}
    elif "urgent" in world.estate.goals:
        found = {priority for priority in found if priority < URGENT}
    return sorted(found, reverse=True)


def _soft(world: World, violations: list[Violation], priorities: list[int]) -> Iterator[tuple[str, int]]:
    for priority in priorities:
        total = sum(v.weight * v.amount for v in violations if not v.hard and v.priority == priority)
        yield f"soft[{priority}]", total


def running(world: World, unit: Unit) -> int:
    """Return how many of a unit run today and may not be stopped for others.

    Not preemptible, the site not failed; who has to leave a site has no claim to stay, only to be placed again.
    """
    if unit.preemptible:
        return 0
    memo: dict[tuple[int, str], bool] = world.__dict__.setdefault("_running_at", {})
    total = 0
    for site, count in unit.current.items():
        key = site, unit.product
        runs = memo.get(key)
        if runs is None:
            runs = memo[key] = _runs(world, *key)
        total += count if runs else 0
    return total


def _runs(world: World, site: int, product: str) -> bool:
    """Return whether who is at a site runs and may stay."""
    gone = world.tree.state(site, product) in (State.FAILED, State.COMING_SOON)
    return not gone and not world.tree.must_leave(site)


def stopped(view: View) -> int:
    """Return how many running instances have no place any more, those that are preemptible left aside."""
    total = 0
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        total += max(0, running(view.world, unit) - sum(sites.values()))
    return total


def moves(view: View) -> int:
    """Return how many instances that have a place today are no longer there, as the estate weighs a move."""
    total = 0
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        left = leaving(unit.current, sites)
        if left:
            total += left * move_weight(view.world, unit)
    return total


def move_weight(world: World, unit: Unit) -> int:
    """Return what one move of an instance weighs, at least 1: see `migration.weigh`.

    Downtime is 1 for what moves while it runs, else a second for every MiB/s of memory and disk and a minute.
    """
    by = world.estate.migration.weigh
    if by == "memory":
        return max(1, unit.demand.get("memory_mib", 0))
    if by == "disk":
        return max(1, unit.demand.get("disk_gib", 0))
    if by == "downtime":
        movable = world.estate.role == "operator" and not (
            unit.movability.local_disk or unit.movability.passthrough
        )
        size = unit.demand.get("memory_mib", 0) + 1024 * unit.demand.get("disk_gib", 0)
        return 1 if movable else 60 + size // world.estate.migration.mib_per_second
    return 1


def cost(view: View) -> int:
    """Return the cost per month: instances, opened domains, traffic between domains."""
    world = view.world
    total = 0
    used: set[int] = set()
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        total += priced_cost(view, unit, sites)
        for site in sites:
            used.update(world.tree.nodes[site].ancestors)
    total += sum(to_money(world.tree.nodes[node].domain.open_cost) for node in used)
    return total + sum(traffic_cost(view, *pair) for pair in traffic_pairs(world))


def traffic_pairs(world: World) -> list[tuple[str, str, int]]:
    """Return (from, to, GiB per month) with entries for the same pair added up."""
    found: dict[tuple[str, str], int] = {}
    for entry in world.estate.traffic:
        key = (entry.source, entry.target)
        found[key] = found.get(key, 0) + entry.gib_per_month
    return [(a, b, gib) for (a, b), gib in found.items()]


def traffic_unit_price(world: World, source: str, target: str, gib: int, a: int, b: int) -> int:
    """Return the price of one unit of flow between two zones.

    A group's traffic leaves its instances evenly and arrives at the other's evenly, so that with n
    senders and m receivers each sender sends m units of GiB / (n m), each receiver takes n of them.
    Rounded half up per unit.
    """
    units = world.groups[source].count * world.groups[target].count
    if not units:
        return 0
    return (2 * gib * world.traffic_price(a, b) + units) // (2 * units)


def traffic_cost(view: View, source: str, target: str, gib: int) -> int:
    """Return the least cost of one group's traffic to another: who talks to whom is chosen best."""
    world = view.world
    supply = {z: n * world.groups[target].count for z, n in _by_zone(view, source).items()}
    demand = {z: n * world.groups[source].count for z, n in _by_zone(view, target).items()}
    if not supply or not demand:
        return 0
    price = [[traffic_unit_price(world, source, target, gib, a, b) for b in demand] for a in supply]
    return cheapest(list(supply.values()), list(demand.values()), price)


def _by_zone(view: View, group: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for site, count in view.group_sites[group].items():
        zone = view.world.zone_of(site)
        found[zone] = found.get(zone, 0) + count
    return found


def client_latency(view: View) -> int:
    """Return the sum over groups and their clients of share x round trip to the nearest replica.

    In millionths x microseconds. A client whose latency to every replica is not stated counts the worst
    latency that the estate states.
    """
    world = view.world
    total = 0
    for name, group in world.groups.items():
        placed = {world.zone_of(s) for s in view.group_sites[name]}
        if not placed:
            continue
        for client, share in group.clients.items():
            known = [t for z in placed if (t := world.client_latency(client, z)) is not None]
            total += to_share(share) * (min(known) if known else worst_latency(world))
    return total


def worst_latency(world: World) -> int:
    """Return the largest latency stated anywhere, in microseconds."""
    return max(world._latencies.values(), default=0)


def balance(view: View) -> int:
    """Return most less least demanded cpu (milli-cores) over the zones that have sites."""
    world = view.world
    demanded = dict.fromkeys(world.tree.domains_at("zone"), 0)
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        for site, count in sites.items():
            zone = world.zone_of(site)
            demanded[zone] = demanded.get(zone, 0) + count * unit.demand.get("cpu_milli", 0)
    return max(demanded.values()) - min(demanded.values()) if demanded else 0
