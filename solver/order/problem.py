"""The ordering problem in plain numbers, and its answer. Times are whole seconds from 0.

A *job* is one move or recovery. It may be done in one of several *modes* (live; by way of a third host; stopped,
moved and started), each with tasks and holds of its own; exactly one mode is chosen. A *task* is one step without
interruption. A *hold* takes an amount of a resource between two points in time: room on a host, a link's rate, a
place among the moves that may run at once, one of the replicas that may be away.

What holds mean:

- A hold is active in [since, until). What is released at a second may be taken in the same second.
- At every moment the active holds of a resource sum to at most its capacity. One exception: a resource whose holds
  from the very beginning are above its capacity may stay above it for as long as nothing else takes any of it; the
  first hold that begins later must find the sum, itself included, within the capacity.
- A hold never ends before it begins: that orders its two points.
- A hold belongs to a mode of a job and exists where that mode is chosen; one without a job always exists.
- Live migration from a to b: a's room from None until the task's end, b's room from the task's start until None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from zonewright.models.problems import InputError

#: No time, amount, weight or penalty may be beyond this, and no sum that is built of them beyond `MOST_SUM`.
MOST = 1 << 40
MOST_SUM = 1 << 53

Edge = Literal["start", "end"]
Point = tuple[int, Edge]
"""A task's number, and which end of it."""

#: What may be minimized, and the usual order.
GOALS = ("penalty", "late", "service", "downtime", "makespan")
USUAL = ("penalty", "late", "service", "makespan")


@dataclass(frozen=True)
class Task:
    """One step: it runs for `duration` seconds without a break, if its job's mode is chosen."""

    duration: int
    job: int
    mode: int = 0
    earliest: int = 0
    """No start before this second."""
    latest_end: int | None = None
    in_window: bool = False
    """Whether it must lie wholly inside one of the problem's windows."""


@dataclass(frozen=True)
class Precedence:
    """`after` starts at least `lag` (0 or more) seconds after the end of `before`, where both run."""

    before: int
    after: int
    lag: int = 0


@dataclass(frozen=True)
class Hold:
    """`amount` of a resource, used from a point until a point.

    The points' tasks belong to the hold's own job and mode, or to jobs that have one mode only.
    """

    resource: int
    amount: int
    since: Point | None
    """None: from the very beginning."""
    until: Point | None
    """None: for ever."""
    job: int | None = None
    mode: int = 0


@dataclass(frozen=True)
class Mode:
    """One way of doing a job."""

    penalty: int = 0
    """What this way costs: moves beyond the first, a stop that could be avoided."""
    serves: int | None = None
    """The task whose end brings the service back; None where nothing was away."""
    stops: int | None = None
    """The task whose start takes the service away; None where it was away from the beginning or never is."""


@dataclass(frozen=True)
class Job:
    """One thing to do, in exactly one of its modes."""

    modes: tuple[Mode, ...] = (Mode(),)
    priority: int = 0
    """Higher ones come first: one second of theirs outranks any number of a lower one's."""
    weight: int = 1
    """How many instances it brings back."""
    due: int | None = None
    """Recovery-time target of its service, seconds."""


@dataclass(frozen=True)
class Exclusion:
    """At no moment two jobs of different sets run.

    A job runs from its first task's start to its last one's end.
    """

    sets: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class OrderProblem:
    """Everything that an order has to respect."""

    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    precedences: tuple[Precedence, ...] = ()
    holds: tuple[Hold, ...] = ()
    capacity: tuple[int, ...] = ()
    """Per resource."""
    exclusions: tuple[Exclusion, ...] = ()
    windows: tuple[tuple[int, int], ...] = ()
    """(start, end) of maintenance windows; those that overlap or touch count as one."""

    def validate(self) -> None:
        """Raise InputError, with the place, where numbers point nowhere or mean nothing."""
        _check_tasks(self)
        _check_points(self)
        _check_sums(self)


@dataclass(frozen=True)
class Blocked:
    """Why no order exists: these jobs cannot all be done within these resources, with every other job gone.

    Holds of no job (what stays where it is) and, where `timed`, windows and latest ends count too.
    """

    jobs: tuple[int, ...]
    resources: tuple[int, ...]
    minimal: bool
    """Whether the rest could be ordered without any one of the jobs."""
    timed: bool = False
    """Whether it takes windows, latest ends or earliest starts to block them."""


@dataclass(frozen=True)
class Arrangement:
    """The answer. `values` and `bounds` follow `stages`, most important first, smaller is better.

    A stage's bound is about orders that are as good in the stages before, whose values are this answer's own.
    """

    status: Literal["OPTIMAL", "FEASIBLE", "INFEASIBLE", "UNKNOWN"]
    mode_j: tuple[int, ...] = ()
    """Chosen mode of each job; empty where nothing was found."""
    start_t: tuple[int | None, ...] = ()
    """Start of each task; None for tasks of modes that are not chosen."""
    stages: tuple[str, ...] = ()
    """`penalty`, `late:PRIORITY`, `service:PRIORITY`, `downtime`, `makespan`."""
    values: tuple[int, ...] = ()
    bounds: tuple[int, ...] = ()
    blocked: Blocked | None = None
    engine: str = ""
    """Who found the order: `greedy`, `deadlock`, `search`, `exact`."""
    seconds: float = 0.0


#: Called with (engine, stage, value, bound) while engines run; must return quickly.
News = Callable[[str, str, int | None, int | None], None]


def _wrong(what: str, *path: str | int) -> InputError:
    return InputError(what, path=("order", *path))


def _number(value: int | None, most: int, *path: str | int) -> None:
    if value is not None and not 0 <= value <= most:
        raise _wrong(f"{value} is not between 0 and {most}. Use whole seconds or units of a larger size.", *path)


def _check_tasks(problem: OrderProblem) -> None:
    jobs = problem.jobs
    for j, job in enumerate(jobs):
        if not job.modes:
            raise _wrong("A job needs at least one mode. Give it Mode().", "jobs", j)
        _number(job.weight, MOST, "jobs", j, "weight")
        _number(job.due, MOST, "jobs", j, "due")
        for m, mode in enumerate(job.modes):
            _number(mode.penalty, MOST, "jobs", j, "modes", m, "penalty")
            for name, t in (("serves", mode.serves), ("stops", mode.stops)):
                if t is not None and not (
                    0 <= t < len(problem.tasks) and (problem.tasks[t].job, problem.tasks[t].mode) == (j, m)
                ):
                    raise _wrong(f"Task {t} is none of this mode's.", "jobs", j, "modes", m, name)
    for t, task in enumerate(problem.tasks):
        _number(task.duration, MOST, "tasks", t, "duration")
        _number(task.earliest, MOST, "tasks", t, "earliest")
        _number(task.latest_end, MOST, "tasks", t, "latest_end")
        if not 0 <= task.job < len(jobs) or not 0 <= task.mode < len(jobs[task.job].modes):
            raise _wrong(f"Job {task.job} mode {task.mode} does not exist.", "tasks", t)
    for w, (start, end) in enumerate(problem.windows):
        _number(start, MOST, "windows", w)
        _number(end, MOST, "windows", w)
        if end < start:
            raise _wrong(f"It ends ({end}) before it starts ({start}).", "windows", w)
    for e, exclusion in enumerate(problem.exclusions):
        seen: set[int] = set()
        for j in (j for jobs_of_set in exclusion.sets for j in jobs_of_set):
            if not 0 <= j < len(jobs) or j in seen:
                raise _wrong(f"Job {j} does not exist or is named twice.", "exclusions", e)
            seen.add(j)


def _check_points(problem: OrderProblem) -> None:
    jobs, tasks = problem.jobs, problem.tasks
    for p, link in enumerate(problem.precedences):
        _number(link.lag, MOST, "precedences", p, "lag")
        for t in (link.before, link.after):
            if not 0 <= t < len(tasks):
                raise _wrong(f"Task {t} does not exist.", "precedences", p)
    for r, capacity in enumerate(problem.capacity):
        _number(capacity, MOST, "capacity", r)
    for h, hold in enumerate(problem.holds):
        _number(hold.amount, MOST, "holds", h, "amount")
        if not 0 <= hold.resource < len(problem.capacity):
            raise _wrong(f"Resource {hold.resource} does not exist.", "holds", h)
        if hold.job is not None and not (0 <= hold.job < len(jobs) and 0 <= hold.mode < len(jobs[hold.job].modes)):
            raise _wrong(f"Job {hold.job} mode {hold.mode} does not exist.", "holds", h)
        for point in (hold.since, hold.until):
            if point is None:
                continue
            t, edge = point
            if not 0 <= t < len(tasks) or edge not in ("start", "end"):
                raise _wrong(f"{point} is no point of a task.", "holds", h)
            task = tasks[t]
            if (task.job, task.mode) != (hold.job, hold.mode) and len(jobs[task.job].modes) > 1:
                raise _wrong(
                    f"Task {t} runs only in mode {task.mode} of job {task.job}. Give the hold that job and mode.",
                    "holds",
                    h,
                )
        if hold.since and hold.until and hold.since == (hold.until[0], "end") and hold.until[1] == "start":
            raise _wrong("It begins at its task's end and ends at its start. Swap the two.", "holds", h)
    _check_cycles(problem)


def _check_cycles(problem: OrderProblem) -> None:
    after: list[list[int]] = [[] for _ in problem.tasks]
    waits = [0] * len(problem.tasks)
    for link in problem.precedences:
        after[link.before].append(link.after)
        waits[link.after] += 1
    ready = [t for t, n in enumerate(waits) if n == 0]
    for t in ready:
        for other in after[t]:
            waits[other] -= 1
            if waits[other] == 0:
                ready.append(other)
    if len(ready) < len(problem.tasks):
        t = next(t for t, n in enumerate(waits) if n)
        raise _wrong(f"Task {t} waits, through others, for itself. Take one precedence out.", "precedences")


def _check_sums(problem: OrderProblem) -> None:
    """Refuse what could overflow: the longest order, weighted, and what a resource may carry."""
    horizon = horizon_of(problem)
    weights = sum(job.weight for job in problem.jobs)
    if (horizon + 1) * max(1, weights, len(problem.tasks)) > MOST_SUM:
        raise _wrong(
            f"{len(problem.tasks)} tasks within {horizon} s and {weights} instances pass 2^53. "
            "Use longer units of time or split the migration."
        )
    load = [0] * len(problem.capacity)
    for hold in problem.holds:
        load[hold.resource] += hold.amount
    for r, amount in enumerate(load):
        if amount + problem.capacity[r] > MOST_SUM:
            raise _wrong(f"Its holds sum to {amount}, beyond 2^53. Use larger units.", "capacity", r)
    if sum(max(m.penalty for m in job.modes) for job in problem.jobs) > MOST_SUM:
        raise _wrong("Penalties sum beyond 2^53. Use smaller ones.", "jobs")


def horizon_of(problem: OrderProblem) -> int:
    """Return a second by which some best order has ended, if any order exists.

    After the last window, earliest start and nothing running or waiting for a lag, an idle time could be cut out.
    """
    fixed = max([end for _, end in problem.windows] + [task.earliest for task in problem.tasks], default=0)
    seconds: dict[tuple[int, int], int] = {}
    for task in problem.tasks:
        seconds[task.job, task.mode] = seconds.get((task.job, task.mode), 0) + task.duration
    for link in problem.precedences:
        task = problem.tasks[link.after]
        seconds[task.job, task.mode] = seconds.get((task.job, task.mode), 0) + link.lag
    longest: dict[int, int] = {}
    for (j, _), length in seconds.items():
        longest[j] = max(longest.get(j, 0), length)
    return fixed + sum(longest.values())
