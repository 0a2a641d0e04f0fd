"""A provider as data: what it has, what it is called, and how far each thing reaches."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field

from zonewright.models.base import Name, Record, Source, Text
from zonewright.models.recipes import Recipe
from zonewright.models.resources import Flavour, Kind
from zonewright.models.topology import Client, Domain, Latency, Link, TrafficPrice


class Scope(StrEnum):
    """How far a resource reaches."""

    GLOBAL = "global"
    REGIONAL = "regional"
    ZONAL = "zonal"
    NONE = "none"
    """The provider does not say, or it does not matter."""


class Product(Record):
    """Something instances are bought as."""

    id: Name
    kind: Kind
    name: Text | None = None
    source: Source


class ResourceKind(Record):
    """One kind of resource: its scope, its identifiers, the service it needs."""

    kind: Name
    """`instance`, `image`, `elastic_ip`, `security_group`, `disk`, `snapshot`, `load_balancer`, `vpc`,
    `subnet`, `route_table`, `key_pair`, `account` or another."""
    scope: Scope
    id_prefix: Text | None = None
    """Identifiers look like this prefix, a hyphen and eight letters or digits."""
    aliases: list[Text] = []
    """Other prefixes in use for the same kind."""
    service: Name | None = None
    """The service that a region must provide for it."""
    source: Source


class BalancerKind(Record):
    """One kind of load balancer."""

    kind: Name
    scope: Scope
    binds: list[Name]
    """Products whose instances it can have behind it."""
    switch_by_provider: bool = False
    """The provider moves it between its zones by itself."""
    source: Source


class Networking(Record):
    """Who reaches whom over private addresses."""

    within_region: bool = True
    across_regions: bool = False
    """By default; peering and interconnection are data of the estate."""
    peering: bool = False
    """Networks in different regions can be peered."""
    interconnection_on_request: bool = False
    across_accounts: bool = False
    public_between_regions: bool = True
    source: Source


class Addressing(Record):
    """What a subnet keeps for itself."""

    reserved_per_subnet: Annotated[int, Field(ge=0, le=100)] = 0
    source: Source


class Fact(Record):
    """A fact that bears on placement and needs no field of its own: advice, procedures, limits."""

    id: Name
    about: Name
    """What it is about: `migration`, `advice`, `failure`, `network`, ..."""
    holds: dict[Name, bool | int | float | Text | list[Text]]
    """The fact itself, as data."""
    source: Source


class Catalogue(Record):
    """Everything the product knows of one provider's product, each entry with its source."""

    catalogue: Name
    """The name an estate refers to it by."""
    provider: Name
    name: Text | None = None
    documents: dict[Name, Text] = {}
    """Short names of the documents that `source` entries cite, with their titles."""
    products: list[Product] = []
    regions: list[Domain] = []
    zones: list[Domain] = []
    racks: list[Domain] = []
    hosts: list[Domain] = []
    domains: list[Domain] = []
    resource_kinds: list[ResourceKind] = []
    balancers: list[BalancerKind] = []
    networking: Networking | None = None
    addressing: Addressing | None = None
    latencies: list[Latency] = []
    links: list[Link] = []
    traffic_prices: list[TrafficPrice] = []
    clients: list[Client] = []
    flavours: list[Flavour] = []
    facts: list[Fact] = []
    recipes: list[Recipe] = []


def shipped_catalogues() -> tuple[str, ...]:
    """Return the names of the catalogues that ship with the product."""
    folder = resources.files("zonewright.models.catalogues")
    return tuple(sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".yaml")))


@cache
def shipped_catalogue(name: str) -> Catalogue:
    """Return a catalogue that ships with the product."""
    from zonewright.models.reading import parse_yaml, validate

    text = (resources.files("zonewright.models.catalogues") / f"{name}.yaml").read_text("utf-8")
    document = parse_yaml(text, f"{name}.yaml")
    return validate(Catalogue, document)
