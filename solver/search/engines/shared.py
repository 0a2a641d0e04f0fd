"""The best placement that all workers know. Nothing gets in that the oracle has not judged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from zonewright.solver.search.board import Board, Ints, Places
from zonewright.solver.search.oracle import judge_board

#: Called with a message and the values of all stages, or without values.
News = Callable[[str, Sequence[int] | None], None]
#: Called with every better placement and its values; the arrays are the callee's.
Sink = Callable[[Places, Ints], None]


def better(a_k: Ints, b_k: Ints) -> bool:
    """Whether the first values are better, most important stage first."""
    return tuple(a_k.tolist()) < tuple(b_k.tolist())


@dataclass
class Shared:
    """What workers share; every method may be called by any thread."""

    board: Board
    news: News
    found: Sink | None = None
    bound: Callable[[], Sequence[int | None]] | None = None
    best_i: Places | None = None
    value_k: Ints | None = None
    mismatches: int = 0
    """Placements that the oracle valued otherwise than a kernel did; they are taken at the oracle's value."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def propose(self, site_i: Places, value_k: Ints | None, who: str) -> bool:
        """Take a placement over where it is better than the best; return whether it was.

        `value_k` is what its finder thinks that it is worth: where that is no better, nothing is judged.
        """
        if value_k is not None and self.value_k is not None and not better(value_k, self.value_k):
            return False
        mine_i = np.array(site_i, np.int32)
        judged_k = judge_board(self.board, mine_i).value_k
        with self._lock:
            if value_k is not None and (judged_k != value_k).any():
                self.mismatches += 1
            if self.value_k is not None and not better(judged_k, self.value_k):
                return False
            self.best_i, self.value_k = mine_i, judged_k
            if self.found is not None:
                self.found(mine_i.copy(), judged_k.copy())
            self.news(who, [int(v) for v in judged_k])
        return True

    def best(self) -> tuple[Places, Ints]:
        """Return the best placement (a copy) and its values. Raises RuntimeError before there is any."""
        with self._lock:
            if self.best_i is None or self.value_k is None:
                raise RuntimeError("no placement has been found yet")
            return self.best_i.copy(), self.value_k.copy()

    def bound_of(self, stage: int) -> int | None:
        """Return what is proven for a stage so far, None where nothing is."""
        bounds = list(self.bound()) if self.bound is not None else []
        return bounds[stage] if stage < len(bounds) else None

    @property
    def closed(self) -> bool:
        """Whether every stage has reached its bound."""
        if self.bound is None or self.value_k is None:
            return False
        bounds = list(self.bound())
        values = self.value_k.tolist()
        bounds += [None] * (len(values) - len(bounds))
        return all(b is not None and v <= b for v, b in zip(values, bounds, strict=True))
