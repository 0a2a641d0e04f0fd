"""What differs between two placements: who moves, how many are where, goals, rules, and what a plan settles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from zonewright.models.check import judge
from zonewright.models.migration import Migration
from zonewright.models.placing import view_of
from zonewright.models.plan import Placement, Plan, Status

if TYPE_CHECKING:
    from zonewright.models import Violation, World

V = TypeVar("V")


@dataclass(frozen=True)
class Side:
    """One of the two: a plan, a migration, or where an estate's instances are today."""

    name: str
    """As it was given."""
    kind: str
    """`estate`, `plan` or `migration`."""
    plan: Plan | None
    """Where everything is; None for a migration without a target."""
    migration: Migration | None = None
    world: World | None = None
    """What it is judged against, where an estate is at hand."""

    @cached_property
    def placed(self) -> dict[tuple[str, str | None], Counter[str]]:
        """(group, named instance or None for the others) to site and count."""
        found: dict[tuple[str, str | None], Counter[str]] = {}
        for entry in self.plan.placements if self.plan is not None else ():
            for name in entry.instances:
                found.setdefault((entry.group, name), Counter())[entry.site] += 1
            unnamed = entry.count - len(entry.instances)
            if unnamed:
                found.setdefault((entry.group, None), Counter())[entry.site] += unnamed
        return found

    @cached_property
    def violations(self) -> list[Violation] | None:
        """What the placement breaks or misses; None where there is nothing to judge it against."""
        if self.world is None or self.plan is None:
            return None
        return judge(view_of(self.world, self.plan)).violations

    @cached_property
    def goals(self) -> dict[str, int]:
        """Goals with their values: judged where an estate is at hand, else as the document says."""
        if self.migration is not None:
            return {goal.goal: goal.value for goal in self.migration.objective}
        if self.world is not None and self.plan is not None:
            return dict(judge(view_of(self.world, self.plan)).objective)
        return {goal.goal: goal.value for goal in self.plan.objective} if self.plan is not None else {}

    @cached_property
    def settings(self) -> dict[tuple[str, str], str]:
        """(what, of which thing) to what was chosen: zones of balancers, subnets, seats in them, image copies."""
        if self.plan is None:
            return {}
        found: dict[tuple[str, str], str] = {}
        for balancer in self.plan.balancers:
            found["zones of balancer", balancer.balancer] = ", ".join(balancer.zones)
        for subnet in self.plan.subnets:
            found["subnet", subnet.subnet] = " ".join(part for part in (subnet.zone, subnet.cidr) if part)
        for new in self.plan.new_subnets:
            found["new subnet", new.id] = " ".join(part for part in (new.vpc, new.zone, new.cidr) if part)
        for copy in self.plan.image_copies:
            found[f"copy of image in {copy.region}", copy.image] = "yes"
        seated: Counter[tuple[str, str, str]] = Counter()
        for entry in self.plan.placements:
            if entry.subnet is not None:
                seated[entry.group, entry.site, entry.subnet] += entry.count
        for (group, site, name), count in seated.items():
            found[f"{group} at {site} in subnet", name] = f"{count:,}"
        return found

    @cached_property
    def figures(self) -> dict[str, int | str]:
        """Of a migration: its status, counts and times."""
        migration = self.migration
        if migration is None:
            return {}
        return {
            "status": migration.status.value,
            "order_status": migration.order_status.value,
            "moves": migration.moves,
            "bypasses": migration.bypasses,
            "recoveries": migration.recoveries,
            "takeovers": migration.takeovers,
            "lost": sum(loss.count for loss in migration.losses),
            "waves": len({step.wave for step in migration.steps}),
            "steps": len(migration.steps),
            "makespan_s": migration.makespan_s,
            **{f"order.{goal.goal}": goal.value for goal in migration.order},
        }


@dataclass(frozen=True)
class Shift:
    """Instances of a group that are elsewhere on the other side; None is nowhere."""

    group: str
    source: str | None
    target: str | None
    count: int
    instances: tuple[str, ...] = ()
    """The named ones among them."""


@dataclass
class Difference:
    """What differs from the first side to the second. Empty lists: nothing does."""

    shifts: list[Shift] = field(default_factory=list)
    counts: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(group, site, here, there), where they differ."""
    goals: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    """(goal, here, there), all of them; none where one side does not say."""
    rules: list[tuple[str, str | None, str | None, int, int]] | None = None
    """(label, group, domain, amount here, amount there), where they differ; None: no estate to judge by."""
    settings: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    """(what, of which thing, here, there), where they differ."""
    figures: list[tuple[str, int | str | None, int | str | None]] = field(default_factory=list)
    """(figure of a migration, here, there), all of them."""
    retimed: int = 0
    """Steps of both migrations that run at another time."""
    only_here: list[str] = field(default_factory=list)
    """Steps that only the first migration has."""
    only_there: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether anything is not the same: placements, choices, values, rules, steps. Bounds do not count."""
        return bool(
            self.shifts
            or self.rules
            or self.settings
            or self.retimed
            or self.only_here
            or self.only_there
            or any(here != there for _, here, there in (*self.goals, *self.figures))
        )

    @property
    def moved(self) -> int:
        """How many instances are at another site; those that are on one side only left aside."""
        return sum(s.count for s in self.shifts if s.source is not None and s.target is not None)


def current_plan(world: World) -> Plan:
    """Return where an estate's instances are today, as a plan."""
    placements = [
        Placement(
            group=unit.group,
            site=world.tree.nodes[site].id,
            count=count,
            subnet=unit.current_subnet,
            instances=[unit.name] if unit.name is not None else [],
        )
        for unit in world.units
        for site, count in unit.current.items()
        if count
    ]
    return Plan(plan=world.estate.estate, estate_fingerprint="", status=Status.FEASIBLE, placements=placements)


def difference(here: Side, there: Side) -> Difference:
    """Compare two sides. Where one of them is a migration without a target, placements are not compared."""
    found = Difference()
    if here.plan is not None and there.plan is not None:
        for group, name in sorted({*here.placed, *there.placed}, key=lambda key: (key[0], key[1] or "")):
            before = here.placed.get((group, name), Counter())
            after = there.placed.get((group, name), Counter())
            found.shifts += _shifts(group, name, before, after)
        found.counts = _counts(here, there)
    if here.goals and there.goals:
        found.goals = _side_by_side(here.goals, there.goals)
    if here.violations is not None and there.violations is not None:
        found.rules = _rules(here.violations, there.violations)
    # What today's estate has settled is in the estate itself, so a plan's choices are no difference to it.
    if "estate" not in (here.kind, there.kind):
        keys = sorted({*here.settings, *there.settings})
        pairs = [(*key, here.settings.get(key), there.settings.get(key)) for key in keys]
        found.settings = [pair for pair in pairs if pair[2] != pair[3]]
    if here.migration is not None and there.migration is not None:
        found.figures = _side_by_side(here.figures, there.figures)
        _compare_steps(found, here.migration, there.migration)
    return found


def _side_by_side(here: Mapping[str, V], there: Mapping[str, V]) -> list[tuple[str, V | None, V | None]]:
    return [(name, here.get(name), there.get(name)) for name in dict.fromkeys([*here, *there])]


def _shifts(group: str, name: str | None, before: Counter[str], after: Counter[str]) -> Iterable[Shift]:
    """Yield who goes where: what leaves is matched with what arrives, in the order of the sites' names."""
    leaving = sorted((before - after).items())
    arriving = sorted((after - before).items())
    names = (name,) if name is not None else ()
    while leaving or arriving:
        source, out = leaving.pop(0) if leaving else (None, 0)
        target, into = arriving.pop(0) if arriving else (None, 0)
        count = min(out, into) or out or into
        yield Shift(group, source, target, count, names)
        if source is not None and out > count:
            leaving.insert(0, (source, out - count))
        if target is not None and into > count:
            arriving.insert(0, (target, into - count))


def _counts(here: Side, there: Side) -> list[tuple[str, str, int, int]]:
    totals: list[Counter[tuple[str, str]]] = [Counter(), Counter()]
    for side, total in zip((here, there), totals, strict=True):
        for (group, _), sites in side.placed.items():
            for site, count in sites.items():
                total[group, site] += count
    keys = sorted({*totals[0], *totals[1]})
    return [(*key, totals[0][key], totals[1][key]) for key in keys if totals[0][key] != totals[1][key]]


def _rules(
    here: Iterable[Violation], there: Iterable[Violation]
) -> list[tuple[str, str | None, str | None, int, int]]:
    totals: list[Counter[tuple[str, str | None, str | None]]] = [Counter(), Counter()]
    for violations, total in zip((here, there), totals, strict=True):
        for violation in violations:
            total[violation.label, violation.group, violation.domain] += violation.amount
    keys = sorted({*totals[0], *totals[1]}, key=lambda key: tuple(part or "" for part in key))
    return [(*key, totals[0][key], totals[1][key]) for key in keys if totals[0][key] != totals[1][key]]


def _compare_steps(found: Difference, here: Migration, there: Migration) -> None:
    """Compare the steps of two migrations by what they do, whatever they are called."""
    times: list[dict[object, Counter[tuple[int, int]]]] = [{}, {}]
    called: list[dict[object, list[str]]] = [{}, {}]
    for side, migration in enumerate((here, there)):
        actions = {action.id: action for action in migration.actions}
        for step in migration.steps:
            action = actions.get(step.action)
            who: object = (
                (action.kind, action.recipe, action.group, tuple(action.instances), action.source, action.target)
                if action is not None
                else (step.action,)
            )
            key: object = (who, action.count if action is not None else 1, step.do, step.thing, step.at)
            times[side].setdefault(key, Counter())[step.start_s, step.end_s] += 1
            called[side].setdefault(key, []).append(step.id)
    for done in dict.fromkeys([*times[0], *times[1]]):
        first, second = times[0].get(done, Counter()), times[1].get(done, Counter())
        shared = min(first.total(), second.total())
        found.retimed += shared - (first & second).total()
        found.only_here += called[0].get(done, [])[shared:]
        found.only_there += called[1].get(done, [])[shared:]
