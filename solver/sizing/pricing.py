# mypy: disable-error-code="no-untyped-def"
"""What a host does best at given prices: what it holds before any loss, and what arrives in each scenario.

What a scenario's arrivals earn depends on the room left alone, and so does what the host holds before: tables over
all amounts of room (dynamic programs over up to three resources in whole units) answer for every host at once.

Axes: k shape, n cell of the table (amounts of room, the last resource fastest), t table (0 before any loss, then
one for each scenario that spares the area), r resource, i host.
"""

from __future__ import annotations

from numba import float64, int32, int64

from zonewright.solver.kernels.cache import kernel

# Types of arrays: whole numbers, real ones; the digit is the number of axes.
_I1, _I2, _F1 = int64[::1], int64[:, ::1], float64[::1]


@kernel((_F1, _I1, _I2, _I1, _F1, int32[:, ::1]))
def fill(worth_k, most_k, demand_kr, size_r, value_n, take_kn):
    """Fill the table of the most worth within every amount of room, and how many of each shape reach it.

    `take_kn[k, n]` is how many of shape k are taken at n after shapes 0..k were offered.
    """
    cells = size_r[0] * size_r[1] * size_r[2]
    step_0, step_1 = size_r[1] * size_r[2], size_r[2]
    for n in range(cells):
        value_n[n] = 0.0
    for k in range(worth_k.shape[0]):
        for n in range(cells):
            take_kn[k, n] = 0
        worth = worth_k[k]
        if worth <= 1e-12 or most_k[k] <= 0:
            continue
        d0, d1, d2 = demand_kr[k, 0], demand_kr[k, 1], demand_kr[k, 2]
        if d0 >= size_r[0] or d1 >= size_r[1] or d2 >= size_r[2]:
            continue
        shift = d0 * step_0 + d1 * step_1 + d2
        if shift == 0:
            # It needs no room at all.
            for n in range(cells):
                value_n[n] += worth * most_k[k]
                take_kn[k, n] = most_k[k]
            continue
        fit = 1 << 30
        if d0 > 0:
            fit = min(fit, (size_r[0] - 1) // d0)
        if d1 > 0:
            fit = min(fit, (size_r[1] - 1) // d1)
        if d2 > 0:
            fit = min(fit, (size_r[2] - 1) // d2)
        if most_k[k] >= fit:
            for a in range(d0, size_r[0]):
                for b in range(d1, size_r[1]):
                    start = a * step_0 + b * step_1
                    for n in range(start + d2, start + size_r[2]):
                        other = value_n[n - shift] + worth
                        if other > value_n[n] + 1e-12:
                            value_n[n] = other
                            take_kn[k, n] = take_kn[k, n - shift] + 1
        else:
            for a in range(size_r[0] - 1, d0 - 1, -1):
                for b in range(size_r[1] - 1, d1 - 1, -1):
                    start = a * step_0 + b * step_1
                    for n in range(start + size_r[2] - 1, start + d2 - 1, -1):
                        x, y, z = a, b, n - start
                        best, taken = value_n[n], 0
                        for copies in range(1, most_k[k] + 1):
                            x, y, z = x - d0, y - d1, z - d2
                            if x < 0 or y < 0 or z < 0:
                                break
                            other = value_n[n - copies * shift] + copies * worth
                            if other > best + 1e-12:
                                best, taken = other, copies
                        value_n[n] = best
                        take_kn[k, n] = taken
    return 0


@kernel((_I2, float64[:, ::1], _I1, _F1, _I1))
def split(room_ir, value_tn, size_r, best_i, cell_i):
    """Find, for every host, how much room goes to what it holds before any loss: the rest is for arrivals.

    `best_i` is the most worth of table 0 at a cell and of all others at what is left of the host's room.
    """
    step_0, step_1 = size_r[1] * size_r[2], size_r[2]
    tables = value_tn.shape[0]
    for i in range(room_ir.shape[0]):
        r0, r1, r2 = room_ir[i, 0], room_ir[i, 1], room_ir[i, 2]
        full = r0 * step_0 + r1 * step_1 + r2
        best, cell = -1.0, 0
        for a in range(r0 + 1):
            for b in range(r1 + 1):
                start = a * step_0 + b * step_1
                for n in range(start, start + r2 + 1):
                    worth = value_tn[0, n]
                    for t in range(1, tables):
                        worth += value_tn[t, full - n]
                    if worth > best + 1e-12:
                        best, cell = worth, n
        best_i[i] = best
        cell_i[i] = cell
    return 0


@kernel((int64, int32[:, ::1], _I2, _I1, _I1))
def read(cell, take_kn, demand_kr, size_r, held_k):
    """Read what reaches a table's value at a cell."""
    step_0, step_1 = size_r[1] * size_r[2], size_r[2]
    n = cell
    for k in range(take_kn.shape[0] - 1, -1, -1):
        copies = take_kn[k, n]
        held_k[k] = copies
        n -= copies * (demand_kr[k, 0] * step_0 + demand_kr[k, 1] * step_1 + demand_kr[k, 2])
    return 0
