"""How demand grows: by a factor, or along a forecast with dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from zonewright.models.edits import resized, scaled
from zonewright.models.estate import Estate
from zonewright.models.offers import Expected
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import as_fraction

Growth = float | Mapping[str, float]


def grown(estate: Estate, growth: Growth) -> Estate:
    """Return the estate with its demand grown: by one factor, or by group (`all` for those not named)."""
    factors = {"all": growth} if isinstance(growth, int | float) else dict(growth)
    return scaled(estate, factors)


def check_forecast(estate: Estate, forecast: Sequence[Expected]) -> None:
    """Raise InputError at the first entry that names a group that is not there."""
    known = {group.id for group in estate.groups}
    for position, entry in enumerate(forecast):
        for name in entry.groups if entry.groups != "*" else ():
            if name not in known:
                raise InputError(f"unknown group {name}.{maybe(name, known)}", path=("forecast", position))


def days(forecast: Sequence[Expected]) -> list[date]:
    """Return the days on which demand changes, in order."""
    return sorted({entry.date for entry in forecast})


def counts_on(estate: Estate, forecast: Sequence[Expected], day: date) -> dict[str, int]:
    """Return how many of each group there are to be from a day on, until the next day of the forecast."""
    return {g.id: _on(g.id, g.count, forecast, day) for g in estate.groups}


def _on(group: str, count: int, forecast: Sequence[Expected], day: date) -> int:
    best: tuple[date, bool] | None = None
    found = count
    for entry in forecast:
        named = entry.groups != "*"
        if entry.date > day or (named and group not in entry.groups):
            continue
        # The latest entry counts; of one day the one that names the group.
        if best is None or (entry.date, named) >= best:
            best = (entry.date, named)
            if entry.count is not None:
                found = entry.count
            else:
                found = -int(-as_fraction(entry.factor or 0) * count // 1)
    return found


def on_day(estate: Estate, forecast: Sequence[Expected], day: date) -> Estate:
    """Return the estate with the demand of a day of the forecast."""
    return resized(estate, counts_on(estate, forecast, day))


__all__ = ["Growth", "check_forecast", "counts_on", "days", "grown", "on_day"]
