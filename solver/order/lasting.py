"""Whether a hold surely lasts longer than no time: only then it surely needs room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from zonewright.solver.order.problem import Hold, OrderProblem


def lasts(problem: OrderProblem) -> Callable[[Hold], bool]:
    """Return what says whether a hold that begins at a point surely lasts longer than no time."""
    after: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for link in problem.precedences:
        one, other = problem.tasks[link.before], problem.tasks[link.after]
        if (one.job, one.mode) == (other.job, other.mode):
            after[link.before].append((link.after, link.lag))
    reach: dict[int, dict[int, int]] = {}

    def longest(t: int) -> dict[int, int]:
        """Return what at least lies between a task's end and the starts of those after it in its mode."""
        if t not in reach:
            found = reach[t] = {}
            waiting = [(t, 0)]
            while waiting:
                at, gone = waiting.pop()
                for other, lag in after[at]:
                    start = gone + lag + (problem.tasks[at].duration if at != t else 0)
                    if start > found.get(other, -1):
                        found[other] = start
                        waiting.append((other, start))
        return reach[t]

    def lasting(hold: Hold) -> bool:
        if hold.since is None or hold.until is None:
            return True
        (a, since), (b, until) = hold.since, hold.until
        before = problem.tasks[a].duration if since == "start" else 0
        if a == b:
            return since != until and before > 0
        between = longest(a).get(b)
        return between is not None and before + between + (problem.tasks[b].duration if until == "end" else 0) > 0

    return lasting
