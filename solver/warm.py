"""Start from a plan that is already there: its counts as column values, completed to a whole solution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zonewright.models.placing import view_of
from zonewright.models.plan import Plan
from zonewright.models.view import View
from zonewright.solver.context import Context, Layer
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites
from zonewright.solver.engines.exact import satisfies
from zonewright.solver.program import Program
from zonewright.solver.rows import Ints

#: Seconds after which a hint is given up.
PATIENCE_S = 5.0


def where_they_are(ctx: Context) -> dict[int, int]:
    """Return the plan's cells with as many as are there today: a start that moves nobody, if it can be kept."""
    if not any(cls.current for cls in ctx.classes):
        return {}
    known: dict[int, int] = {}
    for cls in ctx.classes:
        cells = ctx.base.cells[cls.index]
        known.update(dict.fromkeys(cells.values(), 0))
        for site, count in cls.current.items():
            column = cells.get(ctx.place_of.get(site, -1))
            if column is not None:
                known[column] = min(known[column] + count, ctx.rows.high[column])
    return known


def sites_of(view: View) -> Sites:
    """Return where every unit's instances are in a view."""
    return {index: dict(sites) for index, sites in enumerate(view.unit_counts)}


def warm_start(program: Program, plan: Plan, deadline: Deadline) -> Ints | None:
    """Return a whole solution of the program with the plan's decisions; None where it breaks a hard rule.

    Raises InputError when the plan names what the estate does not have.
    """
    ctx = program.context
    known = decisions(ctx, view_of(ctx.world, plan), plan)
    columns = program.matrix.shape[1]
    free = [j for j in range(columns) if j not in known]
    x_j = np.zeros(columns, np.int64)
    for j, value in known.items():
        x_j[j] = value
    if not free:
        return x_j if satisfies(program.matrix, x_j) else None
    model = Model(program.matrix)
    for j, value in known.items():
        if not program.matrix.low_j[j] <= value <= program.matrix.high_j[j]:
            return None
        model.require({j: 1}, value, value)
    terms: dict[int, int] = {}
    for stage in program.stages:
        terms = terms or dict(stage.terms)
    # Under a work limit the clock decides nothing.
    work = deadline.work_left
    seconds = min(PATIENCE_S, deadline.left * 0.2) if work is None else deadline.left
    answer = model.minimize(terms or None, deadline, seconds=seconds, workers=1, seed=0, work=work)
    return answer.x_j


def decisions(ctx: Context, view: View, plan: Plan) -> dict[int, int]:
    """Return the columns that a plan decides: cells of every layer, what is unplaced, balancers, subnets."""
    sites = sites_of(view)
    known = _cells(ctx, ctx.base, sites)
    for c, column in ctx.unplaced.items():
        known[column] = ctx.classes[c].count - sum(known[j] for j in ctx.base.cells[c].values())
    tree = ctx.world.tree
    for layer in ctx.layers[1:]:
        after: Sites = {}
        for index, by_site in sites.items():
            after[index] = {s: n for s, n in by_site.items() if s not in layer.lost}
        for row in view.witness(layer.signature, layer.scenario):
            after[row.unit][row.site] = after[row.unit].get(row.site, 0) + row.count
        known |= {j: n for j, n in _cells(ctx, layer, after).items() if j not in known}
    chosen = {entry.balancer: set(entry.zones) for entry in plan.balancers}
    for (balancer, zone), column in ctx.balancer_columns.items():
        known[column] = int(tree.nodes[zone].id in chosen.get(balancer, set()))
    subnet_zone = {entry.subnet: entry.zone for entry in plan.subnets}
    for (subnet, zone), column in ctx.subnet_columns.items():
        name = tree.nodes[zone].id if zone >= 0 else None
        known[column] = int(subnet in subnet_zone and subnet_zone[subnet] == name)
    for (vpc, zone), column in ctx.new_subnet_columns.items():
        name = tree.nodes[zone].id if zone >= 0 else None
        known[column] = sum(1 for s in plan.new_subnets if s.vpc == vpc and s.zone == name)
    return known


def _cells(ctx: Context, layer: Layer, sites: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    known: dict[int, int] = {}
    for cls in ctx.classes:
        cells = layer.cells[cls.index]
        known.update(dict.fromkeys(cells.values(), 0))
        for unit in cls.units:
            for site, count in sites.get(unit.index, {}).items():
                column = cells.get(ctx.place_of[site])
                if column is not None:
                    known[column] += count
    return known
