"""How far each element of a fix has to give way, and the proof that it is enough: the changed estate is placed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from zonewright.models.edits import apply_edits
from zonewright.models.problems import InputError
from zonewright.models.quantities import to_latency
from zonewright.models.rules import LatencyLimit
from zonewright.models.world import World
from zonewright.solver.clashes.changes import Changes
from zonewright.solver.clashes.elements import Element, demand_of
from zonewright.solver.clashes.placing import Placer
from zonewright.solver.clashes.problem import Problem, hard_world
from zonewright.solver.clashes.result import Change, Fix
from zonewright.solver.clashes.search import Core, Search
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.families.addresses import Addresses, Pool
from zonewright.solver.families.base import Family, Soften, Stages
from zonewright.solver.families.company import DomainCount
from zonewright.solver.families.spread import Skew
from zonewright.solver.families.sums import Sum
from zonewright.solver.rows import Matrix, Rows, Stage, Tag

#: Seconds for one amount.
AMOUNT_S = 3.0
#: With less time than this no amounts are looked for.
LEAST_S = 1.0
#: Rules whose amounts are numbers of the rule itself.
_GIVING = frozenset({"anti_affinity", "budget", "group_moves", "load", "move_limit", "quota", "spread", "survive"})


@dataclass(frozen=True)
class _Part:
    """One number of an element, and the columns of which the largest is by how much it gives way."""

    element: int
    name: str
    stage: Stage


class Giving:
    """One fix of one problem: its elements give way as little as possible, one number after the other."""

    def __init__(self, problem: Problem, dropped: Iterable[int]) -> None:
        self.problem = problem
        self.dropped = frozenset(dropped)
        self.naming = problem.naming
        self.rows = Rows()
        program = problem.program
        own = program.context.rows
        self.rows.low, self.rows.high = own.low[: program.primary], own.high[: program.primary]
        self.shared: dict[tuple[int, str], list[Stage]] = {}
        self.inner = Stages([stage.goal for stage in program.stages])
        for k, family in enumerate(program.context.families):
            self._emit(family, program.layer_f[k])
        self._demands()
        self.parts = [self._largest(e, name, stages) for (e, name), stages in sorted(self.shared.items())]
        self.matrix: Matrix = self.rows.matrix()

    def _emit(self, family: Family, layer: int) -> None:
        element = self.naming.of(family.tag)
        number = self.problem.number.get(element) if element is not None else None
        if isinstance(family, Addresses):
            family = self._with_more(family)
        elif number in self.dropped and number is not None and element is not None:
            self._softened(family, number, element)
            return
        if layer and self.naming.excused(family.tag) and self._spared(family.tag, layer):
            return
        family.emit(self.rows, self.inner)

    def _spared(self, tag: Tag, layer: int) -> bool:
        """Return whether a row of a scenario is about a group that need not be placed again there."""
        signature = self.problem.program.context.layers[layer].signature
        asked = self.problem.survivals.get(signature, {}).get(tag.group or "", [])
        return bool(asked) and all(self.problem.number.get(e) in self.dropped for e in asked)

    def _with_more(self, family: Addresses) -> Addresses:
        """Return the family with more addresses in the pools that give way."""
        pools: list[Pool] = []
        for name, pool in zip(family.names, family.pools, strict=True):
            element = self.naming.of(replace(family.tag, thing=name))
            number = self.problem.number.get(element) if element is not None else None
            if number not in self.dropped or number is None:
                pools.append(pool)
                continue
            column = self.rows.column(0, 1 << 24)
            stage = Stage("more")
            stage.add(column, 1)
            self.shared.setdefault((number, "limit"), []).append(stage)
            pools.append(Pool(pool.fixed, (*pool.columns, column), (*pool.each, 1)))
        return replace(family, pools=tuple(pools))

    def _softened(self, family: Family, number: int, element: Element) -> None:
        """Write a family that gives way where it can say by how much; else leave it out."""
        giving = element.rule == "capacity" or element.rule in _GIVING
        if not giving or not hasattr(family, "soften"):
            return
        stages = Stages(["more"])
        soft: Family = replace(family, soften=Soften("more", 1))  # type: ignore[type-var]
        soft.emit(self.rows, stages)
        if stages["more"].terms:
            self.shared.setdefault((number, _part(family)), []).append(stages["more"])

    def _demands(self) -> None:
        context = self.problem.program.context
        short: dict[int, Stage] = {}
        for c, column in context.unplaced.items():
            number = self.problem.number[demand_of(context.classes[c].unit.group)]
            if number in self.dropped:
                short.setdefault(number, Stage("more")).add(column, 1)
            else:
                self.rows.row([column], [1], high=0)
        for number, stage in short.items():
            self.shared[number, "count"] = [stage]

    def _largest(self, element: int, name: str, stages: list[Stage]) -> _Part:
        """Return a column that is at least each of several excesses, as a stage."""
        if len(stages) == 1:
            return _Part(element, name, stages[0])
        most = max(sum(self.rows.high[j] * v for j, v in s.terms.items()) for s in stages)
        column = self.rows.column(0, most)
        for stage in stages:
            self.rows.row([*stage.terms, column], [*stage.terms.values(), -1], high=0)
        found = Stage("more")
        found.add(column, 1)
        return _Part(element, name, found)

    def amounts(self, deadline: Deadline, *, workers: int, seed: int) -> dict[int, dict[str, int]] | None:
        """Return, per element that can say it, by how much its numbers give way; None where nothing was found."""
        model = Model(self.matrix)
        found: dict[int, dict[str, int]] = {}
        hint = None
        for part in self.parts:
            answer = model.minimize(
                part.stage.terms, deadline, seconds=AMOUNT_S, workers=workers, seed=seed, hint=hint
            )
            if answer.x_j is None:
                return found if hint is not None else None
            hint = answer.x_j
            value = part.stage.value(answer.x_j)
            model.require(part.stage.terms, None, value)
            found.setdefault(part.element, {})[part.name] = value
        return found


def _part(family: Family) -> str:
    """Return which number of its rule a family is about."""
    rule = family.tag.rule
    if rule == "load":
        return f"{family.tag.domain} {family.tag.what}"
    if rule != "spread":
        return "limit"
    if isinstance(family, DomainCount):
        return "least_domains" if family.least is not None else "most_domains"
    if isinstance(family, Skew):
        return "skew"
    return "least_each" if isinstance(family, Sum) and family.low is not None else "largest_share"


class Fixer:
    """Writes fixes of one estate."""

    def __init__(
        self,
        world: World,
        search: Search,
        placer: Placer,
        cores: Sequence[Core],
        deadline: Deadline,
        *,
        workers: int,
        seed: int,
    ) -> None:
        self.world = world
        self.search = search
        self.placer = placer
        self.cores = cores
        self.problem = search.problem
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.changes = Changes(world, search.problem.naming.alike)

    def fix(self, cost: int, dropped: frozenset[int]) -> Fix:
        """Return a set of elements as changes, as small as they go, verified by placing the changed estate."""
        amounts: dict[int, dict[str, int]] = {}
        concerned = {e for core in self.cores if core.elements & dropped for e in core.elements}
        for problem in self.search.problems_of(concerned | dropped):
            giving = Giving(problem, dropped) if self.deadline.left > LEAST_S else None
            found = giving.amounts(self.deadline, workers=self.workers, seed=self.seed) if giving else None
            for e, parts in (found or {}).items():
                known = amounts.setdefault(e, {})
                known.update({part: max(by, known.get(part, 0)) for part, by in parts.items()})
        self._latencies(dropped, amounts)
        small = Fix(self._written(dropped, amounts), cost, False)
        if self._places(small.changes):
            return replace(small, verified=True)
        whole = Fix(self._written(dropped, {}), cost, False)
        return replace(whole, verified=self._places(whole.changes)) if amounts else whole

    def _written(self, dropped: frozenset[int], amounts: dict[int, dict[str, int]]) -> tuple[Change, ...]:
        known = {self.problem.elements[e]: e for e in dropped}
        given = {
            element: {k: v for k, v in amounts.get(known[element], {}).items() if v} for element in sorted(known)
        }
        return self.changes.of(given)

    def _places(self, changes: tuple[Change, ...]) -> bool:
        """Return whether the changed estate has a placement, judged by the models."""
        changed = self._changed(changes)
        return changed is not None and self.placer.places(changed, self.search.concerned)

    def _changed(self, changes: tuple[Change, ...]) -> World | None:
        return None if self.deadline.over else changed_world(self.world, changes)

    def _latencies(self, dropped: frozenset[int], amounts: dict[int, dict[str, int]]) -> None:
        """Raise a dropped limit on round trips only as far as it has to be, one after the other."""
        for e in sorted(dropped):
            rule = self.changes.rules.get(self.problem.elements[e].label)
            if not isinstance(rule, LatencyLimit):
                continue
            known = sorted(v for v in self._round_trips() if v > to_latency(rule.limit_ms))
            low, high = 0, len(known)
            while low < high and not self.deadline.over:
                middle = (low + high) // 2
                if self._reaches(dropped, amounts | {e: {"limit_us": known[middle]}}):
                    high = middle
                else:
                    low = middle + 1
            if high < len(known):
                amounts[e] = {"limit_us": known[high]}

    def _round_trips(self) -> set[int]:
        """Return every round trip that is stated, in microseconds."""
        return set(self.world._latencies.values())

    def _reaches(self, dropped: frozenset[int], amounts: dict[int, dict[str, int]]) -> bool:
        """Return whether amounts are enough for the groups of the clashes that they mend."""
        changed = self._changed(self._written(dropped, amounts))
        if changed is None:
            return False
        concerned = {e for core in self.cores if core.elements & dropped for e in core.elements}
        names = {self.problem.elements[e].group for e in concerned} - {None}
        problem = Problem(hard_world(changed), groups={name for name in names if name is not None})
        answer = problem.solve(problem.all, self.deadline, seconds=AMOUNT_S, workers=self.workers, seed=self.seed)
        return answer.status == "feasible"


def changed_world(world: World, changes: Iterable[Change]) -> World | None:
    """Return the estate with changes made; None where one of them is no edit, or the estate would be none."""
    made = list(changes)
    if not all(change.edits for change in made):
        return None
    texts = list(dict.fromkeys(text for change in made for text in change.edits))
    # Rules without a name are called by their position: those that go, go last, from the end on.
    gone = [t for t in texts if t.startswith("rules.") and t.endswith("=null") and "]" in t]
    gone.sort(key=_position, reverse=True)
    try:
        return World(apply_edits(world.estate, [t for t in texts if t not in gone] + gone))
    except InputError:
        return None


def _position(text: str) -> int:
    inside = text.partition("[")[2].partition("]")[0]
    return int(inside) if inside.isdecimal() else 0


__all__ = ["Fixer", "Giving", "changed_world"]
