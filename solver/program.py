"""The Program: an estate lowered to columns, families and stages, ready for every engine."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from zonewright.models.goals import running, soft_priorities
from zonewright.models.rules import ReachRule, all_rules
from zonewright.models.world import Unit, World
from zonewright.solver.classes import Class, make_classes
from zonewright.solver.context import Additions, Context, Layer
from zonewright.solver.families.base import Soften, Stages, Verdict
from zonewright.solver.families.sums import Linear, Sum
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.lowering.goals import lower_goals, stage_names
from zonewright.solver.lowering.survive import evacuation_layers, make_layer
from zonewright.solver.outages import Outage
from zonewright.solver.places import pooled_places, single_places
from zonewright.solver.profiles import Reach
from zonewright.solver.rows import Ints, Matrix, Stage, Tag

#: The goal of buying as cheaply as possible.
ADDITIONS = "additions"
#: Of equal hosts up to this number each is told by itself when clashes are explained.
MOST_SINGLE = 8
#: An evacuation: the signature of its rules, and the domains that are lost.
Scene = tuple[str, tuple[int, ...]]


@dataclass
class Program:
    """Rows and stages of an estate. Columns below `primary` are decisions; the rest follow from them."""

    context: Context
    matrix: Matrix
    stages: list[Stage]
    primary: int
    layer_i: list[int]
    """Row to the layer that it is about: 0 is the plan itself."""
    layer_f: list[int]
    """The same by family."""

    @property
    def world(self) -> World:
        """The estate."""
        return self.context.world

    @property
    def cells(self) -> int:
        """How many (class, place) pairs there are in the plan itself."""
        return sum(len(cells) for cells in self.context.base.cells)

    def judge(self, x_j: Ints) -> Verdict:
        """Judge a solution by the families' oracles, from scratch."""
        verdict = Verdict(cost=dict.fromkeys((s.goal for s in self.stages), 0))
        for family in self.context.families:
            family.judge(x_j, verdict)
        return verdict


def lower(
    world: World,
    *,
    partial: bool = False,
    pooled: bool = False,
    explain: bool = False,
    scenarios: Collection[Scene] | None = None,
    margins: dict[int, float] | None = None,
    room_after: float = 0.0,
    groups: Collection[str] | None = None,
    outages: tuple[Outage, ...] = (),
    additions: Additions | None = None,
) -> Program:
    """Lower an estate.

    `partial` lets instances stay unplaced, `pooled` merges equal hosts (a relaxation), `explain` writes
    reach as rows and merges no groups, and `scenarios` keeps only these of the evacuations (leaving any out is a
    relaxation too). With `groups` only these are placed, as if there were no others.
    `outages` are states of domains to be counted where availability is relaxed.
    `margins` leaves a share of a zone's pools free, `room_after` one of all that a loss spares: no relaxation any
    more, but easier to pack. With `additions` it is decided what is bought, too, and what that costs is the first
    goal.
    """
    counted = {
        p for goal in ("urgent", "soft") if goal in world.estate.goals for p in soft_priorities(world, goal)
    }
    rules = [entry for entry in all_rules(world) if entry[1].soft is None or entry[1].soft.priority in counted]
    reach = Reach(world)
    stages = Stages([*([ADDITIONS] if additions is not None else []), *(stage_names(world) or ["placed[0]"])])
    nowhere = Context(world, reach, [], [], stages, partial, pooled=False, explain=explain)
    for label, rule in rules:
        LOWERINGS[rule.rule](nowhere, rule, label, None)
    places = pooled_places(world, reach, MOST_SINGLE + 1 if explain else 1) if pooled else single_places(world)
    classes = make_classes(world, reach, merge=not explain, groups=groups)
    ctx = Context(world, reach, places, classes, stages, partial, pooled, explain)
    ctx.margins, ctx.room_after = margins or {}, room_after
    ctx.outages = outages
    ctx.additions = additions
    ctx.layers.append(_base_layer(ctx))
    if additions is not None:
        additions.begin(ctx)
    _whole(ctx)
    for label, rule in rules:
        LOWERINGS[rule.rule](ctx, rule, label, ctx.base)
    _stay_tolerated(ctx, ctx.base)
    ctx.families += ctx.tolerance.families()
    first_of_layer = [0]
    for signature, scenario, on_offer in evacuation_layers(world, below_zones=not pooled):
        if scenarios is not None and (signature, scenario) not in scenarios:
            continue
        first_of_layer.append(len(ctx.families))
        layer = make_layer(ctx, signature, scenario, on_offer)
        ctx.layers.append(layer)
        if explain:
            _close_to_arrivals(ctx, layer)
        for label, rule in rules:
            if rule.in_events or rule.rule == "survive":
                LOWERINGS[rule.rule](ctx, rule, label, layer)
        _stay_tolerated(ctx, layer)
    last = len(ctx.families)
    if additions is not None:
        additions.finish(ctx)
    lower_goals(ctx)
    primary = len(ctx.rows.low)
    layer_i: list[int] = []
    layer_f = [bisect_right(first_of_layer, k) - 1 if k < last else 0 for k in range(len(ctx.families))]
    for k, family in enumerate(ctx.families):
        family.emit(ctx.rows, stages)
        layer_i += [layer_f[k]] * (len(ctx.rows.row_low) - len(layer_i))
    return Program(ctx, ctx.rows.matrix(), stages.in_order(), primary, layer_i, layer_f)


def _base_layer(ctx: Context) -> Layer:
    layer = Layer()
    position = ctx.reach.position
    for cls in ctx.classes:
        profile = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]]
        cells: dict[int, int] = {}
        enter_p = [profile.enter[position[p.site]] for p in ctx.places]
        here: dict[int, int] = {}
        for site, count in cls.current.items():
            if site in position and profile.stay[position[site]]:
                at = ctx.place_of[site]
                here[at] = here.get(at, 0) + count
        for place in ctx.places:
            most = cls.count if enter_p[place.index] else min(cls.count, here.get(place.index, 0))
            if ctx.explain:
                cells[place.index] = ctx.rows.column(0, cls.count)
                _say_why(ctx, cls, place.index, cells[place.index])
            elif most:
                cells[place.index] = ctx.rows.column(0, most)
        layer.cells.append(cells)
    return layer


def _stay_tolerated(ctx: Context, layer: Layer) -> None:
    """Who stays where it should not be does so only as far as the estate tolerates it: not after a loss."""
    rules = dict(all_rules(ctx.world))
    for cls in ctx.classes:
        profile = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]]
        for label, stay in profile.tolerated:
            rule = rules[label]
            for place, column in layer.cells[cls.index].items():
                sites = [s for s in ctx.places[place].sites if stay[ctx.reach.position[s]]]
                if len(sites) == len(ctx.places[place].sites) and isinstance(rule, ReachRule):
                    tag = ctx.tag(rule, label, cls.unit.group, rule.domain_of(ctx.world, sites[0]))
                    ctx.add(Sum(tag, (column,), (1,), high=0))


def _say_why(ctx: Context, cls: Class, place: int, column: int) -> None:
    """Write each reach rule that closes a cell as a row with its tag: who may stay by that rule alone stays."""
    sites = ctx.places[place].sites
    for tag, leaves in _reasons(ctx, cls.unit, place):
        stays = 0 if leaves else sum(cls.current[site] for site in sites)
        if stays < cls.count:
            ctx.families.append(Sum(tag, (column,), (1,), high=stays))


def _reasons(ctx: Context, unit: Unit, place: int) -> Iterator[tuple[Tag, bool]]:
    """Yield what closes a place to newcomers of a unit, and whether who is there has to leave by it."""
    site = ctx.places[place].site
    s = ctx.reach.position[site]
    profile = ctx.reach.profiles[ctx.reach.of_unit[unit.index]]
    rules = dict(all_rules(ctx.world)) if profile.blocks else {}
    for kind, label, enter, stay in profile.blocks:
        if enter[s]:
            rule = rules[label]
            node, why = ctx.world.zone_of(site), None
            if isinstance(rule, ReachRule):
                node, why = rule.domain_of(ctx.world, site), rule.blocks(ctx.world, unit, site)
            yield Tag(kind, label, unit.group, ctx.world.tree.nodes[node].id, why or ""), bool(stay[s])


def _close_to_arrivals(ctx: Context, layer: Layer) -> None:
    """After a loss nobody arrives where reach forbids it: each rule that says so is a row with its tag."""
    position = ctx.reach.position
    for cls in ctx.classes:
        profile = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]]
        for place, column in layer.cells[cls.index].items():
            before = ctx.base.cells[cls.index][place]
            sites = [position[s] for s in ctx.places[place].sites if s not in layer.lost]
            if column != before and not any(profile.enter[s] for s in sites):
                for tag, _ in _reasons(ctx, cls.unit, place):
                    ctx.families.append(Sum(tag, (column, before), (1, -1), high=0))


def _whole(ctx: Context) -> None:
    """Every class is placed whole, or what is missing is charged to its priority."""
    for cls in ctx.classes:
        columns = tuple(ctx.base.cells[cls.index].values())
        ones = (1,) * len(columns)
        tag = Tag("placed", "placed", cls.group or cls.unit.group)
        if not ctx.partial:
            ctx.add(Sum(tag, columns, ones, low=cls.count, high=cls.count))
            continue
        missing = ctx.rows.column(0, cls.count)
        ctx.unplaced[cls.index] = missing
        ctx.add(Sum(tag, (*columns, missing), (*ones, 1), low=cls.count, high=cls.count))
        ctx.add(Linear(tag, (missing,), (1,), f"placed[{cls.unit.priority}]"))
        run = sum(running(ctx.world, unit) for unit in cls.units)
        if run:
            ctx.add(Sum(tag, columns, ones, low=run, soften=Soften("stopped", 1)))


def zeros(program: Program) -> Ints:
    """Return a solution of zeros, to be filled."""
    return np.zeros(len(program.matrix.low_j), np.int64)
