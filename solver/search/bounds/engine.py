"""Bounds of one stage, better and better, in steps short enough to run beside the search.

The first step answers with sums and leavers, at once on every size. Then come, where opening costs, whole sites
and packing patterns, and prices that follow the excess of their limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board
from zonewright.solver.search.bounds.coarse import coarse_board, levels_to_see_from
from zonewright.solver.search.bounds.cuts import CutSearch
from zonewright.solver.search.bounds.frame import Frame, frame_of
from zonewright.solver.search.bounds.leavers import leavers
from zonewright.solver.search.bounds.opening import SOLVE_S, kinds_of, prove_opening
from zonewright.solver.search.bounds.packing import Packing, packing_of
from zonewright.solver.search.bounds.patterns import PatternSearch, patterns_data, prove_patterns
from zonewright.solver.search.bounds.prices import Ascent
from zonewright.solver.search.bounds.proof import BoundProof, Damaged, prices_data, prove_prices
from zonewright.solver.search.bounds.whole import whole

#: Seconds of one step, unless a single evaluation takes longer.
STEP_S = 0.3
#: An exact evaluation follows where prices promise so much more, as a share of the bound.
WORTH = 1e-7
#: A turn that gained nothing counts as so many more at most.
MOST_IDLE = 8
#: Turns that others have before patterns.
LATER = 20
#: No more patterns are sought than so many.
MOST_PATTERNS = 20_000
#: Prices are sought no further when their steps are so short.
SHORTEST = 1e-4


class BoundRun:
    """Bounds of one stage of a board, given the values of the stages before it.

    `step` works for some 300 ms, where it counts sites to open for up to ten seconds, and says whether more may be
    gained; `proof` is the best so far, None for none.
    Nothing is random: the same number of steps, each with a count of rounds, gives the same proofs.
    """

    def __init__(self, board: Board, stage: int, before: Sequence[int], *, step_s: float = STEP_S) -> None:
        self.board, self.stage, self.before = board, stage, tuple(int(v) for v in before)
        self.proof: BoundProof | None = None
        self._step_s = step_s
        self._ways: list[_Way] | None = None

    def step(self, rounds: int | None = None) -> bool:
        """Work on, for about `step_s` seconds or for a number of rounds; return whether more may be gained."""
        if self._ways is None:
            self._ways = self._begin()
        elif self._ways:
            way, before = min(self._ways, key=lambda w: w.turns), self.proof
            way.advance(self, self._step_s, rounds)
            way.idle = way.idle + 1 if self.proof is before else 0
            way.turns += 1 + min(way.idle, MOST_IDLE)
            if way.done:
                self._ways.remove(way)
        return bool(self._ways)

    def _begin(self) -> list[_Way]:
        """Answer at once with sums and leavers, and say what is worth trying."""
        found = leavers(self.board, self.stage, self.before)
        if found is not None:
            self.offer(found)
        ways: list[_Way] = []
        frame = frame_of(self.board, self.stage, self.before)
        if kinds_of(frame) is not None:
            ways.append(_Opening(frame))
        packing = packing_of(frame)
        if packing is not None:
            ways += [_Cuts(packing), _Patterns(packing)]
        for level in reversed(levels_to_see_from(self.board)):
            seen = coarse_board(self.board, level, strict=frame.strict)
            coarse = frame_of(seen, self.stage, self.before)
            ways.append(_Prices(coarse, {"coarse": level}))
        ways.append(_Prices(frame, {}))
        for way in ways:
            way.first(self)
        return ways

    def offer(self, proof: BoundProof) -> bool:
        """Take a proof that is better; return whether it is."""
        better = self.proof is None or proof.bound > self.proof.bound
        if better:
            self.proof = proof
        return better


class _Way:
    """One way to a bound: `first` answers at once, `advance` works on."""

    def __init__(self) -> None:
        self.turns = 0
        """Taken so far; those that gained nothing count more."""
        self.idle = 0
        self.done = False

    def first(self, run: BoundRun) -> None:
        """Say what can be said at once."""

    def advance(self, run: BoundRun, seconds: float, rounds: int | None) -> None:
        """Work for about so long, or for so many rounds."""
        raise NotImplementedError


class _Opening(_Way):
    """What it costs to open enough room, in whole sites."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self._frame = frame

    def advance(self, run: BoundRun, seconds: float, rounds: int | None) -> None:
        proof = prove_opening(self._frame, Deadline(SOLVE_S))
        if proof is not None:
            run.offer(proof)
        self.done = True


class _Cuts(_Way):
    """What whole sites cost that hold everything, taken in parts."""

    def __init__(self, packing: Packing) -> None:
        super().__init__()
        self._packing = packing
        self._search: CutSearch | None = None

    def advance(self, run: BoundRun, seconds: float, rounds: int | None) -> None:
        started, made = time.monotonic(), 0
        if self._search is None:
            self._search = CutSearch(self._packing)
        search = self._search
        while made != rounds and not search.done:
            search.advance()
            made += 1
            if rounds is None and time.monotonic() - started > seconds:
                break
        self.done = search.done
        if search.proof is not None:
            run.offer(search.proof)


class _Patterns(_Way):
    """What sites of each kind can hold."""

    def __init__(self, packing: Packing) -> None:
        super().__init__()
        # What whole sites hold mostly says more, and sooner.
        self.turns = LATER
        self._packing = packing
        self._search: PatternSearch | None = None

    def advance(self, run: BoundRun, seconds: float, rounds: int | None) -> None:
        started, made = time.monotonic(), 0
        if self._search is None:
            self._search = PatternSearch(self._packing)
        search = self._search
        while made != rounds and not search.done:
            search.advance(10.0)
            made += 1
            if rounds is None and time.monotonic() - started > seconds:
                break
        self.done = search.done or len(search.columns.kind_p) > MOST_PATTERNS
        if run.proof is None or search.best > run.proof.bound + WORTH * abs(run.proof.bound):
            data = patterns_data(self._packing, search.best_rates)
            with suppress(Damaged):
                run.offer(BoundProof(run.stage, prove_patterns(self._packing, data), "patterns", data))


class _Prices(_Way):
    """Prices of one board, as it is or as it is seen from a level."""

    def __init__(self, frame: Frame, mark: dict[str, object]) -> None:
        super().__init__()
        self.ascent = Ascent(frame)
        self._mark = mark

    def first(self, run: BoundRun) -> None:
        self._claim(run, "sums")

    def _claim(self, run: BoundRun, how: str) -> None:
        """Evaluate the best prices exactly and offer what they prove."""
        frame = self.ascent.frame
        data = prices_data(frame, whole(frame, self.ascent.best_prices), how)
        with suppress(Damaged):
            run.offer(BoundProof(frame.stage, prove_prices(frame, data), how, data | self._mark))

    def advance(self, run: BoundRun, seconds: float, rounds: int | None) -> None:
        ascent, started, made = self.ascent, time.monotonic(), 0
        while made != rounds:
            ascent.advance()
            made += 1
            if rounds is None and time.monotonic() - started > seconds:
                break
        self.done = ascent.impossible or ascent.pace < SHORTEST
        if run.proof is None or ascent.best > run.proof.bound + WORTH * abs(run.proof.bound):
            self._claim(run, "prices")


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
    run = BoundRun(board, stage, values_before)
    more, told = True, None
    while more and not deadline.over:
        more = run.step()
        if run.proof is not None and run.proof is not told:
            told = run.proof
            if news is not None:
                news(told)
            if known is not None and told.bound >= known:
                break
    return run.proof
