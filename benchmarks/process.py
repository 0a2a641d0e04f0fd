"""When this process began: what a benchmark counts that a user waits for, too."""

from __future__ import annotations

import os
import time
from pathlib import Path

_READ = time.time()
#: The processor time of this process until then, which is about what it took to get there.
_USED = time.process_time()
#: A process that had waited for so many seconds by then was something else before: a shell that has let the
#: interpreter take its place keeps its age.
_OLDER = 5.0


def process_start() -> float:
    """Return when this process began, in seconds since the epoch, or what is likely where that is not known."""
    likely = _READ - _USED
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text().split()[0])
        began = time.time() - up + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return likely
    return likely if began < likely - _OLDER else began
