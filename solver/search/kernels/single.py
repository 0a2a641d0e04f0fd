# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""The moves one at a time, for callers in Python: tests, checks and engines that move little."""

from __future__ import annotations

from numba import types

from zonewright.solver.search.kernels.moves import apply_shift, apply_swap, roll_back, shift_delta, swap_delta
from zonewright.solver.search.kernels.records import entry, inner
from zonewright.solver.search.state import Facts, State

AMOUNTS, PLACES = types.int64[::1], types.int32[::1]


@inner
def _hand_out(f, s, d_k, allowed) -> bool:
    for k in range(f.stages):
        d_k[k] = s.d_k[k]
    return allowed


@inner
def _take_in(f, s, d_k) -> None:
    for k in range(f.stages):
        s.d_k[k] = d_k[k]


@entry(Facts, State, types.int64, types.int64, AMOUNTS, types.boolean)
def shift_delta_once(f, s, i, new, d_k, strict) -> bool:
    """See `shift_delta`."""
    return _hand_out(f, s, d_k, shift_delta(f, s, i, new, s.d_k, strict))


@entry(Facts, State, types.int64, types.int64, AMOUNTS, types.boolean)
def swap_delta_once(f, s, i, j, d_k, strict) -> bool:
    """See `swap_delta`."""
    return _hand_out(f, s, d_k, swap_delta(f, s, i, j, s.d_k, strict))


@entry(Facts, State, types.int64, types.int64, AMOUNTS)
def apply_shift_once(f, s, i, new, d_k) -> None:
    """See `apply_shift`."""
    _take_in(f, s, d_k)
    apply_shift(f, s, i, new, s.d_k)


@entry(Facts, State, types.int64, types.int64, AMOUNTS)
def apply_swap_once(f, s, i, j, d_k) -> None:
    """See `apply_swap`."""
    _take_in(f, s, d_k)
    apply_swap(f, s, i, j, s.d_k)


@entry(Facts, State, PLACES, PLACES, types.int64, AMOUNTS)
def roll_back_once(f, s, item_x, old_x, steps, value_k) -> None:
    """See `roll_back`."""
    roll_back(f, s, item_x, old_x, steps, value_k)
