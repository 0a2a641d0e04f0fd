"""An ordering problem as arrays, for the kernels: what a task's start adds, what its end gives back.

Axes: t task, j job, q mode of a job (numbered through), r resource that can run out, k entry of a list,
e exclusion, g stage. Lists per task or mode are stored one after another: those of task t are the entries from
`ptr[t]` up to `ptr[t + 1]`.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonewright.solver.order.judge import stages_of
from zonewright.solver.order.lasting import lasts
from zonewright.solver.order.problem import OrderProblem
from zonewright.solver.rows import Ints

#: Later than everything.
NEVER = 1 << 61
#: Numbers of the goals in `Lists.kind_g`.
PENALTY, LATE, SERVICE, DOWNTIME, MAKESPAN = range(5)
_KINDS = {"penalty": PENALTY, "late": LATE, "service": SERVICE, "downtime": DOWNTIME, "makespan": MAKESPAN}


class Lists(NamedTuple):
    """What the kernels read; they never write into it."""

    duration_t: Ints
    earliest_t: Ints
    latest_t: Ints
    job_t: Ints
    mode_t: Ints
    windowed_t: NDArray[np.bool_]
    capacity_r: Ints
    load_r: Ints
    """What holds of no job take from the beginning."""
    first_j: Ints
    """Number of a job's first mode; one entry more than there are jobs."""
    begin_ptr_q: Ints
    begin_r: Ints
    begin_amount: Ints
    """What a mode holds from the very beginning."""
    take_ptr_t: Ints
    take_r: Ints
    take_amount: Ints
    """What a task's start adds, less what it gives back; what its end will take is kept from the start on."""
    take_check: NDArray[np.bool_]
    """Whether something is taken, so that there must be room."""
    give_ptr_t: Ints
    give_r: Ints
    give_amount: Ints
    """What a task's end gives back."""
    next_ptr_t: Ints
    next_t: Ints
    next_lag: Ints
    next_by_start: NDArray[np.bool_]
    """Whether the other waits for this one's start only, not for its end."""
    window_start: Ints
    window_end: Ints
    apart_ptr_j: Ints
    apart_e: Ints
    apart_s: Ints
    """Exclusions of a job, and in which of their sets it is."""
    penalty_q: Ints
    serves_q: Ints
    stops_q: Ints
    weight_j: Ints
    due_j: Ints
    level_j: Ints
    """Place of the job's priority among all, 0 the highest."""
    kind_g: Ints
    level_g: Ints
    exclusions: int
    """How many; each is a resource without limit too, after the real ones."""


@dataclass(frozen=True)
class Table:
    """A problem with its lists, and how their resources are called in the problem."""

    problem: OrderProblem
    lists: Lists
    stages: tuple[str, ...]
    resource_r: tuple[int, ...]
    """Number in the problem of every resource that can run out."""
    tasks_q: tuple[tuple[int, ...], ...]
    """Tasks of every mode."""
    serial: bool
    """Whether orders of one task after another decide if any order exists, times aside."""
    timed: bool
    """Whether windows or latest ends could be missed."""

    @property
    def modes(self) -> int:
        """How many modes there are in all jobs together."""
        return len(self.tasks_q)

    def cheapest(self) -> Ints:
        """Return the mode with the least penalty of every job, the first of equals."""
        return np.array(
            [min(range(len(j.modes)), key=lambda m: j.modes[m].penalty) for j in self.problem.jobs], np.int64
        )


def _flat(lists: Sequence[Sequence[tuple[int, ...]]], width: int) -> tuple[Ints, list[Ints]]:
    """Return where each list begins, and every column of the entries one after another."""
    ptr = np.zeros(len(lists) + 1, np.int64)
    ptr[1:] = np.cumsum([len(entries) for entries in lists])
    rows = np.array([entry for entries in lists for entry in entries], np.int64).reshape(-1, width)
    return ptr, [np.ascontiguousarray(rows[:, c]) for c in range(width)]


def scarce(problem: OrderProblem) -> tuple[int, ...]:
    """Return the resources that could run out: whatever jobs do, the others' holds fit together."""
    most = [0] * len(problem.capacity)
    by_mode: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for hold in problem.holds:
        if hold.job is None:
            most[hold.resource] += hold.amount
        else:
            by_mode[hold.resource, hold.job][hold.mode] += hold.amount
    for (r, _), amounts in by_mode.items():
        most[r] += max(amounts.values())
    return tuple(r for r, amount in enumerate(most) if amount > problem.capacity[r])


def table_of(problem: OrderProblem, goals: Sequence[str]) -> Table:
    """Return the arrays of a valid problem."""
    tasks, jobs = problem.tasks, problem.jobs
    resources = scarce(problem)
    number = {r: n for n, r in enumerate(resources)}
    first = np.zeros(len(jobs) + 1, np.int64)
    first[1:] = np.cumsum([len(job.modes) for job in jobs])
    tasks_q: list[list[int]] = [[] for _ in range(int(first[-1]))]
    for t, task in enumerate(tasks):
        tasks_q[int(first[task.job]) + task.mode].append(t)

    load_r = np.zeros(len(resources), np.int64)
    begin: list[dict[int, int]] = [defaultdict(int) for _ in tasks_q]
    # Net amounts at a task's start and end by resource, and where something is taken.
    change: dict[str, list[dict[int, int]]] = {
        edge: [defaultdict(int) for _ in tasks] for edge in ("start", "end")
    }
    takes: dict[str, list[set[int]]] = {edge: [set() for _ in tasks] for edge in ("start", "end")}
    following: list[list[tuple[int, int, int]]] = [[] for _ in tasks]
    for link in problem.precedences:
        following[link.before].append((link.after, link.lag, 0))
    ordered: set[tuple[int, int, int]] = set()
    lasting, serial = lasts(problem), True
    for hold in problem.holds:
        since, until = hold.since, hold.until
        if since and until and since[0] != until[0]:
            ordered.add((since[0], until[0], int(since[1] == "start")))
        n = number.get(hold.resource)
        if n is None or hold.amount == 0:
            continue
        if since and until and (since == until or (since[0] == until[0] and tasks[since[0]].duration == 0)):
            continue
        # One task after another, a hold over several tasks lasts; at one moment it may not.
        serial = serial and (since is None or lasting(hold))
        if since is None:
            if hold.job is None:
                load_r[n] += hold.amount
            else:
                begin[int(first[hold.job]) + hold.mode][n] += hold.amount
        else:
            change[since[1]][since[0]][n] += hold.amount
            takes[since[1]][since[0]].add(n)
        if until is not None:
            change[until[1]][until[0]][n] -= hold.amount
    for before, after, by_start in sorted(ordered):
        following[before].append((after, 0, by_start))

    take: list[list[tuple[int, int, int]]] = []
    give: list[list[tuple[int, int]]] = []
    for t, task in enumerate(tasks):
        at_start, at_end = change["start"][t], change["end"][t]
        kept = {r: max(0, amount) for r, amount in at_end.items()}
        rows = sorted(set(at_start) | {r for r in kept if kept[r] or r in takes["end"][t]})
        take.append(
            [
                (r, at_start.get(r, 0) + kept.get(r, 0), int(r in takes["start"][t] or r in takes["end"][t]))
                for r in rows
            ]
        )
        give.append([(r, kept[r] - at_end[r]) for r in sorted(at_end) if kept[r] != at_end[r]])
        # Two tasks that each give at once what the other takes may start together where neither may go first.
        at_once = any(a < 0 for a in at_start.values()) or (
            task.duration == 0 and any(a < 0 for a in at_end.values())
        )
        taking = bool(takes["start"][t])
        serial = serial and not takes["end"][t] and not (at_once and taking)

    levels = sorted({job.priority for job in jobs}, reverse=True)
    stages = stages_of(problem, goals)
    apart: list[list[tuple[int, int]]] = [[] for _ in jobs]
    moments = momentary(problem) if problem.exclusions else set()
    for e, exclusion in enumerate(problem.exclusions):
        for s, members in enumerate(exclusion.sets):
            for j in members:
                if j not in moments:
                    apart[j].append((e, s))
    for t, task in enumerate(tasks):
        # Nothing is taken of these; they let guards put the members of an exclusion in order.
        take[t] += [(len(resources) + e, 0, 1) for e, _ in apart[task.job]]
    windows: list[tuple[int, int]] = []
    for start, end in sorted(problem.windows):
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
        else:
            windows.append((start, end))

    begin_ptr, begin_columns = _flat([sorted(b.items()) for b in begin], 2)
    take_ptr, take_columns = _flat(take, 3)
    give_ptr, give_columns = _flat(give, 2)
    next_ptr, next_columns = _flat(following, 3)
    apart_ptr, apart_columns = _flat(apart, 2)
    modes = [mode for job in jobs for mode in job.modes]

    def ints(values: Sequence[int]) -> Ints:
        return np.array(values, np.int64)

    lists = Lists(
        duration_t=ints([task.duration for task in tasks]),
        earliest_t=ints([task.earliest for task in tasks]),
        latest_t=ints([NEVER if task.latest_end is None else task.latest_end for task in tasks]),
        job_t=ints([task.job for task in tasks]),
        mode_t=ints([task.mode for task in tasks]),
        windowed_t=np.array([task.in_window for task in tasks], np.bool_),
        capacity_r=ints([problem.capacity[r] for r in resources] + [NEVER] * len(problem.exclusions)),
        load_r=np.concatenate([load_r, np.zeros(len(problem.exclusions), np.int64)]),
        first_j=first,
        begin_ptr_q=begin_ptr,
        begin_r=begin_columns[0],
        begin_amount=begin_columns[1],
        take_ptr_t=take_ptr,
        take_r=take_columns[0],
        take_amount=take_columns[1],
        take_check=take_columns[2].astype(np.bool_),
        give_ptr_t=give_ptr,
        give_r=give_columns[0],
        give_amount=give_columns[1],
        next_ptr_t=next_ptr,
        next_t=next_columns[0],
        next_lag=next_columns[1],
        next_by_start=next_columns[2].astype(np.bool_),
        window_start=ints([start for start, _ in windows]),
        window_end=ints([end for _, end in windows]),
        apart_ptr_j=apart_ptr,
        apart_e=apart_columns[0],
        apart_s=apart_columns[1],
        penalty_q=ints([mode.penalty for mode in modes]),
        serves_q=ints([-1 if mode.serves is None else mode.serves for mode in modes]),
        stops_q=ints([-1 if mode.stops is None else mode.stops for mode in modes]),
        weight_j=ints([job.weight for job in jobs]),
        due_j=ints([-1 if job.due is None else job.due for job in jobs]),
        level_j=ints([levels.index(job.priority) for job in jobs]),
        kind_g=ints([_KINDS[stage.partition(":")[0]] for stage in stages]),
        level_g=ints([levels.index(int(stage.partition(":")[2])) if ":" in stage else -1 for stage in stages]),
        exclusions=len(problem.exclusions),
    )
    return Table(
        problem=problem,
        lists=lists,
        stages=stages,
        resource_r=resources,
        tasks_q=tuple(tuple(ts) for ts in tasks_q),
        serial=serial and _alike(begin, first) and _plain(problem) and not _looped(following),
        timed=bool(lists.windowed_t.any() or (lists.latest_t < NEVER).any()),
    )


def _alike(begin: Sequence[dict[int, int]], first: Ints) -> bool:
    """Return whether all modes of a job hold the same from the very beginning."""
    spans = itertools.pairwise(first.tolist())
    return all(begin[q] == begin[a] for a, b in spans for q in range(a + 1, b))


def _plain(problem: OrderProblem) -> bool:
    """Return whether a task that waits for another job waits for it in each of that job's modes, or in none."""
    waits: dict[tuple[int, int], set[int]] = defaultdict(set)
    for link in problem.precedences:
        before = problem.tasks[link.before]
        if before.job != problem.tasks[link.after].job:
            waits[link.after, before.job].add(before.mode)
    return all(len(modes) == len(problem.jobs[j].modes) for (_, j), modes in waits.items())


def momentary(problem: OrderProblem) -> set[int]:
    """Return the jobs that never run for more than a moment, so that they exclude nobody."""
    tasks_q: dict[tuple[int, int], int] = defaultdict(int)
    longer = set()
    for task in problem.tasks:
        tasks_q[task.job, task.mode] += 1
        if task.duration or tasks_q[task.job, task.mode] > 1:
            longer.add(task.job)
    return set(range(len(problem.jobs))) - longer


def _looped(following: Sequence[Sequence[tuple[int, int, int]]]) -> bool:
    """Return whether a task waits, through others, for itself."""
    waits = [0] * len(following)
    for entries in following:
        for after, _, _ in entries:
            waits[after] += 1
    ready = [t for t, count in enumerate(waits) if count == 0]
    for t in ready:
        for after, _, _ in following[t]:
            waits[after] -= 1
            if waits[after] == 0:
                ready.append(after)
    return len(ready) < len(following)
