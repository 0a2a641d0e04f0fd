"""Exit codes: the same for every subcommand."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a subcommand's exit code means."""

    DONE = 0
    """A valid plan, a plan that passes, nothing to change."""
    ERROR = 1
    """Bad input or an error: one line on stderr."""
    USAGE = 2
    """Wrong usage."""
    IMPOSSIBLE = 3
    """Proven impossible."""
    NOTHING_FOUND = 4
    """Nothing found within the limit."""
    FINDINGS = 5
    """Done, with findings: a partial plan, a broken rule, a claim that is untrue."""
    INTERRUPTED = 130
    """Interrupted; the best plan so far is saved."""
