"""Bounds of one stage, better and better, in steps short enough to run beside the search.

The first step answers with sums and leavers, at once on every size; then come packing patterns where opening costs,
and prices that follow the excess of their limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board
from zonewright.solver.search.bounds import evaluate
from zonewright.solver.search.bounds.frame import frame_of
from zonewright.solver.search.bounds.leavers import leavers
from zonewright.solver.search.bounds.prices import Ascent
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, prices_data
from zonewright.solver.search.bounds.whole import whole

#: Seconds of one step, unless a single evaluation takes longer.
STEP_S = 0.3
#: An exact evaluation follows where prices promise so much more, as a share of the bound.
WORTH = 1e-7
#: Prices are sought no further when their steps are so short.
SHORTEST = 1e-4


class Bounder:
    """Bounds of one stage of a board, given the values of the stages before it.

    `step` works for some 100 ms and returns a proof that is better than the one before, or None; `best` is the best
    so far; `done` says that nothing more is to be expected. Nothing is random: the same number of steps, each with
    a count of rounds, gives the same proofs.
    """

    def __init__(self, board: Board, stage: int, before: Sequence[int], *, step_s: float = STEP_S) -> None:
        self.board, self.stage, self.before = board, stage, tuple(int(v) for v in before)
        self.best: BoundProof | None = None
        self.done = False
        self._frame = frame_of(board, stage, before)
        self._step_s = step_s
        self._ascent: Ascent | None = None
        self._turn = 0

    def step(self, rounds: int | None = None) -> BoundProof | None:
        """Work on: for about `step_s` seconds, or for a number of rounds whatever time they take."""
        if self.done:
            return None
        self._turn += 1
        if self._ascent is None:
            return self._first()
        return self._prices(rounds)

    def _first(self) -> BoundProof | None:
        found = leavers(self.board, self.stage, self.before)
        better = self._offer(found) if found is not None else None
        self._ascent = Ascent(self._frame)
        prices = whole(self._frame, self._ascent.best_prices)
        return self._claim("sums", prices_data(self._frame, prices, "sums")) or better

    def _prices(self, rounds: int | None) -> BoundProof | None:
        ascent = self._ascent
        assert ascent is not None
        started, made = time.monotonic(), 0
        while rounds is None or made < rounds:
            ascent.advance()
            made += 1
            if rounds is None and time.monotonic() - started > self._step_s:
                break
        self.done = ascent.impossible or ascent.pace < SHORTEST
        if self.best is not None and ascent.best <= self.best.bound + WORTH * abs(self.best.bound):
            return None
        return self._claim("prices", prices_data(self._frame, whole(self._frame, ascent.best_prices)))

    def _claim(self, kind: str, data: dict[str, object]) -> BoundProof | None:
        """Evaluate a witness exactly, and take it where it proves more."""
        try:
            bound = evaluate(self.board, data)
        except Damaged:
            return None
        return self._offer(BoundProof(self.stage, bound, kind, data))

    def _offer(self, proof: BoundProof) -> BoundProof | None:
        if self.best is not None and proof.bound <= self.best.bound:
            return None
        self.best = proof
        return proof


def bound_stage(
    board: Board,
    stage: int,
    values_before: Sequence[int],
    deadline: Deadline,
    *,
    news: Callable[[BoundProof], None] | None = None,
    known: int | None = None,
) -> BoundProof | None:
    """Bound a stage until the deadline, or until the bound reaches `known`, the best value that is known.

    None where there is nothing to say: no bound at all is below what any placement has.
    """
    bounder = Bounder(board, stage, values_before)
    while not bounder.done and not deadline.over:
        better = bounder.step()
        if better is not None and news is not None:
            news(better)
        if known is not None and bounder.best is not None and bounder.best.bound >= known:
            break
    return bounder.best
