"""Which sites a unit may use at all: states, entitlements, services, scopes, allowed domains, pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from zonewright.models.base import Member, Name, Text
from zonewright.models.catalogue import Scope
from zonewright.models.rules.base import GroupRule, ReachRule
from zonewright.models.topology import Provision, State
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


class ZoneState(ReachRule):
    """Nothing enters a zone that is not open for the product; nothing is where it cannot run."""

    rule: Literal["zone_state"] = "zone_state"
    implicit: ClassVar[bool] = True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the state that forbids it."""
        state = world.tree.state(site, unit.product)
        if state is State.OPEN:
            return None
        if not entering and state in (State.SOLD_OUT, State.DRAINING, State.SUSPECT):
            return "has to be left" if world.tree.must_leave(site) else None
        if state is State.COMING_SOON and not _lists(world, site, unit.product):
            return f"does not offer {unit.product}"
        return f"is {state.value.replace('_', ' ')} for {unit.product}"

    def domain_of(self, world: World, site: int) -> int:
        """Name the zone."""
        return world.zone_of(site)


def _lists(world: World, site: int, product: str) -> bool:
    """Return whether every domain that lists products lists this one."""
    stated = [world.tree.nodes[a].domain.states for a in world.tree.nodes[site].ancestors]
    return all(product in states for states in stated if states)


class Entitlement(ReachRule):
    """Only accounts with the entitlement use a zone that requires it."""

    rule: Literal["entitlement"] = "entitlement"
    implicit: ClassVar[bool] = True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the entitlement that is missing."""
        held = world.accounts[unit.account].entitlements
        for ancestor in world.tree.nodes[site].ancestors:
            for needed in world.tree.nodes[ancestor].domain.requires:
                if needed not in held:
                    return f"account {unit.account} lacks the entitlement {needed}"
        return None

    def domain_of(self, world: World, site: int) -> int:
        """Name the zone."""
        return world.zone_of(site)


class Compatibility(ReachRule):
    """A pool takes only its flavour families; an instance tied to a CPU model only such hosts."""

    rule: Literal["compatibility"] = "compatibility"
    implicit: ClassVar[bool] = True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return what does not fit."""
        node = world.tree.nodes[site]
        for ancestor in node.ancestors:
            families = world.tree.nodes[ancestor].domain.families
            family = unit.flavour.family if unit.flavour else None
            if families and family not in families:
                return f"takes only {', '.join(families)}"
        wanted = unit.movability.cpu_model
        if wanted is not None and "cpu_model" in node.labels and node.labels["cpu_model"] != wanted:
            return f"has CPU model {node.labels['cpu_model']}, {wanted} is needed"
        return None


class ServiceAvailability(ReachRule):
    """A region provides the services that a group and what it hangs on need."""

    rule: Literal["service_availability"] = "service_availability"
    implicit: ClassVar[bool] = True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the service that the region is known to lack. What is not stated is an assumption."""
        for service in services_needed(world, unit):
            if world.tree.service(site, service) is Provision.MISSING:
                return f"{service} is missing here"
        return None

    def domain_of(self, world: World, site: int) -> int:
        """Name the region."""
        return world.home_of(site)


def services_needed(world: World, unit: Unit) -> list[str]:
    """Return the services a unit asks for, and those its disks, snapshots and images imply."""
    needed = list(world.groups[unit.group].needs_services)
    for kind, names in (
        ("disk", unit.disks),
        ("snapshot", unit.snapshots),
        ("elastic_ip", unit.elastic_ips),
        ("image", (unit.image,) if unit.image else ()),
    ):
        entry = world.resource_kind(unit.product, kind)
        if names and entry and entry.service:
            needed.append(entry.service)
    return needed


#: Kinds that hold nobody in a domain that has to be left.
_LEFT_BEHIND = ("disk", "elastic_ip")


class ScopeOfAttachments(ReachRule):
    """What an instance hangs on is where the catalogue's scope lets it be used, in the same account.

    A disk whose home has to be left is copied or restored elsewhere, a public address of it stays behind: they
    hold nobody there.
    """

    rule: Literal["scope"] = "scope"
    implicit: ClassVar[bool] = True

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the attachment that cannot be used at the site."""
        region = world.tree.nodes[world.region_of(site)].id
        zone = world.tree.nodes[world.zone_of(site)].id
        if unit.image is not None:
            image = world.images[unit.image]
            if image.account not in (None, unit.account):
                return f"image {image.id} belongs to account {image.account}"
            away = image.regions and region not in image.regions
            copies = image.copy_allowed and not all(world.tree.is_lost(home) for home in image.regions)
            if away and not copies and world.scope(unit.product, "image") is not Scope.GLOBAL:
                return f"image {image.id} is not in {region}"
        for kind, names in (
            ("disk", unit.disks),
            ("elastic_ip", unit.elastic_ips),
            ("security_group", unit.security_groups),
            ("key_pair", unit.key_pairs),
            ("route_table", (unit.route_table,) if unit.route_table else ()),
        ):
            scope = world.scope(unit.product, kind)
            for name in names:
                thing = world.attachables[kind][name]
                words = kind.replace("_", " ")
                if thing.account not in (None, unit.account):
                    return f"{words} {name} belongs to account {thing.account}"
                if scope is Scope.GLOBAL or scope is Scope.NONE:
                    continue
                homes = [(thing.region, region)] + ([(thing.zone, zone)] if scope is Scope.ZONAL else [])
                for home, here in homes:
                    if home not in (None, here) and not (kind in _LEFT_BEHIND and world.tree.is_left(str(home))):
                        return f"{words} {name} is in {home}"
        return None


class Domains(ReachRule):
    """The groups stay inside allowed domains and outside forbidden ones."""

    rule: Literal["domains"]
    allow: list[Name] = []
    """Only in these (and what is in them)."""
    forbid: list[Name] = []
    allow_labels: dict[Name, list[Text] | Text] = {}
    """Only on sites whose label has one of these values."""
    forbid_labels: dict[Name, list[Text] | Text] = {}

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.allow or self.forbid or self.allow_labels or self.forbid_labels):
            raise ValueError("asks for nothing: give allow, forbid, allow_labels or forbid_labels")
        return self

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return why the site is not allowed."""
        if unit.group not in _selected(self, world):
            return None
        node = world.tree.nodes[site]
        names = {world.tree.nodes[a].id for a in node.ancestors}
        if self.allow and not names & set(self.allow):
            return f"only {', '.join(self.allow)} is allowed"
        barred = names & set(self.forbid)
        if barred:
            return f"{', '.join(sorted(barred))} is forbidden"
        for label, values in self.allow_labels.items():
            if node.labels.get(label) not in ([values] if isinstance(values, str) else values):
                return f"label {label} is {node.labels.get(label, 'missing')}"
        for label, values in self.forbid_labels.items():
            if label in node.labels and node.labels[label] in ([values] if isinstance(values, str) else values):
                return f"label {label} is {node.labels[label]}"
        return None


class Residency(ReachRule):
    """The groups, their copies and their disks stay in certain countries."""

    rule: Literal["residency"]
    countries: list[Name]

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return the country that is not allowed."""
        if unit.group not in _selected(self, world):
            return None
        country = world.tree.nodes[world.home_of(site)].domain.country
        if country in self.countries:
            return None
        return f"is in {country or 'a country not stated'}, only {', '.join(self.countries)} is allowed"

    def domain_of(self, world: World, site: int) -> int:
        """Name the region."""
        return world.home_of(site)

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield instances, disks and snapshots outside the countries."""
        yield from super().violations(view, label)
        world = view.world
        for group in self.selected(world):
            things = [("disk", n) for u in world.units_of[group] for n in u.disks]
            things += [("snapshot", n) for u in world.units_of[group] for n in u.snapshots]
            for kind, name in dict.fromkeys(things):
                region = world.attachables[kind][name].region
                if region is None or region not in world.tree.by_id:
                    continue
                country = world.tree.nodes[world.tree.by_id[region]].domain.country
                if country not in self.countries:
                    yield self.broken(label, group, region, 1, f"{kind} {name} is in {country or region}")


class Pin(GroupRule):
    """Instances stay where they are today, or in one domain."""

    rule: Literal["pin"]
    instances: list[Member] = []
    """Only these named instances of the groups."""
    domain: Name | None = None
    """Stay in this domain; by default at the site where each is today."""

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield instances that left; amount in instances."""
        world = view.world
        concerned = set(self.selected(world))
        if self.domain is not None:
            inside = set(world.tree.sites_under[world.tree.by_id[self.domain]])
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            if unit.group not in concerned or (self.instances and unit.name not in self.instances):
                continue
            if self.domain is not None:
                outside = {site: n for site, n in sites.items() if site not in inside}
                for site, count in outside.items():
                    yield self.broken(
                        label, unit.group, view.node_name(site), count, f"is to stay in {self.domain}"
                    )
                continue
            yield from left_behind(self, view, label, unit, sites)


def left_behind(rule: GroupRule, view: View, label: str, unit: Unit, sites: dict[int, int]) -> Iterator[Violation]:
    """Yield how many pinned instances of a unit are elsewhere than today.

    Of `count` instances only those that have no place today may be put elsewhere: their number is
    `count` less what is placed today.
    """
    away = sum(n - min(n, unit.current.get(s, 0)) for s, n in sites.items())
    excess = away - (unit.count - sum(unit.current.values()))
    if excess > 0 and unit.current:
        left = max(unit.current, key=lambda s: (unit.current[s] - sites.get(s, 0), view.node_name(s)))
        yield rule.broken(label, unit.group, view.node_name(left), excess, f"{excess} pinned here moved away")


class Pinned(GroupRule):
    """Instances marked `pinned` stay at the site where they are today."""

    rule: Literal["pinned"] = "pinned"
    implicit: ClassVar[bool] = True

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield pinned instances that moved."""
        for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
            if unit.pinned:
                yield from left_behind(self, view, label, unit, sites)


def _selected(rule: GroupRule, world: World) -> frozenset[str]:
    """Return the rule's groups, looked up once per world."""
    memo = world.__dict__.setdefault("_selected_memo", {})
    found = memo.get(id(rule))
    if found is None:
        found = memo[id(rule)] = (frozenset(rule.selected(world)), rule)
    return found[0]  # type: ignore[no-any-return]
