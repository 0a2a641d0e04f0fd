"""Orders of one task after another: find one with the fewest penalties, or prove that there is none.

Where every hold is taken at a start and given back at an end, any order in time can be run one task at a time, in
the order of starts: a task then finds no less room than it had. So whether an order exists at all, windows and
latest ends aside, is a search over sets of tasks done, and the loads follow from the set. What keeps it small:

- a task that leaves no more on anything that could still run out is done at once, since waiting cannot help;
- jobs that share nothing that could run out are searched apart;
- a state is a dead end if some job could not be done even though nothing more were ever taken.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from zonewright.solver.order.table import Table

Amounts = dict[int, int]
Path = tuple[int, "Path"] | None


@dataclass(frozen=True)
class Serial:
    """What the search over orders of one task after another found."""

    status: Literal["found", "none", "open"]
    """`none` is a proof where the table says `serial`."""
    order: tuple[int, ...] = ()
    """Tasks, first to last."""
    mode_j: tuple[int, ...] = ()
    bound: int = 0
    """No order has a smaller penalty, where the table says `serial`."""
    stuck: tuple[int, ...] = ()
    """For `none`: jobs of one part that cannot all be done."""


@dataclass
class Limit:
    """How much to search, in all: `work` counts steps that are looked at."""

    work: int
    over: Callable[[], bool] = lambda: False
    """Whether it is time to stop."""

    def reached(self, work: int) -> bool:
        """Count some work; return whether it is enough."""
        self.work -= work
        return self.work < 0 or self.over()


class _State:
    """How far a part has come."""

    __slots__ = ("cost", "done", "future", "held", "left", "load", "mode", "path", "running")

    def __init__(self, part: _Part) -> None:
        self.done = 0
        self.load: Amounts = dict(part.load)
        self.future: Amounts = defaultdict(int)
        """Most that unfinished jobs may still take, by resource."""
        for most in part.future_j.values():
            for r, amount in most.items():
                self.future[r] += amount
        self.mode: dict[int, int] = {}
        """Mode of every job that has begun."""
        self.left: dict[int, int] = dict.fromkeys(part.modes, -1)
        """Steps left of every unfinished job; -1: not begun."""
        self.held: dict[int, Amounts] = part.begin_j
        """What every job holds; replaced, never changed in place."""
        self.running: dict[int, tuple[int, int]] = {}
        """Per exclusion the set that runs, and how many of its jobs."""
        self.cost = 0
        self.path: Path = None

    def copy(self) -> _State:
        other = _State.__new__(_State)
        other.done, other.cost, other.path = self.done, self.cost, self.path
        other.load, other.future = self.load.copy(), self.future.copy()
        other.mode, other.left = self.mode.copy(), self.left.copy()
        other.held, other.running = self.held.copy(), self.running.copy()
        return other


class _Part:
    """Some jobs with the modes they may use, and loads that the rest of the world leaves as they are.

    Steps are numbered from 0: the tasks of those modes, and one that does nothing for a mode without tasks.
    """

    def __init__(self, table: Table, modes: Mapping[int, Sequence[int]], load: Amounts) -> None:
        lists = table.lists
        self.table, self.modes, self.load = table, modes, load
        self.capacity = lists.capacity_r.tolist()
        self.task_n: list[int] = []
        """Task of a step, -1 where it is none."""
        self.job_n: list[int] = []
        self.mode_n: list[int] = []
        self.steps_q: dict[tuple[int, int], list[int]] = {}
        self.extra_q: dict[tuple[int, int], int] = {}
        self.begin_j: dict[int, Amounts] = {}
        self.apart_j: dict[int, list[tuple[int, int]]] = {}
        for j, ms in modes.items():
            first = int(lists.first_j[j])
            least = min(int(lists.penalty_q[first + m]) for m in ms)
            begin: Amounts = defaultdict(int)
            for m in ms:
                q = first + m
                own = list(table.tasks_q[q]) or [-1]
                self.steps_q[j, m] = list(range(len(self.task_n), len(self.task_n) + len(own)))
                self.task_n += own
                self.job_n += [j] * len(own)
                self.mode_n += [m] * len(own)
                self.extra_q[j, m] = int(lists.penalty_q[q]) - least
                for k in range(int(lists.begin_ptr_q[q]), int(lists.begin_ptr_q[q + 1])):
                    r = int(lists.begin_r[k])
                    begin[r] = max(begin[r], int(lists.begin_amount[k]))
            self.begin_j[j] = begin
            apart = range(int(lists.apart_ptr_j[j]), int(lists.apart_ptr_j[j + 1]))
            self.apart_j[j] = [(int(lists.apart_e[k]), int(lists.apart_s[k])) for k in apart]
        place = {t: n for n, t in enumerate(self.task_n) if t >= 0}
        self.takes_n: list[list[tuple[int, int]]] = []
        self.net_n: list[list[tuple[int, int]]] = []
        self.before_n: list[list[int]] = [[] for _ in self.task_n]
        for t in self.task_n:
            takes: list[tuple[int, int]] = []
            net: Amounts = defaultdict(int)
            if t >= 0:
                for k in range(int(lists.take_ptr_t[t]), int(lists.take_ptr_t[t + 1])):
                    r, amount = int(lists.take_r[k]), int(lists.take_amount[k])
                    if lists.take_check[k]:
                        takes.append((r, amount))
                    net[r] += amount
                for k in range(int(lists.give_ptr_t[t]), int(lists.give_ptr_t[t + 1])):
                    net[int(lists.give_r[k])] -= int(lists.give_amount[k])
                for k in range(int(lists.next_ptr_t[t]), int(lists.next_ptr_t[t + 1])):
                    other = place.get(int(lists.next_t[k]))
                    if other is not None:
                        self.before_n[other].append(place[t])
            self.takes_n.append(takes)
            self.net_n.append([(r, amount) for r, amount in sorted(net.items()) if amount])
        self.future_j = {j: self._future(j) for j in modes}
        self.steps_r: dict[int, list[int]] = defaultdict(list)
        """Steps that take or give back a resource."""
        self.steps_e: dict[int, list[int]] = defaultdict(list)
        self.after_n: list[list[int]] = [[] for _ in self.task_n]
        for n, j in enumerate(self.job_n):
            for r in {r for r, _ in (*self.takes_n[n], *self.net_n[n])}:
                self.steps_r[r].append(n)
            for e, _ in self.apart_j[j]:
                self.steps_e[e].append(n)
            for other in self.before_n[n]:
                self.after_n[other].append(n)
        self.alternatives_j = {j: len(ms) for j, ms in modes.items()}
        """How many modes a job has; more than this part's where others may be chosen elsewhere."""

    def _future(self, j: int) -> Amounts:
        most: Amounts = defaultdict(int)
        for m in self.modes[j]:
            of_mode: Amounts = defaultdict(int)
            for n in self.steps_q[j, m]:
                for r, amount in self.takes_n[n]:
                    of_mode[r] += max(0, amount)
            for r, amount in of_mode.items():
                most[r] = max(most[r], amount)
        return most

    def touched(self, j: int) -> set[int]:
        """Return the resources that a job takes or gives back."""
        steps = [n for m in self.modes[j] for n in self.steps_q[j, m]]
        return {r for n in steps for r, _ in (*self.takes_n[n], *self.net_n[n])}

    def may(self, state: _State, n: int) -> bool:
        """Whether a step can be done next."""
        j = self.job_n[n]
        chosen = state.mode.get(j)
        if state.done >> n & 1 or (chosen is not None and chosen != self.mode_n[n]):
            return False
        load, capacity = state.load, self.capacity
        for r, amount in self.takes_n[n]:
            if load[r] + amount > capacity[r]:
                return False
        for other in self.before_n[n]:
            waits = state.mode.get(self.job_n[other], self.mode_n[other]) == self.mode_n[other]
            if waits and not state.done >> other & 1:
                return False
        if chosen is None:
            for e, s in self.apart_j[j]:
                if state.running.get(e, (s, 0))[0] != s:
                    return False
        return True

    def do(self, state: _State, n: int) -> None:
        """Do a step, in place."""
        j, m = self.job_n[n], self.mode_n[n]
        if j not in state.mode:
            state.mode[j] = m
            state.left[j] = len(self.steps_q[j, m])
            state.cost += self.extra_q[j, m]
            for e, s in self.apart_j[j]:
                state.running[e] = (s, state.running.get(e, (s, 0))[1] + 1)
        state.done |= 1 << n
        held = state.held[j] = state.held[j].copy()
        for r, amount in self.net_n[n]:
            state.load[r] += amount
            held[r] = held.get(r, 0) + amount
        state.left[j] -= 1
        if state.left[j] == 0:
            del state.left[j]
            for r, amount in self.future_j[j].items():
                state.future[r] -= amount
            for e, s in self.apart_j[j]:
                count = state.running[e][1] - 1
                if count:
                    state.running[e] = (s, count)
                else:
                    del state.running[e]
        if self.task_n[n] >= 0:
            state.path = (self.task_n[n], state.path)

    def scarce(self, state: _State, r: int) -> bool:
        """Whether a resource could still run out."""
        return bool(state.load[r] + state.future[r] > self.capacity[r])

    def harmless(self, state: _State, n: int) -> bool:
        """Whether doing a possible step now cannot make anything impossible, nor dearer."""
        j = self.job_n[n]
        for r, amount in self.net_n[n]:
            if amount > 0 and self.scarce(state, r):
                return False
        if j in state.mode:
            return not self.apart_j[j] or state.left[j] == 1
        alone = len(self.steps_q[j, self.mode_n[n]]) == 1
        if self.apart_j[j] and not alone:
            return False
        if self.alternatives_j[j] == 1:
            return True
        if not alone or self.extra_q[j, self.mode_n[n]]:
            return False
        # Another mode might hold less for a while: this one must leave nothing on what is scarce.
        after = state.held[j].copy()
        for r, amount in self.net_n[n]:
            after[r] = after.get(r, 0) + amount
        return all(amount <= 0 or not self.scarce(state, r) for r, amount in after.items())

    def stirred(self, state: _State, n: int) -> list[int]:
        """Return the steps that may have become possible or harmless by a step just done."""
        j = self.job_n[n]
        finished = j not in state.left
        resources = {r for r, amount in self.net_n[n] if amount < 0} | (
            set(self.future_j[j]) if finished else set()
        )
        steps = [*self.after_n[n], *(other for m in self.modes[j] for other in self.steps_q[j, m])]
        for r in sorted(resources):
            steps += self.steps_r[r]
        if finished:
            for e, _ in self.apart_j[j]:
                steps += self.steps_e[e]
        return steps

    def close(self, state: _State, steps: Iterable[int]) -> None:
        """Do everything that is harmless among some steps, and what these lead to."""
        waiting = list(steps)[::-1]
        queued = set(waiting)
        while waiting:
            n = waiting.pop()
            queued.discard(n)
            if state.done >> n & 1 or state.mode.get(self.job_n[n], self.mode_n[n]) != self.mode_n[n]:
                continue
            if self.may(state, n) and self.harmless(state, n):
                self.do(state, n)
                fresh = [other for other in self.stirred(state, n) if other not in queued]
                queued.update(fresh)
                waiting += dict.fromkeys(fresh)

    def hopeless(self, state: _State, *, cheap: bool) -> bool:
        """Whether some job could not be done even if from now on things were only given back.

        With `cheap`, jobs that have not begun may only use modes without extra penalty.
        """
        load = state.load.copy()
        given: dict[int, Amounts] = {j: defaultdict(int) for j in state.left}
        gives: dict[tuple[int, int], Amounts] = defaultdict(lambda: defaultdict(int))
        reached = state.done
        open_jobs = set(state.left)
        again = True
        while again and open_jobs:
            again = False
            for j in sorted(open_jobs):
                chosen = state.mode.get(j)
                for m in self.modes[j] if chosen is None else (chosen,):
                    if cheap and chosen is None and self.extra_q[j, m]:
                        continue
                    complete = True
                    for n in self.steps_q[j, m]:
                        if reached >> n & 1:
                            continue
                        own = self.before_n[n]
                        if any(load[r] + a > self.capacity[r] for r, a in self.takes_n[n]) or any(
                            self.job_n[o] == j and not reached >> o & 1 for o in own
                        ):
                            complete = False
                            continue
                        reached |= 1 << n
                        again = True
                        for r, amount in self.net_n[n]:
                            if amount < 0:
                                gives[j, m][r] -= amount
                                more = min(state.held[j].get(r, 0), gives[j, m][r]) - given[j][r]
                                if more > 0:
                                    given[j][r] += more
                                    load[r] -= more
                    if complete:
                        open_jobs.discard(j)
        return bool(open_jobs)

    def steps(self, state: _State) -> list[int]:
        """Return the steps that can be done next, those that take least of what is scarce first."""
        ranked = []
        for j in state.left:
            chosen = state.mode.get(j)
            for m in self.modes[j] if chosen is None else (chosen,):
                for n in self.steps_q[j, m]:
                    if self.may(state, n):
                        worse = sum(
                            amount / max(1, self.capacity[r])
                            for r, amount in self.net_n[n]
                            if self.scarce(state, r)
                        )
                        begun = 0 if chosen is not None else 1
                        ranked.append((self.extra_q[j, m] if begun else 0, begun, worse, n))
        return [n for *_, n in sorted(ranked)]


def _tasks(path: Path) -> list[int]:
    tasks = []
    while path is not None:
        t, path = path
        tasks.append(t)
    return tasks[::-1]


def _search(part: _Part, start: _State, limit: Limit) -> tuple[_State | None, int, bool]:
    """Return the end of a cheapest order, a bound on the extra penalty, and whether all states were seen.

    States wait in the order of their least possible cost, the latest first among equals.
    """
    ticket = itertools.count()
    waiting: list[tuple[int, int, _State]] = []
    seen: set[int] = set()

    def put(state: _State) -> None:
        if state.done in seen:
            return
        seen.add(state.done)
        if not part.hopeless(state, cheap=True):
            heapq.heappush(waiting, (state.cost, -next(ticket), state))
        elif not part.hopeless(state, cheap=False):
            fresh = (part.extra_q[j, m] for j in state.left if j not in state.mode for m in part.modes[j])
            dearer = min(extra for extra in fresh if extra)
            heapq.heappush(waiting, (state.cost + dearer, -next(ticket), state))

    put(start)
    bound = 0
    while waiting:
        least, _, state = heapq.heappop(waiting)
        bound = max(bound, least)
        if not state.left:
            return state, bound, True
        steps = part.steps(state)
        if limit.reached(len(part.task_n) * (1 + len(steps))):
            return None, bound, False
        for n in reversed(steps):
            put(_next(part, state, n))
    return None, bound, True


def _plunge(part: _Part, start: _State, limit: Limit) -> _State | None:
    """Return the end of some order, always by the best next step and never back; None where that leads nowhere."""
    state = start
    while state.left:
        steps = part.steps(state)
        if not steps or limit.over():
            return None
        state = _next(part, state, steps[0])
    return state


def _next(part: _Part, state: _State, n: int) -> _State:
    child = state.copy()
    part.do(child, n)
    part.close(child, part.stirred(child, n))
    return child


def _split(part: _Part, state: _State) -> list[list[int]]:
    """Return the unfinished jobs in groups that share nothing that could run out, wait or exclude."""
    root: dict[object, object] = {}

    def find(x: object) -> object:
        while root.setdefault(x, x) != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    for j in state.left:
        for r in part.touched(j):
            if part.scarce(state, r):
                root[find(("resource", r))] = find(("job", j))
        for e, _ in part.apart_j[j]:
            root[find(("apart", e))] = find(("job", j))
    for n, before in enumerate(part.before_n):
        for other in before:
            a, b = part.job_n[n], part.job_n[other]
            if a in state.left and b in state.left:
                root[find(("job", a))] = find(("job", b))
    groups: dict[object, list[int]] = defaultdict(list)
    for j in state.left:
        groups[find(("job", j))].append(j)
    return sorted(groups.values())


def _loads(table: Table, modes: Mapping[int, Sequence[int]]) -> Amounts:
    """Return what is on every resource at the beginning, of jobs with several modes the most."""
    lists = table.lists
    load = dict(enumerate(lists.load_r.tolist()))
    for j, ms in modes.items():
        most: Amounts = defaultdict(int)
        for m in ms:
            q = int(lists.first_j[j]) + m
            for k in range(int(lists.begin_ptr_q[q]), int(lists.begin_ptr_q[q + 1])):
                most[int(lists.begin_r[k])] = max(most[int(lists.begin_r[k])], int(lists.begin_amount[k]))
        for r, amount in most.items():
            load[r] += amount
    return load


def _rest(whole: _Part, state: _State, group: Sequence[int]) -> tuple[_Part, _State]:
    """Return a part of the unfinished jobs of a group only, and how far they have come."""
    part = _Part(whole.table, {j: whole.modes[j] for j in group}, state.load)
    part.alternatives_j = whole.alternatives_j
    start = _State(part)
    start.mode = {j: state.mode[j] for j in group if j in state.mode}
    start.left = {j: state.left[j] for j in group}
    start.held = {j: state.held[j] for j in group}
    start.running = {e: state.running[e] for j in group for e, _ in part.apart_j[j] if e in state.running}
    for q, steps in part.steps_q.items():
        for n, there in zip(steps, whole.steps_q[q], strict=True):
            start.done |= (state.done >> there & 1) << n
    return part, start


def one_after_another(table: Table, allowed: Sequence[Sequence[int]], limit: Limit) -> Serial:
    """Return an order of one task after another with the least penalty, of the allowed modes of every job."""
    every = dict(enumerate(allowed))
    penalty_q, first_j = table.lists.penalty_q.tolist(), table.lists.first_j.tolist()
    least_j = [min(penalty_q[first_j[j] + m] for m in ms) for j, ms in every.items()]
    cheapest = {j: [m for m in ms if penalty_q[first_j[j] + m] == least_j[j]] for j, ms in every.items()}
    if cheapest == every:
        return _solve(table, every, allowed, limit, plunge=True)
    # First with the cheapest modes only: every group that is stuck then needs a dearer one.
    cheap = _solve(table, cheapest, allowed, limit, plunge=False)
    if cheap.status == "found":
        return cheap
    wide = _solve(table, every, allowed, limit, plunge=True)
    return replace(wide, bound=max(wide.bound, cheap.bound))


def _solve(
    table: Table,
    modes: Mapping[int, Sequence[int]],
    allowed: Sequence[Sequence[int]],
    limit: Limit,
    *,
    plunge: bool,
) -> Serial:
    """Search with some of the allowed modes; the bound counts the others for groups that have no order without."""
    penalty_q, first_j = table.lists.penalty_q.tolist(), table.lists.first_j.tolist()
    least_j = {j: min(penalty_q[first_j[j] + m] for m in ms) for j, ms in modes.items()}
    bound = sum(least_j.values())
    whole = _Part(table, modes, _loads(table, modes))
    whole.alternatives_j = {j: len(ms) for j, ms in enumerate(allowed)}
    state = _State(whole)
    whole.close(state, range(len(whole.task_n)))
    order, mode_j = _tasks(state.path), dict(state.mode)
    status: Literal["found", "none", "open"] = "found"
    stuck: list[int] = []
    for group in _split(whole, state):
        part, start = _rest(whole, state, group)
        part.close(start, range(len(part.task_n)))
        end, extra, closed = _search(part, start, limit)
        bound += extra
        if end is None and not closed and plunge:
            end = _plunge(part, start, limit)
        if end is not None:
            order += _tasks(end.path)
            mode_j.update(end.mode)
        elif closed:
            others = ((j, m) for j in group for m in allowed[j] if m not in modes[j])
            bound += min((penalty_q[first_j[j] + m] - least_j[j] for j, m in others), default=0) - extra
            if status != "none" or len(group) < len(stuck):
                stuck = group
            status = "none"
        elif status == "found":
            status = "open"
    if status != "found":
        return Serial(status, bound=bound, stuck=tuple(stuck))
    return Serial("found", tuple(order), tuple(mode_j[j] for j in range(len(allowed))), bound)
