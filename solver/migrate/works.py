"""What there is to do, and in which ways: one work for each movement, more where works block each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from zonewright.models.aftermath import Aftermath
from zonewright.models.durations import lanes_of, least_seconds
from zonewright.models.migration import Action, Step
from zonewright.models.operations import Operation
from zonewright.models.plan import Plan
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Recipe
from zonewright.models.world import Unit
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.migrate import recipes
from zonewright.solver.migrate.moves import Movement
from zonewright.solver.migrate.ordering import Draft, Work
from zonewright.solver.migrate.resources import link, resource_drafts
from zonewright.solver.migrate.texts import filled, those

#: What a way costs beyond the preferred one, per instance: a second move, or an outage that could be spared.
BYPASS, STOP = 1, 1000
#: Third hosts that are tried for one movement.
MOST_VIAS = 6
#: The recipe by which instances stop for others.
STOPPING = "stop-for-others"
#: Hosts of a zone up to which every one of them is tried.
FEW_HOSTS = 12


def make_works(
    after: Aftermath, plan: Plan, found: list[Movement]
) -> tuple[list[Work], list[tuple[Movement, str]]]:
    """Return the works of a plan, each in its preferred way only, and the movements without any way and why."""
    works: list[Work] = []
    missing: list[tuple[Movement, str]] = []
    for number, movement in enumerate(found, start=1):
        if movement.kind == "stop":
            works.append(Work([[_stopping(after, movement, number)]], [0]))
            continue
        dead = movement.kind == "recovery"
        fitting = recipes.ways(after.world, movement, dead)
        if not fitting:
            missing.append((movement, recipes.why_no_way(after.world, movement, dead)))
        else:
            works.append(Work([[_draft(after, movement, fitting[0], f"{movement.kind}-{number}")]], [0]))
    for number, takeover in enumerate(after.takeovers, start=1):
        ways = recipes.takeover_ways(after.before, takeover)
        if ways:
            made = recipes.expand_takeover(after.before, takeover, ways[0], f"takeover-{number}")
            works.append(Work([[Draft(made.action, list(made.steps), None, ways[0], made.assumptions)]], [0]))
    moved = [movement for movement in found if movement.kind != "stop"]
    works += [Work([[made]], [0]) for made in resource_drafts(after, plan, moved)]
    return link(after, works), missing


def _stopping(after: Aftermath, movement: Movement, number: int) -> Draft:
    """Return how instances give their room to others and are started nowhere."""
    recipe = recipes_of(after.world)[STOPPING]
    name, step = f"stop-{number}", recipe.steps[0]
    unit = movement.unit
    words = {
        "instance": those(unit.group, movement.instances, movement.count),
        "source": after.world.tree.nodes[movement.target].id,
    }
    lanes = lanes_of(after.world, [movement.target])
    seconds = least_seconds(after.world, step, unit, movement.count, lanes, 1)
    action = Action(
        id=name,
        kind="resource",
        recipe=recipe.id,
        group=unit.group,
        count=movement.count,
        instances=movement.instances,
        source=words["source"],
        why="gives its room to what matters more",
    )
    stop = Step(
        id=f"{name}.{step.do.value}",
        action=name,
        do=step.do,
        start_s=0,
        end_s=seconds,
        console=filled(step.console, words),
        command=filled(step.command, words),
        check=filled(step.check, words),
        undo=filled(step.undo, words),
        assumed=recipe.source.assumption,
    )
    return Draft(action, [stop], movement, recipe)


def _draft(after: Aftermath, movement: Movement, recipe: Recipe, name: str) -> Draft:
    made = recipes.expand(after.world, movement, recipe, name)
    return Draft(made.action, list(made.steps), movement, recipe, made.assumptions)


def more_ways(after: Aftermath, works: list[Work], blocked: Collection[int], attempt: int) -> list[Work] | None:
    """Return works with more ways for those that block each other; None where there are none left.

    Batches are split first; then whatever moves a single instance may go by a third host, or stop.
    """
    stuck = set(blocked)
    changed = False
    found: list[Work] = []
    for number, work in enumerate(works):
        if number not in stuck or work.movement is None:
            found.append(work)
            continue
        parts = list(_split(after, work))
        if len(parts) > 1:
            found += parts
            changed = True
            continue
        wider = _widened(after, work) if len(work.ways) == 1 else work
        work.complete = wider.complete
        changed |= len(wider.ways) > len(work.ways)
        found.append(wider)
    return link(after, found) if changed else None


def _split(after: Aftermath, work: Work) -> Iterator[Work]:
    movement = work.movement
    assert movement is not None
    draft = work.ways[0][-1]
    if movement.count < 2 or draft.recipe is None or len(work.ways) > 1:
        yield work
        return
    half = movement.count // 2
    for letter, count in (("a", half), ("b", movement.count - half)):
        part = replace(movement, count=count)
        yield Work([[_draft(after, part, draft.recipe, f"{draft.action.id}{letter}")]], [0])


def _widened(after: Aftermath, work: Work) -> Work:
    """Add the ways of a movement beyond the preferred: by a third host, and by the other recipes."""
    movement, draft = work.movement, work.ways[0][-1]
    if movement is None or movement.kind != "move" or draft.recipe is None:
        return work
    ways, penalties = list(work.ways), list(work.penalties)
    name = draft.action.id
    vias, complete = _vias(after, movement)
    for via in vias:
        first = replace(movement, target=via, subnet_after=movement.subnet_before)
        second = replace(movement, source=via)
        there = recipes.ways(after.world, first, False)
        back = recipes.ways(after.world, second, False)
        if there and back and there[0].live == draft.recipe.live and back[0].live == draft.recipe.live:
            mode = len(ways)
            leg = _draft(after, first, there[0], f"{name}.by{mode}")
            leg = replace(leg, action=leg.action.model_copy(update={"kind": "bypass"}))
            ways.append([leg, _draft(after, second, back[0], f"{name}.on{mode}")])
            penalties.append(BYPASS * movement.count)
    for recipe in recipes.ways(after.world, movement, False)[1:]:
        stops = any(step.do in (Operation.STOP, Operation.SHELVE) for step in recipe.steps)
        if stops and not movement.unit.movability.may_stop:
            continue
        ways.append([_draft(after, movement, recipe, f"{name}.way{len(ways)}")])
        penalties.append((STOP if stops else BYPASS) * movement.count)
    return Work(ways, penalties, complete)


def _vias(after: Aftermath, movement: Movement) -> tuple[list[int], bool]:
    """Return hosts of the source's zone that the instance may pass, and whether they are all there are.

    Of many hosts those with the most room today; of a few all that are large enough.
    """
    world = after.world
    assert movement.source is not None
    zone = world.zone_of(movement.source)
    if zone == movement.source:
        return [], True
    free = _free(after)
    enter = _enter(after, movement.unit)
    sites = [
        site
        for site in world.tree.sites_under[zone]
        if site not in (movement.source, movement.target) and site in enter
    ]
    sites.sort(key=lambda site: (-min(free[site].values(), default=0), site))
    if len(sites) <= FEW_HOSTS:
        nodes = world.tree.nodes
        limits = [{what: nodes[s].usable(what) or 0 for what in free[s]} for s in sites]
        return [s for s, most in zip(sites, limits, strict=True) if _fits(movement.unit, most)], True
    return [site for site in sites if _fits(movement.unit, free[site])][:MOST_VIAS], False


def _fits(unit: Unit, free: dict[str, int]) -> bool:
    return all(unit.demand.get(what, 0) <= room for what, room in free.items())


def _free(after: Aftermath) -> dict[int, dict[str, int]]:
    """Return what is free on every site today, by resource that it states."""
    memo: dict[int, dict[str, int]] | None = after.world.__dict__.get("_free_today")
    if memo is None:
        tree = after.world.tree
        memo = {}
        for site in tree.sites:
            node = tree.nodes[site]
            usable = {what: node.usable(what) for what in node.domain.capacity}
            memo[site] = {what: room for what, room in usable.items() if room is not None}
        for unit in after.world.units:
            for site, count in unit.current.items():
                for what in memo[site]:
                    memo[site][what] -= unit.demand.get(what, 0) * count
        after.world.__dict__["_free_today"] = memo
    return memo


def _enter(after: Aftermath, unit: Unit) -> set[int]:
    from zonewright.models.rules import all_rules
    from zonewright.solver.context import Context
    from zonewright.solver.families.base import Stages
    from zonewright.solver.profiles import Reach

    reach = after.world.__dict__.get("_reach_memo")
    if reach is None:
        reach = Reach(after.world)
        nowhere = Context(after.world, reach, [], [], Stages([]), True, pooled=False, explain=False)
        # What is to be mended is a wish afterwards, and on the way it is a rule.
        for label, rule in all_rules(after.world if after.dead or after.left else after.before):
            if rule.soft is None and (rule.implicit or rule.continuous):
                LOWERINGS[rule.rule](nowhere, rule, label, None)
        after.world.__dict__["_reach_memo"] = reach
    profile = reach.profiles[reach.of_unit[unit.index]]
    return {site for site, may in zip(reach.sites, profile.enter, strict=True) if may}
