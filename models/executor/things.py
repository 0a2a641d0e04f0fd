"""Images, copies, disks, addresses and balancers at every moment: what is there, and who has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from zonewright.models.catalogue import Scope
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Act, Deed
from zonewright.models.executor.subnets import Subnets
from zonewright.models.operations import Operation
from zonewright.models.resources import Disk, ElasticIp, Regional, Snapshot
from zonewright.models.rules.balancer import balancer_candidates, stays_behind
from zonewright.models.world import Unit, World

#: Who holds an address or a disk: a unit, by an action or (-1) as it was at second 0.
Holder = tuple[int, int]


class Things:
    """What instances hang on. Node indices are those of the tree, which the event does not change."""

    def __init__(
        self, before: World, after: World, dead: frozenset[int], subnets: Subnets, findings: Findings
    ) -> None:
        self.world, self.after, self.dead = before, after, dead
        self.subnets, self.findings = subnets, findings
        self.regions_of: dict[str, set[str]] = {i.id: set(i.regions) for i in before.images.values()}
        """Where each image is; empty: everywhere."""
        self.own_images: dict[int, set[int | None]] = {}
        """Action to the regions that hold the image made of its instances."""
        self.bound: dict[str, Holder | None] = {}
        self.attached: dict[str, Holder | None] = {}
        self.copied: set[tuple[str, int]] = set()
        """(disk, action) for which a copy of the disk was made."""
        self.dead_units: set[int] = set()
        for unit in before.units:
            # What runs nowhere holds nothing: its things are free for whoever is started in its name.
            for name in unit.elastic_ips if unit.current else ():
                self.bound[name] = (unit.index, -1)
            for name in unit.disks if unit.current else ():
                self.attached[name] = (unit.index, -1)
            if unit.current and set(unit.current) <= dead:
                self.dead_units.add(unit.index)
        for address in before.attachables["elastic_ip"].values():
            standby = address.bound_to if isinstance(address, ElasticIp) else None
            if standby is not None and before.units_of.get(standby):
                self.bound[address.id] = (before.units_of[standby][0].index, -1)
        self.balancers: dict[str, bool] = {}
        """Whether each balancer is there; one whose zones have all failed is not."""
        for balancer in before.balancers.values():
            zones = [before.tree.by_id[z] for z in balancer.zones if z in before.tree.by_id]
            self.balancers[balancer.id] = not zones or any(not self._failed(z) for z in zones)

    def start(self, deed: Deed) -> None:
        """Judge what a step needs when it starts."""
        do = deed.step.do
        if do is Operation.CREATE_INSTANCE:
            self._creates(deed)
        elif do in (Operation.RESTORE_SYSTEM, Operation.RESTORE_DISK):
            self._restores(deed)
        elif do is Operation.START:
            self._starts(deed)
        elif do is Operation.COPY_IMAGE:
            self._copies_image(deed)
        elif do is Operation.ATTACH_DISK:
            self._attaches(deed)
        elif do is Operation.ASSOCIATE_ADDRESS:
            self._associates(deed)
        elif do is Operation.BIND_BACKEND:
            if not self.balancers.get(deed.step.thing or "", False):
                self._fault(Fault.BALANCER, deed, f"{deed.step.thing} is not there to bind backends to")
        elif do is Operation.DELETE_BALANCER:
            self._deletes_balancer(deed)
        elif do is Operation.CREATE_BALANCER:
            self._creates_balancer(deed)
        elif do is Operation.SWITCH_BALANCER:
            self._switches_balancer(deed)

    def end(self, deed: Deed) -> None:
        """Note what is there once a step is over."""
        do, thing, act = deed.step.do, deed.step.thing or "", deed.act
        if do is Operation.CREATE_IMAGE and act.source is not None:
            self.own_images.setdefault(act.index, set()).add(self._region(act.source))
        elif do is Operation.COPY_IMAGE:
            self._has_image(deed)
        elif do is Operation.DETACH_DISK:
            self.attached[thing] = None
        elif do is Operation.ATTACH_DISK:
            self.attached[thing] = (self._unit(act), act.index)
        elif do in (Operation.COPY_DISK, Operation.RESTORE_DISK):
            self.copied.add((thing, act.index))
        elif do is Operation.DISSOCIATE_ADDRESS:
            self.bound[thing] = None
        elif do is Operation.ASSOCIATE_ADDRESS:
            self.bound[thing] = (self._unit(act), act.index)
        elif do is Operation.DELETE_BALANCER:
            for virtual in self.subnets.virtual.values():
                virtual.discard(thing)
        elif do is Operation.CREATE_BALANCER:
            self.balancers[thing] = True

    def finish(self) -> None:
        """Balancers that are to serve at the end are there."""
        for balancer in self.after.balancers.values():
            if stays_behind(self.after, balancer):
                continue
            if not self.balancers.get(balancer.id, True) and balancer.backends:
                message = f"{balancer.id} is not there at the end"
                self.findings.add(Breach(Fault.BALANCER, message, what=balancer.id), balancer.id, "end")

    def _creates(self, deed: Deed) -> None:
        act = deed.act
        if act.target is None:
            return
        region = self._region(act.target)
        name = self.world.tree.nodes[region].id if region is not None else None
        if any(other.step.do is Operation.CREATE_IMAGE for other in act.deeds):
            if region not in self.own_images.get(act.index, ()):
                where = f"in {name}" if name is not None else "there"
                self._fault(Fault.IMAGE, deed, f"the image made of the original is not {where}", name)
            return
        for image, product in dict.fromkeys((unit.image, unit.product) for unit, _ in act.parts):
            if image is None or self.world.scope(product, "image") is Scope.GLOBAL:
                continue
            held = self.regions_of[image]
            if held and name is not None and name not in held:
                self._fault(Fault.IMAGE, deed, f"image {image} is not in {name}", name)

    def _copies_image(self, deed: Deed) -> None:
        act, thing = deed.act, deed.step.thing
        image = self.world.images.get(thing or "")
        if image is None:
            made = self.own_images.get(act.index)
            if not made:
                self._fault(Fault.IMAGE, deed, f"{thing} is copied, and there is no such image")
            return
        held = self.regions_of[image.id]
        if held and all(self._failed(self.world.tree.by_id[r]) for r in held if r in self.world.tree.by_id):
            self._fault(Fault.IMAGE, deed, f"image {image.id} is only where all has failed")

    def _has_image(self, deed: Deed) -> None:
        node = deed.at if deed.at is not None else deed.act.target
        if node is None:
            return
        region = self._region(node)
        held = self.regions_of.get(deed.step.thing or "")
        if held is None:
            self.own_images.setdefault(deed.act.index, set()).add(region)
        elif held and region is not None:
            held.add(self.world.tree.nodes[region].id)

    def _region(self, node: int) -> int | None:
        """Return the region of a node; None stands for all of an estate that has no regions."""
        return self.world.tree.at_level(node, "region")

    def _restores(self, deed: Deed) -> None:
        thing = deed.step.thing
        for unit, _ in deed.act.parts:
            if deed.step.do is Operation.RESTORE_DISK:
                held = thing is None or thing not in unit.disks or self.copies(unit, {thing}, exact=True)
                if unit.stateful and not held:
                    self._fault(Fault.COPY, deed, f"disk {thing} has no copy that lives")
            elif unit.stateful and not self.copies(unit, {unit.name, unit.group}):
                self._fault(Fault.COPY, deed, f"{unit.name or unit.group} has no copy of its system that lives")

    def _starts(self, deed: Deed) -> None:
        act = deed.act
        if act.source is None or not act.dead:
            return
        zone = self.world.zone_of(act.source)
        for unit, _ in act.parts:
            if unit.movability.local_disk and unit.stateful:
                message = f"{unit.name or unit.group} had its disk on the host that is lost"
                self._fault(Fault.COPY, deed, message)
            elif self._failed(zone) and unit.stateful:
                message = f"the volumes of {unit.name or unit.group} are lost with their zone"
                self._fault(Fault.COPY, deed, message)

    def copies(self, unit: Unit, of: set[str | None], *, exact: bool = False) -> list[Snapshot]:
        """Return living copies of one of these; one that does not say of what counts unless `exact`."""
        found: list[Snapshot] = []
        for name in unit.snapshots:
            copy = self.world.attachables["snapshot"][name]
            if not isinstance(copy, Snapshot):
                continue
            if (copy.of in of or (copy.of is None and not exact)) and not any(
                map(self._failed, self._homes(copy))
            ):
                found.append(copy)
        return found

    def data_loss(self, act: Act) -> float | None:
        """Return the age in minutes of the oldest copy that a recovery uses, None where it cannot be known."""
        taken_at = self.world.estate.taken_at
        moments: list[datetime | None] = []
        for unit, _ in act.parts:
            for deed in act.deeds:
                if deed.step.do is Operation.RESTORE_SYSTEM:
                    moments.append(_newest(self.copies(unit, {unit.name, unit.group})))
                elif deed.step.do is Operation.RESTORE_DISK and deed.step.thing is not None:
                    moments.append(_newest(self.copies(unit, {deed.step.thing}, exact=True)))
        if taken_at is None or not moments:
            return None
        known = [moment for moment in moments if moment is not None]
        if len(known) < len(moments):
            return None
        return max((taken_at - moment).total_seconds() for moment in known) / 60

    def _homes(self, thing: Regional) -> Iterator[int]:
        for name in (thing.zone, thing.region):
            if name is not None and name in self.world.tree.by_id:
                yield self.world.tree.by_id[name]

    def _failed(self, node: int) -> bool:
        sites = self.world.tree.sites_under[node]
        return bool(sites) and all(site in self.dead for site in sites)

    def reaches(self, unit: Unit, kind: str, thing: Regional, site: int, source: int | None) -> bool:
        """Return whether a thing can be used at a site as it is: by its kind's scope, and alive.

        One that does not say where it is counts as being where its instance was.
        """
        scope = self.world.scope(unit.product, kind)
        if scope in (Scope.GLOBAL, Scope.NONE):
            return True
        tree = self.world.tree
        region = tree.by_id.get(thing.region) if thing.region is not None else None
        if region is None and source is not None:
            region = tree.at_level(source, "region")
        here = tree.at_level(site, "region")
        if region is not None and here is not None and region != here:
            return False
        if scope is not Scope.ZONAL:
            return region is None or not self._failed(region)
        zone = tree.by_id.get(thing.zone) if thing.zone is not None else None
        if zone is None and thing.region is None and source is not None:
            zone = self.world.zone_of(source)
        return zone is None or (zone == self.world.zone_of(site) and not self._failed(zone))

    def _attaches(self, deed: Deed) -> None:
        act, name = deed.act, deed.step.thing or ""
        disk = self.world.attachables["disk"].get(name)
        if not isinstance(disk, Disk) or not act.parts:
            self._fault(Fault.DISK, deed, f"{name} is no disk of the estate")
            return
        if (name, act.index) in self.copied:
            return
        unit = act.parts[0][0]
        holder = self.attached.get(name)
        if holder is not None and holder[0] not in self.dead_units and not self._same(holder, act):
            self._fault(Fault.DISK, deed, f"disk {name} is still attached to another instance")
        elif act.target is not None and not self.reaches(unit, "disk", disk, act.target, act.source):
            self._fault(Fault.DISK, deed, f"disk {name} cannot be attached at {act.action.target}")

    def _associates(self, deed: Deed) -> None:
        act, name = deed.act, deed.step.thing or ""
        address = self.world.attachables["elastic_ip"].get(name)
        if not isinstance(address, ElasticIp):
            self._fault(Fault.ELASTIC_IP, deed, f"{name} is no elastic IP of the estate")
            return
        holder = self.bound.get(name)
        if holder is not None and holder[0] not in self.dead_units and not self._same(holder, act):
            self._fault(Fault.ELASTIC_IP, deed, f"elastic IP {name} is still bound to another instance")
        elif not self._usable(act, address):
            self._fault(Fault.ELASTIC_IP, deed, f"elastic IP {name} cannot be used at {act.action.target}")

    def _usable(self, act: Act, address: ElasticIp) -> bool:
        if act.target is None or not act.parts:
            return True
        return self.reaches(act.parts[0][0], "elastic_ip", address, act.target, None)

    def _same(self, holder: Holder, act: Act) -> bool:
        """Return whether an unnamed member of the same batch has it: nobody says which one."""
        return holder[0] == self._unit(act) and self.world.units[holder[0]].name is None

    def _unit(self, act: Act) -> int:
        if act.action.takes_over is not None:
            return self.world.units_of[act.action.takes_over][0].index
        return act.parts[0][0].index if act.parts else -1

    def _deletes_balancer(self, deed: Deed) -> None:
        name = deed.step.thing or ""
        if not self.balancers.get(name, False):
            self._fault(Fault.BALANCER, deed, f"{name} is not there to be deleted")
        self.balancers[name] = False

    def _creates_balancer(self, deed: Deed) -> None:
        name = deed.step.thing or ""
        balancer = self.after.balancers.get(name)
        if balancer is None:
            self._fault(Fault.BALANCER, deed, f"{name} is no balancer of the estate")
            return
        if self.balancers[name]:
            self._fault(Fault.BALANCER, deed, f"{name} is there already")
        zone = self.world.tree.at_level(deed.at, "zone") if deed.at is not None else None
        if zone is not None and zone not in balancer_candidates(self.after, balancer):
            where = self.world.tree.nodes[zone].id
            self._fault(Fault.BALANCER, deed, f"{name} cannot serve from {where}", where)
        subnet = deed.act.action.subnet or balancer.subnet
        if balancer.internal and subnet is not None:
            block = self.subnets.blocks.get(subnet)
            if block is None or not block.there:
                self._fault(
                    Fault.BALANCER, deed, f"the address of {name} is to be in {subnet}, which is not there"
                )
            self.subnets.virtual.setdefault(subnet, set()).add(name)

    def _switches_balancer(self, deed: Deed) -> None:
        name = deed.step.thing or ""
        balancer = self.world.balancers.get(name)
        if balancer is None:
            self._fault(Fault.BALANCER, deed, f"{name} is no balancer of the estate")
            return
        kind = self.world.balancer_kind(balancer.kind)
        if kind is not None and not kind.switch_by_provider:
            self._fault(Fault.BALANCER, deed, f"the provider does not switch {name} ({balancer.kind}) by itself")
        elif not self.balancers[name]:
            self._fault(Fault.BALANCER, deed, f"{name} has no zone left to be switched to")

    def _fault(self, fault: Fault, deed: Deed, message: str, domain: str | None = None) -> None:
        self.findings.add(
            Breach(
                fault,
                message,
                step=deed.step.id,
                action=deed.act.action.id,
                group=deed.act.action.group,
                domain=domain or deed.act.action.target,
                second=deed.start,
                what=deed.step.thing,
            )
        )


def _newest(copies: list[Snapshot]) -> datetime | None:
    moments = [copy.taken_at for copy in copies if copy.taken_at is not None]
    return max(moments, default=None)
