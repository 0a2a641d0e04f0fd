"""Room for what the loss of hosts or racks displaces, if possible within its zone: then no zone's counts change.

Every loss is tried against a packing: what it displaces is seated in what is free on the hosts that remain. Where
its zone is full others take it, as far as the rules allow. Where that fails, too, the packing is made again with
whole hosts kept empty, more and more of them, until every loss fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zonewright.models.rules import Survive, all_rules
from zonewright.models.rules.survive import broken_after
from zonewright.models.view import Row, View
from zonewright.models.world import World
from zonewright.solver.context import Context
from zonewright.solver.decode import Sites, share_arrivals, share_out
from zonewright.solver.engines.hosts import Packer, Seats
from zonewright.solver.kernels import cache
from zonewright.solver.lowering.survive import can_recover, is_below_zones, scenarios, signature
from zonewright.solver.program import Scene
from zonewright.solver.rows import Ints

#: Share of a zone's hosts beyond which keeping more of them empty is given up.
MOST_EMPTY = 0.35
#: So many losses that fail are tried again one by one, by moving what they displace among the hosts.
TRIED_AGAIN = 12
#: So many losses that fail in their zone are tried in all zones.
TRIED_ELSEWHERE = 200
#: Beyond so many groups times hosts the counts of groups on hosts would take too much room.
MOST_COUNTS = 200_000_000


@dataclass(frozen=True)
class Losses:
    """Losses that share a signature: who is to be placed again, and on what."""

    signature: str
    scenarios: tuple[tuple[int, ...], ...]
    on_offer: bool
    groups: frozenset[str]


@dataclass
class Roomy:
    """A packing in which every loss fits, with where what is displaced goes."""

    seats: Seats
    moved: dict[Scene, Seats]


def losses_below(world: World) -> list[Losses]:
    """Return the losses below the zone that evacuation rules ask for."""
    found: dict[str, Losses] = {}
    for _, rule in all_rules(world):
        if isinstance(rule, Survive) and rule.mode == "evacuate" and is_below_zones(world, rule.level):
            name, groups = signature(rule), frozenset(rule.selected(world))
            known = found.get(name)
            groups |= known.groups if known else frozenset()
            found[name] = Losses(name, tuple(scenarios(world, rule)), rule.on_offer, groups)
    return list(found.values())


def largest_loss(world: World) -> dict[int, float]:
    """Return, per zone, the largest share of its hosts' capacity that one loss below the zone takes."""
    tree = world.tree
    found: dict[int, float] = {}
    for losses in losses_below(world):
        for scenario in losses.scenarios:
            lost = [s for d in scenario for s in tree.sites_under[d]]
            for zone in {world.zone_of(s) for s in lost}:
                inside = [s for s in lost if world.zone_of(s) == zone]
                for resource in world.resources:
                    whole = sum(tree.nodes[s].usable(resource) or 0 for s in tree.sites_under[zone])
                    part = sum(tree.nodes[s].usable(resource) or 0 for s in inside)
                    found[zone] = max(found.get(zone, 0.0), part / whole if whole else 0.0)
    return found


def stock_is_lent(world: World) -> bool:
    """Return whether zones or regions sell what nobody owns: arrivals after a loss may not use that."""
    tree = world.tree
    above = {a for site in tree.sites for a in tree.nodes[site].ancestors if a != site}
    stocks = (
        s
        for a in above
        for s in (*tree.nodes[a].domain.capacity.values(), *tree.nodes[a].domain.flavours.values())
    )
    return any(stock.on_offer for stock in stocks) and any(not losses.on_offer for losses in losses_below(world))


class Below:
    """Tries losses against packings of one decision."""

    def __init__(self, ctx: Context, packer: Packer) -> None:
        self.ctx, self.packer = ctx, packer
        self.world = ctx.world
        self.losses = losses_below(self.world)
        hosts = len(packer.sites)
        zones: dict[int, int] = {}
        self.zone_s = np.array(
            [zones.setdefault(self.world.zone_of(s), len(zones)) for s in packer.sites], np.int64
        )
        self.hosts_z = np.argsort(self.zone_s, kind="stable").astype(np.int64)
        self.start_z = np.searchsorted(self.zone_s[self.hosts_z], np.arange(len(zones) + 1)).astype(np.int64)
        self.zones = list(zones)
        mean = packer.demand_cr.mean(axis=0)
        self.weight_r = 1.0 / np.maximum(mean, 1e-9)
        self.size_c = (packer.demand_cr * self.weight_r).max(axis=1)
        self.loss_s = self._largest_losses()
        self.too_large = hosts * (int(packer.group_c.max(initial=0)) + 1) > MOST_COUNTS

    def room(self, x_j: Ints, seats: Seats) -> tuple[Roomy | None, int]:
        """Return a packing in which every loss fits, `seats` if they do; else the zone in which none was found.

        A zone of -1 says that somebody cannot be started again wherever there is room.
        """
        if not self.losses:
            return Roomy(seats, {}), -1
        if self.too_large:
            return None, self.zones[0]
        empty: dict[int, int] = {}
        while True:
            moved, short = self._try(seats)
            if not short:
                return Roomy(seats, moved), -1
            if min(short) < 0:
                return None, -1
            if self.packer.deadline.over:
                return None, self.zones[0]
            for zone, hosts in short.items():
                size = int(self.start_z[zone + 1] - self.start_z[zone])
                before = empty.get(zone, 0)
                empty[zone] = before + max(1, before // 8) if before else hosts
                if empty[zone] > max(1, MOST_EMPTY * size):
                    return None, self.zones[zone]
            again, failed = self.packer.pack(x_j, self._emptied(empty))
            if again is None:
                return None, failed
            seats = again

    def _largest_losses(self) -> Ints:
        """Return, per host, the number of the loss with the most hosts that it is in, or a number of its own."""
        found = np.arange(len(self.packer.sites), dtype=np.int64)
        size_s = np.ones(len(found), np.int64)
        number = len(found)
        for losses in self.losses:
            for scenario in losses.scenarios if len(losses.scenarios[0]) == 1 else ():
                hosts = [self.packer.position[s] for s in self.world.tree.sites_under[scenario[0]]]
                mine = [s for s in hosts if size_s[s] < len(hosts)]
                found[mine], size_s[mine] = number, len(hosts)
                number += 1
        return found

    def _emptied(self, empty: dict[int, int]) -> Ints:
        """Return the hosts to keep empty: those with the fewest on them today, of these the largest.

        Where several are lost together they are such as are lost together, so that each finds its like.
        """
        p = self.packer
        today_s = np.zeros(len(p.sites), np.int64)
        for cls in self.ctx.classes:
            for site, count in cls.current.items():
                if site in p.position:
                    today_s[p.position[site]] += count * (1_000_000 if cls.unit.pinned else 1)
        shown_s = np.minimum(p.capacity[True], p.capacity[True].max(axis=0))
        size_s = (shown_s / np.maximum(1, shown_s.max(axis=0))).min(axis=1)
        open_s = p.enter_cs.mean(axis=0)
        found: list[int] = []
        for zone, count in empty.items():
            hosts = self.hosts_z[self.start_z[zone] : self.start_z[zone + 1]]
            worth = size_s[hosts] * open_s[hosts]
            of_loss, crowd = self.loss_s[hosts], today_s[hosts]
            together = np.bincount(of_loss, weights=worth)[of_loss], np.bincount(of_loss, weights=crowd)[of_loss]
            rank = np.lexsort((hosts, of_loss, -together[0], together[1]))
            found += [int(s) for s in hosts[rank][:count]]
        return np.array(found, np.int64)

    def _try(self, seats: Seats) -> tuple[dict[Scene, Seats], dict[int, int]]:
        """Seat what every loss displaces. Returns where it goes, and the zones that lack room with hosts asked.

        Zone -1: somebody cannot be started again.
        """
        moved: dict[Scene, Seats] = {}
        short: dict[int, int] = {}
        for losses in self.losses:
            found = self._arrivals(losses, seats)
            if found is None:
                return {}, {-1: 0}
            failing = sorted({int(k) for k in found[found[:, 3] < 0, 0]})
            again = self._elsewhere(losses, failing[:TRIED_ELSEWHERE], seats)
            left = [k for k in failing if k not in again]
            for k in left if len(left) <= TRIED_AGAIN else ():
                seated = self.packer.pack_below(losses.scenarios[k], losses.on_offer, losses.groups, seats)
                if seated is None:
                    break
                again[k] = seated
            for k in failing:
                if k not in again:
                    scenario = losses.scenarios[k]
                    sites = [s for d in scenario for s in self.world.tree.sites_under[d]]
                    zone = int(self.zone_s[self.packer.position[sites[0]]])
                    short[zone] = max(short.get(zone, 0), len(sites))
            for k, scenario in enumerate(losses.scenarios):
                moved[losses.signature, scenario] = again.get(k, {})
            for k, c, _, s in found.tolist():
                if k not in again and s >= 0:
                    by_site = moved[losses.signature, losses.scenarios[k]].setdefault(c, {})
                    site = self.packer.sites[s]
                    by_site[site] = by_site.get(site, 0) + 1
        return moved, short

    def _only_sites(self) -> bool:
        """Return whether nothing but sites is decided: no addresses, no zones of balancers."""
        return not self.world.vpcs and all(balancer.zones for balancer in self.world.balancers.values())

    def _view(self, seats: Seats) -> View:
        rows = [Row(u, s, n) for u, by_site in self._units(seats).items() for s, n in by_site.items()]
        zones = {
            b.id: tuple(self.world.tree.by_id[zone] for zone in b.zones) for b in self.world.balancers.values()
        }
        return View(self.world, rows, balancer_zones=zones)

    def _units(self, seats: Seats) -> Sites:
        found: Sites = {}
        for cls in self.ctx.classes:
            found.update(share_out(cls, seats.get(cls.index, {})))
        return found

    def _elsewhere(self, losses: Losses, failing: list[int], seats: Seats) -> dict[int, Seats]:
        """Seat what these losses displace in other zones where their own are full, as far as every rule holds."""
        if not failing or not self._only_sites():
            return {}
        view = self._view(seats)
        found: dict[int, Seats] = {}
        for k in failing:
            seated = None if self.packer.deadline.over else self._one_elsewhere(losses, k, seats, view)
            if seated is not None:
                found[k] = seated
        return found

    def _one_elsewhere(self, losses: Losses, k: int, seats: Seats, view: View) -> Seats | None:
        scenario = losses.scenarios[k]
        alone = Losses(losses.signature, (scenario,), losses.on_offer, losses.groups)
        found = self._arrivals(alone, seats, anywhere=True)
        if found is None or (found[:, 3] < 0).any():
            return None
        seated: Seats = {}
        for _, c, _, s in found.tolist():
            by_site = seated.setdefault(c, {})
            by_site[self.packer.sites[s]] = by_site.get(self.packer.sites[s], 0) + 1
        lost = frozenset(s for d in scenario for s in self.world.tree.sites_under[d])
        base = self._units(seats)
        rows = [
            Row(u, s, n)
            for c, at in seated.items()
            for u, by_site in share_arrivals(self.ctx.classes[c], at, base, lost).items()
            for s, n in by_site.items()
        ]
        broken = broken_after(view, lost, rows, losses.groups, on_offer=losses.on_offer)
        return seated if next(iter(broken), None) is None else None

    def _arrivals(self, losses: Losses, seats: Seats, *, anywhere: bool = False) -> Ints | None:
        """Return (loss, class, from, to) of all that is displaced; None where one cannot be started again."""
        p = self.packer
        if not cache.ready(cache.EVACUATION, p.deadline):
            return None
        from zonewright.solver.kernels.evacuation import seat_displaced

        entries = sorted((p.position[site], c, n) for c, at in seats.items() for site, n in at.items() if n)
        host_n, class_n, count_n = (
            (np.array(column, np.int64) for column in zip(*entries, strict=True))
            if entries
            else (np.zeros(0, np.int64),) * 3
        )
        wanted_c = np.array([c.unit.group in losses.groups for c in self.ctx.classes], bool)
        if not self._all_recoverable(losses, class_n, host_n, wanted_c):
            return None
        start_s = np.searchsorted(host_n, np.arange(len(p.sites) + 1)).astype(np.int64)
        use_sr = np.zeros_like(p.capacity[False])
        np.add.at(use_sr, host_n, p.demand_cr[class_n] * count_n[:, None])
        groups = int(p.group_c.max(initial=0)) + 1
        count_gs = np.zeros((groups, len(p.sites)), np.int32)
        np.add.at(count_gs, (p.group_c[class_n], host_n), count_n)
        count_ga = np.zeros((groups, p.racks), np.int64)
        racked = p.rack_s[host_n] >= 0
        np.add.at(count_ga, (p.group_c[class_n[racked]], p.rack_s[host_n[racked]]), count_n[racked])
        lost = [
            [p.position[s] for d in scenario for s in self.world.tree.sites_under[d]]
            for scenario in losses.scenarios
        ]
        start_k = np.concatenate([[0], np.cumsum([len(sites) for sites in lost])]).astype(np.int64)
        lost_k = np.array([s for sites in lost for s in sites], np.int64)
        on_host_s = np.zeros(len(p.sites), np.int64)
        np.add.at(on_host_s, host_n, count_n)
        _, found = seat_displaced(
            anywhere, start_s, class_n, count_n, lost_k, start_k, wanted_c, self.size_c, self.zone_s, self.hosts_z,
            self.start_z, np.maximum(0, p.capacity[not losses.on_offer] - use_sr), p.demand_cr, self.weight_r,
            p.group_c, p.enter_cs, p.site_limit_c, p.rack_limit_c, p.rack_s, count_gs, count_ga,
            int(on_host_s[lost_k].sum()),
        )  # fmt: skip
        return np.asarray(found)

    def _all_recoverable(self, losses: Losses, class_n: Ints, host_n: Ints, wanted_c: np.ndarray) -> bool:
        """Return whether whoever is to be placed again can be started elsewhere at all."""
        lost = {
            s: k
            for k, scenario in enumerate(losses.scenarios)
            for d in scenario
            for s in self.world.tree.sites_under[d]
        }
        for c in np.unique(class_n[wanted_c[class_n]]):
            cls = self.ctx.classes[int(c)]
            if not (cls.unit.pinned or cls.unit.stateful):
                continue
            for s in host_n[class_n == c]:
                k = lost.get(self.packer.sites[int(s)])
                if k is not None:
                    scenario = losses.scenarios[k]
                    level = self.world.tree.nodes[scenario[0]].level
                    if not can_recover(self.world, cls.unit, level, scenario):
                        return False
        return True
