"""The target of a migration on hosts: fewest losses and moves by the relocation core, judged by the models.

What the core proves holds for the estate, since every rule that it is not told is a relaxation. Whether its
answer respects the rules that it was not told is for the judge; where it does not, another engine has to look.
"""

from __future__ import annotations

from dataclasses import dataclass

from zonewright.models.aftermath import Aftermath
from zonewright.models.check import judge
from zonewright.models.placing import view_of
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.rules import Spread, all_rules
from zonewright.models.view import Violation
from zonewright.models.world import World
from zonewright.solver.deadline import WORK_UNIT, Deadline
from zonewright.solver.decode import Sites, image_copies, placements, unplaced
from zonewright.solver.migrate.hosts_lowering import HostProblem, lower_hosts
from zonewright.solver.relocation import Relocated, relocate, verify
from zonewright.solver.result import Listener, Progress

#: The kind of witness that `proven_on_hosts` evaluates.
WITNESS = "relocation"


#: Units times hosts up to which a placement is improved in the goals after moves.
MOST_CELLS = 20_000
#: How often shares are made smaller because fewer are placed than were thought.
MOST_ROUNDS = 4


@dataclass(frozen=True)
class HostTarget:
    """Where everybody is to be, as the relocation core decided it."""

    plan: Plan
    left_out: tuple[str, ...] = ()
    """Labels of rules that the core was not told; the plan keeps them all the same."""


@dataclass(frozen=True)
class _Claim:
    """What somebody proved: bounds by goal, each for plans that are at least as good before it as these values."""

    values: dict[str, int]
    bounds: dict[str, BoundWitness]

    def of(self, goal: str, before: dict[str, int]) -> BoundWitness | None:
        """Return what is proven of a goal for plans with these values before it."""
        if goal not in self.bounds or any(value > self.values.get(g, 0) for g, value in before.items()):
            return None
        return self.bounds[goal]


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
    return _Finding(after.world, deadline, workers, seed, progress).target()


@dataclass
class _Finding:
    world: World
    deadline: Deadline
    workers: int
    seed: int
    progress: Listener | None

    def news(self, engine: str, value: int | None, bound: int | None, message: str = "") -> None:
        """Tell how many moves there are, and how many there have to be."""
        if self.progress is not None:
            self.progress(Progress(self.deadline.seconds, engine, "moves", value, bound, message))

    def target(self) -> HostTarget | None:
        claims: list[_Claim] = []
        placed: dict[str, int] = {}
        for _ in range(MOST_ROUNDS):
            problem = self._lowered(placed)
            if problem is None:
                return None
            answer = relocate(problem.relocation, self.deadline, self.workers, self.seed, self.news)
            if answer.status == "UNKNOWN":
                return None
            if (problem.preemptible or problem.strict) and any(answer.values[:-1]):
                return None
            # What the first one proves holds without the shares that later ones are held to.
            claims = claims or [_claim_of(problem, answer)]
            plan, broken = _plan_of(problem, answer, self.seed)
            if not broken:
                break
            fewer = _fewer(self.world, plan, broken)
            if not any(count < placed.get(group, count + 1) for group, count in fewer.items()):
                self.news(answer.engine, None, None, f"breaks {broken[0].label}: {broken[0].message}")
                return None
            placed |= fewer
        else:
            return None
        if problem.strict and not _urgent_granted(plan):
            self.news(answer.engine, None, None, "does not grant every urgent wish")
            return None
        return HostTarget(self._improved(_with_bounds(plan, claims), claims), problem.left_out)

    def _lowered(self, placed: dict[str, int]) -> HostProblem | None:
        try:
            return lower_hosts(self.world, placed)
        except InputError:
            # Sums beyond what the core counts exactly.
            return None

    def _improved(self, plan: Plan, claims: list[_Claim]) -> Plan:
        """Return a plan that is better in the goals after moves, where there is one and the estate is small."""
        cells = len(self.world.units) * len(self.world.tree.sites)
        if plan.status is Status.OPTIMAL or cells > MOST_CELLS or self.deadline.over:
            return plan
        from zonewright.solver.place import place

        work = self.deadline.work_left
        result = place(
            self.world,
            time_limit_s=self.deadline.left / 3,
            workers=self.workers,
            seed=self.seed,
            work_limit=None if work is None else int(work / WORK_UNIT),
            partial=True,
            hint=plan,
            progress=self.progress,
            stop=self.deadline.stop,
        )
        other = result.plan
        if other is None or result.status not in (Status.OPTIMAL, Status.FEASIBLE):
            return plan
        theirs = _Claim(_values(other), {witness.goal: witness for witness in other.bounds})
        better = [*_values(other).values()] < [*_values(plan).values()]
        return _with_bounds(other if better else plan, [*claims, theirs])


def _values(plan: Plan) -> dict[str, int]:
    return {goal.goal: goal.value for goal in plan.objective}


def _plan_of(problem: HostProblem, answer: Relocated, seed: int) -> tuple[Plan, list[Violation]]:
    """Return an answer as a plan with the judge's values, and the hard rules that it breaks."""
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
    objective = [GoalValue(goal=goal, value=value) for goal, value in report.objective]
    return plan.model_copy(update={"objective": objective}), [v for v in report.violations if v.hard]


def _claim_of(problem: HostProblem, answer: Relocated) -> _Claim:
    always = [*(0 for _ in problem.goals[:-1]), problem.moved_anyway]
    bounds = {
        goal: BoundWitness(goal=goal, kind=WITNESS, bound=bound + more, data=answer.witness)
        for goal, bound, more in zip(problem.goals, answer.bounds, always, strict=True)
        if bound + more > 0
    }
    values = [value + more for value, more in zip(answer.values, always, strict=True)]
    return _Claim(dict(zip(problem.goals, values, strict=True)), bounds)


def _with_bounds(plan: Plan, claims: list[_Claim]) -> Plan:
    """Return a plan with the best bound of each goal that is proven for plans like it."""
    counted = {"stopped", "moves"}
    before: dict[str, int] = {}
    objective: list[GoalValue] = []
    bounds: list[BoundWitness] = []
    for goal, value in _values(plan).items():
        known = [witness for claim in claims if (witness := claim.of(goal, before)) is not None]
        if value == 0 or goal in counted or goal.startswith("placed["):
            known.append(BoundWitness(goal=goal, kind="trivial", bound=0))
        best = max(known, key=lambda witness: witness.bound, default=None)
        objective.append(GoalValue(goal=goal, value=value, bound=None if best is None else best.bound))
        bounds += [best] if best is not None else []
        before[goal] = value
    status = Status.OPTIMAL if all(goal.closed for goal in objective) else Status.FEASIBLE
    return plan.model_copy(update={"objective": objective, "bounds": bounds, "status": status})


def _fewer(world: World, plan: Plan, broken: list[Violation]) -> dict[str, int]:
    """Return how many are placed of the groups whose largest share is too large for that; {} if more is broken."""
    shares = {label for label, rule in all_rules(world) if isinstance(rule, Spread) and rule.largest_share}
    if any(v.label not in shares or v.group is None for v in broken):
        return {}
    missing = {entry.group: entry.count for entry in plan.unplaced}
    found: dict[str, int] = {}
    for group in {v.group for v in broken if v.group is not None}:
        if missing.get(group):
            found[group] = world.groups[group].count - missing[group]
    return found


def _urgent_granted(plan: Plan) -> bool:
    """Return whether every goal before moves has the value 0."""
    values = _values(plan)
    names = list(values)
    return not any(values[name] for name in names[: names.index("moves")])


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
    if witness.goal == "moves":
        bound += problem.moved_anyway
    return bound, f"reckoned anew from the estate and exactly, at least {bound}"


def _as_good(problem: HostProblem, plan: Plan, witness: BoundWitness, number: int) -> bool:
    """Return whether the plans that a bound is about are at most as good before it as this one."""
    values = {goal.goal: goal.value for goal in plan.objective}
    given = witness.data.get("values")
    if not isinstance(given, list) or len(given) < number:
        return False
    return all(values.get(goal, 0) <= value for goal, value in zip(problem.goals, given[:number], strict=False))


__all__ = ["WITNESS", "HostTarget", "find_on_hosts", "lower_hosts", "proven_on_hosts"]
