"""News from a running solve on stderr: a live line on a terminal, one plain line per event elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from zonewright.cli.boundary import say
from zonewright.report.amounts import gap_text, value_text

if TYPE_CHECKING:
    from rich.live import Live

    from zonewright.solver.result import Progress

_SILENT_S = 1.0
#: The engine whose news stay: what has to be compiled is waited for.
_LASTING = "kernels"


class ProgressLine:
    """Takes events from any thread and shows them from the main one, for runs longer than a second."""

    def __init__(self, currency: str, *, quiet: bool = False) -> None:
        self._currency = currency
        self._quiet = quiet
        self._began = time.monotonic()
        self._news: deque[Progress] = deque()
        self._latest: Progress | None = None
        self._shown = ""
        self._live: Live | None = None

    def __call__(self, event: Progress) -> None:
        """Take one event; never waits."""
        if not self._quiet:
            self._news.append(event)

    def tick(self) -> None:
        """Show what has come in since the last time."""
        elapsed = time.monotonic() - self._began
        self._at_once()
        if self._quiet or elapsed < _SILENT_S:
            while len(self._news) > 1:
                self._news.popleft()
            return
        terminal = sys.stderr.isatty()
        while self._news:
            self._latest = self._news.popleft()
            if not terminal:
                self._plain(self._latest)
        if terminal and self._latest is not None:
            self._on_terminal(elapsed, self._latest)

    def _at_once(self) -> None:
        """Say what is worth a line of its own however soon the run ends, and keep it on the terminal."""
        for event in [event for event in list(self._news) if event.engine == _LASTING]:
            self._news.remove(event)
            if self._live is not None:
                self._live.console.print(event.message)
            else:
                say(event.message)

    def close(self) -> None:
        """Take the live line away and give the cursor back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _plain(self, event: Progress) -> None:
        what = event_text(event, self._currency)
        if what != self._shown:
            self._shown = what
            print(f"{event.seconds:8.1f} s  {what}", file=sys.stderr, flush=True)

    def _on_terminal(self, elapsed: float, event: Progress) -> None:
        from rich.live import Live
        from rich.text import Text

        from zonewright.report.console import stderr_console

        line = f"{elapsed:8.1f} s  {event_text(event, self._currency)}"
        text = Text(line, no_wrap=True, overflow="ellipsis", style="dim")
        if self._live is None:
            self._live = Live(text, console=stderr_console(), auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(text, refresh=True)


def event_text(event: Progress, currency: str) -> str:
    """Return one event in words: engine, goal, best, bound, gap, message."""
    parts: list[str] = []
    if event.goal is not None:
        if event.value is not None:
            parts.append(f"best {value_text(event.goal, event.value, currency)}")
        if event.bound is not None:
            parts.append(f"bound {value_text(event.goal, event.bound, currency)}")
        if event.value is not None and event.bound is not None:
            parts.append(f"gap {gap_text(event.value, event.bound)}")
    what = f"{event.engine}: {event.goal} " if event.goal is not None else f"{event.engine}: "
    return (what + ", ".join([*parts, *([event.message] if event.message else [])])).rstrip(": ")
