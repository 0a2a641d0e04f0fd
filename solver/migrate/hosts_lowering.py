"""An estate on hosts as a problem of relocation: who may be where, what fits, what keeps apart.

Every rule that is left out makes the problem easier, so that its bounds hold for the estate; whether an answer
holds there is for the judge to say. Axes as in the relocation core: c class, h host (position among the tree's
sites), r resource, d domain, n entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from zonewright.models.estate import URGENT
from zonewright.models.goals import move_weight
from zonewright.models.quantities import as_fraction
from zonewright.models.recipes import Tolerated
from zonewright.models.rules import (
    Affinity,
    AntiAffinity,
    Avoid,
    Load,
    Pin,
    Quota,
    Rule,
    Separation,
    Spread,
    all_rules,
)
from zonewright.models.rules.network import has_subnets
from zonewright.models.topology import State
from zonewright.models.view import View
from zonewright.models.world import Unit, World
from zonewright.solver.context import Context
from zonewright.solver.families.base import Stages
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.lowering.sums import quota_use
from zonewright.solver.profiles import Reach
from zonewright.solver.relocation.problem import (
    Apart,
    DomainCapacity,
    Flags,
    Ints,
    Limit,
    Relocation,
    Together,
)

#: Rules that are said elsewhere: as reach or capacity, or that no placement breaks.
_SAID = frozenset(
    {
        "capacity",
        "load",
        "pin",
        "pinned",
        "subnet",
        "zone_state",
        "entitlement",
        "compatibility",
        "service_availability",
        "scope",
        "domains",
        "residency",
        "keep_running",
    }
)


@dataclass(frozen=True)
class HostProblem:
    """A relocation, and what its classes and hosts stand for."""

    world: World
    relocation: Relocation
    units_c: tuple[tuple[int, ...], ...]
    """Units of each class: alike in all that the relocation looks at."""
    left_out: tuple[str, ...]
    """Labels of the rules that concern somebody and are not said, or not in full."""
    strict: bool
    """Urgent wishes are taken for hard rules: what is proven holds for plans that place all and grant them all."""
    moved_anyway: int
    """What leaves because it has to, as moves are weighed: the core takes it for what is to be placed."""
    preemptible: bool
    """Somebody may be stopped for others: then the core's count of what is stopped is not the estate's."""

    @property
    def goals(self) -> list[str]:
        """The names of the core's values, in its order."""
        return ["stopped", *(f"placed[{p}]" for p in self.relocation.priorities), "moves"]


def lower_hosts(
    world: World, placed: Mapping[str, int] | None = None, alone: Collection[str] = ()
) -> HostProblem | None:
    """Lower an estate whose first goals are that all is placed and that little moves.

    Urgent wishes, which come before moves, become hard. None where something has to be decided that hosts do not
    say: subnets, the zones of balancers, or another goal before moves. Raises InputError where sums are beyond
    what is exact.

    A share is of what is placed, and at most of the whole group. `placed` says of some groups how many will be: a
    smaller share then, and no relaxation any more. The groups in `alone` share no class with any other.
    """
    goals = world.estate.goals
    if "moves" not in goals or not set(goals[: goals.index("moves")]) <= {"placed", "urgent"}:
        return None
    if not world.units:
        return None
    if any(not balancer.zones for balancer in world.balancers.values()):
        return None
    view = View(world, [])
    if any(has_subnets(view, vpc) for vpc in {v for unit in world.units for v in unit.vpcs}):
        return None
    if _not_yet_running(world):
        return None
    return _Lowering(world, placed or {}, frozenset(alone)).problem()


def _not_yet_running(world: World) -> bool:
    """Return whether somebody is where nothing runs yet: leaving that is a move, but stops nobody."""
    closed = {
        product: {s for s in world.tree.sites if world.tree.state(s, product) is State.COMING_SOON}
        for product in {unit.product for unit in world.units}
    }
    return any(site in closed[unit.product] for unit in world.units for site in unit.current)


@dataclass
class _Column:
    """A sum that is no resource of its own: what each unit adds to it, and its limits."""

    amount_u: dict[int, int]
    domain_h: Ints
    most_d: Ints


@dataclass
class _Lowering:
    world: World
    placed: Mapping[str, int]
    alone: frozenset[str]
    left_out: dict[str, None] = field(default_factory=dict)
    limits: list[tuple[list[int], Ints, Ints]] = field(default_factory=list)
    """Units, domain of each host, most in each domain."""
    apart: list[tuple[list[int], list[int], Ints]] = field(default_factory=list)
    together: list[tuple[list[int], Ints]] = field(default_factory=list)
    columns: list[_Column] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tree = self.world.tree
        self.sites = self.tree.sites
        self.position = {site: h for h, site in enumerate(self.sites)}
        self.tolerated: dict[tuple[str, str | None], list[Tolerated]] = {}
        """Label and group to what is tolerated there."""
        self.rules: list[tuple[str, Rule]] = []
        """Rules that are hard, and urgent wishes as if they were."""
        self.strict = False
        for label, rule in all_rules(self.world):
            if rule.soft is None:
                self.rules.append((label, rule))
            elif rule.soft.priority >= URGENT and "urgent" in self.world.estate.goals:
                self.rules.append((label, rule.model_copy(update={"soft": None})))
                self.strict = True
        self.levels: dict[str, tuple[Ints, list[int]]] = {}
        self.marks: list[list[tuple[str, int]]] = [[] for _ in self.world.units]
        """Unit to the limits and the company rules that tell it apart from others."""
        self.alike: dict[tuple[int, int], Ints] = {}
        self.more: dict[str, dict[str | None, dict[str | None, int]]] = {}
        """Label to domain to what is limited there to how much more of it is tolerated."""
        for entry in self.world.estate.tolerated:
            self.tolerated.setdefault((entry.rule, entry.group), []).append(entry)
            if entry.group is None:
                of_domain = self.more.setdefault(entry.rule, {}).setdefault(entry.domain, {})
                of_domain[entry.what] = of_domain.get(entry.what, 0) + entry.amount

    def problem(self) -> HostProblem:
        mask_u, enter_mh, stay_mh = self._masks()
        for label, rule in self.rules:
            self._rule(label, rule)
        capacity_hr, domains = self._capacity()
        self._stocks()
        class_of, units_c = self._classes(mask_u)
        units = [self.world.units[members[0]] for members in units_c]
        demand_cr, capacity_hr, domains = self._with_columns(units_c, capacity_hr, domains)
        at, moved_anyway = self._running(class_of)
        relocation = Relocation(
            capacity_hr=capacity_hr,
            demand_cr=demand_cr,
            count_c=_ints(sum(self.world.units[u].count for u in members) for members in units_c),
            priority_c=_ints(unit.priority for unit in units),
            weight_c=_ints(move_weight(self.world, unit) for unit in units),
            at_class_n=_ints(c for c, _ in at),
            at_host_n=_ints(h for _, h in at),
            at_count_n=_ints(at.values()),
            enter_mh=enter_mh,
            stay_mh=stay_mh,
            mask_c=_ints(mask_u[members[0]] for members in units_c),
            limits=tuple(Limit(_classes(class_of, units), d, m) for units, d, m in self.limits),
            apart=tuple(Apart(_classes(class_of, a), _classes(class_of, b), d) for a, b, d in self.apart),
            together=tuple(Together(_classes(class_of, units), d) for units, d in self.together),
            domain_capacity=domains,
        )
        preemptible = any(unit.preemptible and unit.current for unit in self.world.units)
        left_out = tuple(self.left_out)
        return HostProblem(self.world, relocation, units_c, left_out, self.strict, moved_anyway, preemptible)

    # Reach

    def _masks(self) -> tuple[list[int], Flags, Flags]:
        """Return each unit's row of the masks, and the masks."""
        reach = Reach(self.world)
        context = Context(self.world, reach, [], [], Stages(()), partial=True, pooled=False)
        for label, rule in self.rules:
            LOWERINGS[rule.rule](context, rule, label, None)
        pins_u = self._pins()
        known: dict[tuple[bytes, bytes], int] = {}
        rows: list[tuple[Flags, Flags]] = []
        memo: dict[tuple[object, ...], int] = {}
        mask_u: list[int] = []
        for unit in self.world.units:
            pins = pins_u.get(unit.index, ())
            held = unit.pinned and self._held(unit, "pinned")
            key = (reach.of_unit[unit.index], held, pins)
            row = memo.get(key)
            if row is None:
                profile = reach.profiles[reach.of_unit[unit.index]]
                enter_h, stay_h = profile.enter.copy(), profile.stay.copy()
                if held:
                    enter_h[:] = False
                for node, stays in pins:
                    inside_h = self._inside(node) if node is not None else np.zeros(len(self.sites), bool)
                    enter_h &= inside_h
                    if node is not None and not stays:
                        stay_h &= inside_h
                content = (enter_h.tobytes(), stay_h.tobytes())
                row = known.setdefault(content, len(rows))
                if row == len(rows):
                    rows.append((enter_h, stay_h))
                memo[key] = row
            mask_u.append(row)
        return mask_u, np.array([enter for enter, _ in rows]), np.array([stay for _, stay in rows])

    def _pins(self) -> dict[int, tuple[tuple[int | None, bool], ...]]:
        """Return, per unit, (domain or None for where each is today, whether who is outside may stay there)."""
        found: dict[int, tuple[tuple[int | None, bool], ...]] = {}
        tolerated = {entry.rule for entry in self.world.estate.tolerated}
        for label, rule in self.rules:
            if not isinstance(rule, Pin):
                continue
            node = self.tree.by_id[rule.domain] if rule.domain is not None else None
            named = set(rule.instances)
            for group in rule.selected(self.world):
                for unit in self.world.units_of[group]:
                    if named and unit.name not in named:
                        continue
                    if node is None and not self._held(unit, label):
                        continue
                    entry = (node, label in tolerated)
                    found[unit.index] = (*found.get(unit.index, ()), entry)
        return found

    def _held(self, unit: Unit, label: str) -> bool:
        """Return whether a unit that is to stay where it is may enter nothing at all."""
        running = sum(unit.current.values())
        if 0 < running < unit.count:
            # Those of its instances that are new may be anywhere: one class cannot say both.
            self.left_out[label] = None
        return running == unit.count > 0

    def _inside(self, node: int) -> Flags:
        found = np.zeros(len(self.sites), bool)
        found[[self.position[site] for site in self.tree.sites_under[node]]] = True
        return found

    # Rules

    def _rule(self, label: str, rule: Rule) -> None:
        if isinstance(rule, AntiAffinity):
            self._anti_affinity(label, rule)
        elif isinstance(rule, Spread):
            self._spread(label, rule)
        elif isinstance(rule, Separation):
            self._separation(label, rule)
        elif isinstance(rule, Affinity):
            self._affinity(label, rule)
        elif isinstance(rule, Quota):
            self._quota(label, rule)
        elif isinstance(rule, Avoid):
            self._avoid(label, rule)
        elif rule.rule not in _SAID and self._concerns_somebody(rule):
            self.left_out[label] = None

    def _concerns_somebody(self, rule: Rule) -> bool:
        if rule.rule == "load_balancer":
            return any(b.least_per_zone or b.least_backends for b in self.world.balancers.values())
        if rule.rule == "network":
            return any(not service.public for service in self.world.estate.services)
        if rule.rule == "all_or_nothing":
            return any(g.all_or_nothing and g.count > 1 for g in self.world.groups.values())
        return True

    def _at(self, level: str) -> tuple[Ints, list[int]]:
        """Return the number of each host's domain of a level, -1 where it has none, and the domains' nodes."""
        found = self.levels.get(level)
        if found is None:
            nodes: dict[int, int] = {}
            number_h = []
            for site in self.sites:
                node = self.tree.at_level(site, level)
                number_h.append(-1 if node is None else nodes.setdefault(node, len(nodes)))
            found = self.levels[level] = (_ints(number_h), list(nodes))
        return found

    def _limit(self, label: str, group: str | None, units: list[int], level: str, most: int) -> None:
        """At most so many of these units in each domain of a level, or as many more as is tolerated."""
        domain_h, nodes = self._at(level)
        if not nodes:
            return
        entries = self.tolerated.get((label, group), ())
        if any(entry.domain is None and entry.what is None for entry in entries):
            self.left_out[label] = None
            return
        self._add_limit(units, domain_h, self._widened(most, nodes, entries))

    def _widened(self, most: int, nodes: list[int], entries: Iterable[Tolerated]) -> Ints:
        most_d = self._same(most, len(nodes))
        more: dict[str | None, int] = {}
        for entry in entries:
            if entry.what is None:
                more[entry.domain] = more.get(entry.domain, 0) + entry.amount
        if not more:
            return most_d
        return most_d + _ints(more.get(self.tree.nodes[node].id, 0) for node in nodes)

    def _same(self, most: int, domains: int) -> Ints:
        """Return one number for every domain; one array serves all limits that say the same."""
        found = self.alike.get((most, domains))
        if found is None:
            found = self.alike[most, domains] = np.broadcast_to(np.int64(most), domains)
        return found

    def _add_limit(self, units: list[int], domain_h: Ints, most_d: Ints) -> None:
        self._mark("limit", len(self.limits), units)
        self.limits.append((units, domain_h, most_d))

    def _units(self, groups: Iterable[str]) -> list[int]:
        return [unit.index for group in groups for unit in self.world.units_of[group] if unit.count]

    def _anti_affinity(self, label: str, rule: AntiAffinity) -> None:
        groups = self.world.groups
        for group in rule.selected(self.world):
            if groups[group].count > rule.at_most:
                self._limit(label, group, self._units([group]), rule.level, rule.at_most)

    def _spread(self, label: str, rule: Spread) -> None:
        if rule.skew_limit is not None or rule.least_domains is not None or rule.least_each is not None:
            self.left_out[label] = None
        for group in rule.selected(self.world):
            count = self.world.groups[group].count
            if rule.largest_share is not None:
                share = as_fraction(rule.largest_share)
                most = int(-(-share * min(count, self.placed.get(group, count)) // 1))
                if count > most:
                    self._limit(label, group, self._units([group]), rule.level, most)
            if rule.domain_limit == 1 and count > 1:
                self._together(label, group, [group], rule.level)
            elif rule.domain_limit is not None and rule.domain_limit < count:
                self.left_out[label] = None

    def _together(self, label: str, group: str, groups: list[str], level: str) -> None:
        domain_h, nodes = self._at(level)
        if (label, group) in self.tolerated or (nodes and domain_h.min() < 0):
            self.left_out[label] = None
            return
        if len(nodes) > 1:
            units = self._units(groups)
            self._mark("together", len(self.together), units)
            self.together.append((units, domain_h))

    def _mark(self, kind: str, number: int, units: Iterable[int]) -> None:
        for u in units:
            self.marks[u].append((kind, number))

    def _affinity(self, label: str, rule: Affinity) -> None:
        groups = rule.selected(self.world)
        if rule.to is not None:
            self.left_out[label] = None
        elif groups and sum(self.world.groups[g].count for g in groups) > 1:
            self._together(label, groups[0], groups, rule.level)

    def _separation(self, label: str, rule: Separation) -> None:
        groups = [g for g in rule.selected(self.world) if self.world.groups[g].count]
        domain_h, nodes = self._at(rule.level)
        for number, group in enumerate(groups[:-1]):
            entries = self.tolerated.get((label, group), ())
            free = {self.tree.by_id[e.domain] for e in entries if e.domain in self.tree.by_id}
            only_h = domain_h
            if entries:
                self.left_out[label] = None
                kept_d = np.array([node not in free for node in nodes], bool)
                only_h = np.where((domain_h >= 0) & kept_d[domain_h], domain_h, -1)
            left, right = self._units([group]), self._units(groups[number + 1 :])
            self._mark("left", len(self.apart), left)
            self._mark("right", len(self.apart), right)
            self.apart.append((left, right, only_h))

    def _quota(self, label: str, rule: Quota) -> None:
        uses = {u: quota_use(rule, self.world.units[u]) for u in self._units(rule.selected(self.world))}
        each = {u: n for u, n in uses.items() if n}
        if sum(n * self.world.units[u].count for u, n in each.items()) <= rule.most:
            return
        most = rule.most + self.more.get(label, {}).get(rule.domain, {}).get(None, 0)
        node = self.tree.by_id[rule.domain] if rule.domain is not None else None
        domain_h = np.zeros(len(self.sites), np.int64) if node is None else self._inside(node).astype(np.int64) - 1
        if rule.resource is None:
            self._add_limit(list(each), domain_h, _ints([most]))
        else:
            self.columns.append(_Column(each, domain_h, _ints([most])))

    def _avoid(self, label: str, rule: Avoid) -> None:
        if len(rule.together) > 1:
            self.left_out[label] = None
            return
        held = rule.together[0]
        if (label, held.group) in self.tolerated:
            # It cannot get any worse than it is.
            return
        inside_h = self._inside(self.tree.by_id[held.domain])
        domain_h = (~inside_h if held.outside else inside_h).astype(np.int64) - 1
        units = [u for u in self._units([held.group]) if held.counts(self.world.units[u], self.world)]
        self._add_limit(units, domain_h, _ints([held.count - 1]))

    # Capacity

    def _capacity(self) -> tuple[Ints, tuple[DomainCapacity, ...]]:
        """Return what hosts hold by resource, and the domains above them that say less than their hosts do."""
        names = self.world.resources
        total_r = _ints(sum(unit.demand.get(name, 0) * unit.count for unit in self.world.units) for name in names)
        capacity_hr = np.tile(total_r, (len(self.sites), 1))
        number = {name: r for r, name in enumerate(names)}
        above: dict[str, list[tuple[int, Ints]]] = {}
        load = self._load()
        for node in self.tree.nodes:
            stated = [(number[name], most) for name, most in self._stated(node.index, load) if name in number]
            if not stated:
                continue
            row_r = total_r.copy()
            for r, most in stated:
                row_r[r] = min(row_r[r], most)
            if node.index in self.position:
                capacity_hr[self.position[node.index]] = row_r
            else:
                above.setdefault(node.level, []).append((node.index, row_r))
        self._most_instances()
        domains: list[DomainCapacity] = []
        for rows in above.values():
            domain_h = np.full(len(self.sites), -1, np.int64)
            kept: list[Ints] = []
            for index, row_r in rows:
                under = [self.position[site] for site in self.tree.sites_under[index]]
                if np.any(capacity_hr[under].sum(0) > row_r):
                    domain_h[under] = len(kept)
                    kept.append(row_r)
            if kept:
                domains.append(DomainCapacity(domain_h, np.array(kept)))
        return capacity_hr, tuple(domains)

    def _stated(self, index: int, load: dict[int, dict[str, int]]) -> Iterable[tuple[str, int]]:
        """Yield (resource, most) that a domain says, widened by what is tolerated."""
        node = self.tree.nodes[index]
        more = self._more("capacity", index)
        for name in node.domain.capacity:
            most = node.usable(name)
            if most is not None:
                yield name, most + more.get(name, 0)
        yield from load.get(index, {}).items()

    def _more(self, label: str, index: int) -> dict[str | None, int]:
        """Return what is tolerated of a limit of a domain, by what it limits."""
        return self.more[label].get(self.tree.nodes[index].id, {}) if label in self.more else {}

    def _load(self) -> dict[int, dict[str, int]]:
        """Return what hard rules on load leave of each domain's capacity."""
        found: dict[int, dict[str, int]] = {}
        for label, rule in self.rules:
            if not isinstance(rule, Load):
                continue
            for index in self.tree.domains_at(rule.level):
                node = self.tree.nodes[index]
                more = self._more(label, index)
                for name in rule.limited(node):
                    most = (rule.limit(node, name) or 0) + more.get(name, 0)
                    of_node = found.setdefault(index, {})
                    of_node[name] = min(most, of_node.get(name, most))
        return found

    def _most_instances(self) -> None:
        stating: dict[str, list[int]] = {}
        for node in self.tree.nodes:
            if node.domain.most_instances is not None:
                stating.setdefault(node.level, []).append(node.index)
        everybody = {unit.index: 1 for unit in self.world.units}
        for level, nodes in stating.items():
            domain_h = self._only(level, set(nodes))
            most_d = [
                (self.tree.nodes[index].domain.most_instances or 0) + self._more("capacity", index).get(None, 0)
                for index in self._at(level)[1]
            ]
            self.columns.append(_Column(everybody, domain_h, _ints(most_d)))

    def _only(self, level: str, nodes: set[int]) -> Ints:
        """Return the numbers of the hosts' domains of a level, -1 for those that are none of these."""
        domain_h, at_level = self._at(level)
        kept_d = np.array([node in nodes for node in at_level], bool)
        return np.where((domain_h >= 0) & kept_d[domain_h], domain_h, -1)

    def _stocks(self) -> None:
        """Stocks of flavours: at most so many of one in each domain that says so."""
        by_flavour: dict[str, list[int]] = {}
        for unit in self.world.units:
            if unit.flavour is not None and unit.count:
                by_flavour.setdefault(unit.flavour.id, []).append(unit.index)
        stating: dict[tuple[str, str], dict[int, int]] = {}
        for node in self.tree.nodes:
            for name in node.domain.flavours:
                most = node.usable_flavour(name)
                if name in by_flavour and most is not None:
                    more = self._more("capacity", node.index).get(name, 0)
                    stating.setdefault((name, node.level), {})[node.index] = most + more
        for (name, level), most_of in stating.items():
            domain_h = self._only(level, set(most_of))
            self._add_limit(by_flavour[name], domain_h, _ints(most_of.get(n, 0) for n in self._at(level)[1]))

    # Classes

    def _classes(self, mask_u: list[int]) -> tuple[list[int], tuple[tuple[int, ...], ...]]:
        """Return each unit's class, -1 for units of nobody, and the units of each class."""
        known: dict[tuple[object, ...], int] = {}
        members: list[list[int]] = []
        class_of: list[int] = []
        weighs = self.world.estate.migration.weigh != "count"
        for unit in self.world.units:
            if not unit.count:
                class_of.append(-1)
                continue
            key = (
                tuple(sorted(unit.demand.items())),
                tuple(column.amount_u.get(unit.index, 0) for column in self.columns),
                mask_u[unit.index],
                unit.priority,
                unit.preemptible,
                move_weight(self.world, unit) if weighs else 1,
                tuple(self.marks[unit.index]),
                unit.group if unit.group in self.alone else None,
            )
            c = known.setdefault(key, len(members))
            if c == len(members):
                members.append([])
            members[c].append(unit.index)
            class_of.append(c)
        return class_of, tuple(tuple(units) for units in members)

    def _with_columns(
        self, units_c: tuple[tuple[int, ...], ...], capacity_hr: Ints, domains: tuple[DomainCapacity, ...]
    ) -> tuple[Ints, Ints, tuple[DomainCapacity, ...]]:
        """Return demands and capacities with a column for each further sum."""
        units = self.world.units
        names = self.world.resources
        demand = [[units[members[0]].demand.get(name, 0) for name in names] for members in units_c]
        demand_cr = np.array(demand, np.int64).reshape(len(units_c), len(names))
        if not self.columns:
            return demand_cr, capacity_hr, domains
        count_c = _ints(sum(units[u].count for u in members) for members in units_c)
        further = [[column.amount_u.get(members[0], 0) for column in self.columns] for members in units_c]
        demand_cr = np.hstack([demand_cr, np.array(further, np.int64)])
        total_r = count_c @ demand_cr
        most_hr = np.tile(total_r[len(names) :], (len(self.sites), 1))
        single = np.arange(len(self.sites))
        added: list[DomainCapacity] = []
        for k, column in enumerate(self.columns):
            inside_h = column.domain_h >= 0
            numbers = column.domain_h[inside_h]
            if len(np.unique(numbers)) == len(numbers):
                most_hr[single[inside_h], k] = np.minimum(most_hr[inside_h, k], column.most_d[numbers])
                continue
            most_dr = np.tile(total_r, (len(column.most_d), 1))
            most_dr[:, len(names) + k] = column.most_d
            added.append(DomainCapacity(column.domain_h, most_dr))
        widened = [
            DomainCapacity(
                domain.domain_h,
                np.hstack([domain.most_dr, np.tile(total_r[len(names) :], (len(domain.most_dr), 1))]),
            )
            for domain in domains
        ]
        return demand_cr, np.hstack([capacity_hr, most_hr]), (*widened, *added)

    def _running(self, class_of: list[int]) -> tuple[dict[tuple[int, int], int], int]:
        """Return (class, host) to how many run there and need not leave, and what those that must leave weigh."""
        found: dict[tuple[int, int], int] = {}
        moved_anyway = 0
        for unit in self.world.units:
            for site, count in unit.current.items():
                if self.tree.must_leave(site):
                    moved_anyway += count * move_weight(self.world, unit)
                    continue
                key = (class_of[unit.index], self.position[site])
                found[key] = found.get(key, 0) + count
        return found, moved_anyway


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _classes(class_of: list[int], units: list[int]) -> Ints:
    return _ints(dict.fromkeys(class_of[u] for u in units))
