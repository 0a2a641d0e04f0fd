"""From steps to times: what every step takes and frees, lowered to the ordering core, and its answer read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import combinations
from typing import TypeVar

from zonewright.models.aftermath import Aftermath
from zonewright.models.durations import BITS_PER_MBIT, BITS_PER_MIB, crossed, lanes_of, side_by_side
from zonewright.models.events import Incident
from zonewright.models.migration import Action, Step
from zonewright.models.operations import EFFECTS
from zonewright.models.plan import Plan
from zonewright.models.problems import InputError
from zonewright.models.recipes import Recipe
from zonewright.models.rules import AntiAffinity, KeepRunning, Load, Quota, Separation, all_rules
from zonewright.models.rules.base import GroupRule
from zonewright.models.world import World
from zonewright.solver.lowering.sums import quota_use
from zonewright.solver.migrate.moves import Movement
from zonewright.solver.order.problem import (
    Arrangement,
    Exclusion,
    Hold,
    Job,
    Mode,
    OrderProblem,
    Point,
    Precedence,
    Task,
)

R = TypeVar("R", bound=GroupRule)

#: A resource of the ordering core: what it is, the domain (-1: none in particular), what more tells it apart.
Key = tuple[str, int, str | None]

#: Added to the priority of what leaves a suspect domain: it may fail at any moment.
_SUSPECT = 2000


_WORDS = {
    "room": "room for",
    "flavour": "stock of",
    "instances": "places for instances",
    "apart": "distance by",
    "quota": "quota",
    "load": "load under",
    "all": "moves at once",
    "at once": "moves at once",
    "uplink out": "bandwidth out",
    "uplink in": "bandwidth in",
    "down": "replicas that may be away by",
    "backends": "backends of",
}


#: What is limited at every moment, whoever takes it: those who stay take of it, too.
_STANDING = frozenset({"room", "flavour", "instances", "apart", "quota", "load"})


@dataclass
class Draft:
    """An action with its steps before they have times: `start_s` is 0 and `end_s` the duration."""

    action: Action
    steps: list[Step]
    movement: Movement | None = None
    recipe: Recipe | None = None
    assumptions: tuple[str, ...] = ()


@dataclass
class Work:
    """One thing to be done, in one of several ways; a way is one draft, or two where it goes by a third host."""

    ways: list[list[Draft]]
    penalties: list[int]
    complete: bool = False
    """These are all the ways there are: what they do not reach cannot be reached."""

    @property
    def movement(self) -> Movement | None:
        """What is moved; None for work on a subnet, a balancer or an image."""
        return self.ways[0][-1].movement


@dataclass
class Ordering:
    """The problem, and which step each task stands for."""

    problem: OrderProblem
    works: list[Work]
    step_of: list[tuple[int, int, int, int]]
    """Task to (work, way, draft, step)."""
    origin: datetime | None
    keys: list[Key]
    """What each resource is."""
    world: World

    def words(self, resource: int) -> str:
        """Return what a resource is, in the user's names."""
        what, domain, more = self.keys[resource]
        said = f"{_WORDS.get(what, what)} {more}" if more else _WORDS.get(what, what)
        return f"{said} in {self.world.tree.nodes[domain].id}" if domain >= 0 else said

    def timed(self, arrangement: Arrangement) -> list[Draft]:
        """Return the chosen drafts with their times, in the order of the works."""
        times: dict[tuple[int, int, int, int], int] = {}
        for task, start in enumerate(arrangement.start_t):
            if start is not None:
                times[self.step_of[task]] = start
        found: list[Draft] = []
        for w, work in enumerate(self.works):
            way = arrangement.mode_j[w]
            for d, draft in enumerate(work.ways[way]):
                steps = [_at(step, times[w, way, d, s]) for s, step in enumerate(draft.steps)]
                found.append(Draft(draft.action, steps, draft.movement, draft.recipe, draft.assumptions))
        return found


def _at(step: Step, start: int) -> Step:
    length = step.end_s - step.start_s
    if start == step.start_s:
        return step
    return step.model_copy(update={"start_s": start, "end_s": start + length})


def lower_order(after: Aftermath, plan: Plan, works: list[Work], *, alone: bool = False) -> Ordering:
    """Lower the steps of a migration: room at both ends, rules at every moment, limits on what goes on at once.

    With `alone` the works have the estate to themselves: nobody but what is pinned takes room beside them.
    Raises InputError where windows are given and nobody says when the plan starts.
    """
    return _Lowering(after, plan, works, alone).ordering()


@dataclass
class _Lowering:
    after: Aftermath
    plan: Plan
    works: list[Work]
    alone: bool = False
    tasks: list[Task] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    capacity: list[int] = field(default_factory=list)
    number: dict[Key, int] = field(default_factory=dict)
    """Every resource that something takes."""
    precedences: list[Precedence] = field(default_factory=list)
    visits: dict[tuple[str, int], list[tuple[Point | None, Point | None, int, int]]] = field(default_factory=dict)
    """(group, domain) to (since, until, job, mode) of what moves, for groups that keep away from others."""
    task_of: dict[str, list[int]] = field(default_factory=dict)
    """Step to its tasks: one for each way that has it."""
    step_of: list[tuple[int, int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before: World = self.after.before
        self.tree = self.before.tree
        self.migrating = self.before.estate.migration
        asked = "longest_plan_hours" in self.migrating.model_fields_set
        self.latest_end = int(3600 * self.migrating.longest_plan_hours) if asked else None
        self.moving = self._moving()
        # What is to be mended is a wish afterwards and a rule on the way: it must not get worse.
        self.ruling: World = self.after.world if self.after.dead or self.after.left else self.before

    def ordering(self) -> Ordering:
        jobs = [self._job(w, work) for w, work in enumerate(self.works)]
        self._needs()
        self._static()
        self._separations()
        origin = self.migrating.starts_at or self.before.estate.taken_at
        problem = OrderProblem(
            jobs=tuple(jobs),
            tasks=tuple(self.tasks),
            precedences=tuple(self.precedences),
            holds=tuple(self.holds),
            capacity=tuple(self.capacity),
            exclusions=self._exclusions(),
            windows=self._windows(origin),
        )
        return Ordering(problem, self.works, self.step_of, origin, list(self.number), self.before)

    def _moving(self) -> dict[tuple[str, str | None], dict[int, int]]:
        """Return, per unit, how many leave each living site in the course of the plan."""
        found: dict[tuple[str, str | None], dict[int, int]] = {}
        for work in self.works:
            movement = work.movement
            if movement is not None and movement.kind in ("move", "stop") and movement.source is not None:
                of_unit = found.setdefault((movement.unit.group, movement.unit.name), {})
                of_unit[movement.source] = of_unit.get(movement.source, 0) + movement.count
        return found

    def _job(self, w: int, work: Work) -> Job:
        modes: list[Mode] = []
        for m, (way, penalty) in enumerate(zip(work.ways, work.penalties, strict=True)):
            modes.append(self._mode(w, m, way, penalty))
        movement = work.movement
        if movement is None:
            return self._job_without_movement(work.ways[0][0].action, modes)
        group = self.before.groups[movement.unit.group]
        minutes = group.targets.recovery_minutes
        due = int(minutes * 60) if minutes is not None and movement.kind != "start" else None
        priority = movement.unit.priority
        if movement.source is not None and self._suspect(movement.source):
            priority += _SUSPECT
        return Job(tuple(modes), priority, movement.count, due)

    def _job_without_movement(self, action: Action, modes: list[Mode]) -> Job:
        """Return the job of work on a thing, or of a takeover: the service of those who are lost is back by it."""
        if action.kind != "takeover" or action.group is None:
            return Job(tuple(modes))
        units = self.before.units_of[action.group]
        priority = max(
            (u.priority for u in units if not action.instances or u.name in action.instances), default=0
        )
        minutes = self.before.groups[action.group].targets.recovery_minutes
        due = int(minutes * 60) if minutes is not None else None
        return Job(tuple(modes), priority, action.count, due)

    def _suspect(self, site: int) -> bool:
        incidents = self.after.world.tree.incidents
        return any(incidents.get(a) is Incident.SUSPECT for a in self.tree.nodes[site].ancestors)

    def _mode(self, w: int, m: int, way: list[Draft], penalty: int) -> Mode:
        stops: int | None = None
        serves: int | None = None
        last: int | None = None
        legs: list[tuple[Draft, Point | None, Point | None]] = []
        for d, draft in enumerate(way):
            tasks: list[int] = []
            away = self._away(draft)
            for s, step in enumerate(draft.steps):
                task = len(self.tasks)
                self.tasks.append(
                    Task(
                        step.end_s - step.start_s,
                        w,
                        m,
                        earliest=self._ready(draft, step),
                        latest_end=self.latest_end,
                        in_window=bool(self.migrating.windows) and s in away,
                    )
                )
                self.step_of.append((w, m, d, s))
                self.task_of.setdefault(step.id, []).append(task)
                tasks.append(task)
                if step.interrupts and stops is None and self._runs_before(draft):
                    stops = task
                if step.serves:
                    serves = task
            if last is not None and tasks:
                self.precedences.append(Precedence(last, tasks[0]))
            if tasks:
                last = tasks[-1]
                legs.append((draft, *self._draft_holds(w, m, draft, tasks)))
        self._room(w, m, legs)
        return Mode(penalty, serves, stops)

    def _ready(self, draft: Draft, step: Step) -> int:
        """Return the second from which a step that takes room at its target may run."""
        if draft.movement is None or not EFFECTS[step.do].takes_target:
            return 0
        ancestors = self.tree.nodes[draft.movement.target].ancestors
        return max(self.tree.nodes[a].domain.ready_after_s or 0 for a in ancestors)

    def _runs_before(self, draft: Draft) -> bool:
        """Return whether the service is there until this stops it: a move, or what a standby hands back."""
        if draft.movement is None:
            return draft.action.kind == "takeover" and draft.action.takes_over == draft.action.group
        return draft.movement.kind == "move"

    def _away(self, draft: Draft) -> range:
        """Return the steps during which a service that is there today is away."""
        stops_for_others = draft.movement is not None and draft.movement.kind == "stop"
        if not stops_for_others and not self._runs_before(draft):
            return range(0)
        effects = [EFFECTS[step.do] for step in draft.steps]
        begins = next((s for s, step in enumerate(draft.steps) if step.interrupts), None)
        if begins is None:
            stopping = (s + (effect.stops == "end") for s, effect in enumerate(effects) if effect.stops)
            begins = next(stopping, len(effects))
        back = max((s for s, step in enumerate(draft.steps) if step.serves), default=len(effects) - 1)
        return range(begins, back + 1)

    def _draft_holds(self, w: int, m: int, draft: Draft, tasks: list[int]) -> tuple[Point | None, Point | None]:
        """Hold what a draft uses while it runs; return when it takes its target and frees its source."""
        movement = draft.movement
        if movement is None:
            return None, None
        takes, frees, first, last = self._points(draft, tasks)
        self._under_way(w, m, movement, first, last)
        self._links(w, m, draft, tasks)
        self._service(w, m, draft, tasks, frees)
        return takes, frees

    def _points(self, draft: Draft, tasks: list[int]) -> tuple[Point | None, Point | None, Point, Point]:
        takes: Point | None = None
        frees: Point | None = None
        for step, task in zip(draft.steps, tasks, strict=True):
            effect = EFFECTS[step.do]
            if effect.takes_target and takes is None:
                takes = (task, effect.takes_target)
            if effect.frees_source and frees is None:
                frees = (task, effect.frees_source)
        return takes, frees, (tasks[0], "start"), (tasks[-1], "end")

    # Room.

    def _room(self, w: int, m: int, legs: list[tuple[Draft, Point | None, Point | None]]) -> None:
        """Hold room at every site on the way, from when it is taken until it is freed.

        A leg is a draft, when it takes its target, and when it frees its source. A domain that holds one site
        after another counts what keeps its identity once, through both.
        """
        movement = next((draft.movement for draft, _, _ in legs if draft.movement is not None), None)
        if movement is None:
            return
        stays: list[tuple[int, Point | None, Point | None]] = []
        if movement.kind in ("move", "stop") and movement.source is not None:
            stays.append((movement.source, None, legs[0][2]))
        for number, (draft, takes, _) in enumerate(legs):
            if draft.movement is not None and takes is not None:
                frees = legs[number + 1][2] if number + 1 < len(legs) else None
                stays.append((draft.movement.target, takes, frees))
        single = all(draft.recipe is not None and "identifier" in draft.recipe.keeps for draft, _, _ in legs)
        inside = [set(self.tree.nodes[site].ancestors) for site, _, _ in stays]
        for domain in sorted(set().union(*inside)):
            spans: list[tuple[Point | None, Point | None]] = []
            before = False
            for (_, since, until), here in zip(stays, inside, strict=True):
                if domain in here:
                    spans.append((spans.pop()[0] if before and single else since, until))
                before = domain in here
            for since, until in spans:
                for resource, amount in self._limited(domain, movement):
                    self.holds.append(Hold(resource, amount, since, until, w, m))
                if self.tree.nodes[domain].level in self._separated.get(movement.unit.group, ()):
                    visits = self.visits.setdefault((movement.unit.group, domain), [])
                    visits.append((since, until, w, m))

    def _limited(self, domain: int, movement: Movement, *, known: bool = False) -> Iterable[tuple[int, int]]:
        """Yield (resource, amount) of everything that is limited in a domain and that the instances take.

        With `known` only of what is a resource already.
        """
        for key, limit, amount in self._limits(domain, movement):
            if not known or key in self.number:
                yield self._resource(key, limit), amount

    def _limits(self, domain: int, movement: Movement) -> Iterable[tuple[Key, int, int]]:
        """Yield (what, limit, amount) of everything that is limited in a domain and that the instances take."""
        unit = movement.unit
        node = self.tree.nodes[domain]
        for what in node.domain.capacity:
            amount = unit.demand.get(what, 0)
            limit = node.usable(what)
            if amount and limit is not None:
                yield ("room", domain, what), limit, amount * movement.count
        if unit.flavour is not None and (stock := node.usable_flavour(unit.flavour.id)) is not None:
            yield ("flavour", domain, unit.flavour.id), stock, movement.count
        if node.domain.most_instances is not None:
            yield ("instances", domain, None), node.domain.most_instances, movement.count
        yield from self._by_rules(domain, movement)

    def _by_rules(self, domain: int, movement: Movement) -> Iterable[tuple[Key, int, int]]:
        unit = movement.unit
        level = self.tree.nodes[domain].level
        for label, apart in self._apart.get(unit.group, ()):
            if apart.level == level:
                yield ("apart", domain, f"{label} {unit.group}"), apart.at_most, movement.count
        for label, quota in self._quotas.get(unit.group, ()):
            here = quota.domain if quota.domain is not None else self.tree.root(domain)
            at = self.tree.by_id[here] if isinstance(here, str) else here
            amount = quota_use(quota, unit)
            if at == domain and amount:
                place = domain if quota.domain is not None else -1
                yield ("quota", place, label), quota.most, amount * movement.count
        for label, load in self._loads:
            for what in load.limited(self.tree.nodes[domain]) if load.level == level else ():
                limit, amount = load.limit(self.tree.nodes[domain], what), unit.demand.get(what, 0)
                if amount and limit is not None:
                    yield ("load", domain, f"{label} {what}"), limit, amount * movement.count

    def _resource(self, key: Key, capacity: int) -> int:
        number = self.number.get(key)
        if number is None:
            number = self.number[key] = len(self.capacity)
            self.capacity.append(max(0, capacity))
        return number

    # What goes on at once.

    def _under_way(self, w: int, m: int, movement: Movement, first: Point, last: Point) -> None:
        settings = self.migrating
        if movement.kind == "stop":
            # Who stops for others neither moves nor is brought back.
            return
        source = movement.source if movement.kind == "move" else None
        ends = [s for s in (source, movement.target) if s is not None]
        lanes = lanes_of(self.before, ends)
        weight = side_by_side(movement.count, lanes)
        if settings.most_at_once is not None:
            self.holds.append(
                Hold(self._resource(("all", -1, None), settings.most_at_once), weight, first, last, w, m)
            )
        for level, most in settings.most_at_once_per.items():
            domains = {self.tree.at_level(s, level) for s in ends} - {None}
            for domain in sorted(d for d in domains if d is not None):
                self.holds.append(Hold(self._resource(("at once", domain, None), most), weight, first, last, w, m))

    def _links(self, w: int, m: int, draft: Draft, tasks: list[int]) -> None:
        movement = draft.movement
        if movement is None or movement.source is None:
            return
        out, into = crossed(self.before, movement.source, movement.target)
        lanes = lanes_of(self.before, [movement.source, movement.target])
        at_once = side_by_side(movement.count, lanes)
        for step, task in zip(draft.steps, tasks, strict=True):
            if step.mib_per_second is None:
                continue
            for way, domains in (("out", out), ("in", into)):
                for domain in domains:
                    uplink = self.tree.nodes[domain].domain.uplink_mbit_s
                    if uplink is not None:
                        resource = self._resource((f"uplink {way}", domain, None), uplink * BITS_PER_MBIT)
                        copied = at_once if EFFECTS[step.do].per == "instance" else 1
                        amount = step.mib_per_second * BITS_PER_MIB * copied
                        self.holds.append(Hold(resource, amount, (task, "start"), (task, "end"), w, m))

    # Who serves.

    def _service(self, w: int, m: int, draft: Draft, tasks: list[int], frees: Point | None) -> None:
        """While an instance that serves today is away, one of those that may be away at once is used up."""
        movement = draft.movement
        if movement is None or movement.kind not in ("move", "stop"):
            return
        since, until = self._outage(draft, tasks, frees)
        if since is None:
            return
        for resource in self._may_be_down(movement.unit.group):
            self.holds.append(Hold(resource, movement.count, since, until, w, m))

    def _outage(self, draft: Draft, tasks: list[int], frees: Point | None) -> tuple[Point | None, Point | None]:
        since: Point | None = None
        until: Point | None = None
        stopped: Point | None = None
        for step, task in zip(draft.steps, tasks, strict=True):
            effect = EFFECTS[step.do]
            if step.interrupts and since is None:
                since = (task, "start")
            if effect.stops and stopped is None and effect.runs != effect.stops:
                stopped = (task, effect.stops)
            if step.serves:
                until = (task, "end")
        since = since or stopped
        if since is not None and until is not None and until[0] < since[0]:
            return None, None
        return since, until

    def _may_be_down(self, group: str) -> Iterable[int]:
        """Yield the resources of which each absent instance of a group uses one."""
        serving = self._serving(group)
        for label, rule in self._keeping.get(group, ()):
            yield self._resource(("down", -1, f"{label} {group}"), serving - rule.needed(serving))
        for balancer in self.before.balancers.values():
            if group in balancer.backends and balancer.least_backends:
                most = serving - min(serving, balancer.least_backends)
                yield self._resource(("backends", -1, f"{balancer.id} {group}"), most)

    def _serving(self, group: str) -> int:
        return sum(n for unit in self.after.world.units_of[group] for n in unit.current.values())

    # Between jobs.

    def _needs(self) -> None:
        for work in self.works:
            for way in work.ways:
                for draft in way:
                    for step in draft.steps:
                        for need in step.needs:
                            self._precede(need, step.id)

    def _precede(self, need: str, step: str) -> None:
        for before in self.task_of.get(need, ()):
            for task in self.task_of[step]:
                one, other = self.tasks[before], self.tasks[task]
                if one.job != other.job or one.mode == other.mode:
                    self.precedences.append(Precedence(before, task))

    def _static(self) -> None:
        """Hold for ever what stays where it is, of every resource that something else takes."""
        domains = {at for what, at, _ in self.number if what in _STANDING}
        if -1 in domains:
            domains |= {node.index for node in self.tree.nodes if node.parent is None}
        load: dict[int, int] = {}
        for unit in self.after.world.units:
            if self.alone and not unit.pinned:
                continue
            gone = self.moving.get((unit.group, unit.name), {})
            for site, count in unit.current.items():
                stay = count - gone.get(site, 0)
                if stay <= 0:
                    continue
                still = Movement(unit, stay, "start", None, site)
                for domain in self.tree.nodes[site].ancestors:
                    if domain in domains:
                        for resource, amount in self._limited(domain, still, known=True):
                            load[resource] = load.get(resource, 0) + amount
        for resource in sorted(load):
            self.holds.append(Hold(resource, load[resource], None, None))

    def _separations(self) -> None:
        """Hold what lets only one of two groups be in a domain where they did not meet before."""
        for label, rule in all_rules(self.ruling):
            if isinstance(rule, Separation) and rule.continuous and rule.soft is None:
                for one, other in combinations(dict.fromkeys(rule.groups), 2):
                    self._keep_apart(label, rule, one, other)

    def _keep_apart(self, label: str, rule: Separation, one: str, other: str) -> None:
        concerned = {domain for group, domain in self.visits if group in (one, other)}
        for domain in sorted(d for d in concerned if self.tree.nodes[d].level == rule.level):
            (first_runs, first_stays), (other_runs, other_stays) = (self._today(g, domain) for g in (one, other))
            if first_runs and other_runs:
                continue
            mine, theirs = self.visits.get((one, domain), []), self.visits.get((other, domain), [])
            name = f"{label} {one} and {other}"
            barred = (theirs if first_stays else []) + (mine if other_stays else [])
            for since, until, w, m in barred:
                self.holds.append(Hold(self._resource(("apart", domain, name), 0), 1, since, until, w, m))
            pairs = [(a, b) for a in mine for b in theirs if a[2] != b[2]]
            for number, pair in enumerate(pairs, start=1):
                resource = self._resource(("apart", domain, f"{name} ({number})"), 1)
                for since, until, w, m in pair:
                    self.holds.append(Hold(resource, 1, since, until, w, m))

    def _today(self, group: str, domain: int) -> tuple[bool, bool]:
        """Return whether some of a group run in a domain at the start, and whether some of them stay there."""
        runs = stays = False
        for unit in self.after.world.units_of[group]:
            gone = self.moving.get((unit.group, unit.name), {})
            for site, count in unit.current.items():
                if count and domain in self.tree.nodes[site].ancestors:
                    runs = True
                    stays |= count > gone.get(site, 0) and (unit.pinned or not self.alone)
        return runs, stays

    def _exclusions(self) -> tuple[Exclusion, ...]:
        level = self.migrating.one_at_a_time
        if level is None:
            return ()
        sets: dict[int, list[int]] = {}
        for w, work in enumerate(self.works):
            movement = work.movement
            if movement is not None and movement.kind == "move" and movement.source is not None:
                domain = self.tree.at_level(movement.source, level)
                if domain is not None:
                    sets.setdefault(domain, []).append(w)
        return (Exclusion(tuple(tuple(jobs) for jobs in sets.values())),) if len(sets) > 1 else ()

    def _windows(self, origin: datetime | None) -> tuple[tuple[int, int], ...]:
        if not self.migrating.windows:
            return ()
        if origin is None:
            what = "windows need a beginning: give migration.starts_at, or taken_at"
            raise InputError(what, path=("migration", "windows"))
        found = []
        for window in self.migrating.windows:
            start = max(0, int((window.start - origin).total_seconds()))
            end = int((window.end - origin).total_seconds())
            if end > start:
                found.append((start, end))
        return tuple(found)

    @cached_property
    def _separated(self) -> dict[str, set[str]]:
        """Group to the levels at which it keeps away from another at every moment."""
        found: dict[str, set[str]] = {}
        for _, rule in all_rules(self.ruling):
            if isinstance(rule, Separation) and rule.continuous and rule.soft is None:
                for group in rule.groups:
                    found.setdefault(group, set()).add(rule.level)
        return found

    @cached_property
    def _apart(self) -> dict[str, list[tuple[str, AntiAffinity]]]:
        """Group to the limits per domain that hold at every moment."""
        return self._on_groups(AntiAffinity, lambda rule: rule.continuous and not rule.delegate)

    @cached_property
    def _quotas(self) -> dict[str, list[tuple[str, Quota]]]:
        """Group to the quotas that it draws on."""
        return self._on_groups(Quota)

    @cached_property
    def _loads(self) -> list[tuple[str, Load]]:
        """The limits on load that hold at every moment."""
        return [
            (label, rule)
            for label, rule in all_rules(self.ruling)
            if isinstance(rule, Load) and rule.continuous and rule.soft is None
        ]

    @cached_property
    def _keeping(self) -> dict[str, list[tuple[str, KeepRunning]]]:
        """Group to the rules on how many serve at every moment."""
        return self._on_groups(KeepRunning)

    def _on_groups(
        self, kind: type[R], holds: Callable[[R], bool] = lambda rule: True
    ) -> dict[str, list[tuple[str, R]]]:
        """Return group to the hard rules of a kind on it, with their labels."""
        found: dict[str, list[tuple[str, R]]] = {}
        for label, rule in all_rules(self.ruling):
            if isinstance(rule, kind) and rule.soft is None and holds(rule):
                for group in rule.selected(self.ruling):
                    found.setdefault(group, []).append((label, rule))
        return found


__all__ = ["Draft", "Ordering", "Work", "lower_order"]
