"""What engines choose from: the sites that items of a profile may enter, and how large items are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonewright.solver.search.board import NO_LIMIT, Board, Ints, Places
from zonewright.solver.search.kernels.records import Record

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Options(Record):
    """Lists to choose from; axes p profile, i item, x position in a list."""

    site_ptr_p: Ints
    """Sites that profile p may enter are those from site_ptr_p[2 p] to before site_ptr_p[2 p + 1]."""
    site_x: Places
    size_i: Reals
    """An item's largest share, over the resources, of what a mean site has."""
    item_x: Places
    """Items that may leave their home."""


def options_of(board: Board) -> Options:
    """Make the lists of a board. Profiles that may enter the same sites share theirs."""
    places: dict[bytes, tuple[int, int]] = {}
    parts: list[Places] = []
    total = 0
    first_p, last_p = [], []
    for row in board.enter_ps:
        key = np.packbits(row).tobytes()
        if key not in places:
            found = np.flatnonzero(row).astype(np.int32)
            places[key] = (total, total + len(found))
            parts.append(found)
            total += len(found)
        first_p.append(places[key][0])
        last_p.append(places[key][1])
    # First and behind-last of every profile, one after the other.
    pointer = np.array([first_p, last_p], np.int64).T.ravel()
    return Options(
        site_ptr_p=np.ascontiguousarray(pointer),
        site_x=np.concatenate(parts) if parts else np.zeros(0, np.int32),
        size_i=_sizes(board),
        item_x=np.flatnonzero(~board.pinned_i).astype(np.int32),
    )


def _sizes(board: Board) -> Reals:
    limit_sr = board.limit_nr[: board.sites]
    if not board.items or not board.sites or not board.demand_ir.shape[1]:
        return np.zeros(board.items)
    limited_sr = limit_sr < NO_LIMIT
    number_r = limited_sr.sum(axis=0)
    mean_r = np.where(limited_sr, limit_sr, 0).sum(axis=0) / np.maximum(number_r, 1)
    share_r = np.where(mean_r > 0, 1.0 / np.maximum(mean_r, 1e-9), 0.0)
    return np.ascontiguousarray((board.demand_ir * share_r).max(axis=1))
