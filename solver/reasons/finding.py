"""A plan to explain, or the clashes: whichever there is, within the time for both."""

from __future__ import annotations

import threading

from zonewright.models.plan import Status
from zonewright.models.world import World
from zonewright.solver.clashes.find import find_clashes
from zonewright.solver.clashes.result import Clashes
from zonewright.solver.deadline import Deadline
from zonewright.solver.place import place
from zonewright.solver.result import Listener, Progress, Result

#: Share of the time after which the search for a plan gives way to that for clashes, if it has found nothing.
PATIENCE = 0.2
#: Share of the time for finding a plan where more is to be explained.
PLACING = 0.5


def plan_or_clashes(
    world: World,
    deadline: Deadline,
    *,
    all_of_it: bool,
    workers: int,
    seed: int,
    listener: Listener | None,
) -> tuple[Result, Clashes | None]:
    """Return what `place` found; where that is nothing, the clashes, if there are any.

    With `all_of_it` nothing else is to be done: the search for a plan may take all the time.
    """
    whole = deadline.left
    patience = _Patience(deadline, PATIENCE * whole, listener)
    with patience:
        result = place(
            world,
            time_limit_s=whole if all_of_it else PLACING * whole,
            workers=workers,
            seed=seed,
            reasons=False,
            progress=patience,
            stop=patience.stop,
        )
    if result.plan is not None:
        return result, None
    clashes = clashes_of(world, deadline, workers=workers, seed=seed, listener=listener)
    if clashes.status is Status.INFEASIBLE or result.status is Status.INFEASIBLE or deadline.over:
        return result, clashes
    again = place(
        world,
        time_limit_s=deadline.left,
        workers=workers,
        seed=seed,
        reasons=False,
        progress=listener,
        stop=deadline.stop,
    )
    return again, None


def clashes_of(world: World, deadline: Deadline, *, workers: int, seed: int, listener: Listener | None) -> Clashes:
    """Return every clash and the cheapest changes, as far as time allows."""

    def say(engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
        if listener is not None:
            listener(Progress(deadline.seconds, engine, goal or None, value, bound, message))

    return find_clashes(world, deadline, workers=workers, seed=seed, news=say)


class _Patience:
    """Stops a search that has found nothing by a certain time, and whenever the user asks for it."""

    def __init__(self, deadline: Deadline, seconds: float, listener: Listener | None) -> None:
        self.stop = threading.Event()
        self._user = deadline.stop
        self._listener = listener
        self._seconds = seconds
        self._found = False
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="patience", daemon=True)

    def __call__(self, event: Progress) -> None:
        self._found |= event.value is not None
        if self._listener is not None:
            self._listener(event)

    def __enter__(self) -> _Patience:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def _watching(self) -> None:
        waited = 0.0
        while not self._done.wait(0.05):
            waited += 0.05
            if self._user.is_set() or (waited > self._seconds and not self._found):
                self.stop.set()
                return


__all__ = ["clashes_of", "plan_or_clashes"]
