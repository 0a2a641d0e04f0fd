"""`find_clashes`: from an estate without a placement to the reasons and the changes that mend it."""

from __future__ import annotations

from collections.abc import Mapping

from zonewright.models.plan import Status
from zonewright.models.rules import all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.elements import weight_of
from zonewright.solver.clashes.enumerate import Enumeration, Listing
from zonewright.solver.clashes.fixes import Fixer
from zonewright.solver.clashes.problem import Problem, hard_world
from zonewright.solver.clashes.result import Clashes, ClashSet
from zonewright.solver.clashes.search import Core, Search
from zonewright.solver.clashes.sentences import kind_of, member, sentence
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import News
from zonewright.solver.result import Clash

#: Beyond this many (group, site) pairs single sites are not all put into one model.
MOST_CELLS = 40_000
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
    fixer = Fixer(world, problem, deadline, workers=workers, seed=seed)
    fixes = [fixer.fix(cost, elements) for cost, elements in listing.fixes[:FIXES]]
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


def first_clash(world: World, deadline: Deadline, *, workers: int, seed: int) -> tuple[list[Clash], bool]:
    """Return one clash as its members, and whether it is minimal: soon rather than all.

    Among pools of hosts where that suffices, else among single ones. Where nothing was found in time, everything
    hard that the estate states.
    """
    hard = hard_world(world)
    sites = world.tree.sites
    on_hosts = len(sites) > len({world.zone_of(s) for s in sites})
    for pooled in (True, False) if on_hosts else (False,):
        if not pooled and len(sites) * len(world.groups) > MOST_CELLS:
            break
        problem = Problem(hard, pooled=pooled)
        search = Search(problem, deadline, workers=workers, seed=seed, news=lambda _: None)
        answer = search.whole(problem.all)
        if answer.status == "infeasible":
            core = search.shrink(answer.core)
            exact = core.minimal and not pooled
            return [member(problem, e) for e in sorted(problem.elements[n] for n in core.elements)], exact
    return _everything_hard(world), False


def _everything_hard(world: World) -> list[Clash]:
    """Return every hard rule that the estate states: what clashes is among them, where time did not tell more."""
    found = [Clash("placed", "placed", None, None, "everything is to be placed")]
    for label, rule in all_rules(world):
        if rule.soft is None and not rule.implicit:
            found.append(Clash(rule.rule, label, None, None, "may have a part in it"))
    return found


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


__all__ = ["find_clashes", "first_clash"]
