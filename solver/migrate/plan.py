"""`plan_migration`: the whole way from an event to ordered steps that have been played through."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zonewright.models.aftermath import RULED_OUT, Aftermath, aftermath
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.migration import GivenUp, Migration
from zonewright.models.placing import view_of
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status
from zonewright.models.rules.during import Avoid, Held
from zonewright.models.tree import Node
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels import cache
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.migrate.curve import gain_curve, moved, worth_it
from zonewright.solver.migrate.moves import Movement, movements
from zonewright.solver.migrate.ordering import Draft, Ordering, Work, lower_order
from zonewright.solver.migrate.target import Search, Target, find_target
from zonewright.solver.result import Clash, Listener, Progress

if TYPE_CHECKING:
    import pandas as pd

    from zonewright.models.executor import Breach
    from zonewright.solver.order.problem import Arrangement, Blocked

#: Hosts of the zones concerned up to which a cut speaks of all that is on them.
MOST_NEAR = 64
#: Seconds for the proof that a known order is the best, where nobody asks for a certain goal.
PROOF_S = 15.0
#: How often a target that no order leads to is replaced by another.
MOST_TARGETS = 40


@dataclass(frozen=True)
class MigrationResult:
    """The outcome of `plan_migration`."""

    status: Status
    """How far the target is proven; INFEASIBLE with a reason where there is no placement or no order."""
    migration: Migration | None
    """The plan, played through by the executor; with `no_order` the target without steps."""
    reason: str | None = None
    """`no_placement` or `no_order`."""
    objective: list[GoalValue] = field(default_factory=list)
    """Losses, moves, then the estate's goals, with bounds."""
    clash: list[Clash] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    """What waits for what, where no order exists."""
    warnings: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    engine: str = ""

    @property
    def gap(self) -> float | None:
        """Relative gap of the first goal of the target that is not closed; None without a bound."""
        target = self.migration.target if self.migration is not None else None
        return target.gap if target is not None else None

    def actions(self) -> pd.DataFrame:
        """Return the actions as a frame: id, kind, group, count, source, target, start and end in seconds."""
        import pandas as pd

        columns = ["id", "kind", "group", "count", "source", "target", "start_s", "end_s"]
        if self.migration is None:
            return pd.DataFrame(columns=columns)
        spans: dict[str, tuple[int, int]] = {}
        for step in self.migration.steps:
            start, end = spans.get(step.action, (step.start_s, step.end_s))
            spans[step.action] = min(start, step.start_s), max(end, step.end_s)
        rows = [
            (a.id, a.kind, a.group, a.count, a.source, a.target, *spans.get(a.id, (0, 0)))
            for a in self.migration.actions
        ]
        return pd.DataFrame(rows, columns=columns)


@tells_compiling
def plan_migration(
    estate: Estate | World,
    *,
    event: Event,
    target: Plan | None = None,
    order: bool = True,
    order_goals: Sequence[str] | None = None,
    curve: bool = False,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    work_limit: int | None = None,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> MigrationResult:
    """Plan what moves where after an event, in which order, by which steps, moving as little as possible.

    Parameters
    ----------
    estate
        The estate as it was when it was last read (with everybody's current site), or its world.
    event
        What happened, or what the migration is for.
    target
        With `Event(to=True)`: where everything is to be.
    order
        Plan the steps too; without, only the target is found.
    order_goals
        What the order is to be best in, first things first: of `penalty` (moves by a third host, stops),
        `late` (recovery-time targets), `service` (back by priority), `downtime` and `makespan`. By default
        `penalty`, `late`, `service`, `makespan`.
    curve
        Find out as well what fewer moves would reach; always done where the event has a `min_gain`.
    time_limit_s, workers, seed, work_limit, progress, stop
        As in `place`.

    Returns
    -------
    MigrationResult
        Its migration has been played through by the executor of `models` and breaks nothing.

    Raises
    ------
    InputError
        When the estate or the event names what does not exist, or no target is given where one is needed.
    """
    deadline = Deadline(time_limit_s, work_limit, stop or threading.Event())
    world = estate if isinstance(estate, World) else World(estate)
    deadline.reserve_s = min(0.2 * time_limit_s, 0.05 + 2e-4 * len(world.units))
    search = Search(deadline, workers or os.cpu_count() or 1, seed, work_limit, progress)
    if order:
        cache.begin(cache.ORDER)
    if (curve or event.min_gain) and target is None:
        return _with_curve(world, event, search, order, order_goals)
    return _Planning(world, event, search, target, order, order_goals).result()


def _with_curve(
    world: World, event: Event, search: Search, order: bool, order_goals: Sequence[str] | None
) -> MigrationResult:
    """Plan with the curve of gain against moves, and with only those moves that gain enough."""
    half = Deadline(0.5 * search.deadline.left, search.work_limit, search.deadline.stop)
    first = find_target(world, event, replace(search, deadline=half))
    points: list[tuple[int, int]] = []
    if first.plan is not None and first.status is not Status.INFEASIBLE:
        moves = moved(view_of(first.after.world, first.plan))
        rest = Deadline(0.4 * search.deadline.left, None, search.deadline.stop)
        points = gain_curve(world, event, replace(search, deadline=rest), first, moves)
        enough = worth_it(points, event.min_gain)
        if event.min_gain and enough < moves:
            event = event.model_copy(update={"max_moves": enough})
    result = _Planning(world, event, search, None, order, order_goals).result()
    if result.migration is None:
        return result
    return replace(result, migration=result.migration.model_copy(update={"curve": points}))


class _Planning:
    def __init__(
        self,
        world: World,
        event: Event,
        search: Search,
        given: Plan | None,
        order: bool,
        order_goals: Sequence[str] | None,
    ) -> None:
        self.world, self.event, self.search = world, event, search
        self.given, self.order, self.order_goals = given, order, order_goals
        self.cuts: list[Avoid] = []
        self.ruled_out: list[Avoid] = []
        """The cuts that the latest target was found with."""
        self.given_up: list[GivenUp] = []
        self.sure = True
        """Every target was ruled out for a reason that nothing could have helped."""

    def result(self) -> MigrationResult:
        blocked: list[str] = []
        target: Target | None = None
        last: Target | None = None
        for _ in range(MOST_TARGETS):
            found = find_target(self._world_with_cuts(), self.event, self.search, self.given, self.given_up)
            if found.plan is None or found.status is Status.INFEASIBLE:
                return self._no_order(target, blocked) if target is not None else self._no_target(found)
            if target is None and self.event.strictly and any(found.out):
                return self._not_for_all(found)
            if target is not None and found.out > target.out:
                # Whom only a loss would get out of the way is not given up for an order.
                if all(goal.closed for goal in found.objective[: len(found.out)]):
                    return self._no_order(target, blocked)
                return self._unordered(target, Status.UNKNOWN, None, blocked)
            target, self.ruled_out = found if self.sure else _unproven(found), list(self.cuts)
            if not self.order:
                return self._result(target, self._written(target, [], None))
            works, missing = self._works(target)
            if missing and self.given is not None:
                nodes = self.world.tree.nodes
                return self._no_order(target, [f"{_words(m, nodes)}: {why}"[:400] for m, why in missing])
            if missing:
                if not self._give_up(target, missing):
                    return self._unordered(target, Status.UNKNOWN, None, [missing[0][1][:400]])
                # With others counted out, or kept away, losses begin anew.
                last, target = target, None
                continue
            ordering, arrangement = self._arrange(target, works)
            if arrangement.status != "INFEASIBLE":
                if not arrangement.mode_j and works:
                    return self._unordered(target, Status.UNKNOWN)
                drafts = ordering.timed(arrangement)
                migration = self._written(target, drafts, arrangement)
                broken = self._broken(migration)
                if broken is None:
                    return self._result(target, migration)
                blocked = [broken.message[:400]]
                is_cut = self._cut_movement(target, drafts, broken)
            else:
                blocked = self._say_blocked(ordering, arrangement.blocked)
                is_cut = self.given is None and self._cut(target, ordering, arrangement)
            if not is_cut:
                return self._no_order(target, blocked)
            if self.search.deadline.over:
                return self._unordered(target, Status.UNKNOWN)
            self._news(f"no order leads there: another target ({len(self.cuts)} ruled out)")
        last = target or last
        assert last is not None
        return self._unordered(last, Status.UNKNOWN)

    def _news(self, message: str) -> None:
        if self.search.progress is not None:
            seconds = self.search.deadline.seconds
            self.search.progress(Progress(seconds, "order", None, None, None, message))

    # The loop between target and order.

    def _world_with_cuts(self) -> World:
        if not self.cuts:
            return self.world
        estate = self.world.estate
        return World(estate.model_copy(update={"rules": [*estate.rules, *self.cuts]}))

    def _works(self, target: Target) -> tuple[list[Work], list[tuple[Movement, str]]]:
        """Return the works of a target, and its movements that no recipe can carry out, with the reason."""
        from zonewright.solver.migrate.works import make_works

        assert target.plan is not None
        return make_works(target.after, target.plan, movements(target.after, target.plan))

    def _give_up(self, target: Target, missing: list[tuple[Movement, str]]) -> bool:
        """Count out what has to leave and cannot; keep the others from going where no way leads.

        Returns whether anything is new by that.
        """
        known = len(self.given_up) + len(self.cuts)
        after = target.after
        nodes = after.world.tree.nodes
        assert target.plan is not None
        for movement, reason in missing:
            unit, source = movement.unit, movement.source
            leaves = source is not None and (source in after.dead or source in after.left)
            if leaves and source is not None and not _leads_anywhere(after, movement):
                entry = GivenUp(group=unit.group, instance=unit.name, site=nodes[source].id, reason=reason[:400])
                if entry not in self.given_up:
                    self.given_up.append(entry)
                    continue
            self.sure = False
            self._rule_out(_kept_out(target, movement))
        self._news(f"no recipe leads there: {missing[0][1]}")
        return len(self.given_up) + len(self.cuts) > known

    def _arrange(self, target: Target, works: list[Work]) -> tuple[Ordering, Arrangement]:
        """Order the works; where they block each other, by other ways or in smaller parts."""
        from zonewright.solver.migrate.works import more_ways
        from zonewright.solver.order import arrange
        from zonewright.solver.order.problem import USUAL

        assert target.plan is not None
        for attempt in range(6):
            ordering = lower_order(target.after, target.plan, works)
            found = arrange(
                ordering.problem,
                self.search.deadline,
                workers=self.search.workers,
                seed=self.search.seed,
                objective=USUAL if self.order_goals is None else self.order_goals,
                proof_s=PROOF_S if self.order_goals is None else None,
                news=self._order_news,
            )
            if found.status != "INFEASIBLE" or found.blocked is None:
                return ordering, found
            wider = more_ways(target.after, works, found.blocked.jobs, attempt)
            if wider is None:
                return ordering, found
            works = wider
        return ordering, found

    def _order_news(self, engine: str, stage: str, value: int | None, bound: int | None) -> None:
        if self.search.progress is not None:
            seconds = self.search.deadline.seconds
            self.search.progress(Progress(seconds, f"order, {engine}", stage, value, bound))

    def _cut(self, target: Target, ordering: Ordering, arrangement: Arrangement) -> bool:
        """Rule out that all of what blocks each other is where it is meant to be; False where nothing is."""
        assert target.plan is not None
        if arrangement.blocked is None:
            return False
        stuck = [ordering.works[job] for job in arrangement.blocked.jobs]
        self.sure &= all(work.complete or work.movement is None for work in stuck)
        units: dict[int, set[int]] = {}
        for work in stuck:
            if work.movement is not None:
                units.setdefault(work.movement.unit.index, set()).add(work.movement.target)
        stops = any(work.movement is not None and work.movement.kind == "stop" for work in stuck)
        if stops or not self._blocked_alone(target, stuck):
            # Whoever else stays near may be what is in the way: the cut is about their places, too.
            self._add_who_stays(target, stuck, units)
        # Who may not be stopped is nowhere: only all places together say that he is.
        self.sure &= not stops or len({target.after.world.zone_of(s) for s in target.after.world.tree.sites}) == 1
        together = _held(target, units)
        return self._rule_out(together)

    def _cut_movement(self, target: Target, drafts: list[Draft], broken: Breach) -> bool:
        """Rule out where a movement ends that breaks a rule on its way; False where that rules out nothing.

        Another order might spare the rule: that nothing else leads there is not sure.
        """
        self.sure = False
        if self.given is not None:
            return False
        moved = next((d.movement for d in drafts if d.action.id == broken.action and d.movement is not None), None)
        return moved is not None and self._rule_out(_held(target, {moved.unit.index: {moved.target}}))

    def _rule_out(self, together: list[Held]) -> bool:
        if not together or any(known.together == together for known in self.cuts):
            return False
        self.cuts.append(Avoid(rule="avoid", id=f"{RULED_OUT}{len(self.cuts) + 1}", together=together))
        return True

    def _blocked_alone(self, target: Target, stuck: list[Work]) -> bool:
        """Return whether works block each other even where nobody else takes room."""
        from zonewright.solver.order import arrange

        assert target.plan is not None
        ordering = lower_order(target.after, target.plan, stuck, alone=True)
        found = arrange(ordering.problem, self.search.deadline, seed=self.search.seed, objective=("penalty",))
        return found.status == "INFEASIBLE"

    def _add_who_stays(self, target: Target, stuck: list[Work], units: dict[int, set[int]]) -> None:
        """Add who is where on the hosts that the works could use: a few hosts whole, of many only their own."""
        world = target.after.world
        assert target.plan is not None
        ends = {s for w in stuck if w.movement is not None for s in (w.movement.source, w.movement.target)}
        zones = {world.zone_of(site) for site in ends if site is not None}
        near = {site for zone in zones for site in world.tree.sites_under[zone]}
        if len(near) > MOST_NEAR:
            near, self.sure = {site for site in ends if site is not None}, False
        for index, sites in enumerate(view_of(world, target.plan).unit_counts):
            here = {site for site in sites if site in near}
            if here:
                units.setdefault(index, set()).update(here)

    def _say_blocked(self, ordering: Ordering, blocked: Blocked | None) -> list[str]:
        if blocked is None:
            return []
        nodes = self.world.tree.nodes
        said = [_words(ordering.works[job].movement, nodes) for job in blocked.jobs]
        names = ", ".join(said)
        if len(said) == 1:
            text = f"{names} finds no room or no time on its way"
        else:
            text = f"{len(said)} movements wait for each other: {names}"
        resources = [ordering.words(r) for r in blocked.resources]
        if resources:
            text += f"; short of {', '.join(resources)}"
        return [text[:400]]

    # What comes of it.

    def _written(self, target: Target, drafts: list[Draft], arrangement: Arrangement | None) -> Migration:
        from zonewright.solver.migrate.writing import write

        return write(
            self.world, self._final(target), drafts, arrangement, self.ruled_out, self.given_up, self.search.seed
        )

    def _broken(self, migration: Migration) -> Breach | None:
        """Play a migration; return a rule that does not hold at every moment though ordering was not told of it.

        Ordering knows no continuous rules on company, distance, spread and survival; and a given target may
        ask who stays for another subnet, which no step changes. Anything else that a migration breaks is a defect:
        raises ArithmeticError.
        """
        from zonewright.models.executor import Fault, execute

        execution = execute(self.world, migration)
        if execution.valid:
            return None
        known = {Fault.RULE} if self.given is None else {Fault.RULE, Fault.TARGET}
        others = [breach for breach in execution.violations if breach.fault not in known]
        if others or execution.claims:
            first = others[0] if others else execution.claims[0]
            raise ArithmeticError(f"the migration does not play: {first}")
        return execution.violations[0]

    def _final(self, target: Target) -> Target:
        """Return the target as one of the estate without the cuts, which only led there."""
        assert target.plan is not None
        if not self.ruled_out:
            return target
        after = aftermath(self.world, self.event, lenient=target.after.lenient, given_up=self.given_up)
        plan = target.plan.model_copy(update={"estate_fingerprint": after.estate.fingerprint})
        target.after, target.plan = after, plan
        return target

    def _result(self, target: Target, migration: Migration) -> MigrationResult:
        return MigrationResult(
            status=target.status,
            migration=migration,
            objective=target.objective,
            warnings=list(migration.warnings),
            assumptions=list(migration.assumptions),
            seconds=self.search.deadline.seconds,
            interrupted=self.search.deadline.stop.is_set(),
            engine=target.engine,
        )

    def _no_target(self, target: Target) -> MigrationResult:
        return MigrationResult(
            status=target.status,
            migration=None,
            reason="no_placement" if target.status is Status.INFEASIBLE else None,
            clash=target.clash,
            warnings=target.warnings,
            assumptions=target.assumptions,
            seconds=self.search.deadline.seconds,
            interrupted=self.search.deadline.stop.is_set(),
            engine=target.engine,
        )

    def _not_for_all(self, target: Target) -> MigrationResult:
        """Return a result where every rule was to hold, and not everybody finds a place under them."""
        proven = self.given is not None or any(goal.bound for goal in target.objective[: len(target.out)])
        result = self._no_target(target)
        return replace(
            result,
            status=Status.INFEASIBLE if proven else Status.UNKNOWN,
            reason="no_placement" if proven else None,
            objective=target.objective,
        )

    def _no_order(self, target: Target, blocked: list[str]) -> MigrationResult:
        if not self.sure:
            return self._unordered(target, Status.UNKNOWN, None, blocked)
        return self._unordered(target, Status.INFEASIBLE, "no_order", blocked)

    def _unordered(
        self, target: Target, status: Status, reason: str | None = None, blocked: list[str] | None = None
    ) -> MigrationResult:
        """Return a result whose target stands and whose order does not."""
        migration = self._written(target, [], None)
        update = {"order_status": status, "reason": reason, "blocked": blocked or []}
        return MigrationResult(
            status=Status.INFEASIBLE if reason else Status.UNKNOWN,
            migration=migration.model_copy(update=update),
            reason=reason,
            objective=target.objective,
            blocked=blocked or [],
            warnings=target.warnings,
            assumptions=target.assumptions,
            seconds=self.search.deadline.seconds,
            interrupted=self.search.deadline.stop.is_set(),
            engine=target.engine,
        )


def _unproven(target: Target) -> Target:
    """Return a target without its proof: something better may have been ruled out beside what has no order.

    That nothing is below 0 needs no proof.
    """
    assert target.plan is not None
    none = {goal.goal for goal in target.plan.objective if goal.closed and goal.value == 0}
    objective = [g if g.goal in none else g.model_copy(update={"bound": None}) for g in target.plan.objective]
    bounds = [BoundWitness(goal=goal.goal, kind="trivial", bound=0) for goal in objective if goal.goal in none]
    plan = target.plan.model_copy(update={"objective": objective, "bounds": bounds, "status": Status.FEASIBLE})
    text = "not proven: placements were ruled out that another way or order might lead to"
    return replace(target, plan=plan, status=Status.FEASIBLE, warnings=[*target.warnings, text])


def _held(target: Target, units: dict[int, set[int]]) -> list[Held]:
    """Return how many of each kind of instance the target has on these sites."""
    world = target.after.world
    assert target.plan is not None
    view = view_of(world, target.plan)
    counts: dict[tuple[str, str, str | None], int] = {}
    for index, sites in sorted(units.items()):
        unit = world.units[index]
        alike = [u for u in world.units_of[unit.group] if dict(u.demand) == dict(unit.demand)]
        same = len(alike) == len(world.units_of[unit.group])
        like = None if same else next((u.name for u in alike if u.name is not None), None)
        for site in sites:
            count = sum(view.unit_counts[u.index].get(site, 0) for u in alike)
            if count:
                counts[unit.group, world.tree.nodes[site].id, like] = count
    return [Held(group=g, domain=d, count=n, like=name) for (g, d, name), n in sorted(counts.items(), key=str)]


def _kept_out(target: Target, movement: Movement) -> list[Held]:
    """Return so many of a kind in the zone that a movement leads to as would be there with any of it."""
    world, source = target.after.world, movement.source
    zone = world.zone_of(movement.target)
    near = source is not None and world.zone_of(source) == zone
    sites = {movement.target} if near else set(world.tree.sites_under[zone])
    here = _held(target, {movement.unit.index: sites})
    count = sum(held.count for held in here) - movement.count + 1
    domain = world.tree.nodes[movement.target if near else zone].id
    return [here[0].model_copy(update={"domain": domain, "count": max(1, count)})] if here else []


def _leads_anywhere(after: Aftermath, movement: Movement) -> bool:
    """Return whether some recipe gets the instances to another site: one host of their zone, one of each other."""
    from zonewright.solver.migrate.recipes import ways

    world, source = after.world, movement.source
    others = [s for s in world.tree.sites if s != source and not world.tree.must_leave(s)]
    one_each = {world.zone_of(site): site for site in others}
    dead = movement.kind == "recovery"
    return any(ways(world, replace(movement, target=site), dead) for site in one_each.values())


def _words(movement: Movement | None, nodes: Sequence[Node]) -> str:
    if movement is None:
        return "work on a network or balancer"
    who = movement.unit.name or f"{movement.count} of {movement.unit.group}"
    ids = [nodes[s].id for s in (movement.source, movement.target) if s is not None]
    return f"{who} ({' -> '.join(ids)})"


__all__ = ["MigrationResult", "plan_migration"]
