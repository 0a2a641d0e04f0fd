"""The general engine: purchases as columns of the Program, the cheapest first of all goals, proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from zonewright.models.plan import BoundWitness, Plan
from zonewright.models.purchases import with_purchases
from zonewright.models.world import World
from zonewright.solver import decode
from zonewright.solver.capacity.additions import Purchases
from zonewright.solver.capacity.candidates import Candidate, with_hosts
from zonewright.solver.capacity.core import LEAST_COLUMNS, solve_core
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.merged import judged_plan, merged, solve_merged
from zonewright.solver.engines.branching import prove_by_branching
from zonewright.solver.engines.exact import TREE_NODES, TREE_WORK, Outcome, StageProof, fixed, solve_exact
from zonewright.solver.engines.shortfall import shortfalls
from zonewright.solver.outages import Outage
from zonewright.solver.place import Decision, judged, written
from zonewright.solver.program import ADDITIONS, Program, lower
from zonewright.solver.rows import Ints
from zonewright.solver.witness import evaluate_one, witness_data

#: Beyond so many (class, site, layer) cells the program is not built.
MOST_CELLS = 150_000
#: Beyond so many cells of zones groups are merged first.
LARGE_CELLS = 5_000
#: After the cheapest purchases are known: seconds, and share of what is left, for the estate's own goals.
POLISH_S, POLISH_SHARE = 5.0, 0.2
#: Seconds for a witness of what a search has shown.
TREE_S = 1.5


@dataclass
class Found:
    """What an engine reached for one estate."""

    status: str
    """`optimal`, `feasible`, `infeasible` or `open`."""
    units: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """(offer, zone) to units bought."""
    cost: int = 0
    bound: int = 0
    plan: Plan | None = None
    witness: list[dict[str, Any]] = field(default_factory=list)
    engine: str = ""


def solve_program(world: World, entries: Sequence[Candidate], job: Job, *, polish: bool = True) -> Found:
    """Return the cheapest purchases, on as many hosts that may be bought as can matter.

    First among few hosts; what that costs says how many could be part of anything cheaper. `world` is the estate
    with nothing bought; entries that open zones are bought already or left out.
    """
    hosts = _first_guess(world, entries)
    best: Found | None = None
    known = None
    if cells(world) > LARGE_CELLS and not any(entry.hosts or entry.offer.host for entry in entries):
        known = _merged(world, entries, job)
        if known.status in ("optimal", "infeasible"):
            return known
    found = _program(world, entries, hosts, job, best, polish=polish)
    if known is None or found.status == "infeasible":
        return found
    if found.status == "open":
        return replace(found, bound=known.bound)
    return found if found.bound >= known.bound else replace(found, bound=known.bound, witness=known.witness)


def _merged(world: World, entries: Sequence[Candidate], job: Job) -> Found:
    """Return the cheapest purchases with groups merged: final where the plan keeps every rule, else a bound."""
    decision, bought, proof = solve_merged(world, entries, job)
    if decision is None or proof is None:
        return Found("open", engine="exact")
    units = {bought.entries[k].key: count for k, count in bought.bought(decision.x_j).items()}
    cost = sum(bought.entries[k].price * count for k, count in bought.bought(decision.x_j).items())
    witness = [{**_witness(proof, bought, 0), "merged": True}]
    found = Found("open", {}, 0, max(0, proof.bound), None, witness, "exact")
    try:
        plan = judged_plan(world, decision, bought, job)
    except ArithmeticError as error:
        job.say(f"groups have to be told apart after all: {error}")
        return found
    status = "optimal" if cost <= found.bound else "feasible"
    return replace(found, status=status, units=units, cost=cost, plan=plan, bound=min(found.bound, cost))


def _program(
    world: World, entries: Sequence[Candidate], hosts: int, job: Job, best: Found | None, *, polish: bool
) -> Found:
    while True:
        capped = _capped(entries, best)
        whole = all(e.offer.host is None or e.most <= hosts for e in capped)
        found = _with_so_many(world, capped, hosts, job, polish=polish, trees=whole and polish, best=best)
        if found.status in ("optimal", "feasible"):
            best = found if whole else replace(found, status="feasible", bound=0, witness=[])
        elif found.status == "infeasible" and whole:
            return (
                found if best is None else replace(best, status="optimal", bound=best.cost, witness=found.witness)
            )
        if whole or found.status == "open" or job.deadline.over:
            return best if best is not None else Found("open", engine="exact")
        hosts = hosts * 4 if best is None else max([1, *(e.most for e in _capped(entries, best))])


def _capped(entries: Sequence[Candidate], best: Found | None) -> list[Candidate]:
    """Return the entries with no more units than anything cheaper than the best so far could have."""
    if best is None:
        return list(entries)
    capped = (replace(entry, most=_payable(entry, best.cost)) for entry in entries)
    return [entry for entry in capped if entry.most]


def _payable(entry: Candidate, cost: int) -> int:
    """Return the most units of an entry in purchases that cost less."""
    lot = entry.offer.lot
    return entry.most if not entry.price else min(entry.most, max(0, cost - 1) // (entry.price * lot) * lot)


def _first_guess(world: World, entries: Sequence[Candidate]) -> int:
    """Return how many hosts of each offer are looked at first: enough for the demand by volume, and some more."""
    total = sum(group.count for group in world.groups.values())
    guess = 2
    for entry in entries:
        host = entry.offer.host
        for resource, stock in (host.capacity if host is not None else {}).items():
            demand = sum(u.demand.get(resource, 0) * u.count for u in world.units)
            usable = max(1, int(stock.total - (host.reserve.get(resource, 0) if host else 0)))
            guess = max(guess, 2 * -(-demand // usable) // max(1, len(world.tree.domains_at("zone"))) + 1)
    return max(1, min(guess, total))


def _with_so_many(
    world: World,
    entries: Sequence[Candidate],
    hosts: int,
    job: Job,
    *,
    polish: bool,
    trees: bool,
    best: Found | None,
) -> Found:
    """Return the cheapest purchases of at most so many hosts of each entry; only what is cheaper than the best."""
    full, named = with_hosts(world, entries, hosts)
    if cells(full) > MOST_CELLS:
        return Found("open", engine="exact")
    outages: tuple[Outage, ...] = ()
    while True:
        bought = Purchases(named, may_move=job.may_move)
        program = lower(full, additions=bought, outages=outages)
        first = replace(program, stages=program.stages[:1])
        start = None
        if best is not None:
            below = replace(first, matrix=fixed(first.matrix, first.stages, [best.cost - 1]))
            outcome = _solved(below, job)
            if outcome.status == "infeasible":
                witness = _witness(_proof_of(first, best.cost, job, trees=trees), bought, hosts)
                return Found("infeasible", engine="exact", witness=[witness])
            start = outcome.x_j
        core = solve_core(first, job) if start is None and first.matrix.shape[1] > LEAST_COLUMNS else None
        outcome = core if core is not None else _solved(first, job, start)
        if outcome.status == "infeasible":
            return Found("infeasible", engine="exact")
        if outcome.x_j is None:
            return Found("open", engine="exact")
        more, kept = shortfalls(program.context, decode.unit_sites(program.context, outcome.x_j), outages)
        if kept:
            break
        if not more or job.deadline.over:
            return Found("open", engine="exact")
        outages += more
    x_j = _polished(program, bought, outcome.x_j, job) if polish else outcome.x_j
    if outcome.proofs[0] is not None and outcome.proofs[0].kind == "search":
        proof = outcome.proofs[0]
        outcome.proofs[0] = _proof_of(first, proof.bound, job, trees=trees and outcome.status == "optimal")
    return _found(world, program, bought, outcome, x_j, hosts, job)


def _solved(program: Program, job: Job, hint: Ints | None = None) -> Outcome:
    return solve_exact(
        program, job.deadline, workers=job.workers, seed=job.seed, news=job.news, hint=hint, trees=False
    )


def _proof_of(program: Program, bound: int, job: Job, *, trees: bool) -> StageProof:
    """Return the proof of a bound that a search has shown, with a tree as its witness where one is found soon."""
    stage = program.stages[0]
    found = StageProof(stage.goal, bound, "search")
    part = job.part(min(TREE_S, 0.1 * job.deadline.left))
    if not trees or part.deadline.over:
        return found
    nodes = min(TREE_NODES, TREE_WORK // max(1, len(program.matrix.column_k)))
    tree = prove_by_branching(program.matrix, stage.terms, stage.constant, bound, part.deadline, nodes=nodes)
    return found if tree is None else replace(found, kind="tree", tree=tree)


def cells(world: World) -> int:
    """Return how many cells a program of an estate may have, all evacuations included."""
    from zonewright.solver.lowering.survive import evacuation_layers

    return len(world.tree.sites) * len(world.units) * (1 + len(evacuation_layers(world)))


def _polished(program: Program, bought: Purchases, x_j: Ints, job: Job) -> Ints:
    """Return a solution with the same purchases that is better for the estate's own goals."""
    low_j, high_j = program.matrix.low_j.copy(), program.matrix.high_j.copy()
    columns = np.array([*bought.lots, *bought.open.values()], np.int64)
    low_j[columns] = high_j[columns] = x_j[columns]
    rest = replace(program, matrix=replace(program.matrix, low_j=low_j, high_j=high_j), stages=program.stages[1:])
    part = job.part(min(POLISH_S, POLISH_SHARE * job.deadline.left))
    if not rest.stages or part.deadline.over:
        return x_j
    outcome = solve_exact(
        rest, part.deadline, workers=job.workers, seed=job.seed, news=part.news, hint=x_j, trees=False
    )
    if outcome.x_j is None:
        return x_j
    _, kept = shortfalls(program.context, decode.unit_sites(program.context, outcome.x_j), ())
    return outcome.x_j if kept else x_j


def _found(
    world: World, program: Program, bought: Purchases, outcome: Outcome, x_j: Ints, hosts: int, job: Job
) -> Found:
    units = {bought.entries[k].key: count for k, count in bought.bought(x_j).items()}
    cost = sum(bought.entries[k].price * count for k, count in bought.bought(x_j).items())
    proof = outcome.proofs[0] if outcome.proofs else None
    bound = max(0, proof.bound) if proof is not None else 0
    found = Found("optimal" if cost <= bound else "feasible", units, cost, min(bound, cost), engine="exact")
    found.plan = _plan(world, program, bought, x_j, job)
    found.witness = [_witness(proof, bought, hosts)] if proof is not None else []
    return found


def _plan(world: World, program: Program, bought: Purchases, x_j: Ints, job: Job) -> Plan:
    """Return the plan of a solution in the estate with its purchases, judged there."""
    ctx = program.context
    sites = decode.unit_sites(ctx, x_j)
    moved = decode.layer_sites(ctx, x_j, sites)
    plan = written(ctx.world, Decision(ctx, x_j, sites, moved, [], "exact"), job.seed)
    purchases = [bought.entries[k].purchase(count) for k, count in bought.bought(x_j).items()]
    after = World(with_purchases(world, purchases))
    known = set(after.tree.by_id)
    update: dict[str, Any] = {"estate_fingerprint": after.estate.fingerprint}
    # Hosts that are not bought hold nobody, and nothing is said of their loss.
    update["scenarios"] = [s for s in plan.scenarios if known.issuperset(s.lost)]
    return judged(after, plan.model_copy(update=update), [])


def _witness(proof: StageProof, bought: Purchases, hosts: int) -> dict[str, Any]:
    return {
        "kind": proof.kind,
        "bound": proof.bound,
        "hosts": hosts,
        "most": [[*entry.key, entry.most] for entry in bought.entries],
        "data": witness_data(proof),
    }


def confirmed(
    world: World, entries: Sequence[Candidate], witness: Mapping[str, Any], job: Job
) -> tuple[bool, str]:
    """Evaluate a witness again on the estate with nothing bought: whether it holds, and how that was seen."""
    try:
        most = {(str(offer), zone): int(units) for offer, zone, units in witness["most"]}
        claim = BoundWitness(
            goal=ADDITIONS, kind=str(witness["kind"]), bound=int(witness["bound"]), data=dict(witness["data"])
        )
        hosts = int(witness["hosts"])
    except (KeyError, TypeError, ValueError):
        return False, "the witness is damaged"
    for entry in entries:
        left_out = most.get(entry.key, 0) < _payable(entry, claim.bound)
        if left_out or (entry.offer.host is not None and hosts < most.get(entry.key, 0)):
            return False, f"it leaves out units of {entry.offer.id} that could be part of something cheaper"
    kept = [replace(entry, most=most[entry.key]) for entry in entries if most.get(entry.key)]
    full, named = with_hosts(merged(world) if witness.get("merged") else world, kept, hosts)
    bought = Purchases(named, may_move=job.may_move)
    program = lower(full, additions=bought)
    finding = evaluate_one(program, claim, {ADDITIONS: claim}, {}, job.deadline, job.seed + 1, job.workers)
    return finding.confirmed, finding.text


__all__ = ["Found", "cells", "confirmed", "solve_program"]
