"""The board: an estate's families as dense arrays over single instances and sites, for kernels to search on.

It says the same as the Program, which has a column for every class and place. A board has none: 50,000 different
instances on 1,000 sites take a row each, not fifty million columns. What it cannot say, its lowering refuses, and
no estate is searched with a rule left out.

Words. An *item* is one instance. A *site* is a place that an item can be put to; the number `sites` stands for
nowhere. A *node* is a domain of any level in one numbering: node = base_l[l] + dom_ls[l, s]. A *stage* is a goal;
stage 0 is always `broken`, the sum of all hard excess, so that a placement is valid exactly where it is 0. Part of
it are 1 for every item at a site where it may not be, and 1 for every pinned item at another site than its home.

Every amount, limit, weight and cost is a whole number; `NO_LIMIT` stands where there is none. The lowering
makes sure that no value of a stage passes 2**57.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

#: Stands for a limit that nothing reaches.
NO_LIMIT = 2**60
#: The stage of what must not be.
BROKEN = 0

# What a term says of a group's counts in the domains of a level; `a` is its amount.
AT_MOST = 0
"""No domain holds more than `a`: excess summed over domains."""
LEAST_DOMAINS = 1
"""Placed items are in at least `a` domains: amount is what is missing, 0 where nobody is placed."""
MOST_DOMAINS = 2
"""In at most `a` domains: amount is the domains beyond."""
LEAST_EACH = 3
"""Each of the level's domains that count (`counts_x`) holds at least `a`: what is missing, summed over domains; 0
where nobody of the group is placed."""
SKEW = 4
"""Most less least over the level's domains that count (`counts_x` of the term) is at most `a`: the excess."""


@dataclass(frozen=True)
class Terms:
    """Limits on a group's counts, by group: those of group g are ptr_g[g] to ptr_g[g + 1]."""

    ptr_g: Ints
    kind_t: Places
    level_t: Places
    a_t: Ints
    weight_t: Ints
    """What one unit costs; 1 for hard ones."""
    stage_t: Places
    """BROKEN for hard ones."""
    counts_ptr_t: Ints
    """Of LEAST_EACH and SKEW: the domains (positions in their level) that count."""
    counts_x: Places


@dataclass(frozen=True)
class Company:
    """Pairs of groups that need or must not meet each other in the domains of a level.

    Needs: every domain with one of `group` holds one of `other`: amount 1 for every domain where that is not so.
    Meets (needs_e False): they must not both be in a domain: amount 1 for every domain where they are.
    Entries are found from both sides: by_group lists those of which g is `group`, by_other where it is `other`.
    """

    group_e: Places
    other_e: Places
    level_e: Places
    needs_e: Bools
    weight_e: Ints
    stage_e: Places
    by_group_ptr_g: Ints
    by_group_x: Places
    by_other_ptr_g: Ints
    by_other_x: Places


@dataclass(frozen=True)
class Distances:
    """Pairs of groups whose domains in use must not be far apart: amount 1 for every such pair of domains.

    An entry with group = other is about pairs of different domains of one group, each pair once.
    """

    group_f: Places
    other_f: Places
    level_f: Places
    table_f: Places
    weight_f: Ints
    stage_f: Places
    far_xdd: Bools
    """Per table: whether two domains of the level are too far apart (padded to the largest level in use)."""
    by_group_ptr_g: Ints
    """Entries that a group takes part in, on either side."""
    by_group_x: Places


@dataclass(frozen=True)
class Ratios:
    """Per domain of a level: max(0, ratio x free of one resource - free of another), free = limit - use.

    Domains that have no limit on one of them are left out.
    """

    level_b: Places
    resource_b: Places
    beside_b: Places
    ratio_b: Ints
    weight_b: Ints
    stage_b: Places


@dataclass(frozen=True)
class Steps:
    """What a move costs by its two ends. Rule m has entries ptr_m[m] to ptr_m[m + 1], the first that fits counts.

    An entry fits where both ends are in one domain of its level; where none fits, and where the item goes nowhere,
    it costs beyond_m. Costs are weighted already. With table_m >= 0 the cost is table_xqq[table, key of the old
    site, key of the new one] instead.
    """

    ptr_m: Ints
    level_e: Places
    cost_e: Ints
    beyond_m: Ints
    stage_m: Places
    table_m: Places
    key_s: Places
    table_xqq: Ints
    groups_mg: Bools = field(default_factory=lambda: np.zeros((0, 0), bool))
    """Whose moves a rule charges; of shape (0, 0) where every rule charges all."""


@dataclass(frozen=True)
class Peaks:
    """The largest number of moved items of any group in groups_pg, less most_p: weight_p x that, at least 0."""

    groups_pg: Bools
    most_p: Ints
    weight_p: Ints
    stage_p: Places


@dataclass(frozen=True)
class Spans:
    """Most less least use of a resource over the domains of a level that have sites."""

    level_x: Places
    resource_x: Places
    weight_x: Ints
    stage_x: Places


@dataclass(frozen=True)
class Board:
    """Everything that kernels search on.

    Axes: i items, s sites, l levels, n nodes, r resources, g groups, k stages.
    """

    stages: tuple[str, ...]
    """Names of the goals; the first is `broken`."""
    levels: tuple[str, ...]
    """Level 0 is the site itself, the last one `estate`, of which every site is in domain 0."""
    resources: tuple[str, ...]
    """Names; quotas, stocks of flavours and counts of instances are resources too."""
    items: int
    sites: int

    dom_ls: Places
    """Domain of every site at every level, by position in the level; -1 where it has none; at level 0 its own."""
    domains_l: Ints
    """Number of domains of a level."""
    base_l: Ints
    """Node of a level's first domain."""

    demand_ir: Ints
    group_i: Places
    alike_i: Places
    """Items with equal numbers can be exchanged for each other; only their homes may differ."""
    profile_i: Places
    enter_ps: Bools
    """Whether items of a profile may newly be put to a site. An item at home may stay there if stay_i."""
    home_i: Places
    """Where the item is today, -1 where it has no place."""
    stay_i: Bools
    pinned_i: Bools
    """May not leave its home."""
    members_ptr_g: Ints
    members_x: Places
    """Items by group."""

    limit_nr: Ints
    """At most so much of a resource is used in a node (hard)."""
    holds_lr: Bools
    """Items whose home is in a node of the level and that have left it hold this resource there too."""
    safe_nr: Ints
    """More use than this costs safe_weight_lr a unit, in stage safe_stage_lr."""
    safe_weight_lr: Ints
    safe_stage_lr: Places

    out_ik: Ints
    """What an item costs that is nowhere, on top of `away_ik`; below 0 where only that takes back a part of it."""
    away_ik: Ints
    """What an item with a home costs that is anywhere else, nowhere included."""
    price_class_i: Places
    price_key_s: Places
    price_vq: Ints
    """Cost of an item of a price class at a site of a price key, in stage price_stage."""
    home_price_i: Ints
    """The same at its home."""
    price_stage: int
    """-1 where nothing has a price."""
    open_nk: Ints
    """What a node costs as soon as anything is in it."""
    most_moves: int
    """At most so many items with a home are elsewhere or nowhere; NO_LIMIT where that does not matter (hard)."""

    terms: Terms
    company: Company
    distances: Distances
    ratios: Ratios
    steps: Steps
    peaks: Peaks
    spans: Spans
    constant_k: Ints
    """Added to every stage's value: what does not depend on the placement."""
    unit_i: Places = field(default_factory=lambda: np.zeros(0, np.int32), repr=False)
    """Item to the index of its unit in the world."""
    node_s: Places = field(default_factory=lambda: np.zeros(0, np.int32), repr=False)
    """Site to the index of its node in the world's tree."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.members_ptr_g) - 1

    @property
    def nodes(self) -> int:
        """Number of domains of all levels together."""
        return int(self.domains_l.sum())
