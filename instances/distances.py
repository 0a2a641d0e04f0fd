"""Find the structure of a matrix of what a move costs between any two hosts.

Such matrices are written out in full though most say little: one cost within a building, another one beyond it.
A rule says the same in few lines, and an engine needs no memory for pairs of hosts.

Arrays end in their axes: `h` host, twice where one row is the old host and one column the new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Structure:
    """What a rule `move_cost` says of a matrix, and the classes of hosts that it needs for it."""

    fields: Mapping[str, Any]
    """`steps` or `pairs`, and `beyond`. Pairs name hosts by `h`, classes by `c` and a number."""
    classes: Sequence[Sequence[int]] = ()
    """Hosts of every class: of at least two each, with equal rows and columns."""

    @property
    def free(self) -> bool:
        """Whether no move costs anything."""
        costs = [entry["cost"] for entry in (*self.fields.get("steps", ()), *self.fields.get("pairs", ()))]
        return not any((*costs, self.fields["beyond"]))


def structure_of(cost_hh: Ints, levels: Mapping[str, Ints]) -> Structure:
    """Return the shortest form of a matrix whose diagonal is 0.

    `levels` says by name of a level in which domain every host is. Where the cost depends only on the first of
    some of them, in any order, that has both hosts in one domain, it is given by `steps`; otherwise by `pairs`
    of classes of hosts that cost the same to everywhere and from everywhere.
    """
    apart_hh = ~np.eye(len(cost_hh), dtype=bool)
    for length in range(len(levels) + 1):
        for order in itertools.permutations(levels, length):
            fields = _by_steps(cost_hh, apart_hh, {name: levels[name] for name in order})
            if fields is not None:
                return Structure(fields)
    return _by_classes(cost_hh)


def _by_steps(cost_hh: Ints, apart_hh: npt.NDArray[np.bool_], order: Mapping[str, Ints]) -> dict[str, Any] | None:
    """Return the rule's fields, or None where a level has two costs."""
    left_hh = apart_hh.copy()
    steps: list[dict[str, Any]] = []
    for name, domain_h in order.items():
        same_hh = left_hh & (domain_h[:, None] == domain_h[None, :])
        costs = cost_hh[same_hh]
        if len(costs):
            if costs.min() != costs.max():
                return None
            steps.append({"within": name, "cost": int(costs[0])})
            left_hh &= ~same_hh
    costs = cost_hh[left_hh]
    if len(costs) and costs.min() != costs.max():
        return None
    beyond = int(costs[0]) if len(costs) else max((step["cost"] for step in steps), default=0)
    return {"steps": steps or [{"within": "host", "cost": 0}], "beyond": beyond}


def _by_classes(cost_hh: Ints) -> Structure:
    """Return the form by pairs: whatever is commonest is `beyond`."""
    members = _alike(cost_hh)
    first_c = np.array([hosts[0] for hosts in members])
    size_c = np.array([len(hosts) for hosts in members])
    cost_cc = cost_hh[np.ix_(first_c, first_c)]
    weight_cc = np.outer(size_c, size_c) - np.diag(size_c)
    within_c = [int(cost_hh[hosts[0], hosts[1]]) if len(hosts) > 1 else 0 for hosts in members]
    np.fill_diagonal(cost_cc, within_c)
    costs, of_cc = np.unique(cost_cc, return_inverse=True)
    beyond = int(costs[np.bincount(of_cc.ravel(), weights=weight_cc.ravel()).argmax()])
    shared = [c for c, hosts in enumerate(members) if len(hosts) > 1]
    number = {c: position for position, c in enumerate(shared)}
    names = [f"c{number[c]}" if c in number else f"h{hosts[0]}" for c, hosts in enumerate(members)]
    pairs = [
        {"from": names[a], "to": names[b], "cost": int(cost_cc[a, b])}
        for a, b in np.argwhere((cost_cc != beyond) & (weight_cc > 0)).tolist()
    ]
    return Structure({"pairs": pairs, "beyond": beyond}, [members[c] for c in shared])


def _alike(cost_hh: Ints) -> list[list[int]]:
    """Return classes of hosts: two are alike where exchanging them changes nothing."""
    kinds: dict[tuple[int, int], list[list[int]]] = {}
    classes: list[list[int]] = []
    sums = zip(cost_hh.sum(axis=1).tolist(), cost_hh.sum(axis=0).tolist(), strict=True)
    for host, key in enumerate(sums):
        candidates = kinds.setdefault(key, [])
        for hosts in candidates:
            if _exchangeable(cost_hh, hosts[0], host):
                hosts.append(host)
                break
        else:
            classes.append([host])
            candidates.append(classes[-1])
    return classes


def _exchangeable(cost_hh: Ints, one: int, other: int) -> bool:
    if cost_hh[one, other] != cost_hh[other, one]:
        return False
    differs_h = (cost_hh[one] != cost_hh[other]) | (cost_hh[:, one] != cost_hh[:, other])
    differs_h[[one, other]] = False
    return not differs_h.any()
