"""What it costs to survive nothing, and more and more."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from zonewright.models.estate import Estate
from zonewright.models.offers import Expected
from zonewright.models.rules import Survive
from zonewright.models.world import World
from zonewright.solver.capacity.asked import fresh
from zonewright.solver.capacity.demand import Growth, check_forecast, days, grown, on_day
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import FrontierPoint
from zonewright.solver.capacity.size import sized
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.result import Listener

#: Beyond so many scenarios a level is left out of the frontier.
MOST_SCENARIOS = 2_000
#: Beyond so many hosts or racks their loss is looked at one at a time only.
MOST_FOR_PAIRS = 12


@tells_compiling
def cost_frontier(
    estate: Estate | World,
    *,
    growth: Growth = 1.0,
    forecast: Sequence[Expected] | None = None,
    may_move: bool = False,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> list[FrontierPoint]:
    """Return the cost of surviving nothing, then each level of the estate by what remains and by evacuation.

    The estate's own survive rules are left aside: each point asks for all groups to survive one thing. Parameters
    as for `size_capacity`; the time is shared out evenly.
    """
    before = estate.estate if isinstance(estate, World) else estate
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    job = Job(deadline, workers or os.cpu_count() or 1, seed, progress, may_move)
    by = None
    if forecast:
        check_forecast(before, forecast)
        by = days(forecast)[-1]
        before = on_day(before, forecast, by)
    rules = [r for r in before.rules if not (isinstance(r, Survive) and r.soft is None)]
    plain = grown(before, growth).model_copy(update={"rules": rules})
    points = steps(World(plain))
    found: list[FrontierPoint] = []
    for number, (words, rule) in enumerate(points):
        job.say(f"{number + 1} of {len(points)}: survive {words}")
        asked = plain if rule is None else plain.model_copy(update={"rules": [*rules, rule]})
        part = job.part(deadline.left / (len(points) - number))
        found.append(FrontierPoint(words, sized(World(asked), part, by=by, reasons=False, polish=False)))
    return found


def steps(world: World) -> list[tuple[str, Survive | None]]:
    """Return what may be survived in an estate, in words and as a rule, from nothing upwards."""
    found: list[tuple[str, Survive | None]] = [("nothing", None)]
    for level in reversed(_levels(world)):
        count = len(world.tree.domains_at(level))
        for lose in (1, 2) if count <= MOST_FOR_PAIRS else (1,):
            scenarios = count if lose == 1 else count * (count - 1) // 2
            if count <= lose or scenarios > MOST_SCENARIOS:
                continue
            for mode, how in (("evacuate", "by evacuation"), ("static", "with what remains")):
                data = {"rule": "survive", "id": fresh("frontier", world.estate), "level": level}
                rule = Survive.model_validate({**data, "lose": lose, "mode": mode})
                found.append(
                    (f"any {'one' if lose == 1 else 'two'} {level}{'' if lose == 1 else 's'} {how}", rule)
                )
    return found


def _levels(world: World) -> list[str]:
    """Return the levels below the region that every site has, from the top down, with hosts to come."""
    to_come = bool(world.tree.hosts_to_come)
    found: list[str] = []
    for level in world.tree.levels:
        named = [s for s in world.tree.sites if world.tree.at_level(s, level) is not None]
        if level == "region" or (not named and not (to_come and level == "zone")):
            continue
        if len(named) == len(world.tree.sites):
            found.append(level)
    return found


__all__ = ["cost_frontier", "steps"]
