# mypy: disable-error-code="no-untyped-def"
"""The fewest running instances that must leave whatever else happens: what stays must break no rule.

This looks at hosts, domains and limits that are exceeded by what may stay, and at nobody's new place, so that its
cost is a bound on the moves. Violations that share no instance are settled one by one: a host by a knapsack cover,
a limit by its cheapest instances. Those that do, companies and capacities of domains are settled as a program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import int64

from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.cache import kernel
from zonewright.solver.relocation.problem import Ints
from zonewright.solver.relocation.state import State
from zonewright.solver.relocation.table import LIMIT, TOGETHER, Table

#: Nodes of a cover's search before it is left to a program.
_NODES = 200_000


@dataclass
class Violation:
    """Entries whose weighted sum must fall by `excess_r`; for a limit all demands are 1."""

    entries: Ints
    demand_ir: Ints
    excess_r: Ints
    tally: int = -1
    domain: int = -1
    """Tally and domain of an exceeded limit, domain of an exceeded capacity, else -1."""


@dataclass
class Keeping:
    """How many of each entry leave, what that costs, and how that was settled."""

    leave_n: Ints
    exact: bool = True
    """Whether the cost is the least."""
    proof: dict[str, Any] | None = None
    """What proves it where violations had to be settled together, None where prices do."""
    prices: list[tuple[int, int, int]] = field(default_factory=list)
    """(tally, domain, price) of limits settled alone."""


def keep(table: Table, state: State, deadline: Deadline) -> Keeping:
    """Return the fewest (weighted) leavers among the entries; `state` holds all of them."""
    violations = _violations(table, state)
    company = _company(table, state)
    result = Keeping(np.zeros(len(table.count_n), np.int64))
    if not violations and not company:
        return result
    if company or not _separate(violations, len(table.count_n)):
        _settle(table, _concerned(table, violations, company), result, deadline)
        return result
    for violation in violations:
        weight_i = table.weight_c[table.class_n[violation.entries]]
        if violation.tally >= 0:
            order = np.argsort(weight_i, kind="stable")
            left = int(violation.excess_r[0])
            for i in order.tolist():
                n = int(violation.entries[i])
                leave = min(left, int(table.count_n[n]))
                result.leave_n[n] = leave
                left -= leave
                if left == 0:
                    result.prices.append((violation.tally, violation.domain, int(weight_i[i])))
                    break
            continue
        leave_i = cover(violation.demand_ir, weight_i, table.count_n[violation.entries], violation.excess_r)
        if leave_i is None or violation.domain >= 0:
            _settle(table, _concerned(table, violations, company), result, deadline)
            return result
        result.leave_n[violation.entries] = leave_i
    return result


def _violations(table: Table, state: State) -> list[Violation]:
    found: list[Violation] = []
    start_h = np.searchsorted(table.host_n, np.arange(table.hosts + 1))
    for h in np.flatnonzero((state.free_hr < 0).any(axis=1)).tolist():
        entries = np.arange(start_h[h], start_h[h + 1])
        over = np.flatnonzero(state.free_hr[h] < 0)
        demand_ir = table.demand_cr[table.class_n[entries]][:, over]
        useful = demand_ir.any(axis=1)
        found.append(Violation(entries[useful], demand_ir[useful], -state.free_hr[h][over]))
    for b in range(len(table.partition_b)):
        domain_h = table.domain_qh[table.partition_b[b]]
        end = table.room_start_b[b + 1] if b + 1 < len(table.room_start_b) else len(table.room_xr)
        free_dr = state.free_xr[table.room_start_b[b] : end]
        for d in np.flatnonzero((free_dr < 0).any(axis=1)).tolist():
            entries = np.flatnonzero(domain_h[table.host_n] == d)
            over = np.flatnonzero(free_dr[d] < 0)
            demand_ir = table.demand_cr[table.class_n[entries]][:, over]
            useful = demand_ir.any(axis=1)
            found.append(Violation(entries[useful], demand_ir[useful], -free_dr[d][over], domain=d))
    tally, domain, count = state.counts()
    limits = table.kind_t[tally] == LIMIT
    tally, domain, count = tally[limits], domain[limits], count[limits]
    if len(tally):
        most = table.most_x[table.most_start_t[tally] + domain * table.most_step_t[tally]]
        over_k = np.flatnonzero(count > most)
        members = table.members() if len(over_k) else []
        order = np.lexsort((domain[over_k], tally[over_k]))
        for k in over_k[order].tolist():
            t, d = int(tally[k]), int(domain[k])
            inside = table.domain_qh[table.partition_t[t]][table.host_n] == d
            entries = np.flatnonzero(inside & np.isin(table.class_n, members[t]))
            ones = np.ones((len(entries), 1), np.int64)
            found.append(Violation(entries, ones, np.array([count[k] - most[k]]), t, d))
    return found


def _company(table: Table, state: State) -> list[int]:
    """Return the tallies of companies (one of each pair) that what may stay breaks."""
    found: list[int] = []
    if not np.any(table.kind_t != LIMIT):
        return found
    tally, domain, count = state.counts()
    domains: dict[int, dict[int, int]] = {}
    for t, d, n in zip(tally.tolist(), domain.tolist(), count.tolist(), strict=True):
        if table.kind_t[t] != LIMIT:
            domains.setdefault(t, {})[d] = n
    for t in np.flatnonzero(table.kind_t != LIMIT).tolist():
        here = domains.get(t, {})
        if table.kind_t[t] == TOGETHER:
            if max(here.values(), default=0) != state.total_t[t]:
                found.append(t)
        elif t < table.partner_t[t] and not here.keys().isdisjoint(domains.get(int(table.partner_t[t]), {})):
            found.append(t)
    return found


def _separate(violations: list[Violation], entries: int) -> bool:
    """Return whether no two violations share an entry."""
    used_n = np.zeros(entries, np.int64)
    for violation in violations:
        used_n[violation.entries] += 1
    return bool(used_n.max(initial=0) <= 1)


def _concerned(table: Table, violations: list[Violation], company: list[int]) -> Ints:
    """Return the entries that any violation is about."""
    members = table.members() if company else []
    sides = [side for t in company for side in (t, int(table.partner_t[t])) if side >= 0]
    parts = [v.entries for v in violations]
    parts += [np.flatnonzero(np.isin(table.class_n, members[side])) for side in sides]
    return np.unique(np.concatenate(parts)).astype(np.int64)


def cover(demand_ir: Ints, weight_i: Ints, most_i: Ints, excess_r: Ints) -> Ints | None:
    """Return how many of each item to take so that demands reach `excess_r` at least weight; None if too hard.

    Items of equal demand and weight are one; the search takes those of most effect per weight first.
    """
    key = np.column_stack([weight_i, demand_ir])
    kinds, which = np.unique(key, axis=0, return_inverse=True)
    which = which.ravel()
    most_k = np.bincount(which, most_i, len(kinds)).astype(np.int64)
    effect = (kinds[:, 1:] / np.maximum(excess_r, 1)).sum(1) / kinds[:, 0]
    order = np.lexsort((np.arange(len(kinds)), -effect))
    taken = np.zeros(len(kinds), np.int64)
    proven = _cover(
        np.ascontiguousarray(kinds[order, 1:]),
        kinds[order, 0],
        most_k[order],
        excess_r.astype(np.int64),
        taken,
        _NODES,
    )
    if not proven:
        return None
    take_k = np.zeros(len(kinds), np.int64)
    take_k[order] = taken
    take_i = np.zeros(len(most_i), np.int64)
    for i, k in enumerate(which.tolist()):
        take_i[i] = min(take_k[k], most_i[i])
        take_k[k] -= take_i[i]
    return take_i


@kernel((int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64))
def _cover(demand_kr, weight_k, most_k, excess_r, best_k, nodes):
    kinds, resources = demand_kr.shape
    # What a unit of weight can do at best from kind k on, and what all of them can do.
    best_effect = np.zeros((kinds + 1, resources))
    reach = np.zeros((kinds + 1, resources), np.int64)
    for k in range(kinds - 1, -1, -1):
        for r in range(resources):
            best_effect[k, r] = max(best_effect[k + 1, r], demand_kr[k, r] / weight_k[k])
            reach[k, r] = reach[k + 1, r] + demand_kr[k, r] * most_k[k]
    taken = np.zeros(kinds, np.int64)
    left_r = excess_r.copy()
    best_cost = np.int64(-1)
    cost = np.int64(0)
    k = 0
    while True:
        nodes -= 1
        if nodes < 0:
            return False
        done = True
        dead = False
        for r in range(resources):
            if left_r[r] > 0:
                done = False
                if left_r[r] > reach[k, r]:
                    dead = True
                if best_cost >= 0 and cost + left_r[r] / max(best_effect[k, r], 1e-300) > best_cost - 1 + 1e-9:
                    dead = True
        if done and (best_cost < 0 or cost < best_cost):
            best_cost = cost
            for j in range(kinds):
                best_k[j] = taken[j] if j < k else 0
        if not done and not dead and k < kinds:
            # As many as are of any use first, then fewer.
            n = np.int64(0)
            for r in range(resources):
                if left_r[r] > 0 and demand_kr[k, r] > 0:
                    n = max(n, -(-left_r[r] // demand_kr[k, r]))
            n = min(n, most_k[k])
            taken[k] = n
            cost += n * weight_k[k]
            for r in range(resources):
                left_r[r] -= n * demand_kr[k, r]
            k += 1
            continue
        # Back to the last kind of which one less can be taken.
        while k > 0 and taken[k - 1] == 0:
            k -= 1
        if k == 0:
            return best_cost >= 0
        taken[k - 1] -= 1
        cost -= weight_k[k - 1]
        for r in range(resources):
            left_r[r] += demand_kr[k - 1, r]


def _settle(table: Table, entries: Ints, result: Keeping, deadline: Deadline) -> None:
    """Settle all violations together, as a program in which these entries stay or leave and nobody enters."""
    from zonewright.solver.relocation.program import solve_keeping

    result.proof = {"kind": "trivial"}
    result.exact = False
    leave_i, proof = solve_keeping(table, entries, deadline)
    result.leave_n[:] = 0
    result.leave_n[entries] = table.count_n[entries] if leave_i is None else leave_i
    if proof is not None:
        cost = int((result.leave_n * table.weight_c[table.class_n]).sum())
        at_all = int((table.weight_c * table.running_c).sum())
        stay = int((table.count_n * table.weight_c[table.class_n]).sum())
        result.exact = proof["bound"] >= at_all - stay + cost
        result.proof = {"kind": "keeping", "entries": entries.tolist(), "proof": proof, "bound": proof["bound"]}
