"""Seat who was left without a place: where there is room, by exchanging two, or by deciding a few hosts anew.

Axes: c class, h host, s scenario, l layer (0 before any loss, 1 + s in scenario s).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import Rows
from zonewright.solver.sizing.clock import seconds_for, work_for
from zonewright.solver.sizing.problem import MOST, Ints
from zonewright.solver.sizing.seated import Seated

#: Classes and hosts of a neighbourhood in all layers; in a single scenario there are more.
_CLASSES, _HOSTS, _MORE = 90, 7, 4
#: Exchanges of two are tried for so many without a place at most.
_EXCHANGES = 60


def seat_missing(
    state: Seated, random: np.random.Generator, over: Callable[[], bool], *, exchanges: int = _EXCHANGES
) -> None:
    """Put whoever has no place where there is room, or exchange him for one who finds room elsewhere."""
    size_c = _sizes(state)
    for layer in range(len(state.missing_lc)):
        for c in sorted(np.flatnonzero(state.missing_lc[layer] > 0).tolist(), key=lambda c: -size_c[c]):
            while state.missing_lc[layer, c] > 0 and not over():
                if _put_somewhere(state, layer, c, random):
                    continue
                if not layer or exchanges <= 0:
                    break
                exchanges -= 1
                if not _exchange(state, layer, c, random):
                    break


def _sizes(state: Seated) -> list[float]:
    mean_r = np.maximum(state.capacity_hr.mean(axis=0), 1.0)
    return [float(x) for x in (state.problem.demand_cr / mean_r).max(axis=1)]


def _with_room(state: Seated, layer: int, c: int, random: np.random.Generator) -> list[int]:
    """Return the hosts with room for one more of a class in a layer, in random order."""
    demand_r = state.problem.demand_cr[c]
    room_h = np.all(state.room_lhr[layer] >= demand_r, axis=1) & ~state.lost_lh[layer]
    room_h &= state.enter_mh[state.problem.mask_c[c]]
    found = np.flatnonzero(room_h)
    return [int(h) for h in random.permutation(found)]


def _put_somewhere(state: Seated, layer: int, c: int, random: np.random.Generator) -> bool:
    for h in _with_room(state, layer, c, random):
        if state.fits(layer, c, h):
            state.put(layer, c, h)
            return True
    return False


def _exchange(state: Seated, layer: int, c: int, random: np.random.Generator) -> bool:
    """Let one arrive where another arrives who then arrives elsewhere."""
    for h in random.permutation(len(state.area_h)).tolist():
        if state.lost_lh[layer, h]:
            continue
        for other in list(state.held_lh[layer][h]):
            if other == c or not state.fits(layer, c, h, without=other):
                continue
            for to in _with_room(state, layer, other, random):
                if to != h and state.fits(layer, other, to):
                    state.put(layer, other, h, -1)
                    state.put(layer, other, to)
                    state.put(layer, c, h)
                    return True
    return False


def reseat(
    state: Seated, deadline: Deadline, *, seconds: float, workers: int, seed: int, random: np.random.Generator
) -> bool:
    """Decide a few hosts anew for some classes so that fewer are without a place; return whether that helped.

    In all layers, or more hosts in a single scenario. Limits by area are not broken more than they are.
    """
    missing = np.argwhere(state.missing_lc > 0)
    if len(missing):
        layer, c = (int(x) for x in missing[random.integers(len(missing))])
    elif state.broken:
        layer, c = 0, int(random.integers(len(state.problem.count_c)))
    else:
        return False
    free = [layer] if layer and random.random() < 0.5 else list(range(len(state.missing_lc)))
    more = _MORE if len(free) == 1 else 1
    hosts = _neighbourhood(state, layer, c, random, more * _HOSTS)
    classes = _movable(state, hosts, free, random, more * _CLASSES)
    rows = Rows()
    cells = _cells(state, hosts, classes, free, rows)
    cost = _balance(state, hosts, classes, free, cells, rows)
    _limits(state, cells, rows, cost)
    answer = Model(rows.matrix()).minimize(
        cost,
        deadline,
        seconds=seconds_for(deadline, seconds),
        workers=workers,
        seed=seed,
        suggest={j: state.held_lh[x][h][k] for (x, h, k), j in cells.items()},
        floor=0,
        work=work_for(deadline, seconds),
    )
    if answer.x_j is None:
        return False
    before = _weight(state)
    for x, h, k in cells:
        state.put(x, k, h, -state.held_lh[x][h][k])
    for (x, h, k), j in cells.items():
        if answer.x_j[j]:
            state.put(x, k, h, int(answer.x_j[j]))
    state.trim()
    return _weight(state) < before


def _weight(state: Seated) -> int:
    weight_c = _weights(state)
    missing = int((np.maximum(state.missing_lc, 0) @ weight_c).sum())
    return (
        missing
        + state.problem.scenarios * int(state.missing_lc[0] @ weight_c)
        + state.broken * int(weight_c.max())
    )


def _weights(state: Seated) -> Ints:
    size_c = np.array(_sizes(state))
    return np.maximum(1, np.rint(20 * size_c / max(float(size_c.min(initial=1.0)), 1e-6))).astype(np.int64)


def _neighbourhood(state: Seated, layer: int, c: int, random: np.random.Generator, most: int) -> list[int]:
    """Return hosts with room, which the class cannot use for reasons of its group, and others."""
    usable = state.enter_mh[state.problem.mask_c[c]] & ~state.lost_lh[layer]
    room_hr = np.clip(state.room_lhr[layer] / np.maximum(state.capacity_hr, 1), 0, None)
    chance_h = np.where(usable, 0.02 + room_hr.min(axis=1), 1e-6)
    hosts = random.choice(len(chance_h), min(most, len(chance_h)), replace=False, p=chance_h / chance_h.sum())
    return [int(h) for h in np.sort(hosts)]


def _movable(
    state: Seated, hosts: list[int], free: list[int], random: np.random.Generator, most: int
) -> list[int]:
    short = set(np.flatnonzero((state.missing_lc[free] > 0).any(axis=0)).tolist())
    there = {c for x in free for h in hosts for c in state.held_lh[x][h]} - short
    mixed = random.permutation(sorted(there)).tolist()
    return sorted([*short, *mixed[: max(0, most - len(short))]])


def _cells(
    state: Seated, hosts: list[int], classes: list[int], free: list[int], rows: Rows
) -> dict[tuple[int, int, int], int]:
    """Add how many of the classes the hosts hold in the free layers, within their room."""
    problem, own = state.problem, set(classes)
    cells: dict[tuple[int, int, int], int] = {}
    for h in hosts:
        layers = [x for x in state.layers_at(h) if x in free]
        for x in layers:
            for c in classes:
                most = _most(state, h, c)
                if most > 0:
                    cells[x, h, c] = rows.column(0, most)
        for x in [y for y in layers if y] or layers:
            used = sorted({0, x})
            freed_r = np.zeros(problem.demand_cr.shape[1], np.int64)
            for y in used:
                for c, n in state.held_lh[y][h].items():
                    if y in free and c in own:
                        freed_r += n * problem.demand_cr[c]
            terms = [(cells[y, h, c], c) for y in used for c in classes if (y, h, c) in cells]
            for r, room in enumerate((state.room_lhr[x, h] + freed_r).tolist()):
                if room >= 0 or terms:
                    values = [int(problem.demand_cr[c, r]) for _, c in terms]
                    rows.row([j for j, _ in terms], values, high=max(0, room))
            _groups(state, h, used, classes, free, cells, rows)
    return cells


def _most(state: Seated, h: int, c: int) -> int:
    problem = state.problem
    if not state.enter_mh[problem.mask_c[c], h]:
        return 0
    most = int(problem.count_c[c])
    group = state.group_c[c]
    if group >= 0:
        most = min(most, state.most_g[group])
    asks = problem.demand_cr[c] > 0
    room_r = state.capacity_hr[h][asks]
    return min(most, int((room_r // problem.demand_cr[c][asks]).min(initial=most)))


def _groups(
    state: Seated,
    h: int,
    layers: list[int],
    classes: list[int],
    free: list[int],
    cells: dict[tuple[int, int, int], int],
    rows: Rows,
) -> None:
    members: dict[int, list[int]] = {}
    for c in classes:
        if state.group_c[c] >= 0:
            members.setdefault(state.group_c[c], []).append(c)
    for group, own in members.items():
        held = sum(state.groups_lh[x][h][group] for x in layers)
        held -= sum(state.held_lh[x][h][c] for x in layers if x in free for c in own)
        columns = [cells[x, h, c] for x in layers for c in own if (x, h, c) in cells]
        rows.row(columns, [1] * len(columns), high=max(0, state.most_g[group] - held))


def _balance(
    state: Seated,
    hosts: list[int],
    classes: list[int],
    free: list[int],
    cells: dict[tuple[int, int, int], int],
    rows: Rows,
) -> dict[int, int]:
    """Add that everybody is somewhere, and who is displaced again: what is missing costs."""
    problem = state.problem
    weight_c = _weights(state)
    cost: dict[int, int] = {}
    for c in classes:
        for x in free:
            here = sum(state.held_lh[x][h][c] for h in hosts)
            wanted = int(state.missing_lc[x, c]) + here
            terms = [(cells[x, h, c], 1) for h in hosts if (x, h, c) in cells]
            if x:
                lost = [h for h in hosts if 0 in free and state.lost_lh[x, h] and problem.evacuated_sc[x - 1, c]]
                wanted -= sum(state.held_lh[0][h][c] for h in lost)
                terms += [(cells[0, h, c], -1) for h in lost if (0, h, c) in cells]
            missing = rows.column(0, int(problem.count_c[c]))
            cost[missing] = int(weight_c[c]) * (1 if x else 1 + problem.scenarios)
            columns = [j for j, _ in terms] + [missing]
            values = [v for _, v in terms] + [1]
            rows.row(columns, values, low=wanted, high=None if x else wanted)
    return cost


def _limits(state: Seated, cells: dict[tuple[int, int, int], int], rows: Rows, cost: dict[int, int]) -> None:
    """Add that limits by area are not broken, or not more than they are."""
    dear = int(_weights(state).max(initial=1))
    for i, limit in enumerate(state.problem.limits):
        own = {
            j: weight
            for (x, h, c), j in cells.items()
            for number, weight in state.counted(x, c, h)
            if number == i and weight
        }
        if not own:
            continue
        rest = state.value_i[i] - sum(
            own[j] * state.held_lh[x][h][c] for (x, h, c), j in cells.items() if j in own
        )
        most = abs(rest) + sum(abs(v) * rows.high[j] for j, v in own.items())
        for side, sign in ((limit.low, 1), (limit.high, -1)):
            if abs(side) < MOST:
                excess = rows.column(0, most + abs(side))
                cost[excess] = dear
                low, high = (side - rest, None) if sign > 0 else (None, side - rest)
                rows.row([*own, excess], [*own.values(), sign], low=low, high=high)
