"""The migration as a document: what was decided, in the order of time, with everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from zonewright.models.aftermath import EMPTY, Aftermath
from zonewright.models.check import judge
from zonewright.models.migration import Action, Degraded, GivenUp, Loss, Migration, Step
from zonewright.models.placing import view_of
from zonewright.models.plan import GoalValue, Plan, Status
from zonewright.models.rules import all_rules
from zonewright.models.rules.during import Avoid
from zonewright.models.view import View
from zonewright.models.world import World
from zonewright.solver.migrate.curve import moved
from zonewright.solver.migrate.ordering import Draft
from zonewright.solver.migrate.recipes import downtime_of
from zonewright.solver.migrate.target import Target

if TYPE_CHECKING:
    from zonewright.solver.order.problem import Arrangement

#: Status of the order by the ordering core's word.
_STATUS = {
    "OPTIMAL": Status.OPTIMAL,
    "FEASIBLE": Status.FEASIBLE,
    "INFEASIBLE": Status.INFEASIBLE,
    "UNKNOWN": Status.UNKNOWN,
}


def write(
    world: World,
    target: Target,
    drafts: list[Draft],
    arrangement: Arrangement | None,
    cuts: list[Avoid],
    given_up: list[GivenUp],
    seed: int,
) -> Migration:
    """Return the document of a migration whose steps have their times."""
    after, plan = target.after, target.plan
    assert plan is not None
    actions, steps = _in_order(drafts)
    kinds = {kind: sum(a.count for a in actions if a.kind == kind) for kind in ("bypass", "recovery", "takeover")}
    view = view_of(after.world, plan)
    said = [*after.assumptions, *target.assumptions, *plan.assumptions]
    said += [text for draft in drafts for text in draft.assumptions]
    return Migration(
        migration=world.estate.estate,
        estate_fingerprint=world.estate.fingerprint,
        event=after.event,
        starts_at=world.estate.migration.starts_at or world.estate.taken_at,
        lenient=after.lenient,
        status=plan.status,
        order_status=_order_status(arrangement, drafts),
        objective=list(plan.objective),
        moves=moved(view),
        bypasses=kinds["bypass"],
        recoveries=_recoveries(after, view),
        takeovers=sum(t.count for t in after.takeovers),
        order=_order_values(arrangement),
        losses=[*after.losses, *_together(losses(after, view, _stopped(drafts)))],
        degraded=[*after.degraded, *_degraded(after, view)],
        actions=actions,
        steps=steps,
        target=plan,
        bounds=list(plan.bounds),
        given_up=list(given_up),
        ruled_out=list(cuts),
        warnings=list(dict.fromkeys([*after.warnings, *target.warnings, *_waiting(world, after, drafts)])),
        assumptions=list(dict.fromkeys(said)),
        engine=target.engine,
        seed=seed,
    )


def _waiting(world: World, after: Aftermath, drafts: list[Draft]) -> Iterable[str]:
    """Yield that windows keep what is suspect from being left at once, where they do."""
    migrating = world.estate.migration
    origin = migrating.starts_at or world.estate.taken_at
    suspect = {s for name in after.event.suspect for s in world.tree.sites_under[world.tree.by_id[name]]}
    opens = [window.start for window in migrating.windows if origin is not None and window.end > origin]
    if not suspect or origin is None or min(opens, default=origin) <= origin:
        return
    held = {
        draft.action.group or ""
        for draft in drafts
        if draft.movement is not None
        and draft.movement.source in suspect
        and any(s.interrupts for s in draft.steps)
    }
    if held:
        names, groups = ", ".join(after.event.suspect), ", ".join(sorted(held))
        yield f"{names}: not left at once, as windows hold back {groups}; if that cannot wait, plan without them"


def _order_status(arrangement: Arrangement | None, drafts: list[Draft]) -> Status:
    if arrangement is None:
        return Status.UNKNOWN if drafts else Status.OPTIMAL
    return _STATUS[arrangement.status]


def _order_values(arrangement: Arrangement | None) -> list[GoalValue]:
    if arrangement is None or not arrangement.mode_j:
        return []
    return [
        GoalValue(goal=stage, value=value, bound=bound)
        for stage, value, bound in zip(arrangement.stages, arrangement.values, arrangement.bounds, strict=True)
    ]


def _in_order(drafts: list[Draft]) -> tuple[list[Action], list[Step]]:
    """Return actions and steps by time, in waves: a wave ends when a step has to wait for one of its actions."""
    timed = [draft for draft in drafts if draft.steps]
    timed.sort(key=lambda d: (min(s.start_s for s in d.steps), d.action.id))
    actions: list[Action] = []
    steps: list[Step] = []
    wave, ends = 1, None
    for draft in timed:
        start = min(step.start_s for step in draft.steps)
        end = max(step.end_s for step in draft.steps)
        if ends is not None and start >= ends and start > 0:
            wave, ends = wave + 1, None
        ends = end if ends is None else min(ends, end)
        down = 0 if draft.action.kind == "resource" else downtime_of(draft.action, draft.steps)
        changed = down != draft.action.downtime_s
        actions.append(draft.action.model_copy(update={"downtime_s": down}) if changed else draft.action)
        steps += [step.model_copy(update={"wave": wave}) if wave > 1 else step for step in draft.steps]
    steps.sort(key=lambda step: (step.start_s, step.end_s))
    return actions, steps


def _recoveries(after: Aftermath, view: View) -> int:
    total = 0
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        gone = sum(after.displaced.get((unit.group, unit.name), {}).values())
        total += min(gone, max(0, sum(sites.values()) - sum(unit.current.values())))
    return total


def _stopped(drafts: list[Draft]) -> dict[int, int]:
    """Return, per unit, how many are stopped so that others have their room."""
    found: dict[int, int] = {}
    for draft in drafts:
        movement = draft.movement
        if movement is not None and movement.kind == "stop":
            found[movement.unit.index] = found.get(movement.unit.index, 0) + movement.count
    return found


def losses(after: Aftermath, view: View, stopped_for_others: Mapping[int, int]) -> Iterable[Loss]:
    """Yield what ran or was displaced and has no place in the plan; by unit how many are stopped for others."""
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        gone = sum(after.displaced.get((unit.group, unit.name), {}).values())
        running = sum(unit.current.values())
        placed = sum(sites.values())
        missing = gone + running - placed
        if missing <= 0:
            continue
        stopped = max(0, running - placed)
        leaving = sum(n for s, n in unit.current.items() if s in after.left)
        gives_way = min(stopped, stopped_for_others.get(unit.index, 0 if leaving else stopped))
        fields: dict[str, Any] = {"group": unit.group, "priority": unit.priority}
        fields["instances"] = [unit.name] if unit.name else []
        if stopped > gives_way:
            pinned = unit.pinned
            text = (
                "is pinned where it has to leave" if pinned else "has to leave, and fits nowhere under the rules"
            )
            reason: Literal["pinned", "left_behind"] = "pinned" if pinned else "left_behind"
            yield Loss(**fields, count=stopped - gives_way, reason=reason, message=text)
        if gives_way:
            text = "gives its place to others" if unit.preemptible else "has no place that its rules allow"
            yield Loss(**fields, count=gives_way, reason="stopped_for_others", message=text)
        if missing > stopped:
            text = "fits nowhere under the rules that hold"
            yield Loss(**fields, count=missing - stopped, reason="no_room", message=text)


def _together(found: Iterable[Loss]) -> list[Loss]:
    """Return losses with those of one group and reason as one."""
    known: dict[tuple[str, str, int], Loss] = {}
    for loss in found:
        key = (loss.group, loss.reason, loss.priority)
        one = known.get(key)
        if one is None:
            known[key] = loss
        else:
            update = {"count": one.count + loss.count, "instances": [*one.instances, *loss.instances]}
            known[key] = one.model_copy(update=update)
    return list(known.values())


def _degraded(after: Aftermath, view: View) -> list[Degraded]:
    """Return the hard rules of the estate that are wishes after the event and that the plan does not keep."""
    if all(rule.soft is None for _, rule in all_rules(after.world)):
        return []
    hard = {label for label, rule in all_rules(after.before) if rule.soft is None}
    found: list[Degraded] = []
    for violation in judge(view).violations:
        base = violation.label.removesuffix(".least_domains")
        if violation.label == EMPTY and violation.amount:
            text = f"{violation.amount} stay in {violation.domain}: more moves are not allowed"
            found.append(Degraded(rule=EMPTY, group=violation.group, message=text))
        elif not violation.hard and violation.weight and base in hard:
            found.append(Degraded(rule=base, group=violation.group, message=violation.message[:400]))
    return found


__all__ = ["Plan", "losses", "write"]
