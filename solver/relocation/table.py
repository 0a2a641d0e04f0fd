"""A relocation as flat arrays: equal classes merged, every rule a tally.

Axes: c class (merged), o original class, h host, r resource, n entry (what may stay of a class on a host), m mask,
q partition of the hosts into domains, d domain, t tally, b domain capacity.

A *tally* counts the instances of a set of classes per domain of a partition. A limit asks that no count is above
its number, apart that the partner's count is 0 where this one is not, together that the count of one domain is
that of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zonewright.solver.relocation.problem import Flags, Ints, Relocation

LIMIT, APART, TOGETHER = 0, 1, 2


@dataclass(frozen=True)
class Table:
    """The arrays that certificate, shapes and search work on."""

    problem: Relocation
    class_o: Ints
    capacity_hr: Ints
    demand_cr: Ints
    count_c: Ints
    priority_c: Ints
    weight_c: Ints
    mask_c: Ints
    running_c: Ints
    enter_mh: Flags
    class_n: Ints
    """Entries that may stay, sorted by host, then class."""
    host_n: Ints
    count_n: Ints
    domain_qh: Ints
    domains_q: Ints
    partition_t: Ints
    kind_t: Ints
    partner_t: Ints
    """The other side of an apart, else -1."""
    most_start_t: Ints
    """Where the limits per domain begin in `most_x`."""
    most_step_t: Ints
    """1, or 0 where one number holds for all domains."""
    most_x: Ints
    tally_start_c: Ints
    tally_x: Ints
    """The tallies of class c are tally_x[tally_start_c[c] : tally_start_c[c + 1]]."""
    limit_t: Ints
    """The number of the limit in the problem, -1 for others."""
    partition_b: Ints
    room_start_b: Ints
    room_xr: Ints
    """What domain d of capacity b may hold: room_xr[room_start_b[b] + d]."""

    @property
    def classes(self) -> int:
        """The number of merged classes."""
        return len(self.count_c)

    @property
    def hosts(self) -> int:
        """The number of hosts."""
        return len(self.capacity_hr)

    def members(self) -> list[list[int]]:
        """Return the classes of every tally."""
        found: list[list[int]] = [[] for _ in self.kind_t]
        owner_x = np.repeat(np.arange(self.classes), np.diff(self.tally_start_c))
        for c, t in zip(owner_x.tolist(), self.tally_x.tolist(), strict=True):
            found[t].append(c)
        return found

    def most(self, t: int, d: int) -> int:
        """Return the limit of a tally in a domain."""
        return int(self.most_x[self.most_start_t[t] + d * self.most_step_t[t]])

    def instances(self, class_n: Ints, host_n: Ints, count_n: Ints) -> tuple[Ints, Ints, Ints]:
        """Return a placement of merged classes in terms of the problem's own: (class, host, count).

        Who may stay stays; running instances come before those that are to be recovered.
        """
        problem = self.problem
        classes = len(problem.count_c)
        merged = len(self.count_c) < classes
        if not merged:
            own_c = np.argsort(self.class_o)
            return own_c[class_n], host_n, count_n
        may_stay = problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n]
        left_o = problem.count_c.copy()
        running_o = np.bincount(problem.at_class_n, problem.at_count_n, classes).astype(np.int64)
        at: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for o, h, k in zip(
            problem.at_class_n[may_stay].tolist(),
            problem.at_host_n[may_stay].tolist(),
            problem.at_count_n[may_stay].tolist(),
            strict=True,
        ):
            at.setdefault((int(self.class_o[o]), h), []).append((o, k))
        found: dict[tuple[int, int], int] = {}
        open_slots: list[tuple[int, int, int]] = []
        for c, h, n in zip(class_n.tolist(), host_n.tolist(), count_n.tolist(), strict=True):
            for o, k in at.get((c, h), ()):
                stay = min(k, n)
                if stay:
                    found[o, h] = stay
                    left_o[o] -= stay
                    running_o[o] -= stay
                    n -= stay
            if n:
                open_slots.append((c, h, n))
        waiting: dict[int, list[list[int]]] = {}
        for left in (running_o, left_o - running_o):
            for o in np.flatnonzero(left).tolist():
                waiting.setdefault(int(self.class_o[o]), []).append([o, int(left[o])])
        for c, h, n in open_slots:
            queue = waiting[c]
            while n:
                o, k = queue[0]
                take = min(n, k)
                found[o, h] = found.get((o, h), 0) + take
                n -= take
                queue[0][1] -= take
                if queue[0][1] == 0:
                    queue.pop(0)
        keys = np.array(sorted(found), np.int64).reshape(-1, 2)
        return keys[:, 0], keys[:, 1], np.array([found[o, h] for o, h in sorted(found)], np.int64)


def lower(problem: Relocation) -> Table:
    """Return the problem's table. Domains with no effect and limits that nobody can reach stay in."""
    classes, hosts = len(problem.count_c), len(problem.capacity_hr)
    partitions: dict[bytes, int] = {}
    by_identity: dict[int, int] = {}
    domain_q: list[Ints] = []

    def partition(domain_h: Ints) -> int:
        found = by_identity.get(id(domain_h))
        if found is None:
            row = np.ascontiguousarray(domain_h, np.int64)
            found = partitions.setdefault(row.tobytes(), len(domain_q))
            if found == len(domain_q):
                domain_q.append(row)
            by_identity[id(domain_h)] = found
        return found

    kinds: list[int] = []
    partition_t: list[int] = []
    partner: list[int] = []
    numbers: list[int] = []
    starts: list[int] = []
    steps: list[int] = []
    most: list[Ints] = []
    filled = 0
    member_classes: list[Ints] = []

    def tally(kind: int, members: Ints, domain_h: Ints, number: int) -> int:
        kinds.append(kind)
        partition_t.append(partition(domain_h))
        partner.append(-1)
        numbers.append(number)
        starts.append(0)
        steps.append(0)
        member_classes.append(members if len(members) < 2 else np.unique(members))
        return len(kinds) - 1

    constants: dict[int, int] = {}
    for number, limit in enumerate(problem.limits):
        t = tally(LIMIT, limit.classes, limit.domain_h, number)
        values = limit.most_d
        if len(values) and (values.strides[0] == 0 or bool((values == values[0]).all())):
            value = int(values[0])
            if value not in constants:
                constants[value] = filled
                most.append(np.array([value], np.int64))
                filled += 1
            starts[t] = constants[value]
        elif len(values):
            starts[t], steps[t] = filled, 1
            most.append(np.asarray(values, np.int64))
            filled += len(values)
    for rule in problem.apart:
        left = tally(APART, rule.left, rule.domain_h, -1)
        right = tally(APART, rule.right, rule.domain_h, -1)
        partner[left], partner[right] = right, left
    for together in problem.together:
        tally(TOGETHER, together.classes, together.domain_h, -1)

    sizes = np.array([len(members) for members in member_classes], np.int64)
    tally_x = np.repeat(np.arange(len(kinds)), sizes)
    owner_x = np.concatenate(member_classes) if member_classes else np.zeros(0, np.int64)
    order_x = np.lexsort((tally_x, owner_x))
    tally_x = tally_x[order_x]
    start_o = np.concatenate([[0], np.cumsum(np.bincount(owner_x, minlength=classes))]).astype(np.int64)
    class_o, first_c = _merged(problem, start_o, tally_x)

    width_c = np.diff(start_o)[first_c]
    tally_start_c = np.concatenate([[0], np.cumsum(width_c)]).astype(np.int64)
    picks = np.repeat(start_o[first_c] - tally_start_c[:-1], width_c) + np.arange(tally_start_c[-1])
    may_stay = problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n] & (problem.at_count_n > 0)
    key_n = problem.at_host_n[may_stay] * max(len(first_c), 1) + class_o[problem.at_class_n[may_stay]]
    keys, where = np.unique(key_n, return_inverse=True)
    total = np.bincount(where, problem.at_count_n[may_stay], len(keys)).astype(np.int64)
    rooms: list[Ints] = []
    room_start: list[int] = []
    partition_b: list[int] = []
    filled = 0
    for capacity in problem.domain_capacity:
        partition_b.append(partition(capacity.domain_h))
        room_start.append(filled)
        rooms.append(np.asarray(capacity.most_dr, np.int64))
        filled += len(capacity.most_dr)
    resources = problem.capacity_hr.shape[1]
    ints = np.int64
    domain_qh = np.array(domain_q, ints).reshape(len(domain_q), hosts)
    return Table(
        problem=problem,
        class_o=class_o,
        capacity_hr=np.ascontiguousarray(problem.capacity_hr, ints),
        demand_cr=np.ascontiguousarray(problem.demand_cr[first_c], ints),
        count_c=np.bincount(class_o, problem.count_c, len(first_c)).astype(ints),
        priority_c=np.asarray(problem.priority_c[first_c], ints),
        weight_c=np.asarray(problem.weight_c[first_c], ints),
        mask_c=np.asarray(problem.mask_c[first_c], ints),
        running_c=np.bincount(class_o[problem.at_class_n], problem.at_count_n, len(first_c)).astype(ints),
        enter_mh=np.ascontiguousarray(problem.enter_mh),
        class_n=keys % max(len(first_c), 1),
        host_n=keys // max(len(first_c), 1),
        count_n=total,
        domain_qh=domain_qh,
        domains_q=domain_qh.max(axis=1, initial=-1) + 1,
        partition_t=np.array(partition_t, ints),
        kind_t=np.array(kinds, ints),
        partner_t=np.array(partner, ints),
        most_start_t=np.array(starts, ints),
        most_step_t=np.array(steps, ints),
        most_x=np.concatenate(most) if most else np.zeros(0, ints),
        tally_start_c=tally_start_c,
        tally_x=tally_x[picks].astype(ints),
        limit_t=np.array(numbers, ints),
        partition_b=np.array(partition_b, ints),
        room_start_b=np.array(room_start, ints),
        room_xr=np.concatenate(rooms) if rooms else np.zeros((0, resources), ints),
    )


def _merged(problem: Relocation, start_o: Ints, tally_x: Ints) -> tuple[Ints, Ints]:
    """Return the merged class of every class, and the first member of every merged class.

    Classes that nothing tells apart are one: an instance of one may take the place of another's.
    """
    shape = (
        np.unique(problem.demand_cr, axis=0, return_inverse=True)[1] if len(problem.count_c) else problem.count_c
    )
    columns: Iterable[list[int]] = (
        array.tolist() for array in (shape.ravel(), problem.priority_c, problem.weight_c, problem.mask_c)
    )
    known: dict[tuple[int | bytes, ...], int] = {}
    class_o = np.empty(len(problem.count_c), np.int64)
    first: list[int] = []
    bounds = start_o.tolist()
    for o, key in enumerate(zip(*columns, strict=True)):
        whole = (*key, tally_x[bounds[o] : bounds[o + 1]].tobytes())
        c = known.setdefault(whole, len(first))
        if c == len(first):
            first.append(o)
        class_o[o] = c
    return class_o, np.array(first, np.int64)
