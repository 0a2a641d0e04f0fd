"""What moves cost and hold, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zonewright.models.rules import Avoid, DoubleOccupancy, GroupMoves, KeepRunning, MoveCost, MoveLimit
from zonewright.models.rules.moves import used_today
from zonewright.solver.search.board import NO_LIMIT
from zonewright.solver.search.lowerings.draft import Draft, Peak, Refused, StepRule

#: A table of the costs between more kinds of sites would not be small.
MOST_KINDS = 2_000


def keep_running(draft: Draft, rule: KeepRunning, label: str) -> None:
    """Nothing: a placement cannot break it, only the way there can."""


def avoid(draft: Draft, rule: Avoid, label: str) -> None:
    """Not on a board: several counts together are what must not be."""
    raise Refused(f"{label}: not all of several counts at once ({', '.join(rule.concerned())})")


def move_limit(draft: Draft, rule: MoveLimit, label: str) -> None:
    """The tightest limit counts."""
    draft.most_moves = min(draft.most_moves, rule.most)


def double_occupancy(draft: Draft, rule: DoubleOccupancy, label: str) -> None:
    """Resources that are held until moves are done, within what is usable or what is used today."""
    tree, level = draft.world.tree, draft.level(rule.level)
    nodes = draft.levels[level].nodes
    today = used_today(draft.world, rule.level)
    names = {name for node in nodes for name in tree.nodes[node].domain.capacity if rule.counts(name)}
    for name in sorted(names & set(draft.world.resources)):
        limits = {d: rule.limit(draft.world, tree.nodes[node], name) for node, d in nodes.items()}
        usable = {d: tree.nodes[node].usable(name) for node, d in nodes.items()}
        resource = draft.resource(name)
        if any(today.get(node, {}).get(name, 0) > (usable[d] or 0) for node, d in nodes.items() if limits[d]):
            # Who holds more today than there is may go on so: a limit apart from that of what is used.
            limit_d = np.array([NO_LIMIT if limits[d] is None else limits[d] for d in range(len(nodes))])
            resource = draft.apart(level, limit_d.astype(np.int64), resource)
        if (level, resource) in draft.raised.values():
            raise Refused(f"{label}: what leaves where more than fits is tolerated")
        draft.holds.add((level, resource))


def move_cost(draft: Draft, rule: MoveCost, label: str) -> None:
    """What instances cost themselves, or what it costs from where to where."""
    world, (weight, stage) = draft.world, draft.charge(rule)
    names = rule.selected(world)
    concerned = draft.of_groups(names) & draft.runs_u
    if not concerned.any():
        return
    if rule.own:
        each = np.fromiter((u.move_cost for u in world.units), np.int64, len(draft.count_u))
        draft.away_uk[concerned, stage] += weight * each[concerned]
        return
    groups = tuple(draft.group_of[name] for name in names)
    every = not (draft.runs_u & ~concerned).any()
    if rule.pairs:
        table, beyond = _table(draft, rule, label, weight), rule.farthest
    else:
        table, beyond = -1, rule.beyond
        draft.gone_uk[concerned, stage] += weight * (rule.farthest - beyond)
    stated = [step for step in rule.steps if world.tree.domains_at(step.within)]
    steps = tuple((draft.level(step.within), weight * step.cost) for step in stated)
    draft.steps.append(StepRule(steps, weight * beyond, stage, table, None if every else groups))


def _table(draft: Draft, rule: MoveCost, label: str, weight: int) -> int:
    """Add the costs between kinds of sites, those that are in the same named domains being of a kind."""
    tree = draft.world.tree
    named = {tree.by_id[name] for pair in rule.pairs for name in (pair.source, pair.target)}
    kinds: dict[tuple[int, ...], int] = {}
    first: list[int] = []
    keys: list[int] = []
    for site in draft.sites:
        above = tuple(a for a in tree.nodes[site].ancestors if a in named)
        if above not in kinds:
            kinds[above] = len(kinds)
            first.append(site)
        keys.append(kinds[above])
    if len(first) > MOST_KINDS:
        raise Refused(f"{label}: its pairs tell {len(first)} kinds of sites apart")
    draft.key_s.append(np.array(keys, np.int64))
    draft.tables.append(weight * np.array(_costs(draft, rule, list(kinds)), np.int64))
    return len(draft.tables) - 1


def _costs(draft: Draft, rule: MoveCost, kinds: Iterable[tuple[int, ...]]) -> list[list[int]]:
    """Return the cost of a move by the kinds of both ends: that of the nearest named domains with an entry."""
    ids = [[draft.world.tree.nodes[a].id for a in reversed(above)] for above in kinds]
    cost_of = {(pair.source, pair.target): pair.cost for pair in rule.pairs}
    from_of: dict[str, dict[str, int]] = {}
    for (source, target), cost in cost_of.items():
        from_of.setdefault(source, {})[target] = cost

    def between(here: list[str], there: list[str]) -> int:
        rows = (from_of[name] for name in here if name in from_of)
        found = (row[name] for row in rows for name in there if name in row)
        return next(found, rule.beyond)

    return [[between(here, there) for there in ids] for here in ids]


def group_moves(draft: Draft, rule: GroupMoves, label: str) -> None:
    """The group with the most moves."""
    groups = tuple(g for _, g in draft.groups(rule.selected(draft.world)))
    if groups:
        draft.peaks.append(Peak(groups, rule.most, *draft.charge(rule)))
