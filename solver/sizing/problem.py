"""What is asked of the sizing core, and what it answers: arrays in, arrays out.

A fleet of hosts in areas runs some instances, which stay where they are. More are wanted; hosts are on offer. What
is bought for the least money so that everybody fits, and fits again whenever one set of areas is lost?

Axes: h host, o offer, c class, g group, m mask, a area, r resource, s scenario, n entry (a class on a host).
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
#: The layer of a limit that is about the placement before any loss.
BASE = -1


@dataclass(frozen=True)
class AreaLimit:
    """What the instances of some classes, together, may be by area in one layer.

    `low` <= sum over the areas of `weight_a` x (instances of `classes` there) <= `high`. The layer is `BASE` or
    the number of a scenario; there, who is in lost areas does not count and who arrives does. Says at most so many
    in an area, at least so many outside of it, a skew (weights 1 and -1), at least m areas (any m - 1 of them hold
    less than all).
    """

    classes: Ints
    weight_a: Ints
    low: int = -MOST
    high: int = MOST
    layer: int = BASE


@dataclass(frozen=True)
class SizingProblem:
    """Hosts, offers, who runs and who is wanted, and what is to be survived.

    Of class c, `count_c` are wanted in all; the entries `at_*` of them run already and stay. In scenario s all
    that is in its lost areas is lost; of the classes `evacuated_sc[s]` whatever ran there is placed again on hosts
    of the other areas, while survivors stay where they are. Limits per host hold before and after every
    evacuation. A host that holds more than it may already stays as it is and takes nobody.
    """

    capacity_hr: Ints
    area_h: Ints
    capacity_or: Ints
    """Capacity of one host of an offer."""
    area_o: Ints
    price_o: Ints
    """Of one host, at least 0."""
    most_o: Ints
    """At most so many hosts, -1 for no limit."""
    lot_o: Ints
    """Bought in multiples of this, at least 1."""
    demand_cr: Ints
    count_c: Ints
    group_c: Ints
    """Classes of one group share the limit per host; -1 for no group."""
    per_host_g: Ints
    """At most so many of a group on one host, at any time; -1 for no limit."""
    mask_c: Ints
    enter_mh: Flags
    """Where classes of a mask may newly be put, existing hosts. Who runs there already stays anyway."""
    enter_mo: Flags
    at_class_n: Ints
    at_host_n: Ints
    at_count_n: Ints
    lost_sa: Flags
    evacuated_sc: Flags
    limits: tuple[AreaLimit, ...] = ()

    @property
    def areas(self) -> int:
        """The number of areas."""
        return int(self.lost_sa.shape[1])

    @property
    def scenarios(self) -> int:
        """The number of scenarios."""
        return len(self.lost_sa)

    def check(self) -> None:
        """Raise InputError where arrays do not fit together or a number is out of range."""
        self._check_shapes()
        self._check_ranges()
        self._check_sizes()

    def _check_shapes(self) -> None:
        hosts, offers, classes = len(self.area_h), len(self.area_o), len(self.count_c)
        masks, resources, entries = len(self.enter_mh), self.demand_cr.shape[1], len(self.at_class_n)
        for name, shape in (
            ("capacity_hr", (hosts, resources)),
            ("capacity_or", (offers, resources)),
            ("price_o", (offers,)),
            ("most_o", (offers,)),
            ("lot_o", (offers,)),
            ("demand_cr", (classes, resources)),
            ("group_c", (classes,)),
            ("mask_c", (classes,)),
            ("enter_mh", (masks, hosts)),
            ("enter_mo", (masks, offers)),
            ("at_host_n", (entries,)),
            ("at_count_n", (entries,)),
            ("evacuated_sc", (self.scenarios, classes)),
        ):
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        for limit in self.limits:
            if limit.weight_a.shape != (self.areas,):
                raise InputError(f"a limit has shape {limit.weight_a.shape} for {self.areas} areas")

    def _check_ranges(self) -> None:
        classes = len(self.count_c)
        for name, array, low, top in (
            ("area_h", self.area_h, 0, self.areas),
            ("area_o", self.area_o, 0, self.areas),
            ("group_c", self.group_c, -1, len(self.per_host_g)),
            ("mask_c", self.mask_c, 0, len(self.enter_mh)),
            ("at_class_n", self.at_class_n, 0, classes),
            ("at_host_n", self.at_host_n, 0, len(self.area_h)),
            *((f"limit {i}", limit.classes, 0, classes) for i, limit in enumerate(self.limits)),
        ):
            if array.size and (array.min() < low or array.max() >= top):
                wrong = array.min() if array.min() < low else array.max()
                raise InputError(f"{name} names number {wrong} of {top}")
        for name, least in (
            ("capacity_hr", 0),
            ("capacity_or", 0),
            ("demand_cr", 0),
            ("count_c", 0),
            ("at_count_n", 0),
            ("price_o", 0),
            ("most_o", -1),
            ("lot_o", 1),
            ("per_host_g", -1),
        ):
            array = getattr(self, name)
            if array.size and array.min() < least:
                raise InputError(f"{name} holds {array.min()}, less than {least}")
        for limit in self.limits:
            if len(np.unique(limit.classes)) != len(limit.classes):
                raise InputError("a limit names a class twice")
            if not BASE <= limit.layer < self.scenarios:
                raise InputError(f"a limit is about layer {limit.layer} of {self.scenarios} scenarios")

    def _check_sizes(self) -> None:
        counts = self.count_c.astype(float)
        largest = max(
            float((counts[:, None] * self.demand_cr).sum(0).max(initial=0.0)),
            float(self.capacity_hr.sum(0, dtype=float).max(initial=0.0)),
            float(self.capacity_or.max(initial=0)),
            float(self.price_o.sum(dtype=float)) * max(1.0, float(counts.sum())),
        )
        if largest >= MOST:
            raise InputError("demands, capacities or prices add up beyond 2^53; use a larger unit")
        running_c = np.bincount(self.at_class_n, self.at_count_n, len(self.count_c)).astype(np.int64)
        if np.any(running_c > self.count_c):
            c = int(np.argmax(running_c - self.count_c))
            raise InputError(f"class {c}: {running_c[c]} run, but only {self.count_c[c]} are wanted")


@dataclass(frozen=True)
class Placed:
    """How many of a class are on a host, entry by entry.

    Hosts are numbered through: those that exist first, then those bought, in the order of `new_offer_n`.
    """

    class_n: Ints
    host_n: Ints
    count_n: Ints


@dataclass(frozen=True)
class Sized:
    """What to buy, where everybody is, where everybody displaced goes, and what is proven about it."""

    status: str
    """`OPTIMAL` where the bound is reached, else `FEASIBLE`; `INFEASIBLE` where the bound's witness proves that no
    purchase suffices; `UNKNOWN` without any answer."""
    bought_o: Ints
    cost: int
    bound: int
    """No purchase of less cost suffices (see `verify`)."""
    new_offer_n: Ints
    """The offer of every host bought: host number `len(area_h) + n`. Ascending."""
    place: Placed
    """Everybody, who runs already included."""
    arrivals_s: tuple[Placed, ...]
    """Per scenario, where those displaced go."""
    witness: dict[str, Any] = field(default_factory=dict)
    """What the bound rests on, as plain data."""
    engine: str = ""
    seconds: float = 0.0
    short: tuple[int, ...] = ()
    """Where nothing suffices that was tried: instances without a place before any loss, then per scenario."""

    @property
    def gap(self) -> float | None:
        """Cost above the bound, relative to the cost; None without an answer."""
        if self.status in ("INFEASIBLE", "UNKNOWN"):
            return None
        return (self.cost - self.bound) / self.cost if self.cost else 0.0
