"""Lowering of survival: static ones are rows; evacuations are layers with their own cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from zonewright.models.quantities import as_fraction
from zonewright.models.rules import AllOrNothing, Survive, all_rules
from zonewright.models.world import Unit, World
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.sums import Sum
from zonewright.solver.lowering.pools import relaxed_limit


def survive(ctx: Context, rule: Survive, label: str, layer: Layer | None) -> None:
    """Static: enough remains. Evacuate: what is displaced is placed again in its layer."""
    if layer is None:
        return
    if rule.mode == "static":
        if not layer.event:
            _static(ctx, rule, label)
    elif layer.event and layer.signature == signature(rule):
        _evacuate(ctx, rule, label, layer)


def scenarios(world: World, rule: Survive) -> list[tuple[int, ...]]:
    """Return the sets of domains that a rule lets be lost together."""
    pool = [world.tree.by_id[d] for d in rule.domains] or world.tree.domains_at(rule.level)
    return [tuple(s) for s in itertools.combinations(sorted(set(pool)), rule.lose)]


def signature(rule: Survive) -> str:
    """Name what evacuation rules share that are planned together."""
    name = f"{rule.level}-{rule.lose}-" + ("any" if rule.on_offer else "firm")
    return name + (f"-of-{','.join(sorted(rule.domains))}" if rule.domains else "")


def _needed(world: World, rule: Survive, group: str) -> int:
    """Return how many of a whole group must remain, `keep_share` left aside."""
    entry = world.groups[group]
    asked = [rule.keep] if rule.keep is not None else []
    if entry.load is not None and entry.throughput:
        asked.append((entry.load + entry.throughput - 1) // entry.throughput)
    if entry.quorum == "majority":
        asked.append(entry.count // 2 + 1)
    elif entry.quorum is not None:
        asked.append(entry.quorum)
    for balancer in world.balancers.values():
        if balancer.least_backends and group in balancer.backends:
            asked.append(balancer.least_backends)
    if not asked and rule.keep_share is None:
        return 1
    return max(asked, default=0)


def needed_to_be_up(world: World, group: str) -> int:
    """Return how many of a group must remain for it to be of use."""
    return _needed(world, Survive(rule="survive"), group)


def _static(ctx: Context, rule: Survive, label: str) -> None:
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        for group, at_most in limits_by_survival(ctx.world, rule).items():
            # What is not placed at all asks for nothing.
            room = max(0, at_most) if ctx.partial else at_most
            relaxed_limit(ctx, rule, label, ctx.base, group, rule.level, room)
        return
    domain = ctx.domain_of(rule.level)
    for group in rule.selected(ctx.world):
        count = ctx.world.groups[group].count
        if not count:
            continue
        needed = _needed(ctx.world, rule, group)
        share = as_fraction(rule.keep_share) if rule.keep_share is not None else None
        if share is not None and not ctx.partial:
            needed = max(needed, -int(-share * count // 1))
        cells = list(ctx.cells(ctx.base, group))
        for scenario in scenarios(ctx.world, rule):
            gone = set(scenario)
            rest = tuple(j for p, j in cells if domain[p] not in gone)
            name = "+".join(ctx.world.tree.nodes[d].id for d in scenario)
            tag = ctx.tag(rule, label, group, None, f"{needed} remain when {name} is lost")
            ones = (1,) * len(rest)
            ctx.add(Sum(tag, rest, ones, low=needed, soften=ctx.soften(rule.soft), when=ctx.when(group)))
            if share is not None and ctx.partial:
                kept = set(rest)
                columns = tuple(j for _, j in cells)
                values = tuple((share.denominator if j in kept else 0) - share.numerator for j in columns)
                soften = ctx.soften(rule.soft)
                ctx.add(Sum(tag, columns, values, low=0, soften=soften, unit=share.denominator))


def limits_by_survival(world: World, rule: Survive) -> dict[str, int]:
    """Return what a static rule says in another way: so many of a group at most in any one domain.

    Exact for the loss of any single domain by groups that are placed whole; {} where it says more.
    """
    if rule.mode != "static" or rule.lose != 1 or rule.domains or rule.soft is not None:
        return {}
    found: dict[str, int] = {}
    for group in rule.selected(world):
        count = world.groups[group].count
        needed = _needed(world, rule, group)
        if rule.keep_share is not None:
            needed = max(needed, -int(-as_fraction(rule.keep_share) * count // 1))
        if count:
            found[group] = count - needed
    return found


def evacuation_layers(world: World, *, below_zones: bool = True) -> list[tuple[str, tuple[int, ...], bool]]:
    """Return (signature, scenario, on_offer) of every layer that the evacuation rules ask for.

    Without `below_zones` only those that lose whole zones or more, which pools can express.
    """
    found: dict[tuple[str, tuple[int, ...]], bool] = {}
    for _, rule in all_rules(world):
        if isinstance(rule, Survive) and rule.mode == "evacuate":
            if not below_zones and is_below_zones(world, rule.level):
                continue
            for scenario in scenarios(world, rule):
                found[signature(rule), scenario] = rule.on_offer
    return [(name, scenario, offer) for (name, scenario), offer in found.items()]


def is_below_zones(world: World, level: str) -> bool:
    """Return whether a level is below the zone."""
    order = world.tree.levels
    return "zone" in order and order.index(level) > order.index("zone")


@dataclass(frozen=True)
class _Wanted:
    """Which classes a layer places again, and whether all of them must be."""

    groups: frozenset[str]
    classes: set[int]
    hard: bool


def _wanted(ctx: Context, layer: Layer) -> _Wanted:
    groups: set[str] = set()
    whole: set[str] = set()
    hard = True
    for _, rule in all_rules(ctx.world):
        if isinstance(rule, Survive) and rule.mode == "evacuate" and signature(rule) == layer.signature:
            groups.update(rule.selected(ctx.world))
            hard &= rule.soft is None
            if rule.soft is None:
                whole.update(rule.selected(ctx.world))
    return _Wanted(frozenset(whole), {c.index for c in ctx.classes if c.unit.group in groups}, hard)


def make_layer(ctx: Context, name: str, scenario: tuple[int, ...], on_offer: bool) -> Layer:
    """Add the cells of a scenario: what survives stays, what is displaced may enter where it can."""
    world, base = ctx.world, ctx.base
    lost = frozenset(s for d in scenario for s in world.tree.sites_under[d])
    layer = Layer(name, scenario, lost, on_offer)
    wanted = _wanted(ctx, layer)
    layer.evacuated = wanted.groups
    level = world.tree.nodes[scenario[0]].level
    for cls in ctx.classes:
        cells: dict[int, int] = {}
        here = base.cells[cls.index]
        moves = cls.index in wanted.classes and can_recover(world, cls.unit, level, scenario)
        moves &= any(_lost_part(ctx, place, lost) for place in here)
        enter = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]].enter
        for place, column in here.items():
            sites = [s for s in ctx.places[place].sites if s not in lost]
            if not sites:
                continue
            if moves and (ctx.explain or any(enter[ctx.reach.position[s]] for s in sites)):
                cells[place] = ctx.rows.column(0, cls.count)
            else:
                cells[place] = column
        layer.cells.append(cells)
        if _lost_part(ctx, None, lost, here) and not moves:
            layer.constant = False
    layer.constant &= wanted.hard and not ctx.partial
    return layer


def _lost_part(ctx: Context, place: int | None, lost: frozenset[int], cells: Iterable[int] = ()) -> bool:
    places = cells if place is None else (place,)
    return any(site in lost for p in places for site in ctx.places[p].sites)


def can_recover(world: World, unit: Unit, level: str, scenario: tuple[int, ...]) -> bool:
    """Return whether an instance of a lost site can be started elsewhere."""
    if unit.pinned:
        return False
    if not unit.stateful:
        return True
    if is_below_zones(world, level) and not unit.movability.local_disk:
        return True
    tree = world.tree
    for name in unit.snapshots:
        copy = world.attachables["snapshot"][name]
        homes = [tree.by_id[place] for place in (copy.zone, copy.region) if place in tree.by_id]
        if not any(lost in tree.nodes[home].ancestors for home in homes for lost in scenario):
            return True
    return False


def _evacuate(ctx: Context, rule: Survive, label: str, layer: Layer) -> None:
    """Survivors stay, and what is displaced of the rule's groups adds up again."""
    concerned = set(rule.selected(ctx.world))
    name = "+".join(ctx.world.tree.nodes[d].id for d in layer.scenario)
    for cls in ctx.classes:
        if cls.unit.group not in concerned:
            continue
        base, after = ctx.base.cells[cls.index], layer.cells[cls.index]
        lost = [j for p, j in base.items() if all(s in layer.lost for s in ctx.places[p].sites)]
        own = [p for p, j in after.items() if j != base[p]]
        tag = ctx.tag(rule, label, cls.group or cls.unit.group, None, f"placed again when {name} is lost")
        stays = replace(tag, thing="stays")
        for place in own:
            if not any(s in layer.lost for s in ctx.places[place].sites):
                ctx.add(Sum(stays, (after[place], base[place]), (1, -1), low=0))
        # What arrives less what was lost: all of it is placed again, and never more.
        columns = [after[p] for p in own] + [base[p] for p in own] + lost
        values = [1] * len(own) + [-1] * (len(own) + len(lost))
        if lost or own:
            soften = ctx.soften(rule.soft)
            ctx.add(Sum(tag, tuple(columns), tuple(values), low=0, soften=soften))
            ctx.add(Sum(stays, tuple(columns), tuple(values), high=0))


def all_or_nothing(ctx: Context, rule: AllOrNothing, label: str, layer: Layer | None) -> None:
    """With instances that may stay unplaced: the whole group or none of it."""
    if layer is None or layer.event or not ctx.partial:
        return
    for name, group in ctx.world.groups.items():
        if group.all_or_nothing and group.count:
            columns = ctx.columns(ctx.base, name)
            whole = ctx.rows.boolean()
            values = (*([1] * len(columns)), -group.count)
            ctx.add(Sum(ctx.tag(rule, label, name), (*columns, whole), values, low=0, high=0))


__all__ = [
    "all_or_nothing",
    "can_recover",
    "evacuation_layers",
    "is_below_zones",
    "limits_by_survival",
    "make_layer",
    "needed_to_be_up",
    "signature",
    "survive",
]
