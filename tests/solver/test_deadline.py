"""Deadlines, by the clock and by work."""

from __future__ import annotations

import time

import pytest

from zonewright.solver.deadline import WORK_UNIT, Deadline, Part


def test_by_the_clock_parts_get_a_share_of_the_time() -> None:
    whole = Deadline(100.0)
    part = Part(whole, 0.25)
    assert 24.0 <= part.left <= 25.0
    assert part.work_left is None
    assert whole.foreseen == pytest.approx(100.0, abs=1.0)


def test_by_work_the_clock_shares_nothing_out() -> None:
    """However slow the machine is, the same work goes into each part: else a run could not be repeated."""
    slow = Deadline(100.0, work_limit=1_000, started=time.monotonic() - 60.0)
    part = Part(slow, 0.25)
    assert 39.0 <= part.left <= 40.0
    assert part.work_left == pytest.approx(250 * WORK_UNIT)
    assert slow.foreseen == 100.0
    part.spend(0.25)
    assert part.over
    assert not slow.over
    assert slow.work_done == 0.25


@pytest.mark.parametrize("work_limit", [None, 1_000])
def test_a_part_ends_with_the_whole_or_before(work_limit: int | None) -> None:
    whole = Deadline(100.0, work_limit=work_limit)
    other = Part(whole)
    other.stop.set()
    assert other.over
    assert not whole.over
    whole.stop.set()
    assert Part(whole, 0.5).over


def test_time_that_is_kept_comes_back() -> None:
    whole = Deadline(100.0)
    with whole.keeping(0.3):
        assert whole.left == pytest.approx(70.0, abs=1.0)
    assert whole.left == pytest.approx(100.0, abs=1.0)


def test_work_that_is_kept_comes_back() -> None:
    whole = Deadline(100.0, work_limit=1_000)
    with whole.keeping(0.3):
        assert whole.left == pytest.approx(100.0, abs=1.0)
        assert whole.work_left == pytest.approx(0.7)
    assert whole.work_left == pytest.approx(1.0)
