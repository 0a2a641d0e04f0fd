"""Subnets at every moment: which are there, in which zone, with which block, and who has an address in them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from zonewright.models.catalogue import Scope
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Deed
from zonewright.models.executor.whereabouts import Whereabouts
from zonewright.models.placing import new_subnet_room
from zonewright.models.plan import Plan
from zonewright.models.rules.network import addresses
from zonewright.models.view import View
from zonewright.models.world import World


@dataclass
class Block:
    """A subnet as it is."""

    vpc: str
    zone: int | None
    network: ipaddress.IPv4Network | None
    room: int | None
    there: bool = True
    """Whether instances can sit in it: not before it is created, nor once its deletion begins."""
    taken: bool = True
    """Whether its block is in use: until its deletion is over, and from the start of its creation."""
    used: int = 0
    settled: int = 0
    peak: int = 0


class Subnets:
    """Blocks by subnet. `seats` of an action say where its instances had their addresses."""

    def __init__(
        self, world: World, dead: frozenset[int], target: Plan | None, people: Whereabouts, findings: Findings
    ) -> None:
        self.world, self.dead, self.findings = world, dead, findings
        self.new = {entry.id: entry for entry in target.new_subnets} if target is not None else {}
        self.chosen = {entry.subnet: entry for entry in target.subnets} if target is not None else {}
        self.blocks: dict[str, Block] = {}
        self.virtual: dict[str, set[str]] = {}
        """Subnet to the internal balancers whose address is in it."""
        self._touched: dict[str, Deed] = {}
        self._view = View(world, [])
        zonal = world.scope(world.default_product, "subnet") is Scope.ZONAL
        seated: dict[str, int] = {}
        for seats in people.seats.values():
            for (_, name), count in seats.items():
                if name is not None:
                    seated[name] = seated.get(name, 0) + count
        for subnet in world.subnets.values():
            there = subnet.cidr is not None and not (zonal and subnet.zone is None)
            if there or subnet.id in seated:
                network = ipaddress.IPv4Network(subnet.cidr) if subnet.cidr else None
                zone = world.tree.by_id.get(subnet.zone) if subnet.zone is not None else None
                block = Block(subnet.vpc, zone, network, addresses(self._view, subnet.id))
                block.used = block.settled = block.peak = seated.get(subnet.id, 0)
                self.blocks[subnet.id] = block
        for balancer in world.balancers.values():
            if balancer.internal and balancer.subnet is not None:
                self.virtual.setdefault(balancer.subnet, set()).add(balancer.id)

    def take(self, deed: Deed, name: str, count: int, site: int) -> None:
        """Instances take addresses in a subnet at a site."""
        block = self.blocks.get(name)
        if block is None or not block.there:
            self._fault(deed, deed.start, f"{name} is not there when addresses in it are taken", name)
            return
        if block.zone is not None and block.zone != self.world.zone_of(site):
            zone = self.world.tree.nodes[block.zone].id
            self._fault(deed, deed.start, f"{name} is in {zone}, not where its instances are to sit", name)
        self._change(deed, name, count)

    def free(self, deed: Deed, name: str, count: int) -> None:
        """Instances give back addresses of a subnet."""
        if name in self.blocks:
            self._change(deed, name, -count)

    def _change(self, deed: Deed, name: str, count: int) -> None:
        self.blocks[name].used += count
        if count > 0 or name not in self._touched:
            self._touched[name] = deed

    def settle(self, second: int) -> None:
        """Judge the moment: no subnet holds more than it has addresses, unless it did before."""
        for name, deed in self._touched.items():
            block = self.blocks[name]
            if block.room is not None and block.used > max(block.room, block.settled):
                message = f"{name}: {block.used} addresses taken at once, {block.room} are free for instances"
                self.findings.add(
                    self._breach(deed, second, message, name, block.used - block.room), name, "addresses"
                )
            block.settled = block.used
            block.peak = max(block.peak, block.used)
        self._touched.clear()

    def delete_starts(self, deed: Deed) -> None:
        """A subnet is about to be deleted: it has to be empty, and its zone alive."""
        name = deed.step.thing or ""
        block = self.blocks.get(name)
        if block is None or not block.there:
            self._fault(deed, deed.start, f"{name} is not there to be deleted", name)
            return
        block.there = False
        subnet = self.world.subnets.get(name)
        if block.zone is not None and set(self.world.tree.sites_under[block.zone]) <= self.dead:
            self._fault(deed, deed.start, f"{name} is in a zone that has failed and cannot be deleted", name)
        others = (subnet.used if subnet else 0) + len(self.virtual.get(name, ()))
        if block.used + others:
            parts = [
                f"{count} {what}"
                for count, what in (
                    (block.used, "instances"),
                    (subnet.used if subnet else 0, "other things"),
                    (len(self.virtual.get(name, ())), "internal balancers"),
                )
                if count
            ]
            message = f"{name} still holds {', '.join(parts)} when it is deleted"
            self.findings.add(self._breach(deed, deed.start, message, name, block.used + others))

    def delete_ends(self, deed: Deed) -> None:
        """The block is free again."""
        block = self.blocks.get(deed.step.thing or "")
        if block is not None:
            block.taken = False

    def create_starts(self, deed: Deed) -> None:
        """A block is taken in a network: no other may have any of it."""
        name = deed.step.thing or ""
        known = self.blocks.get(name)
        if known is not None and known.taken:
            self._fault(deed, deed.start, f"{name} is there already", name)
            return
        subnet, new = self.world.subnets.get(name), self.new.get(name)
        if subnet is None and new is None:
            self._fault(deed, deed.start, f"{name} is no subnet of the estate or the target", name)
            return
        vpc = subnet.vpc if subnet is not None else new.vpc  # type: ignore[union-attr]
        text = deed.step.cidr or (subnet.cidr if subnet is not None else None)
        wanted = new.cidr if new is not None else subnet.cidr  # type: ignore[union-attr]
        if wanted is not None and text not in (None, wanted):
            self._fault(deed, deed.start, f"{name} is created with {text}, it is to have {wanted}", name)
        try:
            network = ipaddress.IPv4Network(text or wanted) if text or wanted else None
        except ValueError:
            self._fault(deed, deed.start, f"{name}: {text} is no block", name)
            network = None
        if network is not None:
            for other_name, other in self.blocks.items():
                if other.taken and other.vpc == vpc and other.network and network.overlaps(other.network):
                    message = f"{name}: {network} overlaps {other.network} of {other_name}, which is there"
                    self._fault(deed, deed.start, message, name)
        if new is not None:
            room: int | None = new_subnet_room(self.world, vpc, ipaddress.IPv4Network(new.cidr).prefixlen)
        else:
            room = addresses(self._view, name)
        self.blocks[name] = Block(vpc, self._zone(deed), network, room, there=False)

    def create_ends(self, deed: Deed) -> None:
        """The subnet is there."""
        block = self.blocks.get(deed.step.thing or "")
        if block is not None:
            block.there = True

    def _zone(self, deed: Deed) -> int | None:
        if deed.at is None:
            return None
        zone = self.world.tree.at_level(deed.at, "zone")
        if zone is not None and set(self.world.tree.sites_under[zone]) <= self.dead:
            self._fault(deed, deed.start, f"{deed.step.thing} is created in a zone that has failed", "zone")
        return zone

    def finish(self) -> None:
        """Compare with the target: a subnet that it chose a zone for is there."""
        tree = self.world.tree
        zones = {name: entry.zone for name, entry in self.chosen.items()}
        zones |= {name: entry.zone for name, entry in self.new.items()}
        for name, zone in zones.items():
            block = self.blocks.get(name)
            if block is None or zone is None:
                continue
            if not block.there or block.zone != tree.by_id.get(zone):
                where = tree.nodes[block.zone].id if block.there and block.zone is not None else "no zone"
                message = f"{name} is to be in {zone} at the end, it is in {where}"
                self.findings.add(Breach(Fault.SUBNET, message, domain=zone, what=name), name, "end")

    def _fault(self, deed: Deed, second: int, message: str, name: str) -> None:
        self.findings.add(self._breach(deed, second, message, name, 1))

    def _breach(self, deed: Deed, second: int, message: str, name: str, amount: int) -> Breach:
        block = self.blocks.get(name)
        zone = self.world.tree.nodes[block.zone].id if block is not None and block.zone is not None else None
        return Breach(
            Fault.SUBNET,
            message,
            step=deed.step.id,
            action=deed.act.action.id,
            group=deed.act.action.group,
            domain=zone,
            second=second,
            amount=amount,
            what=name,
        )
