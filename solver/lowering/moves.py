"""Lowering of what moves cost, and of what they hold at both ends.

Moves between the hosts of a pool are not seen: what is said of pools is a relaxation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zonewright.models.rules import DoubleOccupancy, GroupMoves, MoveCost
from zonewright.models.tree import Node
from zonewright.solver.classes import Class
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.base import Soften
from zonewright.solver.families.moving import DoubleUse, Journeys, Leavers, MostLeaving, Place
from zonewright.solver.families.sums import Linear
from zonewright.solver.rows import Tag


def double_occupancy(ctx: Context, rule: DoubleOccupancy, label: str, layer: Layer | None) -> None:
    """What leaves a domain counts there as well."""
    if layer is None or layer.event:
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    cells: dict[int, list[tuple[Class, int]]] = {}
    today: dict[int, list[tuple[Class, int]]] = {}
    domain_p = ctx.domain_of(rule.level)
    for cls in ctx.classes:
        for place, column in layer.cells[cls.index].items():
            inside = domain_p[place]
            if inside is not None:
                cells.setdefault(inside, []).append((cls, column))
        for domain, count in _by_domain(ctx, cls.current, rule.level).items():
            today.setdefault(domain, []).append((cls, count))
    for domain, here in today.items():
        node = ctx.world.tree.nodes[domain]
        for resource in node.domain.capacity:
            if rule.counts(resource):
                _held(ctx, rule, label, node, resource, cells.get(domain, []), here)


def _by_domain(ctx: Context, current: Mapping[int, int], level: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for site, count in current.items():
        domain = ctx.world.tree.at_level(site, level)
        if domain is not None:
            found[domain] = found.get(domain, 0) + count
    return found


def _held(
    ctx: Context,
    rule: DoubleOccupancy,
    label: str,
    node: Node,
    resource: str,
    cells: list[tuple[Class, int]],
    today: list[tuple[Class, int]],
) -> None:
    """One domain and resource: its use, and what those that are there today hold once they have left."""
    limit = rule.limit(ctx.world, node, resource)
    if limit is None:
        return
    terms = [(j, v) for cls, j in cells if (v := cls.unit.demand.get(resource, 0))]
    inside: dict[int, list[int]] = {}
    for cls, column in cells:
        inside.setdefault(cls.index, []).append(column)
    places = tuple(
        Place(tuple(inside.get(cls.index, ())), count, each)
        for cls, count in today
        if (each := cls.unit.demand.get(resource, 0))
    )
    wider = ctx.bought(node.index, resource)
    usable = node.usable(resource) or 0
    if wider is not None:
        terms += [(j, -v) for j, v in wider]
        limit -= usable
    above = ctx.explain or ctx.tolerance.within("capacity", {node.id}, resource) > 0
    tag = ctx.tag(rule, label, None, node.index, f"{limit} {resource} for who stays, comes and leaves", resource)
    if places:
        columns, values = tuple(j for j, _ in terms), tuple(v for _, v in terms)
        ctx.add(DoubleUse(tag, columns, values, places, limit, above))


def move_cost(ctx: Context, rule: MoveCost, label: str, layer: Layer | None) -> None:
    """Each move costs, by what is moved or by both its ends."""
    soften = ctx.soften(rule.soft)
    if layer is None or layer.event or soften is None:
        return
    if ctx.pooled:
        ctx.relaxed.add(label)
        if not rule.own:
            return
    concerned = set(rule.selected(ctx.world))
    tag = ctx.tag(rule, label)
    for cls in ctx.classes:
        if cls.unit.group not in concerned or not cls.current:
            continue
        if rule.own:
            own = tuple(homes(ctx, layer, cls, soften.weight * cls.unit.move_cost))
            ctx.add(Leavers(tag, own, soften.goal))
        elif one_home(cls):
            ctx.add(_from_home(ctx, rule, tag, layer, cls, soften))
        else:
            ctx.add(_journeys(ctx, rule, tag, layer, cls, soften))


def one_home(cls: Class) -> bool:
    """Return whether all of a class are at one site today: then it is known where each arrival comes from."""
    return len(cls.current) == 1 and cls.current.total() == cls.count


def homes(ctx: Context, layer: Layer, cls: Class, each: int = 1) -> Iterator[Place]:
    """Yield where a class's instances are today; of a pool all its sites together, and what is in no place."""
    here: dict[int, int] = {}
    for site, count in cls.current.items():
        place = ctx.place_of.get(site, -1)
        here[place] = here.get(place, 0) + count
    for place, count in here.items():
        column = layer.cells[cls.index].get(place)
        yield Place(() if column is None else (column,), count, each)


def _from_home(ctx: Context, rule: MoveCost, tag: Tag, layer: Layer, cls: Class, soften: Soften) -> Linear:
    """A cost per arrival, since all come from one place."""
    home = next(iter(cls.current))
    costs: dict[int, int] = {}
    for place, column in layer.cells[cls.index].items():
        costs[column] = rule.between(ctx.world.tree, home, ctx.places[place].site)
    if cls.index in ctx.unplaced:
        costs[ctx.unplaced[cls.index]] = rule.farthest
    kept = {column: soften.weight * cost for column, cost in costs.items() if cost}
    return Linear(tag, tuple(kept), tuple(kept.values()), soften.goal)


def _journeys(ctx: Context, rule: MoveCost, tag: Tag, layer: Layer, cls: Class, soften: Soften) -> Journeys:
    """Arrivals come from any home, as cheaply as can be."""
    tree = ctx.world.tree
    cells = layer.cells[cls.index]
    sites = [ctx.places[place].site for place in cells]
    return Journeys(
        tag,
        tuple(homes(ctx, layer, cls)),
        tuple((column, cls.current.get(site, 0)) for site, column in zip(sites, cells.values(), strict=True)),
        tuple(tuple(rule.between(tree, home, site) for site in sites) for home in cls.current),
        rule.farthest,
        soften,
    )


def group_moves(ctx: Context, rule: GroupMoves, label: str, layer: Layer | None) -> None:
    """The group with the most moves."""
    if layer is None or layer.event:
        return
    if ctx.pooled:
        ctx.relaxed.add(label)
    groups: list[tuple[Place, ...]] = []
    for group in rule.selected(ctx.world):
        classes = [ctx.classes[c] for c in ctx.classes_of.get(group, ())]
        groups.append(tuple(place for cls in classes for place in homes(ctx, layer, cls)))
    text = f"at most {rule.most} of each group move"
    tag = ctx.tag(rule, label, None, None, text)
    ctx.add(MostLeaving(tag, tuple(groups), rule.most, ctx.soften(rule.soft)))


__all__ = ["double_occupancy", "group_moves", "homes", "move_cost", "one_home"]
