"""`explain`: why a plan is as it is, or why there is none."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

from zonewright.models.aftermath import Aftermath, aftermath
from zonewright.models.check import judge
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.migration import Loss, Migration
from zonewright.models.placing import view_of
from zonewright.models.plan import GoalValue, Plan, Status
from zonewright.models.rules import Avoid
from zonewright.models.world import World
from zonewright.solver.clashes.result import Clashes
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.reasons.binding import binding_of
from zonewright.solver.reasons.finding import clashes_of, plan_or_clashes
from zonewright.solver.reasons.parts import compare, parts_of
from zonewright.solver.reasons.questions import Case
from zonewright.solver.reasons.questions import why as answer_why
from zonewright.solver.reasons.questions import why_not as answer_why_not
from zonewright.solver.reasons.result import Explanation, Why, WhyNot
from zonewright.solver.reasons.subject import find_subject, split_question
from zonewright.solver.result import Listener, Progress, Result


@tells_compiling
def explain(
    estate: Estate | World,
    *,
    plan: Plan | None = None,
    migration: Migration | None = None,
    event: Event | None = None,
    against: Plan | None = None,
    why: Sequence[str] = (),
    why_not: Sequence[str] = (),
    binding: bool = True,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> Explanation:
    """Say why a plan is as it is; or, where there is none, why.

    Parameters
    ----------
    estate
        The estate, or its resolved world.
    plan
        The plan to explain; without one `place` is asked first.
    migration
        In place of a plan: the migration whose target is explained, on what its event leaves of the estate; or why
        it has no target, or no order.
    event
        What happened: explained is what it leaves of the estate. A migration brings its own.
    against
        Another plan of the same estate to compare with.
    why
        Instances (`web[17]`, a named one, or a group): why there, why moved.
    why_not
        `INSTANCE@DOMAIN`: why not there.
    binding
        Look for the limits that are reached, and for what a little more of each would give.
    time_limit_s
        Seconds for everything: what is known by then is returned, and called what it is.
    workers, seed
        As for `place`.
    progress, stop
        As for `place`.

    Returns
    -------
    Explanation
        With the plan's status; INFEASIBLE with what clashes; UNKNOWN with the reason `no_time`.

    Raises
    ------
    InputError
        When the estate, a plan or a question names what does not exist.
    """
    deadline = Deadline(time_limit_s, stop=stop or threading.Event())
    world = estate if isinstance(estate, World) else World(estate)
    run = _Run(world, deadline, workers or os.cpu_count() or 1, seed, progress)
    if migration is not None:
        left = aftermath(world, migration.event, lenient=migration.lenient, given_up=migration.given_up)
        run.after(left, migration.ruled_out)
        plan = migration.target
    elif event is not None:
        run.after(aftermath(world, event))
    # Names are looked up before anything is solved.
    whom = [find_subject(run.world, name) for name in why]
    where = [split_question(run.world, text) for text in why_not]
    other = None if against is None else view_of(run.world, against)
    if migration is not None and (plan is None or migration.reason is not None):
        return run.no_migration(migration)
    if plan is None:
        result, clashes = plan_or_clashes(
            run.world,
            deadline,
            all_of_it=not (whom or where or binding),
            workers=run.workers,
            seed=seed,
            listener=progress,
        )
        if result.plan is None:
            return run.nothing(result, clashes)
        plan = result.plan
    case = run.case(plan)
    parts = parts_of(case.view, case.report)
    changes = [] if other is None else compare(parts, parts_of(other, judge(other)))
    answers: list[Why] = []
    others: list[WhyNot] = []
    questions = len(whom) + len(where)
    for number, subject in enumerate(whom):
        answers.append(answer_why(case, subject, seconds=run.share(questions - number, binding)))
    for number, (subject, domain) in enumerate(where):
        share = run.share(questions - len(whom) - number, binding)
        others.append(answer_why_not(case, subject, domain, seconds=share))
    bound, limits = binding_of(case, seconds=deadline.left) if binding else ([], 0)
    return Explanation(
        status=case.plan.status,
        plan=case.plan,
        objective=list(case.plan.objective),
        broken=[v for v in case.report.violations if v.hard],
        parts=parts,
        changes=changes,
        why=answers,
        why_not=others,
        binding=bound,
        limits=limits,
        losses=list(migration.losses) if migration is not None else run.losses,
        assumptions=list(case.plan.assumptions),
        warnings=list(run.world.warnings),
        seconds=deadline.seconds,
        interrupted=deadline.stop.is_set(),
        engine=case.plan.engine or "",
    )


class _Run:
    """What all of an explanation shares."""

    def __init__(
        self, world: World, deadline: Deadline, workers: int, seed: int, listener: Listener | None
    ) -> None:
        self.world = world
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.listener = listener
        self.before: dict[int, Mapping[int, int]] = {}
        self.losses: list[Loss] = []
        self._told = 0.0

    def after(self, left: Aftermath, ruled_out: Sequence[Avoid] = ()) -> None:
        """Go on with what an event leaves of the estate, placements that were ruled out left aside."""
        self.world = left.world
        if ruled_out:
            rules = [*left.estate.rules, *ruled_out]
            self.world = World(left.estate.model_copy(update={"rules": rules}))
        self.before = {unit.index: left.unit_before(unit).current for unit in self.world.units}
        self.losses = list(left.losses)

    def no_migration(self, migration: Migration) -> Explanation:
        """Say why an event has no target, or the target no order."""
        placement = migration.reason != "no_order"
        return Explanation(
            status=Status.INFEASIBLE if migration.reason is not None else Status.UNKNOWN,
            reason=migration.reason or "no_time",
            plan=migration.target,
            objective=list(migration.objective),
            clashes=self._clashes() if placement and migration.reason is not None else None,
            blocked=list(migration.blocked),
            losses=list(migration.losses),
            assumptions=list(migration.assumptions),
            warnings=list(migration.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
            engine=migration.engine or "",
        )

    def nothing(self, result: Result, clashes: Clashes | None) -> Explanation:
        """Say why there is no plan."""
        found = clashes if clashes is not None and clashes.clashes else None
        impossible = result.status is Status.INFEASIBLE or found is not None
        return Explanation(
            status=Status.INFEASIBLE if impossible else Status.UNKNOWN,
            reason="no_placement" if impossible else "no_time",
            clashes=found,
            losses=self.losses,
            assumptions=list(result.assumptions),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
            engine="clashes" if found else result.engine,
        )

    def _clashes(self) -> Clashes:
        return clashes_of(self.world, self.deadline, workers=self.workers, seed=self.seed, listener=self.listener)

    def case(self, plan: Plan) -> Case:
        """Judge a plan: its values are the judge's, its bounds what it claims and can claim."""
        view = view_of(self.world, plan)
        report = judge(view)
        claimed = {goal.goal: goal for goal in plan.objective}
        same = bool(self.before) or plan.estate_fingerprint == self.world.estate.fingerprint
        objective: list[GoalValue] = []
        for goal, value in report.objective:
            said = claimed.get(goal)
            true = same and said is not None and said.value == value and all(g.closed for g in objective)
            objective.append(GoalValue(goal=goal, value=value, bound=said.bound if said and true else None))
        hard = any(v.hard for v in report.violations)
        closed = all(goal.closed for goal in objective) and not hard
        status = Status.OPTIMAL if closed else Status.FEASIBLE
        plan = plan.model_copy(update={"objective": objective, "status": status})
        return Case(self.world, plan, view, report, self.deadline, self.workers, self.seed, self.news, self.before)

    def share(self, questions: int, binding: bool) -> float:
        """Return the seconds for the next of so many questions."""
        return self.deadline.left / (questions + int(binding))

    def news(self, what: str, done: int, of: int) -> None:
        """Tell the listener, a few times a second at most."""
        now = self.deadline.seconds
        if self.listener is not None and (now - self._told > 0.25 or done + 1 == of):
            self._told = now
            self.listener(Progress(now, "reasons", message=f"{what} {done + 1} of {of}"))


__all__ = ["explain"]
