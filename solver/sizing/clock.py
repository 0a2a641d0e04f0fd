"""Time as engines count it: in seconds, or in work where that is limited, so that an answer can be repeated."""

from __future__ import annotations

from zonewright.solver.deadline import WORK_UNIT, Deadline


def spent(deadline: Deadline) -> float:
    """Return what has passed: seconds, or deterministic seconds of work."""
    return deadline.seconds if deadline.work_limit is None else deadline.work_done


def remaining(deadline: Deadline) -> float:
    """Return what is left of the same, 0 once asked to stop."""
    work = deadline.work_left
    return deadline.left if work is None else min(work, deadline.left * 1e6)


def whole(deadline: Deadline) -> float:
    """Return what there was at first."""
    return deadline.time_limit_s if deadline.work_limit is None else deadline.work_limit * WORK_UNIT


def seconds_for(deadline: Deadline, amount: float) -> float:
    """Return how many seconds a solver may take for an amount of time: any number where work is counted."""
    return amount if deadline.work_limit is None else max(deadline.left, 0.01)


def work_for(deadline: Deadline, amount: float) -> float | None:
    """Return the work that it may take for that, None where seconds are counted."""
    return None if deadline.work_limit is None else min(amount, remaining(deadline))
