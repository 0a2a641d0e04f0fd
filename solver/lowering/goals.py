"""Lowering of goals: what each one charges to its stage."""

from __future__ import annotations

from zonewright.models.estate import Estate
from zonewright.models.goals import move_weight, running, soft_priorities, traffic_pairs, traffic_unit_price
from zonewright.models.quantities import to_money, to_share
from zonewright.models.world import World
from zonewright.solver.context import Context
from zonewright.solver.families.costs import Moving, Nearest, Opening, Traffic
from zonewright.solver.families.sums import Balance, Linear
from zonewright.solver.rows import Tag


def stage_names(world: World) -> list[str]:
    """Return the goals in order, one `placed` and one `soft` for each priority."""
    estate: Estate = world.estate
    names: list[str] = []
    for goal in estate.goals:
        if goal == "placed":
            if any(running(world, unit) for unit in world.units):
                names.append("stopped")
            names += [f"placed[{p}]" for p in sorted({u.priority for u in world.units}, reverse=True)]
        elif goal in ("urgent", "soft"):
            names += [f"soft[{p}]" for p in soft_priorities(world, goal)]
        else:
            names.append(goal)
    return names


def lower_goals(ctx: Context) -> None:
    """Add the families that charge the goals of the estate."""
    goals = ctx.world.estate.goals
    if "moves" in goals or "cost" in goals:
        _moving(ctx, "moves" in goals, "cost" in goals)
    if "cost" in goals:
        _cost(ctx)
    if "client_latency" in goals:
        _client_latency(ctx)
    if "balance" in goals:
        _balance(ctx)
    if "hosts" in goals:
        _hosts(ctx)


def _moving(ctx: Context, moves: bool, cost: bool) -> None:
    for cls in ctx.classes:
        here: dict[int, int] = {}
        for site, count in cls.current.items():
            place = ctx.place_of.get(site, -1)
            here[place] = here.get(place, 0) + count
        cells = ctx.base.cells[cls.index]
        weight = move_weight(ctx.world, cls.unit) if here else 1
        for place, count in here.items():
            column = cells.get(place)
            tag = Tag("goal", "moves", cls.group)
            if column is None:
                if moves:
                    ctx.add(Linear(tag, (), (), "moves", constant=count * weight))
                continue
            credit = ctx.world.price(cls.unit, ctx.places[place].site) if cost and cls.unit.prepaid else 0
            if moves or credit:
                ctx.add(
                    Moving(
                        tag,
                        column,
                        count,
                        "moves" if moves else None,
                        credit,
                        "cost" if credit else None,
                        weight=weight,
                    )
                )


def _cost(ctx: Context) -> None:
    columns: list[int] = []
    values: list[int] = []
    for cls in ctx.classes:
        for place, column in ctx.base.cells[cls.index].items():
            price = ctx.world.price(cls.unit, ctx.places[place].site)
            if price:
                columns.append(column)
                values.append(price)
    ctx.add(Linear(Tag("goal", "cost"), tuple(columns), tuple(values), "cost"))
    for node in ctx.world.tree.nodes:
        opening = to_money(node.domain.open_cost)
        if opening:
            _open(ctx, node.index, opening, "cost")
    for source, target, gib in traffic_pairs(ctx.world):
        _traffic(ctx, source, target, gib)


def _open(ctx: Context, node: int, cost: int, goal: str) -> None:
    """A cost for a domain in use; a host in a pool is counted by its pool, once per host.

    Of a pool that is partly in the domain nobody need be inside: it is left out.
    """
    places, sites = ctx.within(node), 1
    names = {ctx.world.tree.nodes[node].id}
    if node in ctx.place_of:
        pool = ctx.places[ctx.place_of[node]]
        if pool.site != node:
            return
        places, sites = {pool.index}, len(pool.sites)
        names = {ctx.world.tree.nodes[site].id for site in pool.sites}
    columns: list[int] = []
    demands: list[dict[str, int]] = []
    for cls in ctx.classes:
        for place, column in ctx.base.cells[cls.index].items():
            if place in places:
                columns.append(column)
                demands.append(dict(cls.unit.demand))
    domain = ctx.world.tree.nodes[node]
    sizes = []
    for resource in domain.domain.capacity:
        usable = domain.usable(resource)
        if usable is not None:
            more = ctx.tolerance.within("capacity", names, resource) if ctx.tolerance.given else 0
            sizes.append((tuple(d.get(resource, 0) for d in demands), usable + more))
    ctx.add(Opening(Tag("goal", goal, None, domain.id), tuple(columns), cost, goal, tuple(sizes), sites))


def _hosts(ctx: Context) -> None:
    for site in ctx.world.tree.sites:
        _open(ctx, site, 1, "hosts")


def _traffic(ctx: Context, source: str, target: str, gib: int) -> None:
    senders, receivers = ctx.by_zone(ctx.base, source), ctx.by_zone(ctx.base, target)
    if not senders or not receivers or not gib:
        return
    price = tuple(
        tuple(traffic_unit_price(ctx.world, source, target, gib, a, b) for b in receivers) for a in senders
    )
    if not any(p for row in price for p in row):
        return
    groups = ctx.world.groups
    family = Traffic(
        Tag("goal", "cost", source),
        tuple(senders.values()),
        tuple(receivers.values()),
        price,
        groups[target].count,
        groups[source].count,
        "cost",
        not ctx.partial,
    )
    ctx.add(family)


def _client_latency(ctx: Context) -> None:
    world = ctx.world
    worst = max(world._latencies.values(), default=0)
    for name, group in world.groups.items():
        if not group.count:
            continue
        zones = ctx.by_zone(ctx.base, name)
        for client, share in group.clients.items():
            sets = []
            for zone, columns in zones.items():
                time = world.client_latency(client, zone)
                sets.append((columns, worst if time is None else time))
            tag = Tag("goal", "client_latency", name, None, client)
            ctx.add(Nearest(tag, tuple(sets), to_share(share), "client_latency", not ctx.partial))


def _balance(ctx: Context) -> None:
    sums: dict[int, tuple[list[int], list[int]]] = {z: ([], []) for z in ctx.world.tree.domains_at("zone")}
    for cls in ctx.classes:
        cpu = cls.unit.demand.get("cpu_milli", 0)
        for place, column in ctx.base.cells[cls.index].items():
            columns, values = sums.setdefault(ctx.world.zone_of(ctx.places[place].site), ([], []))
            columns.append(column)
            values.append(cpu)
    ctx.add(Balance(Tag("goal", "balance"), tuple((tuple(c), tuple(v)) for c, v in sums.values()), "balance"))
