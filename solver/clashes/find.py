"""`find_clashes`: from an estate without a placement to the reasons and the changes that mend it."""

from __future__ import annotations

from collections.abc import Mapping

from zonewright.models.plan import Status
from zonewright.models.world import World
from zonewright.solver.clashes.elements import weight_of
from zonewright.solver.clashes.enumerate import Enumeration, Listing
from zonewright.solver.clashes.problem import Problem, hard_world
from zonewright.solver.clashes.result import Change, Clashes, ClashSet, Fix
from zonewright.solver.clashes.search import Core, Search
from zonewright.solver.clashes.sentences import kind_of, member, sentence
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import News

#: Fixes that are told.
FIXES = 5
#: An element that a user cannot change costs more than all that can be.
BEYOND = 1_000_000


def find_clashes(
    world: World,
    deadline: Deadline,
    *,
    workers: int = 1,
    seed: int = 0,
    news: News | None = None,
    fix_weights: Mapping[str, int] | None = None,
) -> Clashes:
    """Return why an estate has no placement: every clash that is found in time, and the cheapest changes."""

    def say(message: str) -> None:
        if news is not None:
            news("explain", "", None, None, message)

    hard = hard_world(world)
    problem = Problem(hard)
    search = Search(problem, deadline, workers=workers, seed=seed, news=say)
    found = search.independent()
    if found.status != "infeasible":
        status = Status.FEASIBLE if found.status == "feasible" else Status.UNKNOWN
        return Clashes(status, seconds=deadline.seconds, interrupted=deadline.stop.is_set())
    weights = fix_weights or {}

    def weight(e: int) -> int:
        return weight_of(problem.elements[e], weights)

    listing = Listing(list(found.independent))
    if found.covered:
        listing = Enumeration(search, weight, list(found.independent)).run(lambda _: False)
    clashes = _told(problem, listing.clashes, len(found.independent))
    fixes = [
        Fix(
            tuple(Change(f"drop {problem.elements[e]}", None, problem.elements[e]) for e in sorted(elements)),
            cost,
            False,
        )
        for cost, elements in listing.fixes[:FIXES]
    ]
    return Clashes(
        Status.INFEASIBLE,
        clashes,
        listing.complete,
        found.covered,
        fixes,
        listing.proven,
        deadline.seconds,
        deadline.stop.is_set(),
    )


def _told(problem: Problem, cores: list[Core], independent: int) -> list[ClashSet]:
    told: list[ClashSet] = []
    for position, core in enumerate(cores):
        elements = tuple(sorted(problem.elements[e] for e in core.elements))
        members = tuple(member(problem, element) for element in elements)
        shares = tuple(
            other for other, another in enumerate(cores) if other != position and core.elements & another.elements
        )
        told.append(
            ClashSet(
                elements,
                members,
                core.minimal,
                kind_of(problem, elements),
                sentence(problem, elements),
                position < independent,
                shares,
            )
        )
    return told


__all__ = ["find_clashes"]
