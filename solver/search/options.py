"""What engines choose from: the sites that items of a profile may enter, and how large items are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonewright.solver.search.board import NO_LIMIT, Board, Bools, Ints, Places
from zonewright.solver.search.kernels.records import Record

Reals = npt.NDArray[np.float64]

#: So many like items are known of each, as near as this factor more than the nearest at most.
NEAR, ROUGH = 32, 0.5
#: With more items than these that takes too much memory.
MOST_LIKE = 200_000
#: They are like in so many resources, the ones in which they differ most for the room that is free.
AXES = 6
#: Of a resource that is used up this share is taken to be free.
LEAST_FREE = 0.002
#: Swaps within a group are of use where it has so many items or more, of different demands.
LEAST_MATES = 4
#: Where demands repeat, so that of the items less than this share are different, like ones or those of a group are
#: as good as any.
DISTINCT = 0.5


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
    near_ix: Places
    """To each item others of like demand, for swaps where room is scarce; none where that is of no use."""
    mixed_g: Bools
    """Groups whose items are worth swapping among themselves."""


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
        near_ix=np.zeros((board.items, 0), np.int32),
        mixed_g=_mixed(board),
    )


def _mixed(board: Board) -> Bools:
    """Say of every group whether it has items enough, and enough of different demands."""
    size_g = np.diff(board.members_ptr_g)
    filled_g = size_g > 0
    first_i = np.zeros(board.items, np.int64)
    first_i[board.members_x] = np.repeat(board.members_x[board.members_ptr_g[:-1][filled_g]], size_g[filled_g])
    differs_i = (board.demand_ir != board.demand_ir[first_i]).any(axis=1)
    # Only what differs is sorted: of most estates that is nothing.
    group_x = board.group_i[differs_i].astype(np.int64)
    distinct = np.unique(np.column_stack([group_x, board.demand_ir[differs_i]]), axis=0)
    demands_g = 1 + np.bincount(distinct[:, 0], minlength=board.groups)
    mixed_g: Bools = (size_g >= LEAST_MATES) & (demands_g >= DISTINCT * size_g)
    return mixed_g


def near_items(board: Board, room_nr: Ints) -> Places:
    """Return for each item others whose demand is nearest, by the resources of which there is little room.

    Where room is scarce only like items can be exchanged. None where demands repeat: any two of a kind will do.
    """
    none = np.zeros((board.items, 0), np.int32)
    item_x = np.flatnonzero(~board.pinned_i)
    limit_sr = board.limit_nr[: board.sites]
    limited_sr = limit_sr < NO_LIMIT
    if not 2 * NEAR <= len(item_x) <= MOST_LIKE or not limited_sr.any():
        return none
    demand_xr = board.demand_ir[item_x]
    if len(np.unique(demand_xr, axis=0)) < DISTINCT * len(item_x):
        return none
    total_r = np.where(limited_sr, limit_sr, 0).sum(axis=0).astype(np.float64)
    free_r = np.where(limited_sr, np.maximum(room_nr[: board.sites], 0), 0).sum(axis=0) / np.maximum(total_r, 1.0)
    weight_r = np.where(total_r > 0, 1.0 / (np.maximum(free_r, LEAST_FREE) * np.maximum(total_r, 1.0)), 0.0)
    point_xr = demand_xr * weight_r
    widest = np.argsort(-point_xr.std(axis=0))[:AXES]
    return _nearest(np.ascontiguousarray(point_xr[:, widest]), item_x, board.items)


def _nearest(point_xa: Reals, item_x: Ints, items: int) -> Places:
    """Return the items whose points are nearest, roughly; items without a point have only themselves.

    The first that is found is the item itself, or one at the same point.
    """
    from scipy.spatial import cKDTree

    _, found_xy = cKDTree(point_xa).query(point_xa, k=NEAR + 1, eps=ROUGH)
    near_ix = np.repeat(np.arange(items, dtype=np.int32)[:, None], NEAR, axis=1)
    near_ix[item_x] = item_x[found_xy[:, 1:]]
    return np.ascontiguousarray(near_ix)


def _sizes(board: Board) -> Reals:
    limit_sr = board.limit_nr[: board.sites]
    if not board.items or not board.sites or not board.demand_ir.shape[1]:
        return np.zeros(board.items)
    limited_sr = limit_sr < NO_LIMIT
    number_r = limited_sr.sum(axis=0)
    mean_r = np.where(limited_sr, limit_sr, 0).sum(axis=0) / np.maximum(number_r, 1)
    share_r = np.where(mean_r > 0, 1.0 / np.maximum(mean_r, 1e-9), 0.0)
    return np.ascontiguousarray((board.demand_ir * share_r).max(axis=1))
