"""Head-room: how many more of a group fit while everybody who runs stays where he is."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zonewright.models.estate import Estate
from zonewright.models.plan import Plan
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import MOST_COUNT
from zonewright.models.rules import LatencyLimit, Survive
from zonewright.models.settling import settled
from zonewright.models.tree import Node
from zonewright.models.world import Unit, World
from zonewright.solver import decode
from zonewright.solver.capacity.additions import Purchases
from zonewright.solver.capacity.binding import binding_of, crowded, evacuees
from zonewright.solver.capacity.exact import cells, solve_program
from zonewright.solver.capacity.fleet import solve_fleet, suits
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import HeadRoom
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import solve_exact
from zonewright.solver.engines.shortfall import shortfalls
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.outages import Outage
from zonewright.solver.program import lower
from zonewright.solver.result import Listener

#: More than this is called no limit where no capacity says otherwise.
NO_LIMIT = 1_000_000
#: Beyond so many cells fleets are packed, within a share of the time; the program bounds what could be more.
LARGE_CELLS, PACKING_SHARE = 40_000, 0.6


@tells_compiling
def head_room(
    estate: Estate | World,
    group: str,
    *,
    plan: Plan | None = None,
    guaranteed: bool = False,
    survive: Sequence[Survive] = (),
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> HeadRoom:
    """Return how many more of a group fit, under every rule, while everybody who runs stays where he is.

    Parameters
    ----------
    estate, group
        The estate, or its resolved world, and the name of a group in it.
    plan
        Its placement counts as today's.
    guaranteed
        Keep every hard survive rule, and those in `survive`; else losses are left aside.
    time_limit_s, workers, seed, progress, stop
        As for `place`.

    Returns
    -------
    HeadRoom
        With a bound that meets it where that is proven, and with what binds.

    Raises
    ------
    InputError
        When the group is not there, or the plan is for another estate.
    """
    world = estate if isinstance(estate, World) else World(estate)
    if group not in world.groups:
        raise InputError(f"unknown group {group}.{maybe(group, world.groups)}")
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    job = Job(deadline, workers or os.cpu_count() or 1, seed, progress)
    before = settled(world, plan) if plan is not None else world.estate
    return room_of(_promising(before, survive, guaranteed=guaranteed), group, job, guaranteed=guaranteed)


@tells_compiling
def head_rooms(
    estate: Estate | World,
    groups: Sequence[str],
    *,
    plan: Plan | None = None,
    survive: Sequence[Survive] = (),
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> list[HeadRoom]:
    """Return the head-room of several groups (`all`: every group), today and, where losses are guarded, for sure.

    Each is for the group alone. Parameters as for `head_room`.
    """
    world = estate if isinstance(estate, World) else World(estate)
    names = list(world.groups) if "all" in groups and "all" not in world.groups else list(groups)
    for name in names:
        if name not in world.groups:
            raise InputError(f"unknown group {name}.{maybe(name, (*world.groups, 'all'))}")
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    job = Job(deadline, workers or os.cpu_count() or 1, seed, progress)
    before = settled(world, plan) if plan is not None else world.estate
    guarded = bool(survive) or any(isinstance(r, Survive) and r.soft is None for r in before.rules)
    questions = [(name, firm) for name in names for firm in ((False, True) if guarded else (False,))]
    found: list[HeadRoom] = []
    for number, (name, firm) in enumerate(questions):
        part = job.part(deadline.left / (len(questions) - number))
        job.say(f"head-room {number + 1} of {len(questions)}: {name}")
        found.append(room_of(_promising(before, survive, guaranteed=firm), name, part, guaranteed=firm))
    return found


def _promising(estate: Estate, survive: Sequence[Survive], *, guaranteed: bool) -> Estate:
    """Return the estate with all that is to be survived, or with nothing of it."""
    rules = [*estate.rules, *survive] if guaranteed else [r for r in estate.rules if not isinstance(r, Survive)]
    return estate.model_copy(update={"rules": rules})


@dataclass
class _Most:
    """The most of a group that was found in one program."""

    more: int | None
    bound: int
    closed: bool


def room_of(estate: Estate, group: str, job: Job, *, guaranteed: bool) -> HeadRoom:
    """Return the head-room of a group in an estate that says all that has to hold."""
    world = World(grown_by(estate, group, 1))
    cap = _cap(world, group)
    counted_cap = _cap_by_counting(estate, group)
    if counted_cap is not None:
        cap = counted_cap if cap is None else min(cap, counted_cap)
    unlimited = cap is None
    cap = NO_LIMIT if cap is None else min(cap, NO_LIMIT)
    if cap == 0:
        return HeadRoom(group, 0, 0, guaranteed, binding_of(estate, group, 0, job))
    counted = _depends_on_its_count(world, group)
    packed = _by_packing(estate, group, cap, job) if suits(world, []) and cells(world) > LARGE_CELLS else None
    most = _most(_eased(estate, group) if counted else estate, group, cap, job)
    if most is None:
        return HeadRoom(group, packed, cap, guaranteed)
    if packed is not None and packed > (most.more or 0):
        most = _Most(packed, max(packed, most.bound), packed >= most.bound)
    elif counted:
        most = _scanned(estate, group, most.bound, job)
    if unlimited and most.more == cap:
        return HeadRoom(group, None, None, guaranteed, unlimited=True)
    bound = most.bound if most.bound is not None else None
    binding = binding_of(estate, group, most.more, job) if most.more is not None else []
    return HeadRoom(group, most.more, bound, guaranteed, binding)


def _cap_by_counting(estate: Estate, group: str) -> int | None:
    """Return how many more there is room for in all open zones together, before and after each loss."""
    world = World(grown_by(estate, group, 1))
    demand = _unnamed(world, group).demand
    rooms: list[int] = []
    for crowd in crowded(world):
        each = demand.get(crowd.what, 0)
        after = bool(crowd.text)
        if each and crowd.used is not None and crowd.limit is not None and (not after or group in evacuees(world)):
            rooms.append(max(0, (crowd.limit - crowd.used + each) // each))
    return min(rooms, default=None)


def _by_packing(estate: Estate, group: str, cap: int, job: Job) -> int | None:
    """Return how many more of a group were packed on a large fleet, None where not even today's demand was."""
    low, high = -1, cap
    part = job.part(PACKING_SHARE * job.deadline.left)
    step = 1
    while low < high and not part.deadline.over:
        more = min(high, low + step)
        found = solve_fleet(World(grown_by(estate, group, more)), [], part.part(0.4 * part.deadline.left))
        if found is not None and found.plan is not None:
            low, step = more, 2 * step
        else:
            # Not packed is not proven: the bound comes from elsewhere.
            high, step = more - 1, max(1, (more - low) // 2)
    return low if low >= 0 else None


def _depends_on_its_count(world: World, group: str) -> bool:
    """Return whether a rule asks something of the whole group's number, not of what is placed."""
    entry = world.groups[group]
    quorums = any(isinstance(r, LatencyLimit) and group in r.concerned() for r in world.estate.rules)
    return entry.quorum == "majority" or entry.all_or_nothing or quorums


def _eased(estate: Estate, group: str) -> Estate:
    """Return the estate without what depends on the whole group's number: more may fit, never fewer."""
    update = {"quorum": None, "all_or_nothing": False}
    rules = [r for r in estate.rules if not (isinstance(r, LatencyLimit) and group in r.concerned())]
    groups = [g.model_copy(update=update) if g.id == group else g for g in estate.groups]
    return estate.model_copy(update={"groups": groups, "rules": rules})


def _most(estate: Estate, group: str, cap: int, job: Job) -> _Most | None:
    """Return how many of `cap` more can be placed, decided in one program; None where nothing was found."""
    world = World(_with_more(estate, group, cap))
    outages: tuple[Outage, ...] = ()
    while True:
        program = lower(world, partial=True, additions=Purchases([]), outages=outages)
        ctx = program.context
        low_j, high_j = program.matrix.low_j.copy(), program.matrix.high_j.copy()
        own = [c for c in ctx.classes if c.unit.group == group and c.unit.name is None]
        for c, column in ctx.unplaced.items():
            if all(c != cls.index for cls in own):
                high_j[column] = 0
        goal = f"placed[{own[0].unit.priority}]"
        stages = [stage for stage in program.stages if stage.goal == goal]
        narrow = replace(program, matrix=replace(program.matrix, low_j=low_j, high_j=high_j), stages=stages)
        outcome = solve_exact(narrow, job.deadline, workers=job.workers, seed=job.seed, news=job.news, trees=False)
        if outcome.status == "infeasible":
            return _Most(0, 0, True)
        if outcome.x_j is None:
            return None
        more, kept = shortfalls(ctx, decode.unit_sites(ctx, outcome.x_j), outages)
        if kept or not more or job.deadline.over:
            break
        outages += more
    proof = outcome.proofs[0] if outcome.proofs else None
    bound = cap - max(0, proof.bound) if proof is not None else cap
    if not kept:
        return _Most(None, bound, False)
    # Of those that are wanted today none may be missing: fewer than none is none.
    fitting = cap - int(outcome.values[0])
    return _Most(max(0, fitting), max(0, bound), fitting == bound)


def _with_more(estate: Estate, group: str, more: int) -> Estate:
    """Return the estate with more of a group, told apart from every other by its priority."""
    taken = {g.priority for g in estate.groups} | {i.priority for i in estate.instances}
    own = next(p for p in range(1001) if p not in taken)
    groups = [
        g.model_copy(update={"count": g.count + more, "priority": own}) if g.id == group else g
        for g in estate.groups
    ]
    instances = [
        i.model_copy(update={"priority": i.priority if i.priority is not None else own}) if i.group == group else i
        for i in estate.instances
    ]
    return estate.model_copy(update={"groups": groups, "instances": instances})


def grown_by(estate: Estate, group: str, more: int) -> Estate:
    """Return the estate with so many more of a group, which carry no more than before."""
    groups = [g.model_copy(update={"count": g.count + more}) if g.id == group else g for g in estate.groups]
    return estate.model_copy(update={"groups": groups})


def fits(estate: Estate, job: Job) -> bool | None:
    """Return whether everybody fits with nothing bought; None where that is not known."""
    found = solve_program(World(estate), [], job, polish=False)
    return {"optimal": True, "feasible": True, "infeasible": False}.get(found.status)


def _scanned(estate: Estate, group: str, bound: int, job: Job) -> _Most:
    """Return the most of a group by trying one number after another, from the largest that is not ruled out."""
    for more in range(bound, -1, -1):
        answer = fits(grown_by(estate, group, more), job)
        if answer:
            return _Most(more, more if bound == more else bound, bound == more)
        if answer is None or job.deadline.over:
            return _Most(None, bound, False)
        bound = more - 1
    return _Most(0, 0, True)


def _cap(world: World, group: str) -> int | None:
    """Return how many more of a group there is room for at most by capacity alone; None without a limit."""
    unit = _unnamed(world, group)
    used: dict[tuple[int, str], int] = {}
    for other in world.units:
        for site, count in other.current.items():
            for node in world.tree.nodes[site].ancestors:
                for resource, amount in other.demand.items():
                    used[node, resource] = used.get((node, resource), 0) + amount * count
    return _room_under(world, unit, used)


def _unnamed(world: World, group: str) -> Unit:
    return next((u for u in world.units_of[group] if u.name is None), world.units_of[group][0])


def _room_under(world: World, unit: Unit, used: dict[tuple[int, str], int]) -> int | None:
    tree = world.tree
    room: dict[int, int | None] = {}
    sites = set(tree.sites)
    for node in reversed(tree.nodes):
        below = tree.children[node.index]
        inner: int | None = None
        if node.index in sites:
            inner = None
        elif below:
            parts = [room[child] for child in below]
            inner = None if any(p is None for p in parts) else sum(p for p in parts if p is not None)
        else:
            inner = 0
        own = _own_room(node, unit, used)
        room[node.index] = own if inner is None else inner if own is None else min(own, inner)
    roots = [room[node.index] for node in tree.nodes if node.parent is None]
    if any(r is None for r in roots):
        return None
    return min(MOST_COUNT, sum(r for r in roots if r is not None))


def _own_room(node: Node, unit: Unit, used: dict[tuple[int, str], int]) -> int | None:
    limits: list[int] = []
    for resource, amount in unit.demand.items():
        usable = node.usable(resource)
        if usable is not None and amount:
            limits.append(max(0, usable - used.get((node.index, resource), 0)) // amount)
    if unit.flavour is not None and (stock := node.usable_flavour(unit.flavour.id)) is not None:
        limits.append(stock)
    if node.domain.most_instances is not None:
        limits.append(node.domain.most_instances)
    return min(limits, default=None)


__all__ = ["fits", "grown_by", "head_room", "head_rooms", "room_of"]
