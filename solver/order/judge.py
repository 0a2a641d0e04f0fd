"""What an order breaks and what it is worth, from the problem alone: shares nothing with the engines."""

from __future__ import annotations

from collections.abc import Sequence

from zonewright.solver.order.problem import USUAL, Hold, OrderProblem, Point


def stages_of(problem: OrderProblem, goals: Sequence[str] = USUAL) -> tuple[str, ...]:
    """Return the stages that goals stand for: `late` and `service` are one stage per priority, highest first."""
    levels = sorted({job.priority for job in problem.jobs}, reverse=True)
    due = {job.priority for job in problem.jobs if job.due is not None}
    stages: list[str] = []
    for goal in goals:
        if goal == "late":
            stages += [f"late:{level}" for level in levels if level in due]
        elif goal == "service":
            stages += [f"service:{level}" for level in levels]
        else:
            stages.append(goal)
    return tuple(stages)


def faults(problem: OrderProblem, mode_j: Sequence[int], start_t: Sequence[int | None]) -> list[str]:
    """Return what is wrong with an order, one line each; nothing where it is valid."""
    found: list[str] = []
    if len(mode_j) != len(problem.jobs) or len(start_t) != len(problem.tasks):
        return ["it does not say a mode for every job and a start for every task"]
    for j, job in enumerate(problem.jobs):
        if not 0 <= mode_j[j] < len(job.modes):
            return [f"job {j} has no mode {mode_j[j]}"]
    for t, task in enumerate(problem.tasks):
        if (mode_j[task.job] == task.mode) != (start_t[t] is not None):
            return [f"task {t} has a start and no place in its job's mode, or none and a place"]
    for t, task in enumerate(problem.tasks):
        start = start_t[t]
        if start is None:
            continue
        end = start + task.duration
        if start < task.earliest:
            found.append(f"task {t} starts at {start}, before {task.earliest}")
        if task.latest_end is not None and end > task.latest_end:
            found.append(f"task {t} ends at {end}, after {task.latest_end}")
        if task.in_window and not any(a <= start and end <= b for a, b in _joined(problem.windows)):
            found.append(f"task {t} at {start} to {end} is in no window")
    for link in problem.precedences:
        before, after = start_t[link.before], start_t[link.after]
        if before is not None and after is not None:
            ready = before + problem.tasks[link.before].duration + link.lag
            if after < ready:
                found.append(f"task {link.after} starts at {after}, before {ready}: it waits for {link.before}")
    found += _hold_faults(problem, mode_j, start_t)
    found += _exclusion_faults(problem, start_t)
    return found


def _joined(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _hold_faults(problem: OrderProblem, mode_j: Sequence[int], start_t: Sequence[int | None]) -> list[str]:
    def when(point: Point) -> int:
        start = start_t[point[0]]
        assert start is not None
        return start if point[1] == "start" else start + problem.tasks[point[0]].duration

    found: list[str] = []
    held: list[list[tuple[int | None, int | None, int, Hold]]] = [[] for _ in problem.capacity]
    for h, hold in enumerate(problem.holds):
        if hold.job is not None and mode_j[hold.job] != hold.mode:
            continue
        since = None if hold.since is None else when(hold.since)
        until = None if hold.until is None else when(hold.until)
        if since is not None and until is not None and until < since:
            found.append(f"hold {h} ends at {until}, before it begins at {since}")
        held[hold.resource].append((since, until, hold.amount, hold))
    for r, holds in enumerate(held):
        for moment in sorted({0} | {since for since, _, _, _ in holds if since is not None}):
            active = [
                (since, amount)
                for since, until, amount, _ in holds
                if (since is None or since <= moment) and (until is None or until > moment) and amount
            ]
            load = sum(amount for _, amount in active)
            if load > problem.capacity[r] and any(since is not None for since, _ in active):
                found.append(f"resource {r} carries {load} of {problem.capacity[r]} at {moment}")
    return found


def _exclusion_faults(problem: OrderProblem, start_t: Sequence[int | None]) -> list[str]:
    spans: dict[int, tuple[int, int]] = {}
    for t, task in enumerate(problem.tasks):
        start = start_t[t]
        if start is not None:
            a, b = spans.get(task.job, (start, start))
            spans[task.job] = min(a, start), max(b, start + task.duration)
    found: list[str] = []
    for exclusion in problem.exclusions:
        runs = sorted(
            (*spans[j], s, j)
            for s, jobs in enumerate(exclusion.sets)
            for j in jobs
            if j in spans and spans[j][0] < spans[j][1]
        )
        latest: list[tuple[int, int, int]] = []
        for start, end, s, j in runs:
            latest = [one for one in latest if one[0] > start]
            found += [f"jobs {other} and {j} run at once" for _, s2, other in latest if s2 != s]
            latest.append((end, s, j))
    return found


def values_of(
    problem: OrderProblem, mode_j: Sequence[int], start_t: Sequence[int | None], goals: Sequence[str] = USUAL
) -> tuple[int, ...]:
    """Return the value of every stage of a valid order."""

    def end(t: int) -> int:
        start = start_t[t]
        assert start is not None
        return start + problem.tasks[t].duration

    back: dict[int, int] = {}
    away = penalty = 0
    for j, job in enumerate(problem.jobs):
        mode = job.modes[mode_j[j]]
        penalty += mode.penalty
        if mode.serves is not None:
            back[j] = end(mode.serves)
            start = 0 if mode.stops is None else start_t[mode.stops]
            assert start is not None
            away += 0 if mode.stops is None else job.weight * (end(mode.serves) - start)
    values: list[int] = []
    for stage in stages_of(problem, goals):
        kind, _, level = stage.partition(":")
        of_level = [j for j in back if kind in ("late", "service") and problem.jobs[j].priority == int(level)]
        if kind == "penalty":
            values.append(penalty)
        elif kind == "downtime":
            values.append(away)
        elif kind == "makespan":
            values.append(max((end(t) for t, start in enumerate(start_t) if start is not None), default=0))
        elif kind == "service":
            values.append(sum(problem.jobs[j].weight * back[j] for j in of_level))
        else:
            values.append(
                sum(
                    problem.jobs[j].weight * max(0, back[j] - due)
                    for j in of_level
                    if (due := problem.jobs[j].due) is not None
                )
            )
    return tuple(values)
