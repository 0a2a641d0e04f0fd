"""One deadline, one stop signal and one budget of work for everything in a solve."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    late_s: float = 0.0
    """So much of that may be used as long as there is nothing to write."""
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
        if self.stop.is_set():
            return 0.0
        kept = max(0.0, self.reserve_s - self.late_s)
        return max(0.0, self.time_limit_s - kept - self.seconds)

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.left <= 0.0

    @property
    def foreseen(self) -> float:
        """Seconds to reckon with when choosing what to try: those left, or where work is limited, all of them."""
        return self.left if self.work_limit is None else self.time_limit_s

    @contextmanager
    def keeping(self, share: float) -> Iterator[None]:
        """Keep a share of the time that is left for what comes after this; where work is limited, of the work."""
        before = self.reserve_s, self.work_limit
        if self.work_limit is None:
            self.reserve_s += share * self.left
        else:
            self.work_limit -= int(share * (self.work_left or 0.0) / WORK_UNIT)
        try:
            yield
        finally:
            self.reserve_s, self.work_limit = before


class Part(Deadline):
    """Ends when the whole does, or before: asked to by itself, or after its share of the time.

    Where work is limited it has its share of the work, and all the time: how fast work is done changes nothing.
    """

    def __init__(self, whole: Deadline, share: float = 1.0) -> None:
        work = whole.work_left
        limit = None if work is None else int(share * work / WORK_UNIT)
        super().__init__(whole.time_limit_s if share == 1.0 or work is not None else share * whole.left, limit)
        self.whole, self.share = whole, share

    @property
    def left(self) -> float:
        """Seconds that are left, never more than the whole has."""
        own = super().left
        return min(own, self.whole.left) if own else 0.0

    def spend(self, work: float) -> None:
        """Count work for itself and for the whole."""
        super().spend(work)
        self.whole.spend(work)
