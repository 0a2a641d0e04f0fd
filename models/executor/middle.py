"""An estate in the middle of a migration: what the steps that are done have made of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from zonewright.models.aftermath import aftermath
from zonewright.models.estate import Estate
from zonewright.models.executor.cast import Act, Deed, cast_of
from zonewright.models.executor.schedule import beginning
from zonewright.models.executor.whereabouts import Whereabouts
from zonewright.models.migration import Migration
from zonewright.models.operations import Operation
from zonewright.models.problems import InputError, maybe
from zonewright.models.resources import Disk, Image, LoadBalancer, Subnet
from zonewright.models.world import World


def estate_after(
    world: World, migration: Migration, done: Collection[str], failed: Collection[str] = ()
) -> Estate:
    """Return the estate as it stands once some steps of a migration are done, to plan the rest from.

    What is under way or failed counts as not done: an instance is where it runs, or at its source as long as
    it runs nowhere else; a destroyed one is nowhere. Subnets, copies of images, balancers and addresses are as
    the steps have left them. The event itself is not in it: what is lost and not brought back is still listed
    at its old site, for the same event to be planned again; so is what a standby serves for, whose addresses say
    so (`bound_to`), for the standby to hand it back.

    Raises InputError for a step that the migration does not have, or one that is both done and failed.
    """
    known = {step.id for step in migration.steps}
    for what, names in (("done", done), ("failed", failed)):
        for name in names:
            if name not in known:
                raise InputError(f"the migration has no step {name}.{maybe(name, known)}", path=(what,))
    both = sorted(set(done) & set(failed))
    if both:
        raise InputError(f"{both[0]} is both done and failed", path=("failed",))
    return _Middle(world, migration, frozenset(done)).estate()


class _Middle:
    def __init__(self, world: World, migration: Migration, done: frozenset[str]) -> None:
        self.world, self.migration = world, migration
        after = aftermath(world, migration.event, lenient=migration.lenient, given_up=migration.given_up)
        self.dead = after.dead
        self.cast = cast_of(world, migration, self.dead)
        self.done = done
        self.people = Whereabouts(world, frozenset())
        """With what is dead still at its old site."""
        self.index_of = {unit.name: unit.index for unit in world.units if unit.name is not None}
        self.moved: dict[str, int] = {}
        """Named instance to the second at which it arrived."""

    def estate(self) -> Estate:
        ready = sorted(self.cast.acts, key=lambda act: min((d.start for d in act.deeds), default=0))
        for act in ready:
            self._act(act)
        estate = self.world.estate
        update: dict[str, Any] = {
            "groups": [self._group(group) for group in estate.groups],
            "instances": [self._instance(entry) for entry in estate.instances],
            "subnets": self._subnets(),
            "images": [self._image(image) for image in estate.images],
            "load_balancers": self._balancers(),
            "elastic_ips": self._addresses(),
            "disks": self._disks(),
        }
        return estate.model_copy(update={k: v for k, v in update.items() if v != getattr(estate, k)})

    def _is_done(self, deed: Deed | None) -> bool:
        return deed is not None and deed.step.id in self.done

    def _act(self, act: Act) -> None:
        """Put an action's instances where its done steps have brought them."""
        if act.action.kind == "takeover" or not act.parts or (act.target is None and not act.stops_for_good):
            return
        arrived = self._is_done(act.first("runs"))
        destroyed = any(self._is_done(d) and d.step.do is Operation.DESTROY_ORIGINAL for d in act.deeds) or (
            act.stops_for_good and self._is_done(act.first("stops"))
        )
        if not arrived and not destroyed:
            self._reseat(act)
            return
        for unit, count in act.parts:
            if act.source is not None:
                found = sum(n for _, n in self.people.leave(unit, act.source, count, act.action.subnet))
                count = min(count, found)
            if arrived and act.target is not None and count:
                self.people.arrive(unit, act.target, act.action.subnet, count)
                if unit.name is not None:
                    runs = act.first("runs")
                    self.moved[unit.name] = runs.end if runs is not None else 0

    def _reseat(self, act: Act) -> None:
        """Put paid originals that wait in another subnet there; they have not moved yet."""
        for deed in act.deeds:
            if deed.step.do is Operation.CHANGE_SUBNET and self._is_done(deed) and act.source is not None:
                for unit, count in act.parts:
                    found = sum(n for _, n in self.people.leave(unit, act.source, count))
                    if found:
                        self.people.arrive(unit, act.source, deed.step.thing, found)

    def _group(self, group: Any) -> Any:
        unnamed = next((u for u in self.world.units_of[group.id] if u.name is None), None)
        update: dict[str, Any] = {}
        if unnamed is not None:
            current: dict[str, int] = {}
            for (site, _), count in sorted(self.people.seats[unnamed.index].items(), key=lambda e: e[0][0]):
                name = self.world.tree.nodes[site].id
                current[name] = current.get(name, 0) + count
            before = {site: n for site, n in group.current.items() if n}
            if current != before:
                update["current"] = current
        return group.model_copy(update=update) if update else group

    def _instance(self, instance: Any) -> Any:
        seats = list(self.people.seats[self.index_of[instance.id]])
        site = self.world.tree.nodes[seats[0][0]].id if seats else None
        if site == instance.site and (not seats or seats[0][1] in (None, instance.subnet)):
            return instance
        update: dict[str, Any] = {"site": site, "private_ip": None, "subnet": seats[0][1] if seats else None}
        origin = beginning(self.world, self.migration)
        if instance.id in self.moved and origin is not None:
            try:
                update["last_moved"] = origin + timedelta(seconds=self.moved[instance.id])
            except OverflowError:
                what = "is so late that the migration ends beyond the calendar"
                raise InputError(what, path=("starts_at",)) from None
        return instance.model_copy(update=update)

    def _subnets(self) -> list[Subnet]:
        """Return the subnets that are there or were to be cut: without the deleted, with the created ones."""
        found = {subnet.id: subnet for subnet in self.world.estate.subnets}
        new = {entry.id: entry for entry in self.migration.target.new_subnets} if self.migration.target else {}
        for deed in self._done_in_order(Operation.DELETE_SUBNET, Operation.CREATE_SUBNET):
            name = deed.step.thing or ""
            subnet = found.get(name)
            if deed.step.do is Operation.DELETE_SUBNET:
                if subnet is not None:
                    found[name] = subnet.model_copy(update={"zone": None})
                continue
            zone = self.world.tree.at_level(deed.at, "zone") if deed.at is not None else None
            place = self.world.tree.nodes[zone].id if zone is not None else None
            cidr = deed.step.cidr or (subnet.cidr if subnet is not None else None)
            if subnet is not None:
                prefix = None if cidr is not None else subnet.prefix
                found[name] = subnet.model_copy(update={"zone": place, "cidr": cidr, "prefix": prefix})
            elif name in new:
                found[name] = Subnet(id=name, vpc=new[name].vpc, cidr=cidr or new[name].cidr, zone=place)
        return list(found.values())

    def _image(self, image: Image) -> Image:
        regions = list(image.regions)
        for deed in self._done_in_order(Operation.COPY_IMAGE):
            node = deed.at if deed.at is not None else deed.act.target
            if deed.step.thing == image.id and regions and node is not None:
                region = self.world.tree.nodes[self.world.region_of(node)].id
                if region not in regions:
                    regions.append(region)
        return image if regions == image.regions else image.model_copy(update={"regions": regions})

    def _balancers(self) -> list[LoadBalancer]:
        """Return balancers as they serve now: one that was deleted or created anew by its new zones, if any."""
        found = {balancer.id: balancer for balancer in self.world.estate.load_balancers}
        entries = self.migration.target.balancers if self.migration.target is not None else []
        chosen = {entry.balancer: list(entry.zones) for entry in entries}
        for deed in self._done_in_order(Operation.DELETE_BALANCER, Operation.CREATE_BALANCER):
            balancer = found.get(deed.step.thing or "")
            if balancer is None:
                continue
            update: dict[str, Any] = {
                "zones": [],
                "zone_count": len(chosen.get(balancer.id, balancer.zones)) or balancer.zone_count,
            }
            zone = self.world.tree.at_level(deed.at, "zone") if deed.at is not None else None
            if deed.step.do is Operation.CREATE_BALANCER and zone is not None:
                update = {"zones": [self.world.tree.nodes[zone].id]}
                if balancer.id in chosen:
                    update = {"zones": chosen[balancer.id]}
                if balancer.internal:
                    update["subnet"] = deed.act.action.subnet
            found[balancer.id] = balancer.model_copy(update=update)
        return list(found.values())

    def _addresses(self) -> list[Any]:
        """Return addresses with whom they serve, where a standby has taken them over or handed them back."""
        bound = {address.id: address.bound_to for address in self.world.estate.elastic_ips}
        for deed in self._done_in_order(Operation.ASSOCIATE_ADDRESS):
            name, action = deed.step.thing or "", deed.act.action
            if action.kind == "takeover" and name in bound:
                bound[name] = None if bound[name] is not None else action.takes_over
        return [
            address
            if address.bound_to == bound[address.id]
            else address.model_copy(update={"bound_to": bound[address.id]})
            for address in self.world.estate.elastic_ips
        ]

    def _disks(self) -> list[Disk]:
        """Return disks where they are now: a copied, restored or retyped one is where its instance has arrived."""
        found = {disk.id: disk for disk in self.world.estate.disks}
        nodes = self.world.tree.nodes
        for deed in self._done_in_order(Operation.COPY_DISK, Operation.RESTORE_DISK, Operation.RETYPE_VOLUME):
            disk, target = found.get(deed.step.thing or ""), deed.act.target
            if disk is None or target is None or not self._is_done(deed.act.first("runs")):
                continue
            region = self.world.tree.at_level(target, "region")
            update: dict[str, Any] = {}
            if disk.zone is not None:
                update["zone"] = nodes[self.world.zone_of(target)].id
            if disk.region is not None and region is not None:
                update["region"] = nodes[region].id
            found[disk.id] = disk.model_copy(update=update)
        return list(found.values())

    def _done_in_order(self, *operations: Operation) -> list[Deed]:
        found = [d for d in self.cast.deeds if d.step.do in operations and self._is_done(d)]
        return sorted(found, key=lambda d: (d.end, d.index))
