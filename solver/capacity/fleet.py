"""Large fleets: an estate lowered to the arrays of `solver.sizing`, and its answer written as a plan.

What the arrays cannot say is left out, which makes the problem easier: its bounds hold for the estate. The answer
is judged by `models`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zonewright.models.plan import Plan, Status
from zonewright.models.purchases import with_purchases
from zonewright.models.quantities import as_fraction
from zonewright.models.rules import AntiAffinity, Load, Spread, Survive, all_rules
from zonewright.models.rules.limits import Quota
from zonewright.models.tree import Node
from zonewright.models.world import World
from zonewright.solver.assumptions import assumptions_of, delegated
from zonewright.solver.capacity.candidates import Candidate, with_hosts
from zonewright.solver.capacity.exact import Found, cells
from zonewright.solver.capacity.job import Job
from zonewright.solver.classes import Class, make_classes
from zonewright.solver.context import Context
from zonewright.solver.decode import (
    Moved,
    Sites,
    placements,
    scenario_entries,
    share_arrivals,
    share_out,
    unplaced,
)
from zonewright.solver.families.base import Stages
from zonewright.solver.kernels import cache
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.lowering.sums import quota_use
from zonewright.solver.lowering.survive import can_recover, evacuation_layers, limits_by_survival, signature
from zonewright.solver.place import judged
from zonewright.solver.profiles import Reach
from zonewright.solver.sizing.problem import BASE, MOST, AreaLimit, Placed, Sized, SizingProblem

#: Below so many cells the program that knows every rule is no trouble.
LEAST_CELLS = 6_000
#: A rule that asks something of every choice of zones is left out beyond so many choices.
MOST_CHOICES = 200


def suits(world: World, entries: Sequence[Candidate]) -> bool:
    """Return whether the arrays can say what is most of an estate: hosts, bought hosts, losses of zones."""
    tree = world.tree
    hosts = all(tree.nodes[s].level == "host" for s in tree.sites)
    if not hosts or any(e.offer.host is None for e in entries) or world.estate.tolerated:
        return False
    if world.vpcs or world.subnets or world.balancers:
        return False
    for _, rule in all_rules(world):
        if isinstance(rule, Survive) and rule.mode == "evacuate" and rule.level != "zone":
            return False
    grown = len(tree.sites) + sum(min(e.most, 50) for e in entries)
    return cells(world) // max(1, len(tree.sites)) * grown > LEAST_CELLS


@dataclass
class Fleet:
    """A sizing problem, and what its numbers stand for."""

    world: World
    """With one host of every entry, the last ones."""
    entries: list[Candidate]
    classes: list[Class]
    hosts: list[int]
    """Host number to node, existing ones."""
    zones: list[int]
    """Area number to node."""
    scenes: list[tuple[str, tuple[int, ...]]]
    """Scenario number to the signature of its rules and the zones lost."""
    problem: SizingProblem
    left_out: list[str] = field(default_factory=list)
    """Labels of rules that the arrays do not say."""


def solve_fleet(world: World, entries: Sequence[Candidate], job: Job) -> Found | None:
    """Return the cheapest purchases for a large fleet, None where the answer breaks what the arrays do not say."""
    if not cache.ready(cache.SIZING, job.deadline):
        return Found("open")
    from zonewright.solver.sizing.size import size

    fleet = lower_fleet(world, entries, may_move=job.may_move)
    if fleet is None:
        return None
    if fleet.left_out:
        job.say(f"left to the judge: {', '.join(fleet.left_out[:5])}")
    answer = size(
        fleet.problem, job.deadline, workers=job.workers, seed=job.seed, news=None if job.muted else job.listener
    )
    found = Found("open", bound=answer.bound, engine="patterns and packing", witness=[_witness(answer, fleet)])
    if answer.status == "INFEASIBLE":
        return Found("infeasible", engine=found.engine, witness=found.witness)
    if answer.status == "UNKNOWN":
        return found
    for k, units in enumerate(answer.bought_o.tolist()):
        if units:
            found.units[fleet.entries[k].key] = units
    found.cost = answer.cost
    try:
        found.plan = _plan(world, fleet, answer, job)
    except ArithmeticError as error:
        job.say(f"the packing breaks what was left to the judge: {error}")
        return _with_all_rules(world, fleet, found, job)
    found.status = "optimal" if found.cost <= found.bound else "feasible"
    return found


def _with_all_rules(world: World, fleet: Fleet, found: Found, job: Job) -> Found:
    """Return the purchases with a placement under every rule, more bought where they do not suffice."""
    from zonewright.solver.capacity.size import held
    from zonewright.solver.place import place

    units = dict(found.units)
    entries = {entry.key: entry for entry in fleet.entries}
    for turn in range(MOST_TURNS):
        bought = [entries[key].purchase(count) for key, count in units.items()]
        after = World(with_purchases(world, bought))
        result = place(
            World(held(after.estate, job)),
            time_limit_s=max(1.0, job.deadline.left / 2),
            workers=job.workers,
            seed=job.seed,
            stop=job.deadline.stop,
        )
        if result.plan is not None and result.status in (Status.OPTIMAL, Status.FEASIBLE):
            plan = result.plan.model_copy(update={"estate_fingerprint": after.estate.fingerprint, "bounds": []})
            cost = sum(entries[key].price * count for key, count in units.items())
            status = "optimal" if cost <= found.bound else "feasible"
            return Found(status, units, cost, found.bound, judged(after, plan, []), found.witness, found.engine)
        if job.deadline.over or not _more(units, fleet.entries, turn):
            break
    return Found("open", bound=found.bound, witness=found.witness, engine=found.engine)


#: How often more is bought before an answer under every rule is given up.
MOST_TURNS = 12


def _more(units: dict[tuple[str, str | None], int], entries: Sequence[Candidate], turn: int) -> bool:
    """Buy more, a lot of the cheapest offer in every zone, twice as many each time; return whether any is left."""
    cheapest: dict[str | None, Candidate] = {}
    for entry in entries:
        if units.get(entry.key, 0) + entry.offer.lot <= entry.most:
            known = cheapest.get(entry.zone)
            if known is None or entry.price < known.price:
                cheapest[entry.zone] = entry
    for entry in cheapest.values():
        lots = min(2**turn, (entry.most - units.get(entry.key, 0)) // entry.offer.lot)
        units[entry.key] = units.get(entry.key, 0) + lots * entry.offer.lot
    return bool(cheapest)


def lower_fleet(world: World, entries: Sequence[Candidate], *, may_move: bool) -> Fleet | None:
    """Lower an estate; None where who runs may not stay, or may move: the arrays hold everybody where he is."""
    if may_move:
        return None
    full, named = with_hosts(world, [_single(entry) for entry in entries], 1)
    return _Lowering(full, list(entries), named).fleet()


def _single(entry: Candidate) -> Candidate:
    from dataclasses import replace

    from zonewright.models.offers import Offer

    offer: Offer = entry.offer.model_copy(update={"lot": 1})
    return replace(entry, offer=offer, most=1)


class _Lowering:
    def __init__(self, full: World, entries: list[Candidate], named: list[Candidate]) -> None:
        self.world, self.entries = full, entries
        tree = full.tree
        self.reach = Reach(full)
        nowhere = Context(full, self.reach, [], [], Stages([]), False, pooled=False)
        self.rules = [(label, rule) for label, rule in all_rules(full) if rule.soft is None]
        for label, rule in self.rules:
            LOWERINGS[rule.rule](nowhere, rule, label, None)
        self.classes = make_classes(full, self.reach)
        self.offered = [tree.by_id[entry.hosts[0]] for entry in named]
        bought = set(self.offered)
        self.hosts = [s for s in tree.sites if s not in bought]
        self.zones = sorted({full.zone_of(s) for s in tree.sites})
        self.area = {zone: a for a, zone in enumerate(self.zones)}
        self.groups = sorted({c.group for c in self.classes if c.group is not None})
        self.group_number = {name: g for g, name in enumerate(self.groups)}
        self.scenes = [(name, lost) for name, lost, _ in evacuation_layers(full)]
        self.limits: list[AreaLimit] = []
        self.left_out: list[str] = []
        self.per_host = np.full(len(self.groups), -1, np.int64)

    def fleet(self) -> Fleet | None:
        running = self._running()
        if running is None:
            return None
        self._rules()
        masks, mask_c = self._masks()
        capacity_sr, demand_cr = self._resources()
        host_s = {site: s for s, site in enumerate([*self.hosts, *self.offered])}
        rows_h = [host_s[h] for h in self.hosts]
        rows_o = [host_s[o] for o in self.offered]
        lost_sa = np.array([[zone in lost for zone in self.zones] for _, lost in self.scenes], bool).reshape(
            len(self.scenes), len(self.zones)
        )
        problem = SizingProblem(
            capacity_hr=capacity_sr[rows_h],
            area_h=self._areas(self.hosts),
            capacity_or=capacity_sr[rows_o],
            area_o=self._areas(self.offered),
            price_o=np.array([e.price for e in self.entries], np.int64),
            most_o=np.array([e.most for e in self.entries], np.int64),
            lot_o=np.array([e.offer.lot for e in self.entries], np.int64),
            demand_cr=demand_cr,
            count_c=np.array([c.count for c in self.classes], np.int64),
            group_c=np.array([self._group(c) for c in self.classes], np.int64),
            per_host_g=self.per_host,
            mask_c=mask_c,
            enter_mh=masks[:, rows_h],
            enter_mo=masks[:, rows_o],
            at_class_n=np.array([c for c, _, _ in running], np.int64),
            at_host_n=np.array([h for _, h, _ in running], np.int64),
            at_count_n=np.array([n for _, _, n in running], np.int64),
            lost_sa=lost_sa,
            evacuated_sc=self._evacuated(),
            limits=tuple(self.limits),
        )
        return Fleet(
            self.world, self.entries, self.classes, self.hosts, self.zones, self.scenes, problem, self.left_out
        )

    def _group(self, cls: Class) -> int:
        return self.group_number[cls.group] if cls.group is not None else -1

    def _areas(self, sites: Sequence[int]) -> Any:
        return np.array([self.area[self.world.zone_of(s)] for s in sites], np.int64)

    def _running(self) -> list[tuple[int, int, int]] | None:
        """Return (class, host, count) of who runs and stays; None where somebody may not stay."""
        number = {site: h for h, site in enumerate(self.hosts)}
        found: list[tuple[int, int, int]] = []
        for cls in self.classes:
            stay = self.reach.profiles[self.reach.of_unit[cls.unit.index]].stay
            for site, count in cls.current.items():
                if site not in number:
                    return None
                if stay[self.reach.position[site]] and count:
                    found.append((cls.index, number[site], count))
        return found

    def _masks(self) -> tuple[Any, Any]:
        """Return where each kind of class may newly be put, by site in order of existing and offered hosts."""
        order = [self.reach.position[s] for s in (*self.hosts, *self.offered)]
        numbers: dict[bytes, int] = {}
        rows: list[Any] = []
        mask_c = np.zeros(len(self.classes), np.int64)
        for cls in self.classes:
            row = self.reach.profiles[self.reach.of_unit[cls.unit.index]].enter[order]
            key = row.tobytes()
            if key not in numbers:
                numbers[key] = len(rows)
                rows.append(row)
            mask_c[cls.index] = numbers[key]
        return np.array(rows, bool).reshape(len(rows), len(order)), mask_c

    def _resources(self) -> tuple[Any, Any]:
        """Return capacities by site and demands by class: resources, then stock by flavour, then instances."""
        tree = self.world.tree
        nodes = [tree.nodes[s] for s in (*self.hosts, *self.offered)]
        for node in tree.nodes:
            domain = node.domain
            if node.index not in self.reach.position and (
                domain.capacity or domain.flavours or domain.most_instances is not None
            ):
                self.left_out.append(f"capacity of {node.id}")
        firm = bool(self.scenes)
        columns: list[tuple[list[int | None], list[int]]] = []
        for resource in self.world.resources:
            limits = [self._limit(node, resource, firm=firm) for node in nodes]
            columns.append((limits, [c.unit.demand.get(resource, 0) for c in self.classes]))
        for flavour in sorted({f for node in nodes for f in node.domain.flavours}):
            stock = [node.usable_flavour(flavour) for node in nodes]
            sold = [int(c.unit.flavour is not None and c.unit.flavour.id == flavour) for c in self.classes]
            columns.append((stock, sold))
        if any(node.domain.most_instances is not None for node in nodes):
            columns.append(([node.domain.most_instances for node in nodes], [1] * len(self.classes)))
        if not columns:
            columns.append(([None] * len(nodes), [0] * len(self.classes)))
        counts = [c.count for c in self.classes]
        capacity = np.zeros((len(nodes), len(columns)), np.int64)
        demand = np.zeros((len(self.classes), len(columns)), np.int64)
        for r, (limits, each) in enumerate(columns):
            everything = sum(n * d for n, d in zip(counts, each, strict=True))
            # What has no limit holds everybody.
            capacity[:, r] = [everything if limit is None else min(limit, max(1, everything)) for limit in limits]
            demand[:, r] = each
        return capacity, demand

    def _limit(self, node: Node, resource: str, *, firm: bool) -> int | None:
        """Return what a host holds of a resource, rules on its load included."""
        limit = node.usable(resource)
        if limit is None:
            return None
        if firm and node.usable(resource, firm=True) != limit and "on_offer" not in self.left_out:
            self.left_out.append("on_offer")
        for _, rule in self.rules:
            if isinstance(rule, Load) and rule.level == node.level:
                wanted = rule.limit(node, resource)
                limit = limit if wanted is None else min(limit, wanted)
        return limit

    def _evacuated(self) -> Any:
        """Return which classes are placed again in which scenario."""
        flags = np.zeros((len(self.scenes), len(self.classes)), bool)
        for s, (name, lost) in enumerate(self.scenes):
            wanted = self._evacuees(name)
            for cls in self.classes:
                if cls.unit.group in wanted:
                    flags[s, cls.index] = can_recover(self.world, cls.unit, "zone", lost)
                    if not flags[s, cls.index] and "recovery" not in self.left_out:
                        self.left_out.append("recovery")
        return flags

    def _evacuees(self, name: str) -> set[str]:
        found: set[str] = set()
        for _, rule in self.rules:
            if isinstance(rule, Survive) and rule.mode == "evacuate" and signature(rule) == name:
                found.update(rule.selected(self.world))
        return found

    def _rules(self) -> None:
        """Say the user's rules by limits per host and per area, as far as that goes."""
        said: dict[str, Callable[[str, Any], bool]] = {
            "anti_affinity": self._apart,
            "spread": self._spread,
            "survive": self._survive,
            "quota": self._quota,
            "load": self._load,
        }
        reach = {"domains", "residency", "pin", "move_limit", "avoid", "keep_running"}
        for label, rule in self.rules:
            if rule.implicit or rule.rule in reach:
                continue
            if rule.rule not in said or not said[rule.rule](label, rule):
                self.left_out.append(label)

    def _load(self, label: str, rule: Load) -> bool:
        return rule.level == "host"

    def _members(self, group: str) -> Any:
        return np.array([c.index for c in self.classes if c.group == group], np.int64)

    def _layers(self, group: str) -> Iterator[int]:
        """Yield the layers in which all of a group is placed."""
        yield BASE
        for s, (name, _) in enumerate(self.scenes):
            if group in self._evacuees(name):
                yield s

    def _alive(self, layer: int) -> list[int]:
        """Return the numbers of the areas that are not lost in a layer."""
        lost = self.scenes[layer][1] if layer != BASE else ()
        return [a for a, zone in enumerate(self.zones) if zone not in lost]

    def _limit_areas(
        self, classes: Any, weights: Mapping[int, int], layer: int, low: int = -MOST, high: int = MOST
    ) -> None:
        weight_a = np.zeros(len(self.zones), np.int64)
        for a, weight in weights.items():
            weight_a[a] = weight
        self.limits.append(AreaLimit(classes, weight_a, low, high, layer))

    def _apart(self, label: str, rule: AntiAffinity) -> bool:
        if rule.delegate:
            return True
        if rule.level == "host":
            for group in rule.selected(self.world):
                self._at_most(group, rule.at_most)
            return True
        if rule.level != "zone":
            return False
        for group in rule.selected(self.world):
            for layer in (BASE, *range(len(self.scenes))):
                for a in self._alive(layer):
                    self._limit_areas(self._members(group), {a: 1}, layer, high=rule.at_most)
        return True

    def _at_most(self, group: str, most: int) -> None:
        if group in self.group_number:
            g = self.group_number[group]
            self.per_host[g] = most if self.per_host[g] < 0 else min(int(self.per_host[g]), most)

    def _spread(self, label: str, rule: Spread) -> bool:
        if rule.level != "zone":
            return False
        said = rule.domain_limit is None
        for group in rule.selected(self.world):
            count = self.world.groups[group].count
            if count:
                said &= self._spread_group(rule, group, count)
        return said

    def _spread_group(self, rule: Spread, group: str, count: int) -> bool:
        members, areas = self._members(group), range(len(self.zones))
        counted = rule.least_each is not None or rule.skew_limit is not None
        if counted and any(self._enters(group, a) != self._enters(group, a, bought=True) for a in areas):
            return False  # Whether the area counts depends on what is bought there.
        if rule.least_domains is not None and rule.least_domains > 1:
            choices = list(itertools.islice(itertools.combinations(areas, rule.least_domains - 1), MOST_CHOICES))
            if len(choices) == MOST_CHOICES:
                return False
            for some in choices:
                self._limit_areas(members, dict.fromkeys(some, 1), BASE, high=count - 1)
        for layer in self._layers(group):
            alive = [a for a in self._alive(layer) if self._enters(group, a)]
            if rule.largest_share is not None:
                high = int(-(-as_fraction(rule.largest_share) * count // 1))
                for a in self._alive(layer):
                    self._limit_areas(members, {a: 1}, layer, high=high)
            if rule.least_each is not None:
                for a in alive:
                    self._limit_areas(members, {a: 1}, layer, low=rule.least_each)
            if rule.skew_limit is not None:
                for a, b in itertools.permutations(alive, 2):
                    self._limit_areas(members, {a: 1, b: -1}, layer, high=rule.skew_limit)
        return True

    def _enters(self, group: str, area: int, *, bought: bool = False) -> bool:
        """Return whether an instance of a group may newly be put in an area, with hosts bought there or not."""
        left_out = set() if bought else set(self.offered)
        for cls in self.classes:
            if cls.group == group:
                enter = self.reach.profiles[self.reach.of_unit[cls.unit.index]].enter
                for site in self.world.tree.sites_under[self.zones[area]]:
                    if site not in left_out and enter[self.reach.position[site]]:
                        return True
        return False

    def _survive(self, label: str, rule: Survive) -> bool:
        if rule.mode == "evacuate":
            return not rule.on_offer
        if rule.level == "host":
            found = limits_by_survival(self.world, rule)
            for group, most in found.items():
                self._at_most(group, max(0, most))
            return bool(found)
        if rule.level != "zone":
            return False
        for lost in rule.scenarios(self.world):
            kept = {a: 1 for a, zone in enumerate(self.zones) if zone not in lost}
            for group in rule.selected(self.world):
                count = self.world.groups[group].count
                if count:
                    low = rule.needed(self.world, group, count)
                    self._limit_areas(self._members(group), kept, BASE, low=low)
        return True

    def _quota(self, label: str, rule: Quota) -> bool:
        selected = set(rule.selected(self.world))
        uses = {c.index: quota_use(rule, c.unit) for c in self.classes if c.unit.group in selected}
        uses = {c: use for c, use in uses.items() if use}
        inside = set(self.world.tree.sites_under[self.world.tree.by_id[rule.domain]]) if rule.domain else None
        if len(set(uses.values())) > 1:
            return False
        weights: dict[int, int] = {}
        for a, zone in enumerate(self.zones):
            sites = set(self.world.tree.sites_under[zone])
            if inside is None or sites <= inside:
                weights[a] = 1
            elif sites & inside:
                return False
        for use in set(uses.values()):
            for layer in (BASE, *range(len(self.scenes))):
                alive = {a: 1 for a in self._alive(layer) if a in weights}
                self._limit_areas(np.array(sorted(uses), np.int64), alive, layer, high=rule.most // use)
        return True


def _plan(world: World, fleet: Fleet, answer: Sized, job: Job) -> Plan:
    """Return the plan of an answer in the estate with its purchases, judged there."""
    bought = [e.purchase(int(n)) for e, n in zip(fleet.entries, answer.bought_o, strict=True) if n]
    after = World(with_purchases(world, bought))
    reach = Reach(after)
    nowhere = Context(after, reach, [], [], Stages([]), False, pooled=False)
    for label, rule in all_rules(after):
        if rule.soft is None:
            LOWERINGS[rule.rule](nowhere, rule, label, None)
    classes = make_classes(after, reach)
    nodes = _nodes(world, after, fleet, answer)
    sites: Sites = {}
    for cls, counts in zip(classes, _by_class(answer.place, nodes, len(classes)), strict=True):
        sites.update(share_out(cls, counts))
    moved: Moved = {}
    old = fleet.world.tree.nodes
    for (name, lost), arrivals in zip(fleet.scenes, answer.arrivals_s, strict=True):
        scenario = tuple(sorted(after.tree.by_id[old[zone].id] for zone in lost))
        gone = frozenset(s for zone in scenario for s in after.tree.sites_under[zone])
        goes: Sites = {}
        for cls, counts in zip(classes, _by_class(arrivals, nodes, len(classes)), strict=True):
            if counts:
                goes.update(share_arrivals(cls, counts, sites, gone))
        moved[name, scenario] = goes
    plan = Plan(
        plan=after.estate.estate,
        estate_fingerprint=after.estate.fingerprint,
        status=Status.FEASIBLE,
        placements=placements(after, sites, None),
        unplaced=unplaced(after, sites),
        scenarios=scenario_entries(after, moved, [None] * len(moved)),
        assumptions=assumptions_of(after, sites),
        not_proven=delegated(after),
        engine="patterns and packing",
        seed=job.seed,
    )
    return judged(after, plan, [])


def _nodes(world: World, after: World, fleet: Fleet, answer: Sized) -> list[int]:
    """Return host number to node of the estate with its purchases, existing hosts first."""
    from zonewright.models.purchases import host_name, next_number

    names = [fleet.world.tree.nodes[h].id for h in fleet.hosts]
    so_far: dict[int, int] = {}
    for o in answer.new_offer_n.tolist():
        entry = fleet.entries[o]
        zone = entry.zone or ""
        first = next_number(world, entry.offer.id, zone)
        names.append(host_name(entry.offer.id, zone, first + so_far.get(o, 0)))
        so_far[o] = so_far.get(o, 0) + 1
    return [after.tree.by_id[name] for name in names]


def _by_class(placed: Placed, nodes: list[int], classes: int) -> list[dict[int, int]]:
    found: list[dict[int, int]] = [{} for _ in range(classes)]
    entries = zip(placed.class_n.tolist(), placed.host_n.tolist(), placed.count_n.tolist(), strict=True)
    for c, h, count in entries:
        if count:
            found[c][nodes[h]] = found[c].get(nodes[h], 0) + count
    return found


def _witness(answer: Sized, fleet: Fleet) -> dict[str, Any]:
    most = [[*entry.key, entry.most] for entry in fleet.entries]
    return {"kind": "fleet", "bound": answer.bound, "most": most, "data": answer.witness}


def fleet_confirmed(
    world: World, entries: Sequence[Candidate], witness: Mapping[str, Any], job: Job
) -> tuple[bool, str]:
    """Evaluate a witness again, from the estate alone: whether it holds, and how that was seen."""
    from zonewright.solver.sizing.witness import verify

    try:
        bound, data = int(witness["bound"]), dict(witness["data"])
    except (KeyError, TypeError, ValueError):
        return False, "the witness is damaged"
    fleet = lower_fleet(world, entries, may_move=job.may_move)
    if fleet is None:
        return False, "the estate cannot be written as arrays"
    proven = verify(fleet.problem, data)
    return proven >= bound, f"the prices prove {proven}"


__all__ = ["Fleet", "fleet_confirmed", "lower_fleet", "solve_fleet", "suits"]
