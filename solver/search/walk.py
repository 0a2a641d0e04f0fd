"""A walk over placements: its random numbers, temperatures, counters and the best placement that it has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonewright.solver.search.board import Bools, Ints, Places
from zonewright.solver.search.kernels.records import Record
from zonewright.solver.search.state import Facts, State

Words = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]

#: Positions in `Walk.tally_x`.
PROPOSED, PRICED, ACCEPTED, CHANGED, TURN, NEXT, REFUSED = range(7)
"""Moves thought of, if only to find that there is no room; those that break nothing, priced in full; those made;
new bests; items that differ from the best; moves put into the queue; the item that is up next; moves with room
that were refused for what load alone costs."""
#: Moves in the queue.
DEPTH = 8


@dataclass(frozen=True)
class Walk(Record):
    """What a loop of moves needs besides the state."""

    random_x: Words
    """State of the generator, one word, never 0."""
    heat_k: Reals
    """Temperature of every stage; 0 where nothing may get worse."""
    best_i: Places
    best_k: Ints
    changed_x: Places
    """Items that have moved since the best was seen, the first `tally_x[CHANGED]` count."""
    changed_i: Bools
    tally_x: Ints
    swap_x: Ints
    """Of 256 proposals so many are swaps (one number)."""
    waiting_x: Places
    """Moves thought of ahead (see kernels.ahead), two numbers each."""
    luck_x: Reals
    """The draw from [0, 1) that decides on each of them."""
    d_k: Ints
    """Scratch."""


def make_walk(f: Facts, s: State, seed: int, *, swaps: float = 0.75) -> Walk:
    """A walk that begins at a state. `swaps` is the share of swaps among proposals."""
    start = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64
    return Walk(
        random_x=np.array([start or 1], np.uint64),
        heat_k=np.zeros(f.stages),
        best_i=s.site_i.copy(),
        best_k=s.value_k.copy(),
        changed_x=np.zeros(f.items, np.int32),
        changed_i=np.zeros(f.items, np.bool_),
        tally_x=np.zeros(7, np.int64),
        swap_x=np.array([round(swaps * 256)], np.int64),
        waiting_x=np.full(2 * DEPTH, -1, np.int32),
        luck_x=np.zeros(DEPTH),
        d_k=np.zeros(f.stages, np.int64),
    )
