"""What the planner says of a case beside what trying everything says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.migrating.cases import Case
from tests.migrating.facts import Facts, Where
from tests.migrating.orders import STOP, best_order
from tests.migrating.replay import replay
from tests.migrating.targets import Aim, aim_of, aims
from zonewright.models.events import Event
from zonewright.models.executor import execute
from zonewright.models.files import estate_from_data
from zonewright.models.migration import Migration
from zonewright.models.plan import Status
from zonewright.models.world import World
from zonewright.solver import plan_migration

#: Movers up to which the shortest time is found by trying everything.
MOST_TIMED = 4


@dataclass
class Outcome:
    """What came of a case."""

    case: Case
    wrong: list[str] = field(default_factory=list)
    """In what the two differ."""
    verdict: str = ""
    """`planned`, `no_order` or `no_placement`, as trying everything says."""
    survivors_move: bool = False
    bypass: bool = False
    stopped: bool = False
    """Nothing but a stop led there."""
    lost: bool = False
    timed: bool = False
    ruled_out: bool = False
    """A placement with fewer moves has no order."""
    seconds: float = 0.0


def duel(case: Case) -> Outcome:
    """Plan a case both ways and compare."""
    begun = time.perf_counter()
    outcome = Outcome(case)
    facts = Facts(case.estate, case.event)
    best, ruled_out = _best(facts, outcome)
    outcome.ruled_out = ruled_out
    outcome.wrong += list(_against_planner(case, facts, best, outcome))
    outcome.seconds = time.perf_counter() - begun
    return outcome


def _best(facts: Facts, outcome: Outcome) -> tuple[Aim | None, bool]:
    """Return the best placement that an order leads to, and whether better ones have none."""
    found = aims(facts)
    outcome.verdict = "no_order" if found else "no_placement"
    first = found[0].key if found else None
    for aim in found:
        if best_order(facts, aim, timed=False) is not None:
            outcome.verdict = "planned"
            outcome.survivors_move = any(
                n > aim.at[squad.group].get(site, 0)
                for squad in facts.squads
                for site, n in squad.running
                if site not in facts.left
            )
            outcome.lost = bool(any(aim.out) or facts.lost)
            return aim, aim.key != first
    return None, False


def _against_planner(case: Case, facts: Facts, best: Aim | None, outcome: Outcome) -> Iterator[str]:
    estate, event = estate_from_data(case.estate), Event.model_validate(case.event)
    try:
        result = plan_migration(
            estate, event=event, workers=1, time_limit_s=60, order_goals=("penalty", "makespan")
        )
    except ArithmeticError as error:
        yield f"the planner fails: {error}"
        return
    verdict = result.reason or ("planned" if result.migration is not None else "nothing")
    if verdict != outcome.verdict:
        yield f"the planner says {verdict} ({result.status.value}), it is {outcome.verdict} {best}"
        return
    if best is None or result.migration is None:
        return
    migration = result.migration
    yield from _target(facts, best, migration)
    for breach in execute(World(estate), migration).violations:
        yield f"the executor finds {breach}"
    for text in replay(facts, migration):
        yield f"the replay finds: {text}"
    if result.status is not Status.OPTIMAL or migration.order_status is not Status.OPTIMAL:
        yield f"not proven: {result.status.value}, order {migration.order_status.value}"
    yield from _order(facts, migration, outcome)


def _target(facts: Facts, best: Aim, migration: Migration) -> Iterator[str]:
    goals = {goal.goal: goal.value for goal in migration.objective}
    priorities = sorted({squad.priority for squad in facts.squads}, reverse=True)
    out = [goals.get(name, 0) for name in ("stopped", *(f"placed[{priority}]" for priority in priorities))]
    said = (tuple(out), goals.get("soft[1000]", 0), goals["moves"])
    if said != best.key:
        yield f"the planner's losses, wishes and moves are {said}, the best are {best.key}"
    if sum(loss.count for loss in migration.losses) != sum(best.out[1:]) + sum(facts.lost.values()):
        yield f"{migration.losses} are not {best.out} and {facts.lost}"


def _order(facts: Facts, migration: Migration, outcome: Outcome) -> Iterator[str]:
    """Compare the order with the best one that leads to the planner's own target."""
    aim = aim_of(facts, placed(facts, migration), 0)
    if aim.moves != migration.moves:
        yield f"{migration.moves} moves are told, it is {aim.moves}"
    alone = all(action.count == 1 for action in migration.actions)
    outcome.timed = alone and len(migration.actions) <= MOST_TIMED + migration.bypasses
    found = best_order(facts, aim, timed=outcome.timed)
    if found is None:
        yield "no order leads to the planner's target"
        return
    outcome.bypass = found.penalty % STOP > 0
    outcome.stopped = found.penalty >= STOP
    goals = {goal.goal: goal.value for goal in migration.order}
    if goals.get("penalty", 0) != found.penalty:
        yield f"the planner's order costs {goals.get('penalty', 0)}, the best {found.penalty}"
    elif migration.bypasses != found.penalty % STOP:
        yield f"{migration.bypasses} moves over third hosts are told, it is {found.penalty % STOP}"
    elif outcome.timed and migration.makespan_s != found.makespan:
        yield f"the planner's order takes {migration.makespan_s} s, the fastest {found.makespan}"


def placed(facts: Facts, migration: Migration) -> dict[str, Where]:
    """Return where a migration's target puts everybody."""
    assert migration.target is not None
    found: dict[str, Where] = {squad.group: {} for squad in facts.squads}
    for entry in migration.target.placements:
        where = found[entry.group]
        where[entry.site] = where.get(entry.site, 0) + entry.count
    return found
