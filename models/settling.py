"""An estate with a plan carried out: what was to be placed is there."""

from __future__ import annotations

from typing import Any

from zonewright.models.estate import Estate
from zonewright.models.placing import view_of
from zonewright.models.plan import Plan
from zonewright.models.resources import Subnet
from zonewright.models.world import World


def settled(world: World, plan: Plan) -> Estate:
    """Return the estate as it stands once a plan is carried out.

    Everybody is where the plan puts them, subnets and balancers have their zones, new subnets exist.
    Raises InputError when the plan names what the estate does not have.
    """
    view = view_of(world, plan)
    nodes = world.tree.nodes
    named: dict[str, tuple[str, str | None]] = {}
    current: dict[str, dict[str, int]] = {g: {} for g in world.groups}
    for row in view.rows:
        unit, site = world.units[row.unit], nodes[row.site].id
        if unit.name is not None:
            named[unit.name] = (site, row.subnet)
        else:
            of_group = current[unit.group]
            of_group[site] = of_group.get(site, 0) + row.count
    estate = world.estate
    update: dict[str, Any] = {
        "groups": [g.model_copy(update={"current": current[g.id]}) for g in estate.groups],
        "instances": [
            i.model_copy(update=dict(zip(("site", "subnet"), named.get(i.id, (None, None)), strict=True)))
            for i in estate.instances
        ],
    }
    if plan.balancers:
        zones = {entry.balancer: entry.zones for entry in plan.balancers}
        update["load_balancers"] = [
            b.model_copy(update={"zones": zones[b.id]}) if b.id in zones else b for b in estate.load_balancers
        ]
    if plan.subnets or plan.new_subnets:
        update["subnets"] = _subnets(estate, plan)
    return estate.model_copy(update=update)


def _subnets(estate: Estate, plan: Plan) -> list[Subnet]:
    chosen = {entry.subnet: entry for entry in plan.subnets}
    found: list[Subnet] = []
    for subnet in estate.subnets:
        entry = chosen.get(subnet.id)
        if entry is None:
            found.append(subnet)
            continue
        cidr = entry.cidr or subnet.cidr
        fields: dict[str, Any] = {"zone": entry.zone or subnet.zone, "cidr": cidr}
        if cidr is not None:
            fields["prefix"] = None
        found.append(subnet.model_copy(update=fields))
    found += [Subnet(id=new.id, vpc=new.vpc, cidr=new.cidr, zone=new.zone) for new in plan.new_subnets]
    return found
