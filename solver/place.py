"""`place`: the whole way from an estate to a plan that has been judged."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace

import numpy as np

from zonewright.models.check import judge
from zonewright.models.estate import Estate
from zonewright.models.placing import view_of
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status
from zonewright.models.world import World
from zonewright.solver import decode
from zonewright.solver.assumptions import assumptions_of, delegated
from zonewright.solver.collector import collector_paused
from zonewright.solver.context import Context
from zonewright.solver.deadline import WORK_UNIT, Deadline, Part
from zonewright.solver.engines.exact import StageProof, better_proof, solve_exact
from zonewright.solver.engines.lazy import applies as lazy_applies
from zonewright.solver.engines.lazy import solve_lazily
from zonewright.solver.engines.pooled import applies, solve_pooled
from zonewright.solver.engines.searching import Search, board_of
from zonewright.solver.engines.shortfall import shortfalls
from zonewright.solver.families.base import Stages
from zonewright.solver.kernels import cache
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.lowering.survive import evacuation_layers
from zonewright.solver.outages import Outage
from zonewright.solver.profiles import Reach
from zonewright.solver.program import Program, lower
from zonewright.solver.result import Clash, Listener, Progress, Result
from zonewright.solver.rows import Ints
from zonewright.solver.warm import sites_of, warm_start, where_they_are
from zonewright.solver.witness import witness_data


@tells_compiling
def place(
    estate: Estate | World,
    *,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    work_limit: int | None = None,
    partial: bool = False,
    hint: Plan | None = None,
    reasons: bool = True,
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
        The same seed with one worker and a work limit (in thousandths of CP-SAT's deterministic seconds, for
        the whole solve) gives the same plan, whatever the machine is busy with, as long as the work is done
        before the time limit.
    partial
        Accept a plan that leaves instances unplaced, lower priorities first.
    hint
        A plan to start from.
    reasons
        Where it is impossible: look for what clashes, and for the largest partial plan.
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
    if _surely_searched(estate.estate if isinstance(estate, World) else estate):
        cache.begin(cache.SEARCH)
    with collector_paused():
        world = estate if isinstance(estate, World) else World(estate)
    layers = 1 + len(evacuation_layers(world))
    deadline.reserve_s = min(MOST_RESERVE * time_limit_s, 0.05 + _writing_s(world) * layers)
    run = _Solve(world, deadline, workers or os.cpu_count() or 1, seed, progress, hint)
    run.reasons = reasons
    return run.place(partial)


def any_plan(
    world: World, time_limit_s: float, *, workers: int, seed: int, stop: threading.Event | None = None
) -> Plan | None:
    """Return a plan that places every instance and passes every checker; None where none is found in time."""
    goals = world.estate.model_copy(update={"goals": ["placed"]})
    deadline = Deadline(max(0.05, time_limit_s), None, stop or threading.Event())
    run = _Solve(World(goals), deadline, workers, seed, None)
    decision, _ = run._decide(partial=False)
    plan = make_plan(run.world, decision, seed) if decision is not None else None
    return plan if plan is not None and not plan.unplaced else None


#: Beyond this many (class, host) pairs the exact engine is not tried on single hosts.
MOST_CELLS_EXACT = 20_000
#: Beyond this many (unit, site) pairs the rows would not fit into memory.
MOST_CELLS = 5_000_000
#: Share of the time that is kept to search in, where the exact engine goes first and has not finished by then:
#: with few pairs of units and sites, and with more.
FEW_CELLS, KEPT_BY_FEW, KEPT_TO_SEARCH = 2_000, 0.3, 0.7
#: Up to so many pairs it works beside the search, for a share of the time.
MOST_CELLS_BESIDE, BESIDE = 30_000, 0.5
#: Share of the time for which one worker searches before it turns to the exact engines.
TURN = 0.5
#: Share of the time after which these are asked where the search has found nothing; in a short run, in which they
#: would only slow it down, later: after so many seconds, or the share behind it.
PATIENCE, PATIENT_S, PATIENT = 0.2, 3.0, 0.7
#: Seconds that writing the rows of pools takes, per pair of a unit and a pool, and the share of the time for that.
POOLED_S, POOLED_SHARE = 6e-5, 0.1
#: Seconds that writing the rows takes, per pair and layer: it does not hear the deadline.
LOWERING_S = 3e-5
#: So few sites are no hosts, and so many instances are listed one by one at most.
MOST_HIDDEN, MOST_SEATED = 100, 100_000
#: Seconds that writing and judging a plan takes, per unit and layer, and per instance on hosts and layer.
WRITING_S, SEATED_S = 6e-5, 2.5e-5
#: At least so many times the seconds that lowering to a board took are kept.
JUDGING = 4.0
#: Of the time limit, at most so much is kept for that; such a share of it is used as long as there is no plan.
MOST_RESERVE, LATE = 0.5, 0.25


def _surely_searched(estate: Estate) -> bool:
    """Return whether the search will be asked, as far as the sizes of an estate say it at once."""
    hosts = sum(host.count or 1 for host in estate.hosts)
    return hosts * len(estate.groups) > MOST_CELLS_EXACT


def _writing_s(world: World) -> float:
    seated = 0 if len(world.tree.sites) < MOST_HIDDEN else sum(unit.count for unit in world.units)
    return WRITING_S * len(world.units) + SEATED_S * min(seated, MOST_SEATED)


@dataclass
class Decision:
    """Who is where, before it is written as a plan."""

    context: Context
    x_j: Ints
    """For what is decided besides sites: balancers, subnets."""
    sites: decode.Sites
    moved: dict[tuple[str, tuple[int, ...]], decode.Sites]
    proofs: list[StageProof | None]
    engine: str
    values: list[int] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        """Whether every goal's bound meets its value."""
        pairs = list(zip(self.values, self.proofs, strict=False))
        return len(pairs) == len(self.values) and all(p is not None and v <= p.bound for v, p in pairs)


class _Solve:
    def __init__(
        self,
        world: World,
        deadline: Deadline,
        workers: int,
        seed: int,
        listener: Listener | None,
        hint: Plan | None = None,
    ) -> None:
        self.world = world
        self.deadline = self._clock = deadline
        self.workers = workers
        self.seed = seed
        self.listener = listener
        self.hint = hint
        self.reasons = True
        self.parameters: dict[str, object] = {}
        self.stats: dict[str, float] = {}
        self.history: list[tuple[float, tuple[int, ...]]] = []

    def news(self, engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
        if self.listener is not None:
            self.listener(Progress(self._clock.seconds, engine, goal, value, bound, message))

    def place(self, partial: bool) -> Result:
        decision, infeasible = self._decide(partial)
        if decision is not None:
            plan = make_plan(self.world, decision, self.seed)
            return self._result(self._or_hint(plan, decision))
        if infeasible:
            return self._impossible(partial)
        return self._nothing()

    def _decide(self, partial: bool) -> tuple[Decision | None, bool]:
        """Return the best decision that engines find, cheapest proof first, and whether none can exist."""
        began = self.deadline.seconds
        if self._cells() > MOST_CELLS_EXACT and self._shows_hosts():
            cache.begin(cache.SEARCH)
        with collector_paused():
            board = board_of(self.world, partial=partial, news=self.news)
        # How long lowering takes says how long judging will, on this machine as busy as it is.
        judging = min(MOST_RESERVE * self.deadline.time_limit_s, JUDGING * (self.deadline.seconds - began))
        self.deadline.reserve_s = max(self.deadline.reserve_s, judging)
        if board is None:
            return self._exactly(partial)
        search = Search(self.world, board, self.deadline, self.seed, self.news, partial)
        if self._cells() <= MOST_CELLS_EXACT or not self._shows_hosts():
            with self.deadline.keeping(KEPT_BY_FEW if self._cells() <= FEW_CELLS else KEPT_TO_SEARCH):
                decision, infeasible = self._exactly(partial)
            if infeasible or (decision is not None and decision.closed) or self.deadline.over:
                return decision, infeasible
            return self._searched(search, decision), False
        return self._together(search, partial)

    def _together(self, search: Search, partial: bool) -> tuple[Decision | None, bool]:
        """Search beside the exact engines, where these may say something; with one worker in turns.

        What they say is a bound, a better plan to go on from, or that there is none.
        """
        try:
            return self._side_by_side(search, partial)
        finally:
            search.stop()

    def _side_by_side(self, search: Search, partial: bool) -> tuple[Decision | None, bool]:
        start = sites_of(view_of(self.world, self.hint)) if self.hint is not None else None
        self.deadline.late_s = LATE * self.deadline.reserve_s
        alone = self._too_large_for_rows()
        in_turns = self.workers == 1
        share = TURN if in_turns and not alone else 1.0
        search.begin(self.workers if alone or in_turns else self.workers - 1, start, share)
        patience = max(PATIENCE * self.deadline.left, min(PATIENT_S, PATIENT * self.deadline.left))
        search.wait(first=not (alone or in_turns), seconds=patience)
        decision, infeasible = None, False
        if not (search.closed or alone or self.deadline.over):
            before = self.workers, self.deadline
            self.workers, self.deadline = max(1, self.workers - 1), Part(self.deadline, BESIDE)
            decision, infeasible = self._exactly(partial, soon=search.best is None, most_cells=MOST_CELLS_BESIDE)
            self.workers, self.deadline = before
            if infeasible and search.best is None:
                return None, True
            if decision is not None:
                search.prove(decision.proofs)
                search.offer(decision.sites, decision.engine)
        if not alone:
            search.begin(1)
        search.wait()
        return self._of_search(search, decision), False

    def _searched(self, search: Search, decision: Decision | None) -> Decision | None:
        """Search in the time that is left, from a decision or from nothing."""
        start = decision.sites if decision is not None else None
        if decision is not None:
            search.prove(decision.proofs)
        elif self.hint is not None:
            start = sites_of(view_of(self.world, self.hint))
        try:
            search.begin(self.workers, start)
            search.wait()
        finally:
            search.stop()
        return self._of_search(search, decision)

    def _of_search(self, search: Search, other: Decision | None) -> Decision | None:
        """Return the best that is known once the search is over, with the bounds of all engines."""
        self.parameters, self.stats, self.history = search.parameters, search.stats, search.history
        sites = search.sites()
        if search.best is None or sites is None:
            return other
        values = list(search.best.values)
        if other is not None:
            search.prove(other.proofs)
            if other.values <= values:
                other.proofs = search.proofs
                return other
        bare = Context(self.world, Reach(self.world), [], [], Stages([]), search.partial, pooled=False)
        return Decision(bare, np.zeros(0, np.int64), sites, {}, search.proofs, "search", values)

    def _exactly(
        self, partial: bool, *, soon: bool = True, most_cells: int = MOST_CELLS
    ) -> tuple[Decision | None, bool]:
        """Return what pools and packing, and the exact engine on single sites find; `soon` any plan first."""
        decision: Decision | None = None
        if self._on_hosts():
            decision, infeasible, done = self._on_pools(partial, soon)
            if done:
                return decision, infeasible
        layers = 1 + len(evacuation_layers(self.world)) if self._on_hosts() else 1
        cells = self._cells() * layers
        if cells > most_cells or (cells > MOST_CELLS_EXACT and LOWERING_S * cells > self.deadline.foreseen):
            return decision, False
        found, infeasible = self._on_sites(partial)
        if found is None:
            return decision, infeasible
        if decision is None:
            return found, False
        best = found if found.values <= decision.values else decision
        # A bound is about the values before it: proofs mix only as far as they hold for this plan's.
        pairs = (
            [p if p is not None and p.holds(best.values) else None for p in both]
            for both in zip(found.proofs, decision.proofs, strict=True)
        )
        best.proofs = [better_proof(a, b) for a, b in pairs]
        return best, False

    def _on_sites(self, partial: bool) -> tuple[Decision | None, bool]:
        """Return the exact engine's decision on single sites, and whether none can exist.

        Where availability is relaxed, again with the states in which a decision falls short, until none does.
        """
        outages: tuple[Outage, ...] = ()
        while True:
            decision, infeasible = self._once_on_sites(partial, outages)
            if decision is None:
                return None, infeasible
            more, kept = shortfalls(decision.context, decision.sites, outages)
            if kept and (not more or self.deadline.over):
                return decision, False
            if not more or self.deadline.over:
                return None, False
            self.news("exact", "", None, None, f"{len(more)} groups are down for too long: looking again")
            outages += more

    def _once_on_sites(self, partial: bool, outages: tuple[Outage, ...]) -> tuple[Decision | None, bool]:
        program = lower(self.world, partial=partial, outages=outages)
        if lazy_applies(self.world, program.matrix.shape[1]):
            lazily = solve_lazily(
                self.world,
                self.deadline,
                partial=partial,
                workers=self.workers,
                seed=self.seed,
                news=self.news,
                warm=self._warm,
                outages=outages,
            )
            if lazily.shown is None:
                return None, lazily.infeasible
            shown = lazily.shown
            outcome, ctx, sites, moved = shown.outcome, shown.context, shown.sites, shown.moved
        else:
            outcome = solve_exact(
                program,
                self.deadline,
                workers=self.workers,
                seed=self.seed,
                news=self.news,
                hint=self._warm(program),
                suggest=where_they_are(program.context),
            )
            if outcome.x_j is None:
                return None, outcome.status == "infeasible"
            ctx = program.context
            sites = decode.unit_sites(ctx, outcome.x_j)
            moved = decode.layer_sites(ctx, outcome.x_j, sites)
        if outcome.x_j is None:
            return None, False
        proofs = [replace(p, outages=outages) if p is not None else None for p in outcome.proofs]
        return Decision(ctx, outcome.x_j, sites, moved, proofs, "exact", list(outcome.values)), False

    def _or_hint(self, plan: Plan, decision: Decision) -> Plan:
        """Return the plan, or the hint where that is valid and better."""
        if self.hint is None or (self.hint.unplaced and not decision.context.partial):
            return plan
        report = judge(view_of(self.world, self.hint))
        values = [value for _, value in report.objective]
        if any(v.hard for v in report.violations) or values >= [goal.value for goal in plan.objective]:
            return plan
        kept = {
            "estate_fingerprint": plan.estate_fingerprint,
            "bounds": plan.bounds,
            "assumptions": plan.assumptions,
            "not_proven": plan.not_proven,
            "engine": "hint",
            "seed": self.seed,
        }
        return judged(self.world, self.hint.model_copy(update=kept), decision.proofs)

    def _warm(self, program: Program) -> Ints | None:
        return warm_start(program, self.hint, self.deadline) if self.hint is not None else None

    def _on_hosts(self) -> bool:
        return len(self.world.tree.sites) > len({self.world.zone_of(s) for s in self.world.tree.sites})

    def _on_pools(self, partial: bool, soon: bool) -> tuple[Decision | None, bool, bool]:
        """Try pools and packing. Returns the decision, whether none can exist, and whether that is final."""
        pooled = lower(self.world, partial=partial, pooled=True)
        fine = applies(pooled)
        if fine is None:
            return None, False, False
        found = solve_pooled(
            pooled,
            fine,
            self.deadline,
            workers=self.workers,
            seed=self.seed,
            news=self.news,
            hint=self._warm(pooled),
            soon=soon,
        )
        if found.status == "infeasible":
            return None, True, True
        if found.packed is None:
            return None, False, self.deadline.over
        packed = found.packed
        decision = Decision(
            packed.context, packed.x_j, packed.sites, packed.moved, found.proofs, "pools and packing"
        )
        decision.values = packed.values
        small = len(self.world.tree.sites) * len(packed.context.classes) <= MOST_CELLS_EXACT
        return decision, False, found.closed or self.deadline.over or not small

    def _result(self, plan: Plan) -> Result:
        return Result(
            status=plan.status,
            plan=plan,
            objective=list(plan.objective),
            assumptions=list(plan.assumptions),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
            engine=plan.engine or "",
            parameters=self.parameters,
            stats=self.stats,
            history=self.history,
        )

    def _impossible(self, partial: bool) -> Result:
        clash, minimal = self._clash() if self.reasons else ([], False)
        decision = None if partial or not self.reasons else self._decide(partial=True)[0]
        plan = make_plan(self.world, decision, self.seed) if decision is not None else None
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

    def _clash(self) -> tuple[list[Clash], bool]:
        """Return rules and facts that cannot all hold, and whether none of them could be left out."""
        from zonewright.solver.clashes.find import first_clash

        time_limit_s = max(1.0, 0.5 * self.deadline.left)
        work = self.deadline.work_left
        half = None if work is None else int(0.5 * work / WORK_UNIT)
        part = Deadline(time_limit_s if half is None else self.deadline.left, half, self.deadline.stop)
        return first_clash(self.world, part, workers=self.workers, seed=self.seed)

    def _shows_hosts(self) -> bool:
        """Return whether sites are below zones, or of estates that have none."""
        tree = self.world.tree
        return any(tree.nodes[site].level != "zone" for site in tree.sites)

    def _too_large_for_rows(self) -> bool:
        """Return whether neither pools nor single sites can be written as rows in good time."""
        if not self._on_hosts():
            return self._cells() > MOST_CELLS_BESIDE
        nodes = (self.world.tree.nodes[site] for site in self.world.tree.sites)
        kinds = {(self.world.zone_of(node.index), tuple(node.domain.capacity.items())) for node in nodes}
        return POOLED_S * len(kinds) * len(self.world.units) > POOLED_SHARE * self.deadline.foreseen

    def _cells(self) -> int:
        return len(self.world.tree.sites) * len(self.world.units)

    def _nothing(self) -> Result:
        return Result(
            status=Status.UNKNOWN,
            plan=None,
            assumptions=assumptions_of(self.world, None),
            warnings=list(self.world.warnings),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
        )


def make_plan(world: World, decision: Decision, seed: int) -> Plan:
    """Return the plan of a decision, judged by the models: its values are the judge's, not the engine's.

    Raises ArithmeticError when the judge finds a hard rule broken, which would be a defect of the solver.
    """
    with collector_paused():
        return judged(world, written(world, decision, seed), decision.proofs)


def written(world: World, decision: Decision, seed: int) -> Plan:
    """Return the plan of a decision as it is, judged by nobody yet."""
    ctx, x_j = decision.context, decision.x_j
    networks = decode.Networks(ctx, x_j, decision.sites, decision.moved)
    seating = networks.base if world.vpcs else None
    seatings = networks.moved if world.vpcs else [None] * len(decision.moved)
    return Plan(
        plan=world.estate.estate,
        estate_fingerprint=world.estate.fingerprint,
        status=Status.FEASIBLE,
        placements=decode.placements(world, decision.sites, seating),
        unplaced=decode.unplaced(world, decision.sites),
        balancers=decode.balancers(ctx, x_j),
        subnets=networks.chosen,
        new_subnets=networks.new,
        image_copies=decode.image_copies(world, decision.sites),
        scenarios=decode.scenario_entries(world, decision.moved, seatings),
        bounds=[_witness(proof, decision) for proof in decision.proofs if proof is not None],
        assumptions=assumptions_of(world, decision.sites),
        not_proven=delegated(world),
        engine=decision.engine,
        seed=seed,
    )


def judged(world: World, plan: Plan, proofs: list[StageProof | None]) -> Plan:
    """Return the plan with the judge's values; raise ArithmeticError if a hard rule is broken."""
    report = judge(view_of(world, plan))
    broken = [v for v in report.violations if v.hard]
    if broken:
        first = broken[0]
        raise ArithmeticError(f"the plan breaks {first.label} ({first.group}, {first.domain}): {first.message}")
    values = [value for _, value in report.objective]
    bounds = {proof.goal: proof.bound for proof in proofs if proof is not None and proof.holds(values)}
    objective: list[GoalValue] = []
    for goal, value in report.objective:
        # A bound speaks of plans as good in the goals before: it holds as long as those are closed.
        bound = bounds.get(goal) if all(before.closed for before in objective) else None
        objective.append(GoalValue(goal=goal, value=value, bound=bound))
    held = {goal.goal for goal in objective if goal.bound is not None}
    plan = plan.model_copy(update={"bounds": [b for b in plan.bounds if b.goal in held]})
    closed = all(goal.closed for goal in objective)
    status = Status.OPTIMAL if closed else Status.FEASIBLE
    return plan.model_copy(update={"objective": objective, "status": status})


def _witness(proof: StageProof, decision: Decision) -> BoundWitness:
    data: dict[str, object] = {"pooled": proof.pooled, "partial": decision.context.partial}
    if proof.scenarios is not None:
        nodes = decision.context.world.tree.nodes
        data["scenarios"] = [[name, [nodes[d].id for d in lost]] for name, lost in proof.scenarios]
    if proof.outages:
        data["outages"] = [outage.as_data(decision.context.world.tree) for outage in proof.outages]
    data |= witness_data(proof)
    return BoundWitness(goal=proof.goal, kind=proof.kind, bound=proof.bound, data=data)


__all__ = ["Decision", "judged", "make_plan", "place", "written"]
