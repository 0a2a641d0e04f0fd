"""`place`: the whole way from an estate to a plan that has been judged."""

from __future__ import annotations

import os
import threading

from zonewright.models.check import judge
from zonewright.models.estate import Estate
from zonewright.models.placing import view_of
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status
from zonewright.models.world import World
from zonewright.solver import decode
from zonewright.solver.assumptions import assumptions_of, delegated
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import Outcome, StageProof, solve_exact
from zonewright.solver.explain import find_clash
from zonewright.solver.program import Program, lower
from zonewright.solver.result import Listener, Progress, Result


def place(
    estate: Estate | World,
    *,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    work_limit: int | None = None,
    partial: bool = False,
    hint: Plan | None = None,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """Place every instance of an estate, under all its rules, as well as its goals ask.

    Parameters
    ----------
    estate
        The estate, or its resolved world.
    time_limit_s
        Seconds for everything; the best plan so far is returned when they are over.
    workers
        Threads; by default one per core.
    seed, work_limit
        The same seed with one worker and a work limit (in thousandths of CP-SAT's deterministic seconds)
        gives the same plan, whatever the machine is busy with.
    partial
        Accept a plan that leaves instances unplaced, lower priorities first.
    hint
        A plan to start from.
    progress
        Called with news while solving.
    stop
        Set it from another thread to end early with the best plan so far.

    Returns
    -------
    Result
        With status OPTIMAL, FEASIBLE, INFEASIBLE (reason, clash and the largest partial plan) or UNKNOWN.
        A returned plan has passed every checker.

    Raises
    ------
    InputError
        When the estate names what does not exist or a size cannot be right.
    """
    deadline = Deadline(time_limit_s, work_limit, stop or threading.Event())
    world = estate if isinstance(estate, World) else World(estate)
    run = _Solve(world, deadline, workers or os.cpu_count() or 1, seed, progress)
    return run.place(partial)


class _Solve:
    def __init__(
        self, world: World, deadline: Deadline, workers: int, seed: int, listener: Listener | None
    ) -> None:
        self.world = world
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.listener = listener

    def news(self, engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
        if self.listener is not None:
            self.listener(Progress(self.deadline.seconds, engine, goal, value, bound, message))

    def place(self, partial: bool) -> Result:
        program = lower(self.world, partial=partial)
        outcome = self._solve(program)
        if outcome.x_j is not None:
            return self._result(program, outcome)
        if outcome.status == "infeasible" and not partial:
            return self._impossible()
        return self._nothing()

    def _solve(self, program: Program) -> Outcome:
        return solve_exact(program, self.deadline, workers=self.workers, seed=self.seed, news=self.news)

    def _result(self, program: Program, outcome: Outcome) -> Result:
        plan = make_plan(program, outcome, self.seed)
        return Result(
            status=plan.status,
            plan=plan,
            objective=list(plan.objective),
            assumptions=list(plan.assumptions),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
            engine=plan.engine or "",
        )

    def _impossible(self) -> Result:
        clash, minimal = find_clash(self.world, self.deadline, seed=self.seed, pooled=False)
        program = lower(self.world, partial=True)
        outcome = self._solve(program)
        plan = make_plan(program, outcome, self.seed) if outcome.x_j is not None else None
        return Result(
            status=Status.INFEASIBLE,
            plan=plan,
            objective=list(plan.objective) if plan is not None else [],
            reason="no_placement",
            clash=clash,
            clash_minimal=minimal,
            assumptions=assumptions_of(self.world, None),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
            engine="exact",
        )

    def _nothing(self) -> Result:
        return Result(
            status=Status.UNKNOWN,
            plan=None,
            assumptions=assumptions_of(self.world, None),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
        )


def make_plan(program: Program, outcome: Outcome, seed: int) -> Plan:
    """Return the plan of a solution, judged by the models: its values are the judge's, not the engine's.

    Raises ArithmeticError when the judge finds a hard rule broken, which would be a defect of the solver.
    """
    if outcome.x_j is None:
        raise ValueError("there is no solution to make a plan of")
    ctx, x_j = program.context, outcome.x_j
    world = program.world
    sites = decode.unit_sites(ctx, x_j)
    moved = decode.layer_sites(ctx, x_j, sites)
    networks = decode.Networks(ctx, x_j, sites, moved.values())
    seating = networks.base if world.vpcs else None
    seatings = networks.moved if world.vpcs else [None] * len(moved)
    plan = Plan(
        plan=world.estate.estate,
        estate_fingerprint=world.estate.fingerprint,
        status=Status.OPTIMAL if outcome.status == "optimal" else Status.FEASIBLE,
        placements=decode.placements(world, sites, seating),
        unplaced=decode.unplaced(world, sites),
        balancers=decode.balancers(ctx, x_j),
        subnets=networks.chosen,
        new_subnets=networks.new,
        image_copies=decode.image_copies(world, sites),
        scenarios=decode.scenario_entries(world, moved, seatings),
        bounds=[_witness(proof) for proof in outcome.proofs if proof is not None],
        assumptions=assumptions_of(world, sites),
        not_proven=delegated(world),
        engine="exact",
        seed=seed,
    )
    return judged(world, plan, outcome.proofs)


def judged(world: World, plan: Plan, proofs: list[StageProof | None]) -> Plan:
    """Return the plan with the judge's values; raise ArithmeticError if a hard rule is broken."""
    report = judge(view_of(world, plan))
    broken = [v for v in report.violations if v.hard]
    if broken:
        first = broken[0]
        raise ArithmeticError(f"the plan breaks {first.label} ({first.group}, {first.domain}): {first.message}")
    bounds = {proof.goal: proof.bound for proof in proofs if proof is not None}
    objective = [GoalValue(goal=g, value=v, bound=bounds.get(g)) for g, v in report.objective]
    closed = all(goal.closed for goal in objective)
    status = Status.OPTIMAL if closed else Status.FEASIBLE
    return plan.model_copy(update={"objective": objective, "status": status})


def _witness(proof: StageProof) -> BoundWitness:
    data: dict[str, object] = {}
    if proof.multipliers is not None:
        data = {
            "denominator": proof.multipliers.denominator,
            "row": list(proof.multipliers.row),
            "weight": list(proof.multipliers.weight),
        }
    return BoundWitness(goal=proof.goal, kind=proof.kind, bound=proof.bound, data=data)


__all__ = ["judged", "make_plan", "place"]
