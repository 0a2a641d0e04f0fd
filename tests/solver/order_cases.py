"""Small ordering problems for tests: built by hand or at random, and solved by looking at every order in time."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from zonewright.solver.order.judge import faults, stages_of, values_of
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


class Hosts:
    """Builds problems of instances on hosts: moves with several ways, rooms, limits."""

    def __init__(self, rooms: Sequence[int]) -> None:
        self.capacity = list(rooms)
        self.jobs: list[Job] = []
        self.tasks: list[Task] = []
        self.holds: list[Hold] = []
        self.precedences: list[Precedence] = []
        self.exclusions: list[Exclusion] = []
        self.windows: list[tuple[int, int]] = []

    def resource(self, capacity: int) -> int:
        self.capacity.append(capacity)
        return len(self.capacity) - 1

    def stay(self, host: int, size: int) -> None:
        self.holds.append(Hold(host, size, None, None))

    def move(
        self,
        size: int,
        a: int,
        b: int,
        seconds: int = 1,
        *,
        by_way_of: Sequence[int] = (),
        may_stop: bool = False,
        live: bool = True,
        passing: Sequence[tuple[int, int]] = (),
        priority: int = 0,
        weight: int = 1,
        due: int | None = None,
        **times: object,
    ) -> int:
        """Add a move from host a to host b; `passing` are (resource, amount) used while something of it runs."""
        j = len(self.jobs)
        modes: list[Mode] = []

        def task(length: int, m: int) -> int:
            self.tasks.append(Task(length, j, m, **times))  # type: ignore[arg-type]
            for r, amount in passing:
                t = len(self.tasks) - 1
                self.holds.append(Hold(r, amount, (t, "start"), (t, "end"), j, m))
            return len(self.tasks) - 1

        def hold(r: int, since: Point | None, until: Point | None, m: int) -> None:
            self.holds.append(Hold(r, size, since, until, j, m))

        if live:
            m = len(modes)
            t = task(seconds, m)
            hold(a, None, (t, "end"), m)
            hold(b, (t, "start"), None, m)
            modes.append(Mode(0, serves=t))
        for c in by_way_of:
            m = len(modes)
            t, u = task(seconds, m), task(seconds, m)
            self.precedences.append(Precedence(t, u))
            hold(a, None, (t, "end"), m)
            hold(c, (t, "start"), (u, "end"), m)
            hold(b, (u, "start"), None, m)
            modes.append(Mode(1, serves=u))
        if may_stop:
            m = len(modes)
            t, u = task(1, m), task(1, m)
            self.precedences.append(Precedence(t, u))
            hold(a, None, (t, "end"), m)
            hold(b, (u, "start"), None, m)
            modes.append(Mode(3, serves=u, stops=t))
        self.jobs.append(Job(tuple(modes), priority, weight, due))
        return j

    def problem(self) -> OrderProblem:
        return OrderProblem(
            tuple(self.jobs),
            tuple(self.tasks),
            tuple(self.precedences),
            tuple(self.holds),
            tuple(self.capacity),
            tuple(self.exclusions),
            tuple(self.windows),
        )


def every_order(problem: OrderProblem, latest: int) -> Iterator[tuple[tuple[int, ...], tuple[int | None, ...]]]:
    """Yield every valid order in which everything has started by a second."""
    for mode_j in itertools.product(*(range(len(job.modes)) for job in problem.jobs)):
        runs = [t for t, task in enumerate(problem.tasks) if mode_j[task.job] == task.mode]
        for starts in itertools.product(range(latest + 1), repeat=len(runs)):
            start_t: list[int | None] = [None] * len(problem.tasks)
            for t, start in zip(runs, starts, strict=True):
                start_t[t] = start
            if _in_turn(problem, start_t) and not faults(problem, mode_j, start_t):
                yield mode_j, tuple(start_t)


def _in_turn(problem: OrderProblem, start_t: Sequence[int | None]) -> bool:
    """Look at what is quickest to see first."""
    for link in problem.precedences:
        a, b = start_t[link.before], start_t[link.after]
        if a is not None and b is not None and b < a + problem.tasks[link.before].duration + link.lag:
            return False
    return True


def best_of_all(problem: OrderProblem, goals: Sequence[str], latest: int) -> tuple[int, ...] | None:
    """Return the smallest values of all orders, None where there is no order."""
    return min((values_of(problem, *order, goals) for order in every_order(problem, latest)), default=None)


def confirm(problem: OrderProblem, found: Arrangement, goals: Sequence[str]) -> None:
    """Assert that an answer is valid and worth what it says, and that its bounds do not contradict it."""
    assert found.stages == stages_of(problem, goals)
    if found.status in ("INFEASIBLE", "UNKNOWN"):
        assert not found.mode_j
        return
    assert not faults(problem, found.mode_j, found.start_t)
    assert found.values == values_of(problem, found.mode_j, found.start_t, goals)
    assert len(found.bounds) == len(found.values)
    assert all(b <= v for b, v in zip(found.bounds, found.values, strict=True))
    assert (found.status == "OPTIMAL") == (found.bounds == found.values)


def at_random(seed: int) -> OrderProblem:
    """Return a tiny problem of at most some four tasks: tight rooms, other ways, links, windows, targets."""
    rng = random.Random(seed)
    hosts = rng.randint(2, 3)
    build = Hosts([rng.randint(2, 4) for _ in range(hosts)])
    link = build.resource(rng.randint(1, 3)) if rng.random() < 0.4 else None
    at_once = build.resource(rng.randint(1, 2)) if rng.random() < 0.3 else None
    timed = rng.random() < 0.25
    moves = rng.randint(1, 3)
    if rng.random() < 0.3:
        build.stay(rng.randrange(hosts), rng.randint(1, 2))
    if timed:
        build.windows = sorted(
            (start, start + rng.randint(1, 4)) for start in (rng.randint(0, 6) for _ in range(rng.randint(1, 2)))
        )
    for _ in range(moves):
        a, b = rng.sample(range(hosts), 2)
        passing = []
        if link is not None and rng.random() < 0.7:
            passing.append((link, rng.randint(1, 2)))
        if at_once is not None:
            passing.append((at_once, 1))
        others = [c for c in range(hosts) if c not in (a, b)]
        times: dict[str, object] = {}
        if timed and rng.random() < 0.5:
            times["in_window"] = True
        if rng.random() < 0.1:
            times["earliest"] = rng.randint(0, 3)
        if rng.random() < 0.1:
            times["latest_end"] = rng.randint(1, 6)
        few = moves < 3
        build.move(
            rng.randint(1, 3),
            a,
            b,
            rng.randint(1, 3 if few else 2),
            by_way_of=others if few and rng.random() < 0.5 else (),
            may_stop=few and rng.random() < 0.4,
            passing=passing,
            priority=rng.choice([0, 0, 5]),
            weight=rng.randint(1, 3),
            due=rng.randint(0, 4) if rng.random() < 0.3 else None,
            **times,
        )
    for host in range(hosts):
        # Mostly what is there fits, and what shall be there.
        there = sum(h.amount for h in build.holds if h.resource == host and h.since is None and h.mode == 0)
        later = sum(h.amount for h in build.holds if h.resource == host and h.until is None and h.mode == 0)
        if rng.random() < 0.9:
            build.capacity[host] = max(there, later) + (rng.random() < 0.3)
    if moves > 1 and rng.random() < 0.25:
        build.exclusions.append(Exclusion(((0,), tuple(range(1, moves)))))
    if moves > 1 and rng.random() < 0.2:
        before = next(t for t, task in enumerate(build.tasks) if task.job == 0)
        after = next(t for t, task in enumerate(build.tasks) if task.job == 1)
        build.precedences.append(Precedence(before, after, rng.randint(0, 2)))
    return build.problem()


def odd(seed: int) -> OrderProblem:
    """Return a tiny problem without any sense: holds between any points, jobs of several tasks, modes without."""
    rng = random.Random(seed)
    capacity = tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 3)))
    jobs: list[Job] = []
    tasks: list[Task] = []
    holds: list[Hold] = []
    links: list[Precedence] = []
    for j in range(rng.randint(1, 3)):
        modes = []
        for m in range(1 if rng.random() < 0.6 else 2):
            own = list(range(len(tasks), len(tasks) + rng.choice([0, 1, 1, 1, 2] if m else [1, 1, 2])))
            tasks += [
                Task(
                    rng.choice([0, 1, 1, 2, 2, 3]),
                    j,
                    m,
                    latest_end=rng.randint(1, 7) if rng.random() < 0.08 else None,
                )
                for _ in own
            ]
            links += [
                Precedence(a, b, rng.choice([0, 0, 1])) for a, b in itertools.pairwise(own) if rng.random() < 0.8
            ]
            serves = rng.choice(own) if own and rng.random() < 0.7 else None
            modes.append(
                Mode(rng.choice([0, 0, 1, 2]) if m else 0, serves, own[0] if serves == own[-1:] else None)
            )
            points: list[Point] = [(t, edge) for t in own for edge in ("start", "end")]  # type: ignore[misc]
            for _ in range(rng.randint(0, 3)):
                since = rng.choice([None, *points])
                until = rng.choice([None, *points])
                if since and until and since[0] == until[0] and since[1] == "end":
                    until = None
                holds.append(Hold(rng.randrange(len(capacity)), rng.randint(0, 3), since, until, j, m))
        jobs.append(Job(tuple(modes), rng.choice([0, 1]), rng.randint(0, 2), rng.choice([None, 2])))
    single = [t for t, task in enumerate(tasks) if len(jobs[task.job].modes) == 1]
    if len(single) > 1 and rng.random() < 0.4:
        a, b = rng.sample(single, 2)
        if rng.random() < 0.5 and a < b:
            links.append(Precedence(a, b))
        else:
            edges = rng.choice(["start", "end"]), rng.choice(["start", "end"])
            holds.append(Hold(0, 1, (a, edges[0]), (b, edges[1])))  # type: ignore[arg-type]
    if len(tasks) > 1 and rng.random() < 0.2:
        a, b = sorted(rng.sample(range(len(tasks)), 2))
        if (tasks[a].job, tasks[a].mode) != (tasks[b].job, 1 - tasks[b].mode):
            links.append(Precedence(a, b))
    exclusions = (Exclusion(((0,), (1,))),) if len(jobs) > 1 and rng.random() < 0.2 else ()
    return OrderProblem(tuple(jobs), tuple(tasks), tuple(links), tuple(holds), capacity, exclusions)


def locked(seed: int) -> OrderProblem:
    """Return moves in a circle between full hosts: one has a way by another host, or by stopping, or none has."""
    rng = random.Random(seed)
    ring = 2 if rng.random() < 0.7 else 3
    size = rng.randint(1, 2)
    build = Hosts([size + (rng.random() < 0.1)] * ring + [rng.randint(0, 3)])
    spare = ring
    ways = rng.random() < 0.8
    for n in range(ring):
        build.move(
            size,
            n,
            (n + 1) % ring,
            1,
            by_way_of=[spare] if ways and n == 0 else (),
            may_stop=ways and n == 0 and rng.random() < 0.6 and ring == 2,
            weight=rng.randint(1, 2),
        )
    if build.capacity[spare] > size and ring == 2 and rng.random() < 0.3:
        build.stay(spare, 1)
    return build.problem()
