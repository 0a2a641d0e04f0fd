"""The search on a board, beside other engines: one best placement and one set of bounds for all of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zonewright.models.world import World
from zonewright.solver.deadline import Deadline, Part
from zonewright.solver.decode import Sites
from zonewright.solver.engines.exact import News, StageProof, better_proof
from zonewright.solver.engines.starting import relieved, settled
from zonewright.solver.search.board import BROKEN, Board, Ints, Places
from zonewright.solver.search.decode import relabel, start_from, unit_sites
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import judge_board

#: With more instances than this none is told by itself.
MOST_ITEMS = 400_000
#: Of a thread's time, what bounds take where every worker searches: no more than this.
BOUND_SHARE = 0.1
#: Share of the time after which bounds are sought where there is no plan yet, but not within so many seconds.
UNTIL_BOUNDS, UNTIL_BOUNDS_S = 0.15, 5.0
#: So many steps of a stage's bounds come without rest; after that, rests are no longer than this.
FRESH, MOST_REST_S = 6, 3.0
#: Seconds that threads get to end once time is over, and those that only seek bounds.
GRACE_S, BOUNDS_GRACE_S = 0.5, 0.1
#: Seconds between two looks at what others have found.
LOOK_S = 0.05


def board_of(world: World, *, partial: bool, news: News) -> Board | None:
    """Return the estate as a board; None, with news of why, where a board cannot say it."""
    if sum(unit.count for unit in world.units) > MOST_ITEMS:
        return None
    found = lower_board(world, partial=partial)
    if isinstance(found, Refusal):
        news("search", "", None, None, f"not searched: {found.text}")
        return None
    return found


@dataclass
class Found:
    """A valid placement and its goals' values."""

    site_i: Places
    values: tuple[int, ...]


@dataclass
class Search:
    """One estate's search: engines run in threads of their own, others offer placements and bounds."""

    world: World
    board: Board
    deadline: Deadline
    seed: int
    news: News
    partial: bool
    best: Found | None = None
    proofs: list[StageProof | None] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)
    """What the search derived from the board."""
    stats: dict[str, float] = field(default_factory=dict)
    """Totals: `proposals`, `priced`, `accepted`, `search_seconds`."""

    history: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    """Seconds and values of every better placement."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._parts: list[Part] = []
        self._bounded: Part | None = None
        self._running = 0
        self.proofs = [None] * len(self.goals)

    @property
    def goals(self) -> tuple[str, ...]:
        """Names of the goals, most important first."""
        return self.board.stages[BROKEN + 1 :]

    @property
    def closed(self) -> bool:
        """Whether every goal's bound meets its value."""
        with self._lock:
            return self.best is not None and all(self._closed(k) for k in range(len(self.goals)))

    def _closed(self, k: int) -> bool:
        proof = self.proofs[k]
        best = self.best
        return (
            best is not None and proof is not None and best.values[k] <= proof.bound and proof.holds(best.values)
        )

    @property
    def open_goal(self) -> int:
        """Position of the first goal that is not closed; that of the last where all are."""
        with self._lock:
            return next((k for k in range(len(self.goals)) if not self._closed(k)), len(self.goals) - 1)

    def offer(self, sites: Mapping[int, Mapping[int, int]], engine: str) -> None:
        """Take a placement that another engine found, if it is valid and better."""
        site_i = relabel(self.board, start_from(self.board, sites))
        self._take(site_i, judge_board(self.board, site_i).value_k, engine)

    def prove(self, proofs: Sequence[StageProof | None]) -> None:
        """Take bounds, goal by goal, that another engine proved."""
        with self._changed:
            for k, proof in enumerate(proofs):
                self._better_proof(k, proof)
            self._stop_if_closed()

    def _better_proof(self, k: int, proof: StageProof | None) -> bool:
        known = self.proofs[k]
        # A bound that does not hold for the best plan's goals before says nothing of it.
        usable = proof is not None and (self.best is None or proof.holds(self.best.values))
        if known is not None and self.best is not None and not known.holds(self.best.values):
            known = None
        self.proofs[k] = better_proof(known, proof) if usable else known
        return self.proofs[k] is not known

    def _take(self, site_i: Places, value_k: Ints, engine: str) -> None:
        values = tuple(int(v) for v in value_k[BROKEN + 1 :])
        with self._changed:
            if value_k[BROKEN] or (self.best is not None and self.best.values <= values):
                return
            self.best = Found(np.asarray(site_i, np.int32).copy(), values)
            self.deadline.late_s = 0.0
            self.history.append((self.deadline.seconds, values))
            for k, (goal, value) in enumerate(zip(self.goals, values, strict=True)):
                if not value:
                    self._better_proof(k, StageProof(goal, 0, "trivial"))
            self._tell(engine, "")
            self._stop_if_closed()
            self._changed.notify_all()

    def _tell(self, engine: str, message: str) -> None:
        k = self.open_goal
        proof = self.proofs[k]
        bound = proof.bound if proof is not None else None
        self.news(engine, self.goals[k], self.best.values[k] if self.best is not None else None, bound, message)

    def _stop_if_closed(self) -> None:
        if self.closed:
            self.stop()

    def stop(self) -> None:
        """End all threads soon."""
        for part in self._parts:
            part.stop.set()

    def begin(self, workers: int, start: Sites | None = None, share: float = 1.0) -> None:
        """Search in threads of their own, from the best known or else from `start`, for a share of the time.

        Where the start is valid it is the first plan at once.
        """
        if self.closed or self.deadline.over:
            return
        part = Part(self.deadline, share)
        self._parts.append(part)
        first_i = self._first(start)
        self._spawn("search", self._search, first_i, part, workers, self.seed + len(self._parts) - 1)
        bounding = self._bounded is not None and not self._bounded.over
        if self.deadline.work_limit is None and not bounding:
            self._bounded = part
            self._spawn("bounds", self._bounds, part)

    def _first(self, start: Sites | None) -> Places:
        """Return the best that is known; else the start, or everybody where they are today, valid or not."""
        if start is not None or self.best is None:
            known = start if start is not None else {unit.index: unit.current for unit in self.world.units}
            first_i = start_from(self.board, known)
            self._take(first_i, judge_board(self.board, first_i).value_k, "today" if start is None else "hint")
            if self.best is None:
                return relieved(self.board, first_i)
        return self.best.site_i

    def _spawn(self, name: str, work: object, *arguments: object) -> None:
        def run() -> None:
            try:
                work(*arguments)  # type: ignore[operator]
            except BaseException as error:
                with self._lock:
                    self._error = self._error or error
                self.stop()
            finally:
                with self._changed:
                    self._running -= name == "search"
                    self._changed.notify_all()

        self._running += name == "search"
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, *, first: bool = False, seconds: float = math.inf) -> None:
        """Wait until the search has ended; with `first` until it has any plan, or that many seconds are over.

        Who does not hear that time is over (compiling takes what it takes) is left behind after a moment. Raises
        what a thread raised.
        """
        until = self.deadline.seconds + seconds
        with self._changed:
            while self._running and not self.deadline.over:
                if first and (self.best is not None or self.deadline.seconds > until):
                    break
                self._changed.wait(LOOK_S)
        if not first:
            self.stop()
            patience = Deadline(GRACE_S)
            for thread in sorted(self._threads, key=lambda thread: thread.name == "bounds"):
                thread.join(min(patience.left, BOUNDS_GRACE_S if thread.name == "bounds" else GRACE_S))
            self._threads = [thread for thread in self._threads if thread.is_alive()]
        if self._error is not None:
            raise self._error

    def _search(self, first_i: Places, part: Part, workers: int, seed: int) -> None:
        from zonewright.solver.kernels import cache

        cache.begin(cache.SEARCH)
        if self.best is None:
            first_i = settled(self.board, first_i, part, seed)
            self._take(first_i, judge_board(self.board, first_i).value_k, "settling")
        if not cache.ready(cache.SEARCH, part) or part.over:
            return
        from zonewright.solver.search.portfolio import search

        seen: list[Found | None] = [self.best]

        def found(site_i: Places, value_k: Ints) -> None:
            self._take(site_i, value_k, "search")

        def offer() -> Places | None:
            with self._lock:
                if self.best is seen[0] or self.best is None:
                    return None
                seen[0] = self.best
                return self.best.site_i.copy()

        result = search(
            self.board,
            first_i,
            part,
            workers=workers,
            seed=seed,
            news=lambda message, value_k: self._tell("search", message),
            bound=self._bound_k,
            found=found,
            offer=offer,
        )
        self._take(result.site_i, judge_board(self.board, result.site_i).value_k, "search")
        with self._lock:
            self.parameters |= result.parameters
            for name, number in result.stats.items():
                self.stats[name] = self.stats.get(name, 0) + number
            self.stats["search_seconds"] = self.stats.get("search_seconds", 0.0) + part.seconds

    def _bound_k(self) -> list[int | None]:
        with self._lock:
            return [0, *(proof.bound if proof is not None else None for proof in self.proofs)]

    def _bounds(self, part: Part) -> None:
        """Raise the bound of the first open goal, a little at a time, once there is a plan or none comes soon."""
        until = part.seconds + max(UNTIL_BOUNDS * part.left, UNTIL_BOUNDS_S)
        with self._changed:
            while self._running and self.best is None and part.seconds < until:
                self._changed.wait(LOOK_S)
        if part.over:
            return
        from zonewright.solver.search.bounds.engine import BoundRun

        run: BoundRun | None = None
        given: tuple[int, ...] | None = None
        steps, more = 0, True
        rest = threading.Event()
        while not part.over:
            k, before = self._to_bound()
            if run is None or given != before:
                run, given, steps, more = BoundRun(self.board, BROKEN + 1 + k, (0, *before)), before, 0, True
            began = part.seconds
            more = more and run.step()
            steps += 1
            if run.proof is not None:
                data = {**run.proof.data, "partial": self.partial}
                self._prove(k, StageProof(self.goals[k], run.proof.bound, run.proof.kind, given=before, data=data))
            tired = min(MOST_REST_S, (part.seconds - began) * (1 / BOUND_SHARE - 1)) if steps > FRESH else 0.0
            rest.wait(min(part.left, tired if more else LOOK_S))

    def _to_bound(self) -> tuple[int, tuple[int, ...]]:
        """Return the first goal that is open, and the values of those before.

        Before there is any plan it is the first that need not be 0, taking it that all can be placed.
        """
        with self._lock:
            if self.best is not None:
                return self.open_goal, self.best.values[: self.open_goal]
        moved = bool((self.board.home_i >= 0).any())
        easy = [goal.startswith(("stopped", "placed")) or (goal == "moves" and not moved) for goal in self.goals]
        k = next((k for k, known in enumerate(easy) if not known), len(easy) - 1)
        return k, (0,) * k

    def _prove(self, k: int, proof: StageProof) -> None:
        with self._changed:
            if self._better_proof(k, proof):
                self._tell("bounds", "")
                self._stop_if_closed()

    def sites(self) -> Sites | None:
        """Return the best placement by unit and site node."""
        with self._lock:
            best = self.best
        return unit_sites(self.board, relabel(self.board, best.site_i)) if best is not None else None
