"""Smaller problems out of one: some of its jobs, modes and resources, or no times."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from zonewright.solver.order.problem import Exclusion, Hold, Job, Mode, OrderProblem, Point, Precedence, Task


def narrowed(
    problem: OrderProblem,
    modes: Mapping[int, Sequence[int]],
    resources: Collection[int] | None = None,
) -> tuple[OrderProblem, list[int], list[int]]:
    """Return the problem of some jobs with some of their modes, and the old numbers of its jobs and tasks.

    Other jobs vanish with all they hold; resources that are not named have room for everything.
    """
    jobs = sorted(modes)
    new_job = {j: n for n, j in enumerate(jobs)}
    new_mode = {(j, m): n for j in jobs for n, m in enumerate(modes[j])}
    tasks = [t for t, task in enumerate(problem.tasks) if (task.job, task.mode) in new_mode]
    new_task = {t: n for n, t in enumerate(tasks)}

    def point(old: Point | None) -> Point | None:
        return None if old is None else (new_task[old[0]], old[1])

    def task_or_none(old: int | None) -> int | None:
        return None if old is None else new_task[old]

    holds = []
    for hold in problem.holds:
        if resources is not None and hold.resource not in resources:
            continue
        if hold.job is not None and (hold.job, hold.mode) not in new_mode:
            continue
        if any(p is not None and p[0] not in new_task for p in (hold.since, hold.until)):
            continue
        job, mode = (None, 0) if hold.job is None else (new_job[hold.job], new_mode[hold.job, hold.mode])
        holds.append(Hold(hold.resource, hold.amount, point(hold.since), point(hold.until), job, mode))
    smaller = OrderProblem(
        jobs=tuple(
            Job(
                tuple(
                    Mode(mode.penalty, task_or_none(mode.serves), task_or_none(mode.stops))
                    for mode in (problem.jobs[j].modes[m] for m in modes[j])
                ),
                problem.jobs[j].priority,
                problem.jobs[j].weight,
                problem.jobs[j].due,
            )
            for j in jobs
        ),
        tasks=tuple(
            replace(task, job=new_job[task.job], mode=new_mode[task.job, task.mode])
            for task in (problem.tasks[t] for t in tasks)
        ),
        precedences=tuple(
            Precedence(new_task[link.before], new_task[link.after], link.lag)
            for link in problem.precedences
            if link.before in new_task and link.after in new_task
        ),
        holds=tuple(holds),
        capacity=problem.capacity,
        exclusions=tuple(
            Exclusion(tuple(tuple(new_job[j] for j in members if j in new_job) for members in exclusion.sets))
            for exclusion in problem.exclusions
        ),
        windows=problem.windows,
    )
    return smaller, jobs, tasks


def timeless(problem: OrderProblem) -> OrderProblem:
    """Return the problem without windows, earliest starts and latest ends."""
    tasks = tuple(Task(task.duration, task.job, task.mode) for task in problem.tasks)
    return replace(problem, tasks=tasks, windows=())


def sequence(problem: OrderProblem) -> OrderProblem:
    """Return the question of order alone: every task takes one second at any time.

    Resources that tasks only use while they run are left out. Where orders of one task after another decide
    (`Table.serial`), this has an order just if the problem has one, apart from windows, earliest starts and latest
    ends.
    """

    def passing(hold: Hold) -> bool:
        return hold.since is not None and hold.until == (hold.since[0], "end") and hold.since[1] == "start"

    kept = {hold.resource for hold in problem.holds if not passing(hold) and (hold.since or hold.until)}
    return replace(
        problem,
        tasks=tuple(Task(1, task.job, task.mode) for task in problem.tasks),
        precedences=tuple(replace(link, lag=0) for link in problem.precedences),
        holds=tuple(hold for hold in problem.holds if hold.resource in kept),
        windows=(),
    )
