"""What is used in domains: capacity, load, quota, free room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zonewright.models.rules import Budget, Capacity, FreeRatio, Load, Quota
from zonewright.models.topology import Domain
from zonewright.solver.lowering.sums import quota_use
from zonewright.solver.search.board import NO_LIMIT, Ints
from zonewright.solver.search.lowerings.draft import Draft, Ratio, Refused


def capacity(draft: Draft, rule: Capacity, label: str) -> None:
    """Every domain's resources, flavour stock and number of instances."""
    known: dict[int, list[tuple[int, str | None, int]]] = {}
    for node in draft.world.tree.nodes:
        domain = node.domain
        if not (domain.capacity or domain.flavours or domain.most_instances is not None):
            continue
        if not draft.world.tree.sites_under[node.index]:
            continue
        if id(domain) not in known:
            known[id(domain)] = list(_limits(draft, node.index, domain))
        level, at = draft.at(node.index)
        for resource, what, amount in known[id(domain)]:
            more = draft.tolerate(level, resource, label, node.id, what) if draft.tolerated else 0
            draft.limit(level, at, resource, amount + more)


def _limits(draft: Draft, index: int, domain: Domain) -> Iterator[tuple[int, str | None, int]]:
    """Yield (resource, its name, amount) of a domain; hosts that were counted out share theirs."""
    node, world = draft.world.tree.nodes[index], draft.world
    for name in domain.capacity:
        usable = node.usable(name)
        if usable is not None and name in world.resources:
            yield draft.resource(name), name, usable
    for name in domain.flavours:
        stock = node.usable_flavour(name)
        if stock is not None:
            yield draft.flavour(name), name, stock
    if domain.most_instances is not None:
        yield draft.instances(), None, domain.most_instances


def load(draft: Draft, rule: Load, label: str) -> None:
    """What each domain should hold at most, of each resource by itself."""
    tree = draft.world.tree
    level = draft.level(rule.level)
    limits: dict[str, Ints] = {}
    for node, domain in draft.levels[level].nodes.items():
        for name in rule.limited(tree.nodes[node]):
            amount = rule.limit(tree.nodes[node], name)
            if amount is not None and name in draft.world.resources:
                amount_d = limits.setdefault(name, np.full(draft.levels[level].domains, NO_LIMIT))
                amount_d[domain] = amount
    weight, stage = draft.charge(rule)
    for name, amount_d in limits.items():
        if rule.soft is None:
            copy = draft.apart(level, amount_d, draft.resource(name))
            for node, domain in draft.levels[level].nodes.items() if draft.tolerated else ():
                amount_d[domain] += draft.tolerate(level, copy, label, tree.nodes[node].id, name)
        else:
            draft.wish(level, amount_d, draft.resource(name), weight, stage)


def quota(draft: Draft, rule: Quota, label: str) -> None:
    """A resource of its own, limited in one domain."""
    each = (quota_use(rule, unit) for unit in draft.world.units)
    demand_u = np.fromiter(each, np.int64, len(draft.count_u)) * draft.of_groups(rule.selected(draft.world))
    if int(demand_u @ draft.count_u) <= rule.most:
        return
    level, domain = (draft.estate, 0) if rule.domain is None else _domain(draft, rule.domain)
    if domain is None:
        return
    if rule.soft is None:
        resource = draft.counted(label, demand_u, level, domain)
        draft.limit(level, domain, resource, rule.most + draft.tolerate(level, resource, label, rule.domain, None))
        return
    resource = draft.add_resource(label, demand_u)
    amount_d = np.full(draft.levels[level].domains, NO_LIMIT)
    amount_d[domain] = rule.most
    draft.wish(level, amount_d, resource, *draft.charge(rule))


def _domain(draft: Draft, name: str) -> tuple[int, int | None]:
    node = draft.world.tree.by_id[name]
    return draft.at(node) if draft.world.tree.sites_under[node] else (0, None)


def budget(draft: Draft, rule: Budget, label: str) -> None:
    """Not on a board: prices differ from site to site."""
    if draft.groups(rule.selected(draft.world)):
        raise Refused(f"{label}: what instances cost may not pass a sum")


def free_ratio(draft: Draft, rule: FreeRatio, label: str) -> None:
    """Both resources are limited by capacity, in the domains that count."""
    level, tree = draft.level(rule.level), draft.world.tree
    one, other = draft.resource(rule.resource), draft.resource(rule.beside)
    for node, domain in draft.levels[level].nodes.items():
        usable = rule.usable(tree.nodes[node])
        if usable is not None:
            if {(level, one), (level, other)} & set(draft.raised.values()):
                raise Refused(f"{label}: what is free where more than fits is tolerated")
            draft.limit(level, domain, one, usable[0])
            draft.limit(level, domain, other, usable[1])
    draft.ratios.append(Ratio(level, one, other, rule.ratio, *draft.charge(rule)))
