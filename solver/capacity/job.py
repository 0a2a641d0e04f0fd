"""What every part of a capacity question shares: time, threads, seed, and who listens."""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.solver.deadline import Deadline
from zonewright.solver.result import Listener, Progress


@dataclass
class Job:
    """One question that is being answered."""

    deadline: Deadline
    workers: int
    seed: int
    listener: Listener | None = None
    may_move: bool = False
    """Who runs may be moved."""
    muted: bool = False
    """Parts of a question say nothing of their own values."""

    def news(self, engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
        """Tell the listener."""
        if self.listener is not None and not self.muted:
            self.listener(Progress(self.deadline.seconds, engine, goal, value, bound, message))

    def say(self, message: str) -> None:
        """Tell the listener something in words."""
        if self.listener is not None:
            self.listener(Progress(self.deadline.seconds, "capacity", None, None, None, message))

    def part(self, seconds: float, *, muted: bool = True) -> Job:
        """Return a job for one part of this one, with at most so many seconds."""
        stop = self.deadline.stop
        part = Deadline(max(0.0, min(seconds, self.deadline.left)), None, stop)
        return Job(part, self.workers, self.seed, self.listener, self.may_move, muted)
