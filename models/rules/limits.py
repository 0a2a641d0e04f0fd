"""Sums against a limit: capacity, load, quota, budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Name
from zonewright.models.quantities import MONEY, Amount, Money, Share, as_fraction, to_money
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.tree import Node
from zonewright.models.view import View, Violation, priced_cost


class Capacity(Rule):
    """No domain holds more than it has: of any resource, of any flavour, of instances.

    After an evacuation that does not count what is on offer, a domain holds at most what is owned and
    reserved there, or what survived there already where that is more: survivors keep what they have
    bought, and nothing arrives on top of it.
    """

    rule: Literal["capacity"] = "capacity"
    implicit: ClassVar[bool] = True

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every domain and resource above its limit."""
        resources, flavours, instances = view.usage.resources, view.usage.flavours, view.usage.instances
        firm = view.base is not None and not view.on_offer
        kept, kept_flavours = (view.kept.resources, view.kept.flavours) if firm else ({}, {})
        for node in view.world.tree.nodes:
            if firm and resources.get(node.index) is kept.get(node.index) and node.domain.most_instances is None:
                continue  # Nobody arrived there, and survivors keep what they have.
            for resource, used in resources.get(node.index, {}).items():
                limit = node.usable(resource, firm=firm)
                if limit is not None and firm:
                    limit = max(limit, kept.get(node.index, {}).get(resource, 0))
                if limit is not None and used > limit:
                    yield self.broken(
                        label, None, node.id, used - limit, f"{resource}: {used} used, {limit} usable", resource
                    )
            for flavour, used in flavours.get(node.index, {}).items():
                limit = node.usable_flavour(flavour, firm=firm)
                if limit is not None and firm:
                    limit = max(limit, kept_flavours.get(node.index, {}).get(flavour, 0))
                if limit is not None and used > limit:
                    yield self.broken(
                        label, None, node.id, used - limit, f"{flavour}: {used} used, {limit} in stock", flavour
                    )
            most, count = node.domain.most_instances, instances.get(node.index, 0)
            if most is not None and count > most:
                yield self.broken(label, None, node.id, count - most, f"{count} instances, at most {most}")


class Load(Rule):
    """No more than a share of the capacity of each domain of a level is used, or than the domain calls safe.

    Of all its capacity: owned, reserved and on offer.
    """

    rule: Literal["load"]
    level: Name
    resources: list[Name] = []
    """By default every resource that the domains have."""
    most_share: Share | None = None
    """The largest share of the usable capacity, rounded down; by default each domain's `safe` counts."""

    def counts(self, resource: str) -> bool:
        """Return whether the rule is about a resource."""
        return not self.resources or resource in self.resources

    def limited(self, node: Node) -> Iterable[str]:
        """Return the resources that the rule limits in a domain."""
        listed = node.domain.safe if self.most_share is None else node.domain.capacity
        return [resource for resource in listed if self.counts(resource)]

    def limit(self, node: Node, resource: str) -> int | None:
        """Return how much of a resource a domain should hold at most, None where the rule sets no limit."""
        if not self.counts(resource):
            return None
        if self.most_share is None:
            return node.domain.safe.get(resource)
        usable = node.usable(resource)
        return None if usable is None else int(usable * as_fraction(self.most_share))

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every domain and resource above the limit; amount in the resource's unit."""
        resources = view.usage.resources
        for index in view.world.tree.domains_at(self.level):
            node = view.world.tree.nodes[index]
            for resource, used in resources.get(index, {}).items():
                limit = self.limit(node, resource)
                if limit is not None and used > limit:
                    yield self.broken(
                        label, None, node.id, used - limit, f"{resource}: {used} used, {limit} wanted", resource
                    )


class FreeRatio(Rule):
    """What is free of one resource is matched by enough of another, so that neither is left over.

    In each domain of a level that has both.
    """

    rule: Literal["free_ratio"]
    level: Name = "host"
    resource: Name
    """Each free unit of this resource asks for company."""
    ratio: Annotated[int, Field(ge=1, le=1_000_000)]
    """So many free units of the other are asked for each."""
    beside: Name
    """The other resource."""

    in_events: ClassVar[bool] = False

    @model_validator(mode="after")
    def _two_resources(self) -> Self:
        if self.resource == self.beside:
            raise ValueError("needs two different resources")
        return self

    def usable(self, node: Node) -> tuple[int, int] | None:
        """Return what a domain has of both, None where it does not have both."""
        first, second = node.usable(self.resource), node.usable(self.beside)
        return None if first is None or second is None else (first, second)

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every domain that lacks free units of the second resource; amount in its unit."""
        if view.base is not None:
            return
        for index in view.world.tree.domains_at(self.level):
            node = view.world.tree.nodes[index]
            usable = self.usable(node)
            if usable is None:
                continue
            used = view.usage.resources.get(index, {})
            free = usable[0] - used.get(self.resource, 0)
            beside = usable[1] - used.get(self.beside, 0)
            if self.ratio * free > beside:
                message = f"{beside} {self.beside} free beside {free} {self.resource}, {self.ratio} times it asked"
                yield self.broken(label, None, node.id, self.ratio * free - beside, message)


class Quota(GroupRule):
    """At most so many instances, or so much of a resource, in a domain."""

    rule: Literal["quota"]
    domain: Name | None = None
    """By default everywhere."""
    account: Name | None = None
    product: Name | None = None
    resource: Name | None = None
    """Count this resource; by default instances."""
    flavour: Name | None = None
    """Count instances of this flavour only."""
    most: Amount

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if self.resource and self.flavour:
            raise ValueError("counts either a resource or a flavour")
        return self

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield the excess over the quota."""
        world = view.world
        inside = set(world.tree.sites_under[world.tree.by_id[self.domain]]) if self.domain else None
        concerned = set(self.selected(world))
        used = 0
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            if unit.group not in concerned or (self.account and unit.account != self.account):
                continue
            if self.product and unit.product != self.product:
                continue
            if self.flavour and (unit.flavour is None or unit.flavour.id != self.flavour):
                continue
            each = unit.demand.get(self.resource, 0) if self.resource else 1
            used += each * sum(n for site, n in sites.items() if inside is None or site in inside)
        if used > self.most:
            what = self.resource or self.flavour or "instances"
            yield self.broken(
                label, None, self.domain, used - self.most, f"{what}: {used} used, quota {self.most}"
            )


class Budget(GroupRule):
    """Instances cost at most so much per month."""

    rule: Literal["budget"]
    per_month: Money
    domain: Name | None = None

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield the excess over the budget, in ten-thousandths of the currency."""
        world = view.world
        inside = set(world.tree.sites_under[world.tree.by_id[self.domain]]) if self.domain else None
        concerned = set(self.selected(world))
        cost = 0
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            if unit.group in concerned:
                there = {s: n for s, n in sites.items() if inside is None or s in inside}
                cost += priced_cost(view, unit, there)
        limit = to_money(self.per_month)
        if cost > limit:
            message = f"costs {cost / MONEY:.2f} a month, budget {limit / MONEY:.2f}"
            yield self.broken(label, None, self.domain, cost - limit, message)


Positive = Annotated[int, Field(ge=1, le=100_000_000)]
