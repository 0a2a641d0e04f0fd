"""Plan a random migration and ask of the result everything that a plan promises."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.migrating.wild import Case, case
from zonewright.models.estate import Estate
from zonewright.models.events import Event, Incident
from zonewright.models.executor import estate_after, execute
from zonewright.models.files import estate_from_data
from zonewright.models.migration import Migration
from zonewright.models.migration_files import migration_from_text, migration_text
from zonewright.models.plan import Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.settling import settled
from zonewright.models.world import World
from zonewright.report.runbook import runbook_text
from zonewright.solver import place, plan_migration
from zonewright.solver.migrate.plan import MigrationResult
from zonewright.solver.migrate.proof import verify_migration_bound

LIMIT_S = 5.0


@dataclass
class Outcome:
    """What came of a case."""

    case: Case
    wrong: list[str] = field(default_factory=list)
    verdict: str = ""
    """The status with its reason; `refused` for an estate that contradicts itself."""
    recipes: tuple[str, ...] = ()
    seconds: float = 0.0


def outcome(seed: int) -> Outcome:
    """Plan the case of a number and judge what comes of it."""
    begun = time.perf_counter()
    found = Outcome(case(seed))
    try:
        found.wrong += _Trial(found).faults()
    except InputError as error:
        found.wrong.append(f"late refusal: {error}")
    except Exception:  # whatever it is, it is a fault of the planner's
        found.wrong.append(traceback.format_exc(limit=-3))
    found.seconds = time.perf_counter() - begun
    return found


class _Trial:
    def __init__(self, found: Outcome) -> None:
        self.found, self.case = found, found.case
        self.rng = Random(f"trial {self.case.seed}")
        self.estate: Estate
        self.target: Plan | None = None

    def faults(self) -> Iterator[str]:
        try:
            world = World(estate_from_data(self.case.estate))
        except InputError:
            self.found.verdict = "refused"
            return
        world = self._settled(world)
        event = Event.model_validate(self.case.event)
        if event.to:
            self.target = self._somewhere(world)
            if self.target is None:
                self.found.verdict = "no plan to go to"
                return
        result = self._plan(world, event)
        self.found.verdict = f"{result.status.value} {result.reason or ''}".strip()
        yield from promised(result)
        if result.migration is None:
            return
        self.found.recipes = tuple(sorted({str(a.recipe) for a in result.migration.actions}))
        yield from documented(world, result.migration)
        yield from proven(world, result.migration)
        if result.status in (Status.OPTIMAL, Status.FEASIBLE):
            execution = execute(world, result.migration)
            yield from (str(breach) for breach in (*execution.violations, *execution.claims))
            yield from self._again(world, event, result)
            yield from self._middle(world, event, result.migration)
        if self.case.seed % 6 == 0:
            yield from self._twice(world, event)

    def _plan(self, world: World, event: Event) -> MigrationResult:
        return plan_migration(
            world, event=event, target=self.target, curve=self.case.curve, workers=1, time_limit_s=LIMIT_S
        )

    def _settled(self, world: World) -> World:
        """Return the world with everybody where the case wants them."""
        if self.case.settle == "given":
            return world
        plan = place(world, time_limit_s=LIMIT_S, workers=1, partial=True).plan
        if plan is None:
            return world
        estate = settled(world, plan)
        if self.case.settle == "shuffled":
            estate = _shuffled(World(estate), self.rng)
        return World(estate)

    def _somewhere(self, world: World) -> Plan | None:
        """Return a plan to go to: the best for the estate if nobody were anywhere."""
        estate = world.estate
        nowhere = estate.model_copy(
            update={
                "groups": [g.model_copy(update={"current": {}}) for g in estate.groups],
                "instances": [i.model_copy(update={"site": None, "subnet": None}) for i in estate.instances],
            }
        )
        return place(nowhere, time_limit_s=LIMIT_S, workers=1, seed=1, partial=True).plan

    def _again(self, world: World, event: Event, result: MigrationResult) -> Iterator[str]:
        """Yield what the same event still asks for once all is done."""
        migration = result.migration
        assert migration is not None
        done = World(estate_after(world, migration, {step.id for step in migration.steps}))
        bounded = event.max_moves is not None or event.min_gain or event.cooldown_hours
        second = self._plan(done, event)
        yield from (f"once done: {fault}" for fault in promised(second))
        if second.status is Status.INFEASIBLE and not event.strictly:
            yield f"once done: {second.reason}: {second.clash[:3]} {second.blocked[:1]}"
        if second.migration is None:
            return
        settles = result.status is Status.OPTIMAL and not bounded and not migration.ruled_out
        # Whoever was stopped for others is pinned nowhere any more, and may find a place after all.
        stopped = any(loss.reason == "stopped_for_others" for loss in migration.losses)
        kinds = {"move", "bypass", "recovery"} if stopped else {"move", "bypass", "recovery", "start"}
        left = [action for action in second.migration.actions if action.kind in kinds]
        if settles and second.status is Status.OPTIMAL and left:
            one = left[0]
            yield f"once done: {one.kind} of {one.count} {one.group} from {one.source} to {one.target} is left"

    def _middle(self, world: World, event: Event, migration: Migration) -> Iterator[str]:
        """Yield what is wrong with the rest of a migration of which a part is done."""
        ends = sorted({step.end_s for step in migration.steps})
        if not ends:
            return
        until = self.rng.choice(ends[:-1] or ends)
        done = {step.id for step in migration.steps if step.end_s <= until}
        if self.rng.random() < 0.4:
            done = _part(migration, self.rng)
        estate = estate_after(world, migration, done)
        incidents: dict[str, Incident] = {n: i for n, i in estate.incidents.items() if n not in event.restore}
        now = World(estate.model_copy(update={"incidents": incidents | event.incidents}))
        rest = self._plan(now, event.model_copy(update={"max_moves": None}))
        text = f"after {', '.join(sorted(done))}"[:300]
        yield from (f"{text}: {fault}" for fault in promised(rest))
        if rest.status is Status.INFEASIBLE and not event.strictly:
            yield f"{text}: {rest.reason}: {rest.clash[:3]} {rest.blocked[:1]}"
        if rest.migration is not None:
            yield from (f"{text}: {fault}" for fault in documented(now, rest.migration))

    def _twice(self, world: World, event: Event) -> Iterator[str]:
        """Yield a difference between two runs with one worker and a work limit."""
        texts: list[str] = []
        for _ in range(2):
            result = plan_migration(
                world, event=event, target=self.target, workers=1, work_limit=2000, time_limit_s=60.0
            )
            texts.append("" if result.migration is None else migration_text(result.migration))
        if texts[0] != texts[1]:
            yield "two runs with the same seed differ"


def promised(result: MigrationResult) -> Iterator[str]:
    """Yield where a result is none of those that the planner promises."""
    migration = result.migration
    match result.status:
        case Status.OPTIMAL | Status.FEASIBLE:
            if migration is None or result.reason is not None:
                yield f"{result.status} with reason {result.reason} and {'a' if migration else 'no'} migration"
        case Status.INFEASIBLE:
            if result.reason not in ("no_placement", "no_order"):
                yield f"infeasible for {result.reason}"
            if result.reason == "no_placement" and not (result.clash or result.objective):
                yield "no placement, and nothing that clashes"
            if result.reason == "no_order" and (migration is None or migration.steps or not result.blocked):
                yield "no order, without target or what is blocked"
        case Status.UNKNOWN:
            if result.reason is not None or (migration is not None and migration.steps):
                yield f"unknown with reason {result.reason}"
            if result.seconds < 0.4 * LIMIT_S and not result.blocked:
                yield f"unknown after {result.seconds:.1f} s, and nothing is said to be in the way"


def documented(world: World, migration: Migration) -> Iterator[str]:
    """Yield where a migration is not what was written, or cannot be told."""
    if migration_from_text(migration_text(migration)) != migration:
        yield "is not what was written"
    if not runbook_text(world, migration, estate_file="estate.yaml", plan_file="plan.json").strip():
        yield "has no runbook"


def proven(world: World, migration: Migration) -> Iterator[str]:
    """Yield bounds that evaluating them again does not confirm."""
    for finding in verify_migration_bound(world, migration):
        if not finding.confirmed:
            yield f"bound {finding.bound} on {finding.goal} ({finding.kind}): {finding.text}"


def _shuffled(world: World, rng: Random) -> Estate:
    """Return an estate with a few instances elsewhere in their region, whatever rule that breaks."""
    estate, tree = world.estate, world.tree

    def elsewhere(site: str) -> str:
        sites = world.region_sites(tree.by_id[site])
        return tree.nodes[rng.choice(sorted(sites))].id

    free = {group.id for group in estate.groups if not group.vpcs}
    instances = [
        i.model_copy(update={"site": elsewhere(i.site), "subnet": None})
        if i.site is not None and i.group in free and rng.random() < 0.25
        else i
        for i in estate.instances
    ]
    groups = []
    for group in estate.groups:
        current = dict(group.current)
        if current and group.id in free and rng.random() < 0.4:
            source = rng.choice(sorted(current))
            target = elsewhere(source)
            current[source] -= 1
            current[target] = current.get(target, 0) + 1
        groups.append(group.model_copy(update={"current": {s: n for s, n in current.items() if n}}))
    return estate.model_copy(update={"groups": groups, "instances": instances})


def _part(migration: Migration, rng: Random) -> set[str]:
    """Return some steps, with all that they need, in the order of time."""
    done: set[str] = set()
    for step in sorted(migration.steps, key=lambda s: (s.end_s, s.start_s)):
        if rng.random() < 0.7 and done.issuperset(step.needs):
            done.add(step.id)
    return done
