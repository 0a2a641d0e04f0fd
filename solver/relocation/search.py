"""Improve a placement by deciding a few hosts at a time anew, exactly, with everything else left as it is.

Every rule holds in every step: what is elsewhere counts in limits, companies and capacities of domains. What is
best for a few hosts proves nothing for all.

Axes as in `table.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation.problem import Flags, Ints
from zonewright.solver.relocation.program import Program, columns_needed, program_of
from zonewright.solver.relocation.table import APART, LIMIT, TOGETHER, Table
from zonewright.solver.rows import MOST_ACTIVITY

#: Columns of a neighbourhood; more are decided worse in the same time.
_COLUMNS = 5_000
#: Rounds without a gain after which the search ends.
_PATIENCE = 400

Placement = tuple[Ints, Ints, Ints]


def search(
    table: Table,
    placement: Placement,
    offer: Callable[[Placement], bool],
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
) -> None:
    """Improve a placement of merged classes until `offer` says that it is good enough or the time is up."""
    draw = np.random.default_rng(seed)
    size, stale = 8, 0
    while not deadline.over and stale < _PATIENCE:
        chosen = _hosts(table, placement, min(size, table.hosts), draw)
        found = _decided(table, placement, chosen, deadline, workers, seed + stale)
        if found is None:
            stale += 1
            size = min(size + 1 + size // 8, 64) if stale % 8 == 0 else size
            continue
        placement, stale = found, 0
        if offer(placement):
            return


def _hosts(table: Table, placement: Placement, size: int, draw: np.random.Generator) -> Ints:
    """Return hosts around one trouble: someone without a place, or a running instance that left its host."""
    class_n, host_n, count_n = placement
    missing_c = table.count_c - np.bincount(class_n, count_n, table.classes).astype(np.int64)
    open_h = np.any(table.enter_mh, axis=0)
    used_hr = np.zeros_like(table.capacity_hr)
    np.add.at(used_hr, host_n, table.demand_cr[class_n] * count_n[:, None])
    room_h = 1.0 - np.max(used_hr / np.maximum(table.capacity_hr, 1), axis=1)
    start: list[int] = []
    if missing_c.any():
        c = int(draw.choice(np.flatnonzero(missing_c)))
        open_h = table.enter_mh[table.mask_c[c]]
    else:
        there = dict(zip((class_n * table.hosts + host_n).tolist(), count_n.tolist(), strict=True))
        key_n = (table.class_n * table.hosts + table.host_n).tolist()
        gone = [n for n, key in enumerate(key_n) if there.get(key, 0) < table.count_n[n]]
        if gone:
            n = gone[int(draw.integers(len(gone)))]
            start.append(int(table.host_n[n]))
            moved = host_n[(class_n == table.class_n[n]) & (host_n != table.host_n[n])]
            start += draw.permutation(moved)[:2].tolist()
            open_h = table.enter_mh[table.mask_c[table.class_n[n]]]
    score_h = room_h * draw.random() + draw.random(table.hosts) * draw.random() + np.where(open_h, 1.0, 0.0)
    chosen = list(dict.fromkeys([*start, *np.argsort(-score_h, kind="stable").tolist()]))
    return np.sort(np.array(chosen[:size], np.int64))


def _decided(
    table: Table, placement: Placement, hosts: Ints, deadline: Deadline, workers: int, seed: int
) -> Placement | None:
    """Return a better placement that differs on these hosts only, None where none was found."""
    part = part_of(table, placement, hosts)
    if columns_needed(part.table) > 4 * _COLUMNS:
        return None
    program = program_of(part.table)
    cost = _one_goal(program)
    if cost is None:
        return None
    x_j = program.solution(part.table, part.inside)
    now = sum(c * int(x_j[j]) for j, c in cost.items())
    answer = Model(program.matrix).minimize(
        cost, deadline, seconds=5.0, workers=workers, seed=seed, hint=x_j, work=deadline.work_left
    )
    if answer.x_j is None or sum(c * int(answer.x_j[j]) for j, c in cost.items()) >= now:
        return None
    class_n, host_n, count_n = program.placement(part.table, answer.x_j)
    return (
        np.concatenate([part.outside[0], part.class_p[class_n]]),
        np.concatenate([part.outside[1], hosts[host_n]]),
        np.concatenate([part.outside[2], count_n]),
    )


def _one_goal(program: Program) -> dict[int, int] | None:
    """Return all stages as one sum in which no later stage outweighs an earlier one; None beyond exact numbers."""
    cost: dict[int, int] = {}
    factor = 1
    for stage in reversed(program.stages):
        reach = sum(abs(c) * int(program.matrix.high_j[j]) for j, c in stage.terms.items())
        for j, c in stage.terms.items():
            cost[j] = cost.get(j, 0) + c * factor
        factor *= reach + 1
        if factor >= MOST_ACTIVITY:
            return None
    return cost


@dataclass(frozen=True)
class Part:
    """Some hosts as a table of their own: what is elsewhere is taken off from limits and counts."""

    table: Table
    class_p: Ints
    """The class of each of the part's classes."""
    inside: Placement
    outside: Placement


def part_of(table: Table, placement: Placement, hosts: Ints) -> Part:
    """Return the part of a placement on some hosts, with everybody who has no place anywhere."""
    class_n, host_n, count_n = placement
    index_h = np.full(table.hosts, -1, np.int64)
    index_h[hosts] = np.arange(len(hosts))
    inside = index_h[host_n] >= 0
    out = (class_n[~inside], host_n[~inside], count_n[~inside])
    outside_c = np.bincount(out[0], out[2], table.classes).astype(np.int64)
    count_c = table.count_c - outside_c
    classes = np.flatnonzero(count_c > 0)
    index_c = np.full(table.classes, -1, np.int64)
    index_c[classes] = np.arange(len(classes))
    own = (index_h[table.host_n] >= 0) & (index_c[table.class_n] >= 0)
    order = np.lexsort((index_c[table.class_n[own]], index_h[table.host_n[own]]))
    own_n = np.flatnonzero(own)[order]
    rules = _rules(table, out, hosts, classes)
    small = replace(
        table,
        capacity_hr=table.capacity_hr[hosts],
        demand_cr=table.demand_cr[classes],
        count_c=count_c[classes],
        priority_c=table.priority_c[classes],
        weight_c=table.weight_c[classes],
        mask_c=table.mask_c[classes],
        running_c=np.maximum(table.running_c - outside_c, 0)[classes],
        enter_mh=table.enter_mh[:, hosts],
        class_n=index_c[table.class_n[own_n]],
        host_n=index_h[table.host_n[own_n]],
        count_n=np.minimum(table.count_n[own_n], count_c[table.class_n[own_n]]),
        domain_qh=rules.domain_qh,
        domains_q=rules.domain_qh.max(axis=1, initial=-1) + 1,
        partition_t=rules.partition_t,
        kind_t=rules.kind_t,
        partner_t=rules.partner_t,
        most_start_t=rules.most_start_t,
        most_step_t=np.ones(len(rules.kind_t), np.int64),
        most_x=rules.most_x,
        tally_start_c=rules.tally_start_c,
        tally_x=rules.tally_x,
        limit_t=np.full(len(rules.kind_t), -1, np.int64),
        partition_b=rules.partition_b,
        room_xr=_rooms(table, out),
    )
    here = (index_c[class_n[inside]], index_h[host_n[inside]], count_n[inside])
    return Part(small, classes, here, out)


@dataclass(frozen=True)
class _Rules:
    domain_qh: Ints
    partition_t: Ints
    kind_t: Ints
    partner_t: Ints
    most_start_t: Ints
    most_x: Ints
    tally_start_c: Ints
    tally_x: Ints
    partition_b: Ints


def _rooms(table: Table, out: Placement) -> Ints:
    """Return what is left of the capacities of domains."""
    room_xr = table.room_xr.copy()
    for b in range(len(table.partition_b)):
        domain_n = table.domain_qh[table.partition_b[b]][out[1]]
        some = domain_n >= 0
        use = table.demand_cr[out[0][some]] * out[2][some][:, None]
        np.subtract.at(room_xr, table.room_start_b[b] + domain_n[some], use)
    return room_xr


def _rules(table: Table, out: Placement, hosts: Ints, classes: Ints) -> _Rules:
    """Return the tallies of some classes on some hosts, with what is elsewhere taken off.

    Only domains that these hosts are in remain; hosts in none have a last domain of their own, without a limit.
    """
    width_c = np.diff(table.tally_start_c)
    owner_x = np.repeat(np.arange(table.classes), width_c)
    mine = np.isin(owner_x, classes)
    used_t = np.unique(table.tally_x[mine])
    elsewhere = _elsewhere(table, out, used_t)
    kinds: list[int] = []
    partitions: list[int] = []
    partners: list[int] = []
    most: list[Ints] = []
    of_tally: dict[int, list[int]] = {}
    domain_qh: list[Ints] = []
    index_q: dict[int, int] = {}

    def partition(q: int) -> int:
        if q not in index_q:
            index_q[q] = len(domain_qh)
            domain_qh.append(table.domain_qh[q][hosts])
        return index_q[q]

    def add(kind: int, q: int, most_d: Ints) -> int:
        kinds.append(kind)
        partitions.append(partition(q))
        partners.append(-1)
        most.append(most_d)
        return len(kinds) - 1

    def barred(q: int, open_d: Flags) -> int:
        """Add a limit of none in domains that are not open; the last flag is that of hosts in no domain."""
        key = -1 - q
        if key not in index_q:
            index_q[key] = len(domain_qh)
            own_h = table.domain_qh[q][hosts]
            domain_qh.append(np.where(own_h < 0, len(open_d) - 1, own_h))
        everybody = int(table.count_c.sum())
        return add(LIMIT, key, np.where(open_d, everybody, 0).astype(np.int64))

    pairs: dict[int, int] = {}
    for t in used_t.tolist():
        q, kind = int(table.partition_t[t]), int(table.kind_t[t])
        domains = int(table.domains_q[q])
        there = elsewhere.get(t, {})
        if kind == LIMIT:
            start, step = int(table.most_start_t[t]), int(table.most_step_t[t])
            top = table.most_x[start : start + domains] if step else np.full(domains, table.most_x[start])
            left_d = top.astype(np.int64).copy()
            for d, n in there.items():
                if d >= 0:
                    left_d[d] -= n
            of_tally[t] = [add(LIMIT, q, np.maximum(left_d, 0))]
        elif kind == TOGETHER:
            if there:
                open_d = np.zeros(domains + 1, bool)
                open_d[list(there)] = True
                of_tally[t] = [barred(q, open_d)]
            else:
                of_tally[t] = [add(TOGETHER, q, np.zeros(0, np.int64))]
        else:
            other = elsewhere.get(int(table.partner_t[t]), {})
            mine_now = [add(APART, q, np.zeros(0, np.int64))]
            pairs[t] = mine_now[0]
            if any(d >= 0 for d in other):
                open_d = np.ones(domains + 1, bool)
                open_d[[d for d in other if d >= 0]] = False
                mine_now.append(barred(q, open_d))
            of_tally[t] = mine_now
    for t, index in pairs.items():
        partner = int(table.partner_t[t])
        if partner in pairs:
            partners[index] = pairs[partner]
        else:
            # Nobody of the other side is here: nothing to keep apart from.
            kinds[index] = LIMIT
            most[index] = np.full(int(table.domains_q[table.partition_t[t]]), int(table.count_c.sum()))
    lists = [
        [
            own
            for t in table.tally_x[table.tally_start_c[c] : table.tally_start_c[c + 1]].tolist()
            for own in of_tally[t]
        ]
        for c in classes.tolist()
    ]
    ints = np.int64
    partition_b = [partition(int(q)) for q in table.partition_b.tolist()]
    return _Rules(
        domain_qh=np.array(domain_qh, ints).reshape(len(domain_qh), len(hosts)),
        partition_t=np.array(partitions, ints),
        kind_t=np.array(kinds, ints),
        partner_t=np.array(partners, ints),
        most_start_t=np.cumsum([0, *(len(part) for part in most)]).astype(ints)[: len(most)],
        most_x=np.concatenate(most) if most else np.zeros(0, ints),
        tally_start_c=np.cumsum([0, *(len(own) for own in lists)]).astype(ints),
        tally_x=np.array([t for own in lists for t in own], ints),
        partition_b=np.array(partition_b, ints),
    )


def _elsewhere(table: Table, out: Placement, used_t: Ints) -> dict[int, dict[int, int]]:
    """Return how many of each tally (and its partner) are in each domain outside, -1 for hosts in none."""
    asked = np.zeros(len(table.kind_t) + 1, bool)
    asked[used_t] = True
    asked[table.partner_t[used_t]] = True
    asked[-1] = False
    width_c = np.diff(table.tally_start_c)
    entry_y = np.repeat(np.arange(len(out[0])), width_c[out[0]])
    offset_y = np.arange(len(entry_y)) - np.repeat(np.cumsum(width_c[out[0]]) - width_c[out[0]], width_c[out[0]])
    tally_y = table.tally_x[table.tally_start_c[out[0][entry_y]] + offset_y]
    useful = asked[tally_y]
    entry_y, tally_y = entry_y[useful], tally_y[useful]
    domain_y = table.domain_qh[table.partition_t[tally_y], out[1][entry_y]]
    found: dict[int, dict[int, int]] = {}
    for t, d, n in zip(tally_y.tolist(), domain_y.tolist(), out[2][entry_y].tolist(), strict=True):
        if n:
            here = found.setdefault(t, {})
            here[d] = here.get(d, 0) + n
    return found
