"""Large estates of zones: groups that only rules on groups tell apart are merged, and shared out again evenly.

Leaving rules out is a relaxation: what is proven without them holds with them. Where the plan keeps them all the
same, and they are judged as always, nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zonewright.models.plan import Plan
from zonewright.models.purchases import with_purchases
from zonewright.models.rules import Survive
from zonewright.models.world import World
from zonewright.solver import decode
from zonewright.solver.capacity.additions import Purchases
from zonewright.solver.capacity.candidates import Candidate
from zonewright.solver.capacity.job import Job
from zonewright.solver.classes import Class
from zonewright.solver.context import Context
from zonewright.solver.decode import Sites
from zonewright.solver.engines.exact import StageProof, solve_exact
from zonewright.solver.place import Decision, judged, written
from zonewright.solver.program import lower
from zonewright.solver.rows import Ints

#: Rules that look at a group by itself.
_BY_GROUP = frozenset(
    {"affinity", "anti_affinity", "availability", "latency", "separation", "spread", "synchronous_replicas"}
)


def by_group(world: World) -> list[str]:
    """Return the labels of the rules that are left out."""
    return [
        rule.id or rule.rule
        for rule in world.estate.rules
        if rule.rule in _BY_GROUP or (isinstance(rule, Survive) and rule.mode == "static")
    ]


def merged(world: World) -> World:
    """Return the estate without the rules that tell groups apart."""
    kept = [
        rule
        for rule in world.estate.rules
        if rule.rule not in _BY_GROUP and not (isinstance(rule, Survive) and rule.mode == "static")
    ]
    return World(world.estate.model_copy(update={"rules": kept}))


def solve_merged(
    world: World, entries: Sequence[Candidate], job: Job
) -> tuple[Decision | None, Purchases, StageProof | None]:
    """Return the cheapest purchases of the merged estate, who is where then, and what is proven of their cost."""
    relaxed = merged(world)
    bought = Purchases(entries, may_move=job.may_move)
    program = lower(relaxed, additions=bought)
    first = replace(program, stages=program.stages[:1])
    part = job.part(0.4 * job.deadline.left, muted=False)
    outcome = solve_exact(first, part.deadline, workers=job.workers, seed=job.seed, news=part.news, trees=False)
    proof = outcome.proofs[0] if outcome.proofs else None
    if outcome.x_j is None:
        return None, bought, proof
    ctx, x_j = program.context, outcome.x_j
    sites = _even(ctx, x_j)
    moved = decode.layer_sites(ctx, x_j, sites)
    return Decision(ctx, x_j, sites, moved, [], "exact"), bought, proof


def judged_plan(world: World, decision: Decision, bought: Purchases, job: Job) -> Plan:
    """Return the plan in the estate with its purchases. Raises ArithmeticError where it breaks a rule."""
    purchases = [bought.entries[k].purchase(n) for k, n in bought.bought(decision.x_j).items()]
    after = World(with_purchases(world, purchases))
    plan = written(decision.context.world, decision, job.seed)
    return judged(after, plan.model_copy(update={"estate_fingerprint": after.estate.fingerprint}), [])


def _even(ctx: Context, x_j: Ints) -> Sites:
    """Return where every unit's instances are: who runs stays, and the rest of each are spread as the class is."""
    found: Sites = {}
    for cls in ctx.classes:
        counts = {ctx.places[p].site: int(x_j[j]) for p, j in ctx.base.cells[cls.index].items() if x_j[j]}
        found.update(shared_evenly(cls, counts))
    return found


def shared_evenly(cls: Class, counts: dict[int, int]) -> Sites:
    """Give a class's counts to its units: who is there stays, everybody else in proportion to what is left."""
    left = dict(counts)
    placed: Sites = {unit.index: {} for unit in cls.units}
    for unit in cls.units:
        for site, count in unit.current.items():
            stays = min(count, left.get(site, 0))
            if stays:
                placed[unit.index][site] = stays
                left[site] -= stays
    for unit in sorted(cls.units, key=lambda u: u.count):
        missing = unit.count - sum(placed[unit.index].values())
        total = sum(left.values())
        here = placed[unit.index]
        # First where nobody of the unit is, and where most is left.
        for site in sorted(left, key=lambda s: (s in here, -left[s])):
            if missing and left[site]:
                share = min(left[site], missing, -(-missing * left[site] // max(1, total)))
                here[site] = here.get(site, 0) + share
                left[site] -= share
                missing -= share
                total -= share
        for site in left if missing else ():
            takes = min(left[site], missing)
            if takes:
                here[site] = here.get(site, 0) + takes
                left[site] -= takes
                missing -= takes
    return placed


__all__ = ["by_group", "judged_plan", "merged", "shared_evenly", "solve_merged"]
