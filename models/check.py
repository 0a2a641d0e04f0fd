"""Judge a plan: every rule, every goal, from the estate and the plan alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from zonewright.models.goals import objective
from zonewright.models.placing import view_of
from zonewright.models.plan import Plan, Status
from zonewright.models.rules import all_rules
from zonewright.models.view import View, Violation
from zonewright.models.world import World


@dataclass(frozen=True)
class Report:
    """What a check found."""

    violations: list[Violation]
    """Everything broken, hard rules first."""
    objective: list[tuple[str, int]]
    """(goal, value), recomputed from scratch."""
    claims: list[str] = field(default_factory=list)
    """Where the plan says something else than what was found (values, fingerprint)."""

    @property
    def valid(self) -> bool:
        """Whether every hard rule holds and the plan's own figures are true."""
        return not any(v.hard for v in self.violations) and not self.claims


def check_plan(world: World, plan: Plan) -> Report:
    """Judge a plan against an estate.

    Raises InputError when the plan names things that the estate does not have.
    """
    view = view_of(world, plan)
    report = judge(view)
    claims: list[str] = []
    if plan.estate_fingerprint and plan.estate_fingerprint != world.estate.fingerprint:
        claims.append("the plan was made for another state of the estate (fingerprints differ)")
    found = dict(report.objective)
    for goal in plan.objective:
        if goal.goal in found and found[goal.goal] != goal.value:
            claims.append(f"{goal.goal}: the plan says {goal.value}, it is {found[goal.goal]}")
        if goal.goal not in found:
            claims.append(f"{goal.goal}: the estate has no such goal")
        if goal.bound is not None and goal.bound > goal.value:
            claims.append(f"{goal.goal}: the bound {goal.bound} is above the value {goal.value}")
    if plan.objective and plan.status is Status.OPTIMAL and plan.gap != 0.0:
        claims.append("the status is OPTIMAL, yet not every goal's bound meets its value")
    claims += _unplaced_claims(view, plan)
    return Report(report.violations, report.objective, claims)


def _unplaced_claims(view: View, plan: Plan) -> list[str]:
    """Return where the plan's list of what is unplaced is wrong; a plan without one claims nothing."""
    claims: list[str] = []
    said: dict[str, int] = {}
    for entry in plan.unplaced:
        said[entry.group] = said.get(entry.group, 0) + entry.count
    for group, count in said.items():
        known = view.world.groups.get(group)
        missing = known.count - view.total(group) if known else 0
        if missing != count:
            claims.append(f"{group}: the plan says {count} are unplaced, it is {missing}")
    return claims


def judge(view: View) -> Report:
    """Judge a placement: every rule's violations and every goal's value."""
    violations: list[Violation] = []
    for label, rule in all_rules(view.world):
        violations.extend(rule.violations(view, label))
    violations = tolerated(view.world, violations)
    violations.sort(key=lambda v: not v.hard)
    return Report(violations, objective(view, violations))


def tolerated(world: World, violations: list[Violation]) -> list[Violation]:
    """Return the violations with those that the estate tolerates made soft, at no cost.

    An entry with a domain stands for what is broken there, one without for the sum over its group.
    """
    if not world.estate.tolerated:
        return violations
    room: dict[tuple[str, str | None, str | None, str | None], int] = {}
    for entry in world.estate.tolerated:
        key = (entry.rule, entry.group, entry.domain, entry.what)
        room[key] = room.get(key, 0) + entry.amount
    found: list[Violation] = []
    for violation in violations:
        if violation.hard:
            key = (violation.label, violation.group, violation.domain, violation.what)
            if key not in room:
                key = (violation.label, violation.group, None, violation.what)
            if violation.amount <= room.get(key, 0):
                room[key] -= violation.amount
                message = f"{violation.message} (as before)"
                violation = replace(violation, hard=False, weight=0, message=message)
        found.append(violation)
    return found
