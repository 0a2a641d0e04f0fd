"""How far an engine is through what it was given: by the clock, or by work where that is limited."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from zonewright.solver.deadline import Deadline

#: What a proposal, a try of a chain, a node of a search and a look at a site count, in deterministic seconds.
PROPOSAL_WORK = 1.5e-7
TRY_WORK = 4e-6
NODE_WORK = 8e-7
LOOK_WORK = 3e-7


@dataclass
class Span:
    """A part of a solve: so many seconds, or so much work, from now on."""

    deadline: Deadline
    length: float
    """Seconds, or deterministic seconds where the deadline limits work."""
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self._now()

    def _now(self) -> float:
        return self.deadline.work_done if self.deadline.work_limit is not None else time.monotonic()

    @property
    def used(self) -> float:
        """What is used up of the length."""
        return self._now() - self.begun

    @property
    def share(self) -> float:
        """Share that has passed, at most 1; 1 when the whole solve is over."""
        if self.deadline.over or self.length <= 0.0:
            return 1.0
        return min(1.0, self.used / self.length)

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.share >= 1.0


def left(deadline: Deadline) -> float:
    """What is left of a solve in the unit that spans count in."""
    if deadline.over:
        return 0.0
    return deadline.left if deadline.work_left is None else deadline.work_left
