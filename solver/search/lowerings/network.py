"""Networks and balancers: refused where they could bind."""

from __future__ import annotations

import numpy as np

from zonewright.models.rules import LoadBalancing, NetworkReach, SubnetFit
from zonewright.models.rules.balancer import stays_behind
from zonewright.models.rules.network import privately_reachable
from zonewright.solver.search.lowerings.draft import Draft, Pair, Refused


def network(draft: Draft, rule: NetworkReach, label: str) -> None:
    """Whom a caller reaches: anybody anywhere, or those in its own region."""
    for service in draft.world.estate.services:
        if service.public:
            continue
        for caller, called in zip(service.chain, service.chain[1:], strict=False):
            if draft.world.groups[caller].count and draft.world.groups[called].count and caller != called:
                _calls(draft, label, caller, called)


def _calls(draft: Draft, label: str, caller: str, called: str) -> None:
    world = draft.world
    regions = np.unique(draft.reach.region_s).tolist()
    reaches = np.array([[privately_reachable(world, caller, a, called, b) for b in regions] for a in regions])
    if reaches.all():
        return
    if draft.partial or not np.array_equal(reaches, np.eye(len(regions), dtype=bool)):
        raise Refused(f"{label}: {caller} has to reach {called} over private addresses")
    domain_s = np.searchsorted(np.array(regions), draft.reach.region_s).astype(np.int32)
    level = draft.add_level("region of networks", domain_s, len(regions))
    draft.pairs.append(Pair(draft.group_of[caller], draft.group_of[called], level, True, 1, 0))


def subnet(draft: Draft, rule: SubnetFit, label: str) -> None:
    """Not on a board: which subnets take whom is a question of its own."""
    world = draft.world
    cut = {name for name, vpc in world.vpcs.items() if vpc.new_subnet_prefix is not None}
    cut |= {s.vpc for s in world.subnets.values()}
    unit = next((u for u in world.units if not cut.isdisjoint(u.vpcs)), None)
    if unit is not None:
        names = ", ".join(name for name in unit.vpcs if name in cut)
        raise Refused(f"{label}: {unit.group} needs addresses in subnets of {names}")


def load_balancer(draft: Draft, rule: LoadBalancing, label: str) -> None:
    """Not on a board: the zones a balancer serves from are chosen with the plan."""
    asking = (b for b in draft.world.balancers.values() if not stays_behind(draft.world, b))
    balancer = next(asking, None)
    if balancer is not None:
        raise Refused(f"{label}: {balancer.id} asks for backends in the zones that it serves from")
