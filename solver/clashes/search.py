"""Clashes found one by one, each shrunk until nothing of it could be left out, and the sets that mend them all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property

from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.local import CORE_S, Local
from zonewright.solver.clashes.problem import Answer, Problem, Switched
from zonewright.solver.clashes.tighten import solve_tightened
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import Ints

#: Seconds that one question about a whole estate, or about a part of it, may take.
WHOLE_S, PART_S = 20.0, 4.0
#: How often a core is looked for in a core before single elements are tried.
CORES = 3
#: Which elements are tried first: what is dropped first is kept only where it is needed.
_ORDER = {"rule": 0, "demand": 1, "limit": 2, "fact": 3}

News = Callable[[str], None]


@dataclass(frozen=True)
class Core:
    """Elements that are infeasible together."""

    elements: frozenset[int]
    minimal: bool


@dataclass
class Found:
    """What a search knows."""

    independent: list[Core] = field(default_factory=list)
    covered: bool = False
    """With the independent ones dropped a solution was found."""
    status: str = "open"
    """`feasible`, `infeasible` or `open`."""


class Search:
    """Questions about one problem."""

    def __init__(self, problem: Problem, deadline: Deadline, *, workers: int, seed: int, news: News) -> None:
        self.problem = problem
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.news = news
        self._whole: Switched | None = None
        self.base: Ints | None = None
        """The last solution of the whole problem without some elements."""
        self.concerned: set[str] = set()
        """Groups that clashes found so far are about."""

    def whole(self, dropped: Collection[int]) -> Answer:
        """Decide the whole problem without some elements, with a core where it is infeasible."""
        held = self.problem.all.difference(dropped)
        core = self.local.clash(held, self.deadline, seed=self.seed)
        if core is not None:
            return Answer("infeasible", core=core)
        if self._near(held):
            return Answer("feasible")
        if self._whole is None:
            self._whole = Switched(self.problem, self.problem.all)
        plain = self._whole.decide(held, self.deadline, seconds=WHOLE_S, workers=self.workers, seed=self.seed)
        if plain.status != "infeasible":
            self.base = plain.x_j if plain.x_j is not None else self.base
            return plain
        named = self._whole.solve(held, self.deadline, seconds=WHOLE_S, seed=self.seed)
        return named if named.status == "infeasible" else Answer("infeasible", core=held)

    def _near(self, held: frozenset[int]) -> bool:
        """Return whether those that clashes are about find places around everybody else, who stays as before.

        Where they do not, everybody has to be asked.
        """
        if self.base is None or not self.concerned:
            return False
        part = self.problem.around(self.base, self.concerned, held)
        if part is None:
            return False
        answer = solve_tightened(part, self.deadline, seconds=PART_S, workers=1, seed=self.seed)
        return answer.x_j is not None

    @cached_property
    def local(self) -> Local:
        """Questions about a few groups."""
        return Local(self.problem)

    def part(self, chosen: Collection[int]) -> Answer:
        """Decide a set of elements with nothing else in the problem."""
        return self.problem.solve(chosen, self.deadline, seconds=PART_S, workers=self.workers, seed=self.seed)

    def problems_of(self, elements: Collection[int]) -> list[Problem]:
        """Return the problems that say by how much elements have to give way."""
        return [self.problem]

    def problem_of(self, elements: Collection[int]) -> Problem:
        """Return the problem in which these elements are told, and their amounts found."""
        return self.problem

    def shrink(self, core: Collection[int]) -> Core:
        """Return a part of an infeasible set from which nothing can be dropped, as far as time allows."""
        found = self._shrunk(core)
        elements = (self.problem.elements[e] for e in found.elements)
        self.concerned.update(e.group for e in elements if e.group is not None)
        return found

    def _shrunk(self, core: Collection[int]) -> Core:
        held = set(core)
        for _ in range(CORES):
            if self.deadline.over or len(held) < 2:
                break
            answer = Switched(self.problem, held).solve(held, self.deadline, seconds=CORE_S, seed=self.seed)
            smaller = answer.status == "infeasible" and len(answer.core) < len(held)
            if not smaller:
                break
            held = set(answer.core)
        minimal = True
        waiting = sorted(held, key=self._order)
        step = 1
        while waiting:
            if self.deadline.over:
                return Core(frozenset(held), False)
            tried = waiting[:step]
            answer = self.part(held.difference(tried))
            if answer.status == "infeasible":
                held.difference_update(tried)
                waiting = waiting[step:]
                step *= 2
            elif step > 1:
                step = 1
            else:
                minimal &= answer.status == "feasible"
                waiting = waiting[1:]
        return Core(frozenset(held), minimal)

    def _order(self, e: int) -> tuple[int, int, Element]:
        element = self.problem.elements[e]
        size = 0
        if element.kind == "demand":
            size = sum(u.count * (1 + u.demand.get("cpu_milli", 0)) for u in self._units(element))
        return (_ORDER[element.kind], size, element)

    def _units(self, element: Element) -> list:  # type: ignore[type-arg]
        return self.problem.world.units_of[element.group or ""]

    def independent(self) -> Found:
        """Find clashes that share no demand, no rule and no limit, until nothing infeasible is left."""
        found = Found()
        dropped: set[int] = set()
        while not self.deadline.over:
            answer = self.whole(dropped)
            if answer.status != "infeasible":
                found.covered = answer.status == "feasible"
                if not found.independent:
                    found.status = answer.status
                return found
            found.status = "infeasible"
            core = self.shrink(answer.core)
            if found.independent and not core.minimal and self.deadline.over:
                return found  # That there is more is said by what is covered; what, nobody could read from this.
            found.independent.append(core)
            self.news(f"{len(found.independent)} clashes found")
            own = {e for e in core.elements if self.problem.elements[e].kind != "fact"}
            if not core.elements:
                return found
            dropped |= own or core.elements
        return found
