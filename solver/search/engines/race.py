"""Runs with limits at a price, one after the other: those that fall behind half-way make room for others.

Where items are large what a run ends at is decided early, by which of them go where, and longer runs are hardly
better than short ones. So time beyond what one run needs goes into more runs.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort

from zonewright.solver.search.board import Places
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.cooling import Ladder
from zonewright.solver.search.engines.heat import Heats
from zonewright.solver.search.engines.relaxing import first_price, run_relaxed
from zonewright.solver.search.engines.worker import Worker

#: A run is long enough when every item has been proposed so often for every site.
ENOUGH = 2_500
#: A run that has less than this share of its length is not begun.
TOO_SHORT = 0.6
#: Half-way a run goes on when it is among the best of so many, the first always.
OF = 4


class Race:
    """What runs were worth half-way, for all workers."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._lock = threading.Lock()

    def goes_on(self, value: float) -> bool:
        """Note what a run is worth half-way; return whether it is good enough to go on."""
        with self._lock:
            place = bisect_left(self._values, value)
            insort(self._values, value)
            return place <= (len(self._values) - 1) // OF


def run_races(
    worker: Worker, span: Span, heats: Heats, stage: int, ladder: Ladder, start_i: Places, race: Race, rate: float
) -> None:
    """Run from `start_i` again and again; `rate` is how many proposals a unit of the span allows.

    Where there is only time for one run nobody has to make room.
    """
    enough = ENOUGH * len(worker.options.item_x) * worker.board.sites / max(rate, 1.0)
    several = 2 * enough <= span.length
    each = enough if several else span.length
    worker.parameters[f"length of a run of worker {worker.number}"] = round(each, 3)
    runs = 0
    while not span.over and not worker.shared.closed:
        rest = span.length - span.used
        if runs and rest < TOO_SHORT * each:
            break
        worker.begin_at(start_i)
        first = first_price(worker.number + runs)
        length = Span(worker.deadline, min(each, rest))
        run_relaxed(worker, length, heats, stage, ladder, first=first, race=race.goes_on if several else None)
        worker.propose("annealing with limits at a price")
        runs += 1
    worker.stats["runs with limits at a price"] += runs
