"""Where everything is to be after an event: losses first, then moves, then the estate's own goals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from zonewright.models.aftermath import Aftermath, aftermath
from zonewright.models.check import judge
from zonewright.models.events import Event
from zonewright.models.migration import GivenUp
from zonewright.models.placing import view_of
from zonewright.models.plan import GoalValue, Placement, Plan, Status
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels import cache
from zonewright.solver.place import place
from zonewright.solver.result import Clash, Listener


@dataclass
class Target:
    """What was decided, in the world after the event."""

    after: Aftermath
    status: Status
    plan: Plan | None
    engine: str = ""
    clash: list[Clash] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)

    @property
    def objective(self) -> list[GoalValue]:
        """Goal by goal."""
        return list(self.plan.objective) if self.plan is not None else []

    @property
    def moves(self) -> int:
        """The goal of that name."""
        return next((g.value for g in self.objective if g.goal == "moves"), 0)

    @property
    def out(self) -> list[int]:
        """What is stopped or has no place, most important first."""
        return [g.value for g in self.objective if g.goal == "stopped" or g.goal.startswith("placed")]


@dataclass(frozen=True)
class Search:
    """How long and with what to look for a target."""

    deadline: Deadline
    workers: int
    seed: int
    work_limit: int | None = None
    progress: Listener | None = None


def find_target(
    world: World,
    event: Event,
    search: Search,
    given: Plan | None = None,
    given_up: Collection[GivenUp] = (),
) -> Target:
    """Return the best placement after an event: the given one, or the one with the fewest losses and moves.

    Where rules that a loss alone can break cost instances their place, they become wishes, and the placement
    that brings more back is taken; the rules it breaks are listed as degraded.
    """
    after = aftermath(world, event, given_up=given_up)
    if given is not None:
        return _given(after, given)
    strict = _find(after, search)
    if strict.plan is not None and not any(strict.out):
        return strict
    if search.deadline.over or event.strictly:
        return strict
    loosened = aftermath(world, event, lenient=True, given_up=given_up)
    if loosened.estate == after.estate:
        return strict
    lenient = _find(loosened, search)
    if lenient.plan is not None and (strict.plan is None or _less_lost(lenient, strict)):
        return lenient
    return strict


def _less_lost(a: Target, b: Target) -> bool:
    """Return whether fewer are without a place, or, once something is lost, as many with fewer moves.

    Nobody stops for a lost rule.
    """
    if a.after.dead or a.after.left:
        return (a.out, a.moves) < (b.out, b.moves)
    return a.out < b.out


def _given(after: Aftermath, plan: Plan) -> Target:
    """Judge a placement that somebody else chose, without those that the event has counted out."""
    plan = without_lost(after, plan)
    report = judge(view_of(after.world, plan))
    broken = [v for v in report.violations if v.hard]
    update = {
        "estate_fingerprint": after.estate.fingerprint,
        "objective": [GoalValue(goal=goal, value=value) for goal, value in report.objective],
        "bounds": [],
        "status": Status.FEASIBLE,
    }
    target = Target(after, Status.FEASIBLE, plan.model_copy(update=update), "given")
    if broken:
        target.status = Status.INFEASIBLE
        target.clash = [Clash(v.rule, v.label, v.group, v.domain, v.message) for v in broken]
    return target


def without_lost(after: Aftermath, plan: Plan) -> Plan:
    """Return a plan without the named instances that are lost for good, and as many unnamed ones as are left."""
    nobody = {unit.name for unit in after.before.units} - {unit.name for unit in after.world.units} - {None}
    had = {unit.group: unit.count for unit in after.before.units if unit.name is None}
    have = {unit.group: unit.count for unit in after.world.units if unit.name is None}
    left = {group: have.get(group, 0) for group, count in had.items() if have.get(group, 0) < count}
    if not nobody and not left:
        return plan
    closed = {after.before.tree.nodes[site].id for site in (*after.dead, *after.left)}
    entries: list[Placement] = []
    # Who is left goes where somebody may be.
    for entry in sorted(plan.placements, key=lambda p: p.site in closed):
        names = [name for name in entry.instances if name not in nobody]
        unnamed = max(0, entry.count - len(entry.instances))
        if entry.group in left:
            unnamed = min(unnamed, left[entry.group])
            left[entry.group] -= unnamed
        if names or unnamed:
            entries.append(entry.model_copy(update={"instances": names, "count": len(names) + unnamed}))
    return plan.model_copy(update={"placements": entries, "unplaced": [], "scenarios": []})


def _find(after: Aftermath, search: Search) -> Target:
    if _on_hosts(after.world) and cache.ready(cache.RELOCATION, search.deadline):
        from zonewright.solver.migrate.hosts import find_on_hosts

        found = find_on_hosts(
            after, search.deadline, workers=search.workers, seed=search.seed, progress=search.progress
        )
        if found is not None:
            return Target(after, found.plan.status, found.plan, found.plan.engine or "")
    left = search.deadline.left
    result = place(
        after.world,
        time_limit_s=max(0.1, left - 0.1 * left),
        workers=search.workers,
        seed=search.seed,
        work_limit=search.work_limit,
        partial=True,
        progress=search.progress,
        stop=search.deadline.stop,
    )
    return Target(
        after,
        result.status,
        result.plan if result.status in (Status.OPTIMAL, Status.FEASIBLE) else None,
        result.engine,
        list(result.clash),
        list(result.warnings),
        list(result.assumptions),
    )


def _on_hosts(world: World) -> bool:
    return len(world.tree.sites) > len({world.zone_of(s) for s in world.tree.sites})
