"""The way back from each loss: ordered by the migration planner, step by step, with its times.

Where everybody displaced fits beside those who stay, the way back is the evacuation itself: nobody else moves.
Where not, the planner is asked as well how many come back if survivors move, as far as the estate is small enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from zonewright.models.aftermath import Aftermath, aftermath
from zonewright.models.events import Event
from zonewright.models.migration import Action
from zonewright.models.plan import Placement, Plan, Scenario, Status
from zonewright.models.settling import settled
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.survival.result import GroupOutcome, ScenarioOutcome

#: Cells (units x sites) up to which the planner is asked for moves of survivors, and seconds for each loss.
MOST_CELLS, MOVING_S = 5_000, 5.0
#: Seconds for one order at most, and for its proof.
ORDER_S, PROOF_S = 10.0, 0.5

News = Callable[[str], None]


@dataclass(frozen=True)
class _Way:
    """One way back."""

    recoveries: int
    back_s: dict[str, int]
    """Group to when its last recovery is done."""
    data_loss_s: dict[str, int]
    proven: bool
    note: str = ""

    @property
    def end_s(self) -> int:
        """When the last recovery is done."""
        return max(self.back_s.values(), default=0)


def ways_back(
    world: World,
    plan: Plan | None,
    outcomes: list[ScenarioOutcome],
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
    news: News,
) -> tuple[list[ScenarioOutcome], list[str]]:
    """Return outcomes with their ways back, the first ones first, as far as the time goes; and warnings."""
    now = World(settled(world, plan)) if plan is not None else world
    found: list[ScenarioOutcome] = []
    done = 0
    slowest = 0.0
    for outcome in outcomes:
        if not outcome.displaced:
            found.append(replace(outcome, moves=0, recoveries=0, recovery_proven=True, lost_for_good=0))
            continue
        if outcome.witness is None or deadline.left < 1.5 * slowest or deadline.over:
            found.append(outcome)
            continue
        began = deadline.seconds
        found.append(_with_way(now, outcome, deadline, workers, seed))
        slowest = max(slowest, deadline.seconds - began)
        done += 1
        news(f"ways back: {done:,} of {len(outcomes):,}")
    wanted = sum(1 for outcome in outcomes if outcome.witness is not None)
    warnings = [f"ways back were planned for {done:,} of {wanted:,} losses"] if done < wanted else []
    return found, warnings


def _with_way(
    now: World, outcome: ScenarioOutcome, deadline: Deadline, workers: int, seed: int
) -> ScenarioOutcome:
    way = _way(now, outcome, deadline, workers, seed)
    lost = outcome.unrecoverable + sum(outcome.unplaced.values())
    moves: int | None = 0 if not outcome.unplaced else None
    small = len(now.units) * len(now.tree.sites) <= MOST_CELLS
    if outcome.unplaced and small and not deadline.over:
        moves, lost = _with_moves(now, outcome, deadline, workers, seed) or (None, lost)
    groups = [_timed(now, group, way) for group in outcome.groups]
    return replace(
        outcome,
        moves=moves,
        recoveries=way.recoveries,
        recovery_s=way.end_s if way.back_s else None,
        recovery_proven=way.proven,
        lost_for_good=lost,
        groups=groups,
        recovery_note=way.note,
    )


def _timed(now: World, group: GroupOutcome, way: _Way) -> GroupOutcome:
    targets = now.groups[group.group].targets
    return replace(
        group,
        recovery_s=way.back_s.get(group.group),
        recovery_target_s=_seconds(targets.recovery_minutes),
        data_loss_s=way.data_loss_s.get(group.group),
        data_loss_target_s=_seconds(targets.data_loss_minutes),
    )


def _seconds(minutes: float | None) -> int | None:
    return None if minutes is None else round(minutes * 60)


def _way(now: World, outcome: ScenarioOutcome, deadline: Deadline, workers: int, seed: int) -> _Way:
    """Order the recoveries of an evacuation."""
    from zonewright.solver.migrate.moves import movements
    from zonewright.solver.migrate.ordering import lower_order
    from zonewright.solver.migrate.target import without_lost
    from zonewright.solver.migrate.works import make_works
    from zonewright.solver.order import arrange

    assert outcome.witness is not None
    after = aftermath(now, Event(fail=list(outcome.lost)), lenient=True)
    plan = without_lost(after, _evacuated(now, outcome.witness, after))
    works, missing = make_works(after, plan, movements(after, plan))
    ordering = lower_order(after, plan, works)
    part = Deadline(min(ORDER_S, deadline.left), None, deadline.stop)
    found = arrange(ordering.problem, part, workers=workers, seed=seed, proof_s=PROOF_S)
    note = f"{len(missing):,} movements have no recipe: {missing[0][1]}"[:400] if missing else ""
    if found.status == "INFEASIBLE" or (works and not found.mode_j):
        return _Way(0, {}, {}, False, "no order was found for its recoveries")
    drafts = ordering.timed(found)
    actions = [draft.action for draft in drafts]
    ends = [max((step.end_s for step in draft.steps if step.serves), default=0) for draft in drafts]
    return _measured(actions, ends, found.status == "OPTIMAL", note)


def _measured(actions: list[Action], ends: list[int], proven: bool, note: str) -> _Way:
    """Return when each group is back, and how old the copies are that it restores from."""
    back_s: dict[str, int] = {}
    data_loss_s: dict[str, int] = {}
    recoveries = 0
    for action, end in zip(actions, ends, strict=True):
        if action.group is None or action.kind not in ("recovery", "takeover", "start"):
            continue
        recoveries += action.count if action.kind == "recovery" else 0
        back_s[action.group] = max(back_s.get(action.group, 0), end)
        minutes = action.data_loss_minutes
        if minutes is not None:
            data_loss_s[action.group] = max(data_loss_s.get(action.group, 0), round(60 * minutes))
    return _Way(recoveries, back_s, data_loss_s, proven, note)


def _evacuated(now: World, witness: Scenario, after: Aftermath) -> Plan:
    """Return where everybody is after an evacuation: survivors where they run, the others by the witness."""
    nodes = now.tree.nodes
    entries: list[Placement] = []
    for unit in now.units:
        for site, count in unit.current.items():
            if site not in after.dead:
                names = [unit.name] if unit.name is not None else []
                entries.append(
                    Placement(
                        group=unit.group,
                        site=nodes[site].id,
                        count=count,
                        subnet=unit.current_subnet,
                        instances=names,
                    )
                )
    return Plan(
        plan=now.estate.estate,
        estate_fingerprint=after.estate.fingerprint,
        status=Status.FEASIBLE,
        placements=[*entries, *witness.placements],
    )


def _with_moves(
    now: World, outcome: ScenarioOutcome, deadline: Deadline, workers: int, seed: int
) -> tuple[int, int] | None:
    """Return how many survivors move if they may, and how many are lost all the same; None without an answer."""
    from zonewright.solver.migrate.plan import plan_migration

    found = plan_migration(
        now,
        event=Event(fail=list(outcome.lost)),
        order=False,
        time_limit_s=min(MOVING_S, deadline.left),
        workers=workers,
        seed=seed,
        stop=deadline.stop,
    )
    if found.migration is None or found.migration.target is None:
        return None
    return found.migration.moves, sum(loss.count for loss in found.migration.losses)
