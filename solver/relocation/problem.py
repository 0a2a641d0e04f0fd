"""What is asked of the relocation core, and what it answers: arrays in, arrays out.

Axes: c class, h host, r resource, n entry (a class on a host), m mask, d domain. A domain number of -1 says that
a host is in none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zonewright.models.problems import InputError

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Sums beyond this are refused: what is below is exact in 64-bit integers and in doubles.
MOST = 1 << 53


@dataclass(frozen=True)
class Limit:
    """At most `most_d[d]` instances of these classes in domain d. Hosts in no domain are not limited.

    `most_d` may be a broadcast view (one number for all domains), `domain_h` may be shared between limits:
    both save memory.
    """

    classes: Ints
    domain_h: Ints
    most_d: Ints


@dataclass(frozen=True)
class Apart:
    """No domain holds instances of both sides. Hosts in no domain are free."""

    left: Ints
    right: Ints
    domain_h: Ints


@dataclass(frozen=True)
class Together:
    """All placed instances of these classes are in one domain, and none is on a host in no domain."""

    classes: Ints
    domain_h: Ints


@dataclass(frozen=True)
class DomainCapacity:
    """What the hosts of domain d may hold in all, per resource."""

    domain_h: Ints
    most_dr: Ints


@dataclass(frozen=True)
class Relocation:
    """Where instances run, where they may be, and what a move costs.

    Of class c, `count_c[c]` instances are wanted and `at_count_n` of them run already; an instance runs on no
    host more than once in the entries. Where `stay_mh[mask_c[c], h]` is false, whoever is there must leave; where
    `enter_mh` is false nobody comes. Running instances on a host that stays but is closed may stay, none may come.
    """

    capacity_hr: Ints
    demand_cr: Ints
    count_c: Ints
    priority_c: Ints
    weight_c: Ints
    """Cost of moving one running instance, at least 1."""
    at_class_n: Ints
    at_host_n: Ints
    at_count_n: Ints
    enter_mh: Flags
    stay_mh: Flags
    mask_c: Ints
    limits: tuple[Limit, ...] = ()
    apart: tuple[Apart, ...] = ()
    together: tuple[Together, ...] = ()
    domain_capacity: tuple[DomainCapacity, ...] = ()

    @property
    def priorities(self) -> tuple[int, ...]:
        """Every priority, the highest first: the order of the values after `stopped`."""
        return tuple(int(p) for p in np.unique(self.priority_c)[::-1])

    def check(self) -> None:
        """Raise InputError where arrays do not fit together or a number is out of range."""
        classes, hosts, resources = len(self.count_c), *self.capacity_hr.shape
        if self.demand_cr.shape != (classes, resources):
            raise InputError(f"demand has shape {self.demand_cr.shape}, not ({classes}, {resources})")
        for name in ("priority_c", "weight_c", "mask_c"):
            if len(getattr(self, name)) != classes:
                raise InputError(f"{name} has {len(getattr(self, name))} entries for {classes} classes")
        masks = len(self.enter_mh)
        if self.enter_mh.shape != (masks, hosts) or self.stay_mh.shape != (masks, hosts):
            raise InputError(
                f"a mask has one flag per host: {self.enter_mh.shape}, {self.stay_mh.shape}, {hosts} hosts"
            )
        entries = len(self.at_class_n)
        if len(self.at_host_n) != entries or len(self.at_count_n) != entries:
            raise InputError("the entries of running instances differ in length")
        for name, array, top in (
            ("mask_c", self.mask_c, masks),
            ("at_class_n", self.at_class_n, classes),
            ("at_host_n", self.at_host_n, hosts),
        ):
            if len(array) and (array.min() < 0 or array.max() >= top):
                raise InputError(f"{name} names number {array.min() if array.min() < 0 else array.max()} of {top}")
        for name in ("capacity_hr", "demand_cr", "count_c", "at_count_n"):
            array = getattr(self, name)
            if array.size and array.min() < 0:
                raise InputError(f"{name} holds {array.min()}, less than 0")
        if classes and self.weight_c.min() < 1:
            raise InputError(f"weight_c holds {self.weight_c.min()}; a move costs at least 1")
        self._check_sizes()
        running_c = np.bincount(self.at_class_n, self.at_count_n, classes).astype(np.int64)
        if np.any(running_c > self.count_c):
            c = int(np.argmax(running_c - self.count_c))
            raise InputError(f"class {c}: {running_c[c]} run, but only {self.count_c[c]} are wanted")
        for limit in self.limits:
            _check_domains("a limit", limit.classes, limit.domain_h, classes, hosts, len(limit.most_d))
        for rule in self.apart:
            _check_domains("apart", rule.left, rule.domain_h, classes, hosts)
            _check_domains("apart", rule.right, rule.domain_h, classes, hosts)
        for together in self.together:
            _check_domains("together", together.classes, together.domain_h, classes, hosts)
        nobody = np.zeros(0, np.int64)
        for capacity in self.domain_capacity:
            _check_domains("capacity", nobody, capacity.domain_h, classes, hosts, len(capacity.most_dr))

    def _check_sizes(self) -> None:
        counts = self.count_c.astype(float)
        instances = float(counts.sum())
        largest = max(
            float((counts[:, None] * self.demand_cr).sum(0).max(initial=0.0)),
            float((counts * self.weight_c).sum()),
            float(self.capacity_hr.sum(0, dtype=float).max(initial=0.0)),
            instances,
        )
        if largest >= MOST:
            raise InputError("demands, capacities or weights add up beyond 2^53; use a larger unit")


def _check_domains(what: str, members: Ints, domain_h: Ints, classes: int, hosts: int, domains: int = 0) -> None:
    if len(domain_h) != hosts:
        raise InputError(f"{what}: {len(domain_h)} domain numbers for {hosts} hosts")
    if len(members) and (members.min() < 0 or members.max() >= classes):
        raise InputError(f"{what} names a class beyond the {classes} there are")
    if domains and hosts and domain_h.max() >= domains:
        raise InputError(f"{what} names domain {domain_h.max()} of {domains}")


@dataclass(frozen=True)
class Relocated:
    """Where everybody is, what that costs, and what is proven about it.

    `values` and `bounds` go stage by stage: stopped (running instances with no place any more), unplaced per
    priority from the highest (stopped ones included), moves (sum of weights over running instances that are not on
    their host any more, stopped ones included). A bound holds for answers as good in the stages before.
    """

    status: str
    """`OPTIMAL` where every bound is reached, else `FEASIBLE`, or `UNKNOWN` without any answer."""
    class_n: Ints
    host_n: Ints
    count_n: Ints
    values: tuple[int, ...]
    bounds: tuple[int, ...]
    witness: dict[str, Any] = field(default_factory=dict)
    engine: str = "certificate"
    """`certificate`, `shapes` or `search`: who found the answer."""
    seconds: float = 0.0


def values_of(problem: Relocation, class_n: Ints, host_n: Ints, count_n: Ints) -> tuple[int, ...]:
    """Return the values of a placement: stopped, unplaced per priority from the highest, moves."""
    classes, hosts = len(problem.count_c), len(problem.capacity_hr)
    placed_c = np.bincount(class_n, count_n, classes).astype(np.int64)
    running_c = np.bincount(problem.at_class_n, problem.at_count_n, classes).astype(np.int64)
    stopped = int(np.maximum(running_c - placed_c, 0).sum())
    missing_c = problem.count_c - placed_c
    unplaced = tuple(int(missing_c[problem.priority_c == p].sum()) for p in problem.priorities)
    may_stay_n = problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n]
    key_n = problem.at_class_n * hosts + problem.at_host_n
    keys, where = np.unique(np.concatenate([key_n[may_stay_n], class_n * hosts + host_n]), return_inverse=True)
    split = int(may_stay_n.sum())
    stay = np.bincount(where[:split], problem.at_count_n[may_stay_n], len(keys)).astype(np.int64)
    there = np.bincount(where[split:], count_n, len(keys)).astype(np.int64)
    weight = problem.weight_c[keys // max(hosts, 1)]
    all_weight = int((problem.weight_c[problem.at_class_n] * problem.at_count_n).sum())
    return stopped, *unplaced, all_weight - int((np.minimum(stay, there) * weight).sum())
