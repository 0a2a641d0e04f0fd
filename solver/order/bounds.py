"""Lower bounds for every stage, without search: longest paths, the work on each resource, Smith's rule on it.

All in exact integers. A bound holds for every order that uses only the modes it was told of.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from zonewright.solver.order.judge import stages_of
from zonewright.solver.order.lasting import lasts
from zonewright.solver.order.problem import OrderProblem, horizon_of

#: Most thresholds of starts, and of rests, that are tried per resource.
_THRESHOLDS = 24
#: Sums of amounts are counted exactly up to a capacity of this many steps.
_MOST_SUMS = 1 << 16


@dataclass(frozen=True)
class Paths:
    """What precedences alone say, per task: it cannot start before `head_t`, and `tail_t` follows its end."""

    head_t: list[int | None]
    """None: its mode cannot be chosen, since it would end too late."""
    tail_t: list[int]


@dataclass(frozen=True)
class _Load:
    """What one job at least puts on a resource."""

    job: int
    amount: int
    seconds: int
    head: int
    tail: int


def _windows(problem: OrderProblem) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(problem.windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _links(problem: OrderProblem) -> list[tuple[int, int, int, bool]]:
    """Return (before, after, lag, by start): precedences, and holds that order two tasks."""
    links = [(link.before, link.after, link.lag, False) for link in problem.precedences]
    for hold in problem.holds:
        if hold.since and hold.until and hold.since[0] != hold.until[0] and hold.until[1] == "start":
            links.append((hold.since[0], hold.until[0], 0, hold.since[1] == "start"))
    return links


def ordered_pairs(problem: OrderProblem) -> list[tuple[int, int]]:
    """Return pairs of tasks of which the second cannot start before the first has."""
    return [(before, after) for before, after, _, _ in _links(problem)]


def paths_of(problem: OrderProblem) -> Paths:
    """Return heads and tails, counting only those before and after a task that surely run when it does."""
    tasks = problem.tasks
    windows = _windows(problem)

    def sure(other: int, t: int) -> bool:
        same = (tasks[other].job, tasks[other].mode) == (tasks[t].job, tasks[t].mode)
        return same or len(problem.jobs[tasks[other].job].modes) == 1

    after: list[list[tuple[int, int, bool]]] = [[] for _ in tasks]
    waits = [0] * len(tasks)
    for before, t, lag, by_start in _links(problem):
        after[before].append((t, lag, by_start))
        waits[t] += 1
    in_turn = [t for t, count in enumerate(waits) if count == 0]
    head_t: list[int | None] = [task.earliest for task in tasks]
    for t in in_turn:
        head, task = head_t[t], tasks[t]
        if head is not None and task.in_window:
            fits = [max(head, a) for a, b in windows if max(head, a) + task.duration <= b]
            head = head_t[t] = min(fits, default=None)
        if head is not None and task.latest_end is not None and head + task.duration > task.latest_end:
            head = head_t[t] = None
        for other, lag, by_start in after[t]:
            known = head_t[other]
            if sure(t, other) and known is not None:
                ready = None if head is None else head if by_start else head + task.duration + lag
                head_t[other] = None if ready is None else max(known, ready)
            waits[other] -= 1
            if waits[other] == 0:
                in_turn.append(other)
    tail_t = [0] * len(tasks)
    for t in reversed(in_turn):
        for other, lag, by_start in after[t]:
            if sure(other, t) and not by_start:
                tail_t[t] = max(tail_t[t], lag + tasks[other].duration + tail_t[other])
    return Paths(head_t, tail_t)


def possible(problem: OrderProblem, paths: Paths) -> list[list[int]]:
    """Return, per job, the modes whose tasks all have time and whose holds alone find room."""
    still = [0] * len(problem.capacity)
    lasting = lasts(problem)
    for hold in problem.holds:
        if hold.job is None and hold.since is None and hold.until is None:
            still[hold.resource] += hold.amount
    out: set[tuple[int, int]] = {
        (task.job, task.mode) for t, task in enumerate(problem.tasks) if paths.head_t[t] is None
    }
    for hold in problem.holds:
        if hold.job is None or hold.since is None or not hold.amount:
            continue
        if not lasting(hold):
            continue
        if still[hold.resource] + hold.amount > problem.capacity[hold.resource]:
            out.add((hold.job, hold.mode))
    return [[m for m in range(len(job.modes)) if (j, m) not in out] for j, job in enumerate(problem.jobs)]


def bounds_of(
    problem: OrderProblem, goals: Sequence[str], allowed: Sequence[Collection[int]], paths: Paths | None = None
) -> tuple[int, ...]:
    """Return a lower bound of every stage for orders that use only `allowed` modes (at least one per job)."""
    paths = paths or paths_of(problem)
    loads = _loads(problem, allowed, paths)
    bounds: list[int] = []
    for stage in stages_of(problem, goals):
        kind, _, level = stage.partition(":")
        if kind == "penalty":
            bounds.append(sum(min(job.modes[m].penalty for m in allowed[j]) for j, job in enumerate(problem.jobs)))
        elif kind == "makespan":
            bounds.append(_makespan(problem, allowed, paths, loads))
        elif kind == "downtime":
            bounds.append(_downtime(problem, allowed))
        else:
            back = {
                j: earliest
                for j, job in enumerate(problem.jobs)
                if job.priority == int(level) and (earliest := _back(problem, j, allowed[j], paths)) is not None
            }
            if kind == "late":
                bounds.append(
                    sum(
                        problem.jobs[j].weight * max(0, earliest - due)
                        for j, earliest in back.items()
                        if (due := problem.jobs[j].due) is not None
                    )
                )
            else:
                bounds.append(_service(problem, allowed, back, paths))
    return tuple(bounds)


def _back(problem: OrderProblem, j: int, modes: Collection[int], paths: Paths) -> int | None:
    """Return the earliest second at which a job's service can be back; None where some mode brings nothing."""
    ends = []
    for m in modes:
        t = problem.jobs[j].modes[m].serves
        head = None if t is None else paths.head_t[t]
        if t is None or head is None:
            return None
        ends.append(head + problem.tasks[t].duration)
    return min(ends)


def _loads(problem: OrderProblem, allowed: Sequence[Collection[int]], paths: Paths) -> dict[int, list[_Load]]:
    """Return what each job surely puts on each resource: the holds from one task's start to its end."""
    per: dict[tuple[int, int], dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for hold in problem.holds:
        if hold.since is None or hold.until is None or hold.amount == 0:
            continue
        t = hold.since[0]
        if hold.since == (t, "start") and hold.until == (t, "end") and problem.tasks[t].duration:
            task = problem.tasks[t]
            if hold.job is None and len(problem.jobs[task.job].modes) > 1:
                continue
            per[hold.resource, task.job][task.mode].append((t, hold.amount))
    loads: dict[int, list[_Load]] = defaultdict(list)
    for (r, j), by_mode in per.items():
        if any(m not in by_mode for m in allowed[j]):
            continue
        # Of several modes the least of everything; several tasks of one mode count one by one.
        if len(allowed[j]) == 1:
            (m,) = allowed[j]
            for t, amount in by_mode[m]:
                loads[r].append(_Load(j, amount, problem.tasks[t].duration, paths.head_t[t] or 0, paths.tail_t[t]))
            continue
        items = [item for m in allowed[j] for item in by_mode[m]]
        loads[r].append(
            _Load(
                j,
                min(amount for _, amount in items),
                min(sum(problem.tasks[t].duration for t, _ in by_mode[m]) for m in allowed[j]),
                min(paths.head_t[t] or 0 for t, _ in items),
                min(paths.tail_t[t] for t, _ in items),
            )
        )
    return loads


def _room(problem: OrderProblem) -> list[int]:
    """Return each resource's capacity less what holds of no job take for ever."""
    room = list(problem.capacity)
    for hold in problem.holds:
        if hold.job is None and hold.since is None and hold.until is None:
            room[hold.resource] -= hold.amount
    return room


def _scalings(amounts: Sequence[int], room: int) -> list[tuple[dict[int, int], int]]:
    """Return rescalings (new amount by old one, new room) such that what fits together before fits after.

    With a cut of at most half the room, amounts beyond the rest count as all of it, those below it as nothing.
    """
    distinct = sorted(set(amounts))
    step = math.gcd(*distinct)
    best = room
    if room // step <= _MOST_SUMS:
        sums = 1
        for amount, group in itertools.groupby(sorted(amounts)):
            count, part = min(len(list(group)), room // amount), 1
            while count:
                sums |= sums << (min(part, count) * amount // step)
                count -= min(part, count)
                part *= 2
        sums &= (1 << (room // step + 1)) - 1
        best = (sums.bit_length() - 1) * step
    scalings = [({a: a for a in distinct}, best)]
    for cut in [a for a in distinct if 2 * a <= room][:_THRESHOLDS]:
        scalings.append(({a: room if a > room - cut else 0 if a < cut else a for a in distinct}, room))
    scalings.append(({a: room if 2 * a > room else 0 for a in distinct}, room))
    return scalings


def _after_work(windows: Sequence[tuple[int, int]] | None, start: int, seconds: int) -> int:
    """Return when work of so many seconds can be over that begins at `start` and runs only in windows."""
    if windows is None or seconds == 0:
        return start + seconds
    for a, b in windows:
        free = b - max(start, a)
        if free >= seconds:
            return max(start, a) + seconds
        seconds -= max(0, free)
    return start + seconds


def _some(values: Collection[int]) -> list[int]:
    """Return the distinct values, or evenly spaced ones of them where there are many."""
    distinct = sorted(set(values))
    if len(distinct) <= _THRESHOLDS:
        return distinct
    return [distinct[i * (len(distinct) - 1) // (_THRESHOLDS - 1)] for i in range(_THRESHOLDS)]


def _makespan(
    problem: OrderProblem,
    allowed: Sequence[Collection[int]],
    paths: Paths,
    loads: dict[int, list[_Load]],
) -> int:
    longest: dict[tuple[int, int], int] = defaultdict(int)
    for t, task in enumerate(problem.tasks):
        head = paths.head_t[t]
        if head is not None:
            q = task.job, task.mode
            longest[q] = max(longest[q], head + task.duration + paths.tail_t[t])
    best = max((min(longest[j, m] for m in modes) for j, modes in enumerate(allowed)), default=0)
    room = _room(problem)
    windows = _windows(problem)
    windowed = [True] * len(problem.jobs)
    for task in problem.tasks:
        windowed[task.job] = windowed[task.job] and task.in_window
    for r, items in loads.items():
        for scaled, capacity in _scalings([item.amount for item in items], room[r]):
            if capacity <= 0:
                continue
            for tail in _some([item.tail for item in items]):
                late = sorted((i for i in items if i.tail >= tail), key=lambda i: -i.head)
                starts = set(_some([item.head for item in late]))
                work, inside = 0, True
                for n, item in enumerate(late):
                    work += scaled[item.amount] * item.seconds
                    inside = inside and windowed[item.job]
                    last = n + 1 == len(late) or late[n + 1].head != item.head
                    if last and item.head in starts:
                        seconds = -(-work // capacity)
                        end = _after_work(windows if inside else None, item.head, seconds)
                        best = max(best, end + tail)
    return best


def _downtime(problem: OrderProblem, allowed: Sequence[Collection[int]]) -> int:
    after: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for link in problem.precedences:
        after[link.before].append((link.after, link.lag))
    total = 0
    for j, job in enumerate(problem.jobs):
        shortest = []
        for m in allowed[j]:
            mode = job.modes[m]
            if mode.serves is None or mode.stops is None:
                shortest.append(0)
                continue
            # Longest way from the stop to the return, through this mode's own tasks.
            longest = {mode.stops: problem.tasks[mode.stops].duration}
            waiting = [mode.stops]
            while waiting:
                t = waiting.pop()
                for other, lag in after[t]:
                    task = problem.tasks[other]
                    way = longest[t] + lag + task.duration
                    if (task.job, task.mode) == (j, m) and way > longest.get(other, -1):
                        longest[other] = way
                        waiting.append(other)
            shortest.append(longest.get(mode.serves, -horizon_of(problem)))
        total += job.weight * min(shortest, default=0)
    return total


def _service(problem: OrderProblem, allowed: Sequence[Collection[int]], back: dict[int, int], paths: Paths) -> int:
    """Return a bound on the weighted sum of ends: every job's weight is shared out among its resources.

    On a machine of speed `room` that may divide its work, Smith's rule gives the least weighted sum of mean busy
    times; a task ends half its duration after its mean. A job may keep a share for its own earliest end.
    The shares come from subgradients in floating point; the bound for given shares is exact.
    """
    single = {j: problem.jobs[j].modes[next(iter(allowed[j]))].serves for j in back if len(allowed[j]) == 1}
    amount_rt: dict[tuple[int, int], int] = defaultdict(int)
    for hold in problem.holds:
        if hold.since is None or hold.until is None or hold.amount == 0:
            continue
        t = hold.since[0]
        task = problem.tasks[t]
        if hold.since == (t, "start") and hold.until == (t, "end") and task.duration and single.get(task.job) == t:
            amount_rt[hold.resource, t] += hold.amount
    room = _room(problem)
    on: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (r, t), amount in amount_rt.items():
        on[r].append((t, amount))
    machines = [
        _Machine(
            [problem.tasks[t].job for t, _ in items],
            [scaled[amount] for _, amount in items],
            [problem.tasks[t].duration for t, _ in items],
            capacity,
            min(paths.head_t[t] or 0 for t, _ in items),
        )
        for r, items in sorted(on.items())
        if len(items) > 1
        for scaled, capacity in [_tightest(problem, items, room[r])]
        if capacity > 0
    ]
    weight_j = {j: problem.jobs[j].weight for j in back}
    return max(
        (_shared(machines, shares, weight_j, back) for shares in _shares(machines, weight_j, back)),
        default=sum(weight_j[j] * earliest for j, earliest in back.items()),
    )


@dataclass(frozen=True)
class _Machine:
    """A resource with the tasks that bring services back: job, amount and seconds of each."""

    job_i: list[int]
    amount_i: list[int]
    seconds_i: list[int]
    capacity: int
    first: int
    """Nothing starts on it before."""

    def smith(self, weight_i: Sequence[int]) -> Fraction:
        """Return the least weighted sum of ends for some weights."""
        items = [
            (weight, amount * seconds, seconds)
            for weight, amount, seconds in zip(weight_i, self.amount_i, self.seconds_i, strict=True)
            if weight
        ]
        items.sort(key=lambda i: -Fraction(i[0], i[1]) if i[1] else -Fraction(1 << 62))
        work, twice = 0, 0
        for weight, energy, seconds in items:
            twice += weight * (2 * work + energy + (seconds + 2 * self.first) * self.capacity)
            work += energy
        return Fraction(twice, 2 * self.capacity)


def _tightest(problem: OrderProblem, items: Sequence[tuple[int, int]], room: int) -> tuple[dict[int, int], int]:
    """Return the rescaling of amounts under which some tasks fill a resource longest."""

    def length(scaling: tuple[dict[int, int], int]) -> Fraction:
        scaled, capacity = scaling
        if capacity <= 0:
            return Fraction(-1)
        return Fraction(sum(scaled[amount] * problem.tasks[t].duration for t, amount in items), capacity)

    return max(_scalings([amount for _, amount in items], room), key=length)


#: Shares are whole parts of a weight, this many to the whole; rounds of improving them.
_SHARES = 1 << 10
_ROUNDS = 24


def _shares(
    machines: Sequence[_Machine], weight_j: dict[int, int], back: dict[int, int]
) -> Iterator[list[list[int]]]:
    """Yield ways of sharing weights out: per machine and task, parts of `_SHARES`; the rest is the job's own."""
    import numpy as np

    if not machines:
        return
    jobs = sorted(weight_j)
    place = {j: n for n, j in enumerate(jobs)}
    own = np.array([float(back[j]) for j in jobs])
    weight = np.array([float(max(1, weight_j[j])) for j in jobs])
    job_k = [np.array([place[j] for j in m.job_i]) for m in machines]
    energy_k = [np.array(m.amount_i, float) * np.array(m.seconds_i, float) for m in machines]
    seconds_k = [np.array(m.seconds_i, float) for m in machines]
    number = np.zeros(len(jobs))
    for places in job_k:
        number[places] += 1
    share_k = [1.0 / number[places] for places in job_k]
    best, best_value = None, -1.0
    for step in range(_ROUNDS):
        ends = []
        value = 0.0
        kept = np.ones(len(jobs))
        for m, places, energy, seconds, share in zip(machines, job_k, energy_k, seconds_k, share_k, strict=True):
            ratio = share * weight[places] / np.maximum(energy, 1e-9)
            order = np.argsort(-ratio, kind="stable")
            done = np.empty(len(order))
            done[order] = np.cumsum(energy[order]) - energy[order] / 2
            end = m.first + done / m.capacity + seconds / 2
            ends.append(end)
            value += float((share * weight[places] * end).sum())
            kept[places] -= share
        value += float((np.maximum(kept, 0.0) * weight * own).sum())
        if value > best_value:
            best, best_value = [share.copy() for share in share_k], value
        # Move towards where each job ends latest.
        latest = own.copy()
        for places, end in zip(job_k, ends, strict=True):
            np.maximum.at(latest, places, end)
        rate = 2.0 / (step + 3.0)
        chosen = own >= latest
        for n, (places, end) in enumerate(zip(job_k, ends, strict=True)):
            wins = (end >= latest[places]) & ~chosen[places]
            chosen[places[wins]] = True
            share_k[n] = (1 - rate) * share_k[n] + rate * wins
    assert best is not None
    yield [np.floor(share * _SHARES).astype(np.int64).tolist() for share in best]


def _shared(
    machines: Sequence[_Machine], shares: Sequence[Sequence[int]], weight_j: dict[int, int], back: dict[int, int]
) -> int:
    """Return the exact bound for shares that sum to at most `_SHARES` per job."""
    own = dict.fromkeys(weight_j, _SHARES)
    total = Fraction(0)
    for machine, share_i in zip(machines, shares, strict=True):
        for j, share in zip(machine.job_i, share_i, strict=True):
            own[j] -= share
        total += machine.smith([share * weight_j[j] for j, share in zip(machine.job_i, share_i, strict=True)])
    assert min(own.values()) >= 0
    total += sum(own[j] * weight_j[j] * earliest for j, earliest in back.items())
    return math.ceil(total / _SHARES)
