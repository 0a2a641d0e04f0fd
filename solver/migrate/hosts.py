"""The target of a migration on hosts: fewest losses and moves by the relocation core, judged by the models.

What the core proves holds for the estate, since every rule that it is not told is a relaxation. Whether its
answer respects the rules that it was not told is for the judge; where it does not, another engine has to look.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zonewright.models.aftermath import Aftermath
from zonewright.models.check import judge
from zonewright.models.placing import view_of
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.view import Violation
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites, image_copies, placements, unplaced
from zonewright.solver.migrate.hosts_lowering import HostProblem, lower_hosts
from zonewright.solver.relocation import Relocated, relocate, verify
from zonewright.solver.result import Listener, Progress

#: The kind of witness that `proven_on_hosts` evaluates.
WITNESS = "relocation"


@dataclass(frozen=True)
class HostTarget:
    """Where everybody is to be, as the relocation core decided it."""

    plan: Plan
    left_out: tuple[str, ...] = ()
    """Labels of rules that the core was not told; the plan keeps them all the same."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What took how long: lowering, solving, judging."""


def find_on_hosts(
    after: Aftermath,
    deadline: Deadline,
    *,
    workers: int = 1,
    seed: int = 0,
    progress: Listener | None = None,
) -> HostTarget | None:
    """Return the placement after an event with the fewest losses and moves.

    None where the estate asks for what hosts alone do not say, where the answer breaks a rule that the core was
    not told, or where no answer was found in time: another engine has to look.
    """

    def news(engine: str, value: int | None, bound: int | None, message: str = "") -> None:
        if progress is not None:
            progress(Progress(deadline.seconds, engine, "moves", value, bound, message))

    began = deadline.seconds
    try:
        problem = lower_hosts(after.world)
    except InputError:
        # Sums beyond what the core counts exactly.
        return None
    if problem is None:
        return None
    lowered = deadline.seconds
    answer = relocate(problem.relocation, deadline, workers, seed, news)
    if answer.status == "UNKNOWN" or ((problem.preemptible or problem.strict) and any(answer.values[:-1])):
        return None
    solved = deadline.seconds
    plan, broken = written(problem, answer, seed)
    if broken or (problem.strict and not _urgent_granted(plan)):
        what = f"{broken[0].label}: {broken[0].message}" if broken else "an urgent wish"
        news(answer.engine, None, None, f"does not keep what was left out, {what}")
        return None
    seconds = {"lowering": lowered - began, "solving": solved - lowered, "judging": deadline.seconds - solved}
    return HostTarget(plan, problem.left_out, seconds)


def written(problem: HostProblem, answer: Relocated, seed: int) -> tuple[Plan, list[Violation]]:
    """Return an answer as a plan with the judge's values and the core's bounds, and the hard rules it breaks."""
    world = problem.world
    sites = _unit_sites(problem, answer)
    plan = Plan(
        plan=world.estate.estate,
        estate_fingerprint=world.estate.fingerprint,
        status=Status.FEASIBLE,
        placements=placements(world, sites, None),
        unplaced=unplaced(world, sites),
        image_copies=image_copies(world, sites),
        engine=answer.engine,
        seed=seed,
    )
    report = judge(view_of(world, plan))
    bound_of = dict(zip(problem.goals, answer.bounds, strict=True))
    objective: list[GoalValue] = []
    bounds: list[BoundWitness] = []
    for goal, value in report.objective:
        bound = max(bound_of.get(goal, 0), 0) if goal in bound_of or value == 0 else None
        objective.append(GoalValue(goal=goal, value=value, bound=bound))
        if bound is not None:
            data = answer.witness if bound else {}
            bounds.append(BoundWitness(goal=goal, kind=WITNESS if bound else "trivial", bound=bound, data=data))
    status = Status.OPTIMAL if all(goal.closed for goal in objective) else Status.FEASIBLE
    update = {"objective": objective, "bounds": bounds, "status": status}
    return plan.model_copy(update=update), [v for v in report.violations if v.hard]


def _urgent_granted(plan: Plan) -> bool:
    """Return whether every goal before moves has the value 0."""
    for goal in plan.objective:
        if goal.goal == "moves":
            return True
        if goal.value:
            return False
    return True


def _unit_sites(problem: HostProblem, answer: Relocated) -> Sites:
    """Share out each class's instances: who is there already stays, who runs goes before who does not."""
    world = problem.world
    nodes = world.tree.sites
    counts_c: list[dict[int, int]] = [{} for _ in problem.units_c]
    for c, h, count in zip(answer.class_n.tolist(), answer.host_n.tolist(), answer.count_n.tolist(), strict=True):
        counts_c[c][nodes[h]] = counts_c[c].get(nodes[h], 0) + count
    found: Sites = {}
    for members, left in zip(problem.units_c, counts_c, strict=True):
        missing: dict[int, int] = {}
        running: dict[int, int] = {}
        for u in members:
            unit = world.units[u]
            here = found[u] = {}
            for site, count in unit.current.items():
                stays = min(count, left.get(site, 0))
                if stays:
                    here[site] = stays
                    left[site] -= stays
            missing[u] = unit.count - sum(here.values())
            running[u] = sum(unit.current.values()) - sum(here.values())
        free = [[site, count] for site, count in left.items() if count]
        for wanted in (running, missing):
            for u in members:
                while wanted[u] and free:
                    site, count = free[-1]
                    takes = min(count, wanted[u])
                    found[u][site] = found[u].get(site, 0) + takes
                    wanted[u] -= takes
                    if wanted is running:
                        missing[u] -= takes
                    free[-1][1] -= takes
                    if not free[-1][1]:
                        free.pop()
    return found


def proven_on_hosts(world: World, plan: Plan, witness: BoundWitness) -> tuple[int | None, str]:
    """Evaluate a witness of the relocation core again: the bound that it proves, and how that was seen."""
    problem = lower_hosts(world)
    if problem is None:
        return None, "the estate is none that the relocation core can say"
    if witness.goal not in problem.goals:
        return None, "the relocation core knows no such goal"
    if problem.strict and (witness.goal != "moves" or not _urgent_granted(plan)):
        return None, "proven only for plans that place everybody and grant every urgent wish"
    number = problem.goals.index(witness.goal)
    if not _as_good(problem, plan, witness, number):
        return None, "proven for plans that are better in the goals before"
    bound = verify(problem.relocation, witness.data)[number]
    return bound, f"reckoned anew from the estate and exactly, at least {bound}"


def _as_good(problem: HostProblem, plan: Plan, witness: BoundWitness, number: int) -> bool:
    """Return whether the plans that a bound is about are at most as good before it as this one."""
    values = {goal.goal: goal.value for goal in plan.objective}
    given = witness.data.get("values")
    if not isinstance(given, list) or len(given) < number:
        return False
    return all(values.get(goal, 0) <= value for goal, value in zip(problem.goals, given[:number], strict=False))


__all__ = ["WITNESS", "HostTarget", "find_on_hosts", "lower_hosts", "proven_on_hosts", "written"]
