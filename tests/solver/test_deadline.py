"""Deadlines, by the clock and by work."""

from __future__ import annotations

import time

import pytest

from zonewright.solver.deadline import WORK_UNIT, Deadline, Part


def test_by_the_clock_parts_get_a_share_of_the_time() -> None:
    whole = Deadline(100.0)
    assert Part(whole, 0.5).left == pytest.approx(50.0, abs=0.5)
    assert whole.foreseen == pytest.approx(100.0, abs=0.5)
    with whole.keeping(0.25):
        assert whole.left == pytest.approx(75.0, abs=0.5)
    assert whole.left == pytest.approx(100.0, abs=0.5)


def test_by_work_the_clock_shares_nothing_out() -> None:
    """However slow the machine is, the same work goes into each part: else a run could not be repeated."""
    slow = Deadline(100.0, work_limit=1_000, started=time.monotonic() - 60.0)
    part = Part(slow, 0.5)
    assert part.left == pytest.approx(40.0, abs=0.5)
    assert part.work_left == pytest.approx(500 * WORK_UNIT)
    assert slow.foreseen == 100.0
    with slow.keeping(0.25):
        assert slow.left == pytest.approx(40.0, abs=0.5)
        assert slow.work_left == pytest.approx(750 * WORK_UNIT)
    part.spend(500 * WORK_UNIT)
    assert part.over
    assert not slow.over
    assert slow.work_left == pytest.approx(500 * WORK_UNIT)
