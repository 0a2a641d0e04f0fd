"""Run a solve beside the main thread, which stays free to hear Ctrl-C and to show progress."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zonewright.cli.boundary import say
from zonewright.cli.exits import Exit

if TYPE_CHECKING:
    from zonewright.solver.migrate.plan import MigrationResult
    from zonewright.solver.reasons.result import Explanation
    from zonewright.solver.result import Listener, Result
    from zonewright.solver.survival.result import Survival

T = TypeVar("T")
R = TypeVar("R", "Result", "MigrationResult", "Survival", "Explanation")

_TICK_S = 0.1
_PATIENCE_S = 1.7


class Background(Generic[T]):
    """One call in a thread of its own, with an event that asks it to stop.

    The first SIGINT or SIGTERM sets the event: the call is to return what it has. The second one ends the
    process at once.
    """

    def __init__(self, work: Callable[[threading.Event], T]) -> None:
        self.stop = threading.Event()
        self._work = work
        self._done = threading.Event()
        self._value: list[T] = []
        self._error: BaseException | None = None
        self._asked_at = 0.0

    def run(self, tick: Callable[[], None], leave: Callable[[], None]) -> T:
        """Return what the call returns, or raise what it raises.

        `tick` runs about ten times a second in this thread; `leave` before the process is ended at once.
        """

        def asked(signum: int, frame: Any) -> None:
            if self.stop.is_set():
                leave()
                os._exit(Exit.INTERRUPTED)
            self._asked_at = time.monotonic()
            self.stop.set()

        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            before = {s: signal.signal(s, asked) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            threading.Thread(target=self._call, name="solve", daemon=True).start()
            told = False
            while not self._done.wait(_TICK_S):
                tick()
                if self.stop.is_set() and not told and time.monotonic() - self._asked_at > _PATIENCE_S:
                    say("stopping; once more to leave at once, without the plan")
                    told = True
            tick()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._error is not None:
            raise self._error
        return self._value[0]

    def _call(self) -> None:
        try:
            self._value.append(self._work(self.stop))
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()


def solved(work: Callable[[Listener, threading.Event], R], currency: str, *, quiet: bool) -> R:
    """Return the result of a solve that tells its progress and hears that it is to stop.

    A result is marked as interrupted where it was asked to, whether or not it was done by then.
    """
    from zonewright.cli.progress import ProgressLine

    progress = ProgressLine(currency, quiet=quiet)
    run = Background(lambda stop: work(progress, stop))
    try:
        result = run.run(progress.tick, progress.close)
    finally:
        progress.close()
    return replace(result, interrupted=True) if run.stop.is_set() else result
