"""Evacuations on hosts as arrays: survivors are where they are, the displaced go where there is room.

One table serves all losses of a placement. The cheapest proof comes first: the displaced are put greedily where
they fit. Where somebody is left out, what is left of the hosts is a relocation of its own in which nobody runs
yet, and its bounds say how many cannot be placed.

Axes: c class, h host, r resource, d domain, n entry, m mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from zonewright.models.estate import Estate
from zonewright.models.problems import InputError
from zonewright.models.rules import Spread, Survive, all_rules
from zonewright.models.view import View
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites
from zonewright.solver.migrate.hosts_lowering import HostProblem, lower_hosts
from zonewright.solver.relocation.certificate import hardest_first, tightness
from zonewright.solver.relocation.problem import (
    Apart,
    DomainCapacity,
    Ints,
    Limit,
    Relocation,
    Together,
    values_of,
)
from zonewright.solver.relocation.program import columns_needed, solve_program
from zonewright.solver.relocation.relocate import relocate
from zonewright.solver.relocation.state import State, place_each, put_all, state_of
from zonewright.solver.relocation.table import Table, lower
from zonewright.solver.survival.standing import Loss, Standing

#: Stands for no limit of instances.
_MANY = 1 << 40
#: Columns by class and host up to which these are decided outright.
SMALL = 20_000
#: Goals of an estate in which the relocation core places the displaced.
_GOALS = ["placed", "moves"]


@dataclass(frozen=True)
class Placed:
    """Where the displaced of one loss go."""

    arrivals: Sites
    missing: dict[int, int]
    """Priority to how many find no place."""
    bound: dict[int, int]
    """Priority to how many at least find none, where as many of the higher ones do."""
    how: str

    @property
    def closed(self) -> bool:
        """Whether no way places more, higher priorities first."""
        for priority in sorted(self.missing, reverse=True):
            if self.bound.get(priority, 0) < self.missing[priority]:
                return False
        return True


class Hosts:
    """A placement on hosts as arrays. With `strict` rules that a loss alone can break are among its limits."""

    def __init__(self, standing: Standing, problem: HostProblem, *, strict: bool) -> None:
        self.standing = standing
        self.strict = strict
        self.left_out = [label for label in problem.left_out if not _said_otherwise(standing.world, label)]
        """Labels of rules that the arrays do not say: whether they hold is for the checkers to say."""
        self.sites = standing.world.tree.sites
        self.position = {site: h for h, site in enumerate(self.sites)}
        self.skews = _skews(standing, self.position) if strict else []
        relocation = problem.relocation
        first = len(relocation.limits)
        limits = (*relocation.limits, *(skew.limit(problem, len(self.sites)) for skew in self.skews))
        self.relocation = replace(relocation, limits=limits)
        self.table: Table = lower(self.relocation)
        self.class_u: dict[int, int] = {
            u: int(self.table.class_o[o]) for o, members in enumerate(problem.units_c) for u in members
        }
        self.original_u = {u: o for o, members in enumerate(problem.units_c) for u in members}
        starts = {int(n): int(s) for n, s in zip(self.table.limit_t, self.table.most_start_t, strict=True)}
        self.start_of_skew = [starts[first + k] for k in range(len(self.skews))]
        counts = standing.view.unit_counts
        entries = [
            (c, self.position[site], n, u) for u, c in self.class_u.items() for site, n in counts[u].items() if n
        ]
        self.class_n, self.host_n, self.count_n = (
            np.array([entry[k] for entry in entries], np.int64) for k in range(3)
        )
        self.unit_n = np.array([entry[3] for entry in entries], np.int64)
        self.base: State = state_of(self.table, len(entries) + int(self.count_n.sum()) + 64)
        put_all(self.base, self.class_n, self.host_n, self.count_n)
        self.work: State = State._make(array.copy() for array in self.base)

    def place(self, loss: Loss, wanted: dict[int, dict[int, int]], exact: Deadline | None) -> Placed | None:
        """Place the displaced greedily, and with a deadline exactly where that leaves somebody out.

        None where limits on skew cannot be kept, whoever goes where.
        """
        caps = self._caps(loss, wanted)
        if caps is None:
            return None
        found = self._greedy(loss, wanted, caps)
        if not found.missing or exact is None or exact.over:
            return found
        half = Deadline(0.5 * exact.left, None, exact.stop)
        wide = self._exact(loss, wanted, [cap.wide_d for cap in caps], half)
        if wide is None:
            return found
        if not any(cap.limits_more for cap in caps) or wide.missing:
            return wide if _out(wide) <= _out(found) else replace(found, bound=wide.bound)
        # Everybody fits, but some groups may be uneven: evenly, then.
        even = self._exact(loss, wanted, [cap.even_d for cap in caps], exact)
        return found if even is None or even.missing else even

    # Skew: the level to which the displaced fill up the domains says how many may be in any of them.

    def _caps(self, loss: Loss, wanted: dict[int, dict[int, int]]) -> list[_Caps] | None:
        """Return the most in each domain per rule on skew; None where that cannot be kept."""
        back: dict[str, int] = {}
        for u, sites in wanted.items():
            group = self.standing.world.units[u].group
            back[group] = back.get(group, 0) + sum(sites.values())
        after = View(self.standing.world, [], lost=loss.gone, base=self.standing.view)
        caps: list[_Caps] = []
        for skew in self.skews:
            # Whoever loses nobody is as even as before, among fewer domains.
            found = skew.caps(loss, back[skew.group], after) if skew.group in back else skew.free
            if found is None:
                return None
            caps.append(found)
        return caps

    def spare(self, loss: Loss, wanted: dict[int, dict[int, int]]) -> dict[str, dict[int, int]]:
        """Return per group and zone how many more may be there at most if it is to be as even as asked."""
        caps = self._caps(loss, wanted) or []
        found: dict[str, dict[int, int]] = {}
        for skew, cap in zip(self.skews, caps, strict=False):
            if cap.stays_d is None or skew.level(self.standing.world) != "zone":
                continue
            more_d = np.maximum(0, cap.wide_d - cap.stays_d)
            found[skew.group] = dict(zip(skew.nodes, more_d.tolist(), strict=True))
        return found

    # Greedily.

    def _greedy(self, loss: Loss, wanted: dict[int, dict[int, int]], caps: list[_Caps]) -> Placed:
        table, state = self.table, self._without(loss)
        for start, cap in zip(self.start_of_skew, caps, strict=True):
            state.most_x[start : start + len(cap.even_d)] = cap.even_d
        missing_c = np.zeros(table.classes, np.int64)
        for u, sites in wanted.items():
            missing_c[self.class_u[u]] += sum(sites.values())
        order_c = hardest_first(table, missing_c, state)
        host_n = np.full(len(order_c), -1, np.int64)
        place_each(state, order_c, tightness(table, state, order_c), host_n, np.int64(0), np.int64(0))
        return self._placed(wanted, order_c, host_n, "certificate")

    def _without(self, loss: Loss) -> State:
        """Return the state after a loss: its hosts are closed, and who was there is gone."""
        for array, before in zip(self.work, self.base, strict=True):
            np.copyto(array, before)
        gone_h = np.array([self.position[site] for site in loss.gone], np.int64)
        self.work.enter_mh[:, gone_h] = False
        lost_n = np.isin(self.host_n, gone_h)
        put_all(self.work, self.class_n[lost_n], self.host_n[lost_n], -self.count_n[lost_n])
        return self.work

    def _placed(self, wanted: dict[int, dict[int, int]], order_c: Ints, host_u: Ints, how: str) -> Placed:
        """Return a placement of merged classes by unit."""
        by_class: dict[int, list[int]] = {}
        for c, h in zip(order_c.tolist(), host_u.tolist(), strict=True):
            if h >= 0:
                by_class.setdefault(c, []).append(h)
        return self._by_unit(wanted, by_class, self.class_u, {}, how)

    def _by_unit(
        self,
        wanted: dict[int, dict[int, int]],
        by_class: dict[int, list[int]],
        class_u: dict[int, int],
        bound: dict[int, int],
        how: str,
    ) -> Placed:
        arrivals: Sites = {}
        missing: dict[int, int] = {}
        for u, sites in wanted.items():
            queue = by_class.get(class_u[u], [])
            left = sum(sites.values())
            while queue and left:
                site = self.sites[queue.pop()]
                here = arrivals.setdefault(u, {})
                here[site] = here.get(site, 0) + 1
                left -= 1
            if left:
                priority = self.standing.world.units[u].priority
                missing[priority] = missing.get(priority, 0) + left
        return Placed(arrivals, missing, bound, how)

    # Exactly.

    def _exact(
        self, loss: Loss, wanted: dict[int, dict[int, int]], caps: list[Ints], deadline: Deadline
    ) -> Placed | None:
        """Return the answer of the relocation core for what the survivors leave of the hosts."""
        classes = sorted({self.original_u[u] for u in wanted})
        residual, open_h = _where_it_fits(self._residual(loss, wanted, classes, caps))
        answer = self._answered(residual, deadline)
        if answer is None:
            return None
        by_class: dict[int, list[int]] = {}
        for k, h, n in zip(*(array.tolist() for array in answer.placement), strict=True):
            by_class.setdefault(classes[k], []).extend([int(open_h[h])] * n)
        return self._by_unit(wanted, by_class, self.original_u, answer.bound, answer.how)

    def _answered(self, residual: Relocation, deadline: Deadline) -> _Answer | None:
        """Return who goes where among the hosts left: by the program where that is small, else by the core."""
        try:
            residual.check()
        except InputError:
            return None
        table = lower(residual)
        if columns_needed(table) <= SMALL:
            placement, proofs = solve_program(table, deadline, workers=1, seed=0, start=None, share=0.9)
            if placement is None:
                return None
            bounds = [proof["bound"] if proof is not None else 0 for proof in proofs]
            placement = table.instances(*placement)
            how = "program"
        else:
            found = relocate(residual, deadline)
            if found.status == "UNKNOWN":
                return None
            bounds, how = list(found.bounds), "patterns"
            placement = found.class_n, found.host_n, found.count_n
        values = values_of(residual, *placement)
        bound: dict[int, int] = {}
        for priority, value, least in zip(residual.priorities, values[1:], bounds[1:], strict=False):
            bound[priority] = least
            if least < value:
                break
        return _Answer(placement, bound, how)

    def _residual(
        self,
        loss: Loss,
        wanted: dict[int, dict[int, int]],
        classes: list[int],
        caps: list[Ints],
    ) -> Relocation:
        """Return what survivors leave: their demand is taken off, limits are lowered by their number."""
        whole = self.relocation
        number = {o: k for k, o in enumerate(classes)}
        count = np.zeros(len(classes), np.int64)
        for u, sites in wanted.items():
            count[number[self.original_u[u]]] += sum(sites.values())
        gone_h = np.zeros(len(self.sites), bool)
        gone_h[[self.position[site] for site in loss.gone]] = True
        stays_n = ~gone_h[self.host_n]
        original_n = np.array([self.original_u[u] for u in self.unit_n.tolist()], np.int64)[stays_n]
        host_n, count_n = self.host_n[stays_n], self.count_n[stays_n]
        used_hr = np.zeros_like(whole.capacity_hr)
        np.add.at(used_hr, host_n, whole.demand_cr[original_n] * count_n[:, None])

        def there(members: Ints, domain_h: Ints, domains: int) -> Ints:
            """Return how many survivors of some classes are in each domain."""
            mine = np.isin(original_n, members) & (domain_h[host_n] >= 0)
            return np.bincount(domain_h[host_n[mine]], count_n[mine], domains).astype(np.int64)

        def own(members: Ints) -> Ints:
            return np.array([number[o] for o in members.tolist() if o in number], np.int64)

        limits: list[Limit] = []
        first_skew = len(whole.limits) - len(self.skews)
        for position, limit in enumerate(whole.limits):
            mine = own(limit.classes)
            if len(mine):
                most_d = limit.most_d
                if position >= first_skew:
                    most_d = caps[position - first_skew]
                left_d = np.maximum(0, most_d - there(limit.classes, limit.domain_h, len(most_d)))
                limits.append(Limit(mine, limit.domain_h, left_d))
        apart: list[Apart] = []
        for rule in whole.apart:
            domains = int(rule.domain_h.max(initial=-1)) + 1
            for side, other in ((rule.left, rule.right), (rule.right, rule.left)):
                taken_d = there(other, rule.domain_h, domains)
                if len(own(side)) and taken_d.any():
                    limits.append(Limit(own(side), rule.domain_h, np.where(taken_d > 0, 0, _few(count))))
            if len(own(rule.left)) and len(own(rule.right)):
                apart.append(Apart(own(rule.left), own(rule.right), rule.domain_h))
        enter_mh = whole.enter_mh & ~gone_h
        together: list[Together] = []
        for company in whole.together:
            mine = own(company.classes)
            if not len(mine):
                continue
            together.append(Together(mine, company.domain_h))
            here_d = there(company.classes, company.domain_h, int(company.domain_h.max(initial=-1)) + 1)
            if here_d.any():
                open_d = (here_d > 0) & (np.count_nonzero(here_d) == 1)
                limits.append(Limit(mine, company.domain_h, np.where(open_d, _few(count), 0)))
        capacity: list[DomainCapacity] = []
        for domain in whole.domain_capacity:
            taken_dr = np.zeros_like(domain.most_dr)
            inside = domain.domain_h[host_n] >= 0
            np.add.at(
                taken_dr,
                domain.domain_h[host_n[inside]],
                whole.demand_cr[original_n[inside]] * count_n[inside][:, None],
            )
            capacity.append(DomainCapacity(domain.domain_h, np.maximum(0, domain.most_dr - taken_dr)))
        nobody = np.zeros(0, np.int64)
        chosen = np.array(classes, np.int64)
        return Relocation(
            capacity_hr=np.maximum(0, whole.capacity_hr - used_hr),
            demand_cr=whole.demand_cr[chosen],
            count_c=count,
            priority_c=whole.priority_c[chosen],
            weight_c=np.ones(len(classes), np.int64),
            at_class_n=nobody,
            at_host_n=nobody,
            at_count_n=nobody,
            enter_mh=enter_mh,
            stay_mh=enter_mh,
            mask_c=whole.mask_c[chosen],
            limits=tuple(limits),
            apart=tuple(apart),
            together=tuple(together),
            domain_capacity=tuple(capacity),
        )


def _where_it_fits(problem: Relocation) -> tuple[Relocation, Ints]:
    """Return a problem in which nobody runs yet with only the hosts that somebody fits on, and these hosts."""
    open_ch = (problem.capacity_hr[None] >= problem.demand_cr[:, None]).all(axis=2)
    open_ch &= problem.enter_mh[problem.mask_c]
    for limit in problem.limits:
        full_h = (limit.domain_h >= 0) & (limit.most_d[limit.domain_h] <= 0)
        open_ch[np.ix_(limit.classes, np.flatnonzero(full_h))] = False
    kept = np.flatnonzero(open_ch.any(axis=0))
    return replace(
        problem,
        capacity_hr=problem.capacity_hr[kept],
        enter_mh=open_ch[:, kept],
        stay_mh=open_ch[:, kept],
        mask_c=np.arange(len(problem.count_c)),
        limits=tuple(replace(limit, domain_h=limit.domain_h[kept]) for limit in problem.limits),
        apart=tuple(replace(rule, domain_h=rule.domain_h[kept]) for rule in problem.apart),
        together=tuple(replace(rule, domain_h=rule.domain_h[kept]) for rule in problem.together),
        domain_capacity=tuple(replace(entry, domain_h=entry.domain_h[kept]) for entry in problem.domain_capacity),
    ), kept


def _few(count_c: Ints) -> int:
    """Return a limit that nothing reaches."""
    return int(count_c.sum()) + 1


def _out(placed: Placed) -> tuple[int, ...]:
    """Return what sorts placements: how many are out, highest priority first."""
    return tuple(n for _, pair in sorted(placed.missing.items(), reverse=True) for n in (_ + 1, pair))


@dataclass(frozen=True)
class _Answer:
    """Where the displaced go, as class, host and count, and how many of each priority find no place at least."""

    placement: tuple[Ints, Ints, Ints]
    bound: dict[int, int]
    how: str


@dataclass(frozen=True)
class _Caps:
    """How many of a group may be in each domain."""

    wide_d: Ints
    """As the rule asks at least: what is beyond is too uneven whoever goes where."""
    even_d: Ints
    """With the lowest domains filled up first: whoever keeps these is as even as can be."""
    stays_d: Ints | None = None
    """How many survive in each; None where nothing is asked."""

    @property
    def limits_more(self) -> bool:
        """Whether the second asks for more."""
        return self.even_d is not self.wide_d


@dataclass(frozen=True)
class _Skew:
    """A rule on the skew of one group."""

    group: str
    most: int
    domain_h: Ints
    nodes: list[int]

    def limit(self, problem: HostProblem, hosts: int) -> Limit:
        """Return a limit whose numbers are put in loss by loss."""
        units = {unit.index for unit in problem.world.units_of[self.group]}
        members = [o for o, own in enumerate(problem.units_c) if units.intersection(own)]
        # Different numbers, so that the table keeps one for each domain.
        return Limit(np.array(members, np.int64), self.domain_h, _MANY + np.arange(len(self.nodes)))

    def level(self, world: World) -> str:
        """Return the level that it is about."""
        return world.tree.nodes[self.nodes[0]].level

    @cached_property
    def free(self) -> _Caps:
        """No limit at all."""
        wide_d = np.full(len(self.nodes), _MANY, np.int64)
        return _Caps(wide_d, wide_d)

    @cached_property
    def number(self) -> dict[int, int]:
        """Domain to its number."""
        return {node: d for d, node in enumerate(self.nodes)}

    def before_d(self, before: View) -> Ints:
        """Return how many are in each domain before any loss."""
        known: Ints | None = self.__dict__.get("_before_d")
        if known is None:
            known = np.zeros(len(self.nodes), np.int64)
            for node, count in before.counts(self.group, self.level(before.world)).items():
                known[self.number[node]] = count
            self.__dict__["_before_d"] = known
        return known

    def caps(self, loss: Loss, back: int, after: View) -> _Caps | None:
        """Return how many may be in each domain; None where survivors alone are too uneven to be evened out."""
        tree, before = after.world.tree, after.base
        assert before is not None
        number, stays = self.number, self.before_d(before).copy()
        level = self.level(after.world)
        here = before.group_sites[self.group]
        for site in loss.gone.intersection(here):
            node = tree.at_level(site, level)
            if node is not None:
                stays[number[node]] -= here[site]
        eligible = np.array([number[node] for node in after.eligible(self.group, level)], np.int64)
        wide_d = np.full(len(self.nodes), _MANY, np.int64)
        if not len(eligible):
            return self.free
        filled = _filled(stays[eligible], back)
        most = int(filled.min()) + self.most
        if int(stays[eligible].max()) > most:
            return None
        wide_d[eligible] = most
        if back == 1:
            one_d = np.array([_uneven(stays[eligible], d) <= self.most for d in range(len(eligible))])
            wide_d[eligible] = stays[eligible] + one_d
            return _Caps(wide_d, wide_d, stays)
        even_d = wide_d.copy()
        even_d[eligible] = filled
        return _Caps(wide_d, even_d, stays)


def _filled(level_d: Ints, more: int) -> Ints:
    """Return levels with so many added where they are lowest."""
    found = level_d.copy()
    for _ in range(more):
        found[int(found.argmin())] += 1
    return found


def _uneven_groups(world: World) -> set[str]:
    """Return the groups whose skew a hard rule limits."""
    return {
        group
        for rule in world.estate.rules
        if isinstance(rule, Spread) and rule.soft is None and rule.skew_limit is not None
        for group in rule.selected(world)
    }


def _uneven(level_d: Ints, domain: int) -> int:
    """Return the skew once a domain has one more."""
    found = level_d.copy()
    found[domain] += 1
    return int(found.max() - found.min())


def _skews(standing: Standing, position: dict[int, int]) -> list[_Skew]:
    world, tree = standing.world, standing.world.tree
    found: list[_Skew] = []
    for rule in world.estate.rules:
        if not isinstance(rule, Spread) or rule.soft is not None or rule.skew_limit is None:
            continue
        nodes = tree.domains_at(rule.level)
        number = {node: d for d, node in enumerate(nodes)}
        domain_h = np.full(len(position), -1, np.int64)
        for site, h in position.items():
            node = tree.at_level(site, rule.level)
            if node is not None:
                domain_h[h] = number[node]
        found += [
            _Skew(g, rule.skew_limit, domain_h, nodes) for g in rule.selected(world) if world.groups[g].count
        ]
    return found


def _said_otherwise(world: World, label: str) -> bool:
    """Return whether the arrays say all of a rule after all, or nobody asks for it after a loss."""
    rule = dict(all_rules(world))[label]
    if isinstance(rule, Spread):
        return rule.least_each is None and rule.domain_limit in (None, 1)
    return not rule.in_events


def hosts_of(standing: Standing, *, strict: bool, on_offer: bool) -> Hosts | None:
    """Return a placement on hosts as arrays; None where the estate asks for what arrays do not say.

    That is where subnets are to be chosen, or there is stock on offer that does not count.
    """
    world = standing.world
    if not on_offer and any(_offers(node.domain.capacity, node.domain.flavours) for node in world.tree.nodes):
        return None
    now = World(_as_it_stands(standing, strict=strict))
    try:
        problem = lower_hosts(now, standing.placed, _uneven_groups(world) if strict else ())
    except InputError:
        return None
    return None if problem is None else Hosts(standing, problem, strict=strict)


def _offers(*stocks: dict[str, Any]) -> bool:
    return any(stock.on_offer for entries in stocks for stock in entries.values())


def _as_it_stands(standing: Standing, *, strict: bool) -> Estate:
    """Return the estate with everybody where the placement has them, and the rules that hold after a loss."""
    world, estate = standing.world, standing.world.estate
    nodes = world.tree.nodes
    current: dict[str, dict[str, int]] = {group: {} for group in world.groups}
    named: dict[str, str] = {}
    for unit, sites in zip(world.units, standing.view.unit_counts, strict=True):
        for site, count in sites.items():
            if unit.name is not None:
                named[unit.name] = nodes[site].id
            else:
                current[unit.group][nodes[site].id] = count
    zones = {name: [nodes[z].id for z in found] for name, found in standing.view.balancer_zones.items()}
    return estate.model_copy(
        update={
            "groups": [g.model_copy(update={"current": current[g.id]}) for g in estate.groups],
            "instances": [i.model_copy(update={"site": named.get(i.id)}) for i in estate.instances],
            "load_balancers": [
                b.model_copy(update={"zones": zones.get(b.id, b.zones)}) for b in estate.load_balancers
            ],
            "rules": list(_rules_after(world, strict=strict)),
            "goals": _GOALS,
            "tolerated": [],
        }
    )


def _rules_after(world: World, *, strict: bool) -> Iterable[Any]:
    """Yield the hard rules that hold after a loss; not strict: without those that a loss alone can break."""
    for position, rule in enumerate(world.estate.rules):
        if rule.soft is not None or not rule.in_events or isinstance(rule, Survive):
            continue
        if rule.suffers_from_loss and not strict:
            continue
        update: dict[str, Any] = {"id": rule.id or f"{rule.rule}[{position}]"}
        if isinstance(rule, Spread) and rule.least_domains is not None:
            update["least_domains"] = None
            asks = (rule.most_domains, rule.least_each, rule.skew, rule.largest_share)
            if all(part is None for part in asks) and rule.shape == "any":
                continue
        yield rule.model_copy(update=update)
