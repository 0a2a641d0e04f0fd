"""One deadline, one stop signal and one budget of work for everything in a solve."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Deadline:
    """When to stop. With a `work_limit` the clock still holds, but engines count work instead of time."""

    time_limit_s: float
    work_limit: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    reserve_s: float = 0.0
    """Kept back for what comes after solving: writing the plan and judging it."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds that are left for solving, never below 0; 0 once asked to stop."""
        return 0.0 if self.stop.is_set() else max(0.0, self.time_limit_s - self.reserve_s - self.seconds)

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.left <= 0.0
