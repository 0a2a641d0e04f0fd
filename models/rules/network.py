"""Private networks: who can sit where, who reaches whom, and which addresses are free."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from zonewright.models.catalogue import Scope
from zonewright.models.rules.base import ReachRule, Rule
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


class NetworkReach(ReachRule):
    """An instance sits in a region where its group has a network; a caller reaches what it calls."""

    rule: Literal["network"] = "network"
    implicit: ClassVar[bool] = True

    @property
    def suffers_from_loss(self) -> bool:
        """Whom a caller reached may be lost."""
        return True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the lack of a network in the region."""
        if unit.vpcs and vpc_at(world, unit, site) is None:
            return f"none of the networks {', '.join(unit.vpcs)} is in this region and account"
        return None

    def domain_of(self, world: World, site: int) -> int:
        """Name the region."""
        return world.region_of(site)

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield units without a network, and callers that reach nobody in the next group."""
        yield from super().violations(view, label)
        world = view.world
        for service in world.estate.services:
            if service.public:
                continue
            for caller, called in zip(service.chain, service.chain[1:], strict=False):
                targets = {world.region_of(s) for s in view.group_sites[called]}
                if not targets:
                    continue
                for region in sorted({world.region_of(s) for s in view.group_sites[caller]}):
                    if not any(privately_reachable(world, caller, region, called, t) for t in targets):
                        name = view.node_name(region)
                        message = f"reaches no instance of {called} over private addresses"
                        yield self.broken(label, caller, name, 1, message)


def vpc_at(world: World, unit: Unit, site: int) -> str | None:
    """Return the unit's network in the region of a site, None where it has none there."""
    region = world.tree.nodes[world.region_of(site)].id
    for name in unit.vpcs:
        vpc = world.vpcs[name]
        if vpc.region in (None, region) and vpc.account in (None, unit.account):
            return name
    return None


def privately_reachable(world: World, caller: str, here: int, called: str, there: int) -> bool:
    """Return whether `caller` in the region `here` reaches `called` in the region `there` privately.

    The caller's catalogue says whether accounts reach each other, and what its networks do within and
    across regions; peering and links between regions are data of the estate. Two networks must be the
    same, or peered where the catalogue knows peering.
    """
    one, other = world.groups[caller], world.groups[called]
    what = world.networking(one.product or world.default_product)
    one_account, other_account = one.account or world.default_account, other.account or world.default_account
    if one_account != other_account and not what.across_accounts:
        return False
    mine = [v for v in one.vpcs if world.vpcs[v].region in (None, world.tree.nodes[here].id)]
    theirs = [v for v in other.vpcs if world.vpcs[v].region in (None, world.tree.nodes[there].id)]
    if mine and theirs and any(a == b or (what.peering and (a, b) in world.peered) for a in mine for b in theirs):
        return True
    if here != there:
        return what.across_regions or world.link(here, there, "private") is True
    return what.within_region and (not mine or not theirs)


class SubnetFit(Rule):
    """Every instance with a network sits in a subnet of it that reaches its zone and has an address left.

    Subnets that exist stay in their zone. A subnet that is still to be cut needs a block of its own from the
    network's free space once somebody or a balancer's address is in it; so
    does every new one.
    """

    rule: Literal["subnet"] = "subnet"
    implicit: ClassVar[bool] = True

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield instances in no or the wrong subnet, overfull subnets, and new blocks that overlap."""
        world = view.world
        used: dict[str, int] = {}
        for row in view.rows:
            unit = world.units[row.unit]
            vpc = vpc_at(world, unit, row.site) if unit.vpcs else None
            if vpc is None or not has_subnets(view, vpc):
                continue
            reason = _misfit(view, unit, row.site, vpc, row.subnet)
            if reason is not None:
                zone = view.node_name(world.zone_of(row.site))
                yield self.broken(label, unit.group, zone, row.count, reason)
            elif row.subnet is not None:
                used[row.subnet] = used.get(row.subnet, 0) + row.count
        for name, count in used.items():
            room = addresses(view, name)
            if room is not None and count > room:
                zone_index = subnet_zone(view, name)
                zone_name = view.node_name(zone_index) if zone_index is not None else None
                message = f"{name}: {count} instances, {room} addresses free"
                yield self.broken(label, None, zone_name, count - room, message)
        for name, message in view.block_faults.items():
            zone_index = subnet_zone(view, name)
            zone_name = view.node_name(zone_index) if zone_index is not None else None
            yield self.broken(label, None, zone_name, 1, message)


def has_subnets(view: View, vpc: str) -> bool:
    """Return whether the estate or the plan says anything of a network's subnets."""
    world = view.world
    return (
        world.vpcs[vpc].new_subnet_prefix is not None
        or any(s.vpc == vpc for s in world.subnets.values())
        or any(v == vpc for v, _, _ in view.subnet_sizes.values())
    )


def subnet_zone(view: View, name: str) -> int | None:
    """Return the zone of a subnet, None where it has none."""
    if name in view.subnet_sizes:
        zone = view.subnet_sizes[name][1]
        return zone if zone >= 0 else None
    zone_name = view.world.subnets[name].zone
    if zone_name is not None:
        return view.world.tree.by_id.get(zone_name)
    return view.subnet_zones.get(name)


def addresses(view: View, name: str) -> int | None:
    """Return how many instances a subnet takes: its size less what is reserved and used."""
    world = view.world
    if name in view.subnet_sizes:
        return view.subnet_sizes[name][2]
    subnet = world.subnets[name]
    if subnet.cidr is not None:
        size = ipaddress.IPv4Network(subnet.cidr).num_addresses
    else:
        size = 1 << (32 - (subnet.prefix or 32))
    addressing = next((c.addressing for c in reversed(world.catalogues) if c.addressing), None)
    kept = addressing.reserved_per_subnet if addressing else 0
    virtual = sum(1 for b in world.balancers.values() if b.internal and b.subnet == name)
    return max(0, size - kept - subnet.reserved - subnet.used - virtual)


def _misfit(view: View, unit: Unit, site: int, vpc: str, name: str | None) -> str | None:
    world = view.world
    if name is None:
        return "sits in no subnet"
    if name not in world.subnets and name not in view.subnet_sizes:
        return f"sits in {name}, which is unknown"
    of = view.subnet_sizes[name][0] if name in view.subnet_sizes else world.subnets[name].vpc
    if of != vpc:
        return f"sits in {name}, which belongs to the network {of}"
    if unit.subnets and name not in unit.subnets:
        return f"sits in {name}, only {', '.join(unit.subnets)} is allowed"
    zone = subnet_zone(view, name)
    zonal = world.scope(unit.product, "subnet") is Scope.ZONAL
    if zone is None and zonal:
        return f"sits in {name}, which has no zone yet"
    if zone is not None and zone != world.zone_of(site):
        return f"sits in {name}, which is in {view.node_name(zone)}"
    return None
