"""Why no order exists: the fewest jobs and resources, by leaving out one after another."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from zonewright.solver.deadline import Deadline
from zonewright.solver.order.bounds import paths_of, possible
from zonewright.solver.order.deadlock import Limit, one_after_another
from zonewright.solver.order.exact import Exact
from zonewright.solver.order.narrow import narrowed, sequence, timeless
from zonewright.solver.order.problem import Blocked, Hold, OrderProblem
from zonewright.solver.order.table import table_of

#: How much one attempt to order fewer jobs may search before CP-SAT is asked.
_WORK = 50_000


def no_order(problem: OrderProblem, deadline: Deadline, seed: int) -> bool | None:
    """Return whether it is proven that no order exists; None where that stayed open."""
    paths = paths_of(problem)
    allowed = possible(problem, paths)
    if not all(allowed):
        return True
    smaller, _, _ = narrowed(problem, dict(enumerate(allowed)))
    everything = [range(len(job.modes)) for job in smaller.jobs]
    table = table_of(smaller, ())
    if table.serial:
        found = one_after_another(table, everything, Limit(_WORK, lambda: deadline.over))
        if found.status == "none":
            return True
        if found.status == "found" and not table.timed:
            return False
    question = sequence(smaller) if table.serial and not table.timed else smaller
    answer = Exact(question, (), everything).solve(deadline, workers=1, seed=seed, known=(), first_only=True)
    return {"infeasible": True, "open": None}.get(answer.status, False)


def blocked_by(problem: OrderProblem, suspects: Sequence[int], deadline: Deadline, seed: int) -> Blocked:
    """Return jobs among the suspects, and resources, that have no order by themselves.

    The suspects must have none by themselves; where time ends, some of them are left that need not be.
    """
    part = Deadline(deadline.left / 2, deadline.work_limit, deadline.stop, work_done=deadline.work_done)
    jobs = list(suspects)
    resources = _used(problem, jobs)
    # Without times the reason is simpler, where it is one.
    plain = timeless(problem)
    timed = not (plain == problem or _still(plain, jobs, resources, part, seed))
    base = problem if timed else plain
    minimal = True
    # Whole blocks first, then smaller ones: few jobs of many are found in few attempts.
    size = max(1, len(jobs) // 2)
    while True:
        n, dropped = 0, False
        while n < len(jobs):
            fewer = jobs[:n] + jobs[n + size :]
            if fewer and _still(base, fewer, resources, part, seed):
                jobs, dropped = fewer, True
            else:
                n += size
        if size == 1 and not dropped:
            break
        if part.over:
            minimal = False
            break
        size = max(1, size // 2)
    resources = _used(base, jobs)
    for r in list(resources):
        fewer = [other for other in resources if other != r]
        if _still(base, jobs, fewer, part, seed):
            resources = fewer
    return Blocked(tuple(jobs), tuple(resources), minimal and not part.over, timed)


def _used(problem: OrderProblem, jobs: Collection[int]) -> list[int]:
    """Return the resources on which some jobs have a hold, or a hold of no job a point in them."""
    named = set(jobs)

    def concerns(hold: Hold) -> bool:
        points = [point for point in (hold.since, hold.until) if point is not None]
        return hold.job in named or any(problem.tasks[t].job in named for t, _ in points)

    return sorted({hold.resource for hold in problem.holds if concerns(hold)})


def _still(
    problem: OrderProblem, jobs: Sequence[int], resources: Collection[int], deadline: Deadline, seed: int
) -> bool:
    """Return whether it is proven that some jobs alone have no order within some resources."""
    if deadline.over:
        return False
    smaller, _, _ = narrowed(problem, {j: range(len(problem.jobs[j].modes)) for j in jobs}, resources)
    return no_order(smaller, deadline, seed) is True
