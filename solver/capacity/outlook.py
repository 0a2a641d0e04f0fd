"""A forecast met: what is needed by when, when to order it, and when room would run out."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from zonewright.models.estate import Estate
from zonewright.models.offers import Expected, Purchase
from zonewright.models.problems import InputError
from zonewright.models.purchases import with_purchases
from zonewright.models.rules import Survive
from zonewright.models.world import World
from zonewright.solver.capacity.binding import crowded, scarcest
from zonewright.solver.capacity.demand import Growth, check_forecast, days, grown, on_day
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import Binding, Outlook, Sizing, Stretch
from zonewright.solver.capacity.size import sized, surviving
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.result import Listener

Units = dict[tuple[str, str | None], int]

#: Of the time, for the last day; the rest is for the days before it.
LAST_SHARE = 0.4


@tells_compiling
def outlook(
    estate: Estate | World,
    forecast: Sequence[Expected] | None = None,
    *,
    growth: Growth = 1.0,
    survive: Sequence[Survive] = (),
    may_move: bool = False,
    today: date | None = None,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> Outlook:
    """Size for the last day of a forecast, and say what of it is needed when.

    What is bought earlier is part of what is bought in the end, as far as that suffices. Every purchase has the
    first day of the forecast that does not fit without it, and the day to order it by. Demand between two days
    of the forecast is that of the earlier one. `today`, by default the time of the estate, is where the forecast
    begins and what orders are due against; other parameters as for `size_capacity`.

    Raises InputError for a forecast that is empty or names groups that are not there.
    """
    before = estate.estate if isinstance(estate, World) else estate
    rows = list(forecast) if forecast is not None else list(before.forecast)
    if not rows:
        raise InputError("has no forecast: give rows with dates", path=("forecast",))
    check_forecast(before, rows)
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    job = Job(deadline, workers or os.cpu_count() or 1, seed, progress, may_move)
    asked = surviving(before, survive)
    return _Ahead(asked, rows, growth, today or _taken(before), job).outlook()


def _taken(estate: Estate) -> date | None:
    return estate.taken_at.date() if estate.taken_at is not None else None


class _Ahead:
    def __init__(self, estate: Estate, rows: list[Expected], growth: Growth, today: date | None, job: Job) -> None:
        self.estate, self.rows, self.growth, self.today, self.job = estate, rows, growth, today, job
        self.days = days(rows)

    def on(self, day: date) -> Estate:
        """Return the estate with the demand of a day."""
        return grown(on_day(self.estate, self.rows, day), self.growth)

    def outlook(self) -> Outlook:
        last = self.days[-1]
        self.job.say(f"sizing for {last}")
        whole = self.job.part(LAST_SHARE * self.job.deadline.left, muted=False)
        sizing = sized(World(self.on(last)), whole, by=last)
        needed: dict[date, Units | None] = {last: _units(sizing)}
        self._backwards(needed)
        stretches = self._stretches(needed)
        bought = self._dated(sizing, needed)
        late = [self._lateness(p) for p in bought]
        runs_out = next((s.day for s in stretches if s.fits is not True), None)
        if any(s.fits is None for s in stretches):
            runs_out = None
        of = self._scarce(runs_out) if runs_out is not None else []
        sizing = replace(
            sizing,
            purchases=bought,
            warnings=[*sizing.warnings, *(text for text in late if text)],
            seconds=self.job.deadline.seconds,
            interrupted=self.job.deadline.stop.is_set(),
        )
        return Outlook(sizing, stretches, runs_out, of)

    def _backwards(self, needed: dict[date, Units | None]) -> None:
        """Find what is needed by each day: part of what is needed by the next, as far as that suffices."""
        after = needed[self.days[-1]]
        for number, day in enumerate(reversed(self.days[:-1])):
            left = len(self.days) - 1 - number
            part = self.job.part(self.job.deadline.left / (left + 1))
            self.job.say(f"what of it is needed by {day}")
            if after is None:
                needed[day] = None
                continue
            found = self._within(day, after, part)
            needed[day] = after = found if found is not None else after

    def _within(self, day: date, most: Units, job: Job) -> Units | None:
        """Return the cheapest part of `most` that a day needs, with more only where that does not suffice."""
        world = World(self.on(day))
        inside = sized(world, job, by=day, limits=most, reasons=False, polish=False)
        if inside.cost is not None:
            return _units(inside)
        if inside.status.value != "INFEASIBLE":
            return None
        bought = World(with_purchases(world, [Purchase(offer=o, zone=z, count=n) for (o, z), n in most.items()]))
        beyond = sized(bought, job, by=day, reasons=False, polish=False)
        more = _units(beyond)
        if more is None:
            return None
        return {key: most.get(key, 0) + more.get(key, 0) for key in {**most, **more}}

    def _stretches(self, needed: dict[date, Units | None]) -> list[Stretch]:
        found: list[Stretch] = []
        offers = {offer.id: offer for offer in self.estate.offers}
        for day in self.days:
            units = needed[day]
            cost = None
            fits: bool | None = None
            if units is not None:
                cost = sum(offers[o].price_in(z) * n for (o, z), n in units.items())
                fits = not units
            total = sum(g.count for g in self.on(day).groups)
            found.append(Stretch(day, total, fits, cost, dict(units or {})))
        return found

    def _dated(self, sizing: Sizing, needed: dict[date, Units | None]) -> list[Purchase]:
        """Return the purchases with the days they are needed on: a line for every day that needs more."""
        found: list[Purchase] = []
        sofar: Units = {}
        offers = {offer.id: offer for offer in self.estate.offers}
        if sizing.cost is None:
            return list(sizing.purchases)
        for day in self.days:
            for (name, zone), count in (needed[day] or {}).items():
                more = count - sofar.get((name, zone), 0)
                if more <= 0:
                    continue
                sofar[name, zone] = count
                offer = offers[name]
                found.append(
                    Purchase(
                        offer=name,
                        zone=zone,
                        count=more,
                        cost=more * offer.price_in(zone),
                        lead_days=offer.lead_days,
                        needed_by=day,
                        order_by=day - timedelta(days=offer.lead_days),
                    )
                )
        return found

    def _lateness(self, purchase: Purchase) -> str | None:
        if self.today is None or purchase.order_by is None or purchase.order_by >= self.today:
            return None
        what = f"{purchase.count} {purchase.offer}" + (f" for {purchase.zone}" if purchase.zone else "")
        when = f"to be there on {purchase.needed_by}"
        return f"{what}: to be ordered by {purchase.order_by}, before {self.today}, {when}"

    def _scarce(self, day: date) -> list[Binding]:
        """Return what has no room left on the first day that does not fit.

        By counting where that says it, else what is fullest with as many placed as fit.
        """
        from zonewright.models.placing import view_of
        from zonewright.solver.capacity.size import held
        from zonewright.solver.place import place

        counted = [b for b in crowded(World(self.on(day))) if (b.used or 0) > (b.limit or 0)]
        if counted:
            return counted[:6]
        part = self.job.part(0.5 * self.job.deadline.left)
        world = World(held(self.on(day).model_copy(update={"goals": ["placed"]}), self.job))
        result = place(
            world,
            time_limit_s=max(0.5, part.deadline.left),
            workers=part.workers,
            seed=part.seed,
            partial=True,
            stop=part.deadline.stop,
        )
        if result.plan is None:
            return []
        return scarcest(view_of(world, result.plan))[:6]


def _units(sizing: Sizing) -> Units | None:
    if sizing.cost is None:
        return None
    return {(p.offer, p.zone): p.count for p in sizing.purchases}


__all__ = ["outlook"]
