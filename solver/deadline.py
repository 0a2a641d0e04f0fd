"""One deadline, one stop signal and one budget of work for everything in a solve."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

#: Deterministic seconds in one unit of the public work limit.
WORK_UNIT = 0.001


@dataclass
class Deadline:
    """When to stop. With a `work_limit` the clock still holds, but engines count work instead of time.

    Work is counted in CP-SAT's deterministic seconds, or what packing does in about that time.
    """

    time_limit_s: float
    work_limit: int | None = None
    """In units of `WORK_UNIT` deterministic seconds, for the whole solve."""
    stop: threading.Event = field(default_factory=threading.Event)
    reserve_s: float = 0.0
    """Kept back for what comes after solving: writing the plan and judging it."""
    work_done: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def spend(self, work: float) -> None:
        """Count work that was done, in deterministic seconds."""
        self.work_done += work

    @property
    def work_left(self) -> float | None:
        """Deterministic seconds that are left, never below 0; None where work is not limited."""
        if self.work_limit is None:
            return None
        return max(0.0, self.work_limit * WORK_UNIT - self.work_done)

    @property
    def left(self) -> float:
        """Seconds that are left for solving, never below 0; 0 once asked to stop or when the work is done."""
        if self.work_left == 0.0:
            return 0.0
        return 0.0 if self.stop.is_set() else max(0.0, self.time_limit_s - self.reserve_s - self.seconds)

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.left <= 0.0
