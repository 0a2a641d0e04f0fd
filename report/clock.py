"""Times of a migration as people read them: how long after the start, and what the clock says then."""

from __future__ import annotations

from datetime import datetime, timedelta


def span_text(seconds: int) -> str:
    """Return a length of time as hours, minutes and seconds: `1:05:00`."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def spoken(seconds: int) -> str:
    """Return a length of time in words: `1 h 5 min`, `40 s`, `none`."""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{amount:,} {unit}" for amount, unit in parts if amount) or "none"


def minutes_text(minutes: float | None) -> str:
    """Return an age in minutes in words; None is not known."""
    if minutes is None:
        return "unknown"
    return spoken(round(minutes * 60))


def clock_text(starts_at: datetime | None, second: int) -> str:
    """Return what the clock says at a second of the plan, with the date on another day; '' without a start."""
    if starts_at is None:
        return ""
    try:
        now = starts_at + timedelta(seconds=second)
    except OverflowError:
        return "beyond the calendar"
    return now.strftime("%H:%M:%S" if now.date() == starts_at.date() else "%Y-%m-%d %H:%M:%S")


def when_text(starts_at: datetime | None, second: int) -> str:
    """Return a second of the plan as `T+0:10:00`, with the clock's time where the start is known."""
    clock = clock_text(starts_at, second)
    return f"T+{span_text(second)}" + (f" ({clock})" if clock else "")
