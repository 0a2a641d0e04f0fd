# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""The moves one at a time, for callers in Python: tests, checks and engines that move little.

One kernel does all of them: each that is compiled by itself would carry all families anew.
"""

from __future__ import annotations

import numpy as np
from numba import types

from zonewright.solver.search.board import Ints, Places
from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, place, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry
from zonewright.solver.search.state import Facts, State

_PRICE_SHIFT, _PRICE_SWAP, _SHIFT, _SWAP, _PLACE = range(5)


@entry(Facts, State, types.int64, types.int64, types.int64, types.boolean)
def _do(f, s, what, i, x, strict) -> bool:
    if what == _PRICE_SHIFT:
        return shift_delta(f, s, i, x, s.d_k, strict)
    if what == _PRICE_SWAP:
        return swap_delta(f, s, i, x, s.d_k, strict)
    if what == _SHIFT:
        apply_shift(f, s, i, x, s.d_k)
    elif what == _SWAP:
        apply_swap(f, s, i, x, s.d_k)
    else:
        place(f, s, i, x)
    return True


def shift_delta_once(f: Facts, s: State, i: int, new: int, d_k: Ints, strict: bool) -> bool:
    """See `shift_delta`."""
    allowed = _do(f, s, _PRICE_SHIFT, i, new, strict)
    d_k[:] = s.d_k
    return bool(allowed)


def swap_delta_once(f: Facts, s: State, i: int, j: int, d_k: Ints, strict: bool) -> bool:
    """See `swap_delta`."""
    allowed = _do(f, s, _PRICE_SWAP, i, j, strict)
    d_k[:] = s.d_k
    return bool(allowed)


def apply_shift_once(f: Facts, s: State, i: int, new: int, d_k: Ints) -> None:
    """See `apply_shift`."""
    s.d_k[:] = d_k
    _do(f, s, _SHIFT, i, new, False)


def apply_swap_once(f: Facts, s: State, i: int, j: int, d_k: Ints) -> None:
    """See `apply_swap`."""
    s.d_k[:] = d_k
    _do(f, s, _SWAP, i, j, False)


def roll_back_once(f: Facts, s: State, item_x: Places, old_x: Places, steps: int, value_k: Ints) -> None:
    """Take back the last `steps` applied shifts, each (item, old site), the last one first."""
    for x in reversed(range(steps)):
        _do(f, s, _PLACE, int(item_x[x]), int(old_x[x]), False)
    s.value_k[:] = value_k


def differences(f: Facts, s: State) -> list[str]:
    """Name the fields of a state that are not what they are when it is made anew; empty where all is right.

    Lists of items by site and scratch are left out, and the nodes of most use, of which there may be several.
    """
    from zonewright.solver.search.state import make_state

    fresh = make_state(f, s.site_i)
    sums = ("use_nr", "held_nr", "room_nr", "size_n", "count_x", "in_use_gl", "placed_g")
    others = ("moved_g", "moved_x", "peak_p", "hist_pc", "own_ik", "value_k")
    return [name for name in sums + others if not np.array_equal(getattr(s, name), getattr(fresh, name))]
