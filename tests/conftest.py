"""Before the first test of a fresh installation kernels are compiled: no test waits for that within its limit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zonewright.solver.kernels import cache


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile once, in the process that workers are started from, where nothing is kept yet."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    if not any(cache.folder().glob("*.kernel")):
        subprocess.run([sys.executable, "-m", "zonewright.cli.main", "warm-up", "--quiet"], check=False)
