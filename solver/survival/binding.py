"""Why a loss is not survived: what would have to be where, and how much of it may be there.

A *cut* is a set of zones from which some of the displaced have no way out: where these need more of a resource
than survivors leave there, somebody finds no place, whatever the rules. A *packing* cut counts slots: everybody at
least as large as a shape needs one on a single host. Both are reckoned in integers, and proofs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zonewright.models.tree import Node
from zonewright.models.world import Unit
from zonewright.solver.profiles import Reach
from zonewright.solver.survival.result import Binding
from zonewright.solver.survival.standing import Loss, Standing

#: Zones up to which every set of them is looked at; of more, single ones, those of a region, and all.
MOST_ZONES = 8
#: Cuts that are named per loss.
MOST_NAMED = 3
#: The name of the number of instances among resources.
INSTANCES = "instances"

Wanted = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True)
class Cutting:
    """The parts of a loss that cuts are made of."""

    standing: Standing
    loss: Loss
    wanted: Wanted
    reach: Reach
    on_offer: bool
    spare: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Group to how many more may be in each zone, where rules limit that: cuts then hold under these rules."""

    def bindings(self) -> list[Binding]:
        """Return what is short for certain, the worst first."""
        found = [*self._closed(), *self._short()]
        if not found and not self.spare and len(self.standing.world.tree.sites) > len(self._zones()):
            found += self._slots()
        found.sort(key=lambda cut: -cut.short / max(1, cut.used or 1))
        return found[:MOST_NAMED]

    # Who may go where.

    def _zones(self) -> list[int]:
        """Return the zones, or what stands for them, with sites that are left."""
        world = self.standing.world
        return sorted({world.zone_of(site) for site in world.tree.sites if site not in self.loss.gone})

    def open_zones(self, unit: Unit) -> frozenset[int]:
        """Return the zones with a site that a unit may enter after the loss."""
        profile = self.reach.profiles[self.reach.of_unit[unit.index]]
        world = self.standing.world
        return frozenset(
            world.zone_of(site)
            for site, may in zip(self.reach.sites, profile.enter.tolist(), strict=True)
            if may and site not in self.loss.gone
        )

    def _closed(self) -> Iterable[Binding]:
        """Yield who may enter nothing that is left."""
        units = self.standing.world.units
        shut: dict[str, int] = {}
        for u, sites in self.wanted.items():
            if not self.open_zones(units[u]):
                why = self.why_closed(units[u])
                shut[why] = shut.get(why, 0) + sum(sites.values())
        for why, count in shut.items():
            yield Binding(
                "", why, count, 0, count, f"{count:,} may enter nothing that is left ({why})", proven=True
            )

    def why_closed(self, unit: Unit) -> str:
        """Return the labels of the rules that close what is left to a unit."""
        profile = self.reach.profiles[self.reach.of_unit[unit.index]]
        left = [s for s, site in enumerate(self.reach.sites) if site not in self.loss.gone]
        labels = [label for _, label, enter, _ in profile.blocks if enter[left].any()]
        return ", ".join(dict.fromkeys(labels)) or "nothing is left"

    # Sums.

    def _short(self) -> Iterable[Binding]:
        """Yield the sets of zones in which too much of a resource is wanted."""
        demand = self._demand()
        confined = self._confined()
        asked = [*demand.values(), *(least for _, least, _ in confined)]
        free = self._free(dict.fromkeys(name for needs in asked for name in needs))
        best: dict[str, Binding] = {}
        for zones in self._sets(demand):
            needs: dict[str, int] = {}
            for open_zones, own in demand.items():
                if open_zones <= zones:
                    for name, amount in own.items():
                        needs[name] = needs.get(name, 0) + amount
            for count, least, more in confined:
                inside = count - sum(n for zone, n in more.items() if zone not in zones)
                for name, amount in least.items() if inside > 0 else ():
                    needs[name] = needs.get(name, 0) + inside * amount
            for name, amount in needs.items():
                room = self._room(zones, name, free)
                if room is not None and amount > room:
                    cut = self._cut(zones, name, amount, room)
                    known = best.get(name)
                    if known is None or cut.short > known.short:
                        best[name] = cut
        yield from best.values()

    def _demand(self) -> dict[frozenset[int], dict[str, int]]:
        """Return what the displaced ask for, by the zones that they may enter."""
        units = self.standing.world.units
        opened: dict[int, frozenset[int]] = {}
        found: dict[frozenset[int], dict[str, int]] = {}
        for u, sites in self.wanted.items():
            unit, count = units[u], sum(sites.values())
            if unit.group in self.spare:
                continue
            profile = self.reach.of_unit[u]
            if profile not in opened:
                opened[profile] = self.open_zones(unit)
            if not opened[profile]:
                continue
            own = found.setdefault(opened[profile], {})
            for name, amount in _asks(unit).items():
                own[name] = own.get(name, 0) + count * amount
        return found

    def _confined(self) -> list[tuple[int, dict[str, int], dict[int, int]]]:
        """Return, per group that rules confine, how many come back, what each asks, and how many may go where."""
        units = self.standing.world.units
        counts: dict[str, int] = {}
        least: dict[str, dict[str, int]] = {}
        opened: dict[str, set[int]] = {}
        for u, sites in self.wanted.items():
            group = units[u].group
            if group not in self.spare:
                continue
            counts[group] = counts.get(group, 0) + sum(sites.values())
            asks = _asks(units[u])
            known = least.get(group, asks)
            least[group] = {name: min(amount, asks.get(name, 0)) for name, amount in known.items()}
            opened.setdefault(group, set()).update(self.open_zones(units[u]))
        return [
            (count, least[group], {zone: n for zone, n in self.spare[group].items() if zone in opened[group]})
            for group, count in counts.items()
        ]

    def _sets(self, demand: Mapping[frozenset[int], object]) -> Iterable[frozenset[int]]:
        zones = self._zones()
        if len(zones) <= MOST_ZONES:
            for size in range(1, len(zones) + 1):
                yield from map(frozenset, itertools.combinations(zones, size))
            return
        yield from dict.fromkeys([*demand, *(frozenset({zone}) for zone in zones), frozenset(zones)])

    def _free(self, names: Iterable[str]) -> dict[str, list[int | None]]:
        """Return per resource what survivors leave in every domain's branch; None where nothing limits it."""
        tree = self.standing.world.tree
        found: dict[str, list[int | None]] = {}
        used = self._used(names)
        for name in names:
            left: list[int | None] = [None] * len(tree.nodes)
            below: list[int | None] = [0] * len(tree.nodes)
            for node in reversed(tree.nodes):
                if tree.children[node.index]:
                    room = below[node.index]
                elif node.index in self.loss.gone or not tree.sites_under[node.index]:
                    room = 0
                else:
                    room = None
                stated = _usable(node, name, self.on_offer)
                if stated is not None:
                    own = max(0, stated - used[name].get(node.index, 0))
                    room = own if room is None else min(room, own)
                left[node.index] = room
                if node.parent is not None:
                    above = below[node.parent]
                    below[node.parent] = None if above is None or room is None else above + room
            found[name] = left
        return found

    def _used(self, names: Iterable[str]) -> dict[str, dict[int, int]]:
        """Return what survivors use of resources, by domain."""
        tree, units = self.standing.world.tree, self.standing.world.units
        found: dict[str, dict[int, int]] = {name: {} for name in names}
        for site, here in self.standing.at_s.items():
            if site in self.loss.gone:
                continue
            total: dict[str, int] = {}
            for u, count in here.items():
                for name, amount in _asks(units[u]).items():
                    if name in found:
                        total[name] = total.get(name, 0) + count * amount
            for node in tree.nodes[site].ancestors:
                for name, amount in total.items():
                    found[name][node] = found[name].get(node, 0) + amount
        return found

    def _room(self, zones: frozenset[int], name: str, free: dict[str, list[int | None]]) -> int | None:
        """Return what is left of a resource in some zones, by their own limits and those above them."""
        tree = self.standing.world.tree
        total: int | None = 0
        for zone in zones:
            own = free[name][zone]
            total = None if total is None or own is None else total + own
        above = {a for zone in zones for a in tree.nodes[zone].ancestors if a != zone}
        for node in above:
            inside = {zone for zone in zones if node in tree.nodes[zone].ancestors}
            limit = free[name][node]
            if inside == set(zones) and limit is not None:
                total = limit if total is None else min(total, limit)
        return total

    def _cut(self, zones: frozenset[int], name: str, needs: int, room: int) -> Binding:
        tree = self.standing.world.tree
        where = "+".join(tree.nodes[zone].id for zone in sorted(zones))
        per, _ = unit_words(name)
        free = f"{room / per:,.6g}" if room % per else f"{room // per:,}"
        text = f"{amount_words(name, needs)} would have to fit in {where}, {free} are free"
        text += ", if all groups are to be as even as asked" if self.spare else ""
        return Binding(where, name, needs, room, needs - room, text, proven=True)

    # Slots.

    def _slots(self) -> Iterable[Binding]:
        """Yield the shape for which single hosts have too few slots, where there is one."""
        world = self.standing.world
        resources = world.resources
        shapes: dict[tuple[int, ...], int] = {}
        for u, sites in self.wanted.items():
            shape = tuple(world.units[u].demand.get(name, 0) for name in resources)
            shapes[shape] = shapes.get(shape, 0) + sum(sites.values())
        free = {name: self._free([name])[name] for name in resources}
        opened = self._open_sites()
        worst: Binding | None = None
        for shape in shapes:
            wanted = sum(
                n for other, n in shapes.items() if all(a >= b for a, b in zip(other, shape, strict=True))
            )
            room = 0
            for site in opened:
                slots = [
                    left // amount
                    for name, amount in zip(resources, shape, strict=True)
                    if amount and (left := free[name][site]) is not None
                ]
                room += min(slots, default=wanted)
                if room >= wanted:
                    break
            if room < wanted and (worst is None or wanted - room > worst.short):
                worst = self._too_few(shape, resources, wanted, room, free, opened)
        if worst is not None:
            yield worst

    def _open_sites(self) -> list[int]:
        """Return the sites that are left and that some of the displaced may enter."""
        profiles = {self.reach.of_unit[u] for u in self.wanted}
        return [
            site
            for s, site in enumerate(self.reach.sites)
            if site not in self.loss.gone and any(self.reach.profiles[f].enter[s] for f in profiles)
        ]

    def _too_few(
        self,
        shape: tuple[int, ...],
        resources: tuple[str, ...],
        wanted: int,
        room: int,
        free: Mapping[str, list[int | None]],
        opened: list[int],
    ) -> Binding:
        asked = [(name, amount) for name, amount in zip(resources, shape, strict=True) if amount]
        size = " and ".join(amount_words(name, amount) for name, amount in asked)
        sums = [
            (name, sum(left for site in opened if (left := free[name][site]) is not None)) for name, _ in asked
        ]
        although = " and ".join(amount_words(name, left) for name, left in sums)
        text = (
            f"packing: single hosts have room for {room:,} of {size}, {wanted:,} at least as large need it,"
            f" although {although} are free in sum"
        )
        return Binding("", "packing", wanted, room, wanted - room, text, proven=True)


def _asks(unit: Unit) -> dict[str, int]:
    """Return what one instance takes of whatever a domain can limit."""
    own = {**unit.demand, INSTANCES: 1}
    if unit.flavour is not None:
        own[unit.flavour.id] = 1
    return own


def _usable(node: Node, name: str, on_offer: bool) -> int | None:
    if name == INSTANCES:
        return node.domain.most_instances
    if name in node.domain.flavours:
        return node.usable_flavour(name, firm=not on_offer)
    return node.usable(name, firm=not on_offer)


_UNITS = {
    "cpu_milli": (1000, "CPU cores"),
    "memory_mib": (1024, "GiB of memory"),
    "disk_gib": (1, "GiB of disk"),
    "gpu_milli": (1000, "GPUs"),
}


def unit_words(name: str) -> tuple[int, str]:
    """Return how many of a resource's own units make one that people count in, and what they call that."""
    return _UNITS.get(name, (1, name))


def amount_words(name: str, amount: int) -> str:
    """Return an amount of a resource as people say it."""
    per, unit = unit_words(name)
    number = f"{amount // per:,}" if amount % per == 0 else f"{amount / per:,.6g}"
    return f"{number} {unit}" if name in _UNITS or name == INSTANCES else f"{number} of {name}"
