"""The kernels' tests once more with every index checked: a slow run, in which nothing may be out of bounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_no_index_is_out_of_bounds() -> None:
    """Checked kernels are kept apart from the others; compiling them takes minutes once."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/search",
            "tests/solver/kernels",
            "tests/solver/test_relocation.py",
        ],
        cwd=ROOT,
        env={**os.environ, "NUMBA_BOUNDSCHECK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4_000:]
