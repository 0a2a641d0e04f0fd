"""What limits at a price are evaluated with: room and load of sites as floating-point numbers, side by side.

Integers below 2^53 are exact as floats, and all that a board adds up is far below; loops over floats are done four
resources at a time by the processor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.search.kernels.records import Record
from zonewright.solver.search.options import Reals
from zonewright.solver.search.state import FAMILIES, Facts, State


@dataclass(frozen=True)
class Rooms(Record):
    """Axes: y row of demands, s site, n node, r resource."""

    need_yr: Reals
    """Row 2 i is what item i takes, row 2 i + 1 what at home, where it holds room; the last is nobody."""
    room_sr: Reals
    beyond_sr: Reals
    """Use beyond what is safe, negative below it."""
    load_r: Reals
    """What a unit of load costs."""
    price_nr: Reals
    """What a unit beyond the limit of a node costs."""


def rooms_of(facts: Facts, state: State, stage: int) -> Rooms:
    """Return the rooms of a state, with the weights of loads that count in a stage and no prices yet."""
    sites = facts.sites
    need_yr = np.zeros((2 * facts.items + 1, facts.resources))
    need_yr[0:-1:2] = need_yr[1::2] = facts.demand_ir
    if facts.has & FAMILIES["holds"] and facts.hold_l[0]:
        stays_i = (facts.home_i >= 0) & (facts.home_i < sites)
        need_yr[1::2][np.ix_(stays_i, facts.holds_lr[0])] = 0.0
    counts_r = (facts.load_stage_lr[0] == stage) & bool(facts.has & FAMILIES["load"])
    return Rooms(
        need_yr=need_yr,
        room_sr=state.room_nr[:sites].astype(np.float64),
        beyond_sr=(state.use_nr[:sites] - facts.safe_nr[:sites]).astype(np.float64),
        load_r=np.where(counts_r, facts.weight_lr[0], 0).astype(np.float64),
        price_nr=np.zeros(state.room_nr.shape),
    )
