"""The problem as engines look at it: shapes, bundles, kinds of hosts, resources in whole units.

A *shape* is the classes of equal demand and reach: hosts care about nothing else. A *bundle* is the classes of one
shape that are evacuated in the same scenarios; a class that a limit speaks of is a bundle of its own. A *kind* is
the hosts of one area with equal room left and equal reach: existing ones, or those of an offer.

Axes: k shape, g bundle, j kind, a area, r resource, s scenario, c class, h host, o offer, i limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.sizing.problem import BASE, Flags, Ints, SizingProblem


@dataclass(frozen=True)
class Table:
    """A sizing problem in shapes, bundles and kinds. Resources that can bind nowhere are left out."""

    problem: SizingProblem
    shape_c: Ints
    resource_r: Ints
    """The problem's number of each resource that is kept."""
    demand_kr: Ints
    most_k: Ints
    """How many of a shape one host may hold by the limits of groups per host, at most."""
    even_k: Ints
    """So many of a shape one host would hold if all its groups could be spread alike over hosts."""
    enter_ka: Flags
    """Whether any host of the area takes the shape."""
    bundle_c: Ints
    shape_g: Ints
    new_g: Ints
    """How many do not run yet."""
    there_ga: Ints
    """How many run in an area."""
    evacuated_sg: Flags
    held_hk: Ints
    """How many of the most of a shape existing hosts hold already."""
    room_hr: Ints
    """What is left of existing hosts."""
    kind_h: Ints
    """The kind of an existing host, -1 for one that takes nobody."""
    room_jr: Ints
    area_j: Ints
    takes_jk: Flags
    hosts_j: Ints
    """Existing hosts of the kind; 0 where it is an offer's."""
    offer_j: Ints
    """The offer that a kind belongs to, else -1. Kinds of existing hosts come first."""

    @property
    def shapes(self) -> int:
        """The number of shapes."""
        return len(self.demand_kr)

    @property
    def bundles(self) -> int:
        """The number of bundles."""
        return len(self.shape_g)

    @property
    def kinds(self) -> int:
        """The number of kinds."""
        return len(self.area_j)


def table_of(problem: SizingProblem) -> Table:
    """Return the table of a problem."""
    classes, areas = len(problem.count_c), problem.areas
    used_hr = used_by_running(problem)
    room_hr = np.maximum(problem.capacity_hr - used_hr, 0)
    open_h = np.all(problem.capacity_hr >= used_hr, axis=1)
    shape_c, shapes, first_k = _numbered(np.column_stack([problem.demand_cr, problem.mask_c]))
    demand_kr, mask_k = problem.demand_cr[first_k], problem.mask_c[first_k]
    binding = _binding(np.vstack([room_hr, problem.capacity_or]), demand_kr)
    demand_kr = demand_kr[:, binding]
    room_hr, capacity_or = room_hr[:, binding], problem.capacity_or[:, binding]
    takes_hk = problem.enter_mh[mask_k].T & open_h[:, None]
    takes_ok = problem.enter_mo[mask_k].T
    takes_hk = takes_hk & np.all(demand_kr[None] <= room_hr[:, None], axis=2)
    takes_ok = takes_ok & np.all(demand_kr[None] <= capacity_or[:, None], axis=2)

    useful_h = np.flatnonzero(takes_hk.any(axis=1))
    kind_h = np.full(len(problem.area_h), -1, np.int64)
    key = np.column_stack([problem.area_h[useful_h], room_hr[useful_h], takes_hk[useful_h]])
    kind_h[useful_h], existing, first_j = _numbered(key)
    one_j = useful_h[first_j]
    hosts_j = np.bincount(kind_h[useful_h], minlength=existing).astype(np.int64)
    offers = np.arange(len(problem.area_o))
    enter_ka = np.zeros((shapes, areas), bool)
    for a in range(areas):
        enter_ka[:, a] = takes_hk[problem.area_h == a].any(axis=0) | takes_ok[problem.area_o == a].any(axis=0)

    running_c = np.bincount(problem.at_class_n, problem.at_count_n, classes).astype(np.int64)
    there_ca = np.zeros((classes, areas), np.int64)
    np.add.at(there_ca, (problem.at_class_n, problem.area_h[problem.at_host_n]), problem.at_count_n)
    alone_c = np.zeros(classes, np.int64)
    for limit in problem.limits:
        alone_c[limit.classes] = 1 + limit.classes
    bundle_c, bundles, first_g = _numbered(np.column_stack([shape_c, problem.evacuated_sc.T, alone_c]))
    there_ga = np.zeros((bundles, areas), np.int64)
    np.add.at(there_ga, bundle_c, there_ca)
    return Table(
        problem=problem,
        shape_c=shape_c,
        resource_r=binding,
        demand_kr=demand_kr,
        most_k=_most_per_host(problem, shape_c, shapes),
        even_k=_even_per_host(problem, shape_c, shapes),
        enter_ka=enter_ka,
        bundle_c=bundle_c,
        shape_g=shape_c[first_g],
        new_g=np.bincount(bundle_c, problem.count_c - running_c, bundles).astype(np.int64),
        there_ga=there_ga,
        evacuated_sg=problem.evacuated_sc[:, first_g],
        held_hk=_held(problem, shape_c, shapes),
        room_hr=room_hr,
        kind_h=kind_h,
        room_jr=np.vstack([room_hr[one_j], capacity_or]),
        area_j=np.concatenate([problem.area_h[one_j], problem.area_o]),
        takes_jk=np.vstack([takes_hk[one_j], takes_ok]),
        hosts_j=np.concatenate([hosts_j, np.zeros(len(offers), np.int64)]),
        offer_j=np.concatenate([np.full(existing, -1), offers]),
    )


def used_by_running(problem: SizingProblem) -> Ints:
    """Return what those who run use, per host and resource."""
    used_hr = np.zeros_like(problem.capacity_hr)
    np.add.at(used_hr, problem.at_host_n, problem.demand_cr[problem.at_class_n] * problem.at_count_n[:, None])
    return used_hr


def _numbered(key: NDArray[np.int64]) -> tuple[Ints, int, Ints]:
    """Return every row's number, how many different rows there are, and where each comes first."""
    rows, first, number = np.unique(key.astype(np.int64), axis=0, return_index=True, return_inverse=True)
    return number.ravel().astype(np.int64), len(rows), first.astype(np.int64)


def _binding(room_jr: Ints, demand_kr: Ints) -> Ints:
    """Return the resources that can be short: those not used up later than another one, whatever is packed.

    Resource r is implied by q if no shape uses more of r per unit of q than any host has.
    """
    resources = [r for r in range(demand_kr.shape[1]) if demand_kr[:, r].any()]
    for r in list(resources):
        for q in resources:
            if q == r or (demand_kr[:, q] == 0).any():
                continue
            # d_kr / d_kq <= room_jr / room_jq for all, in integers.
            worst = max(demand_kr.tolist(), key=lambda d: d[r] / d[q])
            if all(worst[r] * int(room[q]) <= int(room[r]) * worst[q] for room in room_jr):
                resources.remove(r)
                break
    return np.array(resources or [0], np.int64)


def _most_per_host(problem: SizingProblem, shape_c: Ints, shapes: int) -> Ints:
    """Return how many of each shape the limits of groups per host allow on one host."""
    most_k = np.zeros(shapes, np.int64)
    pairs: dict[tuple[int, int], int] = {}
    for c, (k, group) in enumerate(zip(shape_c.tolist(), problem.group_c.tolist(), strict=True)):
        if group < 0 or problem.per_host_g[group] < 0:
            most_k[k] += problem.count_c[c]
        else:
            pairs[k, group] = pairs.get((k, group), 0) + int(problem.count_c[c])
    for (k, group), count in pairs.items():
        most_k[k] += min(count, int(problem.per_host_g[group]))
    return most_k


def _held(problem: SizingProblem, shape_c: Ints, shapes: int) -> Ints:
    held_hk = np.zeros((len(problem.area_h), shapes), np.int64)
    limited_n = problem.group_c[problem.at_class_n] >= 0
    limited_n[limited_n] = problem.per_host_g[problem.group_c[problem.at_class_n[limited_n]]] >= 0
    np.add.at(
        held_hk,
        (problem.at_host_n[limited_n], shape_c[problem.at_class_n[limited_n]]),
        problem.at_count_n[limited_n],
    )
    return held_hk


def _even_per_host(problem: SizingProblem, shape_c: Ints, shapes: int) -> Ints:
    """Return, per shape, how many there are for each host that the group with the most per host needs."""
    hosts_k = np.ones(shapes, np.int64)
    for group in np.unique(problem.group_c[problem.group_c >= 0]).tolist():
        limit = int(problem.per_host_g[group])
        if limit > 0:
            of_group = problem.group_c == group
            count_k = np.bincount(shape_c[of_group], problem.count_c[of_group], shapes)
            hosts_k = np.maximum(hosts_k, -(-count_k.astype(np.int64) // limit))
    return np.asarray(-(-np.bincount(shape_c, problem.count_c, shapes).astype(np.int64) // hosts_k), np.int64)


def limits_in(problem: SizingProblem, layer: int) -> list[int]:
    """Return the numbers of the limits of a layer."""
    return [i for i, limit in enumerate(problem.limits) if limit.layer == layer]


__all__ = ["BASE", "Table", "limits_in", "table_of", "used_by_running"]
