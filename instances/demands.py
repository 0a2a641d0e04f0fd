"""What generated groups ask for: sizes with a heavy tail, and a catalogue of distinct demand shapes.

Arrays end in their axes: `g` group, `s` shape, `r` resource (cpu in milli-cores, memory in MiB).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zonewright.models.problems import InputError

#: Axis r of every array here.
RESOURCES = ("cpu_milli", "memory_mib")

_CORES = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16)
_GIB_PER_CORE = (1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8)
_FEW = 40

IntArray = NDArray[np.int64]


def demand_shapes(rng: np.random.Generator, shapes: int) -> IntArray:
    """Return `demand_sr`: that many distinct pairs of cpu and memory, in random order.

    Raises InputError when there are not as many.
    """
    pairs = sorted({(int(c * 1000), int(c * g * 1024)) for c in _CORES for g in _GIB_PER_CORE})
    if not 1 <= shapes <= len(pairs):
        raise InputError(f"{shapes} demand shapes: there are 1 to {len(pairs)}", path=("shapes",))
    demand_sr = np.array(pairs, dtype=np.int64)
    return demand_sr[rng.permutation(len(pairs))[:shapes]]


def group_sizes(rng: np.random.Generator, *, instances: int, groups: int, largest: int) -> IntArray:
    """Return `count_g`: sizes from 1 to `largest` with a heavy tail, summing to exactly `instances`.

    Raises InputError when no such sizes exist.
    """
    if not 1 <= groups <= instances:
        raise InputError(f"{groups} groups of {instances} instances: every group needs one", path=("groups",))
    if groups * largest < instances:
        what = f"{groups} groups of at most {largest} cannot hold {instances} instances. Maybe more groups"
        raise InputError(what, path=("groups",))
    tail_g = rng.pareto(1.1, groups) + 0.15
    low, high = 0.0, float(instances)
    for _ in range(80):
        middle = (low + high) / 2
        if np.clip(np.round(tail_g * middle), 1, largest).sum() < instances:
            low = middle
        else:
            high = middle
    count_g = np.clip(np.round(tail_g * low), 1, largest).astype(np.int64)
    while (missing := instances - int(count_g.sum())) != 0:
        step = 1 if missing > 0 else -1
        movable = np.flatnonzero(count_g < largest if step > 0 else count_g > 1)
        chosen = rng.permutation(movable)[: abs(missing)]
        count_g[chosen] += step
    return count_g


def shapes_of_groups(rng: np.random.Generator, demand_sr: IntArray, count_g: IntArray) -> IntArray:
    """Return `shape_g`: every shape in use where there are groups enough, small ones more often.

    Groups of more than a few dozen take from the smaller half only, as web tiers do.
    """
    shapes, groups = len(demand_sr), len(count_g)
    size_s = (demand_sr / demand_sr.mean(axis=0)).max(axis=1)
    by_size = np.argsort(size_s, kind="stable")
    smaller = by_size[: max(1, shapes // 2)]
    few, many = np.flatnonzero(count_g <= _FEW), np.flatnonzero(count_g > _FEW)
    shape_g = np.empty(groups, dtype=np.int64)
    often_s = size_s**-0.6
    shape_g[few] = rng.choice(shapes, len(few), p=often_s / often_s.sum())
    shape_g[many] = rng.choice(smaller, len(many), p=often_s[smaller] / often_s[smaller].sum())
    if groups >= shapes:
        _use_every_shape(rng, shape_g, shapes, few, many)
    return shape_g


def _use_every_shape(
    rng: np.random.Generator, shape_g: IntArray, shapes: int, few: IntArray, many: IntArray
) -> None:
    """Give shapes that nobody has to groups whose shape others have too, small groups first."""
    used_s = np.bincount(shape_g, minlength=shapes)
    unused = list(rng.permutation(np.flatnonzero(used_s == 0)))
    for group in (*rng.permutation(few), *rng.permutation(many)):
        if not unused:
            return
        if used_s[shape_g[group]] > 1:
            used_s[shape_g[group]] -= 1
            shape_g[group] = unused.pop()
            used_s[shape_g[group]] += 1
