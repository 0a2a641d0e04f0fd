"""`find_clashes`: from an estate without a placement to the reasons and the changes that mend it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from zonewright.models.plan import Status
from zonewright.models.rules import all_rules
from zonewright.models.world import World
from zonewright.solver.clashes.changes import Changes
from zonewright.solver.clashes.elements import Element, weight_of
from zonewright.solver.clashes.enumerate import Enumeration, Listing
from zonewright.solver.clashes.fixes import Fixer, changed_world
from zonewright.solver.clashes.hosts import HostSearch, Placing
from zonewright.solver.clashes.placing import Placer
from zonewright.solver.clashes.problem import Problem, hard_world
from zonewright.solver.clashes.result import Clashes, ClashSet, Fix
from zonewright.solver.clashes.search import Core, Search
from zonewright.solver.clashes.sentences import kind_of, member, sentence
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import News
from zonewright.solver.result import Clash

#: Beyond this many (unit, site) pairs hosts are looked at as pools first.
MOST_CELLS_AT_ONCE = 1_500
#: Fixes that are told, that are looked at, and the share of the time that is kept back for them.
FIXES, TRIED, FIXES_SHARE = 5, 12, 0.35


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

    return _Finding(world, deadline, workers, seed, say, fix_weights or {}).run()


class _Finding:
    """One run over one estate."""

    def __init__(
        self,
        world: World,
        deadline: Deadline,
        workers: int,
        seed: int,
        say: Callable[[str], None],
        weights: Mapping[str, int],
    ) -> None:
        self.world = world
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.weights = weights
        self.placer = Placer(deadline, workers=workers, seed=seed)
        self.search = _search(world, deadline, workers, seed, say, self._placed)
        self.problem = self.search.problem
        if isinstance(self.search, HostSearch):
            self.placer.expect(self.search.built_s)
        self.changes = Changes(world, self.problem.naming.alike)

    def run(self) -> Clashes:
        found = self.search.independent()
        if found.status != "infeasible":
            status = Status.FEASIBLE if found.status == "feasible" else Status.UNKNOWN
            return Clashes(status, seconds=self.deadline.seconds, interrupted=self.deadline.stop.is_set())
        listing = Enumeration(self.search, self._weight, found.independent).run(self._enough)
        fixes = self._fixes(listing)
        return Clashes(
            Status.INFEASIBLE,
            _told(self.search, listing.clashes, len(found.independent)),
            listing.complete and found.covered,
            found.covered,
            fixes,
            listing.proven,
            self.deadline.seconds,
            self.deadline.stop.is_set(),
        )

    def _weight(self, e: int) -> int:
        return weight_of(self.problem.elements[e], self.weights)

    def _enough(self, listing: Listing) -> bool:
        """Return whether to turn to the fixes: time for writing them is kept back."""
        return bool(listing.fixes) and self.deadline.left < FIXES_SHARE * self.deadline.time_limit_s

    def _fixes(self, listing: Listing) -> list[Fix]:
        """Return the cheapest fixes, those first that were seen to work."""
        fixer = Fixer(
            self.world,
            self.search,
            self.placer,
            listing.clashes,
            self.deadline,
            workers=self.workers,
            seed=self.seed,
        )
        found: list[Fix] = []
        for cost, elements in listing.fixes[:TRIED]:
            if sum(fix.verified for fix in found) >= FIXES or (found and self.deadline.over):
                break
            found.append(fixer.fix(cost, elements))
        found.sort(key=lambda fix: (fix.cost, not fix.verified))
        sure = [fix for fix in found if fix.verified]
        return (sure if sure and sure[0].cost == found[0].cost else found)[:FIXES]

    def _placed(self, dropped: Collection[Element]) -> bool | None:
        """Return whether the estate without some elements has a placement; None where that is not known."""
        # Less is as good as all of it, where it does, and to leave somebody out is always an edit.
        demands = [e for e in dropped if e.kind == "demand"]
        for elements in {tuple(demands): None, tuple(dropped): None}:
            changed = changed_world(self.world, self.changes.of({e: {} for e in sorted(elements)}))
            if elements and changed is not None and self.placer.places(changed, self.search.concerned):
                return True
        return None


def first_clash(world: World, deadline: Deadline, *, workers: int, seed: int) -> tuple[list[Clash], bool]:
    """Return one clash as its members, and whether it is minimal: soon rather than all.

    Where nothing was found in time, everything hard that the estate states.
    """
    search = _search(world, deadline, workers, seed, lambda _: None, lambda _: None)
    answer = search.whole(())
    if answer.status == "infeasible":
        core = search.shrink(answer.core)
        problem = search.problem_of(core.elements)
        return [member(problem, e) for e in sorted(problem.elements[n] for n in core.elements)], core.minimal
    return _everything_hard(world), False


def _search(
    world: World,
    deadline: Deadline,
    workers: int,
    seed: int,
    news: Callable[[str], None],
    placing: Placing,
) -> Search:
    """Return the search that suits an estate: of all its sites, or of its pools of hosts first."""
    begun = deadline.seconds
    hard = hard_world(world)
    sites = world.tree.sites
    on_hosts = len(sites) > len({world.zone_of(s) for s in sites})
    if on_hosts and len(sites) * len(world.units) > MOST_CELLS_AT_ONCE:
        problem = Problem(hard, pooled=True)
        search = HostSearch(problem, deadline, workers=workers, seed=seed, news=news, placing=placing)
        search.built_s = deadline.seconds - begun
        return search
    return Search(Problem(hard), deadline, workers=workers, seed=seed, news=news)


def _everything_hard(world: World) -> list[Clash]:
    """Return every hard rule that the estate states: what clashes is among them, where time did not tell more."""
    found = [Clash("placed", "placed", None, None, "everything is to be placed")]
    for label, rule in all_rules(world):
        if rule.soft is None and not rule.implicit:
            found.append(Clash(rule.rule, label, None, None, "may have a part in it"))
    return found


def _told(search: Search, cores: list[Core], independent: int) -> list[ClashSet]:
    told: list[ClashSet] = []
    for position, core in enumerate(cores):
        problem = search.problem_of(core.elements)
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
