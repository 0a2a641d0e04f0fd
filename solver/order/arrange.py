"""The whole way of an order: lists, deadlocks, improvement, bounds, proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from zonewright.models.problems import InputError
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels import cache
from zonewright.solver.order.bounds import Paths, bounds_of, ordered_pairs, paths_of, possible
from zonewright.solver.order.deadlock import Limit, Serial, one_after_another
from zonewright.solver.order.judge import faults, stages_of, values_of
from zonewright.solver.order.narrow import narrowed, sequence
from zonewright.solver.order.problem import GOALS, USUAL, Arrangement, Blocked, News, OrderProblem
from zonewright.solver.order.table import NEVER, Table, table_of
from zonewright.solver.rows import Ints

#: Rounds of improvement, times tasks and what they hold: about a second.
_EFFORT = 4_000_000
_MOST_ROUNDS = 20_000
#: Work (deterministic seconds) of one unit of that effort.
_WORK = 2.5e-7
#: How much the search over orders of one task after another looks at before CP-SAT is asked: about half a second.
_SEARCH = 300_000
#: Intervals beyond which CP-SAT is not asked to improve an order, and beyond which not to find one.
_MOST_INTERVALS = 12_000
_MOST_TO_FIND = 40_000


def arrange(
    problem: OrderProblem,
    deadline: Deadline,
    *,
    workers: int = 1,
    seed: int = 0,
    objective: Sequence[str] = USUAL,
    proof_s: float | None = None,
    news: News | None = None,
) -> Arrangement:
    """Return when each task runs and in which mode each job is done, with a bound for every stage.

    `objective` names goals, most important first: `penalty` (of modes), `late` (weighted seconds beyond due, by
    priority), `service` (weighted seconds until services are back, by priority), `downtime`, `makespan`.
    `proof_s` is the most time, in seconds, for improving and proving a good order that is known (None: all of it).
    INFEASIBLE comes with a reason that is proven. Raises InputError where the problem means nothing.
    """
    unknown = [goal for goal in objective if goal not in GOALS]
    if unknown or len(set(objective)) < len(objective):
        text = f"{', '.join(unknown) or 'a goal is named twice'}. Use each of {', '.join(GOALS)} at most once."
        raise InputError(text, path=("order", "objective"))
    problem.validate()
    begun = deadline.seconds
    paths = paths_of(problem)
    modes = possible(problem, paths)
    stages = stages_of(problem, objective)
    for j, allowed in enumerate(modes):
        if not allowed:
            reason = _impossible(problem, j, deadline, seed)
            return Arrangement("INFEASIBLE", stages=stages, blocked=reason, seconds=deadline.seconds - begun)
    smaller, tasks = problem, list(range(len(problem.tasks)))
    if any(len(allowed) < len(job.modes) for allowed, job in zip(modes, problem.jobs, strict=True)):
        smaller, _, tasks = narrowed(problem, dict(enumerate(modes)))
    found = _Arranging(problem, smaller, deadline, workers, seed, tuple(objective), proof_s, news).result()
    mode_j = tuple(modes[j][m] for j, m in enumerate(found.mode_j))
    start_t: list[int | None] = [None] * len(problem.tasks)
    for t, start in zip(tasks, found.start_t, strict=False):
        start_t[t] = start
    return Arrangement(
        found.status,
        mode_j,
        tuple(start_t) if found.status in ("OPTIMAL", "FEASIBLE") else (),
        stages,
        found.values,
        found.bounds,
        found.blocked,
        found.engine,
        deadline.seconds - begun,
    )


def _impossible(problem: OrderProblem, j: int, deadline: Deadline, seed: int) -> Blocked:
    """Return why no mode of a job can be: it needs more than there is, or too late is all that is left."""
    from zonewright.solver.order.explain import blocked_by

    before: dict[int, set[int]] = {}
    for one, other in ordered_pairs(problem):
        before.setdefault(problem.tasks[other].job, set()).add(problem.tasks[one].job)
    suspects = [j]
    for job in suspects:
        suspects += sorted(before.get(job, set()) - set(suspects))
    return blocked_by(problem, sorted(suspects), deadline, seed)


@dataclass
class _Arranging:
    original: OrderProblem
    problem: OrderProblem
    """The same without the modes that cannot be."""
    deadline: Deadline
    workers: int
    seed: int
    objective: tuple[str, ...]
    proof_s: float | None
    news: News | None
    engine: str = ""
    best: tuple[tuple[int, ...], tuple[int | None, ...]] | None = None
    values: tuple[int, ...] = ()
    lists: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    """(modes, list, guards) that run, the best last."""

    def result(self) -> Arrangement:
        """Run every engine that still has something to do."""
        self.table: Table = table_of(self.problem, self.objective)
        self.stages = self.table.stages
        self.paths = paths_of(self.problem)
        everything = [tuple(range(len(job.modes))) for job in self.problem.jobs]
        self.bounds = list(bounds_of(self.problem, self.objective, everything, self.paths))
        self.allowed: list[tuple[int, ...]] = everything
        self._greedy()
        if self.best is None:
            self._break_deadlock(everything)
        if self.best is None and self.blocked is None:
            self._find()
        if self.blocked is not None:
            return Arrangement("INFEASIBLE", blocked=self.blocked)
        if self.best is None:
            return Arrangement("UNKNOWN", bounds=tuple(self.bounds))
        self._drop_dear_modes()
        if not self._closed():
            self._improve()
            self._drop_dear_modes()
        if not self._closed():
            self._prove()
        status = "OPTIMAL" if self._closed() else "FEASIBLE"
        return Arrangement(
            "OPTIMAL" if status == "OPTIMAL" else "FEASIBLE",
            *self.best,
            values=self.values,
            bounds=tuple(min(b, v) for b, v in zip(self.bounds, self.values, strict=True)),
            engine=self.engine,
        )

    blocked: Blocked | None = None

    # Lists

    def _take(self, mode_j: Sequence[int], start_t: Sequence[int | None], engine: str) -> bool:
        """Keep an order if it is valid and better than what is known."""
        values = values_of(self.problem, mode_j, start_t, self.objective)
        if (self.best is not None and values >= self.values) or faults(self.problem, mode_j, start_t):
            return False
        self.best, self.values, self.engine = (tuple(mode_j), tuple(start_t)), values, engine
        if self.news is not None:
            for stage, value, bound in zip(self.stages, values, self.bounds, strict=True):
                self.news(engine, stage, value, bound)
        return True

    def _run(self, mode_j: Ints, order_t: Ints, guard_k: Ints, engine: str) -> None:
        if not cache.ready(cache.ORDER, self.deadline):
            return
        from zonewright.solver.order.listing import DONE, run

        start_t = np.empty(len(self.problem.tasks), np.int64)
        said = run(self.table.lists, mode_j, order_t, guard_k, start_t)
        if said == DONE and self._take(mode_j.tolist(), _optional(start_t), engine):
            self.lists.append((mode_j.copy(), order_t.copy(), guard_k.copy()))

    def _greedy(self) -> None:
        free = np.full(len(self.table.lists.take_r), -1, np.int64)
        mode_j = self.table.cheapest()
        for order_t in _rules(self.table, self.paths):
            self._run(mode_j, order_t, free, "greedy")
            if self._closed():
                return

    def _break_deadlock(self, everything: Sequence[Sequence[int]]) -> None:
        """Find an order of one task after another, small searches first, and run it in time."""
        found = one_after_another(self.table, everything, Limit(_SEARCH, lambda: self.deadline.over))
        self._learn_penalty(found.bound)
        if found.status == "none" and self.table.serial:
            self._explain(found.stuck)
            return
        if found.status == "found":
            self._follow(found.order, found.mode_j)
        if self.table.serial and (self.best is None or self._open_penalty()):
            self._sequence(found)

    def _open_penalty(self) -> bool:
        return self.objective[:1] == ("penalty",) and self.values[0] > self.bounds[0]

    def _sequence(self, known: Serial) -> None:
        """Ask CP-SAT for an order alone, without times, with the least penalty."""
        from zonewright.solver.order.exact import Exact, size_of

        question = sequence(self.problem)
        if self.deadline.over or size_of(question, self.allowed) > _MOST_TO_FIND:
            return
        # Most of the time where penalties come first; what is left goes to the times themselves.
        share = 0.8 if self.objective[:1] == ("penalty",) else 0.4
        part = replace(
            self.deadline, time_limit_s=self.deadline.seconds + share * self.deadline.left, reserve_s=0.0
        )
        hint = None
        if known.status == "found":
            hint = known.mode_j, _one_by_one(known.order, len(self.problem.tasks))
        answer = Exact(question, ("penalty",), self.allowed).solve(
            part, workers=self.workers, seed=self.seed, known=(known.bound,), hint=hint, news=self.news
        )
        self.deadline.work_done = part.work_done
        if answer.status == "infeasible":
            self._explain(range(len(self.problem.jobs)))
            return
        if answer.bounds:
            self._learn_penalty(answer.bounds[0])
        if answer.mode_j:
            starts = [(start, t) for t, start in enumerate(answer.start_t) if start is not None]
            self._follow([t for _, t in sorted(starts)], answer.mode_j)

    def _follow(self, order: Sequence[int], mode_j: Sequence[int]) -> None:
        """Run an order of one task after another in time: guarded it never halts, unguarded it may be shorter."""
        order_t = _completed(order, len(self.problem.tasks))
        modes = np.array(mode_j, np.int64)
        self._run(modes, order_t, _guards(self.table, order), "deadlock")
        self._run(modes, order_t, np.full(len(self.table.lists.take_r), -1, np.int64), "deadlock")

    def _learn_penalty(self, bound: int) -> None:
        if self.table.serial and self.objective[:1] == ("penalty",):
            self.bounds[0] = max(self.bounds[0], bound)

    def _explain(self, suspects: Sequence[int]) -> None:
        from zonewright.solver.order.explain import blocked_by

        self.blocked = blocked_by(self.original, suspects, self.deadline, self.seed)

    # CP-SAT

    def _find(self) -> None:
        """Look for any order at all, or for the proof that there is none."""
        from zonewright.solver.order.exact import Exact, size_of

        if self.deadline.over or size_of(self.problem, self.allowed) > _MOST_TO_FIND:
            return
        model = Exact(self.problem, self.objective, self.allowed, self.paths)
        answer = model.solve(
            self.deadline, workers=self.workers, seed=self.seed, known=self.bounds, first_only=True
        )
        if answer.status == "infeasible":
            self._explain(range(len(self.problem.jobs)))
        elif answer.start_t or answer.status != "open":
            self._take(answer.mode_j, answer.start_t, "exact")

    def _prove(self) -> None:
        from zonewright.solver.order.exact import Exact, size_of

        if self.deadline.over or size_of(self.problem, self.allowed) > _MOST_INTERVALS:
            return
        part = self.deadline
        if self.proof_s is not None:
            most = min(part.time_limit_s - part.reserve_s, part.seconds + self.proof_s)
            part = replace(part, time_limit_s=most, reserve_s=0.0)
        model = Exact(self.problem, self.objective, self.allowed, self.paths)
        answer = model.solve(
            part, workers=self.workers, seed=self.seed, known=self.bounds, hint=self.best, news=self.news
        )
        self.deadline.work_done = part.work_done
        self._take(answer.mode_j, answer.start_t, "exact")
        self.bounds = list(answer.bounds)

    # Between them

    def _closed(self) -> bool:
        return self.best is not None and all(v <= b for v, b in zip(self.values, self.bounds, strict=True))

    def _drop_dear_modes(self) -> None:
        """Leave out modes that no order at least as good uses, where penalties come first; bounds may rise."""
        if self.objective[:1] != ("penalty",):
            return
        jobs = self.problem.jobs
        least = [min(mode.penalty for mode in job.modes) for job in jobs]
        spare = self.values[0] - sum(least)
        allowed = [
            tuple(m for m, mode in enumerate(job.modes) if mode.penalty <= least[j] + spare)
            for j, job in enumerate(jobs)
        ]
        if allowed != self.allowed:
            self.allowed = allowed
            better = bounds_of(self.problem, self.objective, allowed, self.paths)
            self.bounds = [max(a, b) for a, b in zip(self.bounds, better, strict=True)]

    def _improve(self) -> None:
        from zonewright.solver.order.listing import improve, worth

        if not self.lists:
            return
        lists = self.table.lists
        mode_j, order_t, guard_k = self.lists[-1]
        assert self.best is not None
        start_t = np.array([-1 if s is None else s for s in self.best[1]], np.int64)
        value_g = np.zeros(len(self.stages) + 1, np.int64)
        worth(lists, mode_j, start_t, value_g)
        choices: NDArray[np.int64] = np.array(
            [(j, m) for j, ms in enumerate(self.allowed) if len(ms) > 1 for m in ms], np.int64
        ).reshape(-1, 2)
        size = len(self.problem.tasks) + len(lists.take_r)
        rounds = min(_MOST_ROUNDS, _EFFORT // size)
        state = np.array([(self.seed * 2 + 1) * 0x9E3779B97F4A7C15 & ((1 << 64) - 1)], np.uint64)
        # A call ends within some 50 ms, so that a stop is heard.
        part = max(1, 100_000 // size)
        while (
            rounds > 0
            and not self.deadline.over
            and any(v > b for v, b in zip(value_g.tolist(), self.bounds, strict=False))
        ):
            improve(lists, mode_j, order_t, guard_k, start_t, value_g, choices, min(part, rounds), state)
            rounds -= part
            if self.deadline.work_limit is not None:
                self.deadline.spend(part * size * _WORK)
        self._take(mode_j.tolist(), _optional(start_t), "search")


def _optional(start_t: Ints) -> list[int | None]:
    return [None if start < 0 else start for start in start_t.tolist()]


def _one_by_one(order: Sequence[int], tasks: int) -> list[int | None]:
    """Return starts, a second apart, of the tasks of an order."""
    start_t: list[int | None] = [None] * tasks
    for n, t in enumerate(order):
        start_t[t] = n
    return start_t


def _completed(order: Sequence[int], tasks: int) -> Ints:
    """Return a list of all tasks that begins with those of an order."""
    known = set(order)
    return np.array([*order, *(t for t in range(tasks) if t not in known)], np.int64)


def _guards(table: Table, order: Sequence[int]) -> Ints:
    """Number the takers of every resource by an order of one task after another.

    Takers that begin in that order never meet a deadlock: the first task without a start finds all before it
    started, and on what it needs nobody after it has. A resource whose takers all give back at their own end
    needs no guard.
    """
    lists = table.lists
    guard_k = np.full(len(lists.take_r), -1, np.int64)
    passing = lists.capacity_r < NEVER
    for t in range(len(lists.duration_t)):
        back = {
            int(lists.give_r[k]): int(lists.give_amount[k])
            for k in range(int(lists.give_ptr_t[t]), int(lists.give_ptr_t[t + 1]))
        }
        for k in range(int(lists.take_ptr_t[t]), int(lists.take_ptr_t[t + 1])):
            r = int(lists.take_r[k])
            if lists.take_check[k] and back.get(r, 0) != int(lists.take_amount[k]):
                passing[r] = False
    turn = np.zeros(len(lists.capacity_r), np.int64)
    for t in order:
        for k in range(int(lists.take_ptr_t[t]), int(lists.take_ptr_t[t + 1])):
            r = lists.take_r[k]
            if lists.take_check[k] and not passing[r]:
                guard_k[k] = turn[r]
                turn[r] += 1
    return guard_k


def _rules(table: Table, paths: Paths) -> list[Ints]:
    """Return lists of all tasks by several rules: what is urgent, what is long, what sits on a busy resource."""
    lists = table.lists
    tasks = len(lists.duration_t)
    number = np.arange(tasks)
    tail_t = lists.duration_t + np.array(paths.tail_t, np.int64)
    job_t = lists.job_t
    latest_t = np.where(lists.latest_t == NEVER, NEVER, lists.latest_t - tail_t)
    work_r = np.zeros(len(lists.capacity_r))
    busy_t = np.zeros(tasks)
    entry_t = np.repeat(number, np.diff(lists.take_ptr_t))
    share_k = np.maximum(0, lists.take_amount) / np.maximum(1, lists.capacity_r[lists.take_r])
    np.add.at(work_r, lists.take_r, share_k * lists.duration_t[entry_t])
    np.maximum.at(busy_t, entry_t, work_r[lists.take_r])
    # Room that a task's end gives back, and room that it takes for good, both where many want it.
    freed_t = np.zeros(tasks)
    give_t = np.repeat(number, np.diff(lists.give_ptr_t))
    gives = lists.give_amount / np.maximum(1, lists.capacity_r[lists.give_r])
    np.add.at(freed_t, give_t, gives)
    np.add.at(freed_t, entry_t, -share_k)
    level_t = lists.level_j[job_t]
    due_t = np.where(lists.due_j[job_t] >= 0, lists.due_j[job_t], NEVER)
    smith_t = lists.duration_t / np.maximum(1, lists.weight_j[job_t])
    keys = [
        (number, -tail_t, -busy_t, latest_t),
        (number, smith_t, due_t, level_t, latest_t),
        (number, -busy_t, -tail_t, latest_t),
        (number, -tail_t, -freed_t, latest_t),
        (number, smith_t, -freed_t, level_t, latest_t),
        (number, latest_t),
    ]
    return [np.lexsort(key) for key in keys]
