"""Clashes of estates with many hosts: among pools of equal hosts first, then among single ones, by few groups.

A clash among pools is one among hosts, since pools can do more. What pools cannot see is looked for where it can
be: the groups of each rule below the zone by themselves, the groups that do not even fit alone, then those that
packing leaves over. That nothing else clashes is shown by a placement of the estate with everything else changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from zonewright.models.rules import Affinity, AntiAffinity, GroupRule, LatencyLimit, Survive, all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.local import CORE_S, MOST_TOGETHER
from zonewright.solver.clashes.problem import Answer, Problem, Switched, with_company
from zonewright.solver.clashes.search import PART_S, Core, News, Search
from zonewright.solver.deadline import Deadline
from zonewright.solver.lowering.survive import is_below_zones, limits_by_survival

#: (class, host) pairs that a problem of single hosts may have.
MOST_CELLS = 40_000

#: Says whether the estate without some elements has a placement; None where that is not known.
Placing = Callable[[Collection[Element]], bool | None]


class HostSearch(Search):
    """Questions about an estate with many hosts; `problem` is that of its pools."""

    def __init__(
        self,
        problem: Problem,
        deadline: Deadline,
        *,
        workers: int,
        seed: int,
        news: News,
        placing: Placing,
    ) -> None:
        super().__init__(problem, deadline, workers=workers, seed=seed, news=news)
        self.placing = placing
        self.built_s = 0.0
        """Seconds that writing the problem took: to ask all of it takes longer."""
        self.parts: dict[frozenset[str], Problem] = {}
        self.suspects: list[frozenset[str]] | None = None
        self.placed: dict[frozenset[int], Answer] = {}
        self.fine: dict[frozenset[str], list[frozenset[int]]] = {}
        """Per set of suspects, sets of elements of which it showed no clash."""

    @property
    def world(self) -> World:
        """The estate."""
        return self.problem.world

    def whole(self, dropped: Collection[int]) -> Answer:
        """Ask few groups at a time, among pools and among hosts; then place what is left; then ask all pools."""
        gone = frozenset(dropped)
        core = self.local.clash(self.problem.all - gone, self.deadline, seed=self.seed)
        if core is not None:
            return Answer("infeasible", core=core)
        found = self._below(gone)
        if found is not None:
            return found
        if gone and not self.deadline.over:
            found = self._by_placing(gone)
            if found.status == "feasible":
                return found
        known = any(answer.status == "feasible" for answer in self.placed.values())
        if known or self.deadline.left <= 2 * self.built_s:
            return Answer("open")
        found = super().whole(gone)
        # What pools can do is not yet shown of hosts.
        return found if found.status == "infeasible" else self._by_placing(gone)

    def _below(self, dropped: frozenset[int]) -> Answer | None:
        """Return a clash of a few groups on single hosts, None where none is seen."""
        for groups in self._suspects():
            if self.deadline.over:
                return None
            part = self._part_of(groups)
            held = part.all - dropped if part is not None else frozenset()
            if part is None or not any(part.elements[e].kind == "demand" for e in held):
                continue
            fine = self.fine.setdefault(groups, [])
            if any(held <= more for more in fine):
                continue
            found = part.solve(held, self.deadline, seconds=PART_S, workers=self.workers, seed=self.seed)
            if found.status == "infeasible":
                named = Switched(part, held).solve(held, self.deadline, seconds=CORE_S, seed=self.seed)
                return named if named.status == "infeasible" else found
            fine.append(held)
        return None

    def _by_placing(self, dropped: frozenset[int]) -> Answer:
        if dropped not in self.placed:
            placed = self.placing([self.problem.elements[e] for e in sorted(dropped)])
            self.placed[dropped] = Answer("feasible" if placed else "open")
        return self.placed[dropped]

    def _shrunk(self, core: Collection[int]) -> Core:
        """Shrink among the hosts themselves, with the groups of the core alone."""
        exact = self._part_of(self._groups_of(core))
        if exact is None:
            found = super()._shrunk(core)
            return Core(found.elements, False)
        search = Search(exact, self.deadline, workers=self.workers, seed=self.seed, news=self.news)
        answer = search.part(exact.all.intersection(core))
        if answer.status != "infeasible":
            # Among pools it is proven: what is left of it there is enough, if perhaps not the least.
            return Core(super()._shrunk(core).elements, False)
        return search.shrink(exact.all.intersection(core))

    def problem_of(self, elements: Collection[int]) -> Problem:
        """Return the problem of the elements' groups on single hosts, else that of the pools."""
        part = self._part_of(self._groups_of(elements))
        return part if part is not None and all(e in part.rows_of for e in elements) else self.problem

    def problems_of(self, elements: Collection[int]) -> list[Problem]:
        """Return that of the elements' groups alone: whether it is enough among all, placing shows."""
        return [self.problem_of(elements)]

    def _groups_of(self, core: Iterable[int]) -> frozenset[str]:
        """Return the groups that the elements of a core are about."""
        elements = [self.problem.elements[e] for e in core]
        return frozenset(e.group for e in elements if e.group is not None)

    def _part_of(self, groups: frozenset[str]) -> Problem | None:
        """Return the problem of some groups on single hosts, with the company that their rules speak of."""
        whole = with_company(groups, self.problem.company)
        if whole not in self.parts:
            units = sum(len(self.world.units_of[g]) for g in whole)
            if units * len(self.world.tree.sites) > MOST_CELLS:
                return None
            self.parts[whole] = Problem(self.world, groups=whole, registry=self.problem.registry)
        return self.parts[whole]

    def _suspects(self) -> list[frozenset[str]]:
        """Return sets of groups that rules below the zone speak of, and groups that do not fit alone."""
        if self.suspects is None:
            found: dict[frozenset[str], None] = {}
            relaxed = self.problem.program.context.relaxed
            for label, rule in all_rules(self.world):
                counted = isinstance(rule, AntiAffinity) or (isinstance(rule, Survive) and rule.mode == "static")
                evacuated = isinstance(rule, Survive) and is_below_zones(self.world, rule.level)
                if not counted and (label in relaxed or evacuated):
                    for groups in _asked(self.world, rule):
                        found[groups] = None
            for group in self._too_large():
                found[frozenset((group,))] = None
            self.suspects = list(found)
        return self.suspects

    def _too_large(self) -> list[str]:
        """Return the groups of which fewer fit on all hosts that they may use than there are to be."""
        world = self.world
        reach = self.problem.program.context.reach
        limits = _limits_below(world)
        found: list[str] = []
        for name, group in world.groups.items():
            left: dict[int, int] = {}
            room = 0
            for unit in world.units_of[name][:1]:
                enter = reach.profiles[reach.of_unit[unit.index]].enter
                for s, site in enumerate(reach.sites):
                    if not enter[s] and not unit.current.get(site):
                        continue
                    fits = _fits(world, unit.demand, site, group.count)
                    for level, most in limits.get(name, ()):
                        domain = world.tree.at_level(site, level)
                        if domain is not None:
                            fits = min(fits, left.get(domain, most))
                            left[domain] = left.get(domain, most) - fits
                    room += fits
                    if room >= group.count:
                        break
            if room < group.count:
                found.append(name)
        return found


def _limits_below(world: World) -> dict[str, list[tuple[str, int]]]:
    """Return, per group, how many of it rules below the zone allow in a domain of a level; highest first."""
    order = world.tree.levels
    found: dict[str, list[tuple[str, int]]] = {}
    for _, rule in all_rules(world):
        if isinstance(rule, AntiAffinity) and is_below_zones(world, rule.level):
            for group in rule.selected(world):
                found.setdefault(group, []).append((rule.level, rule.at_most))
        elif isinstance(rule, Survive) and is_below_zones(world, rule.level):
            for group, most in limits_by_survival(world, rule).items():
                found.setdefault(group, []).append((rule.level, max(0, most)))
    return {group: sorted(limits, key=lambda entry: order.index(entry[0])) for group, limits in found.items()}


def _fits(world: World, demand: object, site: int, most: int) -> int:
    """Return how many of a demand fit on a host by its own limits."""
    node = world.tree.nodes[site]
    fits = most
    for resource, amount in dict(demand).items():  # type: ignore[call-overload]
        usable = node.usable(resource)
        if usable is not None and amount:
            fits = min(fits, usable // amount)
    if node.domain.most_instances is not None:
        fits = min(fits, node.domain.most_instances)
    return int(fits)


def _asked(world: World, rule: object) -> list[frozenset[str]]:
    """Return the sets of groups that a rule speaks of: each by itself, or all together where they are few."""
    if isinstance(rule, GroupRule):
        together = isinstance(rule, Affinity) and rule.to is None
        names = rule.selected(world)
        if together or isinstance(rule, Survive):
            return [frozenset(names)] if len(names) <= MOST_TOGETHER else [frozenset((g,)) for g in names]
        return [frozenset((g,)) for g in names]
    if isinstance(rule, LatencyLimit):
        return [frozenset(rule.concerned())]
    names = list(getattr(rule, "groups", ()))
    return [frozenset(names)] if names and len(names) <= MOST_TOGETHER else []


__all__ = ["HostSearch"]
