"""Orders by CP-SAT: intervals for tasks and holds, one cumulative per resource, one stage after another."""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zonewright.solver.deadline import Deadline
from zonewright.solver.order.bounds import Paths, paths_of
from zonewright.solver.order.judge import faults, stages_of, values_of
from zonewright.solver.order.lasting import lasts
from zonewright.solver.order.problem import Hold, News, OrderProblem, Point, horizon_of
from zonewright.solver.order.table import momentary, scarce


@dataclass(frozen=True)
class Found:
    """What CP-SAT said."""

    status: Literal["optimal", "feasible", "infeasible", "open"]
    mode_j: tuple[int, ...] = ()
    start_t: tuple[int | None, ...] = ()
    bounds: tuple[int, ...] = ()
    """Per stage; as good as those given where CP-SAT knew nothing better."""


def size_of(problem: OrderProblem, allowed: Sequence[Collection[int]]) -> int:
    """Return how many intervals a model would have."""
    resources = set(scarce(problem))
    holds = sum(
        hold.resource in resources and (hold.job is None or hold.mode in allowed[hold.job])
        for hold in problem.holds
    )
    return len(problem.tasks) + holds


class Exact:
    """A CP-SAT model of a problem, kept for several stages."""

    def __init__(
        self,
        problem: OrderProblem,
        goals: Sequence[str],
        allowed: Sequence[Collection[int]],
        paths: Paths | None = None,
    ) -> None:
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self.problem, self.allowed = problem, [sorted(modes) for modes in allowed]
        self.stages, self._goals = stages_of(problem, goals), tuple(goals)
        self.horizon = horizon_of(problem) + 1
        # What is held for ever is held longer than anything can wait.
        self.forever = self.horizon + 1
        self.model: Any = cp_model.CpModel()
        self._paths = paths or paths_of(problem)
        self._hints: list[tuple[Any, Any]] = []
        """(variable, function of an order that gives its value)."""
        self._back: dict[int, Any] = {}
        self._surely = lasts(problem)
        self._modes()
        self._starts()
        self._holds()
        self._exclusions()
        self._order_twins()
        self._terms = [self._term(stage) for stage in self.stages]

    # What is decided

    def _modes(self) -> None:
        self.chosen: dict[tuple[int, int], Any] = {}
        for j, modes in enumerate(self.allowed):
            literals = [True if len(modes) == 1 else self.model.new_bool_var("") for _ in modes]
            for m, literal in zip(modes, literals, strict=True):
                self.chosen[j, m] = literal
                if literal is not True:
                    self._hints.append((literal, lambda mode_j, _, j=j, m=m: mode_j[j] == m))
            if len(modes) > 1:
                self.model.add_exactly_one(literals)

    def _starts(self) -> None:
        cp, model = self._cp, self.model
        self.start: dict[int, Any] = {}
        for t, task in enumerate(self.problem.tasks):
            if (task.job, task.mode) not in self.chosen:
                continue
            head = self._paths.head_t[t]
            last = self.horizon - task.duration
            if task.latest_end is not None:
                last = min(last, task.latest_end - task.duration)
            first = task.earliest if head is None else head
            spans = [[first, last]]
            if task.in_window:
                spans = [[max(first, a), min(last, b - task.duration)] for a, b in self._windows()]
            spans = [span for span in spans if span[0] <= span[1]]
            if not spans:
                # No time for it: the mode is out. A start is still needed for the model to be sound.
                self._forbid(self.chosen[task.job, task.mode])
                spans = [[0, self.horizon - task.duration]]
            self.start[t] = model.new_int_var_from_domain(cp.Domain.from_intervals(spans), "")
            self._hints.append(
                (self.start[t], lambda _, start_t, t=t, low=spans[0][0]: low if start_t[t] is None else start_t[t])
            )
        for link in self.problem.precedences:
            if link.before in self.start and link.after in self.start:
                self._after(self._at((link.after, "start")), self._at((link.before, "end")) + link.lag,
                            [self._runs(link.before), self._runs(link.after)])  # fmt: skip

    def _windows(self) -> list[tuple[int, int]]:
        joined: list[tuple[int, int]] = []
        for a, b in sorted(self.problem.windows):
            if joined and a <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
            else:
                joined.append((a, b))
        return joined

    def _forbid(self, literal: Any) -> None:
        if literal is True:
            self.model.add_bool_or([])
        else:
            self.model.add(literal == 0)

    def _runs(self, t: int) -> Any:
        task = self.problem.tasks[t]
        return self.chosen[task.job, task.mode]

    def _at(self, point: Point) -> Any:
        t, edge = point
        return self.start[t] + (self.problem.tasks[t].duration if edge == "end" else 0)

    def _after(self, late: Any, early: Any, literals: Sequence[Any]) -> None:
        added = self.model.add(late >= early)
        real = [literal for literal in literals if literal is not True]
        if real:
            added.only_enforce_if(real)

    # What limits it

    def _holds(self) -> None:
        problem, resources = self.problem, set(scarce(self.problem))
        held: dict[int, list[tuple[Hold, Any]]] = defaultdict(list)
        for hold in problem.holds:
            literal: Any = True
            if hold.job is not None:
                if (hold.job, hold.mode) not in self.chosen:
                    continue
                literal = self.chosen[hold.job, hold.mode]
            points = [point for point in (hold.since, hold.until) if point is not None]
            if any(point[0] not in self.start for point in points):
                continue
            if hold.since and hold.until and hold.since[0] != hold.until[0]:
                self._after(self._at(hold.until), self._at(hold.since), [literal])
            if hold.resource in resources and hold.amount and (hold.since is None or hold.since != hold.until):
                held[hold.resource].append((hold, literal))
        self._tasks_as_intervals: dict[int, Any] = {}
        for r, holds in sorted(held.items()):
            self._resource(r, holds)

    def _task_interval(self, t: int) -> Any:
        if t not in self._tasks_as_intervals:
            duration, literal = self.problem.tasks[t].duration, self._runs(t)
            self._tasks_as_intervals[t] = (
                self.model.new_fixed_size_interval_var(self.start[t], duration, "")
                if literal is True
                else self.model.new_optional_fixed_size_interval_var(self.start[t], duration, literal, "")
            )
        return self._tasks_as_intervals[t]

    def _interval(self, since: Any, until: Any, size: Any, literal: Any) -> Any:
        if literal is True:
            return self.model.new_interval_var(since, size, until, "")
        return self.model.new_optional_interval_var(since, size, until, literal, "")

    def _resource(self, r: int, holds: list[tuple[Hold, Any]]) -> None:
        model, room = self.model, self.problem.capacity[r]
        intervals, amounts = [], []
        initial: dict[int | None, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for hold, literal in holds:
            if hold.since is None and hold.until is None and literal is True:
                room -= hold.amount
                continue
            since = 0 if hold.since is None else self._at(hold.since)
            until = self.forever if hold.until is None else self._at(hold.until)
            if hold.since and hold.until and hold.since[0] == hold.until[0]:
                interval = self._task_interval(hold.since[0])
            elif hold.since and hold.until:
                size = model.new_int_var(0, self.horizon, "")
                self._hints.append((size, lambda mode_j, start_t, h=hold: self._length(h, mode_j, start_t)))
                interval = self._interval(since, until, size, literal)
            else:
                interval = self._interval(since, until, until - since, literal)
            intervals.append(interval)
            amounts.append(hold.amount)
            if hold.since is None:
                initial[hold.job][hold.mode] += hold.amount
        at_most = sum(max(by_mode.values()) for by_mode in initial.values())
        takers = [(hold, literal) for hold, literal in holds if hold.since is not None]
        if at_most > room:
            # Above capacity at the beginning: nobody takes anything until second `below`, and from then on a
            # filler brings the total down to the capacity.
            below = model.new_int_var(0, self.forever, "")
            self._hints.append((below, lambda mode_j, start_t, r=r: self._below(r, mode_j, start_t)))
            if takers:
                for hold, literal in takers:
                    assert hold.since is not None
                    self._after(self._at(hold.since), below, [literal, self._lasting(hold)])
                intervals.append(model.new_interval_var(below, self.forever - below, self.forever, ""))
                amounts.append(at_most - room)
                model.add_cumulative(intervals, amounts, at_most)
        elif takers:
            model.add_cumulative(intervals, amounts, room)

    def _lasting(self, hold: Hold) -> Any:
        """Return a literal that is true where a hold lasts longer than no time."""
        if self._surely(hold):
            return True
        assert hold.since is not None
        assert hold.until is not None
        literal = self.model.new_bool_var("")
        self._after(self._at(hold.since), self._at(hold.until), [~literal, *self._present(hold)])
        self._hints.append((literal, lambda mode_j, start_t, h=hold: self._length(h, mode_j, start_t) > 0))
        return literal

    def _present(self, hold: Hold) -> list[Any]:
        return [] if hold.job is None else [self.chosen[hold.job, hold.mode]]

    def _length(self, hold: Hold, mode_j: Sequence[int], start_t: Sequence[int | None]) -> int:
        assert hold.since is not None
        assert hold.until is not None
        a, b = self._time(hold.since, start_t), self._time(hold.until, start_t)
        return 0 if a is None or b is None else max(0, b - a)

    def _time(self, point: Point, start_t: Sequence[int | None]) -> int | None:
        start = start_t[point[0]]
        if start is None:
            return None
        return start + (self.problem.tasks[point[0]].duration if point[1] == "end" else 0)

    def _below(self, r: int, mode_j: Sequence[int], start_t: Sequence[int | None]) -> int:
        """Return the first second at which what is held from the beginning fits."""
        load, ends = 0, []
        for hold in self.problem.holds:
            exists = hold.job is None or mode_j[hold.job] == hold.mode
            if hold.resource == r and hold.since is None and exists:
                load += hold.amount
                end = None if hold.until is None else self._time(hold.until, start_t)
                if end is not None:
                    ends.append((end, hold.amount))
        moment = 0
        for end, amount in sorted(ends):
            if load <= self.problem.capacity[r]:
                break
            load -= amount
            moment = end
        return moment if load <= self.problem.capacity[r] else self.forever

    def _exclusions(self) -> None:
        """Keep jobs of different sets apart, pair by pair."""
        moments = momentary(self.problem) if self.problem.exclusions else set()
        for exclusion in self.problem.exclusions:
            spans = {
                j: [] if j in moments else [self._job_span(j, m) for m in self.allowed[j]]
                for jobs in exclusion.sets
                for j in jobs
            }
            for n, jobs in enumerate(exclusion.sets):
                for others in exclusion.sets[n + 1 :]:
                    for a in jobs:
                        for b in others:
                            for one in spans[a]:
                                for two in spans[b]:
                                    self._keep_apart(one, two)

    def _job_span(self, j: int, m: int) -> tuple[Any, list[int]]:
        tasks = [t for t, task in enumerate(self.problem.tasks) if (task.job, task.mode) == (j, m)]
        return self.chosen[j, m], tasks

    def _keep_apart(self, one: tuple[Any, list[int]], two: tuple[Any, list[int]]) -> None:
        if not one[1] or not two[1]:
            return
        first = self.model.new_bool_var("")

        def ends_first(mode_j: Sequence[int], start_t: Sequence[int | None]) -> bool:
            ends = [e for t in one[1] if (e := self._time((t, "end"), start_t)) is not None]
            starts = [s for t in two[1] if (s := start_t[t]) is not None]
            return not ends or not starts or max(ends) <= min(starts)

        self._hints.append((first, ends_first))
        for literal, before, after in ((first, one[1], two[1]), (~first, two[1], one[1])):
            for a in before:
                for b in after:
                    self._after(self._at((b, "start")), self._at((a, "end")), [literal, one[0], two[0]])

    def _order_twins(self) -> None:
        """Start jobs that are alike in everything one after another: nothing is lost."""
        self.twins: list[list[int]] = []
        for jobs in twins_of(self.problem, self.allowed):
            first = [min(t for t in self._job_span(j, self.allowed[j][0])[1]) for j in jobs]
            for a, b in itertools.pairwise(first):
                self.model.add(self.start[a] <= self.start[b])
            self.twins.append(jobs)

    # What is wanted

    def _end_of_service(self, j: int) -> Any:
        """Return an expression no less than when the service is back; 0 where the mode brings nothing."""
        if j not in self._back:
            modes = self.problem.jobs[j].modes
            serves = [(m, modes[m].serves) for m in self.allowed[j]]
            if len(serves) == 1:
                t = serves[0][1]
                self._back[j] = 0 if t is None else self._at((t, "end"))
            else:
                back = self._back[j] = self.model.new_int_var(0, self.horizon, "")
                for m, t in serves:
                    if t is not None:
                        self._after(back, self._at((t, "end")), [self.chosen[j, m]])
                self._hints.append((back, lambda mode_j, start_t, j=j: self._back_at(j, mode_j, start_t)))
        return self._back[j]

    def _back_at(self, j: int, mode_j: Sequence[int], start_t: Sequence[int | None]) -> int:
        t = self.problem.jobs[j].modes[mode_j[j]].serves
        return 0 if t is None else self._time((t, "end"), start_t) or 0

    def _term(self, stage: str) -> Any:
        kind, _, level = stage.partition(":")
        jobs, model = self.problem.jobs, self.model
        if kind == "penalty":
            return sum(
                jobs[j].modes[m].penalty * (1 if lit is True else lit) for (j, m), lit in self.chosen.items()
            )
        if kind == "makespan":
            latest = model.new_int_var(0, self.horizon, "")
            for t in self.start:
                self._after(latest, self._at((t, "end")), [self._runs(t)])
            self._hints.append(
                (
                    latest,
                    lambda _, start_t: max(
                        (self._time((t, "end"), start_t) or 0 for t in range(len(start_t))), default=0
                    ),
                )
            )
            return latest
        if kind == "downtime":
            return sum(self._away(j, m) for j, m in self.chosen)
        of_level = [j for j, job in enumerate(jobs) if job.priority == int(level)]
        if kind == "service":
            return sum(jobs[j].weight * self._end_of_service(j) for j in of_level)
        total: Any = 0
        for j in of_level:
            due, back = jobs[j].due, self._end_of_service(j)
            if due is None or isinstance(back, int):
                continue
            late = model.new_int_var(0, self.horizon, "")
            model.add(late >= back - due)
            self._hints.append(
                (late, lambda mode_j, start_t, j=j, due=due: max(0, self._back_at(j, mode_j, start_t) - due))
            )
            total += jobs[j].weight * late
        return total

    def _away(self, j: int, m: int) -> Any:
        mode, weight = self.problem.jobs[j].modes[m], self.problem.jobs[j].weight
        if mode.serves is None or mode.stops is None:
            return 0
        away = self._at((mode.serves, "end")) - self._at((mode.stops, "start"))
        if self.chosen[j, m] is True:
            return weight * away
        counted = self.model.new_int_var(-self.horizon, self.horizon, "")
        self._after(counted, away, [self.chosen[j, m]])
        self.model.add(counted == 0).only_enforce_if(~self.chosen[j, m])

        def value(mode_j: Sequence[int], start_t: Sequence[int | None]) -> int:
            if mode_j[j] != m or mode.serves is None or mode.stops is None:
                return 0
            return (self._time((mode.serves, "end"), start_t) or 0) - (start_t[mode.stops] or 0)

        self._hints.append((counted, value))
        return weight * counted

    # Solving

    def solve(
        self,
        deadline: Deadline,
        *,
        workers: int,
        seed: int,
        known: Sequence[int],
        hint: tuple[Sequence[int], Sequence[int | None]] | None = None,
        first_only: bool = False,
        news: News | None = None,
    ) -> Found:
        """Minimize stage by stage from a hint; `known` are bounds of the stages.

        With `first_only` find any order at all, from scratch.
        """
        bounds = list(known)
        best = None
        if hint is not None:
            best = self._tidy(*hint)
        if best is None or first_only:
            answer = self._once(None, deadline, workers, seed, best, None, deadline.left)
            if answer.status in ("infeasible", "open"):
                return answer
            best = answer.mode_j, answer.start_t
            if first_only:
                return Found("feasible", *best, tuple(bounds))
        closed = True
        for g, stage in enumerate(self.stages):
            values = values_of(self.problem, *best, self._goals)
            if isinstance(self._terms[g], int):
                bounds[g] = max(bounds[g], self._terms[g])
            if values[g] > bounds[g] and not deadline.over:
                share = deadline.left / (len(self.stages) - g)
                answer = self._once(g, deadline, workers, seed, best, bounds[g], share)
                if answer.bounds:
                    bounds[g] = max(bounds[g], answer.bounds[0])
                if answer.mode_j:
                    better = values_of(self.problem, answer.mode_j, answer.start_t, self._goals)
                    if better[: g + 1] <= values[: g + 1]:
                        best, values = (answer.mode_j, answer.start_t), better
                if news is not None:
                    news("exact", stage, values[g], bounds[g])
            closed = closed and values[g] <= bounds[g]
            if not isinstance(self._terms[g], int):
                self.model.add(self._terms[g] <= values[g])
        return Found("optimal" if closed else "feasible", *best, tuple(bounds))

    def _tidy(
        self, mode_j: Sequence[int], start_t: Sequence[int | None]
    ) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
        """Return the same order with twins in their order."""
        starts = list(start_t)
        for jobs in self.twins:
            rows = sorted([start_t[t] for t in self._job_span(j, self.allowed[j][0])[1]] for j in jobs)
            for j, row in zip(jobs, rows, strict=True):
                for t, start in zip(self._job_span(j, self.allowed[j][0])[1], row, strict=True):
                    starts[t] = start
        return tuple(mode_j), tuple(starts)

    def _once(
        self,
        g: int | None,
        deadline: Deadline,
        workers: int,
        seed: int,
        hint: tuple[Sequence[int], Sequence[int | None]] | None,
        floor: int | None,
        seconds: float,
    ) -> Found:
        cp: Any = self._cp
        model = self.model
        model.clear_objective()
        model.clear_hints()
        if g is not None:
            model.minimize(self._terms[g])
        if hint is not None:
            for variable, value in self._hints:
                model.add_hint(variable, int(value(*hint)))
        solver = cp.CpSolver()
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = seed
        solver.parameters.catch_sigint_signal = False
        solver.parameters.max_time_in_seconds = max(0.01, min(seconds, deadline.left))
        if deadline.work_left is not None:
            share = 1 if g is None else len(self.stages) - g
            solver.parameters.max_deterministic_time = max(1e-6, deadline.work_left / share)

        class Listener(cp.CpSolverSolutionCallback):  # type: ignore[misc]
            def on_solution_callback(self) -> None:
                if floor is not None and self.objective_value <= floor + 1e-6:
                    self.stop_search()

        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                if deadline.stop.is_set():
                    solver.stop_search()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            status = solver.solve(model, Listener() if g is not None and floor is not None else None)
            deadline.spend(solver.deterministic_time)
        finally:
            ended.set()
            watcher.join()
        assert status != cp.MODEL_INVALID, model.validate()
        bounds: tuple[int, ...] = ()
        if g is not None and status in (cp.OPTIMAL, cp.FEASIBLE, cp.UNKNOWN):
            bounds = (_whole(solver.best_objective_bound),)
        if status in (cp.OPTIMAL, cp.FEASIBLE):
            mode_j = tuple(
                next(m for m in modes if len(modes) == 1 or solver.value(self.chosen[j, m]))
                for j, modes in enumerate(self.allowed)
            )
            start_t = tuple(
                int(solver.value(self.start[t])) if mode_j[task.job] == task.mode else None
                for t, task in enumerate(self.problem.tasks)
            )
            wrong = faults(self.problem, mode_j, start_t)
            assert not wrong, wrong[0]
            return Found("optimal" if status == cp.OPTIMAL else "feasible", mode_j, start_t, bounds)
        return Found("infeasible" if status == cp.INFEASIBLE else "open", bounds=bounds)


def _whole(bound: float) -> int:
    """Return the least integer that is no less than a proven bound."""
    return math.ceil(bound - 1e-6) if math.isfinite(bound) else -(1 << 62)


def twins_of(problem: OrderProblem, allowed: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return groups of jobs, of one mode each, that could change places without any difference."""
    apart = {j for exclusion in problem.exclusions for jobs in exclusion.sets for j in jobs}
    for link in problem.precedences:
        a, b = problem.tasks[link.before].job, problem.tasks[link.after].job
        if a != b:
            apart |= {a, b}
    tasks: list[list[int]] = [[] for _ in problem.jobs]
    for t, task in enumerate(problem.tasks):
        if task.mode in allowed[task.job]:
            tasks[task.job].append(t)
    place = {t: n for ts in tasks for n, t in enumerate(ts)}
    rows: list[list[tuple[object, ...]]] = [[] for _ in problem.jobs]
    for hold in problem.holds:
        points = [p for p in (hold.since, hold.until) if p is not None and p[0] in place]
        owners = {problem.tasks[p[0]].job for p in points}
        if hold.job is None or owners - {hold.job}:
            apart |= owners
        elif hold.mode in allowed[hold.job]:
            since, until = (None if p is None else (place[p[0]], p[1]) for p in (hold.since, hold.until))
            rows[hold.job].append((hold.resource, hold.amount, since or (-1, ""), until or (-1, "")))
    for link in problem.precedences:
        j = problem.tasks[link.before].job
        if link.before in place and link.after in place:
            rows[j].append((-1, link.lag, (place[link.before], ""), (place[link.after], "")))
    alike: dict[object, list[int]] = defaultdict(list)
    for j, job in enumerate(problem.jobs):
        if j in apart or len(allowed[j]) != 1 or not tasks[j]:
            continue
        mode = job.modes[allowed[j][0]]
        of_tasks = tuple(
            (task.duration, task.earliest, task.latest_end, task.in_window)
            for task in (problem.tasks[t] for t in tasks[j])
        )
        ends = tuple(None if t is None else place[t] for t in (mode.serves, mode.stops))
        key = of_tasks, ends, mode.penalty, job.priority, job.weight, job.due, tuple(sorted(rows[j], key=repr))
        alike[key].append(j)
    return [jobs for jobs in alike.values() if len(jobs) > 1]
