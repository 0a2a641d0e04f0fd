"""What distance does to pairs of domains in use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zonewright.models.quantities import to_latency
from zonewright.models.rules import LatencyLimit, SynchronousReplicas
from zonewright.solver.search.board import LEAST_DOMAINS, LEAST_EACH, Bools, Places
from zonewright.solver.search.lowerings.draft import MOST_PAIRED, Draft, Far, Refused, Term


def _far_table(draft: Draft, label: str, level: int, near: Callable[[int, int], bool]) -> Bools:
    """Return which domains of a level are too far from each other."""
    nodes = list(draft.levels[level].nodes)
    if len(nodes) > MOST_PAIRED:
        raise Refused(f"{label}: compares {len(nodes)} {draft.levels[level].name}s in pairs")
    return np.array([[not near(a, b) for b in nodes] for a in nodes], bool).reshape(len(nodes), len(nodes))


def latency(draft: Draft, rule: LatencyLimit, label: str) -> None:
    """Pairs in use, or somebody near each location of clients."""
    if rule.quorum is not None:
        if draft.world.groups[rule.quorum].count:
            raise Refused(f"{label}: a majority of {rule.quorum} near a leader that is chosen too")
    elif rule.clients is not None:
        if draft.world.groups[rule.clients].count:
            _clients(draft, rule, label)
    elif rule.between is not None:
        _between(draft, rule, label, rule.between[0], rule.between[1])


def _between(draft: Draft, rule: LatencyLimit, label: str, one: str, other: str) -> None:
    g, o = draft.group_of[one], draft.group_of[other]
    if not (draft.count_g[g] and draft.count_g[o]):
        return
    level = draft.level(rule.level)
    far = _far_table(draft, label, level, lambda a, b: rule.within(draft.world, a, b))
    if g == o and far.diagonal().any():
        node = list(draft.levels[level].nodes)[int(far.diagonal().argmax())]
        name = draft.world.tree.nodes[node].id
        raise Refused(f"{label}: even inside {name} instances of {one} are beyond {rule.limit_ms:g} ms")
    _add(draft, far, g, o, level, *draft.charge(rule))


def _add(draft: Draft, far: Bools, g: int, o: int, level: int, weight: int, stage: int) -> None:
    if not far.any():
        return
    draft.far_tables.append(far)
    draft.far.append(Far(g, o, level, len(draft.far_tables) - 1, weight, stage))


def _clients(draft: Draft, rule: LatencyLimit, label: str) -> None:
    """Somebody is in the domains near each location; after any loss too, that is, in two of these."""
    group, (weight, stage) = rule.clients or "", draft.charge(rule)
    if rule.under_failure and rule.soft is not None:
        raise Refused(f"{label}: counts which losses leave the clients of {group} alone")
    world, level = draft.world, draft.levels[draft.level(rule.level)]
    for location in rule.client_locations(world):
        times = [world.client_latency(location, node) for node in level.nodes]
        near = [d for d, t in enumerate(times) if t is not None and t <= to_latency(rule.limit_ms)]
        number: Places = np.full(level.domains + 1, -1, np.int32)
        name, g = f"{rule.level}s near {location}", draft.group_of[group]
        if rule.under_failure:
            number[near] = np.arange(len(near))
            at = draft.add_level(name, number[level.domain_s], len(near))
            draft.terms.append(Term(g, LEAST_DOMAINS, at, 2, weight, stage))
        else:
            number[near] = 0
            at = draft.some_sites(name, number[level.domain_s] == 0)
            draft.terms.append(Term(g, LEAST_EACH, at, 1, weight, stage, (0,)))


def synchronous_replicas(draft: Draft, rule: SynchronousReplicas, label: str) -> None:
    """No two domains in use whose network is not known to be fit."""
    groups = [(name, g) for name, g in draft.groups(rule.selected(draft.world)) if draft.count_g[g] > 1]
    if not groups:
        return
    world, level = draft.world, draft.level(rule.level)
    far = _far_table(draft, label, level, lambda a, b: a == b or world.link(a, b, "synchronous") is True)
    if not far.any():
        return
    draft.far_tables.append(far)
    weight, stage = draft.charge(rule)
    table = len(draft.far_tables) - 1
    draft.far += [Far(g, g, level, table, weight, stage) for _, g in groups]
