"""Load balancers: what they bind, where they serve, how many backends they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from zonewright.models.rules.base import Rule
from zonewright.models.rules.network import subnet_zone
from zonewright.models.topology import State
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.resources import LoadBalancer
    from zonewright.models.world import World


class LoadBalancing(Rule):
    """Backends of the right kind, in the balancer's region and account, enough in each of its zones.

    A balancer whose region has to be left asks for nothing.
    """

    rule: Literal["load_balancer"] = "load_balancer"
    implicit: ClassVar[bool] = True

    @property
    def suffers_from_loss(self) -> bool:
        """Backends may become too few."""
        return True

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield what is wrong with each balancer."""
        for balancer in view.world.balancers.values():
            if not stays_behind(view.world, balancer):
                yield from self._backends(view, label, balancer)
                yield from self._zones(view, label, balancer)

    def _backends(self, view: View, label: str, balancer: LoadBalancer) -> Iterator[Violation]:
        world = view.world
        kind = world.balancer_kind(balancer.kind)
        for group in balancer.backends:
            placed = view.group_sites[group]
            if not placed:
                continue
            product = world.groups[group].product or world.default_product
            if kind is not None and product not in kind.binds:
                message = f"{balancer.id} ({balancer.kind}) binds {', '.join(kind.binds)}, not {product}"
                yield self.broken(label, group, balancer.region, sum(placed.values()), message)
            account = world.groups[group].account or world.default_account
            if account != (balancer.account or world.default_account):
                message = f"{balancer.id} belongs to another account"
                yield self.broken(label, group, balancer.region, sum(placed.values()), message)
            outside: dict[int, int] = {}
            for site, count in placed.items():
                region = world.region_of(site)
                if balancer.region is not None and view.node_name(region) != balancer.region:
                    outside[region] = outside.get(region, 0) + count
            for region, count in outside.items():
                message = f"backends of {balancer.id} must be in {balancer.region}"
                yield self.broken(label, group, view.node_name(region), count, message)
            inside = sum(placed.values()) - sum(outside.values())
            if inside < balancer.least_backends:
                message = f"{inside} backends of {balancer.id}, at least {balancer.least_backends} are asked"
                yield self.broken(label, group, balancer.region, balancer.least_backends - inside, message)

    def _zones(self, view: View, label: str, balancer: LoadBalancer) -> Iterator[Violation]:
        world = view.world
        zones = balancer_zones(view, balancer)
        if not view.event:
            wanted = len(balancer.zones) or balancer.zone_count
            if len(set(zones)) != wanted:
                message = f"{balancer.id} serves from {len(set(zones))} zones, {wanted} are asked"
                yield self.broken(label, None, balancer.region, abs(wanted - len(set(zones))), message, "zones")
            candidates = balancer_candidates(world, balancer)
            for zone in zones:
                if zone not in candidates:
                    message = f"{balancer.id} cannot serve from here"
                    yield self.broken(label, None, view.node_name(zone), 1, message)
            if balancer.internal and balancer.subnet is not None and zones:
                home = subnet_zone(view, balancer.subnet)
                if home is not None and home not in zones:
                    message = f"the address of {balancer.id} is in {balancer.subnet}, which is here"
                    yield self.broken(label, None, view.node_name(home), 1, message)
        for zone in zones:
            if all(site in view.lost for site in world.tree.sites_under[zone]):
                continue
            for group in balancer.backends:
                if not view.group_sites[group]:
                    continue
                count = view.counts(group, "zone").get(zone, 0)
                if count < balancer.least_per_zone:
                    message = f"{count} backends of {balancer.id}, at least {balancer.least_per_zone} per zone"
                    short = balancer.least_per_zone - count
                    yield self.broken(label, group, view.node_name(zone), short, message)


def home_region(world: World, balancer: LoadBalancer) -> str | None:
    """Return the region of a balancer: its own, or that of the zones it serves from; None where nobody says."""
    if balancer.region is not None or not balancer.zones or balancer.zones[0] not in world.tree.by_id:
        return balancer.region
    region = world.tree.at_level(world.tree.by_id[balancer.zones[0]], "region")
    return world.tree.nodes[region].id if region is not None else None


def stays_behind(world: World, balancer: LoadBalancer) -> bool:
    """Return whether all of a balancer's region has to be left: it holds nobody there and asks for nothing."""
    region = home_region(world, balancer)
    return region is not None and world.tree.is_left(region)


def backend_fits(world: World, group: str, site: int) -> bool:
    """Return whether every balancer of a group can have an instance at the site behind it."""
    entry = world.groups[group]
    product, account = entry.product or world.default_product, entry.account or world.default_account
    region = world.tree.nodes[world.region_of(site)].id
    for balancer in world.balancers.values():
        if group not in balancer.backends or stays_behind(world, balancer):
            continue
        kind = world.balancer_kind(balancer.kind)
        if kind is not None and product not in kind.binds:
            return False
        if account != (balancer.account or world.default_account) or balancer.region not in (None, region):
            return False
    return True


def balancer_zones(view: View, balancer: LoadBalancer) -> tuple[int, ...]:
    """Return the zones a balancer serves from: its own, or those the plan chose."""
    if balancer.zones:
        return tuple(view.world.tree.by_id[z] for z in balancer.zones if z in view.world.tree.by_id)
    return tuple(view.balancer_zones.get(balancer.id, ()))


def balancer_candidates(world: World, balancer: LoadBalancer) -> set[int]:
    """Return the zones of the balancer's region that run and for which its account is entitled."""
    products = [world.groups[g].product or world.default_product for g in balancer.backends]
    held = world.accounts[balancer.account or world.default_account].entitlements
    found: set[int] = set()
    for zone in world.tree.domains_at("zone"):
        node = world.tree.nodes[zone]
        if balancer.region is not None and world.tree.nodes[world.region_of(zone)].id != balancer.region:
            continue
        states = [world.tree.state(zone, p) for p in products or [world.default_product]]
        if world.tree.must_leave(zone) or any(s in (State.FAILED, State.COMING_SOON) for s in states):
            continue
        required = [r for a in node.ancestors for r in world.tree.nodes[a].domain.requires]
        if all(r in held for r in required):
            found.add(zone)
    return found
