"""`size_capacity`: the cheapest additions with which demand, growth and every loss asked for fit."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from zonewright.models.estate import Estate
from zonewright.models.offers import Expected, Purchase
from zonewright.models.plan import Status
from zonewright.models.purchases import with_purchases
from zonewright.models.rules import Survive
from zonewright.models.world import World
from zonewright.solver.capacity.candidates import Candidate, candidates
from zonewright.solver.capacity.demand import Growth, check_forecast, days, grown, on_day
from zonewright.solver.capacity.exact import Found, confirmed, solve_program
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import Sizing
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.result import Listener

#: Of what is on offer so many zones may be opened at most: every choice of them is looked at.
MOST_OPENINGS = 6
#: Kept back for saying why nothing suffices, as a share of what is left.
REASON_SHARE = 0.3


@tells_compiling
def size_capacity(
    estate: Estate | World,
    *,
    growth: Growth = 1.0,
    forecast: Sequence[Expected] | None = None,
    survive: Sequence[Survive] = (),
    may_move: bool = False,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> Sizing:
    """Return what to buy so that everybody fits, before and after every loss that is to be survived.

    Parameters
    ----------
    estate
        The estate with its offers, or its resolved world.
    growth
        A factor for all groups, or by group; `all` stands for those that are not named.
    forecast
        Rows with dates: sized for the last one. See `outlook` for what is needed when.
    survive
        Losses to be survived, beside those that the estate's own rules ask for.
    may_move
        Who runs today may be moved; by default he stays where he is.
    time_limit_s, workers, seed, progress, stop
        As for `place`.

    Returns
    -------
    Sizing
        With status OPTIMAL, FEASIBLE (a gap between cost and bound), INFEASIBLE (everything on offer does not
        suffice, with the clashes) or UNKNOWN. Its plan has passed every checker.

    Raises
    ------
    InputError
        When the estate, the growth or the forecast names what does not exist.
    """
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    before = estate.estate if isinstance(estate, World) else estate
    job = Job(deadline, workers or os.cpu_count() or 1, seed, progress, may_move)
    by: date | None = None
    asked = before
    if forecast:
        check_forecast(before, forecast)
        by = days(forecast)[-1]
        asked = on_day(before, forecast, by)
    asked = surviving(grown(asked, growth), survive)
    return sized(World(asked), job, by=by)


def surviving(estate: Estate, rules: Sequence[Survive]) -> Estate:
    """Return the estate with more losses to be survived."""
    return estate.model_copy(update={"rules": [*estate.rules, *rules]}) if rules else estate


def sized(
    world: World,
    job: Job,
    *,
    by: date | None = None,
    limits: dict[tuple[str, str | None], int] | None = None,
    reasons: bool = True,
    polish: bool = True,
) -> Sizing:
    """Size an estate that says all that is asked. `limits` caps the units of each offer."""
    entries = candidates(world, by=by, limits=limits)
    found = _cheapest(world, entries, job, polish=polish)
    if found.status in ("optimal", "feasible"):
        return _answer(world, entries, found, job)
    if found.status == "infeasible":
        clashes = _why(world, entries, job) if reasons else None
        return Sizing(Status.INFEASIBLE, clashes=clashes, **_common(world, entries, job, found))
    return Sizing(Status.UNKNOWN, bound=found.bound or None, **_common(world, entries, job, found))


def _common(world: World, entries: Sequence[Candidate], job: Job, found: Found) -> dict[str, Any]:
    warnings = list(world.warnings)
    aside = _openings(entries)[MOST_OPENINGS:]
    if aside:
        zones = ", ".join(str(e.zone) for e in aside)
        warnings.append(
            f"of the zones that can be opened only the {MOST_OPENINGS} cheapest were tried, not {zones}"
        )
    return {
        "warnings": warnings,
        "seconds": job.deadline.seconds,
        "interrupted": job.deadline.stop.is_set(),
        "engine": found.engine,
        "witness": found.witness,
    }


def _answer(world: World, entries: Sequence[Candidate], found: Found, job: Job) -> Sizing:
    bought = purchases(entries, found)
    status = Status.OPTIMAL if found.cost <= found.bound else Status.FEASIBLE
    return Sizing(
        status,
        bought,
        found.cost,
        found.bound,
        with_purchases(world, bought),
        found.plan,
        **_common(world, entries, job, found),
    )


def purchases(entries: Sequence[Candidate], found: Found) -> list[Purchase]:
    """Return what was bought, in the order of the offers."""
    return [entry.purchase(found.units[entry.key]) for entry in entries if found.units.get(entry.key)]


def _cheapest(world: World, entries: list[Candidate], job: Job, *, polish: bool) -> Found:
    """Return the cheapest over all choices of zones to open, the cheapest choices first."""
    best = Found("infeasible")
    bounds: list[int] = []
    witness: list[dict[str, Any]] = []
    for opened, rest in _choices(entries):
        constant = sum(entry.price for entry in opened)
        if best.status in ("optimal", "feasible") and constant >= best.cost:
            bounds.append(constant)
            continue
        after = World(with_purchases(world, [e.purchase(1) for e in opened])) if opened else world
        found = _in_estate(after, rest, job, polish=polish)
        if found.status == "infeasible":
            continue
        bounds.append(constant + found.bound)
        zones = [entry.zone for entry in opened]
        witness += [{**entry, "opened": zones, "constant": constant} for entry in found.witness]
        if found.status == "open":
            best = replace(best, status="open") if best.status == "infeasible" else best
            continue
        found = replace(found, cost=found.cost + constant, units=found.units | {e.key: 1 for e in opened})
        if best.status not in ("optimal", "feasible") or found.cost < best.cost:
            best = found
    aside = _openings(entries)[MOST_OPENINGS:]
    if aside:
        # A choice that was not looked at costs at least the cheapest zone that only such choices open.
        bounds.append(aside[0].price)
        best = replace(best, status="open") if best.status == "infeasible" else best
    if best.status in ("optimal", "feasible"):
        bound = min([*bounds, best.cost])
        return replace(best, bound=bound, witness=witness)
    return replace(best, bound=min(bounds, default=0), witness=witness)


def _openings(entries: Sequence[Candidate]) -> list[Candidate]:
    """Return the zones that can be opened, the cheapest first."""
    return sorted((e for e in entries if e.offer.opens), key=lambda e: e.price)


def _choices(entries: list[Candidate]) -> Iterator[tuple[list[Candidate], list[Candidate]]]:
    """Yield (zones to open, everything else), by price."""
    openings = _openings(entries)[:MOST_OPENINGS]
    rest = [e for e in entries if not e.offer.opens]
    chosen = [list(some) for n in range(len(openings) + 1) for some in itertools.combinations(openings, n)]
    for some in sorted(chosen, key=lambda c: sum(e.price for e in c)):
        yield some, rest


def _in_estate(world: World, entries: list[Candidate], job: Job, *, polish: bool) -> Found:
    """Return the cheapest purchases with the zones as they are, by the engine that suits the estate."""
    from zonewright.solver.capacity.fleet import solve_fleet, suits

    if suits(world, entries):
        found = solve_fleet(world, entries, job)
        if found is not None:
            return found
    return solve_program(world, entries, job, polish=polish)


def _why(world: World, entries: Sequence[Candidate], job: Job) -> Any:
    """Return why everything on offer does not suffice, as clashes of the estate with all of it bought."""
    from zonewright.solver.clashes import find_clashes

    job.say("nothing on offer suffices: looking for the reason")
    full = World(held(everything(world, entries), job))
    part = job.part(max(1.0, job.deadline.left))
    return find_clashes(full, part.deadline, workers=job.workers, seed=job.seed, news=part.news)


#: Of hosts that are bought only to say why they do not help, so many of each.
SHOWN_HOSTS = 40


def everything(world: World, entries: Sequence[Candidate]) -> Estate:
    """Return the estate with all that is on offer bought, as far as it can be of use."""
    kept = [replace(e, most=min(e.most, SHOWN_HOSTS)) if e.offer.host is not None else e for e in entries]
    return with_purchases(world, [entry.purchase(entry.most) for entry in kept])


def held(estate: Estate, job: Job) -> Estate:
    """Return the estate with everybody who runs held where he is, unless he may be moved."""
    from zonewright.models.rules import Pin

    runs = {g.id for g in estate.groups if g.current} | {i.group for i in estate.instances if i.site is not None}
    if job.may_move or not runs:
        return estate
    names = [g.id for g in estate.groups if g.id in runs]
    stay = Pin(rule="pin", id=_fresh("stays", estate), groups=names)
    return estate.model_copy(update={"rules": [*estate.rules, stay]})


def _fresh(name: str, estate: Estate) -> str:
    taken = {rule.id for rule in estate.rules}
    while name in taken:
        name += "-"
    return name


def verify_sizing(
    estate: Estate | World,
    sizing: Sizing,
    *,
    growth: Growth = 1.0,
    forecast: Sequence[Expected] | None = None,
    survive: Sequence[Survive] = (),
    may_move: bool = False,
    time_limit_s: float = 60.0,
    workers: int = 1,
) -> list[tuple[bool, str]]:
    """Evaluate a sizing's bound again, from the estate and the witnesses alone.

    Returns one entry for each choice of zones to open: whether its bound holds, and how that was seen.
    """
    before = estate.estate if isinstance(estate, World) else estate
    by = days(forecast)[-1] if forecast else None
    asked = on_day(before, forecast, by) if forecast and by is not None else before
    world = World(surviving(grown(asked, growth), survive))
    job = Job(Deadline(time_limit_s), workers, 1, None, may_move)
    entries = candidates(world, by=by)
    found: list[tuple[bool, str]] = []
    for entry in sizing.witness:
        opened = [e for e in entries if e.offer.opens and e.zone in entry.get("opened", [])]
        after = World(with_purchases(world, [e.purchase(1) for e in opened])) if opened else world
        rest = [e for e in entries if not e.offer.opens]
        if entry.get("kind") == "fleet":
            from zonewright.solver.capacity.fleet import fleet_confirmed

            found.append(fleet_confirmed(after, rest, entry, job))
        else:
            found.append(confirmed(after, rest, entry, job))
    return found


__all__ = ["everything", "held", "purchases", "size_capacity", "sized", "surviving", "verify_sizing"]
