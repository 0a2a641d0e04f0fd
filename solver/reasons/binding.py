"""What binds in a plan, and what one more of it would give: the most promising limits first."""

from __future__ import annotations

from dataclasses import replace

from zonewright.models.edits import apply_edits
from zonewright.models.plan import Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.world import World
from zonewright.solver.clashes.changes import Changes
from zonewright.solver.reasons.forced import Forced, against, solve
from zonewright.solver.reasons.limits import Reached, alike_hosts, limits_of
from zonewright.solver.reasons.prices import Prices, prices_of
from zonewright.solver.reasons.questions import Case
from zonewright.solver.reasons.result import Binding
from zonewright.solver.witness import verify_bound

#: Kinds of proofs that are evaluated, not searched for.
_EVALUATED = frozenset({"linear", "tree", "parts", "trivial"})


def binding_of(case: Case, *, seconds: float) -> tuple[list[Binding], int]:
    """Return the limits that are reached, those that give most first, and how many hard limits there are."""
    ends = case.deadline.seconds + seconds
    reached, total = limits_of(case.view)
    changes = Changes(case.world, alike_hosts(case.world))
    ranked = _ranked(case, reached)
    found: list[Binding] = []
    for number, (entry, priced) in enumerate(ranked):
        change = changes.of({entry.element: entry.amounts})[0]
        text = _said(entry, change.text)
        more = sum(entry.amounts.values()) if entry.amounts and "limit_us" not in entry.amounts else None
        item = Binding(entry.limit, more, text, change.edits)
        left = ends - case.deadline.seconds
        if change.edits and left > 0 and not case.deadline.over:
            case.told("what binds: limits", number, len(ranked))
            share = min(left, max(1.0, 3 * left / (len(ranked) - number)))
            item = _loosened(case, item, share, priced)
        found.append(item)
    order = {goal.goal: k for k, goal in enumerate(case.plan.objective)}
    found.sort(key=lambda b: _worth(b, order))
    return found, total


def _said(entry: Reached, text: str) -> str:
    """Return what is given in words, without what stands beside it anyway."""
    if entry.limit.rule == "capacity":
        text = text.partition(": ")[0]
    text = text.removeprefix(f"{entry.limit.label}: ")
    return f"{text} ({entry.room})" if entry.room else text


def _worth(entry: Binding, order: dict[str, int]) -> tuple[int, int, int]:
    """Rank by what a limit gives: the most important goal first, then the most; what was not looked at last."""
    gain = entry.gain
    if gain is not None:
        return (0, order[gain.goal], gain.change)
    return (1 if entry.forced is not None else 2, 0, 0)


def _ranked(case: Case, reached: list[Reached]) -> list[tuple[Reached, bool]]:
    """Return the limits by promise, and whether the bound puts a price on each."""
    prices = prices_of(case.world, case.plan) if case.plan.bounds else {}
    goals = len(case.plan.objective)
    scored = []
    for entry in reached:
        # Without a price, rules that people wrote promise more than room that is there anyway.
        goal, price = _price(case.world, entry, prices)
        if not price:
            goal = goals + int(entry.limit.rule in ("capacity", "subnet", "load"))
        scored.append(((goal, -price * max(1, sum(entry.amounts.values()))), entry))
    scored.sort(key=lambda item: item[0])
    return [(entry, score[1] < 0) for score, entry in scored]


def _price(world: World, entry: Reached, prices: Prices) -> tuple[int, float]:
    limit = entry.limit
    zone = limit.domain
    if zone is not None and zone in world.tree.by_id:
        zone = world.tree.nodes[world.zone_of(world.tree.by_id[zone])].id
    best = (1 << 30, 0.0)
    for tag, (goal, price) in prices.items():
        same = tag.label == limit.label
        if limit.rule == "capacity":
            same = same and tag.domain in (limit.domain, zone) and tag.what in (limit.what, None)
        elif limit.rule == "subnet":
            same = same and tag.domain in (None, limit.domain)
        if same and (goal, -price) < (best[0], -best[1]):
            best = (goal, price)
    return best


def _loosened(case: Case, item: Binding, seconds: float, priced: bool) -> Binding:
    try:
        world = World(apply_edits(case.world.estate, item.edits))
    except InputError:
        return replace(item, how="no change of the estate says it")
    if not priced and case.plan.status is Status.OPTIMAL and _holds(world, case.plan, seconds):
        unchanged = Forced("possible", case.plan, [], proven=True)
        return replace(item, forced=unchanged, how="the bound does not rest on it")
    result = solve(
        world, case.plan, case.deadline, seconds=seconds, workers=case.workers, seed=case.seed, hint=case.plan
    )
    return replace(item, forced=against(case.plan, result), how="solved again")


def _holds(world: World, plan: Plan, seconds: float) -> bool:
    """Return whether every bound of the plan is proven as well in another world, without a search."""
    if any(witness.kind not in _EVALUATED or _searches(witness.data) for witness in plan.bounds):
        return False
    return all(finding.confirmed for finding in verify_bound(world, plan, time_limit_s=seconds))


def _searches(data: dict[str, object]) -> bool:
    parts = data.get("parts")
    return isinstance(parts, list) and any(part.get("kind") not in _EVALUATED for part in parts)


__all__ = ["binding_of"]
