"""Kinds instead of classes: what hosts care about, with what rules say of classes summed per area.

Axes: k kind (classes of equal demand and weight), h host, a area (the coarsest partition of the hosts that limits
of single classes speak of), g group (classes of one kind that are alike in counts, priority and limits per area).
Everything here is a relaxation: an answer of the table is one of the master, not the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.solver.relocation.problem import Flags, Ints
from zonewright.solver.relocation.table import LIMIT, Table
from zonewright.solver.relocation.witness import kinds_of

#: Cells of hosts x kinds up to which a master is built.
MOST_CELLS = 4_000_000
#: So few hosts are areas of their own.
_FEW_HOSTS = 16
#: A stage before costs this many times the most that one move can; beyond so many stages no more than that.
_DEAR, _LEVELS = 1_000, 3


@dataclass(frozen=True)
class Costs:
    """What relaxations pay: per stopped, per unplaced of each priority, per unit of weight moved."""

    stop: int
    unplaced: dict[int, int]
    move: int


@dataclass(frozen=True)
class Master:
    """Counts of kinds per host, and what groups of classes ask of areas."""

    table: Table
    kind_c: Ints
    demand_kr: Ints
    weight_k: Ints
    stay_hk: Ints
    """How many of a kind may stay on a host."""
    enter_hk: Flags
    """Whether any class of a kind may enter a host."""
    area_h: Ints
    areas: int
    partition: int
    """The partition that the areas are, -1 for a single area."""
    group_c: Ints
    kind_g: Ints
    priority_g: Ints
    count_g: Ints
    running_g: Ints
    cap_ga: Ints
    """How many of a group an area may hold by the limits of its classes."""
    cap_ca: Ints

    @property
    def kinds(self) -> int:
        """The number of kinds."""
        return len(self.weight_k)


def master_of(table: Table) -> Master | None:
    """Return the master of a table, None where it would be too large."""
    kind_o = kinds_of(table.problem, ())
    kinds = int(kind_o.max(initial=-1)) + 1
    if kinds * table.hosts > MOST_CELLS:
        return None
    kind_c = np.zeros(table.classes, np.int64)
    kind_c[table.class_o] = kind_o
    demand_kr = np.zeros((kinds, table.demand_cr.shape[1]), np.int64)
    weight_k = np.zeros(kinds, np.int64)
    demand_kr[kind_c], weight_k[kind_c] = table.demand_cr, table.weight_c
    stay_hk = np.zeros((table.hosts, kinds), np.int64)
    np.add.at(stay_hk, (table.host_n, kind_c[table.class_n]), table.count_n)
    enter_hk = np.zeros((table.hosts, kinds), bool)
    for k, m in {(k, m) for k, m in zip(kind_c.tolist(), table.mask_c.tolist(), strict=True)}:
        enter_hk[:, k] |= table.enter_mh[m]
    partition, area_h, areas = _areas(table)
    cap_ca = _caps(table, partition, area_h, areas)
    running_c = table.running_c
    key = np.column_stack(
        [kind_c, table.priority_c, table.count_c, running_c, np.minimum(cap_ca, table.count_c[:, None])]
    )
    rows, group_c = np.unique(key, axis=0, return_inverse=True)
    group_c = group_c.ravel()
    size_g = np.bincount(group_c, minlength=len(rows))
    return Master(
        table=table,
        kind_c=kind_c,
        demand_kr=demand_kr,
        weight_k=weight_k,
        stay_hk=stay_hk,
        enter_hk=enter_hk,
        area_h=area_h,
        areas=areas,
        partition=partition,
        group_c=group_c,
        kind_g=rows[:, 0],
        priority_g=rows[:, 1],
        count_g=rows[:, 2] * size_g,
        running_g=rows[:, 3] * size_g,
        cap_ga=rows[:, 4:] * size_g[:, None],
        cap_ca=cap_ca,
    )


def active_hosts(master: Master) -> Ints:
    """Return the hosts that anybody may be on."""
    return np.flatnonzero(np.any(master.stay_hk > 0, axis=1) | np.any(master.enter_hk, axis=1))


def costs_for(table: Table, stage: int) -> Costs:
    """Return costs of 1 for a stage and of much more for those before, nothing for those after."""
    priorities = table.problem.priorities
    large = _DEAR * int(table.weight_c.max(initial=1))
    # Whatever all instances together cost fits into 62 bits, twice for who is stopped and unplaced.
    most = 2**60 // max(1, int(table.count_c.sum()))
    levels = [
        min(large ** min(stage - k, _LEVELS), most) if k < stage else int(k == stage)
        for k in range(len(priorities) + 2)
    ]
    return Costs(levels[0], dict(zip(priorities, levels[1:-1], strict=True)), levels[-1])


def bound_costs(table: Table, stage: int, dear: int) -> Costs:
    """Return costs for the bound on a stage: 1 for it, `dear` moves for one before, nothing for those after."""
    priorities = table.problem.priorities
    large = dear * int(table.weight_c.max(initial=1))
    levels = [large if k < stage else int(k == stage) for k in range(len(priorities) + 2)]
    # Who is stopped is also unplaced: only the stages between pay twice.
    stop = levels[0] if stage <= len(priorities) else 0
    return Costs(stop, dict(zip(priorities, levels[1:-1], strict=True)), levels[-1])


def _areas(table: Table) -> tuple[int, Ints, int]:
    """Return the partition with the fewest domains (at least two) that limits of one class speak of."""
    members_t = np.bincount(table.tally_x, minlength=len(table.kind_t))
    single = (table.kind_t == LIMIT) & (members_t == 1)
    best, fewest = -1, table.hosts + (table.hosts <= _FEW_HOSTS)
    for q in np.unique(table.partition_t[single]).tolist():
        domains = len(np.unique(table.domain_qh[q][table.domain_qh[q] >= 0]))
        if 1 < domains < fewest:
            best, fewest = q, domains
    if best < 0 and table.hosts <= _FEW_HOSTS:
        return -1, np.arange(table.hosts), table.hosts
    if best < 0:
        return -1, np.zeros(table.hosts, np.int64), 1
    area_h = table.domain_qh[best].copy()
    areas = int(area_h.max()) + 1
    if np.any(area_h < 0):
        area_h[area_h < 0] = areas
        areas += 1
    return best, area_h, areas


def _caps(table: Table, partition: int, area_h: Ints, areas: int) -> Ints:
    """Return how many of each class an area may hold: by limits, and where it is closed by who may stay there."""
    cap_ca = np.repeat(table.count_c[:, None], areas, axis=1)
    owner_x = np.repeat(np.arange(table.classes), np.diff(table.tally_start_c))
    domains = int(table.domains_q[partition]) if partition >= 0 else 0
    for c, t in zip(owner_x.tolist(), table.tally_x.tolist(), strict=True):
        if table.kind_t[t] == LIMIT and table.partition_t[t] == partition and partition >= 0:
            start, step = int(table.most_start_t[t]), int(table.most_step_t[t])
            most_d = table.most_x[start : start + domains] if step else table.most_x[start]
            cap_ca[c, :domains] = np.minimum(cap_ca[c, :domains], most_d)
    open_ma = np.zeros((len(table.enter_mh), areas), bool)
    for a in range(areas):
        open_ma[:, a] = np.any(table.enter_mh[:, area_h == a], axis=1)
    stay_ca = np.zeros((table.classes, areas), np.int64)
    np.add.at(stay_ca, (table.class_n, area_h[table.host_n]), table.count_n)
    return np.where(open_ma[table.mask_c], cap_ca, np.minimum(cap_ca, stay_ca))
