"""From counts of kinds to classes: one flow of least cost per kind gives places to classes and says who stays.

Area limits, limits of single hosts and masks are in the flow. What spans several kinds (limits over several
classes, companies, capacities of domains) is not: the placement made from it keeps those too, at the price of
instances that find no place there.

Axes: c class, h host, k kind, a area, n entry, x arc.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.certificate import hardest_first, tightness
from zonewright.solver.relocation.counts import Offer
from zonewright.solver.relocation.keeping import keep
from zonewright.solver.relocation.master import Master
from zonewright.solver.relocation.problem import Ints
from zonewright.solver.relocation.state import entries, place_units, put_all, put_fitting, state_of
from zonewright.solver.relocation.table import LIMIT, Table

#: Arcs beyond which a kind's flow is not built.
MOST_ARCS = 4_000_000

Placement = tuple[Ints, Ints, Ints]


@dataclass(frozen=True)
class Seats:
    """Who stays of every entry, and who goes where."""

    stay_n: Ints
    class_x: Ints
    host_x: Ints
    count_x: Ints
    short: int
    """Instances without a place."""


def seats(master: Master, offer: Offer) -> Seats:
    """Give the places of an offer to classes so that few leave and few are without a place."""
    table = master.table
    stay_n = table.count_n.copy()
    parts: list[tuple[Ints, Ints, Ints]] = []
    short = 0
    slots_hk = offer.stay_hk + offer.enter_hk
    kind_n = master.kind_c[table.class_n]
    host_most = _host_limits(table)
    fixed_c = np.zeros(table.classes, np.int64)
    shrinks_n = slots_hk[table.host_n, kind_n] < master.stay_hk[table.host_n, kind_n]
    np.add.at(fixed_c, table.class_n[~shrinks_n], table.count_n[~shrinks_n])
    fixed_ca = np.zeros((table.classes, master.areas), np.int64)
    np.add.at(
        fixed_ca, (table.class_n[~shrinks_n], master.area_h[table.host_n[~shrinks_n]]), table.count_n[~shrinks_n]
    )
    needy = table.count_c > fixed_c
    for k in np.unique(master.kind_c[needy]).tolist():
        classes = np.flatnonzero(needy & (master.kind_c == k))
        growing = np.flatnonzero(slots_hk[:, k] > master.stay_hk[:, k])
        own_n = np.flatnonzero(shrinks_n & (kind_n == k))
        if len(classes) * len(growing) > MOST_ARCS:
            stay_n[own_n] = 0
            continue
        stay, found, missing = _one_kind(
            master, k, classes, growing, own_n, slots_hk[:, k], table.count_c - fixed_c, fixed_ca, host_most
        )
        stay_n[own_n] = stay
        parts.append(found)
        short += missing
    if not parts:
        parts.append((np.zeros(0, np.int64),) * 3)
    class_x, host_x, count_x = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Seats(stay_n, class_x, host_x, count_x, short)


def _host_limits(table: Table) -> dict[int, list[int]]:
    """Return for every class its limits whose domains are single hosts."""
    single = np.zeros(len(table.domain_qh), bool)
    for q, domain_h in enumerate(table.domain_qh):
        inside = domain_h[domain_h >= 0]
        single[q] = len(np.unique(inside)) == len(inside)
    owner_x = np.repeat(np.arange(table.classes), np.diff(table.tally_start_c))
    useful = (table.kind_t[table.tally_x] == LIMIT) & single[table.partition_t[table.tally_x]]
    found: dict[int, list[int]] = {}
    for c, t in zip(owner_x[useful].tolist(), table.tally_x[useful].tolist(), strict=True):
        found.setdefault(c, []).append(t)
    return found


def _one_kind(
    master: Master,
    k: int,
    classes: Ints,
    growing: Ints,
    own_n: Ints,
    slots_h: Ints,
    supply_c: Ints,
    fixed_ca: Ints,
    host_most: dict[int, list[int]],
) -> tuple[Ints, tuple[Ints, Ints, Ints], int]:
    """Return who stays of entries on hosts that shrink, who enters hosts that grow, how many find no place."""
    from ortools.graph.python import min_cost_flow

    table = master.table
    count, areas = len(classes), master.areas
    index_c = np.full(table.classes, -1, np.int64)
    index_c[classes] = np.arange(count)
    host_node = np.full(table.hosts, -1, np.int64)
    shrinking = np.unique(table.host_n[own_n])
    first_area, first_host = count, count + count * areas
    host_node[growing] = first_host + np.arange(len(growing))
    host_node[shrinking] = first_host + len(growing) + np.arange(len(shrinking))
    sink = first_host + len(growing) + len(shrinking)
    weight = int(master.weight_k[k])
    dear = 4 * weight

    supply = supply_c[classes]
    row, column = np.nonzero(table.enter_mh[table.mask_c[classes]][:, growing])
    most = np.minimum(supply[row], (slots_h - master.stay_hk[:, k])[growing[column]])
    most = np.minimum(most, _room_on_hosts(table, classes, growing, host_most)[row, column])
    keep_x = most > 0
    row, column, most = row[keep_x], column[keep_x], most[keep_x]
    enter_area = master.area_h[growing[column]]
    own_class = index_c[table.class_n[own_n]]
    own_area = master.area_h[table.host_n[own_n]]
    cap_ca = np.maximum(master.cap_ca[classes] - fixed_ca[classes], 0)
    c_of_a, a_of_a = np.repeat(np.arange(count), areas), np.tile(np.arange(areas), count)

    tail = np.concatenate(
        [
            c_of_a,
            first_area + row * areas + enter_area,
            first_area + own_class * areas + own_area,
            np.arange(count),
            host_node[growing],
            host_node[shrinking],
        ]
    )
    head = np.concatenate(
        [
            first_area + c_of_a * areas + a_of_a,
            host_node[growing[column]],
            host_node[table.host_n[own_n]],
            np.full(count + len(growing) + len(shrinking), sink),
        ]
    )
    capacity = np.concatenate(
        [
            cap_ca.ravel(),
            most,
            table.count_n[own_n],
            supply,
            (slots_h - master.stay_hk[:, k])[growing],
            slots_h[shrinking],
        ]
    )
    cost = np.zeros(len(tail), np.int64)
    enters = slice(len(c_of_a), len(c_of_a) + len(row))
    stays = slice(enters.stop, enters.stop + len(own_n))
    cost[enters] = weight
    cost[stays.stop : stays.stop + count] = dear
    flow = min_cost_flow.SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(tail, head, capacity, cost)
    flow.set_nodes_supplies(np.arange(count), supply)
    flow.set_node_supply(sink, -int(supply.sum()))
    if flow.solve() != flow.OPTIMAL:
        nothing = np.zeros(0, np.int64)
        return np.zeros(len(own_n), np.int64), (nothing, nothing, nothing), int(supply.sum())
    used = np.asarray(flow.flows(arcs), np.int64)
    some = np.flatnonzero(used[enters])
    entering = (classes[row[some]], growing[column[some]], used[enters][some])
    return used[stays], entering, int(used[stays.stop : stays.stop + count].sum())


def _room_on_hosts(table: Table, classes: Ints, hosts: Ints, host_most: dict[int, list[int]]) -> Ints:
    """Return how many more of each class each host may take by the limits of single hosts."""
    room = np.full((len(classes), len(hosts)), np.iinfo(np.int64).max)
    index_h = np.full(table.hosts, -1, np.int64)
    index_h[hosts] = np.arange(len(hosts))
    there: dict[int, list[tuple[int, int]]] = {}
    for c, h, n in zip(table.class_n.tolist(), table.host_n.tolist(), table.count_n.tolist(), strict=True):
        if index_h[h] >= 0:
            there.setdefault(c, []).append((int(index_h[h]), n))
    members: dict[int, list[int]] = {t: [] for tallies in host_most.values() for t in tallies}
    for c, tallies in host_most.items():
        for t in tallies:
            members[t].append(c)
    for i, c in enumerate(classes.tolist()):
        for t in host_most.get(c, ()):
            domain_h = table.domain_qh[table.partition_t[t]][hosts]
            most_h = table.most_x[table.most_start_t[t] + np.maximum(domain_h, 0) * table.most_step_t[t]]
            left = np.where(domain_h >= 0, most_h, np.iinfo(np.int64).max)
            for o in members[t]:
                for h, n in there.get(o, ()):
                    left[h] -= n
            room[i] = np.minimum(room[i], left)
    return np.asarray(np.maximum(room, 0), np.int64)


def seated(table: Table, found: Seats, deadline: Deadline) -> Placement:
    """Return a placement that respects every rule, close to the seats: who has no place there is put elsewhere."""
    some = found.stay_n > 0
    kept = replace(table, class_n=table.class_n[some], host_n=table.host_n[some], count_n=found.stay_n[some])
    missing = int(table.count_c.sum() - kept.count_n.sum())
    puts = len(kept.count_n) + 4 * missing + 4 * table.classes + 64
    state = state_of(kept, puts)
    put_all(state, kept.class_n, kept.host_n, kept.count_n)
    leave_n = keep(kept, state, deadline).leave_n
    if leave_n.any():
        stays = kept.count_n > leave_n
        missing += int(leave_n.sum())
        state = state_of(table, len(kept.count_n) + 4 * missing + 4 * table.classes + 64)
        put_all(state, kept.class_n[stays], kept.host_n[stays], (kept.count_n - leave_n)[stays])
    put_fitting(state, found.class_x, found.host_x, found.count_x)
    class_n, _, count_n = entries(state)
    missing_c = table.count_c - np.bincount(class_n, count_n, table.classes).astype(np.int64)
    if missing_c.any():
        order_c = hardest_first(table, missing_c, state)
        place_units(state, order_c, tightness(table, state, order_c))
    return entries(state)
