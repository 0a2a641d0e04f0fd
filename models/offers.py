"""What can be bought, what was bought, and how demand is expected to grow: data for planning capacity."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from zonewright.models.base import Name, Record, Text
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import Amount, Amounts, Count, Money, to_money
from zonewright.models.topology import Stocks

if TYPE_CHECKING:
    from zonewright.models.world import World

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _written_out(value: Any) -> Any:
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("should be a day, such as 2027-01-31")
    return value


#: A day: 2027-01-31.
Day = Annotated[date, BeforeValidator(_written_out)]


class OfferedHost(Record):
    """One host of a type that is for sale; what the fields mean is said of domains."""

    capacity: Stocks = {}
    """What one host has, by resource; a resource that is not listed has no limit on it."""
    flavours: Stocks = {}
    """How many of a flavour fit on one, where that is said by flavour."""
    most_instances: Count | None = None
    """At most this many instances on one, whatever their size."""
    overcommit: dict[str, Annotated[float, Field(gt=0, le=100)]] = {}
    """Factor by resource: usable is the floor of (stock - reserve) x factor."""
    reserve: Amounts = {}
    """Set aside by resource."""
    labels: dict[Name, Text] = {}
    """Labels that each gets, beside those of its zone."""
    families: list[Name] = []
    """Takes only flavours of these families."""
    price: dict[str, Money] = {}
    """What instances on it cost per month, by unit of a resource: not what the host costs."""
    open_cost: Money = 0.0
    """Cost per month once anything is on it."""
    failures_per_year: Annotated[float, Field(ge=0, le=1000)] | None = None
    """How often one fails."""
    hours_to_repair: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """How long a failure lasts."""


class Offer(Record):
    """Something that can be bought: a host, stock of a flavour or of resources, quota, or a zone's opening.

    It says what one unit is by exactly one of `host`, `flavour`, `capacity`, `quota` and `opens`.
    """

    id: Name
    """Unique among the offers; hosts that are bought are called after it."""
    name: Text | None = None
    """What people call it."""
    host: OfferedHost | None = None
    """One more host of this type."""
    flavour: Name | None = None
    """One more instance of this flavour in a zone's stock."""
    capacity: Amounts = {}
    """So much more of these resources for a zone (or a host, or a rack) as a whole."""
    quota: Name | None = None
    """The quota with this identifier is raised by `step`."""
    opens: bool = False
    """The zone is opened: products that are sold out or coming soon there become open."""
    stock: Literal["owned", "reserved"] = "reserved"
    """What bought flavours and resources are; either counts when a domain is lost."""
    step: Annotated[int, Field(ge=1, le=10**12)] = 1
    """Quota: by how much one unit raises it."""
    zones: list[Name] = []
    """Where it is offered: zones, or whatever domains the hosts are to be in."""
    price: Money = 0.0
    """Of one unit, per month."""
    prices: dict[Name, Money] = {}
    """Of one unit, per month, where a zone has a price of its own."""
    lot: Annotated[int, Field(ge=1, le=100_000_000)] = 1
    """Sold in lots of so many units."""
    most: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    """At most so many units in each zone."""
    lead_days: Annotated[int, Field(ge=0, le=10_000)] = 0
    """From the order until it can be used."""
    available_from: Day | None = None
    """It cannot be used before this day."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        parts = (self.host is not None, self.flavour is not None, bool(self.capacity), self.quota is not None)
        if sum((*parts, self.opens)) != 1:
            raise ValueError("needs exactly one of host, flavour, capacity, quota and opens")
        if self.quota is not None and self.zones:
            raise ValueError("names zones, but a quota counts in its own domain")
        if self.quota is None and not self.zones:
            raise ValueError("needs the zones where it is offered")
        if len(set(self.zones)) != len(self.zones):
            raise ValueError("names one zone twice")
        return self

    @property
    def kind(self) -> Literal["host", "flavour", "capacity", "quota", "zone"]:
        """What it is for."""
        if self.host is not None:
            return "host"
        if self.flavour is not None:
            return "flavour"
        if self.capacity:
            return "capacity"
        return "quota" if self.quota is not None else "zone"

    @property
    def places(self) -> list[str | None]:
        """Where it is offered, None once for a quota."""
        return list(self.zones) or [None]

    def price_in(self, zone: str | None) -> int:
        """Return the price of one unit per month in a zone, in ten-thousandths."""
        return to_money(self.prices.get(zone, self.price) if zone is not None else self.price)

    def most_units(self) -> int | None:
        """Return the most units for one zone, in whole lots; None without a limit."""
        most = 1 if self.opens else self.most
        return None if most is None else most - most % self.lot


class Expected(Record):
    """What is expected of some groups from a day on."""

    date: Day
    """From this day until the next entry for the same group."""
    groups: list[Name] | Literal["*"] = "*"
    """Names of groups, or `"*"` for all that no other entry of the same day names."""
    factor: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """So many times as many instances as the estate says, rounded up."""
    count: Count | None = None
    """So many instances, of each of the groups."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.factor is None) == (self.count is None):
            raise ValueError("needs exactly one of factor and count")
        if self.groups == "*" and self.count is not None:
            raise ValueError("gives one count for all groups: name the groups, or give a factor")
        return self


class Purchase(Record):
    """Units of one offer for one zone."""

    offer: Name
    """What was bought."""
    zone: Name | None = None
    """None for a quota."""
    count: Annotated[int, Field(ge=1, le=100_000_000)]
    """How many units."""
    cost: Amount = 0
    """Of all of them, per month, in ten-thousandths."""
    lead_days: Annotated[int, Field(ge=0, le=10_000)] = 0
    """From the order until it can be used."""
    needed_by: Day | None = None
    """The first day of the forecast that does not fit without it."""
    order_by: Day | None = None
    """The last day to order it."""


def check_offers(world: World) -> None:
    """Raise InputError at the first offer or forecast entry that does not fit the estate."""
    known: set[str] = set()
    for position, offer in enumerate(world.estate.offers):
        path = ("offers", position)
        if offer.id in known:
            raise InputError(f"{offer.id} is given twice", path=(*path, "id"))
        known.add(offer.id)
        _check_offer(world, offer, path)
    for position, expected in enumerate(world.estate.forecast):
        names = [] if expected.groups == "*" else expected.groups
        for number, name in enumerate(names):
            if name not in world.groups:
                what = f"unknown group {name}.{maybe(name, world.groups)}"
                raise InputError(what, path=("forecast", position, "groups", number))


def _check_offer(world: World, offer: Offer, path: tuple[str | int, ...]) -> None:
    for name in offer.prices:
        if name not in offer.zones:
            raise InputError(f"{name} is none of its zones.{maybe(name, offer.zones)}", path=(*path, "prices"))
    named = {**offer.capacity, **({**offer.host.capacity, **offer.host.reserve} if offer.host else {})}
    for resource in named:
        if resource not in world.estate.known_resources:
            near = maybe(resource, world.estate.known_resources)
            raise InputError(f"unknown resource {resource}.{near}", path=(*path, "capacity"))
    for flavour in (*([offer.flavour] if offer.flavour else ()), *(offer.host.flavours if offer.host else ())):
        if flavour not in world.flavours:
            raise InputError(f"unknown flavour {flavour}.{maybe(flavour, world.flavours)}", path=path)
    if offer.quota is not None:
        quotas = [r.id for r in world.estate.rules if r.rule == "quota" and r.id is not None]
        if offer.quota not in quotas:
            hint = maybe(offer.quota, quotas) or " Give the quota an id"
            raise InputError(f"unknown quota {offer.quota}.{hint}", path=(*path, "quota"))
    for number, zone in enumerate(offer.zones):
        at = (*path, "zones", number)
        index = world.tree.require(zone, at)
        _check_place(world, offer, index, at)


def _check_place(world: World, offer: Offer, index: int, path: tuple[str | int, ...]) -> None:
    """Raise InputError where a unit of the offer would mean nothing in a domain."""
    node = world.tree.nodes[index]
    levels = world.tree.levels
    if offer.host is not None:
        if "host" not in levels or levels.index(node.level) >= levels.index("host"):
            raise InputError(f"no host can be in {node.id}, a {node.level}", path=path)
        if not world.tree.children[index] and (node.domain.capacity or node.domain.flavours):
            what = f"{node.id} hides its hosts: instances are put in the {node.level} itself"
            raise InputError(f"{what}. Offer its flavours or capacity instead", path=path)
    if offer.flavour is not None and offer.flavour not in node.domain.flavours:
        what = f"{node.id} states no stock of {offer.flavour}, so there is no limit to raise"
        raise InputError(what, path=path)
    for resource in offer.capacity:
        if resource not in node.domain.capacity:
            what = f"{node.id} states no capacity of {resource}, so there is no limit to raise"
            raise InputError(what, path=path)


__all__ = ["Day", "Expected", "Offer", "OfferedHost", "Purchase", "check_offers"]
