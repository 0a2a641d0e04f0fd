"""An evacuation as a program: survivors stay, what is displaced is placed again as far as the rules allow.

The placement before the loss is fixed; what is decided is where the displaced go. Rules that a loss alone can
break are asked of every group, or of some, or of none, so that nobody stays out for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from zonewright.models.plan import Placement
from zonewright.models.rules import Survive, all_rules
from zonewright.models.rules.base import Rule
from zonewright.models.rules.network import addresses, subnet_zone
from zonewright.models.rules.survive import broken_after
from zonewright.models.view import Row, Violation
from zonewright.models.world import World
from zonewright.solver.classes import Class, make_classes
from zonewright.solver.context import Context, Layer
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites, placements, share_arrivals
from zonewright.solver.engines.exact import News, Outcome, solve_exact
from zonewright.solver.families.base import Family, Stages
from zonewright.solver.families.sums import Linear, Sum
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.lowering.network import network_at
from zonewright.solver.places import single_places
from zonewright.solver.profiles import Reach
from zonewright.solver.rows import Ints, Matrix, Rows, Stage, Tag
from zonewright.solver.seating import Seat, Seating, seat_subnets
from zonewright.solver.survival.core import solve_large
from zonewright.solver.survival.standing import Loss, Standing

#: Columns up to which the exact engine solves a loss outright.
SMALL = 1_500
#: The name of the layer: no rule of the estate has it as its signature.
_LAYER = "loss"
#: Kinds of rules whose lowering of the plan itself adds columns that a loss's layer reads.
_NETWORKS = ("subnet", "load_balancer")


@dataclass
class Ground:
    """The placement before the loss, lowered: its cells and networks as columns with fixed values."""

    standing: Standing
    context: Context
    rules: list[tuple[str, Rule]]
    """Hard rules that hold after a loss."""
    fixed_j: dict[int, int]
    """Column to its value."""
    families: list[Family]
    """Of networks: they tie seats to cells."""

    @property
    def world(self) -> World:
        """The estate."""
        return self.standing.world


def ground_of(standing: Standing) -> Ground:
    """Lower a placement, to look at any number of losses from it."""
    world = _seated_world(standing.world)
    rules = [entry for entry in all_rules(world) if entry[1].soft is None]
    reach = reach_of(world)
    goals = [f"placed[{p}]" for p in sorted({u.priority for u in world.units}, reverse=True)]
    ctx = Context(
        world, reach, single_places(world), make_classes(world, reach), Stages(goals), True, pooled=False
    )
    layer = Layer()
    ctx.layers.append(layer)
    fixed_j: dict[int, int] = {}
    counts = standing.view.unit_counts
    for cls in ctx.classes:
        enter = reach.profiles[reach.of_unit[cls.unit.index]].enter
        here: dict[int, int] = {}
        for unit in cls.units:
            for site, count in counts[unit.index].items():
                here[site] = here.get(site, 0) + count
        cells: dict[int, int] = {}
        for place, may in zip(ctx.places, enter.tolist(), strict=True):
            count = here.get(place.site, 0)
            if may or count:
                cells[place.index] = ctx.rows.column(0, cls.count)
                fixed_j[cells[place.index]] = count
        layer.cells.append(cells)
    for label, rule in rules:
        if rule.rule in _NETWORKS:
            LOWERINGS[rule.rule](ctx, rule, label, layer)
    _fix_networks(standing, ctx, fixed_j)
    families, ctx.families = (ctx.families if world.vpcs else []), []
    return Ground(standing, ctx, [e for e in rules if e[1].in_events], fixed_j, families)


def reach_of(world: World) -> Reach:
    """Return who may go where by the hard rules."""
    reach = Reach(world)
    nowhere = Context(world, reach, [], [], Stages(()), partial=True, pooled=False)
    for label, rule in all_rules(world):
        if rule.soft is None:
            LOWERINGS[rule.rule](nowhere, rule, label, None)
    return reach


def _seated_world(world: World) -> World:
    """Return the estate with an evacuation asked for, so that networks are lowered with their seats."""
    if not world.vpcs:
        return world
    asked = Survive(rule="survive", mode="evacuate", level=world.tree.nodes[world.tree.sites[0]].level)
    return World(world.estate.model_copy(update={"rules": [*world.estate.rules, asked]}))


def _fix_networks(standing: Standing, ctx: Context, fixed_j: dict[int, int]) -> None:
    """Fix balancers, subnets and seats as they are before the loss; what is not known stays open."""
    view, tree = standing.view, ctx.world.tree
    for (name, zone), column in ctx.balancer_columns.items():
        if name in view.balancer_zones:
            fixed_j[column] = int(zone in view.balancer_zones[name])
    for (name, zone), column in ctx.subnet_columns.items():
        if name in view.subnet_zones:
            fixed_j[column] = int(zone == view.subnet_zones[name])
    for (vpc, zone), column in ctx.new_subnet_columns.items():
        fixed_j[column] = sum(1 for name, at, _ in view.subnet_sizes.values() if (name, at) == (vpc, zone))
    for (vpc, subnets, place), seats in ctx.seat_columns.items():
        site = ctx.places[place].site
        taken: dict[str, int] = {}
        members = 0
        for index, count in standing.at_s.get(site, {}).items():
            unit = ctx.world.units[index]
            if vpc in unit.vpcs and unit.subnets == subnets:
                members += count
                for name, sitting in standing.subnets_of.get((index, site), {}).items():
                    pool = name if name in ctx.world.subnets else ""
                    taken[pool] = taken.get(pool, 0) + sitting
        if sum(taken.values()) != members:
            continue  # Where they sit is not known.
        home = tree.at_level(site, "zone")
        for (name, at), column in sorted(seats.items(), key=lambda seat: seat[0][1] is None):
            fixed_j[column] = taken.pop(name, 0) if at in (None, home) else 0


@dataclass
class Scene:
    """One loss as a program."""

    context: Context
    loss: Loss
    matrix: Matrix
    stages: list[Stage]
    layer: Layer
    kept_j: Ints
    """Columns of the program in terms of all columns."""
    values_j: Ints
    """Values of all columns, those of the program left 0."""
    wanted: dict[int, dict[int, int]]
    """Unit to {lost site: how many of it can be started again}."""
    class_j: Ints
    """Column of the rows to the class whose cell it is, -1 for others."""


def lower_scene(
    ground: Ground, loss: Loss, wanted: dict[int, dict[int, int]], *, on_offer: bool, whole: frozenset[str]
) -> Scene:
    """Lower one loss. `wanted` says how many of each unit can be started again.

    Rules that a loss alone can break are asked of the groups in `whole`.
    """
    base = ground.context
    rows = Rows()
    rows.low, rows.high = list(base.rows.low), list(base.rows.high)
    for column, value in ground.fixed_j.items():
        rows.low[column] = rows.high[column] = value
    stages = Stages(list(base.stages.by_goal))
    ctx = replace(base, rows=rows, stages=stages, layers=list(base.layers), families=list(ground.families))
    layer, class_of = _layer(ctx, loss, wanted, on_offer)
    layer.evacuated = whole
    ctx.layers.append(layer)
    for label, rule in ground.rules:
        if rule.rule != "survive":
            LOWERINGS[rule.rule](ctx, rule, label, layer)
    for family in ctx.families:
        family.emit(rows, stages)
    matrix, kept_j, values_j, stages_kept = open_part(rows.matrix(), stages.in_order())
    class_j = np.array([class_of.get(j, -1) for j in kept_j.tolist()], np.int64)
    return Scene(ctx, loss, matrix, stages_kept, layer, kept_j, values_j, wanted, class_j)


def _layer(
    ctx: Context, loss: Loss, wanted: dict[int, dict[int, int]], on_offer: bool
) -> tuple[Layer, dict[int, int]]:
    """Add the cells of a loss: survivors share the columns of the plan, arrivals get their own.

    Returns the layer, and the class of each new column.
    """
    layer = Layer(_LAYER, loss.nodes, loss.gone, on_offer, constant=False)
    class_of: dict[int, int] = {}
    for cls in ctx.classes:
        count = sum(n for unit in cls.units for n in wanted.get(unit.index, {}).values())
        enter = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]].enter
        cells: dict[int, int] = {}
        own: list[int] = []
        before = 0
        for place, column in ctx.base.cells[cls.index].items():
            site = ctx.places[place].site
            if site in loss.gone:
                continue
            if count and enter[ctx.reach.position[site]]:
                here = ctx.rows.low[column]
                cells[place] = ctx.rows.column(here, here + count)
                own.append(cells[place])
                before += here
            else:
                cells[place] = column
        layer.cells.append(cells)
        if count:
            missing = ctx.rows.column(0, count)
            tag = Tag("survive", _LAYER, cls.group or cls.unit.group, None, "placed again")
            total = before + count
            class_of |= dict.fromkeys((*own, missing), cls.index)
            ctx.add(Sum(tag, (*own, missing), (1,) * (len(own) + 1), low=total, high=total))
            ctx.add(Linear(tag, (missing,), (1,), f"placed[{cls.unit.priority}]"))
    return layer, class_of


def open_part(matrix: Matrix, stages: list[Stage]) -> tuple[Matrix, Ints, Ints, list[Stage]]:
    """Return the rows over the columns that are not fixed, these columns, all fixed values, and the stages."""
    free_j = matrix.low_j < matrix.high_j
    values_j = np.where(free_j, 0, matrix.low_j)
    kept_j = np.flatnonzero(free_j)
    number_j = np.cumsum(free_j) - 1
    rows = matrix.shape[0]
    row_k = np.repeat(np.arange(rows), np.diff(matrix.start_i))
    constant_i = np.zeros(rows, np.int64)
    np.add.at(constant_i, row_k, matrix.value_k * values_j[matrix.column_k])
    kept_k = free_j[matrix.column_k]
    width_i = np.bincount(row_k[kept_k], minlength=rows)
    # A row without open columns says something only where it is broken whatever is decided.
    broken_i = (constant_i < matrix.low_i) | (constant_i > matrix.high_i)
    kept_i = (width_i > 0) | broken_i
    free = 1 << 59
    low_i = np.where(matrix.low_i > -free, matrix.low_i - constant_i, matrix.low_i)[kept_i]
    high_i = np.where(matrix.high_i < free, matrix.high_i - constant_i, matrix.high_i)[kept_i]
    start_i = np.concatenate([[0], np.cumsum(width_i[kept_i])]).astype(np.int64)
    columns_k = number_j[matrix.column_k[kept_k]].astype(np.int64)
    small = Matrix(
        start_i, columns_k, matrix.value_k[kept_k], low_i, high_i, matrix.low_j[kept_j], matrix.high_j[kept_j]
    )
    smaller: list[Stage] = []
    for stage in stages:
        terms = {int(number_j[j]): c for j, c in stage.terms.items() if free_j[j]}
        fixed = sum(c * int(values_j[j]) for j, c in stage.terms.items() if not free_j[j])
        smaller.append(Stage(stage.goal, terms, stage.constant + fixed))
    return small, kept_j, values_j, smaller


@dataclass
class Evacuation:
    """Where what is displaced goes."""

    status: str
    """`optimal`, `feasible`, `infeasible` or `open`."""
    arrivals: Sites = field(default_factory=dict)
    """Unit to {site: count}."""
    missing: dict[int, int] = field(default_factory=dict)
    """Priority to how many find no place."""


def solve_scene(scene: Scene, deadline: Deadline, *, workers: int, seed: int, news: News) -> Evacuation:
    """Place as many as possible again, the highest priorities first."""
    if not scene.stages or not len(scene.kept_j):
        broken = bool(len(scene.matrix.low_i))
        return Evacuation("infeasible" if broken else "optimal", {}, {})
    found: Outcome
    if len(scene.kept_j) > SMALL:
        found = solve_large(scene, deadline, workers=workers, seed=seed)
    else:
        found = solve_exact(scene, deadline, workers=workers, seed=seed, news=news, trees=False, share=0.9)
    if found.x_j is None:
        return Evacuation("infeasible" if found.status == "infeasible" else "open")
    x_j = scene.values_j.copy()
    x_j[scene.kept_j] = found.x_j
    missing = {
        int(stage.goal[len("placed[") : -1]): value
        for stage, value in zip(scene.stages, found.values, strict=True)
        if value
    }
    return Evacuation(found.status, _arrivals(scene, x_j), missing)


def _arrivals(scene: Scene, x_j: Ints) -> Sites:
    ctx = scene.context
    found: Sites = {}
    for cls in ctx.classes:
        here = ctx.base.cells[cls.index]
        arrivals = {
            ctx.places[p].site: int(x_j[j]) - int(x_j[here[p]])
            for p, j in scene.layer.cells[cls.index].items()
            if j != here[p] and x_j[j] > x_j[here[p]]
        }
        if arrivals:
            found.update(shared_out(cls, arrivals, scene.wanted, scene.loss.gone))
    return found


def shared_out(
    cls: Class, arrivals: dict[int, int], wanted: Mapping[int, dict[int, int]], gone: frozenset[int]
) -> Sites:
    """Give what arrives to the units of a class that are to be started again."""
    base = {unit.index: wanted.get(unit.index, {}) for unit in cls.units}
    return share_arrivals(cls, arrivals, base, gone)


def rows_after(standing: Standing, loss: Loss, arrivals: Sites) -> tuple[list[Row], list[Placement]]:
    """Return where what is displaced goes, as rows and as a plan's lines, with the subnets they sit in.

    Raises ArithmeticError where the subnets have no room beside those who stay.
    """
    world = standing.world
    seating: Seating | None = None
    if world.vpcs:
        seating = seat_subnets(world, _free_seats(standing, loss), arrivals, network_at)
    rows: list[Row] = []
    for unit, sites in arrivals.items():
        for site, count in sites.items():
            seats = seating.get((unit, site), {}) if seating is not None else {}
            rows += [Row(unit, site, n, subnet) for subnet, n in seats.items()]
            if not seats:
                rows.append(Row(unit, site, count))
    return rows, placements(world, arrivals, seating)


def _free_seats(standing: Standing, loss: Loss) -> list[Seat]:
    """Return the room of every subnet beside those who stay."""
    world, view = standing.world, standing.view
    taken: dict[str, int] = {}
    for (_, site), seats in standing.subnets_of.items():
        for name, count in seats.items() if site not in loss.gone else ():
            taken[name] = taken.get(name, 0) + count
    vpc_of = {name: subnet.vpc for name, subnet in world.subnets.items()}
    vpc_of |= {name: vpc for name, (vpc, _, _) in view.subnet_sizes.items()}
    return [
        Seat(name, vpc, subnet_zone(view, name), max(0, (addresses(view, name) or 0) - taken.get(name, 0)))
        for name, vpc in vpc_of.items()
    ]


def broken_by(standing: Standing, loss: Loss, rows: list[Row], *, on_offer: bool, strict: bool) -> list[Violation]:
    """Return what the models' checkers find broken once the displaced are where the rows say."""
    whole = frozenset(standing.world.groups) if strict else frozenset()
    return list(broken_after(standing.view, loss.gone, rows, whole, on_offer=on_offer))
