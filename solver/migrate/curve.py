"""What more moves would gain: the best that can be reached with at most so many of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from zonewright.models.estate import URGENT
from zonewright.models.events import Event
from zonewright.models.plan import GoalValue
from zonewright.models.view import View
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.migrate.target import Search, Target, find_target

#: Points of a curve between no move and all of them.
MOST_POINTS = 12


def purpose(event: Event, objective: list[GoalValue]) -> int:
    """Return the value of what an event is for; smaller is better.

    Rules to be mended or load above the threshold; hosts in use; else instances without a place.
    """
    if event.mend or event.restore or event.rebalance is not None or event.drain or event.suspect:
        urgent = [g.value for g in objective if _priority(g.goal) >= URGENT]
        if urgent or not (event.drain or event.suspect):
            return sum(urgent)
    if event.consolidate:
        return sum(g.value for g in objective if g.goal == "hosts")
    return sum(g.value for g in objective if g.goal == "stopped" or g.goal.startswith("placed"))


def _priority(goal: str) -> int:
    return int(goal[5:-1]) if goal.startswith("soft[") else -1


def moved(view: View) -> int:
    """Return how many running instances are placed elsewhere; those without a place are losses, not moves."""
    total = 0
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        stay = sum(min(count, sites.get(site, 0)) for site, count in unit.current.items())
        total += max(0, min(sum(unit.current.values()), sum(sites.values())) - stay)
    return total


def gain_curve(world: World, event: Event, search: Search, best: Target, moves: int) -> list[tuple[int, int]]:
    """Return (moves, value of what the event is for) with at most so many moves, from none to all.

    A number of moves for which nothing was found in its share of the time is left out.
    """
    found: list[tuple[int, int]] = []
    points = _points(moves)
    for number, most in enumerate(points):
        share = search.deadline.left / (len(points) - number + 1)
        part = replace(search, deadline=Deadline(max(0.05, share), None, search.deadline.stop))
        limited = event.model_copy(update={"max_moves": most})
        target = find_target(world, limited, part)
        if target.plan is not None:
            found.append((most, purpose(limited, target.objective)))
    return [*found, (moves, purpose(event, best.objective))]


def _points(moves: int) -> list[int]:
    """Return numbers below `moves`: all of a few, else ever wider apart."""
    if moves <= MOST_POINTS:
        return list(range(moves))
    ratio = moves ** (1 / (MOST_POINTS - 2))
    return sorted({0, *(round(ratio**k) for k in range(MOST_POINTS - 2))} - {moves})


def worth_it(curve: list[tuple[int, int]], least: float) -> int:
    """Return the most moves whose last ones still gain `least` each."""
    best = curve[0][0] if curve else 0
    for (fewer, worse), (more, better) in pairwise(curve):
        if more > fewer and (worse - better) / (more - fewer) >= least:
            best = more
    return best
