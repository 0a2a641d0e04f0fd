"""Counts per block of hosts, packed onto the hosts themselves.

A block is what costs the same: the hosts of one zone with one price, in the same domains that rules name. The
pooled program decides how many of each class go to each block; that decision satisfies every rule at zone level,
and its bounds are the bounds of the whole. What is left is to seat the counts on hosts under capacity and under
limits per host and rack. Where that works with the pooled optimum, the plan is optimal.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from zonewright.solver.classes import Class
from zonewright.solver.context import Context, Layer
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.fine import FineRules
from zonewright.solver.kernels import cache
from zonewright.solver.lowering.survive import can_recover
from zonewright.solver.places import named_domains
from zonewright.solver.rows import Ints

#: Rounds of annealing for what one lost host or rack displaces.
TRIES_BELOW = 3
#: Annealing steps between two looks at the clock; some 50 ms.
STEPS = 1_000_000
#: What one step counts against a work limit, in deterministic seconds.
STEP_WORK = 5e-8
#: Overload that one step up may cost, in mean demands: from coarse to fine, geometrically.
HOT, COLD, COOLING = 0.2, 0.004, 0.8

#: Price of room left on a site, against 4 for leaving it unevenly: full sites are preferred, or even ones.
PACKED, SPREAD = 0.05, -3.0
#: Entries in the lists of items per host, of all hosts of a block together (512 MiB).
MOST_SLOTS = 1 << 26

#: Class to {site node: count}.
Seats = dict[int, dict[int, int]]


class Packer:
    """Seats counts per block on hosts, for the plan and for every scenario."""

    def __init__(self, ctx: Context, fine: FineRules, seed: int, deadline: Deadline) -> None:
        self.ctx = ctx
        self.world = ctx.world
        self.deadline = deadline
        self.state = np.array([(seed * 2654435761 + 88172645463325252) % (1 << 63) | 1], np.uint64)
        self.sites = self.world.tree.sites
        self.position = {site: s for s, site in enumerate(self.sites)}
        self.fine = fine
        self.spreads = len(ctx.layers) > 1 and "hosts" not in ctx.world.estate.goals
        """Whether hosts are filled evenly, for what comes after a loss."""
        self._arrays()

    def _arrays(self) -> None:
        tree, classes = self.world.tree, self.ctx.classes
        nodes = [tree.nodes[s] for s in self.sites]
        resources = self.world.resources
        most = 1 << 50
        self.demand_cr = np.array([[c.unit.demand.get(r, 0) for r in resources] + [1] for c in classes], np.int64)
        limits: dict[bool, Ints] = {}
        for firm in (False, True):
            table = []
            for node in nodes:
                usable = [node.usable(r, firm=firm) for r in resources]
                own = [most if u is None else u for u in usable]
                own.append(most if node.domain.most_instances is None else node.domain.most_instances)
                table.append(own)
            limits[firm] = np.array(table, np.int64)
        self.capacity = limits
        used = [r for r in range(len(resources) + 1) if (limits[False][:, r] < most).any()] or [0]
        self.demand_cr = np.ascontiguousarray(self.demand_cr[:, used])
        self.capacity = {firm: np.ascontiguousarray(table[:, used]) for firm, table in limits.items()}
        self.group_c = self._group_numbers(classes)
        of = self.fine
        self.site_limit_c = np.array([_limit(of.host, c) for c in classes], np.int64)
        self.rack_limit_c = np.array([_limit(of.rack, c) for c in classes], np.int64)
        racks: dict[int, int] = {}
        self.rack_s = np.full(len(nodes), -1, np.int64)
        if of.rack_level is not None:
            for s, site in enumerate(self.sites):
                rack = tree.at_level(site, of.rack_level)
                if rack is not None:
                    self.rack_s[s] = racks.setdefault(rack, len(racks))
        self.racks = max(1, len(racks))
        self.enter_cs = np.array([self._enter(c) for c in classes], bool)
        self.enter_cs = np.ascontiguousarray(self.enter_cs)
        self.block_s = self._blocks()

    def _group_numbers(self, classes: list[Class]) -> Ints:
        numbers: dict[object, int] = {}
        return np.array(
            [numbers.setdefault(c.group or ("merged", c.index), len(numbers)) for c in classes], np.int64
        )

    def _enter(self, cls: Class) -> np.ndarray:
        return self.ctx.reach.profiles[self.ctx.reach.of_unit[cls.unit.index]].enter

    def may_stay(self, cls: Class) -> np.ndarray:
        """Return, per site, whether who is there today may stay."""
        return self.ctx.reach.profiles[self.ctx.reach.of_unit[cls.unit.index]].stay

    def _blocks(self) -> Ints:
        numbers: dict[object, int] = {}
        world, named = self.world, named_domains(self.world)
        keys = [(world.zone_of(s), world.price_key(s), named.get(s)) for s in self.sites]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)

    def pack(self, x_j: Ints, emptied: Ints | None = None) -> tuple[Seats | None, int]:
        """Seat the plan itself, some hosts left empty. Returns the seats, or the zone that could not be packed."""
        capacity_sr = self.capacity[False]
        if emptied is not None:
            capacity_sr = capacity_sr.copy()
            capacity_sr[emptied] = 0
        counts = self._by_block(self.ctx.base, x_j)
        seats: Seats = {c.index: {} for c in self.ctx.classes}
        for block in sorted({b for by_block in counts.values() for b in by_block}):
            wanted = {c: by_block[block] for c, by_block in counts.items() if by_block.get(block)}
            if not self._pack_block(block, wanted, {}, seats, capacity_sr):
                return None, self._zone(block)
        return seats, -1

    def spread_out(self, groups: Collection[str], seats: Seats) -> bool:
        """Allow fewer of these groups per host, or per rack; return whether that is still possible for all."""
        for group in sorted(groups):
            classes = [c.index for c in self.ctx.classes if c.unit.group == group]
            counts_s = np.zeros(len(self.sites), np.int64)
            for c in classes:
                for site, count in seats.get(c, {}).items():
                    counts_s[self.position[site]] += count
            most = int(counts_s.max(initial=0))
            racked = self.rack_s >= 0
            in_rack = int(np.bincount(self.rack_s[racked], weights=counts_s[racked]).max(initial=0))
            if most > 1:
                self.site_limit_c[classes] = most // 2
            elif in_rack > 1:
                self.rack_limit_c[classes] = in_rack // 2
            else:
                return False
        return True

    def pack_scenario(self, layer: Layer, x_j: Ints, seats: Seats) -> tuple[Seats | None, int]:
        """Seat what a lost zone displaces beside who stays. Returns the new seats, or the zone that failed."""
        before, after = self._by_block(self.ctx.base, x_j, layer.lost), self._by_block(layer, x_j)
        displaced = {c for c, by_site in seats.items() if any(s in layer.lost for s in by_site)}
        moved: Seats = {}
        for block in sorted({b for by_block in after.values() for b in by_block}):
            wanted: dict[int, int] = {}
            for c in displaced:
                arrive = after.get(c, {}).get(block, 0) - before.get(c, {}).get(block, 0)
                if arrive > 0:
                    wanted[c] = arrive
            capacity = self.capacity[not layer.on_offer]
            if wanted and not self._pack_block(block, wanted, seats, moved, capacity, layer.lost):
                return None, self._zone(block)
        return moved, -1

    def pack_below(
        self, scenario: tuple[int, ...], on_offer: bool, groups: Collection[str], seats: Seats
    ) -> Seats | None:
        """Seat what lost hosts or racks displace in the same block, so that no zone counts anew: a short try."""
        lost = frozenset(s for d in scenario for s in self.world.tree.sites_under[d])
        level = self.world.tree.nodes[scenario[0]].level
        wanted: dict[int, dict[int, int]] = {}
        for c, by_site in seats.items():
            cls = self.ctx.classes[c]
            if cls.unit.group not in groups:
                continue
            for site, count in by_site.items():
                if site in lost:
                    if not can_recover(self.world, cls.unit, level, scenario):
                        return None
                    by_class = wanted.setdefault(int(self.block_s[self.position[site]]), {})
                    by_class[c] = by_class.get(c, 0) + count
        moved: Seats = {}
        capacity = self.capacity[not on_offer]
        for block, by_class in sorted(wanted.items()):
            if not self._pack_block(block, by_class, seats, moved, capacity, lost, tries=TRIES_BELOW):
                return None
        return moved

    def _zone(self, block: int) -> int:
        return self.world.zone_of(self.sites[int(np.flatnonzero(self.block_s == block)[0])])

    def _by_block(self, layer: Layer, x_j: Ints, lost: frozenset[int] = frozenset()) -> dict[int, dict[int, int]]:
        found: dict[int, dict[int, int]] = {}
        for cls in self.ctx.classes:
            for place, column in layer.cells[cls.index].items():
                count = int(x_j[column])
                site = self.ctx.places[place].site
                if count and site not in lost:
                    block = int(self.block_s[self.position[site]])
                    by_block = found.setdefault(cls.index, {})
                    by_block[block] = by_block.get(block, 0) + count
        return found

    def _pack_block(
        self,
        block: int,
        wanted: dict[int, int],
        staying: Seats,
        seats: Seats,
        capacity_sr: Ints,
        lost: frozenset[int] = frozenset(),
        tries: int | None = None,
    ) -> bool:
        """Seat `wanted` on the hosts of a block, around who stays; add to `seats` and say whether all fit."""
        hosts = [int(s) for s in np.flatnonzero(self.block_s == block) if self.sites[s] not in lost]
        job = _Job(self, hosts, wanted, staying, capacity_sr)
        if not job.solve(tries):
            return False
        for c, by_site in job.result().items():
            target = seats.setdefault(c, {})
            for site, count in by_site.items():
                target[site] = target.get(site, 0) + count
        return True


def _limit(limits: dict[str, int], cls: Class) -> int:
    """Return a class's limit; 0 says that there is none."""
    return limits.get(cls.unit.group, 0)


class _Job:
    """One block: its items in arrays, those that may move first."""

    def __init__(
        self, packer: Packer, hosts: list[int], wanted: dict[int, int], staying: Seats, capacity_sr: Ints
    ) -> None:
        self.packer = packer
        # Who is to come after a loss needs room on many hosts, not many empty ones.
        self.room_price = PACKED if staying or not packer.spreads else SPREAD
        self.hosts = np.array(hosts, np.int64)
        index = {int(s): k for k, s in enumerate(hosts)}
        movers: list[int] = []
        start: list[int] = []
        self.kept: list[bool] = []
        for c, count in sorted(wanted.items()):
            movers += [c] * count
            here = packer.ctx.classes[c].current if not staying else {}
            stay_s = packer.may_stay(packer.ctx.classes[c])
            today = [
                index[s]
                for site, n in here.items()
                if (s := packer.position.get(site, -1)) in index and stay_s[s]
                for _ in range(n)
            ]
            start += (today + [-1] * count)[:count]
        fixed: list[int] = []
        at: list[int] = []
        for c, by_site in staying.items():
            for site, count in by_site.items():
                k = index.get(packer.position[site])
                if k is not None:
                    fixed += [c] * count
                    at += [k] * count
        self.class_i = np.array(movers + fixed, np.int64)
        pinned = [packer.ctx.classes[c].unit.pinned and k >= 0 for c, k in zip(movers, start, strict=True)]
        self.wanted_i = np.array([True] * len(movers) + [False] * len(fixed), bool)
        self.movable_i = self.wanted_i & ~np.array(pinned + [False] * len(fixed), bool)
        self.start_i = np.array(start + at, np.int64)
        # Survivors keep what they have, even where it was bought from what is only on offer.
        kept_sr = np.zeros((len(hosts), packer.demand_cr.shape[1]), np.int64)
        for c, k in zip(fixed, at, strict=True):
            kept_sr[k] += packer.demand_cr[c]
        self.capacity = np.maximum(capacity_sr[self.hosts], kept_sr)

    def solve(self, tries: int | None = None) -> bool:
        """Return whether everything fits; first with whoever has a place today left in it."""
        if not self._can_fit():
            return False
        if (self.start_i[self.movable_i] >= 0).any():
            locked = self.movable_i & (self.start_i < 0)
            if self._run(locked, tries=20):
                return True
        return self._run(self.movable_i, tries)

    def _can_fit(self) -> bool:
        demand = self.packer.demand_cr[self.class_i].sum(axis=0)
        return bool((demand <= self.capacity.sum(axis=0)).all())

    def _slots(self) -> int:
        """Return how many items a host's list must hold: what fits on the largest, what is there already."""
        items, hosts = len(self.class_i), len(self.hosts)
        here = np.bincount(self.start_i[self.start_i >= 0], minlength=1).max()
        demand_cr = self.packer.demand_cr[np.unique(self.class_i)]
        least_r = demand_cr.min(axis=0, initial=1 << 50)
        fits_s = (self.capacity // np.maximum(1, least_r)).min(axis=1, where=least_r > 0, initial=items)
        usual = max(64, MOST_SLOTS // max(1, hosts))
        return int(min(items, max(here, min(usual, fits_s.max(initial=1)))))

    def _run(self, movable_i: np.ndarray, tries: int | None) -> bool:
        p = self.packer
        if not cache.ready(cache.PACKING, p.deadline):
            return False
        from zonewright.solver.kernels import packing as kernel

        items, hosts = len(self.class_i), len(self.hosts)
        slots = self._slots()
        site_i = np.full(items, -1, np.int64)
        slot_sk = np.zeros((hosts, slots), np.int64)
        fill_s = np.zeros(hosts, np.int64)
        position_i = np.zeros(items, np.int64)
        use_sr = np.zeros_like(self.capacity)
        rack_s = p.rack_s[self.hosts]
        rack_count_ga = np.zeros((int(p.group_c.max(initial=0)) + 1, p.racks), np.int64)
        mean = p.demand_cr[self.class_i].mean(axis=0) if items else np.ones(p.demand_cr.shape[1])
        weight_r = 1.0 / np.maximum(mean, 1e-9)
        allowed_cs = np.ascontiguousarray(p.enter_cs[:, self.hosts])
        common = (self.class_i, p.group_c, allowed_cs, p.site_limit_c, p.rack_limit_c, rack_s, rack_count_ga)
        movable_i = movable_i.copy()
        for i in np.flatnonzero(~movable_i):
            at, c = int(self.start_i[i]), int(self.class_i[i])
            if at < 0:
                continue
            if self._full(at, c, slot_sk, fill_s, rack_s, rack_count_ga):
                if not self.movable_i[i]:
                    return False
                movable_i[i] = True  # It cannot stay beside the others that stay.
                continue
            kernel._move(
                i, at, site_i, slot_sk, fill_s, position_i, use_sr, p.demand_cr,
                self.class_i, p.group_c, rack_s, rack_count_ga,
            )  # fmt: skip
        free = np.flatnonzero(movable_i)
        sizes = (p.demand_cr[self.class_i[free]] * weight_r).max(axis=1) if len(free) else np.empty(0)
        order = free[np.argsort(-sizes, kind="stable")]
        nowhere = kernel.fill_greedily(
            order, site_i, slot_sk, fill_s, position_i, use_sr, self.capacity, p.demand_cr, weight_r, *common,
            self.room_price,
        )  # fmt: skip
        if nowhere:
            return False
        everywhere = np.arange(hosts)
        heat, tried = HOT, 0
        while not p.deadline.over and (tries is None or tried < tries):
            taken = kernel.repack(
                p.state, STEPS, heat, movable_i, site_i, slot_sk, fill_s, position_i, use_sr, self.capacity,
                p.demand_cr, weight_r, *common, everywhere,
            )  # fmt: skip
            p.deadline.spend(taken * STEP_WORK)
            if kernel.overload(use_sr, self.capacity, weight_r) == 0.0:
                self.site_i = site_i
                return True
            tried += 1
            heat *= COOLING
            if heat < COLD:
                if tries is None:
                    return False
                heat = HOT
        return False

    def _full(self, at: int, c: int, slot_sk: Ints, fill_s: Ints, rack_s: Ints, rack_count_ga: Ints) -> bool:
        """Return whether a host or its rack already holds as many of a class's group as may be."""
        p = self.packer
        group = p.group_c[c]
        there = p.group_c[self.class_i[slot_sk[at, : fill_s[at]]]]
        if p.site_limit_c[c] and int((there == group).sum()) >= p.site_limit_c[c]:
            return True
        rack = rack_s[at]
        return bool(p.rack_limit_c[c] and rack >= 0 and rack_count_ga[group, rack] >= p.rack_limit_c[c])

    def result(self) -> Seats:
        """Return where the wanted items are, by class."""
        found: Seats = {}
        for i in np.flatnonzero(self.wanted_i):
            site = self.packer.sites[self.hosts[self.site_i[i]]]
            by_site = found.setdefault(int(self.class_i[i]), {})
            by_site[site] = by_site.get(site, 0) + 1
        return found
