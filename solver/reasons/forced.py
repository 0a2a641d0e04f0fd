"""The best there is with somebody in a certain domain: everything else is free to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from zonewright.models.plan import GoalValue, Plan, Status
from zonewright.models.rules import Avoid, Pin, Rule
from zonewright.models.rules.during import Held
from zonewright.models.world import World
from zonewright.solver.clashes.find import first_clash
from zonewright.solver.deadline import Deadline
from zonewright.solver.place import place
from zonewright.solver.reasons.subject import Subject
from zonewright.solver.result import Clash, Result


@dataclass(frozen=True)
class Difference:
    """What a goal is worth in another plan."""

    goal: str
    before: int
    """In the plan that is explained."""
    after: int
    low: int | None
    """The difference is at least this, whatever plan is the best: None where nothing is proven."""
    high: int | None
    """And at most this."""

    @property
    def change(self) -> int:
        """How much worse the other plan is; below 0 where it is better."""
        return self.after - self.before

    @property
    def proven(self) -> bool:
        """Whether the best of one differs by exactly this from the best of the other."""
        return self.low == self.high == self.change


@dataclass(frozen=True)
class Forced:
    """What a solve with something demanded, or something given, came to."""

    status: Literal["possible", "impossible", "unknown"]
    plan: Plan | None = None
    differences: list[Difference] = field(default_factory=list)
    """Goals that differ, most important first; only the first of them says which plan is better."""
    proven: bool = False
    """Where there is no difference: that both are the best there is."""
    clash: list[Clash] = field(default_factory=list)
    """Where it is impossible: what stands against it."""
    clash_minimal: bool = False

    @property
    def first(self) -> Difference | None:
        """The first goal that differs: it says which plan is better."""
        return self.differences[0] if self.differences else None


def demand(world: World, subject: Subject, domain: str, least: int = 1) -> tuple[World, str]:
    """Return the world with so many of the subject held in a domain, and the label of the rule that does it."""
    labels = {rule.id for rule in world.estate.rules}
    label = "asked"
    while label in labels:
        label += "-"
    rule: Rule
    if subject.instance is not None:
        rule = Pin(rule="pin", id=label, groups=[subject.group], instances=[subject.instance], domain=domain)
    else:
        count = world.groups[subject.group].count - least + 1
        others = Held(group=subject.group, domain=domain, count=count, outside=True)
        rule = Avoid(rule="avoid", id=label, together=[others])
    estate = world.estate.model_copy(update={"rules": [*world.estate.rules, rule]})
    return World(estate), label


def best_with(
    world: World,
    subject: Subject,
    domain: str,
    plan: Plan,
    deadline: Deadline,
    *,
    seconds: float,
    workers: int,
    seed: int,
    hint: Plan | None = None,
    least: int = 1,
    told: bool = False,
) -> Forced:
    """Return the best plan with at least so many of the subject in a domain, against `plan`.

    With `told` also what stands against it, where it is impossible.
    """
    other, label = demand(world, subject, domain, least)
    result = solve(other, plan, deadline, seconds=seconds, workers=workers, seed=seed, hint=hint)
    found = against(plan, result)
    if found.status == "impossible" and told:
        return _clashing(found, other, label, subject, domain, least, deadline, workers=workers, seed=seed)
    if found.plan is not None and _there(subject, domain, world, found.plan) < least:
        # A plan that leaves somebody out leaves out whoever was asked for.
        return Forced("unknown")
    return found


def _clashing(
    found: Forced,
    other: World,
    label: str,
    subject: Subject,
    domain: str,
    least: int,
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
) -> Forced:
    """Return what stands against it, the demand itself in the words of the question."""
    part = Deadline(max(1.0, deadline.left / 2), stop=deadline.stop)
    clash, minimal = first_clash(other, part, workers=workers, seed=seed)
    own = f"{subject.words} is to be in {domain}" if least == 1 else f"{least} of {subject.group} in {domain}"
    clash = [Clash(c.rule, "asked", subject.group, domain, own) if c.label == label else c for c in clash]
    return replace(found, clash=clash, clash_minimal=minimal)


def solve(
    world: World,
    plan: Plan,
    deadline: Deadline,
    *,
    seconds: float,
    workers: int,
    seed: int,
    hint: Plan | None = None,
) -> Result:
    """Return what `place` makes of another world, within the deadline."""
    return place(
        world,
        time_limit_s=max(0.05, min(seconds, deadline.left)),
        workers=workers,
        seed=seed,
        partial=bool(plan.unplaced),
        hint=hint,
        reasons=False,
        stop=deadline.stop,
    )


def against(plan: Plan, result: Result) -> Forced:
    """Return a result as it compares with a plan."""
    if result.status is Status.INFEASIBLE:
        return Forced("impossible")
    if result.plan is None:
        return Forced("unknown")
    found = differences(plan.objective, result.objective)
    proven = all(goal.closed for goal in [*plan.objective, *result.objective])
    return Forced("possible", result.plan, found, proven)


def differences(before: Sequence[GoalValue], after: Sequence[GoalValue]) -> list[Difference]:
    """Return the goals in which two plans differ, with what is proven of the difference."""
    found: list[Difference] = []
    closed = True
    for one, other in zip(before, after, strict=True):
        if one.value != other.value:
            low = other.bound - one.value if closed and other.bound is not None else None
            high = other.value - one.bound if closed and one.bound is not None else None
            found.append(Difference(one.goal, one.value, other.value, low, high))
            closed = False
        closed = closed and one.closed and other.closed
    return found


def _there(subject: Subject, domain: str, world: World, plan: Plan) -> int:
    inside = {world.tree.nodes[s].id for s in world.tree.sites_under[world.tree.by_id[domain]]}
    here = [p for p in plan.placements if p.group == subject.group and p.site in inside]
    return sum(p.count if subject.instance is None else int(subject.instance in p.instances) for p in here)


__all__ = ["Difference", "Forced", "against", "best_with", "demand", "differences", "solve"]
