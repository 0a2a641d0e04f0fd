"""What the bound's multipliers say of each rule: which limits a plan's value rests on, and which not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zonewright.models.plan import BoundWitness, Plan
from zonewright.models.world import World
from zonewright.solver.components import split
from zonewright.solver.program import Program, Scene, lower
from zonewright.solver.rows import Ints, Tag

#: Per tag: the first goal with a price, and what one unit more is worth in it, at most.
Prices = dict[Tag, tuple[int, float]]


def prices_of(world: World, plan: Plan) -> Prices:
    """Return what one unit of each row is worth to the bounds that a plan carries.

    They rank limits by promise; a price is an estimate for more than a unit. Searched bounds have none.
    """
    order = [goal.goal for goal in plan.objective]
    programs: dict[object, Program] = {}
    found: Prices = {}
    for witness in plan.bounds:
        if witness.goal not in order or witness.kind not in ("linear", "tree", "parts"):
            continue
        scenes = _scenes(world, witness)
        key = (bool(witness.data.get("pooled")), bool(witness.data.get("partial")), scenes)
        if key not in programs:
            programs[key] = lower(world, pooled=key[0], partial=key[1], scenarios=scenes)
        _add(found, programs[key], witness, order.index(witness.goal))
    return found


def _scenes(world: World, witness: BoundWitness) -> tuple[Scene, ...] | None:
    named = witness.data.get("scenarios")
    if not isinstance(named, list):
        return None
    return tuple((str(name), tuple(world.tree.by_id.get(str(d), -1) for d in lost)) for name, lost in named)


def _add(found: Prices, program: Program, witness: BoundWitness, goal: int) -> None:
    rows = program.context.rows
    for row, price in _weights(program, witness):
        if not 0 <= row < len(rows.row_tag) or rows.row_tag[row] < 0:
            continue
        tag = rows.tags[rows.row_tag[row]]
        known = found.get(tag)
        if known is None or goal < known[0] or (goal == known[0] and price > known[1]):
            found[tag] = (goal, price)


def _weights(program: Program, witness: BoundWitness) -> Iterator[tuple[int, float]]:
    if witness.kind != "parts":
        yield from _of(witness.data, witness.kind)
        return
    parts = split(program.matrix, program.stages)
    for part, data in zip(parts, witness.data.get("parts", ()), strict=False):
        own = _rows_of(program, part.columns, part is parts[0])
        for row, price in _of(data, str(data.get("kind"))):
            if row < len(own):
                yield int(own[row]), price


def _rows_of(program: Program, columns: Ints, first: bool) -> Ints:
    """Return the rows of a part, in its order; a row without columns goes with the first part."""
    matrix = program.matrix
    inside = np.zeros(matrix.shape[1], bool)
    inside[columns] = True
    lengths = np.diff(matrix.start_i)
    own = np.full(len(lengths), first)
    filled = lengths > 0
    own[filled] = inside[matrix.column_k[matrix.start_i[:-1][filled]]]
    return np.flatnonzero(own)


def _of(data: dict[str, Any], kind: str) -> Iterator[tuple[int, float]]:
    leaves = data.get("leaves", ()) if kind == "tree" else [data] if kind == "linear" else ()
    for leaf in leaves:
        scale = float(leaf.get("denominator", 1))
        for row, weight in zip(leaf.get("row", ()), leaf.get("weight", ()), strict=False):
            yield int(row), abs(int(weight)) / scale


__all__ = ["Prices", "prices_of"]
