"""Values of goals as people read them: money as money, latency in milliseconds, gaps in per cent."""

from __future__ import annotations

# Not imported from models.quantities: that would load pydantic for a line of progress.
_MONEY = 10_000
_SHARE_X_MICROSECONDS = 1_000_000_000


def money_text(value: int, currency: str) -> str:
    """Return ten-thousandths of the currency as money, rounded half up to cents."""
    cents = (abs(value) * 100 + _MONEY // 2) // _MONEY
    sign = "-" if value < 0 and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02d} {currency}"


def value_text(goal: str, value: int, currency: str) -> str:
    """Return the value of a goal with its unit."""
    if goal == "cost":
        return money_text(value, currency)
    if goal == "client_latency":
        return f"{value / _SHARE_X_MICROSECONDS:,.3f} ms"
    if goal == "balance":
        return f"{value / 1000:,.3f} cores"
    return f"{value:,}"


def gap_text(value: int, bound: int | None) -> str:
    """Return how far the value may be from the best there is, in per cent of the value."""
    if bound is None:
        return "not proven"
    if value <= bound:
        return "0 %"
    return share_text((value - bound) / max(1, abs(value)))


def share_text(share: float | None) -> str:
    """Return a share in per cent with three significant digits."""
    if share is None:
        return "not proven"
    return f"{share * 100:.3g} %"
