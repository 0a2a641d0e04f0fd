"""Packing as opening costs see it: shapes of items, kinds of sites, and what fits on a site of each kind.

Items that pack alike are of one *shape*: equal demand, reach, price and cost of being nowhere. Sites alike in
limits, opening cost, reach and price are of one *kind*. What fits is read from a table over amounts of room, of
at most three resources, the tightest ones; where the table would be too large, amounts are counted in coarser
units, rounded down on both sides. All of that admits more than the limits do, never less: what is proven holds.
Axes: k shape, j kind, f family (kinds with the same reach and prices), r resource, n cell of the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.search.board import NO_LIMIT, Bools, Ints, Places
from zonewright.solver.search.bounds.frame import Frame, classes_of

#: Axes of the table.
AXES = 3
#: Cells of the table at most.
MOST_CELLS = 250_000
#: Cells times shapes at most: what is taken at every cell is remembered while patterns are sought.
MOST_TAKEN = 30_000_000
#: Shapes at most: with more, items hardly repeat and patterns of shapes say little.
MOST_SHAPES = 5_000


@dataclass(frozen=True)
class Packing:
    """A board's shapes and kinds for one stage."""

    frame: Frame
    count_k: Ints
    demand_kr: Ints
    """In units of the table."""
    most_k: Ints
    """Copies of a shape on one site at most."""
    out_km: Ints
    """What an item of a shape costs that is nowhere, per stage up to this one; NO_LIMIT where it may not be."""
    sites_j: Ints
    room_jr: Ints
    open_jm: Ints
    family_j: Places
    may_fk: Bools
    price_fk: Ints
    """At least what a shape's items cost on a family's sites, in the stage of prices."""
    size_r: Ints

    @property
    def cells(self) -> int:
        """Cells of the table."""
        return int(np.prod(self.size_r))


def packing_of(frame: Frame) -> Packing | None:
    """Return the packing of a stage, None where opening costs nothing or there are too many shapes."""
    board, k = frame.board, frame.stage
    site_node = int(board.base_l[0]) + board.dom_ls[0]
    if not frame.strict or not board.open_nk[site_node, k].any():
        return None
    limited_r = (frame.limit_nr[site_node] < NO_LIMIT).any(axis=0)
    use_ir = board.demand_ir[:, limited_r]
    out_im = np.where(frame.out_allowed_i[:, None], board.out_ik[:, : k + 1], NO_LIMIT)
    key_ix = np.column_stack([use_ir, board.profile_i, board.price_class_i, out_im])
    first_k, shape_i = classes_of(key_ix)
    if len(first_k) > MOST_SHAPES:
        return None
    limit_sr = frame.limit_nr[site_node][:, limited_r]
    enter_sp = frame.enter_ps.T
    family_f, family_s = classes_of(np.column_stack([enter_sp, board.price_key_s]))
    open_sm = board.open_nk[site_node, : k + 1]
    first_j, kind_s = classes_of(np.column_stack([limit_sr, open_sm, family_s]))
    count_k = np.bincount(shape_i)
    demand_kr, room_jr = _tightest(use_ir[first_k], limit_sr[first_j], count_k, np.bincount(kind_s))
    demand_kr, room_jr = _table(demand_kr, room_jr, len(first_k))
    price_fk = _prices(frame, shape_i, first_k, family_s, family_f)
    most_k = _copies(frame, shape_i, count_k)
    may_fk = frame.enter_ps[board.profile_i[first_k]][:, family_f].T
    may_fk = may_fk | _homes(frame, shape_i, family_s, len(first_k), len(family_f))
    return Packing(
        frame,
        count_k,
        demand_kr,
        most_k,
        out_im[first_k],
        np.bincount(kind_s),
        room_jr,
        open_sm[first_j],
        family_s[first_j].astype(np.int32),
        may_fk,
        price_fk,
        room_jr.max(axis=0, initial=0) + 1,
    )


def _tightest(demand_kr: Ints, limit_jr: Ints, count_k: Ints, sites_j: Ints) -> tuple[Ints, Ints]:
    """Keep the resources that are fullest when everything is placed; what can never bind is no loss."""
    total_r = count_k @ demand_kr
    binds_r = (limit_jr < total_r).any(axis=0)
    room_r = np.minimum(limit_jr, total_r).T.astype(float) @ sites_j
    fullest = sorted(np.flatnonzero(binds_r), key=lambda r: -total_r[r] / max(room_r[r], 1.0))
    kept = sorted(int(r) for r in fullest[:AXES])
    room_jr = np.minimum(limit_jr[:, kept], total_r[kept])
    pad = ((0, 0), (0, AXES - len(kept)))
    return np.pad(demand_kr[:, kept], pad), np.pad(np.maximum(room_jr, 0), pad)


def _table(demand_kr: Ints, room_jr: Ints, shapes: int) -> tuple[Ints, Ints]:
    """Count amounts in units so that the table is small enough: exactly where the common divisors allow it."""
    unit_r = np.maximum(np.gcd.reduce(demand_kr, axis=0, initial=0), 1)
    demand_kr, room_jr = demand_kr // unit_r, room_jr // unit_r
    most = min(MOST_CELLS, max(MOST_TAKEN // max(shapes, 1), 1))
    while np.prod(room_jr.max(axis=0, initial=0) + 1.0) > most:
        r = int(room_jr.max(axis=0, initial=0).argmax())
        demand_kr[:, r] //= 2
        room_jr[:, r] //= 2
    return np.ascontiguousarray(demand_kr), np.ascontiguousarray(room_jr)


def _prices(frame: Frame, shape_i: Ints, first_k: Ints, family_s: Ints, family_f: Ints) -> Ints:
    """Return the least price of a shape's items on a family's sites: of coming there, or of staying at home."""
    board = frame.board
    price_kf = np.zeros((len(first_k), len(family_f)), np.int64)
    if board.price_stage >= 0:
        price_kf = board.price_vq[board.price_class_i[first_k]][:, board.price_key_s[family_f]].astype(np.int64)
        homed = np.flatnonzero(board.home_i >= 0)
        at = shape_i[homed], family_s[board.home_i[homed]]
        np.minimum.at(price_kf, at, board.home_price_i[homed])
    return np.ascontiguousarray(price_kf.T)


def _homes(frame: Frame, shape_i: Ints, family_s: Ints, shapes: int, families: int) -> Bools:
    """Return where items of a shape may stay: families x shapes."""
    board = frame.board
    found_fk = np.zeros((families, shapes), bool)
    staying = np.flatnonzero(frame.stays_i)
    found_fk[family_s[board.home_i[staying]], shape_i[staying]] = True
    return found_fk


def _copies(frame: Frame, shape_i: Ints, count_k: Ints) -> Ints:
    """Return how many of a shape one site takes at most, as far as its groups are limited there."""
    pair_x, count_x = np.unique(np.column_stack([shape_i, frame.board.group_i]), axis=0, return_counts=True)
    most_k = np.zeros(len(count_k), np.int64)
    np.add.at(most_k, pair_x[:, 0], np.minimum(count_x, frame.cap_g[pair_x[:, 1]]))
    return most_k
